//! The Parquet store: round trip, damage, pruning, folders.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, missing_docs, clippy::disallowed_methods)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use reorient_core::{CountryCode, HsRevision, ProductCode, ProductIndex, Usd, Year};
use reorient_data::store::{YearInfo, write_year};
use reorient_data::{
    DataErrorKind, Fingerprint, IngestManifest, IngestOptions, InputRole, ProductRows, Row, TableSeal, Trade, TradeSource,
    TradeTable, ingest, verify_ingested,
};

const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/baci/BACI_HS92_Y2023_raw-materials.parquet");

fn info(year: u16) -> YearInfo {
    YearInfo {
        year: Year::new(year).unwrap(),
        revision: HsRevision::Hs92,
        release: "test".to_owned(),
        synthetic: true,
        attribution: "made up".to_owned(),
        unknown_codes: None,
        tables: Some(TableSeal::of_program(HsRevision::Hs92).unwrap()),
    }
}

type Key = (ProductCode, CountryCode, CountryCode);

fn stored(rows: &BTreeMap<Key, (i64, Option<i64>)>) -> Vec<Row> {
    let row = |(key, amounts): (&Key, &(i64, Option<i64>))| {
        Row::new(Year::new(1990).unwrap(), key.0, (key.1, key.2), Usd::new(amounts.0), amounts.1)
    };
    // The writer sorts.
    rows.iter().rev().map(row).collect()
}

fn flat(source: &TradeSource, table: &TradeTable) -> Vec<(Key, i64)> {
    let mut rows = Vec::new();
    for (product, at) in table.products().iter().zip((0..).map(ProductIndex)) {
        let of_product = table.rows(at);
        for ((exporter, importer), value) in of_product.exporters.iter().zip(of_product.importers).zip(of_product.values) {
            let code = |index| source.countries().country(index).code;
            rows.push(((*product, code(*exporter), code(*importer)), value.get()));
        }
    }
    rows
}

fn balanced(trade: &Trade) -> bool {
    trade.ledger.rows_in == trade.ledger.rows_used + trade.ledger.unused.values().sum::<u64>()
        && trade.ledger.rows_used == trade.table.n_rows() as u64
}

/// Rows of many products of very different length, so that pages hold one product or several.
fn uneven(seed: u64) -> Vec<Row> {
    let codes: Vec<CountryCode> = TradeSource::embedded().unwrap().countries().iter().map(|(_, country)| country.code).collect();
    let mut rows = Vec::new();
    for number in 0..60_u32 {
        let n_exporters = 1 + usize::try_from((u64::from(number) * 7919 + seed) % 97).unwrap();
        let product = ProductCode::from_number(10_001 + number * 13).unwrap();
        for (i, exporter) in codes.iter().take(n_exporters).enumerate() {
            for (j, importer) in codes.iter().enumerate().skip(i % 3).step_by(1 + usize::try_from(number % 5).unwrap()) {
                let value = i64::try_from((i + 1) * (j + 3)).unwrap() * i64::from(number + 1);
                let quantity = (!(i + j).is_multiple_of(7)).then_some(value / 3);
                rows.push(Row::new(Year::new(1990).unwrap(), product, (*exporter, *importer), Usd::new(value), quantity));
            }
        }
    }
    rows
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn reading_some_pages_is_reading_all_and_choosing(
        seed in 0_u64..1000,
        sets in proptest::collection::vec(proptest::collection::btree_set(0_u32..62, 0..40), 4),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("year.parquet");
        write_year(&path, &info(1990), uneven(seed)).unwrap();
        let source = TradeSource::open(&path).unwrap();
        let year = source.years()[0];
        let all = source.read_weighed(year, None).unwrap();
        prop_assert!(balanced(&all));
        for set in sets {
            let wanted: BTreeSet<_> = set.into_iter().map(|number| ProductCode::from_number(10_001 + number * 13).unwrap()).collect();
            let some = source.read_weighed(year, Some(&wanted)).unwrap();
            prop_assert!(balanced(&some));
            let expected: Vec<_> = all.table.iter().filter(|(product, _)| wanted.contains(product)).collect();
            prop_assert_eq!(some.table.iter().collect::<Vec<_>>(), expected.clone());
            let light = source.read(year, Some(&wanted)).unwrap();
            let trade = |(product, rows): (ProductCode, ProductRows<'_>)| (product, rows.exporters.to_vec(), rows.importers.to_vec(), rows.values.to_vec());
            prop_assert_eq!(light.table.iter().map(trade).collect::<Vec<_>>(), expected.into_iter().map(trade).collect::<Vec<_>>());
        }
    }
}

#[test]
fn any_number_of_threads_writes_the_same_bytes_and_reads_the_same_rows() {
    let folder = tempfile::tempdir().unwrap();
    let mut seen: Option<(Vec<u8>, TradeTable)> = None;
    for n_threads in [1, 2, 8] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
        let path = folder.path().join("year.parquet");
        pool.install(|| write_year(&path, &info(1990), uneven(3)).unwrap());
        let source = TradeSource::open(&path).unwrap();
        let table = pool.install(|| source.read_weighed(source.years()[0], None).unwrap().table);
        let bytes = std::fs::read(&path).unwrap();
        let (first_bytes, first_table) = seen.get_or_insert_with(|| (bytes.clone(), table.clone()));
        assert!(*first_bytes == bytes && *first_table == table, "{n_threads} threads");
    }
}

