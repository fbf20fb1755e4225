//! Who belongs to the bloc, and since when: step M3 of docs/method.md.

use reorient_core::{CountryCode, CountryTable, Year};

use crate::ScenarioError;
use crate::nearest::nearest_country;

/// The importing bloc: its name and its members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bloc {
    /// As asked for, such as `EU27` or `NLD`.
    pub name: String,
    /// Members, ascending.
    pub members: Vec<CountryCode>,
    /// What a reader should know about this bloc in this year.
    pub note: Option<String>,
}

/// Members of the European Union in BACI's numbers, with the first and the last full year of membership. An accession during
/// a year counts for that year (1 May 2004, 1 July 2013); the United Kingdom left on 31 January 2020. Source: the accession
/// treaties, as listed by the European Union. BACI reports Belgium and Luxembourg as one, 58, until 1998.
const UNION: [(u16, u16, u16); 29] = [
    (56, 1958, 9999),
    (58, 1958, 9999),
    (251, 1958, 9999),
    (276, 1958, 9999),
    (380, 1958, 9999),
    (442, 1958, 9999),
    (528, 1958, 9999),
    (208, 1973, 9999),
    (372, 1973, 9999),
    (826, 1973, 2019),
    (300, 1981, 9999),
    (620, 1986, 9999),
    (724, 1986, 9999),
    (40, 1995, 9999),
    (246, 1995, 9999),
    (752, 1995, 9999),
    (196, 2004, 9999),
    (203, 2004, 9999),
    (233, 2004, 9999),
    (348, 2004, 9999),
    (428, 2004, 9999),
    (440, 2004, 9999),
    (470, 2004, 9999),
    (616, 2004, 9999),
    (703, 2004, 9999),
    (705, 2004, 9999),
    (100, 2007, 9999),
    (642, 2007, 9999),
    (191, 2013, 9999),
];

/// Named unions: name, a year that shows their members, and the years in which they were the union.
const NAMED: [(&str, u16, u16, u16); 5] = [
    ("EU27", 2020, 2020, 9999),
    ("EU28", 2013, 2013, 2019),
    ("EU27-2007", 2007, 2007, 2012),
    ("EU25", 2004, 2004, 2006),
    ("EU15", 1995, 1995, 2003),
];

/// Numbers that share their ISO3 with another one, with the years in which they stand for it (CEPII's country table).
const SHARED: [(u16, u16, u16); 6] =
    [(58, 0, 1998), (56, 1999, 9999), (280, 0, 1990), (276, 1991, 9999), (736, 0, 2011), (729, 2012, 9999)];

impl Bloc {
    /// A named union, the union of the year (`EU`), or countries by BACI code or ISO3 joined by commas.
    pub(crate) fn resolve(text: &str, year: Year, countries: &CountryTable) -> Result<Self, ScenarioError> {
        let name = text.trim().to_ascii_uppercase();
        if name == "EU" {
            return Ok(Self { name, members: union_of(year.get(), countries), note: None });
        }
        if let Some((_, of, from, to)) = NAMED.iter().find(|(known, ..)| *known == name) {
            let in_time = (*from..=*to).contains(&year.get());
            let note = format!("{name} was not the European Union of {year}; `bloc = EU` takes the members of the year.");
            return Ok(Self { members: union_of(*of, countries), note: (!in_time).then_some(note), name });
        }
        let members = named("bloc", text, year, countries)?;
        Ok(Self { name, members, note: None })
    }

    /// What a reader calls it: a union by its name, countries by theirs.
    pub fn title(&self, countries: &CountryTable) -> String {
        /// Countries that are named one by one.
        const NAMED: usize = 4;
        if is_union(&self.name) {
            return self.name.clone();
        }
        let named = |code: &CountryCode| countries.index(*code).map(|index| countries.country(index).name.as_str());
        let names: Vec<&str> = self.members.iter().filter_map(named).collect();
        match names.as_slice() {
            [] => self.name.clone(),
            [one] => (*one).to_owned(),
            [first @ .., last] if names.len() <= NAMED => format!("{} and {last}", first.join(", ")),
            [first, second, ..] => format!("{first}, {second} and {} others", names.len() - 2),
        }
    }

    /// Whether it is a single country, which has no suppliers inside.
    pub fn is_one_country(&self) -> bool {
        self.members.len() == 1
    }

    /// Countries that it consists of in a year: of numbers that follow each other only the one of the year counts.
    pub fn n_countries(&self, year: Year) -> usize {
        self.members.iter().filter(|code| is_alive(**code, year)).count()
    }
}

/// Whether a number stands for its country in a year.
fn is_alive(code: CountryCode, year: Year) -> bool {
    SHARED.iter().all(|(shared, from, to)| *shared != code.get() || (*from..=*to).contains(&year.get()))
}

/// Whether a name means a union, not countries.
pub(crate) fn is_union(text: &str) -> bool {
    let name = text.trim().to_ascii_uppercase();
    unions().any(|union| union == name)
}

/// The names of unions.
pub(crate) fn unions() -> impl Iterator<Item = &'static str> {
    std::iter::once("EU").chain(NAMED.iter().map(|(name, ..)| *name))
}

/// The dated name of a union with these members, that of the year first.
pub(crate) fn name_of_members(members: &[CountryCode], year: Year, countries: &CountryTable) -> Option<&'static str> {
    let of_year = |(_, _, from, to): &&(&str, u16, u16, u16)| !(*from..=*to).contains(&year.get());
    let mut unions: Vec<_> = NAMED.iter().collect();
    unions.sort_by_key(of_year);
    unions.into_iter().find(|(_, of, ..)| union_of(*of, countries) == members).map(|(name, ..)| *name)
}

