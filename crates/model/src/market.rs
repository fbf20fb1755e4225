//! What a product's trade looks like from the bloc, borrowed from the baseline.

use std::cmp::Ordering;
use std::fmt;

use reorient_core::{CountryIndex, Usd};

/// A set of countries by index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountrySet {
    member: Vec<bool>,
    n_members: usize,
}

impl CountrySet {
    /// The given members among `n_countries`.
    pub fn new(n_countries: usize, members: impl IntoIterator<Item = CountryIndex>) -> Self {
        let mut member = vec![false; n_countries];
        for index in members {
            member[index.at()] = true;
        }
        Self { n_members: member.iter().filter(|member| **member).count(), member }
    }

    /// Whether the country is a member.
    #[inline]
    pub fn contains(&self, country: CountryIndex) -> bool {
        self.n_members > 0 && self.member[country.at()]
    }

    /// Number of countries that may be members.
    pub fn universe(&self) -> usize {
        self.member.len()
    }

    /// Members, ascending.
    pub fn iter(&self) -> impl Iterator<Item = CountryIndex> + '_ {
        (0_u16..).zip(&self.member).filter(|(_, member)| **member).map(|(index, _)| CountryIndex(index))
    }

    /// Number of members.
    pub fn len(&self) -> usize {
        self.n_members
    }

    /// Whether nobody is a member.
    pub fn is_empty(&self) -> bool {
        self.n_members == 0
    }
}

/// One product: parallel slices over the exporters that sell it to anyone, ascending by index. Trade of a country with
/// itself is left out.
#[derive(Debug, Clone, Copy)]
pub struct Market<'a> {
    /// Who sells.
    pub exporters: &'a [CountryIndex],
    /// `x0`: the bloc's imports from each, trade inside the bloc included.
    pub imports: &'a [Usd],
    /// `W`: exports of each to the whole world; at least `imports`.
    pub world_exports: &'a [Usd],
    /// What a unit from each costs, over all its exports with a known quantity; empty where nobody asked.
    pub unit_values: &'a [UnitValue],
}

/// Dollars per quantity, as a fraction: exports of known quantity. Orders by price, unknown (nothing weighed) last.
#[derive(Debug, Clone, Copy, Default)]
pub struct UnitValue {
    /// Value of the flows whose quantity is known.
    pub value: Usd,
    /// Their quantity in kilograms; 0 where none is known.
    pub quantity: i64,
}

impl Ord for UnitValue {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.quantity, other.quantity) {
            (0, 0) => Ordering::Equal,
            (0, _) => Ordering::Greater,
            (_, 0) => Ordering::Less,
            (own, others) => {
                let cross = |value: Usd, quantity: i64| i128::from(value.get()) * i128::from(quantity);
                cross(self.value, others).cmp(&cross(other.value, own))
            }
        }
    }
}

impl PartialOrd for UnitValue {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for UnitValue {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for UnitValue {}

/// What became of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Some risk imports cannot be replaced.
    Shortage,
    /// Capacity equals the need to the dollar.
    Tight,
    /// Capacity is left over.
    Slack,
    /// The bloc imports nothing from risk origins.
    NoRisk,
    /// All origins together cannot supply what the bloc imports; the rest is unmet.
    Infeasible,
    /// The solver gave no answer.
    Unsolved,
}

impl Status {
    /// Lower-case name, as in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shortage => "shortage",
            Self::Tight => "tight",
            Self::Slack => "slack",
            Self::NoRisk => "no-risk",
            Self::Infeasible => "infeasible",
            Self::Unsolved => "unsolved",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}
