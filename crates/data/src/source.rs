//! Step M1 of docs/method.md, where trade comes from: the embedded sample, an ingested folder, or files as CEPII and other
//! tools write them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use rayon::prelude::*;
use reorient_core::{CountryTable, HsRevision, ProductCode, Text, Year, years_in_words};

use crate::claims::{Claims, OfProduct, UnknownCodes, ValueUnit, check_codes};
use crate::codes::CodeTables;
use crate::error::file_name;
use crate::hs_codes::is_code_of;
use crate::ingested::{FileHash, MANIFEST};
use crate::input::memory::{self, MemoryTable};
use crate::input::{Input, Member, Order, Pick, parquet};
use crate::integrity::Integrity;
use crate::issue::Issues;
use crate::ours::Ours;
use crate::provenance::{InputFile, Passed, RowLedger, Seen, Trade, of_parts};
use crate::settle::settle_each;
use crate::sort::SortedPart;
use crate::store::{Content, Footer, read_year};
use crate::table::Part;
use crate::{DataError, RowPolicy, TradeTable};

const SAMPLE: &str = "BACI_HS92_Y2023_raw-materials.parquet";
static SAMPLE_BYTES: &[u8] = include_bytes!("../../../data/baci/BACI_HS92_Y2023_raw-materials.parquet");

/// How trade data are opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OpenOptions {
    /// The revision of product codes, where no name tells.
    pub revision: Option<HsRevision>,
    /// The unit of a column `value`, whose name tells none.
    pub value_unit: Option<ValueUnit>,
}

/// Where one year is.
#[derive(Debug, Clone)]
enum Origin {
    Embedded,
    /// Open since it was looked at, so that another file of that name takes nobody's place.
    Ours(PathBuf, Arc<Content>),
    /// One file, or parts whose keys do not meet.
    Raw(Vec<Member>),
}

