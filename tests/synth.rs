//! `reorient synth` end to end: made-up rows are ingested and run like real ones, and every output says what they are.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)]

mod common;
#[path = "common/trade.rs"]
mod trade;

use std::path::{Path, PathBuf};

use common::reorient;
use serde_json::Value;

fn synth(arguments: &[&str], out: &Path) {
    reorient().args(["synth", "-q"]).args(arguments).arg("--out").arg(out).assert().success();
}

fn printed(arguments: &[&str], path: &Path) -> String {
    let output = reorient().args(arguments).arg(path).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn object(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// What is said when it fails, with the exit code; nothing is written.
fn refusal(arguments: &[&str], out: &Path) -> (i32, String) {
    let output = reorient().arg("synth").args(arguments).arg("--out").arg(out).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn made_up_rows_go_the_way_of_real_ones_and_stay_labelled() {
    let root = tempfile::tempdir().unwrap();
    let place = |name: &str| root.path().join(name);
    synth(&["--rows", "200000", "--seed", "5"], &place("made"));
    let archive = place("made").join("BACI_HS22_V202601_synthetic.zip");
    assert!(std::fs::read_to_string(place("made").join("Readme.txt")).unwrap().starts_with("SYNTHETIC"));
    assert_eq!(object(&place("made").join("synthetic.json"))["synthetic"], true);

    let ingested = place("ingested");
    let view = printed(&["ingest", "--out", ingested.to_str().unwrap()], &archive);
    assert!(view.starts_with("SYNTHETIC DATA"), "{view}");
    let manifest = object(&ingested.join("manifest.json"));
    assert_eq!((&manifest["synthetic"], &manifest["rows_used"]), (&true.into(), &200_000.into()));
    assert_eq!(manifest["years"][0]["file"], "BACI_HS22_Y2024_V202601_synthetic.parquet");
    reorient().args(["verify", "-q"]).arg(&ingested).assert().success();

    // The archive, the folder that holds it, and the ingested year give the same results.
    let mut tables: Option<Vec<u8>> = None;
    for source in [&archive, &place("made"), &ingested] {
        let results = place("results");
        let view = printed(&["run", "--list", "critical", "--out", results.to_str().unwrap()], source);
        let title = view.lines().next().unwrap();
        assert!(title.contains("SYNTHETIC HS22 2024"), "{title}");
        assert!(view.contains("The trade data are synthetic."));
        assert_eq!(object(&results.join("manifest.json"))["synthetic"], true);
        let table = std::fs::read(results.join("table_a1.csv")).unwrap();
        assert!(*tables.get_or_insert_with(|| table.clone()) == table, "{}", source.display());
        reorient().args(["verify", "-q"]).arg(&results).assert().success();
    }
    let view = printed(&["indicators", "--importer", "NLD"], &ingested);
    assert!(view.to_lowercase().contains("synthetic"), "{view}");
}

#[test]
fn the_same_request_gives_the_same_files() {
    let root = tempfile::tempdir().unwrap();
    let files = |name: &str, arguments: &[&str]| -> Vec<(PathBuf, Vec<u8>)> {
        let out = root.path().join(name);
        synth(&[&["--rows", "20000", "--seed", "9"], arguments].concat(), &out);
        let mut files: Vec<PathBuf> = std::fs::read_dir(out).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files.into_iter().map(|path| (path.file_name().unwrap().into(), std::fs::read(&path).unwrap())).collect()
    };
    let one = files("one", &["--threads", "1"]);
    assert!(one == files("eight", &["--threads", "8"]));
    let plain = files("plain", &["--csv"]);
    let names: Vec<&str> = plain.iter().map(|(name, _)| name.to_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "BACI_HS22_Y2024_V202601_synthetic.csv",
            "Readme.txt",
            "country_codes_V202601.csv",
            "product_codes_HS22_V202601.csv",
            "synthetic.json"
        ]
    );
    let rows = std::str::from_utf8(&plain[0].1).unwrap();
    assert_eq!((rows.lines().next(), rows.lines().count()), (Some("t,i,j,k,v,q"), 20_001));
    let keys = rows.lines().skip(1).map(|line| {
        let mut fields = line.split(',').map(|field| field.trim().to_owned());
        let year = fields.next().unwrap();
        assert_eq!(year, "2024");
        let mut number = || fields.next().unwrap().parse::<u32>().unwrap();
        (number(), number(), number())
    });
    let keys: Vec<(u32, u32, u32)> = keys.collect();
    assert!(keys.windows(2).all(|pair| pair[0] < pair[1]), "in CEPII's order: exporter, importer, product");
}

#[test]
fn a_readme_beside_renamed_rows_still_tells() {
    let root = tempfile::tempdir().unwrap();
    synth(&["--rows", "20000", "--seed", "2", "--csv"], &root.path().join("made"));
    let renamed = root.path().join("renamed");
    std::fs::create_dir(&renamed).unwrap();
    let rows = std::fs::read(root.path().join("made/BACI_HS22_Y2024_V202601_synthetic.csv")).unwrap();
    std::fs::write(renamed.join("BACI_HS22_Y2024_V202601.csv"), &rows).unwrap();
    std::fs::copy(root.path().join("made/Readme.txt"), renamed.join("Readme.txt")).unwrap();
    assert!(printed(&["run", "--list", "all"], &renamed).contains("SYNTHETIC HS22 2024"));
    let archive = root.path().join("BACI_HS22_V202601.zip");
    trade::zip(&archive, &[("BACI_HS22_Y2024_V202601.csv", String::from_utf8(rows).unwrap())]);
    // A real readme marks nothing, and then made-up codes are not those of HS22.
    let output = reorient().args(["run", "--list", "all"]).arg(&archive).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(65) && said.contains("product codes that HS22 does not have"), "{said}");
}

#[test]
fn real_rows_take_the_place_of_made_up_ones() {
    let root = tempfile::tempdir().unwrap();
    let rows = trade::rows();
    let real = root.path().join("BACI_HS92_Y2023_V202401b.csv");
    std::fs::write(&real, trade::native(&rows)).unwrap();
    let made = root.path().join("made");
    synth(&["--rows", "60000", "--seed", "1", "--hs", "92", "--csv", "--overlay", real.to_str().unwrap()], &made);
    let text = std::fs::read_to_string(made.join("BACI_HS92_Y2023_V202601_synthetic.csv")).unwrap();
    assert_eq!(text.lines().count(), 60_001);
    let real: Vec<String> =
        rows.iter().map(|row| format!("2023,{},{},{},{},", row.exporter, row.importer, row.product, row.value)).collect();
    let products: std::collections::BTreeSet<&str> = rows.iter().map(|row| row.product.as_str()).collect();
    let kept: Vec<&str> =
        text.lines().filter(|line| line.split(',').nth(3).is_some_and(|code| products.contains(code))).collect();
    assert!(kept.len() == real.len() && kept.iter().zip(&real).all(|(line, start)| line.starts_with(start.as_str())));
    assert!(printed(&["run"], &made).contains("SYNTHETIC HS92 2023"));
}

#[test]
fn marginals_are_imitated_and_checked() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("totals.csv");
    let with = |text: &str| std::fs::write(&file, text).unwrap();
    let arguments = ["--rows", "3000", "--seed", "1", "--marginals", file.to_str().unwrap()];
    with("year,k,WorldExport,hhi,n_exporters\n2023,10121,5,0.5,9\n2024,010121,1453006294.0,0.179,137\n2024,854231,9e9,0.3,100\n");
    synth(&arguments, &root.path().join("made"));
    let said = object(&root.path().join("made/synthetic.json"));
    assert_eq!((&said["products"], &said["marginals"]), (&2.into(), &"totals.csv".into()));
    for (text, part) in [
        ("k,WorldExport,hhi\n010121,1,0.5\n", "column `n_exporters` is missing"),
        ("k,WorldExport,hhi,n_exporters\n01x,1,0.5,3\n", "row 2, column k: `01x` is no HS6 code"),
        ("k,WorldExport,hhi,n_exporters\n010121,NaN,0.5,3\n", "row 2, column WorldExport: `NaN`"),
        ("k,WorldExport,hhi,n_exporters\n010121,5,1.5,3\n", "row 2, column hhi"),
        ("k,WorldExport,hhi,n_exporters\n010121,5,0.5,3\n10121,5,0.5,3\n", "stands twice"),
        ("year,k,WorldExport,hhi,n_exporters\n2023,010121,5,0.5,3\n", "no product of 2024; years: 2023"),
    ] {
        with(text);
        let (code, said) = refusal(&arguments, &root.path().join("other"));
        assert!(code == 65 && said.contains(part), "{code} {said}");
    }
    with("k,WorldExport,hhi,n_exporters\n010121,5000,0.5,3\n");
    assert_eq!(refusal(&arguments, &root.path().join("other")).0, 2, "3,000 rows of 3 exporters");
    assert!(!root.path().join("other").exists());
}

