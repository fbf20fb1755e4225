//! An ingested folder: its manifest, and whether it still holds.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use reorient_files::{Limit, NameInFolder};
use serde::{Deserialize, Serialize};

use crate::DataError;
use crate::claims::UnknownCodes;
use crate::codes::hash_open;
use crate::error::file_name;
use crate::integrity::Integrity;
use crate::store::verify_file;

/// Names within an ingested folder.
pub(crate) const MANIFEST: &str = "manifest.json";
pub(crate) const COUNTRY_CODES: &str = "country_codes.csv";
pub(crate) const PRODUCT_CODES: &str = "product_codes.csv";
pub(crate) const LEDGER: &str = "ledger.csv";

/// The manifest of an ingested folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IngestManifest {
    /// `reorient`.
    pub generator: String,
    /// `ingest`.
    pub kind: String,
    /// Version of the program.
    pub version: String,
    /// Revision of the product codes, such as `HS92`.
    pub revision: String,
    /// CEPII's release, or `unknown`.
    pub release: String,
    /// Whether the rows are made up rather than observed.
    pub synthetic: bool,
    /// Files read.
    pub sources: Vec<FileHash>,
    /// The checksum that was compared as each file with rows was read, by name.
    #[serde(default)]
    pub integrity: BTreeMap<String, Integrity>,
    /// Files that stood beside and were not read.
    pub ignored: Vec<String>,
    /// Where the country table comes from: a file of the source, or the program.
    pub country_table: String,
    /// Where the product table comes from; none where no table of the revision is at hand.
    pub product_table: Option<String>,
    /// Products of the rows that the product table does not list.
    pub products_not_in_table: Vec<String>,
    /// What is done with rows that share a key: `error` or `sum`.
    pub on_duplicate: String,
    /// Reasons for which rows may go to the ledger.
    pub skip: Vec<String>,
    /// Years, ascending.
    pub years: Vec<YearSummary>,
    /// `rows_in` is `rows_used` plus the sum of `unused`.
    pub rows_in: u64,
    /// Rows in all files of ours.
    pub rows_used: u64,
    /// Rows left out, by reason; each is a row of the ledger.
    pub unused: BTreeMap<String, u64>,
    /// Rows of the ledger that are used all the same, by reason: without their quantity, or under an unknown code.
    #[serde(default)]
    pub noted: BTreeMap<String, u64>,
    /// The unit that was given for a column `value`: `usd` or `kusd`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_unit: Option<String>,
    /// Columns that were left out because their name tells no unit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns_not_read: Vec<String>,
    /// Files written, this one excepted.
    pub files: Vec<FileHash<NameInFolder>>,
}

/// One year of an ingested folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct YearSummary {
    /// Calendar year.
    pub year: u16,
    /// File name.
    pub file: NameInFolder,
    /// Rows.
    pub rows: u64,
    /// Products with a row.
    pub products: u64,
    /// Sum of values in thousand USD, exact.
    pub value_kusd: String,
    /// Sum of the known quantities in metric tons, exact.
    pub quantity_tons: String,
    /// Rows without a quantity.
    pub missing_quantity: u64,
    /// Rows of a country with itself.
    pub with_itself: u64,
    /// Rows under product codes that the revision does not have; none where rows are made up, or were ingested before this was
    /// looked at.
    #[serde(default)]
    pub unknown_codes: Option<UnknownCodes>,
}

/// A file with its hash. Its name is a [`NameInFolder`] where a manifest lists a file of its own folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileHash<Name = String> {
    /// Name without its folder.
    pub name: Name,
    /// Size.
    pub bytes: u64,
    /// BLAKE3 in hexadecimal digits.
    pub blake3: String,
    /// Of a Parquet file of ours: the hash that its footer carries. It stands for the whole file, as the footer holds the
    /// hashes of everything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub footer_blake3: Option<String>,
}

impl FileHash {
    /// As a manifest lists it that stands beside the file.
    pub(crate) fn listed(self) -> Result<FileHash<NameInFolder>, DataError> {
        let name = NameInFolder::new(self.name).map_err(|error| DataError::Internal(error.to_string()))?;
        Ok(FileHash { name, bytes: self.bytes, blake3: self.blake3, footer_blake3: self.footer_blake3 })
    }
}

