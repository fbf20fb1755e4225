//! Whether rows come in an order that leaves no room for a key that stands twice.

use crate::row::{Row, RowKey};

/// Of a stretch of rows: whether they ascend strictly in CEPII's order (exporter, importer, product) or in ours (product,
/// exporter, importer).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Order {
    /// By CEPII's order, and by ours.
    ascends: [bool; 2],
    /// Of the first and of the last row in both orders; zero before any.
    first: [u64; 2],
    last: [u64; 2],
}

impl Order {
    /// Of no rows.
    pub(super) const fn new() -> Self {
        Self { ascends: [true; 2], first: [0; 2], last: [0; 2] }
    }

    /// Takes the next row.
    pub(super) fn meet(&mut self, row: &Row) {
        let keys = row.key().in_both_orders();
        if self.first[0] == 0 {
            self.first = keys;
        }
        for (order, key) in keys.into_iter().enumerate() {
            self.ascends[order] &= self.last[order] < key;
        }
        self.last = keys;
    }

    /// Takes the keys of the next rows.
    pub(super) fn meet_all(&mut self, keys: &[RowKey]) {
        let [Some(first), Some(last)] = [keys.first(), keys.last()] else { return };
        // An order that is lost already need not be looked at, and the other one is lost at once.
        let ascends = |order: usize| {
            self.ascends[order] && keys.is_sorted_by(|one, two| one.in_both_orders()[order] < two.in_both_orders()[order])
        };
        self.follow(&Self { ascends: [ascends(0), ascends(1)], first: first.in_both_orders(), last: last.in_both_orders() });
    }

    /// Takes the rows of the next stretch.
    pub(super) fn follow(&mut self, next: &Self) {
        if next.first[0] == 0 {
            return;
        }
        if self.first[0] == 0 {
            *self = *next;
            return;
        }
        for order in 0..2 {
            self.ascends[order] &= next.ascends[order] && self.last[order] < next.first[order];
        }
        self.last = next.last;
    }

    /// Whether no key can stand twice.
    pub(crate) fn is_strict(&self) -> bool {
        self.ascends.contains(&true)
    }
}
