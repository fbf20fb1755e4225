//! What CEPII ships and what people keep of it: a zip, a folder, CSV files plain or compressed, Parquet of other tools.
//!
//! An [`Input`] knows its files, their revision, release and years from their names; rows are streamed, never unpacked to
//! disk, and every limit is checked before memory is spent.

mod archive;
mod cells;
mod context;
mod csv;
mod hashed;
pub(crate) mod memory;
mod order;
pub(crate) mod parquet;
mod pick;
mod stream;

pub(crate) use order::Order;
pub(crate) use pick::Pick;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use reorient_core::{CountryCode, CountryTable, HsRevision, Usd, Year};
use reorient_files::Limit;

use self::context::Context;
use self::hashed::Watched;
use self::memory::MemoryTable;
use crate::DataError;
use crate::claims::{Outdated, ValueUnit};
use crate::codes::hash_file;
use crate::error::file_name;
use crate::ingested::{FileHash, LEDGER};
use crate::integrity::Integrity;
use crate::issue::{Issues, Problem, Reason};
use crate::row::Row;
use crate::sealed::Manifest;
use crate::store::{Content, DECIMAL_LIMIT, FLOW_LIMIT, Stamp, TOO_MUCH};

const NOT_POSITIVE: &str = "a flow must be more than zero; remove the row or correct the value";
const UNKNOWN_COUNTRY: &str =
    "this country is not in the country table; the release may be newer than the table, or the code is not BACI's";

/// A column of quantities whose name tells no unit; it is left out.
pub(crate) const QUANTITY: &str = "quantity";

/// A file with rows, or a member of an archive.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    /// File name with the folders below the path that was given, or name of a member of an archive without folders.
    pub(crate) name: String,
    place: Place,
    pub(crate) revision: Option<HsRevision>,
    pub(crate) release: Option<String>,
    /// The one year that the name promises, or that of the folder.
    pub(crate) year: Option<Year>,
    /// Whether it is that of the folder.
    year_is_of_folder: bool,
    /// The unit of a column `value`.
    pub(crate) unit: Option<ValueUnit>,
    /// Whether the name says that the rows are made up.
    pub(crate) synthetic: bool,
    /// Bytes of the file, or of the text that a member of an archive unpacks to.
    pub(crate) size: u64,
    /// Of the file when it was looked at, where it is opened again to be read: all years of a command are of one moment.
    stamp: Option<Stamp>,
}

#[derive(Debug, Clone)]
enum Place {
    Csv(PathBuf, stream::Packing),
    /// Open since it was looked at.
    Zip(Arc<Watched>, usize),
    Parquet(PathBuf),
    /// One year of a table in memory.
    Memory(Arc<MemoryTable>, Year),
}

/// A file by name, and what it holds.
pub(crate) type NamedBytes = (String, Vec<u8>);

/// Everything that one path holds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Input {
    /// Files with rows, ascending by name.
    pub(crate) members: Vec<Member>,
    /// CEPII's country table, if it is there: name and bytes.
    pub(crate) countries: Option<(String, Vec<u8>)>,
    /// CEPII's product table, if it is there.
    pub(crate) products: Option<(String, Vec<u8>)>,
    /// Files that stand beside and are not read, such as the readme.
    pub(crate) ignored: Vec<String>,
    /// Files to hash: the archive itself, or each file.
    pub(crate) files: Vec<PathBuf>,
    /// Whether a readme or the name of an archive says that all rows are made up.
    synthetic: bool,
}

/// What the readme of made-up data begins with.
const SYNTHETIC: &[u8] = b"SYNTHETIC";

