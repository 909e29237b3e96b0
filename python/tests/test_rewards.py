"""Rewards as trainers call them."""

import inspect

import numpy as np
import pytest
from oracles import close, made_corpus, vectors

from scst import CiderD, DocumentFrequency, rewards, score

REFERENCES = {"a": ["A dog runs.", "The dog is running fast"], "b": ["A cat sleeps."], "c": ["Two men"]}
ALL = [
    rewards.CiderD,
    rewards.Bleu,
    rewards.RougeL,
    rewards.WordErrorRate,
    rewards.PhonemeErrorRate,
    rewards.CharacterErrorRate,
    rewards.ExactMatch,
    rewards.Chrf,
    rewards.Sacrebleu,
    rewards.RougeScore,
]


@pytest.mark.parametrize("kind", ALL)
def test_trl_gets_a_float_for_each_completion(kind):
    reward = kind(REFERENCES)
    assert callable(reward) and not inspect.iscoroutinefunction(reward) and isinstance(reward.__name__, str)
    completions = ["a dog runs", "a cat", "a dog runs", "Two men"]
    # What TRL 1.16 passes: by keyword, with columns as lists of the same length.
    scores = reward(
        prompts=["Describe it."] * 4,
        completions=completions,
        completion_ids=[[1, 2], [1], [1, 2], [3]],
        trainer_state=None,
        log_extra=None,
        image_id=["a", "b", "a", "c"],
    )
    assert [type(score) for score in scores] == [float] * 4
    assert scores[0] == scores[2] and scores[3] >= scores[1]
    messages = [[{"role": "assistant", "content": text}] for text in completions]
    assert reward(completions=messages, image_id=["a", "b", "a", "c"]) == scores
    parts = [[{"role": "assistant", "content": [{"type": "text", "text": text}]}] for text in completions]
    assert reward(completions=parts, image_id=["a", "b", "a", "c"]) == scores
    assert reward.signature and reward.__name__ in repr(reward)


@pytest.mark.parametrize("kind", ALL)
def test_references_may_come_with_each_call(kind):
    kept = kind(REFERENCES)
    options = {"df": DocumentFrequency.from_references(REFERENCES)} if kind is rewards.CiderD else {}
    called = kind(**options)
    completions, keys = ["a dog runs", "cats sleep", "a Dog  runs"], ["a", "b", "a"]
    expected = kept(completions, image_id=keys)
    assert called(completions, references=[REFERENCES[key] for key in keys]) == expected
    assert called(completions[1:2], references=["A cat sleeps."]) == expected[1:2]
    assert kind(column="gold", **options)(completions[:1], gold=[REFERENCES["a"]]) == expected[:1]
    assert called([], references=[]) == kept([], image_id=[]) == []
    assert called.signature is None


@pytest.mark.parametrize("kind", ALL)
def test_verl_gets_one_float(kind):
    kept = kind(REFERENCES)
    expected = kept(["a dog runs"], image_id=["a"])[0]
    arguments = {"data_source": "captions", "solution_str": "a dog runs"}
    assert kept.compute_score(**arguments, ground_truth="a", extra_info=None) == expected
    assert kept.compute_score(**arguments, ground_truth="?", extra_info={"image_id": "a", "split": "train"}) == expected
    options = {"df": DocumentFrequency.from_references(REFERENCES)} if kind is rewards.CiderD else {}
    called = kind(**options)
    gold = np.array(REFERENCES["a"], dtype=object)
    assert called.compute_score(**arguments, ground_truth=gold) == expected
    assert type(called.compute_score("captions", "a dog runs", "a dog runs", {})) is float


def test_rewards_are_the_metrics_of_captions():
    references, candidates = made_corpus(11, 40)
    completions, keys = [own[0] for own in candidates.values()], list(candidates)
    df = DocumentFrequency.from_references(references, tokenizer="none")
    close(
        rewards.CiderD(references, tokenizer="none")(completions, image_id=keys),
        CiderD(df=df).compute_score(references, candidates)[1],
    )
    other = DocumentFrequency.from_references(list(references.values())[:7] + [["w1 zebra"]], tokenizer="none")
    close(
        rewards.CiderD(references, other, tokenizer="none")(completions, image_id=keys),
        CiderD(df=other).compute_score(references, candidates)[1],
    )
    mean = sum(rewards.WordErrorRate(references)([own], image_id=[key])[0] for own, key in zip(completions[:1], keys))
    assert -mean == score([references[keys[0]]], completions[:1], "word_error_rate")["word_error_rate"]


