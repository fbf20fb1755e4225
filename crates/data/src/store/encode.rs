//! One row group in memory: five columns whose pages end where products end.

use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, Encoding};
use parquet::column::writer::{ColumnCloseResult, ColumnWriterImpl};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr, WriterVersion};
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::{ColumnPath, SchemaDescriptor};

use super::index::{BlockParts, GroupParts, PAGES, hash_of};
use super::*;
use crate::Row;

/// A block ends with the first product that reaches this number of rows.
pub(super) const ROWS_PER_BLOCK: usize = 4096;
/// Beyond any block, so that pages end where blocks do and nowhere else.
const NEVER: usize = 1 << 30;

/// A row group as it will stand in the file.
pub(super) struct EncodedGroup {
    pub(super) columns: Vec<(Bytes, ColumnCloseResult)>,
    pub(super) parts: GroupParts,
}

/// How a column is packed.
pub(super) const fn compression(_column: usize) -> Compression {
    Compression::UNCOMPRESSED
}

/// How a file is written.
pub(super) fn properties(info: &YearInfo) -> WriterProperties {
    // Numbers and texts alone, which always become JSON.
    let unknown = info.unknown_codes.as_ref().and_then(|codes| serde_json::to_string(codes).ok());
    let unknown = unknown.map(|text| (KEY_UNKNOWN_CODES, text));
    let tables = info.tables.iter().flat_map(|seal| {
        let products = seal.products.clone().unwrap_or_else(|| NO_TABLE.to_owned());
        [(KEY_COUNTRY_TABLE, seal.countries.clone()), (KEY_PRODUCT_TABLE, products)]
    });
    let known = [
        (KEY_FORMAT, FORMAT.to_owned()),
        (KEY_REVISION, info.revision.to_string()),
        (KEY_YEAR, info.year.to_string()),
        (KEY_RELEASE, info.release.clone()),
        (KEY_SYNTHETIC, info.synthetic.to_string()),
        (KEY_UNIT, "value_kusd: thousand current USD; quantity_tons: metric tons".to_owned()),
        (KEY_ATTRIBUTION, info.attribution.clone()),
    ];
    // Exporters and importers are in order within a product only: told that they are sorting columns too, Polars 1.12 to 1.27 search
    // each as if it were in order throughout, and give other rows.
    let by_product = SortingColumn { column_idx: 0, descending: false, nulls_first: false };
    let mut builder = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_2_0)
        .set_created_by("reorient".to_owned())
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_column_statistics_enabled(ColumnPath::from("product"), EnabledStatistics::Page)
        .set_data_page_row_count_limit(ROWS_PER_BLOCK)
        .set_data_page_size_limit(NEVER)
        .set_dictionary_page_size_limit(NEVER)
        .set_write_batch_size(NEVER)
        .set_sorting_columns(Some(vec![by_product]))
        .set_key_value_metadata(Some(
            known.into_iter().chain(unknown).chain(tables).map(|(key, value)| KeyValue::new(key.to_owned(), value)).collect(),
        ));
    for (number, column) in ["product", "exporter", "importer", "value_kusd", "quantity_tons"].into_iter().enumerate() {
        let column = ColumnPath::from(column);
        builder = builder.set_column_compression(column.clone(), compression(number));
        // Amounts stand plain: fastparquet takes no packed column with gaps, and of packed numbers of 64 bits it gives others.
        let encoding = if number < 3 { Encoding::DELTA_BINARY_PACKED } else { Encoding::PLAIN };
        if number > 0 {
            builder = builder.set_column_dictionary_enabled(column.clone(), false).set_column_encoding(column, encoding);
        }
    }
    builder.build()
}

