//! Published figures as they were printed: what a calibration compares with ("Calibration" under step M8 of docs/method.md).

use std::str::FromStr;

use reorient_core::{CountryCode, Sector};
use reorient_model::NanoUsd;

/// Digits behind the point of a printed figure, at the most.
const MOST_PLACES: u32 = 9;
/// Digits before the point, at the most; a world of trade in million USD has eight.
const MOST_DIGITS: usize = 12;
const NANO_PER_MUSD: i128 = 1_000_000 * NanoUsd::PER_USD;

/// A text that is no printed figure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no number with at most twelve digits before the point and nine behind it")]
pub struct PrintedError(String);

/// A decimal number with the places that it was printed with: `0.90` has two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Printed {
    /// The number in units of its last place.
    pub units: i128,
    /// Decimals.
    pub places: u32,
}

impl Printed {
    /// The nearest double.
    pub fn value(self) -> f64 {
        printed_value(self.units, self.places)
    }

    /// The same number with more places; its own where it has more.
    fn at(self, places: u32) -> Self {
        let places = places.max(self.places);
        Self { units: self.units * 10_i128.pow(places - self.places), places }
    }
}

impl FromStr for Printed {
    type Err = PrintedError;

    fn from_str(text: &str) -> Result<Self, PrintedError> {
        let fail = || PrintedError(text.to_owned());
        let trimmed = text.trim();
        let (sign, digits) = trimmed.strip_prefix('-').map_or((1, trimmed), |digits| (-1, digits));
        let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
        let are_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let places = u32::try_from(decimals.len()).map_err(|_| fail())?;
        if whole.is_empty() || whole.len() > MOST_DIGITS || places > MOST_PLACES || !are_digits(whole) || !are_digits(decimals) {
            return Err(fail());
        }
        let units: i128 = format!("{whole}{decimals}").parse().map_err(|_| fail())?;
        Ok(Self { units: sign * units, places })
    }
}

/// A number in units of `10^-places` as the nearest double.
#[allow(clippy::cast_precision_loss)] // For distances and screens.
pub fn printed_value(units: i128, places: u32) -> f64 {
    units as f64 / 10_f64.powi(i32::try_from(places).unwrap_or(0))
}

/// An amount as it would be printed in million USD: units of `10^-places`, rounded half to even.
pub fn printed_musd(amount: NanoUsd, places: u32) -> i128 {
    rounded(amount.0 * 10_i128.pow(places), NANO_PER_MUSD)
}

/// A share as it would be printed in percent: units of `10^-places`, rounded half to even; 0 of nothing.
pub fn printed_percent(part: NanoUsd, whole: NanoUsd, places: u32) -> i128 {
    if whole.0 <= 0 { 0 } else { rounded(part.0 * 100 * 10_i128.pow(places), whole.0) }
}

/// The nearest whole number of a quotient, half to even; the denominator is positive.
fn rounded(numerator: i128, denominator: i128) -> i128 {
    let (floor, rest) = (numerator.div_euclid(denominator), numerator.rem_euclid(denominator));
    let up = match (2 * rest).cmp(&denominator) {
        std::cmp::Ordering::Greater => true,
        std::cmp::Ordering::Equal => floor.rem_euclid(2) == 1,
        std::cmp::Ordering::Less => false,
    };
    floor + i128::from(up)
}

/// A row of the published Table A.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublishedRow {
    /// The gaining country, by BACI's number.
    pub country: CountryCode,
    /// Million USD.
    pub increase: Printed,
    /// Where most of it is; none where the table does not say.
    pub main_sector: Option<Sector>,
    /// Percent of the bloc's critical imports today.
    pub share_old: Printed,
    /// The same after.
    pub share_new: Printed,
}

/// A risk country of the published headline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublishedRisk {
    /// China or the United States.
    pub country: CountryCode,
    /// Percent of the bloc's critical imports today.
    pub before: Printed,
    /// The same after.
    pub after: Printed,
}

/// The countries that a headline names: China and the United States.
pub const HEADLINE_COUNTRIES: [CountryCode; 2] = [CountryCode::literal(156), CountryCode::literal(842)];

/// A published table and headline; each kind of figure has one number of places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    rows: Vec<PublishedRow>,
    risk: Vec<PublishedRisk>,
    increase_places: u32,
    share_places: u32,
}

/// The total that a table was computed with, as far as its own numbers tell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ImpliedTotal {
    /// Least and most in million USD, given the rounding of all agreeing rows.
    pub musd: (f64, f64),
    /// Rows that agree on it.
    pub rows: usize,
}

