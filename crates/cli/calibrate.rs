//! `reorient calibrate`.

use std::collections::BTreeSet;
use std::process::ExitCode;

use reorient_engine::{Calibrator, Scenario};
use reorient_metrics::Choice;
use reorient_report::{Screen, calibration_json, calibration_view, kind, write_calibration};

use crate::arguments::{Calibrate, Question, Talk};
use crate::run::{open, question, target};
use crate::study::{show, title};
use crate::talk;
use reorient_app::{Failure, calibration_manifest, read_published};

/// Compares readings of the method with a published table, prints what the data can decide, writes its files.
pub(crate) fn calibrate(arguments: &Calibrate, talk: &Talk) -> Result<ExitCode, Failure> {
    let study = &arguments.study;
    let scenario = question(study)?;
    let read = [&arguments.against, &arguments.headline].into_iter().flatten().cloned();
    let target = target(study, kind::CALIBRATE, &scenario)?.map(|target| target.reading(read));
    let (published, files) = read_published(arguments.against.as_deref(), arguments.headline.as_deref())?;
    let source = open(&study.question)?;
    let held = held(&study.question, &scenario);
    let mut calibrator = Calibrator::new(&source, &scenario, &held)?;
    let calibration = calibrator.against(&published)?;

    let (against, headline) = (arguments.against.as_deref(), arguments.headline.as_deref());
    talk::data_notes(&source);
    let manifest = calibration_manifest(&source, &calibrator, &held, [against, headline], files)?;
    let countries = source.countries();
    if let Some(target) = &target {
        let first = calibration.sets.first().map_or_else(Choice::default, |set| set.choice);
        write_calibration(target, &calibration, calibrator.list(&first).as_ref(), countries, &manifest)?;
        tracing::info!("calibration in {}", target.path().display());
    }
    let title = title("Calibration", &calibrator.bloc()?.title(countries), &manifest);
    show(study, talk, &manifest, &|| calibration_json(&calibration, countries), &|| {
        calibration_view(&calibration, countries, &title, Screen::stdout())
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Keys that somebody set: they are not tried with other values.
fn held(question: &Question, scenario: &Scenario) -> BTreeSet<String> {
    let settings = question.set.iter().filter_map(|setting| setting.split_once('=')).map(|(key, _)| key.trim().to_owned());
    settings.chain(scenario.origins.keys().map(str::to_owned)).collect()
}
