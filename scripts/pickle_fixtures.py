#!/usr/bin/env python3
"""Writes pickles as self-critical.pytorch leaves them behind: the fixtures of `data/src/pickle/tests.rs`.

    python3 scripts/pickle_fixtures.py crates/data/tests/fixtures/pickles

The same `infos` (options, words, and what training keeps beside them: tensors, numbers of NumPy, dictionaries of all
kinds) in every protocol, as `torch.save` writes it in both of its formats, and as Python 2 wrote it; document frequencies
of four made captions in several protocols. Needs PyTorch and NumPy.
"""

import argparse
import collections
import datetime
import io
import os
import pickle
import sys

import numpy as np
import torch

WORDS = ["a", "dog", "caf\u00e9", "\u72d7", "runs", "UNK"]
CAPTIONS = [["a dog runs", "a caf\u00e9"], ["a dog runs in the grass"], ["two dogs"], ["a \u72d7 runs"]]


def infos():
    options = argparse.Namespace(
        caption_model="newfc", rnn_size=8, seq_per_img=5, learning_rate=5e-4, cached_tokens="coco-train-idxs",
        structure=None, use_bn=False, scheduled={"start": 0, "ends": (1, 2.5)})
    histories = collections.defaultdict(dict)
    histories["loss"][10] = np.float32(3.25)
    histories["learning_rate"][10] = np.float64(5e-4)
    return collections.OrderedDict([
        ("iter", 3), ("epoch", np.int64(1)), ("opt", options), ("best_val_score", np.float64(0.5)),
        ("histories", histories), ("counter", collections.Counter("abca")), ("seen", {1, 2, 3}), ("fixed", frozenset("ab")),
        ("order", np.arange(6).reshape(2, 3)), ("weights", torch.arange(4.0)), ("large", 2 ** 80), ("negative", -300),
        ("buffer", bytearray(b"\x00\xff")), ("when", datetime.date(2019, 1, 1)), ("complex", 1 + 2j), ("type", float),
        ("vocab", {str(k): word for k, word in enumerate(WORDS, 1)}), ("loader_state_dict", [{"train": {"index_list": [1, 0]}}])])


def table():
    """As `compute_doc_freq` counts, end tokens included."""
    frequencies = collections.defaultdict(float)
    for captions in CAPTIONS:
        ngrams = set()
        for caption in captions:
            words = caption.split() + ["<eos>"]
            ngrams.update(tuple(words[i:i + n]) for n in range(1, 5) for i in range(len(words) - n + 1))
        for ngram in ngrams:
            frequencies[ngram] += 1
    ordered = sorted(frequencies.items())
    return {"document_frequency": collections.defaultdict(float, ordered), "ref_len": len(CAPTIONS)}


class Python2(pickle._Pickler):
    """Texts as strings of bytes, which Python 2 has."""

    def save_str(self, text):
        data = text.encode("utf-8")
        if self.bin:
            self.write(pickle.SHORT_BINSTRING + bytes([len(data)]) + data)
        else:
            self.write(pickle.STRING + repr(data)[1:].encode("ascii") + b"\n")
        self.memoize(text)

    dispatch = dict(pickle._Pickler.dispatch)
    dispatch[str] = save_str


def python2(value, protocol):
    file = io.BytesIO()
    Python2(file, protocol).dump(value)
    return file.getvalue()


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    at = lambda name: os.path.join(folder, name)

    def write(name, data):
        with open(at(name), "wb") as file:
            file.write(data)

    for protocol in range(6):
        write(f"infos_{protocol}.pkl", pickle.dumps(infos(), protocol))
    simple = {"iter": 3, "vocab": {str(k): word for k, word in enumerate(WORDS, 1)}}
    for protocol in range(3):
        write(f"infos_python2_{protocol}.pkl", python2(simple, protocol))
    torch.save(infos(), at("infos_torch.pkl"))
    torch.save(infos(), at("infos_torch_legacy.pkl"), _use_new_zipfile_serialization=False)
    for protocol in [0, 2, 4]:
        write(f"words_{protocol}.p", pickle.dumps(table(), protocol))
        write(f"words_python2_{protocol}.p" if protocol < 3 else "words_5.p",
              python2(table(), protocol) if protocol < 3 else pickle.dumps(table(), 5))
    ids = {word: str(k) for k, word in enumerate(sorted({w for (w,) in (n for n in table()["document_frequency"] if len(n) == 1)}))}
    by_ids = {tuple(ids[word] for word in ngram): f for ngram, f in table()["document_frequency"].items()}
    write("idxs_2.p", pickle.dumps({"document_frequency": by_ids, "ref_len": len(CAPTIONS)}, 2))
    logarithm = {"document_frequency": table()["document_frequency"], "ref_len": np.log(float(len(CAPTIONS)))}
    write("logarithm_2.p", pickle.dumps(logarithm, 2))
    write("bare_2.p", pickle.dumps(table()["document_frequency"], 2))


if __name__ == "__main__":
    main()
