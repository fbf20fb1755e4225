//! Reading and storing a year: ingest, the whole year, the list, and for the ratio the library's decoding of the same pages
//! without hashes, checks or a table. Every bench checks its answer once before it is timed.
//!
//! The rows are made up; `REORIENT_BENCH_ROWS` sets their number, 1,000,000 by default.
#![allow(clippy::unwrap_used, missing_docs, clippy::disallowed_methods)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use arrow::array::AsArray;
use arrow::datatypes::Decimal128Type;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection, RowSelector,
};
use parquet::file::metadata::PageIndexPolicy;
use reorient_core::{HsRevision, ProductCode, Year};
use reorient_data::{IngestOptions, MapRule, TradeSource, TradeTable, embedded_goods_list, ingest, map_list};
use reorient_folder::Target;
use reorient_synth::{Request, generate, sort_as_cepii, write_rows};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Writes a made-up year as CEPII does.
fn made_up(folder: &Path, rows: u64, wanted: &BTreeSet<ProductCode>) -> PathBuf {
    let source = TradeSource::embedded().unwrap();
    let none = (BTreeMap::new(), BTreeSet::new());
    let request = Request { rows, seed: 1, countries: source.countries(), wanted, marginals: &none.0, replaced: &none.1 };
    let (mut rows, _) = generate(&request).unwrap();
    sort_as_cepii(&mut rows);
    let path = folder.join("BACI_HS22_Y2024_V202601_synthetic.csv");
    let mut out = BufWriter::new(File::create(&path).unwrap());
    write_rows(&rows, Year::new(2024).unwrap(), &mut out).unwrap();
    out.flush().unwrap();
    path
}

/// Stretches of rows that are read, and that are not.
fn selection(all: &TradeTable, list: Option<&BTreeSet<ProductCode>>) -> RowSelection {
    let stretch = |(product, rows): (ProductCode, reorient_data::ProductRows<'_>)| match list {
        Some(list) if !list.contains(&product) => RowSelector::skip(rows.values.len()),
        _ => RowSelector::select(rows.values.len()),
    };
    all.iter().map(stretch).collect::<Vec<_>>().into()
}

/// Exporter, importer and value by the library alone, on one thread; gives the number of rows and the sum of values.
fn bare(path: &Path, selection: &RowSelection) -> (usize, i128) {
    let file = File::open(path).unwrap();
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
    let metadata = ArrowReaderMetadata::load(&file, options).unwrap();
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata);
    let columns = ProjectionMask::leaves(builder.parquet_schema(), [1, 2, 3]);
    let reader = builder.with_projection(columns).with_batch_size(1 << 16).with_row_selection(selection.clone()).build().unwrap();
    reader.map(Result::unwrap).fold((0, 0), |(rows, sum), batch| {
        let values = batch.column(2).as_primitive::<Decimal128Type>();
        (rows + batch.num_rows(), sum + values.values().iter().sum::<i128>())
    })
}

fn sum(table: &TradeTable) -> (usize, i128) {
    let values = table.iter().flat_map(|(_, rows)| rows.values);
    (table.n_rows(), values.map(|value| i128::from(value.get())).sum())
}

fn data(criterion: &mut Criterion) {
    let n_rows: u64 = std::env::var("REORIENT_BENCH_ROWS").map_or(1_000_000, |rows| rows.parse().unwrap());
    let list = map_list(&embedded_goods_list().unwrap(), HsRevision::Hs22, MapRule::All).unwrap().list;
    let list: BTreeSet<ProductCode> = list.goods.keys().copied().collect();
    let root = tempfile::tempdir().unwrap();
    let csv = made_up(root.path(), n_rows, &list);
    let out = root.path().join("ingested");
    let (options, target) = (IngestOptions::default(), Target::new(&out).force(true));
    let manifest = ingest(std::slice::from_ref(&csv), &target, &options, &mut |_| {}).unwrap();
    assert_eq!((manifest.rows_in, manifest.rows_used), (n_rows, n_rows));
    let parquet = out.join(&manifest.years[0].file);
    let source = TradeSource::open(&out).unwrap();
    let year = source.years()[0];
    let whole = source.read(year, None).unwrap().table;
    let some = source.read(year, Some(&list)).unwrap().table;
    assert_eq!(sum(&whole).0 as u64, n_rows);
    assert!(sum(&some).0 < sum(&whole).0);
    let (every, chosen) = (selection(&whole, None), selection(&whole, Some(&list)));
    assert_eq!((bare(&parquet, &every), bare(&parquet, &chosen)), (sum(&whole), sum(&some)));
    let from_csv = || {
        let source = TradeSource::open(&csv).unwrap();
        source.products_before(year, Some(&list), false).unwrap();
        source.read(year, Some(&list)).unwrap().table
    };
    assert!(from_csv() == some);

    let mut group = criterion.benchmark_group("data");
    group.sample_size(10);
    group.throughput(Throughput::Elements(n_rows));
    group.bench_function("ingest from CSV", |bench| {
        bench.iter(|| ingest(std::slice::from_ref(&csv), &target, &options, &mut |_| {}).unwrap());
    });
    group.bench_function("list from CSV", |bench| bench.iter(from_csv));
    group.bench_function("whole year", |bench| bench.iter(|| source.read(year, None).unwrap()));
    group.bench_function("whole year, bare decoding on one thread", |bench| bench.iter(|| bare(&parquet, &every)));
    group.throughput(Throughput::Elements(some.n_rows() as u64));
    group.bench_function("list", |bench| bench.iter(|| source.read(year, Some(&list)).unwrap()));
    group.bench_function("list, bare decoding on one thread", |bench| bench.iter(|| bare(&parquet, &chosen)));
    group.bench_function("products", |bench| bench.iter(|| source.products(year).unwrap()));
    group.finish();
}

criterion_group!(benches, data);
criterion_main!(benches);
