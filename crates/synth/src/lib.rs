//! A year of BACI that was never traded: made up from a seed, as large and as uneven as a real one.
//!
//! The rows stress what real data stress: thousands of products with few and with many exporters, values over nine orders of
//! magnitude, missing quantities. They say nothing about the world. The same request gives the same rows on every machine
//! and for every number of threads: each product draws from a stream of its own, and elementary functions are in software.
//!
//! A year is made in four steps: what each product shall look like (`profile`), who exports it and to how many (`plan`), how
//! many of those are in the EU (`quota`), and the rows themselves (`flows`). What came out is measured on the rows
//! ([`Outcome`]), not on the plan.

mod apportion;
mod codes;
mod flows;
mod outcome;
mod plan;
mod profile;
mod quota;
mod random;
mod world;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use reorient_core::{CountryTable, ProductCode};

pub use outcome::{Outcome, Target};
pub use write::{description, write_countries, write_products, write_readme, write_rows};

/// Rows with which a year has the whole world's total; a year of fewer has its part of it.
pub const ROWS_OF_A_FULL_YEAR: u64 = 11_000_000;
/// World exports of a full year in whole dollars, BACI HS22 2022 to 2024.
pub const DOLLARS_OF_A_FULL_YEAR: i64 = 22_960_000_000_000;
/// Products with trade in HS 2022.
pub(crate) const PRODUCTS_OF_A_FULL_YEAR: f64 = 5_606.0;
/// A year of fewer rows than this many per product has fewer products.
pub const ROWS_PER_PRODUCT: u64 = 100;

/// Why nothing was made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SynthError {
    /// More rows than there are pairs of countries, or fewer than there are products.
    #[error("{rows} rows do not fit into {products} products, which have room for {most}")]
    Rows {
        /// Asked for.
        rows: u64,
        /// Among which they are shared.
        products: usize,
        /// The most there can be.
        most: u64,
    },
    /// No product is left, or no row.
    #[error("there is nothing to make up: every product or every row is given already")]
    NothingToMake,
}

/// What is known of a product.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Marginal {
    /// World exports in whole dollars; positive.
    pub dollars: i64,
    /// Concentration of exporters, above 0 and at most 1.
    pub hhi: f64,
    /// Number of exporters; positive.
    pub exporters: u32,
}

/// What to make.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Number of rows.
    pub rows: u64,
    /// Another seed, another year.
    pub seed: u64,
    /// The countries; those dissolved by now take no part.
    pub countries: &'a CountryTable,
    /// Products that must be there when there are rows for all.
    pub wanted: &'a BTreeSet<ProductCode>,
    /// What the products shall be like; empty for codes and aims by rule.
    pub marginals: &'a BTreeMap<ProductCode, Marginal>,
    /// Products not to make, because real rows take their place.
    pub replaced: &'a BTreeSet<ProductCode>,
}

impl Request<'_> {
    /// Rows per product over those of a full year, at most 1.
    pub(crate) fn thickness(&self, products: usize) -> f64 {
        (self.rows as f64 / products.max(1) as f64 / (ROWS_OF_A_FULL_YEAR as f64 / PRODUCTS_OF_A_FULL_YEAR)).min(1.0)
    }

    /// World exports of the rows asked for, in whole dollars: those of a full year, in proportion to rows, and lower by a
    /// power of the rows per product. A hundred rows hold less of a long tail than two thousand; so the median stays.
    pub(crate) fn world_dollars(&self, products: usize) -> i64 {
        let full: i64 = match self.marginals.values().map(|known| known.dollars).fold(0, i64::saturating_add) {
            0 => DOLLARS_OF_A_FULL_YEAR,
            sum => sum,
        };
        let part = (self.rows as f64 / ROWS_OF_A_FULL_YEAR as f64).min(1.0);
        apportion::nearest(full as f64 * part * libm::pow(self.thickness(products), 0.54))
    }
}

/// One flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// BACI's number of who sells.
    pub exporter: u16,
    /// BACI's number of who buys; another one.
    pub importer: u16,
    /// What is traded.
    pub product: ProductCode,
    /// Whole dollars, at least one.
    pub dollars: i64,
    /// Quantity, where known.
    pub kilograms: Option<i64>,
}

/// Makes the rows, ascending by product, exporter and importer, each key once, and measures what came out.
///
/// # Errors
/// [`SynthError`] when the rows find no room.
pub fn generate(request: &Request<'_>) -> Result<(Vec<Row>, Outcome), SynthError> {
    let world = world::World::new(request.countries, request.seed);
    let profiles = profile::profiles(request, world.parties.len())?;
    let advantages = plan::advantages(&world, request.seed);
    let sellers = profiles
        .par_iter()
        .map(|profile| plan::sellers(profile, &world, &advantages, request))
        .collect::<Result<Vec<_>, SynthError>>()?;
    let quotas = quota::Quotas::new(&world, &sellers);
    let blank = |profile: &profile::Profile| {
        let row = Row { exporter: 0, importer: 0, product: profile.code, dollars: 0, kilograms: None };
        std::iter::repeat_n(row, usize::try_from(profile.rows).unwrap_or(0))
    };
    let mut rows: Vec<Row> = Vec::with_capacity(usize::try_from(request.rows).unwrap_or(0));
    rows.extend(profiles.iter().flat_map(blank));
    let products = rows.chunk_by_mut(|one, other| one.product == other.product).collect::<Vec<_>>();
    products.into_par_iter().zip(&profiles).zip(&sellers).for_each(|((rows, profile), sellers)| {
        flows::fill(rows, profile, sellers, &world, &quotas, request.seed);
    });
    let outcome = Outcome::of(&rows, &world, &profiles, request);
    Ok((rows, outcome))
}

/// Puts rows into the order of CEPII's files: exporter, importer, product.
pub fn sort_as_cepii(rows: &mut [Row]) {
    rows.par_sort_unstable();
}
