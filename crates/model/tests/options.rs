//! Every named option: closed form and enumeration agree on bounds, value, status, intervals, prices, frontier and tie-breaks.
#![allow(clippy::unwrap_used, clippy::cast_precision_loss)]

use std::cell::RefCell;
use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use reorient_core::Fraction;
use reorient_model::{
    CapCurve, Drain, ExactAmount, Fill, Frontier, FrontierPoint, Interval, Optimum, Program, Role, Status, closed_form, declare,
    formulate, intervals, most_even, set_interval, verify,
};
use reorient_testkit::{OptionProduct, option_product};

const CASES: u32 = 100_000;

/// How often each edge was met: a generator that misses one proves nothing about it.
type Seen = RefCell<BTreeMap<&'static str, u32>>;

fn count(seen: &Seen, edge: &'static str, met: bool) {
    *seen.borrow_mut().entry(edge).or_default() += u32::from(met);
}

fn near(left: f64, right: f64) -> bool {
    (left - right).abs() <= 1e-6
}

fn check(case: &OptionProduct, seen: &Seen) -> Result<(), TestCaseError> {
    let market = case.market();
    let program = formulate(case.code(), &market, &case.policy).unwrap();
    let dollars = |units: i64| units as f64 / program.scale as f64;

    for (at, (cost, lower, upper)) in case.bounds(case.policy.cap.to_f64()).into_iter().enumerate() {
        prop_assert!(near(program.cost[at] as f64 / program.weight_scale as f64, cost), "cost {at}");
        prop_assert!(near(dollars(program.lower[at]), lower) && near(dollars(program.upper[at]), upper), "bounds {at}");
    }
    frontier(case, &program)?;

    let optima = case.optima();
    // No floor is above today's flow, and these sum to the imports.
    let optimum = closed_form(&program).unwrap();
    let flows = declare(&program, &market, &optimum, &case.policy.tie_break);
    let certified = verify(&program, flows, optimum.unmet, optimum.multiplier()).unwrap();
    let value = certified.certificate().primal as f64 / program.scale as f64 / program.weight_scale as f64;
    if optimum.unmet > 0 {
        prop_assert!(optima.is_none(), "enumeration finds a point");
        prop_assert_eq!(program.status(&optimum), Status::Infeasible);
        count(seen, "infeasible", true);
        return Ok(());
    }
    let optima = optima.ok_or_else(|| TestCaseError::fail("enumeration finds no point"))?;
    prop_assert!(near(value, optima.value), "value {value} against {}", optima.value);

    prices(&program, &optimum, seen)?;
    ranges(&program, &optimum, certified.flows(), &optima.ranges)?;
    tie_breaks(case, &program, certified.flows(), seen)?;

    let status = program.status(&optimum);
    prop_assert_eq!(status, expected_status(case, value));
    for (edge, met) in [
        ("shortage", status == Status::Shortage),
        ("tight", status == Status::Tight),
        ("slack", status == Status::Slack),
        ("no risk", status == Status::NoRisk),
        ("two weights", optimum.blocks.iter().filter(|block| block.cost > 0).count() > 1),
        ("ceiling under floors", case.policy.ceiling.is_some() && status == Status::Shortage),
        (
            "one of one weight drained in part",
            optimum.blocks.iter().any(|block| block.cost > 0 && 0 < block.total && block.total < block.upper),
        ),
        ("barred", !case.policy.barred.is_empty()),
        ("zero total", program.total == 0),
    ] {
        count(seen, edge, met);
    }
    Ok(())
}

/// By the words of the method: nothing comes from risk origins today, something stays, what all others can supply is just enough, or
/// more than that.
fn expected_status(case: &OptionProduct, value: f64) -> Status {
    let dollars = |at: usize| case.product.imports[at].get() as f64;
    let risk: f64 = (0..case.product.risk.len()).filter(|at| case.product.risk[*at]).map(dollars).sum();
    let total: f64 = (0..case.product.risk.len()).map(dollars).sum();
    let reach: f64 = case.bounds(case.policy.cap.to_f64()).iter().filter(|bound| bound.0 <= 0.0).map(|bound| bound.2).sum();
    if risk <= 0.0 {
        Status::NoRisk
    } else if value > 1e-6 {
        Status::Shortage
    } else if near(total, reach) {
        Status::Tight
    } else {
        Status::Slack
    }
}

