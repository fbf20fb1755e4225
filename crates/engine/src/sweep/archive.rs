//! A sweep's store of results: its plan, and the segments that results are stored in.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use reorient_core::{Country, CountryCode, CountryTable, Text, is_letter, shown};
use reorient_data::InputRole;
use reorient_files::Limit;
use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::key::{Key, Method};
use super::plan::{ASKS, PlanInput, SweepPlan};
use super::record::SweepRecord;
use super::segment::{Packed, Place, check, encode, index_hash, pack, unpack};
use super::store::{Blobs, LocalBlobs, MemoryBlobs, Moment};

/// The file that says which scenarios there are.
const PLAN: &str = "plan.json.zst";
/// How segments end.
const SEGMENT: &str = ".segment.zst";
/// How often a plan is looked for that another is just writing.
const ATTEMPTS: usize = 50;

/// Folders within that of a sweep.
pub(crate) fn store_folder(out: &Path) -> PathBuf {
    out.join("store")
}

/// The plan as the store holds it: with it and the segments alone, all result files can be written.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredPlan {
    /// What the sweep calls itself.
    pub title: String,
    /// Version of the program.
    pub version: String,
    /// Label of the trade data.
    pub source: String,
    /// Whether the trade data are synthetic.
    pub synthetic: bool,
    /// What is asked, in short ([`SweepPlan::asked`]).
    pub question: BTreeMap<String, String>,
    /// How results are computed; plans of earlier versions do not say.
    pub method: Option<Method>,
    /// Files of trade, code tables and lists.
    pub inputs: Vec<PlanInput>,
    /// What indices of countries refer to.
    pub countries: CountryTable,
    /// Name and key of each scenario, in order.
    pub scenarios: Vec<(String, Key)>,
}

#[derive(Serialize, Deserialize)]
struct PlanDocument<'a> {
    title: Cow<'a, str>,
    version: Cow<'a, str>,
    source: Cow<'a, str>,
    synthetic: bool,
    // Plans of the first version lack it.
    #[serde(default)]
    question: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    method: Option<Cow<'a, Method>>,
    inputs: Cow<'a, [PlanInput]>,
    countries: Vec<(u16, Option<String>, String, String)>,
    scenarios: Cow<'a, [(String, Key)]>,
}

impl StoredPlan {
    /// What is to be stored of a plan.
    pub fn new(plan: &SweepPlan, source: &reorient_data::TradeSource) -> Self {
        Self {
            title: plan.title().to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            source: source.label().to_owned(),
            synthetic: source.is_synthetic(),
            question: plan.asked(),
            method: Some(Method::of(source.revision())),
            inputs: plan.inputs().to_vec(),
            countries: source.countries().clone(),
            scenarios: (0..plan.len()).map(|at| (plan.name(at), plan.key(at))).collect(),
        }
    }

    /// The inputs' part of every key that a result of this plan may have; none where the plan does not say how results are computed.
    fn inputs_keys(&self) -> Option<Vec<Key>> {
        let method = self.method.as_ref()?;
        let of = |role: InputRole| self.inputs.iter().filter(move |input| input.role == role.name());
        let tables = || {
            let tables = [InputRole::Countries, InputRole::Products].into_iter().flat_map(of);
            tables.map(|table| (table.role.as_str(), table.digits()))
        };
        let lists: Vec<Option<&str>> = [None].into_iter().chain(of(InputRole::List).map(|list| Some(list.digits()))).collect();
        let of_trade = |trade: &PlanInput| -> Vec<Key> {
            lists.iter().map(|list| method.inputs_key(trade.digits(), tables(), *list)).collect()
        };
        Some(of(InputRole::Trade).flat_map(of_trade).collect())
    }

    /// Whether this program would answer and write the same; otherwise an older or a later one did.
    pub fn is_of_this_version(&self) -> bool {
        self.method.as_ref().is_some_and(Method::is_current)
    }

