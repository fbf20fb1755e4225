//! Flows of every product and exporter: `flows.parquet` and `flows.csv`.

use std::io::{self, Write};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Decimal128Array, Float64Array, Int32Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::error::ArrowError;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, compute_leaves};
use parquet::basic::{Compression, Encoding};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::schema::types::ColumnPath;
use reorient_core::CountryTable;
use reorient_metrics::{Collection, FlowRow, ProductRow};
use reorient_model::NanoUsd;

use crate::arrow_tables::{Amounts, EXACT};
use crate::number::{NANO_PER_KUSD, decimal, ratio};

pub(crate) const COLUMNS: [&str; 8] =
    ["product", "exporter", "imports_kusd", "world_exports_kusd", "capacity_kusd", "optimised_kusd", "min_kusd", "max_kusd"];

/// Columns that are amounts of money.
const AMOUNTS: usize = COLUMNS.len() - 2;

/// Products per array; a product has at most a few hundred exporters.
const PRODUCTS_PER_ARRAY: usize = 256;

/// Products per row group: about a million rows.
const PRODUCTS_PER_GROUP: usize = 4_096;

/// The six amounts of a flow, in the order of the columns.
fn amounts(flow: &FlowRow) -> [NanoUsd; AMOUNTS] {
    [flow.imports.into(), flow.world_exports.into(), flow.capacity, flow.optimised, flow.min, flow.max]
}

/// Nearest doubles in thousand USD. `version` goes to the metadata; no clock, so equal results give equal bytes.
pub(crate) fn write_parquet(
    out: impl Write + Send,
    collection: &Collection,
    countries: &CountryTable,
    version: &str,
) -> io::Result<()> {
    let mut fields = vec![Field::new(COLUMNS[0], DataType::Utf8, false), Field::new(COLUMNS[1], DataType::Int32, false)];
    fields.extend(COLUMNS[2..].iter().map(|name| Field::new(*name, DataType::Float64, false)));
    let schema = Arc::new(Schema::new(fields));
    let entry = |key: &str, value: &str| KeyValue::new(key.to_owned(), value.to_owned());
    let mut properties = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_2_0)
        .set_compression(Compression::LZ4_RAW)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_created_by("reorient".to_owned())
        .set_key_value_metadata(Some(vec![entry("unit", "thousand current USD"), entry("reorient.version", version)]));
    // Doubles seldom repeat: a dictionary of them costs more time than all the rest of a run, and Zstandard a third of it.
    for name in &COLUMNS[2..] {
        properties = properties.set_column_dictionary_enabled(ColumnPath::from(*name), false);
    }
    properties = properties
        .set_column_dictionary_enabled(ColumnPath::from(COLUMNS[1]), false)
        .set_column_encoding(ColumnPath::from(COLUMNS[1]), Encoding::DELTA_BINARY_PACKED);
    let writer = ArrowWriter::try_new(out, Arc::clone(&schema), Some(properties.build()))?;
    let (mut writer, columns) = writer.into_serialized_writer()?;
    for (group, products) in collection.products.chunks(PRODUCTS_PER_GROUP).enumerate() {
        // Each column is encoded on a thread of its own and put in its place afterwards.
        let encoders = columns.create_column_writers(group)?;
        let chunks: Vec<ArrowColumnChunk> = std::thread::scope(|scope| {
            let encode = |(position, encoder)| {
                let field = schema.field(position);
                scope.spawn(move || encode(encoder, field, position, products, countries))
            };
            let started: Vec<_> = encoders.into_iter().enumerate().map(encode).collect();
            let lost = || io::Error::other("a thread that encoded a column ended early");
            started.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err(lost()))).collect::<Result<_, _>>()
        })?;
        let mut row_group = writer.next_row_group()?;
        for chunk in chunks {
            chunk.append_to_row_group(&mut row_group)?;
        }
        row_group.close()?;
    }
    writer.close()?;
    Ok(())
}

