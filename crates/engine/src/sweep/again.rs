//! Stored results held against what they follow from: the question that each says it answers, and the trade.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rayon::prelude::*;
use reorient_core::{file_name, shown};
use reorient_data::{InputFile, Integrity, TradeSource};
use serde_json::Value;

use super::archive::{Archive, Stored, StoredPlan};
use super::error::{StoreError, SweepError};
use super::key::{Key, QuestionHasher};
use super::plan::PlanInput;
use super::record::SweepRecord;
use super::work::answer;
use crate::EngineError;
use crate::prepare::{Prepared, Session};
use crate::scenario::{ListChoice, Scenario, ScenarioError};

/// Most scenarios that are prepared at once.
const BATCH: usize = 64;

impl Archive {
    /// Holds every stored document against what it says of itself: it is written as this version writes it, and its scenario, which is
    /// in one spelling, is the question that it is filed under.
    ///
    /// # Errors
    /// [`StoreError`] with the first that is not.
    pub fn check_documents(&self) -> Result<(), StoreError> {
        let n_scenarios = self.plan().question.get("scenarios").and_then(|count| count.parse().ok());
        if n_scenarios != Some(self.plan().scenarios.len()) {
            let problem = format!("it holds {} scenarios, and not as many as it says", self.plan().scenarios.len());
            return Err(StoreError::Differs { place: "the plan of the sweep".to_owned(), problem });
        }
        let mut seen = HashSet::new();
        let firsts: Vec<_> = self.plan().scenarios.iter().filter(|(_, key)| seen.insert(*key)).collect();
        firsts.par_iter().try_for_each(|(_, key)| self.stored(key)?.map_or(Ok(()), |stored| check(&stored, self.plan())))
    }
}

/// One document against what it says of itself.
fn check(stored: &Stored<'_>, plan: &StoredPlan) -> Result<(), StoreError> {
    let Stored { file, document, record } = stored;
    let damaged = |problem: String| StoreError::Damaged { file: (*file).to_owned(), problem };
    if record.to_document(&plan.countries) != *document {
        return Err(damaged("a result is not written as this version writes it".to_owned()));
    }
    match asked(record, plan) {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(damaged("the scenario of a result is not the question that it answers".to_owned())),
        Err(error) => Err(damaged(format!("the scenario of a result cannot be asked: {error}"))),
    }
}

/// The scenario of a result, if it is the question that the result answers.
fn asked(record: &SweepRecord, plan: &StoredPlan) -> Result<Option<Scenario>, ScenarioError> {
    let name = named_list(record);
    // A file may have the name of what the program has.
    let shipped = matches!(name, "critical" | "all").then_some(None);
    for list in shipped.into_iter().chain([Some(Path::new(name))]) {
        let scenario = Scenario::of_resolved(&record.resolved, list)?;
        let year = scenario.resolve_year(scenario.year.as_slice())?;
        let bloc = scenario.resolve_bloc(&plan.countries, year)?;
        let policy = scenario.policy(&plan.countries, year, &bloc)?;
        let text = scenario.question_text(&plan.countries, year, &bloc, &policy);
        let is_asked = QuestionHasher::hash(&text, &scenario) == record.question;
        // The hash of what HiGHS answers holds its version, which another build does not have, and that of a list the letters of a
        // name as they are, which a result shows escaped or cut short.
        let is_untold = QuestionHasher::is_by_highs(&scenario) || name.contains(['\\', '…']);
        if (is_asked || is_untold) && scenario.resolved_in_codes(&plan.countries, year, &bloc)? == record.resolved {
            return Ok(Some(scenario));
        }
    }
    Ok(None)
}

fn named_list(record: &SweepRecord) -> &str {
    record.resolved.get("list").map_or("", String::as_str)
}

