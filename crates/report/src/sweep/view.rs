//! A sweep on screen and as JSON.

use anstyle::AnsiColor;
use serde_json::{Value, json};

use super::write::{SweepPoint, SweepSummary, diff_fields};
use super::{SweepComparison, SweepDifference};
use crate::grid::{Column, Grid};
use crate::screen::Screen;
use crate::text::counted;

/// The least room for the name of a scenario, and the most.
const NAME: (usize, usize) = (16, 110);
/// Differences on screen; the file has all.
const ROWS: usize = 20;

/// What a screen shows of a sweep.
#[derive(Debug, Clone, Copy)]
pub struct SweepView<'a> {
    /// One line above all.
    pub title: &'a str,
    /// What the folder holds.
    pub summary: &'a SweepSummary,
    /// Against another sweep.
    pub comparison: Option<&'a SweepComparison>,
    /// Where it is printed.
    pub screen: Screen,
}

/// What came of the scenarios, the least and the greatest risk shares, and what changed.
pub fn sweep_view(view: &SweepView<'_>) -> String {
    let SweepView { title, summary, comparison, screen } = *view;
    let counts = &summary.counts;
    let status = [
        (counts.answered, "answered"),
        (counts.open, "with products left open"),
        (counts.refused, "refused"),
        (counts.not_certified, "not certified"),
    ];
    let words: Vec<String> =
        status.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    let mut lines = vec![screen.paragraph(&format!("{}: {}", counted(counts.scenarios, "scenario"), words.join(", ")))];
    if counts.repeated > 0 {
        let asks = if counts.repeated == 1 { "asks" } else { "ask" };
        lines.push(screen.paragraph(&format!("{} of them {asks} what an earlier one asks (column same_as)", counts.repeated)));
    }
    for (name, reason) in &summary.without {
        let text = format!("  {}", screen.hanging(&format!("{name}: {reason}"), "    "));
        lines.push(screen.paint(&text, AnsiColor::Yellow.on_default()));
    }
    let mut columns = vec![
        Column::number("scenario"),
        Column::text("name").cut(NAME.0, NAME.1),
        Column::number("before"),
        Column::number("after"),
    ];
    // Where goods are missing, a smaller share is no better answer.
    let all = || summary.base.iter().chain(&summary.extremes);
    let any_unmet = all().any(|point| point.unmet_pct > 0.0);
    if any_unmet {
        columns.push(Column::number("missing"));
    }
    let mut shares = Grid::new(columns);
    let cells = |point: &SweepPoint| {
        let share = |pct: f64| format!("{pct:.2}");
        let own = [point.scenario.to_string(), point.name.clone(), share(point.risk_before_pct), share(point.risk_after_pct)];
        own.into_iter().chain(any_unmet.then(|| share(point.unmet_pct))).collect::<Vec<_>>()
    };
    if let Some(base) = &summary.base {
        shares.row(cells(base));
    }
    let half = summary.extremes.len() / 2;
    for (at, point) in summary.extremes.iter().enumerate() {
        if at == half && counts.scenarios > summary.extremes.len() {
            shares.row(["…".to_owned(), "all are in summary.csv".to_owned()]);
        }
        shares.row(cells(point));
    }
    let table = shares.draw(screen, "--json and summary.csv have all.");
    let heading = if any_unmet {
        "Risk share after, and imports that nobody can supply, in percent: the least and the most of both together"
    } else {
        "Risk share after, in percent: the least and the most"
    };
    let mut blocks = vec![screen.title(title), lines.join("\n"), format!("{}\n{table}", screen.title(heading))];
    blocks.extend(comparison.map(|comparison| diff_view(comparison, screen)));
    blocks.join("\n\n") + "\n"
}

/// What changed against another sweep.
fn diff_view(comparison: &SweepComparison, screen: Screen) -> String {
    let count = |kind: &str| comparison.rows.iter().filter(|row| row.kind == kind).count();
    let heading = screen.title(&format!(
        "Against {}: {} changed, {} new, {} vanished, {} the same",
        comparison.other_source,
        count("changed"),
        count("new"),
        count("vanished"),
        comparison.same
    ));
    if comparison.rows.is_empty() {
        return heading;
    }
    let mut table = Grid::new([
        Column::number("rank").leaves(1),
        Column::text("change"),
        Column::text("name").cut(NAME.0, NAME.1),
        Column::number("before"),
        Column::number("now"),
        Column::number("points"),
    ]);
    for row in comparison.rows.iter().take(ROWS) {
        let fields = diff_fields(row);
        let short =
            |text: &str, places: usize| text.parse::<f64>().map_or_else(|_| "–".to_owned(), |real| format!("{real:.places$}"));
        table.row([
            row.rank.to_string(),
            row.kind.to_owned(),
            row.name.clone(),
            short(&fields[6], 2),
            short(&fields[7], 2),
            short(&fields[8], 4),
        ]);
    }
    if comparison.rows.len() > ROWS {
        table.foot(format!("… and {} more in diff.csv", comparison.rows.len() - ROWS));
    }
    format!("{heading}\n{}", table.draw(screen, "--json and diff.csv have all."))
}

/// Counts, the base, the ends and what changed, as one object.
pub fn sweep_json(summary: &SweepSummary, comparison: Option<&SweepComparison>) -> Value {
    let row = |row: &SweepDifference| {
        let fields = diff_fields(row);
        json!({
            "rank": row.rank, "change": row.kind, "scenario": row.scenario, "name": row.name,
            "status_before": row.status[0], "status_now": row.status[1],
            "risk_after_pct_before": fields[6].parse::<f64>().ok(), "risk_after_pct_now": fields[7].parse::<f64>().ok(),
            "change_points": fields[8].parse::<f64>().ok(),
        })
    };
    let mut object = json!({
        "counts": summary.counts,
        "base": summary.base,
        "extremes": summary.extremes,
        "without_all_figures": summary.without.iter().map(|(name, reason)| json!({"name": name, "reason": reason})).collect::<Vec<_>>(),
    });
    if let Some(comparison) = comparison {
        let rows = comparison.rows.iter().map(row).collect::<Vec<_>>();
        object["diff"] = json!({"same": comparison.same, "other_source": comparison.other_source, "rows": rows});
    }
    object
}
