//! Step M7 of docs/method.md: the figures of one product, read off its certified allocation.

use std::sync::Arc;

use reorient_core::{Fraction, ProductCode, Usd};
use reorient_model::{
    CapCurve, CertifiedAllocation, CountrySet, HhiMaximum, Interval, Market, NanoUsd, Optimum, Program, Ratio, Role, Rounding,
    SquaresSum, Status, interval, most_even, set_interval,
};

use crate::hhi::{herfindahl_hirschman, herfindahl_hirschman_usd};
use crate::labels::Labels;
use crate::rows::{FlowRow, ProductRow, Ranged};

/// What is known of a product before it is measured.
#[derive(Debug, Clone, Copy)]
pub struct Product<'a> {
    /// HS6 code.
    pub code: ProductCode,
    /// Its name and places.
    pub labels: &'a Arc<Labels>,
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
    /// Whether the critical cap and the range of concentration over all optima are wanted.
    pub with_range: bool,
}

/// Memory that the next product uses again.
#[derive(Debug, Default)]
pub struct Scratch {
    /// Rows of flows to write into; [`measure`] takes them for its result.
    pub flows: Vec<FlowRow>,
    dollars: Vec<f64>,
    maximum: HhiMaximum,
}

/// Nodes in a block after which the search for the most concentrated optimum stops at a bracket. Trade needs some hundred.
const MOST_NODES: u32 = 2_000;

/// Measures a solved product, or with `solved` none only what is known without an answer.
pub fn measure(
    product: Product<'_>,
    solved: Option<(&Optimum, &CertifiedAllocation)>,
    status: Status,
    scratch: &mut Scratch,
) -> ProductRow {
    let Product { code, labels, market, program, curve, cap, bloc, with_range } = product;
    let imports: Usd = market.imports.iter().copied().sum();
    let at_risk = (0..program.len()).filter(|position| program.role(*position) == Role::Risk);
    let risk_before: Usd = at_risk.map(|position| market.imports[position]).sum();
    let rounding = Rounding::new(program.scale);
    let nano = |units| rounding.whole(units);
    let at_cap = curve.at_own(cap);
    let mut row = ProductRow {
        product: code,
        labels: Arc::clone(labels),
        imports,
        risk_before,
        risk_after: None,
        capacity: nano(program.capacity()),
        spare: None,
        status,
        shadow_price: None,
        shadow_price_of_less: None,
        critical_cap: if with_range { curve.critical_cap().map(Ratio::to_f64) } else { None },
        slope: nano(at_cap.slope),
        next_point: at_cap.next_point.map_or(NanoUsd::default(), |fall| rounding.nano(fall)),
        rearrangement: None,
        hhi_before: herfindahl_hirschman_usd(market.imports),
        hhi_after: None,
        hhi_after_min: None,
        hhi_after_max: None,
        hhi_max_is_exact: None,
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
    row.flows = std::mem::take(&mut scratch.flows);
    row.flows.clear();
    row.flows.extend(allocation.flows().iter().enumerate().map(|(position, flow)| {
        let Interval { min, max } = interval(program, optimum, position);
        let optimised = rounding.nano(*flow);
        FlowRow {
            exporter: market.exporters[position],
            imports: market.imports[position],
            world_exports: market.world_exports[position],
            capacity: nano(program.room(position)),
            optimised,
            min: nano(min),
            max: nano(max),
        }
    }));
    scratch.dollars.clear();
    scratch.dollars.extend(row.flows.iter().map(|flow| flow.optimised.to_dollars()));
    row.hhi_after = herfindahl_hirschman(&scratch.dollars);
    if with_range {
        (row.hhi_after_min, row.hhi_after_max) = (row.hhi_after, row.hhi_after);
        row.hhi_max_is_exact = row.hhi_after.map(|_| true);
        if let Some(declared) = row.hhi_after.filter(|_| !optimum.is_unique()) {
            scratch.dollars.clear();
            let even = most_even(program, optimum);
            scratch.dollars.extend(even.iter().map(|flow| rounding.nano(*flow).to_dollars()));
            row.hhi_after_min = herfindahl_hirschman(&scratch.dollars);
            let most = scratch.maximum.solve(program, optimum, MOST_NODES);
            // The declared point is one of the optima; two ways of dividing may differ in the last bit.
            row.hhi_after_max = SquaresSum::whole(most.bound).hhi(program.total).map(|most| most.max(declared));
            row.hhi_max_is_exact = Some(most.is_exact());
        }
    }
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
