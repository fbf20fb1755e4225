//! Published figures from CSV: the report's, carried inside the program, or those of the user.

use std::path::Path;

use anyhow::anyhow;
use csv::StringRecord;
use reorient_core::{CountryCode, file_name};
use reorient_data::{InputFile, InputRole};
use reorient_files::Limit;
use reorient_metrics::{HEADLINE_COUNTRIES, Printed, Published, PublishedRisk, PublishedRow};

use crate::Failure;

const TABLE: &str = "table_a1.csv";
const TABLE_CSV: &str = include_str!("../../../data/reference/table_a1.csv");
const HEADLINE: &str = "headline.csv";
const HEADLINE_CSV: &str = include_str!("../../../data/reference/headline.csv");

/// Quantities of the headline that are read, in the order of [`HEADLINE_COUNTRIES`]: before and after.
const SHARES: [[&str; 2]; 2] = [["china_share_before", "china_share_after"], ["us_share_before", "us_share_after"]];

/// The report's figures; with a table of the user, that table and the headline given with it, if any. With them come the files of
/// the user, each with the hash that it was read with.
///
/// # Errors
/// [`Failure`] when a file cannot be read or holds no such table.
pub fn read(against: Option<&Path>, headline: Option<&Path>) -> Result<(Published, Vec<InputFile>), Failure> {
    let mut inputs = Vec::new();
    let rows = table(&text(against, TABLE, TABLE_CSV, &mut inputs)?)?;
    let risk = match (against, headline) {
        (Some(_), None) => Vec::new(),
        _ => shares(&text(headline, HEADLINE, HEADLINE_CSV, &mut inputs)?)?,
    };
    Ok((Published::new(rows, risk), inputs))
}

/// A file's name and text.
struct Named {
    name: String,
    text: String,
}

fn text(path: Option<&Path>, name: &str, embedded: &str, inputs: &mut Vec<InputFile>) -> Result<Named, Failure> {
    let Some(path) = path else { return Ok(Named { name: name.to_owned(), text: embedded.to_owned() }) };
    let name = path.display().to_string();
    let text = reorient_files::read_text(path, Limit::PUBLISHED)?;
    inputs.push(InputFile::of_bytes(InputRole::Published, file_name(path), text.as_bytes()));
    Ok(Named { name, text: text.trim_start_matches('\u{feff}').to_owned() })
}

/// Rows with the line that each stands on, and the columns by name.
struct Rows {
    name: String,
    header: StringRecord,
    records: Vec<(u64, StringRecord)>,
}

impl Rows {
    fn of(named: &Named) -> Result<Self, Failure> {
        let bad = |error: csv::Error| Failure::bad_data(anyhow!("{}: {error}", named.name));
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(named.text.as_bytes());
        let header = reader.headers().map_err(bad)?.clone();
        let with_line = |record: Result<StringRecord, csv::Error>| {
            record.map_err(bad).map(|record| (record.position().map_or(0, csv::Position::line), record))
        };
        let records = reader.records().map(with_line).collect::<Result<_, _>>()?;
        Ok(Self { name: named.name.clone(), header, records })
    }

    /// Position of the first of some names.
    fn column(&self, names: &[&str]) -> Option<usize> {
        names.iter().find_map(|name| self.header.iter().position(|title| title.eq_ignore_ascii_case(name)))
    }

    fn needed(&self, names: &[&str]) -> Result<usize, Failure> {
        let missing = || Failure::bad_data(anyhow!("{}: column `{}` is missing", self.name, names[0]));
        self.column(names).ok_or_else(missing)
    }

    fn parsed<T>(&self, (line, record): &(u64, StringRecord), column: usize) -> Result<T, Failure>
    where
        T: std::str::FromStr,
        T::Err: std::fmt::Display,
    {
        let text = record.get(column).unwrap_or_default();
        let title = self.header.get(column).unwrap_or_default();
        text.parse().map_err(|error| Failure::bad_data(anyhow!("{}: line {line}, column `{title}`: {error}", self.name)))
    }

    /// A share of imports in percent.
    fn share(&self, record: &(u64, StringRecord), column: usize) -> Result<Printed, Failure> {
        let share: Printed = self.parsed(record, column)?;
        if share.value() > 100.0 {
            let title = self.header.get(column).unwrap_or_default();
            let text = record.1.get(column).unwrap_or_default();
            let problem = format!("line {}, column `{title}`: a share of `{text}` percent is more than all imports", record.0);
            return Err(Failure::bad_data(anyhow!("{}: {problem}", self.name)));
        }
        Ok(share)
    }
}

fn table(named: &Named) -> Result<Vec<PublishedRow>, Failure> {
    let rows = Rows::of(named)?;
    let country = rows.needed(&["baci_code", "code"])?;
    let (increase, share_old) = (rows.needed(&["increase_musd"])?, rows.needed(&["share_old_pct"])?);
    let (share_new, sector) = (rows.needed(&["share_new_pct"])?, rows.column(&["main_sector"]));
    let mut found: Vec<PublishedRow> = Vec::new();
    for record in &rows.records {
        let main_sector = sector.map(|column| rows.parsed(record, column)).transpose()?;
        let country: CountryCode = rows.parsed(record, country)?;
        if found.iter().any(|row| row.country == country) {
            return Err(Failure::bad_data(anyhow!("{}: line {}: country {country} stands twice", named.name, record.0)));
        }
        found.push(PublishedRow {
            country,
            increase: rows.parsed(record, increase)?,
            main_sector,
            share_old: rows.share(record, share_old)?,
            share_new: rows.share(record, share_new)?,
        });
    }
    if found.is_empty() {
        return Err(Failure::bad_data(anyhow!("{}: the table has no rows", named.name)));
    }
    Ok(found)
}

/// The countries whose shares before and after are both there.
fn shares(named: &Named) -> Result<Vec<PublishedRisk>, Failure> {
    let rows = Rows::of(named)?;
    let (quantity, value) = (rows.needed(&["quantity"])?, rows.needed(&["value"])?);
    let of = |name: &str| -> Result<Option<Printed>, Failure> {
        let row = rows.records.iter().find(|(_, record)| record.get(quantity) == Some(name));
        row.map(|record| rows.share(record, value)).transpose()
    };
    let mut found = Vec::new();
    for (country, [before, after]) in HEADLINE_COUNTRIES.into_iter().zip(SHARES) {
        if let (Some(before), Some(after)) = (of(before)?, of(after)?) {
            found.push(PublishedRisk { country, before, after });
        }
    }
    if found.is_empty() {
        let names = SHARES.as_flattened().join(", ");
        return Err(Failure::bad_data(anyhow!("{}: there is none of the quantities {names}", named.name)));
    }
    Ok(found)
}
