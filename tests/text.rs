//! Text from outside: names that a terminal or a spreadsheet would run are refused where they are read, and whatever is quoted is
//! escaped; amounts that results cannot hold are refused as data.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::reorient;
use reorient_core::is_letter;

/// A title, a cleared screen, colours, the eight-bit introducer, directions, an end of a line, a deletion.
const EVIL: &str = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{1b}[31mred\u{9b}2J\u{202e}turned\u{2066}\u{2028}\u{7f}\u{8}end";

/// Runs a command that must end with one of the codes and send nothing but letters and ends of lines; gives what it said.
fn harmless(arguments: &[&str], codes: &[i32]) -> String {
    let output = reorient().args(arguments).output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    let odd = text.chars().find(|letter| *letter != '\n' && !is_letter(*letter));
    assert_eq!(odd, None, "{arguments:?}: {text}");
    assert!(output.status.code().is_some_and(|code| codes.contains(&code)), "{arguments:?}: {:?}: {text}", output.status);
    assert!(text.len() < 20_000, "{arguments:?}: {} bytes", text.len());
    text
}

fn refused(arguments: &[&str], code: i32, words: &[&str]) {
    let said = harmless(arguments, &[code]);
    for word in words {
        assert!(said.contains(word), "{arguments:?} lacks `{word}`: {said}");
    }
}

fn written(folder: &Path, name: &str, text: &str) -> String {
    let path: PathBuf = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Made-up rows of a year: two goods, six sellers, five buyers.
fn rows() -> String {
    let mut text = "t,i,j,k,v,q\n".to_owned();
    for product in ["280530", "810520"] {
        for seller in [156, 276, 392, 410, 643, 842] {
            for buyer in [276, 528, 410, 392, 842] {
                if seller != buyer {
                    text += &format!("2023,{seller},{buyer},{product},{}.5,1\n", seller + buyer);
                }
            }
        }
    }
    text
}

/// A folder of that trade with a country table and a product table of its own.
fn trade_with(root: &Path, name: &str, country: &str, iso3: &str, product: &str) -> String {
    written(root, &format!("{name}/BACI_HS17_Y2023_V202601.csv"), &rows());
    let countries = [276, 392, 410, 528, 643, 842].map(|code| format!("{code},Country {code},,C{code}\n")).concat();
    let table = format!("country_code,country_name,country_iso2,country_iso3\n156,\"{country}\",CN,{iso3}\n{countries}");
    written(root, &format!("{name}/country_codes_V202601.csv"), &table);
    written(root, &format!("{name}/product_codes_HS17_V202601.csv"), &format!("code,description\n280530,\"{product}\"\n"));
    root.join(name).to_str().unwrap().to_owned()
}

#[test]
fn names_that_are_run_are_refused_where_they_are_read() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let good = trade_with(root, "good", "China", "CHN", "Metals");
    harmless(&["run", &good, "--list", "all", "--set", "risk=156", "--set", "bloc=276,528"], &[0, 3]);
    let long = "x".repeat(300_000);
    for (name, country, iso3, product, words) in [
        ("a", EVIL, "CHN", "Metals", ["line 2, column `country_name`: `\\u{1b}]0;owned\\u{7}", "letter 1 is U+001B"]),
        ("b", "China", "\u{202e}CHN", "Metals", ["line 2, column `country_iso3`", "changes the direction"]),
        ("c", "China", "CHN", EVIL, ["line 2, column `description`", "a control character"]),
        ("d", "=HYPERLINK(1)", "CHN", "Metals", ["`=HYPERLINK(1)`", "run it as a formula"]),
        ("e", "China", "CHN", "-2+3", ["`-2+3`", "run it as a formula"]),
        ("f", long.as_str(), "CHN", "Metals", ["column `country_name`", "300000 letters, and 200 are the most"]),
        ("g", "China", "CHN", long.as_str(), ["column `description`", "300000 letters, and 2000 are the most"]),
    ] {
        let trade = trade_with(root, name, country, iso3, product);
        refused(&["run", &trade, "--list", "all"], 65, &words);
        refused(&["ingest", &trade, "--out", root.join("never").to_str().unwrap()], 65, &words);
    }
    assert!(!root.join("never").exists());
}

#[test]
fn lists_name_few_subsectors_and_no_sequences() {
    let root = tempfile::tempdir().unwrap();
    let header = "hs_revision,hs6,sector,subsector,stage,source\n";
    let many: String = (0..=10_000).map(|at| format!("HS92,280530,all,group {at},all,own\n")).collect();
    for (number, rows, words) in [
        (0, format!("HS92,280530,all,\"{EVIL}\",all,own\n"), ["line 2, column `subsector`", "letter 1 is U+001B"]),
        (1, format!("HS92,280530,all,own,all,\"{EVIL}\"\n"), ["line 2, column `source`", "letter 1 is U+001B"]),
        (2, format!("HS92,280530,{EVIL},own,all,own\n"), ["line 2, column `sector`", "is no sector"]),
        (3, "HS92,280530,all,=1+1,all,own\n".to_owned(), ["line 2, column `subsector`", "run it as a formula"]),
        (4, many, ["line 10002, column `subsector`: `group 10000`", "10000 other subsectors"]),
    ] {
        let list = written(root.path(), &format!("{number}.csv"), &format!("{header}{rows}"));
        refused(&["run", "--list", &list], 65, &words);
    }
    let list = written(root.path(), "header.csv", &format!("{EVIL},hs6,sector,subsector,stage,source\n"));
    refused(&["run", "--list", &list], 65, &["`hs_revision` is missing"]);
}

#[test]
fn what_is_typed_is_quoted_as_letters() {
    for arguments in [
        &["run", "--set", &format!("cap={EVIL}")][..],
        &["run", "--set", &format!("{EVIL}=1")],
        &["run", "--set", EVIL],
        &["run", "--set", &format!("risk=CHN,{EVIL}")],
        &["run", "--set", &format!("weights.{EVIL}=2")],
        &["run", "--threads", EVIL],
        &["run", "--year", EVIL],
        &["run", &format!("--{EVIL}")],
        &[EVIL],
        &["inspect", "--product", EVIL],
        &["indicators", "--importer", EVIL],
        &["run", "--log-format", "json", "--set", &format!("cap={EVIL}")],
    ] {
        harmless(arguments, &[2]);
    }
    for arguments in [&["run", EVIL][..], &["run", "--scenario", EVIL], &["verify", EVIL], &["calibrate", "--against", EVIL]] {
        harmless(arguments, &[66]);
    }
    refused(&["run", "--set", &format!("risk={}", "x".repeat(201))], 2, &["201 letters, and 200 are the most"]);
}

#[test]
fn sweeps_name_scenarios_with_letters() {
    let root = tempfile::tempdir().unwrap();
    written(root.path(), "evil.csv", &format!("name,cap\n\"a{EVIL}\",0.1\n"));
    written(root.path(), "formula.csv", "name,cap\n=1+1,0.1\n");
    written(root.path(), "header.csv", &format!("name,{EVIL}\na,0.1\n"));
    let quoted = toml::Value::from(EVIL).to_string();
    let out = root.path().join("never");
    for (number, (text, words)) in [
        (format!("title = {quoted}"), ":1: `title = \\u{1b}]0;owned"),
        ("title = \"=1+1\"".to_owned(), ":1: `title = =1+1`: this begins with `=`"),
        (format!("[overrides.{quoted}]\ncap = 0.1"), ":1: `overrides = "),
        ("[overrides.\"-5 points\"]\ncap = 0.1".to_owned(), "begin with a letter or a digit"),
        (format!("[grid]\ncap = [{quoted}]"), ":2: `cap = "),
        (format!("[grid]\n{quoted} = [1]"), "unknown key `\\u{1b}"),
        ("table = \"evil.csv\"".to_owned(), "evil.csv:2: `name = a\\u{1b}"),
        ("table = \"formula.csv\"".to_owned(), "formula.csv:2: `name = =1+1`"),
        ("table = \"header.csv\"".to_owned(), "header.csv:1: the name of column 2 is no key of a scenario"),
    ]
    .into_iter()
    .enumerate()
    {
        let file = written(root.path(), &format!("{number}.toml"), &text);
        refused(&["sweep", &file, "--out", out.to_str().unwrap()], 2, &[words]);
    }
    assert!(!out.exists());
}

/// Files may have any name; it is told as letters, and a cell of CSV with it is no formula.
#[cfg(unix)]
#[test]
fn names_of_files_are_told_as_letters() {
    let root = tempfile::tempdir().unwrap();
    let trade = written(root.path(), &format!("BACI_HS17_Y2023_{EVIL}.csv"), &rows());
    let options = ["--list", "all", "--set", "bloc=276,528", "--set", "risk=156"];
    for command in [&["run"][..], &["run", "--json"], &["frontier"], &["explain"], &["concentration"], &["sensitivity"]] {
        let said = harmless(&[command, &[&trade], &options].concat(), &[0, 3]);
        assert!(command.contains(&"frontier") || said.contains("u{1b}]0;owned"), "{command:?}: {said}");
    }
    harmless(&["inspect", &trade, "--product", "280530"], &[0]);
    harmless(&["indicators", &trade, "--importer", "276,528", "--list", "all"], &[0]);
    let list = "hs_revision,hs6,sector,subsector,stage,source\nHS92,280530,all,own,all,own\n";
    written(root.path(), "=1+1.csv", list);
    let sweep = written(root.path(), "night.toml", "[base]\nlist = \"=1+1.csv\"\n[grid]\ncap = [0.03, 0.05]\n");
    let out = root.path().join("sweep");
    harmless(&["sweep", &sweep, "--out", out.to_str().unwrap()], &[0]);
    let cells = common::columns(&fs::read_to_string(out.join("scenarios.csv")).unwrap(), &["list"]);
    assert!(cells.iter().all(|cell| cell[0] == "'=1+1.csv"), "{cells:?}");
}

#[test]
fn folders_of_others_are_quoted_as_letters() {
    let folder = common::run_into(&[]);
    let text = folder.text("manifest.json");
    let quoted = serde_json::to_string(EVIL).unwrap();
    for (place, forged) in
        [("kind", text.replacen("\"result\"", &quoted, 1)), ("file", text.replacen("\"table_a1.csv\"", &quoted, 1))]
    {
        assert_ne!(forged, text, "{place}");
        fs::write(folder.path().join("manifest.json"), forged).unwrap();
        harmless(&["verify", folder.path().to_str().unwrap()], &[65, 66]);
        harmless(&["verify", "--json", folder.path().to_str().unwrap()], &[65, 66]);
    }
}

/// A flow, or the exports of all countries of a product, of 2^53 dollars: `run` never writes what `verify` would refuse, and
/// shares are not at fault.
#[test]
fn amounts_beyond_the_trade_of_the_world_are_refused_as_data() {
    let root = tempfile::tempdir().unwrap();
    let limit = "9007199254740.992";
    for (name, value, words) in [
        ("flow", limit, [limit, "column `v`", "check the unit: values are in thousand USD"]),
        ("sum", "1000000000000.001", ["product 280530", "exports of all countries together", "unit: values are in thousand USD"]),
    ] {
        let text: String = rows()
            .lines()
            .map(|line| {
                let fields: Vec<&str> = line.split(',').collect();
                if line.starts_with('t') { format!("{line}\n") } else { format!("{},{value},1\n", fields[..4].join(",")) }
            })
            .collect();
        let trade = written(root.path(), &format!("{name}/BACI_HS17_Y2023_V202601.csv"), &text);
        let out = root.path().join("never");
        for command in ["run", "ingest"] {
            refused(&[command, &trade, "--out", out.to_str().unwrap()], 65, &words);
        }
        refused(&["run", &trade, "--list", "all", "--set", "cap=1/3"], 65, &words);
        refused(&["indicators", &trade, "--importer", "276", "--list", "all"], 65, &words);
        assert!(!out.exists());
    }
    // A tenth of a year's limit fits, unless shares have many decimals: then the data are named, as no product has so much.
    let large = rows().replace(".5,1\n", "00000000.5,1\n");
    let trade = written(root.path(), "large/BACI_HS17_Y2023_V202601.csv", &large);
    let options = ["--list", "all", "--set", "bloc=276,528", "--set", "risk=156"];
    let out = root.path().join("large-out");
    harmless(&[&["run", &trade, "--out", out.to_str().unwrap()], &options[..]].concat(), &[0, 3]);
    harmless(&["verify", out.to_str().unwrap()], &[0]);
    refused(&[&["run", &trade, "--set", "cap=0.000001"], &options[..]].concat(), 65, &["product 280530", "check the unit"]);
}
