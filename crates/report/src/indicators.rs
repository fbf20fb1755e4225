//! Indicators of dependence as files and as one JSON object: `indicators.csv`, `indicators.parquet`, `persistence.csv`.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use reorient_core::{CountryIndex, CountryTable};
use reorient_folder::{Target, question_of};
use reorient_metrics::{Criteria, IndicatorRow, OriginShare, PersistenceRow};
use serde::Serialize;
use serde_json::{Value, json as object};

use crate::columns::{Column, Pick, batch, json, write_csv, write_parquet};
use crate::folder::{FileEntry, ReportError, WriteFile, write_parts};
use crate::manifest::{GENERATOR, InputFile, Ledger};
use crate::seal::write_sealed;

/// The kind in the manifest of a folder of indicators.
pub const KIND: &str = "indicators";
const PERSISTENCE: &str = "persistence.csv";

/// Where the criteria come from; printed wherever they are.
pub const CRITERIA_SOURCE: &str = "European Commission, SWD(2021) 352 final";

/// The circumstances of indicators, for their manifest. It holds no clock and no platform: equal questions give equal bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct IndicatorManifest {
    /// Version of the program.
    pub version: String,
    /// The resolved question: every setting with its value as text.
    pub settings: BTreeMap<String, String>,
    /// Whether the trade data are synthetic.
    pub synthetic: bool,
    /// Label of the trade data.
    pub source: String,
    /// Files read.
    pub inputs: Vec<InputFile>,
    /// Rows read and used, all years together.
    pub ledger: Ledger,
    /// Codes of the list that are products of the data only in part, and left out unless asked for.
    pub partial: Vec<String>,
    /// Codes of the list that no product of the data stands for.
    pub unmatched: Vec<String>,
    /// Who imported, and what was foreign to it, year by year.
    pub years: Vec<IndicatorYearEntry>,
}

/// One year of the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct IndicatorYearEntry {
    /// The year.
    pub year: u16,
    /// Codes of the importer's members.
    pub importer: Vec<u16>,
    /// Name of the reference bloc.
    pub bloc: String,
    /// Codes of its members.
    pub bloc_members: Vec<u16>,
}

#[derive(Serialize)]
struct Document<'a> {
    generator: &'static str,
    kind: &'static str,
    criteria: &'static str,
    #[serde(flatten)]
    manifest: &'a IndicatorManifest,
    files: &'a [FileEntry],
}

const fn document<'a>(manifest: &'a IndicatorManifest, files: &'a [FileEntry]) -> Document<'a> {
    Document { generator: GENERATOR, kind: KIND, criteria: CRITERIA_SOURCE, manifest, files }
}

/// Writes a folder of indicators, with `persistence.csv` when there are such rows; returns the names of the files in the
/// order in which they were completed.
///
/// # Errors
/// [`ReportError`] when the folder is not free or something cannot be written. No file is ever left
/// half-written, and no manifest of an incomplete folder.
pub fn write_indicators(
    target: &Target,
    rows: &[IndicatorRow],
    persistence: &[PersistenceRow],
    countries: &CountryTable,
    manifest: &IndicatorManifest,
) -> Result<Vec<String>, ReportError> {
    let mut parts: Vec<(String, WriteFile<'_>)> = vec![
        ("indicators.csv".to_owned(), Box::new(|out| write_csv(out, &COLUMNS, rows, countries))),
        ("indicators.parquet".to_owned(), Box::new(|out| write_parquet(out, &COLUMNS, rows, countries, &manifest.version))),
    ];
    if !persistence.is_empty() {
        parts.push((PERSISTENCE.to_owned(), Box::new(|out| write_csv(out, &LASTING, persistence, countries))));
    }
    let question = question_of(&serde_json::to_value(document(manifest, &[])).unwrap_or_default());
    write_parts(target, KIND, &question, parts, |files, out| write_sealed(out, &document(manifest, files)))
}

/// Both tables as Arrow.
pub(crate) fn batches(
    rows: &[IndicatorRow],
    persistence: &[PersistenceRow],
    countries: &CountryTable,
) -> Result<(RecordBatch, RecordBatch), ArrowError> {
    Ok((batch(&COLUMNS, rows, countries)?, batch(&LASTING, persistence, countries)?))
}

/// Rows with the column names of the files, and the manifest without files. Money is a text, exact.
pub fn indicators_json(
    rows: &[IndicatorRow],
    persistence: &[PersistenceRow],
    countries: &CountryTable,
    manifest: &IndicatorManifest,
) -> Value {
    // A map with text keys always serialises.
    let mut manifest = serde_json::to_value(document(manifest, &[])).unwrap_or_default();
    if let Some(manifest) = manifest.as_object_mut() {
        manifest.remove("files");
    }
    object!({
        "indicators": json(&COLUMNS, rows, countries),
        "persistence": json(&LASTING, persistence, countries),
        "manifest": manifest,
    })
}