impl Origin {
    /// The bytes of a file of ours.
    fn content(&self) -> Result<Arc<Content>, DataError> {
        match self {
            Self::Embedded => Ok(Arc::new(Content::Memory { name: SAMPLE.to_owned(), bytes: SAMPLE_BYTES })),
            Self::Ours(_, content) => Ok(Arc::clone(content)),
            Self::Raw(members) => Err(DataError::Internal(format!("{} is not read as a whole", names(members)))),
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
    /// The hash of the year that the rows were read with.
    read_with: FileHash,
    rows_in: u64,
    claims: Claims,
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
    /// The unit of a column `value`, whose name tells none.
    pub value_unit: Option<ValueUnit>,
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
    /// The unit of a column `value`.
    value_unit: Option<ValueUnit>,
    /// Files on the disk that are not ours, code tables beside them included.
    raw_files: Vec<PathBuf>,
    raw_year: Arc<Mutex<Option<Arc<RawYear>>>>,
    /// The hash with which each year was seen first.
    seen: Arc<Seen>,
    /// What is to be said of the files before any row is read.
    opening_notes: Vec<String>,
    /// Of the years that were read.
    claims: Arc<Mutex<BTreeMap<Year, Claims>>>,
}

impl TradeSource {
    /// The sample within the program: 71 raw materials, 2023, HS92.
    ///
    /// # Errors
    /// [`DataError`] when the shipped bytes are damaged, which a test excludes.
    pub fn embedded() -> Result<Self, DataError> {
        let content = Origin::Embedded.content()?;
        let footer = Footer::open(&content)?;
        let products = footer.index.products.len();
        let (revision, year) = (footer.info.revision, footer.info.year);
        let label = format!("BACI {revision} {year}, {products} raw materials (embedded sample)");
        let tables = CodeTables::from_parts(None, None, revision)?;
        Ok(Self::new(BTreeMap::from([(year, Origin::Embedded)]), revision, label, footer.info.synthetic, tables))
    }

    /// As [`Self::open_with`], with no options.
    ///
    /// # Errors
    /// As [`Self::open_with`].
    pub fn open(path: &Path) -> Result<Self, DataError> {
        Self::open_with(path, &OpenOptions::default())
    }

    /// An ingested folder or a Parquet file of it; CEPII's zip, a folder of its CSV files, one CSV plain, gzipped or
    /// compressed with Zstandard; a Parquet file of another tool. Files that are not ours hold one year each; files of the same
    /// year are parts of it. A folder may hold a folder for each year.
    ///
    /// # Errors
    /// [`DataError`] when the path cannot be read, is none of these, or its files do not belong together.
    pub fn open_with(path: &Path, options: &OpenOptions) -> Result<Self, DataError> {
        let mut before = stamp(path);
        for _ in 0..EXCHANGES {
            match Self::open_once(path, options) {
                // Another ingest took the folder's name while its files were looked at.
                Err(_) if stamp(path) != before => before = stamp(path),
                opened => return opened,
            }
        }
        Self::open_once(path, options)
    }

    fn open_once(path: &Path, options: &OpenOptions) -> Result<Self, DataError> {
        let mut input = Input::open(path)?;
        input.set_unit(options.value_unit);
        let mut ours = Vec::new();
        let mut raw = Vec::new();
        for member in &input.members {
            match member.parquet_path() {
                Some(file) if parquet::is_ours(file)? => ours.push(file.to_owned()),
                _ => raw.push(member.clone()),
            }
        }
        if let (Some(ours), Some(raw)) = (ours.first(), raw.first()) {
            let problem = format!(
                "the folder holds {} of reorient's and {} of another make: give them one at a time, or ingest the sources of both \
                     into one folder",
                file_name(ours),
                raw.name
            );
            return Err(DataError::file(&file_name(path), problem));
        }
        if raw.is_empty() { Self::open_ours(path, ours, options) } else { Self::open_raw(path, &input, raw, options) }
    }

    /// Arrow tables in memory with BACI's columns `t`, `i`, `j`, `k`, `v`, `q`, or their longer names; several years are told
    /// apart. Their rows are checked and copied here, with the hash that all answers carry; what becomes of the tables afterwards changes
    /// nothing.
    ///
    /// # Errors
    /// [`DataError`] when a column is missing, no row can be read, or a code table does not hold.
    pub fn from_arrow(batches: Vec<RecordBatch>, about: AboutTable) -> Result<Self, DataError> {
        let AboutTable { revision, year, synthetic, countries, products, value_unit } = about;
        let tables = CodeTables::from_parts(countries.as_ref(), products.as_ref(), revision)?;
        let table = MemoryTable::new(batches, year, value_unit, &tables.countries)?;
        let input = Input::of_memory(table, revision, synthetic, [countries, products]);
        let members = input.members.clone();
        Self::open_raw(Path::new(memory::NAME), &input, members, &OpenOptions { revision: None, value_unit })
    }

    fn open_ours(path: &Path, files: Vec<PathBuf>, options: &OpenOptions) -> Result<Self, DataError> {
        let name = file_name(path);
        if options.value_unit == Some(ValueUnit::Usd) {
            let problem = "its values are in thousand USD, as it was ingested: leave --value-unit out";
            return Err(DataError::file(&name, problem));
        }
        let Ours { years, tables, notes } = Ours::open(path, files)?;
        let Some(info) = years.values().next().map(|year| year.info.clone()) else {
            return Err(DataError::file(&name, "there is no file with rows"));
        };
        if let Some(asked) = options.revision
            && asked != info.revision
        {
            return Err(DataError::file(&name, format!("it is in {}, but --hs says {asked}", info.revision)));
        }
        let synthetic = years.values().any(|year| year.info.synthetic);
        let seen = Seen::default();
        let mut origins = BTreeMap::new();
        for (year, open) in years {
            seen.meet(year, &open.read_with)?;
            origins.insert(year, Origin::Ours(open.path, open.content));
        }
        let what = if synthetic { "SYNTHETIC" } else { "BACI" };
        let label = format!("{what} {} {} ({name})", info.revision, span(&origins));
        Ok(Self { seen: Arc::new(seen), opening_notes: notes, ..Self::new(origins, info.revision, label, synthetic, tables) })
    }

    fn open_raw(path: &Path, input: &Input, members: Vec<Member>, options: &OpenOptions) -> Result<Self, DataError> {
        let mut first: Option<(HsRevision, String, String)> = None;
        let mut tables: Option<CodeTables> = None;
        let mut origins: BTreeMap<Year, Vec<Member>> = BTreeMap::new();
        for member in members {
            if let (Some(own), Some(asked)) = (member.revision, options.revision)
                && own != asked
            {
                return Err(DataError::file(&member.name, format!("it is {own} by its name, but {asked} by --hs")));
            }
            let problem = "the name does not say which HS revision the codes are of; rename the file as CEPII does, \
                           such as BACI_HS92_Y2023_V202401b.csv, or give --hs";
            let revision = member.revision.or(options.revision).ok_or_else(|| DataError::file(&member.name, problem))?;
            let release = member.release.clone().unwrap_or_default();
            let (of_first, release_of_first, name) =
                first.get_or_insert_with(|| (revision, release.clone(), member.name.clone()));
            if (*of_first, &*release_of_first) != (revision, &release) {
                let problem = format!(
                    "by its name it is {revision} of release {release}, but {name} is {of_first} of release {release_of_first}: put \
                     each release into a folder of its own"
                );
                return Err(DataError::file(&member.name, problem));
            }
            let tables = match &mut tables {
                Some(tables) => tables,
                none => none.insert(CodeTables::of(input, revision)?),
            };
            let year = member.one_year(&tables.countries)?;
            origins.entry(year).or_default().push(member);
        }
        let (Some((revision, ..)), Some(tables)) = (first, tables) else {
            return Err(DataError::file(&file_name(path), "there is no file with rows"));
        };
        let origins: BTreeMap<Year, Origin> = origins.into_iter().map(|(year, members)| (year, Origin::Raw(members))).collect();
        let synthetic = input.holds_synthetic();
        let what = if synthetic { "SYNTHETIC" } else { "BACI" };
        let unit = match options.value_unit {
            None => "",
            Some(ValueUnit::Usd) => ", `value` in US dollars",
            Some(ValueUnit::Kusd) => ", `value` in thousand US dollars",
        };
        let label = format!("{what} {revision} {} ({}{unit})", span(&origins), file_name(path));
        let (value_unit, raw_files) = (options.value_unit, input.files.clone());
        Ok(Self { value_unit, raw_files, ..Self::new(origins, revision, label, synthetic, tables) })
    }

    fn new(origins: BTreeMap<Year, Origin>, revision: HsRevision, label: String, synthetic: bool, tables: CodeTables) -> Self {
        let years = origins.keys().copied().collect();
        let (value_unit, raw_files, raw_year) = (None, Vec::new(), Arc::default());
        let (seen, claims, opening_notes) = (Arc::default(), Arc::default(), Vec::new());
        Self { origins, years, revision, label, synthetic, tables, value_unit, raw_files, raw_year, seen, opening_notes, claims }
    }

    /// Files on the disk that rows and code tables come from.
    pub fn files(&self) -> Vec<PathBuf> {
        let of_year = |origin: &Origin| match origin {
            Origin::Embedded => Vec::new(),
            Origin::Ours(path, _) => vec![path.clone()],
            Origin::Raw(members) => members.iter().filter_map(Member::path).map(Path::to_owned).collect(),
        };
        self.origins.values().flat_map(of_year).chain(self.raw_files.iter().cloned()).collect()
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
        self.tables.products.get(&product).map(Text::as_str)
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
            Origin::Raw(members) => Ok(self.raw(year, members, candidates, weigh)?.products.clone()),
            origin => {
                let content = origin.content()?;
                let footer = Footer::open(&content)?;
                self.seen.meet(year, &footer.file_hash(&content))?;
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
        let Passed { results, inputs, read_with, ledger, claims } = self.pass(year, products, weigh, TradeTable::clone)?;
        Ok(Trade { table: TradeTable::joined(results, year, self.revision)?, inputs, read_with, ledger, claims })
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
        let each = |table: &TradeTable| (table.n_rows() as u64, each(table));
        let (results, mut inputs, read_with, rows_in, claims) = if let Origin::Raw(members) = origin {
            let raw = self.raw(year, members, products, weigh)?;
            let table = products.map_or_else(|| raw.table.clone(), |products| raw.table.select(products));
            let results = table.by_part().par_iter().map(each).collect();
            (results, raw.inputs.clone(), raw.read_with.clone(), raw.rows_in, raw.claims.clone())
        } else {
            let content = origin.content()?;
            let footer = Footer::open(&content)?;
            let read_with = footer.file_hash(&content);
            self.seen.meet(year, &read_with)?;
            let claims = self.claims_of_ours(&content, &footer)?;
            let results = read_year(&content, &footer, &self.tables.countries, products, weigh, each)?;
            (results, vec![InputFile::of_trade(&read_with, Integrity::Blake3)], read_with, footer.index.rows() as u64, claims)
        };
        inputs.extend(self.tables.inputs().cloned());
        let rows_used = results.iter().map(|(rows, _)| rows).sum();
        let mut unused = BTreeMap::new();
        if rows_in > rows_used {
            unused.insert("product not on the list".to_owned(), rows_in - rows_used);
        }
        let mut noted = BTreeMap::new();
        if let Some(unknown) = claims.unknown_codes.as_ref().filter(|unknown| unknown.rows > 0) {
            noted.insert(format!("product code that {} does not have", self.revision), unknown.rows);
        }
        self.claims.lock().unwrap_or_else(PoisonError::into_inner).insert(year, claims.clone());
        let results = results.into_iter().map(|(_, result)| result).collect();
        Ok(Passed { results, inputs, read_with, ledger: RowLedger { rows_in, rows_used, unused, noted }, claims })
    }

    /// What was found out about the rows of each year that was read so far.
    pub fn claims(&self) -> BTreeMap<Year, Claims> {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What is to be said of the years that were read so far, a sentence each.
    pub fn notes(&self) -> Vec<String> {
        let claims = self.claims();
        let mut notes = self.opening_notes.clone();
        for (year, claims) in &claims {
            let of_year = |note: String| if self.years.len() > 1 { format!("{year}: {note}") } else { note };
            notes.extend(claims.sentences(self.revision).into_iter().map(of_year));
        }
        if self.value_unit.is_some() && !claims.is_empty() && claims.values().all(|claims| claims.value_unit.is_none()) {
            notes.push("--value-unit has no effect: no file that was read has a column `value`.".to_owned());
        }
        notes
    }

    /// Of a file of ours: from its footer; where an earlier version wrote it, by its rows.
    fn claims_of_ours(&self, content: &Content, footer: &Footer) -> Result<Claims, DataError> {
        let info = &footer.info;
        let is_known = |(product, _): &(ProductCode, usize)| is_code_of(info.revision, *product);
        let unknown_codes = if self.synthetic {
            None
        } else if footer.index.products.iter().all(is_known) {
            Some(UnknownCodes::default())
        } else if let Some(unknown) = &info.unknown_codes {
            Some(unknown.clone())
        } else {
            let read = self.claims.lock().unwrap_or_else(PoisonError::into_inner).get(&info.year).cloned();
            match read.and_then(|claims| claims.unknown_codes) {
                Some(unknown) => Some(unknown),
                None => {
                    let products = read_year(content, footer, &self.tables.countries, None, false, OfProduct::all_of)?.concat();
                    Some(check_codes(&content.name(), info.year, info.revision, &products)?)
                }
            }
        };
        Ok(Claims { unknown_codes, ..Claims::default() })
    }

    /// A year of files that are not ours, read once for the products that are asked for first.
    fn raw(
        &self,
        year: Year,
        members: &[Member],
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
        let memory = members.first().and_then(Member::memory);
        let ordered = memory.map(|memory| memory.ordered(countries, weigh)).transpose()?.flatten();
        if let (Some(memory), Some(parts), [member]) = (memory, ordered, members) {
            let table = TradeTable::from_parts(year, self.revision, parts)?;
            let read_with = of_parts(member.file_name(), vec![member.hash()?], self.value_unit);
            self.seen.meet(year, &read_with)?;
            let inputs = vec![InputFile::of_trade(&member.hash()?, Integrity::None)];
            let (products, rows_in) = (table.products().iter().copied().collect(), table.n_rows() as u64);
            let unread = memory.unread.into_iter().collect();
            let unknown_codes = self.unknown_codes(members, &table)?;
            let claims = Claims { unknown_codes, value_unit: memory.value_unit, unread };
            let raw = Arc::new(RawYear { year, kept: None, products, weighed: weigh, table, inputs, read_with, rows_in, claims });
            *kept = Some(Arc::clone(&raw));
            return Ok(raw);
        }
        let policy = RowPolicy::default();
        let mut issues = Issues::new(&policy);
        let mut batches = Vec::new();
        let pick = Pick::new(wanted);
        let (mut orders, mut rows_in, mut unread, mut value_unit) = (Vec::new(), 0, BTreeSet::new(), None);
        let mut hashes = Vec::new();
        for member in members {
            let met = member.read(countries, false, &pick, &mut issues, &mut |batch| {
                batches.push(batch.rows);
                Ok(())
            })?;
            met.outdated.refuse(&member.name, countries)?;
            orders.push(met.order);
            rows_in += met.rows;
            unread.extend(met.unread);
            value_unit = value_unit.or(met.value_unit);
            let hash = FileHash { name: member.file_name(), ..met.hash.map_or_else(|| member.hash(), Ok)? };
            hashes.push((hash, member.integrity()?));
        }
        let parts = hashes.iter().map(|(hash, _)| hash.clone()).collect();
        let read_with = of_parts(names(members), parts, self.value_unit);
        self.seen.meet(year, &read_with)?;
        if rows_in == 0 {
            return Err(DataError::file(&names(members), "the file has no rows"));
        }
        let products = pick.products();
        // Only where keys ascend is it known that none stands twice among the rows that were not kept; and what codes are worth
        // that the revision does not have, only all rows tell.
        let is_known = |product: &ProductCode| self.synthetic || is_code_of(self.revision, *product);
        if wanted.is_some() && !(Order::are_strict(&orders) && products.iter().all(is_known)) {
            drop(kept);
            return self.raw(year, members, None, weigh);
        }
        let part = |part: &SortedPart| Part::of(&part.products().collect::<Vec<_>>(), countries, weigh);
        let parts = settle_each(batches, members, countries, &mut issues, part)?;
        issues.finish()?;
        // Several members of an archive are one file.
        let files: BTreeMap<&str, &(FileHash, Integrity)> = hashes.iter().rev().map(|of| (of.0.name.as_str(), of)).collect();
        let inputs = files.into_values().map(|(hash, integrity)| InputFile::of_trade(hash, *integrity)).collect();
        let table = TradeTable::from_parts(year, self.revision, parts)?;
        let unknown_codes = self.unknown_codes(members, &table)?;
        let claims = Claims { unknown_codes, value_unit, unread: unread.into_iter().collect() };
        let kept_products = wanted.cloned();
        let raw = RawYear { year, kept: kept_products, products, weighed: weigh, table, inputs, read_with, rows_in, claims };
        let raw = Arc::new(raw);
        *kept = Some(Arc::clone(&raw));
        Ok(raw)
    }

    /// Of rows that are not ours. A table without a code that the revision lacks may hold a part of the year.
    fn unknown_codes(&self, members: &[Member], table: &TradeTable) -> Result<Option<UnknownCodes>, DataError> {
        Ok(if self.synthetic {
            None
        } else if table.products().iter().all(|product| is_code_of(self.revision, *product)) {
            Some(UnknownCodes::default())
        } else {
            Some(check_codes(&names(members), table.year(), self.revision, &OfProduct::all_of(table))?)
        })
    }

    /// A hash that changes whenever the rows of a year may: that of its file, or of a footer that stands for a file of ours. No
    /// row is read; rows that are read afterwards must have this hash.
    ///
    /// # Errors
    /// [`DataError`] when the year is not at hand or the file cannot be read.
    pub fn fingerprint(&self, year: Year) -> Result<FileHash, DataError> {
        let hash = match self.origin(year)? {
            Origin::Raw(members) => {
                let hashes = members.iter().map(Member::hash).collect::<Result<Vec<_>, _>>()?;
                of_parts(names(members), hashes, self.value_unit)
            }
            origin => {
                let content = origin.content()?;
                Footer::open(&content)?.file_hash(&content)
            }
        };
        self.seen.meet(year, &hash)?;
        Ok(hash)
    }

    /// The code tables that rows are read with.
    pub fn code_tables(&self) -> Vec<InputFile> {
        self.tables.inputs().cloned().collect()
    }

    fn origin(&self, year: Year) -> Result<&Origin, DataError> {
        self.origins.get(&year).ok_or_else(|| DataError::Missing {
            file: self.label.clone(),
            problem: format!("the year {year} is not there; there is {}", years_in_words(&self.years)),
        })
    }
}

/// One name, or the first and how many more there are.
pub(crate) fn names(members: &[Member]) -> String {
    match members {
        [] => String::new(),
        [member] => member.name.clone(),
        [first, others @ ..] => format!("{} and {} more", first.name, others.len()),
    }
}

/// How often a folder is opened again that another ingest replaces meanwhile.
const EXCHANGES: usize = 4;

/// By which a folder of ours is told from one that took its name. What cannot be looked at is another one.
fn stamp(path: &Path) -> Option<(u64, std::time::SystemTime)> {
    let metadata = std::fs::metadata(path.join(MANIFEST)).ok()?;
    Some((metadata.len(), metadata.modified().ok()?))
}

/// `2023` or `1995-2024`.
fn span(origins: &BTreeMap<Year, Origin>) -> String {
    match (origins.keys().next(), origins.keys().next_back()) {
        (Some(from), Some(to)) if from != to => format!("{from}-{to}"),
        (Some(only), _) => only.to_string(),
        _ => String::new(),
    }
}
