//! Bytes of a file of ours: in the program, or on a disk from which only what is needed is read.

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::DataError;
use crate::error::file_name;

/// Where the bytes are; reads may come from any thread.
#[derive(Debug)]
pub(crate) enum Content {
    Memory { name: String, bytes: &'static [u8] },
    Disk { path: PathBuf, file: File, length: u64 },
}

impl Content {
    /// Opens a file; nothing of it is read yet.
    pub(crate) fn open(path: &Path) -> Result<Self, DataError> {
        let fail = |error| DataError::unreadable(path, &error);
        let file = reorient_files::open(path)?;
        let length = file.metadata().map_err(fail)?.len();
        Ok(Self::Disk { path: path.to_owned(), file, length })
    }

    /// File name without its folder.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Memory { name, .. } => name.clone(),
            Self::Disk { path, .. } => file_name(path),
        }
    }

    /// Number of bytes.
    pub(crate) const fn length(&self) -> u64 {
        match self {
            Self::Memory { bytes, .. } => bytes.len() as u64,
            Self::Disk { length, .. } => *length,
        }
    }

    /// What changes whenever somebody writes to the file or puts another in its place: size, times of its bytes and of its entry.
    pub(crate) fn stamp(&self) -> Result<Stamp, DataError> {
        let Self::Disk { path, file, .. } = self else { return Ok(Stamp::default()) };
        let metadata = file.metadata().map_err(|error| DataError::unreadable(path, &error))?;
        Ok(Stamp { size: metadata.len(), modified: metadata.modified().ok(), entry: entry(&metadata) })
    }

    /// Fills `buffer` from a position on.
    ///
    /// # Errors
    /// [`DataError::Damaged`] when the bytes are not there, [`DataError::Missing`] when the disk refuses.
    pub(crate) fn read_into(&self, start: u64, buffer: &mut [u8]) -> Result<(), DataError> {
        let end = start.checked_add(buffer.len() as u64).filter(|end| *end <= self.length());
        let end = end.ok_or_else(|| DataError::damaged(&self.name(), "it ends before its parts do"))?;
        match self {
            Self::Memory { bytes, .. } => {
                let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
                let part = range.and_then(|(start, end)| bytes.get(start..end));
                buffer.copy_from_slice(part.ok_or_else(|| DataError::Internal("the file in the program is short".to_owned()))?);
                Ok(())
            }
            Self::Disk { path, file, .. } => {
                read_at(path, file, start, buffer).map_err(|error| match error.kind() {
                    // It was as long as this when it was opened.
                    std::io::ErrorKind::UnexpectedEof => DataError::Changed { file: file_name(path) },
                    _ => DataError::unreadable(path, &error),
                })
            }
        }
    }

    /// The bytes of a range.
    ///
    /// # Errors
    /// As [`Self::read_into`].
    pub(crate) fn read(&self, range: Range<u64>) -> Result<Vec<u8>, DataError> {
        if range.start > range.end || range.end > self.length() {
            return Err(DataError::damaged(&self.name(), "it ends before its parts do"));
        }
        let length = usize::try_from(range.end - range.start);
        let mut buffer = vec![0; length.map_err(|_| DataError::file(&self.name(), "the file is too large"))?];
        self.read_into(range.start, &mut buffer)?;
        Ok(buffer)
    }
}

/// See [`Content::stamp`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Stamp {
    size: u64,
    modified: Option<std::time::SystemTime>,
    /// Which file it is, and seconds and nanoseconds of its entry.
    entry: (u64, i64, i64),
}

#[cfg(unix)]
fn entry(metadata: &std::fs::Metadata) -> (u64, i64, i64) {
    use std::os::unix::fs::MetadataExt;
    (metadata.ino(), metadata.ctime(), metadata.ctime_nsec())
}

#[cfg(not(unix))]
const fn entry(_metadata: &std::fs::Metadata) -> (u64, i64, i64) {
    (0, 0, 0)
}

/// Reads at a position without moving the file's own, so that threads do not disturb each other.
#[cfg(unix)]
fn read_at(_path: &Path, file: &File, start: u64, buffer: &mut [u8]) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, start)
}

/// Elsewhere each read opens the file anew: a position is shared by all clones of a file.
#[cfg(not(unix))]
fn read_at(path: &Path, _file: &File, start: u64, buffer: &mut [u8]) -> std::io::Result<()> {
    use std::io::{Read, Seek, SeekFrom};
    let mut file = reorient_files::open(path)?;
    file.seek(SeekFrom::Start(start))?;
    file.read_exact(buffer)
}
