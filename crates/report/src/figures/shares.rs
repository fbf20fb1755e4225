//! Figures 10 and 11: the share of risk countries before and after, one row for each part of a breakdown.

use std::cmp::Ordering;

use reorient_metrics::{Level, Origin, ShareRow};
use reorient_model::NanoUsd;

use super::canvas::Anchor;
use super::font::{Fonts, Type};
use super::legend::{self, Symbol};
use super::page::{LABEL, MARGIN, Page, RIGHT, SMALL, STRONG, WIDTH};
use super::scale::{Scale, from_zero};
use super::{Figure, FigureContext, FigureError, millions, symbols};
use crate::number::{percent, ratio};

/// Names take at most this width, on at most two lines.
const NAME_WIDTH: f64 = 190.0;
/// Rows beyond this many are drawn closer together.
const MANY: usize = 36;
/// Rows beyond this many are left to `shares.csv`.
const MOST: usize = 120;
/// Between two columns.
const GAP: f64 = 14.0;

/// One row of the figure, measured.
struct Line {
    name: Vec<String>,
    /// Before, after, least and most, in percent; none without imports.
    percents: Option<[f64; 4]>,
    change: String,
    imports: String,
    style: Type,
    height: f64,
}

/// The breakdown by `level`, called `by` in the title; none when it has nothing but `all`, or no imports.
pub(super) fn draw(
    name: &'static str,
    shares: &[ShareRow],
    level: Level,
    by: &str,
    context: &FigureContext<'_>,
    fonts: &Fonts,
) -> Result<Option<Figure>, FigureError> {
    let of_level = |level| shares.iter().filter(move |row| row.level == level && row.origin == Origin::AllRisk);
    let mut rows: Vec<&ShareRow> = of_level(level).collect();
    if rows.iter().all(|row| row.name == "all" || row.imports.get() <= 0) {
        return Ok(None);
    }
    rows.sort_by(|one, other| by_share_before(one, other));
    let total = rows.len();
    rows.truncate(MOST);
    let overall = of_level(Level::Overall).find(|row| row.imports.get() > 0);
    let many = rows.len() > MANY;
    let lines: Vec<Line> = overall
        .into_iter()
        .map(|row| line(row, "All goods of the list", STRONG, many, fonts))
        .chain(rows.iter().map(|row| line(row, &readable(row, level), LABEL, many, fonts)))
        .collect();

    let title = format!("Share of risk countries in imports of {}, by {by}", context.bloc);
    let mut page = Page::new(name, title, context, fonts);
    let rises = lines.iter().any(|line| line.percents.is_some_and(|[before, after, ..]| after > before));
    let mut entries = vec![
        (Symbol::Before, "before (observed)"),
        (Symbol::After, "after (optimised)"),
        (Symbol::Fall, "fall"),
        (Symbol::Rise, "rise"),
    ];
    entries.truncate(if rises { 4 } else { 3 });
    legend::draw(&mut page, name, &entries);
    table(&mut page, &lines, overall.is_some(), by);
    page.description = lines.iter().filter(|line| line.percents.is_some()).map(described).collect();

    let mut notes =
        vec![format!("Sorted by the share before. A product counts in every {by} it belongs to, so rows do not add up.")];
    if total > MOST {
        notes.push(format!("The first {MOST} of {total} rows; all of them are in shares.csv."));
    }
    page.finish(&notes).map(Some)
}

/// Falling, exactly; rows without imports last, ties by name.
fn by_share_before(one: &ShareRow, other: &ShareRow) -> Ordering {
    let cross = |part: &ShareRow, whole: &ShareRow| i128::from(part.before.get()) * i128::from(whole.imports.get());
    let empty = |row: &ShareRow| row.imports.get() <= 0;
    let share = if empty(one) || empty(other) { Ordering::Equal } else { cross(other, one).cmp(&cross(one, other)) };
    empty(one).cmp(&empty(other)).then(share).then_with(|| one.name.cmp(&other.name))
}

/// Sectors and stages carry the lower-case names of the files.
fn readable(row: &ShareRow, level: Level) -> String {
    if level == Level::Subsector {
        return row.name.clone();
    }
    if let Some(sector) = row.name.parse().ok().filter(|_| level == Level::Sector) {
        return symbols::sector_name(sector).to_owned();
    }
    let mut letters = row.name.chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters).collect()
}

fn line(row: &ShareRow, name: &str, style: Type, many: bool, fonts: &Fonts) -> Line {
    let imports = NanoUsd::from(row.imports);
    let some = imports.0 > 0;
    let text = |part| percent(part, imports, 1).filter(|_| some);
    let change = match (text(row.before.into()), text(row.after)) {
        (Some(before), Some(after)) => format!("{before} → {after}"),
        _ => "no imports".to_owned(),
    };
    let parts = [row.before.into(), row.after, row.after_min, row.after_max];
    let name = fonts.balance(name, style, NAME_WIDTH, 2);
    let pitch = if many { 14.0 } else { 18.0 };
    let height = if name.len() > 1 { pitch + 12.0 } else { pitch };
    Line {
        name,
        percents: some.then(|| parts.map(|part| share(part, imports))),
        change,
        imports: millions(imports),
        style,
        height,
    }
}

