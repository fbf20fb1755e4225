//! What rows, tables and lists were read from: each carries the hash that it was read with, and what is read twice must be the
//! same both times.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use reorient_core::Year;

use crate::claims::{Claims, ValueUnit};
use crate::ingested::FileHash;
use crate::integrity::Integrity;
use crate::{DataError, TradeTable};

/// The hash of what was read, in hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fingerprint {
    /// BLAKE3 of all bytes.
    Whole(String),
    /// The hash that the footer of a Parquet file of ours carries. It stands for every byte of the file, and every byte that is
    /// used was held against it.
    Footer(String),
}

impl Fingerprint {
    /// Its hexadecimal digits.
    pub fn digits(&self) -> &str {
        let (Self::Whole(digits) | Self::Footer(digits)) = self;
        digits
    }
}

/// What an input is to an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InputRole {
    /// Rows of trade.
    Trade,
    /// The table of countries.
    Countries,
    /// The table of products, which gives descriptions alone.
    Products,
    /// The list of goods.
    List,
    /// A published table that a calibration is held against.
    Published,
}

impl InputRole {
    /// Name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trade => "trade",
            Self::Countries => "countries",
            Self::Products => "products",
            Self::List => "list",
            Self::Published => "published",
        }
    }
}

/// Something that was read, for the manifest of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputFile {
    /// What it is to the answer.
    pub role: InputRole,
    /// File name without its folder; what stands in the program says so.
    pub name: String,
    /// Size.
    pub bytes: u64,
    /// The hash that it was read with.
    pub fingerprint: Fingerprint,
    /// Whether every byte that was used matched a hash inside a file of ours, or stands in the program; only our own files
    /// hold any.
    pub verified: bool,
    /// The checksum that was compared as it was read.
    pub integrity: Integrity,
}

impl InputFile {
    /// Of bytes that were read at once.
    pub fn of_bytes(role: InputRole, name: impl Into<String>, bytes: &[u8]) -> Self {
        let fingerprint = Fingerprint::Whole(blake3::hash(bytes).to_hex().to_string());
        Self { role, name: name.into(), bytes: bytes.len() as u64, fingerprint, verified: false, integrity: Integrity::None }
    }

    /// It was held against a hash in a file of ours, or stands in the program.
    pub(crate) const fn verify(&mut self) {
        (self.verified, self.integrity) = (true, Integrity::Blake3);
    }

    /// Of rows of trade with the hash that reading them gave. The checksum is that of a file that is not ours.
    pub fn of_trade(hash: &FileHash, integrity: Integrity) -> Self {
        let (fingerprint, verified, integrity) = match &hash.footer_blake3 {
            Some(footer) => (Fingerprint::Footer(footer.clone()), true, Integrity::Blake3),
            None => (Fingerprint::Whole(hash.blake3.clone()), false, integrity),
        };
        Self { role: InputRole::Trade, name: hash.name.clone(), bytes: hash.bytes, fingerprint, verified, integrity }
    }
}

/// Whether all rows are accounted for: `rows_in` is `rows_used` plus the sum of `unused`. Counts of a damaged or forged manifest may
/// be any, so a sum that does not fit is none.
pub fn rows_add_up(rows_in: u64, rows_used: u64, unused: &BTreeMap<String, u64>) -> bool {
    unused.values().try_fold(rows_used, |sum, rows| sum.checked_add(*rows)) == Some(rows_in)
}

/// What became of the rows; they add up, as [`rows_add_up`] says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RowLedger {
    /// Rows in the files.
    pub rows_in: u64,
    /// Rows in the table.
    pub rows_used: u64,
    /// Rows left out, by reason.
    pub unused: BTreeMap<String, u64>,
    /// Rows of the files, used or not, of which something is to be said, by reason.
    pub noted: BTreeMap<String, u64>,
}

/// One year of trade with its provenance.
#[derive(Debug, Clone)]
pub struct Trade {
    /// The flows.
    pub table: TradeTable,
    /// What they come from: files of rows, then code tables.
    pub inputs: Vec<InputFile>,
    /// The hash of the year that the rows were read with, as [`TradeSource::fingerprint`](crate::TradeSource::fingerprint) gives
    /// it beforehand.
    pub read_with: FileHash,
    /// What became of each row.
    pub ledger: RowLedger,
    /// What was found out about the rows.
    pub claims: Claims,
}

