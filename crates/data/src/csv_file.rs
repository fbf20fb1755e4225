//! CEPII's own CSV: `t,i,j,k,v,q`, one year of one revision.

use std::collections::BTreeSet;
use std::path::Path;

use reorient_core::{CountryCode, CountryTable, HsRevision, ProductCode, Usd, Year};

use crate::DataError;
use crate::error::file_name;
use crate::store::{StoredRow, YearInfo, write_year};

const COLUMNS: [&str; 6] = ["t", "i", "j", "k", "v", "q"];

/// Converts one BACI CSV into our Parquet layout and gives the number of rows.
///
/// # Errors
/// [`DataError`] when the CSV cannot be read or breaks a rule, or when the output cannot be written.
pub fn convert_csv(input: &Path, output: &Path, attribution: &str) -> Result<usize, DataError> {
    let (revision, release) = named_in(input)?;
    let bytes = std::fs::read(input).map_err(|error| DataError::unreadable(input, &error))?;
    let (year, rows) = read_rows(&file_name(input), &bytes, &crate::codes::embedded_countries()?)?;
    let count = rows.len();
    let info = YearInfo { year, revision, release, synthetic: false, attribution: attribution.to_owned() };
    write_year(output, &info, rows)?;
    Ok(count)
}

/// Revision and release from a name such as `BACI_HS92_Y2023_V202401b.csv`.
pub(crate) fn named_in(path: &Path) -> Result<(HsRevision, String), DataError> {
    let name = file_name(path);
    let part = |prefix: char| {
        name.split(['_', '-', '.', ' ']).filter(move |part| part.starts_with([prefix, prefix.to_ascii_lowercase()]))
    };
    let revision = part('H').find_map(|part| part.parse().ok());
    let release = part('V').map(|part| &part[1..]).find(|part| part.starts_with(|first: char| first.is_ascii_digit()));
    let problem = "the name does not say which HS revision the codes are of; rename the file as CEPII does, \
                   such as BACI_HS92_Y2023_V202401b.csv";
    let revision = revision.ok_or_else(|| DataError::file(&name, problem))?;
    Ok((revision, release.unwrap_or("unknown").to_owned()))
}

/// Reads the start of a file for the year of its first row.
pub(crate) fn first_year(path: &Path) -> Result<Year, DataError> {
    use std::io::Read;
    let fail = |error| DataError::unreadable(path, &error);
    let mut start = Vec::new();
    std::fs::File::open(path).map_err(fail)?.take(4096).read_to_end(&mut start).map_err(fail)?;
    let name = file_name(path);
    let mut lines = Lines::new(&name, &start)?;
    let mut record = csv::ByteRecord::new();
    if lines.next(&mut record)? { lines.field(&record, 0)?.parse_as(str::parse) } else { Err(no_rows(&name)) }
}

/// All rows in the order of the file, and their year. Unquoted, quoted and space-padded fields all do.
pub(crate) fn read_rows(name: &str, bytes: &[u8], countries: &CountryTable) -> Result<(Year, Vec<StoredRow>), DataError> {
    let mut lines = Lines::new(name, bytes)?;
    let mut record = csv::ByteRecord::new();
    let mut year = None;
    // A row has at least some twenty bytes; a guess that is too high costs address space only.
    let mut rows = Vec::with_capacity(bytes.len() / 24);
    while lines.next(&mut record)? {
        let of_row: Year = lines.field(&record, 0)?.parse_as(str::parse)?;
        if *year.get_or_insert(of_row) != of_row {
            let field = lines.field(&record, 0)?;
            return Err(field.fail("the rows above are of another year; give one file per year"));
        }
        let country = |column| -> Result<CountryCode, DataError> {
            let field = lines.field(&record, column)?;
            let code: CountryCode = field.parse_as(str::parse)?;
            let known = countries.index(code).map(|_| code);
            known.ok_or_else(|| field.fail("this country is not in the country table; the release may be newer than the table"))
        };
        let amount = lines.field(&record, 4)?;
        let value: Usd = amount.parse_as(Usd::parse_kusd)?;
        if value <= Usd::ZERO {
            return Err(amount.fail("a flow must be more than zero; remove the row or correct the value"));
        }
        rows.push(StoredRow {
            product: lines.field(&record, 3)?.parse_as(str::parse)?,
            exporter: country(1)?,
            importer: country(2)?,
            value,
            quantity: quantity(&lines.field(&record, 5)?)?,
        });
    }
    Ok((year.ok_or_else(|| no_rows(name))?, rows))
}

