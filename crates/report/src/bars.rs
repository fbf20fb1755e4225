//! Horizontal bars of risk shares before and after.

use anstyle::Style;
use reorient_core::Usd;
use reorient_metrics::{Collection, Level, Origin, ShareRow};
use reorient_model::NanoUsd;

use crate::number::{percent, ratio};
use crate::screen::Screen;
use crate::terminal::{ADDED, MISSING, REMAINING, REMOVED};
use crate::text::{cut, display_width, paint};

/// Left one eighth to seven eighths of a cell.
const EIGHTHS: [char; 7] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/// One section per breakdown that has more to show than `all`.
pub(crate) fn sections(collection: &Collection, screen: Screen) -> Vec<String> {
    let (width, colour) = (screen.width(), screen.has_colour());
    let levels = [(Level::Sector, "By sector"), (Level::Stage, "By stage"), (Level::Subsector, "By subsector")];
    let rows_of = |level| -> Vec<&ShareRow> {
        let of_level = |row: &&ShareRow| row.level == level && row.origin == Origin::AllRisk;
        collection.shares.iter().filter(of_level).collect()
    };
    let shown = levels.into_iter().map(|(level, title)| (level, title, rows_of(level))).filter(|(level, _, rows)| {
        let enough = if *level == Level::Subsector { rows.len() > 1 } else { !rows.is_empty() };
        enough && rows.iter().any(|row| row.name != "all")
    });
    let shown: Vec<_> = shown.collect();
    let all = || shown.iter().flat_map(|(_, _, rows)| rows.iter());
    // One scale for all sections, so that bars compare.
    let scale = all().map(|row| millionths(row.before.into(), row.imports).max(millionths(row.after, row.imports))).max();
    let names = all().map(|row| display_width(&row.name)).max().unwrap_or(0).min(28).min(width / 3);
    let cells = width.saturating_sub(names + 2 + 2 + 2 + FIGURES).clamp(8, 48);
    let section = |(_, title, rows): &(Level, &str, Vec<&ShareRow>)| {
        let mut text = paint(title, Style::new().bold(), colour);
        for row in rows {
            text.push_str(&line(row, names, cells, scale.unwrap_or(0), colour));
        }
        text
    };
    shown.iter().map(section).collect()
}

/// Columns of `12.3 → 45.6 %` with room for 100.0 twice.
const FIGURES: usize = 15;

fn line(row: &ShareRow, names: usize, cells: usize, scale: i128, colour: bool) -> String {
    let figure = |part| percent(part, row.imports.into(), 1).unwrap_or_else(|| "–".to_owned());
    let name = cut(&row.name, names);
    let pad = " ".repeat(names.saturating_sub(display_width(&name)));
    let (before, after) = (millionths(row.before.into(), row.imports), millionths(row.after, row.imports));
    // What alternatives do not take over of a fall is missing.
    let missing = NanoUsd::from(row.before) - row.after - row.cut;
    let bar = bar([before, after, millionths(missing, row.imports)], scale, cells, colour);
    format!("\n  {name}{pad}  {:>5} → {:>5} %  {bar}", figure(row.before.into()), figure(row.after)).trim_end().to_owned()
}

fn millionths(part: NanoUsd, imports: Usd) -> i128 {
    let imports = NanoUsd::from(imports).0;
    if imports > 0 { ratio(part.0, imports, 1_000_000).max(0) } else { 0 }
}

/// Whether a bar has a part that was added.
pub(crate) fn any_rise(sections: &[String]) -> bool {
    sections.iter().any(|section| section.contains('▓'))
}

/// Whether a bar has a part that nobody supplies.
pub(crate) fn any_missing(sections: &[String]) -> bool {
    sections.iter().any(|section| section.contains('×'))
}

/// What stays as a full block in eighths, what was removed as a light shade, what was added as a dark shade; of what was removed,
/// the part that nobody supplies as crosses at the end.
fn bar([before, after, missing]: [i128; 3], scale: i128, cells: usize, colour: bool) -> String {
    let eighths = |share: i128| {
        let length = if scale > 0 { ratio(share, scale, 8 * i128::try_from(cells).unwrap_or(0)) } else { 0 };
        usize::try_from(length).unwrap_or(0)
    };
    let (before, after, missing) = (eighths(before), eighths(after), eighths(missing));
    let solid = before.min(after);
    let mut remaining = "█".repeat(solid / 8);
    // A share above zero is never drawn as nothing.
    if let Some(part) = (solid % 8).checked_sub(1) {
        remaining.push(EIGHTHS[part]);
    }
    let drawn = solid.div_ceil(8);
    let shade = |length: usize, character: &str| character.repeat(((length + 4) / 8).saturating_sub(drawn));
    let removed = ((before + 4) / 8).saturating_sub(drawn);
    // Something missing is never drawn as nothing.
    let missing = missing.div_ceil(8).min(removed);
    let mut text = String::new();
    for (part, style) in [
        (remaining, REMAINING),
        ("░".repeat(removed - missing), REMOVED),
        ("×".repeat(missing), MISSING),
        (if after > before { shade(after, "▓") } else { String::new() }, ADDED),
    ] {
        if !part.is_empty() {
            text.push_str(&paint(&part, style, colour));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_show_what_stays_and_what_goes() {
        assert_eq!(bar([100, 50, 0], 100, 8, false), "████░░░░");
        assert_eq!(bar([100, 100, 0], 100, 8, false), "████████");
        assert_eq!(bar([100, 0, 0], 100, 8, false), "░░░░░░░░");
        assert_eq!(bar([50, 100, 0], 100, 8, false), "████▓▓▓▓");
        assert_eq!(bar([64, 33, 0], 64, 8, false), "████▏░░░");
        assert_eq!(bar([0, 0, 0], 0, 8, false), "");
        assert_eq!(bar([100, 25, 25], 100, 8, false), "██░░░░××");
        assert_eq!(bar([100, 0, 100], 100, 8, false), "××××××××");
    }
}
