//! Step M1 of docs/method.md, where trade comes from: the embedded sample, our Parquet files or one CSV of CEPII.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use reorient_core::{CountryTable, HsRevision, ProductCode, Year};

use crate::error::file_name;
use crate::store::{Footer, read_year};
use crate::{DataError, TradeRow, TradeTable, codes, csv_file};

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
    /// Whether every byte that was used matched a hash inside the file; a CSV holds none.
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

/// One file of one year.
#[derive(Debug, Clone)]
enum Origin {
    Embedded,
    Parquet(PathBuf),
    Csv(PathBuf),
}

impl Origin {
    fn name(&self) -> String {
        match self {
            Self::Embedded => SAMPLE.to_owned(),
            Self::Parquet(path) | Self::Csv(path) => file_name(path),
        }
    }

    fn bytes(&self) -> Result<Bytes, DataError> {
        match self {
            Self::Embedded => Ok(Bytes::from_static(SAMPLE_BYTES)),
            Self::Parquet(path) | Self::Csv(path) => {
                std::fs::read(path).map(Bytes::from).map_err(|error| DataError::unreadable(path, &error))
            }
        }
    }

    fn footer(&self) -> Result<Footer, DataError> {
        match self {
            Self::Parquet(path) => Footer::open(path),
            _ => Footer::of_bytes(&self.name(), &self.bytes()?),
        }
    }
}

/// Opened input: years, revision and code tables are known, rows are not yet read.
#[derive(Debug, Clone)]
pub struct TradeSource {
    origins: BTreeMap<Year, Origin>,
    years: Vec<Year>,
    revision: HsRevision,
    label: String,
    synthetic: bool,
    countries: CountryTable,
    descriptions: BTreeMap<ProductCode, String>,
}

impl TradeSource {
    /// The sample within the program: 71 raw materials, 2023, HS92.
    ///
    /// # Errors
    /// [`DataError`] when the shipped bytes are damaged, which a test excludes.
    pub fn embedded() -> Result<Self, DataError> {
        let footer = Origin::Embedded.footer()?;
        let products = footer.products.len();
        let (revision, year) = (footer.info.revision, footer.info.year);
        let label = format!("BACI {revision} {year}, {products} raw materials (embedded sample)");
        Self::new(BTreeMap::from([(year, Origin::Embedded)]), revision, label, footer.info.synthetic)
    }

