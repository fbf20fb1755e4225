//! Risk against concentration in one product (step M8 of docs/method.md): the least sum of squared flows among *all* feasible
//! allocations, not only optimal ones, with at most a given value, exactly.
//!
//! The sum of squares is strictly convex, so there is one least point for each bound on the value `V = sum w x`. By the
//! Karush-Kuhn-Tucker conditions of
//!
//! ```text
//! minimise  sum of x^2   subject to   sum of x = T,   sum of w x <= V,   L <= x <= U
//! ```
//!
//! it is `x = clamp(level - price w, L, U)`, with the level that gives `T` and a price `>= 0` that is 0 where the value does not
//! bind. So it is water-filling with the risk origins raised by their price: alternatives are even among themselves, risk
//! origins of one weight too, and only the steps between these levels are bought. As the price rises from 0, the value falls
//! from that of the least concentrated allocation of all to the optimum; one more unit of value takes `2 price` off the sum of
//! squares.

use crate::rational::{Rational, SquaresSum};
use crate::water::level;
use crate::{ConcentrationCurve, ExactAmount, FloorsExceedImports, Optimum, Program, Ratio, closed_form};

/// Why there is no least concentrated allocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConcentrationError {
    /// No allocation meets the bounds at all.
    #[error(transparent)]
    Infeasible(#[from] FloorsExceedImports),
    /// All origins together cannot supply what is imported; what they do supply is one point.
    #[error("all origins together cannot supply the bloc's imports")]
    Unmet,
    /// Less than every allocation has.
    #[error("no allocation has so little risk imports")]
    BelowOptimum,
    /// A price below zero, or over zero.
    #[error("the price of risk is no number from 0 on")]
    Price,
    /// Fractions beyond exact arithmetic.
    #[error("the fractions of this product are too fine for exact arithmetic; use shares and weights with fewer decimals")]
    Overflow,
}

/// The one feasible allocation with the least sum of squares for its value.
#[derive(Debug, Clone, PartialEq)]
pub struct LeastSquares {
    /// One amount per exporter, in units of the program.
    pub flows: Vec<ExactAmount>,
    /// Flow from all risk origins, in units of the program.
    pub risk_total: ExactAmount,
    /// `V`: the same with each origin's weight, in units of `1 / (scale weight_scale)` dollars.
    pub value: ExactAmount,
    /// Sum of the squared flows, in squared units of the program.
    pub squares: SquaresSum,
    /// Half of what one more unit of value takes off the squares, in units of the program over those of a weight.
    pub price: ExactAmount,
}

impl LeastSquares {
    /// The flows at a level and a price; none beyond exact arithmetic.
    pub(crate) fn at(program: &Program, level: Rational, price: Rational) -> Option<Self> {
        let mut flows = vec![ExactAmount::whole(0); program.len()];
        let (mut risk_total, mut value) = (Rational::ZERO, Rational::ZERO);
        let mut squares = SquaresSum::whole(0);
        for cost in program.costs() {
            let free = level.minus(price.times(Rational::whole(cost))?)?;
            let (mut at_bounds, mut n_free) = (0_i64, 0_i64);
            for at in (0..program.len()).filter(|at| program.cost[*at] == cost) {
                let (lower, upper) = (program.lower[at], program.upper[at]);
                let bound = if free <= Rational::whole(lower) { Some(lower) } else { None };
                let bound = bound.or(if free >= Rational::whole(upper) { Some(upper) } else { None });
                flows[at] = bound.map_or(free.amount(), ExactAmount::whole);
                at_bounds += bound.unwrap_or(0);
                n_free += i64::from(bound.is_none());
                squares = bound.map_or(Some(squares), |bound| squares.plus(1, Rational::whole(bound)))?;
            }
            squares = squares.plus(n_free.into(), free)?;
            if cost > 0 {
                let sum = Rational::whole(n_free).times(free)?.plus(Rational::whole(at_bounds))?;
                risk_total = risk_total.plus(sum)?;
                value = value.plus(sum.times(Rational::whole(cost))?)?;
            }
        }
        Some(Self { flows, risk_total: risk_total.amount(), value: value.amount(), squares, price: price.amount() })
    }
}

