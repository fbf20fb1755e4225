//! One product: from its market to a certified allocation. No IO, no threads, no solver.
//!
//! All amounts of a [`Program`] are integers in units of `1 / scale` dollars, where `scale` is the denominator of the
//! cap: `0.05 W` is exact. Declared points are exact fractions of that unit. Steps M4 to M6 of docs/method.md.

mod amount;
mod certificate;
mod closed_form;
mod interval;
mod linear_program;
mod market;
mod program;
mod tie_break;

pub use amount::{ExactAmount, NanoUsd};
pub use certificate::{Certificate, CertifiedAllocation, Rejection, check_vertex, dual_bound, verify};
pub use closed_form::{Infeasible, Optimum, closed_form};
pub use interval::{Interval, intervals};
pub use linear_program::LinearProgram;
pub use market::{CountrySet, Market, Status};
pub use program::{Policy, Program, ProgramError, Role, formulate};
pub use tie_break::{Drain, Fill, declare};
