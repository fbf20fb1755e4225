//! Result rows, in the units and order of the result files.

use std::ops::AddAssign;
use std::sync::Arc;

use reorient_core::{CountryIndex, ProductCode, Sector, Usd};
use reorient_model::{NanoUsd, Ratio, Status};

use crate::labels::Labels;

/// An amount at the declared point, and its exact range over all optima.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ranged {
    /// At the declared point.
    pub point: NanoUsd,
    /// The least over all optima.
    pub min: NanoUsd,
    /// The most over all optima.
    pub max: NanoUsd,
}

impl AddAssign for Ranged {
    fn add_assign(&mut self, other: Self) {
        self.point += other.point;
        self.min += other.min;
        self.max += other.max;
    }
}

/// One product of `products.csv`.
#[derive(Debug, Clone, PartialEq)]
pub struct ProductRow {
    /// HS6 code.
    pub product: ProductCode,
    /// Its name and its places on the list.
    pub labels: Arc<Labels>,
    /// The bloc's imports from all origins.
    pub imports: Usd,
    /// The bloc's imports from the risk origins today.
    pub risk_before: Usd,
    /// The same after reorientation; none when not solved.
    pub risk_after: Option<NanoUsd>,
    /// Extra capacity of all alternatives together.
    pub capacity: NanoUsd,
    /// What alternatives could supply beyond all of the bloc's imports; zero in a shortage, none when not solved.
    pub spare: Option<NanoUsd>,
    /// Imports that nobody can supply; none when not solved.
    pub unmet: Option<NanoUsd>,
    /// Risk imports that alternatives take over: `max(0, before - after - unmet)`, as missing goods are no cut.
    pub cut: NanoUsd,
    /// The bloc's imports from its own members today.
    pub inside_before: Usd,
    /// Shortage, tight, slack, no-risk, infeasible or unsolved.
    pub status: Status,
    /// What one more dollar of capacity takes off the weighed risk imports (right derivative); none where imports are unmet.
    pub shadow_price: Option<f64>,
    /// What one less dollar adds (left derivative); none where less cannot be borne. Differs from the other only where
    /// capacity meets a need exactly.
    pub shadow_price_of_less: Option<f64>,
    /// The smallest cap that clears the product of risk and unmet imports; none when no cap does.
    pub critical_cap: Option<f64>,
    /// Risk and unmet imports that one more unit (100 percentage points) of the cap would take off (right derivative).
    pub slope: NanoUsd,
    /// Risk and unmet imports that one more percentage point of the cap takes off, or what is left of it to 1.
    pub next_point: NanoUsd,
    /// Risk imports over extra capacity; none without capacity.
    pub rearrangement: Option<f64>,
    /// Herfindahl-Hirschman index of the origins today, 0 to 1; none without imports.
    pub hhi_before: Option<f64>,
    /// The same of what is supplied at the declared point; none where nothing is.
    pub hhi_after: Option<f64>,
    /// The least over all optima.
    pub hhi_after_min: Option<f64>,
    /// The greatest over all optima; where it is not exact, a number that none exceeds.
    pub hhi_after_max: Option<f64>,
    /// Whether an optimum attains it; none without one.
    pub hhi_max_is_exact: Option<bool>,
    /// Change of the imports from alternatives inside the bloc.
    pub change_inside: Ranged,
    /// Change of the imports from alternatives outside the bloc.
    pub change_outside: Ranged,
    /// What alternatives inside the bloc gain at the declared point, losses not counted.
    pub shifted_inside: NanoUsd,
    /// The same outside.
    pub shifted_outside: NanoUsd,
    /// The exporters in ascending order of code; empty when the product was not solved, or nobody asked for them.
    pub flows: Vec<FlowRow>,
}

/// One exporter of one product: a row of `flows.parquet`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlowRow {
    /// The exporter.
    pub exporter: CountryIndex,
    /// The bloc's imports from it today.
    pub imports: Usd,
    /// Its exports to the whole world.
    pub world_exports: Usd,
    /// The most that it may add; zero for risk origins.
    pub capacity: NanoUsd,
    /// The bloc's imports from it at the declared point.
    pub optimised: NanoUsd,
    /// The least over all optima.
    pub min: NanoUsd,
    /// The most over all optima.
    pub max: NanoUsd,
}

