#!/usr/bin/env python3
"""Writes models and data in the layouts of self-critical.pytorch, with what its own code computes from them.

    git clone https://github.com/ruotianluo/self-critical.pytorch
    python3 scripts/self_critical_fixture.py self-critical.pytorch crates/cli/tests/fixtures/self_critical

The models are the classes of that checkout with random weights, saved as it saves them. Needs PyTorch, NumPy, h5py and six.
`expected.json` holds, for every model, the log-probabilities of some captions given their images (teacher forcing) and
the greedy captions, and the region vectors that `use_box` makes.
"""

import argparse
import importlib
import json
import os
import sys
import types

import h5py
import numpy as np
import torch

WORDS = "a dog cat bird horse runs sits on in the grass red blue small big two and near UNK".split()
SPLITS = ["train", "train", "restval", "val", "val", "test"]
LENGTH = 6  # longest caption, in words
FEATURE = 6
MODELS = ["newfc", "fc", "att2in2", "updown", "att2in", "show_tell", "att2all2"]


def options(caption_model):
    return argparse.Namespace(
        caption_model=caption_model, vocab_size=len(WORDS), input_encoding_size=7, rnn_size=8, rnn_type="lstm",
        num_layers=1, drop_prob_lm=0.5, seq_length=LENGTH, max_length=LENGTH, fc_feat_size=FEATURE,
        att_feat_size=FEATURE, att_hid_size=5, use_bn=0, logit_layers=1,
        vocab={str(k): word for k, word in enumerate(WORDS, 1)})


