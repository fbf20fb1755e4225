//! Our Parquet layout: one year per file, every byte covered by BLAKE3.
//!
//! The columns are `product` (six characters), `exporter` and `importer` (BACI numbers), `value_kusd` and
//! `quantity_tons` (three exact decimals), sorted by product, exporter, importer. Pages and row groups end where a product
//! ends. Between the row groups and the page index of Parquet stands an index of ours (`index.rs`) with the products, their
//! numbers of rows, and the length and hash of every page, so that a reader reads, checks and decodes only what it needs.
//! The footer carries the hashes of that index, of the page index and, with its own hash blanked out, of itself. Together
//! with the two magic marks they cover the whole file.

mod content;
mod encode;
mod footer;
mod index;
mod read;
mod verify;
mod write;

use parquet::errors::ParquetError;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::SchemaDescriptor;
use reorient_core::{HsRevision, Year};

use crate::claims::UnknownCodes;
use crate::sealed::TableSeal;

pub(crate) use content::{Content, Stamp};
pub(crate) use footer::Footer;
pub(crate) use read::read_year;
pub(crate) use verify::verify_file;
pub(crate) use write::write_sorted;
pub use write::write_year;

/// What a file says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct YearInfo {
    /// Year of every row.
    pub year: Year,
    /// Revision of the product codes.
    pub revision: HsRevision,
    /// CEPII's release such as `202401b`, or `unknown`.
    pub release: String,
    /// Whether the rows are made up rather than observed.
    pub synthetic: bool,
    /// Where the rows come from and under which licence.
    pub attribution: String,
    /// Rows under product codes that the revision does not have, where there are any.
    pub unknown_codes: Option<UnknownCodes>,
    /// The code tables that belong to the rows; none in files of versions before tables were sealed.
    pub tables: Option<TableSeal>,
}

const SCHEMA: &str = "message baci {
    REQUIRED BYTE_ARRAY product (STRING);
    REQUIRED INT32 exporter;
    REQUIRED INT32 importer;
    REQUIRED INT64 value_kusd (DECIMAL(18,3));
    OPTIONAL INT64 quantity_tons (DECIMAL(18,3));
}";
/// A flow has fewer dollars than this: doubles of results hold every smaller number exactly. It is some four hundred times the trade of
/// the world in a year, so that whoever has more has another unit.
pub(crate) const FLOW_LIMIT: i64 = 1 << 53;
/// What is wrong with one that has more.
pub(crate) const TOO_MUCH: &str = "a flow of 9,007,199,254,740.992 thousand USD or more is beyond the trade of the world; check the unit: \
     values are in thousand USD";
/// What DECIMAL(18,3) can hold, in thousandths.
pub(crate) const DECIMAL_LIMIT: i64 = 1_000_000_000_000_000_000;

const FORMAT: &str = "2";
const KEY_FORMAT: &str = "reorient.format";
const KEY_REVISION: &str = "reorient.revision";
const KEY_YEAR: &str = "reorient.year";
const KEY_RELEASE: &str = "reorient.release";
const KEY_SYNTHETIC: &str = "reorient.synthetic";
const KEY_UNIT: &str = "reorient.unit";
const KEY_ATTRIBUTION: &str = "reorient.attribution";
/// Written only where some rows are under unknown codes.
const KEY_UNKNOWN_CODES: &str = "reorient.unknown_codes";
/// Written by versions that seal code tables.
const KEY_COUNTRY_TABLE: &str = "reorient.country_table_blake3";
/// Beside the former: a hash, or a word where there is no table.
const KEY_PRODUCT_TABLE: &str = "reorient.product_table_blake3";
const NO_TABLE: &str = "none";
const KEY_INDEX: &str = "reorient.index";
const KEY_PAGE_INDEX: &str = "reorient.page_index_blake3";
const KEY_FOOTER: &str = "reorient.footer_blake3";
/// Hexadecimal digits of a hash, all zero until the hash is known.
const BLANK: &str = "0000000000000000000000000000000000000000000000000000000000000000";
const MAGIC: &[u8; 4] = b"PAR1";

fn schema() -> Result<SchemaDescriptor, ParquetError> {
    Ok(SchemaDescriptor::new(parse_message_type(SCHEMA)?.into()))
}

/// Where the value of `key` starts in a footer: Thrift writes the key, a field header (0x18) and the length (64).
fn hash_position(footer: &[u8], key: &str) -> Option<usize> {
    let mut mark = key.as_bytes().to_vec();
    mark.extend([0x18, 0x40]);
    let start = footer.windows(mark.len()).rposition(|window| window == mark)? + mark.len();
    (footer.len() >= start + BLANK.len()).then_some(start)
}

fn hex(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}
