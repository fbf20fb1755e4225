//! Step M2 of docs/method.md: what the bloc buys and what the world sells, per product and exporter.

use rayon::prelude::*;
use reorient_core::{CountryIndex, ProductCode, ProductIndex, Usd, Year};
use reorient_data::{ProductRows, TradeSource, TradeTable};
use reorient_model::{CountrySet, Market, UnitValue};

use crate::EngineError;

/// Products that a thread adds up in one go.
const PRODUCTS_AT_ONCE: usize = 64;
/// Countries on one side of the rows that are more than a rare product's.
const MANY: usize = 20;
/// Among 74 raw materials in 30 years, no product with more countries than [`MANY`] on a side has a ratio above 3.5.
const MANY_TO_FEW: usize = 20;

/// Doubles hold every smaller number of dollars exactly.
const EXACT: i128 = 1 << 53;

/// Markets of all products, ascending by product and exporter.
#[derive(Debug, Clone, Default)]
pub struct Baseline {
    products: Vec<ProductCode>,
    /// For each product its part, and its position there.
    places: Vec<(usize, usize)>,
    parts: Vec<Part>,
}

/// Markets of some products, one behind the other.
#[derive(Debug, Clone, Default)]
struct Part {
    /// Where the exporters of each product end.
    ends: Vec<usize>,
    exporters: Vec<CountryIndex>,
    imports: Vec<Usd>,
    world_exports: Vec<Usd>,
    /// Of exports with a known quantity; empty where quantities were not read.
    unit_values: Vec<UnitValue>,
    /// Who buys from another country, by position in the country table.
    buyers: Seen,
    /// Rows that were added up.
    n_rows: usize,
}

/// A mark for each country.
#[derive(Debug, Clone)]
struct Seen(Box<[bool; COUNTRIES]>);

impl Default for Seen {
    fn default() -> Self {
        Self(Box::new([false; COUNTRIES]))
    }
}

impl Baseline {
    /// Sums the table by product and exporter, on all cores. Rows of a country with itself are left out.
    pub fn new(table: &TradeTable, bloc: &CountrySet) -> Self {
        let positions: Vec<u32> = (0_u32..).take(table.products().len()).collect();
        let inside = Inside::new(bloc);
        let some = |positions: &[u32]| {
            let mut part = Part::default();
            for &position in positions {
                let rows = table.rows(ProductIndex(position));
                part.add(rows, rows.values, &inside);
            }
            part
        };
        Self::of(table.products().to_vec(), positions.par_chunks(PRODUCTS_AT_ONCE).map(some).collect())
    }

    /// As [`Self::new`] on this thread.
    pub(crate) fn of_one(table: &TradeTable, bloc: &CountrySet) -> Self {
        let (mut part, inside) = (Part::default(), Inside::new(bloc));
        for (_, rows) in table.iter() {
            part.add(rows, rows.values, &inside);
        }
        Self::of(table.products().to_vec(), vec![part])
    }

    /// As [`Self::of_one`], with other values in the place of the table's, in the order of its rows.
    pub(crate) fn with_values(table: &TradeTable, mut values: &[Usd], bloc: &CountrySet) -> Self {
        let (mut part, inside) = (Part::default(), Inside::new(bloc));
        for product in (0_u32..).take(table.products().len()) {
            let rows = table.rows(ProductIndex(product));
            let (own, rest) = values.split_at(rows.values.len());
            values = rest;
            part.add(rows, own, &inside);
        }
        Self::of(table.products().to_vec(), vec![part])
    }

    /// Of tables of some products each, in their order, on this thread.
    pub(crate) fn joined(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut joined = Self::default();
        for part in parts {
            let before = joined.parts.len();
            joined.products.extend(part.products);
            joined.places.extend(part.places.into_iter().map(|(part, within)| (before + part, within)));
            joined.parts.extend(part.parts);
        }
        joined
    }

    fn of(products: Vec<ProductCode>, parts: Vec<Part>) -> Self {
        let within = |(at, part): (usize, &Part)| (0..part.ends.len()).map(move |within| (at, within));
        Self { products, places: parts.iter().enumerate().flat_map(within).collect(), parts }
    }

    /// Product codes, ascending.
    pub fn products(&self) -> &[ProductCode] {
        &self.products
    }

