//! CEPII's code tables: those that come with the data, or those in the program.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use reorient_core::{Country, CountryTable, HsRevision, ProductCode, Text, TextError};

use crate::DataError;
use crate::error::file_name;
use crate::ingested::FileHash;
use crate::input::Input;
use crate::list::line_of;
use crate::provenance::{InputFile, InputRole};
use crate::sealed::TableTexts;

const COUNTRIES: &str = "country_codes_V202401b.csv";
const COUNTRIES_CSV: &str = include_str!("../../../data/codes/country_codes_V202401b.csv");
const PRODUCTS_HS92: &str = "product_codes_HS92_V202401b.csv";
const PRODUCTS_HS92_CSV: &str = include_str!("../../../data/codes/product_codes_HS92_V202401b.csv");

/// Bytes of a file that are hashed together.
const HASHED_AT_ONCE: u64 = 1 << 20;

/// BACI's licence and citation.
pub(crate) const ATTRIBUTION: &str = "CEPII BACI, Etalab Open Licence 2.0; cite Gaulier and Zignago (2010), BACI: International \
    Trade Database at the Product-Level, CEPII Working Paper 2010-23.";

/// In the place of both, where rows are made up.
pub(crate) const MADE_UP: &str = "SYNTHETIC: made up from a seed, not observed trade, not by CEPII.";

/// Countries and product descriptions of a release, names repaired.
#[derive(Debug, Clone)]
pub(crate) struct CodeTables {
    pub(crate) countries: CountryTable,
    pub(crate) products: BTreeMap<ProductCode, Text>,
    /// What the countries were read from.
    pub(crate) countries_from: InputFile,
    /// What the products were read from; none where no table of the revision is at hand.
    pub(crate) products_from: Option<InputFile>,
}

impl CodeTables {
    /// The tables that come with the data; where there are none, those of the program.
    pub(crate) fn of(input: &Input, revision: HsRevision) -> Result<Self, DataError> {
        Self::from_parts(input.countries.as_ref(), input.products.as_ref(), revision)
    }

    pub(crate) fn from_parts(
        countries: Option<&(String, Vec<u8>)>,
        products: Option<&(String, Vec<u8>)>,
        revision: HsRevision,
    ) -> Result<Self, DataError> {
        let (countries, countries_from) = match countries {
            Some((name, bytes)) => (parse_countries(name, bytes)?, InputFile::of_bytes(InputRole::Countries, name, bytes)),
            None => (embedded_countries()?, in_program(InputRole::Countries, COUNTRIES, COUNTRIES_CSV)),
        };
        let (products, products_from) = match products {
            Some((name, bytes)) => (parse_products(name, bytes)?, Some(InputFile::of_bytes(InputRole::Products, name, bytes))),
            None => {
                let products = embedded_descriptions(revision)?;
                let from = (!products.is_empty()).then(|| in_program(InputRole::Products, PRODUCTS_HS92, PRODUCTS_HS92_CSV));
                (products, from)
            }
        };
        Ok(Self { countries, products, countries_from, products_from })
    }

    /// What the tables were read from.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = &InputFile> {
        std::iter::once(&self.countries_from).chain(&self.products_from)
    }

    /// Both as files of an ingested folder hold them.
    pub(crate) fn texts(&self) -> Result<TableTexts, DataError> {
        let products = if self.products.is_empty() { None } else { Some(self.products_csv()?) };
        Ok(TableTexts { countries: self.countries_csv()?, products })
    }

    /// They were held against the footers of the files of rows.
    pub(crate) fn verify(&mut self) {
        self.countries_from.verify();
        self.products_from.iter_mut().for_each(InputFile::verify);
    }

    /// In CEPII's columns.
    fn countries_csv(&self) -> Result<String, DataError> {
        let rows = self.countries.iter().map(|(_, country)| {
            let iso2 = country.iso2.as_deref().unwrap_or_default();
            vec![country.code.to_string(), country.name.to_string(), iso2.to_owned(), country.iso3.to_string()]
        });
        table_csv(&COUNTRY_COLUMNS, rows)
    }

    /// In CEPII's columns.
    fn products_csv(&self) -> Result<String, DataError> {
        table_csv(&PRODUCT_COLUMNS, self.products.iter().map(|(code, text)| vec![code.to_string(), text.to_string()]))
    }
}

/// A table that ships with the program.
pub(crate) fn in_program(role: InputRole, name: &str, text: &str) -> InputFile {
    let mut file = InputFile::of_bytes(role, format!("{name} (in the program)"), text.as_bytes());
    file.verify();
    file
}

const COUNTRY_COLUMNS: [&str; 4] = ["country_code", "country_name", "country_iso2", "country_iso3"];
/// As releases before 2023 name them.
const OLD_COUNTRY_COLUMNS: [&str; 4] = ["country_code", "country_name_full", "iso_2digit_alpha", "iso_3digit_alpha"];
const PRODUCT_COLUMNS: [&str; 2] = ["code", "description"];

