//! Rows of whole batches: all at once where nothing is unusual, the others with care.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use reorient_core::Year;

use super::careful::Cells;
use super::plain::{Dictionary, UNKNOWN, amounts, numbers};
use super::{CODES, COLUMNS, Columns};
use crate::DataError;
use crate::issue::{Problem, Reason};
use crate::row::Row;
use crate::store::DECIMAL_LIMIT;

/// Reads the rows of one batch after the other.
pub(in crate::input) struct RowReader<'a> {
    columns: &'a Columns,
    /// The year of all rows, where no column tells.
    named: Option<Year>,
    /// Countries of the table, by number.
    known: &'a [bool],
    codes: [Vec<u32>; CODES],
    amounts: [Vec<i64>; 2],
    dictionaries: [Dictionary; CODES],
    /// The good rows of the last batch, in its order.
    pub(in crate::input) rows: Vec<Row>,
    /// What is wrong with its others, in its order; the line is the place within the batch, from 0.
    pub(in crate::input) problems: Vec<Problem>,
}

impl<'a> RowReader<'a> {
    pub(in crate::input) fn new(columns: &'a Columns, named: Option<Year>, known: &'a [bool]) -> Self {
        let (codes, amounts, dictionaries) = Default::default();
        Self { columns, named, known, codes, amounts, dictionaries, rows: Vec::new(), problems: Vec::new() }
    }

    /// Reads a batch in place of the last one.
    ///
    /// # Errors
    /// [`ArrowError`] when the type of a column holds no codes or amounts.
    pub(in crate::input) fn read(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        self.rows.clear();
        self.problems.clear();
        // Of several faulty columns the first one is told.
        self.fill(batch).or_else(|error| Cells::of(self.columns, batch).and(Err(error)))?;
        let n_rows = batch.num_rows();
        let [years, exporters, importers, products] = self.codes.each_ref().map(|codes| &codes[..n_rows]);
        let [values, quantities] = self.amounts.each_ref().map(|amounts| &amounts[..n_rows]);
        let row = |at: usize| {
            let quantity = if quantities[at] == UNKNOWN { None } else { Some(quantities[at]) };
            // Whole by the checks below, which come first.
            #[allow(clippy::cast_possible_truncation)]
            let [year, exporter, importer] = [years[at], exporters[at], importers[at]].map(|code| code as u16);
            Row::of_numbers(year, products[at], (exporter, importer), values[at], quantity)
        };
        let countries = exporters.iter().chain(importers);
        let all = all(years, is_year)
            & all(products, is_product)
            & all(values, is_value)
            & all(quantities, is_quantity)
            & countries.fold(true, |all, code| all & is_known(self.known, *code));
        if all {
            self.rows.extend((0..n_rows).map(row));
            return Ok(());
        }
        let cells = Cells::of(self.columns, batch)?;
        for at in 0..n_rows {
            let is_good = is_year(years[at])
                && is_product(products[at])
                && is_value(values[at])
                && is_quantity(quantities[at])
                && is_known(self.known, exporters[at])
                && is_known(self.known, importers[at]);
            if is_good {
                self.rows.push(row(at));
                continue;
            }
            match cells.row(at, self.named, self.known) {
                Ok(row) => self.rows.push(row),
                Err((column, reason, text)) => {
                    let value = cells.shown(column, at);
                    self.problems.push(Problem { line: at as u64, reason, column: COLUMNS[column].0, value, text });
                }
            }
        }
        Ok(())
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

    /// The place within the batch of each good row.
    fn places(&self) -> Vec<u64> {
        let mut problems = self.problems.iter().map(|problem| problem.line).peekable();
        let n_rows = (self.rows.len() + self.problems.len()) as u64;
        (0..n_rows).filter(|at| problems.next_if_eq(at).is_none()).collect()
    }

    /// Columns as numbers; those of a missing year hold the one that is named.
    fn fill(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        for (column, (codes, dictionary)) in self.codes.iter_mut().zip(&mut self.dictionaries).enumerate() {
            codes.clear();
            match self.columns.array(batch, column) {
                Some(array) => numbers(array, dictionary, codes)?,
                None => codes.resize(batch.num_rows(), self.named.map_or(0, |year| u32::from(year.get()))),
            }
        }
        for (column, amount) in (CODES..).zip(&mut self.amounts) {
            amount.clear();
            match self.columns.array(batch, column) {
                Some(array) => amounts(array, amount)?,
                None => amount.resize(batch.num_rows(), UNKNOWN),
            }
        }
        Ok(())
    }
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
    value.wrapping_sub(1).cast_unsigned() < DECIMAL_LIMIT.cast_unsigned() - 1
}

const fn is_quantity(quantity: i64) -> bool {
    (quantity == UNKNOWN) | (quantity.cast_unsigned() < DECIMAL_LIMIT.cast_unsigned())
}

fn is_known(known: &[bool], code: u32) -> bool {
    known.get(code as usize).copied().unwrap_or(false)
}
