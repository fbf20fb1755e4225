//! A text in blocks that end where a line ends: read side by side from a plain file, one after the other from a stream.

use std::io::Read;
use std::path::Path;

use blake3::hazmat::ChainingValue;

use crate::DataError;
use crate::ingested::FileHash;
use crate::input::hashed::{self, BLOCK};
use crate::store::{Content, Stamp};

/// CEPII's longest line has some seventy bytes.
pub(super) const LONGEST_LINE: usize = 1 << 16;
/// Bytes behind a block in which its last line mostly ends.
const BEHIND: usize = 256;
/// Bytes before a block that are read with it. Only the last is looked at, but systems copy twice as fast where places in the
/// file and in memory are aligned alike.
const BEFORE: usize = 64;

/// A plain file of which each thread reads blocks of its own.
pub(super) struct Blocks {
    content: Content,
    /// Where the first line behind the header starts.
    start: u64,
    /// Of the block that the header was read from.
    first: Option<ChainingValue>,
    stamp: Stamp,
}

/// Which lines are those of a block: all that start in it.
pub(super) struct Lines<'a> {
    pub(super) text: &'a [u8],
    /// Of the bytes of the block, whether or not they are lines of it.
    pub(super) hash: ChainingValue,
}

impl Blocks {
    pub(super) fn open(path: &Path) -> Result<Self, DataError> {
        let content = Content::open(path)?;
        Ok(Self { stamp: content.stamp()?, content, start: 0, first: None })
    }

    /// The header and the number of its lines, read from the first bytes; blocks begin behind it from now on.
    pub(super) fn header(&mut self) -> Result<(Vec<u8>, u64), DataError> {
        let bytes = self.content.read(0..self.length().min(BLOCK as u64))?;
        self.first = (!bytes.is_empty()).then(|| hashed::block(0, &bytes));
        let (name, mut bytes) = (self.content.name(), bytes.as_slice());
        let mut lines = LineBlocks::new(&name, &mut bytes);
        let header = lines.header()?;
        self.start = lines.start();
        Ok((header, lines.lines))
    }

    pub(super) const fn length(&self) -> u64 {
        self.content.length()
    }

    pub(super) const fn count(&self) -> u64 {
        hashed::count(self.length())
    }

    /// Reads a block into `buffer` and finds its lines.
    pub(super) fn read<'a>(&self, number: u64, buffer: &'a mut Vec<u8>) -> Result<Lines<'a>, DataError> {
        let from = number * BLOCK as u64;
        let length = BLOCK.min(usize::try_from(self.length() - from).unwrap_or(BLOCK));
        // The byte before tells whether the block begins with a line.
        let before = if from > 0 { BEFORE } else { 0 };
        self.fill(from - before as u64, before + length + BEHIND, buffer)?;
        let block = &buffer[before..before + length];
        let hash = hashed::block(from, block);
        let skipped = usize::try_from(self.start.saturating_sub(from)).map_or(length, |skipped| skipped.min(length));
        let first = match skipped {
            0 if from > 0 => line_end(&buffer[before - 1..before + length]).map_or(length, |end| end - 1),
            skipped => skipped,
        };
        let end = if first == length { length } else { self.end(from, before, length, buffer)? };
        Ok(Lines { text: &buffer[before + first..before + end], hash })
    }

    /// Where the line ends that the last byte of a block is in, counted from the start of the block.
    fn end(&self, from: u64, before: usize, length: usize, buffer: &mut Vec<u8>) -> Result<usize, DataError> {
        for behind in [BEHIND, LONGEST_LINE] {
            if behind > BEHIND {
                self.fill(from - before as u64, before + length + behind, buffer)?;
            }
            let last = before + length - 1;
            if let Some(end) = line_end(&buffer[last..]) {
                return Ok(last + end - before);
            }
            if from + (buffer.len() - before) as u64 == self.length() {
                return Ok(buffer.len() - before);
            }
        }
        Err(too_long(&self.content.name(), "a line"))
    }

    fn fill(&self, from: u64, length: usize, buffer: &mut Vec<u8>) -> Result<(), DataError> {
        let length = usize::try_from(self.length() - from).map_or(length, |left| left.min(length));
        buffer.resize(length, 0);
        self.content.read_into(from, buffer)
    }

    /// Name, size and hash of the file from the hashes of all its blocks.
    pub(super) fn hash(&self, blocks: &[ChainingValue]) -> Result<FileHash, DataError> {
        // A line that goes on behind its block is of two looks at those bytes.
        if self.first.as_ref() != blocks.first() || self.content.stamp()? != self.stamp {
            return Err(DataError::Changed { file: self.content.name() });
        }
        hashed::whole(&self.content, blocks)
    }
}

