//! The view on screen.

use anstyle::{AnsiColor, Style};
use reorient_core::{CountryTable, Usd};
use reorient_metrics::{BeforeAfter, Collection, Headline, Ranged};
use reorient_model::NanoUsd;

use crate::lead::lead;
use crate::number::{grouped, percent, usd, usd_range};
use crate::screen::Screen;
use crate::text::counted;
use crate::{bars, tables};

/// What stays with risk countries.
pub(crate) const REMAINING: Style = AnsiColor::Red.on_default();
/// What leaves them.
pub(crate) const REMOVED: Style = AnsiColor::Green.on_default();
/// What nobody supplies.
pub(crate) const MISSING: Style = AnsiColor::Yellow.on_default();
/// What they gain.
pub(crate) const ADDED: Style = AnsiColor::Magenta.on_default();

/// How and under which names the view is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TerminalOptions<'a> {
    /// Where it is printed.
    pub screen: Screen,
    /// Name of the importing bloc.
    pub bloc: &'a str,
    /// Whether it is one country, which has no suppliers inside.
    pub one_country: bool,
    /// Label of the trade data.
    pub source: &'a str,
    /// Sentences that end the first paragraph, such as what the list leaves out.
    pub leading: &'a [String],
    /// Sentences to print at the end, such as codes that were only partly found.
    pub notes: &'a [String],
}

/// The result as text, one line feed after every line, without trailing spaces.
///
/// Amounts in billion or million USD as they say, shares in percent of the bloc's imports of the same goods.
pub fn terminal(collection: &Collection, countries: &CountryTable, options: &TerminalOptions<'_>) -> String {
    let screen = options.screen;
    let headline = &collection.headline;
    let mut blocks = vec![screen.title(&format!("reorient · {} · {}", options.bloc, options.source))];
    blocks.push(lead(collection, countries, options));
    blocks.extend(tables::risk(collection, countries, screen));
    let bars = bars::sections(collection, screen);
    if !bars.is_empty() {
        blocks.push(legend(bars::any_rise(&bars), bars::any_missing(&bars), screen));
        blocks.extend(bars);
    }
    if collection.table_a1.is_empty() {
        blocks.push(screen.paragraph(&format!("No country outside {} gains.", options.bloc)));
    } else {
        let heading = screen.title(&format!("Table A.1: who gains outside {}", options.bloc));
        blocks.push(format!("{heading}\n{}", tables::table_a1(collection, countries, screen)));
    }
    blocks.extend(open_to_choice(headline, options).map(|text| screen.paragraph(&text)));
    blocks.push(screen.paragraph(&concentration(headline)));
    blocks.push(closing(headline, options));
    blocks.join("\n\n") + "\n"
}

/// What the optimum leaves open, and what the cap is worth; nothing where nothing is imported.
fn open_to_choice(headline: &Headline, options: &TerminalOptions<'_>) -> Option<String> {
    let change = |range: Ranged| usd_range(range.min, range.max);
    let changes = if options.one_country {
        format!("change by {}", change(headline.change_outside))
    } else {
        format!(
            "inside {} change by {}, outside by {}",
            options.bloc,
            change(headline.change_inside),
            change(headline.change_outside)
        )
    };
    (headline.imports > Usd::ZERO).then(|| {
        format!(
            "Over all optima, imports from alternatives {changes}. One more percentage point of the cap would take another {} off \
             the risk{} imports.",
            usd(headline.next_point),
            if headline.unmet > NanoUsd::default() { " and missing" } else { "" },
        )
    })
}

