//! Folders of the smaller commands: a few CSV files and a manifest that lists them.

use std::collections::BTreeMap;
use std::io::{self, Write};

use reorient_folder::Target;
use serde::Serialize;

use crate::folder::{FileEntry, ReportError, WriteFile, write_parts};
use crate::manifest::{GENERATOR, InputFile};
use crate::seal::write_sealed;

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
pub(crate) type Part<'a> = (&'static str, &'a (dyn Fn(&mut dyn Write) -> io::Result<()> + Sync));

/// Writes the parts and their manifest, whole or not at all; returns the names in the order of completion.
pub(crate) fn write_study<'a>(
    target: &Target,
    kind: &'static str,
    parts: &[Part<'a>],
    manifest: &StudyManifest,
) -> Result<Vec<String>, ReportError> {
    let part = |(name, write): &Part<'a>| -> (String, WriteFile<'a>) {
        let write = *write;
        ((*name).to_owned(), Box::new(move |out| write(out)))
    };
    write_parts(target, kind, &manifest.scenario, parts.iter().map(part).collect(), |files, out| {
        write_sealed(out, &Document { generator: GENERATOR, kind, manifest, files })
    })
}
