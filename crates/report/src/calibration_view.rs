//! A calibration on screen: the four steps and, in plain words, what the data can decide.

use reorient_core::CountryTable;
use reorient_metrics::{Calibration, Choice, N_DIMENSIONS, N_READING_DIMENSIONS, PointFigure, PointRow, Scope};
use reorient_model::NanoUsd;

use crate::calibration_words::{cannot_tell, decided, left_open, n_near, options, ranks};
use crate::grid::{Column, Grid};
use crate::number::{grouped, usd};
use crate::screen::Screen;
use crate::text::{counted, display_width, wrap};

/// Readings and sets shown.
const SHOWN: usize = 5;
/// Positions of options in a choice.
const CAP: usize = 7;
const BASIS: usize = 8;

/// Lines of a view that are styled alike.
struct Page {
    lines: Vec<String>,
    screen: Screen,
}

impl Page {
    fn head(&mut self, text: &str) {
        self.lines.push(String::new());
        self.lines.push(self.screen.title(text));
    }

    fn say(&mut self, text: &str) {
        self.lines.push(self.screen.paragraph(text));
    }

    fn table(&mut self, table: &Grid) {
        self.lines.push(table.draw(self.screen, "--json and the files of --out DIR have all."));
    }

    /// Rows of numbers with words beside them, or below them where there is little room.
    fn beside(&mut self, header: &[&str], rows: &[(Vec<String>, String)]) {
        /// The least room for words.
        const WORDS: usize = 30;
        let cells = |at: usize| rows.iter().filter_map(move |(cells, _)| cells.get(at)).map(|cell| display_width(cell));
        let widths: Vec<usize> =
            header.iter().enumerate().map(|(at, name)| cells(at).chain([display_width(name)]).max().unwrap_or(0)).collect();
        let numbers = |cells: &[&str]| -> String {
            cells
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!("  {}{cell}", " ".repeat(width - display_width(cell))))
                .collect()
        };
        let indent = widths.iter().map(|width| width + 2).sum::<usize>() + 2;
        let is_wide = indent + WORDS <= self.screen.width();
        let title = if is_wide { format!("{}  options", numbers(header)) } else { numbers(header) };
        self.lines.push(self.screen.faint(&title));
        for (cells, words) in rows {
            let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
            let margin = " ".repeat(if is_wide { indent } else { 6 });
            let room = self.screen.width() - margin.len();
            let words = wrap(words, room, "").replace('\n', &format!("\n{margin}"));
            let between = if is_wide { "  ".to_owned() } else { format!("\n{margin}") };
            self.lines.push(format!("{}{between}{words}", numbers(&cells)));
        }
    }
}

/// The view; `title` says which data.
pub fn calibration_view(calibration: &Calibration, countries: &CountryTable, title: &str, screen: Screen) -> String {
    let mut page = Page { lines: vec![screen.title(title)], screen };
    match calibration.scope {
        Scope::Whole => {
            old_shares(&mut page, calibration);
            fall(&mut page, calibration);
            points(&mut page, calibration, countries);
            nearest(&mut page, calibration);
            conclusions(&mut page, calibration);
        }
        Scope::SingleProducts => single_products(&mut page, calibration, countries),
    }
    page.lines.join("\n") + "\n"
}

fn amount(amount: reorient_core::Usd) -> String {
    usd(NanoUsd::from(amount))
}

/// A range of amounts from million USD, with more decimals where there is little.
fn from_musd((least, most): (f64, f64)) -> String {
    let (unit, name, places) = match most {
        most if most < 50.0 => (1.0, "M$", 1),
        most if most < 1e5 => (1e3, "bn USD", 3),
        _ => (1e3, "bn USD", 1),
    };
    let show = |musd: f64| grouped(&format!("{:.places$}", musd / unit));
    format!("{} to {} {name}", show(least), show(most))
}

fn implied(calibration: &Calibration) -> String {
    calibration.implied.map_or_else(
        || "the published rows agree on no total".to_owned(),
        |total| {
            format!(
                "the published table implies {} ({} of {} agree)",
                from_musd(total.musd),
                total.rows,
                counted(calibration.published_rows, "row")
            )
        },
    )
}

