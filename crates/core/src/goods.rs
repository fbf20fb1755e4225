//! The list of critical goods: products with the sectors, subsectors and stages they belong to.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::{HsRevision, ProductCode, Text, shown};

/// A value of a goods list that is none of the known ones.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GoodsListError {
    /// Not a sector.
    #[error("`{}` is no sector: use health, ict, energy, minerals or all", shown(.0))]
    Sector(String),
    /// Not a stage.
    #[error("`{}` is no stage: use input, capital, intermediate, final or all", shown(.0))]
    Stage(String),
}

/// One of the report's four sectors, or `all` when every product is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sector {
    /// Public health and medicines.
    Health,
    /// Information and communication technology.
    Ict,
    /// Energy.
    Energy,
    /// Critical minerals and materials.
    Minerals,
    /// Every product, with `--list all`.
    All,
}

impl Sector {
    /// Number of sectors, `all` included.
    pub const COUNT: usize = Self::NAMES.len();

    /// All of them, ascending.
    pub fn every() -> impl DoubleEndedIterator<Item = Self> {
        Self::NAMES.into_iter().map(|(sector, _)| sector)
    }

    /// Position in [`Self::every`].
    pub const fn position(self) -> usize {
        self as usize
    }

    const NAMES: [(Self, &'static str); 5] = [
        (Self::Health, "health"),
        (Self::Ict, "ict"),
        (Self::Energy, "energy"),
        (Self::Minerals, "minerals"),
        (Self::All, "all"),
    ];
}

/// Place of a product in the chain of production.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Raw or basic input.
    Input,
    /// Capital goods.
    Capital,
    /// Intermediate goods.
    Intermediate,
    /// Goods for final use.
    Final,
    /// Every product, with `--list all`.
    All,
}

impl Stage {
    const NAMES: [(Self, &'static str); 5] = [
        (Self::Input, "input"),
        (Self::Capital, "capital"),
        (Self::Intermediate, "intermediate"),
        (Self::Final, "final"),
        (Self::All, "all"),
    ];
}

macro_rules! named {
    ($type:ident) => {
        impl $type {
            /// Lower-case name, as in files.
            pub fn name(self) -> &'static str {
                Self::NAMES.iter().find(|(value, _)| *value == self).map_or("", |(_, name)| name)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.pad(self.name())
            }
        }

        impl FromStr for $type {
            type Err = GoodsListError;

            fn from_str(text: &str) -> Result<Self, GoodsListError> {
                let wanted = text.trim().to_ascii_lowercase();
                let found = Self::NAMES.iter().find(|(_, name)| *name == wanted);
                found.map(|(value, _)| *value).ok_or_else(|| GoodsListError::$type(text.to_owned()))
            }
        }
    };
}

named!(Sector);
named!(Stage);

/// Where a row of the list comes from. `reconstructed` rows were filled in where the source list is not public.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListSource(pub Text);

impl ListSource {
    /// Whether the row is our reconstruction, not a published one.
    pub fn is_reconstructed(&self) -> bool {
        self.0 == "reconstructed"
    }
}

/// One place where a product belongs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Membership {
    /// One of the four sectors, or all.
    pub sector: Sector,
    /// The source list's own name, such as `Solar`.
    pub subsector: Text,
    /// Place in the chain.
    pub stage: Stage,
    /// Where the row comes from.
    pub source: ListSource,
}

/// Products of one HS revision with their memberships. Totals count a product once, each breakdown wherever it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoodsList {
    /// The revision of the codes.
    pub revision: HsRevision,
    /// Memberships in ascending order, without repeats.
    pub goods: BTreeMap<ProductCode, Vec<Membership>>,
}

impl GoodsList {
    /// Every product in `products`, each with the one sector, subsector and stage `all`.
    pub fn everything(revision: HsRevision, products: impl IntoIterator<Item = ProductCode>) -> Self {
        let all = Membership {
            sector: Sector::All,
            subsector: Text::literal("all"),
            stage: Stage::All,
            source: ListSource(Text::literal("all")),
        };
        Self { revision, goods: products.into_iter().map(|product| (product, vec![all.clone()])).collect() }
    }
}
