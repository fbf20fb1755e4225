//! An oracle, a table of cases and properties, each on every backend of the machine.
#![allow(clippy::unwrap_used, clippy::float_cmp, clippy::cast_precision_loss, clippy::cast_possible_truncation)]

use proptest::prelude::*;
use reorient_core::Usd;

use super::*;

/// What the definition says, one value after another; no magnitudes near the ends of the range.
fn oracle(amounts: &[f64]) -> Option<f64> {
    let sum: f64 = amounts.iter().sum();
    (sum > 0.0).then(|| amounts.iter().map(|amount| (amount / sum) * (amount / sum)).sum())
}

/// The declared order of additions, spelled out without vectors.
fn in_declared_order(amounts: &[f64]) -> Option<f64> {
    let (mut sums, mut squares) = ([0.0_f64; 8], [0.0_f64; 8]);
    let whole = amounts.len() / 8 * 8;
    for (position, amount) in amounts.iter().enumerate() {
        let lane = if position < whole { position % 8 } else { 8 - (amounts.len() - position) };
        sums[lane] += amount;
        squares[lane] += amount * amount;
    }
    let total = |lanes: [f64; 8]| {
        let half: Vec<f64> = (0..4).map(|at| lanes[at] + lanes[at + 4]).collect();
        (half[0] + half[2]) + (half[1] + half[3])
    };
    let (sum, squares) = (total(sums), total(squares));
    (sum > 0.0).then(|| (squares / (sum * sum)).min(1.0))
}

/// What `n` values may be off, relatively.
fn declared_error(n: usize) -> f64 {
    (3.0 * n as f64 / 8.0 + 20.0) * f64::EPSILON / 2.0
}

/// The bits of the index, the same on every backend, alone and in a group of a batch.
fn check(amounts: &[f64]) -> Option<f64> {
    let expected = herfindahl_hirschman(amounts);
    let bits = expected.map(f64::to_bits);
    for backend in Backend::available() {
        let name = backend.name();
        assert_eq!(backend.hhi(amounts).map(f64::to_bits), bits, "{name}: {amounts:?}");
        // Between others, and at every alignment of a vector.
        for shift in 0..8 {
            let values = [&[f64::NAN; 8][..shift], amounts, &[f64::INFINITY; 3]].concat();
            let mut results = [Some(7.0); 3];
            let end = shift + amounts.len();
            backend.hhi_of_groups(&values, &[0, shift, end, end + 3], &mut results).unwrap();
            assert_eq!(results.map(|hhi| hhi.map(f64::to_bits)), [None, bits, None], "{name}, {shift}: {amounts:?}");
        }
        let mut results = [None; 2];
        backend.hhi_of_rows(&[amounts, amounts].concat(), amounts.len(), &mut results).unwrap();
        assert_eq!(results.map(|hhi| hhi.map(f64::to_bits)), [bits; 2], "{name}: {amounts:?}");
    }
    expected
}

/// Bits and, within the declared error, the definition.
fn check_against_oracle(amounts: &[f64]) {
    let hhi = check(amounts);
    assert_eq!(hhi.map(f64::to_bits), in_declared_order(amounts).map(f64::to_bits), "{amounts:?}");
    match (hhi, oracle(amounts)) {
        (Some(hhi), Some(expected)) => {
            // The oracle adds one by one, so its own error grows with the number of values.
            let tolerance = (4.0 * amounts.len() as f64 + 30.0) * f64::EPSILON;
            assert!((hhi / expected - 1.0).abs() <= tolerance, "{hhi} is not {expected}: {amounts:?}");
        }
        (hhi, expected) => assert_eq!(hhi, expected, "{amounts:?}"),
    }
}

/// Lengths around every multiple of a vector and of a round of accumulators.
fn lengths() -> impl Iterator<Item = usize> {
    (0..=50).chain([63, 64, 65, 127, 128, 129, 229, 230, 231, 1000])
}

#[test]
fn every_kind_of_machine_code_is_tried() {
    let names: Vec<&str> = Backend::available().into_iter().map(Backend::name).collect();
    assert_eq!(names[0], "scalar", "{names:?}");
    assert_eq!(*names.last().unwrap(), Backend::best().name(), "{names:?}");
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
}

