//! Step M7 of docs/method.md, indicators of dependence over several years: what lasts.

use std::collections::{BTreeMap, BTreeSet};

use reorient_core::{CountryIndex, Usd, Year};

use crate::indicators::{Breakdown, Criteria, IndicatorRow};

/// How long a product, sector, subsector or stage stays dependent: a row of `persistence.csv`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersistenceRow {
    /// What the row is about.
    pub breakdown: Breakdown,
    /// Product code or name.
    pub name: String,
    /// CEPII's description of a product; empty for groups.
    pub description: String,
    /// Years that were asked for.
    pub n_years: usize,
    /// Of them, with imports.
    pub with_trade: usize,
    /// Years in which imports from outside the bloc are concentrated.
    pub concentrated: usize,
    /// Years in which more than half comes from outside the bloc.
    pub extra_bloc: usize,
    /// Years in which imports from outside the bloc exceed exports.
    pub above_exports: usize,
    /// Years that meet all three.
    pub all_three: usize,
    /// The longest run of calendar years that meet all three: length, first and last year; the earlier of equal ones.
    pub longest_run: Option<(usize, Year, Year)>,
    /// Years up to the newest one that was asked for, without a gap, that meet all three.
    pub current_run: usize,
    /// Largest origin in the newest year with imports of the base.
    pub top: Option<CountryIndex>,
    /// Years in which it was the largest.
    pub top_years: usize,
    /// Different largest origins over the years.
    pub n_tops: usize,
}

/// One row per product or group, ascending by name. `years` are those that were asked for, ascending.
pub fn persistence(rows: &[IndicatorRow], years: &[Year]) -> Vec<PersistenceRow> {
    let mut by_name: BTreeMap<&str, BTreeMap<Year, &IndicatorRow>> = BTreeMap::new();
    for row in rows {
        by_name.entry(&row.name).or_default().insert(row.year, row);
    }
    by_name.into_values().filter_map(|of_years| one(&of_years, years)).collect()
}

fn one(of_years: &BTreeMap<Year, &IndicatorRow>, years: &[Year]) -> Option<PersistenceRow> {
    let (_, newest) = of_years.last_key_value()?;
    let count = |met: &dyn Fn(Criteria) -> bool| of_years.values().filter(|row| row.figures.criteria.is_some_and(met)).count();
    let flagged: Vec<Year> =
        of_years.iter().filter(|(_, row)| row.figures.criteria.is_some_and(Criteria::all_three)).map(|(year, _)| *year).collect();
    let runs: Vec<&[Year]> = flagged.chunk_by(|left, right| left.get() + 1 == right.get()).collect();
    let mut longest_run: Option<(usize, Year, Year)> = None;
    for run in &runs {
        if longest_run.is_none_or(|(length, ..)| run.len() > length) {
            longest_run = Some((run.len(), run[0], run[run.len() - 1]));
        }
    }
    let reaches_the_newest = |run: &&&[Year]| run.last() == years.last();
    let tops: Vec<CountryIndex> = of_years.values().filter_map(|row| row.figures.top.map(|top| top.country)).collect();
    let top = tops.last().copied();
    Some(PersistenceRow {
        breakdown: newest.breakdown,
        name: newest.name.clone(),
        description: newest.description.clone(),
        n_years: years.len(),
        with_trade: of_years.values().filter(|row| row.figures.imports > Usd::ZERO).count(),
        concentrated: count(&|criteria| criteria.concentrated),
        extra_bloc: count(&|criteria| criteria.extra_bloc),
        above_exports: count(&|criteria| criteria.above_exports),
        all_three: flagged.len(),
        longest_run,
        current_run: runs.last().filter(reaches_the_newest).map_or(0, |run| run.len()),
        top,
        top_years: tops.iter().filter(|country| Some(**country) == top).count(),
        n_tops: tops.iter().collect::<BTreeSet<_>>().len(),
    })
}
