//! Text from outside: names and descriptions that are checked where they are read, and the escaping of all that is printed.
//!
//! A terminal runs control sequences that it is sent, a bidirectional mark changes the order in which a line is read, and a
//! spreadsheet runs a cell that begins like a formula. Text that may stand in results has the type [`Text`], which holds none
//! of them; whatever else is quoted, such as a value that was refused or the name of a file, goes through [`shown`], and a
//! whole message through [`lines`].

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::ops::Deref;
use std::path::Path;

/// Letters of a quoted value that are shown.
const SHOWN: usize = 200;
/// Letters of a name of a file that are told: more than file systems take.
const FILE_NAME: usize = 1_024;
/// Letters of a line of a message that are shown: the longest path that Linux takes has room.
const LINE: usize = 4_096;
/// What a spreadsheet takes for the beginning of a formula; some also take the full-width signs.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// Why a text is no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// A character that is no letter of a text.
    #[error("letter {position} is U+{:04X}, {}; take it out", u32::from(*letter), kind_of(*letter))]
    Letter {
        /// The character.
        letter: char,
        /// Its place, from 1.
        position: usize,
    },
    /// Too many letters.
    #[error("this has {letters} letters, and {most} are the most; shorten it")]
    TooLong {
        /// Letters that it has.
        letters: usize,
        /// The most that are taken.
        most: usize,
    },
    /// The beginning of a formula.
    #[error("this begins with `{0}`, so that a spreadsheet would run it as a formula; begin with a letter or a digit")]
    Formula(char),
}

/// A name or a description that was read from a file or given by a user: no control characters, no line or paragraph
/// separators, no bidirectional marks, no beginning of a formula, and of a bounded length. It may be empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Text(Cow<'static, str>);

impl Text {
    /// The most letters of a name. The longest of BACI's and of the shipped list has 59.
    pub const NAME: usize = 200;
    /// The most letters of a description of a product. CEPII's longest have 255, and tables of customs are longer.
    pub const DESCRIPTION: usize = 2_000;

    /// A name: of a country, a subsector, a source, a scenario, a sweep.
    ///
    /// # Errors
    /// [`TextError`] for a text that breaks a rule or has more than [`Self::NAME`] letters.
    pub fn name(text: impl Into<String>) -> Result<Self, TextError> {
        Self::of(text.into(), Self::NAME)
    }

    /// A description of a product.
    ///
    /// # Errors
    /// [`TextError`] for a text that breaks a rule or has more than [`Self::DESCRIPTION`] letters.
    pub fn description(text: impl Into<String>) -> Result<Self, TextError> {
        Self::of(text.into(), Self::DESCRIPTION)
    }

    /// A word of the program's own: printable ASCII, known to be valid when the program is compiled.
    pub const fn literal(text: &'static str) -> Self {
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            assert!(bytes[at] >= b' ' && bytes[at] < 0x7f, "a literal text is printable ASCII");
            at += 1;
        }
        Self(Cow::Borrowed(text))
    }

    fn of(text: String, most: usize) -> Result<Self, TextError> {
        check_letters(&text, most)?;
        match formula(&text) {
            Some(first) => Err(TextError::Formula(first)),
            None => Ok(Self(text.into())),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Text {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.0.into_owned()
    }
}

impl From<&Text> for String {
    fn from(text: &Text) -> Self {
        text.as_str().to_owned()
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

/// Checks a text that is no name, such as the value of a setting: its letters and their number, and not how it begins.
///
/// # Errors
/// [`TextError::Letter`] or [`TextError::TooLong`].
pub fn check_letters(text: &str, most: usize) -> Result<(), TextError> {
    // Almost all names are ASCII, where each byte is a letter.
    if text.len() <= most && text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Ok(());
    }
    let mut letters = 0;
    for letter in text.chars() {
        letters += 1;
        if !is_letter(letter) {
            return Err(TextError::Letter { letter, position: letters });
        }
    }
    if letters > most { Err(TextError::TooLong { letters, most }) } else { Ok(()) }
}

/// The sign that makes a spreadsheet take a cell for a formula.
fn formula(text: &str) -> Option<char> {
    text.trim_start().chars().next().filter(|first| FORMULA.contains(first))
}

/// A cell of a CSV file: text that a spreadsheet would run as a formula stands behind an apostrophe. Names are no such text;
/// names of files may be.
pub fn cell(text: &str) -> Cow<'_, str> {
    if formula(text).is_some() && text.parse::<f64>().is_err() { format!("'{text}").into() } else { text.into() }
}

/// Whether a character does nothing but stand where it is written: no control character, no separator of lines, no mark that
/// changes the direction in which a text is read.
pub const fn is_letter(letter: char) -> bool {
    !matches!(letter, '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}') && !is_separator(letter) && !is_directional(letter)
}

const fn is_separator(letter: char) -> bool {
    matches!(letter, '\u{2028}' | '\u{2029}')
}

const fn is_directional(letter: char) -> bool {
    matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}')
}

