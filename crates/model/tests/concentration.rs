//! Risk against concentration: the conditions of the least point held exactly, and points found again by enumeration.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::cast_precision_loss)]

use std::cell::Cell;
use std::cmp::Ordering;
use std::time::Instant;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use reorient_model::{
    ConcentrationCurve, ConcentrationError, ExactAmount, LeastSquares, Program, Ratio, SquaresSum, at_price, closed_form,
    formulate, least_squares_at, most_even, verify,
};
use reorient_testkit::{Numbers, like_trade, option_product};

const CASES: u32 = 12_000;

fn runner() -> TestRunner {
    TestRunner::new(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })
}

/// `left` against `right`.
fn order(left: ExactAmount, right: ExactAmount) -> Ordering {
    (left.numerator * right.denominator).cmp(&(right.numerator * left.denominator))
}

/// `left + factor right`.
fn plus(left: ExactAmount, factor: i128, right: ExactAmount) -> ExactAmount {
    let numerator = left.numerator * right.denominator + factor * right.numerator * left.denominator;
    reduced(numerator, left.denominator * right.denominator)
}

fn reduced(numerator: i128, denominator: i128) -> ExactAmount {
    let (mut divisor, mut rest) = (denominator, numerator.rem_euclid(denominator));
    while rest != 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    ExactAmount { numerator: numerator / divisor, denominator: denominator / divisor }
}

fn between(left: ExactAmount, right: ExactAmount) -> ExactAmount {
    let sum = plus(left, 1, right);
    reduced(sum.numerator, 2 * sum.denominator)
}

fn times(left: ExactAmount, right: ExactAmount) -> ExactAmount {
    reduced(left.numerator * right.numerator, left.denominator * right.denominator)
}

fn squares(sum: SquaresSum) -> ExactAmount {
    let (numerator, denominator) = sum.part();
    ExactAmount { numerator: sum.whole * denominator + numerator, denominator }
}

/// The conditions under which a feasible point has the least sum of squares for its value: `x + price w` is the same for all
/// flows between their bounds, no lower at lower bounds, no higher at upper ones. They are sufficient: the problem is convex.
fn check_conditions(program: &Program, least: &LeastSquares) {
    let zero = ExactAmount::whole(0);
    let (mut total, mut value, mut risk, mut sum) = (zero, zero, zero, zero);
    // What lies at an upper bound or in between, and what lies at a lower bound or in between.
    let (mut highest, mut lowest): (Option<ExactAmount>, Option<ExactAmount>) = (None, None);
    for (at, &flow) in least.flows.iter().enumerate() {
        let (lower, upper) = (ExactAmount::whole(program.lower[at]), ExactAmount::whole(program.upper[at]));
        assert!(order(flow, lower).is_ge() && order(flow, upper).is_le());
        total = plus(total, 1, flow);
        value = plus(value, program.cost[at].into(), flow);
        risk = plus(risk, i128::from(program.cost[at] > 0), flow);
        sum = plus(sum, 1, times(flow, flow));
        let raised = plus(flow, program.cost[at].into(), least.price);
        if order(flow, lower).is_gt() && highest.is_none_or(|highest| order(raised, highest).is_gt()) {
            highest = Some(raised);
        }
        if order(flow, upper).is_lt() && lowest.is_none_or(|lowest| order(raised, lowest).is_lt()) {
            lowest = Some(raised);
        }
    }
    assert!(highest.zip(lowest).is_none_or(|(highest, lowest)| order(highest, lowest).is_le()), "{program:?} {least:?}");
    assert!(order(total, ExactAmount::whole(program.total)).is_eq());
    assert!(order(value, least.value).is_eq() && order(risk, least.risk_total).is_eq());
    assert!(order(sum, squares(least.squares)).is_eq());
    assert!(least.price.numerator >= 0);
}

