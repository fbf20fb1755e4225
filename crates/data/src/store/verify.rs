//! Every byte of a file against its hash, and what other readers find in it against what ours does.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use parquet::column::reader::ColumnReaderImpl;
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::page_index::offset_index::PageLocation;
use parquet::file::serialized_reader::SerializedPageReader;
use rayon::prelude::*;
use reorient_core::CountryTable;

use super::encode::compression;
use super::index::{Block, Group, Index, hash_of};
use super::read::isolated;
use super::*;
use crate::{DataError, TradeTable};

/// Checks a whole file and gives what it says of itself, the hash of its footer, and its rows with their quantities.
///
/// # Errors
/// [`DataError`] when any byte is not as it was written, or the file tells other readers something else.
pub(crate) fn verify_file(path: &Path, countries: &CountryTable) -> Result<(YearInfo, String, TradeTable), DataError> {
    let content = Content::open(path)?;
    let footer = Footer::open(&content)?;
    let name = content.name();
    let damaged = |problem: &str| DataError::damaged(&name, problem);
    let mut magic = [0; MAGIC.len()];
    content.read_into(0, &mut magic)?;
    if &magic != MAGIC || hex(&content.read(footer.page_index.clone())?) != footer.page_index_hash {
        return Err(damaged("the opening mark or the page index does not match its BLAKE3 hash"));
    }
    let file = reorient_files::open(path)?;
    let metadata = isolated(&name, || {
        ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Required).parse_and_finish(&file)
    })?;
    if !agrees(&footer.index, &metadata) {
        return Err(DataError::file(&name, "the index of products does not fit the page index"));
    }
    let checked: Vec<Result<(), DataError>> =
        footer.index.groups.par_iter().map(|group| check_products(&content, &footer.index, group)).collect();
    checked.into_iter().collect::<Result<(), _>>()?;
    let parts = read_year(&content, &footer, countries, None, true, TradeTable::clone)?;
    let table = TradeTable::joined(parts, footer.info.year, footer.info.revision)?;
    Ok((footer.info, footer.hash, table))
}

/// Whether the index and the page index tell the same pages.
fn agrees(index: &Index, metadata: &ParquetMetaData) -> bool {
    let same = |(number, group): (usize, &Group)| {
        let blocks = &index.blocks[group.blocks.clone()];
        let first = blocks.first().map_or(0, |block| block.rows_before);
        let row_group = metadata.row_group(number);
        let page_index = metadata.page_index_for_row_group(number);
        usize::try_from(row_group.num_rows()) == Ok(group.rows)
            && row_group.column(0).byte_range() == (group.products.start, group.products.end - group.products.start)
            && (0..super::index::PAGES).all(|column| {
                let Some(locations) = page_index.page_locations(column + 1) else { return false };
                let is_page = |(block, page): (&Block, &PageLocation)| {
                    let range = &block.pages[column];
                    u64::try_from(page.offset) == Ok(range.start)
                        && u64::try_from(page.compressed_page_size) == Ok(range.end - range.start)
                        && usize::try_from(page.first_row_index) == Ok(block.rows_before - first)
                };
                locations.len() == blocks.len() && blocks.iter().zip(locations).all(is_page)
            })
    };
    metadata.num_row_groups() == index.groups.len() && index.groups.iter().enumerate().all(same)
}

/// The column of products, which our reader never decodes, against the index.
fn check_products(content: &Content, index: &Index, group: &Group) -> Result<(), DataError> {
    let name = content.name();
    let bytes = Bytes::from(content.read(group.products.clone())?);
    if hash_of(&[&bytes]) != group.products_hash {
        return Err(DataError::damaged(&name, "a column of products does not match its BLAKE3 hash"));
    }
    let codes = isolated(&name, || decode(bytes, group.rows))?;
    let mut codes = codes.iter();
    for block in &index.blocks[group.blocks.clone()] {
        for (product, rows) in &index.products[block.products.clone()] {
            if codes.by_ref().take(*rows).filter(|code| code.data() == product.as_bytes()).count() != *rows {
                return Err(DataError::file(&name, format!("the column of products and the index differ at product {product}")));
            }
        }
    }
    Ok(())
}

