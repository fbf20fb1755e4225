//! Which products' rows are kept while a file is read, and which products it holds.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use reorient_core::ProductCode;

use crate::row::Row;
use crate::sort::by_chapter;

/// One bit for each number up to 999999.
const WORDS: usize = 1_000_000 / 64;
/// A line has some forty bytes.
const BYTES_PER_ROW: usize = 38;

/// Products to keep, and those met by any thread.
pub(crate) struct Pick {
    /// None for all.
    wanted: Option<Vec<u64>>,
    deals: bool,
    met: Vec<AtomicU64>,
}

impl Pick {
    /// Keeps the rows of all products, in the order of the file.
    pub(crate) fn all() -> Self {
        Self { deals: false, ..Self::new(None) }
    }

    /// Keeps the rows of some products, or of all, for one who will sort them: batches may be dealt out by chapter.
    pub(crate) fn new(products: Option<&BTreeSet<ProductCode>>) -> Self {
        let wanted = products.map(|products| {
            let mut bits = vec![0; WORDS];
            for product in products {
                let (word, bit) = place(product.number());
                bits[word] |= bit;
            }
            bits
        });
        Self { wanted, deals: true, met: (0..WORDS).map(|_| AtomicU64::new(0)).collect() }
    }

    /// Notes that there is a row of a product; whether it is to be kept.
    pub(super) fn takes(&self, product: u32) -> bool {
        let (word, bit) = place(product);
        // Writing is rare, so that threads do not take the line from each other.
        if self.met[word].load(Ordering::Relaxed) & bit == 0 {
            self.met[word].fetch_or(bit, Ordering::Relaxed);
        }
        self.wanted.as_ref().is_none_or(|wanted| wanted[word] & bit != 0)
    }

    /// Rows in the order in which they are handed over, in memory of their own.
    pub(super) fn hand_over(&self, rows: Vec<Row>) -> Vec<Row> {
        let mut rows = if self.deals { by_chapter(rows).0 } else { rows };
        rows.shrink_to_fit();
        rows
    }

    /// Room for the rows of a text of so many bytes; little where only some are kept.
    pub(super) fn room(&self, bytes: usize) -> Vec<Row> {
        if self.wanted.is_none() { Vec::with_capacity(bytes / BYTES_PER_ROW + 1) } else { Vec::new() }
    }

    /// Every product met so far.
    pub(crate) fn products(&self) -> BTreeSet<ProductCode> {
        let numbers = (0_u32..).zip(&self.met).flat_map(|(word, bits)| {
            let bits = bits.load(Ordering::Relaxed);
            (0..64).filter(move |bit| bits >> bit & 1 == 1).map(move |bit| word * 64 + bit)
        });
        numbers.filter_map(|number| ProductCode::from_number(number).ok()).collect()
    }
}

/// Word and bit of a number.
const fn place(product: u32) -> (usize, u64) {
    ((product / 64) as usize, 1 << (product % 64))
}
