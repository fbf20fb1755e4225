//! Flows of every product and exporter: `flows.parquet` and `flows.csv`.

use std::io::{self, Write};
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int32Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::schema::types::ColumnPath;
use reorient_core::CountryTable;
use reorient_metrics::{Collection, FlowRow, ProductRow};
use reorient_model::NanoUsd;

use crate::number::{NANO_PER_KUSD, decimal};

pub(crate) const COLUMNS: [&str; 8] =
    ["product", "exporter", "imports_kusd", "world_exports_kusd", "capacity_kusd", "optimised_kusd", "min_kusd", "max_kusd"];

/// Columns that are amounts of money.
const AMOUNTS: usize = COLUMNS.len() - 2;

/// Products per record batch; a product has at most a few hundred exporters.
const PRODUCTS_PER_BATCH: usize = 256;

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
    let mut writer = ArrowWriter::try_new(out, Arc::clone(&schema), Some(properties.build()))?;
    for products in collection.products.chunks(PRODUCTS_PER_BATCH) {
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns(products, countries)).map_err(io::Error::other)?;
        writer.write(&batch)?;
    }
    writer.close()?;
    Ok(())
}

fn columns(products: &[ProductRow], countries: &CountryTable) -> Vec<ArrayRef> {
    let flows = || products.iter().flat_map(|product| product.flows.iter().map(move |flow| (product, flow)));
    let code = |flow: &FlowRow| i32::from(countries.country(flow.exporter).code.get());
    let mut columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(
            products.iter().flat_map(|product| std::iter::repeat_n(product.product.to_string(), product.flows.len())),
        )),
        Arc::new(Int32Array::from_iter_values(flows().map(|(_, flow)| code(flow)))),
    ];
    for position in 0..AMOUNTS {
        let values = flows().map(|(_, flow)| kusd(amounts(flow)[position]));
        columns.push(Arc::new(Float64Array::from_iter_values(values)));
    }
    columns
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
