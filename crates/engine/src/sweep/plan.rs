//! Which scenarios a sweep asks for, in the order in which they share most: those of the same rows follow each other, and
//! within them those of the same bloc.
//!
//! A scenario is kept as its place in the sweep file and made when it is needed, so that a plan takes little memory.

use std::collections::btree_map;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;
use reorient_core::Year;
use reorient_data::{FileHash, Fingerprint, InputFile, InputRole, Integrity, TradeSource};
use reorient_model::CountrySet;

use super::file::{Axis, BASE, Exclusion, OVERRIDE, Override, Setting, SweepFile};
use super::key::{Key, QuestionHasher, inputs_key};
use crate::coverage::AskedList;
use crate::lists::Lists;
use crate::pipeline::require_solver;
use crate::prepare::{Session, meet_list, needs_quantities};
use crate::presence::{Named, Present, Years, named_by, require_goods};
use crate::scenario::{KEYS, Scenario, ScenarioError, Takes, in_file};
use crate::years::YearChoice;
use crate::{Baseline, EngineError};

/// More than any night can answer; a slip in an axis is found here.
const MOST: u64 = 2_000_000;

/// The key under which [`SweepPlan::asked`] gives the hash of all scenarios.
pub const ASKS: &str = "asks";
/// Values of an axis that are spelled out in short words about a sweep.
const MOST_SAID: usize = 20;

/// Where a scenario comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Base,
    Override(u32),
    /// A combination, counted with the last axis fastest.
    Grid(u64),
    Row(u32),
}

/// One scenario of a plan.
#[derive(Debug, Clone, Copy)]
struct Entry {
    origin: Origin,
    key: Key,
    question: Key,
    /// Rows that are read together, in the order in which they are read.
    dataset: u32,
    /// The first scenario with the same key.
    same_as: Option<u32>,
}

/// What an exclusion leaves out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excluded {
    /// File and line of the exclusion.
    pub place: String,
    /// Combinations that this exclusion is the first to leave out.
    pub combinations: u64,
}

/// All scenarios of a sweep, numbered from 0.
#[derive(Debug)]
pub struct SweepPlan {
    sweep: SweepFile,
    base: Scenario,
    entries: Vec<Entry>,
    excluded: Vec<Excluded>,
    inputs: Vec<PlanInput>,
    /// The lists that scenarios name, as they were read for their keys.
    lists: Arc<Lists>,
    n_baselines: usize,
    /// Hash of what all scenarios ask, without the data and without who solves.
    asks: Key,
    /// Parallel to the datasets.
    asked: Vec<Asked>,
    /// Sentences on numbers of the United Nations that scenarios name.
    numbers: BTreeSet<String>,
}

/// What scenarios that share their rows name.
#[derive(Debug)]
struct Asked {
    year: Year,
    /// Each with the first scenario that names it.
    named: BTreeMap<Named, u32>,
}

/// Something that scenarios are answered from. Plans of earlier versions name trade alone, and under `blake3` the hash of a footer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PlanInput {
    /// `trade`, `countries`, `products` or `list`.
    #[serde(default = "trade")]
    pub role: String,
    /// Name without its folder.
    pub name: String,
    /// Size in bytes.
    pub bytes: u64,
    /// BLAKE3 of all bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blake3: Option<String>,
    /// The hash of a footer, which stands for all bytes of a file of ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub footer_blake3: Option<String>,
    /// Whether every byte that is used is held against a hash in a file of ours, or stands in the program.
    #[serde(default)]
    pub verified: bool,
    /// The checksum that is compared as it is read, where that is known before.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub integrity: String,
}

impl PlanInput {
    /// Hexadecimal digits of the hash that keys hold.
    pub(crate) fn digits(&self) -> &str {
        self.footer_blake3.as_deref().or(self.blake3.as_deref()).unwrap_or_default()
    }
}

fn trade() -> String {
    InputRole::Trade.name().to_owned()
}

impl From<&InputFile> for PlanInput {
    fn from(input: &InputFile) -> Self {
        let (blake3, footer_blake3) = match &input.fingerprint {
            Fingerprint::Whole(digits) => (Some(digits.clone()), None),
            Fingerprint::Footer(digits) => (None, Some(digits.clone())),
        };
        let (role, name) = (input.role.name().to_owned(), input.name.clone());
        // Of files that are not ours, only reading tells.
        let integrity = if input.verified { input.integrity.name().to_owned() } else { String::new() };
        Self { role, name, bytes: input.bytes, blake3, footer_blake3, verified: input.verified, integrity }
    }
}

