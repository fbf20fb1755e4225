//! The most concentrated optimum: against all vertices of small products, and how far the search gets on large ones.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::cast_precision_loss)]

use std::cell::Cell;
use std::time::Instant;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use reorient_model::{
    ExactAmount, HhiMaximum, Optimum, Program, SquaresMaximum, SquaresSum, closed_form, declare, formulate, most_even, verify,
};
use reorient_testkit::{Numbers, like_trade, option_product};

const CASES: u32 = 12_000;

fn runner() -> TestRunner {
    TestRunner::new(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })
}

/// The largest sum of squares, by all vertices of the face: in each block one flow takes what the others, at a bound, leave.
fn by_vertices(program: &Program, optimum: &Optimum) -> i128 {
    let of_block = |cost: i64, total: i64| {
        let members: Vec<usize> = (0..program.len()).filter(|at| program.cost[*at] == cost).collect();
        let mut most = None;
        for basic in 0..members.len() {
            for choice in 0..1_u32 << members.len() {
                let mut flows: Vec<i64> = members.iter().map(|at| program.lower[*at]).collect();
                for (index, at) in members.iter().enumerate() {
                    if choice >> index & 1 == 1 {
                        flows[index] = program.upper[*at];
                    }
                }
                flows[basic] = 0;
                let rest = total - flows.iter().sum::<i64>();
                if program.lower[members[basic]] <= rest && rest <= program.upper[members[basic]] {
                    flows[basic] = rest;
                    most = most.max(Some(squares(&flows)));
                }
            }
        }
        most.unwrap()
    };
    optimum.blocks.iter().map(|block| of_block(block.cost, block.total)).sum()
}

fn squares(flows: &[i64]) -> i128 {
    flows.iter().map(|flow| i128::from(*flow) * i128::from(*flow)).sum()
}

/// Searches with and without nodes and checks what is said of the answer; returns it.
fn check(program: &Program, optimum: &Optimum, truth: i128) -> SquaresMaximum {
    let mut search = HhiMaximum::default();
    let most = search.solve(program, optimum, u32::MAX);
    assert!(most.is_exact());
    assert_eq!(most.value, truth, "{program:?}");
    for limit in [0, 1, 2, 5, u32::MAX] {
        let most = search.solve(program, optimum, limit);
        let flows = search.flows();
        assert_eq!(squares(flows), most.value);
        assert!(most.value <= truth && truth <= most.bound, "{limit} nodes: {most:?}, {truth} in {program:?}");
        assert!(u64::from(most.nodes) <= u64::from(limit) * optimum.blocks.len() as u64);
        let certified = verify(program, flows.iter().copied().map(ExactAmount::whole).collect(), 0, optimum.multiplier());
        assert!(certified.is_ok(), "{certified:?}");
    }
    most
}

/// Products under any options: blocks of several weights, ceilings, floors.
#[test]
fn small_products_have_the_largest_vertex() {
    let counts = [const { Cell::new(0) }; 5];
    let [solved, unique, open_risk, searched, infeasible] = &counts;
    let add = |count: &Cell<u32>, holds: bool| count.set(count.get() + u32::from(holds));
    let result = runner().run(&option_product(), |case| {
        let market = case.market();
        let program = formulate(case.code(), &market, &case.policy).unwrap();
        let optimum = closed_form(&program).unwrap();
        if optimum.unmet > 0 {
            // One point, all at their bounds.
            let most = HhiMaximum::default().solve(&program, &optimum, 10);
            let full = SquaresSum::of(&program.upper.iter().copied().map(ExactAmount::whole).collect::<Vec<_>>());
            prop_assert_eq!(Some(SquaresSum::whole(most.value)), full);
            prop_assert!(most.is_exact());
            add(infeasible, true);
            return Ok(());
        }
        let most = check(&program, &optimum, by_vertices(&program, &optimum));
        let least = SquaresSum::of(&most_even(&program, &optimum)).unwrap();
        prop_assert!(least <= SquaresSum::whole(most.value));
        let declared = declare(&program, &market, &optimum, &case.policy.tie_break);
        if let Some(declared) = SquaresSum::of(&declared) {
            prop_assert!(least <= declared && declared <= SquaresSum::whole(most.value));
        }
        add(solved, true);
        add(unique, least == SquaresSum::whole(most.value));
        add(
            open_risk,
            optimum.blocks.iter().any(|block| block.cost > 0 && block.lower < block.total && block.total < block.upper),
        );
        add(searched, most.nodes > 0);
        Ok(())
    });
    result.unwrap();
    println!("solved, unique, open risk, searched, infeasible: {counts:?}");
    assert!(counts.iter().zip([9_000, 2_000, 1_000, 10, 1_000]).all(|(count, least)| count.get() > least), "{counts:?}");
}

