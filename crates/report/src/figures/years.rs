//! A plot of years: what is observed, what is optimised, and a band.

use super::canvas::{Anchor, INK};
use super::page::{LABEL, Page, SMALL, STRONG};
use super::scale::{Scale, from_zero};
use super::symbols;

/// One year of a series; missing values leave a gap.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct YearPoint {
    pub(super) year: f64,
    pub(super) before: Option<f64>,
    pub(super) after: Option<f64>,
    /// Least and greatest after, over all optima.
    pub(super) range: Option<(f64, f64)>,
}

/// A value of a year.
type Pick = fn(&YearPoint) -> Option<f64>;

/// Room for the labels of the vertical axis, without and with its title.
const LABELS: f64 = 32.0;
const TITLED: f64 = 52.0;
/// Room to the right for the values of the newest year.
const VALUES: f64 = 36.0;
/// Between the base lines of two values at the right.
const PITCH: f64 = 12.0;
/// Years with fewer units than this between them go without marks.
const ROOM_FOR_MARKS: f64 = 12.0;

/// One plot; all plots of a figure share the ends of both axes.
pub(super) struct YearPlot<'a> {
    pub(super) title: &'a str,
    /// Title of the vertical axis; none leaves its room to the plot.
    pub(super) axis: Option<&'a str>,
    pub(super) points: &'a [YearPoint],
    /// First and last year of the axis.
    pub(super) years: (f64, f64),
    /// The largest value of the vertical axis.
    pub(super) largest: f64,
    /// Decimals of the values at the right.
    pub(super) decimals: usize,
    /// Whether to shade what lies between before and after; otherwise the range.
    pub(super) shade_fall: bool,
}

