//! CEPII's files of a made-up year: rows, code tables, readme.

use std::io::{self, Write};

use rayon::prelude::*;
use reorient_core::{CountryTable, HsRevision, ProductCode, Year};

use crate::Row;

/// Rows that one thread turns into text at a time, and how many such parts wait to be written.
const PART: usize = 16_384;
const PARTS: usize = 16;

/// The rows as CEPII prints them: `t,i,j,k,v,q`, values with three decimals, quantities in tons padded to 13 characters,
/// `NA` among the padding where there is none. The memory is that of a few parts.
///
/// # Errors
/// What the writer answers.
pub fn write_rows(rows: &[Row], year: Year, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"t,i,j,k,v,q\n")?;
    for parts in rows.chunks(PART * PARTS) {
        let texts: Vec<Vec<u8>> = parts.par_chunks(PART).map(|rows| text(rows, year)).collect();
        for text in texts {
            out.write_all(&text)?;
        }
    }
    Ok(())
}

fn text(rows: &[Row], year: Year) -> Vec<u8> {
    let mut text = Vec::with_capacity(rows.len() * 48);
    for row in rows {
        number(&mut text, u64::from(year.get()), 1);
        text.push(b',');
        number(&mut text, u64::from(row.exporter), 1);
        text.push(b',');
        number(&mut text, u64::from(row.importer), 1);
        text.push(b',');
        text.extend_from_slice(row.product.as_bytes());
        text.push(b',');
        thousandths(&mut text, row.dollars.unsigned_abs());
        text.push(b',');
        let start = text.len();
        match row.kilograms {
            Some(kilograms) => thousandths(&mut text, kilograms.unsigned_abs()),
            None => text.extend_from_slice(b"NA"),
        }
        let width = text.len() - start;
        if width < 13 {
            text.resize(start + 13, b' ');
            text[start..].rotate_right(13 - width);
        }
        text.push(b'\n');
    }
    text
}

fn thousandths(text: &mut Vec<u8>, amount: u64) {
    number(text, amount / 1000, 1);
    text.push(b'.');
    number(text, amount % 1000, 3);
}

/// Decimal digits, at least `least` of them.
fn number(text: &mut Vec<u8>, mut number: u64, least: usize) {
    let mut digits = [b'0'; 20];
    let mut at = digits.len();
    while number > 0 || digits.len() - at < least {
        at -= 1;
        digits[at] = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
    }
    text.extend_from_slice(&digits[at..]);
}

/// The country table in CEPII's columns.
///
/// # Errors
/// What the writer answers.
pub fn write_countries(countries: &CountryTable, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "country_code,country_name,country_iso2,country_iso3")?;
    for (_, country) in countries.iter() {
        let iso2 = country.iso2.as_deref().unwrap_or_default();
        writeln!(out, "{},{},{iso2},{}", country.code, quoted(&country.name), country.iso3)?;
    }
    Ok(())
}

/// The product table in CEPII's columns.
///
/// # Errors
/// What the writer answers.
pub fn write_products<'a>(products: impl IntoIterator<Item = (ProductCode, &'a str)>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "code,description")?;
    for (code, text) in products {
        writeln!(out, "{code},{}", quoted(text))?;
    }
    Ok(())
}

/// What a made-up product is called.
pub fn description(code: ProductCode) -> String {
    format!("SYNTHETIC product {code} of chapter {}", &code.as_str()[..2])
}

/// The readme, whose first line begins with `SYNTHETIC`: readers of the archive tell by it.
///
/// # Errors
/// What the writer answers.
pub fn write_readme(revision: HsRevision, year: Year, options: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "SYNTHETIC DATA: made up, not observed trade.\n\n\
         The rows of this {revision} year {year} have the layout of CEPII's BACI and the shape of a real year, and were drawn\n\
         from a seed by reorient synth. They are no statistics: no figure computed from them says anything about the world.\n\
         Not by CEPII.\n\n{options}"
    )
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}