/// Members in a year, as far as the country table lists them.
fn union_of(year: u16, countries: &CountryTable) -> Vec<CountryCode> {
    let members = UNION.iter().filter(|(_, from, to)| (*from..=*to).contains(&year));
    let mut members: Vec<CountryCode> = members.filter_map(|(code, ..)| CountryCode::new(*code).ok()).collect();
    members.retain(|code| countries.index(*code).is_some());
    members.sort_unstable();
    members
}

/// Numbers of the United Nations (M49) and those under which BACI files the same country, where both differ.
const UNITED_NATIONS: [(u16, u16); 6] = [(158, 490), (250, 251), (356, 699), (578, 579), (756, 757), (840, 842)];

/// BACI's number for a number of the United Nations that BACI does not have.
pub(crate) fn of_united_nations(name: &str, countries: &CountryTable) -> Option<CountryCode> {
    let code: CountryCode = name.parse().ok().filter(|code| countries.index(*code).is_none())?;
    let (_, baci) = UNITED_NATIONS.iter().find(|(number, _)| *number == code.get())?;
    CountryCode::new(*baci).ok().filter(|baci| countries.index(*baci).is_some())
}

/// Countries by BACI code or ISO3, joined by commas; an ISO3 that several numbers share means the one of the year.
pub(crate) fn named(key: &str, text: &str, year: Year, countries: &CountryTable) -> Result<Vec<CountryCode>, ScenarioError> {
    let refuse = |name: &str, expected: String| ScenarioError::Value { key: key.to_owned(), value: name.to_owned(), expected };
    let mut codes = Vec::new();
    for name in text.split(',').map(str::trim) {
        let known = name.parse::<CountryCode>().ok().filter(|code| countries.index(*code).is_some());
        if let Some(code) = known.or_else(|| of_united_nations(name, countries)) {
            codes.push(code);
            continue;
        }
        let candidates: Vec<_> = countries.by_iso3(name).filter(|country| is_alive(country.code, year)).collect();
        match candidates.as_slice() {
            [country] => codes.push(country.code),
            [] => {
                let unions = if key == "bloc" { ", or EU, EU27, EU28, EU27-2007, EU25, EU15" } else { "" };
                let hint = nearest_country(name, countries, key == "bloc");
                let expected = format!("no such country: use BACI codes or ISO3, such as 156 or CHN{unions}{hint}");
                return Err(refuse(name, expected));
            }
            several => {
                let list: Vec<_> = several.iter().map(|country| format!("{} ({})", country.code, country.name)).collect();
                return Err(refuse(name, format!("ambiguous, choose by code: {}", list.join(", "))));
            }
        }
    }
    codes.sort_unstable();
    codes.dedup();
    Ok(codes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use reorient_data::TradeSource;

    fn bloc(text: &str, year: u16) -> Result<Bloc, ScenarioError> {
        Bloc::resolve(text, Year::new(year).unwrap(), TradeSource::embedded().unwrap().countries())
    }

    #[test]
    fn the_union_grows_and_shrinks_with_the_years() {
        // Without 58, which stands beside Belgium and Luxembourg.
        for (year, members) in [(1995, 15), (2003, 15), (2004, 25), (2006, 25), (2007, 27), (2013, 28), (2019, 28), (2020, 27)] {
            let bloc = bloc("EU", year).unwrap();
            assert_eq!(bloc.members.len() - 1, members, "{year}");
            assert_eq!(bloc.n_countries(Year::new(year).unwrap()), members, "{year}");
            let has = |code| bloc.members.contains(&CountryCode::literal(code));
            assert_eq!((has(826), has(191)), (year < 2020, year >= 2013), "{year}");
        }
        for (name, year, members) in
            [("EU27", 2023, 27), ("eu28", 2015, 28), ("EU27-2007", 2010, 27), ("EU25", 2005, 25), ("EU15", 2000, 15)]
        {
            let found = bloc(name, year).unwrap();
            assert_eq!((found.members.len() - 1, found.note), (members, None), "{name}");
            assert_eq!(found.members, bloc("EU", year).unwrap().members, "{name}");
        }
        assert!(bloc("EU27", 2015).unwrap().note.unwrap().contains("bloc = EU"));
    }

    #[test]
    fn readers_see_names_and_not_codes() {
        let source = TradeSource::embedded().unwrap();
        let title = |text: &str| bloc(text, 2023).unwrap().title(source.countries());
        assert_eq!(title("EU27"), "EU27");
        assert_eq!(title("eu"), "EU");
        assert_eq!(title("NLD"), "Netherlands");
        assert_eq!(title("528"), "Netherlands");
        assert_eq!(title("POL,NLD,DEU"), "Germany, Netherlands and Poland");
        assert_eq!(title("POL,NLD,DEU,AUT,SWE"), "Austria, Germany and 3 others");
        assert!(bloc("NLD", 2023).unwrap().is_one_country() && !bloc("DEU,NLD", 2023).unwrap().is_one_country());
    }

    #[test]
    fn an_iso3_of_several_numbers_means_the_one_of_the_year() {
        for (name, year, code) in
            [("DEU", 2023, 276), ("DEU", 1990, 280), ("BEL", 1997, 58), ("BEL", 1999, 56), ("SDN", 2011, 736), ("SDN", 2012, 729)]
        {
            assert_eq!(bloc(name, year).unwrap().members, [CountryCode::literal(code)], "{name} {year}");
        }
        assert!(bloc("EU29", 2023).unwrap_err().to_string().contains("EU27-2007"));
    }
}
