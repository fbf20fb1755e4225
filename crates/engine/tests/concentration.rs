//! Concentration on every product of the real sample: the most concentrated optimum, and the curve of risk against concentration.
#![allow(clippy::unwrap_used, clippy::cast_precision_loss, clippy::print_stdout)]

use std::time::Instant;

use reorient_core::ProductCode;
use reorient_data::TradeSource;
use reorient_engine::{HIGHS_VERSION, RunResult, Scenario, formulate_product, run};
use reorient_model::{
    ConcentrationCurve, ExactAmount, HhiMaximum, Optimum, Program, Ratio, SquaresSum, Status, closed_form, most_even, verify,
};

const NODE_LIMIT: u32 = 2_000;

const QUESTIONS: [&[&str]; 7] = [
    &[],
    &["floor=free"],
    &["floor=symmetric", "cap-basis=exporter-extra-bloc"],
    &["weights=156=3,643=2"],
    &["ceiling=0.5", "cap=0.1"],
    &["bloc=DEU", "floor=churn:0.2"],
    &["cap=0.03125", "bloc-alternatives=no"],
];

fn scenario(settings: &[&str]) -> Scenario {
    let mut scenario = Scenario::default();
    scenario.set("list", "all").unwrap();
    for setting in settings {
        scenario.set_from_text(setting).unwrap();
    }
    scenario
}

fn answer(source: &TradeSource, settings: &[&str]) -> RunResult {
    run(source, &scenario(settings), &|_| {}, &|| {}).unwrap()
}

/// All programs of the sample whose imports can be supplied in full: the others are one point.
fn programs(source: &TradeSource, settings: &[&str]) -> Vec<(ProductCode, Program, Optimum)> {
    let scenario = scenario(settings);
    let products = source.products(source.years()[0]).unwrap();
    let all = products.into_iter().map(|product| (product, formulate_product(source, &scenario, product).unwrap().unwrap().0));
    let optima = all.map(|(product, program)| (product, closed_form(&program).unwrap(), program));
    optima.filter(|(_, optimum, _)| optimum.unmet == 0).map(|(product, optimum, program)| (product, program, optimum)).collect()
}

#[test]
fn every_product_of_the_sample_has_an_exact_maximum() {
    let source = TradeSource::embedded().unwrap();
    let mut search = HhiMaximum::default();
    for settings in QUESTIONS {
        let (mut n_exact, mut n_open, mut n_nodes, mut times) = (0, 0, 0, Vec::new());
        let programs = programs(&source, settings);
        for (product, program, optimum) in &programs {
            let started = Instant::now();
            let most = search.solve(program, optimum, NODE_LIMIT);
            times.push(started.elapsed().as_nanos());
            let flows = search.flows().iter().copied().map(ExactAmount::whole).collect();
            let certified = verify(program, flows, optimum.unmet, optimum.multiplier());
            assert!(certified.is_ok(), "{settings:?} {product}: {certified:?}");
            let least = SquaresSum::of(&most_even(program, optimum)).unwrap();
            assert!(least <= SquaresSum::whole(most.value) && most.value <= most.bound, "{settings:?} {product}");
            n_exact += usize::from(most.is_exact());
            n_open += usize::from(least < SquaresSum::whole(most.value));
            n_nodes = n_nodes.max(most.nodes);
            let bracket = search.solve(program, optimum, 0);
            assert!(bracket.value <= most.value && most.bound <= bracket.bound, "{settings:?} {product}: {bracket:?} {most:?}");
        }
        times.sort_unstable();
        println!(
            "{settings:?}: {n_exact} of {} exact, {n_open} not unique; at most {n_nodes} nodes; {:.1} us median, {:.1} us at most",
            programs.len(),
            times[times.len() / 2] as f64 / 1e3,
            times[times.len() - 1] as f64 / 1e3
        );
        assert_eq!(n_exact, programs.len(), "{settings:?}");
    }
}

#[test]
fn declared_points_lie_between_the_least_and_the_most_concentrated() {
    let source = TradeSource::embedded().unwrap();
    let mut rules = vec!["proportional-capacity", "proportional-flow", "order:682,DEU,124", "min-hhi", "min-cost"];
    if HIGHS_VERSION.is_some() {
        rules.push("vertex");
    }
    let mut search = HhiMaximum::default();
    for settings in QUESTIONS {
        let programs = programs(&source, settings);
        for rule in &rules {
            let rule = format!("tie-break.fill={rule}");
            let result = answer(&source, &[settings, &[rule.as_str()]].concat());
            let solved = result.collection.products.iter().filter(|row| row.status != Status::Infeasible);
            for (row, (product, program, optimum)) in solved.zip(&programs) {
                assert_eq!(row.product, *product);
                let most = search.solve(program, optimum, NODE_LIMIT);
                let most = SquaresSum::whole(most.value).hhi(program.total);
                let Some((most, declared)) = most.zip(row.hhi_after) else { continue };
                let least = SquaresSum::of(&most_even(program, optimum)).unwrap().hhi(program.total).unwrap();
                let (near, published) = (1e-12, row.hhi_after_min.unwrap());
                assert!((published - least).abs() <= near * least, "{rule} {product}: {published} {least}");
                assert!(least <= declared * (1.0 + near), "{rule} {product}: {least} {declared}");
                assert!(declared <= most * (1.0 + near), "{rule} {product}: {declared} {most}");
            }
        }
    }
}

