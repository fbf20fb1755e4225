//! Damaged copies of every input that carries a checksum: refused, or the rows that were written. Never other rows, never a
//! panic. `REORIENT_DAMAGE_TRIES=1000000 cargo test --release -p reorient-data --test damage -- --ignored --nocapture` makes a
//! million of them, `REORIENT_DAMAGE_SEED` others. Parquet of other tools without checksums may give other rows, but never a
//! panic, and the same ones on any number of threads.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, missing_docs, clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::io::Write;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use arrow::array::{ArrayRef, Float64Array, Int32Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use reorient_core::CountryTable;
use reorient_data::{DataError, DataErrorKind, IngestOptions, TradeSource, TradeTable, ingest};
use reorient_testkit::{Numbers, damaged};

/// Of a file without checksums.
const ROUNDS: u64 = 1_000;
/// Of each format with checksums.
const TRIES: u64 = 3_000;
const NAME: &str = "BACI_HS92_Y2023_V202401b.csv";

/// Some hundred real rows in CEPII's native style; another `from` gives other rows.
fn text(from: usize) -> String {
    let source = TradeSource::embedded().unwrap();
    let table = source.read(source.years()[0], None).unwrap().table;
    let mut text = "\"t\",\"i\",\"j\",\"k\",\"v\",\"q\"\n".to_owned();
    let code = |index| source.countries().country(index).code;
    for (product, at) in table.products().iter().zip((0..).map(reorient_core::ProductIndex)).step_by(6) {
        let rows = table.rows(at);
        for row in (from..rows.values.len()).step_by(9) {
            let (exporter, importer) = (code(rows.exporters[row]), code(rows.importers[row]));
            text += &format!("2023,{exporter},{importer},{product},{},\"           NA\"\n", rows.values[row]);
        }
    }
    text
}

/// A folder of which one file is damaged.
struct Format {
    name: &'static str,
    /// Names with bytes; the first ones may be damaged.
    files: Vec<(String, Vec<u8>)>,
    /// Of the first ones: the same of other rows, and the bytes that a checksum covers.
    damageable: Vec<(Vec<u8>, Range<usize>)>,
}

type Rows = (TradeTable, CountryTable);

/// All rows with quantities, and the countries that they are of.
fn rows_of(folder: &Path) -> Result<Rows, DataError> {
    let source = TradeSource::open(folder)?;
    Ok((source.read_weighed(source.years()[0], None)?.table, source.countries().clone()))
}

impl Format {
    fn write(&self, folder: &Path) {
        for (name, bytes) in &self.files {
            std::fs::write(folder.join(name), bytes).unwrap();
        }
    }

    /// One try: `refused`, `as written`, or what must never be.
    fn attempt(&self, folder: &Path, seed: u64, expected: &Rows) -> &'static str {
        let mut random = Numbers(seed);
        let at = random.below(self.damageable.len());
        let ((name, good), (other, covered)) = (&self.files[at], &self.damageable[at]);
        let part = damaged(&good[covered.clone()], other.get(covered.clone()).unwrap_or_default(), &mut random);
        let bytes = [&good[..covered.start], &part, &good[covered.end..]].concat();
        // What is a good file of other rows is no damaged one.
        if bytes == *good || bytes == *other {
            return "not damaged";
        }
        let path = folder.join(name);
        std::fs::write(&path, &bytes).unwrap();
        let read = catch_unwind(AssertUnwindSafe(|| rows_of(folder)));
        std::fs::write(&path, good).unwrap();
        match read {
            Err(_) => "PANIC",
            Ok(Ok(rows)) => {
                if rows == *expected {
                    "as written"
                } else {
                    "BELIEVED"
                }
            }
            Ok(Err(error)) => match error.kind() {
                DataErrorKind::BadData | DataErrorKind::Missing => "refused",
                _ => "ANOTHER ERROR",
            },
        }
    }

    /// Many tries, on all cores; what came of them.
    fn attempts(&self, seed: u64, tries: u64) -> BTreeMap<&'static str, u64> {
        let counts: Mutex<BTreeMap<&'static str, u64>> = Mutex::default();
        let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
        std::thread::scope(|scope| {
            for worker in 0..threads {
                let counts = &counts;
                scope.spawn(move || {
                    // A pool of its own, so that nothing else is read in between.
                    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
                    let folder = tempfile::tempdir().unwrap();
                    self.write(folder.path());
                    pool.install(|| {
                        let expected = rows_of(folder.path()).unwrap();
                        for round in (worker..tries).step_by(usize::try_from(threads).unwrap()) {
                            let own = (seed ^ round).wrapping_mul(0x5851_f42d_4c95_7f2d);
                            let outcome = self.attempt(folder.path(), own, &expected);
                            *counts.lock().unwrap().entry(outcome).or_default() += 1;
                            let is_good = ["refused", "as written", "not damaged"].contains(&outcome);
                            assert!(is_good, "{}: {outcome} in round {round} of seed {seed}", self.name);
                        }
                    });
                });
            }
        });
        counts.into_inner().unwrap()
    }
}