#[test]
fn known_values() {
    for (amounts, hhi) in [
        (&[][..], None),
        (&[0.0], None),
        (&[0.0, 0.0], None),
        (&[-0.0, -0.0], None),
        (&[7.0], Some(1.0)),
        (&[0.0, 7.0, 0.0], Some(1.0)),
        (&[1.0, 1.0, 1.0, 1.0], Some(0.25)),
        (&[3.0, 1.0, 0.0], Some(0.625)),
        (&[f64::NAN], None),
        (&[1.0, f64::NAN, 2.0], None),
        (&[f64::INFINITY, 1.0], None),
        (&[f64::INFINITY, f64::INFINITY], None),
        (&[f64::MAX, f64::MAX], Some(0.5)),
        (&[f64::MIN_POSITIVE, f64::MIN_POSITIVE, f64::MIN_POSITIVE, f64::MIN_POSITIVE], Some(0.25)),
        (&[f64::from_bits(3), f64::from_bits(1)], Some(0.625)),
        (&[1e200, 3e200], Some(0.625)),
        (&[1e-200, 3e-200], Some(0.625)),
        (&[1e300, 1e-300], Some(1.0)),
    ] {
        let found = check(amounts);
        assert_eq!(found.is_some(), hhi.is_some(), "{amounts:?}: {found:?}");
        assert!((found.unwrap_or(0.0) - hhi.unwrap_or(0.0)).abs() < 1e-15, "{amounts:?}: {found:?}");
    }
}

#[test]
fn sizes_around_every_vector() {
    for n in lengths() {
        check_against_oracle(&vec![0.0; n]);
        check_against_oracle(&vec![0.1; n]);
        check_against_oracle(&(0..n).map(|at| at as f64).collect::<Vec<_>>());
        check_against_oracle(&(0..n).map(|at| if at % 3 == 0 { 0.0 } else { 1.0 / at as f64 }).collect::<Vec<_>>());
        // From a thousandth of a dollar to a trillion, in no order.
        check_against_oracle(&(0..n).map(|at| 10.0_f64.powi((at * 7 % 16) as i32 - 3) * 1.1).collect::<Vec<_>>());
    }
}

#[test]
fn one_bad_value_anywhere_leaves_no_index() {
    for n in 1..=18 {
        for at in 0..n {
            for bad in [f64::NAN, f64::INFINITY] {
                let mut amounts = vec![1.0; n];
                amounts[at] = bad;
                assert_eq!(check(&amounts), None, "{bad} at {at} of {n}");
            }
            let mut monopoly = vec![0.0; n];
            monopoly[at] = 0.3;
            assert_eq!(check(&monopoly), Some(1.0), "{at} of {n}");
        }
    }
}

/// Runs on every machine alike, whatever data it has.
#[test]
fn one_hash_of_groups_of_every_size() {
    let mut state = 7_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 11
    };
    let offsets: Vec<usize> = (0..=600).map(|group| group * (group + 1) / 2).collect();
    let values: Vec<f64> = (0..offsets[600]).map(|_| next() as f64 / f64::powi(2.0, (next() % 40) as i32)).collect();
    for backend in Backend::available() {
        let mut results = vec![None; 600];
        backend.hhi_of_groups(&values, &offsets, &mut results).unwrap();
        // FNV-1a of the bits, a word at a time.
        let fold = |hash: u64, hhi: &Option<f64>| (hash ^ hhi.map_or(0, f64::to_bits)).wrapping_mul(0x0100_0000_01b3);
        let hash = results.iter().fold(0xcbf2_9ce4_8422_2325, fold);
        assert_eq!(hash, 8_103_904_470_585_851_638, "{}", backend.name());
    }
}

#[test]
fn negative_amounts_do_no_harm() {
    for amounts in [&[-1.0][..], &[1.0, -1.0], &[1.0, -3.0], &[f64::NEG_INFINITY, f64::INFINITY], &[-1e300, 1e300, 1e-300]] {
        assert!(check(amounts).is_none_or(f64::is_finite), "{amounts:?}");
    }
    assert_eq!(herfindahl_hirschman_usd(&[Usd::new(i64::MIN), Usd::new(-1)]), None);
}

#[test]
fn groups_that_do_not_fit_are_refused_and_change_nothing() {
    let values = [1.0_f64; 6];
    let (no, some) = (None, Some(7.0));
    for (offsets, n_results, error) in [
        (&[][..], 0, GroupError::NoOffsets),
        (&[0, 4, 2], 2, GroupError::Descending { group: 1, start: 4, end: 2 }),
        (&[0, 7], 1, GroupError::Beyond { end: 7, n_values: 6 }),
        (&[0, usize::MAX], 1, GroupError::Beyond { end: usize::MAX, n_values: 6 }),
        (&[0, 2], 2, GroupError::Results { n_groups: 1, n_results: 2 }),
        (&[0], 1, GroupError::Results { n_groups: 0, n_results: 1 }),
    ] {
        let mut results = vec![some; n_results];
        assert_eq!(hhi_of_groups(&values, offsets, &mut results), Err(error), "{offsets:?}");
        assert_eq!(results, vec![some; n_results], "{offsets:?}");
    }
    for (n_columns, n_results) in [(4, 1), (4, 2), (0, 1), (usize::MAX, 2), (3, 1)] {
        let mut results = vec![some; n_results];
        let error = GroupError::Shape { n_values: 6, n_rows: n_results, n_columns };
        assert_eq!(hhi_of_rows(&values, n_columns, &mut results), Err(error));
        assert_eq!(results, vec![some; n_results]);
    }
    hhi_of_groups(&values, &[6], &mut []).unwrap();
    hhi_of_rows::<f64>(&[], 5, &mut []).unwrap();
    let mut results = [some; 2];
    hhi_of_rows::<f64>(&[], 0, &mut results).unwrap();
    assert_eq!(results, [no, no], "rows without columns");
    let mut results = [some; 3];
    hhi_of_groups(&values, &[1, 1, 3, 3], &mut results).unwrap();
    assert_eq!(results, [no, Some(0.5), no]);
}

