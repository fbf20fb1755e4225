//! A panel of years end to end: against SQL and numpy on all thirty years, against runs of single years, and its files.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::disallowed_methods)]

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Folder, columns, python_with, reorient, run_into, shared};

const PACKAGES: [&str; 2] = ["duckdb==2.0.1", "numpy==2.4.6"];
const PANEL: &str = "data/baci/BACI_HS92_raw-materials_1995-2024.parquet";
const ORACLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/panel.py");

/// The panel of the real rows, ingested once for all tests of this process.
fn ingested() -> Option<&'static str> {
    static FOLDER: std::sync::OnceLock<Option<(tempfile::TempDir, PathBuf)>> = std::sync::OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let source = shared(PANEL)?;
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("baci");
        reorient().args(["ingest", "-q", "--hs", "92", "--out"]).arg(&folder).arg(source).assert().success();
        Some((root, folder))
    });
    folder.as_ref().and_then(|(_, folder)| folder.to_str())
}

fn panel(arguments: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    reorient().args(["run", "-q", "--out"]).arg(folder.path()).args(arguments).assert().success();
    folder
}

fn text(folder: &Path, file: &str) -> String {
    std::fs::read_to_string(folder.join(file)).unwrap()
}

fn header(text: &str) -> Vec<&str> {
    text.lines().next().unwrap().split(',').collect()
}

/// Every column of the oracle's file against ours, to `absolute` plus `relative` times the value; returns how many were held.
fn hold(ours: &str, theirs: &str, names: &[&str], (absolute, relative): (f64, f64)) -> usize {
    let (ours, theirs) = (columns(ours, names), columns(theirs, names));
    assert_eq!(ours.len(), theirs.len());
    let mut held = 0;
    for (own, other) in ours.iter().zip(&theirs) {
        for (name, (own_text, other_text)) in names.iter().zip(own.iter().zip(other)) {
            match (own_text.parse::<f64>(), other_text.parse::<f64>()) {
                (Ok(one), Ok(two)) => {
                    let room = absolute + relative * two.abs();
                    assert!((one - two).abs() <= room, "{own:?}: {name} is {one}, by the oracle {two}");
                }
                _ => assert_eq!(own_text, other_text, "{own:?}: {name}"),
            }
            held += 1;
        }
    }
    held
}

#[test]
fn thirty_years_equal_sql_and_an_oracle_in_numpy() {
    let Some(folder) = ingested() else { return };
    let Some(python) = python_with("panel", &PACKAGES, "duckdb, numpy") else { return };
    let work = tempfile::tempdir().unwrap();
    for bloc in ["EU27", "EU"] {
        let result = panel(&[folder, "--list", "all", "--year", "1995..2024", "--set", &format!("bloc={bloc}")]);
        let outs: Vec<PathBuf> = ["years", "products", "tables", "shares"].map(|name| work.path().join(name)).to_vec();
        let oracle = Command::new(&python).args([ORACLE]).arg(shared(PANEL).unwrap()).arg(bloc).args(&outs).output().unwrap();
        assert!(oracle.status.success(), "{}", String::from_utf8_lossy(&oracle.stderr));
        let [years, products, tables, of_shares] = [0, 1, 2, 3].map(|at: usize| std::fs::read_to_string(&outs[at]).unwrap());
        let own = |file: &str| text(result.path(), file);

        let mut held = hold(&own("panel.csv"), &years, &header(&years), (2e-6, 1e-9));
        assert_eq!(columns(&years, &["year"]).len(), 30);
        let names = header(&products);
        held += hold(&own("panel_products.csv"), &products, &names[..names.len() - 1], (1e-6, 1e-9));
        held += hold(&own("panel_table_a1.csv"), &tables, &header(&tables), (2e-6, 1e-9));
        // Overall, each risk country; the two files are in the same order.
        let shares = own("panel_shares.csv");
        let mut overall: Vec<&str> = shares.lines().take(1).collect();
        overall.extend(shares.lines().filter(|line| line.contains(",overall,all,") && !line.contains(",overall,all,all,")));
        held += hold(&(overall.join("\n") + "\n"), &of_shares, &header(&of_shares), (2e-6, 1e-9));

        // No corner of the optimal face is above the greatest index.
        let bounds = columns(&own("panel_products.csv"), &["hhi_after_min", "hhi_after", "hhi_after_max"]);
        for (own, corner) in bounds.iter().zip(columns(&products, &["hhi_of_a_corner"])) {
            let number = |text: &str| text.parse::<f64>().unwrap_or(0.0);
            let [least, at, most] = [0, 1, 2].map(|part: usize| number(&own[part]));
            assert!(least <= at + 1e-12 && at <= most + 1e-12 && number(&corner[0]) <= most * (1.0 + 1e-9), "{own:?} {corner:?}");
        }
        println!("{bloc}: {held} figures of 30 years equal the oracle");
        assert!(held > 15_000);
    }
}

