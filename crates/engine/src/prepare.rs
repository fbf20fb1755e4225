//! Steps M1 to M3 of docs/method.md: from a source and a scenario to a baseline and a policy. Scenarios that ask for the same
//! rows share one read, and those that have the bloc in common one baseline.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use reorient_core::{CountryCode, ProductCode, Year};
use reorient_data::{MapRule, Trade, TradeSource};
use reorient_metrics::{Classification, Labels};
use reorient_model::{CountrySet, Policy, Program, formulate};

use crate::EngineError;
use crate::baseline::Baseline;
use crate::bloc::Bloc;
use crate::coverage::{AskedList, Coverage, meet};
use crate::scenario::{Alias, CHINA, FillChoice, HONG_KONG, HongKong, ListChoice, Scenario, country_set};

/// A question held against its data.
pub struct Prepared {
    pub(crate) year: Year,
    pub(crate) bloc: Bloc,
    pub(crate) members: CountrySet,
    pub(crate) policy: Policy,
    pub(crate) dataset: Arc<Dataset>,
    pub(crate) baseline: Arc<Baseline>,
}

/// The rows of the listed products of one year, and what the list says of them.
pub(crate) struct Dataset {
    pub(crate) trade: Trade,
    /// Positions of the listed products in the table, ascending.
    pub(crate) listed: Vec<usize>,
    /// Parallel to `listed`.
    pub(crate) labels: Vec<Arc<Labels>>,
    pub(crate) classes: Classification,
    /// How the list met the data; without amounts, which depend on the bloc.
    pub(crate) coverage: Coverage,
}

/// What decides which rows are read.
#[derive(Debug, Clone, PartialEq, Eq)]
struct DatasetKey {
    year: Year,
    list: ListChoice,
    map: MapRule,
    alias: Alias,
    reconstructed: bool,
    hong_kong: HongKong,
    weighed: bool,
}

impl DatasetKey {
    fn of(scenario: &Scenario, year: Year) -> Self {
        Self {
            year,
            list: scenario.list.clone(),
            map: scenario.map,
            alias: scenario.alias,
            reconstructed: scenario.reconstructed,
            hong_kong: scenario.hong_kong,
            weighed: needs_quantities(scenario),
        }
    }
}

/// Answers scenarios from one source. It keeps the rows that were read last and their baselines, so scenarios that share them
/// should follow each other.
pub struct Session<'a> {
    source: &'a TradeSource,
    dataset: Option<(DatasetKey, Arc<Dataset>)>,
    baselines: BTreeMap<Vec<CountryCode>, Arc<Baseline>>,
}

impl<'a> Session<'a> {
    /// Nothing is read yet.
    pub fn new(source: &'a TradeSource) -> Self {
        Self { source, dataset: None, baselines: BTreeMap::new() }
    }

    /// Whether the rows of the scenario are at hand, so that nothing need be read.
    pub fn holds(&self, scenario: &Scenario) -> bool {
        let year = scenario.resolve_year(self.source.years()).ok();
        let own = self.dataset.as_ref().map(|(key, _)| key);
        year.is_some_and(|year| own == Some(&DatasetKey::of(scenario, year)))
    }

    /// Lets all baselines go but that of the bloc of `prepared`: where scenarios follow each other by bloc, no other is asked for
    /// again, and one of a full year takes megabytes.
    pub(crate) fn keep_baseline_of(&mut self, prepared: &Prepared) {
        self.baselines.retain(|members, _| *members == prepared.bloc.members);
    }

    /// Reads, adds up and resolves what the scenario asks for, unless it is at hand.
    ///
    /// # Errors
    /// [`EngineError`] when the data or the scenario do not hold.
    pub fn prepare(&mut self, scenario: &Scenario) -> Result<Prepared, EngineError> {
        self.prepare_timed(scenario, &mut |_| {})
    }

    /// As [`Self::prepare`]; `lap` is told when a step is done.
    pub(crate) fn prepare_timed(
        &mut self,
        scenario: &Scenario,
        lap: &mut dyn FnMut(&'static str),
    ) -> Result<Prepared, EngineError> {
        // M1: read the rows of listed products, and no others.
        let located = |error| scenario.located(error);
        let (source, countries) = (self.source, self.source.countries());
        let year = scenario.resolve_year(source.years()).map_err(located)?;
        let dataset = self.dataset(scenario, year)?;
        lap("read");

        // M2 and M3: the bloc's baseline under the resolved scenario.
        let bloc = scenario.resolve_bloc(countries, year).map_err(located)?;
        let members = country_set(countries, &bloc.members);
        let baseline = match self.baselines.get(&bloc.members) {
            Some(baseline) => Arc::clone(baseline),
            None => {
                let baseline = Arc::new(Baseline::new(&dataset.trade.table, &members));
                baseline.require_world(&dataset.trade.table, &members, source)?;
                self.baselines.insert(bloc.members.clone(), Arc::clone(&baseline));
                baseline
            }
        };
        let policy = scenario.policy(countries, year, &bloc).map_err(located)?;
        lap("baseline");
        Ok(Prepared { year, bloc, members, policy, dataset, baseline })
    }

    fn dataset(&mut self, scenario: &Scenario, year: Year) -> Result<Arc<Dataset>, EngineError> {
        let key = DatasetKey::of(scenario, year);
        if let Some((_, dataset)) = self.dataset.as_ref().filter(|(own, _)| *own == key) {
            return Ok(Arc::clone(dataset));
        }
        // Only one year's rows are in memory at a time.
        self.dataset = None;
        self.baselines.clear();
        let dataset = Arc::new(Dataset::read(self.source, scenario, year)?);
        self.dataset = Some((key, Arc::clone(&dataset)));
        Ok(dataset)
    }
}

impl Dataset {
    fn read(source: &TradeSource, scenario: &Scenario, year: Year) -> Result<Self, EngineError> {
        let asked = AskedList::of(source, scenario)?;
        let available = source.products_before(year, asked.candidates().as_ref(), needs_quantities(scenario))?;
        let (list, coverage) = meet(source, scenario, asked, &available);
        let trade = read(source, scenario, year, &coverage.wanted())?;
        let products = trade.table.products();
        let listed: Vec<usize> = (0..products.len()).filter(|at| list.goods.contains_key(&products[*at])).collect();
        let memberships: Vec<_> = listed.iter().map(|at| list.goods[&products[*at]].as_slice()).collect();
        let label =
            |(at, places): (&usize, &&[_])| Arc::new(Labels::new(source.description(products[*at]).unwrap_or_default(), places));
        let labels = listed.iter().zip(&memberships).map(label).collect();
        let classes = Classification::new(&memberships);
        Ok(Self { listed, labels, classes, coverage, trade })
    }
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
