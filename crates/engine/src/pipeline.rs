//! The whole story, in the steps of docs/method.md: read, baseline, scenario, formulate, solve, verify, measure, collect.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rayon::prelude::*;
use reorient_core::{Membership, ProductCode};
use reorient_data::{InputFile, RowLedger, TradeSource};
use reorient_metrics::{Collection, Product, ProductRow, collect, measure};
use reorient_model::{CapCurve, CountrySet, Market, Policy, Status, formulate};

use crate::bloc::Bloc;
use crate::coverage::Coverage;
use crate::prepare::{Prepared, prepare};
use crate::scenario::{FillChoice, Scenario, ScenarioError};
use crate::solver::{Answer, SolverChoice, Task, answer};
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
    let needs_highs = scenario.solver == SolverChoice::Highs || scenario.cross_check || scenario.fill == FillChoice::Vertex;
    if HIGHS_VERSION.is_none() && needs_highs {
        return Err(ScenarioError::NoHighs.into());
    }

    // M1 to M3: the rows of listed products and no others, the bloc's baseline, the resolved scenario.
    let Prepared { year, bloc, members, baseline, policy, list, listed, mut coverage, inputs, ledger } =
        prepare(source, scenario, &mut |step| clock.lap(step))?;

    // M4 to M7, one product at a time, all cores; the order of the answers is that of the products.
    let memberships: Vec<&[Membership]> =
        listed.iter().map(|position| list.goods[&baseline.products()[*position]].as_slice()).collect();
    expect(listed.len() as u64);
    let answers: Vec<(ProductRow, Option<&'static str>)> = listed
        .par_iter()
        .zip(&memberships)
        .map(|(&position, &memberships)| {
            let code = baseline.products()[position];
            let description = source.description(code).unwrap_or_default();
            let asked = Asked { code, description, memberships, market: baseline.market(position), bloc: &members, point: None };
            let answered = solve_product(asked, &policy, scenario);
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
        inputs,
        ledger,
        coverage,
        unsolved,
        timings: clock.timings,
    })
}

/// A product before it is answered.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) code: ProductCode,
    pub(crate) description: &'a str,
    pub(crate) memberships: &'a [Membership],
    pub(crate) market: Market<'a>,
    pub(crate) bloc: &'a CountrySet,
    /// A stored point to certify in place of the declared one, in shares of `T`.
    pub(crate) point: Option<&'a [f64]>,
}

/// M4 to M7 for one product; the text is the solver's word where it found nothing.
pub(crate) fn solve_product(
    asked: Asked<'_>,
    policy: &Policy,
    scenario: &Scenario,
) -> Result<(ProductRow, Option<&'static str>), EngineError> {
    let Asked { code, description, memberships, market, bloc, point } = asked;
    let unfit = |source| EngineError::Program { product: code, source };
    let program = formulate(code, &market, policy).map_err(unfit)?;
    let curve = CapCurve::new(code, &market, policy).map_err(unfit)?;
    let product = Product { code, description, memberships, market, program: &program, curve: &curve, cap: policy.cap, bloc };
    let task = Task { product: code, market: &market, program: &program, tie_break: &policy.tie_break, point };
    Ok(match answer(task, scenario.solver, scenario.cross_check)? {
        Answer::Certified(optimum, allocation) => {
            let status = program.status(optimum.risk_total);
            (measure(product, Some((&optimum, &allocation)), status), None)
        }
        Answer::Infeasible => (measure(product, None, Status::Infeasible), None),
        Answer::Unsolved(reason) => (measure(product, None, Status::Unsolved), Some(reason)),
    })
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
