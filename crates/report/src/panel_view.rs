//! A panel of years on screen: sparklines of the risk share, a row for each year, and each risk country.

use anstyle::Style;
use reorient_core::{CountryIndex, CountryTable};
use reorient_metrics::{Level, Origin, PanelYear, ShareRow};
use reorient_model::NanoUsd;

use crate::grid::{Column, Grid};
use crate::lead::cannot_be_supplied;
use crate::number::{Unit, percent};
use crate::panel::share;
use crate::screen::Screen;
use crate::terminal::{REMAINING, REMOVED};
use crate::text::{self, display_width};

const MISSING: &str = "–";
/// Eighths of a line, from the lowest.
const SPARKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Columns of a sparkline's line that are neither its name nor its years nor the figures at its end.
const AROUND: usize = 2 + 1 + 6 + 2;
/// Columns of those figures.
const SPAN: usize = 2 + 15;

/// Under which names the view is drawn.
#[derive(Debug, Clone, Copy)]
pub struct PanelView<'a> {
    /// Where it is printed.
    pub screen: Screen,
    /// Name of the importing bloc.
    pub bloc: &'a str,
    /// Label of the trade data.
    pub source: &'a str,
    /// The cap of the scenario in percentage points.
    pub cap: &'a str,
    /// Sentences that end the first paragraph, such as what the list leaves out.
    pub leading: &'a [String],
    /// Sentences to print at the end.
    pub notes: &'a [String],
}

/// The panel as text, one line feed after every line, without trailing spaces.
///
/// Amounts in the unit that it names, shares in percent of the bloc's imports of the same goods.
pub fn panel_view(years: &[PanelYear], countries: &CountryTable, view: &PanelView<'_>) -> String {
    let screen = view.screen;
    let mut blocks = vec![screen.title(&format!("reorient panel · {} · {}", view.bloc, view.source))];
    if let (Some(first), Some(last)) = (years.first(), years.last()) {
        let unit = Unit::of(years.iter().map(|year| year.collection.headline.imports.into()));
        let unmet = years.iter().rev().filter(|year| year.collection.headline.unmet > NanoUsd::default());
        let missing = unmet.filter_map(|year| Some(format!("In {} {}", year.year, cannot_be_supplied(&year.collection)?)));
        let answers = std::iter::once(summary(first, last)).chain(missing.take(1)).chain(view.leading.iter().cloned());
        blocks.push(answers.map(|answer| screen.paragraph(&answer)).collect::<Vec<_>>().join("\n"));
        blocks.push(sparklines(years, countries, screen));
        let table = year_rows(years, unit, screen).draw(screen, "--json and panel.csv (--out DIR) have all.");
        blocks.push(format!("{}\n{table}", screen.title("By year")));
        blocks.push(screen.legend(&legend(view, unit)));
    }
    let mut notes = vec![screen.title("Notes")];
    notes.extend(view.notes.iter().map(|note| screen.item(note)));
    notes.push(screen.item("What displaced buyers elsewhere lose is not modelled."));
    blocks.push(notes.join("\n"));
    blocks.join("\n\n") + "\n"
}

fn summary(first: &PanelYear, last: &PanelYear) -> String {
    let went = |year: &PanelYear| {
        let headline = &year.collection.headline;
        let of = |part: NanoUsd| percent(part, headline.imports.into(), 1).unwrap_or_else(|| MISSING.to_owned());
        format!("{} from {} % to {} %", year.year, of(headline.risk_before.into()), of(headline.risk_after))
    };
    if first.year == last.year {
        return format!("The share of risk countries goes in {}.", went(first));
    }
    format!(
        "The share of risk countries goes in {}, in {}. Each year stands alone: its own trade, capacity and optimum.",
        went(first),
        went(last)
    )
}

/// An amount of a row.
type Part = fn(&ShareRow) -> NanoUsd;

