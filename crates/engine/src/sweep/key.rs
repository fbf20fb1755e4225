//! What a result is filed under: a hash of the question, of the files that it is answered from and of the way it is computed.

use std::fmt::{self, Write as _};
use std::str::FromStr;

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
        let by_highs = scenario.fill == FillChoice::Vertex || scenario.solver == SolverChoice::Highs;
        if by_highs {
            hasher.update(HIGHS_VERSION.unwrap_or_default().as_bytes());
        }
        Key(*hasher.finalize().as_bytes())
    }
}

/// Hash of what a scenario is answered from: rows and list with the hashes that they were read with, the code tables, and the
/// program that reads them.
pub(crate) fn inputs_key(source: &TradeSource, trade: &FileHash, list: Option<&InputFile>) -> Key {
    let mut text = format!("figures {GOLDEN}\nversion {}\nrevision {}\n", env!("CARGO_PKG_VERSION"), source.revision());
    // Writing to a text does not fail.
    let _ = writeln!(text, "trade {}", trade.blake3);
    for table in source.code_tables() {
        let _ = writeln!(text, "{} {}", table.role.name(), table.fingerprint.digits());
    }
    if let Some(list) = list {
        // What it is mapped with ships with the program.
        let _ = writeln!(text, "list {} {}", list.fingerprint.digits(), embedded_list_hash());
    }
    Key::of(text.as_bytes())
}
