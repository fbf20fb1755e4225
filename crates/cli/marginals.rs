//! What real products add up to, from a CSV of the user.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::anyhow;
use reorient_core::{ProductCode, Year, years_in_words};
use reorient_files::Limit;
use reorient_synth::Marginal;

use reorient_app::Failure;

const COLUMNS: [&str; 4] = ["k", "WorldExport", "hhi", "n_exporters"];

/// Reads the columns `k`, `WorldExport` (USD), `hhi` and `n_exporters`; with a column `year`, the rows of `year`.
pub(crate) fn read(path: &Path, year: Year) -> Result<BTreeMap<ProductCode, Marginal>, Failure> {
    let name = path.display().to_string();
    let bad = |problem: String| Failure::bad_data(anyhow!("{name}: {problem}"));
    let bytes = reorient_files::read(path, Limit::MARGINALS)?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let header = reader.headers().map_err(|error| bad(error.to_string()))?.clone();
    let column = |name: &str| header.iter().position(|title| title.eq_ignore_ascii_case(name));
    let mut at = [0; COLUMNS.len()];
    for (position, title) in at.iter_mut().zip(COLUMNS) {
        *position = column(title).ok_or_else(|| bad(format!("column `{title}` is missing; it needs {}", COLUMNS.join(","))))?;
    }
    let year_at = column("year");
    let mut years = BTreeSet::new();
    let mut known = BTreeMap::new();
    for (line, record) in (2..).zip(reader.records()) {
        let record = record.map_err(|error| bad(error.to_string()))?;
        let field = |position: usize| record.get(position).unwrap_or("");
        let fail = |column: &str, value: &str, problem: &str| bad(format!("row {line}, column {column}: `{value}` {problem}"));
        if let Some(position) = year_at {
            let of_row: Year = field(position).parse().map_err(|_| fail("year", field(position), "is no year"))?;
            years.insert(of_row);
            if of_row != year {
                continue;
            }
        }
        let product: ProductCode = field(at[0]).parse().map_err(|_| fail("k", field(at[0]), "is no HS6 code"))?;
        let number = |which: usize, least: f64, most: f64| -> Result<f64, Failure> {
            let number = field(at[which]).parse::<f64>().ok().filter(|number| (least..=most).contains(number));
            number.ok_or_else(|| fail(COLUMNS[which], field(at[which]), &format!("is no number from {least} to {most}")))
        };
        let (dollars, hhi, exporters) = (number(1, 1.0, 1e15)?, number(2, 1e-9, 1.000_001)?, number(3, 1.0, 999.0)?);
        let marginal =
            Marginal { dollars: whole(dollars), hhi: hhi.min(1.0), exporters: u32::try_from(whole(exporters)).unwrap_or(1) };
        if known.insert(product, marginal).is_some() {
            return Err(fail("k", product.as_str(), "stands twice in this year"));
        }
    }
    if known.is_empty() {
        return Err(bad(format!("no product of {year}; years: {}", years_in_words(&years))));
    }
    Ok(known)
}

#[allow(clippy::cast_possible_truncation)] // At most 1e15, by the check of the field.
fn whole(number: f64) -> i64 {
    number.round() as i64
}
