//! Step M3 of docs/method.md: the question as one typed scenario, from defaults, a TOML file and `key=value` settings.

use std::collections::BTreeMap;
use std::path::PathBuf;

use reorient_core::{CountryCode, CountryTable, Fraction, ProductCode, Year};
use reorient_data::MapRule;
use reorient_model::CountrySet;

use crate::SolverChoice;
use crate::bloc::{Bloc, named};

/// China, the United States and Russia in BACI's numbers.
const RISK: [u16; 3] = [156, 842, 643];

/// Keys of the scenario file whose only value in this version is the default.
const FIXED: [(&str, &str); 9] = [
    ("cap-basis", "exporter-world"),
    ("floor", "additive"),
    ("bloc-alternatives", "yes"),
    ("tie-break.drain", "proportional"),
    ("tie-break.fill", "proportional-capacity"),
    ("formulation", "aggregate"),
    ("weights", ""),
    ("exclude", ""),
    ("exclude-hard", ""),
];

/// A question that cannot be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScenarioError {
    /// Not TOML.
    #[error("{file}: {message}")]
    Toml {
        /// File name.
        file: String,
        /// The parser's message, with line and column.
        message: String,
    },
    /// A key that no scenario has.
    #[error("unknown key `{key}`{hint}")]
    UnknownKey {
        /// As written.
        key: String,
        /// The nearest valid key, ready to print.
        hint: String,
    },
    /// A value that the key does not take.
    #[error("`{key} = {value}`: {expected}")]
    Value {
        /// The key.
        key: String,
        /// As written.
        value: String,
        /// What it takes.
        expected: String,
    },
    /// `--set` without `=`.
    #[error("`{0}` is no setting: write key=value")]
    Setting(String),
    /// A country in the bloc and among the risk origins.
    #[error("country {0} is both in the bloc and a risk origin")]
    Overlap(CountryCode),
    /// The year is not in the data.
    #[error("year {year} is not in the trade data, which hold {held}")]
    NoSuchYear {
        /// Asked for.
        year: Year,
        /// What there is.
        held: String,
    },
    /// No year chosen among several.
    #[error("the trade data hold {0}: choose one with --year")]
    WhichYear(String),
    /// HiGHS asked for in a build without it.
    #[error("this build has no HiGHS: use `solver = auto` or build with the default features")]
    NoHighs,
}

/// China and Hong Kong in BACI's numbers.
pub(crate) const CHINA: CountryCode = CountryCode::literal(156);
pub(crate) const HONG_KONG: CountryCode = CountryCode::literal(344);

/// How Hong Kong, an entrepot, is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum HongKong {
    /// On its own.
    #[default]
    Apart,
    /// As China, both as exporter and as importer; trade between the two is left out.
    WithChina,
}

/// Codes under which BACI files others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Alias {
    /// Every code as it is.
    #[default]
    None,
    /// Listed codes of heading 2710 (petroleum oils) mean 271000, under which BACI files all of them.
    Petroleum,
}

/// Which products count.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ListChoice {
    /// The shipped critical-goods list.
    #[default]
    Critical,
    /// Every product of the trade data.
    All,
    /// A list in a CSV file.
    File(PathBuf),
    /// One product, listed or not.
    One(ProductCode),
}

/// One question, resolved from defaults and settings but not yet held against data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    /// Year of trade; none means the only one there is.
    pub year: Option<Year>,
    /// `E`: `EU27`, or countries by BACI code or ISO3 joined by commas.
    pub bloc: String,
    /// `R`: countries by BACI code or ISO3 joined by commas.
    pub risk: String,
    /// `K`.
    pub list: ListChoice,
    /// `beta`.
    pub cap: Fraction,
    /// When a product of an older HS revision counts as listed.
    pub map: MapRule,
    /// Whether listed codes of heading 2710 mean BACI's 271000.
    pub alias: Alias,
    /// Whether Hong Kong counts as China.
    pub hong_kong: HongKong,
    /// Who solves.
    pub solver: SolverChoice,
    /// Solve by closed form and by HiGHS, and compare.
    pub cross_check: bool,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            year: None,
            bloc: "EU27".to_owned(),
            risk: RISK.map(|code| code.to_string()).join(","),
            list: ListChoice::default(),
            cap: Fraction::new(1, 20).unwrap_or(Fraction::ZERO),
            map: MapRule::All,
            alias: Alias::None,
            hong_kong: HongKong::Apart,
            solver: SolverChoice::default(),
            cross_check: false,
        }
    }
}

