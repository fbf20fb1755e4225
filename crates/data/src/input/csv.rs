//! CEPII's CSV, `t,i,j,k,v,q`: quoted or not, padded or not, parsed by blocks of lines on all cores.

use std::io::Read;

use rayon::prelude::*;
use reorient_core::{CountryCode, CountryTable, ProductCode, Usd, Year};

use super::Years;
use crate::DataError;
use crate::issue::{Issues, Problem, Reason};
use crate::row::Row;

pub(crate) const COLUMNS: [&str; 6] = ["t", "i", "j", "k", "v", "q"];
/// Bytes handed to one core at a time.
const BLOCK: usize = 1 << 20;
/// CEPII's longest line has some seventy bytes.
const LONGEST_LINE: usize = 1 << 16;
/// Columns besides ours are passed over, within reason.
const WIDEST: usize = 64;

/// Reads rows in the order of the file and hands them over in batches; gives the number of rows met.
pub(crate) fn read(
    name: &str,
    reader: &mut dyn Read,
    countries: &CountryTable,
    years: &mut Years,
    issues: &mut Issues<'_>,
    sink: &mut dyn FnMut(&[Row]) -> Result<(), DataError>,
) -> Result<u64, DataError> {
    let mut lines = LineBlocks { name, reader, rest: Vec::new(), ended: false, lines: 0 };
    let header = lines.header()?;
    let layout = Layout::new(name, &header)?;
    let known = super::known_countries(countries);
    let mut first_line = lines.lines + 1;
    let mut rows_met = 0;
    loop {
        let mut blocks = Vec::new();
        for _ in 0..2 * rayon::current_num_threads() {
            match lines.next()? {
                Some(block) => blocks.push(block),
                None => break,
            }
        }
        if blocks.is_empty() {
            break;
        }
        let parsed: Vec<Parsed> = blocks.par_iter().map(|block| parse_block(block, &layout, &known)).collect();
        for mut block in parsed {
            rows_met += block.rows.len() as u64;
            for problem in std::mem::take(&mut block.problems) {
                rows_met += 1;
                issues.add(name, "line", Problem { line: first_line + problem.line, ..problem })?;
            }
            let wrong = years.take(&mut block.rows, |at| first_line + line_of_row(&block.without_row, at))?;
            for problem in wrong {
                issues.add(name, "line", problem)?;
            }
            first_line += block.lines;
            sink(&block.rows)?;
        }
    }
    if rows_met == 0 {
        issues.refuse(DataError::file(name, "the file has no rows"))?;
    }
    Ok(rows_met)
}

/// The file in pieces that end where a line ends.
struct LineBlocks<'a> {
    name: &'a str,
    reader: &'a mut dyn Read,
    rest: Vec<u8>,
    ended: bool,
    /// Lines taken as a header.
    lines: u64,
}

impl LineBlocks<'_> {
    /// Fills `rest` up to a block, or to the end of the file.
    fn fill(&mut self) -> Result<(), DataError> {
        let missing = BLOCK.saturating_sub(self.rest.len());
        if !self.ended && missing > 0 {
            let read = (&mut *self.reader).take(missing as u64).read_to_end(&mut self.rest);
            let read = read.map_err(|error| DataError::damaged(self.name, error.to_string()))?;
            self.ended = read < missing;
        }
        Ok(())
    }

    /// The first line that is not blank, without a byte order mark.
    fn header(&mut self) -> Result<Vec<u8>, DataError> {
        self.fill()?;
        if let Some(problem) = not_text(&self.rest) {
            return Err(DataError::file(self.name, problem));
        }
        if self.rest.starts_with(b"\xef\xbb\xbf") {
            self.rest.drain(..3);
        }
        loop {
            let end = self.rest.iter().take(LONGEST_LINE).position(|byte| *byte == b'\n');
            let end = match end {
                Some(end) => end + 1,
                None if self.ended && self.rest.len() < LONGEST_LINE => self.rest.len(),
                None => return Err(self.too_long(1)),
            };
            let line: Vec<u8> = self.rest.drain(..end).collect();
            self.lines += 1;
            if !line.trim_ascii().is_empty() || self.rest.is_empty() {
                return Ok(line);
            }
        }
    }

    fn next(&mut self) -> Result<Option<Vec<u8>>, DataError> {
        self.fill()?;
        if self.rest.is_empty() {
            return Ok(None);
        }
        let end = match self.rest.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => end + 1,
            None if self.ended => self.rest.len(),
            None => return Err(self.too_long(0)),
        };
        let rest = self.rest.split_off(end);
        Ok(Some(std::mem::replace(&mut self.rest, rest)))
    }

    fn too_long(&self, line: u64) -> DataError {
        let place = if line > 0 { format!("line {line}") } else { "a line".to_owned() };
        DataError::file(self.name, format!("{place} is longer than {LONGEST_LINE} bytes; this is not a CSV of CEPII's"))
    }
}

