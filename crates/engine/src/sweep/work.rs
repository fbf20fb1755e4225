//! The work of a night: what is not stored yet, batch by batch, on all cores, and into the store before it can be lost.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rayon::prelude::*;
use reorient_data::{DataError, TradeSource};

use super::archive::Archive;
use super::error::SweepError;
use super::key::Key;
use super::lock::Shard;
use super::plan::SweepPlan;
use super::record::{SweepOutcome, SweepRecord};
use super::segment::{Packed, pack};
use crate::pipeline::Bench;
use crate::prepare::{Prepared, Session};
use crate::scenario::{Scenario, ScenarioError};
use crate::{EngineError, EngineErrorKind};

/// How a sweep is worked.
pub struct SweepWork<'a> {
    /// Which part of the plan [`sweep`] answers.
    pub shard: Shard,
    /// Scenarios per segment; without, segments follow the clock.
    pub per_segment: Option<usize>,
    /// When it becomes true, scenarios that have begun are finished and stored, and no other begins.
    pub stop: &'a AtomicBool,
    /// Told after each scenario, from any thread.
    pub progress: &'a (dyn Fn() + Sync),
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SweepDone {
    /// Scenarios of this part, those that ask the same once.
    pub scenarios: usize,
    /// Of them, those that were stored before.
    pub stored: usize,
    /// Those that were answered and stored now.
    pub answered: usize,
    /// Whether it ended early because it was asked to.
    pub stopped: bool,
    /// Time spent on writing segments.
    pub writing: Duration,
}

/// A first segment soon, later ones seldom: a file per ten seconds is little, and ten seconds of work are soon done again.
const FIRST_SEGMENT: Duration = Duration::from_millis(250);
const LAST_SEGMENT: Duration = Duration::from_secs(10);
/// Most results of one segment, which bounds the memory.
const MOST_PER_SEGMENT: usize = 512;
/// Most scenarios that are prepared at once.
const MOST_PER_BATCH: usize = 256;
/// How long a batch shall take, so that the clock and the wish to stop are looked at.
const BATCH: Duration = Duration::from_millis(250);

/// Numbers of the scenarios of a shard that are not stored, each question once.
pub fn pending(plan: &SweepPlan, archive: &Archive, shard: Shard) -> Vec<usize> {
    shard.range(plan.len()).filter(|at| plan.same_as(*at).is_none() && !archive.holds(&plan.key(*at))).collect()
}

/// Answers and stores whatever of the shard is not stored yet.
///
/// # Errors
/// [`SweepError`] when data cannot be read or results cannot be written; what was stored before stays.
pub fn sweep(
    plan: &SweepPlan,
    source: &TradeSource,
    archive: &mut Archive,
    work: &SweepWork<'_>,
) -> Result<SweepDone, SweepError> {
    let positions: Vec<usize> = work.shard.range(plan.len()).collect();
    answer_positions(plan, source, archive, &positions, work)
}

/// Answers and stores whatever of the scenarios at these positions of the plan is not stored yet; neighbours share most. Of
/// scenarios that ask the same, the first one is answered, where it is among them.
///
/// # Errors
/// [`SweepError`] when there is no such position, data cannot be read or results cannot be written; what was stored before stays.
pub fn answer_positions(
    plan: &SweepPlan,
    source: &TradeSource,
    archive: &mut Archive,
    positions: &[usize],
    work: &SweepWork<'_>,
) -> Result<SweepDone, SweepError> {
    if let Some(at) = positions.iter().find(|at| **at >= plan.len()) {
        let problem = format!("there is no scenario {}; the plan has {}", at.saturating_add(1), plan.len());
        return Err(EngineError::from(ScenarioError::Sweep(problem)).into());
    }
    let questions: Vec<usize> = positions.iter().copied().filter(|at| plan.same_as(*at).is_none()).collect();
    let pending: Vec<usize> = questions.iter().copied().filter(|at| !archive.holds(&plan.key(*at))).collect();
    let scenarios = questions.len();
    let mut done = SweepDone { scenarios, stored: scenarios - pending.len(), ..SweepDone::default() };
    let mut session = Session::with_lists(source, plan.lists());
    let benches = Mutex::new(Vec::new());
    let mut segment = Segment::new(work.per_segment);
    let mut size = 4 * rayon::current_num_threads();
    let mut rest = pending.as_slice();
    while let Some(first) = rest.first().filter(|_| !work.stop.load(Ordering::Relaxed)) {
        // A batch stays within the rows that one read gives.
        let most = rest.len().min(size).min(segment.room());
        let n_batch = rest[..most].iter().take_while(|at| plan.dataset(**at) == plan.dataset(*first)).count();
        let (batch, after) = rest.split_at(n_batch);
        rest = after;
        let started = Instant::now();
        let prepare = |at: &usize| -> Result<(usize, Scenario, Prepared), EngineError> {
            let scenario = plan.scenario(*at)?;
            let prepared = session.prepare(&scenario)?;
            // A result is filed under what its rows were read with, and that is what was planned.
            if plan.question(*at).with_inputs(&prepared.dataset.inputs_key) != plan.key(*at) {
                return Err(DataError::Changed { file: prepared.dataset.read_with.name.clone() }.into());
            }
            // Plans go from bloc to bloc.
            session.keep_baseline_of(&prepared);
            Ok((*at, scenario, prepared))
        };
        let prepared = batch.iter().map(prepare).collect::<Result<Vec<_>, _>>();
        let prepared = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                // What is finished is not lost to what cannot be read.
                segment.store(archive, &mut done)?;
                return Err(error.into());
            }
        };
        let answer = |(at, scenario, prepared): &(usize, Scenario, Prepared)| -> Result<Option<Packed>, EngineError> {
            if work.stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let record = answer(plan.question(*at), scenario, prepared, source, &benches)?;
            (work.progress)();
            Ok(Some(pack(plan.key(*at), &record.to_document(source.countries()))))
        };
        let answered: Vec<Result<Option<Packed>, EngineError>> = prepared.par_iter().with_max_len(1).map(answer).collect();
        let mut failed = None;
        for answer in answered {
            match answer {
                Ok(packed) => segment.documents.extend(packed),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        if let Some(error) = failed {
            segment.store(archive, &mut done)?;
            return Err(error.into());
        }
        if segment.is_due() {
            segment.store(archive, &mut done)?;
        }
        size = next_size(size, n_batch, started.elapsed());
    }
    segment.store(archive, &mut done)?;
    done.stopped = done.stored + done.answered < done.scenarios;
    Ok(done)
}

