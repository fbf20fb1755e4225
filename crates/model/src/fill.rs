//! The rules behind a declared point (step M5 of docs/method.md): each lays a block's total on its members within their
//! bounds, in exact fractions.
//!
//! A total that a rule is given always fits: it lies between the sums of the members' bounds.

use reorient_core::CountryIndex;

use crate::{ExactAmount, Market, Program};

fn times(one: i64, other: i64) -> i128 {
    i128::from(one) * i128::from(other)
}

/// `x = L + (U - L) (M - sum L) / sum (U - L)`.
pub(crate) fn proportional(program: &Program, members: &[usize], total: i64, flows: &mut [ExactAmount]) {
    let least: i64 = members.iter().map(|position| program.lower[*position]).sum();
    let room: i64 = members.iter().map(|position| program.upper[*position]).sum::<i64>() - least;
    for &position in members {
        let (lower, upper) = (program.lower[position], program.upper[position]);
        flows[position] = if total == least || upper == lower {
            ExactAmount::whole(lower)
        } else if total - least == room {
            ExactAmount::whole(upper)
        } else {
            ExactAmount { numerator: times(lower, room) + times(upper - lower, total - least), denominator: room.into() }
        };
    }
}

/// From the lower bounds, each up to its upper bound before the next in `order`.
pub(crate) fn in_order(program: &Program, order: &[usize], total: i64, flows: &mut [ExactAmount]) {
    let mut rest = total - order.iter().map(|position| program.lower[*position]).sum::<i64>();
    for &position in order {
        let taken = rest.min(program.upper[position] - program.lower[position]);
        flows[position] = ExactAmount::whole(program.lower[position] + taken);
        rest -= taken;
    }
}

/// `x = clamp(tau, L, U)` with the one level `tau` that gives the total: the least sum of squares.
///
/// The sum grows with `tau` and is linear between bounds. A bound amid the open stretch is tried as the level; that settles
/// which side of it the level is on, and with it every member whose bounds lie on the other side. What is left when no bound
/// is amid the stretch moves with the level. Expected time is linear in the members, as of any search by halves.
pub(crate) fn water(program: &Program, members: &[usize], total: i64, flows: &mut [ExactAmount]) {
    let tau = water_level(program, members, total);
    for &at in members {
        let (lower, upper) = (program.lower[at], program.upper[at]);
        flows[at] = if tau.numerator <= i128::from(lower) * tau.denominator {
            ExactAmount::whole(lower)
        } else if tau.numerator >= i128::from(upper) * tau.denominator {
            ExactAmount::whole(upper)
        } else {
            tau
        };
    }
}

fn water_level(program: &Program, members: &[usize], total: i64) -> ExactAmount {
    let sum = |bounds: &[i64]| members.iter().map(|at| bounds[*at]).sum::<i64>();
    let (most, least) = (sum(&program.upper), sum(&program.lower));
    if total <= least || total >= most {
        // All at one of their bounds: a level beyond any of them.
        return ExactAmount::whole(if total <= least { 0 } else { most });
    }
    // The level is above `from` and not above `to`; the sum of all that are settled is `fixed`.
    let mut open: Vec<(i64, i64)> = members.iter().map(|at| (program.lower[*at], program.upper[*at])).collect();
    let (mut from, mut to, mut fixed, mut moving) = (-1, most, 0, 0);
    loop {
        let amid = |bound: i64| from < bound && bound < to;
        let half = open.len() / 2;
        let bounds = open[half..].iter().chain(&open[..half]).flat_map(|(lower, upper)| [*lower, *upper]);
        let Some(pivot) = bounds.clone().find(|bound| amid(*bound)) else { break };
        let at_pivot = fixed + moving * pivot + open.iter().map(|(lower, upper)| pivot.clamp(*lower, *upper)).sum::<i64>();
        if at_pivot >= total {
            to = pivot;
        } else {
            from = pivot;
        }
        open.retain(|(lower, upper)| {
            if *lower >= to {
                fixed += lower;
            } else if *upper <= from {
                fixed += upper;
            } else if *lower <= from && *upper >= to {
                moving += 1;
            } else {
                return true;
            }
            false
        });
    }
    // Whoever is still open has its bounds at the ends of the stretch and moves through it.
    for (lower, upper) in open {
        if lower >= to {
            fixed += lower;
        } else if upper <= from {
            fixed += upper;
        } else {
            moving += 1;
        }
    }
    ExactAmount { numerator: (total - fixed).into(), denominator: i128::from(moving) }
}

