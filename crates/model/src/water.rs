//! How much a block of exporters carries at a water level: `x = clamp(level, L, U)`.

use crate::Program;
use crate::rational::{Rational, SquaresSum};

/// The level at which flows between these bounds sum to `total`, which lies between the sums of the bounds. Where a whole
/// stretch of levels does, its lower end.
///
/// Amounts are such that their sum times their number fits an i128.
pub(crate) fn level(bounds: impl Iterator<Item = (i128, i128)>, total: i128) -> Option<Rational> {
    let mut least = 0;
    let mut knots: Vec<(i128, i128)> = Vec::new();
    for (lower, upper) in bounds {
        least += lower;
        if lower < upper {
            knots.extend([(lower, 1), (upper, -1)]);
        }
    }
    knots.sort_unstable();
    let (mut here, mut free, mut sum) = (knots.first().map_or(0, |knot| knot.0), 0, least);
    for (knot, change) in knots {
        let at_knot = sum + free * (knot - here);
        if at_knot >= total {
            break;
        }
        (here, free, sum) = (knot, free + change, at_knot);
    }
    if free == 0 { Some(Rational::whole(here)) } else { Rational::whole(here).plus(Rational::new(total - sum, free)?) }
}

/// What does not change between two neighbouring bounds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Stretch {
    /// Number of flows between their bounds.
    pub(crate) free: i128,
    /// Sum of the others.
    fixed: i128,
    /// Sum of their squares.
    fixed_squares: i128,
}

/// The exporters of one cost as a function of their level.
#[derive(Debug, Clone)]
pub(crate) struct Basin {
    /// Their cost.
    pub(crate) cost: i128,
    /// The bounds, ascending, each once.
    pub(crate) knots: Vec<i128>,
    /// Below the first knot, between each two, above the last.
    pub(crate) stretches: Vec<Stretch>,
}

impl Basin {
    /// The basins of a program, ascending by cost.
    pub(crate) fn all(program: &Program) -> Vec<Self> {
        program.costs().into_iter().map(|cost| Self::new(program, cost)).collect()
    }

    fn new(program: &Program, cost: i64) -> Self {
        let mut below = Stretch::default();
        let mut changes: Vec<(i128, i128)> = Vec::new();
        for at in (0..program.len()).filter(|at| program.cost[*at] == cost) {
            let (lower, upper) = program.bounds(at);
            below.fixed += lower;
            below.fixed_squares += lower * lower;
            if lower < upper {
                changes.extend([(lower, 1), (upper, -1)]);
            }
        }
        changes.sort_unstable();
        let (mut knots, mut stretches) = (Vec::new(), vec![below]);
        let mut current = below;
        for same in changes.chunk_by(|left, right| left.0 == right.0) {
            let knot = same[0].0;
            // A flow that comes off its lower bound is no longer fixed; one that meets its upper bound is.
            let change: i128 = same.iter().map(|(_, change)| change).sum();
            current.free += change;
            current.fixed -= change * knot;
            current.fixed_squares -= change * knot * knot;
            knots.push(knot);
            stretches.push(current);
        }
        Self { cost: cost.into(), knots, stretches }
    }

    /// The stretch above the last knot that is not above a level, and whether the level is that knot.
    pub(crate) fn locate(&self, level: Rational) -> (usize, bool) {
        let stretch = self.knots.partition_point(|knot| Rational::whole(*knot) <= level);
        (stretch, stretch > 0 && Rational::whole(self.knots[stretch - 1]) == level)
    }

    /// Sum of the flows at a level on a stretch.
    pub(crate) fn sum(&self, stretch: usize, level: Rational) -> Option<Rational> {
        let Stretch { free, fixed, .. } = self.stretches[stretch];
        Rational::whole(free).times(level)?.plus(Rational::whole(fixed))
    }

    /// Adds the squares of the flows at a level on a stretch.
    pub(crate) fn add_squares(&self, stretch: usize, level: Rational, squares: SquaresSum) -> Option<SquaresSum> {
        let Stretch { free, fixed_squares, .. } = self.stretches[stretch];
        let mut squares = squares.plus(free, level)?;
        squares.whole = squares.whole.checked_add(fixed_squares)?;
        Some(squares)
    }
}