impl From<FileHash<NameInFolder>> for FileHash {
    fn from(listed: FileHash<NameInFolder>) -> Self {
        Self { name: listed.name.into(), bytes: listed.bytes, blake3: listed.blake3, footer_blake3: listed.footer_blake3 }
    }
}

/// The manifest of an ingested folder.
///
/// # Errors
/// [`DataError`] when it cannot be read or is another one.
pub(crate) fn read_manifest(path: &Path) -> Result<IngestManifest, DataError> {
    let text = reorient_files::read(path, Limit::MANIFEST)?;
    let manifest: IngestManifest = serde_json::from_slice(&text)
        .map_err(|error| DataError::file(&file_name(path), format!("this is no manifest of an ingest: {error}")))?;
    if manifest.generator != "reorient" || manifest.kind != "ingest" {
        return Err(DataError::file(&file_name(path), "this is no manifest of an ingest"));
    }
    Ok(manifest)
}

/// A listed file must be there with its size and, where `hashed`, its hash.
pub(crate) fn check_listed(folder: &Path, listed: &FileHash<NameInFolder>, hashed: bool) -> Result<(), DataError> {
    let path = folder.join(&listed.name);
    let file = reorient_files::open_in(folder, &listed.name)?;
    let size = file.metadata().map_err(|error| DataError::unreadable(&path, &error))?.len();
    if size != listed.bytes {
        return Err(DataError::damaged(&listed.name, format!("it has {size} bytes, the manifest says {}", listed.bytes)));
    }
    if hashed && hash_open(&file, &path)?.blake3 != listed.blake3 {
        return Err(DataError::damaged(&listed.name, "it does not match its BLAKE3 hash in the manifest"));
    }
    Ok(())
}

/// What [`verify_ingested`] has checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IngestChecks {
    /// Files whose bytes match the manifest.
    pub files: usize,
    /// Years that were decoded and added up again.
    pub years: usize,
    /// Their rows.
    pub rows: u64,
    /// Files in the folder that the manifest does not list.
    pub unlisted: Vec<String>,
}

/// Checks an ingested folder against its manifest: every file by size and hash, every year decoded, counted and added up.
///
/// # Errors
/// [`DataError`] that names the first file that does not hold.
pub fn verify_ingested(folder: &Path) -> Result<IngestChecks, DataError> {
    let manifest = read_manifest(&folder.join(MANIFEST))?;
    for listed in &manifest.files {
        check_listed(folder, listed, true)?;
    }
    let source = crate::TradeSource::open(folder)?;
    let held: Vec<u16> = source.years().iter().map(|year| year.get()).collect();
    let listed: Vec<u16> = manifest.years.iter().map(|summary| summary.year).collect();
    if held != listed {
        return Err(DataError::file(MANIFEST, format!("it lists the years {listed:?}, the folder holds {held:?}")));
    }
    let mut rows = 0;
    for (year, summary) in source.years().iter().zip(&manifest.years) {
        let table = verify_file(&folder.join(&summary.file), source.countries())?;
        let value: i128 = table.iter().flat_map(|(_, rows)| rows.values).map(|value| i128::from(value.get())).sum();
        let counted = (table.n_rows() as u64, table.products().len() as u64, thousandths(value));
        if counted != (summary.rows, summary.products, summary.value_kusd.clone()) {
            let problem = format!(
                "{year}: it says {} rows, {} products, {} thousand USD; the file holds {}, {}, {}",
                summary.rows, summary.products, summary.value_kusd, counted.0, counted.1, counted.2
            );
            return Err(DataError::file(MANIFEST, problem));
        }
        rows += counted.0;
    }
    if rows != manifest.rows_used || manifest.rows_in != rows + manifest.unused.values().sum::<u64>() {
        return Err(DataError::file(MANIFEST, "its rows do not add up: rows in are rows used and rows of the ledger"));
    }
    let mut unlisted = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| DataError::unreadable(folder, &error))? {
        let name = entry.map_err(|error| DataError::unreadable(folder, &error))?.file_name().to_string_lossy().into_owned();
        if name != MANIFEST && manifest.files.iter().all(|file| file.name != name) {
            unlisted.push(name);
        }
    }
    unlisted.sort();
    Ok(IngestChecks { files: manifest.files.len(), years: listed.len(), rows, unlisted })
}

/// An exact sum as text with three decimals.
pub(crate) fn thousandths(sum: i128) -> String {
    format!("{}.{:03}", sum / 1000, sum % 1000)
}