/// The rows of one year without their year.
fn of_year(text: &str, year: &str) -> String {
    let lines = text.lines().filter_map(|line| line.split_once(','));
    lines.filter(|(own, _)| *own == year || *own == "year").map(|(_, rest)| rest.to_owned() + "\n").collect()
}

/// The panel of some years equals runs of the same years, text by text.
fn equals_single_runs(folder: &str, options: &[&str], years: &[&str]) {
    let all = panel(&[&[folder, "--year", &years.join(",")], options].concat());
    for year in years {
        let single = run_into(&[&[folder, "--year", year], options].concat());
        let own = |file: &str| of_year(&text(all.path(), file), year);
        assert_eq!(own("panel_table_a1.csv"), single.text("table_a1.csv"), "{year} {options:?}");
        assert_eq!(own("panel_shares.csv"), single.text("shares.csv"), "{year} {options:?}");
        let products = text(all.path(), "panel_products.csv");
        let names = &header(&products)[1..];
        let of_panel = of_year(&products, year);
        assert_eq!(columns(&of_panel, names), columns(&single.text("products.csv"), names), "{year} {options:?}");
        headline_equals(&text(all.path(), "panel.csv"), year, &single);
    }
}

/// Every figure of the headline that the row of a year has too.
fn headline_equals(panel: &str, year: &str, single: &Folder) {
    let names = header(panel);
    let row = columns(panel, &names).into_iter().find(|row| row[0] == year).unwrap();
    let own: BTreeMap<&str, String> = names.iter().copied().zip(row).collect();
    let manifest = single.manifest();
    let mut compared = 0;
    for (name, value) in manifest["headline"].as_object().unwrap() {
        let parts: Vec<(String, &serde_json::Value)> = match value {
            serde_json::Value::Array(three) => {
                let stem = name.trim_end_matches("_musd");
                ["", "_min", "_max"].iter().map(|end| format!("{stem}{end}_musd")).zip(three).collect()
            }
            one => vec![(if name == "products" { "n_products".to_owned() } else { name.clone() }, one)],
        };
        for (name, value) in parts {
            let Some(own) = own.get(name.as_str()) else { continue };
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let same = *own == value
                || own.parse::<f64>().ok().zip(value.parse::<f64>().ok()).is_some_and(|(a, b)| a.to_bits() == b.to_bits());
            assert!(same, "{year}: {name} is {own}, of the run {value}");
            compared += 1;
        }
    }
    assert!(compared >= 16, "{compared} figures of {:?}", manifest["headline"]);
}

