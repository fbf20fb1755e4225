//! What certified allocations mean: concentration, shares before and after, Table A.1. No IO, no threads.
//!
//! Steps M7 (measure one product) and M8 (collect all) of docs/method.md. Every amount is an exact integer; sums do not
//! depend on order.

mod collect;
mod hhi;
mod measure;
mod rows;

pub use collect::{Collection, collect};
pub use hhi::{
    Amount, Backend, GroupError, effective_suppliers, herfindahl_hirschman, herfindahl_hirschman_usd, hhi_of_groups, hhi_of_rows,
};
pub use measure::{Product, measure};
pub use rows::{CountryRow, FlowRow, Headline, Level, Origin, ProductRow, ShareRow};