/// What resolving a scenario gave.
struct Resolved {
    question: Key,
    /// Hash of the question without who solves.
    asks: Key,
    /// Hash of what decides which rows are read.
    dataset: Key,
    year: Year,
    /// Hash of the members.
    bloc: Key,
    named: Vec<Named>,
    numbers: Vec<String>,
}

impl SweepPlan {
    /// Spells the sweep out and holds every scenario against the years and countries of the data. No row is read.
    ///
    /// # Errors
    /// [`EngineError`] for the first scenario that these data cannot be asked, with file, line and key; or for a file of trade
    /// or goods that cannot be read.
    pub fn new(mut sweep: SweepFile, source: &TradeSource) -> Result<Self, EngineError> {
        spell_out_years(&mut sweep, source)?;
        let mut base = Scenario::default();
        apply(&mut base, &sweep.base)?;
        let (origins, excluded) = origins(&sweep, &base, source.years().len())?;
        let (entries, inputs, asked, asks) = (Vec::new(), Vec::new(), Vec::new(), Key::of(b""));
        let (lists, numbers) = (Arc::default(), BTreeSet::new());
        let mut plan = Self { sweep, base, entries, excluded, inputs, lists, n_baselines: 0, asks, asked, numbers };
        plan.check_names(&origins)?;
        let resolve = |origin: &Origin| plan.resolve(*origin, source);
        let resolved: Vec<Result<Resolved, EngineError>> = origins.par_iter().map(resolve).collect();
        let faults = resolved.iter().filter(|resolved| resolved.is_err()).count();
        let resolved = resolved.into_iter().collect::<Result<Vec<_>, _>>().map_err(|error| with_count(error, faults - 1))?;
        plan.arrange(&origins, &resolved, source)?;
        Ok(plan)
    }

    /// Sorts, keys and numbers the scenarios.
    fn arrange(&mut self, origins: &[Origin], resolved: &[Resolved], source: &TradeSource) -> Result<(), EngineError> {
        let mut asks = blake3::Hasher::new_derive_key("reorient sweep asks");
        for scenario in resolved {
            asks.update(&scenario.asks.0);
        }
        self.asks = Key(*asks.finalize().as_bytes());
        // Datasets and blocs in the order of their first scenario.
        let mut datasets: HashMap<Key, u32> = HashMap::new();
        let mut blocs: HashMap<Key, u32> = HashMap::new();
        let mut firsts: Vec<usize> = Vec::new();
        let mut order: Vec<(u32, u32, usize)> = Vec::with_capacity(origins.len());
        for (at, scenario) in resolved.iter().enumerate() {
            let next = number(datasets.len());
            let dataset = *datasets.entry(scenario.dataset).or_insert_with(|| {
                firsts.push(at);
                next
            });
            let next = number(blocs.len());
            order.push((dataset, *blocs.entry(scenario.bloc).or_insert(next), at));
        }
        order.sort_unstable();
        self.n_baselines = {
            let mut shared: Vec<(u32, u32)> = order.iter().map(|(dataset, bloc, _)| (*dataset, *bloc)).collect();
            shared.dedup();
            shared.len()
        };
        let mut files: BTreeMap<Year, FileHash> = BTreeMap::new();
        let mut lists: Vec<InputFile> = Vec::new();
        let mut inputs = Vec::with_capacity(firsts.len());
        for first in &firsts {
            let scenario = self.make(origins[*first], false)?;
            let trade = match files.entry(resolved[*first].year) {
                btree_map::Entry::Occupied(known) => known.into_mut(),
                btree_map::Entry::Vacant(new) => new.insert(source.fingerprint(resolved[*first].year)?),
            };
            // A list that cannot be read or translated is found out here, not in the night.
            let asked = AskedList::of(source.revision(), &scenario, &self.lists)?;
            inputs.push(inputs_key(source, trade, asked.from()));
            lists.extend(asked.from().filter(|list| !lists.contains(*list)).cloned());
        }
        let trade: Vec<InputFile> = files.values().map(|file| InputFile::of_trade(file, Integrity::None)).collect();
        self.inputs = trade.iter().chain(&source.code_tables()).chain(&lists).map(PlanInput::from).collect();
        self.inputs.dedup();
        let mut first_of: HashMap<Key, u32> = HashMap::with_capacity(order.len());
        for (dataset, _, at) in order {
            let key = resolved[at].question.with_inputs(&inputs[dataset as usize]);
            let next = number(self.entries.len());
            let first = *first_of.entry(key).or_insert(next);
            let same_as = (first != next).then_some(first);
            if self.asked.len() == dataset as usize {
                self.asked.push(Asked { year: resolved[at].year, named: BTreeMap::new() });
            }
            self.numbers.extend(resolved[at].numbers.iter().cloned());
            for named in &resolved[at].named {
                self.asked[dataset as usize].named.entry(named.clone()).or_insert(next);
            }
            self.entries.push(Entry { origin: origins[at], key, question: resolved[at].question, dataset, same_as });
        }
        Ok(())
    }

