//! Step M7 of docs/method.md, indicators of dependence of several products together.

use reorient_core::{CountryIndex, Usd};
use reorient_model::{Market, NanoUsd};

use crate::indicators::{Base, Indicators};

/// Several markets as one: amounts added up by exporter. Shapes as in [`Market`].
#[derive(Debug, Clone, Default)]
pub struct Pool {
    exporters: Vec<CountryIndex>,
    imports: Vec<Usd>,
    world_exports: Vec<Usd>,
}

impl Pool {
    /// Adds up.
    pub fn new<'a>(markets: impl IntoIterator<Item = Market<'a>>) -> Self {
        let mut sums: std::collections::BTreeMap<CountryIndex, (Usd, Usd)> = std::collections::BTreeMap::new();
        for market in markets {
            for (at, exporter) in market.exporters.iter().enumerate() {
                let sum = sums.entry(*exporter).or_default();
                sum.0 += market.imports[at];
                sum.1 += market.world_exports[at];
            }
        }
        let mut pool = Self::default();
        for (exporter, (imports, world_exports)) in sums {
            pool.exporters.push(exporter);
            pool.imports.push(imports);
            pool.world_exports.push(world_exports);
        }
        pool
    }

    /// As one market.
    pub fn market(&self) -> Market<'_> {
        Market { exporters: &self.exporters, imports: &self.imports, world_exports: &self.world_exports, unit_values: &[] }
    }
}

/// Mean of the indices, weighted by imports of the base and folded in the order given.
pub fn weighted_mean_hhi<'a>(products: impl Iterator<Item = &'a Indicators>, base: Base) -> Option<f64> {
    let (mut sum, mut weights) = (0.0_f64, 0.0_f64);
    for (figures, hhi) in products.filter_map(|figures| figures.hhi.map(|hhi| (figures, hhi))) {
        let weight = NanoUsd::from(figures.of_base(base)).to_dollars();
        sum += weight * hhi;
        weights += weight;
    }
    (weights > 0.0).then(|| sum / weights)
}
