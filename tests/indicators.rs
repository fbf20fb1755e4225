//! Indicators of dependence end to end: against SQL on the real panel, golden results, threads, exit codes, and the
//! published figures that they are meant to reproduce.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::disallowed_methods)]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{columns, python_with, reorient, shared};

const DUCKDB: &str = "duckdb==2.0.1";
const PANEL: &str = "data/baci/BACI_HS92_raw-materials_1995-2024.parquet";

/// The same indicators, written down a second time in SQL: one row per year, product, importer and base.
const SQL: &str = r"
import duckdb, sys
panel, out = sys.argv[1:]
# Members of the EU of 27 in BACI's numbers; Belgium and Luxembourg are one, 58, until 1998.
members = [40, 56, 58, 100, 191, 196, 203, 208, 233, 246, 251, 276, 300, 348, 372, 380, 428, 440, 442, 470, 528, 616, 620,
           642, 703, 705, 724, 752]
db = duckdb.connect()
db.sql(f'''create table trade as select t, i, j, k, cast(v as decimal(18, 3)) as v, i in {tuple(members)} as inside,
           j in {tuple(members)} as inward from '{panel}' where i <> j''')
db.sql('create table world as select t, k, i, sum(v) as w from trade group by all')
db.sql('''create table world_hhi as select t, k, sum((w::double / s::double) ** 2) as h
          from (select *, sum(w) over (partition by t, k) as s from world) group by all''')
results = []
for importer, buys, sells in [('NLD', 'j = 528', 'i = 528'), ('EU27', 'inward', 'inside')]:
    db.sql(f'create or replace table flows as select t, k, i, inside, sum(v) as m from trade where {buys} group by all')
    for base, counted in [('all', 'true'), ('extra-bloc', 'not inside')]:
        results.append(db.sql(f'''
        with totals as (
            select t, k, sum(m) as imports, coalesce(sum(m) filter (not inside), 0) as extra,
                   coalesce(sum(m) filter (i in (156, 842, 643)), 0) as risk
            from flows group by all),
        based as (
            select *, m::double / sum(m) over (partition by t, k)::double as share,
                   row_number() over (partition by t, k order by m desc, i) as place
            from flows where {counted}),
        shares as (
            select t, k, count(*) as n, sum(share ** 2) as hhi, max(i) filter (place = 1) as top, max(i) filter (place = 2) as second,
                   max(share) filter (place = 1) as top_share, max(share) filter (place = 2) as second_share
            from based group by all),
        outside as (
            select t, k, sum(share ** 2) as hhi from
                (select t, k, m::double / sum(m) over (partition by t, k)::double as share from flows where not inside)
            group by all),
        sold as (
            select t, k, sum(v) as exports, coalesce(sum(v) filter (not inward), 0) as exports_extra
            from trade where {sells} group by all)
        select w.t as year, w.k as name, '{importer}' as importer, '{base}' as base,
               coalesce(imports, 0) as imports_kusd, coalesce(extra, 0) as extra_bloc_kusd, coalesce(risk, 0) as risk_kusd,
               coalesce(n, 0) as n_suppliers, s.hhi as hhi, 1 / s.hhi as effective_suppliers,
               top as top_code, 100 * top_share as top_share_pct, second as second_code, 100 * second_share as second_share_pct,
               100 * extra::double / imports::double as extra_bloc_pct, 100 * risk::double / imports::double as risk_pct,
               o.hhi as hhi_extra_bloc, w.h as hhi_world_exports, s.hhi as hhi_product_mean,
               coalesce(exports, 0) as exports_kusd, coalesce(exports_extra, 0) as exports_extra_bloc_kusd,
               coalesce(extra, 0)::double / exports::double as imports_over_exports,
               case when imports is null then null when coalesce(o.hhi, 0) > 0.4 then 'yes' else 'no' end as ec_concentrated,
               case when imports is null then null when extra > imports / 2 then 'yes' else 'no' end as ec_extra_bloc,
               case when imports is null then null when extra > coalesce(exports, 0) then 'yes' else 'no' end as ec_above_exports
        from world_hhi w left join totals using (t, k) left join shares s using (t, k) left join outside o using (t, k)
             left join sold using (t, k)''').fetchall())
        names = db.description
