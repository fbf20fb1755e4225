//! Where a result comes from, as files, JSON and screen: `explain_products.csv` and `explain_exporters.csv`.

use anstyle::Style;
use reorient_core::CountryTable;
use reorient_folder::Target;
use reorient_metrics::{Explanation, ExporterPart, ProductPart, n_that_make};
use reorient_model::NanoUsd;
use serde_json::{Value, json as object};

use crate::ReportError;
use crate::columns::{Column, Pick, json, write_csv};
use crate::number::{NANO_PER_MUSD, decimal, grouped, musd, percent};
use crate::study::{StudyManifest, write_study};
use crate::text::{cut, paint, wrap};

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

const fn products<'a>() -> [Column<Product<'a>>; 13] {
    [
        ("product", Pick::Text(|row, _| Some(row.part.product.to_string()))),
        ("description", Pick::Text(|row, _| Some(row.part.description.clone()))),
        ("imports_kusd", Pick::Money(|row| Some(row.part.imports))),
        ("cut_musd", Pick::Text(|row, _| Some(musd(row.part.cut)))),
        ("cut_pct", Pick::Real(|row| share(row.part.cut, row.whole.cut))),
        ("cut_cumulative_pct", Pick::Real(|row| share(row.part.cut_up_to, row.whole.cut))),
        ("cut_rank", Pick::Whole(|row, _| i64::try_from(row.part.rank_cut).ok())),
        ("left_musd", Pick::Text(|row, _| Some(musd(row.part.left)))),
        ("left_pct", Pick::Real(|row| share(row.part.left, row.whole.left))),
        ("left_cumulative_pct", Pick::Real(|row| share(row.part.left_up_to, row.whole.left))),
        ("left_rank", Pick::Whole(|row, _| i64::try_from(row.part.rank_left).ok())),
        ("without_before_pct", Pick::Real(|row| share(row.part.without.1.into(), row.part.without.0.into()))),
        ("without_after_pct", Pick::Real(|row| share(row.part.without.2, row.part.without.0.into()))),
    ]
}

const fn exporters<'a>() -> [Column<Exporter<'a>>; 11] {
    [
        ("code", Pick::Whole(|row, countries| Some(countries.country(row.part.country).code.get().into()))),
        ("iso3", Pick::Text(|row, countries| Some(countries.country(row.part.country).iso3.clone()))),
        ("country", Pick::Text(|row, countries| Some(countries.country(row.part.country).name.clone()))),
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
const WIDTH: usize = 100;

/// The products that make 80 % of the cut and of what is left, and the exporters without which most would be missing.
pub fn explanation_view(explanation: &Explanation, countries: &CountryTable, title: &str, colour: bool) -> String {
    let m = |amount: NanoUsd| grouped(&decimal(amount.0, NANO_PER_MUSD, 1));
    let pct = |part, whole| percent(part, whole, 1).unwrap_or_else(|| "–".to_owned());
    let head = |text: &str| paint(text, Style::new().bold(), colour);
    let faint = |text: &str| paint(text, Style::new().dimmed(), colour);
    let mut lines = vec![head(&cut(title, WIDTH)), String::new()];

    let by_cut: Vec<&ProductPart> = explanation.products.iter().collect();
    let mut by_left = by_cut.clone();
    by_left.sort_by_key(|part| part.rank_left);
    let n_cut = n_that_make(MOST, explanation.cut, by_cut.iter().map(|part| part.cut_up_to));
    let n_left = n_that_make(MOST, explanation.left, by_left.iter().map(|part| part.left_up_to));
    let mut table = |name: String, parts: &[&ProductPart], count: usize, amount: &dyn Fn(&ProductPart) -> [NanoUsd; 3]| {
        lines.push(head(&name));
        lines.push(faint("  product        M$       %   up to %   after without %  description"));
        for part in parts.iter().take(count.min(ROWS)) {
            let [own, up_to, whole] = amount(part);
            let without = pct(part.without.2, part.without.0.into());
            lines.push(format!(
                "  {:<7} {:>10} {:>7} {:>9} {without:>17}  {}",
                part.product,
                m(own),
                pct(own, whole),
                pct(up_to, whole),
                cut(&part.description, 42)
            ));
        }
        if count > ROWS {
            lines.push(format!("  … and {} more", count - ROWS));
        }
        lines.push(String::new());
    };
    let plural = |count: usize| if count == 1 { "1 product makes".to_owned() } else { format!("{count} products make") };
    table(format!("{} {MOST} % of the cut of {} M$", plural(n_cut), m(explanation.cut)), &by_cut, n_cut, &|part| {
        [part.cut, part.cut_up_to, explanation.cut]
    });
    table(format!("{} {MOST} % of what is left, {} M$", plural(n_left), m(explanation.left)), &by_left, n_left, &|part| {
        [part.left, part.left_up_to, explanation.left]
    });

    lines.push(head("Who carries it"));
    lines.push(faint("  country                    increase M$   capacity M$   missed without M$   % of the cut  products"));
    for part in explanation.exporters.iter().take(ROWS) {
        let country = countries.country(part.country);
        let name = if part.inside { format!("{} (in the bloc)", country.name) } else { country.name.clone() };
        lines.push(format!(
            "  {:<25} {:>12} {:>13} {:>19} {:>14} {:>9}",
            cut(&name, 25),
            m(part.increase.point),
            m(part.capacity),
            m(part.missed),
            pct(part.missed, explanation.cut),
            part.products
        ));
    }
    if explanation.exporters.len() > ROWS {
        lines.push(format!("  … and {} more in explain_exporters.csv", explanation.exporters.len() - ROWS));
    }
    lines.push(String::new());
    lines.push(wrap(
        "`after without` is the risk share after of all other products. `missed without` is what nobody would \
         replace if this exporter could add nothing and all others stepped in as far as they can: it would stay with risk origins, as \
         far as options let them supply it. It is zero for whoever can be replaced.",
        WIDTH,
        "",
    ));
    lines.join("\n") + "\n"
}
