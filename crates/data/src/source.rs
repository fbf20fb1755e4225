//! Step M1 of docs/method.md, where trade comes from: the embedded sample, an ingested folder, or files as CEPII and other
//! tools write them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use rayon::prelude::*;
use reorient_core::{CountryTable, HsRevision, ProductCode, Year, years_in_words};

use crate::codes::{CodeTables, hash_file};
use crate::error::file_name;
use crate::ingested::{COUNTRY_CODES, FileHash, MANIFEST, PRODUCT_CODES, check_listed, read_manifest};
use crate::input::memory::{self, MemoryTable};
use crate::input::{Input, Member, Pick, parquet};
use crate::issue::Issues;
use crate::settle::settle_each;
use crate::sort::SortedPart;
use crate::store::{Content, Footer, read_year};
use crate::table::Part;
use crate::{DataError, RowPolicy, TradeTable};

const SAMPLE: &str = "BACI_HS92_Y2023_raw-materials.parquet";
static SAMPLE_BYTES: &[u8] = include_bytes!("../../../data/baci/BACI_HS92_Y2023_raw-materials.parquet");

/// A file that was read, for the manifest of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputFile {
    /// File name without its folder.
    pub name: String,
    /// Size.
    pub bytes: u64,
    /// BLAKE3 of the whole file in hexadecimal digits.
    pub blake3: String,
    /// Whether every byte that was used matched a hash inside the file; only our own files hold any.
    pub verified: bool,
}

/// What became of the rows: `rows_in` is `rows_used` plus the sum of `unused`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RowLedger {
    /// Rows in the files.
    pub rows_in: u64,
    /// Rows in the table.
    pub rows_used: u64,
    /// Rows left out, by reason.
    pub unused: BTreeMap<String, u64>,
}

/// One year of trade with its provenance.
#[derive(Debug, Clone)]
pub struct Trade {
    /// The flows.
    pub table: TradeTable,
    /// The files they come from.
    pub inputs: Vec<InputFile>,
    /// What became of each row.
    pub ledger: RowLedger,
}

/// What was made of one year of trade, with its provenance.
#[derive(Debug, Clone)]
pub struct Passed<T> {
    /// Of some products each, in their order.
    pub results: Vec<T>,
    /// The files that the rows come from.
    pub inputs: Vec<InputFile>,
    /// What became of each row.
    pub ledger: RowLedger,
}

/// One file of one year.
#[derive(Debug, Clone)]
enum Origin {
    Embedded,
    Ours(PathBuf),
    Raw(Member),
}

impl Origin {
    fn name(&self) -> String {
        match self {
            Self::Embedded => SAMPLE.to_owned(),
            Self::Ours(path) => file_name(path),
            Self::Raw(member) => member.name.clone(),
        }
    }

    /// The bytes of a file of ours.
    fn content(&self) -> Result<Content, DataError> {
        match self {
            Self::Embedded => Ok(Content::Memory { name: SAMPLE.to_owned(), bytes: SAMPLE_BYTES }),
            Self::Ours(path) => Content::open(path),
            Self::Raw(member) => Err(DataError::Internal(format!("{} is not read as a whole", member.name))),
        }
    }
}

/// A year read from a file that is not ours. Its products are not known before all rows are, so both are kept.
#[derive(Debug)]
struct RawYear {
    year: Year,
    /// Products whose rows the table holds; none for all.
    kept: Option<BTreeSet<ProductCode>>,
    /// Every product of the file.
    products: BTreeSet<ProductCode>,
    /// Whether the table holds quantities.
    weighed: bool,
    table: TradeTable,
    inputs: Vec<InputFile>,
    rows_in: u64,
}

/// What an Arrow table does not say itself.
#[derive(Debug, Clone)]
pub struct AboutTable {
    /// The revision of its product codes.
    pub revision: HsRevision,
    /// The year of all rows, where no column tells.
    pub year: Option<Year>,
    /// Whether the rows are made up.
    pub synthetic: bool,
    /// CEPII's country table as CSV, name and bytes; by default the one in the program.
    pub countries: Option<(String, Vec<u8>)>,
    /// CEPII's product table as CSV; by default the one in the program, of HS92 alone.
    pub products: Option<(String, Vec<u8>)>,
}

/// Opened input: years, revision and code tables are known, rows are not yet read.
#[derive(Debug, Clone)]
pub struct TradeSource {
    origins: BTreeMap<Year, Origin>,
    years: Vec<Year>,
    revision: HsRevision,
    label: String,
    synthetic: bool,
    tables: CodeTables,
    /// Files to hash when rows come from files that are not ours.
    raw_files: Vec<PathBuf>,
    raw_year: Arc<Mutex<Option<Arc<RawYear>>>>,
    /// Hashes of whole files of ours: those of the manifest beside them, and those taken by this source.
    hashes: Arc<Mutex<Vec<FileHash>>>,
}

