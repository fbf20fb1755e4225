//! Sweeps with their store on S3, against a local server: `REORIENT_TEST_S3` is the command that starts one, such as
//! `moto_server`; a port is added to it. Without it, these tests say that they are skipped.
#![cfg(feature = "object-store")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::disallowed_methods)]

mod common;
#[path = "common/trade.rs"]
mod trade;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const BUCKET: &str = "nights";

/// A server with a bucket, and a line to it that can be cut.
struct Server {
    child: Child,
    port: u16,
    line: Arc<Line>,
    address: SocketAddr,
}

#[derive(Default)]
struct Line {
    is_cut: AtomicBool,
    open: Mutex<Vec<TcpStream>>,
}

impl Server {
    fn start() -> Option<Self> {
        let Ok(command) = std::env::var("REORIENT_TEST_S3") else {
            println!("skipped: REORIENT_TEST_S3 names no server");
            return None;
        };
        let mut words = command.split_whitespace();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = Command::new(words.next().unwrap());
        server.args(words).args(["-H", "127.0.0.1", "-p", &port.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
        let child = server.spawn().expect("the server of REORIENT_TEST_S3 starts");
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(started.elapsed() < Duration::from_secs(60), "the server does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
        let line = Arc::new(Line::default());
        let address = line.clone().listen(port);
        let own = Self { child, port, line, address };
        assert!(own.ask("PUT", "", b"").starts_with("HTTP/1.1 200"));
        Some(own)
    }

    /// A request to the bucket, without the line.
    fn ask(&self, method: &str, object: &str, body: &[u8]) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let length = body.len();
        let head = format!(
            "{method} /{BUCKET}{object} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn upload(&self, object: &str, file: &Path) {
        assert!(self.ask("PUT", &format!("/{object}"), &fs::read(file).unwrap()).starts_with("HTTP/1.1 200"));
    }

    fn n_segments(&self, prefix: &str) -> usize {
        self.ask("GET", &format!("?list-type=2&prefix={prefix}/"), b"").matches(".segment.zst</Key>").count()
    }

    fn wait_for_segments(&self, prefix: &str, least: usize) {
        let started = Instant::now();
        while self.n_segments(prefix) < least {
            assert!(started.elapsed() < Duration::from_secs(60), "no segment came");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// `reorient` with what it needs to find the server.
    fn reorient(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reorient"));
        command.env("AWS_ENDPOINT", format!("http://{}", self.address)).env("AWS_ALLOW_HTTP", "true");
        command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test").env("AWS_REGION", "us-east-1");
        command.env("NO_COLOR", "1").env("REORIENT_S3_PATIENCE", "20").stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    fn sweep(&self, file: &Path, out: &Path, prefix: &str, arguments: &[&str]) -> Command {
        let mut command = self.reorient();
        command.args(["sweep", "-q"]).arg(file).args(arguments).arg("--out").arg(out);
        command.args(["--store", &format!("s3://{BUCKET}/{prefix}")]);
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Line {
    fn listen(self: Arc<Self>, port: u16) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let copy = |mut from: TcpStream, mut to: TcpStream| {
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Both);
            });
        };
        std::thread::spawn(move || {
            for near in listener.incoming().map(Result::unwrap) {
                let Ok(far) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                let mut open = self.open.lock().unwrap();
                if !self.is_cut.load(Ordering::SeqCst) {
                    copy(near.try_clone().unwrap(), far.try_clone().unwrap());
                    copy(far.try_clone().unwrap(), near.try_clone().unwrap());
                    open.extend([near, far]);
                }
            }
        });
        address
    }

    fn cut(&self) {
        let mut open = self.open.lock().unwrap();
        self.is_cut.store(true, Ordering::SeqCst);
        open.drain(..).for_each(|stream| drop(stream.shutdown(Shutdown::Both)));
    }

    fn mend(&self) {
        self.is_cut.store(false, Ordering::SeqCst);
    }
}

/// A thousand scenarios on the whole sample, and the base.
fn thousand() -> (tempfile::TempDir, PathBuf) {
    let caps: Vec<String> = (1..=25).map(|cap| format!("\"{cap}/100\"")).collect();
    written(&format!(
        "[base]\nlist = \"all\"\n[grid]\ncap = [{}]\nfloor = [\"additive\", \"free\", \"symmetric\", \"churn:0.1\"]\n\
         risk = [[156, 842, 643], \"CHN\"]\n[grid.tie-break]\nfill = [\"proportional-capacity\", \"proportional-flow\", \"min-hhi\", \
         \"min-cost\", \"order:CAN,NOR\"]\n",
        caps.join(", ")
    ))
}

fn written(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("night.toml");
    fs::write(&file, text).unwrap();
    (folder, file)
}

fn finish(mut command: Command) -> (Option<i32>, String) {
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

fn complete(command: Command) {
    let (code, said) = finish(command);
    assert_eq!(code, Some(0), "{said}");
}

/// Every file of a dataset with its bytes.
fn dataset(out: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(out).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    files.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(path).unwrap())).collect()
}

/// What a sweep with its store in its folder gives.
fn reference(file: &Path, trade: &[&Path]) -> BTreeMap<String, Vec<u8>> {
    let out = tempfile::tempdir().unwrap();
    common::reorient().args(["sweep", "-q"]).arg(file).args(trade).arg("--out").arg(out.path()).assert().success();
    dataset(out.path())
}

fn same(out: &Path, reference: &BTreeMap<String, Vec<u8>>, what: &str) {
    let own = dataset(out);
    assert_eq!(own.keys().collect::<Vec<_>>(), reference.keys().collect::<Vec<_>>(), "{what}");
    for (name, bytes) in reference {
        assert!(own[name] == *bytes, "{what}: {name} differs");
    }
}

#[test]
fn the_dataset_is_the_same_wherever_the_store_is() {
    let Some(server) = Server::start() else { return };
    let (_folder, file) = thousand();
    let files = reference(&file, &[]);
    let out = tempfile::tempdir().unwrap();
    complete(server.sweep(&file, out.path(), "whole", &["--segment", "100"]));
    same(out.path(), &files, "whole");
    assert_eq!(server.n_segments("whole"), 10);
    // Nothing of it is on the local disk, and nothing is answered again.
    assert!(!out.path().join("store/plan.json.zst").exists());
    let elsewhere = tempfile::tempdir().unwrap();
    complete(server.sweep(&file, elsewhere.path(), "whole", &[]));
    same(elsewhere.path(), &files, "another folder");
    assert_eq!(server.n_segments("whole"), 10);
    let checked = |arguments: &[&str]| {
        let mut verify = server.reorient();
        verify.args(["verify", "-q"]).arg(out.path()).args(arguments);
        finish(verify)
    };
    assert_eq!(checked(&["--store", "s3://nights/whole"]).0, Some(0));
    let (code, said) = checked(&[]);
    assert!(code == Some(66) && said.contains("--store"), "{said}");
    // A store is compared, and taken over, by its address.
    let mut compared = server.reorient();
    compared.args(["sweep", "-q"]).arg(&file).arg("--out").arg(elsewhere.path());
    compared.args(["--store", "s3://nights/second", "--diff", "s3://nights/whole"]);
    complete(compared);
    assert_eq!(fs::read_to_string(elsewhere.path().join("diff.csv")).unwrap().lines().count(), 1);
}

#[cfg(unix)]
#[test]
fn interrupted_it_goes_on() {
    let Some(server) = Server::start() else { return };
    let (_folder, file) = thousand();
    let files = reference(&file, &[]);
    let out = tempfile::tempdir().unwrap();
    let child = server.sweep(&file, out.path(), "stopped", &["--segment", "20", "--threads", "1"]).spawn().unwrap();
    server.wait_for_segments("stopped", 1);
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(75), "{}", String::from_utf8_lossy(&output.stderr));
    let before = server.n_segments("stopped");
    assert!((1..50).contains(&before), "{before}");
    complete(server.sweep(&file, out.path(), "stopped", &[]));
    assert!(server.n_segments("stopped") > before);
    same(out.path(), &files, "after SIGTERM");
}

#[test]
fn a_server_that_goes_away_is_an_error_and_a_short_while_is_not() {
    let Some(server) = Server::start() else { return };
    let (_folder, file) = thousand();
    let files = reference(&file, &[]);
    let out = tempfile::tempdir().unwrap();
    let mut impatient = server.sweep(&file, out.path(), "gone", &["--segment", "20", "--threads", "1"]);
    let child = impatient.env("REORIENT_S3_PATIENCE", "1").spawn().unwrap();
    server.wait_for_segments("gone", 2);
    server.line.cut();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(74), "{said}");
    assert!(said.contains("s3://nights/gone/") && said.contains("start the same command again"), "{said}");
    println!("{said}");
    let mut away = server.sweep(&file, out.path(), "gone", &[]);
    away.env("REORIENT_S3_PATIENCE", "1");
    let (code, said) = finish(away);
    assert!(matches!(code, Some(66 | 74)) && said.contains("AWS_ENDPOINT"), "{said}");
    println!("{said}");
    // Back after a moment: the sweep that waits for it goes on, with what was stored.
    let before = server.n_segments("gone");
    let child = server.sweep(&file, out.path(), "gone", &[]).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(1));
    server.line.mend();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(server.n_segments("gone") > before);
    same(out.path(), &files, "after the server was gone");
}

