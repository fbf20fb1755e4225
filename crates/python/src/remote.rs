//! Trade data and stores of sweeps in object stores, where the package was built with them.

use std::path::{Path, PathBuf};

use reorient_app::Failure;
use reorient_engine::sweep::Blobs;

/// Fetched files, which are there as long as this is.
pub(crate) type Fetched = Option<std::sync::Arc<dyn Send + Sync>>;

/// Where a path is on the local disk: there, or fetched.
#[cfg(feature = "object-store")]
pub(crate) fn local(path: &Path) -> Result<(PathBuf, Fetched), Failure> {
    match path.to_str().filter(|text| text.starts_with("s3://")) {
        Some(url) => {
            let fetched = reorient_objects::fetch_input(url)?;
            Ok((fetched.path().to_owned(), Some(std::sync::Arc::new(fetched))))
        }
        None => Ok((path.to_owned(), None)),
    }
}

/// The store at an address.
#[cfg(feature = "object-store")]
pub(crate) fn blobs(url: &str) -> Result<Box<dyn Blobs>, Failure> {
    Ok(Box::new(reorient_objects::ObjectBlobs::create(url)?))
}

/// Where a path is on the local disk.
#[cfg(not(feature = "object-store"))]
pub(crate) fn local(path: &Path) -> Result<(PathBuf, Fetched), Failure> {
    if path.starts_with("s3:") { Err(without()) } else { Ok((path.to_owned(), None)) }
}

/// Not in this build.
#[cfg(not(feature = "object-store"))]
pub(crate) fn blobs(_: &str) -> Result<Box<dyn Blobs>, Failure> {
    Err(without())
}

#[cfg(not(feature = "object-store"))]
fn without() -> Failure {
    Failure::usage(anyhow::anyhow!("this package was built without object stores"))
}
