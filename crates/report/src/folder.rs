//! A result folder, complete or without a manifest.
//!
//! All files are written under temporary names and synced first; then the old manifest goes, the files take their names, and
//! the new manifest comes last. A folder with a manifest therefore always holds the files that it lists, whatever becomes of the
//! program. Names are synced once, at the end: where the power fails before, file systems with a journal have kept the changes
//! of a folder in the order in which they were made, and on others the hashes of the manifest tell.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use reorient_core::CountryTable;
use reorient_metrics::Collection;
use serde_json::Value;
use tempfile::NamedTempFile;

pub(crate) use crate::manifest::FileEntry;
use crate::manifest::{Document, GENERATOR, Manifest};
use crate::{Figure, csv, flows};

pub(crate) const MANIFEST: &str = "manifest.json";
/// How names of temporary files begin and end.
const TEMPORARY: (&str, &str) = (".reorient-", ".tmp");
const FLOWS_CSV: &str = "flows.csv";
/// The kind of a folder with the results of a run; those of the first version do not say.
const RESULT: &str = "result";

/// What a result folder holds besides the usual files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FolderOptions {
    /// Also `flows.csv`.
    pub csv_flows: bool,
    /// Figures, each as SVG and PNG.
    pub figures: Vec<Figure>,
}

/// Figures of an earlier run that a later one may lack.
const FIGURES: [&str; 10] = [
    "figure_10_subsectors.svg",
    "figure_10_subsectors.png",
    "figure_11_stages.svg",
    "figure_11_stages.png",
    "figure_sectors.svg",
    "figure_sectors.png",
    "figure_table_a1.svg",
    "figure_table_a1.png",
    "figure_frontier.svg",
    "figure_frontier.png",
];

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
    /// Other people's files are never overwritten.
    #[error(
        "{path} is neither empty nor a complete result folder (it has no reorient {MANIFEST}); choose another folder or empty it"
    )]
    Foreign {
        /// The folder.
        path: PathBuf,
    },
    /// Files of one command are not replaced by those of another.
    #[error("{path} holds {of} files of reorient's, not {kind} files; choose another folder")]
    OtherKind {
        /// The folder.
        path: PathBuf,
        /// What its manifest says that it holds.
        of: String,
        /// What was to be written.
        kind: String,
    },
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
/// Creates the directory if need be. An existing one must be empty or hold a reorient manifest; its results are then
/// replaced, other files in it stay.
///
/// # Errors
/// [`ReportError`] when the directory holds other people's files or something cannot be written. No file is ever left
/// half-written, and no manifest of an incomplete folder.
pub fn write_folder(
    directory: &Path,
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
    // Flows and figures of an earlier run do not belong to this result.
    let optional: Vec<&str> = FIGURES.into_iter().chain([FLOWS_CSV]).collect();
    write_parts(directory, RESULT, &optional, parts, |files, out| {
        serde_json::to_writer_pretty(out, &Document::new(manifest, &collection.headline, files))
    })
}

