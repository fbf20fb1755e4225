//! `reorient verify` of a result folder: everything that follows from the trade that it holds is derived again and compared, and
//! where the trade itself is at hand, the whole folder.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::anyhow;
use reorient_core::{Country, CountryCode, CountryTable, ListSource, Membership, ProductCode, Text, Usd, shown};
use reorient_data::{InputFile, Integrity, OpenOptions, TradeSource, embedded_countries, rows_add_up};
use reorient_engine::{
    CoverageStatus, HIGHS_IN_SOURCE, KEYS, ListChoice, Scenario, SolverChoice, StoredFlow, StoredProduct, coverage_of, derive,
    recheck,
};
use reorient_metrics::{Collection, Labels, ProductRow, Ranged};
use reorient_model::{NanoUsd, Status};
use reorient_report::{COVERAGE, CoverageLine, FolderOptions, Manifest, ResultFiles, StoredFlowRow, StoredFolder};

use crate::arguments::{Talk, Verify};
use crate::verify::EARLIER;
use crate::{remote, run, talk};
use reorient_app::{Failure, METHOD, certificates, coverage_lines, input, list_summary, other_names, run_manifest, solver};

const TABLE_A1: &str = "table_a1.csv";
const FLOWS: &str = "flows.parquet";
const FLOWS_CSV: &str = "flows.csv";
const COVERAGE_CSV: &str = "coverage.csv";
/// How names of figures begin.
const FIGURE: &str = "figure_";

/// Counts by what was checked.
type Checks = BTreeMap<&'static str, u64>;

fn bad(problem: impl std::fmt::Display) -> Failure {
    Failure::bad_data(anyhow!("{problem}"))
}

/// Whatever a folder says that cannot be asked is a fault of the folder.
fn of_folder(failure: impl Into<Failure>) -> Failure {
    let failure = failure.into();
    if failure.code() == 2 { bad(format!("manifest.json: {failure}")) } else { failure }
}

/// Checks a result folder.
pub(crate) fn verify(arguments: &Verify, folder: &StoredFolder, talk: &Talk) -> Result<Checks, Failure> {
    folder.check_files()?;
    let flows = folder.flows()?;
    if !folder.is_sealed()? {
        if flows.about.contains_key("reorient.rules") {
            return Err(bad("manifest.json lacks `rules`, and flows.parquet names them: the manifest was changed"));
        }
        tracing::warn!("{EARLIER}");
        return by_first_rules(folder, &flows.rows);
    }
    let about = folder.about()?;
    let mut checks = from_folder(folder, &flows.rows, &about)?;
    let source = match &arguments.trade {
        Some(path) => Some(remote::trade(path, &opening(arguments, &about)?)?),
        // The sample is in the program, and so is every list but one in a file.
        None if list_of(&about).is_some_and(|list| list.file().is_none()) => sample_of(&about)?,
        None => None,
    };
    let Some(source) = source else {
        tracing::warn!(
            "verified without the trade: names, world exports of risk origins, coverage of the list, inputs and the ledger were \
             taken from the folder; `--trade` answers the question again"
        );
        return Ok(checks);
    };
    from_trade(arguments, folder, &about, &source, talk)?;
    checks.insert("5 files and keys of the manifest equal to a new answer from the trade", folder.files.len() as u64 + 1);
    Ok(checks)
}

/// How the trade is opened: as told, otherwise as the run was told.
fn opening(arguments: &Verify, about: &Manifest) -> Result<OpenOptions, Failure> {
    let mut options = OpenOptions::from(arguments.opening);
    let fault = |problem: String| bad(format!("manifest.json: {problem}"));
    if options.value_unit.is_none() {
        options.value_unit = about.value_unit.as_deref().map(str::parse).transpose().map_err(fault)?;
    }
    if options.revision.is_none() {
        options.revision = Some(about.revision.parse().map_err(|error| fault(format!("`revision`: {error}")))?);
    }
    Ok(options)
}

