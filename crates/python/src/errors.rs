//! Failures as the exceptions of `reorient.errors`, with file, row, column and value where one is at fault.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use reorient_app::Failure;
use reorient_data::DataError;
use reorient_engine::EngineError;
use reorient_engine::sweep::SweepError;

/// The exception of a failure; its class follows the exit code.
pub(crate) fn raise(py: Python<'_>, failure: &Failure) -> PyErr {
    match exception(py, failure) {
        Ok(exception) => PyErr::from_value(exception),
        Err(error) => error,
    }
}

fn exception<'py>(py: Python<'py>, failure: &Failure) -> PyResult<Bound<'py, PyAny>> {
    let fields = PyDict::new(py);
    if let Some(error) = data_error(failure) {
        place(&fields, error)?;
        if let DataError::Several { errors, .. } = error {
            let all = errors.iter().map(|error| {
                let one = PyDict::new(py);
                place(&one, error)?;
                one.set_item("message", error.to_string())?;
                Ok(one)
            });
            fields.set_item("problems", all.collect::<PyResult<Vec<_>>>()?)?;
        }
    }
    let make = py.import("reorient.errors")?.getattr("from_core")?;
    make.call((failure.code(), failure.to_string()), Some(&fields))
}

/// Where a value of the input is at fault.
fn place(fields: &Bound<'_, PyDict>, error: &DataError) -> PyResult<()> {
    match error {
        DataError::Value { file, place, column, value, .. } => {
            fields.set_item("file", file)?;
            fields.set_item("row", place.rsplit(' ').next().and_then(|number| number.parse::<u64>().ok()))?;
            fields.set_item("column", *column)?;
            fields.set_item("value", value)
        }
        DataError::File { file, .. }
        | DataError::Damaged { file, .. }
        | DataError::Missing { file, .. }
        | DataError::Changed { file, .. }
        | DataError::CannotWrite { file, .. } => fields.set_item("file", file),
        DataError::Folder(error) => fields.set_item("file", error.path().display().to_string()),
        DataError::Several { errors, .. } => errors.first().map_or(Ok(()), |first| place(fields, first)),
        DataError::Duplicate { .. } | DataError::Internal(_) => Ok(()),
    }
}

fn data_error(failure: &Failure) -> Option<&DataError> {
    failure.error().chain().find_map(|cause| {
        let engine = match cause.downcast_ref::<SweepError>() {
            Some(SweepError::Engine(error)) => Some(error),
            _ => cause.downcast_ref::<EngineError>(),
        };
        match engine {
            Some(EngineError::Data(error)) => Some(error),
            _ => cause.downcast_ref::<DataError>(),
        }
    })
}
