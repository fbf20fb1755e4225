//! Step M8 of docs/method.md: headline, risk shares and Table A.1 from all products. Every sum is of integers.

use std::collections::BTreeMap;

use reorient_core::{CountryIndex, Membership, Sector, Usd};
use reorient_model::{CountrySet, NanoUsd, Status};

use crate::rows::{BeforeAfter, CountryRow, Headline, Level, Origin, ProductRow, ShareRow};

/// Everything that a run reports.
#[derive(Debug, Clone, PartialEq)]
pub struct Collection {
    /// The headline.
    pub headline: Headline,
    /// By level, then name, then origin (all first, then by code).
    pub shares: Vec<ShareRow>,
    /// The gaining countries outside the bloc, at most `top` of them.
    pub table_a1: Vec<CountryRow>,
    /// Ascending by code.
    pub products: Vec<ProductRow>,
}

/// Adds up all products. `memberships` gives each product's places in the list, parallel to `products`.
///
/// A product counts once in totals and once in every sector, subsector and stage that it belongs to. Products without a
/// certified allocation are in no sum.
pub fn collect(
    products: Vec<ProductRow>,
    memberships: &[&[Membership]],
    bloc: &CountrySet,
    risk: &CountrySet,
    top: usize,
) -> Collection {
    let mut headline = Headline::default();
    let mut shares: BTreeMap<(Level, String), BTreeMap<Origin, ShareRow>> = BTreeMap::new();
    let mut indices: BTreeMap<(Level, String), WeighedIndex> = BTreeMap::new();
    let mut gains: BTreeMap<CountryIndex, Gain> = BTreeMap::new();
    for (row, places) in products.iter().zip(memberships) {
        match row.status {
            Status::Infeasible => headline.infeasible += 1,
            Status::Unsolved => headline.unsolved += 1,
            _ => {
                add_to_headline(&mut headline, row, bloc);
                for (level, name) in levels(places) {
                    add_to_shares(shares.entry((level, name.clone())).or_default(), level, &name, row, risk);
                    indices.entry((level, name)).or_default().add(row);
                }
                add_to_gains(&mut gains, row, places, bloc, risk);
            }
        }
    }
    for (key, index) in indices {
        let mean = index.mean();
        if key.0 == Level::Overall {
            headline.hhi = mean;
        }
        if let Some(row) = shares.get_mut(&key).and_then(|rows| rows.get_mut(&Origin::AllRisk)) {
            row.hhi = mean;
        }
    }
    let shares = shares.into_values().flat_map(BTreeMap::into_values).collect();
    Collection { headline, shares, table_a1: rank(&gains, top), products }
}

fn add_to_headline(headline: &mut Headline, row: &ProductRow, bloc: &CountrySet) {
    headline.products += 1;
    headline.in_shortage += usize::from(row.status == Status::Shortage);
    headline.imports += row.imports;
    headline.risk_before += row.risk_before;
    headline.risk_after += row.risk_after.unwrap_or_default();
    for flow in &row.flows {
        let increase = above(flow.optimised, flow.imports);
        if bloc.contains(flow.exporter) {
            headline.shifted_inside += increase;
        } else {
            headline.shifted_outside += increase;
        }
    }
    headline.risk_slope += row.slope;
    headline.next_point += row.next_point;
    headline.change_inside += row.change_inside;
    headline.change_outside += row.change_outside;
    if row.reconstructed {
        headline.reconstructed_products += 1;
        headline.reconstructed_imports += row.imports;
    }
    if let (Some(before), Some(after)) = (row.hhi_before, row.hhi_after) {
        // An unchanged index may differ in the last bits of two sums.
        headline.hhi_rose += usize::from(after - before > 1e-12);
        headline.hhi_fell += usize::from(before - after > 1e-12);
    }
}

/// The distinct breakdowns that a product belongs to.
fn levels(places: &[Membership]) -> std::collections::BTreeSet<(Level, String)> {
    let mut levels = std::collections::BTreeSet::from([(Level::Overall, "all".to_owned())]);
    for place in places {
        levels.insert((Level::Sector, place.sector.name().to_owned()));
        levels.insert((Level::Subsector, place.subsector.clone()));
        levels.insert((Level::Stage, place.stage.name().to_owned()));
    }
    levels
}

