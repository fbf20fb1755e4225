//! What one change of a scenario does to its headline and to Table A.1: "Sensitivity" under step M8 of docs/method.md.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use reorient_core::CountryIndex;
use reorient_model::NanoUsd;

use crate::collect::Collection;
use crate::rows::{CountryRow, Headline, Level, Origin, ShareRow};

/// One change of the base scenario, or the base itself.
#[derive(Debug, Clone, PartialEq)]
pub struct SensitivityRow {
    /// The key that was set; `base` for the base.
    pub key: String,
    /// Its value, as `--set key=value` takes it; empty for the base.
    pub value: String,
    /// What came of it, or why nothing did.
    pub outcome: Result<Effect, String>,
}

/// The result of a scenario beside that of the base.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    /// Its headline.
    pub headline: Headline,
    /// Risk share after, in percent; none without imports.
    pub risk_after_pct: Option<f64>,
    /// Share of the imports that nobody can supply, in percent, less that of the base, in percentage points; none where either is
    /// missing.
    pub missing_points: Option<f64>,
    /// The same less that of the base, in percentage points; none where either is missing.
    pub change_points: Option<f64>,
    /// Concentration after less that of the base, from -1 to 1; none where either is missing.
    pub change_hhi: Option<f64>,
    /// Of the origins at risk both here and in the base, the one whose share of the imports after changed most, and by how many
    /// percentage points; none where none changed.
    pub origin: Option<(CountryIndex, f64)>,
    /// What became of the ranking.
    pub ranking: RankingChange,
}

/// The receivers that lead in the base, and where they stand now.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RankingChange {
    /// Receivers that lead in the base, at most as many as Table A.1 has rows.
    pub n_base: usize,
    /// Of them, those that lead still.
    pub n_stay: usize,
    /// Kendall's tau-b of their gains, from -1 to 1; none where no two of them differ.
    pub tau: Option<f64>,
    /// The one that moved furthest, the higher in the base among equals; none where all keep their ranks.
    pub mover: Option<Mover>,
}

/// A country that changed its rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mover {
    /// The country.
    pub country: CountryIndex,
    /// Its rank in the base, from 1.
    pub before: usize,
    /// Its rank now; none where it gains nothing.
    pub after: Option<usize>,
}

impl Effect {
    /// Of figures with the ranking of all receivers, against those of the base; `top` of them lead.
    pub fn new(own: Collection, base: &Collection, top: usize) -> Self {
        let risk_after_pct = share_pct(&own.headline, own.headline.risk_after);
        let unmet = |headline: &Headline| share_pct(headline, headline.unmet);
        let difference = |own: Option<f64>, of_base: Option<f64>| own.zip(of_base).map(|(own, of_base)| own - of_base);
        let after = |collection: &Collection| collection.headline.hhi.and_then(|hhi| hhi.after);
        Self {
            risk_after_pct,
            change_points: difference(risk_after_pct, share_pct(&base.headline, base.headline.risk_after)),
            missing_points: difference(unmet(&own.headline), unmet(&base.headline)),
            change_hhi: difference(after(&own), after(base)),
            origin: origin(&own, base),
            ranking: RankingChange::new(&base.table_a1, &own.table_a1, top),
            headline: own.headline,
        }
    }
}

impl Effect {
    /// By how many percentage points risk and unmet imports together are above those of the base; none where either is missing.
    pub fn worse_points(&self) -> Option<f64> {
        self.change_points.zip(self.missing_points).map(|(risk, missing)| risk + missing)
    }
}

/// Shares after of single risk origins, in percent.
fn of_origins(collection: &Collection) -> BTreeMap<CountryIndex, f64> {
    let share = |row: &ShareRow| match row.origin {
        Origin::Country(country) if row.level == Level::Overall && row.imports.get() > 0 => {
            Some((country, row.after.to_dollars() / NanoUsd::from(row.imports).to_dollars() * 100.0))
        }
        _ => None,
    };
    collection.shares.iter().filter_map(share).collect()
}

