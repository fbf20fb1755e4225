//! Exact fractions in lowest terms, and sums of squares as a whole number and a rest below one, so that neither outgrows an
//! i128 on trade. What would is none, never a wrapped number.

use std::cmp::Ordering;

use crate::{ExactAmount, Ratio};

/// A fraction in lowest terms with a positive denominator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rational {
    above: i128,
    below: i128,
}

impl Rational {
    pub(crate) const ZERO: Self = Self { above: 0, below: 1 };

    pub(crate) fn whole(number: impl Into<i128>) -> Self {
        Self { above: number.into(), below: 1 }
    }

    /// `above / below`; none over zero.
    pub(crate) fn new(above: i128, below: i128) -> Option<Self> {
        if below == 1 {
            return Some(Self::whole(above));
        }
        let divisor = i128::try_from(gcd(above.unsigned_abs(), below.unsigned_abs())).ok()?;
        match below.cmp(&0) {
            Ordering::Greater => Some(Self { above: above / divisor, below: below / divisor }),
            Ordering::Less => Some(Self { above: (above / divisor).checked_neg()?, below: (below / divisor).checked_neg()? }),
            Ordering::Equal => None,
        }
    }

    pub(crate) fn plus(self, other: Self) -> Option<Self> {
        if self.below == other.below {
            return Self::new(self.above.checked_add(other.above)?, self.below);
        }
        let left = self.above.checked_mul(other.below)?;
        let right = other.above.checked_mul(self.below)?;
        Self::new(left.checked_add(right)?, self.below.checked_mul(other.below)?)
    }

    pub(crate) fn minus(self, other: Self) -> Option<Self> {
        self.plus(Self { above: other.above.checked_neg()?, below: other.below })
    }

    pub(crate) fn times(self, other: Self) -> Option<Self> {
        // Crosswise first: the product is then in lowest terms, and no larger than need be.
        let left = Self::new(self.above, other.below)?;
        let right = Self::new(other.above, self.below)?;
        Some(Self { above: left.above.checked_mul(right.above)?, below: left.below.checked_mul(right.below)? })
    }

    pub(crate) fn over(self, other: Self) -> Option<Self> {
        self.times(Self::new(other.below, other.above)?)
    }

    pub(crate) const fn amount(self) -> ExactAmount {
        ExactAmount { numerator: self.above, denominator: self.below }
    }

    /// The largest whole number that is not above it.
    const fn floor(self) -> i128 {
        self.above.div_euclid(self.below)
    }

    const fn rest(self) -> Self {
        Self { above: self.above.rem_euclid(self.below), below: self.below }
    }
}

impl TryFrom<ExactAmount> for Rational {
    type Error = ();

    fn try_from(amount: ExactAmount) -> Result<Self, ()> {
        Self::new(amount.numerator, amount.denominator).ok_or(())
    }
}

impl Ord for Rational {
    fn cmp(&self, other: &Self) -> Ordering {
        let ratio = |own: &Self| Ratio { numerator: own.above, denominator: own.below };
        ratio(self).cmp(&ratio(other))
    }
}

impl PartialOrd for Rational {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The greatest common divisor by shifts and differences: divisions of 128 bits are slow. 1 of two zeros.
fn gcd(left: u128, right: u128) -> u128 {
    if left == 0 || right == 0 {
        return (left | right).max(1);
    }
    let shift = (left | right).trailing_zeros();
    let (mut left, mut right) = (left >> left.trailing_zeros(), right >> right.trailing_zeros());
    while left != right && left != 1 && right != 1 {
        if left < right {
            (left, right) = (right, left);
        }
        left -= right;
        left >>= left.trailing_zeros();
    }
    left.min(right) << shift
}

/// A sum of squared flows in squared units of a program, exactly: a whole number and a part of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SquaresSum {
    /// The largest whole number that is not above it.
    pub whole: i128,
    /// What is above it; below 1.
    part: Rational,
}

impl SquaresSum {
    /// A whole number of squared units.
    pub const fn whole(whole: i128) -> Self {
        Self { whole, part: Rational::ZERO }
    }

    /// Numerator and denominator of what is above the whole number, in lowest terms.
    pub const fn part(&self) -> (i128, i128) {
        (self.part.above, self.part.below)
    }

