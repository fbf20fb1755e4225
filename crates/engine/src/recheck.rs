//! Steps M4 to M8 of docs/method.md once more, from what a result folder holds: no trade data and no solver.

use std::collections::BTreeMap;
use std::sync::Arc;

use reorient_core::{CountryIndex, CountryTable, Membership, ProductCode, Usd};
use reorient_metrics::{Classification, Collection, Detail, Labels, ProductRow};
use reorient_model::{CapCurve, CountrySet, Fill, Frontier, Market, Policy, Program, Role, formulate};

use crate::bloc::Bloc;
use crate::collect::collect;
use crate::frontier::through;
use crate::pipeline::{Asked, Bench, TABLE_A1_ROWS, solve_product, solved_by};
use crate::scenario::{Scenario, country_set};
use crate::sweep::ASKS;
use crate::{EngineError, ScenarioError, SolverChoice};

/// One exporter of a stored product.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredFlow {
    /// Who sells.
    pub exporter: CountryIndex,
    /// The bloc's imports.
    pub imports: Usd,
    /// Exports to the whole world.
    pub world_exports: Usd,
    /// The published allocation, in thousand USD.
    pub optimised_kusd: f64,
}

/// One product of a result folder.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredProduct {
    /// Which one.
    pub code: ProductCode,
    /// As printed.
    pub description: String,
    /// Places that give its sectors, subsectors and stages.
    pub memberships: Vec<Membership>,
    /// Exporters, ascending.
    pub flows: Vec<StoredFlow>,
    /// The row of a product that got no answer; the folder holds no trade to derive it from, so it is taken as it is.
    pub without_answer: Option<ProductRow>,
}

/// What a result folder must say, derived from the trade that it holds and from its resolved scenario.
#[derive(Debug, Clone)]
pub struct Derived {
    /// The figures.
    pub collection: Collection,
    /// The scenario.
    pub scenario: Scenario,
    /// The scenario resolved again: every key in one spelling, with the hash of what is asked.
    pub resolved: BTreeMap<String, String>,
    /// Products by who solved them.
    pub solved_by: BTreeMap<String, usize>,
    /// The bloc.
    pub bloc: Bloc,
    policy: Policy,
}

impl Derived {
    /// The origins whose flow shall shrink.
    pub const fn risk(&self) -> &CountrySet {
        &self.policy.risk
    }

    /// The frontier of the stored products; none where one of them got no answer and so has no trade here.
    ///
    /// # Errors
    /// [`EngineError`] when a product does not fit the arithmetic.
    pub fn frontier(&self, products: &[StoredProduct]) -> Result<Option<Frontier>, EngineError> {
        if products.iter().any(|product| product.without_answer.is_some()) {
            return Ok(None);
        }
        let curve = |product: &StoredProduct| {
            let columns = product.columns();
            CapCurve::new(product.code, &columns.market(), &self.policy)
                .map_err(|source| EngineError::Program { product: product.code, source })
        };
        let curves = products.iter().map(curve).collect::<Result<Vec<_>, _>>()?;
        through(&curves, self.scenario.cap).map(Some)
    }
}

/// The flows of a product by column.
struct Columns {
    exporters: Vec<CountryIndex>,
    imports: Vec<Usd>,
    world_exports: Vec<Usd>,
}

impl Columns {
    fn market(&self) -> Market<'_> {
        let Self { exporters, imports, world_exports } = self;
        Market { exporters, imports, world_exports, unit_values: &[] }
    }
}

impl StoredProduct {
    fn columns(&self) -> Columns {
        Columns {
            exporters: self.flows.iter().map(|flow| flow.exporter).collect(),
            imports: self.flows.iter().map(|flow| flow.imports).collect(),
            world_exports: self.flows.iter().map(|flow| flow.world_exports).collect(),
        }
    }
}

/// Makes the scenario of a folder again from its resolved keys, then [`recheck`]s its products.
///
/// # Errors
/// [`EngineError`] for a key that is missing or has a value that it does not take, and as [`recheck`].
pub fn derive(
    products: &[StoredProduct],
    resolved: &BTreeMap<String, String>,
    countries: &CountryTable,
) -> Result<Derived, EngineError> {
    let scenario = Scenario::of_resolved(resolved, None)?;
    let collection = recheck(products, &scenario, countries)?;
    let year = scenario.year.ok_or_else(|| ScenarioError::WhichYear(String::new()))?;
    let bloc = scenario.resolve_bloc(countries, year)?;
    let policy = scenario.policy(countries, year, &bloc)?;
    let mut resolved = scenario.resolved_in_codes(countries, year, &bloc)?;
    resolved.insert(ASKS.to_owned(), scenario.asks(countries, year, &bloc, &policy));
    let solved_by = solved_by(&scenario, &collection);
    Ok(Derived { collection, scenario, resolved, solved_by, bloc, policy })
}

