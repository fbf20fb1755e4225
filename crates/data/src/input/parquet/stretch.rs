//! Stretches of a Parquet file: rows that are read together, cut alike whatever the number of threads.

use std::io::{BufReader, Read};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema};
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection, RowSelectionPolicy, RowSelector,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::{ChunkReader, Length};

use super::{damaged, isolated};
use crate::DataError;
use crate::claims::ValueUnit;
use crate::input::cells::{self, Columns};
use crate::input::stream::{FREE, LARGEST_RATIO};
use crate::integrity::Integrity;
use crate::store::Content;

/// Rows decoded at a time: few enough that they stay near the processor.
const BATCH: usize = 1 << 13;
/// Row groups with fewer rows are read with their neighbours.
const SHORTEST: usize = 1 << 16;
/// Longer row groups are cut. A page on a cut is decoded twice, and so is a dictionary.
const LONGEST: usize = 1 << 19;
/// Bytes taken at once where the header of a page is.
const HEADER: usize = 1 << 9;
const MOST_ROW_GROUPS: usize = 100_000;

/// A file of another tool, with what its footer says.
pub(super) struct ForeignFile {
    name: String,
    pub(super) content: Arc<Content>,
    footer: ArrowReaderMetadata,
    wanted: ProjectionMask,
    /// Of the wanted columns alone.
    pub(super) columns: Columns,
    /// Rows that the footer claims.
    pub(super) rows: u64,
    /// Those of each row group.
    pub(super) groups: Vec<usize>,
}

/// Rows that one thread reads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Stretch {
    /// Rows of the file before it.
    pub(super) start: u64,
    pub(super) pieces: Vec<Piece>,
}

/// Rows of a row group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    group: usize,
    rows: Range<usize>,
    /// Whether it ends with its row group.
    is_last: bool,
}

impl Stretch {
    pub(super) fn n_rows(&self) -> usize {
        self.pieces.iter().map(|piece| piece.rows.len()).sum()
    }
}

/// Cuts row groups into stretches, in the order of the file; the first one has `head` rows, unless that is none.
pub(super) fn stretches(groups: &[usize], head: usize) -> Vec<Stretch> {
    let mut all = Vec::new();
    let mut current = Stretch::default();
    let mut before = 0;
    let mut end = |current: &mut Stretch| {
        before += current.n_rows() as u64;
        let next = Stretch { start: before, pieces: Vec::new() };
        all.push(std::mem::replace(current, next));
    };
    let mut head = head;
    for (group, n_rows) in groups.iter().copied().enumerate() {
        let mut from = 0;
        while from < n_rows {
            let left = n_rows - from;
            let take = match head {
                // Parts of one length, none of them much shorter than the others.
                0 => left.div_ceil(left.div_ceil(LONGEST)),
                head => left.min(head),
            };
            let rows = from..from + take;
            from = rows.end;
            current.pieces.push(Piece { group, rows, is_last: from == n_rows });
            let is_full = if head > 0 { take == head } else { current.n_rows() >= SHORTEST };
            head -= head.min(take);
            if is_full {
                end(&mut current);
            }
        }
    }
    if !current.pieces.is_empty() {
        end(&mut current);
    }
    all
}

impl ForeignFile {
    /// Whether a file has a column of years.
    pub(super) fn has_years(path: &Path, name: &str) -> Result<bool, DataError> {
        let content = Chunks(Arc::new(Content::open(path)?));
        let footer = isolated(name, || {
            ArrowReaderMetadata::load(&content, ArrowReaderOptions::new()).map_err(|error| damaged(name, &error))
        })?;
        Ok(cells::has_years(footer.schema().fields().iter().map(|field| field.name().as_str())))
    }