/// Imports times the mean index weighted by them, in dollars.
fn weighted(squares: SquaresSum, program: &Program) -> f64 {
    squares.hhi(program.total).map_or(0.0, |hhi| hhi * program.total as f64 / program.scale as f64)
}

#[test]
fn the_curve_of_the_sample_falls_from_the_optimum() {
    let source = TradeSource::embedded().unwrap();
    for settings in QUESTIONS {
        let programs = programs(&source, settings);
        let started = Instant::now();
        let curves: Vec<ConcentrationCurve> =
            programs.iter().map(|(_, program, _)| ConcentrationCurve::new(program).unwrap()).collect();
        let elapsed = started.elapsed().as_micros();
        let imports: f64 = programs.iter().map(|(_, program, _)| program.total as f64 / program.scale as f64).sum();
        let mut ends = [0.0; 4];
        let mut search = HhiMaximum::default();
        for ((product, program, optimum), curve) in programs.iter().zip(&curves) {
            let points = curve.points();
            assert_eq!(points[0].squares(), SquaresSum::of(&most_even(program, optimum)).unwrap(), "{settings:?} {product}");
            let within = |at: usize| program.lower[at] <= program.baseline[at] && program.baseline[at] <= program.upper[at];
            let today = SquaresSum::whole(program.baseline.iter().map(|flow| i128::from(*flow) * i128::from(*flow)).sum());
            if (0..program.len()).all(within) {
                // Today is feasible, so the curve at today's risk is below it.
                let value = (0..program.len()).map(|at| program.cost[at] * program.baseline[at]).sum();
                let least = curve.at_value(program, ExactAmount::whole(value)).unwrap();
                assert!(least.squares <= today, "{settings:?} {product}");
            }
            let most = SquaresSum::whole(search.solve(program, optimum, NODE_LIMIT).value);
            let all = [today, points[points.len() - 1].squares(), points[0].squares(), most];
            for (sum, squares) in ends.iter_mut().zip(all) {
                *sum += weighted(squares, program);
            }
        }
        println!(
            "{settings:?}: today, least feasible, least and most concentrated optimum: {:.6?}",
            ends.map(|end| end / imports)
        );
        println!("  {} points, {elapsed} us for all curves", curves.iter().map(|curve| curve.points().len()).sum::<usize>());
        // One price for all: as it rises, risk falls and the mean index rises, and the curve is convex.
        let mut points: Vec<(f64, f64)> = Vec::new();
        for numerator in 0..=60 {
            let (mut risk, mut mean) = (0.0, 0.0);
            for ((_, program, _), curve) in programs.iter().zip(&curves) {
                let (value, squares) = curve.at_price(Ratio { numerator, denominator: 30 }).unwrap();
                let units = value.denominator as f64 * program.scale as f64 * program.weight_scale as f64;
                risk += value.numerator as f64 / units;
                mean += weighted(squares, program);
            }
            points.push((risk, mean));
        }
        for pair in points.windows(2) {
            assert!(pair[1].0 <= pair[0].0 * (1.0 + 1e-12) && pair[0].1 <= pair[1].1 * (1.0 + 1e-12), "{settings:?} {pair:?}");
        }
        for (index, three) in points.windows(3).enumerate() {
            // The price lies between the slopes on both sides.
            let slope = |left: (f64, f64), right: (f64, f64)| (right.1 - left.1) / (left.0 - right.0);
            let price = (index + 1) as f64 / 30.0;
            let (before, after) = (slope(three[0], three[1]), slope(three[1], three[2]));
            assert!(three[0].0 - three[1].0 < 1.0 || before <= price + 1e-6, "{settings:?} {before} {price}");
            assert!(three[1].0 - three[2].0 < 1.0 || after >= price - 1e-6, "{settings:?} {after} {price}");
        }
        for (risk, mean) in points.iter().step_by(10) {
            println!("  risk {:.3} busd, mean index {:.6}", risk / 1e9, mean / imports);
        }
    }
}
