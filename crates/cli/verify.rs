//! `reorient verify`.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use anyhow::anyhow;
use reorient_core::shown;
use reorient_data::verify_ingested;
use reorient_report::{Screen, StoredFolder, display_width, wrap};
use serde_json::json;

use crate::arguments::{Talk, Verify};
use crate::{talk, verify_result, verify_sweep};
use reorient_app::Failure;

/// Said of folders that name no rules.
pub(crate) const EARLIER: &str = "an earlier version of reorient wrote this folder: it was verified by the rules of that version, which \
                                  look at less";

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
        "result" => verify_result::verify(arguments, &folder, talk)?,
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
    let mut checks = BTreeMap::from([("1 files with the size and hash of the manifest", folder.files.len() as u64)]);
    if folder.is_sealed()? {
        checks.insert("2 keys of the manifest under its own hash", folder.n_keys());
    } else {
        tracing::warn!("{EARLIER}");
    }
    tracing::warn!(
        "the tables of this folder were checked by their hashes only: whether they follow from the trade was not looked at"
    );
    Ok(checks)
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
