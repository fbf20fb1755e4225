//! The share that risk countries keep against the cap: the whole curve, and its beginning enlarged.

use super::canvas::{Anchor, INK};
use super::font::Fonts;
use super::page::{LABEL, MARGIN, Page, RIGHT, SMALL, STRONG};
use super::scale::{Scale, Step, from_zero};
use super::{Figure, FigureContext, FigureError, FrontierPoint, symbols};

const NAME: &str = "figure_frontier";
/// Height of the plots.
const HEIGHT: f64 = 250.0;
/// Left of a plot, for the labels of its vertical axis.
const LABELS: f64 = 52.0;
/// Where the enlarged part ends, in percentage points.
const ZOOM: f64 = 10.0;
/// A curve may lie this far from its points, in units of the drawing: a twentieth of a pixel of the PNG.
const TOLERANCE: f64 = 0.02;

/// Cap in percentage points and share in percent.
type Point = (f64, f64);

/// The curve, or nothing when it has fewer than two points, which [`check`] has seen.
pub(super) fn draw(
    frontier: &[FrontierPoint],
    context: &FigureContext<'_>,
    fonts: &Fonts,
) -> Result<Option<Figure>, FigureError> {
    if frontier.len() < 2 {
        return Ok(None);
    }
    let points: Vec<Point> = frontier.iter().map(|point| (100.0 * point.cap, point.risk_pct)).collect();
    let mark = context.cap.and_then(|cap| Some((100.0 * cap, value_at(&points, 100.0 * cap)?)));
    let title = format!("Share of risk countries in imports of {} against the cap", context.bloc);
    let mut page = Page::new(NAME, title, context, fonts);
    let top = page.y + 24.0;
    let middle = f64::midpoint(MARGIN, RIGHT);
    let near = clipped(&points, ZOOM);
    let enlarged = near.len() > 1;

    let highest = points.iter().map(|point| point.1).fold(0.0, f64::max);
    let (high, ticks) = from_zero(highest, 6);
    let right = if enlarged { middle - 14.0 } else { RIGHT - 6.0 };
    let whole = Panel {
        across: Scale { low: 0.0, high: 100.0, start: MARGIN + LABELS, end: right },
        up: Scale { low: 0.0, high, start: top + HEIGHT, end: top },
        ticks: Step::nice(100.0, 5).ticks(0.0, 100.0),
        up_ticks: ticks,
        title: "The whole curve",
    };
    if enlarged {
        let corner = (whole.across.start, whole.up.end);
        let width = whole.across.at(ZOOM) - corner.0;
        page.canvas.rectangle(corner, width, HEIGHT, r##"fill="#ececec""##);
    }
    whole.draw(&mut page, &points, mark);
    let mut broken_axis = None;
    if enlarged {
        let (low, high, up_ticks) = around(&near);
        broken_axis = up_ticks.first().filter(|_| low > 0.0).map(|(_, label)| label.clone());
        let near_panel = Panel {
            across: Scale { low: 0.0, high: ZOOM, start: middle + LABELS + 6.0, end: RIGHT - 6.0 },
            up: Scale { low, high, start: top + HEIGHT, end: top },
            ticks: Step::nice(ZOOM, 5).ticks(0.0, ZOOM),
            up_ticks,
            title: "Enlarged (grey part)",
        };
        near_panel.draw(&mut page, &near, mark.filter(|mark| mark.0 <= ZOOM));
    }
    page.y = top + HEIGHT + 36.0;
    page.description = described(&points, mark);
    let mut notes = vec![
        "The cap limits what each alternative supplier may send to the bloc beyond today (see the scenario for what it is a share of). \
         The curve is straight between the points given."
            .to_owned(),
    ];
    if let Some(start) = broken_axis {
        notes.push(format!("The vertical axis of the enlarged part begins at {start} %, not at zero."));
    }
    page.finish(&notes).map(Some)
}

/// Refuses points out of range or out of order.
pub(super) fn check(frontier: &[FrontierPoint]) -> Result<(), FigureError> {
    // A share computed in doubles may miss the ends by their rounding.
    const SLACK: f64 = 1e-6;
    let mut last = 0.0;
    for (index, point) in frontier.iter().enumerate() {
        let sound = (last..=1.0).contains(&point.cap) && (-SLACK..=100.0 + SLACK).contains(&point.risk_pct);
        if !sound {
            return Err(FigureError::Frontier { index, cap: point.cap, risk_pct: point.risk_pct });
        }
        last = point.cap;
    }
    Ok(())
}

/// The share at a cap between the first point and the last; at a jump, after it.
fn value_at(points: &[Point], cap: f64) -> Option<f64> {
    let above = points.partition_point(|point| point.0 <= cap);
    let left = points.get(above.checked_sub(1)?)?;
    let Some(right) = points.get(above) else {
        return (left.0 >= cap).then_some(left.1);
    };
    Some(left.1 + (right.1 - left.1) * (cap - left.0) / (right.0 - left.0))
}

/// The curve up to a cap.
fn clipped(points: &[Point], cap: f64) -> Vec<Point> {
    let inside = points.iter().copied().filter(|point| point.0 <= cap);
    let end = value_at(points, cap).map(|share| (cap, share));
    inside.chain(end).collect()
}

/// Bounds and ticks that leave a little room around the curve; from zero when it comes near.
fn around(points: &[Point]) -> (f64, f64, Vec<(f64, String)>) {
    let least = points.iter().map(|point| point.1).fold(f64::INFINITY, f64::min).max(0.0);
    let most = points.iter().map(|point| point.1).fold(0.0, f64::max);
    let span = most - least;
    if span <= 0.0 || least < 0.5 * span {
        let (high, ticks) = from_zero(most, 6);
        return (0.0, high, ticks);
    }
    let step = Step::nice(span, 5);
    let (low, high) = (step.floor(least), step.ceiling(most));
    (low, high, step.ticks(low, high))
}

/// Corners that keep the curve within `tolerance`, measured upwards, of every point left out. `points` go from left to right.
fn thinned(points: &[(f64, f64)], tolerance: f64) -> Vec<(f64, f64)> {
    let mut kept: Vec<(f64, f64)> = points.first().copied().into_iter().collect();
    let Some(mut anchor) = kept.first().copied() else {
        return kept;
    };
    // Slopes from the anchor that pass near enough to every point since.
    let (mut least, mut most) = (f64::NEG_INFINITY, f64::INFINITY);
    for pair in points.windows(2) {
        let [previous, point] = [pair[0], pair[1]];
        let mut run = point.0 - anchor.0;
        let slope = (point.1 - anchor.1) / run;
        if previous != anchor && !(run > 0.0 && (least..=most).contains(&slope)) {
            kept.push(previous);
            anchor = previous;
            run = point.0 - anchor.0;
            (least, most) = (f64::NEG_INFINITY, f64::INFINITY);
        }
        if run > 0.0 {
            least = least.max((point.1 - tolerance - anchor.1) / run);
            most = most.min((point.1 + tolerance - anchor.1) / run);
        } else if point != anchor {
            // A step straight up or down: both ends stay.
            kept.push(point);
            anchor = point;
        }
    }
    if let Some(last) = points.last().filter(|last| **last != anchor) {
        kept.push(*last);
    }
    kept
}

/// One plot with its axes.
struct Panel {
    across: Scale,
    up: Scale,
    ticks: Vec<(f64, String)>,
    up_ticks: Vec<(f64, String)>,
    title: &'static str,
}

impl Panel {
    fn draw(&self, page: &mut Page<'_>, points: &[Point], mark: Option<Point>) {
        let canvas = &mut page.canvas;
        let Self { across, up, .. } = *self;
        let (left, right, top, bottom) = (across.start, across.end, up.end, up.start);
        canvas.text((left, top - 8.0), Anchor::Start, STRONG, self.title);
        for (value, label) in &self.ticks {
            let x = across.at(*value);
            canvas.line((x, top), (x, bottom), symbols::GRID);
            canvas.text((x, bottom + 14.0), Anchor::Middle, SMALL, label);
        }
        for (value, label) in &self.up_ticks {
            let y = up.at(*value);
            canvas.line((left, y), (right, y), symbols::GRID);
            canvas.text((left - 5.0, y + 3.6), Anchor::End, SMALL, label);
        }
        canvas.polyline([(left, top), (left, bottom), (right, bottom)], false, &format!("fill=\"none\" {}", symbols::RULE));
        canvas.text((f64::midpoint(left, right), bottom + 30.0), Anchor::Middle, LABEL, "Cap (percentage points)");
        let (x, y) = (left - LABELS + 11.0, f64::midpoint(top, bottom));
        canvas.raw(&format!(r#"<g transform="rotate(-90 {x:.2} {y:.2})">"#));
        canvas.text((x, y), Anchor::Middle, LABEL, "Share of risk countries (%)");
        canvas.raw("</g>");
        let curve: Vec<(f64, f64)> = points.iter().map(|point| (across.at(point.0), up.at(point.1))).collect();
        let style = r##"fill="none" stroke="#0072b2" stroke-width="1.8" stroke-linejoin="round""##;
        canvas.polyline(thinned(&curve, TOLERANCE), false, style);
        if let Some(mark) = mark {
            self.mark(page, mark, points);
        }
        page.mark_plot((left, top), right - left, bottom - top);
    }

    /// The scenario's cap: a broken line, a diamond and its values. The curve falls, so there is room to the upper right; at
    /// the right end of the plot the values stand to the left, above the curve.
    fn mark(&self, page: &mut Page<'_>, (cap, share): Point, points: &[Point]) {
        let canvas = &mut page.canvas;
        let at = (self.across.at(cap), self.up.at(share));
        let style = format!(r#"stroke="{INK}" stroke-width="1" stroke-dasharray="4 3""#);
        canvas.line((at.0, self.up.start), (at.0, self.up.end), &style);
        symbols::after(canvas, at);
        let [cap, share] = [(cap, 2), (share, 1)].map(|(value, decimals)| format!("{value:.decimals$}"));
        let cap = if cap.contains('.') { cap.trim_end_matches('0').trim_end_matches('.') } else { &cap };
        let text = format!("cap {cap} pp: {share} %");
        let width = canvas.fonts.width(&text, STRONG);
        let (x, anchor, clear) = if at.0 + 8.0 + width > self.across.end {
            let left = (at.0 - 8.0 - width - self.across.start) / (self.across.end - self.across.start) * self.across.high;
            (at.0 - 8.0, Anchor::End, value_at(points, left).map_or(at.1, |share| self.up.at(share)))
        } else {
            (at.0 + 8.0, Anchor::Start, at.1)
        };
        let y = (clear - 9.0).max(self.up.end + 12.0);
        // Where the curve is at the top of the plot, a white ground keeps the text readable.
        let style = format!(r##"fill="{INK}" stroke="#fff" stroke-width="2" stroke-linejoin="round" paint-order="stroke""##);
        canvas.styled_text((x, y), anchor, STRONG, &style, &text);
    }
}

fn described(points: &[Point], mark: Option<Point>) -> Vec<String> {
    let sentence = |what: &str, (cap, share): Point| format!("{what}, with a cap of {cap:.2} percentage points: {share:.1} %.");
    let ends = [("First point", points.first()), ("Last point", points.last())];
    let ends = ends.into_iter().filter_map(|(what, point)| Some(sentence(what, *point?)));
    ends.chain(mark.map(|mark| sentence("Scenario", mark))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Largest distance upwards of the points from the polyline through `kept`.
    fn deviation(points: &[Point], kept: &[Point]) -> f64 {
        let far = |point: &Point| value_at(kept, point.0).map_or(f64::INFINITY, |share| (share - point.1).abs());
        points.iter().map(far).fold(0.0, f64::max)
    }

    fn curve(points: u32, share: impl Fn(f64) -> f64) -> Vec<Point> {
        (0..=points).map(|index| f64::from(index) / f64::from(points)).map(|x| (x, share(x))).collect()
    }

    #[test]
    fn a_thinned_curve_stays_near_every_point() {
        for (points, most) in [
            (curve(200_000, |x| 300.0 / (1.0 + 20.0 * x)), 300),
            (curve(1_000, |x| 7.0 - 3.0 * x), 2),
            (curve(1_000, |_| 5.0), 2),
            (curve(1_000, |x| (40.0 * x).sin()), 400),
            (curve(3, |x| x), 2),
        ] {
            let kept = thinned(&points, TOLERANCE);
            assert!(kept.len() <= most, "{} corners", kept.len());
            assert!(deviation(&points, &kept) <= TOLERANCE * 1.001, "{}", deviation(&points, &kept));
            assert_eq!((kept.first(), kept.last()), (points.first(), points.last()));
        }
    }

    #[test]
    fn steps_and_repeated_points_survive_thinning() {
        let points = [(0.0, 9.0), (0.0, 9.0), (0.0, 5.0), (1.0, 5.0), (2.0, 5.0), (2.0, 1.0), (2.0, 1.0), (3.0, 1.0)];
        assert_eq!(thinned(&points, 0.1), [(0.0, 9.0), (0.0, 5.0), (2.0, 5.0), (2.0, 1.0), (3.0, 1.0)]);
        assert_eq!(thinned(&[], 0.1), []);
        assert_eq!(thinned(&points[..1], 0.1), [(0.0, 9.0)]);
    }

    #[test]
    fn a_share_between_two_points_is_on_the_line() {
        let points = [(1.0, 30.0), (5.0, 20.0), (5.0, 10.0), (9.0, 10.0)];
        for (cap, share) in [(0.5, None), (1.0, Some(30.0)), (3.0, Some(25.0)), (5.0, Some(10.0)), (9.0, Some(10.0)), (9.5, None)]
        {
            assert_eq!(value_at(&points, cap), share, "{cap}");
        }
        assert_eq!(clipped(&points, 3.0), [(1.0, 30.0), (3.0, 25.0)]);
        assert_eq!(clipped(&points, 0.5), []);
    }
}
