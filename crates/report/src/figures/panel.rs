//! Figures of a panel: risk shares, concentration and sectors over the years.

use reorient_core::{CountryIndex, CountryTable};
use reorient_metrics::{Level, Origin, PanelYear, ShareRow};

use super::font::Fonts;
use super::legend::{self, Symbol};
use super::page::{MARGIN, Page, RIGHT};
use super::years::{YearPlot, YearPoint};
use super::{Figure, FigureContext, FigureError, symbols};
use crate::panel::share;

/// Names of the figures of a panel, in their order.
pub(crate) const PANEL_FIGURES: [&str; 3] = ["figure_panel_risk", "figure_panel_hhi", "figure_panel_sectors"];

/// Height of a large plot and of a small one.
const LARGE: f64 = 210.0;
const SMALL_PLOT: f64 = 96.0;
/// Above a plot for its title, and below it for the years.
const ABOVE: f64 = 24.0;
const BELOW: f64 = 20.0;
const GAP: f64 = 8.0;
const AXIS: &str = "Share of the imports (%)";

const BEFORE: (Symbol, &str) = (Symbol::BeforeLine, "before (observed)");
const AFTER: (Symbol, &str) = (Symbol::AfterLine, "after (optimised)");
const RANGE: (Symbol, &str) = (Symbol::RangeBand, "range over all optima");
const FALL: (Symbol, &str) = (Symbol::FallBand, "what moves away");

/// Every figure that the years have data for, in a fixed order; none of fewer than two years. A sector figure needs more than
/// one sector.
///
/// # Errors
/// [`FigureError`] when a drawing fails.
pub fn panel_figures(
    years: &[PanelYear],
    countries: &CountryTable,
    context: &FigureContext<'_>,
) -> Result<Vec<Figure>, FigureError> {
    let ends = match years {
        [first, .., last] => (f64::from(first.year.get()), f64::from(last.year.get())),
        _ => return Ok(Vec::new()),
    };
    let fonts = Fonts::embedded()?;
    let drawn = [
        risk(years, countries, ends, context, &fonts)?,
        concentration(years, ends, context, &fonts)?,
        sectors(years, ends, context, &fonts)?,
    ];
    Ok(drawn.into_iter().flatten().collect())
}

/// The row of a level and an origin in each year; a year without imports has no values.
fn series(years: &[PanelYear], is: impl Fn(&ShareRow) -> bool) -> Vec<YearPoint> {
    let point = |year: &PanelYear| {
        let row = year.collection.shares.iter().find(|row| is(row));
        let percent = |part: fn(&ShareRow) -> reorient_model::NanoUsd| row.and_then(|row| share(part(row), row.imports));
        YearPoint {
            year: f64::from(year.year.get()),
            before: percent(|row| row.before.into()),
            after: percent(|row| row.after),
            range: percent(|row| row.after_min).zip(percent(|row| row.after_max)),
        }
    };
    years.iter().map(point).collect()
}

fn largest<'a>(points: impl IntoIterator<Item = &'a YearPoint>) -> f64 {
    let values = |point: &YearPoint| [point.before, point.after, point.range.map(|range| range.1)];
    points.into_iter().flat_map(values).flatten().fold(0.0, f64::max)
}

/// A small plot: its title and its points.
type Small = (String, Vec<YearPoint>);

/// Small plots in rows below what is there, all on the same axes.
fn small_multiples(page: &mut Page<'_>, plots: &[Small], years: (f64, f64), shade_fall: bool) {
    // Without a plot that stands alone.
    let (across, parts) = if matches!(plots.len(), 2 | 4) { (2, 2.0) } else { (3, 3.0) };
    let width = (RIGHT - MARGIN + GAP) / parts - GAP;
    let largest = largest(plots.iter().flat_map(|(_, points)| points));
    for row in plots.chunks(across) {
        page.y += ABOVE;
        let mut left = MARGIN;
        for (title, points) in row {
            let plot = YearPlot { title, axis: None, points, years, largest, decimals: 1, shade_fall };
            plot.draw(page, (left, page.y), width, SMALL_PLOT);
            left += width + GAP;
        }
        page.y += SMALL_PLOT + BELOW;
    }
}

/// One plot over the whole width.
fn large(
    page: &mut Page<'_>,
    title: &str,
    axis: &str,
    points: &[YearPoint],
    years: (f64, f64),
    (decimals, shade_fall): (usize, bool),
) {
    page.y += ABOVE;
    let plot = YearPlot { title, axis: Some(axis), points, years, largest: largest(points), decimals, shade_fall };
    plot.draw(page, (MARGIN, page.y), RIGHT - MARGIN, LARGE);
    page.y += LARGE + BELOW;
}

fn described(name: &str, points: &[YearPoint], decimals: usize) -> Vec<String> {
    let sentence = |point: &YearPoint| {
        let (before, after) = point.before.zip(point.after)?;
        Some(format!("{name}, {:.0}: {before:.decimals$} before, {after:.decimals$} after.", point.year))
    };
    points.iter().filter_map(sentence).collect()
}

