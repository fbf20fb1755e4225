//! Rows of whole batches: all at once where nothing is unusual, the others with care.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use reorient_core::Year;

use super::careful::Cells;
use super::plain::{Dictionary, UNKNOWN, UNREADABLE, amounts, numbers};
use super::{CODES, COLUMNS, Columns};
use crate::DataError;
use crate::claims::{Outdated, ValueUnit};
use crate::input::Pick;
use crate::issue::{Problem, Reason};
use crate::row::{Row, RowKey};
use crate::store::{DECIMAL_LIMIT, FLOW_LIMIT};

/// Reads the rows of one batch after the other.
pub(in crate::input) struct RowReader<'a> {
    columns: &'a Columns,
    /// The year of all rows, where no column tells.
    named: Option<Year>,
    /// The last year of each country, by number.
    known: &'a [u16],
    /// Whether a row with a bad quantity is kept without it.
    keeps_without_quantity: bool,
    codes: [Vec<u32>; CODES],
    amounts: [Vec<i64>; 2],
    dictionaries: [Dictionary; CODES],
    keys: Vec<RowKey>,
    /// Places of the rows that are asked for.
    picked: Vec<usize>,
    /// The good rows of the last batch, in its order.
    pub(in crate::input) rows: Vec<Row>,
    /// What is wrong with its others, in its order; the line is the place within the batch, from 0. Rows that are kept without
    /// their quantity are among both.
    pub(in crate::input) problems: Vec<Problem>,
    /// Places of the bad rows.
    bad: Vec<u64>,
    /// Rows so far of countries that had ended.
    pub(in crate::input) outdated: Outdated,
}

impl<'a> RowReader<'a> {
    pub(in crate::input) fn new(
        columns: &'a Columns,
        named: Option<Year>,
        known: &'a [u16],
        keeps_without_quantity: bool,
    ) -> Self {
        let (codes, amounts, dictionaries) = Default::default();
        let (keys, picked, rows, problems, bad, outdated) = Default::default();
        Self {
            columns,
            named,
            known,
            keeps_without_quantity,
            codes,
            amounts,
            dictionaries,
            keys,
            picked,
            rows,
            problems,
            bad,
            outdated,
        }
    }

    /// Looks at a batch in place of the last one; whether all of its rows are good.
    ///
    /// # Errors
    /// [`ArrowError`] when the type of a column holds no codes or amounts.
    pub(in crate::input) fn look(&mut self, batch: &RecordBatch) -> Result<bool, ArrowError> {
        // Of several faulty columns the first one is told.
        self.fill(batch).or_else(|error| Cells::of(self.columns, batch).and(Err(error)))?;
        let [years, exporters, importers, products] = &self.codes;
        let [values, quantities] = &self.amounts;
        // Codes that are good have fewer bits than are kept of them.
        #[allow(clippy::cast_possible_truncation)]
        let key = |(((year, product), exporter), importer): (((&u32, &u32), &u32), &u32)| {
            RowKey::of_numbers(*year as u16, *product, (*exporter as u16, *importer as u16))
        };
        self.keys.clear();
        self.keys.extend(years.iter().zip(products).zip(exporters).zip(importers).map(key));
        let are_current =
            |codes: &[u32]| years.iter().zip(codes).fold(true, |all, (year, code)| all & is_current(self.known, *code, *year));
        Ok(all(years, is_year)
            & all(products, is_product)
            & all(values, is_value)
            & all(quantities, is_quantity)
            & are_current(exporters)
            & are_current(importers))
    }

    /// Reads a batch in place of the last one into rows and problems.
    ///
    /// # Errors
    /// As [`Self::look`].
    pub(in crate::input) fn read(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        self.rows.clear();
        self.problems.clear();
        self.bad.clear();
        let is_plain = self.look(batch)?;
        let [values, quantities] = &self.amounts;
        let amounts = values.iter().zip(quantities);
        let rows = self.keys.iter().zip(amounts).map(|(key, (value, quantity))| row(*key, *value, *quantity));
        if is_plain {
            self.rows.extend(rows);
            return Ok(());
        }
        let cells = Cells::of(self.columns, batch)?;
        for (at, row) in rows.enumerate() {
            let [year, exporter, importer, product] = self.codes.each_ref().map(|codes| codes[at]);
            let is_good = is_year(year)
                && is_product(product)
                && is_value(values[at])
                && is_quantity(quantities[at])
                && is_current(self.known, exporter, year)
                && is_current(self.known, importer, year);
            let parsed =
                if is_good { Ok((row, None)) } else { cells.row(at, self.named, self.known, self.keeps_without_quantity) };
            let fault = match parsed {
                Ok((row, fault)) => {
                    self.outdated.meet(&row, self.known);
                    self.rows.push(row);
                    fault
                }
                Err(fault) => {
                    self.bad.push(at as u64);
                    Some(fault)
                }
            };
            if let Some((column, reason, text)) = fault {
                let value = cells.shown(column, at);
                self.problems.push(Problem { line: at as u64, reason, column: COLUMNS[column].0, value, text });
            }
        }
        Ok(())
    }

