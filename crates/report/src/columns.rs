//! A table described once, column by column, and written as CSV, JSON or Parquet.

use std::io::{self, Write};
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::error::ArrowError;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use reorient_core::{CountryTable, Usd, cell};
use reorient_model::NanoUsd;
use serde_json::{Map, Value};

use crate::column_orders::TypeDefinedOrders;
use crate::number::{NANO_PER_KUSD, decimal, musd, ratio};

/// How the value of a column is read off a row. A missing value is an empty field, `null`, or a null.
pub(crate) enum Pick<R> {
    /// Names and codes of products.
    Text(fn(&R, &CountryTable) -> Option<String>),
    /// Counts, years and codes of countries.
    Whole(fn(&R, &CountryTable) -> Option<i64>),
    /// Thousand USD with three decimals, exact: a text in JSON, a decimal in Parquet.
    Money(fn(&R) -> Option<Usd>),
    /// Thousand USD with six decimals, rounded half to even: a text in JSON, a decimal in Parquet.
    Amount(fn(&R) -> Option<NanoUsd>),
    /// Million USD with six decimals, rounded half to even: a text in JSON, a decimal in Parquet.
    Millions(fn(&R) -> Option<NanoUsd>),
    /// A double; in texts the fewest digits that read back as the same double.
    Real(fn(&R) -> Option<f64>),
    /// `yes` or `no` in CSV, a Boolean elsewhere.
    Flag(fn(&R) -> Option<bool>),
}

/// Name and source of a column.
pub(crate) type Column<R> = (&'static str, Pick<R>);

/// Digits of a decimal that fits 64 bits.
const DIGITS: u8 = 18;
/// Decimals of thousand USD.
const DECIMALS: i8 = 3;
/// Digits of a decimal of amounts, and its decimals of thousand USD.
const AMOUNT: (u8, i8) = (30, 6);
/// 1e-9 USD in the last decimal of an amount.
const NANO_PER_LAST: i128 = NANO_PER_KUSD / 1_000_000;
/// Rows per record batch.
const BATCH: usize = 8192;

/// With a header, fields quoted where needed, lines ended by `\n`.
pub(crate) fn write_csv<R>(out: impl Write, columns: &[Column<R>], rows: &[R], countries: &CountryTable) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(columns.iter().map(|(name, _)| *name))?;
    for row in rows {
        for (_, pick) in columns {
            writer.write_field(cell(&text(pick, row, countries).unwrap_or_default()).as_bytes())?;
        }
        writer.write_record(None::<&[u8]>)?;
    }
    writer.flush()
}

fn text<R>(pick: &Pick<R>, row: &R, countries: &CountryTable) -> Option<String> {
    match pick {
        Pick::Text(pick) => pick(row, countries),
        Pick::Whole(pick) => pick(row, countries).map(|whole| whole.to_string()),
        Pick::Money(pick) => pick(row).map(|amount| amount.to_string()),
        Pick::Amount(pick) => pick(row).map(|amount| decimal(amount.0, NANO_PER_KUSD, 6)),
        Pick::Millions(pick) => pick(row).map(musd),
        Pick::Real(pick) => pick(row).map(|real| real.to_string()),
        Pick::Flag(pick) => pick(row).map(|flag| if flag { "yes" } else { "no" }.to_owned()),
    }
}

/// One object per row.
pub(crate) fn json<R>(columns: &[Column<R>], rows: &[R], countries: &CountryTable) -> Value {
    let value = |pick: &Pick<R>, row: &R| match pick {
        Pick::Whole(pick) => Value::from(pick(row, countries)),
        Pick::Real(pick) => Value::from(pick(row)),
        Pick::Flag(pick) => Value::from(pick(row)),
        Pick::Text(_) | Pick::Money(_) | Pick::Amount(_) | Pick::Millions(_) => Value::from(text(pick, row, countries)),
    };
    let object = |row: &R| {
        let members = columns.iter().map(|(name, pick)| ((*name).to_owned(), value(pick, row)));
        Value::Object(members.collect::<Map<_, _>>())
    };
    Value::Array(rows.iter().map(object).collect())
}

