//! Step M8 of docs/method.md: headline, risk shares and Table A.1 from all products. Every sum is of integers.

use reorient_core::{CountryIndex, Sector, Usd};
use reorient_model::{CountrySet, NanoUsd, Status};

use crate::labels::Classification;
use crate::rows::{BeforeAfter, CountryRow, Headline, Origin, ProductRow, Ranged, ShareRow, above};

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

/// Running sums over products; what it gives depends on the order in which they are added only in the last bits of mean
/// indices.
///
/// A product counts once in totals and once in every sector, subsector and stage that it belongs to. Unsolved products are in no
/// sum; products whose imports cannot be supplied in full are in all of them.
pub struct Collector<'a> {
    classes: &'a Classification,
    bloc: &'a CountrySet,
    /// Ascending.
    risk: Vec<CountryIndex>,
    /// Position in `risk`, by country.
    risk_position: Vec<Option<usize>>,
    headline: Headline,
    overall: WeighedIndex,
    /// Parallel to the levels of the classification.
    levels: Vec<LevelSums>,
    /// By country.
    gains: Vec<Gain>,
}

/// Sums over one level.
#[derive(Clone, Default)]
struct LevelSums {
    n_products: usize,
    imports: Usd,
    unmet: NanoUsd,
    cut: NanoUsd,
    extra_bloc: Usd,
    extra_bloc_after: Ranged,
    /// All risk origins, then each.
    origins: Vec<OriginSums>,
    index: WeighedIndex,
}

/// Flows before, at the declared point, and the ends of their ranges.
#[derive(Clone, Copy, Default)]
struct OriginSums {
    before: Usd,
    after: Ranged,
}

/// Sums of an index times imports, in the order of the products.
#[derive(Clone, Default)]
struct WeighedIndex {
    /// Imports of products with an index before.
    imports: f64,
    /// Imports of products with one after.
    supplied: f64,
    before: f64,
    after: f64,
    /// The least and the greatest over all optima.
    range: (f64, f64),
    n_without_range: usize,
}

/// Running sums of one country outside the bloc.
#[derive(Clone, Default)]
struct Gain {
    increase: Ranged,
    /// By sector; none where no product of the sector has a flow of this country.
    by_sector: [Option<NanoUsd>; Sector::COUNT],
    before: Usd,
    after: Ranged,
}

impl<'a> Collector<'a> {
    /// Of products in the order of the classification.
    pub fn new(classes: &'a Classification, bloc: &'a CountrySet, risk: &CountrySet) -> Self {
        let countries: Vec<CountryIndex> = risk.iter().collect();
        let mut risk_position = vec![None; risk.universe()];
        for (position, country) in countries.iter().enumerate() {
            risk_position[country.at()] = Some(position);
        }
        let level = LevelSums { origins: vec![OriginSums::default(); 1 + countries.len()], ..LevelSums::default() };
        Self {
            classes,
            bloc,
            risk: countries,
            headline: Headline::default(),
            overall: WeighedIndex::default(),
            levels: vec![level; classes.levels.len()],
            gains: vec![Gain::default(); risk_position.len()],
            risk_position,
        }
    }

    /// Adds the product at a position of the classification.
    pub fn add(&mut self, position: usize, row: &ProductRow) {
        self.add_sums(position, row);
        self.add_indices(position, row);
    }

    /// Adds all but its mean indices; these sums do not depend on the order at all.
    pub fn add_sums(&mut self, position: usize, row: &ProductRow) {
        if self.add_to_headline_sums(row) {
            self.add_flows(position, row);
        }
    }

    /// Adds its indices alone.
    pub fn add_indices(&mut self, position: usize, row: &ProductRow) {
        if is_answered(row) {
            self.overall.add(row);
            self.classes.of_product[position].iter().for_each(|level| self.levels[*level].index.add(row));
        }
    }

    /// Adds a product to the headline alone.
    pub fn add_to_headline(&mut self, row: &ProductRow) {
        if self.add_to_headline_sums(row) {
            self.overall.add(row);
        }
    }

