//! What names say of rows, held against the rows: the revision of their codes, the year in which a country ended, the unit of a
//! column.

use std::collections::BTreeMap;
use std::str::FromStr;

use reorient_core::{CountryIndex, CountryTable, HsRevision, ProductCode, Year};
use serde::{Deserialize, Serialize};

use crate::hs_codes::is_code_of;
use crate::ingested::thousandths;
use crate::row::Row;
use crate::{DataError, ProductRows, TradeTable};

/// Codes that are named, the largest first.
const NAMED: usize = 10;
/// Unknown codes may hold one part in so many of the year's value.
const TOLERATED: i128 = 1000;
/// Last year of a country that is there still.
const CURRENT: u16 = u16::MAX;
/// Last year of a number that is no country of the table: before any year.
const NO_COUNTRY: u16 = 0;

/// The unit of a column whose name does not tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValueUnit {
    /// Current US dollars, whole.
    Usd,
    /// Thousand current US dollars with up to three decimals, as BACI has them.
    Kusd,
}

impl ValueUnit {
    /// Name in options and manifests.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Usd => "usd",
            Self::Kusd => "kusd",
        }
    }

    /// Whole dollars of an amount in thousandths of this unit.
    ///
    /// # Errors
    /// A word on an amount of dollars that is not whole.
    pub(crate) fn dollars(self, thousandths: i64) -> Result<i64, &'static str> {
        match self {
            Self::Kusd => Ok(thousandths),
            Self::Usd if thousandths % 1000 == 0 => Ok(thousandths / 1000),
            Self::Usd => Err("these are dollars (--value-unit usd), and not whole ones"),
        }
    }
}

impl FromStr for ValueUnit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = |unit: &Self| unit.name().eq_ignore_ascii_case(text.trim());
        let unknown = || format!("`{text}` is no unit of values: use usd (dollars) or kusd (thousand dollars)");
        [Self::Usd, Self::Kusd].into_iter().find(named).ok_or_else(unknown)
    }
}

/// Rows under product codes that the revision does not have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnknownCodes {
    /// Their part of the value of all rows, in percent with six decimals.
    pub pct: String,
    /// Their value in thousand USD, exact.
    pub value_kusd: String,
    /// Their number.
    pub rows: u64,
    /// Number of the codes.
    pub products: u64,
    /// The ten codes with the largest value, largest first.
    pub largest: Vec<UnknownCode>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnknownCode {
    /// Six digits.
    pub product: String,
    /// Its rows.
    pub rows: u64,
    /// Their value in thousand USD, exact.
    pub value_kusd: String,
}

impl Default for UnknownCodes {
    /// No such rows.
    fn default() -> Self {
        Self { pct: percent(0, 0), value_kusd: thousandths(0), rows: 0, products: 0, largest: Vec::new() }
    }
}

impl UnknownCodes {
    /// One sentence for people; none where every code is known.
    pub fn sentence(&self, revision: HsRevision) -> Option<String> {
        let codes: Vec<String> =
            self.largest.iter().map(|code| format!("{} ({} thousand USD)", code.product, code.value_kusd)).collect();
        let more = if self.products > self.largest.len() as u64 { ", the largest" } else { "" };
        (self.products > 0).then(|| {
            format!(
                "{} % of the value ({} rows) is under product codes that {revision} does not have{more}: {}.",
                self.pct,
                self.rows,
                codes.join(", ")
            )
        })
    }
}

/// Rows and value by product.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OfProduct {
    pub(crate) product: ProductCode,
    pub(crate) rows: u64,
    pub(crate) value: i128,
}

impl OfProduct {
    /// Each product of a table.
    pub(crate) fn all_of(table: &TradeTable) -> Vec<Self> {
        let sum = |(product, rows): (ProductCode, ProductRows<'_>)| Self {
            product,
            rows: rows.values.len() as u64,
            value: rows.values.iter().map(|value| i128::from(value.get())).sum(),
        };
        table.iter().map(sum).collect()
    }
}

