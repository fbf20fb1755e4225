//! A sweep's folder of results: its plan, and the segments that results are stored in.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use reorient_core::{Country, CountryCode, CountryTable};
use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::key::Key;
use super::plan::{PlanInput, SweepPlan};
use super::record::SweepRecord;
use super::segment::{Packed, Place, check, encode, pack, unpack};
use super::store::{Blobs, LocalBlobs, Moment};

/// The file that says which scenarios there are.
const PLAN: &str = "plan.json.zst";
/// How segments end.
const SEGMENT: &str = ".segment.zst";

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
    /// Files of trade.
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
            inputs: plan.inputs().to_vec(),
            countries: source.countries().clone(),
            scenarios: (0..plan.len()).map(|at| (plan.name(at), plan.key(at))).collect(),
        }
    }

    /// One line of JSON.
    fn to_document(&self) -> Vec<u8> {
        let country = |own: &Country| (own.code.get(), own.iso2.clone(), own.iso3.clone(), own.name.clone());
        let document = PlanDocument {
            title: Cow::Borrowed(&self.title),
            version: Cow::Borrowed(&self.version),
            source: Cow::Borrowed(&self.source),
            synthetic: self.synthetic,
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
        let country = |(code, iso2, iso3, name): (u16, Option<String>, String, String)| {
            CountryCode::new(code).map(|code| Country { code, iso2, iso3, name })
        };
        let countries =
            document.countries.into_iter().map(country).collect::<Result<_, _>>().map_err(|error| error.to_string())?;
        Ok(Self {
            title: document.title.into_owned(),
            version: document.version.into_owned(),
            source: document.source.into_owned(),
            synthetic: document.synthetic,
            inputs: document.inputs.into_owned(),
            countries: CountryTable::new(countries).map_err(|error| error.to_string())?,
            scenarios: document.scenarios.into_owned(),
        })
    }
}

/// Results at hand.
pub struct Archive {
    blobs: LocalBlobs,
    plan: StoredPlan,
    segments: Vec<String>,
    /// Segment and place of each result of the plan that is stored.
    places: HashMap<Key, (u32, Place)>,
    /// Segments that were not whole, with what is wrong.
    damaged: Vec<StoreError>,
}

impl Archive {
    /// Opens the store in the folder of a sweep to write: takes stale temporary files and damaged segments away, and stores the
    /// plan. `is_alive` tells of a writer whether it may still write; `may_replace` whether another plan may give way.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read or written, or others work on another plan there.
    pub fn create(
        out: &Path,
        plan: StoredPlan,
        writer: &str,
        is_alive: &dyn Fn(&str) -> bool,
        may_replace: bool,
        watch: Box<dyn Fn(Moment) + Sync>,
    ) -> Result<Self, StoreError> {
        let folder = store_folder(out);
        let blobs = LocalBlobs::create(&folder, writer, watch)?;
        blobs.clean(is_alive)?;
        store_plan(&blobs, &plan, may_replace)?;
        let archive = Self::index(blobs, plan)?;
        for damaged in &archive.damaged {
            if let StoreError::Damaged { file, .. } = damaged {
                archive.blobs.remove(file)?;
            }
        }
        Ok(archive)
    }

    /// Opens the store in the folder of a sweep to read.
    ///
    /// # Errors
    /// [`StoreError`] when there is none or it cannot be read.
    pub fn open(out: &Path) -> Result<Self, StoreError> {
        let folder = store_folder(out);
        let blobs = LocalBlobs::open(&folder);
        let document = read_document(&blobs, PLAN).map_err(|error| match error {
            StoreError::Missing { .. } => {
                StoreError::Missing { path: out.to_owned(), problem: "it is not the folder of a sweep".to_owned() }
            }
            error => error,
        })?;
        let damaged = |problem: String| StoreError::Damaged { file: PLAN.to_owned(), problem };
        let plan = StoredPlan::from_document(&document).map_err(damaged)?;
        Self::index(blobs, plan)
    }

    /// What the store in the folder of a sweep holds of a plan, whether or not it is the plan that is stored there.
    ///
    /// # Errors
    /// [`StoreError`] when it is there and cannot be read.
    pub fn peek(out: &Path, plan: StoredPlan) -> Result<Self, StoreError> {
        Self::index(LocalBlobs::open(&store_folder(out)), plan)
    }

