//! Step M8 of docs/method.md on all cores.

use rayon::prelude::*;
use reorient_metrics::{Classification, Collection, Collector, ProductRow};
use reorient_model::CountrySet;

/// Products that a thread adds up in one go.
const PRODUCTS_AT_ONCE: usize = 128;

/// Adds all products up, with at most `top` gaining countries. Whole sums are made on all cores, mean indices in the order of the
/// products.
pub(crate) fn collect(
    products: Vec<ProductRow>,
    classes: &Classification,
    bloc: &CountrySet,
    risk: &CountrySet,
    top: usize,
) -> Collection {
    let add_up = |(chunk, rows): (usize, &[ProductRow])| {
        let mut sums = Collector::new(classes, bloc, risk);
        (chunk * PRODUCTS_AT_ONCE..).zip(rows).for_each(|(position, row)| sums.add_sums(position, row));
        sums
    };
    let chunks: Vec<Collector<'_>> = products.par_chunks(PRODUCTS_AT_ONCE).enumerate().map(add_up).collect();
    let mut all = Collector::new(classes, bloc, risk);
    chunks.iter().for_each(|sums| all.join_sums(sums));
    products.iter().enumerate().for_each(|(position, row)| all.add_indices(position, row));
    Collection { products, ..all.finish(top) }
}
