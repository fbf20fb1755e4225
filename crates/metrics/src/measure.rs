//! Step M7 of docs/method.md: the figures of one product, read off its certified allocation.

use reorient_core::{Membership, ProductCode, Usd};
use reorient_model::{CertifiedAllocation, Market, NanoUsd, Optimum, Program, Role, Status, intervals};

use crate::hhi::{herfindahl_hirschman, herfindahl_hirschman_usd};
use crate::rows::{FlowRow, ProductRow};

/// What is known of a product before it is measured.
#[derive(Debug, Clone, Copy)]
pub struct Product<'a> {
    /// HS6 code.
    pub code: ProductCode,
    /// CEPII's description.
    pub description: &'a str,
    /// Where it belongs.
    pub memberships: &'a [Membership],
    /// Its trade.
    pub market: Market<'a>,
    /// Its program.
    pub program: &'a Program,
}

/// Measures a solved product, or with `solved` none only what is known without an answer.
pub fn measure(product: Product<'_>, solved: Option<(&Optimum, &CertifiedAllocation)>, status: Status) -> ProductRow {
    let Product { code, description, memberships, market, program } = product;
    let imports: Usd = market.imports.iter().copied().sum();
    let risk_before: Usd =
        market.imports.iter().zip(&program.role).filter(|(_, role)| **role == Role::Risk).map(|(amount, _)| *amount).sum();
    let nano = |units| NanoUsd::from_scaled(units, program.scale);
    let mut row = ProductRow {
        product: code,
        description: description.to_owned(),
        sectors: joined(memberships.iter().map(|membership| (membership.sector, membership.sector.name()))),
        subsectors: joined(memberships.iter().map(|membership| (&membership.subsector, membership.subsector.as_str()))),
        reconstructed: is_reconstructed(memberships),
        stages: joined(memberships.iter().map(|membership| (membership.stage, membership.stage.name()))),
        imports,
        risk_before,
        risk_after: None,
        capacity: nano(program.capacity()),
        status,
        shadow_price: None,
        hhi_before: herfindahl_hirschman_usd(market.imports),
        hhi_after: None,
        flows: Vec::new(),
    };
    let Some((optimum, allocation)) = solved else { return row };
    row.risk_after = Some(nano(allocation.certificate().primal));
    row.shadow_price = Some(if optimum.shadow_price == 0 { 0.0 } else { 1.0 });
    row.flows = intervals(program, optimum)
        .into_iter()
        .zip(allocation.flows())
        .enumerate()
        .map(|(position, (interval, flow))| FlowRow {
            exporter: market.exporters[position],
            imports: market.imports[position],
            world_exports: market.world_exports[position],
            capacity: match program.role[position] {
                Role::Risk => NanoUsd::default(),
                Role::Alternative => nano(program.upper[position] - program.baseline[position]),
            },
            optimised: flow.to_nano(program.scale),
            min: nano(interval.min),
            max: nano(interval.max),
        })
        .collect();
    let after: Vec<f64> = row.flows.iter().map(|flow| flow.optimised.to_dollars()).collect();
    row.hhi_after = herfindahl_hirschman(&after);
    row
}

/// Whether reconstructed rows alone put a product on the list.
fn is_reconstructed(memberships: &[Membership]) -> bool {
    !memberships.is_empty() && memberships.iter().all(|place| place.source.is_reconstructed())
}

/// Distinct names in the order of their values.
fn joined<'a, T: Ord>(values: impl Iterator<Item = (T, &'a str)>) -> String {
    let distinct: std::collections::BTreeMap<T, &str> = values.collect();
    distinct.into_values().collect::<Vec<_>>().join(";")
}
