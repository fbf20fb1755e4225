//! One year of trade in memory.

use std::collections::{BTreeMap, BTreeSet};

use reorient_core::{CountryCode, CountryIndex, CountryTable, HsRevision, ProductCode, ProductIndex, Usd, Year};

use crate::{DataError, Row};

/// One flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TradeRow {
    /// What is traded.
    pub product: ProductCode,
    /// Who sells, as a position in the country table.
    pub exporter: CountryIndex,
    /// Who buys, as a position in the country table.
    pub importer: CountryIndex,
    /// Whole current US dollars.
    pub value: Usd,
}

/// One year of flows, sorted by product, exporter, importer, each key once. A flow of a country with itself is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TradeTable {
    year: Year,
    revision: HsRevision,
    products: Vec<ProductCode>,
    // Product p owns the rows starts[p]..starts[p + 1].
    starts: Vec<usize>,
    exporters: Vec<CountryIndex>,
    importers: Vec<CountryIndex>,
    values: Vec<Usd>,
    // Empty where quantities were not asked for.
    quantities: Vec<Option<i64>>,
}

/// The rows of one product: slices of equal length in ascending order of exporter, then importer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProductRows<'a> {
    /// Who sells.
    pub exporters: &'a [CountryIndex],
    /// Who buys.
    pub importers: &'a [CountryIndex],
    /// Whole current US dollars.
    pub values: &'a [Usd],
    /// Kilograms, where known; empty where quantities were not asked for.
    pub quantities: &'a [Option<i64>],
}

impl TradeTable {
    /// Sorts the rows.
    ///
    /// # Errors
    /// [`DataError::Duplicate`] when a product, exporter and importer stand twice.
    pub fn from_rows(year: Year, revision: HsRevision, mut rows: Vec<TradeRow>) -> Result<Self, DataError> {
        rows.sort_unstable();
        let mut table = Self::with_capacity(year, revision, rows.len());
        for row in rows {
            table.push(row)?;
        }
        Ok(table)
    }

    /// From rows in order, each key once, all of one year; `weigh` asks for quantities too.
    pub(crate) fn from_sorted(
        year: Year,
        revision: HsRevision,
        rows: &[Row],
        countries: &CountryTable,
        weigh: bool,
    ) -> Result<Self, DataError> {
        let index = |code: u16| {
            let index = CountryCode::new(code).ok().and_then(|code| countries.index(code));
            index.ok_or_else(|| DataError::Internal(format!("country {code} got lost")))
        };
        let mut table = Self::with_capacity(year, revision, rows.len());
        for same in rows.chunk_by(|left, right| left.product_number() == right.product_number()) {
            table.products.push(same[0].product()?);
            for row in same {
                table.exporters.push(index(row.exporter())?);
                table.importers.push(index(row.importer())?);
                table.values.push(row.value());
            }
            table.starts.push(table.values.len());
        }
        if weigh {
            table.quantities = rows.iter().map(Row::quantity).collect();
        }
        Ok(table)
    }

    /// The rows of some products.
    pub(crate) fn select(&self, products: &BTreeSet<ProductCode>) -> Self {
        let mut selected = Self::with_capacity(self.year, self.revision, 0);
        for (at, product) in self.products.iter().enumerate().filter(|(_, product)| products.contains(product)) {
            let range = self.starts[at]..self.starts[at + 1];
            selected.products.push(*product);
            selected.exporters.extend_from_slice(&self.exporters[range.clone()]);
            selected.importers.extend_from_slice(&self.importers[range.clone()]);
            selected.values.extend_from_slice(&self.values[range.clone()]);
            selected.quantities.extend_from_slice(self.quantities.get(range).unwrap_or_default());
            selected.starts.push(selected.values.len());
        }
        selected
    }

    /// The flows with one country counted as another, both as exporter and as importer; flows that then share a key add up.
    ///
    /// # Errors
    /// [`DataError::Internal`] never, as rows are sorted here.
    pub fn count_as(&self, from: CountryIndex, to: CountryIndex) -> Result<Self, DataError> {
        let counted = |country: CountryIndex| if country == from { to } else { country };
        let mut table = Self::with_capacity(self.year, self.revision, self.values.len());
        for (at, product) in self.products.iter().enumerate() {
            let mut flows: BTreeMap<(CountryIndex, CountryIndex), (Usd, Option<i64>)> = BTreeMap::new();
            for row in self.starts[at]..self.starts[at + 1] {
                let key = (counted(self.exporters[row]), counted(self.importers[row]));
                let sum = flows.entry(key).or_insert((Usd::ZERO, Some(0)));
                sum.0 += self.values[row];
                // A sum with an unknown part is unknown.
                let quantity = self.quantities.get(row).copied().flatten();
                sum.1 = sum.1.zip(quantity).and_then(|(sum, quantity)| sum.checked_add(quantity));
            }
            for ((exporter, importer), (value, quantity)) in flows {
                table.push(TradeRow { product: *product, exporter, importer, value })?;
                if !self.quantities.is_empty() {
                    table.quantities.push(quantity);
                }
            }
        }
        Ok(table)
    }

    pub(crate) fn with_capacity(year: Year, revision: HsRevision, rows: usize) -> Self {
        Self {
            year,
            revision,
            products: Vec::new(),
            starts: vec![0],
            exporters: Vec::with_capacity(rows),
            importers: Vec::with_capacity(rows),
            values: Vec::with_capacity(rows),
            quantities: Vec::new(),
        }
    }

