//! `reorient uncertainty` on the embedded sample: the same bytes on any number of threads, and the figures of a run where
//! nothing is in doubt.
#![allow(clippy::unwrap_used, clippy::float_cmp, clippy::disallowed_methods)]

mod common;

use common::{columns, reorient, run_into};

fn draw_into(arguments: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    reorient().args(["uncertainty", "-q", "--out"]).arg(folder.path()).args(arguments).assert().success();
    folder
}

fn text(folder: &tempfile::TempDir, file: &str) -> String {
    std::fs::read_to_string(folder.path().join(file)).unwrap()
}

/// A figure's base and all its quantiles.
fn figure(folder: &tempfile::TempDir, name: &str) -> Vec<f64> {
    let rows = columns(&text(folder, "uncertainty.csv"), &["figure", "base", "q05", "q25", "q50", "q75", "q95"]);
    let row = rows.into_iter().find(|row| row[0] == name).unwrap();
    row[1..].iter().map(|cell| cell.parse().unwrap()).collect()
}

#[test]
fn threads_change_no_byte() {
    let options = ["--seed", "7", "--cap-between", "0.03..0.07", "--reconstructed", "0.5", "--partial", "0.3"];
    let on = |threads: &str| draw_into(&[&options[..], &["--draws", "60", "--threads", threads]].concat());
    let (one, eight) = (on("1"), on("8"));
    for file in ["uncertainty.csv", "uncertainty_table_a1.csv", "draws.csv", "manifest.json"] {
        assert_eq!(text(&one, file), text(&eight, file), "{file}");
    }
    let other = draw_into(&["--draws", "60", "--seed", "8"]);
    assert_ne!(text(&one, "draws.csv"), text(&other, "draws.csv"));
    // More draws begin with the same ones.
    let more = draw_into(&[&options[..], &["--draws", "90"]].concat());
    let first = |folder: &tempfile::TempDir| text(folder, "draws.csv").lines().take(61).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(first(&one), first(&more));
}

#[test]
fn without_doubt_every_draw_is_the_run() {
    for settings in [&["--list", "all"][..], &[], &["--set", "cap=0.1", "--set", "floor=free"]] {
        let run = run_into(settings);
        let headline = &run.manifest()["headline"];
        let folder = draw_into(&[&["--draws", "5", "--noise", "0"], settings].concat());
        for (name, key) in [("risk_after_pct", "risk_after_pct"), ("hhi_after", "hhi_after"), ("products", "products")] {
            let expected = headline[key].as_f64().unwrap();
            for found in figure(&folder, name) {
                assert!((found - expected).abs() < 5e-7, "{name}: {found}, not {expected}");
            }
        }
        let ours =
            columns(&text(&folder, "uncertainty_table_a1.csv"), &["rank", "code", "rank_q05", "rank_q95", "increase_musd"]);
        let theirs = columns(&run.text("table_a1.csv"), &["rank", "code", "rank", "rank", "increase_musd"]);
        assert_eq!(ours.len(), theirs.len());
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert_eq!(ours[..4], theirs[..4]);
            assert!((ours[4].parse::<f64>().unwrap() - theirs[4].parse::<f64>().unwrap()).abs() < 1e-6);
        }
    }
}

#[test]
fn doubtful_places_come_and_go() {
    let run = run_into(&[]);
    let headline = run.manifest()["headline"].clone();
    let count = |key: &str| headline[key].as_f64().unwrap();
    let without = draw_into(&["--draws", "3", "--noise", "0", "--reconstructed", "0"]);
    let products = figure(&without, "products");
    assert_eq!(products[0], count("products"));
    assert_eq!(products[1], count("products") - count("reconstructed_products"));
    let wide = run_into(&["--set", "map=any"]);
    let with_partial = draw_into(&["--draws", "3", "--noise", "0", "--partial", "1"]);
    let expected = wide.manifest()["headline"]["risk_after_pct"].as_f64().unwrap();
    assert!((figure(&with_partial, "risk_after_pct")[1] - expected).abs() < 5e-7);
    let half = draw_into(&["--draws", "200", "--noise", "0", "--reconstructed", "0.5"]);
    let spread = figure(&half, "products");
    let middle = count("products") - count("reconstructed_products") / 2.0;
    assert!(spread[1] < spread[5] && (spread[3] - middle).abs() <= 2.0, "{spread:?} around {middle}");
}

#[test]
fn wrong_doubts_are_told() {
    for (arguments, word) in [
        (["--noise", "-1"], "between 0 and 3"),
        (["--partial", "2"], "between 0 and 1"),
        (["--cap-between", "0.07..0.03"], "ascend"),
        (["--draws", "0"], "1..=1000000"),
    ] {
        let output = reorient().arg("uncertainty").args([format!("{}={}", arguments[0], arguments[1])]).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(word), "{said}");
    }
}
