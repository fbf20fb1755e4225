//! What the command line and the Python package have in common: failures with their exit codes, manifests of results, published
//! figures, and the dataset of a sweep. Nothing here prints.

mod defect;
mod failure;
mod manifest;
mod published;
mod sweep;
mod sweep_check;

pub use defect::{contain, stop_here};
pub use failure::{Failure, NOT_CERTIFIED, UNSOLVED};
pub use manifest::{
    METHOD, calibration_manifest, certificates, coverage_lines, indicator_manifest, input, label, ledger, list_summary,
    other_names, run_manifest, solver, study_manifest, unchecked,
};
pub use published::read as read_published;
pub use sweep::{compare_archives, open_sweep, open_sweep_in, sweep_manifest, write_dataset};
pub use sweep_check::check_dataset;
