//! Why a download did not come to its end.

use std::io;
use std::path::{Path, PathBuf};

/// Family of an error; a command line turns it into its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FetchErrorKind {
    /// The server does not have or does not give the file (exit code 66).
    Missing,
    /// What it gives is not the file (exit code 65).
    BadData,
    /// The file cannot be written (exit code 74).
    CannotWrite,
}

/// Why a download did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The server has no such file, or refuses it.
    #[error("{url}: the server answers {status}; check --hs and --version, or the address (--base-url)")]
    Status {
        /// Address.
        url: String,
        /// HTTP status.
        status: u16,
    },
    /// The server cannot be reached at all.
    #[error("{url}: {problem}")]
    Unreachable {
        /// Address.
        url: String,
        /// Cause.
        problem: String,
    },
    /// Something that another attempt may mend.
    #[error("{url}: {problem}")]
    Passing {
        /// Address.
        url: String,
        /// Cause.
        problem: String,
    },
    /// Too many attempts in a row brought nothing, or too little for their time.
    #[error(
        "{last}; gave up after {attempts} attempts without progress, {at_hand} bytes are kept: the same command goes on from there"
    )]
    GaveUp {
        /// Attempts in a row.
        attempts: u32,
        /// The last cause.
        last: String,
        /// Bytes downloaded so far.
        at_hand: u64,
    },
    /// Not the file that was wanted.
    #[error("{url}: {problem}")]
    Wrong {
        /// Address.
        url: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The disk is too full.
    #[error("{folder}: {needed} bytes are needed, {free} are free; make room or choose another folder with --out")]
    NoRoom {
        /// Where the file would go.
        folder: PathBuf,
        /// Bytes still to come, and some to spare.
        needed: u64,
        /// Bytes free.
        free: u64,
    },
    /// The disk refuses.
    #[error("{path} cannot be written: {source}")]
    Write {
        /// What was being written.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
}

impl FetchError {
    /// The family of the error.
    pub const fn kind(&self) -> FetchErrorKind {
        match self {
            Self::Status { .. } | Self::Unreachable { .. } | Self::Passing { .. } | Self::GaveUp { .. } => {
                FetchErrorKind::Missing
            }
            Self::Wrong { .. } => FetchErrorKind::BadData,
            Self::NoRoom { .. } | Self::Write { .. } => FetchErrorKind::CannotWrite,
        }
    }

    /// Whether another attempt may succeed.
    pub(crate) const fn is_passing(&self) -> bool {
        matches!(self, Self::Passing { .. } | Self::Unreachable { .. })
    }

    pub(crate) fn write(path: &Path, source: io::Error) -> Self {
        Self::Write { path: path.to_owned(), source }
    }

    /// Overload and server faults pass; the rest does not.
    pub(crate) fn status(url: &str, status: u16) -> Self {
        match status {
            408 | 425 | 429 | 500..=599 => Self::Passing { url: url.to_owned(), problem: format!("the server answers {status}") },
            _ => Self::Status { url: url.to_owned(), status },
        }
    }

    pub(crate) fn from_call(url: &str, error: ureq::Error) -> Self {
        match error {
            ureq::Error::BadUri(problem) => {
                Self::Wrong { url: url.to_owned(), problem: format!("this is no address: {problem}") }
            }
            ureq::Error::TooManyRedirects | ureq::Error::RedirectFailed => Self::Wrong {
                url: url.to_owned(),
                problem: "the server sends from one address to the next without end".to_owned(),
            },
            other => Self::Unreachable { url: url.to_owned(), problem: format!("cannot be reached: {other}") },
        }
    }
}
