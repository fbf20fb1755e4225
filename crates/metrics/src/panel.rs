//! One year of a panel: "Panel" under step M8 of docs/method.md.

use reorient_core::{Usd, Year};
use reorient_model::NanoUsd;

use crate::collect::Collection;
use crate::rows::ProductRow;

/// Shares of the imports, in percent, at which critical caps are given.
pub const CAP_QUANTILES: [u8; 5] = [10, 25, 50, 75, 90];

/// What a run of one year says, kept for comparison with other years.
#[derive(Debug, Clone, PartialEq)]
pub struct PanelYear {
    /// The year.
    pub year: Year,
    /// Name of the bloc.
    pub bloc: String,
    /// Countries that it consists of in this year.
    pub n_members: usize,
    /// The figures of the run; its products are without flows.
    pub collection: Collection,
    /// Extra capacity of all alternatives in all products with an answer.
    pub capacity: NanoUsd,
    /// The caps that would clear products of risk imports.
    pub caps: CriticalCaps,
}

/// Critical caps of the products that have risk imports and an answer.
///
/// A quantile is the smallest cap that clears products of at least that share; none where no cap clears as many.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CriticalCaps {
    /// Products with risk imports and an answer.
    pub n_products: usize,
    /// Their imports from all origins.
    pub imports: Usd,
    /// Their imports from risk origins.
    pub risk: Usd,
    /// Products that are cleared at the cap of the scenario: nothing is left with risk origins, and nothing is unmet.
    pub n_cleared: usize,
    /// Their imports from all origins.
    pub cleared_imports: Usd,
    /// Their imports from risk origins.
    pub cleared_risk: Usd,
    /// The median, each product counting once; a share.
    pub median: Option<f64>,
    /// Quantiles at [`CAP_QUANTILES`], products weighted by their imports; shares.
    pub weighted: [Option<f64>; CAP_QUANTILES.len()],
}

impl PanelYear {
    /// Of a run's figures, whose flows are let go.
    pub fn new(year: Year, bloc: String, n_members: usize, mut collection: Collection) -> Self {
        for product in &mut collection.products {
            product.flows = Vec::new();
        }
        let capacity = answered(&collection.products).map(|product| product.capacity).sum();
        let caps = CriticalCaps::of(&collection.products);
        Self { year, bloc, n_members, collection, capacity, caps }
    }
}

fn answered(products: &[ProductRow]) -> impl Iterator<Item = &ProductRow> {
    products.iter().filter(|product| product.risk_after.is_some())
}

impl CriticalCaps {
    /// Of these products.
    fn of(products: &[ProductRow]) -> Self {
        let mut caps = Self::default();
        // A cap that does not exist is beyond all others.
        let mut ordered = Vec::new();
        for product in answered(products).filter(|product| product.risk_before > Usd::ZERO) {
            caps.n_products += 1;
            caps.imports += product.imports;
            caps.risk += product.risk_before;
            let nothing = Some(NanoUsd::default());
            if (product.risk_after, product.unmet) == (nothing, nothing) {
                caps.n_cleared += 1;
                caps.cleared_imports += product.imports;
                caps.cleared_risk += product.risk_before;
            }
            ordered.push((product.critical_cap, i128::from(product.imports.get())));
        }
        ordered.sort_by(|(one, _), (other, _)| one.unwrap_or(f64::INFINITY).total_cmp(&other.unwrap_or(f64::INFINITY)));
        caps.median = quantile(ordered.iter().map(|(cap, _)| (*cap, 1)), 50);
        caps.weighted = CAP_QUANTILES.map(|percent| quantile(ordered.iter().copied(), percent));
        caps
    }
}

/// The first value up to which the weights are at least `percent` of all; values ascend.
fn quantile(weighed: impl Iterator<Item = (Option<f64>, i128)> + Clone, percent: u8) -> Option<f64> {
    let aim = weighed.clone().map(|(_, weight)| weight).sum::<i128>() * i128::from(percent);
    let mut sum = 0;
    let mut reached = weighed.filter(move |(_, weight)| {
        sum += weight * 100;
        sum >= aim
    });
    reached.next().and_then(|(cap, _)| cap)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_the_first_value_that_holds_enough() {
        let caps = [(Some(0.01), 10), (Some(0.02), 20), (Some(0.5), 30), (None, 40)];
        let at = |percent| quantile(caps.iter().copied(), percent);
        assert_eq!([10, 11, 30, 31, 60].map(at), [0.01, 0.02, 0.02, 0.5, 0.5].map(Some));
        assert_eq!([61, 100].map(at), [None, None], "no cap clears as much");
        assert_eq!(quantile(std::iter::empty(), 50), None);
        // The lower of two medians.
        assert_eq!(quantile(caps.iter().map(|(cap, _)| (*cap, 1)), 50), Some(0.02));
    }
}
