//! The ready scenarios of data/scenarios: each is answered, its folder verifies, and the schema knows its keys.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

mod common;

use std::path::{Path, PathBuf};

use serde_json::Value;

/// Every scenario file, by name.
fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/scenarios");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.iter().all(|file| file.extension().is_some_and(|extension| extension == "toml")), "{files:?}");
    files
}

#[test]
fn every_scenario_is_answered_and_its_folder_verifies() {
    for file in files() {
        let folder = tempfile::tempdir().unwrap();
        let mut run = common::reorient();
        run.args(["run", "-q", "--list", "all", "--scenario"]).arg(&file).arg("--out").arg(folder.path());
        let code = run.output().unwrap().status.code();
        assert!(matches!(code, Some(0 | 3)), "{}: exit code {code:?}", file.display());
        let checked = common::reorient().args(["verify", "-q"]).arg(folder.path()).output().unwrap();
        assert!(checked.status.success(), "{}: {}", file.display(), String::from_utf8_lossy(&checked.stderr));
    }
}

#[test]
fn every_scenario_opens_with_its_question() {
    for file in files() {
        let text = std::fs::read_to_string(&file).unwrap();
        let comment: Vec<&str> = text.lines().take_while(|line| line.starts_with("# ")).collect();
        assert!(comment.iter().any(|line| line.contains('?')), "{}: no question", file.display());
        assert!(comment.iter().any(|line| line.starts_with("# Look at: ")), "{}: nothing to look at", file.display());
    }
}

#[test]
fn the_schema_knows_every_key_that_scenarios_use() {
    let schema = common::reorient().arg("schema").output().unwrap().stdout;
    let schema: Value = serde_json::from_slice(&schema).unwrap();
    for file in files() {
        let table: toml::Table = std::fs::read_to_string(&file).unwrap().parse().unwrap();
        assert_known(&table, &schema["properties"], &file);
    }
}

/// A table with named keys in the schema has these and no others; a table of countries or products has the schema's pattern.
fn assert_known(table: &toml::Table, properties: &Value, file: &Path) {
    for (key, value) in table {
        let of_key = properties.get(key).unwrap_or_else(|| panic!("{}: the schema has no `{key}`", file.display()));
        if let Some(inner) = value.as_table() {
            match of_key.get("properties") {
                Some(named) => assert_known(inner, named, file),
                None => assert!(takes_a_table(of_key), "{}: `{key}` takes no table", file.display()),
            }
        }
    }
}

fn takes_a_table(schema: &Value) -> bool {
    let forms = schema["anyOf"].as_array().into_iter().flatten();
    forms.into_iter().any(|form| form["type"] == "object" && form.get("patternProperties").is_some())
}
