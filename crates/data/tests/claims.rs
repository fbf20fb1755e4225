//! What a name says of rows is held against the rows: the revision of codes, the last year of a country, the unit of a column,
//! a word in the place of a quantity.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, clippy::disallowed_methods)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use reorient_core::{CountryCode, HsRevision, ProductCode, Usd, Year};
use reorient_data::store::{YearInfo, write_year};
use reorient_data::{
    AboutTable, DataError, DataErrorKind, IngestManifest, IngestOptions, OpenOptions, Reason, Row, RowPolicy, TableSeal,
    TradeSource, ValueUnit, ingest,
};

const PANEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/baci/BACI_HS92_raw-materials_1995-2024.parquet");
const NAME: &str = "BACI_HS92_Y2023_V202401b.csv";

fn written(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn ingested(path: &Path, out: &Path, options: &IngestOptions) -> Result<IngestManifest, DataError> {
    ingest(&[path.to_owned()], out, options, &mut |_| {})
}

fn code(text: &str) -> ProductCode {
    text.parse().unwrap()
}

/// Year, exporter, importer, product, value, quantity.
type Flow<'a> = (i32, i32, i32, &'a str, f64, Option<f64>);

/// Columns under the names of other tools.
fn parquet(path: &Path, names: [&str; 6], rows: &[Flow<'_>]) -> RecordBatch {
    let columns: [ArrayRef; 6] = [
        Arc::new(Int32Array::from_iter_values(rows.iter().map(|row| row.0))),
        Arc::new(Int32Array::from_iter_values(rows.iter().map(|row| row.1))),
        Arc::new(Int32Array::from_iter_values(rows.iter().map(|row| row.2))),
        Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.3))),
        Arc::new(Float64Array::from_iter_values(rows.iter().map(|row| row.4))),
        Arc::new(Float64Array::from_iter(rows.iter().map(|row| row.5))),
    ];
    let batch =
        RecordBatch::try_from_iter_with_nullable(names.into_iter().zip(columns).map(|(name, column)| (name, column, true)));
    let batch = batch.unwrap();
    let mut writer = ArrowWriter::try_new(std::fs::File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    batch
}

const BACI: [&str; 6] = ["t", "i", "j", "k", "v", "q"];

/// A table in memory with codes of HS92.
fn about_hs92(value_unit: Option<ValueUnit>) -> AboutTable {
    AboutTable { revision: HsRevision::Hs92, year: None, synthetic: false, countries: None, products: None, value_unit }
}

/// A file of ours as an earlier version wrote it, without a word on its codes.
fn unchecked(folder: &Path, year: u16, rows: Vec<Row>) -> TradeSource {
    let info = YearInfo {
        year: Year::new(year).unwrap(),
        revision: HsRevision::Hs92,
        release: "202401b".to_owned(),
        synthetic: false,
        attribution: String::new(),
        unknown_codes: None,
        tables: Some(TableSeal::of_program(HsRevision::Hs92).unwrap()),
    };
    let path = folder.join("ours.parquet");
    write_year(&path, &info, rows).unwrap();
    TradeSource::open(&path).unwrap()
}

