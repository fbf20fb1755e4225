//! Where a result comes from: the products that make the cut and what is left, the exporters that carry it, and what is
//! missing without each of them: "Contributions" under step M8 of docs/method.md.

use std::collections::BTreeMap;

use reorient_core::{CountryIndex, ProductCode, Usd};
use reorient_model::{CountrySet, NanoUsd};

use crate::rows::{ProductRow, Ranged};

/// One product's part in the result.
#[derive(Debug, Clone, PartialEq)]
pub struct ProductPart {
    /// HS6 code.
    pub product: ProductCode,
    /// CEPII's description.
    pub description: String,
    /// The bloc's imports from all origins.
    pub imports: Usd,
    /// Risk imports that alternatives take over.
    pub cut: NanoUsd,
    /// Risk imports after.
    pub left: NanoUsd,
    /// Imports that nobody can supply.
    pub unmet: NanoUsd,
    /// Its rank among the cuts, from 1.
    pub rank_cut: usize,
    /// Its rank by what is left or unmet, from 1.
    pub rank_left: usize,
    /// Cut of the products up to this rank together.
    pub cut_up_to: NanoUsd,
    /// What is left or unmet in the products up to this rank together.
    pub left_up_to: NanoUsd,
    /// Imports, risk imports before and after of all other products: the headline without this one.
    pub without: (Usd, Usd, NanoUsd),
}

/// One alternative's part in the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExporterPart {
    /// The exporter.
    pub country: CountryIndex,
    /// Whether it is a member of the bloc.
    pub inside: bool,
    /// Sum over products of max(0, after - before).
    pub increase: Ranged,
    /// Extra capacity over all products.
    pub capacity: NanoUsd,
    /// How much more would stay with risk origins or be unmet if it could add nothing anywhere; the others step in where they can.
    pub missed: NanoUsd,
    /// Products in which it adds something at the declared point.
    pub products: usize,
}

/// The parts of a result, and its totals.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Explanation {
    /// Largest cut first, ties by code.
    pub products: Vec<ProductPart>,
    /// Largest increase first, ties by code.
    pub exporters: Vec<ExporterPart>,
    /// Risk imports that alternatives take over in all.
    pub cut: NanoUsd,
    /// Risk imports left in all.
    pub left: NanoUsd,
    /// Imports that nobody can supply in all.
    pub unmet: NanoUsd,
}

/// Takes a result apart. Products without an answer have no part in it.
///
/// Without an exporter's extra of `c`, a product with spare capacity `s` has `max(0, c - s)` more with the risk origins or unmet.
pub fn explain(products: &[ProductRow], bloc: &CountrySet, risk: &CountrySet) -> Explanation {
    let answered: Vec<(&ProductRow, NanoUsd)> = products.iter().filter_map(|row| Some((row, row.risk_after?))).collect();
    let imports: Usd = answered.iter().map(|(row, _)| row.imports).sum();
    let before: Usd = answered.iter().map(|(row, _)| row.risk_before).sum();
    let left: NanoUsd = answered.iter().map(|(_, after)| *after).sum();
    let mut parts: Vec<ProductPart> = answered
        .iter()
        .map(|(row, after)| ProductPart {
            product: row.product,
            description: row.labels.description.clone(),
            imports: row.imports,
            cut: row.cut,
            left: *after,
            unmet: row.unmet.unwrap_or_default(),
            rank_cut: 0,
            rank_left: 0,
            cut_up_to: NanoUsd::default(),
            left_up_to: NanoUsd::default(),
            without: (imports - row.imports, before - row.risk_before, left - *after),
        })
        .collect();
    parts.sort_by_key(|part| (std::cmp::Reverse(part.left + part.unmet), part.product));
    let mut sum = NanoUsd::default();
    for (position, part) in parts.iter_mut().enumerate() {
        sum += part.left + part.unmet;
        (part.rank_left, part.left_up_to) = (position + 1, sum);
    }
    parts.sort_by_key(|part| (std::cmp::Reverse(part.cut), part.product));
    let mut sum = NanoUsd::default();
    for (position, part) in parts.iter_mut().enumerate() {
        sum += part.cut;
        (part.rank_cut, part.cut_up_to) = (position + 1, sum);
    }
    let (cut, unmet) = (parts.iter().map(|part| part.cut).sum(), parts.iter().map(|part| part.unmet).sum());
    Explanation { products: parts, exporters: exporters(&answered, bloc, risk), cut, left, unmet }
}

fn exporters(answered: &[(&ProductRow, NanoUsd)], bloc: &CountrySet, risk: &CountrySet) -> Vec<ExporterPart> {
    let zero = NanoUsd::default();
    let mut parts: BTreeMap<CountryIndex, ExporterPart> = BTreeMap::new();
    for (row, _) in answered {
        for flow in row.flows.iter().filter(|flow| !risk.contains(flow.exporter)) {
            let country = flow.exporter;
            let part = parts.entry(country).or_insert_with(|| ExporterPart {
                country,
                inside: bloc.contains(country),
                increase: Ranged::default(),
                capacity: zero,
                missed: zero,
                products: 0,
            });
            let above = |after: NanoUsd| (after - NanoUsd::from(flow.imports)).max(zero);
            let increase = Ranged { point: above(flow.optimised), min: above(flow.min), max: above(flow.max) };
            part.products += usize::from(increase.point > zero);
            part.increase += increase;
            part.capacity += flow.capacity;
            part.missed += (flow.capacity - row.spare.unwrap_or_default()).max(zero);
        }
    }
    let mut parts: Vec<ExporterPart> = parts.into_values().filter(|part| part.increase.max > zero).collect();
    parts.sort_by_key(|part| (std::cmp::Reverse(part.increase.point), part.country));
    parts
}

/// How many of the first parts make a share of the whole, in percent; none of nothing.
pub fn n_that_make(share_pct: i128, whole: NanoUsd, up_to: impl Iterator<Item = NanoUsd>) -> usize {
    if whole <= NanoUsd::default() {
        return 0;
    }
    up_to.take_while(|sum| sum.0 * 100 < whole.0 * share_pct).count() + 1
}