    /// The sum of the squares of some amounts; none where their denominators together are beyond an i128, as those of
    /// points in proportion to capacity are.
    pub fn of(flows: &[ExactAmount]) -> Option<Self> {
        flows.iter().try_fold(Self::whole(0), |sum, flow| sum.plus(1, Rational::try_from(*flow).ok()?))
    }

    /// With `count` squares of an amount more.
    pub(crate) fn plus(self, count: i128, amount: Rational) -> Option<Self> {
        if amount.below == 1 {
            let squares = amount.above.checked_mul(amount.above)?.checked_mul(count)?;
            return Some(Self { whole: self.whole.checked_add(squares)?, ..self });
        }
        // (k + r)^2 = k^2 + 2 k r + r^2 with 0 <= r < 1.
        let (floor, rest) = (amount.floor(), amount.rest());
        let twice = Rational::whole(floor.checked_mul(2)?.checked_mul(count)?).times(rest)?;
        let small = rest.times(rest)?.times(Rational::whole(count))?;
        let part = self.part.plus(twice.rest())?.plus(small)?;
        let squares = floor.checked_mul(floor)?.checked_mul(count)?;
        let whole = self.whole.checked_add(squares)?.checked_add(twice.floor())?.checked_add(part.floor())?;
        Some(Self { whole, part: part.rest() })
    }

    /// Less an amount that is no larger.
    pub(crate) fn minus(self, amount: Rational) -> Option<Self> {
        let part = self.part.minus(amount.rest())?;
        let whole = self.whole.checked_sub(amount.floor())?.checked_add(part.floor())?;
        Some(Self { whole, part: part.rest() })
    }

    /// The Herfindahl-Hirschman index, 0 to 1, of flows that sum to `total`; none of nothing.
    #[allow(clippy::cast_precision_loss)] // The nearest double is what is asked for, up to the rounding of its parts.
    pub fn hhi(self, total: i64) -> Option<f64> {
        let part = self.part.above as f64 / self.part.below as f64;
        (total > 0).then(|| (self.whole as f64 + part) / (total as f64 * total as f64))
    }
}

impl Ord for SquaresSum {
    fn cmp(&self, other: &Self) -> Ordering {
        self.whole.cmp(&other.whole).then_with(|| self.part.cmp(&other.part))
    }
}

impl PartialOrd for SquaresSum {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn fraction(above: i128, below: i128) -> Rational {
        Rational::new(above, below).unwrap()
    }

    #[test]
    fn fractions_stay_in_lowest_terms() {
        assert_eq!(fraction(6, -4), fraction(-3, 2));
        assert_eq!(fraction(1, 6).plus(fraction(1, 3)), Some(fraction(1, 2)));
        assert_eq!(fraction(1, 6).minus(fraction(1, 6)), Some(Rational::ZERO));
        assert_eq!(fraction(-4, 9).over(fraction(2, 3)), Some(fraction(-2, 3)));
        assert_eq!(Rational::whole(1).over(Rational::ZERO), None);
        assert_eq!(Rational::whole(i128::MAX).plus(Rational::whole(1)), None);
        assert_eq!(fraction(i128::MAX, 3).times(fraction(3, i128::MAX)), Some(Rational::whole(1)));
        assert!(fraction(-1, 3) > fraction(-1, 2) && fraction(7, 3).floor() == 2 && fraction(-7, 3).floor() == -3);
        for (left, right, divisor) in [(0, 0, 1), (0, 12, 12), (12, 18, 6), (u128::MAX, 5, 5), (1 << 100, 1 << 90, 1 << 90)] {
            assert_eq!((gcd(left, right), gcd(right, left)), (divisor, divisor));
        }
    }

    #[test]
    fn squares_are_whole_and_part() {
        let amounts = [(7, 2), (7, 2), (-1, 3), (4, 1)].map(|(numerator, denominator)| ExactAmount { numerator, denominator });
        let sum = SquaresSum::of(&amounts).unwrap();
        // 49/4 + 49/4 + 1/9 + 16 = 40 + 11/18.
        assert_eq!((sum.whole, sum.part()), (40, (11, 18)));
        assert!(sum > SquaresSum::whole(40) && sum < SquaresSum::whole(41));
        assert_eq!(SquaresSum::whole(25).hhi(10), Some(0.25));
        assert_eq!(sum.hhi(0), None);
    }
}
