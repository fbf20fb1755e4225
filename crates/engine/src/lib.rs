//! From a trade source and a scenario to certified results, in parallel over products.
//!
//! [`run`] tells the story in eight steps (docs/method.md); nothing here prints or writes.

mod baseline;
mod bloc;
mod calibrate;
mod collect;
mod concentration;
mod coverage;
mod error;
mod frontier;
mod indicators;
mod lists;
mod nearest;
mod panel;
mod pipeline;
mod prepare;
mod presence;
mod recheck;
mod scenario;
mod sensitivity;
mod solver;
pub mod sweep;
mod uncertainty;
mod years;

pub use baseline::Baseline;
pub use bloc::Bloc;
pub use calibrate::Calibrator;
pub use concentration::{ConcentrationResult, LeastConcentrated, concentration};
pub use coverage::{Coverage, CoverageRow, CoverageStatus, ListMargin, coverage_of, margin_sentences};
pub use error::{EngineError, EngineErrorKind};
pub use frontier::{FrontierResult, frontier};
pub use indicators::{IndicatorQuestion, IndicatorResult, IndicatorYear, indicators};
pub use panel::{PanelResult, PanelYearContext, panel};
pub use pipeline::{Bench, RunResult, Timings, Unsolved, explain_run, run};
pub use prepare::{Prepared, Session, formulate_product};
pub use recheck::{Derived, StoredFlow, StoredProduct, derive, recheck};
pub use reorient_solve::{HIGHS_IN_SOURCE, HIGHS_VERSION};
pub use scenario::{
    Alias, DrainChoice, FillChoice, Given, HongKong, KEYS, Key, ListChoice, Origins, Scenario, ScenarioError, Takes, number_note,
    schema,
};
pub use sensitivity::{SensitivityResult, sensitivity};
pub use solver::SolverChoice;
pub use uncertainty::{Doubt, UncertaintyResult, uncertainty};
pub use years::YearChoice;
