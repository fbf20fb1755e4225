//! Where a view is printed: how wide it is, and whether it takes colour. All views ask here, so that all fit alike.

use anstyle::{AnsiColor, Style};
use terminal_size::{Width, terminal_size_of};

use crate::text::{self, paint};

const TITLE: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
/// Prose is no wider than this, however wide the screen: longer lines are hard to follow.
const PROSE: usize = 120;

/// A screen of 60 to 160 columns. What it returns has no line that is longer, but for words that cannot be broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen {
    width: usize,
    colour: bool,
}

impl Screen {
    /// Narrower screens are taken for this one.
    pub const LEAST: usize = 60;
    /// Wider screens are taken for this one.
    pub const MOST: usize = 160;
    /// Where there is no terminal.
    pub const USUAL: usize = 100;

    /// A screen of so many columns, or the nearest that views are made for.
    pub fn new(width: usize, colour: bool) -> Self {
        Self { width: width.clamp(Self::LEAST, Self::MOST), colour }
    }

    /// That of standard output: `COLUMNS` where it is set, otherwise the terminal, otherwise 100 columns. With colour, which
    /// the stream strips where it is not wanted.
    pub fn stdout() -> Self {
        Self::told().unwrap_or_else(|| Self::new(Self::USUAL, true))
    }

    /// That of standard output, where `COLUMNS` or a terminal tells it; none where a program reads lines that stay whole.
    pub fn told() -> Option<Self> {
        let terminal = || terminal_size_of(std::io::stdout()).map(|(Width(width), _)| usize::from(width));
        wished().or_else(terminal).map(|width| Self::new(width, true))
    }

    /// That of standard error; none where it is no terminal, so that lines of a log stay whole.
    pub fn stderr() -> Option<Self> {
        let (Width(width), _) = terminal_size_of(std::io::stderr())?;
        Some(Self::new(wished().unwrap_or_else(|| width.into()), true))
    }

    /// Columns.
    pub const fn width(self) -> usize {
        self.width
    }

    /// Whether ANSI colours are sent.
    pub const fn has_colour(self) -> bool {
        self.colour
    }

    /// A paragraph, broken at spaces.
    pub fn paragraph(self, text: &str) -> String {
        self.hanging(text, "")
    }

    /// A paragraph whose first line begins the line and whose others are indented.
    pub fn hanging(self, text: &str, indent: &str) -> String {
        text::wrap(text, self.width.min(PROSE), indent)
    }

    /// Text that begins beside a margin that is there already, and goes on below itself.
    pub fn beside(self, text: &str, margin: &str) -> String {
        text::wrap(text, self.width, margin)
    }

    /// A paragraph of which every line is indented by two columns: a note, or an item of a list.
    pub fn item(self, text: &str) -> String {
        format!("  {}", self.hanging(text, "  "))
    }

    /// A title: bold, and broken where it is long.
    pub fn title(self, text: &str) -> String {
        self.paint(&self.hanging(text, "  "), TITLE)
    }

    /// What need not be read at once: dimmed.
    pub fn faint(self, text: &str) -> String {
        self.paint(text, FAINT)
    }

    /// A paragraph of small print: dimmed, and indented after its first line.
    pub fn legend(self, text: &str) -> String {
        self.faint(&self.hanging(text, "  "))
    }

    /// What must not be overlooked: bold yellow.
    pub fn warning(self, text: &str) -> String {
        self.paint(text, WARNING)
    }

    /// In a style, where there is colour.
    pub fn paint(self, text: &str, style: Style) -> String {
        paint(text, style, self.colour)
    }
}

/// `COLUMNS`, where it is a number of columns.
fn wished() -> Option<usize> {
    std::env::var("COLUMNS").ok()?.trim().parse().ok().filter(|width| *width > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn screens_have_60_to_160_columns() {
        assert_eq!([1, 60, 61, 160, 161].map(|width| Screen::new(width, false).width()), [60, 60, 61, 160, 160]);
    }

    #[test]
    fn prose_stays_readable_on_a_wide_screen() {
        let text = "word ".repeat(100);
        for (width, most) in [(60, 60), (100, 100), (160, 120)] {
            let screen = Screen::new(width, false);
            for text in [screen.paragraph(&text), screen.item(&text), screen.legend(&text), screen.title(&text)] {
                let longest = text.lines().map(text::display_width).max().unwrap_or(0);
                assert!((most - 8..=most).contains(&longest), "{width}: {longest}");
            }
        }
    }
}
