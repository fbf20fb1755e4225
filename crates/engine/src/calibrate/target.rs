//! Published figures as targets: what a reading or a program predicts of them, and whether its range holds them.

use reorient_core::{CountryIndex, CountryTable, Usd};
use reorient_metrics::{Distance, HEADLINE_COUNTRIES, Published, PublishedRisk, PublishedRow, printed_percent, printed_value};
use reorient_model::NanoUsd;

use super::predict::Prediction;
use super::reading::Reading;
use crate::EngineError;

const NANO_PER_MUSD: i128 = 1_000_000 * NanoUsd::PER_USD;

/// A row of the published table, its country as an index.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TargetRow {
    pub(crate) country: CountryIndex,
    pub(crate) increase: i128,
    pub(crate) share_old: i128,
    pub(crate) share_new: i128,
}

/// A country of the headline.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TargetRisk {
    pub(crate) country: CountryIndex,
    /// Position in [`HEADLINE_COUNTRIES`].
    pub(crate) which: usize,
    pub(crate) before: i128,
    pub(crate) after: i128,
}

/// What predictions are held against, in units of the last printed place.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) rows: Vec<TargetRow>,
    pub(crate) risk: Vec<TargetRisk>,
    pub(crate) increase_places: u32,
    pub(crate) share_places: u32,
    /// Whether shares and ranks can be compared; otherwise increases alone, as percentage points of this total in USD.
    pub(crate) only_increases_of: Option<f64>,
}

impl Target {
    pub(crate) fn new(published: &Published, countries: &CountryTable) -> Result<Self, EngineError> {
        let index = |code| countries.index(code).ok_or(EngineError::UnknownPublished(code));
        let row = |row: &PublishedRow| {
            let country = index(row.country)?;
            let (share_old, share_new) = (row.share_old.units, row.share_new.units);
            Ok(TargetRow { country, increase: row.increase.units, share_old, share_new })
        };
        let risk = |row: &PublishedRisk| {
            let which = HEADLINE_COUNTRIES.iter().position(|code| *code == row.country);
            let which = which.ok_or(EngineError::UnknownPublished(row.country))?;
            Ok(TargetRisk { country: index(row.country)?, which, before: row.before.units, after: row.after.units })
        };
        Ok(Self {
            rows: published.rows().iter().map(row).collect::<Result<_, EngineError>>()?,
            risk: published.risk().iter().map(risk).collect::<Result<_, EngineError>>()?,
            increase_places: published.increase_places(),
            share_places: published.share_places(),
            only_increases_of: None,
        })
    }

    /// Old shares of a reading as printed, rows first; none for members of its bloc, which the table cannot name.
    pub(crate) fn old_shares(&self, reading: &Reading) -> Vec<Option<i128>> {
        let share = |country: CountryIndex| self.percent(reading.by_country[country.at()].into(), reading.imports.into());
        let rows = self.rows.iter().map(|row| reading.can_name(row.country).then(|| share(row.country)));
        rows.chain(self.risk.iter().map(|row| Some(share(row.country)))).collect()
    }

    /// Published old shares in the same order.
    pub(crate) fn published_old(&self) -> Vec<i128> {
        self.rows.iter().map(|row| row.share_old).chain(self.risk.iter().map(|row| row.before)).collect()
    }

    /// A share in units of the last printed place.
    pub(crate) fn percent(&self, part: NanoUsd, whole: NanoUsd) -> i128 {
        printed_percent(part, whole, self.share_places)
    }

    /// The fall of the headline's countries together; none where it lacks one of them.
    pub(crate) fn published_fall(&self) -> Option<i128> {
        (self.risk.len() == HEADLINE_COUNTRIES.len()).then(|| self.risk.iter().map(|row| row.before - row.after).sum())
    }

    /// The headline's countries that are risk origins with imports; where shares cannot be compared, none.
    pub(crate) fn risk_of<'a>(&'a self, prediction: &'a Prediction) -> impl Iterator<Item = &'a TargetRisk> {
        let has_range = |row: &&TargetRisk| prediction.before[row.which] > Usd::ZERO;
        self.risk.iter().filter(move |row| self.only_increases_of.is_none() && has_range(row))
    }