    /// Number of scenarios.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Reads the rows of every year whose scenarios name single countries or products, and says what some years lack of it.
    ///
    /// # Errors
    /// [`EngineError`] for what is named and has no row in any year for which it is asked, for a list of which no year has
    /// anything, and for data that cannot be read.
    pub fn require_rows(&self, source: &TradeSource) -> Result<Vec<String>, EngineError> {
        let countries = source.countries();
        let mut notes: BTreeSet<String> = BTreeSet::new();
        let mut lists: BTreeMap<String, Years> = BTreeMap::new();
        let mut rows = Years::default();
        let mut session = Session::with_lists(source, Arc::clone(&self.lists));
        let nobody = CountrySet::new(countries.len(), []);
        let mut first = 0;
        for (dataset, asked) in self.asked.iter().enumerate() {
            first += self.entries[first..].partition_point(|entry| (entry.dataset as usize) < dataset);
            let scenario = self.scenario(first)?;
            let (_, coverage) = meet_list(source, &scenario, &self.lists, asked.year)?;
            let goods = require_goods(source, &scenario, asked.year, &coverage);
            let list = scenario.resolved_list();
            lists.entry(list).or_default().add_goods(asked.year, goods);
            if asked.named.is_empty() {
                continue;
            }
            let dataset = session.dataset(&scenario, asked.year)?;
            let baseline = Baseline::new(dataset.table()?, &nobody);
            rows.add(asked.year, asked.named.keys().cloned(), &Present::new(countries, &dataset.listed, &baseline));
        }
        for (_, years) in lists {
            notes.extend(years.finish(countries, &|_, error| error)?);
        }
        let located = |named: &Named, error: ScenarioError| {
            let at = self.asked.iter().find_map(|asked| asked.named.get(named)).copied().unwrap_or(0);
            self.fault(self.entries[at as usize].origin, error)
        };
        notes.extend(rows.finish(countries, &located)?);
        notes.extend(self.numbers.iter().cloned());
        Ok(notes.into_iter().collect())
    }

    /// Whether there is none; a plan has at least one.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What the sweep asks, in short: the settings of its file as they are written, its number of scenarios, and under
    /// [`ASKS`] a hash of all of them. Another sweep asks the same when that hash is the same.
    pub fn asked(&self) -> BTreeMap<String, String> {
        let mut question =
            BTreeMap::from([(ASKS.to_owned(), self.asks.to_string()), ("scenarios".to_owned(), self.len().to_string())]);
        let all = |prefix: &str, settings: &[Setting]| -> Vec<(String, String)> {
            settings.iter().map(|own| (format!("{prefix}.{}", own.key), own.value.clone())).collect()
        };
        question.extend(all("base", &self.sweep.base));
        for own in &self.sweep.overrides {
            question.extend(all(&format!("overrides.{}", own.name), &own.settings));
        }
        question.extend(self.sweep.axes.iter().map(|axis| {
            let values = match axis.values.as_slice() {
                [first, .., last] if axis.values.len() > MOST_SAID => format!("{first} to {last}, {} values", axis.values.len()),
                values => values.join(", "),
            };
            (format!("grid.{}", axis.key), values)
        }));
        if !self.sweep.exclusions.is_empty() {
            question.insert("exclude".to_owned(), format!("{} rules", self.sweep.exclusions.len()));
        }
        if let Some(table) = &self.sweep.table {
            question.insert("table".to_owned(), format!("{} rows", table.len()));
        }
        question
    }

