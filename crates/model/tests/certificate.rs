//! The checker is checked: of a certified allocation exactly one condition is broken, and exactly that one must be named.
//!
//! Every way of breaking keeps all other conditions, so that a checker without the one would accept the allocation or name
//! another reason.
#![allow(clippy::unwrap_used, clippy::cast_precision_loss)]

use std::cell::RefCell;
use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use reorient_model::{Certificate, ExactAmount, Program, Rejection, check_vertex, closed_form, verify};

/// A program with an optimum of it.
#[derive(Debug, Clone)]
struct Case {
    program: Program,
    flows: Vec<ExactAmount>,
    unmet: i64,
    multiplier: i64,
}

impl Case {
    /// Each block spreads its total evenly over the room of its exporters, so that flows are fractions.
    fn new(program: Program) -> Self {
        let optimum = closed_form(&program).unwrap();
        let flow = |at: usize| {
            let block = optimum.block(program.cost[at]).unwrap();
            let (lower, room) = (i128::from(program.lower[at]), i128::from(program.upper[at] - program.lower[at]));
            let all = i128::from(block.upper - block.lower).max(1);
            ExactAmount { numerator: lower * all + i128::from(block.total - block.lower) * room, denominator: all }
        };
        let flows = (0..program.len()).map(flow).collect();
        Self { flows, unmet: optimum.unmet, multiplier: optimum.multiplier(), program }
    }

    fn verify(&self) -> Result<Certificate, Rejection> {
        verify(&self.program, self.flows.clone(), self.unmet, self.multiplier).map(|certified| certified.certificate())
    }

    /// The same with some flows changed by amounts, and all of them over one denominator.
    fn with<const N: usize>(&self, changes: [(usize, ExactAmount); N]) -> Self {
        let mut other = self.clone();
        for (at, change) in changes {
            other.flows[at] = sum(other.flows[at], change);
        }
        let common = other.flows.iter().fold(1, |common, flow| common / divisor_of(common, flow.denominator) * flow.denominator);
        for flow in &mut other.flows {
            *flow = ExactAmount { numerator: flow.numerator * (common / flow.denominator), denominator: common };
        }
        other
    }

    /// How far a flow is above its lower bound, and below its upper one.
    fn rooms(&self, at: usize) -> (ExactAmount, ExactAmount) {
        let (lower, upper) = (ExactAmount::whole(self.program.lower[at]), ExactAmount::whole(self.program.upper[at]));
        (sum(self.flows[at], minus(lower)), sum(upper, minus(self.flows[at])))
    }

    /// The dual bound as the method writes it, exporter by exporter.
    fn dual(&self, multiplier: i64) -> i128 {
        let multiplier = i128::from(multiplier);
        let least = |at: usize| {
            let reduced = i128::from(self.program.cost[at]) - multiplier;
            (reduced * i128::from(self.program.lower[at])).min(reduced * i128::from(self.program.upper[at]))
        };
        multiplier * i128::from(self.program.total) + (0..self.program.len()).map(least).sum::<i128>()
    }

    fn positions(&self) -> std::ops::Range<usize> {
        0..self.program.len()
    }
}

/// The largest common divisor, where the second number is positive.
fn divisor_of(mut one: i128, mut other: i128) -> i128 {
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one.abs()
}

fn sum(one: ExactAmount, other: ExactAmount) -> ExactAmount {
    let numerator = one.numerator * other.denominator + other.numerator * one.denominator;
    let denominator = one.denominator * other.denominator;
    let divisor = divisor_of(numerator, denominator);
    ExactAmount { numerator: numerator / divisor, denominator: denominator / divisor }
}

fn minus(amount: ExactAmount) -> ExactAmount {
    ExactAmount { numerator: -amount.numerator, ..amount }
}

fn at_least(amount: ExactAmount, other: ExactAmount) -> bool {
    sum(amount, minus(other)).numerator >= 0
}

