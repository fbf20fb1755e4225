//! Lists of goods against the data, and options that change nothing: what is left out, taken in, padded or without a row is told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

mod common;

use std::path::{Path, PathBuf};

use common::{columns, reorient, run_into};

/// Exit code, standard output and standard error.
fn outcome(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = reorient().args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn refused(arguments: &[&str], code: i32, words: &[&str]) {
    let (own, _, said) = outcome(arguments);
    assert_eq!(own, Some(code), "{arguments:?}: {said}");
    for word in words {
        assert!(said.contains(word), "{arguments:?} lacks `{word}`: {said}");
    }
}

/// A list of codes in a file of its own.
fn list(folder: &Path, name: &str, revision: &str, codes: &[&str]) -> String {
    let rows: String = codes.iter().map(|code| format!("{revision},{code},all,own,all,own\n")).collect();
    written(folder, name, &format!("hs_revision,hs6,sector,subsector,stage,source\n{rows}"))
}

fn written(folder: &Path, name: &str, text: &str) -> String {
    let path: PathBuf = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Made-up rows of HS 2017 in CEPII's columns: four goods, six sellers, five buyers.
fn hs17(folder: &Path, year: u16) -> String {
    let mut text = "t,i,j,k,v,q\n".to_owned();
    for (product, size) in [("280530", 3), ("810520", 2), ("811292", 1), ("850511", 9)] {
        for (seller, of) in [(156, 40), (276, 5), (392, 9), (410, 4), (643, 3), (842, 6)] {
            for (buyer, part) in [(276, 4), (528, 3), (410, 5), (392, 6), (842, 7)] {
                if seller != buyer {
                    text += &format!("{year},{seller},{buyer},{product},{}.{},1.000\n", size * of * part, part);
                }
            }
        }
    }
    written(folder, &format!("BACI_HS17_Y{year}_V202601.csv"), &text)
}

/// The same goods by a list in the codes of the data and by one in those of HS 2022: since 2022 scrap of magnets and two forms of
/// gallium have codes of their own, which is no reason to lose magnets and gallium.
#[test]
fn a_list_of_2022_and_one_of_the_data_ask_for_the_same_goods() {
    let folder = tempfile::tempdir().unwrap();
    let trade = hs17(folder.path(), 2023);
    let codes = ["280530", "810520", "811292", "850511"];
    let (old, new) = (list(folder.path(), "old.csv", "HS2017", &codes), list(folder.path(), "new.csv", "HS2022", &codes));
    let (by_old, by_new) = (run_into(&[&trade, "--list", &old]), run_into(&[&trade, "--list", &new]));
    assert_eq!(by_old.text("products.csv"), by_new.text("products.csv"));
    assert_eq!(by_old.text("shares.csv"), by_new.text("shares.csv"));
    assert_eq!(columns(&by_new.text("products.csv"), &["product"]).concat(), codes);
    let coverage = columns(&by_new.text("coverage.csv"), &["code", "status", "n_listed", "n_descendants", "also_holds"]);
    let scrap = "854921 854929 854931 854939 854991 854999";
    let of = |code: &str| coverage.iter().find(|row| row[0] == code).unwrap()[1..].join("|");
    assert_eq!(of("850511"), format!("matched|1|7|{scrap}"));
    assert_eq!(of("811292"), "matched|1|3|811231 811241");
    assert_eq!(of("280530"), "matched|1|1|");
    assert_eq!(by_new.manifest()["list"]["also_holds"]["811292"], serde_json::json!(["811231", "811241"]));

    // Magnets and gallium are most of the imports: the first paragraph names them, and what leaves them out.
    let (code, out, _) = outcome(&["run", &trade, "--list", &new]);
    let first = out.split("\n\n").nth(1).unwrap().replace('\n', " ");
    assert_eq!(code, Some(0));
    for word in ["2 products are taken in with goods that the list does not name", "850511 ", "also 811231, 811241", "map=all"] {
        assert!(first.contains(word), "{word}: {first}");
    }
    let (_, out, _) = outcome(&["run", &trade, "--list", &new, "--set", "map=all"]);
    let first = out.split("\n\n").nth(1).unwrap().replace('\n', " ");
    for word in ["2 products are left out", "850511 ", "811292 ", "map=any"] {
        assert!(first.contains(word), "{word}: {first}");
    }
    let all = run_into(&[&trade, "--list", &new, "--set", "map=all"]);
    assert_eq!(columns(&all.text("products.csv"), &["product"]).concat(), ["280530", "810520"]);
    let any = run_into(&[&trade, "--list", &new, "--set", "map=any"]);
    assert_eq!(any.text("products.csv"), by_new.text("products.csv"));
    for own in [&by_new, &all, &any] {
        reorient().args(["verify", "-q"]).arg(own.path()).assert().success();
    }
}

#[test]
fn the_sample_keeps_its_54_products_and_two_in_part() {
    let run = run_into(&[]);
    let coverage = columns(&run.text("coverage.csv"), &["code", "status", "also_holds"]);
    let of = |status: &str| coverage.iter().filter(|row| row[1] == status).map(|row| row[0].clone()).collect::<Vec<_>>();
    assert_eq!((of("matched").len(), of("partial")), (54, vec!["711290".to_owned(), "810710".to_owned()]));
    assert!(coverage.iter().filter(|row| row[1] == "partial").all(|row| row[2].is_empty()));
    assert_eq!(run.manifest()["scenario"]["map"], "main");
}

#[test]
fn a_list_of_which_nothing_is_in_the_data_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let trade = hs17(folder.path(), 2023);
    let lost = list(folder.path(), "lost.csv", "HS2022", &["010121"]);
    for command in ["run", "frontier", "explain", "sensitivity", "concentration", "calibrate"] {
        refused(&[command, &trade, "--list", &lost], 65, &["lost.csv", "none of your 1 code is in these data", "4 products"]);
    }
    refused(&["run", &trade, "--year", "all", "--list", &lost], 65, &["none of your 1 code is in these data"]);
    refused(&["indicators", &trade, "--importer", "DEU", "--list", &lost], 65, &["none of your 1 code is in these data"]);
    refused(&["uncertainty", &trade, "--draws", "2", "--list", &lost], 65, &["none of your 1 code is in these data"]);
    let sweep = written(folder.path(), "lost.toml", &format!("[base]\nlist = \"{lost}\"\n"));
    refused(&["sweep", &sweep, &trade, "--dry-run"], 65, &["none of your 1 code is in these data"]);
    // What is left out for being listed in part is named with the way to take it in.
    let part = list(folder.path(), "part.csv", "HS2022", &["811231"]);
    refused(&["run", &trade, "--list", &part], 65, &["none of your 1 code", "`map = any`"]);
    let zero = list(folder.path(), "zero.csv", "HS2022", &["28053"]);
    refused(&["run", &trade, "--list", &zero], 65, &["line 2, column `hs6`: `28053`", "did you mean 280530?"]);
}

#[test]
fn what_is_odd_in_a_list_is_on_screen() {
    let folder = tempfile::tempdir().unwrap();
    let own = list(folder.path(), "own.csv", "HS2022", &["280530", "280530", "10121", "999999"]);
    let (code, out, _) = outcome(&["run", "--list", &own]);
    assert_eq!(code, Some(0));
    let out = out.replace('\n', " ");
    for word in ["No codes of the list's HS revision: 999999", "counted once: 280530", "the list leaves out: 010121"] {
        assert!(out.contains(word), "{word}: {out}");
    }
}

#[test]
fn five_digits_are_a_code_only_where_the_hs_has_it() {
    refused(&["inspect", "--product", "27090"], 2, &["no revision of the HS has 027090", "did you mean 270900?"]);
    refused(&["indicators", "--importer", "NLD", "--product", "27090"], 2, &["did you mean 270900?"]);
    refused(&["run", "--set", "cap-product.27090=0.1"], 2, &["did you mean 270900?"]);
    refused(&["run", "--set", "immobile=27090"], 2, &["did you mean 270900?"]);
}

/// faults/19: what is named and has no row changes nothing.
#[test]
fn what_is_named_has_a_row() {
    let all = |setting: &str, words: &[&str]| refused(&["run", "--list", "all", "--set", setting], 2, words);
    all("cap-product.280531=0.5", &["cap-product", "280531", "no revision of the HS has this code"]);
    all("cap-product.010121=0.5", &["010121", "2023"]);
    for setting in ["exclude=GRD", "exclude-hard=308", "cap-country.GRD=0.1", "tie-break.fill=order:CAN,GRD"] {
        all(setting, &["308 (Grenada) sells none of these goods in 2023", "leave it out"]);
    }
    all("risk=CHN,GRD", &["`risk = 308`"]);
    all("exclude=GRD,TUV", &["`exclude = 308,798`", "308 (Grenada)", "798 (Tuvalu)", "leave them out"]);
    all("bloc=NLD,TUV", &["`bloc = 798`", "buys none"]);
    refused(&["run", "--set", "risk=CHN,GRD", "--set", "weights=GRD=2"], 2, &["308"]);
    refused(&["run", "--set", "risk=CHN,GRD", "--set", "tie-break.drain=order:GRD"], 2, &["308"]);
    // Grenada buys, so it may be a bloc; a union and the default risk origins are nobody's names.
    assert_eq!(outcome(&["run", "--list", "all", "--set", "bloc=NLD,GRD"]).0, Some(0));
    let folder = tempfile::tempdir().unwrap();
    let trade = hs17(folder.path(), 2023);
    let own = list(folder.path(), "own.csv", "HS17", &["850511"]);
    for risk in ["156,842,643", "USA,RUS,CHN"] {
        assert_eq!(outcome(&["run", &trade, "--list", &own, "--set", &format!("risk={risk}")]).0, Some(0), "{risk}");
    }
    for command in ["frontier", "explain", "sensitivity", "concentration", "calibrate"] {
        refused(&[command, "--list", "all", "--set", "exclude=GRD"], 2, &["308 (Grenada)"]);
    }
    refused(&["uncertainty", "--draws", "2", "--set", "exclude=GRD"], 2, &["308 (Grenada)"]);
    let file = written(folder.path(), "x.toml", "cap = 0.05\n\nexclude = \"GRD\"\n");
    refused(&["run", "--scenario", &file], 2, &["x.toml:3: `exclude = 308`"]);
    // A product is looked at with the scenario of its list.
    let file = written(folder.path(), "y.toml", "exclude = \"CAN\"\n[cap-product]\n271111 = 0.2\n");
    assert_eq!(outcome(&["inspect", "--product", "810510", "--scenario", &file]).0, Some(0));
}

/// Two years of the sample's rows, of which only the later one has Canada as a seller.
fn two_years(folder: &Path) -> String {
    let trade = folder.join("two");
    std::fs::create_dir(&trade).unwrap();
    let one = hs17(&trade, 2022);
    let text = std::fs::read_to_string(one).unwrap().replace("2022,", "2023,");
    written(
        &trade,
        "BACI_HS17_Y2023_V202601.csv",
        &format!("{text}2023,124,528,850511,8.000,1.000\n2023,124,392,850511,8.000,1.000\n"),
    );
    trade.to_str().unwrap().to_owned()
}

#[test]
fn of_several_years_those_without_a_row_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let trade = two_years(folder.path());
    let own = list(folder.path(), "own.csv", "HS17", &["850511", "811292"]);
    let (code, out, _) = outcome(&["run", &trade, "--list", &own, "--year", "all", "--set", "exclude=CAN"]);
    let out = out.replace('\n', " ");
    assert!(code == Some(0) && out.contains("`exclude = 124`: 124 (Canada) sells none of these goods in 2022"), "{out}");
    refused(&["run", &trade, "--list", &own, "--year", "all", "--set", "exclude=NOR"], 2, &["Norway", "in 2022-2023"]);
    refused(&["run", &trade, "--list", &own, "--year", "2022", "--set", "exclude=CAN"], 2, &["Canada", "in 2022"]);

    let sweep = |text: &str| written(folder.path(), "night.toml", &format!("[base]\nlist = \"{own}\"\n{text}"));
    let file = sweep("exclude = \"CAN\"\n[grid]\nyear = \"2022..2023\"\n");
    let (code, _, said) = outcome(&["sweep", &file, &trade, "--dry-run"]);
    assert!(code == Some(0) && said.contains("124 (Canada) sells none of these goods in 2022"), "{said}");
    let file = sweep("[grid]\nyear = [2022, 2023]\nexclude = [\"CAN\", \"NOR\"]\n");
    refused(&["sweep", &file, &trade, "--dry-run"], 2, &["night.toml:5", "exclude=NOR", "579 (Norway)", "in 2022-2023"]);

    let (code, _, said) = outcome(&["sensitivity", &trade, "--list", &own, "--year", "2022", "--set", "exclude=CAN"]);
    assert!(code == Some(0) && said.contains("124 (Canada) sells none of these goods in 2022"), "{said}");
    refused(&["sensitivity", &trade, "--list", &own, "--year", "2022", "--set", "exclude=NOR"], 2, &["in 2022-2023"]);
}