def test_recorded_numbers_of_sacrebleu_come_out():
    corpus = vectors("flickr8k_human.json")
    references = [item["refs"] for item in corpus["items"]]
    completions, keys = [item["cand"] for item in corpus["items"]], list(range(len(references)))
    for key, options in [
        ("sacre_exp_eff", {}),
        ("sacre_exp", {"effective_order": False}),
        ("sacre_floor_eff", {"smoothing": "floor", "smoothing_value": 0.1}),
        ("sacre_addk_eff", {"smoothing": "add_k", "smoothing_value": 1}),
        ("sacre_none_eff", {"smoothing": "none"}),
    ]:
        scores = rewards.Sacrebleu(references, tokenizer="none", **options)(completions, image_id=keys)
        close(scores, [item["scores"][key] / 100 for item in corpus["items"]])


def test_recorded_rewards_of_self_critical_training_come_out():
    """CIDEr-D and BLEU-4 on ids with the end token as a word, beside those of self-critical.pytorch."""
    recorded = vectors("scst_ids.json")
    df = DocumentFrequency.from_references(recorded["df_refs"])
    assert df.images == recorded["df"]["ref_len"] and df.frequency([0]) == recorded["df"]["df_of_eos"]
    for batch in recorded["batches"]:
        references = [[through_end(own) for own in image] for image in batch["gts"]]
        keys = [row // batch["seq_per_img"] for row in range(len(batch["gen"]))]
        cider = rewards.CiderD(references, df, end_token=0)
        bleu = rewards.Bleu(references, end_token=0)
        for run in batch["runs"]:
            weights = run["cider_weight"], run["bleu_weight"]
            for rows, images, expected in [
                (batch["gen"], keys, run["gen_scores"]),
                (batch["greedy"], list(range(len(references))), run["greedy_scores"]),
            ]:
                parts = cider(rows, image_id=images), bleu(rows, image_id=images)
                close([weights[0] * first + weights[1] * second for first, second in zip(*parts)], expected)


def through_end(ids):
    return ids[: ids.index(0) + 1] if 0 in ids else ids


def test_ids_are_read_from_the_column_that_trl_has():
    reward = rewards.CiderD({"a": [[5, 6, 7, 0]], "b": [[5, 8, 0]]}, end_token=0)
    ids = [[5, 6, 7, 0, 9, 9], [5, 8]]
    expected = reward(ids, image_id=["a", "b"])
    assert reward(["text", "more"], completion_ids=ids, image_id=["a", "b"]) == expected
    assert expected[0] == reward([[5, 6, 7, 0]], image_id=["a"])[0] > expected[1] > 0
    arrays = [np.array(own) for own in ids]
    assert reward(arrays, image_id=["a", "b"]) == expected


def test_options_reach_the_metric():
    completions, columns = ["a dog runs home"], {"references": [["A dog runs far away"]]}
    assert rewards.WordErrorRate(lowercase=True)(completions, **columns) == [-0.4]
    assert rewards.WordErrorRate()(completions, **columns) == [-0.6]
    assert rewards.Bleu(order=1, smoothing="none")(completions, **columns)[0] == pytest.approx(0.75 * np.exp(-0.25))
    assert rewards.RougeL(beta=0.0)(completions, **columns) == [0.75]
    assert rewards.RougeScore(kind="2")(completions, **columns)[0] == pytest.approx(2 * (2 / 3) * 0.5 / (2 / 3 + 0.5))
    df = DocumentFrequency.from_references([["a dog runs"], ["a cat"]])
    ten, one = (rewards.CiderD(df=df, scale=scale)(completions, **columns)[0] for scale in (10.0, 1.0))
    assert ten == pytest.approx(10 * one) and one > 0
    assert rewards.CiderD(df=df, sigma=1.0)(completions, **columns)[0] < ten
    for reward, name in [
        (rewards.Bleu(order=2), "bleu_2"),
        (rewards.Chrf(word_order=2), "chrf++"),
        (rewards.RougeScore(kind="1"), "rouge_score_1"),
    ]:
        assert reward.__name__ == name
