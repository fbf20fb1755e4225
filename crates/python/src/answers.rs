//! One function for each command, and what it answers.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::anyhow;
use arrow::array::RecordBatch;
use arrow_pyarrow::PyArrowType;
use pyo3::prelude::*;
use reorient_app::{
    Failure, calibration_manifest, coverage_lines, indicator_manifest, read_published, run_manifest, study_manifest,
};
use reorient_core::{GoodsList, HsRevision};
use reorient_data::{IngestOptions, OnDuplicate, Reason, RowPolicy, TradeSource, typed_code};
use reorient_engine::{Calibrator, FrontierResult, IndicatorQuestion, IndicatorResult, RunResult, Scenario, YearChoice};
use reorient_folder::Target;
use reorient_metrics::{Base, Breakdown, Calibration, Choice};
use reorient_report::{
    Amounts, ArrowTable, FolderOptions, IndicatorManifest, Manifest, StudyManifest, calibration_summary_json, calibration_tables,
    frontier_tables, indicator_tables, run_tables, summary_json, write_calibration, write_folder, write_frontier,
    write_indicators,
};
use serde_json::Value;

use crate::question::Question;
use crate::trade::Trade;
use crate::work::work;

/// A scenario file, and pairs of key and value.
type Settings = Vec<(String, String)>;

enum Kind {
    Run(Box<(RunResult, Manifest)>),
    Frontier(Box<(FrontierResult, StudyManifest)>),
    Indicators(Box<(IndicatorResult, IndicatorManifest)>),
    Calibration(Box<(Calibration, Option<GoodsList>, StudyManifest)>),
}

/// What a command found, in the engine's own form; tables are made when they are asked for.
#[pyclass(frozen, module = "reorient._core")]
pub(crate) struct Answer {
    source: TradeSource,
    kind: Kind,
}

#[pymethods]
impl Answer {
    /// Every table by the name of its file: amounts as the nearest doubles, or exact decimals.
    fn tables(&self, py: Python<'_>, exact: bool) -> PyResult<Vec<(&'static str, PyArrowType<RecordBatch>)>> {
        let amounts = if exact { Amounts::Exact } else { Amounts::Nearest };
        let tables = py.detach(|| self.arrow(amounts)).map_err(|failure| crate::errors::raise(py, &failure))?;
        Ok(tables.into_iter().map(|table| (table.name, PyArrowType(table.batch))).collect())
    }

    /// The manifest and, of a run and a calibration, the headline, as JSON.
    fn summary(&self, py: Python<'_>) -> PyResult<String> {
        let made = py.detach(|| self.json());
        made.map(|value| value.to_string()).map_err(|failure| crate::errors::raise(py, &failure))
    }

    /// Writes the folder that the command line writes with `--out`; returns the names of its files. `force` replaces the answer to
    /// another question.
    #[pyo3(signature = (directory, csv=false, force=false))]
    fn write(&self, py: Python<'_>, directory: PathBuf, csv: bool, force: bool) -> PyResult<Vec<String>> {
        let target = Target::new(directory).force(force).reading(self.source.files());
        py.detach(|| self.folder(&target, csv)).map_err(|failure| crate::errors::raise(py, &failure))
    }
}

impl Answer {
    fn arrow(&self, amounts: Amounts) -> Result<Vec<ArrowTable>, Failure> {
        let countries = self.source.countries();
        let tables = match &self.kind {
            Kind::Run(run) => run_tables(&run.0.collection, countries, &coverage_lines(&run.0.coverage), amounts),
            Kind::Frontier(own) => frontier_tables(&own.0.frontier, &own.0.products, countries, amounts),
            Kind::Indicators(own) => indicator_tables(&own.0.rows, &own.0.persistence, countries, amounts),
            Kind::Calibration(own) => calibration_tables(&own.0, own.1.as_ref(), countries, amounts),
        };
        tables.map_err(Failure::internal)
    }

    fn json(&self) -> Result<Value, Failure> {
        match &self.kind {
            Kind::Run(run) => {
                let mut object = summary_json(&run.0.collection, &run.1);
                object["notes"] = run.0.notes.clone().into();
                Ok(object)
            }
            Kind::Frontier(own) => manifest_alone(&own.1),
            Kind::Indicators(own) => manifest_alone(&own.1),
            Kind::Calibration(own) => {
                let mut object = calibration_summary_json(&own.0);
                object["manifest"] = serde_json::to_value(&own.2).map_err(Failure::internal)?;
                Ok(object)
            }
        }
    }