/// `version` goes to the metadata; no clock, so equal rows give equal bytes.
pub(crate) fn write_parquet<R>(
    out: impl Write + Send,
    columns: &[Column<R>],
    rows: &[R],
    countries: &CountryTable,
    version: &str,
) -> io::Result<()> {
    let schema = schema(columns);
    let entry = |key: &str, value: &str| KeyValue::new(key.to_owned(), value.to_owned());
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_created_by("reorient".to_owned())
        .set_key_value_metadata(Some(vec![entry("reorient.version", version)]))
        .build();
    let out = TypeDefinedOrders::new(out, columns.len());
    let mut writer = ArrowWriter::try_new(out, Arc::clone(&schema), Some(properties))?;
    for rows in rows.chunks(BATCH) {
        let arrays: io::Result<Vec<ArrayRef>> = columns.iter().map(|(_, pick)| array(pick, rows, countries)).collect();
        writer.write(&RecordBatch::try_new(Arc::clone(&schema), arrays?).map_err(io::Error::other)?)?;
    }
    writer.into_inner()?.finish().map(drop)
}

fn schema<R>(columns: &[Column<R>]) -> Arc<Schema> {
    let fields = columns.iter().map(|(name, pick)| Field::new(*name, data_type(pick), true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// All rows as one batch, with the types of the Parquet file.
pub(crate) fn batch<R>(columns: &[Column<R>], rows: &[R], countries: &CountryTable) -> Result<RecordBatch, ArrowError> {
    let arrays: io::Result<Vec<ArrayRef>> = columns.iter().map(|(_, pick)| array(pick, rows, countries)).collect();
    RecordBatch::try_new(schema(columns), arrays?)
}

fn data_type<R>(pick: &Pick<R>) -> DataType {
    match pick {
        Pick::Text(_) => DataType::Utf8,
        Pick::Whole(_) => DataType::Int64,
        Pick::Money(_) => DataType::Decimal128(DIGITS, DECIMALS),
        Pick::Amount(_) | Pick::Millions(_) => DataType::Decimal128(AMOUNT.0, AMOUNT.1),
        Pick::Real(_) => DataType::Float64,
        Pick::Flag(_) => DataType::Boolean,
    }
}

fn array<R>(pick: &Pick<R>, rows: &[R], countries: &CountryTable) -> io::Result<ArrayRef> {
    Ok(match pick {
        Pick::Text(pick) => Arc::new(rows.iter().map(|row| pick(row, countries)).collect::<StringArray>()),
        Pick::Whole(pick) => Arc::new(rows.iter().map(|row| pick(row, countries)).collect::<Int64Array>()),
        Pick::Money(pick) => {
            let dollars = rows.iter().map(|row| pick(row).map(|amount| i128::from(amount.get())));
            let decimals = dollars.collect::<Decimal128Array>().with_precision_and_scale(DIGITS, DECIMALS);
            Arc::new(decimals.map_err(io::Error::other)?)
        }
        Pick::Amount(pick) => {
            Arc::new(decimals(rows.iter().map(|row| pick(row).map(|amount| ratio(amount.0, NANO_PER_LAST, 1))))?)
        }
        Pick::Millions(pick) => {
            Arc::new(decimals(rows.iter().map(|row| pick(row).map(|amount| ratio(amount.0, 1_000 * NANO_PER_LAST, 1))))?)
        }
        Pick::Real(pick) => Arc::new(rows.iter().map(pick).collect::<Float64Array>()),
        Pick::Flag(pick) => Arc::new(rows.iter().map(pick).collect::<BooleanArray>()),
    })
}

fn decimals(last: impl Iterator<Item = Option<i128>>) -> io::Result<Decimal128Array> {
    last.collect::<Decimal128Array>().with_precision_and_scale(AMOUNT.0, AMOUNT.1).map_err(io::Error::other)
}
