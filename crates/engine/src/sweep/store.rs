//! Where results are kept: whole files by name, in a folder of the local disk or in memory.
//!
//! Everything else sees [`Blobs`] alone, which a store of objects in a network offers as well (`crates/objects`).

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use reorient_files::{FileErrorKind, Limit, sync_folder};

use super::error::StoreError;
use super::key::Key;

/// What a file was when it was read; stores choose what stands for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version(pub String);

/// Files by name, each of them whole or not there.
pub trait Blobs: Send + Sync {
    /// Where the files are, for messages.
    fn place(&self) -> PathBuf;

    /// Names of all files, ascending.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be listed.
    fn list(&self) -> Result<Vec<String>, StoreError>;

    /// All bytes of a file.
    ///
    /// # Errors
    /// [`StoreError`] when it is not there or cannot be read.
    fn read(&self, name: &str) -> Result<Vec<u8>, StoreError>;

    /// Some bytes of a file.
    ///
    /// # Errors
    /// [`StoreError`] when it is not there, ends before or cannot be read.
    fn read_part(&self, name: &str, offset: u64, length: usize) -> Result<Vec<u8>, StoreError>;

    /// Writes a file so that it is there for good when this returns, whole; it takes the place of one of that name.
    ///
    /// # Errors
    /// [`StoreError::Write`]; then nothing has changed.
    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError>;

    /// All bytes of a file and their version; none when it is not there.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    fn read_version(&self, name: &str) -> Result<Option<(Vec<u8>, Version)>, StoreError>;

    /// As [`Blobs::put`], but only where there is no file of that name. Returns whether it was written.
    ///
    /// # Errors
    /// [`StoreError::Write`]; then nothing has changed.
    fn put_new(&self, name: &str, bytes: &[u8]) -> Result<bool, StoreError>;

    /// As [`Blobs::put`], but only in place of this version. Returns whether it was written.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing has changed.
    fn swap(&self, name: &str, old: &Version, bytes: &[u8]) -> Result<bool, StoreError>;

    /// Takes a file away; one that is not there is no error.
    ///
    /// # Errors
    /// [`StoreError::Write`] when it stays.
    fn remove(&self, name: &str) -> Result<(), StoreError>;
}

/// The moments of a write of [`LocalBlobs`], for tests that end the program there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Nothing is written.
    BeforeWrite,
    /// The bytes are written under a temporary name, not yet synced.
    AfterWrite,
    /// They are synced.
    BeforeRename,
    /// The file has its name.
    AfterRename,
}

/// A folder of the local disk. Files are written beside their place, synced, renamed, and the folder is synced.
///
/// Between processes, [`Blobs::swap`] is one step only under the [`super::WriteLock`] of the folder.
pub struct LocalBlobs {
    folder: PathBuf,
    /// Who writes, so that what it leaves behind when it is killed can be told from what others are writing.
    writer: String,
    watch: Box<dyn Fn(Moment) + Send + Sync>,
}

/// How names of temporary files begin and end.
const BEFORE: &str = ".writing-";
const AFTER: &str = ".tmp";

impl LocalBlobs {
    /// Makes the folder if need be. `watch` is told the moments of each `put`.
    ///
    /// # Errors
    /// [`StoreError::Write`] when it cannot be made.
    pub fn create(folder: &Path, writer: &str, watch: Box<dyn Fn(Moment) + Send + Sync>) -> Result<Self, StoreError> {
        let own = Self { folder: folder.to_owned(), writer: writer.to_owned(), watch };
        fs::create_dir_all(folder).map_err(|source| own.unwritable(folder, source))?;
        Ok(own)
    }

