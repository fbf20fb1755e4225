//! The footer of our layout and the index before it: verified first, then understood.

use std::ops::Range;
use std::str::FromStr;

use parquet::file::metadata::ParquetMetaDataReader;
use reorient_core::{Text, check_letters, shown};

use super::index::Index;
use super::read::isolated;
use super::*;
use crate::DataError;
use crate::ingested::FileHash;

/// Read at once from the end of a file; the footer of a year is shorter.
const TAIL: u64 = 1 << 16;
/// No footer of a year comes near this; a damaged length must not allocate gigabytes.
const LONGEST: u64 = 1 << 28;

/// A verified footer with the verified index.
#[derive(Debug, Clone)]
pub(crate) struct Footer {
    pub(crate) info: YearInfo,
    pub(crate) index: Index,
    /// Hexadecimal digits. By way of the hashes in the footer it stands for every byte of the file.
    pub(crate) hash: String,
    pub(super) page_index: Range<u64>,
    pub(super) page_index_hash: String,
}

impl Footer {
    /// Reads the end of a file only.
    pub(crate) fn open(content: &Content) -> Result<Self, DataError> {
        let name = content.name();
        let size = content.length();
        let mut tail = content.read(size.saturating_sub(TAIL)..size)?;
        let length = footer_length(&name, &tail)?;
        let start = (size - 8).checked_sub(length).ok_or_else(|| DataError::damaged(&name, "the footer is cut off"))?;
        if size - start > tail.len() as u64 {
            tail = content.read(start..size)?;
        }
        let skipped = tail.len() as u64 - (size - start);
        let bytes = usize::try_from(skipped).ok().and_then(|skipped| tail.get(skipped..)).unwrap_or_default();
        Self::verify(content, &name, bytes, start)
    }

    /// Name, size and the hash that stands for the file.
    pub(crate) fn file_hash(&self, content: &Content) -> FileHash {
        FileHash {
            name: content.name(),
            bytes: content.length(),
            blake3: self.hash.clone(),
            footer_blake3: Some(self.hash.clone()),
        }
    }

    /// `bytes` are the footer with its length and the closing mark; `start` is its position in the file.
    fn verify(content: &Content, name: &str, bytes: &[u8], start: u64) -> Result<Self, DataError> {
        let footer_end = bytes.len() - 8;
        let at = hash_position(&bytes[..footer_end], KEY_FOOTER).ok_or_else(|| not_ours(name))?;
        let mut blanked = bytes.to_vec();
        blanked[at..at + BLANK.len()].copy_from_slice(BLANK.as_bytes());
        let hash = hex(&blanked);
        if hash.as_bytes() != &bytes[at..at + BLANK.len()] {
            return Err(DataError::damaged(name, "the footer does not match its BLAKE3 hash"));
        }
        let metadata = isolated(name, || ParquetMetaDataReader::decode_metadata(&bytes[..footer_end]))?;
        let pairs = metadata.file_metadata().key_value_metadata();
        let optional = |key: &str| {
            let pair = pairs.into_iter().flatten().find(|pair| pair.key == key);
            pair.and_then(|pair| pair.value.as_deref())
        };
        let get = |key: &str| optional(key).ok_or_else(|| DataError::file(name, format!("the footer lacks `{key}`")));
        if get(KEY_FORMAT)? != FORMAT {
            let problem =
                format!("it is of format {}, this version reads format {FORMAT}; ingest CEPII's file again", get(KEY_FORMAT)?);
            return Err(DataError::file(name, problem));
        }
        // What stands in titles.
        let text = |key: &str| {
            let text = get(key)?;
            let checked = check_letters(text, Text::DESCRIPTION).map(|()| text.to_owned());
            checked.map_err(|error| DataError::file(name, format!("the footer says `{}` under `{key}`: {error}", shown(text))))
        };
        let info = YearInfo {
            year: parse(name, KEY_YEAR, get(KEY_YEAR)?)?,
            revision: parse(name, KEY_REVISION, get(KEY_REVISION)?)?,
            release: text(KEY_RELEASE)?,
            synthetic: parse(name, KEY_SYNTHETIC, get(KEY_SYNTHETIC)?)?,
            attribution: text(KEY_ATTRIBUTION)?,
            unknown_codes: match optional(KEY_UNKNOWN_CODES) {
                None => None,
                Some(text) => Some(serde_json::from_str(text).map_err(|error| {
                    DataError::file(name, format!("the footer says `{text}` under `{KEY_UNKNOWN_CODES}`: {error}"))
                })?),
            },
            tables: match optional(KEY_COUNTRY_TABLE) {
                None => None,
                Some(countries) => {
                    let products = get(KEY_PRODUCT_TABLE)?;
                    let products = (products != NO_TABLE).then(|| products.to_owned());
                    Some(TableSeal { countries: countries.to_owned(), products })
                }
            },
        };
        let place = get(KEY_INDEX)?;
        let odd = || DataError::file(name, format!("the footer says `{place}` under `{KEY_INDEX}`"));
        let (from, rest) = place.split_once(':').ok_or_else(odd)?;
        let (to, index_hash) = rest.split_once(':').ok_or_else(odd)?;
        let place = parse::<u64>(name, KEY_INDEX, from)?..parse::<u64>(name, KEY_INDEX, to)?;
        if place.start > place.end || place.end > start {
            return Err(odd());
        }
        let index = content.read(place.clone())?;
        if hex(&index) != index_hash {
            return Err(DataError::damaged(name, "the index of products does not match its BLAKE3 hash"));
        }
        let index = Index::decode(name, &index, place.start)?;
        let page_index_hash = get(KEY_PAGE_INDEX)?.to_owned();
        Ok(Self { info, index, hash, page_index: place.end..start, page_index_hash })
    }
}

/// Length of the footer from the end of a file.
fn footer_length(name: &str, tail: &[u8]) -> Result<u64, DataError> {
    let length = tail.len().checked_sub(8).and_then(|at| tail[at..].first_chunk::<4>()).copied().map(u32::from_le_bytes);
    let length = length.filter(|_| tail.ends_with(MAGIC)).map(u64::from).ok_or_else(|| not_ours(name))?;
    if length > LONGEST { Err(DataError::damaged(name, "the footer length is absurd")) } else { Ok(length) }
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
