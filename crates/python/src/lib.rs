//! `reorient._core`: what the Python package calls. Each function takes its question as texts, works without the interpreter's
//! lock, and gives Arrow tables; `reorient/__init__.py` gives it its Python shape.

// PyO3 hands arguments over by value.
#![allow(clippy::needless_pass_by_value)]

mod answers;
mod errors;
mod question;
mod remote;
mod sweeps;
mod trade;
mod work;

use pyo3::prelude::*;

/// The Rust engine behind the package `reorient`.
#[pymodule]
mod _core {
    #[pymodule_export]
    use super::answers::{Answer, calibrate, frontier, indicators, ingest, run};
    #[pymodule_export]
    use super::question::{scenario_keys, scenario_schema};
    #[pymodule_export]
    use super::sweeps::{Sweep, merge};
    #[pymodule_export]
    use super::trade::Trade;

    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("HIGHS_VERSION", reorient_engine::HIGHS_VERSION)
    }
}
