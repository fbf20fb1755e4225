//! A result folder read back: its manifest, its files by hash, its rows.

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
use reorient_metrics::Collection;
use serde_json::Value;

use crate::folder::{FileEntry, MANIFEST};
use crate::manifest::GENERATOR;
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
    /// The manifest.
    pub manifest: Value,
    /// Files that it lists.
    pub files: Vec<FileEntry<NameInFolder>>,
    /// Files that it does not list.
    pub unlisted: Vec<String>,
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
        Ok(Self { path: folder.to_owned(), manifest, files, unlisted })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
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

    /// The rows of `flows.parquet`.
    ///
    /// # Errors
    /// [`StoredError`] when it is not there or not in our layout.
    pub fn flows(&self) -> Result<Vec<StoredFlowRow>, StoredError> {
        let bytes = Bytes::from(self.bytes("flows.parquet")?);
        let damaged = |problem: String| StoredError::Damaged { file: "flows.parquet".to_owned(), problem };
        let read = || -> Result<Vec<StoredFlowRow>, String> {
            let size = bytes.len() as u64;
            let builder = ParquetRecordBatchReaderBuilder::try_new(bytes).map_err(|error| error.to_string())?;
            check_claims(builder.metadata(), size)?;
            let names: Vec<&str> = builder.schema().fields().iter().map(|field| field.name().as_str()).collect();
            if names.get(..flows::COLUMNS.len()) != Some(&flows::COLUMNS[..]) {
                return Err(format!("its columns are {}", names.join(",")));
            }
            let mut rows = Vec::new();
            for batch in builder.build().map_err(|error| error.to_string())? {
                append(&batch.map_err(|error| error.to_string())?, &mut rows)?;
            }
            Ok(rows)
        };
        // A damaged file must not take the program with it.
        catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err("it cannot be decoded".to_owned())).map_err(damaged)
    }

    /// Compares the tables and flows with those of a collection that was derived anew.
    ///
    /// # Errors
    /// [`StoredError::Differs`] with the first line or row that does not follow.
    pub fn compare(&self, collection: &Collection, countries: &CountryTable) -> Result<(), StoredError> {
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
        for (row, (product, flow)) in stored.iter().zip(expected) {
            for (column, (found, expected)) in flows::COLUMNS[2..].iter().zip(row.amounts.iter().zip(flows::kusds(flow))) {
                if found.to_bits() != expected.to_bits() {
                    return Err(StoredError::Differs {
                        file: "flows.parquet".to_owned(),
                        place: format!("product {}, exporter {}, column `{column}`", product.product, row.exporter),
                        found: found.to_string(),
                        expected: expected.to_string(),
                    });
                }
            }
        }
        let headline = crate::json(collection, countries, &crate::Manifest::default())["headline"].take();
        if self.manifest["headline"] != headline {
            let keys = headline.as_object().into_iter().flat_map(|object| object.keys());
            let key = keys.into_iter().find(|key| self.manifest["headline"][key.as_str()] != headline[key.as_str()]);
            let key = key.map_or("headline", String::as_str);
            return Err(StoredError::Differs {
                file: MANIFEST.to_owned(),
                place: format!("headline, `{key}`"),
                found: self.manifest["headline"][key].to_string(),
                expected: headline[key].to_string(),
            });
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
        if found != expected || found.is_none() {
            return Err(StoredError::Differs {
                file: name.to_owned(),
                place: format!("line {number}"),
                found: found.unwrap_or_default().to_owned(),
                expected: expected.unwrap_or_default().to_owned(),
            });
        }
    }
    Ok(())
}