#[test]
fn equal_suppliers_are_as_many_as_they_are() {
    assert_eq!(effective_suppliers(herfindahl_hirschman(&[2.0; 4]).unwrap()), 4.0);
    assert_eq!(effective_suppliers(1.0), 1.0);
}

/// Amounts between a thousandth of a dollar and a trillion, some of them zero, at least one of them not.
fn amounts(most: usize) -> impl Strategy<Value = Vec<f64>> {
    let amount = prop_oneof![1 => Just(0.0), 6 => (-10.0_f64..40.0).prop_map(f64::exp2)];
    (proptest::collection::vec(amount, 0..most), 0.001_f64..1e12, any::<prop::sample::Index>()).prop_map(
        |(mut amounts, positive, at)| {
            amounts.insert(at.index(amounts.len() + 1), positive);
            amounts
        },
    )
}

proptest! {
    #[test]
    fn agrees_with_the_oracle(amounts in amounts(300)) {
        check_against_oracle(&amounts);
    }

    #[test]
    fn lies_between_equality_and_monopoly(amounts in amounts(300)) {
        let hhi = check(&amounts).unwrap();
        let n = amounts.len() as f64;
        prop_assert!(hhi <= 1.0);
        prop_assert!(hhi * n >= 1.0 - declared_error(amounts.len()), "{hhi} of {n}");
    }

    #[test]
    fn order_changes_rounding_alone((amounts, shuffled) in amounts(300).prop_flat_map(|amounts| {
        (Just(amounts.clone()), Just(amounts).prop_shuffle())
    })) {
        let (hhi, again) = (check(&amounts).unwrap(), check(&shuffled).unwrap());
        prop_assert!((hhi / again - 1.0).abs() <= 2.0 * declared_error(amounts.len()), "{hhi} and {again}");
    }

    #[test]
    fn powers_of_two_change_no_bit(amounts in amounts(100), exponent in -1000_i32..=960) {
        let scaled: Vec<f64> = amounts.iter().map(|amount| amount * f64::powi(2.0, exponent)).collect();
        prop_assert_eq!(check(&scaled).map(f64::to_bits), check(&amounts).map(f64::to_bits));
    }

    #[test]
    fn a_merger_never_lowers_it(amounts in amounts(200), one in any::<prop::sample::Index>(), other in any::<prop::sample::Index>()) {
        let (one, other) = (one.index(amounts.len()), other.index(amounts.len()));
        prop_assume!(one != other);
        let mut merged = amounts.clone();
        merged[one] += merged[other];
        merged[other] = 0.0;
        let (before, after) = (check(&amounts).unwrap(), check(&merged).unwrap());
        prop_assert!(after >= before * (1.0 - 2.0 * declared_error(amounts.len())), "{before} to {after}");
    }

    #[test]
    fn dollars_give_the_bits_of_floats(dollars in proptest::collection::vec(prop_oneof![
        1 => Just(0_i64), 8 => 0..1_i64 << 53, 4 => 0_i64..5_000_000, 1 => 0..i64::MAX,
    ], 0..300)) {
        let floats: Vec<f64> = dollars.iter().map(|dollars| *dollars as f64).collect();
        let usd: Vec<Usd> = dollars.iter().copied().map(Usd::new).collect();
        let bits = check(&floats).map(f64::to_bits);
        prop_assert_eq!(herfindahl_hirschman_usd(&usd).map(f64::to_bits), bits);
        for backend in Backend::available() {
            prop_assert_eq!(backend.hhi(&usd).map(f64::to_bits), bits, "{}", backend.name());
            let mut results = [None; 2];
            backend.hhi_of_groups(&usd, &[0, usd.len(), usd.len()], &mut results).unwrap();
            prop_assert_eq!(results.map(|hhi| hhi.map(f64::to_bits)), [bits, None], "{}", backend.name());
        }
    }
}