/// Holds the codes of a whole year against the revision that its name tells.
///
/// # Errors
/// [`DataError::File`] when the codes that it does not have hold more than a thousandth of the value; it names the largest of
/// them and the revisions that have most.
pub(crate) fn check_codes(
    file: &str,
    year: Year,
    revision: HsRevision,
    products: &[OfProduct],
) -> Result<UnknownCodes, DataError> {
    let total: i128 = products.iter().map(|product| product.value).sum();
    let unknown_of = |revision| products.iter().filter(move |product| !is_code_of(revision, product.product));
    let mut codes: Vec<&OfProduct> = unknown_of(revision).collect();
    codes.sort_by_key(|code| (std::cmp::Reverse(code.value), code.product));
    let value: i128 = codes.iter().map(|code| code.value).sum();
    let named = |code: &&OfProduct| UnknownCode {
        product: code.product.to_string(),
        rows: code.rows,
        value_kusd: thousandths(code.value),
    };
    let unknown = UnknownCodes {
        pct: percent(value, total),
        value_kusd: thousandths(value),
        rows: codes.iter().map(|code| code.rows).sum(),
        products: codes.len() as u64,
        largest: codes.iter().take(NAMED).map(named).collect(),
    };
    if value * TOLERATED <= total {
        return Ok(unknown);
    }
    let of_revision = |revision| -> i128 { unknown_of(revision).map(|code| code.value).sum() };
    let least = HsRevision::ALL.map(of_revision).into_iter().min().unwrap_or(value);
    let best: Vec<&str> =
        HsRevision::ALL.into_iter().filter(|other| of_revision(*other) == least).map(HsRevision::name).collect();
    let advice = if least == value {
        format!("No other revision has more of them (the least unknown value is that of {}): look at the column", best.join(", "))
    } else {
        let best = best.join(", ");
        let what = if least == 0 {
            format!("Every code is in {best}")
        } else {
            format!("The least unknown value, {} %, is that of {best}", percent(least, total))
        };
        format!("{what}: correct the revision in the name, or give --hs where no name tells one")
    };
    let sentence = unknown.sentence(revision).unwrap_or_default();
    Err(DataError::file(file, format!("{year}: {} {advice}", sentence.trim_end_matches('.').to_owned() + ".")))
}

/// In percent with six decimals, halves away from zero.
fn percent(part: i128, whole: i128) -> String {
    let millionths = if whole > 0 { (part * 200_000_000 + whole) / (2 * whole) } else { 0 };
    format!("{}.{:06}", millionths / 1_000_000, millionths % 1_000_000)
}

/// The last year of each country by number: [`NO_COUNTRY`], [`CURRENT`], or what CEPII's name says in brackets.
pub(crate) fn last_years(countries: &CountryTable) -> Vec<u16> {
    let mut years = vec![NO_COUNTRY; 1000];
    for (_, country) in countries.iter() {
        years[usize::from(country.code.get())] = ended(&country.name).unwrap_or(CURRENT);
    }
    years
}

/// `1998` of `Belgium-Luxembourg (...1998)`.
fn ended(name: &str) -> Option<u16> {
    let bracket = name.trim_end().strip_suffix(')')?.rsplit_once('(')?.1;
    let year = bracket.trim_start_matches(['.', '…', ' ', '-', '–']);
    (year.len() < bracket.len() && year.len() == 4).then(|| year.parse().ok()).flatten()
}

/// Who took the place of a country that ended.
const SUCCESSORS: [(u16, &[u16]); 9] = [
    (58, &[56, 442]),
    (200, &[203, 703]),
    (278, &[276]),
    (280, &[276]),
    (530, &[531, 534, 535]),
    (711, &[710, 72, 426, 516, 748]),
    (736, &[729, 728]),
    (810, &[643, 31, 51, 112, 233, 268, 398, 417, 428, 440, 498, 762, 795, 804, 860]),
    (891, &[688, 499]),
];

/// Rows of countries that ended before their year, by country and year: how many, and their value.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outdated(BTreeMap<(u16, u16), (u64, i128)>);