import csv
header = ['year', 'name', 'importer', 'base', 'imports_kusd', 'extra_bloc_kusd', 'risk_kusd', 'n_suppliers', 'hhi',
          'effective_suppliers', 'top_code', 'top_share_pct', 'second_code', 'second_share_pct', 'extra_bloc_pct', 'risk_pct',
          'hhi_extra_bloc', 'hhi_world_exports', 'hhi_product_mean', 'exports_kusd', 'exports_extra_bloc_kusd',
          'imports_over_exports', 'ec_concentrated', 'ec_extra_bloc', 'ec_above_exports']
with open(out, 'w', newline='') as file:
    writer = csv.writer(file)
    writer.writerow(header)
    for rows in results:
        writer.writerows(rows)
";

/// Compared with SQL: texts that must be equal, and numbers.
const TEXTS: [&str; 7] =
    ["n_suppliers", "top_code", "second_code", "ec_concentrated", "ec_extra_bloc", "ec_above_exports", "base"];
const NUMBERS: [&str; 15] = [
    "imports_kusd",
    "extra_bloc_kusd",
    "risk_kusd",
    "exports_kusd",
    "exports_extra_bloc_kusd",
    "hhi",
    "effective_suppliers",
    "top_share_pct",
    "second_share_pct",
    "extra_bloc_pct",
    "risk_pct",
    "hhi_extra_bloc",
    "hhi_world_exports",
    "hhi_product_mean",
    "imports_over_exports",
];

/// `reorient indicators -q --out FOLDER` with further arguments; it must succeed.
fn indicators(arguments: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    reorient().args(["indicators", "-q", "--out"]).arg(folder.path()).args(arguments).assert().success();
    folder
}

fn text(folder: &tempfile::TempDir, file: &str) -> String {
    std::fs::read_to_string(folder.path().join(file)).unwrap()
}

/// The panel of the real rows, ingested once for all tests of this process.
fn panel() -> Option<&'static Path> {
    static FOLDER: std::sync::OnceLock<Option<(tempfile::TempDir, PathBuf)>> = std::sync::OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let source = shared(PANEL)?;
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("baci");
        reorient().args(["ingest", "-q", "--hs", "92", "--out"]).arg(&folder).arg(source).assert().success();
        Some((root, folder))
    });
    folder.as_ref().map(|(_, folder)| folder.as_path())
}

fn close(ours: &str, theirs: &str) -> bool {
    match (ours.parse::<f64>(), theirs.parse::<f64>()) {
        (Ok(ours), Ok(theirs)) => (ours - theirs).abs() <= 1e-12 * theirs.abs(),
        _ => ours == theirs,
    }
}

#[test]
fn thirty_years_equal_sql_and_obey_the_bounds_of_the_index() {
    let (Some(folder), Some(python)) = (panel(), python_with("duckdb", &[DUCKDB], "duckdb")) else { return };
    let work = tempfile::tempdir().unwrap();
    let theirs = work.path().join("sql.csv");
    let output = Command::new(python).args(["-c", SQL]).arg(shared(PANEL).unwrap()).arg(&theirs).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let theirs = std::fs::read_to_string(theirs).unwrap();
    let key = ["importer", "base", "year", "name"];
    let names: Vec<&str> = key.into_iter().chain(TEXTS).chain(NUMBERS).collect();
    let mut expected: Vec<Vec<String>> = columns(&theirs, &names);
    let mut found: Vec<Vec<String>> = Vec::new();
    for importer in ["NLD", "EU27"] {
        for base in ["all", "extra-bloc"] {
            let arguments = ["--importer", importer, "--base", base, "--list", "all", "--year", "1995..2024"];
            let result = indicators(&[&[folder.to_str().unwrap()], &arguments[..]].concat());
            found.extend(columns(&text(&result, "indicators.csv"), &names));
        }
    }
    expected.sort();
    found.sort();
    assert_eq!(found.len(), expected.len());
    let mut compared = 0;
    for (ours, theirs) in found.iter().zip(&expected) {
        let plain = key.len() + TEXTS.len();
        assert_eq!(ours[..plain], theirs[..plain]);
        for at in plain..names.len() {
            assert!(close(&ours[at], &theirs[at]), "{:?}, {}: {} against {}", &ours[..4], names[at], ours[at], theirs[at]);
            compared += usize::from(!ours[at].is_empty());
        }
        let number = |name: &str| ours[names.iter().position(|column| *column == name).unwrap()].parse::<f64>().ok();
        if let (Some(share), Some(hhi)) = (number("top_share_pct"), number("hhi")) {
            let (least, rest) = ((share / 100.0).powi(2), (1.0 - share / 100.0).powi(2));
            assert!(least <= hhi + 1e-12 && hhi <= least + rest + 1e-12, "{ours:?}");
        }
    }
    println!("{} rows and {compared} figures equal SQL", found.len());
    assert!(compared > 100_000);
}