/// What was made of one year of trade, with its provenance.
#[derive(Debug, Clone)]
pub struct Passed<T> {
    /// Of some products each, in their order.
    pub results: Vec<T>,
    /// What the rows come from: files of rows, then code tables.
    pub inputs: Vec<InputFile>,
    /// The hash of the year that the rows were read with.
    pub read_with: FileHash,
    /// What became of each row.
    pub ledger: RowLedger,
    /// What was found out about the rows.
    pub claims: Claims,
}

/// The hash of a year from those of the files that its rows stand in, a hash for each part. The same parts under other names hold
/// the same rows; the same values in another unit do not.
pub(crate) fn of_parts(name: String, mut parts: Vec<FileHash>, unit: Option<ValueUnit>) -> FileHash {
    if let ([hash], None) = (&parts[..], unit) {
        return hash.clone();
    }
    let bytes = parts.iter().map(|hash| hash.bytes).sum();
    parts.sort_by(|one, other| one.blake3.cmp(&other.blake3));
    let mut hasher = blake3::Hasher::new();
    hasher.update(unit.map_or("", ValueUnit::name).as_bytes());
    for hash in &parts {
        hasher.update(hash.blake3.as_bytes());
    }
    FileHash { name, bytes, blake3: hasher.finalize().to_hex().to_string(), footer_blake3: None }
}

/// The hash with which each year was seen first. What is seen later must be the same: a command that looks at a year twice must not
/// answer from two.
#[derive(Debug, Default)]
pub(crate) struct Seen(Mutex<BTreeMap<Year, String>>);

impl Seen {
    /// Holds a hash against the one that was seen before.
    ///
    /// # Errors
    /// [`DataError::Changed`] when it is another one.
    pub(crate) fn meet(&self, year: Year, hash: &FileHash) -> Result<(), DataError> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = seen.entry(year).or_insert_with(|| hash.blake3.clone());
        if *first == hash.blake3 { Ok(()) } else { Err(DataError::Changed { file: hash.name.clone() }) }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_with_another_hash_has_changed() {
        let hash = |text: &str| FileHash {
            name: "a.csv".to_owned(),
            bytes: 1,
            blake3: blake3::hash(text.as_bytes()).to_hex().to_string(),
            footer_blake3: None,
        };
        let year = |year: u16| Year::new(year).unwrap();
        let seen = Seen::default();
        seen.meet(year(2022), &hash("one")).unwrap();
        seen.meet(year(2023), &hash("other")).unwrap();
        seen.meet(year(2022), &hash("one")).unwrap();
        let error = seen.meet(year(2022), &hash("other")).unwrap_err();
        assert_eq!(error.kind(), crate::DataErrorKind::BadData);
        assert!(error.to_string().starts_with("a.csv changed while it was in use"), "{error}");
    }

    #[test]
    fn rows_add_up_or_do_not_fit() {
        let unused = |rows: [u64; 2]| BTreeMap::from([("one".to_owned(), rows[0]), ("other".to_owned(), rows[1])]);
        assert!(rows_add_up(6, 3, &unused([2, 1])) && rows_add_up(3, 3, &BTreeMap::new()));
        assert!(!rows_add_up(7, 3, &unused([2, 1])));
        assert!(!rows_add_up(4, 3, &unused([u64::MAX, 2])), "3 + 2 + (2^64 - 1) is 4 where sums wrap");
    }

    #[test]
    fn parts_count_whatever_they_are_called() {
        let part = |name: &str, text: &str| FileHash {
            name: name.to_owned(),
            bytes: 2,
            blake3: blake3::hash(text.as_bytes()).to_hex().to_string(),
            footer_blake3: None,
        };
        let both = of_parts(String::new(), vec![part("a", "x"), part("b", "y")], None);
        assert_eq!(both, of_parts(String::new(), vec![part("c", "y"), part("a", "x")], None));
        assert_ne!(both.blake3, of_parts(String::new(), vec![part("a", "x"), part("b", "y")], Some(ValueUnit::Usd)).blake3);
        assert_eq!(of_parts(String::new(), vec![part("a", "x")], None), part("a", "x"));
    }
}
