//! Step M3 of docs/method.md, resolved: what a run asks of every product. Each choice is a named option.

use std::collections::{BTreeMap, BTreeSet};

use reorient_core::{CountryIndex, Fraction, ProductCode};

use crate::{CountrySet, TieBreak};

/// `B`: of what the cap is a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum CapBasis {
    /// `W`: the exporter's exports to the whole world.
    #[default]
    ExporterWorld,
    /// `W - x0`: its exports to others than the bloc.
    ExporterExtraBloc,
    /// `x0`: what the bloc buys from it.
    BlocFlow,
    /// `T`: what the bloc buys from everybody.
    BlocMarket,
    /// The sum of `W`: what the world buys.
    WorldMarket,
}

/// `L`: how far an alternative may fall.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Floor {
    /// `x0`: none loses.
    #[default]
    Additive,
    /// 0: any may lose all.
    Free,
    /// `max(0, x0 - beta B)`: as far down as up.
    Symmetric,
    /// `(1 - lambda) x0`: at most this share of today's flow is lost.
    Churn(Fraction),
}

/// `w`: what one dollar from each risk origin costs, in whole units of `1 / scale`; all are positive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weights {
    /// Units in a weight of 1.
    pub scale: i64,
    /// Weights that are not 1.
    pub of: BTreeMap<CountryIndex, i64>,
}

impl Weights {
    /// 1 for every risk origin.
    pub const fn equal() -> Self {
        Self { scale: 1, of: BTreeMap::new() }
    }

    /// Of one origin.
    pub fn get(&self, country: CountryIndex) -> i64 {
        self.of.get(&country).copied().unwrap_or(self.scale)
    }
}

/// The most units in a dollar: a unit times an amount times ten decimals must fit an i128.
const FINEST: i64 = 1_000_000_000_000_000;

/// What a run asks of every product.
#[derive(Debug, Clone)]
pub struct Policy {
    /// `R`: origins whose flow shall shrink.
    pub risk: CountrySet,
    /// `w`.
    pub weights: Weights,
    /// Alternatives that may not add anything (`exclude`, and the only member of a bloc of one).
    pub no_extra: CountrySet,
    /// Origins whose flow goes to zero (`exclude-hard`).
    pub barred: CountrySet,
    /// Alternatives whose flow stays as it is (members, with `bloc-alternatives = no`).
    pub fixed: CountrySet,
    /// `beta`: how much the bloc's share in an exporter's own exports may rise.
    pub cap: Fraction,
    /// `beta` of some exporters; wins over that of a product.
    pub cap_of_country: BTreeMap<CountryIndex, Fraction>,
    /// `beta` in some products.
    pub cap_of_product: BTreeMap<ProductCode, Fraction>,
    /// Goods that cannot be brought where they do not go today: nobody who sells none to the bloc may begin to.
    pub immobile: BTreeSet<ProductCode>,
    /// `B`.
    pub basis: CapBasis,
    /// `L`.
    pub floor: Floor,
    /// `s`: no supplier holds more than this share of `T`.
    pub ceiling: Option<Fraction>,
    /// Which of all optima is declared.
    pub tie_break: TieBreak,
}

impl Policy {
    /// The defaults of docs/method.md for these risk origins.
    pub fn new(risk: CountrySet, cap: Fraction) -> Self {
        let none = CountrySet::new(risk.universe(), []);
        Self {
            risk,
            weights: Weights::equal(),
            no_extra: none.clone(),
            barred: none.clone(),
            fixed: none,
            cap,
            cap_of_country: BTreeMap::new(),
            cap_of_product: BTreeMap::new(),
            immobile: BTreeSet::new(),
            basis: CapBasis::default(),
            floor: Floor::default(),
            ceiling: None,
            tie_break: TieBreak::default(),
        }
    }

    /// The least number of units in a dollar that makes every amount of every program whole; none when it is beyond exact
    /// arithmetic.
    pub fn scale(&self) -> Option<i64> {
        let churn = if let Floor::Churn(share) = self.floor { Some(share) } else { None };
        let options = [Some(self.cap), churn, self.ceiling].into_iter().flatten();
        let overrides = self.cap_of_country.values().chain(self.cap_of_product.values()).copied();
        Fraction::common_denominator(options.chain(overrides)).filter(|scale| *scale <= FINEST)
    }
}