/// A year of two rows with a country table of its own, ingested.
fn small(root: &Path) -> (PathBuf, IngestManifest) {
    let sources = root.join("sources");
    std::fs::create_dir(&sources).unwrap();
    let text = "t,i,j,k,v,q\n2023,4,8,270900,1.5,2\n2023,4,842,270900,0.5,1\n";
    std::fs::write(sources.join("BACI_HS92_Y2023_V202401b.csv"), text).unwrap();
    let countries = "country_code,country_name,country_iso2,country_iso3\n4,A,AA,AAA\n8,B,BB,BBB\n842,U,US,USA\n276,G,DE,DEU\n";
    std::fs::write(sources.join("country_codes_V202401b.csv"), countries).unwrap();
    let out = root.join("ingested");
    let manifest = ingest(&[sources], &out, &IngestOptions::default(), &mut |_| {}).unwrap();
    (out, manifest)
}

#[test]
fn rows_carry_the_footer_that_they_were_read_with() {
    let root = tempfile::tempdir().unwrap();
    let (out, manifest) = small(root.path());
    let listed = manifest.files.iter().find(|file| file.footer_blake3.is_some()).unwrap();
    let file = out.join(&listed.name);
    let whole = blake3::hash(&std::fs::read(&file).unwrap()).to_hex().to_string();
    assert_eq!((listed.blake3.as_str(), listed.bytes), (whole.as_str(), std::fs::metadata(&file).unwrap().len()));
    for path in [&out, &file] {
        let source = TradeSource::open(path).unwrap();
        let trade = source.read(source.years()[0], None).unwrap();
        let footer = Fingerprint::Footer(listed.footer_blake3.clone().unwrap());
        let roles: Vec<_> = trade.inputs.iter().map(|input| (input.role, input.verified)).collect();
        assert_eq!(roles, [(InputRole::Trade, true), (InputRole::Countries, true), (InputRole::Products, true)]);
        assert_eq!((&trade.inputs[0].fingerprint, trade.inputs[0].bytes), (&footer, listed.bytes));
        assert_eq!(trade.read_with, source.fingerprint(source.years()[0]).unwrap());
        let countries = manifest.files.iter().find(|file| file.name == *"country_codes.csv").unwrap();
        assert_eq!(trade.inputs[1].fingerprint.digits(), countries.blake3);
    }
    // A file that takes the name of one that is open is not read for it, and one that is overwritten is no longer the same.
    let source = TradeSource::open(&out).unwrap();
    let bytes = std::fs::read(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, b"another").unwrap();
    assert_eq!(source.read(source.years()[0], None).unwrap().table.n_rows(), 2);
    std::fs::write(&file, &bytes).unwrap();
    let source = TradeSource::open(&out).unwrap();
    std::fs::write(&file, b"short").unwrap();
    let error = source.read(source.years()[0], None).unwrap_err();
    assert!(error.kind() == DataErrorKind::BadData && error.to_string().contains("changed while it was in use"), "{error}");
}

