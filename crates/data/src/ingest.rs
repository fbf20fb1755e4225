//! Steps from what CEPII ships to our own files: one sorted Parquet per year, the code tables, a ledger and a manifest.
//!
//! Years are gathered one by one. A file that holds many is split by year, into memory first and onto disk beyond a bound,
//! so that a release of any length needs the memory of its largest year. The folder is built beside its place and renamed
//! as a whole: it is there complete or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use rayon::slice::ParallelSliceMut;
use reorient_core::{CountryTable, HsRevision, ProductCode, Year};
use serde::{Deserialize, Serialize};

use crate::codes::{self, CodeTables};
use crate::error::file_name;
use crate::input::{Input, Member};
use crate::issue::{Issues, LedgerRow, OnDuplicate, Reason, RowPolicy, count_by_reason};
use crate::row::{Row, RowKey};
use crate::store::{YearInfo, write_sorted};
use crate::{DataError, codes::hash_file};

/// Names within an ingested folder.
pub(crate) const MANIFEST: &str = "manifest.json";
pub(crate) const COUNTRY_CODES: &str = "country_codes.csv";
pub(crate) const PRODUCT_CODES: &str = "product_codes.csv";
pub(crate) const LEDGER: &str = "ledger.csv";
const UNKNOWN_RELEASE: &str = "unknown";
/// Rows kept in memory while a file of many years is split; 24 bytes each.
const ROWS_IN_MEMORY: usize = 16 << 20;
/// No year of BACI has half as many.
const MOST_ROWS_A_YEAR: usize = 40 << 20;

/// What to ingest and how.
#[derive(Debug, Clone, Default)]
pub struct IngestOptions {
    /// The revision, where names do not tell.
    pub revision: Option<HsRevision>,
    /// CEPII's release such as `202601`, where names do not tell.
    pub release: Option<String>,
    /// How strictly rows are read.
    pub policy: RowPolicy,
    /// Where the rows come from and under which licence; empty for CEPII's own words.
    pub attribution: String,
    /// Replace a folder that an earlier ingest wrote.
    pub force: bool,
}

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
    /// Files written, this one excepted.
    pub files: Vec<FileHash>,
}

/// One year of an ingested folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct YearSummary {
    /// Calendar year.
    pub year: u16,
    /// File name.
    pub file: String,
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
}

/// A file with its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileHash {
    /// Name without its folder.
    pub name: String,
    /// Size.
    pub bytes: u64,
    /// BLAKE3 in hexadecimal digits.
    pub blake3: String,
}

