//! Names and places of products, made once for a list and shared by every result.

use std::collections::{BTreeMap, BTreeSet};

use reorient_core::{Membership, Sector};

use crate::rows::Level;

/// What a product is called and where it belongs, as files print it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Labels {
    /// CEPII's description; empty when the code table lacks it.
    pub description: String,
    /// Sectors it belongs to, ascending, joined by `;`.
    pub sectors: String,
    /// Stages it belongs to, ascending, joined by `;`.
    pub stages: String,
    /// Names of its subsectors, joined by `;`.
    pub subsectors: String,
    /// Whether it is on the list through reconstructed rows alone.
    pub reconstructed: bool,
}

impl Labels {
    /// Of a product with these places.
    pub fn new(description: &str, memberships: &[Membership]) -> Self {
        Self {
            description: description.to_owned(),
            sectors: joined(memberships.iter().map(|place| (place.sector, place.sector.name()))),
            stages: joined(memberships.iter().map(|place| (place.stage, place.stage.name()))),
            subsectors: joined(memberships.iter().map(|place| (&place.subsector, place.subsector.as_str()))),
            reconstructed: !memberships.is_empty() && memberships.iter().all(|place| place.source.is_reconstructed()),
        }
    }
}

/// Distinct names in the order of their values.
fn joined<'a, T: Ord>(values: impl Iterator<Item = (T, &'a str)>) -> String {
    let distinct: BTreeMap<T, &str> = values.collect();
    distinct.into_values().collect::<Vec<_>>().join(";")
}

/// The breakdowns that the products of a list belong to: every level with its name, and each product's positions among them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Classification {
    /// Ascending by level, then name; the first is that of all products.
    pub(crate) levels: Vec<(Level, String)>,
    /// Per product: positions in `levels`, ascending.
    pub(crate) of_product: Vec<Vec<usize>>,
    /// Per product: its distinct sectors, ascending.
    pub(crate) sectors: Vec<Vec<Sector>>,
}

impl Classification {
    /// `memberships` gives each product's places, in the order of the products.
    pub fn new(memberships: &[&[Membership]]) -> Self {
        let of_product: Vec<BTreeSet<(Level, &str)>> = memberships.iter().map(|places| levels(places)).collect();
        let all: BTreeSet<(Level, &str)> = of_product.iter().flatten().copied().collect();
        let positions: BTreeMap<(Level, &str), usize> = all.iter().enumerate().map(|(at, level)| (*level, at)).collect();
        let sectors = |places: &&[Membership]| {
            let distinct: BTreeSet<Sector> = places.iter().map(|place| place.sector).collect();
            distinct.into_iter().collect()
        };
        Self {
            of_product: of_product.iter().map(|levels| levels.iter().map(|level| positions[level]).collect()).collect(),
            sectors: memberships.iter().map(sectors).collect(),
            levels: all.into_iter().map(|(level, name)| (level, name.to_owned())).collect(),
        }
    }
}

/// The distinct breakdowns that a product belongs to.
fn levels(places: &[Membership]) -> BTreeSet<(Level, &str)> {
    let mut levels = BTreeSet::from([(Level::Overall, "all")]);
    for place in places {
        levels.insert((Level::Sector, place.sector.name()));
        levels.insert((Level::Subsector, &place.subsector));
        levels.insert((Level::Stage, place.stage.name()));
    }
    levels
}
