//! Bad inputs: each is refused quickly, in little memory, with a message that helps and the right exit code, and leaves
//! nothing behind.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::disallowed_methods)]

mod common;

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;

/// Runs a command and reports exit code, seconds and largest resident memory in KiB, then what it said.
const METER: &str = r"
import resource, subprocess, sys, time
start = time.monotonic()
done = subprocess.run(sys.argv[1:], capture_output=True, text=True, errors='replace', timeout=60)
print(done.returncode, time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
print(done.stderr, end='')
";

/// One attempt to use a bad input; gives its message.
fn attempt(what: &str, command: &str, input: &Path, expected: i32) -> String {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("out");
    let binary = assert_cmd::cargo::cargo_bin("reorient");
    let output = std::process::Command::new("python3")
        .args(["-c", METER])
        .arg(binary)
        .args([command, "-q", "--out"])
        .arg(&out)
        .arg(input)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (figures, said) = text.split_once('\n').unwrap_or_else(|| panic!("{what}: {}", String::from_utf8_lossy(&output.stderr)));
    let mut figures = figures.split(' ');
    let code: i32 = figures.next().unwrap().parse().unwrap();
    let seconds: f64 = figures.next().unwrap().parse().unwrap();
    let kibibytes: u64 = figures.next().unwrap().parse().unwrap();
    let case = format!("{what}, {command} {}: exit code {code}, {said}", input.display());
    assert_eq!(code, expected, "{case}");
    assert!(said.starts_with("error: ") && said.len() < 2_000, "{case}");
    for word in ["panicked", "internal error", "defect", "RUST_BACKTRACE"] {
        assert!(!said.contains(word), "{case}");
    }
    assert!(seconds < 20.0 && kibibytes < 400 << 10, "{case}: {seconds} s, {kibibytes} KiB");
    let left: Vec<_> = std::fs::read_dir(root.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.is_empty(), "{case}: left {left:?}");
    said.to_owned()
}

#[test]
fn bad_files_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("bad");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/bad_files");
    let made = std::process::Command::new("python3").arg(script).arg(&folder).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let text = std::fs::read_to_string(folder.join("expected.csv")).unwrap();
    let cases = common::columns(&text, &["path", "class", "code", "words"]);
    let classes: BTreeSet<&str> = cases.iter().map(|case| case[1].as_str()).collect();
    println!("{} bad inputs in {} classes", cases.len(), classes.len());
    assert!(cases.len() >= 100 && classes.len() >= 30);
    let failures: Vec<String> = std::thread::scope(|scope| {
        let halves: Vec<_> = cases
            .chunks(cases.len().div_ceil(4))
            .map(|cases| scope.spawn(|| cases.iter().filter_map(|case| check(&folder, case).err()).collect::<Vec<_>>()))
            .collect();
        halves.into_iter().flat_map(|half| half.join().unwrap()).collect()
    });
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn check(folder: &Path, case: &[String]) -> Result<(), String> {
    let input = folder.join(&case[0]);
    let expected: i32 = case[2].parse().unwrap();
    for command in ["ingest", "run"] {
        let input = &input;
        let said = std::panic::catch_unwind(|| attempt(&case[1], command, input, expected));
        let said = said.map_err(|panic| panic.downcast_ref::<String>().cloned().unwrap_or_default())?;
        if !said.contains(&case[3]) {
            return Err(format!("{}, {command} {}: `{}` is not said: {said}", case[1], case[0], case[3]));
        }
    }
    Ok(())
}

/// A Parquet file of one row with some columns replaced.
fn parquet(path: &Path, replaced: &[(&str, ArrayRef)]) {
    let whole = |number: i64| Arc::new(Int64Array::from(vec![number])) as ArrayRef;
    let columns = [("t", whole(2023)), ("i", whole(4)), ("j", whole(8)), ("k", whole(270_900)), ("v", whole(5)), ("q", whole(1))];
    let columns = columns.map(|(name, column)| {
        let other = replaced.iter().find(|(replaced, _)| *replaced == name);
        (name, other.map_or(column, |(_, column)| Arc::clone(column)), true)
    });
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

#[test]
fn bad_values_in_parquet_are_named() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("BACI_HS92_Y2023_V202401b.parquet");
    let real = |number: Option<f64>| Arc::new(Float64Array::from(vec![number])) as ArrayRef;
    let whole = |number: Option<i64>| Arc::new(Int64Array::from(vec![number])) as ArrayRef;
    let text = |text: &str| Arc::new(StringArray::from(vec![text])) as ArrayRef;
    for (column, values, words) in [
        ("t", whole(None), "row 1, column `t`: `null`"),
        ("t", whole(Some(2022)), "the file name says 2023"),
        ("t", real(Some(2023.5)), "column `t`: `2023.5`"),
        ("i", whole(None), "column `i`: `null`"),
        ("i", whole(Some(-4)), "column `i`: `-4`"),
        ("i", whole(Some(i64::MAX)), "column `i`"),
        ("j", whole(Some(999)), "not in the country table"),
        ("j", real(Some(f64::NAN)), "column `j`: `NaN`"),
        ("j", text("DEU"), "column `j`: `DEU`"),
        ("k", whole(None), "column `k`"),
        ("k", text(""), "column `k`"),
        ("k", text("2709"), "column `k`: `2709`"),
        ("k", whole(Some(2_709_000)), "column `k`: `2709000`"),
        ("v", real(None), "column `v`: `null`"),
        ("v", real(Some(f64::NAN)), "column `v`: `NaN`"),
        ("v", real(Some(f64::INFINITY)), "column `v`: `inf`"),
        ("v", real(Some(-1.0)), "more than zero"),
        ("v", real(Some(0.0)), "more than zero"),
        ("v", real(Some(1.0005)), "three decimals"),
        ("v", real(Some(1e300)), "too large"),
        ("v", whole(Some(i64::MAX)), "too large"),
        ("v", text("1,5"), "column `v`: `1,5`"),
        ("v", Arc::new(BooleanArray::from(vec![true])), "Boolean"),
        ("q", real(Some(-1.0)), "negative"),
        ("q", real(Some(f64::INFINITY)), "column `q`: `inf`"),
        ("q", text("many"), "column `q`: `many`"),
    ] {
        parquet(&path, &[(column, values)]);
        for command in ["ingest", "run"] {
            let said = attempt(words, command, &path, 65);
            assert!(said.contains(words) && said.contains("BACI_HS92_Y2023_V202401b.parquet"), "{said}");
        }
    }
}