    /// Reads and checks every segment.
    fn index(blobs: LocalBlobs, plan: StoredPlan) -> Result<Self, StoreError> {
        let mut archive = Self { blobs, plan, segments: Vec::new(), places: HashMap::new(), damaged: Vec::new() };
        let wanted: HashSet<Key> = archive.plan.scenarios.iter().map(|(_, key)| *key).collect();
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
    /// [`StoreError`] when it cannot be read or is damaged.
    pub fn get(&self, key: &Key) -> Result<Option<SweepRecord>, StoreError> {
        let Some((segment, place)) = self.places.get(key) else { return Ok(None) };
        let name = &self.segments[*segment as usize];
        let bytes = self.blobs.read_part(name, place.offset, place.length as usize)?;
        let document = unpack(name, place, &bytes)?;
        let record = SweepRecord::from_document(&document, &self.plan.countries);
        record.map(Some).map_err(|problem| StoreError::Damaged { file: name.clone(), problem })
    }

    /// Stores results for good, as one segment.
    pub(crate) fn put(&mut self, documents: &[Packed]) -> Result<(), StoreError> {
        if documents.is_empty() {
            return Ok(());
        }
        let (bytes, hash) = encode(documents);
        let name = format!("{}{SEGMENT}", &hash.to_string()[..32]);
        self.blobs.put(&name, &bytes)?;
        let places = check(&name, &bytes)?;
        self.add(name, places.into_iter());
        Ok(())
    }

    /// Takes over the segments of another sweep's folder that hold results of this plan. Returns how many.
    ///
    /// # Errors
    /// [`StoreError`] when the other cannot be read or this cannot be written.
    pub fn take_from(&mut self, other: &Path) -> Result<usize, StoreError> {
        let from = LocalBlobs::open(&store_folder(other));
        let wanted: HashSet<Key> = self.plan.scenarios.iter().map(|(_, key)| *key).collect();
        let mut count = 0;
        for name in from.list()?.into_iter().filter(|name| name.ends_with(SEGMENT)) {
            if self.segments.contains(&name) {
                continue;
            }
            let bytes = from.read(&name)?;
            let places = match check(&name, &bytes) {
                Ok(places) => places,
                Err(error) => {
                    self.damaged.push(error);
                    continue;
                }
            };
            let new: Vec<(Key, Place)> = places.into_iter().filter(|(key, _)| wanted.contains(key) && !self.holds(key)).collect();
            if !new.is_empty() {
                self.blobs.put(&name, &bytes)?;
                self.add(name, new.into_iter());
                count += 1;
            }
        }
        Ok(count)
    }
}

/// Stores a plan, unless it is the one that is stored. `may_replace` says whether another plan may give way.
fn store_plan(blobs: &LocalBlobs, plan: &StoredPlan, may_replace: bool) -> Result<(), StoreError> {
    let document = plan.to_document();
    let key = Key::of(&document);
    let stored = blobs.read(PLAN).and_then(|bytes| check(PLAN, &bytes));
    match stored {
        Ok(places) if matches!(places.as_slice(), [(own, _)] if *own == key) => Ok(()),
        Ok(_) | Err(StoreError::Damaged { .. }) if !may_replace => {
            let problem = "other shards work there on another plan; give all shards the same files, or choose another folder";
            Err(StoreError::Busy { path: blobs.folder().to_owned(), problem: problem.to_owned() })
        }
        Ok(_) | Err(StoreError::Damaged { .. } | StoreError::Missing { .. }) => {
            blobs.put(PLAN, &encode(&[pack(key, &document)]).0)
        }
        Err(error) => Err(error),
    }
}

/// The only document of a file.
fn read_document(blobs: &LocalBlobs, name: &str) -> Result<Vec<u8>, StoreError> {
    let bytes = blobs.read(name)?;
    let places = check(name, &bytes)?;
    let [(_, place)] = places.as_slice() else {
        return Err(StoreError::Damaged { file: name.to_owned(), problem: "it holds more than one document".to_owned() });
    };
    let start = usize::try_from(place.offset).unwrap_or(usize::MAX);
    unpack(name, place, bytes.get(start..).unwrap_or_default())
}

impl std::fmt::Debug for Archive {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Archive of {} results in {} segments", self.places.len(), self.segments.len())
    }
}
