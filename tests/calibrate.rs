//! `calibrate` finds what a table was made with: random truths on a made-up year, each recovered or named together with
//! exactly those option sets that give the same printed figures.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::disallowed_methods)]

mod common;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use common::{columns, reorient};
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
const TRADE: &str = "BACI_HS17_Y2023_V202601_synthetic.csv";
/// Made-up years of few rows are poor; two decimals of a million USD should mean something.
const RICHER: i64 = 1_000;

/// A made-up year in HS 2017, where codes of the list are mapped, some only in part.
fn source() -> &'static TradeSource {
    &made_up().1
}

fn made_up() -> &'static (tempfile::TempDir, TradeSource) {
    static SOURCE: OnceLock<(tempfile::TempDir, TradeSource)> = OnceLock::new();
    SOURCE.get_or_init(|| {
        let world = TradeSource::embedded().unwrap();
        let mapped = map_list(&embedded_goods_list().unwrap(), HsRevision::Hs17, MapRule::Any).unwrap();
        let some = mapped.list.goods.keys().copied().step_by(30);
        let mut wanted: BTreeSet<ProductCode> = some.collect();
        wanted.extend(mapped.partial.iter().map(|partial| partial.product).step_by(60));
        // What `main` and `all` do not treat alike.
        wanted.extend(mapped.partial.iter().filter(|partial| partial.is_main()).map(|partial| partial.product).step_by(4));
        wanted.insert("271000".parse().unwrap());
        assert!(wanted.len() as u64 <= ROWS / 100 * 3 / 5, "{} products do not fit", wanted.len());
        let (marginals, replaced) = (std::collections::BTreeMap::new(), BTreeSet::new());
        let countries = world.countries();
        let request = Request { rows: ROWS, seed: 5, countries, wanted: &wanted, marginals: &marginals, replaced: &replaced };
        let (mut rows, _) = generate(&request).unwrap();
        rows.iter_mut().for_each(|row| row.dollars *= RICHER);
        sort_as_cepii(&mut rows);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(TRADE);
        write_rows(&rows, Year::new(2023).unwrap(), &mut std::fs::File::create(&path).unwrap()).unwrap();
        let source = TradeSource::open(&path).unwrap();
        (folder, source)
    })
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
    printed(&prepared.summarise(&scenario, &mut Bench::default()).unwrap())
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

