//! Table A.1 as bars: who gains outside the bloc, and between which bounds.

use std::collections::BTreeSet;

use reorient_core::{CountryTable, Sector};
use reorient_metrics::{Collection, CountryRow};
use reorient_model::NanoUsd;

use super::canvas::Anchor;
use super::font::Fonts;
use super::legend::{self, Symbol};
use super::page::{LABEL, MARGIN, Page, RIGHT, SMALL};
use super::scale::{Scale, from_zero};
use super::{Figure, FigureContext, FigureError, millions, symbols};
use crate::number::{NANO_PER_MUSD, ratio};

const NAME: &str = "figure_table_a1";
/// Rows of the published table.
const MOST: usize = 25;
const ROW: f64 = 18.0;
const BAR: f64 = 11.0;
/// Names take at most this width.
const NAME_WIDTH: f64 = 190.0;
const GAP: f64 = 14.0;

/// The bars, or nothing when nobody gains.
pub(super) fn draw(
    collection: &Collection,
    countries: &CountryTable,
    context: &FigureContext<'_>,
    fonts: &Fonts,
) -> Result<Option<Figure>, FigureError> {
    let rows = &collection.table_a1[..collection.table_a1.len().min(MOST)];
    if rows.is_empty() {
        return Ok(None);
    }
    let sectors: BTreeSet<Sector> = rows.iter().map(|row| row.main_sector).collect();
    let uncertain = rows.iter().any(|row| row.increase_min < row.increase_max);
    let title = format!("Who gains outside {}: increase of its imports", context.bloc);
    let mut page = Page::new(NAME, title, context, fonts);
    symbols::hatches(&mut page.canvas, NAME, sectors.iter().copied());
    let mut entries: Vec<_> = sectors.iter().map(|sector| (Symbol::Bar(*sector), symbols::sector_name(*sector))).collect();
    if uncertain {
        entries.push((Symbol::Whisker, "least to most over all optima"));
    }
    legend::draw(&mut page, NAME, &entries);
    let names: Vec<String> = rows.iter().map(|row| countries.country(row.country).name.to_string()).collect();
    table(&mut page, rows, &names);
    page.description = rows.iter().zip(&names).map(|(row, name)| described(row, name)).collect();
    let mut notes = vec![
        "Bars: the declared point, one optimum among many, chosen by the tie-break. The hatch and the last column give the sector \
         with the largest part of the increase."
            .to_owned(),
    ];
    if uncertain {
        notes.push(
            "Whiskers: the least and the most that a country gains over all optima, which leave the same imports with risk \
             countries. Both ends are attained, though not by all countries at once. No whisker: the gain is determined, or all but so."
                .to_owned(),
        );
    }
    page.finish(&notes).map(Some)
}

/// Million USD to a millionth, for places on an axis.
#[allow(clippy::cast_precision_loss)] // Far below what can be seen.
fn musd(amount: NanoUsd) -> f64 {
    ratio(amount.0, NANO_PER_MUSD, 1_000_000) as f64 / 1e6
}

fn described(row: &CountryRow, name: &str) -> String {
    let [increase, least, most] = [row.increase, row.increase_min, row.increase_max].map(millions);
    let sector = symbols::sector_name(row.main_sector);
    format!("{}. {name}: {increase} million USD ({least} to {most}), {sector}.", row.rank)
}

fn table(page: &mut Page<'_>, rows: &[CountryRow], names: &[String]) {
    let fonts = page.canvas.fonts;
    let ranks: Vec<String> = rows.iter().map(|row| row.rank.to_string()).collect();
    let amounts: Vec<String> = rows.iter().map(|row| millions(row.increase)).collect();
    let names: Vec<String> = names.iter().map(|name| fonts.wrap(name, LABEL, NAME_WIDTH, 1).concat()).collect();
    let widest = |texts: &[String]| fonts.widest(texts.iter().map(String::as_str), LABEL);
    let sector_names = rows.iter().map(|row| symbols::sector_name(row.main_sector));
    let names_left = MARGIN + widest(&ranks) + 7.0;
    let sectors_left = RIGHT - fonts.widest(sector_names, LABEL).max(fonts.widest(["sector"], SMALL));
    let amounts_right = sectors_left - GAP;
    let start = names_left + widest(&names) + GAP - 4.0;
    let end = amounts_right - widest(&amounts).max(fonts.width("(million USD)", SMALL)) - GAP - 4.0;
    let largest = rows.iter().map(|row| musd(row.increase.max(row.increase_max))).fold(0.0, f64::max);
    let (high, ticks) = from_zero(largest, 8);
    let scale = Scale { low: 0.0, high, start, end };

    for (x, anchor, words) in [
        (MARGIN, Anchor::Start, ["", "Rank and country"]),
        (amounts_right, Anchor::End, ["Increase", "(million USD)"]),
        (sectors_left, Anchor::Start, ["Main", "sector"]),
    ] {
        for (word, below) in words.into_iter().zip([10.0, 22.0]).filter(|(word, _)| !word.is_empty()) {
            page.canvas.text((x, page.y + below), anchor, SMALL, word);
        }
    }
    page.y += 27.0;
    let top = page.y;
    let height = 8.0 + rows.iter().map(|_| ROW).sum::<f64>();
    let bottom = top + height;
    // Where labels are long, ticks between them go without.
    let room = fonts.widest(ticks.iter().map(|(_, label)| label.as_str()), SMALL) + 10.0;
    let every = ticks.iter().position(|(value, _)| scale.at(*value) - start >= room).unwrap_or(ticks.len());
    for (index, (value, label)) in ticks.iter().enumerate() {
        let x = scale.at(*value);
        page.canvas.line((x, top), (x, bottom), symbols::GRID);
        if index % every == 0 {
            page.canvas.text((x, bottom + 13.0), Anchor::Middle, SMALL, label);
        }
    }
    for y in [top, bottom] {
        page.canvas.line((MARGIN, y), (RIGHT, y), symbols::RULE);
    }
    page.y += 4.0;
    for (index, row) in rows.iter().enumerate() {
        let middle = page.y + ROW / 2.0;
        let base = middle + LABEL.size * 0.36;
        if index > 0 {
            page.canvas.line((MARGIN, page.y), (start - 4.0, page.y), r##"stroke="#eeeeee" stroke-width="0.7""##);
        }
        page.canvas.text((names_left - 7.0, base), Anchor::End, LABEL, &ranks[index]);
        page.canvas.text((names_left, base), Anchor::Start, LABEL, &names[index]);
        page.canvas.text((amounts_right, base), Anchor::End, LABEL, &amounts[index]);
        page.canvas.text((sectors_left, base), Anchor::Start, LABEL, symbols::sector_name(row.main_sector));
        let width = (scale.at(musd(row.increase)) - start).max(0.0);
        symbols::bar(&mut page.canvas, NAME, row.main_sector, (start, middle - BAR / 2.0), width, BAR);
        symbols::whisker(&mut page.canvas, scale.at(musd(row.increase_min)), scale.at(musd(row.increase_max)), middle);
        page.y += ROW;
    }
    page.canvas.line((start, top), (start, bottom), symbols::RULE);
    page.mark_plot((start, top), end - start, height);
    page.y = bottom + 18.0;
    let axis = "Increase of the bloc's imports (million USD)";
    page.canvas.text((f64::midpoint(start, end), page.y + 11.0), Anchor::Middle, LABEL, axis);
    page.y += 16.0;
}
