//! A result folder read back: its manifest, its files by hash, its rows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int32Type};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::ParquetMetaData;
use reorient_core::{CountryTable, file_name};
use reorient_files::{FileError, FileErrorKind, Limit, NameInFolder};
use reorient_metrics::{Collection, FlowRow};
use serde_json::Value;

use crate::basis::Basis;
use crate::folder::{CoverageLine, FLOWS, FileEntry, FolderOptions, MANIFEST, result_parts};
use crate::manifest::{Document, GENERATOR, Manifest};
use crate::seal::{RULES, RULES_KEY, SEAL, seal, write_sealed};
use crate::{csv, flows};

/// Pages of flows shrink by less than this.
const LARGEST_RATIO: u64 = 200;
/// What is this short may shrink by any factor.
const FREE: u64 = 1 << 20;

/// Why a folder does not hold.
#[derive(Debug, thiserror::Error)]
pub enum StoredError {
    /// Not there, or it cannot be read.
    #[error("{path}: cannot be read: {source}")]
    Missing {
        /// What was looked for.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// Not what the manifest says, or not in our layout.
    #[error("{file}: {problem}")]
    Damaged {
        /// File name.
        file: String,
        /// What is wrong.
        problem: String,
    },
    /// A figure that does not follow from the flows.
    #[error("{file}, {place}: the file says `{found}`, its flows give `{expected}`")]
    Differs {
        /// File name.
        file: String,
        /// Line, row or key.
        place: String,
        /// As stored.
        found: String,
        /// As derived.
        expected: String,
    },
}

impl From<FileError> for StoredError {
    fn from(error: FileError) -> Self {
        let path = error.path().to_owned();
        match error.kind() {
            FileErrorKind::CannotRead => Self::Missing { path, source: error.into() },
            FileErrorKind::BadData => Self::Damaged { file: path.display().to_string(), problem: error.problem() },
        }
    }
}

/// The kind of folder, from its manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFolder {
    path: PathBuf,
    /// The manifest as it is written.
    text: Vec<u8>,
    /// The manifest.
    pub manifest: Value,
    /// Files that it lists.
    pub files: Vec<FileEntry<NameInFolder>>,
    /// Files that it does not list.
    pub unlisted: Vec<String>,
}

/// `flows.parquet` read back.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StoredFlows {
    /// Its rows, in their order.
    pub rows: Vec<StoredFlowRow>,
    /// What it says of itself: its own keys of its metadata.
    pub about: BTreeMap<String, String>,
}

/// What a folder of results must hold, derived anew.
pub struct ResultFiles<'a> {
    /// The figures.
    pub collection: &'a Collection,
    /// What indices of countries refer to, with the names to be printed.
    pub countries: &'a CountryTable,
    /// The manifest.
    pub manifest: &'a Manifest,
    /// The rows of `coverage.csv`.
    pub coverage: &'a [CoverageLine],
    /// Further files.
    pub options: &'a FolderOptions,
    /// Names of files that are taken as they stand, such as figures that were not drawn again.
    pub as_they_stand: &'a [String],
}

/// A row of `flows.parquet`; amounts in thousand USD, in the order of the columns.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredFlowRow {
    /// Six digits.
    pub product: String,
    /// BACI's number.
    pub exporter: i32,
    /// Imports, world exports, capacity, optimised, min, max.
    pub amounts: [f64; 6],
}

impl StoredFolder {
    /// Reads the manifest of a folder of ours.
    ///
    /// # Errors
    /// [`StoredError`] when there is none or it is not ours.
    pub fn open(folder: &Path) -> Result<Self, StoredError> {
        let text = reorient_files::read(&folder.join(MANIFEST), Limit::MANIFEST)?;
        let damaged = |problem: String| StoredError::Damaged { file: MANIFEST.to_owned(), problem };
        let manifest: Value = serde_json::from_slice(&text).map_err(|error| damaged(format!("it is no JSON: {error}")))?;
        if manifest.get("generator").and_then(Value::as_str) != Some(GENERATOR) {
            return Err(damaged("it is not a manifest of reorient's".to_owned()));
        }
        let files = manifest.get("files").cloned().unwrap_or_default();
        let files: Vec<FileEntry<NameInFolder>> =
            serde_json::from_value(files).map_err(|error| damaged(format!("`files`: {error}")))?;
        let mut unlisted = Vec::new();
        let entries = fs::read_dir(folder).map_err(|source| StoredError::Missing { path: folder.to_owned(), source })?;
        for entry in entries {
            let entry = entry.map_err(|source| StoredError::Missing { path: folder.to_owned(), source })?;
            let name = file_name(Path::new(&entry.file_name()));
            if name != MANIFEST && files.iter().all(|file| file.name != name) {
                unlisted.push(name);
            }
        }
        unlisted.sort();
        Ok(Self { path: folder.to_owned(), text, manifest, files, unlisted })
    }

