//! An ingested folder: its manifest, and whether it still holds.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use reorient_core::Year;
use reorient_files::{Limit, NameInFolder};
use reorient_folder::FileEntry;
use serde::{Deserialize, Serialize};

use crate::claims::UnknownCodes;
use crate::codes::hash_open;
use crate::error::file_name;
use crate::integrity::Integrity;
use crate::issue::Reason;
use crate::provenance::rows_add_up;
use crate::sealed::Manifest;
use crate::store::verify_file;
use crate::{DataError, TradeTable};

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
    /// BLAKE3 of this manifest with zeros in the place of these digits; none in folders of versions before this seal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<String>,
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
        let name = in_folder(&self.name)?;
        Ok(FileHash { name, bytes: self.bytes, blake3: self.blake3, footer_blake3: self.footer_blake3 })
    }
}

impl From<FileEntry> for FileHash {
    fn from(FileEntry { name, bytes, blake3 }: FileEntry) -> Self {
        Self { name, bytes, blake3, footer_blake3: None }
    }
}

/// A name of our own choice.
pub(crate) fn in_folder(name: &str) -> Result<NameInFolder, DataError> {
    NameInFolder::new(name).map_err(|error| DataError::Internal(error.to_string()))
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
    /// Whether code tables are sealed by the files of rows, and the manifest by itself; versions before this one did neither.
    pub sealed: bool,
}

/// Checks an ingested folder: every file by size and hash, every year decoded, counted and added up, and everything that the
/// manifest says of itself, of the files and of the rows against its own hash, against footers and tables, and against the ledger.
///
/// # Errors
/// [`DataError`] that names the first thing that does not hold.
pub fn verify_ingested(folder: &Path) -> Result<IngestChecks, DataError> {
    let manifest = Manifest::require(folder)?;
    let lies = |problem: String| Err(DataError::file(MANIFEST, problem));
    for listed in &manifest.files {
        check_listed(folder, listed, true)?;
    }
    let source = crate::TradeSource::open(folder)?;
    let held: Vec<u16> = source.years().iter().map(|year| year.get()).collect();
    let listed: Vec<u16> = manifest.years.iter().map(|summary| summary.year).collect();
    if held != listed {
        return lies(format!("it lists the years {listed:?}, the folder holds {held:?}"));
    }
    let (mut rows, mut synthetic, mut sealed) = (0, false, manifest.seal.is_some());
    let mut not_in_table = BTreeSet::new();
    for (year, summary) in source.years().iter().zip(&manifest.years) {
        let (info, footer, table) = verify_file(&folder.join(&summary.file), source.countries())?;
        for (what, said, is) in
            [("revision", &manifest.revision, info.revision.to_string()), ("release", &manifest.release, info.release)]
        {
            if *said != is {
                return lies(format!("it says that the {what} is {said}, the footer of {} says {is}", summary.file));
            }
        }
        if !manifest.files.iter().any(|file| file.name == summary.file && file.footer_blake3.as_deref() == Some(&footer)) {
            return lies(format!("it does not list {} with the hash of its footer", summary.file));
        }
        let summed = YearSummary::of(*year, summary, &table);
        if let Some(problem) = summed.differs_from(summary) {
            return lies(format!("{year}: {problem}"));
        }
        synthetic |= info.synthetic;
        sealed &= info.tables.is_some();
        rows += summed.rows;
        not_in_table.extend(table.products().iter().filter(|product| source.description(**product).is_none()).copied());
    }
    if synthetic != manifest.synthetic {
        return lies(format!("it says that rows are made up: {}; the footers say {synthetic}", manifest.synthetic));
    }
    // Without a table there is none for products to be missing from.
    let has_table = manifest.files.iter().any(|file| file.name == PRODUCT_CODES);
    let not_in_table: Vec<String> = not_in_table.iter().filter(|_| has_table).map(ToString::to_string).collect();
    if not_in_table != manifest.products_not_in_table || has_table != manifest.product_table.is_some() {
        return lies("products that the product table does not list are not those that it names".to_owned());
    }
    if rows != manifest.rows_used || !rows_add_up(manifest.rows_in, rows, &manifest.unused) {
        return lies("its rows do not add up: rows in are rows used and rows of the ledger".to_owned());
    }
    check_ledger(folder, &manifest)?;
    let mut unlisted = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| DataError::unreadable(folder, &error))? {
        let name = entry.map_err(|error| DataError::unreadable(folder, &error))?.file_name();
        let name = file_name(Path::new(&name));
        if name != MANIFEST && manifest.files.iter().all(|file| file.name != name) {
            unlisted.push(name);
        }
    }
    unlisted.sort();
    if let Some(table) = unlisted.iter().find(|name| [COUNTRY_CODES, PRODUCT_CODES, LEDGER].contains(&name.as_str())) {
        return lies(format!("it does not list {table}, which is part of every ingest that has one"));
    }
    Ok(IngestChecks { files: manifest.files.len(), years: listed.len(), rows, unlisted, sealed })
}

