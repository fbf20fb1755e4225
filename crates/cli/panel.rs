//! `reorient run` of several years: a panel.

use std::process::ExitCode;

use anyhow::anyhow;
use reorient_core::{ProductCode, Year};
use reorient_data::TradeSource;
use reorient_engine::{
    CoverageStatus, FillChoice, HIGHS_VERSION, PanelResult, PanelYearContext, Scenario, SolverChoice, YearChoice,
    margin_sentences,
};
use reorient_model::NanoUsd;
use reorient_report::{
    CertificateSummary, Figure, FigureContext, PanelManifest, PanelView, PanelYearEntry, Screen, SolverSummary, counted, kind,
    panel_figures, panel_json, panel_view, usd, write_panel,
};

use crate::arguments::{Question, Run, Study, Talk};
use crate::run::{in_words, missing, once, open, percentage_points, scenario_of, target};
use crate::talk;
use reorient_app::{Failure, UNSOLVED, input, ledger};

/// The years of a panel; none where `--year` is a single year or absent.
pub(crate) fn years(question: &Question) -> Result<Option<YearChoice>, Failure> {
    let Some(text) = &question.year else { return Ok(None) };
    if text.parse::<Year>().is_ok() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|error| Failure::usage(anyhow!("--year {text}: {error}")))
}

/// Answers the question for each year, prints the panel, writes the folder.
pub(crate) fn panel(arguments: &Run, years: &YearChoice, talk: &Talk) -> Result<ExitCode, Failure> {
    if arguments.csv {
        return Err(Failure::usage(anyhow!("--csv writes the flows of one year: leave it out, or name one year")));
    }
    // The years go their own way.
    let asked = &arguments.study;
    let study = Study { question: Question { year: None, ..asked.question.clone() }, ..asked.clone() };
    if let Some(year) = &asked.question.year {
        once(&asked.question.set, "year", year, &format!("--year {year}"))?;
    }
    let scenario = scenario_of(arguments, &study)?;
    let target = target(&study, kind::PANEL, &scenario)?;
    let source = open(&study.question)?;
    let bar = talk::counter("years", talk);
    let result = reorient_engine::panel(&source, &scenario, years, &|| bar.inc(1));
    bar.finish_and_clear();
    let result = result?;
    for (year, product, reason) in &result.unsolved {
        tracing::warn!("product {product} is unsolved in {year}: {reason}");
    }

    if study.json {
        talk::data_notes(&source);
    }
    let manifest = manifest(&source, &scenario, &result);
    let countries = source.countries();
    if let Some(target) = &target {
        let figures = if arguments.figures { figures(&source, &scenario, &result, &manifest)? } else { Vec::new() };
        write_panel(target, &result.years, countries, &manifest, &figures)?;
        tracing::info!("panel in {}", target.path().display());
    }
    if study.json {
        let mut object = panel_json(&result.years, countries, &manifest);
        object["notes"] = result.notes.clone().into();
        talk::notes(&result.notes);
        talk::print_json(&object)?;
    } else if !talk.quiet {
        let view = PanelView {
            screen: Screen::stdout(),
            bloc: &bloc(&source, &result),
            source: source.label(),
            cap: &percentage_points(scenario.cap),
            leading: &leading(&source, &result),
            notes: &notes(&source, &scenario, &result),
        };
        talk::print(&panel_view(&result.years, countries, &view))?;
    }
    let open = manifest.certificates.infeasible + manifest.certificates.unsolved;
    Ok(if open > 0 { ExitCode::from(UNSOLVED) } else { ExitCode::SUCCESS })
}

fn bloc(source: &TradeSource, result: &PanelResult) -> String {
    result.contexts.last().map_or_else(String::new, |year| year.bloc.title(source.countries()))
}

/// `1995..2024` where no year is left out, otherwise a list.
fn in_short(years: &[Year]) -> String {
    match years {
        [first, .., last] if usize::from(last.get() - first.get()) + 1 == years.len() => format!("{first}..{last}"),
        years => years.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
    }
}

/// What belongs beside the headline: claims of the data that do not hold, and what the list leaves out or takes in of the newest year in
/// which that is much.
fn leading(source: &TradeSource, result: &PanelResult) -> Vec<String> {
    let of_year = |year: &PanelYearContext| {
        let sentences = margin_sentences(source, &year.coverage);
        (!sentences.is_empty()).then(|| format!("In {}: {}", year.year, sentences.join(" ")))
    };
    source.notes().into_iter().chain(result.contexts.iter().rev().find_map(of_year)).collect()
}