/// Up to seven exporters of four costs; one program in five has imports that nobody can supply.
fn cases() -> impl Strategy<Value = Case> {
    let exporter = (0_i64..4, 0_i64..12, prop_oneof![1 => Just(0_i64), 5 => 0_i64..15]);
    let total = (0_i64..=100, prop_oneof![4 => Just(0_i64), 1 => 1_i64..9]);
    (proptest::collection::vec(exporter, 1..8), total).prop_map(|(exporters, (percent, beyond))| {
        let column = |of: fn(&(i64, i64, i64)) -> i64| exporters.iter().map(of).collect::<Vec<_>>();
        let (lower, upper) = (column(|row| row.1), column(|row| row.1 + row.2));
        let (least, most) = (lower.iter().sum::<i64>(), upper.iter().sum::<i64>());
        let total = if beyond > 0 { most + beyond } else { least + (most - least) * percent / 100 };
        let cost = column(|row| row.0);
        Case::new(Program { scale: 20, weight_scale: 1, total, cost, baseline: upper.clone(), lower, upper })
    })
}

/// Says for each case what was broken; every kind must have been met often.
fn each_case(kinds: &[&'static str], check: impl Fn(&Case, &dyn Fn(&'static str))) {
    let met: RefCell<BTreeMap<&'static str, u32>> = RefCell::default();
    let count = |kind| *met.borrow_mut().entry(kind).or_default() += 1;
    let mut runner = TestRunner::new(Config { cases: 20_000, failure_persistence: None, ..Config::default() });
    let run = runner.run(&cases(), |case| {
        check(&case, &count);
        Ok(())
    });
    run.unwrap();
    for kind in kinds {
        let times = met.borrow().get(kind).copied().unwrap_or_default();
        assert!(times >= 200, "only {times} allocations with: {kind}");
    }
}

/// A part of a unit, so that nothing is near enough.
const THIRD: ExactAmount = ExactAmount { numerator: 1, denominator: 3 };
const HALF: ExactAmount = ExactAmount { numerator: 1, denominator: 2 };
const ONE: ExactAmount = ExactAmount { numerator: 1, denominator: 1 };

#[test]
fn what_is_not_broken_is_certified() {
    each_case(&["fractions", "unmet", "whole"], |case, count| {
        let certificate = case.verify().unwrap();
        let value: i128 = case
            .positions()
            .fold(ExactAmount::whole(0), |value, at| {
                let cost = i128::from(case.program.cost[at]);
                sum(value, ExactAmount { numerator: case.flows[at].numerator * cost, ..case.flows[at] })
            })
            .numerator;
        let proved = if case.unmet > 0 { value } else { case.dual(case.multiplier) };
        let expected = Certificate { unmet: case.unmet, primal: value, dual: proved, multiplier: case.multiplier };
        assert_eq!((certificate, value), (expected, proved));
        count(if case.unmet > 0 {
            "unmet"
        } else if case.flows.iter().any(|flow| flow.denominator > 1) {
            "fractions"
        } else {
            "whole"
        });
    });
}

#[test]
fn another_number_of_flows_is_refused() {
    each_case(&[], |case, _| {
        let expected = case.program.len();
        for (found, flows) in [
            (expected - 1, case.flows[..expected - 1].to_vec()),
            (expected + 1, [&case.flows[..], &[ExactAmount::whole(0)]].concat()),
        ] {
            let other = Case { flows, ..case.clone() };
            assert_eq!(other.verify(), Err(Rejection::Length { expected, found }));
        }
    });
}

