//! Result tables as Arrow, with the names and columns of the files.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field as ArrowField, Schema};
use arrow::error::ArrowError;
use reorient_core::{CountryTable, GoodsList};
use reorient_metrics::{Calibration, Collection, CriticalCap, IndicatorRow, PersistenceRow};
use reorient_model::Frontier;

use crate::csv::{self, Field, Sheet};
use crate::folder::{COVERAGE, CoverageLine};
use crate::{calibration, curve, flows, indicators};

/// How amounts of money stand in Arrow tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Amounts {
    /// The nearest double of the exact decimal of the file.
    #[default]
    Nearest,
    /// A decimal of 38 digits, six of them after the point: as exact as the file.
    Exact,
}

/// Digits of exact amounts, and how many of them are decimals.
pub(crate) const EXACT: (u8, i8) = (38, 6);

/// A table with the name of its file, without the ending.
#[derive(Debug, Clone, PartialEq)]
pub struct ArrowTable {
    /// Such as `table_a1`.
    pub name: &'static str,
    /// All rows.
    pub batch: RecordBatch,
}

fn table(name: &'static str, batch: Result<RecordBatch, ArrowError>) -> Result<ArrowTable, ArrowError> {
    batch.map(|batch| ArrowTable { name, batch })
}

/// Table A.1, shares, products, flows and the coverage of the list: the files of a run.
///
/// # Errors
/// [`ArrowError`] when an amount has more digits than a decimal holds.
pub fn run_tables(
    collection: &Collection,
    countries: &CountryTable,
    coverage: &[CoverageLine],
    amounts: Amounts,
) -> Result<Vec<ArrowTable>, ArrowError> {
    let coverage = Sheet {
        columns: COVERAGE.to_vec(),
        rows: coverage.iter().map(|line| line.iter().map(|field| Field::Text(field.clone())).collect()).collect(),
    };
    Ok(vec![
        sheet("table_a1", &csv::table_a1(collection, countries), amounts)?,
        sheet("shares", &csv::shares(collection, countries), amounts)?,
        sheet("products", &csv::products(collection), amounts)?,
        table("flows", flows::batch(collection, countries, amounts))?,
        sheet("coverage", &coverage, amounts)?,
    ])
}

/// The curve and the critical caps of a frontier.
///
/// # Errors
/// As [`run_tables`].
pub fn frontier_tables(
    frontier: &Frontier,
    products: &[CriticalCap],
    countries: &CountryTable,
    amounts: Amounts,
) -> Result<Vec<ArrowTable>, ArrowError> {
    let (points, caps) = curve::batches(frontier, products, countries)?;
    Ok(vec![table("frontier", lowered(&points, amounts))?, table("critical_caps", lowered(&caps, amounts))?])
}

/// Indicators and how they last.
///
/// # Errors
/// As [`run_tables`].
pub fn indicator_tables(
    rows: &[IndicatorRow],
    persistence: &[PersistenceRow],
    countries: &CountryTable,
    amounts: Amounts,
) -> Result<Vec<ArrowTable>, ArrowError> {
    let (rows, persistence) = indicators::batches(rows, persistence, countries)?;
    Ok(vec![table("indicators", lowered(&rows, amounts))?, table("persistence", lowered(&persistence, amounts))?])
}

/// Sets of options, readings, published figures, and the list of the first set.
///
/// # Errors
/// As [`run_tables`].
pub fn calibration_tables(
    calibration: &Calibration,
    list: Option<&GoodsList>,
    countries: &CountryTable,
    amounts: Amounts,
) -> Result<Vec<ArrowTable>, ArrowError> {
    let [sets, readings, points] = calibration::batches(calibration, countries)?;
    let list = Sheet { columns: calibration::LIST.to_vec(), rows: calibration::list_rows(list) };
    Ok(vec![
        table("calibrate", lowered(&sets, amounts))?,
        table("calibrate_readings", lowered(&readings, amounts))?,
        table("calibrate_points", lowered(&points, amounts))?,
        sheet("calibrate_list", &list, amounts)?,
    ])
}