const COLUMNS: [Column<IndicatorRow>; 35] = [
    ("year", Pick::Whole(|row, _| Some(row.year.get().into()))),
    ("level", Pick::Text(|row, _| Some(row.breakdown.name().to_owned()))),
    ("name", Pick::Text(|row, _| Some(row.name.clone()))),
    ("description", Pick::Text(|row, _| Some(row.description.clone()))),
    ("importer", Pick::Text(|row, _| Some(row.importer.clone()))),
    ("bloc", Pick::Text(|row, _| Some(row.bloc.clone()))),
    ("base", Pick::Text(|row, _| Some(row.base.name().to_owned()))),
    ("n_products", Pick::Whole(|row, _| whole(row.n_products))),
    ("imports_kusd", Pick::Money(|row| Some(row.figures.imports))),
    ("extra_bloc_kusd", Pick::Money(|row| Some(row.figures.extra_bloc))),
    ("extra_bloc_pct", Pick::Real(|row| row.figures.extra_bloc_pct())),
    ("risk_kusd", Pick::Money(|row| Some(row.figures.risk))),
    ("risk_pct", Pick::Real(|row| row.figures.risk_pct())),
    ("n_suppliers", Pick::Whole(|row, _| whole(row.figures.n_suppliers))),
    ("hhi", Pick::Real(|row| row.figures.hhi)),
    ("effective_suppliers", Pick::Real(|row| row.figures.effective_suppliers())),
    ("hhi_product_mean", Pick::Real(|row| row.hhi_product_mean)),
    ("top_code", Pick::Whole(|row, countries| code(origin(row.figures.top), countries))),
    ("top_iso3", Pick::Text(|row, countries| iso3(origin(row.figures.top), countries))),
    ("top_country", Pick::Text(|row, countries| name(origin(row.figures.top), countries))),
    ("top_share_pct", Pick::Real(|row| row.figures.top.map(|top| top.pct))),
    ("second_code", Pick::Whole(|row, countries| code(origin(row.figures.second), countries))),
    ("second_iso3", Pick::Text(|row, countries| iso3(origin(row.figures.second), countries))),
    ("second_country", Pick::Text(|row, countries| name(origin(row.figures.second), countries))),
    ("second_share_pct", Pick::Real(|row| row.figures.second.map(|second| second.pct))),
    ("hhi_extra_bloc", Pick::Real(|row| row.figures.hhi_extra_bloc)),
    ("hhi_world_exports", Pick::Real(|row| row.figures.hhi_world_exports)),
    ("exports_kusd", Pick::Money(|row| Some(row.figures.exports))),
    ("exports_extra_bloc_kusd", Pick::Money(|row| Some(row.figures.exports_extra_bloc))),
    ("imports_over_exports", Pick::Real(|row| row.figures.imports_over_exports())),
    ("ec_concentrated", Pick::Flag(|row| row.figures.criteria.map(|criteria| criteria.concentrated))),
    ("ec_extra_bloc", Pick::Flag(|row| row.figures.criteria.map(|criteria| criteria.extra_bloc))),
    ("ec_above_exports", Pick::Flag(|row| row.figures.criteria.map(|criteria| criteria.above_exports))),
    ("ec_all_three", Pick::Flag(|row| row.figures.criteria.map(Criteria::all_three))),
    ("n_products_all_three", Pick::Whole(|row, _| whole(row.n_products_all_three))),
];

const LASTING: [Column<PersistenceRow>; 18] = [
    ("level", Pick::Text(|row, _| Some(row.breakdown.name().to_owned()))),
    ("name", Pick::Text(|row, _| Some(row.name.clone()))),
    ("description", Pick::Text(|row, _| Some(row.description.clone()))),
    ("n_years", Pick::Whole(|row, _| whole(row.n_years))),
    ("years_with_trade", Pick::Whole(|row, _| whole(row.with_trade))),
    ("years_concentrated", Pick::Whole(|row, _| whole(row.concentrated))),
    ("years_extra_bloc", Pick::Whole(|row, _| whole(row.extra_bloc))),
    ("years_above_exports", Pick::Whole(|row, _| whole(row.above_exports))),
    ("years_all_three", Pick::Whole(|row, _| whole(row.all_three))),
    ("longest_run_years", Pick::Whole(|row, _| whole(row.longest_run.map_or(0, |(length, ..)| length)))),
    ("longest_run_from", Pick::Whole(|row, _| row.longest_run.map(|(_, from, _)| from.get().into()))),
    ("longest_run_to", Pick::Whole(|row, _| row.longest_run.map(|(.., to)| to.get().into()))),
    ("current_run_years", Pick::Whole(|row, _| whole(row.current_run))),
    ("top_code", Pick::Whole(|row, countries| code(row.top, countries))),
    ("top_iso3", Pick::Text(|row, countries| iso3(row.top, countries))),
    ("top_country", Pick::Text(|row, countries| name(row.top, countries))),
    ("top_years", Pick::Whole(|row, _| whole(row.top_years))),
    ("n_top_origins", Pick::Whole(|row, _| whole(row.n_tops))),
];

fn whole(count: usize) -> Option<i64> {
    i64::try_from(count).ok()
}

fn origin(share: Option<OriginShare>) -> Option<CountryIndex> {
    share.map(|share| share.country)
}

fn code(country: Option<CountryIndex>, countries: &CountryTable) -> Option<i64> {
    country.map(|country| countries.country(country).code.get().into())
}

fn iso3(country: Option<CountryIndex>, countries: &CountryTable) -> Option<String> {
    country.map(|country| countries.country(country).iso3.to_string())
}

fn name(country: Option<CountryIndex>, countries: &CountryTable) -> Option<String> {
    country.map(|country| countries.country(country).name.to_string())
}
