//! Step M3 of docs/method.md: the question as one typed scenario, from defaults, a TOML file and `key=value` settings.

mod canonical;
mod error;
mod file;
mod given;
mod keys;
mod resolve;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use reorient_core::{CountryCode, Fraction, ProductCode, Text, Year, check_letters, file_name};
use reorient_data::{MapRule, typed_code};
use reorient_model::{CapBasis, Floor};

use crate::SolverChoice;
use crate::bloc::Bloc;

pub use error::ScenarioError;
pub(crate) use file::{in_file, line_of, plain};
pub use given::Given;
pub(crate) use keys::did_you_mean;
pub use keys::{KEYS, Key, Takes, schema};
pub use resolve::number_note;
pub(crate) use resolve::{country_set, default_risk};

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

impl ListChoice {
    /// The file, where it is one.
    pub fn file(&self) -> Option<&Path> {
        if let Self::File(path) = self { Some(path) } else { None }
    }
}

/// Which risk origins lose first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum DrainChoice {
    /// All in proportion.
    #[default]
    Proportional,
    /// Countries in this order, by BACI code or ISO3 joined by commas.
    Order(String),
}

/// Which alternatives gain first; the rules of [`Fill`](reorient_model::Fill).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum FillChoice {
    /// In proportion to room.
    #[default]
    ProportionalCapacity,
    /// In proportion to today's flow.
    ProportionalFlow,
    /// Countries in this order, by BACI code or ISO3 joined by commas.
    Order(String),
    /// As even as can be.
    MinHhi,
    /// Cheapest first.
    MinCost,
    /// The solver's.
    Vertex,
}

/// One question, resolved from defaults and settings but not yet held against data. Countries are BACI codes or ISO3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    /// Year of trade; none means the only one there is.
    pub year: Option<Year>,
    /// `E`: `EU27`, or countries joined by commas.
    pub bloc: String,
    /// `R`: countries joined by commas.
    pub risk: String,
    /// `K`.
    pub list: ListChoice,
    /// `beta`.
    pub cap: Fraction,
    /// `B`.
    pub cap_basis: CapBasis,
    /// `beta` of single exporters.
    pub cap_country: BTreeMap<String, Fraction>,
    /// `beta` in single products.
    pub cap_product: BTreeMap<ProductCode, Fraction>,
    /// `L`.
    pub floor: Floor,
    /// `s`.
    pub ceiling: Option<Fraction>,
    /// Whether members may supply more.
    pub bloc_alternatives: bool,
    /// Alternatives without any extra, joined by commas.
    pub exclude: String,
    /// Origins whose flow goes to zero, joined by commas.
    pub exclude_hard: String,
    /// Goods that only today's suppliers of the bloc can bring.
    pub immobile: BTreeSet<ProductCode>,
    /// `w` where it is not 1.
    pub weights: BTreeMap<String, Fraction>,
    /// Tie-break among risk origins.
    pub drain: DrainChoice,
    /// Tie-break among alternatives.
    pub fill: FillChoice,
    /// When a product of an older HS revision counts as listed.
    pub map: MapRule,
    /// Whether listed codes of heading 2710 mean BACI's 271000.
    pub alias: Alias,
    /// Whether reconstructed rows of the list count.
    pub reconstructed: bool,
    /// Whether Hong Kong counts as China.
    pub hong_kong: HongKong,
    /// Which pairs may trade more; said of member states only, so that nobody says it of a bloc that buys as one.
    pub links: Option<&'static str>,
    /// Who solves.
    pub solver: SolverChoice,
    /// Solve by closed form and by HiGHS, and compare.
    pub cross_check: bool,
    /// Where keys were set, for messages.
    pub origins: Origins,
}

/// File and line of keys that a file set. Two scenarios that ask the same are equal wherever they were written.
#[derive(Debug, Clone, Default)]
pub struct Origins(pub(crate) BTreeMap<String, (String, usize)>);

