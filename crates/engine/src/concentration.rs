//! What a cut of the risk imports costs in concentration: "Concentration" under step M8 of docs/method.md.

use rayon::prelude::*;
use reorient_core::ProductCode;
use reorient_data::TradeSource;
use reorient_metrics::TradeOff;
use reorient_model::{ConcentrationCurve, NanoUsd, Program, Ratio, SquaresSum, formulate};

use crate::EngineError;
use crate::pipeline::{RunResult, run_prepared};
use crate::prepare::{Prepared, Session};
use crate::presence;
use crate::scenario::Scenario;

/// The least concentration of a product at any risk, at one end of its curve.
#[derive(Debug, Clone, PartialEq)]
pub struct LeastConcentrated {
    /// HS6 code.
    pub product: ProductCode,
    /// Least index over all feasible allocations, 0 to 1.
    pub hhi: f64,
    /// Weighted risk imports of that allocation.
    pub risk: NanoUsd,
    /// Rise of the index per million dollars of the risk imports that are cut last, at the evenest optimum; none where the
    /// curve has no slope.
    pub marginal_hhi_per_musd: Option<f64>,
}

/// A run with its trade-off between risk and concentration.
#[derive(Debug)]
pub struct ConcentrationResult {
    /// The run, with the range of concentration of each product.
    pub run: RunResult,
    /// The aggregate curve, from no price on risk to the optimum.
    pub curve: Vec<TradeOff>,
    /// Products of the curve, ascending: all that have imports of which something can be supplied.
    pub products: Vec<LeastConcentrated>,
}

/// Steps of the price on risk from 0 to 2; from 2 on, with equal weights, every product is at its optimum.
const STEPS: i128 = 40;

/// Runs the scenario and walks the curve of mean concentration against risk imports.
///
/// At a price `lambda` on risk, each product minimises `T HHI + lambda V` over its feasible allocations, so the sums over all
/// products are a point of the least concentration at the least risk. Means weigh products by their imports. Of a product whose
/// imports cannot be supplied in full there is one point, with all that can be.
///
/// # Errors
/// [`EngineError`] when the data, the scenario or a certificate does not hold.
pub fn concentration(
    source: &TradeSource,
    scenario: &Scenario,
    progress: &(dyn Fn() + Sync),
) -> Result<ConcentrationResult, EngineError> {
    let prepared = Session::passing(source).prepare(scenario)?;
    presence::require(source, scenario, &prepared)?;
    let positions: Vec<usize> = (0..prepared.dataset.listed.len()).collect();
    let curves = positions.par_iter().map(|position| product_curve(&prepared, *position)).collect::<Result<Vec<_>, _>>()?;
    let curves: Vec<ProductCurve> = curves.into_iter().flatten().collect();
    let prices = (0..=STEPS).map(|step| Ratio { numerator: 2 * step, denominator: STEPS });
    let mut curve = prices.map(|price| aggregate(&curves, Some(price))).collect::<Result<Vec<_>, _>>()?;
    curve.push(aggregate(&curves, None)?);
    let products = curves.iter().filter_map(ProductCurve::least).collect();
    Ok(ConcentrationResult { run: run_prepared(source, prepared, scenario, &|_| {}, progress)?, curve, products })
}

struct ProductCurve {
    product: ProductCode,
    /// Of what can be supplied: where imports are unmet, its curve is one point.
    served: Program,
    /// None where nothing can be supplied.
    curve: Option<ConcentrationCurve>,
    /// `T`, in units of the program.
    imports: i64,
}

fn product_curve(prepared: &Prepared, position: usize) -> Result<Option<ProductCurve>, EngineError> {
    let in_table = prepared.dataset.listed[position];
    let product = prepared.baseline.products()[in_table];
    let program = formulate(product, &prepared.baseline.market(in_table), &prepared.policy)
        .map_err(|source| EngineError::Program { product, source })?;
    if program.total == 0 {
        return Ok(None);
    }
    let (imports, served) = (program.total, program.served());
    let curve = if served.total > 0 {
        Some(ConcentrationCurve::new(&served).map_err(|source| EngineError::Concentration { product, source })?)
    } else {
        None
    };
    Ok(Some(ProductCurve { product, served, curve, imports }))
}

impl ProductCurve {
    /// Weighted risk in dollars and the index, where risk has a price, or at the evenest optimum; none where nothing can be supplied.
    fn at(&self, price: Option<Ratio>) -> Result<Option<(NanoUsd, f64)>, EngineError> {
        let Some(curve) = &self.curve else { return Ok(None) };
        let (value, squares) = match price {
            Some(price) => {
                curve.at_price(price).map_err(|source| EngineError::Concentration { product: self.product, source })?
            }
            None => {
                let first = curve.points()[0];
                (first.value(), first.squares())
            }
        };
        Ok(Some((value.to_nano(self.served.scale * self.served.weight_scale), self.hhi(squares))))
    }

    fn imports(&self) -> f64 {
        NanoUsd::from_scaled(self.imports, self.served.scale).to_dollars()
    }

    fn hhi(&self, squares: SquaresSum) -> f64 {
        squares.hhi(self.served.total).unwrap_or_default()
    }

    fn least(&self) -> Option<LeastConcentrated> {
        let points = self.curve.as_ref()?.points();
        let (first, last) = (points.first()?, points.last()?);
        Some(LeastConcentrated {
            product: self.product,
            hhi: self.hhi(last.squares()),
            risk: last.value().to_nano(self.served.scale * self.served.weight_scale),
            marginal_hhi_per_musd: first.marginal_hhi(&self.served).map(|slope| slope * 1e6),
        })
    }
}

/// Sums in the order of the products.
fn aggregate(curves: &[ProductCurve], price: Option<Ratio>) -> Result<TradeOff, EngineError> {
    let (mut risk, mut imports, mut with_index, mut weighed) = (NanoUsd::default(), 0.0, 0.0, 0.0);
    for curve in curves {
        imports += curve.imports();
        if let Some((own_risk, index)) = curve.at(price)? {
            risk += own_risk;
            with_index += curve.imports();
            weighed += curve.imports() * index;
        }
    }
    let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
    let risk_pct = share(risk.to_dollars(), imports) * 100.0;
    Ok(TradeOff { price: price.map(Ratio::to_f64), risk, risk_pct, hhi: share(weighed, with_index) })
}
