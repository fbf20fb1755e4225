//! BACI's own codes: countries by number, products by six digits, years by four.

use std::fmt;
use std::str::FromStr;

use crate::shown;

/// A code that is not what its type promises.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// Not an HS6 code.
    #[error("product code `{}` is not six digits from 010000 to 999999", shown(.0))]
    Product(String),
    /// Not a BACI country number.
    #[error("country code `{}` is not a number from 1 to 999", shown(.0))]
    Country(String),
    /// Not a year.
    #[error("year `{}` is not a number from 1900 to 2199", shown(.0))]
    Year(String),
}

/// BACI's own country number, such as 842 for the USA or 490 for "Other Asia, nes". Not ISO 3166: 17 numbers differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CountryCode(u16);

impl CountryCode {
    /// Checks the range 1 to 999.
    ///
    /// # Errors
    /// [`CodeError::Country`] outside that range.
    pub fn new(code: u16) -> Result<Self, CodeError> {
        if (1..=999).contains(&code) { Ok(Self(code)) } else { Err(CodeError::Country(code.to_string())) }
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// A code known to be valid when the program is compiled; out of range does not compile.
    pub const fn literal(code: u16) -> Self {
        assert!(code >= 1 && code <= 999, "country code out of range");
        Self(code)
    }
}

impl fmt::Display for CountryCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl FromStr for CountryCode {
    type Err = CodeError;

    fn from_str(text: &str) -> Result<Self, CodeError> {
        text.trim().parse::<u16>().ok().and_then(|code| Self::new(code).ok()).ok_or_else(|| CodeError::Country(text.to_owned()))
    }
}

/// An HS6 product code: always six digits, leading zeros kept. Orders as text and as number alike.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProductCode([u8; 6]);

impl ProductCode {
    /// From the number that is left when leading zeros are lost: 10121 is `010121`.
    ///
    /// # Errors
    /// [`CodeError::Product`] above 999999.
    pub fn from_number(number: u32) -> Result<Self, CodeError> {
        if number > 999_999 {
            return Err(CodeError::Product(number.to_string()));
        }
        let mut digits = [b'0'; 6];
        let mut rest = number;
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
        }
        Ok(Self(digits))
    }

    /// The code as a number, leading zeros lost.
    pub fn number(self) -> u32 {
        self.0.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0'))
    }

    /// Six digits.
    pub fn as_str(&self) -> &str {
        // Only ASCII digits are ever stored.
        std::str::from_utf8(&self.0).unwrap_or("000000")
    }

    /// Six ASCII digits.
    pub const fn as_bytes(&self) -> &[u8; 6] {
        &self.0
    }
}

impl fmt::Display for ProductCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl fmt::Debug for ProductCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ProductCode({self})")
    }
}

impl FromStr for ProductCode {
    type Err = CodeError;

    /// Six digits, or five whose leading zero was lost on the way; no chapter is 00.
    fn from_str(text: &str) -> Result<Self, CodeError> {
        let digits = text.trim();
        let well_formed = matches!(digits.len(), 5 | 6) && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number = if well_formed { digits.parse::<u32>().ok().filter(|number| *number >= 10_000) } else { None };
        number.and_then(|number| Self::from_number(number).ok()).ok_or_else(|| CodeError::Product(text.to_owned()))
    }
}

/// A calendar year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Year(u16);

impl Year {
    /// Checks the range 1900 to 2199.
    ///
    /// # Errors
    /// [`CodeError::Year`] outside that range.
    pub fn new(year: u16) -> Result<Self, CodeError> {
        if (1900..=2199).contains(&year) { Ok(Self(year)) } else { Err(CodeError::Year(year.to_string())) }
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Year {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl FromStr for Year {
    type Err = CodeError;

    fn from_str(text: &str) -> Result<Self, CodeError> {
        text.trim().parse::<u16>().ok().and_then(|year| Self::new(year).ok()).ok_or_else(|| CodeError::Year(text.to_owned()))
    }
}

/// Years in words, those that follow each other as a range: `1995-2024`, or `1995, 2000-2003`.
pub fn years_in_words<'a>(years: impl IntoIterator<Item = &'a Year>) -> String {
    let mut runs: Vec<(u16, u16)> = Vec::new();
    for year in years {
        match runs.last_mut() {
            Some((_, last)) if year.get() == *last + 1 => *last += 1,
            _ => runs.push((year.get(), year.get())),
        }
    }
    let word = |(first, last): &(u16, u16)| if first == last { first.to_string() } else { format!("{first}-{last}") };
    runs.iter().map(word).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn years_that_follow_each_other_are_a_range() {
        let words = |years: &[u16]| years_in_words(&years.iter().map(|year| Year(*year)).collect::<Vec<_>>());
        assert_eq!(words(&(1995..=2024).collect::<Vec<_>>()), "1995-2024");
        assert_eq!(words(&[1995, 2000, 2001, 2002, 2005]), "1995, 2000-2002, 2005");
        assert_eq!((words(&[2023]), words(&[])), ("2023".to_owned(), String::new()));
    }

    #[test]
    fn product_codes_regain_their_leading_zeros() {
        for (text, code) in [("010121", "010121"), ("10121", "010121"), (" 270900 ", "270900"), ("999999", "999999")] {
            assert_eq!(text.parse::<ProductCode>().map(|code| code.to_string()), Ok(code.to_owned()));
        }
        for text in ["", "101", "1012", "002709", "27090O", "2709000", "-10121", "+10121", "27.900", "２７０９００"] {
            assert!(text.parse::<ProductCode>().is_err(), "{text} must be refused");
        }
    }

    #[test]
    fn product_numbers_round_trip() {
        for number in [0, 9, 10_121, 270_900, 999_999] {
            assert_eq!(ProductCode::from_number(number).map(ProductCode::number), Ok(number));
        }
        assert!(ProductCode::from_number(1_000_000).is_err());
    }

    #[test]
    fn country_codes_and_years_have_ranges() {
        assert_eq!("842".parse::<CountryCode>().map(CountryCode::get), Ok(842));
        for text in ["0", "1000", "USA", "-4", ""] {
            assert!(text.parse::<CountryCode>().is_err(), "{text} must be refused");
        }
        assert!("2023".parse::<Year>().is_ok() && "23".parse::<Year>().is_err());
    }
}
