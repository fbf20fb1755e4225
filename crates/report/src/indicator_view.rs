//! Indicators of dependence on screen: the rows of the newest year, and over several years what lasts.

use reorient_core::{CountryIndex, CountryTable, Usd};
use reorient_metrics::{Base, Breakdown, Criteria, IndicatorRow, OriginShare, PersistenceRow};

use crate::grid::{Column, Grid};
use crate::indicators::CRITERIA_SOURCE;
use crate::number::{decimal, grouped, usd};
use crate::screen::Screen;
use crate::text::counted;

const MISSING: &str = "–";

/// The least room for the names of products, and the most.
const NAMES: (usize, usize) = (22, 60);

/// Order of the rows on screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IndicatorSort {
    /// Falling concentration.
    Hhi,
    /// Falling imports.
    #[default]
    Imports,
    /// By product code, or name of the group.
    Code,
}

/// How and under which names the view is drawn.
#[derive(Debug, Clone, Copy)]
pub struct IndicatorView<'a> {
    /// Where it is printed.
    pub screen: Screen,
    /// Name of the importer.
    pub importer: &'a str,
    /// Name of the reference bloc.
    pub bloc: &'a str,
    /// Label of the trade data.
    pub source: &'a str,
    /// Order of the rows.
    pub sort: IndicatorSort,
    /// Rows to show.
    pub top: usize,
    /// Sentences to print at the end.
    pub notes: &'a [String],
}

/// The result as text, one line feed after every line, without trailing spaces.
pub fn indicators_view(
    rows: &[IndicatorRow],
    persistence: &[PersistenceRow],
    countries: &CountryTable,
    view: &IndicatorView<'_>,
) -> String {
    let screen = view.screen;
    let mut blocks = vec![screen.title(&format!("reorient indicators · {} · {}", view.importer, view.source))];
    if let Some(newest) = rows.last() {
        let mut shown: Vec<&IndicatorRow> = rows.iter().filter(|row| row.year == newest.year).collect();
        blocks.push(screen.paragraph(&summary(&shown, newest, view)));
        sort(&mut shown, view.sort);
        let all = shown.len();
        shown.truncate(view.top);
        let heading = format!("{} by {}", newest.year, newest.breakdown.name());
        blocks.push(section(&heading, &columns(newest.breakdown, newest.base), &shown, all, countries, view));
        if !persistence.is_empty() {
            let mut lasting: Vec<&PersistenceRow> = persistence.iter().collect();
            lasting.sort_by_key(|row| (std::cmp::Reverse((row.all_three, row.current_run, row.concentrated)), row.name.clone()));
            lasting.truncate(view.top);
            let heading = format!("Years that meet the criteria, of {}", persistence[0].n_years);
            blocks.push(section(&heading, &lasting_columns(newest.breakdown), &lasting, persistence.len(), countries, view));
        }
        blocks.push(screen.legend(&legend(newest, view.bloc)));
    } else {
        blocks.push(screen.paragraph(&format!("No row of these products is in the data for {}.", view.importer)));
    }
    if !view.notes.is_empty() {
        let notes: Vec<String> = view.notes.iter().map(|note| screen.hanging(note, "  ")).collect();
        blocks.push(notes.join("\n"));
    }
    blocks.join("\n\n") + "\n"
}