    /// One line of JSON.
    fn to_document(&self) -> Vec<u8> {
        let country = |own: &Country| {
            (own.code.get(), own.iso2.as_ref().map(String::from), String::from(&own.iso3), String::from(&own.name))
        };
        let document = PlanDocument {
            title: Cow::Borrowed(&self.title),
            version: Cow::Borrowed(&self.version),
            source: Cow::Borrowed(&self.source),
            synthetic: self.synthetic,
            question: self.question.clone(),
            method: self.method.as_ref().map(Cow::Borrowed),
            inputs: Cow::Borrowed(&self.inputs),
            countries: self.countries.iter().map(|(_, own)| country(own)).collect(),
            scenarios: Cow::Borrowed(&self.scenarios),
        };
        let mut bytes = serde_json::to_vec(&document).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    fn from_document(bytes: &[u8]) -> Result<Self, String> {
        let document: PlanDocument<'_> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        let country = |(code, iso2, iso3, name): (u16, Option<String>, String, String)| -> Result<Country, String> {
            let text = |text: String| Text::name(text).map_err(|error| format!("country {code}: {error}"));
            let (iso2, iso3, name) = (iso2.map(text).transpose()?, text(iso3)?, text(name)?);
            Ok(Country { code: CountryCode::new(code).map_err(|error| error.to_string())?, iso2, iso3, name })
        };
        let countries = document.countries.into_iter().map(country).collect::<Result<_, _>>()?;
        // Names of combinations are made of names and values, and are as long as these are together.
        let texts = [&document.title, &document.version, &document.source].into_iter().map(AsRef::as_ref);
        let names = document.scenarios.iter().map(|(name, _)| name.as_str());
        if let Some(bad) = texts.chain(names).find(|text| !text.chars().all(is_letter)) {
            return Err(format!("`{}` is no name", shown(bad)));
        }
        Ok(Self {
            title: document.title.into_owned(),
            version: document.version.into_owned(),
            source: document.source.into_owned(),
            synthetic: document.synthetic,
            question: document.question,
            method: document.method.map(Cow::into_owned),
            inputs: document.inputs.into_owned(),
            countries: CountryTable::new(countries).map_err(|error| error.to_string())?,
            scenarios: document.scenarios.into_owned(),
        })
    }
}

/// Which stored plan may give way to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replace {
    /// None: others work on it.
    Nothing,
    /// One that cannot be read.
    Damaged,
    /// One that asks the same, of other data.
    SameQuestion,
    /// Any.
    Anything,
}

/// A document of the store.
pub(crate) struct Stored<'a> {
    /// The segment that it is in.
    pub(crate) file: &'a str,
    pub(crate) document: Vec<u8>,
    pub(crate) record: SweepRecord,
}

/// Results at hand.
pub struct Archive {
    blobs: Box<dyn Blobs>,
    plan: StoredPlan,
    /// What keys hold beside the question; none in stores of earlier versions.
    inputs: Option<Vec<Key>>,
    segments: Vec<String>,
    /// Segment and place of each result of the plan that is stored.
    places: HashMap<Key, (u32, Place)>,
    /// Segments that were not whole, with what is wrong.
    damaged: Vec<StoreError>,
}

impl Archive {
    /// Opens the store in the folder of a sweep to write: takes stale temporary files and damaged segments away, and stores the
    /// plan. `is_alive` tells of a writer whether it may still write; `replace` which other plan may give way.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read or written, or others work on another plan there.
    pub fn create(
        out: &Path,
        plan: StoredPlan,
        writer: &str,
        is_alive: &dyn Fn(&str) -> bool,
        replace: Replace,
        watch: Box<dyn Fn(Moment) + Send + Sync>,
    ) -> Result<Self, StoreError> {
        let blobs = LocalBlobs::create(&store_folder(out), writer, watch)?;
        blobs.clean(is_alive)?;
        Self::create_in(Box::new(blobs), plan, replace)
    }

    /// As [`Archive::create`], in a store without a folder. Of writers that begin at once with different plans, one succeeds.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read or written, or others work on another plan there.
    pub fn create_in(blobs: Box<dyn Blobs>, plan: StoredPlan, replace: Replace) -> Result<Self, StoreError> {
        store_plan(blobs.as_ref(), &plan, replace)?;
        let archive = Self::index(blobs, plan)?;
        for damaged in &archive.damaged {
            if let StoreError::Damaged { file, .. } = damaged {
                archive.blobs.remove(file)?;
            }
        }
        Ok(archive)
    }

    /// A store in memory, from which [`Archive::hand_over`] takes the results.
    ///
    /// # Errors
    /// None of today.
    pub fn in_memory(plan: StoredPlan) -> Result<Self, StoreError> {
        Self::create_in(Box::new(MemoryBlobs::default()), plan, Replace::Anything)
    }

