//! Random numbers that depend on a key alone, not on who draws them or when.
//!
//! Each product draws from a ChaCha8 stream of its own, whose number is the stage and the product's code. Logarithms and
//! exponentials are those of `libm`, in software: the standard library's may differ in the last bit between platforms.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

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

/// A stream of draws.
pub(crate) struct Draws(ChaCha8Rng);

impl Draws {
    pub(crate) fn new(seed: u64, stage: Stage, number: u32) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream((stage as u64) << 32 | u64::from(number));
        Self(generator)
    }

    /// Uniform on the open interval from 0 to 1, in steps of 2^-53.
    pub(crate) fn uniform(&mut self) -> f64 {
        const STEP: f64 = 1.0 / (1_u64 << 53) as f64;
        ((self.0.next_u64() >> 11) as f64 + 0.5) * STEP
    }

    /// Standard normal.
    pub(crate) fn normal(&mut self) -> f64 {
        normal_quantile(self.uniform())
    }
}

/// The inverse of the standard normal distribution, by Acklam's rational approximation: relative error below 1.15e-9.
///
/// `share` lies strictly between 0 and 1.
pub(crate) fn normal_quantile(share: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969_683_028_665_376e1,
        2.209_460_984_245_205e2,
        -2.759_285_104_469_687e2,
        1.383_577_518_672_69e2,
        -3.066_479_806_614_716e1,
        2.506_628_277_459_239,
    ];
    const B: [f64; 6] = [
        -5.447_609_879_822_406e1,
        1.615_858_368_580_409e2,
        -1.556_989_798_598_866e2,
        6.680_131_188_771_972e1,
        -1.328_068_155_288_572e1,
        1.0,
    ];
    const C: [f64; 6] = [
        -7.784_894_002_430_293e-3,
        -3.223_964_580_411_365e-1,
        -2.400_758_277_161_838,
        -2.549_732_539_343_734,
        4.374_664_141_464_968,
        2.938_163_982_698_783,
    ];
    const D: [f64; 5] = [7.784_695_709_041_462e-3, 3.224_671_290_700_398e-1, 2.445_134_137_142_996, 3.754_408_661_907_416, 1.0];
    const TAIL: f64 = 0.024_25;
    let horner = |coefficients: &[f64], at: f64| coefficients.iter().fold(0.0, |sum, coefficient| sum * at + coefficient);
    let tail = |share: f64| {
        let at = (-2.0 * libm::log(share)).sqrt();
        horner(&C, at) / horner(&D, at)
    };
    if share < TAIL {
        tail(share)
    } else if share > 1.0 - TAIL {
        -tail(1.0 - share)
    } else {
        let centred = share - 0.5;
        let square = centred * centred;
        horner(&A, square) * centred / horner(&B, square)
    }
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
    fn quantiles_of_the_normal_are_those_of_the_tables() {
        for (share, expected) in [(0.5, 0.0), (0.975, 1.959_964), (0.001, -3.090_232), (0.841_345, 1.0), (0.999_99, 4.264_891)] {
            assert!((normal_quantile(share) - expected).abs() < 5e-6, "{share}: {}", normal_quantile(share));
        }
    }

    #[test]
    fn streams_differ_and_come_back() {
        let draw = |seed, stage, number| Draws::new(seed, stage, number).uniform();
        let one = draw(1, Stage::Flows, 7);
        assert_eq!(one.to_bits(), draw(1, Stage::Flows, 7).to_bits());
        for other in [draw(2, Stage::Flows, 7), draw(1, Stage::Profile, 7), draw(1, Stage::Flows, 8)] {
            assert_ne!(one.to_bits(), other.to_bits());
        }
        // Bits that must never change, on no platform: files of one seed depend on them.
        assert_eq!(Draws::new(42, Stage::Country, 156).normal().to_bits(), KNOWN);
    }

    const KNOWN: u64 = 13_822_436_679_812_111_622;

    #[test]
    fn ranks_are_stratified() {
        assert_eq!(ranks(&[0.3, -1.0, 9.0, 0.3]), [0.375, 0.125, 0.875, 0.625]);
    }
}
