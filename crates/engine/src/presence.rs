//! What a scenario names and the rows do not have: an option that changes nothing is told, not passed over.

use std::collections::{BTreeMap, BTreeSet};

use reorient_core::{CountryCode, CountryIndex, CountryTable, ProductCode, Year, years_in_words};
use reorient_data::{DataError, TradeSource, is_good_of};
use reorient_metrics::ProductRow;
use reorient_model::{CountrySet, NanoUsd};

use crate::baseline::Baseline;
use crate::bloc::Bloc;
use crate::coverage::Coverage;
use crate::prepare::Prepared;
use crate::scenario::{Scenario, ScenarioError, default_risk};
use crate::{EngineError, ListChoice};

/// Something that a scenario names under one of its keys.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Named {
    pub(crate) key: &'static str,
    pub(crate) what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    /// A country that matters as a seller.
    Seller(CountryCode),
    /// A country that matters as a buyer.
    Buyer(CountryCode),
    Product(ProductCode),
}

/// Who trades the listed goods in the rows that were read.
pub(crate) struct Present<'a> {
    countries: &'a CountryTable,
    baseline: &'a Baseline,
    sellers: CountrySet,
    products: BTreeSet<ProductCode>,
}

impl<'a> Present<'a> {
    /// `baseline` may be that of any bloc.
    pub(crate) fn new(countries: &'a CountryTable, listed: &[usize], baseline: &'a Baseline) -> Self {
        let exporters = listed.iter().flat_map(|position| baseline.market(*position).exporters);
        let seen: BTreeSet<CountryIndex> = exporters.copied().collect();
        let products = listed.iter().map(|position| baseline.products()[*position]).collect();
        Self { countries, baseline, sellers: CountrySet::new(countries.len(), seen), products }
    }

    fn of(countries: &'a CountryTable, prepared: &'a Prepared) -> Self {
        Self::new(countries, &prepared.dataset.listed, &prepared.baseline)
    }

    pub(crate) fn has(&self, what: What) -> bool {
        match what {
            What::Seller(code) => self.countries.index(code).is_some_and(|index| self.sellers.contains(index)),
            What::Buyer(code) => self.countries.index(code).is_some_and(|index| self.baseline.buys(index)),
            What::Product(product) => self.products.contains(&product),
        }
    }
}

impl Named {
    /// Its code, as values are written.
    fn code(&self) -> String {
        match self.what {
            What::Seller(code) | What::Buyer(code) => code.to_string(),
            What::Product(product) => product.to_string(),
        }
    }

    /// What the rows lack of it, with `when` such as `in 2023`.
    fn lack(&self, countries: &CountryTable, when: &str) -> String {
        let name = |code: CountryCode| countries.index(code).map_or("", |index| countries.country(index).name.as_str());
        match self.what {
            What::Seller(code) => format!("{code} ({}) sells none of these goods {when}", name(code)),
            What::Buyer(code) => format!("{code} ({}) buys none of these goods {when}", name(code)),
            What::Product(product) => {
                let known = if is_good_of(None, product) { "" } else { "; no revision of the HS has this code" };
                format!("product {product} has no row among the goods asked for {when}{known}")
            }
        }
    }

    fn told(&self, countries: &CountryTable, when: &str) -> String {
        format!("`{} = {}`: {}: it changes nothing there.", self.key, self.code(), self.lack(countries, when))
    }

    fn refused(&self, countries: &CountryTable, when: &str) -> ScenarioError {
        refused(&[self], countries, when)
    }
}

/// Keys whose names are told but never refused: they say something of goods wherever there are any.
const TOLD_ONLY: [&str; 1] = ["immobile"];

/// The error of what is named under one key.
fn refused(named: &[&Named], countries: &CountryTable, when: &str) -> ScenarioError {
    let joined = |texts: Vec<String>, by: &str| texts.join(by);
    let lacks = joined(named.iter().map(|named| named.lack(countries, when)).collect(), "; ");
    let what = if named.len() == 1 { "it changes nothing: leave it out" } else { "they change nothing: leave them out" };
    let value = joined(named.iter().map(|named| named.code()).collect(), ",");
    let key = named.first().map_or("", |named| named.key).to_owned();
    ScenarioError::Value { key, value, expected: format!("{lacks}; {what}") }
}