impl ProductRow {
    /// The bloc's imports from outside the bloc today.
    pub fn extra_bloc(&self) -> Usd {
        self.imports - self.inside_before
    }

    /// The same after: what is supplied, less what members supply.
    pub fn extra_bloc_after(&self) -> Ranged {
        let outside = NanoUsd::from(self.extra_bloc()) - self.unmet.unwrap_or_default();
        let Ranged { point, min, max } = self.change_inside;
        Ranged { point: outside - point, min: outside - max, max: outside - min }
    }
}

impl FlowRow {
    /// By how much imports from it rise at the declared point; zero where they fall.
    pub(crate) fn increase(&self) -> NanoUsd {
        above(self.optimised, self.imports.into())
    }

    /// Imports from it after, at the declared point and over all optima.
    pub(crate) fn after(&self) -> Ranged {
        Ranged { point: self.optimised, min: self.min, max: self.max }
    }
}

/// What an amount is above another, or zero.
pub(crate) fn above(after: NanoUsd, before: NanoUsd) -> NanoUsd {
    (after - before).max(NanoUsd::default())
}

/// What a share row sums over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// All products, each once.
    Overall,
    /// The products of one sector.
    Sector,
    /// The products of one subsector.
    Subsector,
    /// The products of one stage.
    Stage,
}

impl Level {
    /// Lower-case name, as in `shares.csv`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Overall => "overall",
            Self::Sector => "sector",
            Self::Subsector => "subsector",
            Self::Stage => "stage",
        }
    }
}

/// Whose share a row gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// All risk origins together.
    AllRisk,
    /// One of them.
    Country(CountryIndex),
}

/// Imports from risk origins before and after: a row of `shares.csv`.
#[derive(Debug, Clone, PartialEq)]
pub struct ShareRow {
    /// Overall, sector, subsector or stage.
    pub level: Level,
    /// Name within the level; `all` for overall.
    pub name: String,
    /// All risk origins or one.
    pub origin: Origin,
    /// The bloc's imports from all origins: the denominator of every share in the row.
    pub imports: Usd,
    /// From this origin today.
    pub before: Usd,
    /// From this origin at the declared point.
    pub after: NanoUsd,
    /// The least over all optima.
    pub after_min: NanoUsd,
    /// The most over all optima.
    pub after_max: NanoUsd,
    /// Imports in the same products that nobody can supply, whatever the origin of the row.
    pub unmet: NanoUsd,
    /// Risk imports in the same products that alternatives take over, whatever the origin of the row; missing goods are no cut.
    pub cut: NanoUsd,
    /// The bloc's imports of the same products from outside the bloc today.
    pub extra_bloc: Usd,
    /// The same after.
    pub extra_bloc_after: Ranged,
    /// Herfindahl-Hirschman index of the products' origins before and at the declared point, weighted by imports; only
    /// beside all risk origins together, none without imports.
    pub hhi: Option<BeforeAfter>,
}

/// An index before and after.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BeforeAfter {
    /// Today.
    pub before: f64,
    /// At the declared point, of what is supplied; none where nothing is.
    pub after: Option<f64>,
    /// The least and the greatest over all optima; none where nobody asked.
    pub range: Option<(f64, f64)>,
}

/// A gaining country outside the bloc: a row of Table A.1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountryRow {
    /// From 1, by falling increase, ties by code.
    pub rank: usize,
    /// The best rank over all optima: an outer bound, as the ends of the ranges are not attained together.
    pub rank_min: usize,
    /// The worst rank over all optima: an outer bound as well.
    pub rank_max: usize,
    /// The exporter.
    pub country: CountryIndex,
    /// Sum over products of max(0, after - before).
    pub increase: NanoUsd,
    /// The least over all optima.
    pub increase_min: NanoUsd,
    /// The most over all optima.
    pub increase_max: NanoUsd,
    /// The sector with the largest increase.
    pub main_sector: Sector,
    /// The bloc's listed imports from it today.
    pub before: Usd,
    /// The same at the declared point.
    pub after: NanoUsd,
    /// The least over all optima.
    pub after_min: NanoUsd,
    /// The most over all optima.
    pub after_max: NanoUsd,
}