/// Another exporter of the same cost makes up for it, so that sum and value stay.
#[test]
fn a_flow_outside_its_bounds_is_refused() {
    each_case(&["below", "above", "below nothing", "below, beside unmet"], |case, count| {
        for at in case.positions() {
            let (above, below) = case.rooms(at);
            let others = || case.positions().filter(|other| *other != at && case.program.cost[*other] == case.program.cost[at]);
            for beyond in [THIRD, ONE] {
                let (down, up) = (sum(above, beyond), sum(below, beyond));
                if let Some(other) = others().find(|other| at_least(case.rooms(*other).1, down)) {
                    let broken = case.with([(at, minus(down)), (other, down)]);
                    assert_eq!(broken.verify(), Err(Rejection::Bounds(at)), "below its lower bound");
                    count(if case.program.lower[at] == 0 { "below nothing" } else { "below" });
                }
                if let Some(other) = others().find(|other| at_least(case.rooms(*other).0, up)) {
                    let broken = case.with([(at, up), (other, minus(up))]);
                    let first = if case.unmet > 0 { at.min(other) } else { at };
                    let expected = if first == at { Rejection::Bounds(at) } else { Rejection::UnmetBesideRoom(other) };
                    assert_eq!(broken.verify(), Err(expected), "above its upper bound");
                    count("above");
                }
                if case.unmet > 0 {
                    let broken = case.with([(at, minus(down))]);
                    assert_eq!(broken.verify(), Err(Rejection::Bounds(at)), "below its lower bound");
                    count("below, beside unmet");
                }
            }
        }
    });
}

/// Of an exporter without cost, whose flow is in no value.
#[test]
fn flows_that_do_not_sum_to_the_imports_are_refused() {
    each_case(&["less", "more", "less by a part", "more by a part", "more unmet", "less unmet"], |case, count| {
        if case.unmet > 0 {
            for (kind, unmet) in [("more unmet", case.unmet + 1), ("less unmet", case.unmet - 1)] {
                let broken = Case { unmet, ..case.clone() };
                assert_eq!(broken.verify(), Err(Rejection::Sum));
                count(kind);
            }
            return;
        }
        for at in case.positions().filter(|at| case.program.cost[*at] == 0) {
            let (above, below) = case.rooms(at);
            for (amount, [less, more]) in [(ONE, ["less", "more"]), (THIRD, ["less by a part", "more by a part"])] {
                if at_least(above, amount) {
                    assert_eq!(case.with([(at, minus(amount))]).verify(), Err(Rejection::Sum), "{less}");
                    count(less);
                }
                if at_least(below, amount) {
                    assert_eq!(case.with([(at, amount)]).verify(), Err(Rejection::Sum), "{more}");
                    count(more);
                }
            }
        }
    });
}

/// A feasible point that is dearer, or one whose value is no whole number, as no optimum's is.
#[test]
fn a_feasible_point_that_is_no_optimum_is_refused() {
    each_case(&["dearer by a unit", "dearer by a part"], |case, count| {
        if case.unmet > 0 {
            return;
        }
        let certificate = case.verify().unwrap();
        let pairs = case.positions().flat_map(|from| case.positions().map(move |to| (from, to)));
        for (from, to) in pairs.filter(|(from, to)| case.program.cost[*from] < case.program.cost[*to]) {
            let more = i128::from(case.program.cost[to] - case.program.cost[from]);
            let (room, dual) = ((case.rooms(from).0, case.rooms(to).1), certificate.dual.to_string());
            if at_least(room.0, ONE) && at_least(room.1, ONE) {
                let primal = (certificate.primal + more).to_string();
                let broken = case.with([(from, minus(ONE)), (to, ONE)]);
                assert_eq!(broken.verify(), Err(Rejection::Gap { primal, dual: dual.clone() }));
                count("dearer by a unit");
            }
            if at_least(room.0, HALF) && at_least(room.1, HALF) {
                let primal = "(not a whole number)".to_owned();
                let broken = case.with([(from, minus(HALF)), (to, HALF)]);
                assert_eq!(broken.verify(), Err(Rejection::Gap { primal, dual }));
                count("dearer by a part");
            }
        }
    });
}

/// A multiplier is accepted exactly where its bound, added up exporter by exporter, is the value.
#[test]
fn a_multiplier_that_proves_nothing_is_refused() {
    each_case(&["proved", "too low", "too high"], |case, count| {
        if case.unmet > 0 {
            return;
        }
        let primal = case.verify().unwrap().primal;
        for multiplier in -2..=5 {
            let other = Case { multiplier, ..case.clone() };
            let dual = case.dual(multiplier);
            if dual == primal {
                assert_eq!(other.verify(), Ok(Certificate { unmet: 0, primal, dual, multiplier }));
                count("proved");
            } else {
                let gap = Rejection::Gap { primal: primal.to_string(), dual: dual.to_string() };
                assert_eq!(other.verify(), Err(gap));
                count(if multiplier < case.multiplier { "too low" } else { "too high" });
            }
        }
    });
}