/// What somebody named, not what a default names: each once, ascending.
pub(crate) fn named_by(
    scenario: &Scenario,
    countries: &CountryTable,
    year: Year,
    bloc: &Bloc,
) -> Result<Vec<Named>, ScenarioError> {
    let mut named = scenario.named_countries(countries, year, bloc)?;
    let product = |key: &'static str| move |product: &ProductCode| Named { key, what: What::Product(*product) };
    named.extend(scenario.cap_product.keys().map(product("cap-product")));
    named.extend(scenario.immobile.iter().map(product("immobile")));
    named.sort_unstable();
    named.dedup();
    Ok(named)
}

/// Refuses a list of which nothing is in the data.
pub(crate) fn require_goods(
    source: &TradeSource,
    scenario: &Scenario,
    year: Year,
    coverage: &Coverage,
) -> Result<(), EngineError> {
    let Some((list, codes)) = coverage.tried.clone().filter(|_| !coverage.is_matched()) else { return Ok(()) };
    let (codes, products) = (counted(codes, "code"), counted(source.products(year)?.len(), "product"));
    let in_part = coverage.margin().left_out.len();
    let hint = match in_part {
        0 => "look at the codes and at the HS revision of the list".to_owned(),
        1 => format!("one product holds a part of the list and is left out: {}", take_in(scenario)),
        _ => format!("{in_part} products hold a part of the list and are left out: {}", take_in(scenario)),
    };
    let problem = format!("none of your {codes} is in these data ({products} in {year}); {hint}");
    Err(DataError::File { file: list, problem }.into())
}

fn take_in(scenario: &Scenario) -> &'static str {
    if scenario.map == reorient_data::MapRule::All {
        "`map = main` or `map = any` takes it in"
    } else {
        "`map = any` takes it in"
    }
}

fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// What one year's rows lack of what a scenario names, once the list has goods there.
pub(crate) fn lacking(source: &TradeSource, scenario: &Scenario, prepared: &Prepared) -> Result<Vec<Named>, EngineError> {
    let countries = source.countries();
    let named = named_by(scenario, countries, prepared.year, &prepared.bloc).map_err(|error| scenario.located(error))?;
    if named.is_empty() {
        return Ok(named);
    }
    let present = Present::of(countries, prepared);
    Ok(named.into_iter().filter(|named| !present.has(named.what)).collect())
}

/// A single year: whatever is named must have a row, and the list must have goods.
///
/// A product that is looked at on its own is asked with a scenario that was made for a list, so nothing is refused there.
pub(crate) fn require(source: &TradeSource, scenario: &Scenario, prepared: &Prepared) -> Result<(), EngineError> {
    if matches!(scenario.list, ListChoice::One(_)) {
        return Ok(());
    }
    require_goods(source, scenario, prepared.year, &prepared.dataset.coverage)?;
    let lacking = lacking(source, scenario, prepared)?;
    let Some(first) = lacking.iter().find(|named| !TOLD_ONLY.contains(&named.key)) else { return Ok(()) };
    let of_key: Vec<&Named> = lacking.iter().filter(|named| named.key == first.key).collect();
    let refused = refused(&of_key, source.countries(), &format!("in {}", prepared.year));
    Err(scenario.located(refused).into())
}

/// What several years lack, year by year: nothing that is named may be without a row in all of them.
#[derive(Default)]
pub(crate) struct Years {
    asked: BTreeMap<Named, BTreeSet<Year>>,
    lacked: BTreeMap<Named, BTreeSet<Year>>,
    without_goods: BTreeMap<Year, EngineError>,
    with_goods: bool,
}

impl Years {
    /// Takes a year in.
    pub(crate) fn add(&mut self, year: Year, named: impl IntoIterator<Item = Named>, present: &Present<'_>) {
        for named in named {
            if !present.has(named.what) {
                self.lacked.entry(named.clone()).or_default().insert(year);
            }
            self.asked.entry(named).or_default().insert(year);
        }
    }

    /// Takes in whether the list has goods in a year.
    pub(crate) fn add_goods(&mut self, year: Year, goods: Result<(), EngineError>) {
        match goods {
            Ok(()) => self.with_goods = true,
            Err(error) => drop(self.without_goods.insert(year, error)),
        }
    }

