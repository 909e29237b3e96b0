#!/usr/bin/env python3
"""Hold model cards against the Hugging Face Hub's own reader, and signatures against SacreEOS itself.

    python3 scripts/card_check.py README.md...

Needs huggingface_hub, and sacreeos without its dependencies. A card is read by
`huggingface_hub.ModelCard`: its header has to be what the Hub takes, its results those of the table of scores, and all of it the
same after it was written and read again. Signatures of SacreEOS are made anew by the classes of that package.
"""

import re
import sys
from pathlib import Path
from types import ModuleType

from huggingface_hub import ModelCard, ModelCardData

SIGNATURE = re.compile(r"(STANDARD|NO<EOS>)_(wInit|w/oInit)\+(Cider-D\[n4,s([\d.]+)\]|BLEU\[n4\])\+(greedy|average)\[nspi(\d+)\]\+([\d.]+)")


class Unused(ModuleType):
    """A package that is imported and not called."""

    def __getattr__(self, name):
        return object


def problems(path):
    text = path.read_text()
    card = ModelCard(text, ignore_metadata_errors=False)
    data = card.data
    if not data.eval_results or data.library_name != "scst" or not data.pipeline_tag or not data.tags:
        yield f"the header has no results, library, task or tags: {data.to_dict()}"
        return
    table = dict(re.findall(r"^\| ([^|]+?) \| (-?[\d.]+) \| [-\d.]+ to [-\d.]+ \|$", card.text, re.MULTILINE))
    for result in data.eval_results:
        if f"{result.metric_value:.4f}" != table.pop(result.metric_name, None):
            yield f"{result.metric_name}: found {result.metric_value} in the header, not in the table"
        if result.verified or not result.dataset_type or not result.dataset_split:
            yield f"{result.metric_name}: found {result}"
    if table:
        yield f"scores {sorted(table)} are not in the header"
    again = ModelCardData(**ModelCard(str(card), ignore_metadata_errors=False).data.__dict__)
    if again.to_dict() != data.to_dict():
        yield "the header is another after it was written and read again"
    try:
        ModelCard(text).validate()
    except Exception as error:
        # The Hub validates over the network, which need not be there.
        if "ConnectError" not in repr(error) and "onnection" not in repr(error):
            yield f"the Hub refuses it: {error}"


def signatures(path):
    """Those of a card, each with that of the package."""
    # What computes scores and losses is imported there, and signatures need none of it.
    for name in ("torch", "numpy", "nltk", "nltk.tokenize", "scipy", "scipy.stats", "scipy.stats.mstats"):
        sys.modules.setdefault(name, Unused(name))
    import sacreeos
    from sacreeos.metric.bleu import BLEU
    from sacreeos.metric.cider_d import CiderD
    from sacreeos.reward_base.average import AverageBase
    from sacreeos.reward_base.greedy import GreedyBase
    from sacreeos.scst_conf.noeos import NoEosScst
    from sacreeos.scst_conf.standard import StandardScst

    for found in SIGNATURE.finditer(path.read_text()):
        mode, start, reward, sigma, base, samples, version = found.groups()
        mode = {"STANDARD": StandardScst, "NO<EOS>": NoEosScst}[mode]("<eos>", start == "wInit")
        reward = CiderD(n=4, sigma=float(sigma)) if reward.startswith("Cider") else BLEU()
        base = {"greedy": GreedyBase, "average": AverageBase}[base](int(samples))
        parts = [mode.get_signature(), reward.get_signature(), base.get_signature(), sacreeos.__VERSION__]
        yield found[0], "+".join(parts)


def main():
    wrong, seen = [], 0
    for path in map(Path, sys.argv[1:]):
        wrong += [f"{path}: {problem}" for problem in problems(path)]
        for found, expected in signatures(path):
            seen += 1
            if found != expected:
                wrong.append(f"{path}: found the signature {found}, expected {expected}")
    print("\n".join(wrong) or f"{len(sys.argv) - 1} cards and {seen} signatures are as the Hub and SacreEOS have them")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
