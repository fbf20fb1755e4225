//! Nothing of the user's is deleted or replaced unasked, whichever command writes: other files, answers to other questions, edited
//! files, sources and links.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use common::reorient;

const YEAR: &str = "BACI_HS92_Y2023_V202401b.csv";
const ROWS: &str = "t,i,j,k,v,q\n2023,156,276,270900,10,1\n2023,682,276,270900,20,1\n2023,682,392,270900,900,1\n";

/// Exit code and what was said.
fn ends(arguments: &[&str]) -> (i32, String) {
    let output = reorient().arg("-q").args(arguments).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!said.contains("panicked"), "{said}");
    (output.status.code().unwrap(), said)
}

fn succeeds(arguments: &[&str]) {
    let (code, said) = ends(arguments);
    assert_eq!(code, 0, "{arguments:?}: {said}");
}

/// The command is refused with these words, and nothing below `root` has changed.
fn refused(root: &Path, arguments: &[&str], words: &[&str]) {
    let before = snapshot(root);
    let (code, said) = ends(arguments);
    assert_eq!(code, 74, "{arguments:?}: {said}");
    for word in words {
        assert!(said.contains(word), "{arguments:?}: `{word}` is not in: {said}");
    }
    assert!(snapshot(root) == before, "{arguments:?}: something has changed");
}

/// Every file, folder and link below a folder, with its contents. Links are not followed.
fn snapshot(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let kind = fs::symlink_metadata(&path).unwrap();
            let contents = if kind.is_symlink() {
                fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
            } else if kind.is_dir() {
                folders.push(path.clone());
                Vec::new()
            } else {
                fs::read(&path).unwrap()
            };
            all.insert(path, contents);
        }
    }
    all
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A folder with a year as CEPII ships it.
fn with_year() -> (tempfile::TempDir, PathBuf) {
    let root = tempfile::tempdir().unwrap();
    let source = root.path().join(YEAR);
    fs::write(&source, ROWS).unwrap();
    (root, source)
}

#[test]
fn an_ingest_keeps_notes_and_results_in_its_folder() {
    let (root, source) = with_year();
    let baci = root.path().join("baci");
    let ingest = ["ingest", text(&source), "--out", text(&baci)];
    succeeds(&ingest);
    refused(root.path(), &ingest, &["ingest files of reorient's already", "--force"]);
    fs::write(baci.join("notes.txt"), "mine").unwrap();
    succeeds(&["run", "--out", text(&baci.join("results"))]);
    let forced = [&ingest[..], &["--force"]].concat();
    refused(root.path(), &forced, &["notes.txt, results/", "does not list"]);
    for at in 0..6 {
        fs::write(baci.join(format!(".hidden-{at}")), "mine").unwrap();
    }
    refused(root.path(), &forced, &[".hidden-0, .hidden-1, .hidden-2, .hidden-3, .hidden-4 and 3 more"]);
    fs::create_dir(root.path().join("elsewhere")).unwrap();
    for entry in fs::read_dir(&baci).unwrap() {
        let name = entry.unwrap().file_name();
        if name == "notes.txt" || name == "results" || name.to_str().unwrap().starts_with('.') {
            fs::rename(baci.join(&name), root.path().join("elsewhere").join(&name)).unwrap();
        }
    }
    succeeds(&forced);
    succeeds(&["verify", text(&baci)]);
    assert_eq!(fs::read_to_string(root.path().join("elsewhere/notes.txt")).unwrap(), "mine");
    let left: Vec<_> = fs::read_dir(root.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "{left:?}");
}

