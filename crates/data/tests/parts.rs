//! A year in several files, and folders of years: the rows are those of the whole year in one file.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, clippy::disallowed_methods)]

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int32Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use reorient_core::{HsRevision, ProductCode};
use reorient_data::{
    DataError, DataErrorKind, IngestManifest, IngestOptions, InputRole, OnDuplicate, OpenOptions, RowPolicy, Trade, TradeSource,
    ingest,
};
use tempfile::TempDir;

const NAME: &str = "BACI_HS92_Y2023_V202401b";

/// Year, exporter, importer, product, dollars, kilograms.
type Flow = (i32, i32, i32, &'static str, i64, Option<i64>);

fn flows(year: i32) -> Vec<Flow> {
    let countries = [4, 8, 12, 156, 276, 528, 643, 842];
    let mut flows = Vec::new();
    for exporter in countries {
        for importer in countries.into_iter().filter(|importer| *importer != exporter) {
            for (at, product) in ["270900", "280530", "520100", "740311"].into_iter().enumerate() {
                let dollars = i64::from(exporter * 31 + importer * 7 + year) * (1 + at as i64);
                flows.push((year, exporter, importer, product, dollars, (dollars % 5 > 0).then_some(dollars * 3)));
            }
        }
    }
    flows
}

fn csv(flows: &[Flow], with_year: bool) -> String {
    let amount = |thousandths: i64| format!("{}.{:03}", thousandths / 1000, thousandths % 1000);
    let row = |flow: &Flow| {
        let year = if with_year { format!("{},", flow.0) } else { String::new() };
        format!("{year}{},{},{},{},{}\n", flow.1, flow.2, flow.3, amount(flow.4), flow.5.map_or_else(|| "NA".to_owned(), amount))
    };
    let header = if with_year { "t,i,j,k,v,q\n" } else { "i,j,k,v,q\n" };
    header.to_owned() + &flows.iter().map(row).collect::<String>()
}

fn parquet(path: &Path, flows: &[Flow], with_year: bool) {
    let columns: [(&str, ArrayRef); 6] = [
        ("t", Arc::new(Int32Array::from_iter_values(flows.iter().map(|flow| flow.0)))),
        ("i", Arc::new(Int32Array::from_iter_values(flows.iter().map(|flow| flow.1)))),
        ("j", Arc::new(Int32Array::from_iter_values(flows.iter().map(|flow| flow.2)))),
        ("k", Arc::new(StringArray::from_iter_values(flows.iter().map(|flow| flow.3)))),
        ("v", Arc::new(Float64Array::from_iter_values(flows.iter().map(|flow| flow.4 as f64 / 1000.0)))),
        ("q", Arc::new(Float64Array::from_iter(flows.iter().map(|flow| flow.5.map(|kilograms| kilograms as f64 / 1000.0))))),
    ];
    let columns = columns.into_iter().skip(usize::from(!with_year)).map(|(name, column)| (name, column, true));
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut writer = ArrowWriter::try_new(std::fs::File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn put(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn gzip(folder: &Path, name: &str, text: &str) {
    let mut encoder =
        flate2::write::GzEncoder::new(std::fs::File::create(folder.join(name)).unwrap(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap();
}

fn zip(folder: &Path, members: &[(&str, String)]) {
    let file = std::fs::File::create(folder.join("BACI_HS92_V202401b.zip")).unwrap();
    let mut writer = zip::ZipWriter::new(file);
    for (name, text) in members {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap();
}

fn ingested(path: &Path, out: &Path) -> Result<IngestManifest, DataError> {
    ingest(&[path.to_owned()], out, &IngestOptions::default(), &mut |_| {})
}

fn read(path: &Path, products: Option<&BTreeSet<ProductCode>>) -> Result<(TradeSource, Trade), DataError> {
    let source = TradeSource::open(path)?;
    let trade = source.read_weighed(source.years()[0], products)?;
    Ok((source, trade))
}

/// What a folder of files must equal: the year in one file.
struct Whole {
    _folder: TempDir,
    path: PathBuf,
    parquet: Vec<u8>,
}

fn whole(flows: &[Flow]) -> Whole {
    let folder = tempfile::tempdir().unwrap();
    let name = format!("{NAME}.csv");
    put(folder.path(), &name, &csv(flows, true));
    ingested(&folder.path().join(&name), &folder.path().join("out")).unwrap();
    let parquet = std::fs::read(folder.path().join("out").join(format!("{NAME}.parquet"))).unwrap();
    Whole { path: folder.path().join(name), parquet, _folder: folder }
}

/// Holds a folder against the year in one file: all rows, some products, the ingested file, one thread and many.
fn check(what: &str, path: &Path, whole: &Whole, parts: usize) {
    let oil = BTreeSet::from(["270900".parse().unwrap()]);
    for products in [None, Some(&oil)] {
        let (_, expected) = read(&whole.path, products).unwrap();
        for threads in [1, 4] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let (source, trade) = pool.install(|| read(path, products)).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!((source.revision(), source.years()[0].get()), (HsRevision::Hs92, 2023), "{what}");
            assert!(trade.table == expected.table, "{what}");
            let files: Vec<_> = trade.inputs.iter().filter(|input| input.role == InputRole::Trade).collect();
            assert_eq!((&trade.ledger, files.len()), (&expected.ledger, parts), "{what}");
            let names: BTreeSet<&str> = files.iter().map(|input| input.name.as_str()).collect();
            assert_eq!(names.len(), parts, "{what}: {names:?}");
        }
    }
    let out = tempfile::tempdir().unwrap();
    let manifest = ingested(path, &out.path().join("out")).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(manifest.sources.len(), parts, "{what}");
    assert!(std::fs::read(out.path().join("out").join(format!("{NAME}.parquet"))).unwrap() == whole.parquet, "{what}");
    reorient_data::verify_ingested(&out.path().join("out")).unwrap();
}

#[test]
fn parts_of_a_year_are_the_year() {
    let all = flows(2023);
    let whole = whole(&all);
    let half = all.len() / 2;
    let (first, second) = (csv(&all[..half], true), csv(&all[half..], true));
    let part = |number: usize, kind: &str| format!("{NAME}_part{number}.{kind}");
    let folder = |fill: &dyn Fn(&Path)| {
        let folder = tempfile::tempdir().unwrap();
        fill(folder.path());
        folder
    };
    // Every other row, so that no order of the parts is that of the year.
    let odd: Vec<Flow> = all.iter().copied().step_by(2).collect();
    let even: Vec<Flow> = all.iter().copied().skip(1).step_by(2).collect();
    let cases: [(&str, usize, TempDir); 8] = [
        (
            "in order",
            2,
            folder(&|at| {
                put(at, &part(1, "csv"), &first);
                put(at, &part(2, "csv"), &second);
            }),
        ),
        (
            "the second first",
            2,
            folder(&|at| {
                put(at, &part(1, "csv"), &second);
                put(at, &part(2, "csv"), &first);
            }),
        ),
        (
            "every other row",
            2,
            folder(&|at| {
                put(at, &part(1, "csv"), &csv(&odd, true));
                put(at, &part(2, "csv"), &csv(&even, true));
            }),
        ),
        (
            "gzip and Parquet",
            2,
            folder(&|at| {
                gzip(at, &part(1, "csv.gz"), &first);
                parquet(&at.join(part(2, "parquet")), &all[half..], true);
            }),
        ),
        (
            "a part with a header only",
            3,
            folder(&|at| {
                put(at, &part(1, "csv"), &first);
                put(at, &part(2, "csv"), "t,i,j,k,v,q\n");
                put(at, &part(3, "csv"), &second);
            }),
        ),
        (
            "an archive",
            1,
            folder(&|at| {
                zip(at, &[(&part(1, "csv"), first.clone()), (&part(2, "csv"), second.clone())]);
            }),
        ),
        (
            "an archive and a file",
            2,
            folder(&|at| {
                zip(at, &[(&part(1, "csv"), first.clone())]);
                put(at, &part(2, "csv"), &second);
            }),
        ),
        (
            "what systems leave beside files",
            2,
            folder(&|at| {
                put(at, &part(1, "csv"), &first);
                put(at, &part(2, "csv"), &second);
                for name in ["csv", "parquet", "zip"].map(|kind| part(1, kind)) {
                    put(at, &format!("._{name}"), "\u{0}\u{5}\u{16}\u{7}");
                }
                put(at, "._country_codes_V202401b.csv", "\u{0}\u{5}\u{16}\u{7}");
                put(at, ".DS_Store", "x");
                put(at, "_SUCCESS", "");
                put(at, "__MACOSX/BACI_HS92_Y2023_V202401b.csv", "x");
                put(at, "_temporary/2023/part-0.csv", "x");
            }),
        ),
    ];
    for (what, parts, folder) in &cases {
        check(what, folder.path(), &whole, *parts);
    }
}

#[test]
fn folders_of_years_are_read() {
    let all = flows(2023);
    let whole = whole(&all);
    let half = all.len() / 2;
    for with_year in [false, true] {
        for year in ["2023", "t=2023", "year=2023", "Y2023"] {
            let root = tempfile::tempdir().unwrap();
            let release = root.path().join("BACI_HS92_V202401b");
            parquet(&release.join(year).join("part-0.parquet"), &all[..half], with_year);
            put(&release.join(year), "part-1.csv", &csv(&all[half..], with_year));
            put(&release.join(year), "_SUCCESS", "");
            put(&release.join(year), ".part-1.csv.crc", "x");
            // The release, the folder above, and the year.
            for path in [release.clone(), root.path().to_owned(), release.join(year)] {
                check(&format!("{year} {with_year} {}", path.display()), &path, &whole, 2);
            }
            if with_year {
                continue;
            }
            // One file of it, named by the folders above.
            let (source, trade) = read(&release.join(year).join("part-0.parquet"), None).unwrap();
            assert_eq!((source.revision(), source.years()[0].get(), trade.table.n_rows()), (HsRevision::Hs92, 2023, half));
        }
    }

    // Several years, of which one may be chosen, and a release that only an option names.
    let root = tempfile::tempdir().unwrap();
    for year in [2022, 2023] {
        parquet(&root.path().join(format!("trade/{year}/part-0.parquet")), &flows(year), false);
    }
    let path = root.path().join("trade");
    let said = TradeSource::open(&path).unwrap_err().to_string();
    assert!(said.contains("2022/part-0.parquet") && said.contains("--hs"), "{said}");
    let options = OpenOptions { revision: Some(HsRevision::Hs92), value_unit: None };
    let source = TradeSource::open_with(&path, &options).unwrap();
    assert_eq!(source.years().iter().map(|year| year.get()).collect::<Vec<_>>(), [2022, 2023]);
    let trade = source.read(source.years()[1], None).unwrap();
    assert_eq!((trade.table.n_rows(), trade.inputs[0].name.as_str()), (all.len(), "2023/part-0.parquet"));
    let options = IngestOptions { revision: Some(HsRevision::Hs92), ..IngestOptions::default() };
    let manifest = ingest(&[path], &root.path().join("out"), &options, &mut |_| {}).unwrap();
    assert_eq!(
        manifest.years.iter().map(|year| (year.year, year.rows)).collect::<Vec<_>>(),
        [(2022, all.len() as u64), (2023, all.len() as u64)]
    );
}

#[test]
fn what_does_not_belong_together_is_named() {
    let all = flows(2023);
    let half = all.len() / 2;
    let root = tempfile::tempdir().unwrap();
    let mut number = 0;
    let mut refused = |files: &[(&str, String)], parts: &[&str]| {
        number += 1;
        let folder = root.path().join(format!("case{number}"));
        for (name, text) in files {
            put(&folder, name, text);
        }
        let by_run = read(&folder, Some(&BTreeSet::from(["999999".parse().unwrap()]))).map(drop).unwrap_err();
        let by_ingest = ingested(&folder, &root.path().join("out")).map(drop).unwrap_err();
        for error in [by_run, by_ingest] {
            let said = error.to_string();
            assert_eq!(error.kind(), DataErrorKind::BadData, "{said}");
            assert!(parts.iter().all(|part| said.contains(part)), "{said}");
            assert!(!said.contains("keep one of them") && !root.path().join("out").exists(), "{said}");
        }
    };
    let (part1, part2) = (format!("{NAME}_part1.csv"), format!("{NAME}_part2.csv"));
    let (first, second) = (csv(&all[..=half], true), csv(&all[half..], true));
    // One key in both, and a copy under another name.
    refused(&[(&part1, first.clone()), (&part2, second.clone())], &[&part1, &part2, "no other key", "product ", "exporter 276"]);
    let keys = format!("{} keys of this year do", all.len());
    refused(
        &[(&part1, csv(&all, true)), ("BACI_HS92_Y2023_V202401b (1).csv", csv(&all, true))],
        &["(1).csv", &part1, &keys, "a copy"],
    );
    // Other releases and revisions.
    let half = csv(&all[..half], true);
    refused(&[(&part1, half.clone()), ("BACI_HS92_Y2023_V202501_part2.csv", second.clone())], &["202401b", "202501"]);
    refused(&[(&part1, half.clone()), ("BACI_HS17_Y2023_V202401b_part2.csv", second)], &["HS92", "HS17"]);
    // Folders that say something else than the rows, or than the names in them.
    refused(
        &[("BACI_HS92_V202401b/2022/part-0.csv", half.clone())],
        &["2022/part-0.csv", "column `t`: `2023`", "the folder says 2022"],
    );
    refused(&[("2022/BACI_HS92_Y2023_V202401b.csv", half.clone())], &["year 2023", "its folder 2022"]);
    refused(&[("BACI_HS17_V202401b/BACI_HS92_Y2023_V202401b.csv", half.clone())], &["revision HS92", "its folder HS17"]);
    // A part without its header, as a file that was cut has.
    let headless = half.split_once('\n').unwrap().1.to_owned();
    refused(&[(&part1, csv(&all[..1], true)), (&part2, headless)], &[&part2, "put t,i,j,k,v,q above it"]);
    // Nothing but a header.
    refused(&[(&part1, "t,i,j,k,v,q\n".to_owned())], &["the file has no rows"]);

    let folder = root.path().join("deep");
    put(&folder, "notes/old/BACI_HS92_Y2023_V202401b.csv", &half);
    let error = TradeSource::open(&folder).unwrap_err();
    assert!(error.kind() == DataErrorKind::Missing && error.to_string().contains("notes/"), "{error}");
}

#[test]
fn rows_in_two_parts_are_added_up_where_that_is_asked_for() {
    let all = flows(2023);
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "in/BACI_HS92_Y2023_V202401b_part1.csv", &csv(&all, true));
    put(folder.path(), "in/BACI_HS92_Y2023_V202401b_part2.csv", &csv(&all[..10], true));
    let options = IngestOptions {
        policy: RowPolicy { on_duplicate: OnDuplicate::Sum, ..RowPolicy::default() },
        ..IngestOptions::default()
    };
    let manifest = ingest(&[folder.path().join("in")], &folder.path().join("out"), &options, &mut |_| {}).unwrap();
    assert_eq!(
        (manifest.rows_in, manifest.rows_used, manifest.unused["duplicate-key"]),
        (all.len() as u64 + 10, all.len() as u64, 10)
    );
}

#[test]
fn parts_of_many_years_are_ingested_together() {
    // As Spark writes a table: each part holds rows of each year.
    let all: Vec<Flow> = [2021, 2022, 2023].into_iter().flat_map(flows).collect();
    let root = tempfile::tempdir().unwrap();
    let release = root.path().join("BACI_HS92_V202401b");
    for (number, step) in [0, 1, 2].into_iter().enumerate() {
        let part: Vec<Flow> = all.iter().copied().skip(step).step_by(3).collect();
        parquet(&release.join(format!("part-0000{number}.snappy.parquet")), &part, true);
    }
    put(&release, "_SUCCESS", "");
    let out = root.path().join("out");
    let manifest = ingested(&release, &out).unwrap();
    assert_eq!((manifest.rows_used, manifest.years.len(), manifest.release.as_str()), (all.len() as u64, 3, "202401b"));
    let whole = whole(&flows(2023));
    assert!(std::fs::read(out.join(format!("{NAME}.parquet"))).unwrap() == whole.parquet);
    // A named year among them is no other year's, and joins.
    put(&release, "BACI_HS92_Y2020_V202401b.csv", &csv(&flows(2020), true));
    let manifest = ingested(&release, &root.path().join("more")).unwrap();
    assert_eq!(manifest.years.len(), 4);
}