#[test]
fn results_are_the_golden_ones() {
    let result = indicators(&["--importer", "NLD"]);
    insta::assert_snapshot!("indicators", text(&result, "indicators.csv"));
    let view = |arguments: &[&str]| {
        let output = reorient().arg("indicators").args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stdout).unwrap()
    };
    insta::assert_snapshot!("indicators_terminal", view(&["--importer", "NLD", "--top", "10"]));
    insta::assert_snapshot!("indicators_sectors", view(&["--importer", "EU27", "--by", "sector", "--base", "extra-bloc"]));
}

#[test]
fn the_three_forms_of_a_result_agree() {
    let result = indicators(&["--importer", "EU27", "--list", "all"]);
    let output = reorient().args(["indicators", "--importer", "EU27", "--list", "all", "--json"]).output().unwrap();
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = columns(&text(&result, "indicators.csv"), &["name", "imports_kusd", "hhi", "ec_all_three"]);
    let objects = object["indicators"].as_array().unwrap();
    assert_eq!((rows.len(), objects.len()), (71, 71));
    for (row, object) in rows.iter().zip(objects) {
        assert_eq!(
            (row[0].as_str(), row[1].as_str()),
            (object["name"].as_str().unwrap(), object["imports_kusd"].as_str().unwrap())
        );
        // The reader of this test rounds the last digit in its own way.
        let (csv, json) = (row[2].parse::<f64>().unwrap(), object["hhi"].as_f64().unwrap());
        assert!((csv - json).abs() <= 1e-15, "{csv} against {json}");
        assert_eq!(row[3] == "yes", object["ec_all_three"].as_bool().unwrap());
    }
    let imports: f64 = rows.iter().map(|row| row[1].parse::<f64>().unwrap()).sum();
    assert!((imports / 1000.0 - 609_791.207).abs() < 1e-3, "what a run imports");

    use arrow::array::{AsArray, RecordBatchReader};
    use arrow::datatypes::Decimal128Type;
    let file = std::fs::File::open(result.path().join("indicators.parquet")).unwrap();
    let mut reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    let header = text(&result, "indicators.csv");
    let schema = reader.schema();
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names.join(","), header.lines().next().unwrap());
    let batch = reader.next().unwrap().unwrap();
    let money = batch.column_by_name("imports_kusd").unwrap().as_primitive::<Decimal128Type>();
    for (at, row) in rows.iter().enumerate() {
        assert_eq!(money.value_as_string(at), row[1]);
    }

    let manifest: serde_json::Value = serde_json::from_str(&text(&result, "manifest.json")).unwrap();
    assert_eq!(manifest["kind"], "indicators");
    assert_eq!(manifest["settings"]["importer"], "EU27");
    assert_eq!(manifest["ledger"]["rows_in"], 52_818);
    assert_eq!(manifest["files"].as_array().unwrap().len(), 2);
    reorient().arg("verify").arg(result.path()).assert().success();
    std::fs::write(result.path().join("indicators.csv"), "changed").unwrap();
    reorient().arg("verify").arg(result.path()).assert().code(65);
}

