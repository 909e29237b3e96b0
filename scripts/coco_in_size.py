#!/usr/bin/env python3
"""A data set of COCO's size: its images, their real captions, and features that take little disk.

    pip install pycocoevalcap==1.2
    python3 scripts/coco_in_size.py OUT [--share 0.25] [--half] [--dense] [--shuffle]
    scst train OUT/att2in.toml --threads 2 --hash-every 5

Writes OUT/captions.json in Karpathy's layout, five captions an image, those of the annotations that SPICE brings along
(`--jar FILE` reads a `spice-1.0.jar` that lies elsewhere): 82,783 images of train2014 as `train`, 40,504 of val2014 as
`val`; and OUT/features.npy, `[123287, 36, 2048]`, with OUT/features.names.txt. Of the features of an image, 4 KiB are
random numbers and the others holes of the file, that read as 0: 36 GB take 0.5 GB of disk. `--dense` has no holes;
`--half` is of float16, half as large; `--share` takes the first images of both splits only; `--shuffle` lists the
images in another order than their features stand in the file. OUT/att2in.toml trains a few steps on them, to see what they
cost, in two parts, so that one and two ranks compute the same.
"""

import argparse
import importlib.util
import json
import random
import re
import struct
import sys
import zipfile
from collections import defaultdict
from pathlib import Path

REGIONS, DIMENSIONS = 36, 2048
BLOCK = 4096
SPLITS = {"train": 82_783, "val": 40_504}
CONFIG = """\
seed = 1
log_every_steps = 5

[data]
captions.karpathy = {{ path = "{out}/captions.json" }}
features.npy = {{ path = "{out}/features.npy" }}
standardise = true
minimum_count = 5
max_length = 16

[model.att2in]
hidden = 512
embedding = 512
attention_size = 512
dropout = 0.5

[validation]
sources = 50

[[stages]]
name = "xe"
steps = 20
sources_per_batch = 10
parts = 2
learning_rate = 5e-4
clip.value = 0.1
xe = {{ targets_per_source = 5 }}

[[stages]]
name = "scst"
steps = 20
sources_per_batch = 50
parts = 2
learning_rate = 1e-4
clip.value = 0.1

[stages.scst]
samples_per_source = 5
baseline = "leave_one_out"

[[stages.scst.rewards]]
cider_d = {{}}
"""


def jar_of_package():
    spec = importlib.util.find_spec("pycocoevalcap")
    if spec is None:
        sys.exit("error: the package pycocoevalcap is not installed: pip install pycocoevalcap==1.2")
    return Path(next(iter(spec.submodule_search_locations))) / "spice/spice-1.0.jar"


def images_of(jar, split, share):
    """Images of a split in Karpathy's layout."""
    year = f"{split}2014"
    with zipfile.ZipFile(jar) as archive, archive.open(f"coco/annotations/captions_{year}.json") as file:
        annotations = json.load(file)["annotations"]
    captions = defaultdict(list)
    for annotation in sorted(annotations, key=lambda annotation: annotation["id"]):
        captions[annotation["image_id"]].append(annotation["caption"].strip())
    if len(captions) != SPLITS[split]:
        sys.exit(f"error: {jar}: {len(captions)} images in {year}, expected {SPLITS[split]}")
    for image in sorted(captions)[: round(share * len(captions))]:
        sentences = [{"raw": raw, "tokens": re.findall("[a-z0-9]+", raw.lower())} for raw in captions[image][:5]]
        name = f"COCO_{year}_{image:012}.jpg"
        yield {"filepath": year, "filename": name, "cocoid": image, "split": split, "sentences": sentences}


def write_features(path, images, half, dense):
    element, size = ("e", 2) if half else ("f", 4)
    descr = {"descr": f"<f{size}", "fortran_order": False, "shape": (images, REGIONS, DIMENSIONS)}
    # As long as a block, so that the blocks of an image are blocks of the file.
    text = str(descr).ljust(BLOCK - 11) + "\n"
    bytes_of_image = REGIONS * DIMENSIONS * size
    blocks = bytes_of_image // BLOCK
    generator = random.Random(1)
    count = 2 * bytes_of_image // size
    numbers = struct.pack(f"<{count}{element}", *(abs(generator.gauss(0, 1)) for _ in range(count)))
    with path.open("wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode())
        for image in range(images):
            # Other numbers in every image: they begin elsewhere.
            start = size * generator.randrange(bytes_of_image // size)
            if dense:
                file.write(numbers[start : start + bytes_of_image])
            else:
                file.seek(BLOCK + image * bytes_of_image + generator.randrange(blocks) * BLOCK)
                file.write(numbers[start : start + BLOCK])
        file.truncate(BLOCK + images * bytes_of_image)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--share", type=float, default=1)
    parser.add_argument("--half", action="store_true")
    parser.add_argument("--dense", action="store_true")
    parser.add_argument("--shuffle", action="store_true")
    parser.add_argument("--jar", type=Path)
    given = parser.parse_args()
    jar = given.jar or jar_of_package()
    images = [image for split in SPLITS for image in images_of(jar, split, given.share)]
    given.out.mkdir(parents=True, exist_ok=True)
    names = "".join(f"{image['filename']}\n" for image in images)
    (given.out / "features.names.txt").write_text(names, encoding="utf-8")
    if given.shuffle:
        random.Random(1).shuffle(images)
    document = {"dataset": "coco", "images": images}
    (given.out / "captions.json").write_text(json.dumps(document), encoding="utf-8")
    write_features(given.out / "features.npy", len(images), given.half, given.dense)
    (given.out / "att2in.toml").write_text(CONFIG.format(out=given.out.resolve()), encoding="utf-8")
    print(f"{given.out}: {len(images)} images, {sum(len(image['sentences']) for image in images)} captions")


if __name__ == "__main__":
    main()
