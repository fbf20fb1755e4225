//! Files of ours, opened: what their footers, their code tables and their manifest say must agree.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use reorient_core::Year;
use reorient_files::Limit;

use crate::DataError;
use crate::codes::CodeTables;
use crate::error::file_name;
use crate::ingested::{COUNTRY_CODES, FileHash, IngestManifest, PRODUCT_CODES, check_listed, in_folder};
use crate::input::NamedBytes;
use crate::sealed::{self, Manifest, TableTexts};
use crate::store::{Content, Footer, YearInfo};

/// Said of folders that were ingested before code tables were sealed.
const UNSEALED: &str = "Its code tables are not sealed: the folder was ingested by an earlier version, and only its manifest says which \
                        tables belong to it. Ingest the sources again to seal them.";
/// Said of a folder whose files are whole and whose manifest is not there.
const WITHOUT_MANIFEST: &str = "Its manifest.json is not there: every row and code table is as it was ingested, but whether a year is missing cannot be known.";

/// A year, open since it was looked at.
pub(crate) struct OpenYear {
    pub(crate) path: PathBuf,
    pub(crate) content: Arc<Content>,
    pub(crate) info: YearInfo,
    pub(crate) read_with: FileHash,
}

/// What one path holds.
pub(crate) struct Ours {
    pub(crate) years: BTreeMap<Year, OpenYear>,
    pub(crate) tables: CodeTables,
    pub(crate) notes: Vec<String>,
}

impl Ours {
    /// Opens files of ours: all of a folder, or one of them.
    ///
    /// # Errors
    /// [`DataError`] when they do not belong together, when a code table is not the one that rows were ingested with, or when the
    /// manifest is damaged.
    pub(crate) fn open(path: &Path, files: Vec<PathBuf>) -> Result<Self, DataError> {
        let beside = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new(".")) };
        let years = open_years(files)?;
        let Some(first) = years.values().next() else {
            return Err(DataError::file(&file_name(path), "there is no file with rows"));
        };
        let revision = first.info.revision;
        let sealed = years.values().all(|year| year.info.tables.is_some());
        let manifest = match Manifest::of(beside)? {
            Manifest::Whole(manifest) => Some(*manifest),
            Manifest::Damaged(problem) => return Err(sealed::damaged(&problem)),
            Manifest::Foreign if path.is_dir() => {
                return Err(sealed::damaged("it is not that of the ingest that wrote them"));
            }
            // A file of ours that somebody put beside a manifest of something else.
            Manifest::Foreign | Manifest::Absent => None,
        };
        let (tables, note) = match &manifest {
            Some(manifest) => {
                if manifest.seal.is_none() && years.values().any(|year| year.info.tables.is_some()) {
                    return Err(sealed::damaged("its own hash is missing"));
                }
                check_manifest(beside, path.is_dir(), manifest, &years)?;
                let tables = listed_tables(beside, manifest)?;
                (tables, (!sealed).then_some(UNSEALED))
            }
            None if sealed => (beside_tables(beside)?, path.is_dir().then_some(WITHOUT_MANIFEST)),
            None => {
                let problem = "it was ingested by an earlier version, and no manifest beside it says which code tables belong to it; \
                               ingest the sources again";
                let unsealed = years.values().find(|year| year.info.tables.is_none()).unwrap_or(first);
                return Err(DataError::file(&file_name(&unsealed.path), problem));
            }
        };
        let tables = sealed_tables(tables, &years, first)?;
        let [countries, products] = &tables;
        let mut tables = CodeTables::from_parts(countries.as_ref(), products.as_ref(), revision)?;
        if sealed {
            tables.verify();
        }
        Ok(Self { years, tables, notes: note.into_iter().map(str::to_owned).collect() })
    }
}

/// Opens each file; no year twice, one revision and one release.
fn open_years(files: Vec<PathBuf>) -> Result<BTreeMap<Year, OpenYear>, DataError> {
    let mut years: BTreeMap<Year, OpenYear> = BTreeMap::new();
    for path in files {
        let content = Arc::new(Content::open(&path)?);
        let footer = Footer::open(&content)?;
        let read_with = footer.file_hash(&content);
        let info = footer.info;
        if let Some(expected) = years.values().next().map(|year| &year.info)
            && (expected.revision, &expected.release) != (info.revision, &info.release)
        {
            let problem = format!(
                "it holds {} of release {}, other files of the folder {} of release {}: put each into a folder of its own",
                info.revision, info.release, expected.revision, expected.release
            );
            return Err(DataError::file(&file_name(&path), problem));
        }
        if let Some(other) = years.get(&info.year) {
            let problem = format!(
                "it holds the year {} that is in {} too: ingest the sources of both together, or move one out if it is a copy",
                info.year,
                file_name(&other.path)
            );
            return Err(DataError::file(&file_name(&path), problem));
        }
        years.insert(info.year, OpenYear { path, content, info, read_with });
    }
    Ok(years)
}