impl Published {
    /// Brings all increases, and all shares, to the places of the finest: a spreadsheet drops zeros at the end.
    pub fn new(mut rows: Vec<PublishedRow>, mut risk: Vec<PublishedRisk>) -> Self {
        let increase_places = rows.iter().map(|row| row.increase.places).max().unwrap_or(0);
        let of_rows = rows.iter().flat_map(|row| [row.share_old, row.share_new]);
        let of_risk = risk.iter().flat_map(|row| [row.before, row.after]);
        let share_places = of_rows.chain(of_risk).map(|share| share.places).max().unwrap_or(0);
        for row in &mut rows {
            row.increase = row.increase.at(increase_places);
            row.share_old = row.share_old.at(share_places);
            row.share_new = row.share_new.at(share_places);
        }
        for row in &mut risk {
            row.before = row.before.at(share_places);
            row.after = row.after.at(share_places);
        }
        Self { rows, risk, increase_places, share_places }
    }

    /// In the order of the table.
    pub fn rows(&self) -> &[PublishedRow] {
        &self.rows
    }

    /// Those of [`HEADLINE_COUNTRIES`] that the headline gives.
    pub fn risk(&self) -> &[PublishedRisk] {
        &self.risk
    }

    /// Decimals of increases in million USD.
    pub const fn increase_places(&self) -> u32 {
        self.increase_places
    }

    /// Decimals of shares in percent.
    pub const fn share_places(&self) -> u32 {
        self.share_places
    }

    /// The total at which most rows gain exactly what their increase says: increase over gain in share. An exporter that
    /// also loses somewhere gains less share and points to a larger total, so rows that agree are those that only gain.
    pub fn implied_total(&self) -> Option<ImpliedTotal> {
        let half = 0.5 * printed_value(1, self.increase_places);
        // Either share may be off by half a unit.
        let unit = printed_value(1, self.share_places);
        let range = |row: &PublishedRow| {
            let gain = row.share_new.value() - row.share_old.value();
            let most = if gain > unit { (row.increase.value() + half) / ((gain - unit) / 100.0) } else { f64::INFINITY };
            ((row.increase.value() - half) / ((gain + unit) / 100.0), most)
        };
        let gains = |row: &&PublishedRow| row.share_new.units >= row.share_old.units && row.increase.units > 0;
        let ranges: Vec<(f64, f64)> = self.rows.iter().filter(gains).map(range).collect();
        let agree = |total: f64| ranges.iter().filter(move |(low, high)| (*low..=*high).contains(&total));
        let best = ranges.iter().map(|(low, _)| (agree(*low).count(), *low));
        let (rows, low) = best.max_by(|left, right| left.0.cmp(&right.0).then(right.1.total_cmp(&left.1)))?;
        let high = agree(low).fold(f64::INFINITY, |least, (_, high)| least.min(*high));
        high.is_finite().then_some(ImpliedTotal { musd: (low, high), rows })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn printed(text: &str) -> Printed {
        text.parse().unwrap()
    }

    #[test]
    fn a_figure_keeps_its_places() {
        assert_eq!(printed("9860.83"), Printed { units: 986_083, places: 2 });
        assert_eq!(printed(" -0.90 "), Printed { units: -90, places: 2 });
        assert_eq!(printed("5"), Printed { units: 5, places: 0 });
        for text in ["", ".", ".5", "1,5", "1e3", "NaN", "+1", "1.2.3", "1.0123456789", "1234567890123"] {
            assert!(text.parse::<Printed>().is_err(), "{text}");
        }
    }

    #[test]
    fn predictions_are_rounded_as_files_print_them() {
        let musd = |dollars: i128| printed_musd(NanoUsd(dollars * NanoUsd::PER_USD), 2);
        assert_eq!((musd(1_234_999), musd(1_235_000), musd(1_245_000), musd(1_245_001)), (123, 124, 124, 125));
        assert_eq!(printed_percent(NanoUsd(1), NanoUsd(3), 2), 3333);
        assert_eq!(printed_percent(NanoUsd(1), NanoUsd(0), 2), 0);
    }

    #[test]
    fn the_total_is_the_one_that_most_rows_agree_on() {
        let row = |increase: &str, share_old: &str, share_new: &str| PublishedRow {
            country: CountryCode::literal(484),
            increase: printed(increase),
            main_sector: None,
            share_old: printed(share_old),
            share_new: printed(share_new),
        };
        // Of 2,418 bn; the last gains less share than its increase implies, and one share lost its zero.
        let rows = vec![row("9860.83", "0.66", "1.07"), row("2452.84", "1.04", "1.14"), row("8966.48", "1", "1.37"), {
            row("5358.04", "3.23", "3.35")
        }];
        let published = Published::new(rows, vec![]);
        assert_eq!((published.increase_places(), published.share_places()), (2, 2));
        assert_eq!(published.rows()[2].share_old, Printed { units: 100, places: 2 });
        let implied = published.implied_total().unwrap();
        assert_eq!(implied.rows, 3);
        assert!(implied.musd.0 < 2_418_000.0 && implied.musd.1 > 2_418_000.0, "{implied:?}");
        assert_eq!(Published::new(vec![], vec![]).implied_total(), None);
    }
}
