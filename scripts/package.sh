#!/usr/bin/env bash
# Packs the program for machines without Rust: scripts/package.sh [BINARY] [OUT]
#
# BINARY is the `scst` program (target/release/scst of the repository), OUT the folder (dist of the repository) that gets
# scst-VERSION-TARGET.tar.gz, to be unpacked into /usr/local or anywhere, and, where dpkg-deb is, the same as a .deb.
set -euo pipefail
repository="$(realpath "$(dirname "$0")/..")"
binary="$(realpath -m "${1:-$repository/target/release/scst}")"
out="$(realpath -m "${2:-$repository/dist}")"
cd "$repository"
if [ ! -x "$binary" ]; then
  echo "found no program $binary, expected scst: cargo build --release --locked -p scst-cli makes it" >&2
  exit 2
fi
version="$("$binary" --version | sed -n 's/^scst //p')"
target="$("$binary" --version | sed -n 's/^target *//p')"
name="scst-$version-$target"

staged="$(mktemp -d)"
trap 'rm -rf "$staged"' EXIT
tree="$staged/$name"
share="$tree/share"
mkdir -p "$tree/bin" "$share"/{bash-completion/completions,zsh/site-functions,fish/vendor_completions.d,man/man1,doc/scst}
# Under its own name, by which completions and the manual call it.
install -m 755 "$binary" "$tree/bin/scst"
strip "$tree/bin/scst"
"$tree/bin/scst" completions bash >"$share/bash-completion/completions/scst"
"$tree/bin/scst" completions zsh >"$share/zsh/site-functions/_scst"
"$tree/bin/scst" completions fish >"$share/fish/vendor_completions.d/scst.fish"
"$tree/bin/scst" man --out "$share/man/man1" >/dev/null
install -m 644 README.md CHANGELOG.md LICENSE-APACHE LICENSE-MIT "$share/doc/scst"
python3 scripts/notices.py >"$share/doc/scst/THIRD-PARTY"

mkdir -p "$out"
# The same files give the same bytes.
date="$(git log -1 --format=@%ct 2>/dev/null || echo @0)"
tar --create --sort=name --owner=0 --group=0 --numeric-owner --mtime="$date" --directory "$staged" "$name" |
  gzip --no-name --best >"$out/$name.tar.gz"

if command -v dpkg-deb >/dev/null; then
  architecture="$(dpkg --print-architecture)"
  glibc="$(grep -aoE 'GLIBC_2\.[0-9]+' "$tree/bin/scst" | sort -Vu | tail -n 1 | cut -d_ -f2)"
  mkdir -p "$staged/deb/DEBIAN"
  cp -r "$tree" "$staged/deb/usr"
  cat >"$staged/deb/DEBIAN/control" <<CONTROL
Package: scst
Version: $version
Architecture: $architecture
Maintainer: the authors of scst <scst@localhost>
Depends: libc6 (>= $glibc), libgcc-s1
Installed-Size: $(du -sk "$tree" | cut -f1)
Section: science
Priority: optional
Description: self-critical training of captioners and text generators
 Trains captioners of images and generators that read texts with cross-entropy, then with reinforcement learning on the
 metric that they are judged by.
CONTROL
  dpkg-deb --root-owner-group --build "$staged/deb" "$out/scst_${version}_$architecture.deb" >/dev/null
fi
ls -l "$out/$name.tar.gz" "$out"/scst_*.deb 2>/dev/null || true
