//! The result files of a sweep, written in one pass in the memory of a few thousand rows.

mod parquet;
mod view;
mod write;

use std::collections::BTreeMap;

use reorient_metrics::{Collection, Headline};
use serde::Serialize;

pub use view::{SweepView, sweep_json, sweep_view};
pub use write::{KIND, SWEEP_WORK, SweepManifest, SweepPoint, SweepSummary, SweepWriter, claim_sweep, start_sweep};

/// A scenario of a sweep and what came of it.
#[derive(Debug, Clone, Copy)]
pub struct SweepEntry<'a> {
    /// Its number in the plan, from 1.
    pub scenario: usize,
    /// Its name in the plan.
    pub name: &'a str,
    /// `answered`, `open`, `refused` or `not-certified`.
    pub status: &'a str,
    /// Why there are no figures.
    pub reason: Option<&'a str>,
    /// The first scenario that asks the same, where it is another one.
    pub same_as: Option<usize>,
    /// Hash of the question alone.
    pub question: &'a str,
    /// Hash of question, inputs and algorithm.
    pub key: &'a str,
    /// Every key with its resolved value.
    pub resolved: &'a BTreeMap<String, String>,
    /// Certified figures, where there are any.
    pub collection: Option<&'a Collection>,
}

/// A scenario that differs from that of another sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepDifference {
    /// From 1; the largest change first.
    pub rank: usize,
    /// `changed`, `new` or `vanished`.
    pub kind: &'static str,
    /// Its number in this sweep.
    pub scenario: Option<usize>,
    /// Its name.
    pub name: String,
    /// Status before and now.
    pub status: [Option<&'static str>; 2],
    /// Headline before and now.
    pub headline: [Option<Headline>; 2],
    /// Change of the risk share after, in percentage points.
    pub change_points: Option<f64>,
    /// Change of the share that nobody can supply, in percentage points.
    pub missing_points: Option<f64>,
}

/// Two sweeps compared.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SweepComparison {
    /// Scenarios that differ.
    pub rows: Vec<SweepDifference>,
    /// Scenarios with the same figures in both.
    pub same: usize,
    /// Label of the other sweep's trade data.
    pub other_source: String,
}

/// A figure of the headline with the range over all optima, where there is one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) value: Option<f64>,
    pub(crate) range: Option<[f64; 2]>,
}

/// All figures, in the order of their columns.
const FIGURES: [&str; 30] = [
    "products",
    "in_shortage",
    "infeasible",
    "unsolved",
    "imports_musd",
    "risk_before_musd",
    "risk_after_musd",
    "risk_before_pct",
    "risk_after_pct",
    "shifted_musd",
    "shifted_inside_musd",
    "shifted_outside_musd",
    "change_inside_musd",
    "change_outside_musd",
    "risk_slope_musd_per_pp",
    "risk_next_point_musd",
    "hhi_before",
    "hhi_after",
    "reconstructed_products",
    "reconstructed_imports_musd",
    "hhi_rose",
    "hhi_fell",
    "unmet_musd",
    "unmet_pct",
    "cut_musd",
    "extra_bloc_musd",
    "risk_before_extra_bloc_pct",
    "risk_after_extra_bloc_pct",
    "extra_bloc_after_musd",
    "risk_after_of_extra_bloc_after_pct",
];

/// The headline of a manifest, figure by figure: the doubles that its texts read as, and counts. The range of concentration is
/// not asked for in a sweep.
pub(crate) fn figures(headline: &Headline) -> Vec<Figure> {
    let number = |value: &serde_json::Value| value.as_f64().or_else(|| value.as_str().and_then(|text| text.parse().ok()));
    let figures = serde_json::to_value(crate::manifest::Figures::from(headline)).unwrap_or_default();
    let of_name = |name: &'static str| {
        let value = &figures[name];
        match value.as_array().map(|values| values.iter().filter_map(number).collect::<Vec<_>>()).as_deref() {
            Some([point, min, max]) => Figure { name, value: Some(*point), range: Some([*min, *max]) },
            _ => Figure { name, value: number(value), range: None },
        }
    };
    FIGURES.into_iter().map(of_name).collect()
}

/// Counts of scenarios by status.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct SweepCounts {
    /// Scenarios of the plan.
    pub scenarios: usize,
    /// Every product answered and certified.
    pub answered: usize,
    /// Answered, but imports of some products are unmet, or products unsolved.
    pub open: usize,
    /// Beyond exact arithmetic on these data.
    pub refused: usize,
    /// With an allocation that the verifier refused.
    pub not_certified: usize,
    /// Scenarios that ask what an earlier one asks.
    pub repeated: usize,
}
