//! `reorient ingest` end to end: every dress of the same rows, policies, limits of memory, failing disks.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::disallowed_methods)]

mod common;
#[path = "common/trade.rs"]
mod trade;

use std::path::{Path, PathBuf};
use std::process::Stdio;

use common::{reorient, shared};

const YEAR: &str = "BACI_HS92_Y2023_V202401b";

fn manifest(folder: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap()
}

fn ingest(source: &Path, out: &Path) {
    reorient().args(["ingest", "-q"]).arg(source).arg("--out").arg(out).assert().success();
}

/// What `ingest` says when it fails, with its exit code.
fn refusal(arguments: &[&str], source: &Path, out: &Path) -> (i32, String) {
    let output = reorient().arg("ingest").arg(source).arg("--out").arg(out).args(arguments).output().unwrap();
    assert!(!out.exists(), "something was left of {}", source.display());
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn every_dress_of_the_same_rows_gives_the_same_bytes() {
    let root = tempfile::tempdir().unwrap();
    let rows = trade::rows();
    assert_eq!(rows.len(), 52_818);
    let mixed = trade::shuffled(&rows);
    let place = |name: &str| {
        let folder = root.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        folder
    };
    let mut sources: Vec<PathBuf> = Vec::new();
    for (order, rows) in [("sorted", &rows), ("shuffled", &mixed)] {
        for (dress, text) in [("plain", trade::plain(rows)), ("native", trade::native(rows)), ("mangled", trade::mangled(rows))] {
            let path = place(&format!("{order}-{dress}")).join(format!("{YEAR}.csv"));
            std::fs::write(&path, text).unwrap();
            sources.push(path);
        }
        let folder = place(&format!("{order}-packed"));
        let text = trade::native(rows);
        let archive = folder.join("BACI_HS92_V202401b.zip");
        trade::zip(&archive, &[("BACI_HS92_Y2023_V202401b.csv", text.clone())]);
        sources.push(archive);
        let path = folder.join(format!("{YEAR}.csv.gz"));
        trade::gzip(&path, &text);
        sources.push(path);
        let path = folder.join(format!("{YEAR}.csv.zst"));
        trade::zstandard(&path, &text);
        sources.push(path);
        for texts in [false, true] {
            let path = place(&format!("{order}-parquet-{texts}")).join(format!("{YEAR}.parquet"));
            trade::foreign_parquet(&path, rows, texts);
            sources.push(path);
        }
    }
    // A folder is as good as the file in it.
    sources.push(root.path().join("sorted-native"));

    let results = |source: &Path| {
        let out = root.path().join("results");
        reorient().args(["run", "-q", "--list", "all", "--csv", "--out"]).arg(&out).arg(source).assert().success();
        ["table_a1.csv", "shares.csv", "products.csv", "flows.parquet", "flows.csv"]
            .map(|file| std::fs::read(out.join(file)).unwrap())
    };
    let reference = common::run_into(&["--list", "all"]);
    let expected = ["table_a1.csv", "shares.csv", "products.csv", "flows.parquet", "flows.csv"].map(|file| reference.bytes(file));
    let mut bytes: Option<Vec<u8>> = None;
    for source in &sources {
        assert!(results(source) == expected, "run {}", source.display());
        let out = root.path().join("ingested");
        ingest(source, &out);
        assert!(results(&out) == expected, "run of ingested {}", source.display());
        let parquet = std::fs::read(out.join(format!("{YEAR}.parquet"))).unwrap();
        assert!(*bytes.get_or_insert_with(|| parquet.clone()) == parquet, "ingest {}", source.display());
        let said = manifest(&out);
        assert_eq!((&said["rows_in"], &said["rows_used"], &said["release"]), (&52_818.into(), &52_818.into(), &"202401b".into()));
        assert_eq!(said["years"][0]["value_kusd"], "3007119898.426");
        reorient().args(["verify", "-q"]).arg(&out).assert().success();
        std::fs::remove_dir_all(&out).unwrap();
    }
}

#[test]
fn code_tables_come_from_the_archive_and_are_repaired() {
    let root = tempfile::tempdir().unwrap();
    let archive = root.path().join("BACI_HS92_V202401b.zip");
    trade::zip(&archive, &[("BACI_HS92_Y2023_V202401b.csv", trade::native(&trade::rows()[..50]))]);
    let out = root.path().join("out");
    ingest(&archive, &out);
    let said = manifest(&out);
    assert_eq!(
        (&said["country_table"], &said["ignored"]),
        (&"country_codes_V202401b.csv".into(), &serde_json::json!(["Readme.txt"]))
    );
    let table = std::fs::read_to_string(out.join("country_codes.csv")).unwrap();
    for line in [
        "384,Côte d'Ivoire,CI,CIV",
        "531,Curaçao,CW,CUW",
        "516,Namibia,NA,NAM",
        "490,\"Other Asia, not elsewhere specified\",,S19",
    ] {
        let known = line.split(',').next().unwrap();
        let found = table.lines().find(|row| row.starts_with(&format!("{known},"))).unwrap();
        assert!(found == line || known == "490" && found.contains(",,S19"), "{found}");
    }
    assert!(!table.contains('Ã'));
    // The tables that stand beside the years are those that a run uses, and a change in them is noticed.
    std::fs::write(out.join("country_codes.csv"), table.replace("Curaçao", "Curacao")).unwrap();
    let output = reorient().args(["run", "-q"]).arg(&out).output().unwrap();
    assert_eq!(output.status.code(), Some(65));
    assert!(String::from_utf8_lossy(&output.stderr).contains("country_codes.csv is damaged"));
}

#[test]
fn what_a_policy_lets_pass_is_in_the_ledger() {
    let root = tempfile::tempdir().unwrap();
    let source = root.path().join("BACI_HS92_Y2023_V202401b.csv");
    let text = "t,i,j,k,v,q\n2023,4,8,270900,1.5,2\n2023,4,8,270900,0.5,1\n2023,4,12,270900,0,\n2023,4,997,270900,3,\n\
                2023,4,16,270900,7,NA\n2023,4,16,270900,1,1\n2023,4,20,270900,-1,\n2022,4,20,270900,5,\n2023,4,20,27A9,5,\n";
    std::fs::write(&source, text).unwrap();
    let out = root.path().join("out");
    let (code, said) = refusal(&[], &source, &out);
    assert_eq!(code, 65);
    assert!(said.contains("BACI_HS92_Y2023_V202401b.csv, line 4, column `v`: `0`: a flow must be more than zero"), "{said}");
    let (code, said) = refusal(&["--max-errors", "10"], &source, &out);
    assert_eq!((code, said.lines().count()), (65, 7), "{said}");
    for part in [
        "line 5, column `j`: `997`",
        "line 8, column `v`: `-1`",
        "line 9, column `t`: `2022`: the file name says 2023",
        "line 10, column `k`: `27A9`",
    ] {
        assert!(said.contains(part), "{said}");
    }
    let skip =
        ["zero-value", "unknown-country", "negative-value", "bad-year", "bad-code"].map(|reason| ["--skip", reason]).concat();
    let (code, said) = refusal(&[&skip[..], &["--max-errors", "5"]].concat(), &source, &out);
    assert_eq!((code, said.lines().count()), (65, 2), "{said}");
    assert!(said.contains("exporter 4, importer 8 stand twice (rows 1, 2)"), "{said}");
    assert!(said.contains("--on-duplicate sum"), "{said}");

    let arguments = [&skip[..], &["--on-duplicate", "sum"]].concat();
    reorient().args(["ingest", "-q"]).arg(&source).arg("--out").arg(&out).args(arguments).assert().success();
    let said = manifest(&out);
    assert_eq!((&said["rows_in"], &said["rows_used"]), (&9.into(), &2.into()));
    assert_eq!(
        said["unused"],
        serde_json::json!({"bad-code": 1, "bad-year": 1, "duplicate-key": 2, "negative-value": 1, "unknown-country": 1, "zero-value": 1})
    );
    assert_eq!((&said["years"][0]["value_kusd"], &said["years"][0]["quantity_tons"]), (&"10.000".into(), &"3.000".into()));
    let ledger = std::fs::read_to_string(out.join("ledger.csv")).unwrap();
    assert_eq!(ledger.lines().count(), 8);
    assert!(ledger.contains("BACI_HS92_Y2023_V202401b.csv,5,unknown-country,j = 997"), "{ledger}");
    assert!(ledger.contains("duplicate-key,\"product 270900, exporter 4, importer 8, value"), "{ledger}");
}

#[test]
fn two_whole_exporters_are_ingested_and_no_world() {
    let Some(source) = shared("data/baci/quirks_HS92_Y2021_exporters-4-710.csv") else { return };
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("out");
    ingest(&source, &out);
    // Counted by other means: lines, and lines whose quantity is NA or padded NA.
    let text = std::fs::read_to_string(&source).unwrap();
    let missing = text.lines().skip(1).filter(|line| line.rsplit(',').next().unwrap().trim_matches(['"', ' ']) == "NA").count();
    let value: f64 =
        text.lines().skip(1).map(|line| line.split(',').nth(4).unwrap().trim_matches(['"', ' ']).parse::<f64>().unwrap()).sum();
    let said = manifest(&out);
    assert_eq!((&said["rows_in"], &said["rows_used"]), (&71_192.into(), &(text.lines().count() - 1).into()));
    assert_eq!(said["years"][0]["missing_quantity"], missing);
    assert!((said["years"][0]["value_kusd"].as_str().unwrap().parse::<f64>().unwrap() - value).abs() < 1e-3);
    for trade in [&source, &out] {
        let output = reorient().args(["run", "-q"]).arg(trade).output().unwrap();
        assert_eq!(output.status.code(), Some(65));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("world"), "{said}");
    }
}

