//! `reorient fetch` against a server that drops connections, lies about lengths, changes files and answers with pages.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)]

mod common;
#[path = "common/trade.rs"]
mod trade;

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use common::reorient;

/// How the server answers one request.
#[derive(Clone)]
enum Answer {
    /// As asked, ranges and all.
    Right,
    /// As asked, but the connection ends after so many bytes.
    Cut(usize),
    /// The whole file whatever was asked.
    NoRanges,
    /// A length that is too large or too small by so much.
    Lie(i64),
    /// This status with a page.
    Status(u16),
    /// A page with status 200, perhaps called a zip.
    Page(&'static str),
    /// To another address.
    Redirect(&'static str),
    /// No length at all.
    NoLength,
    /// Nothing, for longer than anyone waits.
    Silence,
    /// So many bytes at once, again and again without end, with such a pause in milliseconds; no length.
    Endless(usize, u64),
    /// The wrong range.
    WrongRange,
    /// Another version of the file.
    Version(&'static str, Arc<Vec<u8>>),
}

struct Server {
    address: String,
    /// The ranges asked for, empty for none.
    asked: Arc<Mutex<Vec<String>>>,
}

/// Serves one answer per request, the last one for all further ones.
fn serve(file: Vec<u8>, answers: Vec<Answer>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let answer = answers[number.min(answers.len() - 1)].clone();
            let (file, log) = (file.clone(), Arc::clone(&log));
            std::thread::spawn(move || respond(stream.unwrap(), &file, &answer, &log));
        }
    });
    Server { address, asked }
}

