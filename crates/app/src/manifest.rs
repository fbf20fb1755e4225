//! What a result was made of, in the words of its manifest.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::anyhow;
use reorient_core::{Country, CountryTable, Usd, Year, file_name, shown};
use reorient_data::{Fingerprint, InputRole, Integrity, TradeSource, embedded_countries};
use reorient_engine::{
    Bloc, Calibrator, Coverage, CoverageRow, CoverageStatus, FillChoice, HIGHS_VERSION, IndicatorQuestion, IndicatorResult,
    RunResult, Scenario,
};
use reorient_metrics::Headline;
use reorient_report::{
    CertificateSummary, CoverageLine, IndicatorManifest, IndicatorYearEntry, InputFile, Ledger, ListSummary, Manifest,
    SolverSummary, StudyManifest, UnknownCodes,
};

use crate::Failure;

/// The formulation.
pub const METHOD: &str = "aggregate";

/// Of a run.
///
/// # Errors
/// [`Failure`] of a defect only.
pub fn run_manifest(source: &TradeSource, scenario: &Scenario, result: &RunResult) -> Result<Manifest, Failure> {
    let headline = &result.collection.headline;
    let list = result.scenario.get("list").cloned().unwrap_or_default();
    let version = HIGHS_VERSION.map(str::to_owned);
    Ok(Manifest {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        method: METHOD.to_owned(),
        scenario: result.scenario.clone(),
        synthetic: source.is_synthetic(),
        source: label(source, &result.scenario),
        revision: source.revision().to_string(),
        inputs: result.inputs.iter().cloned().map(input).collect(),
        ledger: ledger(&result.ledger),
        unknown_codes: result.claims.unknown_codes.as_ref().map(unknown_codes),
        value_unit: result.claims.value_unit.map(|unit| unit.name().to_owned()),
        list: list_summary(list, &coverage_lines(&result.coverage)).map_err(|problem| Failure::internal(anyhow!(problem)))?,
        countries: other_names(source.countries())?,
        solver: solver(scenario, &result.solved_by, version, scenario.cross_check),
        certificates: certificates(headline, scenario.cross_check),
        timings_ms: result
            .timings
            .steps
            .iter()
            .map(|(step, time)| ((*step).to_owned(), u64::try_from(time.as_millis()).unwrap_or(u64::MAX)))
            .collect::<BTreeMap<_, _>>(),
        platform: format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH),
    })
}

/// How the list met the trade, from the rows of `coverage.csv`.
///
/// # Errors
/// A sentence about the row whose amount is none.
pub fn list_summary(source: String, coverage: &[CoverageLine]) -> Result<ListSummary, String> {
    let of = |status: CoverageStatus| coverage.iter().filter(move |line| line[1] == status.name());
    let codes = |status| of(status).map(|line| line[0].clone()).collect();
    let imports = |status: CoverageStatus| -> Result<String, String> {
        let amounts = of(status).filter(|line| !line[4].is_empty()).map(|line| {
            Usd::parse_kusd(&line[4]).map_err(|error| format!("code {}, column `imports_kusd`: {error}", shown(&line[0])))
        });
        Ok(amounts.sum::<Result<Usd, _>>()?.to_string())
    };
    let also_holds = coverage.iter().filter(|line| !line[6].is_empty());
    Ok(ListSummary {
        source,
        matched: of(CoverageStatus::Matched).count(),
        matched_imports_kusd: imports(CoverageStatus::Matched)?,
        also_holds: also_holds.map(|line| (line[0].clone(), line[6].split(' ').map(str::to_owned).collect())).collect(),
        partial: codes(CoverageStatus::Partial),
        partial_imports_kusd: imports(CoverageStatus::Partial)?,
        alias: codes(CoverageStatus::Alias),
        without_trade: codes(CoverageStatus::WithoutTrade),
        unmatched: codes(CoverageStatus::Unmatched),
    })
}