/// Certifies every stored allocation against its own program, then derives all figures anew from the stored trade.
///
/// The stored point must lie within its bounds, sum to the bloc's imports and reach the value that the dual bound proves,
/// within the rounding of the file.
///
/// # Errors
/// [`EngineError::NotCertified`] or [`EngineError::Stored`] with the product that does not hold.
pub fn recheck(products: &[StoredProduct], scenario: &Scenario, countries: &CountryTable) -> Result<Collection, EngineError> {
    // Codes do not depend on the year.
    let year = scenario.year.ok_or_else(|| ScenarioError::WhichYear(String::new()))?;
    let bloc = scenario.resolve_bloc(countries, year)?;
    let policy = scenario.policy(countries, year, &bloc)?;
    let members = country_set(countries, &bloc.members);
    let scenario = Scenario { solver: SolverChoice::ClosedForm, cross_check: false, ..scenario.clone() };
    let mut rows: Vec<ProductRow> = Vec::with_capacity(products.len());
    let mut bench = Bench::default();
    for product in products {
        if let Some(row) = &product.without_answer {
            rows.push(row.clone());
            continue;
        }
        let columns = product.columns();
        let market = columns.market();
        let program =
            formulate(product.code, &market, &policy).map_err(|source| EngineError::Program { product: product.code, source })?;
        // A solver's vertex, and an order by unit values that the folder does not hold, cannot be derived anew.
        let is_taken = matches!(policy.tie_break.fill, Fill::Vertex | Fill::MinCost);
        let point = is_taken.then(|| shares(product, &program));
        let labels = Arc::new(Labels::new(&product.description, &product.memberships));
        let (point, detail) = (point.as_deref(), Detail::Range);
        let asked = Asked { code: product.code, labels: &labels, market, bloc: &members, point, detail };
        let (row, _) = solve_product(asked, &policy, &scenario, &mut bench)?;
        check_point(product, &program, &row, countries)?;
        rows.push(row);
    }
    let memberships: Vec<&[Membership]> = products.iter().map(|product| product.memberships.as_slice()).collect();
    Ok(collect(rows, &Classification::new(&memberships), &members, &policy.risk, TABLE_A1_ROWS))
}

/// The stored point in shares of `T`.
#[allow(clippy::cast_precision_loss)] // A stored point is a double.
fn shares(product: &StoredProduct, program: &Program) -> Vec<f64> {
    let total_kusd = program.total.max(1) as f64 / (1000.0 * program.scale as f64);
    product.flows.iter().map(|flow| flow.optimised_kusd / total_kusd).collect()
}

/// The stored point against the bounds of the program and the certified value.
#[allow(clippy::cast_precision_loss)] // A check of doubles, within the rounding of the file.
fn check_point(
    product: &StoredProduct,
    program: &Program,
    row: &ProductRow,
    countries: &CountryTable,
) -> Result<(), EngineError> {
    let fail = |problem: String| EngineError::Stored { product: product.code, problem };
    let kusd = |units: i64| units as f64 / (1000.0 * program.scale as f64);
    // A double has 53 bits, and a point is printed to 1e-9 dollars.
    let slack = |amount: f64| 1e-12 + amount.abs() * 4.0 * f64::EPSILON;
    let (mut sum, mut risk) = (0.0, 0.0);
    for (position, flow) in product.flows.iter().enumerate() {
        let (lower, upper) = (kusd(program.lower[position]), kusd(program.upper[position]));
        let amount = flow.optimised_kusd;
        // Written so that NaN fails.
        if !(amount >= lower - slack(lower) && amount <= upper + slack(upper)) {
            let exporter = countries.country(flow.exporter).code;
            return Err(fail(format!("exporter {exporter}: optimised_kusd {amount} is outside its bounds [{lower}, {upper}]")));
        }
        sum += amount;
        if program.role(position) == Role::Risk {
            risk += amount;
        }
    }
    let total = kusd(program.total);
    let tolerance = 1e-9 * total.max(1.0);
    let unmet = row.unmet.map_or(f64::NAN, |unmet| unmet.to_dollars() / 1000.0);
    let is_whole = (sum + unmet - total).abs() <= tolerance;
    // NaN is no sum.
    if !is_whole {
        return Err(fail(format!(
            "the flows sum to {sum}, the bloc imports {total} thousand USD, of which {unmet} cannot be supplied"
        )));
    }
    let certified = row.risk_after.map_or(f64::NAN, |risk| risk.to_dollars() / 1000.0);
    // NaN fails here as well.
    if (risk - certified).abs() <= tolerance {
        Ok(())
    } else {
        Err(fail(format!("{risk} thousand USD stay with risk origins, {certified} is proved to be the least")))
    }
}
