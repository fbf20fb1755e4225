//! `reorient run`.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use reorient_core::{CountryTable, Fraction, ProductCode};
use reorient_data::TradeSource;
use reorient_engine::{
    Bloc, CoverageRow, CoverageStatus, FillChoice, Given, HIGHS_VERSION, KEYS, RunResult, Scenario, margin_sentences,
};
use reorient_files::Limit;
use reorient_folder::Target;
use reorient_metrics::Collection;
use reorient_model::{CountrySet, Frontier, NanoUsd};
use reorient_report::{
    Figure, FigureContext, FolderOptions, FrontierPoint, Screen, TerminalOptions, counted, decimal, grouped, json, kind,
    terminal, usd, write_folder,
};

use crate::arguments::{Question, Run, Study, Talk};
use crate::panel;
use crate::remote;
use crate::talk;
use reorient_app::{Failure, UNSOLVED, coverage_lines, label, run_manifest, unchecked};

/// Partial codes named in the view; the folder has all.
const NAMED: usize = 8;

/// Answers the question, prints it, writes the folder.
pub(crate) fn run(arguments: &Run, talk: &Talk) -> Result<ExitCode, Failure> {
    if let Some(years) = panel::years(&arguments.study.question)? {
        return panel::panel(arguments, &years, talk);
    }
    let started = Instant::now();
    let scenario = scenario_of(arguments, &arguments.study)?;
    let target = target(&arguments.study, kind::RESULT, &scenario)?;
    let source = open(&arguments.study.question)?;
    if HIGHS_VERSION.is_none() {
        tracing::info!("built without HiGHS: every program is solved by its closed form");
    }

    let bar = talk::progress(0, "products", talk);
    let result = reorient_engine::run(&source, &scenario, &|total| bar.set_length(total), &|| bar.inc(1));
    bar.finish_and_clear();
    let result = result?;
    for (product, reason) in &result.unsolved {
        tracing::warn!("product {product} is unsolved: {reason}");
    }

    if arguments.study.json {
        talk::data_notes(&source);
    }
    let mut manifest = run_manifest(&source, &scenario, &result)?;
    manifest.timings_ms.insert("total".to_owned(), milliseconds(started));
    if let Some(target) = &target {
        let figures = if arguments.figures { figures(&source, &scenario, &result)? } else { Vec::new() };
        let options = FolderOptions { csv_flows: arguments.csv, figures };
        write_folder(target, &result.collection, source.countries(), &manifest, &coverage_lines(&result.coverage), &options)?;
        tracing::info!("results in {}", target.path().display());
    }
    if arguments.study.json {
        let mut object = json(&result.collection, source.countries(), &manifest);
        object["notes"] = result.notes.clone().into();
        talk::notes(&result.notes);
        talk::print_json(&object)?;
    } else if !talk.quiet {
        talk::print(&view(&source, &result, &scenario))?;
    }
    let open = result.collection.headline.infeasible + result.collection.headline.unsolved;
    Ok(if open > 0 { ExitCode::from(UNSOLVED) } else { ExitCode::SUCCESS })
}

/// The scenario of a run or a panel, with its solver.
pub(crate) fn scenario_of(arguments: &Run, study: &Study) -> Result<Scenario, Failure> {
    let mut scenario = question(study)?;
    if let Some(solver) = &arguments.solver {
        once(&study.question.set, "solver", solver, &format!("--solver {solver}"))?;
        scenario.set("solver", solver)?;
    }
    scenario.cross_check = arguments.cross_check;
    Ok(scenario)
}

/// Refuses settings of which one would be lost: two of a key, or one beside an option of its own, which is written as `how`.
pub(crate) fn once(settings: &[String], key: &str, value: &str, how: &str) -> Result<(), Failure> {
    let mut given = Given::default();
    let settings = settings.iter().filter_map(|setting| Some((setting, setting.split_once('=')?)));
    for (setting, (key, value)) in settings {
        given.take(key, value, &format!("--set {setting}"))?;
    }
    Ok(given.take(key, value, how)?)
}