#[test]
fn each_year_equals_its_own_run() {
    // Text for text; the oracle above holds all thirty.
    let root = tempfile::tempdir().unwrap();
    let small = small_world(root.path());
    let all = ["--list", "all"];
    equals_single_runs(&small, &all, &["2019", "2020", "2021"]);
    equals_single_runs(
        &small,
        &[&all[..], &["--set", "floor=free", "--set", "tie-break.fill=min-cost"]].concat(),
        &["2019", "2021"],
    );
    let Some(folder) = ingested() else { return };
    let years: Vec<String> = (1995..=2024).map(|year| year.to_string()).collect();
    equals_single_runs(folder, &[], &years.iter().map(String::as_str).collect::<Vec<_>>());
    let options = ["--list", "all", "--set", "bloc=EU", "--set", "cap=0.1", "--set", "hong-kong=with-china"];
    equals_single_runs(folder, &options, &["1998", "2004", "2019", "2020"]);
}

/// Three years of a small world, in which Hong Kong, risk and rest trade two products.
fn small_world(root: &Path) -> String {
    let mut rows = "t,i,j,k,v,q\n".to_owned();
    for (year, more) in [(2019, 0), (2020, 40), (2021, 900)] {
        rows += &format!("{year},156,276,270900,{},1\n{year},643,276,270900,7.5,2\n{year},682,276,270900,20,3\n", 10 + more);
        rows += &format!("{year},682,392,270900,600,9\n{year},36,392,270900,{},5\n{year},826,276,270900,3,1\n", 100 + more);
        rows += &format!(
            "{year},156,528,271000,2,1\n{year},344,528,271000,1,1\n{year},36,528,271000,3,1\n{year},36,842,271000,9,2\n"
        );
    }
    let path = root.join("world_HS22.csv");
    std::fs::write(&path, rows).unwrap();
    let folder = root.join("small");
    reorient().args(["ingest", "-q", "--hs", "22", "--out"]).arg(&folder).arg(path).assert().success();
    folder.to_str().unwrap().to_owned()
}

#[test]
fn the_forms_of_a_panel_agree_and_its_folder_is_checked() {
    let root = tempfile::tempdir().unwrap();
    let small = small_world(root.path());
    let question = [small.as_str(), "--year", "all", "--list", "all"];
    let result = panel(&[&question[..], &["--figures"]].concat());
    let output = reorient().arg("run").args(question).arg("--json").output().unwrap();
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = columns(&text(result.path(), "panel.csv"), &["year", "imports_musd", "n_members"]);
    assert_eq!(rows.len(), 3);
    for (row, object) in rows.iter().zip(object["panel"].as_array().unwrap()) {
        assert_eq!((row[0].as_str(), row[1].as_str()), (&*object["year"].to_string(), object["imports_musd"].as_str().unwrap()));
    }
    assert_eq!(object["products"].as_array().unwrap().len(), 6);
    assert_eq!(object["manifest"]["scenario"]["year"], "2019..2021");
    assert!(object["table_a1"][0]["year"] == 2019 && object["shares"][0]["level"] == "overall");

    // The same products in Parquet, with decimals that are the digits of the CSV.
    use arrow::array::{AsArray, RecordBatchReader};
    use arrow::datatypes::Decimal128Type;
    let file = std::fs::File::open(result.path().join("panel.parquet")).unwrap();
    let mut reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    let products = text(result.path(), "panel_products.csv");
    let schema = reader.schema();
    assert_eq!(schema.fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>(), header(&products));
    let batch = reader.next().unwrap().unwrap();
    for name in ["imports_kusd", "risk_after_kusd", "capacity_kusd"] {
        let decimals = batch.column_by_name(name).unwrap().as_primitive::<Decimal128Type>();
        for (at, row) in columns(&products, &[name]).iter().enumerate() {
            assert_eq!(decimals.value_as_string(at), row[0], "{name}");
        }
    }

    let manifest: serde_json::Value = serde_json::from_str(&text(result.path(), "manifest.json")).unwrap();
    assert_eq!((&manifest["kind"], &manifest["ledger"]["rows_in"]), (&"panel".into(), &30.into()));
    assert_eq!(manifest["files"].as_array().unwrap().len(), 5 + 2 * 2);
    reorient().arg("verify").arg(result.path()).assert().success();
    // Another panel takes its place, and its figures away; a run does not.
    reorient().args(["run", "-q", "--year", "2019", "--list", "all", "--out"]).arg(result.path()).arg(&small).assert().code(74);
    reorient().args(["run", "-q", "--out"]).arg(result.path()).args(question).assert().success();
    assert!(!result.path().join("figure_panel_risk.png").exists());
    std::fs::write(result.path().join("panel_shares.csv"), "changed").unwrap();
    reorient().arg("verify").arg(result.path()).assert().code(65);
}

