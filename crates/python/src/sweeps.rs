//! Sweeps: on this machine, or block by block on others.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::anyhow;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use reorient_app::{Failure, compare_archives, open_sweep, open_sweep_in, sweep_manifest, write_dataset};
use reorient_data::TradeSource;
use reorient_engine::ScenarioError;
use reorient_engine::sweep::{Archive, Shard, StoredPlan, SweepFile, SweepPlan, SweepWork, WriteLock, answer_positions, pending};
use reorient_files::Limit;
use reorient_folder::Target;
use reorient_report::sweep_json;

use crate::remote::{Fetched, blobs};
use crate::trade::Trade;
use crate::work::{Ticker, work};

/// Positions of scenarios in a plan, from 0.
type Positions = Vec<usize>;

/// A store that is open for writing, and the right to write.
struct Open {
    out: PathBuf,
    archive: Archive,
    _lock: WriteLock,
}

/// A planned sweep over opened trade data.
#[pyclass(frozen, module = "reorient._core")]
pub(crate) struct Sweep {
    plan: Arc<SweepPlan>,
    source: TradeSource,
    _fetched: Fetched,
    open: Arc<Mutex<Option<Open>>>,
}

#[pymethods]
impl Sweep {
    /// `text` is a sweep file in TOML, `path` its name in messages and what its tables of scenarios are found beside; where
    /// `tables` names files, their texts are taken from there.
    #[new]
    #[pyo3(signature = (text, path, trade, tables=Vec::new()))]
    fn new(py: Python<'_>, text: String, path: PathBuf, trade: &Trade, tables: Vec<(String, String)>) -> PyResult<Self> {
        let (source, fetched) = (trade.source.clone(), trade.fetched.clone());
        work(py, None, None, false, move |_| {
            let read = |path: &Path| {
                let named = path.to_string_lossy();
                if let Some((_, text)) = tables.iter().find(|(name, _)| *name == named) {
                    return Ok(text.clone());
                }
                reorient_files::read_text(path, Limit::SWEEP_TABLE).map_err(|error| ScenarioError::Sweep(error.to_string()))
            };
            let plan = SweepPlan::new(SweepFile::parse(&text, &path, &read)?, &source)?;
            Ok(Self { plan: plan.into(), source, _fetched: fetched, open: Arc::default() })
        })
    }

    /// What the sweep calls itself.
    #[getter]
    fn title(&self) -> &str {
        self.plan.title()
    }

    fn __len__(&self) -> usize {
        self.plan.len()
    }

    /// Names of the scenarios, in the order of the plan.
    fn names(&self) -> Vec<String> {
        (0..self.plan.len()).map(|at| self.plan.name(at)).collect()
    }

    /// Opens the store of a folder, or another one at an address, to write; the lock is held until [`Sweep::close`]. `force`
    /// replaces another sweep.
    #[pyo3(signature = (out, store=None, shard=None, force=false))]
    fn open(&self, py: Python<'_>, out: PathBuf, store: Option<String>, shard: Option<String>, force: bool) -> PyResult<()> {
        let (plan, source, slot) = (self.plan.clone(), self.source.clone(), self.open.clone());
        work(py, None, None, true, move |_| {
            let shard = shard_of(shard.as_deref())?;
            plan.require_rows(&source)?;
            let plan = StoredPlan::new(&plan, &source);
            let target = Target::new(&out).force(force).reading(source.files());
            let (archive, lock) = open_store(&target, store.as_deref(), plan, shard)?;
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(Open { out, archive, _lock: lock });
            Ok(())
        })
    }

