//! Steps from what CEPII ships to our own files: one sorted Parquet per year, the code tables, a ledger and a manifest.
//!
//! Years are gathered one by one. A file that holds many is split by year, into memory first and onto disk beyond a bound,
//! so that a release of any length needs the memory of its largest year. A year may be in several files. The folder is built beside its place and renamed
//! as a whole: it is there complete or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use reorient_core::{CountryTable, HsRevision, ProductCode, cell};
use reorient_files::NameInFolder;
use reorient_folder::{Asked, FolderWriter, Target};

use crate::DataError;
use crate::claims::{OfProduct, ValueUnit, check_codes};
use crate::codes::{self, CodeTables, hash_file};
use crate::gather::Gathered;
use crate::hs_codes::is_code_of;
use crate::ingested::{COUNTRY_CODES, FileHash, IngestManifest, LEDGER, MANIFEST, PRODUCT_CODES, YearSummary, thousandths};
use crate::input::{Input, Member, Pick};
use crate::issue::{Issues, LedgerRow, OnDuplicate, Reason, RowPolicy, count_by_reason};
use crate::row::Row;
use crate::sealed;
use crate::settle::settle;

use crate::source::names;
use crate::store::{YearInfo, write_sorted};

const UNKNOWN_RELEASE: &str = "unknown";
/// The kind of folder, as its manifest says it.
const KIND: &str = "ingest";

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
    /// The unit of a column `value`, whose name tells none.
    pub value_unit: Option<ValueUnit>,
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
    whole.set_unit(options.value_unit);
    let (revision, release) = revision_and_release(&whole.members, options)?;
    let tables = CodeTables::of(&whole, revision)?;
    let texts = tables.texts()?;
    let target = out.into().reading(sources.iter().chain(&whole.files).cloned());
    // What was ingested before takes long to make, so it is replaced on demand only.
    let folder = FolderWriter::begin(&target, Asked { kind: KIND, question: None, work: None })?;
    let info = |year, synthetic| YearInfo {
        year,
        unknown_codes: None,
        revision,
        release: release.clone(),
        synthetic,
        tables: Some(texts.seal()),
        attribution: match (options.attribution.as_str(), synthetic) {
            ("", true) => codes::MADE_UP.to_owned(),
            ("", false) => codes::ATTRIBUTION.to_owned(),
            (given, _) => given.to_owned(),
        },
    };
    let mut issues = Issues::new(&options.policy);
    let mut gathered = Gathered::new(folder.path().to_owned());
    let mut writer = Writer { folder: folder.path(), summaries: Vec::new(), files: Vec::new(), products: BTreeSet::new() };
    let mut told = IngestProgress { total: whole.members.iter().map(|member| member.size).sum(), ..IngestProgress::default() };
    let pick = Pick::all();
    let mut hashes = Vec::new();
    let mut rows_in = 0;
    let mut read_before = 0;
    let (mut columns_not_read, mut value_unit) = (BTreeSet::new(), None);
    let mut rows_of_member = Vec::new();
    // Files that promise one year have given all of it when the last of them is read, unless another file may hold any year.
    let mut members: Vec<&Member> = whole.members.iter().collect();
    members.sort_by_key(|member| member.year);
    let any_year = members.iter().any(|member| member.year.is_none());
    for (at, member) in members.iter().enumerate() {
        let met = member.read(&tables.countries, true, &pick, &mut issues, &mut |batch| {
            told.rows += batch.met;
            told.done = read_before + batch.done;
            progress(told);
            gathered.add(batch.rows, member.year)
        })?;
        met.outdated.refuse(&member.name, &tables.countries)?;
        rows_in += met.rows;
        rows_of_member.push((member.year, met.rows));
        read_before += member.size;
        columns_not_read.extend(met.unread);
        value_unit = value_unit.or(met.value_unit);
        let name = member.file_name();
        hashes.extend(member.path().zip(met.hash).map(|(path, hash)| (path, FileHash { name, ..hash })));
        let is_last = members.get(at + 1).is_none_or(|next| next.year != member.year);
        if let Some(year) = member.year.filter(|_| is_last && !any_year) {
            let start = members[..at].iter().rposition(|other| other.year != member.year).map_or(0, |before| before + 1);
            let of_year: Vec<Member> = members[start..=at].iter().map(|member| (*member).clone()).collect();
            let synthetic = of_year.iter().any(|member| whole.is_synthetic(member));
            let rows = gathered.take(year)?;
            writer.year(info(year, synthetic), rows, &of_year, &tables.countries, &mut issues)?;
        }
    }
    for year in gathered.years() {
        let rows = gathered.take(year)?;
        writer.year(info(year, whole.holds_synthetic()), rows, &whole.members, &tables.countries, &mut issues)?;
    }
    issues.finish()?;
    // A year that a name promises has rows, and so has the whole.
    for member in &members {
        let is_there = |summary: &YearSummary| member.year.is_none_or(|year| year.get() == summary.year);
        if !writer.summaries.iter().any(is_there) {
            let met = rows_of_member.iter().filter(|(year, _)| *year == member.year).map(|(_, rows)| rows).sum();
            return Err(nothing_kept(&member.name, met, &issues));
        }
    }
    writer.summaries.sort_by_key(|summary| summary.year);
    let ledger = issues.ledger;
    let Writer { summaries, mut files, products, .. } = writer;
    files.sort_by(|left, right| left.name.cmp(&right.name));
    let rows_used = summaries.iter().map(|summary| summary.rows).sum();
    let (unused, noted) = (count_by_reason(&ledger, false), count_by_reason(&ledger, true));
    let left_out: u64 = unused.values().sum();
    if rows_in != rows_used + left_out {
        return Err(DataError::Internal(format!("{rows_in} rows were read, {rows_used} written, {left_out} left out")));
    }
    let mut written = Vec::new();
    let mut write = |name: &str, bytes: &[u8]| -> Result<(), DataError> {
        written.push(folder.write(name, |out| out.write_all(bytes))?);
        Ok(())
    };
    write(COUNTRY_CODES, texts.countries.as_bytes())?;
    if let Some(products) = &texts.products {
        write(PRODUCT_CODES, products.as_bytes())?;
    }
    write(LEDGER, ledger_csv(&ledger)?.as_bytes())?;
    for file in &written {
        files.push(FileHash::from(file.entry.clone()).listed()?);
    }
    let of_member = |member: &Member| Ok((member.file_name(), member.integrity()?));
    let integrity = whole.members.iter().map(of_member).collect::<Result<BTreeMap<_, _>, DataError>>()?;
    let mut manifest = IngestManifest {
        generator: "reorient".to_owned(),
        kind: KIND.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        revision: revision.to_string(),
        release,
        synthetic: whole.holds_synthetic(),
        sources: source_hashes(&whole, hashes)?,
        integrity,
        ignored: whole.ignored,
        country_table: tables.countries_from.name.clone(),
        product_table: tables.products_from.as_ref().map(|table| table.name.clone()),
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
        noted,
        value_unit: value_unit.map(|unit| unit.name().to_owned()),
        columns_not_read: columns_not_read.into_iter().map(str::to_owned).collect(),
        files,
        seal: None,
    };
    let text = sealed::seal(&mut manifest)?;
    written.push(folder.write(MANIFEST, |out| out.write_all(text.as_bytes()))?);
    folder.publish(&written)?;
    Ok(manifest)
}