/// Reads all sources and writes the folder `out`; `progress` is told the rows read so far.
///
/// # Errors
/// [`DataError`] when a source cannot be read or breaks a rule, or when the folder cannot be written; then nothing of it is
/// left behind.
pub fn ingest(
    sources: &[PathBuf],
    out: &Path,
    options: &IngestOptions,
    progress: &mut dyn FnMut(u64),
) -> Result<IngestManifest, DataError> {
    let mut whole = Input::default();
    for source in sources {
        whole.join(Input::open(source)?)?;
    }
    let (revision, release) = revision_and_release(&whole.members, options)?;
    let tables = CodeTables::of(&whole, revision)?;
    let staging = Staging::create(out, options.force)?;
    let info = |year| YearInfo {
        year,
        revision,
        release: release.clone(),
        synthetic: false,
        attribution: if options.attribution.is_empty() { codes::ATTRIBUTION.to_owned() } else { options.attribution.clone() },
    };
    let mut issues = Issues::new(&options.policy);
    let mut gathered = Gathered { folder: staging.path.clone(), years: BTreeMap::new(), in_memory: 0 };
    let mut writer = Writer { folder: &staging.path, summaries: Vec::new(), products: BTreeSet::new() };
    let mut rows_in = 0;
    let mut told = 0;
    for member in &whole.members {
        rows_in += member.read(&tables.countries, true, &mut issues, &mut |rows| {
            told += rows.len() as u64;
            progress(told);
            gathered.add(rows)
        })?;
        // A file that promises one year has now given all of it.
        if let Some(year) = member.year {
            let rows = gathered.take(year)?;
            writer.year(&info(year), rows, std::slice::from_ref(member), &tables.countries, &mut issues)?;
        }
    }
    for year in gathered.years.keys().copied().collect::<Vec<_>>() {
        let rows = gathered.take(year)?;
        writer.year(&info(year), rows, &whole.members, &tables.countries, &mut issues)?;
    }
    issues.finish()?;
    writer.summaries.sort_by_key(|summary| summary.year);
    let ledger = issues.ledger;
    let Writer { summaries, products, .. } = writer;
    let rows_used = summaries.iter().map(|summary| summary.rows).sum();
    let unused = count_by_reason(&ledger);
    if rows_in != rows_used + unused.values().sum::<u64>() {
        return Err(DataError::Internal(format!("{rows_in} rows were read, {rows_used} written, {} noted", ledger.len())));
    }
    let write = |name: &str, bytes: &[u8]| staging.write(name, bytes);
    write(COUNTRY_CODES, tables.countries_csv()?.as_bytes())?;
    if !tables.products.is_empty() {
        write(PRODUCT_CODES, tables.products_csv()?.as_bytes())?;
    }
    write(LEDGER, ledger_csv(&ledger)?.as_bytes())?;
    let mut files = Vec::new();
    let tables_and_ledger = [COUNTRY_CODES, PRODUCT_CODES, LEDGER].map(str::to_owned);
    for name in summaries.iter().map(|summary| summary.file.clone()).chain(tables_and_ledger) {
        let path = staging.path.join(&name);
        if path.exists() {
            files.push(hash_file(&path)?);
        }
    }
    let manifest = IngestManifest {
        generator: "reorient".to_owned(),
        kind: "ingest".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        revision: revision.to_string(),
        release,
        synthetic: false,
        sources: whole.files.iter().map(|path| hash_file(path)).collect::<Result<_, _>>()?,
        ignored: whole.ignored,
        country_table: tables.countries_from.clone(),
        product_table: tables.products_from.clone(),
        products_not_in_table: products
            .iter()
            .filter(|product| !tables.products.is_empty() && !tables.products.contains_key(product))
            .map(ProductCode::to_string)
            .collect(),
        on_duplicate: if options.policy.on_duplicate == OnDuplicate::Sum { "sum" } else { "error" }.to_owned(),
        skip: options.policy.skip.iter().map(|reason| reason.name().to_owned()).collect(),
        years: summaries,
        rows_in,
        rows_used,
        unused,
        files,
    };
    let mut text = serde_json::to_string_pretty(&manifest).map_err(|error| DataError::Internal(error.to_string()))?;
    text.push('\n');
    staging.write(MANIFEST, text.as_bytes())?;
    staging.publish()?;
    Ok(manifest)
}

fn revision_and_release(members: &[Member], options: &IngestOptions) -> Result<(HsRevision, String), DataError> {
    let mut revision: Option<(HsRevision, &str)> = options.revision.map(|revision| (revision, "the option"));
    let mut release: Option<(String, &str)> = options.release.clone().map(|release| (release, "the option"));
    let mut years: BTreeMap<Year, &str> = BTreeMap::new();
    let unnamed = members.iter().filter(|member| member.year.is_none()).count();
    for member in members {
        if let Some(found) = member.revision {
            let (expected, from) = revision.get_or_insert((found, &member.name));
            if *expected != found {
                let problem = format!("it is {found} by its name, but {expected} by {from}; ingest one revision at a time");
                return Err(DataError::file(&member.name, problem));
            }
        }
        if let Some(found) = &member.release {
            let (expected, from) = release.get_or_insert((found.clone(), &member.name));
            if expected != found {
                let problem = format!("it is of release {found} by its name, but {expected} by {from}; do not mix releases");
                return Err(DataError::file(&member.name, problem));
            }
        }
        if let Some((year, other)) = member.year.and_then(|year| years.insert(year, &member.name).map(|other| (year, other))) {
            let problem = format!("it holds the year {year} that is in {other} too; keep one of them");
            return Err(DataError::file(&member.name, problem));
        }
    }
    if unnamed > 0 && members.len() > 1 {
        let member = members.iter().find(|member| member.year.is_none()).map_or("", |member| member.name.as_str());
        let problem =
            "its name tells no year, so it may hold any: ingest it alone, or name it such as BACI_HS92_Y2023_V202401b.csv";
        return Err(DataError::file(member, problem));
    }
    let (revision, _) = revision.ok_or_else(|| {
        let problem = "the name does not say which HS revision the codes are of; rename the file as CEPII does, \
                       such as BACI_HS92_Y2023_V202401b.csv, or give --hs";
        DataError::file(members.first().map_or("", |member| &member.name), problem)
    })?;
    Ok((revision, release.map_or_else(|| UNKNOWN_RELEASE.to_owned(), |(release, _)| release)))
}

