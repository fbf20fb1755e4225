//! What a run was made of, and the result object for `--json`.

use std::collections::BTreeMap;

use reorient_core::CountryTable;
use reorient_metrics::{Collection, Headline, Ranged};
use reorient_model::NanoUsd;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json as object};

use crate::basis::Basis;
use crate::csv;
use crate::number::{NANO_PER_MUSD, decimal, musd, percent};

pub use reorient_folder::FileEntry;
pub(crate) use reorient_folder::GENERATOR;

/// The circumstances of a run. Headline figures and the list of files are added where the manifest is written.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the program.
    pub version: String,
    /// Formulation, such as `aggregate`.
    pub method: String,
    /// The resolved scenario: every key with its value as text.
    pub scenario: BTreeMap<String, String>,
    /// Whether the trade data are synthetic.
    pub synthetic: bool,
    /// Label of the trade data.
    pub source: String,
    /// Revision of the product codes, such as `HS92`.
    pub revision: String,
    /// Files read.
    pub inputs: Vec<InputFile>,
    /// Rows read and used.
    pub ledger: Ledger,
    /// Codes that the revision does not have; none where rows are made up, as their codes are.
    pub unknown_codes: Option<UnknownCodes>,
    /// The unit that was given for a column `value`: `usd` or `kusd`.
    pub value_unit: Option<String>,
    /// The list of goods.
    pub list: ListSummary,
    /// Where the table of countries differs from the program's own: ISO3 and name by number, two empty texts for what only the
    /// latter has.
    pub countries: BTreeMap<String, [String; 2]>,
    /// Solvers.
    pub solver: SolverSummary,
    /// Certificates.
    pub certificates: CertificateSummary,
    /// Milliseconds per step.
    pub timings_ms: BTreeMap<String, u64>,
    /// Operating system and processor architecture, such as `linux-x86_64`.
    pub platform: String,
}

/// Something that was read, with the hash that it was read with.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct InputFile {
    /// `trade`, `countries`, `products`, `list` or `published`. Manifests of earlier versions name trade alone.
    #[serde(default = "trade")]
    pub role: String,
    /// Name without its folder.
    pub name: String,
    /// Size in bytes.
    pub bytes: u64,
    /// BLAKE3 hash of all bytes in hexadecimal, taken while they were read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blake3: Option<String>,
    /// Of a Parquet file of ours, in its place: the hash of the footer, which stands for all bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub footer_blake3: Option<String>,
    /// Whether every byte that was used was held against a hash in a file of ours, or stands in the program.
    pub verified: bool,
    /// The checksum within the file that was compared as it was read: `none`, `blake3`, `crc32`, `zstd-checksum` or `page-crc`; not
    /// told by earlier versions.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub integrity: String,
}

impl InputFile {
    /// Hexadecimal digits of its hash, whichever it has; empty without any.
    pub fn digits(&self) -> &str {
        self.blake3.as_deref().or(self.footer_blake3.as_deref()).unwrap_or_default()
    }
}

fn trade() -> String {
    "trade".to_owned()
}

/// What became of the input rows; `rows_in = rows_used + sum of unused`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ledger {
    /// Rows read.
    pub rows_in: u64,
    /// Rows used.
    pub rows_used: u64,
    /// Rows not used, by reason.
    pub unused: BTreeMap<String, u64>,
    /// Rows, used or not, of which something is to be said, by reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub noted: BTreeMap<String, u64>,
}

/// Rows under product codes that the revision of the data does not have.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct UnknownCodes {
    /// Their part of the year's value, in percent with six decimals.
    pub pct: String,
    /// Their value in thousand USD, exact.
    pub value_kusd: String,
    /// Their number.
    pub rows: u64,
    /// Number of the codes.
    pub products: u64,
    /// The largest of the codes with their value in thousand USD, largest first.
    pub largest: Vec<(String, String)>,
}

/// How the list of goods met the trade data.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ListSummary {
    /// Name of the list.
    pub source: String,
    /// Codes of the list with trade.
    pub matched: usize,
    /// The bloc's imports of them, in thousand USD.
    pub matched_imports_kusd: String,
    /// The bloc's imports of products that are listed in part, in thousand USD.
    pub partial_imports_kusd: String,
    /// Products that are taken, with the codes that they hold beside the listed ones.
    #[serde(default)]
    pub also_holds: BTreeMap<String, Vec<String>>,
    /// Products that stand for listed codes by the alias.
    pub alias: Vec<String>,
    /// Codes that the revision of the data carries only in part.
    pub partial: Vec<String>,
    /// Listed products of the data's revision without a row.
    pub without_trade: Vec<String>,
    /// Listed codes that no product of the data's revision stands for.
    pub unmatched: Vec<String>,
}

