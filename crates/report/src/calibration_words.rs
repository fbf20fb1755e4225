//! Sets of options in words: what they are, what is decided, what cannot be told apart.

use reorient_metrics::{Calibration, Choice, Dimension, N_DIMENSIONS, N_READING_DIMENSIONS, OptionSetRow, spread};

/// Distances this much above the least are too near it to be told from it with imperfect data.
const NEAR: f64 = 1.1;

/// A value as people read it.
fn word(dimension: &Dimension, value: u16) -> String {
    match dimension.values.get(usize::from(value)).map_or("", String::as_str) {
        "order:" => "order: (by code)".to_owned(),
        text => text.to_owned(),
    }
}

/// `key a, b, c` of one option.
fn values_of(dimension: &Dimension, values: &[u16]) -> String {
    let words: Vec<String> = values.iter().map(|value| word(dimension, *value)).collect();
    format!("{} {}", dimension.key, words.join(" | "))
}

/// Options of some choices that are not only the scenario's own; several values of one option are joined by bars.
pub(crate) fn options(calibration: &Calibration, choices: &[Choice], range: std::ops::Range<usize>) -> String {
    let (values, any) = spread(choices);
    let differs = |at: &usize| values[*at] != [0];
    let words: Vec<String> = range.filter(differs).map(|at| values_of(&calibration.dimensions[at], &values[at])).collect();
    let open = if any || choices.len() < 2 { "" } else { " (not in every combination)" };
    if words.is_empty() { "as the scenario".to_owned() } else { words.join(", ") + open }
}

/// The options that a class leaves open, as `key a | b`; none where it is one set.
pub(crate) fn left_open(calibration: &Calibration, choices: &[Choice]) -> Vec<String> {
    let (values, _) = spread(choices);
    let open = |at: &usize| values[*at].len() > 1;
    (0..N_DIMENSIONS).filter(open).map(|at| values_of(&calibration.dimensions[at], &values[at])).collect()
}

/// "These data cannot tell apart: ..." for a class, or that it is alone.
pub(crate) fn cannot_tell(calibration: &Calibration, choices: &[Choice]) -> String {
    let open = left_open(calibration, choices);
    let (_, any) = spread(choices);
    if open.is_empty() {
        return "No other set that was tried gives the same figures.".to_owned();
    }
    let how = if any { "in every combination" } else { "in some combinations, which calibrate.csv lists" };
    format!("These data cannot tell apart: {}; {} sets, {how}, give the same figures.", open.join("; "), choices.len())
}

/// What each option that was tried comes to: the value of the nearest sets, and how far the best set with another value is.
pub(crate) fn decided(calibration: &Calibration) -> Vec<String> {
    let nearest: Vec<Choice> = calibration.nearest().iter().map(|set| set.choice).collect();
    let Some(first) = calibration.sets.first() else { return Vec::new() };
    let (values, _) = spread(&nearest);
    let tried = |at: &usize| calibration.dimensions[*at].values.len() > 1;
    let sentence = |at: usize| {
        let dimension = &calibration.dimensions[at];
        let is_other = |choice: &Choice| !values[at].contains(&choice[at]);
        let own = values_of(dimension, &values[at]);
        if values[at].len() == dimension.values.len() {
            return format!("{}: not decided, every value gives the same figures.", dimension.key);
        }
        let word = |choice: &Choice| word(dimension, choice[at]);
        if at < N_READING_DIMENSIONS {
            let next = calibration.readings.iter().find(|reading| is_other(&reading.choice));
            return next.map_or_else(
                || format!("{own}."),
                |next| {
                    format!(
                        "{own}: old shares are off by {:.4} pp; with {}, the next, by {:.4}.",
                        first.old.rmse,
                        word(&next.choice),
                        next.old.rmse
                    )
                },
            );
        }
        let next = calibration.sets.iter().find(|set| is_other(&set.choice));
        next.map_or_else(
            || format!("{own}."),
            |next| {
                let margin = if next.distance_pp <= first.distance_pp * NEAR { ", too near to decide" } else { "" };
                format!(
                    "{own}: distance {:.4} pp; with {}, the next, {:.4}{margin}.",
                    first.distance_pp,
                    word(&next.choice),
                    next.distance_pp
                )
            },
        )
    };
    (0..N_DIMENSIONS).filter(tried).map(sentence).collect()
}

/// Ranks whose distance is hardly above the least, the first among them.
pub(crate) fn n_near(calibration: &Calibration) -> usize {
    let least = calibration.sets.first().map_or(0.0, |set| set.distance_pp);
    calibration.sets.iter().filter(|set| set.distance_pp <= least * NEAR).map(|set| set.rank).max().unwrap_or(0)
}

/// The sets of each rank, up to a number of ranks.
pub(crate) fn ranks(calibration: &Calibration, most: usize) -> Vec<&[OptionSetRow]> {
    calibration.sets.chunk_by(|left, right| left.rank == right.rank).take(most).collect()
}