/// Sets the threads and resolves the scenario with its list.
pub(crate) fn question(study: &Study) -> Result<Scenario, Failure> {
    use_threads(study.threads)?;
    let mut scenario = scenario(&study.question)?;
    if let Some(list) = &study.list {
        once(&study.question.set, "list", list, &format!("--list {list}"))?;
        scenario.set("list", list)?;
    }
    Ok(scenario)
}

/// Where a study writes its files, if anywhere. What stands in the way is said before the work begins.
pub(crate) fn target(study: &Study, kind: &str, scenario: &Scenario) -> Result<Option<Target>, Failure> {
    let Some(out) = &study.out else { return Ok(None) };
    let list = scenario.list.file().map(Path::to_path_buf);
    let read = [study.question.trade.clone(), study.question.scenario.clone(), list];
    let target = Target::new(out).force(study.force).reading(read.into_iter().flatten());
    target.look(kind, None)?;
    Ok(Some(target))
}

/// Sets the number of threads, where one is asked for.
pub(crate) fn use_threads(threads: Option<u16>) -> Result<(), Failure> {
    match threads {
        Some(threads) => {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(usize::from(threads));
            pool.build_global().map_err(Failure::internal)
        }
        None => Ok(()),
    }
}

/// Opens the named trade data, or the embedded sample.
pub(crate) fn open(question: &Question) -> Result<TradeSource, Failure> {
    Ok(match &question.trade {
        Some(path) => remote::trade(path, &question.opening.into())?,
        None => TradeSource::embedded()?,
    })
}

/// Defaults, then the file, then `--set`, then options of their own.
pub(crate) fn scenario(question: &Question) -> Result<Scenario, Failure> {
    settled(Scenario::default(), question)
}

/// A scenario with the file, then `--set`, then options of their own on top.
pub(crate) fn settled(mut scenario: Scenario, question: &Question) -> Result<Scenario, Failure> {
    if let Some(path) = &question.scenario {
        let name = path.display().to_string();
        scenario.set_from_toml(&reorient_files::read_text(path, Limit::SCENARIO)?, &name)?;
    }
    let mut given = Given::default();
    for setting in &question.set {
        if let Some((key, value)) = setting.split_once('=') {
            given.take(key, value, &format!("--set {setting}"))?;
        }
        scenario.set_from_text(setting)?;
    }
    if let Some(year) = &question.year {
        given.take("year", year, &format!("--year {year}"))?;
        scenario.set("year", year)?;
    }
    Ok(scenario)
}

fn view(source: &TradeSource, result: &RunResult, scenario: &Scenario) -> String {
    let mut leading = source.notes();
    leading.extend(unchecked(&result.inputs));
    leading.extend(margin_sentences(source, &result.coverage));
    terminal(
        &result.collection,
        source.countries(),
        &TerminalOptions {
            screen: Screen::stdout(),
            bloc: &result.bloc.title(source.countries()),
            one_country: result.bloc.is_one_country(),
            source: &label(source, &result.scenario),
            leading: &leading,
            notes: &notes(source, result, scenario),
        },
    )
}

