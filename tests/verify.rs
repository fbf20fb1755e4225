//! `reorient verify`: whole folders pass, and every kind of tampering is found, also by whoever recomputes the hashes.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)]

mod common;
#[path = "common/trade.rs"]
mod trade;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, RecordBatch};
use arrow::datatypes::Float64Type;
use common::reorient;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::properties::WriterProperties;

fn run(arguments: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    reorient().args(["run", "-q", "--out"]).arg(folder.path()).args(arguments).assert().success();
    folder
}

fn verify(folder: &Path) -> (i32, String) {
    verify_with(folder, &[])
}

fn verify_with(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let output = reorient().arg("verify").arg(folder).args(arguments).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!said.contains("panicked") && !said.contains("internal error"), "{said}");
    (output.status.code().unwrap(), said)
}

/// Makes the manifest agree with the files again, and with itself, as whoever forges a folder would; nothing else in it changes.
fn reseal(folder: &Path) {
    let path = folder.join("manifest.json");
    let mut text = std::fs::read_to_string(&path).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
    for file in manifest["files"].as_array().unwrap() {
        let name = file["name"].as_str().unwrap();
        let bytes = std::fs::read(folder.join(name)).unwrap();
        let size = |bytes: &serde_json::Value| format!("\"name\": \"{name}\",\n      \"bytes\": {bytes},");
        text = text.replacen(&size(&file["bytes"]), &size(&bytes.len().into()), 1);
        text = text.replacen(file["blake3"].as_str().unwrap(), blake3::hash(&bytes).to_hex().as_str(), 1);
    }
    let manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
    if let Some(seal) = manifest["seal"].as_str() {
        text = text.replacen(seal, &reorient_report::seal(&manifest), 1);
    }
    std::fs::write(path, text).unwrap();
}

/// Verifies a folder in which a text of a file was changed at its first place and every hash renewed.
fn forged(folder: &Path, file: &str, from: &str, to: &str) -> (i32, String) {
    let path = folder.join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    let changed = text.replacen(from, to, 1);
    assert!(changed != text, "{file} holds no {from}");
    std::fs::write(&path, changed).unwrap();
    reseal(folder);
    verify(folder)
}

type Change = Box<dyn Fn(&mut Vec<f64>)>;

/// Changes cells of `flows.parquet`: column and what to do with its values.
/// What the file says of itself stays, or goes, as in files of earlier versions.
fn change_flows(folder: &Path, column: usize, stays: bool, change: impl Fn(&mut Vec<f64>)) {
    let path = folder.join("flows.parquet");
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap()).unwrap().with_batch_size(1 << 20);
    let about = reader.metadata().file_metadata().key_value_metadata().cloned().filter(|_| stays);
    let properties = WriterProperties::builder().set_key_value_metadata(about).build();
    let batch = reader.build().unwrap().next().unwrap().unwrap();
    let mut columns: Vec<ArrayRef> = batch.columns().to_vec();
    let mut values = columns[column].as_primitive::<Float64Type>().values().to_vec();
    change(&mut values);
    columns[column] = Arc::new(Float64Array::from(values));
    let changed = RecordBatch::try_new(batch.schema(), columns).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), Some(properties)).unwrap();
    writer.write(&changed).unwrap();
    writer.close().unwrap();
}

#[test]
fn whole_folders_hold() {
    for arguments in [
        &[][..],
        &["--list", "all", "--csv"],
        &["--list", "all", "--set", "bloc=NLD"],
        &["--list", "all", "--set", "cap=0"],
        &["--list", "all", "--set", "cap=1", "--set", "risk=156"],
    ] {
        let folder = run(arguments);
        std::fs::write(folder.path().join("notes.txt"), "mine").unwrap();
        let output = reorient().args(["verify", "--json"]).arg(folder.path()).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&said["kind"], &said["unlisted"]), (&"result".into(), &serde_json::json!(["notes.txt"])));
        // The sample is answered again too.
        assert_eq!(said["checks"].as_object().unwrap().len(), 5);
    }
}

