//! Rows that break a rule: an error with its place, or by declared policy a line of the ledger.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use reorient_core::shown;

use crate::DataError;

/// Why a row cannot be used as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// A year that is no year, or not the year of its file.
    BadYear,
    /// A country number or product code that is malformed.
    BadCode,
    /// A country that the country table does not list.
    UnknownCountry,
    /// A value that is missing, no number, infinite, too precise or too large.
    BadValue,
    /// A value of zero: BACI has positive flows alone.
    ZeroValue,
    /// A value below zero.
    NegativeValue,
    /// A quantity that is no number, negative, too precise or too large. By policy the row stays, without its quantity.
    BadQuantity,
    /// A key that stands more than once.
    DuplicateKey,
    /// A line with more or fewer fields than the header; never left out by policy.
    FieldCount,
    /// Rows under a product code that the revision does not have, few enough to be kept.
    UnknownCode,
}

impl Reason {
    /// Those that a policy can name, in the order of the columns.
    pub const ALL: [Self; 8] = [
        Self::BadYear,
        Self::BadCode,
        Self::UnknownCountry,
        Self::BadValue,
        Self::ZeroValue,
        Self::NegativeValue,
        Self::BadQuantity,
        Self::DuplicateKey,
    ];

    /// Whether rows of the ledger for this reason are used all the same.
    pub(crate) const fn keeps_row(self) -> bool {
        matches!(self, Self::BadQuantity | Self::UnknownCode)
    }

    /// Name in options, ledgers and manifests.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BadYear => "bad-year",
            Self::BadCode => "bad-code",
            Self::UnknownCountry => "unknown-country",
            Self::BadValue => "bad-value",
            Self::ZeroValue => "zero-value",
            Self::NegativeValue => "negative-value",
            Self::BadQuantity => "bad-quantity",
            Self::DuplicateKey => "duplicate-key",
            Self::FieldCount => "field-count",
            Self::UnknownCode => "unknown-code",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl FromStr for Reason {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = || Self::ALL.map(Self::name).join(", ");
        Self::ALL.into_iter().find(|reason| reason.name() == text).ok_or_else(|| format!("`{text}` is none of {}", names()))
    }
}

/// What to do with rows that share a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OnDuplicate {
    /// Refuse the file.
    #[default]
    Error,
    /// Add them up; all but one of them count in the ledger.
    Sum,
}

/// How strictly rows are read. The default refuses a file at its first bad row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowPolicy {
    /// Reasons for which a row goes to the ledger instead of stopping the read.
    pub skip: BTreeSet<Reason>,
    /// Rows that share a key.
    pub on_duplicate: OnDuplicate,
    /// Bad rows to name before giving up; at least one.
    pub max_errors: usize,
}

impl RowPolicy {
    /// Whether a row with a bad quantity is kept without it.
    pub(crate) fn keeps_without_quantity(&self) -> bool {
        self.skip.contains(&Reason::BadQuantity)
    }
}

impl Default for RowPolicy {
    fn default() -> Self {
        Self { skip: BTreeSet::new(), on_duplicate: OnDuplicate::default(), max_errors: 1 }
    }
}

/// A row of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerRow {
    /// File that the row stands in.
    pub file: String,
    /// Line of a text file or row of a Parquet file, from 1; none for a row known by its key alone.
    pub line: Option<u64>,
    /// Why it is not used.
    pub reason: Reason,
    /// The value at fault, or the key.
    pub what: String,
}

/// A ledger of more rows than this is no ledger but another data set.
const LEDGER_LIMIT: usize = 1_000_000;

/// Collects bad rows under a policy.
#[derive(Debug)]
pub(crate) struct Issues<'a> {
    policy: &'a RowPolicy,
    errors: Vec<DataError>,
    pub(crate) ledger: Vec<LedgerRow>,
}

/// What is wrong with one row. `line` counts from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) line: u64,
    pub(crate) reason: Reason,
    pub(crate) column: &'static str,
    pub(crate) value: String,
    pub(crate) text: String,
}

impl<'a> Issues<'a> {
    pub(crate) const fn new(policy: &'a RowPolicy) -> Self {
        Self { policy, errors: Vec::new(), ledger: Vec::new() }
    }

    pub(crate) const fn policy(&self) -> &'a RowPolicy {
        self.policy
    }

    /// Files a bad row; an error once there are as many as are to be named. `unit` is `line` or `row`.
    pub(crate) fn add(&mut self, file: &str, unit: &str, problem: Problem) -> Result<(), DataError> {
        let Problem { line, reason, column, value, text } = problem;
        if self.policy.skip.contains(&reason) {
            let kept = if reason.keeps_row() { ": kept without its quantity" } else { "" };
            let what = format!("{column} = {}{kept}", shown(&value));
            return self.note(LedgerRow { file: file.to_owned(), line: Some(line), reason, what });
        }
        let place = format!("{unit} {line}");
        if reason == Reason::FieldCount {
            return self.refuse(DataError::file(file, format!("{place}: {text}: `{}`", shown(&value))));
        }
        self.refuse(DataError::Value { file: file.to_owned(), place, column, value, problem: text })
    }

    /// Files an error that no policy lets pass.
    pub(crate) fn refuse(&mut self, error: DataError) -> Result<(), DataError> {
        self.errors.push(error);
        if self.errors.len() < self.policy.max_errors { Ok(()) } else { self.finish() }
    }

    pub(crate) fn note(&mut self, row: LedgerRow) -> Result<(), DataError> {
        if self.ledger.len() >= LEDGER_LIMIT {
            let problem =
                format!("more than {LEDGER_LIMIT} rows would be left out ({}); this is not BACI as CEPII ships it", row.reason);
            return Err(DataError::file(&row.file, problem));
        }
        self.ledger.push(row);
        Ok(())
    }

    /// The errors so far, if any.
    pub(crate) fn finish(&mut self) -> Result<(), DataError> {
        let mut errors = std::mem::take(&mut self.errors);
        match errors.len() {
            0 => Ok(()),
            1 => errors.pop().map_or(Ok(()), Err),
            count => Err(DataError::Several { stopped: count >= self.policy.max_errors, errors }),
        }
    }
}

/// Rows of the ledger by reason: those that are used all the same, or those that are left out.
pub(crate) fn count_by_reason(ledger: &[LedgerRow], used: bool) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for row in ledger.iter().filter(|row| row.reason.keeps_row() == used) {
        *counts.entry(row.reason.name().to_owned()).or_insert(0) += 1;
    }
    counts
}
