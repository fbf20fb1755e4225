//! Exact money. BACI prints thousand dollars with three decimals, so its last digit is one dollar.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};

use crate::shown;

/// A text that is no amount of thousand USD with at most three decimals.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UsdError {
    /// Not a decimal number.
    #[error("`{}` is not a number", shown(.0))]
    NotANumber(String),
    /// More than three decimals that are not zero.
    #[error("`{}` has more than three decimals; BACI values are exact to 0.001 thousand USD", shown(.0))]
    TooPrecise(String),
    /// Beyond what an i64 of dollars holds.
    #[error("`{}` is too large", shown(.0))]
    TooLarge(String),
}

/// An amount of whole current US dollars: BACI's `v` (thousand USD, three decimals) times one thousand.
///
/// Sums of a world of trade (2.3e13) stay far below the limit of 9.2e18.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(transparent)]
pub struct Usd(i64);

impl Usd {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// From whole dollars.
    #[inline]
    pub const fn new(dollars: i64) -> Self {
        Self(dollars)
    }

    /// Whole dollars.
    #[inline]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// Parses thousand USD in plain decimal notation, such as `34.954` or `1200`.
    ///
    /// # Errors
    /// [`UsdError`] when the text is no number, has more than three decimals, or is too large.
    pub fn parse_kusd(text: &str) -> Result<Self, UsdError> {
        let not_a_number = || UsdError::NotANumber(text.to_owned());
        let (negative, digits) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            _ => (false, text),
        };
        let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + decimals.len() == 0 || !all_digits(whole) || !all_digits(decimals) {
            return Err(not_a_number());
        }
        let kept = &decimals[..decimals.len().min(3)];
        if decimals[kept.len()..].bytes().any(|byte| byte != b'0') {
            return Err(UsdError::TooPrecise(text.to_owned()));
        }
        let mut dollars: i64 = 0;
        let padded = whole.bytes().chain(kept.bytes()).chain(std::iter::repeat_n(b'0', 3 - kept.len()));
        for digit in padded {
            dollars = dollars
                .checked_mul(10)
                .and_then(|tens| tens.checked_add(i64::from(digit - b'0')))
                .ok_or_else(|| UsdError::TooLarge(text.to_owned()))?;
        }
        Ok(Self(if negative { -dollars } else { dollars }))
    }
}

/// Thousand USD with three decimals, as BACI prints it.
impl fmt::Display for Usd {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let dollars = self.0.unsigned_abs();
        write!(formatter, "{sign}{}.{:03}", dollars / 1000, dollars % 1000)
    }
}

impl Add for Usd {
    type Output = Self;
    #[inline]
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Usd {
    type Output = Self;
    #[inline]
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl AddAssign for Usd {
    #[inline]
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl Sum for Usd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn thousand_dollars_parse_exactly() {
        for (text, dollars) in [
            ("34.954", 34_954),
            ("0.001", 1),
            ("1200", 1_200_000),
            (".5", 500),
            ("7.", 7_000),
            ("1.5000", 1_500),
            ("-2.25", -2_250),
        ] {
            assert_eq!(Usd::parse_kusd(text), Ok(Usd::new(dollars)), "{text}");
        }
        for text in ["", ".", "-", "NaN", "inf", "1e3", "1,5", " 1", "1.2.3", "--1", "+1"] {
            assert!(matches!(Usd::parse_kusd(text), Err(UsdError::NotANumber(_))), "{text}");
        }
        assert!(matches!(Usd::parse_kusd("0.0001"), Err(UsdError::TooPrecise(_))));
        assert!(matches!(Usd::parse_kusd("99999999999999999999"), Err(UsdError::TooLarge(_))));
    }

    proptest! {
        #[test]
        fn printing_and_parsing_are_inverse(dollars in -1_000_000_000_000_000_000_i64..1_000_000_000_000_000_000) {
            prop_assert_eq!(Usd::parse_kusd(&Usd::new(dollars).to_string()), Ok(Usd::new(dollars)));
        }
    }
}
