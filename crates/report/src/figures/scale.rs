//! Values to places, and round numbers for the ticks of an axis.

use crate::number::grouped;

/// An axis from `low` to `high`, drawn from `start` to `end`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) start: f64,
    pub(super) end: f64,
}

impl Scale {
    /// The place of a value.
    pub(super) fn at(&self, value: f64) -> f64 {
        self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)
    }
}

/// Distance of the ticks and the decimals that their labels need.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Step {
    size: f64,
    decimals: usize,
}

impl Step {
    /// The smallest of 1, 2 and 5 times a power of ten that divides `span` into at most `parts`.
    pub(super) fn nice(span: f64, parts: u32) -> Self {
        for exponent in -9_i32..40 {
            for factor in [1, 2, 5] {
                // Reading a decimal rounds the same way everywhere.
                let size: f64 = format!("{factor}e{exponent}").parse().unwrap_or(f64::INFINITY);
                if span <= size * f64::from(parts) {
                    let decimals = usize::try_from(-exponent).unwrap_or(0);
                    return Self { size, decimals };
                }
            }
        }
        Self { size: f64::INFINITY, decimals: 0 }
    }

    /// The last tick at or below a value.
    pub(super) fn floor(self, value: f64) -> f64 {
        (value / self.size).floor() * self.size
    }

    /// The first tick at or above a value.
    pub(super) fn ceiling(self, value: f64) -> f64 {
        (value / self.size).ceil() * self.size
    }

    /// Ticks from `low`, which is one, to `high`, with their labels.
    pub(super) fn ticks(self, low: f64, high: f64) -> Vec<(f64, String)> {
        let first = (low / self.size).round();
        let values = (0_u32..100).map(|index| (first + f64::from(index)) * self.size);
        let decimals = self.decimals;
        let label = |value: f64| (value, grouped(&format!("{:.decimals$}", value + 0.0)));
        values.take_while(|value| *value <= high + self.size / 1e6).map(label).collect()
    }
}

/// An axis that begins at zero and ends at a tick at or above `largest`, or at one unit when all is zero.
pub(super) fn from_zero(largest: f64, parts: u32) -> (f64, Vec<(f64, String)>) {
    let largest = if largest > 0.0 { largest } else { 1.0 };
    let step = Step::nice(largest, parts);
    let high = step.ceiling(largest);
    (high, step.ticks(0.0, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_cover_the_values() {
        for (largest, high, labels) in [
            (0.0, 1.0, vec!["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
            (43.7, 50.0, vec!["0", "10", "20", "30", "40", "50"]),
            (100.0, 100.0, vec!["0", "20", "40", "60", "80", "100"]),
            (9860.83, 10_000.0, vec!["0", "2,000", "4,000", "6,000", "8,000", "10,000"]),
            (0.003, 0.003, vec!["0.000", "0.001", "0.002", "0.003"]),
        ] {
            let (end, ticks) = from_zero(largest, 5);
            assert!((end - high).abs() < 1e-9 * high, "{largest}: {end}");
            assert_eq!(ticks.iter().map(|(_, label)| label.as_str()).collect::<Vec<_>>(), labels);
        }
    }

    #[test]
    fn a_scale_maps_its_ends() {
        let scale = Scale { low: 10.0, high: 20.0, start: 300.0, end: 100.0 };
        assert_eq!([10.0, 15.0, 20.0].map(|value| scale.at(value).to_bits()), [300.0_f64, 200.0, 100.0].map(f64::to_bits));
    }
}
