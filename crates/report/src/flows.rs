//! Flows of every product and exporter: `flows.parquet` and `flows.csv`.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;

use arrow::array::{Array, ArrayRef, Decimal128Array, Float64Array, Int32Array, RecordBatch, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::error::ArrowError;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, compute_leaves};
use parquet::basic::{Compression, Encoding};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::schema::types::ColumnPath;
use reorient_core::CountryTable;
use reorient_metrics::{Collection, FlowRow, ProductRow};
use reorient_model::NanoUsd;

use crate::arrow_tables::{Amounts, EXACT};
use crate::column_orders::TypeDefinedOrders;
use crate::manifest::Manifest;
use crate::number::{NANO_PER_KUSD, decimal, ratio};
use crate::seal::RULES;

pub(crate) const COLUMNS: [&str; 8] =
    ["product", "exporter", "imports_kusd", "world_exports_kusd", "capacity_kusd", "optimised_kusd", "min_kusd", "max_kusd"];

/// Columns that are amounts of money.
const AMOUNTS: usize = COLUMNS.len() - 2;

/// Products per row group: some twenty thousand rows, which one thread encodes within its cache.
const PRODUCTS_PER_GROUP: usize = 128;

/// Threads that encode: more of them would wait for the one that writes.
const MOST_ENCODERS: usize = 4;

/// The six amounts of a flow, in the order of the columns.
fn amounts(flow: &FlowRow) -> [NanoUsd; AMOUNTS] {
    [flow.imports.into(), flow.world_exports.into(), flow.capacity, flow.optimised, flow.min, flow.max]
}

/// What the file says of itself beside its rows, in the order of its metadata. A change of any of it in `manifest.json` shows here.
pub(crate) fn about(manifest: &Manifest) -> [(&'static str, String); 5] {
    [
        ("unit", "thousand current USD".to_owned()),
        ("reorient.version", manifest.version.clone()),
        ("reorient.rules", RULES.to_string()),
        ("reorient.revision", manifest.revision.clone()),
        ("reorient.synthetic", if manifest.synthetic { "yes" } else { "no" }.to_owned()),
    ]
}

/// Nearest doubles in thousand USD. Of the manifest, what [`about`] says goes to the metadata; no clock, so equal results give
/// equal bytes.
pub(crate) fn write_parquet(
    out: impl Write + Send,
    collection: &Collection,
    countries: &CountryTable,
    manifest: &Manifest,
) -> io::Result<()> {
    let mut fields = vec![Field::new(COLUMNS[0], DataType::Utf8, false), Field::new(COLUMNS[1], DataType::Int32, false)];
    fields.extend(COLUMNS[2..].iter().map(|name| Field::new(*name, DataType::Float64, false)));
    let schema = Arc::new(Schema::new(fields));
    let entry = |(key, value): (&'static str, String)| KeyValue::new(key.to_owned(), value);
    let mut properties = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_2_0)
        .set_compression(Compression::UNCOMPRESSED)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_created_by("reorient".to_owned())
        .set_key_value_metadata(Some(about(manifest).map(entry).to_vec()));
    // Doubles seldom repeat: a dictionary of them costs more time than all the rest of a run, Zstandard a third of it, and LZ4
    // a tenth for 30 % fewer bytes.
    for name in &COLUMNS[2..] {
        properties = properties.set_column_dictionary_enabled(ColumnPath::from(*name), false);
    }
    properties = properties
        .set_column_dictionary_enabled(ColumnPath::from(COLUMNS[1]), false)
        .set_column_encoding(ColumnPath::from(COLUMNS[1]), Encoding::DELTA_BINARY_PACKED);
    let out = TypeDefinedOrders::new(out, COLUMNS.len());
    let writer = ArrowWriter::try_new(out, Arc::clone(&schema), Some(properties.build()))?;
    let (mut writer, columns) = writer.into_serialized_writer()?;
    let encode = |group: usize, products: &[ProductRow]| -> Result<Vec<ArrowColumnChunk>, ParquetError> {
        let encode = |(mut encoder, (field, array)): (ArrowColumnWriter, (&Arc<Field>, ArrayRef))| {
            for leaf in compute_leaves(field, &array)? {
                encoder.write(&leaf)?;
            }
            encoder.close()
        };
        let encoders = columns.create_column_writers(group)?.into_iter();
        encoders.zip(schema.fields().iter().zip(arrays(products, countries))).map(encode).collect()
    };
    let groups = collection.products.chunks(PRODUCTS_PER_GROUP);
    let groups: Vec<&[ProductRow]> = groups.filter(|products| products.iter().any(|product| !product.flows.is_empty())).collect();
    in_order(&groups, encode, |chunks| {
        let mut row_group = writer.next_row_group()?;
        for chunk in chunks {
            chunk.append_to_row_group(&mut row_group)?;
        }
        row_group.close().map(|_| ())
    })?;
    writer.into_inner()?.finish().map(drop)
}

/// All rows as one batch.
pub(crate) fn batch(collection: &Collection, countries: &CountryTable, amounts: Amounts) -> Result<RecordBatch, ArrowError> {
    let products = &collection.products;
    let mut columns = arrays(products, countries);
    if amounts == Amounts::Exact {
        for (amount, column) in columns[2..].iter_mut().enumerate() {
            let flows = products.iter().flat_map(|product| &product.flows);
            let last = flows.map(|flow| ratio(self::amounts(flow)[amount].0, NANO_PER_KUSD / 1_000_000, 1));
            *column = Arc::new(Decimal128Array::from_iter_values(last).with_precision_and_scale(EXACT.0, EXACT.1)?);
        }
    }
    let fields = COLUMNS.iter().zip(&columns).map(|(name, column)| Field::new(*name, column.data_type().clone(), false));
    RecordBatch::try_new(Arc::new(Schema::new(fields.collect::<Vec<_>>())), columns)
}

/// Makes something of each item on threads of their own and takes it on this one, in the order of the items. As a rule little is
/// made ahead, so that memory is used again.
fn in_order<I: Copy + Sync, T: Send>(
    items: &[I],
    make: impl Fn(usize, I) -> Result<T, ParquetError> + Sync,
    mut take: impl FnMut(T) -> Result<(), ParquetError>,
) -> io::Result<()> {
    let n_threads = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_ENCODERS).min(items.len());
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let (send, made) = sync_channel(1);
        let mut threads = Vec::with_capacity(n_threads);
        for _ in 0..n_threads {
            let send = send.clone();
            let (next, make) = (&next, &make);
            threads.push(scope.spawn(move || {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(at) else { break };
                    // Nobody listens any more when something was wrong before.
                    if send.send((at, make(at, *item))).is_err() {
                        break;
                    }
                }
            }));
        }
        drop(send);
        let mut waiting = BTreeMap::new();
        let mut done = 0;
        let take_all = || {
            for (at, one) in made {
                waiting.insert(at, one?);
                while let Some(one) = waiting.remove(&done) {
                    take(one)?;
                    done += 1;
                }
            }
            Ok(())
        };
        let taken: Result<(), ParquetError> = take_all();
        let lost = threads.into_iter().map(|thread| thread.join().is_err()).fold(false, |lost, own| lost | own);
        taken?;
        if lost { Err(io::Error::other("a thread that encoded rows ended early")) } else { Ok(()) }
    })
}

