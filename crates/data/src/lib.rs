//! BACI rows, code tables, goods lists and HS correlations, read into checked tables.
//!
//! Everything that enters here is verified once: amounts are exact, codes are known, keys are unique. A value that
//! breaks a rule is an error that names the file, the place and the value; nothing is dropped in silence.

mod claims;
mod codes;
mod error;
mod gather;
mod hs_codes;
mod ingest;
mod ingested;
mod input;
mod integrity;
mod issue;
pub mod list;
mod nomenclature;
mod ours;
mod provenance;
mod row;
mod sealed;
mod settle;
mod sort;
mod source;
pub mod store;
mod table;

pub use claims::{Claims, UnknownCode, UnknownCodes, ValueUnit};
pub use codes::{embedded_countries, hash_file};
pub use error::{DataError, DataErrorKind};
pub use hs_codes::is_code_of;
pub use ingest::{IngestOptions, IngestProgress, ingest};
pub use ingested::{FileHash, IngestChecks, IngestManifest, YearSummary, verify_ingested};
pub use input::check_archive;
pub use integrity::Integrity;
pub use issue::{LedgerRow, OnDuplicate, Reason, RowPolicy};
pub use list::{
    MapRule, MappedList, PartialCode, ReadList, embedded_goods_list, embedded_list_hash, map_list, read_goods_list,
    shipped_goods_list,
};
pub use nomenclature::{is_good_of, typed_code};
pub use provenance::{Fingerprint, InputFile, InputRole, Passed, RowLedger, Trade, rows_add_up};
pub use row::Row;
pub use sealed::TableSeal;
pub use source::{AboutTable, OpenOptions, TradeSource};
pub use table::{ProductRows, TradeRow, TradeTable};
