//! Whole columns as numbers of one form, a type at a time and without a branch that depends on a value.
//!
//! What a cell means is said by [`Cell`]; the common types have a loop of their own here, with the same answers.

use arrow::array::{Array, ArrayRef, AsArray, PrimitiveArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{
    ArrowDictionaryKeyType, ArrowNativeType, ArrowPrimitiveType, DataType, Decimal64Type, Decimal128Type, Float64Type, Int32Type,
    Int64Type, UInt16Type, UInt32Type,
};
use arrow::error::ArrowError;
use reorient_core::Usd;

use super::careful::Cell;
use crate::claims::is_missing;
use crate::input::csv;

/// Stands for a cell that holds no number of 32 bits; no code and no year is as large.
pub(super) const NO_NUMBER: u32 = u32::MAX;
/// Stands for an amount that is not known.
pub(super) const UNKNOWN: i64 = i64::MIN;
/// Stands for an amount that cannot be read; negative, so that no amount can be taken for it.
pub(super) const UNREADABLE: i64 = i64::MIN + 1;

/// Added to a double below 2^51, it leaves the nearest whole number in the low bits.
const TO_WHOLE: f64 = 6_755_399_441_055_744.0;
/// 2^47: below it, no fraction of a half is within the tolerance, so how halves are rounded cannot matter.
const EXACT: f64 = 140_737_488_355_328.0;
/// Digits and a point that thousandths of 64 bits always have room for.
const SHORT: usize = 15;

/// The numbers of a dictionary, which mostly serves many batches.
#[derive(Default)]
pub(super) struct Dictionary {
    values: Option<ArrayRef>,
    numbers: Vec<u32>,
}

/// Appends the number of each cell, or [`NO_NUMBER`].
pub(super) fn numbers(array: &ArrayRef, dictionary: &mut Dictionary, into: &mut Vec<u32>) -> Result<(), ArrowError> {
    let start = into.len();
    match array.data_type() {
        DataType::Int32 => whole(array.as_primitive::<Int32Type>(), into),
        DataType::Int64 => whole(array.as_primitive::<Int64Type>(), into),
        DataType::UInt16 => whole(array.as_primitive::<UInt16Type>(), into),
        DataType::UInt32 => whole(array.as_primitive::<UInt32Type>(), into),
        DataType::Float64 => into.extend(array.as_primitive::<Float64Type>().values().iter().copied().map(whole_of)),
        DataType::Utf8 => into.extend(array.as_string::<i32>().iter().map(number_of)),
        DataType::LargeUtf8 => into.extend(array.as_string::<i64>().iter().map(number_of)),
        DataType::Utf8View => into.extend(array.as_string_view().iter().map(number_of)),
        DataType::Dictionary(key, _) if **key == DataType::Int32 => by_key::<Int32Type>(array, dictionary, into)?,
        DataType::Dictionary(key, _) if **key == DataType::UInt32 => by_key::<UInt32Type>(array, dictionary, into)?,
        _ => {
            let cell = Cell::of(array)?;
            into.extend((0..array.len()).map(|at| cell.number(at).unwrap_or(NO_NUMBER)));
        }
    }
    blank(array.nulls(), &mut into[start..], NO_NUMBER);
    Ok(())
}

/// Appends each amount in thousandths, [`UNKNOWN`] or [`UNREADABLE`].
pub(super) fn amounts(array: &ArrayRef, into: &mut Vec<i64>) -> Result<(), ArrowError> {
    let start = into.len();
    match array.data_type() {
        DataType::Float64 => {
            let doubles = array.as_primitive::<Float64Type>().values();
            if !thousandths(doubles, into) {
                into.truncate(start);
                by_cell(array, into)?;
            }
        }
        DataType::Decimal64(_, 3) => {
            let amount = |amount: &i64| (*amount).max(UNREADABLE);
            into.extend(array.as_primitive::<Decimal64Type>().values().iter().map(amount));
        }
        DataType::Decimal128(_, 3) => {
            let amount = |amount: &i128| i64::try_from(*amount).map_or(UNREADABLE, |amount| amount.max(UNREADABLE));
            into.extend(array.as_primitive::<Decimal128Type>().values().iter().map(amount));
        }
        DataType::Utf8 => into.extend(array.as_string::<i32>().iter().map(amount_of)),
        DataType::LargeUtf8 => into.extend(array.as_string::<i64>().iter().map(amount_of)),
        DataType::Utf8View => into.extend(array.as_string_view().iter().map(amount_of)),
        _ => by_cell(array, into)?,
    }
    blank(array.nulls(), &mut into[start..], UNKNOWN);
    Ok(())
}

fn by_cell(array: &ArrayRef, into: &mut Vec<i64>) -> Result<(), ArrowError> {
    let cell = Cell::of(array)?;
    let amount = |at| match cell.thousandths(at) {
        Ok(Some(amount)) => amount.max(UNREADABLE),
        Ok(None) => UNKNOWN,
        Err(_) => UNREADABLE,
    };
    into.extend((0..array.len()).map(amount));
    Ok(())
}

fn whole<T: ArrowPrimitiveType>(array: &PrimitiveArray<T>, into: &mut Vec<u32>)
where
    u32: TryFrom<T::Native>,
{
    into.extend(array.values().iter().map(|number| u32::try_from(*number).unwrap_or(NO_NUMBER)));
}

/// A double that is whole.
fn whole_of(number: f64) -> u32 {
    // Saturates; a double that is not the same number afterwards was not whole.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let whole = number as u32;
    #[allow(clippy::float_cmp)]
    if f64::from(whole) == number { whole } else { NO_NUMBER }
}

fn number_of(text: Option<&str>) -> u32 {
    let text = text.unwrap_or_default().trim();
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().unwrap_or(NO_NUMBER) } else { NO_NUMBER }
}

