//! Step M5 of docs/method.md: the optimum of one equality over boxes, by sums over blocks of equal cost.

use crate::Interval;
use crate::program::{Bounds, Program};

/// The lower bounds together exceed imports. No policy makes such a program: a floor is never above today's flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the least that alternatives must supply exceeds the bloc's imports")]
pub struct FloorsExceedImports;

/// Exporters of one cost: the alternatives, or the risk origins of one weight. Every optimum gives it the same total.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Cost of each of them.
    pub cost: i64,
    /// Their flows together in every optimum.
    pub total: i64,
    /// Sum of their lower bounds.
    pub lower: i64,
    /// Sum of their upper bounds.
    pub upper: i64,
}

impl Block {
    /// The range of the sum over some of its exporters, whose bounds sum to `lower` and `upper`, over all optima: what the
    /// others must leave to them, and what they can.
    #[inline]
    pub fn within(&self, lower: i64, upper: i64) -> Interval {
        Interval { min: lower.max(upper + (self.total - self.upper)), max: upper.min(lower + (self.total - self.lower)) }
    }
}

/// What one more or one less dollar of capacity does to the value, in units of `1 / weight_scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    /// What one more takes off: the right derivative, and the multiplier that proves the optimum.
    pub more: i64,
    /// What one less adds: the left derivative; none where less cannot be borne.
    pub less: Option<i64>,
}

/// What every optimal allocation shares, in units of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Optimum {
    /// Imports left with the risk origins.
    pub risk_total: i64,
    /// Imports from all alternatives.
    pub alternative_total: i64,
    /// Imports that nobody can supply: `max(0, T - sum U)`. Where it is positive, every exporter is at its upper bound.
    pub unmet: i64,
    /// Ascending by cost; the alternatives first, if there are any.
    pub blocks: Vec<Block>,
}

impl Optimum {
    fn of(blocks: Vec<Block>, unmet: i64) -> Self {
        let total = |risk: bool| blocks.iter().filter(|block| (block.cost > 0) == risk).map(|block| block.total).sum();
        Self { risk_total: total(true), alternative_total: total(false), unmet, blocks }
    }

    /// The exporters of a cost, where the program has any.
    #[inline]
    pub fn block(&self, cost: i64) -> Option<&Block> {
        self.blocks.iter().find(|block| block.cost == cost)
    }

    /// Upper bounds of all alternatives together.
    pub fn alternative_upper(&self) -> i64 {
        self.block(0).map_or(0, |block| block.upper)
    }

    /// The range of the sum over some alternatives, whose bounds sum to `lower` and `upper`; as
    /// [`set_interval`](crate::set_interval).
    pub fn alternatives_within(&self, lower: i64, upper: i64) -> Interval {
        self.block(0).map_or_else(Interval::default, |block| block.within(lower, upper))
    }

    /// Whether one point is all of the optimal face, as every block is full or empty.
    pub fn is_unique(&self) -> bool {
        self.blocks.iter().all(|block| block.total == block.lower || block.total == block.upper)
    }

    /// The multiplier of the equality that proves the optimum: the cost of the dearest exporter that supplies. Where imports
    /// are unmet, the bounds prove it and no multiplier is needed.
    pub fn multiplier(&self) -> i64 {
        self.blocks.iter().rev().find(|block| block.total > block.lower).map_or(0, |block| block.cost)
    }

    /// The range of the shadow price; its ends differ only where capacity meets a need to the last unit. None where imports
    /// are unmet: one more unit of capacity then supplies what is missing.
    pub fn price(&self) -> Option<Price> {
        if self.unmet > 0 {
            return None;
        }
        let less = self.blocks.iter().find(|block| block.total < block.upper).map(|block| block.cost);
        Some(Price { more: self.multiplier(), less })
    }

    /// The optimum that a multiplier of the equality proves, if it proves one: cheaper blocks are full, dearer ones empty. A
    /// multiplier of [`Program::unmet_cost`] says that all are full and the rest is unmet.
    pub fn from_multiplier(program: &Program, multiplier: i64) -> Option<Self> {
        let mut blocks = blocks(program);
        let mut rest = program.total;
        for block in &mut blocks {
            block.total = if block.cost < multiplier { block.upper } else { block.lower };
            rest -= block.total;
        }
        if let Some(block) = blocks.iter_mut().find(|block| block.cost == multiplier) {
            block.total += rest;
            rest = 0;
        }
        let within = |block: &Block| block.lower <= block.total && block.total <= block.upper;
        let unmet = if multiplier == program.unmet_cost() { rest.max(0) } else { 0 };
        (rest == unmet && blocks.iter().all(within)).then(|| Self::of(blocks, unmet))
    }
}

/// The blocks of a program, each at its lower bound.
fn blocks(program: &Program) -> Vec<Block> {
    // Weights are few: a handful of blocks, found in order of position and then sorted.
    let mut blocks: Vec<Block> = Vec::with_capacity(2);
    for Bounds { cost, lower, upper, .. } in program.exporters() {
        match blocks.iter_mut().find(|block| block.cost == cost) {
            Some(block) => {
                block.lower += lower;
                block.upper += upper;
            }
            None => blocks.push(Block { cost, total: 0, lower, upper }),
        }
    }
    blocks.sort_unstable_by_key(|block| block.cost);
    for block in &mut blocks {
        block.total = block.lower;
    }
    blocks
}

