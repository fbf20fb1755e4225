//! What can go wrong while data are read or written.

use std::io;
use std::path::Path;

pub(crate) use reorient_core::file_name;
use reorient_core::{CountryIndex, ProductCode, Year, shown};
use reorient_files::{FileError, FileErrorKind};

/// Family of an error; a command line turns it into its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DataErrorKind {
    /// The input breaks a rule or is damaged (exit code 65).
    BadData,
    /// The input cannot be found or read (exit code 66).
    Missing,
    /// The output cannot be written (exit code 74).
    CannotWrite,
    /// A defect of the program itself (exit code 1).
    Internal,
}

/// An error with the file, the place and the value that caused it.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// One value breaks a rule.
    #[error("{file}, {place}, column `{column}`: `{}`: {problem}", shown(value))]
    Value {
        /// File name.
        file: String,
        /// Line of a text file or row of a Parquet file, counted from 1.
        place: String,
        /// Name of the column.
        column: &'static str,
        /// The value as it stands in the file.
        value: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A whole file breaks a rule.
    #[error("{file}: {problem}")]
    File {
        /// File name.
        file: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// The bytes of a file are not those that were written.
    #[error("{file} is damaged: {problem}; fetch or convert it again")]
    Damaged {
        /// File name.
        file: String,
        /// Where the damage shows.
        problem: String,
    },
    /// What was read is not what was seen before: somebody replaced it meanwhile.
    #[error("{file} changed while it was in use: run the same command again; what is stored so far stays")]
    Changed {
        /// File name.
        file: String,
    },
    /// One key stands twice among rows.
    #[error(
        "year {year}: product {product}, exporter at position {} and importer at position {} of the country table stand twice",
        exporter.0,
        importer.0
    )]
    Duplicate {
        /// Year of the table.
        year: Year,
        /// Product of the key.
        product: ProductCode,
        /// Exporter of the key.
        exporter: CountryIndex,
        /// Importer of the key.
        importer: CountryIndex,
    },
    /// A file or a year that is not there or cannot be read.
    #[error("{file}: {problem}")]
    Missing {
        /// File name.
        file: String,
        /// What was looked for and what to do.
        problem: String,
    },
    /// A file that cannot be written.
    #[error("{file} cannot be written: {problem}")]
    CannotWrite {
        /// File name.
        file: String,
        /// Cause.
        problem: String,
    },
    /// A folder that is not free.
    #[error(transparent)]
    Folder(#[from] reorient_folder::FolderError),
    /// Several of them, in the order in which they were met.
    #[error("{}{}", errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
        if *stopped { "\nand perhaps more; --max-errors lists more" } else { "" })]
    Several {
        /// Two or more.
        errors: Vec<DataError>,
        /// Whether the search ended at the most that were to be named.
        stopped: bool,
    },
    /// A defect of the program.
    #[error("internal error: {0}")]
    Internal(String),
}

impl DataError {
    /// The family of the error.
    pub fn kind(&self) -> DataErrorKind {
        match self {
            Self::Value { .. } | Self::File { .. } | Self::Damaged { .. } | Self::Changed { .. } | Self::Duplicate { .. } => {
                DataErrorKind::BadData
            }
            Self::Several { errors, .. } => errors.first().map_or(DataErrorKind::Internal, Self::kind),
            Self::Missing { .. } => DataErrorKind::Missing,
            Self::CannotWrite { .. } | Self::Folder(_) => DataErrorKind::CannotWrite,
            Self::Internal(_) => DataErrorKind::Internal,
        }
    }

    pub(crate) fn file(file: &str, problem: impl Into<String>) -> Self {
        Self::File { file: file.to_owned(), problem: problem.into() }
    }

    pub(crate) fn damaged(file: &str, problem: impl Into<String>) -> Self {
        Self::Damaged { file: file.to_owned(), problem: problem.into() }
    }

    pub(crate) fn unreadable(path: &Path, error: &io::Error) -> Self {
        Self::Missing { file: path.display().to_string(), problem: format!("cannot be read: {error}") }
    }

    pub(crate) fn unwritable(path: &Path, error: impl std::fmt::Display) -> Self {
        Self::CannotWrite { file: path.display().to_string(), problem: error.to_string() }
    }
}

impl From<FileError> for DataError {
    fn from(error: FileError) -> Self {
        match error.kind() {
            FileErrorKind::CannotRead => Self::Missing { file: error.path().display().to_string(), problem: error.problem() },
            FileErrorKind::BadData => Self::File { file: file_name(error.path()), problem: error.problem() },
        }
    }
}
