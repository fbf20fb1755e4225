//! Damaged stores of a sweep: a result is refused or missing, or it is the one that was stored. `REORIENT_DAMAGE_TRIES` makes more.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use reorient_data::TradeSource;
use reorient_engine::sweep::{
    Archive, Blobs, MemoryBlobs, Replace, Shard, StoredPlan, SweepFile, SweepPlan, SweepRecord, SweepWork, sweep,
};
use reorient_testkit::{Numbers, damaged};

/// Names and bytes of the files of a store: the plan and some segments.
type Files = Vec<(String, Vec<u8>)>;

/// The store of a sweep of some caps.
fn store(caps: &str) -> Files {
    let source = TradeSource::embedded().unwrap();
    let text = format!("[base]\nlist = \"critical\"\n[grid]\ncap = [{caps}]\n");
    let file = SweepFile::parse(&text, Path::new("x.toml"), &|_| Ok(String::new())).unwrap();
    let plan = SweepPlan::new(file, &source).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let stored = StoredPlan::new(&plan, &source);
    let mut archive = Archive::create(folder.path(), stored, "one", &|_| false, Replace::Anything, Box::new(|_| {})).unwrap();
    let stop = AtomicBool::new(false);
    let work = SweepWork { shard: Shard::WHOLE, per_segment: Some(2), stop: &stop, progress: &|| {} };
    sweep(&plan, &source, &mut archive, &work).unwrap();
    let mut files = Files::new();
    for entry in walk(&folder.path().join("store")) {
        files.push((entry.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(entry).unwrap()));
    }
    files
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect();
    files.sort();
    files
}

/// Results by the name of their scenario.
type Results = BTreeMap<String, SweepRecord>;

/// The plan's scenarios and the results that are there; what is damaged is said by the store, or is an error.
fn read(files: &Files) -> Result<(Vec<String>, Results), String> {
    let blobs = MemoryBlobs::default();
    files.iter().for_each(|(name, bytes)| blobs.put(name, bytes).unwrap());
    let archive = Archive::open_in(Box::new(blobs)).map_err(|error| error.to_string())?;
    let scenarios = archive.plan().scenarios.clone();
    let mut results = Results::new();
    for (name, key) in &scenarios {
        if let Some(record) = archive.get(key).map_err(|error| error.to_string())? {
            results.insert(name.clone(), record);
        }
    }
    Ok((scenarios.into_iter().map(|(name, key)| format!("{name} {key}")).collect(), results))
}

#[test]
fn a_damaged_store_gives_no_other_result() {
    let number = |name: &str, default| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let (tries, seed): (u64, u64) = (number("REORIENT_DAMAGE_TRIES", 5_000), number("REORIENT_DAMAGE_SEED", 1));
    let (files, others) = (store("0.01, 0.02, 0.03, 0.04"), store("0.11, 0.12, 0.13, 0.14"));
    let (scenarios, results) = read(&files).unwrap();
    assert_eq!((files.len(), results.len()), (4, 5), "a plan, three segments; the base and four caps");
    let started = Instant::now();
    let (mut refused, mut fewer, mut same) = (0_u64, 0_u64, 0_u64);
    for round in 0..tries {
        let mut random = Numbers((seed ^ round).wrapping_mul(0x5851_f42d_4c95_7f2d));
        let mut copy = files.clone();
        let (at, from) = (random.below(files.len()), random.below(others.len()));
        copy[at].1 = damaged(&files[at].1, &others[from].1, &mut random);
        // A whole plan or segment of another sweep is no damaged one.
        if others.iter().any(|(_, bytes)| *bytes == copy[at].1) {
            continue;
        }
        match catch_unwind(AssertUnwindSafe(|| read(&copy))) {
            Err(_) => panic!("round {round} of seed {seed}: a panic"),
            Ok(Err(_)) => refused += 1,
            Ok(Ok((plan, found))) => {
                assert!(plan == scenarios, "round {round} of seed {seed}: another plan");
                for (name, record) in &found {
                    assert!(results[name] == *record, "round {round} of seed {seed}: another result of {name}");
                }
                if found.len() < results.len() { fewer += 1 } else { same += 1 }
            }
        }
    }
    println!(
        "store of a sweep: {tries} tries in {} s, seed {seed}: {refused} refused, {fewer} with results missing, {same} as written",
        started.elapsed().as_secs()
    );
    assert!((refused + fewer) * 10 > tries * 8);
}