impl Input {
    /// Looks at a path without reading rows. A folder may hold the folders of years, or that of a release.
    pub(crate) fn open(path: &Path) -> Result<Self, DataError> {
        let metadata = std::fs::metadata(path).map_err(|error| DataError::unreadable(path, &error))?;
        let mut input = Self::default();
        let context = Context::around(path, metadata.is_dir());
        if metadata.is_dir() {
            input.add_folder(path, &context)?;
            if input.members.is_empty() {
                let folders: Vec<&str> = input.ignored.iter().map(String::as_str).filter(|name| name.ends_with('/')).collect();
                let problem = if folders.is_empty() {
                    "the folder holds no CSV, Parquet or zip of BACI".to_owned()
                } else {
                    let named = folders.iter().take(5).copied().collect::<Vec<_>>().join(", ");
                    format!(
                        "the folder holds no CSV, Parquet or zip of BACI, and its folders are not read ({named}): give one of them, \
                         or name folders by year, such as 2023 or t=2023"
                    )
                };
                return Err(DataError::Missing { file: path.display().to_string(), problem });
            }
        } else {
            // What is no file at all is said before what is wrong with its name.
            reorient_files::open(path)?;
            input.add(path, &context)?;
        }
        Ok(input)
    }

    /// Files, then folders of years, or else folders of releases; ascending by name.
    fn add_folder(&mut self, path: &Path, context: &Context) -> Result<(), DataError> {
        let fail = |error| DataError::unreadable(path, &error);
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(path).map_err(fail)? {
            paths.push(entry.map_err(fail)?.path());
        }
        paths.sort();
        let before = self.members.len();
        let (mut years, mut releases) = (Vec::new(), Vec::new());
        let own = matches!(Manifest::of(path)?, Manifest::Whole(_));
        for path in &paths {
            let name = file_name(path);
            if path.is_dir() {
                match context.below(&name) {
                    Some(below) if !own && below.is_of_year() => years.push((path, below)),
                    Some(below) if !own => releases.push((path, below)),
                    _ => self.ignored.push(format!("{}{name}/", context.prefix)),
                }
            } else if context::is_hidden(&name) {
                // What systems leave beside files, such as `._NAME` by macOS.
                self.ignored.push(format!("{}{name}", context.prefix));
            } else {
                self.add(path, context)?;
            }
        }
        for (path, below) in &years {
            self.add_folder(path, below)?;
        }
        // An archive often stands beside what was unpacked from it.
        let has_rows = self.members.len() > before;
        for (path, below) in &releases {
            if has_rows { self.ignored.push(below.prefix.clone()) } else { self.add_folder(path, below)? }
        }
        Ok(())
    }

    /// A table in memory, with a member for each of its years.
    pub(crate) fn of_memory(
        table: MemoryTable,
        revision: HsRevision,
        synthetic: bool,
        [countries, products]: [Option<NamedBytes>; 2],
    ) -> Self {
        let table = Arc::new(table);
        let member = |(year, hash): (&Year, &FileHash)| Member {
            name: memory::NAME.to_owned(),
            place: Place::Memory(Arc::clone(&table), *year),
            revision: Some(revision),
            release: None,
            year: Some(*year),
            year_is_of_folder: false,
            unit: None,
            synthetic,
            size: hash.bytes,
            stamp: None,
        };
        let members = table.years.iter().map(member).collect();
        Self { members, countries, products, synthetic, ..Self::default() }
    }

    /// The unit of a column `value`, for all files.
    pub(crate) fn set_unit(&mut self, unit: Option<ValueUnit>) {
        self.members.iter_mut().for_each(|member| member.unit = unit);
    }

    /// Takes what another path holds as well.
    pub(crate) fn join(&mut self, other: Self) -> Result<(), DataError> {
        for (slot, table) in [(&mut self.countries, other.countries), (&mut self.products, other.products)] {
            if let Some((name, bytes)) = table {
                take_table(slot, &name, bytes)?;
            }
        }
        self.members.extend(other.members);
        self.ignored.extend(other.ignored);
        self.files.extend(other.files);
        self.synthetic |= other.synthetic;
        Ok(())
    }

