//! `reorient ingest`.

use std::process::ExitCode;

use indicatif::ProgressBar;
use reorient_data::{IngestManifest, IngestOptions, IngestProgress, OnDuplicate, RowPolicy, ingest as ingest_sources};
use reorient_folder::Target;
use reorient_report::{Column, Grid, Screen, counted, grouped};

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
    };
    let target = Target::new(&arguments.out).force(arguments.force);
    let sources = arguments.sources.iter().map(|path| remote::local(path)).collect::<Result<Vec<_>, _>>()?;
    let bar = talk::reading(talk);
    let manifest = ingest_sources(&sources, &target, &options, &mut |progress| show(&bar, progress));
    bar.finish_and_clear();
    let manifest = manifest?;
    if arguments.json {
        for note in notes(&manifest) {
            tracing::warn!("{note}");
        }
    }
    tracing::info!("{} written", arguments.out.display());
    if arguments.json {
        talk::print_json(&manifest)?;
    } else if !talk.quiet {
        talk::print(&view(&manifest, Screen::stdout()))?;
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

fn view(manifest: &IngestManifest, screen: Screen) -> String {
    let what = if manifest.synthetic { "SYNTHETIC DATA, not BACI:" } else { "BACI" };
    let mut years = Grid::new([
        Column::number("year"),
        Column::number("rows"),
        Column::number("products").leaves(1),
        Column::number("value (kUSD)"),
        Column::number("without tons").leaves(2),
    ]);
    for year in &manifest.years {
        years.row([
            year.year.to_string(),
            grouped(&year.rows.to_string()),
            grouped(&year.products.to_string()),
            grouped(&year.value_kusd),
            grouped(&year.missing_quantity.to_string()),
        ]);
    }
    let unused = manifest.unused.values().sum::<u64>();
    let [rows_in, used, unused] = [manifest.rows_in, manifest.rows_used, unused].map(|rows| grouped(&rows.to_string()));
    let mut lines = vec![
        screen.hanging(&format!("{what} {} release {}", manifest.revision, manifest.release), "  "),
        String::new(),
        years.draw(screen, "--json prints all."),
        String::new(),
        screen.hanging(&format!("{rows_in} rows in = {used} rows used + {unused} in the ledger"), "  "),
    ];
    lines.extend(manifest.unused.iter().map(|(reason, rows)| screen.item(&format!("{rows} {reason}"))));
    if let Some(rows) = manifest.noted.get("bad-quantity") {
        let text = format!("{rows} rows are used without their quantity (bad-quantity in the ledger)");
        lines.push(screen.hanging(&text, "  "));
    }
    if !manifest.products_not_in_table.is_empty() {
        let (products, are) = match manifest.products_not_in_table.len() {
            1 => ("1 product".to_owned(), "is"),
            count => (counted(count, "product"), "are"),
        };
        lines.push(screen.hanging(&format!("{products} {are} not in the product table"), "  "));
    }
    lines.extend(notes(manifest).iter().map(|note| screen.hanging(note, "  ")));
    let product_table = manifest.product_table.as_deref().unwrap_or("none for this revision");
    lines.push(screen.hanging(&format!("country table: {}", manifest.country_table), "  "));
    lines.push(screen.hanging(&format!("product table: {product_table}"), "  "));
    if !manifest.ignored.is_empty() {
        lines.push(screen.hanging(&format!("not read: {}", manifest.ignored.join(", ")), "  "));
    }
    lines.join("\n") + "\n"
}