    /// Whether the range of a program holds the published increase.
    pub(crate) fn increase_is_inside(&self, reading: &Reading, prediction: &Prediction, row: &TargetRow) -> bool {
        let (least, most) = prediction.ranges[row.country.at()];
        let factor = 10_i128.pow(self.increase_places);
        reading.can_name(row.country) && meets(row.increase, (least.increase, most.increase), factor, NANO_PER_MUSD)
    }

    /// Whether the range of a program holds the published new share.
    pub(crate) fn share_is_inside(&self, reading: &Reading, prediction: &Prediction, row: &TargetRow) -> bool {
        let (least, most) = prediction.ranges[row.country.at()];
        reading.can_name(row.country) && self.share_meets(row.share_new, (least.after, most.after), prediction)
    }

    /// Whether the range of a program holds the published share after of a headline's country.
    pub(crate) fn risk_is_inside(&self, prediction: &Prediction, row: &TargetRisk) -> bool {
        self.share_meets(row.after, prediction.risk_ranges[row.which], prediction)
    }

    fn share_meets(&self, units: i128, range: (NanoUsd, NanoUsd), prediction: &Prediction) -> bool {
        meets(units, range, 100 * 10_i128.pow(self.share_places), prediction.imports.0)
    }

    /// Published increases, new shares and shares after that lie within the ranges of a program.
    pub(crate) fn n_inside(&self, reading: &Reading, prediction: &Prediction) -> usize {
        let rows = self.rows.iter().flat_map(|row| {
            let new = self.only_increases_of.is_none() && self.share_is_inside(reading, prediction, row);
            [self.increase_is_inside(reading, prediction, row), new]
        });
        let risk = self.risk_of(prediction).map(|row| self.risk_is_inside(prediction, row));
        rows.chain(risk).filter(|inside| *inside).count()
    }
}

/// Whether a published number of `units`, give or take half a unit, meets `range * factor / whole`.
fn meets(units: i128, (low, high): (NanoUsd, NanoUsd), factor: i128, whole: i128) -> bool {
    whole > 0 && 2 * low.0 * factor <= (2 * units + 1) * whole && 2 * high.0 * factor >= (2 * units - 1) * whole
}

/// Distance of predicted to published units; what a set cannot give counts as zero.
pub(crate) fn distance(predicted: &[Option<i128>], published: &[i128], places: u32) -> Distance {
    let errors = predicted.iter().zip(published).map(|(own, target)| printed_value(own.unwrap_or(0) - target, places));
    let (squares, largest) =
        errors.fold((0.0, 0.0_f64), |(squares, largest), error| (squares + error * error, largest.max(error.abs())));
    let figures = predicted.len().min(published.len());
    Distance { rmse: (squares / figures.max(1) as f64).sqrt(), largest, figures }
}

/// Predictions that are equal to the published units.
pub(crate) fn n_equal(predicted: &[Option<i128>], published: &[i128]) -> usize {
    predicted.iter().zip(published).filter(|(own, target)| **own == Some(**target)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_holds_a_figure_that_rounding_could_bring_into_it() {
        // 12.34 of a whole of 1 at two places: from 12.335 to 12.345.
        let holds = |low: i128, high: i128| meets(1234, (NanoUsd(low), NanoUsd(high)), 100, 1000);
        assert!(holds(12_000, 12_340) && holds(12_345, 20_000) && holds(12_000, 12_335));
        assert!(!holds(12_346, 20_000) && !holds(0, 12_334));
        assert!(!meets(0, (NanoUsd(0), NanoUsd(0)), 1, 0), "of nothing");
    }

    #[test]
    fn what_a_set_cannot_give_counts_as_zero() {
        let off = distance(&[Some(103), None], &[100, 4], 2);
        assert!((off.largest - 0.04).abs() < 1e-12 && (off.rmse - (0.0025_f64 / 2.0).sqrt()).abs() < 1e-12);
        assert_eq!((off.figures, distance(&[], &[], 2)), (2, Distance::default()));
        assert_eq!(n_equal(&[Some(1), None, Some(3)], &[1, 0, 4]), 1);
    }
}