    /// Opens the store in the folder of a sweep to read.
    ///
    /// # Errors
    /// [`StoreError`] when there is none or it cannot be read.
    pub fn open(out: &Path) -> Result<Self, StoreError> {
        Self::open_in(Box::new(LocalBlobs::open(&store_folder(out)))).map_err(|error| match error {
            StoreError::Missing { problem, .. } => StoreError::Missing { path: out.to_owned(), problem },
            error => error,
        })
    }

    /// As [`Archive::open`], in a store without a folder.
    ///
    /// # Errors
    /// [`StoreError`] when no plan is in it or it cannot be read.
    pub fn open_in(blobs: Box<dyn Blobs>) -> Result<Self, StoreError> {
        let Some((bytes, _)) = blobs.read_version(PLAN)? else {
            return Err(StoreError::Missing { path: blobs.place(), problem: "no results of a sweep are there".to_owned() });
        };
        let damaged = |problem: String| StoreError::Damaged { file: PLAN.to_owned(), problem };
        let plan = StoredPlan::from_document(&only_document(PLAN, &bytes)?).map_err(damaged)?;
        Self::index(blobs, plan)
    }

    /// What the store in the folder of a sweep holds of a plan, whether or not it is the plan that is stored there.
    ///
    /// # Errors
    /// [`StoreError`] when it is there and cannot be read.
    pub fn peek(out: &Path, plan: StoredPlan) -> Result<Self, StoreError> {
        Self::peek_in(Box::new(LocalBlobs::open(&store_folder(out))), plan)
    }

