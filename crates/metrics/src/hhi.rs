//! The Herfindahl-Hirschman index.

/// Sum of squared shares of non-negative amounts, from `1 / n` to 1; none when they are empty or sum to zero.
pub fn herfindahl_hirschman(amounts: impl Iterator<Item = f64>) -> Option<f64> {
    let (mut sum, mut squares) = (0.0_f64, 0.0_f64);
    for amount in amounts {
        sum += amount;
        squares += amount * amount;
    }
    (sum > 0.0).then(|| squares / (sum * sum))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::float_cmp)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_values() {
        let hhi = |amounts: &[f64]| herfindahl_hirschman(amounts.iter().copied());
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
            let hhi = herfindahl_hirschman(amounts.iter().copied()).unwrap();
            prop_assert!(hhi >= least * (1.0 - 1e-12) && hhi <= 1.0 + 1e-12);
        }
    }
}
