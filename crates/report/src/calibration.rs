//! A calibration as files and JSON: `calibrate.csv`, `calibrate_readings.csv`, `calibrate_points.csv`, `calibrate_list.csv`.

use std::io::{self, Write};

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use reorient_core::{CountryIndex, CountryTable, GoodsList, ProductCode};
use reorient_folder::Target;
use reorient_metrics::{Calibration, Choice, Distance, OptionSetRow, PointFigure, ReadingRow, Scope};
use serde_json::{Value, json as object};

use crate::ReportError;
use crate::columns::{Column, Pick, batch, json, write_csv};
use crate::csv::{Field, Sheet};
use crate::study::{StudyManifest, write_study};

/// The kind in the manifest of a folder of a calibration.
pub const KIND: &str = "calibrate";
/// Sets in JSON beyond those of the first rank; the file has all.
const MORE_SETS: usize = 100;

/// A row with the calibration that names its options.
struct Of<'a, T> {
    row: &'a T,
    of: &'a Calibration,
}

trait HasChoice {
    fn choice(&self) -> &Choice;
}

impl HasChoice for OptionSetRow {
    fn choice(&self) -> &Choice {
        &self.choice
    }
}

impl HasChoice for ReadingRow {
    fn choice(&self) -> &Choice {
        &self.choice
    }
}

impl<T: HasChoice> Of<'_, T> {
    fn option(&self, dimension: usize) -> Option<String> {
        Some(self.of.value(self.row.choice(), dimension).to_owned())
    }
}

fn whole<T>(number: usize) -> Option<T>
where
    T: TryFrom<usize>,
{
    T::try_from(number).ok()
}

/// A distance, where there are figures to be distant from.
fn known(distance: Distance, number: f64) -> Option<f64> {
    (distance.figures > 0).then_some(number)
}

const fn sets<'a>() -> [Column<Of<'a, OptionSetRow>>; 28] {
    [
        ("rank", Pick::Whole(|set, _| whole(set.row.rank))),
        ("year", Pick::Text(|set, _| set.option(0))),
        ("bloc", Pick::Text(|set, _| set.option(1))),
        ("hong_kong", Pick::Text(|set, _| set.option(2))),
        ("list_sectors", Pick::Text(|set, _| set.option(3))),
        ("reconstructed", Pick::Text(|set, _| set.option(4))),
        ("map", Pick::Text(|set, _| set.option(5))),
        ("alias", Pick::Text(|set, _| set.option(6))),
        ("cap", Pick::Text(|set, _| set.option(7))),
        ("cap_basis", Pick::Text(|set, _| set.option(8))),
        ("floor", Pick::Text(|set, _| set.option(9))),
        ("bloc_alternatives", Pick::Text(|set, _| set.option(10))),
        ("tie_break_drain", Pick::Text(|set, _| set.option(11))),
        ("tie_break_fill", Pick::Text(|set, _| set.option(12))),
        ("distance_pp", Pick::Real(|set| Some(set.row.distance_pp))),
        ("old_rmse_pp", Pick::Real(|set| known(set.row.old, set.row.old.rmse))),
        ("old_largest_pp", Pick::Real(|set| known(set.row.old, set.row.old.largest))),
        ("fall_pp", Pick::Real(|set| set.row.fall)),
        ("fall_min_pp", Pick::Real(|set| set.row.fall_range.map(|(least, _)| least))),
        ("fall_max_pp", Pick::Real(|set| set.row.fall_range.map(|(_, most)| most))),
        ("fall_off_pp", Pick::Real(|set| set.row.fall_off)),
        ("increase_rmse_musd", Pick::Real(|set| known(set.row.increase, set.row.increase.rmse))),
        ("increase_largest_musd", Pick::Real(|set| known(set.row.increase, set.row.increase.largest))),
        ("share_new_rmse_pp", Pick::Real(|set| known(set.row.share_new, set.row.share_new.rmse))),
        ("share_new_largest_pp", Pick::Real(|set| known(set.row.share_new, set.row.share_new.largest))),
        ("figures_equal", Pick::Whole(|set, _| whole(set.row.equal))),
        ("figures_inside", Pick::Whole(|set, _| whole(set.row.inside))),
        ("rows_in_place", Pick::Whole(|set, _| whole(set.row.in_place))),
    ]
}

const fn readings<'a>() -> [Column<Of<'a, ReadingRow>>; 12] {
    [
        ("rank", Pick::Whole(|reading, _| whole(reading.row.rank))),
        ("year", Pick::Text(|reading, _| reading.option(0))),
        ("bloc", Pick::Text(|reading, _| reading.option(1))),
        ("hong_kong", Pick::Text(|reading, _| reading.option(2))),
        ("list_sectors", Pick::Text(|reading, _| reading.option(3))),
        ("reconstructed", Pick::Text(|reading, _| reading.option(4))),
        ("map", Pick::Text(|reading, _| reading.option(5))),
        ("alias", Pick::Text(|reading, _| reading.option(6))),
        ("products", Pick::Whole(|reading, _| whole(reading.row.products))),
        ("imports_kusd", Pick::Money(|reading| Some(reading.row.imports))),
        ("old_rmse_pp", Pick::Real(|reading| Some(reading.row.old.rmse))),
        ("old_largest_pp", Pick::Real(|reading| Some(reading.row.old.largest))),
    ]
}

/// A published figure against ours, whatever was compared.
struct Point {
    country: CountryIndex,
    figure: PointFigure,
    published: f64,
    ours: Option<f64>,
    range: Option<(f64, f64)>,
    inside: bool,
    equal: Option<bool>,
    programs_inside: Option<usize>,
    product: Option<ProductCode>,
}

