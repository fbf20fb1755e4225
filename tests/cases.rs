//! Golden answers to well-known questions, on the embedded real sample; docs/cases.md explains each of them.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod common;

use common::{columns, reorient, run_into};

/// Headline, risk split and the first rows of Table A.1.
fn case(name: &str, settings: &[&str]) {
    let mut arguments = vec!["--list", "all"];
    for setting in settings {
        arguments.extend(["--set", setting]);
    }
    let folder = run_into(&arguments);
    let headline = serde_json::to_string_pretty(&folder.manifest()["headline"]).unwrap();
    let shares = columns(
        &folder.text("shares.csv"),
        &["level", "origin", "before_pct", "after_pct", "after_min_pct", "after_max_pct", "hhi_before", "hhi_after"],
    );
    let shares: Vec<String> = shares.iter().filter(|row| row[0] == "overall").map(|row| row[1..].join(",")).collect();
    let gains =
        columns(&folder.text("table_a1.csv"), &["rank", "country", "increase_musd", "increase_min_musd", "increase_max_musd"]);
    let gains: Vec<String> = gains.iter().take(8).map(|row| row.join(",")).collect();
    let text = format!("{}\n\n{headline}\n\n{}\n\n{}\n", settings.join(" "), shares.join("\n"), gains.join("\n"));
    insta::assert_snapshot!(name, text);
    reorient().args(["verify", "-q"]).arg(folder.path()).assert().success();
}

#[test]
fn germany_alone() {
    case("germany", &["bloc=DEU"]);
}

#[test]
fn alternatives_may_lose() {
    case("floor_free", &["floor=free"]);
}

#[test]
fn the_united_states_are_drained_first() {
    case("us_first", &["tie-break.drain=order:842,643,156"]);
}

#[test]
fn hong_kong_counts_as_china() {
    case("hong_kong", &["hong-kong=with-china"]);
}

#[test]
fn crude_oil() {
    let output = reorient().args(["inspect", "--product", "270900"]).output().unwrap();
    assert!(output.status.success());
    insta::assert_snapshot!("crude_oil", String::from_utf8(output.stdout).unwrap());
}

/// Every named option at once or alone: the run is certified and `verify` derives its folder anew.
#[test]
fn folders_of_all_options_hold() {
    let vertex = if cfg!(feature = "highs") { "tie-break.fill=vertex" } else { "tie-break.fill=min-hhi" };
    for settings in [
        &["cap-basis=bloc-market", "floor=symmetric"][..],
        &["cap-basis=world-market", "ceiling=0.6"],
        &["cap-basis=bloc-flow", "floor=churn:1/3"],
        &["cap-basis=exporter-extra-bloc", "bloc-alternatives=no"],
        &["exclude=NOR,682", "weights=CHN=2,USA=0.5", "tie-break.drain=order:USA"],
        &["cap-country=NOR=0.2,682=0", "cap-product=270900=1/3,271111=0", "tie-break.fill=order:NOR,CAN"],
        &["tie-break.fill=min-cost"],
        &["tie-break.fill=proportional-flow", "floor=free"],
        &[vertex],
    ] {
        let mut arguments = vec!["--list", "all"];
        for setting in settings {
            arguments.extend(["--set", setting]);
        }
        let folder = tempfile::tempdir().unwrap();
        // A ceiling leaves some products without an answer.
        let code = if settings.contains(&"ceiling=0.6") { 3 } else { 0 };
        reorient().args(["run", "-q", "--out"]).arg(folder.path()).args(arguments).assert().code(code);
        reorient().args(["verify", "-q"]).arg(folder.path()).assert().success();
        let manifest = std::fs::read_to_string(folder.path().join("manifest.json")).unwrap();
        let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
        assert_eq!(manifest["solver"]["point_depends_on_solver"], settings[0].ends_with("vertex"), "{settings:?}");
    }
}

