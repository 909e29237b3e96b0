"""Metrics of generated text, computed in Rust, and rewards of them for reinforcement learning.

Classes with the names and return types of pycocoevalcap's (no Java, no model downloads):

>>> from scst import Bleu, Cider, PTBTokenizer, Rouge
>>> gts = {1: [{"caption": "A man rides a horse."}, {"caption": "A man on a horse"}], 2: [{"caption": "Two dogs run."}]}
>>> res = {1: [{"caption": "A man rides a horse"}], 2: [{"caption": "Two dogs sleep."}]}
>>> tokenizer = PTBTokenizer()
>>> gts, res = tokenizer.tokenize(gts), tokenizer.tokenize(res)
>>> score, scores = Cider().compute_score(gts, res)
>>> round(float(score), 4), scores.shape
(4.8065, (2,))

Functions for references and candidates in mappings or lists, with any metrics:

>>> import scst
>>> scst.score([["A man rides a horse."]], ["A man rides a bike."], metrics=["bleu_1", "word_error_rate"])
{'bleu_1': 0.7999999996800004, 'word_error_rate': 0.2}

Rewards of trainers stand in :mod:`scst.rewards`.
"""

from . import rewards
from ._scst import DocumentFrequency, __version__, tokenize
from .coco import Bleu, Cider, CiderD, Meteor, PlainCider, PTBTokenizer, Rouge
from .evaluation import Evaluation, evaluate, score

__all__ = [
    "Bleu",
    "Cider",
    "CiderD",
    "DocumentFrequency",
    "Evaluation",
    "Meteor",
    "PTBTokenizer",
    "PlainCider",
    "Rouge",
    "__version__",
    "evaluate",
    "rewards",
    "score",
    "tokenize",
]
