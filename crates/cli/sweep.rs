//! `reorient sweep` and `reorient sweep merge`.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::anyhow;
use reorient_data::TradeSource;
use reorient_engine::ScenarioError;
use reorient_engine::sweep::{Archive, Moment, Shard, StoredPlan, SweepDone, SweepFile, SweepPlan, SweepWork, WriteLock};
use reorient_files::Limit;
use reorient_folder::Target;
use reorient_report::{Screen, SweepView, counted, display_width, sweep_json, sweep_view};
use serde_json::json;

use crate::arguments::{Sweep, SweepCommand, SweepMerge, Talk};
use crate::pace::Pace;
use crate::run::use_threads;
use crate::{remote, talk};
use reorient_app::{
    Failure, NOT_CERTIFIED, UNSOLVED, compare_archives, open_sweep, open_sweep_in, sweep_manifest, write_dataset,
};

/// Plans, answers what is not stored yet, and writes the dataset.
pub(crate) fn sweep(arguments: &Sweep, talk: &Talk) -> Result<ExitCode, Failure> {
    if let Some(SweepCommand::Merge(merge)) = &arguments.command {
        return self::merge(merge, talk);
    }
    use_threads(arguments.threads)?;
    let shard = shard(arguments.shard, &|name| std::env::var(name).ok())?;
    // The parser asks for a file where there is no further command.
    let file = arguments.file.as_deref().unwrap_or(Path::new("sweep.toml"));
    let mut sweep = read(file)?;
    let source = match &arguments.trade {
        Some(path) => remote::trade(path, &arguments.opening.into())?,
        None => TradeSource::embedded()?,
    };
    if let Some(years) = &arguments.year {
        sweep.set_years(years, &source)?;
    }
    let plan = SweepPlan::new(sweep, &source)?;
    talk::notes(&plan.require_rows(&source)?);
    for excluded in plan.excluded().iter().filter(|excluded| excluded.combinations == 0) {
        tracing::warn!("{}: this exclusion leaves nothing out", excluded.place);
    }
    let (reads, baselines) = plan.n_shared();
    tracing::debug!(scenarios = plan.len(), reads, baselines, "planned");
    if arguments.dry_run {
        return dry_run(&plan, &source, shard, arguments, talk);
    }
    let Some(out) = arguments.out.as_deref() else { return Err(Failure::usage(anyhow!("name a folder with --out"))) };
    let read = [arguments.file.clone(), arguments.trade.clone()].into_iter().flatten();
    let target = Target::new(out).force(arguments.force).reading(read);
    // A folder that is not there shall not be found out at the end of the night.
    arguments.diff.as_deref().map(|other| remote::open(other, None)).transpose()?;
    let stop = stop_on_signals()?;
    let (mut archive, _lock) = to_write(&target, arguments.store.as_deref(), StoredPlan::new(&plan, &source), shard)?;
    let done = work(&plan, &source, &mut archive, shard, &stop, arguments, talk)?;
    talk::data_notes(&source);
    if done.stopped || stop.load(Ordering::Relaxed) {
        return Err(interrupted(&done, out));
    }
    if shard != Shard::WHOLE {
        let SweepDone { scenarios, stored, answered, .. } = done;
        let missing = archive.n_missing();
        tracing::info!(scenarios, stored, answered, "shard {shard} of `{}` is complete in {}", plan.title(), out.display());
        if !talk.quiet && !arguments.json {
            let store = arguments.store.as_ref().map_or_else(String::new, |url| format!(" --store {url}"));
            let then = format!("`reorient sweep merge {}{store}` writes the dataset when all shards are", out.display());
            let text = format!("shard {shard}: all {scenarios} scenarios stored, {missing} of other shards were missing; {then}");
            talk::print(&format!("{}\n", Screen::stdout().hanging(&text, "  ")))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    publish(out, &archive, arguments.diff.as_deref(), &stop, Some(&done), arguments.json, talk)
}

/// Writes the dataset of what shards have stored, here and in other folders.
fn merge(arguments: &SweepMerge, talk: &Talk) -> Result<ExitCode, Failure> {
    let out = &arguments.directory;
    let stop = stop_on_signals()?;
    let store = arguments.store.as_deref();
    let plan = remote::open(out, store)?.plan().clone();
    let (mut archive, _lock) = to_write(&Target::new(out).force(arguments.force), store, plan, Shard::WHOLE)?;
    for other in &arguments.from {
        let segments = remote::take(&mut archive, other)?;
        tracing::info!(segments, "taken over from {}", other.display());
    }
    let missing = archive.n_missing();
    if missing > 0 {
        let all = archive.plan().scenarios.len();
        let first = archive.plan().scenarios.iter().find(|(_, key)| !archive.holds(key)).map_or("", |(name, _)| name);
        let problem = "run the shards that are not complete, or the whole sweep, and merge again";
        return Err(Failure::interrupted(anyhow!("{missing} of {all} scenarios have no result, `{first}` first: {problem}")));
    }
    publish(out, &archive, arguments.diff.as_deref(), &stop, None, arguments.json, talk)
}

/// The folder, locked for this shard, and the store in it or elsewhere, with the plan in it.
fn to_write(target: &Target, store: Option<&str>, plan: StoredPlan, shard: Shard) -> Result<(Archive, WriteLock), Failure> {
    match store {
        Some(url) => open_sweep_in(target, remote::to_write(url)?, plan, shard),
        None => open_sweep(target, plan, shard, watch()),
    }
}

fn read(file: &Path) -> Result<SweepFile, Failure> {
    let text = reorient_files::read_text(file, Limit::SWEEP)?;
    // The name of the table stands in the file: that it cannot be read is told with the line.
    let table = |path: &Path| {
        reorient_files::read_text(path, Limit::SWEEP_TABLE).map_err(|error| ScenarioError::Sweep(error.to_string()))
    };
    Ok(SweepFile::parse(&text, file, &table)?)
}

/// Answers what is not stored.
fn work(
    plan: &SweepPlan,
    source: &TradeSource,
    archive: &mut Archive,
    shard: Shard,
    stop: &AtomicBool,
    arguments: &Sweep,
    talk: &Talk,
) -> Result<SweepDone, Failure> {
    let n_pending = reorient_engine::sweep::pending(plan, archive, shard).len();
    let (reads, baselines) = plan.n_shared();
    tracing::info!(
        scenarios = plan.len(),
        to_answer = n_pending,
        reads,
        baselines,
        "sweep `{}`{}",
        plan.title(),
        if shard == Shard::WHOLE { String::new() } else { format!(", shard {shard}") }
    );
    let bar = talk::progress(n_pending as u64, "scenarios", talk);
    let pace = Pace::new(n_pending, arguments.log_every, bar.is_hidden());
    let progress = || {
        bar.inc(1);
        pace.tick();
    };
    let work = SweepWork { shard, per_segment: arguments.segment, stop, progress: &progress };
    let done = reorient_engine::sweep::sweep(plan, source, archive, &work);
    bar.finish_and_clear();
    let done = done?;
    let seconds = pace.seconds();
    let per_second = pace.per_second();
    let writing_ms = u64::try_from(done.writing.as_millis()).unwrap_or(u64::MAX);
    tracing::info!(answered = done.answered, stored_before = done.stored, seconds, per_second, writing_ms, "answered");
    Ok(done)
}

fn interrupted(done: &SweepDone, out: &Path) -> Failure {
    let (left, out) = (done.scenarios - done.stored - done.answered, out.display());
    Failure::interrupted(anyhow!(
        "interrupted with {} answered and stored, {left} left; the same command goes on from there ({out})",
        counted(done.answered, "scenario")
    ))
}

/// The dataset from the store alone, and the view of it.
fn publish(
    out: &Path,
    archive: &Archive,
    other: Option<&Path>,
    stop: &AtomicBool,
    done: Option<&SweepDone>,
    as_json: bool,
    talk: &Talk,
) -> Result<ExitCode, Failure> {
    let comparison = other.map(|other| compare_archives(archive, &remote::open(other, None)?)).transpose()?;
    let summary = write_dataset(out, archive, comparison.as_ref(), stop)?;
    let counts = &summary.counts;
    let plan = archive.plan();
    if as_json {
        let mut object = sweep_json(&summary, comparison.as_ref());
        object["manifest"] = serde_json::to_value(sweep_manifest(plan)).map_err(Failure::internal)?;
        object["work"] = done.map_or(serde_json::Value::Null, |done| json!({"stored": done.stored, "answered": done.answered}));
        talk::print_json(&object)?;
    } else if !talk.quiet {
        let synthetic = if plan.synthetic { " · SYNTHETIC DATA" } else { "" };
        let title = format!("Sweep {} · {}{synthetic}", plan.title, plan.source);
        let view = SweepView { title: &title, summary: &summary, comparison: comparison.as_ref(), screen: Screen::stdout() };
        talk::print(&sweep_view(&view))?;
    }
    let changed = comparison.as_ref().map(|comparison| comparison.rows.len());
    // One line for mail and monitoring, the last of all.
    tracing::info!(
        scenarios = counts.scenarios,
        answered = counts.answered,
        open = counts.open,
        refused = counts.refused,
        not_certified = counts.not_certified,
        changed,
        "sweep `{}` is complete in {}",
        plan.title,
        out.display()
    );
    Ok(match counts {
        counts if counts.not_certified > 0 => ExitCode::from(NOT_CERTIFIED),
        counts if counts.open + counts.refused > 0 => ExitCode::from(UNSOLVED),
        _ => ExitCode::SUCCESS,
    })
}

/// What would run, and why.
fn dry_run(plan: &SweepPlan, source: &TradeSource, shard: Shard, arguments: &Sweep, talk: &Talk) -> Result<ExitCode, Failure> {
    let archive = match (&arguments.store, &arguments.out) {
        (Some(url), _) => Some(Archive::peek_in(remote::to_read(url)?, StoredPlan::new(plan, source))?),
        (None, Some(out)) => Some(Archive::peek(out, StoredPlan::new(plan, source))?),
        (None, None) => None,
    };
    for damaged in archive.iter().flat_map(|archive| archive.damaged()) {
        tracing::warn!("{damaged}; its scenarios would be answered again");
    }
    let range = shard.range(plan.len());
    let mut counts = [0_usize; 4];
    let screen = Screen::stdout();
    let mut lines = String::new();
    let mut rows = Vec::new();
    for at in 0..plan.len() {
        let is_stored = archive.as_ref().is_some_and(|archive| archive.holds(&plan.key(at)));
        let (of, state, why) = match plan.same_as(at) {
            _ if !range.contains(&at) => (3, "other", "of another shard".to_owned()),
            Some(first) => (2, "same", format!("asks what scenario {} asks", first + 1)),
            None if is_stored => (1, "stored", "its result is in the store".to_owned()),
            None if archive.is_some() => (0, "run", "no result of these inputs is in the store".to_owned()),
            None => (0, "run", "no store was named".to_owned()),
        };
        counts[of] += 1;
        if arguments.json {
            rows.push(json!({"scenario": at + 1, "name": plan.name(at), "state": state, "why": why}));
        } else {
            // Long names go on below themselves: nothing is cut from what people search in. A program gets a line for each scenario.
            let start = format!("{:>8}  {state:<7} ", at + 1);
            let whole = format!("{start}{}  ({why})", plan.name(at));
            let fits = Screen::told().is_none() || display_width(&whole) <= screen.width();
            let margin = " ".repeat(start.len());
            let wrapped = || format!("{start}{}", screen.beside(&format!("{} ({why})", plan.name(at)), &margin));
            lines.push_str(&if fits { whole } else { wrapped() });
            lines.push('\n');
        }
    }
    let (reads, baselines) = plan.n_shared();
    let [run, stored, same, other] = counts;
    if arguments.json {
        let excluded: Vec<_> =
            plan.excluded().iter().map(|own| json!({"place": own.place, "combinations": own.combinations})).collect();
        let object = json!({
            "title": plan.title(), "scenarios": rows, "run": run, "stored": stored, "same": same, "other_shards": other,
            "excluded": excluded, "reads": reads, "baselines": baselines,
        });
        talk::print_json(&object)?;
        return Ok(ExitCode::SUCCESS);
    }
    for excluded in plan.excluded() {
        let text = format!("excluded by {}: {}", excluded.place, counted(excluded.combinations, "combination"));
        lines.push_str(&format!("{}\n", screen.hanging(&text, "  ")));
    }
    let others = if shard == Shard::WHOLE { String::new() } else { format!(", {other} of other shards") };
    let summary = format!(
        "{} scenarios: {run} to run, {stored} stored, {same} the same as others{others}; reads of data: {reads}, baselines: \
         {baselines}",
        plan.len()
    );
    lines.push_str(&format!("{}\n", screen.hanging(&summary, "  ")));
    if !talk.quiet {
        talk::print(&lines)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// As asked for, or from the environment of a Slurm array.
fn shard(asked: Option<Shard>, variable: &dyn Fn(&str) -> Option<String>) -> Result<Shard, Failure> {
    let number = |name: &str| -> Result<Option<u32>, Failure> {
        let Some(text) = variable(name).filter(|text| !text.is_empty()) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| Failure::usage(anyhow!("{name} = {text} is no number; give --shard")))
    };
    if let Some(shard) = asked {
        return Ok(shard);
    }
    let Some(task) = number("SLURM_ARRAY_TASK_ID")? else { return Ok(Shard::WHOLE) };
    let Some(of) = number("SLURM_ARRAY_TASK_COUNT")? else {
        return Err(Failure::usage(anyhow!(
            "SLURM_ARRAY_TASK_ID is {task}, but SLURM_ARRAY_TASK_COUNT does not say of how many: give --shard i/n"
        )));
    };
    let first = number("SLURM_ARRAY_TASK_MIN")?.unwrap_or(0);
    let step = number("SLURM_ARRAY_TASK_STEP")?.unwrap_or(1).max(1);
    let index = task.checked_sub(first).map(|past| past / step + 1).filter(|index| (1..=of).contains(index));
    let index =
        index.ok_or_else(|| Failure::usage(anyhow!("SLURM_ARRAY_TASK_ID = {task} is not among {of} tasks from {first}")))?;
    Ok(Shard { index, of })
}

/// Becomes true on SIGTERM and SIGINT; a second one ends the program at once.
fn stop_on_signals() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
        let at_once = signal_hook::flag::register_conditional_shutdown(signal, 75, Arc::clone(&stop));
        at_once.and_then(|_| signal_hook::flag::register(signal, Arc::clone(&stop))).map_err(Failure::internal)?;
    }
    Ok(stop)
}

/// Nobody looks on in a program that is not built for tests.
#[cfg(not(feature = "fault-points"))]
fn watch() -> Box<dyn Fn(Moment) + Send + Sync> {
    Box::new(|_| {})
}

/// Ends the program, as a power cut would, at a moment that tests choose; nothing without their variable.
#[cfg(feature = "fault-points")]
fn watch() -> Box<dyn Fn(Moment) + Send + Sync> {
    use std::sync::atomic::AtomicUsize;
    let Some(wish) = std::env::var("REORIENT_TEST_KILL").ok() else { return Box::new(|_| {}) };
    let (moment, count) = wish.split_once(':').unwrap_or((&wish, "1"));
    let moment = match moment {
        "before-write" => Moment::BeforeWrite,
        "after-write" => Moment::AfterWrite,
        "before-rename" => Moment::BeforeRename,
        _ => Moment::AfterRename,
    };
    let left = AtomicUsize::new(count.parse().unwrap_or(1));
    Box::new(move |own| {
        if own == moment && left.fetch_sub(1, Ordering::Relaxed) == 1 {
            #[cfg(unix)]
            let _ = signal_hook::low_level::raise(signal_hook::consts::SIGKILL);
        }
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_slurm_array_is_a_set_of_shards() {
        let of = |variables: &[(&str, &str)]| {
            let find = |name: &str| variables.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned());
            shard(None, &find).map(|shard| shard.to_string()).map_err(|failure| failure.to_string())
        };
        let array = |task: &'static str, min: &'static str, step: &'static str| {
            of(&[
                ("SLURM_ARRAY_TASK_ID", task),
                ("SLURM_ARRAY_TASK_COUNT", "4"),
                ("SLURM_ARRAY_TASK_MIN", min),
                ("SLURM_ARRAY_TASK_STEP", step),
            ])
        };
        assert_eq!(of(&[]).unwrap(), "1/1");
        assert_eq!(array("0", "0", "1").unwrap(), "1/4");
        assert_eq!(array("4", "1", "1").unwrap(), "4/4");
        assert_eq!(array("12", "0", "4").unwrap(), "4/4");
        assert!(array("9", "0", "1").unwrap_err().contains("not among 4"));
        assert!(of(&[("SLURM_ARRAY_TASK_ID", "2")]).unwrap_err().contains("--shard"));
        let asked = Shard { index: 2, of: 3 };
        assert_eq!(shard(Some(asked), &|_| Some("0".to_owned())).unwrap(), asked);
    }
}