    /// As [`Archive::peek`], in a store without a folder.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn peek_in(blobs: Box<dyn Blobs>, plan: StoredPlan) -> Result<Self, StoreError> {
        Self::index(blobs, plan)
    }

    /// Reads and checks every segment.
    fn index(blobs: Box<dyn Blobs>, plan: StoredPlan) -> Result<Self, StoreError> {
        let inputs = plan.inputs_keys();
        let mut archive = Self { blobs, plan, inputs, segments: Vec::new(), places: HashMap::new(), damaged: Vec::new() };
        let wanted = archive.wanted();
        for name in archive.blobs.list()?.into_iter().filter(|name| name.ends_with(SEGMENT)) {
            let bytes = match archive.blobs.read(&name) {
                // Another writer replaced or removed it meanwhile.
                Err(StoreError::Missing { .. }) => continue,
                bytes => bytes?,
            };
            match check(&name, &bytes) {
                Ok(places) => archive.add(name, places.into_iter().filter(|(key, _)| wanted.contains(key))),
                Err(error) => archive.damaged.push(error),
            }
        }
        Ok(archive)
    }

    /// Keys of the plan.
    fn wanted(&self) -> HashSet<Key> {
        self.plan.scenarios.iter().map(|(_, key)| *key).collect()
    }

    fn add(&mut self, name: String, places: impl Iterator<Item = (Key, Place)>) {
        let segment = u32::try_from(self.segments.len()).unwrap_or(u32::MAX);
        self.segments.push(name);
        self.places.extend(places.map(|(key, place)| (key, (segment, place))));
    }

    /// The plan.
    pub const fn plan(&self) -> &StoredPlan {
        &self.plan
    }

    /// Whether a result is stored.
    pub fn holds(&self, key: &Key) -> bool {
        self.places.contains_key(key)
    }

    /// Segments that were found damaged when the store was opened.
    pub fn damaged(&self) -> &[StoreError] {
        &self.damaged
    }

    /// Number of segments that are whole.
    pub fn n_segments(&self) -> usize {
        self.segments.len()
    }

    /// Scenarios of the plan without a result.
    pub fn n_missing(&self) -> usize {
        self.plan.scenarios.iter().filter(|(_, key)| !self.holds(key)).count()
    }

    /// The result of a scenario of the plan; none when it is not stored.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read, is damaged, or is not what its key says.
    pub fn get(&self, key: &Key) -> Result<Option<SweepRecord>, StoreError> {
        Ok(self.stored(key)?.map(|stored| stored.record))
    }

    /// As [`Archive::get`], with the bytes and where they are.
    pub(crate) fn stored(&self, key: &Key) -> Result<Option<Stored<'_>>, StoreError> {
        let Some((segment, place)) = self.places.get(key) else { return Ok(None) };
        let file = &self.segments[*segment as usize];
        let bytes = self.blobs.read_part(file, place.offset, place.length as usize)?;
        let (document, record) = self.unpacked(file, key, place, &bytes)?;
        Ok(Some(Stored { file, document, record }))
    }

    /// A document, once it is what its key says.
    fn unpacked(&self, file: &str, key: &Key, place: &Place, bytes: &[u8]) -> Result<(Vec<u8>, SweepRecord), StoreError> {
        let document = unpack(file, place, bytes, Limit::RESULT)?;
        let damaged = |problem: String| StoreError::Damaged { file: file.to_owned(), problem };
        let record = SweepRecord::from_document(&document, &self.plan.countries).map_err(damaged)?;
        let is_of = |inputs: &Key| record.question.with_inputs(inputs) == *key;
        if self.inputs.as_ref().is_some_and(|inputs| !inputs.iter().any(is_of)) {
            let problem = "a result does not answer the question, or not from the inputs, that its key stands for; remove the file, \
                           and the sweep's own command answers its scenarios again";
            return Err(damaged(problem.to_owned()));
        }
        Ok((document, record))
    }

    /// Stores results for good, as one segment.
    pub(crate) fn put(&mut self, documents: &[Packed]) -> Result<(), StoreError> {
        if documents.is_empty() {
            return Ok(());
        }
        let (bytes, hash) = encode(documents);
        let name = segment_name(&hash);
        self.commit(&name, &bytes)?;
        let places = check(&name, &bytes)?;
        self.add(name, places.into_iter());
        Ok(())
    }

    /// Puts a segment in place. Its name is the hash of its contents: what is there already is the same, or damaged.
    fn commit(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        if self.blobs.put_new(name, bytes)? || self.blobs.read(name).is_ok_and(|stored| stored == bytes) {
            return Ok(());
        }
        self.blobs.put(name, bytes)
    }

    /// Takes all segments out of the store, with their names, for another to [`Archive::adopt`].
    ///
    /// # Errors
    /// [`StoreError`] when one cannot be read or removed.
    pub fn hand_over(&mut self) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let read = |name: &String| self.blobs.read(name).map(|bytes| (name.clone(), bytes));
        let segments = self.segments.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        self.segments.iter().try_for_each(|name| self.blobs.remove(name))?;
        self.segments.clear();
        self.places.clear();
        Ok(segments)
    }

    /// Stores a segment of another sweep, if it holds results of this plan that are missing. Returns whether it did.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when these are not the bytes that got this name; others when it cannot be stored.
    pub fn adopt(&mut self, name: &str, bytes: &[u8]) -> Result<bool, StoreError> {
        self.adopt_wanted(name, bytes, &self.wanted())
    }

    fn adopt_wanted(&mut self, name: &str, bytes: &[u8], wanted: &HashSet<Key>) -> Result<bool, StoreError> {
        let places = check(name, bytes)?;
        let is_named = index_hash(bytes).is_some_and(|hash| segment_name(&hash) == name);
        if !is_named {
            return Err(StoreError::Damaged { file: name.to_owned(), problem: "its name is not its hash".to_owned() });
        }
        let new: Vec<(Key, Place)> = places.into_iter().filter(|(key, _)| wanted.contains(key) && !self.holds(key)).collect();
        if new.is_empty() {
            return Ok(false);
        }
        if self.inputs.is_some() {
            for (key, place) in &new {
                let start = usize::try_from(place.offset).unwrap_or(usize::MAX);
                let own = bytes.get(start..).and_then(|rest| rest.get(..place.length as usize));
                self.unpacked(name, key, place, own.unwrap_or_default())?;
            }
        }
        self.commit(name, bytes)?;
        self.add(name.to_owned(), new.into_iter());
        Ok(true)
    }

    /// Takes over the segments of another sweep's folder that hold results of this plan. Returns how many.
    ///
    /// # Errors
    /// [`StoreError`] when the other cannot be read or is damaged, or this cannot be written.
    pub fn take_from(&mut self, other: &Path) -> Result<usize, StoreError> {
        self.take_from_in(&LocalBlobs::open(&store_folder(other)))
    }

    /// As [`Archive::take_from`], from a store without a folder.
    ///
    /// # Errors
    /// [`StoreError`] when the other cannot be read or this cannot be written.
    pub fn take_from_in(&mut self, from: &dyn Blobs) -> Result<usize, StoreError> {
        let wanted = self.wanted();
        let mut count = 0;
        for name in from.list()?.into_iter().filter(|name| name.ends_with(SEGMENT)) {
            if self.segments.contains(&name) {
                continue;
            }
            let adopted = self.adopt_wanted(&name, &from.read(&name)?, &wanted).map_err(|error| match error {
                StoreError::Damaged { file, problem } => {
                    StoreError::Damaged { file: from.place().join(file).display().to_string(), problem }
                }
                error => error,
            });
            count += usize::from(adopted?);
        }
        Ok(count)
    }
}

