#!/usr/bin/env python3
"""Tokens of lines of text as coco-caption's own PTB tokenizer makes them, punctuation included.

    pip install pycocoevalcap          (needs Java)
    python3 scripts/ptb_java.py < lines.txt

Prints one line of tokens for each line. Every caption is tokenised as if nothing followed it but a word.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import importlib.util

JAR = "stanford-corenlp-3.4.1.jar"
# A word at the end of every line, so that lines are found again where a character breaks them, and so that no caption
# looks at the next.
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


if __name__ == "__main__":
    for line in java_tokens(sys.stdin.read().split("\n")[:-1]):
        print(line)
