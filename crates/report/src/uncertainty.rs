//! Uncertainty as files, JSON and screen: `uncertainty.csv`, `uncertainty_table_a1.csv` and `draws.csv`.

use reorient_core::{CountryTable, Fraction};
use reorient_folder::Target;
use reorient_metrics::{Collection, CountrySpread, FIGURES, QUANTILES, Spread, country_spreads, figure_spreads};
use serde_json::{Value, json as object};

use crate::ReportError;
use crate::columns::{Column, Pick, json, write_csv};
use crate::grid::{self, Grid};
use crate::number::grouped;
use crate::screen::Screen;
use crate::study::{StudyManifest, write_study};

/// The kind in the manifest of a folder of draws.
pub const KIND: &str = "uncertainty";
/// Rows of Table A.1.
const TOP: usize = 25;

/// Draws to be reported.
#[derive(Debug, Clone, Copy)]
pub struct Drawn<'a> {
    /// Without doubt.
    pub base: &'a Collection,
    /// One per draw, in order, with every country that gains.
    pub draws: &'a [Collection],
    /// The cap of each draw.
    pub caps: &'a [Fraction],
}

type FigureRow = (&'static str, Spread);

const OF_FIGURES: [Column<FigureRow>; 10] = [
    ("figure", Pick::Text(|row, _| Some(row.0.to_owned()))),
    ("base", Pick::Real(|row| row.1.base)),
    ("mean", Pick::Real(|row| defined(&row.1, row.1.mean))),
    ("sd", Pick::Real(|row| defined(&row.1, row.1.deviation))),
    ("q05", Pick::Real(|row| defined(&row.1, row.1.quantiles[0]))),
    ("q25", Pick::Real(|row| defined(&row.1, row.1.quantiles[1]))),
    ("q50", Pick::Real(|row| defined(&row.1, row.1.quantiles[2]))),
    ("q75", Pick::Real(|row| defined(&row.1, row.1.quantiles[3]))),
    ("q95", Pick::Real(|row| defined(&row.1, row.1.quantiles[4]))),
    ("draws", Pick::Whole(|row, _| i64::try_from(row.1.draws).ok())),
];

const OF_COUNTRIES: [Column<CountrySpread>; 17] = [
    ("code", Pick::Whole(|row, countries| Some(countries.country(row.country).code.get().into()))),
    ("iso3", Pick::Text(|row, countries| Some(countries.country(row.country).iso3.to_string()))),
    ("country", Pick::Text(|row, countries| Some(countries.country(row.country).name.to_string()))),
    ("rank", Pick::Whole(|row, _| row.rank.and_then(|rank| i64::try_from(rank).ok()))),
    ("rank_q05", Pick::Real(|row| defined(&row.ranks, row.ranks.quantiles[0]))),
    ("rank_q50", Pick::Real(|row| defined(&row.ranks, row.ranks.quantiles[2]))),
    ("rank_q95", Pick::Real(|row| defined(&row.ranks, row.ranks.quantiles[4]))),
    ("in_top_25", Pick::Real(|row| Some(row.in_top))),
    ("increase_musd", Pick::Real(|row| row.increase_musd.base)),
    ("increase_q05_musd", Pick::Real(|row| defined(&row.increase_musd, row.increase_musd.quantiles[0]))),
    ("increase_q50_musd", Pick::Real(|row| defined(&row.increase_musd, row.increase_musd.quantiles[2]))),
    ("increase_q95_musd", Pick::Real(|row| defined(&row.increase_musd, row.increase_musd.quantiles[4]))),
    ("share_new_pct", Pick::Real(|row| row.share_new_pct.base)),
    ("share_new_q05_pct", Pick::Real(|row| defined(&row.share_new_pct, row.share_new_pct.quantiles[0]))),
    ("share_new_q50_pct", Pick::Real(|row| defined(&row.share_new_pct, row.share_new_pct.quantiles[2]))),
    ("share_new_q95_pct", Pick::Real(|row| defined(&row.share_new_pct, row.share_new_pct.quantiles[4]))),
    ("draws", Pick::Whole(|row, _| i64::try_from(row.ranks.draws).ok())),
];

/// None of no draws.
fn defined(spread: &Spread, value: f64) -> Option<f64> {
    (spread.draws > 0).then_some(value)
}

/// Writes `uncertainty.csv`, `uncertainty_table_a1.csv`, `draws.csv` and a manifest.
///
/// # Errors
/// [`ReportError`] when the folder is not free or something cannot be written.
pub fn write_uncertainty(
    target: &Target,
    drawn: Drawn<'_>,
    countries: &CountryTable,
    manifest: &StudyManifest,
) -> Result<Vec<String>, ReportError> {
    let figures = figure_spreads(&drawn.base.headline, drawn.draws);
    let gaining = country_spreads(drawn.base, drawn.draws, TOP);
    write_study(
        target,
        KIND,
        &[
            ("uncertainty.csv", &|out| write_csv(out, &OF_FIGURES, &figures, countries)),
            ("uncertainty_table_a1.csv", &|out| write_csv(out, &OF_COUNTRIES, &gaining, countries)),
            ("draws.csv", &|out| {
                let mut writer = ::csv::Writer::from_writer(out);
                writer.write_record(["draw", "cap"].into_iter().chain(FIGURES.map(|(name, _)| name)))?;
                for (number, (draw, cap)) in drawn.draws.iter().zip(drawn.caps).enumerate() {
                    let figures = FIGURES.map(|(_, of)| of(&draw.headline).map_or_else(String::new, |figure| figure.to_string()));
                    writer.write_record([(number + 1).to_string(), cap.to_string()].into_iter().chain(figures))?;
                }
                writer.flush()
            }),
        ],
        manifest,
    )
}

/// Both tables with the column names of the files.
pub fn uncertainty_json(drawn: Drawn<'_>, countries: &CountryTable) -> Value {
    object!({
        "figures": json(&OF_FIGURES, &figure_spreads(&drawn.base.headline, drawn.draws), countries),
        "table_a1": json(&OF_COUNTRIES, &country_spreads(drawn.base, drawn.draws, TOP), countries),
    })
}

/// Quantiles of the headline and of the gaining countries.
pub fn uncertainty_view(drawn: Drawn<'_>, countries: &CountryTable, title: &str, doubt: &str, screen: Screen) -> String {
    let number =
        |value: Option<f64>, places: usize| value.map_or_else(|| "–".to_owned(), |value| grouped(&format!("{value:.places$}")));
    let quantiles = QUANTILES.map(|share| format!("{:.0} %", share * 100.0));
    // The quarters leave first, then the median, which is near the base.
    let of_quantiles = quantiles.iter().zip([3, 1, 2, 1, 3]).map(|(name, order)| {
        let column = grid::Column::number(name);
        if order < 3 { column.leaves(order) } else { column }
    });
    let columns = [grid::Column::text("figure"), grid::Column::number("base")];
    let mut figures = Grid::new(columns.into_iter().chain(of_quantiles));
    for (name, spread) in figure_spreads(&drawn.base.headline, drawn.draws) {
        let places = if name.starts_with("hhi_a") || name.starts_with("hhi_b") {
            4
        } else if name.ends_with("_pct") {
            2
        } else {
            1
        };
        let cells = spread.quantiles.iter().map(|value| number(defined(&spread, *value), places));
        figures.row([name.to_owned(), number(spread.base, places)].into_iter().chain(cells));
    }
    let mut gaining = Grid::new([
        grid::Column::text("country").cut(12, 40),
        grid::Column::number("rank"),
        grid::Column::number("rank 5 to 95 %").leaves(2),
        grid::Column::number("in first 25").leaves(1),
        grid::Column::number("increase M$"),
        grid::Column::number("5 to 95 %").called("increase 5 to 95 %"),
    ]);
    for row in country_spreads(drawn.base, drawn.draws, TOP).iter().take(TOP) {
        let range = |spread: &Spread, places| {
            format!(
                "{} to {}",
                number(defined(spread, spread.quantiles[0]), places),
                number(defined(spread, spread.quantiles[4]), places)
            )
        };
        gaining.row([
            countries.country(row.country).name.to_string(),
            row.rank.map_or_else(|| "–".to_owned(), |rank| rank.to_string()),
            range(&row.ranks, 0),
            format!("{:.0} %", row.in_top * 100.0),
            number(row.increase_musd.base, 1),
            range(&row.increase_musd, 1),
        ]);
    }
    let mut blocks = vec![
        format!("{}\n{}", screen.title(title), screen.paragraph(doubt)),
        figures.draw(screen, "--json and uncertainty.csv (--out DIR) have all."),
    ];
    if !gaining.is_empty() {
        let table = gaining.draw(screen, "--json and uncertainty_table_a1.csv (--out DIR) have all.");
        blocks.push(format!("{}\n{table}", screen.title("Who gains")));
    }
    blocks.join("\n\n") + "\n"
}
