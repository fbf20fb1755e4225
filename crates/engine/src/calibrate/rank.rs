//! Option sets by their distance to published figures, and which of them these figures cannot tell apart.

use std::collections::BTreeMap;

use reorient_core::CountryIndex;
use reorient_metrics::{Choice, Distance, HEADLINE_COUNTRIES, OptionSetRow, printed_musd, printed_value};
use reorient_model::NanoUsd;

use super::predict::{Gain, Prediction};
use super::reading::Reading;
use super::space::{DRAIN, FILL};
use super::target::{Target, distance, n_equal};

/// A reading with all that is predicted on it.
pub(crate) struct Scored<'a> {
    pub(crate) reading: &'a Reading,
    /// Of its old shares.
    pub(crate) old: Distance,
    /// Old shares that are equal as printed.
    pub(crate) old_equal: usize,
    pub(crate) predictions: &'a [Prediction],
}

/// Printed figures that the fill decides.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct OfFill {
    increases: Vec<Option<i128>>,
    shares: Vec<Option<i128>>,
    /// The countries that gain most, in order, as many as are published.
    top: Vec<CountryIndex>,
}

/// Printed figures that the drain decides.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct OfDrain {
    shares: Vec<i128>,
    fall: i128,
}

/// Equal figures get equal numbers, in the order in which they come.
struct Numbers<K>(BTreeMap<K, usize>);

impl<K: Ord> Numbers<K> {
    fn of(&mut self, key: K) -> usize {
        let next = self.0.len();
        *self.0.entry(key).or_insert(next)
    }
}

