//! The nearest valid name, for messages about a country or union that is none.

use reorient_core::CountryTable;

use crate::bloc::unions;

/// Something like `; did you mean NLD (Netherlands)?`, or nothing when no name is near.
pub(crate) fn nearest_country(text: &str, countries: &CountryTable, unions_too: bool) -> String {
    let typed = text.trim().to_uppercase();
    let short = unions().filter(|_| unions_too).map(|union| (union.to_owned(), union.to_owned()));
    let by_iso3 = countries.iter().map(|(_, country)| (country.iso3.to_uppercase(), shown(&country.iso3, &country.name)));
    let by_name = countries.iter().map(|(_, country)| (country.name.to_uppercase(), shown(&country.iso3, &country.name)));
    let letters = |text: &str| {
        let mut letters: Vec<char> = text.chars().collect();
        letters.sort_unstable();
        letters
    };
    // Swapped letters are nearer than wrong ones.
    let candidates = short
        .chain(by_iso3)
        .chain(by_name)
        .map(|(name, shown)| (strsim::damerau_levenshtein(&typed, &name), letters(&typed) != letters(&name), name.len(), shown));
    match candidates.min() {
        Some((distance, _, length, shown)) if distance * 3 <= length => format!("; did you mean {shown}?"),
        _ => String::new(),
    }
}

fn shown(iso3: &str, name: &str) -> String {
    format!("{iso3} ({name})")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_is_named() {
        let source = reorient_data::TradeSource::embedded().unwrap();
        assert_eq!(nearest_country("EU72", source.countries(), false), "");
        for (typed, meant) in [
            ("NDL", "; did you mean NLD (Netherlands)?"),
            ("netherland", "; did you mean NLD (Netherlands)?"),
            ("Germany", "; did you mean DEU (Germany)?"),
            ("EU72", "; did you mean EU27?"),
            ("zzzzzzzz", ""),
        ] {
            assert_eq!(nearest_country(typed, source.countries(), true), meant, "{typed}");
        }
    }
}