/// Rows by year, in memory up to a bound and on disk beyond it.
struct Gathered {
    folder: PathBuf,
    years: BTreeMap<Year, Gathering>,
    in_memory: usize,
}

#[derive(Default)]
struct Gathering {
    rows: Vec<Row>,
    spilled: Option<File>,
    rows_on_disk: usize,
}

impl Gathered {
    fn add(&mut self, rows: &[Row]) -> Result<(), DataError> {
        for same in rows.chunk_by(|left, right| left.year().ok() == right.year().ok()) {
            let Some(first) = same.first() else { continue };
            let year = first.year()?;
            let gathering = self.years.entry(year).or_default();
            if gathering.rows.len() + gathering.rows_on_disk + same.len() > MOST_ROWS_A_YEAR {
                return Err(DataError::file(
                    &year.to_string(),
                    format!("more than {MOST_ROWS_A_YEAR} rows in one year are not BACI, which has some 11 million"),
                ));
            }
            gathering.rows.extend_from_slice(same);
            self.in_memory += same.len();
        }
        if self.in_memory > ROWS_IN_MEMORY && self.years.len() > 1 {
            self.spill()?;
        }
        Ok(())
    }

    fn spill(&mut self) -> Result<(), DataError> {
        let fail = |error: std::io::Error| DataError::unwritable(&self.folder, error);
        for gathering in self.years.values_mut() {
            if gathering.spilled.is_none() {
                gathering.spilled = Some(tempfile::tempfile_in(&self.folder).map_err(fail)?);
            }
            if let Some(file) = &mut gathering.spilled {
                let mut out = BufWriter::with_capacity(1 << 18, file);
                for row in &gathering.rows {
                    out.write_all(&row.to_bytes()).map_err(fail)?;
                }
                out.flush().map_err(fail)?;
            }
            gathering.rows_on_disk += gathering.rows.len();
            gathering.rows = Vec::new();
        }
        self.in_memory = 0;
        Ok(())
    }

    /// All rows of a year.
    fn take(&mut self, year: Year) -> Result<Vec<Row>, DataError> {
        let Some(mut gathering) = self.years.remove(&year) else { return Ok(Vec::new()) };
        self.in_memory -= gathering.rows.len();
        if let Some(mut file) = gathering.spilled {
            let fail = |error: std::io::Error| DataError::unwritable(&self.folder, error);
            gathering.rows.reserve_exact(gathering.rows_on_disk);
            file.seek(SeekFrom::Start(0)).map_err(fail)?;
            let mut reader = std::io::BufReader::with_capacity(1 << 18, file);
            let mut bytes = [0; 24];
            for _ in 0..gathering.rows_on_disk {
                reader.read_exact(&mut bytes).map_err(fail)?;
                gathering.rows.push(Row::from_bytes(&bytes));
            }
        }
        Ok(gathering.rows)
    }
}

/// Sorts, merges or refuses rows that share a key; `members` are where they may stand.
pub(crate) fn settle(
    rows: &mut Vec<Row>,
    members: &[Member],
    countries: &CountryTable,
    issues: &mut Issues<'_>,
) -> Result<(), DataError> {
    rows.par_sort_unstable();
    let twice: Vec<RowKey> =
        rows.chunk_by(|left, right| left.key() == right.key()).filter(|same| same.len() > 1).map(|same| same[0].key()).collect();
    if twice.is_empty() {
        return Ok(());
    }
    let policy = issues.policy();
    if policy.on_duplicate == OnDuplicate::Error {
        let named: Vec<RowKey> = twice.iter().copied().take(policy.max_errors).collect();
        let places = places(&named, members, countries, policy)?;
        for key in &named {
            let (file, lines) = places.get(key).map_or(("", String::new()), |(file, lines)| {
                (file.as_str(), lines.iter().map(u64::to_string).collect::<Vec<_>>().join(", "))
            });
            let problem = format!("{key} stand twice (rows {lines}); keep one row, or add them up with --on-duplicate sum");
            issues.refuse(DataError::file(file, problem))?;
        }
        return issues.finish();
    }
    let mut merged: Vec<Row> = Vec::with_capacity(rows.len());
    let file = members.first().map_or("", |member| &member.name);
    for row in rows.iter() {
        match merged.last_mut().filter(|last| last.key() == row.key()) {
            Some(last) => {
                let too_large = || DataError::file(file, format!("the sum of the rows of {} is too large", row.key()));
                *last = last.merged(*row).ok_or_else(too_large)?;
                let what = format!("{}, value {}: added to the other row of its key", row.key(), row.value());
                issues.note(LedgerRow { file: file.to_owned(), line: None, reason: Reason::DuplicateKey, what })?;
            }
            None => merged.push(*row),
        }
    }
    *rows = merged;
    Ok(())
}

