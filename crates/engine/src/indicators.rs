//! Indicators of dependence of one importer, year by year: reading, grouping and the order of rows. The figures themselves
//! are those of M7 of docs/method.md, in `reorient_metrics`.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use reorient_core::{GoodsList, Membership, ProductCode, Usd, Year};
use reorient_data::{DataError, InputFile, RowLedger, TradeSource};
use reorient_metrics::{
    Base, Breakdown, IndicatorRow, Indicators, PersistenceRow, Perspective, Pool, persistence, weighted_mean_hhi,
};
use reorient_model::{CountrySet, Market};

use crate::EngineError;
use crate::baseline::Baseline;
use crate::bloc::{Bloc, is_union};
use crate::coverage::{AskedList, Coverage, CoverageStatus, meet};
use crate::lists::Lists;
use crate::prepare::{needs_quantities, read};
use crate::presence::{Named, Present, What, Years, require_goods};
use crate::scenario::{Scenario, ScenarioError, country_set, default_risk, number_note};
use crate::years::{YearChoice, add_rows};

/// What is asked besides the scenario, of which list, risk origins and the counting of codes are used.
#[derive(Debug, Clone, Default)]
pub struct IndicatorQuestion {
    /// A country or a bloc, written like the scenario's `bloc`.
    pub importer: String,
    /// The reference bloc; by default the EU of 27 where the importer lies within it, otherwise the importer itself.
    pub bloc: Option<String>,
    /// Suppliers that shares and concentration are taken over.
    pub base: Base,
    /// One row per product, or per sector, subsector or stage.
    pub breakdown: Breakdown,
    /// Years.
    pub years: YearChoice,
    /// These products, on the list or not; empty for the scenario's list.
    pub products: BTreeSet<ProductCode>,
}

/// Circumstances of one year.
#[derive(Debug, Clone)]
pub struct IndicatorYear {
    /// The year.
    pub year: Year,
    /// Who imports.
    pub importer: Bloc,
    /// The reference bloc.
    pub bloc: Bloc,
    /// How the list met the data; amounts are left unknown.
    pub coverage: Coverage,
}

/// Indicators of all years asked for.
#[derive(Debug)]
pub struct IndicatorResult {
    /// By year, then product, sector, subsector or stage.
    pub rows: Vec<IndicatorRow>,
    /// By name; empty for a single year.
    pub persistence: Vec<PersistenceRow>,
    /// At least one, ascending.
    pub years: Vec<IndicatorYear>,
    /// Files read.
    pub inputs: Vec<InputFile>,
    /// What became of every row, all years together.
    pub ledger: RowLedger,
    /// Sentences on how the question was read and what some years lack of it.
    pub notes: Vec<String>,
}

/// Measures the importer's dependence. `progress` is told after each year.
///
/// # Errors
/// [`EngineError`] when the data or the question do not hold, or a product asked for has no row in any of the years.
pub fn indicators(
    source: &TradeSource,
    scenario: &Scenario,
    question: &IndicatorQuestion,
    progress: &dyn Fn(),
) -> Result<IndicatorResult, EngineError> {
    let years = question.years.resolve(source, scenario)?;
    let mut result = IndicatorResult {
        rows: Vec::new(),
        persistence: Vec::new(),
        years: Vec::new(),
        inputs: Vec::new(),
        ledger: RowLedger::default(),
        notes: scenario.number_notes(source.countries()),
    };
    result.notes.extend(question.importer.split(',').filter_map(|name| number_note("importer", name, source.countries())));
    let (mut named, lists) = (Years::default(), Lists::default());
    let mut absent = question.products.clone();
    for year in &years {
        absent = one_year((source, &lists), scenario, question, *year, absent, &mut result, &mut named)?;
        progress();
    }
    if let Some(product) = absent.first() {
        let problem = format!("product {product} has no row in the years asked for");
        return Err(DataError::Missing { file: source.label().to_owned(), problem }.into());
    }
    result.notes.extend(named.finish(source.countries(), &|_, error| scenario.located(error))?);
    if years.len() > 1 {
        result.persistence = persistence(&result.rows, &years);
    }
    Ok(result)
}

