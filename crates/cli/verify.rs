//! `reorient verify`.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::anyhow;
use reorient_core::{Country, CountryCode, CountryTable, ListSource, Membership, ProductCode, Text, Usd, shown};
use reorient_data::{TradeSource, verify_ingested};
use reorient_engine::{KEYS, Scenario, StoredFlow, StoredProduct, recheck};
use reorient_metrics::{Labels, ProductRow, Ranged};
use reorient_model::{NanoUsd, Status};
use reorient_report::{Screen, StoredFolder, display_width, wrap};
use serde_json::json;

use crate::arguments::{Talk, Verify};
use crate::{talk, verify_sweep};
use reorient_app::Failure;

/// Checks a folder by its kind and says what was checked.
pub(crate) fn verify(arguments: &Verify, talk: &Talk) -> Result<ExitCode, Failure> {
    let mut folder = StoredFolder::open(&arguments.directory)?;
    // Whatever a folder calls itself, one with flows is a result.
    let has_flows = folder.files.iter().any(|file| file.name == "flows.parquet");
    let checks = match folder.kind() {
        "ingest" => ingested(&arguments.directory)?,
        "indicators" | "frontier" | "explain" | "panel" | "sensitivity" | "uncertainty" | "concentration" | "calibrate"
            if !has_flows =>
        {
            hashes(&folder)?
        }
        "sweep" if !has_flows => verify_sweep::verify(arguments, &folder, talk)?,
        "result" => result(&folder)?,
        other => {
            return Err(Failure::bad_data(anyhow!(
                "manifest.json: `{}` is no kind of folder that holds these files",
                shown(other)
            )));
        }
    };
    // Its hashes are those of the store itself.
    let is_sweep = folder.kind() == "sweep";
    folder.unlisted.retain(|name| !(is_sweep && name == "store"));
    for name in &folder.unlisted {
        tracing::warn!("{name} is not listed in the manifest and was not checked");
    }
    if arguments.json {
        let object = json!({"kind": folder.kind(), "checks": checks, "unlisted": folder.unlisted});
        talk::print_json(&object)?;
    } else if !talk.quiet {
        talk::print(&view(&checks, Screen::stdout()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A line for each check, or more where it is long.
fn view(checks: &BTreeMap<&'static str, u64>, screen: Screen) -> String {
    let after = " ".len() + 12 + "  ok".len();
    let room = (screen.width() - after).min(62);
    let mut text = String::new();
    for (what, count) in checks {
        // The count stands beside the last line.
        let wrapped = wrap(what, room, "  ");
        let last = wrapped.lines().last().map_or(0, display_width);
        text += &format!("{wrapped}{} {count:>12}  ok\n", " ".repeat(room.saturating_sub(last)));
    }
    text
}

/// Folders of tables hold no allocation to certify.
fn hashes(folder: &StoredFolder) -> Result<BTreeMap<&'static str, u64>, Failure> {
    folder.check_files()?;
    Ok(BTreeMap::from([("1 files with the size and hash of the manifest", folder.files.len() as u64)]))
}

fn ingested(directory: &Path) -> Result<BTreeMap<&'static str, u64>, Failure> {
    let checks = verify_ingested(directory)?;
    if !checks.sealed {
        tracing::warn!(
            "an earlier version ingested this folder: its code tables and its manifest are not sealed; ingest the sources again"
        );
    }
    Ok(BTreeMap::from([
        ("1 files with the size and hash of the manifest", checks.files as u64),
        ("2 years decoded, counted and added up", checks.years as u64),
        ("3 rows", checks.rows),
    ]))
}

fn result(folder: &StoredFolder) -> Result<BTreeMap<&'static str, u64>, Failure> {
    folder.check_files()?;
    let bad = |problem: String| Failure::bad_data(anyhow!("{problem}"));
    let scenario = scenario(folder)?;
    let countries = countries(folder)?;
    let mut flows: BTreeMap<String, Vec<StoredFlow>> = BTreeMap::new();
    let stored = folder.flows()?;
    for row in &stored {
        let code = u16::try_from(row.exporter).ok().and_then(|code| CountryCode::new(code).ok());
        let exporter = code.and_then(|code| countries.index(code));
        let exporter = exporter.ok_or_else(|| bad(format!("flows.parquet: {} is no country", row.exporter)))?;
        let dollars = |kusd: f64| Usd::parse_kusd(&format!("{kusd:.3}")).map_err(|error| bad(format!("flows.parquet: {error}")));
        flows.entry(row.product.clone()).or_default().push(StoredFlow {
            exporter,
            imports: dollars(row.amounts[0])?,
            world_exports: dollars(row.amounts[1])?,
            optimised_kusd: row.amounts[3],
        });
    }
    let products = products(folder, flows)?;
    let collection = recheck(&products, &scenario, &countries)?;
    folder.compare(&collection, &countries)?;
    let answered = products.iter().filter(|product| product.without_answer.is_none());
    Ok(BTreeMap::from([
        ("1 files with the size and hash of the manifest", folder.files.len() as u64),
        ("2 allocations feasible, and optimal by their dual bound", answered.count() as u64),
        ("3 flows whose capacity, point and range follow from the trade", stored.len() as u64),
        ("4 tables that follow from the flows", 3),
    ]))
}

/// Keys that chose the rows, or who solves: the flows of the folder are those rows already.
const NOT_OF_PROGRAMS: [&str; 8] = ["bloc", "list", "map", "alias", "reconstructed", "hong-kong", "solver", "links"];

/// The scenario that the manifest records, as far as the programs depend on it.
fn scenario(folder: &StoredFolder) -> Result<Scenario, Failure> {
    let mut scenario = Scenario::default();
    let value = |key: &str| {
        let found = folder.manifest["scenario"].get(key).and_then(|value| value.as_str());
        found.ok_or_else(|| Failure::bad_data(anyhow!("manifest.json: the scenario lacks `{key}`")))
    };
    scenario.set("bloc", value("bloc-members")?).map_err(Failure::bad_data)?;
    for key in ["year", "risk", "cap"] {
        scenario.set(key, value(key)?).map_err(Failure::bad_data)?;
    }
    // Folders of earlier versions lack keys that had their default alone.
    for key in KEYS.iter().filter(|key| !NOT_OF_PROGRAMS.contains(&key.name)) {
        if let Ok(value) = value(key.name) {
            scenario.set(key.name, value).map_err(Failure::bad_data)?;
        }
    }
    Ok(scenario)
}

/// The country table of the program; codes of the folder that it lacks, and names that Table A.1 prints, come from there.
fn countries(folder: &StoredFolder) -> Result<CountryTable, Failure> {
    let embedded = TradeSource::embedded()?;
    let mut table: BTreeMap<u16, Country> =
        embedded.countries().iter().map(|(_, country)| (country.code.get(), country.clone())).collect();
    for row in folder.flows()? {
        let code = u16::try_from(row.exporter).ok().and_then(|code| CountryCode::new(code).ok());
        if let Some(code) = code {
            let unnamed = Country { code, iso2: None, iso3: Text::default(), name: Text::default() };
            table.entry(code.get()).or_insert(unnamed);
        }
    }
    for row in records(folder, "table_a1.csv")? {
        let field = |name: &str| row.get(name).cloned().unwrap_or_default();
        if let Some(country) = field("code").parse().ok().and_then(|code: u16| table.get_mut(&code)) {
            let text = |name: &str| {
                let bad = |error| Failure::bad_data(anyhow!("table_a1.csv, column `{name}`: {error}"));
                Text::name(field(name)).map_err(bad)
            };
            (country.iso3, country.name) = (text("iso3")?, text("country")?);
        }
    }
    CountryTable::new(table.into_values().collect()).map_err(Failure::bad_data)
}

/// Products with their flows and with places that give their sectors, subsectors and stages.
fn products(folder: &StoredFolder, mut flows: BTreeMap<String, Vec<StoredFlow>>) -> Result<Vec<StoredProduct>, Failure> {
    let mut products = Vec::new();
    for row in records(folder, "products.csv")? {
        let field = |name: &str| row.get(name).map(String::as_str).unwrap_or_default();
        let bad = |problem: String| Failure::bad_data(anyhow!("products.csv, product {}: {problem}", field("product")));
        let code: ProductCode = field("product").parse().map_err(|error| bad(format!("{error}")))?;
        let status = Some(Status::Unsolved).filter(|status| status.name() == field("status"));
        let without_answer = status.map(|status| unanswered(code, status, &field)).transpose().map_err(bad)?;
        let of_product = if without_answer.is_some() { Some(Vec::new()) } else { flows.remove(field("product")) };
        let of_product = of_product.ok_or_else(|| bad("it has no allocation, so nothing of it can be checked".to_owned()))?;
        let lists = ["sectors", "subsectors", "stages"].map(|name| field(name).split(';').map(str::to_owned).collect::<Vec<_>>());
        let [sectors, subsectors, stages] = &lists;
        let places = lists.iter().map(Vec::len).max().unwrap_or(0);
        let source = ListSource(Text::literal(if field("reconstructed") == "yes" { "reconstructed" } else { "stored" }));
        // Sums ask for each of the three on its own, so any pairing of them will do.
        let place = |at: usize| -> Result<Membership, Failure> {
            Ok(Membership {
                sector: sectors[at % sectors.len()].parse().map_err(|error| bad(format!("{error}")))?,
                subsector: Text::name(&subsectors[at % subsectors.len()]).map_err(|error| bad(format!("{error}")))?,
                stage: stages[at % stages.len()].parse().map_err(|error| bad(format!("{error}")))?,
                source: source.clone(),
            })
        };
        let memberships = (0..places).map(place).collect::<Result<_, _>>()?;
        let description = field("description").to_owned();
        products.push(StoredProduct { code, description, memberships, flows: of_product, without_answer });
    }
    match flows.keys().next() {
        Some(product) => Err(Failure::bad_data(anyhow!("flows.parquet: product {product} is not in products.csv"))),
        None => Ok(products),
    }
}

/// A row of products.csv that got no answer.
fn unanswered<'a>(code: ProductCode, status: Status, field: &dyn Fn(&str) -> &'a str) -> Result<ProductRow, String> {
    let dollars = |name: &str| Usd::parse_kusd(field(name)).map_err(|error| format!("column `{name}`: {error}"));
    // Six decimals of a thousand dollars are a thousandth of a dollar.
    let amount = |name: &str| -> Result<NanoUsd, String> {
        let digits = field(name).replacen('.', "", 1).parse::<i128>().map_err(|error| format!("column `{name}`: {error}"))?;
        Ok(NanoUsd(digits * (NanoUsd::PER_USD / 1000)))
    };
    let number = |name: &str| -> Result<Option<f64>, String> {
        let text = field(name);
        let number = || text.parse().map(Some).map_err(|error| format!("column `{name}`: {error}"));
        if text.is_empty() { Ok(None) } else { number() }
    };
    Ok(ProductRow {
        product: code,
        labels: Arc::new(Labels {
            description: field("description").to_owned(),
            sectors: field("sectors").to_owned(),
            stages: field("stages").to_owned(),
            subsectors: field("subsectors").to_owned(),
            reconstructed: field("reconstructed") == "yes",
        }),
        imports: dollars("imports_kusd")?,
        risk_before: dollars("risk_before_kusd")?,
        risk_after: None,
        capacity: amount("capacity_kusd")?,
        spare: None,
        unmet: None,
        cut: NanoUsd::default(),
        inside_before: Usd::ZERO,
        status,
        shadow_price: None,
        shadow_price_of_less: None,
        critical_cap: number("critical_cap")?,
        slope: NanoUsd(amount("risk_slope_kusd_per_pp")?.0 * 100),
        next_point: amount("risk_next_point_kusd")?,
        rearrangement: None,
        hhi_before: number("hhi_before")?,
        hhi_after: None,
        hhi_after_min: None,
        hhi_after_max: None,
        hhi_max_is_exact: None,
        change_inside: Ranged::default(),
        change_outside: Ranged::default(),
        shifted_inside: NanoUsd::default(),
        shifted_outside: NanoUsd::default(),
        flows: Vec::new(),
    })
}

/// The rows of a table by column name.
fn records(folder: &StoredFolder, name: &str) -> Result<Vec<BTreeMap<String, String>>, Failure> {
    let bytes = folder.bytes(name)?;
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    reader.deserialize().collect::<Result<_, _>>().map_err(|error| Failure::bad_data(anyhow!("{name}: {error}")))
}
