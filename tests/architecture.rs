//! What docs/ARCHITECTURE.md and docs/method.md say of the code, held against the manifests and the source files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use toml::Table;

/// Each crate and the crates of this workspace that it knows, no more and no less; the root package is `reorient`.
const KNOWS: [(&str, &[&str]); 16] = [
    ("core", &[]),
    ("model", &["core"]),
    ("metrics", &["core", "model"]),
    ("files", &[]),
    ("folder", &["files"]),
    ("data", &["core", "files", "folder"]),
    ("fetch", &["files"]),
    ("solve", &["model"]),
    ("engine", &["core", "metrics", "data", "files", "model", "solve"]),
    ("report", &["core", "files", "folder", "metrics", "model"]),
    ("synth", &["core"]),
    ("testkit", &["core", "model"]),
    ("objects", &["engine", "files"]),
    ("app", &["engine", "report", "data", "fetch", "files", "folder", "core", "metrics"]),
    ("python", &["app", "core", "data", "engine", "files", "folder", "metrics", "objects", "report"]),
    (
        "reorient",
        &["app", "engine", "report", "data", "core", "metrics", "model", "synth", "fetch", "files", "folder", "objects"],
    ),
];

/// Libraries that only some crates may name, and those crates. The binary names rayon to set the number of threads.
const CONFINED: [(&str, &[&str]); 10] = [
    ("highs", &["solve"]),
    ("highs-sys", &["solve"]),
    ("arrow", &["data", "report", "python"]),
    ("parquet", &["data", "report"]),
    ("rayon", &["engine", "data", "synth", "python", "reorient"]),
    ("ureq", &["fetch", "objects"]),
    ("object_store", &["objects"]),
    ("tokio", &["objects"]),
    ("anyhow", &["app", "python", "reorient"]),
    ("pyo3", &["python"]),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn manifest(path: &Path) -> Table {
    text(path).parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every manifest of the workspace by the name of its folder; `reorient` for the root.
fn manifests() -> BTreeMap<String, Table> {
    let folders = std::fs::read_dir(root().join("crates")).unwrap().map(|entry| entry.unwrap().path());
    let mut manifests: BTreeMap<String, Table> = folders
        .filter(|folder| folder.join("Cargo.toml").exists())
        .map(|folder| (folder.file_name().unwrap().to_str().unwrap().to_owned(), manifest(&folder.join("Cargo.toml"))))
        .collect();
    manifests.insert("reorient".to_owned(), manifest(&root().join("Cargo.toml")));
    manifests
}

/// Names of the normal dependencies, those of single targets and the renamed ones too.
fn dependencies(manifest: &Table) -> BTreeSet<String> {
    let of = |table: &Table| -> Vec<String> {
        let dependencies = table.get("dependencies").and_then(toml::Value::as_table).into_iter().flatten();
        let name = |(key, value): (&String, &toml::Value)| {
            value.get("package").and_then(toml::Value::as_str).unwrap_or(key.as_str()).to_owned()
        };
        dependencies.map(name).collect()
    };
    let targets = manifest.get("target").and_then(toml::Value::as_table).into_iter().flatten();
    let by_target = targets.filter_map(|(_, target)| target.as_table()).flat_map(&of);
    of(manifest).into_iter().chain(by_target).collect()
}

#[test]
fn no_crate_of_ours_lets_an_overflow_wrap_in_a_release() {
    let manifests = manifests();
    let profiles = &manifests["reorient"]["profile"]["release"]["package"];
    let name = |manifest: &Table| manifest["package"]["name"].as_str().unwrap().to_owned();
    for manifest in manifests.values().map(name) {
        let checked = profiles.get(&manifest).and_then(|profile| profile.get("overflow-checks")).and_then(toml::Value::as_bool);
        assert_eq!(checked, Some(true), "[profile.release.package.{manifest}] of Cargo.toml has no overflow-checks = true");
    }
}

#[test]
fn crates_know_what_the_map_draws() {
    let manifests = manifests();
    let mapped: BTreeSet<&str> = KNOWS.iter().map(|(name, _)| *name).collect();
    let present: BTreeSet<&str> = manifests.keys().map(String::as_str).collect();
    assert_eq!(present, mapped, "a crate came or went: draw it into the map and into docs/ARCHITECTURE.md");
    for (name, allowed) in KNOWS {
        let dependencies = dependencies(&manifests[name]);
        let known: BTreeSet<&str> = dependencies.iter().filter_map(|dependency| dependency.strip_prefix("reorient-")).collect();
        assert_eq!(known, allowed.iter().copied().collect(), "what {name} knows is not what the map draws");
    }
}

#[test]
fn confined_libraries_stay_where_they_belong() {
    for (name, manifest) in manifests() {
        let dependencies = dependencies(&manifest);
        for (library, homes) in CONFINED {
            assert!(!dependencies.contains(library) || homes.contains(&name.as_str()), "{name} may not depend on {library}");
        }
    }
}

#[test]
fn unsafe_code_is_forbidden_but_for_one_call_into_the_solver() {
    let manifests = manifests();
    let shared = &manifests["reorient"]["workspace"]["lints"];
    assert_eq!(shared["rust"]["unsafe_code"].as_str(), Some("forbid"));
    for (name, manifest) in &manifests {
        let own = manifest.get("lints").expect("every crate has lints");
        if name != "solve" {
            assert_eq!(own.get("workspace").and_then(toml::Value::as_bool), Some(true), "{name} has lints of its own");
            continue;
        }
        // The same lints, but that code may be allowed by name.
        let mut relaxed = shared.clone();
        relaxed["rust"]["unsafe_code"] = "deny".into();
        assert_eq!(own, &relaxed, "{name} departs from the lints of the workspace");
        let source = text(&root().join("crates/solve/src/highs.rs")) + &text(&root().join("crates/solve/src/lib.rs"));
        assert_eq!((source.matches("unsafe {").count(), source.matches("unsafe fn").count()), (1, 0));
    }
}

#[test]
fn every_dependency_has_its_reason() {
    let architecture = text(&root().join("docs/ARCHITECTURE.md"));
    let (_, table) = architecture.split_once("\n## Dependencies\n").expect("a section on dependencies");
    let named: BTreeSet<&str> =
        table.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next()).flat_map(|cell| cell.split(", ")).collect();
    for (name, manifest) in manifests() {
        for dependency in dependencies(&manifest).iter().filter(|dependency| !dependency.starts_with("reorient-")) {
            assert!(named.contains(dependency.as_str()), "docs/ARCHITECTURE.md gives no reason for {dependency}, used by {name}");
        }
    }
}

/// Targets of relative links in a Markdown text.
fn links(markdown: &str) -> Vec<&str> {
    let targets = markdown.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.filter(|target| !target.contains("://")).map(|target| target.split('#').next().unwrap_or_default()).collect()
}

#[test]
fn documents_link_to_files_that_exist() {
    let documents = std::fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let documents = documents.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    for document in documents.chain([root().join("README.md"), root().join("CHANGELOG.md"), root().join("data/README.md")]) {
        let folder = document.parent().unwrap();
        for link in links(&text(&document)).into_iter().filter(|link| !link.is_empty()) {
            assert!(folder.join(link).exists(), "{}: {link} does not exist", document.display());
        }
    }
}

#[test]
fn method_and_source_point_at_each_other() {
    let method = text(&root().join("docs/method.md"));
    let (_, steps) = method.split_once("\n## M1 ").expect("a first step");
    let mut sections = vec![];
    for section in steps.split("\n## ") {
        let sources: Vec<&str> = links(section).into_iter().filter(|link| link.ends_with(".rs")).collect();
        if !sources.is_empty() {
            sections.push(sources);
        }
    }
    assert_eq!(sections.len(), 8, "eight steps, each with its source");
    for (step, sources) in (1..).zip(sections) {
        for source in sources {
            let source = text(&root().join("docs").join(source));
            let mark = format!("M{step}");
            let header: Vec<&str> = source.lines().take_while(|line| line.starts_with("//!")).collect();
            let header = header.join("\n");
            assert!(
                header.contains("docs/method.md") && header.contains(&mark),
                "step {mark}: the source does not name it in its first lines:\n{header}"
            );
        }
    }
}

#[test]
fn the_solver_version_that_results_name_is_the_one_that_is_built() {
    let lock: Table = text(&root().join("Cargo.lock")).parse().unwrap();
    let packages = lock["package"].as_array().unwrap();
    let highs = packages.iter().find(|package| package["name"].as_str() == Some("highs-sys")).expect("highs-sys is locked");
    let version = highs["version"].as_str().unwrap();
    assert!(
        text(&root().join("crates/solve/src/lib.rs")).contains(&format!("HIGHS_IN_SOURCE: &str = \"{version}\"")),
        "it is {version}"
    );
}