/// The origin that is at risk in both whose share changed most.
fn origin(own: &Collection, base: &Collection) -> Option<(CountryIndex, f64)> {
    let (own, base) = (of_origins(own), of_origins(base));
    let changes = own.iter().filter_map(|(country, share)| Some((*country, share - base.get(country)?)));
    let mut largest: Option<(CountryIndex, f64)> = None;
    for (country, points) in changes.filter(|(_, points)| points.abs() > NOTHING) {
        if largest.is_none_or(|(_, most)| points.abs() > most.abs()) {
            largest = Some((country, points));
        }
    }
    largest
}

/// Percentage points below which two sums of doubles are the same.
const NOTHING: f64 = 1e-9;

/// A part of the imports, in percent.
fn share_pct(headline: &Headline, part: NanoUsd) -> Option<f64> {
    let imports = NanoUsd::from(headline.imports).to_dollars();
    (imports > 0.0).then(|| part.to_dollars() / imports * 100.0)
}

impl RankingChange {
    /// Where the first `top` of one ranking stand in another. Both rankings are of all receivers.
    pub fn new(base: &[CountryRow], other: &[CountryRow], top: usize) -> Self {
        let leaders = &base[..base.len().min(top)];
        let now: BTreeMap<CountryIndex, &CountryRow> = other.iter().map(|row| (row.country, row)).collect();
        let gains: Vec<(NanoUsd, NanoUsd)> = leaders
            .iter()
            .map(|row| (row.increase, now.get(&row.country).map_or(NanoUsd::default(), |row| row.increase)))
            .collect();
        // Who gains nothing stands behind all who do.
        let rank = |row: &CountryRow| now.get(&row.country).map(|row| row.rank);
        let moved = |row: &&CountryRow| rank(row).unwrap_or(other.len() + 1).abs_diff(row.rank);
        let furthest = leaders.iter().rev().max_by_key(moved).filter(|row| moved(row) > 0);
        Self {
            n_base: leaders.len(),
            n_stay: leaders.iter().filter(|row| rank(row).is_some_and(|rank| rank <= top)).count(),
            tau: tau(&gains),
            mover: furthest.map(|row| Mover { country: row.country, before: row.rank, after: rank(row) }),
        }
    }
}

/// Kendall's tau-b: concordant less discordant pairs, over the geometric mean of the pairs that are not tied on either side.
#[allow(clippy::cast_precision_loss)] // Counts of pairs of a few dozen countries.
fn tau<T: Ord>(pairs: &[(T, T)]) -> Option<f64> {
    let (mut score, mut untied, mut untied_now) = (0_i64, 0_i64, 0_i64);
    for (at, one) in pairs.iter().enumerate() {
        for other in &pairs[..at] {
            let (before, now) = (one.0.cmp(&other.0), one.1.cmp(&other.1));
            untied += i64::from(before != Ordering::Equal);
            untied_now += i64::from(now != Ordering::Equal);
            if before != Ordering::Equal && now != Ordering::Equal {
                score += if before == now { 1 } else { -1 };
            }
        }
    }
    (untied > 0 && untied_now > 0).then(|| score as f64 / ((untied * untied_now) as f64).sqrt())
}