fn decode(bytes: Bytes, rows: usize) -> Result<Vec<ByteArray>, ParquetError> {
    let column = schema()?.column(0);
    let chunk = ColumnChunkMetaData::builder(column.clone())
        .set_compression(compression(0))
        .set_dictionary_page_offset(Some(0))
        .set_total_compressed_size(i64::try_from(bytes.len())?)
        .build()?;
    let pages = SerializedPageReader::new(Arc::new(bytes), &chunk, rows, None)?;
    let mut codes = Vec::new();
    ColumnReaderImpl::<ByteArrayType>::new(column, Box::new(pages)).read_records(rows, None, None, &mut codes)?;
    Ok(codes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::disallowed_methods)]
mod tests {
    use reorient_core::{CountryCode, HsRevision, Usd, Year};

    use super::*;
    use crate::Row;

    fn info(year: Year) -> YearInfo {
        YearInfo {
            year,
            revision: HsRevision::Hs92,
            release: "test".to_owned(),
            synthetic: true,
            attribution: String::new(),
            unknown_codes: None,
            tables: None,
        }
    }

    #[test]
    fn what_no_reader_takes_is_not_written_or_not_read() {
        let countries = crate::codes::embedded_countries().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("year.parquet");
        let year = Year::new(1990).unwrap();
        let row = |importer, value| {
            let countries = (CountryCode::literal(4), CountryCode::literal(importer));
            Row::new(year, "010121".parse().unwrap(), countries, Usd::new(value), None)
        };
        let most = FLOW_LIMIT - 1;
        for (rows, said) in [
            (vec![row(8, FLOW_LIMIT)], "9007199254740.992: a flow of"),
            (
                vec![row(8, most), row(12, 1)],
                "product 010121: exports of all countries together are 9007199254740.992 thousand USD",
            ),
            (vec![row(8, 0)], "is not positive"),
        ] {
            let refused = write_year(&path, &info(year), rows).unwrap_err().to_string();
            assert!(refused.contains(said), "{refused}");
        }
        write_year(&path, &info(year), vec![row(4, most), row(8, most)]).unwrap();
        assert_eq!(verify_file(&path, &countries).unwrap().2.n_rows(), 2);
        write_year(&path, &YearInfo { release: "\u{1b}[2J".to_owned(), ..info(year) }, vec![row(8, 1)]).unwrap();
        let refused = verify_file(&path, &countries).unwrap_err().to_string();
        assert!(refused.contains("the footer says `\\u{1b}[2J` under `reorient.release`: letter 1 is U+001B"), "{refused}");
    }

    #[test]
    fn a_bit_changed_anywhere_is_found() {
        let countries = crate::codes::embedded_countries().unwrap();
        let codes: Vec<CountryCode> = countries.iter().map(|(_, country)| country.code).collect();
        // All countries of the table are there.
        let year = Year::new(1990).unwrap();
        let mut rows = Vec::new();
        for product in ["010121", "270900", "999999"] {
            for (at, pair) in codes.windows(2).enumerate().step_by(5) {
                let quantity = (!at.is_multiple_of(3)).then_some(7);
                rows.push(Row::new(year, product.parse().unwrap(), (pair[0], pair[1]), Usd::new(1 + at as i64 * 977), quantity));
            }
        }
        let info = info(year);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("year.parquet");
        write_year(&path, &info, rows).unwrap();
        assert_eq!(verify_file(&path, &countries).unwrap().2.n_rows(), 3 * 48);
        let good = std::fs::read(&path).unwrap();
        for at in 0..good.len() {
            let mut bytes = good.clone();
            bytes[at] ^= 1 << (at % 8);
            std::fs::write(&path, &bytes).unwrap();
            assert!(verify_file(&path, &countries).is_err(), "byte {at} of {}", good.len());
        }
        for length in (0..good.len()).step_by(7) {
            std::fs::write(&path, &good[..length]).unwrap();
            assert!(verify_file(&path, &countries).is_err(), "cut off at {length}");
        }
    }
}
