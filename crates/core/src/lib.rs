//! The vocabulary of trade: codes, dense indices, money and fractions as checked types.
//!
//! This crate does no IO and starts no threads. A value of one of these types has been checked once, where it
//! entered the program; nobody checks it again.

mod code;
mod country;
mod fraction;
mod goods;
mod index;
mod money;
mod random;
mod revision;
mod text;

pub use code::{CodeError, CountryCode, ProductCode, Year, years_in_words};
pub use country::{Country, CountryTable, CountryTableError};
pub use fraction::{Fraction, FractionError};
pub use goods::{GoodsList, GoodsListError, ListSource, Membership, Sector, Stage};
pub use index::{CountryIndex, ProductIndex};
pub use money::{Usd, UsdError};
pub use random::{Draws, exponential, normal_quantile};
pub use revision::{HsRevision, RevisionError};
pub use text::{Shown, Text, TextError, cell, check_letters, file_name, is_letter, json, lines, shown, shown_up_to};
