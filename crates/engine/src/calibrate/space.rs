//! The options that a calibration tries: the scenario's own value first, then the others of each key.

use std::collections::BTreeSet;

use reorient_core::{CountryCode, Fraction, Sector, Year};
use reorient_data::TradeSource;
use reorient_metrics::{Choice, Dimension, N_DIMENSIONS};

use crate::bloc::{Bloc, is_union};
use crate::scenario::{FillChoice, Scenario};
use crate::{EngineError, ScenarioError};

/// Positions of the options in a choice.
pub(crate) const YEAR: usize = 0;
pub(crate) const BLOC: usize = 1;
pub(crate) const HONG_KONG: usize = 2;
pub(crate) const SECTORS: usize = 3;
pub(crate) const RECONSTRUCTED: usize = 4;
pub(crate) const MAP: usize = 5;
pub(crate) const ALIAS: usize = 6;
pub(crate) const CAP: usize = 7;
pub(crate) const BASIS: usize = 8;
pub(crate) const FLOOR: usize = 9;
pub(crate) const MEMBERS: usize = 10;
pub(crate) const DRAIN: usize = 11;
pub(crate) const FILL: usize = 12;

/// Names; all but the sectors are keys of a scenario.
const NAMES: [&str; N_DIMENSIONS] = [
    "year",
    "bloc",
    "hong-kong",
    "list-sectors",
    "reconstructed",
    "map",
    "alias",
    "cap",
    "cap-basis",
    "floor",
    "bloc-alternatives",
    "tie-break.drain",
    "tie-break.fill",
];

/// Unions that an importing EU may mean: its members since 2020, those of 2013 to 2019 with the United Kingdom, those of the year.
const UNIONS: [&str; 3] = ["EU27", "EU28", "EU"];
const BASES: [&str; 5] = ["exporter-world", "exporter-extra-bloc", "bloc-flow", "bloc-market", "world-market"];
const FLOORS: [&str; 4] = ["additive", "free", "symmetric", "churn:0.1"];
/// `order:` is by ascending code. A solver's vertex follows no rule and cannot be tried.
const FILLS: [&str; 5] = ["proportional-capacity", "proportional-flow", "min-hhi", "min-cost", "order:"];
/// Tenths of the scenario's cap.
const CAPS: [u64; 4] = [8, 9, 11, 12];
/// Risk origins of which every order is tried; of more, each first.
const ALL_ORDERS: usize = 3;

/// Where all sectors of a list are meant.
const WHOLE: &str = "all";

/// All values of all options.
#[derive(Debug, Clone)]
pub(crate) struct Space {
    pub(crate) dimensions: Vec<Dimension>,
    /// Parallel to the values of `list-sectors`.
    pub(crate) sectors: Vec<BTreeSet<Sector>>,
}

impl Space {
    /// `held` names the keys that stay at the scenario's value; `sectors` are those of the list, and `is_mixed` says
    /// whether it has reconstructed rows beside others. A list that is the data has neither sectors nor a map.
    pub(crate) fn new(
        source: &TradeSource,
        scenario: &Scenario,
        held: &BTreeSet<String>,
        sectors: &BTreeSet<Sector>,
        is_mixed: bool,
    ) -> Result<Self, EngineError> {
        if scenario.fill == FillChoice::Vertex {
            let expected = "a calibration needs a rule: a solver's vertex depends on the solver".to_owned();
            let (key, value) = ("tie-break.fill".to_owned(), "vertex".to_owned());
            return Err(ScenarioError::Value { key, value, expected }.into());
        }
        let mut years = source.years().to_vec();
        years.reverse();
        if scenario.year.is_some() {
            years = vec![scenario.resolve_year(source.years())?];
        }
        let countries = source.countries();
        let bloc = scenario.resolve_bloc(countries, years[0])?;
        let own = scenario.resolved(years[0], &bloc);
        let parts = parts(sectors);
        let lists = !sectors.is_empty();
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let others = |at: usize| match at {
            YEAR => years.iter().map(ToString::to_string).collect(),
            BLOC if is_union(&scenario.bloc) => unions(scenario, source, &years),
            HONG_KONG => words(&["apart", "with-china"]),
            SECTORS => parts.iter().map(|part| part_name(part, sectors)).collect(),
            RECONSTRUCTED if is_mixed => words(&["yes", "no"]),
            MAP if lists => words(&["main", "all", "any"]),
            ALIAS if lists => words(&["none", "271000"]),
            CAP => caps(scenario.cap),
            BASIS => words(&BASES),
            FLOOR => words(&FLOORS),
            MEMBERS => words(&["yes", "no"]),
            FILL => words(&FILLS),
            _ => Vec::new(),
        };
        let mut dimensions = Vec::with_capacity(N_DIMENSIONS);
        for (at, key) in NAMES.into_iter().enumerate() {
            let mut values: Vec<String> = own.get(key).cloned().into_iter().collect();
            if !held.contains(key) || values.is_empty() {
                let more = if at == DRAIN { drains(&scenario.resolve_risk(countries, years[0], &bloc)?) } else { others(at) };
                for value in more {
                    if !values.contains(&value) {
                        values.push(value);
                    }
                }
            }
            dimensions.push(Dimension { key, values });
        }
        Ok(Self { dimensions, sectors: parts })
    }

    /// The positions of an option's values.
    pub(crate) fn values(&self, at: usize) -> std::ops::Range<u16> {
        0..u16::try_from(self.dimensions[at].values.len()).unwrap_or(u16::MAX)
    }

