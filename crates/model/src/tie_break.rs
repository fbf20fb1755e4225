//! Step M5 of docs/method.md: one declared point among many optima, by a rule that knows no solver, row order or thread.

use reorient_core::CountryIndex;

use crate::fill::{by_unit_value, in_order, listed_first, nearest_to_today, proportional, water};
use crate::{Block, ExactAmount, Market, Optimum, Program};

/// Which risk origins lose first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Drain {
    /// All in the same proportion.
    #[default]
    Proportional,
    /// These in this order, each to zero before the next; then all others by code. A higher weight still goes first.
    Order(Vec<CountryIndex>),
}

/// Which alternatives gain first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Fill {
    /// In proportion to the room between the bounds.
    #[default]
    ProportionalCapacity,
    /// In proportion to today's flow, as far as the bounds allow; what is left over goes to exporters without a flow today,
    /// in proportion to their upper bounds.
    ProportionalFlow,
    /// From the lower bounds, these in this order, each to its upper bound before the next; then all others by code.
    Order(Vec<CountryIndex>),
    /// As even as the bounds allow: the least sum of squared shares.
    MinHhi,
    /// From the lower bounds by ascending unit value, unknown ones last, ties by code.
    MinCost,
    /// What HiGHS returns, for risk origins too; depends on the solver and its version.
    Vertex,
}

/// The rule that declares one optimum.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TieBreak {
    /// Among the risk origins of one weight.
    pub drain: Drain,
    /// Among the alternatives.
    pub fill: Fill,
}

/// The declared point of the optimal face, one exact amount per exporter.
///
/// [`Fill::Vertex`] is no rule; without a solver's vertex (see [`snap`]) the default stands in for it.
pub fn declare(program: &Program, market: &Market<'_>, optimum: &Optimum, rule: &TieBreak) -> Vec<ExactAmount> {
    let mut flows = Vec::new();
    declare_into(program, market, optimum, rule, &mut flows);
    flows
}

/// As [`declare`], in memory that is used again.
pub fn declare_into(program: &Program, market: &Market<'_>, optimum: &Optimum, rule: &TieBreak, flows: &mut Vec<ExactAmount>) {
    flows.clear();
    flows.resize(program.len(), ExactAmount::whole(0));
    for_each_block(program, optimum, |block, members| {
        let total = block.total;
        if block.cost > 0 {
            match &rule.drain {
                Drain::Proportional => proportional(program, members, total, flows),
                Drain::Order(first) => {
                    // Who is drained first is filled last.
                    let mut order = listed_first(market, members, first);
                    order.reverse();
                    in_order(program, &order, total, flows);
                }
            }
        } else {
            match &rule.fill {
                Fill::ProportionalCapacity | Fill::Vertex => proportional(program, members, total, flows),
                Fill::ProportionalFlow => nearest_to_today(program, members, total, flows),
                Fill::Order(first) => in_order(program, &listed_first(market, members, first), total, flows),
                Fill::MinHhi => water(program, members, total, flows),
                Fill::MinCost => in_order(program, &by_unit_value(market, members), total, flows),
            }
        }
    });
}

/// The optimum whose flows are as even as the bounds allow in every block: the least concentration of all optima.
pub fn most_even(program: &Program, optimum: &Optimum) -> Vec<ExactAmount> {
    let mut flows = vec![ExactAmount::whole(0); program.len()];
    for_each_block(program, optimum, |block, members| water(program, members, block.total, &mut flows));
    flows
}

/// A vertex given in shares of `T`, in doubles, as whole units. In each block all flows but one are at a bound: every flow is
/// moved to its nearest bound but the one that is farthest from both, which takes what is missing to the block's total. So the
/// rounding of the doubles leaves no trace. The result is certified like any other point.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)] // A vertex is known to a double's precision.
pub fn snap(program: &Program, optimum: &Optimum, vertex: &[f64]) -> Vec<ExactAmount> {
    let mut flows = program.lower.clone();
    for_each_block(program, optimum, |block, members| {
        let mut between: Option<(i64, usize)> = None;
        for &at in members {
            let units = (vertex.get(at).copied().unwrap_or(0.0) * program.total as f64).round() as i64;
            let units = units.clamp(program.lower[at], program.upper[at]);
            let (above, below) = (units - program.lower[at], program.upper[at] - units);
            flows[at] = if below < above { program.upper[at] } else { program.lower[at] };
            let distance = above.min(below);
            if distance > between.map_or(0, |(farthest, _)| farthest) {
                between = Some((distance, at));
            }
        }
        let mut rest = block.total - members.iter().map(|at| flows[*at]).sum::<i64>();
        for at in between.map(|(_, at)| at).into_iter().chain(members.iter().copied()) {
            let moved = rest.clamp(program.lower[at] - flows[at], program.upper[at] - flows[at]);
            flows[at] += moved;
            rest -= moved;
        }
    });
    flows.into_iter().map(ExactAmount::whole).collect()
}

