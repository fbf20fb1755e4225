//! Parquet of other tools: Polars, DuckDB, pyarrow, pandas; numbers or texts, whole or in fractions.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::cells::{COLUMNS, Columns};
use super::csv::Reading;
use super::{Batch, Met, Order, known_countries};
use crate::DataError;
use crate::error::file_name;
use crate::issue::Problem;

/// Rows decoded at a time.
const BATCH: usize = 1 << 16;
/// The footer of a year has some hundred kilobytes.
const LARGEST_FOOTER: u32 = 64 << 20;
const MOST_ROW_GROUPS: usize = 100_000;
/// Text that our own footers hold; a file with it is ours, whole or damaged.
const OUR_MARK: &[u8] = b"reorient.";

/// Whether a Parquet file was written by us, judged by its end; a file that is no Parquet at all is an error.
pub(crate) fn is_ours(path: &Path) -> Result<bool, DataError> {
    let footer = footer(path)?;
    Ok(footer.windows(OUR_MARK.len()).any(|window| window == OUR_MARK))
}

/// The footer of a Parquet file, with plausible length.
fn footer(path: &Path) -> Result<Vec<u8>, DataError> {
    let name = file_name(path);
    let fail = |error: std::io::Error| DataError::unreadable(path, &error);
    let mut file = File::open(path).map_err(fail)?;
    let size = file.seek(SeekFrom::End(0)).map_err(fail)?;
    let none = || {
        let problem = "this is not a Parquet file, or its end is missing; fetch or write it again";
        DataError::file(&name, problem)
    };
    let tail_at = size.checked_sub(8).filter(|at| *at >= 4).ok_or_else(none)?;
    let mut tail = [0; 8];
    file.seek(SeekFrom::Start(tail_at)).map_err(fail)?;
    file.read_exact(&mut tail).map_err(fail)?;
    let length = tail.first_chunk::<4>().copied().map_or(0, u32::from_le_bytes);
    if &tail[4..] != b"PAR1" {
        return Err(none());
    }
    if length > LARGEST_FOOTER || u64::from(length) > tail_at - 4 {
        return Err(DataError::damaged(&name, format!("its footer claims {length} bytes")));
    }
    file.seek(SeekFrom::Start(tail_at - u64::from(length))).map_err(fail)?;
    let mut footer = Vec::new();
    file.take(u64::from(length)).read_to_end(&mut footer).map_err(fail)?;
    Ok(footer)
}

/// Reads rows in the order of the file.
pub(super) fn read(path: &Path, reading: &mut Reading<'_, '_>) -> Result<Met, DataError> {
    let Reading { countries, years, pick, issues, sink, .. } = reading;
    let name = file_name(path);
    footer(path)?;
    let file = File::open(path).map_err(|error| DataError::unreadable(path, &error))?;
    let size = file.metadata().map_err(|error| DataError::unreadable(path, &error))?.len();
    let damaged = |error: &dyn std::fmt::Display| DataError::damaged(&name, error.to_string());
    let builder = isolated(&name, || ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| damaged(&error)))?;
    let metadata = builder.metadata();
    let rows = u64::try_from(metadata.file_metadata().num_rows()).map_err(|error| damaged(&error))?;
    if metadata.num_row_groups() > MOST_ROW_GROUPS {
        return Err(DataError::file(
            &name,
            format!("{} row groups are no trade data; write it again", metadata.num_row_groups()),
        ));
    }
    if rows > size {
        return Err(DataError::file(
            &name,
            format!("it claims {rows} rows in {size} bytes, as no trade data do; write it again"),
        ));
    }
    let columns =
        Columns::find(&name, builder.schema().fields().iter().map(|field| field.name().as_str()), years.named.is_some())?;
    let reader = isolated(&name, || builder.with_batch_size(BATCH).build().map_err(|error| damaged(&error)))?;
    let mut reader = reader;
    let known = known_countries(countries);
    let mut met: u64 = 0;
    let mut order = Order::new();
    while let Some(batch) = isolated(&name, || reader.next().transpose().map_err(|error| damaged(&error)))? {
        let first_row = met + 1;
        met += batch.num_rows() as u64;
        let cells = columns.cells(&batch).map_err(|error| DataError::file(&name, error.to_string()))?;
        let mut parsed = Vec::with_capacity(batch.num_rows());
        let mut places = Vec::with_capacity(batch.num_rows());
        for at in 0..batch.num_rows() {
            match cells.row(at, years.named, &known) {
                Ok(row) => {
                    parsed.push(row);
                    places.push(first_row + at as u64);
                }
                Err((column, reason, text)) => {
                    let value = cells.shown(column, at);
                    issues.add(
                        &name,
                        "row",
                        Problem { line: first_row + at as u64, reason, column: COLUMNS[column].0, value, text },
                    )?;
                }
            }
        }
        for problem in years.take(&mut parsed, |at| places[at])? {
            issues.add(&name, "row", problem)?;
        }
        parsed.iter().for_each(|row| order.meet(row));
        parsed.retain(|row| pick.takes(row.product_number()));
        // As far into the file as into its rows.
        let done = u64::try_from(u128::from(size) * u128::from(met) / u128::from(rows.max(1))).unwrap_or(size);
        sink(Batch { rows: parsed, met: batch.num_rows() as u64, done })?;
    }
    if met != rows {
        return Err(DataError::damaged(&name, format!("it claims {rows} rows and holds {met}")));
    }
    if met == 0 {
        issues.refuse(DataError::file(&name, "the file has no rows"))?;
    }
    Ok(Met { rows: met, hash: None, order })
}

/// Lets no panic of the Parquet library pass.
fn isolated<T>(name: &str, action: impl FnOnce() -> Result<T, DataError>) -> Result<T, DataError> {
    catch_unwind(AssertUnwindSafe(action))
        .unwrap_or_else(|_| Err(DataError::damaged(name, "the Parquet library cannot decode it")))
}