    /// The manifest as it is written.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// `result` or `ingest`; results of the first version do not say.
    pub fn kind(&self) -> &str {
        self.manifest.get("kind").and_then(Value::as_str).unwrap_or("result")
    }

    /// Checks size and hash of every listed file.
    ///
    /// # Errors
    /// [`StoredError`] with the first file that is not there or does not match.
    pub fn check_files(&self) -> Result<(), StoredError> {
        for file in &self.files {
            let open = reorient_files::open_in(&self.path, &file.name)?;
            let unreadable = |source| StoredError::Missing { path: self.path.join(&file.name), source };
            let has_size = open.metadata().map_err(unreadable)?.len() == file.bytes;
            let mut hasher = blake3::Hasher::new();
            if !has_size || hasher.update_reader(open).map_err(unreadable)?.finalize().to_hex().as_str() != file.blake3 {
                let problem = "it does not match its size and BLAKE3 hash in the manifest".to_owned();
                return Err(StoredError::Damaged { file: file.name.to_string(), problem });
            }
        }
        Ok(())
    }

    /// The bytes of a file; a name that leaves the folder is none.
    ///
    /// # Errors
    /// [`StoredError`] when it cannot be read.
    pub fn bytes(&self, name: &str) -> Result<Vec<u8>, StoredError> {
        let limit = if name.starts_with("flows.") { Limit::FLOWS } else { Limit::RESULT_TABLE };
        let name = NameInFolder::new(name);
        let name = name.map_err(|error| StoredError::Damaged { file: MANIFEST.to_owned(), problem: error.to_string() })?;
        Ok(reorient_files::read_in(&self.path, &name, limit)?)
    }

