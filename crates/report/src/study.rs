//! Folders of the smaller commands: a few CSV files and a manifest that lists them.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use crate::folder::{FileEntry, MANIFEST, ReportError, Staged, complete, prepare, stage};
use crate::manifest::{GENERATOR, InputFile};

/// What a study was made of. It holds no clock: equal questions give equal bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct StudyManifest {
    /// Version of the program.
    pub version: String,
    /// The resolved scenario: every key with its value as text.
    pub scenario: BTreeMap<String, String>,
    /// Whether the trade data are synthetic.
    pub synthetic: bool,
    /// Label of the trade data.
    pub source: String,
    /// Files read.
    pub inputs: Vec<InputFile>,
}

#[derive(Serialize)]
struct Document<'a> {
    generator: &'static str,
    kind: &'static str,
    #[serde(flatten)]
    manifest: &'a StudyManifest,
    files: &'a [FileEntry],
}

/// A file of a study.
pub(crate) type Part<'a> = (&'static str, &'a dyn Fn(&mut dyn Write) -> io::Result<()>);

/// Writes the parts and their manifest, whole or not at all; returns the names in the order of completion.
pub(crate) fn write_study(
    directory: &Path,
    kind: &'static str,
    parts: &[Part<'_>],
    manifest: &StudyManifest,
) -> Result<Vec<String>, ReportError> {
    let old = prepare(directory, kind)?;
    let staged =
        parts.iter().map(|(name, write)| stage(directory, name, |out| write(out))).collect::<Result<Vec<Staged>, _>>()?;
    let files: Vec<FileEntry> = staged.iter().map(|file| file.entry.clone()).collect();
    let last = stage(directory, MANIFEST, |out| {
        serde_json::to_writer_pretty(&mut *out, &Document { generator: GENERATOR, kind, manifest, files: &files })?;
        out.write_all(b"\n")
    })?;
    complete(directory, old, &[], staged, last)
}