/// Products that lose a supplier for good and cannot do without it stay in every sum, with what is missing; the folder holds.
#[test]
fn infeasible_products_are_an_outcome() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["run", "-q", "--list", "all", "--set", "cap=0.01", "--set", "exclude-hard=156,842,643", "--out"];
    reorient().args(arguments).arg(folder.path()).assert().code(3);
    let products = std::fs::read_to_string(folder.path().join("products.csv")).unwrap();
    let infeasible = columns(&products, &["status", "risk_after_kusd", "unmet_kusd", "shadow_price", "imports_kusd"]);
    let unmet: f64 = infeasible.iter().map(|row| row[2].parse::<f64>().unwrap()).sum();
    let imports: f64 = infeasible.iter().map(|row| row[4].parse::<f64>().unwrap()).sum();
    let infeasible: Vec<_> = infeasible.iter().filter(|row| row[0] == "infeasible").collect();
    assert!(infeasible.len() > 20);
    assert!(infeasible.iter().all(|row| row[1] == "0.000000" && row[2] != "0.000000" && row[3].is_empty()));
    let shares = std::fs::read_to_string(folder.path().join("shares.csv")).unwrap();
    let overall = &columns(&shares, &["imports_musd", "before_musd", "unmet_musd", "cut_musd", "unmet_pct"])[0];
    let [all, before, missing, cut, pct] = [0, 1, 2, 3, 4].map(|at| overall[at].parse::<f64>().unwrap());
    assert!((all * 1e3 - imports).abs() < 0.1 && (missing * 1e3 - unmet).abs() < 0.1);
    assert!((all - 609_791.207).abs() < 0.001 && (before - 111_450.632).abs() < 0.001, "before is as without the embargo");
    assert!((cut + missing - before).abs() < 0.01, "without a flow from risk origins, what is not missing has moved");
    assert!((pct - missing / all * 100.0).abs() < 1e-5);
    reorient().args(["verify", "-q"]).arg(folder.path()).assert().success();
    let curve = tempfile::tempdir().unwrap();
    reorient()
        .args(["frontier", "-q", "--list", "all", "--set", "exclude-hard=156,842,643", "--out"])
        .arg(curve.path())
        .assert()
        .success();
    let points = std::fs::read_to_string(curve.path().join("frontier.csv")).unwrap();
    let counts: Vec<u32> = columns(&points, &["infeasible"]).iter().map(|row| row[0].parse().unwrap()).collect();
    assert!(counts.is_sorted_by(|left, right| left >= right) && counts[0] > 20);
    let amounts = columns(&points, &["imports_musd", "risk_musd", "unmet_musd"]);
    assert!(amounts.iter().all(|row| row[0] == amounts[0][0] && row[1].parse::<f64>().unwrap() == 0.0));
    let unmet: Vec<f64> = amounts.iter().map(|row| row[2].parse().unwrap()).collect();
    assert!(unmet.is_sorted_by(|left, right| left >= right) && unmet[0] > 10_000.0);
}

/// Names that are wrong, and countries on the side where an option means nothing, end with exit code 2 and a hint.
#[test]
fn wrong_options_are_refused() {
    for (setting, said) in [
        ("exclude=CHN", "leave it out"),
        ("weights=NOR=2", "only a risk origin has a weight"),
        ("cap-country=USA=0.1", "leave it out"),
        ("weights=CHN=1001", "at most 1000"),
        ("weights=CHN=0.0001", "three decimals"),
        ("tie-break.fill=order:XYZ", "no such country"),
        ("hong-kong=with-chna", "did you mean `with-china`?"),
        ("bloc=CHN", "both in the bloc and a risk origin"),
        ("formulation=member-states", "use aggregate"),
    ] {
        let output = reorient().args(["run", "-q", "--set", setting]).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{setting}: {text}");
        assert!(text.contains(said), "{setting}: {text}");
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "cap = 0.05\n[tie-break]\nfil = \"vertex\"\n").unwrap();
    let output = reorient().args(["run", "-q", "--scenario"]).arg(file.path()).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text.contains(":3: unknown key `tie-break.fil`: did you mean `tie-break.fill`?"), "{text}");
}