/// `x = clamp(t x0, L, U)`; what is beyond the upper bounds of all that sell today goes to the others in proportion to `U`.
pub(crate) fn nearest_to_today(program: &Program, members: &[usize], total: i64, flows: &mut [ExactAmount]) {
    let (today, new): (Vec<usize>, Vec<usize>) = members.iter().partition(|position| program.baseline[**position] > 0);
    let most: i64 = today.iter().map(|position| program.upper[*position]).sum();
    let of_today = total.min(most);
    level(program, &today, of_today, |position| program.baseline[position], flows);
    // Without a flow today the lower bound is zero.
    proportional(program, &new, total - of_today, flows);
}

/// `x = clamp(t weight, L, U)` with the `t` that gives the total; every weight is positive.
///
/// The sum grows with `t` and is linear between the points where a flow meets one of its bounds. A search among these
/// finds the stretch of the total; there `t` is a fraction over the weights that are free.
fn level(program: &Program, members: &[usize], total: i64, weight: impl Fn(usize) -> i64, flows: &mut [ExactAmount]) {
    let mut meetings: Vec<(i64, i64)> = members
        .iter()
        .flat_map(|position| [program.lower[*position], program.upper[*position]].map(|bound| (bound, weight(*position))))
        .collect();
    meetings.sort_unstable_by(|left, right| times(left.0, right.1).cmp(&times(right.0, left.1)));
    // Sum of the flows at t = p / q, times q.
    let sum_at = |(p, q): (i64, i64)| -> i128 {
        let flow = |at: usize| times(p, weight(at)).clamp(times(q, program.lower[at]), times(q, program.upper[at]));
        members.iter().map(|at| flow(*at)).sum()
    };
    let after = meetings.partition_point(|meeting| sum_at(*meeting) < times(meeting.1, total));
    // At the last meeting all are at their upper bounds, which carry the total.
    let Some(&(p, q)) = meetings.get(after.min(meetings.len().saturating_sub(1))) else { return };
    let before = after.checked_sub(1).map(|before| meetings[before]);
    // Free are those that move between the two meetings around the total.
    let is_free = |at: usize| {
        let starts = before.is_some_and(|(p, q)| times(program.lower[at], q) <= times(p, weight(at)));
        starts && times(p, weight(at)) <= times(program.upper[at], q) && program.lower[at] < program.upper[at]
    };
    let at_end =
        |at: usize| if times(p, weight(at)) >= times(program.upper[at], q) { program.upper[at] } else { program.lower[at] };
    let fixed: i64 = members.iter().filter(|at| !is_free(**at)).map(|at| at_end(*at)).sum();
    let free: i64 = members.iter().filter(|at| is_free(**at)).map(|at| weight(*at)).sum();
    for &at in members {
        flows[at] = if is_free(at) {
            ExactAmount { numerator: times(weight(at), total - fixed), denominator: free.into() }
        } else {
            ExactAmount::whole(at_end(at))
        };
    }
}

/// Listed countries in their order, then the others by code. Positions ascend by code.
pub(crate) fn listed_first(market: &Market<'_>, members: &[usize], listed: &[CountryIndex]) -> Vec<usize> {
    let rank = |position: &usize| listed.iter().position(|country| *country == market.exporters[*position]);
    let mut order = members.to_vec();
    order.sort_by_key(|position| (rank(position).unwrap_or(listed.len()), *position));
    order
}

/// By ascending unit value, unknown ones last, ties by code.
pub(crate) fn by_unit_value(market: &Market<'_>, members: &[usize]) -> Vec<usize> {
    let mut order = members.to_vec();
    order.sort_by(|left, right| {
        let of = |position: usize| market.unit_values.get(position).copied().unwrap_or_default();
        of(*left).cmp(&of(*right)).then(left.cmp(right))
    });
    order
}