#[test]
fn code_tables_cannot_be_exchanged() {
    let root = tempfile::tempdir().unwrap();
    let (out, manifest) = small(root.path());
    let year = out.join(&manifest.years[0].file);
    let (table, text) = (out.join("country_codes.csv"), out.join("manifest.json"));
    let (countries, whole) = (std::fs::read_to_string(&table).unwrap(), std::fs::read_to_string(&text).unwrap());
    let swapped = countries.replace("A,AA,AAA", "B,BB,BBB").replacen("B,BB,BBB\n842", "A,AA,AAA\n842", 1);
    assert_ne!(swapped, countries);
    let refused = |what: &str| {
        for path in [&out, &year] {
            let error = TradeSource::open(path).unwrap_err();
            assert_eq!(error.kind(), DataErrorKind::BadData, "{what}: {error}");
        }
        assert!(verify_ingested(&out).is_err(), "{what}");
    };
    // Swapped under each state of the manifest.
    std::fs::write(&table, &swapped).unwrap();
    for manifest in [whole.clone(), format!("{whole} x"), String::new(), whole[..whole.len() / 2].to_owned(), "{}".to_owned()] {
        std::fs::write(&text, manifest).unwrap();
        refused("swapped");
    }
    std::fs::remove_file(&text).unwrap();
    refused("swapped without manifest");
    // Gone.
    std::fs::remove_file(&table).unwrap();
    refused("gone");
    std::fs::write(&table, &countries).unwrap();
    // Without a manifest all is as it was ingested, and that is said; a year alone needs its table beside it.
    let source = TradeSource::open(&out).unwrap();
    assert!(source.notes()[0].contains("manifest.json is not there"), "{:?}", source.notes());
    assert_eq!(source.read(source.years()[0], None).unwrap().table.n_rows(), 2);
    let alone = root.path().join(year.file_name().unwrap());
    std::fs::copy(&year, &alone).unwrap();
    let error = TradeSource::open(&alone).unwrap_err().to_string();
    assert!(error.contains("ingested with a country_codes.csv that is not beside it"), "{error}");
    std::fs::copy(&table, root.path().join("country_codes.csv")).unwrap();
    assert!(TradeSource::open(&alone).unwrap().notes().is_empty());
}

#[test]
fn a_manifest_that_lies_is_damaged() {
    let root = tempfile::tempdir().unwrap();
    let (out, _) = small(root.path());
    let path = out.join("manifest.json");
    let whole = std::fs::read_to_string(&path).unwrap();
    verify_ingested(&out).unwrap();
    for (from, to) in [
        ("\"release\": \"202401b\"", "\"release\": \"202501\""),
        ("\"synthetic\": false", "\"synthetic\": true"),
        ("\"missing_quantity\": 0", "\"missing_quantity\": 1"),
        ("\"skip\": []", "\"skip\": [\"bad-value\"]"),
        ("\"rows_used\": 2", "\"rows_used\": 3"),
        ("\"generator\"", "\"Generator\""),
        ("\n}", "\n} "),
    ] {
        let lie = whole.replacen(from, to, 1);
        assert_ne!(lie, whole, "{from}");
        std::fs::write(&path, lie).unwrap();
        let error = TradeSource::open(&out).unwrap_err();
        assert!(error.kind() == DataErrorKind::BadData && error.to_string().contains("is damaged"), "{from}: {error}");
        assert!(verify_ingested(&out).is_err(), "{from}");
    }
    // A manifest with a hash of itself is not taken for one of before.
    let seal = whole.lines().find(|line| line.contains("\"seal\"")).unwrap();
    std::fs::write(&path, whole.replace(&format!(",\n{seal}"), "")).unwrap();
    assert!(TradeSource::open(&out).unwrap_err().to_string().contains("its own hash is missing"));
}