/// The curve at the scenario's cap is the run, in the files too; figures are listed in the manifest and hold.
#[test]
fn frontier_files_and_figures_belong_to_the_run() {
    let folder = run_into(&["--figures"]);
    let manifest = folder.manifest();
    let names: Vec<&str> = manifest["files"].as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap()).collect();
    for figure in ["figure_10_subsectors", "figure_11_stages", "figure_sectors", "figure_table_a1", "figure_frontier"] {
        for ending in ["svg", "png"] {
            assert!(names.contains(&format!("{figure}.{ending}").as_str()), "{figure}.{ending}");
        }
    }
    let svg = folder.text("figure_table_a1.svg");
    assert!(svg.contains("Saudi Arabia") && svg.contains("embedded sample"));
    reorient().args(["verify", "-q"]).arg(folder.path()).assert().success();

    let curve = tempfile::tempdir().unwrap();
    reorient().args(["frontier", "-q", "--threads", "2", "--out"]).arg(curve.path()).assert().success();
    let text = std::fs::read_to_string(curve.path().join("frontier.csv")).unwrap();
    let points = columns(&text, &["cap", "risk_musd", "risk_pct"]);
    let own = points.iter().find(|row| row[0] == "0.05").unwrap();
    assert_eq!(own[1], manifest["headline"]["risk_after_musd"].as_str().unwrap());
    assert_eq!(own[2], manifest["headline"]["risk_after_pct"].to_string());
    let falls = points.windows(2).all(|pair| pair[0][1].parse::<f64>().unwrap() >= pair[1][1].parse::<f64>().unwrap());
    assert!(falls && points.first().unwrap()[0] == "0" && points.last().unwrap()[0] == "1");

    let again = tempfile::tempdir().unwrap();
    reorient().args(["frontier", "-q", "--threads", "1", "--out"]).arg(again.path()).assert().success();
    for file in ["frontier.csv", "critical_caps.csv", "manifest.json"] {
        assert_eq!(std::fs::read(again.path().join(file)).unwrap(), std::fs::read(curve.path().join(file)).unwrap(), "{file}");
    }
    let critical = std::fs::read_to_string(again.path().join("critical_caps.csv")).unwrap();
    let products = columns(&folder.text("products.csv"), &["product", "critical_cap"]);
    assert_eq!(columns(&critical, &["product", "critical_cap"]), products);
}

#[test]
fn an_explanation_adds_up_to_the_run() {
    let folder = tempfile::tempdir().unwrap();
    reorient().args(["explain", "-q", "--list", "all", "--out"]).arg(folder.path()).assert().success();
    let read = |file: &str| std::fs::read_to_string(folder.path().join(file)).unwrap();
    let products =
        columns(&read("explain_products.csv"), &["product", "cut_musd", "left_musd", "cut_cumulative_pct", "without_after_pct"]);
    let sum = |column: usize| products.iter().map(|row| row[column].parse::<f64>().unwrap()).sum::<f64>();
    assert_eq!(products.len(), 71);
    assert!((sum(1) - (111_450.632 - 32_301.578)).abs() < 0.01 && (sum(2) - 32_301.578).abs() < 0.01);
    assert_eq!(products.last().unwrap()[3], "100");

    // Without crude oil: a run of a list that lacks it says the same.
    let oil = products.iter().find(|row| row[0] == "270900").unwrap();
    let flows = columns(&run_into(&["--list", "all"]).text("products.csv"), &["product", "imports_kusd", "risk_after_kusd"]);
    let others = flows.iter().filter(|row| row[0] != "270900");
    let (imports, risk) = others.fold((0.0, 0.0), |(imports, risk), row| {
        (imports + row[1].parse::<f64>().unwrap(), risk + row[2].parse::<f64>().unwrap())
    });
    assert!((oil[4].parse::<f64>().unwrap() - 100.0 * risk / imports).abs() < 1e-5);

    // Without Saudi Arabia's extra: a run that excludes it says the same.
    let exporters = columns(&read("explain_exporters.csv"), &["iso3", "missed_musd"]);
    let missed: f64 = exporters.iter().find(|row| row[0] == "SAU").unwrap()[1].parse().unwrap();
    let without = run_into(&["--list", "all", "--set", "exclude=SAU"]).manifest();
    let after: f64 = without["headline"]["risk_after_musd"].as_str().unwrap().parse().unwrap();
    assert!((after - 32_301.578 - missed).abs() < 0.01, "{after} {missed}");
}

