//! `calibrate` finds what a table was made with: random truths on a made-up year, each recovered or named together with
//! exactly those option sets that give the same printed figures.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod common;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rayon::prelude::*;
use reorient_core::{GoodsList, HsRevision, ProductCode, Year};
use reorient_data::{MapRule, TradeSource, embedded_goods_list, map_list};
use reorient_engine::{Bench, Calibrator, ListChoice, Scenario, Session};
use reorient_metrics::{
    Calibration, Choice, Collection, HEADLINE_COUNTRIES, Level, N_DIMENSIONS, Origin, Published, PublishedRisk, PublishedRow,
    Scope, spread,
};
use reorient_report::{NANO_PER_MUSD, decimal, percent};
use reorient_synth::{Request, generate, sort_as_cepii, write_rows};

const ROWS: u64 = 13_000;
const TRUTHS: u64 = 24;
/// Made-up years of few rows are poor; two decimals of a million USD should mean something.
const RICHER: i64 = 1_000;

/// A made-up year in HS 2017, where codes of the list are mapped, some only in part.
fn source() -> &'static TradeSource {
    static SOURCE: OnceLock<(tempfile::TempDir, TradeSource)> = OnceLock::new();
    &SOURCE
        .get_or_init(|| {
            let world = TradeSource::embedded().unwrap();
            let mapped = map_list(&embedded_goods_list().unwrap(), HsRevision::Hs17, MapRule::Any).unwrap();
            let some = mapped.list.goods.keys().copied().step_by(30);
            let mut wanted: BTreeSet<ProductCode> = some.collect();
            wanted.extend(mapped.partial.iter().map(|partial| partial.product).step_by(60));
            wanted.insert("271000".parse().unwrap());
            assert!(wanted.len() as u64 <= ROWS / 100 * 3 / 5, "{} products do not fit", wanted.len());
            let (marginals, replaced) = (std::collections::BTreeMap::new(), BTreeSet::new());
            let countries = world.countries();
            let request = Request { rows: ROWS, seed: 5, countries, wanted: &wanted, marginals: &marginals, replaced: &replaced };
            let (mut rows, _) = generate(&request).unwrap();
            rows.iter_mut().for_each(|row| row.dollars *= RICHER);
            sort_as_cepii(&mut rows);
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("BACI_HS17_Y2023_V202601_synthetic.csv");
            write_rows(&rows, Year::new(2023).unwrap(), &mut std::fs::File::create(&path).unwrap()).unwrap();
            let source = TradeSource::open(&path).unwrap();
            (folder, source)
        })
        .1
}

/// Numbers from a seed.
struct Draws(u64);

impl Draws {
    fn below(&mut self, limit: usize) -> u16 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u16::try_from((self.0 >> 33) as usize % limit).unwrap()
    }
}

/// A list as a file of the user.
fn write_list(list: &GoodsList, path: &Path) {
    let mut text = "hs_revision,hs6,sector,subsector,stage,source\n".to_owned();
    for (code, places) in &list.goods {
        for place in places {
            writeln!(text, "HS2022,{code},{},\"{}\",{},{}", place.sector, place.subsector, place.stage, place.source.0).unwrap();
        }
    }
    std::fs::write(path, text).unwrap();
}

/// The scenario of a choice with its list in a file: as a user would run it.
fn scenario(calibrator: &Calibrator<'_>, choice: &Choice, folder: &Path) -> Scenario {
    let mut scenario = calibrator.scenario(choice).unwrap();
    let path: PathBuf = folder.join(format!("list-{}-{}.csv", choice[3], choice[4]));
    if !path.exists() {
        write_list(&calibrator.list(choice).unwrap(), &path);
    }
    scenario.list = ListChoice::File(path);
    scenario
}

/// Table and headline as they would be published: two decimals, made from a result by the code that writes files.
fn printed(collection: &Collection) -> String {
    let countries = source().countries();
    let imports = collection.headline.imports.into();
    let mut text = String::new();
    for row in &collection.table_a1 {
        let country = countries.country(row.country).code;
        let increase = decimal(row.increase.0, NANO_PER_MUSD, 2);
        let share = |part| percent(part, imports, 2).unwrap();
        writeln!(text, "{country},{increase},{},{}", share(row.before.into()), share(row.after)).unwrap();
    }
    for code in HEADLINE_COUNTRIES {
        let origin = Origin::Country(countries.index(code).unwrap());
        let row = collection.shares.iter().find(|row| row.level == Level::Overall && row.origin == origin).unwrap();
        let share = |part| percent(part, row.imports.into(), 2).unwrap();
        writeln!(text, "headline {code},{},{}", share(row.before.into()), share(row.after)).unwrap();
    }
    text
}

