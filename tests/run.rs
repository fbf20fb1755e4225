//! The main job end to end, on the embedded real sample: figures, files, golden results, exit codes.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::Write;

mod common;

use common::{columns, reorient, run_into};

/// A figure of the manifest with three decimals, as published.
fn musd(figure: &serde_json::Value) -> String {
    format!("{:.3}", figure.as_str().unwrap().parse::<f64>().unwrap())
}

#[test]
fn every_product_gives_the_known_figures() {
    let solvers: &[&[&str]] = if cfg!(feature = "highs") {
        &[&[], &["--solver", "closed-form"], &["--solver", "highs"], &["--cross-check"]]
    } else {
        &[&[], &["--solver", "closed-form"]]
    };
    let reference = run_into(&["--list", "all"]);
    for solver in solvers {
        let folder = run_into(&[&["--list", "all"], *solver].concat());
        let manifest = folder.manifest();
        let headline = &manifest["headline"];
        assert_eq!(headline["products"], 71);
        assert_eq!(headline["in_shortage"], 21);
        assert_eq!(musd(&headline["imports_musd"]), "609791.207");
        assert_eq!(musd(&headline["risk_before_musd"]), "111450.632");
        assert_eq!(musd(&headline["risk_after_musd"]), "32301.578");
        assert_eq!(headline["hhi_rose"], 48);
        assert_eq!(manifest["certificates"]["certified"], 71);
        assert_eq!(manifest["ledger"]["rows_in"], 52_818);
        for file in ["table_a1.csv", "shares.csv", "products.csv", "flows.parquet", "flows.csv"] {
            assert!(folder.bytes(file) == reference.bytes(file), "{file} differs with {solver:?}");
        }
    }
}

#[test]
fn the_shipped_list_gives_the_known_figures() {
    let folder = run_into(&[]);
    let manifest = folder.manifest();
    let headline = &manifest["headline"];
    assert_eq!(headline["products"], 54);
    assert_eq!(headline["in_shortage"], 14);
    assert_eq!(musd(&headline["imports_musd"]), "358250.461");
    assert_eq!(musd(&headline["risk_before_musd"]), "62374.140");
    assert_eq!(musd(&headline["risk_after_musd"]), "4293.056");
    assert_eq!(manifest["list"]["partial"], serde_json::json!(["711290", "810710"]));
}

#[test]
fn crude_oil_gains_are_those_of_the_rows() {
    let folder = run_into(&["--list", "all"]);
    let flows = columns(&folder.text("flows.csv"), &["product", "exporter", "imports_kusd", "optimised_kusd"]);
    let gain = |exporter: &str| {
        let row = flows.iter().find(|row| row[0] == "270900" && row[1] == exporter).unwrap();
        (row[3].parse::<f64>().unwrap() - row[2].parse::<f64>().unwrap()) / 1000.0
    };
    for (exporter, expected) in [("434", 1574.3), ("24", 1603.5), ("368", 4988.8), ("682", 10590.2)] {
        assert!((gain(exporter) - expected).abs() < 0.05, "{exporter}: {}", gain(exporter));
    }
}

#[test]
fn bytes_do_not_depend_on_threads() {
    let one = run_into(&["--list", "all", "--threads", "1"]);
    for threads in ["2", "8"] {
        let many = run_into(&["--list", "all", "--threads", threads]);
        for file in ["table_a1.csv", "shares.csv", "products.csv", "flows.parquet", "flows.csv"] {
            assert!(many.bytes(file) == one.bytes(file), "{file} differs on {threads} threads");
        }
    }
}

#[test]
fn results_are_the_golden_ones() {
    let listed = run_into(&[]);
    insta::assert_snapshot!("table_a1", listed.text("table_a1.csv"));
    insta::assert_snapshot!("shares", listed.text("shares.csv"));
    insta::assert_snapshot!("products", listed.text("products.csv"));
    let view = reorient().arg("run").output().unwrap();
    insta::assert_snapshot!("terminal", String::from_utf8(view.stdout).unwrap());
}

#[test]
fn imports_are_preserved_and_flows_stay_in_their_intervals() {
    let folder = run_into(&["--list", "all"]);
    let names = ["product", "imports_kusd", "optimised_kusd", "min_kusd", "max_kusd"];
    let mut sums = std::collections::BTreeMap::<String, (f64, f64)>::new();
    for row in columns(&folder.text("flows.csv"), &names) {
        let value = |at: usize| row[at].parse::<f64>().unwrap();
        assert!(value(3) <= value(2) + 1e-6 && value(2) <= value(4) + 1e-6, "{row:?}");
        let sum = sums.entry(row[0].clone()).or_default();
        *sum = (sum.0 + value(1), sum.1 + value(2));
    }
    assert_eq!(sums.len(), 71);
    for (product, (before, after)) in sums {
        // Printed with six decimals of a thousand dollars: a few hundred roundings of half a unit each.
        assert!((before - after).abs() < 1e-3, "{product}: {before} against {after}");
    }
}

