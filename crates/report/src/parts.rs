//! Where a result comes from, as files, JSON and screen: `explain_products.csv` and `explain_exporters.csv`.

use reorient_core::CountryTable;
use reorient_folder::Target;
use reorient_metrics::{Explanation, ExporterPart, ProductPart, n_that_make};
use reorient_model::NanoUsd;
use serde_json::{Value, json as object};

use crate::ReportError;
use crate::columns::{Column, Pick, json, write_csv};
use crate::grid::{self, Grid};
use crate::number::{NANO_PER_MUSD, decimal, grouped, musd, percent, usd};
use crate::screen::Screen;
use crate::study::{StudyManifest, write_study};
use crate::text::counted;

/// The kind in the manifest of a folder of an explanation.
pub const KIND: &str = "explain";
/// The share of the whole that is named, in percent.
const MOST: i128 = 80;

/// A part with the whole it is of.
struct Of<'a, T> {
    part: &'a T,
    whole: &'a Explanation,
}

type Product<'a> = Of<'a, ProductPart>;
type Exporter<'a> = Of<'a, ExporterPart>;

fn share(part: NanoUsd, whole: NanoUsd) -> Option<f64> {
    percent(part, whole, 6).and_then(|text| text.parse().ok())
}

const fn products<'a>() -> [Column<Product<'a>>; 14] {
    [
        ("product", Pick::Text(|row, _| Some(row.part.product.to_string()))),
        ("description", Pick::Text(|row, _| Some(row.part.description.clone()))),
        ("imports_kusd", Pick::Money(|row| Some(row.part.imports))),
        ("cut_musd", Pick::Text(|row, _| Some(musd(row.part.cut)))),
        ("cut_pct", Pick::Real(|row| share(row.part.cut, row.whole.cut))),
        ("cut_cumulative_pct", Pick::Real(|row| share(row.part.cut_up_to, row.whole.cut))),
        ("cut_rank", Pick::Whole(|row, _| i64::try_from(row.part.rank_cut).ok())),
        ("left_musd", Pick::Text(|row, _| Some(musd(row.part.left)))),
        ("left_pct", Pick::Real(|row| share(row.part.left + row.part.unmet, row.whole.left + row.whole.unmet))),
        ("left_cumulative_pct", Pick::Real(|row| share(row.part.left_up_to, row.whole.left + row.whole.unmet))),
        ("left_rank", Pick::Whole(|row, _| i64::try_from(row.part.rank_left).ok())),
        ("without_before_pct", Pick::Real(|row| share(row.part.without.1.into(), row.part.without.0.into()))),
        ("without_after_pct", Pick::Real(|row| share(row.part.without.2, row.part.without.0.into()))),
        ("unmet_musd", Pick::Text(|row, _| Some(musd(row.part.unmet)))),
    ]
}

const fn exporters<'a>() -> [Column<Exporter<'a>>; 11] {
    [
        ("code", Pick::Whole(|row, countries| Some(countries.country(row.part.country).code.get().into()))),
        ("iso3", Pick::Text(|row, countries| Some(countries.country(row.part.country).iso3.to_string()))),
        ("country", Pick::Text(|row, countries| Some(countries.country(row.part.country).name.to_string()))),
        ("inside_bloc", Pick::Flag(|row| Some(row.part.inside))),
        ("products", Pick::Whole(|row, _| i64::try_from(row.part.products).ok())),
        ("increase_musd", Pick::Text(|row, _| Some(musd(row.part.increase.point)))),
        ("increase_min_musd", Pick::Text(|row, _| Some(musd(row.part.increase.min)))),
        ("increase_max_musd", Pick::Text(|row, _| Some(musd(row.part.increase.max)))),
        ("capacity_musd", Pick::Text(|row, _| Some(musd(row.part.capacity)))),
        ("missed_musd", Pick::Text(|row, _| Some(musd(row.part.missed)))),
        ("missed_pct_of_cut", Pick::Real(|row| share(row.part.missed, row.whole.cut))),
    ]
}

fn of<'a, T>(parts: &'a [T], whole: &'a Explanation) -> Vec<Of<'a, T>> {
    parts.iter().map(|part| Of { part, whole }).collect()
}

/// Writes `explain_products.csv`, `explain_exporters.csv` and a manifest.
///
/// # Errors
/// [`ReportError`] when the folder is not free or something cannot be written.
pub fn write_explanation(
    target: &Target,
    explanation: &Explanation,
    countries: &CountryTable,
    manifest: &StudyManifest,
) -> Result<Vec<String>, ReportError> {
    let (goods, sellers) = (of(&explanation.products, explanation), of(&explanation.exporters, explanation));
    write_study(
        target,
        KIND,
        &[
            ("explain_products.csv", &|out| write_csv(out, &products(), &goods, countries)),
            ("explain_exporters.csv", &|out| write_csv(out, &exporters(), &sellers, countries)),
        ],
        manifest,
    )
}