    /// Whether the rows of a member are made up: by its own name, by that of its archive, or by a readme beside it.
    pub(crate) const fn is_synthetic(&self, member: &Member) -> bool {
        self.synthetic || member.synthetic
    }

    /// Whether any rows are.
    pub(crate) fn holds_synthetic(&self) -> bool {
        self.members.iter().any(|member| self.is_synthetic(member))
    }

    fn add(&mut self, path: &Path, context: &Context) -> Result<(), DataError> {
        let name = file_name(path);
        let in_folder = context.is_folder;
        let lower = name.to_ascii_lowercase();
        let unreadable = |error| DataError::unreadable(path, &error);
        let size = || -> Result<u64, DataError> { Ok(reorient_files::open(path)?.metadata().map_err(unreadable)?.len()) };
        let table = || reorient_files::read(path, Limit::CODE_TABLE);
        if in_folder && lower == LEDGER {
            return Ok(());
        }
        if is_table(&lower, "country_codes") {
            take_table(&mut self.countries, &name, table()?)?;
        } else if is_table(&lower, "product_codes") {
            take_table(&mut self.products, &name, table()?)?;
        } else if lower.ends_with(".zip") {
            archive::open(path, self)?;
        } else if let Some(packing) = stream::Packing::of(&lower) {
            self.members.push(context.member(Member::new(name, Place::Csv(path.to_owned(), packing), size()?).stamped(path)?)?);
        } else if lower.ends_with(".parquet") {
            self.members.push(context.member(Member::new(name, Place::Parquet(path.to_owned()), size()?).stamped(path)?)?);
        } else if in_folder {
            if lower.starts_with("readme") {
                let mut start = Vec::new();
                let read = reorient_files::open(path)?.take(SYNTHETIC.len() as u64).read_to_end(&mut start);
                read.map_err(unreadable)?;
                self.synthetic |= start == SYNTHETIC;
            }
            self.ignored.push(format!("{}{name}", context.prefix));
            return Ok(());
        } else {
            let problem = "give a BACI .zip, .csv, .csv.gz, .csv.zst or .parquet, or a folder of such files";
            return Err(DataError::file(&name, problem));
        }
        self.files.push(path.to_owned());
        Ok(())
    }
}

/// Looks whether an archive is a release of CEPII's in that revision, without reading rows; `name` is that of messages.
///
/// # Errors
/// [`DataError`] with what is wrong with it.
pub fn check_archive(path: &Path, name: &str, revision: HsRevision) -> Result<(), DataError> {
    let mut input = Input::default();
    archive::open(path, &mut input)?;
    match input.members.iter().find(|member| member.revision != Some(revision)) {
        Some(member) => Err(DataError::file(name, format!("its member {} is not in {revision}", member.name))),
        None => Ok(()),
    }
}

fn is_table(lower: &str, what: &str) -> bool {
    lower.starts_with(what) && lower.ends_with(".csv")
}

fn take_table(slot: &mut Option<(String, Vec<u8>)>, name: &str, bytes: Vec<u8>) -> Result<(), DataError> {
    if let Some((other, known)) = slot {
        if *known == bytes {
            return Ok(());
        }
        return Err(DataError::file(name, format!("there is another code table, {other}; keep the one of this release")));
    }
    *slot = Some((name.to_owned(), bytes));
    Ok(())
}

impl Member {
    fn new(name: String, place: Place, size: u64) -> Self {
        let (revision, release, year) = named_in(&name);
        let synthetic = named_synthetic(&name);
        Self { name, place, revision, release, year, year_is_of_folder: false, unit: None, synthetic, size, stamp: None }
    }

    /// Remembers which file it is.
    fn stamped(self, path: &Path) -> Result<Self, DataError> {
        Ok(Self { stamp: Some(Content::open(path)?.stamp()?), ..self })
    }

