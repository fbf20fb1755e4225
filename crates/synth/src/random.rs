//! Each product draws from a stream of its own, whose number is the stage and the product's code.

use reorient_core::Draws;

/// What is drawn; each stage has streams of its own, so that a change in one leaves the others as they are.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stage {
    /// Size and place of a country.
    Country = 1,
    /// Which products are taken when not all are.
    Choice = 2,
    /// Size, breadth and concentration of a product.
    Profile = 3,
    /// How well a country fares in a chapter.
    Chapter = 4,
    /// Who exports a product.
    Exporters = 5,
    /// Who buys it, for how much.
    Flows = 6,
}

/// The draws of a stage for a product, country or chapter.
pub(crate) fn draws(seed: u64, stage: Stage, number: u32) -> Draws {
    Draws::new(seed, (stage as u64) << 32 | u64::from(number))
}

/// Position of each draw in ascending order, as a share: (rank + 0.5) / n. Ties keep their order.
pub(crate) fn ranks(draws: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..draws.len()).collect();
    order.sort_by(|one, other| draws[*one].total_cmp(&draws[*other]));
    let mut ranks = vec![0.0; draws.len()];
    for (rank, at) in order.into_iter().enumerate() {
        ranks[at] = (rank as f64 + 0.5) / draws.len() as f64;
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_and_come_back() {
        let draw = |seed, stage, number| draws(seed, stage, number).uniform();
        let one = draw(1, Stage::Flows, 7);
        assert_eq!(one.to_bits(), draw(1, Stage::Flows, 7).to_bits());
        for other in [draw(2, Stage::Flows, 7), draw(1, Stage::Profile, 7), draw(1, Stage::Flows, 8)] {
            assert_ne!(one.to_bits(), other.to_bits());
        }
        // Bits that must never change, on no platform: files of one seed depend on them.
        assert_eq!(draws(42, Stage::Country, 156).normal().to_bits(), KNOWN);
    }

    const KNOWN: u64 = 13_822_436_679_812_111_622;

    #[test]
    fn ranks_are_stratified() {
        assert_eq!(ranks(&[0.3, -1.0, 9.0, 0.3]), [0.375, 0.125, 0.875, 0.625]);
    }
}