fn published(text: &str) -> Published {
    let (mut rows, mut risk) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let fields: Vec<&str> = line.split(',').collect();
        match line.strip_prefix("headline ") {
            Some(_) => risk.push(PublishedRisk {
                country: fields[0].strip_prefix("headline ").unwrap().parse().unwrap(),
                before: fields[1].parse().unwrap(),
                after: fields[2].parse().unwrap(),
            }),
            None => rows.push(PublishedRow {
                country: fields[0].parse().unwrap(),
                increase: fields[1].parse().unwrap(),
                main_sector: None,
                share_old: fields[2].parse().unwrap(),
                share_new: fields[3].parse().unwrap(),
            }),
        }
    }
    Published::new(rows, risk)
}

/// What a scenario publishes, by the way of `run` that neither calibrates nor shares anything with it but the solver.
fn run_again(calibrator: &Calibrator<'_>, choice: &Choice, folder: &Path) -> String {
    let scenario = scenario(calibrator, choice, folder);
    let prepared = Session::new(source()).prepare(&scenario).unwrap();
    printed(&prepared.summarise(&scenario, &mut Bench::new(false)).unwrap())
}

fn in_words(calibration: &Calibration, choices: &[Choice]) -> String {
    let (values, any) = spread(choices);
    let words = (0..N_DIMENSIONS).map(|at| {
        let texts: Vec<&str> =
            values[at].iter().map(|value| calibration.dimensions[at].values[usize::from(*value)].as_str()).collect();
        texts.join("|")
    });
    format!("{}{}", words.collect::<Vec<_>>().join(" "), if any { "" } else { " (not every combination)" })
}

#[test]
fn random_truths_are_recovered_or_named_with_what_cannot_be_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    // The shipped list holds no code of heading 2710, so that the alias would mean nothing.
    let mut list = embedded_goods_list().unwrap();
    let crude = list.goods[&"270900".parse::<ProductCode>().unwrap()].clone();
    list.goods.insert("271019".parse().unwrap(), crude);
    let path = folder.path().join("list.csv");
    write_list(&list, &path);
    let scenario_of_all = Scenario { list: ListChoice::File(path), ..Scenario::default() };
    let mut calibrator = Calibrator::new(source(), &scenario_of_all, &BTreeSet::new()).unwrap();
    let sizes: Vec<usize> = {
        // The dimensions are those of any calibration.
        let any = calibrator.against(&published("392,1.00,0.10,0.20\nheadline 156,1.00,0.50\n")).unwrap();
        any.dimensions.iter().map(|dimension| dimension.values.len()).collect()
    };
    let mut draws = Draws(2024);
    let mut alone = 0;
    for truth in 0..TRUTHS {
        // Most truths take the whole list or much of it, as an author would.
        let mut choice: Choice = std::array::from_fn(|at| if truth % 4 == 0 && at < 7 { 0 } else { draws.below(sizes[at]) });
        if calibrator.list(&choice).unwrap().goods.is_empty() {
            // All rows of the minerals are reconstructed.
            choice[4] = 0;
        }
        let own = scenario(&calibrator, &choice, folder.path());
        let table = printed(&reorient_engine::run(source(), &own, &|_| {}, &|| {}).unwrap().collection);
        let calibration = calibrator.against(&published(&table)).unwrap();

        let nearest: Vec<Choice> = calibration.nearest().iter().map(|set| set.choice).collect();
        println!("truth {truth:>2}  {}", in_words(&calibration, &[choice]));
        println!("     found {} of {}: {}", nearest.len(), calibration.sets.len(), in_words(&calibration, &nearest));
        assert_eq!(calibration.scope, Scope::Whole);
        assert!(nearest.contains(&choice), "the truth is not in the first class");
        let first = &calibration.sets[0];
        assert!(first.distance_pp == 0.0 && first.old.largest == 0.0 && first.fall_off == Some(0.0), "{first:?}");
        assert!(calibration.points.iter().all(|point| point.equal && point.inside), "every published figure is explained");

        // Every other set differs from the table somewhere, and so does every other reading of the data.
        let published_rows = calibration.published_rows;
        let others = &calibration.sets[nearest.len()..];
        assert!(others.iter().all(|set| set.distance_pp > 0.0 || set.in_place < published_rows));
        assert!(calibration.readings.iter().all(|reading| (reading.rank == 1) == (reading.old.largest == 0.0)));
        nearest.par_iter().for_each(|member| {
            assert_eq!(run_again(&calibrator, member, folder.path()), table, "{}", in_words(&calibration, &[*member]));
        });
        // And the nearest set outside the class publishes another table.
        if let Some(next) = calibration.sets.get(nearest.len()) {
            assert_ne!(run_again(&calibrator, &next.choice, folder.path()), table, "{}", in_words(&calibration, &[next.choice]));
        }
        println!("     each of them, run on its own, publishes the same table; the next nearest does not");
        alone += usize::from(nearest.len() == 1);
    }
    println!("{alone} of {TRUTHS} truths are alone in their class");
    assert!(alone > 0, "some truths can be told from all others");
}