fn respond(mut stream: TcpStream, file: &[u8], answer: &Answer, log: &Mutex<Vec<String>>) {
    let mut range = String::new();
    let mut condition = String::new();
    for line in BufReader::new(stream.try_clone().unwrap()).lines() {
        let line = line.unwrap_or_default();
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(": ").unwrap_or((&line, ""));
        match name.to_ascii_lowercase().as_str() {
            "range" => range = value.to_owned(),
            "if-range" => condition = value.to_owned(),
            _ => {}
        }
    }
    log.lock().unwrap().push(range.clone());
    let (tag, file) = match answer {
        Answer::Version(tag, other) => (*tag, other.as_slice()),
        _ => ("\"one\"", file),
    };
    let mut from = range.trim_start_matches("bytes=").trim_end_matches('-').parse::<usize>().ok();
    if matches!(answer, Answer::NoRanges) || condition != tag {
        from = None;
    }
    let body = &file[from.unwrap_or(0).min(file.len())..];
    let range_given = from.map(|from| if matches!(answer, Answer::WrongRange) { from / 2 } else { from });
    let mut head = match range_given {
        Some(from) => {
            format!("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {from}-{}/{}\r\n", file.len() - 1, file.len())
        }
        None => "HTTP/1.1 200 OK\r\n".to_owned(),
    };
    head += &format!("ETag: {tag}\r\nConnection: close\r\nContent-Type: application/zip\r\n");
    let with_length = |head: String, length: i64| format!("{head}Content-Length: {length}\r\n\r\n");
    let length = i64::try_from(body.len()).unwrap();
    let page = b"<!DOCTYPE html><html><body>CEPII</body></html>";
    let (head, body): (String, &[u8]) = match answer {
        Answer::Cut(bytes) => (with_length(head, length), &body[..(*bytes).min(body.len())]),
        Answer::Lie(more) => (with_length(head, length + more), body),
        Answer::Status(status) => (format!("HTTP/1.1 {status} No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"), b""),
        Answer::Page(kind) => {
            (format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n", page.len()), page)
        }
        Answer::Redirect(to) => {
            (format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"), b"")
        }
        Answer::NoLength => (head + "\r\n", body),
        Answer::Endless(bytes, pause) => {
            let block = vec![b'x'; *bytes];
            let mut sent = stream.write_all((head + "\r\n").as_bytes());
            while sent.is_ok() {
                sent = stream.write_all(&block);
                std::thread::sleep(std::time::Duration::from_millis(*pause));
            }
            return;
        }
        Answer::Silence => {
            std::thread::sleep(std::time::Duration::from_secs(4));
            return;
        }
        _ => (with_length(head, length), body),
    };
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
}

/// A release of some hundred rows.
fn release() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("release.zip");
    trade::zip(&path, &[("BACI_HS92_Y2023_V202401b.csv", trade::native(&trade::rows()[..2000]))]);
    std::fs::read(path).unwrap()
}

const NAME: &str = "BACI_HS92_V202401b.zip";

/// Exit code and what was said.
fn fetch(server: &Server, folder: &Path, further: &[&str]) -> (i32, String) {
    let output = reorient()
        .args([
            "fetch",
            "--hs",
            "92",
            "--version",
            "V202401b",
            "--pause-ms",
            "1",
            "--silence",
            "1",
            "--base-url",
            &server.address,
        ])
        .args(further)
        .arg("--out")
        .arg(folder)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap() + &String::from_utf8(output.stdout).unwrap();
    assert!(!said.contains("panicked"), "{said}");
    (output.status.code().unwrap(), said)
}

#[test]
fn a_release_arrives_whole_whatever_the_server_does() {
    let file = release();
    let half = file.len() / 2;
    for (what, answers, asked) in [
        ("rightly", vec![Answer::Right], 1),
        ("one cut", vec![Answer::Cut(half), Answer::Right], 2),
        ("a cut every few bytes", vec![Answer::Cut(file.len() / 7 + 1); 9], 7),
        ("cut, then no ranges", vec![Answer::Cut(half), Answer::NoRanges], 2),
        ("cut before the first byte", vec![Answer::Cut(0), Answer::Cut(0), Answer::Right], 3),
        ("overload", vec![Answer::Status(503), Answer::Status(429), Answer::Right], 3),
        ("a redirect", vec![Answer::Redirect("/elsewhere.zip"), Answer::Right], 2),
        ("no length", vec![Answer::NoLength], 1),
        ("silence", vec![Answer::Silence, Answer::Right], 2),
        ("a wrong range", vec![Answer::Cut(half), Answer::WrongRange, Answer::Right], 3),
        ("a range beyond the end", vec![Answer::Cut(half), Answer::Status(416), Answer::Right], 3),
        ("an announced length that never comes", vec![Answer::Lie(10), Answer::Right], 3),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let server = serve(file.clone(), answers);
        let (code, said) = fetch(&server, folder.path(), &[]);
        assert_eq!(code, 0, "{what}: {said}");
        assert!(std::fs::read(folder.path().join(NAME)).unwrap() == file, "{what}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "{what}: something is left");
        assert_eq!(server.asked.lock().unwrap().len(), asked, "{what}");
        assert!(said.contains("BLAKE3") && said.contains("next: reorient ingest"), "{said}");
    }
}

#[test]
fn a_file_that_changes_on_the_way_is_begun_anew() {
    let old = release();
    let mut rows = trade::rows()[..1000].to_vec();
    rows[0].value = "1.000".to_owned();
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("new.zip");
    trade::zip(&path, &[("BACI_HS92_Y2023_V202401b.csv", trade::plain(&rows))]);
    let new = std::fs::read(path).unwrap();
    let folder = root.path().join("out");
    let server = serve(old.clone(), vec![Answer::Cut(old.len() / 2), Answer::Version("\"two\"", Arc::new(new.clone()))]);
    assert_eq!(fetch(&server, &folder, &[]).0, 0);
    assert!(std::fs::read(folder.join(NAME)).unwrap() == new);
}

#[test]
fn a_later_command_goes_on_where_an_earlier_one_ended() {
    let file = release();
    let folder = tempfile::tempdir().unwrap();
    let half = file.len() / 2;
    let server = serve(file.clone(), vec![Answer::Cut(half), Answer::Status(500)]);
    let (code, said) = fetch(&server, folder.path(), &["--retries", "3"]);
    assert_eq!(code, 66, "{said}");
    assert!(said.contains(&format!("{half} bytes are kept")), "{said}");
    assert!(!folder.path().join(NAME).exists());
    // The note speaks of the address, so the next server must stand at the same one: the part is moved there by hand.
    let server = serve(file.clone(), vec![Answer::Right]);
    let note = folder.path().join(format!("{NAME}.part.json"));
    let mut text: serde_json::Value = serde_json::from_slice(&std::fs::read(&note).unwrap()).unwrap();
    text["url"] = format!("{}/{NAME}", server.address).into();
    std::fs::write(&note, text.to_string()).unwrap();
    assert_eq!(fetch(&server, folder.path(), &[]).0, 0);
    assert_eq!(*server.asked.lock().unwrap(), [format!("bytes={half}-")]);
    assert!(std::fs::read(folder.path().join(NAME)).unwrap() == file);
    // What is there and whole is not asked for again, and a part of another address is no beginning.
    assert!(fetch(&server, folder.path(), &[]).1.contains("is there and whole already"));
    assert_eq!(server.asked.lock().unwrap().len(), 1);
    std::fs::write(folder.path().join(format!("{NAME}.part")), b"PK of another server").unwrap();
    assert_eq!(fetch(&server, folder.path(), &["--force"]).0, 0);
    assert!(std::fs::read(folder.path().join(NAME)).unwrap() == file);
}

#[test]
fn what_is_no_release_is_refused_and_not_kept() {
    let file = release();
    let other = {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("other.zip");
        trade::zip(&path, &[("notes.csv", "a,b".to_owned())]);
        std::fs::read(path).unwrap()
    };
    let cut_short = file[..file.len() - 40].to_vec();
    for (what, file, answer, code, words) in [
        ("a page", &file, Answer::Page("text/html; charset=utf-8"), 65, "web page"),
        ("a page called a zip", &file, Answer::Page("application/zip"), 65, "web page"),
        ("not there", &file, Answer::Status(404), 66, "404"),
        ("forbidden", &file, Answer::Status(403), 66, "403"),
        ("always broken", &file, Answer::Status(500), 66, "gave up after 5 attempts"),
        ("a length that never comes", &file, Answer::Lie(1 << 20), 66, "gave up after 5 attempts"),
        ("nothing ever comes", &file, Answer::Cut(0), 66, "gave up after 5 attempts"),
        ("round and round", &file, Answer::Redirect("/again"), 65, "from one address to the next"),
        ("a zip without BACI", &other, Answer::Right, 65, "no CSV named BACI"),
        ("a zip without its end", &cut_short, Answer::Right, 65, "is damaged"),
        ("an empty file", &Vec::new(), Answer::Right, 65, "no zip archive"),
        ("a length beyond reason", &file, Answer::Lie(1 << 50), 65, "--most-bytes allows more"),
        ("a length beyond the disk", &file, Answer::Lie((16 << 30) - (1 << 20)), 74, "bytes are needed"),
        ("another revision", &file, Answer::Right, 65, "is not in HS17"),
    ] {
        if what == "a length beyond the disk" && free_space_is_ample() {
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        let server = serve(file.clone(), vec![answer]);
        let further: &[&str] = if what == "another revision" { &["--ingest", "never"] } else { &[] };
        let (found, said) = if what == "another revision" {
            let output = reorient()
                .args(["fetch", "--hs", "17", "--version", "202401b", "--base-url", &server.address, "--out"])
                .arg(folder.path())
                .args(further)
                .output()
                .unwrap();
            (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
        } else {
            fetch(&server, folder.path(), further)
        };
        assert_eq!(found, code, "{what}: {said}");
        assert!(said.contains(words), "{what}: {said}");
        let kept: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(kept.iter().all(|name| name.to_string_lossy().contains(".part")), "{what}: {kept:?}");
    }
}

#[test]
fn a_server_that_never_ends_is_given_up() {
    for (what, answer, further, code, words) in [
        ("on and on", Answer::Endless(1 << 16, 0), ["--most-bytes", "5000000"], 65, "sends more than 5000000 bytes"),
        ("a byte now and then", Answer::Endless(1, 100), ["--retries", "2"], 66, "less than 1024 bytes a second"),
        // Each connection brings a byte, and none of them more.
        ("a byte for each connection", Answer::Cut(1), ["--retries", "5"], 66, "gave up after 5 attempts"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let server = serve(release(), vec![answer]);
        let begun = std::time::Instant::now();
        let (found, said) = fetch(&server, folder.path(), &further);
        assert_eq!(found, code, "{what}: {said}");
        assert!(said.contains(words), "{what}: {said}");
        assert!(begun.elapsed().as_secs() < 20, "{what}");
        let whole = folder.path().join(format!("{NAME}.part"));
        assert!(std::fs::metadata(whole).map_or(0, |part| part.len()) < 10_000, "{what}: bytes are left");
    }
}

/// Whether 16 GiB would find room here.
fn free_space_is_ample() -> bool {
    fs4::available_space(std::env::temp_dir()).unwrap() > 15 << 30
}

#[test]
fn a_fetched_release_is_ingested_when_asked() {
    let root = tempfile::tempdir().unwrap();
    let server = serve(release(), vec![Answer::Right]);
    let out = root.path().join("baci");
    let (code, said) = fetch(&server, root.path(), &["--ingest", out.to_str().unwrap()]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("2,000 rows in = 2,000 rows used"), "{said}");
    reorient().args(["verify", "-q"]).arg(&out).assert().success();
    let output = reorient().args(["fetch", "--hs", "93", "--version", "202401b"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let output = reorient().args(["fetch", "--hs", "92", "--version", "../../x"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    // A file stands where the folder should be.
    let (code, said) = fetch(&server, &root.path().join(NAME).join("below"), &[]);
    assert!(code == 74 && said.contains("cannot be written"), "{said}");
}
