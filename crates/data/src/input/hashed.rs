//! The hash of a file by blocks, which any thread may read in any order.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use blake3::hazmat::{ChainingValue, HasherExt, Mode, merge_subtrees_non_root, merge_subtrees_root};
use rayon::prelude::*;

use crate::DataError;
use crate::ingested::FileHash;
use crate::store::Content;

/// Bytes of a block; a power of two, so that the hashes of blocks make the hash of the file.
pub(super) const BLOCK: usize = 1 << 20;

/// How many blocks a file of so many bytes has.
pub(super) const fn count(length: u64) -> u64 {
    length.div_ceil(BLOCK as u64)
}

/// The hash of a block that starts at a position of the file.
pub(super) fn block(from: u64, bytes: &[u8]) -> ChainingValue {
    blake3::Hasher::new().set_input_offset(from).update(bytes).finalize_non_root()
}

/// The same, read for its hash alone.
pub(super) fn read(content: &Content, number: u64) -> Result<ChainingValue, DataError> {
    let from = number * BLOCK as u64;
    let bytes = content.read(from..content.length().min(from + BLOCK as u64))?;
    Ok(block(from, &bytes))
}

/// Name, size and hash of a file from the hashes of all its blocks.
pub(super) fn whole(content: &Content, blocks: &[ChainingValue]) -> Result<FileHash, DataError> {
    let blake3 = match blocks {
        [] => blake3::hash(&[]),
        // A tree needs two leaves.
        [only] => {
            let bytes = content.read(0..content.length())?;
            if block(0, &bytes) != *only {
                return Err(DataError::Changed { file: content.name() });
            }
            blake3::hash(&bytes)
        }
        [..] => {
            let (left, right) = blocks.split_at(left_half(blocks.len()));
            merge_subtrees_root(&merged(left), &merged(right), Mode::Hash)
        }
    };
    let blake3 = blake3.to_hex().to_string();
    Ok(FileHash { name: content.name(), bytes: content.length(), blake3, footer_blake3: None })
}

/// BLAKE3 puts the largest power of two to the left that leaves something for the right.
const fn left_half(count: usize) -> usize {
    count.next_power_of_two() / 2
}

fn merged(blocks: &[ChainingValue]) -> ChainingValue {
    match blocks {
        [only] => *only,
        _ => {
            let (left, right) = blocks.split_at(left_half(blocks.len()));
            merge_subtrees_non_root(&merged(left), &merged(right), Mode::Hash)
        }
    }
}

/// A file that stays open, of which every block is hashed as it is read. A block that is read again must be the same, so that the hash
/// of the file is that of the bytes that were used.
#[derive(Debug)]
pub(crate) struct Watched {
    path: PathBuf,
    content: Content,
    blocks: Mutex<Vec<Option<ChainingValue>>>,
}

impl Watched {
    pub(crate) fn open(path: &Path) -> Result<Arc<Self>, DataError> {
        let content = Content::open(path)?;
        let count = usize::try_from(count(content.length()));
        let count = count.map_err(|_| DataError::file(&content.name(), "the file is too large"))?;
        Ok(Arc::new(Self { path: path.to_owned(), content, blocks: Mutex::new(vec![None; count]) }))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The bytes of a block.
    fn block(&self, number: u64) -> Result<Vec<u8>, DataError> {
        let from = number * BLOCK as u64;
        let bytes = self.content.read(from..self.content.length().min(from + BLOCK as u64))?;
        let hash = block(from, &bytes);
        let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        let known = usize::try_from(number).ok().and_then(|at| blocks.get_mut(at));
        let is_same = known.is_some_and(|known| *known.get_or_insert(hash) == hash);
        if is_same { Ok(bytes) } else { Err(DataError::Changed { file: self.content.name() }) }
    }

    /// Name, size and hash of the whole file; blocks that nobody has read are read for it.
    pub(crate) fn hash(&self) -> Result<FileHash, DataError> {
        let known = || self.blocks.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let missing: Vec<u64> = (0..).zip(known()).filter(|(_, hash)| hash.is_none()).map(|(number, _)| number).collect();
        missing.par_iter().try_for_each(|number| self.block(*number).map(drop))?;
        whole(&self.content, &known().into_iter().flatten().collect::<Vec<_>>())
    }
}

/// A position in such a file, with the block that it is in.
pub(crate) struct WatchedReader {
    file: Arc<Watched>,
    at: u64,
    block: Option<(u64, Vec<u8>)>,
}

impl WatchedReader {
    pub(crate) const fn new(file: Arc<Watched>) -> Self {
        Self { file, at: 0, block: None }
    }
}

impl Read for WatchedReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || self.at >= self.file.content.length() {
            return Ok(0);
        }
        let number = self.at / BLOCK as u64;
        let block = match self.block.take().filter(|(own, _)| *own == number) {
            Some((_, block)) => block,
            None => self.file.block(number).map_err(io::Error::other)?,
        };
        let start = usize::try_from(self.at % BLOCK as u64).map_err(io::Error::other)?;
        let part = block.get(start..).unwrap_or_default();
        let length = part.len().min(buffer.len());
        buffer[..length].copy_from_slice(&part[..length]);
        self.at += length as u64;
        self.block = Some((number, block));
        Ok(length)
    }
}

impl Seek for WatchedReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let before = |origin: u64, by: i64| origin.checked_add_signed(by);
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => before(self.file.content.length(), by),
            SeekFrom::Current(by) => before(self.at, by),
        };
        self.at = at.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a position before the start"))?;
        Ok(self.at)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_bytes_that_were_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for length in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 5] {
            let bytes: Vec<u8> = (0_u8..251).cycle().take(length).collect();
            std::fs::write(&path, &bytes).unwrap();
            let file = Watched::open(&path).unwrap();
            let mut reader = WatchedReader::new(Arc::clone(&file));
            reader.seek(SeekFrom::Start(length as u64 / 2)).unwrap();
            let mut tail = Vec::new();
            reader.read_to_end(&mut tail).unwrap();
            assert_eq!(tail, bytes[length / 2..]);
            let hash = blake3::hash(&bytes).to_hex().to_string();
            assert_eq!(
                file.hash().unwrap(),
                FileHash { name: "file".to_owned(), bytes: length as u64, blake3: hash, footer_blake3: None }
            );
            // Overwritten in place, it is no longer the file that was read.
            if length > 0 {
                std::fs::write(&path, vec![7; length]).unwrap();
                reader.seek(SeekFrom::Start(0)).unwrap();
                let mut again = WatchedReader::new(file);
                assert!(again.read_to_end(&mut Vec::new()).unwrap_err().to_string().contains("changed while it was in use"));
            }
        }
    }
}
