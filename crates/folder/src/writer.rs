//! The one writer of folders: all files beside their place, on the disk, and then one exchange.
//!
//! Whatever ends the program, the folder is the earlier one or the new one, with all its files; what is left of the other is
//! taken away by the next command that writes the folder. Where the file system cannot exchange two folders in one step, the earlier
//! one is renamed aside for a moment, and the next command puts it back should the program be killed in it.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use reorient_files::sync_folder;

use crate::error::{FolderError, Names};
use crate::file::{NewFile, WrittenFile};
use crate::lock::{FolderLock, cannot_be_beside};
use crate::place::Place;
use crate::record::Record;
use crate::within::{self, PARTIAL};
use crate::{Asked, Target, entries, is_unfinished, remove_ours};

/// A folder in the making. What is not published vanishes.
///
/// While it is made, names beside the folder say whose they are: `.NAME.reorient-lock`, `.NAME.reorient-partial`, and on file
/// systems without an exchange `.NAME.reorient-old` for a moment.
#[derive(Debug)]
pub struct FolderWriter<'a> {
    target: &'a Target,
    asked: Asked<'a>,
    place: Place,
    staged: Staged,
    /// Last, so that it goes last.
    _lock: FolderLock,
}

/// Where new files are until they take their places.
#[derive(Debug)]
struct Staged {
    path: PathBuf,
    /// Whether that is in the folder itself.
    is_within: bool,
    /// Whether the files are still there.
    is_pending: bool,
}

impl Drop for Staged {
    fn drop(&mut self) {
        if self.is_pending {
            // Nothing more can be done where even this fails; the next command tries again.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

impl<'a> FolderWriter<'a> {
    /// Takes the lock of the folder and makes a place for its files, if it may be written to.
    ///
    /// # Errors
    /// [`FolderError`] when the folder is not free, another process writes it, or nothing can be written.
    pub fn begin(target: &'a Target, asked: Asked<'a>) -> Result<Self, FolderError> {
        let place = Place::of(target.resolve()?)?;
        let lock = FolderLock::take(&place)?;
        recover(&place)?;
        target.held_for(&asked)?;
        let is_stood_in = place.is_stood_in();
        // What takes long to make is not begun where it would have to be moved file by file.
        if is_stood_in && asked.question.is_none() {
            return Err(FolderError::Inside { path: place.out });
        }
        let fail = |source| FolderError::Write { path: place.out.clone(), source };
        let mut staged = None;
        if lock.is_beside() && !is_stood_in && !place.is_mounted() {
            let path = place.beside("partial");
            match fs::create_dir(&path) {
                Ok(()) => staged = Some(Staged { path, is_within: false, is_pending: true }),
                Err(error) if cannot_be_beside(&error) => {}
                Err(error) => return Err(fail(error)),
            }
        }
        let staged = match staged {
            Some(staged) => staged,
            None => {
                fs::create_dir_all(&place.out).map_err(fail)?;
                Staged { path: within::make(&place.out).map_err(fail)?, is_within: true, is_pending: true }
            }
        };
        Ok(Self { target, asked, place, staged, _lock: lock })
    }

    /// Where its files are until [`FolderWriter::publish`].
    pub fn path(&self) -> &Path {
        &self.staged.path
    }

    /// Writes one of its files, which is not there yet.
    ///
    /// # Errors
    /// [`FolderError::Write`] when it cannot be written.
    pub fn write(&self, name: &str, contents: impl FnOnce(&mut NewFile) -> io::Result<()>) -> Result<WrittenFile, FolderError> {
        let written = || {
            let mut file = NewFile::create(&self.staged.path, name)?;
            contents(&mut file)?;
            file.finish()
        };
        written().map_err(|source| FolderError::Write { path: self.place.out.join(name), source })
    }

    /// Gives the folder its name when all is on the disk; `files` are those that may not be yet.
    ///
    /// # Errors
    /// [`FolderError`] when the folder is not free any more or something cannot be written; then it is what it was. Only
    /// [`FolderError::Left`] says that it is the new one.
    pub fn publish(mut self, files: &[WrittenFile]) -> Result<(), FolderError> {
        let out = self.place.out.clone();
        let fail = |source| FolderError::Write { path: out.clone(), source };
        sync(&self.staged.path, files).map_err(fail)?;
        // Making it may have taken long: what was put into the folder meanwhile stays there.
        let old = self.target.claim(&self.asked)?.old.map(|old| old.into_iter().collect::<BTreeSet<String>>());
        if self.staged.is_within {
            return self.publish_within(old.as_ref());
        }
        let exchange = Exchange { place: &self.place, partial: &self.staged.path, replaces: old.is_some() };
        exchange.take_over_mode();
        let earlier = match exchange.swap() {
            Ok(earlier) => earlier,
            // The folder itself may not be moved, but what is in it may.
            Err(error) if old.is_some() && (cannot_be_beside(&error) || is_fixed(&error)) => {
                let within = out.join(PARTIAL);
                fs::rename(&self.staged.path, &within).map_err(|_| fail(error))?;
                self.staged.path = within;
                return self.publish_within(old.as_ref());
            }
            Err(error) => return Err(fail(error)),
        };
        self.staged.is_pending = false;
        let settled = sync_folder(&self.place.parent).map_err(fail).and_then(|()| only(earlier.as_deref(), old.as_ref(), &out));
        if let Err(error) = settled {
            self.staged.is_pending = exchange.undo(earlier.as_deref()).is_ok();
            return Err(error);
        }
        let Some(left) = earlier else { return Ok(()) };
        remove_ours(&left).map_err(|source| FolderError::Left { path: out.clone(), left, source })
    }

    fn publish_within(&mut self, old: Option<&BTreeSet<String>>) -> Result<(), FolderError> {
        let fail = |source| FolderError::Write { path: self.place.out.clone(), source };
        // From here on it is to be restored, not deleted.
        self.staged.is_pending = false;
        within::take_places(&self.place.out, old.unwrap_or(&BTreeSet::new()), None).map_err(fail)?;
        within::restore(&self.place.out).map_err(fail)
    }
}

/// Refuses where the earlier folder holds what came in at the last moment.
fn only(earlier: Option<&Path>, old: Option<&BTreeSet<String>>, out: &Path) -> Result<(), FolderError> {
    let Some(earlier) = earlier else { return Ok(()) };
    let is_listed = |name: &std::ffi::OsString| old.is_some_and(|old| old.iter().any(|own| name == own.as_str()));
    let unlisted: Vec<_> = entries(earlier)?.into_iter().filter(|name| !is_listed(name)).collect();
    if unlisted.is_empty() {
        return Ok(());
    }
    Err(FolderError::Unlisted { names: Names::of(earlier, &unlisted), path: out.to_owned() })
}

/// Waits for the disk once: all files and the names in their folder, side by side.
pub(crate) fn sync(folder: &Path, files: &[WrittenFile]) -> io::Result<()> {
    std::thread::scope(|scope| {
        let started: Vec<_> = files.iter().map(|file| scope.spawn(|| file.sync())).collect();
        let names = sync_folder(folder);
        let lost = || io::Error::other("a thread that waited for the disk ended early");
        let done: Vec<_> = started.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err(lost()))).collect();
        done.into_iter().collect::<io::Result<()>>().and(names)
    })
}

/// One folder in the place of another.
struct Exchange<'a> {
    place: &'a Place,
    partial: &'a Path,
    /// Whether there is an earlier folder with something in it.
    replaces: bool,
}