fn amount_of(text: Option<&str>) -> i64 {
    let text = text.unwrap_or_default().trim();
    match csv::thousandths(text.as_bytes()).filter(|_| text.len() <= SHORT) {
        Some(amount) => amount,
        None if is_missing(text.as_bytes()) => UNKNOWN,
        None => Usd::parse_kusd(text).map_or(UNREADABLE, Usd::get),
    }
}

fn by_key<K: ArrowDictionaryKeyType>(
    array: &ArrayRef,
    dictionary: &mut Dictionary,
    into: &mut Vec<u32>,
) -> Result<(), ArrowError> {
    let array = array.as_dictionary::<K>();
    let values = array.values();
    let is_same = |known: &ArrayRef| known.to_data().ptr_eq(&values.to_data());
    if !dictionary.values.as_ref().is_some_and(is_same) {
        dictionary.numbers.clear();
        numbers(values, &mut Dictionary::default(), &mut dictionary.numbers)?;
        dictionary.values = Some(values.clone());
    }
    let number = |key: &K::Native| dictionary.numbers.get(key.as_usize()).copied().unwrap_or(NO_NUMBER);
    into.extend(array.keys().values().iter().map(number));
    Ok(())
}

/// Appends doubles in thousandths, as [`Cell`] rounds them; false where one is no exact amount or a large one.
fn thousandths(doubles: &[f64], into: &mut Vec<i64>) -> bool {
    let mut all = true;
    into.extend(doubles.iter().map(|number| {
        let scaled = number * 1000.0;
        let shifted = scaled + TO_WHOLE;
        let nearest = shifted - TO_WHOLE;
        let tolerance = nearest.abs() * (8.0 * f64::EPSILON);
        let tolerance = if tolerance > 1e-9 { tolerance } else { 1e-9 };
        let is_exact = ((scaled - nearest).abs() <= tolerance) & (scaled.abs() < EXACT);
        all &= is_exact | number.is_nan();
        let amount = shifted.to_bits().cast_signed().wrapping_sub(TO_WHOLE.to_bits().cast_signed());
        if number.is_nan() { UNKNOWN } else { amount }
    }));
    all
}

/// Puts `value` where a cell is null.
fn blank<T: Copy>(nulls: Option<&NullBuffer>, cells: &mut [T], value: T) {
    if let Some(nulls) = nulls.filter(|nulls| nulls.null_count() > 0) {
        for at in (!nulls.inner()).set_indices() {
            cells[at] = value;
        }
    }
}