/// Units finer than what files print, weights at their limits and denominators that share no factor: certified and verified, or
/// refused as a question, never a defect of the program.
#[test]
fn the_limits_of_exact_arithmetic_are_answered_or_refused() {
    let rules: &[&str] = if cfg!(feature = "highs") {
        &["tie-break.fill=min-cost", "tie-break.fill=vertex"]
    } else {
        &["tie-break.fill=min-cost"]
    };
    for rule in rules {
        for settings in [
            &["cap=0.054321", "floor=free"][..],
            &["cap=0.000001"],
            &["cap=1/999983", "floor=churn:1/3"],
            &["cap=0.05", "weights=CHN=0.001,USA=1000"],
        ] {
            let settings: Vec<&str> = settings.iter().chain([rule]).flat_map(|setting| ["--set", *setting]).collect();
            let folder = run_into(&[&["--list", "all"], settings.as_slice()].concat());
            reorient().args(["verify", "-q"]).arg(folder.path()).assert().success();
        }
    }
    run_into(&["--list", "all", "--set", "cap=1/999983", "--set", "weights=CHN=0.001,USA=1000"]);
    let fine = ["--set", "cap=1", "--set", "cap-country=ABW=1/999983,CUW=1/30013,ARE=1/7"];
    for product in ["280480", "811211", "280540", "250490"] {
        let output = reorient().args(["inspect", "--product", product]).args(fine).output().unwrap();
        assert!(matches!(output.status.code(), Some(0 | 2)), "{product}: {}", String::from_utf8_lossy(&output.stderr));
    }
    for command in ["run", "frontier", "explain"] {
        let output = reorient().args([command, "--set", "cap=0.000001", "--set", "cap-country=SAU=1/999983"]).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && said.contains("fewer decimals"), "{command}: {said}");
    }
}

/// What the view says of one more percentage point is the frontier's fall over that point.
#[test]
fn one_more_point_is_the_fall_of_the_frontier() {
    let risk = |cap: &str| -> f64 {
        let manifest = run_into(&["--set", cap]).manifest();
        manifest["headline"]["risk_after_musd"].as_str().unwrap().parse().unwrap()
    };
    for (cap, next) in [("cap=0", "cap=0.01"), ("cap=0.05", "cap=0.06"), ("cap=0.995", "cap=1"), ("cap=1", "cap=1")] {
        let manifest = run_into(&["--set", cap]).manifest();
        let said: f64 = manifest["headline"]["risk_next_point_musd"].as_str().unwrap().parse().unwrap();
        assert!((said - (risk(cap) - risk(next))).abs() < 1e-4, "{cap}: {said}");
    }
}

/// A folder is checked as what it is, and nothing passes as another kind.
#[test]
fn every_kind_of_folder_is_verified_as_itself() {
    for command in ["frontier", "explain"] {
        let folder = tempfile::tempdir().unwrap();
        reorient().args([command, "-q", "--out"]).arg(folder.path()).assert().success();
        reorient().args(["verify", "-q"]).arg(folder.path()).assert().success();
        let manifest = folder.path().join("manifest.json");
        let text = std::fs::read_to_string(&manifest).unwrap();
        std::fs::write(&manifest, text.replace(&format!("\"{command}\""), "\"banana\"")).unwrap();
        reorient().args(["verify", "-q"]).arg(folder.path()).assert().code(65);
        std::fs::write(&manifest, text).unwrap();
        let csv = if command == "frontier" { "frontier.csv" } else { "explain_products.csv" };
        std::fs::write(folder.path().join(csv), "changed").unwrap();
        reorient().args(["verify", "-q"]).arg(folder.path()).assert().code(65);
    }
    let result = run_into(&[]);
    let manifest = result.path().join("manifest.json");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, text.replace("\"kind\": \"result\"", "\"kind\": \"indicators\"")).unwrap();
    reorient().args(["verify", "-q"]).arg(result.path()).assert().code(65);
}

/// Where options leave imports unmet, more capacity supplies them first: no jump, imports as they are, risk and unmet convex.
#[test]
fn a_frontier_with_unmet_imports_has_no_jumps() {
    let folder = tempfile::tempdir().unwrap();
    reorient()
        .args(["frontier", "-q", "--list", "all", "--set", "exclude-hard=842", "--out"])
        .arg(folder.path())
        .assert()
        .success();
    let text = std::fs::read_to_string(folder.path().join("frontier.csv")).unwrap();
    let points: Vec<[f64; 4]> = columns(&text, &["cap", "risk_musd", "unmet_musd", "imports_musd"])
        .iter()
        .map(|row| [0, 1, 2, 3].map(|at| row[at].parse().unwrap()))
        .collect();
    assert!(points[0][2] > 1_000.0 && points.iter().all(|point| (point[3] - 609_791.207).abs() < 0.001));
    for pair in points.windows(2) {
        assert!(pair[0][0] < pair[1][0] && pair[0][1] >= pair[1][1] - 1e-6 && pair[0][2] >= pair[1][2] - 1e-6, "{pair:?}");
    }
    for three in points.windows(3) {
        let [left, middle, right] = [0, 1, 2].map(|at| (three[at][0], three[at][1] + three[at][2]));
        let chord = left.1 + (middle.0 - left.0) / (right.0 - left.0) * (right.1 - left.1);
        assert!(middle.1 <= chord + 1e-4, "{three:?}");
    }
}

