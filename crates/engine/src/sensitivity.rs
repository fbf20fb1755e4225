//! Every option of a scenario changed alone: "Sensitivity" under step M8 of docs/method.md.

use std::collections::BTreeMap;

use reorient_core::{CountryTable, HsRevision};
use reorient_data::{InputFile, TradeSource};
use reorient_metrics::{BASE, Collection, CountryRow, Detail, Effect, SensitivityRow, sort_by_effect};

use crate::bloc::Bloc;
use crate::collect::collect;
use crate::pipeline::{TABLE_A1_ROWS, require_solver};
use crate::prepare::{Prepared, Session};
use crate::presence;
use crate::scenario::{HONG_KONG, KEYS, Key, ListChoice, Scenario, Takes};
use crate::{EngineError, EngineErrorKind};

/// Caps that are tried, as shares.
const CAPS: [&str; 12] = ["0.01", "0.02", "0.03", "0.04", "0.05", "0.06", "0.07", "0.08", "0.10", "0.12", "0.15", "0.20"];

/// What a sensitivity report is made of.
#[derive(Debug)]
pub struct SensitivityResult {
    /// The base, then all changes by falling effect, then those that were not run.
    pub rows: Vec<SensitivityRow>,
    /// Resolved scenario of the base.
    pub scenario: BTreeMap<String, String>,
    /// The bloc of the base.
    pub bloc: Bloc,
    /// Files read.
    pub inputs: Vec<InputFile>,
    /// Sentences on how the scenario was read.
    pub notes: Vec<String>,
}

/// A change of one key.
struct Change {
    key: &'static str,
    value: String,
    /// The changed scenario, or why it says nothing here.
    scenario: Result<Scenario, String>,
}

/// Answers the scenario, and again with each option changed alone. Rows that changes share are read once. `expect` is told the
/// number of scenarios, `progress` after each of them.
///
/// # Errors
/// [`EngineError`] when the data or the base do not hold, or a certificate. A change that these data or this program cannot answer is
/// a row with its reason.
pub fn sensitivity(
    source: &TradeSource,
    scenario: &Scenario,
    expect: &dyn Fn(u64),
    progress: &dyn Fn(),
) -> Result<SensitivityResult, EngineError> {
    let mut session = Session::new(source);
    let (base, prepared) = answer(&mut session, scenario)?;
    let mut notes = notes_of_years(source, scenario, &session, &prepared)?;
    notes.extend(prepared.margin_sentences(source));
    notes.extend(prepared.gaining_notes(source, &base));
    progress();
    let resolved = prepared.resolved_question(scenario, source.countries())?;
    let risk = scenario.resolve_risk(source.countries(), prepared.year, &prepared.bloc)?;
    let asked = Asked { source, base: scenario, prepared: &prepared, ranked: &base.table_a1 };
    let risk: Vec<String> = risk.iter().map(ToString::to_string).collect();
    let changes: Vec<Change> = KEYS.iter().flat_map(|key| asked.changes(key, &risk)).collect();
    expect(changes.len() as u64 + 1);

    // Changes that need no other rows go first, while those of the base are at hand.
    let at_hand = |change: &Change| change.scenario.as_ref().is_ok_and(|changed| session.holds(changed));
    let mut order: Vec<usize> = (0..changes.len()).collect();
    order.sort_by_key(|at| !at_hand(&changes[*at]));
    let mut inputs = prepared.dataset.inputs.clone();
    let mut outcomes: BTreeMap<usize, Result<Effect, String>> = BTreeMap::new();
    for at in order {
        let outcome = match &changes[at].scenario {
            Err(reason) => Err(reason.clone()),
            Ok(changed) => match answer(&mut session, changed) {
                Ok((collection, prepared)) => {
                    let read = &prepared.dataset.inputs;
                    inputs.extend(read.iter().filter(|input| !inputs.contains(input)).cloned().collect::<Vec<_>>());
                    Ok(effect(collection, &base))
                }
                Err(error) if error.kind() == EngineErrorKind::Scenario => Err(error.to_string()),
                Err(error) => return Err(error),
            },
        };
        outcomes.insert(at, outcome);
        progress();
    }
    let own = SensitivityRow { key: BASE.to_owned(), value: String::new(), outcome: Ok(effect(base.clone(), &base)) };
    let others = changes.into_iter().zip(outcomes.into_values());
    let mut rows: Vec<SensitivityRow> = std::iter::once(own)
        .chain(others.map(|(change, outcome)| SensitivityRow { key: change.key.to_owned(), value: change.value, outcome }))
        .collect();
    sort_by_effect(&mut rows);
    Ok(SensitivityResult { rows, scenario: resolved, bloc: prepared.bloc, inputs, notes })
}