#[test]
fn codes_of_another_revision_are_refused_however_the_rows_come() {
    let folder = tempfile::tempdir().unwrap();
    // 810320 came in 2002 and 854231 in 2007.
    let text =
        "t,i,j,k,v,q\n2023,4,8,270900,1,2\n2023,4,8,810320,3,2\n2023,4,8,854231,5,2\n2023,8,4,999999,1,\n2023,8,4,271000,1,\n";
    let path = written(folder.path(), NAME, text);
    let expected = [
        "72.727273 % of the value (2 rows)",
        "HS92 does not have: 854231 (5.000 thousand USD), 810320 (3.000",
        "Every code is in HS07, HS12, HS17, HS22:",
    ];
    let is_refused = |error: DataError| {
        let text = error.to_string();
        assert_eq!(error.kind(), DataErrorKind::BadData);
        assert!(expected.iter().all(|part| text.contains(part)), "{text}");
    };
    let source = TradeSource::open(&path).unwrap();
    // A list that asks for none of them sees them all the same.
    let oil = BTreeSet::from([code("270900")]);
    is_refused(source.products_before(source.years()[0], Some(&oil), false).unwrap_err());
    is_refused(source.read(source.years()[0], None).unwrap_err());
    is_refused(ingested(&path, &folder.path().join("out"), &IngestOptions::default()).unwrap_err());
    assert!(!folder.path().join("out").exists());

    let rows = [(2023, 4, 8, "270900", 3.0, None), (2023, 4, 8, "810320", 3.0, None), (2023, 4, 8, "854231", 5.0, None)];
    let path = folder.path().join("BACI_HS92_Y2023_V202401b.parquet");
    let batch = parquet(&path, BACI, &rows);
    let source = TradeSource::open(&path).unwrap();
    is_refused(source.read(source.years()[0], Some(&oil)).unwrap_err());
    let about = about_hs92(None);
    let source = TradeSource::from_arrow(vec![batch.clone()], about.clone()).unwrap();
    is_refused(source.read(source.years()[0], Some(&oil)).unwrap_err());
    // Under their own revision, and where codes are made up as the rows are.
    for about in [AboutTable { revision: HsRevision::Hs22, ..about.clone() }, AboutTable { synthetic: true, ..about }] {
        let synthetic = about.synthetic;
        let source = TradeSource::from_arrow(vec![batch.clone()], about).unwrap();
        let claims = source.read(source.years()[0], None).unwrap().claims;
        assert_eq!(claims.unknown_codes.map(|codes| codes.rows), (!synthetic).then_some(0));
    }

    // A file of ours that an earlier version wrote.
    let row = |product: &str, value| {
        let countries = (CountryCode::literal(4), CountryCode::literal(8));
        Row::new(Year::new(2023).unwrap(), code(product), countries, Usd::new(value), None)
    };
    let source = unchecked(folder.path(), 2023, vec![row("270900", 3000), row("810320", 3000), row("854231", 5000)]);
    is_refused(source.read(source.years()[0], Some(&oil)).unwrap_err());
}

#[test]
fn few_unknown_codes_are_named_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let text = "t,i,j,k,v,q\n2023,4,8,270900,9000,2\n2023,4,8,810320,3,2\n2023,4,12,810320,1,2\n2023,4,8,854231,5,2\n";
    let path = written(folder.path(), NAME, text);
    let out = folder.path().join("out");
    let manifest = ingested(&path, &out, &IngestOptions::default()).unwrap();
    let unknown = manifest.years[0].unknown_codes.clone().unwrap();
    assert_eq!((unknown.pct.as_str(), unknown.value_kusd.as_str(), unknown.rows, unknown.products), ("0.099900", "9.000", 3, 2));
    assert_eq!((manifest.rows_in, manifest.rows_used, manifest.noted["unknown-code"]), (4, 4, 2));
    let ledger = std::fs::read_to_string(out.join("ledger.csv")).unwrap();
    assert!(
        ledger.contains("unknown-code,\"product 810320, 2023: HS92 does not have it; 2 rows with 4.000 thousand USD are kept\""),
        "{ledger}"
    );
    for path in [&path, &out] {
        let source = TradeSource::open(path).unwrap();
        for products in [None, Some(&BTreeSet::from([code("270900")]))] {
            let trade = source.read(source.years()[0], products).unwrap();
            assert_eq!(trade.claims.unknown_codes.as_ref(), Some(&unknown), "{}", path.display());
            assert_eq!(trade.ledger.noted["product code that HS92 does not have"], 3);
            assert_eq!(trade.ledger.rows_in, trade.ledger.rows_used + trade.ledger.unused.values().sum::<u64>());
        }
        let notes = source.notes();
        assert!(notes.len() == 1 && notes[0].contains("854231 (5.000 thousand USD), 810320 (4.000 thousand USD)."), "{notes:?}");
    }
}

