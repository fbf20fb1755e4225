//! A bucket with a prefix: its address, its requests one at a time, and their errors in words.

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::path::Path;
use object_store::{ClientConfigKey, Error, ObjectMeta, ObjectStore, ObjectStoreExt, RetryConfig};
use reorient_engine::sweep::StoreError;
use tokio::runtime::{Builder, Runtime};

use crate::SCHEME;
use crate::http::Connector;

/// Seconds for which a server that does not answer is asked again.
const PATIENCE: &str = "REORIENT_S3_PATIENCE";

#[derive(Debug)]
pub(crate) struct Bucket {
    pub(crate) store: Box<dyn ObjectStore>,
    pub(crate) prefix: Path,
    /// `s3://bucket`.
    root: String,
    runtime: Runtime,
}

impl Bucket {
    /// Reads the address and the environment; asks the server nothing.
    pub(crate) fn open(url: &str) -> Result<Self, StoreError> {
        let wrong = |problem: String| StoreError::Missing { path: url.into(), problem };
        let address = url.strip_prefix(SCHEME).unwrap_or_default();
        let (bucket, prefix) = address.split_once('/').unwrap_or((address, ""));
        if bucket.is_empty() {
            return Err(wrong("write the address as s3://bucket/prefix".to_owned()));
        }
        let prefix = Path::parse(prefix).map_err(|error| wrong(error.to_string()))?;
        let builder = AmazonS3Builder::from_env().with_bucket_name(bucket);
        let setting = |key: &AmazonS3ConfigKey| builder.get_config_value(key).unwrap_or_default();
        let endpoint = setting(&AmazonS3ConfigKey::Endpoint);
        let allow_http = setting(&AmazonS3ConfigKey::Client(ClientConfigKey::AllowHttp));
        if endpoint.starts_with("http://") && !["true", "1", "yes", "on"].contains(&allow_http.to_lowercase().as_str()) {
            let problem = format!("AWS_ENDPOINT is {endpoint}, which is not encrypted; set AWS_ALLOW_HTTP=true if that is meant");
            return Err(wrong(problem));
        }
        // The time decides, not the number of attempts.
        let mut retry = RetryConfig { max_retries: 10_000, ..RetryConfig::default() };
        if let Ok(text) = std::env::var(PATIENCE) {
            let seconds = text.parse().map_err(|_| wrong(format!("{PATIENCE} is `{text}`; give it a number of seconds")))?;
            retry.retry_timeout = Duration::from_secs(seconds);
        }
        let store = builder.with_http_connector(Connector).with_retry(retry).build();
        let store = store.map_err(|error| wrong(error.to_string()))?;
        let own = Self::with(Box::new(store), prefix, format!("{SCHEME}{bucket}"));
        own.map_err(|source| StoreError::Read { path: url.into(), source })
    }

    /// A bucket at any store.
    pub(crate) fn with(store: Box<dyn ObjectStore>, prefix: Path, root: String) -> io::Result<Self> {
        Ok(Self { store, prefix, root, runtime: Builder::new_current_thread().enable_time().build()? })
    }

    /// Waits for an answer.
    pub(crate) fn wait<T>(&self, request: impl Future<Output = T>) -> T {
        self.runtime.block_on(request)
    }

    /// The address of an object.
    pub(crate) fn address(&self, path: &Path) -> PathBuf {
        format!("{}/{path}", self.root).into()
    }

    /// Size and version of an object; none when it is not there.
    pub(crate) fn find(&self, path: &Path) -> Result<Option<ObjectMeta>, StoreError> {
        match self.wait(self.store.head(path)) {
            Ok(meta) => Ok(Some(meta)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.unreadable(path, &error)),
        }
    }

    /// Objects and folders right below a prefix.
    pub(crate) fn list(&self, prefix: &Path) -> Result<(Vec<ObjectMeta>, Vec<Path>), StoreError> {
        let listed = self.wait(self.store.list_with_delimiter(Some(prefix)));
        let listed = listed.map_err(|error| self.unreadable(prefix, &error))?;
        Ok((listed.objects, listed.common_prefixes))
    }

    pub(crate) fn unreadable(&self, path: &Path, error: &Error) -> StoreError {
        let path = self.address(path);
        match error {
            Error::NotFound { .. } => StoreError::Missing { path, problem: "it is not there".to_owned() },
            error => StoreError::Read { path, source: cause(error) },
        }
    }

    pub(crate) fn unwritable(&self, path: &Path, error: &Error) -> StoreError {
        StoreError::Write { path: self.address(path), source: cause(error) }
    }
}

/// What the server said, and what to do about it.
fn cause(error: &Error) -> io::Error {
    let advice = match error {
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => {
            "; look at AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the rights of this key"
        }
        Error::NotFound { .. } => "; the bucket must exist",
        Error::NotImplemented { .. } => "; the server must offer conditional writes",
        Error::Generic { .. } => "; look at AWS_ENDPOINT, AWS_REGION and whether the server is up",
        _ => "",
    };
    io::Error::other(format!("{error}{advice}"))
}
