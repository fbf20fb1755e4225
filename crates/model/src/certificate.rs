//! Step M6 of docs/method.md: an independent check of every allocation. It knows the program and nothing of how the
//! allocation was found.

use crate::amount::product;
use crate::{Bounds, ExactAmount, Program};

/// Why an allocation is not certified.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Rejection {
    /// Another number of flows than exporters.
    #[error("the allocation has {found} flows for {expected} exporters")]
    Length {
        /// Exporters of the program.
        expected: usize,
        /// Flows of the allocation.
        found: usize,
    },
    /// A flow outside its bounds, or no number at all.
    #[error("the flow at position {0} is outside its bounds")]
    Bounds(usize),
    /// Imports are not preserved.
    #[error("the flows and the unmet imports do not sum to the bloc's imports")]
    Sum,
    /// A negative amount of unmet imports.
    #[error("the unmet imports are negative")]
    NegativeUnmet,
    /// Imports are unmet although an exporter can supply more.
    #[error("imports are unmet although the exporter at position {0} can supply more")]
    UnmetBesideRoom(usize),
    /// Amounts beyond exact arithmetic.
    #[error("the amounts are too large to be checked exactly")]
    Overflow,
    /// Feasible, but not shown to be optimal.
    #[error("the value {primal} is not matched by the dual bound {dual} (units of the program)")]
    Gap {
        /// Value of the allocation.
        primal: String,
        /// Bound that the multiplier proves.
        dual: String,
    },
}

/// Proof of optimality in units of `1 / (scale weight_scale)` dollars: `primal = dual`, exactly. Where imports are unmet, every flow
/// is at its upper bound, so the point is the only one with so little unmet, and its value is its own bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Certificate {
    /// Imports that nobody can supply, in units of the program.
    pub unmet: i64,
    /// Value of the allocation: imports left with the risk origins, times their weights.
    pub primal: i128,
    /// Lower bound on every feasible value, proved by `multiplier`.
    pub dual: i128,
    /// Multiplier of the equality.
    pub multiplier: i64,
}

/// An allocation that [`verify`] accepted; nothing else makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertifiedAllocation {
    flows: Vec<ExactAmount>,
    certificate: Certificate,
}

impl CertifiedAllocation {
    /// One amount per exporter, in units of the program.
    pub fn flows(&self) -> &[ExactAmount] {
        &self.flows
    }

    /// The amounts alone, so that their memory can be used again.
    pub fn into_flows(self) -> Vec<ExactAmount> {
        self.flows
    }

    /// The proof.
    pub const fn certificate(&self) -> Certificate {
        self.certificate
    }
}

/// Certifies `flows` and `unmet` imports as an optimum of `program`, in exact integers.
///
/// Primal: bounds hold, and flows and unmet imports sum to `T`. Dual: with nothing unmet, for any multiplier `l` of the equality,
/// `l T + sum min over [L, U] of (w - l) x` is a lower bound on every feasible value (weak duality), and equal values prove optimality.
/// With unmet imports, every flow must be at its upper bound: then nothing can supply more, and no other point has so little unmet.
///
/// # Errors
/// [`Rejection`] with the first condition that fails.
pub fn verify(program: &Program, flows: Vec<ExactAmount>, unmet: i64, multiplier: i64) -> Result<CertifiedAllocation, Rejection> {
    if unmet < 0 {
        return Err(Rejection::NegativeUnmet);
    }
    if flows.len() != program.len() {
        return Err(Rejection::Length { expected: program.len(), found: flows.len() });
    }
    let mut tallies: Vec<Tally> = Vec::with_capacity(4);
    for (position, (flow, bounds)) in flows.iter().zip(program.exporters()).enumerate() {
        let Bounds { cost, lower, upper, .. } = bounds;
        // Most denominators are short, and then no product can overflow.
        let times = |bound: i64| match i64::try_from(flow.denominator) {
            Ok(denominator) => Ok(i128::from(bound) * i128::from(denominator)),
            Err(_) => i128::from(bound).checked_mul(flow.denominator).ok_or(Rejection::Overflow),
        };
        let within = flow.denominator > 0 && times(lower)? <= flow.numerator && flow.numerator <= times(upper)?;
        if !within {
            return Err(Rejection::Bounds(position));
        }
        if unmet > 0 && flow.numerator != times(upper)? {
            return Err(Rejection::UnmetBesideRoom(position));
        }
        let own = |tally: &Tally| tally.cost == cost && tally.flow.denominator == flow.denominator;
        let at = tallies.iter().position(own).unwrap_or_else(|| {
            tallies.push(Tally { cost, flow: ExactAmount { numerator: 0, ..*flow }, lower: 0, upper: 0 });
            tallies.len() - 1
        });
        let tally = &mut tallies[at];
        tally.flow.numerator = tally.flow.numerator.checked_add(flow.numerator).ok_or(Rejection::Overflow)?;
        tally.lower += i128::from(lower);
        tally.upper += i128::from(upper);
    }
    if exact_sum(tallies.iter())? != Some(i128::from(program.total) - i128::from(unmet)) {
        return Err(Rejection::Sum);
    }
    let primal = weighed_sum(&tallies)?;
    let dual = match primal {
        Some(only) if unmet > 0 => only,
        _ => dual_bound(program, &tallies, multiplier)?,
    };
    match primal {
        Some(primal) if primal == dual => {
            Ok(CertifiedAllocation { flows, certificate: Certificate { unmet, primal, dual, multiplier } })
        }
        primal => Err(Rejection::Gap {
            primal: primal.map_or_else(|| "(not a whole number)".to_owned(), |value| value.to_string()),
            dual: dual.to_string(),
        }),
    }
}

