//! Elements of a drawing, written twice: with text as text for readers, and as outlines for the PNG.

use std::fmt::Write as _;

use super::font::{Fonts, Type};

/// Which point of a text is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A font that browsers and word processors have; Verdana has nearly the same widths.
pub(super) const FONT_FAMILY: &str = "DejaVu Sans, Verdana, sans-serif";

/// Dark enough for print, softer than black on a screen.
pub(super) const INK: &str = "#1a1a1a";

/// The body of a drawing. `y` points down; a unit is a quarter of a millimetre.
pub(super) struct Canvas<'a> {
    pub(super) fonts: &'a Fonts,
    text: String,
    outlined: String,
}

impl<'a> Canvas<'a> {
    pub(super) const fn new(fonts: &'a Fonts) -> Self {
        Self { fonts, text: String::new(), outlined: String::new() }
    }

    /// The elements with text as text, and with outlines.
    pub(super) fn into_bodies(self) -> (String, String) {
        (self.text, self.outlined)
    }

    /// Markup that is the same in both, such as the beginning of a group.
    pub(super) fn raw(&mut self, markup: &str) {
        for body in [&mut self.text, &mut self.outlined] {
            body.push_str(markup);
            body.push('\n');
        }
    }

    /// A straight line; `style` is a list of SVG attributes.
    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), style: &str) {
        let [x1, y1, x2, y2] = [from.0, from.1, to.0, to.1].map(number);
        self.raw(&format!(r#"<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" {style}/>"#));
    }

    /// A rectangle from its upper left corner.
    pub(super) fn rectangle(&mut self, corner: (f64, f64), width: f64, height: f64, style: &str) {
        let [x, y, width, height] = [corner.0, corner.1, width, height].map(number);
        self.raw(&format!(r#"<rect x="{x}" y="{y}" width="{width}" height="{height}" {style}/>"#));
    }

    /// A circle.
    pub(super) fn circle(&mut self, centre: (f64, f64), radius: f64, style: &str) {
        let [x, y, radius] = [centre.0, centre.1, radius].map(number);
        self.raw(&format!(r#"<circle cx="{x}" cy="{y}" r="{radius}" {style}/>"#));
    }

    /// Points joined by straight lines, closed to a polygon or left open.
    pub(super) fn polyline(&mut self, points: impl IntoIterator<Item = (f64, f64)>, closed: bool, style: &str) {
        let mut list = String::new();
        for (x, y) in points {
            // Writing to a string does not fail.
            let _ = write!(list, "{}{},{}", if list.is_empty() { "" } else { " " }, number(x), number(y));
        }
        let element = if closed { "polygon" } else { "polyline" };
        self.raw(&format!(r#"<{element} points="{list}" {style}/>"#));
    }

    /// One line of text on the base line of `at`, in the usual ink.
    pub(super) fn text(&mut self, at: (f64, f64), anchor: Anchor, style: Type, text: &str) {
        self.styled_text(at, anchor, style, &format!(r#"fill="{INK}""#), text);
    }

    /// One line of text with attributes of its own, which must hold a fill.
    pub(super) fn styled_text(&mut self, at: (f64, f64), anchor: Anchor, style: Type, attributes: &str, text: &str) {
        let (place, shift) = match anchor {
            Anchor::Start => ("", 0.0),
            Anchor::Middle => (r#" text-anchor="middle""#, 0.5),
            Anchor::End => (r#" text-anchor="end""#, 1.0),
        };
        let weight = if style.bold { r#" font-weight="bold""# } else { "" };
        let [x, y, size] = [at.0, at.1, style.size].map(number);
        let escaped = escape(text);
        // Writing to a string does not fail.
        let _ = writeln!(self.text, r#"<text x="{x}" y="{y}" font-size="{size}"{weight}{place} {attributes}>{escaped}</text>"#);
        let start = at.0 - shift * self.fonts.width(text, style);
        let path = self.fonts.outline(text, style, start, at.1);
        if !path.is_empty() {
            let _ = writeln!(self.outlined, r#"<path d="{path}" {attributes}/>"#);
        }
    }
}

/// At most two decimals (a fortieth of a pixel of the PNG), and no minus before a zero.
pub(super) fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Text for XML, as content or in an attribute; characters that XML does not allow become U+FFFD.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\t' | '\n' | '\r' => out.push(' '),
            control if control.is_control() || matches!(control, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            _ => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (value, text) in [(0.0, "0"), (-0.001, "0"), (1.5, "1.5"), (100.0, "100"), (2.006, "2.01"), (-3.1, "-3.1")] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn markup_and_control_characters_are_no_markup() {
        assert_eq!(escape("a<b>&\"'\u{1b}[1m\0\n"), "a&lt;b&gt;&amp;&quot;&apos;\u{fffd}[1m\u{fffd} ");
    }
}
