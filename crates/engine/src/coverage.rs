//! How a goods list met the trade data: step M1 of docs/method.md. Nothing is dropped without a row here.

use std::collections::BTreeSet;

use reorient_core::{GoodsList, HsRevision, ProductCode, Usd, file_name};
use reorient_data::{InputFile, MapRule, MappedList, PartialCode, ReadList, TradeSource, map_list};

use crate::lists::Lists;
use crate::presence::in_words;
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
    /// Codes of the list's revision that a product which is taken holds beside the listed ones.
    pub also_holds: Vec<ProductCode>,
}

/// All codes, ascending by status, then code.
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    /// One row per code.
    pub rows: Vec<CoverageRow>,
    /// Whether products listed in part are taken (`map = any`).
    pub takes_partial: bool,
    /// What the list is called and how many codes it has; none where the products are those of the data.
    pub tried: Option<(String, usize)>,
    /// Listed codes that stand twice in the list's file with the same place, ascending.
    pub repeated: Vec<ProductCode>,
    /// Listed codes whose leading zero the file leaves out, ascending.
    pub padded: Vec<ProductCode>,
    /// Listed codes that the revision of the list does not have, ascending.
    pub unknown: Vec<ProductCode>,
    /// What the list was read from; none where the products are those of the data.
    pub from: Option<InputFile>,
}

/// Where codes of the data are wider than those of the list: what is left out for it, and what is taken in beyond the goods.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListMargin {
    /// Products listed in part that are left out, by falling imports.
    pub left_out: Vec<CoverageRow>,
    /// Products that are taken with what they hold beside the listed codes, by falling imports.
    pub taken_in: Vec<CoverageRow>,
    /// The bloc's imports of all products that are taken.
    pub matched: Usd,
}

impl ListMargin {
    /// The bloc's imports of some of its rows.
    pub fn imports(rows: &[CoverageRow]) -> Usd {
        rows.iter().filter_map(|row| row.imports).sum()
    }

    /// Both together as a percentage of the imports of what is taken; above 100 where more is left out than taken.
    #[allow(clippy::cast_precision_loss)] // A share to be printed.
    pub fn percent(&self, rows: &[CoverageRow]) -> f64 {
        let (part, all) = (Self::imports(rows).get() as f64, self.matched.get() as f64);
        if all > 0.0 {
            part / all * 100.0
        } else if part > 0.0 {
            f64::INFINITY
        } else {
            0.0
        }
    }

    /// Whether a reader of the headline must know: both together are above 1 % of the imports of what is taken.
    pub fn is_large(&self) -> bool {
        let both = Self::imports(&self.left_out) + Self::imports(&self.taken_in);
        i128::from(both.get()) * 100 > i128::from(self.matched.get())
    }
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

    /// Whether any product of the data is taken.
    pub fn is_matched(&self) -> bool {
        let of = |status| self.of(status).next().is_some();
        of(CoverageStatus::Matched) || of(CoverageStatus::Alias) || (self.takes_partial && of(CoverageStatus::Partial))
    }

    /// What the list leaves out or takes in because codes of the data are wider than its own; amounts are the bloc's imports.
    pub fn margin(&self) -> ListMargin {
        let falling = |mut rows: Vec<CoverageRow>| {
            rows.sort_by_key(|row| (std::cmp::Reverse(row.imports), row.code));
            rows
        };
        let left_out = if self.takes_partial { Vec::new() } else { self.of(CoverageStatus::Partial).cloned().collect() };
        let traded = self.rows.iter().filter(|row| row.imports.is_some());
        let taken_in = traded.filter(|row| !row.also_holds.is_empty()).cloned().collect();
        let partial = if self.takes_partial { self.imports(CoverageStatus::Partial) } else { Usd::ZERO };
        ListMargin {
            left_out: falling(left_out),
            taken_in: falling(taken_in),
            matched: self.imports(CoverageStatus::Matched) + self.imports(CoverageStatus::Alias) + partial,
        }
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

/// Goods named in a sentence, each by as many letters of its description.
const FEW: usize = 3;
const NAME: usize = 40;

/// What the list leaves out and what it takes in because codes of the data are wider than its own, where that is much.
pub fn margin_sentences(source: &TradeSource, coverage: &Coverage) -> Vec<String> {
    let margin = coverage.margin();
    if !margin.is_large() {
        return Vec::new();
    }
    let told = |rows: &[CoverageRow], what: (&str, &str), also: bool, remedy: &str| {
        let named = rows.iter().take(FEW).map(|row| {
            let name = named(source.description(row.code).unwrap_or_default());
            let holds = row.also_holds.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let holds = if also { format!(", also {holds}") } else { String::new() };
            format!("{}{name} ({}{holds})", row.code, in_words(row.imports.unwrap_or_default().into()))
        });
        let more = if rows.len() > FEW { format!(" and {} more", rows.len() - FEW) } else { String::new() };
        let percent = margin.percent(rows);
        let share = if percent.is_finite() { format!(" ({percent:.1} % of the imports of those taken)") } else { String::new() };
        let (count, what) = if rows.len() == 1 {
            ("One product is".to_owned(), what.0)
        } else {
            (format!("{} products are", rows.len()), what.1)
        };
        format!("{count} {what}{share}: {}{more}; {remedy}.", named.collect::<Vec<_>>().join("; "))
    };
    let mut sentences = Vec::new();
    if !margin.left_out.is_empty() {
        let what = ("left out, as the list names a part of it only", "left out, as the list names a part of each only");
        let remedy = if margin.left_out.len() == 1 { "`--set map=any` takes it in" } else { "`--set map=any` takes them in" };
        sentences.push(told(&margin.left_out, what, false, remedy));
    }
    if !margin.taken_in.is_empty() {
        let what = ("taken in with goods that the list does not name", "taken in with goods that the list does not name");
        let remedy = if margin.taken_in.len() == 1 { "`--set map=all` leaves it out" } else { "`--set map=all` leaves them out" };
        sentences.push(told(&margin.taken_in, what, true, remedy));
    }
    sentences
}

/// A good by the beginning of its description; nothing where there is none.
fn named(description: &str) -> String {
    let letters: Vec<char> = description.chars().collect();
    match letters.len() {
        0 => String::new(),
        length if length <= NAME => format!(" {description}"),
        _ => format!(" {}…", letters[..NAME - 1].iter().collect::<String>().trim_end()),
    }
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
        published: ReadList,
        /// In the revision of the data.
        mapped: Box<MappedList>,
    },
}

impl AskedList {
    /// Reads the list, unless it is among those that were read.
    pub(crate) fn of(revision: HsRevision, scenario: &Scenario, lists: &Lists) -> Result<Self, EngineError> {
        let Some(published) = lists.of(scenario)? else {
            return Ok(if let ListChoice::One(product) = &scenario.list { Self::One(*product) } else { Self::All });
        };
        let mut published = ReadList::clone(&published);
        if !scenario.reconstructed {
            published.list.goods.values_mut().for_each(|places| places.retain(|place| !place.source.is_reconstructed()));
            published.list.goods.retain(|_, places| !places.is_empty());
        }
        let mapped = map_list(&published.list, revision, scenario.map)?;
        Ok(Self::List { published, mapped: Box::new(mapped) })
    }