impl Outdated {
    /// Takes a row whose countries are in the table.
    #[inline]
    pub(crate) fn meet(&mut self, row: &Row, last: &[u16]) {
        let [exporter, importer] = [row.exporter(), row.importer()];
        let year = row.year_number();
        // Any number of the table is known.
        let ended = |code: u16| last.get(usize::from(code)).is_some_and(|last| *last < year);
        if ended(exporter) || ended(importer) {
            self.add(row, [exporter, importer].into_iter().filter(|code| ended(*code)), year);
        }
    }

    #[cold]
    fn add(&mut self, row: &Row, codes: impl Iterator<Item = u16>, year: u16) {
        let mut before = None;
        for code in codes.filter(|code| before.replace(*code) != Some(*code)) {
            let sum = self.0.entry((code, year)).or_default();
            *sum = (sum.0 + 1, sum.1 + i128::from(row.value().get()));
        }
    }

    /// Takes those of other rows.
    pub(crate) fn join(&mut self, other: Self) {
        for (key, (rows, value)) in other.0 {
            let sum = self.0.entry(key).or_default();
            *sum = (sum.0 + rows, sum.1 + value);
        }
    }

    /// Those of one year.
    pub(crate) fn in_year(mut self, year: Year) -> Self {
        self.0.retain(|(_, own), _| *own == year.get());
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Of a table of one year.
    pub(crate) fn of_table(table: &TradeTable, countries: &CountryTable, last: &[u16]) -> Self {
        let year = table.year().get();
        let code = |index: CountryIndex| countries.country(index).code.get();
        let ended = |code: u16| last.get(usize::from(code)).is_some_and(|last| *last < year);
        let mut own = Self::default();
        for (product, rows) in table.iter() {
            for ((exporter, importer), value) in rows.exporters.iter().zip(rows.importers).zip(rows.values) {
                let countries = (code(*exporter), code(*importer));
                if ended(countries.0) || ended(countries.1) {
                    own.meet(&Row::of_numbers(year, product.number(), countries, value.get(), None), last);
                }
            }
        }
        own
    }

    /// Refuses a file that holds any.
    ///
    /// # Errors
    /// [`DataError::File`] with each country, its rows, their value, and who took its place.
    pub(crate) fn refuse(&self, file: &str, countries: &CountryTable) -> Result<(), DataError> {
        let named = |code: u16| {
            let country = countries.iter().map(|(_, country)| country).find(|country| country.code.get() == code);
            country.map_or_else(|| code.to_string(), |country| format!("{code} {}", country.name))
        };
        let problem = |((code, year), (rows, value)): (&(u16, u16), &(u64, i128))| {
            let successors = SUCCESSORS.iter().find(|(ended, _)| ended == code).map_or(&[][..], |(_, successors)| *successors);
            let successors: Vec<String> = successors.iter().copied().map(named).collect();
            let instead = if successors.is_empty() { "its successors".to_owned() } else { successors.join(", ") };
            format!(
                "country {} has {rows} rows of {year} with {} thousand USD, after its last year: correct the year, or count them \
                 under {instead}",
                named(*code),
                thousandths(*value)
            )
        };
        let problems: Vec<String> = self.0.iter().map(problem).collect();
        if problems.is_empty() { Ok(()) } else { Err(DataError::file(file, problems.join("; "))) }
    }
}

/// What was found out about the rows of a year beside the rows themselves.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Claims {
    /// Codes that the revision does not have; none where rows are made up, as their codes are.
    pub unknown_codes: Option<UnknownCodes>,
    /// The unit that was given for a column whose name tells none.
    pub value_unit: Option<ValueUnit>,
    /// Columns that were left out because their name tells no unit.
    pub unread: Vec<&'static str>,
}

impl Claims {
    /// A sentence each, for people.
    pub fn sentences(&self, revision: HsRevision) -> Vec<String> {
        let codes = self.unknown_codes.as_ref().and_then(|codes| codes.sentence(revision));
        let unit = self.value_unit.map(|unit| {
            let unit = if unit == ValueUnit::Usd { "US dollars" } else { "thousand US dollars" };
            format!("The column `value` is taken as {unit}, as the option says.")
        });
        let unread = self.unread.iter().map(|column| {
            format!(
                "The column `{column}` is not read, as its name tells no unit: name it `quantity_tons` if it is in metric tons."
            )
        });
        codes.into_iter().chain(unit).chain(unread).collect()
    }
}