fn old_shares(page: &mut Page, calibration: &Calibration) {
    let Some(first) = calibration.readings.first() else { return };
    page.head("1  Old shares: which list, bloc and year");
    page.say(&format!(
        "{} published shares of today against {} readings of the data. The nearest has {} and imports of {}; {}.",
        first.old.figures,
        grouped(&calibration.readings.len().to_string()),
        counted(first.products, "product"),
        amount(first.imports),
        implied(calibration),
    ));
    let rows: Vec<(Vec<String>, String)> = calibration
        .readings
        .chunk_by(|left, right| left.rank == right.rank)
        .take(SHOWN)
        .map(|class| {
            let choices: Vec<Choice> = class.iter().map(|reading| reading.choice).collect();
            let row = &class[0];
            let numbers = vec![
                row.rank.to_string(),
                format!("{:.4}", row.old.rmse),
                format!("{:.4}", row.old.largest),
                row.products.to_string(),
                amount(row.imports),
            ];
            (numbers, options(calibration, &choices, 0..N_READING_DIMENSIONS))
        })
        .collect();
    page.beside(&["rank", "off by pp", "at most", "products", "imports"], &rows);
    let first: Vec<Choice> = calibration.readings.iter().take_while(|row| row.rank == 1).map(|row| row.choice).collect();
    if !left_open(calibration, &first).is_empty() {
        page.say(&format!("The old shares cannot tell apart: {}.", left_open(calibration, &first).join("; ")));
    }
}

/// What rounding of four shares to two places may add to a fall, percentage points; finer tables are looser by it.
const ROUNDING: f64 = 0.02;

fn fall(page: &mut Page, calibration: &Calibration) {
    let (Some(published), Some(first)) = (calibration.published_fall, calibration.sets.first()) else { return };
    page.head("2  Fall of China and the United States together");
    let own = first.fall.map_or_else(String::new, |fall| format!("; the nearest set has {fall:.2}"));
    page.say(&format!(
        "Published: {published:.2} pp{own}. The range over all optima, by basis and cap; * holds the published fall, give or take \
         its rounding. Floors make no difference to it."
    ));
    let caps = &calibration.dimensions[CAP].values;
    let mut order: Vec<usize> = (0..caps.len()).collect();
    order.sort_by(|left, right| caps[*left].parse::<f64>().unwrap_or(0.0).total_cmp(&caps[*right].parse().unwrap_or(0.0)));
    let cell = |basis: u16, cap: &usize| {
        let is_own = |choice: &Choice| (CAP + 2..CAP + 4).all(|at| choice[at] == first.choice[at]);
        let found = calibration
            .sets
            .iter()
            .find(|set| set.choice[BASIS] == basis && usize::from(set.choice[CAP]) == *cap && is_own(&set.choice));
        found.and_then(|set| set.fall_range).map_or_else(String::new, |(least, most)| {
            let holds = (least - ROUNDING..=most + ROUNDING).contains(&published);
            format!("{least:.2}–{most:.2}{}", if holds { "*" } else { " " })
        })
    };
    // As many caps side by side as fit, the others below them.
    let side_by_side = (page.screen.width().saturating_sub(24) / 15).max(1);
    for caps_of_table in order.chunks(side_by_side) {
        let names = caps_of_table.iter().map(|at| Column::number(format!("cap {}", caps[*at])));
        let mut table = Grid::new([Column::text("")].into_iter().chain(names));
        for (basis, name) in (0_u16..).zip(&calibration.dimensions[BASIS].values) {
            table.row([name.clone()].into_iter().chain(caps_of_table.iter().map(|cap| cell(basis, cap))));
        }
        page.table(&table);
    }
}

