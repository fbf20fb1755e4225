//! CEPII's zip: yearly CSV files, two code tables and a readme. Members are streamed, nothing is unpacked to disk.

use std::io::{BufReader, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use reorient_core::shown;
use reorient_files::Limit;
use zip::result::ZipResult;
use zip::{CompressionMethod, ZipArchive};

use super::hashed::{Watched, WatchedReader};
use super::stream::{LARGEST_RATIO, LONGEST};
use super::{Input, Member, Place, SYNTHETIC, is_table, named_synthetic, take_table};
use crate::DataError;
use crate::error::file_name;

/// CEPII ships some thirty years and three tables.
const MOST_MEMBERS: u64 = 1000;
/// Bytes of a directory of that many members with long names.
const LARGEST_DIRECTORY: u64 = 1 << 20;
/// The record at the end of an archive and the longest comment.
const END_RECORD: u64 = 22;
const LONGEST_COMMENT: u64 = 65_535;

type Archive = ZipArchive<BufReader<WatchedReader>>;

/// Adds the members of an archive that hold rows or code tables.
pub(super) fn open(path: &Path, input: &mut Input) -> Result<(), DataError> {
    let name = file_name(path);
    let file = Watched::open(path)?;
    check_directory(&file, &name)?;
    let mut archive = archive(&file, &name)?;
    if archive.has_duplicate_names() {
        return Err(refuse(&name, "two members have the same name"));
    }
    if isolated(&name, || Ok(archive.has_overlapping_files()? || archive.has_overlapping_entries()?))? {
        return Err(refuse(&name, "members overlap"));
    }
    let mut total: u64 = 0;
    let before = input.members.len();
    for index in 0..archive.len() {
        let entry = isolated(&name, || entry(&mut archive, index))?;
        let short = shown(entry.name.rsplit('/').next().unwrap_or_default()).to_string();
        let lower = short.to_ascii_lowercase();
        check_entry(&name, &entry)?;
        total = total.saturating_add(entry.size);
        let table = is_table(&lower, "country_codes") || is_table(&lower, "product_codes");
        if entry.is_directory || entry.name.starts_with("__MACOSX/") {
        } else if table {
            let bytes = read_table(&file, &name, index, &entry)?;
            let slot = if lower.starts_with("country") { &mut input.countries } else { &mut input.products };
            take_table(slot, &short, bytes)?;
        } else if lower.ends_with(".csv") && lower.starts_with("baci") {
            input.members.push(Member::new(short, Place::Zip(Arc::clone(&file), index), entry.size));
        } else {
            if lower.starts_with("readme") {
                input.synthetic |= begins(&file, index)?;
            }
            input.ignored.push(short);
        }
    }
    input.synthetic |= named_synthetic(&name);
    isolated(&name, || {
        archive.validate_header_consistency()?;
        Ok(())
    })?;
    if total > LONGEST * 4 {
        return Err(refuse(&name, &format!("its members claim {} GiB", total >> 30)));
    }
    if input.members.len() == before {
        return Err(DataError::file(
            &name,
            "the archive holds no CSV named BACI_HS.._Y...._V......csv; give it as CEPII ships it",
        ));
    }
    input.members[before..].sort_by(|left, right| left.name.cmp(&right.name));
    Ok(())
}

/// Streams a member through `action`, up to its declared length, and checks its CRC at the end.
pub(super) fn with_member<T>(
    file: &Arc<Watched>,
    index: usize,
    action: &mut dyn FnMut(&mut dyn Read) -> Result<T, DataError>,
) -> Result<T, DataError> {
    let name = file_name(file.path());
    let mut archive = archive(file, &name)?;
    let opened = catch_unwind(AssertUnwindSafe(|| -> Result<T, DataError> {
        let mut member = archive.by_index(index).map_err(|error| DataError::damaged(&name, error.to_string()))?;
        let size = member.size();
        let mut reader = Contained { inner: &mut member, left: size };
        let done = action(&mut reader)?;
        // Whatever is left, the checksum is compared at the end of the member alone.
        std::io::copy(&mut reader, &mut std::io::sink()).map_err(|error| DataError::damaged(&name, error.to_string()))?;
        if reader.left > 0 {
            return Err(DataError::damaged(&name, "a member is shorter than it claims"));
        }
        Ok(done)
    }));
    opened.unwrap_or_else(|_| Err(DataError::damaged(&name, "the zip library cannot read a member")))
}

/// Whether a member begins as the readme of made-up data does.
fn begins(file: &Arc<Watched>, index: usize) -> Result<bool, DataError> {
    with_member(file, index, &mut |reader| {
        let mut start = Vec::new();
        let read = reader.take(SYNTHETIC.len() as u64).read_to_end(&mut start);
        read.map_err(|error| DataError::damaged(&file_name(file.path()), error.to_string()))?;
        Ok(start == SYNTHETIC)
    })
}

/// No more bytes than declared.
struct Contained<'a> {
    inner: &'a mut dyn Read,
    left: u64,
}

