//! Trade data: a path, the embedded sample, or any Arrow table.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use anyhow::anyhow;
use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::ffi_stream::RecordBatchStreamReader;
use arrow_pyarrow::PyArrowType;
use pyo3::prelude::*;
use reorient_app::Failure;
use reorient_core::{HsRevision, Year};
use reorient_data::{AboutTable, OpenOptions, TradeSource, ValueUnit};
use reorient_files::Limit;

use crate::remote::{Fetched, local};
use crate::work::work;

/// Opened trade data: years, revision and countries are known, rows are read when a question asks for them.
#[pyclass(frozen, module = "reorient._core")]
pub(crate) struct Trade {
    pub(crate) source: TradeSource,
    /// Files that were fetched for it.
    pub(crate) fetched: Fetched,
}

#[pymethods]
impl Trade {
    /// A file or folder as `reorient run` takes it, or an address such as `s3://bucket/folder`.
    #[staticmethod]
    #[pyo3(signature = (path, hs=None, value_unit=None))]
    fn open(py: Python<'_>, path: PathBuf, hs: Option<String>, value_unit: Option<String>) -> PyResult<Self> {
        let (source, fetched) = work(py, None, None, false, move |_| {
            let revision = hs.map(|hs| hs.parse::<HsRevision>()).transpose();
            let revision = revision.map_err(|error| Failure::usage(anyhow!("hs: {error}")))?;
            let options = OpenOptions { revision, value_unit: unit(value_unit.as_deref())? };
            let (path, fetched) = local(&path)?;
            let opened = TradeSource::open_with(&path, &options);
            // Where names tell another revision, Python says so.
            let opened = opened
                .or_else(|error| TradeSource::open_with(&path, &OpenOptions { revision: None, ..options }).map_err(|_| error));
            Ok((opened?, fetched))
        })?;
        Ok(Self { source, fetched })
    }

    /// The real sample in the package.
    #[staticmethod]
    fn sample(py: Python<'_>) -> PyResult<Self> {
        let source = work(py, None, None, false, |_| Ok(TradeSource::embedded()?))?;
        Ok(Self { source, fetched: None })
    }

    /// Any object with the Arrow stream interface.
    #[staticmethod]
    #[pyo3(signature = (table, hs=None, year=None, synthetic=false, country_codes=None, product_codes=None, value_unit=None))]
    #[allow(clippy::too_many_arguments)] // What a table does not say itself, by name in Python.
    fn from_arrow(
        py: Python<'_>,
        table: PyArrowType<RecordBatchStreamReader>,
        hs: Option<String>,
        year: Option<u16>,
        synthetic: bool,
        country_codes: Option<PathBuf>,
        product_codes: Option<PathBuf>,
        value_unit: Option<String>,
    ) -> PyResult<Self> {
        let reader = table.0;
        let source = work(py, None, None, false, move |_| {
            let schema = reader.schema();
            // Parquet of an ingested folder says it itself, where a reader keeps its metadata.
            let own = |key: &str| schema.metadata().get(key).cloned();
            if let Some((asked, said)) = hs.as_ref().zip(own("reorient.revision"))
                && asked.parse::<HsRevision>().is_ok_and(|asked| Ok(asked) != said.parse())
            {
                return Err(Failure::usage(anyhow!("hs is {asked}, but the table says that its codes are of {said}")));
            }
            let hs = hs.or_else(|| own("reorient.revision")).ok_or_else(|| {
                Failure::usage(anyhow!("a table does not say which HS revision its codes are of: give hs, such as hs='HS92'"))
            })?;
            let revision: HsRevision = hs.parse().map_err(|error| Failure::usage(anyhow!("hs: {error}")))?;
            let year = year.map(Year::new).transpose().map_err(|error| Failure::usage(anyhow!("year: {error}")))?;
            let year = year.or_else(|| own("reorient.year").and_then(|year| year.parse().ok()));
            let synthetic = synthetic || own("reorient.synthetic").as_deref() == Some("true");
            let batches = batches(reader)?;
            let (countries, products) = (code_table(country_codes.as_ref())?, code_table(product_codes.as_ref())?);
            let value_unit = unit(value_unit.as_deref())?;
            let about = AboutTable { revision, year, synthetic, countries, products, value_unit };
            Ok(TradeSource::from_arrow(batches, about)?)
        })?;
        Ok(Self { source, fetched: None })
    }

    /// Years at hand, ascending.
    #[getter]
    fn years(&self) -> Vec<u16> {
        self.source.years().iter().map(|year| year.get()).collect()
    }

    /// Revision of the product codes, such as `HS92`.
    #[getter]
    fn hs(&self) -> String {
        self.source.revision().to_string()
    }

    /// One line for people.
    #[getter]
    fn label(&self) -> &str {
        self.source.label()
    }

    /// What is to be said of the years that were read so far, such as codes that the revision does not have.
    #[getter]
    fn notes(&self) -> Vec<String> {
        self.source.notes()
    }

    /// Whether any year is made up rather than observed.
    #[getter]
    fn synthetic(&self) -> bool {
        self.source.is_synthetic()
    }

    /// Products with a flow in a year, ascending.
    fn products(&self, py: Python<'_>, year: u16) -> PyResult<Vec<String>> {
        let source = self.source.clone();
        work(py, None, None, false, move |_| {
            let year = Year::new(year).map_err(|error| Failure::usage(anyhow!("year: {error}")))?;
            Ok(source.products(year)?.iter().map(ToString::to_string).collect())
        })
    }

    fn __repr__(&self) -> String {
        format!("Trade({})", self.source.label())
    }
}

/// The batches of another program. What does not fit its own schema makes the library that takes it over panic.
fn batches(reader: RecordBatchStreamReader) -> Result<Vec<RecordBatch>, Failure> {
    let taken = catch_unwind(AssertUnwindSafe(|| reader.collect::<Result<Vec<RecordBatch>, _>>()));
    match taken {
        Ok(Ok(batches)) => Ok(batches),
        Ok(Err(error)) => Err(Failure::bad_data(anyhow!("the table cannot be read: {error}"))),
        Err(_) => Err(Failure::bad_data(anyhow!("the table cannot be read: a part of it is not what its schema says"))),
    }
}

/// The unit of a column `value`.
pub(crate) fn unit(text: Option<&str>) -> Result<Option<ValueUnit>, Failure> {
    let unit = text.map(str::parse).transpose();
    unit.map_err(|error: String| Failure::usage(anyhow!("value_unit: {error}")))
}

fn code_table(path: Option<&PathBuf>) -> Result<Option<(String, Vec<u8>)>, Failure> {
    path.map(|path| {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        Ok((name, reorient_files::read(path, Limit::CODE_TABLE)?))
    })
    .transpose()
}
