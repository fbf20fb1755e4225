//! Readings of the data: which list, which bloc, which year. The old shares depend on nothing else.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use reorient_core::{CountryIndex, GoodsList, Membership, ProductCode, Sector, Usd};
use reorient_data::{InputFile, MapRule, PartialCode, TradeSource, map_list};
use reorient_metrics::Choice;
use reorient_model::CountrySet;

use super::space::{ALIAS, BLOC, HONG_KONG, MAP, RECONSTRUCTED, SECTORS, Space, YEAR};
use crate::coverage::take_petroleum;
use crate::lists::Lists;
use crate::prepare::read;
use crate::scenario::{FillChoice, ListChoice, Scenario, country_set};
use crate::{Baseline, EngineError};

/// Options that decide which rows are read and how they are counted.
const GROUND: [usize; 2] = [YEAR, HONG_KONG];

/// One reading: products and bloc, and the bloc's imports by exporter.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    /// All choices that mean it, the first one first; those of the program are at 0.
    pub(crate) choices: Vec<Choice>,
    /// With trade, ascending.
    pub(crate) products: Vec<ProductCode>,
    pub(crate) members: CountrySet,
    /// The bloc's imports from all.
    pub(crate) imports: Usd,
    /// From each country of the table.
    pub(crate) by_country: Vec<Usd>,
}

/// The list of the scenario before it is mapped, and what can be left out of it.
pub(crate) struct BaseList {
    pub(crate) list: Option<GoodsList>,
    /// What it was read from.
    pub(crate) from: Option<InputFile>,
    pub(crate) sectors: BTreeSet<Sector>,
    /// Whether some rows are reconstructed and some are not.
    pub(crate) is_mixed: bool,
}

impl Reading {
    /// Whether a table of this reading can name a country as one that gains: it is no member of the bloc.
    pub(crate) fn can_name(&self, country: CountryIndex) -> bool {
        !self.members.contains(country)
    }
}

impl BaseList {
    pub(crate) fn of(scenario: &Scenario, lists: &Lists) -> Result<Self, EngineError> {
        let read = lists.of(scenario)?;
        let (list, from) = (read.as_ref().map(|read| read.list.clone()), read.map(|read| read.from.clone()));
        let places = || list.iter().flat_map(|list| list.goods.values().flatten());
        let sectors = places().map(|place| place.sector).collect();
        let is_mixed =
            places().any(|place| place.source.is_reconstructed()) && places().any(|place| !place.source.is_reconstructed());
        Ok(Self { list, from, sectors, is_mixed })
    }
}

/// The places of a list that a choice keeps: sectors and reconstructed rows are left out before codes are mapped, as in a list of one's
/// own.
pub(crate) fn kept(list: &GoodsList, space: &Space, choice: &Choice) -> GoodsList {
    let part = &space.sectors[usize::from(choice[SECTORS])];
    let published_only = space.text(RECONSTRUCTED, choice[RECONSTRUCTED]) == "no";
    let keeps = |place: &&Membership| part.contains(&place.sector) && !(published_only && place.source.is_reconstructed());
    let kept = list.goods.iter().map(|(code, places)| (*code, places.iter().filter(keeps).cloned().collect::<Vec<_>>()));
    GoodsList { revision: list.revision, goods: kept.filter(|(_, places)| !places.is_empty()).collect() }
}

/// Products by choice of the list's options; `None` stands for all of the data.
type Mapped = Vec<(Choice, Option<BTreeSet<ProductCode>>)>;