#[test]
fn years_are_an_axis_of_a_sweep() {
    let folder = tempfile::tempdir().unwrap();
    let trade = two_years(folder.path());
    let own = list(folder.path(), "own.csv", "HS17", &["850511", "811292"]);
    let sweep = |text: &str| written(folder.path(), "night.toml", &format!("[base]\nlist = \"{own}\"\n{text}"));
    let names = |arguments: &[&str]| -> Vec<String> {
        let out = tempfile::tempdir().unwrap();
        let folder = out.path().to_str().unwrap();
        let (code, _, said) = outcome(&[&["sweep", "-q"], arguments, &["--out", folder]].concat());
        assert_eq!(code, Some(0), "{arguments:?}: {said}");
        let text = std::fs::read_to_string(out.path().join("summary.csv")).unwrap();
        columns(&text, &["name"]).concat()
    };
    // Without a year of its own, the base is no scenario beside the years.
    let file = sweep("[grid]\nyear = \"2022..2023\"\ncap = [0.01, 0.05]\n");
    let of_years = ["year=2022 cap=0.01", "year=2022 cap=0.05", "year=2023 cap=0.01", "year=2023 cap=0.05"];
    assert_eq!(names(&[&file, &trade]), of_years);
    let file = sweep("year = 2023\n[grid]\nyear = [2022, 2023]\n");
    assert_eq!(names(&[&file, &trade]), ["base", "year=2023", "year=2022"]);
    let file = sweep("[overrides.low]\ncap = 0.01\n[grid]\noverride = [\"base\", \"low\"]\nyear = \"all\"\n");
    assert_eq!(names(&[&file, &trade]).len(), 4);
    // By the option, in the place of what the file says.
    let file = sweep("[grid]\ncap = [0.01, 0.05]\n");
    assert_eq!(names(&[&file, &trade, "--year", "2022-2023"]).len(), 4);
    assert_eq!(names(&[&file, &trade, "--year", "2023"]), ["base", "cap=0.01", "cap=0.05"]);
    let file = sweep("[grid]\nyear = [2022]\n");
    assert_eq!(names(&[&file, &trade, "--year", "all"]), ["year=2022", "year=2023"]);
    // Otherwise the message says what to write, and years are a range.
    let file = sweep("[grid]\ncap = [0.01]\n");
    refused(&["sweep", &file, &trade, "--dry-run"], 2, &["hold 2022-2023", "[base], such as `year = 2023`", "--year"]);
    refused(&["run", &trade, "--list", &own], 2, &["the trade data hold 2022-2023: choose one with --year"]);
    refused(&["sweep", &file, &trade, "--year", "2020", "--dry-run"], 2, &["year 2020 is not", "2022-2023"]);
}

