//! A scenario held against the years and countries of the data.

use std::collections::BTreeMap;
use std::path::Path;

use reorient_core::{CountryCode, CountryIndex, CountryTable, Fraction, Year, years_in_words};
use reorient_model::{CountrySet, Drain, Fill, Policy, TieBreak, Weights};

use super::{DrainChoice, FillChoice, HONG_KONG, HongKong, KEYS, ListChoice, Scenario, ScenarioError};
use crate::bloc::{Bloc, is_union, name_of_members, named, of_united_nations};
use crate::presence::{Named, What};

/// Limit of a weight, and of the common denominator of all.
const MOST_WEIGHT: u32 = 1000;

impl Scenario {
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
        let held = || years_in_words(years);
        match (self.year, years) {
            (Some(year), _) if years.contains(&year) => Ok(year),
            (Some(year), _) => Err(ScenarioError::NoSuchYear { year, held: held() }),
            (None, [only]) => Ok(*only),
            (None, _) => Err(ScenarioError::WhichYear(held())),
        }
    }

    /// Every key with its resolved value and countries by code, so that two spellings of one question give one text.
    ///
    /// # Errors
    /// [`ScenarioError`] as of [`Self::policy`].
    pub fn resolved_in_codes(
        &self,
        countries: &CountryTable,
        year: Year,
        bloc: &Bloc,
    ) -> Result<BTreeMap<String, String>, ScenarioError> {
        fn codes(codes: &[CountryCode]) -> String {
            codes.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
        }
        let table = Countries { scenario: self, countries, year };
        let mut resolved = self.resolved(year, bloc);
        let mut set = |key: &str, value: String| drop(resolved.insert(key.to_owned(), value));
        set("bloc", name_of_members(&bloc.members, year, countries).map_or_else(|| codes(&bloc.members), str::to_owned));
        set("risk", codes(&self.resolve_risk(countries, year, bloc)?));
        set("exclude", codes(&table.list("exclude", &self.exclude)?));
        set("exclude-hard", codes(&table.list("exclude-hard", &self.exclude_hard)?));
        set("weights", super::joined(&table.numbers("weights", &self.weights)?));
        set("cap-country", super::joined(&table.numbers("cap-country", &self.cap_country)?));
        if let DrainChoice::Order(order) = &self.drain {
            set("tie-break.drain", format!("order:{}", codes(&table.in_order("tie-break.drain", order)?)));
        }
        if let FillChoice::Order(order) = &self.fill {
            set("tie-break.fill", format!("order:{}", codes(&table.in_order("tie-break.fill", order)?)));
        }
        Ok(resolved)
    }

    /// The scenario whose resolved keys these are. `list` is the file, where the list is one.
    ///
    /// # Errors
    /// [`ScenarioError`] for a key that is not there, or a value that it does not take.
    pub fn of_resolved(resolved: &BTreeMap<String, String>, list: Option<&Path>) -> Result<Self, ScenarioError> {
        let mut scenario = Self::default();
        // What is no setting is in no resolved scenario.
        for key in KEYS.iter().filter(|key| key.name != "links") {
            let value = resolved.get(key.name);
            let value = value.ok_or_else(|| ScenarioError::Sweep(format!("the scenario lacks `{}`", key.name)))?;
            match list.filter(|_| key.name == "list") {
                Some(path) => scenario.list = ListChoice::File(path.to_owned()),
                None => scenario.set(key.name, value)?,
            }
        }
        Ok(scenario)
    }

    /// Countries that somebody named, with the key and whether they matter as sellers or as buyers. Unions and the risk origins
    /// that are the default are nobody's names.
    ///
    /// # Errors
    /// [`ScenarioError`] as of [`Self::policy`].
    pub(crate) fn named_countries(&self, countries: &CountryTable, year: Year, bloc: &Bloc) -> Result<Vec<Named>, ScenarioError> {
        let table = Countries { scenario: self, countries, year };
        let mut found = Vec::new();
        if !is_union(&self.bloc) {
            found.extend(bloc.members.iter().map(|code| Named { key: "bloc", what: What::Buyer(*code) }));
        }
        let mut sellers = |key: &'static str, codes: Vec<CountryCode>| {
            found.extend(codes.into_iter().map(|code| Named { key, what: What::Seller(code) }));
        };
        let risk = self.resolve_risk(countries, year, bloc)?;
        if risk != default_risk() {
            sellers("risk", risk);
        }
        sellers("exclude", table.list("exclude", &self.exclude)?);
        sellers("exclude-hard", table.list("exclude-hard", &self.exclude_hard)?);
        sellers("weights", table.numbers("weights", &self.weights)?.into_keys().collect());
        sellers("cap-country", table.numbers("cap-country", &self.cap_country)?.into_keys().collect());
        for (key, order) in self.orders() {
            sellers(key, table.in_order(key, order)?);
        }
        Ok(found)
    }

    fn orders(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let drain = if let DrainChoice::Order(order) = &self.drain { Some(("tie-break.drain", order.as_str())) } else { None };
        let fill = if let FillChoice::Order(order) = &self.fill { Some(("tie-break.fill", order.as_str())) } else { None };
        drain.into_iter().chain(fill)
    }

    /// A sentence for each number of the United Nations that was read as one of BACI's.
    pub fn number_notes(&self, countries: &CountryTable) -> Vec<String> {
        let lists =
            [("bloc", &self.bloc), ("risk", &self.risk), ("exclude", &self.exclude), ("exclude-hard", &self.exclude_hard)];
        let tables = [("weights", &self.weights), ("cap-country", &self.cap_country)];
        let of_lists = lists.into_iter().map(|(key, text)| (key, text.as_str()));
        let of_tables = tables.into_iter().flat_map(|(key, table)| table.keys().map(move |name| (key, name.as_str())));
        let mut notes = Vec::new();
        for (key, text) in of_lists.chain(of_tables).chain(self.orders()) {
            notes.extend(text.split(',').filter_map(|name| number_note(key, name, countries)));
        }
        notes
    }

    /// Everything that the scenario asks of a product, in indices of the country table.
    ///
    /// # Errors
    /// [`ScenarioError`] for an unknown country, or one that is on a side where the option means nothing.
    pub fn policy(&self, countries: &CountryTable, year: Year, bloc: &Bloc) -> Result<Policy, ScenarioError> {
        if let Some(links) = self.links {
            let expected = "matters to formulation = member-states only; under aggregate leave it out".to_owned();
            return Err(ScenarioError::Value { key: "links".to_owned(), value: links.to_owned(), expected });
        }
        let risk = self.resolve_risk(countries, year, bloc)?;
        let table = Countries { scenario: self, countries, year };
        let set = |codes: &[CountryCode]| country_set(countries, codes);
        let mut policy = Policy::new(set(&risk), self.cap);
        let on_risk_side = |code: &CountryCode| risk.contains(code);

        let weights = table.numbers("weights", &self.weights)?;
        refuse_any(
            "weights",
            weights.keys().filter(|code| !on_risk_side(code)),
            "only a risk origin has a weight: leave it out",
        )?;
        policy.weights = integer_weights(&weights, countries)?;

        let excluded = table.list("exclude", &self.exclude)?;
        refuse_any(
            "exclude",
            excluded.iter().filter(|code| on_risk_side(code)),
            "a risk origin adds nothing anyway: leave it out",
        )?;
        // The only member of a bloc cannot supply itself.
        let alone = if bloc.members.len() == 1 { bloc.members.as_slice() } else { &[] };
        policy.no_extra = set(&[excluded.as_slice(), alone].concat());
        policy.barred = set(&table.list("exclude-hard", &self.exclude_hard)?);
        if !self.bloc_alternatives {
            policy.fixed = set(&bloc.members);
        }

        let caps = table.numbers("cap-country", &self.cap_country)?;
        refuse_any(
            "cap-country",
            caps.keys().filter(|code| on_risk_side(code)),
            "a risk origin adds nothing anyway: leave it out",
        )?;
        policy.cap_of_country = caps.iter().filter_map(|(code, cap)| Some((countries.index(*code)?, *cap))).collect();
        policy.cap_of_product.clone_from(&self.cap_product);
        policy.immobile.clone_from(&self.immobile);
        policy.basis = self.cap_basis;
        policy.floor = self.floor;
        policy.ceiling = self.ceiling;

        let order = |key, text: &str, of_risk: bool| -> Result<Vec<CountryIndex>, ScenarioError> {
            let codes = table.in_order(key, text)?;
            let problem =
                if of_risk { "not a risk origin: leave it out" } else { "a risk origin, which is no alternative: leave it out" };
            refuse_any(key, codes.iter().filter(|code| on_risk_side(code) != of_risk), problem)?;
            Ok(codes.iter().filter_map(|code| countries.index(*code)).collect())
        };
        policy.tie_break = TieBreak {
            drain: match &self.drain {
                DrainChoice::Proportional => Drain::Proportional,
                DrainChoice::Order(text) => Drain::Order(order("tie-break.drain", text, true)?),
            },
            fill: match &self.fill {
                FillChoice::ProportionalCapacity => Fill::ProportionalCapacity,
                FillChoice::ProportionalFlow => Fill::ProportionalFlow,
                FillChoice::Order(text) => Fill::Order(order("tie-break.fill", text, false)?),
                FillChoice::MinHhi => Fill::MinHhi,
                FillChoice::MinCost => Fill::MinCost,
                FillChoice::Vertex => Fill::Vertex,
            },
        };
        Ok(policy)
    }
}

