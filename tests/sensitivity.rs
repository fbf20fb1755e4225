//! The sensitivity report end to end: each row against a run with that option set, its files and what it leaves out.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::disallowed_methods)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use common::{columns, reorient};

/// The rows of a report, by column.
type Row = BTreeMap<String, String>;

fn report(arguments: &[&str]) -> (tempfile::TempDir, Vec<Row>) {
    let folder = tempfile::tempdir().unwrap();
    reorient().args(["sensitivity", "-q", "--out"]).arg(folder.path()).args(arguments).assert().success();
    let text = std::fs::read_to_string(folder.path().join("sensitivity.csv")).unwrap();
    let names: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    let rows = columns(&text, &names);
    (folder, rows.into_iter().map(|row| names.iter().map(|name| (*name).to_owned()).zip(row).collect()).collect())
}

/// A run's folder, whatever its products say.
fn run(arguments: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let output = reorient().args(["run", "-q", "--csv", "--out"]).arg(folder.path()).args(arguments).output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 3)), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    folder
}

fn number(text: &str) -> f64 {
    text.parse().unwrap_or_else(|_| panic!("`{text}` is no number"))
}

/// What each receiver outside the bloc gains, in thousand USD, from the flows of a folder.
fn gains(folder: &Path) -> BTreeMap<u16, f64> {
    let manifest = manifest(folder);
    let codes = |key: &str| -> BTreeSet<String> {
        manifest["scenario"][key].as_str().unwrap().split(',').map(|code| code.trim().to_owned()).collect()
    };
    let left_out = &codes("bloc-members") | &codes("risk");
    let flows = std::fs::read_to_string(folder.join("flows.csv")).unwrap();
    let mut gains = BTreeMap::new();
    for row in columns(&flows, &["exporter", "imports_kusd", "optimised_kusd"]) {
        let gain = number(&row[2]) - number(&row[1]);
        // Rounded to a thousandth of a dollar.
        if !left_out.contains(&row[0]) && gain > 1e-6 {
            *gains.entry(row[0].parse().unwrap()).or_default() += gain;
        }
    }
    gains
}

fn manifest(folder: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap()
}

/// Kendall's tau-b over the leaders of the base, pair by pair as its definition has it.
fn tau(leaders: &[u16], base: &BTreeMap<u16, f64>, own: &BTreeMap<u16, f64>) -> Option<f64> {
    let sign = |of: &BTreeMap<u16, f64>, one: &u16, other: &u16| {
        let difference = of.get(one).unwrap_or(&0.0) - of.get(other).unwrap_or(&0.0);
        if difference.abs() < 1e-5 { 0.0 } else { difference.signum() }
    };
    let (mut score, mut base_pairs, mut own_pairs) = (0.0, 0.0_f64, 0.0);
    for (at, one) in leaders.iter().enumerate() {
        for other in &leaders[at + 1..] {
            let (before, now) = (sign(base, one, other), sign(own, one, other));
            score += before * now;
            base_pairs += before.abs();
            own_pairs += f64::abs(now);
        }
    }
    (base_pairs * own_pairs > 0.0).then(|| score / (base_pairs * own_pairs).sqrt())
}

/// Every answered row of a report equals the run with its option set.
fn rows_equal_runs(arguments: &[&str], rows: &[Row]) -> usize {
    let base = run(arguments);
    let base_gains = gains(base.path());
    let table = |folder: &Path| -> Vec<u16> {
        let text = std::fs::read_to_string(folder.join("table_a1.csv")).unwrap();
        columns(&text, &["code"]).iter().map(|row| row[0].parse().unwrap()).collect()
    };
    let leaders = table(base.path());
    let base_share = number(&rows[0]["risk_after_pct"]);
    let mut compared = 0;
    for row in rows.iter().filter(|row| row["status"] != "not-run") {
        let setting = format!("{}={}", row["key"], row["value"]);
        // In the place of the base's own value.
        let own = format!("{}=", row["key"]);
        let kept = arguments.chunks(2).filter(|pair| !pair[1].starts_with(&own));
        let mut changed = kept.flatten().copied().collect::<Vec<_>>();
        if row["key"] != "base" {
            changed.extend(["--set", &setting]);
        }
        let folder = run(&changed);
        let headline = manifest(folder.path())["headline"].clone();
        for (name, key) in [
            ("n_products", "products"),
            ("in_shortage", "in_shortage"),
            ("infeasible", "infeasible"),
            ("imports_musd", "imports_musd"),
            ("risk_before_musd", "risk_before_musd"),
            ("risk_after_musd", "risk_after_musd"),
            ("risk_before_pct", "risk_before_pct"),
            ("risk_after_pct", "risk_after_pct"),
            ("shifted_inside_musd", "shifted_inside_musd"),
            ("shifted_outside_musd", "shifted_outside_musd"),
            ("hhi_before", "hhi_before"),
            ("hhi_after", "hhi_after"),
            ("unmet_musd", "unmet_musd"),
            ("unmet_pct", "unmet_pct"),
        ] {
            let value = &headline[key];
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let same = row[name] == value || number(&row[name]).to_bits() == number(&value).to_bits();
            assert!(same, "{setting}: {name} is {}, of the run {value}", row[name]);
        }
        let points = number(&row["risk_after_pct"]) - base_share;
        assert!((number(&row["change_points"]) - points).abs() < 2e-6, "{setting}: {points}");

        let own_gains = gains(folder.path());
        let own_table = table(folder.path());
        let stay = leaders.iter().filter(|code| own_table.contains(code)).count();
        assert_eq!((row["n_ranked"].as_str(), row["n_stay"].as_str()), ("25", stay.to_string().as_str()), "{setting}");
        let expected = tau(&leaders, &base_gains, &own_gains).unwrap();
        assert!((number(&row["tau"]) - expected).abs() < 1e-12, "{setting}: tau is {}, from the flows {expected}", row["tau"]);
        mover_is_the_furthest(row, &leaders, &own_gains);
        compared += 1;
    }
    compared
}

