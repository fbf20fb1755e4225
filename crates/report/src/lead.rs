//! The first paragraph of a run: what moves, what cannot be moved, what cannot be supplied, and which ranks are certain.

use reorient_core::CountryTable;
use reorient_metrics::{Collection, CountryRow, Headline, ProductRow};
use reorient_model::NanoUsd;

use crate::number::{grouped, percent, usd};
use crate::terminal::TerminalOptions;
use crate::text::{counted, cut};

/// Goods named in a sentence; the files have all.
const NAMED: usize = 5;
/// Certain ranks named in a sentence.
const RANKS: usize = 8;
/// Room for the name of a good.
const NAME: usize = 44;

/// The paragraph, in the order in which a reader asks, each answer on a line of its own. Shares are of the bloc's imports of the goods
/// of the list.
pub(crate) fn lead(collection: &Collection, countries: &CountryTable, options: &TerminalOptions<'_>) -> String {
    let answers = answers(collection, countries, options);
    answers.iter().map(|answer| options.screen.paragraph(answer)).collect::<Vec<_>>().join("\n")
}

fn answers(collection: &Collection, countries: &CountryTable, options: &TerminalOptions<'_>) -> Vec<String> {
    let headline = &collection.headline;
    let imports = NanoUsd::from(headline.imports);
    if imports <= NanoUsd::default() {
        return vec![if headline.unsolved > 0 {
            format!("None of {} has an answer.", counted(headline.unsolved, "product"))
        } else {
            format!("{} imports none of these goods.", options.bloc)
        }];
    }
    let moved = [Some(moved(headline, options)), extra_bloc(headline, options)];
    let mut answers = vec![moved.into_iter().flatten().collect::<Vec<_>>().join(" ")];
    answers.extend(without_the_largest(collection));
    answers.push(cannot_be_moved(collection));
    answers.extend(cannot_be_supplied(collection));
    answers.extend(ranks(collection, countries));
    answers.extend(options.leading.iter().cloned());
    answers
}

/// With one decimal, or more where that would hide what there is.
fn share(part: NanoUsd, whole: NanoUsd) -> String {
    let Some(first) = percent(part, whole, 1) else { return "–".to_owned() };
    if part.0 == 0 {
        return first;
    }
    let mut shown = (1..4).filter_map(|places| percent(part, whole, places));
    let tells = |text: &String| text.bytes().any(|digit| (b'1'..=b'9').contains(&digit));
    shown.find(tells).unwrap_or_else(|| "less than 0.001".to_owned())
}

fn moved(headline: &Headline, options: &TerminalOptions<'_>) -> String {
    let imports = headline.imports.into();
    let gains = if options.one_country {
        format!("suppliers that gain get {} more", usd(headline.shifted_outside))
    } else {
        format!(
            "suppliers that gain get {} more inside {}, {} outside",
            usd(headline.shifted_inside),
            options.bloc,
            usd(headline.shifted_outside)
        )
    };
    format!(
        "The share of risk countries goes from {} % to {} % of {}: {} can move away from them; {gains}.",
        share(headline.risk_before.into(), imports),
        share(headline.risk_after, imports),
        usd(imports),
        usd(headline.cut),
    )
}

/// The same share of what comes from outside the bloc today; a country has no inside.
fn extra_bloc(headline: &Headline, options: &TerminalOptions<'_>) -> Option<String> {
    let outside = NanoUsd::from(headline.extra_bloc);
    let tells = !options.one_country && outside > NanoUsd::default() && headline.extra_bloc < headline.imports;
    let (before, after) = (share(headline.risk_before.into(), outside), share(headline.risk_after, outside));
    tells.then(|| format!("Of today's imports from outside {} it goes from {before} % to {after} %.", options.bloc))
}

