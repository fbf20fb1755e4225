//! The whole story, in the steps of docs/method.md: read, baseline, scenario, formulate, solve, verify, measure, collect.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rayon::prelude::*;
use reorient_core::{CountryTable, ProductCode};
use reorient_data::{Claims, InputFile, RowLedger, TradeSource};
use reorient_metrics::{
    Collection, Collector, Detail, Explanation, Headline, Labels, Product, ProductRow, Scratch, explain, measure,
};
use reorient_model::{CapCurve, CountrySet, ExactAmount, Market, Policy, Program, Status, formulate_into};

use crate::baseline::Baseline;
use crate::bloc::Bloc;
use crate::collect::collect;
use crate::coverage::Coverage;
use crate::prepare::{Prepared, Session};
use crate::presence;
use crate::scenario::{FillChoice, Scenario, ScenarioError, country_set};
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

/// Products without an answer, with the solver's word for it.
pub type Unsolved = Vec<(ProductCode, &'static str)>;

/// What a run hands over to report writers.
#[derive(Debug)]
pub struct RunResult {
    /// Certified figures.
    pub collection: Collection,
    /// Resolved scenario.
    pub scenario: BTreeMap<String, String>,
    /// The bloc.
    pub bloc: Bloc,
    /// The risk origins.
    pub risk: CountrySet,
    /// Files read.
    pub inputs: Vec<InputFile>,
    /// What became of every row.
    pub ledger: RowLedger,
    /// What was found out about the rows beside them: codes that the revision does not have, the unit of the values.
    pub claims: Claims,
    /// What became of the list.
    pub coverage: Coverage,
    /// Products by who solved them.
    pub solved_by: BTreeMap<String, usize>,
    /// Products without an answer, with the solver's word for it.
    pub unsolved: Unsolved,
    /// Sentences on how the scenario was read and what it changes unasked.
    pub notes: Vec<String>,
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
    require_solver(scenario)?;

    // M1 to M3: the rows of listed products and no others, the bloc's baseline, the resolved scenario.
    let prepared = Session::passing(source).prepare(scenario)?;
    presence::require(source, scenario, &prepared)?;
    clock.lap("read and baseline");
    answer_all(source, prepared, scenario, expect, progress, clock)
}

/// As [`run`] of what is prepared.
pub(crate) fn run_prepared(
    source: &TradeSource,
    prepared: Prepared,
    scenario: &Scenario,
    expect: &dyn Fn(u64),
    progress: &(dyn Fn() + Sync),
) -> Result<RunResult, EngineError> {
    require_solver(scenario)?;
    answer_all(source, prepared, scenario, expect, progress, Clock::start())
}

fn answer_all(
    source: &TradeSource,
    prepared: Prepared,
    scenario: &Scenario,
    expect: &dyn Fn(u64),
    progress: &(dyn Fn() + Sync),
    mut clock: Clock,
) -> Result<RunResult, EngineError> {
    // M4 to M7, one product at a time, all cores; the order of the answers is that of the products.
    expect(prepared.dataset.listed.len() as u64);
    let (products, unsolved) = prepared.answer_all(scenario, Detail::Range, progress)?;
    clock.lap("solve");

    // M8: add everything up, in order.
    let mut notes = presence::notes(source, scenario, &prepared)?;
    let resolved = prepared.resolved_question(scenario, source.countries())?;
    let Prepared { bloc, members, policy, dataset, baseline, .. } = prepared;
    let collection = collect(products, &dataset.classes, &members, &policy.risk, TABLE_A1_ROWS);
    let mut coverage = dataset.coverage.clone();
    coverage.value(&baseline);
    let countries = source.countries();
    let gaining = presence::gaining(&collection.products, countries, &policy.risk, &members);
    notes.extend(gaining.into_iter().map(|(index, gain)| presence::gaining_note(countries, index, gain, "")));
    clock.lap("collect");

    Ok(RunResult {
        solved_by: solved_by(scenario, &collection),
        collection,
        scenario: resolved,
        bloc,
        risk: policy.risk,
        inputs: dataset.inputs.clone(),
        ledger: dataset.ledger.clone(),
        claims: dataset.claims.clone(),
        coverage,
        unsolved,
        notes,
        timings: clock.timings,
    })
}

impl Prepared {
    /// M4 to M7 for every listed product, on all cores and in order, and which of them have no answer. `detail` says how much is
    /// measured; `progress` is told after each product, from any thread.
    pub(crate) fn answer_all(
        &self,
        scenario: &Scenario,
        detail: Detail,
        progress: &(dyn Fn() + Sync),
    ) -> Result<(Vec<ProductRow>, Unsolved), EngineError> {
        let answer = |bench: &mut Bench, position| {
            let answered = self.solve(position, scenario, &self.policy, &self.baseline, detail, bench);
            progress();
            answered
        };
        let positions = (0..self.dataset.listed.len()).into_par_iter();
        let answers: Vec<_> = positions.map_init(Bench::default, answer).collect::<Result<_, _>>()?;
        let unsolved = answers.iter().filter_map(|(row, reason)| reason.map(|reason| (row.product, reason))).collect();
        Ok((answers.into_iter().map(|(row, _)| row).collect(), unsolved))
    }

    /// M4 to M7 for the listed product at a position.
    fn solve(
        &self,
        position: usize,
        scenario: &Scenario,
        policy: &Policy,
        baseline: &Baseline,
        detail: Detail,
        bench: &mut Bench,
    ) -> Result<(ProductRow, Option<&'static str>), EngineError> {
        let in_table = self.dataset.listed[position];
        let asked = Asked {
            code: baseline.products()[in_table],
            labels: &self.dataset.labels[position],
            market: baseline.market(in_table),
            bloc: &self.members,
            point: None,
            detail,
        };
        solve_product(asked, policy, scenario, bench)
    }

    /// M4 to M8 on this thread: what [`run`] collects, less the rows of products and the range of concentration. The figures
    /// are the same to the last bit.
    ///
    /// # Errors
    /// [`EngineError`] when a program or a certificate does not hold.
    pub fn summarise(&self, scenario: &Scenario, bench: &mut Bench) -> Result<Collection, EngineError> {
        self.summarise_with(scenario, &self.policy, &self.baseline, |_| true, TABLE_A1_ROWS, bench)
    }

    /// As [`Self::summarise`] of the products that count, under another policy and of other amounts of the same products, with at
    /// most `top` gaining countries.
    pub(crate) fn summarise_with(
        &self,
        scenario: &Scenario,
        policy: &Policy,
        baseline: &Baseline,
        mut counts: impl FnMut(usize) -> bool,
        top: usize,
        bench: &mut Bench,
    ) -> Result<Collection, EngineError> {
        require_solver(scenario)?;
        let mut collector = Collector::new(&self.dataset.classes, &self.members, &policy.risk);
        for position in (0..self.dataset.listed.len()).filter(|position| counts(*position)) {
            let (row, _) = self.solve(position, scenario, policy, baseline, Detail::Flows, bench)?;
            collector.add(position, &row);
            bench.scratch.flows = row.flows;
        }
        Ok(collector.finish(top))
    }

    /// As [`Self::summarise`], the headline alone, in less time.
    ///
    /// # Errors
    /// [`EngineError`] when a program or a certificate does not hold.
    pub fn headline(&self, scenario: &Scenario, bench: &mut Bench) -> Result<Headline, EngineError> {
        require_solver(scenario)?;
        let mut collector = Collector::new(&self.dataset.classes, &self.members, &self.policy.risk);
        for position in 0..self.dataset.listed.len() {
            let (row, _) = self.solve(position, scenario, &self.policy, &self.baseline, Detail::Headline, bench)?;
            collector.add_to_headline(&row);
            bench.scratch.flows = row.flows;
        }
        Ok(collector.headline())
    }

    /// Every key of the scenario with its resolved value.
    pub fn resolved(&self, scenario: &Scenario) -> BTreeMap<String, String> {
        scenario.resolved(self.year, &self.bloc)
    }
}

pub(crate) fn require_solver(scenario: &Scenario) -> Result<(), EngineError> {
    let needs_highs = scenario.solver == SolverChoice::Highs || scenario.cross_check || scenario.fill == FillChoice::Vertex;
    if HIGHS_VERSION.is_none() && needs_highs { Err(ScenarioError::NoHighs.into()) } else { Ok(()) }
}

/// Takes a result apart: which products and exporters make it.
pub fn explain_run(result: &RunResult, countries: &CountryTable) -> Explanation {
    explain(&result.collection.products, &country_set(countries, &result.bloc.members), &result.risk)
}

/// A product before it is answered.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) code: ProductCode,
    pub(crate) labels: &'a Arc<Labels>,
    pub(crate) market: Market<'a>,
    pub(crate) bloc: &'a CountrySet,
    /// A stored point to certify in place of the declared one, in shares of `T`.
    pub(crate) point: Option<&'a [f64]>,
    pub(crate) detail: Detail,
}

