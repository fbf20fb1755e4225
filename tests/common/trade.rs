//! The real rows of the sample in every dress that CEPII and other tools give them.
#![allow(clippy::unwrap_used, dead_code, unreachable_pub, clippy::disallowed_methods)]

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int16Array, Int64Array, RecordBatch, StringArray};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::RowAccessor;
use zip::write::SimpleFileOptions;

/// The year of the sample as a file of its own, which the program does not take for the sample.
pub const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/baci/BACI_HS92_Y2023_raw-materials.parquet");
const COUNTRIES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/codes/country_codes_V202401b.csv");
const PRODUCTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/codes/product_codes_HS92_V202401b.csv");

/// One row; amounts as CEPII prints them, a missing quantity empty.
#[derive(Clone)]
pub struct Row {
    pub year: u16,
    pub exporter: i64,
    pub importer: i64,
    pub product: String,
    pub value: String,
    pub quantity: String,
}

/// The rows of the sample in the order of CEPII's files: exporter, importer, product.
pub fn rows() -> Vec<Row> {
    let file = SerializedFileReader::new(File::open(SAMPLE).unwrap()).unwrap();
    let decimal = |thousandths: i64| format!("{}.{:03}", thousandths / 1000, thousandths % 1000);
    let mut rows: Vec<Row> = Vec::new();
    for row in file.get_row_iter(None).unwrap() {
        let row = row.unwrap();
        let amount = |column: usize| {
            let amount = row.get_decimal(column).ok()?;
            let bytes: [u8; 8] = amount.data().try_into().unwrap();
            Some(decimal(i64::from_be_bytes(bytes)))
        };
        rows.push(Row {
            year: 2023,
            exporter: row.get_int(1).unwrap().into(),
            importer: row.get_int(2).unwrap().into(),
            product: row.get_string(0).unwrap().clone(),
            value: amount(3).unwrap(),
            quantity: amount(4).unwrap_or_default(),
        });
    }
    rows.sort_by(|left, right| {
        (left.exporter, left.importer, &left.product).cmp(&(right.exporter, right.importer, &right.product))
    });
    rows
}

/// The same rows in another order, the same each time.
pub fn shuffled(rows: &[Row]) -> Vec<Row> {
    let mut rows = rows.to_vec();
    let mut state: u64 = 0x5eed;
    for at in (1..rows.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        rows.swap(at, usize::try_from(state >> 33).unwrap() % (at + 1));
    }
    rows
}

/// As plain as can be.
pub fn plain(rows: &[Row]) -> String {
    let mut text = "t,i,j,k,v,q\n".to_owned();
    for row in rows {
        let Row { year, exporter, importer, product, value, quantity } = row;
        text += &format!("{year},{exporter},{importer},{product},{value},{quantity}\n");
    }
    text
}

/// As CEPII writes it: quoted header, padded quantities in quotes, `NA`.
pub fn native(rows: &[Row]) -> String {
    let mut text = "\"t\",\"i\",\"j\",\"k\",\"v\",\"q\"\n".to_owned();
    for row in rows {
        let Row { year, exporter, importer, product, value, quantity } = row;
        let quantity = if quantity.is_empty() { "NA" } else { quantity };
        text += &format!("{year},{exporter},{importer},{product},{value},\"{quantity:>13}\"\n");
    }
    text
}

/// As a spreadsheet leaves it: byte order mark, carriage returns, lost zeros, blank lines.
pub fn mangled(rows: &[Row]) -> String {
    let mut text = "\u{feff}t,i,j,k,v,q\r\n\r\n".to_owned();
    for row in rows {
        let Row { year, exporter, importer, product, value, quantity } = row;
        let product = product.trim_start_matches('0');
        text += &format!("{year}, {exporter} ,{importer},{product},  {value},{quantity}\r\n");
    }
    text + "\r\n"
}

/// CEPII's zip: one CSV a year, both code tables and a readme.
pub fn zip(path: &Path, years: &[(&str, String)]) {
    let mut archive = zip::ZipWriter::new(File::create(path).unwrap());
    let options = SimpleFileOptions::default();
    for (name, text) in years {
        archive.start_file(*name, options).unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    for (name, file) in [("country_codes_V202401b.csv", COUNTRIES), ("product_codes_HS92_V202401b.csv", PRODUCTS)] {
        archive.start_file(name, options).unwrap();
        archive.write_all(&std::fs::read(file).unwrap()).unwrap();
    }
    archive.start_file("Readme.txt", options).unwrap();
    archive.write_all(b"BACI, HS 1992").unwrap();
    archive.finish().unwrap();
}

pub fn gzip(path: &Path, text: &str) {
    let mut encoder = flate2::write::GzEncoder::new(File::create(path).unwrap(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap();
}

pub fn zstandard(path: &Path, text: &str) {
    std::fs::write(path, zstd::encode_all(text.as_bytes(), 1).unwrap()).unwrap();
}

/// Parquet as pandas writes it: numbers, and codes as texts or as numbers that lost their zeros.
pub fn foreign_parquet(path: &Path, rows: &[Row], texts: bool) {
    let whole = |pick: fn(&Row) -> i64| Arc::new(rows.iter().map(pick).collect::<Int64Array>()) as ArrayRef;
    let text = |pick: fn(&Row) -> &str| Arc::new(StringArray::from_iter_values(rows.iter().map(pick))) as ArrayRef;
    let number = |text: &str| text.parse::<f64>().ok();
    let batch = if texts {
        RecordBatch::try_from_iter([
            ("year", Arc::new(rows.iter().map(|row| i16::try_from(row.year).unwrap()).collect::<Int16Array>()) as ArrayRef),
            ("exporter", whole(|row| row.exporter)),
            ("importer", whole(|row| row.importer)),
            ("product", text(|row| &row.product)),
            ("value_kusd", text(|row| &row.value)),
            ("quantity_tons", text(|row| &row.quantity)),
        ])
    } else {
        RecordBatch::try_from_iter_with_nullable([
            ("t", whole(|row| row.year.into()), false),
            ("i", whole(|row| row.exporter), false),
            ("j", whole(|row| row.importer), false),
            ("k", whole(|row| row.product.parse().unwrap()), false),
            ("v", Arc::new(rows.iter().map(|row| number(&row.value)).collect::<Float64Array>()) as ArrayRef, true),
            ("q", Arc::new(rows.iter().map(|row| number(&row.quantity)).collect::<Float64Array>()) as ArrayRef, true),
        ])
    };
    let batch = batch.unwrap();
    let mut writer = parquet::arrow::ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

/// All files of a folder with one ending, ascending.
pub fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.to_string_lossy().ends_with(ending));
    files.sort();
    files
}
