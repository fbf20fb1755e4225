//! `reorient inspect`.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::anyhow;
use reorient_data::{TradeSource, typed_code};
use reorient_engine::{ListChoice, RunResult, formulate_product};
use reorient_metrics::ProductRow;
use reorient_model::{NanoUsd, Status};
use reorient_report::{Column, Grid, Screen, decimal, display_width, grouped, write_file};

use crate::arguments::{Inspect, Talk};
use crate::run::{once, open, scenario};
use crate::talk;
use reorient_app::{Failure, UNSOLVED, label};

/// What the first line of our linear programs says, as MPS and as LP.
const UNIT: &str = "ne unit is ";
/// Bytes that are enough for it.
const START: u64 = 256;
/// Exporters shown; the file has all.
const SHOWN: usize = 25;

/// Prints one product and writes its linear program.
pub(crate) fn inspect(arguments: &Inspect, talk: &Talk) -> Result<ExitCode, Failure> {
    let product = typed_code(&arguments.product).map_err(|problem| Failure::usage(anyhow!("--product: {problem}")))?;
    once(&arguments.question.set, "list", "", &format!("--product {product}"))?;
    let mut scenario = scenario(&arguments.question)?;
    scenario.list = ListChoice::One(product);
    let source = open(&arguments.question)?;
    let Some((program, codes)) = formulate_product(&source, &scenario, product)? else {
        return Err(Failure::missing(anyhow!("product {product} has no row in {}", source.label())));
    };
    if let Some(path) = &arguments.dump_lp {
        let names: Vec<String> = codes.iter().map(|code| format!("x_{code}")).collect();
        let title = format!("HS{product}");
        let text = match path.extension().and_then(|ending| ending.to_str()) {
            Some("mps") => program.to_mps(&title, &names),
            Some("lp") => program.to_lp(&title, &names),
            _ => {
                return Err(Failure::usage(anyhow!(
                    "{}: end the name in .mps or .lp, which says how to write it",
                    path.display()
                )));
            }
        };
        may_replace(path, arguments)?;
        write_file(path, text.as_bytes())?;
    }
    if talk.quiet {
        return Ok(ExitCode::SUCCESS);
    }
    let result = reorient_engine::run(&source, &scenario, &|_| {}, &|| {})?;
    talk::data_notes(&source);
    talk::notes(&result.notes);
    let Some(row) = result.collection.products.first() else { return Ok(ExitCode::SUCCESS) };

    crate::talk::print(&view(&source, &result, row, Screen::stdout()))?;
    let is_open = matches!(row.status, Status::Infeasible | Status::Unsolved);
    Ok(if is_open { ExitCode::from(UNSOLVED) } else { ExitCode::SUCCESS })
}

