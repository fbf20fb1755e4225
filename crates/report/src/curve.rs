//! The frontier as files, JSON and screen: `frontier.csv` and `critical_caps.csv`.

use anstyle::{AnsiColor, Style};
use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use reorient_core::{CountryTable, Fraction};
use reorient_folder::Target;
use reorient_metrics::CriticalCap;
use reorient_model::{Frontier, FrontierPoint, NanoUsd, Ratio};
use serde_json::{Value, json as object};

use crate::ReportError;
use crate::columns::{Column, Pick, batch, json, write_csv};
use crate::number::{NANO_PER_MUSD, decimal, grouped, percent};
use crate::study::{StudyManifest, write_study};
use crate::text::{cut, paint, wrap};

/// The kind in the manifest of a folder of a frontier.
pub const KIND: &str = "frontier";

/// A point with the unit of its curve.
#[derive(Clone, Copy)]
struct Point {
    scale: i64,
    point: FrontierPoint,
}

impl Point {
    fn all(frontier: &Frontier) -> Vec<Self> {
        frontier.points.iter().map(|point| Self { scale: frontier.scale, point: *point }).collect()
    }

    fn risk(&self) -> NanoUsd {
        self.point.risk.to_nano(self.scale)
    }

    fn imports(&self) -> NanoUsd {
        NanoUsd::from_scaled(self.point.imports, self.scale)
    }

    fn share(&self, places: u32) -> Option<String> {
        percent(self.risk(), self.imports(), places)
    }
}

const POINTS: [Column<Point>; 5] = [
    ("cap", Pick::Real(|row| Some(row.point.cap.to_f64()))),
    ("risk_musd", Pick::Millions(|row| Some(row.risk()))),
    ("risk_pct", Pick::Real(|row| row.share(6).and_then(|text| text.parse().ok()))),
    ("imports_musd", Pick::Millions(|row| Some(row.imports()))),
    ("infeasible", Pick::Whole(|row, _| i64::try_from(row.point.infeasible).ok())),
];

const CAPS: [Column<CriticalCap>; 5] = [
    ("product", Pick::Text(|row, _| Some(row.product.to_string()))),
    ("description", Pick::Text(|row, _| Some(row.description.clone()))),
    ("imports_kusd", Pick::Money(|row| Some(row.imports))),
    ("risk_before_kusd", Pick::Money(|row| Some(row.risk_before))),
    ("critical_cap", Pick::Real(|row| row.cap.map(Ratio::to_f64))),
];

/// Writes `frontier.csv`, `critical_caps.csv` and a manifest.
///
/// # Errors
/// [`ReportError`] when the folder is not free or something cannot be written.
pub fn write_frontier(
    target: &Target,
    frontier: &Frontier,
    products: &[CriticalCap],
    countries: &CountryTable,
    manifest: &StudyManifest,
) -> Result<Vec<String>, ReportError> {
    let points = Point::all(frontier);
    write_study(
        target,
        KIND,
        &[
            ("frontier.csv", &|out| write_csv(out, &POINTS, &points, countries)),
            ("critical_caps.csv", &|out| write_csv(out, &CAPS, products, countries)),
        ],
        manifest,
    )
}

/// Both tables as Arrow.
pub(crate) fn batches(
    frontier: &Frontier,
    products: &[CriticalCap],
    countries: &CountryTable,
) -> Result<(RecordBatch, RecordBatch), ArrowError> {
    Ok((batch(&POINTS, &Point::all(frontier), countries)?, batch(&CAPS, products, countries)?))
}

/// Both tables with the column names of the files.
pub fn frontier_json(frontier: &Frontier, products: &[CriticalCap], countries: &CountryTable) -> Value {
    object!({
        "frontier": json(&POINTS, &Point::all(frontier), countries),
        "critical_caps": json(&CAPS, products, countries),
    })
}

/// Caps on screen, in percentage points.
const SHOWN: [u64; 14] = [0, 1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 50, 75, 100];
/// Columns of the longest bar.
const BAR: i128 = 40;
/// Products named on screen.
const NAMED: usize = 12;
const WIDTH: usize = 100;

