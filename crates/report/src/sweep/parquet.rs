//! Tables of a sweep as Parquet: rows come scenario by scenario, row groups have a fixed number of rows.

use std::io::{self, Write};
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Builder, Int64Builder, RecordBatch, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use crate::column_orders::TypeDefinedOrders;

/// Rows that are held before they are encoded.
const BATCH: usize = 2048;

/// What a column holds. A missing value is a null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Whole,
    Real,
}

/// Columns in the making.
enum Builder {
    Text(StringBuilder),
    Whole(Int64Builder),
    Real(Float64Builder),
}

/// One value of a row.
pub(super) enum Cell<'a> {
    Text(Option<&'a str>),
    Whole(Option<i64>),
    Real(Option<f64>),
}

/// A table that takes one row after the other.
pub(super) struct ParquetTable<W: Write + Send> {
    writer: ArrowWriter<TypeDefinedOrders<W>>,
    schema: Arc<Schema>,
    builders: Vec<Builder>,
    rows: usize,
}

impl<W: Write + Send> ParquetTable<W> {
    /// A row group has `group` rows, which are held encoded.
    pub(super) fn new(out: W, columns: &[(&str, Kind)], group: usize) -> io::Result<Self> {
        let data_type = |kind: Kind| match kind {
            Kind::Text => DataType::Utf8,
            Kind::Whole => DataType::Int64,
            Kind::Real => DataType::Float64,
        };
        let fields: Vec<Field> = columns.iter().map(|(name, kind)| Field::new(*name, data_type(*kind), true)).collect();
        let schema = Arc::new(Schema::new(fields));
        let version = KeyValue::new("reorient.version".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
            .set_max_row_group_row_count(Some(group))
            .set_created_by("reorient".to_owned())
            .set_key_value_metadata(Some(vec![version]))
            .build();
        let builder = |kind: Kind| match kind {
            Kind::Text => Builder::Text(StringBuilder::new()),
            Kind::Whole => Builder::Whole(Int64Builder::new()),
            Kind::Real => Builder::Real(Float64Builder::new()),
        };
        let builders = columns.iter().map(|(_, kind)| builder(*kind)).collect();
        let out = TypeDefinedOrders::new(out, columns.len());
        Ok(Self { writer: ArrowWriter::try_new(out, Arc::clone(&schema), Some(properties))?, schema, builders, rows: 0 })
    }

    /// Cells in the order and of the kinds of the columns.
    pub(super) fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        if cells.len() != self.builders.len() {
            return Err(io::Error::other("a row has not the columns of its table"));
        }
        for (builder, cell) in self.builders.iter_mut().zip(cells) {
            match (builder, cell) {
                (Builder::Text(texts), Cell::Text(text)) => texts.append_option(*text),
                (Builder::Whole(wholes), Cell::Whole(whole)) => wholes.append_option(*whole),
                (Builder::Real(reals), Cell::Real(real)) => reals.append_option(*real),
                _ => return Err(io::Error::other("a cell has not the kind of its column")),
            }
        }
        self.rows += 1;
        if self.rows == BATCH { self.encode() } else { Ok(()) }
    }

    fn encode(&mut self) -> io::Result<()> {
        let finish = |builder: &mut Builder| -> ArrayRef {
            match builder {
                Builder::Text(texts) => Arc::new(texts.finish()),
                Builder::Whole(wholes) => Arc::new(wholes.finish()),
                Builder::Real(reals) => Arc::new(reals.finish()),
            }
        };
        let arrays = self.builders.iter_mut().map(finish).collect();
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), arrays).map_err(io::Error::other)?;
        self.rows = 0;
        Ok(self.writer.write(&batch)?)
    }

    /// Writes the end and gives back what it was written to.
    pub(super) fn finish(mut self) -> io::Result<W> {
        if self.rows > 0 {
            self.encode()?;
        }
        self.writer.into_inner()?.finish()
    }
}