#[test]
fn rows_of_a_country_after_its_last_year_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let outdated = |lines: &str, year: u16| {
        let path = written(folder.path(), &format!("BACI_HS92_Y{year}_V202401b.csv"), &format!("t,i,j,k,v,q\n{lines}"));
        let source = TradeSource::open(&path).unwrap();
        let by_run = source.read(source.years()[0], Some(&BTreeSet::from([code("999999")]))).map(drop);
        let out = tempfile::tempdir().unwrap();
        let by_ingest = ingested(&path, &out.path().join("out"), &IngestOptions::default()).map(drop);
        let texts = [by_run, by_ingest].map(|done| done.err().map(|error| (error.kind(), error.to_string())));
        assert_eq!(texts[0], texts[1]);
        texts[0].clone()
    };
    let (kind, said) =
        outdated("1999,4,58,270900,1,2\n1999,4,8,270900,9,2\n1999,58,8,270900,2.5,2\n1999,58,58,270900,1,\n", 1999).unwrap();
    assert_eq!(kind, DataErrorKind::BadData);
    for part in ["58 Belgium-Luxembourg (...1998)", "3 rows of 1999", "4.500 thousand USD", "56 Belgium, 442 Luxembourg"] {
        assert!(said.contains(part), "{said}");
    }
    assert_eq!(outdated("1998,4,58,270900,1,2\n1998,58,8,270900,1,\n", 1998), None);
    for (ended, last, successors) in [
        (200, 1992, "203 "),
        (278, 1990, "276 Germany"),
        (280, 1990, "276 Germany"),
        (530, 2010, "531 Cura"),
        (711, 1999, "710 South Africa"),
        (736, 2011, "729 Sudan, 728 South Sudan"),
        (810, 1990, "643 Russian"),
        (891, 2005, "688 Serbia, 499 Montenegro"),
    ] {
        let line = |year| format!("{year},{ended},8,270900,1,2\n");
        assert_eq!(outdated(&line(last), last), None);
        let (_, said) = outdated(&line(last + 1), last + 1).unwrap();
        assert!(said.contains(successors) && said.contains("1 rows"), "{said}");
    }

    // Parquet of other tools, of all years together, and a table in memory.
    let rows = [(1998, 58, 8, "270900", 1.0, None), (1999, 58, 8, "270900", 2.0, None), (1999, 4, 8, "270900", 3.0, None)];
    let path = folder.path().join("BACI_HS92_V202401b.parquet");
    let batch = parquet(&path, BACI, &rows);
    let said = ingested(&path, &folder.path().join("of-parquet"), &IngestOptions::default()).unwrap_err().to_string();
    assert!(said.contains("1 rows of 1999 with 2.000 thousand USD"), "{said}");
    let about = about_hs92(None);
    let source = TradeSource::from_arrow(vec![batch], about).unwrap();
    assert!(source.read(Year::new(1998).unwrap(), None).is_ok());
    let said = source.read(Year::new(1999).unwrap(), None).unwrap_err().to_string();
    assert!(said.contains("1 rows of 1999 with 2.000 thousand USD"), "{said}");

    // A file of ours that an earlier version wrote.
    let row = |importer, value| {
        let countries = (CountryCode::literal(736), CountryCode::new(importer).unwrap());
        Row::new(Year::new(2020).unwrap(), code("270900"), countries, Usd::new(value), None)
    };
    let source = unchecked(folder.path(), 2020, vec![row(4, 1000), row(8, 2500)]);
    let said = source.read(source.years()[0], None).unwrap_err().to_string();
    assert!(said.contains("country 736 Sudan (...2011) has 2 rows of 2020 with 3.500 thousand USD"), "{said}");
}