#[test]
fn a_changed_byte_in_any_file_is_found() {
    let folder = run(&["--csv"]);
    for name in ["table_a1.csv", "shares.csv", "products.csv", "flows.parquet", "flows.csv", "coverage.csv"] {
        let path = folder.path().join(name);
        let good = std::fs::read(&path).unwrap();
        for part in 0..20 {
            let mut bytes = good.clone();
            bytes[part * good.len() / 20] ^= 1;
            std::fs::write(&path, &bytes).unwrap();
            let (code, said) = verify(folder.path());
            assert!(code == 65 && said.contains(name), "{said}");
        }
        std::fs::remove_file(&path).unwrap();
        assert_eq!(verify(folder.path()).0, 66);
        std::fs::write(&path, good).unwrap();
    }
    assert_eq!(verify(folder.path()).0, 0);
    assert_eq!(verify(&folder.path().join("nowhere")).0, 66);
    let manifest = folder.path().join("manifest.json");
    for text in ["", "{}", "{\"generator\": \"reorient\", \"files\": [{\"name\": \"../x\", \"bytes\": 1, \"blake3\": \"\"}]}"] {
        std::fs::write(&manifest, text).unwrap();
        assert_eq!(verify(folder.path()).0, 65, "{text}");
    }
}

#[test]
fn tampering_is_found_where_every_hash_agrees() {
    // Columns of flows.parquet: 2 imports, 3 world exports, 4 capacity, 5 optimised, 6 min, 7 max.
    let swap = |values: &mut Vec<f64>| {
        let other = (1..values.len()).find(|at| (values[*at] - values[0]).abs() > 1.0).unwrap();
        values.swap(0, other);
    };
    let large = |values: &[f64]| (0..values.len()).max_by(|left, right| values[*left].total_cmp(&values[*right])).unwrap();
    let cases: Vec<(&str, usize, Change)> = vec![
        (
            "a dollar moved",
            5,
            Box::new(move |values| {
                let at = large(values);
                values[at] -= 0.001;
            }),
        ),
        ("two exporters exchanged", 5, Box::new(swap)),
        ("above the bound", 5, Box::new(move |values| values[0] += 1e6)),
        ("no number", 5, Box::new(move |values| values[0] = f64::NAN)),
        ("a wider range", 7, Box::new(move |values| values[3] += 1.0)),
        ("a narrower range", 6, Box::new(move |values| values[3] -= 1.0)),
        ("another capacity", 4, Box::new(move |values| values[3] += 1.0)),
        ("other exports", 3, Box::new(move |values| values[3] *= 2.0)),
        ("other imports", 2, Box::new(move |values| values[3] += 1.0)),
    ];
    for (what, column, change) in cases {
        let folder = run(&["--list", "all"]);
        change_flows(folder.path(), column, true, change);
        reseal(folder.path());
        let (code, said) = verify(folder.path());
        assert!(matches!(code, 65 | 70), "{what}: {code} {said}");
        assert!(code == 70 || column <= 3, "{what}: {code} {said}");
        assert!(said.contains("product") || said.contains(".csv"), "{what}: {said}");
    }
    for (file, from, to) in [
        ("products.csv", ",shortage,", ",slack,"),
        ("products.csv", ",1,,0.", ",0,,0."),
        ("shares.csv", "overall,all,156,", "overall,all,157,"),
        ("table_a1.csv", "\n1,", "\n2,"),
        ("manifest.json", "\"cap\": \"0.05\"", "\"cap\": \"0.1\""),
        ("manifest.json", "\"risk\": \"156,643,842\"", "\"risk\": \"156,842\""),
        ("manifest.json", "\"in_shortage\": 21", "\"in_shortage\": 20"),
    ] {
        let folder = run(&["--list", "all"]);
        let (code, said) = forged(folder.path(), file, from, to);
        assert!(matches!(code, 65 | 70), "{file} {from}: {code} {said}");
    }
}

