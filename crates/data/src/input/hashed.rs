//! The hash of a file by blocks, which any thread may read in any order.

use blake3::hazmat::{ChainingValue, HasherExt, Mode, merge_subtrees_non_root, merge_subtrees_root};

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
        // A tree needs two leaves.
        [] | [_] => blake3::hash(&content.read(0..content.length())?),
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