fn summary(rows: &[&IndicatorRow], newest: &IndicatorRow, view: &IndicatorView<'_>) -> String {
    let importer = view.importer;
    if newest.breakdown != Breakdown::Product {
        return format!(
            "{importer} in {} by {}: HHI is of the imports of all its products together, mean is the average of the products' own \
             HHI, weighted by imports. A product counts in every {} that it belongs to.",
            newest.year,
            newest.breakdown.name(),
            newest.breakdown.name()
        );
    }
    let sum = |pick: fn(&IndicatorRow) -> Usd| rows.iter().map(|row| pick(row)).sum::<Usd>();
    let imports = sum(|row| row.figures.imports);
    let nano = |amount: Usd| reorient_model::NanoUsd::from(amount);
    let share = |part: Usd| crate::number::percent(nano(part), nano(imports), 1).unwrap_or_else(|| MISSING.to_owned());
    let n_products = rows.iter().map(|row| row.n_products).sum::<usize>();
    let all_three = match (rows.iter().filter(|row| row.n_products_all_three > 0).count(), n_products) {
        (1, 1) => "It meets all three criteria.".to_owned(),
        (_, 1) => "It does not meet all three criteria.".to_owned(),
        (1, _) => "1 of the products meets all three criteria.".to_owned(),
        (count, _) => format!("{count} of the products meet all three criteria."),
    };
    format!(
        "{importer} imports {} of {} in {}: {} % from outside {}, {} % from risk origins. {all_three}",
        usd(nano(imports)),
        counted(n_products, "product"),
        newest.year,
        share(sum(|row| row.figures.extra_bloc)),
        view.bloc,
        share(sum(|row| row.figures.risk)),
    )
}

fn sort(rows: &mut [&IndicatorRow], by: IndicatorSort) {
    // Rows come in the order of their files, which sorting keeps among equals.
    match by {
        IndicatorSort::Imports => rows.sort_by_key(|row| std::cmp::Reverse(row.figures.imports)),
        IndicatorSort::Hhi => {
            let hhi = |row: &&IndicatorRow| row.figures.hhi.unwrap_or(-1.0);
            rows.sort_by(|left, right| hhi(right).total_cmp(&hhi(left)));
        }
        IndicatorSort::Code => rows.sort_by(|left, right| left.name.cmp(&right.name)),
    }
}

/// A table under its heading, with how many rows there are besides.
fn section<R>(
    heading: &str,
    columns: &[Shown<R>],
    rows: &[&R],
    all: usize,
    countries: &CountryTable,
    view: &IndicatorView<'_>,
) -> String {
    let mut grid = Grid::new(columns.iter().map(|shown| shown.column.clone()));
    for row in rows {
        grid.row(columns.iter().map(|column| (column.cell)(row, countries)));
    }
    if all > view.top {
        grid.foot(format!("… and {} more; --top {all} shows all, --out DIR writes them", all - view.top));
    }
    let table = grid.draw(view.screen, "--json prints all, --out DIR writes them.");
    format!("{}\n{table}", view.screen.title(heading))
}

fn legend(row: &IndicatorRow, bloc: &str) -> String {
    let base = match row.base {
        Base::All => "all suppliers".to_owned(),
        Base::ExtraBloc => format!("suppliers outside {bloc}"),
    };
    format!(
        "HHI and shares of origins are over {base}; extra % is from outside {bloc}. EC: C the HHI of imports from outside {bloc} \
         is above 0.4, E more than half comes from outside {bloc}, X that is more than the exports ({CRITERIA_SOURCE}).",
    )
}

/// A column and its cells.
struct Shown<R> {
    column: Column,
    cell: fn(&R, &CountryTable) -> String,
}

/// A column of numbers; it leaves a narrow screen in this order, or stays where that is 0.
fn number<R>(header: &str, order: u8, cell: fn(&R, &CountryTable) -> String) -> Shown<R> {
    let column = Column::number(header);
    Shown { column: if order > 0 { column.leaves(order) } else { column }, cell }
}

fn words<R>(header: &str, cell: fn(&R, &CountryTable) -> String) -> Shown<R> {
    Shown { column: Column::text(header), cell }
}

/// Long names, which may be cut.
fn names<R>(header: &str, cell: fn(&R, &CountryTable) -> String) -> Shown<R> {
    Shown { column: Column::text(header).cut(NAMES.0, NAMES.1), cell }
}