    fn folder(&self, target: &Target, csv: bool) -> Result<Vec<String>, Failure> {
        let countries = self.source.countries();
        let written = match &self.kind {
            Kind::Run(run) => {
                let options = FolderOptions { csv_flows: csv, figures: Vec::new() };
                write_folder(target, &run.0.collection, countries, &run.1, &coverage_lines(&run.0.coverage), &options)
            }
            Kind::Frontier(own) => write_frontier(target, &own.0.frontier, &own.0.products, countries, &own.1),
            Kind::Indicators(own) => write_indicators(target, &own.0.rows, &own.0.persistence, countries, &own.1),
            Kind::Calibration(own) => write_calibration(target, &own.0, own.1.as_ref(), countries, &own.2),
        };
        Ok(written?)
    }
}

fn manifest_alone(manifest: &impl serde::Serialize) -> Result<Value, Failure> {
    Ok(serde_json::json!({ "manifest": serde_json::to_value(manifest).map_err(Failure::internal)? }))
}

/// `reorient run` for one year.
#[pyfunction]
#[pyo3(signature = (trade, file, settings, cross_check=false, threads=None, progress=None))]
pub(crate) fn run(
    py: Python<'_>,
    trade: &Trade,
    file: Option<PathBuf>,
    settings: Settings,
    cross_check: bool,
    threads: Option<usize>,
    progress: Option<Bound<'_, PyAny>>,
) -> PyResult<Answer> {
    let source = trade.source.clone();
    work(py, threads, progress.as_ref(), false, move |ticker| {
        let mut scenario = Question { file, settings }.scenario()?;
        scenario.cross_check = cross_check;
        let result = reorient_engine::run(&source, &scenario, &|total| ticker.expect(total), &|| ticker.tick())?;
        let manifest = run_manifest(&source, &scenario, &result)?;
        Ok(Answer { source, kind: Kind::Run(Box::new((result, manifest))) })
    })
}

/// `reorient frontier`.
#[pyfunction]
#[pyo3(signature = (trade, file, settings, threads=None))]
pub(crate) fn frontier(
    py: Python<'_>,
    trade: &Trade,
    file: Option<PathBuf>,
    settings: Settings,
    threads: Option<usize>,
) -> PyResult<Answer> {
    let source = trade.source.clone();
    work(py, threads, None, false, move |_| {
        let scenario = Question { file, settings }.scenario()?;
        let result = reorient_engine::frontier(&source, &scenario)?;
        let manifest = study_manifest(&source, result.scenario.clone(), result.inputs.clone());
        Ok(Answer { source, kind: Kind::Frontier(Box::new((result, manifest))) })
    })
}

/// `reorient indicators`.
#[pyfunction]
#[pyo3(signature = (trade, importer, by, base, years, products, file, settings, threads=None, progress=None))]
#[allow(clippy::too_many_arguments)] // The options of the command, by name in Python.
pub(crate) fn indicators(
    py: Python<'_>,
    trade: &Trade,
    importer: String,
    by: String,
    base: String,
    years: Option<String>,
    products: Vec<String>,
    file: Option<PathBuf>,
    settings: Settings,
    threads: Option<usize>,
    progress: Option<Bound<'_, PyAny>>,
) -> PyResult<Answer> {
    let source = trade.source.clone();
    work(py, threads, progress.as_ref(), false, move |ticker| {
        let scenario = Question { file, settings }.on_top_of(Scenario { bloc: String::new(), ..Scenario::default() })?;
        let breakdown =
            named("by", &by, [Breakdown::Product, Breakdown::Sector, Breakdown::Subsector, Breakdown::Stage], Breakdown::name)?;
        let products = products.iter().map(|text| typed_code(text)).collect::<Result<BTreeSet<_>, _>>();
        let products = products.map_err(|error| Failure::usage(anyhow!("products: {error}")))?;
        if breakdown != Breakdown::Product && !products.is_empty() {
            let name = breakdown.name();
            return Err(Failure::usage(anyhow!("products names single products, which have no {name}: leave out by='{name}'")));
        }
        let question = IndicatorQuestion {
            importer: importer.trim().to_uppercase(),
            bloc: Some(scenario.bloc.clone()).filter(|bloc| !bloc.trim().is_empty()),
            base: named("base", &base, [Base::All, Base::ExtraBloc], Base::name)?,
            breakdown,
            years: match years {
                Some(text) => text.parse::<YearChoice>().map_err(|error| Failure::usage(anyhow!("year: {error}")))?,
                None => YearChoice::One,
            },
            products,
        };
        let result = reorient_engine::indicators(&source, &scenario, &question, &|| ticker.tick())?;
        let manifest = indicator_manifest(&source, &scenario, &question, &result)?;
        Ok(Answer { source, kind: Kind::Indicators(Box::new((result, manifest))) })
    })
}

