//! A sweep file: base scenario, named overrides, axes of a grid, exclusions and a table of scenarios. Each fault has its line.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use reorient_core::{Text, TextError, shown};
use reorient_data::TradeSource;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::table::Table;
use crate::scenario::{Given, KEYS, Scenario, ScenarioError, did_you_mean, in_file, line_of, plain};
use crate::years::YearChoice;

/// The axis whose values are names of overrides.
pub(crate) const OVERRIDE: &str = "override";
/// The scenario that nothing overrides.
pub(crate) const BASE: &str = "base";

/// One setting and the line on which it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) line: usize,
}

/// Settings with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Override {
    pub(crate) name: Text,
    pub(crate) settings: Vec<Setting>,
}

/// One axis of the grid: a key of the scenario, or [`OVERRIDE`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Axis {
    pub(crate) key: String,
    pub(crate) values: Vec<String>,
    pub(crate) line: usize,
}

/// Combinations of the grid that are left out: those that have one of the values in every key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Exclusion {
    pub(crate) line: usize,
    pub(crate) conditions: Vec<(String, Vec<String>)>,
}

/// A sweep file as it stands, each value of it one that its key takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SweepFile {
    /// Name of the sweep, for people.
    pub title: Text,
    /// Name in messages.
    pub(crate) file: String,
    pub(crate) base: Vec<Setting>,
    pub(crate) overrides: Vec<Override>,
    pub(crate) axes: Vec<Axis>,
    pub(crate) exclusions: Vec<Exclusion>,
    pub(crate) table: Option<Table>,
}

/// Where relative paths start, and what faults are told by.
struct Reader<'a> {
    text: &'a str,
    file: &'a str,
    folder: &'a Path,
}

type Entries<'a, 'b> = Vec<(&'b Spanned<std::borrow::Cow<'a, str>>, &'b Spanned<DeValue<'a>>)>;

impl SweepFile {
    /// Reads a sweep from its text; `path` is its name in messages, and relative paths in it start beside it. `read` gives the
    /// text of the table of scenarios, if it names one.
    ///
    /// # Errors
    /// [`ScenarioError`] with file and line.
    pub fn parse(text: &str, path: &Path, read: &dyn Fn(&Path) -> Result<String, ScenarioError>) -> Result<Self, ScenarioError> {
        let file = path.display().to_string();
        let folder = path.parent().unwrap_or(Path::new(""));
        let reader = Reader { text, file: &file, folder };
        let table = DeTable::parse(text).map_err(|error| {
            reader.fault(error.span().map_or(0, |span| span.start), ScenarioError::Toml(error.message().to_owned()))
        })?;
        let stem = Text::name(path.file_stem().unwrap_or_default().to_string_lossy());
        let mut sweep = Self {
            title: Text::default(),
            file: file.clone(),
            base: Vec::new(),
            overrides: Vec::new(),
            axes: Vec::new(),
            exclusions: Vec::new(),
            table: None,
        };
        let mut title = None;
        for (key, value) in in_order(table.get_ref()) {
            let start = key.span().start;
            let expect = |expected: &str| reader.unfit(start, key.get_ref(), expected);
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("title", DeValue::String(own)) => title = Some(reader.name(start, "title", own)?),
                ("base", DeValue::Table(table)) => sweep.base = reader.settings_once(table)?,
                ("overrides", DeValue::Table(table)) => sweep.overrides = reader.overrides(table)?,
                ("grid", DeValue::Table(table)) => sweep.axes = reader.axes(table, "")?,
                ("exclude", DeValue::Array(items)) => {
                    sweep.exclusions = items.iter().map(|item| reader.exclusion(item)).collect::<Result<_, _>>()?;
                }
                ("table", DeValue::String(name)) => {
                    let path = folder.join(name.as_ref());
                    let text = read(&path).map_err(|error| reader.fault(start, error))?;
                    sweep.table = Some(Table::parse(&text, &path)?);
                }
                ("title" | "table", _) => return Err(expect("use a text")),
                ("base" | "overrides" | "grid", _) => return Err(expect("use a table")),
                ("exclude", _) => return Err(expect("use tables: [[exclude]]")),
                (name, _) => {
                    let known = ["title", "base", "overrides", "grid", "exclude", "table"];
                    let hint = did_you_mean(name, known.into_iter());
                    return Err(reader.fault(start, ScenarioError::UnknownKey { key: name.to_owned(), hint }));
                }
            }
        }
        sweep.title = match title {
            Some(title) => title,
            None => {
                stem.map_err(|error| reader.fault(0, ScenarioError::Sweep(format!("the file's name: {error}, or set `title`"))))?
            }
        };
        sweep.check(&reader)?;
        Ok(sweep)
    }

    /// Gives the sweep these years in the place of any that it has of its own: one in the base, several as an axis.
    ///
    /// # Errors
    /// [`ScenarioError`] for years that the data lack, or an override that has a year of its own beside several.
    pub fn set_years(&mut self, years: &YearChoice, source: &TradeSource) -> Result<(), ScenarioError> {
        let values: Vec<String> = years.resolve(source, &Scenario::default())?.iter().map(ToString::to_string).collect();
        self.base.retain(|setting| setting.key != "year");
        self.axes.retain(|axis| axis.key != "year");
        if let [only] = values.as_slice() {
            self.base.push(Setting { key: "year".to_owned(), value: only.clone(), line: 1 });
            return Ok(());
        }
        if let Some(own) = self.overrides.iter().find(|own| own.settings.iter().any(|setting| setting.key == "year")) {
            let problem = format!("--year gives several years, and [overrides.{}] sets `year`: leave one of them out", own.name);
            return Err(ScenarioError::Sweep(problem));
        }
        self.axes.push(Axis { key: "year".to_owned(), values, line: 1 });
        Ok(())
    }

    /// What single entries cannot tell.
    fn check(&self, reader: &Reader<'_>) -> Result<(), ScenarioError> {
        let refuse = |line: usize, problem: String| Err(reader.at(line, ScenarioError::Sweep(problem)));
        let mut seen = BTreeSet::new();
        for axis in &self.axes {
            let key = axis.key.as_str();
            if !seen.insert(key) {
                return refuse(axis.line, format!("the axis `{key}` stands twice"));
            }
            if key == OVERRIDE {
                for name in axis.values.iter().filter(|name| *name != BASE) {
                    if self.overrides.iter().all(|own| own.name.as_str() != name) {
                        let hint = did_you_mean(name, self.overrides.iter().map(|own| own.name.as_str()));
                        return refuse(axis.line, format!("there is no [overrides.{name}]{hint}"));
                    }
                }
            }
        }
        let is_crossed = |own: &Override| {
            self.axes.iter().any(|axis| axis.key == OVERRIDE && axis.values.iter().any(|name| own.name == name.as_str()))
        };
        for own in self.overrides.iter().filter(|own| is_crossed(own)) {
            if let Some(setting) = own.settings.iter().find(|setting| seen.contains(setting.key.as_str())) {
                let problem = format!("`{}` is an axis of the grid too, whose values would win over the override's", setting.key);
                return refuse(setting.line, problem);
            }
        }
        Ok(())
    }
}