/// The sample, where a result says that it is of it: by the name of its trade, or by the hashes of all that it read.
fn sample_of(about: &Manifest) -> Result<Option<TradeSource>, Failure> {
    let sample = TradeSource::embedded()?;
    if about.source == sample.label() {
        return Ok(Some(sample));
    }
    let mut read = sample.code_tables();
    for year in sample.years() {
        read.push(InputFile::of_trade(&sample.fingerprint(*year)?, Integrity::Blake3));
    }
    let named: Vec<&str> = about.inputs.iter().map(reorient_report::InputFile::digits).collect();
    let is_read = read.iter().all(|file| named.contains(&file.fingerprint.digits()));
    Ok(is_read.then_some(sample))
}

/// What the manifest says of data that are not here, as far as it holds by itself.
fn check_given(about: &Manifest) -> Result<(), Failure> {
    for input in &about.inputs {
        if input.blake3.is_some() == input.footer_blake3.is_some() || input.integrity.is_empty() {
            let name = shown(&input.name);
            return Err(bad(format!(
                "manifest.json: inputs, {name}: it needs `integrity` and one of `blake3` and `footer_blake3`"
            )));
        }
    }
    let ledger = &about.ledger;
    if !rows_add_up(ledger.rows_in, ledger.rows_used, &ledger.unused) {
        return Err(bad("manifest.json: ledger, `rows_in` is not the sum of `rows_used` and all of `unused`"));
    }
    Ok(())
}

/// The list that the manifest names.
fn list_of(about: &Manifest) -> Option<ListChoice> {
    Scenario::of_resolved(&about.scenario, None).ok().map(|scenario| scenario.list)
}

/// Everything but what the folder is the only one to tell.
fn from_folder(folder: &StoredFolder, flows: &[StoredFlowRow], about: &Manifest) -> Result<Checks, Failure> {
    check_given(about)?;
    let countries = countries(about)?;
    let products = products(folder, stored_flows(flows, &countries)?)?;
    let derived = derive(&products, &about.scenario, &countries).map_err(of_folder)?;
    let collection = &derived.collection;
    let coverage = coverage(folder, collection, &derived.scenario, about)?;
    let highs_version = highs_version(about, &derived.scenario)?;
    let cross_checked = about.solver.cross_checked;
    let list = about.scenario.get("list").cloned().unwrap_or_default();
    let manifest = Manifest {
        method: METHOD.to_owned(),
        scenario: derived.resolved.clone(),
        list: list_summary(list, &coverage).map_err(|problem| bad(format!("{COVERAGE_CSV}: {problem}")))?,
        countries: other_names(&countries)?,
        solver: solver(&derived.scenario, &derived.solved_by, highs_version, cross_checked),
        certificates: certificates(&collection.headline, cross_checked),
        ..about.clone()
    };
    let mut not_drawn: Vec<String> =
        folder.files.iter().map(|file| file.name.to_string()).filter(|name| name.starts_with(FIGURE)).collect();
    let mut figures = Vec::new();
    if !not_drawn.is_empty()
        && let Some(curve) = derived.frontier(&products).map_err(of_folder)?
    {
        let drawn = run::Drawn {
            collection,
            countries: &countries,
            curve: &curve,
            scenario: &derived.scenario,
            resolved: &derived.resolved,
            bloc: &derived.bloc,
            risk: derived.risk(),
            source: &about.source,
            synthetic: about.synthetic,
            version: &about.version,
        };
        figures = drawn.figures()?;
        not_drawn.clear();
    }
    let options = FolderOptions { csv_flows: folder.lists(FLOWS_CSV), figures };
    let manifest = &manifest;
    let files = ResultFiles {
        collection,
        countries: &countries,
        manifest,
        coverage: &coverage,
        options: &options,
        as_they_stand: &not_drawn,
    };
    folder.compare(&files)?;
    if !not_drawn.is_empty() {
        tracing::warn!("figures were checked by their hashes only, as a product without an answer has no trade here");
    }
    let answered = products.iter().filter(|product| product.without_answer.is_none());
    Ok(BTreeMap::from([
        ("1 files with the size and hash of the manifest", folder.files.len() as u64),
        ("2 allocations feasible, and optimal by their dual bound", answered.count() as u64),
        ("3 flows whose capacity, point and range follow from the trade", flows.len() as u64),
        ("4 files that follow from the flows to the last byte, and the manifest", (folder.files.len() - not_drawn.len()) as u64),
    ]))
}

