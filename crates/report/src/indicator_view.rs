//! Indicators of dependence on screen: the rows of the newest year, and over several years what lasts.

use anstyle::Style;
use comfy_table::{CellAlignment, Table, presets};
use reorient_core::{CountryIndex, CountryTable, Usd};
use reorient_metrics::{Base, Breakdown, Criteria, IndicatorRow, OriginShare, PersistenceRow};

use crate::indicators::CRITERIA_SOURCE;
use crate::number::{decimal, grouped};
use crate::text::{cut, paint, wrap};

const TITLE: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();
const MISSING: &str = "–";

/// Lines are at most this long, however wide the screen.
const WIDEST: usize = 160;
/// Narrower than this, lines may overflow.
const NARROWEST: usize = 60;
/// Room that is tried for the names of products, widest first.
const NAMES: [usize; 6] = [44, 38, 32, 27, 22, 18];

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
    /// Columns of the screen.
    pub width: usize,
    /// Whether to send ANSI colours.
    pub colour: bool,
    /// The importer as asked for.
    pub importer: &'a str,
    /// Label of the trade data.
    pub source: &'a str,
    /// Order of the rows.
    pub sort: IndicatorSort,
    /// Rows to show.
    pub top: usize,
    /// Sentences to print at the end.
    pub notes: &'a [String],
}

/// Columns of the terminal that standard output goes to; none when it goes elsewhere.
pub fn screen_width() -> Option<usize> {
    Table::new().width().map(usize::from)
}

/// The result as text, one line feed after every line, without trailing spaces.
pub fn indicators_view(
    rows: &[IndicatorRow],
    persistence: &[PersistenceRow],
    countries: &CountryTable,
    view: &IndicatorView<'_>,
) -> String {
    let width = view.width.clamp(NARROWEST, WIDEST);
    let title = wrap(&format!("reorient indicators · {} · {}", view.importer, view.source), width, "  ");
    let mut blocks = vec![paint(&title, TITLE, view.colour)];
    if let Some(newest) = rows.last() {
        let mut shown: Vec<&IndicatorRow> = rows.iter().filter(|row| row.year == newest.year).collect();
        blocks.push(wrap(&summary(&shown, newest, view.importer), width, ""));
        sort(&mut shown, view.sort);
        let all = shown.len();
        shown.truncate(view.top);
        let heading = format!("{} by {}", newest.year, newest.breakdown.name());
        blocks.push(section(&heading, fitting(width, &columns(newest.breakdown, newest.base), &shown, countries), all, view));
        if !persistence.is_empty() {
            let mut lasting: Vec<&PersistenceRow> = persistence.iter().collect();
            lasting.sort_by_key(|row| (std::cmp::Reverse((row.all_three, row.current_run, row.concentrated)), row.name.clone()));
            lasting.truncate(view.top);
            let lines = fitting(width, &lasting_columns(newest.breakdown), &lasting, countries);
            let heading = format!("Years that meet the criteria, of {}", persistence[0].n_years);
            blocks.push(section(&heading, lines, persistence.len(), view));
        }
        blocks.push(paint(&wrap(&legend(newest), width, "  "), FAINT, view.colour));
    } else {
        blocks.push(format!("No row of these products is in the data for {}.", view.importer));
    }
    if !view.notes.is_empty() {
        let notes: Vec<String> = view.notes.iter().map(|note| wrap(note, width, "  ")).collect();
        blocks.push(notes.join("\n"));
    }
    blocks.join("\n\n") + "\n"
}

