//! The dataset of a sweep held against its store.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;

use anyhow::anyhow;
use reorient_core::shown;
use reorient_engine::sweep::Archive;
use reorient_files::Limit;
use reorient_folder::MANIFEST;
use reorient_report::{StoredFolder, SweepComparison, seal};
use serde_json::Value;

use crate::Failure;
use crate::sweep::write_dataset;

const DIFF: &str = "diff.csv";

/// Writes the dataset again from the store, in the system's folder of temporary files, and compares the manifests: they hold the
/// hash of every file, which [`StoredFolder::check_files`] has compared with the files. `diff.csv` is compared where the comparison
/// that it holds is at hand.
///
/// # Errors
/// [`Failure`] with the first file or key that does not follow, or when the store cannot be read or the dataset not be written.
pub fn check_dataset(folder: &StoredFolder, archive: &Archive, comparison: Option<&SweepComparison>) -> Result<(), Failure> {
    let again = tempfile::tempdir().map_err(Failure::cannot_write)?;
    write_dataset(again.path(), archive, comparison, &AtomicBool::new(false))?;
    let bytes = reorient_files::read(&again.path().join(MANIFEST), Limit::MANIFEST)?;
    let expected: Value = serde_json::from_slice(&bytes).map_err(Failure::internal)?;
    let mut found = folder.manifest.clone();
    let has_name = |name: &'static str| move |file: &Value| file["name"] == *name;
    let is_unfollowed = comparison.is_none() && files(&found).iter().any(has_name(DIFF));
    if is_unfollowed {
        tracing::warn!("{DIFF} follows from another sweep: name it with --diff to compare it");
        if !folder.is_sealed()? {
            return Err(Failure::bad_data(anyhow!("{MANIFEST}: it lacks its seal")));
        }
        if let Some(files) = found.get_mut("files").and_then(Value::as_array_mut) {
            files.retain(|file| !has_name(DIFF)(file));
        }
        // Of a manifest that says so, and without the comparison.
        found["seal"] = seal(&found).into();
    }
    // As after a stop between the last result of other data and its dataset.
    if found["inputs"] != expected["inputs"] {
        let problem =
            "the sweep is not complete: its dataset was written from other inputs than its plan has; run its own command again";
        return Err(Failure::bad_data(anyhow!("{problem}")));
    }
    for file in files(&expected) {
        if !files(&found).contains(file) {
            let name = file["name"].as_str().unwrap_or_default();
            return Err(Failure::bad_data(anyhow!("{name}: it does not follow from the results in the store")));
        }
    }
    let none = Value::Null;
    let keys: BTreeSet<&String> =
        [&found, &expected].into_iter().filter_map(Value::as_object).flat_map(|own| own.keys()).collect();
    for key in keys {
        let [found, expected] = [&found, &expected].map(|own| own.get(key.as_str()).unwrap_or(&none).to_string());
        if found != expected {
            let [key, found, expected] = [key, &found, &expected].map(|text| shown(text));
            let problem = format!("{MANIFEST}, `{key}`: the file says {found}, the store gives {expected}");
            return Err(Failure::bad_data(anyhow!("{problem}")));
        }
    }
    if !is_unfollowed && folder.text() != bytes {
        return Err(Failure::bad_data(anyhow!("{MANIFEST}: it is not written as reorient writes it")));
    }
    Ok(())
}

fn files(manifest: &Value) -> &[Value] {
    manifest.get("files").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
