# `just check` is what continuous integration runs.
set shell := ["bash", "-euo", "pipefail", "-c"]

# A failing setup stops the recipe, which eval of its output alone would not.
environment := 'environment=$(scripts/setup) && eval "$environment"'

default: check

check:
    scripts/test

# Unit tests only, for while one writes.
quick:
    cargo fmt --all --check
    cargo test --release --locked --workspace --no-default-features --lib

night:
    scripts/test --night

run *arguments:
    scripts/reorient {{arguments}}

fmt:
    cargo fmt --all

lint:
    {{environment}} && cargo clippy --release --locked --workspace --all-targets -- -D warnings

test *filter:
    {{environment}} && cargo test --release --locked --workspace {{filter}}

doc:
    {{environment}} && RUSTDOCFLAGS="-D warnings" cargo doc --release --locked --workspace --no-deps

bench:
    {{environment}} && cargo bench --profile release --locked --bench stages
    cargo bench --profile release --locked --no-default-features --bench hhi --bench data

deny:
    cargo deny --locked check advisories bans licenses sources
