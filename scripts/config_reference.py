#!/usr/bin/env python3
"""Write the reference of all keys of a configuration from the schema, which is made of their types.

    python3 scripts/config_reference.py            # writes docs/src/configuration-reference.md
    python3 scripts/config_reference.py --check    # says whether the page is current, and writes nothing
"""

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = ROOT / "data/schema/config.json"
PAGE = ROOT / "docs/src/configuration-reference.md"

HEAD = """\
# Configuration reference

Every key of a configuration: what it holds, its default, and what it means. This page is made of
`data/schema/config.json` by `scripts/config_reference.py`; `scst config --explain KEY` says the same in a terminal. `N`
stands for the number of an element of a list. A key without a default may be absent. How values are set, and what belongs
together: [Configuration](configuration.md).
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare, and write nothing")
    check = parser.parse_args().check
    page = reference(json.loads(SCHEMA.read_text()))
    if not check:
        PAGE.write_text(page)
    elif not PAGE.exists() or PAGE.read_text() != page:
        name = PAGE.relative_to(ROOT)
        print(f"{name} is not current: run `python3 scripts/config_reference.py`", file=sys.stderr)
        return 1
    return 0


def reference(schema: dict) -> str:
    """The page."""
    return "\n".join([HEAD, *tables("", schema)])


def tables(path: str, node: dict) -> list[str]:
    """The section of a table, then those of the tables in it."""
    title = f"## {path}" if path else "## Top level"
    lines = [title, ""]
    if path and "description" in node:
        lines += [cell(node["description"], table=False), ""]
    lines += ["| key | holds | meaning |", "|---|---|---|"]
    below = []
    required = node.get("required", [])
    for key, value in node["properties"].items():
        lines += rows(path, key, value, key in required, below)
    lines.append("")
    for rule, words in [("x-one-of", "One of"), ("x-never-both", "Never both of")]:
        if rule in node:
            keys = ", ".join(f"`{key}`" for key in node[rule])
            lines += [f"{words} these keys: {keys}.", ""]
    for inner, value in below:
        lines += tables(inner, value)
    return lines


def rows(path: str, key: str, node: dict, required: bool, below: list) -> list[str]:
    """The row of a key, and of the keys of its variants that hold one value; tables are left for sections of their own."""
    inner = f"{path}.{key}" if path else key
    meaning = [cell(node.get("description", ""))]
    own = []
    for variant in node.get("oneOf", []):
        name, value = alternative(variant)
        about = variant.get("description") or value.get("description", "")
        meaning.append(f"`{name}`: {cell(about)}")
        if value.get("properties"):
            below.append((f"{inner}.{name}", {**value, "description": about}))
            meaning[-1] = f"[`{name}`](#{anchor(below[-1][0])}): {cell(about)}"
        elif value and "const" not in value:
            own += rows(path, f"{key}.{name}", {**value, "description": about}, False, below)
    elements = node.get("items", {})
    for choice in elements.get("oneOf", []):
        meaning.append(f"`{choice['const']}`: {cell(choice.get('description', ''))}")
    if node.get("properties"):
        below.append((inner, node))
    if elements.get("properties"):
        below.append((f"{inner}.N", elements))
    holds = kind(node)
    if below and below[-1][0] in (inner, f"{inner}.N"):
        holds = f"[{holds}](#{anchor(below[-1][0])})"
    holds = "<br>".join(filter(None, [holds, default(node, required)]))
    return [f"| `{key}` | {holds} | {'<br>'.join(filter(None, meaning))} |", *own]


def anchor(path: str) -> str:
    """The anchor of a table's section."""
    return path.lower().replace(".", "")


def alternative(variant: dict) -> tuple[str, dict]:
    """The name of a variant, and what its key holds; a name alone holds nothing."""
    if "const" in variant:
        return variant["const"], {}
    ((name, value),) = variant["properties"].items()
    return name, value


def kind(node: dict) -> str:
    """What a key holds, with its range."""
    if "oneOf" in node:
        forms = {"const" in variant for variant in node["oneOf"]}
        words = {True: "a name", False: "a table of one key"}
        return " or ".join(words[form] for form in (True, False) if form in forms)
    form = node.get("type")
    if form == "array":
        elements = node["items"]
        return "list of tables" if elements.get("properties") else f"list: {kind(elements)}"
    names = {"string": "text", "boolean": "true or false", "object": "table"}
    if form in names:
        return names[form]
    return ", ".join([{"integer": "whole number", "number": "number"}[form], *bounds(node)])


def bounds(node: dict) -> list[str]:
    """The range of a number."""
    low, high = node.get("minimum"), node.get("maximum")
    above, below = node.get("exclusiveMinimum"), node.get("exclusiveMaximum")
    if low is not None and high is not None:
        return [f"{bound(low)} to {bound(high)}"]
    found = []
    if low is not None:
        found.append(f"{bound(low)} or more")
    if above is not None:
        found.append(f"above {bound(above)}")
    if high is not None:
        found.append(f"at most {bound(high)}")
    if below is not None:
        found.append(f"less than {bound(below)}")
    return found


def default(node: dict, required: bool) -> str:
    """The default of a key; nothing where it may be absent, or is a table whose keys have theirs."""
    if required:
        return "has to be given"
    if "default" not in node or node.get("properties"):
        return ""
    text = f"default `{toml(node['default'])}`"
    if "x-default-scst" in node:
        text += f", in an scst stage `{toml(node['x-default-scst'])}`"
    return text


def toml(value: object) -> str:
    """A value as TOML writes it."""
    if isinstance(value, dict):
        inner = ", ".join(f"{key} = {toml(own)}" for key, own in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list):
        return "[" + ", ".join(toml(own) for own in value) + "]"
    return number(value) if isinstance(value, float) else json.dumps(value)


def number(value: float) -> str:
    """A number without noise."""
    return repr(value).replace("e-0", "e-")


def bound(value: float) -> str:
    """The end of a range."""
    if value != int(value):
        return number(value)
    whole = int(value)
    for power in (63, 32):
        if whole == 2**power - 1:
            return f"2^{power} - 1"
    digits = str(whole)
    is_round = len(digits) > 6 and digits.rstrip("0") == digits[0]
    return f"{digits[0]}e{len(digits) - 1}" if is_round else digits


def cell(text: str, table: bool = True) -> str:
    """A description on one line."""
    line = " ".join(text.split())
    return line.replace("|", "\\|") if table else line


if __name__ == "__main__":
    sys.exit(main())
