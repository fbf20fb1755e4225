//! The one writer of our layout.

use std::io::Write as _;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterPropertiesPtr;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::SchemaDescriptor;
use rayon::prelude::*;

use super::encode::{EncodedGroup, encode_group, properties};
use super::index::{self, GroupParts};
use super::*;
use crate::error::file_name;
use crate::ingested::FileHash;
use crate::ingested::thousandths;
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
    let products: Vec<&[Row]> = rows.chunk_by(|left, right| left.product_number() == right.product_number()).collect();
    write_sorted(path, info, &products).map(drop)
}

/// As [`write_year`], of rows in order, each slice one product.
pub(crate) fn write_sorted(path: &Path, info: &YearInfo, products: &[&[Row]]) -> Result<FileHash, DataError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let fail = |error| DataError::unwritable(path, error);
    let failed = |error: ParquetError| DataError::Internal(format!("Parquet writer: {error}"));
    let schema = schema().map_err(failed)?;
    let properties = Arc::new(properties(info));
    let writer = SerializedFileWriter::new(Vec::new(), schema.root_schema_ptr(), Arc::clone(&properties)).map_err(failed)?;
    let file = temporary_file().tempfile_in(folder).map_err(fail)?;
    let mut out = Out { path, writer, file, hasher: blake3::Hasher::new(), parts: Vec::new() };

    let groups = groups(products);
    let mut rounds = groups.chunks(2 * rayon::current_num_threads());
    let name = file_name(path);
    let encode = |round: &[Range<usize>]| -> Vec<Result<EncodedGroup, DataError>> {
        let group = |range: &Range<usize>| encode_checked(&name, info, products, range.clone(), &schema, &properties);
        round.par_iter().map(group).collect()
    };
    let mut next = rounds.next().map(encode);
    while let Some(encoded) = next {
        // Row groups are written while the next ones are encoded.
        let (written, following) = rayon::join(|| out.append(encoded), || rounds.next().map(encode));
        written?;
        next = following;
    }
    let products: Vec<(u32, usize)> = products.iter().map(|rows| (rows[0].product_number(), rows.len())).collect();
    out.finish(&products)
}

/// Products of each row group.
fn groups(products: &[&[Row]]) -> Vec<Range<usize>> {
    let mut groups = Vec::new();
    let (mut start, mut rows) = (0, 0);
    for (at, product) in products.iter().enumerate() {
        rows += product.len();
        if rows >= ROWS_PER_GROUP || at + 1 == products.len() {
            groups.push(start..at + 1);
            (start, rows) = (at + 1, 0);
        }
    }
    groups
}

fn encode_checked(
    name: &str,
    info: &YearInfo,
    products: &[&[Row]],
    range: Range<usize>,
    schema: &SchemaDescriptor,
    properties: &WriterPropertiesPtr,
) -> Result<EncodedGroup, DataError> {
    let before = range.start.checked_sub(1).and_then(|before| products[before].last());
    check(name, info, before, &products[range.clone()])?;
    let encoded = encode_group(&products[range], schema, properties);
    encoded.map_err(|error| DataError::Internal(format!("Parquet writer: {error}")))
}

/// Refuses rows that are not in order after `before`, each key once, or whose values do not fit.
fn check(name: &str, info: &YearInfo, before: Option<&Row>, products: &[&[Row]]) -> Result<(), DataError> {
    let mut last = before.map(Row::key);
    for row in products.iter().copied().flatten() {
        if last.is_some_and(|last| last >= row.key()) {
            return Err(DataError::file(name, format!("{} stand twice", row.key())));
        }
        last = Some(row.key());
        let year = row.year()?;
        if year != info.year {
            return Err(DataError::file(name, format!("{}: the year is {year} instead of {}", row.key(), info.year)));
        }
        if row.value().get() <= 0 {
            return Err(DataError::file(name, format!("{}: value {} is not positive", row.key(), row.value())));
        }
        if row.value().get() >= FLOW_LIMIT {
            return Err(DataError::file(name, format!("{}: value {}: {TOO_MUCH}", row.key(), row.value())));
        }
        if row.quantity().is_some_and(|quantity| quantity >= DECIMAL_LIMIT) {
            return Err(DataError::file(name, format!("{}: quantity is beyond 18 digits", row.key())));
        }
    }
    // A row that is wrong on its own is told before what many add up to.
    for rows in products {
        let abroad = rows.iter().filter(|row| row.exporter() != row.importer());
        let exports: i128 = abroad.map(|row| i128::from(row.value().get())).sum();
        if let Some(row) = rows.first().filter(|_| exports >= FLOW_LIMIT.into()) {
            let (product, exports) = (row.product()?, thousandths(exports));
            let problem = format!(
                "year {}, product {product}: exports of all countries together are {exports} thousand USD; {TOO_MUCH}",
                info.year
            );
            return Err(DataError::file(name, problem));
        }
    }
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

/// A file in the making. The Parquet writer keeps what it was given last in memory until it is drained to the disk.
struct Out<'a> {
    path: &'a Path,
    writer: SerializedFileWriter<Vec<u8>>,
    file: tempfile::NamedTempFile,
    hasher: blake3::Hasher,
    parts: Vec<GroupParts>,
}

