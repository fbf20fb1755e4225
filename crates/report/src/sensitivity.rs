//! A sensitivity report as files, JSON and screen: `sensitivity.csv`.

use anstyle::{AnsiColor, Style};
use comfy_table::{CellAlignment, Table};
use reorient_core::{CountryIndex, CountryTable};
use reorient_folder::Target;
use reorient_metrics::{BASE, Effect, Mover, SensitivityRow};
use reorient_model::NanoUsd;
use serde_json::{Value, json as object};

use crate::ReportError;
use crate::columns::{Column, Pick, json, write_csv};
use crate::number::{NANO_PER_BUSD, decimal, grouped, musd, percent};
use crate::study::{StudyManifest, write_study};
use crate::tables;
use crate::text::{cut, paint, wrap};

/// The kind in the manifest of a folder of a sensitivity report.
pub const KIND: &str = "sensitivity";
const WIDTH: usize = 100;
/// Room for a setting on screen.
const SETTING: usize = 32;

const COLUMNS: [Column<SensitivityRow>; 32] = [
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
    ("hhi_after", Pick::Real(|row| real(row, |effect| Some(effect.headline.hhi?.after)))),
    ("change_hhi", Pick::Real(|row| real(row, |effect| effect.change_hhi))),
    ("hhi_rose", Pick::Whole(|row, _| count(row, |effect| effect.headline.hhi_rose))),
    ("hhi_fell", Pick::Whole(|row, _| count(row, |effect| effect.headline.hhi_fell))),
    ("tau", Pick::Real(|row| real(row, |effect| effect.ranking.tau))),
    ("n_ranked", Pick::Whole(|row, _| count(row, |effect| effect.ranking.n_base))),
    ("n_stay", Pick::Whole(|row, _| count(row, |effect| effect.ranking.n_stay))),
    ("mover_code", Pick::Whole(|row, countries| mover(row).map(|own| countries.country(own.country).code.get().into()))),
    ("mover_iso3", Pick::Text(|row, countries| mover(row).map(|own| countries.country(own.country).iso3.clone()))),
    ("mover_country", Pick::Text(|row, countries| mover(row).map(|own| countries.country(own.country).name.clone()))),
    ("mover_rank_base", Pick::Whole(|row, _| i64::try_from(mover(row)?.before).ok())),
    ("mover_rank", Pick::Whole(|row, _| i64::try_from(mover(row)?.after?).ok())),
    ("origin_code", Pick::Whole(|row, countries| origin(row).map(|(own, _)| countries.country(own).code.get().into()))),
    ("origin_iso3", Pick::Text(|row, countries| origin(row).map(|(own, _)| countries.country(own).iso3.clone()))),
    ("origin_points", Pick::Real(|row| rounded(origin(row)?.1))),
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
pub fn sensitivity_view(rows: &[SensitivityRow], countries: &CountryTable, title: &str, colour: bool) -> String {
    let bold = Style::new().bold();
    let mut blocks = vec![paint(&cut(title, WIDTH), bold, colour)];
    let header = ["option", "after", "pp", "short", "inf", "in", "out", "HHI", "tau", "stay", "moves most"];
    let mut table = tables::table(&header);
    let answered: Vec<(&SensitivityRow, &Effect)> =
        rows.iter().filter_map(|row| Some((row, row.outcome.as_ref().ok()?))).collect();
    for (row, effect) in &answered {
        table.add_row(cells(row, effect, countries));
    }
    let mut lines = narrow(&mut table);
    for (at, line) in lines.iter_mut().enumerate() {
        let effect = at.checked_sub(1).and_then(|at| answered.get(at));
        let style = match effect.and_then(|(_, effect)| effect.change_points) {
            _ if at == 0 => Style::new().dimmed(),
            Some(points) if points > 5e-4 => AnsiColor::Red.on_default(),
            Some(points) if points < -5e-4 => AnsiColor::Green.on_default(),
            _ => continue,
        };
        *line = paint(line, style, colour);
    }
    blocks.push(lines.join("\n"));
    let legend = "after: risk share after, in percent; pp: the same less that of the base. short, inf: products in shortage, without an \
                  allocation. in, out: value shifted to suppliers within and outside the bloc, bn USD. tau: Kendall's, of the \
                  gains of the countries in the base's Table A.1; stay: how many of them are in that of the option; moves most: \
                  rank in the base and now. Which risk countries lose first shows in sensitivity.csv alone. Options that change \
                  who counts as risk, what is listed or who the bloc is ask another question, so their pp is no saving; products \
                  without an allocation (inf) leave all sums.";
    blocks.push(paint(&wrap(legend, WIDTH, "  "), Style::new().dimmed(), colour));
    let left_out: Vec<String> = rows
        .iter()
        .filter_map(|row| row.outcome.as_ref().err().map(|reason| (row, reason)))
        .map(|(row, reason)| wrap(&format!("{}: {reason}", setting(row)), WIDTH - 2, "    "))
        .collect();
    if !left_out.is_empty() {
        blocks.push(format!("{}\n  {}", paint("Not run", bold, colour), left_out.join("\n  ")));
    }
    blocks.join("\n\n") + "\n"
}

/// As `--set` takes it, cut where it is long.
fn setting(row: &SensitivityRow) -> String {
    if row.key == BASE { row.key.clone() } else { cut(&format!("{}={}", row.key, row.value), SETTING) }
}

/// Columns of counts and amounts stand close.
fn narrow(table: &mut Table) -> Vec<String> {
    let last = table.column_count().saturating_sub(1);
    for (at, column) in table.column_iter_mut().enumerate() {
        column.set_padding((if at == 0 { 2 } else { 1 }, u16::from(!(2..=5).contains(&at))));
        if at > 0 && at < last {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect()
}

fn cells(row: &SensitivityRow, effect: &Effect, countries: &CountryTable) -> Vec<String> {
    let headline = &effect.headline;
    let missing = || "–".to_owned();
    let bn = |amount: NanoUsd| grouped(&decimal(amount.0, NANO_PER_BUSD, 1));
    let points = effect.change_points.map_or_else(missing, |points| match format!("{points:+.2}") {
        nothing if nothing == "+0.00" || nothing == "-0.00" => "0.00".to_owned(),
        points => points.replacen('-', "−", 1),
    });
    let ranking = &effect.ranking;
    vec![
        setting(row),
        percent(headline.risk_after, headline.imports.into(), 2).unwrap_or_else(missing),
        if row.key == BASE { String::new() } else { points },
        headline.in_shortage.to_string(),
        (headline.infeasible + headline.unsolved).to_string(),
        bn(headline.shifted_inside),
        bn(headline.shifted_outside),
        headline.hhi.map_or_else(missing, |hhi| format!("{:.3}", hhi.after)),
        ranking.tau.map_or_else(missing, |tau| format!("{tau:.2}").replacen('-', "−", 1)),
        ranking.n_stay.to_string(),
        ranking.mover.map_or_else(String::new, |mover| {
            let now = mover.after.map_or_else(|| "–".to_owned(), |rank| rank.to_string());
            format!("{} {}→{now}", countries.country(mover.country).iso3, mover.before)
        }),
    ]
}