#[test]
fn bytes_do_not_depend_on_threads_and_a_year_may_be_all() {
    let root = tempfile::tempdir().unwrap();
    let small = small_world(root.path());
    let folder = ingested().map_or(small.clone(), str::to_owned);
    let question = [folder.as_str(), "--year", "all", "--figures"];
    let list = if folder == small { &["--list", "all"][..] } else { &[] };
    let one = panel(&[&question[..], list, &["--threads", "1"]].concat());
    let many = panel(&[&question[..], list, &["--threads", "3"]].concat());
    for entry in std::fs::read_dir(one.path()).unwrap() {
        let name = entry.unwrap().file_name();
        assert!(std::fs::read(one.path().join(&name)).unwrap() == std::fs::read(many.path().join(&name)).unwrap(), "{name:?}");
    }
    // The sample has one year; `all` makes a panel of it, without figures, and a plain year a run.
    let sample = panel(&["--year", "all", "--figures"]);
    assert_eq!(columns(&text(sample.path(), "panel.csv"), &["year", "risk_after_musd"]), [["2023", "4293.056391"]]);
    assert!(!sample.path().join("figure_panel_hhi.svg").exists());
}

#[test]
fn the_view_has_every_year_and_says_what_a_bloc_was() {
    let root = tempfile::tempdir().unwrap();
    let small = small_world(root.path());
    let view = |arguments: &[&str]| {
        let output = reorient().args(["run", &small, "--list", "all"]).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stdout).unwrap()
    };
    let all = view(&["--year", "2019-2021"]);
    insta::assert_snapshot!("panel_terminal", all);
    assert!(all.lines().all(|line| line.chars().count() <= 100));
    assert!(all.contains("EU27 was not the European Union in 1 of 3 years"));
    let of_years = view(&["--year", "all", "--set", "bloc=EU"]);
    assert!(!of_years.contains("was not the European Union"));
    assert!(of_years.lines().any(|line| line.starts_with("  2019  28 ")), "{of_years}");
}

#[test]
fn mistakes_have_their_exit_codes() {
    let root = tempfile::tempdir().unwrap();
    let small = small_world(root.path());
    for (arguments, code, words) in [
        (&["run", &small, "--list", "all"][..], 2, "choose one with --year"),
        (&["run", &small, "--list", "all", "--year", "2019..2024"], 2, "2022"),
        (&["run", &small, "--list", "all", "--year", "2021..2019"], 2, "write 2019..2021"),
        (&["run", &small, "--list", "all", "--year", "2019,"], 2, "1995,2000"),
        (&["run", &small, "--list", "all", "--year", "all", "--csv", "--out", "nowhere"], 2, "--csv"),
        (&["run", &small, "--list", "all", "--year", "all", "--set", "bloc=EU", "--set", "risk=GBR"], 2, "826"),
        (&["frontier", &small, "--list", "all", "--year", "2019..2021"], 2, "2019..2021"),
        (&["run", "--year", "all", "--out", "/dev/null/panel"], 74, "/dev/null/panel"),
    ] {
        let output = reorient().args(arguments).output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {message}");
        assert!(message.contains(words), "{arguments:?}: {message}");
    }
    // Infeasible products are an answer, and an exit code of their own.
    let narrow = ["run", &small, "-q", "--list", "all", "--year", "all", "--set", "ceiling=0.1"];
    reorient().args(narrow).assert().code(3);
}