    /// It is still the file that was looked at.
    fn unchanged(&self) -> Result<(), DataError> {
        let (Some(stamp), Place::Csv(path, _) | Place::Parquet(path)) = (self.stamp, &self.place) else { return Ok(()) };
        let is_same = Content::open(path)?.stamp()? == stamp;
        if is_same { Ok(()) } else { Err(DataError::Changed { file: self.name.clone() }) }
    }

    /// Whether a file of rows has a column of years.
    fn has_years(&self) -> Result<bool, DataError> {
        match &self.place {
            Place::Csv(path, packing) => csv::has_years(path, *packing, &self.name),
            Place::Parquet(path) => Ok(parquet::is_ours(path)? || parquet::has_years(path, &self.name)?),
            Place::Zip(..) | Place::Memory(..) => Ok(true),
        }
    }

    /// The path of a Parquet file.
    pub(crate) fn parquet_path(&self) -> Option<&Path> {
        match &self.place {
            Place::Parquet(path) => Some(path),
            _ => None,
        }
    }

    /// Hands the rows that `pick` takes over in batches, in the order of the file.
    pub(crate) fn read(
        &self,
        countries: &CountryTable,
        many_years: bool,
        pick: &Pick,
        issues: &mut Issues<'_>,
        sink: &mut dyn FnMut(Batch) -> Result<(), DataError>,
    ) -> Result<Met, DataError> {
        let years = &mut Years {
            named: self.year,
            is_of_folder: self.year_is_of_folder,
            many: many_years && self.year.is_none(),
            first: None,
        };
        let mut reading = csv::Reading { name: &self.name, countries, years, unit: self.unit, pick, issues, sink };
        self.unchanged()?;
        let met = match &self.place {
            Place::Csv(path, stream::Packing::Plain) => csv::read_file(path, &mut reading),
            Place::Csv(path, packing) => {
                let (mut reader, packed, file) = stream::open(path, *packing)?;
                let met = csv::read_stream(&mut *reader, Some(&*packed), &mut reading)?;
                Ok(Met { hash: Some(FileHash { name: self.name.clone(), ..file.hash()? }), ..met })
            }
            Place::Zip(file, index) => {
                let met = archive::with_member(file, *index, &mut |reader| csv::read_stream(reader, None, &mut reading))?;
                Ok(Met { hash: Some(file.hash()?), ..met })
            }
            Place::Parquet(path) => parquet::read(path, &mut reading),
            Place::Memory(table, year) => table.read(*year, &mut reading),
        }?;
        self.unchanged()?;
        Ok(met)
    }

    /// The file, or the archive, in which the rows stand; none for a table in memory.
    pub(crate) fn path(&self) -> Option<&Path> {
        match &self.place {
            Place::Csv(path, _) | Place::Parquet(path) => Some(path),
            Place::Zip(file, _) => Some(file.path()),
            Place::Memory(..) => None,
        }
    }

    /// The table in memory in which the rows stand.
    pub(crate) fn memory(&self) -> Option<&MemoryTable> {
        match &self.place {
            Place::Memory(table, _) => Some(table),
            _ => None,
        }
    }

    /// What messages and manifests call the file, or the archive, in which the rows stand.
    pub(crate) fn file_name(&self) -> String {
        match &self.place {
            Place::Zip(file, _) => file_name(file.path()),
            _ => self.name.clone(),
        }
    }

    /// The hash of where the rows stand.
    pub(crate) fn hash(&self) -> Result<FileHash, DataError> {
        self.unchanged()?;
        match &self.place {
            Place::Csv(path, _) | Place::Parquet(path) => Ok(FileHash { name: self.name.clone(), ..hash_file(path)? }),
            Place::Zip(file, _) => file.hash(),
            Place::Memory(table, year) => {
                let lost = || DataError::Internal(format!("the table lost its year {year}"));
                table.years.get(year).cloned().ok_or_else(lost)
            }
        }
    }

