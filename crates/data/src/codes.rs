//! CEPII's code tables, shipped with the program.

use std::collections::BTreeMap;

use reorient_core::{Country, CountryTable, HsRevision, ProductCode};

use crate::DataError;

const COUNTRIES: &str = "country_codes_V202401b.csv";
const COUNTRIES_CSV: &str = include_str!("../../../data/codes/country_codes_V202401b.csv");
const PRODUCTS_HS92: &str = "product_codes_HS92_V202401b.csv";
const PRODUCTS_HS92_CSV: &str = include_str!("../../../data/codes/product_codes_HS92_V202401b.csv");

/// The 238 countries of release V202401b, names repaired.
pub(crate) fn embedded_countries() -> Result<CountryTable, DataError> {
    let fail = |problem: String| DataError::file(COUNTRIES, problem);
    let mut countries = Vec::new();
    for record in csv::Reader::from_reader(COUNTRIES_CSV.as_bytes()).records() {
        let record = record.map_err(|error| fail(error.to_string()))?;
        let field = |column: usize| record.get(column).unwrap_or("").trim();
        let code = field(0).parse().map_err(|error| fail(format!("{error}")))?;
        // Namibia's two letters are "NA"; the shipped table lost them to a reader that took them for a missing value.
        let iso2 = if field(3) == "NAM" { "NA" } else { field(2) };
        let iso2 = Some(iso2).filter(|iso2| !iso2.is_empty()).map(str::to_owned);
        countries.push(Country { code, iso2, iso3: field(3).to_owned(), name: repair(field(1)) });
    }
    CountryTable::new(countries).map_err(|error| fail(error.to_string()))
}

/// Descriptions by product; empty for a revision whose table is not shipped.
pub(crate) fn embedded_descriptions(revision: HsRevision) -> Result<BTreeMap<ProductCode, String>, DataError> {
    if revision != HsRevision::Hs92 {
        return Ok(BTreeMap::new());
    }
    let fail = |problem: String| DataError::file(PRODUCTS_HS92, problem);
    let mut descriptions = BTreeMap::new();
    for record in csv::Reader::from_reader(PRODUCTS_HS92_CSV.as_bytes()).records() {
        let record = record.map_err(|error| fail(error.to_string()))?;
        // CEPII lists `9999AA`, which no flow bears.
        let Ok(code) = record.get(0).unwrap_or("").parse() else { continue };
        descriptions.insert(code, repair(record.get(1).unwrap_or("").trim()));
    }
    Ok(descriptions)
}

/// Undoes UTF-8 that was read as Latin-1 or Windows-1252 and encoded once more; other text stays as it is.
fn repair(text: &str) -> String {
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
        assert_eq!(name(652), "Saint Barthélemy");
        let iso2 = |code| table.country(table.index(CountryCode::literal(code)).unwrap()).iso2.clone();
        assert_eq!((iso2(490), iso2(516).as_deref()), (None, Some("NA")));
        assert_eq!(repair("Türkiye"), "Türkiye");
    }

    #[test]
    fn descriptions_belong_to_their_revision() {
        let descriptions = embedded_descriptions(HsRevision::Hs92).unwrap();
        assert_eq!(descriptions.len(), 5021);
        assert!(descriptions[&"010111".parse::<ProductCode>().unwrap()].starts_with("Horses"));
        assert!(embedded_descriptions(HsRevision::Hs22).unwrap().is_empty());
    }
}