/// Every leaf with the keys that lead to it.
fn leaves(value: &serde_json::Value, place: &str, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(keys) if !keys.is_empty() => {
            keys.iter().for_each(|(key, value)| leaves(value, &format!("{place}/{key}"), found));
        }
        serde_json::Value::Array(items) if !items.is_empty() => {
            items.iter().enumerate().for_each(|(at, value)| leaves(value, &format!("{place}/{at}"), found));
        }
        _ => found.push(place.to_owned()),
    }
}

/// Verifies a folder with another manifest, whose seal is renewed as whoever forges it would; its keys are in another order then.
fn with_manifest(folder: &Path, mut manifest: serde_json::Value) -> (i32, String) {
    if manifest.get("seal").is_some() {
        manifest["seal"] = reorient_report::seal(&manifest).into();
    }
    std::fs::write(folder.join("manifest.json"), serde_json::to_vec_pretty(&manifest).unwrap()).unwrap();
    verify(folder)
}

#[test]
fn every_leaf_and_every_key_of_a_manifest_is_derived() {
    let folder = run(&["--list", "all"]);
    let path = folder.path().join("manifest.json");
    let good = std::fs::read_to_string(&path).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&good).unwrap();
    let mut places = Vec::new();
    leaves(&manifest, "", &mut places);
    assert!(places.len() > 100, "{}", places.len());
    // Without the trade, only these are for the folder to tell.
    let given = ["/inputs/", "/ledger/", "/unknown_codes/", "/source", "/platform", "/timings_ms/", "/seal"];
    let may_change = |place: &str| given.iter().any(|own| place.starts_with(own));
    for place in places {
        let mut changed = manifest.clone();
        let leaf = changed.pointer_mut(&place).unwrap();
        *leaf = match &leaf {
            serde_json::Value::Bool(truth) => (!*truth).into(),
            serde_json::Value::Number(number) => (number.as_f64().unwrap() + 1.0).into(),
            serde_json::Value::String(text) => format!("{text}7").into(),
            _ => "x".into(),
        };
        let (code, said) = with_manifest(folder.path(), changed);
        assert!(matches!(code, 65 | 66 | 70), "{place}: {code} {said}");
        // The keys are in another order now, which is found last.
        assert!(may_change(&place) || !said.contains("in other words"), "{place}: {said}");
    }
    for key in manifest.as_object().unwrap().keys() {
        let mut changed = manifest.clone();
        changed.as_object_mut().unwrap().remove(key);
        let (code, said) = with_manifest(folder.path(), changed);
        assert!(matches!(code, 65 | 70) && !said.contains("in other words"), "{key}: {code} {said}");
    }
    std::fs::write(&path, good).unwrap();
    assert_eq!(verify(folder.path()).0, 0);
}

#[test]
fn a_folder_of_before_is_verified_by_the_rules_of_before_and_says_so() {
    let folder = run(&["--list", "all"]);
    let path = folder.path().join("manifest.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, after) = text.split_once(",\n  \"rules\"").unwrap();
    assert!(after.contains("\"seal\"") && after.ends_with("\"\n}\n"));
    std::fs::write(&path, format!("{before}\n}}\n")).unwrap();
    // Its flows name the rules, so that no folder of today passes for one of before.
    let (code, said) = verify(folder.path());
    assert!(code == 65 && said.contains("`rules`"), "{said}");
    change_flows(folder.path(), 5, false, |_| {});
    reseal(folder.path());
    let (code, said) = verify(folder.path());
    assert!(code == 0 && said.contains("earlier version"), "{code} {said}");
}

