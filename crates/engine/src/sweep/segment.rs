//! The form of a stored file: documents, each of them packed on its own, behind an index of their keys, places and hashes.
//!
//! The index is a skippable frame of Zstandard and every document a frame of its own, so `zstd -dc FILE` prints the documents.
//! A file is whole when its index has the hash that it begins with and every document the hash that the index gives.

use reorient_files::{Limit, unpack_zstd};

use super::error::StoreError;
use super::key::Key;

/// Marks a frame that readers of Zstandard pass over.
const SKIPPABLE: u32 = 0x184D_2A5E;
/// Name and version of the form.
const FORMAT: &[u8; 8] = b"reorsw01";
/// Bytes before the index: mark, length, format, hash, number of documents.
const HEAD: usize = 4 + 4 + 8 + 32 + 4;
/// Bytes of a document in the index: key, hash, length.
const ENTRY: usize = 32 + 32 + 4;
/// Fast, and small enough.
const LEVEL: i32 = 3;

/// Where a document of a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) offset: u64,
    pub(crate) length: u32,
    pub(crate) hash: Key,
}

/// A document, packed.
#[derive(Debug, Clone)]
pub(crate) struct Packed {
    pub(crate) key: Key,
    bytes: Vec<u8>,
}

/// Packs a document.
pub(crate) fn pack(key: Key, document: &[u8]) -> Packed {
    // Packing into memory does not fail.
    Packed { key, bytes: zstd::bulk::compress(document, LEVEL).unwrap_or_default() }
}

/// The bytes of a file and the hash of its index, which stands for all of it.
pub(crate) fn encode(documents: &[Packed]) -> (Vec<u8>, Key) {
    let mut index = Vec::with_capacity(4 + documents.len() * ENTRY);
    index.extend(u32::try_from(documents.len()).unwrap_or(u32::MAX).to_le_bytes());
    for document in documents {
        index.extend(document.key.0);
        index.extend(Key::of(&document.bytes).0);
        index.extend(u32::try_from(document.bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
    }
    let hash = Key::of(&index);
    let mut bytes = Vec::with_capacity(HEAD + index.len() + documents.iter().map(|document| document.bytes.len()).sum::<usize>());
    bytes.extend(SKIPPABLE.to_le_bytes());
    bytes.extend(u32::try_from(FORMAT.len() + 32 + index.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend(FORMAT);
    bytes.extend(hash.0);
    bytes.extend(&index);
    documents.iter().for_each(|document| bytes.extend(&document.bytes));
    (bytes, hash)
}

/// The places of a file's documents, once every byte of it has been checked.
///
/// # Errors
/// [`StoreError::Damaged`] when a byte is missing, left over or another one than was written.
pub(crate) fn check(file: &str, bytes: &[u8]) -> Result<Vec<(Key, Place)>, StoreError> {
    let damaged = |problem: &str| StoreError::Damaged { file: file.to_owned(), problem: problem.to_owned() };
    let word = |at: usize| bytes.get(at..at + 4).and_then(|word| word.try_into().ok()).map(u32::from_le_bytes);
    let key = |at: usize| bytes.get(at..at + 32).and_then(|key| key.try_into().ok()).map(Key);
    if word(0) != Some(SKIPPABLE) || bytes.get(8..16) != Some(FORMAT) {
        return Err(damaged("it does not begin as a file of this version"));
    }
    let short = || damaged("it ends too early");
    let (stored, n_documents) = (key(16).ok_or_else(short)?, word(HEAD - 4).ok_or_else(short)? as usize);
    let start = n_documents.checked_mul(ENTRY).and_then(|index| index.checked_add(HEAD)).ok_or_else(short)?;
    let index = bytes.get(HEAD - 4..start).ok_or_else(short)?;
    if Key::of(index) != stored || word(4).map(|length| length as usize) != Some(start - 8) {
        return Err(damaged("its index does not have its hash"));
    }
    let mut places = Vec::with_capacity(n_documents);
    let mut offset = start;
    for at in (HEAD..start).step_by(ENTRY) {
        let (own, hash, length) = (key(at).ok_or_else(short)?, key(at + 32).ok_or_else(short)?, word(at + 64).ok_or_else(short)?);
        let document = bytes.get(offset..offset + length as usize).ok_or_else(short)?;
        if Key::of(document) != hash {
            return Err(damaged("a result does not have its hash"));
        }
        places.push((own, Place { offset: offset as u64, length, hash }));
        offset += length as usize;
    }
    if offset != bytes.len() {
        return Err(damaged("it goes on after its last result"));
    }
    Ok(places)
}

/// The hash of the index of a file, by which it is named.
pub(crate) fn index_hash(bytes: &[u8]) -> Option<Key> {
    bytes.get(16..48).and_then(|hash| hash.try_into().ok()).map(Key)
}

/// A document from its bytes; `limit` is what one of its kind has at most.
///
/// # Errors
/// [`StoreError::Damaged`] when they are not those that were written.
pub(crate) fn unpack(file: &str, place: &Place, bytes: &[u8], limit: Limit) -> Result<Vec<u8>, StoreError> {
    let damaged = |problem: &str| StoreError::Damaged { file: file.to_owned(), problem: problem.to_owned() };
    if Key::of(bytes) != place.hash {
        return Err(damaged("a result does not have its hash; it changed while it was in use"));
    }
    unpack_zstd(bytes, limit).map_err(|error| damaged(&error.to_string()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn file() -> (Vec<u8>, Vec<Packed>) {
        let documents: Vec<Packed> = (0..5_u8).map(|at| pack(Key::of(&[at]), &vec![at; 40 + usize::from(at)])).collect();
        (encode(&documents).0, documents)
    }

    #[test]
    fn documents_come_back() {
        let (bytes, documents) = file();
        let places = check("x", &bytes).unwrap();
        assert_eq!(places.len(), documents.len());
        for (at, (key, place)) in places.iter().enumerate() {
            let start = usize::try_from(place.offset).unwrap();
            let own = unpack("x", place, &bytes[start..start + place.length as usize], Limit::RESULT).unwrap();
            assert_eq!((*key, own), (documents[at].key, vec![u8::try_from(at).unwrap(); 40 + at]));
        }
        assert_eq!(check("x", &encode(&[]).0).unwrap(), []);
        // Other programs read it too.
        assert_eq!(unpack_zstd(&bytes, Limit::RESULT).unwrap().len(), 40 + 41 + 42 + 43 + 44);
    }

    #[test]
    fn every_changed_byte_and_every_length_but_its_own_is_damage() {
        let (bytes, _) = file();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            assert!(check("x", &changed).is_err(), "byte {at}");
            assert!(check("x", &bytes[..at]).is_err(), "{at} bytes");
        }
        assert!(check("x", &[bytes.as_slice(), &[0]].concat()).is_err());
    }
}
