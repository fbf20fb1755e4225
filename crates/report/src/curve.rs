//! The frontier as files, JSON and screen: `frontier.csv` and `critical_caps.csv`.

use anstyle::AnsiColor;
use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use reorient_core::{CountryTable, Fraction};
use reorient_folder::Target;
use reorient_metrics::CriticalCap;
use reorient_model::{Frontier, FrontierPoint, NanoUsd, Ratio};
use serde_json::{Value, json as object};

use crate::ReportError;
use crate::columns::{Column, Pick, batch, json, write_csv};
use crate::grid::{self, Grid};
use crate::number::{NANO_PER_MUSD, decimal, grouped, percent};
use crate::screen::Screen;
use crate::study::{StudyManifest, write_study};
use crate::text::counted;

/// The kind in the manifest of a folder of a frontier.
pub const KIND: &str = "frontier";

/// A point with the unit of its curve.
#[derive(Clone, Copy)]
struct Point {
    scale: i64,
    /// Of all products, in units of the curve.
    imports: i128,
    point: FrontierPoint,
}

impl Point {
    fn all(frontier: &Frontier) -> Vec<Self> {
        frontier.points.iter().map(|point| Self::new(frontier, *point)).collect()
    }

    fn new(frontier: &Frontier, point: FrontierPoint) -> Self {
        Self { scale: frontier.scale, imports: frontier.imports, point }
    }

    fn risk(&self) -> NanoUsd {
        self.point.risk.to_nano(self.scale)
    }

    fn unmet(&self) -> NanoUsd {
        self.point.unmet.to_nano(self.scale)
    }

    fn imports(&self) -> NanoUsd {
        NanoUsd::from_scaled(self.imports, self.scale)
    }

    fn share(&self, part: NanoUsd, places: u32) -> Option<String> {
        percent(part, self.imports(), places)
    }
}

const POINTS: [Column<Point>; 7] = [
    ("cap", Pick::Real(|row| Some(row.point.cap.to_f64()))),
    ("risk_musd", Pick::Millions(|row| Some(row.risk()))),
    ("risk_pct", Pick::Real(|row| row.share(row.risk(), 6).and_then(|text| text.parse().ok()))),
    ("imports_musd", Pick::Millions(|row| Some(row.imports()))),
    ("infeasible", Pick::Whole(|row, _| i64::try_from(row.point.infeasible).ok())),
    ("unmet_musd", Pick::Millions(|row| Some(row.unmet()))),
    ("unmet_pct", Pick::Real(|row| row.share(row.unmet(), 6).and_then(|text| text.parse().ok()))),
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
/// Columns of the longest bar at the most, and what stands before it.
const BAR: usize = 40;
const BEFORE_BAR: usize = 50;
/// Products named on screen.
const NAMED: usize = 12;

/// The curve at round caps, the scenario's own cap marked, and the products that take the largest caps or none at all.
pub fn frontier_view(frontier: &Frontier, products: &[CriticalCap], cap: Fraction, title: &str, screen: Screen) -> String {
    let mut caps: Vec<Fraction> = SHOWN.iter().filter_map(|step| Fraction::new(*step, 100).ok()).chain([cap]).collect();
    caps.sort_unstable();
    caps.dedup();
    let points: Vec<(Fraction, Point)> =
        caps.into_iter().filter_map(|cap| Some((cap, Point::new(frontier, *frontier.at(cap)?)))).collect();
    let most = points.iter().map(|(_, point)| point.risk()).max().unwrap_or_default();
    let any_unmet = points.iter().any(|(_, point)| point.point.infeasible > 0);
    let mut columns = vec![
        grid::Column::text(""),
        grid::Column::number("cap pp").close(),
        grid::Column::number("    risk M$"),
        grid::Column::number("  risk %"),
    ];
    if any_unmet {
        columns.push(grid::Column::number("unmet M$"));
    }
    columns.push(grid::Column::text(""));
    let mut curve = Grid::new(columns);
    let longest = i128::try_from(BAR.min(screen.width() - BEFORE_BAR)).unwrap_or(0);
    for (own, point) in &points {
        let length = if most.0 > 0 { point.risk().0 * longest / most.0 } else { 0 };
        let mut cells = vec![
            if *own == cap { "›" } else { " " }.to_owned(),
            format!("{:.2}", own.to_f64() * 100.0),
            grouped(&decimal(point.risk().0, NANO_PER_MUSD, 1)),
            point.share(point.risk(), 2).unwrap_or_else(|| "–".to_owned()),
        ];
        if any_unmet {
            cells.push(grouped(&decimal(point.unmet().0, NANO_PER_MUSD, 1)));
        }
        let bar = "█".repeat(usize::try_from(length).unwrap_or(0));
        cells.push(if bar.is_empty() { bar } else { screen.paint(&bar, AnsiColor::Red.on_default()) });
        curve.row(cells);
    }
    let mut lines = vec![screen.title(title), String::new(), curve.draw(screen, "")];
    lines.push(String::new());
    let cleared = products.iter().filter(|row| row.cap.is_some_and(|own| own <= Ratio::from(Fraction::ONE))).count();
    let mut text = format!(
        "{}, straight in between. A cap of up to 100 percentage points clears {cleared} of {}",
        counted(frontier.points.len(), "point"),
        counted(products.len(), "product"),
    );
    match points.last().and_then(|(_, point)| point.share(point.risk(), 2)) {
        Some(floor) => text.push_str(&format!("; with all of it {floor} % would stay.")),
        None => text.push('.'),
    }
    if any_unmet {
        text.push_str(" Unmet is what no origin can supply under these options; more capacity supplies it first.");
    }
    lines.push(screen.paragraph(&text));
    let mut hardest: Vec<&CriticalCap> = products.iter().filter(|row| row.cap.is_none_or(|own| own > Ratio::from(cap))).collect();
    // Uncleared first, then the largest caps; ties by code.
    hardest.sort_by(|left, right| match (left.cap, right.cap) {
        (None, None) => right.risk_before.cmp(&left.risk_before).then(left.product.cmp(&right.product)),
        (None, _) => std::cmp::Ordering::Less,
        (_, None) => std::cmp::Ordering::Greater,
        (Some(own), Some(other)) => other.cmp(&own).then(left.product.cmp(&right.product)),
    });
    if !hardest.is_empty() {
        let mut table = Grid::new([
            grid::Column::text("product"),
            grid::Column::number("cap pp"),
            grid::Column::number("risk M$"),
            grid::Column::text("description").cut(20, 100),
        ]);
        for row in hardest.iter().take(NAMED) {
            table.row([
                row.product.to_string(),
                row.cap.map_or_else(|| "none".to_owned(), |own| format!("{:.2}", own.to_f64() * 100.0)),
                grouped(&decimal(NanoUsd::from(row.risk_before).0, NANO_PER_MUSD, 1)),
                row.description.clone(),
            ]);
        }
        if hardest.len() > NAMED {
            table.foot(format!("… and {} more in critical_caps.csv", hardest.len() - NAMED));
        }
        lines.push(format!("\n{}", screen.title("Critical caps above the scenario's")));
        lines.push(table.draw(screen, "--json and critical_caps.csv (--out DIR) have all."));
    }
    lines.join("\n") + "\n"
}
