//! `scripts/moved_builds`, which `scripts/setup` begins with: builds of HiGHS that were moved are cleared, others are left alone.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A build of HiGHS as far as the script looks, in `target`, with the places that its cache names.
fn build(target: &Path, within: &str, made: Option<&Path>, sources: Option<&Path>) -> PathBuf {
    let folder = target.join(within);
    let place = folder.join("out/build");
    fs::create_dir_all(&place).unwrap();
    fs::write(folder.join("output"), "cargo:rustc-link-lib=highs\n").unwrap();
    let mut text = "# This is the CMakeCache file.\nCMAKE_BUILD_TYPE:STRING=Release\n".to_owned();
    for (key, value) in [("CMAKE_CACHEFILE_DIR", made), ("CMAKE_HOME_DIRECTORY", sources)] {
        value.iter().for_each(|value| text.push_str(&format!("{key}:INTERNAL={}\n", value.display())));
    }
    fs::write(place.join("CMakeCache.txt"), text).unwrap();
    folder
}

fn clear(target: &Path, home: &Path) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/moved_builds");
    let output = Command::new(script).env("CARGO_TARGET_DIR", target).env("CARGO_HOME", home).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && output.stdout.is_empty(), "the shell evaluates standard output: {said}");
    said
}

#[test]
fn a_build_that_was_moved_is_cleared_and_no_other() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path().canonicalize().unwrap();
    let (target, home) = (root.join("target"), root.join("cargo"));
    let sources = home.join("registry/src/index/highs-sys-1.16.0/HiGHS");
    fs::create_dir_all(&sources).unwrap();
    let own = |within: &str| target.join(within).join("out/build");
    let right = build(&target, "release/build/highs-sys-aa", Some(&own("release/build/highs-sys-aa")), Some(&sources));
    // By way of a link it is the same place.
    std::os::unix::fs::symlink(&target, root.join("link")).unwrap();
    let linked = root.join("link/debug/build/highs-sys-bb/out/build");
    let linked = build(&target, "debug/build/highs-sys-bb", Some(&linked), Some(&sources));
    // Sources that Cargo unpacks again when it needs them.
    let later = home.join("registry/src/index/highs-sys-1.15.0/HiGHS");
    let later = build(&target, "release/build/highs-sys-cc", Some(&own("release/build/highs-sys-cc")), Some(&later));
    let unfinished = build(&target, "release/build/highs-sys-dd", None, None);
    let other = build(&target, "release/build/zstd-sys-ee", Some(Path::new("/elsewhere")), None);
    // Renamed, copied beside the one that it was copied from, deeper for a platform, with a cargo home that is gone.
    let renamed = Path::new("/no/such/checkout/target/release/build/highs-sys-ff/out/build");
    let renamed = build(&target, "release/build/highs-sys-ff", Some(renamed), Some(&sources));
    let elsewhere = root.join("first/target");
    let original = elsewhere.join("release/build/highs-sys-gg/out/build");
    let original = build(&elsewhere, "release/build/highs-sys-gg", Some(&original), Some(&sources));
    let copied = build(&target, "release/build/highs-sys-gg", Some(&original.join("out/build")), Some(&sources));
    let deeper = "x86_64-unknown-linux-gnu/release/build/highs-sys-hh";
    let deeper = build(&target, deeper, Some(Path::new("/no/such/place")), Some(&sources));
    let homeless = Path::new("/no/such/cargo/registry/src/index/highs-sys-1.16.0/HiGHS");
    let homeless = build(&target, "release/build/highs-sys-ii", Some(&own("release/build/highs-sys-ii")), Some(homeless));
    // What a link leads to outside of the target folder is none of its builds.
    let outside = build(&root.join("outside"), "highs-sys-jj", Some(Path::new("/no/such/place")), Some(&sources));
    fs::create_dir_all(target.join("wasm/build")).unwrap();
    std::os::unix::fs::symlink(&outside, target.join("wasm/build/highs-sys-jj")).unwrap();

    let said = clear(&target, &home);
    for kept in [&right, &linked, &later, &unfinished, &other, &original, &outside] {
        assert!(kept.join("out/build/CMakeCache.txt").is_file(), "{} is gone: {said}", kept.display());
    }
    for gone in [&renamed, &copied, &deeper, &homeless] {
        assert!(!gone.exists(), "{} is still there: {said}", gone.display());
        assert!(said.contains(gone.to_str().unwrap()), "{said}");
    }
    assert!(fs::symlink_metadata(target.join("wasm/build/highs-sys-jj")).is_ok());
    assert_eq!(clear(&target, &home), "", "the second time there is nothing to do");
}

#[test]
fn a_checkout_without_builds_has_nothing_to_clear() {
    let root = tempfile::tempdir().unwrap();
    assert_eq!(clear(&root.path().join("none"), root.path()), "");
    assert_eq!(clear(root.path(), root.path()), "");
    let setup = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/setup")).unwrap();
    assert!(setup.contains("\nscripts/moved_builds\n"));
}
