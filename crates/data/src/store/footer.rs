//! The footer of our layout: verified first, then understood.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;
use std::str::FromStr;

use parquet::file::metadata::ParquetMetaDataReader;

use super::read::isolated;
use super::*;
use crate::DataError;
use crate::error::file_name;

/// A verified footer.
#[derive(Debug, Clone)]
pub(crate) struct Footer {
    pub(crate) info: YearInfo,
    /// Products with their numbers of rows, in the order of the rows.
    pub(crate) products: Vec<(ProductCode, usize)>,
    pub(super) groups: Vec<RowGroup>,
    pub(super) page_index_hash: String,
    /// Position of the first byte of the footer.
    pub(super) start: usize,
}

#[derive(Debug, Clone)]
pub(super) struct RowGroup {
    pub(super) bytes: Range<usize>,
    pub(super) rows: usize,
    pub(super) hash: String,
}

impl Footer {
    /// Reads the end of a file only.
    pub(crate) fn open(path: &Path) -> Result<Self, DataError> {
        let name = file_name(path);
        let fail = |error: std::io::Error| DataError::unreadable(path, &error);
        let mut file = File::open(path).map_err(fail)?;
        let size = file.seek(SeekFrom::End(0)).map_err(fail)?;
        let mut tail = vec![0; 8];
        let tail_at = size.checked_sub(8).ok_or_else(|| not_ours(&name))?;
        file.seek(SeekFrom::Start(tail_at)).map_err(fail)?;
        file.read_exact(&mut tail).map_err(fail)?;
        let length = footer_length(&name, &tail)?;
        let start = tail_at.checked_sub(length as u64).ok_or_else(|| DataError::damaged(&name, "the footer is cut off"))?;
        let mut bytes = vec![0; length + 8];
        file.seek(SeekFrom::Start(start)).map_err(fail)?;
        file.read_exact(&mut bytes).map_err(fail)?;
        let start = usize::try_from(start).map_err(|_| DataError::file(&name, "the file is too large"))?;
        Self::verify(&name, &bytes, start)
    }

    /// From the bytes of a whole file.
    pub(crate) fn of_bytes(name: &str, bytes: &[u8]) -> Result<Self, DataError> {
        let tail_at = bytes.len().checked_sub(8).ok_or_else(|| not_ours(name))?;
        let length = footer_length(name, &bytes[tail_at..])?;
        let start = tail_at.checked_sub(length).ok_or_else(|| DataError::damaged(name, "the footer is cut off"))?;
        Self::verify(name, &bytes[start..], start)
    }

    /// `bytes` are the footer with its length and the closing mark; `start` is its position in the file.
    fn verify(name: &str, bytes: &[u8], start: usize) -> Result<Self, DataError> {
        let footer_end = bytes.len() - 8;
        let at = hash_position(&bytes[..footer_end], KEY_FOOTER).ok_or_else(|| not_ours(name))?;
        let mut blanked = bytes.to_vec();
        blanked[at..at + BLANK.len()].copy_from_slice(BLANK.as_bytes());
        if hex(&blanked).as_bytes() != &bytes[at..at + BLANK.len()] {
            return Err(DataError::damaged(name, "the footer does not match its BLAKE3 hash"));
        }
        let metadata = isolated(name, || ParquetMetaDataReader::decode_metadata(&bytes[..footer_end]))?;
        let pairs = metadata.file_metadata().key_value_metadata();
        let get = |key: &str| {
            let pair = pairs.into_iter().flatten().find(|pair| pair.key == key);
            pair.and_then(|pair| pair.value.as_deref()).ok_or_else(|| DataError::file(name, format!("the footer lacks `{key}`")))
        };
        if get(KEY_FORMAT)? != FORMAT {
            let problem = format!("format {} is not format {FORMAT}; convert the CEPII file again", get(KEY_FORMAT)?);
            return Err(DataError::file(name, problem));
        }
        let info = YearInfo {
            year: parse(name, KEY_YEAR, get(KEY_YEAR)?)?,
            revision: parse(name, KEY_REVISION, get(KEY_REVISION)?)?,
            release: get(KEY_RELEASE)?.to_owned(),
            synthetic: parse(name, KEY_SYNTHETIC, get(KEY_SYNTHETIC)?)?,
            attribution: get(KEY_ATTRIBUTION)?.to_owned(),
        };
        let mut products = Vec::new();
        for entry in get(KEY_PRODUCTS)?.split_whitespace() {
            let (product, rows) = entry.split_once(':').unwrap_or((entry, ""));
            products.push((parse(name, KEY_PRODUCTS, product)?, parse(name, KEY_PRODUCTS, rows)?));
        }
        let mut groups = Vec::new();
        let mut end = MAGIC.len();
        for entry in get(KEY_ROW_GROUPS)?.split_whitespace() {
            let parts: Vec<&str> = entry.split(':').collect();
            let [from, to, rows, hash] = parts[..] else {
                return Err(DataError::file(name, format!("`{KEY_ROW_GROUPS}`: `{entry}` is no row group")));
            };
            let bytes = parse(name, KEY_ROW_GROUPS, from)?..parse(name, KEY_ROW_GROUPS, to)?;
            if bytes.start != end || bytes.end < end || bytes.end > start {
                return Err(DataError::file(name, format!("`{KEY_ROW_GROUPS}`: `{entry}` does not follow the one before")));
            }
            end = bytes.end;
            groups.push(RowGroup { bytes, rows: parse(name, KEY_ROW_GROUPS, rows)?, hash: hash.to_owned() });
        }
        Ok(Self { info, products, groups, page_index_hash: get(KEY_PAGE_INDEX)?.to_owned(), start })
    }
}

fn footer_length(name: &str, tail: &[u8]) -> Result<usize, DataError> {
    let length = tail.first_chunk::<4>().copied().map(u32::from_le_bytes);
    let length = length.filter(|_| tail.ends_with(MAGIC)).ok_or_else(|| not_ours(name))?;
    // No footer of a year comes near this; a damaged length must not allocate gigabytes.
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length > 1 << 28 { Err(DataError::damaged(name, "the footer length is absurd")) } else { Ok(length) }
}

fn not_ours(name: &str) -> DataError {
    DataError::file(
        name,
        "this is not a Parquet file written by reorient, or it is damaged; give the CEPII CSV or convert it again",
    )
}

fn parse<T: FromStr>(name: &str, key: &str, text: &str) -> Result<T, DataError> {
    text.parse().map_err(|_| DataError::file(name, format!("the footer says `{text}` under `{key}`")))
}
