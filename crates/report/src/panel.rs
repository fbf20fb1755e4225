//! A panel of years as files and as one JSON object: `panel.csv`, `panel_shares.csv`, `panel_table_a1.csv`,
//! `panel_products.csv` and the same products as `panel.parquet`.

use std::collections::BTreeMap;

use reorient_core::{CountryTable, Usd, Year};
use reorient_folder::Target;
use reorient_metrics::{BeforeAfter, PanelYear, ProductRow};
use reorient_model::NanoUsd;
use serde::Serialize;
use serde_json::{Value, json as object};

use crate::columns::{Column, Pick, json, write_csv, write_parquet};
use crate::csv::{Sheet, shares, table_a1};
use crate::figures::Figure;
use crate::folder::{FileEntry, ReportError, WriteFile, write_parts};
use crate::manifest::{CertificateSummary, GENERATOR, InputFile, Ledger, SolverSummary};
use crate::number::{musd, percent};
use crate::seal::write_sealed;

/// The kind in the manifest of a folder of a panel.
pub const KIND: &str = "panel";

/// The circumstances of a panel, for its manifest. It holds no clock and no platform: equal questions give equal bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct PanelManifest {
    /// Version of the program.
    pub version: String,
    /// The resolved scenario: every key with its value as text; the members of the bloc are with the years.
    pub scenario: BTreeMap<String, String>,
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
    /// Solvers.
    pub solver: SolverSummary,
    /// Certificates of all years together.
    pub certificates: CertificateSummary,
    /// Year by year.
    pub years: Vec<PanelYearEntry>,
}

/// One year of the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct PanelYearEntry {
    /// The year.
    pub year: u16,
    /// Codes of the bloc's members.
    pub bloc_members: Vec<u16>,
    /// Codes of the list with trade in this year.
    pub matched: usize,
}

#[derive(Serialize)]
struct Document<'a> {
    generator: &'static str,
    kind: &'static str,
    #[serde(flatten)]
    manifest: &'a PanelManifest,
    files: &'a [FileEntry],
}

/// Writes a folder of a panel with its figures; returns the names of the files in the order in which they were completed.
///
/// # Errors
/// [`ReportError`] when the folder is not free or something cannot be written. No file is ever left
/// half-written, and no manifest of an incomplete folder.
pub fn write_panel(
    target: &Target,
    years: &[PanelYear],
    countries: &CountryTable,
    manifest: &PanelManifest,
    figures: &[Figure],
) -> Result<Vec<String>, ReportError> {
    let (products, of_product) = (products(years), product_columns());
    let (products, of_product, version) = (&products[..], &of_product[..], &manifest.version);
    let mut parts: Vec<(String, WriteFile<'_>)> = vec![
        ("panel.csv".to_owned(), Box::new(|out| write_csv(out, &YEARS, years, countries))),
        ("panel_shares.csv".to_owned(), Box::new(|out| all_shares(years, countries).write(out))),
        ("panel_table_a1.csv".to_owned(), Box::new(|out| all_tables(years, countries).write(out))),
        ("panel_products.csv".to_owned(), Box::new(|out| write_csv(out, of_product, products, countries))),
        ("panel.parquet".to_owned(), Box::new(|out| write_parquet(out, of_product, products, countries, version))),
    ];
    parts.extend(figures.iter().flat_map(Figure::parts));
    write_parts(target, KIND, &manifest.scenario, parts, |files, out| {
        write_sealed(out, &Document { generator: GENERATOR, kind: KIND, manifest, files })
    })
}

/// All tables with the column names of the files, and the manifest without files. Money is a text, exact.
pub fn panel_json(years: &[PanelYear], countries: &CountryTable, manifest: &PanelManifest) -> Value {
    // A map with text keys always serialises.
    let mut manifest =
        serde_json::to_value(Document { generator: GENERATOR, kind: KIND, manifest, files: &[] }).unwrap_or_default();
    if let Some(manifest) = manifest.as_object_mut() {
        manifest.remove("files");
    }
    object!({
        "panel": json(&YEARS, years, countries),
        "shares": all_shares(years, countries).into_json(),
        "table_a1": all_tables(years, countries).into_json(),
        "products": json(&product_columns(), &products(years), countries),
        "manifest": manifest,
    })
}

fn all_shares(years: &[PanelYear], countries: &CountryTable) -> Sheet {
    Sheet::of_years(years.iter().map(|year| (year.year, shares(&year.collection, countries))))
}