def load_classes(checkout):
    """The modules of the checkout's models, without those that need other libraries."""
    sys.path.insert(0, checkout)
    package = types.ModuleType("captioning.models")
    package.__path__ = [os.path.join(checkout, "captioning", "models")]
    importlib.import_module("captioning")
    sys.modules["captioning.models"] = package
    att = importlib.import_module("captioning.models.AttModel")
    fc = importlib.import_module("captioning.models.FCModel")
    show_tell = importlib.import_module("captioning.models.ShowTellModel")
    return {"newfc": att.NewFCModel, "fc": fc.FCModel, "att2in2": att.Att2in2Model, "att2in": att.Att2inModel,
            "updown": att.UpDownModel, "att2all2": att.Att2all2Model, "show_tell": show_tell.ShowTellModel}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", help="a checkout of self-critical.pytorch")
    parser.add_argument("out", help="where the files are written")
    arguments = parser.parse_args()
    classes = load_classes(arguments.checkout)
    misc = importlib.import_module("captioning.utils.misc")
    for folder in ["", "fc", "att", "box"]:
        os.makedirs(os.path.join(arguments.out, folder), exist_ok=True)
    at = lambda *names: os.path.join(arguments.out, *names)
    random = np.random.default_rng(1)
    torch.manual_seed(1)

    # Captions: two an image, as prepro_labels.py writes them.
    images, labels = [], []
    for number, split in enumerate(SPLITS):
        image = {"id": 100 + 7 * number, "split": split, "file_path": f"val2014/COCO_{number:06d}.jpg",
                 "width": 64 + number, "height": 48}
        images.append(image)
        for _ in range(2):
            words = random.integers(1, len(WORDS) + 1, random.integers(2, LENGTH + 1))
            labels.append(np.pad(words, (0, LENGTH - len(words))).astype("uint32"))
    labels = np.stack(labels)
    starts = np.arange(len(images), dtype="uint32") * 2 + 1
    with h5py.File(at("cocotalk_label.h5"), "w") as file:
        file.create_dataset("labels", dtype="uint32", data=labels)
        file.create_dataset("label_start_ix", dtype="uint32", data=starts)
        file.create_dataset("label_end_ix", dtype="uint32", data=starts + 1)
        file.create_dataset("label_length", dtype="uint32", data=(labels > 0).sum(1))
    with open(at("cocotalk.json"), "w") as file:
        json.dump({"ix_to_word": options("").vocab, "images": images}, file)

    # Features, as make_bu_data.py writes them: regions, their mean, and the corners of their boxes.
    regions, boxes = [], []
    for number, image in enumerate(images):
        vectors = random.normal(size=(2 + number % 3, FEATURE)).astype("float32")
        corners = np.sort(random.uniform(0, 48, size=(len(vectors), 2, 2)), axis=1)
        corners = corners.reshape(-1, 4).astype("float32")
        np.savez_compressed(at("att", str(image["id"])), feat=vectors)
        np.save(at("fc", str(image["id"])), vectors.mean(0))
        np.save(at("box", str(image["id"])), corners)
        regions.append(vectors)
        boxes.append(corners)
    expected = {"captions": labels.tolist(), "models": {}}

    # What dataloader.py makes of them with use_box, norm_att_feat and norm_box_feat.
    expected["boxes"] = []
    for image, vectors, corners in zip(images, regions, boxes):
        vectors = vectors / np.linalg.norm(vectors, 2, 1, keepdims=True)
        x1, y1, x2, y2 = np.hsplit(corners, 4)
        h, w = image["height"], image["width"]
        geometry = np.hstack((x1 / w, y1 / h, x2 / w, y2 / h, (x2 - x1) * (y2 - y1) / (w * h)))
        geometry = geometry / np.linalg.norm(geometry, 2, 1, keepdims=True)
        expected["boxes"].append(np.hstack([vectors, geometry]).tolist())

    # A batch with masks, as collate_func pads it; two captions an image.
    longest = max(len(vectors) for vectors in regions)
    att = np.zeros((len(images), longest, FEATURE), dtype="float32")
    masks = np.zeros((len(images), longest), dtype="float32")
    for number, vectors in enumerate(regions):
        att[number, :len(vectors)] = vectors
        masks[number, :len(vectors)] = 1
    att, masks = torch.from_numpy(att), torch.from_numpy(masks)
    fc = torch.from_numpy(np.stack([vectors.mean(0) for vectors in regions]))
    inputs = torch.zeros(len(labels), LENGTH + 1, dtype=torch.long)
    inputs[:, 1:] = torch.from_numpy(labels.astype("int64"))

    for name in MODELS:
        opt = options(name)
        model = classes[name](opt)
        with torch.no_grad():
            for key, parameter in model.named_parameters():
                bound = 0.3 if key.endswith("bias") else 1.2
                parameter.uniform_(-bound, bound)
            # The unknown word, which is never decoded here.
            model.logit.bias[len(WORDS)] = -6
        model.eval()
        torch.save(model.state_dict(), at(f"{name}.pth"))
        if name == "newfc":  # in a checkpoint of a trainer that wraps models
            wrapped = {"module._orig_mod." + key: value for key, value in model.state_dict().items()}
            optimiser = {"state": {0: {"step": 3, "exp_avg": torch.zeros(2, 3)}}, "param_groups": [{"lr": 5e-4, "params": [0]}]}
            torch.save({"epoch": 3, "state_dict": wrapped, "optimizer": optimiser}, at("newfc_wrapped.pth"))
        with torch.no_grad():
            log_probs = model(fc, att, inputs, masks)
            found = {"log_probs": []}
            for caption, row in zip(labels[:6], log_probs):
                targets = list(caption[caption > 0]) + [0]
                found["log_probs"].append([row[t, :].tolist() for t in range(min(len(targets), len(row)))])
            if name != "fc":  # whose sampling fails there
                sequences = model(fc, att, masks, opt={"sample_method": "greedy", "beam_size": 1}, mode="sample")[0]
                found["greedy"] = misc.decode_sequence(opt.vocab, sequences)
        expected["models"][name] = found
    with open(at("infos.pkl"), "wb") as file:
        opt = options("newfc")
        vocab = opt.vocab
        del opt.vocab
        infos = {"iter": 3, "epoch": 1, "opt": opt, "vocab": vocab, "best_val_score": np.float64(0.5),
                 "loader_state_dict": {"train": {"index_list": [1, 0, 2], "iter_counter": 0}}}
        misc.pickle_dump(infos, file)
    with open(at("expected.json"), "w") as file:
        text = json.dumps(expected, separators=(",", ":"))
        file.write(json.dumps(json.loads(text, parse_float=lambda x: round(float(x), 6)), separators=(",", ":")))
        file.write("\n")


if __name__ == "__main__":
    main()