    /// Lets others write.
    fn close(&self) {
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Positions of the scenarios without a result, each question once.
    #[pyo3(signature = (shard=None))]
    fn pending(&self, py: Python<'_>, shard: Option<String>) -> PyResult<Positions> {
        let plan = self.plan.clone();
        self.with_open(py, move |open, _| Ok(pending(&plan, &open.archive, shard_of(shard.as_deref())?)), None, None)
    }

    /// Answers and stores what is missing: positions and how many of them were stored before, are answered now.
    #[pyo3(signature = (shard=None, threads=None, progress=None))]
    fn answer(
        &self,
        py: Python<'_>,
        shard: Option<String>,
        threads: Option<usize>,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<(usize, usize, bool)> {
        let (plan, source) = (self.plan.clone(), self.source.clone());
        let job = move |open: &mut Open, ticker: &Ticker| {
            let shard = shard_of(shard.as_deref())?;
            ticker.expect(pending(&plan, &open.archive, shard).len() as u64);
            let work = SweepWork { shard, per_segment: None, stop: ticker.stop(), progress: &|| ticker.count() };
            let done = reorient_engine::sweep::sweep(&plan, &source, &mut open.archive, &work)?;
            Ok((done.stored, done.answered, done.stopped))
        };
        self.with_open(py, job, threads, progress)
    }

    /// Answers the scenarios at some positions without a store: segments, each with its name, for [`Sweep::adopt`] elsewhere.
    #[pyo3(signature = (positions, threads=None))]
    fn block<'py>(
        &self,
        py: Python<'py>,
        positions: Positions,
        threads: Option<usize>,
    ) -> PyResult<Vec<(String, Bound<'py, PyBytes>)>> {
        let (plan, source) = (self.plan.clone(), self.source.clone());
        let segments = work(py, threads, None, false, move |ticker| {
            let mut archive = Archive::in_memory(StoredPlan::new(&plan, &source))?;
            let work = SweepWork {
                shard: Shard::WHOLE,
                per_segment: Some(positions.len().max(1)),
                stop: ticker.stop(),
                progress: &|| {},
            };
            let done = answer_positions(&plan, &source, &mut archive, &positions, &work)?;
            if done.stopped {
                return Err(Failure::interrupted(anyhow!("interrupted")));
            }
            Ok(archive.hand_over()?)
        })?;
        Ok(segments.into_iter().map(|(name, bytes)| (name, PyBytes::new(py, &bytes))).collect())
    }

    /// Stores a segment that [`Sweep::block`] gave elsewhere, if it holds results that are missing; whether it did.
    fn adopt(&self, py: Python<'_>, name: String, bytes: Vec<u8>) -> PyResult<bool> {
        self.with_open(py, move |open, _| Ok(open.archive.adopt(&name, &bytes)?), None, None)
    }

    /// Writes the dataset; the summary as JSON.
    #[pyo3(signature = (diff=None))]
    fn publish(&self, py: Python<'_>, diff: Option<PathBuf>) -> PyResult<String> {
        self.with_open(py, move |open, ticker| publish(open, diff.as_deref(), ticker), None, None)
    }
}

impl Sweep {
    /// Runs a job on the open store.
    fn with_open<T: Send + 'static>(
        &self,
        py: Python<'_>,
        job: impl FnOnce(&mut Open, &Ticker) -> Result<T, Failure> + Send + 'static,
        threads: Option<usize>,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<T> {
        let slot = self.open.clone();
        work(py, threads, progress.as_ref(), true, move |ticker| {
            let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
            let open = slot.as_mut().ok_or_else(|| Failure::usage(anyhow!("open a store first")))?;
            job(open, ticker)
        })
    }
}

/// Writes the dataset of what is stored in a folder, and of shards in others; the summary as JSON.
#[pyfunction]
#[pyo3(signature = (out, from_folders=Vec::new(), store=None, diff=None, force=false))]
pub(crate) fn merge(
    py: Python<'_>,
    out: PathBuf,
    from_folders: Vec<PathBuf>,
    store: Option<String>,
    diff: Option<PathBuf>,
    force: bool,
) -> PyResult<String> {
    work(py, None, None, true, move |ticker| {
        let plan = stored_plan(&out, store.as_deref())?;
        let (archive, lock) = open_store(&Target::new(&out).force(force), store.as_deref(), plan, Shard::WHOLE)?;
        let mut open = Open { out, archive, _lock: lock };
        for other in &from_folders {
            open.archive.take_from(other)?;
        }
        publish(&mut open, diff.as_deref(), ticker)
    })
}

fn publish(open: &mut Open, diff: Option<&Path>, ticker: &Ticker) -> Result<String, Failure> {
    let missing = open.archive.n_missing();
    if missing > 0 {
        return Err(Failure::interrupted(anyhow!(
            "{missing} of {} scenarios have no result",
            open.archive.plan().scenarios.len()
        )));
    }
    let comparison = diff.map(|other| compare_archives(&open.archive, &Archive::open(other)?)).transpose()?;
    let summary = write_dataset(&open.out, &open.archive, comparison.as_ref(), ticker.stop())?;
    let mut object = sweep_json(&summary, comparison.as_ref());
    object["manifest"] = serde_json::to_value(sweep_manifest(open.archive.plan())).map_err(Failure::internal)?;
    Ok(object.to_string())
}

fn shard_of(text: Option<&str>) -> Result<Shard, Failure> {
    text.map_or(Ok(Shard::WHOLE), |text| text.parse().map_err(|error| Failure::usage(anyhow!("shard: {error}"))))
}

fn open_store(target: &Target, store: Option<&str>, plan: StoredPlan, shard: Shard) -> Result<(Archive, WriteLock), Failure> {
    match store {
        None => open_sweep(target, plan, shard, Box::new(|_| {})),
        Some(url) => open_sweep_in(target, blobs(url)?, plan, shard),
    }
}

fn stored_plan(out: &Path, store: Option<&str>) -> Result<StoredPlan, Failure> {
    let archive = match store {
        None => Archive::open(out)?,
        Some(url) => Archive::open_in(blobs(url)?)?,
    };
    Ok(archive.plan().clone())
}
