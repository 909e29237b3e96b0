#!/usr/bin/env python3
"""A preprocessor of mdBook: makes pages that are read in the repository pages of the book.

Links between files are relative, as a repository browser follows them. In the book, a link to a file that is a page leads to
that page (a page that holds nothing but an `{{#include}}` stands for the file that it includes), a picture is put into the
page, and of a link to any other file of the repository the text stays.

`docs/book.toml` names it; `scripts/check_docs.py` uses it to resolve links.
"""

import base64
import json
import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "docs/src"
INCLUDE = re.compile(r"\{\{#include ([^}]+)\}\}")
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s]+)\)")
FENCE = re.compile(r"^( *)(```+)([^\n]*)\n(.*?)^\1\2[ \t]*$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"(`+)(?:(?!`).)+?\1", re.DOTALL)


def included(page: Path) -> Path:
    """The file whose text a page shows: its own, or the one that it includes whole."""
    found = INCLUDE.fullmatch(page.read_text().strip())
    return (page.parent / found[1]).resolve() if found else page


def pages() -> dict[Path, Path]:
    """The page of every file that is one, by the file whose text it shows."""
    return {included(page): page for page in sorted(SOURCES.rglob("*.md")) if page.name != "SUMMARY.md"}


def outside_code(text: str, replace) -> str:
    """`text` with `replace` at all links that do not stand in code."""
    code = [match.span() for match in FENCE.finditer(text)]
    inside = lambda place: any(first <= place < last for first, last in code)
    code += [match.span() for match in CODE.finditer(text) if not inside(match.start())]
    return LINK.sub(lambda link: link[0] if inside(link.start()) else replace(link), text)


def for_the_book(page: Path, of_files: dict[Path, Path]) -> str:
    """The text of a page, with links that hold in the book."""
    source = included(page)

    def replace(link: re.Match) -> str:
        bang, text, target = link.groups()
        path, _, anchor = target.partition("#")
        if not path or "://" in target or target.startswith("mailto:"):
            return link[0]
        file = (source.parent / path).resolve()
        if bang:
            return f"![{text}]({picture(file)})"
        if file not in of_files:
            return text
        relative = os.path.relpath(of_files[file], page.parent)
        return f"[{text}]({relative}{'#' + anchor if anchor else ''})"

    return outside_code(source.read_text(), replace)


def picture(file: Path) -> str:
    """A picture as an address that holds it."""
    kinds = {".svg": "image/svg+xml", ".png": "image/png"}
    return f"data:{kinds[file.suffix]};base64,{base64.b64encode(file.read_bytes()).decode()}"


def walk(items: list, of_files: dict[Path, Path]) -> None:
    """Rewrites the chapters of the book."""
    for item in items:
        chapter = item.get("Chapter") if isinstance(item, dict) else None
        if chapter and chapter.get("path"):
            chapter["content"] = for_the_book(SOURCES / chapter["path"], of_files)
        if chapter:
            walk(chapter["sub_items"], of_files)


def main() -> None:
    if sys.argv[1:2] == ["supports"]:
        return
    _, book = json.load(sys.stdin)
    walk(book.get("items", book.get("sections")), pages())
    json.dump(book, sys.stdout)


if __name__ == "__main__":
    main()