/// Which solver did what.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SolverSummary {
    /// As the scenario asked: auto, closed-form or highs.
    pub requested: String,
    /// Products by solver used.
    pub used: BTreeMap<String, u64>,
    /// Version of HiGHS, when it is built in.
    pub highs_version: Option<String>,
    /// Whether every product was solved again with HiGHS and compared.
    pub cross_checked: bool,
    /// Whether the declared point is the solver's own, so that another solver or version may give another one.
    #[serde(default)]
    pub point_depends_on_solver: bool,
}

/// Products by outcome of the check.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CertificateSummary {
    /// Optimality proved.
    pub certified: usize,
    /// Of them, with imports that cannot be supplied in full.
    pub infeasible: usize,
    /// Left open by the solver.
    pub unsolved: usize,
    /// Solved by closed form and by HiGHS, and compared.
    pub cross_checked: usize,
}

/// Headline figures: million USD as exact texts with six decimals, percent as numbers. Changes are the declared point, the
/// least and the most over all optima.
#[derive(Serialize)]
pub(crate) struct Figures {
    products: usize,
    in_shortage: usize,
    infeasible: usize,
    unsolved: usize,
    imports_musd: String,
    risk_before_musd: String,
    risk_after_musd: String,
    risk_before_pct: Option<f64>,
    risk_after_pct: Option<f64>,
    shifted_musd: String,
    shifted_inside_musd: String,
    shifted_outside_musd: String,
    change_inside_musd: [String; 3],
    change_outside_musd: [String; 3],
    risk_slope_musd_per_pp: String,
    risk_next_point_musd: String,
    hhi_before: Option<f64>,
    hhi_after: Option<f64>,
    /// The least and the greatest mean over all optima.
    hhi_after_min: Option<f64>,
    hhi_after_max: Option<f64>,
    reconstructed_products: usize,
    reconstructed_imports_musd: String,
    hhi_rose: usize,
    hhi_fell: usize,
    unmet_musd: String,
    unmet_pct: Option<f64>,
    cut_musd: String,
    extra_bloc_musd: String,
    risk_before_extra_bloc_pct: Option<f64>,
    risk_after_extra_bloc_pct: Option<f64>,
    extra_bloc_after_musd: [String; 3],
    risk_after_of_extra_bloc_after_pct: Option<f64>,
}

impl From<&Headline> for Figures {
    fn from(headline: &Headline) -> Self {
        Self {
            products: headline.products,
            in_shortage: headline.in_shortage,
            infeasible: headline.infeasible,
            unsolved: headline.unsolved,
            imports_musd: musd(headline.imports.into()),
            risk_before_musd: musd(headline.risk_before.into()),
            risk_after_musd: musd(headline.risk_after),
            risk_before_pct: share(headline.risk_before.into(), headline.imports.into()),
            risk_after_pct: share(headline.risk_after, headline.imports.into()),
            shifted_musd: musd(headline.shifted_inside + headline.shifted_outside),
            shifted_inside_musd: musd(headline.shifted_inside),
            shifted_outside_musd: musd(headline.shifted_outside),
            change_inside_musd: ranged(headline.change_inside),
            change_outside_musd: ranged(headline.change_outside),
            risk_slope_musd_per_pp: decimal(headline.risk_slope.0, 100 * NANO_PER_MUSD, 6),
            risk_next_point_musd: musd(headline.next_point),
            hhi_before: headline.hhi.map(|index| index.before),
            hhi_after: headline.hhi.and_then(|index| index.after),
            hhi_after_min: headline.hhi.and_then(|index| index.range).map(|range| range.0),
            hhi_after_max: headline.hhi.and_then(|index| index.range).map(|range| range.1),
            reconstructed_products: headline.reconstructed_products,
            reconstructed_imports_musd: musd(headline.reconstructed_imports.into()),
            hhi_rose: headline.hhi_rose,
            hhi_fell: headline.hhi_fell,
            unmet_musd: musd(headline.unmet),
            unmet_pct: share(headline.unmet, headline.imports.into()),
            cut_musd: musd(headline.cut),
            extra_bloc_musd: musd(headline.extra_bloc.into()),
            risk_before_extra_bloc_pct: share(headline.risk_before.into(), headline.extra_bloc.into()),
            risk_after_extra_bloc_pct: share(headline.risk_after, headline.extra_bloc.into()),
            extra_bloc_after_musd: ranged(headline.extra_bloc_after),
            risk_after_of_extra_bloc_after_pct: share(headline.risk_after, headline.extra_bloc_after.point),
        }
    }
}

