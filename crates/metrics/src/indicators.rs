//! Step M7 of docs/method.md, indicators of dependence: who one importer buys from, and how much that narrows.

use reorient_core::{CountryIndex, Usd, Year};
use reorient_model::{CountrySet, Market, NanoUsd};

use crate::hhi::{effective_suppliers, herfindahl_hirschman_usd};

/// Which suppliers shares and concentration are taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Base {
    /// All of them.
    #[default]
    All,
    /// Those outside the reference bloc.
    ExtraBloc,
}

impl Base {
    /// Name on the command line and in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::ExtraBloc => "extra-bloc",
        }
    }
}

/// What one row of figures is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Breakdown {
    /// One product.
    #[default]
    Product,
    /// All listed products of one sector.
    Sector,
    /// All listed products of one subsector.
    Subsector,
    /// All listed products of one stage.
    Stage,
}

impl Breakdown {
    /// Name on the command line and in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Sector => "sector",
            Self::Subsector => "subsector",
            Self::Stage => "stage",
        }
    }
}

/// From where trade is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Perspective<'a> {
    /// Who buys.
    pub importer: &'a CountrySet,
    /// The reference bloc: what comes from outside it is `extra-bloc`.
    pub bloc: &'a CountrySet,
    /// Risk origins.
    pub risk: &'a CountrySet,
    /// Which suppliers count in shares and concentration.
    pub base: Base,
}

/// A supplier and its part of the imports of the base.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OriginShare {
    /// The supplier.
    pub country: CountryIndex,
    /// Percent, 0 to 100.
    pub pct: f64,
}

/// The three core indicators of European Commission, SWD(2021) 352 final, each against its threshold, decided in integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Criteria {
    /// Herfindahl-Hirschman index of imports from outside the bloc above 0.4.
    pub concentrated: bool,
    /// More than half of all imports come from outside the bloc.
    pub extra_bloc: bool,
    /// Imports from outside the bloc exceed the importer's exports.
    pub above_exports: bool,
}

impl Criteria {
    /// Whether all three are met.
    pub const fn all_three(self) -> bool {
        self.concentrated && self.extra_bloc && self.above_exports
    }
}

/// The figures of one group of flows. Amounts are exact; what is undefined without imports is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Indicators {
    /// Imports from all origins.
    pub imports: Usd,
    /// Of them, from outside the bloc.
    pub extra_bloc: Usd,
    /// Of them, from risk origins.
    pub risk: Usd,
    /// Suppliers of the base.
    pub n_suppliers: usize,
    /// Herfindahl-Hirschman index over the base, 0 to 1.
    pub hhi: Option<f64>,
    /// The largest supplier of the base; ties go to the lower code.
    pub top: Option<OriginShare>,
    /// The second.
    pub second: Option<OriginShare>,
    /// Herfindahl-Hirschman index of the suppliers outside the bloc, whatever the base.
    pub hhi_extra_bloc: Option<f64>,
    /// Herfindahl-Hirschman index of the world's exports by exporter.
    pub hhi_world_exports: Option<f64>,
    /// The importer's exports to everybody, its own members included.
    pub exports: Usd,
    /// Of them, to buyers outside the bloc.
    pub exports_extra_bloc: Usd,
    /// The Commission's criteria; none without imports.
    pub criteria: Option<Criteria>,
}

impl Indicators {
    /// Number of equal suppliers with the same index, `1 / hhi`.
    pub fn effective_suppliers(&self) -> Option<f64> {
        self.hhi.map(effective_suppliers)
    }

    /// Percent of all imports that come from outside the bloc.
    pub fn extra_bloc_pct(&self) -> Option<f64> {
        percent(self.extra_bloc, self.imports)
    }

    /// Percent of all imports that come from risk origins.
    pub fn risk_pct(&self) -> Option<f64> {
        percent(self.risk, self.imports)
    }

    /// Imports from outside the bloc over exports; none without exports.
    pub fn imports_over_exports(&self) -> Option<f64> {
        quotient(self.extra_bloc, self.exports)
    }

    /// Imports that the base counts.
    pub const fn of_base(&self, base: Base) -> Usd {
        match base {
            Base::All => self.imports,
            Base::ExtraBloc => self.extra_bloc,
        }
    }
}

