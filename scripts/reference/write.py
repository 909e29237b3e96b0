#!/usr/bin/env python3
"""Writes what the reference implementations make of captions: the fixtures of `reward/tests/golden` and of `loss/tests`.

    git clone https://github.com/ruotianluo/self-critical.pytorch
    git clone https://github.com/ruotianluo/cider -b self_cider
    git clone https://github.com/facebookresearch/MIXER
    pip install pycocoevalcap==1.2 sacrebleu==2.6.0 numpy torch lupa six
    python3 scripts/reference/write.py self-critical.pytorch cider MIXER crates

Captions are read from the fixtures themselves, and stay: those of COCO (CC BY 4.0), hand-made and random ones. All scores
are computed anew.
"""

import argparse
import json
import os
import sys


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ["self_critical", "cider", "mixer", "crates"]:
        parser.add_argument(name)
    arguments = parser.parse_args()
    sys.path.insert(0, os.path.abspath(arguments.cider))
    import corpora
    import mixer
    import self_critical

    def write(path, document, lines=()):
        """Compact, but for what `lines` names: lists with an entry a line."""
        text = []
        for key, value in document.items():
            if key in lines:
                entries = ",\n".join(json.dumps(entry, ensure_ascii=False, separators=(",", ":")) for entry in value)
                text.append(f"{json.dumps(key)}: [\n{entries}\n]")
            else:
                text.append(f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False, separators=(',', ':'))}")
        with open(os.path.join(arguments.crates, path), "w") as file:
            file.write("{\n" + ",\n".join(text) + "\n}\n")

    folder = "reward/tests/fixtures/corpora"
    at = os.path.join(arguments.crates, folder)
    with open(os.path.join(at, "df_train.jsonl")) as file:
        images = [json.loads(line) for line in file]
    table = corpora.frequencies(images)
    write(f"{folder}/df_check.json", corpora.check(table, len(images)), ["top", "sample"])
    for name in sorted(os.listdir(at)):
        if name.endswith(".json") and name != "df_check.json":
            with open(os.path.join(at, name)) as file:
                document = json.load(file)
            corpora.score(document, table, len(images))
            write(f"{folder}/{name}", document, ["items"])
    rewards, losses = self_critical.modules(os.path.abspath(arguments.self_critical))
    document = self_critical.rewards_of(rewards, images[:150])
    write("reward/tests/fixtures/scst_ids.json", document, ["df_refs", "batches"])
    write("loss/tests/fixtures/scst_losses.json", self_critical.losses_of(losses), ["logits"])
    stand_in = os.path.join(os.path.dirname(os.path.abspath(__file__)), "torch7.lua")
    write("reward/tests/fixtures/mixer.json", mixer.batches(os.path.abspath(arguments.mixer), stand_in), ["batches"])


if __name__ == "__main__":
    main()
