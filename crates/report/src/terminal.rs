//! The view on screen.

use anstyle::{AnsiColor, Style};
use reorient_core::{CountryTable, Usd};
use reorient_metrics::{BeforeAfter, Collection, Headline, Ranged};
use reorient_model::NanoUsd;

use crate::number::{NANO_PER_BUSD, NANO_PER_MUSD, decimal, grouped, percent};
use crate::text::{cut, paint, wrap};
use crate::{bars, tables};

/// What stays with risk countries.
pub(crate) const REMAINING: Style = AnsiColor::Red.on_default();
/// What leaves them.
pub(crate) const REMOVED: Style = AnsiColor::Green.on_default();
/// What they gain.
pub(crate) const ADDED: Style = AnsiColor::Magenta.on_default();
const TITLE: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();

/// Lines are at most this long, however wide the screen.
const WIDEST: usize = 100;
/// Narrower than this, lines may overflow.
const NARROWEST: usize = 48;

/// How and under which names the view is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TerminalOptions<'a> {
    /// Columns of the screen.
    pub width: u16,
    /// Whether to send ANSI colours.
    pub colour: bool,
    /// Name of the importing bloc.
    pub bloc: &'a str,
    /// Label of the trade data.
    pub source: &'a str,
    /// Sentences that belong to the first paragraph, such as what the list leaves out.
    pub caveats: &'a [String],
    /// Sentences to print at the end, such as codes that were only partly found.
    pub notes: &'a [String],
}

/// The result as text, one line feed after every line, without trailing spaces.
///
/// Amounts in billion or million USD as they say, shares in percent of the bloc's imports of the same goods.
pub fn terminal(collection: &Collection, countries: &CountryTable, options: &TerminalOptions<'_>) -> String {
    let width = usize::from(options.width).clamp(NARROWEST, WIDEST);
    let colour = options.colour;
    let headline = &collection.headline;
    let mut blocks = vec![title(options, width)];
    let first = std::iter::once(summary(headline, options.bloc)).chain(options.caveats.iter().cloned());
    blocks.push(wrap(&first.collect::<Vec<_>>().join(" "), width, ""));
    let risk = tables::risk(collection, countries, width);
    if risk.len() > 1 {
        blocks.push(with_faint_header(&risk, colour));
    }
    let bars = bars::sections(collection, width, colour);
    if !bars.is_empty() {
        blocks.push(legend(bars::any_rise(&bars), width, colour));
        blocks.extend(bars);
    }
    if collection.table_a1.is_empty() {
        blocks.push(format!("No country outside {} gains.", options.bloc));
    } else {
        let heading = wrap(&format!("Table A.1: who gains outside {}", options.bloc), width, "");
        let table = with_faint_header(&tables::table_a1(collection, countries, width), colour);
        blocks.push(format!("{}\n{table}", paint(&heading, TITLE, colour)));
    }
    blocks.extend(open_to_choice(headline, options.bloc).map(|text| wrap(&text, width, "")));
    blocks.push(wrap(&concentration(headline), width, ""));
    blocks.push(closing(headline, options, width));
    blocks.join("\n\n") + "\n"
}

fn title(options: &TerminalOptions<'_>, width: usize) -> String {
    let text = format!("reorient · {} · {}", options.bloc, options.source);
    paint(&cut(&text, width), TITLE, options.colour)
}

fn summary(headline: &Headline, bloc: &str) -> String {
    let imports = NanoUsd::from(headline.imports);
    let before = percent(headline.risk_before.into(), imports, 1);
    let after = percent(headline.risk_after, imports, 1);
    let (Some(before), Some(after)) = (before, after) else {
        let without = headline.infeasible + headline.unsolved;
        return if without > 0 {
            format!("None of {} products has an allocation under these options.", grouped(&without.to_string()))
        } else {
            format!("{bloc} imports none of these goods.")
        };
    };
    let bn = |amount: NanoUsd| grouped(&decimal(amount.0, NANO_PER_BUSD, 1));
    let count = |number: usize| grouped(&number.to_string());
    format!(
        "The share of risk countries goes from {before} % to {after} % of {} bn USD: {} bn USD move away from them. Suppliers \
         that gain get {} bn more inside {bloc}, {} bn outside. In {} of {} products capacity is short.",
        bn(imports),
        bn(NanoUsd::from(headline.risk_before) - headline.risk_after),
        bn(headline.shifted_inside),
        bn(headline.shifted_outside),
        count(headline.in_shortage),
        count(headline.products),
    )
}

/// What the optimum leaves open, and what the cap is worth; nothing where nothing is imported.
fn open_to_choice(headline: &Headline, bloc: &str) -> Option<String> {
    let bn = |amount: NanoUsd| grouped(&decimal(amount.0, NANO_PER_BUSD, 1)).replacen('-', "−", 1);
    let change = |range: Ranged| {
        let (least, most) = (bn(range.min), bn(range.max));
        if least == most { format!("{least} bn USD") } else { format!("{least} to {most} bn USD") }
    };
    (headline.imports > Usd::ZERO).then(|| {
        format!(
            "Over all optima, imports from alternatives inside {bloc} change by {}, outside by {}. One more percentage point of \
             the cap would take another {} M$ off the risk imports.",
            change(headline.change_inside),
            change(headline.change_outside),
            grouped(&decimal(headline.next_point.0, NANO_PER_MUSD, 1)),
        )
    })
}

