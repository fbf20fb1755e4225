//! What the optimum leaves open (step M5 of docs/method.md): the exact range of each flow over the optimal face.

use crate::{Optimum, Program, Role};

/// The least and the most of one flow over all optima, in units of the program; both ends are attained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// The least.
    pub min: i128,
    /// The most.
    pub max: i128,
}

/// One interval per exporter: with block total `M`, `[max(L, M - (sum U - U)), min(U, M - (sum L - L))]`.
pub fn intervals(program: &Program, optimum: &Optimum) -> Vec<Interval> {
    let block = |role, total| (total, program.block_sum(role, &program.lower), program.block_sum(role, &program.upper));
    let risk = block(Role::Risk, optimum.risk_total);
    let alternative = block(Role::Alternative, optimum.alternative_total);
    (0..program.len())
        .map(|position| {
            let (total, sum_lower, sum_upper) = match program.role[position] {
                Role::Risk => risk,
                Role::Alternative => alternative,
            };
            let (lower, upper) = (program.lower[position], program.upper[position]);
            Interval { min: lower.max(total - (sum_upper - upper)), max: upper.min(total - (sum_lower - lower)) }
        })
        .collect()
}