/// Whether a text in the place of a quantity says that there is none, in the words of the usual programs: R, Stata, SAS, SQL,
/// pandas, Excel.
pub(crate) fn is_missing(text: &[u8]) -> bool {
    const WORDS: [&str; 20] = [
        "", ".", "..", "-", "--", "NA", "N/A", "n.a.", "n.a", "#N/A", "#NA", "<NA>", "NaN", "-NaN", "null", "\\N", "none", "nil",
        "missing", "NaT",
    ];
    let text = text.trim_ascii();
    let is_word = WORDS.iter().any(|word| word.as_bytes().eq_ignore_ascii_case(text));
    // Stata and SAS tell 27 kinds of missing apart: `.a` to `.z` and `._`.
    is_word || matches!(text, [b'.', letter] if letter.is_ascii_alphabetic() || *letter == b'_')
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_last_year_is_in_the_name() {
        let countries = crate::codes::embedded_countries().unwrap();
        let last = last_years(&countries);
        let dated: Vec<(u16, u16)> =
            (0..).zip(&last).filter(|(_, last)| (1..CURRENT).contains(*last)).map(|(a, b)| (a, *b)).collect();
        let expected =
            [(58, 1998), (200, 1992), (278, 1990), (280, 1990), (530, 2010), (711, 1999), (736, 2011), (810, 1990), (891, 2005)];
        assert_eq!(dated, expected);
        assert_eq!((last[0], last[156]), (NO_COUNTRY, CURRENT));
        for (code, successors) in SUCCESSORS {
            assert!(dated.iter().any(|(ended, _)| *ended == code));
            assert!(successors.iter().all(|code| last[usize::from(*code)] == CURRENT), "{code}");
        }
        assert_eq!(
            [ended("Sudan (...2011)"), ended("Sudan (2011)"), ended("Sudan"), ended("A (…1999) ")],
            [Some(2011), None, None, Some(1999)]
        );
    }

    #[test]
    fn a_thousandth_of_the_value_is_tolerated() {
        let year = Year::new(2023).unwrap();
        let of = |product: &str, value| OfProduct { product: product.parse().unwrap(), rows: 2, value };
        // 810320 came in 2002, 854231 in 2007, 010121 in 2012.
        let check = |products: &[OfProduct]| check_codes("f", year, HsRevision::Hs92, products);
        let just = check(&[of("270900", 999_000), of("810320", 1000)]).unwrap();
        assert_eq!((just.pct.as_str(), just.rows, just.products, just.value_kusd.as_str()), ("0.100000", 2, 1, "1.000"));
        let clean = check(&[of("270900", 5), of("271000", 5), of("999999", 5)]).unwrap();
        assert_eq!((clean.pct.as_str(), clean.largest.len(), clean.sentence(HsRevision::Hs92)), ("0.000000", 0, None));
        let error = check(&[of("270900", 998_999), of("810320", 1001)]).unwrap_err().to_string();
        assert!(
            error.contains("2023: 0.100100 % of the value (2 rows)") && error.contains("810320 (1.001 thousand USD)"),
            "{error}"
        );
        assert!(error.contains("Every code is in HS02, HS07, HS12, HS17, HS22:"), "{error}");
        let error = check(&[of("770000", 5), of("780000", 7)]).unwrap_err().to_string();
        assert!(error.contains("780000 (0.007 thousand USD), 770000") && error.contains("No other revision has more"), "{error}");
    }

    #[test]
    fn missing_is_said_in_many_words() {
        for word in
            ["", " ", ".", "NA", "na", "N/A", "nan", "NaN", "NULL", "null", "None", "\\N", "\\n", "-", ".a", "._", "<NA>", "#N/A"]
        {
            assert!(is_missing(word.as_bytes()), "{word}");
        }
        for word in ["0", ".5", "-1", "x", "1.", "N", "...", ".1"] {
            assert!(!is_missing(word.as_bytes()), "{word}");
        }
    }
}
