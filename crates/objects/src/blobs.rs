//! The store of a sweep below a prefix of a bucket.

use std::fs;
use std::path::PathBuf;

use object_store::path::Path;
use object_store::{Error, GetResult, ObjectStore, ObjectStoreExt, PutMode, UpdateVersion};
use reorient_engine::sweep::{Blobs, StoreError, Version};
use reorient_files::Limit;
use tempfile::TempDir;

use crate::bucket::Bucket;
use crate::temporary;

/// Shows that the server minds conditions.
const PROBE: &str = "conditional-writes.txt";
const PROBE_TEXT: &[u8] = b"Kept by reorient, which asks here whether the store refuses to write a file twice.\n";

/// Files as objects. Whoever writes needs no lock: conditional writes tell of two writers which was first.
#[derive(Debug)]
pub struct ObjectBlobs {
    bucket: Bucket,
    /// Copies of what was read or written whole, from which parts are read.
    copies: TempDir,
}

impl ObjectBlobs {
    /// To read alone. Asks the server nothing.
    ///
    /// # Errors
    /// [`StoreError`] when the address or the environment is wrong, or no temporary folder can be made.
    pub fn open(url: &str) -> Result<Self, StoreError> {
        Ok(Self { bucket: Bucket::open(url)?, copies: temporary()? })
    }

    /// To write too.
    ///
    /// # Errors
    /// As [`ObjectBlobs::open`], and when the server does not answer or minds no conditions.
    pub fn create(url: &str) -> Result<Self, StoreError> {
        let own = Self::open(url)?;
        let is_mindful = (!own.put_new(PROBE, PROBE_TEXT)? || !own.put_new(PROBE, PROBE_TEXT)?)
            && !own.swap(PROBE, &Version("\"0\"".to_owned()), PROBE_TEXT)?;
        if is_mindful {
            return Ok(own);
        }
        let problem = "this server writes although the condition of a write (If-None-Match, If-Match) does not hold, so that \
                       two writers could harm each other; use another one";
        Err(StoreError::Missing { path: own.place(), problem: problem.to_owned() })
    }

    fn path(&self, name: &str) -> Path {
        self.bucket.prefix.clone().join(name)
    }

    fn get(&self, name: &str) -> Result<(Vec<u8>, Version), StoreError> {
        let path = self.path(name);
        let get = async {
            let result: GetResult = self.bucket.store.get(&path).await?;
            if result.meta.size > Limit::STORED.bytes() {
                return Ok(None);
            }
            let version = Version(result.meta.e_tag.clone().unwrap_or_default());
            Ok(Some((result.bytes().await?.to_vec(), version)))
        };
        let read = self.bucket.wait(get).map_err(|error: Error| self.bucket.unreadable(&path, &error))?;
        let too_large = || {
            let problem = format!("it has more than {} bytes, and {} never does", Limit::STORED.bytes(), Limit::STORED.of());
            StoreError::Damaged { file: name.to_owned(), problem }
        };
        read.ok_or_else(too_large)
    }

    /// Whether it was written; not, when a condition does not hold.
    fn write(&self, name: &str, bytes: &[u8], mode: PutMode) -> Result<bool, StoreError> {
        self.forget(name);
        let path = self.path(name);
        let written = self.bucket.wait(self.bucket.store.put_opts(&path, bytes.to_vec().into(), mode.into()));
        match written {
            Ok(_) => {
                self.remember(name, bytes);
                Ok(true)
            }
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(false),
            Err(error) => Err(self.bucket.unwritable(&path, &error)),
        }
    }

    /// Keeps a copy, where there is room.
    fn remember(&self, name: &str, bytes: &[u8]) {
        if fs::write(self.copies.path().join(name), bytes).is_err() {
            self.forget(name);
        }
    }

    fn forget(&self, name: &str) {
        let _ = fs::remove_file(self.copies.path().join(name));
    }

