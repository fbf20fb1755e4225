//! `reorient verify` of a sweep: its store, the dataset that follows from it, and some scenarios answered again.

use std::collections::BTreeMap;

use anyhow::anyhow;
use reorient_data::TradeSource;
use reorient_engine::sweep::{Archive, answer_again};
use reorient_report::{StoredFolder, counted};

use crate::arguments::{Talk, Verify};
use crate::{remote, talk};
use reorient_app::{Failure, check_dataset, compare_archives};

/// Checks a sweep's folder; the counts are those of what was checked.
pub(crate) fn verify(arguments: &Verify, folder: &StoredFolder, talk: &Talk) -> Result<BTreeMap<&'static str, u64>, Failure> {
    folder.check_files()?;
    let archive = remote::open(&arguments.directory, arguments.store.as_deref())?;
    if let Some(damaged) = archive.damaged().first() {
        return Err(Failure::bad_data(anyhow!("{damaged}; the sweep's own command answers its scenarios again")));
    }
    require_complete(&archive, folder)?;
    let plan = archive.plan();
    let mut checks = BTreeMap::from([
        ("1 files with the size and hash of the manifest", folder.files.len() as u64),
        ("2 segments of the store with their hashes", archive.n_segments() as u64),
    ]);
    if plan.is_of_this_version() {
        archive.check_documents()?;
        checks.insert("3 scenarios with a stored result under the key of its question and inputs", plan.scenarios.len() as u64);
        let comparison = arguments.diff.as_deref().map(|other| compare_archives(&archive, &remote::open(other, None)?));
        check_dataset(folder, &archive, comparison.transpose()?.as_ref())?;
        checks.insert("4 files that follow from the store, and the manifest", folder.files.len() as u64);
    } else {
        tracing::warn!(
            "another version of reorient answered this sweep: its files and results were checked by their own hashes, and not \
             whether they follow from each other"
        );
        let read = |(_, key): &_| archive.get(key).map(|record| u64::from(record.is_some()));
        let results: Result<Vec<u64>, _> = plan.scenarios.iter().map(read).collect();
        checks.insert("3 scenarios with a stored result that reads back", results?.iter().sum());
    }
    if let Some(n) = arguments.sample {
        checks.insert("5 scenarios answered again, with the same result to the last byte", again(arguments, &archive, n, talk)?);
    }
    Ok(checks)
}

/// A sweep that is not complete has no dataset to trust, whoever took what is missing.
fn require_complete(archive: &Archive, folder: &StoredFolder) -> Result<(), Failure> {
    let missing = archive.n_missing();
    if missing > 0 {
        let missing = counted(missing, "scenario");
        let problem = format!("the sweep is not complete: {missing} without a result; run its own command again");
        return Err(Failure::bad_data(anyhow!("{problem}")));
    }
    if folder.manifest["complete"] != true {
        let problem =
            "the sweep is not complete: its dataset is not written; run its own command again, or `sweep merge` after shards";
        return Err(Failure::bad_data(anyhow!("{problem}")));
    }
    Ok(())
}

/// Answers some scenarios again.
fn again(arguments: &Verify, archive: &Archive, n: u64, talk: &Talk) -> Result<u64, Failure> {
    if !archive.plan().is_of_this_version() {
        let problem = "--sample: another version of reorient answered this sweep, and only that one answers it again";
        return Err(Failure::bad_data(anyhow!("{problem}")));
    }
    let source = match &arguments.trade {
        Some(path) => remote::trade(path, &arguments.opening.into())?,
        None => TradeSource::embedded()?,
    };
    let n = usize::try_from(n).unwrap_or(usize::MAX).min(archive.plan().scenarios.len());
    let bar = talk::progress(n as u64, "scenarios", talk);
    let done = answer_again(archive, &source, &arguments.list, n, &|| bar.inc(1));
    bar.finish_and_clear();
    Ok(done? as u64)
}
