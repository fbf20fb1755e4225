//! Why a folder is not written to: each names the folder, what stands in the way and what to do.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Names said before the rest is counted.
const NAMED: usize = 5;
/// Keys said before the rest is counted.
const KEYS: usize = 6;
/// Letters of a value.
const LETTERS: usize = 48;

/// Why a folder cannot be written to (exit code 74).
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It holds something of somebody else's.
    #[error("{path} holds {names}, which its manifest does not list: move {it} elsewhere or choose another folder", it = names.them())]
    Unlisted {
        /// The folder.
        path: PathBuf,
        /// What it is.
        names: Names,
    },
    /// Files without a manifest of ours that can be read.
    #[error(
        "{path} is neither empty nor a complete result folder: it holds {names}, and no manifest.json of reorient's that can be \
         read; choose another folder or empty it"
    )]
    NoManifest {
        /// The folder.
        path: PathBuf,
        /// What it holds.
        names: Names,
    },
    /// Files whose manifest is not as it was written.
    #[error(
        "{path} holds a {name} that is damaged ({problem}), so what its files are is not known, and none is replaced; put the manifest \
         back, or choose another folder"
    )]
    DamagedManifest {
        /// The folder.
        path: PathBuf,
        /// Name of the manifest.
        name: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// Files of another command.
    #[error("{path} holds {of} files of reorient's, not {kind} files; choose another folder, or replace them with --force")]
    OtherKind {
        /// The folder.
        path: PathBuf,
        /// What its manifest says that it holds.
        of: String,
        /// What was to be written.
        kind: String,
    },
    /// The answer to another question.
    #[error("{path} holds {what} ({}); choose another folder, or replace it with --force", listed(differences))]
    OtherQuestion {
        /// The folder.
        path: PathBuf,
        /// What it holds, in words.
        what: &'static str,
        /// Keys with both values.
        differences: Vec<Difference>,
    },
    /// Something that takes long to get, and is replaced on demand only.
    #[error("{path} holds {of} files of reorient's already; choose another folder, or replace them with --force")]
    Needed {
        /// The folder.
        path: PathBuf,
        /// What its manifest says that it holds.
        of: String,
    },
    /// Files that somebody edited or protected since.
    #[error(
        "{path} holds {names}, changed or made read-only after reorient wrote {it}; choose another folder, or replace {it} with \
         --force",
        it = names.them()
    )]
    Changed {
        /// The folder.
        path: PathBuf,
        /// The files.
        names: Names,
    },
    /// What the command reads would be replaced.
    #[error("{}, which this command reads; choose another folder", which(path, read))]
    Source {
        /// The folder.
        path: PathBuf,
        /// What is read.
        read: PathBuf,
    },
    /// A name without a letter, as an unset variable of a shell gives it.
    #[error("the name of the folder is empty")]
    NoName,
    /// A file stands in its place.
    #[error("{path} is no folder; choose another name")]
    NoFolder {
        /// Its name.
        path: PathBuf,
    },
    /// Nobody may write to it.
    #[error("{path} is read-only; choose another folder, or make it writable")]
    ReadOnly {
        /// The folder.
        path: PathBuf,
    },
    /// A link to a place that is not there.
    #[error("{path} is a link to {target}, where no folder can be made; make the folder, or choose another one")]
    Dangling {
        /// The link.
        path: PathBuf,
        /// Where it leads.
        target: PathBuf,
    },
    /// Somebody else is writing it.
    #[error("{path}: another reorient command is writing it; wait for its end")]
    Busy {
        /// The folder.
        path: PathBuf,
    },
    /// Its place is to be taken by another folder, which would leave the user in the old one.
    #[error("{path}: you are in this folder; go to another one and name it from there")]
    Inside {
        /// The folder.
        path: PathBuf,
    },
    /// The operating system refused, or a disk is full.
    #[error("cannot write {path}: {source}")]
    Write {
        /// What was being written.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The new folder is in place, and what it has replaced is still on the disk.
    #[error("{path} is written, but what it has replaced cannot be removed from {left}: {source}")]
    Left {
        /// The folder.
        path: PathBuf,
        /// Where the earlier one is.
        left: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// It cannot be looked at.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The folder or link.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

impl FolderError {
    /// The folder.
    pub fn path(&self) -> &Path {
        match self {
            Self::NoName => Path::new(""),
            Self::Unlisted { path, .. }
            | Self::NoManifest { path, .. }
            | Self::DamagedManifest { path, .. }
            | Self::OtherKind { path, .. }
            | Self::OtherQuestion { path, .. }
            | Self::Needed { path, .. }
            | Self::Changed { path, .. }
            | Self::Source { path, .. }
            | Self::NoFolder { path }
            | Self::ReadOnly { path }
            | Self::Dangling { path, .. }
            | Self::Busy { path }
            | Self::Inside { path }
            | Self::Write { path, .. }
            | Self::Left { path, .. }
            | Self::Read { path, .. } => path,
        }
    }
}

/// A key of a question with its old and its new value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The key.
    pub key: String,
    /// In the folder.
    pub old: String,
    /// As asked now.
    pub new: String,
}

/// Names of files and folders; the first few are said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names(pub(crate) Vec<String>);

impl Names {
    /// Folders are told by their slash.
    pub(crate) fn of<'a>(folder: &Path, names: impl IntoIterator<Item = &'a OsString>) -> Self {
        let name = |name: &OsString| {
            let slash = if folder.join(name).is_dir() { "/" } else { "" };
            format!("{}{slash}", name.to_string_lossy())
        };
        Self(names.into_iter().map(name).collect())
    }

    const fn them(&self) -> &'static str {
        if self.0.len() == 1 { "it" } else { "them" }
    }
}

impl fmt::Display for Names {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0[..self.0.len().min(NAMED)].join(", "))?;
        match self.0.len().saturating_sub(NAMED) {
            0 => Ok(()),
            more => write!(formatter, " and {more} more"),
        }
    }
}

/// What is read, where it is the folder itself or lies within.
fn which(path: &Path, read: &Path) -> String {
    let is_it = matches!((path.canonicalize(), read.canonicalize()), (Ok(path), Ok(read)) if path == read);
    if is_it { format!("{} is the folder", path.display()) } else { format!("{} holds {}", path.display(), read.display()) }
}

/// `cap: 0.05 -> 0.1, risk: 156 -> 643`.
fn listed(differences: &[Difference]) -> String {
    // The members follow from the bloc, and are many; a hash says nothing beside what it is made of.
    let bloc = differences.iter().any(|own| own.key == "bloc");
    let is_said = |own: &&Difference| !(bloc && own.key == "bloc-members" || differences.len() > 1 && own.key == crate::ASKS);
    let said: Vec<&Difference> = differences.iter().filter(is_said).collect();
    let mut words: Vec<String> =
        said.iter().take(KEYS).map(|own| format!("{}: {} -> {}", own.key, value(&own.old), value(&own.new))).collect();
    if said.len() > KEYS {
        words.push(format!("and {} more keys", said.len() - KEYS));
    }
    words.join(", ")
}

fn value(text: &str) -> String {
    match text.char_indices().nth(LETTERS) {
        _ if text.is_empty() => "nothing".to_owned(),
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