fn concentration(headline: &Headline) -> String {
    let count = |number: usize| grouped(&number.to_string());
    let products = format!(
        "it rose in {} and fell in {} of {} products",
        count(headline.hhi_rose),
        count(headline.hhi_fell),
        count(headline.products)
    );
    let Some(BeforeAfter { before, after, range }) = headline.hhi else {
        return format!("Concentration of origins (HHI): {products}.");
    };
    // Compared as printed.
    let (before, after) = (format!("{before:.4}"), format!("{after:.4}"));
    let went = match after.cmp(&before) {
        std::cmp::Ordering::Less => format!("fell from {before} to {after}"),
        std::cmp::Ordering::Equal => format!("stayed at {after}"),
        std::cmp::Ordering::Greater => format!("rose from {before} to {after}"),
    };
    let open = match range.map(|(least, most)| (format!("{least:.4}"), format!("{most:.4}"))) {
        Some((least, most)) if least != most => format!(" Over all optima it is between {least} and {most} after."),
        _ => String::new(),
    };
    format!("Concentration of origins (HHI, weighted by imports) {went}; {products}.{open}")
}

fn legend(rises: bool, width: usize, colour: bool) -> String {
    let (opening, words) = if width < 76 {
        ("Share of risk countries", ["after", "removed", "added"])
    } else {
        ("Share of risk countries, before → after", ["what stays", "what moves away", "what is added"])
    };
    let marks = [("█", REMAINING), ("░", REMOVED), ("▓", ADDED)];
    let shown = if rises { marks.len() } else { marks.len() - 1 };
    let part = |((mark, style), word): ((&str, Style), &str)| format!("{} {word}", paint(mark, style, colour));
    let parts: Vec<_> = marks.into_iter().zip(words).take(shown).map(part).collect();
    format!("{opening}: {}", parts.join(", "))
}

fn closing(headline: &Headline, options: &TerminalOptions<'_>, width: usize) -> String {
    let mut notes = Vec::new();
    let left_out = headline.infeasible + headline.unsolved;
    if left_out > 0 {
        let text =
            format!("Not in any figure above: {} infeasible and {} unsolved products.", headline.infeasible, headline.unsolved);
        notes.push(paint(&wrap(&text, width, "  "), WARNING, options.colour));
    }
    if headline.reconstructed_products > 0 {
        let share = percent(headline.reconstructed_imports.into(), headline.imports.into(), 1).unwrap_or_else(|| "–".to_owned());
        let count = |number: usize| grouped(&number.to_string());
        let text = format!(
            "{} of {} products ({share} % of imports) are on the list only through reconstructed rows.",
            count(headline.reconstructed_products),
            count(headline.products)
        );
        notes.push(wrap(&text, width, "  "));
    }
    notes.extend(options.notes.iter().map(|note| wrap(note, width, "  ")));
    notes.push(wrap("What displaced buyers elsewhere lose is not modelled.", width, "  "));
    let heading = paint("Notes", TITLE, options.colour);
    format!("{heading}\n  {}", notes.join("\n  "))
}

