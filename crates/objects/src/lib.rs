//! Object stores that speak S3: the store of a sweep ([`ObjectBlobs`]) and trade data ([`fetch_input`]).
//!
//! An address is `s3://bucket/prefix`. Where the server is and who asks comes from the environment, in the names that
//! other tools use: `AWS_ENDPOINT`, `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`,
//! `AWS_ALLOW_HTTP` and the others of `object_store::aws::AmazonS3ConfigKey`. `REORIENT_S3_PATIENCE` is the number of seconds
//! for which a server that does not answer is asked again.
//!
//! Everything blocks: one request at a time is all that a sweep needs.

mod blobs;
mod bucket;
mod fetch;
mod http;

use reorient_engine::sweep::StoreError;

pub use blobs::ObjectBlobs;
pub use fetch::{Fetched, fetch_input};

/// How addresses begin.
const SCHEME: &str = "s3://";

/// A folder that goes when it is dropped.
fn temporary() -> Result<tempfile::TempDir, StoreError> {
    let folder = tempfile::Builder::new().prefix("reorient-").tempdir();
    folder.map_err(|source| StoreError::Write { path: std::env::temp_dir(), source })
}