fn notes(source: &TradeSource, result: &RunResult, scenario: &Scenario) -> Vec<String> {
    let coverage = &result.coverage;
    let musd = |amount: reorient_core::Usd| grouped(&decimal(i128::from(amount.get()), 1_000_000, 1));
    let mut notes = Vec::new();
    if source.is_synthetic() {
        notes.push("The trade data are synthetic.".to_owned());
    }
    if let Some(note) = &result.bloc.note {
        notes.push(note.clone());
    }
    notes.extend(result.notes.iter().cloned());
    if scenario.fill == FillChoice::Vertex {
        notes.push(
            "The declared point is a vertex of HiGHS's (tie-break.fill = vertex): another solver or version may give another one. \
             Only the ranges are unique."
                .to_owned(),
        );
    }
    let of_status = |status: CoverageStatus, one: &str, what: &str| {
        let rows: Vec<&CoverageRow> = coverage.of(status).collect();
        let value = if rows.iter().any(|row| row.imports.is_some()) {
            format!(" ({} M$)", musd(coverage.imports(status)))
        } else {
            String::new()
        };
        let count = if one.is_empty() { rows.len().to_string() } else { counted(rows.len(), one) };
        format!("{count} {what}{value}")
    };
    if coverage.rows.iter().any(|row| row.status != CoverageStatus::Matched) {
        let map = result.scenario.get("map").map_or("", String::as_str);
        notes.push(format!(
            "Coverage of the list: {}, {} (map = {map}), {}, {}.",
            of_status(CoverageStatus::Matched, "product", "matched"),
            of_status(CoverageStatus::Partial, "", "listed in part"),
            of_status(CoverageStatus::WithoutTrade, "", "without a row in these data"),
            of_status(CoverageStatus::Unmatched, "code", "unmatched"),
        ));
    }
    let mut partial: Vec<&CoverageRow> = coverage.of(CoverageStatus::Partial).collect();
    if !partial.is_empty() {
        partial.sort_by_key(|row| (std::cmp::Reverse(row.imports), row.code));
        let named = partial.iter().take(NAMED).map(|row| format!("{} ({} M$)", row.code, musd(row.imports.unwrap_or_default())));
        let more = if partial.len() > NAMED { ", the largest" } else { "" };
        notes.push(format!("Listed in part{more}: {}.", named.collect::<Vec<_>>().join(", ")));
    }
    let wider: Vec<&CoverageRow> = coverage.of(CoverageStatus::Matched).filter(|row| !row.also_holds.is_empty()).collect();
    if !wider.is_empty() {
        let named = wider.iter().take(NAMED).map(|row| row.code.to_string()).collect::<Vec<_>>().join(", ");
        let more = if wider.len() > NAMED { " and others" } else { "" };
        notes.push(format!(
            "Taken with codes that are not listed, which HS 2022 split off: {named}{more} (map = main; `also_holds` in coverage.csv)."
        ));
    }
    let listed = |codes: &[ProductCode]| codes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    for (codes, what) in [
        (&coverage.unknown, "No codes of the list's HS revision"),
        (&coverage.repeated, "Twice on the list with the same place, counted once"),
        (&coverage.padded, "Read with the leading zero that the list leaves out"),
    ] {
        if !codes.is_empty() {
            notes.push(format!("{what}: {}.", listed(codes)));
        }
    }
    for row in coverage.of(CoverageStatus::Alias) {
        notes.push(format!("{} stands for {} of heading 2710 (alias = 271000).", row.code, counted(row.listed, "listed code")));
    }
    let mut unmatched: Vec<&CoverageRow> = coverage.of(CoverageStatus::Unmatched).collect();
    unmatched.extend(coverage.of(CoverageStatus::WithoutTrade));
    if unmatched.iter().any(|row| row.code.as_str().starts_with("2710")) {
        notes.push("BACI files all of heading 2710 under 271000: `--set alias=271000` takes it for the listed codes.".to_owned());
    }
    notes
}

/// What the figures of a run are drawn of.
pub(crate) struct Drawn<'a> {
    pub(crate) collection: &'a Collection,
    pub(crate) countries: &'a CountryTable,
    pub(crate) curve: &'a Frontier,
    pub(crate) scenario: &'a Scenario,
    pub(crate) resolved: &'a BTreeMap<String, String>,
    pub(crate) bloc: &'a Bloc,
    pub(crate) risk: &'a CountrySet,
    pub(crate) source: &'a str,
    pub(crate) synthetic: bool,
    pub(crate) version: &'a str,
}

