//! What names claim of trade data, on the command line: revision, unit and year of the rows, and files that belong together.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::disallowed_methods)]

mod common;
#[path = "common/trade.rs"]
mod trade;

use std::path::Path;

use common::{reorient, shared};

const NAME: &str = "BACI_HS92_Y2023_V202401b";

struct Said {
    code: i32,
    out: String,
    err: String,
}

fn say(arguments: &[&str], path: &Path) -> Said {
    let output = reorient().arg(arguments[0]).arg(path).args(&arguments[1..]).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

/// Text without the breaks that fit it to a width.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The rows of the sample with one code in the place of another.
fn recoded(from: &str, to: &str) -> String {
    let mut rows = trade::rows();
    rows.iter_mut().filter(|row| row.product == from).for_each(|row| row.product = to.to_owned());
    trade::plain(&rows)
}

fn put(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

#[test]
fn every_command_refuses_codes_of_another_revision() {
    let root = tempfile::tempdir().unwrap();
    // Tantalum got its code 810320 in 2002; in the place of crude oil it is nearly half of the value.
    let path = root.path().join(format!("{NAME}.csv"));
    std::fs::write(&path, recoded("270900", "810320")).unwrap();
    for arguments in [
        &["run"][..],
        &["run", "--list", "all"],
        &["frontier"],
        &["explain"],
        &["inspect", "--product", "280530"],
        &["indicators", "--importer", "NLD"],
        &["ingest", "--out", "nowhere"],
    ] {
        let Said { code, err, .. } = say(arguments, &path);
        assert_eq!(code, 65, "{arguments:?}: {err}");
        for part in
            [NAME, "product codes that HS92 does not have", "810320 (", "The least unknown value, 0.815906 %, is that of HS02:"]
        {
            assert!(err.contains(part), "{arguments:?}: {err}");
        }
    }
    assert!(!Path::new("nowhere").exists());
}

#[test]
fn few_unknown_codes_are_said_by_every_front() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join(format!("{NAME}.csv"));
    std::fs::write(&path, recoded("280530", "810320")).unwrap();
    let out = root.path().join("baci");
    let Said { code, out: view, err } = say(&["ingest", "--out", out.to_str().unwrap()], &path);
    assert_eq!(code, 0, "{err}");
    assert!(flat(&view).contains("under product codes that HS92 does not have: 810320 ("), "{view}");
    let results = root.path().join("results");
    for path in [&path, &out] {
        let Said { code, out: view, err } = say(&["run", "--out", results.to_str().unwrap()], path);
        assert_eq!(code, 0, "{err}");
        assert!(flat(&view).contains("under product codes that HS92 does not have: 810320 ("), "{view}");
        let manifest: serde_json::Value = serde_json::from_slice(&std::fs::read(results.join("manifest.json")).unwrap()).unwrap();
        assert_eq!(manifest["unknown_codes"]["largest"][0][0], "810320");
        assert!(manifest["unknown_codes"]["pct"].as_str().unwrap().starts_with("0.0"), "{manifest}");
        assert!(manifest["ledger"]["noted"]["product code that HS92 does not have"].as_u64().unwrap() > 10);
        let Said { err, .. } = say(&["frontier"], path);
        assert!(err.contains("810320 ("), "{err}");
    }
    // A clean year says so in the manifest, and nothing on screen.
    let clean = common::run_into(&[]);
    assert_eq!(clean.manifest()["unknown_codes"]["pct"], "0.000000");
}

#[test]
fn a_year_in_parts_is_the_year_for_every_command() {
    let root = tempfile::tempdir().unwrap();
    let rows = trade::rows();
    let half = rows.len() / 2;
    let whole = root.path().join("whole");
    put(&whole, &format!("{NAME}.csv"), &trade::native(&rows));
    let parts = root.path().join("parts");
    put(&parts, &format!("{NAME}_part1.csv"), &trade::native(&rows[half..]));
    put(&parts, &format!("{NAME}_part2.csv"), &trade::native(&rows[..half]));
    put(&parts, &format!("._{NAME}_part1.csv"), "\u{0}\u{5}\u{16}\u{7}");
    let release = root.path().join("BACI_HS92_V202401b");
    for year in [2022, 2023] {
        let rows: Vec<trade::Row> = rows.iter().cloned().map(|row| trade::Row { year, ..row }).collect();
        put(&release, &format!("{year}/part-0.csv"), &trade::native(&rows[..half]));
        put(&release, &format!("t={year}/part-1.csv"), &trade::native(&rows[half..]));
    }
    for arguments in [&["run"][..], &["run", "--list", "all"], &["frontier"], &["indicators", "--importer", "EU27"]] {
        let tables = |path: &Path, year: bool| {
            let out = root.path().join("out");
            let year = if year { &["--year", "2023"][..] } else { &[] };
            let said = say(&[arguments, year, &["-q", "--out", out.to_str().unwrap()]].concat(), path);
            assert_eq!(said.code, 0, "{arguments:?} {}: {}", path.display(), said.err);
            let manifest: serde_json::Value = serde_json::from_slice(&std::fs::read(out.join("manifest.json")).unwrap()).unwrap();
            let inputs: Vec<String> = manifest["inputs"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|input| input["role"] == "trade")
                .map(|input| input["name"].as_str().unwrap().to_owned())
                .collect();
            let mut files: Vec<(String, Vec<u8>)> = std::fs::read_dir(&out)
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .filter(|path| path.extension().is_some_and(|kind| kind == "csv" || kind == "parquet"))
                .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap()))
                .collect();
            files.sort();
            std::fs::remove_dir_all(&out).unwrap();
            (files, inputs)
        };
        let (expected, inputs) = tables(&whole, false);
        assert_eq!(inputs, [format!("{NAME}.csv")]);
        let (files, inputs) = tables(&parts, false);
        assert!(files == expected, "{arguments:?}");
        assert_eq!(inputs, [format!("{NAME}_part1.csv"), format!("{NAME}_part2.csv")]);
        let (files, inputs) = tables(&release, true);
        assert!(files == expected, "{arguments:?}");
        assert_eq!(inputs, ["2023/part-0.csv", "t=2023/part-1.csv"]);
    }
    // A panel over the parts of two years, and a sweep.
    let said = say(&["run", "--year", "2022,2023", "-q", "--out", root.path().join("panel").to_str().unwrap()], &release);
    assert_eq!(said.code, 0, "{}", said.err);
    let sweep = root.path().join("sweep.toml");
    std::fs::write(&sweep, "[grid]\ncap = [0.05, 0.1]\n").unwrap();
    let answers = |path: &Path, out: &str| {
        let out = root.path().join(out);
        reorient().args(["sweep", "-q"]).arg(&sweep).arg(path).arg("--out").arg(&out).assert().success();
        ["shares", "table_a1"].map(|table| std::fs::read(out.join(format!("{table}.parquet"))).unwrap())
    };
    assert!(answers(&whole, "night") == answers(&parts, "other"));
}