/// The least sum of squares with at most a value by all active sets: each flow at a bound or free, the value binding or not.
fn by_active_sets(program: &Program, value: f64) -> f64 {
    const NEAR: f64 = 1e-7;
    let n = program.len();
    let mut best = f64::INFINITY;
    for set in 0..3_usize.pow(u32::try_from(n).unwrap()) {
        let state = |at: usize| set / 3_usize.pow(u32::try_from(at).unwrap()) % 3;
        let cost = |at: usize| program.cost[at] as f64;
        let mut flows: Vec<f64> = (0..n).map(|at| [program.lower[at], program.upper[at], 0][state(at)] as f64).collect();
        let free: Vec<usize> = (0..n).filter(|at| state(*at) == 2).collect();
        let rest = program.total as f64 - flows.iter().sum::<f64>();
        let rest_value = value - (0..n).map(|at| cost(at) * flows[at]).sum::<f64>();
        let (number, weight) = (free.len() as f64, free.iter().map(|at| cost(*at)).sum::<f64>());
        let weight_squared: f64 = free.iter().map(|at| cost(*at) * cost(*at)).sum();
        // x = level - price w on the free; without the second condition price = 0.
        let determinant = weight * weight - number * weight_squared;
        let mut candidates = vec![(rest / number.max(1.0), 0.0)];
        if determinant.abs() > NEAR {
            let price = (number * rest_value - weight * rest) / determinant;
            candidates.push(((rest + price * weight) / number, price));
        }
        for (level, price) in candidates {
            for &at in &free {
                flows[at] = level - price * cost(at);
            }
            let feasible = (0..n)
                .all(|at| flows[at] >= program.lower[at] as f64 - NEAR && flows[at] <= program.upper[at] as f64 + NEAR)
                && (flows.iter().sum::<f64>() - program.total as f64).abs() < NEAR
                && (0..n).map(|at| cost(at) * flows[at]).sum::<f64>() < value + NEAR;
            if feasible {
                best = best.min(flows.iter().map(|flow| flow * flow).sum());
            }
        }
    }
    best
}

/// What a curve had.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    solved: u32,
    single_points: u32,
    /// Points where the slope jumps, before the optimum.
    kinks: u32,
    /// More than one point, more than one weight.
    several_weights: u32,
    /// More than four points.
    long: u32,
    /// Stretches between points.
    stretches: u32,
    infeasible: u32,
}

impl Seen {
    fn add(seen: &Cell<Self>, other: Self) {
        let sum = seen.get();
        seen.set(Self {
            solved: sum.solved + other.solved,
            single_points: sum.single_points + other.single_points,
            kinks: sum.kinks + other.kinks,
            several_weights: sum.several_weights + other.several_weights,
            long: sum.long + other.long,
            stretches: sum.stretches + other.stretches,
            infeasible: sum.infeasible + other.infeasible,
        });
    }
}