/// Decimals as doubles, where those are asked for.
fn lowered(batch: &RecordBatch, amounts: Amounts) -> Result<RecordBatch, ArrowError> {
    let to = match amounts {
        Amounts::Nearest => DataType::Float64,
        Amounts::Exact => DataType::Decimal128(EXACT.0, EXACT.1),
    };
    let mut fields = Vec::new();
    let mut columns = Vec::new();
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        let column = match (column.data_type(), amounts) {
            (DataType::Decimal128(_, scale), Amounts::Nearest) => nearest(column, *scale)?,
            (DataType::Decimal128(..), Amounts::Exact) => arrow::compute::cast(column, &to)?,
            _ => Arc::clone(column),
        };
        fields.push(ArrowField::new(field.name(), column.data_type().clone(), true));
        columns.push(column);
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}

/// The doubles nearest to decimals. Their texts are read, because a division of two doubles rounds twice.
fn nearest(column: &ArrayRef, scale: i8) -> Result<ArrayRef, ArrowError> {
    let decimals = column.as_any().downcast_ref::<Decimal128Array>();
    let decimals = decimals.ok_or_else(|| ArrowError::CastError("these are no decimals".to_owned()))?;
    let places = u32::from(scale.unsigned_abs());
    let unit = 10_i128.pow(places);
    let read = |number: Option<i128>| number.and_then(|number| crate::number::decimal(number, unit, places).parse::<f64>().ok());
    Ok(Arc::new(decimals.iter().map(read).collect::<Float64Array>()))
}

/// What a column of a sheet holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Whole,
    Real,
    Amount,
    Flag,
}

/// By the name of the column, so that a table without rows has the same types.
fn kind(table: &str, column: &str) -> Kind {
    match column {
        // Of countries a number, of products a text with its leading zeros.
        "code" if table == "table_a1" => Kind::Whole,
        "rank" | "rank_min" | "rank_max" | "n_listed" | "n_descendants" => Kind::Whole,
        "hhi_max_exact" | "reconstructed" => Kind::Flag,
        "level" | "name" | "origin" | "iso3" | "country" | "main_sector" | "product" | "description" | "sectors" | "stages"
        | "status" | "subsectors" | "also_holds" | "hs_revision" | "hs6" | "sector" | "subsector" | "stage" | "source"
        | "code" => Kind::Text,
        _ if column.ends_with("_kusd") || column.ends_with("_musd") || column.ends_with("_kusd_per_pp") => Kind::Amount,
        _ => Kind::Real,
    }
}

/// A sheet with typed columns. An empty field is a null.
fn sheet(table: &'static str, sheet: &Sheet, amounts: Amounts) -> Result<ArrowTable, ArrowError> {
    let mut fields = Vec::new();
    let mut columns: Vec<ArrayRef> = Vec::new();
    for (at, name) in sheet.columns.iter().enumerate() {
        let cells = || sheet.rows.iter().map(|row| row.get(at).map(Field::text).filter(|text| !text.is_empty()));
        let unlike = |text: &str| ArrowError::CastError(format!("column {name} holds `{text}`"));
        let column: ArrayRef = match kind(table, name) {
            Kind::Text => Arc::new(sheet.rows.iter().map(|row| row.get(at).map(Field::text)).collect::<StringArray>()),
            Kind::Whole => Arc::new(parsed::<i64>(cells(), unlike)?.into_iter().collect::<Int64Array>()),
            Kind::Real => Arc::new(parsed::<f64>(cells(), unlike)?.into_iter().collect::<Float64Array>()),
            Kind::Flag => Arc::new(cells().map(|cell| cell.map(|text| text == "yes")).collect::<BooleanArray>()),
            Kind::Amount if amounts == Amounts::Nearest => {
                Arc::new(parsed::<f64>(cells(), unlike)?.into_iter().collect::<Float64Array>())
            }
            Kind::Amount => {
                let exact = cells().map(|cell| cell.map(|text| exact(&text).ok_or_else(|| unlike(&text))).transpose());
                let decimals: Decimal128Array = exact.collect::<Result<Vec<_>, _>>()?.into_iter().collect();
                Arc::new(decimals.with_precision_and_scale(EXACT.0, EXACT.1)?)
            }
        };
        fields.push(ArrowField::new(*name, column.data_type().clone(), true));
        columns.push(column);
    }
    self::table(table, RecordBatch::try_new(Arc::new(Schema::new(fields)), columns))
}

