//! What a manifest says of itself: by which rules its folder can be verified, and a hash of all that it says.
//!
//! Every other file has its hash in the manifest, so the manifest needs one too: without it a digit of a ledger could change
//! unseen. Clock and machine are left out, so that equal questions of equal data have equal seals.

use std::io::Write;

use serde::Serialize;
use serde_json::Value;

/// By which rules `verify` derives a folder anew. To be raised whenever the bytes of a file of results change for the same
/// figures, or a manifest says less than before; folders that do not say have the rules of before, which derive less.
pub const RULES: u32 = 2;

/// The key of the rules.
pub(crate) const RULES_KEY: &str = "rules";
/// The key of the hash.
pub(crate) const SEAL: &str = "seal";
/// Keys that the hash does not cover.
const LEFT_OUT: [&str; 3] = ["timings_ms", "platform", SEAL];

#[derive(Serialize)]
struct Sealed<'a, D> {
    #[serde(flatten)]
    document: &'a D,
    rules: u32,
    seal: String,
}

/// Writes a manifest with its rules and its seal.
pub(crate) fn write_sealed(out: impl Write, document: &impl Serialize) -> serde_json::Result<()> {
    let mut value = serde_json::to_value(document)?;
    value[RULES_KEY] = RULES.into();
    serde_json::to_writer_pretty(out, &Sealed { document, rules: RULES, seal: seal(&value) })
}

/// The hash of what a manifest says, in hexadecimal; neither the order of its keys nor its white space matter.
pub fn seal(manifest: &Value) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("reorient manifest");
    match manifest {
        Value::Object(members) => {
            let members = members.iter().filter(|(key, _)| !LEFT_OUT.contains(&key.as_str()));
            absorb_members(members, &mut hasher);
        }
        other => absorb(other, &mut hasher),
    }
    hasher.finalize().to_hex().to_string()
}

fn absorb(value: &Value, hasher: &mut blake3::Hasher) {
    match value {
        Value::Object(members) => absorb_members(members.iter(), hasher),
        Value::Array(items) => {
            hasher.update(b"[");
            for item in items {
                absorb(item, hasher);
                hasher.update(b",");
            }
            hasher.update(b"]");
        }
        leaf => drop(hasher.update(leaf.to_string().as_bytes())),
    }
}

fn absorb_members<'a>(members: impl Iterator<Item = (&'a String, &'a Value)>, hasher: &mut blake3::Hasher) {
    let mut members: Vec<_> = members.collect();
    members.sort_unstable_by_key(|(key, _)| *key);
    hasher.update(b"{");
    for (key, value) in members {
        // As JSON, so that no key can pass for two.
        hasher.update(Value::from(key.as_str()).to_string().as_bytes()).update(b":");
        absorb(value, hasher);
        hasher.update(b",");
    }
    hasher.update(b"}");
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_leaf_matters_but_clock_and_machine() {
        let manifest = json!({"a": {"b": [1, 2.5, "x"], "c": null}, "d": true, "timings_ms": {"all": 3}, "platform": "x"});
        let own = seal(&manifest);
        for (pointer, other) in [
            ("/a/b/0", json!(2)),
            ("/a/b/1", json!(2.500_000_000_000_000_4)),
            ("/a/b/2", json!("y")),
            ("/a/b", json!([1, 2.5])),
            ("/a/c", json!("null")),
            ("/a/c", json!({})),
            ("/d", json!(false)),
        ] {
            let mut changed = manifest.clone();
            *changed.pointer_mut(pointer).unwrap() = other;
            assert_ne!(seal(&changed), own, "{pointer}");
        }
        let mut later = manifest.clone();
        (later["timings_ms"], later["platform"], later["seal"]) = (json!(7), json!("y"), json!("z"));
        assert_eq!(seal(&later), own);
    }

    #[test]
    fn what_is_written_reads_back_with_its_seal() {
        let mut out = Vec::new();
        write_sealed(&mut out, &json!({"hhi": 0.127_976_165_660_216_9, "n": u64::MAX})).unwrap();
        let read: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!((read[RULES_KEY].as_u64(), read[SEAL].as_str()), (Some(2), Some(seal(&read).as_str())));
    }
}
