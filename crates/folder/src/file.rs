//! Files in the making.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::record::FileEntry;
use crate::{TEMPORARY, parent};

/// A new file of a folder in the making, which counts and hashes what passes.
#[derive(Debug)]
pub struct NewFile {
    name: String,
    out: BufWriter<File>,
    bytes: u64,
    hasher: blake3::Hasher,
}

/// A file with all its bytes, which may not have reached the disk.
#[derive(Debug)]
pub struct WrittenFile {
    file: File,
    /// What a manifest says of it.
    pub entry: FileEntry,
}

impl NewFile {
    /// Makes a file that is not there yet.
    pub(crate) fn create(folder: &Path, name: &str) -> io::Result<Self> {
        let file = File::options().write(true).create_new(true).open(folder.join(name))?;
        Ok(Self { name: name.to_owned(), out: BufWriter::new(file), bytes: 0, hasher: blake3::Hasher::new() })
    }

    /// Hands over what is still in memory.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn finish(self) -> io::Result<WrittenFile> {
        let blake3 = self.hasher.finalize().to_hex().to_string();
        let entry = FileEntry { name: self.name, bytes: self.bytes, blake3 };
        let file = self.out.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(WrittenFile { file, entry })
    }
}

impl Write for NewFile {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.out.write(buffer)?;
        self.hasher.update(&buffer[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl WrittenFile {
    /// Waits until its bytes are on the disk.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }
}

/// Writes one file in the place of what has its name, whole or not at all.
///
/// # Errors
/// Those of the disk; then nothing has changed.
pub fn write_whole(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY.0).suffix(TEMPORARY.1);
    #[cfg(unix)]
    {
        // Like any new file; the umask still applies.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(parent(path))?;
    file.write_all(contents)?;
    file.as_file().sync_all()?;
    file.persist(path).map(drop).map_err(|failure| failure.error)
}