/// The ledger against its counts, and against what the ingest was allowed to leave out.
fn check_ledger(folder: &Path, manifest: &IngestManifest) -> Result<(), DataError> {
    let bad = |error: csv::Error| DataError::file(LEDGER, error.to_string());
    let bytes = reorient_files::read_in(folder, &in_folder(LEDGER)?, Limit::new(1 << 30, "a ledger"))?;
    let mut lines: BTreeMap<String, u64> = BTreeMap::new();
    for row in csv::Reader::from_reader(bytes.as_slice()).records() {
        *lines.entry(row.map_err(bad)?.get(2).unwrap_or_default().to_owned()).or_default() += 1;
    }
    let mut counted = manifest.unused.clone();
    for (reason, rows) in &manifest.noted {
        let of_reason = counted.entry(reason.clone()).or_default();
        // Counts of a forged manifest; so many lines are in no ledger.
        *of_reason = of_reason.saturating_add(*rows);
    }
    if lines != counted {
        let problem = format!("it counts {counted:?} in the ledger, which holds {lines:?}");
        return Err(DataError::file(MANIFEST, problem));
    }
    let allowed = |reason: &String| {
        manifest.skip.contains(reason)
            || reason == Reason::UnknownCode.name()
            || reason == Reason::DuplicateKey.name() && manifest.on_duplicate == "sum"
    };
    match lines.keys().find(|reason| !allowed(reason)) {
        Some(reason) => {
            let problem = format!("the ledger leaves out rows as {reason}, which its `skip` and `on_duplicate` do not allow");
            Err(DataError::file(MANIFEST, problem))
        }
        None => Ok(()),
    }
}

impl YearSummary {
    /// What the rows of a file add up to; its name and its word on codes are those of another summary.
    fn of(year: Year, other: &Self, table: &TradeTable) -> Self {
        let rows = || table.iter().map(|(_, rows)| rows);
        let quantities = || rows().flat_map(|rows| rows.quantities);
        Self {
            year: year.get(),
            file: other.file.clone(),
            rows: table.n_rows() as u64,
            products: table.products().len() as u64,
            value_kusd: thousandths(rows().flat_map(|rows| rows.values).map(|value| i128::from(value.get())).sum()),
            quantity_tons: thousandths(quantities().flatten().map(|quantity| i128::from(*quantity)).sum()),
            missing_quantity: quantities().filter(|quantity| quantity.is_none()).count() as u64,
            with_itself: table.n_own() as u64,
            unknown_codes: other.unknown_codes.clone(),
        }
    }

    /// The first figure that another summary says otherwise.
    fn differs_from(&self, said: &Self) -> Option<String> {
        let figures = |of: &Self| {
            [
                ("rows", of.rows.to_string()),
                ("products", of.products.to_string()),
                ("value_kusd", of.value_kusd.clone()),
                ("quantity_tons", of.quantity_tons.clone()),
                ("missing_quantity", of.missing_quantity.to_string()),
                ("with_itself", of.with_itself.to_string()),
            ]
        };
        let pairs = figures(self).into_iter().zip(figures(said));
        let mut different = pairs.filter(|((_, is), (_, said))| is != said);
        different.next().map(|((what, is), (_, said))| format!("it says `{what}` is {said}; the file holds {is}"))
    }
}

/// An exact sum as text with three decimals.
pub(crate) fn thousandths(sum: i128) -> String {
    format!("{}.{:03}", sum / 1000, sum % 1000)
}