fn check_curve(program: &Program) -> Seen {
    let Ok(optimum) = closed_form(program) else {
        assert!(matches!(ConcentrationCurve::new(program), Err(ConcentrationError::Infeasible(_))));
        return Seen { infeasible: 1, ..Seen::default() };
    };
    if optimum.unmet > 0 {
        assert_eq!(ConcentrationCurve::new(program), Err(ConcentrationError::Unmet));
        // Of what can be supplied there is one point.
        let curve = ConcentrationCurve::new(&program.served()).unwrap();
        let full: Vec<ExactAmount> = program.upper.iter().copied().map(ExactAmount::whole).collect();
        assert_eq!((curve.points().len(), Some(curve.points()[0].squares())), (1, SquaresSum::of(&full)));
        return Seen { infeasible: 1, ..Seen::default() };
    }
    let curve = ConcentrationCurve::new(program).unwrap();
    let points = curve.points();
    let at = |value: ExactAmount| {
        let least = curve.at_value(program, value).unwrap();
        check_conditions(program, &least);
        assert!(order(least.value, value).is_le());
        assert!(least.price.numerator == 0 || order(least.value, value).is_eq(), "the value binds");
        least
    };
    // The ends: the evenest optimum, certified, and the least concentrated of all.
    let optimal: i64 = optimum.blocks.iter().map(|block| block.cost * block.total).sum();
    assert!(order(points[0].value(), ExactAmount::whole(optimal)).is_eq());
    let first = at(points[0].value());
    assert_eq!(first.squares, SquaresSum::of(&most_even(program, &optimum)).unwrap());
    assert!(order(first.risk_total, ExactAmount::whole(optimum.risk_total)).is_eq());
    verify(program, first.flows, 0, optimum.multiplier()).unwrap();
    let last = points[points.len() - 1];
    assert_eq!(last.price_of_more(), ExactAmount::whole(0));
    assert_eq!(at(plus(last.value(), 1, ExactAmount::whole(5))).squares, last.squares());
    let below = plus(points[0].value(), -1, reduced(1, 7));
    assert_eq!(least_squares_at(program, below), Err(ConcentrationError::BelowOptimum));
    let mut kinks = 0;
    for (index, point) in points.iter().enumerate() {
        assert_eq!(at(point.value()).squares, point.squares());
        assert!(order(point.price_of_more(), point.price_of_less()).is_le());
        kinks += u32::from(index > 0 && order(point.price_of_more(), point.price_of_less()).is_lt());
    }
    for pair in points.windows(2) {
        // Falling, convex, and a parabola: what it falls by is the sum of the prices at both ends times the step.
        assert!(order(pair[0].value(), pair[1].value()).is_lt() && pair[0].squares() > pair[1].squares());
        assert!(order(pair[0].price_of_more(), pair[1].price_of_less()).is_gt());
        let prices = plus(pair[0].price_of_more(), 1, pair[1].price_of_less());
        let fall = times(prices, plus(pair[1].value(), -1, pair[0].value()));
        assert!(order(plus(squares(pair[1].squares()), 1, fall), squares(pair[0].squares())).is_eq());
        let middle = between(pair[0].value(), pair[1].value());
        let least = at(middle);
        assert_eq!(least.price, between(pair[0].price_of_more(), pair[1].price_of_less()));
        let chord = between(squares(pair[0].squares()), squares(pair[1].squares()));
        assert!(order(squares(least.squares), chord).is_lt());
        if program.len() <= 5 {
            let found = by_active_sets(program, middle.numerator as f64 / middle.denominator as f64);
            let exact = squares(least.squares);
            let exact = exact.numerator as f64 / exact.denominator as f64;
            assert!((found - exact).abs() <= 1e-9 * exact.max(1.0), "{found} {exact}");
        }
    }
    Seen {
        solved: 1,
        single_points: u32::from(points.len() == 1),
        kinks,
        several_weights: u32::from(optimum.blocks.len() > 2 && points.len() > 1),
        long: u32::from(points.len() > 4),
        stretches: u32::try_from(points.len() - 1).unwrap(),
        infeasible: 0,
    }
}

/// Any boxes under any weights; totals now and then beyond what they carry.
fn any_program() -> impl Strategy<Value = Program> {
    let row = (0_i64..=3, prop_oneof![1 => Just(0_i64), 2 => 0_i64..=40], prop_oneof![1 => Just(0_i64), 5 => 0_i64..=90]);
    (proptest::collection::vec(row, 1..=7), -5_i64..=105, any::<bool>()).prop_map(|(rows, part, equal)| {
        let cost = rows.iter().map(|row| if equal { row.0.min(1) } else { row.0 }).collect();
        let lower: Vec<i64> = rows.iter().map(|row| row.1).collect();
        let upper: Vec<i64> = rows.iter().map(|row| row.1 + row.2).collect();
        let (least, most) = (lower.iter().sum::<i64>(), upper.iter().sum::<i64>());
        let total = (least + (most - least) * part / 100).max(0);
        Program { scale: 1, weight_scale: 1, total, cost, baseline: lower.clone(), lower, upper }
    })
}