impl TradeSource {
    /// The sample within the program: 71 raw materials, 2023, HS92.
    ///
    /// # Errors
    /// [`DataError`] when the shipped bytes are damaged, which a test excludes.
    pub fn embedded() -> Result<Self, DataError> {
        let footer = Footer::open(&Origin::Embedded.content()?)?;
        let products = footer.index.products.len();
        let (revision, year) = (footer.info.revision, footer.info.year);
        let label = format!("BACI {revision} {year}, {products} raw materials (embedded sample)");
        let tables = CodeTables::from_parts(None, None, revision)?;
        Ok(Self::new(BTreeMap::from([(year, Origin::Embedded)]), revision, label, footer.info.synthetic, tables))
    }

    /// An ingested folder or a Parquet file of it; CEPII's zip, a folder of its CSV files, one CSV plain, gzipped or
    /// compressed with Zstandard; a Parquet file of another tool. Files that are not ours hold one year each.
    ///
    /// # Errors
    /// [`DataError`] when the path cannot be read, is none of these, or its files do not belong together.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let input = Input::open(path)?;
        let mut ours = Vec::new();
        let mut raw = Vec::new();
        for member in &input.members {
            match member.parquet_path() {
                Some(file) if parquet::is_ours(file)? => ours.push(file.to_owned()),
                _ => raw.push(member.clone()),
            }
        }
        if let (Some(ours), Some(raw)) = (ours.first(), raw.first()) {
            let problem =
                format!("the folder holds {} of reorient's and {} of another make; keep one kind", file_name(ours), raw.name);
            return Err(DataError::file(&file_name(path), problem));
        }
        if raw.is_empty() { Self::open_ours(path, &input, ours) } else { Self::open_raw(path, input, raw) }
    }

    /// Arrow tables in memory with BACI's columns `t`, `i`, `j`, `k`, `v`, `q`, or their longer names; several years are told
    /// apart. Where values are 64-bit decimals of thousand USD with three decimals and rows are in order of product, exporter,
    /// importer, the values are used where they are; otherwise rows are converted.
    ///
    /// # Errors
    /// [`DataError`] when a column is missing, no row can be read, or a code table does not hold.
    pub fn from_arrow(batches: Vec<RecordBatch>, about: AboutTable) -> Result<Self, DataError> {
        let AboutTable { revision, year, synthetic, countries, products } = about;
        let tables = CodeTables::from_parts(countries.as_ref(), products.as_ref(), revision)?;
        let table = MemoryTable::new(batches, year, &tables.countries)?;
        let input = Input::of_memory(table, revision, synthetic, [countries, products]);
        let members = input.members.clone();
        Self::open_raw(Path::new(memory::NAME), input, members)
    }

    fn open_ours(path: &Path, input: &Input, files: Vec<PathBuf>) -> Result<Self, DataError> {
        let name = file_name(path);
        let beside = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new(".")) };
        // A manifest beside a file of ours says what must be there with it.
        let manifest = read_manifest(&beside.join(MANIFEST)).ok();
        let mut tables = (input.countries.clone(), input.products.clone());
        if let Some(manifest) = &manifest {
            let expected: &[&str] = if path.is_dir() { &[] } else { &[COUNTRY_CODES, PRODUCT_CODES] };
            for listed in &manifest.files {
                let is_table = [COUNTRY_CODES, PRODUCT_CODES].contains(&listed.name.as_str());
                let whole = path.is_dir() || expected.contains(&listed.name.as_str());
                if whole {
                    check_listed(beside, listed, is_table)?;
                }
                if is_table {
                    let bytes = std::fs::read(beside.join(&listed.name));
                    let bytes = bytes.map_err(|error| DataError::unreadable(&beside.join(&listed.name), &error))?;
                    let slot = if listed.name == COUNTRY_CODES { &mut tables.0 } else { &mut tables.1 };
                    *slot = Some((listed.name.clone(), bytes));
                }
            }
        }
        let mut origins = BTreeMap::new();
        let mut first: Option<crate::store::YearInfo> = None;
        let mut synthetic = false;
        for file in files {
            let info = Footer::open(&Content::open(&file)?)?.info;
            let expected = first.get_or_insert_with(|| info.clone());
            if (expected.revision, &expected.release) != (info.revision, &info.release) {
                let problem = format!(
                    "it holds {} of release {}, other files of the folder {} of release {}; keep one of them",
                    info.revision, info.release, expected.revision, expected.release
                );
                return Err(DataError::file(&file_name(&file), problem));
            }
            synthetic |= info.synthetic;
            if let Some(other) = origins.insert(info.year, Origin::Ours(file.clone())) {
                let problem = format!("it holds the year {} that is in {} too; keep one of them", info.year, other.name());
                return Err(DataError::file(&file_name(&file), problem));
            }
        }
        let Some(info) = first else { return Err(DataError::file(&name, "there is no file with rows")) };
        let what = if synthetic { "SYNTHETIC" } else { "BACI" };
        let label = format!("{what} {} {} ({name})", info.revision, span(&origins));
        let tables = CodeTables::from_parts(tables.0.as_ref(), tables.1.as_ref(), info.revision)?;
        let hashes = Arc::new(Mutex::new(manifest.map(|manifest| manifest.files).unwrap_or_default()));
        Ok(Self { hashes, ..Self::new(origins, info.revision, label, synthetic, tables) })
    }

    fn open_raw(path: &Path, input: Input, members: Vec<Member>) -> Result<Self, DataError> {
        let mut revision: Option<HsRevision> = None;
        let mut release: Option<String> = None;
        let mut origins = BTreeMap::new();
        for member in members {
            let problem = "the name does not say which HS revision the codes are of; rename the file as CEPII does, \
                           such as BACI_HS92_Y2023_V202401b.csv, or ingest it with --hs";
            let of_member = member.revision.ok_or_else(|| DataError::file(&member.name, problem))?;
            let of_member = (of_member, member.release.clone().unwrap_or_default());
            let expected = (*revision.get_or_insert(of_member.0), release.get_or_insert_with(|| of_member.1.clone()).clone());
            if expected != of_member {
                let problem = format!(
                    "by its name it is {} of release {}, another file {} of release {}; keep one of them",
                    of_member.0, of_member.1, expected.0, expected.1
                );
                return Err(DataError::file(&member.name, problem));
            }
            let tables = CodeTables::of(&input, of_member.0)?;
            let year = member.one_year(&tables.countries)?;
            let name = member.name.clone();
            if let Some(other) = origins.insert(year, Origin::Raw(member)) {
                let problem = format!("it holds the year {year} that is in {} too; keep one of them", other.name());
                return Err(DataError::file(&name, problem));
            }
        }
        let Some(revision) = revision else { return Err(DataError::file(&file_name(path), "there is no file with rows")) };
        let synthetic = input.holds_synthetic();
        let what = if synthetic { "SYNTHETIC" } else { "BACI" };
        let label = format!("{what} {revision} {} ({})", span(&origins), file_name(path));
        let tables = CodeTables::of(&input, revision)?;
        Ok(Self { raw_files: input.files, ..Self::new(origins, revision, label, synthetic, tables) })
    }

    fn new(origins: BTreeMap<Year, Origin>, revision: HsRevision, label: String, synthetic: bool, tables: CodeTables) -> Self {
        let years = origins.keys().copied().collect();
        let (raw_files, raw_year, hashes) = (Vec::new(), Arc::default(), Arc::default());
        Self { origins, years, revision, label, synthetic, tables, raw_files, raw_year, hashes }
    }

    /// The revision of the product codes.
    pub const fn revision(&self) -> HsRevision {
        self.revision
    }

    /// The years at hand, ascending; at least one.
    pub fn years(&self) -> &[Year] {
        &self.years
    }

    /// One line for people, such as `BACI HS92 2023, 71 raw materials (embedded sample)`.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The same for one of its years.
    pub fn label_of(&self, year: Year) -> String {
        self.label.replacen(&span(&self.origins), &year.to_string(), 1)
    }

    /// Whether any year is made up rather than observed.
    pub const fn is_synthetic(&self) -> bool {
        self.synthetic
    }

    /// The countries that indices of the tables refer to.
    pub const fn countries(&self) -> &CountryTable {
        &self.tables.countries
    }

    /// CEPII's description of a product: from the table that came with the data, or the one shipped (HS92).
    pub fn description(&self, product: ProductCode) -> Option<&str> {
        self.tables.products.get(&product).map(String::as_str)
    }

    /// Every product with a flow in that year; a Parquet file of ours tells from its footer alone.
    ///
    /// # Errors
    /// [`DataError`] when the year is not at hand or the file cannot be read.
    pub fn products(&self, year: Year) -> Result<BTreeSet<ProductCode>, DataError> {
        self.products_before(year, None, false)
    }

    /// The same, before rows of `candidates` are read, or of all products: where a file must be read as a whole for its
    /// products, the rows of candidates are kept, with quantities if `weigh` says so, and it is not read again for them.
    ///
    /// # Errors
    /// As [`Self::products`].
    pub fn products_before(
        &self,
        year: Year,
        candidates: Option<&BTreeSet<ProductCode>>,
        weigh: bool,
    ) -> Result<BTreeSet<ProductCode>, DataError> {
        match self.origin(year)? {
            Origin::Raw(member) => Ok(self.raw(year, member, candidates, weigh)?.products.clone()),
            origin => {
                let footer = Footer::open(&origin.content()?)?;
                Ok(footer.index.products.into_iter().map(|(product, _)| product).collect())
            }
        }
    }

    /// The flows of one year, of the given products or of all.
    ///
    /// # Errors
    /// [`DataError`] when the year is not at hand, the file cannot be read, is damaged, or a value breaks a rule.
    pub fn read(&self, year: Year, products: Option<&BTreeSet<ProductCode>>) -> Result<Trade, DataError> {
        self.read_columns(year, products, false)
    }

    /// The same with quantities.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_weighed(&self, year: Year, products: Option<&BTreeSet<ProductCode>>) -> Result<Trade, DataError> {
        self.read_columns(year, products, true)
    }

    fn read_columns(&self, year: Year, products: Option<&BTreeSet<ProductCode>>, weigh: bool) -> Result<Trade, DataError> {
        let Passed { results, inputs, ledger } = self.pass(year, products, weigh, TradeTable::clone)?;
        Ok(Trade { table: TradeTable::joined(results, year, self.revision)?, inputs, ledger })
    }

    /// The same, without a table of all rows: `each` makes something of some products' rows on the thread that read them, and of a
    /// file of ours they are then gone. Of another file, which is read once, this source keeps the wanted rows. Results are in
    /// the order of the products.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn pass<T: Send>(
        &self,
        year: Year,
        products: Option<&BTreeSet<ProductCode>>,
        weigh: bool,
        each: impl Fn(&TradeTable) -> T + Sync,
    ) -> Result<Passed<T>, DataError> {
        let origin = self.origin(year)?;
        let require = |of: (Year, HsRevision)| {
            let problem = || format!("it no longer holds {} {year}; it changed while it was in use", self.revision);
            if of == (year, self.revision) { Ok(()) } else { Err(DataError::file(&origin.name(), problem())) }
        };
        let each = |table: &TradeTable| (table.n_rows() as u64, each(table));
        let (results, inputs, rows_in) = if let Origin::Raw(member) = origin {
            let raw = self.raw(year, member, products, weigh)?;
            require((raw.table.year(), raw.table.revision()))?;
            let table = products.map_or_else(|| raw.table.clone(), |products| raw.table.select(products));
            (table.by_part().par_iter().map(each).collect(), raw.inputs.clone(), raw.rows_in)
        } else {
            let content = origin.content()?;
            let footer = Footer::open(&content)?;
            require((footer.info.year, footer.info.revision))?;
            let results = read_year(&content, &footer, &self.tables.countries, products, weigh, each)?;
            (results, vec![self.input(&content, &footer)?], footer.index.rows() as u64)
        };
        let rows_used = results.iter().map(|(rows, _)| rows).sum();
        let mut unused = BTreeMap::new();
        if rows_in > rows_used {
            unused.insert("product not on the list".to_owned(), rows_in - rows_used);
        }
        let results = results.into_iter().map(|(_, result)| result).collect();
        Ok(Passed { results, inputs, ledger: RowLedger { rows_in, rows_used, unused } })
    }

    /// A file of ours for the manifest of a run. Its footer stands for all of its bytes, so where the manifest of an ingest
    /// lists a file with that footer and that size, the hash of the whole file is taken from there.
    fn input(&self, content: &Content, footer: &Footer) -> Result<InputFile, DataError> {
        let (name, bytes) = (content.name(), content.length());
        let mut known = self.hashes.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = |file: &&FileHash| file.bytes == bytes && file.footer_blake3.as_deref() == Some(&footer.hash);
        let blake3 = match known.iter().find(is_same) {
            Some(file) => file.blake3.clone(),
            None => {
                let blake3 = match content {
                    Content::Memory { bytes, .. } => blake3::hash(bytes).to_hex().to_string(),
                    Content::Disk { path, .. } => hash_file(path)?.blake3,
                };
                let footer_blake3 = Some(footer.hash.clone());
                known.push(FileHash { name: name.clone(), bytes, blake3: blake3.clone(), footer_blake3 });
                blake3
            }
        };
        Ok(InputFile { name, bytes, blake3, verified: true })
    }

    /// A year of a file that is not ours, read once for the products that are asked for first.
    fn raw(
        &self,
        year: Year,
        member: &Member,
        wanted: Option<&BTreeSet<ProductCode>>,
        weigh: bool,
    ) -> Result<Arc<RawYear>, DataError> {
        let mut kept = self.raw_year.lock().unwrap_or_else(PoisonError::into_inner);
        let holds = |raw: &RawYear| match (&raw.kept, wanted) {
            (None, _) => true,
            (Some(kept), Some(wanted)) => wanted.intersection(&raw.products).all(|product| kept.contains(product)),
            (Some(_), None) => false,
        };
        if let Some(raw) = kept.as_ref().filter(|raw| raw.year == year && (raw.weighed || !weigh) && holds(raw)) {
            return Ok(Arc::clone(raw));
        }
        let countries = &self.tables.countries;
        let shared = if weigh { None } else { member.memory().map(|memory| memory.share(countries)).transpose()?.flatten() };
        if let Some(parts) = shared {
            let table = TradeTable::from_parts(year, self.revision, parts)?;
            let hash = member.hash()?;
            let inputs = vec![InputFile { name: hash.name, bytes: hash.bytes, blake3: hash.blake3, verified: false }];
            let (products, rows_in) = (table.products().iter().copied().collect(), table.n_rows() as u64);
            let raw = Arc::new(RawYear { year, kept: None, products, weighed: false, table, inputs, rows_in });
            *kept = Some(Arc::clone(&raw));
            return Ok(raw);
        }
        let policy = RowPolicy::default();
        let mut issues = Issues::new(&policy);
        let mut batches = Vec::new();
        let pick = Pick::new(wanted);
        let met = member.read(countries, false, &pick, &mut issues, &mut |batch| {
            batches.push(batch.rows);
            Ok(())
        })?;
        // Only where keys ascend is it known that none stands twice among the rows that were not kept.
        if wanted.is_some() && !met.order.is_strict() {
            drop(kept);
            return self.raw(year, member, None, weigh);
        }
        let part = |part: &SortedPart| Part::of(&part.products().collect::<Vec<_>>(), countries, weigh);
        let parts = settle_each(batches, std::slice::from_ref(member), countries, &mut issues, part)?;
        issues.finish()?;
        let mut inputs = Vec::new();
        for file in self.raw_files.iter().filter(|file| member.path() == Some(file.as_path())) {
            let hash = met.hash.clone().map_or_else(|| hash_file(file), Ok)?;
            inputs.push(InputFile { name: hash.name, bytes: hash.bytes, blake3: hash.blake3, verified: false });
        }
        if member.path().is_none() {
            let hash = member.hash()?;
            inputs.push(InputFile { name: hash.name, bytes: hash.bytes, blake3: hash.blake3, verified: false });
        }
        let table = TradeTable::from_parts(year, self.revision, parts)?;
        let kept_products = wanted.cloned();
        let products = pick.products();
        let raw = Arc::new(RawYear { year, kept: kept_products, products, weighed: weigh, table, inputs, rows_in: met.rows });
        *kept = Some(Arc::clone(&raw));
        Ok(raw)
    }

    /// A hash that changes whenever the rows of a year may: that of its file, or of a footer that stands for a file of ours. No
    /// row is read.
    ///
    /// # Errors
    /// [`DataError`] when the year is not at hand or the file cannot be read.
    pub fn fingerprint(&self, year: Year) -> Result<FileHash, DataError> {
        match self.origin(year)? {
            Origin::Raw(member) => member.hash(),
            origin => {
                let content = origin.content()?;
                let footer = Footer::open(&content)?;
                let (name, bytes) = (content.name(), content.length());
                Ok(FileHash { name, bytes, blake3: footer.hash.clone(), footer_blake3: Some(footer.hash) })
            }
        }
    }

    fn origin(&self, year: Year) -> Result<&Origin, DataError> {
        self.origins.get(&year).ok_or_else(|| DataError::Missing {
            file: self.label.clone(),
            problem: format!("the year {year} is not there; there is {}", years_in_words(&self.years)),
        })
    }
}

/// `2023` or `1995-2024`.
fn span(origins: &BTreeMap<Year, Origin>) -> String {
    match (origins.keys().next(), origins.keys().next_back()) {
        (Some(from), Some(to)) if from != to => format!("{from}-{to}"),
        (Some(only), _) => only.to_string(),
        _ => String::new(),
    }
}
