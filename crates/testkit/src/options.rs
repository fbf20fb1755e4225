//! Small products under random option sets, with bounds and optima computed the long way.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use reorient_core::{CountryIndex, Fraction, ProductCode, Usd};
use reorient_model::{CapBasis, CountrySet, Drain, Fill, Floor, Market, Policy, TieBreak, UnitValue, Weights};

use crate::{SmallProduct, small_product};

/// A small product with a policy that sets any of the named options.
#[derive(Debug, Clone)]
pub struct OptionProduct {
    /// Trade, risk origins and cap.
    pub product: SmallProduct,
    /// The policy.
    pub policy: Policy,
    /// One per exporter.
    pub unit_values: Vec<UnitValue>,
}

/// An optimum by enumeration, in dollars.
#[derive(Debug, Clone)]
pub struct Optima {
    /// Least weighed risk imports.
    pub value: f64,
    /// Per exporter, the least and the most over all optimal vertices.
    pub ranges: Vec<(f64, f64)>,
}

impl OptionProduct {
    /// The code that caps of products name.
    pub fn code(&self) -> ProductCode {
        ProductCode::from_number(270_900).unwrap_or_else(|_| unreachable!("six digits"))
    }

    /// As the model takes it.
    pub fn market(&self) -> Market<'_> {
        Market { unit_values: &self.unit_values, ..self.product.market() }
    }

    /// Cost, lower and upper bound of each exporter in dollars, by the words of the method and in doubles.
    #[allow(clippy::cast_precision_loss)]
    pub fn bounds(&self, cap: f64) -> Vec<(f64, f64, f64)> {
        let policy = &self.policy;
        let dollars = |amounts: &[Usd]| amounts.iter().map(|amount| amount.get() as f64).collect::<Vec<_>>();
        let (imports, world) = (dollars(&self.product.imports), dollars(&self.product.world_exports));
        let (total, sum_world) = (imports.iter().sum::<f64>(), world.iter().sum::<f64>());
        let ceiling = policy.ceiling.map_or(f64::INFINITY, |share| share.to_f64() * total);
        let bound = |at: usize| {
            let exporter = self.product.exporters[at];
            let (x0, w) = (imports[at], world[at]);
            if self.product.risk[at] {
                let upper = if policy.barred.contains(exporter) { 0.0 } else { x0.min(ceiling) };
                let weight = policy.weights.get(exporter) as f64 / policy.weights.scale as f64;
                return (weight, 0.0, upper);
            }
            if policy.barred.contains(exporter) {
                return (0.0, 0.0, 0.0);
            }
            if policy.fixed.contains(exporter) {
                return (0.0, x0.min(ceiling), x0.min(ceiling));
            }
            let beta = if let Some(own) = policy.cap_of_country.get(&exporter) {
                own.to_f64()
            } else if let Some(own) = policy.cap_of_product.get(&self.code()) {
                own.to_f64()
            } else {
                cap
            };
            let basis = match policy.basis {
                CapBasis::ExporterWorld => w,
                CapBasis::ExporterExtraBloc => w - x0,
                CapBasis::BlocFlow => x0,
                CapBasis::BlocMarket => total,
                CapBasis::WorldMarket => sum_world,
            };
            let stays_away = x0 <= 0.0 && policy.immobile.contains(&self.code());
            let extra = if policy.no_extra.contains(exporter) || stays_away { 0.0 } else { (beta * basis).min(w - x0) };
            let floor = match policy.floor {
                Floor::Additive => x0,
                Floor::Free => 0.0,
                Floor::Symmetric => (x0 - beta * basis).max(0.0),
                Floor::Churn(lambda) => (1.0 - lambda.to_f64()) * x0,
            };
            (0.0, floor.min(ceiling), (x0 + extra).min(ceiling))
        };
        (0..imports.len()).map(bound).collect()
    }

    /// All optimal vertices (one flow between its bounds, all others at one), by enumeration; none when infeasible.
    #[allow(clippy::cast_precision_loss)]
    pub fn optima(&self) -> Option<Optima> {
        const NEAR: f64 = 1e-7;
        let bounds = self.bounds(self.policy.cap.to_f64());
        let n = bounds.len();
        let total: f64 = self.product.imports.iter().map(|amount| amount.get() as f64).sum();
        if n == 0 {
            return Some(Optima { value: 0.0, ranges: Vec::new() });
        }
        let mut best: Option<Optima> = None;
        for basic in 0..n {
            for choice in 0..1_u32 << n {
                let mut flows: Vec<f64> =
                    (0..n).map(|at| if choice >> at & 1 == 0 { bounds[at].1 } else { bounds[at].2 }).collect();
                flows[basic] = 0.0;
                flows[basic] = total - flows.iter().sum::<f64>();
                if flows[basic] < bounds[basic].1 - NEAR || flows[basic] > bounds[basic].2 + NEAR {
                    continue;
                }
                let value: f64 = flows.iter().zip(&bounds).map(|(flow, bound)| flow * bound.0).sum();
                match &mut best {
                    Some(best) if value > best.value + NEAR => {}
                    Some(best) if value > best.value - NEAR => {
                        for (range, flow) in best.ranges.iter_mut().zip(&flows) {
                            *range = (range.0.min(*flow), range.1.max(*flow));
                        }
                    }
                    _ => best = Some(Optima { value, ranges: flows.iter().map(|flow| (*flow, *flow)).collect() }),
                }
            }
        }
        best
    }
}