/// Where one good is more than half of the imports: the headline of all others.
fn without_the_largest(collection: &Collection) -> Option<String> {
    let headline = &collection.headline;
    let largest = collection.products.iter().max_by_key(|row| row.imports)?;
    let after = largest.risk_after?;
    if i128::from(largest.imports.get()) * 2 <= i128::from(headline.imports.get()) || headline.products < 2 {
        return None;
    }
    let others = NanoUsd::from(headline.imports - largest.imports);
    Some(format!(
        "{} is {} % of these imports; without it the share goes from {} % to {} %.",
        good(largest),
        share(largest.imports.into(), headline.imports.into()),
        share((headline.risk_before - largest.risk_before).into(), others),
        share(headline.risk_after - after, others),
    ))
}

fn good(row: &ProductRow) -> String {
    match row.labels.description.as_str() {
        "" => row.product.to_string(),
        description => format!("{} {}", row.product, cut(description, NAME)),
    }
}

/// The largest amounts by name, with what `say` says of each.
fn largest(rows: &mut Vec<&ProductRow>, amount: impl Fn(&ProductRow) -> NanoUsd, say: impl Fn(&ProductRow) -> String) -> String {
    rows.sort_by_key(|row| (std::cmp::Reverse(amount(row)), row.product));
    let named: Vec<String> = rows.iter().take(NAMED).map(|row| format!("{} ({})", good(row), say(row))).collect();
    let more = if rows.len() > NAMED { format!(" and {} more", rows.len() - NAMED) } else { String::new() };
    format!("{}{more}", named.join(", "))
}

fn cannot_be_moved(collection: &Collection) -> String {
    let left = |row: &ProductRow| row.risk_after.unwrap_or_default();
    let headline = &collection.headline;
    if headline.risk_after <= NanoUsd::default() {
        let stays = if headline.unmet > NanoUsd::default() {
            "Nothing comes from them any more."
        } else {
            "Nothing has to stay with them."
        };
        return stays.to_owned();
    }
    let mut rows: Vec<&ProductRow> = collection.products.iter().filter(|row| left(row) > NanoUsd::default()).collect();
    let named = largest(&mut rows, left, |row| format!("{} % left", share(left(row), row.imports.into())));
    format!(
        "{} in {} of {} cannot be moved: {named}.",
        usd(headline.risk_after),
        grouped(&rows.len().to_string()),
        counted(headline.products, "product"),
    )
}

pub(crate) fn cannot_be_supplied(collection: &Collection) -> Option<String> {
    let unmet = |row: &ProductRow| row.unmet.unwrap_or_default();
    let headline = &collection.headline;
    let mut rows: Vec<&ProductRow> = collection.products.iter().filter(|row| unmet(row) > NanoUsd::default()).collect();
    if rows.is_empty() {
        return None;
    }
    let named = largest(&mut rows, unmet, |row| format!("{} % missing", share(unmet(row), row.imports.into())));
    Some(format!(
        "{} ({} % of imports) in {} cannot be supplied: {named}.",
        usd(headline.unmet),
        share(headline.unmet, headline.imports.into()),
        counted(rows.len(), "product"),
    ))
}

/// Which ranks of Table A.1 every optimum gives.
fn ranks(collection: &Collection, countries: &CountryTable) -> Option<String> {
    let table = &collection.table_a1;
    if table.is_empty() {
        return None;
    }
    let certain: Vec<&CountryRow> = table.iter().filter(|row| row.rank_min == row.rank_max).collect();
    let named: Vec<String> =
        certain.iter().take(RANKS).map(|row| format!("{} {}", row.rank, countries.country(row.country).name)).collect();
    let more = if certain.len() > RANKS { ", …" } else { "" };
    Some(match certain.len() {
        0 => "Who gains most is open: no rank of Table A.1 is certain.".to_owned(),
        all if all == table.len() => "All ranks of Table A.1 are certain.".to_owned(),
        n => {
            let are = if n == 1 { "rank is" } else { "ranks are" };
            format!(
                "Of {} in Table A.1, {n} {are} certain ({}{more}); the order of the others is open.",
                if table.len() == 1 { "1 country".to_owned() } else { format!("{} countries", table.len()) },
                named.join(", ")
            )
        }
    })
}
