//! Tables on screen that fit: columns of text give room, then whole columns leave in a declared order, and a line says which.

use anstyle::Style;

use crate::screen::Screen;
use crate::text::{cut, display_width};

/// Columns before the first one of a table.
const INDENT: usize = 2;
/// A column of text is never narrower.
const NARROWEST: usize = 6;

/// A column of a table on screen.
#[derive(Debug, Clone)]
pub struct Column {
    header: String,
    /// In the line of what is left out, where the header says too little.
    name: Option<String>,
    is_text: bool,
    /// The least comfortable width and the most, where cells may be cut.
    cut: Option<(usize, usize)>,
    /// From 1, the columns that leave first; none for those that stay.
    leaves: Option<u8>,
    gap: usize,
}

impl Column {
    /// Cells at the left.
    pub fn text(header: impl Into<String>) -> Self {
        Self { header: header.into(), name: None, is_text: true, cut: None, leaves: None, gap: 2 }
    }

    /// Cells at the right.
    pub fn number(header: impl Into<String>) -> Self {
        Self { is_text: false, ..Self::text(header) }
    }

    /// Cells that are cut to `most` columns, and to `least` before other columns leave.
    #[must_use]
    pub fn cut(self, least: usize, most: usize) -> Self {
        Self { cut: Some((least, most)), ..self }
    }

    /// Leaves where there is no room: columns of order 1 first, equal ones together.
    #[must_use]
    pub fn leaves(self, order: u8) -> Self {
        Self { leaves: Some(order), ..self }
    }

    /// Its name where its header says too little.
    #[must_use]
    pub fn called(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// Nearer to the column before it.
    #[must_use]
    pub fn close(self) -> Self {
        Self { gap: 1, ..self }
    }
}

/// A table on screen.
#[derive(Debug, Clone)]
pub struct Grid {
    columns: Vec<Column>,
    rows: Vec<(Vec<String>, Style)>,
    foot: Vec<String>,
}

impl Grid {
    /// A table without rows.
    pub fn new(columns: impl IntoIterator<Item = Column>) -> Self {
        Self { columns: columns.into_iter().collect(), rows: Vec::new(), foot: Vec::new() }
    }

    /// A row, a cell for each column.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.styled(cells, Style::new());
    }

    /// A row in a style.
    pub fn styled(&mut self, cells: impl IntoIterator<Item = String>, style: Style) {
        self.rows.push((cells.into_iter().collect(), style));
    }