/// What a country excluded hard sold is in the imports before, and what nobody supplies is said first, with its goods.
#[test]
fn an_embargo_says_what_is_missing() {
    let base = run_into(&["--list", "all", "--set", "risk=CHN"]);
    let folder = tempfile::tempdir().unwrap();
    let output = reorient()
        .args(["run", "--list", "all", "--set", "risk=CHN", "--set", "exclude-hard=CHN", "--out"])
        .arg(folder.path())
        .env("COLUMNS", "160")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    let text = String::from_utf8(output.stdout).unwrap().replace('\n', " ");
    assert!(text.contains("cannot be supplied: "), "{text}");
    let read = |folder: &std::path::Path| std::fs::read_to_string(folder.join("shares.csv")).unwrap();
    let before = |text: &str| columns(text, &["level", "name", "origin", "imports_musd", "before_musd"]);
    assert_eq!(before(&read(base.path())), before(&read(folder.path())), "an embargo changes nothing of today");
    let manifest: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(folder.path().join("manifest.json")).unwrap()).unwrap();
    let headline = &manifest["headline"];
    let amount = |key: &str| headline[key].as_str().unwrap().parse::<f64>().unwrap();
    assert!(amount("unmet_musd") > 100.0 && headline["unmet_pct"].as_f64().unwrap() > 0.0);
    assert_eq!(headline["products"], 71);
    assert_eq!(manifest["certificates"]["certified"], 71);
    assert!((amount("cut_musd") + amount("unmet_musd") - amount("risk_before_musd")).abs() < 1e-5);
}

/// A restriction never makes risk and missing imports smaller together, and the sensitivity table is sorted by both.
#[test]
fn no_restriction_looks_like_a_success() {
    let folder = tempfile::tempdir().unwrap();
    reorient().args(["sensitivity", "-q", "--list", "all", "--set", "risk=CHN", "--out"]).arg(folder.path()).assert().success();
    let text = std::fs::read_to_string(folder.path().join("sensitivity.csv")).unwrap();
    let rows = columns(&text, &["key", "value", "change_points", "missing_points", "unmet_musd", "status"]);
    let points = |row: &[String]| row[2].parse::<f64>().unwrap() + row[3].parse::<f64>().unwrap();
    let ceilings: Vec<_> = rows.iter().filter(|row| row[0] == "ceiling" && row[5] == "answered").collect();
    assert_eq!(ceilings.len(), 2);
    for row in ceilings {
        assert!(points(row) >= -1e-9 && row[4].parse::<f64>().unwrap() > 0.0, "{row:?}");
    }
    let sizes: Vec<f64> = rows.iter().filter(|row| row[5] == "answered").map(|row| points(row).abs()).collect();
    assert!(sizes.windows(2).all(|pair| pair[0] >= pair[1] - 2e-6), "{sizes:?}");
}

/// Ranks, and shares of what comes from outside the bloc, on the sample.
#[test]
fn ranks_are_ranges_and_extra_bloc_shares_are_known() {
    let folder = run_into(&[]);
    let table = std::fs::read_to_string(folder.path().join("table_a1.csv")).unwrap();
    let ranks = columns(&table, &["iso3", "rank_min", "rank_max"]);
    let expected = [["SAU", "1", "1"], ["CAN", "2", "3"], ["ARE", "2", "3"]];
    let of = |iso3: &str| ranks.iter().find(|row| row[0] == iso3).unwrap().clone();
    for row in expected {
        assert_eq!(of(row[0]), row);
    }
    let folder = run_into(&["--list", "all"]);
    let shares = std::fs::read_to_string(folder.path().join("shares.csv")).unwrap();
    let names = ["extra_bloc_musd", "before_extra_bloc_pct", "after_extra_bloc_pct"];
    let overall = &columns(&shares, &names)[0];
    let [outside, before, after] = [0, 1, 2].map(|at| overall[at].parse::<f64>().unwrap());
    assert!((outside - 500_293.275).abs() < 0.001, "{outside}");
    assert!((before - 22.28).abs() < 0.005 && (after - 6.46).abs() < 0.005, "{before} {after}");
}