#[test]
fn a_column_value_needs_its_unit_in_every_command() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join(format!("{NAME}.csv"));
    let mut rows = trade::rows();
    rows.iter_mut().for_each(|row| row.value = row.value.replace('.', "").trim_start_matches('0').to_owned());
    std::fs::write(&path, trade::plain(&rows).replacen("t,i,j,k,v,q", "t,i,j,k,value,q", 1)).unwrap();
    let expected = common::run_into(&[]);
    for arguments in [&["run"][..], &["frontier"], &["indicators", "--importer", "NLD"], &["ingest", "--out", "nowhere"]] {
        let Said { code, err, .. } = say(arguments, &path);
        assert!(code == 65 && err.contains("column `value`") && err.contains("--value-unit"), "{arguments:?}: {err}");
    }
    let given = common::run_into(&[path.to_str().unwrap(), "--value-unit", "usd"]);
    assert!(given.bytes("shares.csv") == expected.bytes("shares.csv"));
    let manifest = given.manifest();
    assert_eq!(manifest["value_unit"], "usd");
    assert!(manifest["source"].as_str().unwrap().contains("`value` in US dollars"), "{manifest}");
    let thousands = common::run_into(&[path.to_str().unwrap(), "--value-unit", "kusd"]);
    assert!(thousands.bytes("shares.csv") != expected.bytes("shares.csv"));
    let said = say(&["run", "--value-unit", "eur"], &path);
    assert!(said.code == 2 && said.err.contains("use usd"), "{}", said.err);
}

/// The commands of the fault reports, on their own files.
#[test]
fn faults_that_were_reported_give_what_is_right() {
    let Some(faults) = shared("faults") else { return };
    let root = tempfile::tempdir().unwrap();
    let at = |path: &str| faults.join(path);
    let headline = |arguments: &[&str], path: &Path| {
        let said = say(&[&["run", "--json"], arguments].concat(), path);
        assert!([0, 3].contains(&said.code), "{}: {}", path.display(), said.err);
        let object: serde_json::Value = serde_json::from_str(&said.out).unwrap();
        object["headline"]["imports_musd"].as_str().unwrap().to_owned()
    };
    let all = ["--list", "all"];
    let mislabelled = say(&["run"], &at("02-revision-not-checked/mislabelled/BACI_HS92_Y2023_V202401b.csv"));
    assert!(mislabelled.code == 65 && mislabelled.err.contains("810320"), "{}", mislabelled.err);
    headline(&[], &at("02-revision-not-checked/as-it-is/BACI_HS22_Y2023_V202401b.csv"));
    let whole = headline(&all, &at("05-year-in-parts/whole"));
    assert_eq!(whole, "14.819777");
    for path in [
        "05-year-in-parts/folder",
        "04-appledouble/folder",
        "04-appledouble/table",
        "13-missing-quantity-words/BACI_HS92_Y2023_V202401b.csv",
        "22-one-folder-per-year/BACI_HS92_V202401b",
    ] {
        assert_eq!(headline(&all, &at(path)), whole, "{path}");
        let out = root.path().join("baci");
        let said = say(&["ingest", "-q", "--out", out.to_str().unwrap()], &at(path));
        assert_eq!(said.code, 0, "{path}: {}", said.err);
        assert_eq!(headline(&all, &out), whole, "{path}");
        std::fs::remove_dir_all(&out).unwrap();
    }
    let out = root.path().join("part");
    let part = at("22-one-folder-per-year/BACI_HS92_V202401b/2023/part-0.parquet");
    assert_eq!(say(&["ingest", "--hs", "92", "-q", "--out", out.to_str().unwrap()], &part).code, 0);
    let out = root.path().join("empty");
    let said = say(
        &["ingest", "--skip", "bad-value", "--out", out.to_str().unwrap()],
        &at("06-empty-ingest-is-success/BACI_HS92_Y2013.csv"),
    );
    assert!(said.code == 65 && said.err.contains("none of its 475 rows") && !out.exists(), "{}", said.err);
    let value = at("23-value-without-unit/BACI_HS92_Y2023_V202401b.parquet");
    let said = say(&["run", "--list", "all"], &value);
    assert!(said.code == 65 && said.err.contains("column `value`"), "{}", said.err);
    assert_eq!(headline(&["--list", "all", "--value-unit", "usd"], &value), whole);
}
