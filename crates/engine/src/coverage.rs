//! How a goods list met the trade data: step M1 of docs/method.md. Nothing is dropped without a row here.

use std::collections::BTreeSet;

use reorient_core::{GoodsList, ProductCode, Usd};
use reorient_data::{MappedList, TradeSource, embedded_goods_list, map_list, read_goods_list};

use crate::scenario::{Alias, ListChoice, Scenario};
use crate::{Baseline, EngineError};

/// Under which BACI files all of heading 2710.
const PETROLEUM: &str = "271000";

/// What became of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CoverageStatus {
    /// A product of the data, wholly on the list.
    Matched,
    /// A product of the data of which only a part is on the list.
    Partial,
    /// A product of the data that stands for listed codes by the alias.
    Alias,
    /// A listed product of the data's revision without a row.
    WithoutTrade,
    /// A listed code that no product of the data's revision stands for.
    Unmatched,
}

impl CoverageStatus {
    /// Name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Matched => "matched",
            Self::Partial => "partial",
            Self::Alias => "alias",
            Self::WithoutTrade => "without-trade",
            Self::Unmatched => "unmatched",
        }
    }
}

/// A code and what became of it. Amounts are unknown where the data have no row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoverageRow {
    /// In the revision of the data; an unmatched one in that of the list.
    pub code: ProductCode,
    /// What became of it.
    pub status: CoverageStatus,
    /// Listed codes that it stands for.
    pub listed: usize,
    /// All codes of the list's revision that it stands for.
    pub descendants: usize,
    /// The bloc's imports.
    pub imports: Option<Usd>,
    /// Exports to the whole world.
    pub world_exports: Option<Usd>,
}

/// All codes, ascending by status, then code.
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    /// One row per code.
    pub rows: Vec<CoverageRow>,
}

impl Coverage {
    /// The rows of one status.
    pub fn of(&self, status: CoverageStatus) -> impl Iterator<Item = &CoverageRow> {
        self.rows.iter().filter(move |row| row.status == status)
    }

    /// The bloc's imports of one status.
    pub fn imports(&self, status: CoverageStatus) -> Usd {
        self.of(status).filter_map(|row| row.imports).sum()
    }

    /// Products to read: all that the data have a row of.
    pub(crate) fn wanted(&self) -> BTreeSet<ProductCode> {
        use CoverageStatus::{Alias, Matched, Partial};
        self.rows.iter().filter(|row| matches!(row.status, Matched | Partial | Alias)).map(|row| row.code).collect()
    }

    /// Fills the amounts in.
    pub(crate) fn value(&mut self, baseline: &Baseline) {
        for row in &mut self.rows {
            if let Some(market) = baseline.find(row.code).filter(|_| row.status != CoverageStatus::Unmatched) {
                row.imports = Some(market.imports.iter().copied().sum());
                row.world_exports = Some(market.world_exports.iter().copied().sum());
            }
        }
    }
}

/// The list that the scenario names, in its own revision; none where the products are those of the data.
pub(crate) fn list_of(scenario: &Scenario) -> Result<Option<GoodsList>, EngineError> {
    Ok(match &scenario.list {
        ListChoice::All | ListChoice::One(_) => None,
        ListChoice::Critical => Some(embedded_goods_list()?),
        ListChoice::File(path) => Some(read_goods_list(path)?),
    })
}

/// The scenario's list in the data's revision, before it meets the data.
pub(crate) enum AskedList {
    /// Every product of the data.
    All,
    /// One product, on no list.
    One(ProductCode),
    /// A published list, and what became of it in the revision.
    List {
        /// As it was published.
        published: GoodsList,
        /// In the revision of the data.
        mapped: MappedList,
    },
}

impl AskedList {
    /// Reads the list.
    pub(crate) fn of(source: &TradeSource, scenario: &Scenario) -> Result<Self, EngineError> {
        let Some(mut published) = list_of(scenario)? else {
            return Ok(if let ListChoice::One(product) = &scenario.list { Self::One(*product) } else { Self::All });
        };
        if !scenario.reconstructed {
            published.goods.values_mut().for_each(|places| places.retain(|place| !place.source.is_reconstructed()));
            published.goods.retain(|_, places| !places.is_empty());
        }
        let mapped = map_list(&published, source.revision(), scenario.map)?;
        Ok(Self::List { published, mapped })
    }

