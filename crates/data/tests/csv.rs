//! CEPII's CSV with everything that CEPII and spreadsheets do to it.
#![allow(clippy::unwrap_used, missing_docs, clippy::disallowed_methods)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use reorient_core::{ProductCode, ProductIndex, Usd};
use reorient_data::{DataError, Trade, TradeSource};

fn read(name: &str, text: &str) -> Result<Trade, DataError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    let source = TradeSource::open(&path)?;
    source.read(source.years()[0], None)
}

#[test]
fn every_way_of_writing_a_row_gives_the_same_row() {
    let plain = "t,i,j,k,v,q\n2023,4,842,010111,34.954,68.0\n2023,4,4,270900,1,2\n";
    let expected = read("BACI_HS92_Y2023_V202401b.csv", plain).unwrap().table;
    assert_eq!(expected.rows(ProductIndex(0)).values, [Usd::new(34_954)]);
    for (what, text) in [
        (
            "quoted and padded",
            "\"t\",\"i\",\"j\",\"k\",\"v\",\"q\"\n2023,\"  4\",842,\"010111\",\"   34.954\",\"        68.0\"\n2023,4,4,270900,\"     1.000\",\"         NA\"\n",
        ),
        ("lost zeros", "t,i,j,k,v,q\n2023,4,842,10111,34.954,\n2023,4,4,270900,1.0000,NA\n"),
        ("carriage returns", "t,i,j,k,v,q\r\n2023,4,842,010111,34.954,68.0\r\n2023,4,4,270900,1,2\r\n"),
        ("byte order mark, capitals", "\u{feff}T,I,J,K,V,Q\n2023,4,842,010111,34.954,68.0\n2023,4,4,270900,1,2\n"),
        ("another order of columns", "k,v,q,t,j,i\n270900,1,2,2023,4,4\n010111,34.954,68.0,2023,842,4"),
        ("empty lines", "t,i,j,k,v,q\n\n2023,4,842,010111,34.954,68.0\n2023,4,4,270900,1,2\n\n"),
    ] {
        assert_eq!(read("baci_hs92_y2023.csv", text).unwrap().table, expected, "{what}");
    }
}

#[test]
fn errors_name_the_file_the_line_the_column_and_the_value() {
    for (row, expected) in [
        ("23,4,8,270900,1,2", "line 2, column `t`: `23`"),
        ("2023,USA,8,270900,1,2", "line 2, column `i`: `USA`"),
        ("2023,4,999,270900,1,2", "line 2, column `j`: `999`: this country is not in the country table"),
        ("2023,4,8,27.09,1,2", "line 2, column `k`: `27.09`"),
        ("2023,4,8,270900,1e3,2", "line 2, column `v`: `1e3`"),
        ("2023,4,8,270900,1.0005,2", "line 2, column `v`: `1.0005`"),
        ("2023,4,8,270900,,2", "line 2, column `v`: ``"),
        ("2023,4,8,270900,NA,2", "line 2, column `v`: `NA`"),
        ("2023,4,8,270900,0,2", "line 2, column `v`: `0`: a flow must be more than zero"),
        ("2023,4,8,270900,-1,2", "line 2, column `v`: `-1`"),
        ("2023,4,8,270900,1,x", "line 2, column `q`: `x`"),
        ("2023,4,8,270900,1,-2", "line 2, column `q`: `-2`"),
        ("2023,4,8,270900,1", "line 2: it has 5 fields instead of 6"),
        ("2023,4,8,270900,1,2\n2022,4,8,270901,1,2", "line 3, column `t`: `2022`"),
        ("2023,4,8,270900,1,2\n2023,4,8,270900,3,2", "product 270900, exporter 4, importer 8 stand twice"),
        ("", "no rows"),
    ] {
        let error = read("BACI_HS92_Y2023.csv", &format!("t,i,j,k,v,q\n{row}\n")).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains("BACI_HS92_Y2023.csv"), "{error}");
    }
    let text = "t,i,j,k,v,q\r\n2023,4,8,270900,1,2\r\n\r\n2023,4,8,270901,x,2\r\n";
    assert!(read("BACI_HS92.csv", text).unwrap_err().to_string().contains("line 4, column `v`: `x`"));
    assert!(read("BACI_HS92.csv", "t,i,j,k,v\n").unwrap_err().to_string().contains("column `q` is missing"));
}

#[test]
fn a_name_without_a_revision_says_what_to_do() {
    let text = "t,i,j,k,v,q\n2023,4,842,010111,34.954,68.0\n";
    let error = read("trade_2023.csv", text).unwrap_err().to_string();
    assert!(error.contains("trade_2023.csv") && error.contains("rename"), "{error}");
    assert!(read("trade.txt", text).unwrap_err().to_string().contains("give a BACI .zip"));
}

/// Codes of HS92.
const PRODUCTS: [u32; 9] = [10_111, 100_110, 200_110, 270_900, 280_530, 391_000, 520_100, 740_311, 847_110];

