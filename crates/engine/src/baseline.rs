//! Step M2 of docs/method.md: what the bloc buys and what the world sells, per product and exporter.

use reorient_core::{CountryIndex, ProductCode, ProductIndex, Usd};
use reorient_data::{TradeSource, TradeTable};
use reorient_model::{CountrySet, Market, UnitValue};

use crate::EngineError;

/// Countries on one side of the rows that are more than a rare product's.
const MANY: usize = 20;
/// Among 74 raw materials in 30 years, no product with more countries than [`MANY`] on a side has a ratio above 3.5.
const MANY_TO_FEW: usize = 20;

/// Markets of all products, one behind the other, ascending by product and exporter.
#[derive(Debug, Clone)]
pub struct Baseline {
    products: Vec<ProductCode>,
    offsets: Vec<usize>,
    exporters: Vec<CountryIndex>,
    imports: Vec<Usd>,
    world_exports: Vec<Usd>,
    /// Of exports with a known quantity; empty where quantities were not read.
    unit_values: Vec<UnitValue>,
}

impl Baseline {
    /// Sums the table by product and exporter. Rows of a country with itself are left out.
    pub fn new(table: &TradeTable, bloc: &CountrySet) -> Self {
        Self::with_values(table, table.values(), bloc)
    }

    /// As [`Self::new`] with other values in the place of the table's, in the order of its rows.
    pub fn with_values(table: &TradeTable, values: &[Usd], bloc: &CountrySet) -> Self {
        let products = table.products().to_vec();
        let mut baseline = Self {
            offsets: Vec::with_capacity(products.len() + 1),
            products,
            exporters: Vec::new(),
            imports: Vec::new(),
            world_exports: Vec::new(),
            unit_values: Vec::new(),
        };
        baseline.offsets.push(0);
        let mut rest_of_values = values;
        for product in (0_u32..).take(table.products().len()) {
            let rows = table.rows(ProductIndex(product));
            let (values, rest) = rest_of_values.split_at(rows.values.len());
            rest_of_values = rest;
            let first = baseline.exporters.len();
            for (row, ((&exporter, &importer), &value)) in rows.exporters.iter().zip(rows.importers).zip(values).enumerate() {
                if exporter == importer {
                    continue;
                }
                if baseline.exporters[first..].last() != Some(&exporter) {
                    baseline.exporters.push(exporter);
                    baseline.imports.push(Usd::ZERO);
                    baseline.world_exports.push(Usd::ZERO);
                    if !rows.quantities.is_empty() {
                        baseline.unit_values.push(UnitValue::default());
                    }
                }
                let last = baseline.exporters.len() - 1;
                baseline.world_exports[last] += value;
                if let (Some(Some(quantity @ 1..)), Some(sum)) = (rows.quantities.get(row), baseline.unit_values.last_mut()) {
                    sum.value += value;
                    // No planet ships more than this many kilograms.
                    sum.quantity = sum.quantity.saturating_add(*quantity);
                }
                if bloc.contains(importer) {
                    baseline.imports[last] += value;
                }
            }
            baseline.offsets.push(baseline.exporters.len());
        }
        baseline
    }

    /// Product codes, ascending.
    pub fn products(&self) -> &[ProductCode] {
        &self.products
    }

    /// The market of the product at a position.
    pub fn market(&self, position: usize) -> Market<'_> {
        let range = self.offsets[position]..self.offsets[position + 1];
        Market {
            exporters: &self.exporters[range.clone()],
            imports: &self.imports[range.clone()],
            world_exports: &self.world_exports[range.clone()],
            unit_values: self.unit_values.get(range).unwrap_or_default(),
        }
    }

    /// The market of a product, if anybody trades it.
    pub fn find(&self, product: ProductCode) -> Option<Market<'_>> {
        self.products.binary_search(&product).ok().map(|position| self.market(position))
    }

    /// Refuses rows that are not world x world: nobody outside the bloc buys, or a few countries trade with everybody.
    /// `exporters` and `importers` count the countries of the rows.
    ///
    /// # Errors
    /// [`EngineError::NotWorld`] or [`EngineError::FewCountries`].
    fn check_world(&self, (exporters, importers): (usize, usize)) -> Result<(), EngineError> {
        if !self.is_world() {
            return Err(EngineError::NotWorld);
        }
        let (few, many) = (exporters.min(importers), exporters.max(importers));
        if many > MANY && many > few * MANY_TO_FEW {
            return Err(EngineError::FewCountries { exporters, importers });
        }
        Ok(())
    }

    /// [`check_world`](Self::check_world) of the rows that were read; where they look narrow, as those of a few products may,
    /// all rows of the year decide.
    ///
    /// # Errors
    /// As above, or what reading all rows gives.
    pub(crate) fn require_world(&self, table: &TradeTable, bloc: &CountrySet, source: &TradeSource) -> Result<(), EngineError> {
        let Err(narrow) = self.check_world(table.traders()) else { return Ok(()) };
        let all = source.read(table.year(), None)?.table;
        if all.n_rows() == table.n_rows() {
            return Err(narrow);
        }
        Self::new(&all, bloc).check_world(all.traders())
    }

    /// Whether somebody outside the bloc buys anything: without, no capacity can be known.
    fn is_world(&self) -> bool {
        self.exporters.is_empty() || self.imports != self.world_exports
    }
}