/// Encodes the rows of some products, each slice one product; slices are in order.
pub(super) fn encode_group(
    products: &[&[Row]],
    schema: &SchemaDescriptor,
    properties: &WriterPropertiesPtr,
) -> Result<EncodedGroup, ParquetError> {
    let blocks = blocks(products);
    let column = Column { schema, properties };
    let country = |pick: fn(&Row) -> u16| move |block: &[&[Row]]| rows(block).map(|row| i32::from(pick(row))).collect();
    let columns = vec![
        column.encode::<ByteArrayType>(0, &blocks, codes, no_levels)?,
        column.encode::<Int32Type>(1, &blocks, country(Row::exporter), no_levels)?,
        column.encode::<Int32Type>(2, &blocks, country(Row::importer), no_levels)?,
        column.encode::<Int64Type>(3, &blocks, |block| rows(block).map(|row| row.value().get()).collect(), no_levels)?,
        column.encode::<Int64Type>(
            4,
            &blocks,
            |block| rows(block).filter_map(Row::quantity).collect(),
            |block| Some(rows(block).map(|row| i16::from(row.quantity().is_some())).collect()),
        )?,
    ];
    let mut parts = GroupParts {
        products_length: columns[0].0.len(),
        products_hash: hash_of(&[&columns[0].0]),
        blocks: Vec::with_capacity(blocks.len()),
    };
    let mut ends = [0; PAGES];
    for (number, block) in blocks.iter().enumerate() {
        let mut pages = [&[][..]; PAGES];
        for (column, (bytes, close)) in columns[1..].iter().enumerate() {
            let page = close.offset_index.as_ref().and_then(|index| index.page_locations.get(number));
            let page = page.filter(|page| usize::try_from(page.offset) == Ok(ends[column]));
            let length = page.and_then(|page| usize::try_from(page.compressed_page_size).ok());
            let length = length.ok_or_else(|| ParquetError::General("pages do not end where blocks do".to_owned()))?;
            pages[column] = &bytes[ends[column]..ends[column] + length];
            ends[column] += length;
        }
        parts.blocks.push(BlockParts {
            n_products: block.len(),
            lengths: pages.map(<[u8]>::len),
            trade_hash: hash_of(&pages[..PAGES - 1]),
            quantity_hash: hash_of(&pages[PAGES - 1..]),
        });
    }
    if columns[1..].iter().zip(ends).any(|((bytes, _), end)| bytes.len() != end) {
        return Err(ParquetError::General("pages do not end where blocks do".to_owned()));
    }
    Ok(EncodedGroup { columns, parts })
}

/// Cuts products into blocks.
fn blocks<'a, 'b>(products: &'a [&'b [Row]]) -> Vec<&'a [&'b [Row]]> {
    let mut blocks = Vec::new();
    let (mut start, mut rows) = (0, 0);
    for (at, product) in products.iter().enumerate() {
        rows += product.len();
        if rows >= ROWS_PER_BLOCK || at + 1 == products.len() {
            blocks.push(&products[start..=at]);
            (start, rows) = (at + 1, 0);
        }
    }
    blocks
}

fn rows<'a>(block: &'a [&'a [Row]]) -> impl Iterator<Item = &'a Row> {
    block.iter().copied().flatten()
}

/// The product of each row; rows of a product share one allocation.
fn codes(block: &[&[Row]]) -> Vec<ByteArray> {
    let mut codes = Vec::with_capacity(block.iter().map(|rows| rows.len()).sum());
    for rows in block {
        let code = format!("{:06}", rows.first().map_or(0, Row::product_number));
        codes.extend(std::iter::repeat_n(ByteArray::from(code.as_str()), rows.len()));
    }
    codes
}

const fn no_levels(_: &[&[Row]]) -> Option<Vec<i16>> {
    None
}

struct Column<'a> {
    schema: &'a SchemaDescriptor,
    properties: &'a WriterPropertiesPtr,
}

impl Column<'_> {
    /// Encodes one column, a page for each block.
    fn encode<T: DataType>(
        &self,
        number: usize,
        blocks: &[&[&[Row]]],
        values: impl Fn(&[&[Row]]) -> Vec<T::T>,
        levels: impl Fn(&[&[Row]]) -> Option<Vec<i16>>,
    ) -> Result<(Bytes, ColumnCloseResult), ParquetError> {
        let mut sink = TrackedWrite::new(Vec::new());
        let pages = SerializedPageWriter::new(&mut sink);
        let mut writer = ColumnWriterImpl::<T>::new(self.schema.column(number), Arc::clone(self.properties), Box::new(pages));
        for block in blocks {
            writer.write_batch(&values(block), levels(block).as_deref(), None)?;
        }
        let close = writer.close()?;
        Ok((Bytes::from(sink.into_inner()?), close))
    }
}