/// One scenario on this thread.
pub(super) fn answer(
    question: Key,
    scenario: &Scenario,
    prepared: &Prepared,
    source: &TradeSource,
    benches: &Mutex<Vec<Bench>>,
) -> Result<SweepRecord, EngineError> {
    let mut benches_now = benches.lock().unwrap_or_else(PoisonError::into_inner);
    let mut bench = benches_now.pop().unwrap_or_default();
    drop(benches_now);
    let outcome = match prepared.summarise(scenario, &mut bench) {
        Ok(collection) => SweepOutcome::Answered(Box::new(collection)),
        Err(error) => match error.kind() {
            EngineErrorKind::Scenario => SweepOutcome::Refused(error.to_string()),
            EngineErrorKind::NotCertified => SweepOutcome::NotCertified(error.to_string()),
            EngineErrorKind::Data(_) => return Err(error),
        },
    };
    benches.lock().unwrap_or_else(PoisonError::into_inner).push(bench);
    let resolved = scenario.resolved_in_codes(source.countries(), prepared.year, &prepared.bloc)?;
    Ok(SweepRecord { question, resolved, outcome })
}

/// Results that wait for the disk.
struct Segment {
    documents: Vec<Packed>,
    per_segment: Option<usize>,
    interval: Duration,
    since: Instant,
}

impl Segment {
    fn new(per_segment: Option<usize>) -> Self {
        Self { documents: Vec::new(), per_segment, interval: FIRST_SEGMENT, since: Instant::now() }
    }

    fn most(&self) -> usize {
        self.per_segment.unwrap_or(MOST_PER_SEGMENT)
    }

    fn room(&self) -> usize {
        self.most().saturating_sub(self.documents.len()).max(1)
    }

    fn is_due(&self) -> bool {
        let by_clock = self.per_segment.is_none() && self.since.elapsed() >= self.interval;
        self.documents.len() >= self.most() || by_clock
    }

    fn store(&mut self, archive: &mut Archive, done: &mut SweepDone) -> Result<(), SweepError> {
        let started = Instant::now();
        archive.put(&self.documents)?;
        done.answered += self.documents.len();
        done.writing += started.elapsed();
        self.documents.clear();
        self.interval = (self.interval * 2).min(LAST_SEGMENT);
        self.since = Instant::now();
        Ok(())
    }
}