/// The optimum: the cheapest block carries all it can, then the next, so that the highest weight is drained first. What is left
/// when all are full is unmet.
///
/// # Errors
/// [`FloorsExceedImports`] for a program that no policy makes.
pub fn closed_form(program: &Program) -> Result<Optimum, FloorsExceedImports> {
    let mut blocks = blocks(program);
    let mut rest = program.total - blocks.iter().map(|block| block.lower).sum::<i64>();
    if rest < 0 {
        return Err(FloorsExceedImports);
    }
    for block in &mut blocks {
        let taken = rest.min(block.upper - block.lower);
        block.total += taken;
        rest -= taken;
    }
    Ok(Optimum::of(blocks, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(risk: &[(i64, i64)], alternatives: &[(i64, i64)], total: i64) -> Program {
        let mut cost: Vec<i64> = risk.iter().map(|(weight, _)| *weight).collect();
        cost.extend(vec![0; alternatives.len()]);
        let mut lower = vec![0; risk.len()];
        lower.extend(alternatives.iter().map(|bounds| bounds.0));
        let mut upper: Vec<i64> = risk.iter().map(|(_, upper)| *upper).collect();
        upper.extend(alternatives.iter().map(|bounds| bounds.1));
        Program { scale: 1, weight_scale: 1, total, cost, baseline: upper.clone(), lower, upper }
    }

    #[test]
    fn known_optima() {
        let optimum = |program: Program| {
            closed_form(&program).map(|optimum| {
                let price = optimum.price().unwrap_or_else(|| unreachable!("nothing is unmet"));
                // Whoever knows the price knows the optimum.
                assert_eq!(Optimum::from_multiplier(&program, price.more), Some(optimum.clone()));
                (optimum.risk_total, price.more, price.less)
            })
        };
        let risk = [(1, 10), (1, 20)];
        assert_eq!(optimum(program(&risk, &[(5, 15)], 35)), Ok((20, 1, Some(1))), "shortage");
        assert_eq!(optimum(program(&risk, &[(5, 35)], 35)), Ok((0, 0, Some(1))), "tight");
        assert_eq!(optimum(program(&risk, &[(5, 99)], 35)), Ok((0, 0, Some(0))), "slack");
        assert_eq!(optimum(program(&[], &[], 0)), Ok((0, 0, None)), "nothing");
        assert_eq!(optimum(program(&[(1, 10)], &[], 10)), Ok((10, 1, None)), "no alternative");
        assert_eq!(optimum(program(&[(1, 10)], &[(40, 50)], 35)), Err(FloorsExceedImports));
    }

    #[test]
    fn what_nobody_can_supply_is_unmet() {
        // T 100: 60 barred, 10 left from a risk origin, 30 that may grow by 20.
        let program = program(&[(1, 0), (1, 10)], &[(30, 50)], 100);
        let optimum = closed_form(&program).unwrap_or_else(|_| unreachable!("the floors are below imports"));
        assert_eq!((optimum.unmet, optimum.risk_total, optimum.alternative_total), (40, 10, 50));
        assert_eq!((optimum.price(), optimum.is_unique()), (None, true));
        assert_eq!(Optimum::from_multiplier(&program, program.unmet_cost()), Some(optimum));
        assert_eq!(Optimum::from_multiplier(&program, 1), None, "not without what is unmet");
        assert_eq!(Optimum::from_multiplier(&program, 0), None);
    }

    #[test]
    fn one_point_is_all_of_the_face_where_every_block_is_full_or_empty() {
        let is_unique = |total| {
            let program = program(&[(1, 10), (2, 20)], &[(5, 15), (0, 10)], total);
            closed_form(&program).map(|optimum| optimum.is_unique())
        };
        // Empty at 5, then full at 25, 35 and 55.
        assert_eq!([5, 25, 35, 55].map(is_unique), [Ok(true); 4]);
        assert_eq!([6, 24, 26, 36, 54].map(is_unique), [Ok(false); 5]);
    }

    #[test]
    fn the_highest_weight_is_drained_first() {
        let optimum = |capacity: i64| {
            let program = program(&[(3, 10), (1, 20), (3, 5)], &[(0, capacity)], 35);
            let optimum = closed_form(&program).unwrap_or_else(|_| unreachable!("feasible"));
            let totals: Vec<i64> = optimum.blocks.iter().map(|block| block.total).collect();
            (totals, optimum.price().unwrap_or_else(|| unreachable!("nothing is unmet")))
        };
        assert_eq!(optimum(5), (vec![5, 20, 10], Price { more: 3, less: Some(3) }));
        assert_eq!(optimum(15), (vec![15, 20, 0], Price { more: 1, less: Some(3) }), "between two weights");
        assert_eq!(optimum(20), (vec![20, 15, 0], Price { more: 1, less: Some(1) }));
        assert_eq!(optimum(35), (vec![35, 0, 0], Price { more: 0, less: Some(1) }));
        assert_eq!(optimum(0), (vec![0, 20, 15], Price { more: 3, less: None }));
    }
}
