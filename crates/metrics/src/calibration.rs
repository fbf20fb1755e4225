//! Rows of a calibration: which reading of the method comes near published figures ("Calibration" under step M8 of docs/method.md).

use reorient_core::{CountryIndex, ProductCode, Usd};
use reorient_model::Status;

use crate::published::ImpliedTotal;

/// Number of options that a calibration names.
pub const N_DIMENSIONS: usize = 13;
/// How many of them say what the data are: the others are of the program and its declared point.
pub const N_READING_DIMENSIONS: usize = 7;

/// One option and the values that were tried; the scenario's own is the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dimension {
    /// Scenario key, or `list-sectors`.
    pub key: &'static str,
    /// As in a scenario.
    pub values: Vec<String>,
}

/// Positions of values in the dimensions.
pub type Choice = [u16; N_DIMENSIONS];

/// A reading of the data: list, bloc, year and how countries are counted. Readings of one rank predict the same old shares.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadingRow {
    /// From 1; shared by readings that cannot be told apart.
    pub rank: usize,
    /// The options; those of the program stay at 0.
    pub choice: Choice,
    /// Products with trade.
    pub products: usize,
    /// The bloc's imports of them.
    pub imports: Usd,
    /// Distance to the published old shares, percentage points.
    pub old: Distance,
}

/// Distance to some published figures, in their unit.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Distance {
    /// Root of the mean square.
    pub rmse: f64,
    /// The largest.
    pub largest: f64,
    /// Number of figures; without any, both distances are 0.
    pub figures: usize,
}

/// A set of options with its distances. Sets of one rank give the same figures to printed precision.
#[derive(Debug, Clone, PartialEq)]
pub struct OptionSetRow {
    /// From 1; shared by sets that cannot be told apart.
    pub rank: usize,
    /// The options.
    pub choice: Choice,
    /// Old shares, percentage points.
    pub old: Distance,
    /// Fall of the headline's countries together, percentage points; none without a headline.
    pub fall: Option<f64>,
    /// Its range over all optima.
    pub fall_range: Option<(f64, f64)>,
    /// Distance of the fall to the published one, percentage points.
    pub fall_off: Option<f64>,
    /// Increases, million USD.
    pub increase: Distance,
    /// New shares and the headline's shares after, percentage points.
    pub share_new: Distance,
    /// What sets are ranked by: increases as percentage points of the imports, and new shares, together.
    pub distance_pp: f64,
    /// Published figures that the set gives to printed precision, the old shares among them.
    pub equal: usize,
    /// Increases, new shares and shares after that lie within its intervals.
    pub inside: usize,
    /// Rows of the table with the same country at the same rank.
    pub in_place: usize,
}

/// What a published figure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PointFigure {
    /// Share today, percent.
    ShareOld,
    /// Increase, million USD.
    Increase,
    /// Share after, percent.
    ShareNew,
}

impl PointFigure {
    /// Name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ShareOld => "share_old_pct",
            Self::Increase => "increase_musd",
            Self::ShareNew => "share_new_pct",
        }
    }
}

/// One published figure of a country against the nearest set.
#[derive(Debug, Clone, PartialEq)]
pub struct PointRow {
    /// Whose.
    pub country: CountryIndex,
    /// What.
    pub figure: PointFigure,
    /// As published.
    pub published: f64,
    /// Of the nearest set, to the same places; none where it has no such row, as for a member of its bloc.
    pub ours: Option<f64>,
    /// Over all optima of its programs; none for shares of today.
    pub range: Option<(f64, f64)>,
    /// Whether it is ours to printed precision.
    pub equal: bool,
    /// Whether the published figure, given its rounding, lies within the range; for shares of today, whether it is ours.
    pub inside: bool,
    /// Programs (options without the tie-break) whose range holds it; none for shares of today.
    pub programs_inside: Option<usize>,
}

