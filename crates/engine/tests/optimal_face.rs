//! What is said of the optimal face, on every product of the real sample: ends of intervals found again by HiGHS and attained by
//! allocations that the verifier accepts, points of every tie-break inside, the frontier equal to runs.
#![allow(clippy::unwrap_used, clippy::cast_precision_loss, clippy::print_stdout)]

use reorient_core::{Fraction, ProductCode};
use reorient_data::TradeSource;
use reorient_engine::{RunResult, Scenario, formulate_product, frontier, run};
use reorient_model::{
    ExactAmount, Interval, LinearProgram, NanoUsd, Optimum, Program, closed_form, intervals, set_interval, verify,
};
use reorient_solve::{HIGHS_VERSION, SolveOutcome, solve};

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

/// All programs of the sample that have an optimum.
fn programs(source: &TradeSource, settings: &[&str]) -> Vec<(ProductCode, Program, Optimum)> {
    let scenario = scenario(settings);
    let products = source.products(source.years()[0]).unwrap();
    let all = products.into_iter().map(|product| (product, formulate_product(source, &scenario, product).unwrap().unwrap().0));
    all.filter_map(|(product, program)| {
        Some((product, closed_form(&program).ok()?)).map(|(code, optimum)| (code, program, optimum))
    })
    .collect()
}

const QUESTIONS: [&[&str]; 6] = [
    &[],
    &["floor=free"],
    &["floor=symmetric", "cap-basis=exporter-extra-bloc"],
    &["weights=156=3,643=2"],
    &["ceiling=0.5", "cap=0.1"],
    &["bloc=DEU", "floor=churn:0.2"],
];

/// The face of a program as a linear program: imports preserved, and the optimal value kept.
fn face(program: &Program, optimum: &Optimum) -> LinearProgram {
    let mut face = LinearProgram::new(program);
    let value: i64 = optimum.blocks.iter().map(|block| block.cost * block.total).sum();
    let unit = program.total.max(1) as f64;
    face.right_hand_side.push(value as f64 / program.weight_scale as f64 / unit);
    let (mut starts, mut rows, mut values) = (vec![0], Vec::new(), Vec::new());
    for cost in &face.cost {
        rows.push(0);
        values.push(1.0);
        if *cost > 0.0 {
            rows.push(1);
            values.push(*cost);
        }
        starts.push(rows.len());
    }
    (face.column_start, face.row_index, face.value) = (starts, rows, values);
    face
}

fn end(face: &LinearProgram, cost: impl Fn(usize) -> f64) -> f64 {
    let program = LinearProgram { cost: (0..face.cost.len()).map(&cost).collect(), ..face.clone() };
    let outcome = solve(&program);
    let SolveOutcome::Optimal { flows, .. } = outcome else { unreachable!("the face is not empty: {outcome:?}") };
    flows.iter().enumerate().map(|(at, flow)| cost(at) * flow).sum()
}

#[test]
fn highs_finds_the_same_ends() {
    if HIGHS_VERSION.is_none() {
        println!("skipped: built without HiGHS");
        return;
    }
    let source = TradeSource::embedded().unwrap();
    let mut n_ends = 0;
    for settings in QUESTIONS {
        // Where imports are unmet, the face is one point.
        for (product, program, optimum) in programs(&source, settings).into_iter().filter(|(_, _, optimum)| optimum.unmet == 0) {
            let face = face(&program, &optimum);
            let unit = program.total.max(1) as f64;
            let tolerance = 1e-9 * unit.max(1_000.0 * program.scale as f64) / unit;
            let check = |interval: Interval, contains: &dyn Fn(usize) -> bool| {
                let sum = |at: usize, sign: f64| if contains(at) { sign } else { 0.0 };
                let (least, most) = (end(&face, |at| sum(at, 1.0)), -end(&face, |at| sum(at, -1.0)));
                assert!((least - interval.min as f64 / unit).abs() <= tolerance, "{settings:?} {product}: {least} {interval:?}");
                assert!((most - interval.max as f64 / unit).abs() <= tolerance, "{settings:?} {product}: {most} {interval:?}");
            };
            // Of each product every risk origin and the exporters whose range is not a point, and some sets.
            for (at, interval) in intervals(&program, &optimum).into_iter().enumerate() {
                let is_open = interval.min < interval.max && at % if settings.is_empty() { 1 } else { 8 } == 0;
                if is_open || program.cost[at] > 0 {
                    check(interval, &|other| other == at);
                    n_ends += 2;
                }
            }
            for every in [2, 3] {
                let contains = |at: usize| at.is_multiple_of(every);
                check(set_interval(&program, &optimum, contains), &contains);
                n_ends += 2;
            }
        }
    }
    assert!(n_ends > 8_000, "{n_ends} ends");
}

/// An optimum with one flow at a given end: the rest of its block fills up in order.
fn attain(program: &Program, optimum: &Optimum, at: usize, amount: i64) -> Vec<ExactAmount> {
    let mut flows = program.lower.clone();
    flows[at] = amount;
    for block in &optimum.blocks {
        let members: Vec<usize> = (0..program.len()).filter(|other| program.cost[*other] == block.cost).collect();
        let mut rest = block.total - members.iter().map(|other| flows[*other]).sum::<i64>();
        for other in members.into_iter().filter(|other| *other != at) {
            let more = rest.min(program.upper[other] - flows[other]);
            flows[other] += more;
            rest -= more;
        }
    }
    flows.into_iter().map(ExactAmount::whole).collect()
}

