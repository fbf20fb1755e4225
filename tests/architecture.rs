//! The crate graph and the links between method and code, as docs/ARCHITECTURE.md states them.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::path::Path;

const GRAPH: [(&str, &[&str]); 9] = [
    ("core", &[]),
    ("model", &["core"]),
    ("metrics", &["core", "model"]),
    ("data", &["core"]),
    ("solve", &["model"]),
    ("engine", &["core", "data", "metrics", "model", "solve"]),
    ("report", &["core", "metrics", "model"]),
    ("testkit", &["core", "model"]),
    (".", &["core", "data", "engine", "metrics", "model", "report"]),
];

/// Where a library with strong ties may be used.
const HOMES: [(&str, &[&str]); 4] =
    [("highs", &["solve"]), ("arrow", &["data", "report"]), ("parquet", &["data", "report"]), ("rayon", &["engine", "."])];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn dependencies() -> BTreeMap<&'static str, Vec<String>> {
    let of = |name: &str| {
        let path = if name == "." { "Cargo.toml".to_owned() } else { format!("crates/{name}/Cargo.toml") };
        let manifest: toml::Table = text(&path).parse().unwrap();
        manifest
            .get("dependencies")
            .and_then(toml::Value::as_table)
            .map_or_else(Vec::new, |table| table.keys().cloned().collect())
    };
    GRAPH.iter().map(|(name, _)| (*name, of(name))).collect()
}

#[test]
fn crates_know_only_what_they_may() {
    for (name, found) in dependencies() {
        let own: Vec<&str> = found.iter().filter_map(|dependency| dependency.strip_prefix("reorient-")).collect();
        let allowed = GRAPH.iter().find(|(crate_name, _)| *crate_name == name).unwrap().1;
        assert_eq!(own, allowed, "dependencies of {name}");
    }
    let folders = std::fs::read_dir(root().join("crates"))
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().path().join("Cargo.toml").exists());
    assert_eq!(folders.count() + 1, GRAPH.len(), "a crate is missing from this test");
}

#[test]
fn libraries_stay_at_home() {
    for (name, found) in dependencies() {
        for (library, homes) in HOMES {
            assert!(!found.iter().any(|dependency| dependency == library) || homes.contains(&name), "{library} in {name}");
        }
    }
    let workspace: toml::Table = text("Cargo.toml").parse().unwrap();
    assert_eq!(workspace["workspace"]["lints"]["rust"]["unsafe_code"].as_str(), Some("forbid"));
}

#[test]
fn method_and_code_point_at_each_other() {
    let method = text("docs/method.md");
    let files: Vec<&str> = method.split("](../").skip(1).map(|rest| rest.split(')').next().unwrap()).collect();
    assert!(files.len() >= 8);
    for file in files {
        assert!(text(file).contains("docs/method.md"), "{file} does not name docs/method.md");
    }
}

#[test]
fn the_solver_version_in_the_manifest_is_the_one_that_is_built() {
    let lock: toml::Table = text("Cargo.lock").parse().unwrap();
    let packages = lock["package"].as_array().unwrap();
    let highs = packages.iter().find(|package| package["name"].as_str() == Some("highs-sys")).unwrap();
    assert!(text("crates/solve/src/lib.rs").contains(&format!("Some(\"{}\")", highs["version"].as_str().unwrap())));
}
