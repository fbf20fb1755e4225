//! A whole year and a product list, the way a night uses them: one product by closed form and by HiGHS, and a thousand
//! scenarios that share one read. Every answer is checked before it is timed.
//!
//! `REORIENT_YEAR` names an ingested folder or file, such as the full synthetic year; without it a small synthetic year is made.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use criterion::{Criterion, criterion_group, criterion_main};
use rayon::prelude::*;
use reorient_core::Fraction;
use reorient_data::{IngestOptions, TradeSource, ingest};
use reorient_engine::{Baseline, Bench, Scenario, Session, SolverChoice, run};
use reorient_metrics::Collection;
use reorient_model::{CountrySet, LinearProgram, Program, closed_form, formulate};
use reorient_solve::{SolveOutcome, solve};

const SCENARIOS: u64 = 1_000;

/// The year to work on; the folder goes with the second part.
fn year() -> (TradeSource, Option<tempfile::TempDir>) {
    if let Some(path) = std::env::var_os("REORIENT_YEAR") {
        return (TradeSource::open(&PathBuf::from(path)).unwrap(), None);
    }
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("year");
    let raw = folder.path().join("raw");
    reorient(&["synth", "--rows", "400000", "--seed", "1", "--out"], &raw);
    ingest(&[raw], &out, &IngestOptions::default(), &mut |_| {}).unwrap();
    (TradeSource::open(&out).unwrap(), Some(folder))
}

fn reorient(arguments: &[&str], path: &Path) {
    assert!(Command::new(env!("CARGO_BIN_EXE_reorient")).args(arguments).arg(path).status().unwrap().success());
}

/// Caps, bases and risk sets in turns.
fn scenario(number: u64) -> Scenario {
    let mut scenario = Scenario { cap: Fraction::new(number % 40 + 1, 200).unwrap(), ..Scenario::default() };
    let bases = ["exporter-world", "exporter-extra-bloc", "bloc-flow", "bloc-market", "world-market"];
    let risks = ["156,842,643", "156", "842", "156,643", "156,842,643,792"];
    scenario.set("cap-basis", bases[usize::try_from(number / 40).unwrap() % bases.len()]).unwrap();
    scenario.set("risk", risks[usize::try_from(number / 200).unwrap() % risks.len()]).unwrap();
    scenario
}