/// The curve at round caps, the scenario's own cap marked, and the products that take the largest caps or none at all.
pub fn frontier_view(frontier: &Frontier, products: &[CriticalCap], cap: Fraction, title: &str, colour: bool) -> String {
    let bold = Style::new().bold();
    let mut caps: Vec<Fraction> = SHOWN.iter().filter_map(|step| Fraction::new(*step, 100).ok()).chain([cap]).collect();
    caps.sort_unstable();
    caps.dedup();
    let points: Vec<(Fraction, Point)> =
        caps.into_iter().filter_map(|cap| Some((cap, Point { scale: frontier.scale, point: *frontier.at(cap)? }))).collect();
    let most = points.iter().map(|(_, point)| point.risk()).max().unwrap_or_default();
    let mut lines = vec![paint(&cut(title, WIDTH), bold, colour), String::new()];
    let any_infeasible = points.iter().any(|(_, point)| point.point.infeasible > 0);
    let header =
        if any_infeasible { "    cap pp    risk M$      risk %  infeasible" } else { "    cap pp    risk M$      risk %" };
    lines.push(paint(header, Style::new().dimmed(), colour));
    for (own, point) in &points {
        let length = if most.0 > 0 { point.risk().0 * BAR / most.0 } else { 0 };
        let bar = paint(&"█".repeat(usize::try_from(length).unwrap_or(0)), AnsiColor::Red.on_default(), colour);
        let mark = if *own == cap { '›' } else { ' ' };
        let in_points = format!("{:.2}", own.to_f64() * 100.0);
        let risk = grouped(&decimal(point.risk().0, NANO_PER_MUSD, 1));
        let share = point.share(2).unwrap_or_else(|| "–".to_owned());
        let without = if any_infeasible { format!(" {:>11}", point.point.infeasible) } else { String::new() };
        lines.push(format!("  {mark} {in_points:>6} {risk:>12} {share:>9}{without}  {bar}").trim_end().to_owned());
    }
    lines.push(String::new());
    let cleared = products.iter().filter(|row| row.cap.is_some_and(|own| own <= Ratio::from(Fraction::ONE))).count();
    let mut text = format!(
        "{} points, straight in between. A cap of up to 100 percentage points clears {cleared} of {} products",
        grouped(&frontier.points.len().to_string()),
        products.len(),
    );
    match points.last().and_then(|(_, point)| point.share(2)) {
        Some(floor) => text.push_str(&format!("; with all of it {floor} % would stay.")),
        None => text.push('.'),
    }
    if any_infeasible {
        text.push_str(
            " Products without an allocation at a cap are in no sum there; the curve jumps where one enters, so shares at \
             different caps are of different goods.",
        );
    }
    lines.push(wrap(&text, WIDTH, ""));
    let mut hardest: Vec<&CriticalCap> = products.iter().filter(|row| row.cap.is_none_or(|own| own > Ratio::from(cap))).collect();
    // Uncleared first, then the largest caps; ties by code.
    hardest.sort_by(|left, right| match (left.cap, right.cap) {
        (None, None) => right.risk_before.cmp(&left.risk_before).then(left.product.cmp(&right.product)),
        (None, _) => std::cmp::Ordering::Less,
        (_, None) => std::cmp::Ordering::Greater,
        (Some(own), Some(other)) => other.cmp(&own).then(left.product.cmp(&right.product)),
    });
    if !hardest.is_empty() {
        lines.push(format!("\n{}", paint("Critical caps above the scenario's", bold, colour)));
        lines.push(paint("  product  cap pp      risk M$  description", Style::new().dimmed(), colour));
        for row in hardest.iter().take(NAMED) {
            let critical = row.cap.map_or_else(|| "none".to_owned(), |own| format!("{:.2}", own.to_f64() * 100.0));
            let risk = grouped(&decimal(NanoUsd::from(row.risk_before).0, NANO_PER_MUSD, 1));
            lines.push(
                format!("  {:<7} {critical:>7} {risk:>12}  {}", row.product, cut(&row.description, 68)).trim_end().to_owned(),
            );
        }
        if hardest.len() > NAMED {
            lines.push(format!("  … and {} more in critical_caps.csv", hardest.len() - NAMED));
        }
    }
    lines.join("\n") + "\n"
}
