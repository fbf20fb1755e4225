//! Every view fits 60, 80, 100, 120 and 160 columns: no line is longer but for words that cannot be broken.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

mod common;
#[path = "common/trade.rs"]
mod trade;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use common::reorient;
use reorient_report::display_width;

const WIDTHS: [usize; 5] = [60, 80, 100, 120, 160];

/// What a command prints on a screen of so many columns.
fn printed(width: usize, arguments: &[&str]) -> String {
    let output = reorient().env("COLUMNS", width.to_string()).args(arguments).output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 3)), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// No line is longer than the screen, but for one that is a single word, its margin apart.
fn fits(width: usize, text: &str, what: &[&str]) {
    assert!(!text.is_empty(), "{what:?} prints nothing");
    for line in text.lines() {
        let is_one_word = line.split_whitespace().count() == 1;
        assert!(display_width(line) <= width || is_one_word, "{what:?} at {width} columns:\n{line}\n\n{text}");
        assert_eq!(line.trim_end(), line, "{what:?} at {width} columns has a trailing space");
    }
}

fn fits_everywhere(arguments: &[&str]) {
    for width in WIDTHS {
        fits(width, &printed(width, arguments), arguments);
    }
}

/// A folder, and a path in it as text.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn at(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }
}

/// Thirty years of a few rows.
fn thirty_years(path: &Path) {
    let mut rows = "t,i,j,k,v,q\n".to_owned();
    for year in 1995..=2024 {
        let more = (year - 1995) * 40;
        for (exporter, importer, product, value) in [
            (156, 276, 270900, 10 + more),
            (643, 276, 270900, 7_000_000),
            (682, 276, 270900, 20),
            (682, 392, 270900, 600_000 + more),
        ] {
            writeln!(rows, "{year},{exporter},{importer},{product},{value},1").unwrap();
        }
        writeln!(rows, "{year},842,528,280530,{},1\n{year},36,528,280530,3,1\n{year},36,842,280530,9,2", 2 + more).unwrap();
    }
    fs::write(path, rows).unwrap();
}

#[test]
fn a_run_fits() {
    for question in [
        &["run"][..],
        &["run", "--set", "bloc=NLD"],
        &["run", "--set", "bloc=DEU,NLD,POL", "--set", "risk=CHN"],
        &["run", "--set", "risk=CHN", "--set", "exclude-hard=CHN", "--list", "all"],
        &["run", "--list", "all", "--set", "cap=0"],
    ] {
        fits_everywhere(question);
    }
}

#[test]
fn studies_fit() {
    for question in [
        &["frontier"][..],
        &["frontier", "--list", "all", "--set", "risk=CHN", "--set", "exclude-hard=CHN"],
        &["explain"],
        &["explain", "--set", "bloc=NLD"],
        &["sensitivity"],
        &["concentration"],
        &["uncertainty", "--draws", "5"],
        &["calibrate"],
    ] {
        fits_everywhere(question);
    }
}

#[test]
fn indicators_and_single_products_fit() {
    for question in [
        &["indicators", "--importer", "NLD"][..],
        &["indicators", "--importer", "EU27", "--by", "sector"],
        &["indicators", "--importer", "EU27", "--by", "subsector", "--base", "extra-bloc"],
        &["inspect", "--product", "270900"],
        &["inspect", "--product", "280530", "--set", "bloc=NLD"],
    ] {
        fits_everywhere(question);
    }
}

#[test]
fn years_fit() {
    let place = Place::new();
    thirty_years(&place.path("years_HS92.csv"));
    let (file, folder) = (place.at("years_HS92.csv"), place.at("baci"));
    for width in WIDTHS {
        fits(width, &printed(width, &["ingest", &file, "--hs", "92", "--force", "--out", &folder]), &["ingest"]);
    }
    fits_everywhere(&["run", &folder, "--year", "all", "--list", "all"]);
    fits_everywhere(&["run", &folder, "--year", "2023,2024", "--list", "all", "--set", "bloc=NLD"]);
    fits_everywhere(&["indicators", &folder, "--year", "all", "--importer", "EU27", "--list", "all"]);
    fits_everywhere(&["verify", &folder]);
    let panel = place.at("panel");
    reorient().args(["run", "-q", &folder, "--year", "2023,2024", "--list", "all", "--out", &panel]).assert().success();
    fits_everywhere(&["verify", &panel]);
}

#[test]
fn a_calibration_of_a_whole_table_fits() {
    let place = Place::new();
    let result = place.at("result");
    reorient().args(["run", "-q", "--out", &result]).assert().success();
    let table = fs::read_to_string(place.path("result/table_a1.csv")).unwrap();
    let against = place.at("against.csv");
    fs::write(&against, table).unwrap();
    let held =
        ["bloc=EU27", "map=all", "year=2023", "bloc-alternatives=yes", "alias=none", "hong-kong=apart", "reconstructed=yes"];
    let mut question = vec!["calibrate", "--against", &against];
    for setting in &held {
        question.extend(["--set", setting]);
    }
    fits_everywhere(&question);
    fits_everywhere(&["verify", &result]);
}

#[test]
fn sweeps_fit() {
    let place = Place::new();
    let one = "[base]\nlist = \"all\"\n[overrides.a-long-name-of-a-scenario-and-one-word]\nfloor = \"free\"\n\
               [grid]\ncap = [0.01, 0.05]\nrisk = [\"CHN\", \"RUS\", \"CHN,RUS,USA,IRN,PRK,BLR,VEN\"]\n";
    fs::write(place.path("one.toml"), one).unwrap();
    fs::write(place.path("two.toml"), one.replace("0.01", "0.02").replace("free", "symmetric")).unwrap();
    let (file, first, second) = (place.at("one.toml"), place.at("first"), place.at("second"));
    fits_everywhere(&["sweep", &file, "--dry-run"]);
    fits_everywhere(&["sweep", &file, "--out", &first]);
    fits_everywhere(&["sweep", &file, "--dry-run", "--out", &first]);
    fits_everywhere(&["sweep", &place.at("two.toml"), "--out", &second, "--diff", &first]);
    fits_everywhere(&["sweep", "merge", &first]);
    fits_everywhere(&["sweep", &file, "--shard", "1/2", "--out", &place.at("shards")]);
    fits_everywhere(&["verify", &first]);
}

