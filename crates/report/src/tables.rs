//! Risk countries and Table A.1 as aligned columns.

use comfy_table::{CellAlignment, Table, presets};
use reorient_core::CountryTable;
use reorient_metrics::{Collection, CountryRow, Level, Origin, ShareRow};
use reorient_model::NanoUsd;

use crate::number::{NANO_PER_MUSD, decimal, grouped, percent};
use crate::text::cut;

/// Rows of Table A.1 on screen; the file holds all.
const ROWS: usize = 25;
/// Share of every risk country before and after.
pub(crate) fn risk(collection: &Collection, countries: &CountryTable, width: usize) -> Vec<String> {
    fitting(width, |wide| risk_lines(collection, countries, width, wide))
}

/// Table A.1.
pub(crate) fn table_a1(collection: &Collection, countries: &CountryTable, width: usize) -> Vec<String> {
    fitting(width, |wide| a1_lines(collection, countries, width, wide))
}

/// With intervals where they fit.
fn fitting(width: usize, build: impl Fn(bool) -> Vec<String>) -> Vec<String> {
    let lines = build(true);
    if lines.iter().all(|line| line.chars().count() <= width) { lines } else { build(false) }
}

fn risk_lines(collection: &Collection, countries: &CountryTable, width: usize, wide: bool) -> Vec<String> {
    let rows: Vec<&ShareRow> = collection.shares.iter().filter(|row| row.level == Level::Overall).collect();
    let countries_first = rows.iter().filter(|row| row.origin != Origin::AllRisk);
    let total = rows.iter().filter(|row| row.origin == Origin::AllRisk);
    let several = countries_first.clone().count() > 1;
    let mut header = vec!["risk country", "before %", "after %", "[min – max]", "change pp"];
    if !wide {
        header.remove(3);
    }
    let mut table = table(&header);
    let empty = countries_first.clone().count() == 0;
    for row in countries_first.chain(total.filter(|_| several || empty)) {
        let name = match row.origin {
            Origin::AllRisk => "all risk countries",
            Origin::Country(index) => &countries.country(index).name,
        };
        let imports = NanoUsd::from(row.imports);
        let share = |part| percent(part, imports, 2).unwrap_or_else(|| "–".to_owned());
        let change = share(row.after - NanoUsd::from(row.before));
        let mut cells = vec![
            cut(name, name_limit(width)),
            share(row.before.into()),
            share(row.after),
            interval(row.after_min, row.after_max, share),
            if change.starts_with(['-', '–', '0']) { change.replacen('-', "−", 1) } else { format!("+{change}") },
        ];
        if !wide {
            cells.remove(3);
        }
        table.add_row(cells);
    }
    lines(&mut table, &[0])
}

fn a1_lines(collection: &Collection, countries: &CountryTable, width: usize, wide: bool) -> Vec<String> {
    let mut header = vec!["#", "country", "increase M$", "[min – max]", "main sector", "old %", "new %"];
    if !wide {
        header.remove(3);
    }
    let imports = NanoUsd::from(collection.headline.imports);
    let mut table = table(&header);
    for row in collection.table_a1.iter().take(ROWS) {
        let share = |part| percent(part, imports, 2).unwrap_or_else(|| "–".to_owned());
        let mut cells = a1_cells(row, &countries.country(row.country).name, width);
        cells.extend([row.main_sector.name().to_owned(), share(row.before.into()), share(row.after)]);
        if !wide {
            cells.remove(3);
        }
        table.add_row(cells);
    }
    let mut lines = lines(&mut table, &[1, if wide { 4 } else { 3 }]);
    if let Some(more) = collection.table_a1.len().checked_sub(ROWS).filter(|more| *more > 0) {
        lines.push(format!("  … and {more} more in table_a1.csv"));
    }
    lines
}

fn a1_cells(row: &CountryRow, name: &str, width: usize) -> Vec<String> {
    let amount = |amount: NanoUsd| grouped(&decimal(amount.0, NANO_PER_MUSD, 1));
    vec![
        row.rank.to_string(),
        cut(name, name_limit(width)),
        amount(row.increase),
        interval(row.increase_min, row.increase_max, amount),
    ]
}

/// Room for a country name.
fn name_limit(width: usize) -> usize {
    if width < 90 { 18 } else { 24 }
}

/// `unique` where all optima agree to the last digit.
fn interval(min: NanoUsd, max: NanoUsd, print: impl Fn(NanoUsd) -> String) -> String {
    if min == max { "unique".to_owned() } else { format!("[{} – {}]", print(min), print(max)) }
}

pub(crate) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    // No lines, no look at the terminal: widths follow the content alone.
    table.load_style(presets::NOTHING).force_no_tty().set_header(header.to_vec());
    table
}

/// Text columns `left`, numbers right, no trailing spaces.
pub(crate) fn lines(table: &mut Table, left: &[usize]) -> Vec<String> {
    for (position, column) in table.column_iter_mut().enumerate() {
        let first = if position == 0 { 2 } else { 1 };
        column.set_padding((first, 1));
        if !left.contains(&position) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect()
}
