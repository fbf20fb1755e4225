//! Which reading of the method comes nearest to published figures: "Calibration" under step M8 of docs/method.md.
//!
//! Four steps. The old shares depend on list, bloc and year alone, so they choose the reading of the data. On the nearest
//! reading, every set of options of the program is answered once: the fall of the headline's countries, then each published
//! figure against the range over all optima, then the distance of declared points. Sets that predict the same figures, to the
//! last printed digit, are one class: these data cannot tell them apart.

mod points;
mod predict;
mod rank;
mod reading;
mod single;
mod space;
mod target;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use reorient_core::{GoodsList, Year};
use reorient_data::{InputFile, TradeSource};
use reorient_metrics::{Calibration, Choice, Distance, Published, ReadingRow, Scope, printed_value};

use crate::bloc::Bloc;
use crate::coverage::{AskedList, CoverageStatus, meet};
use crate::lists::Lists;
use crate::prepare::Session;
use crate::presence::{named_by, require, require_goods};
use crate::scenario::Scenario;
use crate::{EngineError, ScenarioError};
use predict::{Prediction, predict};
use rank::{Scored, rank};
use reading::{BaseList, Reading, ground, kept, readings};
use space::Space;
use target::{Target, distance, n_equal};

/// The part of the sum of squares of the old shares that the nearest reading may leave, if the table shall be compared whole.
const MOST_UNEXPLAINED: f64 = 0.1;

/// Answers calibrations from one source; what was predicted for a reading is kept for the next published table.
pub struct Calibrator<'a> {
    source: &'a TradeSource,
    lists: Arc<Lists>,
    scenario: Scenario,
    space: Space,
    base: BaseList,
    readings: Vec<Reading>,
    listed: Option<(usize, usize)>,
    predicted: BTreeMap<usize, Arc<Vec<Prediction>>>,
}

/// What is known of a reading against a published table.
struct OldShares {
    at: usize,
    predicted: Vec<Option<i128>>,
    distance: Distance,
}

impl<'a> Calibrator<'a> {
    /// Reads the data and adds up the imports of every reading. Keys in `held` stay at the scenario's value.
    ///
    /// # Errors
    /// [`EngineError`] when the data or the scenario do not hold.
    pub fn new(source: &'a TradeSource, scenario: &Scenario, held: &BTreeSet<String>) -> Result<Self, EngineError> {
        let lists = Arc::<Lists>::default();
        let base = BaseList::of(scenario, &lists)?;
        let space = Space::new(source, scenario, held, &base.sectors, base.is_mixed)?;
        let readings = readings(source, scenario, &space, &base)?;
        let own = ground(&space, scenario, &Choice::default())?;
        let year = own.resolve_year(source.years())?;
        let bloc = own.resolve_bloc(source.countries(), year)?;
        if !named_by(&own, source.countries(), year, &bloc)?.is_empty() {
            let beside = Session::with_lists(source, Arc::clone(&lists)).passing_beside().prepare(&own)?;
            require(source, &own, &beside)?;
        }
        let listed = match &base.list {
            None => None,
            Some(_) => {
                let available = source.products(year)?;
                let (_, coverage) = meet(source.revision(), &own, AskedList::of(source.revision(), &own, &lists)?, &available);
                require_goods(source, &own, year, &coverage)?;
                let matched = coverage.of(CoverageStatus::Matched).count() + coverage.of(CoverageStatus::Alias).count();
                let absent = coverage.of(CoverageStatus::WithoutTrade).count() + coverage.of(CoverageStatus::Unmatched).count();
                Some((matched, matched + absent))
            }
        };
        Ok(Self { source, lists, scenario: scenario.clone(), space, base, readings, listed, predicted: BTreeMap::new() })
    }

