//! What can stop a sweep.

use std::io;
use std::path::PathBuf;

use reorient_data::DataErrorKind;

use crate::{EngineError, EngineErrorKind};

/// Why a store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A full disk, or the operating system refused.
    #[error("cannot write {path}: {source}; what was stored before is safe, start the same command again")]
    Write {
        /// What was being written.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// It is there and cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// What was being read.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// There is no such folder, plan or result.
    #[error("{path}: {problem}")]
    Missing {
        /// What was looked for.
        path: PathBuf,
        /// What to do.
        problem: String,
    },
    /// Not the bytes that were written.
    #[error("{file} is damaged: {problem}")]
    Damaged {
        /// File name.
        file: String,
        /// Where the damage shows.
        problem: String,
    },
    /// It is not what follows from something else.
    #[error("{place}: {problem}")]
    Differs {
        /// File, scenario or source.
        place: String,
        /// What differs, and what to do.
        problem: String,
    },
    /// Somebody else is writing there.
    #[error("{path}: {problem}")]
    Busy {
        /// The folder.
        path: PathBuf,
        /// Who, and what to do.
        problem: String,
    },
}

/// Why a sweep stopped before its end.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The data or the question.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SweepError {
    /// Class of the error.
    pub fn kind(&self) -> EngineErrorKind {
        match self {
            Self::Engine(error) => error.kind(),
            Self::Store(error) => EngineErrorKind::Data(match error {
                StoreError::Write { .. } | StoreError::Busy { .. } => DataErrorKind::CannotWrite,
                StoreError::Read { .. } | StoreError::Missing { .. } => DataErrorKind::Missing,
                StoreError::Damaged { .. } | StoreError::Differs { .. } => DataErrorKind::BadData,
            }),
        }
    }
}
