//! Folders of results: who may write to them, and the one writer that does ([`FolderWriter`]). Every command that writes a folder
//! asks here first, so that nothing of the user's is deleted or replaced unasked.
//!
//! A folder is free when it is not there or is empty. A folder of ours is replaced by an answer to the same question: the same
//! kind and the same scenario but for `solver`; the data may differ. Another question, and files that were changed after they
//! were written, need `force`. A folder that holds anything that its manifest does not list is never replaced, nor is one
//! without a manifest that can be read, nor one that holds what the command reads. A link is followed and stays a link.

mod error;
mod file;
mod lock;
mod place;
mod record;
mod within;
mod writer;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use reorient_files::NameInFolder;

pub use error::{Difference, FolderError};
pub use file::{NewFile, WrittenFile, write_whole};
pub use lock::FolderLock;
pub use record::{ASKS, FileEntry, question_of};
pub use within::{FilesWriter, tidy};
pub use writer::FolderWriter;

use error::Names;
use place::Place;
use record::{Held, Record};

/// The file that lists all others.
pub const MANIFEST: &str = "manifest.json";
/// The manifest of a made-up year, which stands beside rows in CEPII's own layout.
pub const SYNTHETIC: &str = "synthetic.json";
/// The name by which a manifest is recognised.
pub const GENERATOR: &str = "reorient";
/// How names of unfinished files begin and end. A killed program leaves them behind, and they stand in nobody's way.
pub(crate) const TEMPORARY: (&str, &str) = (".reorient-", ".tmp");

/// Where a command shall write, and what it was told about that.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Target {
    path: PathBuf,
    force: bool,
    reads: Vec<PathBuf>,
}

/// What is to be written.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The kind of folder, as its manifest says it.
    pub kind: &'a str,
    /// What is asked, key by key; none where every folder that is there needs `force`.
    pub question: Option<&'a BTreeMap<String, String>>,
    /// What a folder of this kind holds besides its files, if anything.
    pub work: Option<Work<'a>>,
}

/// The folder in which work is kept that goes on after any end. Its manifest does not list it.
#[derive(Debug, Clone, Copy)]
pub struct Work<'a> {
    /// Its name.
    pub name: &'a str,
    /// A folder within, which is there from the first moment but for the one in which the folder of work is empty.
    pub sign: &'a str,
    /// Files that may stand beside before a manifest lists them, because the program was killed while they took their names.
    pub files: &'a [&'a str],
}

/// A folder that may be written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The folder itself, which a link was followed to. It may not be there yet.
    pub path: PathBuf,
    /// Names of the files that give way; none where the folder is new, empty, or has no manifest yet.
    pub old: Option<Vec<String>>,
}

impl Target {
    /// A folder by its name.
    pub fn new(path: impl AsRef<Path>) -> Self {
        // Without a slash at the end, which would hide that a name is that of a link.
        Self { path: path.as_ref().components().collect(), ..Self::default() }
    }

    /// Whether another answer of ours may be replaced.
    #[must_use]
    pub fn force(self, force: bool) -> Self {
        Self { force, ..self }
    }

    /// What the command reads: it is never replaced.
    #[must_use]
    pub fn reading(mut self, paths: impl IntoIterator<Item = PathBuf>) -> Self {
        self.reads.extend(paths);
        self
    }

    /// Whether another answer of ours may be replaced.
    pub const fn is_forced(&self) -> bool {
        self.force
    }

    /// As it was named.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Looks whether the folder could be written to, before work begins that would be lost otherwise. What is asked is held
    /// against it by [`Target::claim`]. What a killed command was replacing is put back first.
    ///
    /// # Errors
    /// [`FolderError`] with the reason.
    pub fn look(&self, kind: &str, work: Option<Work<'_>>) -> Result<(), FolderError> {
        let place = Place::of(self.resolve()?)?;
        if writer::is_broken(&place) {
            let _lock = FolderLock::take(&place)?;
            writer::recover(&place)?;
        }
        self.held(kind, work).map(drop)
    }

