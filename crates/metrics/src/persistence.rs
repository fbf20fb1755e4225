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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::indicators::{Base, Indicators};

    /// A product in some years, which meet all three criteria or none.
    fn of(met: &[(u16, bool)], asked: &[u16]) -> PersistenceRow {
        let year = |year: u16| Year::new(year).unwrap();
        let row = |(at, met): &(u16, bool)| IndicatorRow {
            year: year(*at),
            breakdown: Breakdown::Product,
            name: "270900".to_owned(),
            description: String::new(),
            importer: "EU27".to_owned(),
            bloc: "EU27".to_owned(),
            base: Base::All,
            n_products: 1,
            n_products_all_three: usize::from(*met),
            hhi_product_mean: None,
            figures: Indicators {
                imports: Usd::new(1),
                extra_bloc: Usd::new(1),
                risk: Usd::ZERO,
                n_suppliers: 1,
                hhi: None,
                top: None,
                second: None,
                hhi_extra_bloc: None,
                hhi_world_exports: None,
                exports: Usd::ZERO,
                exports_extra_bloc: Usd::ZERO,
                criteria: Some(Criteria { concentrated: *met, extra_bloc: *met, above_exports: *met }),
            },
        };
        let rows: Vec<IndicatorRow> = met.iter().map(row).collect();
        let asked: Vec<Year> = asked.iter().copied().map(year).collect();
        persistence(&rows, &asked).remove(0)
    }

    #[test]
    fn a_run_ends_at_a_year_that_is_not_there() {
        let runs = |met: &[(u16, bool)], asked: &[u16]| {
            let row = of(met, asked);
            (row.longest_run.map(|(length, first, last)| (length, first.get(), last.get())), row.current_run, row.all_three)
        };
        let asked = [2017, 2018, 2019, 2020, 2021];
        let gap = [(2017, true), (2018, true), (2020, true), (2021, true)];
        assert_eq!(runs(&gap, &asked), (Some((2, 2017, 2018)), 2, 4), "the earlier of two of one length");
        let broken = [(2017, true), (2018, false), (2019, true), (2020, true), (2021, false)];
        assert_eq!(runs(&broken, &asked), (Some((2, 2019, 2020)), 0, 3));
        assert_eq!(runs(&gap[..3], &[2017, 2018, 2020]), (Some((2, 2017, 2018)), 1, 3), "not asked for is not there");
        assert_eq!(runs(&[(2017, true)], &asked), (Some((1, 2017, 2017)), 0, 1), "the newest year is without imports");
        assert_eq!(runs(&[(2021, false)], &asked), (None, 0, 0));
    }
}