#[test]
fn both_ends_of_every_interval_are_attained() {
    let source = TradeSource::embedded().unwrap();
    let mut n_ends = 0;
    for settings in QUESTIONS {
        for (product, program, optimum) in programs(&source, settings) {
            for (at, interval) in intervals(&program, &optimum).into_iter().enumerate() {
                for amount in [interval.min, interval.max] {
                    let flows = attain(&program, &optimum, at, amount);
                    let certified = verify(&program, flows, optimum.unmet, optimum.multiplier());
                    assert!(certified.is_ok(), "{settings:?}, product {product}, exporter {at}: {certified:?}");
                    n_ends += 1;
                }
            }
        }
    }
    assert!(n_ends > 50_000, "{n_ends} ends");
}

#[test]
fn every_tie_break_lies_within_the_ranges() {
    let source = TradeSource::embedded().unwrap();
    let mut rules = vec![
        "tie-break.fill=proportional-flow",
        "tie-break.fill=order:682,DEU,124",
        "tie-break.fill=min-hhi",
        "tie-break.fill=min-cost",
        "tie-break.drain=order:842,643,156",
    ];
    if HIGHS_VERSION.is_some() {
        rules.push("tie-break.fill=vertex");
    }
    for settings in QUESTIONS {
        let base = answer(&source, settings);
        for rule in &rules {
            let other = answer(&source, &[settings, &[*rule]].concat());
            assert_eq!(other.collection.headline.risk_after, base.collection.headline.risk_after);
            let mut moved = 0;
            for (row, reference) in other.collection.products.iter().zip(&base.collection.products) {
                for (flow, reference) in row.flows.iter().zip(&reference.flows) {
                    assert_eq!((flow.min, flow.max), (reference.min, reference.max));
                    assert!(flow.min <= flow.optimised && flow.optimised <= flow.max, "{rule} {} {flow:?}", row.product);
                    moved += usize::from(flow.optimised != reference.optimised);
                }
                let even = row.hhi_after_min.zip(row.hhi_after).is_none_or(|(least, own)| least <= own * (1.0 + 1e-12));
                assert!(even, "{rule} {}", row.product);
            }
            // With three weights no two origins share a block.
            let nothing_to_choose = rule.contains("drain") && settings.iter().any(|setting| setting.contains("weights"));
            assert!(moved > 0 || nothing_to_choose, "{rule} declares the same point with {settings:?}");
        }
    }
}

#[test]
fn the_frontier_is_the_run_at_every_cap() {
    let source = TradeSource::embedded().unwrap();
    for settings in QUESTIONS {
        for cap in ["0", "0.01", "0.05", "1/3", "1"] {
            let setting = format!("cap={cap}");
            let settings = [settings, &[setting.as_str()]].concat();
            let result = answer(&source, &settings);
            let curve = frontier(&source, &scenario(&settings)).unwrap();
            let point = curve.frontier.at(cap.parse::<Fraction>().unwrap()).unwrap();
            let headline = &result.collection.headline;
            assert_eq!(point.infeasible, headline.infeasible, "{settings:?}");
            let imports = NanoUsd::from_scaled(curve.frontier.imports, curve.frontier.scale);
            assert_eq!(imports, NanoUsd::from(headline.imports), "{settings:?}");
            // A sum of roundings against the rounding of a sum: at most half a billionth of a dollar for each product.
            let difference = point.risk.to_nano(curve.frontier.scale) - headline.risk_after;
            assert!(difference.0.abs() <= 36, "{settings:?}: {difference:?}");
            let difference = point.unmet.to_nano(curve.frontier.scale) - headline.unmet;
            assert!(difference.0.abs() <= 36, "{settings:?}: {difference:?}");
            let critical = curve.products.iter().map(|row| row.cap.is_some_and(|own| own <= Fraction::into(curve.cap)));
            let cleared =
                result.collection.products.iter().map(|row| [row.risk_after, row.unmet] == [Some(NanoUsd::default()); 2]);
            assert!(critical.eq(cleared), "{settings:?}");
        }
    }
}

#[test]
fn the_slope_is_that_of_the_frontier() {
    let source = TradeSource::embedded().unwrap();
    let result = answer(&source, &[]);
    // A step so small that no breakpoint lies in between.
    let step = answer(&source, &["cap=0.050001"]);
    let fall = result.collection.headline.risk_after - step.collection.headline.risk_after;
    let expected = result.collection.headline.risk_slope.0 / 1_000_000;
    assert!((fall.0 - expected).abs() <= expected / 1000, "{fall:?} against {expected}");
}

#[test]
fn the_member_of_a_bloc_of_one_is_no_alternative_for_itself() {
    let source = TradeSource::embedded().unwrap();
    for (bloc, code) in [("NLD", 528), ("DEU", 276)] {
        for floor in ["additive", "free"] {
            let result = answer(&source, &[&format!("bloc={bloc}"), &format!("floor={floor}")]);
            let own = source.countries().index(reorient_core::CountryCode::new(code).unwrap()).unwrap();
            let flows: Vec<_> = result.collection.products.iter().flat_map(|row| &row.flows).collect();
            let mut of_own = flows.iter().filter(|flow| flow.exporter == own).peekable();
            assert!(of_own.peek().is_some());
            assert!(of_own.all(|flow| flow.capacity == NanoUsd::default() && flow.max == NanoUsd::default()));
            // Other members of the union are suppliers like any other.
            let france = source.countries().index(reorient_core::CountryCode::new(251).unwrap()).unwrap();
            assert!(flows.iter().any(|flow| flow.exporter == france && flow.capacity > NanoUsd::default()));
        }
    }
}
