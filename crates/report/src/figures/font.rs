//! The font in the program: widths of texts, lines that fit, and outlines of letters.

use std::fmt::Write as _;

use ttf_parser::{Face, FaceParsingError, OutlineBuilder};

use super::canvas::number;

/// DejaVu Sans with Latin, Greek and Cyrillic letters; see data/README.md.
static REGULAR: &[u8] = include_bytes!("../../../../data/fonts/DejaVuSans-subset.ttf");
static BOLD: &[u8] = include_bytes!("../../../../data/fonts/DejaVuSans-Bold-subset.ttf");

/// Size in units of the drawing (a quarter of a millimetre) and weight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Type {
    pub(super) size: f64,
    pub(super) bold: bool,
}

impl Type {
    pub(super) const fn regular(size: f64) -> Self {
        Self { size, bold: false }
    }

    pub(super) const fn bold(size: f64) -> Self {
        Self { size, bold: true }
    }
}

/// Both weights, parsed once for all figures.
pub(super) struct Fonts {
    regular: Face<'static>,
    bold: Face<'static>,
}

impl Fonts {
    pub(super) fn embedded() -> Result<Self, FaceParsingError> {
        Ok(Self { regular: Face::parse(REGULAR, 0)?, bold: Face::parse(BOLD, 0)? })
    }

    fn face(&self, style: Type) -> &Face<'static> {
        if style.bold { &self.bold } else { &self.regular }
    }

    /// Units of the drawing. Without kerning, which the outlines do not have either.
    pub(super) fn width(&self, text: &str, style: Type) -> f64 {
        let face = self.face(style);
        let advance =
            |letter| f64::from(face.glyph_hor_advance(face.glyph_index(letter).unwrap_or_default()).unwrap_or_default());
        text.chars().map(advance).sum::<f64>() * style.size / f64::from(face.units_per_em())
    }

    /// The width of the widest.
    pub(super) fn widest<'a>(&self, texts: impl IntoIterator<Item = &'a str>, style: Type) -> f64 {
        texts.into_iter().map(|text| self.width(text, style)).fold(0.0, f64::max)
    }

    /// At most `limit` lines no wider than `width`, broken at spaces where possible; an ellipsis stands for what is missing.
    pub(super) fn wrap(&self, text: &str, style: Type, width: f64, limit: usize) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        let mut line = String::new();
        for word in text.split_whitespace() {
            let wider = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
            if self.width(&wider, style) <= width {
                line = wider;
                continue;
            }
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            for letter in word.chars() {
                line.push(letter);
                if self.width(&line, style) > width && line.chars().count() > 1 {
                    line.pop();
                    lines.push(std::mem::replace(&mut line, letter.to_string()));
                }
            }
            if lines.len() > limit {
                break;
            }
        }
        if !line.is_empty() {
            lines.push(line);
        }
        if lines.len() > limit {
            lines.truncate(limit);
            if let Some(last) = lines.last_mut() {
                while !last.is_empty() && self.width(&format!("{last}…"), style) > width {
                    last.pop();
                }
                last.truncate(last.trim_end_matches([' ', ',', ';', '-', '(']).len());
                last.push('…');
            }
        }
        lines
    }

    /// The same, with lines of about equal length.
    pub(super) fn balance(&self, text: &str, style: Type, width: f64, limit: usize) -> Vec<String> {
        let lines = self.wrap(text, style, width, limit);
        let narrower = (0_u32..20).map(|step| width * (0.5 + 0.025 * f64::from(step)));
        let same = |other: &Vec<String>| other.len() == lines.len() && other.concat().len() >= lines.concat().len();
        let balanced = narrower.map(|width| self.wrap(text, style, width, limit)).find(same);
        balanced.filter(|balanced| balanced.last() == lines.last() || !balanced.concat().contains('…')).unwrap_or(lines)
    }

    /// The letters as data of an SVG path, beginning at `x` on the base line `y`.
    pub(super) fn outline(&self, text: &str, style: Type, x: f64, y: f64) -> String {
        let face = self.face(style);
        let scale = style.size / f64::from(face.units_per_em());
        let mut pen = Pen { path: String::new(), x, y, scale };
        for letter in text.chars() {
            let glyph = face.glyph_index(letter).unwrap_or_default();
            // A glyph without an outline, such as the space, only moves the pen.
            let _ = face.outline_glyph(glyph, &mut pen);
            pen.x += f64::from(face.glyph_hor_advance(glyph).unwrap_or_default()) * scale;
        }
        pen.path
    }
}

/// Writes outlines, whose `y` points up, as a path whose `y` points down.
struct Pen {
    path: String,
    x: f64,
    y: f64,
    scale: f64,
}

impl Pen {
    fn push(&mut self, command: char, points: &[(f32, f32)]) {
        self.path.push(command);
        for (x, y) in points {
            let x = number(self.x + f64::from(*x) * self.scale);
            let y = number(self.y - f64::from(*y) * self.scale);
            // Writing to a string does not fail.
            let _ = write!(self.path, "{x} {y} ");
        }
    }
}

impl OutlineBuilder for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        self.push('M', &[(x, y)]);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.push('L', &[(x, y)]);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.push('Q', &[(x1, y1), (x, y)]);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        self.push('C', &[(x1, y1), (x2, y2), (x, y)]);
    }

    fn close(&mut self) {
        self.push('Z', &[]);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const STYLE: Type = Type::regular(10.0);

    #[test]
    fn lines_fit_and_say_when_they_are_cut() {
        let fonts = Fonts::embedded().unwrap();
        for text in
            ["Personal Protective Equipment and Durable Medical Equipment", "Donaudampfschifffahrtsgesellschaft", "a", "  "]
        {
            for limit in 1..4 {
                let lines = fonts.wrap(text, STYLE, 80.0, limit);
                assert!(lines.len() <= limit, "{lines:?}");
                assert!(lines.iter().all(|line| fonts.width(line, STYLE) <= 80.0), "{lines:?}");
                let whole = lines.concat().replace(' ', "") == text.replace(' ', "");
                assert!(whole || lines.last().unwrap().ends_with('…'), "{lines:?}");
            }
        }
    }

    #[test]
    fn letters_of_the_country_names_are_there() {
        let fonts = Fonts::embedded().unwrap();
        for letter in "Türkiye, Côte d'Ivoire, São Tomé, Curaçao, Å ł Ř ş ș ğ Ελλάς Россия → ≥ − – · … “”".chars()
        {
            assert!(fonts.regular.glyph_index(letter).is_some() && fonts.bold.glyph_index(letter).is_some(), "{letter}");
        }
    }

    #[test]
    fn digits_are_equally_wide() {
        let fonts = Fonts::embedded().unwrap();
        for digit in ["0", "4", "9"] {
            assert_eq!(fonts.width(digit, STYLE).to_bits(), fonts.width("1", STYLE).to_bits());
        }
    }

    #[test]
    fn outlines_go_from_left_to_right() {
        let fonts = Fonts::embedded().unwrap();
        assert!(fonts.outline("l", STYLE, 5.0, 20.0).starts_with("M5.9"), "{}", fonts.outline("l", STYLE, 5.0, 20.0));
        assert_eq!(fonts.outline(" ", STYLE, 5.0, 20.0), "");
    }
}
