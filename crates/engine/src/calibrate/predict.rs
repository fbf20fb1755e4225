//! What every set of options gives on one reading: each program is formulated and solved once, and all tie-breaks declare their
//! point on it. Every point is certified.

use std::collections::BTreeSet;

use rayon::prelude::*;
use reorient_core::{ProductCode, Usd};
use reorient_data::TradeSource;
use reorient_metrics::{Choice, HEADLINE_COUNTRIES};
use reorient_model::{
    CountrySet, ExactAmount, Interval, Market, NanoUsd, Optimum, Policy, Program, Role, TieBreak, closed_form, declare_into,
    formulate, interval, set_interval, verify,
};

use super::reading::{Reading, ground};
use super::space::{BASIS, CAP, DRAIN, FILL, FLOOR, MEMBERS, Space};
use crate::prepare::read;
use crate::scenario::{Scenario, country_set};
use crate::{Baseline, EngineError};

/// Options of a program without its tie-break.
pub(crate) const PROGRAM: [usize; 4] = [CAP, BASIS, FLOOR, MEMBERS];

/// An alternative at a declared point, or an end of its range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Gain {
    /// Sum over products of `max(0, x - x0)`.
    pub(crate) increase: NanoUsd,
    /// The bloc's imports from it.
    pub(crate) after: NanoUsd,
}

/// A program with all its declared points, added up over products. By country of the table.
#[derive(Debug, Clone)]
pub(crate) struct Prediction {
    /// The options; those of the tie-break, and of the reading, are at 0.
    pub(crate) choice: Choice,
    /// Imports of all products.
    pub(crate) imports: NanoUsd,
    /// By value of the fill.
    pub(crate) fills: Vec<Vec<Gain>>,
    /// Least and most over all optima.
    pub(crate) ranges: Vec<(Gain, Gain)>,
    /// Imports after from the headline's countries, by value of the drain.
    pub(crate) drains: Vec<[NanoUsd; 2]>,
    /// The same today.
    pub(crate) before: [Usd; 2],
    /// The same over all optima, each.
    pub(crate) risk_ranges: [(NanoUsd, NanoUsd); 2],
    /// Both together over all optima.
    pub(crate) together: (NanoUsd, NanoUsd),
}

/// A reading with its rows.
struct Bench<'a> {
    baseline: &'a Baseline,
    /// Positions of the headline's countries among the risk origins of the table.
    headline: [Option<usize>; 2],
    n_countries: usize,
}

/// All programs of a reading, in the order of their options, on all threads.
pub(crate) fn predict(
    source: &TradeSource,
    scenario: &Scenario,
    space: &Space,
    reading: &Reading,
) -> Result<Vec<Prediction>, EngineError> {
    let scenario = ground(space, scenario, &reading.choices[0])?;
    let countries = source.countries();
    let year = scenario.resolve_year(source.years())?;
    let bloc = scenario.resolve_bloc(countries, year)?;
    let wanted: BTreeSet<ProductCode> = reading.products.iter().copied().collect();
    let baseline = Baseline::new(&read(source, &scenario, year, &wanted)?.table, &reading.members);
    let risk = scenario.resolve_risk(countries, year, &bloc)?;
    let at = |code| risk.contains(&code).then(|| countries.index(code).map(|index| index.at())).flatten();
    let bench = Bench { baseline: &baseline, headline: HEADLINE_COUNTRIES.map(at), n_countries: countries.len() };

    let policy = |options: &[usize], choice: &Choice| -> Result<Policy, EngineError> {
        Ok(space.set(&scenario, choice, options)?.policy(countries, year, &bloc)?)
    };
    let breaks = |at: usize| -> Result<Vec<TieBreak>, EngineError> {
        space.combinations(&[at]).iter().map(|choice| Ok(policy(&[DRAIN, FILL], choice)?.tie_break)).collect()
    };
    let (fills, drains) = (breaks(FILL)?, breaks(DRAIN)?);
    let programs = space.combinations(&PROGRAM).into_iter().map(|choice| Ok((choice, policy(&PROGRAM, &choice)?)));
    let programs = programs.collect::<Result<Vec<_>, EngineError>>()?;
    let headline = country_set(countries, &HEADLINE_COUNTRIES);
    programs.par_iter().map(|(choice, policy)| bench.program(*choice, policy, &fills, &drains, &headline)).collect()
}

