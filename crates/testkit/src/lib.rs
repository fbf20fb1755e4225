//! For tests alone: random small products and naive oracles that share no code with the model, and damage to files.

mod damage;
mod like_trade;
mod options;

pub use damage::damaged;
pub use like_trade::{Numbers, like_trade};
pub use options::{Optima, OptionProduct, option_product};

use proptest::prelude::*;
use reorient_core::{CountryIndex, Fraction, Usd};
use reorient_model::{CountrySet, Market, Policy};

/// One small product with its policy, owned.
#[derive(Debug, Clone)]
pub struct SmallProduct {
    /// Exporters, ascending.
    pub exporters: Vec<CountryIndex>,
    /// `x0` in dollars.
    pub imports: Vec<Usd>,
    /// `W` in dollars.
    pub world_exports: Vec<Usd>,
    /// Whether each is a risk origin.
    pub risk: Vec<bool>,
    /// `beta`.
    pub cap: Fraction,
}

impl SmallProduct {
    /// As the model takes it.
    pub fn market(&self) -> Market<'_> {
        Market { exporters: &self.exporters, imports: &self.imports, world_exports: &self.world_exports, unit_values: &[] }
    }

    /// As the model takes it.
    pub fn policy(&self) -> Policy {
        let members = self.exporters.iter().zip(&self.risk).filter(|(_, risk)| **risk).map(|(exporter, _)| *exporter);
        Policy::new(CountrySet::new(self.exporters.len(), members), self.cap)
    }

    /// Least risk imports by exhaustive search over capacities in units of `1 / denominator` dollars: whatever the
    /// alternatives can add, dollar by dollar of need.
    ///
    /// Deliberately naive: moves one unit at a time from any risk origin to any alternative with room, until none can move.
    pub fn least_risk_by_moves(&self) -> i128 {
        let scale = i128::from(self.cap.denominator());
        let mut at_risk: Vec<i128> = Vec::new();
        let mut room: Vec<i128> = Vec::new();
        for position in 0..self.exporters.len() {
            let imports = i128::from(self.imports[position].get()) * scale;
            let world = i128::from(self.world_exports[position].get()) * scale;
            if self.risk[position] {
                at_risk.push(imports);
                continue;
            }
            // beta W of a world counted in units of 1 / scale is a whole number of them.
            let mut own = 0;
            while (own + 1) * i128::from(self.cap.denominator()) <= i128::from(self.cap.numerator()) * world
                && imports + own < world
            {
                own += 1;
            }
            room.push(own);
        }
        while let (Some(from), Some(to)) = (at_risk.iter().position(|flow| *flow > 0), room.iter().position(|room| *room > 0)) {
            at_risk[from] -= 1;
            room[to] -= 1;
        }
        at_risk.iter().sum()
    }

    /// Value of a linear program over the same product by enumeration of all its vertices (one basic flow, all others
    /// at a bound), in dollars. Only for a handful of exporters.
    #[allow(clippy::cast_precision_loss)]
    pub fn least_risk_by_vertices(&self) -> f64 {
        let beta = self.cap.to_f64();
        let bounds: Vec<(f64, f64, f64)> = (0..self.exporters.len())
            .map(|position| {
                let (imports, world) = (self.imports[position].get() as f64, self.world_exports[position].get() as f64);
                if self.risk[position] {
                    (0.0, imports, 1.0)
                } else {
                    (imports, imports + (beta * world).min(world - imports), 0.0)
                }
            })
            .collect();
        let total: f64 = self.imports.iter().map(|amount| amount.get() as f64).sum();
        let mut best = f64::INFINITY;
        for basic in 0..bounds.len() {
            for choice in 0..1_u32 << bounds.len() {
                let at = |position: usize| if choice >> position & 1 == 0 { bounds[position].0 } else { bounds[position].1 };
                let others: f64 = (0..bounds.len()).filter(|position| *position != basic).map(at).sum();
                let flow = total - others;
                let (lower, upper, cost) = bounds[basic];
                if flow < lower - 1e-9 || flow > upper + 1e-9 {
                    continue;
                }
                let value: f64 = (0..bounds.len())
                    .map(|position| bounds[position].2 * if position == basic { 0.0 } else { at(position) })
                    .sum();
                best = best.min(value + cost * flow);
            }
        }
        if bounds.is_empty() { 0.0 } else { best }
    }
}

/// Small products with the edges that matter: no risk flow, no alternative, an exporter that sends all to the bloc, zero
/// total, one supplier, capacity exactly equal to need, cap 0 and 1.
pub fn small_product() -> impl Strategy<Value = SmallProduct> {
    let cap = prop_oneof![
        4 => Just((1, 20)),
        1 => Just((0, 1)),
        1 => Just((1, 1)),
        1 => Just((1, 3)),
        1 => Just((1, 2)),
    ];
    let amount = prop_oneof![3 => 0_i64..=60, 1 => Just(0_i64), 1 => Just(20_i64)];
    let exporter = (amount.clone(), prop_oneof![1 => Just(0_i64), 2 => amount], any::<bool>());
    (proptest::collection::vec(exporter, 0..6), cap).prop_map(|(rows, (numerator, denominator))| SmallProduct {
        exporters: (0_u16..).map(CountryIndex).take(rows.len()).collect(),
        imports: rows.iter().map(|row| Usd::new(row.0)).collect(),
        // An exporter with nothing beyond the bloc has no capacity left.
        world_exports: rows.iter().map(|row| Usd::new(row.0 + row.1)).collect(),
        risk: rows.iter().map(|row| row.2).collect(),
        cap: Fraction::new(numerator, denominator).unwrap_or(Fraction::ZERO),
    })
}
