//! Every named option: HiGHS finds what the closed form proves, which `reorient-model` holds against enumeration.
#![cfg(feature = "highs")]
#![allow(clippy::unwrap_used, clippy::cast_precision_loss)]

use std::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use reorient_model::{LinearProgram, Optimum, Program, check_vertex, closed_form, declare, formulate, intervals, snap, verify};
use reorient_solve::{SolveOutcome, solve};
use reorient_testkit::{OptionProduct, option_product};

const CASES: u32 = 100_000;

fn near(left: f64, right: f64) -> bool {
    (left - right).abs() <= 1e-6
}

/// Says whether imports are unmet.
fn check(case: &OptionProduct) -> Result<bool, TestCaseError> {
    let market = case.market();
    let program = formulate(case.code(), &market, &case.policy).unwrap();
    // No floor is above today's flow, and these sum to the imports.
    let optimum = closed_form(&program).unwrap();
    let flows = declare(&program, &market, &optimum, &case.policy.tie_break);
    let certified = verify(&program, flows, optimum.unmet, optimum.multiplier()).unwrap();
    let value = certified.certificate().primal as f64 / program.scale as f64 / program.weight_scale as f64;
    explicit_unmet(&program, &optimum, value)?;

    let SolveOutcome::Optimal { flows: vertex, multiplier } = solve(&LinearProgram::new(&program)) else {
        return Err(TestCaseError::fail("HiGHS gave no optimum"));
    };
    check_vertex(&program, &vertex, certified.certificate()).unwrap();
    let snapped = snap(&program, &optimum, &vertex);
    verify(&program, snapped, optimum.unmet, optimum.multiplier()).unwrap();
    let multiplier = multiplier * program.weight_scale as f64;
    let Some(price) = optimum.price() else {
        prop_assert!(near(multiplier, program.unmet_cost() as f64), "{multiplier}");
        return Ok(true);
    };
    prop_assert!(multiplier >= price.more as f64 - 1e-6 || program.total == 0, "{multiplier} below {price:?}");
    prop_assert!(price.less.is_none_or(|less| multiplier <= less as f64 + 1e-6), "{multiplier} above {price:?}");
    let unit = program.total.max(1) as f64;
    let tolerance = 1e-9 * unit.max(1_000.0 * program.scale as f64);
    for (interval, flow) in intervals(&program, &optimum).iter().zip(&vertex) {
        let flow = flow * unit;
        prop_assert!(flow >= interval.min as f64 - tolerance && flow <= interval.max as f64 + tolerance);
    }
    Ok(false)
}

/// The same program with a column of unmet imports in any case: least unmet first, then least weighted risk.
fn explicit_unmet(program: &Program, optimum: &Optimum, value: f64) -> Result<(), TestCaseError> {
    let SolveOutcome::Optimal { flows, .. } = solve(&LinearProgram::with_explicit_unmet(program)) else {
        return Err(TestCaseError::fail("HiGHS gave no optimum with an unmet column"));
    };
    let unit = program.total.max(1) as f64 / program.scale as f64;
    let unmet = flows[program.len()] * unit;
    prop_assert!(near(unmet, optimum.unmet as f64 / program.scale as f64), "unmet {unmet} against {}", optimum.unmet);
    let weighed = flows.iter().zip(&program.cost).map(|(flow, cost)| flow * unit * *cost as f64 / program.weight_scale as f64);
    let weighed: f64 = weighed.sum();
    prop_assert!(near(weighed, value), "value {weighed} against {value}");
    Ok(())
}

#[test]
fn all_options_agree_with_highs() {
    let unmet = Cell::new(0_u32);
    let mut runner = TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() });
    let run = runner.run(&option_product(), |case| {
        unmet.set(unmet.get() + u32::from(check(&case)?));
        Ok(())
    });
    run.unwrap();
    assert!(unmet.get() >= 100, "only {} products with unmet imports", unmet.get());
}