fn points(page: &mut Page, calibration: &Calibration, countries: &CountryTable) {
    page.head("3  Published figures against the range over all optima of the nearest set");
    let mut table = Grid::new([
        Column::text("").cut(12, 30),
        Column::number("M$ publ."),
        Column::number("ours"),
        Column::number("[min – max]").called("range of M$").leaves(2),
        Column::text("").close(),
        Column::number("% new").called("new share published"),
        Column::number("ours").called("new share of ours").leaves(1),
        Column::number("[min – max]").called("range of the new share").leaves(1),
        Column::text("").close(),
    ]);
    let of = |figure: PointFigure| calibration.points.iter().filter(move |point| point.figure == figure);
    for new in of(PointFigure::ShareNew) {
        let increase = of(PointFigure::Increase).find(|point| point.country == new.country);
        let name = countries.country(new.country).name.to_string();
        let left = increase.map_or_else(Default::default, |point| cells(point, 1));
        table.row([name].into_iter().chain(left).chain(cells(new, 2)));
    }
    page.table(&table);
    let count = |figure| (of(figure).filter(|point| point.inside).count(), of(figure).count());
    let ((increases, n_increases), (shares, n_shares)) = (count(PointFigure::Increase), count(PointFigure::ShareNew));
    let outside = |point: &&PointRow| point.programs_inside == Some(0);
    let name = |point: &PointRow| format!("{} ({})", countries.country(point.country).name, what(point.figure));
    let never: Vec<String> = calibration.points.iter().filter(outside).map(name).collect();
    let never = if never.is_empty() { "none".to_owned() } else { never.join(", ") };
    page.say(&format!(
        "Inside: {increases} of {n_increases} increases and {shares} of {n_shares} new shares (marked +, others −). Outside the \
         ranges of all {} programs that were tried: {never}.",
        grouped(&calibration.programs.to_string())
    ));
}

const fn what(figure: PointFigure) -> &'static str {
    match figure {
        PointFigure::ShareOld => "old share",
        PointFigure::Increase => "increase",
        PointFigure::ShareNew => "new share",
    }
}

/// Published, ours, range, mark.
fn cells(point: &PointRow, places: usize) -> [String; 4] {
    let number = |number: f64| grouped(&format!("{number:.places$}"));
    let ours = point.ours.map_or_else(|| "–".to_owned(), number);
    let ends = point.range.map_or_else(String::new, |(least, most)| format!("[{} – {}]", number(least), number(most)));
    let mark = if point.inside { "+" } else { "−" };
    [number(point.published), ours, ends, mark.to_owned()]
}

fn nearest(page: &mut Page, calibration: &Calibration) {
    page.head("4  Nearest sets of options");
    page.say(&format!(
        "{} sets, ranked by the distance of increases (as percentage points of the imports) and new shares together.",
        grouped(&calibration.sets.len().to_string())
    ));
    let rows: Vec<(Vec<String>, String)> = ranks(calibration, SHOWN)
        .into_iter()
        .map(|class| {
            let choices: Vec<Choice> = class.iter().map(|set| set.choice).collect();
            let set = &class[0];
            let numbers = vec![
                set.rank.to_string(),
                class.len().to_string(),
                format!("{:.4}", set.distance_pp),
                format!("{:.2}", set.increase.rmse),
                format!("{:.4}", set.share_new.rmse),
                set.equal.to_string(),
            ];
            (numbers, options(calibration, &choices, 0..N_DIMENSIONS))
        })
        .collect();
    page.beside(&["rank", "sets", "distance pp", "gains M$", "new shares pp", "equal"], &rows);
}

fn conclusions(page: &mut Page, calibration: &Calibration) {
    let Some(first) = calibration.sets.first() else { return };
    let choices: Vec<Choice> = calibration.nearest().iter().map(|set| set.choice).collect();
    page.head("What these data decide");
    let figures = first.old.figures + first.increase.figures + first.share_new.figures;
    let explained = format!("The nearest set gives {} of {figures} published figures to the last printed digit", first.equal);
    if first.equal == figures {
        page.say(&format!("{explained}: it explains the table."));
    } else {
        let near = n_near(calibration);
        let others = if near > 1 {
            format!(" {near} ranks lie within a tenth of its distance: their order says little.")
        } else {
            String::new()
        };
        page.say(&format!("{explained}: no set that was tried explains the whole table.{others}"));
    }
    page.say(&cannot_tell(calibration, &choices));
    for sentence in decided(calibration) {
        let item = format!("  {}", page.screen.hanging(&sentence, "    "));
        page.lines.push(item);
    }
}