    /// As both, of a year that is prepared.
    pub(crate) fn take(&mut self, source: &TradeSource, scenario: &Scenario, prepared: &Prepared) -> Result<(), EngineError> {
        let countries = source.countries();
        self.add_goods(prepared.year, require_goods(source, scenario, prepared.year, &prepared.dataset.coverage));
        let named = named_by(scenario, countries, prepared.year, &prepared.bloc).map_err(|error| scenario.located(error))?;
        self.add(prepared.year, named, &Present::of(countries, prepared));
        Ok(())
    }

    /// Whether anything was lacked so far.
    pub(crate) fn lacks(&self) -> bool {
        !self.lacked.is_empty() || !self.without_goods.is_empty()
    }

    /// A sentence for each thing that some years lack.
    ///
    /// # Errors
    /// [`EngineError`] for what all years lack, that asked for it.
    pub(crate) fn finish(
        mut self,
        countries: &CountryTable,
        located: &dyn Fn(&Named, ScenarioError) -> ScenarioError,
    ) -> Result<Vec<String>, EngineError> {
        if let Some((_, error)) = self.without_goods.pop_first().filter(|_| !self.with_goods) {
            return Err(error);
        }
        let mut notes = Vec::new();
        for (named, years) in &self.lacked {
            let when = format!("in {}", years_in_words(years));
            if self.asked.get(named) == Some(years) && !TOLD_ONLY.contains(&named.key) {
                return Err(located(named, named.refused(countries, &when)).into());
            }
            notes.push(named.told(countries, &when));
        }
        Ok(notes)
    }
}

/// What a reader should know of how the scenario was read: numbers of the United Nations, and what is named and has no row where
/// that is no error.
///
/// # Errors
/// As [`lacking`].
pub(crate) fn notes(source: &TradeSource, scenario: &Scenario, prepared: &Prepared) -> Result<Vec<String>, EngineError> {
    let countries = source.countries();
    let when = format!("in {}", prepared.year);
    let mut notes = scenario.number_notes(countries);
    // A product that is looked at on its own is asked with a scenario that was made for a list.
    if !matches!(scenario.list, ListChoice::One(_)) {
        notes.extend(lacking(source, scenario, prepared)?.iter().map(|named| named.told(countries, &when)));
    }
    Ok(notes)
}

/// As [`notes`], with what the list leaves out and takes in where that is much: of studies, which have no first paragraph of a run.
///
/// # Errors
/// As [`lacking`].
pub(crate) fn notes_of_study(source: &TradeSource, scenario: &Scenario, prepared: &Prepared) -> Result<Vec<String>, EngineError> {
    let mut notes = notes(source, scenario, prepared)?;
    notes.extend(prepared.margin_sentences(source));
    Ok(notes)
}

/// Origins that are risk origins by default, are alternatives here and gain at the declared point.
pub(crate) fn gaining(
    products: &[ProductRow],
    countries: &CountryTable,
    risk: &CountrySet,
    members: &CountrySet,
) -> Vec<(CountryIndex, NanoUsd)> {
    let indices = default_risk().into_iter().filter_map(|code| countries.index(code));
    let alternatives = indices.filter(|index| !risk.contains(*index) && !members.contains(*index));
    let gain = |index: CountryIndex| -> NanoUsd {
        let flows = products.iter().flat_map(|product| &product.flows).filter(|flow| flow.exporter == index);
        flows.map(|flow| flow.optimised - NanoUsd::from(flow.imports)).filter(|gain| *gain > NanoUsd(0)).sum()
    };
    alternatives.map(|index| (index, gain(index))).filter(|(_, gain)| *gain > NanoUsd(0)).collect()
}

/// Whether a country is a risk origin by default.
pub(crate) fn is_default_risk(countries: &CountryTable, index: CountryIndex) -> bool {
    default_risk().contains(&countries.country(index).code)
}

/// An amount in a sentence, in millions or billions of dollars.
pub(crate) fn in_words(amount: NanoUsd) -> String {
    let dollars = amount.to_dollars();
    if dollars < 1e9 { format!("{:.1} M$", dollars / 1e6) } else { format!("{:.1} bn USD", dollars / 1e9) }
}

/// As a sentence.
pub(crate) fn gaining_note(countries: &CountryTable, index: CountryIndex, gain: NanoUsd, when: &str) -> String {
    let country = countries.country(index);
    let (name, code) = (&country.name, country.code);
    let gain = in_words(gain);
    format!(
        "{name} ({code}) is a risk origin by default, but not in this `risk`: it is an alternative and gains {gain}{when}. \
         `--set exclude={code}` keeps it from supplying more."
    )
}
