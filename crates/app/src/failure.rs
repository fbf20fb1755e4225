//! Failures and their exit codes.

use std::fmt;

use reorient_core::lines;
use reorient_data::{DataError, DataErrorKind};
use reorient_engine::sweep::{StoreError, SweepError};
use reorient_engine::{EngineError, EngineErrorKind, ScenarioError};
use reorient_fetch::{FetchError, FetchErrorKind};
use reorient_files::{FileError, FileErrorKind};
use reorient_folder::FolderError;
use reorient_report::{ReportError, StoredError};

/// Some products have no answer.
pub const UNSOLVED: u8 = 3;
/// An answer could not be certified.
pub const NOT_CERTIFIED: u8 = 70;

/// What went wrong and the code to exit with.
#[derive(Debug)]
pub struct Failure {
    code: u8,
    error: anyhow::Error,
}

impl Failure {
    /// A question that cannot be asked (exit code 2).
    pub fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self { code: 2, error: error.into() }
    }

    /// Something asked for is not there (exit code 66).
    pub fn missing(error: impl Into<anyhow::Error>) -> Self {
        Self { code: 66, error: error.into() }
    }

    /// Data that break a rule (exit code 65).
    pub fn bad_data(error: impl Into<anyhow::Error>) -> Self {
        Self { code: 65, error: error.into() }
    }

    /// Something cannot be written (exit code 74).
    pub fn cannot_write(error: impl Into<anyhow::Error>) -> Self {
        Self { code: 74, error: error.into() }
    }

    /// Ended early; the same command goes on (exit code 75).
    pub fn interrupted(error: impl Into<anyhow::Error>) -> Self {
        Self { code: 75, error: error.into() }
    }

    /// A defect of the program (exit code 1).
    pub fn internal(error: impl Into<anyhow::Error>) -> Self {
        Self { code: 1, error: error.into() }
    }

    /// The exit code of the class of failure, as docs/cli.md lists them.
    pub const fn code(&self) -> u8 {
        self.code
    }

    /// The error itself.
    pub const fn error(&self) -> &anyhow::Error {
        &self.error
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The chain of causes, without those that the message before already holds.
        let mut said = String::new();
        for cause in self.error.chain().map(ToString::to_string).filter(|cause| !cause.is_empty()) {
            if !said.contains(&cause) {
                said.push_str(if said.is_empty() { "" } else { ": " });
                said.push_str(&cause);
            }
        }
        // Whatever the causes quote, a terminal gets letters.
        formatter.write_str(&lines(&said))
    }
}

const fn data_code(kind: DataErrorKind) -> u8 {
    match kind {
        DataErrorKind::BadData => 65,
        DataErrorKind::Missing => 66,
        DataErrorKind::CannotWrite => 74,
        DataErrorKind::Internal => 1,
    }
}

impl From<DataError> for Failure {
    fn from(error: DataError) -> Self {
        Self { code: data_code(error.kind()), error: error.into() }
    }
}

impl From<ScenarioError> for Failure {
    fn from(error: ScenarioError) -> Self {
        Self::usage(error)
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        let code = match error.kind() {
            EngineErrorKind::Scenario => 2,
            EngineErrorKind::Data(kind) => data_code(kind),
            EngineErrorKind::NotCertified => NOT_CERTIFIED,
        };
        Self { code, error: error.into() }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let code = match error {
            StoreError::Write { .. } | StoreError::Busy { .. } => 74,
            StoreError::Read { .. } | StoreError::Missing { .. } => 66,
            StoreError::Damaged { .. } | StoreError::Differs { .. } => 65,
        };
        Self { code, error: error.into() }
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        match error.kind() {
            FileErrorKind::CannotRead => Self::missing(error),
            FileErrorKind::BadData => Self::bad_data(error),
        }
    }
}

impl From<FolderError> for Failure {
    fn from(error: FolderError) -> Self {
        Self::cannot_write(error)
    }
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Self {
        Self { code: error.exit_code(), error: error.into() }
    }
}

impl From<StoredError> for Failure {
    fn from(error: StoredError) -> Self {
        let code = match error {
            StoredError::Missing { .. } => 66,
            StoredError::Damaged { .. } => 65,
            StoredError::Differs { .. } => 70,
        };
        Self { code, error: error.into() }
    }
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        let code = match error.kind() {
            FetchErrorKind::BadData => 65,
            FetchErrorKind::Missing => 66,
            FetchErrorKind::CannotWrite => 74,
        };
        Self { code, error: error.into() }
    }
}

impl From<SweepError> for Failure {
    fn from(error: SweepError) -> Self {
        match error {
            SweepError::Engine(error) => error.into(),
            SweepError::Store(error) => error.into(),
        }
    }
}
