# `just check` is what continuous integration runs.
set shell := ["sh", "-euc"]

environment := 'environment=$(scripts/setup) && eval "$environment" &&'

# Everything that must hold before a change goes in
check:
    scripts/test

# Format all code
fmt:
    cargo fmt --all

# Lints as errors
lint:
    {{environment}} cargo clippy --release --locked --workspace --all-targets -- -D warnings

# All tests, or those that match a name
test *name:
    {{environment}} cargo test --release --locked --workspace {{name}}

# Documentation with its warnings as errors
doc:
    {{environment}} RUSTDOCFLAGS="-D warnings" cargo doc --release --locked --workspace --no-deps

# Licences, sources and doubled crates
deny:
    cargo deny --locked check bans licenses sources

# Time each stage of the main job
bench *name:
    {{environment}} cargo bench --profile release --locked -p reorient --bench stages {{name}}

# The program, such as `just run run --list all`
run *arguments:
    scripts/reorient {{arguments}}
