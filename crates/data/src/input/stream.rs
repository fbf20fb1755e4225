//! Files as streams of bytes that end when they grow beyond reason.

use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::hashed::{Watched, WatchedReader};
use crate::DataError;
use crate::error::file_name;

/// A year of BACI has some 400 MB; the longest file that is read.
pub(crate) const LONGEST: u64 = 64 << 30;
/// BACI shrinks by a factor of four to eight; text that shrinks by more than this is not trade.
pub(crate) const LARGEST_RATIO: u64 = 200;
/// What is this short may shrink by any factor.
pub(crate) const FREE: u64 = 1 << 20;

/// How a CSV is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    Plain,
    Gzip,
    Zstandard,
}

impl Packing {
    /// By the name in lower case; none for what is no CSV.
    pub(crate) fn of(lower: &str) -> Option<Self> {
        [(".csv", Self::Plain), (".csv.gz", Self::Gzip), (".csv.zst", Self::Zstandard)]
            .into_iter()
            .find_map(|(ending, packing)| lower.ends_with(ending).then_some(packing))
    }
}

/// A text as it is unpacked, the number of packed bytes taken so far, and the file that they come from.
pub(crate) type Unpacking = (Box<dyn Read>, Box<dyn Fn() -> u64>, Arc<Watched>);

/// Opens a packed CSV, unpacking as it is read.
pub(crate) fn open(path: &Path, packing: Packing) -> Result<Unpacking, DataError> {
    let file = Watched::open(path)?;
    let packed = Arc::new(AtomicU64::new(0));
    let reader = BufReader::with_capacity(1 << 18, WatchedReader::new(Arc::clone(&file)));
    let inner = Counted { inner: reader, count: Arc::clone(&packed) };
    let unpacked: Box<dyn Read> = match packing {
        Packing::Gzip => Box::new(flate2::read::MultiGzDecoder::new(inner)),
        Packing::Plain | Packing::Zstandard => {
            let mut decoder =
                zstd::Decoder::new(inner).map_err(|error| DataError::damaged(&file_name(path), error.to_string()))?;
            // 128 MiB, what zstd itself takes as the largest window without being asked.
            decoder.window_log_max(27).map_err(|error| DataError::Internal(error.to_string()))?;
            Box::new(decoder)
        }
    };
    let taken = Arc::clone(&packed);
    let limited = Limited { inner: unpacked, packed, done: 0 };
    Ok((Box::new(limited), Box::new(move || taken.load(Ordering::Relaxed)), file))
}

/// Counts the bytes that a decoder takes.
struct Counted<R> {
    inner: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let done = self.inner.read(buffer)?;
        self.count.fetch_add(done as u64, Ordering::Relaxed);
        Ok(done)
    }
}

/// Ends in an error where too much comes out, or too much for what went in.
struct Limited<R> {
    inner: R,
    packed: Arc<AtomicU64>,
    done: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let done = self.inner.read(buffer)?;
        self.done += done as u64;
        if self.done > LONGEST {
            return Err(io::Error::other(format!("it is longer than {} GiB", LONGEST >> 30)));
        }
        let packed = self.packed.load(Ordering::Relaxed);
        if self.done > FREE && self.done / LARGEST_RATIO > packed {
            return Err(io::Error::other(format!("it unpacks to more than {LARGEST_RATIO} times its size, as no trade data do")));
        }
        Ok(done)
    }
}
