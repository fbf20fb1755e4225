//! Any line: every way of writing a row that CEPII, spreadsheets and people have, and what is wrong with the others.

use fearless_simd::{Level, Simd, dispatch};
use reorient_core::{CountryCode, ProductCode, Usd, Year};

use super::{Known, fast};
use crate::DataError;
use crate::input::{Order, Pick};
use crate::issue::{Problem, Reason};
use crate::row::Row;

const COLUMNS: [&str; 6] = ["t", "i", "j", "k", "v", "q"];
/// A line has some forty bytes.
const BYTES_PER_ROW: usize = 38;
/// Columns besides ours are passed over, within reason.
const WIDEST: usize = 64;

pub(in crate::input) fn not_text(start: &[u8]) -> Option<&'static str> {
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
pub(super) struct Layout {
    at: [usize; COLUMNS.len()],
    width: usize,
}

impl Layout {
    pub(super) fn new(name: &str, header: &[u8]) -> Result<Self, DataError> {
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
pub(super) struct Parsed {
    /// Rows of the products that are asked for.
    pub(super) rows: Vec<Row>,
    pub(super) problems: Vec<Problem>,
    /// Rows of all products, bad ones included.
    pub(super) met: u64,
    pub(super) lines: u64,
    /// Of all good rows.
    pub(super) order: Order,
    /// Whether rows of other years than the one expected are among the problems.
    pub(super) year_is_checked: bool,
}

/// Parses whole lines: the plain ones the fast way, the others with care.
pub(super) fn parse_block(block: &[u8], layout: &Layout, known: &Known<'_>, pick: &Pick) -> Parsed {
    dispatch!(Level::new(), simd => parse_lines(simd, block, layout, known, pick))
}

#[inline(always)]
fn parse_lines<S: Simd>(simd: S, mut block: &[u8], layout: &Layout, known: &Known<'_>, pick: &Pick) -> Parsed {
    let mut parsed = Parsed {
        // Room for all rows; what is kept of few gets memory of its own.
        rows: Vec::with_capacity(block.len() / BYTES_PER_ROW + 1),
        problems: Vec::new(),
        met: 0,
        lines: 0,
        order: Order::new(),
        year_is_checked: known.year.is_some(),
    };
    let is_plain = layout.at == [0, 1, 2, 3, 4, 5] && layout.width == 6;
    // Without vectors, reading field by field is faster.
    let is_usual = is_plain && !simd.level().is_fallback();
    let mut plain = fast::Plain::new(*known);
    while !block.is_empty() {
        let number = parsed.lines;
        parsed.lines += 1;
        if is_usual && let Some((row, wanted, length)) = plain.usual_row(simd, block, pick) {
            block = &block[length..];
            parsed.meet(row, wanted);
            continue;
        }
        if is_plain && let Some((row, length)) = plain.other_row(block) {
            block = &block[length..];
            parsed.take(row, pick);
            continue;
        }
        let end = memchr::memchr(b'\n', block).map_or(block.len(), |end| end + 1);
        let (line, rest) = block.split_at(end);
        block = rest;
        match parse_line(line, layout, known) {
            Some(Ok(row)) => parsed.take(row, pick),
            Some(Err(problem)) => {
                parsed.met += 1;
                parsed.problems.push(Problem { line: number, ..problem });
            }
            None => {}
        }
    }
    // The first row of a file may still have to tell its year.
    if parsed.year_is_checked {
        parsed.rows = pick.hand_over(parsed.rows);
    }
    parsed
}

impl Parsed {
    fn take(&mut self, row: Row, pick: &Pick) {
        self.meet(row, pick.takes(row.product_number()));
    }

    fn meet(&mut self, row: Row, wanted: bool) {
        self.met += 1;
        self.order.meet(&row);
        if wanted {
            self.rows.push(row);
        }
    }
}

/// A line with care; none when it is blank.
pub(super) fn parse_line(line: &[u8], layout: &Layout, known: &Known<'_>) -> Option<Result<Row, Problem>> {
    if line.trim_ascii().is_empty() {
        return None;
    }
    let mut fields = [&line[..0]; WIDEST];
    let width = split(line, &mut fields);
    if width != layout.width {
        let quotes = line.iter().filter(|byte| **byte == b'"').count();
        let text = match quotes % 2 {
            0 => format!("it has {width} fields instead of {}; the file may be cut off or joined", layout.width),
            _ => "a quote is not closed".to_owned(),
        };
        let value = String::from_utf8_lossy(line.trim_ascii()).chars().take(60).collect();
        return Some(Err(Problem { line: 0, reason: Reason::FieldCount, column: "", value, text }));
    }
    let six = layout.at.map(|at| fields[at]);
    Some(parse_row(&six, known).map_err(|(reason, column, text)| {
        let value = String::from_utf8_lossy(six[column].trim_ascii());
        let value = unquoted(value.as_bytes())
            .map_or_else(|| value.clone().into_owned(), |inner| String::from_utf8_lossy(inner).into_owned());
        Problem { line: 0, reason, column: COLUMNS[column], value: value.chars().take(60).collect(), text }
    }))
}

/// Reason, column and what to do.
type Fault = (Reason, usize, String);

fn parse_row(six: &[&[u8]; 6], known: &Known<'_>) -> Result<Row, Fault> {
    let field = |column: usize| {
        unquoted(six[column])
            .ok_or_else(|| (reason_of(column), column, "a quote is not closed or stands amid the field".to_owned()))
    };
    let year = match digits(field(0)?) {
        Some(number) => u16::try_from(number).ok().and_then(|number| Year::new(number).ok()),
        None => None,
    };
    let year = year.ok_or_else(|| fault(0, Reason::BadYear, &text(six[0]).parse::<Year>()))?;
    let exporter =
        crate::input::country(digits(field(1)?), known.countries).map_err(|reason| country_fault(1, reason, six[1]))?;
    let importer =
        crate::input::country(digits(field(2)?), known.countries).map_err(|reason| country_fault(2, reason, six[2]))?;
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
        return Err((reason, 4, crate::input::NOT_POSITIVE.to_owned()));
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
    crate::input::within_decimal(value, quantity)
        .map_err(|(reason, text)| (reason, if reason == Reason::BadValue { 4 } else { 5 }, text))?;
    if known.year.is_some_and(|expected| expected != year) {
        return Err((Reason::BadYear, 0, known.other_year.to_owned()));
    }
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
        Reason::UnknownCountry => (reason, column, crate::input::UNKNOWN_COUNTRY.to_owned()),
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
pub(in crate::input) fn thousandths(field: &[u8]) -> Option<i64> {
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
    if decimals > 3 || (decimals == 0 && field == b".") { None } else { number.checked_mul(10_i64.pow(3 - decimals)) }
}