#[test]
fn what_is_read_is_never_replaced() {
    let (root, source) = with_year();
    let baci = root.path().join("baci");
    fs::create_dir(&baci).unwrap();
    let inside = baci.join(YEAR);
    fs::rename(&source, &inside).unwrap();
    for force in [&[][..], &["--force"]] {
        refused(root.path(), &[&["ingest", text(&inside), "--out", text(&baci)], force].concat(), &[YEAR, "reads"]);
    }
    fs::rename(&inside, &source).unwrap();
    succeeds(&["ingest", text(&source), "--out", text(&baci)]);
    // The folder that is read, whatever the command and however it is named.
    let again = root.path().join("baci/../baci/");
    for command in [
        &["run", "--list", "all"][..],
        &["frontier", "--list", "all"],
        &["indicators", "--importer", "DEU", "--list", "all"],
        &["run", "--list", "all", "--year", "all"],
    ] {
        let arguments = [command, &[text(&baci), "--out", text(&again), "--force"]].concat();
        refused(root.path(), &arguments, &["reads"]);
    }
    let parquet = baci.join("BACI_HS92_Y2023_V202401b.parquet");
    assert!(parquet.is_file());
    refused(root.path(), &["run", text(&parquet), "--list", "all", "--out", text(&baci), "--force"], &["reads"]);
    // A list and a published table that stand in the folder.
    let results = root.path().join("results");
    succeeds(&["run", "--out", text(&results)]);
    let table = results.join("table_a1.csv");
    refused(root.path(), &["calibrate", "--against", text(&table), "--out", text(&results), "--force"], &["reads"]);
    // A folder within the source is none of its files.
    let within = root.path().join("within");
    fs::create_dir(&within).unwrap();
    fs::copy(&source, within.join(YEAR)).unwrap();
    succeeds(&["ingest", text(&within), "--out", text(&within.join("baci"))]);
    assert!(within.join(YEAR).is_file());
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_stay_links() {
    use std::os::unix::fs::symlink;
    let (root, source) = with_year();
    let place = |name: &str| root.path().join(name);
    fs::create_dir(place("disk")).unwrap();
    // To a folder that is there, to one that is not there yet, by way of another link and with a slash at the end.
    fs::create_dir(place("disk/baci")).unwrap();
    symlink("disk/baci", place("baci")).unwrap();
    symlink("disk/new", place("new")).unwrap();
    symlink("new", place("second")).unwrap();
    let slash = format!("{}/", text(&place("second")));
    for (link, real) in [(text(&place("baci")), "disk/baci"), (slash.as_str(), "disk/new")] {
        succeeds(&["ingest", text(&source), "--out", link]);
        succeeds(&["ingest", text(&source), "--out", link, "--force"]);
        assert!(place(real).join("manifest.json").is_file());
        succeeds(&["verify", link]);
    }
    for (name, command) in [("run", &["run"][..]), ("frontier", &["frontier"])] {
        symlink(format!("disk/{name}"), place(name)).unwrap();
        for _ in 0..2 {
            succeeds(&[command, &["--out", text(&place(name))]].concat());
        }
        assert!(place("disk").join(name).join("manifest.json").is_file());
    }
    let night = place("night.toml");
    fs::write(&night, "[grid]\ncap = [0.1]\n").unwrap();
    symlink("disk/night", place("night")).unwrap();
    succeeds(&["sweep", text(&night), "--out", text(&place("night"))]);
    succeeds(&["sweep", text(&night), "--out", text(&place("night"))]);
    assert!(place("disk/night/summary.csv").is_file());
    for link in ["baci", "new", "second", "run", "frontier", "night"] {
        assert!(fs::symlink_metadata(place(link)).unwrap().is_symlink(), "{link}");
    }
    let beside: Vec<_> = fs::read_dir(place("disk")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(beside.len(), 5, "{beside:?}");
    // To a disk that is not there, in a circle, to a file.
    symlink("/no/such/disk/results", place("away")).unwrap();
    symlink("circle", place("circle")).unwrap();
    symlink(YEAR, place("file")).unwrap();
    for command in [&["run"][..], &["ingest", text(&source)]] {
        let to = |name: &str, words: &[&str]| refused(root.path(), &[command, &["--out", text(&place(name))]].concat(), words);
        to("away", &["away is a link to /no/such/disk/results"]);
        to("circle", &["circle"]);
        to("file", &["is no folder"]);
    }
    // A link within a folder is not what was written there.
    let results = place("results");
    succeeds(&["run", "--out", text(&results)]);
    fs::rename(results.join("table_a1.csv"), place("table.csv")).unwrap();
    symlink(place("table.csv"), results.join("table_a1.csv")).unwrap();
    refused(root.path(), &["run", "--out", text(&results), "--force"], &["table_a1.csv", "does not list"]);
}

#[test]
fn another_question_needs_force_and_the_same_one_does_not() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("out");
    let run = |more: &[&'static str]| [&["run", "--out", text(&out)], more].concat();
    succeeds(&run(&["--set", "bloc=NLD", "--csv", "--figures"]));
    assert!(out.join("flows.csv").is_file() && out.join("figure_table_a1.svg").is_file());
    // Neither who solves nor what else is written is asked.
    succeeds(&run(&["--set", "bloc=NLD", "--solver", "closed-form"]));
    assert!(!out.join("flows.csv").exists() && !out.join("figure_table_a1.svg").exists());
    refused(root.path(), &run(&["--set", "bloc=DEU"]), &["another question", "bloc: 528 -> 276", "--force"]);
    refused(root.path(), &run(&["--set", "bloc=NLD", "--set", "cap=0.1"]), &["cap: 0.05 -> 0.1"]);
    refused(root.path(), &run(&["--set", "bloc=NLD", "--set", "exclude=682"]), &["exclude: nothing -> 682"]);
    succeeds(&run(&["--set", "bloc=DEU", "--force"]));
    succeeds(&run(&["--set", "bloc=DEU"]));
    succeeds(&["verify", text(&out)]);
    // Another command's files, also by force only; a name that differs in its case is another one.
    refused(
        root.path(),
        &["frontier", "--set", "bloc=DEU", "--out", text(&out)],
        &["result files", "not frontier files", "--force"],
    );
    fs::write(out.join("Table_A1.csv"), "mine").unwrap();
    for force in [&[][..], &["--force"]] {
        refused(root.path(), &[&run(&["--set", "bloc=DEU"])[..], force].concat(), &["Table_A1.csv", "does not list"]);
    }
    fs::remove_file(out.join("Table_A1.csv")).unwrap();
    succeeds(&["frontier", "--set", "bloc=DEU", "--out", text(&out), "--force"]);
    assert!(!out.join("table_a1.csv").exists(), "files of the answer before are gone");
    succeeds(&["verify", text(&out)]);
}

#[test]
fn other_rows_of_the_same_question_replace() {
    let (root, source) = with_year();
    let out = root.path().join("out");
    let run = ["run", text(&source), "--list", "all", "--out", text(&out)];
    succeeds(&run);
    let before = fs::read(out.join("products.csv")).unwrap();
    fs::write(&source, ROWS.replace("270900,20,1", "270900,25,1")).unwrap();
    succeeds(&run);
    assert!(fs::read(out.join("products.csv")).unwrap() != before);
}

#[test]
fn the_rules_hold_for_every_kind_of_folder() {
    let root = tempfile::tempdir().unwrap();
    for (kind, command, other) in [
        ("result", &["run"][..], &["--set", "cap=0.1"][..]),
        ("panel", &["run", "--year", "all"], &["--set", "cap=0.1"]),
        ("frontier", &["frontier"], &["--set", "bloc=NLD"]),
        ("explain", &["explain"], &["--set", "cap=0.1"]),
        ("sensitivity", &["sensitivity"], &["--set", "cap=0.1"]),
        ("concentration", &["concentration"], &["--set", "cap=0.1"]),
        ("uncertainty", &["uncertainty", "--draws", "3"], &["--seed", "2"]),
        ("calibrate", &["calibrate"], &["--set", "floor=additive"]),
        ("indicators", &["indicators", "--importer", "NLD"], &["--base", "extra-bloc"]),
        ("indicators-product", &["indicators", "--importer", "NLD"], &["--product", "270900"]),
    ] {
        let out = root.path().join(kind);
        let asked = [command, &["--out", text(&out)]].concat();
        succeeds(&asked);
        succeeds(&asked);
        let another = [&asked[..], other].concat();
        refused(root.path(), &another, &["another question", " -> ", "--force"]);
        succeeds(&[&another[..], &["--force"]].concat());
        refused(root.path(), &asked, &["another question"]);
        fs::write(out.join("thesis.docx"), "mine").unwrap();
        for force in [&[][..], &["--force"]] {
            refused(root.path(), &[&another[..], force].concat(), &["thesis.docx", "does not list"]);
        }
        fs::remove_file(out.join("thesis.docx")).unwrap();
        succeeds(&another);
        // What a killed program leaves behind is nobody's.
        fs::write(out.join(".reorient-AbC123.tmp"), "half").unwrap();
        succeeds(&another);
        succeeds(&["verify", text(&out)]);
    }
}

#[test]
fn edited_and_protected_files_need_force() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("out");
    let run = ["run", "--out", text(&out)];
    succeeds(&run);
    let table = out.join("table_a1.csv");
    let edited = fs::read_to_string(&table).unwrap().replacen("energy", "Energy", 1);
    fs::write(&table, edited).unwrap();
    fs::write(out.join("shares.csv"), "shorter").unwrap();
    refused(root.path(), &run, &["shares.csv", "table_a1.csv", "changed", "--force"]);
    succeeds(&[&run[..], &["--force"]].concat());
    succeeds(&["verify", text(&out)]);
    let protect = |path: &Path, readonly: bool| {
        let mut permissions = fs::metadata(path).unwrap().permissions();
        permissions.set_readonly(readonly);
        fs::set_permissions(path, permissions).unwrap();
    };
    protect(&table, true);
    refused(root.path(), &run, &["table_a1.csv", "read-only"]);
    protect(&table, false);
    // A folder that nobody may write to stays as it is, also for those who may do anything.
    let (_source, year) = with_year();
    let baci = root.path().join("baci");
    succeeds(&["ingest", text(&year), "--out", text(&baci)]);
    for folder in [&out, &baci] {
        protect(folder, true);
    }
    refused(root.path(), &[&run[..], &["--force"]].concat(), &["is read-only"]);
    refused(root.path(), &["ingest", text(&year), "--out", text(&baci), "--force"], &["is read-only"]);
    for folder in [&out, &baci] {
        protect(folder, false);
    }
    // A file that is missing is in nobody's way.
    fs::remove_file(&table).unwrap();
    succeeds(&run);
}

#[test]
fn without_a_manifest_that_can_be_read_nothing_is_replaced() {
    let (root, source) = with_year();
    let out = root.path().join("out");
    let refuse_all = |words: &[&str]| {
        for command in [&["run"][..], &["frontier"], &["indicators", "--importer", "NLD"], &["ingest", text(&source)]] {
            for force in [&[][..], &["--force"]] {
                refused(root.path(), &[command, &["--out", text(&out)], force].concat(), words);
            }
        }
    };
    succeeds(&["run", "--out", text(&out)]);
    let manifest = fs::read_to_string(out.join("manifest.json")).unwrap();
    for damaged in [
        "",
        "{",
        &manifest[..manifest.len() / 2],
        &manifest.replace("\"reorient\"", "\"other\""),
        "{\"generator\": \"reorient\"}",
        "{\"generator\": \"reorient\", \"files\": 1}",
        "{\"generator\": \"reorient\", \"files\": [{\"name\": \"../night.toml\", \"bytes\": 1, \"blake3\": \"\"}]}",
    ] {
        fs::write(out.join("manifest.json"), damaged).unwrap();
        // Another's manifest is whole, and says that the files are not ours.
        match damaged.contains("other") {
            true => refuse_all(&["neither empty nor a complete result folder", "coverage.csv"]),
            false => refuse_all(&["holds a manifest.json that is damaged"]),
        }
    }
    fs::remove_file(out.join("manifest.json")).unwrap();
    refuse_all(&["neither empty nor a complete result folder"]);
    fs::remove_dir_all(&out).unwrap();
    fs::write(&out, "mine").unwrap();
    refuse_all(&["is no folder"]);
    // Where one stands, and above it.
    let here = root.path().join("here");
    fs::create_dir(&here).unwrap();
    for name in [".", "..", text(root.path())] {
        let output =
            reorient().current_dir(&here).args(["ingest", "-q", text(&source), "--out", name, "--force"]).output().unwrap();
        assert_eq!(output.status.code(), Some(74), "{}", String::from_utf8_lossy(&output.stderr));
    }
    for command in [&["run"][..], &["ingest", text(&source)], &["synth", "--rows", "1000", "--seed", "1", "--force"]] {
        let output = reorient().current_dir(&here).arg("-q").args(command).args(["--out", ""]).output().unwrap();
        // An unset variable of a shell is no name, and no other name for where one stands.
        assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(fs::read_dir(&here).unwrap().count(), 0);
    }
    let output = reorient().current_dir(&here).args(["run", "-q", "--out", "."]).output().unwrap();
    assert!(output.status.success() && here.join("manifest.json").is_file());
}

#[test]
fn a_sweep_gives_way_to_the_same_sweep_alone() {
    let (root, source) = with_year();
    let place = |name: &str| root.path().join(name);
    let (file, other, out) = (place("night.toml"), place("other.toml"), place("night"));
    fs::write(&file, "[base]\nlist = \"all\"\n[grid]\ncap = [0.01, 0.02]\n").unwrap();
    fs::write(&other, "[base]\nlist = \"all\"\nfloor = \"free\"\n[grid]\ncap = [0.01, 0.02]\n").unwrap();
    let sweep = |file: &'static str, more: &[&'static str]| {
        let path = place(file);
        let arguments = [&["sweep", text(&path), text(&source), "--out", text(&out)], more].concat();
        arguments.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>()
    };
    let ok = |arguments: &[String]| succeeds(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let no = |arguments: &[String], words: &[&str]| {
        refused(root.path(), &arguments.iter().map(String::as_str).collect::<Vec<_>>(), words);
    };
    ok(&sweep("night.toml", &[]));
    ok(&sweep("night.toml", &[]));
    // Written otherwise, it is the same; of new rows as well.
    fs::write(
        &file,
        "title = \"again\"\n[base]\nlist = \"all\"\nsolver = \"closed-form\"\n[grid]\ncap = [\"1/100\", \"0.02\"]\n",
    )
    .unwrap();
    ok(&sweep("night.toml", &[]));
    fs::write(&source, ROWS.replace("270900,20,1", "270900,25,1")).unwrap();
    ok(&sweep("night.toml", &[]));
    // Another one is not.
    no(&sweep("other.toml", &[]), &["another question", "base.floor: nothing -> free", "--force"]);
    no(&sweep("other.toml", &["--shard", "1/2"]), &["another question"]);
    fs::write(out.join("notes.txt"), "mine").unwrap();
    for force in [&[][..], &["--force"]] {
        no(&sweep("night.toml", force), &["notes.txt", "does not list"]);
        no(&sweep("other.toml", force), &["notes.txt"]);
    }
    let merge = ["sweep", "merge", text(&out)];
    refused(root.path(), &merge, &["notes.txt"]);
    fs::remove_file(out.join("notes.txt")).unwrap();
    // What took long to answer is in no manifest, and so in nobody's way.
    refused(root.path(), &["run", "--out", text(&out), "--force"], &["store/"]);
    refused(root.path(), &["ingest", text(&source), "--out", text(&out), "--force"], &["store/"]);
    // Edited files of the dataset.
    let summary = fs::read_to_string(out.join("summary.csv")).unwrap();
    fs::write(out.join("summary.csv"), format!("{summary}mine\n")).unwrap();
    no(&sweep("night.toml", &[]), &["summary.csv", "changed"]);
    ok(&sweep("night.toml", &["--force"]));
    ok(&sweep("other.toml", &["--force"]));
    no(&sweep("night.toml", &[]), &["base.floor: free -> nothing"]);
    succeeds(&merge);
    succeeds(&["verify", text(&out)]);
}

#[cfg(all(unix, feature = "fault-points"))]
#[test]
fn a_sweep_that_takes_a_place_by_force_goes_on_without() {
    use std::os::unix::process::ExitStatusExt;
    let root = tempfile::tempdir().unwrap();
    let place = |name: &str| root.path().join(name);
    let (file, other, out) = (place("night.toml"), place("other.toml"), place("night"));
    fs::write(&file, "[grid]\ncap = [0.01, 0.02]\n").unwrap();
    fs::write(&other, "[grid]\ncap = [0.01, 0.03, 0.04]\n").unwrap();
    succeeds(&["sweep", text(&file), "--out", text(&out)]);
    let mut killed = reorient();
    killed.args(["sweep", "-q", text(&other), "--out", text(&out), "--force", "--segment", "1"]);
    killed.env("REORIENT_TEST_KILL", "after-rename:2");
    assert_eq!(killed.output().unwrap().status.signal(), Some(9));
    // The folder has the dataset of before, the store the plan that was asked for last.
    let said = reorient().args(["verify", text(&out)]).output().unwrap();
    assert_eq!(said.status.code(), Some(65), "{}", String::from_utf8_lossy(&said.stderr));
    refused(root.path(), &["sweep", text(&file), "--out", text(&out)], &["plan of another sweep", "--force"]);
    succeeds(&["sweep", text(&other), "--out", text(&out)]);
    succeeds(&["verify", text(&out)]);
    assert_eq!(fs::read_to_string(out.join("summary.csv")).unwrap().lines().count(), 5);
}

#[test]
fn a_made_up_year_is_replaced_by_force_and_nothing_else_is() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("made");
    for form in [&["--csv"][..], &[]] {
        let synth = [&["synth", "--rows", "1000", "--seed", "1", "--out", text(&out)], form].concat();
        let forced = [&synth[..], &["--force"]].concat();
        succeeds(&forced);
        refused(root.path(), &synth, &["it is there already", "--force"]);
        succeeds(&forced);
        fs::write(out.join("notes.txt"), "mine").unwrap();
        refused(root.path(), &forced, &["notes.txt", "does not list"]);
        fs::remove_file(out.join("notes.txt")).unwrap();
        refused(root.path(), &["run", "--out", text(&out)], &["synth files"]);
    }
    let made: serde_json::Value = serde_json::from_slice(&fs::read(out.join("synthetic.json")).unwrap()).unwrap();
    let files: Vec<&str> = made["files"].as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap()).collect();
    assert_eq!(files, ["BACI_HS22_V202601_synthetic.zip", "Readme.txt"]);
    let results = root.path().join("results");
    succeeds(&["run", "--out", text(&results)]);
    refused(root.path(), &["synth", "--rows", "1000", "--seed", "1", "--out", text(&results)], &["it is there already"]);
    let left: Vec<_> = fs::read_dir(root.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn names_beside_an_ingested_folder_are_left_alone() {
    let (root, source) = with_year();
    let out = root.path().join("baci");
    let mine = [".baci.old", ".baci.partial", ".baci.lock"];
    for name in &mine[..2] {
        fs::create_dir(root.path().join(name)).unwrap();
        fs::write(root.path().join(name).join("backup.csv"), "mine").unwrap();
    }
    fs::write(root.path().join(mine[2]), "mine").unwrap();
    succeeds(&["ingest", text(&source), "--out", text(&out)]);
    succeeds(&["ingest", text(&source), "--out", text(&out), "--force"]);
    for name in &mine[..2] {
        assert_eq!(fs::read_to_string(root.path().join(name).join("backup.csv")).unwrap(), "mine");
    }
    assert_eq!(fs::read_to_string(root.path().join(mine[2])).unwrap(), "mine");
    // What a killed ingest left is cleared.
    let partial = root.path().join(".baci.reorient-partial");
    fs::create_dir(&partial).unwrap();
    fs::write(partial.join("half.parquet"), "half").unwrap();
    succeeds(&["ingest", text(&source), "--out", text(&out), "--force"]);
    assert!(!partial.exists());
}

/// Names in a folder, ascending.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[cfg(unix)]
#[test]
fn what_another_command_is_writing_is_left_to_it() {
    let (root, source) = with_year();
    let out = root.path().join("out");
    let run = ["run", "--out", text(&out)];
    for is_there in [false, true] {
        let lock = fs::File::create(root.path().join(".out.reorient-lock")).unwrap();
        lock.lock().unwrap();
        for command in [&run[..], &["ingest", text(&source), "--out", text(&out), "--force"]] {
            refused(root.path(), command, &["another reorient command is writing it"]);
        }
        drop(lock);
        // The name alone is in nobody's way.
        succeeds(&run);
        assert_eq!(names(root.path()), [YEAR, "out"], "{is_there}");
    }
}

#[cfg(unix)]
#[test]
fn a_folder_keeps_its_mode_and_whoever_stands_in_it() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("out");
    fs::create_dir(&out).unwrap();
    fs::set_permissions(&out, fs::Permissions::from_mode(0o750)).unwrap();
    for cap in ["cap=0.05", "cap=0.1"] {
        succeeds(&["run", "--out", text(&out), "--force", "--set", cap]);
        assert_eq!(fs::metadata(&out).unwrap().permissions().mode() & 0o7777, 0o750);
    }
    // Exchanged, another folder would stand under the name.
    let inode = || fs::metadata(&out).unwrap().ino();
    let before = inode();
    succeeds(&["run", "--out", text(&out), "--force"]);
    assert!(inode() != before);
    let before = inode();
    for arguments in [&["--csv"][..], &[], &["--force", "--set", "cap=0.2"]] {
        let output = reorient().current_dir(&out).args(["run", "-q", "--out", "."]).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(inode(), before);
        assert_eq!(out.join("flows.csv").exists(), arguments == ["--csv"]);
        succeeds(&["verify", text(&out)]);
    }
    let output = reorient().current_dir(&out).args(["run", "-q", "--out", "../out"]).output().unwrap();
    assert_eq!(output.status.code(), Some(74));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cap: 0.2 -> 0.05"));
    assert_eq!(names(root.path()), ["out"]);
}