    /// A Parquet file of ours, a folder of such files (one per year, one revision and release), or one BACI CSV.
    ///
    /// # Errors
    /// [`DataError`] when the path cannot be read, is none of these, or the files of a folder do not belong together.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        // Further kinds of input are told apart here and become further origins.
        let metadata = std::fs::metadata(path).map_err(|error| DataError::unreadable(path, &error))?;
        let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
        if metadata.is_dir() {
            Self::open_parquet(parquet_files(path)?, &file_name(path))
        } else if extension == "parquet" {
            Self::open_parquet(vec![path.to_owned()], &file_name(path))
        } else if extension == "csv" {
            let (revision, _) = csv_file::named_in(path)?;
            let year = csv_file::first_year(path)?;
            let label = format!("BACI {revision} {year} ({})", file_name(path));
            Self::new(BTreeMap::from([(year, Origin::Csv(path.to_owned()))]), revision, label, false)
        } else {
            let problem = "give a BACI .csv, a .parquet file written by reorient, or a folder of such files";
            Err(DataError::file(&file_name(path), problem))
        }
    }

    fn open_parquet(paths: Vec<PathBuf>, name: &str) -> Result<Self, DataError> {
        let mut origins = BTreeMap::new();
        let mut first: Option<crate::store::YearInfo> = None;
        let mut synthetic = false;
        for path in paths {
            let info = Footer::open(&path)?.info;
            let expected = first.get_or_insert_with(|| info.clone());
            if (expected.revision, &expected.release) != (info.revision, &info.release) {
                let problem = format!(
                    "it holds {} of release {}, other files of the folder {} of release {}; keep one of them",
                    info.revision, info.release, expected.revision, expected.release
                );
                return Err(DataError::file(&file_name(&path), problem));
            }
            synthetic |= info.synthetic;
            if let Some(other) = origins.insert(info.year, Origin::Parquet(path.clone())) {
                let problem = format!("it holds the year {} that is in {} too; keep one of them", info.year, other.name());
                return Err(DataError::file(&file_name(&path), problem));
            }
        }
        let years = (origins.keys().next().copied(), origins.keys().next_back().copied());
        let (Some(info), (Some(from), Some(to))) = (first, years) else {
            let problem = "the folder holds no .parquet file; convert CEPII's CSV files first".to_owned();
            return Err(DataError::Missing { file: name.to_owned(), problem });
        };
        let years = if from == to { from.to_string() } else { format!("{from}-{to}") };
        let what = if synthetic { "synthetic" } else { "BACI" };
        Self::new(origins, info.revision, format!("{what} {} {years} ({name})", info.revision), synthetic)
    }

    fn new(origins: BTreeMap<Year, Origin>, revision: HsRevision, label: String, synthetic: bool) -> Result<Self, DataError> {
        let years = origins.keys().copied().collect();
        let countries = codes::embedded_countries()?;
        Ok(Self { origins, years, revision, label, synthetic, countries, descriptions: codes::embedded_descriptions(revision)? })
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

    /// Whether any year is made up rather than observed.
    pub const fn is_synthetic(&self) -> bool {
        self.synthetic
    }

    /// The countries that indices of the tables refer to.
    pub const fn countries(&self) -> &CountryTable {
        &self.countries
    }

    /// CEPII's description of a product, where a table of the revision is shipped (HS92).
    pub fn description(&self, product: ProductCode) -> Option<&str> {
        self.descriptions.get(&product).map(String::as_str)
    }

    /// Every product with a flow in that year; a Parquet file tells from its footer alone.
    ///
    /// # Errors
    /// [`DataError`] when the year is not at hand or the file cannot be read.
    pub fn products(&self, year: Year) -> Result<BTreeSet<ProductCode>, DataError> {
        let origin = self.origin(year)?;
        if matches!(origin, Origin::Csv(_)) {
            let (_, rows) = csv_file::read_rows(&origin.name(), &origin.bytes()?, &self.countries)?;
            return Ok(csv_file::products_of(&rows));
        }
        Ok(origin.footer()?.products.into_iter().map(|(product, _)| product).collect())
    }

    /// The flows of one year, of the given products or of all.
    ///
    /// # Errors
    /// [`DataError`] when the year is not at hand, the file cannot be read, is damaged, or a value breaks a rule.
    pub fn read(&self, year: Year, products: Option<&BTreeSet<ProductCode>>) -> Result<Trade, DataError> {
        let origin = self.origin(year)?;
        let name = origin.name();
        let bytes = origin.bytes()?;
        let is_csv = matches!(origin, Origin::Csv(_));
        let (table, rows_in) = if is_csv {
            self.read_csv(&name, &bytes, products)?
        } else {
            let decoded = read_year(&name, &bytes, &self.countries, products)?;
            (decoded.table, decoded.rows_in_file)
        };
        if table.year() != year || table.revision() != self.revision {
            return Err(DataError::file(
                &name,
                format!("it no longer holds {} {year}; it changed while it was in use", self.revision),
            ));
        }
        let (rows_in, rows_used) = (rows_in as u64, table.n_rows() as u64);
        let mut unused = BTreeMap::new();
        if rows_in > rows_used {
            unused.insert("product not on the list".to_owned(), rows_in - rows_used);
        }
        let input =
            InputFile { name, bytes: bytes.len() as u64, blake3: blake3::hash(&bytes).to_hex().to_string(), verified: !is_csv };
        Ok(Trade { table, inputs: vec![input], ledger: RowLedger { rows_in, rows_used, unused } })
    }

    fn read_csv(
        &self,
        name: &str,
        bytes: &[u8],
        products: Option<&BTreeSet<ProductCode>>,
    ) -> Result<(TradeTable, usize), DataError> {
        let (year, rows) = csv_file::read_rows(name, bytes, &self.countries)?;
        let index = |code| self.countries.index(code).ok_or_else(|| DataError::Internal(format!("country {code} got lost")));
        let mut kept = Vec::new();
        for row in rows.iter().filter(|row| products.is_none_or(|products| products.contains(&row.product))) {
            let (exporter, importer) = (index(row.exporter)?, index(row.importer)?);
            kept.push(TradeRow { product: row.product, exporter, importer, value: row.value });
        }
        let table = TradeTable::from_rows(year, self.revision, kept).map_err(|error| match error {
            DataError::Duplicate { product, exporter, importer, .. } => {
                let code = |index| self.countries.country(index).code;
                let (exporter, importer) = (code(exporter), code(importer));
                let problem = format!("product {product}, exporter {exporter}, importer {importer} stand twice; keep one row");
                DataError::file(name, problem)
            }
            other => other,
        })?;
        Ok((table, rows.len()))
    }

    fn origin(&self, year: Year) -> Result<&Origin, DataError> {
        let listed = || self.years.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        self.origins.get(&year).ok_or_else(|| DataError::Missing {
            file: self.label.clone(),
            problem: format!("the year {year} is not there; there is {}", listed()),
        })
    }
}

fn parquet_files(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let fail = |error| DataError::unreadable(folder, &error);
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("parquet")) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}