/// Answers the question again and compares every file, and the manifest but for clock and machine.
fn from_trade(
    arguments: &Verify,
    folder: &StoredFolder,
    about: &Manifest,
    source: &TradeSource,
    talk: &Talk,
) -> Result<(), Failure> {
    let list = match arguments.list.as_slice() {
        [] => None,
        [list] => Some(list.as_path()),
        _ => return Err(Failure::usage(anyhow!("a result has one list: give --list once"))),
    };
    let mut scenario = Scenario::of_resolved(&about.scenario, list).map_err(of_folder)?;
    if scenario.list.file().is_some() && list.is_none() {
        return Err(Failure::usage(anyhow!("the result is of a list in a file: name it with --list")));
    }
    scenario.cross_check = about.solver.cross_checked;
    let bar = talk::progress(0, "products", talk);
    let result = reorient_engine::run(source, &scenario, &|total| bar.set_length(total), &|| bar.inc(1));
    bar.finish_and_clear();
    let result = result.map_err(of_folder)?;
    // Said first: all else differs where the data do.
    let inputs: Vec<_> = result.inputs.iter().cloned().map(input).collect();
    for (stored, read) in about.inputs.iter().zip(&inputs) {
        if stored != read {
            let (stored_name, read_name) = (shown(&stored.name), shown(&read.name));
            return Err(bad(format!(
                "other data: the manifest says {stored_name} with hash {}, and {read_name} with hash {} was read",
                shown(stored.digits()),
                read.digits()
            )));
        }
    }
    let mut manifest = run_manifest(source, &scenario, &result)?;
    manifest.timings_ms.clone_from(&about.timings_ms);
    manifest.platform.clone_from(&about.platform);
    // Who verifies may have no HiGHS.
    manifest.solver.highs_version = highs_version(about, &scenario)?;
    let figures = if folder.files.iter().any(|file| file.name.starts_with(FIGURE)) {
        run::figures(source, &scenario, &result)?
    } else {
        Vec::new()
    };
    let options = FolderOptions { csv_flows: folder.lists(FLOWS_CSV), figures };
    let coverage = coverage_lines(&result.coverage);
    let (collection, countries) = (&result.collection, source.countries());
    let files =
        ResultFiles { collection, countries, manifest: &manifest, coverage: &coverage, options: &options, as_they_stand: &[] };
    Ok(folder.compare(&files)?)
}

/// The version of HiGHS that the manifest names, if it can be one.
fn highs_version(about: &Manifest, scenario: &Scenario) -> Result<Option<String>, Failure> {
    let version = about.solver.highs_version.clone();
    let needs = scenario.solver == SolverChoice::Highs || about.solver.cross_checked || about.solver.point_depends_on_solver;
    let is_known = about.version != env!("CARGO_PKG_VERSION") || version.as_deref().is_none_or(|own| own == HIGHS_IN_SOURCE);
    if (needs && version.is_none()) || !is_known {
        return Err(bad(format!(
            "manifest.json: solver, `highs_version` is {}; this version of reorient is built with {HIGHS_IN_SOURCE} or with none",
            version.as_deref().map_or("nothing", |_| "another one")
        )));
    }
    Ok(version)
}