fn segment_name(hash: &Key) -> String {
    format!("{}{SEGMENT}", &hash.to_string()[..32])
}

/// Stores a plan, unless it is the one that is stored. `replace` says which other plan may give way, if nobody stores a third one
/// meanwhile.
fn store_plan(blobs: &dyn Blobs, plan: &StoredPlan, mut replace: Replace) -> Result<(), StoreError> {
    let document = plan.to_document();
    let key = Key::of(&document);
    let is_own = |bytes: &[u8]| check(PLAN, bytes).is_ok_and(|places| matches!(places.as_slice(), [(own, _)] if *own == key));
    let busy = || {
        let problem = "another plan is stored there, which others may work on and a shard never replaces; give all shards the same \
                       files, choose another place, or run the sweep without --shard";
        Err(StoreError::Busy { path: blobs.place(), problem: problem.to_owned() })
    };
    // What cannot be read is no plan of anybody's.
    let stored = |bytes: &[u8]| only_document(PLAN, bytes).ok().and_then(|document| StoredPlan::from_document(&document).ok());
    let asks_otherwise = |bytes: &[u8]| stored(bytes).is_some_and(|stored| stored.question.get(ASKS) != plan.question.get(ASKS));
    let other = || {
        let problem = "it holds the plan of another sweep; choose another place, or replace the plan with --force";
        Err(StoreError::Busy { path: blobs.place(), problem: problem.to_owned() })
    };
    let file = || encode(&[pack(key, &document)]).0;
    let mut seen = blobs.read_version(PLAN)?;
    for _ in 0..ATTEMPTS {
        let is_stored = match &seen {
            Some((bytes, _)) if is_own(bytes) => return Ok(()),
            Some(_) if replace == Replace::Nothing => return busy(),
            Some((bytes, _)) if replace == Replace::Damaged && stored(bytes).is_some() => return busy(),
            Some((bytes, _)) if replace == Replace::SameQuestion && asks_otherwise(bytes) => return other(),
            Some((_, version)) => blobs.swap(PLAN, version, &file())?,
            None => blobs.put_new(PLAN, &file())?,
        };
        if is_stored {
            return Ok(());
        }
        // Another was first. Its plan does not give way, but it may be the same; what is still being written shows after a moment.
        replace = Replace::Nothing;
        std::thread::sleep(Duration::from_millis(20));
        seen = blobs.read_version(PLAN)?;
    }
    busy()
}

/// The only document of a file.
fn only_document(name: &str, bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
    let places = check(name, bytes)?;
    let [(_, place)] = places.as_slice() else {
        return Err(StoreError::Damaged { file: name.to_owned(), problem: "it holds more than one document".to_owned() });
    };
    let start = usize::try_from(place.offset).unwrap_or(usize::MAX);
    unpack(name, place, bytes.get(start..).unwrap_or_default(), Limit::PLAN)
}

impl std::fmt::Debug for Archive {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Archive of {} results in {} segments", self.places.len(), self.segments.len())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::sweep::store::Version;

    fn key(at: u8) -> Key {
        Key::of(&[at])
    }

    fn plan(title: &str, keys: std::ops::Range<u8>) -> StoredPlan {
        StoredPlan {
            title: title.to_owned(),
            version: "0".to_owned(),
            source: "none".to_owned(),
            synthetic: false,
            question: BTreeMap::new(),
            method: None,
            inputs: Vec::new(),
            countries: reorient_data::TradeSource::embedded().unwrap().countries().clone(),
            scenarios: keys.map(|at| (at.to_string(), key(at))).collect(),
        }
    }

    fn archive(keys: std::ops::Range<u8>) -> Archive {
        Archive::in_memory(plan("a", keys)).unwrap()
    }

    fn put(archive: &mut Archive, keys: std::ops::Range<u8>) {
        let documents: Vec<Packed> = keys.map(|at| pack(key(at), &[at])).collect();
        archive.put(&documents).unwrap();
    }

