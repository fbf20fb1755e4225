//! How figures spread over draws: "Uncertainty" under step M8 of docs/method.md.

use std::collections::BTreeMap;

use reorient_core::CountryIndex;
use reorient_model::NanoUsd;

use crate::collect::Collection;
use crate::rows::{CountryRow, Headline};

/// Which quantiles are given.
pub const QUANTILES: [f64; 5] = [0.05, 0.25, 0.5, 0.75, 0.95];

/// A figure without doubt and over all draws in which it is defined.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Spread {
    /// Without doubt; none where it is not defined.
    pub base: Option<f64>,
    /// Draws in which it is defined.
    pub draws: usize,
    /// Mean over them, in the order of the draws.
    pub mean: f64,
    /// Standard deviation over them (divided by their number less one).
    pub deviation: f64,
    /// [`QUANTILES`], by linear interpolation between order statistics.
    pub quantiles: [f64; QUANTILES.len()],
}

impl Spread {
    /// Of values in the order of the draws.
    #[allow(clippy::cast_precision_loss)] // Draws are few.
    pub fn new(base: Option<f64>, values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        let n = values.len() as f64;
        if values.is_empty() {
            return Self { base, ..Self::default() };
        }
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
        let deviation = if values.len() > 1 { (squares / (n - 1.0)).sqrt() } else { 0.0 };
        values.sort_by(f64::total_cmp);
        Self { base, draws: values.len(), mean, deviation, quantiles: QUANTILES.map(|share| quantile(&values, share)) }
    }
}

/// Of ascending values, at least one.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Positions are small.
fn quantile(ascending: &[f64], share: f64) -> f64 {
    let position = share * (ascending.len() - 1) as f64;
    let below = position.floor() as usize;
    let above = (below + 1).min(ascending.len() - 1);
    ascending[below] + (position - below as f64) * (ascending[above] - ascending[below])
}

/// A figure of the headline: its name in files, and how it is read off; none where it is not defined.
pub type Figure = (&'static str, fn(&Headline) -> Option<f64>);

fn musd(amount: NanoUsd) -> f64 {
    amount.to_dollars() / 1e6
}

fn pct(part: NanoUsd, whole: NanoUsd) -> Option<f64> {
    (whole > NanoUsd::default()).then(|| part.to_dollars() / whole.to_dollars() * 100.0)
}

#[allow(clippy::cast_precision_loss)] // Products are some thousand.
fn count(number: usize) -> Option<f64> {
    Some(number as f64)
}

/// The figures of a headline that draws and scenarios are compared by.
pub const FIGURES: [Figure; 18] = [
    ("products", |headline| count(headline.products)),
    ("in_shortage", |headline| count(headline.in_shortage)),
    ("infeasible", |headline| count(headline.infeasible)),
    ("imports_musd", |headline| Some(musd(headline.imports.into()))),
    ("risk_before_musd", |headline| Some(musd(headline.risk_before.into()))),
    ("risk_after_musd", |headline| Some(musd(headline.risk_after))),
    ("risk_before_pct", |headline| pct(headline.risk_before.into(), headline.imports.into())),
    ("risk_after_pct", |headline| pct(headline.risk_after, headline.imports.into())),
    ("cut_pct_of_risk", |headline| pct(headline.cut, headline.risk_before.into())),
    ("shifted_inside_musd", |headline| Some(musd(headline.shifted_inside))),
    ("shifted_outside_musd", |headline| Some(musd(headline.shifted_outside))),
    ("risk_next_point_musd", |headline| Some(musd(headline.next_point))),
    ("hhi_before", |headline| Some(headline.hhi?.before)),
    ("hhi_after", |headline| headline.hhi?.after),
    ("hhi_rose", |headline| count(headline.hhi_rose)),
    ("hhi_fell", |headline| count(headline.hhi_fell)),
    ("unmet_musd", |headline| Some(musd(headline.unmet))),
    ("unmet_pct", |headline| pct(headline.unmet, headline.imports.into())),
];

/// Each of [`FIGURES`] over the draws.
pub fn figure_spreads(base: &Headline, draws: &[Collection]) -> Vec<(&'static str, Spread)> {
    let spread = |(name, of): Figure| (name, Spread::new(of(base), draws.iter().filter_map(|draw| of(&draw.headline))));
    FIGURES.into_iter().map(spread).collect()
}

/// A country of Table A.1 over the draws.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CountrySpread {
    /// Which one.
    pub country: CountryIndex,
    /// Its rank without doubt, from 1; none where it gains nothing.
    pub rank: Option<usize>,
    /// Increase in million USD; 0 in draws without.
    pub increase_musd: Spread,
    /// Its share of the bloc's imports after, in percent; of the draws in which it gains.
    pub share_new_pct: Spread,
    /// Its rank over the draws in which it gains.
    pub ranks: Spread,
    /// Share of the draws in which it is among the first `top`.
    pub in_top: f64,
}