/// Products of [`small_product`] under random bases, floors, ceilings, exclusions, weights with ties, caps of their own,
/// goods that are immobile and tie-breaks.
pub fn option_product() -> impl Strategy<Value = OptionProduct> {
    let share = |shares: &'static [(u64, u64)]| {
        select(shares).prop_map(|(above, below)| Fraction::new(above, below).unwrap_or(Fraction::ZERO))
    };
    let basis = select(
        &[CapBasis::ExporterWorld, CapBasis::ExporterExtraBloc, CapBasis::BlocFlow, CapBasis::BlocMarket, CapBasis::WorldMarket]
            [..],
    );
    let floor = prop_oneof![
        3 => Just(Floor::Additive),
        2 => Just(Floor::Free),
        2 => Just(Floor::Symmetric),
        1 => share(&[(0, 1), (1, 4), (1, 3), (1, 1)]).prop_map(Floor::Churn),
    ];
    let ceiling = prop_oneof![5 => Just(None), 1 => share(&[(1, 1), (1, 2), (2, 5), (1, 3), (1, 10)]).prop_map(Some)];
    let some = || proptest::collection::vec(prop_oneof![11 => Just(false), 1 => Just(true)], 6);
    let caps =
        proptest::collection::vec(prop_oneof![4 => Just(None), 1 => share(&[(0, 1), (1, 5), (1, 7), (1, 1)]).prop_map(Some)], 6);
    // Halves, ones and twos: ties are common.
    let weights = prop_oneof![1 => Just(Vec::new()), 1 => proptest::collection::vec(select(&[1_i64, 2, 4][..]), 6)];
    let prices = proptest::collection::vec((0_i64..6, 0_i64..4), 6);
    let rules = (0_u8..6, any::<bool>(), proptest::collection::vec(any::<Index>(), 0..4));
    let sets = (some(), some(), some(), prop_oneof![4 => Just(false), 1 => Just(true)]);
    (small_product(), basis, floor, ceiling, sets, caps, weights, prices, rules, any::<bool>()).prop_map(
        |(product, basis, floor, ceiling, (no_extra, barred, fixed, immobile), caps, weights, prices, rules, of_product)| {
            let n = product.exporters.len();
            let set = |members: &[bool], side: Option<bool>| {
                let members = product.exporters.iter().zip(members.iter().zip(&product.risk));
                let chosen = members.filter(|(_, (member, risk))| **member && side.is_none_or(|side| side == **risk));
                CountrySet::new(n, chosen.map(|(exporter, _)| *exporter))
            };
            let with_side = |side: bool| product.exporters.iter().zip(&product.risk).filter(move |(_, risk)| **risk == side);
            let (fill, in_order, order) = rules;
            let mut listed: Vec<CountryIndex> = Vec::new();
            for index in order.iter().filter(|_| n > 0) {
                let country = product.exporters[index.index(n)];
                if !listed.contains(&country) {
                    listed.push(country);
                }
            }
            let of_country: BTreeMap<CountryIndex, Fraction> = with_side(false)
                .zip(&caps)
                .filter_map(|((exporter, _), cap)| Some((*exporter, (*cap)?)))
                .filter(|_| !of_product)
                .collect();
            let code = ProductCode::from_number(270_900).ok();
            let policy = Policy {
                immobile: code.filter(|_| immobile).into_iter().collect(),
                weights: Weights {
                    scale: if weights.is_empty() { 1 } else { 2 },
                    of: with_side(true).zip(&weights).map(|((exporter, _), weight)| (*exporter, *weight)).collect(),
                },
                no_extra: set(&no_extra, Some(false)),
                barred: set(&barred, None),
                fixed: set(&fixed, Some(false)),
                cap_of_country: of_country,
                cap_of_product: caps[0].filter(|_| of_product).and_then(|cap| Some((code?, cap))).into_iter().collect(),
                basis,
                floor,
                ceiling,
                tie_break: TieBreak {
                    drain: if in_order { Drain::Order(listed.clone()) } else { Drain::Proportional },
                    fill: match fill {
                        0 => Fill::ProportionalFlow,
                        1 => Fill::Order(listed),
                        2 => Fill::MinHhi,
                        3 => Fill::MinCost,
                        _ => Fill::ProportionalCapacity,
                    },
                },
                ..product.policy()
            };
            let unit_values =
                prices.iter().take(n).map(|(value, quantity)| UnitValue { value: Usd::new(*value), quantity: *quantity });
            let unit_values = unit_values.collect();
            OptionProduct { product, policy, unit_values }
        },
    )
}