fn table_csv(columns: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Result<String, DataError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let internal = |error: &dyn std::fmt::Display| DataError::Internal(error.to_string());
    writer.write_record(columns).map_err(|error| internal(&error))?;
    for row in rows {
        writer.write_record(row).map_err(|error| internal(&error))?;
    }
    let bytes = writer.into_inner().map_err(|error| internal(&error))?;
    String::from_utf8(bytes).map_err(|error| internal(&error))
}

/// A row of a code table that breaks a rule.
fn bad_row(name: &str, bytes: &[u8], place: &csv::Position, problem: impl std::fmt::Display) -> DataError {
    DataError::file(name, format!("line {}: {problem}", line_of(without_mark(bytes), Some(place))))
}

fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// The rows of a code table.
struct TableRows {
    columns: &'static [&'static str],
    /// Place and the named columns, in their order.
    rows: Vec<(csv::Position, Vec<String>)>,
}

/// A name or a description in a column, made from what stands there.
struct Cell<'a> {
    name: &'a str,
    bytes: &'a [u8],
    place: &'a csv::Position,
    column: &'static str,
    value: &'a str,
}

impl Cell<'_> {
    fn checked(&self, text: Result<Text, TextError>) -> Result<Text, DataError> {
        text.map_err(|error| DataError::Value {
            file: self.name.to_owned(),
            place: format!("line {}", line_of(without_mark(self.bytes), Some(self.place))),
            column: self.column,
            value: self.value.to_owned(),
            problem: error.to_string(),
        })
    }
}

/// Reads a code table that has the columns of one of the choices.
fn table_rows(name: &str, bytes: &[u8], choices: &[&'static [&'static str]]) -> Result<TableRows, DataError> {
    let bytes = without_mark(bytes);
    let fail = |problem: String| DataError::file(name, problem);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let header = reader.byte_headers().map_err(|error| fail(error.to_string()))?.clone();
    let at = choices.iter().find_map(|columns| {
        let place = |column: &&str| header.iter().position(|title| title.eq_ignore_ascii_case(column.as_bytes()));
        Some((*columns, columns.iter().map(place).collect::<Option<Vec<_>>>()?))
    });
    let (columns, at) =
        at.ok_or_else(|| fail(format!("line 1: a code table of CEPII's has the columns {}", choices[0].join(","))))?;
    let mut rows = Vec::new();
    for record in reader.byte_records() {
        let record = record.map_err(|error| fail(error.to_string()))?;
        let fields = at.iter().map(|column| String::from_utf8_lossy(record.get(*column).unwrap_or_default()).trim().to_owned());
        rows.push((record.position().cloned().unwrap_or_else(csv::Position::new), fields.collect()));
    }
    Ok(TableRows { columns, rows })
}

fn parse_countries(name: &str, bytes: &[u8]) -> Result<CountryTable, DataError> {
    let mut countries = Vec::new();
    let TableRows { columns, rows } = table_rows(name, bytes, &[&COUNTRY_COLUMNS, &OLD_COUNTRY_COLUMNS])?;
    for (place, row) in rows {
        let cell = |at: usize| Cell { name, bytes, place: &place, column: columns[at], value: &row[at] };
        let code = row[0].parse().map_err(|error| bad_row(name, bytes, &place, error))?;
        // Namibia's two letters are "NA"; a reader that takes them for a missing value loses them.
        let iso2 = if row[3] == "NAM" { "NA" } else { &row[2] };
        let iso2 = Some(iso2).filter(|iso2| !iso2.is_empty());
        let iso2 = iso2.map(|iso2| cell(2).checked(Text::name(iso2))).transpose()?;
        let iso3 = cell(3).checked(Text::name(row[3].as_str()))?;
        countries.push(Country { code, iso2, iso3, name: cell(1).checked(Text::name(repair(&row[1])))? });
    }
    CountryTable::new(countries).map_err(|error| DataError::file(name, error.to_string()))
}

fn parse_products(name: &str, bytes: &[u8]) -> Result<BTreeMap<ProductCode, Text>, DataError> {
    let mut products = BTreeMap::new();
    let TableRows { columns, rows } = table_rows(name, bytes, &[&PRODUCT_COLUMNS])?;
    for (place, row) in rows {
        // CEPII lists `9999AA`, which no flow bears.
        if row[0].eq_ignore_ascii_case("9999AA") {
            continue;
        }
        let code: ProductCode = row[0].parse().map_err(|error| bad_row(name, bytes, &place, error))?;
        let cell = Cell { name, bytes, place: &place, column: columns[1], value: &row[1] };
        if products.insert(code, cell.checked(Text::description(repair(&row[1])))?).is_some() {
            return Err(bad_row(name, bytes, &place, format!("product {code} stands twice")));
        }
    }
    Ok(products)
}

/// The program's own table of countries: the 238 of release V202401b.
///
/// # Errors
/// [`DataError`] when the shipped table breaks a rule, which a test excludes.
pub fn embedded_countries() -> Result<CountryTable, DataError> {
    parse_countries(COUNTRIES, COUNTRIES_CSV.as_bytes())
}

