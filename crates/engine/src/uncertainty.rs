//! How far the result follows from what is uncertain: noise in every row, doubtful places on the list, the cap itself.
//! "Uncertainty" under step M8 of docs/method.md.
//!
//! Every random number is fixed by seed, draw and what it is for (a row, a product, the cap), so that results depend neither
//! on the order of the work nor on threads.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;
use reorient_core::{CountryIndex, Draws, Fraction, ProductCode, ProductIndex, Usd};
use reorient_data::{InputFile, MapRule, TradeSource};
use reorient_metrics::Collection;
use reorient_model::CountrySet;

use crate::EngineError;
use crate::baseline::Baseline;
use crate::bloc::Bloc;
use crate::lists::Lists;
use crate::pipeline::Bench;
use crate::prepare::{Prepared, Session};
use crate::presence;
use crate::scenario::Scenario;

/// What is uncertain, and how it is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Doubt {
    /// Number of draws.
    pub draws: u32,
    /// Fixes every random number.
    pub seed: u64,
    /// Standard deviation of the logarithm of a row's factor; factors are lognormal with mean one. 0 is no noise.
    pub deviation: f64,
    /// Probability that a product counts which is on the list through reconstructed rows alone.
    pub reconstructed: f64,
    /// Probability that a product counts of which only a part is listed.
    pub partial: f64,
    /// The cap is uniform between these two, in steps of 1e-5; none leaves it at the scenario's.
    pub cap: Option<(Fraction, Fraction)>,
}

/// Figures of every draw beside those of the scenario itself.
#[derive(Debug)]
pub struct UncertaintyResult {
    /// Without any doubt: the figures of a run.
    pub base: Collection,
    /// One per draw, in order.
    pub draws: Vec<Collection>,
    /// The cap of each draw.
    pub caps: Vec<Fraction>,
    /// Products that a draw may leave out or take in.
    pub doubtful: usize,
    /// Resolved scenario.
    pub scenario: BTreeMap<String, String>,
    /// The bloc.
    pub bloc: Bloc,
    /// Files read.
    pub inputs: Vec<InputFile>,
    /// Sentences on how the scenario was read.
    pub notes: Vec<String>,
}

/// Caps are drawn in steps of one over this.
const STEPS: u64 = 100_000;
/// Streams of a draw: its rows, its list and its cap.
const STREAMS: u64 = 4;

/// Answers the scenario and every draw; `progress` is told when a draw is done, from any thread.
///
/// Values are rounded to whole dollars and stay positive, so noise makes no flow vanish.
///
/// # Errors
/// [`EngineError`] when the data or the scenario do not hold.
pub fn uncertainty(
    source: &TradeSource,
    scenario: &Scenario,
    doubt: &Doubt,
    progress: &(dyn Fn() + Sync),
) -> Result<UncertaintyResult, EngineError> {
    let mut bench = Bench::default();
    let lists = Arc::<Lists>::default();
    let base = Session::with_lists(source, Arc::clone(&lists)).prepare(scenario)?;
    presence::require(source, scenario, &base)?;
    let mut notes = presence::notes_of_study(source, scenario, &base)?;
    let answer = base.summarise(scenario, &mut bench)?;
    notes.extend(base.gaining_notes(source, &answer));
    // Products that are listed in part are read too, so that a draw may take them.
    let wide = Scenario { map: MapRule::Any, ..scenario.clone() };
    let left_out: BTreeSet<ProductCode> = base.dataset.coverage.margin().left_out.iter().map(|row| row.code).collect();
    let may_widen = doubt.partial > 0.0 && !left_out.is_empty();
    let prepared = if may_widen { Session::with_lists(source, lists).prepare(&wide)? } else { base };
    let list = Membership::new(&prepared, &left_out, doubt);
    let one = |bench: &mut Bench, draw: u64| -> Result<(Collection, Fraction), EngineError> {
        let noise = Noise { prepared: &prepared, doubt, draw, list: &list };
        let done = noise.answer(scenario, bench)?;
        progress();
        Ok(done)
    };
    let drawn = (0..u64::from(doubt.draws))
        .into_par_iter()
        .map_init(Bench::default, |bench, draw| one(bench, draw))
        .collect::<Result<Vec<_>, _>>()?;
    let (draws, caps) = drawn.into_iter().unzip();
    Ok(UncertaintyResult {
        base: answer,
        draws,
        caps,
        doubtful: list.probability.iter().filter(|probability| **probability < 1.0).count(),
        scenario: scenario.resolved_in_codes(source.countries(), prepared.year, &prepared.bloc)?,
        bloc: prepared.bloc.clone(),
        inputs: prepared.dataset.inputs.clone(),
        notes,
    })
}