/// What the base names and its year lacks is refused, unless one of the other years, which are changes of the base, has it.
fn notes_of_years(
    source: &TradeSource,
    scenario: &Scenario,
    session: &Session<'_>,
    prepared: &Prepared,
) -> Result<Vec<String>, EngineError> {
    let mut notes = scenario.number_notes(source.countries());
    let mut years = presence::Years::default();
    years.take(source, scenario, prepared)?;
    if years.lacks() {
        for year in source.years().iter().filter(|year| **year != prepared.year) {
            let scenario = scenario.in_year(*year);
            years.take(source, &scenario, &session.passing_beside().prepare(&scenario)?)?;
        }
        notes.extend(years.finish(source.countries(), &|_, error| scenario.located(error))?);
    }
    Ok(notes)
}

/// The figures of a scenario with all receivers ranked.
fn answer(session: &mut Session<'_>, scenario: &Scenario) -> Result<(Collection, Prepared), EngineError> {
    require_solver(scenario)?;
    let prepared = session.prepare(scenario)?;
    let (products, _) = prepared.answer_all(scenario, Detail::Flows, &|| {})?;
    let classes = &prepared.dataset.classes;
    let mut collection = collect(products, classes, &prepared.members, &prepared.policy.risk, usize::MAX);
    collection.products = Vec::new();
    Ok((collection, prepared))
}

fn effect(own: Collection, base: &Collection) -> Effect {
    Effect::new(own, base, TABLE_A1_ROWS)
}

/// What the values of a key depend on.
struct Asked<'a> {
    source: &'a TradeSource,
    base: &'a Scenario,
    prepared: &'a Prepared,
    ranked: &'a [CountryRow],
}

impl Asked<'_> {
    /// Every other value of a key.
    fn changes(&self, key: &'static Key, risk: &[String]) -> Vec<Change> {
        let change = |value: String| {
            let mut changed = self.base.clone();
            let set = changed.set(key.name, &value);
            if changed == *self.base && set.is_ok() && self.pointless(key.name).is_none() {
                return None;
            }
            let scenario = match (self.pointless(key.name), set) {
                (Some(reason), _) => Err(reason),
                (None, Err(error)) => Err(error.to_string()),
                (None, Ok(())) => Ok(changed),
            };
            Some(Change { key: key.name, value, scenario })
        };
        self.values(key, risk).into_iter().filter_map(change).collect()
    }

    /// Values to try, that of the base among them. Keys that name single countries or products have none.
    fn values(&self, key: &Key, risk: &[String]) -> Vec<String> {
        let countries = self.source.countries();
        let words = match key.takes {
            Takes::OneOf(words) | Takes::Forms(words, _) => words,
            _ => &[],
        };
        let mut values: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        match key.name {
            "year" => {
                let others = self.source.years().iter().filter(|year| **year != self.prepared.year);
                values.extend(others.map(ToString::to_string));
            }
            "cap" => values.extend(CAPS.map(str::to_owned)),
            "floor" => values.push("churn:0.1".to_owned()),
            "ceiling" => values.extend(["0.5", "0.25"].map(str::to_owned)),
            "risk" => values.extend(other_risks(risk)),
            // Each risk origin first, the others by code.
            "tie-break.drain" if risk.len() > 1 => values.extend(risk.iter().map(|code| format!("order:{code}"))),
            "tie-break.fill" if !self.ranked.is_empty() => values.push(largest_first(self.ranked, countries)),
            // The result does not depend on it.
            "solver" => values.clear(),
            _ => {}
        }
        values
    }

    /// Why a key changes nothing that these data could show.
    fn pointless(&self, key: &str) -> Option<String> {
        let is_listed = matches!(self.base.list, ListChoice::Critical | ListChoice::File(_));
        let formulation = self.prepared.resolved(self.base).remove("formulation").unwrap_or_default();
        let reason = match key {
            "links" if formulation == "aggregate" => "matters to formulation = member-states only",
            "map" | "alias" | "reconstructed" if !is_listed => "matters to a list of goods, not to all products of the data",
            "map" if self.source.revision() == HsRevision::Hs22 => "the data are in the revision of the list: nothing is mapped",
            _ => return None,
        };
        Some(reason.to_owned())
    }
}

/// Without each risk origin, and with Hong Kong.
fn other_risks(risk: &[String]) -> Vec<String> {
    let without = |left: &String| risk.iter().filter(|code| *code != left).cloned().collect::<Vec<_>>().join(",");
    let mut others: Vec<String> = if risk.len() > 1 { risk.iter().map(without).collect() } else { Vec::new() };
    let hong_kong = HONG_KONG.to_string();
    if !risk.contains(&hong_kong) {
        others.push([risk, &[hong_kong]].concat().join(","));
    }
    others
}

/// The receivers of Table A.1, the largest first.
fn largest_first(ranked: &[CountryRow], countries: &CountryTable) -> String {
    let code = |row: &CountryRow| countries.country(row.country).code.to_string();
    format!("order:{}", ranked.iter().take(TABLE_A1_ROWS).map(code).collect::<Vec<_>>().join(","))
}