    /// Which checksum is compared as the file is read.
    pub(crate) fn integrity(&self) -> Result<Integrity, DataError> {
        match &self.place {
            Place::Csv(_, stream::Packing::Gzip) | Place::Zip(..) => Ok(Integrity::Crc32),
            Place::Csv(path, stream::Packing::Zstandard) => Integrity::of_zstd(path),
            Place::Parquet(path) => parquet::integrity(path, self),
            Place::Csv(_, stream::Packing::Plain) | Place::Memory(..) => Ok(Integrity::None),
        }
    }

    /// The year of the rows of a file that holds one: by its name, or by its first row.
    pub(crate) fn one_year(&self, countries: &CountryTable) -> Result<Year, DataError> {
        if let Some(year) = self.year {
            return Ok(year);
        }
        let mut found = None;
        let policy = crate::RowPolicy::default();
        // The read ends as soon as one row is known.
        let ended = self.read(countries, true, &Pick::all(), &mut Issues::new(&policy), &mut |batch| {
            found = batch.rows.first().copied();
            if found.is_some() { Err(DataError::Internal(String::new())) } else { Ok(()) }
        });
        match (found, ended) {
            (Some(row), _) => row.year(),
            (None, Err(error)) => Err(error),
            (None, Ok(_)) => Err(DataError::file(&self.name, "the file has no rows")),
        }
    }
}

/// Revision, release and year from a name such as `BACI_HS92_Y2023_V202401b.csv`.
pub(crate) fn named_in(name: &str) -> (Option<HsRevision>, Option<String>, Option<Year>) {
    let parts = || name.split(['_', '-', '.', ' ']);
    let after = |prefix: &'static str| {
        parts().filter(move |part| part.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix)))
    };
    let revision = after("HS").find_map(|part| part.parse().ok());
    let mut releases = after("V").map(|part| &part[1..]);
    let is_release = |part: &&str| {
        part.len() >= 6
            && part.bytes().take(6).all(|byte| byte.is_ascii_digit())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let release = releases.find(is_release);
    let year = after("Y").find_map(|part| part[1..].parse().ok().filter(|_| part.len() == 5));
    (revision, release.map(str::to_owned), year)
}

/// Whether a part of the name says so, as in `BACI_HS22_Y2024_V202601_synthetic.csv`; `synthetic-fibres` does not.
fn named_synthetic(name: &str) -> bool {
    name.split(['_', '.', ' ']).any(|part| part.eq_ignore_ascii_case("synthetic"))
}

/// Rows of a file, in its order.
pub(crate) struct Batch {
    /// Those of the products that are asked for.
    pub(crate) rows: Vec<Row>,
    /// Rows of all products, bad ones included.
    pub(crate) met: u64,
    /// How far the file has been read, in the measure of [`Member::size`].
    pub(crate) done: u64,
}

/// What a whole file held.
#[derive(Default)]
pub(crate) struct Met {
    /// Rows of all products, bad ones included.
    pub(crate) rows: u64,
    /// Of the file, where reading it gave its hash.
    pub(crate) hash: Option<FileHash>,
    /// Of the rows of all products.
    pub(crate) order: Order,
    /// Those of countries that had ended.
    pub(crate) outdated: Outdated,
    /// A column that was left out, as its name tells no unit.
    pub(crate) unread: Option<&'static str>,
    /// The unit of a column `value`, where the values stand in one.
    pub(crate) value_unit: Option<ValueUnit>,
}

/// Which years the rows of a file may have.
pub(crate) struct Years {
    named: Option<Year>,
    is_of_folder: bool,
    many: bool,
    first: Option<Year>,
}

impl Years {
    /// Whether the one year of the rows is still to be found.
    const fn is_open(&self) -> bool {
        !self.many && self.expected().is_none()
    }

    /// The year that the folder tells.
    fn of_folder(&self) -> Option<Year> {
        self.named.filter(|_| self.is_of_folder)
    }