    /// The right to write the folder, for who does so by other means than a [`FolderWriter`]; waits for a moment if another
    /// process has it.
    ///
    /// # Errors
    /// [`FolderError::Busy`] when it goes on having it.
    pub fn lock(&self) -> Result<FolderLock, FolderError> {
        FolderLock::wait(&Place::of(self.resolve()?)?)
    }

    /// The folder, if it may be written to. Nothing is made and nothing changes.
    ///
    /// # Errors
    /// [`FolderError`] with what stands in the way.
    pub fn claim(&self, asked: &Asked<'_>) -> Result<Claimed, FolderError> {
        let (path, record) = self.held_for(asked)?;
        let Some(record) = record else { return Ok(Claimed { path, old: None }) };
        if !self.force {
            let changed: Vec<String> =
                record.files.iter().filter(|file| is_changed(&path, file)).map(|file| file.name.to_string()).collect();
            if !changed.is_empty() {
                return Err(FolderError::Changed { path, names: Names(changed) });
            }
        }
        Ok(Claimed { path, old: Some(record.names()) })
    }

    /// The folder and what its manifest says, after everything but whether its files are still those that were written.
    fn held_for(&self, asked: &Asked<'_>) -> Result<(PathBuf, Option<Record>), FolderError> {
        let (path, record) = self.held(asked.kind, asked.work)?;
        if let Some(record) = record.as_ref().filter(|_| !self.force) {
            let Some(question) = asked.question else { return Err(FolderError::Needed { path, of: record.kind.clone() }) };
            let differences = record.differences(question);
            if !differences.is_empty() {
                // A sweep may have no answer yet.
                let what =
                    if asked.work.is_some() { "another plan, for another question" } else { "the answer to another question" };
                return Err(FolderError::OtherQuestion { path, what, differences });
            }
        }
        Ok((path, record))
    }

    /// The folder and what its manifest says, after everything but the question.
    fn held(&self, kind: &str, work: Option<Work<'_>>) -> Result<(PathBuf, Option<Record>), FolderError> {
        let path = self.resolve()?;
        let Ok(metadata) = fs::metadata(&path) else { return Ok((path, None)) };
        if !metadata.is_dir() {
            return Err(FolderError::NoFolder { path });
        }
        let entries = entries(&path)?;
        if let Some(read) = self.reads.iter().find(|read| lies_in(read, &path)) {
            return Err(FolderError::Source { path, read: read.clone() });
        }
        // Elsewhere the mark does not keep anybody from writing into a folder.
        if cfg!(unix) && metadata.permissions().readonly() {
            return Err(FolderError::ReadOnly { path });
        }
        if entries.is_empty() {
            return Ok((path, None));
        }
        let held = Held::of(&path);
        if let Held::Damaged { name, problem } = held {
            return Err(FolderError::DamagedManifest { path, name, problem });
        }
        let Held::Whole(record) = held else {
            let begun = work.is_some_and(|work| {
                let is_begun = path.join(work.sign).is_dir() || is_empty(&path.join(work.name));
                is_begun && entries.iter().all(|name| work.is_name(name) || work.is_file(name))
            });
            return if begun {
                Ok((path, None))
            } else {
                Err(FolderError::NoManifest { names: Names::of(&path, &entries), path })
            };
        };
        let work = work.filter(|_| record.kind == kind);
        let is_ours = |name: &OsString| {
            let is_work = work.is_some_and(|work| {
                work.is_name(name) && path.join(work.name).is_dir() || !record.complete && work.is_file(name)
            });
            // What we write are files: a link or a folder of that name is somebody else's.
            is_work || record.lists(name) && fs::symlink_metadata(path.join(name)).is_ok_and(|entry| entry.is_file())
        };
        let unlisted: Vec<OsString> = entries.into_iter().filter(|name| !is_ours(name)).collect();
        if !unlisted.is_empty() {
            return Err(FolderError::Unlisted { names: Names::of(&path, &unlisted), path });
        }
        if record.kind != kind && !self.force {
            return Err(FolderError::OtherKind { path, of: record.kind, kind: kind.to_owned() });
        }
        Ok((path, Some(record)))
    }

