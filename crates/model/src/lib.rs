//! One product: from its market to a certified allocation. No IO, no threads, no solver.
//!
//! All amounts of a [`Program`] are integers in units of `1 / scale` dollars, where `scale` is the least common denominator
//! of the shares that the policy names: `0.05 W` is exact. Declared points are exact fractions of that unit. Steps M4 to M6 of docs/method.md.

mod amount;
mod certificate;
mod closed_form;
mod concentration;
mod concentration_curve;
mod fill;
mod frontier;
mod hhi_max;
mod interval;
mod linear_program;
mod market;
mod policy;
mod program;
mod rational;
mod tie_break;
mod water;

pub use amount::{ExactAmount, NanoUsd, Rounding};
pub use certificate::{Certificate, CertifiedAllocation, Rejection, check_vertex, verify};
pub use closed_form::{Block, FloorsExceedImports, Optimum, Price, closed_form};
pub use concentration::{ConcentrationError, LeastSquares, at_price, least_squares_at};
pub use concentration_curve::{ConcentrationCurve, CurvePoint};
pub use frontier::{AtCap, CapCurve, Frontier, FrontierPoint, Ratio};
pub use hhi_max::{HhiMaximum, SquaresMaximum};
pub use interval::{Interval, interval, interval_of, intervals, set_interval};
pub use linear_program::LinearProgram;
pub use market::{CountrySet, Market, Status, UnitValue};
pub use policy::{CapBasis, Floor, Policy, Weights};
pub use program::{Bounds, Program, ProgramError, Role, formulate, formulate_into};
pub use rational::SquaresSum;
pub use tie_break::{Drain, Fill, TieBreak, declare, declare_into, most_even, snap};