/// The distinct products of rows.
pub(crate) fn products_of(rows: &[StoredRow]) -> BTreeSet<ProductCode> {
    rows.iter().map(|row| row.product).collect()
}

fn no_rows(name: &str) -> DataError {
    DataError::file(name, "the file has no rows")
}

/// Thousandths of a metric ton; `NA` or nothing means unknown.
fn quantity(field: &Field<'_>) -> Result<Option<i64>, DataError> {
    if field.text.is_empty() || field.text == "NA" {
        return Ok(None);
    }
    // The notation of amounts: a plain decimal with up to three decimals.
    let thousandths = field.parse_as(Usd::parse_kusd)?.get();
    if thousandths < 0 { Err(field.fail("a quantity cannot be negative")) } else { Ok(Some(thousandths)) }
}

/// Line of a record, from 1. The reader's own count is one behind after `\r\n` and before empty lines.
pub(crate) fn line_of(bytes: &[u8], start: Option<&csv::Position>) -> usize {
    let from = start.map_or(0, |start| usize::try_from(start.byte()).unwrap_or(0)).min(bytes.len());
    let blank = bytes[from..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    1 + bytes[..from + blank].iter().filter(|byte| **byte == b'\n').count()
}

/// The records of a file with the position of each of the six columns.
struct Lines<'a> {
    name: &'a str,
    bytes: &'a [u8],
    reader: csv::Reader<&'a [u8]>,
    at: [usize; COLUMNS.len()],
    width: usize,
}

impl<'a> Lines<'a> {
    fn new(name: &'a str, bytes: &'a [u8]) -> Result<Self, DataError> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
        let header = reader.byte_headers().map_err(|error| DataError::file(name, error.to_string()))?.clone();
        let mut at = [0; COLUMNS.len()];
        for (position, column) in at.iter_mut().zip(COLUMNS) {
            let found = header.iter().position(|field| field.trim_ascii().eq_ignore_ascii_case(column.as_bytes()));
            let problem = || format!("line 1: column `{column}` is missing; a BACI file has the columns {}", COLUMNS.join(","));
            *position = found.ok_or_else(|| DataError::file(name, problem()))?;
        }
        Ok(Self { name, bytes, reader, at, width: header.len() })
    }

    fn next(&mut self, record: &mut csv::ByteRecord) -> Result<bool, DataError> {
        let more = self.reader.read_byte_record(record).map_err(|error| DataError::file(self.name, error.to_string()))?;
        if more && record.len() != self.width {
            let line = line_of(self.bytes, record.position());
            let problem =
                format!("line {line} has {} fields instead of {}; the file may be cut off or joined", record.len(), self.width);
            return Err(DataError::file(self.name, problem));
        }
        Ok(more)
    }

    fn field<'r>(&self, record: &'r csv::ByteRecord, column: usize) -> Result<Field<'r>, DataError>
    where
        'a: 'r,
    {
        let bytes = record.get(self.at[column]).unwrap_or(b"").trim_ascii();
        let text = std::str::from_utf8(bytes).unwrap_or("");
        let field = Field { name: self.name, file: self.bytes, start: record.position(), column: COLUMNS[column], text };
        if field.text.len() == bytes.len() {
            return Ok(field);
        }
        let lossy = String::from_utf8_lossy(bytes);
        Err(Field { text: &lossy, ..field }.fail("this is not UTF-8 text"))
    }
}

/// One field without its padding.
struct Field<'a> {
    name: &'a str,
    file: &'a [u8],
    start: Option<&'a csv::Position>,
    column: &'static str,
    text: &'a str,
}

impl Field<'_> {
    fn parse_as<T, E: std::fmt::Display>(&self, parse: impl FnOnce(&str) -> Result<T, E>) -> Result<T, DataError> {
        parse(self.text).map_err(|error| self.fail(&format!("{error}; correct the line or fetch the file again")))
    }

    fn fail(&self, problem: &str) -> DataError {
        DataError::Value {
            file: self.name.to_owned(),
            place: format!("line {}", line_of(self.file, self.start)),
            column: self.column,
            value: self.text.to_owned(),
            problem: problem.to_owned(),
        }
    }
}
