//! One year of trade in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use reorient_core::{CountryIndex, CountryTable, HsRevision, ProductCode, ProductIndex, Usd, Year};

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
///
/// Rows stand in parts of whole products, as they were read side by side; a selection shares the parts of its table.
#[derive(Debug, Clone)]
pub struct TradeTable {
    year: Year,
    revision: HsRevision,
    products: Vec<ProductCode>,
    // Product p owns rows places[p].1 of part places[p].0; never none.
    places: Vec<(usize, Range<usize>)>,
    parts: Vec<Arc<Part>>,
    n_rows: usize,
}

/// Rows of some products, one behind the other.
#[derive(Debug, Default)]
pub(crate) struct Part {
    /// Products with their numbers of rows, ascending by product.
    pub(crate) products: Vec<(ProductCode, usize)>,
    pub(crate) exporters: Vec<CountryIndex>,
    pub(crate) importers: Vec<CountryIndex>,
    /// Whole current US dollars.
    pub(crate) values: Vec<Usd>,
    /// Empty where quantities were not asked for.
    pub(crate) quantities: Vec<Option<i64>>,
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

impl Part {
    /// Forgets all rows and keeps their memory.
    pub(crate) fn clear(&mut self) {
        self.products.clear();
        self.exporters.clear();
        self.importers.clear();
        self.values.clear();
        self.quantities.clear();
    }

    /// Of rows of whole products, in order, each key once.
    ///
    /// # Errors
    /// [`DataError::Internal`] when the table lacks a country.
    pub(crate) fn of(products: &[&[Row]], countries: &CountryTable, weigh: bool) -> Result<Self, DataError> {
        let positions = positions(countries);
        let index = |code: u16| CountryIndex(positions.get(usize::from(code)).copied().unwrap_or(UNKNOWN));
        let mut part = Self::default();
        let n_rows = products.iter().map(|rows| rows.len()).sum();
        part.exporters.reserve_exact(n_rows);
        part.importers.reserve_exact(n_rows);
        let mut values = Vec::with_capacity(n_rows);
        for rows in products {
            let Some(first) = rows.first() else { continue };
            part.products.push((first.product()?, rows.len()));
            part.exporters.extend(rows.iter().map(|row| index(row.exporter())));
            part.importers.extend(rows.iter().map(|row| index(row.importer())));
            values.extend(rows.iter().map(Row::value));
            if weigh {
                part.quantities.extend(rows.iter().map(Row::quantity));
            }
        }
        if part.exporters.iter().chain(&part.importers).any(|index| index.0 == UNKNOWN) {
            return Err(DataError::Internal("a country got lost".to_owned()));
        }
        part.values = values;
        Ok(part)
    }
}

/// Stands for a number that is no country of the table.
pub(crate) const UNKNOWN: u16 = u16::MAX;

/// Positions in the country table by number, or [`UNKNOWN`].
pub(crate) fn positions(countries: &CountryTable) -> [u16; 1024] {
    let mut positions = [UNKNOWN; 1024];
    for (index, country) in countries.iter() {
        positions[usize::from(country.code.get())] = index.0;
    }
    positions
}

impl TradeTable {
    /// Sorts the rows.
    ///
    /// # Errors
    /// [`DataError::Duplicate`] when a product, exporter and importer stand twice.
    pub fn from_rows(year: Year, revision: HsRevision, mut rows: Vec<TradeRow>) -> Result<Self, DataError> {
        rows.sort_unstable();
        let key = |row: &TradeRow| (row.product, row.exporter, row.importer);
        if let Some(pair) = rows.windows(2).find(|pair| key(&pair[0]) == key(&pair[1])) {
            let TradeRow { product, exporter, importer, .. } = pair[0];
            return Err(DataError::Duplicate { year, product, exporter, importer });
        }
        let part = Part {
            products: rows
                .chunk_by(|left, right| left.product == right.product)
                .map(|same| (same[0].product, same.len()))
                .collect(),
            exporters: rows.iter().map(|row| row.exporter).collect(),
            importers: rows.iter().map(|row| row.importer).collect(),
            values: rows.iter().map(|row| row.value).collect(),
            quantities: Vec::new(),
        };
        Self::from_parts(year, revision, vec![part])
    }

    /// From parts in ascending order of products, whose rows are checked: ascending by exporter and importer, each key once.
    ///
    /// # Errors
    /// [`DataError::Internal`] when products are out of order or rows do not fit them.
    pub(crate) fn from_parts(year: Year, revision: HsRevision, parts: Vec<Part>) -> Result<Self, DataError> {
        let mut table =
            Self { year, revision, products: Vec::new(), places: Vec::new(), parts: Vec::with_capacity(parts.len()), n_rows: 0 };
        for part in parts {
            let mut start = 0;
            for (product, rows) in part.products.iter().copied().filter(|(_, rows)| *rows > 0) {
                if table.products.last().is_some_and(|last| *last >= product) {
                    return Err(DataError::Internal(format!("product {product} is out of order")));
                }
                table.products.push(product);
                table.places.push((table.parts.len(), start..start + rows));
                start += rows;
            }
            let weighed = part.quantities.is_empty() || part.quantities.len() == start;
            if [part.exporters.len(), part.importers.len(), part.values.len()] != [start; 3] || !weighed {
                return Err(DataError::Internal("columns of a part differ in length".to_owned()));
            }
            table.n_rows += start;
            table.parts.push(Arc::new(part));
        }
        Ok(table)
    }

