//! Steps M1 to M3 of docs/method.md: from a source and a scenario to a baseline and a policy.

use std::collections::BTreeSet;

use reorient_core::{GoodsList, ProductCode, Year};
use reorient_data::{InputFile, RowLedger, Trade, TradeSource};
use reorient_model::{CountrySet, Policy, Program, formulate};

use crate::EngineError;
use crate::baseline::Baseline;
use crate::bloc::Bloc;
use crate::coverage::{AskedList, Coverage, meet};
use crate::scenario::{CHINA, FillChoice, HONG_KONG, HongKong, Scenario, country_set};

/// A question held against its data.
pub(crate) struct Prepared {
    pub(crate) year: Year,
    pub(crate) bloc: Bloc,
    pub(crate) members: CountrySet,
    pub(crate) baseline: Baseline,
    pub(crate) policy: Policy,
    pub(crate) list: GoodsList,
    /// Positions of the listed products in the baseline, ascending.
    pub(crate) listed: Vec<usize>,
    pub(crate) coverage: Coverage,
    pub(crate) inputs: Vec<InputFile>,
    pub(crate) ledger: RowLedger,
}

/// Reads, adds up and resolves; `lap` is told when a step is done.
pub(crate) fn prepare(
    source: &TradeSource,
    scenario: &Scenario,
    lap: &mut dyn FnMut(&'static str),
) -> Result<Prepared, EngineError> {
    // M1: read the rows of listed products, and no others.
    let located = |error| scenario.located(error);
    let year = scenario.resolve_year(source.years()).map_err(located)?;
    let asked = AskedList::of(source, scenario)?;
    let available = source.products_before(year, asked.candidates().as_ref(), needs_quantities(scenario))?;
    let (list, coverage) = meet(source, scenario, asked, &available);
    let trade = read(source, scenario, year, &coverage.wanted())?;
    lap("read");

    // M2 and M3: the bloc's baseline under the resolved scenario.
    let bloc = scenario.resolve_bloc(source.countries(), year).map_err(located)?;
    let members = country_set(source.countries(), &bloc.members);
    let baseline = Baseline::new(&trade.table, &members);
    baseline.require_world(&trade.table, &members, source)?;
    let policy = scenario.policy(source.countries(), year, &bloc).map_err(located)?;
    let is_listed = |position: &usize| list.goods.contains_key(&baseline.products()[*position]);
    let listed = (0..baseline.products().len()).filter(is_listed).collect();
    lap("baseline");
    Ok(Prepared { year, bloc, members, baseline, policy, list, listed, coverage, inputs: trade.inputs, ledger: trade.ledger })
}

/// Whether the scenario asks for unit values.
pub(crate) fn needs_quantities(scenario: &Scenario) -> bool {
    matches!(scenario.fill, FillChoice::MinCost)
}

/// The rows of some products as the scenario counts them, with quantities where it asks for unit values.
pub(crate) fn read(
    source: &TradeSource,
    scenario: &Scenario,
    year: Year,
    products: &BTreeSet<ProductCode>,
) -> Result<Trade, EngineError> {
    let trade = match needs_quantities(scenario) {
        true => source.read_weighed(year, Some(products))?,
        false => source.read(year, Some(products))?,
    };
    count_hong_kong(trade, source, scenario)
}

/// Hong Kong as the scenario counts it; rows that this merges, and rows of a country with itself, go to the ledger.
fn count_hong_kong(mut trade: Trade, source: &TradeSource, scenario: &Scenario) -> Result<Trade, EngineError> {
    let countries = source.countries();
    let n_rows = trade.table.n_rows();
    if let (HongKong::WithChina, Some(from), Some(to)) = (scenario.hong_kong, countries.index(HONG_KONG), countries.index(CHINA))
    {
        trade.table = trade.table.count_as(from, to)?;
    }
    let unused = [
        ("added to China's row of the same flow", n_rows - trade.table.n_rows()),
        ("trade of a country with itself", trade.table.n_own()),
    ];
    for (reason, count) in unused.into_iter().filter(|(_, count)| *count > 0) {
        trade.ledger.unused.insert(reason.to_owned(), count as u64);
        trade.ledger.rows_used -= count as u64;
    }
    Ok(trade)
}

/// The program of one product with the exporters' codes, for inspection; none when the data lack the product.
///
/// # Errors
/// [`EngineError`] when the data or the scenario do not hold.
pub fn formulate_product(
    source: &TradeSource,
    scenario: &Scenario,
    product: ProductCode,
) -> Result<Option<(Program, Vec<u16>)>, EngineError> {
    let year = scenario.resolve_year(source.years())?;
    let trade = read(source, scenario, year, &BTreeSet::from([product]))?;
    let bloc = scenario.resolve_bloc(source.countries(), year)?;
    let baseline = Baseline::new(&trade.table, &country_set(source.countries(), &bloc.members));
    let policy = scenario.policy(source.countries(), year, &bloc)?;
    let Some(market) = baseline.find(product) else { return Ok(None) };
    let codes = market.exporters.iter().map(|index| source.countries().country(*index).code.get()).collect();
    let program = formulate(product, &market, &policy).map_err(|source| EngineError::Program { product, source })?;
    Ok(Some((program, codes)))
}
