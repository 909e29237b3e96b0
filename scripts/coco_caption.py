#!/usr/bin/env python3
"""The scores and times of coco-caption itself, to compare with `scst score` on the same files.

    pip install pycocoevalcap          (needs Java for its tokenizer)
    python3 scripts/coco_caption.py REFS.json CANDS.json
    scst score --references REFS.json --candidates CANDS.json --json

Prints one JSON object: metrics as `scst score --json` names them, and the seconds that each part took.
"""

import json
import sys
import time

from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.cider.cider import Cider
from pycocoevalcap.rouge.rouge import Rouge
from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: coco_caption.py REFS.json CANDS.json")
    seconds = {}

    def timed(name, function, *arguments):
        start = time.perf_counter()
        result = function(*arguments)
        seconds[name] = round(time.perf_counter() - start, 2)
        return result

    references = {image["id"]: [] for image in read(sys.argv[1])["images"]}
    for annotation in read(sys.argv[1])["annotations"]:
        references[annotation["image_id"]].append({"caption": annotation["caption"]})
    candidates = {result["image_id"]: [{"caption": result["caption"]}] for result in read(sys.argv[2])}
    candidates = {image: candidates[image] for image in references}

    tokenizer = PTBTokenizer()
    references = timed("tokenizer_references", tokenizer.tokenize, references)
    candidates = timed("tokenizer_candidates", tokenizer.tokenize, candidates)
    bleu, _ = timed("bleu", lambda: Bleu(4).compute_score(references, candidates, verbose=0))
    rouge_l, _ = timed("rouge_l", Rouge().compute_score, references, candidates)
    cider_d, _ = timed("cider_d", Cider().compute_score, references, candidates)
    metrics = {"bleu": bleu, "cider_d": float(cider_d), "rouge_l": float(rouge_l)}
    print(json.dumps({"metrics": metrics, "images": len(references), "seconds": seconds}))


if __name__ == "__main__":
    main()
