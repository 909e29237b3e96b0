#!/usr/bin/env python3
"""Draw the table of self-critical objectives at equal time, `data/results/README.md#equal-time`, as a picture.

    pip install matplotlib
    python3 scripts/plot_objectives.py --out data/results/equal_time.svg
"""

import argparse
import re
import sys
from pathlib import Path

RESULTS = Path(__file__).parent.parent / "data/results/README.md"
HEADING, COLUMNS = "### Equal time\n", "| objective | best, seed 1 | 2 | last three, seed 1 | 2 |"
# CIDEr-D of the cross-entropy that all of them begin with, and what the table gives the second of.
START, REACHED = 0.405, 0.45


def rows():
    """Of every objective its name, and of each seed the best validation and the mean of the last three."""
    section = RESULTS.read_text().partition(HEADING)[2].partition("\n### ")[0]
    lines = section.splitlines()
    head = next((k for k, line in enumerate(lines) if line.startswith(COLUMNS)), None)
    if head is None:
        sys.exit(f"error: {RESULTS}: found no table that begins with `{COLUMNS}` below `{HEADING.strip()}`")
    for line in lines[head + 2 :]:
        if not line.startswith("|"):
            return
        name, *numbers = [cell.strip() for cell in line.strip("|").split("|")]
        best_1, best_2, last_1, last_2 = [float(number) if number else None for number in numbers[:4]]
        yield re.sub("`", "", name), [(best_1, last_1), (best_2, last_2)]


def main():
    parser = argparse.ArgumentParser(description="Self-critical objectives at equal time in one picture.")
    parser.add_argument("--out", required=True, metavar="FILE", help="the picture: .svg or .png")
    arguments = parser.parse_args()

    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "scst"
    from matplotlib import pyplot

    found = sorted(rows(), key=lambda row: sum(best for best, _ in row[1] if best) / sum(1 for best, _ in row[1] if best))
    figure, axis = pyplot.subplots(figsize=(9, 4.2), layout="constrained")
    for place, (_, seeds) in enumerate(found):
        for seed, (best, last) in enumerate(seeds):
            if best is None:
                continue
            at = place + 0.12 * (1 - 2 * seed)
            color = f"C{seed}"
            axis.plot([last, best], [at, at], color=color, alpha=0.4, linewidth=2)
            axis.plot(last, at, marker="o", color=color, markerfacecolor="white", linestyle="none")
            axis.plot(best, at, marker="o", color=color, linestyle="none")
    for seed in (1, 2):
        axis.plot([], [], marker="o", color=f"C{seed - 1}", linestyle="none", label=f"seed {seed}: best validation")
        axis.plot([], [], marker="o", color=f"C{seed - 1}", markerfacecolor="white", linestyle="none", label="mean of the last three")
    axis.axvline(START, color="grey", linestyle="--", linewidth=1, label="cross-entropy before")
    axis.axvline(REACHED, color="grey", linestyle=":", linewidth=1)
    axis.set_yticks(range(len(found)), [name for name, _ in found], fontsize=8)
    axis.set_xlabel("CIDEr-D, validation, greedy", fontsize=8)
    axis.tick_params(axis="x", labelsize=8)
    axis.grid(axis="x", alpha=0.3)
    axis.legend(fontsize=8, loc="lower right")
    figure.savefig(arguments.out, metadata={"Date": None} if arguments.out.endswith(".svg") else None)


if __name__ == "__main__":
    main()