/// Position behind the first end of a line.
fn line_end(text: &[u8]) -> Option<usize> {
    memchr::memchr(b'\n', text).map(|at| at + 1)
}

pub(super) fn too_long(name: &str, what: &str) -> DataError {
    DataError::file(name, format!("{what} is longer than {LONGEST_LINE} bytes; this is not a CSV of CEPII's"))
}

/// A stream in pieces that end where a line ends.
pub(super) struct LineBlocks<'a> {
    name: &'a str,
    reader: &'a mut dyn Read,
    rest: Vec<u8>,
    ended: bool,
    /// Lines taken as a header.
    pub(super) lines: u64,
    /// Bytes taken.
    pub(super) taken: u64,
}

impl<'a> LineBlocks<'a> {
    pub(super) fn new(name: &'a str, reader: &'a mut dyn Read) -> Self {
        Self { name, reader, rest: Vec::new(), ended: false, lines: 0, taken: 0 }
    }

    /// Fills `rest` up to a block, or to the end of the file.
    fn fill(&mut self) -> Result<(), DataError> {
        let missing = BLOCK.saturating_sub(self.rest.len());
        if !self.ended && missing > 0 {
            self.rest.reserve_exact(missing + 32);
            let read = (&mut *self.reader).take(missing as u64).read_to_end(&mut self.rest);
            let read = read.map_err(|error| DataError::damaged(self.name, error.to_string()))?;
            self.taken += read as u64;
            self.ended = read < missing;
        }
        Ok(())
    }

    /// The first line that is not blank, without a byte order mark.
    pub(super) fn header(&mut self) -> Result<Vec<u8>, DataError> {
        self.fill()?;
        if let Some(problem) = super::not_text(&self.rest) {
            return Err(DataError::file(self.name, problem));
        }
        if self.rest.starts_with(b"\xef\xbb\xbf") {
            self.rest.drain(..3);
        }
        // Blank lines are taken away together: a file of nothing else must not move its rest once for each.
        let mut start = 0;
        loop {
            let rest = &self.rest[start..];
            let length = match line_end(&rest[..rest.len().min(LONGEST_LINE)]) {
                Some(end) => end,
                None if self.ended && rest.len() < LONGEST_LINE => rest.len(),
                None => return Err(too_long(self.name, "line 1")),
            };
            let (line, after) = rest.split_at(length);
            self.lines += 1;
            start += length;
            if !line.trim_ascii().is_empty() || after.is_empty() {
                let line = line.to_vec();
                self.rest.drain(..start);
                return Ok(line);
            }
        }
    }

    /// Bytes of the header and of what stands before it.
    pub(super) fn start(&self) -> u64 {
        self.taken - self.rest.len() as u64
    }

    pub(super) fn next(&mut self) -> Result<Option<Vec<u8>>, DataError> {
        self.fill()?;
        if self.rest.is_empty() {
            return Ok(None);
        }
        let end = match memchr::memrchr(b'\n', &self.rest) {
            Some(end) => end + 1,
            None if self.ended => self.rest.len(),
            None => return Err(too_long(self.name, "a line")),
        };
        let rest = self.rest[end..].to_vec();
        self.rest.truncate(end);
        Ok(Some(std::mem::replace(&mut self.rest, rest)))
    }
}
