//! `reorient frontier`, `reorient explain`, `reorient sensitivity` and `reorient schema`.

use std::process::ExitCode;

use reorient_engine::margin_sentences;
use reorient_metrics::BASE;
use reorient_report::{
    Screen, StudyManifest, explanation_json, explanation_view, frontier_json, frontier_view, kind, sensitivity_json,
    sensitivity_view, write_explanation, write_frontier, write_sensitivity,
};
use serde_json::Value;

use crate::arguments::{Schema, SchemaOf, Study, Talk};
use crate::run::{open, question, target};
use crate::talk;
use reorient_app::{Failure, UNSOLVED, study_manifest};

/// Prints the curve of risk imports against the cap and writes its files.
pub(crate) fn frontier(arguments: &Study, talk: &Talk) -> Result<ExitCode, Failure> {
    let scenario = question(arguments)?;
    let target = target(arguments, kind::FRONTIER, &scenario)?;
    let source = open(&arguments.question)?;
    let result = reorient_engine::frontier(&source, &scenario)?;
    talk::notes(&result.notes);
    let countries = source.countries();
    talk::data_notes(&source);
    let manifest = study_manifest(&source, result.scenario, result.inputs);
    if let Some(target) = &target {
        write_frontier(target, &result.frontier, &result.products, countries, &manifest)?;
        tracing::info!("frontier in {}", target.path().display());
    }
    let title = title("Frontier", &result.bloc.title(countries), &manifest);
    show(arguments, talk, &manifest, &|| frontier_json(&result.frontier, &result.products, countries), &|| {
        frontier_view(&result.frontier, &result.products, result.cap, &title, Screen::stdout())
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Prints what makes the result of a run and writes its files.
pub(crate) fn explain(arguments: &Study, talk: &Talk) -> Result<ExitCode, Failure> {
    let scenario = question(arguments)?;
    let target = target(arguments, kind::EXPLAIN, &scenario)?;
    let source = open(&arguments.question)?;
    let result = reorient_engine::run(&source, &scenario, &|_| {}, &|| {})?;
    talk::notes(&result.notes);
    talk::notes(&margin_sentences(&source, &result.coverage));
    let countries = source.countries();
    let explanation = reorient_engine::explain_run(&result, countries);
    talk::data_notes(&source);
    let manifest = study_manifest(&source, result.scenario.clone(), result.inputs.clone());
    if let Some(target) = &target {
        write_explanation(target, &explanation, countries, &manifest)?;
        tracing::info!("explanation in {}", target.path().display());
    }
    let title = title("What makes the result", &result.bloc.title(countries), &manifest);
    show(arguments, talk, &manifest, &|| explanation_json(&explanation, countries), &|| {
        explanation_view(&explanation, countries, &title, Screen::stdout())
    })?;
    let open = result.collection.headline.infeasible + result.collection.headline.unsolved;
    Ok(if open > 0 { ExitCode::from(UNSOLVED) } else { ExitCode::SUCCESS })
}

/// Prints what each option of the scenario does when it is changed alone, and writes the table.
pub(crate) fn sensitivity(arguments: &Study, talk: &Talk) -> Result<ExitCode, Failure> {
    let scenario = question(arguments)?;
    let target = target(arguments, kind::SENSITIVITY, &scenario)?;
    let source = open(&arguments.question)?;
    let bar = talk::progress(0, "scenarios", talk);
    let result = reorient_engine::sensitivity(&source, &scenario, &|total| bar.set_length(total), &|| bar.inc(1));
    bar.finish_and_clear();
    let result = result?;
    talk::notes(&result.notes);
    let countries = source.countries();
    talk::data_notes(&source);
    let manifest = study_manifest(&source, result.scenario, result.inputs);
    if let Some(target) = &target {
        write_sensitivity(target, &result.rows, countries, &manifest)?;
        tracing::info!("sensitivity in {}", target.path().display());
    }
    let title = title("Sensitivity", &result.bloc.title(countries), &manifest);
    show(arguments, talk, &manifest, &|| sensitivity_json(&result.rows, countries), &|| {
        sensitivity_view(&result.rows, countries, &title, Screen::stdout())
    })?;
    // A change without an answer for some products is a finding; only the base's own open products are an exit code.
    let base = result.rows.iter().find(|row| row.key == BASE).and_then(|row| row.outcome.as_ref().ok());
    let open = base.is_some_and(|base| base.headline.infeasible + base.headline.unsolved > 0);
    Ok(if open { ExitCode::from(UNSOLVED) } else { ExitCode::SUCCESS })
}

/// Prints the JSON Schema of a scenario file or of a sweep file.
pub(crate) fn schema(arguments: &Schema) -> Result<ExitCode, Failure> {
    let schema = match arguments.of {
        SchemaOf::Scenario => reorient_engine::schema(),
        SchemaOf::Sweep => reorient_engine::sweep::sweep_schema(),
    };
    talk::print_json(&schema)?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn title(what: &str, bloc: &str, manifest: &StudyManifest) -> String {
    let synthetic = if manifest.synthetic { " · SYNTHETIC DATA" } else { "" };
    format!("{what} · {bloc} · {}{synthetic}", manifest.source)
}

/// JSON or the view, as asked.
pub(crate) fn show(
    arguments: &Study,
    talk: &Talk,
    manifest: &StudyManifest,
    json: &dyn Fn() -> Value,
    view: &dyn Fn() -> String,
) -> Result<(), Failure> {
    if arguments.json {
        let mut object = json();
        object["manifest"] = serde_json::to_value(manifest).map_err(Failure::internal)?;
        return talk::print_json(&object);
    }
    if talk.quiet { Ok(()) } else { talk::print(&view()) }
}
