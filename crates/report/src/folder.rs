//! A result folder, complete or without a manifest. Who may write to it is `reorient-folder`'s to say.
//!
//! All files are written under temporary names and synced first; then the old manifest goes, the files take their names, and
//! the new manifest comes last. A folder with a manifest therefore always holds the files that it lists, whatever becomes of the
//! program. Names are synced once, at the end: where the power fails before, file systems with a journal have kept the changes
//! of a folder in the order in which they were made, and on others the hashes of the manifest tell.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use reorient_core::CountryTable;
use reorient_files::sync_folder;
use reorient_folder::{Asked, FolderError, TEMPORARY, Target, parent};
pub(crate) use reorient_folder::{FileEntry, MANIFEST};
use reorient_metrics::Collection;
use tempfile::NamedTempFile;

use crate::manifest::{Document, Manifest};
use crate::{Figure, csv, flows};

const FLOWS_CSV: &str = "flows.csv";
/// The kind in the manifest of a folder with the results of a run.
pub const KIND: &str = "result";

/// What a result folder holds besides the usual files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FolderOptions {
    /// Also `flows.csv`.
    pub csv_flows: bool,
    /// Figures, each as SVG and PNG.
    pub figures: Vec<Figure>,
}

/// Why a result folder was not written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The operating system refused, or a disk is full.
    #[error("cannot write {path}: {source}")]
    Write {
        /// What was being written.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The folder or its manifest cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// What was being read.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// It is not free.
    #[error(transparent)]
    Folder(#[from] FolderError),
}

impl ReportError {
    /// Exit code of the program: cannot write.
    pub const fn exit_code(&self) -> u8 {
        74
    }
}

/// A row of `coverage.csv`: code, status, listed codes, all codes it stands for, imports and world exports in thousand USD, and
/// what it holds beside the listed codes.
pub type CoverageLine = [String; 7];

/// Columns of `coverage.csv`.
pub(crate) const COVERAGE: [&str; 7] =
    ["code", "status", "n_listed", "n_descendants", "imports_kusd", "world_exports_kusd", "also_holds"];

fn write_coverage(out: impl Write, coverage: &[CoverageLine]) -> io::Result<()> {
    let mut writer = ::csv::Writer::from_writer(out);
    writer.write_record(COVERAGE)?;
    for line in coverage {
        writer.write_record(line)?;
    }
    writer.flush()
}

/// Writes a result folder and returns the names of its files in the order in which they were completed.
///
/// Creates the directory if need be.
///
/// # Errors
/// [`ReportError`] when the folder is not free or something cannot be written. No file is ever left half-written, and no
/// manifest of an incomplete folder.
pub fn write_folder(
    target: &Target,
    collection: &Collection,
    countries: &CountryTable,
    manifest: &Manifest,
    coverage: &[CoverageLine],
    options: &FolderOptions,
) -> Result<Vec<String>, ReportError> {
    let mut parts: Vec<(String, WriteFile<'_>)> = vec![
        ("table_a1.csv".to_owned(), Box::new(|out| csv::table_a1(collection, countries).write(out))),
        ("shares.csv".to_owned(), Box::new(|out| csv::shares(collection, countries).write(out))),
        ("products.csv".to_owned(), Box::new(|out| csv::products(collection).write(out))),
        ("flows.parquet".to_owned(), Box::new(|out| flows::write_parquet(out, collection, countries, &manifest.version))),
        ("coverage.csv".to_owned(), Box::new(|out| write_coverage(out, coverage))),
    ];
    if options.csv_flows {
        parts.push((FLOWS_CSV.to_owned(), Box::new(|out| flows::write_csv(out, collection, countries))));
    }
    parts.extend(options.figures.iter().flat_map(Figure::parts));
    write_parts(target, KIND, &manifest.scenario, parts, |files, out| {
        serde_json::to_writer_pretty(out, &Document::new(manifest, &collection.headline, files))
    })
}

/// Writes files and the manifest that lists them into a folder of a kind, whole or not at all; returns the names in the order of
/// completion. Files of an earlier manifest that are not written again go.
pub(crate) fn write_parts(
    target: &Target,
    kind: &str,
    question: &BTreeMap<String, String>,
    parts: Vec<(String, WriteFile<'_>)>,
    manifest: impl FnOnce(&[FileEntry], &mut dyn Write) -> serde_json::Result<()>,
) -> Result<Vec<String>, ReportError> {
    let claimed = target.claim(&Asked { kind, question: Some(question), work: None })?;
    let directory = claimed.path.as_path();
    fs::create_dir_all(directory).map_err(|source| write_error(directory, source))?;
    let mut written = side_by_side(directory, parts, |(name, contents)| write(directory, &name, contents))?;
    let files: Vec<FileEntry> = written.iter().map(|file| file.entry.clone()).collect();
    written.push(write(directory, MANIFEST, |out| {
        manifest(&files, out)?;
        out.write_all(b"\n")
    })?);
    // Side by side, so that the disk is waited for once.
    let mut staged = side_by_side(directory, written, |file| file.sync(directory))?;
    let lost = || write_error(&directory.join(MANIFEST), io::Error::other("it was not written"));
    let last = staged.pop().ok_or_else(lost)?;
    complete(directory, claimed.old, staged, last)
}

/// What writes the contents of a file.
pub(crate) type WriteFile<'a> = Box<dyn FnOnce(&mut Hashing<BufWriter<&File>>) -> io::Result<()> + Send + 'a>;

impl Figure {
    /// Its two files.
    pub(crate) fn parts(&self) -> [(String, WriteFile<'_>); 2] {
        [
            (format!("{}.svg", self.name), Box::new(|out| out.write_all(self.svg.as_bytes()))),
            (format!("{}.png", self.name), Box::new(|out| out.write_all(&self.png))),
        ]
    }
}

/// Does something with each item on a thread of its own; results are in the order of the items.
fn side_by_side<I: Send, T: Send>(
    directory: &Path,
    items: Vec<I>,
    act: impl Fn(I) -> Result<T, ReportError> + Sync,
) -> Result<Vec<T>, ReportError> {
    let act = &act;
    std::thread::scope(|scope| {
        let started: Vec<_> = items.into_iter().map(|item| scope.spawn(move || act(item))).collect();
        let lost = || write_error(directory, io::Error::other("a thread that wrote a file ended early"));
        let done: Vec<_> = started.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err(lost()))).collect();
        done.into_iter().collect()
    })
}

/// Gives staged files their names, the manifest `last`. `old` are the files of an earlier manifest, if there is one; those that
/// are not staged again go.
pub(crate) fn complete(
    directory: &Path,
    old: Option<Vec<String>>,
    staged: Vec<Staged>,
    last: Staged,
) -> Result<Vec<String>, ReportError> {
    if let Some(old) = old {
        remove(&directory.join(MANIFEST))?;
        for name in old.iter().filter(|name| staged.iter().all(|file| file.entry.name != **name)) {
            remove(&directory.join(name))?;
        }
    }
    let mut names = Vec::with_capacity(staged.len() + 1);
    for file in staged {
        names.push(publish(directory, file)?);
    }
    names.push(publish(directory, last)?);
    sync(directory)?;
    Ok(names)
}

/// Writes one file, whole or not at all; a link stays a link.
///
/// # Errors
/// [`ReportError::Write`] when it cannot be written.
pub fn write_file(path: &Path, contents: &[u8]) -> Result<(), ReportError> {
    let is_link = fs::symlink_metadata(path).is_ok_and(|entry| entry.is_symlink());
    let followed = if is_link { fs::canonicalize(path).map_err(|source| write_error(path, source))? } else { path.to_owned() };
    let path = followed.as_path();
    let directory = parent(path);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    publish(directory, stage(directory, &name, |out| out.write_all(contents))?)?;
    Ok(())
}

/// A file under a temporary name whose contents may not have reached the disk; it vanishes unless published.
struct Written {
    file: NamedTempFile,
    entry: FileEntry,
}

impl Written {
    fn sync(self, directory: &Path) -> Result<Staged, ReportError> {
        let synced = self.file.as_file().sync_all();
        synced.map_err(|source| write_error(&directory.join(&self.entry.name), source))?;
        Ok(Staged { file: self.file, entry: self.entry })
    }
}

/// A complete file under a temporary name, which vanishes unless published.
pub(crate) struct Staged {
    file: NamedTempFile,
    pub(crate) entry: FileEntry,
}

/// Counts and hashes what passes.
pub(crate) struct Hashing<W> {
    out: W,
    bytes: u64,
    hasher: blake3::Hasher,
}

impl<W: Write> Write for Hashing<W> {
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

/// Writes a file under a temporary name and syncs it.
pub(crate) fn stage(
    directory: &Path,
    name: &str,
    contents: impl FnOnce(&mut Hashing<BufWriter<&File>>) -> io::Result<()>,
) -> Result<Staged, ReportError> {
    write(directory, name, contents)?.sync(directory)
}

fn write(
    directory: &Path,
    name: &str,
    contents: impl FnOnce(&mut Hashing<BufWriter<&File>>) -> io::Result<()>,
) -> Result<Written, ReportError> {
    let written = || {
        let file = temporary(directory)?;
        let mut out = Hashing { out: BufWriter::new(file.as_file()), bytes: 0, hasher: blake3::Hasher::new() };
        contents(&mut out)?;
        out.flush()?;
        let entry = FileEntry { name: name.to_owned(), bytes: out.bytes, blake3: out.hasher.finalize().to_hex().to_string() };
        drop(out);
        Ok(Written { file, entry })
    };
    written().map_err(|source| write_error(&directory.join(name), source))
}

/// A file that is written piece by piece, under a temporary name until it is [`Staged`]; what is not finished vanishes.
pub(crate) struct Growing {
    name: String,
    out: Hashing<BufWriter<NamedTempFile>>,
}

impl Growing {
    pub(crate) fn create(directory: &Path, name: &str) -> Result<Self, ReportError> {
        let file = temporary(directory).map_err(|source| write_error(&directory.join(name), source))?;
        let out = Hashing { out: BufWriter::new(file), bytes: 0, hasher: blake3::Hasher::new() };
        Ok(Self { name: name.to_owned(), out })
    }

    /// Syncs what was written.
    pub(crate) fn finish(mut self) -> io::Result<Staged> {
        self.out.flush()?;
        let blake3 = self.out.hasher.finalize().to_hex().to_string();
        let entry = FileEntry { name: self.name, bytes: self.out.bytes, blake3 };
        let file = self.out.out.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.as_file().sync_all()?;
        Ok(Staged { file, entry })
    }
}

impl Write for Growing {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.out.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn temporary(directory: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY.0).suffix(TEMPORARY.1);
    #[cfg(unix)]
    {
        // Like any new file; the umask still applies.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(directory)
}

/// Takes away files that a program which was killed left unfinished; nobody else may be writing to the folder.
pub(crate) fn clean(directory: &Path) -> Result<(), ReportError> {
    let read_error = |source| ReportError::Read { path: directory.to_owned(), source };
    for entry in fs::read_dir(directory).map_err(read_error)? {
        let name = entry.map_err(read_error)?.file_name();
        let text = name.to_string_lossy();
        if text.starts_with(TEMPORARY.0) && text.ends_with(TEMPORARY.1) {
            remove(&directory.join(&name))?;
        }
    }
    Ok(())
}

fn publish(directory: &Path, staged: Staged) -> Result<String, ReportError> {
    let path = directory.join(&staged.entry.name);
    staged.file.persist(&path).map_err(|failure| write_error(&path, failure.error))?;
    Ok(staged.entry.name)
}

pub(crate) fn remove(path: &Path) -> Result<(), ReportError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(write_error(path, source)),
        _ => Ok(()),
    }
}

/// Makes the names in a directory durable, where the system offers that.
fn sync(directory: &Path) -> Result<(), ReportError> {
    sync_folder(directory).map_err(|source| write_error(directory, source))
}

pub(crate) fn write_error(path: &Path, source: io::Error) -> ReportError {
    ReportError::Write { path: path.to_owned(), source }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::disallowed_methods)]