    /// Compares every reading and set of options with a published table.
    ///
    /// # Errors
    /// [`EngineError::UnknownPublished`] for a country that the data's table does not list, and what a program or a
    /// certificate gives that does not hold.
    pub fn against(&mut self, published: &Published) -> Result<Calibration, EngineError> {
        let target = Target::new(published, self.source.countries())?;

        // Step 1: old shares choose the reading.
        let old = self.by_old_shares(&target);
        let squares: f64 = target.published_old().iter().map(|units| printed_value(*units, target.share_places).powi(2)).sum();
        let left = old.first().map_or(f64::INFINITY, |own| own.distance.rmse.powi(2) * own.distance.figures as f64);
        let unexplained = if squares > 0.0 { left / squares } else { 1.0 };
        let rows = self.reading_rows(&old);

        let mut calibration = Calibration {
            scope: if unexplained <= MOST_UNEXPLAINED { Scope::Whole } else { Scope::SingleProducts },
            dimensions: self.space.dimensions.clone(),
            implied: published.implied_total(),
            unexplained,
            listed: self.listed,
            readings: rows,
            sets: Vec::new(),
            points: Vec::new(),
            programs: 0,
            published_fall: target.published_fall().map(|fall| printed_value(fall, target.share_places)),
            singles: Vec::new(),
            published_rows: published.rows().len(),
        };
        match calibration.scope {
            Scope::Whole => self.whole(&target, &old, &mut calibration)?,
            Scope::SingleProducts => self.single_products(&target, published, &old, &mut calibration)?,
        }
        Ok(calibration)
    }

    /// Steps 2 to 4 on all readings of the first rank.
    fn whole(&mut self, target: &Target, old: &[OldShares], calibration: &mut Calibration) -> Result<(), EngineError> {
        let is_nearest = |own: &&OldShares| own.predicted == old[0].predicted;
        let nearest: Vec<&OldShares> = old.iter().take_while(is_nearest).collect();
        let predictions = nearest.iter().map(|own| self.predict(own.at)).collect::<Result<Vec<_>, _>>()?;
        let scored: Vec<Scored<'_>> = nearest.iter().zip(&predictions).map(|(own, of)| self.scored(target, own, of)).collect();
        calibration.programs = predictions.iter().map(|of| of.len()).sum();
        calibration.sets = rank(target, &scored);
        calibration.points = points::points(target, &scored, &calibration.sets);
        Ok(())
    }

    /// The rows of exporters of one product, under the scenario's own reading.
    fn single_products(
        &mut self,
        target: &Target,
        published: &Published,
        old: &[OldShares],
        calibration: &mut Calibration,
    ) -> Result<(), EngineError> {
        let own = old.iter().find(|own| self.readings[own.at].choices.contains(&Choice::default()));
        let (Some(own), Some(implied)) = (own, calibration.implied) else { return Ok(()) };
        let predictions = self.predict(own.at)?;
        let scored = self.scored(target, own, &predictions);
        calibration.singles =
            single::singles((self.source, &self.lists), &self.scenario, &self.space, &scored, published, target, implied)?;
        if calibration.singles.is_empty() {
            return Ok(());
        }
        let mut target = target.clone();
        target.rows.retain(|row| calibration.singles.iter().any(|single| single.country == row.country));
        target.risk.clear();
        target.only_increases_of = Some(f64::midpoint(implied.musd.0, implied.musd.1) * 1e6);
        calibration.programs = predictions.len();
        // Parts of the list that the data hold nothing of are no question here.
        let reading = Reading { choices: vec![Choice::default()], ..scored.reading.clone() };
        let scored = Scored { reading: &reading, old: Distance::default(), old_equal: 0, predictions: scored.predictions };
        calibration.sets = rank(&target, &[scored]);
        Ok(())
    }

    fn scored<'b>(&'b self, target: &Target, own: &OldShares, predictions: &'b Arc<Vec<Prediction>>) -> Scored<'b> {
        let reading = &self.readings[own.at];
        let old_equal = n_equal(&own.predicted, &target.published_old());
        Scored { reading, old: own.distance, old_equal, predictions }
    }