/// Ranks from the flows: nobody moved further than the mover, and it moved as it says.
fn mover_is_the_furthest(row: &Row, leaders: &[u16], own: &BTreeMap<u16, f64>) {
    let mut order: Vec<(&u16, &f64)> = own.iter().collect();
    order.sort_by(|one, other| other.1.total_cmp(one.1).then(one.0.cmp(other.0)));
    let rank = |code: &u16| order.iter().position(|(own, _)| *own == code).map(|at| at + 1);
    let moved = |at: usize, code: &u16| rank(code).unwrap_or(order.len() + 1).abs_diff(at + 1);
    let furthest = leaders.iter().enumerate().map(|(at, code)| moved(at, code)).max().unwrap();
    if row["mover_code"].is_empty() {
        assert_eq!(furthest, 0, "{row:?}");
        return;
    }
    let code: u16 = row["mover_code"].parse().unwrap();
    let before = leaders.iter().position(|leader| *leader == code).unwrap();
    assert_eq!(row["mover_rank_base"], (before + 1).to_string());
    assert_eq!(row["mover_rank"], rank(&code).map_or_else(String::new, |rank| rank.to_string()), "{row:?}");
    assert_eq!(moved(before, &code), furthest, "{row:?}");
}

#[test]
fn each_row_equals_a_run_with_its_option() {
    let (_folder, rows) = report(&[]);
    let compared = rows_equal_runs(&[], &rows);
    println!("{compared} rows equal their runs");
    assert!(compared >= 38, "{compared}");
    assert_eq!((rows[0]["key"].as_str(), rows[0]["tau"].as_str()), ("base", "1"));
    // Around another base too, whose own values are not options.
    let base = ["--set", "list=all", "--set", "cap=0.1", "--set", "floor=free", "--set", "bloc=DEU"];
    let (_folder, rows) = report(&base);
    let has = |key: &str, value: &str| rows.iter().any(|row| row["key"] == key && row["value"] == value);
    assert!(has("floor", "additive") && has("cap", "0.05") && !has("floor", "free") && !has("cap", "0.10"));
    // A third of them will do.
    let some: Vec<Row> = rows.iter().enumerate().filter(|(at, _)| at % 3 == 0).map(|(_, row)| row.clone()).collect();
    assert!(rows_equal_runs(&base, &some) > 10);
}

#[test]
fn every_value_of_every_option_is_there_by_falling_effect() {
    let (folder, rows) = report(&[]);
    let of = |key: &str| rows.iter().filter(|row| row["key"] == key).map(|row| row["value"].clone()).collect::<BTreeSet<_>>();
    let set = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(of("cap-basis"), set(&["exporter-extra-bloc", "bloc-flow", "bloc-market", "world-market"]));
    assert_eq!(of("floor"), set(&["free", "symmetric", "churn:0.1"]));
    assert_eq!(of("tie-break.drain"), set(&["order:156", "order:643", "order:842"]));
    assert_eq!(of("ceiling"), set(&["0.5", "0.25"]));
    assert_eq!(of("risk"), set(&["643,842", "156,842", "156,643", "156,643,842,344"]));
    assert_eq!((of("cap").len(), of("tie-break.fill").len()), (11, 5));
    for (key, value) in
        [("alias", "271000"), ("hong-kong", "with-china"), ("bloc-alternatives", "no"), ("reconstructed", "no"), ("list", "all")]
    {
        assert_eq!(of(key), set(&[value]), "{key}");
    }
    assert_eq!((of("map"), of("links")), (set(&["all", "any"]), set(&["any", "existing"])));
    assert!(of("solver").is_empty() && of("year").is_empty(), "nothing depends on the solver, and the sample has one year");

    // By risk and missing goods together.
    let worse = |row: &Row| number(&row["change_points"]) + number(&row["missing_points"]);
    let sizes: Vec<f64> = rows.iter().skip(1).filter(|row| row["status"] == "answered").map(|row| worse(row).abs()).collect();
    assert!(sizes.windows(2).all(|pair| pair[0] >= pair[1] - 2e-6), "{sizes:?}");
    // The order of draining moves risk between risk countries and nothing else.
    let drained = rows.iter().find(|row| row["value"] == "order:842").unwrap();
    assert!(number(&drained["change_points"]) == 0.0 && number(&drained["origin_points"]).abs() > 0.01, "{drained:?}");

    let manifest = manifest(folder.path());
    assert_eq!((&manifest["kind"], &manifest["scenario"]["cap"]), (&"sensitivity".into(), &"0.05".into()));
    reorient().arg("verify").arg(folder.path()).assert().success();
    reorient().args(["run", "-q", "--out"]).arg(folder.path()).assert().code(74);
    std::fs::write(folder.path().join("sensitivity.csv"), "changed").unwrap();
    reorient().arg("verify").arg(folder.path()).assert().code(65);
}

