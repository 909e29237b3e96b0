"""Any metrics of a corpus, by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from . import _scst
from ._scst import DocumentFrequency
from ._types import Candidates, References

#: What coco-caption prints, but METEOR and SPICE.
COCO = ("cider_d", "bleu", "rouge_l")


@dataclass(frozen=True)
class Evaluation:
    """What metrics say of a corpus."""

    #: The score of the corpus, by metric.
    scores: dict[str, float]
    #: The score of every caption, by metric, in the order of the references.
    captions: dict[str, list[float]]
    #: Every choice that changes the numbers.
    signature: str


def evaluate(
    references: References,
    candidates: Candidates,
    metrics: str | Sequence[str] = COCO,
    *,
    df: DocumentFrequency | None = None,
    tokenizer: str = "ptb",
) -> Evaluation:
    """The scores of a corpus and of its captions, with a signature of all choices.

    references are a mapping from keys to the references of an image (or of whatever is described), or a list of them;
    candidates the same with one caption each. A caption is text, or a list of token ids.

    Metrics are ``cider_d`` (0 to 10), ``cider`` (plain), ``bleu`` (for ``bleu_1`` to ``bleu_4``) and ``rouge_l``, as
    coco-caption computes them from words; and, of raw text only, ``word_error_rate``, ``phoneme_error_rate``,
    ``character_error_rate``, ``exact_match``, ``chrf``, ``chrf++``, ``sacrebleu``, ``sacrebleu_intl``,
    ``sacrebleu_char``, ``sacrebleu_none``, ``rouge_score_1``, ``rouge_score_2`` and ``rouge_score_l``. All but error
    rates, of which smaller is better, are 0 to 1, also where the package they are named after prints percent.

    df are the document frequencies of ``cider_d`` and ``cider``, those of the references themselves without.
    tokenizer is ``"ptb"`` for raw text, or ``"none"`` where words are final; metrics of raw text never see it.

    >>> report = evaluate({"a": ["A dog runs.", "The dog is running"], "b": ["A cat"]}, {"a": "a dog runs", "b": "a dog"})
    >>> sorted(report.scores)
    ['bleu_1', 'bleu_2', 'bleu_3', 'bleu_4', 'cider_d', 'rouge_l']
    >>> report.captions["rouge_l"]
    [1.0, 0.5]
    >>> report.signature.split("+")[0]
    'cider_d|n:4|sigma:6|scale:10|df:corpus'

    Raises ``KeyError`` for a key that references and candidates do not share, ``TypeError`` or ``ValueError`` for
    anything else that is wrong, in one sentence that names the place.
    """
    names = [metrics] if isinstance(metrics, str) else list(metrics)
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"metrics: found {type(name).__name__}, expected names of metrics")
    columns, signature = _scst.evaluate(references, candidates, names, df=df, tokenizer=tokenizer)
    return Evaluation(
        {name: corpus for name, corpus, _ in columns},
        {name: captions for name, _, captions in columns},
        signature,
    )


def score(
    references: References,
    candidates: Candidates,
    metrics: str | Sequence[str] = COCO,
    *,
    df: DocumentFrequency | None = None,
    tokenizer: str = "ptb",
) -> dict[str, float]:
    """The scores of a corpus by metric: :func:`evaluate` without its other results.

    >>> score([["a b c d"]], ["a b c d"], ["bleu_4", "rouge_l", "exact_match"])["rouge_l"]
    1.0
    """
    return evaluate(references, candidates, metrics, df=df, tokenizer=tokenizer).scores
