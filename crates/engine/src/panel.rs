//! The same question year by year, in one pass over the years: "Panel" under step M8 of docs/method.md.

use std::collections::{BTreeMap, BTreeSet};

use reorient_core::{CountryIndex, ProductCode, Year, years_in_words};
use reorient_data::{InputFile, RowLedger, TradeSource};
use reorient_metrics::{Detail, PanelYear};
use reorient_model::{CountrySet, NanoUsd};

use crate::EngineError;
use crate::bloc::Bloc;
use crate::collect::collect;
use crate::coverage::{Coverage, CoverageStatus};
use crate::pipeline::{TABLE_A1_ROWS, require_solver};
use crate::prepare::Session;
use crate::presence;
use crate::scenario::Scenario;
use crate::sweep::{ASKS, ResultKey};
use crate::years::{YearChoice, add_rows};

/// Circumstances of one year.
#[derive(Debug, Clone)]
pub struct PanelYearContext {
    /// The year.
    pub year: Year,
    /// The bloc with its members in this year.
    pub bloc: Bloc,
    /// How the list met the data, with amounts.
    pub coverage: Coverage,
}

/// What a panel hands over to report writers.
#[derive(Debug)]
pub struct PanelResult {
    /// At least one, ascending.
    pub years: Vec<PanelYear>,
    /// Parallel to `years`.
    pub contexts: Vec<PanelYearContext>,
    /// Resolved scenario of the newest year.
    pub scenario: BTreeMap<String, String>,
    /// The risk origins of the newest year.
    pub risk: CountrySet,
    /// Files read.
    pub inputs: Vec<InputFile>,
    /// What became of every row, all years together.
    pub ledger: RowLedger,
    /// Products without an answer, with the solver's word for it.
    pub unsolved: Vec<(Year, ProductCode, &'static str)>,
    /// Sentences on how the scenario was read, what some years lack of it and what it changes unasked.
    pub notes: Vec<String>,
}

/// Answers the scenario for each year; the figures are those that [`run`](crate::run) gives for the year, to the last bit. The
/// rows of one year are in memory at a time. `progress` is told after each year.
///
/// # Errors
/// [`EngineError`] when the data, the scenario or a certificate does not hold in one of the years.
pub fn panel(
    source: &TradeSource,
    scenario: &Scenario,
    years: &YearChoice,
    progress: &dyn Fn(),
) -> Result<PanelResult, EngineError> {
    require_solver(scenario)?;
    let mut session = Session::passing(source);
    let mut result = PanelResult {
        years: Vec::new(),
        contexts: Vec::new(),
        scenario: BTreeMap::new(),
        risk: CountrySet::new(source.countries().len(), []),
        inputs: Vec::new(),
        ledger: RowLedger::default(),
        unsolved: Vec::new(),
        notes: Vec::new(),
    };
    let countries = source.countries();
    let mut asks = Vec::new();
    let (mut named, mut gaining) = (presence::Years::default(), BTreeMap::<CountryIndex, Vec<(Year, NanoUsd)>>::new());
    for year in years.resolve(source, scenario)? {
        let scenario = scenario.in_year(year);
        let prepared = session.prepare(&scenario)?;
        named.take(source, &scenario, &prepared)?;
        let (products, unsolved) = prepared.answer_all(&scenario, Detail::Range, &|| {})?;
        result.scenario = prepared.resolved_question(&scenario, countries)?;
        asks.extend(result.scenario.get(ASKS).cloned());
        let (dataset, bloc, risk) = (&prepared.dataset, &prepared.bloc, &prepared.policy.risk);
        let collection = collect(products, &dataset.classes, &prepared.members, risk, TABLE_A1_ROWS);
        for (index, gain) in presence::gaining(&collection.products, countries, risk, &prepared.members) {
            gaining.entry(index).or_default().push((year, gain));
        }
        result.years.push(PanelYear::new(year, bloc.name.clone(), bloc.n_countries(year), collection));
        let mut coverage = dataset.coverage.clone();
        coverage.value(&prepared.baseline);
        result.contexts.push(PanelYearContext { year, bloc: bloc.clone(), coverage });
        add_rows(&mut result.ledger, &mut result.inputs, &dataset.ledger, &dataset.inputs);
        result.unsolved.extend(unsolved.into_iter().map(|(product, reason)| (year, product, reason)));
        result.risk.clone_from(risk);
        progress();
    }
    // Of all years together.
    result.scenario.insert(ASKS.to_owned(), ResultKey::of(asks.join("\n").as_bytes()).to_string());
    result.notes = scenario.number_notes(countries);
    result.notes.extend(named.finish(countries, &|_, error| scenario.located(error))?);
    for (index, years) in gaining {
        let Some((newest, gain)) = years.last() else { continue };
        let when = format!(" in {newest}; it gains in {}", years_in_words(years.iter().map(|(year, _)| year)));
        result.notes.push(presence::gaining_note(countries, index, *gain, &when));
    }
    Ok(result)
}

impl PanelResult {
    /// Codes of the list with a status in any of the years, ascending.
    pub fn codes(&self, status: CoverageStatus) -> BTreeSet<ProductCode> {
        self.contexts.iter().flat_map(|year| year.coverage.of(status).map(|row| row.code)).collect()
    }
}