    /// Text of a value.
    pub(crate) fn text(&self, at: usize, value: u16) -> &str {
        &self.dimensions[at].values[usize::from(value)]
    }

    /// The scenario with some options of a choice.
    pub(crate) fn set(&self, scenario: &Scenario, choice: &Choice, options: &[usize]) -> Result<Scenario, EngineError> {
        let mut scenario = scenario.clone();
        for &at in options {
            scenario.set(NAMES[at], self.text(at, choice[at]))?;
        }
        Ok(scenario)
    }

    /// Every combination of some options' values, the others at 0, in order.
    pub(crate) fn combinations(&self, options: &[usize]) -> Vec<Choice> {
        let mut all = vec![Choice::default()];
        for &at in options {
            let with = |choice: &Choice| {
                let choice = *choice;
                self.values(at).map(move |value| {
                    let mut choice = choice;
                    choice[at] = value;
                    choice
                })
            };
            all = all.iter().flat_map(with).collect();
        }
        all
    }
}

/// Every non-empty set of sectors, the largest first.
fn parts(sectors: &BTreeSet<Sector>) -> Vec<BTreeSet<Sector>> {
    if sectors.is_empty() {
        return vec![BTreeSet::new()];
    }
    let of = |mask: u32| sectors.iter().enumerate().filter(|(at, _)| mask >> at & 1 == 1).map(|(_, sector)| *sector).collect();
    let mut parts: Vec<BTreeSet<Sector>> = (1..1_u32 << sectors.len()).map(of).collect();
    parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
    parts
}

fn part_name(part: &BTreeSet<Sector>, all: &BTreeSet<Sector>) -> String {
    if part == all { WHOLE.to_owned() } else { part.iter().map(|sector| sector.name()).collect::<Vec<_>>().join("+") }
}

/// Unions whose members differ in some year; what the scenario names comes first.
fn unions(scenario: &Scenario, source: &TradeSource, years: &[Year]) -> Vec<String> {
    let members = |name: &str| -> Vec<Vec<CountryCode>> {
        let of = |year: &Year| Bloc::resolve(name, *year, source.countries()).map(|bloc| bloc.members).unwrap_or_default();
        years.iter().map(of).collect()
    };
    let mut seen = vec![members(&scenario.bloc)];
    let mut names = Vec::new();
    for name in UNIONS {
        let members = members(name);
        if !seen.contains(&members) {
            seen.push(members);
            names.push(name.to_owned());
        }
    }
    names
}

/// Caps a tenth and two tenths of its own below and above the scenario's.
fn caps(cap: Fraction) -> Vec<String> {
    let near = |tenths: u64| Fraction::new(cap.numerator() * tenths, cap.denominator() * 10).ok();
    CAPS.into_iter().filter_map(near).filter(|cap| *cap <= Fraction::ONE).map(|cap| cap.to_string()).collect()
}

/// The proportional rule and orders of the risk origins.
fn drains(risk: &[CountryCode]) -> Vec<String> {
    let mut orders: Vec<Vec<CountryCode>> = vec![Vec::new()];
    let length = if risk.len() <= ALL_ORDERS { risk.len() } else { 1 };
    for _ in 0..length {
        let longer = |order: &Vec<CountryCode>| {
            let order = order.clone();
            let left: Vec<CountryCode> = risk.iter().filter(|code| !order.contains(code)).copied().collect();
            left.into_iter().map(move |code| [order.as_slice(), &[code]].concat())
        };
        orders = orders.iter().flat_map(longer).collect();
    }
    let text =
        |order: &Vec<CountryCode>| format!("order:{}", order.iter().map(ToString::to_string).collect::<Vec<_>>().join(","));
    std::iter::once("proportional".to_owned()).chain(orders.iter().filter(|order| !order.is_empty()).map(text)).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_scenarios_own_value_comes_first_and_held_keys_have_no_other() {
        let source = TradeSource::embedded().unwrap();
        let mut scenario = Scenario::default();
        scenario.set("floor", "free").unwrap();
        scenario.set("cap", "0.1").unwrap();
        let sectors = BTreeSet::from([Sector::Energy, Sector::Minerals]);
        let held = BTreeSet::from(["floor".to_owned()]);
        let space = Space::new(&source, &scenario, &held, &sectors, true).unwrap();
        let values = |at: usize| space.dimensions[at].values.join(" ");
        assert_eq!(values(FLOOR), "free");
        assert_eq!(values(CAP), "0.1 0.08 0.09 0.11 0.12");
        assert_eq!(values(YEAR), "2023");
        assert_eq!(values(BLOC), "EU27 EU28", "EU means EU27 in 2023");
        assert_eq!(values(SECTORS), "all energy minerals");
        assert_eq!(values(RECONSTRUCTED), "yes no");
        assert_eq!(space.dimensions[DRAIN].values.len(), 7);
        assert!(values(DRAIN).contains("order:842,156,643"));
        assert_eq!(space.combinations(&[BASIS, MEMBERS]).len(), 10);
        assert_eq!(space.combinations(&[BASIS])[0], Choice::default());
    }

    #[test]
    fn many_risk_origins_are_tried_each_first() {
        let codes: Vec<CountryCode> = [76, 156, 643, 842].map(CountryCode::literal).to_vec();
        assert_eq!(drains(&codes), ["proportional", "order:76", "order:156", "order:643", "order:842"]);
        assert_eq!(drains(&[]), ["proportional"]);
    }
}