fn risk(
    years: &[PanelYear],
    countries: &CountryTable,
    ends: (f64, f64),
    context: &FigureContext<'_>,
    fonts: &Fonts,
) -> Result<Option<Figure>, FigureError> {
    let all = series(years, |row| row.level == Level::Overall && row.origin == Origin::AllRisk);
    if all.iter().filter(|point| point.before.is_some()).count() < 2 {
        return Ok(None);
    }
    let mut origins: Vec<CountryIndex> = Vec::new();
    for row in years.iter().flat_map(|year| &year.collection.shares) {
        if let Origin::Country(country) = row.origin
            && !origins.contains(&country)
        {
            origins.push(country);
        }
    }
    origins.sort_unstable();
    let of = |country: &CountryIndex| {
        let points = series(years, |row| row.level == Level::Overall && row.origin == Origin::Country(*country));
        (countries.country(*country).name.to_string(), points)
    };
    let single: Vec<Small> = if origins.len() > 1 { origins.iter().map(of).collect() } else { Vec::new() };
    let title = format!("Share of risk countries in imports of {}, before and after, by year", context.bloc);
    let mut page = Page::new(PANEL_FIGURES[0], title, context, fonts);
    let mut entries = vec![BEFORE, AFTER, FALL];
    entries.extend((!single.is_empty()).then_some(RANGE));
    legend::draw(&mut page, PANEL_FIGURES[0], &entries);
    large(&mut page, "All risk countries", AXIS, &all, ends, (1, true));
    small_multiples(&mut page, &single, ends, false);
    page.description = described("All risk countries", &all, 1);
    page.description.extend(single.iter().flat_map(|(name, points)| described(name, points, 1)));
    let mut notes = vec!["Percent of the bloc's imports of the goods of each year; at the right, the newest year.".to_owned()];
    if !single.is_empty() {
        notes.push(
            "Every optimum leaves the same imports with all risk countries together; how they part it is open, which the bands show."
                .to_owned(),
        );
    }
    page.finish(&notes).map(Some)
}

fn concentration(
    years: &[PanelYear],
    ends: (f64, f64),
    context: &FigureContext<'_>,
    fonts: &Fonts,
) -> Result<Option<Figure>, FigureError> {
    let point = |year: &PanelYear| {
        let hhi = year.collection.headline.hhi;
        YearPoint {
            year: f64::from(year.year.get()),
            before: hhi.map(|hhi| hhi.before),
            after: hhi.and_then(|hhi| hhi.after),
            range: hhi.and_then(|hhi| hhi.range),
        }
    };
    let points: Vec<YearPoint> = years.iter().map(point).collect();
    if points.iter().filter(|point| point.before.is_some()).count() < 2 {
        return Ok(None);
    }
    let title = format!("Concentration of the origins of imports of {}, before and after, by year", context.bloc);
    let mut page = Page::new(PANEL_FIGURES[1], title, context, fonts);
    legend::draw(&mut page, PANEL_FIGURES[1], &[BEFORE, AFTER, RANGE]);
    large(&mut page, "Herfindahl-Hirschman index, 0 to 1", "HHI, weighted by imports", &points, ends, (3, false));
    page.description = described("Concentration", &points, 3);
    let note = "The mean of the products' own index over all origins, members of the bloc included, weighted by imports. The band \
                is between the least and the most concentrated optimum.";
    page.finish(&[note.to_owned()]).map(Some)
}

fn sectors(
    years: &[PanelYear],
    ends: (f64, f64),
    context: &FigureContext<'_>,
    fonts: &Fonts,
) -> Result<Option<Figure>, FigureError> {
    let mut names: Vec<&str> = Vec::new();
    for row in years.iter().flat_map(|year| &year.collection.shares).filter(|row| row.level == Level::Sector) {
        if !names.contains(&row.name.as_str()) {
            names.push(&row.name);
        }
    }
    let readable = |name: &str| name.parse().map_or_else(|_| name.to_owned(), |sector| symbols::sector_name(sector).to_owned());
    let of = |name: &&str| {
        let is = |row: &ShareRow| row.level == Level::Sector && row.origin == Origin::AllRisk && row.name == **name;
        (readable(name), series(years, is))
    };
    let mut plots: Vec<Small> = names.iter().map(of).collect();
    plots.retain(|(_, points)| points.iter().any(|point| point.before.is_some()));
    if plots.len() < 2 {
        return Ok(None);
    }
    let title = format!("Share of risk countries in imports of {} by sector and year", context.bloc);
    let mut page = Page::new(PANEL_FIGURES[2], title, context, fonts);
    legend::draw(&mut page, PANEL_FIGURES[2], &[BEFORE, AFTER, FALL]);
    small_multiples(&mut page, &plots, ends, true);
    page.description = plots.iter().flat_map(|(name, points)| described(name, points, 1)).collect();
    let note = "Percent of the bloc's imports of the goods of a sector; all plots have the same axes. A product counts in every \
                sector it belongs to.";
    page.finish(&[note.to_owned()]).map(Some)
}
