//! Any cell with care: what it means in each of its forms, and what is wrong with a row.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int64Type};
use arrow::error::ArrowError;
use arrow::util::display::array_value_to_string;
use reorient_core::{ProductCode, Usd, Year};

use super::super::{NOT_POSITIVE, UNKNOWN_COUNTRY, country, within_limits};
use super::{COLUMNS, Columns, VALUE};
use crate::claims::{ValueUnit, is_missing};
use crate::issue::Reason;
use crate::row::Row;

/// One column in one of four forms.
pub(super) enum Cell {
    Whole(ArrayRef),
    Fraction(ArrayRef),
    Decimal(ArrayRef, u32),
    Text(ArrayRef),
}

impl Cell {
    pub(super) fn of(array: &ArrayRef) -> Result<Self, ArrowError> {
        let array = match array.data_type() {
            DataType::Dictionary(_, values) => &cast(array, values)?,
            _ => array,
        };
        Ok(match array.data_type() {
            kind if kind.is_integer() => Self::Whole(strict(array, &DataType::Int64)?),
            kind if kind.is_floating() => Self::Fraction(cast(array, &DataType::Float64)?),
            DataType::Decimal128(_, scale) if (0..=18).contains(scale) => {
                Self::Decimal(array.clone(), u32::from(scale.unsigned_abs()))
            }
            DataType::Decimal32(_, scale) | DataType::Decimal64(_, scale) if (0..=18).contains(scale) => {
                Self::Decimal(cast(array, &DataType::Decimal128(38, *scale))?, u32::from(scale.unsigned_abs()))
            }
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::Text(cast(array, &DataType::LargeUtf8)?),
            other => {
                let problem = format!("a column of type {other} holds no codes or amounts; write numbers or texts");
                return Err(ArrowError::SchemaError(problem));
            }
        })
    }

    fn array(&self) -> &ArrayRef {
        match self {
            Self::Whole(array) | Self::Fraction(array) | Self::Decimal(array, _) | Self::Text(array) => array,
        }
    }

    /// A whole number, as codes and years are.
    pub(super) fn number(&self, at: usize) -> Option<u32> {
        match self {
            _ if self.array().is_null(at) => None,
            Self::Whole(array) => u32::try_from(array.as_primitive::<Int64Type>().value(at)).ok(),
            Self::Fraction(array) => {
                let number = array.as_primitive::<Float64Type>().value(at);
                // Exact: a whole double below 2^32 is that integer.
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::float_cmp)]
                let whole = (number.trunc() == number && (0.0..4_294_967_295.0).contains(&number)).then_some(number as u32);
                whole
            }
            Self::Decimal(array, scale) => {
                let number = array.as_primitive::<Decimal128Type>().value(at);
                let unit = 10_i128.pow(*scale);
                if number % unit == 0 { u32::try_from(number / unit).ok() } else { None }
            }
            Self::Text(array) => {
                let text = array.as_string::<i64>().value(at).trim();
                if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
            }
        }
    }

    /// An amount in thousandths; nothing for null, NaN and texts that mean the same.
    pub(super) fn thousandths(&self, at: usize) -> Result<Option<i64>, String> {
        let too_large = || "it is too large".to_owned();
        let too_precise = || "it has more than three decimals; BACI is exact to three".to_owned();
        match self {
            _ if self.array().is_null(at) => Ok(None),
            Self::Whole(array) => array.as_primitive::<Int64Type>().value(at).checked_mul(1000).map(Some).ok_or_else(too_large),
            Self::Fraction(array) => {
                let number = array.as_primitive::<Float64Type>().value(at);
                if number.is_nan() {
                    return Ok(None);
                }
                let scaled = (number * 1000.0).round();
                if !number.is_finite() || scaled.abs() >= 9e15 {
                    return Err(too_large());
                }
                // Some readers of decimals miss the nearest double by a last bit or two.
                let exact = (number * 1000.0 - scaled).abs() <= (scaled.abs() * 8.0 * f64::EPSILON).max(1e-9);
                #[allow(clippy::cast_possible_truncation)]
                if exact { Ok(Some(scaled as i64)) } else { Err(too_precise()) }
            }
            Self::Decimal(array, scale) => {
                let number = array.as_primitive::<Decimal128Type>().value(at);
                let number = match scale.checked_sub(3) {
                    Some(more) if number % 10_i128.pow(more) != 0 => return Err(too_precise()),
                    Some(more) => number / 10_i128.pow(more),
                    None => number.checked_mul(10_i128.pow(3 - scale)).ok_or_else(too_large)?,
                };
                i64::try_from(number).map(Some).map_err(|_| too_large())
            }
            Self::Text(array) => match array.as_string::<i64>().value(at).trim() {
                text if is_missing(text.as_bytes()) => Ok(None),
                text => Usd::parse_kusd(text).map(|amount| Some(amount.get())).map_err(|error| error.to_string()),
            },
        }
    }
}