/// The files of a truth are found again by files: what `run` wrote, read as a published table.
#[test]
fn a_result_folder_is_calibrated_against_and_its_list_gives_it_again() {
    let trade = made_up().0.path().join(TRADE);
    let truth = ["--set", "floor=symmetric", "--set", "tie-break.fill=min-hhi", "--set", "tie-break.drain=order:842,156,643"];
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    reorient().args(["run", "-q"]).arg(&trade).arg("--out").arg(path("run")).args(truth).assert().success();
    let shares = std::fs::read_to_string(path("run/shares.csv")).unwrap();
    let shares = columns(&shares, &["level", "origin", "before_pct", "after_pct"]);
    let of = |code: &str| shares.iter().find(|row| row[0] == "overall" && row[1] == code).unwrap();
    let mut headline = "quantity,unit,value,note\n".to_owned();
    for (name, row) in [("china", of("156")), ("us", of("842"))] {
        write!(headline, "{name}_share_before,percent,{},x\n{name}_share_after,percent,{},x\n", row[2], row[3]).unwrap();
    }
    std::fs::write(path("headline.csv"), headline).unwrap();

    let mut calibrate = reorient();
    calibrate.arg("calibrate").arg(&trade).arg("--against").arg(path("run/table_a1.csv"));
    calibrate.arg("--headline").arg(path("headline.csv")).args(["--set", "cap=0.05", "--set", "bloc=EU27"]);
    let output = calibrate.arg("--out").arg(path("fitted")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let view = String::from_utf8(output.stdout).unwrap();
    println!("{view}");
    for words in
        ["SYNTHETIC DATA", "79 of 79 published figures to the last printed digit", "floor symmetric", "alias: not decided"]
    {
        assert!(view.contains(words), "{words}");
    }
    assert!(view.lines().all(|line| line.chars().count() <= 100), "lines fit");
    assert!(!view.contains("cap 0.05: distance"), "a key that was set is not tried");
    let sets = std::fs::read_to_string(path("fitted/calibrate.csv")).unwrap();
    let sets = columns(&sets, &["rank", "floor", "tie_break_fill", "tie_break_drain", "cap", "distance_pp"]);
    let first: Vec<String> = sets.iter().filter(|row| row[0] == "1").map(|row| row[1..].join(" ")).collect();
    assert!(first.contains(&"symmetric min-hhi order:842,156,643 0.05 0".to_owned()), "{first:?}");
    assert!(sets.iter().all(|row| row[4] == "0.05"));
    let points = std::fs::read_to_string(path("fitted/calibrate_points.csv")).unwrap();
    assert_eq!(columns(&points, &["equal"]).iter().filter(|row| row[0] == "yes").count(), 25 * 3 + 2 * 2);

    // The list that was found gives the table again.
    let mut again = reorient();
    again.args(["run", "-q"]).arg(&trade).arg("--list").arg(path("fitted/calibrate_list.csv"));
    again.arg("--out").arg(path("again")).args(truth).assert().success();
    let table = |name: &str| std::fs::read(path(name).join("table_a1.csv")).unwrap();
    assert!(table("run") == table("again"));
    reorient().args(["verify", "-q"]).arg(path("fitted")).assert().success();
}

#[test]
fn the_sample_is_compared_with_single_product_exporters_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let run = |threads: &str, out: &str| {
        let mut calibrate = reorient();
        calibrate.args(["calibrate", "--threads", threads, "--out"]).arg(folder.path().join(out));
        let output = calibrate.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let view = run("1", "one");
    assert!(view == run("3", "three"));
    assert!(view.lines().all(|line| line.chars().count() <= 100), "lines fit");
    insta::assert_snapshot!("calibrate_sample", view);
    for file in ["calibrate.csv", "calibrate_readings.csv", "calibrate_points.csv", "calibrate_list.csv", "manifest.json"] {
        let bytes = |out: &str| std::fs::read(folder.path().join(out).join(file)).unwrap();
        assert!(bytes("one") == bytes("three"), "{file} depends on threads");
    }
    let points = std::fs::read_to_string(folder.path().join("one/calibrate_points.csv")).unwrap();
    let points = columns(&points, &["iso3", "figure", "product"]);
    assert!(points.iter().all(|row| row[1] == "increase_musd" && row[2] == "270900"), "{points:?}");
    // No share of these data is laid beside a published one.
    let sets = std::fs::read_to_string(folder.path().join("one/calibrate.csv")).unwrap();
    let sets = columns(&sets, &["old_rmse_pp", "fall_pp", "share_new_rmse_pp"]);
    assert!(!sets.is_empty() && sets.iter().flatten().all(String::is_empty));
}

#[test]
fn json_names_scope_and_implied_total() {
    let output = reorient().args(["calibrate", "--json", "--list", "all"]).output().unwrap();
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(object["scope"], "single-products");
    assert_eq!((&object["implied_total"]["rows"], &object["published_rows"]), (&18.into(), &25.into()));
    let fall = object["published_fall_pp"].as_f64().unwrap();
    assert!((fall - 9.38).abs() < 1e-9);
    assert_eq!(object["points"].as_array().unwrap().len(), 0, "gas makes every oil exporter one of two products");
}

#[test]
fn wrong_published_figures_name_file_line_and_column() {
    let folder = tempfile::tempdir().unwrap();
    let header = "baci_code,increase_musd,share_old_pct,share_new_pct\n";
    let refused = |text: &str, code: i32, words: &str| {
        let path = folder.path().join("table.csv");
        std::fs::write(&path, text).unwrap();
        let output = reorient().args(["calibrate", "--list", "all", "--against"]).arg(&path).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(words) && !said.contains("internal error"), "{said}");
    };
    refused("code,increase_musd,share_old_pct\n", 65, "column `share_new_pct` is missing");
    refused(header, 65, "no rows");
    refused(&format!("{header}484,1e3,0.1,0.2\n"), 65, "line 2, column `increase_musd`: `1e3`");
    refused(&format!("{header}484,1,0.1,0.2\n484,1,0.1,0.2\n"), 65, "line 3: country 484 stands twice");
    refused(&format!("{header}999,1,0.1,0.2\n"), 65, "country 999");
    reorient().args(["calibrate", "--against", "nowhere.csv"]).assert().code(66);
    reorient().args(["calibrate", "--set", "tie-break.fill=vertex"]).assert().code(2);
    let foreign = folder.path().join("foreign");
    std::fs::create_dir(&foreign).unwrap();
    std::fs::write(foreign.join("notes.txt"), "mine").unwrap();
    reorient().args(["calibrate", "--list", "all", "--out"]).arg(&foreign).assert().code(74);
}
