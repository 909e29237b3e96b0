#!/usr/bin/env python3
"""Times of a training step: `scst bench step` beside the same work in PyTorch.

    pip install torch pycocoevalcap          (for the PyTorch side; this script needs the standard library only)
    python3 scripts/bench_step.py --torch PATH/torch_step.py --python PATH/python
    python3 scripts/bench_step.py ... --backend wgpu --device cuda --images 50,500        (on a GPU)

`torch_step.py` takes the options that are passed here and prints one JSON line with the keys of `scst bench step`. It
is run in two styles: `loop` steps through time one word after the other, `fused` batches over time what can be. The
three programs take turns, so that a machine that slows down slows all of them. Numbers are medians over the rounds, and
ratios are those of PyTorch's faster style over ours: above 1, ours is faster or smaller.

Progress goes to the standard error; the standard output gets one JSON object, or a table with --markdown.
"""

import argparse
import itertools
import json
import statistics
import subprocess
import sys

STYLES = ["loop", "fused"]
PARTS = ["greedy", "rollout", "reward", "update"]
TIMES = ["xe_ms", "scst_ms", *PARTS]
MEMORY = ["peak_rss_mib", "peak_device_mib"]
STDERR_LINES = 10


class Failed(Exception):
    """A program that did not do what it was asked for."""


def numbers(report):
    """The measured numbers of a report, the parts beside the rest; those that are unknown are left out."""
    found = {**report, **report["scst_parts_ms"]}
    return {name: found[name] for name in TIMES + MEMORY if found.get(name) is not None}


def medians(rounds):
    """The median of every number over the rounds that have it."""
    names = [name for name in TIMES + MEMORY if any(name in one for one in rounds)]
    return {name: round(statistics.median(one[name] for one in rounds if name in one), 2) for name in names}


def compare(ours, styles):
    """The faster PyTorch style of each kind of step, and the ratios of its medians over ours.

    The parts of a self-critical step are those of the style that is faster in the whole of it: what one style saves in
    one part it pays for in another. Memory is that of the style that needs less.
    """
    faster = {name: min(STYLES, key=lambda style: styles[style][name]) for name in ["xe_ms", "scst_ms"]}
    ratios = {}
    for name in TIMES:
        theirs = styles[faster["xe_ms" if name == "xe_ms" else "scst_ms"]][name]
        ratios[name] = round(theirs / ours[name], 2) if ours[name] else None
    for name in MEMORY:
        theirs = [styles[style][name] for style in STYLES if name in styles[style]]
        ratios[name] = round(min(theirs) / ours[name], 2) if theirs and ours.get(name) else None
    return faster, ratios


