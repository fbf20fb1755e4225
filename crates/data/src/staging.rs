//! A folder that appears whole or not at all.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use reorient_files::sync_folder;
use reorient_folder::{Asked, Target, parent, remove_ours};

use crate::DataError;

/// The kind of folder, as its manifest says it.
const KIND: &str = "ingest";

/// A folder in the making, beside the place it will take. Names beside it say whose they are: `.NAME.reorient-lock`,
/// `.NAME.reorient-partial`, and for a moment `.NAME.reorient-old`.
pub(crate) struct Staging<'a> {
    pub(crate) path: PathBuf,
    target: &'a Target,
    out: PathBuf,
    old: PathBuf,
    _lock: File,
    lock_path: PathBuf,
    published: std::cell::Cell<bool>,
}

impl<'a> Staging<'a> {
    pub(crate) fn create(target: &'a Target) -> Result<Self, DataError> {
        let fail = |path: &Path| {
            let path = path.to_owned();
            move |error: std::io::Error| DataError::unwritable(&path, error)
        };
        let out = claim(target)?;
        let folder = parent(&out).to_owned();
        fs::create_dir_all(&folder).map_err(fail(&folder))?;
        let name = out.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = name.ok_or_else(|| DataError::unwritable(&out, "this is no name of a folder"))?;
        let beside = |what: &str| folder.join(format!(".{name}.reorient-{what}"));
        let lock_path = beside("lock");
        let lock = File::options().create(true).truncate(false).write(true).open(&lock_path).map_err(fail(&lock_path))?;
        if lock.try_lock().is_err() {
            return Err(DataError::unwritable(&out, "another ingest is writing it; wait for its end"));
        }
        let path = beside("partial");
        // What an ingest that was killed left behind.
        if path.exists() {
            fs::remove_dir_all(&path).map_err(fail(&path))?;
        }
        fs::create_dir(&path).map_err(fail(&path))?;
        let old = beside("old");
        Ok(Self { path, target, out, old, _lock: lock, lock_path, published: std::cell::Cell::new(false) })
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), DataError> {
        let path = self.path.join(name);
        let written = File::create(&path).and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
        written.map_err(|error| DataError::unwritable(&self.out.join(name), error))
    }

    /// Gives the folder its name.
    pub(crate) fn publish(&self) -> Result<(), DataError> {
        let fail = |error: std::io::Error| DataError::unwritable(&self.out, error);
        sync_folder(&self.path).map_err(fail)?;
        // Reading may have taken long: what was put into the folder meanwhile stays there.
        claim(self.target)?;
        discard(&self.old)?;
        if self.out.exists() {
            fs::rename(&self.out, &self.old).map_err(fail)?;
        }
        fs::rename(&self.path, &self.out).map_err(fail)?;
        self.published.set(true);
        if let Some(parent) = self.path.parent() {
            sync_folder(parent).map_err(fail)?;
        }
        discard(&self.old)
    }
}

impl Drop for Staging<'_> {
    fn drop(&mut self) {
        if !self.published.get() {
            // Nothing more can be done where even this fails; the next ingest tries again.
            let _ = fs::remove_dir_all(&self.path);
        }
        let _ = fs::remove_file(&self.lock_path);
    }
}

/// The folder, if an ingest may write it. What was ingested before takes long to make, so it is replaced on demand only.
fn claim(target: &Target) -> Result<PathBuf, DataError> {
    let out = target.claim(&Asked { kind: KIND, question: None, work: None })?.path;
    // Whoever stands in a folder that is renamed finds nothing there any more.
    let is_here = |folder: &Path| {
        let folder = fs::canonicalize(folder);
        folder.is_ok_and(|folder| std::env::current_dir().is_ok_and(|here| here.starts_with(folder)))
    };
    if is_here(&out) {
        return Err(DataError::unwritable(&out, "you are in this folder; go to another one and name it from there"));
    }
    Ok(out)
}

/// Takes away a folder that has given way; what is not ours stays in it, and is told.
fn discard(old: &Path) -> Result<(), DataError> {
    remove_ours(old).map_err(|error| {
        let problem = format!("it cannot be removed, as files of somebody else's may be in it; move them elsewhere ({error})");
        DataError::unwritable(old, problem)
    })
}