fn columns(breakdown: Breakdown, base: Base) -> Vec<Shown<IndicatorRow>> {
    let mut columns: Vec<Shown<IndicatorRow>> = if breakdown == Breakdown::Product {
        vec![words("code", |row, _| row.name.clone()), names("product", |row, _| row.description.clone())]
    } else {
        vec![names(breakdown.name(), |row, _| row.name.clone()), number("products", 4, |row, _| row.n_products.to_string())]
    };
    columns.extend([
        number::<IndicatorRow>("imports M$", 0, |row, _| musd(row.figures.imports)),
        number("from", 4, |row, _| row.figures.n_suppliers.to_string()),
        number("HHI", 0, |row, _| index(row.figures.hhi)),
    ]);
    if breakdown != Breakdown::Product {
        columns.push(number("mean", 0, |row, _| index(row.hhi_product_mean)));
    }
    columns.push(number("1/HHI", 3, |row, _| places(row.figures.effective_suppliers(), 1)));
    columns.extend([
        number::<IndicatorRow>("largest", 0, |row, countries| origin(row.figures.top, countries)),
        number("second", 4, |row, countries| origin(row.figures.second, countries)),
        number("extra %", 6, |row, _| places(row.figures.extra_bloc_pct(), 1)),
        number("risk %", 5, |row, _| places(row.figures.risk_pct(), 1)),
    ]);
    if base == Base::All {
        columns.push(number("HHI extra", 1, |row, _| index(row.figures.hhi_extra_bloc)));
    }
    columns.extend([
        number::<IndicatorRow>("HHI world", 2, |row, _| index(row.figures.hhi_world_exports)),
        number("exports M$", 1, |row, _| musd(row.figures.exports)),
        number("EC", 0, |row, _| letters(row.figures.criteria)),
    ]);
    columns
}

fn lasting_columns(breakdown: Breakdown) -> Vec<Shown<PersistenceRow>> {
    let mut columns: Vec<Shown<PersistenceRow>> = if breakdown == Breakdown::Product {
        vec![words("code", |row, _| row.name.clone()), names("product", |row, _| row.description.clone())]
    } else {
        vec![names(breakdown.name(), |row, _| row.name.clone())]
    };
    columns.extend([
        number::<PersistenceRow>("traded", 2, |row, _| row.with_trade.to_string()),
        number("C", 3, |row, _| row.concentrated.to_string()),
        number("E", 3, |row, _| row.extra_bloc.to_string()),
        number("X", 3, |row, _| row.above_exports.to_string()),
        number("all", 0, |row, _| row.all_three.to_string()),
        number("longest run", 4, |row, _| match row.longest_run {
            Some((length, from, to)) => format!("{length} ({from}–{to})"),
            None => MISSING.to_owned(),
        }),
        number("to now", 0, |row, _| row.current_run.to_string()),
        number("largest", 0, |row, countries| match row.top {
            Some(top) => format!("{} {:>2} y", iso3(top, countries), row.top_years),
            None => MISSING.to_owned(),
        }),
        number("ever largest", 1, |row, _| row.n_tops.to_string()),
    ]);
    columns
}

fn musd(amount: Usd) -> String {
    grouped(&decimal(i128::from(amount.get()), 1_000_000, 2))
}

fn places(number: Option<f64>, places: usize) -> String {
    number.map_or_else(|| MISSING.to_owned(), |number| format!("{number:.places$}"))
}

fn index(hhi: Option<f64>) -> String {
    places(hhi, 3)
}

fn iso3(country: CountryIndex, countries: &CountryTable) -> &str {
    &countries.country(country).iso3
}

fn origin(share: Option<OriginShare>, countries: &CountryTable) -> String {
    share.map_or_else(|| MISSING.to_owned(), |share| format!("{} {:>5.1}", iso3(share.country, countries), share.pct))
}

fn letters(criteria: Option<Criteria>) -> String {
    let letter = |met: bool, letter: char| if met { letter } else { '-' };
    criteria.map_or_else(
        || MISSING.to_owned(),
        |criteria| {
            let Criteria { concentrated, extra_bloc, above_exports } = criteria;
            [letter(concentrated, 'C'), letter(extra_bloc, 'E'), letter(above_exports, 'X')].iter().collect()
        },
    )
}
