//! `reorient inspect`.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::anyhow;
use reorient_data::typed_code;
use reorient_engine::{ListChoice, formulate_product};
use reorient_model::{NanoUsd, Status};
use reorient_report::{decimal, grouped, write_file};

use crate::arguments::{Inspect, Talk};
use crate::run::{once, open, scenario};
use crate::talk;
use reorient_app::{Failure, UNSOLVED, label};

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
        write_file(path, text.as_bytes())?;
    }
    if talk.quiet {
        return Ok(ExitCode::SUCCESS);
    }
    let result = reorient_engine::run(&source, &scenario, &|_| {}, &|| {})?;
    talk::notes(&result.notes);
    let Some(row) = result.collection.products.first() else { return Ok(ExitCode::SUCCESS) };

    let musd = |amount: NanoUsd| grouped(&decimal(amount.0, NanoUsd::PER_USD * 1_000_000, 3));
    let mut text =
        format!("{product}  {}\n{}, bloc {}\n\n", row.labels.description, label(&source, &result.scenario), result.bloc.name);
    // Writing to a String cannot fail.
    let _ = writeln!(text, "imports of the bloc  {:>16} M$", musd(row.imports.into()));
    let _ = writeln!(text, "from risk origins    {:>16} M$", musd(row.risk_before.into()));
    let _ = writeln!(text, "  after              {:>16} M$", row.risk_after.map_or_else(|| "-".to_owned(), musd));
    let _ = writeln!(text, "extra capacity       {:>16} M$", musd(row.capacity));
    let _ = writeln!(text, "status               {:>16}", row.status.name());
    let more = row.shadow_price.map_or_else(|| "-".to_owned(), |price| price.to_string());
    let less = row.shadow_price_of_less.map(|price| price.to_string()).filter(|less| *less != more);
    let price = less.map_or_else(|| more.clone(), |less| format!("{more} to {less}"));
    let _ = writeln!(text, "shadow price         {price:>16} of one more dollar of capacity");
    let critical = row.critical_cap.map_or_else(|| "none clears it".to_owned(), |cap| format!("{:.4} pp", cap * 100.0));
    let _ = writeln!(text, "critical cap         {critical:>16}");
    if let Some(ratio) = row.rearrangement {
        let _ = writeln!(text, "rearrangement ratio  {ratio:>16.4} risk over capacity; above 1 is a shortage");
    }
    let index = |index: Option<f64>| index.map_or_else(|| "-".to_owned(), |index| format!("{index:.4}"));
    let _ = writeln!(text, "concentration (HHI)  {:>16} before, {} after", index(row.hhi_before), index(row.hhi_after));
    let sense = match row.status {
        Status::Shortage => {
            "Every alternative is used up to its capacity, so its flow is fixed; the rest is split among risk origins within the ranges."
        }
        Status::Tight => "Capacity just meets the risk imports: every flow is fixed.",
        Status::Slack => "Risk imports go to zero; which alternatives take them over is open within the ranges.",
        Status::NoRisk => "Nothing comes from risk origins.",
        Status::Infeasible => "No allocation meets the bounds: the origins that are left cannot supply what the bloc imports.",
        Status::Unsolved => "The solver gave no answer.",
    };
    let _ = writeln!(text, "\n{sense}\n");
    let _ = writeln!(
        text,
        "{:>4}  {:<24} {:>14} {:>14} {:>12} {:>14}   range over all optima",
        "code", "exporter (M$)", "to the world", "to the bloc", "capacity", "after"
    );
    let mut flows = row.flows.clone();
    flows.sort_by_key(|flow| (std::cmp::Reverse(flow.optimised.max(flow.imports.into())), flow.exporter));
    for flow in flows.iter().take(SHOWN) {
        let country = source.countries().country(flow.exporter);
        let name: String = country.name.chars().take(24).collect();
        let _ = writeln!(
            text,
            "{:>4}  {name:<24} {:>14} {:>14} {:>12} {:>14}   [{}, {}]",
            country.code,
            musd(flow.world_exports.into()),
            musd(flow.imports.into()),
            musd(flow.capacity),
            musd(flow.optimised),
            musd(flow.min),
            musd(flow.max),
        );
    }
    if flows.len() > SHOWN {
        let _ = writeln!(text, "and {} more exporters; `reorient run --out DIR` writes all", flows.len() - SHOWN);
    }
    talk::print(&text)?;
    Ok(if row.risk_after.is_some() { ExitCode::SUCCESS } else { ExitCode::from(UNSOLVED) })
}
