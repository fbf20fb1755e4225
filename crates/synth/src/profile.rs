//! What each product shall look like: rows, exporters, concentration, total value.

use std::collections::BTreeSet;

use reorient_core::ProductCode;

use crate::apportion::{apportion, nearest, whole};
use crate::random::{Stage, draws, ranks};
use crate::{ROWS_PER_PRODUCT, Request, SynthError};
use reorient_core::normal_quantile;

/// Concentration index of exporters at quantiles of products: BACI HS22, 2022 to 2024.
pub(crate) const HHI: [(f64, f64); 5] = [(0.05, 0.07), (0.25, 0.10), (0.5, 0.15), (0.75, 0.23), (0.95, 0.47)];
/// The same with ends.
const HHI_KNOTS: [(f64, f64); 7] = [(0.0, 0.045), HHI[0], HHI[1], HHI[2], HHI[3], HHI[4], (1.0, 0.9)];
/// Number of exporters at quantiles of products, of the same source.
const EXPORTERS: [(f64, f64); 7] =
    [(0.0, 14.0), (0.05, 61.0), (0.25, 127.0), (0.5, 171.0), (0.75, 201.0), (0.95, 219.0), (1.0, 226.0)];
/// Spread of the logarithm of product totals.
const SPREAD_OF_TOTALS: f64 = 1.87;
/// Standard deviation of the logarithm of values within a product.
pub(crate) const SPREAD: f64 = 2.8;
/// An exporter of a product reaches at most this many importers on average.
pub(crate) const MOST_PARTNERS: u64 = 205;

/// Aims of one product.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Profile {
    pub(crate) code: ProductCode,
    pub(crate) rows: u64,
    pub(crate) exporters: usize,
    /// Of exporters in world exports; at least one over `exporters`.
    pub(crate) hhi: f64,
    /// Total in whole dollars.
    pub(crate) dollars: i64,
    /// Standard deviation of the logarithm of its values.
    pub(crate) spread: f64,
}

/// Aims of all products, ascending by code; totals add up to the world's.
pub(crate) fn profiles(request: &Request<'_>, n_countries: usize) -> Result<Vec<Profile>, SynthError> {
    let codes = chosen(request)?;
    let draws: Vec<[f64; 5]> = codes
        .iter()
        .map(|code| {
            let mut draws = draws(request.seed, Stage::Profile, code.number());
            std::array::from_fn(|_| draws.normal())
        })
        .collect();
    let latent = |mix: &dyn Fn(&[f64; 5]) -> f64| ranks(&draws.iter().map(mix).collect::<Vec<_>>());
    // Products with much trade have many exporters, and products with many exporters are less concentrated.
    let size = latent(&|draw| draw[0]);
    let breadth = latent(&|draw| 0.45 * draw[0] + 0.9 * draw[1]);
    let concentration = latent(&|draw| -0.25 * draw[0] - 0.5 * draw[1] + 0.8 * draw[2]);
    let known = |at: usize| request.marginals.get(&codes[at]);
    let all = 0..codes.len();
    let exporters: Vec<f64> = all
        .clone()
        .map(|at| known(at).map_or_else(|| interpolated(&EXPORTERS, breadth[at]), |known| f64::from(known.exporters)))
        .collect();
    let thickness = request.thickness(codes.len());
    let rows = {
        // Where rows are few, narrow products keep enough of them for their concentration.
        let floor = 3_000.0 * (1.0 - thickness);
        let weights = all.clone().map(|at| (exporters[at] * exporters[at] + floor) * libm::exp(0.25 * draws[at][3]));
        let caps = exporters.iter().map(|exporters| {
            let most = if request.marginals.is_empty() { n_countries as f64 } else { exporters.min(n_countries as f64) };
            (whole(most) * MOST_PARTNERS).max(1)
        });
        let (weights, caps) = (weights.collect::<Vec<_>>(), caps.collect::<Vec<_>>());
        apportion(&weights, &caps, request.rows).ok_or_else(|| SynthError::Rows {
            rows: request.rows,
            products: codes.len(),
            most: caps.iter().sum(),
        })?
    };
    let totals = totals(request, &codes, &size, &rows);
    let profile = |at: usize| {
        let hhi = known(at).map_or_else(|| libm::exp(interpolated(&HHI_KNOTS.map(ln), concentration[at])), |known| known.hhi);
        // With few rows there are fewer exporters, but no fewer than the concentration asks for.
        let thinned = exporters[at] * libm::pow(thickness, 0.4);
        let enough = (1.25 / hhi).ceil().max((rows[at] as f64 / MOST_PARTNERS as f64).ceil());
        let most = n_countries.min(usize::try_from(rows[at]).unwrap_or(usize::MAX)).max(1);
        let exporters = usize::try_from(nearest(thinned.max(enough))).unwrap_or(1).clamp(1, most);
        let spread = (SPREAD + 0.15 * draws[at][4]).max(0.5);
        Profile {
            code: codes[at],
            rows: rows[at],
            exporters,
            hhi: hhi.clamp(1.0 / exporters as f64, 1.0),
            dollars: totals[at],
            spread,
        }
    };
    Ok(all.map(profile).collect())
}