    /// The one year that rows may have.
    const fn expected(&self) -> Option<Year> {
        if self.named.is_some() { self.named } else { self.first }
    }

    /// What to say of a row of another one.
    fn other_year(&self) -> String {
        match self.named {
            Some(year) if self.is_of_folder => format!("the folder says {year}; move the file or correct the year"),
            Some(year) => format!("the file name says {year}; rename the file or correct the year"),
            None => "the rows above are of another year; give one file per year, or ingest this one".to_owned(),
        }
    }

    /// Takes rows of a wrong year out and says what is wrong with each; `line` gives the place of a row of the batch.
    fn take(&mut self, rows: &mut Vec<Row>, line: impl Fn(usize) -> u64) -> Result<Vec<Problem>, DataError> {
        if self.many {
            return Ok(Vec::new());
        }
        let Some(first) = rows.first() else { return Ok(Vec::new()) };
        let expected = match self.named.or(self.first) {
            Some(year) => year,
            None => *self.first.insert(first.year()?),
        };
        let is_right = |row: &Row| row.year().is_ok_and(|year| year == expected);
        if rows.iter().all(is_right) {
            return Ok(Vec::new());
        }
        let text = self.other_year();
        let wrong = rows.iter().enumerate().filter(|(_, row)| !is_right(row));
        let problems = wrong.map(|(at, row)| {
            let value = row.year()?.to_string();
            Ok(Problem { line: line(at), reason: Reason::BadYear, column: "t", value, text: text.clone() })
        });
        let problems = problems.collect::<Result<Vec<_>, DataError>>()?;
        rows.retain(is_right);
        Ok(problems)
    }
}

/// A country number that the table lists.
fn country(number: Option<u32>, last_years: &[u16]) -> Result<CountryCode, Reason> {
    let code = number.and_then(|number| u16::try_from(number).ok()).and_then(|number| CountryCode::new(number).ok());
    let code = code.ok_or(Reason::BadCode)?;
    if last_years[usize::from(code.get())] > 0 { Ok(code) } else { Err(Reason::UnknownCountry) }
}

/// Amounts that results and the store can hold.
fn within_limits(value: Usd, quantity: Option<i64>) -> Result<(), (Reason, String)> {
    if value.get() >= FLOW_LIMIT {
        Err((Reason::BadValue, TOO_MUCH.to_owned()))
    } else if quantity.is_some_and(|quantity| quantity >= DECIMAL_LIMIT) {
        Err((Reason::BadQuantity, "this is beyond 18 digits; correct the row".to_owned()))
    } else {
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_revision_release_and_year() {
        let name = |text: &str| {
            let (revision, release, year) = named_in(text);
            (revision.map(HsRevision::name), release, year.map(Year::get))
        };
        let all = (Some("HS92"), Some("202401b".to_owned()), Some(2023));
        assert_eq!(name("BACI_HS92_Y2023_V202401b.csv"), all);
        assert_eq!(name("baci_hs92_y2023_v202401b.csv.gz"), all);
        assert_eq!(name("BACI_HS22_V202601.zip"), (Some("HS22"), Some("202601".to_owned()), None));
        assert_eq!(name("BACI_HS92_raw-materials_1995-2024.parquet"), (Some("HS92"), None, None));
        assert_eq!(name("trade.csv"), (None, None, None));
        assert_eq!(name("BACI_HS93_Y20_V1.csv"), (None, None, None));
        assert_eq!(name("BACI_HS22_Y2024_V202601_synthetic.csv"), (Some("HS22"), Some("202601".to_owned()), Some(2024)));
    }

    #[test]
    fn names_tell_what_is_made_up() {
        assert!(named_synthetic("BACI_HS22_Y2024_V202601_synthetic.csv") && named_synthetic("Synthetic.csv.gz"));
        assert!(!named_synthetic("BACI_HS92_Y2023_synthetic-fibres.csv") && !named_synthetic("synthetics.csv"));
    }
}