const READERS: &str = r"
import pathlib, sys, duckdb, polars, pyarrow.compute, pyarrow.parquet
folder, panel = pathlib.Path(sys.argv[1]), sys.argv[2]
years = sorted(folder.glob('*.parquet'))
assert len(years) == 30
expected = {}
if panel:
    # DECIMAL by way of text, so that no sum is a double's.
    query = '''select t, count(*), sum(cast(printf('%.3f', v) as decimal(18,3))), count(q) filter (where not isnan(q)) from read_parquet(?) group by t'''
    expected = {row[0]: row[1:] for row in duckdb.execute(query, [panel]).fetchall()}
    assert len(expected) == 30
for path in years:
    year = int(path.name.split('_Y')[1][:4])
    table = pyarrow.parquet.read_table(path)
    assert [str(kind) for kind in table.schema.types] == ['string', 'int32', 'int32', 'decimal128(18, 3)', 'decimal128(18, 3)']
    arrow = (len(table), pyarrow.compute.sum(table['value_kusd']).as_py(), len(table) - table['quantity_tons'].null_count)
    frame = polars.read_parquet(path)
    assert frame.schema['value_kusd'] == polars.Decimal(18, 3)
    others = (len(frame), frame['value_kusd'].sum(), frame['quantity_tons'].count())
    duck = duckdb.execute('select count(*), sum(value_kusd), count(quantity_tons) from read_parquet(?)', [str(path)]).fetchone()
    assert arrow == others == duck, (path, arrow, others, duck)
    assert year not in expected or duck == expected[year], (year, duck, expected[year])
    assert len(set(zip(*(table[name].to_pylist() for name in ('product', 'exporter', 'importer'))))) == len(table)