    /// The tables of some products each as one; rows are not copied.
    ///
    /// # Errors
    /// [`DataError::Internal`] when products are out of order.
    pub fn joined(tables: Vec<Self>, year: Year, revision: HsRevision) -> Result<Self, DataError> {
        let mut joined = Self { year, revision, products: Vec::new(), places: Vec::new(), parts: Vec::new(), n_rows: 0 };
        for table in tables {
            if let (Some(last), Some(next)) = (joined.products.last(), table.products.first())
                && last >= next
            {
                return Err(DataError::Internal(format!("product {next} is out of order")));
            }
            let before = joined.parts.len();
            joined.products.extend(table.products);
            joined.places.extend(table.places.into_iter().map(|(part, range)| (before + part, range)));
            joined.parts.extend(table.parts);
            joined.n_rows += table.n_rows;
        }
        Ok(joined)
    }

    /// The one part that is shared with no other table.
    pub(crate) fn into_part(self) -> Option<Part> {
        let [part] = <[_; 1]>::try_from(self.parts).ok()?;
        Arc::try_unwrap(part).ok()
    }

    /// A table for each part with rows; rows are not copied.
    pub(crate) fn by_part(&self) -> Vec<Self> {
        let mut tables = Vec::with_capacity(self.parts.len());
        let mut at = 0;
        for same in self.places.chunk_by(|left, right| left.0 == right.0) {
            tables.push(Self {
                year: self.year,
                revision: self.revision,
                products: self.products[at..at + same.len()].to_vec(),
                places: same.iter().map(|(_, range)| (0, range.clone())).collect(),
                parts: vec![Arc::clone(&self.parts[same[0].0])],
                n_rows: same.iter().map(|(_, range)| range.len()).sum(),
            });
            at += same.len();
        }
        tables
    }

    /// The rows of some products, not copied.
    pub(crate) fn select(&self, products: &BTreeSet<ProductCode>) -> Self {
        let mut selected = Self {
            year: self.year,
            revision: self.revision,
            products: Vec::with_capacity(products.len()),
            places: Vec::with_capacity(products.len()),
            parts: self.parts.clone(),
            n_rows: 0,
        };
        for product in products {
            if let Ok(at) = self.products.binary_search(product) {
                let (part, range) = &self.places[at];
                selected.products.push(*product);
                selected.places.push((*part, range.clone()));
                selected.n_rows += range.len();
            }
        }
        selected
    }

    /// The flows with one country counted as another, both as exporter and as importer; flows that then share a key add up.
    ///
    /// # Errors
    /// [`DataError::Internal`] never, as rows are sorted here.
    pub fn count_as(&self, from: CountryIndex, to: CountryIndex) -> Result<Self, DataError> {
        let counted = |country: CountryIndex| if country == from { to } else { country };
        let mut part = Part::default();
        let mut values = Vec::new();
        for (product, rows) in self.iter() {
            let mut flows: BTreeMap<(CountryIndex, CountryIndex), (Usd, Option<i64>)> = BTreeMap::new();
            for (row, value) in rows.values.iter().enumerate() {
                let key = (counted(rows.exporters[row]), counted(rows.importers[row]));
                let sum = flows.entry(key).or_insert((Usd::ZERO, Some(0)));
                sum.0 += *value;
                // A sum with an unknown part is unknown.
                let quantity = rows.quantities.get(row).copied().flatten();
                sum.1 = sum.1.zip(quantity).and_then(|(sum, quantity)| sum.checked_add(quantity));
            }
            part.products.push((product, flows.len()));
            for ((exporter, importer), (value, quantity)) in flows {
                part.exporters.push(exporter);
                part.importers.push(importer);
                values.push(value);
                if !rows.quantities.is_empty() {
                    part.quantities.push(quantity);
                }
            }
        }
        part.values = values;
        Self::from_parts(self.year, self.revision, vec![part])
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
        self.n_rows
    }

    /// Number of flows of a country with itself, which no market counts.
    pub fn n_own(&self) -> usize {
        let own = |rows: ProductRows<'_>| {
            rows.exporters.iter().zip(rows.importers).filter(|(exporter, importer)| exporter == importer).count()
        };
        self.iter().map(|(_, rows)| own(rows)).sum()
    }

    /// Products with their flows, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (ProductCode, ProductRows<'_>)> {
        self.products.iter().zip(&self.places).map(|(product, place)| (*product, self.at(place)))
    }

    /// Products with at least one flow, ascending; the position is the [`ProductIndex`].
    pub fn products(&self) -> &[ProductCode] {
        &self.products
    }

    /// The flows of one product; the index must come from this table.
    pub fn rows(&self, product: ProductIndex) -> ProductRows<'_> {
        self.at(&self.places[product.at()])
    }

    fn at(&self, (part, range): &(usize, Range<usize>)) -> ProductRows<'_> {
        let part = &self.parts[*part];
        ProductRows {
            exporters: &part.exporters[range.clone()],
            importers: &part.importers[range.clone()],
            values: &part.values[range.clone()],
            quantities: part.quantities.get(range.clone()).unwrap_or_default(),
        }
    }

    /// Position of a product, if it has a flow.
    pub fn find(&self, product: ProductCode) -> Option<ProductIndex> {
        self.products.binary_search(&product).ok().and_then(|at| u32::try_from(at).ok()).map(ProductIndex)
    }
}

/// Equal when the rows are, however they are cut into parts.
impl PartialEq for TradeTable {
    fn eq(&self, other: &Self) -> bool {
        (self.year, self.revision, &self.products) == (other.year, other.revision, &other.products)
            && self.iter().zip(other.iter()).all(|(ours, theirs)| ours == theirs)
    }
}

impl Eq for TradeTable {}

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
