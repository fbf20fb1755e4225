//! Two sweeps compared, scenario by scenario: last night's and this one's.

use std::collections::HashMap;

use reorient_metrics::Headline;
use reorient_model::NanoUsd;

use super::archive::Archive;
use super::error::StoreError;
use super::key::Key;
use super::record::SweepRecord;

/// What became of a scenario from one sweep to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DiffKind {
    /// Other figures, or another status.
    Changed,
    /// Only in this sweep.
    New,
    /// Only in the other.
    Vanished,
}

impl DiffKind {
    /// Name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::New => "new",
            Self::Vanished => "vanished",
        }
    }
}

/// A scenario that differs.
#[derive(Debug, Clone, PartialEq)]
pub struct DiffRow {
    /// How.
    pub kind: DiffKind,
    /// Its name, in this sweep where it is there.
    pub name: String,
    /// Its number in this sweep, from 1.
    pub scenario: Option<usize>,
    /// Status before and now.
    pub status: [Option<&'static str>; 2],
    /// Headline before and now.
    pub headline: [Option<Headline>; 2],
    /// Change of the risk share after reorientation, in percentage points; none without two of them.
    pub change_points: Option<f64>,
    /// The same of the imports that nobody can supply.
    pub missing_points: Option<f64>,
}

/// All differences: those that changed by falling size of the change of risk and unmet imports together, then new ones and vanished ones in their order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SweepDiff {
    /// Scenarios that differ.
    pub rows: Vec<DiffRow>,
    /// Scenarios of both sweeps with the same figures to the last bit.
    pub same: usize,
    /// Label of the other sweep's trade data.
    pub other_source: String,
}

/// What is compared of a scenario.
struct Side {
    at: usize,
    status: &'static str,
    headline: Option<Headline>,
    /// Hash of all that was answered: figures that the headline does not show may differ.
    whole: Key,
}

/// Compares a sweep with another by what scenarios ask, whatever they are called and whatever data they are answered from.
///
/// # Errors
/// [`StoreError`] when a result of either cannot be read.
pub fn diff(own: &Archive, other: &Archive) -> Result<SweepDiff, StoreError> {
    let mut before = sides(other)?;
    let mut result = SweepDiff { other_source: other.plan().source.clone(), ..SweepDiff::default() };
    let mut now: Vec<(Key, Side)> = sides(own)?.into_iter().collect();
    now.sort_by_key(|(_, side)| side.at);
    for (question, side) in now {
        let old = before.remove(&question);
        if old.as_ref().is_some_and(|old| old.whole == side.whole) {
            result.same += 1;
            continue;
        }
        let kind = if old.is_some() { DiffKind::Changed } else { DiffKind::New };
        let (old_status, old_headline) = old.map_or((None, None), |old| (Some(old.status), old.headline));
        let both = old_headline.as_ref().zip(side.headline.as_ref());
        let points = |part: fn(&Headline) -> NanoUsd| both.and_then(|(old, new)| change(old, new, part));
        let (change_points, missing_points) = (points(|headline| headline.risk_after), points(|headline| headline.unmet));
        result.rows.push(DiffRow {
            kind,
            name: own.plan().scenarios[side.at].0.clone(),
            scenario: Some(side.at + 1),
            status: [old_status, Some(side.status)],
            headline: [old_headline, side.headline],
            change_points,
            missing_points,
        });
    }
    let mut gone: Vec<Side> = before.into_values().collect();
    gone.sort_by_key(|side| side.at);
    result.rows.extend(gone.into_iter().map(|side| DiffRow {
        kind: DiffKind::Vanished,
        name: other.plan().scenarios[side.at].0.clone(),
        scenario: None,
        status: [Some(side.status), None],
        headline: [side.headline, None],
        change_points: None,
        missing_points: None,
    }));
    // A changed status without two shares comes first: it is the largest change there is.
    let worse = |row: &DiffRow| row.change_points.zip(row.missing_points).map(|(risk, missing)| risk + missing);
    let size = |row: &DiffRow| worse(row).map_or(f64::INFINITY, f64::abs);
    result.rows.sort_by(|one, two| one.kind.cmp(&two.kind).then(size(two).total_cmp(&size(one))));
    Ok(result)
}

/// By question, the first scenario that asks it.
fn sides(archive: &Archive) -> Result<HashMap<Key, Side>, StoreError> {
    let mut sides: HashMap<Key, Side> = HashMap::new();
    for (at, (_, key)) in archive.plan().scenarios.iter().enumerate() {
        let Some(record) = archive.get(key)? else { continue };
        let whole =
            Key::of(&SweepRecord { resolved: Default::default(), ..record.clone() }.to_document(&archive.plan().countries));
        let (status, headline) = (record.outcome.status(), record.outcome.collection().map(|own| own.headline.clone()));
        sides.entry(record.question).or_insert(Side { at, status, headline, whole });
    }
    Ok(sides)
}

/// Change of a part of the imports, in percentage points.
fn change(old: &Headline, new: &Headline, part: fn(&Headline) -> NanoUsd) -> Option<f64> {
    let share = |headline: &Headline| {
        let imports = NanoUsd::from(headline.imports).to_dollars();
        (imports > 0.0).then(|| part(headline).to_dollars() / imports * 100.0)
    };
    Some(share(new)? - share(old)?)
}
