#!/usr/bin/env bash
# Builds the Python wheel with the program in it: scripts/python_wheel.sh [BINARY] [OUT]
#
# BINARY is the `scst` program (target/release/scst of the repository, built where it is missing), OUT the folder of the wheel
# (dist of the repository). The wheel is tagged for the oldest glibc that both the program and the extension run on.
set -euo pipefail
repository="$(realpath "$(dirname "$0")/..")"
binary="$(realpath -m "${1:-$repository/target/release/scst}")"
out="$(realpath -m "${2:-$repository/dist}")"
cd "$repository"
export CARGO_TARGET_DIR="$PWD/target"

if [ ! -f "$binary" ]; then
  if [ -n "${1:-}" ]; then
    echo "found no program $binary, expected scst" >&2
    exit 2
  fi
  cargo build --release --locked -p scst-cli
fi

tools="$PWD/target/maturin"
if [ ! -x "$tools/bin/maturin" ]; then
  python3 -m venv "$tools"
  "$tools/bin/pip" install -q maturin==1.16.0
fi

scripts=python/scst.data/scripts
rm -rf python/scst.data
# With the licences of what the program and the extension are linked with.
notices=python/scst.data/data/share/doc/scst
mkdir -p "$scripts" "$notices"
trap 'rm -rf python/scst.data' EXIT
cp "$binary" "$scripts/scst"
chmod 755 "$scripts/scst"
strip "$scripts/scst"
{ python3 scripts/notices.py && python3 scripts/notices.py python/Cargo.toml scst-python; } >"$notices/THIRD-PARTY"

# maturin holds the tag against the extension, and knows nothing of the program. For a program that runs on an older
# glibc than the linker here has, zig links the extension.
minor="$(grep -aoE 'GLIBC_2\.[0-9]+' "$scripts/scst" | sort -Vu | tail -n 1 | cut -d. -f2 || true)"
if [ "${minor:-0}" -lt 17 ]; then minor=17; fi
linker=()
if [ "$minor" -lt 34 ]; then
  "$tools/bin/pip" install -q ziglang==0.17.1
  linker=(--zig)
fi
PATH="$tools/bin:$PATH" maturin build --quiet --release "${linker[@]}" \
  --manifest-path python/Cargo.toml --compatibility "manylinux_2_$minor" --out "$out"
ls -l "$out"/scst-*.whl