impl Scenario {
    const KEYS: [&'static str; 10] = ["year", "bloc", "risk", "list", "cap", "map", "alias", "hong-kong", "solver", "links"];

    /// Takes the settings of a TOML text; `file` is its name in messages.
    ///
    /// # Errors
    /// [`ScenarioError`] for a text that is no TOML, an unknown key or a value that the key does not take.
    pub fn set_from_toml(&mut self, text: &str, file: &str) -> Result<(), ScenarioError> {
        let table: toml::Table = text
            .parse()
            .map_err(|error: toml::de::Error| ScenarioError::Toml { file: file.to_owned(), message: error.to_string() })?;
        for (key, value) in &table {
            match value {
                toml::Value::Table(inner) => {
                    for (inner_key, inner_value) in inner {
                        self.set(&format!("{key}.{inner_key}"), &plain(inner_value))?;
                    }
                }
                value => self.set(key, &plain(value))?,
            }
        }
        Ok(())
    }

    /// Takes one `key=value`.
    ///
    /// # Errors
    /// [`ScenarioError`] without `=`, for an unknown key or a value that the key does not take.
    pub fn set_from_text(&mut self, setting: &str) -> Result<(), ScenarioError> {
        let (key, value) = setting.split_once('=').ok_or_else(|| ScenarioError::Setting(setting.to_owned()))?;
        self.set(key.trim(), value.trim())
    }

    /// Sets one key.
    ///
    /// # Errors
    /// [`ScenarioError`] for an unknown key or a value that the key does not take.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), ScenarioError> {
        let refuse = |expected: String| ScenarioError::Value { key: key.to_owned(), value: value.to_owned(), expected };
        match key {
            "year" => self.year = Some(value.parse().map_err(|error| refuse(format!("{error}")))?),
            "bloc" => self.bloc = value.to_owned(),
            "risk" => self.risk = value.to_owned(),
            "list" => {
                self.list = match value {
                    "all" => ListChoice::All,
                    "critical" => ListChoice::Critical,
                    path => ListChoice::File(PathBuf::from(path)),
                }
            }
            "cap" => {
                let cap: Fraction = value.parse().map_err(|error| refuse(format!("{error}")))?;
                if cap > Fraction::ONE {
                    return Err(refuse("the cap is a share from 0 to 1; 5 percentage points are 0.05".to_owned()));
                }
                self.cap = cap;
            }
            "map" => {
                self.map = match value {
                    "all" => MapRule::All,
                    "any" => MapRule::Any,
                    _ => return Err(refuse("use all or any".to_owned())),
                }
            }
            "alias" => {
                self.alias = match value {
                    "none" => Alias::None,
                    "271000" => Alias::Petroleum,
                    _ => return Err(refuse("use none or 271000".to_owned())),
                }
            }
            "hong-kong" => {
                self.hong_kong = match value {
                    "apart" => HongKong::Apart,
                    "with-china" => HongKong::WithChina,
                    _ => return Err(refuse("use apart or with-china".to_owned())),
                }
            }
            "solver" => self.solver = value.parse().map_err(|()| refuse("use auto, closed-form or highs".to_owned()))?,
            // Links between members matter to the member-state formulation alone.
            "links" if matches!(value, "any" | "existing") => {}
            "links" => return Err(refuse("use any or existing".to_owned())),
            _ => match FIXED.iter().find(|(fixed, _)| *fixed == key) {
                Some((_, only)) if *only == value => {}
                Some((_, "")) => return Err(refuse("not available in this version: leave it out".to_owned())),
                Some((_, only)) => return Err(refuse(format!("this version takes `{only}` alone"))),
                None => return Err(ScenarioError::UnknownKey { key: key.to_owned(), hint: nearest_key(key) }),
            },
        }
        Ok(())
    }

    /// Every key with its resolved value, for the manifest.
    pub fn resolved(&self, year: Year, bloc: &Bloc) -> BTreeMap<String, String> {
        let members: Vec<String> = bloc.members.iter().map(ToString::to_string).collect();
        let list = match &self.list {
            ListChoice::Critical => "critical".to_owned(),
            ListChoice::All => "all".to_owned(),
            ListChoice::One(product) => product.to_string(),
            ListChoice::File(path) => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        };
        let own = [
            ("year", year.to_string()),
            ("bloc", bloc.name.clone()),
            ("bloc-members", members.join(",")),
            ("risk", self.risk.clone()),
            ("list", list),
            ("cap", self.cap.to_string()),
            ("map", if self.map == MapRule::All { "all" } else { "any" }.to_owned()),
            ("alias", if self.alias == Alias::None { "none" } else { "271000" }.to_owned()),
            ("hong-kong", if self.hong_kong == HongKong::Apart { "apart" } else { "with-china" }.to_owned()),
            ("solver", self.solver.name().to_owned()),
        ];
        let fixed = FIXED.iter().map(|(key, value)| (*key, (*value).to_owned()));
        own.into_iter().chain(fixed).map(|(key, value)| (key.to_owned(), value)).collect()
    }

