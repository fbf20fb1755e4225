//! A question in one spelling: two scenarios with the same text give the same figures from the same files.

use std::fmt::Write;

use reorient_core::{CountryCode, CountryIndex, CountryTable, Fraction, Year};
use reorient_model::{CapBasis, CountrySet, Drain, Fill, Floor, Policy, TieBreak};

use super::{ALIASES, FILLS, HONG_KONGS, ListChoice, MAPS, Scenario, name_of};
use crate::bloc::Bloc;

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
