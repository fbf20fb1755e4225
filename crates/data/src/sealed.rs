//! What keeps an ingested folder together: the hash of its code tables in the footer of every file, and the hash of its manifest
//! in itself. A manifest is absent, whole or damaged, and the three are never taken for one another.

use std::path::Path;

use reorient_core::HsRevision;
use reorient_files::Limit;

use crate::DataError;
use crate::codes::CodeTables;
use crate::ingested::{IngestManifest, MANIFEST};

/// Hexadecimal digits of a hash, all zero until the hash is known.
const BLANK: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Keys by which a manifest of an ingest is known whatever else it says.
const OURS_ALONE: [&str; 3] = ["seal", "rows_used", "products_not_in_table"];

/// The hashes of the code tables that rows were ingested with, as they stand beside a file of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSeal {
    /// BLAKE3 of the table of countries in hexadecimal digits.
    pub countries: String,
    /// The same of the table of products; none where no table of the revision was at hand.
    pub products: Option<String>,
}

impl TableSeal {
    /// Of the tables that ship with the program.
    ///
    /// # Errors
    /// [`DataError`] when a shipped table breaks a rule, which a test excludes.
    pub fn of_program(revision: HsRevision) -> Result<Self, DataError> {
        CodeTables::from_parts(None, None, revision)?.texts().map(|texts| texts.seal())
    }
}

/// Code tables as files of an ingested folder hold them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TableTexts {
    pub(crate) countries: String,
    /// None where no table of the revision is at hand.
    pub(crate) products: Option<String>,
}

impl TableTexts {
    pub(crate) fn seal(&self) -> TableSeal {
        let hash = |text: &String| blake3::hash(text.as_bytes()).to_hex().to_string();
        TableSeal { countries: hash(&self.countries), products: self.products.as_ref().map(hash) }
    }
}

/// What stands under the name of the manifest of an ingest.
#[derive(Debug)]
pub(crate) enum Manifest {
    /// Nothing.
    Absent,
    /// The manifest of something else.
    Foreign,
    /// That of an ingest, as it was written.
    Whole(Box<IngestManifest>),
    /// Something that is not as it was written, with what is wrong.
    Damaged(String),
}

impl Manifest {
    /// Of a folder.
    ///
    /// # Errors
    /// [`DataError`] when it is there and cannot be read.
    pub(crate) fn of(folder: &Path) -> Result<Self, DataError> {
        match reorient_files::read(&folder.join(MANIFEST), Limit::MANIFEST) {
            Ok(text) => Ok(Self::parse(&text)),
            Err(error) if error.is_absent() => Ok(Self::Absent),
            Err(error) => Err(error.into()),
        }
    }

    fn parse(text: &[u8]) -> Self {
        let object: serde_json::Value = match serde_json::from_slice(text) {
            Ok(object) => object,
            Err(error) => return Self::Damaged(error.to_string()),
        };
        let says = |key: &str, expected: &str| object.get(key).and_then(serde_json::Value::as_str) == Some(expected);
        if !(says("generator", "reorient") && says("kind", "ingest")) {
            // No other program's manifest counts rows as ours does.
            let is_foreign = object.is_object() && OURS_ALONE.iter().all(|key| object.get(key).is_none());
            let problem = "it does not say that it is that of an ingest".to_owned();
            return if is_foreign { Self::Foreign } else { Self::Damaged(problem) };
        }
        match serde_json::from_slice::<IngestManifest>(text) {
            Err(error) => Self::Damaged(error.to_string()),
            Ok(manifest) if !is_sealed_by(text, manifest.seal.as_deref()) => {
                Self::Damaged("it does not match its own BLAKE3 hash".to_owned())
            }
            Ok(manifest) => Self::Whole(Box::new(manifest)),
        }
    }

    /// The manifest of a folder that must have one.
    ///
    /// # Errors
    /// [`DataError`] when there is none, or it is another one's, or damaged.
    pub(crate) fn require(folder: &Path) -> Result<IngestManifest, DataError> {
        match Self::of(folder)? {
            Self::Whole(manifest) => Ok(*manifest),
            Self::Absent => Err(DataError::Missing {
                file: folder.join(MANIFEST).display().to_string(),
                problem: "there is no manifest; ingest the sources again".to_owned(),
            }),
            Self::Foreign => Err(DataError::file(MANIFEST, "this is no manifest of an ingest")),
            Self::Damaged(problem) => Err(damaged(&problem)),
        }
    }
}

/// A manifest that is not as it was written.
pub(crate) fn damaged(problem: &str) -> DataError {
    DataError::File {
        file: MANIFEST.to_owned(),
        problem: format!(
            "the manifest of these files is damaged ({problem}), so nothing of the folder can be believed; ingest the sources again"
        ),
    }
}

/// Whether the text holds the hash of itself with blanks in the place of that hash. Versions before this one wrote none.
fn is_sealed_by(text: &[u8], seal: Option<&str>) -> bool {
    let Some(seal) = seal else { return true };
    place_of(text, seal).is_some_and(|at| {
        let mut blanked = text.to_vec();
        blanked[at..at + BLANK.len()].copy_from_slice(BLANK.as_bytes());
        blake3::hash(&blanked).to_hex().as_str() == seal
    })
}

/// Where the last text of as many digits as a hash stands that is this one.
fn place_of(text: &[u8], digits: &str) -> Option<usize> {
    if digits.len() != BLANK.len() {
        return None;
    }
    text.windows(BLANK.len()).rposition(|window| window == digits.as_bytes())
}

/// The text of a manifest with its own hash.
///
/// # Errors
/// [`DataError::Internal`] never, as a manifest is a text in JSON.
pub(crate) fn seal(manifest: &mut IngestManifest) -> Result<String, DataError> {
    manifest.seal = Some(BLANK.to_owned());
    let internal = |error: serde_json::Error| DataError::Internal(error.to_string());
    let mut text = serde_json::to_string_pretty(manifest).map_err(internal)?;
    text.push('\n');
    let seal = blake3::hash(text.as_bytes()).to_hex().to_string();
    let at = place_of(text.as_bytes(), BLANK).ok_or_else(|| DataError::Internal("no place for the seal".to_owned()))?;
    text.replace_range(at..at + BLANK.len(), &seal);
    manifest.seal = Some(seal);
    Ok(text)
}
