//! What the optimum leaves open (step M5 of docs/method.md): the exact range of each flow, and of the sum of any set of
//! flows, over the optimal face.

use crate::{Bounds, Optimum, Program};

/// The least and the most of a sum of flows over all optima, in units of the program; both ends are attained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Interval {
    /// The least.
    pub min: i64,
    /// The most.
    pub max: i64,
}

/// The interval of the exporter at a position: with block total `M`,
/// `[max(L, M - (sum U - U)), min(U, M - (sum L - L))]`.
#[inline]
pub fn interval(program: &Program, optimum: &Optimum, position: usize) -> Interval {
    interval_of(program.exporter(position), optimum)
}

/// As [`interval`] of an exporter of the program.
#[inline]
pub fn interval_of(exporter: Bounds, optimum: &Optimum) -> Interval {
    let Bounds { cost, lower, upper, .. } = exporter;
    optimum.block(cost).map_or(Interval { min: lower, max: upper }, |block| block.within(lower, upper))
}

/// One interval per exporter.
pub fn intervals(program: &Program, optimum: &Optimum) -> Vec<Interval> {
    (0..program.len()).map(|position| interval(program, optimum, position)).collect()
}

/// The interval of the sum over a set of exporters: in each block
/// `[max(sum L of the set, M - sum U of the rest), min(sum U of the set, M - sum L of the rest)]`, and blocks add up.
pub fn set_interval(program: &Program, optimum: &Optimum, contains: impl Fn(usize) -> bool) -> Interval {
    let mut sum = Interval::default();
    for block in &optimum.blocks {
        let members = (0..program.len()).filter(|position| program.cost[*position] == block.cost && contains(*position));
        let (lower, upper) = members.fold((0, 0), |(lower, upper), at| (lower + program.lower[at], upper + program.upper[at]));
        let Interval { min, max } = block.within(lower, upper);
        sum.min += min;
        sum.max += max;
    }
    sum
}
