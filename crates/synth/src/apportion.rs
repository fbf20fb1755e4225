//! Whole numbers in proportion to weights, with a fixed sum.

/// Shares `total` among `weights` (positive), each at least 1 and at most its cap; none when that cannot be.
///
/// The numbers are the clamped multiples of the weights that add up to `total`, rounded down, and one more for the largest
/// remainders; ties go to the earlier one.
pub(crate) fn apportion(weights: &[f64], caps: &[u64], total: u64) -> Option<Vec<u64>> {
    let most: u64 = caps.iter().sum();
    if total < weights.len() as u64 || total > most || caps.contains(&0) {
        return None;
    }
    let part = |factor: f64, at: usize| (factor * weights[at]).clamp(1.0, caps[at] as f64);
    let sum = |factor: f64| (0..weights.len()).map(|at| part(factor, at)).sum::<f64>();
    let (mut low, mut high) = (0.0, 1.0);
    while sum(high) < total as f64 && high < 1e300 {
        high *= 2.0;
    }
    for _ in 0..64 {
        let middle = 0.5 * (low + high);
        if sum(middle) < total as f64 { low = middle } else { high = middle }
    }
    let mut numbers: Vec<u64> = (0..weights.len()).map(|at| whole(part(low, at))).collect();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    let rest = |at: &usize| part(low, *at) - part(low, *at).floor();
    order.sort_by(|one, other| rest(other).total_cmp(&rest(one)));
    let mut left = total.checked_sub(numbers.iter().sum())?;
    while left > 0 {
        for at in &order {
            if left > 0 && numbers[*at] < caps[*at] {
                numbers[*at] += 1;
                left -= 1;
            }
        }
    }
    Some(numbers)
}

/// A number that is not negative, rounded down.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Saturates, which callers exclude.
pub(crate) fn whole(number: f64) -> u64 {
    number as u64
}

/// The nearest whole number.
#[allow(clippy::cast_possible_truncation)] // Saturates, which callers exclude.
pub(crate) fn nearest(number: f64) -> i64 {
    (number + 0.5).floor() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_kept_and_bounds_hold() {
        assert_eq!(apportion(&[1.0, 2.0, 5.0], &[9, 9, 9], 8), Some(vec![1, 2, 5]));
        assert_eq!(apportion(&[1.0, 1.0, 100.0], &[9, 9, 4], 10), Some(vec![3, 3, 4]));
        assert_eq!(apportion(&[1e-9, 1.0], &[9, 9], 3), Some(vec![1, 2]));
        assert_eq!(apportion(&[1.0, 1.0, 1.0], &[9, 9, 9], 5), Some(vec![2, 2, 1]));
        assert_eq!(apportion(&[1.0, 1.0], &[2, 2], 5), None);
        assert_eq!(apportion(&[1.0, 1.0], &[2, 2], 1), None);
    }
}
