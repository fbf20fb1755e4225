//! Result folders. Who may write to them, and how they come to be whole, is `reorient-folder`'s to say.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use reorient_core::CountryTable;
use reorient_folder::{Asked, FolderError, FolderWriter, Target, write_whole};
pub(crate) use reorient_folder::{FileEntry, MANIFEST};
use reorient_metrics::Collection;

use crate::basis::Basis;
use crate::manifest::{Document, Manifest};
use crate::seal::write_sealed;
use crate::{Figure, csv, flows};

pub(crate) const FLOWS: &str = "flows.parquet";
pub(crate) const FLOWS_CSV: &str = "flows.csv";
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
    /// It is not free, or cannot be written.
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
pub const COVERAGE: [&str; 7] =
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
    let parts = result_parts(collection, countries, manifest, coverage, options);
    std::thread::scope(|scope| {
        let basis = scope.spawn(|| Basis::new(collection, countries));
        write_parts(target, KIND, &manifest.scenario, parts, |files, out| {
            let basis = basis.join().unwrap_or_default();
            write_sealed(out, &Document::new(manifest, &collection.headline, Some(&basis), files))
        })
    })
}

/// The files of a result folder in their order, but for the manifest.
pub(crate) fn result_parts<'a>(
    collection: &'a Collection,
    countries: &'a CountryTable,
    manifest: &'a Manifest,
    coverage: &'a [CoverageLine],
    options: &'a FolderOptions,
) -> Vec<(String, WriteFile<'a>)> {
    let mut parts: Vec<(String, WriteFile<'a>)> = vec![
        ("table_a1.csv".to_owned(), Box::new(|out| csv::table_a1(collection, countries).write(out))),
        ("shares.csv".to_owned(), Box::new(|out| csv::shares(collection, countries).write(out))),
        ("products.csv".to_owned(), Box::new(|out| csv::products(collection).write(out))),
        (FLOWS.to_owned(), Box::new(|out| flows::write_parquet(out, collection, countries, manifest))),
        ("coverage.csv".to_owned(), Box::new(|out| write_coverage(out, coverage))),
    ];
    if options.csv_flows {
        parts.push((FLOWS_CSV.to_owned(), Box::new(|out| flows::write_csv(out, collection, countries))));
    }
    parts.extend(options.figures.iter().flat_map(Figure::parts));
    parts
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
    let writer = FolderWriter::begin(target, Asked { kind, question: Some(question), work: None })?;
    let mut written =
        side_by_side(parts, |(name, contents)| writer.write(&name, |out| contents(out))).map_err(|error| match error {
            Some(error) => ReportError::Folder(error),
            None => write_error(target.path(), io::Error::other("a thread that wrote a file ended early")),
        })?;
    let files: Vec<FileEntry> = written.iter().map(|file| file.entry.clone()).collect();
    written.push(writer.write(MANIFEST, |out| {
        manifest(&files, out)?;
        out.write_all(b"\n")
    })?);
    writer.publish(&written)?;
    Ok(written.into_iter().map(|file| file.entry.name).collect())
}

/// What writes the contents of a file.
pub(crate) type WriteFile<'a> = Box<dyn FnOnce(&mut (dyn Write + Send)) -> io::Result<()> + Send + 'a>;

impl Figure {
    /// Its two files.
    pub(crate) fn parts(&self) -> [(String, WriteFile<'_>); 2] {
        [
            (format!("{}.svg", self.name), Box::new(|out| out.write_all(self.svg.as_bytes()))),
            (format!("{}.png", self.name), Box::new(|out| out.write_all(&self.png))),
        ]
    }
}

/// Does something with each item on a thread of its own; results are in the order of the items. The error is none where a thread
/// was lost.
fn side_by_side<I: Send, T: Send, E: Send>(items: Vec<I>, act: impl Fn(I) -> Result<T, E> + Sync) -> Result<Vec<T>, Option<E>> {
    let act = &act;
    std::thread::scope(|scope| {
        let started: Vec<_> = items.into_iter().map(|item| scope.spawn(move || act(item))).collect();
        let done: Vec<_> = started.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        done.into_iter().map(|joined| joined.map_err(|_| None)?.map_err(Some)).collect()
    })
}

/// Writes one file, whole or not at all; a link stays a link.
///
/// # Errors
/// [`ReportError::Write`] when it cannot be written.
pub fn write_file(path: &Path, contents: &[u8]) -> Result<(), ReportError> {
    let is_link = fs::symlink_metadata(path).is_ok_and(|entry| entry.is_symlink());
    let followed = if is_link { fs::canonicalize(path).map_err(|source| write_error(path, source))? } else { path.to_owned() };
    write_whole(&followed, contents).map_err(|source| write_error(path, source))
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
        assert!(matches!(error, ReportError::Folder(FolderError::Write { .. })) && error.to_string().contains("result"));
        assert_eq!(names(root.path()), ["file"]);
    }
}
