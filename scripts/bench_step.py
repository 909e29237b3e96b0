#!/usr/bin/env python3
"""Times of a training step: `scst bench step` beside the same work in PyTorch.

    pip install torch pycocoevalcap          (for the PyTorch side; this script needs the standard library only)
    python3 scripts/bench_step.py --torch PATH/torch_step.py --python PATH/python
    python3 scripts/bench_step.py ... --backend wgpu --device cuda --images 50,500        (on a GPU)
    python3 scripts/bench_step.py --task text --python PATH/python                        (texts: torch_text_step.py)

`torch_step.py` takes the options that are passed here and prints one JSON line with the keys of `scst bench step`, as
`torch_text_step.py` does beside this script. It is run in two styles: `loop` steps through time one word after the
other, `fused` batches over time what can be. The three programs take turns, so that a machine that slows down slows all
of them. Numbers are medians over the rounds, and ratios are those of PyTorch's faster style over ours: above 1, ours is
faster or smaller.

Progress goes to the standard error; the standard output gets one JSON object, or a table with --markdown.
"""

import argparse
import itertools
import json
import pathlib
import statistics
import subprocess
import sys

TEXT_STEP = pathlib.Path(__file__).with_name("torch_text_step.py")
MODELS = {"image": "fc,att2in", "text": "att2in"}
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


def every_size(arguments):
    """The sizes of every comparison, by the names of options."""
    names = ["images"] if arguments.task == "image" else ["sources", "encoder", "source_length"]
    lists = [getattr(arguments, name) for name in ["models", *names, "vocab"]]
    for values in itertools.product(*lists):
        sizes = dict(zip(["model", *names, "vocab"], values))
        yield {**sizes, "threads": arguments.threads, "steps": arguments.steps, "warmup": arguments.warmup}


def title(sizes):
    """Sizes in words."""
    if "images" in sizes:
        return f"{sizes['model']}, {sizes['images']} images, {sizes['vocab']} words"
    texts = f"{sizes['sources']} texts of up to {sizes['source_length']} tokens"
    return f"{sizes['model']} above encoder {sizes['encoder']}, {texts}, {sizes['vocab']} words"


def measure(arguments, sizes):
    """All three programs at one size, in turns."""
    options = [text for name, value in sizes.items() for text in (f"--{name.replace('_', '-')}", str(value))]
    task = [] if arguments.task == "image" else ["--task", arguments.task]
    commands = {"scst": [arguments.scst, "bench", "step", *task, *options, "--backend", arguments.backend]}
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
            print(f"{title(sizes)}, round {k + 1}: {name} {times}", file=sys.stderr)
    ours = medians(rounds["scst"])
    styles = {style: medians(rounds[style]) for style in STYLES}
    faster, ratios = compare(ours, styles)
    return {**sizes, "versions": versions, "medians": {"scst": ours, **styles}, "faster": faster, "ratios": ratios}


def table(result):
    """One size as a Markdown table."""
    columns = ["scst", *STYLES]
    lines = [f"**{title(result)}, {result['threads']} threads**", ""]
    lines += ["| | scst | PyTorch, loop | PyTorch, fused | faster style / scst |", "|---|--:|--:|--:|--:|"]
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
    parser.add_argument("--task", choices=["image", "text"], default="image", help="what is read")
    parser.add_argument("--torch", metavar="FILE", help="the PyTorch program; of texts torch_text_step.py by default")
    parser.add_argument("--python", default=sys.executable, metavar="PROGRAM", help="a Python that has PyTorch")
    parser.add_argument("--scst", default="target/release/scst", metavar="PROGRAM", help="the scst binary")
    parser.add_argument("--rounds", type=positive, default=5, help="runs of every program at every size")
    parser.add_argument("--threads", type=positive, default=2, help="CPU threads")
    parser.add_argument("--models", metavar="MODEL,...", help="the captioners; fc,att2in, of texts att2in by default")
    parser.add_argument("--vocab", default="2600,9500", metavar="N,...", help="words in the vocabulary")
    parser.add_argument("--images", default="10", metavar="N,...", help="images in a batch")
    parser.add_argument("--sources", default="64", metavar="N,...", help="texts in a batch")
    parser.add_argument("--source-length", default="30", metavar="N,...", help="longest text in tokens")
    parser.add_argument("--encoder", default="lstm", metavar="NAME,...", help="what reads texts")
    parser.add_argument("--steps", type=positive, default=20, help="timed steps of a run")
    parser.add_argument("--warmup", type=int, default=3, help="steps before these")
    parser.add_argument("--device", default="cpu", help="PyTorch's device")
    parser.add_argument("--backend", default="flex", help="the backend of scst")
    parser.add_argument("--markdown", action="store_true", help="print a table instead of JSON")
    parsed = parser.parse_args()
    if parsed.torch is None:
        if parsed.task == "image":
            parser.error("--torch: found none, expected a PyTorch program of images, torch_step.py")
        parsed.torch = str(TEXT_STEP)
    parsed.models = (parsed.models or MODELS[parsed.task]).split(",")
    parsed.encoder = parsed.encoder.split(",")
    for name in ["vocab", "images", "sources", "source_length"]:
        found = getattr(parsed, name)
        try:
            setattr(parsed, name, [positive(number) for number in found.split(",")])
        except (ValueError, argparse.ArgumentTypeError):
            parser.error(f"--{name.replace('_', '-')}: found {found!r}, expected whole numbers from 1, joined by commas")
    return parsed


def main():
    given = arguments()
    results = []
    try:
        for sizes in every_size(given):
            result = measure(given, sizes)
            print(table(result), file=sys.stderr if not given.markdown else sys.stdout, flush=True)
            results.append(result)
    except Failed as error:
        sys.exit(f"error: {error}")
    if not given.markdown:
        place = {"device": given.device, "backend": given.backend, "rounds": given.rounds}
        print(json.dumps({**place, "sizes": results}))


if __name__ == "__main__":
    main()
