//! The Herfindahl-Hirschman index of many groups of amounts, with the same bits on every machine.
//!
//! The index of a group is the sum of its squared shares, `sum(x^2) / sum(x)^2`: one pass that gathers two sums. What makes
//! it fast is adding many values at once; what makes two machines disagree is that they add different numbers of values at
//! once, for addition of floating-point numbers is not associative. So the order of the additions is part of the definition
//! here, and no machine may choose its own:
//!
//! - **Fixed lanes.** Values are taken eight at a time, whatever the width of the registers: an instruction set with 512 bits
//!   does eight additions in one instruction, one with 256 bits in two, one with 128 bits in four, and plain code one by one.
//!   Value number `k` of a group is added to lane `k mod 8`; only the last `r < 8` values, when the group does not fill its
//!   vectors, are the last `r` lanes of one more vector with zeros before them. A sum of non-negative numbers does not
//!   change when zero is added, so empty lanes leave no trace.
//! - **A fixed tree.** At the end the halves of the eight lanes are added, then the halves of the four, then the last two.
//! - **Multiply, then add.** A fused multiply-add rounds once instead of twice and is missing from some machines, so squares
//!   are rounded before they are added. Rust never fuses on its own accord, in no profile.
//!
//! IEEE 754 fixes every rounding from there (only 32-bit x86 without SSE2 does not keep to it). Which lanes are computed
//! together changes nothing, so the result depends on the values of the group and their order alone: not on instruction set,
//! alignment, profile, number of threads or on how the groups were split into batches. The instruction set is chosen at run
//! time, once per batch ([`Backend`]).
//!
//! # Contract
//! Amounts are non-negative: of negative ones some number comes out or none, though on every machine the same.
//!
//! - `None` when a group is empty, sums to zero, or holds a value that is NaN or infinite. Never NaN.
//! - Relative error at most `(3 n / 8 + 20) 2^-53` for `n` values: 1.2e-14 for 230.
//! - At most 1; at least `1 / n` within that error.
//! - Squares neither overflow nor vanish: a group whose sum is below 2^-200 or above 2^500 is computed again, multiplied by
//!   2^600 or 2^-700. So all amounts times one power of two give the same bits, as long as this makes none of them
//!   subnormal and none is below 2^-300 of the sum.
//! - Dollars ([`Usd`]) give the bits of the same amounts as `f64`, to which they are converted lane by lane: exactly below
//!   2^53 (9e15 dollars; the trade of the world is 2.3e13 a year), to the nearest above.

mod backend;
mod kernel;
#[cfg(test)]
mod tests;

use reorient_core::Usd;

pub use backend::Backend;
pub use kernel::Amount;

/// Groups that do not fit their values or their results.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GroupError {
    /// Offsets are the starts of all groups and the end of the last.
    #[error("no offsets: even no groups at all have an end")]
    NoOffsets,
    /// An offset is below the one before it.
    #[error("group {group} ends at {end}, before its start at {start}")]
    Descending {
        /// Position of the group.
        group: usize,
        /// Its offset.
        start: usize,
        /// The next offset.
        end: usize,
    },
    /// The last offset is beyond the values.
    #[error("the last group ends at {end}, but there are {n_values} values")]
    Beyond {
        /// The last offset.
        end: usize,
        /// Number of values.
        n_values: usize,
    },
    /// The values do not fill whole rows, or fill another number of rows than there are results.
    #[error("{n_values} values are not {n_rows} rows of {n_columns}")]
    Shape {
        /// Number of values.
        n_values: usize,
        /// Number of results.
        n_rows: usize,
        /// Values in a row.
        n_columns: usize,
    },
    /// Another number of results than of groups.
    #[error("{n_groups} groups, but room for {n_results} results")]
    Results {
        /// Number of groups.
        n_groups: usize,
        /// Number of results.
        n_results: usize,
    },
}

/// Sum of squared shares of non-negative amounts, from `1 / n` to 1; none when they are empty or sum to zero.
///
/// For many groups [`hhi_of_groups`] and [`hhi_of_rows`] give the same bits and choose the instruction set only once.
pub fn herfindahl_hirschman(amounts: &[f64]) -> Option<f64> {
    Backend::best().hhi(amounts)
}

/// The same for whole dollars: the bits of [`herfindahl_hirschman`] of the amounts as `f64`.
pub fn herfindahl_hirschman_usd(amounts: &[Usd]) -> Option<f64> {
    Backend::best().hhi(amounts)
}

/// The index of each group of `values`: group `g` is `values[offsets[g]..offsets[g + 1]]`, its index goes to `results[g]`.
///
/// Values before the first offset and after the last belong to no group.
///
/// # Errors
/// [`GroupError`] when offsets are missing, descend or go beyond the values, or when `results` is not one shorter than
/// `offsets`; `results` is then left as it was.
pub fn hhi_of_groups<A: Amount>(values: &[A], offsets: &[usize], results: &mut [Option<f64>]) -> Result<(), GroupError> {
    Backend::best().hhi_of_groups(values, offsets, results)
}

/// The index of each row of a dense table of `n_columns` columns, stored row after row.
///
/// # Errors
/// [`GroupError::Shape`] when `values` is not as many rows as there are `results`.
pub fn hhi_of_rows<A: Amount>(values: &[A], n_columns: usize, results: &mut [Option<f64>]) -> Result<(), GroupError> {
    Backend::best().hhi_of_rows(values, n_columns, results)
}

/// How many suppliers of equal size have the index `hhi`: its reciprocal, from 1 (a monopoly) to the number of suppliers.
pub fn effective_suppliers(hhi: f64) -> f64 {
    1.0 / hhi
}