/// The country table of the data: that of the program, with what the manifest says of other names and codes.
fn countries(about: &Manifest) -> Result<CountryTable, Failure> {
    let mut table: BTreeMap<u16, Country> =
        embedded_countries()?.iter().map(|(_, country)| (country.code.get(), country.clone())).collect();
    for (code, [iso3, name]) in &about.countries {
        let fault = |problem: String| bad(format!("manifest.json: countries, `{}`: {problem}", shown(code)));
        let code: CountryCode = code.parse().map_err(|error| fault(format!("{error}")))?;
        if iso3.is_empty() && name.is_empty() {
            table.remove(&code.get());
            continue;
        }
        let text = |text: &String| Text::name(text.clone()).map_err(|error| fault(error.to_string()));
        let country = Country { code, iso2: None, iso3: text(iso3)?, name: text(name)? };
        table.insert(code.get(), country);
    }
    CountryTable::new(table.into_values().collect()).map_err(Failure::bad_data)
}

/// The rows of `flows.parquet` by product; both ascend.
fn stored_flows(rows: &[StoredFlowRow], countries: &CountryTable) -> Result<BTreeMap<String, Vec<StoredFlow>>, Failure> {
    let fault = |problem: String| bad(format!("{FLOWS}: {problem}"));
    let mut flows: BTreeMap<String, Vec<StoredFlow>> = BTreeMap::new();
    if let Some(pair) = rows.windows(2).find(|pair| (&pair[0].product, pair[0].exporter) >= (&pair[1].product, pair[1].exporter))
    {
        let [_, after] = pair else { return Ok(flows) };
        return Err(fault(format!("product {}, exporter {} is not in ascending order", shown(&after.product), after.exporter)));
    }
    for row in rows {
        let code = u16::try_from(row.exporter).ok().and_then(|code| CountryCode::new(code).ok());
        let exporter = code.and_then(|code| countries.index(code));
        let exporter = exporter.ok_or_else(|| fault(format!("{} is no country", row.exporter)))?;
        let dollars = |kusd: f64| Usd::parse_kusd(&format!("{kusd:.3}")).map_err(|error| fault(error.to_string()));
        flows.entry(row.product.clone()).or_default().push(StoredFlow {
            exporter,
            imports: dollars(row.amounts[0])?,
            world_exports: dollars(row.amounts[1])?,
            optimised_kusd: row.amounts[3],
        });
    }
    Ok(flows)
}

/// The rows of `coverage.csv`: each code once in each status, and of products with figures the amounts that their flows add up to.
fn coverage(
    folder: &StoredFolder,
    collection: &Collection,
    scenario: &Scenario,
    about: &Manifest,
) -> Result<Vec<CoverageLine>, Failure> {
    const STATUSES: [CoverageStatus; 5] = [
        CoverageStatus::Matched,
        CoverageStatus::Partial,
        CoverageStatus::Alias,
        CoverageStatus::WithoutTrade,
        CoverageStatus::Unmatched,
    ];
    let fault = |code: &str, problem: &str| bad(format!("{COVERAGE_CSV}, code {}: {problem}", shown(code)));
    let mut lines: Vec<CoverageLine> = Vec::new();
    let mut before = None;
    let mut taken: BTreeMap<ProductCode, usize> = BTreeMap::new();
    for row in records(folder, COVERAGE_CSV)? {
        let line = COVERAGE.map(|name| row.get(name).cloned().unwrap_or_default());
        let code: ProductCode = line[0].parse().map_err(|_| fault(&line[0], "this is no product"))?;
        let status = STATUSES.into_iter().find(|status| status.name() == line[1]);
        let status = status.ok_or_else(|| fault(&line[0], "column `status` has a value of none"))?;
        let counts = [&line[2], &line[3]].map(|text| text.parse::<u32>().ok());
        if !matches!(counts, [Some(listed), Some(all)] if listed <= all) {
            return Err(fault(&line[0], "columns `n_listed` and `n_descendants` are no counts of a part and its whole"));
        }
        let key = (status, code);
        if before.is_some_and(|before| before >= key) {
            return Err(fault(&line[0], "it is not in ascending order of status and code"));
        }
        before = Some(key);
        let has_trade = matches!(status, CoverageStatus::Matched | CoverageStatus::Partial | CoverageStatus::Alias);
        let amounts = [&line[4], &line[5]].map(|text| Usd::parse_kusd(text).ok().filter(|amount| amount.to_string() == *text));
        let is_given = matches!(amounts, [Some(imports), Some(all)] if imports <= all);
        // A product of which countries buy only from themselves has no amounts.
        let is_empty = line[4].is_empty() && line[5].is_empty();
        if !(is_empty || has_trade && is_given) {
            return Err(fault(&line[0], "`imports_kusd` and `world_exports_kusd` are no amounts of a part and its whole"));
        }
        if has_trade {
            taken.insert(code, lines.len());
        }
        lines.push(line);
    }
    check_list(&lines, &taken.keys().copied().collect(), scenario, about)?;
    for product in &collection.products {
        let at = taken
            .get(&product.product)
            .ok_or_else(|| fault(product.product.as_str(), "products.csv has it, and this table not"))?;
        if product.status == Status::Unsolved {
            continue;
        }
        let world_exports: Usd = product.flows.iter().map(|flow| flow.world_exports).sum();
        lines[*at][4] = product.imports.to_string();
        lines[*at][5] = world_exports.to_string();
    }
    Ok(lines)
}