/// Both tables with the column names of the files.
pub fn explanation_json(explanation: &Explanation, countries: &CountryTable) -> Value {
    object!({
        "products": json(&products(), &of(&explanation.products, explanation), countries),
        "exporters": json(&exporters(), &of(&explanation.exporters, explanation), countries),
    })
}

/// Rows of each table on screen at the most.
const ROWS: usize = 20;

/// The products that make 80 % of the cut and of what is left, and the exporters without which most would be missing.
pub fn explanation_view(explanation: &Explanation, countries: &CountryTable, title: &str, screen: Screen) -> String {
    let by_cut: Vec<&ProductPart> = explanation.products.iter().collect();
    let mut by_left = by_cut.clone();
    by_left.sort_by_key(|part| part.rank_left);
    let n_cut = n_that_make(MOST, explanation.cut, by_cut.iter().map(|part| part.cut_up_to));
    let left = explanation.left + explanation.unmet;
    let n_left = n_that_make(MOST, left, by_left.iter().map(|part| part.left_up_to));
    let make = |count: usize| format!("{} {} {MOST} %", counted(count, "product"), if count == 1 { "makes" } else { "make" });
    let cut = parts_table(&by_cut[..n_cut], screen, |part| [part.cut, part.cut_up_to, explanation.cut]);
    let of_left = parts_table(&by_left[..n_left], screen, |part| [part.left + part.unmet, part.left_up_to, left]);
    let unmet = explanation.unmet > NanoUsd::default();
    let of_which = if unmet { format!(", of which {} cannot be supplied", usd(explanation.unmet)) } else { String::new() };
    let blocks = [
        screen.title(title),
        format!("{}\n{cut}", screen.title(&format!("{} of the cut of {}", make(n_cut), usd(explanation.cut)))),
        format!("{}\n{of_left}", screen.title(&format!("{} of what is left, {}{of_which}", make(n_left), usd(left)))),
        format!("{}\n{}", screen.title("Who carries it"), exporters_table(explanation, countries, screen)),
        screen.paragraph(
            "`after without` is the risk share after of all other products. `missed without` is what nobody would replace if this \
             exporter could add nothing and all others stepped in as far as they can: it would stay with risk origins as far as \
             options let them supply it, or be missing. It is zero for whoever can be replaced.",
        ),
    ];
    blocks.join("\n\n") + "\n"
}

/// Products with their amount, what it and those before make, and what both are of.
fn parts_table(parts: &[&ProductPart], screen: Screen, amounts: impl Fn(&ProductPart) -> [NanoUsd; 3]) -> String {
    let m = |amount: NanoUsd| grouped(&decimal(amount.0, NANO_PER_MUSD, 1));
    let mut table = Grid::new([
        grid::Column::text("product"),
        grid::Column::number("M$"),
        grid::Column::number("%"),
        grid::Column::number("up to %").leaves(2),
        grid::Column::number("after without %").leaves(1),
        grid::Column::text("description").cut(20, 80),
    ]);
    for part in parts.iter().take(ROWS) {
        let [own, up_to, whole] = amounts(part);
        table.row([
            part.product.to_string(),
            m(own),
            in_percent(own, whole),
            in_percent(up_to, whole),
            in_percent(part.without.2, part.without.0.into()),
            part.description.clone(),
        ]);
    }
    if parts.len() > ROWS {
        table.foot(format!("… and {} more in explain_products.csv", parts.len() - ROWS));
    }
    table.draw(screen, "--json and explain_products.csv (--out DIR) have all.")
}

fn exporters_table(explanation: &Explanation, countries: &CountryTable, screen: Screen) -> String {
    let m = |amount: NanoUsd| grouped(&decimal(amount.0, NANO_PER_MUSD, 1));
    let mut table = Grid::new([
        grid::Column::text("country").cut(16, 44),
        grid::Column::number("increase M$"),
        grid::Column::number("capacity M$").leaves(2),
        grid::Column::number("missed without M$"),
        grid::Column::number("% of the cut").leaves(3),
        grid::Column::number("products").leaves(1),
    ]);
    for part in explanation.exporters.iter().take(ROWS) {
        let country = countries.country(part.country);
        table.row([
            if part.inside { format!("{} (in the bloc)", country.name) } else { country.name.to_string() },
            m(part.increase.point),
            m(part.capacity),
            m(part.missed),
            in_percent(part.missed, explanation.cut),
            part.products.to_string(),
        ]);
    }
    if explanation.exporters.len() > ROWS {
        table.foot(format!("… and {} more in explain_exporters.csv", explanation.exporters.len() - ROWS));
    }
    table.draw(screen, "--json and explain_exporters.csv (--out DIR) have all.")
}

fn in_percent(part: NanoUsd, whole: NanoUsd) -> String {
    percent(part, whole, 1).unwrap_or_else(|| "–".to_owned())
}
