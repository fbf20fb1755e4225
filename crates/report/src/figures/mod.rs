//! Figures for a paper: SVG with text as text, and a PNG that is the same drawing.
//!
//! Equal input gives equal bytes: no clock, no random names, and a font of our own for every measure and for the PNG.
//! What each figure shows is in docs/figures.md.

mod canvas;
mod font;
mod frontier;
mod gains;
mod legend;
mod page;
mod panel;
mod png;
mod scale;
mod shares;
mod symbols;
mod years;

#[cfg(test)]
mod tests;

use reorient_core::CountryTable;
use reorient_metrics::{Collection, Level};
use reorient_model::NanoUsd;

use self::font::Fonts;
#[cfg(test)]
pub(crate) use self::panel::PANEL_FIGURES;
pub use self::panel::panel_figures;
use crate::number::{NANO_PER_MUSD, decimal, grouped};

/// What a reader must know about the result that a figure shows. Plain text; it is escaped where it is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FigureContext<'a> {
    /// Label of the trade data, such as `CEPII BACI HS92 2023`.
    pub source: &'a str,
    /// Name of the importing bloc.
    pub bloc: &'a str,
    /// The options of the scenario in words.
    pub options: &'a str,
    /// The cap of the scenario, 0 to 1, to be marked on the frontier; none marks nothing.
    pub cap: Option<f64>,
    /// Whether the trade data are made up: every figure then says so in large letters.
    pub synthetic: bool,
    /// Version of this program.
    pub version: &'a str,
}

/// A corner of the curve of risk against the cap; the curve is straight between two of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FrontierPoint {
    /// The cap, 0 to 1.
    pub cap: f64,
    /// Share of the bloc's imports that risk countries keep, 0 to 100 percent.
    pub risk_pct: f64,
}

/// One drawing in two formats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// File name without ending, such as `figure_10_subsectors`.
    pub name: &'static str,
    /// A drawing 160 mm wide, text as text.
    pub svg: String,
    /// The same, 1,600 pixels wide (254 to the inch).
    pub png: Vec<u8>,
}

/// Why no figure could be drawn.
#[derive(Debug, thiserror::Error)]
pub enum FigureError {
    /// The font in the program is damaged.
    #[error("the font of the figures cannot be read: {0}")]
    Font(#[from] ttf_parser::FaceParsingError),
    /// A point of the frontier that is no point of a curve.
    #[error(
        "point {index} of the frontier (cap {cap}, risk {risk_pct} %) is out of range or out of order: \
         caps run from 0 to 1 and never fall, shares from 0 to 100 %"
    )]
    Frontier {
        /// Its position, from 0.
        index: usize,
        /// The cap as given.
        cap: f64,
        /// The share as given.
        risk_pct: f64,
    },
    /// The cap to mark is none.
    #[error("{0} is no cap: it is a number from 0 to 1")]
    Cap(f64),
    /// The drawing is not understood by the library that turns it into pixels.
    #[error("{name} cannot be drawn: {reason}")]
    Drawing {
        /// Name of the figure.
        name: &'static str,
        /// What the library says.
        reason: String,
    },
}

/// Whole million USD for people; an amount that would round to nothing is not shown as nothing.
fn millions(amount: NanoUsd) -> String {
    match decimal(amount.0, NANO_PER_MUSD, 0) {
        zero if zero == "0" && amount.0 > 0 => "< 1".to_owned(),
        text => grouped(&text),
    }
}

/// Every figure that the result has data for, in a fixed order.
///
/// A breakdown without imports, or with nothing but `all`, gives no figure; neither does an empty Table A.1 or a frontier of
/// fewer than two points. Shares are in percent of the bloc's imports, money is in million USD.
///
/// # Errors
/// [`FigureError`] when a point of the frontier or the cap is out of range, or when a drawing fails.
pub fn figures(
    collection: &Collection,
    countries: &CountryTable,
    frontier: &[FrontierPoint],
    context: &FigureContext<'_>,
) -> Result<Vec<Figure>, FigureError> {
    if let Some(cap) = context.cap.filter(|cap| !(0.0..=1.0).contains(cap)) {
        return Err(FigureError::Cap(cap));
    }
    frontier::check(frontier)?;
    let fonts = Fonts::embedded()?;
    let breakdown = |name, level, by| shares::draw(name, &collection.shares, level, by, context, &fonts);
    let drawn = [
        breakdown("figure_10_subsectors", Level::Subsector, "subsector")?,
        breakdown("figure_11_stages", Level::Stage, "stage of production")?,
        breakdown("figure_sectors", Level::Sector, "sector")?,
        gains::draw(collection, countries, context, &fonts)?,
        frontier::draw(frontier, context, &fonts)?,
    ];
    Ok(drawn.into_iter().flatten().collect())
}
