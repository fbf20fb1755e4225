//! The whole curve of risk imports against the cap, without a solver: "Frontier" under step M8 of docs/method.md.

use std::collections::BTreeMap;

use rayon::prelude::*;
use reorient_core::{CountryIndex, Fraction};
use reorient_data::{InputFile, TradeSource};
use reorient_metrics::CriticalCap;
use reorient_model::{CapCurve, Frontier};

use crate::EngineError;
use crate::bloc::Bloc;
use crate::prepare::{Prepared, Session};
use crate::presence;
use crate::scenario::Scenario;

/// The frontier of one scenario, whose own cap is one of its points.
#[derive(Debug)]
pub struct FrontierResult {
    /// Every breakpoint from 0 to 1.
    pub frontier: Frontier,
    /// Products, ascending by code.
    pub products: Vec<CriticalCap>,
    /// The cap of the scenario.
    pub cap: Fraction,
    /// Resolved scenario.
    pub scenario: BTreeMap<String, String>,
    /// The bloc.
    pub bloc: Bloc,
    /// Files read.
    pub inputs: Vec<InputFile>,
    /// Sentences on how the scenario was read.
    pub notes: Vec<String>,
}

/// Caps that a reader expects to find, besides the breakpoints: whole percentage points.
const STEPS: u64 = 100;

/// All curves together, at every breakpoint, at the cap of the scenario and at whole percentage points.
pub(crate) fn through(curves: &[CapCurve], cap: Fraction) -> Result<Frontier, EngineError> {
    let mut caps = vec![cap];
    caps.extend((0..=STEPS).filter_map(|step| Fraction::new(step, STEPS).ok()));
    Frontier::new(curves, &caps).map_err(EngineError::Frontier)
}

/// Computes the frontier. Caps of single countries or products stay what they are.
///
/// # Errors
/// [`EngineError`] when the data or the scenario do not hold.
pub fn frontier(source: &TradeSource, scenario: &Scenario) -> Result<FrontierResult, EngineError> {
    let prepared = Session::passing(source).prepare(scenario)?;
    presence::require(source, scenario, &prepared)?;
    let notes = presence::notes_of_study(source, scenario, &prepared)?;
    let resolved = prepared.resolved_question(scenario, source.countries())?;
    let Prepared { bloc, baseline, policy, dataset, .. } = prepared;
    let listed = &dataset.listed;
    let curve = |&position: &usize| {
        let product = baseline.products()[position];
        CapCurve::new(product, &baseline.market(position), &policy).map_err(|source| EngineError::Program { product, source })
    };
    let curves = listed.par_iter().map(curve).collect::<Result<Vec<_>, _>>()?;
    let frontier = through(&curves, scenario.cap)?;
    let products = listed
        .iter()
        .zip(&curves)
        .map(|(&position, curve)| {
            let (product, market) = (baseline.products()[position], baseline.market(position));
            let from_risk = |at: &(usize, &CountryIndex)| policy.risk.contains(*at.1);
            CriticalCap {
                product,
                description: source.description(product).unwrap_or_default().to_owned(),
                imports: market.imports.iter().copied().sum(),
                risk_before: market.exporters.iter().enumerate().filter(from_risk).map(|(at, _)| market.imports[at]).sum(),
                cap: curve.critical_cap(),
            }
        })
        .collect();
    Ok(FrontierResult { frontier, products, cap: scenario.cap, scenario: resolved, bloc, inputs: dataset.inputs.clone(), notes })
}
