//! Why a file is not read.

use std::io;
use std::path::{Path, PathBuf};

use crate::limit::{Limit, in_words};

/// Family of an error; a command line turns it into its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileErrorKind {
    /// Not there, not readable, or no regular file (exit code 66).
    CannotRead,
    /// Too large, or no text (exit code 65).
    BadData,
}

/// A file that is not read, with the reason and the remedy.
#[derive(Debug, thiserror::Error)]
#[error("{}: {}", self.path.display(), self.problem())]
pub struct FileError {
    path: PathBuf,
    #[source]
    cause: Cause,
}

/// The reason.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Cause {
    #[error("cannot be read: {0}")]
    Unreadable(#[source] io::Error),
    #[error("is {what}; {remedy}")]
    NotRegular { what: &'static str, remedy: &'static str },
    #[error("is too large: {} has at most {}, this {}; name another file", limit.of(), in_words(limit.bytes()), size_in_words(*size))]
    TooLarge { limit: Limit, size: Option<u64> },
    #[error("is no text in UTF-8")]
    NotText,
}

fn size_in_words(size: Option<u64>) -> String {
    size.map_or_else(|| "goes on".to_owned(), |size| format!("has {size} bytes"))
}

impl FileError {
    pub(crate) fn new(path: &Path, cause: Cause) -> Self {
        Self { path: path.to_owned(), cause }
    }

    /// The file, as it was named.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is wrong with it and what to do, without its path.
    pub fn problem(&self) -> String {
        self.cause.to_string()
    }

    /// The family of the error.
    pub const fn kind(&self) -> FileErrorKind {
        match self.cause {
            Cause::Unreadable(_) | Cause::NotRegular { .. } => FileErrorKind::CannotRead,
            Cause::TooLarge { .. } | Cause::NotText => FileErrorKind::BadData,
        }
    }

    /// Whether nothing has that name.
    pub fn is_absent(&self) -> bool {
        matches!(&self.cause, Cause::Unreadable(error) if error.kind() == io::ErrorKind::NotFound)
    }
}

/// For places that know only errors of the disk. The path is left out, as those places name it.
impl From<FileError> for io::Error {
    fn from(error: FileError) -> Self {
        match error.cause {
            Cause::Unreadable(error) => error,
            cause => Self::new(io::ErrorKind::InvalidInput, format!("it {cause}")),
        }
    }
}