/// What a line says: exporter, importer, product, dollars, kilograms.
type Line = (u16, u16, u32, i64, Option<i64>);

/// Lines in CEPII's order, some hundred thousand bytes of them for each product.
fn lines(n_products: u32) -> Vec<Line> {
    let codes: Vec<u16> = TradeSource::embedded().unwrap().countries().iter().map(|(_, country)| country.code.get()).collect();
    // Those that were there in the year.
    let ended = [58, 200, 278, 280, 530, 711, 736, 810, 891];
    let codes: Vec<u16> = codes.into_iter().filter(|code| !ended.contains(code)).step_by(4).collect();
    let mut lines = Vec::new();
    for (i, exporter) in codes.iter().enumerate() {
        for (j, importer) in codes.iter().enumerate() {
            for product in 0..n_products {
                let value = 1 + i64::try_from(i * j * 37 % 10_007).unwrap().pow(1 + product % 3);
                let quantity = (!(i + j).is_multiple_of(11)).then_some(value * 7 % 1_000_003);
                lines.push((*exporter, *importer, PRODUCTS[product as usize], value, quantity));
            }
        }
    }
    lines
}

/// The lines as text; `form` chooses how each is written.
fn text(lines: &[Line], form: impl Fn(usize) -> usize) -> String {
    let mut text = "t,i,j,k,v,q\n".to_owned();
    for (at, (exporter, importer, product, value, quantity)) in lines.iter().enumerate() {
        let amount = |thousandths: i64| format!("{}.{:03}", thousandths / 1000, thousandths % 1000);
        let value = amount(*value);
        let quantity = quantity.map_or_else(|| "NA".to_owned(), amount);
        match form(at) {
            0 => writeln!(text, "2023,{exporter},{importer},{product:06},{value},{quantity:>13}"),
            1 => writeln!(text, "2023,{exporter},{importer},{product},{value},{}", quantity.replace("NA", "")),
            2 => writeln!(text, "2023,\"{exporter:>3}\",{importer:>4},\"{product:06}\",\"{value:>12}\",\"{quantity:>13}\""),
            3 => write!(text, "2023,{exporter},{importer},{product:06},{value}0,{quantity}\r\n"),
            _ => writeln!(text, " 2023 ,0{exporter},{importer},{product:06}, {},{quantity} \n", value.trim_end_matches('0')),
        }
        .unwrap();
    }
    text
}

fn rows(trade: &Trade, source: &TradeSource) -> BTreeMap<(u32, u16, u16), (i64, Option<i64>)> {
    let code = |index| source.countries().country(index).code.get();
    let mut found = BTreeMap::new();
    for (product, rows) in trade.table.iter() {
        for at in 0..rows.values.len() {
            let key = (product.number(), code(rows.exporters[at]), code(rows.importers[at]));
            found.insert(key, (rows.values[at].get(), rows.quantities.get(at).copied().flatten()));
        }
    }
    found
}

