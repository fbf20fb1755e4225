//! Exact rational options such as the cap of 0.05.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use crate::shown;

/// A text that is no non-negative fraction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FractionError {
    /// Neither a decimal nor a quotient.
    #[error("`{}` is not a number: write a decimal such as 0.05 or a quotient such as 1/20", shown(.0))]
    NotANumber(String),
    /// Denominator of zero.
    #[error("`{}` divides by zero", shown(.0))]
    ZeroDenominator(String),
    /// More digits than exact arithmetic over a year of trade can carry.
    #[error("`{}` needs a denominator above one million; use fewer decimals", shown(.0))]
    TooFine(String),
}

/// A non-negative rational in lowest terms with a denominator of at most one million.
///
/// The bound keeps the products of dollars and one denominator, squared, inside an i128; where several fractions share a unit,
/// the model checks its own products.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fraction {
    numerator: u64,
    denominator: u64,
}

impl Fraction {
    /// The largest denominator.
    pub const MAX_DENOMINATOR: u64 = 1_000_000;
    /// Nothing.
    pub const ZERO: Self = Self { numerator: 0, denominator: 1 };
    /// The whole.
    pub const ONE: Self = Self { numerator: 1, denominator: 1 };

    /// `numerator / denominator` in lowest terms.
    ///
    /// # Errors
    /// [`FractionError`] when the denominator is zero or, reduced, above [`Self::MAX_DENOMINATOR`].
    pub fn new(numerator: u64, denominator: u64) -> Result<Self, FractionError> {
        let text = || format!("{numerator}/{denominator}");
        if denominator == 0 {
            return Err(FractionError::ZeroDenominator(text()));
        }
        let divisor = gcd(numerator, denominator);
        let reduced = Self { numerator: numerator / divisor, denominator: denominator / divisor };
        if reduced.denominator > Self::MAX_DENOMINATOR || reduced.numerator > 1_000_000 * Self::MAX_DENOMINATOR {
            return Err(FractionError::TooFine(text()));
        }
        Ok(reduced)
    }

    /// Above the bar.
    pub const fn numerator(self) -> u64 {
        self.numerator
    }

    /// Below the bar; never zero.
    pub const fn denominator(self) -> u64 {
        self.denominator
    }

    /// The least whole number that every denominator divides; none when it is beyond an i64.
    pub fn common_denominator(fractions: impl Iterator<Item = Self>) -> Option<i64> {
        fractions.map(|fraction| i64::try_from(fraction.denominator).ok()).try_fold(1_i64, |least, denominator| {
            let denominator = denominator?;
            let (mut a, mut b) = (least, denominator);
            while b != 0 {
                (a, b) = (b, a % b);
            }
            (least / a).checked_mul(denominator)
        })
    }

    /// The nearest double.
    #[allow(clippy::cast_precision_loss)] // Both parts are far below 2^53.
    pub fn to_f64(self) -> f64 {
        self.numerator as f64 / self.denominator as f64
    }
}

const fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    if a == 0 { 1 } else { a }
}

impl PartialOrd for Fraction {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Fraction {
    fn cmp(&self, other: &Self) -> Ordering {
        let left = u128::from(self.numerator) * u128::from(other.denominator);
        let right = u128::from(other.numerator) * u128::from(self.denominator);
        left.cmp(&right)
    }
}

/// A decimal where it is finite (`0.05`), otherwise a quotient (`1/3`).
impl fmt::Display for Fraction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = (0..=20).find(|&places| 10_u128.pow(places) % u128::from(self.denominator) == 0);
        match decimals {
            None => write!(formatter, "{}/{}", self.numerator, self.denominator),
            Some(0) => write!(formatter, "{}", self.numerator),
            Some(places) => {
                let unit = 10_u128.pow(places);
                let scaled = u128::from(self.numerator) * (unit / u128::from(self.denominator));
                write!(formatter, "{}.{:0width$}", scaled / unit, scaled % unit, width = places as usize)
            }
        }
    }
}

impl FromStr for Fraction {
    type Err = FractionError;

    /// `0.05`, `5e-2` is refused, `1/20` is taken.
    fn from_str(text: &str) -> Result<Self, FractionError> {
        let not_a_number = || FractionError::NotANumber(text.to_owned());
        let trimmed = text.trim();
        let digits = |part: &str| -> Result<u64, FractionError> {
            if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(not_a_number());
            }
            part.parse().map_err(|_| FractionError::TooFine(text.to_owned()))
        };
        if let Some((above, below)) = trimmed.split_once('/') {
            return Self::new(digits(above.trim())?, digits(below.trim())?);
        }
        let (whole, decimals) = trimmed.split_once('.').unwrap_or((trimmed, ""));
        let decimals = decimals.trim_end_matches('0');
        let too_fine = || FractionError::TooFine(text.to_owned());
        let unit = u32::try_from(decimals.len()).ok().and_then(|places| 10_u64.checked_pow(places)).ok_or_else(too_fine)?;
        let whole = if whole.is_empty() && !decimals.is_empty() { 0 } else { digits(whole)? };
        let decimals = if decimals.is_empty() { 0 } else { digits(decimals)? };
        let numerator = whole.checked_mul(unit).and_then(|scaled| scaled.checked_add(decimals)).ok_or_else(too_fine)?;
        Self::new(numerator, unit).map_err(|_| too_fine())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_and_quotients_reduce() {
        for (text, expected, printed) in [
            ("0.05", (1, 20), "0.05"),
            ("1/20", (1, 20), "0.05"),
            ("0", (0, 1), "0"),
            ("1.0", (1, 1), "1"),
            (".25", (1, 4), "0.25"),
            ("2/6", (1, 3), "1/3"),
            ("0.000001", (1, 1_000_000), "0.000001"),
        ] {
            let fraction: Fraction = text.parse().unwrap_or(Fraction::ZERO);
            assert_eq!((fraction.numerator(), fraction.denominator()), expected, "{text}");
            assert_eq!(fraction.to_string(), printed);
        }
        for text in ["", ".", "-0.1", "5e-2", "1/0", "0.0000001", "NaN", "1/2/3", "5%", "99999999999999999999"] {
            assert!(text.parse::<Fraction>().is_err(), "{text} must be refused");
        }
    }

    #[test]
    fn order_is_by_value() {
        let parse = |text: &str| text.parse::<Fraction>().unwrap_or(Fraction::ZERO);
        assert!(parse("1/3") > parse("0.333333") && parse("0.05") < parse("0.1") && parse("0.5") == parse("1/2"));
    }
}