impl YearPlot<'_> {
    /// Draws the plot with its labels into a box; the axis of years is below it.
    pub(super) fn draw(&self, page: &mut Page<'_>, (left, top): (f64, f64), width: f64, height: f64) {
        let (high, ticks) = from_zero(self.largest, if height > 150.0 { 6 } else { 4 });
        let start = left + if self.axis.is_some() { TITLED } else { LABELS };
        let (first, last) = self.years;
        let across = Scale { low: first, high: last, start: start + 6.0, end: left + width - VALUES };
        let up = Scale { low: 0.0, high, start: top + height, end: top };
        let right = across.end + 6.0;
        let canvas = &mut page.canvas;
        canvas.text((start, top - 8.0), Anchor::Start, STRONG, self.title);
        for (value, label) in &ticks {
            canvas.line((start, up.at(*value)), (right, up.at(*value)), symbols::GRID);
            canvas.text((start - 5.0, up.at(*value) + 3.6), Anchor::End, SMALL, label);
        }
        for year in year_ticks(self.years, (across.end - across.start) / 38.0) {
            let x = across.at(year);
            canvas.line((x, up.start), (x, up.start + 4.0), symbols::RULE);
            canvas.text((x, up.start + 15.0), Anchor::Middle, SMALL, &format!("{year:.0}"));
        }
        canvas.polyline([(start, top), (start, up.start), (right, up.start)], false, &format!("fill=\"none\" {}", symbols::RULE));
        if let Some(axis) = self.axis {
            let (x, y) = (left + 11.0, f64::midpoint(top, up.start));
            canvas.raw(&format!(r#"<g transform="rotate(-90 {x:.2} {y:.2})">"#));
            canvas.text((x, y), Anchor::Middle, LABEL, axis);
            canvas.raw("</g>");
        }
        self.curves(page, across, up);
        self.newest(page, right + 4.0, up);
        page.mark_plot((start, top), right - start, height);
    }

    fn curves(&self, page: &mut Page<'_>, across: Scale, up: Scale) {
        let canvas = &mut page.canvas;
        let at = |year: f64, value: f64| (across.at(year), up.at(value));
        let bounds = |point: &YearPoint| if self.shade_fall { point.after.zip(point.before) } else { point.range };
        let style = if self.shade_fall { symbols::FALL_BAND } else { symbols::RANGE_BAND };
        for run in runs(self.points, |point| bounds(point).is_some()) {
            let ends: Vec<(f64, (f64, f64))> = run.iter().filter_map(|point| Some((point.year, bounds(point)?))).collect();
            let below = ends.iter().map(|(year, (low, _))| at(*year, *low));
            let above = ends.iter().rev().map(|(year, (_, high))| at(*year, *high));
            canvas.polyline(below.chain(above), true, style);
        }
        let (before, after): (Pick, Pick) = (|point| point.before, |point| point.after);
        for (pick, style) in [(before, symbols::BEFORE_LINE), (after, symbols::AFTER_LINE)] {
            for run in runs(self.points, |point| pick(point).is_some()) {
                let line = run.iter().filter_map(|point| Some(at(point.year, pick(point)?)));
                canvas.polyline(line, false, style);
            }
        }
        let all_marked = (across.end - across.start) / (across.high - across.low) >= ROOM_FOR_MARKS;
        let marked = |pick: Pick| {
            // A year between two gaps has no line.
            let runs = runs(self.points, move |point| pick(point).is_some()).into_iter();
            let points = runs.filter(move |run| all_marked || run.len() == 1).flatten();
            points.filter_map(move |point| Some(at(point.year, pick(point)?)))
        };
        marked(before).for_each(|place| symbols::before(canvas, place));
        marked(after).for_each(|place| symbols::after(canvas, place));
    }

    /// The values of the newest year beside their points, kept apart.
    fn newest(&self, page: &mut Page<'_>, x: f64, up: Scale) {
        let Some(point) = self.points.last() else { return };
        let mut values: Vec<f64> = [point.before, point.after].into_iter().flatten().collect();
        // Equal when printed, one will do.
        values.dedup_by_key(|value| format!("{value:.*}", self.decimals));
        values.sort_by(|one, other| other.total_cmp(one));
        let mut y = f64::NEG_INFINITY;
        let mut places: Vec<f64> = Vec::new();
        for value in &values {
            y = (up.at(*value) + 3.6).max(y + PITCH);
            places.push(y);
        }
        // What was pushed below the axis goes up again.
        let over = places.last().map_or(0.0, |last| (last - up.start - 3.6).max(0.0));
        for (value, y) in values.iter().zip(places) {
            let text = format!("{value:.*}", self.decimals);
            let ink = format!(r#"fill="{INK}""#);
            page.canvas.styled_text((x, y - over), Anchor::Start, SMALL, &ink, &text);
        }
    }
}

/// Stretches of neighbouring points that all have a value.
fn runs(points: &[YearPoint], has: impl Fn(&YearPoint) -> bool) -> Vec<&[YearPoint]> {
    points.split(|point| !has(point)).filter(|run| !run.is_empty()).collect()
}

/// Round years between the ends, at most `most` of them.
fn year_ticks((first, last): (f64, f64), most: f64) -> Vec<f64> {
    let steps = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0];
    let fits = |step: &f64| ((last - first) / step).floor() + 1.0 <= most.max(2.0);
    let step = steps.into_iter().find(fits).unwrap_or(200.0);
    let begin = (first / step).ceil();
    (0_u32..300).map(|index| (begin + f64::from(index)) * step).take_while(|year| *year <= last).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_years_that_fit() {
        assert_eq!(year_ticks((1995.0, 2024.0), 12.0), [1995.0, 2000.0, 2005.0, 2010.0, 2015.0, 2020.0]);
        assert_eq!(year_ticks((1995.0, 2024.0), 3.0), [2000.0, 2010.0, 2020.0]);
        assert_eq!(year_ticks((2022.0, 2024.0), 8.0), [2022.0, 2023.0, 2024.0]);
    }

    #[test]
    fn gaps_part_a_series() {
        let point = |year, before| YearPoint { year, before, ..YearPoint::default() };
        let points = [point(1.0, Some(1.0)), point(2.0, None), point(3.0, Some(1.0)), point(4.0, Some(2.0))];
        let lengths: Vec<usize> = runs(&points, |point| point.before.is_some()).iter().map(|run| run.len()).collect();
        assert_eq!(lengths, [1, 2]);
    }
}
