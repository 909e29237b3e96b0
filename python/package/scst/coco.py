"""Classes with the names, arguments and return types of pycocoevalcap's.

What they read is what pycocoevalcap reads: ``gts`` and ``res`` are mappings from the same keys, ``gts`` to the references
of an image and ``res`` to a list with one caption, as :class:`PTBTokenizer` returns them. Differences: nothing is printed,
mistakes are exceptions that say what was found where (not failed assertions), and a caption may also be a list of
token ids.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from . import _scst
from ._scst import DocumentFrequency
from ._types import Candidates, References

#: The score of a corpus and those of its captions.
Scores = tuple[np.float64, NDArray[np.float64]]


def _mean(scores: Sequence[float]) -> Scores:
    array = np.array(scores)
    return array.mean(), array


def _order(n: int, orders: Sequence[int]) -> int:
    if isinstance(n, bool) or n not in orders:
        raise ValueError(f"n: found {n!r}, expected {' or '.join(map(str, orders))}")
    return int(n)


class CiderD:
    """CIDEr-D (Vedantam et al. 2015), 0 to 10: what coco-caption and every COCO table print as "CIDEr".

    df are document frequencies to keep, for batches that are no corpus; with ``"corpus"`` they are counted from the
    references of every call, every key (or result) as one image.

    >>> CiderD().compute_score({1: ["a dog runs"], 2: ["a cat"]}, {1: ["a dog runs"], 2: ["a dog"]})[1].round(3).tolist()
    [7.5, 0.0]

    ``res`` may also be a list of COCO results, several of an image if need be, as self-critical.pytorch calls its CIDEr-D:

    >>> df = DocumentFrequency.from_references([["a dog runs"], ["a cat"]])
    >>> res = [{"image_id": 1, "caption": ["a dog runs"]}, {"image_id": 1, "caption": ["a dog"]}]
    >>> CiderD(df=df).compute_score({1: ["a dog runs"]}, res)[1].round(3).tolist()
    [7.5, 3.487]
    """

    def __init__(self, n: int = 4, sigma: float = 6.0, df: str | DocumentFrequency = "corpus") -> None:
        _order(n, [4])
        if isinstance(df, str) and df != "corpus":
            raise ValueError(f'df: found {df!r}, expected "corpus" or a DocumentFrequency')
        self._sigma: float | None = sigma
        self._df = None if isinstance(df, str) else df

    def compute_score(self, gts: References, res: Candidates | Sequence[Mapping[str, Any]]) -> Scores:
        """The mean over captions, and the score of every caption in the order of ``gts`` (of ``res``, if a list)."""
        if isinstance(res, (list, tuple)) and res and isinstance(res[0], Mapping):
            references, captions = _pairs(gts, res)
            return _mean(_scst.cider(references, captions, sigma=self._sigma, df=self._df))
        return _mean(_scst.cider(gts, cast(Candidates, res), sigma=self._sigma, df=self._df))

    def method(self) -> str:
        """``"CIDEr-D"``."""
        return "CIDEr-D"


class Cider(CiderD):
    """pycocoevalcap's ``Cider``, which is CIDEr-D; :class:`PlainCider` is the formula without the D.

    >>> gts = {1: ["a man rides a horse", "a horse and a man"], 2: ["a dog runs", "the dog is running fast"]}
    >>> score, scores = Cider().compute_score(gts, {1: ["a man rides a dog"], 2: ["a dog runs fast"]})
    >>> round(float(score), 6)
    3.739853
    """

    def __init__(self, test: None = None, refs: None = None, n: int = 4, sigma: float = 6.0) -> None:
        super().__init__(n, sigma)

    def method(self) -> str:
        """``"CIDEr"``."""
        return "CIDEr"


class PlainCider(CiderD):
    """CIDEr as Vedantam et al. 2015 define it first, x10: counts are not clipped, lengths not compared.

    pycocoevalcap has no class for it.

    >>> PlainCider().compute_score({1: ["a dog runs"], 2: ["a cat"]}, {1: ["dog dog dog"], 2: ["a cat"]})[1].round(3).tolist()
    [1.768, 5.0]
    """

    def __init__(self, n: int = 4, df: str | DocumentFrequency = "corpus") -> None:
        super().__init__(n, df=df)
        self._sigma = None

    def method(self) -> str:
        """``"plain CIDEr"``."""
        return "plain CIDEr"


def _pairs(gts: References, res: Sequence[Mapping[str, Any]]) -> tuple[References, Candidates]:
    """References and captions of COCO results, in their order."""
    if not isinstance(gts, Mapping):
        raise TypeError(
            f"gts: found {type(gts).__name__}, expected a mapping from image ids, as res is a list of results"
        )
    references, captions = [], []
    for position, result in enumerate(res):
        if not isinstance(result, Mapping):
            raise TypeError(f"res[{position}]: found {type(result).__name__}, expected a mapping, as res[0] is")
        for key in ("image_id", "caption"):
            if key not in result:
                raise KeyError(f"res[{position}]: found no {key!r}, expected 'image_id' and 'caption'")
        image = result["image_id"]
        if image not in gts:
            raise KeyError(f"res[{position}]: found the image {image!r}, expected one of gts")
        references.append(gts[image])
        captions.append(result["caption"])
    return references, captions


class Bleu:
    """pycocoevalcap's ``Bleu``: BLEU-1 to BLEU-n, 0 to 1, with the closest reference length.

    >>> corpus, captions = Bleu(2).compute_score({1: ["a dog runs"]}, {1: ["a dog"]})
    >>> [round(score, 4) for score in corpus]
    [0.6065, 0.6065]
    """

    def __init__(self, n: int = 4) -> None:
        self._n = _order(n, [1, 2, 3, 4])

    def compute_score(
        self, gts: References, res: Candidates, verbose: int = 1
    ) -> tuple[list[float], list[list[float]]]:
        """The scores of the corpus by order, and by order those of every caption; verbose changes nothing."""
        corpus, captions = _scst.bleu(gts, res)
        return corpus[: self._n], captions[: self._n]

    def method(self) -> str:
        """``"Bleu"``."""
        return "Bleu"


class Rouge:
    """pycocoevalcap's ``Rouge``: ROUGE-L, 0 to 1, with beta 1.2.

    >>> Rouge().compute_score({1: ["a dog runs", "dogs"]}, {1: ["a dog"]})[1].round(4).tolist()
    [0.7722]
    """

    def calc_score(self, candidate: Sequence[str], refs: Sequence[str]) -> float:
        """The score of a list with one caption against its references."""
        return _scst.rouge_l([refs], [candidate])[0]

    def compute_score(self, gts: References, res: Candidates) -> Scores:
        """The mean over captions, and the score of every caption."""
        return _mean(_scst.rouge_l(gts, res))

    def method(self) -> str:
        """``"Rouge"``."""
        return "Rouge"


class Meteor:
    """pycocoevalcap's ``Meteor``, which needs Java and ``meteor-1.5.jar`` with its data folder.

    The jar of an installed pycocoevalcap is found by itself. The program is kept running until the object is deleted.
    """

    def __init__(
        self,
        jar: str | os.PathLike[str] | None = None,
        *,
        java: str | os.PathLike[str] = "java",
        memory: str = "2G",
        timeout_secs: float = 180.0,
    ) -> None:
        self._meteor = _scst.MeteorProcess(meteor_jar(jar), java, memory, timeout_secs)

    def compute_score(self, gts: References, res: Candidates) -> tuple[float, list[float]]:
        """The score of the corpus, from summed statistics, and the score of every caption."""
        return self._meteor.score(gts, res)

    def method(self) -> str:
        """``"METEOR"``."""
        return "METEOR"


def meteor_jar(jar: str | os.PathLike[str] | None) -> str | os.PathLike[str]:
    """The jar given, or that of an installed pycocoevalcap."""
    if jar is not None:
        return jar
    package = importlib.util.find_spec("pycocoevalcap")
    for folder in (package and package.submodule_search_locations) or []:
        found = Path(folder) / "meteor" / "meteor-1.5.jar"
        if found.is_file():
            return found
    raise ValueError("jar: found none, expected the path of meteor-1.5.jar, or pycocoevalcap installed, which has it")


class PTBTokenizer:
    """pycocoevalcap's ``PTBTokenizer`` without Java.

    Captions are tokenised one by one. Where the original puts them into one file, a single letter with a full stop at the
    end of a caption may look at the next caption there.

    >>> PTBTokenizer().tokenize({7: [{"caption": "A man's dog (running)."}]})
    {7: ["a man 's dog -lrb- running -rrb-"]}
    """

    def tokenize(self, captions_for_image: Mapping[Any, Sequence[Mapping[str, Any]]]) -> dict[Any, list[str]]:
        """The words of every caption, joined by single spaces, by the keys given."""
        if not isinstance(captions_for_image, Mapping):
            found = type(captions_for_image).__name__
            raise TypeError(f"captions_for_image: found {found}, expected a mapping from keys of images")
        texts = []
        for key, captions in captions_for_image.items():
            if not isinstance(captions, Sequence) or isinstance(captions, (str, bytes)):
                found = type(captions).__name__
                raise TypeError(f"captions_for_image[{key!r}]: found {found}, expected a list of captions")
            for position, caption in enumerate(captions):
                if not isinstance(caption, Mapping) or "caption" not in caption:
                    place = f"captions_for_image[{key!r}][{position}]"
                    raise KeyError(f"{place}: found no 'caption', expected a mapping such as {{'caption': 'A dog.'}}")
                texts.append(caption["caption"])
        words = iter(_scst.tokenize(texts))
        return {key: [next(words) for _ in captions] for key, captions in captions_for_image.items()}
