//! From a trade source and a scenario to certified results, in parallel over products.
//!
//! [`run`] tells the story in eight steps (docs/method.md); nothing here prints or writes.

mod baseline;
mod bloc;
mod coverage;
mod error;
mod indicators;
mod nearest;
mod pipeline;
mod recheck;
mod scenario;
mod solver;

pub use baseline::Baseline;
pub use bloc::Bloc;
pub use coverage::{Coverage, CoverageRow, CoverageStatus};
pub use error::{EngineError, EngineErrorKind};
pub use indicators::{IndicatorQuestion, IndicatorResult, IndicatorYear, YearChoice, indicators};
pub use pipeline::{RunResult, Timings, formulate_product, run};
pub use recheck::{StoredFlow, StoredProduct, recheck};
pub use reorient_solve::HIGHS_VERSION;
pub use scenario::{Alias, HongKong, ListChoice, Scenario, ScenarioError};
pub use solver::SolverChoice;