impl Exchange<'_> {
    /// Gives the new folder its name and says where the earlier one is now.
    fn swap(&self) -> io::Result<Option<PathBuf>> {
        let out = &self.place.out;
        if !self.replaces {
            clear_unfinished(out)?;
            // What is not empty does not give way.
            fs::rename(self.partial, out)?;
            return Ok(None);
        }
        if exchange(self.partial, out)? {
            return Ok(Some(self.partial.to_owned()));
        }
        let aside = self.place.beside("old");
        fs::rename(out, &aside)?;
        if let Err(error) = fs::rename(self.partial, out) {
            fs::rename(&aside, out)?;
            return Err(error);
        }
        Ok(Some(aside))
    }

    /// Makes the folder what it was.
    fn undo(&self, earlier: Option<&Path>) -> io::Result<()> {
        let out = &self.place.out;
        match earlier {
            Some(partial) if partial == self.partial => exchange(partial, out).map(drop),
            Some(aside) => fs::rename(out, self.partial).and_then(|()| fs::rename(aside, out)),
            None => fs::rename(out, self.partial),
        }
    }

    /// Who may enter the earlier folder may enter the new one.
    fn take_over_mode(&self) {
        let Ok(earlier) = fs::metadata(&self.place.out) else { return };
        // Whoever may write here may do without: the folder is theirs then.
        let _ = fs::set_permissions(self.partial, earlier.permissions());
        #[cfg(unix)]
        {
            use std::os::unix::fs::{MetadataExt, chown};
            if fs::metadata(self.partial).is_ok_and(|new| new.gid() != earlier.gid()) {
                let _ = chown(self.partial, None, Some(earlier.gid()));
            }
        }
    }
}

/// Exchanges two folders in one step; says whether it did, as not every system and file system can.
#[cfg(any(target_os = "linux", target_os = "macos"))]
fn exchange(left: &Path, right: &Path) -> io::Result<bool> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use rustix::io::Errno;
    match renameat_with(CWD, left, CWD, right, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(true),
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn exchange(_: &Path, _: &Path) -> io::Result<bool> {
    Ok(false)
}

/// Whether a folder cannot be moved because of what it is.
fn is_fixed(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::CrossesDevices | io::ErrorKind::ResourceBusy)
}

/// Puts back the folder that a killed command had renamed aside or taken apart, and takes away what such a command has left.
/// Nobody else may be writing the folder.
pub(crate) fn recover(place: &Place) -> Result<(), FolderError> {
    let fail = |source| FolderError::Write { path: place.out.clone(), source };
    let (partial, old) = (place.beside("partial"), place.beside("old"));
    if !is_there(&place.out) && Record::read(&old).is_some_and(|record| record.is_whole(&old)) {
        fs::rename(&old, &place.out).map_err(fail)?;
    }
    within::restore(&place.out).map_err(fail)?;
    // A folder with a manifest has all its files, or is one that has given way: others may have put theirs into it.
    if is_there(&partial) && Record::read(&partial).is_none() {
        fs::remove_dir_all(&partial).map_err(fail)?;
    }
    for left in [partial, old] {
        remove_ours(&left).map_err(|source| {
            let problem =
                format!("{} cannot be removed, as files of somebody else's may be in it; move them elsewhere", left.display());
            fail(io::Error::other(format!("{problem} ({source})")))
        })?;
    }
    Ok(())
}

/// Whether a killed command has left something to put back.
pub(crate) fn is_broken(place: &Place) -> bool {
    is_there(&place.out.join(PARTIAL)) || !is_there(&place.out) && is_there(&place.beside("old"))
}

fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Takes away unfinished files, which a killed program leaves behind.
pub(crate) fn clear_unfinished(folder: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if is_unfinished(&entry.file_name()) && entry.file_type()?.is_file() {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