/// All rows as one batch.
pub(crate) fn batch(collection: &Collection, countries: &CountryTable, amounts: Amounts) -> Result<RecordBatch, ArrowError> {
    let products = &collection.products;
    let mut columns = vec![column(0, products, countries), column(1, products, countries)];
    for amount in 0..AMOUNTS {
        columns.push(match amounts {
            Amounts::Nearest => column(amount + 2, products, countries),
            Amounts::Exact => {
                let flows = products.iter().flat_map(|product| &product.flows);
                let last = flows.map(|flow| ratio(self::amounts(flow)[amount].0, NANO_PER_KUSD / 1_000_000, 1));
                Arc::new(Decimal128Array::from_iter_values(last).with_precision_and_scale(EXACT.0, EXACT.1)?)
            }
        });
    }
    let fields = COLUMNS.iter().zip(&columns).map(|(name, column)| Field::new(*name, column.data_type().clone(), false));
    RecordBatch::try_new(Arc::new(Schema::new(fields.collect::<Vec<_>>())), columns)
}

/// One column of some products.
fn encode(
    mut encoder: ArrowColumnWriter,
    field: &Field,
    position: usize,
    products: &[ProductRow],
    countries: &CountryTable,
) -> io::Result<ArrowColumnChunk> {
    for products in products.chunks(PRODUCTS_PER_ARRAY) {
        for leaf in compute_leaves(field, &column(position, products, countries))? {
            encoder.write(&leaf)?;
        }
    }
    Ok(encoder.close()?)
}

fn column(position: usize, products: &[ProductRow], countries: &CountryTable) -> ArrayRef {
    let flows = products.iter().flat_map(|product| &product.flows);
    match position {
        0 => Arc::new(StringArray::from_iter_values(
            products.iter().flat_map(|product| std::iter::repeat_n(product.product.to_string(), product.flows.len())),
        )),
        1 => Arc::new(Int32Array::from_iter_values(flows.map(|flow| i32::from(countries.country(flow.exporter).code.get())))),
        amount => Arc::new(Float64Array::from_iter_values(flows.map(|flow| kusd(amounts(flow)[amount - 2])))),
    }
}

/// The six amounts as the doubles of the file.
pub(crate) fn kusds(flow: &FlowRow) -> [f64; AMOUNTS] {
    amounts(flow).map(kusd)
}

#[allow(clippy::cast_precision_loss)] // The nearest double is what the column holds.
fn kusd(amount: NanoUsd) -> f64 {
    // Short amounts are converted in one instruction.
    i64::try_from(amount.0).map_or_else(|_| amount.0 as f64, |short| short as f64) / NANO_PER_KUSD as f64
}

/// Exact decimals: trade with three, results with six.
pub(crate) fn write_csv(out: impl Write, collection: &Collection, countries: &CountryTable) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(COLUMNS)?;
    for product in &collection.products {
        for flow in &product.flows {
            let exact = |amount: NanoUsd| decimal(amount.0, NANO_PER_KUSD, 6);
            writer.write_record([
                product.product.to_string(),
                countries.country(flow.exporter).code.to_string(),
                flow.imports.to_string(),
                flow.world_exports.to_string(),
                exact(flow.capacity),
                exact(flow.optimised),
                exact(flow.min),
                exact(flow.max),
            ])?;
        }
    }
    writer.flush()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn csv_amounts_are_exact() {
        let mut out = Vec::new();
        write_csv(&mut out, &sample::collection(), &sample::countries()).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r#"
        product,exporter,imports_kusd,world_exports_kusd,capacity_kusd,optimised_kusd,min_kusd,max_kusd
        010121,156,400000.000,9000000.000,0.000000,233333.333333,233333.333333,233333.333333
        010121,842,600000.000,3333000.000,166666.666667,766666.666667,766666.666667,766666.666667
        "#);
    }

    #[test]
    fn equal_results_give_equal_parquet_bytes() {
        let bytes = || {
            let mut out = Vec::new();
            write_parquet(&mut out, &sample::collection(), &sample::countries(), "1.2.3").unwrap();
            out
        };
        let first = bytes();
        assert_eq!(first, bytes());
        assert_eq!(&first[..4], b"PAR1");
        assert!(first.windows(5).any(|window| window == b"1.2.3"));
    }
}