/// Hashes of the files: those that reading gave, and of the others anew.
fn source_hashes(input: &Input, read: Vec<(&Path, FileHash)>) -> Result<Vec<FileHash>, DataError> {
    let known: BTreeMap<&Path, FileHash> = read.into_iter().collect();
    let hash = |path: &PathBuf| match known.get(path.as_path()) {
        Some(hash) => Ok(hash.clone()),
        None => {
            let hash = hash_file(path)?;
            let member = input.members.iter().find(|member| member.path() == Some(path));
            Ok(FileHash { name: member.map_or(hash.name.clone(), Member::file_name), ..hash })
        }
    };
    input.files.iter().map(hash).collect()
}

/// Of a file or more without a row that is kept.
fn nothing_kept(file: &str, rows: u64, issues: &Issues<'_>) -> DataError {
    if rows == 0 {
        return DataError::file(file, "the file has no rows");
    }
    let reasons = count_by_reason(&issues.ledger, false);
    let reasons: Vec<String> = reasons.iter().map(|(reason, rows)| format!("{rows} {reason}")).collect();
    DataError::file(
        file,
        format!(
            "none of its {rows} rows is kept (in all: {}); nothing is written. Look at what --skip lets pass",
            reasons.join(", ")
        ),
    )
}

fn revision_and_release(members: &[Member], options: &IngestOptions) -> Result<(HsRevision, String), DataError> {
    let mut revision: Option<(HsRevision, &str)> = options.revision.map(|revision| (revision, "the option"));
    let mut release: Option<(String, &str)> = options.release.clone().map(|release| (release, "the option"));
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
    files: Vec<FileHash<NameInFolder>>,
    products: BTreeSet<ProductCode>,
}

