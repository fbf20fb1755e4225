//! One process at a time writes a folder.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::error::FolderError;
use crate::place::Place;

/// How long a command waits for one that writes for a moment.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(20);

/// The right to write a folder. It goes when this is dropped, or when the process ends in any way.
#[derive(Debug)]
pub struct FolderLock {
    /// A file beside the folder, which goes with the lock; none where no file can be made there.
    beside: Option<(PathBuf, File)>,
    /// The folder itself, if it is there: whoever cannot write beside it holds nothing else.
    _folder: Option<File>,
}

impl FolderLock {
    /// Takes the lock. Folders above are made if need be.
    pub(crate) fn take(place: &Place) -> Result<Self, FolderError> {
        let fail = |source| FolderError::Write { path: place.out.clone(), source };
        let refuse = |error: io::Error| match error.kind() {
            io::ErrorKind::WouldBlock => FolderError::Busy { path: place.out.clone() },
            _ => fail(error),
        };
        fs::create_dir_all(&place.parent).map_err(fail)?;
        let path = place.beside("lock");
        let beside = match held(&path, open_file) {
            Ok(file) => Some((path, file)),
            Err(error) if cannot_be_beside(&error) => None,
            Err(error) => return Err(refuse(error)),
        };
        let mut lock = Self { beside, _folder: None };
        match held(&place.out, |path| File::options().read(true).open(path)) {
            Ok(folder) => lock._folder = Some(folder),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(refuse(error)),
            // It is not there yet, or the system does not lock folders.
            Err(_) => {}
        }
        Ok(lock)
    }

    /// Takes the lock, or waits for it as long as another process may take for a moment's work.
    pub(crate) fn wait(place: &Place) -> Result<Self, FolderError> {
        let start = Instant::now();
        loop {
            match Self::take(place) {
                Err(FolderError::Busy { .. }) if start.elapsed() < PATIENCE => std::thread::sleep(PAUSE),
                taken => return taken,
            }
        }
    }

    /// Whether files can be made beside the folder.
    pub(crate) const fn is_beside(&self) -> bool {
        self.beside.is_some()
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        if let Some((path, _)) = &self.beside {
            // It is taken away while it is held: whoever has opened it meanwhile finds that it has no name any more. Where it
            // stays, it is in nobody's way.
            let _ = fs::remove_file(path);
        }
    }
}

/// Whether an error says that a place is not ours to write to, and not that a disk has failed or is full.
pub(crate) fn cannot_be_beside(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidFilename, PermissionDenied, ReadOnlyFilesystem};
    matches!(error.kind(), PermissionDenied | ReadOnlyFilesystem | InvalidFilename)
}

/// Opens and locks what has a name, so that of all who try at once one succeeds: a lock on what has lost its name is none.
/// [`io::ErrorKind::WouldBlock`] when another process holds it.
fn held(path: &Path, open: impl Fn(&Path) -> io::Result<File>) -> io::Result<File> {
    loop {
        let file = open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(io::ErrorKind::WouldBlock.into()),
            // A file system without locks: nobody can hold one.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        if has_name(&file, path)? {
            return Ok(file);
        }
    }
}

#[cfg(unix)]
fn open_file(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;

    use rustix::fs::OFlags;

    // Neither a link to elsewhere nor a pipe, for whose other end this would wait.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    File::options().create(true).truncate(false).write(true).custom_flags(flags).open(path)
}

#[cfg(not(unix))]
fn open_file(path: &Path) -> io::Result<File> {
    File::options().create(true).truncate(false).write(true).open(path)
}

#[cfg(unix)]
fn has_name(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let own = file.metadata()?;
    Ok(fs::metadata(path).is_ok_and(|named| (named.dev(), named.ino()) == (own.dev(), own.ino())))
}

#[cfg(not(unix))]
fn has_name(_: &File, _: &Path) -> io::Result<bool> {
    Ok(true)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::disallowed_methods)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn one_holds_it_and_nothing_stays_behind() {
        let root = tempfile::tempdir().unwrap();
        let place = Place::of(root.path().join("out")).unwrap();
        let first = FolderLock::take(&place).unwrap();
        assert!(first.is_beside());
        assert!(matches!(FolderLock::take(&place), Err(FolderError::Busy { .. })));
        drop(first);
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
        // The folder itself is locked too.
        fs::create_dir(&place.out).unwrap();
        let held = File::open(&place.out).unwrap();
        held.lock().unwrap();
        assert!(matches!(FolderLock::take(&place), Err(FolderError::Busy { .. })));
        drop(held);
        FolderLock::take(&place).unwrap();
    }

    #[test]
    fn never_two_hold_it_however_often_it_changes_hands() {
        let root = tempfile::tempdir().unwrap();
        let place = Place::of(root.path().join("out")).unwrap();
        let (holders, taken) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..500 {
                        if let Ok(lock) = FolderLock::take(&place) {
                            assert_eq!(holders.fetch_add(1, Ordering::SeqCst), 0);
                            taken.fetch_add(1, Ordering::SeqCst);
                            holders.fetch_sub(1, Ordering::SeqCst);
                            drop(lock);
                        }
                    }
                });
            }
        });
        assert!(taken.load(Ordering::SeqCst) > 0);
    }
}
