#!/usr/bin/env python3
"""How the time and the memory of a training step grow with its sizes.

    pip install matplotlib                   (for the plot; the table needs the standard library only)
    python3 scripts/bench_scaling.py --plot scaling.svg > scaling.md

Runs `scst bench step` with one size changed at a time. Every size is run several times, in turns with all others, so
that a machine that slows down slows all of them; numbers are medians. Progress goes to the standard error; the
standard output gets Markdown.
"""

import argparse
import json
import statistics
import subprocess
import sys

BASE = {"images": 10, "samples": 5, "vocab": 2600, "hidden": 512, "length": 16, "threads": 2}
VALUES = {
    "images": [5, 10, 20, 50],
    "samples": [1, 2, 5, 10, 20],
    "vocab": [1300, 2600, 5200, 9500, 19000],
    "hidden": [128, 256, 512, 1024],
    "length": [9, 12, 16, 24, 32],
    "threads": [1, 2],
}
# Memory must not grow with images x samples x length x words.
MEMORY_VOCAB = 9500
MEMORY_IMAGES = [10, 20, 50, 100]


def run(program, model, sizes, steps):
    options = [text for name, value in sizes.items() for text in (f"--{name}", str(value))]
    command = [program, "bench", "step", "--model", model, *options, "--steps", str(steps), "--warmup", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"error: `{' '.join(command)}` ended with code {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def cases():
    """Every set of sizes that is run, without repetition, in a fixed order."""
    found = [{**BASE, name: value} for name, values in VALUES.items() for value in values]
    found += [{**BASE, "vocab": MEMORY_VOCAB, "images": images} for images in MEMORY_IMAGES]
    return list({key(sizes): sizes for sizes in found}.values())


def key(sizes):
    return tuple(sizes.items())


def measure(given, model):
    """Medians of times and memory by sizes."""
    reports = {key(sizes): [] for sizes in cases()}
    for number in range(given.rounds):
        for sizes in cases():
            report = run(given.scst, model, sizes, given.steps)
            reports[key(sizes)].append(report)
            changed = {name: value for name, value in sizes.items() if BASE[name] != value}
            print(f"{model}, round {number + 1}, {changed}: scst {report['scst_ms']} ms", file=sys.stderr)
    names = ["xe_ms", "scst_ms", "peak_rss_mib"]
    return {
        sizes: {name: statistics.median(report[name] for report in found) for name in names}
        for sizes, found in reports.items()
    }


def table(model, medians):
    base = ", ".join(f"{value} {name}" for name, value in BASE.items())
    lines = [f"**{model}** ({base}, but for what the row says)", "", "| | xe, ms | scst, ms | peak memory, MiB |"]
    lines += ["|---|--:|--:|--:|"]
    for name, values in VALUES.items():
        for value in values:
            found = medians[key({**BASE, name: value})]
            times = f"{found['xe_ms']:.0f} | {found['scst_ms']:.0f} | {found['peak_rss_mib']:.0f}"
            lines.append(f"| {name} {value} | {times} |")
    lines += ["", f"{MEMORY_VOCAB} words:", "", "| images | peak memory, MiB | all logits of the samples, MiB |"]
    lines += ["|--:|--:|--:|"]
    for images in MEMORY_IMAGES:
        sizes = {**BASE, "vocab": MEMORY_VOCAB, "images": images}
        logits = images * BASE["samples"] * BASE["length"] * MEMORY_VOCAB * 4 / 2**20
        lines.append(f"| {images} | {medians[key(sizes)]['peak_rss_mib']:.0f} | {logits:.0f} |")
    return "\n".join(lines) + "\n"


def plot(path, models, results):
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "scst", "font.size": 8, "svg.fonttype": "none"})
    from matplotlib import pyplot

    columns = [*VALUES, "memory"]
    figure, axes = pyplot.subplots(2, 4, figsize=(11, 5), layout="constrained")
    for axis, name in zip(axes.flat, columns):
        for model, colour in zip(models, ["tab:blue", "tab:orange", "tab:green"]):
            if name == "memory":
                sizes = [{**BASE, "vocab": MEMORY_VOCAB, "images": images} for images in MEMORY_IMAGES]
                memory = [results[model][key(size)]["peak_rss_mib"] for size in sizes]
                axis.plot(MEMORY_IMAGES, memory, "o-", color=colour, label=model)
                continue
            found = [results[model][key({**BASE, name: value})] for value in VALUES[name]]
            axis.plot(VALUES[name], [one["scst_ms"] for one in found], "o-", color=colour, label=f"{model}, scst")
            axis.plot(VALUES[name], [one["xe_ms"] for one in found], "o--", color=colour, label=f"{model}, xe")
        axis.set_xlabel(f"images, {MEMORY_VOCAB} words" if name == "memory" else name)
        axis.set_ylabel("peak memory, MiB" if name == "memory" else "ms a step")
        axis.set_ylim(bottom=0)
        axis.set_xlim(left=0)
        axis.grid(alpha=0.3)
    axes.flat[0].legend(frameon=False)
    axes.flat[len(columns)].set_axis_off()
    figure.savefig(path, metadata={"Date": None})


def main():
    parser = argparse.ArgumentParser(
        description="How a training step grows with its sizes.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--scst", default="target/release/scst", metavar="PROGRAM", help="the scst binary")
    parser.add_argument("--models", default="fc,att2in", metavar="MODEL,...", help="the captioners")
    parser.add_argument("--rounds", type=int, default=3, help="runs of every size")
    parser.add_argument("--steps", type=int, default=6, help="timed steps of a run")
    parser.add_argument("--plot", metavar="FILE", help="where a picture goes")
    given = parser.parse_args()
    models = given.models.split(",")
    results = {model: measure(given, model) for model in models}
    for model in models:
        print(table(model, results[model]))
    if given.plot:
        plot(given.plot, models, results)


if __name__ == "__main__":
    main()