    /// A line below the rows, such as how many more there are.
    pub fn foot(&mut self, text: impl Into<String>) {
        self.foot.push(text.into());
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table, its foot, and the columns that are left out; `elsewhere` says how all are to be seen. No line feed at the end.
    pub fn draw(&self, screen: Screen, elsewhere: &str) -> String {
        let shown = self.shown(screen.width());
        let widths = self.widths(&shown, screen.width());
        let mut lines = vec![screen.faint(&line(&shown, &widths, |at| &self.columns[at].header))];
        for (cells, style) in &self.rows {
            let text = line(&shown, &widths, |at| cells.get(at).map_or("", String::as_str));
            lines.push(if *style == Style::new() { text } else { screen.paint(&text, *style) });
        }
        lines.extend(self.foot.iter().map(|text| screen.item(text)));
        let left_out: Vec<&str> = (0..self.columns.len())
            .filter(|at| !shown.iter().any(|(shown, _)| shown == at))
            .map(|at| self.columns[at].name.as_ref().unwrap_or(&self.columns[at].header).as_str())
            .collect();
        if !left_out.is_empty() {
            let text = format!("Left out for want of room: {}. {elsewhere}", left_out.join(", "));
            lines.push(screen.faint(&screen.item(&text)));
        }
        lines.join("\n")
    }

    /// Width of the header and the widest cell, not cut.
    fn natural(&self, at: usize) -> usize {
        let cells = self.rows.iter().filter_map(|(cells, _)| cells.get(at)).map(|cell| display_width(cell));
        let widest = cells.chain([display_width(&self.columns[at].header)]).max().unwrap_or(0);
        self.columns[at].cut.map_or(widest, |(_, most)| widest.min(most))
    }

    /// Positions of the columns that there is room for.
    fn shown(&self, room: usize) -> Vec<(usize, &Column)> {
        let mut orders: Vec<u8> = self.columns.iter().filter_map(|column| column.leaves).collect();
        orders.sort_unstable();
        orders.dedup();
        let least =
            |at: usize, column: &Column| column.gap + column.cut.map_or(usize::MAX, |(least, _)| least).min(self.natural(at));
        let staying = |left: Option<u8>| -> Vec<(usize, &Column)> {
            let stays = |(_, column): &(usize, &Column)| column.leaves.is_none_or(|order| left.is_none_or(|left| order > left));
            self.columns.iter().enumerate().filter(stays).collect()
        };
        let fits = |columns: &Vec<(usize, &Column)>| columns.iter().map(|(at, column)| least(*at, column)).sum::<usize>() <= room;
        let all = staying(None);
        if fits(&all) {
            return all;
        }
        let mut fewer = orders.iter().map(|order| staying(Some(*order)));
        let fewest = orders.last().map_or(all, |order| staying(Some(*order)));
        fewer.find(|columns| fits(columns)).unwrap_or(fewest)
    }

    /// The width of each shown column: what its cells take, less where they may be cut.
    fn widths(&self, shown: &[(usize, &Column)], room: usize) -> Vec<usize> {
        let natural: Vec<usize> = shown.iter().map(|(at, _)| self.natural(*at)).collect();
        let taken = |widths: &[usize]| shown.iter().map(|(_, column)| column.gap).sum::<usize>() + widths.iter().sum::<usize>();
        let mut widths = natural;
        let mut over = taken(&widths).saturating_sub(room);
        while over > 0 {
            // The widest of those that give room, so that they end up alike.
            let gives = |at: &usize| shown[*at].1.cut.is_some() && widths[*at] > NARROWEST;
            let Some(widest) = (0..widths.len()).filter(gives).max_by_key(|at| widths[*at]) else { break };
            widths[widest] -= 1;
            over -= 1;
        }
        widths
    }
}

fn line<'a>(shown: &[(usize, &Column)], widths: &[usize], cell: impl Fn(usize) -> &'a str) -> String {
    let mut text = String::new();
    for (position, ((at, column), width)) in shown.iter().zip(widths).enumerate() {
        let cell = if column.cut.is_some() { cut(cell(*at), *width) } else { cell(*at).to_owned() };
        let pad = " ".repeat(width.saturating_sub(display_width(&cell)));
        let gap = " ".repeat(if position == 0 { INDENT } else { column.gap });
        text += &if column.is_text { format!("{gap}{cell}{pad}") } else { format!("{gap}{pad}{cell}") };
    }
    text.truncate(text.trim_end().len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> Grid {
        let mut grid = Grid::new([
            Column::number("rank"),
            Column::text("country").cut(12, 40),
            Column::number("M$"),
            Column::text("main sector").leaves(1),
            Column::number("old %").leaves(2),
            Column::number("new %").leaves(2),
            Column::text("long").leaves(3),
        ]);
        let row = |rank: &str, country: &str| {
            [rank, country, "10,612.8", "energy", "6.29", "9.25", "0123456789012345678"].map(str::to_owned)
        };
        grid.row(row("1", "Saint Helena, Ascension and Tristan da Cunha"));
        grid.row(row("2-10", "Türkiye"));
        grid.foot("… and 3 more");
        grid
    }

    #[test]
    fn text_gives_room_and_then_columns_leave_in_their_order() {
        let screen = |width| Screen::new(width, false);
        insta::assert_snapshot!(grid().draw(screen(160), "all"), @r"
          rank  country                                         M$  main sector  old %  new %  long
             1  Saint Helena, Ascension and Tristan da…   10,612.8  energy        6.29   9.25  0123456789012345678
          2-10  Türkiye                                   10,612.8  energy        6.29   9.25  0123456789012345678
          … and 3 more
        ");
        insta::assert_snapshot!(grid().draw(screen(84), "All are in a.csv."), @r"
        rank  country                   M$  main sector  old %  new %  long
           1  Saint Helena…       10,612.8  energy        6.29   9.25  0123456789012345678
        2-10  Türkiye             10,612.8  energy        6.29   9.25  0123456789012345678
        … and 3 more
        ");
        insta::assert_snapshot!(grid().draw(screen(70), "All are in a.csv."), @r"
        rank  country                  M$  old %  new %  long
           1  Saint Helena…      10,612.8   6.29   9.25  0123456789012345678
        2-10  Türkiye            10,612.8   6.29   9.25  0123456789012345678
        … and 3 more
        Left out for want of room: main sector. All are in a.csv.
        ");
        insta::assert_snapshot!(grid().draw(screen(60), "All are in a.csv."), @r"
        rank  country                      M$  long
           1  Saint Helena, Ascens…  10,612.8  0123456789012345678
        2-10  Türkiye                10,612.8  0123456789012345678
        … and 3 more
        Left out for want of room: main sector, old %, new %. All
        are in a.csv.
        ");
    }

    #[test]
    fn what_cannot_leave_is_cut() {
        let mut grid = Grid::new([Column::text("one").cut(40, 80), Column::text("two").cut(40, 80)]);
        grid.row(["x".repeat(70), "y".repeat(20)]);
        for line in grid.draw(Screen::new(60, false), "").lines() {
            assert!(display_width(line) <= 60, "{line}");
        }
    }

    #[test]
    fn styles_take_no_room() {
        let mut grid = Grid::new([Column::text("bar"), Column::number("%")]);
        let red = anstyle::AnsiColor::Red.on_default();
        grid.styled(["██".to_owned(), "1".to_owned()], red);
        grid.row([crate::text::paint("█", red, true), "10".to_owned()]);
        let drawn = grid.draw(Screen::new(60, true), "");
        assert!(drawn.lines().all(|line| display_width(line) == 9), "{drawn:?}");
    }
}
