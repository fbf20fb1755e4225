//! A folder that appears whole or not at all.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::DataError;
use crate::ingested::{MANIFEST, read_manifest};

/// A folder in the making, beside the place it will take.
pub(crate) struct Staging {
    pub(crate) path: PathBuf,
    out: PathBuf,
    _lock: File,
    lock_path: PathBuf,
    published: std::cell::Cell<bool>,
}

impl Staging {
    pub(crate) fn create(out: &Path, force: bool) -> Result<Self, DataError> {
        let fail = |path: &Path| {
            let path = path.to_owned();
            move |error: std::io::Error| DataError::unwritable(&path, error)
        };
        if out.exists() {
            let empty = out.is_dir() && fs::read_dir(out).map_err(fail(out))?.next().is_none();
            let ours = out.join(MANIFEST).exists() && read_manifest(&out.join(MANIFEST)).is_ok();
            if !empty && !ours {
                return Err(DataError::unwritable(out, "it holds other files; choose another folder"));
            }
            if ours && !force {
                return Err(DataError::unwritable(
                    out,
                    "it holds an ingested release already; choose another folder or give --force",
                ));
            }
        }
        let parent = match out.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        fs::create_dir_all(&parent).map_err(fail(&parent))?;
        let name = out.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = name.ok_or_else(|| DataError::unwritable(out, "this is no name of a folder"))?;
        let lock_path = parent.join(format!(".{name}.lock"));
        let lock = File::create(&lock_path).map_err(fail(&lock_path))?;
        if lock.try_lock().is_err() {
            return Err(DataError::unwritable(out, "another ingest is writing it; wait for its end"));
        }
        let path = parent.join(format!(".{name}.partial"));
        // What an ingest that was killed left behind.
        if path.exists() {
            fs::remove_dir_all(&path).map_err(fail(&path))?;
        }
        fs::create_dir(&path).map_err(fail(&path))?;
        Ok(Self { path, out: out.to_owned(), _lock: lock, lock_path, published: std::cell::Cell::new(false) })
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
        let old = self.path.with_extension("old");
        if self.out.exists() {
            if old.exists() {
                fs::remove_dir_all(&old).map_err(fail)?;
            }
            fs::rename(&self.out, &old).map_err(fail)?;
        }
        fs::rename(&self.path, &self.out).map_err(fail)?;
        self.published.set(true);
        if let Some(parent) = self.path.parent() {
            sync_folder(parent).map_err(fail)?;
        }
        if old.exists() {
            fs::remove_dir_all(&old).map_err(fail)?;
        }
        Ok(())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.published.get() {
            // Nothing more can be done where even this fails; the next ingest tries again.
            let _ = fs::remove_dir_all(&self.path);
        }
        let _ = fs::remove_file(&self.lock_path);
    }
}

fn sync_folder(folder: &Path) -> std::io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