impl Writer<'_> {
    fn year(
        &mut self,
        info: YearInfo,
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
        let sums: Vec<Sums> = products.par_iter().map(|rows| Sums::of(rows)).collect();
        let of_product = |(rows, sums): (&&[Row], &Sums)| -> Result<OfProduct, DataError> {
            Ok(OfProduct { product: rows[0].product()?, rows: rows.len() as u64, value: sums.value })
        };
        let by_product = products.iter().zip(&sums).map(of_product).collect::<Result<Vec<_>, _>>()?;
        let file = file_of(&info);
        let unknown = match info.synthetic {
            true => None,
            false => {
                let unknown = check_codes(&names(members), info.year, info.revision, &by_product)?;
                note_unknown(&names(members), &info, &by_product, issues)?;
                Some(unknown)
            }
        };
        let info = YearInfo { unknown_codes: unknown.clone().filter(|unknown| unknown.rows > 0), ..info };
        let written = write_sorted(&self.folder.join(&file), &info, &products)?.listed()?;
        let mut summary = YearSummary {
            year: info.year.get(),
            file: written.name.clone(),
            rows: 0,
            products: products.len() as u64,
            value_kusd: String::new(),
            quantity_tons: String::new(),
            missing_quantity: 0,
            with_itself: 0,
            unknown_codes: unknown,
        };
        let (mut value, mut quantity) = (0_i128, 0_i128);
        for (of_product, sums) in by_product.iter().zip(sums) {
            self.products.insert(of_product.product);
            summary.rows += of_product.rows;
            summary.missing_quantity += sums.missing_quantity;
            summary.with_itself += sums.with_itself;
            value += sums.value;
            quantity += sums.quantity;
        }
        self.files.push(written);
        summary.value_kusd = thousandths(value);
        summary.quantity_tons = thousandths(quantity);
        self.summaries.push(summary);
        Ok(())
    }
}

/// A line of the ledger for each code that the revision does not have; its rows are kept.
fn note_unknown(file: &str, info: &YearInfo, products: &[OfProduct], issues: &mut Issues<'_>) -> Result<(), DataError> {
    for OfProduct { product, rows, value } in products.iter().filter(|of| !is_code_of(info.revision, of.product)) {
        let what = format!(
            "product {product}, {}: {} does not have it; {rows} rows with {} thousand USD are kept",
            info.year,
            info.revision,
            thousandths(*value)
        );
        issues.note(LedgerRow { file: file.to_owned(), line: None, reason: Reason::UnknownCode, what })?;
    }
    Ok(())
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
        writer.write_record([&*cell(&row.file), &line, row.reason.name(), &cell(&row.what)]).map_err(|error| internal(&error))?;
    }
    let bytes = writer.into_inner().map_err(|error| internal(&error))?;
    String::from_utf8(bytes).map_err(|error| internal(&error))
}