#[test]
fn bad_requests_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("made");
    for arguments in [
        vec!["--rows", "999", "--seed", "1"],
        vec!["--rows", "12000001", "--seed", "1"],
        vec!["--rows", "many", "--seed", "1"],
        vec!["--rows", "1000"],
        vec!["--rows", "1000", "--seed", "-1"],
        vec!["--rows", "1000", "--seed", "1", "--year", "24"],
        vec!["--rows", "1000", "--seed", "1", "--hs", "93"],
    ] {
        assert_eq!(refusal(&arguments, &out).0, 2, "{arguments:?}");
    }
    let missing = root.path().join("none.csv");
    for option in ["--marginals", "--overlay"] {
        assert_eq!(refusal(&["--rows", "1000", "--seed", "1", option, missing.to_str().unwrap()], &out).0, 66, "{option}");
    }
    assert!(!out.exists());
    std::fs::create_dir(&out).unwrap();
    let (code, said) = refusal(&["--rows", "1000", "--seed", "1"], &out);
    assert!(code == 74 && said.contains("it is there already"), "{code} {said}");
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 1, "nothing was left");
}

/// The smallest instance of benches/instance, made anew: who compares with it must find the same optima.
#[test]
fn the_public_instance_has_its_known_optima() {
    let root = tempfile::tempdir().unwrap();
    let known = std::fs::read_to_string("benches/instance/known_optima.csv").unwrap();
    let mut reader = csv::Reader::from_reader(known.as_bytes());
    let rows: Vec<std::collections::BTreeMap<String, String>> = reader.deserialize().map(Result::unwrap).collect();
    assert_eq!(rows.iter().map(|row| row["rows"].as_str()).collect::<Vec<_>>(), ["20000", "1000000", "11000000"]);
    let row = &rows[0];
    let (made, results) = (root.path().join("made"), root.path().join("results"));
    synth(&["--rows", &row["rows"], "--seed", &row["seed"]], &made);
    printed(&["run", "--out", results.to_str().unwrap()], &made);
    let manifest = object(&results.join("manifest.json"));
    for figure in ["imports_musd", "risk_before_musd", "risk_after_musd"] {
        assert_eq!(manifest["headline"][figure], row[figure].as_str(), "{figure}");
    }
    assert_eq!(manifest["headline"]["products"].to_string(), row["products"]);
    assert_eq!(manifest["headline"]["in_shortage"].to_string(), row["shortage"]);
    let products = std::fs::read(results.join("products.csv")).unwrap();
    assert_eq!(blake3::hash(&products).to_hex().as_str(), row["products_csv_blake3"]);
}