#[test]
fn what_a_killed_command_was_replacing_is_put_back() {
    let root = tempfile::tempdir().unwrap();
    let place = |name: &str| root.path().join(name);
    let out = place("out");
    let ask = |cap: &'static str| ["run", "--out", text(&out), "--set", cap];
    // Aside, because the file system cannot exchange folders.
    succeeds(&ask("cap=0.1"));
    fs::rename(&out, place(".out.reorient-old")).unwrap();
    let (code, said) = ends(&ask("cap=0.2"));
    assert!(code == 74 && said.contains("cap: 0.1 -> 0.2"), "{said}");
    succeeds(&ask("cap=0.1"));
    assert_eq!(names(root.path()), ["out"]);
    // File by file, because the folder has to stay.
    succeeds(&["run", "--out", text(&place("new")), "--set", "cap=0.2", "--csv"]);
    let before = snapshot(&out);
    let partial = out.join(".reorient-partial");
    fs::create_dir_all(partial.join("old")).unwrap();
    fs::rename(out.join("shares.csv"), partial.join("old/shares.csv")).unwrap();
    fs::rename(out.join("products.csv"), partial.join("old/products.csv")).unwrap();
    for name in names(&place("new")) {
        let is_in_place = ["shares.csv", "flows.csv"].contains(&name.as_str());
        fs::rename(place("new").join(&name), if is_in_place { &out } else { &partial }.join(&name)).unwrap();
    }
    fs::remove_dir(place("new")).unwrap();
    let (code, said) = ends(&ask("cap=0.2"));
    assert!(code == 74 && said.contains("cap: 0.1 -> 0.2"), "{said}");
    assert!(snapshot(&out) == before);
    // What was exchanged already goes, but for files of somebody else's.
    succeeds(&["run", "--out", text(&place(".out.reorient-partial")), "--set", "cap=0.3"]);
    fs::write(place(".out.reorient-partial/notes.txt"), "mine").unwrap();
    let (code, said) = ends(&ask("cap=0.1"));
    assert!(code == 74 && said.contains(".out.reorient-partial cannot be removed"), "{said}");
    assert_eq!(fs::read_to_string(place(".out.reorient-partial/notes.txt")).unwrap(), "mine");
    fs::remove_file(place(".out.reorient-partial/notes.txt")).unwrap();
    succeeds(&ask("cap=0.1"));
    assert_eq!(names(root.path()), ["out"]);
}