#[test]
fn shards_share_a_store_without_a_common_disk() {
    let Some(server) = Server::start() else { return };
    let (_folder, file) = thousand();
    let files = reference(&file, &[]);
    // Each in a folder of its own, so that no lock keeps them apart.
    let folders: Vec<_> = (0..2).map(|_| tempfile::tempdir().unwrap()).collect();
    let shard = |at: usize| server.sweep(&file, folders[at].path(), "shards", &["--shard", &format!("{}/2", at + 1)]);
    let children: Vec<Child> = (0..2).map(|at| shard(at).spawn().unwrap()).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let mut merge = server.reorient();
    merge.args(["sweep", "merge", "-q"]).arg(folders[0].path()).args(["--store", "s3://nights/shards"]);
    complete(merge);
    same(folders[0].path(), &files, "shards");
    // From one store into another, and into a folder without one.
    let local = tempfile::tempdir().unwrap();
    let mut first = common::reorient();
    first.args(["sweep", "-q", "--shard", "1/1000"]).arg(&file).arg("--out").arg(local.path()).assert().success();
    let mut merge = server.reorient();
    merge.args(["sweep", "merge", "-q"]).arg(local.path()).arg("s3://nights/shards");
    complete(merge);
    same(local.path(), &files, "taken over");
}