/// With which probability each listed product counts, in the order of the dataset.
struct Membership {
    probability: Vec<f64>,
}

impl Membership {
    /// `left_out` are the products that the scenario itself does not take.
    fn new(prepared: &Prepared, left_out: &BTreeSet<ProductCode>, doubt: &Doubt) -> Self {
        let products = prepared.baseline.products();
        let of = |(position, labels): (&usize, &std::sync::Arc<reorient_metrics::Labels>)| {
            let by_source = if labels.reconstructed { doubt.reconstructed } else { 1.0 };
            let by_part = if left_out.contains(&products[*position]) { doubt.partial } else { 1.0 };
            by_source * by_part
        };
        Self { probability: prepared.dataset.listed.iter().zip(&prepared.dataset.labels).map(of).collect() }
    }
}

/// One draw.
struct Noise<'a> {
    prepared: &'a Prepared,
    doubt: &'a Doubt,
    draw: u64,
    list: &'a Membership,
}

impl Noise<'_> {
    fn stream(&self, which: u64) -> Draws {
        Draws::new(self.doubt.seed, self.draw * STREAMS + which)
    }

    fn answer(&self, scenario: &Scenario, bench: &mut Bench) -> Result<(Collection, Fraction), EngineError> {
        let cap = self.cap(scenario.cap);
        let mut policy = self.prepared.policy.clone();
        policy.cap = cap;
        let baseline = self.baseline(&self.prepared.members)?;
        let mut list = self.stream(1);
        let products = self.prepared.baseline.products();
        let counts = |position: usize| {
            let probability = self.list.probability[position];
            let product = products[self.prepared.dataset.listed[position]];
            probability >= 1.0 || list.at(product.number().into()).uniform() < probability
        };
        let baseline = baseline.as_ref().unwrap_or(&self.prepared.baseline);
        Ok((self.prepared.summarise_with(scenario, &policy, baseline, counts, usize::MAX, bench)?, cap))
    }

    /// Uniform between the two caps, both included.
    fn cap(&self, own: Fraction) -> Fraction {
        let Some((from, to)) = self.doubt.cap else { return own };
        let steps = |cap: Fraction| cap.numerator() * STEPS / cap.denominator();
        let (from, to) = (steps(from), steps(to).max(steps(from)));
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        // At most a hundred thousand steps.
        let step = from + (self.stream(2).uniform() * (to - from + 1) as f64) as u64;
        Fraction::new(step.min(to), STEPS).unwrap_or(own)
    }

    /// The markets of rows with noise; none without noise.
    fn baseline(&self, bloc: &CountrySet) -> Result<Option<Baseline>, EngineError> {
        if self.doubt.deviation <= 0.0 {
            return Ok(None);
        }
        let table = self.prepared.dataset.table()?;
        let mut stream = self.stream(0);
        let mut values = Vec::with_capacity(table.n_rows());
        for (index, product) in (0_u32..).zip(table.products()) {
            let rows = table.rows(ProductIndex(index));
            for ((exporter, importer), value) in rows.exporters.iter().zip(rows.importers).zip(rows.values) {
                let factor = factor(stream.at(key(*product, *exporter, *importer)).normal(), self.doubt.deviation);
                values.push(scaled(*value, factor));
            }
        }
        Ok(Some(Baseline::with_values(table, &values, bloc)))
    }
}

/// What a row is called in random numbers.
fn key(product: ProductCode, exporter: CountryIndex, importer: CountryIndex) -> u64 {
    u64::from(product.number()) << 32 | u64::from(exporter.0) << 16 | u64::from(importer.0)
}

/// Lognormal with mean one.
fn factor(normal: f64, deviation: f64) -> f64 {
    reorient_core::exponential(deviation * normal - deviation * deviation / 2.0)
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)] // Noise needs no more than a double's precision.
fn scaled(value: Usd, factor: f64) -> Usd {
    Usd::new(((value.get() as f64 * factor).round() as i64).max(1))
}
