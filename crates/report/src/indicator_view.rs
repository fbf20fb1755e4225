//! Indicators of dependence on screen: the rows of the newest year, and over several years what lasts.

use reorient_core::{CountryIndex, CountryTable, Usd};
use reorient_metrics::{Base, Breakdown, Criteria, IndicatorRow, OriginShare, PersistenceRow};

use crate::indicators::CRITERIA_SOURCE;
use crate::grid::{Column, Grid};
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
    let share = |part: Usd| {
        crate::number::percent(nano(part), nano(imports), 1).unwrap_or_else(|| MISSING.to_owned())
    };
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

fn number<R>(header: &str, cell: fn(&R, &CountryTable) -> String) -> Shown<R> {
    Shown { column: Column::number(header), cell }
}

fn words<R>(header: &str, cell: fn(&R, &CountryTable) -> String) -> Shown<R> {
    Shown { column: Column::text(header), cell }
}

impl<R> Shown<R> {
    /// Leaves a narrow screen, the lowest order first.
    fn leaves(self, order: u8) -> Self {
        Self { column: self.column.leaves(order), ..self }
    }

    /// A long name, which may be cut.
    fn cut(self) -> Self {
        Self { column: self.column.cut(NAMES.0, NAMES.1), ..self }
    }
}

fn columns(breakdown: Breakdown, base: Base) -> Vec<Shown<IndicatorRow>> {
    let mut columns: Vec<Shown<IndicatorRow>> = if breakdown == Breakdown::Product {
        vec![words("code", |row, _| row.name.clone()), words("product", |row, _| row.description.clone()).cut()]
    } else {
        vec![
            words(breakdown.name(), |row, _| row.name.clone()).cut(),
            number("products", |row, _| row.n_products.to_string()).leaves(4),
        ]
    };
    columns.extend([
        number::<IndicatorRow>("imports M$", |row, _| musd(row.figures.imports)),
        number("from", |row, _| row.figures.n_suppliers.to_string()).leaves(4),
        number("HHI", |row, _| index(row.figures.hhi)),
    ]);
    if breakdown != Breakdown::Product {
        columns.push(number("mean", |row, _| index(row.hhi_product_mean)));
    }
    columns.push(number("1/HHI", |row, _| places(row.figures.effective_suppliers(), 1)).leaves(3));
    columns.extend([
        number::<IndicatorRow>("largest", |row, countries| origin(row.figures.top, countries)),
        number("second", |row, countries| origin(row.figures.second, countries)).leaves(4),
        number("extra %", |row, _| places(row.figures.extra_bloc_pct(), 1)).leaves(6),
        number("risk %", |row, _| places(row.figures.risk_pct(), 1)).leaves(5),
    ]);
    if base == Base::All {
        columns.push(number("HHI extra", |row, _| index(row.figures.hhi_extra_bloc)).leaves(1));
    }
    columns.extend([
        number::<IndicatorRow>("HHI world", |row, _| index(row.figures.hhi_world_exports)).leaves(2),
        number("exports M$", |row, _| musd(row.figures.exports)).leaves(1),
        number("EC", |row, _| letters(row.figures.criteria)),
    ]);
    columns
}

fn lasting_columns(breakdown: Breakdown) -> Vec<Shown<PersistenceRow>> {
    let mut columns: Vec<Shown<PersistenceRow>> = if breakdown == Breakdown::Product {
        vec![words("code", |row, _| row.name.clone()), words("product", |row, _| row.description.clone()).cut()]
    } else {
        vec![words(breakdown.name(), |row, _| row.name.clone()).cut()]
    };
    columns.extend([
        number::<PersistenceRow>("traded", |row, _| row.with_trade.to_string()).leaves(2),
        number("C", |row, _| row.concentrated.to_string()).leaves(3),
        number("E", |row, _| row.extra_bloc.to_string()).leaves(3),
        number("X", |row, _| row.above_exports.to_string()).leaves(3),
        number("all", |row, _| row.all_three.to_string()),
        number("longest run", |row, _| match row.longest_run {
            Some((length, from, to)) => format!("{length} ({from}–{to})"),
            None => MISSING.to_owned(),
        })
        .leaves(4),
        number("to now", |row, _| row.current_run.to_string()),
        number("largest", |row, countries| match row.top {
            Some(top) => format!("{} {:>2} y", iso3(top, countries), row.top_years),
            None => MISSING.to_owned(),
        }),
        number("ever largest", |row, _| row.n_tops.to_string()).leaves(1),
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
