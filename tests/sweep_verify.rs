//! `reorient verify` of sweeps whose store, dataset or manifest somebody forged, with every hash made anew.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::reorient;
use serde_json::Value;

const NIGHT: &str = "[base]\nlist = \"all\"\n[grid]\ncap = [0.01, 0.05, \"1/7\"]\nrisk = [[156, 842, 643], \"CHN\"]\nfloor = \
                     [\"additive\", \"free\"]\n";

fn night() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("night.toml");
    fs::write(&file, NIGHT).unwrap();
    let out = folder.path().join("night");
    reorient().args(["sweep", "-q"]).arg(&file).arg("--out").arg(&out).assert().success();
    (folder, out)
}

fn verify(out: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = reorient().arg("verify").arg(out).args(arguments).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

fn refused(out: &Path, arguments: &[&str], words: &[&str]) {
    let (code, said) = verify(out, arguments);
    assert_eq!(code, Some(65), "{said}");
    assert!(words.iter().all(|word| said.contains(word)), "{said}");
}

/// The only segment of a small sweep.
fn segment(out: &Path) -> PathBuf {
    let paths = fs::read_dir(out.join("store")).unwrap().map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.to_string_lossy().ends_with(".segment.zst"))
        .max_by_key(|path| fs::metadata(path).unwrap().len())
        .unwrap()
}

/// Key and document of each result, as segment.rs of the engine lays them out.
fn documents(bytes: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let (n, mut documents) = (word(48), Vec::new());
    let mut offset = 52 + 68 * n;
    for at in (52..52 + 68 * n).step_by(68) {
        let length = word(at + 64);
        documents.push((bytes[at..at + 32].to_vec(), zstd::decode_all(&bytes[offset..offset + length]).unwrap()));
        offset += length;
    }
    documents
}

/// Writes a segment again with hashes and a name that fit.
fn forge(out: &Path, change: impl FnOnce(&mut Vec<(Vec<u8>, Vec<u8>)>)) {
    let path = segment(out);
    let mut documents = documents(&fs::read(&path).unwrap());
    change(&mut documents);
    let mut index = u32::try_from(documents.len()).unwrap().to_le_bytes().to_vec();
    let mut packed = Vec::new();
    for (key, document) in documents {
        let bytes = zstd::bulk::compress(&document, 3).unwrap();
        index.extend(key);
        index.extend(blake3::hash(&bytes).as_bytes());
        index.extend(u32::try_from(bytes.len()).unwrap().to_le_bytes());
        packed.extend(bytes);
    }
    let hash = blake3::hash(&index);
    let mut bytes = 0x184D_2A5E_u32.to_le_bytes().to_vec();
    bytes.extend(u32::try_from(8 + 32 + index.len()).unwrap().to_le_bytes());
    bytes.extend(b"reorsw01");
    bytes.extend(hash.as_bytes());
    bytes.extend(index);
    bytes.extend(packed);
    fs::remove_file(&path).unwrap();
    fs::write(path.with_file_name(format!("{}.segment.zst", &hash.to_hex()[..32])), bytes).unwrap();
}

/// Half the risk in one document.
fn halve(documents: &mut [(Vec<u8>, Vec<u8>)]) {
    let text = String::from_utf8(documents[1].1.clone()).unwrap();
    let start = text.find("\"risk_after\":").unwrap() + "\"risk_after\":".len();
    let end = start + text[start..].find(',').unwrap();
    let half = text[start..end].parse::<i128>().unwrap() / 2;
    documents[1].1 = format!("{}{half}{}", &text[..start], &text[end..]).into_bytes();
}

/// A file and its entry in the manifest.
fn renew(out: &Path, name: &str, bytes: &[u8]) {
    fs::write(out.join(name), bytes).unwrap();
    change_manifest(out, |manifest| {
        for file in manifest["files"].as_array_mut().unwrap().iter_mut().filter(|file| file["name"] == name) {
            (file["bytes"], file["blake3"]) = (bytes.len().into(), blake3::hash(bytes).to_hex().to_string().into());
        }
    });
}

fn change_manifest(out: &Path, change: impl FnOnce(&mut Value)) {
    let path = out.join("manifest.json");
    let mut manifest: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut manifest);
    fs::write(path, format!("{}\n", serde_json::to_string_pretty(&manifest).unwrap())).unwrap();
}

