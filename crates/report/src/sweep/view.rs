//! A sweep on screen and as JSON.

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};

use super::write::{SweepPoint, SweepSummary, diff_fields};
use super::{SweepComparison, SweepDifference};
use crate::text::{cut, paint};

/// Room for the name of a scenario.
const NAME: usize = 58;
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
    /// Whether colours are wanted.
    pub colour: bool,
}

/// The view on a terminal, at most a hundred columns wide.
pub fn sweep_view(view: &SweepView<'_>) -> String {
    let SweepView { title, summary, comparison, colour } = *view;
    let head = |text: &str| paint(text, Style::new().bold(), colour);
    let faint = |text: &str| paint(text, Style::new().dimmed(), colour);
    let counts = &summary.counts;
    let mut lines = vec![head(title), String::new()];
    let status = [
        (counts.answered, "answered"),
        (counts.open, "with products left open"),
        (counts.refused, "refused"),
        (counts.not_certified, "not certified"),
    ];
    let words: Vec<String> =
        status.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    lines.push(format!("{} scenarios: {}", counts.scenarios, words.join(", ")));
    if counts.repeated > 0 {
        lines.push(format!("{} of them ask what an earlier one asks (column same_as)", counts.repeated));
    }
    for (name, reason) in &summary.without {
        lines.push(paint(&format!("  {}  {}", cut(name, 40), cut(reason, 54)), AnsiColor::Yellow.on_default(), colour));
    }
    lines.push(String::new());
    lines.push(head("Risk share after, in percent"));
    lines.push(faint(&format!("  {:>8}  {:<NAME$}{:>10}{:>10}", "scenario", "name", "before", "after")));
    let line = |point: &SweepPoint| {
        let name = cut(&point.name, NAME - 1);
        format!("  {:>8}  {name:<NAME$}{:>10.2}{:>10.2}", point.scenario, point.risk_before_pct, point.risk_after_pct)
    };
    lines.extend(summary.base.iter().map(line));
    let half = summary.extremes.len() / 2;
    for (at, point) in summary.extremes.iter().enumerate() {
        if at == half && counts.scenarios > summary.extremes.len() {
            lines.push(faint(&format!("  {:>8}  all are in summary.csv", "…")));
        }
        lines.push(line(point));
    }
    if let Some(comparison) = comparison {
        lines.push(String::new());
        lines.push(diff_view(comparison, colour));
    }
    lines.join("\n") + "\n"
}

/// What changed against another sweep.
fn diff_view(comparison: &SweepComparison, colour: bool) -> String {
    let head = |text: &str| paint(text, Style::new().bold(), colour);
    let faint = |text: &str| paint(text, Style::new().dimmed(), colour);
    let count = |kind: &str| comparison.rows.iter().filter(|row| row.kind == kind).count();
    let mut lines = vec![head(&format!(
        "Against {}: {} changed, {} new, {} vanished, {} the same",
        comparison.other_source,
        count("changed"),
        count("new"),
        count("vanished"),
        comparison.same
    ))];
    if !comparison.rows.is_empty() {
        lines.push(faint(&format!(
            "  {:>5}  {:<9} {:<48}{:>10}{:>10}{:>11}",
            "rank", "change", "name", "before", "now", "points"
        )));
    }
    for row in comparison.rows.iter().take(ROWS) {
        let fields = diff_fields(row);
        let short =
            |text: &str, places: usize| text.parse::<f64>().map_or_else(|_| "–".to_owned(), |real| format!("{real:.places$}"));
        lines.push(format!(
            "  {:>5}  {:<9} {:<48}{:>10}{:>10}{:>11}",
            row.rank,
            row.kind,
            cut(&row.name, 47),
            short(&fields[6], 2),
            short(&fields[7], 2),
            short(&fields[8], 4)
        ));
    }
    if comparison.rows.len() > ROWS {
        lines.push(faint(&format!("  … and {} more in diff.csv", comparison.rows.len() - ROWS)));
    }
    lines.join("\n")
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