/// Rows of keys, counted from 1 without the header, by reading the files once more.
fn places(
    keys: &[RowKey],
    members: &[Member],
    countries: &CountryTable,
    policy: &RowPolicy,
) -> Result<BTreeMap<RowKey, (String, Vec<u64>)>, DataError> {
    let mut found: BTreeMap<RowKey, (String, Vec<u64>)> = BTreeMap::new();
    for member in members {
        let mut at = 0;
        member.read(countries, true, &mut Issues::new(policy), &mut |rows| {
            for row in rows {
                at += 1;
                if keys.contains(&row.key()) {
                    found.entry(row.key()).or_insert_with(|| (member.name.clone(), Vec::new())).1.push(at);
                }
            }
            Ok(())
        })?;
    }
    Ok(found)
}

/// Writes years and keeps account of them.
struct Writer<'a> {
    folder: &'a Path,
    summaries: Vec<YearSummary>,
    products: BTreeSet<ProductCode>,
}

impl Writer<'_> {
    fn year(
        &mut self,
        info: &YearInfo,
        mut rows: Vec<Row>,
        members: &[Member],
        countries: &CountryTable,
        issues: &mut Issues<'_>,
    ) -> Result<(), DataError> {
        settle(&mut rows, members, countries, issues)?;
        if rows.is_empty() {
            return Ok(());
        }
        let file = file_of(info);
        write_sorted(&self.folder.join(&file), info, &rows)?;
        let mut summary = YearSummary {
            year: info.year.get(),
            file,
            rows: rows.len() as u64,
            products: 0,
            value_kusd: String::new(),
            quantity_tons: String::new(),
            missing_quantity: 0,
            with_itself: 0,
        };
        let (mut value, mut quantity) = (0_i128, 0_i128);
        for same in rows.chunk_by(|left, right| left.product_number() == right.product_number()) {
            summary.products += 1;
            self.products.insert(same[0].product()?);
            for row in same {
                value += i128::from(row.value().get());
                quantity += i128::from(row.quantity().unwrap_or(0));
                summary.missing_quantity += u64::from(row.quantity().is_none());
                summary.with_itself += u64::from(row.exporter() == row.importer());
            }
        }
        summary.value_kusd = thousandths(value);
        summary.quantity_tons = thousandths(quantity);
        self.summaries.push(summary);
        Ok(())
    }
}

/// As CEPII names a year, where the release is known.
fn file_of(info: &YearInfo) -> String {
    let release = if info.release == UNKNOWN_RELEASE { String::new() } else { format!("_V{}", info.release) };
    format!("BACI_{}_Y{}{release}.parquet", info.revision, info.year)
}

fn ledger_csv(ledger: &[LedgerRow]) -> Result<String, DataError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let internal = |error: &dyn std::fmt::Display| DataError::Internal(error.to_string());
    writer.write_record(["file", "line", "reason", "what"]).map_err(|error| internal(&error))?;
    for row in ledger {
        let line = row.line.map_or_else(String::new, |line| line.to_string());
        writer.write_record([&row.file, &line, row.reason.name(), &row.what]).map_err(|error| internal(&error))?;
    }
    let bytes = writer.into_inner().map_err(|error| internal(&error))?;
    String::from_utf8(bytes).map_err(|error| internal(&error))
}

/// A folder in the making, beside the place it will take.
struct Staging {
    path: PathBuf,
    out: PathBuf,
    _lock: File,
    lock_path: PathBuf,
    published: std::cell::Cell<bool>,
}