#[test]
fn counts_of_a_forged_manifest_do_not_wrap() {
    let root = tempfile::tempdir().unwrap();
    let (out, manifest) = small(root.path());
    let most = u64::MAX;
    for (unused, noted, rows_in, problem) in [
        (serde_json::json!({"one": most, "other": 1}), serde_json::json!({}), manifest.rows_in, "do not add up"),
        (serde_json::json!({"one": 1}), serde_json::json!({"one": most}), manifest.rows_in + 1, "in the ledger, which holds"),
    ] {
        let mut lie = serde_json::to_value(&manifest).unwrap();
        (lie["unused"], lie["noted"], lie["rows_in"]) = (unused, noted, rows_in.into());
        // With its own hash, as whoever forges it would.
        let blank = "0".repeat(64);
        lie["seal"] = blank.clone().into();
        let text = serde_json::to_string_pretty(&lie).unwrap();
        std::fs::write(out.join("manifest.json"), text.replace(&blank, blake3::hash(text.as_bytes()).to_hex().as_str())).unwrap();
        let error = verify_ingested(&out).unwrap_err();
        assert!(error.kind() == DataErrorKind::BadData && error.to_string().contains(problem), "{error}");
    }
}

/// Puts a manifest of before in place, which lists one file of rows and has no hash of itself.
fn manifest_of_before(out: &Path, manifest: &IngestManifest, year: &Path) -> PathBuf {
    let mut old = serde_json::to_value(manifest).unwrap();
    old.as_object_mut().unwrap().remove("seal");
    let bytes = std::fs::read(year).unwrap();
    for file in old["files"].as_array_mut().unwrap().iter_mut().filter(|file| file.get("footer_blake3").is_some()) {
        file["name"] = year.file_name().unwrap().to_str().unwrap().into();
        file["bytes"] = bytes.len().into();
        file["blake3"] = blake3::hash(&bytes).to_hex().to_string().into();
        let key = b"reorient.footer_blake3";
        let at = bytes.windows(key.len()).rposition(|part| part == key).unwrap() + key.len() + 2;
        file["footer_blake3"] = String::from_utf8(bytes[at..at + 64].to_vec()).unwrap().into();
    }
    let path = out.join("manifest.json");
    std::fs::write(&path, serde_json::to_string(&old).unwrap()).unwrap();
    path
}