#[test]
fn thirty_real_years_give_no_false_alarm() {
    let sample = TradeSource::embedded().unwrap();
    let claims = sample.read(sample.years()[0], None).unwrap().claims;
    assert_eq!(claims.unknown_codes, Some(reorient_data::UnknownCodes::default()));
    if !Path::new(PANEL).exists() {
        println!("skipped: {PANEL} is absent");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let manifest = ingested(Path::new(PANEL), &folder.path().join("panel"), &IngestOptions::default()).unwrap();
    assert_eq!((manifest.rows_in, manifest.rows_used, manifest.years.len()), (1_264_888, 1_264_888, 30));
    assert!(manifest.years.iter().all(|year| year.unknown_codes == Some(reorient_data::UnknownCodes::default())));
}

#[test]
fn a_column_without_a_unit_needs_one() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["year", "exporter", "importer", "product", "value", "quantity"];
    let rows = [(2023, 4, 8, "270900", 1500.0, Some(2.0)), (2023, 8, 4, "270900", 7000.0, None)];
    let path = folder.path().join("BACI_HS92_Y2023_V202401b.parquet");
    let batch = parquet(&path, names, &rows);
    let text = "t,i,j,k,value,q\n2023,4,8,270900,1500,2\n2023,8,4,270900,7000.0,\n";
    let csv = written(folder.path(), NAME, text);
    let about = about_hs92;
    let open = |which: usize, value_unit| {
        let options = OpenOptions { revision: None, value_unit };
        match which {
            0 => TradeSource::open_with(&path, &options),
            1 => TradeSource::open_with(&csv, &options),
            _ => TradeSource::from_arrow(vec![batch.clone()], about(value_unit)),
        }
    };
    let values = |which, unit| -> Result<Vec<i64>, DataError> {
        let source = open(which, unit)?;
        let trade = source.read_weighed(source.years()[0], None)?;
        assert_eq!(trade.claims.value_unit, unit);
        assert_eq!(trade.claims.unread, if which == 1 { vec![] } else { vec!["quantity"] });
        let known = trade.table.iter().flat_map(|(_, rows)| rows.quantities.to_vec()).flatten().count();
        assert_eq!(known, usize::from(which == 1));
        Ok(trade.table.iter().flat_map(|(_, rows)| rows.values.to_vec()).map(Usd::get).collect())
    };
    for which in 0..3 {
        let error = values(which, None).unwrap_err();
        assert_eq!(error.kind(), DataErrorKind::BadData);
        let said = error.to_string();
        assert!(said.contains("column `value`") && said.contains("--value-unit usd"), "{said}");
        assert_eq!(values(which, Some(ValueUnit::Usd)).unwrap(), [1500, 7000]);
        assert_eq!(values(which, Some(ValueUnit::Kusd)).unwrap(), [1_500_000, 7_000_000]);
    }
    assert_ne!(
        open(1, Some(ValueUnit::Usd)).unwrap().fingerprint(Year::new(2023).unwrap()).unwrap().blake3,
        open(1, Some(ValueUnit::Kusd)).unwrap().fingerprint(Year::new(2023).unwrap()).unwrap().blake3
    );

    let out = folder.path().join("out");
    let said = ingested(&csv, &out, &IngestOptions::default()).unwrap_err().to_string();
    assert!(said.contains("column `value`") && !out.exists(), "{said}");
    let options = IngestOptions { value_unit: Some(ValueUnit::Usd), ..IngestOptions::default() };
    let manifest = ingested(&csv, &out, &options).unwrap();
    assert_eq!((manifest.years[0].value_kusd.as_str(), manifest.value_unit.as_deref()), ("8.500", Some("usd")));

    // Dollars are whole, a known name is believed, and what stands beside a known name is no value.
    let cents = written(folder.path(), "BACI_HS92_Y2023.csv", "t,i,j,k,value,q\n2023,4,8,270900,1500.5,2\n");
    let usd = OpenOptions { revision: None, value_unit: Some(ValueUnit::Usd) };
    let source = TradeSource::open_with(&cents, &usd).unwrap();
    let said = source.read(source.years()[0], None).unwrap_err().to_string();
    assert!(said.contains("line 2, column `v`: `1500.5`") && said.contains("not whole"), "{said}");
    let both = written(folder.path(), "BACI_HS92_Y2023.csv", "t,i,j,k,v,q,value\n2023,4,8,270900,1.5,2,x\n");
    let source = TradeSource::open(&both).unwrap();
    assert_eq!(source.read(source.years()[0], None).unwrap().table.n_rows(), 1);
    let source = TradeSource::open_with(&both, &usd).unwrap();
    let said = source.read(source.years()[0], None).unwrap_err().to_string();
    assert!(said.contains("column `v` is in thousand USD by its name"), "{said}");
    let source = TradeSource::open_with(&both, &OpenOptions { value_unit: Some(ValueUnit::Kusd), ..usd }).unwrap();
    source.read(source.years()[0], None).unwrap();
    assert!(source.notes()[0].contains("no effect"), "{:?}", source.notes());
}

const WORDS: [&str; 14] = ["", ".", "NA", "N/A", "na", "nan", "NaN", "NULL", "null", "None", "\\N", "-", ".a", "<NA>"];
/// One for each word.
const IMPORTERS: [i32; 14] = [8, 12, 16, 20, 24, 28, 31, 32, 36, 40, 44, 48, 50, 51];

