#!/usr/bin/env python3
"""How a training step scales over ranks: measured on this machine, and a model of more ranks on slower links.

    cargo build --release --features mpi
    python3 scripts/bench_ranks.py --models fc,transformer --ranks 1,2 > ranks.md

Every rank has one thread. Strong scaling divides one batch, weak scaling gives every rank a batch; sizes are run in turns, so that
a machine that slows down slows all of them, and numbers are medians. Progress goes to the standard error; the standard
output gets Markdown.

The model takes from the measurements the time that one rank computes its batch for, and the time of the exchanges of a captioner so
small that its gradient weighs nothing, on two ranks (L). On N ranks a step waits

    L (N-1)                      for a message of each of the others
  + 2 (N-1)/N * 4 P / rate       for P numbers of the gradient, sent once around

It says what 2 ranks should take beside what they took, which tells how far it is to be trusted.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).parent.parent
TINY = ["--model", "fc", "--hidden", "8", "--vocab", "50", "--images", "4", "--feature", "8", "--samples", "2"]
RATES = {"1 Gb/s": 1e9 / 8, "10 Gb/s": 1e10 / 8, "100 Gb/s": 1e11 / 8}
MORE_RANKS = [8, 64, 256]


def run(program, ranks, options, parts=None):
    command = [program, "bench", "step", "--threads", "1", "--parts", str(parts or ranks), *options]
    if ranks > 1:
        command = [str(ROOT / "scripts/ranks.sh"), str(ranks), *command]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"error: `{' '.join(command)}` ended with code {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def medians(reports):
    """The median of every number, also of those one level below."""
    first = reports[0]
    result = {}
    for key, value in first.items():
        if isinstance(value, dict):
            result[key] = medians([report[key] for report in reports])
        elif isinstance(value, (int, float)):
            result[key] = statistics.median(report[key] for report in reports)
        else:
            result[key] = value
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=str(ROOT / "target/release/scst"))
    parser.add_argument("--models", default="fc,transformer")
    parser.add_argument("--ranks", default="1,2", help="those to measure; 1 has to be among them")
    parser.add_argument("--images", type=int, default=10, help="of a batch, divided in strong scaling, times the ranks in weak scaling")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    ranks = [int(number) for number in arguments.ranks.split(",")]
    common = ["--steps", str(arguments.steps), "--warmup", "1"]
    cases = {}
    for model in arguments.models.split(","):
        for number in ranks:
            cases[(model, "strong", number)] = ["--model", model, "--images", str(arguments.images)]
            cases[(model, "weak", number)] = ["--model", model, "--images", str(arguments.images * number)]
    found = {case: [] for case in cases}
    tiny = []
    for turn in range(arguments.rounds):
        for case, options in cases.items():
            model, kind, number = case
            print(f"round {turn + 1}: {model}, {kind}, {number} ranks", file=sys.stderr)
            found[case].append(run(arguments.program, number, options + common))
        tiny.append(run(arguments.program, 2, TINY + ["--steps", "100", "--warmup", "10"]))
    found = {case: medians(reports) for case, reports in found.items()}
    latency = medians(tiny)["ranks"]

    print("| captioner | images | ranks | cross-entropy | times as fast | exchanges | self-critical | times as fast | exchanges | sent a step |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    for (model, kind, number), report in found.items():
        alone = found[(model, kind, 1)]
        work = number if kind == "weak" else 1
        of_ranks = report.get("ranks", {"xe_exchange_ms": 0, "scst_exchange_ms": 0, "scst_sent_bytes": 0})
        print(
            f"| {model}, {kind} | {report['images']:.0f} | {number} "
            f"| {report['xe_ms']:.0f} ms | {work * alone['xe_ms'] / report['xe_ms']:.2f} | {of_ranks['xe_exchange_ms']:.1f} ms "
            f"| {report['scst_ms']:.0f} ms | {work * alone['scst_ms'] / report['scst_ms']:.2f} | {of_ranks['scst_exchange_ms']:.1f} ms "
            f"| {of_ranks['scst_sent_bytes'] / 2**20:.1f} MiB |"
        )
    print(
        f"\nExchanges of a captioner of {latency['parameters']:.0f} numbers on 2 ranks: {latency['xe_exchange_ms']:.2f} ms of a "
        f"cross-entropy step, {latency['scst_exchange_ms']:.2f} ms of a self-critical one.\n"
    )
    print("Share of the time of a self-critical step that is computed, every rank having a batch of its own (the model):\n")
    print("| captioner | numbers | ranks | " + " | ".join(RATES) + " |")
    print("|---|--:|--:|" + "--:|" * len(RATES))
    for model in arguments.models.split(","):
        computed = found[(model, "weak", 1)]["scst_ms"] / 1e3
        pair = found.get((model, "weak", 2))
        if pair is None:
            continue
        numbers = pair["ranks"]["parameters"]
        for number in MORE_RANKS:
            shares = []
            for rate in RATES.values():
                waits = latency["scst_exchange_ms"] / 1e3 * (number - 1) + 2 * (number - 1) / number * 4 * numbers / rate
                shares.append(f"{100 * computed / (computed + waits):.0f} %")
            print(f"| {model} | {numbers / 1e6:.1f} M | {number} | " + " | ".join(shares) + " |")
        share = computed / (pair["scst_ms"] / 1e3)
        print(f"| {model} | {numbers / 1e6:.1f} M | 2, measured in memory | {100 * share:.0f} % | | |")


if __name__ == "__main__":
    main()
