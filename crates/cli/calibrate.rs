//! `reorient calibrate`.

use std::collections::BTreeSet;
use std::process::ExitCode;

use reorient_data::hash_file;
use reorient_engine::{Calibrator, Scenario};
use reorient_metrics::Choice;
use reorient_report::{calibration_json, calibration_view, write_calibration};

use crate::arguments::{Calibrate, Question, Talk};
use crate::run::{open, question};
use crate::study::{show, title};
use crate::talk;
use reorient_app::{Failure, read_published, study_manifest};

/// Compares readings of the method with a published table, prints what the data can decide, writes its files.
pub(crate) fn calibrate(arguments: &Calibrate, talk: &Talk) -> Result<ExitCode, Failure> {
    let study = &arguments.study;
    let scenario = question(study)?;
    let published = read_published(arguments.against.as_deref(), arguments.headline.as_deref())?;
    let source = open(&study.question)?;
    let mut calibrator = Calibrator::new(&source, &scenario, &held(&study.question, &scenario))?;
    let calibration = calibrator.against(&published)?;

    let mut inputs = calibrator.inputs()?;
    for path in [&arguments.against, &arguments.headline].into_iter().flatten() {
        let file = hash_file(path)?;
        inputs.push(reorient_data::InputFile { name: file.name, bytes: file.bytes, blake3: file.blake3, verified: false });
    }
    talk::data_notes(&source);
    let manifest = study_manifest(&source, calibrator.resolved()?, inputs);
    let countries = source.countries();
    if let Some(directory) = &study.out {
        let first = calibration.sets.first().map_or_else(Choice::default, |set| set.choice);
        write_calibration(directory, &calibration, calibrator.list(&first).as_ref(), countries, &manifest)?;
        tracing::info!("calibration in {}", directory.display());
    }
    let title = title("Calibration", &scenario.bloc, &manifest);
    show(study, talk, &manifest, &|| calibration_json(&calibration, countries), &|| {
        calibration_view(&calibration, countries, &title, true)
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Keys that somebody set: they are not tried with other values.
fn held(question: &Question, scenario: &Scenario) -> BTreeSet<String> {
    let settings = question.set.iter().filter_map(|setting| setting.split_once('=')).map(|(key, _)| key.trim().to_owned());
    settings.chain(scenario.origins.keys().map(str::to_owned)).collect()
}