    /// Every reading, nearest first; equal ones in the order of their options.
    fn by_old_shares(&self, target: &Target) -> Vec<OldShares> {
        let published = target.published_old();
        let mut old: Vec<OldShares> = self
            .readings
            .iter()
            .enumerate()
            .map(|(at, reading)| {
                let predicted = target.old_shares(reading);
                let distance = distance(&predicted, &published, target.share_places);
                OldShares { at, predicted, distance }
            })
            .collect();
        // Equal predictions stand together, in the order of the first of them.
        let mut first: BTreeMap<Vec<Option<i128>>, usize> = BTreeMap::new();
        for own in &old {
            first.entry(own.predicted.clone()).or_insert(own.at);
        }
        old.sort_by(|left, right| {
            let by_distance = left.distance.rmse.total_cmp(&right.distance.rmse);
            by_distance.then(first[&left.predicted].cmp(&first[&right.predicted])).then(left.at.cmp(&right.at))
        });
        old
    }

    fn reading_rows(&self, old: &[OldShares]) -> Vec<ReadingRow> {
        let mut rows = Vec::new();
        let mut rank = 0;
        for (position, own) in old.iter().enumerate() {
            if position == 0 || old[position - 1].predicted != own.predicted {
                rank += 1;
            }
            let reading = &self.readings[own.at];
            let (products, imports) = (reading.products.len(), reading.imports);
            rows.extend(reading.choices.iter().map(|choice| ReadingRow {
                rank,
                choice: *choice,
                products,
                imports,
                old: own.distance,
            }));
        }
        rows
    }

    fn predict(&mut self, at: usize) -> Result<Arc<Vec<Prediction>>, EngineError> {
        if let Some(known) = self.predicted.get(&at) {
            return Ok(Arc::clone(known));
        }
        let predictions = Arc::new(predict(self.source, &self.scenario, &self.space, &self.readings[at])?);
        self.predicted.insert(at, Arc::clone(&predictions));
        Ok(predictions)
    }

    /// The list of a choice before it is mapped, for a file that `run` takes; none where the products are those of the data.
    pub fn list(&self, choice: &Choice) -> Option<GoodsList> {
        self.base.list.as_ref().map(|list| kept(list, &self.space, choice))
    }

    /// The scenario of a choice, but for the sectors of its list, which [`Self::list`] gives.
    ///
    /// # Errors
    /// [`EngineError`] never for choices of this calibration, as all values were taken from scenarios.
    pub fn scenario(&self, choice: &Choice) -> Result<Scenario, EngineError> {
        let options: Vec<usize> = (0..choice.len()).filter(|at| *at != space::SECTORS).collect();
        self.space.set(&self.scenario, choice, &options)
    }

    /// Every key of the scenario that the search started from.
    ///
    /// # Errors
    /// [`ScenarioError`] as a run gives it.
    pub fn resolved(&self) -> Result<BTreeMap<String, String>, ScenarioError> {
        let (year, bloc) = self.year_and_bloc()?;
        self.scenario.resolved_in_codes(self.source.countries(), year, &bloc)
    }

    /// The bloc of the scenario that the search started from.
    ///
    /// # Errors
    /// [`ScenarioError`] as a run gives it.
    pub fn bloc(&self) -> Result<Bloc, ScenarioError> {
        Ok(self.year_and_bloc()?.1)
    }

    fn year_and_bloc(&self) -> Result<(Year, Bloc), ScenarioError> {
        let year = self.scenario.resolve_year(self.source.years());
        let year = year.or_else(|error| self.source.years().last().copied().ok_or(error))?;
        Ok((year, self.scenario.resolve_bloc(self.source.countries(), year)?))
    }

    /// Files that the scenario's own reading takes its rows from.
    ///
    /// # Errors
    /// [`EngineError`] when they cannot be read.
    pub fn inputs(&self) -> Result<Vec<InputFile>, EngineError> {
        let own = ground(&self.space, &self.scenario, &Choice::default())?;
        let year = own.resolve_year(self.source.years())?;
        let mut inputs = crate::prepare::read(self.source, &own, year, &BTreeSet::new())?.inputs;
        inputs.extend(self.base.from.clone());
        Ok(inputs)
    }
}
