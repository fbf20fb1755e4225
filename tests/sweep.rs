//! `reorient sweep` end to end: killed, stopped, starved of disk, split and damaged, it ends with the same bytes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::disallowed_methods)]

mod common;
#[path = "common/trade.rs"]
mod trade;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{columns, reorient};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;

/// Numbers that look random and are the same each time.
struct Draws(u64);

impl Draws {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

/// A grid of 40 scenarios per cap on the whole sample, and the base.
fn grid(caps: usize, of: usize) -> String {
    let caps: Vec<String> = (1..=caps).map(|cap| format!("\"{cap}/{of}\"")).collect();
    format!(
        "[base]\nlist = \"all\"\n[grid]\ncap = [{}]\nfloor = [\"additive\", \"free\", \"symmetric\", \"churn:0.1\"]\n\
         risk = [[156, 842, 643], \"CHN\"]\n[grid.tie-break]\nfill = [\"proportional-capacity\", \"proportional-flow\", \"min-hhi\", \
         \"min-cost\", \"order:CAN,NOR\"]\n",
        caps.join(", ")
    )
}

/// A folder with a sweep file of a thousand scenarios and the base.
fn thousand() -> (tempfile::TempDir, PathBuf) {
    written(&grid(25, 100))
}

fn written(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("night.toml");
    fs::write(&file, text).unwrap();
    (folder, file)
}

fn command(file: &Path, out: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reorient"));
    command.args(["sweep", "-q"]).arg(file).arg("--out").arg(out).args(arguments).env("NO_COLOR", "1");
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

fn spawn(file: &Path, out: &Path, arguments: &[&str]) -> Child {
    command(file, out, arguments).spawn().unwrap()
}

/// Runs to the end and gives the exit code and what was said.
fn finish(mut command: Command) -> (Option<i32>, String) {
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

fn complete(file: &Path, out: &Path, arguments: &[&str]) {
    let (code, said) = finish(command(file, out, arguments));
    assert_eq!(code, Some(0), "{arguments:?}: {said}");
}

/// Every file of a dataset with its bytes; the store is not of the dataset.
fn dataset(out: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(out).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    files.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(path).unwrap())).collect()
}

fn same(out: &Path, reference: &BTreeMap<String, Vec<u8>>, what: &str) {
    let own = dataset(out);
    assert_eq!(own.keys().collect::<Vec<_>>(), reference.keys().collect::<Vec<_>>(), "{what}");
    for (name, bytes) in reference {
        assert!(own[name] == *bytes, "{what}: {name} differs");
    }
}

/// Finished segments of a store with their bytes.
fn segments(out: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let Ok(entries) = fs::read_dir(out.join("store")) else { return BTreeMap::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    let finished = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.ends_with(".segment.zst") && !name.starts_with('.')
    };
    paths.filter(finished).map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

fn nothing_lost(before: &BTreeMap<PathBuf, Vec<u8>>, out: &Path) {
    let after = segments(out);
    assert!(before.iter().all(|(path, bytes)| after.get(path) == Some(bytes)), "a finished segment is gone");
}

fn reference(file: &Path) -> (tempfile::TempDir, BTreeMap<String, Vec<u8>>) {
    let out = tempfile::tempdir().unwrap();
    complete(file, out.path(), &[]);
    let files = dataset(out.path());
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    let expected = [
        "figures.parquet",
        "manifest.json",
        "scenarios.csv",
        "scenarios.parquet",
        "shares.parquet",
        "summary.csv",
        "table_a1.parquet",
    ];
    assert_eq!(names, expected);
    (out, files)
}

#[test]
fn killed_at_a_hundred_moments_nothing_finished_is_lost_and_the_bytes_are_the_same() {
    let (_folder, file) = thousand();
    let (_out, files) = reference(&file);
    let mut draws = Draws(1);
    let (mut kills, mut completed) = (0, 0);
    while kills < 100 {
        let out = tempfile::tempdir().unwrap();
        loop {
            let before = segments(out.path());
            let mut child = spawn(&file, out.path(), &["--segment", "40"]);
            std::thread::sleep(Duration::from_micros(draws.below(250_000) as u64));
            child.kill().unwrap();
            let ended = child.wait().unwrap();
            nothing_lost(&before, out.path());
            if ended.success() || kills == 100 {
                break;
            }
            kills += 1;
        }
        complete(&file, out.path(), &["--segment", "40"]);
        same(out.path(), &files, "killed");
        completed += 1;
    }
    println!("{kills} kills, {completed} sweeps completed");
}

/// Whoever sets the variable that tests use has no power over a program that is not built for tests.
#[cfg(not(feature = "fault-points"))]
#[test]
fn nothing_ends_a_program_that_is_not_built_for_tests() {
    let (_folder, file) = thousand();
    let out = tempfile::tempdir().unwrap();
    let output = command(&file, out.path(), &[]).env("REORIENT_TEST_KILL", "before-write:1").output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[cfg(all(unix, feature = "fault-points"))]
#[test]
fn killed_at_each_named_moment_of_a_write_the_bytes_are_the_same() {
    use std::os::unix::process::ExitStatusExt;
    let (_folder, file) = thousand();
    let (_out, files) = reference(&file);
    for moment in ["before-write", "after-write", "before-rename", "after-rename"] {
        for count in [1, 2, 5] {
            let out = tempfile::tempdir().unwrap();
            let mut killed = command(&file, out.path(), &["--segment", "100"]);
            killed.env("REORIENT_TEST_KILL", format!("{moment}:{count}"));
            assert_eq!(killed.output().unwrap().status.signal(), Some(9), "{moment}:{count}");
            let before = segments(out.path());
            // The first write is that of the plan, and the last one counts when its file has its name.
            let written = if moment == "after-rename" { count } else { count - 1 };
            assert_eq!(before.len(), usize::saturating_sub(written, 1), "{moment}:{count}");
            complete(&file, out.path(), &["--segment", "100"]);
            nothing_lost(&before, out.path());
            same(out.path(), &files, moment);
            let left: Vec<_> = fs::read_dir(out.path().join("store")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            assert!(left.iter().all(|name| !name.to_str().unwrap().starts_with('.')), "{moment}: {left:?}");
        }
    }
}

#[cfg(unix)]
#[test]
fn sigterm_ends_with_75_and_the_next_start_goes_on() {
    let (_folder, file) = thousand();
    let (_out, files) = reference(&file);
    let out = tempfile::tempdir().unwrap();
    let child = spawn(&file, out.path(), &["--segment", "20", "--threads", "1"]);
    let started = Instant::now();
    while segments(out.path()).is_empty() {
        assert!(started.elapsed() < Duration::from_secs(60), "no segment came");
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(75), "{said}");
    assert!(said.contains("the same command goes on"), "{said}");
    let before = segments(out.path());
    // An unfinished sweep is known as one.
    let manifest: serde_json::Value = serde_json::from_slice(&fs::read(out.path().join("manifest.json")).unwrap()).unwrap();
    assert_eq!((manifest["kind"].as_str(), manifest["complete"].as_bool()), (Some("sweep"), Some(false)));
    let checked = reorient().args(["verify", "-q"]).arg(out.path()).output().unwrap();
    let said = String::from_utf8(checked.stderr).unwrap();
    assert_eq!(checked.status.code(), Some(65), "{said}");
    assert!(said.contains("the sweep is not complete") && said.contains("run its own command again"), "{said}");
    complete(&file, out.path(), &[]);
    assert!(reorient().args(["verify", "-q"]).arg(out.path()).output().unwrap().status.success());
    nothing_lost(&before, out.path());
    same(out.path(), &files, "after SIGTERM");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_74_and_with_room_the_bytes_are_the_same() {
    let (_folder, file) = thousand();
    let (_out, files) = reference(&file);
    let disk = tempfile::tempdir().unwrap();
    let mount = |options: &str| {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(disk.path()).stderr(Stdio::null());
        mount.status().is_ok_and(|status| status.success())
    };
    if !mount("size=300k") {
        println!("skipped: no file system can be mounted here");
        return;
    }
    let out = disk.path().join("night");
    let (code, said) = finish(command(&file, &out, &["--segment", "50"]));
    let before = segments(&out);
    let roomy = mount("remount,size=100m");
    let again = if roomy { finish(command(&file, &out, &["--segment", "50"])) } else { (None, "no remount".to_owned()) };
    let kept = before.iter().all(|(path, bytes)| fs::read(path).ok().as_ref() == Some(bytes));
    let own = dataset(&out);
    assert!(Command::new("umount").arg(disk.path()).status().unwrap().success());
    assert_eq!(code, Some(74), "{said}");
    assert!(said.contains("cannot write") && said.contains("start the same command again"), "{said}");
    assert!(!before.is_empty() && kept, "finished segments stay");
    assert_eq!(again.0, Some(0), "{}", again.1);
    assert!(own == files, "the dataset differs after a full disk");
}

#[test]
fn threads_and_shards_give_one_dataset() {
    let (_folder, file) = thousand();
    let (_out, files) = reference(&file);
    for threads in ["1", "8"] {
        let out = tempfile::tempdir().unwrap();
        complete(&file, out.path(), &["--threads", threads]);
        same(out.path(), &files, threads);
    }
    // Side by side in one folder.
    let out = tempfile::tempdir().unwrap();
    let children: Vec<Child> = (1..=4).map(|at| spawn(&file, out.path(), &["--shard", &format!("{at}/4")])).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    reorient().args(["sweep", "merge", "-q"]).arg(out.path()).assert().success();
    same(out.path(), &files, "shards side by side");
    // Each in a folder of its own, as on machines without a common disk; one of them comes late.
    let folders: Vec<_> = (0..3).map(|_| tempfile::tempdir().unwrap()).collect();
    for (at, folder) in (1..).zip(&folders) {
        complete(&file, folder.path(), &["--shard", &format!("{at}/3"), "--threads", "2"]);
        if at == 2 {
            let early = reorient().args(["sweep", "merge", "-q"]).arg(folders[0].path()).arg(folder.path()).output().unwrap();
            let said = String::from_utf8(early.stderr).unwrap();
            assert_eq!(early.status.code(), Some(75), "{said}");
            assert!(said.contains("of 1001 scenarios have no result"), "{said}");
        }
    }
    let mut merge = reorient();
    merge.args(["sweep", "merge", "-q"]).args(folders.iter().map(tempfile::TempDir::path)).assert().success();
    same(folders[0].path(), &files, "shards apart");
}

#[test]
fn a_second_writer_is_refused_and_other_shards_are_not() {
    let (_folder, file) = written("[grid]\ncap = [0.01, 0.02]\n");
    let out = tempfile::tempdir().unwrap();
    complete(&file, out.path(), &[]);
    let hold = |name: &str| {
        let lock = fs::File::options().create(true).append(true).open(out.path().join("store/locks").join(name)).unwrap();
        lock.lock().unwrap();
        lock
    };
    let refused = |arguments: &[&str], word: &str| {
        let (code, said) = finish(command(&file, out.path(), arguments));
        assert_eq!(code, Some(74), "{said}");
        assert!(said.contains(word), "{said}");
    };
    {
        let _whole = hold("whole.lock");
        refused(&[], "another process is running this sweep");
    }
    {
        let _shard = hold("shard-1-of-2.lock");
        refused(&["--shard", "1/2"], "another process is running shard 1/2");
        complete(&file, out.path(), &["--shard", "2/2"]);
    }
    let (_other, changed) = written("[grid]\ncap = [0.01, 0.03]\n");
    let all = fs::File::open(out.path().join("store/locks/all.lock")).unwrap();
    all.lock_shared().unwrap();
    refused(&[], "shards of this sweep are running");
    for (force, word) in [(&[][..], "another plan, for another question"), (&["--force"], "another plan is stored there")] {
        let (code, said) = finish(command(&changed, out.path(), &[&["--shard", "1/2"], force].concat()));
        assert_eq!(code, Some(74), "{said}");
        assert!(said.contains(word), "{said}");
    }
    // Not on its own either: the plan stays, and only a whole sweep takes its place.
    drop(all);
    let plan = out.path().join("store/plan.json.zst");
    let before = fs::read(&plan).unwrap();
    let (code, said) = finish(command(&changed, out.path(), &["--shard", "1/2", "--force"]));
    assert!(code == Some(74) && said.contains("a shard never replaces"), "{said}");
    assert!(fs::read(&plan).unwrap() == before);
    complete(&changed, out.path(), &["--force"]);
    assert!(fs::read(&plan).unwrap() != before);
}

#[test]
fn damage_is_told_and_answered_again() {
    let (_folder, file) = written(&grid(2, 50));
    let (out, files) = reference(&file);
    let path = segments(out.path()).into_keys().next().unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).unwrap();
    let checked = reorient().args(["verify"]).arg(out.path()).output().unwrap();
    assert_eq!(checked.status.code(), Some(65));
    let output = reorient().arg("sweep").arg(&file).arg("--out").arg(out.path()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && said.contains("is damaged") && said.contains("answered again"), "{said}");
    same(out.path(), &files, "after damage");
    // Half a plan and half a segment, as a disk without honour leaves them.
    for name in ["store/plan.json.zst".to_owned(), path.strip_prefix(out.path()).unwrap().to_str().unwrap().to_owned()] {
        let half = fs::read(out.path().join(&name)).map(|bytes| bytes[..bytes.len() / 2].to_vec());
        if let Ok(half) = half {
            fs::write(out.path().join(&name), half).unwrap();
        }
        complete(&file, out.path(), &[]);
        same(out.path(), &files, &name);
    }
    assert!(reorient().args(["verify", "-q"]).arg(out.path()).output().unwrap().status.success());
}

/// Rows of a Parquet file, each by column.
fn parquet(path: &Path) -> Vec<BTreeMap<String, String>> {
    let reader = SerializedFileReader::new(fs::File::open(path).unwrap()).unwrap();
    let text = |field: &Field| match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::Double(real) => format!("{real}"),
        other => other.to_string(),
    };
    let row = |row: parquet::record::Row| row.get_column_iter().map(|(name, field)| (name.clone(), text(field))).collect();
    reader.get_row_iter(None).unwrap().map(|own| row(own.unwrap())).collect()
}

fn by_scenario(path: &Path) -> BTreeMap<String, Vec<BTreeMap<String, String>>> {
    let mut all: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for row in parquet(path) {
        all.entry(row["scenario"].clone()).or_default().push(row);
    }
    all
}

/// Numbers as doubles, everything else as it is.
fn alike(own: &str, other: &str) -> bool {
    own == other
        || own.parse::<f64>().ok().zip(other.parse::<f64>().ok()).is_some_and(|(own, other)| own.to_bits() == other.to_bits())
}

#[test]
fn fifty_scenarios_are_what_run_says_of_them() {
    let text = "[base]\nlist = \"all\"\n[overrides.embargo]\nexclude-hard = \"RUS\"\nrisk = \"CHN,USA\"\n[overrides.even]\ncap-basis = \
                \"bloc-market\"\n[overrides.dear]\nweights = { CHN = 2 }\n[overrides.apart]\nbloc = \"NLD\"\n[grid]\noverride = [\"base\", \
                \"even\", \"dear\", \"apart\"]\ncap = [0.01, 0.05, \"1/7\"]\nceiling = [\"none\", 0.6]\nhong-kong = [\"apart\", \
                \"with-china\"]\n[grid.tie-break]\nfill = [\"proportional-capacity\", \"min-hhi\", \"min-cost\"]\n";
    let (_folder, file) = written(text);
    let out = tempfile::tempdir().unwrap();
    let (code, said) = finish(command(&file, out.path(), &[]));
    assert_eq!(code, Some(3), "a ceiling leaves products open: {said}");
    let scenarios = parquet(&out.path().join("scenarios.parquet"));
    assert_eq!(scenarios.len(), 5 + 4 * 3 * 2 * 2 * 3);
    let figures = by_scenario(&out.path().join("figures.parquet"));
    let shares = by_scenario(&out.path().join("shares.parquet"));
    let table_a1 = by_scenario(&out.path().join("table_a1.parquet"));
    let mut draws = Draws(7);
    for _ in 0..50 {
        let scenario = &scenarios[draws.below(scenarios.len())];
        let mut run = reorient();
        run.args(["run", "--json"]);
        for key in reorient_engine::KEYS.iter().filter(|key| key.name != "links") {
            run.arg("--set").arg(format!("{}={}", key.name, scenario[key.name]));
        }
        let output = run.output().unwrap();
        let open = output.status.code() == Some(3);
        assert!(output.status.success() || open, "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(scenario["status"], if open { "open" } else { "answered" });
        let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let plain =
            |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned).replace("null", "");
        let number = &scenario["scenario"];
        for row in &figures[number] {
            let own = &result["headline"][row["figure"].as_str()];
            let expected = own.as_array().map_or_else(|| vec![plain(own)], |three| three.iter().map(plain).collect());
            let ends = [row["value"].as_str(), row["min"].as_str(), row["max"].as_str()];
            let fits = expected.iter().zip(ends).all(|(own, stored)| alike(own, stored));
            assert!(fits, "{}, {}: {expected:?} {ends:?}", scenario["name"], row["figure"]);
        }
        assert_eq!(
            figures[number].len() + 2,
            result["headline"].as_object().unwrap().len(),
            "all but the range of concentration"
        );
        for (stored, key) in [(&shares[number], "shares"), (&table_a1[number], "table_a1")] {
            let rows = result[key].as_array().unwrap();
            assert_eq!(stored.len(), rows.len());
            for (stored, row) in stored.iter().zip(rows) {
                for (column, value) in row.as_object().unwrap() {
                    let is_range = column == "hhi_after_min" || column == "hhi_after_max";
                    assert!(is_range || alike(&stored[column], &plain(value)), "{key} {column}: {} {value}", stored[column]);
                }
            }
        }
    }
}

#[test]
fn the_memory_does_not_grow_with_the_scenarios() {
    let peak = |text: &str| {
        let (_folder, file) = written(text);
        let out = tempfile::tempdir().unwrap();
        let started = Instant::now();
        // What the allocator keeps for later is not what the program needs.
        let mut child = command(&file, out.path(), &[]).env("MIMALLOC_PURGE_DELAY", "0").spawn().unwrap();
        let mut most = 0_u64;
        while child.try_wait().unwrap().is_none() {
            let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
            let kib =
                status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.trim().parse().ok());
            most = most.max(kib.unwrap_or(0));
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(child.wait().unwrap().success());
        let n_scenarios = fs::read_to_string(out.path().join("summary.csv")).unwrap().lines().count() - 1;
        println!("{n_scenarios} scenarios: {} MiB, {:.1} s", most / 1024, started.elapsed().as_secs_f64());
        (n_scenarios, most)
    };
    // More than fill the buffers, whose size is fixed.
    let (few, at_few) = peak(&grid(50, 1000));
    let (many, at_many) = peak(&grid(250, 1000));
    assert_eq!((few, many), (2001, 10_001));
    if at_few == 0 {
        println!("skipped: no /proc");
        return;
    }
    let slope = at_many.saturating_sub(at_few) / 8;
    println!("{slope} KiB per 1,000 scenarios");
    assert!(slope < 1024, "{slope} KiB per 1,000 scenarios");
}

#[test]
fn a_hundred_thousand_scenarios_are_planned() {
    let (_folder, file) = written(&grid(2500, 10_000));
    let started = Instant::now();
    let output = reorient().arg("sweep").arg(&file).arg("--dry-run").output().unwrap();
    println!("planned and listed in {:.2} s", started.elapsed().as_secs_f64());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert_eq!(text.lines().count(), 100_002);
    assert!(
        text.ends_with("100001 scenarios: 100000 to run, 0 stored, 1 the same as others; reads of data: 2, baselines: 2\n"),
        "{}",
        text.lines().last().unwrap()
    );
}

#[test]
fn a_dry_run_says_what_and_why() {
    let text = "[overrides.again]\ncap = \"1/20\"\n[grid]\ncap = [0.03, 0.1]\nrisk = [\"156\", \"CHN\"]\n[[exclude]]\ncap = 0.1\nrisk = \
                \"156\"\n[[exclude]]\ncap = 0.7\n";
    let (folder, file) = written(text);
    let out = folder.path().join("out");
    let dry = || {
        let output = reorient().arg("sweep").arg(&file).args(["--dry-run", "--out"]).arg(&out).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (before, said) = dry();
    assert!(!out.exists(), "a dry run writes nothing");
    assert!(said.contains("night.toml:9: this exclusion leaves nothing out"), "{said}");
    assert!(before.contains("run     base"), "{before}");
    assert!(before.contains("same    again  (asks what scenario 1 asks)"), "{before}");
    assert!(before.contains("same    cap=0.03 risk=CHN"), "{before}");
    assert!(before.contains("excluded by") && before.contains(":6: 1 combination\n"), "{before}");
    assert!(before.contains("5 scenarios: 3 to run, 0 stored, 2 the same as others"), "{before}");
    complete(&file, &out, &[]);
    assert!(dry().0.contains("5 scenarios: 0 to run, 3 stored, 2 the same as others"));
    let rows = parquet(&out.join("scenarios.parquet"));
    let same_as: Vec<&str> = rows.iter().map(|row| row["same_as"].as_str()).collect();
    assert_eq!(same_as, ["", "1", "", "3", ""]);
}

#[test]
fn faults_are_found_before_the_night_and_named_by_line_and_key() {
    let refused = |text: &str, words: &[&str]| {
        let (_folder, file) = written(text);
        let output = reorient().arg("sweep").arg(&file).arg("--dry-run").output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{text}: {said}");
        assert!(words.iter().all(|word| said.contains(word)), "{text}: {said}");
    };
    refused("[grid]\ncaps = [0.1]", &["night.toml:2", "did you mean `cap`"]);
    refused("[grid]\ncap = [0.1,\n 7]", &["night.toml:3", "`cap = 7`"]);
    refused("[grid]\ncap = 0.1", &["night.toml:2", "an axis has a list"]);
    refused("[base]\nrisk = \"156\"\n[grid]\nbloc = [\"EU27\",\n\"CHN\"]", &["country 156 is both", "bloc=CHN"]);
    refused("[grid]\nrisk = [\"ATL\"]", &["night.toml:2", "scenario `risk=ATL`", "no such country"]);
    refused("[grid]\nyear = [2023, 1066]", &["night.toml:2", "1066"]);
    refused("[grid]\nyear = [2019]", &["night.toml:2", "year 2019 is not in the trade data"]);
    refused("[overrides.a]\ncap = 0.1\n[grid]\noverride = [\"a\"]\ncap = [0.2]", &["night.toml:2", "is an axis of the grid too"]);
    refused("[grid]\noverride = [\"b\"]", &["night.toml:2", "no [overrides.b]"]);
    refused("[overrides.base]\ncap = 0.1", &["night.toml:1", "nothing overrides"]);
    refused("[[exclude]]\ncap = 0.1", &["night.toml:1", "no grid"]);
    refused("table = \"no.csv\"", &["night.toml:1", "cannot be read"]);
    refused("grids = 1", &["night.toml:1", "did you mean `grid`"]);
    refused(
        "[grid]\ncap = [0.1, \"1/10\"]\nyear = \"all\"\n[overrides.\"cap=0.1 year=2023\"]\nfloor = \"free\"",
        &["two scenarios"],
    );
    let table = |csv: &str, words: &[&str]| {
        let (folder, file) = written("table = \"more.csv\"");
        fs::write(folder.path().join("more.csv"), csv).unwrap();
        let output = reorient().arg("sweep").arg(&file).arg("--dry-run").output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{csv}: {said}");
        assert!(words.iter().all(|word| said.contains(word)), "{csv}: {said}");
    };
    table("name,caps\na,0.1", &["more.csv:1", "did you mean `cap`"]);
    table("name,cap\na,0.1\nb,9", &["more.csv:3", "`cap = 9`"]);
    table("name,risk\na,156\nb,ATL", &["more.csv:3", "scenario `b`", "no such country"]);
    table("name,cap\na,0.1\na,0.2", &["more.csv:3", "two scenarios"]);
}

#[test]
fn overrides_rows_and_axes_are_what_they_say() {
    let text = "title = \"all kinds\"\ntable = \"more.csv\"\n[base]\ncap = 0.02\n[overrides.free]\nfloor = \"free\"\n[grid]\noverride = \
                [\"base\", \"free\"]\nyear = \"all\"\ncap = [0.03]\n";
    let (folder, file) = written(text);
    fs::write(folder.path().join("more.csv"), "name,cap,weights\nheavy,,\"CHN=2,USA=3\"\n,0.07,\n").unwrap();
    let out = folder.path().join("out");
    let output = reorient().arg("sweep").arg(&file).arg("--out").arg(&out).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let view = String::from_utf8(output.stdout).unwrap();
    assert!(view.starts_with("Sweep all kinds · BACI HS92 2023") && view.contains("6 scenarios: 6 answered"), "{view}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.lines().last().unwrap().contains("sweep `all kinds` is complete"), "{said}");
    let csv = fs::read_to_string(out.join("scenarios.csv")).unwrap();
    let rows = columns(&csv, &["scenario", "name", "cap", "floor", "weights", "year"]);
    let rows: Vec<String> = rows.iter().map(|row| row.join("|")).collect();
    assert_eq!(
        rows,
        [
            "1|base|0.02|additive||2023",
            "2|free|0.02|free||2023",
            "3|base year=2023 cap=0.03|0.03|additive||2023",
            "4|free year=2023 cap=0.03|0.03|free||2023",
            "5|heavy|0.02|additive|156=2,842=3|2023",
            "6|line 3|0.07|additive||2023",
        ]
    );
    let (code, said) = finish({
        let mut other = command(&file, &out, &["--log-format", "json"]);
        other.arg("-v");
        other
    });
    assert_eq!(code, Some(2), "-q and -v exclude each other: {said}");
    let output = reorient().arg("sweep").arg(&file).args(["--log-format", "json", "--json", "--out"]).arg(&out).output().unwrap();
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((object["counts"]["scenarios"].as_u64(), object["work"]["stored"].as_u64()), (Some(6), Some(6)));
    for line in String::from_utf8(output.stderr).unwrap().lines() {
        let entry: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(entry["fields"]["message"].is_string(), "{line}");
    }
}

#[test]
fn two_nights_are_compared_by_what_they_ask() {
    let folder = tempfile::tempdir().unwrap();
    // Another release of the data: China sells twice as much of one product.
    let mut rows = trade::rows();
    for row in rows.iter_mut().filter(|row| row.exporter == 156 && row.product == "280530") {
        row.value = format!("{:.3}", row.value.parse::<f64>().unwrap() * 2.0);
    }
    let revised = folder.path().join("BACI_HS92_Y2023_V202501.csv");
    fs::write(&revised, trade::plain(&rows)).unwrap();
    let last = folder.path().join("last.toml");
    fs::write(
        &last,
        "[base]\nlist = \"all\"\n[overrides.gone]\nfloor = \"free\"\n[grid]\ncap = [0.01, 0.05]\nrisk = [\"CHN\", \"RUS\"]\n",
    )
    .unwrap();
    let tonight = folder.path().join("tonight.toml");
    fs::write(
        &tonight,
        "[base]\nlist = \"all\"\n[overrides.new]\nfloor = \"symmetric\"\n[grid]\nrisk = [156, \"RUS\"]\ncap = [0.05, 0.01]\n",
    )
    .unwrap();
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    complete(&last, &one, &[]);
    let mut sweep = reorient();
    sweep.arg("sweep").arg(&tonight).arg(&revised).arg("--out").arg(&two).arg("--diff").arg(&one);
    let output = sweep.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let view = String::from_utf8(output.stdout).unwrap();
    assert!(view.contains("Against BACI HS92 2023") && view.contains("1 new, 1 vanished"), "{view}");
    let diff = fs::read_to_string(two.join("diff.csv")).unwrap();
    let rows = columns(&diff, &["rank", "change", "name", "change_points", "risk_after_pct_before", "risk_after_pct_now"]);
    let changed: Vec<f64> =
        rows.iter().filter(|row| row[1] == "changed").map(|row| row[3].parse::<f64>().unwrap().abs()).collect();
    assert!(!changed.is_empty() && changed.windows(2).all(|pair| pair[0] >= pair[1]), "{changed:?}");
    for row in rows.iter().filter(|row| row[1] == "changed") {
        let (before, now): (f64, f64) = (row[4].parse().unwrap(), row[5].parse().unwrap());
        assert!((now - before - row[3].parse::<f64>().unwrap()).abs() < 2e-6, "{row:?}");
    }
    let of = |kind: &str| rows.iter().filter(|row| row[1] == kind).map(|row| row[2].clone()).collect::<Vec<_>>();
    assert_eq!((of("new"), of("vanished")), (vec!["new".to_owned()], vec!["gone".to_owned()]));
    // A night against itself.
    let output = reorient().args(["sweep", "merge", "--json"]).arg(&one).arg("--diff").arg(&one).output().unwrap();
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((object["diff"]["same"].as_u64(), object["diff"]["rows"].as_array().unwrap().len()), (Some(6), 0));
    let verified = |arguments: &[&Path]| {
        let output = reorient().args(["verify", "-q"]).arg(&two).args(arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(verified(&[Path::new("--diff"), &one]), (Some(0), String::new()));
    // Without the other sweep, all else is compared.
    let (code, said) = verified(&[]);
    assert_eq!(code, Some(0), "{said}");
    let manifest = fs::read_to_string(two.join("manifest.json")).unwrap();
    fs::write(two.join("manifest.json"), manifest.replacen("\"title\": \"", "\"title\": \"x", 1)).unwrap();
    let (code, said) = verified(&[]);
    assert!(code == Some(65) && said.contains("`seal`"), "{said}");
}

#[test]
fn other_folders_are_left_alone() {
    let (_folder, file) = written("[grid]\ncap = [0.1]\n");
    let out = tempfile::tempdir().unwrap();
    fs::write(out.path().join("thesis.tex"), "x").unwrap();
    let (code, said) = finish(command(&file, out.path(), &[]));
    assert_eq!(code, Some(74), "{said}");
    assert_eq!(dataset(out.path()).len(), 1, "nothing was written");
    assert!(!out.path().join("store").exists());
    // A run does not take the place of a sweep.
    let night = tempfile::tempdir().unwrap();
    complete(&file, night.path(), &[]);
    assert_eq!(reorient().args(["run", "-q", "--out"]).arg(night.path()).output().unwrap().status.code(), Some(74));
    assert_eq!(reorient().args(["sweep", "merge"]).arg(out.path()).output().unwrap().status.code(), Some(66));
}

#[test]
fn the_schema_knows_what_a_sweep_file_may_hold() {
    let schema = reorient().args(["schema", "sweep"]).output().unwrap().stdout;
    let schema: serde_json::Value = serde_json::from_slice(&schema).unwrap();
    let known = &schema["properties"];
    for name in ["title", "base", "overrides", "grid", "exclude", "table"] {
        assert!(known[name].is_object(), "{name}");
    }
    for key in reorient_engine::KEYS {
        let place = match key.name.split_once('.') {
            Some((table, name)) => &known["grid"]["properties"][table]["properties"][name],
            None => &known["grid"]["properties"][key.name],
        };
        assert!(place.is_object(), "{}", key.name);
    }
    let plain = reorient().arg("schema").output().unwrap().stdout;
    assert_eq!(plain, reorient().args(["schema", "scenario"]).output().unwrap().stdout);
}

/// The folder of examples.
fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/examples")
}

#[cfg(unix)]
#[test]
fn examples_run_as_far_as_they_can_here() {
    let folder = tempfile::tempdir().unwrap();
    let binary = Path::new(env!("CARGO_BIN_EXE_reorient")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    let sweep = examples().join("night.toml");
    // What systemd and cron start: two nights, the second compared with the first.
    for night in ["2026-01-01", "2026-01-02"] {
        let mut run = Command::new("sh");
        run.arg(examples().join("night.sh")).arg(&sweep).arg("").arg(folder.path().join("nights"));
        let output = run.env("PATH", &path).env("NIGHT", night).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let nights = folder.path().join("nights");
    assert!(nights.join("2026-01-01/summary.csv").exists() && !nights.join("2026-01-01/diff.csv").exists());
    assert!(nights.join("2026-01-02/diff.csv").exists());
    // The Slurm array: four tasks, then the job that depends on them.
    let array = folder.path().join("array");
    for task in ["0", "1", "2", "3"] {
        let mut run = Command::new("bash");
        run.arg(examples().join("slurm_array.sh")).arg(&sweep).arg("").arg(&array).env("PATH", &path);
        run.envs([("SLURM_ARRAY_TASK_ID", task), ("SLURM_ARRAY_TASK_COUNT", "4"), ("SLURM_ARRAY_TASK_MIN", "0")]);
        let output = run.env("SLURM_CPUS_PER_TASK", "2").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let mut merge = Command::new("bash");
    merge.arg(examples().join("slurm_merge.sh")).arg(&array).env("PATH", &path);
    assert!(merge.output().unwrap().status.success());
    assert_eq!(
        fs::read(array.join("figures.parquet")).unwrap(),
        fs::read(nights.join("2026-01-01/figures.parquet")).unwrap(),
        "an array gives what a night gives"
    );
    // The line of the crontab has five fields and the command of the script.
    let crontab = fs::read_to_string(examples().join("crontab")).unwrap();
    let line = crontab.lines().find(|line| !line.starts_with('#') && !line.contains('=') && !line.is_empty()).unwrap();
    let fields: Vec<&str> = line.split_whitespace().collect();
    assert!(fields[..5].iter().all(|field| field.chars().all(|letter| "0123456789*,-/".contains(letter))), "{line}");
    assert!(line.contains("night.sh"), "{line}");
    // The units, where systemd can judge them; the program they name is not installed here.
    let units = folder.path().join("units");
    fs::create_dir(&units).unwrap();
    for unit in ["reorient-sweep.service", "reorient-sweep.timer"] {
        let text = fs::read_to_string(examples().join(unit)).unwrap().replace("/opt/reorient/night.sh", "/bin/true");
        fs::write(units.join(unit), text).unwrap();
    }
    match Command::new("systemd-analyze")
        .arg("verify")
        .arg("--man=no")
        .args([units.join("reorient-sweep.service"), units.join("reorient-sweep.timer")])
        .output()
    {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            let ours: Vec<&str> = said.lines().filter(|line| line.contains("reorient-sweep")).collect();
            assert!(ours.is_empty(), "{said}");
        }
        Err(_) => println!("skipped: no systemd-analyze"),
    }
}