/// Writes the text plain, gzipped and zipped.
fn dresses(folder: &Path, text: &str) -> Vec<PathBuf> {
    let plain = folder.join("BACI_HS92_Y2023_V202401b.csv");
    std::fs::write(&plain, text).unwrap();
    let packed = folder.join("BACI_HS92_Y2023_V202401b.csv.gz");
    let mut encoder = flate2::write::GzEncoder::new(std::fs::File::create(&packed).unwrap(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap();
    let archive = folder.join("BACI_HS92_V202401b.zip");
    let mut writer = zip::ZipWriter::new(std::fs::File::create(&archive).unwrap());
    writer.start_file("BACI_HS92_Y2023_V202401b.csv", zip::write::SimpleFileOptions::default()).unwrap();
    writer.write_all(text.as_bytes()).unwrap();
    writer.finish().unwrap();
    vec![plain, packed, archive]
}

#[test]
fn every_form_in_many_blocks_is_read_and_only_what_is_asked_for_is_kept() {
    let lines = lines(9);
    let folder = tempfile::tempdir().unwrap();
    for (form, text) in [("plain", text(&lines, |_| 0)), ("mixed", text(&lines, |at| at * 7 / 3 % 5))] {
        assert!(text.len() > 9 << 17, "{} bytes are too few blocks", text.len());
        let expected: BTreeMap<_, _> = lines.iter().map(|line| ((line.2, line.0, line.1), (line.3, line.4))).collect();
        let products: BTreeSet<u32> = lines.iter().map(|line| line.2).collect();
        for path in dresses(folder.path(), &text) {
            let what = format!("{form} {}", path.display());
            let source = TradeSource::open(&path).unwrap();
            let year = source.years()[0];
            let all = source.read_weighed(year, None).unwrap();
            assert!(rows(&all, &source) == expected, "{what}");
            let whole = blake3::hash(&std::fs::read(&path).unwrap()).to_hex().to_string();
            assert_eq!(
                (all.inputs[0].fingerprint.digits(), all.inputs[0].bytes),
                (whole.as_str(), std::fs::metadata(&path).unwrap().len()),
                "{what}"
            );
            assert_eq!(source.products(year).unwrap().iter().map(|product| product.number()).collect::<BTreeSet<_>>(), products);

            let candidates: BTreeSet<ProductCode> =
                products.iter().step_by(3).chain(&[999_999]).map(|number| ProductCode::from_number(*number).unwrap()).collect();
            let fresh = TradeSource::open(&path).unwrap();
            let available = fresh.products_before(year, Some(&candidates), false).unwrap();
            assert_eq!(available.iter().map(|product| product.number()).collect::<BTreeSet<_>>(), products, "{what}");
            // Fewer than the candidates, all of them, and then others, for which the file is read again.
            let one = BTreeSet::from([*candidates.first().unwrap()]);
            let other = available.iter().copied().skip(1).take(2).collect();
            for (set, weigh) in [(&one, false), (&candidates, false), (&candidates, true), (&other, false)] {
                let read = |source: &TradeSource| match weigh {
                    true => source.read_weighed(year, Some(set)).unwrap(),
                    false => source.read(year, Some(set)).unwrap(),
                };
                let (filtered, chosen) = (read(&fresh), read(&source));
                assert_eq!(rows(&filtered, &fresh).keys().collect::<Vec<_>>(), rows(&chosen, &source).keys().collect::<Vec<_>>());
                assert_eq!((&filtered.ledger, &filtered.inputs), (&chosen.ledger, &chosen.inputs), "{what}");
                assert_eq!(filtered.ledger.rows_in, lines.len() as u64);
                assert_eq!(filtered.ledger.rows_in, filtered.ledger.rows_used + filtered.ledger.unused.values().sum::<u64>());
                assert!(!weigh || filtered.table == chosen.table, "{what}");
            }
        }
    }
}

#[test]
fn a_key_that_stands_twice_is_found_among_rows_that_nobody_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let good = text(&lines(5), |_| 0);
    let of_line: Vec<&str> = good.split_inclusive('\n').collect();
    for (from, to) in [(9, 10), (9, of_line.len()), (of_line.len() - 1, 1)] {
        let mut twice = of_line.clone();
        twice.insert(to, of_line[from]);
        for path in dresses(folder.path(), &twice.concat()) {
            let source = TradeSource::open(&path).unwrap();
            let year = source.years()[0];
            let absent = BTreeSet::from([ProductCode::from_number(999_999).unwrap()]);
            let error = source.products_before(year, Some(&absent), false).unwrap_err().to_string();
            assert!(error.contains("stand twice (rows "), "{error}");
        }
    }
}

#[test]
fn any_number_of_threads_reads_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let text = text(&lines(7), |at| at % 5);
    for path in dresses(folder.path(), &text) {
        let mut first: Option<Trade> = None;
        for n_threads in [1, 2, 8] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
            let trade = pool.install(|| {
                let source = TradeSource::open(&path).unwrap();
                source.read_weighed(source.years()[0], None).unwrap()
            });
            let first = first.get_or_insert_with(|| trade.clone());
            assert!((&trade.table, &trade.inputs, &trade.ledger) == (&first.table, &first.inputs, &first.ledger), "{n_threads}");
        }
    }
}

#[test]
fn lines_are_counted_across_blocks_and_the_first_fault_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let good = text(&lines(7), |at| at % 5);
    let mut broken: Vec<&str> = good.split_inclusive('\n').collect();
    let places = [broken.len() * 9 / 10, broken.len() / 2];
    for at in places {
        broken[at] = "2023,4,8,270900,1e9,2\n";
    }
    let broken = broken.concat();
    // Long lines of nothing push the fault to any place within a block.
    for filling in [0, 1, 1000, 70_000, 300_000] {
        let text = format!("{}{}{}", &broken[..12], " ".repeat(filling) + "\n", &broken[12..]);
        for path in dresses(folder.path(), &text) {
            let source = TradeSource::open(&path).unwrap();
            let error = source.read(source.years()[0], None).unwrap_err().to_string();
            let expected = format!("line {}, column `v`: `1e9`", places[1] + 2);
            assert!(error.contains(&expected) || filling > 60_000 && error.contains("longer than"), "{filling}: {error}");
        }
    }
    let other_year = good.replacen("2023,", "2022,", 1).replace(" 2023 ,", "2022,");
    std::fs::write(folder.path().join("BACI_HS92_V202401b.csv"), other_year).unwrap();
    let source = TradeSource::open(&folder.path().join("BACI_HS92_V202401b.csv")).unwrap();
    assert_eq!(source.years()[0].get(), 2022);
    assert!(source.read(source.years()[0], None).unwrap_err().to_string().contains("line 3, column `t`: `2023`"));
}
