#!/usr/bin/env python3
"""A reward as a program of its own: unigram F1 of a caption and its best reference.

Reads one request a line from the standard input, writes one answer a line to the standard output, and ends when the
input ends. The protocol is described in README.md beside this file. Only `score` is about this reward: copy the file
and write your own.
"""

import json
import sys
from collections import Counter

PROTOCOL_VERSIONS = [1, 2]


def unigram_f1(caption, reference):
    """Harmonic mean of precision and recall of the words, each matched once; 0 to 1."""
    caption, reference = Counter(caption.split()), Counter(reference.split())
    matches = sum((caption & reference).values())
    if matches == 0:
        return 0.0
    precision = matches / sum(caption.values())
    recall = matches / sum(reference.values())
    return 2 * precision * recall / (precision + recall)


def score(caption):
    """The score of one caption of a request: one finite number, larger for better.

    Besides the keys used here there are `image_id`, normally the image's file name, and `tokens`, the ids of the
    words. With `protocol = 2` there may be `image_path` and `features`, and None stands for a caption to which the
    reward does not apply.
    """
    return max(unigram_f1(caption["text"], reference) for reference in caption["references"])


def answer(request):
    """The answer to a request: scores, or an error that ends the training."""
    if request["version"] not in PROTOCOL_VERSIONS:
        return {"error": f"found protocol version {request['version']}, expected one of {PROTOCOL_VERSIONS}"}
    return {"scores": [score(caption) for caption in request["captions"]]}


def main():
    # UTF-8 whatever the locale says. Messages go to the standard error: print(..., file=sys.stderr).
    sys.stdin.reconfigure(encoding="utf-8")
    sys.stdout.reconfigure(encoding="utf-8")
    for line in sys.stdin:
        # allow_nan=False: a NaN shall fail here, with a traceback.
        print(json.dumps(answer(json.loads(line)), allow_nan=False), flush=True)


if __name__ == "__main__":
    main()