/// Risk imports against the cap, at caps that are no breakpoints and at those that are.
fn frontier(case: &OptionProduct, program: &Program) -> Result<(), TestCaseError> {
    let curve = CapCurve::new(case.code(), &case.market(), &case.policy).unwrap();
    let caps: Vec<Fraction> =
        [(1, 20), (1, 9), (2, 5), (3, 4)].map(|(above, below)| Fraction::new(above, below).unwrap()).to_vec();
    let frontier = Frontier::new(std::slice::from_ref(&curve), &caps).unwrap();
    let total = program.total as f64 / program.scale as f64;
    for point in &frontier.points {
        let bounds = case.bounds(point.cap.to_f64());
        let reach: f64 = bounds.iter().filter(|bound| bound.0 <= 0.0).map(|bound| bound.2).sum();
        let bearable: f64 = bounds.iter().filter(|bound| bound.0 > 0.0).map(|bound| bound.2).sum();
        let need = (total - reach).max(0.0);
        let risk = point.risk.numerator as f64 / point.risk.denominator as f64 / program.scale as f64;
        // Where a product becomes feasible, a double cannot tell the side.
        if need > bearable + 1e-6 {
            prop_assert_eq!(point.infeasible, 1);
        } else if need < bearable - 1e-6 {
            prop_assert_eq!(point.infeasible, 0);
        }
        let unmet = point.unmet.numerator as f64 / point.unmet.denominator as f64 / program.scale as f64;
        prop_assert!(near(risk, need.min(bearable)), "cap {}: {risk} against {need}", point.cap.to_f64());
        prop_assert!(near(unmet, (need - bearable).max(0.0)), "cap {}: {unmet} of {need}", point.cap.to_f64());
    }
    prop_assert_eq!(frontier.imports, i128::from(program.total));
    prop_assert!(frontier.points.windows(2).all(|pair: &[FrontierPoint]| pair[0].cap < pair[1].cap));
    // Risk and unmet imports together fall and are convex; risk by itself never rises.
    let amount = |amount: ExactAmount| amount.numerator as f64 / amount.denominator as f64;
    for three in frontier.points.windows(3) {
        let [left, middle, right] = [0, 1, 2].map(|at| {
            let point = three[at];
            (point.cap.to_f64(), amount(point.risk) + amount(point.unmet), amount(point.risk))
        });
        let part = (middle.0 - left.0) / (right.0 - left.0);
        let chord = left.1 + part * (right.1 - left.1);
        prop_assert!(middle.1 <= chord + 1e-6 * chord.abs().max(1.0) && middle.2 <= left.2 + 1e-6);
    }
    if let Some(critical) = curve.critical_cap() {
        let reach = |cap: f64| case.bounds(cap).iter().filter(|bound| bound.0 <= 0.0).map(|bound| bound.2).sum::<f64>();
        prop_assert!(reach(critical.to_f64()) >= total - 1e-6);
        prop_assert!(critical.numerator == 0 || reach(critical.to_f64() * (1.0 - 1e-3)) < total + 1e-6);
    } else {
        let most: f64 = case.bounds(1e9).iter().filter(|bound| bound.0 <= 0.0).map(|bound| bound.2).sum();
        prop_assert!(most < total);
    }
    Ok(())
}

/// One more and one less unit of capacity, by solving again; breakpoints lie at whole units.
fn prices(program: &Program, optimum: &Optimum, seen: &Seen) -> Result<(), TestCaseError> {
    let value = |optimum: &Optimum| -> i64 { optimum.blocks.iter().map(|block| block.cost * block.total).sum() };
    let with = |total: i64, extra: i64| {
        let mut other = Program { total: program.total + total, ..program.clone() };
        other.cost.push(0);
        other.baseline.push(0);
        other.lower.push(0);
        other.upper.push(extra);
        closed_form(&other)
    };
    let price = optimum.price().unwrap();
    prop_assert_eq!(value(optimum) - value(&with(0, 1).unwrap()), price.more);
    let one_less = Some(with(1, 0).unwrap()).filter(|more| more.unmet == 0);
    prop_assert_eq!(one_less.map(|more| value(&more) - value(optimum)), price.less);
    count(seen, "price with a range", price.less.is_some_and(|less| less > price.more));
    Ok(())
}

