//! Exact fractions inside a program and the fixed-point amount of published figures.

use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};

use reorient_core::Usd;

/// A published amount in units of 1e-9 US dollars. Sums are exact; a world of trade (2.3e22) is far below 1.7e38.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct NanoUsd(pub i128);

impl NanoUsd {
    /// Units in a dollar.
    pub const PER_USD: i128 = 1_000_000_000;

    /// `units / scale` dollars, rounded half to even at 1e-9 dollars.
    #[inline]
    pub fn from_scaled(units: impl Into<i128>, scale: i64) -> Self {
        ExactAmount { numerator: units.into(), denominator: 1 }.to_nano(scale)
    }

    /// The nearest double, in dollars.
    #[inline]
    pub fn to_dollars(self) -> f64 {
        nearest_double(self.0) / 1e9
    }
}

impl From<Usd> for NanoUsd {
    #[inline]
    fn from(amount: Usd) -> Self {
        Self(i128::from(amount.get()) * Self::PER_USD)
    }
}

impl Add for NanoUsd {
    type Output = Self;
    #[inline]
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for NanoUsd {
    type Output = Self;
    #[inline]
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl AddAssign for NanoUsd {
    #[inline]
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl Sum for NanoUsd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::default(), Add::add)
    }
}

/// `numerator / denominator` units of a program, exactly. The denominator is positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExactAmount {
    /// Above the bar.
    pub numerator: i128,
    /// Below the bar; positive.
    pub denominator: i128,
}

impl ExactAmount {
    /// A whole number of units.
    #[inline]
    pub fn whole(units: i64) -> Self {
        Self { numerator: units.into(), denominator: 1 }
    }

    /// Rounds half to even at 1e-9 dollars, where one dollar is `scale` units.
    pub fn to_nano(self, scale: i64) -> NanoUsd {
        Rounding::new(scale).nano(self)
    }

    /// As [`Self::to_nano`] where the numerator leaves no room for nine digits more.
    fn to_nano_by_digits(self, scale: i128) -> NanoUsd {
        let units = self.numerator.div_euclid(self.denominator);
        let rest = self.numerator.rem_euclid(self.denominator);
        // (units + rest / denominator) / scale = dollars + remainder / (denominator * scale)
        let dollars = units.div_euclid(scale);
        let divisor = self.denominator * scale;
        let remainder = units.rem_euclid(scale) * self.denominator + rest;
        // Nine decimals, one by one: the divisor may leave room for no more than one digit.
        let (mut floor, mut left) = (0, remainder);
        for _ in 0..9 {
            left *= 10;
            floor = floor * 10 + left / divisor;
            left %= divisor;
        }
        round(dollars * NanoUsd::PER_USD + floor, left, divisor)
    }
}

/// How amounts of a program become published ones; for many amounts of one program.
#[derive(Debug, Clone, Copy)]
pub struct Rounding {
    scale: i64,
    /// Published units in a unit of the program, where that is a whole number.
    per_unit: Option<i64>,
    /// The last denominator: the fractions of a program share few.
    divisor: Divisor,
}

impl Rounding {
    /// Of programs with `scale` units in a dollar.
    pub fn new(scale: i64) -> Self {
        let per_unit = 1_000_000_000 / scale;
        let per_unit = (per_unit * scale == 1_000_000_000).then_some(per_unit);
        Self { scale, per_unit, divisor: Divisor::new(1) }
    }

    /// As [`NanoUsd::from_scaled`].
    #[inline]
    pub fn whole(self, units: i64) -> NanoUsd {
        match self.per_unit {
            Some(per_unit) => NanoUsd(i128::from(units) * i128::from(per_unit)),
            None => self.fraction(ExactAmount::whole(units)),
        }
    }

    /// As [`ExactAmount::to_nano`].
    #[inline(always)]
    pub fn nano(&mut self, amount: ExactAmount) -> NanoUsd {
        match i64::try_from(amount.numerator) {
            Ok(units) if amount.denominator == 1 => self.whole(units),
            _ => self.repeated(amount).unwrap_or_else(|| self.fraction(amount)),
        }
    }

    /// By the reciprocal of the denominator, where nothing is below zero and all fits.
    #[inline]
    fn repeated(&mut self, amount: ExactAmount) -> Option<NanoUsd> {
        let per_unit = u128::try_from(self.per_unit?).ok()?;
        let dividend = u128::try_from(amount.numerator).ok()?.checked_mul(per_unit)?;
        let denominator = u64::try_from(amount.denominator).ok().filter(|denominator| *denominator > 0)?;
        if denominator != self.divisor.number() {
            self.divisor = Divisor::new(denominator);
        }
        let (floor, left) = self.divisor.divide(dividend)?;
        let below = denominator - left;
        let up = left > below || (left == below && floor % 2 != 0);
        Some(NanoUsd(i128::from(floor) + i128::from(up)))
    }

    fn fraction(self, amount: ExactAmount) -> NanoUsd {
        let divisor = amount.denominator * i128::from(self.scale);
        let Some(dividend) = product(amount.numerator, NanoUsd::PER_USD) else {
            return amount.to_nano_by_digits(self.scale.into());
        };
        let towards_zero = dividend / divisor;
        let rest = dividend - towards_zero * divisor;
        if rest < 0 { round(towards_zero - 1, rest + divisor, divisor) } else { round(towards_zero, rest, divisor) }
    }
}