    /// Adds the sums of another collector of the same classification, bloc and risk origins; its indices are left out.
    pub fn join_sums(&mut self, other: &Self) {
        self.headline.join_sums(&other.headline);
        for (own, others) in self.levels.iter_mut().zip(&other.levels) {
            own.n_products += others.n_products;
            own.imports += others.imports;
            own.unmet += others.unmet;
            own.cut += others.cut;
            own.extra_bloc += others.extra_bloc;
            own.extra_bloc_after += others.extra_bloc_after;
            own.origins.iter_mut().zip(&others.origins).for_each(|(own, other)| own.add(*other));
        }
        for (own, others) in self.gains.iter_mut().zip(&other.gains) {
            own.increase += others.increase;
            own.before += others.before;
            own.after += others.after;
            for (own, other) in own.by_sector.iter_mut().zip(others.by_sector) {
                if let Some(other) = other {
                    *own.get_or_insert_default() += other;
                }
            }
        }
    }

    /// Says whether the product has an answer.
    fn add_to_headline_sums(&mut self, row: &ProductRow) -> bool {
        if is_answered(row) {
            self.add_answer(row);
        } else {
            self.headline.unsolved += 1;
        }
        is_answered(row)
    }

    fn add_answer(&mut self, row: &ProductRow) {
        let headline = &mut self.headline;
        headline.products += 1;
        headline.in_shortage += usize::from(row.status == Status::Shortage);
        headline.infeasible += usize::from(row.status == Status::Infeasible);
        headline.imports += row.imports;
        headline.risk_before += row.risk_before;
        headline.risk_after += row.risk_after.unwrap_or_default();
        headline.unmet += row.unmet.unwrap_or_default();
        headline.cut += row.cut;
        headline.extra_bloc += row.extra_bloc();
        headline.extra_bloc_after += row.extra_bloc_after();
        headline.risk_slope += row.slope;
        headline.next_point += row.next_point;
        headline.change_inside += row.change_inside;
        headline.change_outside += row.change_outside;
        headline.shifted_inside += row.shifted_inside;
        headline.shifted_outside += row.shifted_outside;
        if row.labels.reconstructed {
            headline.reconstructed_products += 1;
            headline.reconstructed_imports += row.imports;
        }
        if let (Some(before), Some(after)) = (row.hhi_before, row.hhi_after) {
            // An unchanged index may differ in the last bits of two sums.
            headline.hhi_rose += usize::from(after - before > 1e-12);
            headline.hhi_fell += usize::from(before - after > 1e-12);
        }
    }

    fn add_flows(&mut self, position: usize, row: &ProductRow) {
        let levels = &self.classes.of_product[position];
        let after = row.risk_after.unwrap_or_default();
        // Every optimum leaves the same total with the origins of each weight, and so with all.
        let all = OriginSums { before: row.risk_before, after: Ranged { point: after, min: after, max: after } };
        for level in levels {
            let level = &mut self.levels[*level];
            level.n_products += 1;
            level.imports += row.imports;
            level.unmet += row.unmet.unwrap_or_default();
            level.cut += row.cut;
            level.extra_bloc += row.extra_bloc();
            level.extra_bloc_after += row.extra_bloc_after();
            level.origins[0].add(all);
        }
        for flow in &row.flows {
            if let Some(origin) = self.risk_position[flow.exporter.at()] {
                let sums = OriginSums { before: flow.imports, after: flow.after() };
                levels.iter().for_each(|level| self.levels[*level].origins[1 + origin].add(sums));
                continue;
            }
            if self.bloc.contains(flow.exporter) {
                continue;
            }
            let (before, increase) = (NanoUsd::from(flow.imports), flow.increase());
            let gain = &mut self.gains[flow.exporter.at()];
            gain.before += flow.imports;
            gain.after += flow.after();
            gain.increase += Ranged { point: increase, min: above(flow.min, before), max: above(flow.max, before) };
            for sector in &self.classes.sectors[position] {
                *gain.by_sector[sector.position()].get_or_insert_default() += increase;
            }
        }
    }

    /// The headline alone.
    pub fn headline(mut self) -> Headline {
        self.headline.hhi = self.overall.mean();
        self.headline
    }

