//! What a manifest of ours says, as far as it decides who may replace the folder.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use reorient_files::{Limit, NameInFolder};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::Difference;
use crate::{GENERATOR, MANIFEST, SYNTHETIC};

/// The kind of a folder with the results of a run; those of the first version do not say.
const RESULT: &str = "result";
/// The generator and the kind of a made-up year.
const SYNTH: (&str, &str) = ("reorient synth", "synth");
/// Who finds the optimum does not change the question.
const NOT_ASKED: &str = "solver";

/// The key of a hash of everything that is asked. Where both questions have it, it alone decides.
pub const ASKS: &str = "asks";

/// One file of a folder. Its name is a [`NameInFolder`] where the manifest is one that was read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FileEntry<Name = String> {
    /// Name without its folder.
    pub name: Name,
    /// Size in bytes.
    pub bytes: u64,
    /// BLAKE3 hash in hexadecimal.
    pub blake3: String,
}

/// A manifest in short.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) kind: String,
    /// Whether all files are there.
    pub(crate) complete: bool,
    pub(crate) files: Vec<FileEntry<NameInFolder>>,
    /// Name of the manifest.
    own: &'static str,
    question: BTreeMap<String, String>,
}

/// What stands in the place of a manifest of ours. That there is none is not that it is damaged.
#[derive(Debug)]
pub(crate) enum Held {
    /// No file of that name, or somebody else's.
    Absent,
    Whole(Record),
    /// A file that cannot be read, is no JSON, or says that it is ours and lacks what ours have.
    Damaged {
        /// Its name.
        name: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

impl Held {
    /// Looks into a folder.
    pub(crate) fn of(folder: &Path) -> Self {
        let is_file = |name: &&str| fs::symlink_metadata(folder.join(name)).is_ok_and(|entry| entry.is_file());
        let Some(name) = [MANIFEST, SYNTHETIC].into_iter().find(is_file) else { return Self::Absent };
        let read = NameInFolder::new(name)
            .map_err(|error| error.to_string())
            .and_then(|name| reorient_files::read_in(folder, &name, Limit::MANIFEST).map_err(|error| error.problem()));
        let parsed = read.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).map_err(|error| error.to_string()));
        match parsed.and_then(|manifest| Record::parse(name, &manifest)) {
            Ok(Some(record)) => Self::Whole(record),
            Ok(None) => Self::Absent,
            Err(problem) => Self::Damaged { name, problem },
        }
    }
}

impl Record {
    /// The manifest of a folder that is whole; none where there is none of ours, and of a damaged one nothing is believed.
    pub(crate) fn read(folder: &Path) -> Option<Self> {
        match Held::of(folder) {
            Held::Whole(record) => Some(record),
            Held::Absent | Held::Damaged { .. } => None,
        }
    }

    /// None for a manifest of somebody else's; the text is what is wrong with one of ours.
    fn parse(own: &'static str, manifest: &Value) -> Result<Option<Self>, String> {
        let kind = match (own, manifest.get("generator").and_then(Value::as_str)) {
            (MANIFEST, Some(GENERATOR)) => manifest.get("kind").and_then(Value::as_str).unwrap_or(RESULT).to_owned(),
            (SYNTHETIC, Some(generator)) if generator == SYNTH.0 => SYNTH.1.to_owned(),
            _ => return Ok(None),
        };
        let files = manifest.get("files").ok_or("it lists no files")?;
        let files = serde_json::from_value(files.clone()).map_err(|error| error.to_string())?;
        let complete = manifest.get("complete").and_then(Value::as_bool).unwrap_or(true);
        Ok(Some(Self { kind, complete, files, own, question: question_of(manifest) }))
    }

    pub(crate) fn lists(&self, name: &OsStr) -> bool {
        name == self.own || self.files.iter().any(|file| name == OsStr::new(file.name.as_str()))
    }

    /// Whether all its files are in a folder, with all their bytes.
    pub(crate) fn is_whole(&self, folder: &Path) -> bool {
        let is_there =
            |file: &FileEntry<NameInFolder>| fs::metadata(folder.join(&file.name)).is_ok_and(|found| found.len() == file.bytes);
        self.files.iter().all(is_there)
    }

    /// All its files, the manifest among them.
    pub(crate) fn names(self) -> Vec<String> {
        self.files.into_iter().map(|file| file.name.into()).chain([self.own.to_owned()]).collect()
    }

    /// Where a new question departs from the one that is answered here.
    pub(crate) fn differences(&self, question: &BTreeMap<String, String>) -> Vec<Difference> {
        if self.question.contains_key(ASKS) && self.question.get(ASKS) == question.get(ASKS) {
            return Vec::new();
        }
        let keys: BTreeSet<&String> = self.question.keys().chain(question.keys()).filter(|key| *key != NOT_ASKED).collect();
        let value = |map: &BTreeMap<String, String>, key: &String| map.get(key).cloned().unwrap_or_default();
        let difference =
            |key: &String| Difference { key: key.clone(), old: value(&self.question, key), new: value(question, key) };
        let mut found: Vec<Difference> = keys.into_iter().map(difference).filter(|own| own.old != own.new).collect();
        // The hash is of all keys together: it says nothing where they do, nor where a manifest of an earlier version has none.
        let has_both = self.question.contains_key(ASKS) && question.contains_key(ASKS);
        if found.len() > 1 || !has_both {
            found.retain(|own| own.key != ASKS);
        }
        found
    }
}

/// What a manifest says was asked: its scenario, settings or question, key by key. Without `solver`, this is what another
/// answer must share to take its place.
pub fn question_of(manifest: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let asked = ["scenario", "settings", "question"].into_iter().find_map(|name| manifest.get(name)?.as_object());
    let mut question: BTreeMap<String, String> =
        asked.into_iter().flatten().map(|(key, value)| (key.clone(), text(value))).collect();
    // Indicators name their years apart.
    if manifest.get("settings").is_some()
        && let Some(years) = manifest.get("years").and_then(Value::as_array)
    {
        let years: Vec<String> = years.iter().map(|year| text(&year["year"])).collect();
        question.insert("year".to_owned(), years.join(","));
    }
    question
}