fn concentration(headline: &Headline) -> String {
    let count = |number: usize| grouped(&number.to_string());
    let products = format!(
        "it rose in {} and fell in {} of {}",
        count(headline.hhi_rose),
        count(headline.hhi_fell),
        counted(headline.products, "product")
    );
    let Some(BeforeAfter { before, after, range }) = headline.hhi else {
        return format!("Concentration of origins (HHI): {products}.");
    };
    let Some(after) = after else {
        return format!(
            "Concentration of origins (HHI, weighted by imports) is {before:.4} today; nothing can be supplied after."
        );
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

fn legend(rises: bool, missing: bool, screen: Screen) -> String {
    let (opening, words) = if screen.width() < 76 {
        ("Share of risk countries", ["after", "removed", "added", "missing"])
    } else {
        ("Share of risk countries, before → after", ["what stays", "what moves away", "what is added", "what nobody supplies"])
    };
    let marks = [("█", REMAINING, true), ("░", REMOVED, true), ("▓", ADDED, rises), ("×", MISSING, missing)];
    let shown = marks.into_iter().zip(words).filter(|((_, _, shown), _)| *shown);
    let parts: Vec<_> = shown.map(|((mark, style, _), word)| format!("{} {word}", screen.paint(mark, style))).collect();
    format!("{opening}: {}", parts.join(", "))
}

fn closing(headline: &Headline, options: &TerminalOptions<'_>) -> String {
    let screen = options.screen;
    let mut notes = vec![screen.title("Notes")];
    if headline.unsolved > 0 {
        let text = format!("Not in any figure above: {}.", counted(headline.unsolved, "unsolved product"));
        notes.push(screen.warning(&screen.item(&text)));
    }
    if headline.reconstructed_products > 0 {
        let share = percent(headline.reconstructed_imports.into(), headline.imports.into(), 1).unwrap_or_else(|| "–".to_owned());
        let text = format!(
            "{} of {} ({share} % of imports) {} on the list only through reconstructed rows.",
            grouped(&headline.reconstructed_products.to_string()),
            counted(headline.products, "product"),
            if headline.reconstructed_products == 1 { "is" } else { "are" },
        );
        notes.push(screen.item(&text));
    }
    notes.extend(options.notes.iter().map(|note| screen.item(note)));
    notes.push(screen.item("What displaced buyers elsewhere lose is not modelled."));
    notes.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn options(screen: Screen) -> TerminalOptions<'static> {
        TerminalOptions {
            screen,
            bloc: "EU27",
            one_country: false,
            source: "BACI HS22 2023 (hand-made)",
            leading: &[],
            notes: &[],
        }
    }

    fn view(width: usize, colour: bool) -> String {
        let notes = ["3 codes of the list are only partly covered by HS22: 010121, 280461, 853224.".to_owned()];
        let options = TerminalOptions { notes: &notes, ..options(Screen::new(width, colour)) };
        terminal(&sample::collection(), &sample::countries(), &options)
    }

    #[test]
    fn the_view_at_full_width() {
        insta::assert_snapshot!(view(100, false), @r#"
        reorient · EU27 · BACI HS22 2023 (hand-made)

        The share of risk countries goes from 40.0 % to 15.6 % of 1.5 bn USD: 0.4 bn USD can move away from
        them; suppliers that gain get 0.2 bn USD more inside EU27, 0.2 bn USD outside. Of today's imports
        from outside EU27 it goes from 50.0 % to 19.4 %.
        010121 Cells, "photovoltaic" is 66.7 % of these imports; without it the share goes from 40.0 % to
        less than 0.001 %.
        0.2 bn USD in 1 of 2 products cannot be moved: 010121 Cells, "photovoltaic" (23.3 % left).
        1.3 M$ (0.1 % of imports) in 1 product cannot be supplied: 300420 (44.4 % missing).
        All ranks of Table A.1 are certain.

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
          #  country                                  increase M$     [min – max]  main sector  old %  new %
          1  USA                                            100.0  [66.7 – 133.3]  energy        3.00   9.67
          2  Saint Helena, Ascension and Tristan…            66.7          unique  health        0.00   4.44
          [min – max]: the range over all optimal solutions; ranks such as 1-3 are outer bounds.

        Over all optima, imports from alternatives inside EU27 change by 0.2 bn USD, outside by 0.2 bn USD.
        One more percentage point of the cap would take another 3.0 M$ off the risk and missing imports.

        Concentration of origins (HHI, weighted by imports) rose from 0.2500 to 0.3750; it rose in 1 and
        fell in 1 of 2 products. Over all optima it is between 0.2500 and 0.5000 after.

        Notes
          1 of 2 products (33.3 % of imports) is on the list only through reconstructed rows.
          3 codes of the list are only partly covered by HS22: 010121, 280461, 853224.
          What displaced buyers elsewhere lose is not modelled.
        "#);
    }

    #[test]
    fn the_view_on_a_narrow_screen() {
        insta::assert_snapshot!(view(60, false), @r#"
        reorient · EU27 · BACI HS22 2023 (hand-made)

        The share of risk countries goes from 40.0 % to 15.6 % of
        1.5 bn USD: 0.4 bn USD can move away from them; suppliers
        that gain get 0.2 bn USD more inside EU27, 0.2 bn USD
        outside. Of today's imports from outside EU27 it goes from
        50.0 % to 19.4 %.
        010121 Cells, "photovoltaic" is 66.7 % of these imports;
        without it the share goes from 40.0 % to less than 0.001 %.
        0.2 bn USD in 1 of 2 products cannot be moved: 010121 Cells,
        "photovoltaic" (23.3 % left).
        1.3 M$ (0.1 % of imports) in 1 product cannot be supplied:
        300420 (44.4 % missing).
        All ranks of Table A.1 are certain.

          risk country        before %  after %     [min – max]
          China                  26.67    10.00  [6.67 – 15.56]
          Russian Federation     13.33     5.56   [0.00 – 8.89]
          all risk countries     40.00    15.56          unique
          Left out for want of room: change pp. --json and
          shares.csv (--out DIR) have all.

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
          #  country       increase M$     [min – max]  old %  new %
          1  USA                 100.0  [66.7 – 133.3]   3.00   9.67
          2  Saint Helen…         66.7          unique   0.00   4.44
          Left out for want of room: main sector. --json and
          table_a1.csv (--out DIR) have all.
          [min – max]: the range over all optimal solutions; ranks
          such as 1-3 are outer bounds.

        Over all optima, imports from alternatives inside EU27
        change by 0.2 bn USD, outside by 0.2 bn USD. One more
        percentage point of the cap would take another 3.0 M$ off
        the risk and missing imports.

        Concentration of origins (HHI, weighted by imports) rose
        from 0.2500 to 0.3750; it rose in 1 and fell in 1 of 2
        products. Over all optima it is between 0.2500 and 0.5000
        after.

        Notes
          1 of 2 products (33.3 % of imports) is on the list only
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
        for width in [60, 76, 80, 100, 120, 160] {
            for line in view(width, false).lines() {
                assert_eq!(line.trim_end(), line);
                assert!(crate::text::display_width(line) <= width, "{width}: {line}");
            }
        }
    }

    #[test]
    fn one_country_has_no_inside() {
        let options = TerminalOptions { bloc: "Netherlands", one_country: true, ..options(Screen::new(100, false)) };
        let text = terminal(&sample::collection(), &sample::countries(), &options);
        assert!(text.contains("who gains outside Netherlands") && !text.contains("inside"), "{text}");
    }

    #[test]
    fn small_amounts_show() {
        let mut collection = sample::collection();
        collection.headline.shifted_inside = NanoUsd(12_300_000 * NanoUsd::PER_USD);
        let text = terminal(&collection, &sample::countries(), &options(Screen::new(160, false)));
        assert!(text.contains("get 12.3 M$ more inside EU27"), "{text}");
    }

    #[test]
    fn the_legend_explains_every_shade_in_use() {
        let mut collection = sample::collection();
        assert!(!view(100, false).contains("added"));
        for row in &mut collection.shares {
            row.after = row.after + row.after + row.after;
        }
        let text = terminal(&collection, &sample::countries(), &options(Screen::new(100, false)));
        assert!(text.contains("░ what moves away, ▓ what is added\n"), "{text}");
    }

    #[test]
    fn an_empty_result_is_still_a_view() {
        let empty = Collection { headline: Headline::default(), shares: Vec::new(), table_a1: Vec::new(), products: Vec::new() };
        let text = terminal(&empty, &sample::countries(), &options(Screen::new(80, false)));
        assert!(text.contains("EU27 imports none of these goods."));
    }
}