fn ranged(amount: Ranged) -> [String; 3] {
    [amount.point, amount.min, amount.max].map(musd)
}

/// Percent rounded to six decimals, as the nearest double.
fn share(part: NanoUsd, whole: NanoUsd) -> Option<f64> {
    percent(part, whole, 6).and_then(|text| text.parse().ok())
}

#[derive(Serialize)]
struct ListDocument<'a> {
    #[serde(flatten)]
    list: &'a ListSummary,
    reconstructed_products_pct: Option<f64>,
    reconstructed_imports_pct: Option<f64>,
}

/// `manifest.json`, in the order of its keys.
#[derive(Serialize)]
pub(crate) struct Document<'a> {
    generator: &'static str,
    kind: &'static str,
    version: &'a str,
    method: &'a str,
    scenario: &'a BTreeMap<String, String>,
    synthetic: bool,
    source: &'a str,
    revision: &'a str,
    inputs: &'a [InputFile],
    ledger: &'a Ledger,
    unknown_codes: Option<&'a UnknownCodes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_unit: Option<&'a str>,
    list: ListDocument<'a>,
    countries: &'a BTreeMap<String, [String; 2]>,
    solver: &'a SolverSummary,
    certificates: &'a CertificateSummary,
    headline: Figures,
    #[serde(skip_serializing_if = "Option::is_none")]
    basis: Option<&'a Basis>,
    files: &'a [FileEntry],
    timings_ms: &'a BTreeMap<String, u64>,
    platform: &'a str,
}

impl<'a> Document<'a> {
    /// The manifest of a folder that holds `files`, whose figures follow from `basis`.
    pub(crate) fn new(manifest: &'a Manifest, headline: &Headline, basis: Option<&'a Basis>, files: &'a [FileEntry]) -> Self {
        let count = |number: usize| NanoUsd(i128::try_from(number).unwrap_or_default());
        Self {
            generator: GENERATOR,
            kind: "result",
            version: &manifest.version,
            method: &manifest.method,
            scenario: &manifest.scenario,
            synthetic: manifest.synthetic,
            source: &manifest.source,
            revision: &manifest.revision,
            inputs: &manifest.inputs,
            ledger: &manifest.ledger,
            unknown_codes: manifest.unknown_codes.as_ref(),
            value_unit: manifest.value_unit.as_deref(),
            list: ListDocument {
                list: &manifest.list,
                reconstructed_products_pct: share(count(headline.reconstructed_products), count(headline.products)),
                reconstructed_imports_pct: share(headline.reconstructed_imports.into(), headline.imports.into()),
            },
            countries: &manifest.countries,
            solver: &manifest.solver,
            certificates: &manifest.certificates,
            headline: headline.into(),
            basis,
            files,
            timings_ms: &manifest.timings_ms,
            platform: &manifest.platform,
        }
    }
}

/// The result object for `--json`: headline, shares, Table A.1, products without flows, manifest without files.
///
/// Keys are the column names of the files. Money is a text, exact; percentages, indices and counts are numbers.
pub fn json(collection: &Collection, countries: &CountryTable, manifest: &Manifest) -> Value {
    let mut object = summary_json(collection, manifest);
    object["shares"] = csv::shares(collection, countries).into_json();
    object["table_a1"] = csv::table_a1(collection, countries).into_json();
    object["products"] = csv::products(collection).into_json();
    object
}

/// The same without its tables.
pub fn summary_json(collection: &Collection, manifest: &Manifest) -> Value {
    let document = Document::new(manifest, &collection.headline, None, &[]);
    // A map with text keys always serialises.
    let mut manifest = serde_json::to_value(document).unwrap_or_default();
    let headline = manifest.as_object_mut().and_then(|manifest| {
        manifest.remove("files");
        manifest.remove("headline")
    });
    object!({"headline": headline, "manifest": manifest})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn the_result_object_has_everything_but_flows() {
        let result = json(&sample::collection(), &sample::countries(), &sample::manifest());
        assert_eq!(result["headline"]["risk_before_pct"], 40.0);
        assert_eq!(result["headline"]["risk_after_musd"], "233.333333");
        assert_eq!(result["headline"]["shifted_musd"], "366.666667");
        assert_eq!(result["table_a1"][0]["iso3"], "USA");
        assert_eq!(result["shares"][0]["origin"], "all");
        assert!(result["products"][0].get("flows").is_none());
        assert_eq!(result["manifest"]["list"]["reconstructed_imports_pct"], 33.333333);
        assert!(result["manifest"].get("files").is_none());
    }
}
