//! `reorient concentration`.

use std::process::ExitCode;

use reorient_engine::margin_sentences;
use reorient_report::{Screen, concentration_json, concentration_rows, concentration_view, kind, write_concentration};

use crate::arguments::{Study, Talk};
use crate::run::{open, question, target};
use crate::study::{show, title};
use crate::talk;
use reorient_app::{Failure, UNSOLVED, study_manifest};

/// Prints what the cut costs in concentration and writes its files.
pub(crate) fn concentration(arguments: &Study, talk: &Talk) -> Result<ExitCode, Failure> {
    let scenario = question(arguments)?;
    let target = target(arguments, kind::CONCENTRATION, &scenario)?;
    let source = open(&arguments.question)?;
    let result = reorient_engine::concentration(&source, &scenario, &|| {})?;
    talk::notes(&result.run.notes);
    talk::notes(&margin_sentences(&source, &result.run.coverage));
    let countries = source.countries();
    let least = |code| {
        let at = result.products.binary_search_by_key(&code, |least| least.product).ok()?;
        let least = &result.products[at];
        Some((least.hhi, least.risk, least.marginal_hhi_per_musd))
    };
    let collection = &result.run.collection;
    let rows = concentration_rows(&collection.products, least);
    talk::data_notes(&source);
    let manifest = study_manifest(&source, result.run.scenario.clone(), result.run.inputs.clone());
    if let Some(target) = &target {
        write_concentration(target, &rows, &result.curve, countries, &manifest)?;
        tracing::info!("concentration in {}", target.path().display());
    }
    let title = title("Concentration", &result.run.bloc.title(countries), &manifest);
    show(arguments, talk, &manifest, &|| concentration_json(&rows, &result.curve, countries), &|| {
        concentration_view(&collection.headline, &rows, &result.curve, &title, Screen::stdout())
    })?;
    let open = collection.headline.infeasible + collection.headline.unsolved;
    Ok(if open > 0 { ExitCode::from(UNSOLVED) } else { ExitCode::SUCCESS })
}