    /// The keys of the last batch, all of its rows being good.
    pub(in crate::input) fn keys(&self) -> &[RowKey] {
        &self.keys
    }

    /// Whether all rows of the last batch are of a year.
    pub(in crate::input) fn are_of(&self, year: Year) -> bool {
        all(&self.codes[0], |number| number == u32::from(year.get()))
    }

    /// Appends those of the last batch that are asked for, all of them being good.
    pub(in crate::input) fn pick(&mut self, pick: &Pick, rows: &mut Vec<Row>) {
        // Without a branch that depends on the product: which ones are asked for is hard to foresee.
        self.picked.resize(self.keys.len(), 0);
        let mut count = 0;
        for (at, product) in self.codes[3].iter().enumerate() {
            self.picked[count] = at;
            count += usize::from(pick.takes(*product));
        }
        let (keys, [values, quantities]) = (&self.keys[..], self.amounts.each_ref().map(|amounts| &amounts[..]));
        rows.extend(self.picked[..count].iter().map(|at| row(keys[*at], values[*at], quantities[*at])));
    }

    /// Takes the good rows of other years out and says what is wrong with each.
    pub(in crate::input) fn take_other_years(&mut self, expected: Year, text: &str) -> Result<Vec<Problem>, DataError> {
        let is_right = |row: &Row| row.is_of(expected);
        if self.rows.iter().fold(true, |all, row| all & is_right(row)) {
            return Ok(Vec::new());
        }
        let places = self.places();
        let wrong = self.rows.iter().zip(places).filter(|(row, _)| !is_right(row));
        let problems = wrong.map(|(row, line)| {
            let value = row.year()?.to_string();
            Ok(Problem { line, reason: Reason::BadYear, column: "t", value, text: text.to_owned() })
        });
        let problems = problems.collect::<Result<Vec<_>, DataError>>()?;
        self.rows.retain(is_right);
        Ok(problems)
    }

    /// Rows of the last batch, bad ones included.
    pub(in crate::input) fn n_met(&self) -> u64 {
        (self.rows.len() + self.bad.len()) as u64
    }

    /// The place within the batch of each good row.
    fn places(&self) -> Vec<u64> {
        let mut bad = self.bad.iter().copied().peekable();
        (0..self.n_met()).filter(|at| bad.next_if_eq(at).is_none()).collect()
    }

    /// Columns as numbers; those of a missing year hold the one that is named.
    fn fill(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        for (column, (codes, dictionary)) in self.codes.iter_mut().zip(&mut self.dictionaries).enumerate() {
            codes.clear();
            match self.columns.array(batch, column) {
                Some(array) => {
                    numbers(array, dictionary, codes).map_err(|error| self.columns.named(batch, column, &error))?;
                }
                None => codes.resize(batch.num_rows(), self.named.map_or(0, |year| u32::from(year.get()))),
            }
        }
        for (column, amount) in (CODES..).zip(&mut self.amounts) {
            amount.clear();
            match self.columns.array(batch, column) {
                Some(array) => amounts(array, amount).map_err(|error| self.columns.named(batch, column, &error))?,
                None => amount.resize(batch.num_rows(), UNKNOWN),
            }
        }
        if self.columns.unit() != ValueUnit::Kusd {
            let unit = self.columns.unit();
            for value in self.amounts[0].iter_mut().filter(|value| **value > UNREADABLE) {
                *value = unit.dollars(*value).unwrap_or(UNREADABLE);
            }
        }
        Ok(())
    }
}

fn row(key: RowKey, value: i64, quantity: i64) -> Row {
    Row::of_key(key, value, if quantity == UNKNOWN { None } else { Some(quantity) })
}

/// Without a branch, so that many values are looked at together.
fn all<T: Copy>(values: &[T], is_good: impl Fn(T) -> bool) -> bool {
    values.iter().fold(true, |all, value| all & is_good(*value))
}

const fn is_year(number: u32) -> bool {
    number.wrapping_sub(1900) < 300
}

const fn is_product(number: u32) -> bool {
    number.wrapping_sub(10_000) < 990_000
}

const fn is_value(value: i64) -> bool {
    value.wrapping_sub(1).cast_unsigned() < FLOW_LIMIT.cast_unsigned() - 1
}

