//! A sensitivity report as files, JSON and screen: `sensitivity.csv`.

use anstyle::{AnsiColor, Style};
use reorient_core::{CountryIndex, CountryTable};
use reorient_folder::Target;
use reorient_metrics::{BASE, Effect, Mover, SensitivityRow};
use reorient_model::NanoUsd;
use serde_json::{Value, json as object};

use crate::ReportError;
use crate::columns::{Column, Pick, json, write_csv};
use crate::grid::{self, Grid};
use crate::number::{Unit, musd, percent};
use crate::screen::Screen;
use crate::study::{StudyManifest, write_study};
use crate::text::cut;

/// The kind in the manifest of a folder of a sensitivity report.
pub const KIND: &str = "sensitivity";
/// Room for a setting on screen.
const SETTING: usize = 32;

const COLUMNS: [Column<SensitivityRow>; 35] = [
    ("key", Pick::Text(|row, _| Some(row.key.clone()))),
    ("value", Pick::Text(|row, _| Some(row.value.clone()))),
    ("status", Pick::Text(|row, _| Some(status(row).to_owned()))),
    ("reason", Pick::Text(|row, _| row.outcome.as_ref().err().cloned())),
    ("n_products", Pick::Whole(|row, _| count(row, |effect| effect.headline.products))),
    ("in_shortage", Pick::Whole(|row, _| count(row, |effect| effect.headline.in_shortage))),
    ("infeasible", Pick::Whole(|row, _| count(row, |effect| effect.headline.infeasible))),
    ("unsolved", Pick::Whole(|row, _| count(row, |effect| effect.headline.unsolved))),
    ("imports_musd", Pick::Text(|row, _| amount(row, |effect| effect.headline.imports.into()))),
    ("risk_before_musd", Pick::Text(|row, _| amount(row, |effect| effect.headline.risk_before.into()))),
    ("risk_after_musd", Pick::Text(|row, _| amount(row, |effect| effect.headline.risk_after))),
    ("risk_before_pct", Pick::Real(|row| share(row, |effect| effect.headline.risk_before.into()))),
    ("risk_after_pct", Pick::Real(|row| share(row, |effect| effect.headline.risk_after))),
    ("change_points", Pick::Real(|row| real(row, |effect| rounded(effect.change_points?)))),
    ("shifted_inside_musd", Pick::Text(|row, _| amount(row, |effect| effect.headline.shifted_inside))),
    ("shifted_outside_musd", Pick::Text(|row, _| amount(row, |effect| effect.headline.shifted_outside))),
    ("hhi_before", Pick::Real(|row| real(row, |effect| Some(effect.headline.hhi?.before)))),
    ("hhi_after", Pick::Real(|row| real(row, |effect| effect.headline.hhi?.after))),
    ("change_hhi", Pick::Real(|row| real(row, |effect| effect.change_hhi))),
    ("hhi_rose", Pick::Whole(|row, _| count(row, |effect| effect.headline.hhi_rose))),
    ("hhi_fell", Pick::Whole(|row, _| count(row, |effect| effect.headline.hhi_fell))),
    ("tau", Pick::Real(|row| real(row, |effect| effect.ranking.tau))),
    ("n_ranked", Pick::Whole(|row, _| count(row, |effect| effect.ranking.n_base))),
    ("n_stay", Pick::Whole(|row, _| count(row, |effect| effect.ranking.n_stay))),
    ("mover_code", Pick::Whole(|row, countries| mover(row).map(|own| countries.country(own.country).code.get().into()))),
    ("mover_iso3", Pick::Text(|row, countries| mover(row).map(|own| countries.country(own.country).iso3.to_string()))),
    ("mover_country", Pick::Text(|row, countries| mover(row).map(|own| countries.country(own.country).name.to_string()))),
    ("mover_rank_base", Pick::Whole(|row, _| i64::try_from(mover(row)?.before).ok())),
    ("mover_rank", Pick::Whole(|row, _| i64::try_from(mover(row)?.after?).ok())),
    ("origin_code", Pick::Whole(|row, countries| origin(row).map(|(own, _)| countries.country(own).code.get().into()))),
    ("origin_iso3", Pick::Text(|row, countries| origin(row).map(|(own, _)| countries.country(own).iso3.to_string()))),
    ("origin_points", Pick::Real(|row| rounded(origin(row)?.1))),
    ("unmet_musd", Pick::Text(|row, _| amount(row, |effect| effect.headline.unmet))),
    ("unmet_pct", Pick::Real(|row| share(row, |effect| effect.headline.unmet))),
    ("missing_points", Pick::Real(|row| real(row, |effect| rounded(effect.missing_points?)))),
];

fn status(row: &SensitivityRow) -> &'static str {
    match &row.outcome {
        Ok(_) if row.key == BASE => BASE,
        Ok(_) => "answered",
        Err(_) => "not-run",
    }
}

fn count(row: &SensitivityRow, pick: fn(&Effect) -> usize) -> Option<i64> {
    row.outcome.as_ref().ok().and_then(|effect| i64::try_from(pick(effect)).ok())
}

fn amount(row: &SensitivityRow, pick: fn(&Effect) -> NanoUsd) -> Option<String> {
    row.outcome.as_ref().ok().map(|effect| musd(pick(effect)))
}

fn real(row: &SensitivityRow, pick: fn(&Effect) -> Option<f64>) -> Option<f64> {
    row.outcome.as_ref().ok().and_then(pick)
}