#[test]
fn bytes_do_not_depend_on_threads() {
    let mut questions: Vec<Vec<&str>> =
        vec![vec!["--importer", "NLD", "--list", "all"], vec!["--importer", "EU27", "--by", "subsector"]];
    if let Some(folder) = panel() {
        questions.push(vec![folder.to_str().unwrap(), "--importer", "EU", "--year", "all", "--list", "all"]);
    }
    for question in questions {
        let one = indicators(&[&question[..], &["--threads", "1"]].concat());
        let mut files: Vec<String> =
            std::fs::read_dir(one.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        files.sort();
        assert!(files.len() == if question.contains(&"all") && question.contains(&"--year") { 4 } else { 3 }, "{files:?}");
        for threads in ["2", "8"] {
            let many = indicators(&[&question[..], &["--threads", threads]].concat());
            for file in &files {
                let bytes = |folder: &tempfile::TempDir| std::fs::read(folder.path().join(file)).unwrap();
                assert!(bytes(&many) == bytes(&one), "{file} differs on {threads} threads");
            }
        }
    }
}

#[test]
fn groups_pool_origins_and_average_products() {
    let products = indicators(&["--importer", "NLD", "--list", "all", "--base", "extra-bloc"]);
    let group = indicators(&["--importer", "NLD", "--list", "all", "--base", "extra-bloc", "--by", "sector"]);
    let names =
        ["imports_kusd", "extra_bloc_kusd", "hhi", "hhi_product_mean", "ec_all_three", "n_products_all_three", "n_products"];
    let rows = columns(&text(&products, "indicators.csv"), &names);
    let pooled = columns(&text(&group, "indicators.csv"), &[&["name"], &names[..]].concat());
    assert_eq!((pooled.len(), pooled[0][0].as_str()), (1, "all"));
    let number = |text: &str| text.parse::<f64>().unwrap_or(0.0);
    let sum = |at: usize| rows.iter().map(|row| number(&row[at])).sum::<f64>();
    assert!((sum(0) - number(&pooled[0][1])).abs() < 1e-3 && (sum(1) - number(&pooled[0][2])).abs() < 1e-3);
    let mean = rows.iter().map(|row| number(&row[1]) * number(&row[2])).sum::<f64>() / sum(1);
    assert!((mean - number(&pooled[0][4])).abs() < 1e-12, "{mean} against {}", pooled[0][4]);
    assert!(number(&pooled[0][3]) < mean, "pooling over products hides their concentration here");
    assert_eq!(rows.iter().filter(|row| row[4] == "yes").count().to_string(), pooled[0][6]);
    assert_eq!(rows.iter().filter(|row| number(&row[0]) > 0.0).count().to_string(), pooled[0][7]);
}

/// Rows of a small world over five years: product 270900 of one origin, sold on by nobody; 271000 of two.
fn five_years(root: &Path) -> PathBuf {
    let mut rows = "t,i,j,k,v,q\n".to_owned();
    for (year, origin) in [(2018, 156), (2019, 156), (2020, 643), (2021, 156), (2022, 156)] {
        // In 2020 a second supplier outside the bloc halves the concentration.
        let other = if year == 2020 { 10.0 } else { 1.0 };
        rows += &format!("{year},{origin},528,270900,10,1\n{year},682,528,270900,{other},1\n{year},276,528,270900,2,1\n");
        rows += &format!("{year},528,842,270900,0.5,1\n{year},528,528,270900,900,1\n{year},682,392,270900,50,1\n");
        rows += &format!("{year},36,528,271000,3,1\n{year},156,528,271000,3,1\n{year},392,842,271000,7,1\n");
    }
    let path = root.join("world_HS22.csv");
    std::fs::write(&path, rows).unwrap();
    let folder = root.join("baci");
    reorient().args(["ingest", "-q", "--hs", "22", "--out"]).arg(&folder).arg(path).assert().success();
    folder
}

#[test]
fn what_lasts_is_counted_by_calendar_years() {
    let root = tempfile::tempdir().unwrap();
    let folder = five_years(root.path());
    let result = indicators(&[folder.to_str().unwrap(), "--importer", "NLD", "--list", "all", "--year", "all"]);
    let lasting = columns(
        &text(&result, "persistence.csv"),
        &[
            "name",
            "years_with_trade",
            "years_concentrated",
            "years_extra_bloc",
            "years_above_exports",
            "years_all_three",
            "longest_run_years",
            "longest_run_from",
            "longest_run_to",
            "current_run_years",
            "top_iso3",
            "top_years",
            "n_top_origins",
        ],
    );
    // Half and half is an index of 0.5 in 271000; ten and ten of 270900 in 2020 as well, so nothing breaks but the origin.
    assert_eq!(lasting[0].join(","), "270900,5,5,5,5,5,5,2018,2022,5,CHN,4,2");
    assert_eq!(lasting[1].join(","), "271000,5,5,5,5,5,5,2018,2022,5,AUS,5,1");
    let rows = columns(
        &text(&result, "indicators.csv"),
        &["year", "name", "imports_kusd", "extra_bloc_kusd", "exports_kusd", "n_suppliers", "top_iso3", "second_iso3"],
    );
    assert_eq!(rows[0].join(","), "2018,270900,13.000,11.000,0.500,3,CHN,DEU");
    assert_eq!(rows[4].join(","), "2020,270900,22.000,20.000,0.500,3,RUS,SAU");
    let some = indicators(&[folder.to_str().unwrap(), "--importer", "NLD", "--list", "all", "--year", "2021..2022"]);
    assert_eq!(columns(&text(&some, "persistence.csv"), &["n_years", "current_run_years"])[0], ["2", "2"]);
    // A single year is another question. It has nothing that lasts, and takes the old table away.
    let arguments = ["indicators", "-q", "--importer", "NLD", "--list", "all", "--year", "2022"];
    let single = || {
        let mut command = reorient();
        command.args(arguments).arg(&folder).arg("--out").arg(some.path());
        command
    };
    let refused = single().output().unwrap();
    assert_eq!(refused.status.code(), Some(74));
    assert!(String::from_utf8(refused.stderr).unwrap().contains("year: 2021,2022 -> 2022"));
    single().arg("--force").assert().success();
    assert!(!some.path().join("persistence.csv").exists());
}

#[test]
fn the_reference_bloc_depends_on_the_importer_and_the_year() {
    let bloc =
        |arguments: &[&str]| columns(&text(&indicators(arguments), "indicators.csv"), &["bloc", "extra_bloc_pct"])[0].clone();
    assert_eq!(bloc(&["--importer", "NLD"])[0], "EU27");
    assert_eq!(bloc(&["--importer", "eu27"])[0], "EU27");
    assert_eq!(bloc(&["--importer", "USA"]), ["USA", "100"]);
    assert_eq!(bloc(&["--importer", "NLD", "--bloc", "NLD,BEL"])[0], "NLD,BEL");
    assert_eq!(bloc(&["--importer", "NLD", "--set", "bloc=EU28"])[0], "EU28");
    let Some(folder) = panel() else { return };
    let result = indicators(&[folder.to_str().unwrap(), "--importer", "EU", "--year", "2019..2020", "--product", "270900"]);
    let manifest: serde_json::Value = serde_json::from_str(&text(&result, "manifest.json")).unwrap();
    let members = |at: usize| manifest["years"][at]["importer"].as_array().unwrap().len();
    assert_eq!(members(0), members(1) + 1, "the United Kingdom left");
}

#[test]
fn errors_say_what_is_wrong_and_exit_with_their_code() {
    let root = tempfile::tempdir().unwrap();
    let folder = five_years(root.path());
    let folder = folder.to_str().unwrap();
    let bad = root.path().join("BACI_HS92_Y2023_V202401b.csv");
    std::fs::write(&bad, "t,i,j,k,v,q\n2023,4,8,270900,-1,1\n").unwrap();
    let world_of_one = root.path().join("BACI_HS92_Y2022_V202401b.csv");
    std::fs::write(&world_of_one, "t,i,j,k,v,q\n2022,156,528,270900,10,1\n2022,643,528,270900,3,1\n").unwrap();
    for (arguments, code, words) in [
        (&["--importer", "NDL"][..], 2, "did you mean NLD (Netherlands)?"),
        (&["--importer", "netherlands"], 2, "did you mean NLD"),
        (&["--importer", "EU72"], 2, "did you mean EU27?"),
        (&[], 2, "--importer"),
        (&["--importer", "NLD", "--base", "extra"], 2, "extra-bloc"),
        (&["--importer", "NLD", "--by", "products"], 2, "product"),
        (&["--importer", "NLD", "--sort", "hh"], 2, "hhi"),
        (&["--importer", "NLD", "--top", "0"], 2, "--top"),
        (&["--importer", "NLD", "--year", "1995--2024"], 2, "1995..2024"),
        (&["--importer", "NLD", "--year", "1995-2024"], 2, "which hold 2023"),
        (&["--importer", "NLD", "--year", "2024..1995"], 2, "write 1995..2024"),
        (&["--importer", "NLD", "--year", "2022"], 2, "which hold 2023"),
        (&["--importer", "NLD", "--bloc", "EU26"], 2, "did you mean EU2"),
        (&["--importer", "NLD", "--risk", "CHINA"], 2, "no such country"),
        (&["--importer", "NLD", "--set", "risks=156"], 2, "did you mean `risk`?"),
        (&["--importer", "NLD", "--product", "10121"], 66, "010121"),
        (&["--importer", "NLD", "--product", "27090"], 2, "did you mean 270900?"),
        (&["--importer", "NLD", "--product", "crude"], 2, "six digits"),
        (&["--importer", "NLD", "--product", "270900", "--by", "sector"], 2, "--by sector"),
        (&["--importer", "NLD", "--product", "270900", "--list", "all"], 2, "--list"),
        (&["--importer", "344", "--set", "hong-kong=with-china"], 2, "name 156"),
        (&[folder, "--importer", "NLD"], 2, "choose one with --year"),
        (&[folder, "--importer", "NLD", "--year", "2010..2020"], 2, "2010"),
        (&["no-such-folder", "--importer", "NLD"], 66, "no-such-folder"),
        (&["--importer", "NLD", "--list", "no-such.csv"], 66, "no-such.csv"),
        (&[bad.to_str().unwrap(), "--importer", "NLD"], 65, "-1"),
        (&[world_of_one.to_str().unwrap(), "--importer", "NLD", "--list", "all"], 65, "world x world"),
        (&["--importer", "NLD", "--out", "/dev/null/indicators"], 74, "/dev/null/indicators"),
    ] {
        let output = reorient().arg("indicators").args(arguments).output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {message}");
        assert!(message.contains(words), "{arguments:?}: {message}");
    }
}

#[test]
fn folders_of_other_commands_are_refused() {
    let result = tempfile::tempdir().unwrap();
    reorient().args(["run", "-q", "--out"]).arg(result.path()).assert().success();
    let mut refused = reorient();
    refused.args(["indicators", "-q", "--importer", "NLD", "--out"]).arg(result.path()).assert().code(74);
    reorient().arg("verify").arg(result.path()).assert().success();
    let measured = indicators(&["--importer", "NLD"]);
    reorient().args(["run", "-q", "--out"]).arg(measured.path()).assert().code(74);
    reorient().arg("verify").arg(measured.path()).assert().success();
}

#[test]
fn a_file_of_many_years_says_that_it_wants_to_be_ingested() {
    let Some(panel) = shared(PANEL) else { return };
    let output = reorient().args(["indicators", "--importer", "NLD", "--year", "all"]).arg(panel).output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(65), "{message}");
    assert!(message.contains("ingest"), "{message}");
}