#[test]
fn a_setting_is_given_once() {
    for arguments in [
        &["run", "--set", "cap=0.1", "--set", "cap=0.2"][..],
        &["run", "--list", "all", "--set", "list=critical"],
        &["run", "--year", "2023", "--set", "year=2023"],
        &["run", "--year", "2022..2023", "--set", "year=2023"],
        &["run", "--solver", "auto", "--set", "solver=closed-form"],
        &["run", "--set", "weights=CHN=2", "--set", "weights.CHN=3"],
        &["frontier", "--list", "all", "--set", "list=critical"],
        &["calibrate", "--set", "floor=free", "--set", "floor=additive"],
        &["inspect", "--product", "270900", "--set", "list=all"],
        &["indicators", "--importer", "NLD", "--risk", "CHN", "--set", "risk=USA"],
    ] {
        refused(arguments, 2, &["is set twice"]);
    }
    refused(&["run", "--set", "cap=0.1", "--set", "cap=0.2"], 2, &["`--set cap=0.1` and by `--set cap=0.2`"]);
    // A setting over that of a file is what settings are for.
    let folder = tempfile::tempdir().unwrap();
    let file = written(folder.path(), "x.toml", "cap = 0.1\n");
    assert_eq!(outcome(&["run", "--scenario", &file, "--set", "cap=0.2"]).0, Some(0));
    refused(&["indicators", "--importer", "NLD", "--set", "cap=0.1"], 2, &["`cap` changes no indicator"]);
    refused(&["run", "--set", "links=any"], 2, &["`links = any`", "member-states"]);
}

