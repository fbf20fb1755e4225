//! Steps M1 to M3 of docs/method.md: from a source and a scenario to a baseline and a policy. Scenarios that ask for the same
//! rows share one read, and those that have the bloc in common one baseline.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use reorient_core::{CountryCode, CountryTable, GoodsList, ProductCode, Year};
use reorient_data::{Claims, DataError, FileHash, InputFile, MapRule, Passed, RowLedger, Trade, TradeSource, TradeTable};
use reorient_metrics::{Classification, Collection, CountryRow, Labels};
use reorient_model::{CountrySet, Policy, Program, formulate};

use crate::EngineError;
use crate::baseline::Baseline;
use crate::bloc::Bloc;
use crate::coverage::{AskedList, Coverage, margin_sentences, meet};
use crate::lists::Lists;
use crate::presence;
use crate::scenario::{Alias, CHINA, FillChoice, HONG_KONG, HongKong, ListChoice, Scenario, country_set};
use crate::sweep::{ASKS, ResultKey, inputs_key};

/// A question held against its data.
pub struct Prepared {
    pub(crate) year: Year,
    pub(crate) bloc: Bloc,
    pub(crate) members: CountrySet,
    pub(crate) policy: Policy,
    pub(crate) dataset: Arc<Dataset>,
    pub(crate) baseline: Arc<Baseline>,
}

/// The trade in the listed products of one year, and what the list says of them.
pub(crate) struct Dataset {
    /// The rows; none where they were added up as they were read.
    pub(crate) table: Option<TradeTable>,
    /// Files of rows, code tables and the list, each with the hash that it was read with.
    pub(crate) inputs: Vec<InputFile>,
    /// The hash of the year that the rows were read with.
    pub(crate) read_with: FileHash,
    /// Of everything that answers from these rows depend on, as it was read.
    pub(crate) inputs_key: ResultKey,
    pub(crate) ledger: RowLedger,
    /// What was found out about the rows.
    pub(crate) claims: Claims,
    /// Positions of the listed products among all that were read, ascending.
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
    lists: Arc<Lists>,
    keeps_rows: bool,
    dataset: Option<(DatasetKey, Arc<Dataset>)>,
    baselines: BTreeMap<Vec<CountryCode>, Arc<Baseline>>,
}

impl Prepared {
    /// The resolved scenario with a hash of what it asks in one spelling, as manifests of answers hold it.
    ///
    /// # Errors
    /// [`EngineError`] never for what is prepared, as its countries are known.
    pub(crate) fn resolved_question(
        &self,
        scenario: &Scenario,
        countries: &CountryTable,
    ) -> Result<BTreeMap<String, String>, EngineError> {
        let mut resolved = scenario.resolved_in_codes(countries, self.year, &self.bloc)?;
        resolved.insert(ASKS.to_owned(), scenario.asks(countries, self.year, &self.bloc, &self.policy));
        Ok(resolved)
    }

    /// Which of the usual risk origins are alternatives here and gain, where all receivers are ranked.
    pub(crate) fn gaining_notes(&self, source: &TradeSource, collection: &Collection) -> Vec<String> {
        let countries = source.countries();
        let is_usual = |row: &&CountryRow| presence::is_default_risk(countries, row.country) && row.increase.0 > 0;
        let note = |row: &CountryRow| presence::gaining_note(countries, row.country, row.increase, "");
        collection.table_a1.iter().filter(is_usual).map(note).collect()
    }

    /// What the list leaves out and what it takes in, where that is much.
    pub(crate) fn margin_sentences(&self, source: &TradeSource) -> Vec<String> {
        let mut coverage = self.dataset.coverage.clone();
        coverage.value(&self.baseline);
        margin_sentences(source, &coverage)
    }
}

impl<'a> Session<'a> {
    /// Nothing is read yet.
    pub fn new(source: &'a TradeSource) -> Self {
        Self::with_lists(source, Arc::default())
    }