    #[test]
    fn what_is_handed_over_is_adopted_once() {
        let mut worker = archive(0..4);
        put(&mut worker, 0..2);
        put(&mut worker, 2..4);
        let segments = worker.hand_over().unwrap();
        assert_eq!((segments.len(), worker.n_missing(), worker.n_segments()), (2, 4, 0));
        let mut all = archive(0..4);
        for (name, bytes) in &segments {
            assert!(all.adopt(name, bytes).unwrap());
            assert!(!all.adopt(name, bytes).unwrap());
        }
        assert_eq!((all.n_missing(), all.n_segments()), (0, 2));
        // Nothing in it is of the plan.
        assert!(!archive(4..6).adopt(&segments[0].0, &segments[0].1).unwrap());
    }

    #[test]
    fn other_bytes_or_another_name_are_damage() {
        let mut worker = archive(0..2);
        put(&mut worker, 0..1);
        put(&mut worker, 1..2);
        let segments = worker.hand_over().unwrap();
        let mut all = archive(0..2);
        let mut refused = |name: &str, bytes: &[u8]| matches!(all.adopt(name, bytes), Err(StoreError::Damaged { .. }));
        assert!(refused(&segments[1].0, &segments[0].1));
        assert!(refused(&format!("../{}", segments[0].0), &segments[0].1));
        assert!(refused(&segments[0].0, &segments[0].1[1..]));
        assert_eq!(all.n_segments(), 0);
    }

    #[test]
    fn a_damaged_segment_of_the_same_name_is_replaced() {
        let mut own = archive(0..1);
        put(&mut own, 0..1);
        let name = own.segments[0].clone();
        let bytes = own.blobs.read(&name).unwrap();
        own.blobs.put(&name, b"damage").unwrap();
        put(&mut own, 0..1);
        assert_eq!(own.blobs.read(&name).unwrap(), bytes);
    }

    #[test]
    fn of_two_plans_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = || -> Box<dyn Blobs> { Box::new(LocalBlobs::create(folder.path(), "x", Box::new(|_| {})).unwrap()) };
        let create = |title: &str, may_replace: bool| {
            let replace = if may_replace { Replace::Anything } else { Replace::Nothing };
            Archive::create_in(blobs(), plan(title, 0..1), replace)
        };
        create("a", false).unwrap();
        create("a", false).unwrap();
        assert!(matches!(create("b", false), Err(StoreError::Busy { .. })));
        create("b", true).unwrap();
        assert_eq!(Archive::open_in(blobs()).unwrap().plan().title, "b");
    }

    /// A store in which another writes its plan after the first look.
    struct Overtaken {
        blobs: MemoryBlobs,
        others: Vec<u8>,
    }

    impl Blobs for Overtaken {
        fn place(&self) -> std::path::PathBuf {
            self.blobs.place()
        }
        fn list(&self) -> Result<Vec<String>, StoreError> {
            self.blobs.list()
        }
        fn read(&self, name: &str) -> Result<Vec<u8>, StoreError> {
            self.blobs.read(name)
        }
        fn read_part(&self, name: &str, offset: u64, length: usize) -> Result<Vec<u8>, StoreError> {
            self.blobs.read_part(name, offset, length)
        }
        fn put(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
            self.blobs.put(name, bytes)
        }
        fn read_version(&self, name: &str) -> Result<Option<(Vec<u8>, Version)>, StoreError> {
            let seen = self.blobs.read_version(name);
            self.blobs.put(name, &self.others)?;
            seen
        }
        fn put_new(&self, name: &str, bytes: &[u8]) -> Result<bool, StoreError> {
            self.blobs.put_new(name, bytes)
        }
        fn swap(&self, name: &str, old: &Version, bytes: &[u8]) -> Result<bool, StoreError> {
            self.blobs.swap(name, old, bytes)
        }
        fn remove(&self, name: &str) -> Result<(), StoreError> {
            self.blobs.remove(name)
        }
    }

    #[test]
    fn who_is_overtaken_goes_on_only_with_the_same_plan() {
        let file = |title: &str| {
            let document = plan(title, 0..1).to_document();
            encode(&[pack(Key::of(&document), &document)]).0
        };
        for stored in [None, Some("earlier")] {
            let store = |others: &str| {
                let blobs = MemoryBlobs::default();
                stored.iter().for_each(|title| blobs.put(PLAN, &file(title)).unwrap());
                store_plan(&Overtaken { blobs, others: file(others) }, &plan("a", 0..1), Replace::Anything)
            };
            assert!(store("a").is_ok());
            assert!(matches!(store("b"), Err(StoreError::Busy { .. })));
        }
    }
}