pub(super) fn not_text(start: &[u8]) -> Option<&'static str> {
    let trimmed = start.trim_ascii_start();
    if start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") {
        Some("this is UTF-16 text; save it as UTF-8")
    } else if trimmed.starts_with(b"<") {
        Some("this is a web page, not a CSV; the download went wrong, fetch it again")
    } else if start.starts_with(b"PK\x03\x04") {
        Some("this is a zip archive; name it .zip")
    } else if start.starts_with(b"\x1f\x8b") {
        Some("this is compressed with gzip; name it .csv.gz")
    } else if start.starts_with(b"PAR1") {
        Some("this is a Parquet file; name it .parquet")
    } else if start.iter().take(4096).any(|byte| *byte == 0) {
        Some("this is not text: it holds zero bytes")
    } else {
        None
    }
}

/// Where the six columns stand.
struct Layout {
    at: [usize; COLUMNS.len()],
    width: usize,
}

impl Layout {
    fn new(name: &str, header: &[u8]) -> Result<Self, DataError> {
        let mut fields = [&header[..0]; WIDEST];
        let width = split(header, &mut fields);
        let titles: Vec<String> = fields[..width.min(WIDEST)]
            .iter()
            .map(|field| String::from_utf8_lossy(unquoted(field).unwrap_or(field)).trim().to_ascii_lowercase())
            .collect();
        if width > WIDEST {
            return Err(DataError::file(name, format!("line 1 has {width} columns; a BACI file has six")));
        }
        let mut at = [0; COLUMNS.len()];
        for (position, column) in at.iter_mut().zip(COLUMNS) {
            let mut found = titles.iter().enumerate().filter(|(_, title)| *title == column).map(|(at, _)| at);
            let shown: String = String::from_utf8_lossy(header.trim_ascii()).chars().take(80).collect();
            let problem = |what: &str| {
                let has = "a BACI file has the columns t,i,j,k,v,q";
                DataError::file(name, format!("line 1: column `{column}` {what}: `{shown}`; {has}"))
            };
            *position = found.next().ok_or_else(|| problem("is missing"))?;
            if found.next().is_some() {
                return Err(problem("stands twice"));
            }
        }
        Ok(Self { at, width })
    }
}

/// Splits a line at its commas, those within quotes excepted; gives the number of fields, of which `fields` takes the first.
fn split<'a>(line: &'a [u8], fields: &mut [&'a [u8]; WIDEST]) -> usize {
    let mut count = 0;
    let mut start = 0;
    let mut quoted = false;
    for (at, byte) in line.iter().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b',' if !quoted => {
                if count < WIDEST {
                    fields[count] = &line[start..at];
                }
                count += 1;
                start = at + 1;
            }
            _ => {}
        }
    }
    if count < WIDEST {
        fields[count] = &line[start..];
    }
    count + 1
}

/// A field without padding and quotes; `None` for a quote that is not closed or stands amid the field.
fn unquoted(field: &[u8]) -> Option<&[u8]> {
    let field = field.trim_ascii();
    let Some(rest) = field.strip_prefix(b"\"") else {
        return (!field.contains(&b'"')).then_some(field);
    };
    let inner = rest.strip_suffix(b"\"")?;
    (!inner.contains(&b'"')).then(|| inner.trim_ascii())
}

/// One block: rows, and what is wrong with the others. Lines count from 0 within the block.
struct Parsed {
    rows: Vec<Row>,
    problems: Vec<Problem>,
    /// Lines that gave no row, ascending, blank ones too.
    without_row: Vec<u64>,
    lines: u64,
}

/// Line of a row of a block, when the lines `without_row` gave none.
fn line_of_row(without_row: &[u64], row: usize) -> u64 {
    let mut line = row as u64;
    for skipped in without_row {
        if *skipped <= line {
            line += 1;
        }
    }
    line
}

fn parse_block(block: &[u8], layout: &Layout, known: &[bool]) -> Parsed {
    let mut parsed =
        Parsed { rows: Vec::with_capacity(block.len() / 24), problems: Vec::new(), without_row: Vec::new(), lines: 0 };
    let mut fields = [&block[..0]; WIDEST];
    for line in block.split_inclusive(|byte| *byte == b'\n') {
        let number = parsed.lines;
        parsed.lines += 1;
        if line.trim_ascii().is_empty() {
            parsed.without_row.push(number);
            continue;
        }
        let width = split(line, &mut fields);
        if width != layout.width {
            let quotes = line.iter().filter(|byte| **byte == b'"').count();
            let text = match quotes % 2 {
                0 => format!("it has {width} fields instead of {}; the file may be cut off or joined", layout.width),
                _ => "a quote is not closed".to_owned(),
            };
            let value = String::from_utf8_lossy(line.trim_ascii()).chars().take(60).collect();
            parsed.problems.push(Problem { line: number, reason: Reason::FieldCount, column: "", value, text });
            parsed.without_row.push(number);
            continue;
        }
        let six = layout.at.map(|at| fields[at]);
        match parse_row(&six, known) {
            Ok(row) => parsed.rows.push(row),
            Err((reason, column, text)) => {
                let value = String::from_utf8_lossy(six[column].trim_ascii());
                let value = unquoted(value.as_bytes())
                    .map_or_else(|| value.clone().into_owned(), |inner| String::from_utf8_lossy(inner).into_owned());
                let value: String = value.chars().take(60).collect();
                parsed.problems.push(Problem { line: number, reason, column: COLUMNS[column], value, text });
                parsed.without_row.push(number);
            }
        }
    }
    parsed
}