    /// The market of the product at a position.
    pub fn market(&self, position: usize) -> Market<'_> {
        let (part, within) = self.places[position];
        let part = &self.parts[part];
        let range = within.checked_sub(1).map_or(0, |before| part.ends[before])..part.ends[within];
        Market {
            exporters: &part.exporters[range.clone()],
            imports: &part.imports[range.clone()],
            world_exports: &part.world_exports[range.clone()],
            unit_values: part.unit_values.get(range).unwrap_or_default(),
        }
    }

    /// The market of a product, if anybody trades it.
    pub fn find(&self, product: ProductCode) -> Option<Market<'_>> {
        self.products.binary_search(&product).ok().map(|position| self.market(position))
    }

    /// Refuses rows that are not world x world: nobody outside the bloc buys, or a few countries trade with everybody.
    ///
    /// # Errors
    /// [`EngineError::NotWorld`] or [`EngineError::FewCountries`].
    fn check_world(&self) -> Result<(), EngineError> {
        if !self.is_world() {
            return Err(EngineError::NotWorld);
        }
        let (exporters, importers) = self.traders();
        let (few, many) = (exporters.min(importers), exporters.max(importers));
        if many > MANY && many > few * MANY_TO_FEW {
            return Err(EngineError::FewCountries { exporters, importers });
        }
        Ok(())
    }

    /// Whether a country buys any of the products that were read from another one.
    pub(crate) fn buys(&self, country: CountryIndex) -> bool {
        self.parts.iter().any(|part| part.buyers.0[country.at() % COUNTRIES])
    }

    /// Number of countries that sell to another one, and of those that buy from another one.
    fn traders(&self) -> (usize, usize) {
        let (mut sellers, mut buyers) = (Seen::default(), Seen::default());
        for part in &self.parts {
            part.exporters.iter().for_each(|exporter| sellers.0[exporter.at() % COUNTRIES] = true);
            buyers.0.iter_mut().zip(&*part.buyers.0).for_each(|(all, own)| *all |= own);
        }
        let [sellers, buyers] = [sellers, buyers].map(|seen| seen.0.iter().filter(|seen| **seen).count());
        (sellers, buyers)
    }

    /// Refuses a product whose exports have so many dollars that a double of a result would not hold them exactly.
    fn check_amounts(&self, year: Year) -> Result<(), EngineError> {
        for (position, product) in self.products.iter().enumerate() {
            let exports: i128 = self.market(position).world_exports.iter().map(|own| i128::from(own.get())).sum();
            if exports >= EXACT {
                let exports = format!("{}.{:03}", exports / 1000, exports % 1000);
                return Err(EngineError::TooMuch { year, product: *product, exports });
            }
        }
        Ok(())
    }

    /// That no product has more than a world trades, and [`check_world`](Self::check_world) of the rows that were read; where they look narrow, as those of a few products may,
    /// all rows of the year decide.
    ///
    /// # Errors
    /// [`EngineError::TooMuch`], as above, or what reading all rows gives.
    pub(crate) fn require_world(&self, year: Year, bloc: &CountrySet, source: &TradeSource) -> Result<(), EngineError> {
        self.check_amounts(year)?;
        let Err(narrow) = self.check_world() else { return Ok(()) };
        let all = source.read(year, None)?.table;
        if all.n_rows() == self.parts.iter().map(|part| part.n_rows).sum::<usize>() {
            return Err(narrow);
        }
        Self::new(&all, bloc).check_world()
    }

    /// Whether somebody outside the bloc buys anything: without, no capacity can be known.
    fn is_world(&self) -> bool {
        let mut parts = self.parts.iter();
        parts.all(|part| part.exporters.is_empty()) || self.parts.iter().any(|part| part.imports != part.world_exports)
    }
}

impl Part {
    /// Adds the next product and where its exporters end.
    fn add(&mut self, rows: ProductRows<'_>, values: &[Usd], inside: &Inside) {
        let most = i64::try_from(values.iter().map(|value| value.get().unsigned_abs()).fold(0, u64::max)).ok();
        let fits = i64::try_from(values.len()).ok().and_then(|count| most?.checked_mul(count)).is_some();
        if fits {
            // No sum is beyond the number of rows times the largest value.
            self.add_with(rows, values, inside, |sum, value| Usd::new(sum.get().wrapping_add(value.get())));
        } else {
            self.add_with(rows, values, inside, |sum, value| sum + value);
        }
        self.ends.push(self.exporters.len());
        self.n_rows += values.len();
    }

    /// Without a branch for each row.
    #[inline(always)]
    fn add_with(&mut self, rows: ProductRows<'_>, values: &[Usd], inside: &Inside, add: impl Fn(Usd, Usd) -> Usd) {
        let (mut importers, mut values, mut quantities) = (rows.importers, values, rows.quantities);
        for own in rows.exporters.chunk_by(|left, right| left == right) {
            let exporter = own[0];
            let (own_importers, own_values) = (split_front(&mut importers, own.len()), split_front(&mut values, own.len()));
            let (mut imports, mut world_exports, mut sells_abroad) = (Usd::ZERO, Usd::ZERO, false);
            for (importer, value) in own_importers.iter().zip(own_values) {
                let abroad = *importer != exporter;
                sells_abroad |= abroad;
                let value = value.get() & -i64::from(abroad);
                world_exports = add(world_exports, Usd::new(value));
                self.buyers.0[importer.at() % COUNTRIES] |= abroad;
                imports = add(imports, Usd::new(value & inside.mask(*importer)));
            }
            let own_quantities = split_front(&mut quantities, own.len());
            if sells_abroad {
                self.exporters.push(exporter);
                self.imports.push(imports);
                self.world_exports.push(world_exports);
                if !own_quantities.is_empty() {
                    self.unit_values.push(unit_value(exporter, own_importers, own_values, own_quantities));
                }
            }
        }
    }
}

/// Takes the first items off a slice, or all where there are fewer.
fn split_front<'a, T>(items: &mut &'a [T], count: usize) -> &'a [T] {
    let (front, rest) = items.split_at(count.min(items.len()));
    *items = rest;
    front
}

/// Exports of known quantity.
fn unit_value(exporter: CountryIndex, importers: &[CountryIndex], values: &[Usd], quantities: &[Option<i64>]) -> UnitValue {
    let mut sum = UnitValue::default();
    for ((importer, value), quantity) in importers.iter().zip(values).zip(quantities) {
        if let (Some(quantity @ 1..), true) = (quantity, *importer != exporter) {
            sum.value += *value;
            // No planet ships more than this many kilograms.
            sum.quantity = sum.quantity.saturating_add(*quantity);
        }
    }
    sum
}

/// For each position in the country table all bits of a member of the bloc, and none of the others.
struct Inside([i64; COUNTRIES]);

/// More than any country table has.
const COUNTRIES: usize = 1024;

impl Inside {
    fn new(bloc: &CountrySet) -> Self {
        let mut masks = [0; COUNTRIES];
        bloc.iter().for_each(|member| masks[member.at() % COUNTRIES] = -1);
        Self(masks)
    }

    fn mask(&self, country: CountryIndex) -> i64 {
        self.0[country.at() % COUNTRIES]
    }
}