    /// `flows.parquet`.
    ///
    /// # Errors
    /// [`StoredError`] when it is not there or not in our layout.
    pub fn flows(&self) -> Result<StoredFlows, StoredError> {
        let bytes = Bytes::from(self.bytes(FLOWS)?);
        let damaged = |problem: String| StoredError::Damaged { file: FLOWS.to_owned(), problem };
        let read = || -> Result<StoredFlows, String> {
            let size = bytes.len() as u64;
            let builder = ParquetRecordBatchReaderBuilder::try_new(bytes).map_err(|error| error.to_string())?;
            check_claims(builder.metadata(), size)?;
            let names: Vec<&str> = builder.schema().fields().iter().map(|field| field.name().as_str()).collect();
            if names.get(..flows::COLUMNS.len()) != Some(&flows::COLUMNS[..]) {
                return Err(format!("its columns are {}", names.join(",")));
            }
            let mut flows = StoredFlows::default();
            for entry in builder.metadata().file_metadata().key_value_metadata().into_iter().flatten() {
                if entry.key == "unit" || entry.key.starts_with("reorient.") {
                    flows.about.insert(entry.key.clone(), entry.value.clone().unwrap_or_default());
                }
            }
            for batch in builder.build().map_err(|error| error.to_string())? {
                append(&batch.map_err(|error| error.to_string())?, &mut flows.rows)?;
            }
            Ok(flows)
        };
        // A damaged file must not take the program with it.
        catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err("it cannot be decoded".to_owned())).map_err(damaged)
    }

    /// The manifest of a result as a whole.
    ///
    /// # Errors
    /// [`StoredError::Damaged`] when a key is missing or of another kind.
    pub fn about(&self) -> Result<Manifest, StoredError> {
        serde_json::from_value(self.manifest.clone()).map_err(|error| damaged(MANIFEST, &error.to_string()))
    }

    /// Whether the folder has the rules of today and its manifest its own hash; earlier versions wrote neither.
    ///
    /// # Errors
    /// [`StoredError::Damaged`] for rules of a later program, a hash that is not that of what the manifest says, and a hash without
    /// rules.
    pub fn is_sealed(&self) -> Result<bool, StoredError> {
        let problem = match (self.manifest.get(RULES_KEY), self.manifest.get(SEAL)) {
            (None, None) => return Ok(false),
            (Some(rules), Some(own)) if rules.as_u64() == Some(u64::from(RULES)) => {
                if *own == seal(&self.manifest) {
                    return Ok(true);
                }
                "it does not match its `seal`: something in it was changed after it was written".to_owned()
            }
            (Some(rules), Some(_)) => format!(
                "`{RULES_KEY}` is {rules}; this program knows the rules {RULES} and those of folders that name none. Verify it with the \
                 program that wrote it"
            ),
            (rules, _) => {
                format!("it lacks `{}`, which was there when it was written", if rules.is_none() { RULES_KEY } else { SEAL })
            }
        };
        Err(damaged(MANIFEST, &problem))
    }

    /// Number of keys of the manifest.
    pub fn n_keys(&self) -> u64 {
        self.manifest.as_object().map_or(0, |keys| keys.len() as u64)
    }

    /// Whether the manifest lists a file.
    pub fn lists(&self, name: &str) -> bool {
        self.files.iter().any(|file| file.name == name)
    }

    /// Compares every byte with what was derived anew.
    ///
    /// # Errors
    /// [`StoredError`] with the first file, line, cell or key that is not what was derived.
    pub fn compare(&self, derived: &ResultFiles<'_>) -> Result<(), StoredError> {
        let ResultFiles { collection, countries, manifest, coverage, options, as_they_stand } = *derived;
        let mut expected = Vec::new();
        for (name, write) in result_parts(collection, countries, manifest, coverage, options) {
            let mut bytes = Vec::new();
            write(&mut bytes).map_err(|source| StoredError::Missing { path: self.path.join(&name), source })?;
            expected.push((name, bytes));
        }
        for name in as_they_stand {
            expected.push((name.clone(), self.bytes(name)?));
        }
        let listed = |names: Vec<&str>| names.join(", ");
        let found = listed(self.files.iter().map(|file| file.name.as_str()).collect());
        let names = listed(expected.iter().map(|(name, _)| name.as_str()).collect());
        if found != names {
            return Err(differs(MANIFEST, "files", &found, &names));
        }
        for (name, bytes) in &expected {
            let found = self.bytes(name)?;
            match name.as_str() {
                _ if found == *bytes => {}
                FLOWS => return Err(self.different_flows(derived)),
                name if name.ends_with(".csv") => compare_lines(name, &found, bytes)?,
                name => return Err(damaged(name, "it is not the drawing of these results")),
            }
        }
        let entry = |(name, bytes): &(String, Vec<u8>)| FileEntry {
            name: name.clone(),
            bytes: bytes.len() as u64,
            blake3: blake3::hash(bytes).to_hex().to_string(),
        };
        let files: Vec<FileEntry> = expected.iter().map(entry).collect();
        let basis = Basis::new(collection, countries);
        let mut text = Vec::new();
        let unwritten = |error: serde_json::Error| damaged(MANIFEST, &error.to_string());
        write_sealed(&mut text, &Document::new(manifest, &collection.headline, Some(&basis), &files)).map_err(unwritten)?;
        text.push(b'\n');
        self.compare_manifest(&text)
    }

    /// Key by key, then the seal, then byte by byte.
    fn compare_manifest(&self, text: &[u8]) -> Result<(), StoredError> {
        let expected: Value = serde_json::from_slice(text).map_err(|error| damaged(MANIFEST, &error.to_string()))?;
        let without_seal = |manifest: &Value| {
            let mut manifest = manifest.clone();
            manifest.as_object_mut().and_then(|members| members.remove(SEAL));
            manifest
        };
        if let Some((place, found, expected)) = first_difference(&without_seal(&self.manifest), &without_seal(&expected)) {
            return Err(differs(MANIFEST, place.trim_start_matches('.'), &found, &expected));
        }
        if self.text == text {
            return Ok(());
        }
        Err(damaged(
            MANIFEST,
            "it says the right things in other words: white space, the order of keys, or a key that stands twice",
        ))
    }

    /// What is different in `flows.parquet`, whose bytes are not those that were derived.
    fn different_flows(&self, derived: &ResultFiles<'_>) -> StoredError {
        let stored = match self.flows() {
            Ok(stored) => stored,
            Err(error) => return error,
        };
        for (key, expected) in flows::about(derived.manifest) {
            let found = stored.about.get(key).cloned().unwrap_or_default();
            if found != expected {
                return differs(FLOWS, &format!("metadata `{key}`"), &found, &expected);
            }
        }
        let products = &derived.collection.products;
        let mut expected = products.iter().flat_map(|product| product.flows.iter().map(move |flow| (product, flow)));
        for (number, row) in stored.rows.iter().enumerate() {
            let Some((product, flow)) = expected.next() else { break };
            let exporter = i32::from(derived.countries.country(flow.exporter).code.get());
            if row.product != product.product.as_str() || row.exporter != exporter {
                let found = format!("product {}, exporter {}", row.product, row.exporter);
                let expected = format!("product {}, exporter {exporter}", product.product);
                return differs(FLOWS, &format!("row {}", number + 1), &found, &expected);
            }
            if let Some(difference) = different_amount(row, flow) {
                return difference;
            }
        }
        let n_rows = products.iter().map(|product| product.flows.len()).sum::<usize>();
        if n_rows != stored.rows.len() {
            return differs(FLOWS, "number of rows", &stored.rows.len().to_string(), &n_rows.to_string());
        }
        damaged(FLOWS, "it holds the right rows, but not in the bytes that reorient writes")
    }

    /// As [`Self::compare`] by the first rules: the tables, the amounts of flows and the headline.
    ///
    /// # Errors
    /// [`StoredError::Differs`] with the first line or row that does not follow.
    pub fn compare_by_first_rules(&self, collection: &Collection, countries: &CountryTable) -> Result<(), StoredError> {
        let derived = [
            ("products.csv", csv::products(collection)),
            ("shares.csv", csv::shares(collection, countries)),
            ("table_a1.csv", csv::table_a1(collection, countries)),
        ];
        for (name, sheet) in derived {
            let mut text = Vec::new();
            sheet.write(&mut text).map_err(|source| StoredError::Missing { path: self.path.clone(), source })?;
            compare_lines(name, &self.bytes(name)?, &text)?;
        }
        let expected = collection.products.iter().flat_map(|product| product.flows.iter().map(move |flow| (product, flow)));
        let stored = self.flows()?;
        if let Some(difference) = stored.rows.iter().zip(expected).find_map(|(row, (_, flow))| different_amount(row, flow)) {
            return Err(difference);
        }
        let headline = crate::json(collection, countries, &crate::Manifest::default())["headline"].take();
        if self.manifest["headline"] != headline {
            let keys = headline.as_object().into_iter().flat_map(|object| object.keys());
            let key = keys.into_iter().find(|key| self.manifest["headline"][key.as_str()] != headline[key.as_str()]);
            let key = key.map_or("headline", String::as_str);
            let (found, expected) = (self.manifest["headline"][key].to_string(), headline[key].to_string());
            return Err(differs(MANIFEST, &format!("headline, `{key}`"), &found, &expected));
        }
        Ok(())
    }
}

