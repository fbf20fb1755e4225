//! Opening and reading.

use std::fs::{self, File, FileType, Metadata, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

use crate::error::{Cause, FileError};
use crate::limit::Limit;
use crate::name::NameInFolder;

/// Whether a link may stand for the file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Links {
    Followed,
    Refused,
}

/// Opens a regular file, or a link to one. It never waits: a pipe without a writer is refused at once, as are all pipes, devices,
/// sockets and folders.
///
/// # Errors
/// [`FileError`] that says what it is and what to do.
pub fn open(path: &Path) -> Result<File, FileError> {
    opened(path, Links::Followed)
}

/// Opens a regular file in a folder; a link is refused, since it may lead out of it.
///
/// # Errors
/// [`FileError`] that says what it is and what to do.
pub fn open_in(folder: &Path, name: &NameInFolder) -> Result<File, FileError> {
    opened(&folder.join(name), Links::Refused)
}

/// All bytes of a regular file with at most so many.
///
/// # Errors
/// [`FileError`] when it cannot be read or has more.
pub fn read(path: &Path, limit: Limit) -> Result<Vec<u8>, FileError> {
    read_from(&open(path)?, path, limit)
}

/// All bytes of a regular file in a folder with at most so many; a link is refused.
///
/// # Errors
/// [`FileError`] when it cannot be read or has more.
pub fn read_in(folder: &Path, name: &NameInFolder, limit: Limit) -> Result<Vec<u8>, FileError> {
    read_from(&open_in(folder, name)?, &folder.join(name), limit)
}

/// The text of a regular file with at most so many bytes.
///
/// # Errors
/// [`FileError`] when it cannot be read, has more or is no UTF-8.
pub fn read_text(path: &Path, limit: Limit) -> Result<String, FileError> {
    String::from_utf8(read(path, limit)?).map_err(|_| FileError::new(path, Cause::NotText))
}