fn all_tables(years: &[PanelYear], countries: &CountryTable) -> Sheet {
    Sheet::of_years(years.iter().map(|year| (year.year, table_a1(&year.collection, countries))))
}

const YEARS: [Column<PanelYear>; 50] = [
    ("year", Pick::Whole(|row, _| Some(row.year.get().into()))),
    ("bloc", Pick::Text(|row, _| Some(row.bloc.clone()))),
    ("n_members", Pick::Whole(|row, _| whole(row.n_members))),
    ("n_products", Pick::Whole(|row, _| whole(row.collection.headline.products))),
    ("in_shortage", Pick::Whole(|row, _| whole(row.collection.headline.in_shortage))),
    ("infeasible", Pick::Whole(|row, _| whole(row.collection.headline.infeasible))),
    ("unsolved", Pick::Whole(|row, _| whole(row.collection.headline.unsolved))),
    ("imports_musd", Pick::Text(|row, _| Some(musd(row.collection.headline.imports.into())))),
    ("risk_before_musd", Pick::Text(|row, _| Some(musd(row.collection.headline.risk_before.into())))),
    ("risk_after_musd", Pick::Text(|row, _| Some(musd(row.collection.headline.risk_after)))),
    ("cut_musd", Pick::Text(|row, _| Some(musd(cut(row))))),
    ("risk_before_pct", Pick::Real(|row| of_imports(row.collection.headline.risk_before.into(), row))),
    ("risk_after_pct", Pick::Real(|row| of_imports(row.collection.headline.risk_after, row))),
    ("cut_pct", Pick::Real(|row| share(cut(row), row.collection.headline.risk_before))),
    ("capacity_musd", Pick::Text(|row, _| Some(musd(row.capacity)))),
    ("shifted_inside_musd", Pick::Text(|row, _| Some(musd(row.collection.headline.shifted_inside)))),
    ("shifted_outside_musd", Pick::Text(|row, _| Some(musd(row.collection.headline.shifted_outside)))),
    ("change_inside_musd", Pick::Text(|row, _| Some(musd(row.collection.headline.change_inside.point)))),
    ("change_inside_min_musd", Pick::Text(|row, _| Some(musd(row.collection.headline.change_inside.min)))),
    ("change_inside_max_musd", Pick::Text(|row, _| Some(musd(row.collection.headline.change_inside.max)))),
    ("change_outside_musd", Pick::Text(|row, _| Some(musd(row.collection.headline.change_outside.point)))),
    ("change_outside_min_musd", Pick::Text(|row, _| Some(musd(row.collection.headline.change_outside.min)))),
    ("change_outside_max_musd", Pick::Text(|row, _| Some(musd(row.collection.headline.change_outside.max)))),
    ("risk_next_point_musd", Pick::Text(|row, _| Some(musd(row.collection.headline.next_point)))),
    ("hhi_before", Pick::Real(|row| hhi(row, |index| Some(index.before)))),
    ("hhi_after", Pick::Real(|row| hhi(row, |index| index.after))),
    ("hhi_after_min", Pick::Real(|row| hhi(row, |index| index.range.map(|range| range.0)))),
    ("hhi_after_max", Pick::Real(|row| hhi(row, |index| index.range.map(|range| range.1)))),
    ("hhi_rose", Pick::Whole(|row, _| whole(row.collection.headline.hhi_rose))),
    ("hhi_fell", Pick::Whole(|row, _| whole(row.collection.headline.hhi_fell))),
    ("reconstructed_products", Pick::Whole(|row, _| whole(row.collection.headline.reconstructed_products))),
    ("reconstructed_musd", Pick::Text(|row, _| Some(musd(row.collection.headline.reconstructed_imports.into())))),
    ("n_with_risk", Pick::Whole(|row, _| whole(row.caps.n_products))),
    ("n_cleared", Pick::Whole(|row, _| whole(row.caps.n_cleared))),
    ("cleared_pct", Pick::Real(|row| counted(row.caps.n_cleared, row.caps.n_products))),
    ("cleared_imports_pct", Pick::Real(|row| share(row.caps.cleared_imports.into(), row.caps.imports))),
    ("cleared_risk_pct", Pick::Real(|row| share(row.caps.cleared_risk.into(), row.caps.risk))),
    ("critical_cap_median", Pick::Real(|row| row.caps.median)),
    ("critical_cap_p10", Pick::Real(|row| row.caps.weighted[0])),
    ("critical_cap_p25", Pick::Real(|row| row.caps.weighted[1])),
    ("critical_cap_p50", Pick::Real(|row| row.caps.weighted[2])),
    ("critical_cap_p75", Pick::Real(|row| row.caps.weighted[3])),
    ("critical_cap_p90", Pick::Real(|row| row.caps.weighted[4])),
    ("unmet_musd", Pick::Text(|row, _| Some(musd(row.collection.headline.unmet)))),
    ("unmet_pct", Pick::Real(|row| of_imports(row.collection.headline.unmet, row))),
    ("extra_bloc_musd", Pick::Text(|row, _| Some(musd(row.collection.headline.extra_bloc.into())))),
    ("before_extra_bloc_pct", Pick::Real(|row| of_extra_bloc(row.collection.headline.risk_before.into(), row))),
    ("after_extra_bloc_pct", Pick::Real(|row| of_extra_bloc(row.collection.headline.risk_after, row))),
    ("extra_bloc_after_musd", Pick::Text(|row, _| Some(musd(row.collection.headline.extra_bloc_after.point)))),
    ("after_of_extra_bloc_after_pct", Pick::Real(of_extra_bloc_after)),
];