/// Answers some scenarios again from the trade that they were answered from, and compares what is stored byte for byte. They are
/// chosen by the order of their keys, evenly over all of them, so that a plan always gives the same ones. `lists` are the files of
/// lists that scenarios name. Returns how many were answered.
///
/// # Errors
/// [`SweepError`] when the data are others than those of the plan, a result differs or is missing, or the data cannot be read.
pub fn answer_again(
    archive: &Archive,
    source: &TradeSource,
    lists: &[PathBuf],
    n: usize,
    progress: &(dyn Fn() + Sync),
) -> Result<usize, SweepError> {
    let plan = archive.plan();
    let chosen = choose(plan, n);
    let scenarios = chosen
        .iter()
        .map(|(name, key)| {
            let (question, scenario) = scenario(archive, name, key, lists)?;
            Ok((name.as_str(), *key, question, scenario))
        })
        .collect::<Result<Vec<_>, SweepError>>()?;
    require_same_data(plan, source, scenarios.iter().map(|(.., scenario)| scenario))?;
    let mut session = Session::new(source);
    let benches = Mutex::new(Vec::new());
    for batch in scenarios.chunks(BATCH) {
        let prepare = |(name, key, question, scenario): &(&str, Key, Key, Scenario)| -> Result<_, SweepError> {
            let prepared = session.prepare(scenario)?;
            if question.with_inputs(&prepared.dataset.inputs_key) != *key {
                return Err(other_input(plan, name, &prepared).into());
            }
            session.keep_baseline_of(&prepared);
            Ok(prepared)
        };
        let prepared = batch.iter().map(prepare).collect::<Result<Vec<_>, _>>()?;
        batch.par_iter().zip(&prepared).with_max_len(1).try_for_each(
            |((name, key, question, scenario), prepared)| -> Result<(), SweepError> {
                let answered = answer(*question, scenario, prepared, source, &benches)?.to_document(source.countries());
                let stored = archive.stored(key)?.ok_or_else(|| missing(name))?;
                progress();
                if stored.document == answered {
                    Ok(())
                } else {
                    Err(differs(name, stored.file, &stored.document, &answered).into())
                }
            },
        )?;
    }
    Ok(scenarios.len())
}

/// Name and key of some scenarios of a plan, in its order.
fn choose(plan: &StoredPlan, n: usize) -> Vec<(String, Key)> {
    let mut seen = HashSet::new();
    let mut all: Vec<(Key, usize)> = Vec::with_capacity(plan.scenarios.len());
    all.extend(plan.scenarios.iter().enumerate().filter(|(_, (_, key))| seen.insert(*key)).map(|(at, (_, key))| (*key, at)));
    all.sort_unstable();
    let n = n.min(all.len());
    let mut chosen: Vec<usize> = (0..n).map(|step| all[step * all.len() / n].1).collect();
    chosen.sort_unstable();
    chosen.into_iter().map(|at| plan.scenarios[at].clone()).collect()
}

fn missing(name: &str) -> StoreError {
    let problem = "it has no result in the store; run the sweep's own command again";
    StoreError::Differs { place: format!("scenario `{}`", shown(name)), problem: problem.to_owned() }
}

/// The question that a stored result answers, and its scenario with the file of its list.
fn scenario(archive: &Archive, name: &str, key: &Key, lists: &[PathBuf]) -> Result<(Key, Scenario), SweepError> {
    let stored = archive.stored(key)?.ok_or_else(|| missing(name))?;
    check(&stored, archive.plan())?;
    let asked = asked(&stored.record, archive.plan()).map_err(EngineError::from)?;
    let mut scenario = asked.ok_or_else(|| missing(name))?;
    if let ListChoice::File(path) = &mut scenario.list {
        let named = named_list(&stored.record);
        let file = lists.iter().find(|file| file_name(file) == named).ok_or_else(|| {
            let problem = format!("scenario `{}` was asked of the list {}: name its file with --list", shown(name), shown(named));
            EngineError::from(ScenarioError::Sweep(problem))
        })?;
        path.clone_from(file);
    }
    Ok((stored.record.question, scenario))
}

/// Other data are told before anything is answered.
fn require_same_data<'a>(
    plan: &StoredPlan,
    source: &TradeSource,
    scenarios: impl Iterator<Item = &'a Scenario>,
) -> Result<(), SweepError> {
    let other = |problem: String| Err(StoreError::Differs { place: source.label().to_owned(), problem }.into());
    let years: BTreeSet<_> = scenarios.filter_map(|scenario| scenario.year).collect();
    for year in years {
        if !source.years().contains(&year) {
            return other(format!("the sweep was answered from other data: these lack the year {year}"));
        }
        let trade = InputFile::of_trade(&source.fingerprint(year).map_err(EngineError::from)?, Integrity::None);
        if let Some(problem) = differing(plan, &trade) {
            return other(problem);
        }
    }
    for table in source.code_tables() {
        if let Some(problem) = differing(plan, &table) {
            return other(problem);
        }
    }
    if *source.countries() != plan.countries {
        return other("the plan of the sweep names countries otherwise than these data".to_owned());
    }
    if (source.label(), source.is_synthetic()) != (plan.source.as_str(), plan.synthetic) {
        return other(format!(
            "the sweep says that it was answered from `{}`: name the data as they were named then",
            plan.source
        ));
    }
    Ok(())
}

/// What is wrong with an input that the plan does not have.
fn differing(plan: &StoredPlan, input: &InputFile) -> Option<String> {
    let role = input.role.name();
    let is_same = |own: &PlanInput| own.role == role && own.digits() == input.fingerprint.digits();
    let differs = !plan.inputs.iter().any(is_same);
    differs.then(|| {
        let (name, digits) = (shown(&input.name), input.fingerprint.digits());
        format!("the sweep was answered from other data: no {role} of its plan has the hash {digits} of {name}")
    })
}

