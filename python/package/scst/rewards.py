"""Metrics as reward functions: of TRL, of verl, and of any loop that has completions and the images they belong to.

A reward keeps the references of all images, and is told by the column ``image_id`` of the dataset (``key`` names another)
to which image each completion belongs:

>>> from scst.rewards import CiderD
>>> references = {"a.jpg": ["A dog runs.", "A dog is running."], "b.jpg": ["A cat sleeps."]}
>>> reward = CiderD(references)
>>> [round(score, 4) for score in reward(["a dog runs", "A cat sleeps!"], image_id=["a.jpg", "b.jpg"])]
[4.7565, 7.5]

It is what ``reward_funcs`` of TRL's trainers take: they call it with ``prompts``, ``completions``, ``completion_ids`` and
every column of the dataset. Completions may be text, or lists of messages, of which the last one counts:

>>> [score] = reward([[{"role": "assistant", "content": "A cat."}]], prompts=["Describe it."], image_id=["b.jpg"])
>>> round(score, 4)
3.4868

Where references are token ids, completions are too, or the column ``completion_ids``, which TRL passes beside text. A reward
without references takes those of each completion from the column ``references`` (``column`` names another), text or a
list of texts; CIDEr-D then needs document frequencies:

>>> from scst import DocumentFrequency
>>> from scst.rewards import RougeL
>>> RougeL()(["a dog"], references=[["a dog runs", "the dog"]])
[0.7721518987341772]
>>> df = DocumentFrequency.from_references(references)
>>> [round(score, 4) for score in CiderD(df=df)(["a dog runs"], references=[references["a.jpg"]])]
[4.7565]

For verl, ``compute_score = CiderD(references).compute_score`` in the file that ``custom_reward_function`` names.

Rewards of captions tokenise raw text as coco-caption does; ``tokenizer="none"`` leaves words as they are. Error rates, exact
match, chrF, sacreBLEU and rouge-score compare text as it stands. All are computed on all cores, without Python's lock.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from typing import Any, cast

from . import _scst
from ._scst import DocumentFrequency
from ._types import Caption, References
from .coco import meteor_jar

__all__ = [
    "Bleu",
    "CharacterErrorRate",
    "Chrf",
    "CiderD",
    "ExactMatch",
    "Meteor",
    "PhonemeErrorRate",
    "Reward",
    "RougeL",
    "RougeScore",
    "Sacrebleu",
    "WordErrorRate",
]


class Reward:
    """What all rewards are: a function of completions and columns. The classes below make them."""

    #: The name of the reward in logs of trainers.
    __name__: str

    def __init__(
        self,
        name: str,
        options: dict[str, Any],
        references: References | None,
        *,
        key: str,
        column: str,
        df: DocumentFrequency | None = None,
        tokenizer: str = "none",
        end_token: int | None = None,
    ) -> None:
        self.__name__ = name
        self._key, self._column = key, column
        self._reward = _scst.Reward(json.dumps(options), references, df, tokenizer, end_token)
        self._images: dict[Any, int] | None = None
        if references is not None:
            keys = references if isinstance(references, Mapping) else range(len(references))
            self._images = {key: image for image, key in enumerate(keys)}

    @property
    def signature(self) -> str | None:
        """Every choice that changes the scores; None without references."""
        return self._reward.signature

    def __call__(self, completions: Sequence[Any], **columns: Any) -> list[float]:
        """The reward of each completion, larger for better.

        Raises ``KeyError`` for a missing column or an unknown key, ``TypeError`` or ``ValueError`` for anything else that
        is wrong, in one sentence that names the place.
        """
        if self._reward.is_of_text is False and "completion_ids" in columns:
            completions = columns["completion_ids"]
        captions = [_caption(completion, position) for position, completion in enumerate(completions)]
        if self._images is None:
            references = _column(columns, self._column, "the references of each completion")
            return self._reward.score_against(references, captions) if captions else []
        keys = _column(columns, self._key, "the key of each completion's references")
        return self._reward.score([self._image(key, self._key) for key in keys], captions)

    def compute_score(
        self,
        data_source: str,
        solution_str: str,
        ground_truth: Any,
        extra_info: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> float:
        """The reward of one completion, with the arguments that verl gives.

        Where references are kept, their key is what ``extra_info`` has under ``image_id`` (or the ``key`` of this reward),
        or else ``ground_truth``; without, ``ground_truth`` is the reference or a list of them.

        >>> RougeL().compute_score("captions", "a dog runs", ["a dog runs", "dogs"])
        1.0
        """
        if self._images is None:
            return self._reward.score_against([ground_truth], [solution_str])[0]
        known = extra_info is not None and self._key in extra_info
        key = extra_info[self._key] if extra_info is not None and known else ground_truth
        return self._reward.score([self._image(key, self._key if known else "ground_truth")], [solution_str])[0]

    def _image(self, key: Any, column: str) -> int:
        assert self._images is not None
        try:
            return self._images[key]
        except (KeyError, TypeError):
            raise KeyError(f"{column}: found {_shown(key)}, expected a key of the references") from None

    def __repr__(self) -> str:
        kept = "no references kept" if self._images is None else f"references of {len(self._images)} images"
        return f"<reward {self.__name__}, {kept}>"


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 80 else f"{shown[:80]}..."


def _column(columns: dict[str, Any], name: str, expected: str) -> Any:
    if name not in columns:
        found = ", ".join(sorted(columns)) or "no column"
        raise KeyError(f"columns: found {found}, expected {name!r} with {expected}")
    return columns[name]


def _caption(completion: Any, position: int) -> Caption:
    """A completion as text or ids: of messages, what the last one says."""
    is_messages = isinstance(completion, (list, tuple)) and completion and isinstance(completion[-1], Mapping)
    if not is_messages:
        return cast(Caption, completion)
    content = completion[-1].get("content")
    if content is None:
        return ""
    if isinstance(content, (list, tuple)):
        parts = [part.get("text", "") for part in content if isinstance(part, Mapping)]
        if len(parts) == len(content) and all(isinstance(part, str) for part in parts):
            return "".join(parts)
    if not isinstance(content, str):
        found = type(content).__name__
        raise TypeError(f"completions[{position}]: found content of type {found}, expected text or parts with text")
    return content


def _number(name: str, value: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name}: found {type(value).__name__}, expected a number")
    if not math.isfinite(value):
        raise ValueError(f"{name}: found {value}, expected a finite number")
    return float(value)


def _whole(name: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name}: found {type(value).__name__}, expected a whole number")
    if not 0 <= value < 2**31:
        raise ValueError(f"{name}: found {value}, expected a whole number from 0 to {2**31 - 1}")
    return value


def _flag(name: str, value: bool) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{name}: found {type(value).__name__}, expected True or False")
    return value


def _choice(name: str, value: str, choices: Sequence[str]) -> str:
    if value not in choices:
        raise ValueError(f"{name}: found {value!r}, expected {' or '.join(map(repr, choices))}")
    return value


def _smoothing(name: str, value: float | None, choices: Sequence[str]) -> Any:
    """A smoothing as configurations have it."""
    _choice("smoothing", name, choices)
    argument = {"floor": "value", "add_k": "k"}.get(name)
    if argument is None:
        if value is not None:
            raise ValueError(f"smoothing_value: found {value!r} with the smoothing {name!r}, expected None")
        return name
    return {name: {} if value is None else {argument: _number("smoothing_value", value)}}


class CiderD(Reward):
    """CIDEr-D, 0 to 10: the reward of self-critical training (Rennie et al. 2017).

    df are its document frequencies, those of the references without. With token ids, end_token ends captions and counts
    as a word, as references that end with it have it; what follows it in a completion is not seen.
    """

    def __init__(
        self,
        references: References | None = None,
        df: DocumentFrequency | None = None,
        *,
        sigma: float = 6.0,
        scale: float = 10.0,
        key: str = "image_id",
        column: str = "references",
        tokenizer: str = "ptb",
        end_token: int | None = None,
    ) -> None:
        if references is None and df is None:
            raise ValueError("df: found none, expected document frequencies, as references come with each call")
        options = {"cider_d": {"sigma": _number("sigma", sigma), "scale": _number("scale", scale)}}
        super().__init__(
            "cider_d", options, references, key=key, column=column, df=df, tokenizer=tokenizer, end_token=end_token
        )


class Bleu(Reward):
    """Sentence BLEU of order 1 to 4, 0 to 1, as coco-caption computes it.

    smoothing is ``"coco"``, ``"none"``, ``"exp"``, ``"floor"`` or ``"add_k"``, the last two with a smoothing_value;
    reference_length ``"closest"``, ``"shortest"`` or ``"average"``.

    >>> reward = Bleu(order=2, smoothing="add_k", smoothing_value=1.0)
    >>> round(reward(["a dog runs"], references=["a dog sleeps"])[0], 4)
    0.6667
    """

    def __init__(
        self,
        references: References | None = None,
        *,
        order: int = 4,
        smoothing: str = "coco",
        smoothing_value: float | None = None,
        reference_length: str = "closest",
        effective_order: bool = False,
        key: str = "image_id",
        column: str = "references",
        tokenizer: str = "ptb",
        end_token: int | None = None,
    ) -> None:
        options = {
            "order": _whole("order", order),
            "smoothing": _smoothing(smoothing, smoothing_value, ["coco", "none", "exp", "floor", "add_k"]),
            "reference_length": _choice("reference_length", reference_length, ["closest", "shortest", "average"]),
            "effective_order": _flag("effective_order", effective_order),
        }
        super().__init__(
            f"bleu_{order}",
            {"bleu": options},
            references,
            key=key,
            column=column,
            tokenizer=tokenizer,
            end_token=end_token,
        )


class RougeL(Reward):
    """ROUGE-L, 0 to 1, as coco-caption computes it."""

    def __init__(
        self,
        references: References | None = None,
        *,
        beta: float = 1.2,
        key: str = "image_id",
        column: str = "references",
        tokenizer: str = "ptb",
        end_token: int | None = None,
    ) -> None:
        options = {"rouge_l": {"beta": _number("beta", beta)}}
        super().__init__(
            "rouge_l", options, references, key=key, column=column, tokenizer=tokenizer, end_token=end_token
        )


class Meteor(Reward):
    """METEOR of each caption, 0 to 1, by its Java program, which is kept running; see :class:`scst.Meteor`."""

    def __init__(
        self,
        references: References,
        *,
        jar: str | os.PathLike[str] | None = None,
        java: str | os.PathLike[str] = "java",
        memory: str = "2G",
        timeout_secs: float = 180.0,
        key: str = "image_id",
        tokenizer: str = "ptb",
    ) -> None:
        if references is None:
            raise TypeError("references: found None, expected those of every image, with which METEOR is started")
        options = {
            "jar": os.fspath(meteor_jar(jar)),
            "java": os.fspath(java),
            "memory": memory,
            "timeout_secs": _number("timeout_secs", timeout_secs),
        }
        super().__init__("meteor", {"meteor": options}, references, key=key, column="references", tokenizer=tokenizer)


class _ErrorRate(Reward):
    _name: str

    def __init__(
        self,
        references: References | None = None,
        *,
        lowercase: bool = False,
        key: str = "image_id",
        column: str = "references",
    ) -> None:
        options = {self._name: {"lowercase": _flag("lowercase", lowercase)}}
        super().__init__(self._name, options, references, key=key, column=column)


class WordErrorRate(_ErrorRate):
    """Minus the word error rate, at most 0: edits over words of the reference for which that is lowest.

    >>> WordErrorRate()(["a dog"], references=["a dog runs fast"])
    [-0.5]
    """

    _name = "word_error_rate"


class PhonemeErrorRate(_ErrorRate):
    """Minus the phoneme error rate, at most 0: the same, where words are phonemes between spaces."""

    _name = "phoneme_error_rate"


class CharacterErrorRate(_ErrorRate):
    """Minus the character error rate, at most 0; spaces count."""

    _name = "character_error_rate"


class ExactMatch(_ErrorRate):
    """1 for a completion whose words are those of a reference, else 0."""

    _name = "exact_match"


class Chrf(Reward):
    """chrF of sacrebleu, 0 to 1; chrF++ with ``word_order=2``.

    >>> round(Chrf(word_order=2)(["a dog"], references=["a dog runs"])[0], 4)
    0.4936
    """

    def __init__(
        self,
        references: References | None = None,
        *,
        char_order: int = 6,
        word_order: int = 0,
        beta: float = 2.0,
        lowercase: bool = False,
        whitespace: bool = False,
        eps_smoothing: bool = False,
        key: str = "image_id",
        column: str = "references",
    ) -> None:
        options = {
            "char_order": _whole("char_order", char_order),
            "word_order": _whole("word_order", word_order),
            "beta": _number("beta", beta),
            "lowercase": _flag("lowercase", lowercase),
            "whitespace": _flag("whitespace", whitespace),
            "eps_smoothing": _flag("eps_smoothing", eps_smoothing),
        }
        name = "chrf++" if word_order == 2 else "chrf"
        super().__init__(name, {"chrf": options}, references, key=key, column=column)


class Sacrebleu(Reward):
    """Sentence BLEU of sacrebleu, 0 to 1.

    tokenizer is ``"13a"``, ``"intl"``, ``"char"`` or ``"none"``; smoothing ``"exp"``, ``"floor"``, ``"add_k"`` or
    ``"none"``, the second and third with a smoothing_value.
    """

    def __init__(
        self,
        references: References | None = None,
        *,
        tokenizer: str = "13a",
        lowercase: bool = False,
        order: int = 4,
        smoothing: str = "exp",
        smoothing_value: float | None = None,
        effective_order: bool = True,
        key: str = "image_id",
        column: str = "references",
    ) -> None:
        options = {
            "tokenizer": _choice("tokenizer", tokenizer, ["13a", "intl", "char", "none"]),
            "lowercase": _flag("lowercase", lowercase),
            "order": _whole("order", order),
            "smoothing": _smoothing(smoothing, smoothing_value, ["exp", "floor", "add_k", "none"]),
            "effective_order": _flag("effective_order", effective_order),
        }
        super().__init__("sacrebleu", {"sacrebleu": options}, references, key=key, column=column)


class RougeScore(Reward):
    """ROUGE-1, ROUGE-2 or ROUGE-L of Google's rouge-score, 0 to 1: kind ``"1"``, ``"2"`` or ``"l"``."""

    def __init__(
        self,
        references: References | None = None,
        *,
        kind: str = "l",
        key: str = "image_id",
        column: str = "references",
    ) -> None:
        options = {"rouge_score": {"kind": _choice("kind", kind, ["1", "2", "l"])}}
        super().__init__(f"rouge_score_{kind}", options, references, key=key, column=column)
