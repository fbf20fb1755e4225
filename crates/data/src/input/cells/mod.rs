//! The cells of Arrow columns as rows of trade: numbers or texts, whole or in fractions, in six columns by name.
//!
//! `plain.rs` turns whole columns into numbers of one form, `rows.rs` makes rows of them where nothing is unusual, and
//! `careful.rs` looks at every other row: it decides what is an error and words it.

mod careful;
mod plain;
mod rows;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::error::ArrowError;

use super::QUANTITY;
use super::csv::value_column;
use crate::DataError;
use crate::claims::ValueUnit;

pub(super) use self::rows::RowReader;

/// Names of the six columns in other tools' files, ours included.
pub(super) const COLUMNS: [(&str, &[&str]); 6] = [
    ("t", &["t", "year"]),
    ("i", &["i", "exporter"]),
    ("j", &["j", "importer"]),
    ("k", &["k", "product"]),
    ("v", &["v", "value_kusd"]),
    ("q", &["q", "quantity_tons"]),
];
/// Position of the value among them.
pub(super) const VALUE: usize = 4;
/// Those of codes stand in front of those of amounts.
pub(super) const CODES: usize = 4;

/// Positions of the six columns; the year may be told by the file name alone.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    at: [Option<usize>; 6],
    /// Of a column `value`, where the values stand in one.
    pub(super) value_unit: Option<ValueUnit>,
    /// A column of quantities that is left out, as its name tells no unit.
    pub(super) unread: Option<&'static str>,
}

/// What is wrong with a column, without the words of the library.
pub(super) fn problem(error: &ArrowError) -> String {
    match error {
        ArrowError::SchemaError(problem) => problem.clone(),
        other => other.to_string(),
    }
}

/// Whether a column of years is among some.
pub(super) fn has_years<'a>(mut fields: impl Iterator<Item = &'a str>) -> bool {
    fields.any(|field| COLUMNS[0].1.iter().any(|name| field.trim().eq_ignore_ascii_case(name)))
}

impl Columns {
    /// `unit` is that of a column `value`.
    pub(super) fn find<'a>(
        name: &str,
        fields: impl Iterator<Item = &'a str>,
        year_is_named: bool,
        unit: Option<ValueUnit>,
    ) -> Result<Self, DataError> {
        let fields: Vec<&str> = fields.collect();
        let is_there = |name: &str| fields.iter().any(|field| field.trim().eq_ignore_ascii_case(name));
        let known = COLUMNS[VALUE].1.iter().copied().find(|name| is_there(name));
        let of_value = value_column(name, known, is_there("value"), unit)?;
        let has_quantity = COLUMNS[VALUE + 1].1.iter().any(|name| is_there(name));
        let unread = (!has_quantity && is_there(QUANTITY)).then_some(QUANTITY);
        let mut at = [None; 6];
        for (position, (number, (column, names))) in at.iter_mut().zip(COLUMNS.into_iter().enumerate()) {
            let names = if number == VALUE && of_value.is_some() { &["value"] } else { names };
            let mut found =
                (0..fields.len()).filter(|field| names.iter().any(|name| fields[*field].trim().eq_ignore_ascii_case(name)));
            *position = found.next();
            if found.next().is_some() {
                return Err(DataError::file(name, format!("column `{column}` stands twice among {}", fields.join(","))));
            }
            if position.is_none() && !(column == "t" && year_is_named || column == "q" && unread.is_some()) {
                let has: String = fields.join(",").chars().take(80).collect();
                let problem = format!("column `{column}` is missing; the file has {has}, BACI has t,i,j,k,v,q");
                return Err(DataError::file(name, problem));
            }
        }
        Ok(Self { at, value_unit: of_value, unread })
    }

    /// The unit of the values.
    pub(super) fn unit(&self) -> ValueUnit {
        self.value_unit.unwrap_or(ValueUnit::Kusd)
    }

    /// The array of a column, by its position among [`COLUMNS`].
    pub(super) fn array<'a>(&self, batch: &'a RecordBatch, column: usize) -> Option<&'a ArrayRef> {
        self.at[column].map(|at| batch.column(at))
    }

    /// What is wrong with a column, by its position among [`COLUMNS`], with the name that it has in the table.
    fn named(&self, batch: &RecordBatch, column: usize, error: &ArrowError) -> ArrowError {
        let schema = batch.schema();
        let name = self.at[column].map_or(COLUMNS[column].0, |at| schema.field(at).name().as_str());
        let name: String = name.chars().take(60).collect();
        ArrowError::SchemaError(format!("column `{name}`: {}", problem(error)))
    }

    /// Positions of the columns that are there, in the order of [`COLUMNS`].
    pub(super) fn positions(&self) -> impl Iterator<Item = usize> {
        self.at.into_iter().flatten()
    }

    /// Positions of those of codes.
    pub(super) fn codes(&self) -> impl Iterator<Item = usize> {
        self.at.into_iter().take(CODES).flatten()
    }

    /// Where the columns stand once all others are left out.
    pub(super) fn alone(&self) -> Self {
        let at = self.at.map(|position| position.map(|at| self.positions().filter(|other| *other < at).count()));
        Self { at, ..self.clone() }
    }
}
