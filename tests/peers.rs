//! Results against other programs: every figure against an oracle in numpy that was written from the method page alone, and,
//! when asked for, against Python programs that do the same job.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods)]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{python_with, reorient};

const NUMPY: &str = "numpy==2.4.6";
const PYARROW: &str = "pyarrow==26.0.1";

fn in_checkout(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn succeed(command: &mut Command) -> String {
    let output = command.env("PYTHONDONTWRITEBYTECODE", "1").output().unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", said(&output.stdout), said(&output.stderr));
    said(&output.stdout)
}

#[test]
fn every_figure_is_that_of_the_oracle() {
    let Some(python) = python_with("oracle", &[NUMPY, PYARROW], "numpy, pyarrow.parquet") else { return };
    let root = tempfile::tempdir().unwrap();
    let made_up = root.path().join("made-up");
    reorient().args(["synth", "-q", "--rows", "20000", "--seed", "1", "--csv", "--out"]).arg(&made_up).assert().success();
    let rows = made_up.join("BACI_HS22_Y2024_V202601_synthetic.csv");
    for list in ["all", "critical"] {
        let results = root.path().join(list);
        reorient().args(["run", "-q", "--list", list]).arg(&made_up).arg("--out").arg(&results).assert().success();
        let mut oracle = Command::new(&python);
        oracle.arg(in_checkout("benches/peers/oracle.py")).arg(&rows).arg(&results);
        if list == "critical" {
            oracle.arg(in_checkout("data/lists/critical_goods_hs2022.csv"));
        }
        let said = succeed(&mut oracle);
        assert!(said.lines().last().unwrap().ends_with(" 0 beyond tolerance"), "{said}");
        // It must notice a change.
        let products = std::fs::read_to_string(results.join("products.csv")).unwrap();
        let flawed = products.replacen(",slack,", ",tight,", 1);
        assert_ne!(products, flawed);
        std::fs::write(results.join("products.csv"), flawed).unwrap();
        assert!(!oracle.output().unwrap().status.success(), "the oracle does not look");
    }
}

#[test]
fn python_peers_give_the_same_results() {
    if std::env::var_os("REORIENT_PEERS").is_none_or(|value| value != "1") {
        println!("skipped: set REORIENT_PEERS=1 to install the Python peers and run them");
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let record = root.path().join("record.md");
    let mut bench = Command::new("python3");
    bench.arg(in_checkout("scripts/bench_peers")).args(["--rows", "20000", "--rounds", "1", "--oracle"]);
    bench.args(["--reorient", env!("CARGO_BIN_EXE_reorient")]).arg("--data").arg(root.path().join("year"));
    bench.arg("--venv").arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("peers")).arg("--record").arg(&record);
    let said = succeed(&mut bench);
    let record = std::fs::read_to_string(record).unwrap();
    assert!(said.contains(record.trim_end()), "{said}");
    assert!(record.contains("SYNTHETIC"));
    assert!(!record.contains(env!("CARGO_MANIFEST_DIR")), "a path of this machine");
}
