"""What tests compare with, and what not every machine has."""

import importlib
import json
import os
import random
from pathlib import Path

import pytest

SHARED = Path(__file__).parents[3] / "shared" / "metrics"
#: As close as two orders of summation are.
TOLERANCE = 1e-12


def missing(what: str) -> None:
    """Skips a test plainly; a failure where SCST_REQUIRE_ORACLES is 1."""
    if os.environ.get("SCST_REQUIRE_ORACLES") == "1":
        pytest.fail(f"{what}, and SCST_REQUIRE_ORACLES is 1")
    pytest.skip(f"SKIPPED: {what}")


def vectors(name: str):
    """A file of numbers that other programs computed."""
    path = SHARED / name
    if not path.exists():
        missing(f"{path} is not there")
    text = path.read_text(encoding="utf-8")
    return [json.loads(line) for line in text.split("\n") if line] if name.endswith(".jsonl") else json.loads(text)


def module(name: str):
    """A module of pycocoevalcap."""
    try:
        return importlib.import_module(name)
    except ImportError:
        missing(f"{name} is not installed")


def close(found, expected, tolerance=TOLERANCE) -> None:
    """Fails unless all numbers agree, lists of lists included."""
    if isinstance(expected, (list, tuple)) or hasattr(expected, "__len__"):
        assert len(found) == len(expected)
        for ours, theirs in zip(found, expected):
            close(ours, theirs, tolerance)
    else:
        assert abs(found - expected) <= tolerance, (found, expected)


def made_corpus(seed: int, images: int, references: int = 5):
    """Captions of made words, repeated often enough that n-grams meet; some are empty, some oddly spaced."""
    draw = random.Random(seed)
    words = [f"w{index}" for index in range(30)]

    def caption() -> str:
        drawn = draw.choices(words, weights=range(1, 31), k=draw.choice([0, 1, 2, 3, 5, 8, 8, 13]))
        return draw.choice([" ", " ", " ", "  "]).join(drawn)

    gts = {f"image {index}": [caption() for _ in range(draw.randint(1, references))] for index in range(images)}
    res = {key: [draw.choice([caption(), own[0]])] for key, own in gts.items()}
    return gts, res