fn single_products(page: &mut Page, calibration: &Calibration, countries: &CountryTable) {
    page.head("What can be compared");
    let near = calibration.readings.first();
    let own = calibration.readings.iter().find(|reading| reading.choice == Choice::default());
    let listed = calibration.listed.map_or_else(String::new, |(held, all)| {
        format!(" They hold {} of the {} of the scenario's list.", grouped(&held.to_string()), counted(all, "product"))
    });
    page.say(&format!(
        "Not the whole table. Of {} readings of these data the nearest is off by {:.2} percentage points in the old shares and \
         leaves {:.0} % of their sum of squares.{listed} The scenario itself has imports of {}; {}. So no share, rank or total can be compared.",
        calibration.readings.len(),
        near.map_or(0.0, |reading| reading.old.rmse),
        100.0 * calibration.unexplained,
        own.map_or_else(|| "0 USD".to_owned(), |reading| amount(reading.imports)),
        implied(calibration),
    ));
    if calibration.singles.is_empty() {
        page.say("Nor is there an exporter whose published row comes from one product of these data.");
        return;
    }
    page.say(
        "What remains are exporters that live on one product of the data: it makes at least nine tenths of the bloc's listed \
         imports from them and of their listed exports, belongs to the published main sector, and alone explains the published \
         old share of the implied total within a tenth.",
    );
    page.head("Increase under the scenario itself, M$");
    let mut table = Grid::new([
        Column::text("").cut(10, 30),
        Column::text("product"),
        Column::number("old share expl.").leaves(1),
        Column::number("published"),
        Column::number("ours"),
        Column::number("[min – max]").leaves(3),
        Column::text("inside").leaves(2),
        Column::number("off by"),
    ]);
    let number = |number: f64| grouped(&format!("{number:.1}"));
    for single in &calibration.singles {
        table.row([
            countries.country(single.country).name.to_string(),
            single.product.to_string(),
            format!("{:.0} %", single.explained_pct),
            number(single.published),
            number(single.ours),
            format!("[{} – {}]", number(single.range.0), number(single.range.1)),
            if single.inside { "yes" } else { "no" }.to_owned(),
            format!("{:+.1} %", 100.0 * (single.ours / single.published - 1.0)),
        ]);
    }
    page.table(&table);
    let off = |basis: usize| -> f64 {
        let of = |single: &reorient_metrics::SingleRow| {
            single.by_basis.get(basis).map_or(1.0, |ours| (ours / single.published - 1.0).abs())
        };
        calibration.singles.iter().map(of).sum::<f64>() / calibration.singles.len() as f64
    };
    let bases: Vec<String> = calibration.dimensions[BASIS]
        .values
        .iter()
        .enumerate()
        .map(|(at, basis)| format!("{basis} {:.0} %", 100.0 * off(at)))
        .collect();
    page.lines.push(String::new());
    page.say(&format!("Mean distance of these rows by the basis of the cap: {}.", bases.join(", ")));
    let nearest: Vec<Choice> = calibration.nearest().iter().map(|set| set.choice).collect();
    let own_set = calibration.sets.iter().find(|set| set.choice == Choice::default());
    if let (Some(first), Some(own)) = (calibration.sets.first(), own_set) {
        page.say(&format!(
            "Of {} sets of options the nearest is {}: off by {:.5} percentage points of the implied total, the scenario itself \
             (rank {}) by {:.5}. {} ranks lie within a tenth of the least distance: their order says little.",
            grouped(&calibration.sets.len().to_string()),
            options(calibration, &nearest[..nearest.len().min(1)], 0..N_DIMENSIONS),
            first.distance_pp,
            own.rank,
            own.distance_pp,
            n_near(calibration)
        ));
    }
    let own_rank = calibration.sets.iter().find(|set| set.choice == Choice::default()).map_or(0, |set| set.rank);
    let same: Vec<Choice> = calibration.sets.iter().filter(|set| set.rank == own_rank).map(|set| set.choice).collect();
    let open = left_open(calibration, &same);
    if !open.is_empty() {
        page.say(&format!("Sets that differ only in these give the same figures: {}.", open.join("; ")));
    }
    page.say("Nothing else in the published table can be compared with these data.");
}
