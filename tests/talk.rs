//! Talk on standard error never ends work: whoever listens may go away, and a log may be full.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

const SWEEP: &str = "[grid]\ncap = [0.01, 0.02, 0.03]\nfloor = [\"additive\", \"free\"]\n";
const ROWS: &str = "t,i,j,k,v,q\n2023,156,276,270900,10,1\n2023,682,276,270900,20,1\n2023,682,392,270900,900,1\n";

fn reorient(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reorient"));
    command.args(arguments).env("NO_COLOR", "1").stdout(Stdio::null());
    command
}

/// The exit code where nobody reads standard error.
fn unheard(arguments: &[&str]) -> Option<i32> {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    reorient(arguments).stderr(writer).status().unwrap().code()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn every_command_ends_as_it_would_when_nobody_listens() {
    let root = tempfile::tempdir().unwrap();
    let place = |name: &str| root.path().join(name);
    fs::write(place("night.toml"), SWEEP).unwrap();
    let csv = place("BACI_HS92_Y2023_V202401b.csv");
    fs::write(&csv, ROWS).unwrap();
    let (night, shard, baci, made) = (place("night"), place("shard"), place("baci"), place("made"));
    let (results, panel) = (place("results"), place("panel"));
    let file = place("night.toml");
    let commands: Vec<Vec<&str>> = vec![
        vec!["ingest", text(&csv), "--out", text(&baci)],
        vec!["run", "--out", text(&results)],
        vec!["run", "--year", "all", "--out", text(&panel)],
        vec!["sweep", text(&file), "--out", text(&night)],
        vec!["sweep", text(&file), "--out", text(&shard), "--shard", "1/1"],
        vec!["sweep", "merge", text(&night)],
        vec!["synth", "--rows", "1000", "--seed", "1", "--out", text(&made)],
        vec!["verify", text(&results)],
        vec!["frontier"],
        vec!["explain"],
        vec!["sensitivity"],
        vec!["indicators", "--importer", "NLD"],
        vec!["inspect", "--product", "270900"],
        vec!["schema"],
    ];
    for own in &commands {
        // Loudly, and in each form.
        assert_eq!(unheard(&[&["-v"], &own[..]].concat()), Some(0), "{own:?}");
    }
    for dataset in ["summary.csv", "scenarios.parquet", "manifest.json"] {
        assert!(night.join(dataset).is_file(), "{dataset}");
    }
    fs::remove_dir_all(&night).unwrap();
    let json = ["--log-format", "json", "-v", "sweep", text(&file), "--out", text(&night), "--log-every", "0"];
    assert_eq!(unheard(&json), Some(0));
    // What is wrong keeps its exit code.
    assert_eq!(unheard(&["run", "no-such-file.csv"]), Some(66));
    assert_eq!(unheard(&["--log-format", "json", "run", "no-such-file.csv"]), Some(66));
    assert_eq!(unheard(&["run", "--set", "caps=1"]), Some(2));
    assert_eq!(unheard(&["rnu"]), Some(2));
}

#[test]
fn one_line_of_a_pipe_is_enough() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("night.toml");
    fs::write(&file, SWEEP).unwrap();
    for at in 0..5 {
        let out = root.path().join(at.to_string());
        // The shell's own way, with standard output in the same pipe.
        let script = "exec 3>&1; (\"$0\" sweep \"$1\" --out \"$2\"; echo $? >&3) 2>&1 | head -n 1 >/dev/null";
        let output = Command::new("sh").args(["-c", script, env!("CARGO_BIN_EXE_reorient"), text(&file), text(&out)]).output();
        assert_eq!(String::from_utf8(output.unwrap().stdout).unwrap().trim(), "0");
        assert!(out.join("summary.csv").is_file());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_log_ends_no_work_and_a_full_disk_for_data_does() {
    let root = tempfile::tempdir().unwrap();
    let full = || fs::File::options().write(true).open("/dev/full").unwrap();
    let file = root.path().join("night.toml");
    fs::write(&file, SWEEP).unwrap();
    let out = root.path().join("night");
    assert_eq!(reorient(&["-v", "sweep", text(&file), "--out", text(&out)]).stderr(full()).status().unwrap().code(), Some(0));
    assert!(out.join("summary.csv").is_file());
    assert_eq!(reorient(&["run"]).stdout(full()).stderr(Stdio::null()).status().unwrap().code(), Some(74));
    assert_eq!(reorient(&["run"]).stdout(full()).stderr(full()).status().unwrap().code(), Some(74));
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    assert_eq!(reorient(&["run"]).stdout(writer).stderr(Stdio::null()).status().unwrap().code(), Some(0));
}