mod tests {
    use super::*;
    use crate::sample;

    fn write(directory: &Path, csv_flows: bool) -> Result<Vec<String>, ReportError> {
        let options = FolderOptions { csv_flows, ..FolderOptions::default() };
        let target = Target::new(directory);
        write_folder(&target, &sample::collection(), &sample::countries(), &sample::manifest(), &[], &options)
    }

    fn listed(directory: &Path) -> Vec<FileEntry> {
        let manifest: serde_json::Value = serde_json::from_slice(&fs::read(directory.join(MANIFEST)).unwrap()).unwrap();
        serde_json::from_value(manifest["files"].clone()).unwrap()
    }

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn the_manifest_describes_every_other_file() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("new/result");
        let written = write(&directory, true).unwrap();
        assert_eq!(written.last().unwrap(), MANIFEST);
        let listed = listed(&directory);
        assert_eq!(listed.len(), 6);
        for file in &listed {
            let bytes = fs::read(directory.join(&file.name)).unwrap();
            assert_eq!((bytes.len() as u64, blake3::hash(&bytes).to_hex().to_string()), (file.bytes, file.blake3.clone()));
        }
        assert_eq!(names(&directory).len(), written.len());
    }

    #[test]
    fn what_a_killed_program_left_does_not_stand_in_the_way() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(".reorient-AbC123.tmp"), "half").unwrap();
        write(directory.path(), false).unwrap();
        assert!(directory.path().join(MANIFEST).is_file());
    }

    #[test]
    fn an_earlier_result_is_replaced_and_what_it_had_more_goes() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), true).unwrap();
        assert!(names(directory.path()).contains(&FLOWS_CSV.to_owned()));
        write(directory.path(), false).unwrap();
        let expected = ["coverage.csv", "flows.parquet", MANIFEST, "products.csv", "shares.csv", "table_a1.csv"];
        assert_eq!(names(directory.path()), expected);
    }

    #[test]
    fn a_folder_that_is_not_free_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), true).unwrap();
        fs::write(directory.path().join("notes.txt"), "mine").unwrap();
        let before = names(directory.path());
        let error = write(directory.path(), false).unwrap_err();
        assert!(matches!(error, ReportError::Folder(FolderError::Unlisted { .. })) && error.exit_code() == 74, "{error}");
        assert_eq!(names(directory.path()), before);
    }

    #[test]
    fn nothing_is_left_where_no_directory_can_be() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("file"), "mine").unwrap();
        let error = write(&root.path().join("file/result"), false).unwrap_err();
        assert!(matches!(error, ReportError::Write { .. }) && error.to_string().contains("result"));
        assert_eq!(names(root.path()), ["file"]);
    }
}