    /// Gives the rows their quantities, in the order of the rows.
    pub(crate) fn weigh(&mut self, quantities: Vec<Option<i64>>) -> Result<(), DataError> {
        if quantities.len() != self.values.len() {
            return Err(DataError::Internal("quantities and rows differ in number".to_owned()));
        }
        self.quantities = quantities;
        Ok(())
    }

    /// Appends a row that must follow the last one in the order of the table.
    pub(crate) fn push(&mut self, row: TradeRow) -> Result<(), DataError> {
        let TradeRow { product, exporter, importer, value } = row;
        self.push_product(product, &[exporter], &[importer], &[value])
    }

    /// Appends rows of one product, three slices of equal length; they must follow the last row in the order of the table.
    pub(crate) fn push_product(
        &mut self,
        product: ProductCode,
        exporters: &[CountryIndex],
        importers: &[CountryIndex],
        values: &[Usd],
    ) -> Result<(), DataError> {
        let mut last = self.products.last().zip(self.exporters.last().zip(self.importers.last())).map(|(k, (i, j))| (*k, *i, *j));
        for (exporter, importer) in exporters.iter().zip(importers) {
            let key = (product, *exporter, *importer);
            if last.is_some_and(|last| last >= key) {
                let (exporter, importer) = (key.1, key.2);
                return Err(match last == Some(key) {
                    true => DataError::Duplicate { year: self.year, product, exporter, importer },
                    false => DataError::Internal(format!("rows of product {product} are out of order")),
                });
            }
            last = Some(key);
        }
        if exporters.is_empty() {
            return Ok(());
        }
        if self.products.last() != Some(&product) {
            self.products.push(product);
            self.starts.push(self.exporters.len());
        }
        self.exporters.extend_from_slice(exporters);
        self.importers.extend_from_slice(importers);
        self.values.extend_from_slice(values);
        if let Some(end) = self.starts.last_mut() {
            *end = self.exporters.len();
        }
        Ok(())
    }

    /// The year of every row.
    pub const fn year(&self) -> Year {
        self.year
    }

    /// The revision of the product codes.
    pub const fn revision(&self) -> HsRevision {
        self.revision
    }

    /// Number of flows.
    pub const fn n_rows(&self) -> usize {
        self.values.len()
    }

    /// Number of countries that sell to another one, and of those that buy from another one.
    pub fn traders(&self) -> (usize, usize) {
        let (mut sell, mut buy) = (vec![false; 1 << 16], vec![false; 1 << 16]);
        for (exporter, importer) in self.exporters.iter().zip(&self.importers).filter(|(exporter, importer)| exporter != importer)
        {
            sell[exporter.at()] = true;
            buy[importer.at()] = true;
        }
        let count = |seen: Vec<bool>| seen.into_iter().filter(|seen| *seen).count();
        (count(sell), count(buy))
    }

    /// Number of flows of a country with itself, which no market counts.
    pub fn n_own(&self) -> usize {
        self.exporters.iter().zip(&self.importers).filter(|(exporter, importer)| exporter == importer).count()
    }

    /// All values, in the order of the rows.
    pub fn values(&self) -> &[Usd] {
        &self.values
    }

    /// Products with at least one flow, ascending; the position is the [`ProductIndex`].
    pub fn products(&self) -> &[ProductCode] {
        &self.products
    }

    /// The flows of one product; the index must come from this table.
    pub fn rows(&self, product: ProductIndex) -> ProductRows<'_> {
        let range = self.starts[product.at()]..self.starts[product.at() + 1];
        ProductRows {
            exporters: &self.exporters[range.clone()],
            importers: &self.importers[range.clone()],
            values: &self.values[range.clone()],
            quantities: self.quantities.get(range).unwrap_or_default(),
        }
    }

    /// Position of a product, if it has a flow.
    pub fn find(&self, product: ProductCode) -> Option<ProductIndex> {
        self.products.binary_search(&product).ok().and_then(|at| u32::try_from(at).ok()).map(ProductIndex)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn row(product: &str, exporter: u16, importer: u16, dollars: i64) -> TradeRow {
        TradeRow {
            product: product.parse().unwrap(),
            exporter: CountryIndex(exporter),
            importer: CountryIndex(importer),
            value: Usd::new(dollars),
        }
    }

    #[test]
    fn rows_are_sorted_and_found_by_product() {
        let rows = vec![row("270900", 2, 1, 5), row("010121", 1, 1, 7), row("270900", 1, 9, 3), row("270900", 1, 2, 4)];
        let table = TradeTable::from_rows(Year::new(2023).unwrap(), HsRevision::Hs92, rows).unwrap();
        assert_eq!((table.n_rows(), table.products().len()), (4, 2));
        let oil = table.rows(table.find("270900".parse().unwrap()).unwrap());
        assert_eq!(oil.exporters, [CountryIndex(1), CountryIndex(1), CountryIndex(2)]);
        assert_eq!(oil.importers, [CountryIndex(2), CountryIndex(9), CountryIndex(1)]);
        assert_eq!(oil.values, [Usd::new(4), Usd::new(3), Usd::new(5)]);
        assert_eq!(table.find("010122".parse().unwrap()), None);
        assert_eq!(table.rows(ProductIndex(0)).values, [Usd::new(7)]);
    }

    #[test]
    fn a_key_that_stands_twice_is_named() {
        let rows = vec![row("270900", 2, 1, 5), row("270900", 2, 1, 6)];
        let error = TradeTable::from_rows(Year::new(2023).unwrap(), HsRevision::Hs92, rows).unwrap_err();
        assert!(error.to_string().contains("270900"), "{error}");
        assert_eq!(error.kind(), crate::DataErrorKind::BadData);
    }
}