/// The figures of one market, a product's or that of several pooled by exporter. `exports_extra_bloc` is what the importer
/// sells to buyers outside the bloc.
pub fn indicators(market: Market<'_>, exports_extra_bloc: Usd, perspective: Perspective<'_>) -> Indicators {
    let Perspective { importer, bloc, risk, base } = perspective;
    let sum_where = |amounts: &[Usd], keep: &dyn Fn(CountryIndex) -> bool| -> Usd {
        market.exporters.iter().zip(amounts).filter(|(country, _)| keep(**country)).map(|(_, amount)| *amount).sum()
    };
    let outside: Vec<(CountryIndex, Usd)> = pairs(&market).filter(|(country, _)| !bloc.contains(*country)).collect();
    let counted: Vec<(CountryIndex, Usd)> = match base {
        Base::All => pairs(&market).collect(),
        Base::ExtraBloc => outside.clone(),
    };
    let imports: Usd = market.imports.iter().copied().sum();
    let extra_bloc: Usd = outside.iter().map(|(_, amount)| *amount).sum();
    let exports = sum_where(market.world_exports, &|country| importer.contains(country));
    let total: Usd = counted.iter().map(|(_, amount)| *amount).sum();
    let mut largest: Vec<(CountryIndex, Usd)> = counted.iter().copied().filter(|(_, amount)| *amount > Usd::ZERO).collect();
    let n_suppliers = largest.len();
    largest.sort_by_key(|(country, amount)| (std::cmp::Reverse(*amount), *country));
    let share = |at: usize| {
        let (country, amount) = *largest.get(at)?;
        Some(OriginShare { country, pct: percent(amount, total)? })
    };
    Indicators {
        imports,
        extra_bloc,
        // Nobody is a risk to itself.
        risk: sum_where(market.imports, &|country| risk.contains(country) && !importer.contains(country)),
        n_suppliers,
        hhi: concentration(&counted),
        top: share(0),
        second: share(1),
        hhi_extra_bloc: concentration(&outside),
        hhi_world_exports: herfindahl_hirschman_usd(market.world_exports),
        exports,
        exports_extra_bloc,
        criteria: (imports > Usd::ZERO).then(|| Criteria {
            concentrated: above_two_fifths(&outside),
            extra_bloc: 2 * i128::from(extra_bloc.get()) > i128::from(imports.get()),
            above_exports: extra_bloc > exports,
        }),
    }
}

/// One row of `indicators.csv`.
#[derive(Debug, Clone, PartialEq)]
pub struct IndicatorRow {
    /// Year of trade.
    pub year: Year,
    /// What the row is about.
    pub breakdown: Breakdown,
    /// Product code, or name of the sector, subsector or stage.
    pub name: String,
    /// CEPII's description of a product; empty for groups.
    pub description: String,
    /// The importer as asked for.
    pub importer: String,
    /// The reference bloc of that year.
    pub bloc: String,
    /// Suppliers that shares and concentration are taken over.
    pub base: Base,
    /// Products in the row that the importer buys.
    pub n_products: usize,
    /// Of them, products that meet all three criteria on their own.
    pub n_products_all_three: usize,
    /// Mean of the products' own indices, weighted by their imports of the base.
    pub hhi_product_mean: Option<f64>,
    /// The figures, of all products of the row pooled by origin.
    pub figures: Indicators,
}

fn pairs<'a>(market: &Market<'a>) -> impl Iterator<Item = (CountryIndex, Usd)> + use<'a> {
    market.exporters.iter().copied().zip(market.imports.iter().copied())
}

fn concentration(amounts: &[(CountryIndex, Usd)]) -> Option<f64> {
    let amounts: Vec<Usd> = amounts.iter().map(|(_, amount)| *amount).collect();
    herfindahl_hirschman_usd(&amounts)
}

/// Whether the index exceeds 0.4: five times the squares exceed twice the square of the sum. Sums of the whole world's trade
/// (2.3e13 dollars) leave room in an i128.
fn above_two_fifths(amounts: &[(CountryIndex, Usd)]) -> bool {
    let dollars = |amount: &(CountryIndex, Usd)| i128::from(amount.1.get());
    let squares: i128 = amounts.iter().map(|amount| dollars(amount).pow(2)).sum();
    let sum: i128 = amounts.iter().map(dollars).sum();
    5 * squares > 2 * sum.pow(2)
}

fn percent(part: Usd, whole: Usd) -> Option<f64> {
    quotient(part, whole).map(|share| 100.0 * share)
}