fn share(row: &SensitivityRow, pick: fn(&Effect) -> NanoUsd) -> Option<f64> {
    let effect = row.outcome.as_ref().ok()?;
    percent(pick(effect), effect.headline.imports.into(), 6)?.parse().ok()
}

/// To six decimals, without a minus before zero.
fn rounded(points: f64) -> Option<f64> {
    format!("{points:.6}").parse::<f64>().ok().map(|points| points + 0.0)
}

fn mover(row: &SensitivityRow) -> Option<Mover> {
    row.outcome.as_ref().ok().and_then(|effect| effect.ranking.mover)
}

fn origin(row: &SensitivityRow) -> Option<(CountryIndex, f64)> {
    row.outcome.as_ref().ok().and_then(|effect| effect.origin)
}

/// Writes `sensitivity.csv` and a manifest.
///
/// # Errors
/// [`ReportError`] when the folder is not free or something cannot be written.
pub fn write_sensitivity(
    target: &Target,
    rows: &[SensitivityRow],
    countries: &CountryTable,
    manifest: &StudyManifest,
) -> Result<Vec<String>, ReportError> {
    write_study(target, KIND, &[("sensitivity.csv", &|out| write_csv(out, &COLUMNS, rows, countries))], manifest)
}

/// The table with the column names of the file.
pub fn sensitivity_json(rows: &[SensitivityRow], countries: &CountryTable) -> Value {
    object!({"sensitivity": json(&COLUMNS, rows, countries)})
}

/// The base, then every change by its effect, then what was not run and why.
pub fn sensitivity_view(rows: &[SensitivityRow], countries: &CountryTable, title: &str, screen: Screen) -> String {
    let mut table = Grid::new([
        grid::Column::text("option").cut(30, SETTING),
        grid::Column::number("after"),
        grid::Column::number("pp"),
        grid::Column::number("short").close().leaves(5),
        grid::Column::number("missing").close(),
        grid::Column::number("in").close().leaves(4),
        grid::Column::number("out").close().leaves(4),
        grid::Column::number("HHI").leaves(3),
        grid::Column::number("tau").leaves(1),
        grid::Column::number("stay").leaves(1),
        grid::Column::text("moves most").leaves(2),
    ]);
    let answered = || rows.iter().filter_map(|row| Some((row, row.outcome.as_ref().ok()?)));
    let shifts = |(_, effect): (_, &Effect)| [effect.headline.shifted_inside, effect.headline.shifted_outside];
    let unit = Unit::of(answered().flat_map(shifts));
    for (row, effect) in answered() {
        let style = match effect.worse_points() {
            Some(points) if points > 5e-4 => AnsiColor::Red.on_default(),
            Some(points) if points < -5e-4 => AnsiColor::Green.on_default(),
            _ => Style::new(),
        };
        table.styled(cells(row, effect, countries, unit), style);
    }
    let legend = format!(
        "after: risk share after, in percent; pp: the same less that of the base. short: products in shortage; missing: \
                  imports that nobody can supply, in percent. Rows are sorted by after and missing together. in, out: value shifted to suppliers within and outside the bloc, {}. tau: Kendall's, of the \
                  gains of the countries in the base's Table A.1; stay: how many of them are in that of the option; moves most: \
                  rank in the base and now. Which risk countries lose first is only in sensitivity.csv. Options that change \
                  who counts as risk, what is listed or who the bloc is ask another question, so their pp is no saving.",
        unit.name
    );
    let table = table.draw(screen, "--json and sensitivity.csv (--out DIR) have all.");
    let mut blocks = vec![screen.title(title), table, screen.legend(&legend)];
    let left_out: Vec<String> = rows
        .iter()
        .filter_map(|row| row.outcome.as_ref().err().map(|reason| (row, reason)))
        .map(|(row, reason)| format!("  {}", screen.hanging(&format!("{}: {reason}", setting(row)), "    ")))
        .collect();
    if !left_out.is_empty() {
        blocks.push(format!("{}\n{}", screen.title("Not run"), left_out.join("\n")));
    }
    blocks.join("\n\n") + "\n"
}

/// As `--set` takes it, cut where it is long.
fn setting(row: &SensitivityRow) -> String {
    if row.key == BASE { row.key.clone() } else { cut(&format!("{}={}", row.key, row.value), SETTING) }
}

fn cells(row: &SensitivityRow, effect: &Effect, countries: &CountryTable, unit: Unit) -> [String; 11] {
    let headline = &effect.headline;
    let missing = || "–".to_owned();
    let points = effect.change_points.map_or_else(missing, |points| match format!("{points:+.2}") {
        nothing if nothing == "+0.00" || nothing == "-0.00" => "0.00".to_owned(),
        points => points.replacen('-', "−", 1),
    });
    let ranking = &effect.ranking;
    [
        setting(row),
        percent(headline.risk_after, headline.imports.into(), 2).unwrap_or_else(missing),
        if row.key == BASE { String::new() } else { points },
        headline.in_shortage.to_string(),
        percent(headline.unmet, headline.imports.into(), 2).unwrap_or_else(missing),
        unit.show(headline.shifted_inside),
        unit.show(headline.shifted_outside),
        headline.hhi.and_then(|hhi| hhi.after).map_or_else(missing, |after| format!("{after:.3}")),
        ranking.tau.map_or_else(missing, |tau| format!("{tau:.2}").replacen('-', "−", 1)),
        ranking.n_stay.to_string(),
        ranking.mover.map_or_else(String::new, |mover| {
            let now = mover.after.map_or_else(|| "–".to_owned(), |rank| rank.to_string());
            format!("{} {}→{now}", countries.country(mover.country).iso3, mover.before)
        }),
    ]
}