/// Writes files and the manifest that lists them into a folder of a kind, whole or not at all; returns the names in the order of
/// completion. `optional` files of an earlier manifest that are not written again go.
pub(crate) fn write_parts(
    directory: &Path,
    kind: &str,
    optional: &[&str],
    parts: Vec<(String, WriteFile<'_>)>,
    manifest: impl FnOnce(&[FileEntry], &mut dyn Write) -> serde_json::Result<()>,
) -> Result<Vec<String>, ReportError> {
    let old = prepare(directory, kind)?;
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
    complete(directory, old, optional, staged, last)
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

/// Gives staged files their names, the manifest `last`. `old` is what an earlier manifest lists; `optional` files of it that
/// are not staged again go.
pub(crate) fn complete(
    directory: &Path,
    old: Option<Vec<FileEntry>>,
    optional: &[&str],
    staged: Vec<Staged>,
    last: Staged,
) -> Result<Vec<String>, ReportError> {
    if let Some(old) = old {
        remove(&directory.join(MANIFEST))?;
        let stale =
            |name: &&str| old.iter().any(|file| file.name == **name) && staged.iter().all(|file| file.entry.name != **name);
        for name in optional.iter().filter(|name| stale(name)) {
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

/// The result files that a reorient manifest in `directory` lists; none without such a manifest.
///
/// # Errors
/// [`ReportError::Read`] when there is a manifest that cannot be read.
pub fn listed_files(directory: &Path) -> Result<Option<Vec<FileEntry>>, ReportError> {
    Ok(listed(directory)?.map(|(_, files)| files))
}

/// The kind of a folder and the files that its manifest lists.
fn listed(directory: &Path) -> Result<Option<(String, Vec<FileEntry>)>, ReportError> {
    let path = directory.join(MANIFEST);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(ReportError::Read { path, source }),
    };
    let mut value: Value = serde_json::from_slice(&text).unwrap_or_default();
    if value.get("generator").and_then(Value::as_str) != Some(GENERATOR) {
        return Ok(None);
    }
    let kind = value.get("kind").and_then(Value::as_str).unwrap_or(RESULT).to_owned();
    Ok(serde_json::from_value(value["files"].take()).ok().map(|files| (kind, files)))
}

/// Creates the directory or checks that it may be written to: it is empty or holds files of the same kind. Returns what an
/// old manifest lists.
pub(crate) fn prepare(directory: &Path, kind: &str) -> Result<Option<Vec<FileEntry>>, ReportError> {
    fs::create_dir_all(directory).map_err(|source| write_error(directory, source))?;
    let read_error = |source| ReportError::Read { path: directory.to_owned(), source };
    // What a program that was killed left unfinished is nobody's.
    let is_unfinished = |entry: &fs::DirEntry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        name.starts_with(".reorient-") && name.ends_with(".tmp")
    };
    let mut entries = fs::read_dir(directory).map_err(read_error)?;
    if entries.all(|entry| entry.as_ref().is_ok_and(is_unfinished)) {
        return Ok(None);
    }
    match listed(directory)? {
        Some((of, files)) if of == kind => Ok(Some(files)),
        Some((of, _)) => Err(ReportError::OtherKind { path: directory.to_owned(), of, kind: kind.to_owned() }),
        None => Err(ReportError::Foreign { path: directory.to_owned() }),
    }
}

/// Writes one file, whole or not at all.
///
/// # Errors
/// [`ReportError::Write`] when it cannot be written.
pub fn write_file(path: &Path, contents: &[u8]) -> Result<(), ReportError> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
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
    if cfg!(unix) {
        File::open(directory).and_then(|open| open.sync_all()).map_err(|source| write_error(directory, source))?;
    }
    Ok(())
}

pub(crate) fn write_error(path: &Path, source: io::Error) -> ReportError {
    ReportError::Write { path: path.to_owned(), source }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::sample;

    fn write(directory: &Path, csv_flows: bool) -> Result<Vec<String>, ReportError> {
        let options = FolderOptions { csv_flows, ..FolderOptions::default() };
        write_folder(directory, &sample::collection(), &sample::countries(), &sample::manifest(), &[], &options)
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
        let listed = listed_files(&directory).unwrap().unwrap();
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
    fn an_earlier_result_is_replaced_and_other_files_stay() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), true).unwrap();
        fs::write(directory.path().join("notes.txt"), "mine").unwrap();
        write(directory.path(), false).unwrap();
        let expected = [MANIFEST, "coverage.csv", "flows.parquet", "notes.txt", "products.csv", "shares.csv", "table_a1.csv"];
        assert_eq!(names(directory.path()).len(), expected.len());
        assert!(expected.iter().all(|name| names(directory.path()).contains(&(*name).to_owned())));
    }

    #[test]
    fn a_foreign_directory_is_refused_and_untouched() {
        for (name, text) in
            [("thesis.tex", "mine"), (MANIFEST, "{\"generator\": \"other\", \"files\": []}"), (MANIFEST, "no json")]
        {
            let directory = tempfile::tempdir().unwrap();
            fs::write(directory.path().join(name), text).unwrap();
            let error = write(directory.path(), false).unwrap_err();
            assert!(matches!(error, ReportError::Foreign { .. }) && error.exit_code() == 74);
            assert!(error.to_string().contains("neither empty nor a complete result folder"));
            assert_eq!(names(directory.path()), [name]);
            assert_eq!(fs::read_to_string(directory.path().join(name)).unwrap(), text);
        }
    }

    #[test]
    fn nothing_is_left_where_no_directory_can_be() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("file"), "mine").unwrap();
        let error = write(&root.path().join("file/result"), false).unwrap_err();
        assert!(matches!(error, ReportError::Write { .. }) && error.to_string().contains("result"));
        assert_eq!(names(root.path()), ["file"]);
    }

    #[test]
    fn a_file_that_cannot_be_replaced_leaves_no_manifest_and_no_fragments() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), false).unwrap();
        let blocked = directory.path().join("products.csv");
        fs::remove_file(&blocked).unwrap();
        fs::create_dir(&blocked).unwrap();
        let error = write(directory.path(), false).unwrap_err();
        assert!(matches!(&error, ReportError::Write { path, .. } if *path == blocked), "{error}");
        assert_eq!(names(directory.path()), ["coverage.csv", "flows.parquet", "products.csv", "shares.csv", "table_a1.csv"]);
    }
}
