"""Scores of captions by coco-caption, ruotianluo/cider and sacrebleu."""

import collections
import contextlib
import io
import logging

import numpy as np
import sacrebleu.metrics
from pycocoevalcap.bleu.bleu_scorer import BleuScorer
from pycocoevalcap.cider.cider_scorer import CiderScorer as CiderD
from pycocoevalcap.rouge.rouge import Rouge
from pyciderevalcap.cider.cider_scorer import CiderScorer as PlainCider
from pyciderevalcap.ciderD.ciderD_scorer import CiderScorer as TableCiderD

logging.getLogger("sacrebleu").setLevel(logging.ERROR)
SACREBLEU = {"sacre_exp_eff": ("exp", None, True), "sacre_exp": ("exp", None, False),
             "sacre_floor_eff": ("floor", 0.1, True), "sacre_addk_eff": ("add-k", 1, True),
             "sacre_none_eff": ("none", None, True)}


def frequencies(images):
    found = collections.defaultdict(float)
    for image in images:
        for ngram in {tuple(w[i:i + n]) for w in map(str.split, image["refs"]) for n in range(1, 5)
                      for i in range(len(w) - n + 1)}:
            found[ngram] += 1
    return found


def cider(kind, items, table=None, ref_len=None):
    scorer = kind()
    for item in items:
        scorer += (item["cand"], item["refs"])
    if table is not None:
        scorer.df_mode = "table"
        scorer.document_frequency, scorer.ref_len = table, np.log(float(ref_len))
        scores = np.array(scorer.compute_cider())
    else:
        _, scores = scorer.compute_score()
        scores = np.array(scores)
    return scores.tolist(), float(np.mean(scores))


def bleu(items, option):
    scorer = BleuScorer(n=4)
    for item in items:
        scorer += (item["cand"], item["refs"])
    with contextlib.redirect_stdout(io.StringIO()):
        corpus, single = scorer.compute_score(option=option, verbose=0)
    return corpus, list(zip(*single)), scorer


def score(document, table, images):
    """Fills in the scores of a corpus and of all its items."""
    items = document["items"]
    ref_len = document.get("ref_len_override") or images
    corpus, single = {}, [{} for _ in items]

    def put(key, scores, mean):
        corpus[key] = mean
        for scores_, value in zip(single, scores):
            scores_[key] = value

    put("cider_d", *cider(CiderD, items))
    put("cider", *cider(PlainCider, items))
    put("cider_d_df", *cider(TableCiderD, items, table, ref_len))
    put("cider_df", *cider(PlainCider, items, table, ref_len))
    closest, sentences, scorer = bleu(items, "closest")
    put("bleu", sentences, closest)
    corpus["bleu_testlen"], corpus["bleu_reflen"] = scorer._testlen, scorer._reflen
    corpus["bleu_shortest"], corpus["bleu_average"] = bleu(items, "shortest")[0], bleu(items, "average")[0]
    rouge = [Rouge().calc_score([item["cand"]], item["refs"]) for item in items]
    put("rouge_l", rouge, float(np.mean(rouge)))
    candidates = [item["cand"] for item in items]
    most = max(len(item["refs"]) for item in items)
    streams = [[item["refs"][k] if k < len(item["refs"]) else None for item in items] for k in range(most)]
    for key, (smoothing, value, effective) in SACREBLEU.items():
        options = dict(tokenize="none", smooth_method=smoothing, smooth_value=value, effective_order=effective)
        metric = sacrebleu.metrics.BLEU(**options)
        for scores, item in zip(single, items):
            scores[key] = metric.sentence_score(item["cand"], item["refs"]).score
        found = metric.corpus_score(candidates, streams)
        corpus[key] = {"score": found.score, "precisions": found.precisions, "bp": found.bp, "sys_len": found.sys_len,
                       "ref_len": found.ref_len, "counts": found.counts, "totals": found.totals}
    document["corpus"] = corpus
    for item, scores in zip(items, single):
        item["scores"] = scores


def check(table, images):
    """What must come out when the table is built."""
    by_order = [[(" ".join(ngram), count) for ngram, count in table.items() if len(ngram) == n] for n in range(1, 5)]
    ordered = [sorted(entries, key=lambda entry: (-entry[1], entry[0])) for entries in by_order]
    return {"ref_len": images, "distinct_ngrams_by_order": [len(entries) for entries in by_order],
            "sum_df_by_order": [sum(count for _, count in entries) for entries in by_order],
            "top": [entry for entries in ordered for entry in entries[:8]],
            "sample": [entry for entries in ordered for entry in entries[8::len(entries) // 8]]}
