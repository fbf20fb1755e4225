//! Downloads one large file so that it is there whole or not at all.
//!
//! Bytes go to `NAME.part`; beside it, `NAME.part.json` says which file of which server they begin. A later attempt goes on
//! where the last one ended, but only if the server still has that file (`If-Range`). The file takes its name after its
//! length and contents have been checked and it has been synced.

mod error;

use std::fs::{self, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use reorient_files::Limit;
use serde::{Deserialize, Serialize};
use ureq::http::{Response, header};
use ureq::{Agent, Body};

pub use error::{FetchError, FetchErrorKind};

/// Left free on the disk beyond the file.
const SPARE: u64 = 64 << 20;
const BLOCK: usize = 1 << 18;
/// An address, a version and a length.
const NOTE: Limit = Limit::new(1 << 20, "a note on a download");

/// What to download and how patiently.
#[derive(Debug, Clone)]
pub struct Request {
    /// Address of the file.
    pub url: String,
    /// Name that the file takes in the end.
    pub target: PathBuf,
    /// Attempts without progress before giving up; at least one.
    pub attempts: u32,
    /// Wait before the second attempt; doubled each time.
    pub pause: Duration,
    /// Longest silence of the server.
    pub silence: Duration,
    /// Bytes a second below which a connection counts as broken, over twice the longest silence; 0 for none.
    pub least_speed: u64,
    /// Most bytes of the file, whether or not the server announces how many there are.
    pub most: u64,
}

/// What is known of the bytes in a `.part` file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Begun {
    url: String,
    /// `ETag`, or `Last-Modified` where the server gives none.
    version: Option<String>,
    length: Option<u64>,
}

/// Downloads the file; `progress` is told the bytes at hand and the whole length where it is known; `check` looks at the
/// complete file before it takes its name and says what is wrong with it.
///
/// # Errors
/// [`FetchError`] when the server does not give the file, gives another one, or it cannot be written. What has been
/// downloaded stays for the next attempt, unless it is wrong.
pub fn download(
    request: &Request,
    progress: &mut dyn FnMut(u64, Option<u64>),
    check: &dyn Fn(&Path) -> Result<(), String>,
) -> Result<u64, FetchError> {
    let mut download = Download::new(request)?;
    let mut failed = 0;
    // Only bytes beyond all earlier ones count as progress: a server that makes us begin anew each time is given up. So is one that
    // gives a few bytes each time.
    let mut farthest = download.at_hand()?;
    let mut since = Instant::now();
    loop {
        match download.attempt(progress) {
            Ok(()) => break,
            Err(error) if !error.is_passing() => return Err(error),
            Err(error) => {
                let at_hand = download.at_hand()?;
                let gained = at_hand.saturating_sub(farthest);
                failed = if gained > 0 && !request.is_too_slow(gained, since.elapsed()) { 1 } else { failed + 1 };
                farthest = farthest.max(at_hand);
                since = Instant::now();
                if failed >= request.attempts.max(1) {
                    return Err(FetchError::GaveUp { attempts: failed, last: error.to_string(), at_hand: download.at_hand()? });
                }
                std::thread::sleep(request.pause * 2_u32.pow((failed - 1).min(6)));
            }
        }
    }
    let bytes = download.at_hand()?;
    if let Err(problem) = check(&download.part) {
        download.discard();
        return Err(FetchError::Wrong { url: request.url.clone(), problem });
    }
    download.finish()?;
    Ok(bytes)
}

impl Request {
    fn is_too_slow(&self, bytes: u64, within: Duration) -> bool {
        u128::from(bytes) * 1000 < u128::from(self.least_speed) * within.as_millis()
    }

    /// What is longer than asked for.
    fn too_long(&self, what: &str) -> FetchError {
        let problem = format!("{what} more than {} bytes, and no release has as many; --most-bytes allows more", self.most);
        FetchError::Wrong { url: self.url.clone(), problem }
    }
}

struct Download<'a> {
    request: &'a Request,
    agent: Agent,
    part: PathBuf,
    note: PathBuf,
    begun: Begun,
}

