//! `reorient uncertainty`.

use std::process::ExitCode;

use anyhow::anyhow;
use reorient_core::Fraction;
use reorient_data::MapRule;
use reorient_engine::Doubt;
use reorient_report::{Drawn, Screen, counted, kind, uncertainty_json, uncertainty_view, write_uncertainty};

use crate::arguments::{Talk, Uncertainty};
use crate::run::{open, question, target};
use crate::study::{show, title};
use crate::talk;
use reorient_app::{Failure, study_manifest};

/// Draws, prints the spread of every figure and writes its files.
pub(crate) fn uncertainty(arguments: &Uncertainty, talk: &Talk) -> Result<ExitCode, Failure> {
    let scenario = question(&arguments.study)?;
    let doubt = Doubt {
        draws: arguments.draws,
        seed: arguments.seed,
        deviation: arguments.noise,
        reconstructed: arguments.reconstructed,
        partial: arguments.partial,
        cap: arguments.cap,
    };
    if doubt.partial > 0.0 && scenario.map == MapRule::Any {
        let problem = "--partial means nothing with `map = any`, which counts every product of which a part is listed";
        return Err(Failure::usage(anyhow!(problem)));
    }
    if doubt.reconstructed < 1.0 && !scenario.reconstructed {
        return Err(Failure::usage(anyhow!(
            "--reconstructed means nothing with `reconstructed = no`, which leaves them all out"
        )));
    }
    let target = target(&arguments.study, kind::UNCERTAINTY, &scenario)?;
    let source = open(&arguments.study.question)?;
    let bar = talk::progress(doubt.draws.into(), "draws", talk);
    let result = reorient_engine::uncertainty(&source, &scenario, &doubt, &|| bar.inc(1));
    bar.finish_and_clear();
    let result = result?;
    talk::notes(&result.notes);
    let countries = source.countries();
    let mut scenario = result.scenario;
    for (key, value) in [
        ("uncertainty.draws", doubt.draws.to_string()),
        ("uncertainty.seed", doubt.seed.to_string()),
        ("uncertainty.noise", doubt.deviation.to_string()),
        ("uncertainty.reconstructed", doubt.reconstructed.to_string()),
        ("uncertainty.partial", doubt.partial.to_string()),
        ("uncertainty.cap", doubt.cap.map_or_else(|| "fixed".to_owned(), |(from, to)| format!("{from}..{to}"))),
    ] {
        scenario.insert(key.to_owned(), value);
    }
    talk::data_notes(&source);
    let manifest = study_manifest(&source, scenario, result.inputs);
    let drawn = Drawn { base: &result.base, draws: &result.draws, caps: &result.caps };
    if let Some(target) = &target {
        write_uncertainty(target, drawn, countries, &manifest)?;
        tracing::info!("uncertainty in {}", target.path().display());
    }
    let title = title("Uncertainty", &result.bloc.title(countries), &manifest);
    let words = in_words(&doubt, result.doubtful);
    show(&arguments.study, talk, &manifest, &|| uncertainty_json(drawn, countries), &|| {
        uncertainty_view(drawn, countries, &title, &words, Screen::stdout())
    })?;
    Ok(ExitCode::SUCCESS)
}

fn in_words(doubt: &Doubt, doubtful: usize) -> String {
    let cap =
        doubt.cap.map_or_else(|| "the cap fixed".to_owned(), |(from, to)| format!("the cap uniform between {from} and {to}"));
    format!(
        "{} with seed {}: every row times a lognormal factor of mean one (sd of the logarithm {}), {} with a doubtful place on the \
         list (reconstructed {}, in part {}), {cap}.",
        counted(doubt.draws, "draw"),
        doubt.seed,
        doubt.deviation,
        counted(doubtful, "product"),
        doubt.reconstructed,
        doubt.partial
    )
}

/// `0.03..0.07`, ascending shares.
pub(crate) fn caps(text: &str) -> Result<(Fraction, Fraction), String> {
    let (from, to) = text.split_once("..").ok_or("give two caps such as 0.03..0.07")?;
    let share = |text: &str| text.trim().parse::<Fraction>().map_err(|error| error.to_string());
    match (share(from)?, share(to)?) {
        (from, to) if from <= to && to <= Fraction::ONE => Ok((from, to)),
        _ => Err("the caps ascend and are at most 1, such as 0.03..0.07".to_owned()),
    }
}

/// From 0 to 1.
pub(crate) fn probability(text: &str) -> Result<f64, String> {
    let number = text.parse().map_err(|_| "give a number from 0 to 1".to_owned())?;
    if (0.0..=1.0).contains(&number) { Ok(number) } else { Err("a probability lies between 0 and 1".to_owned()) }
}

/// From 0 to 3: beyond, the mean of a lognormal factor is not seen in any number of draws.
pub(crate) fn deviation(text: &str) -> Result<f64, String> {
    let number = text.parse().map_err(|_| "give a number such as 0.2".to_owned())?;
    if (0.0..=3.0).contains(&number) { Ok(number) } else { Err("the deviation lies between 0 and 3".to_owned()) }
}