/// Sums over the exporters of one cost whose flows have one denominator.
struct Tally {
    cost: i64,
    flow: ExactAmount,
    lower: i128,
    upper: i128,
}

/// The lower bound on every feasible value that a multiplier of the equality proves, in units of the program.
///
/// # Errors
/// [`Rejection::Overflow`] for multipliers far from the weights.
fn dual_bound(program: &Program, tallies: &[Tally], multiplier: i64) -> Result<i128, Rejection> {
    let mut bound = i128::from(multiplier) * i128::from(program.total);
    for tally in tallies {
        let reduced = i128::from(tally.cost) - i128::from(multiplier);
        let at = if reduced >= 0 { tally.lower } else { tally.upper };
        let least = product(reduced, at).ok_or(Rejection::Overflow)?;
        bound = bound.checked_add(least).ok_or(Rejection::Overflow)?;
    }
    Ok(bound)
}

/// Sum of the flows times their costs when the sum of each cost is whole; a block's total is.
fn weighed_sum(tallies: &[Tally]) -> Result<Option<i128>, Rejection> {
    let mut value: i128 = 0;
    for (position, Tally { cost, .. }) in tallies.iter().enumerate() {
        if *cost == 0 || tallies[..position].iter().any(|earlier| earlier.cost == *cost) {
            continue;
        }
        let Some(sum) = exact_sum(tallies.iter().filter(|tally| tally.cost == *cost))? else { return Ok(None) };
        let weighed = product(sum, i128::from(*cost)).and_then(|weighed| value.checked_add(weighed));
        value = weighed.ok_or(Rejection::Overflow)?;
    }
    Ok(Some(value))
}

/// Sum of exact amounts when it is whole; amounts that share a denominator are added first.
fn exact_sum<'a>(tallies: impl Iterator<Item = &'a Tally>) -> Result<Option<i128>, Rejection> {
    let mut by_denominator: Vec<ExactAmount> = Vec::with_capacity(2);
    for Tally { flow, .. } in tallies {
        match by_denominator.iter_mut().find(|sum| sum.denominator == flow.denominator) {
            Some(sum) => sum.numerator = sum.numerator.checked_add(flow.numerator).ok_or(Rejection::Overflow)?,
            None => by_denominator.push(*flow),
        }
    }
    let mut total: i128 = 0;
    for sum in by_denominator {
        if sum.numerator % sum.denominator != 0 {
            return Ok(None);
        }
        total = total.checked_add(sum.numerator / sum.denominator).ok_or(Rejection::Overflow)?;
    }
    Ok(Some(total))
}