impl Origins {
    /// Keys that a file set and nothing set after it.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl PartialEq for Origins {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Origins {}

impl Default for Scenario {
    fn default() -> Self {
        let text = |key: &str| keys::find(key).map_or("", |key| key.default).to_owned();
        Self {
            year: None,
            bloc: text("bloc"),
            risk: text("risk"),
            list: ListChoice::default(),
            cap: Fraction::new(1, 20).unwrap_or(Fraction::ZERO),
            cap_basis: CapBasis::default(),
            cap_country: BTreeMap::new(),
            cap_product: BTreeMap::new(),
            floor: Floor::default(),
            ceiling: None,
            bloc_alternatives: true,
            exclude: String::new(),
            exclude_hard: String::new(),
            immobile: BTreeSet::new(),
            weights: BTreeMap::new(),
            drain: DrainChoice::default(),
            fill: FillChoice::default(),
            map: MapRule::default(),
            alias: Alias::None,
            reconstructed: true,
            hong_kong: HongKong::Apart,
            links: None,
            solver: SolverChoice::default(),
            cross_check: false,
            origins: Origins::default(),
        }
    }
}

/// Letters of the path of a list: the most that Linux takes.
const LONGEST_PATH: usize = 4_096;

const BASES: [(CapBasis, &str); 5] = [
    (CapBasis::ExporterWorld, "exporter-world"),
    (CapBasis::ExporterExtraBloc, "exporter-extra-bloc"),
    (CapBasis::BlocFlow, "bloc-flow"),
    (CapBasis::BlocMarket, "bloc-market"),
    (CapBasis::WorldMarket, "world-market"),
];
const FLOORS: [(Floor, &str); 3] = [(Floor::Additive, "additive"), (Floor::Free, "free"), (Floor::Symmetric, "symmetric")];
const FILLS: [(FillChoice, &str); 5] = [
    (FillChoice::ProportionalCapacity, "proportional-capacity"),
    (FillChoice::ProportionalFlow, "proportional-flow"),
    (FillChoice::MinHhi, "min-hhi"),
    (FillChoice::MinCost, "min-cost"),
    (FillChoice::Vertex, "vertex"),
];
const MAPS: [(MapRule, &str); 3] = [(MapRule::Main, "main"), (MapRule::All, "all"), (MapRule::Any, "any")];
const ALIASES: [(Alias, &str); 2] = [(Alias::None, "none"), (Alias::Petroleum, "271000")];
const HONG_KONGS: [(HongKong, &str); 2] = [(HongKong::Apart, "apart"), (HongKong::WithChina, "with-china")];

fn named<T: Clone>(table: &[(T, &str)], name: &str) -> Option<T> {
    table.iter().find(|(_, own)| *own == name).map(|(value, _)| value.clone())
}

fn name_of<T: PartialEq>(table: &[(T, &'static str)], value: &T) -> Option<&'static str> {
    table.iter().find(|(own, _)| own == value).map(|(_, name)| *name)
}

impl Scenario {
    /// Takes one `key=value`.
    ///
    /// # Errors
    /// [`ScenarioError`] without `=`, for an unknown key or a value that the key does not take.
    pub fn set_from_text(&mut self, setting: &str) -> Result<(), ScenarioError> {
        let (key, value) = setting.split_once('=').ok_or_else(|| ScenarioError::Setting(setting.to_owned()))?;
        self.set(key.trim(), value.trim())
    }

    /// Sets one key. Tables of countries or products are set whole, or one entry at a time by `key.entry`.
    ///
    /// # Errors
    /// [`ScenarioError`] for an unknown key or a value that the key does not take.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), ScenarioError> {
        let entry = name.split_once('.').filter(|(table, _)| matches!(*table, "cap-country" | "cap-product" | "weights"));
        let key_name = entry.map_or(name, |(table, _)| table);
        let Some(key) = keys::find(key_name) else {
            let hint = keys::did_you_mean(name, KEYS.iter().map(|key| key.name));
            return Err(ScenarioError::UnknownKey { key: name.to_owned(), hint });
        };
        // A later setting takes the place of the file's.
        self.origins.0.remove(name);
        let refuse = |expected: String| ScenarioError::Value { key: name.to_owned(), value: value.to_owned(), expected };
        // Lists of countries and products are long, each entry of them is not; a path may be.
        let most = if key_name == "list" { LONGEST_PATH } else { Text::NAME };
        let mut entries = [name, value].into_iter().flat_map(|text| text.split(','));
        entries.try_for_each(|entry| check_letters(entry, most)).map_err(|error| refuse(error.to_string()))?;
        let unfit = || refuse(key.expected(value));
        let share = |text: &str| -> Result<Fraction, ScenarioError> {
            let share: Fraction = text.parse().map_err(|error| refuse(format!("{error}")))?;
            if share > Fraction::ONE { Err(unfit()) } else { Ok(share) }
        };
        let positive = |text: &str| -> Result<Fraction, ScenarioError> {
            let weight: Fraction = text.parse().map_err(|error| refuse(format!("{error}")))?;
            if weight == Fraction::ZERO { Err(refuse("a weight is more than zero".to_owned())) } else { Ok(weight) }
        };
        let product = |text: &str| typed_code(text).map_err(refuse);
        let country = |text: &str| if text.is_empty() { Err(unfit()) } else { Ok(text.to_owned()) };
        match (key_name, entry) {
            ("weights", Some((_, of))) => drop(self.weights.insert(country(of)?, positive(value)?)),
            ("weights", None) => self.weights = pairs(value, country, positive, &unfit)?,
            ("cap-country", Some((_, of))) => drop(self.cap_country.insert(country(of)?, share(value)?)),
            ("cap-country", None) => self.cap_country = pairs(value, country, share, &unfit)?,
            ("cap-product", Some((_, of))) => drop(self.cap_product.insert(product(of)?, share(value)?)),
            ("cap-product", None) => self.cap_product = pairs(value, product, share, &unfit)?,
            ("year", _) => self.year = Some(value.parse().map_err(|error| refuse(format!("{error}")))?),
            ("bloc", _) => self.bloc = value.to_owned(),
            ("risk", _) => self.risk = value.to_owned(),
            ("exclude", _) => self.exclude = value.to_owned(),
            ("exclude-hard", _) => self.exclude_hard = value.to_owned(),
            ("immobile", _) => {
                let named = value.split(',').map(str::trim).filter(|code| !code.is_empty());
                self.immobile = named.map(product).collect::<Result<_, _>>()?;
            }
            ("list", _) => {
                self.list = match value {
                    "" => return Err(unfit()),
                    "all" => ListChoice::All,
                    "critical" => ListChoice::Critical,
                    path => ListChoice::File(PathBuf::from(path)),
                }
            }
            ("cap", _) => self.cap = share(value)?,
            ("cap-basis", _) => self.cap_basis = self::named(&BASES, value).ok_or_else(unfit)?,
            ("floor", _) => {
                self.floor = match value.split_once(':') {
                    Some(("churn", lost)) => Floor::Churn(share(lost.trim())?),
                    _ => self::named(&FLOORS, value).ok_or_else(unfit)?,
                }
            }
            ("ceiling", _) => self.ceiling = if value == "none" { None } else { Some(share(value).map_err(|_| unfit())?) },
            ("bloc-alternatives", _) => self.bloc_alternatives = truth(value).ok_or_else(unfit)?,
            ("reconstructed", _) => self.reconstructed = truth(value).ok_or_else(unfit)?,
            ("tie-break.drain", _) => {
                self.drain = match order(value) {
                    Some(order) => DrainChoice::Order(order),
                    None if value == "proportional" => DrainChoice::Proportional,
                    None => return Err(unfit()),
                }
            }
            ("tie-break.fill", _) => {
                self.fill = match order(value) {
                    Some(order) => FillChoice::Order(order),
                    None => self::named(&FILLS, value).ok_or_else(unfit)?,
                }
            }
            ("map", _) => self.map = self::named(&MAPS, value).ok_or_else(unfit)?,
            ("alias", _) => self.alias = self::named(&ALIASES, value).ok_or_else(unfit)?,
            ("hong-kong", _) => self.hong_kong = self::named(&HONG_KONGS, value).ok_or_else(unfit)?,
            ("solver", _) => self.solver = value.parse().map_err(|()| unfit())?,
            ("links", _) => {
                let words = if let Takes::OneOf(words) = key.takes { words } else { &[] };
                let word = words.iter().copied().find(|word| *word == value);
                self.links = if value.is_empty() { None } else { Some(word.ok_or_else(unfit)?) };
            }
            ("formulation", _) if value == "aggregate" => {}
            _ => return Err(unfit()),
        }
        Ok(())
    }

    /// What the list is called.
    pub(crate) fn resolved_list(&self) -> String {
        match &self.list {
            ListChoice::Critical => "critical".to_owned(),
            ListChoice::All => "all".to_owned(),
            ListChoice::One(product) => product.to_string(),
            ListChoice::File(path) => file_name(path),
        }
    }

    /// Every key with its resolved value, for the manifest.
    pub fn resolved(&self, year: Year, bloc: &Bloc) -> BTreeMap<String, String> {
        let members: Vec<String> = bloc.members.iter().map(ToString::to_string).collect();
        let list = self.resolved_list();
        let word = |name: Option<&'static str>| name.unwrap_or_default().to_owned();
        let yes_or_no = |truth: bool| if truth { "yes" } else { "no" }.to_owned();
        [
            ("year", year.to_string()),
            ("bloc", bloc.name.clone()),
            ("bloc-members", members.join(",")),
            ("risk", self.risk.clone()),
            ("list", list),
            ("cap", self.cap.to_string()),
            ("cap-basis", word(name_of(&BASES, &self.cap_basis))),
            ("cap-country", joined(&self.cap_country)),
            ("cap-product", joined(&self.cap_product)),
            (
                "floor",
                match self.floor {
                    Floor::Churn(share) => format!("churn:{share}"),
                    floor => word(name_of(&FLOORS, &floor)),
                },
            ),
            ("ceiling", self.ceiling.map_or_else(|| "none".to_owned(), |share| share.to_string())),
            ("bloc-alternatives", yes_or_no(self.bloc_alternatives)),
            ("exclude", self.exclude.clone()),
            ("exclude-hard", self.exclude_hard.clone()),
            ("immobile", self.immobile.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")),
            ("weights", joined(&self.weights)),
            (
                "tie-break.drain",
                match &self.drain {
                    DrainChoice::Proportional => "proportional".to_owned(),
                    DrainChoice::Order(order) => format!("order:{order}"),
                },
            ),
            (
                "tie-break.fill",
                match &self.fill {
                    FillChoice::Order(order) => format!("order:{order}"),
                    fill => word(name_of(&FILLS, fill)),
                },
            ),
            ("map", word(name_of(&MAPS, &self.map))),
            ("alias", word(name_of(&ALIASES, &self.alias))),
            ("reconstructed", yes_or_no(self.reconstructed)),
            ("hong-kong", word(name_of(&HONG_KONGS, &self.hong_kong))),
            ("formulation", "aggregate".to_owned()),
            ("solver", self.solver.name().to_owned()),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
    }
}

/// `yes` or `no`; a TOML writer may give `true`.
fn truth(value: &str) -> Option<bool> {
    match value {
        "yes" | "true" => Some(true),
        "no" | "false" => Some(false),
        _ => None,
    }
}

/// `order:842,643` without its opening word.
fn order(value: &str) -> Option<String> {
    value.strip_prefix("order:").map(|order| order.trim().to_owned())
}

/// `CHN=2,842=1` as a map; nothing is an empty one.
fn pairs<K: Ord>(
    text: &str,
    key: impl Fn(&str) -> Result<K, ScenarioError>,
    number: impl Fn(&str) -> Result<Fraction, ScenarioError>,
    unfit: &dyn Fn() -> ScenarioError,
) -> Result<BTreeMap<K, Fraction>, ScenarioError> {
    let mut map = BTreeMap::new();
    for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or_else(unfit)?;
        if map.insert(key(name.trim())?, number(value.trim())?).is_some() {
            return Err(unfit());
        }
    }
    Ok(map)
}

fn joined<K: std::fmt::Display>(map: &BTreeMap<K, Fraction>) -> String {
    map.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn toml_and_settings_resolve_to_one_scenario() {
        let mut from_file = Scenario::default();
        let text = "year = 2023\ncap = 0.1\nrisk = [156, \"USA\"]\nbloc-alternatives = false\nfloor = \"churn:1/4\"\n\
                    immobile = [10121, \"271121\"]\nweights = { CHN = 2, USA = 0.5 }\n[cap-product]\n270900 = \"0.2\"\n[tie-break]\ndrain = \"order:842\"\n";
        from_file.set_from_toml(text, "x.toml").unwrap();
        let mut from_settings = Scenario::default();
        for setting in [
            "year=2023",
            "cap = 1/10",
            "risk=156,USA",
            "bloc-alternatives=no",
            "floor=churn:0.25",
            "immobile=271121, 010121",
            "weights=CHN=2,USA=1/2",
            "cap-product.270900=0.2",
            "tie-break.drain=order:842",
        ] {
            from_settings.set_from_text(setting).unwrap();
        }
        assert_eq!(from_file, from_settings);
    }

    #[test]
    fn every_key_has_a_default_that_it_takes_and_that_is_the_scenario() {
        let mut scenario = Scenario::default();
        for key in KEYS.iter().filter(|key| key.name != "year") {
            scenario.set(key.name, key.default).unwrap();
        }
        assert_eq!(scenario, Scenario::default());
        let bloc = Bloc { name: "EU27".to_owned(), members: Vec::new(), note: None };
        let resolved = scenario.resolved(Year::new(2023).unwrap(), &bloc);
        for key in KEYS.iter().filter(|key| !["year", "links"].contains(&key.name)) {
            assert_eq!(resolved[key.name], key.default, "{}", key.name);
        }
    }

    #[test]
    fn wrong_settings_name_what_is_right() {
        let message = |setting: &str| Scenario::default().set_from_text(setting).unwrap_err().to_string();
        assert_eq!(message("caps=0.05"), "unknown key `caps`: did you mean `cap`?");
        assert!(message("tie-brake.fill=vertex").contains("did you mean `tie-break.fill`?"));
        assert!(message("cap=5").contains("0.05"));
        assert!(message("cap=-1").contains("not a number"));
        assert!(message("solver=cplex").contains("closed-form"));
        assert!(message("floor=fre").contains("did you mean `free`?"));
        assert!(message("floor=churn:2").contains("churn:0.1"));
        assert!(message("cap-basis=exporter-wrld").contains("did you mean `exporter-world`?"));
        assert!(message("weights=CHN").contains("CHN=2,842=1"));
        assert!(message("weights=CHN=0").contains("more than zero"));
        assert!(message("cap-product=27=0.1").contains("six digits"));
        assert!(message("cap-product.27090=0.1").contains("did you mean 270900?"));
        assert!(message("immobile=270900,28053").contains("did you mean 280530?"));
        assert!(message("formulation=member-states").contains("aggregate"));
        assert!(message("cap").contains("key=value"));
    }

    #[test]
    fn files_name_the_line() {
        let message = |text: &str| Scenario::default().set_from_toml(text, "x.toml").unwrap_err().to_string();
        assert!(message("cap = ").starts_with("x.toml:1: "));
        assert_eq!(message("cap = 0.05\n\ncaps = 1"), "x.toml:3: unknown key `caps`: did you mean `cap`?");
        assert!(message("# x\n[tie-break]\nfill = \"max-hhi\"").starts_with("x.toml:3: `tie-break.fill = max-hhi`: use"));
        assert!(message("[weights]\nCHN = 1\nUSA = -1").starts_with("x.toml:3: "));
        assert!(message("[cap-product]\n10121 = 0.1\n010121 = 0.2").starts_with("x.toml:3: `cap-product.010121` is set twice"));
        assert!(message("cap = { a = 1 }").contains("unknown key `cap.a`"));
    }

    #[test]
    fn the_schema_knows_every_key() {
        let schema = schema();
        for key in KEYS {
            let place = match key.name.split_once('.') {
                Some((table, name)) => &schema["properties"][table]["properties"][name],
                None => &schema["properties"][key.name],
            };
            assert_eq!(place["description"], key.doc);
        }
    }
}