    /// What the sweep calls itself.
    pub fn title(&self) -> &str {
        &self.sweep.title
    }

    /// The lists that scenarios name, as they were read when the plan was made.
    pub(crate) fn lists(&self) -> Arc<Lists> {
        Arc::clone(&self.lists)
    }

    /// What each exclusion leaves out.
    pub fn excluded(&self) -> &[Excluded] {
        &self.excluded
    }

    /// Files of trade, code tables and lists that scenarios are answered from.
    pub fn inputs(&self) -> &[PlanInput] {
        &self.inputs
    }

    /// Sets of rows that are read, each once, and baselines that are added up from them.
    pub fn n_shared(&self) -> (usize, usize) {
        (self.entries.last().map_or(0, |entry| entry.dataset as usize + 1), self.n_baselines)
    }

    /// Key of a scenario's result.
    pub fn key(&self, at: usize) -> Key {
        self.entries[at].key
    }

    /// The scenario in one spelling, without the contents of files.
    pub fn question(&self, at: usize) -> Key {
        self.entries[at].question
    }

    /// The first scenario that asks the same, when this one is not the first.
    pub fn same_as(&self, at: usize) -> Option<usize> {
        self.entries[at].same_as.map(|first| first as usize)
    }

    /// Number of the set of rows that a scenario is answered from.
    pub(crate) fn dataset(&self, at: usize) -> u32 {
        self.entries[at].dataset
    }

    /// What people call a scenario: the name of an override or of a row, or the values along the axes.
    pub fn name(&self, at: usize) -> String {
        self.name_of(self.entries[at].origin)
    }

    fn name_of(&self, origin: Origin) -> String {
        match origin {
            Origin::Base => BASE.to_owned(),
            Origin::Override(at) => self.sweep.overrides[at as usize].name.to_string(),
            Origin::Row(row) => self.sweep.table.as_ref().map_or_else(String::new, |table| table.name(row as usize)),
            Origin::Grid(at) => {
                let along = self.sweep.axes.iter().zip(places(&self.sweep.axes, at));
                let word = |(axis, place): (&Axis, usize)| match axis.key.as_str() {
                    OVERRIDE => axis.values[place].clone(),
                    key => format!("{key}={}", short(key, &axis.values[place])),
                };
                along.map(word).collect::<Vec<_>>().join(" ")
            }
        }
    }

    /// A scenario.
    ///
    /// # Errors
    /// [`ScenarioError`] never, once the plan is made.
    pub fn scenario(&self, at: usize) -> Result<Scenario, ScenarioError> {
        self.make(self.entries[at].origin, false)
    }

    /// Makes a scenario; `located` remembers where its settings stand.
    fn make(&self, origin: Origin, located: bool) -> Result<Scenario, ScenarioError> {
        let mut scenario = self.base.clone();
        let mut places: Vec<(String, String, usize)> = Vec::new();
        let file = &self.sweep.file;
        let note = |places: &mut Vec<_>, file: &str, key: &str, line: usize| {
            if located {
                places.push((key.to_owned(), file.to_owned(), line));
            }
        };
        if located {
            self.sweep.base.iter().for_each(|setting| note(&mut places, file, &setting.key, setting.line));
        }
        let mut set_all = |scenario: &mut Scenario, settings: &[Setting]| -> Result<(), ScenarioError> {
            settings.iter().for_each(|setting| note(&mut places, file, &setting.key, setting.line));
            apply(scenario, settings)
        };
        match origin {
            Origin::Base => {}
            Origin::Override(own) => set_all(&mut scenario, &self.sweep.overrides[own as usize].settings)?,
            Origin::Row(row) => {
                if let Some(table) = &self.sweep.table {
                    table.set(row as usize, &mut scenario)?;
                    table.keys(row as usize).for_each(|key| note(&mut places, table.file(), key, table.line(row as usize)));
                }
            }
            Origin::Grid(at) => {
                for (axis, place) in self.sweep.axes.iter().zip(self::places(&self.sweep.axes, at)) {
                    let value = &axis.values[place];
                    if axis.key == OVERRIDE {
                        let own = self.sweep.overrides.iter().find(|own| own.name == value.as_str());
                        set_all(&mut scenario, own.map_or(&[], |own| own.settings.as_slice()))?;
                    }
                }
                for (axis, place) in self.sweep.axes.iter().zip(self::places(&self.sweep.axes, at)) {
                    if axis.key != OVERRIDE {
                        scenario.set(&axis.key, &axis.values[place])?;
                        note(&mut places, file, &axis.key, axis.line);
                    }
                }
            }
        }
        scenario.origins.0.extend(places.into_iter().map(|(key, file, line)| (key, (file, line))));
        Ok(scenario)
    }