/// Batches grow or shrink towards their time, at most fourfold at once.
fn next_size(size: usize, n_batch: usize, took: Duration) -> usize {
    let per_scenario = took / u32::try_from(n_batch.max(1)).unwrap_or(u32::MAX);
    let fitting = BATCH.as_nanos() / per_scenario.as_nanos().max(1);
    let fitting = usize::try_from(fitting).unwrap_or(usize::MAX);
    fitting.clamp(size / 4, size * 4).clamp(rayon::current_num_threads().min(MOST_PER_BATCH), MOST_PER_BATCH)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::sweep::archive::StoredPlan;
    use crate::sweep::file::SweepFile;

    #[test]
    fn blocks_that_workers_answer_are_together_the_sweep() {
        let source = TradeSource::embedded().unwrap();
        let text = "[base]\nlist = \"all\"\n[grid]\ncap = [0.01, 0.02, 0.03, 0.04]\n";
        let file = SweepFile::parse(text, std::path::Path::new("x.toml"), &|_| Ok(String::new())).unwrap();
        let plan = SweepPlan::new(file, &source).unwrap();
        let stop = AtomicBool::new(false);
        let work = SweepWork { shard: Shard::WHOLE, per_segment: Some(2), stop: &stop, progress: &|| {} };
        let archive = || Archive::in_memory(StoredPlan::new(&plan, &source)).unwrap();
        let mut whole = archive();
        sweep(&plan, &source, &mut whole, &work).unwrap();
        assert_eq!(whole.n_missing(), 0);

        let mut together = archive();
        let mut worker = archive();
        for block in [vec![0, 3], vec![4, 1, 2]] {
            let done = answer_positions(&plan, &source, &mut worker, &block, &work).unwrap();
            assert_eq!((done.answered, done.stopped), (block.len(), false));
            for (name, bytes) in worker.hand_over().unwrap() {
                assert!(together.adopt(&name, &bytes).unwrap());
            }
        }
        for at in 0..plan.len() {
            let key = plan.key(at);
            assert_eq!(together.get(&key).unwrap().unwrap().outcome, whole.get(&key).unwrap().unwrap().outcome);
        }
        assert!(answer_positions(&plan, &source, &mut worker, &[plan.len()], &work).is_err());
    }

    /// World trade in two products, of which importers buy `value` thousand dollars and more.
    fn rows(value: usize) -> String {
        let codes = [4, 8, 12, 24, 32, 36, 40, 56, 76, 100, 124, 152, 156, 170, 191, 196, 203, 208, 233, 246, 251, 276, 643, 842];
        let mut text = "t,i,j,k,v,q\n".to_owned();
        for (at, exporter) in codes.iter().enumerate() {
            for (to, importer) in codes.iter().enumerate().filter(|(to, _)| *to != at) {
                for product in ["250310", "270900"] {
                    text += &format!("2023,{exporter},{importer},{product},{}.5,1\n", value + (at * 31 + to * 7) % 90);
                }
            }
        }
        text
    }

    #[test]
    fn nothing_is_filed_under_the_hash_of_other_rows() {
        let folder = tempfile::tempdir().unwrap();
        let csv = folder.path().join("BACI_HS92_Y2023_V202401b.csv");
        let list = folder.path().join("own.csv");
        let listed = |code: &str| format!("hs_revision,hs6,sector,subsector,stage,source\nHS92,{code},all,x,all,s\n");
        std::fs::write(&csv, rows(100)).unwrap();
        std::fs::write(&list, listed("270900")).unwrap();
        let text = format!("[base]\nlist = {:?}\n[grid]\ncap = [0.01, 0.02]\n", list.display().to_string());
        let plan_of = |source: &TradeSource| {
            let file = SweepFile::parse(&text, std::path::Path::new("x.toml"), &|_| Ok(String::new())).unwrap();
            SweepPlan::new(file, source).unwrap()
        };
        let stop = AtomicBool::new(false);
        let work = SweepWork { shard: Shard::WHOLE, per_segment: None, stop: &stop, progress: &|| {} };
        let source = TradeSource::open(&csv).unwrap();
        let plan = plan_of(&source);
        let roles: Vec<&str> = plan.inputs().iter().map(|input| input.role.as_str()).collect();
        assert_eq!(roles, ["trade", "countries", "products", "list"]);
        // Other rows take their place before they are read: nothing is answered.
        std::fs::write(&csv, rows(200)).unwrap();
        let mut archive = Archive::in_memory(StoredPlan::new(&plan, &source)).unwrap();
        let error = sweep(&plan, &source, &mut archive, &work).unwrap_err();
        assert!(error.to_string().contains("changed while it was in use"), "{error}");
        assert_eq!(archive.n_missing(), 3);
        // Another source of other rows under the same plan neither.
        let other = TradeSource::open(&csv).unwrap();
        assert!(sweep(&plan, &other, &mut archive, &work).unwrap_err().to_string().contains("changed while it was in use"));
        assert_eq!(archive.n_missing(), 3);
        // A list is read once, for the plan.
        std::fs::write(&csv, rows(100)).unwrap();
        let (before, source) = (plan, TradeSource::open(&csv).unwrap());
        let plan = plan_of(&source);
        assert!((0..3).all(|at| plan.key(at) == before.key(at)));
        std::fs::write(&list, listed("250310")).unwrap();
        sweep(&plan, &source, &mut archive, &work).unwrap();
        let other = plan_of(&source);
        assert!((0..3).all(|at| plan.key(at) != other.key(at) && plan.question(at) == other.question(at)));
        std::fs::write(&list, listed("270900")).unwrap();
        let again = plan_of(&source);
        let mut fresh = Archive::in_memory(StoredPlan::new(&again, &source)).unwrap();
        sweep(&again, &source, &mut fresh, &work).unwrap();
        for at in 0..3 {
            assert_eq!(plan.key(at), again.key(at));
            assert_eq!(archive.get(&plan.key(at)).unwrap(), fresh.get(&plan.key(at)).unwrap());
        }
    }
}