    /// Products that may be asked for, whatever the data hold; none for all of them.
    pub(crate) fn candidates(&self) -> Option<BTreeSet<ProductCode>> {
        match self {
            Self::All => None,
            Self::One(product) => Some(BTreeSet::from([*product])),
            Self::List { mapped, .. } => {
                let partial = mapped.partial.iter().map(|partial| partial.product);
                Some(mapped.list.goods.keys().copied().chain(partial).chain(PETROLEUM.parse().ok()).collect())
            }
        }
    }
}

/// The list in the data's revision and how it met the data, whose products are `available`.
pub(crate) fn meet(
    source: &TradeSource,
    scenario: &Scenario,
    asked: AskedList,
    available: &BTreeSet<ProductCode>,
) -> (GoodsList, Coverage) {
    let row = |code: ProductCode, status, listed, descendants| CoverageRow {
        code,
        status,
        listed,
        descendants,
        imports: None,
        world_exports: None,
    };
    let as_they_are = |matched: Vec<ProductCode>| {
        let list = GoodsList::everything(source.revision(), matched.iter().copied());
        let rows = matched.into_iter().map(|code| row(code, CoverageStatus::Matched, 1, 1)).collect();
        (list, Coverage { rows })
    };
    let (published, mapped) = match asked {
        AskedList::All => return as_they_are(available.iter().copied().collect()),
        AskedList::One(product) => return as_they_are(available.get(&product).copied().into_iter().collect()),
        AskedList::List { published, mapped } => (published, mapped),
    };
    let MappedList { mut list, partial, mut unmatched } = mapped;
    let mut rows = Vec::new();
    if scenario.alias == Alias::Petroleum
        && let Some((petroleum, aliased)) = take_petroleum(&published, &mut list, available)
    {
        unmatched.retain(|code| !aliased.contains(code));
        rows.push(row(petroleum, CoverageStatus::Alias, aliased.len(), aliased.len()));
    }
    let is_alias =
        |code: ProductCode, rows: &[CoverageRow]| rows.iter().any(|row| row.code == code && row.status == CoverageStatus::Alias);
    for partial in partial.iter().filter(|partial| available.contains(&partial.product)) {
        if !is_alias(partial.product, &rows) {
            rows.push(row(partial.product, CoverageStatus::Partial, partial.listed.len(), partial.descendants.len()));
        }
    }
    let in_part: BTreeSet<ProductCode> = partial.iter().map(|partial| partial.product).collect();
    for code in list.goods.keys().copied().filter(|code| !in_part.contains(code)) {
        if !is_alias(code, &rows) {
            let status = if available.contains(&code) { CoverageStatus::Matched } else { CoverageStatus::WithoutTrade };
            rows.push(row(code, status, 1, 1));
        }
    }
    rows.extend(unmatched.into_iter().map(|code| row(code, CoverageStatus::Unmatched, 1, 1)));
    rows.sort_by_key(|row| (row.status, row.code));
    (list, Coverage { rows })
}

/// Puts BACI's product for heading 2710 on the list in place of the listed codes of that heading, which are returned with it;
/// none where the list has no such code or the data no such product.
pub(crate) fn take_petroleum(
    published: &GoodsList,
    list: &mut GoodsList,
    available: &BTreeSet<ProductCode>,
) -> Option<(ProductCode, Vec<ProductCode>)> {
    let is_aliased = |code: &ProductCode| code.as_str().starts_with("2710") && code.as_str() != PETROLEUM;
    let aliased: Vec<ProductCode> = published.goods.keys().copied().filter(is_aliased).collect();
    let petroleum = available.iter().copied().find(|code| code.as_str() == PETROLEUM).filter(|_| !aliased.is_empty())?;
    let members: BTreeSet<_> = aliased.iter().filter_map(|code| published.goods.get(code)).flatten().cloned().collect();
    list.goods.retain(|code, _| !aliased.contains(code));
    list.goods.insert(petroleum, members.into_iter().collect());
    Some((petroleum, aliased))
}
