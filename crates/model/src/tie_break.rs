//! Step M5 of docs/method.md: one declared point among many optima, independent of solver, order and threads.

use crate::{ExactAmount, Optimum, Program, Role};

/// Who loses what within the risk origins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Drain {
    /// In proportion to today's flow.
    #[default]
    Proportional,
}

/// Who gains what within the alternatives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fill {
    /// In proportion to the room between the bounds.
    #[default]
    ProportionalCapacity,
}

/// The declared point of the optimal face, one exact amount per exporter.
///
/// Within the risk block `x = rho x0 / sum x0`; within the alternatives `x = L + (U - L)(N - sum L) / sum (U - L)`.
pub fn declare(program: &Program, optimum: &Optimum, drain: Drain, fill: Fill) -> Vec<ExactAmount> {
    let Drain::Proportional = drain;
    let Fill::ProportionalCapacity = fill;
    let risk_sum = program.block_sum(Role::Risk, &program.baseline);
    let least = program.block_sum(Role::Alternative, &program.lower);
    let room = program.block_sum(Role::Alternative, &program.upper) - least;
    let to_place = optimum.alternative_total - least;
    (0..program.len())
        .map(|position| match program.role[position] {
            Role::Risk if risk_sum > 0 => {
                ExactAmount { numerator: optimum.risk_total * program.baseline[position], denominator: risk_sum }
            }
            Role::Risk => ExactAmount::whole(0),
            Role::Alternative if room > 0 => {
                let lower = program.lower[position];
                let own_room = program.upper[position] - lower;
                ExactAmount { numerator: lower * room + own_room * to_place, denominator: room }
            }
            Role::Alternative => ExactAmount::whole(program.lower[position]),
        })
        .collect()
}