/// Reason, column and what to do.
type Fault = (Reason, usize, String);

fn parse_row(six: &[&[u8]; 6], known: &[bool]) -> Result<Row, Fault> {
    let field = |column: usize| {
        unquoted(six[column])
            .ok_or_else(|| (reason_of(column), column, "a quote is not closed or stands amid the field".to_owned()))
    };
    let year = match digits(field(0)?) {
        Some(number) => u16::try_from(number).ok().and_then(|number| Year::new(number).ok()),
        None => None,
    };
    let year = year.ok_or_else(|| fault(0, Reason::BadYear, &text(six[0]).parse::<Year>()))?;
    let exporter = super::country(digits(field(1)?), known).map_err(|reason| country_fault(1, reason, six[1]))?;
    let importer = super::country(digits(field(2)?), known).map_err(|reason| country_fault(2, reason, six[2]))?;
    let product = field(3)?;
    let product = match digits(product) {
        Some(number) if matches!(product.len(), 5 | 6) && number >= 10_000 => ProductCode::from_number(number).ok(),
        _ => None,
    };
    let product = product.ok_or_else(|| fault(3, Reason::BadCode, &text(six[3]).parse::<ProductCode>()))?;
    let value = field(4)?;
    let value = match thousandths(value) {
        Some(dollars) => Usd::new(dollars),
        None => Usd::parse_kusd(&text(value)).map_err(|error| (Reason::BadValue, 4, advice(&error)))?,
    };
    if value <= Usd::ZERO {
        let reason = if value == Usd::ZERO { Reason::ZeroValue } else { Reason::NegativeValue };
        return Err((reason, 4, super::NOT_POSITIVE.to_owned()));
    }
    let quantity = field(5)?;
    let quantity = match thousandths(quantity) {
        Some(kilograms) => Some(kilograms),
        None if quantity.is_empty() || quantity == b"NA" => None,
        None => Some(Usd::parse_kusd(&text(quantity)).map_err(|error| (Reason::BadQuantity, 5, advice(&error)))?.get()),
    };
    if quantity.is_some_and(|quantity| quantity < 0) {
        return Err((Reason::BadQuantity, 5, "a quantity cannot be negative".to_owned()));
    }
    super::within_decimal(value, quantity)
        .map_err(|(reason, text)| (reason, if reason == Reason::BadValue { 4 } else { 5 }, text))?;
    Ok(Row::new(year, product, (exporter, importer), value, quantity))
}

const fn reason_of(column: usize) -> Reason {
    match column {
        0 => Reason::BadYear,
        1..=3 => Reason::BadCode,
        4 => Reason::BadValue,
        _ => Reason::BadQuantity,
    }
}

fn text(field: &[u8]) -> String {
    String::from_utf8_lossy(unquoted(field).unwrap_or(field)).into_owned()
}

fn advice(error: &dyn std::fmt::Display) -> String {
    format!("{error}; correct the line or fetch the file again")
}

fn fault<T, E: std::fmt::Display>(column: usize, reason: Reason, parsed: &Result<T, E>) -> Fault {
    let text = parsed.as_ref().err().map_or_else(|| "this is not as CEPII writes it".to_owned(), |error| advice(error));
    (reason, column, text)
}

fn country_fault(column: usize, reason: Reason, field: &[u8]) -> Fault {
    match reason {
        Reason::UnknownCountry => (reason, column, super::UNKNOWN_COUNTRY.to_owned()),
        _ => fault(column, reason, &text(field).parse::<CountryCode>()),
    }
}

/// Up to nine plain digits.
fn digits(field: &[u8]) -> Option<u32> {
    if field.is_empty() || field.len() > 9 {
        return None;
    }
    field.iter().try_fold(0_u32, |number, byte| byte.is_ascii_digit().then(|| number * 10 + u32::from(byte - b'0')))
}

/// The common form of an amount, up to twelve digits, a point and up to three more, in thousandths.
fn thousandths(field: &[u8]) -> Option<i64> {
    let mut number: i64 = 0;
    let mut decimals: Option<u32> = None;
    if field.is_empty() || field.len() > 16 {
        return None;
    }
    for byte in field {
        match byte {
            b'0'..=b'9' => {
                number = number * 10 + i64::from(byte - b'0');
                decimals = decimals.map(|count| count + 1);
            }
            b'.' if decimals.is_none() => decimals = Some(0),
            _ => return None,
        }
    }
    let decimals = decimals.unwrap_or(0);
    // A lone point and longer fractions go the careful way.
    if decimals > 3 || (decimals == 0 && field == b".") { None } else { Some(number * 10_i64.pow(3 - decimals)) }
}