    /// To read alone.
    pub fn open(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), writer: "nobody".to_owned(), watch: Box::new(|_| {}) }
    }

    /// Takes away what writers that were killed left behind; `is_alive` tells of a writer whether it may still write. Returns
    /// how many files there were.
    ///
    /// # Errors
    /// [`StoreError`] when the folder cannot be read or a file stays.
    pub fn clean(&self, is_alive: &dyn Fn(&str) -> bool) -> Result<usize, StoreError> {
        let mut count = 0;
        for name in self.names()? {
            let writer =
                name.strip_prefix(BEFORE).and_then(|rest| rest.strip_suffix(AFTER)).and_then(|rest| rest.split_once('+'));
            if writer.is_some_and(|(writer, _)| writer == self.writer || !is_alive(writer)) {
                self.remove(&name)?;
                count += 1;
            }
        }
        Ok(count)
    }

    fn names(&self) -> Result<Vec<String>, StoreError> {
        let fail = |source| StoreError::Read { path: self.folder.clone(), source };
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(fail)?,
        };
        let name = |entry: io::Result<fs::DirEntry>| entry.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let mut names = entries.map(name).collect::<io::Result<Vec<_>>>().map_err(fail)?;
        names.sort_unstable();
        Ok(names)
    }

    fn unwritable(&self, path: &Path, source: io::Error) -> StoreError {
        StoreError::Write { path: path.to_owned(), source }
    }

    fn unreadable(&self, name: &str, source: io::Error) -> StoreError {
        let path = self.folder.join(name);
        match source.kind() {
            io::ErrorKind::NotFound => StoreError::Missing { path, problem: "it is not there".to_owned() },
            _ => StoreError::Read { path, source },
        }
    }

    /// Writes a file by way of a temporary one, which `settle` gives its name.
    fn write(&self, name: &str, bytes: &[u8], settle: Settle) -> Result<bool, StoreError> {
        let path = self.folder.join(name);
        let temporary = self.folder.join(format!("{BEFORE}{}+{name}{AFTER}", self.writer));
        self.write_at(&temporary, &path, bytes, settle).map_err(|source| {
            // A full disk shall not stay full of what nobody can use.
            let _ = fs::remove_file(&temporary);
            self.unwritable(&path, source)
        })
    }

    fn write_at(&self, temporary: &Path, path: &Path, bytes: &[u8], settle: Settle) -> io::Result<bool> {
        (self.watch)(Moment::BeforeWrite);
        let mut file = File::create(temporary)?;
        file.write_all(bytes)?;
        (self.watch)(Moment::AfterWrite);
        file.sync_all()?;
        drop(file);
        (self.watch)(Moment::BeforeRename);
        let is_written = settle(temporary, path)?;
        (self.watch)(Moment::AfterRename);
        sync_folder(&self.folder)?;
        Ok(is_written)
    }
}

/// Gives a temporary file its name and says whether it did.
type Settle = fn(&Path, &Path) -> io::Result<bool>;

fn replace(temporary: &Path, path: &Path) -> io::Result<bool> {
    fs::rename(temporary, path).map(|()| true)
}

/// A second name is given only where there is none yet, in one step. Some file systems have no second names.
fn keep(temporary: &Path, path: &Path) -> io::Result<bool> {
    let is_new = match fs::hard_link(temporary, path) {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
        Err(_) if path.try_exists()? => false,
        Err(_) => return replace(temporary, path),
    };
    fs::remove_file(temporary)?;
    Ok(is_new)
}

/// Without a number from the store, contents are their own version.
fn version(bytes: &[u8]) -> Version {
    Version(Key::of(bytes).to_string())
}

impl Blobs for LocalBlobs {
    fn place(&self) -> PathBuf {
        self.folder.clone()
    }