    /// The name of the list's file and how many codes it has; none where the products are those of the data.
    pub(crate) fn tried(&self, scenario: &Scenario) -> Option<(String, usize)> {
        let Self::List { published, .. } = self else { return None };
        let name = match &scenario.list {
            ListChoice::File(path) => file_name(path),
            _ => "the shipped list".to_owned(),
        };
        Some((name, published.list.goods.len()))
    }

    /// What the list was read from; none where the products are those of the data.
    pub(crate) const fn from(&self) -> Option<&InputFile> {
        match self {
            Self::List { published, .. } => Some(&published.from),
            Self::All | Self::One(_) => None,
        }
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

/// How a list met data of a revision whose products are `available`, without their amounts; none for a list in a file, which only
/// who has it can tell.
///
/// # Errors
/// [`EngineError`] when the shipped list does not exist in the revision.
pub fn coverage_of(
    scenario: &Scenario,
    revision: HsRevision,
    available: &BTreeSet<ProductCode>,
) -> Result<Option<Coverage>, EngineError> {
    if scenario.list.file().is_some() {
        return Ok(None);
    }
    let asked = AskedList::of(revision, scenario, &Lists::default())?;
    Ok(Some(meet(revision, scenario, asked, available).1))
}

/// The list in the data's revision and how it met the data, whose products are `available`.
pub(crate) fn meet(
    revision: HsRevision,
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
        also_holds: Vec::new(),
    };
    let as_they_are = |matched: Vec<ProductCode>| {
        let list = GoodsList::everything(revision, matched.iter().copied());
        let rows = matched.into_iter().map(|code| row(code, CoverageStatus::Matched, 1, 1)).collect();
        (list, Coverage { rows, ..Coverage::default() })
    };
    let tried = asked.tried(scenario);
    let (published, mapped) = match asked {
        AskedList::All => return as_they_are(available.iter().copied().collect()),
        AskedList::One(product) => return as_they_are(available.get(&product).copied().into_iter().collect()),
        AskedList::List { published, mapped } => (published, mapped),
    };
    let ReadList { list: published, repeated, padded, unknown, from } = published;
    let MappedList { mut list, wider, partial, mut unmatched } = *mapped;
    let takes_partial = scenario.map == MapRule::Any;
    let mut rows = Vec::new();
    if scenario.alias == Alias::Petroleum
        && let Some((petroleum, aliased)) = take_petroleum(&published, &mut list, available)
    {
        unmatched.retain(|code| !aliased.contains(code));
        rows.push(row(petroleum, CoverageStatus::Alias, aliased.len(), aliased.len()));
    }
    let alias: Option<ProductCode> = rows.first().map(|row| row.code);
    let in_part = |partial: &PartialCode, status, is_taken: bool| CoverageRow {
        also_holds: if is_taken { partial.unlisted() } else { Vec::new() },
        ..row(partial.product, status, partial.listed.len(), partial.descendants.len())
    };
    let met = |code: ProductCode| {
        if available.contains(&code) { CoverageStatus::Matched } else { CoverageStatus::WithoutTrade }
    };
    let others = |of: &PartialCode| Some(of.product) != alias;
    let left = partial.iter().filter(|own| others(own) && available.contains(&own.product));
    rows.extend(left.map(|own| in_part(own, CoverageStatus::Partial, takes_partial)));
    rows.extend(wider.iter().filter(|own| others(own)).map(|own| in_part(own, met(own.product), true)));
    let told: BTreeSet<ProductCode> = partial.iter().chain(&wider).map(|own| own.product).chain(alias).collect();
    let whole = list.goods.keys().copied().filter(|code| !told.contains(code));
    rows.extend(whole.map(|code| row(code, met(code), 1, 1)));
    rows.extend(unmatched.into_iter().map(|code| row(code, CoverageStatus::Unmatched, 1, 1)));
    rows.sort_by_key(|row| (row.status, row.code));
    (list, Coverage { rows, takes_partial, tried, repeated, padded, unknown, from: Some(from) })
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
