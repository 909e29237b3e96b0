"""Licences of everything that is linked into a program: python3 scripts/notices.py [MANIFEST PACKAGE]

Prints those of a build for this machine with default features: every crate with its licence, then the texts, each once
with the crates that carry it. A crate that carries none gets that of its licence: Apache-2.0 if it may be had under that, or MIT.
"""

import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

NAMES = ("license", "licence", "copying", "copyright", "notice", "unlicense", "third-party", "third_party")


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def linked(manifest, root, target):
    """Names and versions of what is in the program: nothing of build scripts, tests and macros."""
    tree = output(
        *("cargo", "tree", "--locked", "--manifest-path", manifest, "--package", root, "--target", target),
        *("--edges", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}"),
    )
    return {tuple(line.split()[:2]) for line in tree.splitlines() if line}


def texts(package):
    """Those that lie in its folder, or that of its licence with its authors."""
    folder = pathlib.Path(package["manifest_path"]).parent
    files = [path for path in sorted(folder.iterdir()) if path.is_file() and path.name.lower().startswith(NAMES)]
    if not files:
        for licence, name in (("Apache-2.0", "LICENSE-APACHE"), ("MIT", "LICENSE-MIT")):
            if licence in package["license"]:
                text = (ROOT / name).read_text().strip()
                authors = ", ".join(package["authors"]) or f"the authors of {package['repository']}"
                return [re.sub(r"(?m)^Copyright \(c\) .*$", f"Copyright (c) {authors}", text)]
        sys.exit(f"{package['name']}: found no text of its licence {package['license']}")
    return [path.read_text(errors="replace").replace("\r\n", "\n").strip() for path in files]


def main():
    manifest, root = sys.argv[1:] or (str(ROOT / "Cargo.toml"), "scst-cli")
    rustc = dict(line.split(": ", 1) for line in output("rustc", "-vV").splitlines()[1:])
    metadata = json.loads(
        output(
            *("cargo", "metadata", "--format-version", "1", "--locked", "--manifest-path", manifest),
            *("--filter-platform", rustc["host"]),
        )
    )
    crates = linked(manifest, root, rustc["host"])
    packages = [package for package in metadata["packages"] if package["source"]]
    packages = [package for package in packages if (package["name"], f"v{package['version']}") in crates]
    packages.sort(key=lambda package: (package["name"], package["version"]))
    sources = {}
    print(f"What {root} is linked with, and under which licences.\n")
    print(f"The Rust standard library {rustc['release']}: MIT OR Apache-2.0, https://github.com/rust-lang/rust")
    for package in packages:
        title = f"{package['name']} {package['version']}"
        for text in texts(package):
            key = "".join(text.split())
            sources.setdefault(key, (text, []))[1].append(title)
        print(f"{title}: {package['license'] or package['license_file']}, {package['repository'] or 'https://crates.io'}")
    # What is embedded, of no crate: folders with the name and version in the first line of their README.
    for folder in sorted(ROOT.glob("crates/*/vendor/*")) if root == "scst-cli" else []:
        title = re.search(r"\[(.*?)\]\((.*?)\) (\S+)", (folder / "README.md").read_text())
        text = (folder / "LICENSE").read_text().strip()
        print(f"{title[1]} {title[3]}: MIT, {title[2]}")
        sources.setdefault("".join(text.split()), (text, []))[1].append(f"{title[1]} {title[3]}")
    for text, titles in sources.values():
        print(f"\n{'=' * 80}\n{', '.join(titles)}\n{'=' * 80}\n\n{text}")


main()