/// Refuses what claims more rows or bytes than flows have in a file of that size, before any is decoded. Each exporter has its own
/// amounts, so a row takes some bytes however well a file is packed.
fn check_claims(metadata: &ParquetMetaData, size: u64) -> Result<(), String> {
    let most_unpacked = size.saturating_mul(LARGEST_RATIO).saturating_add(FREE);
    let rows = metadata.file_metadata().num_rows();
    let of_groups = metadata.row_groups().iter().try_fold(0_i64, |sum, group| sum.checked_add(group.num_rows()));
    let unpacked = metadata.row_groups().iter().try_fold(0_i64, |sum, group| sum.checked_add(group.total_byte_size()));
    let is_below =
        |claim: Option<i64>, most: u64| claim.and_then(|claim| u64::try_from(claim).ok()).is_some_and(|claim| claim <= most);
    if of_groups != Some(rows) || !is_below(of_groups, size) || !is_below(unpacked, most_unpacked) {
        return Err(format!("it claims {rows} rows in {size} bytes, as no flows do"));
    }
    Ok(())
}

fn differs(file: &str, place: &str, found: &str, expected: &str) -> StoredError {
    let [file, place, found, expected] = [file, place, found, expected].map(str::to_owned);
    StoredError::Differs { file, place, found, expected }
}

