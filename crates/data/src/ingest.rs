//! Steps from what CEPII ships to our own files: one sorted Parquet per year, the code tables, a ledger and a manifest.
//!
//! Years are gathered one by one. A file that holds many is split by year, into memory first and onto disk beyond a bound,
//! so that a release of any length needs the memory of its largest year. The folder is built beside its place and renamed
//! as a whole: it is there complete or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use reorient_core::{CountryTable, HsRevision, ProductCode, Year};
use reorient_folder::Target;

use crate::DataError;
use crate::codes::{self, CodeTables, hash_file};
use crate::gather::Gathered;
use crate::ingested::{COUNTRY_CODES, FileHash, IngestManifest, LEDGER, MANIFEST, PRODUCT_CODES, YearSummary, thousandths};
use crate::input::{Input, Member, Pick};
use crate::issue::{Issues, LedgerRow, OnDuplicate, RowPolicy, count_by_reason};
use crate::row::Row;
use crate::settle::settle;
use crate::staging::Staging;
use crate::store::{YearInfo, write_sorted};

const UNKNOWN_RELEASE: &str = "unknown";
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
}

/// How far an ingest is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IngestProgress {
    /// Rows read.
    pub rows: u64,
    /// Bytes of the sources that are read, packed or as they unpack.
    pub done: u64,
    /// Of so many.
    pub total: u64,
}

/// Reads all sources and writes the folder `out`, which is never one that holds a source; `progress` is told how far the reading
/// is.
///
/// # Errors
/// [`DataError`] when a source cannot be read or breaks a rule, or when the folder is not free or cannot be written; then nothing
/// of it is left behind.
pub fn ingest(
    sources: &[PathBuf],
    out: impl Into<Target>,
    options: &IngestOptions,
    progress: &mut dyn FnMut(IngestProgress),
) -> Result<IngestManifest, DataError> {
    let mut whole = Input::default();
    for source in sources {
        whole.join(Input::open(source)?)?;
    }
    let (revision, release) = revision_and_release(&whole.members, options)?;
    let tables = CodeTables::of(&whole, revision)?;
    let target = out.into().reading(sources.iter().chain(&whole.files).cloned());
    let staging = Staging::create(&target)?;
    let info = |year, synthetic| YearInfo {
        year,
        revision,
        release: release.clone(),
        synthetic,
        attribution: match (options.attribution.as_str(), synthetic) {
            ("", true) => codes::MADE_UP.to_owned(),
            ("", false) => codes::ATTRIBUTION.to_owned(),
            (given, _) => given.to_owned(),
        },
    };
    let mut issues = Issues::new(&options.policy);
    let mut gathered = Gathered::new(staging.path.clone());
    let mut writer = Writer { folder: &staging.path, summaries: Vec::new(), files: Vec::new(), products: BTreeSet::new() };
    let mut told = IngestProgress { total: whole.members.iter().map(|member| member.size).sum(), ..IngestProgress::default() };
    let pick = Pick::all();
    let mut hashes = Vec::new();
    let mut rows_in = 0;
    let mut read_before = 0;
    for member in &whole.members {
        let met = member.read(&tables.countries, true, &pick, &mut issues, &mut |batch| {
            told.rows += batch.met;
            told.done = read_before + batch.done;
            progress(told);
            gathered.add(batch.rows, member.year)
        })?;
        rows_in += met.rows;
        read_before += member.size;
        hashes.extend(member.path().zip(met.hash));
        // A file that promises one year has now given all of it.
        if let Some(year) = member.year {
            let rows = gathered.take(year)?;
            writer.year(
                &info(year, whole.is_synthetic(member)),
                rows,
                std::slice::from_ref(member),
                &tables.countries,
                &mut issues,
            )?;
        }
    }
    for year in gathered.years() {
        let rows = gathered.take(year)?;
        writer.year(&info(year, whole.holds_synthetic()), rows, &whole.members, &tables.countries, &mut issues)?;
    }
    issues.finish()?;
    writer.summaries.sort_by_key(|summary| summary.year);
    let ledger = issues.ledger;
    let Writer { summaries, mut files, products, .. } = writer;
    files.sort_by(|left, right| left.name.cmp(&right.name));
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
    for name in [COUNTRY_CODES, PRODUCT_CODES, LEDGER] {
        let path = staging.path.join(name);
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
        synthetic: whole.holds_synthetic(),
        sources: source_hashes(&whole.files, hashes)?,
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

/// Hashes of the files: those that reading gave, and of the others anew.
fn source_hashes(files: &[PathBuf], read: Vec<(&Path, FileHash)>) -> Result<Vec<FileHash>, DataError> {
    let known: BTreeMap<&Path, FileHash> = read.into_iter().collect();
    files.iter().map(|path| known.get(path.as_path()).cloned().map_or_else(|| hash_file(path), Ok)).collect()
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

/// Writes years and keeps account of them.
struct Writer<'a> {
    folder: &'a Path,
    summaries: Vec<YearSummary>,
    files: Vec<FileHash>,
    products: BTreeSet<ProductCode>,
}

impl Writer<'_> {
    fn year(
        &mut self,
        info: &YearInfo,
        rows: Vec<Vec<Row>>,
        members: &[Member],
        countries: &CountryTable,
        issues: &mut Issues<'_>,
    ) -> Result<(), DataError> {
        let sorted = settle(rows, members, countries, issues)?;
        let products = sorted.products();
        if products.is_empty() {
            return Ok(());
        }
        let file = file_of(info);
        self.files.push(write_sorted(&self.folder.join(&file), info, &products)?);
        let mut summary = YearSummary {
            year: info.year.get(),
            file,
            rows: 0,
            products: products.len() as u64,
            value_kusd: String::new(),
            quantity_tons: String::new(),
            missing_quantity: 0,
            with_itself: 0,
        };
        let (mut value, mut quantity) = (0_i128, 0_i128);
        let sums: Vec<Sums> = products.par_iter().map(|rows| Sums::of(rows)).collect();
        for (rows, sums) in products.iter().zip(sums) {
            self.products.insert(rows[0].product()?);
            summary.rows += rows.len() as u64;
            summary.missing_quantity += sums.missing_quantity;
            summary.with_itself += sums.with_itself;
            value += sums.value;
            quantity += sums.quantity;
        }
        summary.value_kusd = thousandths(value);
        summary.quantity_tons = thousandths(quantity);
        self.summaries.push(summary);
        Ok(())
    }
}

/// What the rows of a product add up to.
struct Sums {
    value: i128,
    quantity: i128,
    missing_quantity: u64,
    with_itself: u64,
}

impl Sums {
    fn of(rows: &[Row]) -> Self {
        Self {
            value: rows.iter().map(|row| i128::from(row.value().get())).sum(),
            quantity: rows.iter().map(|row| i128::from(row.quantity().unwrap_or(0))).sum(),
            missing_quantity: rows.iter().filter(|row| row.quantity().is_none()).count() as u64,
            with_itself: rows.iter().filter(|row| row.exporter() == row.importer()).count() as u64,
        }
    }
}

/// As CEPII names a year, where the release is known; made-up years say so.
fn file_of(info: &YearInfo) -> String {
    let release = if info.release == UNKNOWN_RELEASE { String::new() } else { format!("_V{}", info.release) };
    let synthetic = if info.synthetic { "_synthetic" } else { "" };
    format!("BACI_{}_Y{}{release}{synthetic}.parquet", info.revision, info.year)
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
