//! A question in one spelling: two scenarios with the same text give the same figures from the same files.

use std::fmt::Write;

use reorient_core::{CountryCode, CountryIndex, CountryTable, Fraction, Year};
use reorient_model::{CapBasis, CountrySet, Drain, Fill, Floor, Policy, TieBreak};

use super::{ALIASES, FILLS, HONG_KONGS, ListChoice, MAPS, Scenario, name_of};
use crate::bloc::Bloc;
use crate::sweep::ResultKey;

impl Scenario {
    /// What decides which rows are read, but for the contents of files; one line per key.
    pub(crate) fn dataset_text(&self, year: Year) -> String {
        let list = match &self.list {
            ListChoice::Critical => "critical".to_owned(),
            ListChoice::All => "all".to_owned(),
            ListChoice::One(product) => product.to_string(),
            ListChoice::File(path) => format!("file {}", path.file_name().unwrap_or_default().to_string_lossy()),
        };
        let word = |name: Option<&'static str>| name.unwrap_or_default();
        let (map, alias) = (word(name_of(&MAPS, &self.map)), word(name_of(&ALIASES, &self.alias)));
        let hong_kong = word(name_of(&HONG_KONGS, &self.hong_kong));
        let reconstructed = self.reconstructed;
        format!("year {year}\nlist {list}\nmap {map}\nalias {alias}\nreconstructed {reconstructed}\nhong-kong {hong_kong}\n")
    }

    /// Hash of what is asked in one spelling, whoever solves: who asks the same in other words may replace an answer.
    pub(crate) fn asks(&self, countries: &CountryTable, year: Year, bloc: &Bloc, policy: &Policy) -> String {
        Self::asked_in(&self.question_text(countries, year, bloc, policy)).to_string()
    }

    /// The same hash of a question's text.
    pub(crate) fn asked_in(text: &str) -> ResultKey {
        let asked = text.lines().filter(|line| !line.starts_with("solver ") && !line.starts_with("cross-check "));
        ResultKey::of(asked.collect::<Vec<_>>().join("\n").as_bytes())
    }

    /// Everything that the figures follow from, but for the contents of files: countries by code, numbers reduced.
    pub(crate) fn question_text(&self, countries: &CountryTable, year: Year, bloc: &Bloc, policy: &Policy) -> String {
        // Taken apart, so that an option of later versions is not left out.
        let Policy {
            risk,
            weights,
            no_extra,
            barred,
            fixed,
            cap,
            cap_of_country,
            cap_of_product,
            immobile,
            basis,
            floor,
            ceiling,
            tie_break: TieBreak { drain, fill },
        } = policy;
        let code = |index: CountryIndex| countries.country(index).code;
        let set = |set: &CountrySet| joined(set.iter().map(code));
        let order = |order: &[CountryIndex]| joined(order.iter().map(|index| code(*index)));
        let mut text = self.dataset_text(year);
        let mut line = |key: &str, value: &dyn std::fmt::Display| {
            // Writing to a text does not fail.
            let _ = writeln!(text, "{key} {value}");
        };
        line("bloc", &joined(bloc.members.iter().copied().filter(|code| countries.index(*code).is_some())));
        line("risk", &set(risk));
        line("weight-units", &weights.scale);
        weights.of.iter().for_each(|(country, units)| line("weight", &format!("{} {units}", code(*country))));
        line("no-extra", &set(no_extra));
        line("barred", &set(barred));
        line("fixed", &set(fixed));
        line("cap", cap);
        cap_of_country.iter().for_each(|(country, cap)| line("cap-country", &format!("{} {cap}", code(*country))));
        cap_of_product.iter().for_each(|(product, cap)| line("cap-product", &format!("{product} {cap}")));
        immobile.iter().for_each(|product| line("immobile", product));
        line("cap-basis", &basis_name(*basis));
        line("floor", &floor_text(*floor));
        line("ceiling", &ceiling.map_or_else(|| "none".to_owned(), |share: Fraction| share.to_string()));
        match drain {
            Drain::Proportional => line("drain", &"proportional"),
            Drain::Order(of) => line("drain", &format!("order {}", order(of))),
        }
        match fill {
            Fill::Order(of) => line("fill", &format!("order {}", order(of))),
            _ => line("fill", &name_of(&FILLS, &self.fill).unwrap_or_default()),
        }
        line("solver", &self.solver);
        line("cross-check", &self.cross_check);
        text
    }
}