    /// The same with lists that were read before.
    pub(crate) fn with_lists(source: &'a TradeSource, lists: Arc<Lists>) -> Self {
        Self { source, lists, keeps_rows: true, dataset: None, baselines: BTreeMap::new() }
    }

    /// Another session with the lists of this one, which keeps no rows.
    pub(crate) fn passing_beside(&self) -> Self {
        Self { keeps_rows: false, ..Self::with_lists(self.source, Arc::clone(&self.lists)) }
    }

    /// For scenarios that share no rows: they are added up as they are read, and the session keeps none.
    pub(crate) fn passing(source: &'a TradeSource) -> Self {
        Self { keeps_rows: false, ..Self::new(source) }
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
        let located = |error| scenario.located(error);
        let (source, countries) = (self.source, self.source.countries());
        let year = scenario.resolve_year(source.years()).map_err(located)?;
        let bloc = scenario.resolve_bloc(countries, year).map_err(located)?;
        let members = country_set(countries, &bloc.members);

        // M1 and M2: read the rows of listed products, and no others, and add them up to the bloc's baseline.
        let (dataset, baseline) = if self.keeps_rows {
            let dataset = self.dataset(scenario, year)?;
            let baseline = self.baseline(&dataset, &bloc, &members)?;
            (dataset, baseline)
        } else {
            let (dataset, baseline) = Dataset::add_up(source, scenario, &self.lists, year, &members)?;
            (Arc::new(dataset), Arc::new(baseline))
        };

        // M3: the resolved scenario.
        let policy = scenario.policy(countries, year, &bloc).map_err(located)?;
        Ok(Prepared { year, bloc, members, policy, dataset, baseline })
    }

    pub(crate) fn dataset(&mut self, scenario: &Scenario, year: Year) -> Result<Arc<Dataset>, EngineError> {
        let key = DatasetKey::of(scenario, year);
        if let Some((_, dataset)) = self.dataset.as_ref().filter(|(own, _)| *own == key) {
            return Ok(Arc::clone(dataset));
        }
        // Only one year's rows are in memory at a time.
        self.dataset = None;
        self.baselines.clear();
        let dataset = Arc::new(Dataset::read(self.source, scenario, &self.lists, year)?);
        self.dataset = Some((key, Arc::clone(&dataset)));
        Ok(dataset)
    }

    fn baseline(&mut self, dataset: &Dataset, bloc: &Bloc, members: &CountrySet) -> Result<Arc<Baseline>, EngineError> {
        if let Some(baseline) = self.baselines.get(&bloc.members) {
            return Ok(Arc::clone(baseline));
        }
        let table = dataset.table()?;
        let baseline = Arc::new(Baseline::new(table, members));
        baseline.require_world(table.year(), members, self.source)?;
        self.baselines.insert(bloc.members.clone(), Arc::clone(&baseline));
        Ok(baseline)
    }
}

impl Dataset {
    fn read(source: &TradeSource, scenario: &Scenario, lists: &Lists, year: Year) -> Result<Self, EngineError> {
        let (list, coverage) = meet_list(source, scenario, lists, year)?;
        let Trade { table, inputs, read_with, ledger, claims } = read(source, scenario, year, &coverage.wanted())?;
        let own = Self::new(source, &list, coverage, table.products(), (inputs, read_with), (ledger, claims));
        Ok(Self { table: Some(table), ..own })
    }

    /// Adds rows up to a baseline as they are read.
    fn add_up(
        source: &TradeSource,
        scenario: &Scenario,
        lists: &Lists,
        year: Year,
        members: &CountrySet,
    ) -> Result<(Self, Baseline), EngineError> {
        let (list, coverage) = meet_list(source, scenario, lists, year)?;
        let add_up = |table: &TradeTable| Baseline::of_one(table, members);
        let Passed { results, inputs, read_with, ledger, claims } = pass(source, scenario, year, &coverage.wanted(), add_up)?;
        let baseline = Baseline::joined(results);
        baseline.require_world(year, members, source)?;
        let own = Self::new(source, &list, coverage, baseline.products(), (inputs, read_with), (ledger, claims));
        Ok((own, baseline))
    }

