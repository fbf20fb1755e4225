//! The one way to a file that is read. Clippy forbids the others (`clippy.toml`).
//!
//! A name can stand for something that never ends or never begins: a device, a named pipe, a link out of the folder. Only regular
//! files are opened here, what a manifest names lies within its folder ([`NameInFolder`]), and what is held in memory as a whole
//! has a [`Limit`], packed and unpacked.

mod error;
mod limit;
mod name;
mod open;
mod unpack;

pub use error::{FileError, FileErrorKind};
pub use limit::Limit;
pub use name::{NameError, NameInFolder};
pub use open::{open, open_in, read, read_from, read_in, read_text, sync_folder};
pub use unpack::{UnpackError, unpack_zstd};
