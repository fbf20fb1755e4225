//! Where a folder is, and names beside it.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::FolderError;
use crate::parent;

/// A folder that may not be there yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The folder, for messages too.
    pub(crate) out: PathBuf,
    /// The folder that it lies in.
    pub(crate) parent: PathBuf,
    name: OsString,
}

impl Place {
    /// Of a folder that no link stands for.
    pub(crate) fn of(out: PathBuf) -> Result<Self, FolderError> {
        let fail = |source| FolderError::Write { path: out.clone(), source };
        // `.` and `..` end in no name of their own.
        let named = if out.file_name().is_some() { out.clone() } else { fs::canonicalize(&out).map_err(fail)? };
        let name = named.file_name().ok_or_else(|| fail(io::Error::other("this is no name of a folder")))?;
        Ok(Self { parent: parent(&named).to_owned(), name: name.to_owned(), out })
    }

    /// The name of something of ours that stands beside the folder for a while: `.NAME.reorient-WHAT`.
    pub(crate) fn beside(&self, what: &str) -> PathBuf {
        let mut name = OsString::from(".");
        name.push(&self.name);
        name.push(".reorient-");
        name.push(what);
        self.parent.join(name)
    }

    /// Whether this process stands in the folder or below it: another folder in its place would leave the user in the old one.
    pub(crate) fn is_stood_in(&self) -> bool {
        let folder = fs::canonicalize(&self.out);
        folder.is_ok_and(|folder| std::env::current_dir().is_ok_and(|here| here.starts_with(folder)))
    }

    /// Whether the folder is the root of a file system or bound to its place, so that it cannot be renamed.
    pub(crate) fn is_mounted(&self) -> bool {
        is_mount_root(&self.out) || on_another_disk(&self.out, &self.parent)
    }
}

#[cfg(target_os = "linux")]
fn is_mount_root(folder: &Path) -> bool {
    use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};
    statx(CWD, folder, AtFlags::empty(), StatxFlags::empty())
        .is_ok_and(|found| found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

#[cfg(not(target_os = "linux"))]
fn is_mount_root(_: &Path) -> bool {
    false
}

#[cfg(unix)]
fn on_another_disk(folder: &Path, parent: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    matches!((fs::metadata(folder), fs::metadata(parent)), (Ok(own), Ok(above)) if own.dev() != above.dev())
}

#[cfg(not(unix))]
fn on_another_disk(_: &Path, _: &Path) -> bool {
    false
}