/// Of a list that the program has: the rows of `coverage.csv` but for amounts. `available` are the products that the data have.
fn check_list(
    lines: &[CoverageLine],
    available: &BTreeSet<ProductCode>,
    scenario: &Scenario,
    about: &Manifest,
) -> Result<(), Failure> {
    let revision = about.revision.parse().map_err(|error| bad(format!("manifest.json: `revision`: {error}")))?;
    let Some(derived) = coverage_of(scenario, revision, available).map_err(of_folder)? else { return Ok(()) };
    let derived = coverage_lines(&derived);
    let given = |line: &CoverageLine| [0, 1, 2, 3, 6].map(|column| line[column].clone()).join(",");
    for at in 0..lines.len().max(derived.len()) {
        let [found, expected] = [lines, &derived].map(|lines| lines.get(at).map(given).unwrap_or_default());
        if found != expected {
            let place = at + 2;
            return Err(bad(format!(
                "{COVERAGE_CSV}, line {place}: it says `{}` but for amounts, the list gives `{expected}`",
                shown(&found)
            )));
        }
    }
    Ok(())
}

/// As versions before the rules verified.
fn by_first_rules(folder: &StoredFolder, flows: &[StoredFlowRow]) -> Result<Checks, Failure> {
    let scenario = first_scenario(folder)?;
    let countries = first_countries(folder, flows)?;
    let products = products(folder, stored_flows(flows, &countries)?)?;
    let collection = recheck(&products, &scenario, &countries).map_err(of_folder)?;
    folder.compare_by_first_rules(&collection, &countries)?;
    let answered = products.iter().filter(|product| product.without_answer.is_none());
    Ok(BTreeMap::from([
        ("1 files with the size and hash of the manifest", folder.files.len() as u64),
        ("2 allocations feasible, and optimal by their dual bound", answered.count() as u64),
        ("3 flows whose capacity, point and range follow from the trade", flows.len() as u64),
        ("4 tables that follow from the flows", 3),
    ]))
}

/// Keys that chose the rows, or who solves: the flows of the folder are those rows already.
const NOT_OF_PROGRAMS: [&str; 8] = ["bloc", "list", "map", "alias", "reconstructed", "hong-kong", "solver", "links"];

/// The scenario that the manifest records, as far as the programs depend on it.
fn first_scenario(folder: &StoredFolder) -> Result<Scenario, Failure> {
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
fn first_countries(folder: &StoredFolder, flows: &[StoredFlowRow]) -> Result<CountryTable, Failure> {
    let mut table: BTreeMap<u16, Country> =
        embedded_countries()?.iter().map(|(_, country)| (country.code.get(), country.clone())).collect();
    for row in flows {
        let code = u16::try_from(row.exporter).ok().and_then(|code| CountryCode::new(code).ok());
        if let Some(code) = code {
            let unnamed = Country { code, iso2: None, iso3: Text::default(), name: Text::default() };
            table.entry(code.get()).or_insert(unnamed);
        }
    }
    for row in records(folder, TABLE_A1)? {
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