/// Where a table of countries differs from the program's own: ISO3 and name by number of what the latter does not have or calls
/// otherwise, and two empty texts for what only it has.
///
/// # Errors
/// [`Failure`] of a defect only.
pub fn other_names(countries: &CountryTable) -> Result<BTreeMap<String, [String; 2]>, Failure> {
    let own = embedded_countries()?;
    let is_same = |country: &Country| {
        own.index(country.code)
            .map(|index| own.country(index))
            .is_some_and(|own| (&own.iso3, &own.name) == (&country.iso3, &country.name))
    };
    let others = countries.iter().map(|(_, country)| country).filter(|country| !is_same(country));
    let others = others.map(|country| (country.code.to_string(), [country.iso3.to_string(), country.name.to_string()]));
    let lacking = own.iter().map(|(_, country)| country.code).filter(|code| countries.index(*code).is_none());
    Ok(others.chain(lacking.map(|code| (code.to_string(), [String::new(), String::new()]))).collect())
}

/// Who solved, as manifests tell it.
pub fn solver(
    scenario: &Scenario,
    solved_by: &BTreeMap<String, usize>,
    highs_version: Option<String>,
    cross_checked: bool,
) -> SolverSummary {
    SolverSummary {
        requested: scenario.solver.name().to_owned(),
        used: solved_by.iter().map(|(name, count)| (name.clone(), *count as u64)).collect(),
        highs_version,
        cross_checked,
        point_depends_on_solver: scenario.fill == FillChoice::Vertex,
    }
}

/// Products by outcome of the check.
pub fn certificates(headline: &Headline, cross_checked: bool) -> CertificateSummary {
    CertificateSummary {
        certified: headline.products,
        infeasible: headline.infeasible,
        unsolved: headline.unsolved,
        cross_checked: if cross_checked { headline.products } else { 0 },
    }
}

/// The rows of `coverage.csv`.
pub fn coverage_lines(coverage: &Coverage) -> Vec<CoverageLine> {
    let amount = |amount: Option<reorient_core::Usd>| amount.map_or_else(String::new, |amount| amount.to_string());
    let line = |row: &CoverageRow| {
        let (listed, descendants) = (row.listed.to_string(), row.descendants.to_string());
        let (imports, world_exports) = (amount(row.imports), amount(row.world_exports));
        let also_holds = row.also_holds.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        [row.code.to_string(), row.status.name().to_owned(), listed, descendants, imports, world_exports, also_holds]
    };
    coverage.rows.iter().map(line).collect()
}

/// What the trade is called, with the year of a resolved scenario where that is one year.
pub fn label(source: &TradeSource, scenario: &BTreeMap<String, String>) -> String {
    let year = scenario.get("year").and_then(|year| year.parse::<Year>().ok());
    year.map_or_else(|| source.label().to_owned(), |year| source.label_of(year))
}

/// Of a study: frontier, explanation, sensitivity, calibration.
pub fn study_manifest(
    source: &TradeSource,
    scenario: BTreeMap<String, String>,
    inputs: Vec<reorient_data::InputFile>,
) -> StudyManifest {
    StudyManifest {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        source: label(source, &scenario),
        scenario,
        synthetic: source.is_synthetic(),
        inputs: inputs.into_iter().map(input).collect(),
    }
}

/// Of a calibration: what it was held against, and which keys were not tried with other values, are of its question. `published` are
/// the files that were read for the former.
///
/// # Errors
/// [`Failure`] when a file cannot be read.
pub fn calibration_manifest(
    source: &TradeSource,
    calibrator: &Calibrator<'_>,
    held: &BTreeSet<String>,
    [against, headline]: [Option<&Path>; 2],
    published: Vec<reorient_data::InputFile>,
) -> Result<StudyManifest, Failure> {
    let inputs = [calibrator.inputs()?, published].concat();
    let name = |path: Option<&Path>| path.map_or_else(|| "default".to_owned(), file_name);
    let mut scenario = calibrator.resolved()?;
    for (key, value) in [
        ("calibrate.against", name(against)),
        ("calibrate.headline", name(headline)),
        ("calibrate.held", held.iter().cloned().collect::<Vec<_>>().join(",")),
    ] {
        scenario.insert(key.to_owned(), value);
    }
    Ok(study_manifest(source, scenario, inputs))
}

