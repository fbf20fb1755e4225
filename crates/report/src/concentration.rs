//! Concentration as files, JSON and screen: `concentration.csv` per product and `pareto.csv`, risk against concentration.

use reorient_core::{CountryTable, ProductCode};
use reorient_folder::Target;
use reorient_metrics::{Headline, ProductRow, TradeOff};
use reorient_model::NanoUsd;
use serde_json::{Value, json as object};

use crate::ReportError;
use crate::columns::{Column, Pick, json, write_csv};
use crate::grid::{self, Grid};
use crate::number::{musd, percent};
use crate::screen::Screen;
use crate::study::{StudyManifest, write_study};
use crate::text::counted;

/// The kind in the manifest of such a folder.
pub const KIND: &str = "concentration";

/// One product of `concentration.csv`.
#[derive(Debug, Clone)]
pub struct ConcentrationRow<'a> {
    /// Its figures.
    pub product: &'a ProductRow,
    /// Least index over all feasible allocations, its weighted risk imports, and the marginal index; none without imports.
    pub least: Option<(f64, NanoUsd, Option<f64>)>,
}

fn of_products<'a>() -> [Column<ConcentrationRow<'a>>; 14] {
    [
        ("product", Pick::Text(|row, _| Some(row.product.product.to_string()))),
        ("description", Pick::Text(|row, _| Some(row.product.labels.description.clone()))),
        ("imports_kusd", Pick::Money(|row| Some(row.product.imports))),
        ("risk_before_kusd", Pick::Money(|row| Some(row.product.risk_before))),
        ("risk_after_musd", Pick::Text(|row, _| row.product.risk_after.map(musd))),
        ("hhi_before", Pick::Real(|row| row.product.hhi_before)),
        ("hhi_after", Pick::Real(|row| row.product.hhi_after)),
        ("hhi_after_min", Pick::Real(|row| row.product.hhi_after_min)),
        ("hhi_after_max", Pick::Real(|row| row.product.hhi_after_max)),
        ("hhi_max_exact", Pick::Flag(|row| row.product.hhi_max_is_exact)),
        ("hhi_least_feasible", Pick::Real(|row| row.least.map(|least| least.0))),
        ("risk_at_least_musd", Pick::Text(|row, _| row.least.map(|least| musd(least.1)))),
        ("marginal_hhi_per_musd", Pick::Real(|row| row.least.and_then(|least| least.2))),
        ("unmet_musd", Pick::Text(|row, _| row.product.unmet.map(musd))),
    ]
}

const OF_CURVE: [Column<TradeOff>; 4] = [
    ("price", Pick::Real(|row| row.price)),
    ("risk_musd", Pick::Text(|row, _| Some(musd(row.risk)))),
    ("risk_pct", Pick::Real(|row| Some(row.risk_pct))),
    ("hhi_mean", Pick::Real(|row| Some(row.hhi))),
];