/// One block of up to nine exporters, of kinds where slopes tie or nobody dominates anybody.
#[test]
fn hard_blocks_have_the_largest_vertex() {
    let bounds = |kind: u8, (left, right): (i64, i64)| match kind {
        0 => (left, left + right),
        // One slope: a problem of subset sums.
        1 => (40 - right, 40 + right),
        // Narrow slopes.
        2 => (40 + left / 10 - right, 40 + left / 10 + right),
        // Equal widths, or equal lower bounds.
        3 => (left, left + 7),
        _ => (5, 5 + right),
    };
    let block = (0_u8..5, proptest::collection::vec((0_i64..=40, 0_i64..=40), 1..=9), 0_i64..=1000);
    let searched = Cell::new([0; 5]);
    let bracketed = Cell::new(0);
    let result = runner().run(&block, |(kind, rows, part)| {
        let bounds: Vec<(i64, i64)> = rows.into_iter().map(|row| bounds(kind, row)).collect();
        let (lower, upper): (Vec<i64>, Vec<i64>) = bounds.into_iter().unzip();
        let least: i64 = lower.iter().sum();
        let total = least + (upper.iter().sum::<i64>() - least) * part / 1000;
        let cost = vec![0; lower.len()];
        let program = Program { scale: 1, weight_scale: 1, total, cost, baseline: lower.clone(), lower, upper };
        let optimum = closed_form(&program).unwrap();
        let most = check(&program, &optimum, by_vertices(&program, &optimum));
        let mut counts = searched.get();
        counts[usize::from(kind)] += u32::from(most.nodes > 0);
        searched.set(counts);
        let without = HhiMaximum::default().solve(&program, &optimum, 0);
        bracketed.set(bracketed.get() + u32::from(!without.is_exact()));
        Ok(())
    });
    result.unwrap();
    println!("searched by kind {:?}, bracketed without nodes {}", searched.get(), bracketed.get());
    let counts = searched.get();
    assert!(counts[..3].iter().all(|count| *count > 500) && bracketed.get() > 1_000, "{counts:?}");
    // Where one order by size serves both bounds, the first filling is the answer.
    assert!(counts[3..].iter().all(|count| *count == 0), "{counts:?}");
}

/// A product that a random part of the room is enough for.
fn in_slack(numbers: &mut Numbers, lower: Vec<i64>, upper: Vec<i64>) -> Program {
    let least: i64 = lower.iter().sum();
    let room = upper.iter().sum::<i64>() - least;
    let total = least + numbers.up_to(room);
    Program { scale: 20, weight_scale: 1, total, cost: vec![0; lower.len()], baseline: lower.clone(), lower, upper }
}

/// How many of these are solved exactly, the largest gap as a part of the value, and the median time in microseconds.
fn measure(name: &str, programs: &[Program], node_limit: u32) -> (usize, f64) {
    let mut search = HhiMaximum::default();
    let mut answers: Vec<(u128, u32)> = Vec::new();
    let (mut n_exact, mut gap) = (0, 0.0_f64);
    for program in programs {
        let optimum = closed_form(program).unwrap();
        let started = Instant::now();
        let most = search.solve(program, &optimum, node_limit);
        answers.push((started.elapsed().as_nanos(), most.nodes));
        n_exact += usize::from(most.is_exact());
        gap = gap.max((most.bound - most.value) as f64 / most.value.max(1) as f64);
        let flows = search.flows().iter().copied().map(ExactAmount::whole).collect();
        verify(program, flows, 0, optimum.multiplier()).unwrap();
    }
    answers.sort_unstable();
    let time = |part: usize| answers[answers.len() * part / 100].0 as f64 / 1e3;
    let nodes = answers.iter().map(|answer| answer.1).max().unwrap();
    println!(
        "{name}: {n_exact} of {} exact with {node_limit} nodes (at most {nodes}); {:.1} us median, {:.1} us for 99 %; gap {gap:.1e}",
        programs.len(),
        time(50),
        time(99)
    );
    (n_exact, gap)
}

#[test]
fn products_like_trade_are_solved_exactly() {
    let mut numbers = Numbers(7);
    for n in [50, 150, 240] {
        for symmetric in [false, true] {
            let programs: Vec<Program> = (0..1000).map(|_| like_trade(&mut numbers, n, [1; 3], symmetric)).collect();
            let (n_exact, _) = measure(&format!("{n} exporters, symmetric {symmetric}"), &programs, 2_000);
            assert!(n_exact >= 998, "{n_exact}");
        }
    }
}

/// Of exporters that share one slope no search gets through; the bracket stays narrow.
#[test]
fn where_the_nodes_run_out_the_bracket_holds() {
    let mut numbers = Numbers(11);
    let programs: Vec<Program> = (0..200)
        .map(|_| {
            let half: Vec<i64> = (0..100).map(|_| numbers.up_to(1_000_000_000) + 1).collect();
            let bounds = |sign: i64| half.iter().map(|half| 1_000_000_000 + sign * half).collect();
            in_slack(&mut numbers, bounds(-1), bounds(1))
        })
        .collect();
    let (n_exact, gap) = measure("100 exporters of one slope", &programs, 2_000);
    assert!(n_exact < 100, "{n_exact}");
    assert!(gap < 1e-3, "{gap}");
}