/// The columns of some products.
fn arrays(products: &[ProductRow], countries: &CountryTable) -> Vec<ArrayRef> {
    let n_rows = products.iter().map(|product| product.flows.len()).sum();
    let mut codes = StringBuilder::with_capacity(n_rows, 6 * n_rows);
    let mut exporters = Vec::with_capacity(n_rows);
    let mut columns = [const { Vec::new() }; AMOUNTS];
    columns.iter_mut().for_each(|column| column.reserve_exact(n_rows));
    // Rows are long and columns many: each row is looked at once.
    for product in products {
        let code = product.product.to_string();
        for flow in &product.flows {
            codes.append_value(&code);
            exporters.push(i32::from(countries.country(flow.exporter).code.get()));
            for (column, amount) in columns.iter_mut().zip(kusds(flow)) {
                column.push(amount);
            }
        }
    }
    let mut arrays: Vec<ArrayRef> = vec![Arc::new(codes.finish()), Arc::new(Int32Array::from(exporters))];
    arrays.extend(columns.map(|column| Arc::new(Float64Array::from(column)) as ArrayRef));
    arrays
}

/// The six amounts as the doubles of the file.
pub(crate) fn kusds(flow: &FlowRow) -> [f64; AMOUNTS] {
    amounts(flow).map(kusd)
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)] // The nearest double is what the column holds.
fn kusd(amount: NanoUsd) -> f64 {
    // Short amounts are converted in one instruction.
    let short = amount.0 as i64;
    let nano = if i128::from(short) == amount.0 { short as f64 } else { long(amount) };
    nano / NANO_PER_KUSD as f64
}

#[cold]
#[allow(clippy::cast_precision_loss)]
fn long(amount: NanoUsd) -> f64 {
    amount.0 as f64
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
    use parquet::basic::ColumnOrder;

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
            write_parquet(&mut out, &sample::collection(), &sample::countries(), &sample::manifest()).unwrap();
            out
        };
        let first = bytes();
        assert_eq!(first, bytes());
        // `verify` writes the file again and compares bytes: whoever changes them raises `RULES` and lets folders of before be
        // verified by the rules of before.
        let hash = blake3::hash(&first).to_hex();
        assert_eq!((RULES, hash.as_str()), (2, "b6be7d3c141df6d1ea6e43ff3c02c93a8d810b9134ee0819f0d51e20dac01f9c"));
        assert_eq!(&first[..4], b"PAR1");
        assert!(first.windows(5).any(|window| window == b"1.2.3"));
        // Doubles too, or all of Polars 1 refuses the file.
        let metadata =
            parquet::file::metadata::ParquetMetaDataReader::new().parse_and_finish(&bytes::Bytes::from(first)).unwrap();
        let orders = metadata.file_metadata().column_orders().unwrap();
        let is_type_defined = |order: &ColumnOrder| matches!(order, ColumnOrder::TYPE_DEFINED_ORDER(_));
        assert!(orders.len() == COLUMNS.len() && orders.iter().all(is_type_defined), "{orders:?}");
    }
}
