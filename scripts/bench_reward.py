#!/usr/bin/env python3
"""Captions a second that `scst reward --serve` scores for a client in Python, JSON on both sides included.

    python3 scripts/bench_reward.py target/release/scst

Images with 5 references of 10 words, drawn from 2,000 words as often as words of captions are, and candidates that are
references with three words changed. Each line is the median of several rounds over the same requests. `server` leaves
out what Python takes for its JSON: requests are written beforehand, answers not read.
"""

import argparse
import json
import random
import statistics
import tempfile
import time
from pathlib import Path

from reward_client import RewardClient

IMAGES, REFERENCES, WORDS, VOCABULARY = 5000, 5, 10, 2000


def sentences(generator):
    """References of every image, as token ids from 1."""
    ids = range(1, VOCABULARY + 1)
    weights = [1 / id for id in ids]
    draw = lambda: generator.choices(ids, weights, k=WORDS)
    return {f"{image}.jpg": [draw() for _ in range(REFERENCES)] for image in range(IMAGES)}


def requests(references, batch, form, generator):
    """Enough captions for about a second, in requests of `batch`; `form` turns token ids into the keys of a caption."""
    names = list(references)
    made = []
    for _ in range(max(1, 40_000 // batch)):
        captions = []
        for name in generator.choices(names, k=batch):
            caption = list(generator.choice(references[name]))
            for place in generator.sample(range(WORDS), 3):
                caption[place] = generator.randint(1, VOCABULARY)
            captions.append({"image_id": name, **form(caption)})
        made.append(captions)
    return made


def rate(captions, work, rounds):
    """The median of captions a second."""
    rates = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        rates.append(captions / (time.perf_counter() - start))
    return statistics.median(rates)


def measure(client, made, rounds):
    """Captions a second for the client, and for the server alone."""
    captions = sum(map(len, made))
    lines = [json.dumps({"captions": request}).encode() + b"\n" for request in made]

    def raw():
        for line in lines:
            client.server.stdin.write(line)
            client.server.stdin.flush()
            client.server.stdout.readline()

    def ask():
        for request in made:
            client.score(request)

    return rate(captions, ask, rounds), rate(captions, raw, rounds)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", help="the scst binary")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", default="2", help="threads of the server")
    arguments = parser.parse_args()
    generator = random.Random(1)
    references = sentences(generator)
    spell = lambda ids: " ".join(f"w{id}" for id in ids)
    kinds = {
        "ids": (lambda ids: {"tokens": ids + [0]}, lambda ids: ids + [0], ["--ids", "--end-token", "0"]),
        "text": (lambda ids: {"text": spell(ids)}, spell, []),
    }
    with tempfile.TemporaryDirectory() as folder:
        for kind, (form, write, flags) in kinds.items():
            path = Path(folder) / f"{kind}.json"
            path.write_text(json.dumps({name: [write(ids) for ids in all] for name, all in references.items()}))
            flags = ["--references", str(path), "--threads", arguments.threads, *flags]
            with RewardClient(*flags, program=arguments.program) as client:
                for batch in (50, 500):
                    made = requests(references, batch, form, generator)
                    for captions in made[:2]:
                        client.score(captions)
                    whole, server = measure(client, made, arguments.rounds)
                    print(f"{kind:<4}  batches of {batch:<3}  {whole:>9,.0f} captions/s  server {server:>9,.0f}")


if __name__ == "__main__":
    main()