/// In percent, to a millionth; exact up to the last rounding.
#[allow(clippy::cast_precision_loss)] // At most 1e8 where a share is one.
fn share(part: NanoUsd, whole: NanoUsd) -> f64 {
    ratio(part.0, whole.0, 100_000_000) as f64 / 1e6
}

fn described(line: &Line) -> String {
    format!("{}: {} %.", line.name.join(" "), line.change.replace('→', "% to"))
}

/// Names, the plot and two columns of figures, with the axis below and, when it is far, above.
fn table(page: &mut Page<'_>, lines: &[Line], with_overall: bool, by: &str) {
    let fonts = page.canvas.fonts;
    let column = |head: [&str; 2], texts: &dyn Fn(&Line) -> &str| {
        let widest = lines.iter().map(|line| fonts.width(texts(line), line.style)).fold(0.0, f64::max);
        widest.max(fonts.widest(head, SMALL))
    };
    let heads = [["Share (%),", "before → after"], ["Imports", "(million USD)"]];
    let names = lines.iter().map(|line| fonts.widest(line.name.iter().map(String::as_str), line.style)).fold(60.0, f64::max);
    let change_right = RIGHT - column(heads[1], &|line| &line.imports) - GAP;
    let start = MARGIN + names + GAP;
    let end = change_right - column(heads[0], &|line| &line.change) - GAP - 8.0;
    let largest = lines.iter().filter_map(|line| line.percents).flatten().fold(0.0, f64::max);
    let (high, ticks) = from_zero(largest, 8);
    let scale = Scale { low: 0.0, high, start, end };

    for (words, right) in heads.into_iter().zip([change_right, RIGHT]) {
        for (word, below) in words.into_iter().zip([10.0, 22.0]) {
            page.canvas.text((right, page.y + below), Anchor::End, SMALL, word);
        }
    }
    let mut capital = by.to_owned();
    capital.get_mut(..1).map(str::make_ascii_uppercase);
    page.canvas.text((MARGIN, page.y + 22.0), Anchor::Start, SMALL, &capital);
    page.y += 27.0;
    let top = page.y;
    let bottom = top + 8.0 + lines.iter().map(|line| line.height).sum::<f64>() + if with_overall { 6.0 } else { 0.0 };
    for (value, label) in &ticks {
        let x = scale.at(*value);
        page.canvas.line((x, top), (x, bottom), symbols::GRID);
        page.canvas.text((x, bottom + 13.0), Anchor::Middle, SMALL, label);
        if lines.len() > 20 {
            page.canvas.text((x, top - 5.0), Anchor::Middle, SMALL, label);
        }
    }
    for y in [top, bottom] {
        page.canvas.line((MARGIN, y), (RIGHT, y), symbols::RULE);
    }
    page.y += 4.0;
    for (index, line) in lines.iter().enumerate() {
        let first_of_parts = index == 1 && with_overall;
        if first_of_parts {
            page.canvas.line((MARGIN, page.y + 3.0), (RIGHT, page.y + 3.0), symbols::RULE);
            page.y += 6.0;
        } else if index > 0 {
            page.canvas.line((MARGIN, page.y), (RIGHT, page.y), r##"stroke="#eeeeee" stroke-width="0.7""##);
        }
        row(page, line, &scale, [change_right, RIGHT]);
        page.y += line.height;
    }
    page.mark_plot((start, top), end - start, bottom - top);
    page.y = bottom + 18.0;
    let axis = "Share of the imports that comes from risk countries (%)";
    let half = fonts.width(axis, LABEL) / 2.0;
    let middle = f64::midpoint(start, end).clamp(MARGIN + half, WIDTH - MARGIN - half);
    page.canvas.text((middle, page.y + 11.0), Anchor::Middle, LABEL, axis);
    page.y += 16.0;
}

fn row(page: &mut Page<'_>, line: &Line, scale: &Scale, [change_right, imports_right]: [f64; 2]) {
    let canvas = &mut page.canvas;
    let middle = page.y + line.height / 2.0;
    let base = middle + line.style.size * 0.36;
    let above = if line.name.len() > 1 { 6.0 } else { 0.0 };
    for (name, below) in line.name.iter().zip([-above, above]) {
        canvas.text((MARGIN, base + below), Anchor::Start, line.style, name);
    }
    canvas.text((change_right, base), Anchor::End, line.style, &line.change);
    canvas.text((imports_right, base), Anchor::End, line.style, &line.imports);
    if let Some([before, after, least, most]) = line.percents.map(|percents| percents.map(|percent| scale.at(percent))) {
        symbols::change(canvas, (before, middle), (after, middle));
        symbols::whisker(canvas, least, most, middle);
        symbols::before(canvas, (before, middle));
        symbols::after(canvas, (after, middle));
    }
}