/// Distances of every set of options of the readings, nearest first; sets that predict the same share a rank.
pub(crate) fn rank(target: &Target, readings: &[Scored<'_>]) -> Vec<OptionSetRow> {
    let (mut fill_numbers, mut drain_numbers) = (Numbers(BTreeMap::new()), Numbers(BTreeMap::new()));
    let mut classes: BTreeMap<(usize, usize), Vec<OptionSetRow>> = BTreeMap::new();
    for scored in readings {
        for prediction in scored.predictions {
            let fills: Vec<OfFill> = prediction.fills.iter().map(|gains| of_fill(target, scored, prediction, gains)).collect();
            let drains: Vec<OfDrain> = prediction.drains.iter().map(|after| of_drain(target, prediction, after)).collect();
            let drain_classes: Vec<usize> = drains.iter().map(|drain| drain_numbers.of(drain.clone())).collect();
            let inside = target.n_inside(scored.reading, prediction);
            for (fill_value, fill) in (0_u16..).zip(&fills) {
                let fill_class = fill_numbers.of(fill.clone());
                for ((drain_value, drain), drain_class) in (0_u16..).zip(&drains).zip(&drain_classes) {
                    let row = OptionSetRow { inside, ..set(target, scored, prediction, fill, drain) };
                    let sets = classes.entry((fill_class, *drain_class)).or_default();
                    sets.extend(scored.reading.choices.iter().map(|reading| {
                        let mut choice = merged(reading, &prediction.choice);
                        (choice[FILL], choice[DRAIN]) = (fill_value, drain_value);
                        OptionSetRow { choice, ..row.clone() }
                    }));
                }
            }
        }
    }
    let mut classes: Vec<Vec<OptionSetRow>> = classes.into_values().collect();
    classes.iter_mut().for_each(|class| class.sort_by_key(|row| row.choice));
    classes.sort_by(|left, right| {
        let (left, right) = (&left[0], &right[0]);
        let by_distance = left.distance_pp.total_cmp(&right.distance_pp);
        by_distance.then(right.in_place.cmp(&left.in_place)).then(left.choice.cmp(&right.choice))
    });
    let ranked = classes.into_iter().zip(1..).flat_map(|(class, rank)| class.into_iter().map(move |row| (row, rank)));
    ranked.map(|(row, rank)| OptionSetRow { rank, ..row }).collect()
}

/// A choice of a reading with the options of a program; where one is set the other is at 0.
fn merged(reading: &Choice, program: &Choice) -> Choice {
    std::array::from_fn(|at| reading[at] + program[at])
}

fn of_fill(target: &Target, scored: &Scored<'_>, prediction: &Prediction, gains: &[Gain]) -> OfFill {
    let reading = scored.reading;
    let of_rows = |figure: &dyn Fn(Gain) -> i128| -> Vec<Option<i128>> {
        let own = |country: CountryIndex| reading.can_name(country).then(|| figure(gains[country.at()]));
        target.rows.iter().map(|row| own(row.country)).collect()
    };
    let increases = of_rows(&|gain| printed_musd(gain.increase, target.increase_places));
    if target.only_increases_of.is_some() {
        return OfFill { increases, shares: Vec::new(), top: Vec::new() };
    }
    let can_gain = |(country, ((_, most), _)): &(CountryIndex, (&(Gain, Gain), &Gain))| {
        most.increase > NanoUsd::default() && reading.can_name(*country)
    };
    let all = (0_u16..).map(CountryIndex).zip(prediction.ranges.iter().zip(gains)).filter(can_gain);
    let mut order: Vec<(NanoUsd, CountryIndex)> = all.map(|(country, (_, gain))| (gain.increase, country)).collect();
    order.sort_by_key(|(increase, country)| (std::cmp::Reverse(*increase), *country));
    OfFill {
        increases,
        shares: of_rows(&|gain| target.percent(gain.after, prediction.imports)),
        top: order.into_iter().take(target.rows.len()).map(|(_, country)| country).collect(),
    }
}

/// The fall is that of printed shares, as a reader of the headline would take it.
fn of_drain(target: &Target, prediction: &Prediction, after: &[NanoUsd; 2]) -> OfDrain {
    let shares: Vec<i128> = target.risk_of(prediction).map(|row| target.percent(after[row.which], prediction.imports)).collect();
    let before = target.risk_of(prediction).map(|row| target.percent(prediction.before[row.which].into(), prediction.imports));
    OfDrain { fall: before.sum::<i128>() - shares.iter().sum::<i128>(), shares }
}

/// The figures of one set, without its place among the others.
#[allow(clippy::cast_precision_loss)] // Distances and ends of ranges are doubles.
fn set(target: &Target, scored: &Scored<'_>, prediction: &Prediction, fill: &OfFill, drain: &OfDrain) -> OptionSetRow {
    let increases: Vec<i128> = target.rows.iter().map(|row| row.increase).collect();
    let increase = distance(&fill.increases, &increases, target.increase_places);
    let shares: Vec<Option<i128>> = fill.shares.iter().copied().chain(drain.shares.iter().map(|share| Some(*share))).collect();
    let of_rows = target.rows.iter().take(fill.shares.len()).map(|row| row.share_new);
    let published_shares: Vec<i128> = of_rows.chain(target.risk_of(prediction).map(|row| row.after)).collect();
    let share_new = distance(&shares, &published_shares, target.share_places);

    let total = target.only_increases_of.unwrap_or_else(|| prediction.imports.to_dollars());
    let in_points = if total > 0.0 { increase.rmse * 1e6 / total * 100.0 } else { 0.0 };
    let squares = |rmse: f64, count: usize| rmse * rmse * count as f64;
    let sum = squares(in_points, increase.figures) + squares(share_new.rmse, share_new.figures);

    let has_fall = drain.shares.len() == HEADLINE_COUNTRIES.len();
    let percent = |amount: NanoUsd| amount.0 as f64 / (prediction.imports.0.max(1)) as f64 * 100.0;
    let before: NanoUsd = prediction.before.iter().map(|before| NanoUsd::from(*before)).sum();
    OptionSetRow {
        rank: 0,
        choice: Choice::default(),
        old: scored.old,
        fall: has_fall.then(|| printed_value(drain.fall, target.share_places)),
        fall_range: has_fall.then(|| (percent(before - prediction.together.1), percent(before - prediction.together.0))),
        fall_off: target
            .published_fall()
            .filter(|_| has_fall)
            .map(|fall| printed_value((drain.fall - fall).abs(), target.share_places)),
        increase,
        share_new,
        distance_pp: (sum / (increase.figures + share_new.figures).max(1) as f64).sqrt(),
        equal: scored.old_equal + n_equal(&fill.increases, &increases) + n_equal(&shares, &published_shares),
        inside: 0,
        in_place: fill.top.iter().zip(&target.rows).filter(|(own, row)| **own == row.country).count(),
    }
}