impl Reader<'_> {
    fn fault(&self, start: usize, error: ScenarioError) -> ScenarioError {
        self.at(line_of(self.text, start), error)
    }

    fn at(&self, line: usize, error: ScenarioError) -> ScenarioError {
        match error {
            located @ ScenarioError::InFile { .. } => located,
            error => in_file((self.file.to_owned(), line), error),
        }
    }

    fn unfit(&self, start: usize, key: &str, expected: &str) -> ScenarioError {
        self.fault(start, ScenarioError::Sweep(format!("`{}`: {expected}", shown(key))))
    }

    /// A name that stands in results.
    fn name(&self, start: usize, key: &str, name: &str) -> Result<Text, ScenarioError> {
        let refuse =
            |error: TextError| ScenarioError::Value { key: key.to_owned(), value: name.to_owned(), expected: error.to_string() };
        Text::name(name).map_err(|error| self.fault(start, refuse(error)))
    }

    /// The settings of a table, each key once.
    fn settings_once(&self, table: &DeTable<'_>) -> Result<Vec<Setting>, ScenarioError> {
        let settings = self.settings(table, "")?;
        let mut given = Given::default();
        for Setting { key, value, line } in &settings {
            given.take(key, value, &format!("{key} = {value}")).map_err(|error| self.at(*line, error))?;
        }
        Ok(settings)
    }

    /// The settings of a table, in order, with their full names.
    fn settings(&self, table: &DeTable<'_>, prefix: &str) -> Result<Vec<Setting>, ScenarioError> {
        let mut settings = Vec::new();
        for (key, value) in in_order(table) {
            let name = format!("{prefix}{}", key.get_ref());
            if let DeValue::Table(inner) = value.get_ref() {
                settings.extend(self.settings(inner, &format!("{name}."))?);
                continue;
            }
            let start = key.span().start;
            let value = self.value(&name, value.get_ref(), start)?;
            settings.push(Setting { key: name, value, line: line_of(self.text, start) });
        }
        Ok(settings)
    }

    /// A value that its key takes; paths of lists start beside the sweep file.
    fn value(&self, key: &str, value: &DeValue<'_>, start: usize) -> Result<String, ScenarioError> {
        let value = beside(self.folder, key, entries_joined(value));
        Scenario::default().set(key, &value).map_err(|error| self.fault(start, error))?;
        Ok(value)
    }

    fn overrides(&self, table: &DeTable<'_>) -> Result<Vec<Override>, ScenarioError> {
        let one = |(key, value): (&Spanned<std::borrow::Cow<'_, str>>, &Spanned<DeValue<'_>>)| {
            let start = key.span().start;
            let name = self.name(start, "overrides", key.get_ref())?;
            match value.get_ref() {
                _ if name == BASE => {
                    Err(self.unfit(start, &name, "this is the scenario that nothing overrides; choose another name"))
                }
                DeValue::Table(table) => Ok(Override { name, settings: self.settings_once(table)? }),
                _ => Err(self.unfit(start, &name, "an override is a table of settings: [overrides.NAME]")),
            }
        };
        in_order(table).into_iter().map(one).collect()
    }

    fn axes(&self, table: &DeTable<'_>, prefix: &str) -> Result<Vec<Axis>, ScenarioError> {
        let mut axes = Vec::new();
        for (key, value) in in_order(table) {
            let (name, start) = (format!("{prefix}{}", key.get_ref()), key.span().start);
            let values = match value.get_ref() {
                DeValue::Table(inner) if KEYS.iter().all(|own| own.name != name) => {
                    axes.extend(self.axes(inner, &format!("{name}."))?);
                    continue;
                }
                DeValue::Array(items) => items.iter().map(|item| self.axis_value(&name, item)).collect::<Result<_, _>>()?,
                DeValue::String(_) if name == "year" => vec![self.axis_value(&name, value)?],
                _ => return Err(self.unfit(start, &name, "an axis has a list of values: [0.03, 0.05]")),
            };
            if values.is_empty() {
                return Err(self.unfit(start, &name, "an axis has at least one value"));
            }
            axes.push(Axis { key: name, values, line: line_of(self.text, start) });
        }
        Ok(axes)
    }

    fn axis_value(&self, key: &str, item: &Spanned<DeValue<'_>>) -> Result<String, ScenarioError> {
        let start = item.span().start;
        let text = entries_joined(item.get_ref());
        match key {
            OVERRIDE => Ok(text),
            // Ranges and `all` are spelled out when the years of the data are known.
            "year" => match text.parse::<YearChoice>() {
                Ok(_) => Ok(text),
                Err(expected) => Err(self.fault(start, ScenarioError::Value { key: key.to_owned(), value: text, expected })),
            },
            _ => self.value(key, item.get_ref(), start),
        }
    }

    fn exclusion(&self, item: &Spanned<DeValue<'_>>) -> Result<Exclusion, ScenarioError> {
        let start = item.span().start;
        let DeValue::Table(table) = item.get_ref() else {
            return Err(self.unfit(start, "exclude", "an exclusion is a table: [[exclude]]"));
        };
        let conditions = self.conditions(table, "")?;
        if conditions.is_empty() {
            return Err(self.unfit(start, "exclude", "an exclusion without a key would leave everything out"));
        }
        Ok(Exclusion { line: line_of(self.text, start), conditions })
    }

    fn conditions(&self, table: &DeTable<'_>, prefix: &str) -> Result<Vec<(String, Vec<String>)>, ScenarioError> {
        let mut conditions = Vec::new();
        for (key, value) in in_order(table) {
            let name = format!("{prefix}{}", key.get_ref());
            match value.get_ref() {
                DeValue::Table(inner) if KEYS.iter().all(|own| own.name != name) => {
                    conditions.extend(self.conditions(inner, &format!("{name}."))?);
                }
                DeValue::Array(items) => {
                    let values = items.iter().map(|item| self.axis_value(&name, item)).collect::<Result<_, _>>()?;
                    conditions.push((name, values));
                }
                _ => conditions.push((name.clone(), vec![self.axis_value(&name, value)?])),
            }
        }
        Ok(conditions)
    }
}

/// In the order of the file, so that the first fault is the one that is named.
fn in_order<'a, 'b>(table: &'b DeTable<'a>) -> Entries<'a, 'b> {
    let mut entries: Entries<'a, 'b> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

/// As in a scenario file; a table as `CHN=2,USA=1`.
fn entries_joined(value: &DeValue<'_>) -> String {
    match value {
        DeValue::Table(table) => {
            let entry = |(key, value): (&Spanned<std::borrow::Cow<'_, str>>, &Spanned<DeValue<'_>>)| {
                format!("{}={}", key.get_ref(), plain(value.get_ref()))
            };
            in_order(table).into_iter().map(entry).collect::<Vec<_>>().join(",")
        }
        value => plain(value),
    }
}

/// A list's path starts beside the file that names it.
pub(crate) fn beside(folder: &Path, key: &str, value: String) -> String {
    let is_path = key == "list" && !matches!(value.as_str(), "" | "all" | "critical");
    if is_path { PathBuf::from(folder).join(value).to_string_lossy().into_owned() } else { value }
}