impl Out<'_> {
    fn append(&mut self, groups: Vec<Result<EncodedGroup, DataError>>) -> Result<(), DataError> {
        for group in groups {
            let EncodedGroup { columns, parts } = group?;
            self.append_columns(columns).map_err(|error| DataError::Internal(format!("Parquet writer: {error}")))?;
            self.parts.push(parts);
            let bytes = std::mem::take(self.writer.inner_mut());
            self.put(&bytes)?;
        }
        Ok(())
    }

    fn append_columns(
        &mut self,
        columns: Vec<(bytes::Bytes, parquet::column::writer::ColumnCloseResult)>,
    ) -> Result<(), ParquetError> {
        let mut group = self.writer.next_row_group()?;
        for (bytes, close) in columns {
            group.append_column(&bytes, close)?;
        }
        group.close()?;
        self.writer.flush().map_err(|error| ParquetError::General(error.to_string()))
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), DataError> {
        self.hasher.update(bytes);
        self.file.write_all(bytes).map_err(|error| DataError::unwritable(self.path, error))
    }

    /// Writes what stands behind the row groups and gives the file its name.
    fn finish(mut self, products: &[(u32, usize)]) -> Result<FileHash, DataError> {
        let (tail, footer) = self.tail(products).map_err(|error| DataError::Internal(format!("Parquet writer: {error}")))?;
        let Self { path, mut file, mut hasher, .. } = self;
        let fail = |error| DataError::unwritable(path, error);
        hasher.update(&tail);
        file.write_all(&tail).and_then(|()| file.as_file().sync_all()).map_err(fail)?;
        file.persist(path).map_err(|error| DataError::unwritable(path, error.error))?;
        let (bytes, blake3) = (hasher.count(), hasher.finalize().to_hex().to_string());
        Ok(FileHash { name: file_name(path), bytes, blake3, footer_blake3: Some(footer) })
    }

    /// The index, the page index and the footer with its hash.
    fn tail(&mut self, products: &[(u32, usize)]) -> Result<(Vec<u8>, String), ParquetError> {
        let start = self.writer.bytes_written();
        let index = index::encode(products, &self.parts).map_err(ParquetError::General)?;
        self.writer.write_all(&index).map_err(|error| ParquetError::General(error.to_string()))?;
        let place = format!("{start}:{}:{}", start + index.len(), hex(&index));
        for (key, value) in [(KEY_INDEX, place.as_str()), (KEY_PAGE_INDEX, BLANK), (KEY_FOOTER, BLANK)] {
            self.writer.append_key_value_metadata(KeyValue::new(key.to_owned(), value.to_owned()));
        }
        self.writer.finish()?;
        let tail = std::mem::take(self.writer.inner_mut());
        // What was not drained begins with the index, or before it in a file without rows.
        let end = tail.len() - (self.writer.bytes_written() - start) + index.len();
        seal(tail, end)
    }
}

/// Writes the hashes of the page index, which starts at `page_index`, and of the footer over the blanks that hold their place.
fn seal(mut bytes: Vec<u8>, page_index: usize) -> Result<(Vec<u8>, String), ParquetError> {
    let corrupt = || ParquetError::General("no place for the hashes in the footer".to_owned());
    let length_at = bytes.len() - 8;
    let length = bytes[length_at..].first_chunk::<4>().copied().map(u32::from_le_bytes).ok_or_else(corrupt)?;
    let start = length_at - usize::try_from(length).map_err(|_| corrupt())?;
    let hash = hex(&bytes[page_index..start]);
    let at = start + hash_position(&bytes[start..length_at], KEY_PAGE_INDEX).ok_or_else(corrupt)?;
    bytes[at..at + BLANK.len()].copy_from_slice(hash.as_bytes());
    let footer = hex(&bytes[start..]);
    let at = start + hash_position(&bytes[start..length_at], KEY_FOOTER).ok_or_else(corrupt)?;
    bytes[at..at + BLANK.len()].copy_from_slice(footer.as_bytes());
    Ok((bytes, footer))
}