    /// Without rows; `products` are those that were read.
    fn new(
        source: &TradeSource,
        list: &GoodsList,
        coverage: Coverage,
        products: &[ProductCode],
        (mut inputs, read_with): (Vec<InputFile>, FileHash),
        (ledger, claims): (RowLedger, Claims),
    ) -> Self {
        inputs.extend(coverage.from.clone());
        let inputs_key = inputs_key(source, &read_with, coverage.from.as_ref());
        let listed: Vec<usize> = (0..products.len()).filter(|at| list.goods.contains_key(&products[*at])).collect();
        let memberships: Vec<_> = listed.iter().map(|at| list.goods[&products[*at]].as_slice()).collect();
        let label =
            |(at, places): (&usize, &&[_])| Arc::new(Labels::new(source.description(products[*at]).unwrap_or_default(), places));
        let labels = listed.iter().zip(&memberships).map(label).collect();
        let classes = Classification::new(&memberships);
        Self { table: None, inputs, read_with, inputs_key, ledger, claims, listed, labels, classes, coverage }
    }

    /// The rows of a session that keeps them.
    pub(crate) fn table(&self) -> Result<&TradeTable, EngineError> {
        let lost = || DataError::Internal("the rows were not kept".to_owned());
        Ok(self.table.as_ref().ok_or_else(lost)?)
    }
}

/// The list in the codes of the data, and how it met them.
pub(crate) fn meet_list(
    source: &TradeSource,
    scenario: &Scenario,
    lists: &Lists,
    year: Year,
) -> Result<(GoodsList, Coverage), EngineError> {
    let asked = AskedList::of(source.revision(), scenario, lists)?;
    let available = source.products_before(year, asked.candidates().as_ref(), needs_quantities(scenario))?;
    Ok(meet(source.revision(), scenario, asked, &available))
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
    let Passed { results, inputs, read_with, ledger, claims } = pass(source, scenario, year, products, TradeTable::clone)?;
    Ok(Trade { table: TradeTable::joined(results, year, source.revision())?, inputs, read_with, ledger, claims })
}

/// As [`read`], without keeping rows: `each` makes something of some products' rows on the thread that read them. Hong Kong is
/// counted as the scenario says; rows that this merges, and rows of a country with itself, go to the ledger.
fn pass<T: Send>(
    source: &TradeSource,
    scenario: &Scenario,
    year: Year,
    products: &BTreeSet<ProductCode>,
    each: impl Fn(&TradeTable) -> T + Sync,
) -> Result<Passed<T>, EngineError> {
    let countries = source.countries();
    let merged = match scenario.hong_kong {
        HongKong::WithChina => countries.index(HONG_KONG).zip(countries.index(CHINA)),
        HongKong::Apart => None,
    };
    let each = |table: &TradeTable| -> Result<_, DataError> {
        let n_rows = table.n_rows();
        let counted = merged.map(|(from, to)| table.count_as(from, to)).transpose()?;
        let table = counted.as_ref().unwrap_or(table);
        let unused = [n_rows - table.n_rows(), table.n_own()];
        Ok((unused, each(table)))
    };
    let passed = source.pass(year, Some(products), needs_quantities(scenario), each)?;
    let (mut ledger, mut unused, mut results) = (passed.ledger, [0, 0], Vec::with_capacity(passed.results.len()));
    for result in passed.results {
        let (own, result) = result?;
        unused = [unused[0] + own[0], unused[1] + own[1]];
        results.push(result);
    }
    let reasons = ["added to China's row of the same flow", "trade of a country with itself"];
    for (reason, count) in reasons.into_iter().zip(unused).filter(|(_, count)| *count > 0) {
        ledger.unused.insert(reason.to_owned(), count as u64);
        ledger.rows_used -= count as u64;
    }
    Ok(Passed { results, inputs: passed.inputs, read_with: passed.read_with, ledger, claims: passed.claims })
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