#[test]
fn a_country_alone_is_no_alternative_for_itself() {
    let folder = run_into(&["--list", "all", "--set", "bloc=NLD"]);
    let flows = columns(&folder.text("flows.csv"), &["exporter", "imports_kusd", "capacity_kusd", "optimised_kusd"]);
    let own: Vec<_> = flows.iter().filter(|row| row[0] == "528").collect();
    assert!(!own.is_empty());
    for row in own {
        for value in &row[1..] {
            assert!(value.parse::<f64>().unwrap().abs() < 1e-12, "{row:?}");
        }
    }
}

#[test]
fn mistakes_have_their_exit_codes() {
    let code = |arguments: &[&str]| {
        let output = reorient().args(arguments).output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(!message.contains("panicked"), "{message}");
        (output.status.code().unwrap(), message)
    };
    for (arguments, expected, words) in [
        (&["run", "--set", "caps=0.1"][..], 2, "did you mean `cap`"),
        (&["run", "--set", "bloc=EU27", "--set", "risk=276"], 2, "276"),
        (&["run", "--set", "bloc=XYZ"], 2, "XYZ"),
        (&["run", "--year", "2019"], 2, "2023"),
        (&["run", "--solver", "cplex"], 2, "closed-form"),
        (&["run", "no-such-file.parquet"], 66, "no-such-file.parquet"),
        (&["run", "--scenario", "no-such-file.toml"], 66, "no-such-file.toml"),
        (&["run", "--list", "no-such-list.csv"], 66, "no-such-list.csv"),
        (&["run", "--out", "/dev/null/results"], 74, "/dev/null/results"),
        (&["inspect", "--product", "27O900"], 2, "27O900"),
        (&["inspect", "--product", "010121"], 66, "010121"),
        (&["inspect", "--product", "270900", "--dump-lp", "/dev/null/crude.mps"], 74, "crude.mps"),
    ] {
        let (found, message) = code(arguments);
        assert_eq!(found, expected, "{arguments:?}: {message}");
        assert!(message.contains(words), "{arguments:?}: {message}");
    }
}

#[test]
fn a_csv_of_the_same_rows_gives_the_same_bytes() {
    let Some(rows) = common::shared("data/baci/BACI_HS92_Y2023_raw-materials.csv") else { return };
    let embedded = run_into(&[]);
    let from_csv = run_into(&[rows.to_str().unwrap()]);
    for file in ["table_a1.csv", "shares.csv", "products.csv", "flows.parquet", "flows.csv"] {
        assert!(from_csv.bytes(file) == embedded.bytes(file), "{file}");
    }
}

#[test]
fn rows_of_one_bloc_alone_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("BACI_HS92_Y2023_V202401b.csv");
    std::fs::write(&path, "t,i,j,k,v,q\n2023,156,276,270900,10.5,1\n2023,434,528,270900,7.25,NA\n").unwrap();
    let output = reorient().args(["run", "--list", "all"]).arg(&path).output().unwrap();
    assert_eq!(output.status.code(), Some(65));
    assert!(String::from_utf8(output.stderr).unwrap().contains("world x world"));
}

/// A file without any checksum is named in the view and in the manifest; what has one is not.
#[test]
fn what_carries_no_checksum_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let csv = small_world(folder.path());
    let packed = folder.path().join("BACI_HS22_Y2023_V202501.csv.gz");
    let mut encoder = flate2::write::GzEncoder::new(std::fs::File::create(&packed).unwrap(), flate2::Compression::default());
    encoder.write_all(SMALL_WORLD.as_bytes()).unwrap();
    encoder.finish().unwrap();
    let sentence = "BACI_HS22_Y2023_V202501.csv carries no checksum, so damage to it cannot be seen.";
    for (path, integrity, is_said) in [(&csv, "none", true), (&packed, "crc32", false)] {
        let run =
            |more: &[&str]| reorient().args(["run", "--list", "all", "--set", "bloc=DEU"]).arg(path).args(more).output().unwrap();
        let view = String::from_utf8(run(&[]).stdout).unwrap();
        assert_eq!(view.split_whitespace().collect::<Vec<_>>().join(" ").contains(sentence), is_said, "{view}");
        let result: serde_json::Value = serde_json::from_slice(&run(&["--json"]).stdout).unwrap();
        assert_eq!(result["manifest"]["inputs"][0]["integrity"], integrity);
    }
    let embedded: serde_json::Value =
        serde_json::from_slice(&reorient().args(["run", "--json"]).output().unwrap().stdout).unwrap();
    assert_eq!(embedded["manifest"]["inputs"][0]["integrity"], "blake3");
}

