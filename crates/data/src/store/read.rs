//! Reading the rows of a verified file.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use parquet::column::reader::get_typed_column_reader;
use parquet::data_type::{DataType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use reorient_core::{CountryIndex, CountryTable, ProductCode, Usd};

use super::*;
use crate::{DataError, TradeTable};

/// The rows of the wanted products, and how many rows the file holds in all.
pub(crate) struct Decoded {
    pub(crate) table: TradeTable,
    pub(crate) rows_in_file: usize,
}

/// A stretch of rows of one product within a row group.
struct Span {
    product: ProductCode,
    rows: usize,
    wanted: bool,
}

/// `weigh` asks for quantities too. Verifies the footer, the page index and every row group it decodes; row groups without a wanted product are skipped.
pub(crate) fn read_year(
    name: &str,
    bytes: &Bytes,
    countries: &CountryTable,
    wanted: Option<&BTreeSet<ProductCode>>,
    weigh: bool,
) -> Result<Decoded, DataError> {
    let footer = Footer::of_bytes(name, bytes)?;
    let groups_end = footer.groups.last().map_or(MAGIC.len(), |group| group.bytes.end);
    if !bytes.starts_with(MAGIC) || hex(&bytes[groups_end..footer.start]) != footer.page_index_hash {
        return Err(DataError::damaged(name, "the opening mark or the page index does not match its BLAKE3 hash"));
    }
    let plan = plan(name, &footer, wanted)?;
    let kept: usize = plan.iter().flatten().filter(|span| span.wanted).map(|span| span.rows).sum();
    let mut table = TradeTable::with_capacity(footer.info.year, footer.info.revision, kept);
    let reader = isolated(name, || SerializedFileReader::new(bytes.clone()))?;
    let mut quantities = Vec::new();
    let mut rows_before = 0;
    for (number, (group, spans)) in footer.groups.iter().zip(&plan).enumerate() {
        if spans.iter().any(|span| span.wanted) {
            if hex(&bytes[group.bytes.clone()]) != group.hash {
                return Err(DataError::damaged(name, format!("row group {} does not match its BLAKE3 hash", number + 1)));
            }
            let columns = isolated(name, || {
                let group = reader.get_row_group(number)?;
                Ok((
                    decode::<Int32Type>(&*group, 1, spans)?,
                    decode::<Int32Type>(&*group, 2, spans)?,
                    decode::<Int64Type>(&*group, 3, spans)?,
                ))
            })?;
            append(name, countries, rows_before, spans, &columns, &mut table)?;
            if weigh {
                quantities.extend(isolated(name, || decode_quantities(&*reader.get_row_group(number)?, spans))?);
            }
        }
        rows_before += group.rows;
    }
    if weigh {
        table.weigh(quantities)?;
    }
    Ok(Decoded { table, rows_in_file: rows_before })
}

/// The spans of each row group; products and row groups must end together.
fn plan(name: &str, footer: &Footer, wanted: Option<&BTreeSet<ProductCode>>) -> Result<Vec<Vec<Span>>, DataError> {
    let mut products = footer.products.iter();
    let mut plan = Vec::with_capacity(footer.groups.len());
    for group in &footer.groups {
        let mut spans = Vec::new();
        let mut left = group.rows;
        while left > 0 {
            let next = products.next().and_then(|(product, rows)| Some((*product, *rows, left.checked_sub(*rows)?)));
            let (product, rows, rest) =
                next.ok_or_else(|| DataError::file(name, "the index of products does not fit the rows"))?;
            spans.push(Span { product, rows, wanted: wanted.is_none_or(|wanted| wanted.contains(&product)) });
            left = rest;
        }
        plan.push(spans);
    }
    if products.next().is_some() {
        return Err(DataError::file(name, "the index of products does not fit the rows"));
    }
    Ok(plan)
}

/// The values of one required column in the wanted spans.
fn decode<T: DataType>(group: &dyn RowGroupReader, column: usize, spans: &[Span]) -> Result<Vec<T::T>, ParquetError> {
    let short = || ParquetError::General("a column has too few values".to_owned());
    let mut reader = get_typed_column_reader::<T>(group.get_column_reader(column)?);
    let mut values = Vec::with_capacity(spans.iter().filter(|span| span.wanted).map(|span| span.rows).sum());
    for same in spans.chunk_by(|left, right| left.wanted == right.wanted) {
        let mut left: usize = same.iter().map(|span| span.rows).sum();
        while left > 0 {
            let done =
                if same[0].wanted { reader.read_records(left, None, None, &mut values)?.0 } else { reader.skip_records(left)? };
            left = left.checked_sub(done).filter(|_| done > 0).ok_or_else(short)?;
        }
    }
    Ok(values)
}

/// The quantities of the wanted spans, in kilograms where known.
fn decode_quantities(group: &dyn RowGroupReader, spans: &[Span]) -> Result<Vec<Option<i64>>, ParquetError> {
    let short = || ParquetError::General("a column has too few values".to_owned());
    let mut reader = get_typed_column_reader::<Int64Type>(group.get_column_reader(4)?);
    let (mut known, mut levels) = (Vec::new(), Vec::new());
    for span in spans {
        let mut left = span.rows;
        while left > 0 {
            let done = if span.wanted {
                reader.read_records(left, Some(&mut levels), None, &mut known)?.0
            } else {
                reader.skip_records(left)?
            };
            left = left.checked_sub(done).filter(|_| done > 0).ok_or_else(short)?;
        }
    }
    let mut known = known.into_iter();
    Ok(levels.into_iter().map(|level| if level > 0 { known.next() } else { None }).collect())
}

/// Appends the decoded rows of one row group, which hold the wanted spans only.
fn append(
    name: &str,
    countries: &CountryTable,
    rows_before: usize,
    spans: &[Span],
    (exporters, importers, values): &(Vec<i32>, Vec<i32>, Vec<i64>),
    table: &mut TradeTable,
) -> Result<(), DataError> {
    let fail = |row: usize, column, value: String, problem: &str| DataError::Value {
        file: name.to_owned(),
        place: format!("row {row}"),
        column,
        value,
        problem: problem.to_owned(),
    };
    let mut row = rows_before;
    let mut at = 0;
    for span in spans {
        let first = row + 1;
        row += span.rows;
        if !span.wanted {
            continue;
        }
        let range = at..at + span.rows;
        at += span.rows;
        let indices = |column, codes: &[i32]| -> Result<Vec<CountryIndex>, DataError> {
            let index = |code: i32| u16::try_from(code).ok().and_then(|code| countries.index(CountryCode::new(code).ok()?));
            let unknown = |at: usize| fail(first + at, column, codes[at].to_string(), "this country is not in the country table");
            codes.iter().enumerate().map(|(at, code)| index(*code).ok_or_else(|| unknown(at))).collect()
        };
        let of_span: Vec<Usd> = values[range.clone()].iter().copied().map(Usd::new).collect();
        if let Some(at) = of_span.iter().position(|value| *value <= Usd::ZERO) {
            return Err(fail(first + at, "value_kusd", of_span[at].to_string(), "a flow must be more than zero"));
        }
        let (exporters, importers) = (indices("exporter", &exporters[range.clone()])?, indices("importer", &importers[range])?);
        table.push_product(span.product, &exporters, &importers, &of_span).map_err(|_| {
            let problem = "the rows of this product are not in ascending order of exporter and importer, each once";
            fail(first, "product", span.product.to_string(), problem)
        })?;
    }
    Ok(())
}

/// Runs the Parquet library so that neither its errors nor its panics pass: both mean a file it cannot understand.
pub(super) fn isolated<T>(name: &str, action: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, DataError> {
    match catch_unwind(AssertUnwindSafe(action)) {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(DataError::damaged(name, error.to_string())),
        Err(_) => Err(DataError::damaged(name, "the Parquet library cannot decode it")),
    }
}