const fn is_quantity(quantity: i64) -> bool {
    (quantity == UNKNOWN) | (quantity.cast_unsigned() < DECIMAL_LIMIT.cast_unsigned())
}

/// Whether a country is in the table and was there in a year.
fn is_current(last_years: &[u16], code: u32, year: u32) -> bool {
    last_years.get(code as usize).is_some_and(|last| u32::from(*last) >= year)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Decimal64Array, Decimal128Array, Float64Array, StringArray};
    use arrow::compute::cast;
    use arrow::datatypes::DataType;
    use proptest::prelude::*;

    use super::*;

    /// Codes, good ones first, as a number and as a text.
    const NUMBERS: [(f64, &str); 16] = [
        (2023.0, "2023"),
        (4.0, "4"),
        (842.0, " 842 "),
        (10_121.0, "010121"),
        (270_900.0, "270900"),
        (999.0, "999"),
        (0.0, "0"),
        (-0.0, "-0"),
        (-4.0, "+4"),
        (9_999.0, "9999"),
        (1e6, "0000000270900"),
        (4.5, "4.5"),
        (f64::NAN, ""),
        (65_540.0, "NA"),
        (4_294_967_295.0, "4294967295"),
        (1e300, "٤"),
    ];
    /// Amounts likewise. 140737488355.328 thousand is where doubles are no longer rounded by an addition.
    const AMOUNTS: [(f64, &str); 16] = [
        (1.5, "1.5"),
        (0.001, "0.001"),
        (1_234_567.891, " 1234567.891"),
        (0.1 + 0.2, ".5"),
        (f64::NAN, "\\N"),
        (0.0, "null"),
        (-1.0, "-1"),
        (1.000_5, "1.0005"),
        (0.000_5, "1.5000"),
        (140_737_488_355.327, "123456789012345"),
        (140_737_488_355.328, "9223372036854775"),
        (281_474_976_710.656_5, "9999999999999999"),
        (8_999_999_999_999.5, "1e3"),
        (9e12, "."),
        (1e300, "1."),
        (f64::NEG_INFINITY, "x"),
    ];

    fn kinds() -> Vec<DataType> {
        let dictionary = |key| DataType::Dictionary(Box::new(key), Box::new(DataType::Utf8));
        vec![
            DataType::Int32,
            DataType::Float64,
            DataType::Utf8,
            dictionary(DataType::Int32),
            DataType::Int64,
            DataType::UInt16,
            DataType::UInt32,
            DataType::UInt64,
            DataType::Int16,
            DataType::Float32,
            DataType::LargeUtf8,
            DataType::Utf8View,
            dictionary(DataType::UInt32),
            dictionary(DataType::Int8),
            DataType::Decimal64(18, 3),
            DataType::Decimal128(38, 3),
            DataType::Decimal128(38, 0),
            DataType::Decimal128(30, 5),
            DataType::Decimal64(18, 2),
            DataType::Boolean,
        ]
    }

    /// A column of a kind; what the kind cannot hold is null.
    fn column(kind: &DataType, cells: &[Option<(f64, &str)>]) -> ArrayRef {
        let is_text = matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Dictionary(..));
        let base: ArrayRef = if is_text {
            Arc::new(cells.iter().map(|cell| cell.map(|(_, text)| text)).collect::<StringArray>())
        } else {
            Arc::new(cells.iter().map(|cell| cell.map(|(number, _)| number)).collect::<Float64Array>())
        };
        cast(&base, kind).unwrap()
    }

    fn cell(
        palette: &'static [(f64, &'static str)],
        good: &'static [usize],
    ) -> impl Strategy<Value = Option<(f64, &'static str)>> {
        prop_oneof![
            60 => proptest::sample::select(good).prop_map(|at| Some(palette[at])),
            2 => proptest::sample::select(palette).prop_map(Some),
            1 => Just(None),
            1 => any::<f64>().prop_map(|number| Some((number, "7"))),
            6 => (1_i64..1 << 40).prop_map(|number| Some((number as f64 / 1000.0, "7.25"))),
        ]
    }

    /// Cells of the six columns for some rows, of which columns of codes rarely hold fractions.
    fn rows() -> impl Strategy<Value = Vec<[Option<(f64, &'static str)>; 6]>> {
        let code = |good: &'static [usize]| {
            prop_oneof![
                40 => proptest::sample::select(good).prop_map(|at| Some(NUMBERS[at])),
                1 => cell(&NUMBERS, good),
            ]
        };
        let row =
            (code(&[0]), code(&[1, 2]), code(&[1, 2]), code(&[3, 4]), cell(&AMOUNTS, &[0, 1, 2, 3]), cell(&AMOUNTS, &[0, 2, 4]));
        proptest::collection::vec(row.prop_map(|(t, i, j, k, v, q)| [t, i, j, k, v, q]), 0..40)
    }

    fn check(batches: &[RecordBatch], named: Option<Year>) {
        for keeps in [false, true] {
            check_keeping(batches, named, keeps);
        }
    }

    fn check_keeping(batches: &[RecordBatch], named: Option<Year>, keeps: bool) {
        let known: Vec<u16> = (0..1000).map(|number| if [4, 842].contains(&number) { u16::MAX } else { 0 }).collect();
        let schema = batches[0].schema();
        let columns = Columns::find("", schema.fields().iter().map(|field| field.name().as_str()), true, None).unwrap();
        let mut reader = RowReader::new(&columns, named, &known, keeps);
        for batch in batches {
            let cells = match Cells::of(&columns, batch) {
                Ok(cells) => cells,
                Err(error) => {
                    assert_eq!(reader.read(batch).unwrap_err().to_string(), error.to_string());
                    continue;
                }
            };
            let (mut rows, mut problems, mut places) = (Vec::new(), Vec::new(), Vec::new());
            for at in 0..batch.num_rows() {
                let fault = match cells.row(at, named, &known, keeps) {
                    Ok((row, fault)) => {
                        assert!(fault.is_none() || keeps && row.quantity().is_none());
                        rows.push(row);
                        places.push(at as u64);
                        fault
                    }
                    Err(fault) => Some(fault),
                };
                if let Some((column, reason, text)) = fault {
                    assert!(!keeps || reason != Reason::BadQuantity || places.last() == Some(&(at as u64)));
                    let value = cells.shown(column, at);
                    problems.push(Problem { line: at as u64, reason, column: COLUMNS[column].0, value, text });
                }
            }
            let is_plain = reader.look(batch).unwrap();
            assert!(!is_plain || problems.is_empty());
            if is_plain {
                assert_eq!(reader.keys(), rows.iter().map(Row::key).collect::<Vec<_>>());
                let mut picked = Vec::new();
                reader.pick(&Pick::all(), &mut picked);
                assert_eq!(picked, rows);
            }
            reader.read(batch).unwrap();
            assert_eq!((&reader.rows, &reader.problems, reader.places()), (&rows, &problems, places));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn what_is_read_fast_is_what_is_read_with_care(
            rows in rows(),
            kinds in proptest::array::uniform6(prop_oneof![3 => 0_usize..4, 1 => 0_usize..kinds().len()]),
            is_named in any::<bool>(),
            cut in any::<prop::sample::Index>(),
        ) {
            let column = |at: usize| {
                let kind = &super::tests::kinds()[kinds[at]];
                (COLUMNS[at].0, column(kind, &rows.iter().map(|row| row[at]).collect::<Vec<_>>()))
            };
            let batch = RecordBatch::try_from_iter_with_nullable(
                (usize::from(is_named)..6).map(|at| (column(at).0, column(at).1, true)),
            ).unwrap();
            // The second batch shares the dictionaries of the first one.
            let cut = cut.index(rows.len() + 1);
            let named = is_named.then(|| Year::new(2023).unwrap());
            check(&[batch.slice(0, cut), batch.slice(cut, rows.len() - cut), batch], named);
        }
    }

    #[test]
    fn amounts_at_the_end_of_their_range_are_no_unknown_ones() {
        let whole = |number: f64| column(&DataType::Int32, &[Some((number, ""))]);
        let long =
            |amount: i64| Arc::new(Decimal64Array::from(vec![amount]).with_precision_and_scale(18, 3).unwrap()) as ArrayRef;
        let longer =
            |amount: i128| Arc::new(Decimal128Array::from(vec![amount]).with_precision_and_scale(38, 3).unwrap()) as ArrayRef;
        let ends = [i64::MIN, i64::MIN + 1, -1, 0, FLOW_LIMIT - 1, FLOW_LIMIT, DECIMAL_LIMIT - 1, DECIMAL_LIMIT, i64::MAX];
        let amounts =
            ends.into_iter().flat_map(|end| [long(end), longer(end.into())]).chain([longer(i128::MIN), longer(i128::MAX)]);
        for amount in amounts {
            for (value, quantity) in [(amount.clone(), long(1)), (long(1), amount.clone())] {
                let columns = [
                    ("t", whole(2023.0)),
                    ("i", whole(4.0)),
                    ("j", whole(842.0)),
                    ("k", whole(10_121.0)),
                    ("v", value),
                    ("q", quantity),
                ];
                check(&[RecordBatch::try_from_iter(columns).unwrap()], None);
            }
        }
    }
}