fn joined(codes: impl Iterator<Item = CountryCode>) -> String {
    let mut text = String::new();
    for code in codes {
        let _ = write!(text, "{}{code}", if text.is_empty() { "" } else { "," });
    }
    text
}

fn basis_name(basis: CapBasis) -> &'static str {
    name_of(&super::BASES, &basis).unwrap_or_default()
}

fn floor_text(floor: Floor) -> String {
    match floor {
        Floor::Churn(share) => format!("churn {share}"),
        floor => name_of(&super::FLOORS, &floor).unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use reorient_data::TradeSource;

    use super::*;

    /// The question and the resolved keys of a scenario with some settings.
    fn question(settings: &[&str]) -> (String, std::collections::BTreeMap<String, String>) {
        let source = TradeSource::embedded().unwrap();
        let (countries, year) = (source.countries(), source.years()[0]);
        let mut scenario = Scenario::default();
        settings.iter().for_each(|setting| scenario.set_from_text(setting).unwrap());
        let bloc = scenario.resolve_bloc(countries, year).unwrap();
        let policy = scenario.policy(countries, year, &bloc).unwrap();
        let text = scenario.question_text(countries, year, &bloc, &policy);
        (text, scenario.resolved_in_codes(countries, year, &bloc).unwrap())
    }

    #[test]
    fn spellings_of_one_question_are_one_text() {
        for (one, other) in [
            (&["risk=156,842"][..], &["risk= usa ,CHN"][..]),
            (&["immobile=010121,271121"], &["immobile=271121, 10121,271121"]),
            (&["cap=0.05"], &["cap=1/20"]),
            (&["bloc=EU27"], &["bloc=EU"]),
            (&["weights=CHN=2,842=0.5"], &["weights.842=1/2", "weights.156=2"]),
            (&["exclude=NOR,CAN"], &["exclude=124,579"]),
            (&["tie-break.fill=order:CAN,NOR"], &["tie-break.fill=order:124,579"]),
            (&["cap-country=CAN=0.1"], &["cap-country.124=1/10"]),
            (&["bloc-alternatives=no"], &["bloc-alternatives=false"]),
        ] {
            assert_eq!(question(one), question(other), "{one:?} {other:?}");
        }
    }

    #[test]
    fn every_other_value_of_every_key_is_another_question() {
        let others = [
            "bloc=NLD",
            "risk=CHN",
            "list=all",
            "cap=0.051",
            "cap-basis=bloc-flow",
            "cap-country=CAN=0.1",
            "cap-product=270900=0.1",
            "floor=free",
            "floor=churn:0.1",
            "floor=churn:0.2",
            "ceiling=0.5",
            "bloc-alternatives=no",
            "exclude=CAN",
            "exclude-hard=CAN",
            "immobile=271121",
            "weights=CHN=2",
            "tie-break.drain=order:842",
            "tie-break.drain=order:156",
            "tie-break.fill=min-hhi",
            "tie-break.fill=order:CAN,NOR",
            "tie-break.fill=order:NOR,CAN",
            "map=all",
            "map=any",
            "alias=271000",
            "reconstructed=no",
            "hong-kong=with-china",
            "solver=closed-form",
        ];
        let mut seen = std::collections::BTreeMap::from([(question(&[]).0, "the default")]);
        for setting in others {
            let twin = seen.insert(question(&[setting]).0, setting);
            assert_eq!(twin, None, "{setting}");
        }
        for key in crate::KEYS.iter().filter(|key| !["year", "links", "formulation"].contains(&key.name)) {
            assert!(others.iter().any(|setting| setting.split('=').next() == Some(key.name)), "{}", key.name);
        }
    }
}