#[test]
fn what_cannot_be_answered_is_listed_with_its_reason() {
    let reasons = |arguments: &[&str]| -> BTreeMap<String, String> {
        let (_folder, rows) = report(arguments);
        let not_run = rows.iter().filter(|row| row["status"] == "not-run");
        not_run.map(|row| (format!("{}={}", row["key"], row["value"]), row["reason"].clone())).collect()
    };
    let listed = reasons(&[]);
    assert!(listed["links=existing"].contains("member-states"));
    if reorient_engine::HIGHS_VERSION.is_none() {
        assert!(listed["tie-break.fill=vertex"].contains("no HiGHS"));
    } else {
        assert!(!listed.contains_key("tie-break.fill=vertex"));
    }
    let all = reasons(&["--list", "all"]);
    for setting in ["map=any", "alias=271000", "reconstructed=no"] {
        assert!(all[setting].contains("a list of goods"), "{setting}");
    }
    // Hong Kong cannot be a risk origin and China at once.
    let hong_kong = reasons(&["--set", "risk=156,344"]);
    assert!(hong_kong["hong-kong=with-china"].contains("name 156"));
    // An option of the base that a risk origin's loss makes meaningless.
    let weighed = reasons(&["--set", "weights=CHN=2"]);
    assert!(weighed["risk=643,842"].contains("only a risk origin has a weight"), "{weighed:?}");
}

#[test]
fn the_view_and_the_json_say_the_same_and_fit() {
    let output = reorient().arg("sensitivity").output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let view = String::from_utf8(output.stdout).unwrap();
    assert!(view.lines().all(|line| line.chars().count() <= 100), "{view}");
    let json = reorient().args(["sensitivity", "--json"]).output().unwrap().stdout;
    let object: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let rows = object["sensitivity"].as_array().unwrap();
    let (_folder, written) = report(&[]);
    assert_eq!(rows.len(), written.len());
    for (row, written) in rows.iter().zip(&written) {
        assert_eq!((row["key"].as_str().unwrap(), row["value"].as_str().unwrap()), (&*written["key"], &*written["value"]));
        assert!(view.contains(row["key"].as_str().unwrap()));
    }
    assert!(view.contains("Not run") && view.contains("links=existing: matters"));
    let threads = |threads: &str| report(&["--threads", threads]).1;
    assert_eq!(threads("1"), threads("3"));
}

#[test]
fn other_years_are_options_where_the_data_have_them() {
    let root = tempfile::tempdir().unwrap();
    let mut text = "t,i,j,k,v,q\n".to_owned();
    for (year, oil) in [(2020, 10), (2021, 40), (2022, 400)] {
        text += &format!("{year},156,276,270900,{oil},1\n{year},682,276,270900,20,3\n{year},682,392,270900,600,9\n");
        text += &format!("{year},36,392,270900,100,5\n{year},36,276,270900,1,5\n");
    }
    let source = root.path().join("world_HS22.csv");
    std::fs::write(&source, text).unwrap();
    let folder = root.path().join("baci");
    reorient().args(["ingest", "-q", "--hs", "22", "--out"]).arg(&folder).arg(source).assert().success();
    let folder = folder.to_str().unwrap();
    let (_report, rows) = report(&[folder, "--list", "all", "--year", "2021"]);
    let years: BTreeMap<&str, &str> = rows
        .iter()
        .filter(|row| row["key"] == "year")
        .map(|row| (row["value"].as_str(), row["risk_before_musd"].as_str()))
        .collect();
    assert_eq!(years, BTreeMap::from([("2020", "0.010000"), ("2022", "0.400000")]));
    let output = reorient().args(["sensitivity", folder, "--list", "all"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("choose one with --year"));
}
