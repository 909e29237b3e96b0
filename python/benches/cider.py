"""The time of CIDEr-D on batches of captions, beside pycocoevalcap's: python python/benches/cider.py

Needs pycocoevalcap (`pip install --no-deps pycocoevalcap==1.2`). Captions are made ones, of 8 to 14 words out of 800; both
sides see the same batches, and the numbers are compared before anything is timed.
"""

import argparse
import random
import statistics
import time

import numpy as np
from pycocoevalcap.cider.cider import Cider as TheirCider

from scst import Cider
from scst.rewards import CiderD


def made_batches(batches: int, images: int):
    draw = random.Random(1)
    words = [f"word{index}" for index in range(800)]
    weights = [1 / (1 + index) for index in range(800)]

    def caption() -> str:
        return " ".join(draw.choices(words, weights, k=draw.randint(8, 14)))

    for _ in range(batches):
        gts = {index: [caption() for _ in range(5)] for index in range(images)}
        yield gts, {index: [caption()] for index in gts}


def seconds(function, repeats: int) -> float:
    """The time of the fastest call: what others do on the machine makes some slower."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--captions", type=int, default=50)
    arguments.add_argument("--repeats", type=int, default=40)
    given = arguments.parse_args()
    rows = []
    for gts, res in made_batches(5, given.captions):
        ours, theirs = Cider(), TheirCider()
        assert np.abs(ours.compute_score(gts, res)[1] - theirs.compute_score(gts, res)[1]).max() <= 1e-12
        reward = CiderD(gts, tokenizer="none")
        completions, keys = [own[0] for own in res.values()], list(res)
        rows.append(
            (
                seconds(lambda: theirs.compute_score(gts, res), given.repeats),
                seconds(lambda: ours.compute_score(gts, res), given.repeats),
                seconds(lambda: reward(completions, image_id=keys), given.repeats),
            )
        )
    theirs, ours, kept = (statistics.median(times) for times in zip(*rows))
    print(f"CIDEr-D of {given.captions} captions with 5 references each, fastest of {given.repeats} calls:")
    print(f"  pycocoevalcap's Cider       {1e3 * theirs:9.3f} ms")
    print(f"  scst.Cider                  {1e3 * ours:9.3f} ms   {theirs / ours:6.0f} times as fast")
    print(
        f"  scst.rewards.CiderD         {1e3 * kept:9.3f} ms   {theirs / kept:6.0f} times as fast, its references kept"
    )


if __name__ == "__main__":
    main()
