//! Each stage of the main job on the embedded real sample; every bench checks its answer once before it is timed.
#![allow(clippy::unwrap_used, missing_docs)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use reorient_core::{CountryCode, Year};
use reorient_data::TradeSource;
use reorient_engine::{Baseline, ListChoice, Scenario, SolverChoice, run};
use reorient_folder::Target;
use reorient_model::{CountrySet, LinearProgram, Program, closed_form, declare, formulate, verify};
use reorient_report::{FolderOptions, Manifest, Screen, TerminalOptions, terminal, write_folder};
use reorient_solve::{SolveOutcome, solve};

fn stages(criterion: &mut Criterion) {
    let source = TradeSource::embedded().unwrap();
    let year = source.years()[0];
    let countries = source.countries();
    let scenario = Scenario { list: ListChoice::All, ..Scenario::default() };
    let set = |codes: &[CountryCode]| CountrySet::new(countries.len(), codes.iter().filter_map(|code| countries.index(*code)));
    let bloc = scenario.resolve_bloc(countries, Year::new(2023).unwrap()).unwrap();
    let members = set(&bloc.members);
    let policy = scenario.policy(countries, year, &bloc).unwrap();

    let mut group = criterion.benchmark_group("sample");
    let trade = source.read(year, None).unwrap();
    assert_eq!(trade.table.n_rows(), 52_818);
    group.throughput(Throughput::Elements(52_818));
    group.bench_function("read", |bench| bench.iter(|| source.read(year, None).unwrap()));
    let baseline = Baseline::new(&trade.table, &members);
    group.bench_function("baseline", |bench| bench.iter(|| Baseline::new(black_box(&trade.table), &members)));

    group.throughput(Throughput::Elements(71));
    let formulate_all = || -> Vec<Program> {
        (0..baseline.products().len())
            .map(|at| formulate(baseline.products()[at], &baseline.market(at), &policy).unwrap())
            .collect()
    };
    let programs = formulate_all();
    assert_eq!(programs.len(), 71);
    group.bench_function("formulate", |bench| bench.iter(formulate_all));

    let risk = |program: &Program| closed_form(program).unwrap().risk_total;
    let by_formula: i64 = programs.iter().map(risk).sum();
    // Whole thousands of dollars, in units of a twentieth of a dollar.
    assert_eq!(by_formula / 20_000, 32_301_577);
    group.bench_function("closed form", |bench| {
        bench.iter(|| programs.iter().map(|program| risk(black_box(program))).sum::<i64>())
    });

    let linear: Vec<LinearProgram> = programs.iter().map(LinearProgram::new).collect();
    for (program, linear) in programs.iter().zip(&linear) {
        let SolveOutcome::Optimal { multiplier, .. } = solve(linear) else { unreachable!("every product is feasible") };
        assert_eq!(multiplier > 0.5, risk(program) > 0);
    }
    group
        .bench_function("highs", |bench| bench.iter(|| linear.iter().map(|linear| solve(black_box(linear))).collect::<Vec<_>>()));

    group.bench_function("declare and verify", |bench| {
        bench.iter(|| {
            for (at, program) in programs.iter().enumerate() {
                let optimum = closed_form(program).unwrap();
                let flows = declare(program, &baseline.market(at), &optimum, &policy.tie_break);
                black_box(verify(program, flows, optimum.unmet, optimum.multiplier()).unwrap());
            }
        });
    });

    let whole = |choice| run(&source, &Scenario { solver: choice, ..scenario.clone() }, &|_| {}, &|| {}).unwrap();
    let result = whole(SolverChoice::ClosedForm);
    assert_eq!(result.collection.headline.in_shortage, 21);
    group.bench_function("whole run, closed form", |bench| bench.iter(|| whole(SolverChoice::ClosedForm)));
    group.bench_function("whole run, highs", |bench| bench.iter(|| whole(SolverChoice::Highs)));

    let options = TerminalOptions {
        screen: Screen::new(Screen::USUAL, false),
        bloc: "EU27",
        one_country: false,
        source: source.label(),
        leading: &[],
        notes: &[],
    };
    assert!(terminal(&result.collection, countries, &options).contains("Libya"));
    group.bench_function("terminal", |bench| bench.iter(|| terminal(&result.collection, countries, &options)));
    let folder = tempfile::tempdir().unwrap();
    group.bench_function("write folder", |bench| {
        bench.iter(|| {
            write_folder(
                &Target::new(folder.path()),
                &result.collection,
                countries,
                &Manifest::default(),
                &[],
                &FolderOptions::default(),
            )
            .unwrap()
        });
    });
    group.finish();
}

criterion_group!(benches, stages);
criterion_main!(benches);
