//! Random numbers that depend on a key alone, not on who draws them or when.
//!
//! A seed and the number of a stream fix a sequence; within a stream, a key fixes a place. Logarithms are those of `libm`, in
//! software: the standard library's may differ in the last bit between platforms.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Words of 32 bits in a block of the generator; each key has a block of its own.
const BLOCK: u128 = 16;

/// A stream of draws.
#[derive(Debug, Clone)]
pub struct Draws(ChaCha8Rng);

impl Draws {
    /// From its beginning.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(stream);
        Self(generator)
    }

    /// Goes to the place of a key: what follows depends on seed, stream and key, not on earlier draws.
    pub fn at(&mut self, key: u64) -> &mut Self {
        self.0.set_word_pos(u128::from(key) * BLOCK);
        self
    }

    /// Uniform on the open interval from 0 to 1, in steps of 2^-53.
    #[allow(clippy::cast_precision_loss)] // 53 bits are what a double holds.
    pub fn uniform(&mut self) -> f64 {
        const STEP: f64 = 1.0 / (1_u64 << 53) as f64;
        ((self.0.next_u64() >> 11) as f64 + 0.5) * STEP
    }

    /// Standard normal.
    pub fn normal(&mut self) -> f64 {
        normal_quantile(self.uniform())
    }
}

/// The exponential function with the same bits on every platform.
pub fn exponential(power: f64) -> f64 {
    libm::exp(power)
}

/// The inverse of the standard normal distribution, by Acklam's rational approximation: relative error below 1.15e-9.
///
/// `share` lies strictly between 0 and 1.
pub fn normal_quantile(share: f64) -> f64 {
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
    fn a_key_has_its_number_whatever_was_drawn_before() {
        let mut draws = Draws::new(1, 7);
        let forwards: Vec<u64> = (0..100).map(|key| draws.at(key << 30).normal().to_bits()).collect();
        let mut backwards: Vec<u64> = (0..100).rev().map(|key| draws.at(key << 30).normal().to_bits()).collect();
        backwards.reverse();
        assert_eq!(forwards, backwards);
        let distinct: std::collections::BTreeSet<u64> = forwards.iter().copied().collect();
        assert_eq!(distinct.len(), 100);
        assert_ne!(forwards[3], Draws::new(2, 7).at(3 << 30).normal().to_bits());
        assert_ne!(forwards[3], Draws::new(1, 8).at(3 << 30).normal().to_bits());
    }
}