fn add_to_shares(rows: &mut BTreeMap<Origin, ShareRow>, level: Level, name: &str, row: &ProductRow, risk: &CountrySet) {
    let mut add = |origin, before: Usd, after: NanoUsd, min: NanoUsd, max: NanoUsd| {
        let sum = rows.entry(origin).or_insert_with(|| ShareRow {
            level,
            name: name.to_owned(),
            origin,
            imports: Usd::ZERO,
            before: Usd::ZERO,
            after: NanoUsd::default(),
            after_min: NanoUsd::default(),
            after_max: NanoUsd::default(),
            hhi: None,
        });
        sum.before += before;
        sum.after += after;
        sum.after_min += min;
        sum.after_max += max;
    };
    let after = row.risk_after.unwrap_or_default();
    // Every optimum leaves the same total with the origins of each weight, and so with all.
    add(Origin::AllRisk, row.risk_before, after, after, after);
    for country in risk.iter() {
        add(Origin::Country(country), Usd::ZERO, NanoUsd::default(), NanoUsd::default(), NanoUsd::default());
    }
    for flow in row.flows.iter().filter(|flow| risk.contains(flow.exporter)) {
        add(Origin::Country(flow.exporter), flow.imports, flow.optimised, flow.min, flow.max);
    }
    for sum in rows.values_mut() {
        sum.imports += row.imports;
    }
}

/// Sums of an index times imports, in the order of the products.
#[derive(Default)]
struct WeighedIndex {
    imports: f64,
    before: f64,
    after: f64,
}

impl WeighedIndex {
    fn add(&mut self, row: &ProductRow) {
        if let (Some(before), Some(after)) = (row.hhi_before, row.hhi_after) {
            let imports = NanoUsd::from(row.imports).to_dollars();
            self.imports += imports;
            self.before += imports * before;
            self.after += imports * after;
        }
    }

    fn mean(&self) -> Option<BeforeAfter> {
        let mean = |sum: f64| sum / self.imports;
        (self.imports > 0.0).then(|| BeforeAfter { before: mean(self.before), after: mean(self.after) })
    }
}

/// Running sums of one country outside the bloc.
#[derive(Default)]
struct Gain {
    increase: [NanoUsd; 3],
    by_sector: BTreeMap<Sector, NanoUsd>,
    before: Usd,
    after: [NanoUsd; 3],
}

fn add_to_gains(
    gains: &mut BTreeMap<CountryIndex, Gain>,
    row: &ProductRow,
    places: &[Membership],
    bloc: &CountrySet,
    risk: &CountrySet,
) {
    let sectors: std::collections::BTreeSet<Sector> = places.iter().map(|place| place.sector).collect();
    for flow in row.flows.iter().filter(|flow| !bloc.contains(flow.exporter) && !risk.contains(flow.exporter)) {
        let gain = gains.entry(flow.exporter).or_default();
        gain.before += flow.imports;
        for (slot, after) in [flow.optimised, flow.min, flow.max].into_iter().enumerate() {
            gain.after[slot] += after;
            gain.increase[slot] += above(after, flow.imports);
        }
        for sector in &sectors {
            *gain.by_sector.entry(*sector).or_default() += above(flow.optimised, flow.imports);
        }
    }
}

fn above(after: NanoUsd, before: Usd) -> NanoUsd {
    (after - NanoUsd::from(before)).max(NanoUsd::default())
}

fn rank(gains: &BTreeMap<CountryIndex, Gain>, top: usize) -> Vec<CountryRow> {
    let mut order: Vec<_> = gains.iter().filter(|(_, gain)| gain.increase[2] > NanoUsd::default()).collect();
    order.sort_by_key(|(country, gain)| (std::cmp::Reverse(gain.increase[0]), **country));
    order
        .into_iter()
        .take(top)
        .enumerate()
        .map(|(position, (country, gain))| CountryRow {
            rank: position + 1,
            country: *country,
            increase: gain.increase[0],
            increase_min: gain.increase[1],
            increase_max: gain.increase[2],
            // The first of the largest, in the order of the sectors.
            main_sector: gain.by_sector.iter().rev().max_by_key(|(_, sum)| **sum).map_or(Sector::All, |(sector, _)| *sector),
            before: gain.before,
            after: gain.after[0],
            after_min: gain.after[1],
            after_max: gain.after[2],
        })
        .collect()
}
