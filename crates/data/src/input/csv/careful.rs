//! Any line: every way of writing a row that CEPII, spreadsheets and people have, and what is wrong with the others.

use fearless_simd::{Level, Simd, dispatch};
use reorient_core::{CountryCode, ProductCode, Usd, Year, shown_up_to};

use super::{Known, fast};
use crate::DataError;
use crate::claims::{Outdated, ValueUnit, is_missing};
use crate::input::{Order, Pick, QUANTITY};
use crate::issue::{Problem, Reason};
use crate::row::Row;

const COLUMNS: [&str; 6] = ["t", "i", "j", "k", "v", "q"];
/// Position of the value among them.
const VALUE: usize = 4;
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

/// Whether a header names the column of years.
pub(super) fn has_years(header: &[u8]) -> bool {
    let mut fields = [&header[..0]; WIDEST];
    let width = split(header, &mut fields);
    fields[..width.min(WIDEST)].iter().any(|field| unquoted(field).is_some_and(|title| title.eq_ignore_ascii_case(b"t")))
}

/// The position of a column that is not there.
const ABSENT: usize = usize::MAX;

/// Where the six columns stand.
pub(super) struct Layout {
    at: [usize; COLUMNS.len()],
    width: usize,
    /// The year of all rows, where no column tells.
    year: Option<Year>,
    /// Of a column `value`, where the values stand in one.
    pub(super) value_unit: Option<ValueUnit>,
    /// Of the values.
    unit: ValueUnit,
    /// A column of quantities that is left out, as its name tells no unit.
    pub(super) unread: Option<&'static str>,
}

impl Layout {
    /// `named` is the year that the folder of the file tells, so that no column need; `unit` is that of a column `value`.
    pub(super) fn new(name: &str, header: &[u8], named: Option<Year>, unit: Option<ValueUnit>) -> Result<Self, DataError> {
        let mut fields = [&header[..0]; WIDEST];
        let width = split(header, &mut fields);
        let titles: Vec<String> = fields[..width.min(WIDEST)]
            .iter()
            .map(|field| String::from_utf8_lossy(unquoted(field).unwrap_or(field)).trim().to_ascii_lowercase())
            .collect();
        if width > WIDEST {
            return Err(DataError::file(name, format!("line 1 has {width} columns; a BACI file has six")));
        }
        let is_there = |column: &str| titles.iter().any(|title| title == column);
        let has_value = value_column(name, is_there("v").then_some("v"), is_there("value"), unit)?;
        // A column under another name may contradict the folder.
        let tells_year = is_there("t") || is_there("year") || named.is_none();
        let mut at = [ABSENT; COLUMNS.len()];
        let unread = !is_there("q") && is_there(QUANTITY);
        for (position, (number, column)) in at.iter_mut().zip(COLUMNS.into_iter().enumerate()) {
            if number == 0 && !tells_year || column == "q" && unread {
                continue;
            }
            let column = if number == VALUE && has_value.is_some() { "value" } else { column };
            let mut found = titles.iter().enumerate().filter(|(_, title)| *title == column).map(|(at, _)| at);
            let header = String::from_utf8_lossy(header.trim_ascii());
            let shown = shown_up_to(&header, 80);
            let problem = |what: &str| {
                let is_row = titles.iter().any(|title| !title.is_empty())
                    && titles.iter().all(|title| title.bytes().all(|byte| !byte.is_ascii_alphabetic()));
                let has = if is_row {
                    "this is a row and no header, as in a part that was cut off another file: put t,i,j,k,v,q above it"
                } else {
                    "a BACI file has the columns t,i,j,k,v,q"
                };
                DataError::file(name, format!("line 1: column `{column}` {what}: `{shown}`; {has}"))
            };
            *position = found.next().ok_or_else(|| problem("is missing"))?;
            if found.next().is_some() {
                return Err(problem("stands twice"));
            }
        }
        let year = if tells_year { None } else { named };
        Ok(Self {
            at,
            width,
            year,
            value_unit: has_value,
            unit: has_value.unwrap_or(ValueUnit::Kusd),
            unread: unread.then_some(QUANTITY),
        })
    }
}