impl<'a> Download<'a> {
    fn new(request: &'a Request) -> Result<Self, FetchError> {
        let beside = |ending: &str| {
            let mut name = request.target.clone().into_os_string();
            name.push(ending);
            PathBuf::from(name)
        };
        let (part, note) = (beside(".part"), beside(".part.json"));
        if let Some(folder) = request.target.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(|source| FetchError::write(folder, source))?;
        }
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(5)
            .user_agent(concat!("reorient/", env!("CARGO_PKG_VERSION")))
            // The archive is compressed already, and ranges count its own bytes.
            .accept_encoding("identity")
            .timeout_connect(Some(request.silence))
            .timeout_recv_response(Some(request.silence))
            .timeout_per_read(Some(request.silence))
            .build()
            .new_agent();
        let begun = reorient_files::read(&note, NOTE).ok().and_then(|text| serde_json::from_slice::<Begun>(&text).ok());
        // Bytes of another address, or of a file that the server cannot tell from its next one, are no beginning.
        let begun = begun.filter(|begun| begun.url == request.url && begun.version.is_some());
        let mut download = Self { request, agent, part, note, begun: begun.unwrap_or_default() };
        if download.begun.version.is_none() {
            download.discard();
            download.begun.url.clone_from(&request.url);
        }
        Ok(download)
    }

    fn at_hand(&self) -> Result<u64, FetchError> {
        match fs::metadata(&self.part) {
            Ok(metadata) if !metadata.is_file() => {
                // A pipe would wait for a reader.
                Err(FetchError::write(&self.part, std::io::Error::other("it is there and no file; remove it")))
            }
            Ok(metadata) => Ok(metadata.len()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
            Err(source) => Err(FetchError::write(&self.part, source)),
        }
    }

    /// Forgets what was downloaded.
    fn discard(&mut self) {
        // What cannot be removed is overwritten.
        let _ = fs::remove_file(&self.part);
        let _ = fs::remove_file(&self.note);
        self.begun = Begun { url: self.request.url.clone(), ..Begun::default() };
    }

    fn attempt(&mut self, progress: &mut dyn FnMut(u64, Option<u64>)) -> Result<(), FetchError> {
        let mut from = self.at_hand()?;
        if from > 0 && self.begun.length == Some(from) {
            return Ok(());
        }
        let mut call = self.agent.get(&self.request.url);
        if let Some(version) = self.begun.version.as_ref().filter(|_| from > 0) {
            call = call.header(header::RANGE, format!("bytes={from}-")).header(header::IF_RANGE, version);
        }
        let response = call.call().map_err(|error| FetchError::from_call(&self.request.url, error))?;
        match response.status().as_u16() {
            206 if from > 0 => self.check_range(&response, from)?,
            200 => {
                // The whole file: another one than before, or a server that knows no ranges.
                if from > 0 {
                    self.discard();
                    from = 0;
                }
                self.begun.version = version(&response);
                self.begun.length = length(&response);
            }
            // The file has shrunk to what is at hand or below: begin anew.
            416 => {
                self.discard();
                return Err(FetchError::Passing { url: self.request.url.clone(), problem: "the file has changed".to_owned() });
            }
            status => return Err(FetchError::status(&self.request.url, status)),
        }
        self.check_kind(&response)?;
        self.check_room(from)?;
        self.save_note()?;
        self.receive(response, from, progress)
    }

    fn check_range(&mut self, response: &Response<Body>, from: u64) -> Result<(), FetchError> {
        let range = text(response, header::CONTENT_RANGE);
        let parts = range.as_deref().and_then(|range| range.strip_prefix("bytes ")).and_then(|range| range.split_once('/'));
        let start = parts.and_then(|(span, _)| span.split_once('-')).and_then(|(start, _)| start.parse::<u64>().ok());
        let whole = parts.and_then(|(_, whole)| whole.parse::<u64>().ok());
        if start == Some(from) && (self.begun.length.is_none() || whole == self.begun.length) {
            return Ok(());
        }
        self.discard();
        let problem = format!("it was asked for the bytes from {from} and gave `{}`", range.unwrap_or_default());
        Err(FetchError::Passing { url: self.request.url.clone(), problem })
    }

    fn check_kind(&self, response: &Response<Body>) -> Result<(), FetchError> {
        let kind = text(response, header::CONTENT_TYPE).unwrap_or_default();
        if kind.to_ascii_lowercase().starts_with("text/html") {
            let problem = "the server answers with a web page instead of a file; the release may not exist, or the address has \
                           changed (--base-url)";
            return Err(FetchError::Wrong { url: self.request.url.clone(), problem: problem.to_owned() });
        }
        Ok(())
    }

    /// Refuses what is absurdly long or has no room on the disk.
    fn check_room(&self, from: u64) -> Result<(), FetchError> {
        let length = self.begun.length.unwrap_or(from);
        if length > self.request.most {
            return Err(self.request.too_long("the server announces"));
        }
        let folder = self.request.target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let free = fs4::available_space(folder).map_err(|source| FetchError::write(folder, source))?;
        let needed = length.saturating_sub(from) + SPARE;
        if free < needed {
            return Err(FetchError::NoRoom { folder: folder.to_owned(), needed, free });
        }
        Ok(())
    }

    fn save_note(&self) -> Result<(), FetchError> {
        let text = serde_json::to_vec(&self.begun).unwrap_or_default();
        fs::write(&self.note, text).map_err(|source| FetchError::write(&self.note, source))
    }

    fn receive(&self, response: Response<Body>, from: u64, progress: &mut dyn FnMut(u64, Option<u64>)) -> Result<(), FetchError> {
        let write = |source| FetchError::write(&self.part, source);
        let mut file = OpenOptions::new().create(true).truncate(false).write(true).open(&self.part).map_err(write)?;
        file.set_len(from).map_err(write)?;
        file.seek(SeekFrom::Start(from)).map_err(write)?;
        let mut body = response.into_body().into_with_config().limit(u64::MAX).reader();
        let mut block = vec![0; BLOCK];
        let mut done = from;
        progress(done, self.begun.length);
        let (mut since, mut then, mut looked) = (Instant::now(), done, done);
        loop {
            let read = match body.read(&mut block) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) => {
                    return Err(FetchError::Passing {
                        url: self.request.url.clone(),
                        problem: format!("the connection broke: {error}"),
                    });
                }
            };
            if done == 0 && looks_like_a_page(&block[..read]) {
                let problem = "the server answers with a web page instead of a file; the release may not exist, or the address \
                               has changed (--base-url)";
                drop(file);
                let _ = fs::remove_file(&self.part);
                return Err(FetchError::Wrong { url: self.request.url.clone(), problem: problem.to_owned() });
            }
            done += read as u64;
            if done > self.request.most {
                drop(file);
                let _ = fs::remove_file(&self.part);
                return Err(self.request.too_long("the server sends"));
            }
            if self.begun.length.is_none() && done - looked > SPARE / 2 {
                self.check_room(done)?;
                looked = done;
            }
            file.write_all(&block[..read]).map_err(write)?;
            progress(done, self.begun.length);
            if since.elapsed() >= 2 * self.request.silence {
                if self.request.is_too_slow(done - then, since.elapsed()) {
                    let problem = format!("it sends less than {} bytes a second (--least-speed)", self.request.least_speed);
                    return Err(FetchError::Passing { url: self.request.url.clone(), problem });
                }
                (since, then) = (Instant::now(), done);
            }
        }
        match self.begun.length {
            Some(length) if done < length => {
                let problem = format!("the connection ended after {done} of {length} bytes");
                Err(FetchError::Passing { url: self.request.url.clone(), problem })
            }
            Some(length) if done > length => {
                let problem = format!("the server announced {length} bytes and sent {done}");
                Err(FetchError::Wrong { url: self.request.url.clone(), problem })
            }
            _ => Ok(()),
        }
    }

    /// Syncs the file and gives it its name.
    fn finish(&self) -> Result<(), FetchError> {
        let write = |source| FetchError::write(&self.request.target, source);
        OpenOptions::new().write(true).open(&self.part).and_then(|file| file.sync_all()).map_err(write)?;
        fs::rename(&self.part, &self.request.target).map_err(write)?;
        // A note without its file is ignored.
        let _ = fs::remove_file(&self.note);
        Ok(())
    }
}

fn looks_like_a_page(start: &[u8]) -> bool {
    let start = start.trim_ascii_start();
    [&b"<!doctype"[..], b"<html"].iter().any(|mark| start.get(..mark.len()).is_some_and(|own| own.eq_ignore_ascii_case(mark)))
}

fn text(response: &Response<Body>, name: header::HeaderName) -> Option<String> {
    response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// What tells this file from its next version; a weak tag does not.
fn version(response: &Response<Body>) -> Option<String> {
    text(response, header::ETAG).filter(|tag| !tag.starts_with("W/")).or_else(|| text(response, header::LAST_MODIFIED))
}

fn length(response: &Response<Body>) -> Option<u64> {
    text(response, header::CONTENT_LENGTH).and_then(|length| length.parse().ok())
}