/// The countries that are among the first `top` without doubt or in any draw: by rank without doubt, then by median increase.
/// Tables of draws hold every country that gains.
#[allow(clippy::cast_precision_loss)] // Ranks and draws are small.
pub fn country_spreads(base: &Collection, draws: &[Collection], top: usize) -> Vec<CountrySpread> {
    let firsts = std::iter::once(base).chain(draws).flat_map(|draw| draw.table_a1.iter().take(top)).map(|row| row.country);
    let countries: std::collections::BTreeSet<CountryIndex> = firsts.collect();
    let by_country = |table: &[CountryRow]| -> BTreeMap<CountryIndex, CountryRow> {
        table.iter().map(|row| (row.country, row.clone())).collect()
    };
    let (of_base, of_draws) =
        (by_country(&base.table_a1), draws.iter().map(|draw| by_country(&draw.table_a1)).collect::<Vec<_>>());
    let share = |row: &CountryRow, of: &Collection| pct(row.after, of.headline.imports.into());
    let mut spreads: Vec<CountrySpread> = countries
        .into_iter()
        .map(|country| {
            let own = of_base.get(&country);
            let rows = || of_draws.iter().zip(draws).map(|(table, draw)| (table.get(&country), draw));
            let n_top = rows().filter(|(row, _)| row.is_some_and(|row| row.rank <= top)).count();
            CountrySpread {
                country,
                rank: own.map(|row| row.rank),
                increase_musd: Spread::new(
                    own.map(|row| musd(row.increase)),
                    rows().map(|(row, _)| row.map_or(0.0, |row| musd(row.increase))),
                ),
                share_new_pct: Spread::new(
                    own.and_then(|row| share(row, base)),
                    rows().filter_map(|(row, draw)| row.and_then(|row| share(row, draw))),
                ),
                ranks: Spread::new(own.map(|row| row.rank as f64), rows().filter_map(|(row, _)| row.map(|row| row.rank as f64))),
                in_top: if draws.is_empty() { 0.0 } else { n_top as f64 / draws.len() as f64 },
            }
        })
        .collect();
    spreads.sort_by(|one, other| {
        let median = |spread: &CountrySpread| spread.increase_musd.quantiles[2];
        let by_rank = one.rank.unwrap_or(usize::MAX).cmp(&other.rank.unwrap_or(usize::MAX));
        by_rank.then(median(other).total_cmp(&median(one))).then(one.country.cmp(&other.country))
    });
    spreads
}

#[cfg(test)]
#[allow(clippy::float_cmp)] // Exact by construction.
mod tests {
    use super::*;

    #[test]
    fn quantiles_interpolate_between_order_statistics() {
        let spread = Spread::new(Some(3.0), [5.0, 1.0, 3.0, 2.0, 4.0]);
        assert_eq!((spread.mean, spread.draws, spread.base), (3.0, 5, Some(3.0)));
        assert_eq!(spread.quantiles, [1.2, 2.0, 3.0, 4.0, 4.8]);
        assert!((spread.deviation - 2.5_f64.sqrt()).abs() < 1e-15);
        assert_eq!(Spread::new(None, [7.0]).quantiles, [7.0; 5]);
        assert_eq!(Spread::new(None, []), Spread::default());
    }
}