const fn kind_of(letter: char) -> &'static str {
    if is_directional(letter) {
        "which changes the direction in which a text is read"
    } else if is_separator(letter) {
        "which ends a line"
    } else {
        "a control character"
    }
}

/// A text as a message quotes it: what is no letter as `\t` or `\u{1b}`, and cut after 200 letters.
pub const fn shown(text: &str) -> Shown<'_> {
    shown_up_to(text, SHOWN)
}

/// As [`shown`], cut after `most` letters.
pub const fn shown_up_to(text: &str, most: usize) -> Shown<'_> {
    Shown { text, most }
}

/// What [`shown`] displays.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    text: &'a str,
    most: usize,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut letters = self.text.chars();
        letters.by_ref().take(self.most).try_for_each(|letter| write_shown(formatter, letter))?;
        if letters.next().is_some() { formatter.write_char('…') } else { Ok(()) }
    }
}

/// The last part of a path as messages, views and manifests tell it: what is no letter is escaped.
pub fn file_name(path: &Path) -> String {
    shown_up_to(&path.file_name().unwrap_or(path.as_os_str()).to_string_lossy(), FILE_NAME).to_string()
}

fn write_shown(out: &mut impl fmt::Write, letter: char) -> fmt::Result {
    if is_letter(letter) { out.write_char(letter) } else { write!(out, "{}", letter.escape_default()) }
}

/// A message as it is printed: its lines stay, all else is as in [`shown`], and a line is cut after 4,096 letters.
pub fn lines(text: &str) -> Cow<'_, str> {
    let is_plain = |line: &str| line.len() <= LINE && line.chars().all(is_letter);
    if text.split('\n').all(is_plain) {
        return text.into();
    }
    text.split('\n').map(|line| shown_up_to(line, LINE).to_string()).collect::<Vec<_>>().join("\n").into()
}

