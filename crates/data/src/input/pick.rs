//! Which products' rows are kept while a file is read, and which products it holds.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use reorient_core::ProductCode;

use crate::row::Row;
use crate::sort::by_chapter;

/// One bit for each number up to 999999.
const WORDS: usize = 1_000_000 / 64;

/// Products to keep, and those met by any thread.
pub(crate) struct Pick {
    words: Vec<Word>,
    deals: bool,
}

/// Marks of 64 products, side by side because they are looked at together.
struct Word {
    wanted: u64,
    met: AtomicU64,
}

impl Pick {
    /// Keeps the rows of all products, in the order of the file.
    pub(crate) fn all() -> Self {
        Self { deals: false, ..Self::new(None) }
    }

    /// Keeps the rows of some products, or of all, for one who will sort them: batches may be dealt out by chapter.
    pub(crate) fn new(products: Option<&BTreeSet<ProductCode>>) -> Self {
        let all = if products.is_none() { u64::MAX } else { 0 };
        let mut words: Vec<Word> = (0..WORDS).map(|_| Word { wanted: all, met: AtomicU64::new(0) }).collect();
        for product in products.into_iter().flatten() {
            let (word, bit) = place(product.number());
            words[word].wanted |= bit;
        }
        Self { words, deals: true }
    }

    /// Notes that there is a row of a product; whether it is to be kept.
    #[inline]
    pub(super) fn takes(&self, product: u32) -> bool {
        let (word, bit) = place(product);
        let word = &self.words[word];
        // Writing is rare, so that threads do not take the line from each other.
        if word.met.load(Ordering::Relaxed) & bit == 0 {
            word.met.fetch_or(bit, Ordering::Relaxed);
        }
        word.wanted & bit != 0
    }

    /// Rows in the order in which they are handed over, in memory of their own.
    pub(super) fn hand_over(&self, rows: Vec<Row>) -> Vec<Row> {
        let mut rows = if self.deals { by_chapter(rows).0 } else { rows };
        rows.shrink_to_fit();
        rows
    }

    /// Every product met so far.
    pub(crate) fn products(&self) -> BTreeSet<ProductCode> {
        let numbers = (0_u32..).zip(&self.words).flat_map(|(word, marks)| {
            let bits = marks.met.load(Ordering::Relaxed);
            (0..64).filter(move |bit| bits >> bit & 1 == 1).map(move |bit| word * 64 + bit)
        });
        numbers.filter_map(|number| ProductCode::from_number(number).ok()).collect()
    }
}

/// Word and bit of a number.
const fn place(product: u32) -> (usize, u64) {
    ((product / 64) as usize, 1 << (product % 64))
}