/// Where a thread works: memory that each of its products uses again.
#[derive(Default)]
pub struct Bench {
    program: Program,
    curve: CapCurve,
    point: Vec<ExactAmount>,
    scratch: Scratch,
}

/// M4 to M7 for one product; the text is the solver's word where it found nothing.
pub(crate) fn solve_product(
    asked: Asked<'_>,
    policy: &Policy,
    scenario: &Scenario,
    bench: &mut Bench,
) -> Result<(ProductRow, Option<&'static str>), EngineError> {
    let Asked { code, labels, market, bloc, point, detail } = asked;
    let Bench { program, curve, point: flows, scratch } = bench;
    formulate_into(code, &market, policy, program, curve).map_err(|source| EngineError::Program { product: code, source })?;
    let product = Product { code, labels, market, program, curve, cap: policy.cap, bloc, detail };
    let task = Task { product: code, market: &market, program, tie_break: &policy.tie_break, point };
    Ok(match answer(task, scenario.solver, scenario.cross_check, flows)? {
        Answer::Certified(optimum, allocation) => {
            let row = measure(product, Some((&optimum, &allocation)), program.status(&optimum), scratch);
            *flows = allocation.into_flows();
            (row, None)
        }
        Answer::Unsolved(reason) => (measure(product, None, Status::Unsolved, scratch), Some(reason)),
    })
}

/// Products by who solved them.
pub(crate) fn solved_by(scenario: &Scenario, collection: &Collection) -> BTreeMap<String, usize> {
    let name = if scenario.solver == SolverChoice::Highs { SolverChoice::Highs } else { SolverChoice::ClosedForm };
    BTreeMap::from([(name.name().to_owned(), collection.headline.products)])
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