/// A number that others are divided by again and again: by two multiplications each (algorithm 4 of N. Möller and T. Granlund,
/// "Improved division by invariant integers", 2011) where a division of 128 bits takes some twenty times as long.
#[derive(Debug, Clone, Copy)]
struct Divisor {
    /// Shifted up to its highest bit.
    shifted: u64,
    shift: u32,
    /// `floor((2^128 - 1) / shifted) - 2^64`.
    reciprocal: u64,
}

impl Divisor {
    /// Of a number above zero.
    fn new(number: u64) -> Self {
        let shift = number.leading_zeros();
        let shifted = number << shift;
        let reciprocal = (u128::MAX - (u128::from(shifted) << 64)) / u128::from(shifted);
        Self { shifted, shift, reciprocal: low(reciprocal) }
    }

    const fn number(self) -> u64 {
        self.shifted >> self.shift
    }

    /// Quotient and rest; none where the quotient takes more than 64 bits.
    #[inline]
    fn divide(self, dividend: u128) -> Option<(u64, u64)> {
        if high(dividend) >= self.number() {
            return None;
        }
        let dividend = dividend << self.shift;
        let estimate = (u128::from(self.reciprocal) * u128::from(high(dividend))).wrapping_add(dividend);
        let mut quotient = high(estimate).wrapping_add(1);
        let mut rest = low(dividend).wrapping_sub(quotient.wrapping_mul(self.shifted));
        if rest > low(estimate) {
            quotient = quotient.wrapping_sub(1);
            rest = rest.wrapping_add(self.shifted);
        }
        if rest >= self.shifted {
            quotient = quotient.wrapping_add(1);
            rest -= self.shifted;
        }
        Some((quotient, rest >> self.shift))
    }
}

#[allow(clippy::cast_possible_truncation)] // Its upper half.
const fn high(number: u128) -> u64 {
    (number >> 64) as u64
}

#[allow(clippy::cast_possible_truncation)] // Its lower half.
const fn low(number: u128) -> u64 {
    number as u64
}

/// The product of two amounts, where it fits; most are short, and short ones are multiplied in one instruction.
#[inline]
pub(crate) fn product(one: i128, other: i128) -> Option<i128> {
    match (i64::try_from(one), i64::try_from(other)) {
        (Ok(one), Ok(other)) => Some(i128::from(one) * i128::from(other)),
        _ => one.checked_mul(other),
    }
}

/// The nearest double, up to one more rounding beyond 64 bits.
#[inline]
#[allow(clippy::cast_precision_loss)] // The nearest double is what is asked for.
pub(crate) fn nearest_double(amount: i128) -> f64 {
    // Most amounts are short, and short ones are converted in one instruction.
    match i64::try_from(amount) {
        Ok(short) => short as f64,
        Err(_) => nearest_double_of_long(amount),
    }
}

/// Apart, so that nobody computes it to throw it away.
#[cold]
#[inline(never)]
#[allow(clippy::cast_precision_loss)] // As above.
fn nearest_double_of_long(amount: i128) -> f64 {
    amount as f64
}

/// `floor + left / divisor`, half to even.
#[inline]
fn round(floor: i128, left: i128, divisor: i128) -> NanoUsd {
    let below = divisor - left;
    let up = left > below || (left == below && floor % 2 != 0);
    NanoUsd(floor + i128::from(up))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_half_to_even() {
        let nano = |numerator, denominator, scale| ExactAmount { numerator, denominator }.to_nano(scale).0;
        assert_eq!(nano(7, 1, 20), 350_000_000);
        assert_eq!(nano(1, 3, 1), 333_333_333);
        assert_eq!(nano(2, 3, 1), 666_666_667);
        assert_eq!(nano(1, 2_000_000_000, 1), 0);
        assert_eq!(nano(3, 2_000_000_000, 1), 2);
        assert_eq!(nano(5, 2_000_000_000, 1), 2);
        assert_eq!(nano(3, 1_000_000_000, 2), 2);
        assert_eq!(nano(-1, 2, 1), -500_000_000);
    }

    #[test]
    fn a_reciprocal_divides_as_the_processor_does() {
        let mut state = 11_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (bits, number) = (state >> 58, state.rotate_left(32));
            // Of all lengths, and often at the ends of one.
            match bits % 4 {
                0 => u64::MAX >> bits,
                1 => 1 << (63 - bits),
                _ => (number >> bits).max(1),
            }
        };
        for _ in 0..200_000 {
            let divisor = next();
            for dividend in [u128::from(next()) << 64 | u128::from(next()), u128::from(next()) * u128::from(divisor)] {
                let (quotient, rest) = (dividend / u128::from(divisor), dividend % u128::from(divisor));
                let expected = u64::try_from(quotient).ok().map(|quotient| (quotient, low(rest)));
                assert_eq!(Divisor::new(divisor).divide(dividend), expected, "{dividend} / {divisor}");
            }
        }
    }

    #[test]
    fn all_ways_of_rounding_agree() {
        let mut state = 7_u64;
        let mut next = |bits: u32| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            i128::from(state >> (64 - bits))
        };
        for round in 0..20_000 {
            let scale = [1, 20, 200, 3, 7_000, 1_000_000_000][round % 6];
            let denominator = if round % 4 == 0 { 1 } else { next(40) + 1 };
            let numerator = (next(60) - (1 << 58)) * (next(20) + 1);
            let amount = ExactAmount { numerator, denominator };
            assert_eq!(amount.to_nano(scale), amount.to_nano_by_digits(scale.into()), "{amount:?} {scale}");
        }
        let huge = ExactAmount { numerator: i128::MAX / 4, denominator: 1 << 60 };
        assert_eq!(huge.to_nano(3), huge.to_nano_by_digits(3));
    }
}
