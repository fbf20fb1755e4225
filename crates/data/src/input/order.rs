//! Whether rows come in an order that leaves no room for a key that stands twice.

use crate::row::{Row, RowKey};

/// Of a stretch of rows: whether they ascend strictly in CEPII's order (exporter, importer, product) or in ours (product,
/// exporter, importer).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Order {
    /// By CEPII's order, and by ours.
    ascends: [bool; 2],
    /// Keys of the first and of the last row.
    ends: Option<(RowKey, RowKey)>,
}

impl Default for Order {
    fn default() -> Self {
        Self::new()
    }
}

impl Order {
    /// Whether no key can stand twice among the rows of several files, whatever the order of the files.
    pub(crate) fn are_strict(files: &[Self]) -> bool {
        let ascends = |order: usize| {
            let mut ends: Vec<_> = files.iter().filter_map(|file| file.ends).collect();
            ends.sort_by_key(|(first, _)| first.in_both_orders()[order]);
            let apart = |pair: &[(RowKey, RowKey)]| pair[0].1.in_both_orders()[order] < pair[1].0.in_both_orders()[order];
            files.iter().all(|file| file.ascends[order]) && ends.windows(2).all(apart)
        };
        ascends(0) || ascends(1)
    }

    /// Of no rows.
    pub(super) const fn new() -> Self {
        Self { ascends: [true; 2], ends: None }
    }

    /// Takes the next row.
    #[inline]
    pub(super) fn meet(&mut self, row: &Row) {
        let key = row.key();
        match &mut self.ends {
            Some((_, last)) => {
                let ascends = if last.has_countries_of(key) { [*last < key; 2] } else { ascends(*last, key) };
                *last = key;
                self.ascends = [self.ascends[0] & ascends[0], self.ascends[1] & ascends[1]];
            }
            None => self.ends = Some((key, key)),
        }
    }

    /// Takes the keys of the next rows.
    pub(super) fn meet_all(&mut self, keys: &[RowKey]) {
        let [Some(first), Some(last)] = [keys.first(), keys.last()] else { return };
        // An order that is lost already need not be looked at, and the other one is lost at once.
        let ascends = |order: usize| {
            self.ascends[order] && keys.is_sorted_by(|one, two| one.in_both_orders()[order] < two.in_both_orders()[order])
        };
        self.follow(&Self { ascends: [ascends(0), ascends(1)], ends: Some((*first, *last)) });
    }

    /// Takes the rows of the next stretch.
    pub(super) fn follow(&mut self, next: &Self) {
        let Some((next_first, next_last)) = next.ends else { return };
        let between = self.ends.map_or([true; 2], |(_, last)| ascends(last, next_first));
        for (order, between) in between.into_iter().enumerate() {
            self.ascends[order] &= next.ascends[order] & between;
        }
        self.ends = Some((self.ends.map_or(next_first, |(first, _)| first), next_last));
    }

    /// Whether no key can stand twice.
    #[cfg(test)]
    pub(crate) fn is_strict(&self) -> bool {
        self.ascends.contains(&true)
    }
}

/// Whether the second key is above the first by CEPII's order, and by ours.
fn ascends(one: RowKey, two: RowKey) -> [bool; 2] {
    let (one, two) = (one.in_both_orders(), two.in_both_orders());
    [one[0] < two[0], one[1] < two[1]]
}