fn damaged(file: &str, problem: &str) -> StoredError {
    StoredError::Damaged { file: file.to_owned(), problem: problem.to_owned() }
}

/// The first amount of a row that is not that of the flow, to the last bit.
fn different_amount(row: &StoredFlowRow, flow: &FlowRow) -> Option<StoredError> {
    let mut columns = flows::COLUMNS[2..].iter().zip(row.amounts.iter().zip(flows::kusds(flow)));
    let (column, (found, expected)) = columns.find(|(_, (found, expected))| found.to_bits() != expected.to_bits())?;
    let place = format!("product {}, exporter {}, column `{column}`", row.product, row.exporter);
    Some(differs(FLOWS, &place, &found.to_string(), &expected.to_string()))
}

/// Where two values differ first, with what stands there in each.
fn first_difference(found: &Value, expected: &Value) -> Option<(String, String, String)> {
    const NOTHING: &str = "nothing";
    let text = |value: Option<&Value>| value.map_or_else(|| NOTHING.to_owned(), Value::to_string);
    let at = |step: String, found: Option<&Value>, expected: Option<&Value>| match (found, expected) {
        (Some(found), Some(expected)) => {
            let (place, found, expected) = first_difference(found, expected)?;
            Some((step + &place, found, expected))
        }
        (None, None) => None,
        (found, expected) => Some((step, text(found), text(expected))),
    };
    match (found, expected) {
        (Value::Object(left), Value::Object(right)) => {
            let keys: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
            keys.into_iter().find_map(|key| at(format!(".{key}"), left.get(key), right.get(key)))
        }
        (Value::Array(left), Value::Array(right)) => {
            let longer = left.len().max(right.len());
            (0..longer).find_map(|place| at(format!("[{place}]"), left.get(place), right.get(place)))
        }
        (found, expected) => (found != expected).then(|| (String::new(), found.to_string(), expected.to_string())),
    }
}

fn append(batch: &RecordBatch, rows: &mut Vec<StoredFlowRow>) -> Result<(), String> {
    let product = batch.column(0).as_string_opt::<i32>().ok_or("column `product` is no text")?;
    let exporter = batch.column(1).as_primitive_opt::<Int32Type>().ok_or("column `exporter` is no number")?;
    let amounts: Option<Vec<_>> = (2..8).map(|column| batch.column(column).as_primitive_opt::<Float64Type>()).collect();
    let amounts = amounts.ok_or("an amount is no double")?;
    if batch.columns().iter().take(8).any(|column| column.null_count() > 0) {
        return Err("a cell is empty".to_owned());
    }
    for row in 0..batch.num_rows() {
        rows.push(StoredFlowRow {
            product: product.value(row).to_owned(),
            exporter: exporter.value(row),
            amounts: std::array::from_fn(|column| amounts[column].value(row)),
        });
    }
    Ok(())
}

fn compare_lines(name: &str, found: &[u8], expected: &[u8]) -> Result<(), StoredError> {
    if found == expected {
        return Ok(());
    }
    let (found, expected) = (String::from_utf8_lossy(found), String::from_utf8_lossy(expected));
    let (mut left, mut right) = (found.lines(), expected.lines());
    for number in 1.. {
        let (found, expected) = (left.next(), right.next());
        if found != expected {
            return Err(differs(name, &format!("line {number}"), found.unwrap_or_default(), expected.unwrap_or_default()));
        }
        if found.is_none() {
            break;
        }
    }
    Err(damaged(name, "it has the right lines with other ends"))
}
