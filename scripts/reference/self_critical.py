"""Rewards and losses of self-critical.pytorch's own code."""

import argparse
import collections
import contextlib
import importlib
import io
import os
import pickle
import random
import sys
import tempfile
import types

import numpy as np
import torch

LENGTH = 16
# Images, samples of each, whether the first samples are edge cases.
BATCHES = [(5, 10, True), (1, 8, False), (3, 6, False)]
# Weights of CIDEr-D and BLEU-4.
WEIGHTS = [(1.0, 0.0), (0.0, 1.0), (1.0, 1.0)]


def modules(checkout):
    """Its rewards and losses, without the package around them."""
    sys.path.insert(0, checkout)
    for name in ["captioning", "captioning.utils", "captioning.modules"]:
        package = types.ModuleType(name)
        package.__path__ = [os.path.join(checkout, *name.split("."))]
        sys.modules[name] = package
    return importlib.import_module("captioning.utils.rewards"), importlib.import_module("captioning.modules.losses")


def vocabulary(images):
    """Ids from 1 on of words that stand more than twice; the last one is the unknown word's."""
    counts = collections.Counter(word for image in images for text in image["refs"] for word in text.split())
    words = [word for word, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])) if count > 2]
    return {word: number for number, word in enumerate(words, 1)}


def rows(captions, length=LENGTH):
    return [(caption + [0] * length)[:length] for caption in captions]


def samples(draws, references, count, edges, unknown):
    """Captions made of references, changed at random."""
    found = []
    for _ in range(count):
        caption = list(draws.choice(references))
        other = draws.choice(references)
        for place in range(len(caption)):
            if draws.random() < 0.25:
                caption[place] = draws.choice(other)
        found.append(caption[:draws.randrange(2, LENGTH + 1)] if draws.random() < 0.5 else caption)
    found = rows(found)
    if edges:
        own = references[0]
        garbage = [0] + own + own + own
        found[:10] = rows([[], garbage, own + own + own, [unknown] * 5, [unknown + 100, unknown + 200, 7], own[:3] + garbage,
                           own, own[:1], own[:2], own[:-1]])
    return found


def rewards_of(rewards, images):
    ids = vocabulary(images)
    unknown = len(ids) + 1
    coded = [[[ids.get(word, unknown) for word in text.split()] for text in image["refs"]] for image in images]
    frequencies = collections.defaultdict(float)
    for image in coded:
        texts = [[str(word) for word in caption + [0]] for caption in image]
        for ngram in {tuple(t[i:i + n]) for t in texts for n in range(1, 5) for i in range(len(t) - n + 1)}:
            frequencies[ngram] += 1
    with tempfile.TemporaryDirectory() as folder:
        os.makedirs(os.path.join(folder, "data"))
        with open(os.path.join(folder, "data", "table.p"), "wb") as file:
            pickle.dump({"document_frequency": frequencies, "ref_len": len(images)}, file)
        before = os.getcwd()
        os.chdir(folder)
        rewards.init_scorer("table")
        os.chdir(before)
    top = sorted(frequencies.items(), key=lambda item: (-item[1], item[0]))[:40]
    document = {
        "unk_id": unknown, "eos_id": 0,
        "df": {"ref_len": len(images), "distinct_ngrams": len(frequencies), "df_of_eos": frequencies["0",],
               "top": [[" ".join(ngram), count] for ngram, count in top]},
        "df_refs": [[caption + [0] for caption in image] for image in coded], "batches": []}
    draws = random.Random(7)
    for count, per_image, edges in BATCHES:
        chosen = draws.sample(coded, count)
        gts = [np.array(rows(image), dtype="uint32") for image in chosen]
        generated = [row for k, image in enumerate(chosen) for row in samples(draws, image, per_image, edges and k == 0, unknown)]
        greedy = [samples(draws, image, 1, False, unknown)[0] for image in chosen]
        generated_, greedy_ = torch.tensor(generated), torch.tensor(greedy)
        batch = {"seq_per_img": per_image, "gts": [image.tolist() for image in gts], "gen": generated, "greedy": greedy,
                 "array_to_str": {f"gen_{k}": rewards.array_to_str(generated[k]) for k in range(3)}, "runs": []}
        for cider, bleu in WEIGHTS:
            opt = argparse.Namespace(cider_reward_weight=cider, bleu_reward_weight=bleu)
            with contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
                scores = rewards.get_scores(gts, generated_, opt)
                own = rewards.get_scores(gts, greedy_, opt)
                reward = rewards.get_self_critical_reward(greedy_, gts, generated_, opt)[:, 0]
                spread = rewards.get_self_cider_scores(gts, generated_, opt)
            by_image = torch.from_numpy(scores).view(-1, per_image)
            baseline = (by_image.sum(1, keepdim=True) - by_image) / (per_image - 1)
            batch["runs"].append({
                "cider_weight": cider, "bleu_weight": bleu, "gen_scores": scores.tolist(), "greedy_scores": own.tolist(),
                "reward": reward.tolist(), "new_self_critical_advantage": (by_image - baseline).view(-1).tolist(),
                "self_cider_diversity": [x if np.isfinite(x) else None for x in spread.tolist()]})
        document["batches"].append(batch)
    return document


def losses_of(losses):
    """Losses and sizes of gradients for random logits, scores and captions: 4 images, 4 samples each."""
    draws = np.random.default_rng(11)
    words, length, count, per_image = 24, 6, 16, 4
    seq = draws.integers(1, words, (count, length))
    for row in seq[1::2]:
        row[draws.integers(1, length):] = 0
    logits = np.round(draws.normal(size=(count, length, words)), 4)
    scores = np.round(draws.uniform(0, 3, count), 4)
    reward = scores - np.repeat(np.round(draws.uniform(0, 3, count // per_image), 4), per_image)
    losses.get_scores = lambda data_gts, seq, opt: scores
    seq_ = torch.tensor(seq)
    expected = {}
    for name in ["reward_criterion_mean", "new_self_critical", "max_margin"]:
        input_ = torch.tensor(logits, dtype=torch.float64)
        if name != "max_margin":
            input_ = torch.log_softmax(input_, 2)
        input_.requires_grad_(True)
        if name == "reward_criterion_mean":
            steps = torch.tensor(np.repeat(reward[:, np.newaxis], length, 1))
            loss = losses.RewardCriterion()(input_, seq_, steps)
        else:
            opt = argparse.Namespace(structure_loss_type=name, train_sample_n=per_image, entropy_reward_weight=0)
            loss = losses.StructureLosses(opt)(input_, seq_, [None] * (count // per_image))["loss"]
        loss.backward()
        expected[name] = {"loss": loss.item(), "grad_wrt_input_abs_sum": input_.grad.abs().sum().item()}
    return {"seq": seq.tolist(), "scores": scores.tolist(), "reward": reward.tolist(), "logits": logits.tolist(),
            "expected": expected}
