//! Which years are asked for, and what the rows of several years add up to.

use std::collections::BTreeSet;
use std::str::FromStr;

use reorient_core::Year;
use reorient_data::{InputFile, RowLedger, TradeSource};

use crate::scenario::{Scenario, ScenarioError};

/// Which years are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum YearChoice {
    /// That of the scenario, or the only one there is.
    #[default]
    One,
    /// Every year of the data.
    All,
    /// These; at least one.
    Those(BTreeSet<Year>),
}

impl FromStr for YearChoice {
    type Err = String;

    /// `2023`, `1995..2024` (or `1995-2024`, both ends included), several of them joined by commas, or `all`.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim().eq_ignore_ascii_case("all") {
            return Ok(Self::All);
        }
        let year = |text: &str| {
            let expected = "use a year such as 2023, a range such as 1995..2024, a list such as 1995,2000, or all";
            text.trim().parse::<Year>().map_err(|error| format!("{error}: {expected}"))
        };
        let mut years = BTreeSet::new();
        for part in text.split(',') {
            let (from, to) = match part.split_once("..").or_else(|| part.split_once('-')) {
                None => (year(part)?, year(part)?),
                Some((from, to)) => (year(from)?, year(to)?),
            };
            if from > to {
                return Err(format!("the range ends before it begins: write {to}..{from}"));
            }
            years.extend((from.get()..=to.get()).filter_map(|year| Year::new(year).ok()));
        }
        Ok(Self::Those(years))
    }
}

impl YearChoice {
    /// The years, ascending, each of them in the data.
    ///
    /// # Errors
    /// [`ScenarioError`] when the data lack one, or when none was asked for and there are several.
    pub(crate) fn resolve(&self, source: &TradeSource, scenario: &Scenario) -> Result<Vec<Year>, ScenarioError> {
        match self {
            Self::One => Ok(vec![scenario.resolve_year(source.years())?]),
            Self::All => Ok(source.years().to_vec()),
            Self::Those(years) => {
                years.iter().map(|year| scenario.in_year(*year).resolve_year(source.years())).collect::<Result<_, _>>()
            }
        }
    }
}

impl Scenario {
    /// The same question of one year.
    pub fn in_year(&self, year: Year) -> Self {
        Self { year: Some(year), ..self.clone() }
    }
}

/// Adds the rows and the files of one year to those of the years before.
pub(crate) fn add_rows(ledger: &mut RowLedger, inputs: &mut Vec<InputFile>, of_year: &RowLedger, read: &[InputFile]) {
    ledger.rows_in += of_year.rows_in;
    ledger.rows_used += of_year.rows_used;
    for (reason, rows) in &of_year.unused {
        *ledger.unused.entry(reason.clone()).or_default() += rows;
    }
    for (reason, rows) in &of_year.noted {
        *ledger.noted.entry(reason.clone()).or_default() += rows;
    }
    for input in read {
        if !inputs.contains(input) {
            inputs.push(input.clone());
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn years_are_one_a_range_a_list_or_all() {
        let those = |years: &[u16]| Ok(YearChoice::Those(years.iter().map(|year| Year::new(*year).unwrap()).collect()));
        assert_eq!("all".parse(), Ok(YearChoice::All));
        assert_eq!("2023".parse(), those(&[2023]));
        for text in ["2019..2021", "2019-2021", "2019, 2020 ,2021", "2021,2019..2020", "2019..2021,2020"] {
            assert_eq!(text.parse(), those(&[2019, 2020, 2021]), "{text}");
        }
        for text in ["2024..1995", "2024-1995"] {
            assert!(text.parse::<YearChoice>().unwrap_err().contains("write 1995..2024"));
        }
        for text in ["", "1995--2024", "..", "al", "95", "1995,,2000", "1995,all"] {
            assert!(text.parse::<YearChoice>().unwrap_err().contains("1995..2024"), "{text}");
        }
    }
}
