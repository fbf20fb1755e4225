//! CEPII's country table.

use crate::{CountryCode, CountryIndex, Text};

/// One country or territory as CEPII lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Country {
    /// BACI's number.
    pub code: CountryCode,
    /// Two letters; CEPII leaves some blank (490, "Other Asia, nes").
    pub iso2: Option<Text>,
    /// Three characters; not unique (56 and 58 share `BEL`).
    pub iso3: Text,
    /// English name.
    pub name: Text,
}

/// Why a list of countries is no table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CountryTableError {
    /// A number twice.
    #[error("country code {0} stands twice in the country table")]
    Duplicate(CountryCode),
    /// Nothing, or more than an index can number.
    #[error("a country table of {0} countries cannot be used")]
    Size(usize),
}

/// Countries in ascending order of code; the position is the [`CountryIndex`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountryTable {
    countries: Vec<Country>,
    index_of_code: Vec<Option<CountryIndex>>,
}

impl CountryTable {
    /// Sorts by code.
    ///
    /// # Errors
    /// [`CountryTableError`] when a code stands twice or the table is empty.
    pub fn new(mut countries: Vec<Country>) -> Result<Self, CountryTableError> {
        countries.sort_by_key(|country| country.code);
        if countries.is_empty() {
            return Err(CountryTableError::Size(0));
        }
        let mut index_of_code = vec![None; 1000];
        for (position, country) in countries.iter().enumerate() {
            let index = u16::try_from(position).map_err(|_| CountryTableError::Size(countries.len()))?;
            let slot = &mut index_of_code[usize::from(country.code.get())];
            if slot.replace(CountryIndex(index)).is_some() {
                return Err(CountryTableError::Duplicate(country.code));
            }
        }
        Ok(Self { countries, index_of_code })
    }

    /// Number of countries.
    pub const fn len(&self) -> usize {
        self.countries.len()
    }

    /// Never: a table has at least one country.
    pub const fn is_empty(&self) -> bool {
        self.countries.is_empty()
    }

    /// Position of a code, if the table knows it.
    pub fn index(&self, code: CountryCode) -> Option<CountryIndex> {
        self.index_of_code[usize::from(code.get())]
    }

    /// The country at a position.
    pub fn country(&self, index: CountryIndex) -> &Country {
        &self.countries[index.at()]
    }

    /// All, ascending by code.
    pub fn iter(&self) -> impl Iterator<Item = (CountryIndex, &Country)> {
        (0_u16..).map(CountryIndex).zip(&self.countries)
    }

    /// The countries whose ISO3 is `iso3`, ascending by code; CEPII reuses some for dissolved states.
    pub fn by_iso3<'a>(&'a self, iso3: &'a str) -> impl Iterator<Item = &'a Country> + 'a {
        self.countries.iter().filter(move |country| country.iso3.eq_ignore_ascii_case(iso3))
    }
}