/// Which input is not that of the plan.
fn other_input(plan: &StoredPlan, name: &str, prepared: &Prepared) -> StoreError {
    let differs = prepared.dataset.inputs.iter().find_map(|input| differing(plan, input));
    let problem = differs.unwrap_or_else(|| "it was answered from other data, or by another version of the program".to_owned());
    StoreError::Differs { place: format!("scenario `{}`", shown(name)), problem }
}

/// The first figure that differs.
fn differs(name: &str, file: &str, stored: &[u8], answered: &[u8]) -> StoreError {
    let read = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap_or_default();
    let (path, [found, expected]) = first_difference("", &read(stored), &read(answered));
    let problem = format!("{path} is stored in {file} as {found}, and the trade gives {expected}");
    StoreError::Differs { place: format!("scenario `{}`", shown(name)), problem }
}

fn first_difference(path: &str, stored: &Value, answered: &Value) -> (String, [String; 2]) {
    let none = Value::Null;
    let parts: Vec<(String, &Value, &Value)> = match (stored, answered) {
        (Value::Object(one), Value::Object(other)) => {
            let keys: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            keys.into_iter().map(|key| (key.clone(), one.get(key).unwrap_or(&none), other.get(key).unwrap_or(&none))).collect()
        }
        (Value::Array(one), Value::Array(other)) => {
            let at = 0..one.len().max(other.len());
            at.map(|at| (at.to_string(), one.get(at).unwrap_or(&none), other.get(at).unwrap_or(&none))).collect()
        }
        _ => Vec::new(),
    };
    match parts.into_iter().find(|(_, one, other)| one != other) {
        Some((key, one, other)) => {
            let inner = if path.is_empty() { key } else { format!("{path}.{key}") };
            first_difference(&inner, one, other)
        }
        None => (format!("`{path}`"), [stored, answered].map(|value| shown(&value.to_string()).to_string())),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;
    use crate::sweep::file::SweepFile;
    use crate::sweep::lock::Shard;
    use crate::sweep::plan::SweepPlan;
    use crate::sweep::segment::pack;
    use crate::sweep::work::{SweepWork, sweep};

    /// An archive in memory with all results, and an empty one of the same plan.
    fn archives(source: &TradeSource) -> [Archive; 2] {
        let text = "[base]\nlist = \"all\"\n[grid]\ncap = [0.01, 0.02, 0.05]\n[[exclude]]\ncap = 0.02\n";
        let file = SweepFile::parse(text, Path::new("x.toml"), &|_| Ok(String::new())).unwrap();
        let plan = SweepPlan::new(file, source).unwrap();
        let stop = AtomicBool::new(false);
        let work = SweepWork { shard: Shard::WHOLE, per_segment: None, stop: &stop, progress: &|| {} };
        let [mut whole, empty] = [(); 2].map(|()| Archive::in_memory(StoredPlan::new(&plan, source)).unwrap());
        sweep(&plan, source, &mut whole, &work).unwrap();
        [whole, empty]
    }

    #[test]
    fn what_was_answered_is_answered_again_and_each_key_once() {
        let source = TradeSource::embedded().unwrap();
        let [whole, empty] = archives(&source);
        whole.check_documents().unwrap();
        assert_eq!(choose(whole.plan(), 1).len(), 1);
        // The cap of the base is one of the axis.
        assert_eq!(answer_again(&whole, &source, &[], 100, &|| {}).unwrap(), 2);
        assert!(answer_again(&empty, &source, &[], 1, &|| {}).is_err());
    }

    #[test]
    fn a_result_under_another_key_is_damage_and_one_with_another_figure_differs() {
        let source = TradeSource::embedded().unwrap();
        let [whole, mut forged] = archives(&source);
        let keys: Vec<Key> = choose(whole.plan(), 2).into_iter().map(|(_, key)| key).collect();
        let document = |at: usize| whole.stored(&keys[at]).unwrap().unwrap().document;
        forged.put(&[pack(keys[0], &document(1))]).unwrap();
        assert!(matches!(forged.get(&keys[0]), Err(StoreError::Damaged { .. })));
        let segments = forged.hand_over().unwrap();
        assert!(matches!(forged.adopt(&segments[0].0, &segments[0].1), Err(StoreError::Damaged { .. })));
        assert_eq!(forged.n_segments(), 0);

        let text = String::from_utf8(document(0)).unwrap().replacen("\"risk_after\":", "\"risk_after\":1", 1);
        forged.put(&[pack(keys[0], text.as_bytes()), pack(keys[1], &document(1))]).unwrap();
        forged.check_documents().unwrap();
        let error = answer_again(&forged, &source, &[], 2, &|| {}).unwrap_err().to_string();
        assert!(error.contains("`figures.risk_after` is stored in"), "{error}");
    }
}