/// Descriptions by product; empty for a revision whose table is not shipped.
pub(crate) fn embedded_descriptions(revision: HsRevision) -> Result<BTreeMap<ProductCode, Text>, DataError> {
    if revision == HsRevision::Hs92 { parse_products(PRODUCTS_HS92, PRODUCTS_HS92_CSV.as_bytes()) } else { Ok(BTreeMap::new()) }
}

/// Name, size and BLAKE3 of a file.
///
/// # Errors
/// [`DataError::Missing`] when it cannot be read.
pub fn hash_file(path: &Path) -> Result<FileHash, DataError> {
    hash_open(&reorient_files::open(path)?, path)
}

/// Name, size and BLAKE3 of what is left of an open file.
pub(crate) fn hash_open(mut file: &File, path: &Path) -> Result<FileHash, DataError> {
    let fail = |error: std::io::Error| DataError::unreadable(path, &error);
    let mut hasher = blake3::Hasher::new();
    let mut fill = |mut buffer: Vec<u8>| -> Result<Vec<u8>, DataError> {
        buffer.clear();
        file.by_ref().take(HASHED_AT_ONCE).read_to_end(&mut buffer).map_err(fail)?;
        Ok(buffer)
    };
    // Room for the whole block and for the read that finds its end.
    let room = || Vec::with_capacity((HASHED_AT_ONCE + 32).try_into().unwrap_or_default());
    let (mut block, mut spare) = (fill(room())?, room());
    while !block.is_empty() {
        // The next block is read while this one is hashed.
        let (next, _) = rayon::join(|| fill(std::mem::take(&mut spare)), || hasher.update_rayon(&block));
        spare = std::mem::replace(&mut block, next?);
    }
    let blake3 = hasher.finalize().to_hex().to_string();
    Ok(FileHash { name: file_name(path), bytes: hasher.count(), blake3, footer_blake3: None })
}

/// Undoes UTF-8 that was read as Latin-1 or Windows-1252 and encoded once more; other text stays as it is.
fn repair(text: &str) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    const UPPER_80_9F: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’', '“',
        '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    let byte = |letter: char| {
        u8::try_from(u32::from(letter))
            .ok()
            .or_else(|| UPPER_80_9F.iter().position(|known| *known == letter).and_then(|at| u8::try_from(0x80 + at).ok()))
    };
    let bytes: Option<Vec<u8>> = text.chars().map(byte).collect();
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_else(|| text.to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use reorient_core::CountryCode;

    #[test]
    fn names_are_repaired_and_odd_codes_kept() {
        let table = embedded_countries().unwrap();
        let name = |code| &table.country(table.index(CountryCode::literal(code)).unwrap()).name;
        assert_eq!(table.len(), 238);
        assert_eq!((name(384).as_str(), name(531).as_str(), name(792).as_str()), ("Côte d'Ivoire", "Curaçao", "Türkiye"));
        assert_eq!(name(652).as_str(), "Saint Barthélemy");
        let iso2 = |code| table.country(table.index(CountryCode::literal(code)).unwrap()).iso2.clone();
        assert_eq!((iso2(490), iso2(516).as_deref()), (None, Some("NA")));
        assert_eq!(repair("Türkiye"), "Türkiye");
    }

    #[test]
    fn what_a_terminal_would_run_is_no_name() {
        let said = |row: &str| {
            let table =
                format!("\u{feff}country_code,country_name,country_iso2,country_iso3\r\n4,Afghanistan,AF,AFG\r\n{row}\r\n");
            parse_countries("own.csv", table.as_bytes()).unwrap_err().to_string()
        };
        let title = said("8,\"\u{1b}]0;owned\u{7}\",AL,ALB");
        assert_eq!(
            title,
            "own.csv, line 3, column `country_name`: `\\u{1b}]0;owned\\u{7}`: letter 1 is U+001B, a control character; take it out"
        );
        assert!(said("8,Albania,AL,\u{202e}ALB").starts_with("own.csv, line 3, column `country_iso3`: `\\u{202e}ALB`"));
        assert!(said("8,=HYPERLINK(1),AL,ALB").contains("run it as a formula"));
        let long = said(&format!("8,{},AL,ALB", "x".repeat(300_000)));
        assert!(long.len() < 400 && long.contains("300000 letters"), "{long}");
        let bad = parse_products("own.csv", "code,description\n010121,=1+1\n".as_bytes()).unwrap_err().to_string();
        assert!(bad.starts_with("own.csv, line 2, column `description`: `=1+1`"), "{bad}");
    }

    #[test]
    fn descriptions_belong_to_their_revision() {
        let descriptions = embedded_descriptions(HsRevision::Hs92).unwrap();
        assert_eq!(descriptions.len(), 5021);
        assert!(descriptions[&"010111".parse::<ProductCode>().unwrap()].starts_with("Horses"));
        assert!(embedded_descriptions(HsRevision::Hs22).unwrap().is_empty());
    }
}