def run(command):
    """The JSON object on the last line that a program prints."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise Failed(f"cannot start {command[0]}: {error.strerror}") from error
    if done.returncode != 0:
        errors = "\n".join("  " + line for line in done.stderr.strip().splitlines()[-STDERR_LINES:])
        raise Failed(f"`{' '.join(command)}` ended with code {done.returncode}:\n{errors or '  it said nothing'}")
    try:
        return json.loads(done.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError) as error:
        raise Failed(f"`{' '.join(command)}` printed no JSON") from error


def measure(arguments, model, vocab, images):
    """All three programs at one size, in turns."""
    sizes = {
        "model": model,
        "vocab": vocab,
        "images": images,
        "threads": arguments.threads,
        "steps": arguments.steps,
        "warmup": arguments.warmup,
    }
    options = [text for name, value in sizes.items() for text in (f"--{name}", str(value))]
    commands = {"scst": [arguments.scst, "bench", "step", *options, "--backend", arguments.backend]}
    for style in STYLES:
        commands[style] = [arguments.python, arguments.torch, *options, "--style", style, "--device", arguments.device]
    rounds = {name: [] for name in commands}
    versions = {}
    for k in range(arguments.rounds):
        for name, command in commands.items():
            report = run(command)
            rounds[name].append(numbers(report))
            versions["scst" if name == "scst" else "torch"] = report["scst" if name == "scst" else "torch"]
            times = f"xe {report['xe_ms']} ms, scst {report['scst_ms']} ms"
            print(f"{model}, {images} images, {vocab} words, round {k + 1}: {name} {times}", file=sys.stderr)
    ours = medians(rounds["scst"])
    styles = {style: medians(rounds[style]) for style in STYLES}
    faster, ratios = compare(ours, styles)
    return {**sizes, "versions": versions, "medians": {"scst": ours, **styles}, "faster": faster, "ratios": ratios}


def table(result):
    """One size as a Markdown table."""
    columns = ["scst", *STYLES]
    title = f"{result['model']}, {result['images']} images, {result['vocab']} words, {result['threads']} threads"
    lines = [f"**{title}**", "", "| | scst | PyTorch, loop | PyTorch, fused | faster style / scst |", "|---|--:|--:|--:|--:|"]
    names = {"xe_ms": "XE step, ms", "scst_ms": "SCST step, ms", "peak_rss_mib": "peak memory, MiB"}
    names |= {"peak_device_mib": "peak device memory, MiB", **{part: f"SCST {part}, ms" for part in PARTS}}
    for name in TIMES + MEMORY:
        cells = [result["medians"][column].get(name) for column in columns]
        if any(cell is not None for cell in cells):
            cells = [names[name], *("" if cell is None else f"{cell:g}" for cell in cells)]
            ratio = result["ratios"][name]
            lines.append(f"| {' | '.join(cells)} | {'' if ratio is None else f'{ratio:.2f}'} |")
    return "\n".join(lines) + "\n"


def positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"found {value}, expected 1 or more")
    return value


def arguments():
    parser = argparse.ArgumentParser(
        description="Times of a training step: scst beside PyTorch.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--torch", required=True, metavar="FILE", help="the PyTorch program, torch_step.py")
    parser.add_argument("--python", default=sys.executable, metavar="PROGRAM", help="a Python that has PyTorch")
    parser.add_argument("--scst", default="target/release/scst", metavar="PROGRAM", help="the scst binary")
    parser.add_argument("--rounds", type=positive, default=5, help="runs of every program at every size")
    parser.add_argument("--threads", type=positive, default=2, help="CPU threads")
    parser.add_argument("--models", default="fc,att2in", metavar="MODEL,...", help="the captioners")
    parser.add_argument("--vocab", default="2600,9500", metavar="N,...", help="words in the vocabulary")
    parser.add_argument("--images", default="10", metavar="N,...", help="images in a batch")
    parser.add_argument("--steps", type=positive, default=20, help="timed steps of a run")
    parser.add_argument("--warmup", type=int, default=3, help="steps before these")
    parser.add_argument("--device", default="cpu", help="PyTorch's device")
    parser.add_argument("--backend", default="flex", help="the backend of scst")
    parser.add_argument("--markdown", action="store_true", help="print a table instead of JSON")
    parsed = parser.parse_args()
    for name in ["vocab", "images"]:
        found = getattr(parsed, name)
        try:
            setattr(parsed, name, [positive(number) for number in found.split(",")])
        except (ValueError, argparse.ArgumentTypeError):
            parser.error(f"--{name}: found {found!r}, expected whole numbers from 1, joined by commas")
    return parsed


def main():
    given = arguments()
    results = []
    try:
        sizes = itertools.product(given.models.split(","), given.images, given.vocab)
        for model, images, vocab in sizes:
            result = measure(given, model, vocab, images)
            print(table(result), file=sys.stderr if not given.markdown else sys.stdout, flush=True)
            results.append(result)
    except Failed as error:
        sys.exit(f"error: {error}")
    if not given.markdown:
        place = {"device": given.device, "backend": given.backend, "rounds": given.rounds}
        print(json.dumps({**place, "sizes": results}))


if __name__ == "__main__":
    main()
