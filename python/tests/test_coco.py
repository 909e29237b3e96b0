"""The classes beside those of pycocoevalcap, and against numbers that it and others computed."""

import shutil

import numpy as np
import pytest
from oracles import close, made_corpus, missing, module, vectors

import scst

CORPORA = [
    "abstract50s_48refs.json",
    "coco_clean/coco_val_mixed_200.json",
    "edge_all_empty_candidates.json",
    "edge_fuzz.json",
    "edge_hand_made.json",
    "edge_short_candidates.json",
    "edge_single_image.json",
    "edge_two_same_images.json",
    "flickr8k_human.json",
    "flickr8k_mixed_5refs.json",
    "flickr8k_repeated.json",
    "flickr8k_shuffled.json",
    "flickr8k_single_word.json",
    "flickr8k_truncated.json",
    "flickr8k_wrong_image.json",
]


def layout(corpus):
    gts = {position: item["refs"] for position, item in enumerate(corpus["items"])}
    return gts, {position: [item["cand"]] for position, item in enumerate(corpus["items"])}


@pytest.mark.parametrize("name", CORPORA)
def test_classes_give_the_recorded_numbers(name):
    corpus = vectors(name)
    gts, res = layout(corpus)
    items = [item["scores"] for item in corpus["items"]]
    for scorer, key in [
        (scst.Cider(), "cider_d"),
        (scst.CiderD(), "cider_d"),
        (scst.PlainCider(), "cider"),
        (scst.Rouge(), "rouge_l"),
    ]:
        score, scores = scorer.compute_score(gts, res)
        close(score, corpus["corpus"][key])
        close(scores, [item[key] for item in items])
    score, scores = scst.Bleu(4).compute_score(gts, res)
    close(score, corpus["corpus"]["bleu"])
    close(scores, [[item["bleu"][order] for item in items] for order in range(4)])


def test_kept_frequencies_give_the_recorded_numbers():
    train = vectors("df_train.jsonl")
    df = scst.DocumentFrequency.from_references([image["refs"] for image in train], tokenizer="none")
    check = vectors("df_check.json")
    assert df.images == check["ref_len"]
    for ngram, count in check["top"] + check["sample"]:
        assert df.frequency(ngram) == count
    for name in ["flickr8k_human.json", "flickr8k_5cands_per_image.json", "edge_hand_made.json"]:
        corpus = vectors(name)
        gts, res = layout(corpus)
        for scorer, key in [(scst.CiderD(df=df), "cider_d_df"), (scst.PlainCider(df=df), "cider_df")]:
            score, scores = scorer.compute_score(gts, res)
            close(score, corpus["corpus"][key])
            close(scores, [item["scores"][key] for item in corpus["items"]])


def test_counts_of_another_program_may_be_inconsistent():
    """More images hold an n-gram than there are: weights are negative, and nothing else is special."""
    corpus = vectors("edge_negative_idf.json")
    train = vectors("df_train.jsonl")
    counts = {}
    for image in train:
        words = [reference.split() for reference in image["refs"]]
        ngrams = {tuple(own[at : at + n]) for own in words for n in range(1, 5) for at in range(len(own) - n + 1)}
        for ngram in ngrams:
            counts[ngram] = counts.get(ngram, 0) + 1
    gts, res = layout(corpus)
    df = scst.DocumentFrequency.from_counts(corpus["ref_len_override"], counts)
    close(scst.CiderD(df=df).compute_score(gts, res)[1], [item["scores"]["cider_d_df"] for item in corpus["items"]])


@pytest.mark.parametrize("seed", range(6))
def test_classes_agree_with_pycocoevalcap(seed):
    cider = module("pycocoevalcap.cider.cider").Cider
    bleu = module("pycocoevalcap.bleu.bleu").Bleu
    rouge = module("pycocoevalcap.rouge.rouge").Rouge
    gts, res = made_corpus(seed, 60)
    pairs = [(scst.Cider(), cider()), (scst.Cider(sigma=2.5), cider(sigma=2.5)), (scst.Rouge(), rouge())]
    for ours, theirs in pairs:
        found, expected = ours.compute_score(gts, res), theirs.compute_score(gts, res)
        assert [type(part) for part in found] == [type(part) for part in expected]
        assert found[1].dtype == expected[1].dtype and found[1].shape == expected[1].shape
        close(found[0], expected[0])
        close(found[1], expected[1])
        assert ours.method() == theirs.method()
    for n in range(1, 5):
        ours, theirs = scst.Bleu(n), bleu(n)
        found, expected = ours.compute_score(gts, res, verbose=0), theirs.compute_score(gts, res, verbose=0)
        assert [type(part) for part in found] == [type(part) for part in expected]
        assert type(found[0][0]) is float and type(found[1][0]) is list
        close(found, expected)
        assert ours.method() == theirs.method()
    first = next(iter(gts))
    close(scst.Rouge().calc_score(res[first], gts[first]), rouge().calc_score(res[first], gts[first]))


