//! The dataset of a sweep, from its store alone.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::anyhow;
use reorient_engine::sweep::{
    Archive, Blobs, Moment, Replace, ResultKey, Shard, StoreError, StoredPlan, WriteLock, diff, lock_folder,
};
use reorient_folder::{FolderError, Target};
use reorient_report::{
    InputFile, ReportError, SweepComparison, SweepDifference, SweepEntry, SweepManifest, SweepSummary, SweepWriter, claim_sweep,
    start_sweep,
};

use crate::Failure;

/// The folder and its store, locked for this shard, with the plan in it. Another plan that is there gives way only for a whole
/// sweep. `watch` is told the moments of each write.
///
/// # Errors
/// [`Failure`] when the folder is another's, somebody else writes there, or it cannot be read or written.
pub fn open_sweep(
    target: &Target,
    plan: StoredPlan,
    shard: Shard,
    watch: Box<dyn Fn(Moment) + Send + Sync>,
) -> Result<(Archive, WriteLock), Failure> {
    open(target, plan, shard, |plan, lock, force| {
        let replace = match (shard, lock.is_alone()) {
            (Shard::WHOLE, _) => replace(force),
            (_, true) => Replace::Damaged,
            (_, false) => Replace::Nothing,
        };
        Archive::create(target.path(), plan, &shard.writer(), &|writer| lock.is_alive(writer), replace, watch)
    })
}

/// As [`open_sweep`], with the store elsewhere: others may work on it who do not see the locks of this folder. The plan that is
/// there gives way to another one only for a whole sweep.
///
/// # Errors
/// As [`open_sweep`].
pub fn open_sweep_in(
    target: &Target,
    blobs: Box<dyn Blobs>,
    plan: StoredPlan,
    shard: Shard,
) -> Result<(Archive, WriteLock), Failure> {
    open(target, plan, shard, |plan, _, force| {
        Archive::create_in(blobs, plan, if shard == Shard::WHOLE { replace(force) } else { Replace::Nothing })
    })
}

const fn replace(force: bool) -> Replace {
    if force { Replace::Anything } else { Replace::SameQuestion }
}

/// Locks the folder, and makes the archive in it or elsewhere.
fn open(
    target: &Target,
    plan: StoredPlan,
    shard: Shard,
    create: impl FnOnce(StoredPlan, &WriteLock, bool) -> Result<Archive, StoreError>,
) -> Result<(Archive, WriteLock), Failure> {
    let (out, manifest) = (target.path(), sweep_manifest(&plan));
    // Until the folder can be seen to be a sweep's.
    let beginning = target.lock()?;
    match claim_sweep(target, &manifest) {
        // Asked to take the place of another sweep, and killed before its dataset could: this plan is stored already.
        Err(ReportError::Folder(FolderError::OtherQuestion { .. })) if is_stored(out, &plan) => {
            claim_sweep(&target.clone().force(true), &manifest)?;
        }
        claimed => claimed?,
    }
    let mut lock = WriteLock::take(&lock_folder(out), shard)?;
    start_sweep(out, &manifest, lock.is_alone())?;
    drop(beginning);
    let archive = create(plan, &lock, target.is_forced())?;
    for damaged in archive.damaged() {
        tracing::warn!("{damaged}; its scenarios are answered again");
    }
    lock.share()?;
    Ok((archive, lock))
}

fn is_stored(out: &Path, plan: &StoredPlan) -> bool {
    Archive::open(out).is_ok_and(|archive| archive.plan() == plan)
}

/// Writes the result files, in one pass over the store.
///
/// # Errors
/// [`Failure`] when a result is missing or damaged, a file cannot be written, or `stop` has become true.
pub fn write_dataset(
    out: &Path,
    archive: &Archive,
    comparison: Option<&SweepComparison>,
    stop: &AtomicBool,
) -> Result<SweepSummary, Failure> {
    let plan = archive.plan();
    let mut writer = SweepWriter::create(out, &plan.countries, &columns())?;
    let mut first: HashMap<ResultKey, usize> = HashMap::with_capacity(plan.scenarios.len());
    for (number, (name, key)) in (1..).zip(&plan.scenarios) {
        if stop.load(Ordering::Relaxed) {
            let problem = "interrupted while the dataset was written; all results are stored, the same command writes it";
            return Err(Failure::interrupted(anyhow!("{problem}")));
        }
        let record = archive.get(key)?;
        let record = record.ok_or_else(|| Failure::internal(anyhow!("the result of scenario {number} is not in the store")))?;
        let of_key = *first.entry(*key).or_insert(number);
        writer.add(&SweepEntry {
            scenario: number,
            name,
            status: record.outcome.status(),
            reason: record.outcome.reason(),
            same_as: (of_key != number).then_some(of_key),
            question: &record.question.to_string(),
            key: &key.to_string(),
            resolved: &record.resolved,
            collection: record.outcome.collection(),
        })?;
    }
    Ok(writer.finish(&sweep_manifest(plan), comparison)?)
}

/// Keys of a scenario with a column of their own.
fn columns() -> Vec<&'static str> {
    let mut columns = Vec::new();
    for key in reorient_engine::KEYS.iter().filter(|key| key.name != "links") {
        columns.push(key.name);
        if key.name == "bloc" {
            columns.push("bloc-members");
        }
    }
    columns
}

/// Row by row against another sweep.
///
/// # Errors
/// [`Failure`] when either cannot be read, or the other has a damaged segment.
pub fn compare_archives(archive: &Archive, other: &Archive) -> Result<SweepComparison, Failure> {
    if let Some(damaged) = other.damaged().first() {
        return Err(Failure::bad_data(anyhow!("the other sweep: {damaged}; its own command answers the scenarios again")));
    }
    if other.n_missing() > 0 {
        tracing::warn!("the other sweep is not complete: {} of its scenarios have no result", other.n_missing());
    }
    let diff = diff(archive, other)?;
    let row = |(rank, row): (usize, reorient_engine::sweep::DiffRow)| SweepDifference {
        rank,
        kind: row.kind.name(),
        scenario: row.scenario,
        name: row.name,
        status: row.status,
        headline: row.headline,
        change_points: row.change_points,
        missing_points: row.missing_points,
    };
    Ok(SweepComparison { rows: (1..).zip(diff.rows).map(row).collect(), same: diff.same, other_source: diff.other_source })
}

/// Of a sweep.
pub fn sweep_manifest(plan: &StoredPlan) -> SweepManifest {
    let input = |input: &reorient_engine::sweep::PlanInput| InputFile {
        role: input.role.clone(),
        name: input.name.clone(),
        bytes: input.bytes,
        blake3: input.blake3.clone(),
        footer_blake3: input.footer_blake3.clone(),
        verified: input.verified,
        integrity: input.integrity.clone(),
    };
    SweepManifest {
        version: plan.version.clone(),
        title: plan.title.clone(),
        synthetic: plan.synthetic,
        source: plan.source.clone(),
        question: plan.question.clone(),
        inputs: plan.inputs.iter().map(input).collect(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn both_sides_call_the_hash_of_a_sweep_the_same() {
        assert_eq!(reorient_engine::sweep::ASKS, reorient_folder::ASKS);
    }
}