fn with_faint_header(lines: &[String], colour: bool) -> String {
    let paint_first = |(position, line): (usize, &String)| if position == 0 { paint(line, FAINT, colour) } else { line.clone() };
    lines.iter().enumerate().map(paint_first).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn view(width: u16, colour: bool) -> String {
        let notes = ["3 codes of the list are only partly covered by HS22: 010121, 280461, 853224.".to_owned()];
        let options =
            TerminalOptions { width, colour, bloc: "EU27", source: "BACI HS22 2023 (hand-made)", caveats: &[], notes: &notes };
        terminal(&sample::collection(), &sample::countries(), &options)
    }

    #[test]
    fn the_view_at_full_width() {
        insta::assert_snapshot!(view(140, false), @r#"
        reorient · EU27 · BACI HS22 2023 (hand-made)

        The share of risk countries goes from 40.0 % to 15.6 % of 1.5 bn USD: 0.4 bn USD move away from
        them. Suppliers that gain get 0.2 bn more inside EU27, 0.2 bn outside. In 1 of 2 products capacity
        is short.

          risk country        before %  after %     [min – max]  change pp
          China                  26.67    10.00  [6.67 – 15.56]     −16.67
          Russian Federation     13.33     5.56   [0.00 – 8.89]      −7.78
          all risk countries     40.00    15.56          unique     −24.44

        Share of risk countries, before → after: █ what stays, ░ what moves away

        By sector
          energy                         40.0 →  23.3 %  ████████████████████████████░░░░░░░░░░░░░░░░░░░░
          health                         40.0 →   0.0 %  ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░

        By stage
          input                          40.0 →  15.6 %  ██████████████████▋░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
          final                             – →     – %

        By subsector
          Antibiotics and other activ…   40.0 →   0.0 %  ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
          Solar                          40.0 →  23.3 %  ████████████████████████████░░░░░░░░░░░░░░░░░░░░

        Table A.1: who gains outside EU27
          #  country                   increase M$     [min – max]  main sector  old %  new %
          1  USA                             100.0  [66.7 – 133.3]  energy        3.00   9.67
          2  Saint Helena, Ascension…         66.7          unique  health        0.00   4.44

        Over all optima, imports from alternatives inside EU27 change by 0.2 bn USD, outside by 0.2 bn USD.
        One more percentage point of the cap would take another 3.0 M$ off the risk imports.

        Concentration of origins (HHI, weighted by imports) rose from 0.2500 to 0.3750; it rose in 1 and
        fell in 1 of 2 products. Over all optima it is between 0.2500 and 0.5000 after.

        Notes
          Not in any figure above: 1 infeasible and 0 unsolved products.
          1 of 2 products (33.3 % of imports) are on the list only through reconstructed rows.
          3 codes of the list are only partly covered by HS22: 010121, 280461, 853224.
          What displaced buyers elsewhere lose is not modelled.
        "#);
    }

    #[test]
    fn the_view_on_a_narrow_screen() {
        insta::assert_snapshot!(view(60, false), @r#"
        reorient · EU27 · BACI HS22 2023 (hand-made)

        The share of risk countries goes from 40.0 % to 15.6 % of
        1.5 bn USD: 0.4 bn USD move away from them. Suppliers that
        gain get 0.2 bn more inside EU27, 0.2 bn outside. In 1 of 2
        products capacity is short.

          risk country        before %  after %  change pp
          China                  26.67    10.00     −16.67
          Russian Federation     13.33     5.56      −7.78
          all risk countries     40.00    15.56     −24.44

        Share of risk countries: █ after, ░ removed

        By sector
          energy                 40.0 →  23.3 %  ███████████▏░░░░░░░
          health                 40.0 →   0.0 %  ░░░░░░░░░░░░░░░░░░░

        By stage
          input                  40.0 →  15.6 %  ███████▍░░░░░░░░░░░
          final                     – →     – %

        By subsector
          Antibiotics and…       40.0 →   0.0 %  ░░░░░░░░░░░░░░░░░░░
          Solar                  40.0 →  23.3 %  ███████████▏░░░░░░░

        Table A.1: who gains outside EU27
          #  country        increase M$  main sector  old %  new %
          1  USA                  100.0  energy        3.00   9.67
          2  Saint Helena…         66.7  health        0.00   4.44

        Over all optima, imports from alternatives inside EU27
        change by 0.2 bn USD, outside by 0.2 bn USD. One more
        percentage point of the cap would take another 3.0 M$ off
        the risk imports.

        Concentration of origins (HHI, weighted by imports) rose
        from 0.2500 to 0.3750; it rose in 1 and fell in 1 of 2
        products. Over all optima it is between 0.2500 and 0.5000
        after.

        Notes
          Not in any figure above: 1 infeasible and 0 unsolved
          products.
          1 of 2 products (33.3 % of imports) are on the list only
          through reconstructed rows.
          3 codes of the list are only partly covered by HS22:
          010121, 280461, 853224.
          What displaced buyers elsewhere lose is not modelled.
        "#);
    }

    #[test]
    fn colour_changes_nothing_but_colour() {
        let mut plain = String::new();
        for (position, part) in view(140, true).split('\u{1b}').enumerate() {
            plain.push_str(if position == 0 { part } else { part.split_once('m').map_or("", |(_, rest)| rest) });
        }
        assert_eq!(plain, view(140, false));
        assert!(!view(140, false).contains('\u{1b}'));
    }

    #[test]
    fn lines_fit_and_have_no_trailing_spaces() {
        for width in [48, 60, 76, 80, 100, 200] {
            for line in view(width, false).lines() {
                assert_eq!(line.trim_end(), line);
                assert!(width < 60 || line.chars().count() <= usize::from(width).min(100), "{width}: {line}");
            }
        }
    }

    #[test]
    fn the_legend_explains_every_shade_in_use() {
        let mut collection = sample::collection();
        assert!(!view(100, false).contains("added"));
        for row in &mut collection.shares {
            row.after = row.after + row.after + row.after;
        }
        let options = TerminalOptions { width: 100, colour: false, bloc: "EU27", source: "none", caveats: &[], notes: &[] };
        let text = terminal(&collection, &sample::countries(), &options);
        assert!(text.contains("░ what moves away, ▓ what is added\n"), "{text}");
    }

    #[test]
    fn an_empty_result_is_still_a_view() {
        let empty = Collection { headline: Headline::default(), shares: Vec::new(), table_a1: Vec::new(), products: Vec::new() };
        let options = TerminalOptions { width: 80, colour: false, bloc: "EU27", source: "none", caveats: &[], notes: &[] };
        assert!(terminal(&empty, &sample::countries(), &options).contains("EU27 imports none of these goods."));
    }
}
