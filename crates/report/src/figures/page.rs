//! The frame of every figure: title above, notes, scenario and source below, and the mark of synthetic data.

use super::canvas::{Anchor, Canvas, FONT_FAMILY, escape, number};
use super::font::{Fonts, Type};
use super::{Figure, FigureContext, FigureError, png};

/// Units across; one is a quarter of a millimetre, so a figure is 160 mm wide.
pub(super) const WIDTH: f64 = 640.0;
/// Left free on all sides.
pub(super) const MARGIN: f64 = 14.0;
/// Right end of everything drawn.
pub(super) const RIGHT: f64 = WIDTH - MARGIN;

/// 10.3 point in print.
const TITLE: Type = Type::bold(14.5);
/// 7.8 point: names, values, axis titles.
pub(super) const LABEL: Type = Type::regular(11.0);
/// The same, bold.
pub(super) const STRONG: Type = Type::bold(11.0);
/// 7.1 point: ticks and notes.
pub(super) const SMALL: Type = Type::regular(10.0);

/// Lines of one note; a longer one is cut.
const NOTE_LINES: usize = 12;
/// Height of one mark of synthetic data across a plot.
const MARK_EVERY: f64 = 320.0;

/// A figure being drawn from top to bottom.
pub(super) struct Page<'a> {
    pub(super) canvas: Canvas<'a>,
    /// Upper end of what is still free.
    pub(super) y: f64,
    /// What the drawing shows, in sentences for those who do not see it.
    pub(super) description: Vec<String>,
    context: &'a FigureContext<'a>,
    name: &'static str,
    title: String,
}

impl<'a> Page<'a> {
    /// Begins with the title, below the banner when the data are synthetic.
    pub(super) fn new(name: &'static str, title: String, context: &'a FigureContext<'a>, fonts: &'a Fonts) -> Self {
        let mut page = Self { canvas: Canvas::new(fonts), y: MARGIN, description: Vec::new(), context, name, title };
        if context.synthetic {
            page.banner();
        }
        let title = page.title.clone();
        let lines = fonts.balance(&title, TITLE, RIGHT - MARGIN, 3);
        page.lines(&lines, TITLE, 19.0);
        page.y += 4.0;
        page
    }

    fn banner(&mut self) {
        self.canvas.rectangle((MARGIN, self.y), RIGHT - MARGIN, 24.0, r##"fill="#1a1a1a""##);
        let words = "SYNTHETIC DATA: made up, not observed trade";
        self.canvas.styled_text((WIDTH / 2.0, self.y + 16.8), Anchor::Middle, Type::bold(14.0), r##"fill="#fff""##, words);
        self.y += 32.0;
    }

    /// Lines from the left margin, `pitch` from one to the next.
    fn lines(&mut self, lines: &[String], style: Type, pitch: f64) {
        for line in lines {
            self.canvas.text((MARGIN, self.y + style.size), Anchor::Start, style, line);
            self.y += pitch;
        }
    }

    /// Writes SYNTHETIC DATA across a plot that is finished, when the data are.
    pub(super) fn mark_plot(&mut self, corner: (f64, f64), width: f64, height: f64) {
        const WORDS: &str = "SYNTHETIC DATA";
        if !self.context.synthetic {
            return;
        }
        let marks = (height / MARK_EVERY).round().max(1.0);
        let room = (width * 0.9).min(height / marks * 2.4);
        let style = Type::bold(room / self.canvas.fonts.width(WORDS, Type::bold(1.0)));
        let x = corner.0 + width / 2.0;
        for mark in (0_u32..).map(f64::from).take_while(|mark| *mark < marks) {
            let y = corner.1 + height / marks * (mark + 0.5);
            self.canvas.raw(&format!(r#"<g transform="rotate(-18 {} {})">"#, number(x), number(y)));
            let ink = r##"fill="#000" fill-opacity="0.2""##;
            self.canvas.styled_text((x, y + style.size * 0.36), Anchor::Middle, style, ink, WORDS);
            self.canvas.raw("</g>");
        }
    }

    /// Ends the figure below what was drawn: `notes` on how to read it, then the scenario and the source.
    pub(super) fn finish(mut self, notes: &[String]) -> Result<Figure, FigureError> {
        let context = self.context;
        let synthetic = if context.synthetic { " (synthetic data)" } else { "" };
        let scenario = format!("Scenario: {}.", context.options.trim_end_matches(['.', ' ']));
        let source = format!("Source: {}{synthetic}, own calculations with reorient {}.", context.source, context.version);
        self.y += 8.0;
        for note in notes.iter().chain((!context.options.trim().is_empty()).then_some(&scenario)).chain([&source]) {
            let lines = self.canvas.fonts.wrap(note, SMALL, RIGHT - MARGIN, NOTE_LINES);
            self.lines(&lines, SMALL, 13.0);
            self.y += 2.0;
        }
        // Two and a half pixels to the unit: an even height gives whole pixels.
        let height = ((self.y + MARGIN) / 2.0).ceil() * 2.0;
        let description = self.description.iter().chain(notes).chain([&scenario, &source]);
        let description: Vec<String> = description.map(|text| escape(text)).collect();
        let words = format!("<title>{}</title>\n<desc>{}</desc>\n", escape(&self.title), description.join(" "));
        let (text, outlined) = self.canvas.into_bodies();
        let [across, down] = [WIDTH, height].map(number);
        let paper = format!(r##"<rect width="{across}" height="{down}" fill="#fff"/>"##);
        let view = format!(r#"xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {across} {down}""#);
        let millimetres = number(height / 4.0);
        let svg = format!(
            "<svg {view} width=\"160mm\" height=\"{millimetres}mm\" role=\"img\" font-family=\"{FONT_FAMILY}\">\n\
             {words}{paper}\n{text}</svg>\n"
        );
        let pixels = number(height * 2.5);
        let outlined = format!("<svg {view} width=\"1600\" height=\"{pixels}\">\n{paper}\n{outlined}</svg>\n");
        let png = png::render(self.name, &outlined)?;
        Ok(Figure { name: self.name, svg, png })
    }
}