/// One line per origin before and after, on one scale.
fn sparklines(years: &[PanelYear], countries: &CountryTable, screen: Screen) -> String {
    let mut origins: Vec<Option<CountryIndex>> = vec![None];
    for row in years.iter().flat_map(|year| &year.collection.shares) {
        if let Origin::Country(country) = row.origin
            && !origins.contains(&Some(country))
        {
            origins.push(Some(country));
        }
    }
    if origins.len() == 2 {
        origins.truncate(1);
    }
    let name =
        |origin: Option<CountryIndex>| origin.map_or("all risk countries", |country| countries.country(country).name.as_str());
    let names = if screen.width() < 80 { 18 } else { 22 };
    let room = screen.width() - AROUND - names;
    // The table below has the figures of the first and the last year too; of more years than fit, the newest are shown.
    let has_span = years.len() + SPAN <= room;
    let years = &years[years.len().saturating_sub(room)..];
    let of = |year: &PanelYear, origin: Option<CountryIndex>, part: Part| {
        let origin = origin.map_or(Origin::AllRisk, Origin::Country);
        let row = year.collection.shares.iter().find(|row| row.level == Level::Overall && row.origin == origin);
        row.and_then(|row| share(part(row), row.imports))
    };
    let parts: [(&str, Part, Style); 2] = [("before", |row| row.before.into(), REMAINING), ("after", |row| row.after, REMOVED)];
    let mut series = Vec::new();
    for origin in origins {
        for (when, part, style) in parts {
            let name = if when == "after" { "" } else { name(origin) };
            let values: Vec<Option<f64>> = years.iter().map(|year| of(year, origin, part)).collect();
            series.push((name, when, style, values));
        }
    }
    let most = series.iter().flat_map(|(.., values)| values.iter().flatten()).fold(0.0_f64, |most, value| most.max(*value));
    let span = |values: &[Option<f64>]| match (values.first().copied().flatten(), values.last().copied().flatten()) {
        _ if !has_span => String::new(),
        (Some(first), Some(last)) => format!("  {first:>5.1} → {last:>4.1} %"),
        _ => format!("  {MISSING}"),
    };
    let line = |(name, when, style, values): &(&str, &str, Style, Vec<Option<f64>>)| {
        let sparks: String = values.iter().map(|value| spark(*value, most)).collect();
        let name = text::cut(name, names);
        let pad = " ".repeat(names.saturating_sub(display_width(&name)));
        format!("  {name}{pad} {when:<6}  {}{}", screen.paint(&sparks, *style), span(values))
    };
    let heading = match years {
        [first, .., last] => format!("Share of risk countries, {} to {}, from 0 to {most:.1} %", first.year, last.year),
        _ => "Share of risk countries".to_owned(),
    };
    let lines: Vec<String> = series.iter().map(line).collect();
    format!("{}\n{}", screen.title(&heading), lines.join("\n"))
}

/// One of eight steps, the highest for `most`; a gap where there is no value.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Between 0 and 7.
fn spark(value: Option<f64>, most: f64) -> char {
    let Some(value) = value else { return ' ' };
    let step = if most > 0.0 { (value / most * 8.0).ceil() - 1.0 } else { 0.0 };
    SPARKS[step.clamp(0.0, 7.0) as usize]
}

fn year_rows(years: &[PanelYear], unit: Unit, screen: Screen) -> Grid {
    // Where the amounts beside them leave, shares need a fuller name.
    let [share_before, share_after] = if screen.width() < Screen::USUAL { ["risk %", "after %"] } else { ["%", "%"] };
    let any_unmet = years.iter().any(|year| year.collection.headline.unmet > NanoUsd::default());
    let mut columns = vec![
        Column::number("year"),
        Column::number("of").leaves(5),
        Column::number("imports"),
        Column::number("risk").leaves(3),
        Column::number(share_before).called("risk %"),
        Column::number("after").called("risk after").leaves(3),
        Column::number(share_after).called("risk after %"),
        Column::number("HHI").leaves(4),
        Column::number("after").called("HHI after").leaves(4),
        Column::number("min – max").called("HHI min – max").leaves(1),
        Column::number("short"),
        Column::number("cap p50").leaves(2),
        Column::number("cleared").leaves(2),
    ];
    if any_unmet {
        columns.insert(7, Column::number("missing %"));
    }
    let mut grid = Grid::new(columns);
    for year in years {
        let headline = &year.collection.headline;
        let share = |part: NanoUsd| percent(part, headline.imports.into(), 1).unwrap_or_else(|| MISSING.to_owned());
        let index = |value: Option<f64>| value.map_or_else(|| MISSING.to_owned(), |value| format!("{value:.3}"));
        let range = headline.hhi.and_then(|hhi| hhi.range);
        let mut cells = vec![
            year.year.to_string(),
            year.n_members.to_string(),
            unit.show(headline.imports.into()),
            unit.show(headline.risk_before.into()),
            share(headline.risk_before.into()),
            unit.show(headline.risk_after),
            share(headline.risk_after),
            index(headline.hhi.map(|hhi| hhi.before)),
            index(headline.hhi.and_then(|hhi| hhi.after)),
            range.map_or_else(|| MISSING.to_owned(), |(least, most)| format!("{least:.3}–{most:.3}")),
            format!("{}/{}", headline.in_shortage, headline.products),
            year.caps.weighted[2].map_or_else(|| "none".to_owned(), |cap| format!("{:.2}", cap * 100.0)),
            crate::panel::share(year.caps.cleared_risk.into(), year.caps.risk)
                .map_or_else(|| MISSING.to_owned(), |share| format!("{share:.0} %")),
        ];
        if any_unmet {
            cells.insert(7, share(headline.unmet));
        }
        grid.row(cells);
    }
    grid
}

fn legend(view: &PanelView<'_>, unit: Unit) -> String {
    format!(
        "of: members of {}. Amounts in {}. HHI is weighted by imports, its range over all optima. short: products in shortage, \
         of all. cap p50: the cap in percentage points that clears products of half the imports. cleared: products that the cap \
         of {} points clears, by their risk imports.",
        view.bloc, unit.name, view.cap
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spark_is_the_eighth_that_holds_its_value() {
        let line = |values: &[Option<f64>], most| values.iter().map(|value| spark(*value, most)).collect::<String>();
        assert_eq!(line(&[Some(0.0), Some(1.0), None, Some(1.1), Some(4.0), Some(7.5), Some(8.0)], 8.0), "▁▁ ▂▄██");
        assert_eq!(line(&[Some(0.0)], 0.0), "▁");
    }
}
