//! Imports that nobody can supply: what is served and what is not make the demand, and nothing else is certified.
#![allow(clippy::unwrap_used)]

use std::cell::Cell;

use proptest::test_runner::{Config, TestRunner};
use reorient_core::{CountryIndex, Fraction, ProductCode, Usd};
use reorient_model::{
    CapCurve, CountrySet, ExactAmount, Market, Policy, Program, Rejection, Status, closed_form, declare, formulate, intervals,
    verify,
};
use reorient_testkit::option_product;

/// T 100: China 60, barred; USA 10, at risk; Korea 30, which may add 20.
fn example() -> Program {
    let exporters = [0, 1, 2].map(CountryIndex);
    let (imports, world) = ([60, 10, 30].map(Usd::new), [600, 100, 400].map(Usd::new));
    let market = Market { exporters: &exporters, imports: &imports, world_exports: &world, unit_values: &[] };
    let policy = Policy {
        barred: CountrySet::new(3, [CountryIndex(0)]),
        ..Policy::new(CountrySet::new(3, [CountryIndex(0), CountryIndex(1)]), Fraction::new(1, 20).unwrap())
    };
    let product = ProductCode::from_number(270_900).unwrap();
    let curve = CapCurve::new(product, &market, &policy).unwrap();
    // What Korea has left, 370, is enough to supply what is missing and to replace the USA: 60 at 0.05 * 400 = 20.
    let critical = curve.critical_cap().unwrap();
    assert!((critical.to_f64() - 70.0 / 400.0).abs() < 1e-15);
    formulate(product, &market, &policy).unwrap()
}

#[test]
fn an_embargo_by_hand() {
    let program = example();
    let units = |dollars: i64| dollars * program.scale;
    assert_eq!(program.upper, [0, 10, 50].map(units));
    let optimum = closed_form(&program).unwrap();
    assert_eq!((optimum.unmet, optimum.risk_total, optimum.alternative_total), (units(40), units(10), units(50)));
    assert_eq!((optimum.price(), program.status(&optimum)), (None, Status::Infeasible));
    for (interval, upper) in intervals(&program, &optimum).iter().zip(&program.upper) {
        assert_eq!((interval.min, interval.max), (*upper, *upper));
    }
}

/// Served and unmet make the demand; each term changed by one unit is refused.
#[test]
fn served_and_unmet_make_the_demand() {
    let counts = [const { Cell::new(0_u32) }; 3];
    let [unmet, partly, nothing_served] = &counts;
    let add = |count: &Cell<u32>, holds: bool| count.set(count.get() + u32::from(holds));
    let mut runner = TestRunner::new(Config { cases: 100_000, failure_persistence: None, ..Config::default() });
    let result = runner.run(&option_product(), |case| {
        let market = case.market();
        let program = formulate(case.code(), &market, &case.policy).unwrap();
        let optimum = closed_form(&program).unwrap();
        let flows = declare(&program, &market, &optimum, &case.policy.tie_break);
        // Exact, by a common denominator of all flows.
        let common = flows.iter().map(|flow| flow.denominator).fold(1, lcm);
        let served: i128 = flows.iter().map(|flow| flow.numerator * (common / flow.denominator)).sum();
        assert_eq!(served + i128::from(optimum.unmet) * common, i128::from(program.total) * common);
        assert_eq!(optimum.unmet, (program.total - program.upper.iter().sum::<i64>()).max(0));
        let multiplier = optimum.multiplier();
        let certified = verify(&program, flows.clone(), optimum.unmet, multiplier).unwrap();
        assert_eq!(certified.certificate().unmet, optimum.unmet);
        for changed in [optimum.unmet - 1, optimum.unmet + 1] {
            assert!(verify(&program, flows.clone(), changed, multiplier).is_err());
        }
        if optimum.unmet > 0 {
            for at in 0..flows.len() {
                // Moved to the unmet imports and back: the sum holds, the bounds or the least unmet do not.
                for (step, other) in [(-1, optimum.unmet + 1), (1, optimum.unmet - 1)] {
                    let mut moved = flows.clone();
                    moved[at] = ExactAmount { numerator: moved[at].numerator + step * moved[at].denominator, ..moved[at] };
                    let refused = verify(&program, moved.clone(), other, multiplier).unwrap_err();
                    assert!(matches!(refused, Rejection::Bounds(_) | Rejection::UnmetBesideRoom(_)), "{refused}");
                    assert!(verify(&program, moved, optimum.unmet, multiplier).is_err());
                }
            }
            let other = Program { total: program.total + 1, ..program.clone() };
            assert_eq!(verify(&other, flows.clone(), optimum.unmet, multiplier), Err(Rejection::Sum));
        }
        add(unmet, optimum.unmet > 0);
        add(partly, optimum.unmet > 0 && optimum.risk_total > 0);
        add(nothing_served, optimum.unmet > 0 && optimum.unmet == program.total);
        Ok(())
    });
    result.unwrap();
    assert!(counts.iter().zip([10_000, 1_000, 500]).all(|(count, least)| count.get() > least), "{counts:?}");
}

fn lcm(left: i128, right: i128) -> i128 {
    let (mut a, mut b) = (left, right);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    left / a * right
}