";

#[test]
fn thirty_years_are_the_same_to_every_reader() {
    let Some(panel) = shared("data/baci/BACI_HS92_raw-materials_1995-2024.parquet") else { return };
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("out");
    ingest(&panel, &out);
    let said = manifest(&out);
    assert_eq!((&said["rows_in"], &said["rows_used"]), (&1_264_888.into(), &1_264_888.into()));
    assert_eq!(said["years"].as_array().unwrap().len(), 30);
    let packages = ["duckdb==2.0.0", "polars==2.1.0", "pyarrow==26.0.1"];
    let Some(python) = common::python_with("readers", &packages, "duckdb, polars, pyarrow.parquet") else { return };
    let output = std::process::Command::new(python).args(["-c", READERS]).arg(&out).arg(&panel).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Thirty years of the sample's rows, some 1.6 million, in one archive.
fn thirty_years(root: &Path) -> PathBuf {
    let mut years = Vec::new();
    let mut rows = trade::rows();
    let names: Vec<String> = (1995..2025).map(|year| format!("BACI_HS92_Y{year}_V202401b.csv")).collect();
    for (year, name) in (1995..2025).zip(&names) {
        for row in &mut rows {
            row.year = year;
        }
        years.push((name.as_str(), trade::native(&rows)));
    }
    let archive = root.join("BACI_HS92_V202401b.zip");
    trade::zip(&archive, &years);
    archive
}

/// Runs the program and reports its largest resident memory in KiB.
const PEAK: &str = r"
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
";

fn peak_memory(arguments: &[&std::ffi::OsStr]) -> u64 {
    let binary = assert_cmd::cargo::cargo_bin("reorient");
    let mut command = std::process::Command::new("python3");
    // Memory that was freed goes back at once, so that the peak is that of the program and not of its allocator.
    command.env("MIMALLOC_PURGE_DELAY", "0").args(["-c", PEAK]).arg(binary).args(arguments);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().last().unwrap().parse().unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn thirty_years_need_the_memory_of_one() {
    let root = tempfile::tempdir().unwrap();
    let archive = thirty_years(root.path());
    let one = root.path().join("BACI_HS92_V202401b").with_extension("one.zip");
    trade::zip(&one, &[("BACI_HS92_Y2023_V202401b.csv", trade::native(&trade::rows()))]);
    let peak = |source: &Path, out: &str| {
        let out = root.path().join(out);
        peak_memory(&["ingest".as_ref(), "-q".as_ref(), source.as_os_str(), "--out".as_ref(), out.as_os_str()])
    };
    let (of_one, of_thirty) = (peak(&one, "one"), peak(&archive, "thirty"));
    println!("peak memory: {of_one} KiB for one year, {of_thirty} KiB for thirty");
    // Rows of thirty years take 38 MB at 24 bytes each, and their texts 70 MB; those of one year 1.3 MB.
    assert!(of_thirty < of_one + 32 * 1024, "{of_one} KiB for one year, {of_thirty} KiB for thirty");
}

/// Whatever stands at `out` is a whole folder, and nothing of the attempt stands beside it once another has ended.
fn check_whole(source: &Path, out: &Path) {
    if out.exists() {
        reorient().args(["verify", "-q"]).arg(out).assert().success();
    }
    let status = reorient().args(["ingest", "-q", "--force"]).arg(source).arg("--out").arg(out).output().unwrap().status;
    assert!(status.success());
    reorient().args(["verify", "-q"]).arg(out).assert().success();
    let beside: Vec<_> = std::fs::read_dir(out.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(beside.iter().all(|name| !name.to_string_lossy().starts_with('.')), "{beside:?}");
}

#[test]
fn killed_at_any_moment_nothing_half_written_is_taken_for_good() {
    let root = tempfile::tempdir().unwrap();
    let archive = thirty_years(root.path());
    let folder = root.path().join("data");
    std::fs::create_dir(&folder).unwrap();
    let out = folder.join("out");
    let start = std::time::Instant::now();
    ingest(&archive, &folder.join("whole"));
    let whole = start.elapsed();
    std::fs::remove_dir_all(folder.join("whole")).unwrap();
    let mut ends = (0, 0);
    for moment in 0..30 {
        let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin("reorient"));
        command.args(["ingest", "-q", "--force"]).arg(&archive).arg("--out").arg(&out).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        std::thread::sleep(whole * moment / 24);
        // SIGKILL on Unix.
        child.kill().unwrap();
        if child.wait().unwrap().success() {
            ends.0 += 1
        } else {
            ends.1 += 1
        }
        // A folder is there whole, old or new, or not at all.
        if out.exists() {
            reorient().args(["verify", "-q"]).arg(&out).assert().success();
        }
        if moment % 6 == 5 {
            check_whole(&archive, &out);
        }
    }
    println!("{} ingests ended, {} were killed", ends.0, ends.1);
    assert!(ends.1 >= 5, "{ends:?}");
}

#[test]
fn two_ingests_do_not_write_one_folder() {
    let root = tempfile::tempdir().unwrap();
    let archive = thirty_years(root.path());
    let out = root.path().join("out");
    let start = || {
        let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin("reorient"));
        command.args(["ingest", "-q"]).arg(&archive).arg("--out").arg(&out).stderr(Stdio::piped()).spawn().unwrap()
    };
    let ends = [start(), start()].map(|child| child.wait_with_output().unwrap());
    let failed: Vec<_> = ends.iter().filter(|end| !end.status.success()).collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].status.code(), Some(74));
    reorient().args(["verify", "-q"]).arg(&out).assert().success();
}