    pub(super) fn open(path: &Path, name: &str, year_is_named: bool, unit: Option<ValueUnit>) -> Result<Self, DataError> {
        let content = Arc::new(Content::open(path)?);
        let options = ArrowReaderOptions::new();
        let footer = isolated(name, || {
            ArrowReaderMetadata::load(&Chunks(Arc::clone(&content)), options).map_err(|error| damaged(name, &error))
        })?;
        let (rows, groups) = rows_of(name, footer.metadata(), content.length())?;
        let columns =
            Columns::find(name, footer.schema().fields().iter().map(|field| field.name().as_str()), year_is_named, unit)?;
        let wanted = ProjectionMask::roots(footer.parquet_schema(), columns.positions());
        let footer = isolated(name, || Ok(by_key(&footer, &columns).unwrap_or_else(|| footer.clone())))?;
        Ok(Self { name: name.to_owned(), content, footer, wanted, columns: columns.alone(), rows, groups })
    }

    pub(super) fn length(&self) -> u64 {
        self.content.length()
    }

    /// Which checksum the wanted columns have.
    pub(super) fn integrity(&self) -> Result<Integrity, DataError> {
        Integrity::of_pages(&self.content, self.footer.metadata(), &self.wanted)
    }

    /// Hands the rows of a stretch over in batches, until there are no more or `take` says so by false.
    pub(super) fn read(
        &self,
        stretch: &Stretch,
        take: &mut dyn FnMut(RecordBatch) -> Result<bool, DataError>,
    ) -> Result<(), DataError> {
        for piece in &stretch.pieces {
            let reader = || {
                let builder =
                    ParquetRecordBatchReaderBuilder::new_with_metadata(Chunks(Arc::clone(&self.content)), self.footer.clone())
                        .with_row_groups(vec![piece.group])
                        .with_projection(self.wanted.clone())
                        .with_batch_size(BATCH);
                let builder = if piece.rows.start == 0 && piece.is_last {
                    builder
                } else {
                    // One row more than the last ones should be shows a row group that is longer than its footer says.
                    let selected = piece.rows.len() + usize::from(piece.is_last);
                    let selection = RowSelection::from(vec![RowSelector::skip(piece.rows.start), RowSelector::select(selected)]);
                    builder.with_row_selection(selection).with_row_selection_policy(RowSelectionPolicy::Selectors)
                };
                builder.build().map_err(|error| damaged(&self.name, &error))
            };
            let mut reader = isolated(&self.name, reader)?;
            let mut next = || isolated(&self.name, || reader.next().transpose().map_err(|error| damaged(&self.name, &error)));
            let mut met = 0;
            while let Some(batch) = next()? {
                met += batch.num_rows();
                if met > piece.rows.len() {
                    break;
                }
                if !take(batch)? {
                    return Ok(());
                }
            }
            if met != piece.rows.len() {
                let group = piece.group + 1;
                let problem = if met < piece.rows.len() { "fewer" } else { "more" };
                return Err(damaged(&self.name, &format!("its row group {group} holds {problem} rows than it claims")));
            }
        }
        Ok(())
    }
}

/// The rows that a file claims, and those of its row groups; an error where there cannot be as many.
fn rows_of(name: &str, metadata: &ParquetMetaData, size: u64) -> Result<(u64, Vec<usize>), DataError> {
    let rows = u64::try_from(metadata.file_metadata().num_rows()).map_err(|error| damaged(name, &error))?;
    if metadata.num_row_groups() > MOST_ROW_GROUPS {
        let problem = format!("{} row groups are no trade data; write it again", metadata.num_row_groups());
        return Err(DataError::file(name, problem));
    }
    if rows > size {
        let problem = format!("it claims {rows} rows in {size} bytes, as no trade data do; write it again");
        return Err(DataError::file(name, problem));
    }
    let unpacked = metadata.row_groups().iter().map(|group| u64::try_from(group.total_byte_size()).unwrap_or(u64::MAX));
    let unpacked = unpacked.fold(0, u64::saturating_add);
    if unpacked > FREE && unpacked / LARGEST_RATIO > size {
        let problem =
            format!("it claims to unpack to more than {LARGEST_RATIO} times its size, as no trade data do; write it again");
        return Err(DataError::file(name, problem));
    }
    let groups = metadata.row_groups().iter().map(|group| usize::try_from(group.num_rows()));
    let groups = groups.collect::<Result<Vec<_>, _>>().map_err(|error| damaged(name, &error))?;
    let held = groups.iter().try_fold(0_u64, |held, rows| held.checked_add(*rows as u64));
    match held {
        Some(held) if held == rows => Ok((rows, groups)),
        held => Err(damaged(name, &format!("it claims {rows} rows and holds {}", held.unwrap_or(u64::MAX)))),
    }
}