    /// The bloc of a year against a country table.
    ///
    /// # Errors
    /// [`ScenarioError::Value`] for a country that the table does not know.
    pub fn resolve_bloc(&self, countries: &CountryTable, year: Year) -> Result<Bloc, ScenarioError> {
        let bloc = Bloc::resolve(&self.bloc, year, countries)?;
        self.refuse_hong_kong("bloc", &bloc.members)?;
        Ok(bloc)
    }

    /// The risk origins of a year against a country table.
    ///
    /// # Errors
    /// [`ScenarioError`] for an unknown country or one that is in the bloc.
    pub fn resolve_risk(&self, countries: &CountryTable, year: Year, bloc: &Bloc) -> Result<Vec<CountryCode>, ScenarioError> {
        let risk = named("risk", &self.risk, year, countries)?;
        self.refuse_hong_kong("risk", &risk)?;
        match risk.iter().find(|code| bloc.members.contains(code)) {
            Some(code) => Err(ScenarioError::Overlap(*code)),
            None => Ok(risk),
        }
    }

    /// Hong Kong is not on its own where it counts as China.
    fn refuse_hong_kong(&self, key: &str, codes: &[CountryCode]) -> Result<(), ScenarioError> {
        if self.hong_kong == HongKong::WithChina && codes.contains(&HONG_KONG) {
            let expected = "hong-kong = with-china counts 344 as 156: name 156, or set hong-kong = apart".to_owned();
            return Err(ScenarioError::Value { key: key.to_owned(), value: HONG_KONG.to_string(), expected });
        }
        Ok(())
    }

    /// The year against those that the data hold.
    ///
    /// # Errors
    /// [`ScenarioError`] when it is not among them, or none was asked for and there are several.
    pub fn resolve_year(&self, years: &[Year]) -> Result<Year, ScenarioError> {
        let held = || years.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        match (self.year, years) {
            (Some(year), _) if years.contains(&year) => Ok(year),
            (Some(year), _) => Err(ScenarioError::NoSuchYear { year, held: held() }),
            (None, [only]) => Ok(*only),
            (None, _) => Err(ScenarioError::WhichYear(held())),
        }
    }
}

/// A set of countries of the table; codes it does not know are left out, for blocs that outlive a member's code.
pub(crate) fn country_set(countries: &CountryTable, codes: &[CountryCode]) -> CountrySet {
    CountrySet::new(countries.len(), codes.iter().filter_map(|code| countries.index(*code)))
}

fn plain(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

fn nearest_key(key: &str) -> String {
    let keys = Scenario::KEYS.into_iter().chain(FIXED.iter().map(|(key, _)| *key));
    let nearest = keys.map(|valid| (strsim::damerau_levenshtein(key, valid), valid)).min();
    match nearest {
        Some((distance, valid)) if distance <= 3 => format!(": did you mean `{valid}`?"),
        _ => String::new(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn toml_and_settings_resolve_to_one_scenario() {
        let mut from_file = Scenario::default();
        let text = "year = 2023\ncap = 0.1\nrisk = [156, \"USA\"]\n[tie-break]\ndrain = \"proportional\"\n";
        from_file.set_from_toml(text, "x.toml").unwrap();
        let mut from_settings = Scenario::default();
        for setting in ["year=2023", "cap = 1/10", "risk=156,USA", "tie-break.drain=proportional"] {
            from_settings.set_from_text(setting).unwrap();
        }
        assert_eq!(from_file, from_settings);
    }

    #[test]
    fn wrong_settings_name_what_is_right() {
        let message = |setting: &str| Scenario::default().set_from_text(setting).unwrap_err().to_string();
        assert_eq!(message("caps=0.05"), "unknown key `caps`: did you mean `cap`?");
        assert!(message("cap=5").contains("0.05"));
        assert!(message("cap=-1").contains("not a number"));
        assert!(message("solver=cplex").contains("closed-form"));
        assert!(message("floor=free").contains("additive"));
        assert!(message("exclude=156").contains("not available"));
        assert!(message("cap").contains("key=value"));
        assert!(Scenario::default().set_from_toml("cap = ", "x.toml").unwrap_err().to_string().contains("line 1"));
    }
}