/// The figures of a headline.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Headline {
    /// Products that were solved and certified, those with unmet imports included.
    pub products: usize,
    /// Of them, with capacity too small to replace all risk imports.
    pub in_shortage: usize,
    /// Of them, those whose imports cannot be supplied in full.
    pub infeasible: usize,
    /// Products that the solver left open; in no sum.
    pub unsolved: usize,
    /// The bloc's imports from all origins.
    pub imports: Usd,
    /// From risk origins today.
    pub risk_before: Usd,
    /// From risk origins after.
    pub risk_after: NanoUsd,
    /// Imports that nobody can supply.
    pub unmet: NanoUsd,
    /// Risk imports that alternatives take over; missing goods are no cut.
    pub cut: NanoUsd,
    /// From outside the bloc today.
    pub extra_bloc: Usd,
    /// From outside the bloc after.
    pub extra_bloc_after: Ranged,
    /// Increase of exporters inside the bloc.
    pub shifted_inside: NanoUsd,
    /// Increase of exporters outside the bloc.
    pub shifted_outside: NanoUsd,
    /// Change of the imports from alternatives inside the bloc.
    pub change_inside: Ranged,
    /// Change of the imports from alternatives outside the bloc.
    pub change_outside: Ranged,
    /// Risk and unmet imports that one more unit (100 percentage points) of the cap would take off: the right derivative's size.
    pub risk_slope: NanoUsd,
    /// Risk and unmet imports that one more percentage point of the cap takes off, or what is left of it to 1.
    pub next_point: NanoUsd,
    /// Index of the origins, weighted by imports; none without imports.
    pub hhi: Option<BeforeAfter>,
    /// Imports of products that are on the list only through reconstructed rows.
    pub reconstructed_imports: Usd,
    /// Number of such products.
    pub reconstructed_products: usize,
    /// Products in which the index rose, fell.
    pub hhi_rose: usize,
    /// Products in which the index fell.
    pub hhi_fell: usize,
}

impl Headline {
    /// Adds the sums of other products; the mean index stays.
    pub(crate) fn join_sums(&mut self, other: &Self) {
        let Self {
            products,
            in_shortage,
            infeasible,
            unsolved,
            imports,
            risk_before,
            risk_after,
            unmet,
            cut,
            extra_bloc,
            extra_bloc_after,
            shifted_inside,
            shifted_outside,
            change_inside,
            change_outside,
            risk_slope,
            next_point,
            hhi: _,
            reconstructed_imports,
            reconstructed_products,
            hhi_rose,
            hhi_fell,
        } = *other;
        self.products += products;
        self.in_shortage += in_shortage;
        self.infeasible += infeasible;
        self.unsolved += unsolved;
        self.imports += imports;
        self.risk_before += risk_before;
        self.risk_after += risk_after;
        self.unmet += unmet;
        self.cut += cut;
        self.extra_bloc += extra_bloc;
        self.extra_bloc_after += extra_bloc_after;
        self.shifted_inside += shifted_inside;
        self.shifted_outside += shifted_outside;
        self.change_inside += change_inside;
        self.change_outside += change_outside;
        self.risk_slope += risk_slope;
        self.next_point += next_point;
        self.reconstructed_imports += reconstructed_imports;
        self.reconstructed_products += reconstructed_products;
        self.hhi_rose += hhi_rose;
        self.hhi_fell += hhi_fell;
    }
}

/// A point of the least mean concentration at the least risk.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TradeOff {
    /// What a dollar of weighted risk imports costs, in units of imports times index; none at the optimum itself.
    pub price: Option<f64>,
    /// Weighted risk imports of all products.
    pub risk: NanoUsd,
    /// The same in percent of imports.
    pub risk_pct: f64,
    /// Index of the origins, weighted by imports, 0 to 1.
    pub hhi: f64,
}

/// One product of the frontier.
#[derive(Debug, Clone, PartialEq)]
pub struct CriticalCap {
    /// HS6 code.
    pub product: ProductCode,
    /// CEPII's description.
    pub description: String,
    /// The bloc's imports from all origins.
    pub imports: Usd,
    /// From risk origins today.
    pub risk_before: Usd,
    /// The smallest cap that clears it; none when no cap does.
    pub cap: Option<Ratio>,
}
