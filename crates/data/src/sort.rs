//! The rows of one year in order of product, exporter and importer, whatever order they come in.
//!
//! CEPII's files are in order of exporter, importer, product. So rows are dealt out by chapter, then by product, without
//! changing their order, and then each product is in order already; one that is not is sorted. Batches may come dealt out by
//! chapter already, from threads that had them in their cache.

use rayon::prelude::*;

use crate::row::{Row, RowKey};

/// The first two digits of a product.
const CHAPTERS: usize = 100;
/// Products of a chapter, as numbers of four digits.
const OF_CHAPTER: usize = 10_000;

/// Rows in order, in parts of whole products.
#[derive(Debug, Default)]
pub(crate) struct Sorted {
    pub(crate) parts: Vec<SortedPart>,
}

/// Rows of one chapter in order.
#[derive(Debug, Default)]
pub(crate) struct SortedPart {
    rows: Vec<Row>,
    /// Where each product ends.
    ends: Vec<usize>,
    /// Keys that stand more than once, ascending.
    pub(crate) twice: Vec<RowKey>,
}

impl Sorted {
    /// Sorts rows of one year; the batches are in the order of the file.
    pub(crate) fn of(batches: Vec<Vec<Row>>) -> Self {
        Self { parts: Self::each_of(batches, |part| part) }
    }

    /// What `each` makes of the rows of each chapter, ascending, on the thread that sorted them.
    pub(crate) fn each_of<T: Send>(batches: Vec<Vec<Row>>, each: impl Fn(SortedPart) -> T + Sync) -> Vec<T> {
        let dealt: Vec<Dealt> = batches.into_par_iter().map(Dealt::of).collect();
        let part = |chapter| SortedPart::of(&dealt.iter().map(|dealt| dealt.of_chapter(chapter)).collect::<Vec<_>>());
        let parts = (0..CHAPTERS).into_par_iter().map(part).filter(|part| !part.rows.is_empty());
        parts.map(&each).collect()
    }

    /// The rows of each product, ascending.
    pub(crate) fn products(&self) -> Vec<&[Row]> {
        self.parts.iter().flat_map(SortedPart::products).collect()
    }
}

impl SortedPart {
    fn of(pieces: &[&[Row]]) -> Self {
        if pieces.iter().all(|rows| rows.is_empty()) {
            return Self::default();
        }
        let mut ends = vec![0; OF_CHAPTER];
        for row in pieces.iter().copied().flatten() {
            ends[within_chapter(row)] += 1;
        }
        let mut sum = 0;
        let mut next = Vec::with_capacity(OF_CHAPTER);
        for end in &mut ends {
            next.push(sum);
            sum += *end;
            *end = sum;
        }
        let mut rows = vec![Row::NONE; sum];
        for row in pieces.iter().copied().flatten() {
            let place = &mut next[within_chapter(row)];
            rows[*place] = *row;
            *place += 1;
        }
        ends.dedup();
        ends.retain(|end| *end > 0);
        let mut part = Self { rows, ends, twice: Vec::new() };
        part.order();
        part
    }

    /// Sorts products that are not in order and finds keys that stand twice.
    fn order(&mut self) {
        let mut start = 0;
        for end in &self.ends {
            let rows = &mut self.rows[start..*end];
            if !rows.is_sorted() {
                rows.sort_unstable();
            }
            let same = rows.chunk_by(|left, right| left.key() == right.key());
            self.twice.extend(same.filter(|same| same.len() > 1).map(|same| same[0].key()));
            start = *end;
        }
    }

    /// The rows of each product, ascending.
    pub(crate) fn products(&self) -> impl Iterator<Item = &[Row]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.rows[start..*end])
    }

    /// Adds rows of one key up and gives those that went into another one; the key of a sum that is too large is the error.
    pub(crate) fn merge(&mut self) -> Result<Vec<Row>, RowKey> {
        let mut rows: Vec<Row> = Vec::with_capacity(self.rows.len());
        let mut gone = Vec::new();
        for row in &self.rows {
            match rows.last_mut().filter(|last| last.key() == row.key()) {
                Some(last) => {
                    *last = last.merged(*row).ok_or(row.key())?;
                    gone.push(*row);
                }
                None => rows.push(*row),
            }
        }
        let products = rows.chunk_by(|left, right| left.product_number() == right.product_number());
        self.ends = products
            .scan(0, |end, product| {
                *end += product.len();
                Some(*end)
            })
            .collect();
        self.rows = rows;
        self.twice.clear();
        Ok(gone)
    }
}

fn within_chapter(row: &Row) -> usize {
    row.product_number() as usize % OF_CHAPTER
}

/// Rows of a batch by chapter, within a chapter in the order in which they came.
struct Dealt {
    rows: Vec<Row>,
    /// Where each chapter starts, and the end of the last.
    starts: [usize; CHAPTERS + 1],
}

impl Dealt {
    fn of(batch: Vec<Row>) -> Self {
        let (rows, starts) = by_chapter(batch);
        Self { rows, starts }
    }

    fn of_chapter(&self, chapter: usize) -> &[Row] {
        &self.rows[self.starts[chapter]..self.starts[chapter + 1]]
    }
}

/// Deals rows out by chapter without changing their order within one; also where each chapter starts, and the end of the last.
/// Rows that are in that order already are not copied.
pub(crate) fn by_chapter(batch: Vec<Row>) -> (Vec<Row>, [usize; CHAPTERS + 1]) {
    let chapter = |row: &Row| row.product_number() as usize / OF_CHAPTER;
    let mut starts = [0; CHAPTERS + 1];
    let (mut last, mut ascends) = (0, true);
    for row in &batch {
        let chapter = chapter(row);
        starts[chapter + 1] += 1;
        ascends &= last <= chapter;
        last = chapter;
    }
    for at in 1..starts.len() {
        starts[at] += starts[at - 1];
    }
    if ascends {
        return (batch, starts);
    }
    let mut next = starts;
    let mut rows = vec![Row::NONE; batch.len()];
    for row in batch {
        let place = &mut next[chapter(&row)];
        rows[*place] = row;
        *place += 1;
    }
    (rows, starts)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use reorient_core::{CountryCode, Usd, Year};

    #[test]
    fn any_order_gives_one_order() {
        let year = Year::new(2023).unwrap();
        let products = ["010121", "010129", "270900", "999999", "847130"];
        let mut rows = Vec::new();
        for (at, product) in products.iter().enumerate() {
            for exporter in 1..40_u16 {
                let countries = (CountryCode::new(exporter * 7 % 41 + 1).unwrap(), CountryCode::new(exporter).unwrap());
                rows.push(Row::new(year, product.parse().unwrap(), countries, Usd::new(1 + at as i64), None));
            }
        }
        let mut expected = rows.clone();
        expected.sort_unstable();
        // 195 rows, with which none of the steps has a factor in common.
        for step in [1, 17, 64] {
            let mixed: Vec<Row> = (0..rows.len()).map(|at| rows[at * step % rows.len()]).collect();
            let sorted = Sorted::of(mixed.chunks(step + 5).map(<[Row]>::to_vec).collect());
            assert_eq!(sorted.products().concat(), expected);
            assert_eq!(sorted.products().len(), products.len());
            assert!(sorted.parts.iter().all(|part| part.twice.is_empty()));
        }
        let twice = Sorted::of(vec![rows.clone(), rows[5..6].to_vec()]);
        assert_eq!(twice.parts.iter().flat_map(|part| part.twice.clone()).collect::<Vec<_>>(), [rows[5].key()]);
    }
}