/// The same value written with a denominator that is not positive.
#[test]
fn what_is_no_number_is_refused() {
    each_case(&[], |case, _| {
        for at in case.positions() {
            let flow = case.flows[at];
            for (numerator, denominator) in [(flow.numerator, 0), (0, 0), (-flow.numerator, -flow.denominator)] {
                let mut broken = case.clone();
                broken.flows[at] = ExactAmount { numerator, denominator };
                assert_eq!(broken.verify(), Err(Rejection::Bounds(at)));
            }
        }
    });
}

/// Someone sells more than is bought; the sum is made right by what is unmet.
#[test]
fn negative_unmet_imports_are_refused() {
    each_case(&["negative"], |case, count| {
        for at in case.positions().filter(|at| case.program.cost[*at] == 0 && at_least(case.rooms(*at).1, ONE)) {
            let broken = Case { unmet: case.unmet - 1, ..case.with([(at, ONE)]) };
            assert_eq!(broken.verify(), Err(Rejection::NegativeUnmet));
            count("negative");
        }
    });
}

/// Whoever has room supplies before anything is unmet: the sum is right, and the value is the point's own.
#[test]
fn unmet_imports_beside_room_are_refused() {
    each_case(&["beside unmet", "nothing need be unmet", "a part"], |case, count| {
        for at in case.positions().filter(|at| at_least(case.rooms(*at).0, ONE)) {
            let broken = Case { unmet: case.unmet + 1, ..case.with([(at, minus(ONE))]) };
            let has_room = |at: &usize| broken.rooms(*at).1.numerator > 0;
            let first = broken.positions().find(has_room).unwrap();
            assert_eq!(broken.verify(), Err(Rejection::UnmetBesideRoom(first)));
            count(if case.unmet > 0 { "beside unmet" } else { "nothing need be unmet" });
            if case.unmet > 0 && at_least(case.rooms(at).0, THIRD) {
                let parts = case.with([(at, minus(THIRD))]);
                assert_eq!(parts.verify(), Err(Rejection::UnmetBesideRoom(at)));
                count("a part");
            }
        }
    });
}

/// One exporter of each cost with room for any amount.
fn wide<const N: usize>(cost: [i64; N], total: i64) -> Program {
    let upper = vec![i64::MAX; N];
    Program { scale: 1, weight_scale: 1, total, cost: cost.to_vec(), baseline: upper.clone(), lower: vec![0; N], upper }
}

#[test]
fn amounts_beyond_exact_arithmetic_are_refused() {
    let check = |program: &Program, flows: &[(i128, i128)], multiplier| {
        let flows = flows.iter().map(|(numerator, denominator)| ExactAmount { numerator: *numerator, denominator: *denominator });
        verify(program, flows.collect(), 0, multiplier).map(|_| ())
    };
    let long = 1_i128 << 64;
    let large = i128::from(i64::MAX) * long;
    assert_eq!(check(&wide([0], 1), &[(1 << 65, 1 << 65)], 0), Err(Rejection::Overflow), "the bound times the denominator");
    assert_eq!(check(&wide([0], i64::MAX), &[(large, long)], 0), Ok(()), "one such amount is not too large");
    assert_eq!(check(&wide([0, 0], i64::MAX), &[(large, long); 2], 0), Err(Rejection::Overflow), "the sum of one cost");
    assert_eq!(check(&wide([0, 1], i64::MAX), &[(large, long); 2], 0), Err(Rejection::Overflow), "the sum of two costs");
    let far = [(1, 1), (0, 1), (0, 1)];
    assert_eq!(check(&wide([0; 3], 1), &far, i64::MAX), Err(Rejection::Overflow), "the bound of a multiplier far away");
}