/// Hands over each block with its exporters, ascending.
fn for_each_block(program: &Program, optimum: &Optimum, mut action: impl FnMut(&Block, &[usize])) {
    let mut members = Vec::with_capacity(program.len());
    for block in &optimum.blocks {
        members.clear();
        members.extend((0..program.len()).filter(|position| program.cost[*position] == block.cost));
        action(block, &members);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{UnitValue, closed_form, verify};
    use reorient_core::Usd;

    /// Risk origins 0 and 1; alternatives 2 to 5, of which 5 sells nothing to the bloc today.
    fn slack() -> Program {
        Program {
            scale: 1,
            weight_scale: 1,
            total: 100,
            cost: vec![1, 1, 0, 0, 0, 0],
            baseline: vec![20, 10, 40, 20, 10, 0],
            lower: vec![0, 0, 30, 20, 10, 0],
            upper: vec![20, 10, 60, 50, 12, 30],
        }
    }

    fn points(program: &Program, rule: &TieBreak) -> Vec<(i128, i128)> {
        let n = u16::try_from(program.len()).unwrap();
        let exporters: Vec<CountryIndex> = (0..n).map(CountryIndex).collect();
        let zero = vec![Usd::ZERO; program.len()];
        let price = |value, quantity| UnitValue { value: Usd::new(value), quantity };
        let unit_values = [price(0, 0), price(0, 0), price(9, 2), price(0, 0), price(3, 1), price(8, 4)];
        let market = Market { exporters: &exporters, imports: &zero, world_exports: &zero, unit_values: &unit_values };
        let optimum = closed_form(program).unwrap();
        let flows = declare(program, &market, &optimum, rule);
        verify(program, flows.clone(), 0, optimum.multiplier()).unwrap();
        flows
            .into_iter()
            .map(|flow| {
                if flow.numerator % flow.denominator == 0 {
                    (flow.numerator / flow.denominator, 1)
                } else {
                    (flow.numerator, flow.denominator)
                }
            })
            .collect()
    }

    fn whole(flows: &[i128]) -> Vec<(i128, i128)> {
        flows.iter().map(|flow| (*flow, 1)).collect()
    }

    #[test]
    fn every_rule_declares_its_own_point() {
        let country = CountryIndex;
        let fill = |fill| points(&slack(), &TieBreak { fill, ..TieBreak::default() });
        assert_eq!(fill(Fill::Order(vec![country(5), country(4)])), whole(&[0, 0, 38, 20, 12, 30]), "then by code");
        assert_eq!(fill(Fill::Order(vec![])), whole(&[0, 0, 60, 30, 10, 0]));
        assert_eq!(fill(Fill::MinCost), whole(&[0, 0, 38, 20, 12, 30]), "2, 3 and 4.5 a unit, then unknown");
        // Water at 29: 30 at its lower bound, 29, 12 at its upper bound, 29.
        assert_eq!(fill(Fill::MinHhi), whole(&[0, 0, 30, 29, 12, 29]));
        // 12 at its bound; 88 in proportion to 40 and 20.
        assert_eq!(fill(Fill::ProportionalFlow)[2..5], [(40 * 88, 60), (20 * 88, 60), (12, 1)]);
        // Room 30, 30, 2, 30; 40 to place.
        let proportional = fill(Fill::ProportionalCapacity);
        assert_eq!(proportional[4], (10 * 92 + 2 * 40, 92));
    }

    #[test]
    fn drained_in_order_the_first_is_emptied_first() {
        let program = Program { upper: vec![20, 10, 45, 25, 10, 5], ..slack() };
        let drain = |order: &[u16]| {
            let first = order.iter().map(|code| CountryIndex(*code)).collect();
            points(&program, &TieBreak { drain: Drain::Order(first), ..TieBreak::default() })[..2].to_vec()
        };
        assert_eq!(drain(&[1]), whole(&[15, 0]));
        assert_eq!(drain(&[]), whole(&[5, 10]), "by code");
        assert_eq!(points(&program, &TieBreak::default())[..2], whole(&[10, 5]));
    }

    #[test]
    fn what_todays_suppliers_cannot_carry_goes_to_new_ones() {
        let program = Program { upper: vec![20, 10, 45, 22, 12, 30], ..slack() };
        let flows = points(&program, &TieBreak { fill: Fill::ProportionalFlow, ..TieBreak::default() });
        assert_eq!(flows[2..5], whole(&[45, 22, 12]));
        assert_eq!(flows[5], (21, 1));
    }

    #[test]
    fn a_vertex_becomes_whole_units_with_the_right_sums() {
        let program = slack();
        let optimum = closed_form(&program).unwrap();
        let flows = snap(&program, &optimum, &[1e-12, -1e-12, 0.600_000_1, 0.299_999_9, 0.1, 0.0]);
        assert_eq!(verify(&program, flows.clone(), 0, 0).unwrap().flows(), flows);
        assert_eq!(flows[2], ExactAmount::whole(60));
    }

    /// What is missing to the total goes to the one flow that is between its bounds, not to a wider one that is at a bound.
    #[test]
    fn the_flow_in_between_takes_the_rest() {
        let program = Program {
            scale: 1,
            weight_scale: 1,
            total: 104,
            cost: vec![0, 0, 0],
            baseline: vec![0, 0, 100],
            lower: vec![0; 3],
            upper: vec![100, 10, 100],
        };
        let optimum = closed_form(&program).unwrap();
        let flows = snap(&program, &optimum, &[0.0, 4.2 / 104.0, 99.9 / 104.0]);
        assert_eq!(flows, [0, 4, 100].map(ExactAmount::whole));
    }
}
