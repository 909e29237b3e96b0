#!/usr/bin/env python3
"""Tokens of lines of text as coco-caption's own PTB tokenizer makes them, punctuation included.

    pip install pycocoevalcap          (needs Java)
    python3 scripts/ptb_java.py < lines.txt
    python3 scripts/ptb_java.py --refresh crates/reward/tests/fixtures/ptb_java.json

Prints one line of tokens for each line, or writes into the fixture what the tokenizer makes of its lines, and of every
character of the Basic Multilingual Plane in each of its surroundings, of which it keeps the SHA-256. A word follows
every line, so that no line depends on the next.
"""

import hashlib
import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path

JAR = "stanford-corenlp-3.4.1.jar"
# The word after every line, by which lines are found again where a character breaks them.
END = "zqz"


def jar():
    spec = importlib.util.find_spec("pycocoevalcap")
    if spec is None:
        sys.exit("pycocoevalcap is missing: pip install pycocoevalcap")
    return Path(spec.submodule_search_locations[0]) / "tokenizer" / JAR


def java_tokens(lines, lower=True):
    """The tokens of every line, joined by spaces; in small letters, as coco-caption asks for, or as they are."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="", suffix=".txt") as file:
        file.write("\n".join(f"{line} {END}" for line in lines))
        file.flush()
        command = ["java", "-cp", jar(), "edu.stanford.nlp.process.PTBTokenizer", "-preserveLines"]
        command += ["-lowerCase"] if lower else []
        output = subprocess.run([*command, file.name], capture_output=True, check=True).stdout.decode("utf-8")
    found, tokens = [], []
    for part in output.split("\n"):
        tokens += part.split(" ") if part else []
        if tokens and tokens[-1] == END:
            found.append(" ".join(tokens[:-1]))
            tokens = []
    if len(found) != len(lines):
        sys.exit(f"the tokenizer printed {len(found)} lines for {len(lines)}")
    return found


def characters():
    """All characters of the Basic Multilingual Plane but the line feed, assigned or not."""
    codes = [code for code in range(1, 0x10000) if not 0xD800 <= code < 0xE000]
    return [chr(code) for code in codes if chr(code) != "\n"]


def digest(surrounding):
    tokens = java_tokens([surrounding.replace("%", character) for character in characters()])
    return hashlib.sha256("".join(f"{line}\n" for line in tokens).encode("utf-8")).hexdigest()


def refresh(path):
    fixture = json.loads(path.read_text(encoding="utf-8"))
    lines = [line for line, _ in fixture["lines"]]
    pairs = {
        "lines": zip(lines, java_tokens(lines)),
        "digests": [(surrounding, digest(surrounding)) for surrounding, _ in fixture["digests"]],
    }
    rows = {key: ",\n".join(f"    {json.dumps(pair)}" for pair in value) for key, value in pairs.items()}
    text = ",\n".join(f'  "{key}": [\n{value}\n  ]' for key, value in rows.items())
    path.write_text(f"{{\n{text}\n}}\n", encoding="utf-8")


def main():
    if sys.argv[1:2] == ["--refresh"] and len(sys.argv) == 3:
        refresh(Path(sys.argv[2]))
    elif len(sys.argv) == 1:
        for line in java_tokens(sys.stdin.read().split("\n")[:-1]):
            print(line)
    else:
        sys.exit("usage: ptb_java.py < LINES, or ptb_java.py --refresh FIXTURE")


if __name__ == "__main__":
    main()