fn lists(source: &TradeSource, scenario: &Scenario, space: &Space, base: &BaseList) -> Result<Mapped, EngineError> {
    let Some(list) = &base.list else {
        let one = if let ListChoice::One(product) = &scenario.list { Some(BTreeSet::from([*product])) } else { None };
        return Ok(vec![(Choice::default(), one)]);
    };
    let mut available = BTreeSet::new();
    for year in source.years() {
        available.extend(source.products(*year)?);
    }
    let per_part = |part: &Choice| -> Result<Mapped, EngineError> {
        let kept = kept(list, space, part);
        let mapped = map_list(&kept, source.revision(), MapRule::Any)?;
        let mut found = Mapped::new();
        for options in space.combinations(&[MAP, ALIAS]) {
            let mut goods = mapped.list.clone();
            let left_out = |own: &&PartialCode| match space.text(MAP, options[MAP]) {
                "any" => false,
                "main" => !own.is_main(),
                _ => true,
            };
            mapped.partial.iter().filter(left_out).for_each(|own| drop(goods.goods.remove(&own.product)));
            if space.text(ALIAS, options[ALIAS]) != "none" {
                take_petroleum(&kept, &mut goods, &available);
            }
            let mut choice = *part;
            (choice[MAP], choice[ALIAS]) = (options[MAP], options[ALIAS]);
            found.push((choice, Some(goods.goods.into_keys().collect())));
        }
        Ok(found)
    };
    // The same order for any number of threads.
    let parts = space.combinations(&[SECTORS, RECONSTRUCTED]);
    Ok(parts.par_iter().map(per_part).collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

/// The scenario of a reading, which asks for quantities too where a rule of the tie-break needs them.
pub(crate) fn ground(space: &Space, scenario: &Scenario, choice: &Choice) -> Result<Scenario, EngineError> {
    let mut scenario = space.set(scenario, choice, &[YEAR, HONG_KONG, BLOC])?;
    scenario.fill = FillChoice::MinCost;
    Ok(scenario)
}

/// Every reading with imports, in the order of its first choice; those that take the same rows are one. The scenario's own is
/// there in any case.
pub(crate) fn readings(
    source: &TradeSource,
    scenario: &Scenario,
    space: &Space,
    base: &BaseList,
) -> Result<Vec<Reading>, EngineError> {
    let lists = lists(source, scenario, space, base)?;
    let whole = lists.iter().any(|(_, products)| products.is_none());
    let mut found = Vec::new();
    for ground_choice in space.combinations(&GROUND) {
        let of_ground = ground(space, scenario, &ground_choice)?;
        let year = of_ground.resolve_year(source.years())?;
        let available = source.products(year)?;
        let wanted: BTreeSet<ProductCode> = match whole {
            true => available,
            false => lists
                .iter()
                .filter_map(|(_, list)| list.as_ref())
                .flatten()
                .filter(|code| available.contains(code))
                .copied()
                .collect(),
        };
        let table = read(source, &of_ground, year, &wanted)?.table;
        for bloc_choice in space.combinations(&[BLOC]) {
            let bloc = space.set(&of_ground, &bloc_choice, &[BLOC])?.resolve_bloc(source.countries(), year)?;
            let members = country_set(source.countries(), &bloc.members);
            let baseline = Baseline::new(&table, &members);
            baseline.require_world(table.year(), &members, source)?;
            let choices = lists.iter().map(|(choice, products)| {
                let mut choice = *choice;
                (choice[YEAR], choice[HONG_KONG], choice[BLOC]) =
                    (ground_choice[YEAR], ground_choice[HONG_KONG], bloc_choice[BLOC]);
                (choice, products.as_ref())
            });
            found.extend(of_baseline(&baseline, &members, choices));
        }
    }
    found.retain(|reading: &Reading| reading.imports > Usd::ZERO || reading.choices.contains(&Choice::default()));
    found.sort_by_key(|reading| reading.choices[0]);
    Ok(found)
}

fn of_baseline<'a>(
    baseline: &Baseline,
    members: &CountrySet,
    choices: impl Iterator<Item = (Choice, Option<&'a BTreeSet<ProductCode>>)>,
) -> Vec<Reading> {
    let mut by_rows: BTreeMap<Vec<usize>, Vec<Choice>> = BTreeMap::new();
    for (choice, list) in choices {
        let is_taken = |position: &usize| list.is_none_or(|list| list.contains(&baseline.products()[*position]));
        by_rows.entry((0..baseline.products().len()).filter(is_taken).collect()).or_default().push(choice);
    }
    let with_sums = |(positions, mut choices): (Vec<usize>, Vec<Choice>)| {
        choices.sort_unstable();
        let mut by_country = vec![Usd::ZERO; members.universe()];
        for position in &positions {
            let market = baseline.market(*position);
            for (exporter, imports) in market.exporters.iter().zip(market.imports) {
                by_country[exporter.at()] += *imports;
            }
        }
        Reading {
            choices,
            products: positions.iter().map(|position| baseline.products()[*position]).collect(),
            members: members.clone(),
            imports: by_country.iter().copied().sum(),
            by_country,
        }
    };
    by_rows.into_iter().map(with_sums).collect()
}