/// A JSON text with no character that is no letter but for its ends of lines: what [`serde_json`](https://docs.rs/serde_json)
/// leaves as it is within strings stands as `\u202e`, which reads back as the same text.
pub fn json(text: &str) -> Cow<'_, str> {
    let stays = |letter: char| letter == '\n' || is_letter(letter);
    if text.chars().all(stays) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        if stays(letter) {
            out.push(letter);
        } else {
            // All of them are below U+10000, so each is one unit; writing to a text does not fail.
            let _ = write!(out, "\\u{:04x}", u32::from(letter));
        }
    }
    out.into()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Characters of which many are dangerous.
    fn hostile() -> impl Strategy<Value = String> {
        let odd = (0_u32..0x20).chain(0x7f..0xa0).chain([0x61c, 0x200e, 0x200f]).chain(0x2028..0x2030).chain(0x2066..0x2070);
        let odd: Vec<char> = odd.filter_map(char::from_u32).collect();
        proptest::collection::vec(
            prop_oneof![proptest::sample::select(odd), any::<char>(), proptest::char::range(' ', '~')],
            0..300,
        )
        .prop_map(|letters| letters.into_iter().collect())
    }

    /// By a rule of its own: the general categories and the bidirectional classes of Unicode.
    fn is_dangerous(letter: char) -> bool {
        letter.is_control()
            || "\u{61c}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}".contains(letter)
            || ('\u{2066}'..='\u{2069}').contains(&letter)
    }

    #[test]
    fn names_of_the_world_pass() {
        for name in [
            "",
            "Côte d'Ivoire",
            "Türkiye",
            "Curaçao",
            "Other Asia, nes",
            "重要原材料",
            "מלח",
            "ملح",
            "ＣＯ２",
            "5 % more",
            "a=b",
            "x - y",
        ] {
            assert_eq!(Text::name(name).unwrap().as_str(), name);
        }
        assert!(Text::name("é".repeat(200)).is_ok() && Text::description("é".repeat(2_000)).is_ok());
    }

    #[test]
    fn what_a_terminal_or_a_spreadsheet_would_run_is_no_name() {
        let said = |text: &str| Text::name(text).unwrap_err().to_string();
        assert_eq!(said("\u{1b}]0;owned\u{7}"), "letter 1 is U+001B, a control character; take it out");
        assert_eq!(said("é\u{9b}2J"), "letter 2 is U+009B, a control character; take it out");
        assert_eq!(said("a\tb"), "letter 2 is U+0009, a control character; take it out");
        assert_eq!(said("ab\u{202e}c"), "letter 3 is U+202E, which changes the direction in which a text is read; take it out");
        assert_eq!(said("a\u{2028}b"), "letter 2 is U+2028, which ends a line; take it out");
        assert_eq!(said(&"x".repeat(201)), "this has 201 letters, and 200 are the most; shorten it");
        for text in ["=1+1", "+1", "-5 points", "@SUM(A1)", " =1+1", "＝1"] {
            assert!(said(text).contains("run it as a formula"), "{text}");
        }
        assert!(Text::description("x".repeat(2_001)).is_err());
    }

    #[test]
    fn what_is_quoted_is_escaped_and_cut() {
        assert_eq!(shown("a\u{1b}[31mb\t\r\n\u{202e}é").to_string(), "a\\u{1b}[31mb\\t\\r\\n\\u{202e}é");
        assert_eq!(shown(&"é".repeat(201)).to_string(), "é".repeat(200) + "…");
        assert_eq!(file_name(Path::new("a/b\u{1b}[2J.csv")), "b\\u{1b}[2J.csv");
        assert_eq!(lines("one\ntwo\tthree\n"), "one\ntwo\\tthree\n");
        assert!(matches!(lines("one\ntwo"), Cow::Borrowed(_)));
        assert_eq!(json("{\"a\":\n\"\u{9b}\u{202e}é\"}"), "{\"a\":\n\"\\u009b\\u202eé\"}");
    }

    #[test]
    fn cells_are_no_formulas() {
        for text in ["", "a", "-1.5", "+3", "-0.000001", "1=1", "-1e-7"] {
            assert_eq!(cell(text), text);
        }
        for text in ["=1+1", "-x.csv", "+1+1", "@a", "-"] {
            assert_eq!(cell(text), format!("'{text}"));
        }
    }

    #[test]
    fn settings_may_begin_with_a_sign() {
        assert_eq!(check_letters("-1", 200), Ok(()));
        assert!(check_letters("a\u{7}", 200).is_err() && check_letters("abc", 2).is_err());
    }

    #[test]
    fn literals_are_texts() {
        const ALL: Text = Text::literal("all");
        assert_eq!((ALL, String::from(Text::literal("x"))), (Text::name("all").unwrap(), "x".to_owned()));
    }

    proptest! {
        #[test]
        fn nothing_that_is_shown_is_dangerous(text in hostile()) {
            let once = shown(&text).to_string();
            prop_assert!(!once.chars().any(is_dangerous), "{once:?}");
            prop_assert!(once.chars().count() <= 200 * 10 + 1);
            let message = lines(&text);
            prop_assert!(!message.chars().any(|letter| letter != '\n' && is_dangerous(letter)), "{message:?}");
            prop_assert!(!json(&text).chars().any(|letter| letter != '\n' && is_dangerous(letter)));
            prop_assert_eq!(lines(&message), message.as_ref());
        }

        #[test]
        fn a_name_is_shown_as_it_is(text in hostile()) {
            match Text::name(text.clone()) {
                Ok(name) => {
                    prop_assert!(!name.chars().any(is_dangerous));
                    prop_assert_eq!(shown(&name).to_string(), text);
                }
                Err(TextError::Letter { letter, position }) => {
                    prop_assert!(!is_letter(letter) && text.chars().nth(position - 1) == Some(letter));
                }
                Err(TextError::TooLong { .. } | TextError::Formula(_)) => {}
            }
        }
    }
}
