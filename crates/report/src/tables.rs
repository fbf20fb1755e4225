//! Risk countries and Table A.1 as aligned columns.

use reorient_core::CountryTable;
use reorient_metrics::{Collection, CountryRow, Level, Origin, ShareRow};
use reorient_model::NanoUsd;

use crate::grid::{Column, Grid};
use crate::number::{NANO_PER_MUSD, decimal, grouped, percent};
use crate::screen::Screen;

/// Rows of Table A.1 on screen; the file holds all.
const ROWS: usize = 25;

/// Share of every risk country before and after; none where there is no row.
pub(crate) fn risk(collection: &Collection, countries: &CountryTable, screen: Screen) -> Option<String> {
    let rows: Vec<&ShareRow> = collection.shares.iter().filter(|row| row.level == Level::Overall).collect();
    let countries_first = rows.iter().filter(|row| row.origin != Origin::AllRisk);
    let total = rows.iter().filter(|row| row.origin == Origin::AllRisk);
    let several = countries_first.clone().count() > 1;
    let empty = countries_first.clone().count() == 0;
    let mut grid = Grid::new([
        Column::text("risk country").cut(18, 40),
        Column::number("before %"),
        Column::number("after %"),
        Column::number("[min – max]").leaves(2),
        Column::number("change pp").leaves(1),
    ]);
    for row in countries_first.chain(total.filter(|_| several || empty)) {
        let name = match row.origin {
            Origin::AllRisk => "all risk countries",
            Origin::Country(index) => &countries.country(index).name,
        };
        let imports = NanoUsd::from(row.imports);
        let share = |part| percent(part, imports, 2).unwrap_or_else(|| "–".to_owned());
        let change = share(row.after - NanoUsd::from(row.before));
        grid.row([
            name.to_owned(),
            share(row.before.into()),
            share(row.after),
            interval(row.after_min, row.after_max, share),
            if change.starts_with(['-', '–', '0']) { change.replacen('-', "−", 1) } else { format!("+{change}") },
        ]);
    }
    (!grid.is_empty()).then(|| grid.draw(screen, "--json and shares.csv (--out DIR) have all."))
}

/// Table A.1, with a line that explains its ranges.
pub(crate) fn table_a1(collection: &Collection, countries: &CountryTable, screen: Screen) -> String {
    let imports = NanoUsd::from(collection.headline.imports);
    let mut grid = Grid::new([
        Column::number("#"),
        Column::text("country").cut(12, 40),
        Column::number("increase M$"),
        Column::number("[min – max]").leaves(3),
        Column::text("main sector").leaves(1),
        Column::number("old %").leaves(2),
        Column::number("new %").leaves(2),
    ]);
    for row in collection.table_a1.iter().take(ROWS) {
        let share = |part| percent(part, imports, 2).unwrap_or_else(|| "–".to_owned());
        let amount = |amount: NanoUsd| grouped(&decimal(amount.0, NANO_PER_MUSD, 1));
        grid.row([
            rank(row),
            countries.country(row.country).name.to_string(),
            amount(row.increase),
            interval(row.increase_min, row.increase_max, amount),
            row.main_sector.name().to_owned(),
            share(row.before.into()),
            share(row.after),
        ]);
    }
    if let Some(more) = collection.table_a1.len().checked_sub(ROWS).filter(|more| *more > 0) {
        grid.foot(format!("… and {more} more in table_a1.csv"));
    }
    let legend = "[min – max]: the range over all optimal solutions; ranks such as 1-3 are outer bounds.";
    let table = grid.draw(screen, "--json and table_a1.csv (--out DIR) have all.");
    format!("{table}\n{}", screen.faint(&screen.item(legend)))
}

/// The places that a country may have in the order of gains.
fn rank(row: &CountryRow) -> String {
    rank_text(row.rank_min, row.rank_max)
}

/// `4`, or `1-3` where the order is open.
pub fn rank_text(rank_min: usize, rank_max: usize) -> String {
    if rank_min == rank_max { rank_min.to_string() } else { format!("{rank_min}-{rank_max}") }
}

/// `unique` where all optima agree to the last digit.
fn interval(min: NanoUsd, max: NanoUsd, print: impl Fn(NanoUsd) -> String) -> String {
    if min == max { "unique".to_owned() } else { format!("[{} – {}]", print(min), print(max)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_rank_is_a_range() {
        assert_eq!(rank_text(4, 4), "4");
        assert_eq!(rank_text(1, 13), "1-13");
    }
}