/// Holds the files against the manifest: all of a folder, or the one that was named.
fn check_manifest(
    folder: &Path,
    whole: bool,
    manifest: &IngestManifest,
    years: &BTreeMap<Year, OpenYear>,
) -> Result<(), DataError> {
    if whole {
        manifest.files.iter().try_for_each(|listed| check_listed(folder, listed, false))?;
    }
    for year in years.values() {
        let listed = manifest.files.iter().find(|listed| listed.name.as_str() == year.read_with.name);
        let Some(listed) = listed else { continue };
        if (listed.bytes, &listed.footer_blake3) != (year.read_with.bytes, &year.read_with.footer_blake3) {
            return Err(DataError::damaged(&year.read_with.name, "it is not the file that the manifest lists"));
        }
    }
    Ok(())
}

/// The code tables that a manifest lists, with the hashes that it gives.
fn listed_tables(folder: &Path, manifest: &IngestManifest) -> Result<[Option<NamedBytes>; 2], DataError> {
    let mut tables = [None, None];
    for (slot, name) in tables.iter_mut().zip([COUNTRY_CODES, PRODUCT_CODES]) {
        let Some(listed) = manifest.files.iter().find(|listed| listed.name.as_str() == name) else { continue };
        let bytes = reorient_files::read_in(folder, &listed.name, Limit::CODE_TABLE)?;
        if blake3::hash(&bytes).to_hex().as_str() != listed.blake3 {
            return Err(DataError::damaged(name, "it does not match its BLAKE3 hash in the manifest"));
        }
        *slot = Some((name.to_owned(), bytes));
    }
    if tables[0].is_none() {
        return Err(sealed::damaged(&format!("it does not list {COUNTRY_CODES}")));
    }
    Ok(tables)
}

/// The code tables that stand beside a file.
fn beside_tables(folder: &Path) -> Result<[Option<NamedBytes>; 2], DataError> {
    let mut tables = [None, None];
    for (slot, name) in tables.iter_mut().zip([COUNTRY_CODES, PRODUCT_CODES]) {
        match reorient_files::read_in(folder, &in_folder(name)?, Limit::CODE_TABLE) {
            Ok(bytes) => *slot = Some((name.to_owned(), bytes)),
            Err(error) if error.is_absent() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(tables)
}

/// Holds code tables against the footer of every file. Where one is not there, the table of the program takes its place if it is the
/// one that the footer names.
fn sealed_tables(
    mut tables: [Option<NamedBytes>; 2],
    years: &BTreeMap<Year, OpenYear>,
    first: &OpenYear,
) -> Result<[Option<NamedBytes>; 2], DataError> {
    let hash = |bytes: &[u8]| blake3::hash(bytes).to_hex().to_string();
    let mut shipped: Option<TableTexts> = None;
    for year in years.values() {
        let Some(seal) = &year.info.tables else { continue };
        let names = [(COUNTRY_CODES, Some(&seal.countries)), (PRODUCT_CODES, seal.products.as_ref())];
        for (at, (name, sealed)) in names.into_iter().enumerate() {
            let own = tables[at].as_ref().map(|(_, bytes)| hash(bytes));
            if own.as_ref() == sealed {
                continue;
            }
            let (None, Some(sealed)) = (own, sealed) else {
                let problem = format!(
                    "it is not the table that the rows of {} were ingested with; put that one back, or ingest the sources again",
                    file_name(&year.path)
                );
                return Err(DataError::damaged(name, problem));
            };
            let texts = match &mut shipped {
                Some(texts) => texts,
                none => none.insert(CodeTables::from_parts(None, None, first.info.revision)?.texts()?),
            };
            let text = if at == 0 { Some(&texts.countries) } else { texts.products.as_ref() };
            match text.filter(|text| hash(text.as_bytes()) == *sealed) {
                Some(text) => tables[at] = Some((name.to_owned(), text.clone().into_bytes())),
                None => {
                    let problem = format!(
                        "its rows were ingested with a {name} that is not beside it; put the one of its folder there, or ingest the \
                         sources again"
                    );
                    return Err(DataError::file(&file_name(&year.path), problem));
                }
            }
        }
    }
    Ok(tables)
}