/// The value of a name, or what there is.
fn named<T: Copy, const N: usize>(key: &str, text: &str, all: [T; N], name: impl Fn(T) -> &'static str) -> Result<T, Failure> {
    let found = all.into_iter().find(|value| name(*value) == text);
    found.ok_or_else(|| Failure::usage(anyhow!("{key}: `{text}` is none of {}", all.map(&name).join(", "))))
}

/// `reorient calibrate`.
#[pyfunction]
#[pyo3(signature = (trade, against, headline, file, settings, threads=None))]
pub(crate) fn calibrate(
    py: Python<'_>,
    trade: &Trade,
    against: Option<PathBuf>,
    headline: Option<PathBuf>,
    file: Option<PathBuf>,
    settings: Settings,
    threads: Option<usize>,
) -> PyResult<Answer> {
    let source = trade.source.clone();
    work(py, threads, None, false, move |_| {
        let question = Question { file, settings };
        let scenario = question.scenario()?;
        let (against, headline) = (against.as_deref(), headline.as_deref());
        let (published, files) = read_published(against, headline)?;
        let held = question.held(&scenario);
        let mut calibrator = Calibrator::new(&source, &scenario, &held)?;
        let calibration = calibrator.against(&published)?;
        let manifest = calibration_manifest(&source, &calibrator, &held, [against, headline], files)?;
        let first = calibration.sets.first().map_or_else(Choice::default, |set| set.choice);
        let list = calibrator.list(&first);
        drop(calibrator);
        Ok(Answer { source, kind: Kind::Calibration(Box::new((calibration, list, manifest))) })
    })
}

/// `reorient ingest`; the manifest of the folder as JSON.
#[pyfunction]
#[pyo3(signature = (sources, out, hs, release, value_unit, skip, on_duplicate, max_errors, force, threads=None, progress=None))]
#[allow(clippy::too_many_arguments)] // The options of the command, by name in Python.
pub(crate) fn ingest(
    py: Python<'_>,
    sources: Vec<PathBuf>,
    out: PathBuf,
    hs: Option<String>,
    release: Option<String>,
    value_unit: Option<String>,
    skip: Vec<String>,
    on_duplicate: String,
    max_errors: u16,
    force: bool,
    threads: Option<usize>,
    progress: Option<Bound<'_, PyAny>>,
) -> PyResult<String> {
    work(py, threads, progress.as_ref(), true, move |ticker| {
        let revision = hs.map(|hs| hs.parse::<HsRevision>()).transpose();
        let reasons = skip.iter().map(|reason| reason.parse::<Reason>()).collect::<Result<BTreeSet<_>, _>>();
        let policy = RowPolicy {
            skip: reasons.map_err(|error| Failure::usage(anyhow!("skip: {error}")))?,
            on_duplicate: match on_duplicate.as_str() {
                "error" => OnDuplicate::Error,
                "sum" => OnDuplicate::Sum,
                other => return Err(Failure::usage(anyhow!("on_duplicate: `{other}` is none of error, sum"))),
            },
            max_errors: usize::from(max_errors.max(1)),
        };
        let revision = revision.map_err(|error| Failure::usage(anyhow!("hs: {error}")))?;
        let value_unit = crate::trade::unit(value_unit.as_deref())?;
        let options = IngestOptions { revision, release, policy, attribution: String::new(), value_unit };
        let target = Target::new(out).force(force);
        let manifest = reorient_data::ingest(&sources, &target, &options, &mut |progress| {
            ticker.expect(progress.total);
            ticker.reach(progress.done.min(progress.total));
        })?;
        serde_json::to_string(&manifest).map_err(Failure::internal)
    })
}