/// An exporter whose published row comes from one product that the data hold.
#[derive(Debug, Clone, PartialEq)]
pub struct SingleRow {
    /// Who.
    pub country: CountryIndex,
    /// The product.
    pub product: ProductCode,
    /// CEPII's description.
    pub description: String,
    /// The bloc's imports of it from this exporter.
    pub imports: Usd,
    /// Percent of the published old share that these imports make, at the middle of the implied total.
    pub explained_pct: f64,
    /// Percent of the bloc's listed imports from it, of the products at hand.
    pub of_imports_pct: f64,
    /// Percent of its listed exports to the world, of the products at hand.
    pub of_exports_pct: f64,
    /// What became of the product under the scenario's own options.
    pub status: Status,
    /// Published increase, million USD.
    pub published: f64,
    /// Ours under the scenario's own options, over all listed products at hand.
    pub ours: f64,
    /// Over all optima.
    pub range: (f64, f64),
    /// Whether the published increase, given its rounding, lies within the range.
    pub inside: bool,
    /// Ours with each basis of the cap, all else as in the scenario; in the order of the dimension.
    pub by_basis: Vec<f64>,
}

/// What the data at hand can be compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The whole table: some reading explains the old shares.
    Whole,
    /// The rows of exporters that live on one product of the data.
    SingleProducts,
}

/// The result of a calibration.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// What was compared.
    pub scope: Scope,
    /// Options, in the order of the choices: first those of the reading.
    pub dimensions: Vec<Dimension>,
    /// The total that the published table implies.
    pub implied: Option<ImpliedTotal>,
    /// Part of the sum of squares of the published old shares that the nearest reading leaves; 1 or more explains nothing.
    pub unexplained: f64,
    /// Listed products with a row in the data, and all, in the scenario's own reading; none for lists that are the data.
    pub listed: Option<(usize, usize)>,
    /// Readings of the data, nearest first.
    pub readings: Vec<ReadingRow>,
    /// Sets of options, nearest first, all of the readings of the first rank (or of the scenario's own).
    pub sets: Vec<OptionSetRow>,
    /// Published figures against the first set; empty where only single products can be compared.
    pub points: Vec<PointRow>,
    /// Programs behind the sets: options without the tie-break, times readings.
    pub programs: usize,
    /// Published fall of the headline's countries, percentage points.
    pub published_fall: Option<f64>,
    /// Exporters of one product; empty where the whole table is compared.
    pub singles: Vec<SingleRow>,
    /// Rows of the published table.
    pub published_rows: usize,
}

impl Calibration {
    /// Values of a choice's dimension.
    pub fn value(&self, choice: &Choice, dimension: usize) -> &str {
        let value = self.dimensions.get(dimension).and_then(|own| own.values.get(usize::from(choice[dimension])));
        value.map_or("", String::as_str)
    }

    /// Option sets of the first rank.
    pub fn nearest(&self) -> &[OptionSetRow] {
        let same = self.sets.iter().take_while(|set| set.rank == 1).count();
        &self.sets[..same]
    }
}

/// Values that occur among choices, by dimension, ascending, and whether every combination of them occurs.
pub fn spread(choices: &[Choice]) -> ([Vec<u16>; N_DIMENSIONS], bool) {
    let values: [Vec<u16>; N_DIMENSIONS] = std::array::from_fn(|at| {
        let mut values: Vec<u16> = choices.iter().map(|choice| choice[at]).collect();
        values.sort_unstable();
        values.dedup();
        values
    });
    let combinations = values.iter().try_fold(1_usize, |product, own| product.checked_mul(own.len()));
    (values, combinations == Some(choices.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_that_is_every_combination_is_told_from_one_that_is_not() {
        let choice = |cap: u16, fill: u16| {
            let mut choice = Choice::default();
            (choice[7], choice[12]) = (cap, fill);
            choice
        };
        let (values, any) = spread(&[choice(0, 0), choice(0, 2), choice(1, 0), choice(1, 2)]);
        assert!(any);
        assert_eq!((&values[7], &values[12], &values[0]), (&vec![0, 1], &vec![0, 2], &vec![0]));
        assert!(!spread(&[choice(0, 0), choice(1, 2)]).1);
    }
}