#[test]
fn folders_of_before_are_read_with_their_manifest_alone() {
    let root = tempfile::tempdir().unwrap();
    let (out, manifest) = small(root.path());
    let year = out.join(&manifest.years[0].file);
    let rows = vec![
        Row::new(
            Year::new(2023).unwrap(),
            "270900".parse().unwrap(),
            (CountryCode::literal(4), CountryCode::literal(8)),
            Usd::new(1500),
            Some(2000),
        ),
        Row::new(
            Year::new(2023).unwrap(),
            "270900".parse().unwrap(),
            (CountryCode::literal(4), CountryCode::literal(842)),
            Usd::new(500),
            Some(1000),
        ),
    ];
    let before = YearInfo { release: "202401b".to_owned(), synthetic: false, tables: None, ..info(2023) };
    write_year(&year, &before, rows).unwrap();
    let path = manifest_of_before(&out, &manifest, &year);
    let source = TradeSource::open(&out).unwrap();
    assert!(source.notes()[0].contains("not sealed"), "{:?}", source.notes());
    assert!(!source.code_tables()[0].verified);
    assert!(!verify_ingested(&out).unwrap().sealed);
    for damage in [Some("{"), None] {
        match damage {
            Some(text) => std::fs::write(&path, text).unwrap(),
            None => std::fs::remove_file(&path).unwrap(),
        }
        for path in [&out, &year] {
            let error = TradeSource::open(path).unwrap_err();
            assert!(error.kind() == DataErrorKind::BadData && error.to_string().contains("ingest the sources again"), "{error}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn what_is_written_is_read(
        rows in proptest::collection::btree_map(
            (0_u32..40, proptest::sample::select(vec![4_u16, 490, 516, 842]), proptest::sample::select(vec![8_u16, 490, 842])),
            // What all of them add up to is below the most that a product may have.
            (1_i64..40_000_000_000_000, proptest::option::of(0_i64..1_000_000_000)),
            1..200,
        ),
        wanted in proptest::collection::btree_set(0_u32..40, 0..10),
    ) {
        let product = |number: u32| ProductCode::from_number(number * 24_000 + 10_010).unwrap();
        let rows: BTreeMap<Key, _> = rows
            .into_iter()
            .map(|((k, i, j), amounts)| ((product(k), CountryCode::new(i).unwrap(), CountryCode::new(j).unwrap()), amounts))
            .collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("year.parquet");
        write_year(&path, &info(1990), stored(&rows)).unwrap();
        let source = TradeSource::open(&path).unwrap();
        prop_assert!(source.is_synthetic());
        let year = source.years()[0];
        let all = source.read(year, None).unwrap();
        let expected: Vec<_> = rows.iter().map(|(key, amounts)| (*key, amounts.0)).collect();
        prop_assert_eq!(flat(&source, &all.table), expected.clone());
        prop_assert_eq!(source.products(year).unwrap(), rows.keys().map(|key| key.0).collect());
        let wanted = wanted.into_iter().map(product).collect();
        let some = source.read(year, Some(&wanted)).unwrap();
        let expected: Vec<_> = expected.into_iter().filter(|(key, _)| wanted.contains(&key.0)).collect();
        prop_assert_eq!(flat(&source, &some.table), expected);
        prop_assert!(balanced(&all) && balanced(&some));
    }
}

#[test]
fn row_groups_end_with_a_product_and_are_pruned() {
    let codes: Vec<CountryCode> = TradeSource::embedded().unwrap().countries().iter().map(|(_, country)| country.code).collect();
    let mut rows = BTreeMap::new();
    for number in 0..7_u32 {
        for (i, exporter) in codes.iter().enumerate() {
            for (j, importer) in codes.iter().enumerate() {
                let value = i64::try_from(i * j).unwrap() + i64::from(number) + 1;
                rows.insert((ProductCode::from_number(10_000 + number + 1).unwrap(), *exporter, *importer), (value, None));
            }
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("year.parquet");
    write_year(&path, &info(1990), stored(&rows)).unwrap();
    let source = TradeSource::open(&path).unwrap();
    for wanted in [vec![], vec![1], vec![3], vec![2, 7], vec![1, 2, 3, 4, 5, 6, 7]] {
        let wanted = wanted.into_iter().map(|number| ProductCode::from_number(10_000 + number).unwrap()).collect();
        let trade = source.read(source.years()[0], Some(&wanted)).unwrap();
        let expected: Vec<_> =
            rows.iter().filter(|(key, _)| wanted.contains(&key.0)).map(|(key, amounts)| (*key, amounts.0)).collect();
        assert_eq!(flat(&source, &trade.table), expected);
    }
    // A damaged page is noticed by whoever reads it, and by nobody else.
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let read = |number| source.read(source.years()[0], Some(&[ProductCode::from_number(number).unwrap()].into()));
    assert!(matches!(source.read(source.years()[0], None), Err(error) if error.kind() == DataErrorKind::BadData));
    assert_eq!((10_001..=10_007).filter(|number| read(*number).is_err()).count(), 1);
}

#[test]
fn a_folder_holds_one_release_and_each_year_once() {
    let folder = tempfile::tempdir().unwrap();
    let key = ("270900".parse().unwrap(), CountryCode::literal(4), CountryCode::literal(4));
    let rows = |year: u16| vec![Row::new(Year::new(year).unwrap(), key.0, (key.1, key.2), Usd::new(5), Some(7))];
    assert_eq!(TradeSource::open(folder.path()).unwrap_err().kind(), DataErrorKind::Missing);
    write_year(&folder.path().join("a.parquet"), &info(1990), rows(1990)).unwrap();
    write_year(&folder.path().join("b.parquet"), &info(1991), rows(1991)).unwrap();
    let source = TradeSource::open(folder.path()).unwrap();
    assert_eq!(source.years().iter().map(|year| year.get()).collect::<Vec<_>>(), [1990, 1991]);
    assert_eq!(source.read(Year::new(1999).unwrap(), None).unwrap_err().kind(), DataErrorKind::Missing);
    write_year(&folder.path().join("c.parquet"), &info(1991), rows(1991)).unwrap();
    assert!(TradeSource::open(folder.path()).unwrap_err().to_string().contains("ingest the sources of both together"));
    let other = YearInfo { release: "202501".to_owned(), ..info(1992) };
    write_year(&folder.path().join("c.parquet"), &other, rows(1992)).unwrap();
    assert!(TradeSource::open(folder.path()).unwrap_err().to_string().contains("202501"));
    #[cfg(unix)]
    {
        // A reader of the folder is a reader of the data.
        use std::os::unix::fs::PermissionsExt;
        let plain = folder.path().join("plain");
        std::fs::write(&plain, "").unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&folder.path().join("a.parquet")), mode(&plain));
    }
    assert_eq!(TradeSource::open(Path::new("/nowhere.parquet")).unwrap_err().kind(), DataErrorKind::Missing);
}

#[test]
fn other_readers_understand_a_year() {
    use parquet::basic::{ColumnOrder, Encoding};
    use parquet::file::reader::FileReader;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("year.parquet");
    write_year(&path, &info(1990), uneven(1)).unwrap();
    let file = parquet::file::reader::SerializedFileReader::new(std::fs::File::open(&path).unwrap()).unwrap();
    let orders = file.metadata().file_metadata().column_orders().unwrap();
    assert!(orders.iter().all(|order| matches!(order, ColumnOrder::TYPE_DEFINED_ORDER(_))), "{orders:?}");
    for group in file.metadata().row_groups() {
        // Polars took exporter and importer, in order within a product, for columns in order.
        let sorting: Vec<i32> = group.sorting_columns().unwrap().iter().map(|column| column.column_idx).collect();
        assert_eq!(sorting, [0]);
        // fastparquet reads numbers of 64 bits when they are not packed.
        for amount in &group.columns()[3..] {
            let encodings: Vec<Encoding> = amount.encodings().collect();
            assert!(encodings.contains(&Encoding::PLAIN) && !encodings.contains(&Encoding::DELTA_BINARY_PACKED), "{encodings:?}");
        }
    }
}

#[test]
fn a_year_with_packed_amounts_is_read_as_before() {
    // Its tables were those of the program, and no table of before says so but a manifest.
    let root = tempfile::tempdir().unwrap();
    let csv = root.path().join("BACI_HS92_Y2023_V202401b.csv");
    std::fs::write(&csv, "t,i,j,k,v,q\n2023,4,8,270900,1.5,2\n").unwrap();
    let out = root.path().join("ingested");
    let manifest = ingest(&[csv], &out, &IngestOptions::default(), &mut |_| {}).unwrap();
    std::fs::remove_file(out.join(&manifest.years[0].file)).unwrap();
    let path = out.join("packed_amounts.parquet");
    std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/packed_amounts.parquet"), &path).unwrap();
    manifest_of_before(&out, &manifest, &path);
    let source = TradeSource::open(&path).unwrap();
    let trade = source.read_weighed(source.years()[0], None).unwrap();
    let mut number = 0;
    for ((product, exporter, importer), value) in flat(&source, &trade.table) {
        let (i, j) = (i64::from(exporter.get()), i64::from(importer.get()));
        assert_eq!(value, i * j * if product.to_string() == "270900" { 1_000_000 } else { 1 });
        number += 1;
    }
    assert_eq!(number, 264);
    let quantities: Vec<Option<i64>> = trade.table.iter().flat_map(|(_, rows)| rows.quantities.to_vec()).collect();
    assert_eq!((quantities.len(), quantities.iter().flatten().count()), (264, 216));
    // 4 to 8, in kilograms.
    assert_eq!(quantities[0], Some(4_000_020_000));
}

#[test]
fn the_writer_refuses_what_breaks_a_rule() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("year.parquet");
    let key = ("270900".parse().unwrap(), CountryCode::literal(4), CountryCode::literal(8));
    let of = |(exporter, importer), value| {
        let countries = (CountryCode::literal(exporter), CountryCode::literal(importer));
        Row::new(Year::new(1990).unwrap(), key.0, countries, Usd::new(value), None)
    };
    let row = of((4, 8), 5);
    let twice = write_year(&path, &info(1990), vec![row, of((4, 8), 6)]).unwrap_err();
    assert!(twice.to_string().contains("product 270900, exporter 4, importer 8"), "{twice}");
    for (bad, year) in [(of((4, 8), 0), 1990), (of((4, 8), i64::MAX), 1990), (row, 1991)] {
        assert_eq!(write_year(&path, &info(year), vec![bad]).unwrap_err().kind(), DataErrorKind::BadData);
    }
    let nowhere = folder.path().join("no").join("year.parquet");
    assert_eq!(write_year(&nowhere, &info(1990), vec![row]).unwrap_err().kind(), DataErrorKind::CannotWrite);
    assert!(!path.exists());
    // A country outside the table is only met by the reader.
    write_year(&path, &info(1990), vec![row, of((999, 8), 5)]).unwrap();
    let source = TradeSource::open(&path).unwrap();
    let error = source.read(source.years()[0], None).unwrap_err().to_string();
    assert!(error.contains("year.parquet, row 2, column `exporter`: `999`"), "{error}");
}

#[test]
fn the_sample_is_the_csv_it_was_made_from() {
    let source = TradeSource::embedded().unwrap();
    assert_eq!(source.label(), "BACI HS92 2023, 71 raw materials (embedded sample)");
    assert!(!source.is_synthetic() && source.description("250310".parse().unwrap()).is_some());
    let trade = source.read(source.years()[0], None).unwrap();
    assert_eq!((trade.table.n_rows(), trade.table.products().len(), trade.inputs[0].verified), (52_818, 71, true));
    assert_eq!(
        trade.table.products().iter().copied().collect::<std::collections::BTreeSet<_>>(),
        source.products(source.years()[0]).unwrap()
    );

    // The product column that others read agrees with the index that we read.
    use parquet::file::reader::FileReader;
    let file = parquet::file::reader::SerializedFileReader::new(std::fs::File::open(SAMPLE).unwrap()).unwrap();
    let names: Vec<String> =
        file.get_row_iter(None).unwrap().map(|row| row.unwrap().get_column_iter().next().unwrap().1.to_string()).collect();
    let expected: Vec<String> = flat(&source, &trade.table).iter().map(|(key, _)| format!("\"{}\"", key.0)).collect();
    assert_eq!(names, expected);

    let csv = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/baci/BACI_HS92_Y2023_raw-materials.csv");
    if !csv.exists() {
        eprintln!("skipped: the CSV of the sample is not there");
        return;
    }
    let from_csv = TradeSource::open(&csv).unwrap();
    let read = from_csv.read(from_csv.years()[0], None).unwrap();
    assert_eq!(read.table, trade.table);
    assert!(!read.inputs[0].verified && balanced(&read));

    // With quantities, from the file as from the program, of all products and of some.
    let year = source.years()[0];
    let weighed = source.read_weighed(year, None).unwrap().table;
    assert_eq!(from_csv.read_weighed(year, None).unwrap().table, weighed);
    let lines = std::fs::read_to_string(&csv).unwrap();
    let known =
        lines.lines().skip(1).filter(|line| line.rsplit(',').next().is_some_and(|tons| tons.trim().parse::<f64>().is_ok()));
    let oil = "270900".parse().unwrap();
    let quantities = |table: &reorient_data::TradeTable| {
        let products = (0_u32..).take(table.products().len()).map(reorient_core::ProductIndex);
        products.flat_map(|product| table.rows(product).quantities.to_vec()).collect::<Vec<_>>()
    };
    assert_eq!(quantities(&weighed).iter().flatten().count(), known.count());
    let some = source.read_weighed(year, Some(&std::collections::BTreeSet::from([oil]))).unwrap().table;
    assert_eq!(quantities(&some), weighed.rows(weighed.find(oil).unwrap()).quantities);
}