/// Checks a solver's vertex in doubles: bounds, sum, unmet imports and value within `1e-9 max(T, 1 kUSD)` of the certified value.
///
/// `flows` are in shares of `T`, as in [`LinearProgram`](crate::LinearProgram): one per exporter, then the unmet imports where that
/// program has them.
///
/// # Errors
/// [`Rejection`] with the first condition that fails.
#[allow(clippy::cast_precision_loss)] // A check in doubles with a tolerance.
pub fn check_vertex(program: &Program, flows: &[f64], certificate: Certificate) -> Result<(), Rejection> {
    let columns = program.len() + usize::from(program.unmet() > 0);
    if flows.len() != columns {
        return Err(Rejection::Length { expected: columns, found: flows.len() });
    }
    let unit = (program.total.max(1)) as f64;
    let tolerance = 1e-9 * (unit.max(1_000.0 * program.scale as f64)) / unit;
    let (flows, unmet) = flows.split_at(program.len());
    let unmet = unmet.first().copied().unwrap_or(0.0);
    let unmet_is_near = (unmet - certificate.unmet as f64 / unit).abs() <= tolerance;
    // NaN is near nothing.
    if !unmet_is_near {
        return Err(Rejection::Sum);
    }
    for (position, &flow) in flows.iter().enumerate() {
        let (lower, upper) = (program.lower[position] as f64 / unit, program.upper[position] as f64 / unit);
        // Written so that NaN fails.
        if !(flow >= lower - tolerance && flow <= upper + tolerance) {
            return Err(Rejection::Bounds(position));
        }
    }
    let sum: f64 = flows.iter().sum::<f64>() + unmet;
    let expected = if program.total == 0 { 0.0 } else { 1.0 };
    if (sum - expected).abs() > tolerance {
        return Err(Rejection::Sum);
    }
    let weight = |cost: &i64| *cost as f64 / program.weight_scale as f64;
    let value: f64 = flows.iter().zip(&program.cost).map(|(flow, cost)| weight(cost) * flow).sum();
    let certified = certificate.primal as f64 / program.weight_scale as f64 / unit;
    // The value of a point within the tolerance of its bounds is off by the weight.
    let dearest = program.cost.iter().map(weight).fold(1.0, f64::max);
    if (value - certified).abs() > tolerance * dearest {
        return Err(Rejection::Gap { primal: (value * unit).to_string(), dual: certificate.dual.to_string() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::closed_form;

    fn program() -> Program {
        Program {
            scale: 20,
            total: 35,
            weight_scale: 1,
            cost: vec![1, 1, 0, 0],
            baseline: vec![10, 20, 5, 0],
            lower: vec![0, 0, 5, 0],
            upper: vec![10, 20, 12, 8],
        }
    }

    #[test]
    fn a_point_that_meets_the_bound_is_certified() {
        let program = program();
        let optimum = closed_form(&program).unwrap_or_else(|_| unreachable!("feasible"));
        let flows = [5, 10, 12, 8].map(ExactAmount::whole).to_vec();
        let certified = verify(&program, flows, 0, optimum.multiplier());
        let expected = Certificate { unmet: 0, primal: 15, dual: 15, multiplier: 1 };
        assert_eq!(certified.map(|certified| certified.certificate()), Ok(expected));
    }

    #[test]
    fn wrong_allocations_are_refused() {
        let whole = |flows: [i64; 4]| flows.map(ExactAmount::whole).to_vec();
        let check = |flows, multiplier| verify(&program(), flows, 0, multiplier).map(|_| ());
        assert_eq!(check(whole([5, 10, 12, 8]), 1), Ok(()));
        assert_eq!(check(whole([11, 4, 12, 8]), 1), Err(Rejection::Bounds(0)));
        assert_eq!(check(whole([5, 9, 12, 8]), 1), Err(Rejection::Sum));
        assert!(matches!(check(whole([6, 10, 11, 8]), 1), Err(Rejection::Gap { .. })), "feasible, not optimal");
        assert!(matches!(check(whole([5, 10, 12, 8]), 0), Err(Rejection::Gap { .. })), "optimal, not proved");
        assert!(matches!(check(vec![ExactAmount::whole(0)], 1), Err(Rejection::Length { .. })));
        let no_number = vec![ExactAmount { numerator: 5, denominator: 0 }; 4];
        assert_eq!(check(no_number, 1), Err(Rejection::Bounds(0)));
    }

    #[test]
    fn unmet_imports_are_certified_where_nobody_can_supply_more() {
        let program = Program { total: 60, ..program() };
        let whole = |flows: [i64; 4]| flows.map(ExactAmount::whole).to_vec();
        let check = |flows, unmet| verify(&program, whole(flows), unmet, 0).map(|certified| certified.certificate().unmet);
        assert_eq!(check([10, 20, 12, 8], 10), Ok(10));
        assert_eq!(check([10, 20, 12, 8], 9), Err(Rejection::Sum));
        assert_eq!(check([10, 20, 12, 8], 11), Err(Rejection::Sum));
        assert_eq!(check([10, 20, 12, 8], 0), Err(Rejection::Sum));
        assert_eq!(check([10, 20, 12, 8], -10), Err(Rejection::NegativeUnmet));
        assert_eq!(check([10, 20, 11, 8], 11), Err(Rejection::UnmetBesideRoom(2)), "the sum is right, but not the least unmet");
        assert_eq!(check([9, 20, 12, 8], 11), Err(Rejection::UnmetBesideRoom(0)), "missing goods are no cut");
        assert_eq!(check([11, 20, 12, 8], 9), Err(Rejection::Bounds(0)));
    }

    #[test]
    fn vertices_are_checked_with_a_tolerance() {
        let certificate = Certificate { unmet: 0, primal: 15, dual: 15, multiplier: 1 };
        let check = |flows: [f64; 4]| check_vertex(&program(), &flows.map(|flow| flow / 35.0), certificate);
        assert_eq!(check([5.0, 10.0, 12.0, 8.0]), Ok(()));
        assert!(check([5.0, 10.0, 12.0, f64::NAN]).is_err());
        assert!(check([5.0, 10.1, 12.0, 8.0]).is_err());
        assert!(check([6.0, 10.0, 11.0, 8.0]).is_err());
    }
}
