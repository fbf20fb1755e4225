//! Marks that differ in shape as well as in colour (the colours of Okabe and Ito), so that print without colour keeps them.

use reorient_core::Sector;

use super::canvas::{Canvas, INK};

/// Lines of a plot's background.
pub(super) const GRID: &str = r##"stroke="#dedede" stroke-width="0.7""##;
/// Lines that bound a plot or a table.
pub(super) const RULE: &str = r##"stroke="#6a6a6a" stroke-width="0.9""##;

/// Over years: observed, broken; optimised, solid.
pub(super) const BEFORE_LINE: &str =
    r##"fill="none" stroke="#d55e00" stroke-width="1.6" stroke-dasharray="5 2.5" stroke-linejoin="round""##;
pub(super) const AFTER_LINE: &str = r##"fill="none" stroke="#0072b2" stroke-width="2" stroke-linejoin="round""##;
/// Between two lines: what moves away; between least and greatest: a range.
pub(super) const FALL_BAND: &str = r##"fill="#ececec" stroke="none""##;
pub(super) const RANGE_BAND: &str = r##"fill="#9ecae8" stroke="#0072b2" stroke-width="0.4""##;

/// A hollow circle: what is observed.
pub(super) fn before(canvas: &mut Canvas<'_>, at: (f64, f64)) {
    canvas.circle(at, 4.1, r##"fill="#fff" stroke="#d55e00" stroke-width="1.8""##);
}

/// A filled diamond: what is optimised.
pub(super) fn after(canvas: &mut Canvas<'_>, (x, y): (f64, f64)) {
    let corners = [(x, y - 4.6), (x + 4.6, y), (x, y + 4.6), (x - 4.6, y)];
    canvas.polyline(corners, true, r##"fill="#0072b2" stroke="#fff" stroke-width="0.7""##);
}

/// From before to after: grey for a fall, broken black for a rise.
pub(super) fn change(canvas: &mut Canvas<'_>, from: (f64, f64), to: (f64, f64)) {
    let style = if to.0 > from.0 {
        r##"stroke="#1a1a1a" stroke-width="1.6" stroke-dasharray="3 2""##
    } else {
        r##"stroke="#9a9a9a" stroke-width="2.4""##
    };
    canvas.line(from, to, style);
}

/// A range with caps at both ends; nothing when it is a point. A white ground keeps it visible on a hatched bar; a range so
/// narrow that the ground would hide the end of the bar goes without.
pub(super) fn whisker(canvas: &mut Canvas<'_>, low: f64, high: f64, y: f64) {
    const GROUND: &str = r##"stroke="#fff" stroke-width="3.4" stroke-linecap="square""##;
    const NARROW: f64 = 14.0;
    if high - low < 0.01 {
        return;
    }
    let ink = format!(r#"stroke="{INK}" stroke-width="1.3""#);
    let grounds = if high - low < NARROW { None } else { Some(GROUND) };
    for style in grounds.into_iter().chain([ink.as_str()]) {
        canvas.line((low, y), (high, y), style);
        canvas.line((low, y - 3.6), (low, y + 3.6), style);
        canvas.line((high, y - 3.6), (high, y + 3.6), style);
    }
}

/// A name for people, a colour, and a hatch of its own for every sector.
struct Look {
    name: &'static str,
    colour: &'static str,
    hatch: &'static str,
}

const fn look(sector: Sector) -> Look {
    match sector {
        Sector::Health => Look {
            name: "Health",
            colour: "#009e73",
            hatch: r##"<circle cx="2" cy="2" r="1.15" fill="#fff"/><circle cx="5" cy="5" r="1.15" fill="#fff"/>"##,
        },
        Sector::Ict => Look { name: "ICT", colour: "#0072b2", hatch: "" },
        Sector::Energy => Look {
            name: "Energy",
            colour: "#e69f00",
            hatch: r##"<path d="M-1 1L1 -1M-1 7L7 -1M5 7L7 5" stroke="#5c3d00" stroke-width="1.1"/>"##,
        },
        Sector::Minerals => Look {
            name: "Minerals",
            colour: "#cc79a7",
            hatch: r##"<path d="M1.5 0V6M4.5 0V6" stroke="#fff" stroke-width="1.2"/>"##,
        },
        Sector::All => Look { name: "All goods", colour: "#b4b4b4", hatch: "" },
    }
}

/// The sector's name for people.
pub(super) const fn sector_name(sector: Sector) -> &'static str {
    look(sector).name
}

/// Declares the hatches of some sectors. A figure puts its name before theirs: several figures may stand on one page.
pub(super) fn hatches(canvas: &mut Canvas<'_>, figure: &str, sectors: impl IntoIterator<Item = Sector>) {
    canvas.raw("<defs>");
    for sector in sectors {
        let Look { colour, hatch, .. } = look(sector);
        canvas.raw(&format!(
            "<pattern id=\"{figure}-{sector}\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">\
             <rect width=\"6\" height=\"6\" fill=\"{colour}\"/>{hatch}</pattern>"
        ));
    }
    canvas.raw("</defs>");
}

/// A bar in the sector's hatch, which [`hatches`] has declared.
pub(super) fn bar(canvas: &mut Canvas<'_>, figure: &str, sector: Sector, corner: (f64, f64), width: f64, height: f64) {
    let style = format!(r##"fill="url(#{figure}-{sector})" stroke="#1a1a1a" stroke-width="0.7""##);
    canvas.rectangle(corner, width, height, &style);
}