/// CEPII's tables with few lines, so that a try takes little time.
fn tables() -> [(String, Vec<u8>); 2] {
    let source = TradeSource::embedded().unwrap();
    let mut countries = "country_code,country_name,country_iso2,country_iso3\n".to_owned();
    for (_, country) in source.countries().iter() {
        let iso2 = country.iso2.as_deref().unwrap_or("NA");
        countries += &format!("{},Country {},{iso2},{}\n", country.code, country.code, country.iso3);
    }
    let products = "code,description\n270900,Oil\n".to_owned();
    [("country_codes_V202401b.csv".to_owned(), countries.into()), ("product_codes_HS92_V202401b.csv".to_owned(), products.into())]
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn zstandard(text: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn zipped(files: &[(String, Vec<u8>)], method: zip::CompressionMethod) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        archive.start_file(name.as_str(), zip::write::SimpleFileOptions::default().compression_method(method)).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// The files of an ingested folder, the Parquet first.
fn ingested(text: &str) -> Vec<(String, Vec<u8>)> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(NAME), text).unwrap();
    for (name, bytes) in tables() {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let out = folder.path().join("ingested");
    let manifest = ingest(&[folder.path().to_owned()], &out, &IngestOptions::default(), &mut |_| {}).unwrap();
    let names = [manifest.years[0].file.as_str(), "country_codes.csv", "product_codes.csv", "manifest.json", "ledger.csv"];
    names.map(|name| (name.to_owned(), std::fs::read(out.join(name)).unwrap())).to_vec()
}

fn formats() -> Vec<Format> {
    let [text, other] = [0, 4].map(text);
    let one = |name, file: &str, [good, other]: [Vec<u8>; 2], covered: Option<Range<usize>>| {
        let covered = covered.unwrap_or(0..good.len());
        let files = std::iter::once((file.to_owned(), good)).chain(tables()).collect();
        Format { name, files, damageable: vec![(other, covered)] }
    };
    let archive = |method| {
        [&text, &other].map(|text| {
            let rows = [(NAME.to_owned(), text.clone().into_bytes())];
            zipped(&[&rows[..], &tables()[..]].concat(), method)
        })
    };
    let alone = |name, file: &str, [good, other]: [Vec<u8>; 2]| {
        let covered = 0..good.len();
        Format { name, files: vec![(file.to_owned(), good)], damageable: vec![(other, covered)] }
    };
    let [ours, ours_of_others] = [&text, &other].map(|text| ingested(text));
    // Its tables must be beside it, as its footer says; without the manifest.
    let damageable_of_ours = (ours_of_others[0].1.clone(), 0..ours[0].1.len());
    let damageable = ours.iter().zip(&ours_of_others).map(|(own, other)| (other.1.clone(), 0..own.1.len())).collect();
    // Pages have checksums, the footer has none.
    let page_crc = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/page_crc.parquet")).unwrap();
    let footer = u32::from_le_bytes(page_crc[page_crc.len() - 8..page_crc.len() - 4].try_into().unwrap());
    let pages = 4..page_crc.len() - 8 - usize::try_from(footer).unwrap();
    vec![
        Format { name: "Parquet of ours", files: ours[..3].to_vec(), damageable: vec![damageable_of_ours] },
        Format { name: "ingested folder", files: ours, damageable },
        alone("zip, deflated", "BACI_HS92_V202401b.zip", archive(zip::CompressionMethod::Deflated)),
        alone("zip, stored", "BACI_HS92_V202401b.zip", archive(zip::CompressionMethod::Stored)),
        one("gzip", &format!("{NAME}.gz"), [&text, &other].map(|text| gzip(text.as_bytes())), None),
        one("Zstandard", &format!("{NAME}.zst"), [&text, &other].map(|text| zstandard(text.as_bytes())), None),
        one("Parquet with page CRCs", "BACI_HS92_Y2023_synthetic.parquet", [page_crc.clone(), page_crc], Some(pages)),
    ]
}

/// Says how many of each; contained panics of libraries are counted too.
fn all_formats(seed: u64, tries: u64) {
    let contained = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&contained);
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        // Those of this test are no panics of a library.
        if panic.location().is_some_and(|place| place.file().ends_with("damage.rs")) {
            println!("{panic}");
        } else {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }));
    let started = Instant::now();
    let formats = formats();
    for format in &formats {
        let began = Instant::now();
        let counts = format.attempts(seed, tries.div_ceil(formats.len() as u64));
        println!("{}: {counts:?}, {} s", format.name, began.elapsed().as_secs());
        let refused = counts.get("refused").copied().unwrap_or_default();
        assert!(refused * 2 > tries / formats.len() as u64, "{}: {counts:?}", format.name);
    }
    std::panic::set_hook(hook);
    let contained = contained.load(Ordering::Relaxed);
    println!(
        "{tries} tries in {} s, seed {seed}; panics of libraries that were contained: {contained}",
        started.elapsed().as_secs()
    );
}

#[test]
fn damage_is_refused_or_changes_no_row() {
    all_formats(1, TRIES * 7);
}

/// As many as `REORIENT_DAMAGE_TRIES` says, a million by default.
#[test]
#[ignore = "takes minutes, and a release build"]
fn a_million_damaged_inputs() {
    let number = |name: &str, default| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    all_formats(number("REORIENT_DAMAGE_SEED", 1), number("REORIENT_DAMAGE_TRIES", 1_000_000));
}

/// The rows of the text as Polars writes them, in small row groups.
fn foreign(path: &Path) {
    let text = text(0);
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
    for round in 0..ROUNDS {
        let copy = damaged(&bytes, &bytes, &mut Numbers(round));
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
    assert!(refused > ROUNDS / 4);
}