/// An input file as manifests name it.
pub fn input(file: reorient_data::InputFile) -> InputFile {
    let (blake3, footer_blake3) = match file.fingerprint {
        Fingerprint::Whole(digits) => (Some(digits), None),
        Fingerprint::Footer(digits) => (None, Some(digits)),
    };
    let integrity = file.integrity.name().to_owned();
    let role = file.role.name().to_owned();
    InputFile { role, name: file.name, bytes: file.bytes, blake3, footer_blake3, verified: file.verified, integrity }
}

/// What a reader of a result should know of files of trade without any checksum; none where each has one.
pub fn unchecked(inputs: &[reorient_data::InputFile]) -> Option<String> {
    let names: Vec<&str> = inputs
        .iter()
        .filter(|file| file.role == InputRole::Trade && file.integrity == Integrity::None)
        .map(|file| file.name.as_str())
        .collect();
    match names[..] {
        [] => None,
        [one] => Some(format!("{} carries no checksum, so damage to it cannot be seen.", shown(one))),
        [first, ref more @ ..] => {
            let more = more.len();
            Some(format!("{} and {more} more carry no checksum, so damage to them cannot be seen.", shown(first)))
        }
    }
}

/// What became of the rows, as manifests tell it.
pub fn ledger(ledger: &reorient_data::RowLedger) -> Ledger {
    Ledger { rows_in: ledger.rows_in, rows_used: ledger.rows_used, unused: ledger.unused.clone(), noted: ledger.noted.clone() }
}

/// Codes that the revision does not have, as manifests tell of them.
fn unknown_codes(codes: &reorient_data::UnknownCodes) -> UnknownCodes {
    UnknownCodes {
        pct: codes.pct.clone(),
        value_kusd: codes.value_kusd.clone(),
        rows: codes.rows,
        products: codes.products,
        largest: codes.largest.iter().map(|code| (code.product.clone(), code.value_kusd.clone())).collect(),
    }
}

/// Of indicators.
///
/// # Errors
/// [`Failure`] never for what was measured, as its countries are known.
pub fn indicator_manifest(
    source: &TradeSource,
    scenario: &Scenario,
    question: &IndicatorQuestion,
    result: &IndicatorResult,
) -> Result<IndicatorManifest, Failure> {
    let mut settings = BTreeMap::new();
    if let Some(newest) = result.years.last() {
        // Of the scenario, what figures here depend on. Nobody is in a bloc of nobody, so risk origins may overlap with anybody.
        let used = ["risk", "list", "map", "alias", "reconstructed", "hong-kong"];
        let nobody = Bloc { name: String::new(), members: Vec::new(), note: None };
        settings = scenario.resolved_in_codes(source.countries(), newest.year, &nobody)?;
        settings.retain(|key, _| used.contains(&key.as_str()));
    }
    let mut set = |key: &str, value: String| settings.insert(key.to_owned(), value);
    set("importer", question.importer.clone());
    set("base", question.base.name().to_owned());
    set("by", question.breakdown.name().to_owned());
    set("bloc", question.bloc.clone().unwrap_or_else(|| "default".to_owned()));
    if !question.products.is_empty() {
        set("list", question.products.iter().map(ToString::to_string).collect::<Vec<_>>().join(","));
    }
    let codes = |status| result.codes(status).iter().map(ToString::to_string).collect();
    Ok(IndicatorManifest {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        settings,
        synthetic: source.is_synthetic(),
        source: source.label().to_owned(),
        inputs: result.inputs.iter().cloned().map(input).collect(),
        ledger: ledger(&result.ledger),
        partial: codes(CoverageStatus::Partial),
        unmatched: codes(CoverageStatus::Unmatched),
        years: result
            .years
            .iter()
            .map(|year| IndicatorYearEntry {
                year: year.year.get(),
                importer: year.importer.members.iter().map(|member| member.get()).collect(),
                bloc: year.bloc.name.clone(),
                bloc_members: year.bloc.members.iter().map(|member| member.get()).collect(),
            })
            .collect(),
    })
}
