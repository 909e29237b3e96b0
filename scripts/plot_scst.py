#!/usr/bin/env python3
"""Self-critical stages of several runs in one picture: training reward, validation CIDEr-D, distinct captions, length.

    pip install matplotlib
    python3 scripts/plot_scst.py "10 images a batch=runs/a" "50 images a batch=runs/b" --out picture.svg
    python3 scripts/plot_scst.py "three seeds=runs/a,runs/b,runs/c" --out picture.svg

Reads `metrics.jsonl` of every run; the horizontal axis is epochs of the run's `scst` stage. Several runs of one name are
drawn as their mean, in a band from the lowest to the highest, as far as the shortest goes.
"""

import argparse
import collections
import json
import pathlib
import sys

PANELS = [
    ("reward", "mean reward of samples, training"),
    ("cider_d", "CIDEr-D, validation, greedy"),
    ("distinct_captions", "distinct captions, validation"),
    ("mean_length", "words of a caption, validation"),
]


def curves(run, stage):
    """Values by epoch: training metrics are means over the epoch, validations are as they were."""
    path = pathlib.Path(run) / "metrics.jsonl"
    try:
        records = [json.loads(line) for line in path.read_text().splitlines()]
    except (OSError, ValueError) as error:
        sys.exit(f"error: cannot read {path}: {error}")
    records = [record for record in records if record["stage"] == stage]
    validations = [record for record in records if record["kind"] == "validation"]
    if not validations:
        sys.exit(f"error: {path} has no validation of a stage `{stage}`")
    ends = [record["step"] for record in validations]
    rewards = collections.defaultdict(list)
    for record in records:
        if record["kind"] == "train" and record["step"] <= ends[-1]:
            rewards[sum(end < record["step"] for end in ends)].append(record["reward"])
    lines = {name: [record[name] for record in validations] for name, _ in PANELS[1:]}
    lines["reward"] = [sum(values) / len(values) for _, values in sorted(rewards.items())]
    return lines


def main():
    parser = argparse.ArgumentParser(description="Self-critical stages of several runs in one picture.")
    parser.add_argument("runs", nargs="+", metavar="NAME=RUN[,RUN]", help="a name for the legend and run directories")
    parser.add_argument("--stage", default="scst", help="the name of the stage (default: scst)")
    parser.add_argument("--out", required=True, metavar="FILE", help="the picture: .svg or .png")
    arguments = parser.parse_args()

    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "scst"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(PANELS), figsize=(14, 3.2), layout="constrained")
    for given in arguments.runs:
        name, separator, runs = given.partition("=")
        if not separator:
            parser.error(f"found {given!r}, expected NAME=RUN[,RUN]")
        lines = [curves(run, arguments.stage) for run in runs.split(",")]
        for axis, (key, _) in zip(axes, PANELS):
            epochs = list(zip(*(line[key] for line in lines)))
            numbers = range(1, len(epochs) + 1)
            means = [sum(values) / len(values) for values in epochs]
            (drawn,) = axis.plot(numbers, means, marker="o", markersize=3, label=name)
            if len(lines) > 1:
                low, high = map(min, epochs), map(max, epochs)
                axis.fill_between(numbers, list(low), list(high), alpha=0.2, color=drawn.get_color(), linewidth=0)
    for axis, (_, title) in zip(axes, PANELS):
        axis.set_title(title, fontsize=9)
        axis.set_xlabel("epoch", fontsize=8)
        axis.tick_params(labelsize=8)
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.grid(alpha=0.3)
    axes[0].legend(fontsize=8)
    figure.savefig(arguments.out, metadata={"Date": None} if arguments.out.endswith(".svg") else None)


if __name__ == "__main__":
    main()