    /// All but the products, with at most `top` gaining countries.
    pub fn finish(self, top: usize) -> Collection {
        let mut shares = Vec::new();
        for ((level, name), sums) in self.classes.levels.iter().zip(&self.levels).filter(|(_, sums)| sums.n_products > 0) {
            let hhi = sums.index.mean();
            let origins = std::iter::once(Origin::AllRisk).chain(self.risk.iter().copied().map(Origin::Country));
            shares.extend(origins.zip(&sums.origins).map(|(origin, of_origin)| ShareRow {
                level: *level,
                name: name.clone(),
                origin,
                imports: sums.imports,
                before: of_origin.before,
                after: of_origin.after.point,
                after_min: of_origin.after.min,
                after_max: of_origin.after.max,
                unmet: sums.unmet,
                cut: sums.cut,
                extra_bloc: sums.extra_bloc,
                extra_bloc_after: sums.extra_bloc_after,
                hhi: if origin == Origin::AllRisk { hhi } else { None },
            }));
        }
        Collection { table_a1: rank(&self.gains, top), shares, products: Vec::new(), headline: self.headline() }
    }
}

fn is_answered(row: &ProductRow) -> bool {
    row.status != Status::Unsolved
}

impl OriginSums {
    fn add(&mut self, other: Self) {
        self.before += other.before;
        self.after += other.after;
    }
}

impl WeighedIndex {
    fn add(&mut self, row: &ProductRow) {
        let imports = NanoUsd::from(row.imports).to_dollars();
        if let Some(before) = row.hhi_before {
            self.imports += imports;
            self.before += imports * before;
        }
        // A product of which nothing can be supplied has an index today, and none after.
        if let Some(after) = row.hhi_after {
            self.supplied += imports;
            self.after += imports * after;
            match row.hhi_after_min.zip(row.hhi_after_max) {
                Some((least, most)) => {
                    self.range.0 += imports * least;
                    self.range.1 += imports * most;
                }
                None => self.n_without_range += 1,
            }
        }
    }

    fn mean(&self) -> Option<BeforeAfter> {
        let of_supplied = |sum: f64| (self.supplied > 0.0).then(|| sum / self.supplied);
        let range = of_supplied(self.range.0).zip(of_supplied(self.range.1)).filter(|_| self.n_without_range == 0);
        (self.imports > 0.0).then(|| BeforeAfter { before: self.before / self.imports, after: of_supplied(self.after), range })
    }
}

fn rank(gains: &[Gain], top: usize) -> Vec<CountryRow> {
    let countries = (0_u16..).map(CountryIndex);
    let mut order: Vec<_> = countries.zip(gains).filter(|(_, gain)| gain.increase.max > NanoUsd::default()).collect();
    order.sort_by_key(|(country, gain)| (std::cmp::Reverse(gain.increase.point), *country));
    // Ascending, so that those beyond a bound are a stretch at the end.
    let ascending = |end: fn(&Gain) -> NanoUsd| {
        let mut ends: Vec<_> = order.iter().map(|(country, gain)| (end(gain), std::cmp::Reverse(*country))).collect();
        ends.sort_unstable();
        ends
    };
    let (least, most) = (ascending(|gain| gain.increase.min), ascending(|gain| gain.increase.max));
    let beyond = |ends: &[(NanoUsd, std::cmp::Reverse<CountryIndex>)], own: NanoUsd, country: CountryIndex| {
        ends.len() - ends.partition_point(|other| *other <= (own, std::cmp::Reverse(country)))
    };
    let ranks = |country: CountryIndex, gain: &Gain| {
        let own = gain.increase.min < gain.increase.max;
        let min = 1 + beyond(&least, gain.increase.max, country);
        // Its own greatest increase may be beyond its least, and is no other's.
        let max = 1 + beyond(&most, gain.increase.min, country) - usize::from(own);
        (min, max)
    };
    order
        .iter()
        .copied()
        .take(top)
        .enumerate()
        .map(|(position, (country, gain))| {
            let (rank_min, rank_max) = ranks(country, gain);
            CountryRow {
                rank: position + 1,
                rank_min,
                rank_max,
                country,
                increase: gain.increase.point,
                increase_min: gain.increase.min,
                increase_max: gain.increase.max,
                main_sector: gain.main_sector(),
                before: gain.before,
                after: gain.after.point,
                after_min: gain.after.min,
                after_max: gain.after.max,
            }
        })
        .collect()
}

impl Gain {
    /// The first of the largest, in the order of the sectors.
    fn main_sector(&self) -> Sector {
        let sums = Sector::every().rev().filter_map(|sector| Some((sector, self.by_sector[sector.position()]?)));
        sums.max_by_key(|(_, sum)| *sum).map_or(Sector::All, |(sector, _)| sector)
    }
}
