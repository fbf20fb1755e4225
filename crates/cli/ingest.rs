//! `reorient ingest`.

use std::fmt::Write as _;
use std::process::ExitCode;

use indicatif::ProgressBar;
use reorient_data::{IngestManifest, IngestOptions, IngestProgress, OnDuplicate, RowPolicy, ingest as ingest_sources};
use reorient_report::grouped;

use crate::arguments::{Ingest, Talk};
use crate::{remote, talk};
use reorient_app::Failure;

/// Turns what CEPII ships into a folder of ours and says what became of the rows.
pub(crate) fn ingest(arguments: &Ingest, talk: &Talk) -> Result<ExitCode, Failure> {
    let options = IngestOptions {
        revision: arguments.hs,
        release: arguments.release.clone(),
        policy: RowPolicy {
            skip: arguments.skip.iter().copied().collect(),
            on_duplicate: if arguments.sum_duplicates() { OnDuplicate::Sum } else { OnDuplicate::Error },
            max_errors: usize::from(arguments.max_errors),
        },
        attribution: String::new(),
        value_unit: arguments.value_unit,
        force: arguments.force,
    };
    let sources = arguments.sources.iter().map(|path| remote::local(path)).collect::<Result<Vec<_>, _>>()?;
    let bar = talk::reading(talk);
    let manifest = ingest_sources(&sources, &arguments.out, &options, &mut |progress| show(&bar, progress));
    bar.finish_and_clear();
    let manifest = manifest?;
    if arguments.json {
        for note in notes(&manifest) {
            tracing::warn!("{note}");
        }
    }
    tracing::info!("{} written", arguments.out.display());
    if arguments.json {
        let text = serde_json::to_string_pretty(&manifest).map_err(Failure::internal)?;
        talk::print(&format!("{text}\n"))?;
    } else if !talk.quiet {
        talk::print(&view(&manifest))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Rows read, rows a second, and how far that is.
fn show(bar: &ProgressBar, progress: IngestProgress) {
    let rows = progress.rows;
    // Millions a second with one decimal, in integers.
    let tenths = u128::from(rows) * 1000 / bar.elapsed().as_millis().max(1) / 100_000;
    bar.set_message(format!("{} rows, {}.{} million/s", grouped(&rows.to_string()), tenths / 10, tenths % 10));
    bar.set_length(progress.total);
    bar.set_position(progress.done.min(progress.total));
}

/// What is to be said of the rows.
fn notes(manifest: &IngestManifest) -> Vec<String> {
    let revision = manifest.revision.parse().ok();
    let mut notes = Vec::new();
    for year in &manifest.years {
        let sentence = year.unknown_codes.as_ref().zip(revision).and_then(|(codes, revision)| codes.sentence(revision));
        notes.extend(sentence.map(|sentence| format!("{}: {sentence}", year.year)));
    }
    notes.extend(manifest.value_unit.as_ref().map(|unit| format!("column `value`: taken in {unit}, as --value-unit says")));
    notes
        .extend(manifest.columns_not_read.iter().map(|column| format!("column `{column}`: not read, as its name tells no unit")));
    notes
}

fn view(manifest: &IngestManifest) -> String {
    let what = if manifest.synthetic { "SYNTHETIC DATA, not BACI:" } else { "BACI" };
    let mut text = format!("{what} {} release {}\n\n", manifest.revision, manifest.release);
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{:>4}  {:>12}  {:>8}  {:>22}  {:>12}", "year", "rows", "products", "value (kUSD)", "without tons");
    for year in &manifest.years {
        let _ = writeln!(
            text,
            "{:>4}  {:>12}  {:>8}  {:>22}  {:>12}",
            year.year,
            grouped(&year.rows.to_string()),
            grouped(&year.products.to_string()),
            grouped(&year.value_kusd),
            grouped(&year.missing_quantity.to_string()),
        );
    }
    let _ = writeln!(
        text,
        "\n{} rows in = {} rows used + {} in the ledger",
        grouped(&manifest.rows_in.to_string()),
        grouped(&manifest.rows_used.to_string()),
        grouped(&manifest.unused.values().sum::<u64>().to_string()),
    );
    for (reason, rows) in &manifest.unused {
        let _ = writeln!(text, "  {rows} {reason}");
    }
    if let Some(rows) = manifest.noted.get("bad-quantity") {
        let _ = writeln!(text, "{rows} rows are used without their quantity (bad-quantity in the ledger)");
    }
    if !manifest.products_not_in_table.is_empty() {
        let _ = writeln!(text, "{} products are not in the product table", manifest.products_not_in_table.len());
    }
    for note in notes(manifest) {
        let _ = writeln!(text, "{note}");
    }
    let _ = writeln!(text, "country table: {}", manifest.country_table);
    let _ = writeln!(text, "product table: {}", manifest.product_table.as_deref().unwrap_or("none for this revision"));
    if !manifest.ignored.is_empty() {
        let _ = writeln!(text, "not read: {}", manifest.ignored.join(", "));
    }
    text
}
