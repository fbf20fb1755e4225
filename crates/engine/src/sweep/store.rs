//! Where results are kept: whole files by name, in a folder of the local disk.
//!
//! Everything else sees [`Blobs`] alone, which a store of objects in a network could offer as well.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::error::StoreError;

/// Files by name, each of them whole or not there.
pub trait Blobs: Sync {
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

    /// Takes a file away; one that is not there is no error.
    ///
    /// # Errors
    /// [`StoreError::Write`] when it stays.
    fn remove(&self, name: &str) -> Result<(), StoreError>;
}

/// The moments of [`LocalBlobs::put`], for tests that end the program there.
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
pub struct LocalBlobs {
    folder: PathBuf,
    /// Who writes, so that what it leaves behind when it is killed can be told from what others are writing.
    writer: String,
    watch: Box<dyn Fn(Moment) + Sync>,
}

/// How names of temporary files begin and end.
const BEFORE: &str = ".writing-";
const AFTER: &str = ".tmp";

impl LocalBlobs {
    /// Makes the folder if need be. `watch` is told the moments of each `put`.
    ///
    /// # Errors
    /// [`StoreError::Write`] when it cannot be made.
    pub fn create(folder: &Path, writer: &str, watch: Box<dyn Fn(Moment) + Sync>) -> Result<Self, StoreError> {
        let own = Self { folder: folder.to_owned(), writer: writer.to_owned(), watch };
        fs::create_dir_all(folder).map_err(|source| own.unwritable(folder, source))?;
        Ok(own)
    }

    /// To read alone.
    pub fn open(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), writer: "nobody".to_owned(), watch: Box::new(|_| {}) }
    }

    /// Where the files are.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
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

    fn write(&self, temporary: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
        (self.watch)(Moment::BeforeWrite);
        let mut file = File::create(temporary)?;
        file.write_all(bytes)?;
        (self.watch)(Moment::AfterWrite);
        file.sync_all()?;
        drop(file);
        (self.watch)(Moment::BeforeRename);
        fs::rename(temporary, path)?;
        (self.watch)(Moment::AfterRename);
        if cfg!(unix) { File::open(&self.folder)?.sync_all() } else { Ok(()) }
    }
}

impl Blobs for LocalBlobs {
    fn list(&self) -> Result<Vec<String>, StoreError> {
        Ok(self.names()?.into_iter().filter(|name| !name.starts_with('.')).collect())
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, StoreError> {
        fs::read(self.folder.join(name)).map_err(|source| self.unreadable(name, source))
    }

    fn read_part(&self, name: &str, offset: u64, length: usize) -> Result<Vec<u8>, StoreError> {
        let read = || {
            let mut file = File::open(self.folder.join(name))?;
            file.seek(SeekFrom::Start(offset))?;
            let mut bytes = vec![0; length];
            file.read_exact(&mut bytes)?;
            Ok(bytes)
        };
        read().map_err(|source| self.unreadable(name, source))
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.folder.join(name);
        let temporary = self.folder.join(format!("{BEFORE}{}+{name}{AFTER}", self.writer));
        self.write(&temporary, &path, bytes).map_err(|source| {
            // A full disk shall not stay full of what nobody can use.
            let _ = fs::remove_file(&temporary);
            self.unwritable(&path, source)
        })
    }

    fn remove(&self, name: &str) -> Result<(), StoreError> {
        let path = self.folder.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.unwritable(&path, error)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn blobs(folder: &Path, writer: &str) -> LocalBlobs {
        LocalBlobs::create(folder, writer, Box::new(|_| {})).unwrap()
    }

    #[test]
    fn files_are_whole_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let store = blobs(&folder.path().join("a/b"), "one");
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