/// Rows of a small world of trade, with Hong Kong, petroleum oils and an old code of Germany.
const SMALL_WORLD: &str = "t,i,j,k,v,q\n2023,156,276,271000,10,1\n2023,344,276,271000,5,1\n2023,156,344,271000,7,1\n\
    2023,682,276,271000,20,1\n2023,682,392,271000,600,1\n2023,344,392,271000,3,1\n2023,156,392,271000,4,1\n\
    2023,842,276,270900,8,1\n2023,682,276,270900,9,1\n2023,682,392,270900,900,1\n";

fn small_world(folder: &std::path::Path) -> std::path::PathBuf {
    let path = folder.join("BACI_HS22_Y2023_V202501.csv");
    std::fs::write(&path, SMALL_WORLD).unwrap();
    path
}

#[test]
fn hong_kong_counts_as_china_where_asked() {
    let root = tempfile::tempdir().unwrap();
    let path = small_world(root.path());
    // The same rows with Hong Kong merged by hand: its own sales and purchases are China's.
    let merged = root.path().join("merged");
    std::fs::create_dir(&merged).unwrap();
    let by_hand = merged.join("BACI_HS22_Y2023_V202501.csv");
    let rows = "t,i,j,k,v,q\n2023,156,276,271000,15,1\n2023,682,276,271000,20,1\n2023,682,392,271000,600,1\n\
                2023,156,392,271000,7,1\n2023,842,276,270900,8,1\n2023,682,276,270900,9,1\n2023,682,392,270900,900,1\n";
    std::fs::write(&by_hand, rows).unwrap();
    let asked = run_into(&["--list", "all", "--set", "hong-kong=with-china", path.to_str().unwrap()]);
    let expected = run_into(&["--list", "all", by_hand.to_str().unwrap()]);
    let apart = run_into(&["--list", "all", path.to_str().unwrap()]);
    for file in ["table_a1.csv", "shares.csv", "products.csv", "flows.csv"] {
        assert_eq!(asked.text(file), expected.text(file), "{file}");
    }
    assert_ne!(asked.text("flows.csv"), apart.text("flows.csv"));
    assert_eq!(asked.manifest()["scenario"]["hong-kong"], "with-china");
    for setting in ["risk=344", "bloc=HKG"] {
        let output = reorient().args(["run", "--set", "hong-kong=with-china", "--set", setting]).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8(output.stderr).unwrap().contains("name 156"));
    }
}

#[test]
fn petroleum_oils_are_found_by_their_alias_and_missed_aloud_without() {
    let root = tempfile::tempdir().unwrap();
    let path = small_world(root.path());
    let list = root.path().join("list.csv");
    let head = "hs_revision,hs6,sector,subsector,stage,source\n";
    std::fs::write(
        &list,
        format!(
            "{head}HS2022,271012,energy,Oils,input,x\nHS2022,271019,energy,Oils,final,x\nHS2022,270900,energy,Crude,input,x\n"
        ),
    )
    .unwrap();
    let arguments = ["--list", list.to_str().unwrap(), path.to_str().unwrap()];
    let without = run_into(&arguments);
    assert_eq!(
        without.text("coverage.csv"),
        "code,status,n_listed,n_descendants,imports_kusd,world_exports_kusd,also_holds\n270900,matched,1,1,17.000,917.000,\n\
         271012,without-trade,1,1,,,\n271019,without-trade,1,1,,,\n"
    );
    let view = reorient().arg("run").args(arguments).output().unwrap();
    assert!(String::from_utf8(view.stdout).unwrap().contains("alias=271000"));
    let with = run_into(&[&arguments[..], &["--set", "alias=271000"]].concat());
    assert_eq!(
        with.text("coverage.csv"),
        "code,status,n_listed,n_descendants,imports_kusd,world_exports_kusd,also_holds\n270900,matched,1,1,17.000,917.000,\n\
         271000,alias,2,2,35.000,649.000,\n"
    );
    let products = columns(&with.text("products.csv"), &["product", "stages"]);
    assert_eq!(products, [["270900", "input"], ["271000", "input;final"]]);
}

#[test]
fn coverage_names_every_code_with_its_trade() {
    let folder = run_into(&[]);
    let rows = columns(&folder.text("coverage.csv"), &["code", "status", "n_listed", "n_descendants", "imports_kusd"]);
    let count = |status: &str| rows.iter().filter(|row| row[1] == status).count();
    assert_eq!((count("matched"), count("partial"), count("unmatched")), (54, 2, 0));
    let manifest = folder.manifest();
    assert_eq!(manifest["list"]["matched_imports_kusd"].as_str().unwrap()[..10], *"358250460.");
    let partial: Vec<_> = rows.iter().filter(|row| row[1] == "partial").collect();
    assert!(partial.iter().all(|row| row[2].parse::<usize>().unwrap() < row[3].parse().unwrap() && !row[4].is_empty()));
}
