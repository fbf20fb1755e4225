//! The cells of Arrow columns as rows of trade: numbers or texts, whole or in fractions, in six columns by name.
//!
//! `plain.rs` turns whole columns into numbers of one form, `rows.rs` makes rows of them where nothing is unusual, and
//! `careful.rs` looks at every other row: it decides what is an error and words it.

mod careful;
mod plain;
mod rows;

use arrow::array::{ArrayRef, RecordBatch};

use crate::DataError;

pub(super) use self::rows::RowReader;

/// Names of the six columns in other tools' files, ours included.
pub(super) const COLUMNS: [(&str, &[&str]); 6] = [
    ("t", &["t", "year"]),
    ("i", &["i", "exporter"]),
    ("j", &["j", "importer"]),
    ("k", &["k", "product"]),
    ("v", &["v", "value_kusd", "value"]),
    ("q", &["q", "quantity_tons", "quantity"]),
];
/// Those of codes stand in front of those of amounts.
pub(super) const CODES: usize = 4;

/// Positions of the six columns; the year may be told by the file name alone.
#[derive(Debug, Clone)]
pub(super) struct Columns([Option<usize>; 6]);

impl Columns {
    pub(super) fn find<'a>(name: &str, fields: impl Iterator<Item = &'a str>, year_is_named: bool) -> Result<Self, DataError> {
        let fields: Vec<&str> = fields.collect();
        let mut at = [None; 6];
        for (position, (column, names)) in at.iter_mut().zip(COLUMNS) {
            let mut found =
                (0..fields.len()).filter(|field| names.iter().any(|name| fields[*field].trim().eq_ignore_ascii_case(name)));
            *position = found.next();
            if found.next().is_some() {
                return Err(DataError::file(name, format!("column `{column}` stands twice among {}", fields.join(","))));
            }
            if position.is_none() && !(column == "t" && year_is_named) {
                let has: String = fields.join(",").chars().take(80).collect();
                let problem = format!("column `{column}` is missing; the file has {has}, BACI has t,i,j,k,v,q");
                return Err(DataError::file(name, problem));
            }
        }
        Ok(Self(at))
    }

    /// The array of a column, by its position among [`COLUMNS`].
    pub(super) fn array<'a>(&self, batch: &'a RecordBatch, column: usize) -> Option<&'a ArrayRef> {
        self.0[column].map(|at| batch.column(at))
    }

    /// Positions of the columns that are there, in the order of [`COLUMNS`].
    pub(super) fn positions(&self) -> impl Iterator<Item = usize> {
        self.0.into_iter().flatten()
    }

    /// Positions of those of codes.
    pub(super) fn codes(&self) -> impl Iterator<Item = usize> {
        self.0.into_iter().take(CODES).flatten()
    }

    /// Where the columns stand once all others are left out.
    pub(super) fn alone(&self) -> Self {
        Self(self.0.map(|position| position.map(|at| self.positions().filter(|other| *other < at).count())))
    }
}
