//! Step M7 of docs/method.md: the figures of one product, read off its certified allocation.

use std::sync::Arc;

use reorient_core::{Fraction, ProductCode, Usd};
use reorient_model::{
    Bounds, CapCurve, CertifiedAllocation, CountrySet, ExactAmount, HhiMaximum, Interval, Market, NanoUsd, Optimum, Program,
    Ratio, Role, Rounding, SquaresSum, Status, interval_of, most_even,
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
    /// How much is wanted.
    pub detail: Detail,
}

/// How much of a product is measured; each takes in what the one before has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// What the headline adds up.
    Headline,
    /// The flow of every exporter, for shares and Table A.1.
    Flows,
    /// The critical cap, and the range of concentration over all optima.
    Range,
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
    let Product { code, labels, market, program, curve, cap, bloc, detail } = product;
    let (mut imports, mut risk_before, mut inside_before, mut capacity) = (Usd::ZERO, Usd::ZERO, Usd::ZERO, 0);
    for ((own, country), exporter) in market.imports.iter().zip(market.exporters).zip(program.exporters()) {
        imports += *own;
        if bloc.contains(*country) {
            inside_before += *own;
        }
        match exporter.role() {
            Role::Risk => risk_before += *own,
            Role::Alternative => capacity += exporter.room(),
        }
    }
    let mut rounding = Rounding::new(program.scale);
    let whole = rounding;
    let nano = |units| whole.whole(units);
    let at_cap = curve.at_own(cap);
    let mut row = ProductRow {
        product: code,
        labels: Arc::clone(labels),
        imports,
        risk_before,
        risk_after: None,
        capacity: nano(capacity),
        spare: None,
        unmet: None,
        cut: NanoUsd::default(),
        inside_before,
        status,
        shadow_price: None,
        shadow_price_of_less: None,
        critical_cap: if detail == Detail::Range { curve.critical_cap().map(Ratio::to_f64) } else { None },
        slope: rounding.nano(ExactAmount { numerator: at_cap.slope, denominator: 1 }),
        next_point: rounding.nano(at_cap.next_point),
        rearrangement: None,
        hhi_before: herfindahl_hirschman_usd(market.imports),
        hhi_after: None,
        hhi_after_min: None,
        hhi_after_max: None,
        hhi_max_is_exact: None,
        change_inside: Ranged::default(),
        change_outside: Ranged::default(),
        shifted_inside: NanoUsd::default(),
        shifted_outside: NanoUsd::default(),
        flows: Vec::new(),
    };
    let Some((optimum, allocation)) = solved else { return row };
    let (risk_after, unmet) = (nano(optimum.risk_total), nano(optimum.unmet));
    (row.risk_after, row.unmet) = (Some(risk_after), Some(unmet));
    row.cut = (NanoUsd::from(risk_before) - risk_after - unmet).max(NanoUsd::default());
    row.spare = Some(nano((optimum.alternative_upper() - program.total).max(0)));
    if let Some(price) = optimum.price() {
        row.shadow_price = Some(quotient(price.more.into(), program.weight_scale));
        row.shadow_price_of_less = price.less.map(|less| quotient(less.into(), program.weight_scale));
    }
    row.rearrangement = (capacity > 0).then(|| quotient(i128::from(risk_before.get()) * i128::from(program.scale), capacity));
    row.flows = std::mem::take(&mut scratch.flows);
    row.flows.clear();
    let mut changes = [Change::default(); 2];
    let trade = market.exporters.iter().zip(market.imports).zip(market.world_exports);
    let solved = program.exporters().zip(allocation.flows());
    let keep = detail > Detail::Headline;
    if keep {
        row.flows.reserve_exact(market.exporters.len());
    }
    scratch.dollars.clear();
    for (((exporter, imports), world_exports), (bounds, flow)) in trade.zip(solved) {
        let Interval { min, max } = interval_of(bounds, optimum);
        let row_of_flow = FlowRow {
            exporter: *exporter,
            imports: *imports,
            world_exports: *world_exports,
            capacity: nano(bounds.room()),
            optimised: rounding.nano(*flow),
            min: nano(min),
            max: nano(max),
        };
        if bounds.role() == Role::Alternative {
            changes[usize::from(bloc.contains(*exporter))].add(&row_of_flow, bounds);
        }
        scratch.dollars.push(row_of_flow.optimised.to_dollars());
        if keep {
            row.flows.push(row_of_flow);
        }
    }
    row.hhi_after = herfindahl_hirschman(&scratch.dollars);
    if detail == Detail::Range {
        (row.hhi_after_min, row.hhi_after_max) = (row.hhi_after, row.hhi_after);
        row.hhi_max_is_exact = row.hhi_after.map(|_| true);
        if let Some(declared) = row.hhi_after.filter(|_| !optimum.is_unique()) {
            scratch.dollars.clear();
            let even = most_even(program, optimum);
            scratch.dollars.extend(even.iter().map(|flow| rounding.nano(*flow).to_dollars()));
            row.hhi_after_min = herfindahl_hirschman(&scratch.dollars);
            let most = scratch.maximum.solve(program, optimum, MOST_NODES);
            // The declared point is one of the optima; two ways of dividing may differ in the last bit.
            row.hhi_after_max = SquaresSum::whole(most.bound).hhi(program.total - optimum.unmet).map(|most| most.max(declared));
            row.hhi_max_is_exact = Some(most.is_exact());
        }
    }
    let range = |of: usize| {
        let Interval { min, max } = optimum.alternatives_within(changes[of].lower, changes[of].upper);
        Ranged { point: changes[of].point, min: nano(min - changes[of].today), max: nano(max - changes[of].today) }
    };
    (row.change_inside, row.change_outside) = (range(1), range(0));
    (row.shifted_inside, row.shifted_outside) = (changes[1].increase, changes[0].increase);
    row
}

/// Sums over the alternatives on one side of the bloc's border.
#[derive(Debug, Clone, Copy, Default)]
struct Change {
    today: i64,
    lower: i64,
    upper: i64,
    /// At the declared point, less today's.
    point: NanoUsd,
    /// The same over those that gain.
    increase: NanoUsd,
}

impl Change {
    fn add(&mut self, flow: &FlowRow, bounds: Bounds) {
        self.today += bounds.baseline;
        self.lower += bounds.lower;
        self.upper += bounds.upper;
        self.point += flow.optimised - NanoUsd::from(flow.imports);
        self.increase += flow.increase();
    }
}

/// The nearest double of a quotient, up to the rounding of its two parts.
#[allow(clippy::cast_precision_loss)] // The nearest double is what is published.
fn quotient(numerator: i128, denominator: i64) -> f64 {
    numerator as f64 / denominator as f64
}