    fn part_of_copy(&self, name: &str, offset: u64, length: usize) -> std::io::Result<Vec<u8>> {
        use std::io::{Read, Seek, SeekFrom};
        let mut file = reorient_files::open(&self.copies.path().join(name))?;
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = vec![0; length];
        file.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

impl Blobs for ObjectBlobs {
    fn place(&self) -> PathBuf {
        self.bucket.address(&self.bucket.prefix)
    }

    fn list(&self) -> Result<Vec<String>, StoreError> {
        let (objects, _) = self.bucket.list(&self.bucket.prefix)?;
        let name = |path: &Path| path.filename().map(str::to_owned);
        let mut names: Vec<String> = objects.iter().filter_map(|object| name(&object.location)).collect();
        names.sort_unstable();
        Ok(names)
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, StoreError> {
        let (bytes, _) = self.get(name)?;
        self.remember(name, &bytes);
        Ok(bytes)
    }

    fn read_part(&self, name: &str, offset: u64, length: usize) -> Result<Vec<u8>, StoreError> {
        if let Ok(bytes) = self.part_of_copy(name, offset, length) {
            return Ok(bytes);
        }
        let path = self.path(name);
        let part = self.bucket.wait(self.bucket.store.get_range(&path, offset..offset + length as u64));
        let part = part.map_err(|error| self.bucket.unreadable(&path, &error))?;
        if part.len() == length {
            return Ok(part.to_vec());
        }
        Err(StoreError::Read { path: self.bucket.address(&path), source: std::io::ErrorKind::UnexpectedEof.into() })
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.write(name, bytes, PutMode::Overwrite).map(|_| ())
    }

    fn read_version(&self, name: &str) -> Result<Option<(Vec<u8>, Version)>, StoreError> {
        match self.get(name) {
            Ok(read) => Ok(Some(read)),
            Err(StoreError::Missing { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn put_new(&self, name: &str, bytes: &[u8]) -> Result<bool, StoreError> {
        self.write(name, bytes, PutMode::Create)
    }

    fn swap(&self, name: &str, old: &Version, bytes: &[u8]) -> Result<bool, StoreError> {
        self.write(name, bytes, PutMode::Update(UpdateVersion { e_tag: Some(old.0.clone()), version: None }))
    }

    fn remove(&self, name: &str) -> Result<(), StoreError> {
        self.forget(name);
        let path = self.path(name);
        match self.bucket.wait(self.bucket.store.delete(&path)) {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.bucket.unwritable(&path, &error)),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use object_store::memory::InMemory;

    fn blobs() -> ObjectBlobs {
        let bucket = Bucket::with(Box::new(InMemory::new()), Path::from("a/b"), "s3://bucket".to_owned()).unwrap();
        ObjectBlobs { bucket, copies: temporary().unwrap() }
    }

    #[test]
    fn objects_are_files_by_name() {
        let store = blobs();
        assert_eq!((store.place(), store.list().unwrap()), ("s3://bucket/a/b".into(), vec![]));
        store.put("y", b"hello").unwrap();
        store.put("x", b"").unwrap();
        store.put("y", b"goodbye").unwrap();
        assert_eq!(store.list().unwrap(), ["x", "y"]);
        assert_eq!(store.read("y").unwrap(), b"goodbye");
        for _ in 0..2 {
            assert_eq!(store.read_part("y", 4, 3).unwrap(), b"bye");
            assert!(store.read_part("y", 5, 3).is_err());
            // From the store, without a copy.
            store.forget("y");
        }
        assert!(matches!(store.read("z"), Err(StoreError::Missing { .. })));
        store.remove("y").unwrap();
        store.remove("y").unwrap();
        assert!(store.read_part("y", 0, 1).is_err());
        assert_eq!(store.list().unwrap(), ["x"]);
    }

    #[test]
    fn conditional_writes_happen_when_their_condition_holds() {
        let store = blobs();
        assert!(store.read_version("x").unwrap().is_none());
        assert!(store.put_new("x", b"first").unwrap());
        assert!(!store.put_new("x", b"second").unwrap());
        let (bytes, first) = store.read_version("x").unwrap().unwrap();
        assert_eq!(bytes, b"first");
        assert!(store.swap("x", &first, b"third").unwrap());
        assert!(!store.swap("x", &first, b"fourth").unwrap());
        assert_eq!(store.read("x").unwrap(), b"third");
    }
}