impl Bench<'_> {
    fn program(
        &self,
        choice: Choice,
        policy: &Policy,
        fills: &[TieBreak],
        drains: &[TieBreak],
        headline: &CountrySet,
    ) -> Result<Prediction, EngineError> {
        let mut sums = Prediction {
            choice,
            imports: NanoUsd::default(),
            fills: vec![vec![Gain::default(); self.n_countries]; fills.len()],
            ranges: vec![<(Gain, Gain)>::default(); self.n_countries],
            drains: vec![<[NanoUsd; 2]>::default(); drains.len()],
            before: [Usd::ZERO; 2],
            risk_ranges: Default::default(),
            together: Default::default(),
        };
        let mut flows = Vec::new();
        for (position, product) in self.baseline.products().iter().copied().enumerate() {
            let market = self.baseline.market(position);
            let program = formulate(product, &market, policy).map_err(|source| EngineError::Program { product, source })?;
            let optimum = closed_form(&program).map_err(|source| EngineError::Floors { product, source })?;
            self.add_ranges(&mut sums, &market, &program, &optimum, headline);
            let is_open = |of_risk: bool| {
                let blocks = optimum.blocks.iter().filter(|block| (block.cost > 0) == of_risk);
                blocks.into_iter().any(|block| block.lower < block.total && block.total < block.upper)
            };
            let mut point = |rule: &TieBreak| -> Result<Vec<NanoUsd>, EngineError> {
                let mut declared: Vec<ExactAmount> = std::mem::take(&mut flows);
                declare_into(&program, &market, &optimum, rule, &mut declared);
                let certified = verify(&program, declared, optimum.unmet, optimum.multiplier())
                    .map_err(|source| EngineError::NotCertified { product, source })?;
                let amounts = certified.flows().iter().map(|flow| flow.to_nano(program.scale)).collect();
                flows = certified.into_flows();
                Ok(amounts)
            };
            let first = point(&fills[0])?;
            let gained = |amounts: &[NanoUsd], gains: &mut [Gain]| {
                for (at, exporter) in market.exporters.iter().enumerate().filter(|(at, _)| program.role(*at) != Role::Risk) {
                    let gain = &mut gains[exporter.at()];
                    gain.after += amounts[at];
                    gain.increase += above(amounts[at], market.imports[at]);
                }
            };
            for (rule, gains) in fills.iter().zip(&mut sums.fills) {
                if std::ptr::eq(rule, &fills[0]) || !is_open(false) {
                    gained(&first, gains)
                } else {
                    gained(&point(rule)?, gains)
                }
            }
            for (rule, after) in drains.iter().zip(&mut sums.drains) {
                let other = if is_open(true) { Some(point(rule)?) } else { None };
                let amounts = other.as_ref().unwrap_or(&first);
                for (at, exporter) in market.exporters.iter().enumerate() {
                    if let Some(which) = self.headline.iter().position(|own| *own == Some(exporter.at())) {
                        after[which] += amounts[at];
                    }
                }
            }
        }
        Ok(sums)
    }

    fn add_ranges(
        &self,
        sums: &mut Prediction,
        market: &Market<'_>,
        program: &Program,
        optimum: &Optimum,
        headline: &CountrySet,
    ) {
        let nano = |units: i64| NanoUsd::from_scaled(units, program.scale);
        sums.imports += nano(program.total);
        for (at, exporter) in market.exporters.iter().enumerate() {
            let Interval { min, max } = interval(program, optimum, at);
            let (min, max) = (nano(min), nano(max));
            if program.role(at) != Role::Risk {
                let (least, most) = &mut sums.ranges[exporter.at()];
                least.after += min;
                most.after += max;
                least.increase += above(min, market.imports[at]);
                most.increase += above(max, market.imports[at]);
            } else if let Some(which) = self.headline.iter().position(|own| *own == Some(exporter.at())) {
                sums.before[which] += market.imports[at];
                sums.risk_ranges[which].0 += min;
                sums.risk_ranges[which].1 += max;
            }
        }
        let both = |at: usize| program.role(at) == Role::Risk && headline.contains(market.exporters[at]);
        let Interval { min, max } = set_interval(program, optimum, both);
        sums.together.0 += nano(min);
        sums.together.1 += nano(max);
    }
}

fn above(after: NanoUsd, before: Usd) -> NanoUsd {
    (after - before.into()).max(NanoUsd::default())
}
