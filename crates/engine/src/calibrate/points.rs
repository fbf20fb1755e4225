//! Each published figure against the nearest set and against every interval.

use reorient_core::CountryIndex;
use reorient_metrics::{N_READING_DIMENSIONS, OptionSetRow, PointFigure, PointRow, printed_musd, printed_value};
use reorient_model::NanoUsd;

use super::predict::{PROGRAM, Prediction};
use super::rank::Scored;
use super::space::{DRAIN, FILL};
use super::target::Target;

const MUSD: f64 = 1e6;

/// Rows of the table, then the headline's countries; of each the share today, the increase and the share after.
pub(crate) fn points(target: &Target, readings: &[Scored<'_>], sets: &[OptionSetRow]) -> Vec<PointRow> {
    let Some(first) = sets.first() else { return Vec::new() };
    let is_of = |prediction: &&Prediction| PROGRAM.iter().all(|at| prediction.choice[*at] == first.choice[*at]);
    let nearest = readings.iter().find(|scored| {
        scored.reading.choices.iter().any(|choice| choice[..N_READING_DIMENSIONS] == first.choice[..N_READING_DIMENSIONS])
    });
    let Some(scored) = nearest else { return Vec::new() };
    let Some(prediction) = scored.predictions.iter().find(is_of) else { return Vec::new() };
    let gains = &prediction.fills[usize::from(first.choice[FILL])];
    let after = &prediction.drains[usize::from(first.choice[DRAIN])];
    let old = target.old_shares(scored.reading);
    let share = |units: i128| printed_value(units, target.share_places);
    let percent = |part: NanoUsd| part.0 as f64 / prediction.imports.0.max(1) as f64 * 100.0;
    let programs = || readings.iter().flat_map(|scored| scored.predictions.iter().map(move |of| (scored.reading, of)));
    let mut points = Vec::new();
    for (row, old) in target.rows.iter().zip(&old) {
        let country = row.country;
        let has_row = scored.reading.can_name(country);
        let (gain, (least, most)) = (gains[country.at()], prediction.ranges[country.at()]);
        points.push(today(country, row.share_old, *old, &share));
        let ours = printed_musd(gain.increase, target.increase_places);
        points.push(PointRow {
            country,
            figure: PointFigure::Increase,
            published: printed_value(row.increase, target.increase_places),
            ours: has_row.then(|| printed_value(ours, target.increase_places)),
            range: has_row.then(|| (least.increase.to_dollars() / MUSD, most.increase.to_dollars() / MUSD)),
            equal: has_row && ours == row.increase,
            inside: target.increase_is_inside(scored.reading, prediction, row),
            programs_inside: Some(programs().filter(|(reading, of)| target.increase_is_inside(reading, of, row)).count()),
        });
        let ours = target.percent(gain.after, prediction.imports);
        points.push(PointRow {
            country,
            figure: PointFigure::ShareNew,
            published: share(row.share_new),
            ours: has_row.then(|| share(ours)),
            range: has_row.then(|| (percent(least.after), percent(most.after))),
            equal: has_row && ours == row.share_new,
            inside: target.share_is_inside(scored.reading, prediction, row),
            programs_inside: Some(programs().filter(|(reading, of)| target.share_is_inside(reading, of, row)).count()),
        });
    }
    for (row, old) in target.risk.iter().zip(old.iter().skip(target.rows.len())) {
        points.push(today(row.country, row.before, *old, &share));
        let ours = target.percent(after[row.which], prediction.imports);
        let (least, most) = prediction.risk_ranges[row.which];
        points.push(PointRow {
            country: row.country,
            figure: PointFigure::ShareNew,
            published: share(row.after),
            ours: Some(share(ours)),
            range: Some((percent(least), percent(most))),
            equal: ours == row.after,
            inside: target.risk_is_inside(prediction, row),
            programs_inside: Some(programs().filter(|(_, of)| target.risk_is_inside(of, row)).count()),
        });
    }
    points
}

fn today(country: CountryIndex, published: i128, ours: Option<i128>, share: &dyn Fn(i128) -> f64) -> PointRow {
    PointRow {
        country,
        figure: PointFigure::ShareOld,
        published: share(published),
        ours: ours.map(share),
        range: None,
        equal: ours == Some(published),
        inside: ours == Some(published),
        programs_inside: None,
    }
}