fn notes(source: &TradeSource, scenario: &Scenario, result: &PanelResult) -> Vec<String> {
    let mut notes = Vec::new();
    if source.is_synthetic() {
        notes.push("The trade data are synthetic.".to_owned());
    }
    notes.extend(result.notes.iter().cloned());
    let outdated = result.contexts.iter().filter(|year| year.bloc.note.is_some()).count();
    if outdated > 0 {
        notes.push(format!(
            "{} was not the European Union in {outdated} of {} years; `--set bloc=EU` takes the members of each year.",
            bloc(source, result),
            result.years.len()
        ));
    }
    if scenario.fill == FillChoice::Vertex {
        notes.push(
            "The declared points are vertices of HiGHS's (tie-break.fill = vertex): another solver or version may give others."
                .to_owned(),
        );
    }
    let open = |pick: fn(&reorient_metrics::Headline) -> usize| -> usize {
        result.years.iter().map(|year| pick(&year.collection.headline)).sum()
    };
    let (infeasible, unsolved) = (open(|headline| headline.infeasible), open(|headline| headline.unsolved));
    if infeasible > 0 {
        let unmet: NanoUsd = result.years.iter().map(|year| year.collection.headline.unmet).sum();
        notes.push(format!(
            "Cannot be supplied: {} in {}, all years together (unmet_musd in panel.csv, unmet_kusd per product).",
            usd(unmet),
            counted(infeasible, "product")
        ));
    }
    if unsolved > 0 {
        notes.push(format!("Not in any figure of their year: {}, all years together.", counted(unsolved, "unsolved product")));
    }
    let listed =
        |codes: &std::collections::BTreeSet<ProductCode>| codes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let partial = result.codes(CoverageStatus::Partial);
    if !partial.is_empty() && scenario.map != reorient_data::MapRule::Any {
        notes.push(format!("Listed in part, and left out unless `--set map=any`: {}.", listed(&partial)));
    }
    if let Some((most, of)) = result
        .years
        .iter()
        .map(|year| &year.collection.headline)
        .map(|headline| (headline.reconstructed_products, headline.products))
        .max()
        .filter(|(most, _)| *most > 0)
    {
        let products = counted(of, "product");
        notes.push(format!("Up to {most} of {products} are on the list only through reconstructed rows (panel.csv)."));
    }
    notes
}

fn figures(
    source: &TradeSource,
    scenario: &Scenario,
    result: &PanelResult,
    manifest: &PanelManifest,
) -> Result<Vec<Figure>, Failure> {
    let unmet = result.years.iter().map(|year| year.collection.headline.unmet).sum();
    let context = FigureContext {
        source: source.label(),
        bloc: &bloc(source, result),
        options: &(in_words(source.countries(), scenario, &manifest.scenario, &result.risk) + &missing(unmet)),
        cap: None,
        synthetic: source.is_synthetic(),
        version: env!("CARGO_PKG_VERSION"),
    };
    panel_figures(&result.years, source.countries(), &context).map_err(Failure::internal)
}

fn manifest(source: &TradeSource, scenario: &Scenario, result: &PanelResult) -> PanelManifest {
    let years: Vec<Year> = result.years.iter().map(|year| year.year).collect();
    let mut settings = result.scenario.clone();
    settings.remove("bloc-members");
    settings.insert("year".to_owned(), in_short(&years));
    let codes = |status| result.codes(status).iter().map(ToString::to_string).collect();
    let sum = |pick: fn(&reorient_metrics::Headline) -> usize| -> usize {
        result.years.iter().map(|year| pick(&year.collection.headline)).sum()
    };
    let certificates = CertificateSummary {
        certified: sum(|headline| headline.products),
        infeasible: sum(|headline| headline.infeasible),
        unsolved: sum(|headline| headline.unsolved),
        cross_checked: if scenario.cross_check { sum(|headline| headline.products) } else { 0 },
    };
    let used = if scenario.solver == SolverChoice::Highs { SolverChoice::Highs } else { SolverChoice::ClosedForm };
    PanelManifest {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        scenario: settings,
        synthetic: source.is_synthetic(),
        source: source.label().to_owned(),
        inputs: result.inputs.iter().cloned().map(input).collect(),
        ledger: ledger(&result.ledger),
        partial: codes(CoverageStatus::Partial),
        unmatched: codes(CoverageStatus::Unmatched),
        solver: SolverSummary {
            requested: scenario.solver.name().to_owned(),
            used: [(used.name().to_owned(), certificates.certified as u64)].into(),
            highs_version: HIGHS_VERSION.map(str::to_owned),
            cross_checked: scenario.cross_check,
            point_depends_on_solver: scenario.fill == FillChoice::Vertex,
        },
        certificates,
        years: result
            .contexts
            .iter()
            .map(|year| PanelYearEntry {
                year: year.year.get(),
                bloc_members: year.bloc.members.iter().map(|member| member.get()).collect(),
                matched: year.coverage.of(CoverageStatus::Matched).count(),
            })
            .collect(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn years_without_a_gap_are_a_range() {
        let years = |years: &[u16]| years.iter().map(|year| Year::new(*year).unwrap()).collect::<Vec<_>>();
        assert_eq!(in_short(&years(&[1995, 1996, 1997])), "1995..1997");
        assert_eq!(in_short(&years(&[1995, 2000])), "1995,2000");
        assert_eq!(in_short(&years(&[2023])), "2023");
    }
}