fn ranges(program: &Program, optimum: &Optimum, point: &[ExactAmount], found: &[(f64, f64)]) -> Result<(), TestCaseError> {
    let dollars = |units: i64| units as f64 / program.scale as f64;
    for (at, interval) in intervals(program, optimum).iter().enumerate() {
        prop_assert_eq!(*interval, set_interval(program, optimum, |other| other == at));
        prop_assert!(near(dollars(interval.min), found[at].0) && near(dollars(interval.max), found[at].1), "interval {at}");
        let own = point[at];
        let at_least = i128::from(interval.min) * own.denominator <= own.numerator;
        prop_assert!(at_least && own.numerator <= i128::from(interval.max) * own.denominator);
    }
    // One point is all of the face exactly where every flow is held at one of its bounds.
    let is_held = |(at, interval): (usize, &Interval)| {
        interval.min == interval.max && [program.lower[at], program.upper[at]].contains(&interval.min)
    };
    prop_assert_eq!(optimum.is_unique(), intervals(program, optimum).iter().enumerate().all(is_held));
    // Complements: what a set has at least, the rest has at most.
    let every_other = set_interval(program, optimum, |at| at % 2 == 0);
    let rest = set_interval(program, optimum, |at| at % 2 == 1);
    prop_assert_eq!((every_other.min + rest.max, every_other.max + rest.min), (program.total, program.total));
    Ok(())
}

/// What each rule promises, as conditions on pairs of flows.
fn tie_breaks(case: &OptionProduct, program: &Program, flows: &[ExactAmount], seen: &Seen) -> Result<(), TestCaseError> {
    let x: Vec<f64> = flows.iter().map(|flow| flow.numerator as f64 / flow.denominator as f64).collect();
    let (l, u): (Vec<f64>, Vec<f64>) = (0..x.len()).map(|at| (program.lower[at] as f64, program.upper[at] as f64)).unzip();
    let exporters = &case.product.exporters;
    let listed = |order: &[reorient_core::CountryIndex], at: usize| {
        (order.iter().position(|country| *country == exporters[at]).unwrap_or(order.len()), at)
    };
    let (can_rise, can_fall) = (|at: usize| x[at] < u[at] - 1e-6, |at: usize| x[at] > l[at] + 1e-6);
    for i in 0..x.len() {
        for j in (0..x.len()).filter(|j| *j != i && program.cost[*j] == program.cost[i]) {
            // Something could move from j to i.
            let free = can_rise(i) && can_fall(j);
            let (a, b) = (program.baseline[i] as f64, program.baseline[j] as f64);
            if program.role(i) == Role::Risk {
                match &case.policy.tie_break.drain {
                    Drain::Proportional => prop_assert!(near(x[i] * u[j], x[j] * u[i])),
                    Drain::Order(order) => prop_assert!(!free || listed(order, i) < listed(order, j), "drained out of order"),
                }
                continue;
            }
            match &case.policy.tie_break.fill {
                Fill::ProportionalCapacity | Fill::Vertex => {
                    prop_assert!(near((x[i] - l[i]) * (u[j] - l[j]), (x[j] - l[j]) * (u[i] - l[i])));
                }
                Fill::ProportionalFlow if a > 0.0 => prop_assert!(!free || x[i] * b >= x[j] * a - 1e-6),
                Fill::ProportionalFlow if b > 0.0 => {}
                Fill::ProportionalFlow => prop_assert!(near(x[i] * u[j], x[j] * u[i])),
                Fill::Order(order) => prop_assert!(!free || listed(order, i) > listed(order, j), "filled out of order"),
                Fill::MinHhi => prop_assert!(!free || x[i] >= x[j] - 1e-6, "less even than it could be"),
                Fill::MinCost => {
                    let key = |at: usize| (case.unit_values[at], at);
                    prop_assert!(!free || key(i) > key(j), "dearer before cheaper");
                }
            }
        }
    }
    let optimum = closed_form(program).unwrap();
    let squares =
        |flows: &[ExactAmount]| flows.iter().map(|flow| (flow.numerator as f64 / flow.denominator as f64).powi(2)).sum::<f64>();
    prop_assert!(squares(&most_even(program, &optimum)) <= squares(flows) + 1e-6);
    let is_even = case.policy.tie_break.fill == Fill::MinHhi && flows.iter().any(|flow| flow.denominator > 1);
    count(seen, "water between bounds", is_even);
    Ok(())
}

#[test]
fn all_options_agree_with_enumeration() {
    let seen = Seen::default();
    let mut runner = TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() });
    runner.run(&option_product(), |case| check(&case, &seen)).unwrap();
    let seen = seen.into_inner();
    assert_eq!(seen.len(), 12);
    for (edge, times) in seen {
        assert!(times >= 100, "only {times} products with: {edge}");
    }
}