fn summary(rows: &[&IndicatorRow], newest: &IndicatorRow, importer: &str) -> String {
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
    let share = |part: Usd| {
        let nano = |amount: Usd| reorient_model::NanoUsd::from(amount);
        crate::number::percent(nano(part), nano(imports), 1).unwrap_or_else(|| MISSING.to_owned())
    };
    let all_three = rows.iter().filter(|row| row.n_products_all_three > 0).count();
    format!(
        "{importer} imports {} M$ of {} products in {}: {} % from outside {}, {} % from risk origins. {all_three} of the products \
         meet all three criteria.",
        musd(imports),
        rows.iter().map(|row| row.n_products).sum::<usize>(),
        newest.year,
        share(sum(|row| row.figures.extra_bloc)),
        newest.bloc,
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

fn section(heading: &str, mut lines: Vec<String>, all: usize, view: &IndicatorView<'_>) -> String {
    if let Some(header) = lines.first_mut() {
        *header = paint(header, FAINT, view.colour);
    }
    if all > view.top {
        lines.push(format!("  … and {} more; --top {all} shows all, --out DIR writes them", all - view.top));
    }
    format!("{}\n{}", paint(heading, TITLE, view.colour), lines.join("\n"))
}

fn legend(row: &IndicatorRow) -> String {
    let base = match row.base {
        Base::All => "all suppliers".to_owned(),
        Base::ExtraBloc => format!("suppliers outside {}", row.bloc),
    };
    format!(
        "HHI and shares of origins are over {base}; extra % is from outside {bloc}. EC: C the HHI of imports from outside {bloc} \
         is above 0.4, E more than half comes from outside {bloc}, X that is more than the exports ({CRITERIA_SOURCE}).",
        bloc = row.bloc,
    )
}

/// A column: header, whether it is text, the least width of the table in tiers at which it shows, and its cells. The cell
/// is told how much room names have.
struct Shown<R> {
    header: &'static str,
    text: bool,
    tier: u8,
    cell: fn(&R, &CountryTable, usize) -> String,
}

/// The widest tier.
const TIERS: u8 = 4;

const fn shown<R>(header: &'static str, tier: u8, cell: fn(&R, &CountryTable, usize) -> String) -> Shown<R> {
    Shown { header, text: false, tier, cell }
}

const fn words<R>(header: &'static str, tier: u8, cell: fn(&R, &CountryTable, usize) -> String) -> Shown<R> {
    Shown { header, text: true, tier, cell }
}

fn columns(breakdown: Breakdown, base: Base) -> Vec<Shown<IndicatorRow>> {
    let mut columns: Vec<Shown<IndicatorRow>> = if breakdown == Breakdown::Product {
        vec![words("code", 0, |row, _, _| row.name.clone()), words("product", 0, |row, _, names| cut(&row.description, names))]
    } else {
        vec![
            words(breakdown.name(), 0, |row, _, names| cut(&row.name, names)),
            shown("products", 1, |row, _, _| row.n_products.to_string()),
        ]
    };
    columns.extend([
        shown::<IndicatorRow>("imports M$", 0, |row, _, _| musd(row.figures.imports)),
        shown("from", 1, |row, _, _| row.figures.n_suppliers.to_string()),
        shown("HHI", 0, |row, _, _| index(row.figures.hhi)),
    ]);
    if breakdown != Breakdown::Product {
        columns.push(shown("mean", 0, |row, _, _| index(row.hhi_product_mean)));
    }
    columns.push(shown("1/HHI", 2, |row, _, _| places(row.figures.effective_suppliers(), 1)));
    columns.extend([
        shown::<IndicatorRow>("largest", 0, |row, countries, _| origin(row.figures.top, countries)),
        shown("second", 1, |row, countries, _| origin(row.figures.second, countries)),
        shown("extra %", 0, |row, _, _| places(row.figures.extra_bloc_pct(), 1)),
        shown("risk %", 0, |row, _, _| places(row.figures.risk_pct(), 1)),
    ]);
    if base == Base::All {
        columns.push(shown("HHI extra", 4, |row, _, _| index(row.figures.hhi_extra_bloc)));
    }
    columns.extend([
        shown::<IndicatorRow>("HHI world", 3, |row, _, _| index(row.figures.hhi_world_exports)),
        shown("exports M$", 4, |row, _, _| musd(row.figures.exports)),
        shown("EC", 0, |row, _, _| letters(row.figures.criteria)),
    ]);
    columns
}

fn lasting_columns(breakdown: Breakdown) -> Vec<Shown<PersistenceRow>> {
    let mut columns: Vec<Shown<PersistenceRow>> = if breakdown == Breakdown::Product {
        vec![words("code", 0, |row, _, _| row.name.clone()), words("product", 0, |row, _, names| cut(&row.description, names))]
    } else {
        vec![words(breakdown.name(), 0, |row, _, names| cut(&row.name, names))]
    };
    columns.extend([
        shown::<PersistenceRow>("traded", 1, |row, _, _| row.with_trade.to_string()),
        shown("C", 0, |row, _, _| row.concentrated.to_string()),
        shown("E", 0, |row, _, _| row.extra_bloc.to_string()),
        shown("X", 0, |row, _, _| row.above_exports.to_string()),
        shown("all", 0, |row, _, _| row.all_three.to_string()),
        shown("longest run", 0, |row, _, _| match row.longest_run {
            Some((length, from, to)) => format!("{length} ({from}–{to})"),
            None => MISSING.to_owned(),
        }),
        shown("to now", 0, |row, _, _| row.current_run.to_string()),
        shown("largest", 0, |row, countries, _| match row.top {
            Some(top) => format!("{} {:>2} y", iso3(top, countries), row.top_years),
            None => MISSING.to_owned(),
        }),
        shown("ever largest", 2, |row, _, _| row.n_tops.to_string()),
    ]);
    columns
}

/// As many columns as fit, and room for names in what is left.
fn fitting<R>(width: usize, columns: &[Shown<R>], rows: &[&R], countries: &CountryTable) -> Vec<String> {
    for tier in (0..=TIERS).rev() {
        for names in NAMES.into_iter().filter(|names| tier == 0 || *names >= NAMES[4]) {
            let lines = draw(columns, rows, countries, tier, names);
            if lines.iter().all(|line| line.chars().count() <= width) {
                return lines;
            }
        }
    }
    draw(columns, rows, countries, 0, NAMES[NAMES.len() - 1])
}

fn draw<R>(columns: &[Shown<R>], rows: &[&R], countries: &CountryTable, tier: u8, names: usize) -> Vec<String> {
    let columns: Vec<&Shown<R>> = columns.iter().filter(|column| column.tier <= tier).collect();
    let mut table = Table::new();
    table.load_style(presets::NOTHING).force_no_tty().set_header(columns.iter().map(|column| column.header));
    for row in rows {
        table.add_row(columns.iter().map(|column| (column.cell)(row, countries, names)));
    }
    for (position, (drawn, column)) in table.column_iter_mut().zip(&columns).enumerate() {
        drawn.set_padding((if position == 0 { 2 } else { 1 }, 1));
        if !column.text {
            drawn.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect()
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
