//! The Herfindahl-Hirschman index.

use reorient_core::Usd;
use reorient_model::NanoUsd;

/// Sum of squared shares of non-negative amounts, from `1 / n` to 1; none when they are empty or sum to zero.
pub fn herfindahl_hirschman(amounts: &[f64]) -> Option<f64> {
    let (mut sum, mut squares) = (0.0_f64, 0.0_f64);
    for &amount in amounts {
        sum += amount;
        squares += amount * amount;
    }
    (sum > 0.0).then(|| squares / (sum * sum))
}

/// The same for whole dollars.
pub fn herfindahl_hirschman_usd(amounts: &[Usd]) -> Option<f64> {
    let dollars: Vec<f64> = amounts.iter().map(|amount| NanoUsd::from(*amount).to_dollars()).collect();
    herfindahl_hirschman(&dollars)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::float_cmp)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_values() {
        let hhi = herfindahl_hirschman;
        assert_eq!(hhi(&[]), None);
        assert_eq!(hhi(&[0.0, 0.0]), None);
        assert_eq!(hhi(&[7.0]), Some(1.0));
        assert_eq!(hhi(&[1.0, 1.0, 1.0, 1.0]), Some(0.25));
        assert_eq!(hhi(&[3.0, 1.0, 0.0]), Some(0.625));
    }

    proptest! {
        #[test]
        fn lies_between_equality_and_monopoly(amounts in proptest::collection::vec(0.001_f64..1e12, 1..50)) {
            #[allow(clippy::cast_precision_loss)]
            let least = 1.0 / amounts.len() as f64;
            let hhi = herfindahl_hirschman(&amounts).unwrap();
            prop_assert!(hhi >= least * (1.0 - 1e-12) && hhi <= 1.0 + 1e-12);
        }
    }
}
