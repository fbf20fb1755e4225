//! Styled, shortened and wrapped text, measured in columns of a screen.

use std::borrow::Cow;

use anstyle::Style;
use reorient_core::{is_letter, shown};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Words that stay on the line of the number before them.
const UNITS: [&str; 7] = ["%", "M$", "bn", "USD", "pp", "thousand", "points"];

/// In a style, when there is colour.
pub(crate) fn paint(text: &str, style: Style, colour: bool) -> String {
    if colour { format!("{}{text}{}", style.render(), style.render_reset()) } else { text.to_owned() }
}

/// A text as it may be sent to a terminal: ends of lines and styles stay, every other control sequence and mark of direction is
/// escaped. What is quoted from outside is escaped before it gets here; this holds for all that was overlooked.
pub fn printable(text: &str) -> Cow<'_, str> {
    let stays = |letter: char| letter == '\n' || is_letter(letter);
    if text.chars().all(stays) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let length = style(rest).unwrap_or(letter.len_utf8());
        let (part, after) = rest.split_at(length);
        if length > letter.len_utf8() || stays(letter) {
            out.push_str(part);
        } else {
            out += &shown(part).to_string();
        }
        rest = after;
    }
    out.into()
}

/// Bytes of the style that a text begins with: an escape, a bracket, numbers with semicolons, and an `m`.
fn style(text: &str) -> Option<usize> {
    let numbers = text.strip_prefix("\u{1b}[")?;
    let end = numbers.find(|letter: char| !letter.is_ascii_digit() && letter != ';')?;
    numbers[end..].starts_with('m').then_some("\u{1b}[".len() + end + 1)
}

/// Columns that a line takes on a screen; ANSI codes take none.
pub fn display_width(text: &str) -> usize {
    let mut parts = text.split('\u{1b}');
    let first = parts.next().unwrap_or_default().width();
    // A code ends with its first letter.
    let rest = parts.map(|part| part.split_once(|end: char| end.is_ascii_alphabetic()).map_or(0, |(_, text)| text.width()));
    first + rest.sum::<usize>()
}

/// At most `limit` columns, the last one an ellipsis where something is missing; cut at a word where one is near.
pub(crate) fn cut(text: &str, limit: usize) -> String {
    if display_width(text) <= limit {
        return text.to_owned();
    }
    let mut room = limit.saturating_sub(1);
    let fits = |character: &char| {
        let own = character.width().unwrap_or(0);
        let left = room.checked_sub(own);
        room = left.unwrap_or(0);
        left.is_some()
    };
    let mut kept: String = text.chars().take_while(fits).collect();
    if let Some((whole, rest)) = kept.rsplit_once(' ')
        && rest.chars().count() < 5
    {
        kept.truncate(whole.len());
    }
    kept.truncate(kept.trim_end_matches([' ', ',', ';', '-', '(']).len());
    kept + "…"
}

/// Breaks at spaces, but not between a number and its unit; lines after the first begin with `indent`, and room for it is left
/// in all. A word that is longer than a line, such as a path, stays whole.
pub fn wrap(text: &str, width: usize, indent: &str) -> String {
    let room = width.saturating_sub(display_width(indent));
    let mut out = String::new();
    let mut used = 0;
    for word in unbreakable(text) {
        let length = display_width(&word);
        if used > 0 && used + 1 + length > room {
            out.push('\n');
            out.push_str(indent);
            used = 0;
        } else if used > 0 {
            out.push(' ');
            used += 1;
        }
        out.push_str(&word);
        used += length;
    }
    out
}

/// Words, those that belong together joined by a space.
fn unbreakable(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let is_unit = UNITS.contains(&word.trim_end_matches(['.', ',', ';', ':', ')', ']']));
        match words.last_mut() {
            Some(last) if is_unit && last.contains(|digit: char| digit.is_ascii_digit()) => {
                last.push(' ');
                last.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
    }
    words
}

/// `1 product`, `2 products`, `1,000 products`.
pub fn counted(count: impl std::fmt::Display + Copy, one: &str) -> String {
    let count = crate::number::grouped(&count.to_string());
    let many = if count == "1" { "" } else { "s" };
    format!("{count} {one}{many}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_styles_and_ends_of_lines_reach_a_terminal() {
        let painted = paint("a\tb", anstyle::AnsiColor::Red.on_default().bold(), true);
        assert_eq!(printable(&format!("{painted}\né")), painted.replace('\t', "\\t") + "\né");
        for (text, sent) in [
            ("\u{1b}]0;owned\u{7}", "\\u{1b}]0;owned\\u{7}"),
            ("\u{1b}[2J\u{1b}[1;31mred\u{1b}[0m", "\\u{1b}[2J\u{1b}[1;31mred\u{1b}[0m"),
            ("\u{9b}2J\u{202e}abc\u{1b}[", "\\u{9b}2J\\u{202e}abc\\u{1b}["),
            ("\u{1b}[12", "\\u{1b}[12"),
        ] {
            assert_eq!(printable(text), sent);
        }
        assert!(matches!(printable("plain\n"), Cow::Borrowed(_)));
    }

    #[test]
    fn long_names_are_cut_at_a_word() {
        assert_eq!(cut("Saint Helena, Ascension and Tristan da Cunha", 24), "Saint Helena, Ascension…");
        assert_eq!(cut("Russian Federation", 18), "Russian Federation");
        assert_eq!(cut("Côte d'Ivoire", 6), "Côte…");
        assert_eq!(cut("Donaudampfschifffahrt", 8), "Donauda…");
        assert_eq!(cut("重要原材料", 7), "重要原…");
        assert_eq!(cut("重要原材料", 10), "重要原材料");
    }

    #[test]
    fn width_is_that_on_the_screen() {
        let red = anstyle::AnsiColor::Red.on_default();
        for (text, width) in [("", 0), ("Türkiye", 7), ("重要原材料", 10), ("17.4 → 1.2 %", 12), ("█▌░", 3)] {
            assert_eq!(display_width(text), width, "{text}");
            assert_eq!(display_width(&paint(text, red.bold(), true)), width, "{text}");
        }
    }

    #[test]
    fn lines_break_at_spaces_and_leave_room_for_their_indent() {
        assert_eq!(wrap("one two three four", 9, ""), "one two\nthree\nfour");
        assert_eq!(wrap("one two three four", 9, "  "), "one two\n  three\n  four");
        assert_eq!(wrap("see /a/very/long/path for it", 10, ""), "see\n/a/very/long/path\nfor it");
        assert_eq!(wrap("重要 原材料 重要", 6, ""), "重要\n原材料\n重要");
        let red = paint("three", anstyle::AnsiColor::Red.on_default(), true);
        assert_eq!(wrap(&format!("one two {red}"), 13, ""), format!("one two {red}"));
    }

    #[test]
    fn a_number_keeps_its_unit() {
        assert_eq!(wrap("it goes to 1.2 % of 358.3 bn USD: so", 12, ""), "it goes to\n1.2 % of\n358.3 bn USD:\nso");
    }

    #[test]
    fn one_is_not_many() {
        assert_eq!(
            [0, 1, 2, 1000].map(|count| counted(count, "product")),
            ["0 products", "1 product", "2 products", "1,000 products"]
        );
    }
}
