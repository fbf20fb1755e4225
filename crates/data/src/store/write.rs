//! The one writer of our layout.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use parquet::basic::{Compression, Encoding};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::ColumnPath;

use super::*;
use crate::{DataError, Row};

/// A row group ends with the first product that reaches this number of rows.
const ROWS_PER_GROUP: usize = 131_072;

/// Writes one year: sorts the rows, writes a temporary file in the target folder, flushes it to the disk and renames it.
/// The same rows and the same information give the same bytes.
///
/// # Errors
/// [`DataError::File`] when a key stands twice, a row is of another year, or an amount is not positive or beyond 18 digits;
/// [`DataError::CannotWrite`] when the disk refuses.
pub fn write_year(path: &Path, info: &YearInfo, mut rows: Vec<Row>) -> Result<(), DataError> {
    rows.sort_unstable();
    write_sorted(path, info, &rows)
}

/// As [`write_year`], of rows in order.
pub(crate) fn write_sorted(path: &Path, info: &YearInfo, rows: &[Row]) -> Result<(), DataError> {
    check(path, info, rows)?;
    let bytes = encode(info, rows).map_err(|error| DataError::Internal(format!("Parquet writer: {error}")))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = temporary_file().tempfile_in(folder).map_err(|error| DataError::unwritable(path, error))?;
    file.write_all(&bytes).and_then(|()| file.as_file().sync_all()).map_err(|error| DataError::unwritable(path, error))?;
    file.persist(path).map_err(|error| DataError::unwritable(path, error.error))?;
    Ok(())
}

/// Temporary files are private by default; this one becomes the data, which anyone the umask allows may read.
fn temporary_file() -> tempfile::Builder<'static, 'static> {
    #[cfg_attr(not(unix), allow(unused_mut))]
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder
}

fn check(path: &Path, info: &YearInfo, rows: &[Row]) -> Result<(), DataError> {
    let name = crate::error::file_name(path);
    for pair in rows.windows(2) {
        if pair[0].key() >= pair[1].key() {
            return Err(DataError::file(&name, format!("{} stand twice", pair[0].key())));
        }
    }
    for row in rows {
        if row.year()? != info.year {
            return Err(DataError::file(&name, format!("{}: the row is of {}, not of {}", row.key(), row.year()?, info.year)));
        }
        if !(1..DECIMAL_LIMIT).contains(&row.value().get()) {
            let problem = format!("{}: value {} is not positive or beyond 18 digits", row.key(), row.value());
            return Err(DataError::file(&name, problem));
        }
        if row.quantity().is_some_and(|quantity| quantity >= DECIMAL_LIMIT) {
            return Err(DataError::file(&name, format!("{}: quantity is beyond 18 digits", row.key())));
        }
    }
    Ok(())
}

fn properties(info: &YearInfo) -> WriterProperties {
    let known = [
        (KEY_FORMAT, FORMAT.to_owned()),
        (KEY_REVISION, info.revision.to_string()),
        (KEY_YEAR, info.year.to_string()),
        (KEY_RELEASE, info.release.clone()),
        (KEY_SYNTHETIC, info.synthetic.to_string()),
        (KEY_UNIT, "value_kusd: thousand current USD; quantity_tons: metric tons".to_owned()),
        (KEY_ATTRIBUTION, info.attribution.clone()),
    ];
    let ascending = |column_idx| SortingColumn { column_idx, descending: false, nulls_first: false };
    let mut builder = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_2_0)
        .set_created_by("reorient".to_owned())
        .set_compression(Compression::UNCOMPRESSED)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_sorting_columns(Some((0..3).map(ascending).collect()))
        .set_key_value_metadata(Some(known.into_iter().map(|(key, value)| KeyValue::new(key.to_owned(), value)).collect()));
    for column in ["exporter", "importer", "value_kusd", "quantity_tons"] {
        let column = ColumnPath::from(column);
        builder = builder
            .set_column_dictionary_enabled(column.clone(), false)
            .set_column_encoding(column, Encoding::DELTA_BINARY_PACKED);
    }
    builder.build()
}