/// Adds one year to the result; returns which of the products are still without a row.
fn one_year(
    (source, lists): (&TradeSource, &Lists),
    scenario: &Scenario,
    question: &IndicatorQuestion,
    year: Year,
    mut absent: BTreeSet<ProductCode>,
    result: &mut IndicatorResult,
    named: &mut Years,
) -> Result<BTreeSet<ProductCode>, EngineError> {
    let countries = source.countries();
    let importer = resolve("importer", &question.importer, scenario, source, year)?;
    let bloc = reference(question, &importer, scenario, source, year)?;
    // Nobody is in a bloc of nobody, so risk origins may overlap with whom they like.
    let nobody = Bloc { name: String::new(), members: Vec::new(), note: None };
    let origins = scenario.resolve_risk(countries, year, &nobody)?;
    let risk = country_set(countries, &origins);

    let some = !question.products.is_empty();
    let asked = if some { AskedList::All } else { AskedList::of(source.revision(), scenario, lists)? };
    let candidates = if some { Some(question.products.clone()) } else { asked.candidates() };
    let mut available = source.products_before(year, candidates.as_ref(), needs_quantities(scenario))?;
    absent.retain(|product| !available.contains(product));
    if some {
        available.retain(|product| question.products.contains(product));
    }
    let (list, coverage) = meet(source.revision(), scenario, asked, &available);
    let trade = read(source, scenario, year, &coverage.wanted())?;
    let (buyers, members) = (country_set(countries, &importer.members), country_set(countries, &bloc.members));
    let baseline = Baseline::new(&trade.table, &buyers);
    baseline.require_world(trade.table.year(), &buyers, source)?;
    let of_bloc = Baseline::new(&trade.table, &members);
    let perspective = Perspective { importer: &buyers, bloc: &members, risk: &risk, base: question.base };

    let listed: Vec<usize> =
        (0..baseline.products().len()).filter(|at| list.goods.contains_key(&baseline.products()[*at])).collect();
    named.add_goods(year, require_goods(source, scenario, year, &coverage));
    // Of single products, nobody's selling or buying any is an answer.
    if let ([member], false) = (importer.members.as_slice(), some) {
        let buyer = Named { key: "importer", what: What::Buyer(*member) };
        named.add(year, [buyer], &Present::new(countries, &listed, &baseline));
    }
    if !some && origins != default_risk() {
        let of_risk = origins.iter().map(|code| Named { key: "risk", what: What::Seller(*code) });
        named.add(year, of_risk, &Present::new(countries, &listed, &baseline));
    }
    let products: Vec<Indicators> =
        listed.par_iter().map(|at| measure(&[baseline.market(*at)], &[of_bloc.market(*at)], perspective)).collect();
    let row = |name: String, description: String, figures: Indicators, parts: &[&Indicators]| IndicatorRow {
        year,
        breakdown: question.breakdown,
        name,
        description,
        importer: importer.name.clone(),
        bloc: bloc.name.clone(),
        base: question.base,
        n_products: parts.iter().filter(|part| part.imports > Usd::ZERO).count(),
        n_products_all_three: parts.iter().filter(|part| part.criteria.is_some_and(|criteria| criteria.all_three())).count(),
        hhi_product_mean: weighted_mean_hhi(parts.iter().copied(), question.base),
        figures,
    };
    if question.breakdown == Breakdown::Product {
        result.rows.extend(listed.iter().zip(&products).map(|(at, figures)| {
            let code = baseline.products()[*at];
            let description = source.description(code).unwrap_or_default().to_owned();
            row(code.to_string(), description, figures.clone(), &[figures])
        }));
    } else {
        let groups = groups(&list, baseline.products(), &listed, question.breakdown);
        let pooled: Vec<IndicatorRow> = groups
            .par_iter()
            .map(|((_, name), places)| {
                let markets: Vec<Market<'_>> = places.iter().map(|place| baseline.market(listed[*place])).collect();
                let to_bloc: Vec<Market<'_>> = places.iter().map(|place| of_bloc.market(listed[*place])).collect();
                let parts: Vec<&Indicators> = places.iter().map(|place| &products[*place]).collect();
                row(name.clone(), String::new(), measure(&markets, &to_bloc, perspective), &parts)
            })
            .collect();
        result.rows.extend(pooled);
    }

    let inputs = [trade.inputs, coverage.from.iter().cloned().collect()].concat();
    add_rows(&mut result.ledger, &mut result.inputs, &trade.ledger, &inputs);
    result.years.push(IndicatorYear { year, importer, bloc, coverage });
    Ok(absent)
}