#[test]
fn the_curve_holds_for_products_under_any_options() {
    let seen = Cell::new(Seen::default());
    let result = runner().run(&option_product(), |case| {
        let program = formulate(case.code(), &case.market(), &case.policy).unwrap();
        Seen::add(&seen, check_curve(&program));
        Ok(())
    });
    result.unwrap();
    let seen = seen.get();
    println!("{seen:?}");
    assert!(seen.solved > 9_000 && seen.infeasible > 1_000 && seen.stretches > 1_000, "{seen:?}");
}

#[test]
fn the_curve_holds_for_any_boxes_and_weights() {
    let seen = Cell::new(Seen::default());
    let result = runner().run(&any_program(), |program| {
        Seen::add(&seen, check_curve(&program));
        Ok(())
    });
    result.unwrap();
    let seen = seen.get();
    println!("{seen:?}");
    assert!(seen.solved > 9_000 && seen.single_points > 1_000 && seen.kinks > 1_000, "{seen:?}");
    assert!(seen.several_weights > 1_000 && seen.long > 300 && seen.stretches > 5_000, "{seen:?}");
}

/// One price for all products traces the curve of each, and the sums over several move one way.
#[test]
fn a_price_chooses_a_point_of_the_curve() {
    let prices = [(0, 1), (1, 1000), (1, 50), (1, 7), (1, 3), (1, 2), (1, 1), (3, 2), (2, 1), (4, 1)];
    let n_moved = Cell::new(0);
    let pair = (option_product(), option_product());
    let result = runner().run(&pair, |(left, right)| {
        let mut before: Option<(ExactAmount, ExactAmount)> = None;
        let programs: Vec<Program> = [&left, &right]
            .into_iter()
            .map(|case| formulate(case.code(), &case.market(), &case.policy).unwrap())
            .filter(|program| program.unmet() == 0 && program.total > 0)
            .collect();
        for (numerator, denominator) in prices {
            let lambda = Ratio { numerator, denominator };
            // Sums of risk and of T HHI, in dollars.
            let (mut risk, mut mean) = (ExactAmount::whole(0), ExactAmount::whole(0));
            for program in &programs {
                let chosen = at_price(program, lambda).unwrap();
                check_conditions(program, &chosen);
                let same = least_squares_at(program, chosen.value).unwrap();
                prop_assert_eq!((&same.flows, same.squares), (&chosen.flows, chosen.squares));
                let curve = ConcentrationCurve::new(program).unwrap();
                prop_assert_eq!(curve.at_price(lambda), Ok((chosen.value, chosen.squares)));
                let units = program.scale * program.weight_scale;
                risk = plus(risk, 1, reduced(chosen.value.numerator, chosen.value.denominator * i128::from(units)));
                let sum = squares(chosen.squares);
                mean = plus(
                    mean,
                    1,
                    reduced(sum.numerator, sum.denominator * i128::from(program.total) * i128::from(program.scale)),
                );
                if numerator >= 2 * denominator && program.cost.iter().all(|cost| [0, program.weight_scale].contains(cost)) {
                    let optimum = closed_form(program).unwrap();
                    prop_assert!(order(chosen.risk_total, ExactAmount::whole(optimum.risk_total)).is_eq());
                }
            }
            if let Some((more_risk, less_mean)) = before {
                prop_assert!(order(risk, more_risk).is_le() && order(mean, less_mean).is_ge());
                n_moved.set(n_moved.get() + u32::from(order(risk, more_risk).is_lt()));
            }
            before = Some((risk, mean));
        }
        Ok(())
    });
    result.unwrap();
    println!("{} steps took off risk", n_moved.get());
    assert!(n_moved.get() > 7_000, "{}", n_moved.get());
}