def test_keys_of_any_kind_keep_their_order():
    gts = {("a", 1): ["x y"], 7: ["z"], "b": ["x z"]}
    res = {"b": ["x z"], 7: ["y"], ("a", 1): ["x y"]}
    assert scst.Rouge().compute_score(gts, res)[1].tolist() == [1.0, 0.0, 1.0]


def test_results_of_coco_may_name_an_image_several_times():
    corpus = vectors("flickr8k_5cands_per_image.json")
    gts = {item["id"]: item["refs"] for item in corpus["items"]}
    res = [{"image_id": item["id"], "caption": [item["cand"]]} for item in corpus["items"]]
    assert len(gts) < len(res)
    score, scores = scst.CiderD().compute_score(gts, res)
    close(score, corpus["corpus"]["cider_d"])
    close(scores, [item["scores"]["cider_d"] for item in corpus["items"]])


def test_ids_score_as_the_words_that_they_stand_for():
    gts, res = made_corpus(9, 20)
    numbers = {}

    def ids(text):
        return [numbers.setdefault(word, len(numbers)) for word in text.split()]

    gts_ids = {key: [ids(text) for text in texts] for key, texts in gts.items()}
    res_ids = {key: [ids(texts[0])] for key, texts in res.items()}
    for scorer in [scst.Cider(), scst.PlainCider()]:
        close(scorer.compute_score(gts_ids, res_ids)[1], scorer.compute_score(gts, res)[1])
    close(scst.Bleu().compute_score(gts_ids, res_ids), scst.Bleu().compute_score(gts, res))
    arrays = {key: [np.array(own, dtype=np.int64) for own in references] for key, references in gts_ids.items()}
    close(scst.Cider().compute_score(arrays, res_ids)[1], scst.Cider().compute_score(gts, res)[1])


def test_tokenizer_gives_the_recorded_words():
    pairs = [pair for pair in vectors("ptb_pairs.jsonl") if not pair.get("breaks_lines")]
    captions = {position: [{"caption": pair["raw"]}] for position, pair in enumerate(pairs)}
    words = scst.PTBTokenizer().tokenize(captions)
    assert list(words) == list(captions)
    assert [own[0] for own in words.values()] == [pair["tok"] for pair in pairs]


def test_tokenizer_agrees_with_pycocoevalcap():
    theirs = module("pycocoevalcap.tokenizer.ptbtokenizer").PTBTokenizer()
    if shutil.which("java") is None:
        missing("java is not installed")
    captions = {
        "a": [{"caption": "A man's dog isn't here (again)."}, {"caption": "Two girls, 3 cats & a $5 bill!"}],
        7: [{"caption": "It's 10:30 a.m. in the U.S.\nand raining", "id": 3}],
    }
    assert scst.PTBTokenizer().tokenize(captions) == theirs.tokenize({**captions})
    # A key without captions stays, where the original loses it.
    assert scst.PTBTokenizer().tokenize({"empty": []}) == {"empty": []}


def test_meteor_gives_the_recorded_numbers():
    if shutil.which("java") is None:
        missing("java is not installed")
    module("pycocoevalcap")
    corpus = vectors("edge_short_candidates.json")
    gts, res = layout(corpus)
    meteor = scst.Meteor()
    score, scores = meteor.compute_score(gts, res)
    assert type(score) is float and type(scores) is list and meteor.method() == "METEOR"
    close(score, corpus["corpus"]["meteor"])
    close(scores, [item["scores"]["meteor"] for item in corpus["items"]])
    reward = scst.rewards.Meteor(gts, tokenizer="none")
    close(reward([own[0] for own in res.values()], image_id=list(res)), scores)