fn whole_year(criterion: &mut Criterion) {
    let (source, _folder) = year();
    let result = run(&source, &Scenario::default(), &|_| {}, &|| {}).unwrap();
    let n_products = result.collection.products.len();
    println!("{}: {n_products} listed products", source.label());

    let (year, countries) = (source.years()[0], source.countries());
    let wanted = result.collection.products.iter().map(|row| row.product).collect();
    let trade = source.read(year, Some(&wanted)).unwrap();
    let bloc = Scenario::default().resolve_bloc(countries, year).unwrap();
    let members = CountrySet::new(countries.len(), bloc.members.iter().filter_map(|code| countries.index(*code)));
    let policy = Scenario::default().policy(countries, year, &bloc).unwrap();
    let baseline = Baseline::new(&trade.table, &members);
    let formulated = || -> Vec<Program> {
        (0..baseline.products().len())
            .map(|at| formulate(baseline.products()[at], &baseline.market(at), &policy).unwrap())
            .collect()
    };
    let programs = formulated();
    let linear: Vec<LinearProgram> = programs.iter().map(LinearProgram::new).collect();
    for (program, linear) in programs.iter().zip(&linear) {
        let SolveOutcome::Optimal { multiplier, .. } = solve(linear) else { unreachable!("every product is feasible") };
        assert_eq!(multiplier > 0.5, closed_form(program).unwrap().risk_total > 0);
    }
    per_product("formulate", n_products, || formulated().len());
    per_product("closed form", n_products, || programs.iter().filter(|program| closed_form(program).is_ok()).count());
    per_product("HiGHS", n_products, || {
        linear.iter().filter(|linear| matches!(solve(linear), SolveOutcome::Optimal { .. })).count()
    });

    // Figures of a summary are those of a run, to the last bit.
    let mut session = Session::new(&source);
    let mut bench = Bench::default();
    for number in [0, 7, 333, 650, 999] {
        let scenario = scenario(number);
        let prepared = session.prepare(&scenario).unwrap();
        let summary = prepared.summarise(&scenario, &mut bench).unwrap();
        assert_eq!(prepared.headline(&scenario, &mut bench).unwrap(), summary.headline, "scenario {number}");
        let whole = run(&source, &scenario, &|_| {}, &|| {}).unwrap().collection;
        assert_eq!(without_range(summary), without_range(Collection { products: Vec::new(), ..whole }), "scenario {number}");
    }
    for threads in [1, 2, 4, 8] {
        if threads > std::thread::available_parallelism().unwrap().get() {
            break;
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let timed = |n_scenarios: u64, with_tables: bool| {
            let started = Instant::now();
            let mut session = Session::new(&source);
            let prepared: Vec<_> = (0..n_scenarios)
                .map(|number| {
                    let scenario = scenario(number * SCENARIOS / n_scenarios);
                    (session.prepare(&scenario).unwrap(), scenario)
                })
                .collect();
            let cuts: i128 = pool.install(|| {
                let summarise = |bench: &mut Bench, (prepared, scenario): &(_, Scenario)| {
                    let prepared: &reorient_engine::Prepared = prepared;
                    let headline = match with_tables {
                        true => prepared.summarise(scenario, bench).unwrap().headline,
                        false => prepared.headline(scenario, bench).unwrap(),
                    };
                    headline.risk_after.0
                };
                prepared.par_iter().map_init(Bench::default, summarise).sum()
            });
            (started.elapsed().as_secs_f64(), cuts)
        };
        for (n_scenarios, with_tables) in [(SCENARIOS / 10, false), (SCENARIOS, false), (SCENARIOS, true)] {
            let (seconds, left) = timed(n_scenarios, with_tables);
            assert!(left > 0);
            let each = seconds * 1e3 / f64::from(u32::try_from(n_scenarios).unwrap());
            let what = if with_tables { "headline, shares and Table A.1" } else { "headlines" };
            println!("{n_scenarios} scenarios on {threads} threads, {what}: {seconds:.2} s, {each:.2} ms each");
        }
    }

    let mut group = criterion.benchmark_group("year");
    group.sample_size(10);
    group.bench_function("read of the list", |bench| bench.iter(|| source.read(year, Some(&wanted)).unwrap()));
    group.bench_function("baseline", |bench| bench.iter(|| Baseline::new(&trade.table, &members)));
    group.bench_function("run", |bench| bench.iter(|| run(&source, &Scenario::default(), &|_| {}, &|| {}).unwrap()));
    let highs = Scenario { solver: SolverChoice::Highs, ..Scenario::default() };
    group.bench_function("run, highs", |bench| bench.iter(|| run(&source, &highs, &|_| {}, &|| {}).unwrap()));
    group.finish();
}

/// The best of several passes over all products, one thread.
fn per_product(what: &str, n_products: usize, mut pass: impl FnMut() -> usize) {
    let best = (0..5)
        .map(|_| {
            let started = Instant::now();
            assert_eq!(pass(), n_products);
            started.elapsed()
        })
        .min();
    let each = best.unwrap_or_default().as_secs_f64() * 1e3 / f64::from(u32::try_from(n_products).unwrap());
    println!("{what}: {each:.4} ms a product, one thread");
}

fn without_range(mut collection: Collection) -> Collection {
    let means = collection.shares.iter_mut().filter_map(|row| row.hhi.as_mut()).chain(collection.headline.hhi.as_mut());
    means.for_each(|mean| mean.range = None);
    collection
}

criterion_group!(benches, whole_year);
criterion_main!(benches);
