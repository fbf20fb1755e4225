//! What end-to-end tests share.
#![allow(clippy::unwrap_used, clippy::print_stdout, dead_code, unreachable_pub, clippy::disallowed_methods)]

use std::path::{Path, PathBuf};

use assert_cmd::Command;

/// The binary under test.
pub fn reorient() -> Command {
    let mut command = Command::cargo_bin("reorient").unwrap();
    command.env("NO_COLOR", "1").env_remove("COLUMNS");
    command
}

/// A result folder that goes with the test.
pub struct Folder(tempfile::TempDir);

impl Folder {
    /// A file's bytes.
    pub fn bytes(&self, file: &str) -> Vec<u8> {
        std::fs::read(self.0.path().join(file)).unwrap()
    }

    /// A file's text.
    pub fn text(&self, file: &str) -> String {
        String::from_utf8(self.bytes(file)).unwrap()
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The manifest.
    pub fn manifest(&self) -> serde_json::Value {
        serde_json::from_slice(&self.bytes("manifest.json")).unwrap()
    }
}

/// `reorient run -q --csv --out FOLDER` with further arguments; it must succeed.
pub fn run_into(arguments: &[&str]) -> Folder {
    let folder = tempfile::tempdir().unwrap();
    reorient().args(["run", "-q", "--csv", "--out"]).arg(folder.path()).args(arguments).assert().success();
    Folder(folder)
}

/// Named columns of a CSV text.
pub fn columns(text: &str, names: &[&str]) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().unwrap().clone();
    let at: Vec<usize> = names.iter().map(|name| header.iter().position(|column| column == *name).unwrap()).collect();
    reader.records().map(|row| row.unwrap()).map(|row| at.iter().map(|at| row[*at].to_owned()).collect()).collect()
}

/// A file that the project may not hold, when it lies beside the checkout.
pub fn shared(file: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(file);
    if !path.exists() {
        // The test runner shows this with --nocapture.
        println!("skipped: ../shared/{file} is absent");
        return None;
    }
    Some(path)
}

/// A python with packages from PyPI, made once in the build folder; none, with a message, when it cannot be had.
pub fn python_with(name: &str, packages: &[&str], modules: &str) -> Option<PathBuf> {
    let environment = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let python = environment.join("bin/python");
    let import = format!("import {modules}");
    let works = || std::process::Command::new(&python).args(["-c", &import]).output().is_ok_and(|output| output.status.success());
    if !works() {
        let made = std::process::Command::new("python3").args(["-m", "venv"]).arg(&environment).status();
        if made.is_ok_and(|status| status.success()) {
            let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
            let _ = std::process::Command::new(&python).args(pip).args(packages).status();
        }
    }
    if works() {
        return Some(python);
    }
    println!("skipped: no python with {} can be had here", packages.join(", "));
    None
}
