//! Checksums that are there are compared, also where few rows are asked for, and what has none says so.
#![allow(clippy::unwrap_used, missing_docs, clippy::disallowed_methods)]

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use reorient_core::ProductCode;
use reorient_data::{DataError, IngestOptions, Integrity, TradeSource, TradeTable, ingest};

const NAME: &str = "BACI_HS92_Y2023_V202401b.csv";
/// Made-up rows as pyarrow writes them with checksums of pages.
const PAGE_CRC: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/page_crc.parquet");

/// Some thousand lines, enough for several reads of a buffer.
fn text() -> String {
    let mut text = "t,i,j,k,v,q\n".to_owned();
    for product in ["010111", "250700", "270900", "854121"] {
        for exporter in [156, 276, 392, 643, 842] {
            for importer in [56, 124, 251, 380, 528, 616, 724] {
                text += &format!("2023,{exporter},{importer},{product},{}.{importer:03},{exporter}\n", importer * 7);
            }
        }
    }
    text
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn zstandard(text: &[u8], checked: bool) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
    encoder.include_checksum(checked).unwrap();
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn zip(text: &[u8]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    archive.start_file(NAME, zip::write::SimpleFileOptions::default()).unwrap();
    archive.write_all(text).unwrap();
    archive.finish().unwrap().into_inner()
}

/// All rows, or those of one product, with what was compared.
fn read(path: &Path, product: Option<&str>) -> Result<(TradeTable, Integrity), DataError> {
    let source = TradeSource::open(path)?;
    let products = product.map(|product| BTreeSet::from([product.parse::<ProductCode>().unwrap()]));
    let trade = source.read(source.years()[0], products.as_ref())?;
    Ok((trade.table, trade.inputs[0].integrity))
}

fn written(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn every_input_says_what_was_compared() {
    let folder = tempfile::tempdir().unwrap();
    let text = text();
    let csv = written(folder.path(), NAME, text.as_bytes());
    let files = [
        (csv.clone(), Integrity::None),
        (written(folder.path(), &format!("{NAME}.gz"), &gzip(text.as_bytes())), Integrity::Crc32),
        (written(folder.path(), "BACI_HS92_V202401b.zip", &zip(text.as_bytes())), Integrity::Crc32),
        (written(folder.path(), &format!("{NAME}.zst"), &zstandard(text.as_bytes(), false)), Integrity::None),
        (written(folder.path(), &format!("B_{NAME}.zst"), &zstandard(text.as_bytes(), true)), Integrity::ZstdChecksum),
    ];
    let rows = read(&csv, None).unwrap().0;
    for (path, expected) in files {
        let (table, found) = read(&path, None).unwrap();
        assert!(table == rows, "{}", path.display());
        assert_eq!(found, expected, "{}", path.display());
        let out = folder.path().join("ingested");
        let options = IngestOptions::default();
        let manifest = ingest(std::slice::from_ref(&path), &out, &options, &mut |_| {}).unwrap();
        assert_eq!(manifest.integrity.into_values().collect::<Vec<_>>(), [expected]);
        assert_eq!(read(&out, None).unwrap().1, Integrity::Blake3);
        std::fs::remove_dir_all(out).unwrap();
    }
    let fixture = written(folder.path(), "BACI_HS92_Y2023_synthetic.parquet", &std::fs::read(PAGE_CRC).unwrap());
    assert_eq!(read(&fixture, None).unwrap().1, Integrity::PageCrc);
}

/// A checksum at the end is compared although the rows that are asked for stand at the beginning.
#[test]
fn a_wrong_checksum_is_seen_whatever_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let text = text();
    // The checksum of a gzip is before its length, that of Zstandard last; in a zip it stands in the directory.
    let gzip = gzip(text.as_bytes());
    let zstandard = zstandard(text.as_bytes(), true);
    let zip = zip(text.as_bytes());
    let directory = zip.windows(4).rposition(|mark| mark == b"PK\x01\x02").unwrap();
    let cases = [
        (format!("{NAME}.gz"), gzip.len() - 8, gzip),
        (format!("{NAME}.zst"), zstandard.len() - 1, zstandard),
        ("BACI_HS92_V202401b.zip".to_owned(), directory + 16, zip),
    ];
    for (name, at, mut bytes) in cases {
        let path = written(folder.path(), &name, &bytes);
        for product in [None, Some("010111")] {
            assert!(read(&path, product).is_ok(), "{name}");
        }
        bytes[at] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        for product in [None, Some("010111")] {
            assert!(read(&path, product).is_err(), "{name}: {product:?}");
        }
        let source = TradeSource::open(&path);
        assert!(source.and_then(|source| source.products(source.years()[0])).is_err(), "{name}");
        std::fs::remove_file(path).unwrap();
    }
}

/// One bit of every fifth byte of the pages: the same rows or an error.
#[test]
fn a_page_with_another_checksum_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let good = std::fs::read(PAGE_CRC).unwrap();
    let path = written(folder.path(), "BACI_HS92_Y2023_synthetic.parquet", &good);
    let expected = read(&path, None).unwrap().0;
    let length = u32::from_le_bytes(good[good.len() - 8..good.len() - 4].try_into().unwrap());
    let footer = good.len() - 8 - usize::try_from(length).unwrap();
    let mut refused = 0;
    for at in (4..footer).step_by(5) {
        let mut bytes = good.clone();
        bytes[at] ^= 1 << (at % 8);
        std::fs::write(&path, bytes).unwrap();
        match read(&path, None) {
            Ok((table, _)) => assert!(table == expected, "byte {at}: other rows were accepted"),
            Err(_) => refused += 1,
        }
    }
    assert!(refused * 5 * 10 > (footer - 4) * 8, "{refused} of {footer}");
}