    /// An error of a scenario with its name, and with the file and line that it comes from.
    fn fault(&self, origin: Origin, error: ScenarioError) -> ScenarioError {
        let error = match error {
            ScenarioError::WhichYear(held) => ScenarioError::Sweep(format!(
                "the trade data hold {held}: say one in [base], such as `year = {}`, or give --year, or make `year` an axis",
                held.get(held.len().saturating_sub(4)..).unwrap_or_default()
            )),
            error => error,
        };
        let located = self.make(origin, true).map_or(error.clone(), |scenario| scenario.located(error.clone()));
        let named = match located {
            ScenarioError::InFile { .. } => located,
            error => in_file((self.sweep.file.clone(), self.line_of(origin)), error),
        };
        in_scenario(&self.name_of(origin), named)
    }

    fn resolve(&self, origin: Origin, source: &TradeSource) -> Result<Resolved, EngineError> {
        let fail = |error: ScenarioError| EngineError::from(self.fault(origin, error));
        let scenario = self.make(origin, false)?;
        let countries = source.countries();
        let year = scenario.resolve_year(source.years()).map_err(fail)?;
        let bloc = scenario.resolve_bloc(countries, year).map_err(fail)?;
        let policy = scenario.policy(countries, year, &bloc).map_err(fail)?;
        require_solver(&scenario).map_err(|error| match error {
            EngineError::Scenario(error) => fail(error),
            other => other,
        })?;
        let named = named_by(&scenario, countries, year, &bloc).map_err(fail)?;
        let numbers = scenario.number_notes(countries);
        let text = scenario.question_text(countries, year, &bloc, &policy);
        let weighed = if needs_quantities(&scenario) { "weighed" } else { "" };
        let members = bloc.members.iter().flat_map(|code| code.get().to_le_bytes()).collect::<Vec<u8>>();
        let path = scenario.list.file().unwrap_or(Path::new("")).to_string_lossy();
        let dataset = format!("{}{path}\n{weighed}", scenario.dataset_text(year));
        let (dataset, bloc) = (Key::of(dataset.as_bytes()), Key::of(&members));
        let asks = Scenario::asked_in(&text);
        Ok(Resolved { asks, question: QuestionHasher::hash(&text, &scenario), dataset, year, bloc, named, numbers })
    }

    fn line_of(&self, origin: Origin) -> usize {
        match origin {
            Origin::Base => self.sweep.base.first().map_or(1, |setting| setting.line),
            Origin::Override(at) => self.sweep.overrides[at as usize].settings.first().map_or(1, |setting| setting.line),
            Origin::Grid(_) => self.sweep.axes.first().map_or(1, |axis| axis.line),
            Origin::Row(row) => self.sweep.table.as_ref().map_or(1, |table| table.line(row as usize)),
        }
    }

    /// Two scenarios of one name could not be told apart.
    fn check_names(&self, origins: &[Origin]) -> Result<(), ScenarioError> {
        let mut seen: HashSet<Key> = HashSet::with_capacity(origins.len());
        for origin in origins {
            let name = self.name_of(*origin);
            if !seen.insert(Key::of(name.as_bytes())) {
                let file = match (origin, &self.sweep.table) {
                    (Origin::Row(_), Some(table)) => table.file().to_owned(),
                    _ => self.sweep.file.clone(),
                };
                let problem = format!("two scenarios have the name `{name}`");
                return Err(in_file((file, self.line_of(*origin)), ScenarioError::Sweep(problem)));
            }
        }
        Ok(())
    }
}