#[test]
fn numbers_of_the_united_nations_are_read_as_bacis_with_a_note() {
    let (_, expected, _) = outcome(&["run", "--json", "--set", "exclude=699,251", "--set", "risk=CHN,USA,490"]);
    let (code, out, said) = outcome(&["run", "--json", "--set", "exclude=356,250", "--set", "risk=CHN,840,158"]);
    assert_eq!(code, Some(0));
    let headline = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap()["headline"].clone();
    assert_eq!(headline(&out), headline(&expected));
    for word in ["356", "699 (India)", "250", "251 (France)", "840", "842 (USA)", "158", "490 (Other Asia, nes)"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    // Rows of data have BACI's numbers only.
    let folder = tempfile::tempdir().unwrap();
    let path = hs17(folder.path(), 2023);
    let text = std::fs::read_to_string(&path).unwrap().replace(",842,", ",840,");
    std::fs::write(&path, text).unwrap();
    refused(&["run", &path, "--list", "all"], 65, &["840"]);
}

#[test]
fn a_default_risk_origin_that_gains_is_named() {
    let (code, out, _) = outcome(&["run", "--set", "risk=CHN"]);
    let out = out.replace('\n', " ");
    assert!(code == Some(0) && out.contains("(643) is a risk origin by default") && out.contains("`--set exclude=643`"), "{out}");
    let (_, out, _) = outcome(&["run", "--set", "risk=CHN", "--set", "exclude=643,842"]);
    assert!(!out.contains("is a risk origin by default"), "{out}");
    assert!(!outcome(&["run"]).1.contains("is a risk origin by default"));
}

/// Pipelines end where they end: who sells the bloc none today sells it none tomorrow.
#[test]
fn immobile_goods_come_from_todays_suppliers() {
    let residual = |arguments: &[&str]| {
        let run = run_into(&[&["--list", "all"], arguments].concat());
        reorient().args(["verify", "-q"]).arg(run.path()).assert().success();
        let of = columns(&run.text("products.csv"), &["product", "risk_after_kusd"]);
        let musd = |row: &Vec<String>| row[1].parse::<f64>().unwrap_or(0.0) / 1e3;
        let gas = of.iter().find(|row| row[0] == "271121").map(musd).unwrap();
        (format!("{gas:.3}"), format!("{:.3}", of.iter().map(musd).sum::<f64>()))
    };
    let before = ("3572.275".to_owned(), "32301.578".to_owned());
    let after = ("4702.259".to_owned(), "33431.561".to_owned());
    assert_eq!(residual(&[]), before);
    assert_eq!(residual(&["--set", "immobile=271121"]), after);
    // 271600 is not in the sample: a note.
    let (code, out, _) = outcome(&["run", "--list", "all", "--set", "immobile=271121,271600"]);
    assert!(code == Some(0) && out.replace('\n', " ").contains("`immobile = 271600`"), "{out}");
    // The curve is that of the same capacities.
    let (_, out, _) = outcome(&["frontier", "--list", "all", "--json", "--set", "immobile=271121"]);
    assert!(out.contains("33431.561"), "{out}");
}