/// The risk origins that a scenario has when nobody names any, ascending.
pub(crate) fn default_risk() -> Vec<CountryCode> {
    let text = super::keys::find("risk").map_or("", |key| key.default);
    let mut codes: Vec<CountryCode> = text.split(',').filter_map(|code| code.parse().ok()).collect();
    codes.sort_unstable();
    codes
}

/// A sentence where a name is a number of the United Nations that BACI has another one for.
pub fn number_note(key: &str, name: &str, countries: &CountryTable) -> Option<String> {
    let code = of_united_nations(name, countries)?;
    let country = &countries.country(countries.index(code)?).name;
    let name = name.trim();
    Some(format!("`{key}`: {name} is a number of the United Nations (M49) that BACI does not have; {code} ({country}) is meant."))
}

/// Country lists of one scenario and year.
struct Countries<'a> {
    scenario: &'a Scenario,
    countries: &'a CountryTable,
    year: Year,
}

impl Countries<'_> {
    /// Ascending, each once; an empty text is nobody.
    fn list(&self, key: &str, text: &str) -> Result<Vec<CountryCode>, ScenarioError> {
        let mut codes = self.in_order(key, text)?;
        codes.sort_unstable();
        codes.dedup();
        Ok(codes)
    }

    /// As written.
    fn in_order(&self, key: &str, text: &str) -> Result<Vec<CountryCode>, ScenarioError> {
        let mut codes = Vec::new();
        for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            codes.extend(named(key, name, self.year, self.countries)?);
        }
        self.scenario.refuse_hong_kong(key, &codes)?;
        Ok(codes)
    }

    fn numbers(&self, key: &str, of: &BTreeMap<String, Fraction>) -> Result<BTreeMap<CountryCode, Fraction>, ScenarioError> {
        let mut numbers = BTreeMap::new();
        for (name, number) in of {
            for code in self.in_order(key, name)? {
                if numbers.insert(code, *number).is_some() {
                    return Err(refused(key, code, "this country stands twice"));
                }
            }
        }
        Ok(numbers)
    }
}