#[test]
fn of_two_plans_at_once_one_is_refused() {
    let Some(server) = Server::start() else { return };
    let folders: Vec<_> = (1..=4).map(|at| written(&format!("[grid]\ncap = [0.0{at}, 0.05]\n"))).collect();
    for round in 0..3 {
        let prefix = format!("race-{round}");
        let out: Vec<_> = folders.iter().map(|_| tempfile::tempdir().unwrap()).collect();
        let start = |at: usize| server.sweep(&folders[at].1, out[at].path(), &prefix, &["--shard", "1/2"]).spawn().unwrap();
        let children: Vec<Child> = (0..folders.len()).map(start).collect();
        let ended: Vec<_> = children.into_iter().map(|child| child.wait_with_output().unwrap()).collect();
        let with = |code: i32| ended.iter().filter(|output| output.status.code() == Some(code)).count();
        let said: Vec<_> = ended.iter().map(|output| String::from_utf8_lossy(&output.stderr)).collect();
        assert_eq!((with(0), with(74)), (1, folders.len() - 1), "{said:?}");
        // At once, or a moment after another plan was stored.
        let is_told = |said: &str| said.contains("another plan") || said.contains("plan of another sweep");
        assert_eq!(said.iter().filter(|said| is_told(said)).count(), folders.len() - 1, "{said:?}");
        // The same plan is welcome; another takes its place when it is told to.
        let first = ended.iter().position(|output| output.status.success()).unwrap();
        complete(server.sweep(&folders[first].1, out[first].path(), &prefix, &["--shard", "2/2"]));
        let other = (first + 1) % folders.len();
        assert_eq!(finish(server.sweep(&folders[other].1, out[other].path(), &prefix, &[])).0, Some(74));
        complete(server.sweep(&folders[other].1, out[other].path(), &prefix, &["--force"]));
    }
}

#[test]
fn trade_data_come_from_a_bucket() {
    let Some(server) = Server::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let csv = folder.path().join("BACI_HS92_Y2023_V202401b.csv");
    fs::write(&csv, trade::plain(&trade::rows())).unwrap();
    let ingested = folder.path().join("baci");
    common::reorient().args(["ingest", "-q"]).arg(&csv).arg("--out").arg(&ingested).assert().success();
    server.upload("in/BACI_HS92_Y2023_V202401b.csv", &csv);
    for entry in fs::read_dir(&ingested).unwrap().map(|entry| entry.unwrap()) {
        server.upload(&format!("in/baci/{}", entry.file_name().to_str().unwrap()), &entry.path());
    }
    let temporary = tempfile::tempdir().unwrap();
    let (_folder, file) = written("[base]\nlist = \"all\"\n[grid]\ncap = [0.01, 0.03]\n");
    for (object, local) in [("in/BACI_HS92_Y2023_V202401b.csv", &csv), ("in/baci", &ingested), ("in/baci/", &ingested)] {
        let files = reference(&file, &[local]);
        let out = tempfile::tempdir().unwrap();
        let mut sweep = server.reorient();
        sweep.args(["sweep", "-q"]).arg(&file).arg(format!("s3://{BUCKET}/{object}")).arg("--out").arg(out.path());
        sweep.env("TMPDIR", temporary.path());
        complete(sweep);
        same(out.path(), &files, object);
        assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0, "fetched files go");
    }
    let mut run = server.reorient();
    run.args(["run", "-q", "s3://nights/in/baci", "--list", "all"]);
    assert!(matches!(finish(run).0, Some(0 | 3)));
    let failed = |object: &str| {
        let mut run = server.reorient();
        run.args(["run", "-q", object]);
        finish(run)
    };
    let (code, said) = failed("s3://nights/in/none");
    assert!(code == Some(66) && said.contains("s3://nights/in/none: there is no such object"), "{said}");
    let (code, said) = failed("s3://elsewhere/x.csv");
    assert!(code == Some(66) && said.contains("s3://elsewhere"), "{said}");
    println!("{said}");
}

#[test]
fn wrong_settings_are_named() {
    let run = |endpoint: &str, object: &str| {
        let mut command = common::reorient();
        command.env("AWS_ENDPOINT", endpoint).env_remove("AWS_ALLOW_HTTP").args(["run", "-q", object]);
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, said) = run("http://127.0.0.1:1", "s3://nights/x.csv");
    assert!(code == Some(66) && said.contains("AWS_ALLOW_HTTP"), "{said}");
    let (code, said) = run("https://127.0.0.1:1", "s3://");
    assert!(code == Some(66) && said.contains("s3://bucket/prefix"), "{said}");
}