/// The unit of a column `value`, where no other column has the values; `known` is one whose name tells its unit.
///
/// # Errors
/// [`DataError::File`] when nothing tells the unit, or when an option contradicts the name of the column.
pub(in crate::input) fn value_column(
    name: &str,
    known: Option<&str>,
    has_value: bool,
    unit: Option<ValueUnit>,
) -> Result<Option<ValueUnit>, DataError> {
    match (known, unit) {
        (Some(column), Some(ValueUnit::Usd)) => {
            let problem = "is in thousand USD by its name, and --value-unit says usd: name it `value` if it is in dollars";
            Err(DataError::file(name, format!("column `{column}` {problem}")))
        }
        (None, None) if has_value => {
            let problem = "column `value` does not tell its unit: give --value-unit usd if it is in dollars, or --value-unit kusd \
                           if it is in thousand dollars as BACI's `v` is (value_unit in Python)";
            Err(DataError::file(name, problem))
        }
        (None, unit) if has_value => Ok(unit),
        _ => Ok(None),
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
    /// Those of countries that had ended.
    pub(super) outdated: Outdated,
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
        outdated: Outdated::default(),
        year_is_checked: known.year.is_some(),
    };
    let is_plain = layout.at == [0, 1, 2, 3, 4, 5] && layout.width == 6;
    // Without vectors, reading field by field is faster.
    let is_usual = is_plain && !simd.level().is_fallback() && layout.unit == ValueUnit::Kusd;
    let mut plain = fast::Plain::new(*known);
    while !block.is_empty() {
        let number = parsed.lines;
        parsed.lines += 1;
        if is_usual && let Some((row, wanted, length)) = plain.usual_row(simd, block, pick) {
            block = &block[length..];
            parsed.meet(row, wanted);
            continue;
        }
        if is_plain
            && let Some((row, length)) = plain.other_row(block)
            && let Some(row) = row.in_unit(layout.unit)
        {
            block = &block[length..];
            parsed.take(row, pick);
            continue;
        }
        let end = memchr::memchr(b'\n', block).map_or(block.len(), |end| end + 1);
        let (line, rest) = block.split_at(end);
        block = rest;
        match parse_line(line, layout, known) {
            Some(Ok((row, problem))) => {
                parsed.outdated.meet(&row, known.countries);
                parsed.take(row, pick);
                parsed.problems.extend(problem.map(|problem| Problem { line: number, ..problem }));
            }
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

/// A line with care; none when it is blank. A row that is kept without its quantity comes with what is wrong with that.
pub(super) fn parse_line(line: &[u8], layout: &Layout, known: &Known<'_>) -> Option<Result<(Row, Option<Problem>), Problem>> {
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
    let six = layout.at.map(|at| fields.get(at).copied().unwrap_or_default());
    let problem = |(reason, column, text): Fault| {
        let value = String::from_utf8_lossy(six[column].trim_ascii());
        let value = unquoted(value.as_bytes())
            .map_or_else(|| value.clone().into_owned(), |inner| String::from_utf8_lossy(inner).into_owned());
        Problem { line: 0, reason, column: COLUMNS[column], value: value.chars().take(60).collect(), text }
    };
    let parsed = parse_row(&six, layout, known);
    Some(parsed.map(|(row, fault)| (row, fault.map(problem))).map_err(problem))
}

/// Reason, column and what to do.
type Fault = (Reason, usize, String);

/// A row, and what is wrong with its quantity where it is kept without it.
fn parse_row(six: &[&[u8]; 6], layout: &Layout, known: &Known<'_>) -> Result<(Row, Option<Fault>), Fault> {
    let field = |column: usize| {
        unquoted(six[column])
            .ok_or_else(|| (reason_of(column), column, "a quote is not closed or stands amid the field".to_owned()))
    };
    let year = match (layout.year, digits(field(0)?)) {
        (None, Some(number)) => u16::try_from(number).ok().and_then(|number| Year::new(number).ok()),
        (named, _) => named,
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
    let bad_value = |error: &dyn std::fmt::Display| (Reason::BadValue, VALUE, advice(error));
    let value = field(VALUE)?;
    let value = match thousandths(value) {
        Some(thousandths) => thousandths,
        None => Usd::parse_kusd(&text(value)).map_err(|error| bad_value(&error))?.get(),
    };
    let value = Usd::new(layout.unit.dollars(value).map_err(|error| bad_value(&error))?);
    if value <= Usd::ZERO {
        let reason = if value == Usd::ZERO { Reason::ZeroValue } else { Reason::NegativeValue };
        return Err((reason, VALUE, crate::input::NOT_POSITIVE.to_owned()));
    }
    let (quantity, bad_quantity) = match field(5).and_then(parse_quantity) {
        Ok(quantity) => (quantity, None),
        Err(fault) => (None, Some(fault)),
    };
    let checked = crate::input::within_limits(value, quantity);
    let (quantity, bad_quantity) = match checked {
        Err((Reason::BadQuantity, text)) => (None, Some((Reason::BadQuantity, 5, text))),
        Err((reason, text)) if bad_quantity.is_none() || known.keeps_without_quantity => return Err((reason, VALUE, text)),
        _ => (quantity, bad_quantity),
    };
    if let Some(fault) = bad_quantity.clone().filter(|_| !known.keeps_without_quantity) {
        return Err(fault);
    }
    if known.year.is_some_and(|expected| expected != year) {
        return Err((Reason::BadYear, 0, known.other_year.to_owned()));
    }
    Ok((Row::new(year, product, (exporter, importer), value, quantity), bad_quantity))
}

fn parse_quantity(field: &[u8]) -> Result<Option<i64>, Fault> {
    let quantity = match thousandths(field) {
        Some(kilograms) => Some(kilograms),
        None if is_missing(field) => None,
        None => Some(Usd::parse_kusd(&text(field)).map_err(|error| (Reason::BadQuantity, 5, advice(&error)))?.get()),
    };
    if quantity.is_some_and(|quantity| quantity < 0) {
        return Err((Reason::BadQuantity, 5, "a quantity cannot be negative".to_owned()));
    }
    Ok(quantity)
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