impl Staging {
    fn create(out: &Path, force: bool) -> Result<Self, DataError> {
        let fail = |path: &Path| {
            let path = path.to_owned();
            move |error: std::io::Error| DataError::unwritable(&path, error)
        };
        if out.exists() {
            let empty = out.is_dir() && fs::read_dir(out).map_err(fail(out))?.next().is_none();
            let ours = out.join(MANIFEST).exists() && is_ingested(&out.join(MANIFEST));
            if !empty && !ours {
                return Err(DataError::unwritable(out, "it holds other files; choose another folder"));
            }
            if ours && !force {
                return Err(DataError::unwritable(
                    out,
                    "it holds an ingested release already; choose another folder or give --force",
                ));
            }
        }
        let parent = match out.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        fs::create_dir_all(&parent).map_err(fail(&parent))?;
        let name = out.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = name.ok_or_else(|| DataError::unwritable(out, "this is no name of a folder"))?;
        let lock_path = parent.join(format!(".{name}.lock"));
        let lock = File::create(&lock_path).map_err(fail(&lock_path))?;
        if lock.try_lock().is_err() {
            return Err(DataError::unwritable(out, "another ingest is writing it; wait for its end"));
        }
        let path = parent.join(format!(".{name}.partial"));
        // What an ingest that was killed left behind.
        if path.exists() {
            fs::remove_dir_all(&path).map_err(fail(&path))?;
        }
        fs::create_dir(&path).map_err(fail(&path))?;
        Ok(Self { path, out: out.to_owned(), _lock: lock, lock_path, published: std::cell::Cell::new(false) })
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), DataError> {
        let path = self.path.join(name);
        let written = File::create(&path).and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
        written.map_err(|error| DataError::unwritable(&self.out.join(name), error))
    }

    /// Gives the folder its name.
    fn publish(&self) -> Result<(), DataError> {
        let fail = |error: std::io::Error| DataError::unwritable(&self.out, error);
        sync_folder(&self.path).map_err(fail)?;
        let old = self.path.with_extension("old");
        if self.out.exists() {
            if old.exists() {
                fs::remove_dir_all(&old).map_err(fail)?;
            }
            fs::rename(&self.out, &old).map_err(fail)?;
        }
        fs::rename(&self.path, &self.out).map_err(fail)?;
        self.published.set(true);
        if let Some(parent) = self.path.parent() {
            sync_folder(parent).map_err(fail)?;
        }
        if old.exists() {
            fs::remove_dir_all(&old).map_err(fail)?;
        }
        Ok(())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.published.get() {
            // Nothing more can be done where even this fails; the next ingest tries again.
            let _ = fs::remove_dir_all(&self.path);
        }
        let _ = fs::remove_file(&self.lock_path);
    }
}

fn sync_folder(folder: &Path) -> std::io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Whether a manifest is that of an ingested folder.
fn is_ingested(path: &Path) -> bool {
    read_manifest(path).is_ok()
}

/// The manifest of an ingested folder.
///
/// # Errors
/// [`DataError`] when it cannot be read or is another one.
pub(crate) fn read_manifest(path: &Path) -> Result<IngestManifest, DataError> {
    let text = fs::read(path).map_err(|error| DataError::unreadable(path, &error))?;
    let manifest: IngestManifest = serde_json::from_slice(&text)
        .map_err(|error| DataError::file(&file_name(path), format!("this is no manifest of an ingest: {error}")))?;
    if manifest.generator != "reorient" || manifest.kind != "ingest" {
        return Err(DataError::file(&file_name(path), "this is no manifest of an ingest"));
    }
    Ok(manifest)
}

/// A listed file must be there with its size and, where `hashed`, its hash.
pub(crate) fn check_listed(folder: &Path, listed: &FileHash, hashed: bool) -> Result<(), DataError> {
    let path = folder.join(&listed.name);
    let size = fs::metadata(&path).map_err(|error| DataError::unreadable(&path, &error))?.len();
    if size != listed.bytes {
        return Err(DataError::damaged(&listed.name, format!("it has {size} bytes, the manifest says {}", listed.bytes)));
    }
    if hashed && hash_file(&path)?.blake3 != listed.blake3 {
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
        let trade = source.read(*year, None)?;
        let value: i128 = trade.table.values().iter().map(|value| i128::from(value.get())).sum();
        let counted = (trade.table.n_rows() as u64, trade.table.products().len() as u64, thousandths(value));
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
fn thousandths(sum: i128) -> String {
    format!("{}.{:03}", sum / 1000, sum % 1000)
}