#[test]
fn a_whole_sweep_holds_and_some_of_it_is_answered_again() {
    let (_folder, out) = night();
    let (code, said) = verify(&out, &["--sample", "5"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("answered again"), "{said}");
    let (code, said) = verify(&out, &["--json", "--sample", "1000"]);
    let checks: Value = serde_json::from_str(&said).unwrap();
    let again = checks["checks"].as_object().unwrap().iter().find(|(what, _)| what.starts_with("5 ")).unwrap().1;
    // The base asks what a combination asks.
    assert_eq!((code, again.as_u64()), (Some(0), Some(12)), "{said}");
}

#[test]
fn a_forged_result_does_not_fit_the_dataset_and_with_it_not_the_trade() {
    let (_folder, out) = night();
    forge(&out, |documents| halve(documents));
    refused(&out, &[], &["does not follow from the results in the store"]);
    // With the dataset made of it, only the trade tells.
    reorient().args(["sweep", "merge", "-q"]).arg(&out).assert().success();
    assert_eq!(verify(&out, &[]).0, Some(0));
    refused(&out, &["--sample", "1000"], &["`figures.risk_after`", "the trade gives"]);
}

#[test]
fn a_result_under_the_key_of_another_is_damage_wherever_it_is_read() {
    let (folder, out) = night();
    let new = folder.path().join("new");
    fs::create_dir_all(new.join("store/locks")).unwrap();
    for name in ["manifest.json", "store/plan.json.zst"] {
        fs::copy(out.join(name), new.join(name)).unwrap();
    }
    change_manifest(&new, |manifest| {
        (manifest["complete"], manifest["counts"], manifest["files"]) = (false.into(), Value::Null, Value::Array(Vec::new()));
    });
    forge(&out, |documents| {
        let (first, second) = documents.split_at_mut(1);
        std::mem::swap(&mut first[0].0, &mut second[0].0);
    });
    refused(&out, &[], &["is damaged", "that its key stands for"]);
    for arguments in [vec![&out], vec![&new, &out]] {
        let output = reorient().args(["sweep", "merge", "-q"]).args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(65), "{said}");
        assert!(said.contains("that its key stands for"), "{said}");
    }
}

#[test]
fn files_and_manifests_with_hashes_made_anew_do_not_follow() {
    let (_folder, out) = night();
    for name in ["figures.parquet", "shares.parquet", "table_a1.parquet", "scenarios.parquet", "scenarios.csv", "summary.csv"] {
        let [bytes, manifest] = [name, "manifest.json"].map(|name| fs::read(out.join(name)).unwrap());
        let mut changed = bytes.clone();
        let middle = bytes.len() / 2;
        changed[middle] ^= 1;
        renew(&out, name, &changed);
        refused(&out, &[], &[name, "does not follow"]);
        fs::write(out.join(name), bytes).unwrap();
        fs::write(out.join("manifest.json"), manifest).unwrap();
    }
    let manifest = fs::read(out.join("manifest.json")).unwrap();
    let keys: Vec<String> = serde_json::from_slice::<serde_json::Map<_, _>>(&manifest).unwrap().keys().cloned().collect();
    for key in keys.iter().filter(|key| !["generator", "kind"].contains(&key.as_str())) {
        change_manifest(&out, |manifest| drop(manifest.as_object_mut().unwrap().remove(key)));
        assert_eq!(verify(&out, &[]).0, Some(65), "without `{key}`");
        fs::write(out.join("manifest.json"), &manifest).unwrap();
    }
    change_manifest(&out, |manifest| manifest["more"] = true.into());
    refused(&out, &[], &["`more`"]);
}

#[test]
fn what_is_not_complete_or_answered_from_other_data_is_refused() {
    let (folder, out) = night();
    let list = folder.path().join("baci.csv");
    fs::write(&list, "t,i,j,k,v,q\n2023,392,276,270900,1.000,1\n").unwrap();
    refused(&out, &["--sample", "1", "--trade", list.to_str().unwrap(), "--hs", "92"], &["other data"]);
    fs::remove_file(segment(&out)).unwrap();
    refused(&out, &[], &["the sweep is not complete", "run its own command again"]);
}
