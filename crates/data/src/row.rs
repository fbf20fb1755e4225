//! A row as it is read and stored: 24 bytes, ordered by year, product, exporter, importer.

use reorient_core::{CountryCode, ProductCode, Usd, Year};

use crate::DataError;
use crate::claims::ValueUnit;
use crate::store::FLOW_LIMIT;

const COUNTRY_BITS: u32 = 10;
const PRODUCT_BITS: u32 = 20;
/// The bits of a key that hold the product.
const OF_PRODUCT: u64 = ((1 << PRODUCT_BITS) - 1) << (2 * COUNTRY_BITS);
/// Stands for a quantity that is not known.
const UNKNOWN: i64 = -1;

/// One flow with its whole key. Rows order by year, product, exporter, importer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    key: u64,
    value: i64,
    quantity: i64,
}

/// What must stand once: year, product, exporter and importer in one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct RowKey(u64);

impl Row {
    /// As spilled to disk or hashed.
    pub(crate) const BYTES: usize = 24;
    /// Holds the place of a row.
    pub(crate) const NONE: Self = Self { key: 0, value: 0, quantity: UNKNOWN };

    /// Of numbers that were checked.
    pub(crate) fn of_numbers(year: u16, product: u32, countries: (u16, u16), value: i64, quantity: Option<i64>) -> Self {
        Self::of_key(RowKey::of_numbers(year, product, countries), value, quantity)
    }

    /// Of a key and amounts that were checked.
    pub(crate) fn of_key(key: RowKey, value: i64, quantity: Option<i64>) -> Self {
        Self { key: key.0, value, quantity: quantity.unwrap_or(UNKNOWN) }
    }

    /// `value` in whole current US dollars; `quantity` in kilograms (CEPII prints tons with three decimals), where known,
    /// not negative.
    pub fn new(
        year: Year,
        product: ProductCode,
        (exporter, importer): (CountryCode, CountryCode),
        value: Usd,
        quantity: Option<i64>,
    ) -> Self {
        Self::of_numbers(year.get(), product.number(), (exporter.get(), importer.get()), value.get(), quantity)
    }

    /// Year, product, exporter and importer.
    pub(crate) const fn key(&self) -> RowKey {
        RowKey(self.key)
    }

    /// Year of the flow.
    ///
    /// # Errors
    /// [`DataError::Internal`] never, as rows are made of checked parts; the same holds for the other parts.
    pub fn year(&self) -> Result<Year, DataError> {
        self.key().year()
    }

    /// The year as a number.
    pub(crate) const fn year_number(&self) -> u16 {
        // A key has no bit above those of the year.
        (self.key >> (2 * COUNTRY_BITS + PRODUCT_BITS) & 0xffff) as u16
    }

    /// Whether another row is of the same year.
    pub(crate) const fn same_year(&self, other: &Self) -> bool {
        (self.key ^ other.key) >> (2 * COUNTRY_BITS + PRODUCT_BITS) == 0
    }

    /// Whether the row is of a year.
    pub(crate) const fn is_of(&self, year: Year) -> bool {
        self.key >> (2 * COUNTRY_BITS + PRODUCT_BITS) == year.get() as u64
    }

    /// What is traded, as a number without leading zeros.
    pub(crate) const fn product_number(&self) -> u32 {
        self.key().product_number()
    }

    /// What is traded.
    ///
    /// # Errors
    /// As [`Self::year`].
    pub fn product(&self) -> Result<ProductCode, DataError> {
        ProductCode::from_number(self.product_number()).map_err(|error| DataError::Internal(error.to_string()))
    }

    /// Who sells, as BACI's number.
    pub const fn exporter(&self) -> u16 {
        (self.key >> COUNTRY_BITS & ((1 << COUNTRY_BITS) - 1)) as u16
    }

    /// Who buys, as BACI's number.
    pub const fn importer(&self) -> u16 {
        (self.key & ((1 << COUNTRY_BITS) - 1)) as u16
    }

    /// Whole current US dollars.
    pub const fn value(&self) -> Usd {
        Usd::new(self.value)
    }

    /// Kilograms, where known.
    pub const fn quantity(&self) -> Option<i64> {
        if self.quantity < 0 { None } else { Some(self.quantity) }
    }

    /// The same row where its value, taken as thousand dollars, is in another unit; none where it then is no whole amount.
    pub(crate) fn in_unit(self, unit: ValueUnit) -> Option<Self> {
        let value = unit.dollars(self.value).ok()?;
        (value > 0).then_some(Self { value, ..self })
    }

