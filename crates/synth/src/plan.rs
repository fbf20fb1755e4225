//! Who exports a product, how much of it, to how many.

use crate::apportion::apportion;
use crate::profile::Profile;
use crate::random::{Stage, draws};
use crate::world::World;
use crate::{Request, SynthError};

/// One exporter of a product.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Seller {
    /// Position in the world.
    pub(crate) exporter: usize,
    /// Of the product's world exports.
    pub(crate) share: f64,
    /// Importers it sells to; one row each.
    pub(crate) partners: u64,
}

/// How well each country does in each chapter: the comparative advantage that products of a chapter share.
pub(crate) fn advantages(world: &World, seed: u64) -> Vec<Vec<f64>> {
    let of_chapter = |chapter: u32| {
        let mut draws = draws(seed, Stage::Chapter, chapter);
        world.parties.iter().map(|_| draws.normal()).collect()
    };
    (0..100).map(of_chapter).collect()
}

/// The exporters of a product, ascending by position, with shares whose concentration is that of the profile.
///
/// # Errors
/// [`SynthError::Rows`] when its rows do not find room between its exporters and their importers.
pub(crate) fn sellers(
    profile: &Profile,
    world: &World,
    advantages: &[Vec<f64>],
    request: &Request<'_>,
) -> Result<Vec<Seller>, SynthError> {
    let mut draws = draws(request.seed, Stage::Exporters, profile.code.number());
    let chapter = &advantages[(profile.code.number() / 10_000) as usize];
    let mut scores: Vec<(f64, f64, usize)> = world
        .parties
        .iter()
        .enumerate()
        .map(|(at, party)| {
            let strength = 0.40 * party.size + 0.55 * chapter[at] + 0.6 * draws.normal();
            // Whether a country takes part is less certain than how much it sells.
            (strength + 0.5 * draws.normal(), strength, at)
        })
        .collect();
    scores.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.2.cmp(&other.2)));
    scores.truncate(profile.exporters);
    scores.sort_by_key(|(_, _, at)| *at);
    let best = scores.iter().fold(f64::MIN, |best, (_, strength, _)| best.max(*strength));
    let gaps: Vec<f64> = scores.iter().map(|(_, strength, _)| strength - best).collect();
    let steepness = steepness(&gaps, profile.hhi);
    let weights: Vec<f64> = gaps.iter().map(|gap| libm::exp(steepness * gap)).collect();
    let sum: f64 = weights.iter().sum();
    let reach: Vec<f64> = gaps.iter().map(|gap| libm::exp(0.45 * steepness * gap)).collect();
    let n_importers = world.parties.len() as u64 - 1;
    let caps = vec![n_importers - n_importers / 20; scores.len()];
    let partners = apportion(&reach, &caps, profile.rows).ok_or_else(|| SynthError::Rows {
        rows: profile.rows,
        products: 1,
        most: caps.iter().sum(),
    })?;
    let seller = |((_, _, exporter), (weight, partners))| Seller { exporter, share: weight / sum, partners };
    Ok(scores.into_iter().zip(weights.iter().zip(partners)).map(seller).collect())
}

/// The factor on `gaps` (zero or less) at which shares in proportion to the exponentials have the concentration `hhi`.
fn steepness(gaps: &[f64], hhi: f64) -> f64 {
    let at = |factor: f64| {
        let (sum, squares) = gaps.iter().fold((0.0, 0.0), |(sum, squares), gap| {
            let weight = libm::exp(factor * gap);
            (sum + weight, squares + weight * weight)
        });
        squares / (sum * sum)
    };
    let (mut low, mut high) = (0.0, 64.0);
    for _ in 0..32 {
        let middle = 0.5 * (low + high);
        if at(middle) < hhi { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}