/// What is left of an open file, with at most so many bytes; `path` is for messages.
///
/// # Errors
/// [`FileError`] when it cannot be read or has more.
pub fn read_from(mut file: &File, path: &Path, limit: Limit) -> Result<Vec<u8>, FileError> {
    let unreadable = |error| FileError::new(path, Cause::Unreadable(error));
    let size = file.metadata().map_err(unreadable)?.len();
    if size > limit.bytes() {
        return Err(FileError::new(path, Cause::TooLarge { limit, size: Some(size) }));
    }
    // One byte more, so that neither its end nor a byte beyond the limit needs more room.
    let room = usize::try_from(size).unwrap_or(usize::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(room).map_err(|_| unreadable(io::ErrorKind::OutOfMemory.into()))?;
    // A file can grow meanwhile, and some of those of the system claim to be empty.
    (&mut file).take(limit.bytes() + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > limit.bytes() {
        return Err(FileError::new(path, Cause::TooLarge { limit, size: None }));
    }
    Ok(bytes)
}

/// Makes the names in a folder last, where the system has a way to; for those who write.
///
/// # Errors
/// Those of the disk.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { OpenOptions::new().read(true).open(folder)?.sync_all() } else { Ok(()) }
}

fn opened(path: &Path, links: Links) -> Result<File, FileError> {
    let refused = |found: FileType| not_regular(found).map(|cause| FileError::new(path, cause));
    let file = plainly_opened(path, links).map_err(|error| {
        // What cannot even be opened, such as a socket or a link, is named by what it is.
        let found = match links {
            Links::Followed => fs::metadata(path),
            Links::Refused => fs::symlink_metadata(path),
        };
        let found = found.ok().and_then(|found| refused(found.file_type()));
        found.unwrap_or_else(|| FileError::new(path, Cause::Unreadable(error)))
    })?;
    let metadata: Metadata = file.metadata().map_err(|error| FileError::new(path, Cause::Unreadable(error)))?;
    refused(metadata.file_type()).map_or(Ok(file), Err)
}

#[cfg(unix)]
fn plainly_opened(path: &Path, links: Links) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;

    use rustix::fs::OFlags;

    let flags = match links {
        Links::Followed => OFlags::NONBLOCK,
        Links::Refused => OFlags::NONBLOCK | OFlags::NOFOLLOW,
    };
    OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

#[cfg(not(unix))]
fn plainly_opened(path: &Path, links: Links) -> io::Result<File> {
    if links == Links::Refused && fs::symlink_metadata(path)?.is_symlink() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    OpenOptions::new().read(true).open(path)
}

/// What something is that is no regular file, and what to do.
fn not_regular(found: FileType) -> Option<Cause> {
    if found.is_file() {
        return None;
    }
    let (what, remedy) = if found.is_dir() {
        ("a folder", "name a file in it")
    } else if found.is_symlink() {
        ("a link, and a file that a manifest lists is none", "put the file itself in its place")
    } else if is_pipe(found) {
        ("a named pipe (FIFO)", "write its contents to a file and name that")
    } else {
        ("a device or a socket", "write its contents to a file and name that")
    };
    Some(Cause::NotRegular { what, remedy })
}

#[cfg(unix)]
fn is_pipe(found: FileType) -> bool {
    std::os::unix::fs::FileTypeExt::is_fifo(&found)
}

#[cfg(not(unix))]
const fn is_pipe(_: FileType) -> bool {
    false
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::FileErrorKind;

    const SMALL: Limit = Limit::new(5, "a small file");

    #[test]
    fn a_file_has_at_most_its_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "12345").unwrap();
        assert_eq!(read(&path, SMALL).unwrap(), b"12345");
        assert_eq!(read_in(folder.path(), &NameInFolder::new("a").unwrap(), SMALL).unwrap(), b"12345");
        fs::write(&path, "123456").unwrap();
        let error = read(&path, SMALL).unwrap_err();
        assert_eq!(error.kind(), FileErrorKind::BadData);
        assert_eq!(error.problem(), "is too large: a small file has at most 5 bytes, this has 6 bytes; name another file");
        fs::write(&path, "\u{e9}\u{e9}").unwrap();
        assert_eq!(read_text(&path, SMALL).unwrap(), "\u{e9}\u{e9}");
        fs::write(&path, b"\xe9").unwrap();
        assert_eq!(read_text(&path, SMALL).unwrap_err().kind(), FileErrorKind::BadData);
        let absent = read(&folder.path().join("b"), SMALL).unwrap_err();
        assert!(absent.is_absent() && absent.kind() == FileErrorKind::CannotRead, "{absent}");
        let error = open(folder.path()).unwrap_err();
        assert_eq!(error.problem(), "is a folder; name a file in it");
    }

    #[cfg(unix)]
    #[test]
    fn what_never_ends_or_leads_elsewhere_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let made = std::process::Command::new("mkfifo").arg(at("pipe")).status().unwrap();
        assert!(made.success());
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        fs::write(at("file"), "1").unwrap();
        for (link, target) in [("link", "file"), ("to-pipe", "pipe"), ("out", "/dev/zero"), ("nowhere", "missing")] {
            std::os::unix::fs::symlink(target, at(link)).unwrap();
        }
        let problem = |path: &Path| {
            let error = read(path, SMALL).unwrap_err();
            assert_eq!(error.kind(), FileErrorKind::CannotRead);
            error.problem()
        };
        for name in ["pipe", "to-pipe"] {
            assert_eq!(problem(&at(name)), "is a named pipe (FIFO); write its contents to a file and name that");
        }
        for name in [at("socket"), at("out"), "/dev/zero".into(), "/dev/null".into()] {
            assert_eq!(
                problem(&name),
                "is a device or a socket; write its contents to a file and name that",
                "{}",
                name.display()
            );
        }
        assert!(problem(&at("nowhere")).starts_with("cannot be read: "));
        assert_eq!(read(&at("link"), SMALL).unwrap(), b"1");
        for name in ["link", "out", "nowhere", "to-pipe", "pipe"] {
            let error = open_in(folder.path(), &NameInFolder::new(name).unwrap()).unwrap_err();
            let expected = if name == "pipe" { "is a named pipe" } else { "is a link, and a file that a manifest lists is none" };
            assert!(error.problem().starts_with(expected), "{error}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_that_claims_to_be_empty_has_a_limit_too() {
        let path = Path::new("/proc/self/status");
        assert_eq!(fs::metadata(path).unwrap().len(), 0);
        assert_eq!(read(path, SMALL).unwrap_err().kind(), FileErrorKind::BadData);
    }
}