    fn list(&self) -> Result<Vec<String>, StoreError> {
        Ok(self.names()?.into_iter().filter(|name| !name.starts_with('.')).collect())
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, StoreError> {
        reorient_files::read(&self.folder.join(name), Limit::STORED).map_err(|error| match error.kind() {
            FileErrorKind::CannotRead => self.unreadable(name, error.into()),
            FileErrorKind::BadData => StoreError::Damaged { file: name.to_owned(), problem: error.problem() },
        })
    }

    fn read_part(&self, name: &str, offset: u64, length: usize) -> Result<Vec<u8>, StoreError> {
        let read = || {
            let mut file = reorient_files::open(&self.folder.join(name))?;
            file.seek(SeekFrom::Start(offset))?;
            let mut bytes = vec![0; length];
            file.read_exact(&mut bytes)?;
            Ok(bytes)
        };
        read().map_err(|source| self.unreadable(name, source))
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.write(name, bytes, replace).map(|_| ())
    }

    fn read_version(&self, name: &str) -> Result<Option<(Vec<u8>, Version)>, StoreError> {
        match self.read(name) {
            Ok(bytes) => {
                let version = version(&bytes);
                Ok(Some((bytes, version)))
            }
            Err(StoreError::Missing { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn put_new(&self, name: &str, bytes: &[u8]) -> Result<bool, StoreError> {
        self.write(name, bytes, keep)
    }

    fn swap(&self, name: &str, old: &Version, bytes: &[u8]) -> Result<bool, StoreError> {
        match self.read_version(name)? {
            Some((_, own)) if own == *old => self.write(name, bytes, replace),
            _ => Ok(false),
        }
    }

    fn remove(&self, name: &str) -> Result<(), StoreError> {
        let path = self.folder.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.unwritable(&path, error)),
            _ => Ok(()),
        }
    }
}

/// Files in memory, for a worker that hands its results over.
#[derive(Debug, Default)]
pub struct MemoryBlobs(Mutex<BTreeMap<String, Vec<u8>>>);

impl MemoryBlobs {
    fn files(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Blobs for MemoryBlobs {
    fn place(&self) -> PathBuf {
        PathBuf::from("memory")
    }

    fn list(&self) -> Result<Vec<String>, StoreError> {
        Ok(self.files().keys().cloned().collect())
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, StoreError> {
        let missing = || StoreError::Missing { path: self.place().join(name), problem: "it is not there".to_owned() };
        self.files().get(name).cloned().ok_or_else(missing)
    }

    fn read_part(&self, name: &str, offset: u64, length: usize) -> Result<Vec<u8>, StoreError> {
        let bytes = self.read(name)?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let part = start.checked_add(length).and_then(|end| bytes.get(start..end)).map(<[u8]>::to_vec);
        part.ok_or_else(|| StoreError::Read { path: self.place().join(name), source: io::ErrorKind::UnexpectedEof.into() })
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.files().insert(name.to_owned(), bytes.to_vec());
        Ok(())
    }

    fn read_version(&self, name: &str) -> Result<Option<(Vec<u8>, Version)>, StoreError> {
        Ok(self.files().get(name).map(|bytes| (bytes.clone(), version(bytes))))
    }

    fn put_new(&self, name: &str, bytes: &[u8]) -> Result<bool, StoreError> {
        let mut files = self.files();
        let is_new = !files.contains_key(name);
        files.entry(name.to_owned()).or_insert_with(|| bytes.to_vec());
        Ok(is_new)
    }

    fn swap(&self, name: &str, old: &Version, bytes: &[u8]) -> Result<bool, StoreError> {
        let mut files = self.files();
        let own = files.get_mut(name).filter(|own| version(own) == *old);
        let is_written = own.map(|own| *own = bytes.to_vec()).is_some();
        Ok(is_written)
    }

    fn remove(&self, name: &str) -> Result<(), StoreError> {
        self.files().remove(name);
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::disallowed_methods)]
mod tests {
    use super::*;

    fn blobs(folder: &Path, writer: &str) -> LocalBlobs {
        LocalBlobs::create(folder, writer, Box::new(|_| {})).unwrap()
    }

    #[test]
    fn files_are_whole_and_named() {
        let folder = tempfile::tempdir().unwrap();
        for store in [&blobs(&folder.path().join("a/b"), "one") as &dyn Blobs, &MemoryBlobs::default()] {
            store.put("y", b"hello").unwrap();
            store.put("x", b"").unwrap();
            store.put("y", b"goodbye").unwrap();
            assert_eq!(store.list().unwrap(), ["x", "y"]);
            assert_eq!(store.read("y").unwrap(), b"goodbye");
            assert_eq!(store.read_part("y", 4, 3).unwrap(), b"bye");
            assert!(store.read_part("y", 5, 3).is_err());
            assert!(matches!(store.read("z"), Err(StoreError::Missing { .. })));
            store.remove("y").unwrap();
            store.remove("y").unwrap();
            assert_eq!(store.list().unwrap(), ["x"]);
        }
    }

    #[test]
    fn conditional_writes_happen_when_their_condition_holds() {
        let folder = tempfile::tempdir().unwrap();
        for store in [&blobs(folder.path(), "one") as &dyn Blobs, &MemoryBlobs::default()] {
            assert!(store.read_version("x").unwrap().is_none());
            assert!(store.put_new("x", b"first").unwrap());
            assert!(!store.put_new("x", b"second").unwrap());
            let (bytes, first) = store.read_version("x").unwrap().unwrap();
            assert_eq!(bytes, b"first");
            assert!(store.swap("x", &first, b"third").unwrap());
            assert!(!store.swap("x", &first, b"fourth").unwrap());
            assert!(!store.swap("y", &first, b"fourth").unwrap());
            assert_eq!((store.read("x").unwrap(), store.list().unwrap()), (b"third".to_vec(), vec!["x".to_owned()]));
        }
        // Nothing temporary stays.
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn of_many_that_write_a_new_file_at_once_one_succeeds() {
        let folder = tempfile::tempdir().unwrap();
        let write = |at: usize| blobs(folder.path(), &at.to_string()).put_new("x", at.to_string().as_bytes()).unwrap();
        let won: Vec<usize> = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..8).map(|at| scope.spawn(move || write(at).then_some(at))).collect();
            writers.into_iter().filter_map(|writer| writer.join().unwrap()).collect()
        });
        assert_eq!(won.len(), 1);
        assert_eq!(std::fs::read(folder.path().join("x")).unwrap(), won[0].to_string().as_bytes());
    }

    #[test]
    fn only_what_the_dead_left_behind_goes() {
        let folder = tempfile::tempdir().unwrap();
        for name in [".writing-one+a.tmp", ".writing-two+a.tmp", ".writing-three+a.tmp", "kept", ".other"] {
            std::fs::write(folder.path().join(name), "x").unwrap();
        }
        let cleaned = blobs(folder.path(), "one").clean(&|writer| writer == "two").unwrap();
        let mut left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!((cleaned, left), (2, vec![".other".into(), ".writing-two+a.tmp".into(), "kept".into()]));
    }
}