/// Casts integers; none may be lost.
fn strict(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
    let done = cast(array, to)?;
    if done.null_count() > array.null_count() {
        return Err(ArrowError::CastError("an integer column holds numbers beyond 63 bits".to_owned()));
    }
    Ok(done)
}

/// The six columns of a batch.
pub(super) struct Cells {
    columns: Vec<Option<Cell>>,
    unit: ValueUnit,
}

/// Column, reason and what to do.
pub(super) type Fault = (usize, Reason, String);

impl Cells {
    pub(super) fn of(columns: &Columns, batch: &RecordBatch) -> Result<Self, ArrowError> {
        let cell = |column: usize| {
            let cell = columns.array(batch, column).map(Cell::of).transpose();
            cell.map_err(|error| columns.named(batch, column, &error))
        };
        let cells = (0..COLUMNS.len()).map(cell).collect::<Result<_, _>>();
        cells.map(|cells| Self { columns: cells, unit: columns.unit() })
    }

    /// The row at a place, or what is wrong with it. With `keeps_without_quantity`, a row with a bad quantity is kept without it,
    /// and comes with what is wrong.
    pub(super) fn row(
        &self,
        at: usize,
        named: Option<Year>,
        known: &[u16],
        keeps_without_quantity: bool,
    ) -> Result<(Row, Option<Fault>), Fault> {
        let number = |column: usize| self.columns[column].as_ref().and_then(|cell| cell.number(at));
        let code = |column: usize| {
            country(number(column), known).map_err(|reason| {
                let unknown = reason == Reason::UnknownCountry;
                let text = if unknown { UNKNOWN_COUNTRY } else { "this is not a country number from 1 to 999" };
                (column, reason, text.to_owned())
            })
        };
        let year = match &self.columns[0] {
            None => named,
            Some(_) => number(0).and_then(|number| u16::try_from(number).ok()).and_then(|number| Year::new(number).ok()),
        };
        let year = year.ok_or_else(|| (0, Reason::BadYear, "this is not a year from 1900 to 2199".to_owned()))?;
        let product = number(3).filter(|number| *number >= 10_000).and_then(|number| ProductCode::from_number(number).ok());
        let product = product.ok_or_else(|| (3, Reason::BadCode, "this is not an HS6 code of six digits".to_owned()))?;
        let amount = |column: usize| self.columns[column].as_ref().map_or(Ok(None), |cell| cell.thousandths(at));
        let bad_value = |text: &str| (VALUE, Reason::BadValue, format!("{text}; correct the row"));
        let value = amount(VALUE).map_err(|text| bad_value(&text))?;
        let value = value.map(|value| self.unit.dollars(value)).transpose().map_err(bad_value)?;
        let value =
            value.ok_or_else(|| (4, Reason::BadValue, "a flow has a value; remove the row or fetch it again".to_owned()))?;
        if value <= 0 {
            let reason = if value == 0 { Reason::ZeroValue } else { Reason::NegativeValue };
            return Err((4, reason, NOT_POSITIVE.to_owned()));
        }
        let value = Usd::new(value);
        let quantity = amount(5).map_err(|text| format!("{text}; correct the row")).and_then(|quantity| match quantity {
            Some(quantity) if quantity < 0 => Err("a quantity cannot be negative".to_owned()),
            quantity => Ok(quantity),
        });
        let fault = match within_limits(value, quantity.clone().unwrap_or_default()) {
            Err((Reason::BadValue, text)) if quantity.is_ok() || keeps_without_quantity => {
                return Err((VALUE, Reason::BadValue, text));
            }
            Err((Reason::BadQuantity, text)) => Some(text),
            _ => quantity.clone().err(),
        };
        let fault = fault.map(|text| (5, Reason::BadQuantity, text));
        match fault {
            Some(fault) if !keeps_without_quantity => Err(fault),
            fault => {
                let quantity = quantity.unwrap_or_default().filter(|_| fault.is_none());
                Ok((Row::new(year, product, (code(1)?, code(2)?), value, quantity), fault))
            }
        }
    }

    /// A cell as text, for messages.
    pub(super) fn shown(&self, column: usize, at: usize) -> String {
        let Some(cell) = &self.columns[column] else { return String::new() };
        if cell.array().is_null(at) {
            return "null".to_owned();
        }
        array_value_to_string(cell.array(), at).unwrap_or_default().chars().take(60).collect()
    }
}