/// What only the data can refuse is still traced to the line of the file, once.
#[test]
fn countries_that_the_data_lack_are_named_with_their_line() {
    for (text, line) in [
        ("cap = 0.1\nrisk = [\"XYZ\"]\n", ":2: `risk = XYZ`: no such country: use BACI codes or ISO3, such as 156 or CHN"),
        ("[weights]\nCHN = 2\nUSB = 3\n", "did you mean USA (USA)?"),
        ("exclude = [\"SAU\", \"CHN\"]\n", ":1: `exclude = 156`: a risk origin adds nothing anyway: leave it out"),
        ("year = 1066\n", ":1: "),
        ("risk = 0x9c\nbloc = \"CHN\"\n", "both in the bloc and a risk origin"),
        ("cap = 5e-2\ntie-break.drain = \"order:DEU\"\n", ":2: `tie-break.drain = 276`: not a risk origin: leave it out"),
        ("cap-product = \"270900=0.1,270900=0.2\"\n", ":1: "),
    ] {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let output = reorient().args(["run", "-q", "--scenario"]).arg(file.path()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{text}: {said}");
        assert!(said.contains(line), "{text}: {said}");
        assert_eq!(said.matches(&*file.path().to_string_lossy()).count(), 1, "{said}");
    }
}

/// Options under which a single product cannot be supplied in full: an answer, with its own exit code.
#[test]
fn inspect_says_what_is_unmet() {
    let output = reorient().args(["inspect", "--product", "270900", "--set", "ceiling=0.01"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(3));
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("cannot be supplied 219,944.015 M$") && words.contains("the rest is unmet"), "{text}");
}

/// A product of which nothing can be supplied keeps its index of today in the mean before, and has none after.
#[test]
fn what_is_missing_altogether_counts_in_the_concentration_of_today() {
    let arguments = ["--list", "all", "--set", "cap=0"];
    let base = run_into(&arguments);
    let folder = tempfile::tempdir().unwrap();
    let barred: Vec<String> = columns(&base.text("flows.csv"), &["product", "exporter"])
        .into_iter()
        .filter(|row| row[0] == "280450")
        .map(|row| row[1].clone())
        .collect();
    let setting = format!("exclude-hard={}", barred.join(","));
    let all = ["run", "-q", "--list", "all", "--set", "cap=0", "--set", &setting, "--out"];
    reorient().args(all).arg(folder.path()).assert().code(3);
    let before = |text: &str| columns(text, &["level", "name", "imports_musd", "hhi_before"]);
    let shares = std::fs::read_to_string(folder.path().join("shares.csv")).unwrap();
    let overall = |rows: Vec<Vec<String>>| rows.into_iter().find(|row| row[0] == "overall").unwrap();
    assert_eq!(overall(before(&base.text("shares.csv"))), overall(before(&shares)));
    let products = std::fs::read_to_string(folder.path().join("products.csv")).unwrap();
    let own = columns(&products, &["product", "hhi_before", "hhi_after"]).into_iter().find(|row| row[0] == "280450").unwrap();
    assert!(!own[1].is_empty() && own[2].is_empty(), "{own:?}");
    reorient().args(["verify", "-q"]).arg(folder.path()).assert().success();
}

/// A panel says first what cannot be supplied, and in which year; its table has the share that is missing.
#[test]
fn a_panel_says_what_is_missing() {
    let file = tempfile::tempdir().unwrap();
    let sweep = ["run", "--list", "all", "--year", "2023..2023", "--set", "exclude-hard=CHN,USA"];
    let output = reorient().args(sweep).current_dir(file.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let text = String::from_utf8(output.stdout).unwrap();
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("In 2023 ") && words.contains("cannot be supplied: ") && words.contains("missing %"), "{text}");
}
