//! Step M7 of docs/method.md: the figures of one product, read off its certified allocation.

use reorient_core::{Fraction, Membership, ProductCode, Usd};
use reorient_model::{
    CapCurve, CertifiedAllocation, CountrySet, ExactAmount, Market, NanoUsd, Optimum, Program, Ratio, Role, Status, intervals,
    most_even, set_interval,
};

use crate::hhi::{herfindahl_hirschman, herfindahl_hirschman_usd};
use crate::rows::{FlowRow, ProductRow, Ranged};

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
    /// Its risk imports against the cap.
    pub curve: &'a CapCurve,
    /// The cap of the scenario.
    pub cap: Fraction,
    /// The importing bloc.
    pub bloc: &'a CountrySet,
}

/// Measures a solved product, or with `solved` none only what is known without an answer.
pub fn measure(product: Product<'_>, solved: Option<(&Optimum, &CertifiedAllocation)>, status: Status) -> ProductRow {
    let Product { code, description, memberships, market, program, curve, cap, bloc } = product;
    let imports: Usd = market.imports.iter().copied().sum();
    let at_risk = (0..program.len()).filter(|position| program.role(*position) == Role::Risk);
    let risk_before: Usd = at_risk.map(|position| market.imports[position]).sum();
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
        spare: None,
        status,
        shadow_price: None,
        shadow_price_of_less: None,
        critical_cap: curve.critical_cap().map(Ratio::to_f64),
        slope: nano(curve.slope(cap)),
        next_point: curve.next_point(cap).map_or(NanoUsd::default(), |fall| fall.to_nano(program.scale)),
        rearrangement: None,
        hhi_before: herfindahl_hirschman_usd(market.imports),
        hhi_after: None,
        hhi_after_min: None,
        change_inside: Ranged::default(),
        change_outside: Ranged::default(),
        flows: Vec::new(),
    };
    let Some((optimum, allocation)) = solved else { return row };
    row.risk_after = Some(nano(optimum.risk_total));
    row.spare = Some(nano((program.sum(Role::Alternative, &program.upper) - program.total).max(0)));
    let price = optimum.price();
    row.shadow_price = Some(quotient(price.more, program.weight_scale));
    row.shadow_price_of_less = price.less.map(|less| quotient(less, program.weight_scale));
    let capacity = program.capacity();
    row.rearrangement = (capacity > 0).then(|| quotient(i128::from(risk_before.get()) * program.scale, capacity));
    row.flows = intervals(program, optimum)
        .into_iter()
        .zip(allocation.flows())
        .enumerate()
        .map(|(position, (interval, flow))| FlowRow {
            exporter: market.exporters[position],
            imports: market.imports[position],
            world_exports: market.world_exports[position],
            capacity: nano(program.room(position)),
            optimised: flow.to_nano(program.scale),
            min: nano(interval.min),
            max: nano(interval.max),
        })
        .collect();
    let dollars =
        |flows: &[ExactAmount]| -> Vec<f64> { flows.iter().map(|flow| flow.to_nano(program.scale).to_dollars()).collect() };
    row.hhi_after = herfindahl_hirschman(&dollars(allocation.flows()));
    row.hhi_after_min = herfindahl_hirschman(&dollars(&most_even(program, optimum)));
    let change = |inside: bool| {
        let contains = |at: usize| program.role(at) == Role::Alternative && bloc.contains(market.exporters[at]) == inside;
        let today: i128 = (0..program.len()).filter(|at| contains(*at)).map(|at| program.baseline[at]).sum();
        let after = set_interval(program, optimum, contains);
        let members = row.flows.iter().enumerate().filter(|(at, _)| contains(*at));
        Ranged {
            point: members.map(|(_, flow)| flow.optimised - NanoUsd::from(flow.imports)).sum(),
            min: nano(after.min - today),
            max: nano(after.max - today),
        }
    };
    (row.change_inside, row.change_outside) = (change(true), change(false));
    row
}

/// The nearest double of a quotient, up to the rounding of its two parts.
#[allow(clippy::cast_precision_loss)] // The nearest double is what is published.
fn quotient(numerator: i128, denominator: i128) -> f64 {
    numerator as f64 / denominator as f64
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