fn view(source: &TradeSource, result: &RunResult, row: &ProductRow, screen: Screen) -> String {
    let countries = source.countries();
    let musd = |amount: NanoUsd| grouped(&decimal(amount.0, NanoUsd::PER_USD * 1_000_000, 3));
    let index = |index: Option<f64>| index.map_or_else(|| "-".to_owned(), |index| format!("{index:.4}"));
    let in_musd = |amount: NanoUsd| (musd(amount), "M$".to_owned());
    let more = row.shadow_price.map_or_else(|| "-".to_owned(), |price| price.to_string());
    let less = row.shadow_price_of_less.map(|price| price.to_string()).filter(|less| *less != more);
    let price = less.map_or_else(|| more.clone(), |less| format!("{more} to {less}"));
    let critical = row.critical_cap.map_or_else(|| "none clears it".to_owned(), |cap| format!("{:.4}", cap * 100.0));
    let points = if row.critical_cap.is_some() { "pp" } else { "" };
    let mut figures = vec![
        ("imports of the bloc", in_musd(row.imports.into())),
        ("from risk origins", in_musd(row.risk_before.into())),
        ("  after", row.risk_after.map_or_else(|| ("-".to_owned(), String::new()), in_musd)),
        ("extra capacity", in_musd(row.capacity)),
        ("status", (row.status.name().to_owned(), String::new())),
        ("shadow price", (price, "of one more dollar of capacity".to_owned())),
        ("critical cap", (critical, points.to_owned())),
    ];
    if let Some(unmet) = row.unmet.filter(|unmet| unmet.0 > 0) {
        figures.insert(3, ("cannot be supplied", in_musd(unmet)));
    }
    if let Some(ratio) = row.rearrangement {
        figures.push(("rearrangement ratio", (format!("{ratio:.4}"), "risk over capacity; above 1 is a shortage".to_owned())));
    }
    figures.push(("concentration (HHI)", (index(row.hhi_before), format!("before, {} after", index(row.hhi_after)))));
    let widest = figures.iter().map(|(_, (number, _))| display_width(number)).max().unwrap_or(0);
    let mut lines = vec![
        format!("{}  {}", row.product, screen.beside(&row.labels.description, &" ".repeat("000000  ".len()))),
        screen.hanging(&format!("{}, bloc {}", label(source, &result.scenario), result.bloc.title(countries)), "  "),
        String::new(),
    ];
    for (name, (number, words)) in figures {
        let start = format!("{name:<19}  {number:>widest$} ");
        let margin = " ".repeat(start.len());
        lines.push(format!("{start}{}", screen.beside(&words, &margin)).trim_end().to_owned());
    }
    let sense = match row.status {
        Status::Shortage => {
            "Every alternative is used up to its capacity, so its flow is fixed; the rest is split among risk origins within the ranges."
        }
        Status::Tight => "Capacity just meets the risk imports: every flow is fixed.",
        Status::Slack => "Risk imports go to zero; which alternatives take them over is open within the ranges.",
        Status::NoRisk => "Nothing comes from risk origins.",
        Status::Infeasible => {
            "The origins that are left cannot supply what the bloc imports: every one is at its bound, and the rest is unmet."
        }
        Status::Unsolved => "The solver gave no answer.",
    };
    let mut table = Grid::new([
        Column::number("code").leaves(2),
        Column::text("exporter (M$)").cut(13, 40),
        Column::number("to the world").leaves(1),
        Column::number("to the bloc").leaves(4),
        Column::number("capacity").leaves(3),
        Column::number("after"),
        Column::number("range over all optima"),
    ]);
    let mut flows = row.flows.clone();
    flows.sort_by_key(|flow| (std::cmp::Reverse(flow.optimised.max(flow.imports.into())), flow.exporter));
    for flow in flows.iter().take(SHOWN) {
        let country = countries.country(flow.exporter);
        table.row([
            country.code.to_string(),
            country.name.to_string(),
            musd(flow.world_exports.into()),
            musd(flow.imports.into()),
            musd(flow.capacity),
            musd(flow.optimised),
            format!("[{} – {}]", musd(flow.min), musd(flow.max)),
        ]);
    }
    if flows.len() > SHOWN {
        table.foot(format!("… and {} more; `reorient run --out DIR` writes all", flows.len() - SHOWN));
    }
    lines.extend([String::new(), screen.paragraph(sense)]);
    if !table.is_empty() {
        lines.extend([String::new(), table.draw(screen, "`reorient run --out DIR` writes all (flows.parquet).")]);
    }
    lines.join("\n") + "\n"
}

/// Whether a file may be written: there is none, it is a linear program of ours, or that is what `--force` is for. Data that are
/// read are never replaced.
fn may_replace(path: &Path, arguments: &Inspect) -> Result<(), Failure> {
    let refuse = |problem: &str| Err(Failure::cannot_write(anyhow!("{}: {problem}", path.display())));
    // A file that cannot be looked at cannot be written either, which says so itself.
    let Ok(metadata) = fs::metadata(path) else { return Ok(()) };
    if !metadata.is_file() {
        return refuse("it is no file; choose another name");
    }
    let same = |read: &PathBuf| matches!((fs::canonicalize(read), fs::canonicalize(path)), (Ok(read), Ok(own)) if read == own);
    if [&arguments.question.trade, &arguments.question.scenario].into_iter().flatten().any(same) {
        return refuse("this command reads it; choose another name");
    }
    let mut start = Vec::new();
    let read = reorient_files::open(path).map_err(io::Error::from).and_then(|file| file.take(START).read_to_end(&mut start));
    let start = String::from_utf8_lossy(&start);
    let is_ours = read.is_ok() && start.lines().next().is_some_and(|line| line.contains(UNIT));
    if is_ours || metadata.len() == 0 || arguments.force {
        return Ok(());
    }
    refuse("it is there already and no linear program of reorient's; choose another name, or replace it with --force")
}
