#!/usr/bin/env python3
"""Draw the learning curves of the pages of objectives: every page's own command, run as it stands there.

    python3 scripts/learning_curves.py [--program target/release/scst] [PAGE...]

A page of `docs/src/objectives` that has a curve shows `PAGE.svg` and below it the command that made it, `scst train ...`, which
takes about a minute on the drawn scenes. PAGE is its name without `.md`; without one, all that have a curve are drawn. Runs go
to a folder that is removed.
"""

import argparse
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from book import ROOT, SOURCES

PAGES = SOURCES / "objectives"
COMMAND = re.compile(r"^!\[[^\]]*\]\(([\w-]+)\.svg\)\n+```sh\nscst (train (?:.*\\\n)*.*)\n```", re.MULTILINE)
LINE = re.compile(r'<polyline fill="none"( [^>]*?) points="([\d,]+) ([\d,]+) ?"/>\n')


def command(page: Path) -> list[str]:
    """The arguments of the program below the picture of a page."""
    found = COMMAND.search(page.read_text())
    if not found or found[1] != page.stem:
        sys.exit(f"error: {page}: found no picture {page.stem}.svg with a command `scst train` below it, expected one")
    return shlex.split(found[2].replace("\\\n", " "))


def smaller(svg: str) -> str:
    """The same picture: the dashes of a line, which are drawn one by one, as one path, and what goes without saying once."""
    font = ' font-family="sans-serif"'
    svg = svg.replace(' opacity="1"', "").replace(font, "").replace("<svg", f"<svg{font}", 1)

    def path(lines: re.Match) -> str:
        dashes = "".join(f"M{first}L{second}" for _, first, second in LINE.findall(lines[0]))
        return f'<path fill="none"{lines[2]} d="{dashes}"/>\n'

    return re.sub(rf"({LINE.pattern})(?:<polyline fill=\"none\"\2 points=\"[\d,]+ [\d,]+ ?\"/>\n)+", path, svg)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", type=Path, default=ROOT / "target/release/scst")
    parser.add_argument("pages", nargs="*", metavar="PAGE")
    given = parser.parse_args()
    with_curve = (page for page in sorted(PAGES.glob("*.md")) if f"({page.stem}.svg)" in page.read_text())
    pages = [PAGES / f"{page}.md" for page in given.pages] or with_curve
    commands = [(page, command(page)) for page in pages]
    with tempfile.TemporaryDirectory() as runs:
        for page, arguments in commands:
            run = Path(runs) / page.stem
            call = [given.program.resolve(), *arguments, "--out", run, "--quiet", "--show", "0"]
            code = subprocess.run(call, cwd=ROOT).returncode
            if code:
                return code
            picture = page.with_suffix(".svg")
            picture.write_text(smaller((run / "curve.svg").read_text()))
            print(f"{picture.relative_to(ROOT)}: {picture.stat().st_size} bytes", flush=True)
            shutil.rmtree(run)
    return 0


if __name__ == "__main__":
    sys.exit(main())