/// The base, the overrides, the grid without what is excluded, the rows; and what is excluded. Where the years are an axis and the
/// base has none of its own, it and the overrides that are crossed with the years are no scenarios by themselves.
fn origins(sweep: &SweepFile, base: &Scenario, n_years: usize) -> Result<(Vec<Origin>, Vec<Excluded>), ScenarioError> {
    let axes = &sweep.axes;
    let combinations = axes.iter().map(|axis| axis.values.len() as u64).try_fold(1_u64, u64::checked_mul);
    let combinations = if axes.is_empty() { Some(0) } else { combinations };
    let n_rows = sweep.table.as_ref().map_or(0, super::table::Table::len) as u64;
    let all = combinations.and_then(|own| own.checked_add(n_rows)?.checked_add(1 + sweep.overrides.len() as u64));
    let Some(combinations) = combinations.filter(|_| all.is_some_and(|all| all <= MOST)) else {
        let line = axes.first().map_or(1, |axis| axis.line);
        let problem = format!("the sweep has more than {MOST} scenarios; shorten an axis or leave combinations out of the file");
        return Err(in_file((sweep.file.clone(), line), ScenarioError::Sweep(problem)));
    };
    let by_year = base.year.is_none() && n_years > 1 && axes.iter().any(|axis| axis.key == "year");
    let crossed =
        |own: &Override| axes.iter().any(|axis| axis.key == OVERRIDE && axis.values.iter().any(|name| own.name == name.as_str()));
    let mut origins = if by_year { Vec::new() } else { vec![Origin::Base] };
    let alone = sweep.overrides.iter().enumerate().filter(|(_, own)| !(by_year && crossed(own)));
    origins.extend(alone.map(|(at, _)| Origin::Override(number(at))));
    let rules = sweep.exclusions.iter().map(|rule| Rule::new(rule, sweep, base)).collect::<Result<Vec<_>, _>>()?;
    let mut counts = vec![0_u64; rules.len()];
    for at in 0..combinations {
        let place: Vec<usize> = places(axes, at).collect();
        match rules.iter().position(|rule| rule.holds(&place)) {
            Some(rule) => counts[rule] += 1,
            None => origins.push(Origin::Grid(at)),
        }
    }
    origins.extend((0..number(usize::try_from(n_rows).unwrap_or(0))).map(Origin::Row));
    if origins.is_empty() {
        let problem = "the exclusions leave no scenario".to_owned();
        let line = sweep.exclusions.first().map_or(1, |rule| rule.line);
        return Err(in_file((sweep.file.clone(), line), ScenarioError::Sweep(problem)));
    }
    let of_rule =
        |(rule, combinations): (&Exclusion, u64)| Excluded { place: format!("{}:{}", sweep.file, rule.line), combinations };
    Ok((origins, sweep.exclusions.iter().zip(counts).map(of_rule).collect()))
}

/// An exclusion as a table lookup per axis.
struct Rule {
    /// Per condition, the axis and which of its values meet it.
    conditions: Vec<(usize, Vec<bool>)>,
}

impl Rule {
    fn new(rule: &Exclusion, sweep: &SweepFile, base: &Scenario) -> Result<Self, ScenarioError> {
        if sweep.axes.is_empty() {
            let problem = "there is no grid to leave combinations out of: exclusions do not touch overrides and rows".to_owned();
            return Err(in_file((sweep.file.clone(), rule.line), ScenarioError::Sweep(problem)));
        }
        let mut conditions = Vec::new();
        for (key, values) in &rule.conditions {
            let along = |axis: usize, meets: &dyn Fn(&str) -> bool| {
                (axis, sweep.axes[axis].values.iter().map(|own| meets(own)).collect())
            };
            let axis = sweep.axes.iter().position(|axis| axis.key == *key);
            let overrides = sweep.axes.iter().position(|axis| axis.key == OVERRIDE);
            let met = match (axis, overrides) {
                (Some(axis), _) => along(axis, &|own| values.iter().any(|value| is_same(key, own, value))),
                // A key that an override may set, or the base.
                (None, Some(axis)) => {
                    let of =
                        |name: &str| sweep.overrides.iter().find(|own| own.name == name).map_or(&[][..], |own| &own.settings);
                    along(axis, &|name| values.iter().any(|value| has(base, of(name), key, value)))
                }
                (None, None) => along(0, &|_| values.iter().any(|value| has(base, &[], key, value))),
            };
            conditions.push(met);
        }
        Ok(Self { conditions })
    }

