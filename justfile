# `just check` is what continuous integration runs.
set shell := ["bash", "-euo", "pipefail", "-c"]

environment := 'eval "$(scripts/setup)"'

default: check

check:
    scripts/test

run *arguments:
    scripts/reorient {{arguments}}

fmt:
    cargo fmt --all

lint:
    {{environment}} && cargo clippy --release --locked --workspace --all-targets -- -D warnings

test:
    {{environment}} && cargo test --release --locked --workspace

doc:
    {{environment}} && RUSTDOCFLAGS="-D warnings" cargo doc --release --locked --workspace --no-deps

bench:
    {{environment}} && cargo bench --profile release --locked --bench stages

deny:
    cargo deny --locked check bans licenses sources
