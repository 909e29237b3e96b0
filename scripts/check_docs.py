#!/usr/bin/env python3
"""Check what the documentation says that a program can check.

    python3 scripts/check_docs.py [target/release/scst]

Relative links of the book and of the READMEs lead to files, and their anchors to headings; every page stands in the book's
SUMMARY.md; every metric of training is explained. With the program, every block ```toml of the book is a configuration that it accepts.

Such a block may be a part: `[data]`, `[model]` and a first stage of cross-entropy are added where it has none (those of a
small captioner on the drawn scenes; for a block with `[data.text]`, below an encoder). In a table whose first heading is a key of
`[stages.scst]`, in code, rows that begin with a value of it, in code, are held likewise.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from book import FENCE, ROOT, SOURCES, included, outside_code

READMES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "crates/README.md", "crates/*/README.md",
           "data/results/README.md", "data/scenes/README.md", "data/g2p/README.md", "scripts/README.md", "python/README.md"]

# A table of the values of a key, and the values in it.
TABLE = re.compile(r"^\| `(\w+)` \|[^\n]*\n\|[-:| ]+\|\n((?:\|[^\n]*\n)+)", re.MULTILINE)
VALUE = re.compile(r"^\| `([{\"][^`]*)`", re.MULTILINE)

DATA = """
[data]
captions.kaggle = { captions = "data/scenes/captions.csv", splits = "data/scenes/splits.csv" }
features.npy.path = "data/scenes/pooled.npy"
"""
MODEL = "[model.fc]\n"
TEXT_MODEL = "[encoder.lstm]\n[model.att2in]\n"
XE = '[[stages]]\nname = "before"\nepochs = 1\nxe = {}\n'


def main() -> int:
    problems = []
    pages = sorted(SOURCES.rglob("*.md"))
    summary = SOURCES / "SUMMARY.md"
    listed = {(SOURCES / target).resolve() for target in re.findall(r"\]\(([^)]+\.md)\)", summary.read_text())}
    problems += [f"{name(page)}: is not in SUMMARY.md" for page in pages if page != summary and page.resolve() not in listed]
    readmes = [file for pattern in READMES for file in sorted(ROOT.glob(pattern))]
    # What a page includes whole is checked where it stands.
    for file in readmes + [page for page in pages if included(page) == page]:
        problems += links(file)
    problems += unexplained()
    blocks = 0
    if sys.argv[1:]:
        for page in pages:
            for place, text in configurations(page):
                blocks += 1
                problems += [f"{place}: {message}" for message in refusal(sys.argv[1], text)]
    for problem in problems:
        print(problem, file=sys.stderr)
    if not problems:
        print(f"links of {len(readmes) + len(pages)} files hold, {blocks} configurations are accepted")
    return 1 if problems else 0


def name(file: Path) -> str:
    """A file as it is told."""
    return str(file.relative_to(ROOT))


def links(file: Path) -> list[str]:
    """What is wrong with the links of a file."""
    problems = []

    def look(link: re.Match) -> str:
        path, _, anchor = link[3].partition("#")
        if "://" in link[3] or link[3].startswith("mailto:"):
            return link[0]
        target = (file.parent / path).resolve() if path else file
        if not target.exists():
            problems.append(f"{name(file)}: `{link[3]}` leads to no file")
        elif anchor and anchor not in anchors(target):
            problems.append(f"{name(file)}: `{link[3]}` leads to no heading")
        return link[0]

    outside_code(file.read_text(), look)
    return problems


def unexplained() -> list[str]:
    """The names that training adds metrics under and that their page lacks."""
    page = SOURCES / "metrics.md"
    code = "\n".join(file.read_text().split("#[cfg(test)]")[0] for file in sorted((ROOT / "crates/trainer/src").rglob("*.rs")))
    names = sorted(set(re.findall(r'tally\s*\.add(?:_all)?\(\s*"(\w+)"', code)))
    text = page.read_text()
    return [f"{name(page)}: lacks `{metric}`" for metric in names if f"`{metric}`" not in text]


def anchors(file: Path) -> set[str]:
    """The anchors of a file's headings, as GitHub and mdBook make them."""
    text = FENCE.sub("", included(file).read_text())
    found = set()
    for heading in re.findall(r"^#{1,6} (.+?) *$", text, re.MULTILINE):
        heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        anchor = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        repeated, number = anchor, 0
        while repeated in found:
            number += 1
            repeated = f"{anchor}-{number}"
        found.add(repeated)
    return found


def configurations(page: Path) -> list[tuple[str, str]]:
    """The blocks of a page that are to be accepted, and where they stand."""
    text = page.read_text()
    place = lambda start: f"{name(page)}, line {text.count(chr(10), 0, start) + 1}"
    blocks = [block for block in FENCE.finditer(text) if block[3].strip() == "toml"]
    found = [(place(block.start()), whole(block[4])) for block in blocks]
    for table in TABLE.finditer(text):
        for row in VALUE.finditer(table[2]):
            stage = f"[[stages]]\nepochs = 1\n[stages.scst]\n{table[1]} = {row[1]}\n"
            found.append((place(table.start(2) + row.start()), whole(stage)))
    return found


def whole(block: str) -> str:
    """A block with what it lacks of a configuration."""
    tables = re.findall(r"^\[+(\w+)", block, re.MULTILINE)
    first = re.search(r"^\[", block, re.MULTILINE)
    head, rest = (block[: first.start()], block[first.start() :]) if first else (block, "")
    reads_text = "[data.text]" in block
    parts = [head]
    if "data" not in tables:
        parts.append(DATA)
    if "model" not in tables:
        parts.append(TEXT_MODEL if reads_text else MODEL)
    begins_with_xe = re.search(r"^\[stages\.xe\]|^xe\b", block.partition("[[stages]]")[2].partition("[[stages]]")[0], re.MULTILINE)
    if "stages" not in tables or not begins_with_xe:
        parts.append(XE)
    return "\n".join([*parts, rest])


def refusal(program: str, text: str) -> list[str]:
    """What the program says against a configuration."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "config.toml"
        file.write_text(text)
        run = subprocess.run([program, "config", str(file)], capture_output=True, text=True, cwd=ROOT, check=False)
    return [] if run.returncode == 0 else [" ".join(run.stderr.split())]


if __name__ == "__main__":
    sys.exit(main())
