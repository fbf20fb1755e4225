//! Trade in memory: Arrow tables that another program hands over, a year at a time.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Decimal64Type};
use reorient_core::{CountryIndex, CountryTable, Year};

use super::cells::{COLUMNS, Cells, Columns};
use super::csv::Reading;
use super::{Batch, Met, Order, known_countries};
use crate::DataError;
use crate::ingested::FileHash;
use crate::issue::Problem;
use crate::row::Row;
use crate::table::{Part, UNKNOWN, positions};

/// What messages and manifests call the table.
pub(crate) const NAME: &str = "table";
/// Position of the value among [`COLUMNS`].
const VALUE: usize = 4;

/// A table with its years.
#[derive(Debug)]
pub(crate) struct MemoryTable {
    batches: Vec<RecordBatch>,
    columns: Columns,
    /// The year of all rows, where no column tells.
    named: Option<Year>,
    /// Of the rows of each year as they stand: how many bytes as rows of ours, and their hash. Empty when no row can be read.
    pub(crate) years: BTreeMap<Year, FileHash>,
}

impl MemoryTable {
    /// Looks for the columns and the years; bad rows are reported when a year is read.
    pub(crate) fn new(batches: Vec<RecordBatch>, named: Option<Year>, countries: &CountryTable) -> Result<Self, DataError> {
        let batches: Vec<RecordBatch> = batches.into_iter().filter(|batch| batch.num_rows() > 0).collect();
        let Some(first) = batches.first() else { return Err(DataError::file(NAME, "the table has no rows")) };
        let names = first.schema();
        let columns = Columns::find(NAME, names.fields().iter().map(|field| field.name().as_str()), named.is_some())?;
        let mut table = Self { batches, columns, named, years: BTreeMap::new() };
        let known = known_countries(countries);
        let mut hashers: BTreeMap<Year, (u64, blake3::Hasher)> = BTreeMap::new();
        table.each(&known, &mut |_, row| {
            let Ok(row) = row else { return Ok(()) };
            let bytes = row.to_bytes();
            let (length, hasher) = hashers.entry(row.year()?).or_insert_with(|| (0, blake3::Hasher::new()));
            *length += bytes.len() as u64;
            hasher.update(&bytes);
            Ok(())
        })?;
        let hash = |(year, (bytes, hasher)): (Year, (u64, blake3::Hasher))| {
            let blake3 = hasher.finalize().to_hex().to_string();
            (year, FileHash { name: NAME.to_owned(), bytes, blake3, footer_blake3: None })
        };
        table.years = hashers.into_iter().map(hash).collect();
        if table.years.is_empty() {
            // No row is good: the first one says why.
            table.each(&known, &mut |_, row| row.map(|_| ()).map_err(|problem| value_error(&problem)))?;
        }
        Ok(table)
    }

    /// Tells of every row with its number from 1.
    fn each(
        &self,
        known: &[bool],
        tell: &mut dyn FnMut(u64, Result<Row, Problem>) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        let mut number = 0;
        for batch in &self.batches {
            let cells = self.cells(batch)?;
            for at in 0..batch.num_rows() {
                number += 1;
                let row = cells.row(at, self.named, known).map_err(|(column, reason, text)| Problem {
                    line: number,
                    reason,
                    column: COLUMNS[column].0,
                    value: cells.shown(column, at),
                    text,
                });
                tell(number, row)?;
            }
        }
        Ok(())
    }

    fn cells(&self, batch: &RecordBatch) -> Result<Cells, DataError> {
        self.columns.cells(batch).map_err(|error| DataError::file(NAME, error.to_string()))
    }

    /// Reads the rows of one year in the order of the table; rows that cannot be read count in every year.
    pub(super) fn read(&self, year: Year, reading: &mut Reading<'_, '_>) -> Result<Met, DataError> {
        let known = known_countries(reading.countries);
        let mut order = Order::new();
        let (mut rows, mut met) = (Vec::new(), 0);
        self.each(&known, &mut |_, row| {
            match row {
                Ok(row) if row.year()? != year => return Ok(()),
                Ok(row) => {
                    order.meet(&row);
                    if reading.pick.takes(row.product_number()) {
                        rows.push(row);
                    }
                }
                Err(problem) => reading.issues.add(NAME, "row", problem)?,
            }
            met += 1;
            Ok(())
        })?;
        (reading.sink)(Batch { rows, met, done: met })?;
        Ok(Met { rows: met, hash: self.years.get(&year).cloned(), order })
    }

    /// The rows of the only year as parts of a table that share the values of this one: where values are 64-bit decimals of
    /// thousand USD with three decimals, and rows ascend by product, exporter, importer. Rows of a product that two batches
    /// cut in two are copied. None where anything is otherwise; then [`Self::read`] says what is wrong, if something is.
    pub(crate) fn share(&self, countries: &CountryTable) -> Result<Option<Vec<Part>>, DataError> {
        let is_shared = |batch: &RecordBatch| {
            let value = self.columns.array(batch, VALUE);
            value.is_some_and(|value| matches!(value.data_type(), DataType::Decimal64(_, 3)) && value.null_count() == 0)
        };
        if self.years.len() != 1 || !self.batches.iter().all(is_shared) {
            return Ok(None);
        }
        let known = known_countries(countries);
        let positions = positions(countries);
        let index = |code: u16| CountryIndex(positions.get(usize::from(code)).copied().unwrap_or(UNKNOWN));
        let mut parts: Vec<Part> = Vec::new();
        let mut last: Option<Row> = None;
        for batch in &self.batches {
            let cells = self.cells(batch)?;
            let Some(value) = self.columns.array(batch, VALUE) else { return Ok(None) };
            let values = value.as_primitive::<Decimal64Type>().values();
            let mut part = Part::default();
            // Rows at the start that belong to the last product of the batch before.
            let mut carried = 0;
            for at in 0..batch.num_rows() {
                let Ok(row) = cells.row(at, self.named, &known) else { return Ok(None) };
                if last.is_some_and(|last| last.key() >= row.key()) {
                    return Ok(None);
                }
                let same = last.is_some_and(|last| last.product_number() == row.product_number());
                last = Some(row);
                let (exporter, importer) = (index(row.exporter()), index(row.importer()));
                if same && part.products.is_empty() {
                    let Some(before) = parts.last_mut() else { return Ok(None) };
                    before.continue_last(exporter, importer, row.value())?;
                    carried += 1;
                    continue;
                }
                match part.products.last_mut().filter(|_| same) {
                    Some((_, rows)) => *rows += 1,
                    None => part.products.push((row.product()?, 1)),
                }
                part.exporters.push(exporter);
                part.importers.push(importer);
            }
            part.values = values.slice(carried, values.len() - carried).into();
            if !part.products.is_empty() {
                // The last product may go on in the next batch: it stands in a part of its own, to be copied if it does.
                let tail = part.split_last();
                parts.extend([part, tail].into_iter().filter(|part| !part.products.is_empty()));
            }
        }
        Ok(Some(parts))
    }
}

fn value_error(problem: &Problem) -> DataError {
    DataError::Value {
        file: NAME.to_owned(),
        place: format!("row {}", problem.line),
        column: problem.column,
        value: problem.value.clone(),
        problem: problem.text.clone(),
    }
}
