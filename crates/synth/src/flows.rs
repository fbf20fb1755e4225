//! The rows of one product: importers, values, quantities.

use crate::Row;
use crate::apportion::nearest;
use crate::plan::Seller;
use crate::profile::Profile;
use crate::quota::Quotas;
use crate::random::{Stage, draws};
use crate::world::{Pool, World};
use reorient_core::Draws;

/// Share of rows without a quantity.
pub(crate) const MISSING: f64 = 0.04;
/// Bends the logarithm of values upwards, so that the median lies as far below the mean as in BACI.
const SKEW: f64 = 0.10;
/// Rounds in which the spread of values is brought to its aim.
const ROUNDS: usize = 5;

/// Fills `rows`, as many as the partners of all sellers, in ascending order of exporter, then importer.
pub(crate) fn fill(rows: &mut [Row], profile: &Profile, sellers: &[Seller], world: &World, quotas: &Quotas, seed: u64) {
    let mut draws = draws(seed, Stage::Flows, profile.code.number());
    let mut pulls = Vec::with_capacity(rows.len());
    let mut importers = Vec::new();
    let mut at = 0;
    for seller in sellers {
        let [members, others] = &world.pools[seller.exporter];
        let n_members = quotas.members(world, seller, draws.uniform());
        importers.clear();
        choose(members, n_members, &mut draws, &mut importers);
        choose(others, usize::try_from(seller.partners).unwrap_or(0) - n_members, &mut draws, &mut importers);
        importers.sort_unstable();
        for importer in &importers {
            let importer = usize::from(*importer);
            // Skewed: a few flows are much larger than the rest.
            let normal = draws.normal();
            pulls.push(0.85 * (world.pull[seller.exporter][importer] + normal + SKEW * (normal * normal - 1.0)));
            let (exporter, importer) = (world.parties[seller.exporter].code, world.parties[importer].code);
            rows[at] = Row { product: profile.code, exporter, importer, dollars: 0, kilograms: None };
            at += 1;
        }
    }
    let logarithms = logarithms(profile, sellers, &pulls);
    for (row, logarithm) in rows.iter_mut().zip(&logarithms) {
        row.dollars = nearest(libm::exp(*logarithm)).max(1);
    }
    settle(rows, profile.dollars);
    let price = 2.2 + 1.6 * draws.normal();
    for (row, logarithm) in rows.iter_mut().zip(&logarithms) {
        let (is_missing, noise) = (draws.uniform() < MISSING, draws.normal());
        let kilograms = nearest(libm::exp(logarithm - price + 0.6 * noise)).clamp(1, 1 << 50);
        row.kilograms = (!is_missing).then_some(kilograms);
    }
}

/// Draws `number` different members of a pool, each time in proportion to the weights of those that are left.
fn choose(pool: &Pool, number: usize, draws: &mut Draws, chosen: &mut Vec<u16>) {
    if number == 0 {
        return;
    }
    if number * 3 > pool.members.len() {
        // The first arrivals of a race at these rates are such a draw.
        let mut arrivals: Vec<(f64, u16)> = pool
            .members
            .iter()
            .zip(&pool.weights)
            .map(|(member, weight)| (-libm::log(draws.uniform()) / weight, *member))
            .collect();
        if number < arrivals.len() {
            arrivals.select_nth_unstable_by(number - 1, |one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
        }
        chosen.extend(arrivals.into_iter().take(number).map(|(_, member)| member));
        return;
    }
    // Drawing again whoever was there already is one, too.
    let sum = pool.cumulative.last().copied().unwrap_or(0.0);
    let mut taken = [0_u64; 16];
    let mut left = number;
    while left > 0 {
        let draw = draws.uniform() * sum;
        let at = pool.cumulative.partition_point(|until| *until <= draw).min(pool.members.len() - 1);
        if taken[at / 64] >> (at % 64) & 1 == 0 {
            taken[at / 64] |= 1 << (at % 64);
            chosen.push(pool.members[at]);
            left -= 1;
        }
    }
}

/// Logarithms of the values: sellers sum to their shares, and all of them have the spread of the profile, as far as the
/// differences between sellers allow.
fn logarithms(profile: &Profile, sellers: &[Seller], pulls: &[f64]) -> Vec<f64> {
    let total = libm::log(profile.dollars as f64);
    let mut values = vec![0.0; pulls.len()];
    let mut scale: f64 = 2.2;
    for round in 0..ROUNDS {
        let mut at = 0;
        for seller in sellers {
            let range = at..at + usize::try_from(seller.partners).unwrap_or(0);
            let own = &pulls[range.clone()];
            let sum: f64 = own.iter().map(|pull| libm::exp(scale * pull)).sum();
            let level = total + libm::log(seller.share) - libm::log(sum);
            for (value, pull) in values[range.clone()].iter_mut().zip(own) {
                *value = level + scale * pull;
            }
            at = range.end;
        }
        let count = values.len() as f64;
        if values.len() < 3 || round + 1 == ROUNDS {
            break;
        }
        // Below one dollar a value is rounded up, which narrows the spread.
        let mean = values.iter().map(|value| value.max(0.0)).sum::<f64>() / count;
        let variance = values.iter().map(|value| (value.max(0.0) - mean) * (value.max(0.0) - mean)).sum::<f64>() / (count - 1.0);
        let aim = scale * scale + profile.spread * profile.spread - variance;
        scale = aim.clamp(0.04, 16.0).sqrt();
    }
    values
}

/// Makes the values add up to the total: the largest takes what rounding left, as far as it stays positive.
fn settle(rows: &mut [Row], total: i64) {
    let sum: i64 = rows.iter().map(|row| row.dollars).sum();
    if let Some(largest) = rows.iter_mut().rev().max_by_key(|row| row.dollars) {
        largest.dollars = (largest.dollars + total - sum).max(1);
    }
}