impl Drawn<'_> {
    /// Figures 10 and 11, Table A.1 and the frontier.
    pub(crate) fn figures(&self) -> Result<Vec<Figure>, Failure> {
        let Self { collection, countries, curve, scenario, resolved, .. } = *self;
        let share = |point: &reorient_model::FrontierPoint| {
            let imports = NanoUsd::from_scaled(curve.imports, curve.scale).to_dollars();
            if imports > 0.0 { point.risk.to_nano(curve.scale).to_dollars() / imports * 100.0 } else { 0.0 }
        };
        let points: Vec<FrontierPoint> =
            curve.points.iter().map(|point| FrontierPoint { cap: point.cap.to_f64(), risk_pct: share(point) }).collect();
        let options = in_words(countries, scenario, resolved, self.risk) + &missing(collection.headline.unmet);
        let context = FigureContext {
            source: self.source,
            bloc: &self.bloc.title(countries),
            options: &options,
            cap: Some(scenario.cap.to_f64()),
            synthetic: self.synthetic,
            version: self.version,
        };
        reorient_report::figures(collection, countries, &points, &context).map_err(Failure::internal)
    }
}

/// The figures of what was answered.
pub(crate) fn figures(source: &TradeSource, scenario: &Scenario, result: &RunResult) -> Result<Vec<Figure>, Failure> {
    let frontier = reorient_engine::frontier(source, scenario)?;
    if frontier.inputs != result.inputs {
        // The rows cannot be others, as the source sees to that.
        let list = frontier.inputs.last().map_or_else(String::new, |input| input.name.clone());
        return Err(reorient_data::DataError::Changed { file: list }.into());
    }
    let drawn = Drawn {
        collection: &result.collection,
        countries: source.countries(),
        curve: &frontier.frontier,
        scenario,
        resolved: &result.scenario,
        bloc: &result.bloc,
        risk: &result.risk,
        source: &label(source, &result.scenario),
        synthetic: source.is_synthetic(),
        version: env!("CARGO_PKG_VERSION"),
    };
    drawn.figures()
}

/// Of figures: a share that falls because goods are missing must not be read as a success.
pub(crate) fn missing(unmet: NanoUsd) -> String {
    if unmet > NanoUsd::default() {
        format!(". Of the imports {} cannot be supplied by anybody under these options", usd(unmet))
    } else {
        String::new()
    }
}

/// The scenario as a sentence: the cap, the risk origins by name, and every key that is not at its default.
pub(crate) fn in_words(
    countries: &CountryTable,
    scenario: &Scenario,
    resolved: &BTreeMap<String, String>,
    risk: &CountrySet,
) -> String {
    let of = |key: &str| resolved.get(key).map_or("", String::as_str);
    let basis = match of("cap-basis") {
        "exporter-world" => "of an exporter's exports to the world",
        "exporter-extra-bloc" => "of an exporter's exports to others than the bloc",
        "bloc-flow" => "of what the bloc buys from an exporter",
        "bloc-market" => "of what the bloc buys from everybody",
        _ => "of what the world buys",
    };
    let points = percentage_points(scenario.cap);
    let risk: Vec<&str> = risk.iter().map(|index| countries.country(index).name.as_str()).collect();
    let mut words = vec![format!("cap of {points} % {basis}"), format!("risk origins {}", risk.join(", "))];
    let named = ["cap", "cap-basis", "risk", "year", "bloc", "solver", "links"];
    for key in KEYS.iter().filter(|key| !named.contains(&key.name) && of(key.name) != key.default) {
        words.push(format!("{} {}", key.name, of(key.name)));
    }
    words.push("all else at its default".to_owned());
    words.join("; ")
}

/// A share in percentage points, exact: 0.07 times 100 is not 7 in doubles.
pub(crate) fn percentage_points(share: Fraction) -> String {
    Fraction::new(share.numerator() * 100, share.denominator()).unwrap_or(share).to_string()
}

fn milliseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