    fn holds(&self, place: &[usize]) -> bool {
        self.conditions.iter().all(|(axis, meets)| meets[place[*axis]])
    }
}

/// Whether the base with some settings has this value.
fn has(base: &Scenario, settings: &[Setting], key: &str, value: &str) -> bool {
    let mut own = base.clone();
    let mut other = base.clone();
    apply(&mut own, settings).is_ok() && apply(&mut other, settings).is_ok() && other.set(key, value).is_ok() && own == other
}

/// Whether two values of a key mean the same, as far as their writing tells.
fn is_same(key: &str, own: &str, other: &str) -> bool {
    let takes = KEYS.iter().find(|known| known.name == key).map(|known| known.takes);
    if let Some(Takes::Countries) = takes {
        let names = |text: &str| -> Vec<String> {
            let mut names: Vec<String> = text.split(',').map(|name| name.trim().to_ascii_uppercase()).collect();
            names.sort_unstable();
            names
        };
        return names(own) == names(other);
    }
    let set = |value: &str| {
        let mut scenario = Scenario::default();
        scenario.set(key, value).ok().map(|()| scenario)
    };
    own == other || set(own).is_some_and(|own| Some(own) == set(other))
}

/// Positions along the axes of a combination, the last axis fastest.
fn places(axes: &[Axis], at: u64) -> impl Iterator<Item = usize> + '_ {
    let mut size: u64 = axes.iter().map(|axis| axis.values.len() as u64).product();
    let mut rest = at;
    axes.iter().map(move |axis| {
        size /= axis.values.len() as u64;
        let place = rest / size;
        rest %= size;
        usize::try_from(place).unwrap_or(0)
    })
}

/// A list by its file name alone.
fn short<'a>(key: &str, value: &'a str) -> &'a str {
    if key == "list" { value.rsplit(['/', '\\']).next().unwrap_or(value) } else { value }
}

fn apply(scenario: &mut Scenario, settings: &[Setting]) -> Result<(), ScenarioError> {
    settings.iter().try_for_each(|setting| scenario.set(&setting.key, &setting.value))
}

/// Ranges of years and `all`, as the years of the data.
fn spell_out_years(sweep: &mut SweepFile, source: &TradeSource) -> Result<(), ScenarioError> {
    let spell = |values: &[String], line: usize| -> Result<Vec<String>, ScenarioError> {
        let mut years: Vec<String> = Vec::new();
        for text in values {
            let choice = text.parse::<YearChoice>().map_err(ScenarioError::Sweep);
            let of_text = choice.and_then(|choice| choice.resolve(source, &Scenario::default()));
            let of_text = of_text.map_err(|error| in_file((sweep.file.clone(), line), error))?;
            years.extend(of_text.iter().map(ToString::to_string).filter(|year| !values.is_empty() && !year.is_empty()));
        }
        years.dedup();
        Ok(years)
    };
    let mut axes = sweep.axes.clone();
    for axis in axes.iter_mut().filter(|axis| axis.key == "year") {
        axis.values = spell(&axis.values, axis.line)?;
    }
    let mut exclusions = sweep.exclusions.clone();
    for rule in &mut exclusions {
        for (_, values) in rule.conditions.iter_mut().filter(|(key, _)| key == "year") {
            *values = spell(values, rule.line)?;
        }
    }
    (sweep.axes, sweep.exclusions) = (axes, exclusions);
    Ok(())
}

/// The fault with the name of the scenario that it is about.
fn in_scenario(name: &str, error: ScenarioError) -> ScenarioError {
    match error {
        ScenarioError::InFile { file, line, source } => {
            in_file((file, line), ScenarioError::Sweep(format!("scenario `{name}`: {source}")))
        }
        error => error,
    }
}

fn with_count(error: EngineError, others: usize) -> EngineError {
    match error {
        EngineError::Scenario(ScenarioError::InFile { file, line, source }) if others > 0 => {
            let scenarios = if others == 1 { "one more scenario".to_owned() } else { format!("{others} more scenarios") };
            let text = format!("{source} (and {scenarios} with a fault); leave such combinations out with [[exclude]]");
            in_file((file, line), ScenarioError::Sweep(text)).into()
        }
        error => error,
    }
}

fn number(count: usize) -> u32 {
    // A plan is limited far below.
    u32::try_from(count).unwrap_or(u32::MAX)
}
