//! Which checksum a file carries, so that damage to it is seen when it is read.

use std::path::Path;

use parquet::arrow::ProjectionMask;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use serde::{Deserialize, Serialize};

use crate::DataError;
use crate::store::Content;

/// What is compared when a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Integrity {
    /// Nothing: a plain CSV, a Zstandard file without checksum, Parquet of other tools without, a table in memory.
    #[default]
    None,
    /// A BLAKE3 hash of every byte that is used: our own files.
    Blake3,
    /// CRC-32 of what a zip or gzip unpacks to.
    Crc32,
    /// The content checksum of every Zstandard frame.
    ZstdChecksum,
    /// CRC-32 of the pages of a Parquet file; its footer has none.
    PageCrc,
}

impl Integrity {
    /// Name in manifests.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Blake3 => "blake3",
            Self::Crc32 => "crc32",
            Self::ZstdChecksum => "zstd-checksum",
            Self::PageCrc => "page-crc",
        }
    }

    /// Of a Zstandard file: whether each of its frames has a checksum.
    ///
    /// # Errors
    /// [`DataError`] when the file cannot be read. Of a damaged file nothing is promised.
    pub(crate) fn of_zstd(path: &Path) -> Result<Self, DataError> {
        let content = Content::open(path)?;
        let frames = Frames { content: &content, at: 0 };
        Ok(if frames.all_checked()? == Some(true) { Self::ZstdChecksum } else { Self::None })
    }

    /// Of a Parquet file of another tool: whether the first pages of every column that is read have a checksum. Writers give one to
    /// every page or to none.
    ///
    /// # Errors
    /// [`DataError`] when the file cannot be read.
    pub(crate) fn of_pages(content: &Content, metadata: &ParquetMetaData, wanted: &ProjectionMask) -> Result<Self, DataError> {
        let columns = metadata.row_groups().iter().flat_map(|group| group.columns().iter().enumerate());
        let wanted = columns.filter(|(leaf, _)| wanted.leaf_included(*leaf));
        let mut pages = 0;
        for at in wanted.flat_map(|(_, column)| first_pages(column)) {
            if !has_crc(content, at)? {
                return Ok(Self::None);
            }
            pages += 1;
        }
        Ok(if pages > 0 { Self::PageCrc } else { Self::None })
    }
}

/// Where the dictionary of a column stands, if it has one, and its first page of values.
fn first_pages(column: &ColumnChunkMetaData) -> impl Iterator<Item = u64> + use<> {
    let offsets = column.dictionary_page_offset().into_iter().chain([column.data_page_offset()]);
    offsets.filter_map(|offset| u64::try_from(offset).ok())
}

/// Whether the header of a page has the fourth field of Parquet's `PageHeader`, its CRC. Three numbers stand before it: the kind
/// and the two lengths of the page, each a byte that says so (`0x15`) and a number of up to five bytes.
fn has_crc(content: &Content, at: u64) -> Result<bool, DataError> {
    const NUMBER: u8 = 0x15;
    let length = content.length().saturating_sub(at).min(3 * 6 + 1);
    let bytes = content.read(at..at + length)?;
    let mut bytes = bytes.iter();
    for _ in 0..3 {
        if bytes.next() != Some(&NUMBER) || !bytes.any(|byte| byte & 0x80 == 0) {
            return Ok(false);
        }
    }
    Ok(bytes.next() == Some(&NUMBER))
}

/// Walks over the frames of a Zstandard file by the lengths in their headers (RFC 8878); nothing is unpacked.
struct Frames<'a> {
    content: &'a Content,
    at: u64,
}

impl Frames<'_> {
    /// Whether every frame has a checksum; none where the file is no whole number of frames, or holds none.
    fn all_checked(mut self) -> Result<Option<bool>, DataError> {
        const FRAME: u64 = 0xFD2F_B528;
        const SKIPPABLE: u64 = 0x184D_2A50;
        let (mut frames, mut all) = (0, true);
        while self.at < self.content.length() {
            let Some(magic) = self.number(4)? else { return Ok(None) };
            if magic & !0xF == SKIPPABLE {
                let Some(length) = self.number(4)? else { return Ok(None) };
                self.at += length;
            } else if magic == FRAME {
                let Some(is_checked) = self.frame()? else { return Ok(None) };
                frames += 1;
                all &= is_checked;
            } else {
                return Ok(None);
            }
        }
        Ok((frames > 0 && self.at == self.content.length()).then_some(all))
    }

    /// Moves behind a frame, whose magic number was read.
    fn frame(&mut self) -> Result<Option<bool>, DataError> {
        let Some(descriptor) = self.number(1)? else { return Ok(None) };
        let is_single_segment = descriptor & 0x20 != 0;
        let is_checked = descriptor & 0x04 != 0;
        let window = u64::from(!is_single_segment);
        let dictionary = [0, 1, 2, 4][usize::try_from(descriptor & 3).unwrap_or_default()];
        let size = match descriptor >> 6 {
            0 => u64::from(is_single_segment),
            flag => 1 << flag,
        };
        self.at += window + dictionary + size;
        loop {
            let Some(block) = self.number(3)? else { return Ok(None) };
            let (is_last, kind, length) = (block & 1 != 0, block >> 1 & 3, block >> 3);
            // A block of one byte, repeated, holds that byte.
            self.at += if kind == 1 { 1 } else { length };
            if is_last {
                self.at += if is_checked { 4 } else { 0 };
                return Ok(Some(is_checked));
            }
        }
    }

    /// A number of so many bytes, the lowest first; none where the file ends before.
    fn number(&mut self, length: u64) -> Result<Option<u64>, DataError> {
        let end = self.at.saturating_add(length);
        if end > self.content.length() {
            return Ok(None);
        }
        let bytes = self.content.read(self.at..end)?;
        self.at = end;
        Ok(Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Write;

    use super::*;

    fn packed(text: &[u8], level: i32, checked: bool, sized: bool) -> Vec<u8> {
        let mut encoder = zstd::Encoder::new(Vec::new(), level).unwrap();
        encoder.include_checksum(checked).unwrap();
        encoder.set_pledged_src_size(sized.then_some(text.len() as u64)).unwrap();
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn of(bytes: &[u8]) -> Integrity {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        Integrity::of_zstd(file.path()).unwrap()
    }

    #[test]
    fn every_frame_must_have_a_checksum() {
        let long: Vec<u8> = (0..700_000_u32).flat_map(|number| (number.wrapping_mul(2_654_435_761) >> 7).to_le_bytes()).collect();
        for text in [&b""[..], b"t,i,j,k,v,q", &[b'0'; 300_000], &long] {
            for sized in [true, false] {
                let [with, without] = [true, false].map(|checked| packed(text, 3, checked, sized));
                assert_eq!((of(&with), of(&without)), (Integrity::ZstdChecksum, Integrity::None), "{}", text.len());
                let skipped = [&[0x5a, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9][..], &with].concat();
                assert_eq!(of(&skipped), Integrity::ZstdChecksum);
                assert_eq!(of(&[&with[..], &with].concat()), Integrity::ZstdChecksum);
                assert_eq!(of(&[&with[..], &without].concat()), Integrity::None);
                // The reader refuses these; here they promise nothing.
                assert_eq!(of(&with[..with.len() - 1]), Integrity::None);
                assert_eq!(of(&[&with[..], b"x"].concat()), Integrity::None);
            }
        }
        assert_eq!(of(b""), Integrity::None);
    }
}
