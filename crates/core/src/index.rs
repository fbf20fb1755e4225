//! Dense indices: what the code tables number, the computation uses.

/// Position of a country in its [`CountryTable`](crate::CountryTable).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CountryIndex(pub u16);

impl CountryIndex {
    /// As an array position.
    #[inline]
    pub const fn at(self) -> usize {
        self.0 as usize
    }
}

/// Position of a product among the products of one trade table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProductIndex(pub u32);

impl ProductIndex {
    /// As an array position.
    #[inline]
    pub const fn at(self) -> usize {
        self.0 as usize
    }
}