/// The least concentrated of all feasible allocations with at most this value: with equal weights, with at most so much from
/// the risk origins.
///
/// `value` is in units of `1 / (scale weight_scale)` dollars. From the optimal value on there is an answer; beyond the value of
/// the least concentrated allocation of all it stays the same.
///
/// # Errors
/// [`ConcentrationError`] by name. Several values of one program are cheaper from one [`ConcentrationCurve`].
pub fn least_squares_at(program: &Program, value: ExactAmount) -> Result<LeastSquares, ConcentrationError> {
    ConcentrationCurve::new(program)?.at_value(program, value)
}

/// The allocation that a price on risk makes best: it minimises `T HHI + lambda V`, both in dollars, over all that is feasible.
///
/// Over several products, the sum of `T HHI` is their imports times the mean of their indices weighted by imports. So one
/// `lambda` for all gives the least mean index for what they leave of risk together, and a sweep over `lambda` gives the curve
/// of the whole. At 0 it is the least concentrated allocation of all. From a finite price on it is the optimum, with equal weights
/// at the latest from 2 on: no flow is larger than `T`.
///
/// # Errors
/// [`ConcentrationError`] by name. Where the flows are not asked for, [`ConcentrationCurve::at_price`] is faster.
pub fn at_price(program: &Program, lambda: Ratio) -> Result<LeastSquares, ConcentrationError> {
    optimum_of(program)?;
    let price = price_of(program.total, program.weight_scale, lambda)?;
    priced(program, price).ok_or(ConcentrationError::Overflow)
}

/// The optimum of a program whose imports can be supplied in full.
pub(crate) fn optimum_of(program: &Program) -> Result<Optimum, ConcentrationError> {
    let optimum = closed_form(program)?;
    if optimum.unmet > 0 { Err(ConcentrationError::Unmet) } else { Ok(optimum) }
}

/// The price in the units of a program: `T HHI = sum of x^2 / T`, so `x = clamp(level - lambda T w / 2, L, U)` with `w` in whole
/// weights.
pub(crate) fn price_of(total: i64, weight_scale: i64, lambda: Ratio) -> Result<Rational, ConcentrationError> {
    if lambda.numerator < 0 || lambda.denominator <= 0 {
        return Err(ConcentrationError::Price);
    }
    let price = || {
        let half = Rational::new(total.into(), i128::from(weight_scale) * 2)?;
        Rational::new(lambda.numerator, lambda.denominator)?.times(half)
    };
    price().ok_or(ConcentrationError::Overflow)
}

/// Water-filling with every exporter raised by its price; none beyond exact arithmetic.
fn priced(program: &Program, price: Rational) -> Option<LeastSquares> {
    let ExactAmount { numerator, denominator } = price.amount();
    let mut total = i128::from(program.total).checked_mul(denominator)?;
    let mut largest = 0_i128;
    let mut bounds = Vec::with_capacity(program.len());
    for at in 0..program.len() {
        let raised = i128::from(program.cost[at]).checked_mul(numerator)?;
        let raise = |bound: i128| bound.checked_mul(denominator)?.checked_add(raised);
        let (lower, upper) = program.bounds(at);
        let (lower, upper) = (raise(lower)?, raise(upper)?);
        total = total.checked_add(raised)?;
        largest = upper.max(largest);
        bounds.push((lower, upper));
    }
    // The largest sum of them times their number.
    let n_flows = i128::try_from(program.len()).ok()?;
    largest.checked_mul(n_flows)?.checked_mul(n_flows)?;
    let level = level(bounds.into_iter(), total)?.over(Rational::whole(denominator))?;
    LeastSquares::at(program, level, price)
}