const POINTS: [Column<Point>; 12] = [
    ("code", Pick::Whole(|point, countries| Some(countries.country(point.country).code.get().into()))),
    ("iso3", Pick::Text(|point, countries| Some(countries.country(point.country).iso3.to_string()))),
    ("country", Pick::Text(|point, countries| Some(countries.country(point.country).name.to_string()))),
    ("figure", Pick::Text(|point, _| Some(point.figure.name().to_owned()))),
    ("published", Pick::Real(|point| Some(point.published))),
    ("ours", Pick::Real(|point| point.ours)),
    ("min", Pick::Real(|point| point.range.map(|(least, _)| least))),
    ("max", Pick::Real(|point| point.range.map(|(_, most)| most))),
    ("inside", Pick::Flag(|point| Some(point.inside))),
    ("equal", Pick::Flag(|point| point.equal)),
    ("programs_inside", Pick::Whole(|point, _| point.programs_inside.and_then(whole))),
    ("product", Pick::Text(|point, _| point.product.map(|product| product.to_string()))),
];

fn points(calibration: &Calibration) -> Vec<Point> {
    let all = calibration.points.iter().map(|point| Point {
        country: point.country,
        figure: point.figure,
        published: point.published,
        ours: point.ours,
        range: point.range,
        inside: point.inside,
        equal: Some(point.equal),
        programs_inside: point.programs_inside,
        product: None,
    });
    let singles = calibration.singles.iter().map(|single| Point {
        country: single.country,
        figure: PointFigure::Increase,
        published: single.published,
        ours: Some(single.ours),
        range: Some(single.range),
        inside: single.inside,
        equal: None,
        programs_inside: None,
        product: Some(single.product),
    });
    all.chain(singles).collect()
}

fn of<'a, T>(rows: &'a [T], calibration: &'a Calibration) -> Vec<Of<'a, T>> {
    rows.iter().map(|row| Of { row, of: calibration }).collect()
}

/// Sets, readings and points as Arrow.
pub(crate) fn batches(calibration: &Calibration, countries: &CountryTable) -> Result<[RecordBatch; 3], ArrowError> {
    Ok([
        batch(&sets(), &of(&calibration.sets, calibration), countries)?,
        batch(&readings(), &of(&calibration.readings, calibration), countries)?,
        batch(&POINTS, &points(calibration), countries)?,
    ])
}

/// The columns that `--list` takes.
pub(crate) const LIST: [&str; 6] = ["hs_revision", "hs6", "sector", "subsector", "stage", "source"];

/// Rows in those columns.
pub(crate) fn list_rows(list: Option<&GoodsList>) -> Vec<Vec<Field>> {
    let mut rows = Vec::new();
    for (list, (code, places)) in list.iter().flat_map(|list| list.goods.iter().map(move |goods| (list, goods))) {
        for place in places {
            let (sector, stage) = (place.sector.name().to_owned(), place.stage.name().to_owned());
            let texts = [list.revision.to_string(), code.to_string(), sector, place.subsector.to_string(), stage];
            rows.push(texts.into_iter().chain([place.source.0.to_string()]).map(Field::Text).collect());
        }
    }
    rows
}

fn write_list(out: &mut dyn Write, list: Option<&GoodsList>) -> io::Result<()> {
    Sheet { columns: LIST.to_vec(), rows: list_rows(list) }.write(out)
}

/// Writes `calibrate.csv` (every set of options), `calibrate_readings.csv` (lists, blocs and years by old shares),
/// `calibrate_points.csv` (published figures), `calibrate_list.csv` (`list`: that of the first set) and a manifest.
///
/// # Errors
/// [`ReportError`] when the folder is not free or something cannot be written.
pub fn write_calibration(
    target: &Target,
    calibration: &Calibration,
    list: Option<&GoodsList>,
    countries: &CountryTable,
    manifest: &StudyManifest,
) -> Result<Vec<String>, ReportError> {
    let (of_sets, of_readings) = (of(&calibration.sets, calibration), of(&calibration.readings, calibration));
    let of_points = points(calibration);
    write_study(
        target,
        KIND,
        &[
            ("calibrate.csv", &|out| write_csv(out, &sets(), &of_sets, countries)),
            ("calibrate_readings.csv", &|out| write_csv(out, &readings(), &of_readings, countries)),
            ("calibrate_points.csv", &|out| write_csv(out, &POINTS, &of_points, countries)),
            ("calibrate_list.csv", &|out| write_list(out, list)),
        ],
        manifest,
    )
}

/// The tables with the column names of the files: all readings and points, the sets of the first rank and a hundred more.
pub fn calibration_json(calibration: &Calibration, countries: &CountryTable) -> Value {
    let shown = (calibration.nearest().len() + MORE_SETS).min(calibration.sets.len());
    let mut object = calibration_summary_json(calibration);
    object["readings"] = json(&readings(), &of(&calibration.readings, calibration), countries);
    object["sets"] = json(&sets(), &of(&calibration.sets[..shown], calibration), countries);
    object["points"] = json(&POINTS, &points(calibration), countries);
    object
}

/// The same without its tables.
pub fn calibration_summary_json(calibration: &Calibration) -> Value {
    let implied = calibration
        .implied
        .map(|total| object!({"imports_min_musd": total.musd.0, "imports_max_musd": total.musd.1, "rows": total.rows}));
    object!({
        "scope": match calibration.scope {
            Scope::Whole => "whole",
            Scope::SingleProducts => "single-products",
        },
        "published_rows": calibration.published_rows,
        "published_fall_pp": calibration.published_fall,
        "implied_total": implied,
        "unexplained": calibration.unexplained,
        "n_sets": calibration.sets.len(),
        "n_sets_nearest": calibration.nearest().len(),
        "n_programs": calibration.programs,
    })
}
