//! Forty thousand damaged copies, half of them of an ingested Parquet and half of a zip as CEPII ships it: an error, or the
//! rows that were written. Never other rows, never a panic. Parquet of other tools holds no hashes, so other rows can come of
//! it, but never a panic, and the same ones on any number of threads.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, missing_docs, clippy::disallowed_methods)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{ArrayRef, Float64Array, Int32Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use rayon::prelude::*;
use reorient_data::{DataErrorKind, IngestOptions, TradeSource, TradeTable, ingest};

const ROUNDS: u64 = 20_000;
const NAME: &str = "BACI_HS92_Y2023_V202401b.csv";

/// A small generator with a fixed seed (splitmix64), so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) >> 1).unwrap() % limit.max(1)
    }
}

/// Some hundred real rows in CEPII's native style.
fn text() -> String {
    let source = TradeSource::embedded().unwrap();
    let table = source.read(source.years()[0], None).unwrap().table;
    let mut text = "\"t\",\"i\",\"j\",\"k\",\"v\",\"q\"\n".to_owned();
    let code = |index| source.countries().country(index).code;
    for (product, at) in table.products().iter().zip((0..).map(reorient_core::ProductIndex)).step_by(6) {
        let rows = table.rows(at);
        for row in (0..rows.values.len()).step_by(9) {
            let (exporter, importer) = (code(rows.exporters[row]), code(rows.importers[row]));
            text += &format!("2023,{exporter},{importer},{product},{},\"           NA\"\n", rows.values[row]);
        }
    }
    text
}

fn damaged(good: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = good.to_vec();
    // A half of the hits go to the end, where the directory or the footer is.
    let place = |random: &mut Random| match random.below(2) {
        0 => random.below(good.len()),
        _ => good.len() - 1 - random.below(good.len().min(4096)),
    };
    for _ in 0..=random.below(2) {
        let at = place(random).min(bytes.len().saturating_sub(1));
        let length = random.below(64).min(bytes.len() - at);
        match random.below(7) {
            0 | 1 => bytes[at] ^= 1 << random.below(8),
            2 => bytes[at] = u8::try_from(random.below(256)).unwrap(),
            3 => bytes[at..at + length].fill(0),
            4 => bytes.truncate(at.max(1)),
            5 => drop(bytes.drain(at..at + length)),
            _ => {
                let block = bytes[at..at + length].to_vec();
                let to = random.below(bytes.len() - length);
                bytes[to..to + length].copy_from_slice(&block);
            }
        }
    }
    bytes
}

fn check(good: &Path, expected: &TradeTable) {
    let bytes = std::fs::read(good).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (refused, unharmed) = (AtomicU64::new(0), AtomicU64::new(0));
    (0..ROUNDS).into_par_iter().for_each(|round| {
        let mut random = Random(round.wrapping_mul(0x5851_f42d_4c95_7f2d));
        let copy = damaged(&bytes, &mut random);
        let path = folder.path().join(format!("{}-{}", round, good.file_name().unwrap().to_string_lossy()));
        std::fs::write(&path, &copy).unwrap();
        match TradeSource::open(&path).and_then(|source| source.read(source.years()[0], None)) {
            Ok(trade) => {
                assert!(trade.table == *expected, "round {round}: other rows were accepted");
                unharmed.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => {
                assert!(matches!(error.kind(), DataErrorKind::BadData | DataErrorKind::Missing), "round {round}: {error:?}");
                refused.fetch_add(1, Ordering::Relaxed);
            }
        }
        std::fs::remove_file(path).unwrap();
    });
    let (refused, unharmed) = (refused.into_inner(), unharmed.into_inner());
    println!("{}: {refused} refused, {unharmed} read as they were written", good.display());
    assert!(refused > ROUNDS / 2);
}

fn csv(folder: &Path) -> (PathBuf, TradeTable) {
    let path = folder.join(NAME);
    std::fs::write(&path, text()).unwrap();
    let source = TradeSource::open(&path).unwrap();
    let table = source.read(source.years()[0], None).unwrap().table;
    (path, table)
}

#[test]
fn a_damaged_parquet_never_gives_other_rows() {
    let folder = tempfile::tempdir().unwrap();
    let (path, table) = csv(folder.path());
    let out = folder.path().join("ingested");
    let manifest = ingest(&[path], &out, &IngestOptions::default(), &mut |_| {}).unwrap();
    let alone = folder.path().join(&manifest.years[0].file);
    std::fs::rename(out.join(&manifest.years[0].file), &alone).unwrap();
    check(&alone, &table);
}

#[test]
fn a_damaged_zip_never_gives_other_rows() {
    let folder = tempfile::tempdir().unwrap();
    let (csv, table) = csv(folder.path());
    let path = folder.path().join("BACI_HS92_V202401b.zip");
    let mut archive = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
    archive.start_file(NAME, zip::write::SimpleFileOptions::default()).unwrap();
    archive.write_all(&std::fs::read(csv).unwrap()).unwrap();
    archive.finish().unwrap();
    check(&path, &table);
}

/// The rows of the text as Polars writes them, in small row groups.
fn foreign(path: &Path) {
    let text = text();
    let rows: Vec<Vec<&str>> = text.lines().skip(1).map(|line| line.split(',').collect()).collect();
    let whole = |column: usize| rows.iter().map(|row| row[column].parse::<i32>().unwrap()).collect::<Int32Array>();
    let columns: [(&str, ArrayRef); 6] = [
        ("t", Arc::new(whole(0))),
        ("i", Arc::new(whole(1))),
        ("j", Arc::new(whole(2))),
        ("k", Arc::new(rows.iter().map(|row| Some(row[3])).collect::<StringArray>())),
        ("v", Arc::new(rows.iter().map(|row| row[4].parse::<f64>().unwrap()).collect::<Float64Array>())),
        ("q", Arc::new(Float64Array::from(vec![None; rows.len()]))),
    ];
    let batch = RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap();
    let zstd = Compression::ZSTD(ZstdLevel::try_new(1).unwrap());
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(100)).set_compression(zstd).build();
    let mut writer = ArrowWriter::try_new(std::fs::File::create(path).unwrap(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

#[test]
fn a_damaged_foreign_parquet_is_the_same_on_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let good = folder.path().join("good.parquet");
    foreign(&good);
    let bytes = std::fs::read(good).unwrap();
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let pools = [pool(1), pool(4)];
    let mut refused = 0;
    for round in 0..ROUNDS / 20 {
        let copy = damaged(&bytes, &mut Random(round));
        let path = folder.path().join("BACI_HS92_Y2023_V202401b.parquet");
        std::fs::write(&path, copy).unwrap();
        let read = || TradeSource::open(&path).and_then(|source| source.read(source.years()[0], None));
        let [one, four] = pools.each_ref().map(|pool| pool.install(read));
        match (one, four) {
            (Ok(one), Ok(four)) => assert!(one.table == four.table, "round {round}"),
            (Err(one), Err(four)) => {
                assert!(matches!(one.kind(), DataErrorKind::BadData | DataErrorKind::Missing), "round {round}: {one:?}");
                assert_eq!(one.to_string(), four.to_string(), "round {round}");
                refused += 1;
            }
            _ => panic!("round {round}: an error on some threads alone"),
        }
    }
    assert!(refused > ROUNDS / 80);
}