#[test]
fn prices_that_are_none_are_refused() {
    let program = Program {
        scale: 1,
        weight_scale: 1,
        total: 10,
        cost: vec![1, 0],
        baseline: vec![6, 4],
        lower: vec![0, 4],
        upper: vec![6, 12],
    };
    for (numerator, denominator) in [(-1, 1), (1, 0), (1, -1)] {
        assert_eq!(at_price(&program, Ratio { numerator, denominator }), Err(ConcentrationError::Price));
    }
    let fine = Ratio { numerator: 1, denominator: i128::MAX };
    assert_eq!(at_price(&program, fine), Err(ConcentrationError::Overflow));
    let barred = Program { upper: vec![1, 5], ..program };
    assert_eq!(at_price(&barred, Ratio { numerator: 1, denominator: 2 }), Err(ConcentrationError::Unmet));
}

#[test]
fn a_curve_by_hand() {
    // Risk origin 0 to 60, alternatives 30 to 80 and 10 to 20: 100 in all.
    let program = Program {
        scale: 1,
        weight_scale: 1,
        total: 100,
        cost: vec![1, 0, 0],
        baseline: vec![60, 30, 10],
        lower: vec![0, 30, 10],
        upper: vec![60, 80, 20],
    };
    let curve = ConcentrationCurve::new(&program).unwrap();
    // At the optimum 0, 80, 20; more risk lowers the largest until all are even: 20 is full, 80 is shared by two.
    let rows: Vec<_> = curve.points().iter().map(|point| (point.value(), point.squares().whole, point.price_of_more())).collect();
    let whole = ExactAmount::whole;
    assert_eq!(rows, [(whole(0), 6800, whole(80)), (whole(40), 3600, whole(0))]);
    let half = curve.at_value(&program, whole(20)).unwrap();
    assert_eq!((half.flows, half.squares.whole), (vec![whole(20), whole(60), whole(20)], 4400));
    // One more dollar of risk: 2 * 80 / 100^2.
    let marginal = curve.points()[0].marginal_hhi(&program).unwrap();
    assert!((marginal - 0.016).abs() < 1e-15, "{marginal}");
    assert_eq!(half.squares.hhi(100), Some(0.44));
}

/// Products of the size of real ones stay within exact arithmetic, with fine weights too.
#[test]
fn large_products_have_their_curves() {
    let mut numbers = Numbers(3);
    for weights in [[1, 1, 1], [3, 2, 1], [1000, 999, 1]] {
        let (mut n_points, mut times, mut price_times) = (0, Vec::new(), Vec::new());
        for _ in 0..200 {
            let program = like_trade(&mut numbers, 150, weights, false);
            let started = Instant::now();
            let curve = ConcentrationCurve::new(&program).unwrap();
            times.push(started.elapsed().as_nanos());
            n_points += curve.points().len();
            for pair in curve.points().windows(2) {
                assert!(order(pair[0].value(), pair[1].value()).is_lt() && pair[0].squares() > pair[1].squares());
                assert!(pair[0].price_of_more() != pair[1].price_of_less());
            }
            for numerator in 0..20 {
                let started = Instant::now();
                let chosen = at_price(&program, Ratio { numerator, denominator: 10 }).unwrap();
                price_times.push(started.elapsed().as_nanos());
                let same = curve.at_value(&program, chosen.value).unwrap();
                assert_eq!((same.squares, same.flows), (chosen.squares, chosen.flows));
                assert_eq!(curve.at_price(Ratio { numerator, denominator: 10 }), Ok((chosen.value, chosen.squares)));
            }
        }
        times.sort_unstable();
        price_times.sort_unstable();
        println!(
            "weights {weights:?}: {} points a curve, {} us a curve, {} us a price (medians)",
            n_points / 200,
            times[100] / 1000,
            price_times[2000] / 1000
        );
    }
}