fn quotient(above: Usd, below: Usd) -> Option<f64> {
    (below > Usd::ZERO).then(|| NanoUsd::from(above).to_dollars() / NanoUsd::from(below).to_dollars())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::float_cmp)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Country 0 buys, 0 to 2 are the bloc, 3 is a risk origin; one amount of dollars per exporter.
    fn of(imports: &[i64], world_exports: &[i64], base: Base) -> Indicators {
        let exporters: Vec<CountryIndex> = (0_u16..).map(CountryIndex).take(imports.len()).collect();
        let dollars = |amounts: &[i64]| -> Vec<Usd> { amounts.iter().map(|amount| Usd::new(*amount)).collect() };
        let (imports, world_exports) = (dollars(imports), dollars(world_exports));
        let set = |members: &[u16]| CountrySet::new(10, members.iter().map(|member| CountryIndex(*member)));
        let (importer, bloc, risk) = (set(&[0]), set(&[0, 1, 2]), set(&[0, 3]));
        let market = Market { exporters: &exporters, imports: &imports, world_exports: &world_exports, unit_values: &[] };
        indicators(market, Usd::new(5), Perspective { importer: &importer, bloc: &bloc, risk: &risk, base })
    }

    #[test]
    fn figures_of_a_small_market() {
        let found = of(&[0, 10, 10, 15, 5, 0], &[9, 10, 30, 15, 5, 30], Base::All);
        assert_eq!((found.imports, found.extra_bloc, found.risk), (Usd::new(40), Usd::new(20), Usd::new(15)));
        assert_eq!((found.n_suppliers, found.hhi, found.effective_suppliers()), (4, Some(450.0 / 1600.0), Some(1600.0 / 450.0)));
        assert_eq!((found.extra_bloc_pct(), found.risk_pct()), (Some(50.0), Some(37.5)));
        assert_eq!(found.top, Some(OriginShare { country: CountryIndex(3), pct: 37.5 }));
        assert_eq!(found.second, Some(OriginShare { country: CountryIndex(1), pct: 25.0 }), "ties go to the lower code");
        assert_eq!((found.exports, found.imports_over_exports()), (Usd::new(9), Some(20.0 / 9.0)));
        assert_eq!(found.criteria, Some(Criteria { concentrated: true, extra_bloc: false, above_exports: true }));
        let outside = of(&[0, 10, 10, 15, 5, 0], &[9, 10, 30, 15, 5, 30], Base::ExtraBloc);
        assert_eq!((outside.n_suppliers, outside.hhi, outside.hhi_extra_bloc), (2, Some(0.625), Some(0.625)));
        assert_eq!((outside.top.unwrap().pct, outside.imports, outside.criteria), (75.0, found.imports, found.criteria));
    }

    /// Countries 0 and 3 are risk origins, and 0 buys.
    #[test]
    fn nobody_is_a_risk_to_itself() {
        let found = of(&[7, 10, 10, 15, 5], &[9, 10, 30, 15, 5], Base::All);
        assert_eq!((found.imports, found.risk, found.risk_pct()), (Usd::new(47), Usd::new(15), Some(100.0 * (15.0 / 47.0))));
    }

    #[test]
    fn a_threshold_that_is_just_reached_is_not_exceeded() {
        // Shares 0.6 and four times 0.1 give an index of exactly 0.4; a dollar more gives more.
        let at = |largest| of(&[0, 0, 0, largest, 10, 10, 10, 10], &[100; 8], Base::All).criteria.unwrap();
        assert!(!at(60).concentrated && at(61).concentrated);
        assert!(!at(60).above_exports && at(61).above_exports);
        assert!(!of(&[0, 10, 0, 10], &[0, 10, 0, 10], Base::All).criteria.unwrap().extra_bloc);
    }

    #[test]
    fn nothing_is_made_up_without_imports() {
        let found = of(&[0, 0, 0, 0], &[0, 10, 0, 10], Base::ExtraBloc);
        assert_eq!((found.hhi, found.top, found.extra_bloc_pct(), found.criteria), (None, None, None, None));
        assert_eq!((found.imports_over_exports(), found.hhi_world_exports), (None, Some(0.5)));
    }

    proptest! {
        #[test]
        fn the_largest_share_bounds_the_index(imports in proptest::collection::vec(0_i64..1_000_000_000_000, 1..9), outside: bool) {
            let found = of(&imports, &[1_000_000_000_000; 9][..imports.len()], if outside { Base::ExtraBloc } else { Base::All });
            if let (Some(top), Some(hhi)) = (found.top, found.hhi) {
                let share = top.pct / 100.0;
                prop_assert!(share.powi(2) <= hhi + 1e-12 && hhi <= share.powi(2) + (1.0 - share).powi(2) + 1e-12);
            }
        }
    }
}
