//! Files that take their places in a folder which itself stays: that of a sweep, which holds its store too, the one that a user
//! stands in, the root of a file system, or one beside which nothing can be made.
//!
//! All is written into [`PARTIAL`] within the folder. Then the earlier files are moved into [`SAVED`] within that, the new ones take
//! their places, and the manifest comes last: from that moment on the folder is the new one. A program that is killed before has
//! left all files of the earlier folder on the disk, and the next command that writes the folder puts them back ([`restore`]).

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use reorient_files::{Limit, sync_folder};

use crate::error::FolderError;
use crate::file::{NewFile, WrittenFile, write_whole};
use crate::lock::FolderLock;
use crate::record::Record;
use crate::writer::{clear_unfinished, sync};
use crate::{MANIFEST, SYNTHETIC, Target, listed};

/// Where new files are until they take their places.
pub(crate) const PARTIAL: &str = ".reorient-partial";
/// Within it, where the earlier files are meanwhile.
const SAVED: &str = "old";

/// New files for a folder that stays, since it is a place of work too. Nobody else writes such files meanwhile.
#[derive(Debug)]
pub struct FilesWriter {
    out: PathBuf,
    partial: PathBuf,
    is_pending: bool,
    /// Last, so that it goes last.
    _lock: FolderLock,
}

impl FilesWriter {
    /// Makes a place for new files in a folder that the caller may write to.
    ///
    /// # Errors
    /// [`FolderError`] when another process writes them, or nothing can be written.
    pub fn begin(out: &Path) -> Result<Self, FolderError> {
        let lock = Target::new(out).lock()?;
        let partial = make(out).map_err(|source| FolderError::Write { path: out.to_owned(), source })?;
        Ok(Self { out: out.to_owned(), partial, is_pending: true, _lock: lock })
    }

    /// Makes one of the files, which is not there yet.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn create(&self, name: &str) -> io::Result<NewFile> {
        NewFile::create(&self.partial, name)
    }

    /// Puts the files, among them a manifest, in the place of `old` ones. While they take their places, the manifest says
    /// `meanwhile`.
    ///
    /// # Errors
    /// [`FolderError::Write`] when something cannot be written; then all files are the earlier ones as far as the disk allows.
    pub fn publish(
        mut self,
        files: &[WrittenFile],
        old: impl IntoIterator<Item = String>,
        meanwhile: &[u8],
    ) -> Result<(), FolderError> {
        let old = old.into_iter().chain(listed(&self.out).unwrap_or_default()).collect();
        let fail = |source| FolderError::Write { path: self.out.clone(), source };
        sync(&self.partial, files).map_err(fail)?;
        // From here on they are to be taken back, not deleted.
        self.is_pending = false;
        take_places(&self.out, &old, Some(meanwhile)).and_then(|()| restore(&self.out)).map_err(fail)
    }
}

impl Drop for FilesWriter {
    fn drop(&mut self) {
        if self.is_pending {
            // The next command tries again where even this fails.
            let _ = fs::remove_dir_all(&self.partial);
        }
    }
}

/// Puts back what a killed program was replacing in a folder that is a place of work too, and takes away what it left unfinished.
/// Nobody else may be writing there.
///
/// # Errors
/// [`FolderError::Write`] when something cannot be moved or removed.
pub fn tidy(out: &Path) -> Result<(), FolderError> {
    restore(out).and_then(|()| clear_unfinished(out)).map_err(|source| FolderError::Write { path: out.to_owned(), source })
}

/// Puts the files of [`PARTIAL`] in the place of `old` ones. Whatever takes longer than a look finds `meanwhile` as the manifest.
/// On an error, the folder is the earlier one again as far as the disk allows.
pub(crate) fn take_places(out: &Path, old: &BTreeSet<String>, meanwhile: Option<&[u8]>) -> io::Result<()> {
    let moved = moved(out, old, meanwhile);
    if moved.is_err() {
        // The next command tries again where even this fails.
        let _ = restore(out);
    }
    moved
}

fn moved(out: &Path, old: &BTreeSet<String>, meanwhile: Option<&[u8]>) -> io::Result<()> {
    let partial = out.join(PARTIAL);
    let saved = partial.join(SAVED);
    let manifest = manifest_of(&partial).ok_or_else(|| io::Error::other("it has no manifest"))?;
    let new = names(&partial)?;
    fs::create_dir(&saved)?;
    if let Some(meanwhile) = meanwhile
        && out.join(manifest).is_file()
    {
        let earlier = reorient_files::read(&out.join(manifest), Limit::MANIFEST).map_err(io::Error::from)?;
        write_whole(&saved.join(manifest), &earlier)?;
        write_whole(&out.join(manifest), meanwhile)?;
    }
    for name in old.iter().filter(|name| *name != manifest) {
        if_there(fs::rename(out.join(name), saved.join(name)))?;
    }
    for name in new.iter().filter(|name| *name != manifest) {
        fs::rename(partial.join(name), out.join(name))?;
    }
    fs::rename(partial.join(manifest), out.join(manifest))?;
    sync_folder(out)
}

/// Makes a folder the earlier one again if new files had begun to take their places, and takes away what is left of them. The
/// folder may hold nothing of the kind; nobody else may be writing it.
pub(crate) fn restore(out: &Path) -> io::Result<()> {
    let partial = out.join(PARTIAL);
    if !is_folder(&partial) {
        return Ok(());
    }
    let saved = partial.join(SAVED);
    // Without the manifest nothing had begun, or all is done. Each step can be taken again, should this be killed too.
    if is_folder(&saved)
        && let Some(manifest) = manifest_of(&partial)
        && let Some(record) = Record::read(&partial)
    {
        for name in record.names().iter().filter(|name| !partial.join(name).exists()) {
            if_there(fs::rename(out.join(name), partial.join(name)))?;
        }
        for name in names(&saved)? {
            fs::rename(saved.join(&name), out.join(&name))?;
        }
        fs::remove_file(partial.join(manifest))?;
    }
    fs::remove_dir_all(&partial)
}

/// The folder for new files, empty.
pub(crate) fn make(out: &Path) -> io::Result<PathBuf> {
    restore(out)?;
    let partial = out.join(PARTIAL);
    fs::create_dir(&partial)?;
    Ok(partial)
}

fn manifest_of(folder: &Path) -> Option<&'static str> {
    [MANIFEST, SYNTHETIC].into_iter().find(|name| folder.join(name).is_file())
}

fn names(folder: &Path) -> io::Result<Vec<OsString>> {
    fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.file_name())).collect()
}

fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|entry| entry.is_dir())
}

/// What is not there need not be done.
fn if_there(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}