fn parsed<'a, T: std::str::FromStr>(
    cells: impl Iterator<Item = Option<Cow<'a, str>>>,
    unlike: impl Fn(&str) -> ArrowError,
) -> Result<Vec<Option<T>>, ArrowError> {
    cells.map(|cell| cell.map(|text| text.parse().map_err(|_| unlike(&text))).transpose()).collect()
}

/// A decimal text of at most six decimals, in its last one.
fn exact(text: &str) -> Option<i128> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let missing = usize::from(EXACT.1.unsigned_abs()).checked_sub(decimals.len())?;
    format!("{whole}{decimals}{}", "0".repeat(missing)).parse().ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::array::AsArray;
    use arrow::datatypes::{Decimal128Type, Float64Type};

    use super::*;
    use crate::sample;

    fn tables(amounts: Amounts) -> Vec<ArrowTable> {
        let line = ["010121", "matched", "1", "1", "5.000", "7.000", ""].map(str::to_owned);
        run_tables(&sample::collection(), &sample::countries(), &[line], amounts).unwrap()
    }

    #[test]
    fn every_column_is_that_of_the_file() {
        for table in tables(Amounts::Nearest) {
            let sheet = match table.name {
                "table_a1" => csv::table_a1(&sample::collection(), &sample::countries()),
                "shares" => csv::shares(&sample::collection(), &sample::countries()),
                "products" => csv::products(&sample::collection()),
                _ => continue,
            };
            let schema = table.batch.schema();
            assert_eq!(schema.fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>(), sheet.columns);
            for (at, field) in schema.fields().iter().enumerate() {
                let is_text = field.data_type() == &DataType::Utf8;
                for row in &sheet.rows {
                    // A text that is no amount stays one, and nothing else becomes one.
                    let text = row[at].text();
                    assert!(is_text || text.is_empty() || text == "yes" || text == "no" || text.parse::<f64>().is_ok());
                }
            }
        }
    }

    #[test]
    fn amounts_are_the_nearest_doubles_or_exact() {
        let increase = |amounts| {
            let table = tables(amounts).remove(0);
            Arc::clone(table.batch.column_by_name("increase_musd").unwrap())
        };
        assert_eq!(increase(Amounts::Nearest).as_primitive::<Float64Type>().value(1).to_bits(), 66.666667_f64.to_bits());
        assert_eq!(increase(Amounts::Exact).as_primitive::<Decimal128Type>().value(1), 66_666_667);
        assert_eq!((exact("-1.5"), exact("7"), exact("0.0000001")), (Some(-1_500_000), Some(7_000_000), None));
    }

    #[test]
    fn codes_of_countries_are_numbers_and_codes_of_products_texts() {
        let tables = tables(Amounts::Nearest);
        let of = |name: &str, column: &str| {
            let table = tables.iter().find(|table| table.name == name).unwrap();
            table.batch.schema().field_with_name(column).unwrap().data_type().clone()
        };
        assert_eq!((of("table_a1", "code"), of("coverage", "code")), (DataType::Int64, DataType::Utf8));
        assert_eq!((of("products", "product"), of("flows", "exporter")), (DataType::Utf8, DataType::Int32));
        assert_eq!((of("products", "hhi_max_exact"), of("products", "risk_after_kusd")), (DataType::Boolean, DataType::Float64));
    }
}