fn encode(info: &YearInfo, rows: &[Row]) -> Result<Vec<u8>, ParquetError> {
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties(info)))?;
    let mut products = String::new();
    let mut ends = vec![writer.bytes_written()];
    let mut group_rows = Vec::new();
    let mut group_start = 0;
    let mut position = 0;
    for product in rows.chunk_by(|left, right| left.product_number() == right.product_number()) {
        position += product.len();
        // Writing to a String cannot fail.
        let _ = write!(products, "{:06}:{} ", product[0].product_number(), product.len());
        if position - group_start >= ROWS_PER_GROUP || position == rows.len() {
            write_group(writer.next_row_group()?, &rows[group_start..position])?;
            ends.push(writer.bytes_written());
            group_rows.push(position - group_start);
            group_start = position;
        }
    }
    writer.flush().map_err(|error| ParquetError::General(error.to_string()))?;
    let mut groups = String::new();
    for (range, count) in ends.windows(2).zip(&group_rows) {
        let _ = write!(groups, "{}:{}:{count}:{} ", range[0], range[1], hex(&writer.inner()[range[0]..range[1]]));
    }
    for (key, value) in
        [(KEY_PRODUCTS, products.trim_end()), (KEY_ROW_GROUPS, groups.trim_end()), (KEY_PAGE_INDEX, BLANK), (KEY_FOOTER, BLANK)]
    {
        writer.append_key_value_metadata(KeyValue::new(key.to_owned(), value.to_owned()));
    }
    let page_index_start = ends.last().copied().unwrap_or(MAGIC.len());
    seal(writer.into_inner()?, page_index_start)
}

/// Writes the hashes of the page index and of the footer over the blanks that hold their place.
fn seal(mut bytes: Vec<u8>, page_index_start: usize) -> Result<Vec<u8>, ParquetError> {
    let corrupt = || ParquetError::General("no place for the hashes in the footer".to_owned());
    let length_at = bytes.len() - 8;
    let length = bytes[length_at..].first_chunk::<4>().copied().map(u32::from_le_bytes).ok_or_else(corrupt)?;
    let start = length_at - usize::try_from(length).map_err(|_| corrupt())?;
    let page_index = hex(&bytes[page_index_start..start]);
    let at = start + hash_position(&bytes[start..length_at], KEY_PAGE_INDEX).ok_or_else(corrupt)?;
    bytes[at..at + BLANK.len()].copy_from_slice(page_index.as_bytes());
    let footer = hex(&bytes[start..]);
    let at = start + hash_position(&bytes[start..length_at], KEY_FOOTER).ok_or_else(corrupt)?;
    bytes[at..at + BLANK.len()].copy_from_slice(footer.as_bytes());
    Ok(bytes)
}

type Group<'a> = SerializedRowGroupWriter<'a, Vec<u8>>;

fn write_group(mut group: Group<'_>, rows: &[Row]) -> Result<(), ParquetError> {
    // Rows of a product share one allocation.
    let mut products = Vec::with_capacity(rows.len());
    for same in rows.chunk_by(|left, right| left.product_number() == right.product_number()) {
        let product = format!("{:06}", same[0].product_number());
        products.extend(std::iter::repeat_n(ByteArray::from(product.as_str()), same.len()));
    }
    write_column::<ByteArrayType>(&mut group, &products, None)?;
    let country = |pick: fn(&Row) -> u16| rows.iter().map(|row| i32::from(pick(row))).collect::<Vec<_>>();
    write_column::<Int32Type>(&mut group, &country(Row::exporter), None)?;
    write_column::<Int32Type>(&mut group, &country(Row::importer), None)?;
    let values: Vec<i64> = rows.iter().map(|row| row.value().get()).collect();
    write_column::<Int64Type>(&mut group, &values, None)?;
    let quantities: Vec<i64> = rows.iter().filter_map(Row::quantity).collect();
    let levels: Vec<i16> = rows.iter().map(|row| i16::from(row.quantity().is_some())).collect();
    write_column::<Int64Type>(&mut group, &quantities, Some(&levels))?;
    group.close().map(drop)
}

fn write_column<T: DataType>(group: &mut Group<'_>, values: &[T::T], levels: Option<&[i16]>) -> Result<(), ParquetError> {
    let mut column = group.next_column()?.ok_or_else(|| ParquetError::General("a column too many".to_owned()))?;
    column.typed::<T>().write_batch(values, levels, None)?;
    column.close()
}