fn ln((share, value): (f64, f64)) -> (f64, f64) {
    (share, libm::log(value))
}

/// Linear between knots.
fn interpolated(knots: &[(f64, f64)], share: f64) -> f64 {
    let (mut from, mut value) = knots[0];
    for (to, next) in &knots[1..] {
        if share <= *to {
            return value + (next - value) * (share - from) / (to - from);
        }
        (from, value) = (*to, *next);
    }
    value
}

/// The products of this year: all, or as many as the rows allow, three fifths of them wanted ones as far as there are.
fn chosen(request: &Request<'_>) -> Result<Vec<ProductCode>, SynthError> {
    let candidates: BTreeSet<ProductCode> = if request.marginals.is_empty() {
        crate::codes::by_rule(request.wanted)
    } else {
        request.marginals.keys().copied().collect()
    };
    let mut order: Vec<(f64, bool, ProductCode)> = candidates
        .difference(request.replaced)
        .map(|code| {
            let draw = draws(request.seed, Stage::Choice, code.number()).uniform();
            (draw, request.wanted.contains(code), *code)
        })
        .collect();
    if order.is_empty() || request.rows == 0 {
        return Err(SynthError::NothingToMake);
    }
    let number = usize::try_from(request.rows / ROWS_PER_PRODUCT).unwrap_or(usize::MAX).clamp(1, order.len());
    order.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.2.cmp(&other.2)));
    let (wanted, others): (Vec<_>, Vec<_>) = order.iter().partition(|(_, wanted, _)| *wanted);
    let first = wanted.len().min(number * 3 / 5).max(number.saturating_sub(others.len()));
    let mut codes: Vec<ProductCode> =
        wanted.into_iter().take(first).chain(others.into_iter().take(number - first)).map(|(_, _, code)| code).collect();
    codes.sort_unstable();
    Ok(codes)
}

/// Totals in dollars that add up to the world's; each at least a dollar a row.
fn totals(request: &Request<'_>, codes: &[ProductCode], size: &[f64], rows: &[u64]) -> Vec<i64> {
    let known = |at: usize| request.marginals.get(&codes[at]).map(|known| known.dollars as f64);
    let drawn = |at: usize| libm::exp(SPREAD_OF_TOTALS * normal_quantile(size[at]));
    let weights: Vec<f64> = (0..codes.len()).map(|at| known(at).unwrap_or_else(|| drawn(at))).collect();
    let sum: f64 = weights.iter().sum();
    let world = request.world_dollars(codes.len());
    let least = |at: usize| i64::try_from(rows[at]).unwrap_or(i64::MAX);
    let mut totals: Vec<i64> = (0..codes.len()).map(|at| nearest(world as f64 * (weights[at] / sum)).max(least(at))).collect();
    let rest = world - totals.iter().sum::<i64>();
    if let Some((at, largest)) = totals.iter_mut().enumerate().max_by_key(|(at, total)| (**total, std::cmp::Reverse(*at))) {
        *largest = (*largest + rest).max(least(at));
    }
    totals
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_met_at_their_knots() {
        for (share, value) in HHI {
            assert!((interpolated(&HHI_KNOTS, share) - value).abs() < 1e-12);
        }
        assert!((interpolated(&EXPORTERS, 0.15) - 94.0).abs() < 1e-9);
    }
}
