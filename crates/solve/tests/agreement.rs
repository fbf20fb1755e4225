//! Closed form, HiGHS and brute force agree on random small products, and the verifier accepts each declared point.
#![cfg(feature = "highs")]
#![allow(clippy::unwrap_used, clippy::cast_precision_loss)]

use std::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use reorient_core::ProductCode;
use reorient_model::{LinearProgram, Role, Status, TieBreak, check_vertex, closed_form, declare, formulate, intervals, verify};
use reorient_solve::{SolveOutcome, solve};
use reorient_testkit::{SmallProduct, small_product};

const CASES: u32 = 100_000;

/// How often each edge was met: a generator that misses one proves nothing about it.
#[derive(Default)]
struct Seen {
    shortage: Cell<u32>,
    tight: Cell<u32>,
    slack: Cell<u32>,
    no_risk: Cell<u32>,
    no_alternative: Cell<u32>,
    nothing_to_spare: Cell<u32>,
    zero_total: Cell<u32>,
    one_supplier: Cell<u32>,
}

fn count(cell: &Cell<u32>, seen: bool) {
    cell.set(cell.get() + u32::from(seen));
}

fn check(product: &SmallProduct, seen: &Seen) -> Result<(), TestCaseError> {
    let program = formulate(ProductCode::from_number(270_900).unwrap(), &product.market(), &product.policy()).unwrap();
    let optimum = closed_form(&program).unwrap();
    prop_assert_eq!(i128::from(optimum.risk_total), product.least_risk_by_moves(), "moves, {:?}", product);
    let dollars = optimum.risk_total as f64 / program.scale as f64;
    prop_assert!((dollars - product.least_risk_by_vertices()).abs() <= 1e-6, "vertices, {:?}", product);

    let flows = declare(&program, &product.market(), &optimum, &TieBreak::default());
    let certified = verify(&program, flows, optimum.unmet, optimum.multiplier()).unwrap();
    let SolveOutcome::Optimal { flows, multiplier } = solve(&LinearProgram::new(&program)) else {
        return Err(TestCaseError::fail("HiGHS gave no optimum"));
    };
    check_vertex(&program, &flows, certified.certificate()).unwrap();
    if program.status(&optimum) == Status::Shortage {
        prop_assert!((multiplier - 1.0).abs() < 1e-9);
    }

    let unit = program.total.max(1) as f64;
    for ((interval, point), vertex) in intervals(&program, &optimum).iter().zip(certified.flows()).zip(&flows) {
        let at_least = i128::from(interval.min) * point.denominator <= point.numerator;
        prop_assert!(at_least && point.numerator <= i128::from(interval.max) * point.denominator);
        let tolerance = 1e-9 * unit.max(1_000.0 * program.scale as f64);
        prop_assert!(vertex * unit >= interval.min as f64 - tolerance && vertex * unit <= interval.max as f64 + tolerance);
    }

    let status = program.status(&optimum);
    count(&seen.shortage, status == Status::Shortage);
    count(&seen.tight, status == Status::Tight);
    count(&seen.slack, status == Status::Slack);
    count(&seen.no_risk, status == Status::NoRisk);
    let is_alternative = |at: &usize| program.role(*at) == Role::Alternative;
    count(&seen.no_alternative, !(0..program.len()).any(|at| is_alternative(&at)));
    let full = (0..program.len()).any(|at| is_alternative(&at) && product.imports[at] == product.world_exports[at]);
    count(&seen.nothing_to_spare, full);
    count(&seen.zero_total, program.total == 0);
    count(&seen.one_supplier, program.len() == 1);
    Ok(())
}

#[test]
fn closed_form_highs_and_brute_force_agree() {
    let seen = Seen::default();
    let mut runner = TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() });
    runner.run(&small_product(), |product| check(&product, &seen)).unwrap();
    for (edge, cell) in [
        ("shortage", &seen.shortage),
        ("tight", &seen.tight),
        ("slack", &seen.slack),
        ("no risk", &seen.no_risk),
        ("no alternative", &seen.no_alternative),
        ("nothing to spare", &seen.nothing_to_spare),
        ("zero total", &seen.zero_total),
        ("one supplier", &seen.one_supplier),
    ] {
        assert!(cell.get() >= 100, "only {} products with: {edge}", cell.get());
    }
}