#[test]
fn a_sweep_goes_on_from_its_first_moment() {
    let root = tempfile::tempdir().unwrap();
    let (night, out) = (root.path().join("night.toml"), root.path().join("night"));
    fs::write(&night, "[grid]\ncap = [0.01]\n").unwrap();
    fs::create_dir_all(out.join("store")).unwrap();
    refused(root.path(), &["run", "--out", text(&out)], &["store/"]);
    succeeds(&["sweep", text(&night), "--out", text(&out)]);
    succeeds(&["verify", text(&out)]);
}

#[test]
fn a_linear_program_replaces_linear_programs_alone() {
    let root = tempfile::tempdir().unwrap();
    for ending in ["mps", "lp"] {
        let path = root.path().join(format!("crude.{ending}"));
        let inspect = ["inspect", "--product", "270900", "--dump-lp", text(&path)];
        succeeds(&inspect);
        succeeds(&inspect);
        succeeds(&["inspect", "--product", "282520", "--dump-lp", text(&path)]);
        fs::write(&path, "my own model\n").unwrap();
        refused(root.path(), &inspect, &["no linear program of reorient's", "--force"]);
        succeeds(&[&inspect[..], &["--force"]].concat());
        assert!(fs::read_to_string(&path).unwrap().contains("HS270900"));
    }
    #[cfg(unix)]
    {
        let link = root.path().join("link.mps");
        std::os::unix::fs::symlink("crude.mps", &link).unwrap();
        succeeds(&["inspect", "--product", "282520", "--dump-lp", text(&link)]);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert!(fs::read_to_string(root.path().join("crude.mps")).unwrap().contains("HS282520"));
    }
}

/// The same question in other words replaces its answer: what is compared is the resolved scenario, not how it was typed.
#[test]
fn other_words_for_the_same_question_replace_its_answer() {
    for (first, second) in [
        (&["risk=156,842,643"][..], &["risk=RUS,CHN,USA"][..]),
        (&["bloc=528", "exclude=KOR,JPN"], &["bloc=NLD", "exclude=392,410"]),
        (&["cap=0.10", "bloc=EU27"], &["cap=1/10", "bloc=EU"]),
    ] {
        for command in ["run", "frontier", "explain", "sensitivity"] {
            let folder = tempfile::tempdir().unwrap();
            let ask = |settings: &[&str]| {
                let settings = settings.iter().flat_map(|setting| ["--set", setting]);
                let mut call = reorient();
                call.args([command, "-q", "--list", "all", "--out"]).arg(folder.path()).args(settings);
                call.assert()
            };
            ask(first).success();
            ask(second).success();
            ask(&["cap=0.2"]).code(74);
        }
    }
}