/// The same for the check of a solver's vertex in doubles.
#[test]
fn a_vertex_with_one_condition_broken_is_refused() {
    let kinds = [
        "as it is",
        "below",
        "above",
        "less",
        "more",
        "dearer",
        "cheaper",
        "unmet",
        "no unmet",
        "no number",
        "unmet is no number",
    ];
    each_case(&kinds, |case, count| {
        let certificate = case.verify().unwrap();
        let unit = case.program.total.max(1) as f64;
        let mut flows: Vec<f64> = case.flows.iter().map(|flow| flow.numerator as f64 / flow.denominator as f64 / unit).collect();
        if case.unmet > 0 {
            flows.push(case.unmet as f64 / unit);
        }
        let check = |flows: &[f64]| check_vertex(&case.program, flows, certificate);
        let with = |changes: &[(usize, f64)]| {
            let mut other = flows.clone();
            changes.iter().for_each(|(at, change)| other[*at] += change);
            check(&other)
        };
        assert_eq!(check(&flows), Ok(()));
        count("as it is");
        let (expected, n) = (flows.len(), case.program.len());
        assert_eq!(check(&flows[1..]), Err(Rejection::Length { expected, found: expected - 1 }));
        assert_eq!(check(&[&flows[..], &[0.0]].concat()), Err(Rejection::Length { expected, found: expected + 1 }));
        // A tenth of a unit is above the tolerance, 1e-9 of a thousand dollars; a hundredth of that is below.
        let step = 0.1 / unit;
        assert_eq!(with(&[(0, step * 1e-9)]), Ok(()), "within the tolerance");
        let cost = |at: usize| case.program.cost[at];
        for at in case.positions() {
            assert_eq!(with(&[(at, f64::NAN)]), Err(Rejection::Bounds(at)));
            count("no number");
            let (lower, upper) = (case.program.lower[at] as f64 / unit, case.program.upper[at] as f64 / unit);
            let others = case.positions().filter(|other| *other != at && cost(*other) == cost(at));
            for other in others {
                let (down, up) = (flows[at] - lower + step, upper - flows[at] + step);
                if flows[other] + down < case.program.upper[other] as f64 / unit {
                    assert_eq!(with(&[(at, -down), (other, down)]), Err(Rejection::Bounds(at)));
                    count("below");
                }
                if flows[other] - up > case.program.lower[other] as f64 / unit {
                    assert_eq!(with(&[(at, up), (other, -up)]), Err(Rejection::Bounds(at)));
                    count("above");
                }
            }
            if cost(at) == 0 && flows[at] - step > lower {
                assert_eq!(with(&[(at, -step)]), Err(Rejection::Sum));
                count("less");
            }
            if cost(at) == 0 && flows[at] + step < upper {
                assert_eq!(with(&[(at, step)]), Err(Rejection::Sum));
                count("more");
            }
            for to in case.positions().filter(|to| cost(*to) > cost(at)) {
                if flows[at] - step > lower && flows[to] + step < case.program.upper[to] as f64 / unit {
                    assert!(matches!(with(&[(at, -step), (to, step)]), Err(Rejection::Gap { .. })));
                    count("dearer");
                }
            }
        }
        // A value below the proved one shows that the proof is of another program.
        let dearer = Certificate { primal: certificate.primal + 1, ..certificate };
        assert!(matches!(check_vertex(&case.program, &flows, dearer), Err(Rejection::Gap { .. })));
        count("cheaper");
        if case.unmet > 0 {
            let more = Certificate { unmet: case.unmet + 1, ..certificate };
            assert_eq!(check_vertex(&case.program, &flows, more), Err(Rejection::Sum));
            assert_eq!(with(&[(n, f64::NAN)]), Err(Rejection::Sum));
            count("unmet");
            count("unmet is no number");
        } else {
            let some = Certificate { unmet: 1, ..certificate };
            assert_eq!(check_vertex(&case.program, &flows, some), Err(Rejection::Sum));
            count("no unmet");
        }
    });
}