#[test]
fn the_published_table_is_over_suppliers_outside_the_union() {
    let Some(published) = shared("reference/table_2_netherlands_2024.csv") else { return };
    let published = columns(&std::fs::read_to_string(published).unwrap(), &["product", "top_share_pct", "hhi", "extra_eu27_pct"]);
    for row in &published {
        let number = |at: usize| row[at].parse::<f64>().unwrap();
        let (share, hhi) = (number(1) / 100.0, number(2));
        // The printed share and index are rounded.
        assert!(share.powi(2) <= hhi + 0.002 && hhi <= share.powi(2) + (1.0 - share).powi(2) + 0.002, "{row:?}");
    }
    let sugar = published.iter().find(|row| row[0] == "Raw cane sugar").unwrap();
    let over_all = sugar[1].parse::<f64>().unwrap() <= sugar[3].parse::<f64>().unwrap();
    assert!(!over_all, "a Brazilian share of all imports cannot exceed what comes from outside the EU");
}

#[test]
fn what_the_panel_has_of_the_published_products_is_reported_as_it_is() {
    let Some(folder) = panel() else { return };
    let folder = folder.to_str().unwrap();
    // Magnesium and manganese metal, soya beans, propane and raw cane sugar are not among the 74 raw materials.
    for code in ["810411", "811100", "120100", "271112", "170111"] {
        let question = ["indicators", folder, "--importer", "NLD", "--year", "2024", "--product", code];
        reorient().args(question).assert().code(66);
    }
    let names = ["imports_kusd", "top_iso3", "top_share_pct", "hhi", "extra_bloc_pct"];
    let of = |code| {
        let question = [folder, "--importer", "NLD", "--year", "2024", "--base", "extra-bloc", "--product", code];
        columns(&text(&indicators(&question), "indicators.csv"), &names)[0].join(" ")
    };
    // Beryllium, published: United States 84.8, 0.723, 97.8. The origin agrees; 167 dollars of trade say nothing of the rest.
    assert_eq!(of("811211"), "0.167 USA 100 1 100");
    // The ores are other goods than the metals of the table: nothing to agree with.
    assert!(of("260200").starts_with("13282.705 ZAF 89.88"));
    assert!(of("251910").starts_with("4418.886 CHN 61.69"));
}
