//! What a result is filed under: a hash of the question, of the files that it is answered from and of the way it is computed.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use reorient_core::HsRevision;
use reorient_data::{FileHash, InputFile, TradeSource, embedded_list_hash};

use super::golden::GOLDEN;
use crate::scenario::{FillChoice, Scenario};
use crate::{HIGHS_VERSION, SolverChoice};

/// A BLAKE3 hash; sixty-four hexadecimal digits in files.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub(crate) [u8; 32]);

impl Key {
    /// The key of a result from these inputs.
    pub(crate) fn with_inputs(self, inputs: &Self) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.0).update(&inputs.0);
        Self(*hasher.finalize().as_bytes())
    }

    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(blake3::Hash::from_bytes(self.0).to_hex().as_str())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for Key {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        blake3::Hash::from_hex(text).map(|hash| Self(*hash.as_bytes())).map_err(|_| ())
    }
}

impl serde::Serialize for Key {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Key {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|()| serde::de::Error::custom("64 hexadecimal digits are expected"))
    }
}

/// Hashes questions.
pub(crate) struct QuestionHasher;

impl QuestionHasher {
    /// `text` is the scenario in one spelling. Only a vertex depends on which HiGHS there is.
    pub(crate) fn hash(text: &str, scenario: &Scenario) -> Key {
        let mut hasher = blake3::Hasher::new_derive_key("reorient sweep question");
        hasher.update(text.as_bytes());
        if Self::is_by_highs(scenario) {
            hasher.update(HIGHS_VERSION.unwrap_or_default().as_bytes());
        }
        Key(*hasher.finalize().as_bytes())
    }

    /// Whether the hash holds the version of HiGHS.
    pub(crate) fn is_by_highs(scenario: &Scenario) -> bool {
        scenario.fill == FillChoice::Vertex || scenario.solver == SolverChoice::Highs
    }
}

/// Hash of what a scenario is answered from: rows and list with the hashes that they were read with, the code tables, and the
/// program that reads them.
pub(crate) fn inputs_key(source: &TradeSource, trade: &FileHash, list: Option<&InputFile>) -> Key {
    let tables = source.code_tables();
    let tables = tables.iter().map(|table| (table.role.name(), table.fingerprint.digits()));
    Method::of(source.revision()).inputs_key(&trade.blake3, tables, list.map(|list| list.fingerprint.digits()))
}

/// What a result depends on beside its question and the files: how the program reads and computes. Plans hold it, so that keys can
/// be made again from them.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Method {
    /// Which figures the program gives.
    pub figures: String,
    /// Version of the program.
    pub version: String,
    /// Revision of the codes.
    pub revision: String,
    /// Hash of what lists are mapped with.
    pub lists: String,
}

impl Method {
    /// Of this program, for data in a revision.
    pub(crate) fn of(revision: HsRevision) -> Self {
        Self {
            figures: GOLDEN.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            revision: revision.to_string(),
            lists: embedded_list_hash(),
        }
    }

    /// Whether this program would compute the same.
    pub(crate) fn is_current(&self) -> bool {
        self.revision.parse().is_ok_and(|revision| *self == Self::of(revision))
    }

    /// The inputs' part of a key, from hexadecimal digits: those of rows, of code tables with their roles, and of a list.
    pub(crate) fn inputs_key<'a>(
        &self,
        trade: &str,
        tables: impl Iterator<Item = (&'a str, &'a str)>,
        list: Option<&str>,
    ) -> Key {
        let mut text = format!("figures {}\nversion {}\nrevision {}\n", self.figures, self.version, self.revision);
        // Writing to a text does not fail.
        let _ = writeln!(text, "trade {trade}");
        for (role, digits) in tables {
            let _ = writeln!(text, "{role} {digits}");
        }
        if let Some(list) = list {
            // What it is mapped with ships with the program.
            let _ = writeln!(text, "list {list} {}", self.lists);
        }
        Key::of(text.as_bytes())
    }
}