    /// Follows a link, also to a folder that is not there yet.
    fn resolve(&self) -> Result<PathBuf, FolderError> {
        const MOST: usize = 40;
        if self.path.as_os_str().is_empty() {
            return Err(FolderError::NoName);
        }
        let is_link = |path: &Path| fs::symlink_metadata(path).is_ok_and(|entry| entry.is_symlink());
        if !is_link(&self.path) {
            return Ok(self.path.clone());
        }
        if let Ok(path) = fs::canonicalize(&self.path) {
            return Ok(path);
        }
        let mut path = self.path.clone();
        for _ in 0..MOST {
            if !is_link(&path) {
                break;
            }
            let target = fs::read_link(&path).map_err(|source| FolderError::Read { path: path.clone(), source })?;
            path = parent(&path).join(target);
        }
        // Folders above are not made: a link often leads to a disk that is not there at the moment.
        if !is_link(&path) && parent(&path).is_dir() {
            return Ok(path);
        }
        Err(FolderError::Dangling { path: self.path.clone(), target: path })
    }
}

impl From<&Path> for Target {
    fn from(path: &Path) -> Self {
        Self::new(path)
    }
}

impl From<&PathBuf> for Target {
    fn from(path: &PathBuf) -> Self {
        Self::new(path)
    }
}

impl From<&Self> for Target {
    fn from(target: &Self) -> Self {
        target.clone()
    }
}

impl Work<'_> {
    fn is_name(&self, name: &OsString) -> bool {
        name == self.name
    }

    fn is_file(&self, name: &OsString) -> bool {
        self.files.iter().any(|file| name == file)
    }
}

/// Names of the files that a manifest of ours in a folder lists, its own among them; none without such a manifest.
pub fn listed(folder: &Path) -> Option<Vec<String>> {
    Record::read(folder).map(Record::names)
}

/// Takes away a folder of ours: unfinished files and what its manifest lists, the manifest last, then the folder, if nothing else
/// is in it. One that is not there is no error.
///
/// # Errors
/// When something cannot be removed, or anything else is in the folder; that is never touched.
pub(crate) fn remove_ours(folder: &Path) -> io::Result<()> {
    if fs::symlink_metadata(folder).is_err() {
        return Ok(());
    }
    let names = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.file_name())).collect::<io::Result<Vec<_>>>()?;
    let unfinished = names.into_iter().filter(|name| is_unfinished(name) && folder.join(name).is_file());
    for name in unfinished.chain(listed(folder).unwrap_or_default().into_iter().map(OsString::from)) {
        match fs::remove_file(folder.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    fs::remove_dir(folder)
}

/// Whether a name is that of an unfinished file.
fn is_unfinished(name: &OsStr) -> bool {
    let text = name.to_string_lossy();
    text.starts_with(TEMPORARY.0) && text.ends_with(TEMPORARY.1)
}

/// The folder that something lies in.
pub(crate) fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Whether it is a folder with nothing in it.
fn is_empty(path: &Path) -> bool {
    fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none())
}

/// Names in a folder but for what is unfinished, ascending.
fn entries(path: &Path) -> Result<BTreeSet<OsString>, FolderError> {
    let fail = |source| FolderError::Read { path: path.to_owned(), source };
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(path).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let name = entry.file_name();
        let kind = entry.file_type().map_err(fail)?;
        if !(is_unfinished(&name) && kind.is_file() || name == within::PARTIAL && kind.is_dir()) {
            names.insert(name);
        }
    }
    Ok(names)
}