#[test]
fn data_commands_fit() {
    let place = Place::new();
    for width in WIDTHS {
        let out = place.at(&format!("made-{width}"));
        fits(width, &printed(width, &["synth", "--rows", "2000", "--seed", "1", "--out", &out]), &["synth"]);
    }
    let rows = trade::rows();
    let zip = place.path("BACI_HS92_V202401b.zip");
    trade::zip(&zip, &[("BACI_HS92_Y2023_V202401b.csv", trade::native(&rows[..2000]))]);
    for width in WIDTHS {
        let out = place.at(&format!("baci-{width}"));
        fits(width, &printed(width, &["ingest", zip.to_str().unwrap(), "--out", &out]), &["ingest"]);
        // A release that is there already is checked and named; the command that comes next is one to be copied, so it stays whole.
        let fetched = printed(width, &["fetch", "--hs", "92", "--version", "202401b", "--out", place.0.path().to_str().unwrap()]);
        let prose: Vec<&str> = fetched.lines().filter(|line| !line.starts_with("next: reorient ")).collect();
        fits(width, &prose.join("\n"), &["fetch"]);
    }
}

#[test]
fn help_fits() {
    let commands = [
        "run",
        "indicators",
        "frontier",
        "explain",
        "concentration",
        "uncertainty",
        "sensitivity",
        "sweep",
        "schema",
        "ingest",
        "fetch",
        "synth",
        "verify",
        "inspect",
        "calibrate",
    ];
    for command in commands {
        for width in WIDTHS {
            let text = printed(width, &[command, "--help"]);
            for line in text.lines() {
                assert!(display_width(line) <= width, "{command} --help at {width} columns: {line}");
            }
        }
    }
}

#[test]
fn columns_leave_in_their_order_and_a_line_says_which() {
    let table = |width: usize| {
        let text = printed(width, &["run"]);
        let (_, table) = text.split_once("Table A.1: who gains").unwrap();
        table.split("\n\n").next().unwrap().to_owned()
    };
    let header = |width: usize| table(width).lines().nth(1).unwrap().to_owned();
    assert!(header(100).contains("main sector") && !table(100).contains("Left out"), "{}", table(100));
    assert!(!header(80).contains("main sector") && header(80).contains("new %"), "{}", table(80));
    assert!(!header(60).contains("new %") && header(60).contains("[min – max]"), "{}", table(60));
    let flat = table(60).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains("Left out for want of room: main sector, old %, new %."), "{flat}");
    assert!(flat.contains("[min – max]: the range over all optimal solutions"), "{flat}");
}

#[test]
fn widths_that_are_none_do_not_count() {
    let usual = String::from_utf8(reorient().arg("frontier").output().unwrap().stdout).unwrap();
    for columns in ["", "0", "wide", "-5", "100"] {
        let output = reorient().env("COLUMNS", columns).arg("frontier").output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), usual, "COLUMNS={columns}");
    }
    for (columns, same_as) in [("20", 60), ("1000", 160)] {
        let output = reorient().env("COLUMNS", columns).arg("run").output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), printed(same_as, &["run"]), "COLUMNS={columns}");
    }
}

#[test]
fn one_country_is_called_by_its_name_and_has_no_inside() {
    let text = printed(100, &["run", "--set", "bloc=NLD"]);
    assert!(text.starts_with("reorient · Netherlands · "), "{text}");
    assert!(!text.contains("inside") && !text.contains("NLD"), "{text}");
    assert!(!text.contains(" 0.0 bn"), "{text}");
    for question in [&["frontier"][..], &["explain"], &["sensitivity"], &["concentration"], &["indicators", "--importer", "NLD"]]
    {
        let own = if question[0] == "indicators" { &[][..] } else { &["--set", "bloc=NLD"] };
        let text = printed(100, &[question, own].concat());
        let title = text.lines().next().unwrap();
        assert!(title.contains("· Netherlands ·"), "{title}");
    }
    let folder = common::run_into(&["--figures", "--set", "bloc=NLD"]);
    for entry in fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "svg") {
            let title = fs::read_to_string(&path).unwrap();
            let title = title.split("<title").nth(1).unwrap().split("</title>").next().unwrap();
            assert!(title.contains("Netherlands") && !title.contains("NLD"), "{title}");
        }
    }
}

#[test]
fn one_product_is_not_several() {
    let text = printed(160, &["run", "--set", "list=all", "--set", "cap-product=270900=0.1"]);
    assert!(!text.contains(" 1 products"), "{text}");
    let place = Place::new();
    let rows: Vec<_> = trade::rows().into_iter().filter(|row| row.product == "280530").collect();
    fs::write(place.path("BACI_HS92_Y2023_V202401b.csv"), trade::plain(&rows)).unwrap();
    let file = place.at("BACI_HS92_Y2023_V202401b.csv");
    for question in [
        &["run"][..],
        &["frontier"],
        &["explain"],
        &["concentration"],
        &["uncertainty", "--draws", "3"],
        &["indicators", "--importer", "EU27"],
    ] {
        let text = printed(160, &[&question[..1], &[file.as_str(), "--list", "all"], &question[1..]].concat());
        assert!(!text.contains(" 1 products") && !text.contains("of 1 products"), "{text}");
    }
}
