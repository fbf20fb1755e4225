//! The linear programs that `inspect --dump-lp` writes mean the same to another solver binding: every product of the
//! sample is solved again by highspy, from PyPI, in an environment of its own.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::panic)]

mod common;

use std::path::Path;
use std::process::Command;

use common::{columns, reorient, run_into};

const HIGHSPY: &str = "highspy==1.16.0";

const SCRIPT: &str = "
import pathlib, sys, highspy
results = open(pathlib.Path(sys.argv[1]) / 'values.csv', 'w')
for path in sorted(pathlib.Path(sys.argv[1]).glob('*.[ml]p*')):
    highs = highspy.Highs()
    highs.setOptionValue('output_flag', False)
    assert highs.readModel(str(path)) == highspy.HighsStatus.kOk, path
    highs.run()
    assert highs.getModelStatus() == highspy.HighsModelStatus.kOptimal, path
    print(f'{path.stem},{highs.getInfo().objective_function_value!r}', file=results)
";

/// A python with highspy, made once in the build folder; none, with a message, when it cannot be had.
fn python_with_highspy() -> Option<std::path::PathBuf> {
    let environment = Path::new(env!("CARGO_TARGET_TMPDIR")).join("highspy");
    let python = environment.join("bin/python");
    let works = || Command::new(&python).args(["-c", "import highspy"]).output().is_ok_and(|output| output.status.success());
    if !works() {
        let made = Command::new("python3").args(["-m", "venv"]).arg(&environment).status().is_ok_and(|status| status.success());
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", HIGHSPY];
        if made {
            let _ = Command::new(&python).args(pip).status();
        }
    }
    if works() {
        return Some(python);
    }
    println!("skipped: no python with {HIGHSPY} can be had here");
    None
}

#[test]
fn dumped_programs_solve_to_the_same_value() {
    let Some(python) = python_with_highspy() else { return };
    let folder = run_into(&["--list", "all"]);
    let products = columns(&folder.text("products.csv"), &["product", "imports_kusd", "risk_after_kusd"]);
    let programs = tempfile::tempdir().unwrap();
    for row in &products {
        // Both formats by turns.
        let ending = if row[0].ends_with(['0', '2', '4']) { "mps" } else { "lp" };
        let path = programs.path().join(&row[0]).with_extension(ending);
        reorient().args(["inspect", "-q", "--product", &row[0], "--dump-lp"]).arg(path).assert().success();
    }
    let output = Command::new(python).args(["-c", SCRIPT]).arg(programs.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let values = std::fs::read_to_string(programs.path().join("values.csv")).unwrap();
    assert_eq!(values.lines().count(), 71);
    for (line, row) in values.lines().zip(&products) {
        let (product, value) = line.split_once(',').unwrap();
        assert_eq!(product, row[0]);
        // The file is in twentieths of a dollar.
        let found = value.parse::<f64>().unwrap() / 20_000.0;
        let (imports, ours) = (row[1].parse::<f64>().unwrap(), row[2].parse::<f64>().unwrap());
        assert!((found - ours).abs() <= 1e-9 * imports.max(1.0) + 1e-6, "{product}: {found} against {ours}");
    }
}