/// The figures of some markets together; `of_bloc` are the same markets seen from the reference bloc.
fn measure(markets: &[Market<'_>], of_bloc: &[Market<'_>], perspective: Perspective<'_>) -> Indicators {
    let outside = of_bloc.iter().map(|market| sold_outside(market, perspective.importer)).sum();
    match markets {
        [market] => reorient_metrics::indicators(*market, outside, perspective),
        several => reorient_metrics::indicators(Pool::new(several.iter().copied()).market(), outside, perspective),
    }
}

/// What the importer sells to buyers outside the bloc from which the market is seen.
fn sold_outside(of_bloc: &Market<'_>, importer: &CountrySet) -> Usd {
    let sold = of_bloc.exporters.iter().zip(of_bloc.world_exports.iter().zip(of_bloc.imports));
    sold.filter(|(country, _)| importer.contains(**country)).map(|(_, (all, inside))| *all - *inside).sum()
}

/// Positions in `listed` by group, in the order of sectors and stages, subsectors by name. A product counts once in a group.
fn groups(
    list: &GoodsList,
    products: &[ProductCode],
    listed: &[usize],
    breakdown: Breakdown,
) -> Vec<((u8, String), BTreeSet<usize>)> {
    let key = |place: &Membership| match breakdown {
        Breakdown::Sector => (place.sector as u8, place.sector.name().to_owned()),
        Breakdown::Stage => (place.stage as u8, place.stage.name().to_owned()),
        Breakdown::Subsector | Breakdown::Product => (0, place.subsector.to_string()),
    };
    let mut groups: BTreeMap<(u8, String), BTreeSet<usize>> = BTreeMap::new();
    for (position, at) in listed.iter().enumerate() {
        for place in list.goods.get(&products[*at]).into_iter().flatten() {
            groups.entry(key(place)).or_default().insert(position);
        }
    }
    groups.into_iter().collect()
}

/// A country or bloc under the scenario's counting of codes; `key` is what messages call it.
fn resolve(key: &str, text: &str, scenario: &Scenario, source: &TradeSource, year: Year) -> Result<Bloc, ScenarioError> {
    let asked = Scenario { bloc: text.to_owned(), ..scenario.clone() };
    asked.resolve_bloc(source.countries(), year).map_err(|error| match error {
        ScenarioError::Value { value, expected, .. } => ScenarioError::Value { key: key.to_owned(), expected, value },
        other => other,
    })
}

/// The reference bloc.
fn reference(
    question: &IndicatorQuestion,
    importer: &Bloc,
    scenario: &Scenario,
    source: &TradeSource,
    year: Year,
) -> Result<Bloc, ScenarioError> {
    if let Some(text) = &question.bloc {
        return resolve("bloc", text, scenario, source, year);
    }
    if is_union(&importer.name) {
        return Ok(importer.clone());
    }
    let union = resolve("bloc", "EU27", scenario, source, year)?;
    Ok(if importer.members.iter().all(|member| union.members.contains(member)) { union } else { importer.clone() })
}

impl IndicatorResult {
    /// Codes of the list with a status in any of the years, ascending.
    pub fn codes(&self, status: CoverageStatus) -> BTreeSet<ProductCode> {
        self.years.iter().flat_map(|year| year.coverage.of(status).map(|row| row.code)).collect()
    }
}