#[test]
fn without_the_trade_what_a_manifest_says_of_it_must_hold_by_itself() {
    let folder = run(&[trade::SAMPLE]);
    let path = folder.path().join("manifest.json");
    let good = std::fs::read(&path).unwrap();
    for (place, key) in [
        ("/inputs/0", "footer_blake3"),
        ("/inputs/1", "blake3"),
        ("/inputs/1", "integrity"),
        ("/inputs/2", "role"),
        ("/ledger", "rows_in"),
        ("/ledger/unused", "product not on the list"),
        ("/solver", "point_depends_on_solver"),
        ("/list", "also_holds"),
    ] {
        let mut manifest: serde_json::Value = serde_json::from_slice(&good).unwrap();
        assert!(manifest.pointer_mut(place).unwrap().as_object_mut().unwrap().remove(key).is_some(), "{place} {key}");
        let (code, said) = with_manifest(folder.path(), manifest);
        assert!(code == 65 && !said.contains("in other words") || code == 70, "{place} {key}: {code} {said}");
    }
    std::fs::write(&path, good).unwrap();
    assert_eq!(verify(folder.path()).0, 0);
}

#[test]
fn the_rows_of_coverage_follow_from_the_shipped_list() {
    for (from, to) in [
        ("250310,matched,1,1,", "250310,matched,1,2,"),
        ("250310,matched,1,1,", "250310,matched,2,2,"),
        (",without-trade,1,1,,", ",without-trade,1,1,1.000,1.000"),
        (",without-trade,1,1,", ",unmatched,1,1,"),
        (",partial,", ",without-trade,"),
    ] {
        let folder = run(&[trade::SAMPLE]);
        let (code, said) = forged(folder.path(), "coverage.csv", from, to);
        assert!(code == 65 && said.contains("coverage.csv"), "{from} {to}: {code} {said}");
    }
}

#[test]
fn figures_are_drawn_again_without_the_trade() {
    let folder = run(&[trade::SAMPLE, "--list", "all", "--figures"]);
    let (code, said) = verify(folder.path());
    assert!(code == 0 && !said.contains("figures"), "{said}");
    let (code, said) = forged(folder.path(), "figure_table_a1.svg", "risk origins", "safe origins");
    assert!(code == 65 && said.contains("is not the drawing of these results"), "{code} {said}");
}

#[test]
fn a_result_of_the_sample_stays_one_under_another_name() {
    let folder = run(&["--list", "all"]);
    let (code, said) = forged(folder.path(), "manifest.json", "(embedded sample)", "(another sample)");
    assert!(matches!(code, 65 | 70) && said.contains("source"), "{code} {said}");
}

#[test]
fn with_the_trade_the_question_is_answered_again() {
    let folder = run(&[trade::SAMPLE]);
    let with = |trade: &Path| verify_with(folder.path(), &["--trade", trade.to_str().unwrap()]);
    let (code, said) = with(Path::new(trade::SAMPLE));
    assert!(code == 0 && !said.contains("without the trade"), "{code} {said}");
    let root = tempfile::tempdir().unwrap();
    let mut rows = trade::rows();
    rows.pop();
    let other = root.path().join("BACI_HS92_Y2023_V202401b.csv");
    std::fs::write(&other, trade::plain(&rows)).unwrap();
    let (code, said) = with(&other);
    assert!(code == 65 && said.contains("other data: the manifest says"), "{code} {said}");
    assert_eq!(with(&root.path().join("nowhere")).0, 66);
    // What holds by itself need not be what the trade has.
    assert_eq!(forged(folder.path(), "manifest.json", "\"rows\": 0,", "\"rows\": 1,").0, 0);
    let (code, said) = with(Path::new(trade::SAMPLE));
    assert!(matches!(code, 65 | 70) && said.contains("unknown_codes"), "{code} {said}");
}

#[test]
fn the_unit_of_values_is_that_of_the_run() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("BACI_HS92_Y2023_V202401b.csv");
    let mut rows = trade::rows();
    rows.iter_mut().for_each(|row| row.value = row.value.replace('.', "").trim_start_matches('0').to_owned());
    std::fs::write(&path, trade::plain(&rows).replacen("t,i,j,k,v,q", "t,i,j,k,value,q", 1)).unwrap();
    let folder = run(&[path.to_str().unwrap(), "--value-unit", "usd", "--list", "all"]);
    reorient().arg("verify").arg(folder.path()).arg("--trade").arg(&path).assert().success();
}