/// Largest effect first: by the size of the change of the risk share and the unmet share together, then by what is lost of the ranking, then by the
/// change of a single risk origin, then as they come.
/// The base leads, and what was not run ends.
pub fn sort_by_effect(rows: &mut [SensitivityRow]) {
    let place = |row: &SensitivityRow| match (&row.outcome, row.key == BASE) {
        (_, true) => 0,
        (Ok(_), false) => 1,
        (Err(_), false) => 2,
    };
    let size = |row: &SensitivityRow| {
        let effect = row.outcome.as_ref().ok();
        // What has no share at all has changed most.
        let points = effect.map_or(0.0, |effect| effect.worse_points().map_or(f64::INFINITY, f64::abs));
        let points = if points < NOTHING { 0.0 } else { points };
        let tau = effect.and_then(|effect| effect.ranking.tau).unwrap_or(0.0);
        (points, tau, effect.and_then(|effect| effect.origin).map_or(0.0, |(_, points)| points.abs()))
    };
    rows.sort_by(|one, other| {
        let ((points, tau, origin), (other_points, other_tau, other_origin)) = (size(one), size(other));
        let by_points = place(one).cmp(&place(other)).then(other_points.total_cmp(&points));
        by_points.then(tau.total_cmp(&other_tau)).then(other_origin.total_cmp(&origin))
    });
}

/// The key of the row of the base.
pub const BASE: &str = "base";

#[cfg(test)]
mod tests {
    use reorient_core::{Sector, Usd};

    use super::*;

    fn ranked(gains: &[(u16, i128)]) -> Vec<CountryRow> {
        let nothing = NanoUsd::default();
        let row = |(at, (country, gain)): (usize, &(u16, i128))| CountryRow {
            rank: at + 1,
            country: CountryIndex(*country),
            increase: NanoUsd(*gain),
            increase_min: nothing,
            increase_max: nothing,
            main_sector: Sector::All,
            before: Usd::ZERO,
            rank_min: at + 1,
            rank_max: at + 1,
            after: nothing,
            after_min: nothing,
            after_max: nothing,
        };
        gains.iter().enumerate().map(row).collect()
    }

    #[test]
    fn tau_counts_pairs_and_corrects_for_ties() {
        assert_eq!(tau(&[(3, 3), (2, 2), (1, 1)]), Some(1.0));
        assert_eq!(tau(&[(3, 1), (2, 2), (1, 3)]), Some(-1.0));
        assert_eq!(tau(&[(4, 4), (3, 3), (2, 1), (1, 2)]), Some(4.0 / 6.0));
        // One pair of three tied on one side: 2 / sqrt(3 * 2).
        assert!((tau(&[(3, 1), (2, 0), (1, 0)]).unwrap_or(0.0) - 2.0 / 6.0_f64.sqrt()).abs() < 1e-15);
        assert_eq!(tau(&[(3, 0), (2, 0)]), None);
        assert_eq!(tau::<i32>(&[]), None);
    }

    #[test]
    fn leaders_are_followed_beyond_the_table() {
        let base = ranked(&[(1, 50), (2, 40), (3, 30), (4, 20)]);
        let same = RankingChange::new(&base, &base, 3);
        assert_eq!((same.n_base, same.n_stay, same.tau, same.mover), (3, 3, Some(1.0), None));
        // The third falls behind a newcomer, and the first to the last place of four: two ranks, three ranks.
        let other = ranked(&[(2, 60), (9, 55), (4, 50), (1, 10)]);
        let change = RankingChange::new(&base, &other, 3);
        assert_eq!((change.n_base, change.n_stay), (3, 1));
        assert_eq!(change.mover, Some(Mover { country: CountryIndex(1), before: 1, after: Some(4) }));
        // Gains 50 40 30 against 10 60 0: one pair of three is turned.
        assert_eq!(change.tau, Some(1.0 / 3.0));
        // Who gains nothing any more stands behind the last: 1 goes to the second place as 2 goes to the first.
        let behind = RankingChange::new(&base, &ranked(&[(2, 60)]), 2);
        assert_eq!((behind.n_base, behind.n_stay), (2, 1));
        assert_eq!(behind.mover, Some(Mover { country: CountryIndex(1), before: 1, after: None }));
        let gone = RankingChange::new(&base, &[], 3);
        assert_eq!((gone.n_stay, gone.tau), (0, None));
        assert_eq!(gone.mover, Some(Mover { country: CountryIndex(3), before: 3, after: None }));
    }
}