/// Whether a file or folder that is read is this folder or lies within; what is not there lies nowhere.
fn lies_in(source: &Path, folder: &Path) -> bool {
    match (fs::canonicalize(source), fs::canonicalize(folder)) {
        (Ok(source), Ok(folder)) => source.starts_with(folder),
        _ => false,
    }
}

/// Whether a listed file is there with other contents, or may not be replaced.
fn is_changed(folder: &Path, file: &FileEntry<NameInFolder>) -> bool {
    let path = folder.join(&file.name);
    let Ok(metadata) = fs::metadata(&path) else { return false };
    if metadata.permissions().readonly() || metadata.len() != file.bytes {
        return true;
    }
    let hash = reorient_files::open_in(folder, &file.name).map_err(io::Error::from).and_then(|file| {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(file).map(|hasher| hasher.finalize())
    });
    !hash.is_ok_and(|hash| hash.to_hex().as_str() == file.blake3)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn question(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    /// Writes a file and a manifest that lists it.
    fn answer(folder: &Path, manifest: &str) {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join("table.csv"), "a,b\n").unwrap();
        let blake3 = blake3::hash(b"a,b\n").to_hex();
        let files = format!("\"files\": [{{\"name\": \"table.csv\", \"bytes\": 4, \"blake3\": \"{blake3}\"}}]");
        fs::write(folder.join(MANIFEST), manifest.replace("FILES", &files)).unwrap();
    }

    fn ask(target: &Target, kind: &str, pairs: &[(&str, &str)]) -> Result<Claimed, FolderError> {
        target.claim(&Asked { kind, question: Some(&question(pairs)), work: None })
    }

    const RESULT: &str = "{\"generator\": \"reorient\", \"scenario\": {\"cap\": \"0.05\", \"solver\": \"auto\"}, FILES}";

    #[test]
    fn the_same_question_replaces_whoever_solves() {
        let root = tempfile::tempdir().unwrap();
        answer(root.path(), RESULT);
        let target = Target::new(root.path());
        let claimed = ask(&target, "result", &[("cap", "0.05"), ("solver", "highs")]).unwrap();
        assert_eq!(claimed.old.unwrap(), ["table.csv", MANIFEST]);
        // A key that came later and is set to nothing asks nothing.
        assert!(ask(&target, "result", &[("cap", "0.05"), ("rivals", "")]).is_ok());
        let error = ask(&target, "result", &[("cap", "0.1"), ("floor", "free")]).unwrap_err();
        assert!(matches!(&error, FolderError::OtherQuestion { differences, .. } if differences.len() == 2), "{error}");
        assert!(error.to_string().contains("cap: 0.05 -> 0.1, floor: nothing -> free"), "{error}");
        assert!(matches!(ask(&target, "panel", &[("cap", "0.05")]), Err(FolderError::OtherKind { .. })));
        for kind in ["result", "panel"] {
            assert!(ask(&target.clone().force(true), kind, &[("cap", "0.1")]).is_ok());
        }
    }

    #[test]
    fn indicators_name_their_years_apart() {
        let root = tempfile::tempdir().unwrap();
        answer(
            root.path(),
            "{\"generator\": \"reorient\", \"kind\": \"indicators\", \"settings\": {\"base\": \"all\"}, \"years\": [{\"year\": 2022}, \
             {\"year\": 2023}], FILES}",
        );
        let target = Target::new(root.path());
        assert!(ask(&target, "indicators", &[("base", "all"), ("year", "2022,2023")]).is_ok());
        let error = ask(&target, "indicators", &[("base", "all"), ("year", "2023")]).unwrap_err();
        assert!(error.to_string().contains("year: 2022,2023 -> 2023"), "{error}");
    }

    #[test]
    fn a_hash_of_everything_decides_alone() {
        let root = tempfile::tempdir().unwrap();
        answer(
            root.path(),
            "{\"generator\": \"reorient\", \"kind\": \"sweep\", \"question\": {\"asks\": \"ab\", \"grid.cap\": \"0.1\"}, FILES}",
        );
        let target = Target::new(root.path());
        assert!(ask(&target, "sweep", &[("asks", "ab"), ("grid.cap", "1/10")]).is_ok());
        let error = ask(&target, "sweep", &[("asks", "cd"), ("grid.cap", "0.2")]).unwrap_err().to_string();
        assert!(error.contains("(grid.cap: 0.1 -> 0.2)"), "{error}");
    }

    #[test]
    fn what_is_not_listed_stands_in_the_way_of_everybody() {
        let root = tempfile::tempdir().unwrap();
        answer(root.path(), RESULT);
        for name in ["b.txt", ".a", "TABLE.csv", "e", "d", "c"] {
            fs::write(root.path().join(name), "mine").unwrap();
        }
        for force in [false, true] {
            let error = ask(&Target::new(root.path()).force(force), "result", &[("cap", "0.05")]).unwrap_err();
            assert!(error.to_string().contains("holds .a, TABLE.csv, b.txt, c, d and 1 more, which"), "{error}");
        }
    }

    #[test]
    fn work_that_goes_on_needs_no_manifest_yet() {
        let root = tempfile::tempdir().unwrap();
        let work = Work { name: "store", sign: "store/locks", files: &["summary.csv"] };
        let asked = question(&[("asks", "ab")]);
        let claim = || Target::new(root.path()).claim(&Asked { kind: "sweep", question: Some(&asked), work: Some(work) });
        fs::write(root.path().join("summary.csv"), "mine").unwrap();
        assert!(matches!(claim(), Err(FolderError::NoManifest { .. })));
        fs::create_dir_all(root.path().join("store/locks")).unwrap();
        assert_eq!(claim().unwrap().old, None);
        // Begun again, before the dataset is there.
        let begun = "{\"generator\": \"reorient\", \"kind\": \"sweep\", \"complete\": false, \"question\": {\"asks\": \"ab\"}, \"files\": []}";
        fs::write(root.path().join(MANIFEST), begun).unwrap();
        assert!(claim().is_ok());
        fs::write(root.path().join(MANIFEST), begun.replace("false", "true")).unwrap();
        assert!(matches!(claim(), Err(FolderError::Unlisted { .. })));
        // Absent, another's and damaged are three things, and none of the last two gives way.
        fs::write(root.path().join(MANIFEST), "{}").unwrap();
        assert!(matches!(claim(), Err(FolderError::NoManifest { .. })));
        for damaged in ["", "{", &begun.replace("\"files\": []", "\"files\": 1"), &begun.replace(", \"files\": []", "")] {
            fs::write(root.path().join(MANIFEST), damaged).unwrap();
            for force in [false, true] {
                let target = Target::new(root.path()).force(force);
                let error = target.claim(&Asked { kind: "sweep", question: Some(&asked), work: Some(work) }).unwrap_err();
                assert!(error.to_string().contains("holds a manifest.json that is damaged"), "{error}");
            }
        }
    }

    #[test]
    fn an_empty_name_is_no_name() {
        assert!(matches!(ask(&Target::new(""), "result", &[]), Err(FolderError::NoName)));
    }

    #[test]
    fn only_what_is_ours_is_taken_away() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("old");
        answer(&folder, RESULT);
        fs::write(folder.join(".reorient-x.tmp"), "half").unwrap();
        fs::write(folder.join("mine.txt"), "mine").unwrap();
        assert!(remove_ours(&folder).is_err());
        assert_eq!(entries(&folder).unwrap().into_iter().collect::<Vec<_>>(), ["mine.txt"]);
        fs::remove_file(folder.join("mine.txt")).unwrap();
        remove_ours(&folder).unwrap();
        remove_ours(&folder).unwrap();
        assert!(!folder.exists());
    }
}
