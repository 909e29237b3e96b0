"""What arguments that hold captions may be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Union

#: Text, or token ids.
Caption = Union[str, Sequence[int]]
#: The references of every image, by key or in a list; text may stand for a list with one.
References = Union[Mapping[Any, Union[Sequence[Caption], str]], Sequence[Union[Sequence[Caption], str]]]
#: The caption of every image, by key or in a list; a list with one may stand for it.
Candidates = Union[Mapping[Any, Union[Caption, Sequence[Caption]]], Sequence[Union[Caption, Sequence[Caption]]]]