/// The first of the countries is where the option means nothing.
fn refuse_any<'a>(key: &str, mut codes: impl Iterator<Item = &'a CountryCode>, problem: &str) -> Result<(), ScenarioError> {
    codes.next().map_or(Ok(()), |code| Err(refused(key, *code, problem)))
}

fn refused(key: &str, code: CountryCode, problem: &str) -> ScenarioError {
    ScenarioError::Value { key: key.to_owned(), value: code.to_string(), expected: problem.to_owned() }
}

/// Weights in whole units of one over their least common denominator.
fn integer_weights(weights: &BTreeMap<CountryCode, Fraction>, countries: &CountryTable) -> Result<Weights, ScenarioError> {
    let limit = Fraction::new(MOST_WEIGHT.into(), 1).unwrap_or(Fraction::ONE);
    refuse_any(
        "weights",
        weights.iter().filter(|(_, weight)| **weight > limit).map(|(code, _)| code),
        "a weight is at most 1000",
    )?;
    let scale = Fraction::common_denominator(weights.values().copied()).filter(|scale| *scale <= MOST_WEIGHT.into());
    let scale = scale.ok_or_else(|| ScenarioError::Value {
        key: "weights".to_owned(),
        value: super::joined(weights),
        expected: "use weights of at most three decimals".to_owned(),
    })?;
    let units = |weight: &Fraction| {
        // Both are at most a million.
        let part = |part: u64| i64::try_from(part).unwrap_or(i64::MAX);
        part(weight.numerator()) * (scale / part(weight.denominator()))
    };
    let of = weights.iter().filter_map(|(code, weight)| Some((countries.index(*code)?, units(weight)))).collect();
    Ok(Weights { scale, of })
}

/// A set of countries of the table; codes it does not know are left out, for blocs that outlive a member's code.
pub(crate) fn country_set(countries: &CountryTable, codes: &[CountryCode]) -> CountrySet {
    CountrySet::new(countries.len(), codes.iter().filter_map(|code| countries.index(*code)))
}