#[test]
fn a_word_for_missing_is_a_missing_quantity() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = "t,i,j,k,v,q\n".to_owned();
    for (word, importer) in WORDS.iter().zip(IMPORTERS) {
        let forms = [(*word).to_owned(), format!("   {word}"), format!("\"{word}\"")];
        for (form, product) in forms.iter().zip(["270900", "280530", "520100"]) {
            writeln!(text, "2023,4,{importer},{product},1.5,{form}").unwrap();
        }
    }
    let path = written(folder.path(), NAME, &text);
    let source = TradeSource::open(&path).unwrap();
    let trade = source.read_weighed(source.years()[0], None).unwrap();
    assert_eq!(trade.table.n_rows(), 3 * WORDS.len());
    assert!(trade.table.iter().all(|(_, rows)| rows.quantities.iter().all(Option::is_none)));

    let n = WORDS.len();
    let columns: [(&str, ArrayRef); 6] = [
        ("t", Arc::new(Int32Array::from(vec![2023; n]))),
        ("i", Arc::new(Int32Array::from(vec![4; n]))),
        ("j", Arc::new(Int32Array::from(IMPORTERS.to_vec()))),
        ("k", Arc::new(Int64Array::from(vec![270_900; n]))),
        ("v", Arc::new(Float64Array::from(vec![1.5; n]))),
        ("q", Arc::new(StringArray::from_iter_values(WORDS))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let about = about_hs92(None);
    let source = TradeSource::from_arrow(vec![batch], about).unwrap();
    let trade = source.read_weighed(source.years()[0], None).unwrap();
    assert_eq!(trade.table.n_rows(), n);
    // A value has no such word.
    for word in WORDS {
        let path = written(folder.path(), NAME, &format!("t,i,j,k,v,q\n2023,4,8,270900,{word},1\n"));
        let source = TradeSource::open(&path).unwrap();
        assert!(source.read(source.years()[0], None).unwrap_err().to_string().contains("column `v`"), "{word}");
    }
}

#[test]
fn a_row_with_a_bad_quantity_stays_without_it() {
    let folder = tempfile::tempdir().unwrap();
    let text = "t,i,j,k,v,q\n2023,4,8,270900,1.5,x\n2023,4,12,270900,2,-3\n2023,4,16,270900,3,1.23456\n2023,4,20,270900,4,5\n\
                2023,4,24,270900,5,1\"2\n2023,4,999,270900,6,x\n2022,4,28,270900,7,x\n2023,4,28,270900,0,x\n";
    let path = written(folder.path(), NAME, text);
    let skip = BTreeSet::from([Reason::BadQuantity, Reason::UnknownCountry, Reason::BadYear, Reason::ZeroValue]);
    let options = IngestOptions { policy: RowPolicy { skip, ..RowPolicy::default() }, ..IngestOptions::default() };
    let out = folder.path().join("out");
    let said = ingested(&path, &out, &IngestOptions::default()).unwrap_err().to_string();
    assert!(said.contains("line 2, column `q`: `x`"), "{said}");
    // An odd quote may hide commas: such a line stays an error of its own.
    let text = text.replace("5,1\"2\n", "5,1e9\n");
    let path = written(folder.path(), NAME, &text);
    let manifest = ingested(&path, &out, &options).unwrap();
    assert_eq!((manifest.rows_in, manifest.rows_used, manifest.years[0].missing_quantity), (8, 5, 4));
    assert_eq!(manifest.years[0].value_kusd, "15.500");
    assert_eq!((manifest.noted["bad-quantity"], manifest.unused.values().sum::<u64>()), (4, 3));
    let ledger = std::fs::read_to_string(out.join("ledger.csv")).unwrap();
    assert!(ledger.contains(",2,bad-quantity,q = x: kept without its quantity\n"), "{ledger}");
    reorient_data::verify_ingested(&out).unwrap();

    // The same of Parquet.
    let rows = [
        (2023, 4, 8, "270900", 1.5, Some(-1.0)),
        (2023, 4, 12, "270900", 2.0, Some(1.0)),
        (2022, 4, 16, "270900", 2.0, Some(-1.0)),
        (2023, 4, 20, "270900", 3.0, Some(f64::NAN)),
    ];
    let path = folder.path().join("BACI_HS92_Y2023_V202401b.parquet");
    parquet(&path, BACI, &rows);
    let manifest = ingested(&path, &folder.path().join("of-parquet"), &options).unwrap();
    assert_eq!((manifest.rows_in, manifest.rows_used, manifest.noted["bad-quantity"], manifest.unused["bad-year"]), (4, 3, 1, 1));
    assert_eq!(manifest.years[0].missing_quantity, 2);
}

#[test]
fn an_ingest_that_keeps_no_row_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let skip = BTreeSet::from([Reason::BadValue]);
    let options = IngestOptions { policy: RowPolicy { skip, ..RowPolicy::default() }, ..IngestOptions::default() };
    let out = folder.path().join("out");
    let good = written(folder.path(), "BACI_HS92_Y2022.csv", "t,i,j,k,v,q\n2022,4,8,270900,1,2\n");
    let bad = written(folder.path(), "BACI_HS92_Y2013.csv", "t,i,j,k,v,q\n2013,4,8,270900,1.2345678,2\n2013,4,12,270900,x,2\n");
    // Of one file, and of one among others: a year that a name promises does not vanish.
    for sources in [vec![bad.clone()], vec![good.clone(), bad.clone()]] {
        let error = ingest(&sources, &out, &options, &mut |_| {}).unwrap_err();
        assert_eq!(error.kind(), DataErrorKind::BadData);
        let said = error.to_string();
        assert!(said.contains("BACI_HS92_Y2013.csv: none of its 2 rows is kept") && said.contains("2 bad-value"), "{said}");
        assert!(!out.exists() && std::fs::read_dir(folder.path()).unwrap().count() == 2);
    }
    ingest(&[good], &out, &options, &mut |_| {}).unwrap();
}