/// The footer, with codes that are texts in a dictionary to be read as its keys: then each text is looked at once.
fn by_key(footer: &ArrowReaderMetadata, columns: &Columns) -> Option<ArrowReaderMetadata> {
    let has_dictionary = |column: usize| {
        let roots = footer.parquet_schema();
        let leaf = (0..roots.num_columns()).find(|leaf| roots.get_column_root_idx(*leaf) == column);
        let groups = footer.metadata().row_groups();
        groups.first().zip(leaf).is_some_and(|(group, leaf)| group.column(leaf).dictionary_page_offset().is_some())
    };
    let is_text = |kind: &DataType| matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    let codes: Vec<usize> = columns.codes().filter(|column| has_dictionary(*column)).collect();
    let field = |(at, field): (usize, &Arc<Field>)| match field.data_type() {
        kind if is_text(kind) && codes.contains(&at) => {
            let kind = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
            Arc::new(field.as_ref().clone().with_data_type(kind))
        }
        _ => Arc::clone(field),
    };
    let schema = footer.schema();
    let fields: Vec<Arc<Field>> = schema.fields().iter().enumerate().map(field).collect();
    let schema = Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()));
    ArrowReaderMetadata::try_new(Arc::clone(footer.metadata()), ArrowReaderOptions::new().with_schema(schema)).ok()
}

/// Parts of a file, taken without moving a position that threads would share.
struct Chunks(Arc<Content>);

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.0.length()
    }
}

impl ChunkReader for Chunks {
    type T = BufReader<Tail>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(BufReader::with_capacity(HEADER, Tail { content: Arc::clone(&self.0), at: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let end = start.checked_add(length as u64).filter(|end| *end <= self.0.length());
        let end = end.ok_or_else(|| ParquetError::EOF(format!("there are no {length} bytes at {start}")))?;
        self.0.read(start..end).map(Bytes::from).map_err(|error| ParquetError::General(error.to_string()))
    }
}

/// A file from a position on.
struct Tail {
    content: Arc<Content>,
    at: u64,
}

impl Read for Tail {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let left = usize::try_from(self.content.length().saturating_sub(self.at)).unwrap_or(usize::MAX);
        let length = buffer.len().min(left);
        self.content.read_into(self.at, &mut buffer[..length]).map_err(std::io::Error::other)?;
        self.at += length as u64;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_hold_every_row_once_and_in_order() {
        let cases: [&[usize]; 7] = [
            &[],
            &[0, 0],
            &[5],
            &[1706, 99_000, 0, 101_000],
            &[LONGEST * 5 + 1],
            &[5000; 40],
            &[LONGEST, SHORTEST, 3, LONGEST + 1],
        ];
        for groups in cases {
            for head in [0, 1, SHORTEST, 3 * LONGEST] {
                let all = stretches(groups, head);
                let mut start = 0;
                for stretch in &all {
                    assert_eq!(stretch.start, start);
                    start += stretch.n_rows() as u64;
                    assert!(stretch.n_rows() > 0 && (stretch.n_rows() <= LONGEST + SHORTEST || head > 0));
                }
                if let Some(first) = all.first().filter(|_| head > 0) {
                    assert_eq!(first.n_rows(), head.min(groups.iter().sum()));
                }
                let mut pieces = all.iter().flat_map(|stretch| &stretch.pieces);
                for (group, n_rows) in groups.iter().enumerate() {
                    let mut at = 0;
                    while at < *n_rows {
                        let piece = pieces.next();
                        let end = piece.map_or(0, |piece| piece.rows.end);
                        assert_eq!(piece, Some(&Piece { group, rows: at..end, is_last: end == *n_rows }));
                        assert!(end > at);
                        at = end;
                    }
                }
                assert_eq!(pieces.next(), None);
            }
        }
    }
}
