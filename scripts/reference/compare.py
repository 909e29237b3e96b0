#!/usr/bin/env python3
"""Writes what NumPy and sacrebleu make of resamples: the fixture `compare.json` of `significance/tests`.

    pip install numpy sacrebleu==2.6.0
    python3 scripts/reference/compare.py crates/significance/tests/fixtures/compare.json

Resamples are part of the fixture, so that both sides add the same sources. Texts and counts are made here.
"""

import json
import os
import sys

import numpy as np
import sacrebleu.significance
from sacrebleu.metrics import BLEU, CHRF

SOURCES = 30
RESAMPLES = 40
SEED = 12345


def texts(rng, references, errors):
    """Captions that are a reference with some words replaced, left out and doubled."""
    words = "a the dog cat man woman runs sits on in grass beach red white two with and".split()
    captions = []
    for of_source in references:
        caption = []
        for word in of_source[rng.integers(len(of_source))].split():
            if rng.random() < errors:
                word = [words[rng.integers(len(words))], "", f"{word} {word}"][rng.integers(3)]
            caption.append(word)
        captions.append(" ".join(" ".join(caption).split()))
    return captions


def of_texts(rng):
    """BLEU and chrF of sacrebleu, through its own bootstrap, by the same resamples of both systems."""
    words = "a the dog cat man woman runs sits on in grass beach red white two with and".split()
    references = [
        [" ".join(rng.choice(words, size=rng.integers(4, 12))) for _ in range(3)] for _ in range(SOURCES)
    ]
    systems = [texts(rng, references, errors) for errors in (0.4, 0.25)]
    streams = [list(column) for column in zip(*references)]
    # What sacrebleu draws from its seed.
    os.environ["SACREBLEU_SEED"] = str(SEED)
    indices = np.random.default_rng(SEED).choice(SOURCES, size=(RESAMPLES, SOURCES), replace=True)
    metrics = {"sacrebleu": BLEU(), "chrf": CHRF(), "chrf++": CHRF(word_order=2)}
    differences = {}
    for name, metric in metrics.items():
        scores = []
        for system in systems:
            statistics = np.array(metric._extract_corpus_statistics(system, streams))
            score = lambda drawn: metric._compute_score_from_stats(statistics[drawn].sum(0).tolist()).score
            scores.append(np.array([score(drawn) for drawn in indices]))
            # Its own bootstrap adds in 32 bits: the same numbers, less precisely.
            bootstrap = sacrebleu.significance._bootstrap_resample(statistics, metric, RESAMPLES)[1]
            assert np.allclose(scores[-1], [found.score for found in bootstrap], atol=1e-3)
        differences[name] = ((scores[1] - scores[0]) / 100).tolist()
    return {
        "references": references,
        "a": systems[0],
        "b": systems[1],
        "indices": indices.tolist(),
        "differences": differences,
    }


def scores(total):
    """A mean, and a ratio of sums whose root is taken."""
    return np.stack([total[..., 1] / total[..., 0], np.sqrt(total[..., 2] / total[..., 3])], axis=-1)


def of_counts(rng, runs):
    """Means and ratios of made-up counts of several runs a side; expanded percentile intervals."""
    shape = (SOURCES, 4)
    sides = []
    for of_side in runs:
        side = np.ones((of_side, *shape))
        side[..., 1] = rng.normal(size=(of_side, SOURCES)) + rng.normal(size=(of_side, 1))
        side[..., 2] = rng.integers(0, 9, size=(of_side, SOURCES))
        side[..., 3] = side[..., 2] + rng.integers(1, 9, size=(of_side, SOURCES))
        sides.append(side)
    # scipy.stats.t.ppf(0.975, degrees)
    student = {0: 1.0, 4: 2.7764451051977987}[sum(runs) - 2]
    draws, differences = [], []
    for _ in range(RESAMPLES):
        sources = rng.integers(SOURCES, size=SOURCES)
        drawn = [rng.integers(n, size=n) for n in runs]
        of_sides = []
        for side, of_side, n in zip(sides, drawn, runs):
            of_runs = scores(side[:, sources].sum(axis=1))
            wider = np.sqrt(n / (n - 1)) * student / 1.959963984540054 if n > 1 else 0.0
            mean = of_runs.mean(axis=0)
            own = scores(side.sum(axis=1))
            of_sides.append(mean + wider * (own[of_side].mean(axis=0) - own.mean(axis=0)))
        draws.append({"sources": sources.tolist(), "a": drawn[0].tolist(), "b": drawn[1].tolist()})
        differences.append(of_sides[1] - of_sides[0])
    differences = np.array(differences)
    answer = {
        "a": sides[0].reshape(runs[0], -1).tolist(),
        "b": sides[1].reshape(runs[1], -1).tolist(),
        "draws": draws,
        "differences": differences.tolist(),
        "intervals": np.percentile(differences, [2.5, 97.5], axis=0).T.tolist(),
    }
    if runs == (1, 1):
        swaps = rng.integers(2, size=(RESAMPLES, SOURCES)).astype(bool)
        a, b = sides[0][0], sides[1][0]
        swapped = [
            scores(np.where(swap[:, None], a, b).sum(axis=0)) - scores(np.where(swap[:, None], b, a).sum(axis=0))
            for swap in swaps
        ]
        answer |= {"swaps": swaps.tolist(), "swapped": np.array(swapped).tolist()}
    return answer


def main():
    rng = np.random.default_rng(7)
    fixture = {
        "texts": of_texts(rng),
        "one_run": of_counts(rng, (1, 1)),
        "three_runs": of_counts(rng, (3, 3)),
    }
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump(fixture, file)
        file.write("\n")


main()
