//! The two sums of a group in fixed lanes; see the module above for why their order is fixed.

use fearless_simd::{Simd, f64x8, i64x8, prelude::*};
use reorient_core::Usd;

/// Values in a vector, on every machine.
pub(super) const LANES: usize = 8;

/// Sums in this range have squares and a square that neither overflow nor lose digits.
const SAFE: std::ops::RangeInclusive<f64> = power_of_two(-200)..=power_of_two(500);

/// A number that can be an amount: `f64` or [`Usd`].
pub trait Amount: Lanes {}
impl Amount for f64 {}
impl Amount for Usd {}

/// How eight amounts become a vector. Not nameable outside, so that [`Amount`] is closed.
pub trait Lanes: Copy {
    /// No amount.
    const ZERO: Self;

    /// Eight amounts as `f64`, to the nearest where not exact.
    fn load<S: Simd>(simd: S, amounts: &[Self; LANES]) -> f64x8<S>;
}

impl Lanes for f64 {
    const ZERO: Self = 0.0;

    #[inline(always)]
    fn load<S: Simd>(simd: S, amounts: &[Self; LANES]) -> f64x8<S> {
        f64x8::load_array_ref(simd, amounts)
    }
}

impl Lanes for Usd {
    const ZERO: Self = Self::ZERO;

    #[inline(always)]
    fn load<S: Simd>(simd: S, amounts: &[Self; LANES]) -> f64x8<S> {
        f64x8::float_from(i64x8::load_array(simd, amounts.map(Self::get)))
    }
}

/// Two to the power of a normal exponent.
const fn power_of_two(exponent: i64) -> f64 {
    f64::from_bits((1023 + exponent).cast_unsigned() << 52)
}

/// The index of one group.
#[inline(always)]
pub(super) fn index<S: Simd, A: Amount>(simd: S, amounts: &[A]) -> Option<f64> {
    let (sum, squares) = sums(simd, amounts, |vector| vector);
    if SAFE.contains(&sum) { Some(ratio(sum, squares)) } else { rescaled(simd, amounts, sum) }
}

/// A sum of squares over the square of a sum; rounding may not lift it above the monopoly.
#[inline(always)]
fn ratio(sum: f64, squares: f64) -> f64 {
    (squares / (sum * sum)).min(1.0)
}

/// Sum and sum of squares of a group, each amount passed through `scale`.
#[inline(always)]
fn sums<S: Simd, A: Amount>(simd: S, amounts: &[A], scale: impl Fn(f64x8<S>) -> f64x8<S>) -> (f64, f64) {
    let Some(last) = amounts.last_chunk() else {
        let vector = scale(padded(simd, amounts));
        return (total(vector), total(vector * vector));
    };
    let mut sum = f64x8::splat(simd, 0.0);
    let mut squares = sum;
    let (vectors, rest) = amounts.as_chunks();
    for vector in vectors {
        let vector = scale(A::load(simd, vector));
        sum += vector;
        squares += vector * vector;
    }
    if !rest.is_empty() {
        let vector = scale(tail(simd, last, rest.len()));
        sum += vector;
        squares += vector * vector;
    }
    (total(sum), total(squares))
}

/// The last `n_rest < 8` amounts of a longer group in the last lanes, zeros before them: those lanes were added already.
#[inline(always)]
fn tail<S: Simd, A: Amount>(simd: S, last: &[A; LANES], n_rest: usize) -> f64x8<S> {
    let lane = f64x8::simd_from(simd, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
    let first = f64x8::splat(simd, (LANES - n_rest) as f64);
    lane.simd_ge(first).select(A::load(simd, last), f64x8::splat(simd, 0.0))
}

/// Fewer than eight amounts in the last lanes, zeros before them.
#[inline(always)]
fn padded<S: Simd, A: Amount>(simd: S, amounts: &[A]) -> f64x8<S> {
    let empty = LANES - amounts.len();
    let amount = |lane: usize| lane.checked_sub(empty).and_then(|at| amounts.get(at)).copied().unwrap_or(A::ZERO);
    A::load(simd, &std::array::from_fn(amount))
}

/// All lanes, added in a tree: halves of eight, of four, of two.
#[inline(always)]
fn total<S: Simd>(vector: f64x8<S>) -> f64 {
    let (low, high) = vector.split();
    let (low, high) = (low + high).split();
    let pair = low + high;
    pair[0] + pair[1]
}

/// The index of a group with a sum outside of [`SAFE`].
#[cold]
#[inline(never)]
fn rescaled<S: Simd, A: Amount>(simd: S, amounts: &[A], sum: f64) -> Option<f64> {
    // Below zero is what negative amounts may leave.
    if sum.is_nan() || sum <= 0.0 {
        return None;
    }
    let factor = power_of_two(if sum < *SAFE.start() { 600 } else { -700 });
    let (sum, squares) = simd.vectorize(
        #[inline(always)]
        || sums(simd, amounts, |vector| vector * factor),
    );
    sum.is_finite().then(|| ratio(sum, squares))
}
