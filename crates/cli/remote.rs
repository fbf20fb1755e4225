//! What lies in an object store: trade data, fetched for as long as the program runs, and the store of a sweep.
//!
//! A program built without the feature `object-store` says so.

use std::path::{Path, PathBuf};

use reorient_app::Failure;
use reorient_data::{OpenOptions, TradeSource};
use reorient_engine::sweep::{Archive, Blobs, StoreError};

/// How addresses of objects begin.
const SCHEME: &str = "s3://";

/// The address of an object, if it is one.
fn address(path: &Path) -> Option<&str> {
    path.to_str().filter(|text| text.starts_with(SCHEME))
}

/// For the parser of arguments.
pub(crate) fn store(text: &str) -> Result<String, String> {
    let is_address = text.strip_prefix(SCHEME).is_some_and(|bucket| !bucket.is_empty());
    if is_address { Ok(text.to_owned()) } else { Err("write the address as s3://bucket/prefix".to_owned()) }
}

/// Trade data of a file or folder, here or in an object store.
pub(crate) fn trade(path: &Path, options: &OpenOptions) -> Result<TradeSource, Failure> {
    Ok(TradeSource::open_with(&local(path)?, options)?)
}

/// A file or folder on the local disk: as it is named, or fetched.
pub(crate) fn local(path: &Path) -> Result<PathBuf, Failure> {
    address(path).map_or_else(|| Ok(path.to_owned()), with::fetched)
}

/// The store of a sweep to read, in its folder or an object store.
pub(crate) fn open(folder: &Path, store: Option<&str>) -> Result<Archive, Failure> {
    match store.or_else(|| address(folder)) {
        Some(url) => Ok(Archive::open_in(to_read(url)?)?),
        None => Ok(Archive::open(folder).map_err(elsewhere)?),
    }
}

/// A sweep whose results are in an object store has none in its folder.
fn elsewhere(error: StoreError) -> StoreError {
    match error {
        StoreError::Missing { path, problem } => {
            StoreError::Missing { path, problem: format!("{problem}; name an object store that holds them with --store") }
        }
        error => error,
    }
}

/// Takes over what another sweep has stored, in its folder or an object store.
pub(crate) fn take(archive: &mut Archive, from: &Path) -> Result<usize, Failure> {
    match address(from) {
        Some(url) => Ok(archive.take_from_in(to_read(url)?.as_ref())?),
        None => Ok(archive.take_from(from)?),
    }
}

/// An object store to read.
pub(crate) fn to_read(url: &str) -> Result<Box<dyn Blobs>, Failure> {
    with::blobs(url, false)
}

/// An object store to write.
pub(crate) fn to_write(url: &str) -> Result<Box<dyn Blobs>, Failure> {
    with::blobs(url, true)
}

/// Takes fetched files away.
pub(crate) use with::clean;

#[cfg(feature = "object-store")]
mod with {
    use std::sync::{Mutex, PoisonError};
    use std::time::Instant;

    use reorient_objects::{Fetched, ObjectBlobs, fetch_input};

    use super::{Blobs, Failure, PathBuf};

    /// Files are read until the end.
    static FETCHED: Mutex<Vec<Fetched>> = Mutex::new(Vec::new());

    pub(super) fn fetched(url: &str) -> Result<PathBuf, Failure> {
        let started = Instant::now();
        let fetched = fetch_input(url)?;
        tracing::info!(seconds = started.elapsed().as_secs_f32(), "fetched {url}");
        let path = fetched.path().to_owned();
        FETCHED.lock().unwrap_or_else(PoisonError::into_inner).push(fetched);
        Ok(path)
    }

    pub(crate) fn clean() {
        FETCHED.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(super) fn blobs(url: &str, to_write: bool) -> Result<Box<dyn Blobs>, Failure> {
        Ok(Box::new(if to_write { ObjectBlobs::create(url)? } else { ObjectBlobs::open(url)? }))
    }
}

#[cfg(not(feature = "object-store"))]
mod with {
    use anyhow::anyhow;

    use super::{Blobs, Failure, PathBuf};

    fn without(url: &str) -> Failure {
        let problem = "this program was built without object stores; build it with `--features object-store`";
        Failure::usage(anyhow!("{url}: {problem}"))
    }

    pub(super) fn fetched(url: &str) -> Result<PathBuf, Failure> {
        Err(without(url))
    }

    pub(crate) const fn clean() {}

    pub(super) fn blobs(url: &str, _: bool) -> Result<Box<dyn Blobs>, Failure> {
        Err(without(url))
    }
}
