//! The whole story, in the steps of docs/method.md: read, baseline, scenario, formulate, solve, verify, measure, collect.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use rayon::prelude::*;
use reorient_core::{CountryTable, Membership, ProductCode, Year};
use reorient_data::{InputFile, RowLedger, Trade, TradeSource};
use reorient_metrics::{Collection, Product, ProductRow, collect, measure};
use reorient_model::{CountrySet, Market, Policy, Program, Status, formulate};

use crate::baseline::Baseline;
use crate::bloc::Bloc;
use crate::coverage::{Coverage, list_for};
use crate::scenario::{CHINA, HONG_KONG, HongKong, Scenario, ScenarioError, country_set};
use crate::solver::{Answer, SolverChoice, answer};
use crate::{EngineError, HIGHS_VERSION};

/// Rows in Table A.1.
pub(crate) const TABLE_A1_ROWS: usize = 25;

/// Wall time by step.
#[derive(Debug, Clone, Default)]
pub struct Timings {
    /// Steps in order.
    pub steps: Vec<(&'static str, Duration)>,
}

/// What a run hands over to report writers.
#[derive(Debug)]
pub struct RunResult {
    /// Certified figures.
    pub collection: Collection,
    /// Resolved scenario.
    pub scenario: BTreeMap<String, String>,
    /// The bloc.
    pub bloc: Bloc,
    /// Files read.
    pub inputs: Vec<InputFile>,
    /// What became of every row.
    pub ledger: RowLedger,
    /// What became of the list.
    pub coverage: Coverage,
    /// Products by who solved them.
    pub solved_by: BTreeMap<String, usize>,
    /// Products without an answer, with the solver's word for it.
    pub unsolved: Vec<(ProductCode, &'static str)>,
    /// Wall time by step.
    pub timings: Timings,
}

/// Answers one scenario. `expect` is told the number of products, `progress` after each one, from any thread.
///
/// # Errors
/// [`EngineError`] when the data, the scenario or a certificate does not hold.
pub fn run(
    source: &TradeSource,
    scenario: &Scenario,
    expect: &dyn Fn(u64),
    progress: &(dyn Fn() + Sync),
) -> Result<RunResult, EngineError> {
    let mut clock = Clock::start();
    if HIGHS_VERSION.is_none() && (scenario.solver == SolverChoice::Highs || scenario.cross_check) {
        return Err(ScenarioError::NoHighs.into());
    }

    // M1: read the rows of listed products, and no others.
    let year = scenario.resolve_year(source.years())?;
    let available = source.products(year)?;
    let (list, mut coverage) = list_for(source, scenario, &available)?;
    let trade = count_hong_kong(source.read(year, Some(&coverage.wanted()))?, source, scenario)?;
    clock.lap("read");

    // M2 and M3: the bloc's baseline under the resolved scenario.
    let bloc = scenario.resolve_bloc(source.countries(), year)?;
    let members = country_set(source.countries(), &bloc.members);
    let baseline = Baseline::new(&trade.table, &members);
    baseline.check_world(trade.table.traders())?;
    let policy = policy(source.countries(), scenario, year, &bloc)?;
    clock.lap("baseline");

    // M4 to M7, one product at a time, all cores; the order of the answers is that of the products.
    let listed: Vec<usize> =
        (0..baseline.products().len()).filter(|position| list.goods.contains_key(&baseline.products()[*position])).collect();
    let memberships: Vec<&[Membership]> =
        listed.iter().map(|position| list.goods[&baseline.products()[*position]].as_slice()).collect();
    expect(listed.len() as u64);
    let answers: Vec<(ProductRow, Option<&'static str>)> = listed
        .par_iter()
        .zip(&memberships)
        .map(|(&position, &memberships)| {
            let code = baseline.products()[position];
            let description = source.description(code).unwrap_or_default();
            let answered = solve_product(code, description, memberships, baseline.market(position), &policy, scenario);
            progress();
            answered
        })
        .collect::<Result<_, _>>()?;
    let unsolved = answers.iter().filter_map(|(row, reason)| reason.map(|reason| (row.product, reason))).collect();
    let products = answers.into_iter().map(|(row, _)| row).collect();
    clock.lap("solve");

    // M8: add everything up, in order.
    let collection = collect(products, &memberships, &members, &policy.risk, TABLE_A1_ROWS);
    coverage.value(&baseline);
    clock.lap("collect");

    Ok(RunResult {
        solved_by: solved_by(scenario, &collection),
        collection,
        scenario: scenario.resolved(year, &bloc),
        bloc,
        inputs: trade.inputs,
        ledger: trade.ledger,
        coverage,
        unsolved,
        timings: clock.timings,
    })
}

/// M4 to M7 for one product; the text is the solver's word where it found nothing.
pub(crate) fn solve_product(
    code: ProductCode,
    description: &str,
    memberships: &[Membership],
    market: Market<'_>,
    policy: &Policy,
    scenario: &Scenario,
) -> Result<(ProductRow, Option<&'static str>), EngineError> {
    let program = formulate_market(code, &market, policy)?;
    let product = Product { code, description, memberships, market, program: &program };
    Ok(match answer(code, &program, scenario.solver, scenario.cross_check)? {
        Answer::Certified(optimum, allocation) => {
            let status = program.status(optimum.risk_total);
            (measure(product, Some((&optimum, &allocation)), status), None)
        }
        Answer::Infeasible => (measure(product, None, Status::Infeasible), None),
        Answer::Unsolved(reason) => (measure(product, None, Status::Unsolved), Some(reason)),
    })
}

fn formulate_market(product: ProductCode, market: &Market<'_>, policy: &Policy) -> Result<Program, EngineError> {
    formulate(market, policy).map_err(|source| EngineError::Program { product, source })
}

/// The program of one product with the exporters' codes, for inspection; none when the data lack the product.
///
/// # Errors
/// [`EngineError`] when the data or the scenario do not hold.
pub fn formulate_product(
    source: &TradeSource,
    scenario: &Scenario,
    product: ProductCode,
) -> Result<Option<(Program, Vec<u16>)>, EngineError> {
    let year = scenario.resolve_year(source.years())?;
    let trade = count_hong_kong(source.read(year, Some(&BTreeSet::from([product])))?, source, scenario)?;
    let bloc = scenario.resolve_bloc(source.countries(), year)?;
    let baseline = Baseline::new(&trade.table, &country_set(source.countries(), &bloc.members));
    let policy = policy(source.countries(), scenario, year, &bloc)?;
    let Some(market) = baseline.find(product) else { return Ok(None) };
    let codes = market.exporters.iter().map(|index| source.countries().country(*index).code.get()).collect();
    Ok(Some((formulate_market(product, &market, &policy)?, codes)))
}

/// Hong Kong as the scenario counts it.
pub(crate) fn count_hong_kong(mut trade: Trade, source: &TradeSource, scenario: &Scenario) -> Result<Trade, EngineError> {
    let countries = source.countries();
    if let (HongKong::WithChina, Some(from), Some(to)) = (scenario.hong_kong, countries.index(HONG_KONG), countries.index(CHINA))
    {
        trade.table = trade.table.count_as(from, to)?;
    }
    Ok(trade)
}

pub(crate) fn policy(countries: &CountryTable, scenario: &Scenario, year: Year, bloc: &Bloc) -> Result<Policy, EngineError> {
    let risk = country_set(countries, &scenario.resolve_risk(countries, year, bloc)?);
    // The only member of a bloc cannot supply itself.
    let alone = if bloc.members.len() == 1 { bloc.members.as_slice() } else { &[] };
    let no_extra: CountrySet = country_set(countries, alone);
    Ok(Policy { risk, no_extra, cap: scenario.cap })
}

fn solved_by(scenario: &Scenario, collection: &Collection) -> BTreeMap<String, usize> {
    let name = if scenario.solver == SolverChoice::Highs { SolverChoice::Highs } else { SolverChoice::ClosedForm };
    BTreeMap::from([(name.name().to_owned(), collection.headline.products + collection.headline.infeasible)])
}

/// A stopwatch with named laps.
struct Clock {
    last: Instant,
    timings: Timings,
}

impl Clock {
    fn start() -> Self {
        Self { last: Instant::now(), timings: Timings::default() }
    }

    fn lap(&mut self, step: &'static str) {
        let now = Instant::now();
        self.timings.steps.push((step, now - self.last));
        self.last = now;
    }
}