/// A product in a year.
struct ProductYear<'a> {
    year: Year,
    row: &'a ProductRow,
}

fn products(years: &[PanelYear]) -> Vec<ProductYear<'_>> {
    let all = years.iter().flat_map(|panel| panel.collection.products.iter().map(|row| (panel.year, row)));
    all.map(|(year, row)| ProductYear { year, row }).collect()
}

fn product_columns<'a>() -> [Column<ProductYear<'a>>; 16] {
    [
        ("year", Pick::Whole(|row, _| Some(row.year.get().into()))),
        ("product", Pick::Text(|row, _| Some(row.row.product.to_string()))),
        ("description", Pick::Text(|row, _| Some(row.row.labels.description.clone()))),
        ("sectors", Pick::Text(|row, _| Some(row.row.labels.sectors.clone()))),
        ("imports_kusd", Pick::Money(|row| Some(row.row.imports))),
        ("risk_before_kusd", Pick::Money(|row| Some(row.row.risk_before))),
        ("risk_after_kusd", Pick::Amount(|row| row.row.risk_after)),
        ("capacity_kusd", Pick::Amount(|row| Some(row.row.capacity))),
        ("status", Pick::Text(|row, _| Some(row.row.status.name().to_owned()))),
        ("critical_cap", Pick::Real(|row| row.row.critical_cap)),
        ("hhi_before", Pick::Real(|row| row.row.hhi_before)),
        ("hhi_after", Pick::Real(|row| row.row.hhi_after)),
        ("hhi_after_min", Pick::Real(|row| row.row.hhi_after_min)),
        ("hhi_after_max", Pick::Real(|row| row.row.hhi_after_max)),
        ("hhi_max_exact", Pick::Flag(|row| row.row.hhi_max_is_exact)),
        ("unmet_kusd", Pick::Amount(|row| row.row.unmet)),
    ]
}

fn whole(count: usize) -> Option<i64> {
    i64::try_from(count).ok()
}

/// Risk imports that alternatives take over.
fn cut(year: &PanelYear) -> NanoUsd {
    year.collection.headline.cut
}

fn of_extra_bloc(part: NanoUsd, year: &PanelYear) -> Option<f64> {
    share(part, year.collection.headline.extra_bloc)
}

fn of_extra_bloc_after(year: &PanelYear) -> Option<f64> {
    let headline = &year.collection.headline;
    percent(headline.risk_after, headline.extra_bloc_after.point, 6).and_then(|text| text.parse().ok())
}

fn of_imports(part: NanoUsd, year: &PanelYear) -> Option<f64> {
    share(part, year.collection.headline.imports)
}

/// In percent to six decimals; none of nothing.
pub(crate) fn share(part: NanoUsd, all: Usd) -> Option<f64> {
    percent(part, all.into(), 6).and_then(|text| text.parse().ok())
}

fn counted(part: usize, all: usize) -> Option<f64> {
    let nano = |count| i128::try_from(count).map_or(NanoUsd::default(), NanoUsd);
    percent(nano(part), nano(all), 6).and_then(|text| text.parse().ok())
}

fn hhi(year: &PanelYear, pick: fn(BeforeAfter) -> Option<f64>) -> Option<f64> {
    year.collection.headline.hhi.and_then(pick)
}