impl Read for Contained<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let done = self.inner.read(buffer)?;
        self.left =
            self.left.checked_sub(done as u64).ok_or_else(|| std::io::Error::other("a member is longer than it claims"))?;
        Ok(done)
    }
}

struct Entry {
    name: String,
    size: u64,
    compressed: u64,
    encrypted: bool,
    is_directory: bool,
    is_symlink: bool,
    method: CompressionMethod,
}

fn entry(archive: &mut Archive, index: usize) -> ZipResult<Entry> {
    let file = archive.by_index_raw(index)?;
    Ok(Entry {
        name: file.name()?.into_owned(),
        size: file.size(),
        compressed: file.compressed_size(),
        encrypted: file.encrypted(),
        is_directory: file.is_dir(),
        is_symlink: file.is_symlink(),
        method: file.compression(),
    })
}

fn check_entry(name: &str, entry: &Entry) -> Result<(), DataError> {
    let member: String = entry.name.chars().take(80).map(|letter| if letter.is_control() { '?' } else { letter }).collect();
    let tricky =
        entry.name.starts_with('/') || entry.name.contains(['\\', '\0', ':']) || entry.name.split('/').any(|part| part == "..");
    let problem = if tricky {
        "has a path that leaves the archive"
    } else if entry.encrypted {
        "is encrypted"
    } else if entry.is_symlink {
        "is a symbolic link"
    } else if !matches!(entry.method, CompressionMethod::Stored | CompressionMethod::Deflated) {
        "is packed by a method that CEPII does not use (not deflate)"
    } else if entry.size > LONGEST {
        "claims to be longer than 64 GiB"
    } else if entry.size > 1 << 20 && entry.size / LARGEST_RATIO > entry.compressed {
        "claims to unpack to more than 200 times its size, as no trade data do"
    } else {
        return Ok(());
    };
    Err(refuse(name, &format!("member `{member}` {problem}")))
}

fn read_table(file: &Arc<Watched>, name: &str, index: usize, entry: &Entry) -> Result<Vec<u8>, DataError> {
    if entry.size > Limit::CODE_TABLE.bytes() {
        return Err(DataError::file(name, format!("a code table of {} bytes is none of CEPII's", entry.size)));
    }
    with_member(file, index, &mut |reader| {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).map_err(|error| DataError::damaged(name, error.to_string()))?;
        Ok(bytes)
    })
}

fn archive(file: &Arc<Watched>, name: &str) -> Result<Archive, DataError> {
    let reader = WatchedReader::new(Arc::clone(file));
    isolated(name, || ZipArchive::new(BufReader::with_capacity(1 << 18, reader)))
}

/// Reads the end of the archive for the size of its directory, before anything is made of that directory.
fn check_directory(file: &Arc<Watched>, name: &str) -> Result<(), DataError> {
    let fail = |error: std::io::Error| DataError::unreadable(file.path(), &error);
    let mut file = WatchedReader::new(Arc::clone(file));
    let size = file.seek(SeekFrom::End(0)).map_err(fail)?;
    let tail_from = size.saturating_sub(END_RECORD + LONGEST_COMMENT + 20);
    file.seek(SeekFrom::Start(tail_from)).map_err(fail)?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail).map_err(fail)?;
    let end = tail.windows(4).rposition(|mark| mark == b"PK\x05\x06").filter(|at| tail.len() >= at + 22);
    let Some(end) = end else {
        let start = super::csv::not_text(&tail).filter(|_| tail_from == 0);
        let problem = start.unwrap_or("this is no zip archive, or its end is missing; fetch it again");
        return Err(DataError::damaged(name, problem));
    };
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let mut members = number(&tail[end + 10..end + 12]);
    let mut directory = number(&tail[end + 12..end + 16]);
    if let Some(locator) = end.checked_sub(20).filter(|at| tail[*at..].starts_with(b"PK\x06\x07")) {
        let mut record = [0; 56];
        file.seek(SeekFrom::Start(number(&tail[locator + 8..locator + 16]))).map_err(fail)?;
        file.read_exact(&mut record).map_err(|_| DataError::damaged(name, "its zip64 record is missing"))?;
        members = number(&record[32..40]);
        directory = number(&record[40..48]);
    }
    if members > MOST_MEMBERS || directory > LARGEST_DIRECTORY {
        return Err(refuse(
            name,
            &format!("it claims {members} members in a directory of {directory} bytes; CEPII ships some thirty"),
        ));
    }
    Ok(())
}

fn refuse(name: &str, problem: &str) -> DataError {
    DataError::file(name, format!("{problem}; this is not an archive as CEPII ships it, fetch it again"))
}

/// Runs the zip library so that neither its errors nor its panics pass.
fn isolated<T>(name: &str, action: impl FnOnce() -> ZipResult<T>) -> Result<T, DataError> {
    match catch_unwind(AssertUnwindSafe(action)) {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(DataError::damaged(name, error.to_string())),
        Err(_) => Err(DataError::damaged(name, "the zip library cannot read it")),
    }
}