/// Writes `concentration.csv`, `pareto.csv` and a manifest.
///
/// # Errors
/// [`ReportError`] when the folder is not free or something cannot be written.
pub fn write_concentration(
    target: &Target,
    rows: &[ConcentrationRow<'_>],
    curve: &[TradeOff],
    countries: &CountryTable,
    manifest: &StudyManifest,
) -> Result<Vec<String>, ReportError> {
    write_study(
        target,
        KIND,
        &[
            ("concentration.csv", &|out| write_csv(out, &of_products(), rows, countries)),
            ("pareto.csv", &|out| write_csv(out, &OF_CURVE, curve, countries)),
        ],
        manifest,
    )
}

/// Both tables with the column names of the files.
pub fn concentration_json(rows: &[ConcentrationRow<'_>], curve: &[TradeOff], countries: &CountryTable) -> Value {
    object!({ "concentration": json(&of_products(), rows, countries), "pareto": json(&OF_CURVE, curve, countries) })
}

/// Products on screen.
const ROWS: usize = 12;

/// What the cut costs in concentration, the curve, and the products with the widest range.
pub fn concentration_view(
    headline: &Headline,
    rows: &[ConcentrationRow<'_>],
    curve: &[TradeOff],
    title: &str,
    screen: Screen,
) -> String {
    let mut trade_off = Grid::new([
        grid::Column::number("price on risk"),
        grid::Column::number("risk share %"),
        grid::Column::number("mean HHI"),
    ]);
    for point in curve.iter().step_by(4).chain(curve.last().filter(|_| curve.len() % 4 != 1)) {
        let price = point.price.map_or_else(|| "optimum".to_owned(), |price| format!("{price:.2}"));
        trade_off.row([price, format!("{:.2}", point.risk_pct), format!("{:.4}", point.hhi)]);
    }
    let width = |row: &&ConcentrationRow<'_>| match (row.product.hhi_after_min, row.product.hhi_after_max) {
        (Some(least), Some(most)) => most - least,
        _ => 0.0,
    };
    let mut widest: Vec<&ConcentrationRow<'_>> = rows.iter().filter(|row| width(row) > 0.0).collect();
    widest.sort_by(|one, other| width(other).total_cmp(&width(one)).then(one.product.product.cmp(&other.product.product)));
    let mut open = Grid::new([
        grid::Column::text("product"),
        grid::Column::number("today"),
        grid::Column::number("declared"),
        grid::Column::number("least to most"),
        grid::Column::number("least of all").leaves(1),
        grid::Column::text("description").cut(16, 80),
    ]);
    let index = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"));
    for row in widest.iter().take(ROWS) {
        let product = row.product;
        open.row([
            product.product.to_string(),
            index(product.hhi_before),
            index(product.hhi_after),
            format!("{} to {}", index(product.hhi_after_min), index(product.hhi_after_max)),
            index(row.least.map(|least| least.0)),
            product.labels.description.clone(),
        ]);
    }
    if widest.len() > ROWS {
        open.foot(format!("… and {} more in concentration.csv", widest.len() - ROWS));
    }
    let elsewhere = "--json and concentration.csv (--out DIR) have all.";
    let mut blocks = vec![screen.title(title), screen.paragraph(&answer(headline, rows, curve))];
    if !trade_off.is_empty() {
        blocks.push(format!("{}\n{}", screen.title("Least mean concentration against risk imports"), trade_off.draw(screen, "")));
    }
    let heading = screen.title("Where the optimum leaves concentration open");
    let table = if open.is_empty() { screen.item("In no product.") } else { open.draw(screen, elsewhere) };
    blocks.push(format!("{heading}\n{table}"));
    blocks.join("\n\n") + "\n"
}

/// Whether the cut must cost concentration, in a few sentences.
fn answer(headline: &Headline, rows: &[ConcentrationRow<'_>], curve: &[TradeOff]) -> String {
    let (Some(mean), Some(even)) = (headline.hhi, curve.first()) else { return "Nothing is imported.".to_owned() };
    let share = |amount: NanoUsd| percent(amount, headline.imports.into(), 2).unwrap_or_default();
    let after = mean.after.unwrap_or_default();
    let (least, most) = mean.range.unwrap_or((after, after));
    let verdict = if headline.risk_after == NanoUsd::from(headline.risk_before) && most <= least {
        "there is no cut, and imports stay as they are"
    } else if least > mean.before {
        "the cut must make imports more concentrated, whichever optimum is chosen"
    } else if most < mean.before {
        "the cut makes imports less concentrated, whichever optimum is chosen"
    } else {
        "the cut itself does not decide whether concentration falls: the choice among equally good optima does"
    };
    let missing = if headline.unmet > NanoUsd::default() {
        format!("; {} % cannot be supplied, and the index after is of what is", share(headline.unmet))
    } else {
        String::new()
    };
    let exact = rows.iter().filter(|row| row.product.hhi_max_is_exact == Some(true)).count();
    let measured = rows.iter().filter(|row| row.product.hhi_max_is_exact.is_some()).count();
    format!(
        "Risk imports fall from {} to {} % of imports{missing}. The mean concentration of origins (HHI, weighted by imports) is {:.4} today \
         and {:.4} at the declared optimum; over all optima it is between {least:.4} and {most:.4}, so {verdict}. Without any \
         aim at risk it could be {:.4}, with risk imports of {:.2} %. The greatest index is exact in {exact} of {}.",
        share(headline.risk_before.into()),
        share(headline.risk_after),
        mean.before,
        mean.after.unwrap_or_default(),
        even.hhi,
        even.risk_pct,
        counted(measured, "product"),
    )
}

/// Rows in the order of the products; `least` gives what is known of a product's curve.
pub fn concentration_rows<'a>(
    products: &'a [ProductRow],
    least: impl Fn(ProductCode) -> Option<(f64, NanoUsd, Option<f64>)>,
) -> Vec<ConcentrationRow<'a>> {
    products.iter().map(|product| ConcentrationRow { product, least: least(product.product) }).collect()
}