    /// Adds a row of the same key; an unknown quantity makes the sum unknown. `None` beyond what results and the store hold.
    pub(crate) fn merged(self, other: Self) -> Option<Self> {
        let quantity = match (self.quantity(), other.quantity()) {
            (Some(one), Some(two)) => one.checked_add(two)?,
            _ => UNKNOWN,
        };
        let value = self.value.checked_add(other.value).filter(|value| *value < FLOW_LIMIT)?;
        Some(Self { key: self.key, value, quantity })
    }

    /// As it is spilled to disk.
    pub(crate) fn to_bytes(self) -> [u8; 24] {
        let mut bytes = [0; 24];
        bytes[..8].copy_from_slice(&self.key.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.value.to_le_bytes());
        bytes[16..].copy_from_slice(&self.quantity.to_le_bytes());
        bytes
    }

    /// The inverse of [`Self::to_bytes`].
    pub(crate) fn from_bytes(bytes: &[u8; 24]) -> Self {
        let eight = |at: usize| {
            let mut part = [0; 8];
            part.copy_from_slice(&bytes[at..at + 8]);
            part
        };
        Self { key: u64::from_le_bytes(eight(0)), value: i64::from_le_bytes(eight(8)), quantity: i64::from_le_bytes(eight(16)) }
    }
}

impl RowKey {
    /// Of numbers that were checked.
    pub(crate) fn of_numbers(year: u16, product: u32, (exporter, importer): (u16, u16)) -> Self {
        let time_and_product = u64::from(year) << PRODUCT_BITS | u64::from(product);
        let countries = u64::from(exporter) << COUNTRY_BITS | u64::from(importer);
        Self(time_and_product << (2 * COUNTRY_BITS) | countries)
    }

    /// Whether another key differs in the product at most; then all orders are that of the products.
    pub(crate) const fn has_countries_of(self, other: Self) -> bool {
        (self.0 ^ other.0) & !OF_PRODUCT == 0
    }

    /// The same key of another product.
    pub(crate) const fn of_product(self, product: u32) -> Self {
        Self(self.0 & !OF_PRODUCT | (product as u64) << (2 * COUNTRY_BITS))
    }

    /// A number that orders as CEPII's files do, and one that orders as keys do.
    pub(crate) const fn in_both_orders(self) -> [u64; 2] {
        let countries = self.0 & ((1 << (2 * COUNTRY_BITS)) - 1);
        let product = self.0 >> (2 * COUNTRY_BITS) & ((1 << PRODUCT_BITS) - 1);
        let year = self.0 >> (2 * COUNTRY_BITS + PRODUCT_BITS) << (2 * COUNTRY_BITS + PRODUCT_BITS);
        [year | countries << PRODUCT_BITS | product, self.0]
    }

    const fn product_number(self) -> u32 {
        (self.0 >> (2 * COUNTRY_BITS) & ((1 << PRODUCT_BITS) - 1)) as u32
    }

    fn year(self) -> Result<Year, DataError> {
        let number = u16::try_from(self.0 >> (2 * COUNTRY_BITS + PRODUCT_BITS)).ok();
        number.and_then(|number| Year::new(number).ok()).ok_or_else(|| DataError::Internal("a row lost its year".to_owned()))
    }
}

impl std::fmt::Display for RowKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let row = Row { key: self.0, value: 0, quantity: UNKNOWN };
        write!(formatter, "product {:06}, exporter {}, importer {}", row.product_number(), row.exporter(), row.importer())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_back_and_rows_order_by_key() {
        let row = |product: &str, exporter, importer, quantity| {
            let countries = (CountryCode::literal(exporter), CountryCode::literal(importer));
            Row::new(Year::new(2023).unwrap(), product.parse().unwrap(), countries, Usd::new(7), quantity)
        };
        let one = row("999999", 999, 1, None);
        assert_eq!((one.product_number(), one.exporter(), one.importer()), (999_999, 999, 1));
        assert_eq!((one.year().unwrap().get(), one.value(), one.quantity()), (2023, Usd::new(7), None));
        assert_eq!(Row::from_bytes(&one.to_bytes()), one);
        assert_eq!(one.key().to_string(), "product 999999, exporter 999, importer 1");
        assert!(row("010121", 999, 999, None) < row("010122", 1, 1, None));
        assert!(row("010121", 1, 999, None) < row("010121", 2, 1, None));
        let sum = row("010121", 1, 2, Some(3)).merged(row("010121", 1, 2, Some(4))).unwrap();
        assert_eq!((sum.value(), sum.quantity()), (Usd::new(14), Some(7)));
        assert_eq!(row("010121", 1, 2, Some(3)).merged(row("010121", 1, 2, None)).unwrap().quantity(), None);
    }
}
