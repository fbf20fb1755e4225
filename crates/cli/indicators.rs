//! `reorient indicators`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::anyhow;
use reorient_data::TradeSource;
use reorient_engine::{Bloc, CoverageStatus, IndicatorQuestion, IndicatorResult, IndicatorYear, Scenario};
use reorient_folder::Target;
use reorient_metrics::{Base, Breakdown};
use reorient_report::{IndicatorSort, IndicatorView, Screen, counted, indicators_json, indicators_view, kind, write_indicators};

use crate::arguments::{IndicatorBase, IndicatorLevel, IndicatorOrder, Indicators, Question, Talk};
use crate::run::{once, open, settled, use_threads};
use crate::talk;
use reorient_app::{Failure, indicator_manifest};

/// Keys of a scenario on which indicators depend.
const USED: [&str; 8] = ["year", "bloc", "risk", "list", "map", "alias", "reconstructed", "hong-kong"];

/// Measures one importer's dependence, prints it, writes the folder.
pub(crate) fn indicators(arguments: &Indicators, talk: &Talk) -> Result<ExitCode, Failure> {
    use_threads(arguments.threads)?;
    let (scenario, question) = question(arguments)?;
    let list = scenario.list.file().map(Path::to_path_buf);
    let read = [arguments.trade.clone(), arguments.scenario.clone(), list];
    let target = arguments.out.as_ref().map(|out| Target::new(out).force(arguments.force).reading(read.into_iter().flatten()));
    target.as_ref().map_or(Ok(()), |target| target.look(kind::INDICATORS, None))?;
    let source = open(&shared(arguments))?;
    let bar = talk::counter("years", talk);
    let result = reorient_engine::indicators(&source, &scenario, &question, &|| bar.inc(1));
    bar.finish_and_clear();
    let result = result?;
    talk::data_notes(&source);

    let manifest = indicator_manifest(&source, &scenario, &question, &result)?;
    let countries = source.countries();
    if let Some(target) = &target {
        write_indicators(target, &result.rows, &result.persistence, countries, &manifest)?;
        tracing::info!("indicators in {}", target.path().display());
    }
    if arguments.json {
        let object = indicators_json(&result.rows, &result.persistence, countries, &manifest);
        talk::print_json(&object)?;
    } else if !talk.quiet {
        let name = |of: fn(&IndicatorYear) -> &Bloc| {
            result.years.last().map_or_else(|| question.importer.clone(), |year| of(year).title(countries))
        };
        let view = IndicatorView {
            screen: Screen::stdout(),
            importer: &name(|year| &year.importer),
            bloc: &name(|year| &year.bloc),
            source: source.label(),
            sort: match arguments.sort {
                IndicatorOrder::Hhi => IndicatorSort::Hhi,
                IndicatorOrder::Imports => IndicatorSort::Imports,
                IndicatorOrder::Code => IndicatorSort::Code,
            },
            top: usize::try_from(arguments.top).unwrap_or(usize::MAX),
            notes: &notes(&source, &result),
        };
        talk::print(&indicators_view(&result.rows, &result.persistence, countries, &view))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The part of the arguments that every question has; years go their own way.
fn shared(arguments: &Indicators) -> Question {
    Question {
        trade: arguments.trade.clone(),
        opening: arguments.opening,
        year: None,
        scenario: arguments.scenario.clone(),
        set: arguments.set.clone(),
    }
}

fn question(arguments: &Indicators) -> Result<(Scenario, IndicatorQuestion), Failure> {
    // A bloc that nobody sets depends on the importer.
    let mut scenario = settled(Scenario { bloc: String::new(), ..Scenario::default() }, &shared(arguments))?;
    let own = [("bloc", &arguments.bloc), ("risk", &arguments.risk), ("list", &arguments.list)];
    for (key, value) in own.into_iter().filter_map(|(key, value)| Some((key, value.as_ref()?))) {
        once(&arguments.set, key, value, &format!("--{key} {value}"))?;
        scenario.set(key, value)?;
    }
    if let Some(product) = arguments.product.first() {
        once(&arguments.set, "list", "", &format!("--product {product}"))?;
    }
    if arguments.year.is_some() {
        once(&arguments.set, "year", "", "--year")?;
    }
    let names = |setting: &String| setting.split_once('=').map_or(String::new(), |(key, _)| key.trim().to_owned());
    if let Some(key) = arguments.set.iter().map(names).find(|key| !USED.contains(&key.as_str())) {
        let used = USED.join(", ");
        return Err(Failure::usage(anyhow!("`{key}` changes no indicator: leave it out; those that do are {used}")));
    }
    let breakdown = match arguments.by {
        IndicatorLevel::Product => Breakdown::Product,
        IndicatorLevel::Sector => Breakdown::Sector,
        IndicatorLevel::Subsector => Breakdown::Subsector,
        IndicatorLevel::Stage => Breakdown::Stage,
    };
    if breakdown != Breakdown::Product && !arguments.product.is_empty() {
        return Err(Failure::usage(anyhow!(
            "--product names single products, which have no {name}: leave out --by {name}, or use --list F.csv",
            name = breakdown.name()
        )));
    }
    let question = IndicatorQuestion {
        importer: arguments.importer.trim().to_uppercase(),
        bloc: Some(scenario.bloc.clone()).filter(|bloc| !bloc.trim().is_empty()),
        base: match arguments.base {
            IndicatorBase::All => Base::All,
            IndicatorBase::ExtraBloc => Base::ExtraBloc,
        },
        breakdown,
        years: arguments.year.clone().unwrap_or_default(),
        products: arguments.product.iter().copied().collect(),
    };
    Ok((scenario, question))
}

fn notes(source: &TradeSource, result: &IndicatorResult) -> Vec<String> {
    let mut notes = Vec::new();
    if source.is_synthetic() {
        notes.push("The trade data are synthetic.".to_owned());
    }
    notes.extend(result.notes.iter().cloned());
    for (key, pick) in [("importer", 0), ("bloc", 1)] {
        let blocs = result.years.iter().map(|year| if pick == 0 { &year.importer } else { &year.bloc });
        let outdated: Vec<&str> = blocs.filter(|bloc| bloc.note.is_some()).map(|bloc| bloc.name.as_str()).collect();
        if let Some(name) = outdated.first().filter(|_| pick == 0 || notes.is_empty()) {
            notes.push(format!(
                "{name} was not the European Union in {} of {} years; `--{key} EU` takes the members of each year.",
                outdated.len(),
                result.years.len()
            ));
        }
    }
    let listed = |codes: &std::collections::BTreeSet<reorient_core::ProductCode>| {
        codes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    let partial = result.codes(CoverageStatus::Partial);
    if !partial.is_empty() && !result.years.iter().any(|year| year.coverage.takes_partial) {
        notes.push(format!("Listed in part, and left out unless `--set map=any`: {}.", listed(&partial)));
    }
    let unmatched = result.codes(CoverageStatus::Unmatched);
    if !unmatched.is_empty() {
        let stand = if unmatched.len() == 1 { "stands" } else { "stand" };
        notes.push(format!("{} of the list {stand} for no product of these data.", counted(unmatched.len(), "code")));
    }
    notes
}