#[test]
fn a_target_that_cannot_be_written_is_said_so() {
    let root = tempfile::tempdir().unwrap();
    let source = root.path().join("BACI_HS92_Y2023_V202401b.csv");
    std::fs::write(&source, trade::plain(&trade::rows()[..100])).unwrap();
    let below_a_file = source.join("out");
    let (code, said) = refusal(&[], &source, &below_a_file);
    assert!(code == 74 && said.contains("cannot write"), "{said}");
    if cfg!(target_os = "linux") {
        let (code, said) = refusal(&[], &source, Path::new("/proc/reorient"));
        assert!(code == 74 && said.contains("cannot write"), "{said}");
    }
    let foreign = root.path().join("thesis");
    std::fs::create_dir(&foreign).unwrap();
    std::fs::write(foreign.join("thesis.tex"), "mine").unwrap();
    for force in [&[][..], &["--force"]] {
        let output = reorient().args(["ingest", "-q"]).arg(&source).arg("--out").arg(&foreign).args(force).output().unwrap();
        assert_eq!(output.status.code(), Some(74));
        assert_eq!(std::fs::read_to_string(foreign.join("thesis.tex")).unwrap(), "mine");
    }
    let out = root.path().join("out");
    ingest(&source, &out);
    let output = reorient().args(["ingest", "-q"]).arg(&source).arg("--out").arg(&out).output().unwrap();
    assert_eq!(output.status.code(), Some(74));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--force"));
    check_whole(&source, &out);
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_leaves_nothing_behind() {
    let root = tempfile::tempdir().unwrap();
    let disk = root.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let source = root.path().join("BACI_HS92_Y2023_V202401b.csv");
    std::fs::write(&source, trade::plain(&trade::rows())).unwrap();
    for kibibytes in [4, 64, 300, 600, 900] {
        let size = format!("size={kibibytes}k");
        let mounted = std::process::Command::new("mount").args(["-t", "tmpfs", "-o", &size, "none"]).arg(&disk).output();
        if !mounted.is_ok_and(|output| output.status.success()) {
            println!("skipped: no small disk can be mounted here");
            return;
        }
        let out = disk.join("out");
        let output = reorient().args(["ingest", "-q"]).arg(&source).arg("--out").arg(&out).output().unwrap();
        let left: Vec<_> = std::fs::read_dir(&disk).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(std::process::Command::new("umount").arg(&disk).status().unwrap().success());
        assert_eq!(output.status.code(), Some(74), "{kibibytes} KiB");
        assert!(left.is_empty(), "{left:?}");
    }
}
