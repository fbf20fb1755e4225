//! Symbols with their meaning, side by side.

use reorient_core::Sector;

use super::canvas::{Anchor, Canvas};
use super::page::{LABEL, MARGIN, Page, RIGHT};
use super::symbols;

/// What a legend can explain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Symbol {
    Before,
    After,
    Fall,
    Rise,
    Bar(Sector),
    Whisker,
    BeforeLine,
    AfterLine,
    FallBand,
    RangeBand,
}

/// Width of the symbol and the gap to its text, and between two entries.
const SYMBOL: f64 = 22.0;
const GAP: f64 = 5.0;
const BETWEEN: f64 = 16.0;
const PITCH: f64 = 17.0;

/// Draws the entries below what is there, on as many lines as they need.
pub(super) fn draw(page: &mut Page<'_>, figure: &str, entries: &[(Symbol, &str)]) {
    let mut x = MARGIN;
    for (symbol, text) in entries {
        let width = SYMBOL + GAP + page.canvas.fonts.width(text, LABEL);
        if x > MARGIN && x + width > RIGHT {
            x = MARGIN;
            page.y += PITCH;
        }
        draw_symbol(&mut page.canvas, figure, *symbol, x, page.y + 8.0);
        page.canvas.text((x + SYMBOL + GAP, page.y + 12.0), Anchor::Start, LABEL, text);
        x += width + BETWEEN;
    }
    page.y += PITCH + 4.0;
}

fn draw_symbol(canvas: &mut Canvas<'_>, figure: &str, symbol: Symbol, x: f64, y: f64) {
    let (right, middle) = (x + SYMBOL, x + SYMBOL / 2.0);
    match symbol {
        Symbol::Before => symbols::before(canvas, (middle, y)),
        Symbol::After => symbols::after(canvas, (middle, y)),
        Symbol::Fall => symbols::change(canvas, (right, y), (x, y)),
        Symbol::Rise => symbols::change(canvas, (x, y), (right, y)),
        Symbol::Bar(sector) => symbols::bar(canvas, figure, sector, (x, y - 5.0), SYMBOL, 10.0),
        Symbol::BeforeLine => {
            canvas.polyline([(x, y), (right, y)], false, symbols::BEFORE_LINE);
            symbols::before(canvas, (middle, y));
        }
        Symbol::AfterLine => {
            canvas.polyline([(x, y), (right, y)], false, symbols::AFTER_LINE);
            symbols::after(canvas, (middle, y));
        }
        Symbol::FallBand => canvas.rectangle((x, y - 5.0), SYMBOL, 10.0, symbols::FALL_BAND),
        Symbol::RangeBand => canvas.rectangle((x, y - 5.0), SYMBOL, 10.0, symbols::RANGE_BAND),
        Symbol::Whisker => symbols::whisker(canvas, x + 1.0, right - 1.0, y),
    }
}
