"""Functions for references and candidates, and document frequencies."""

import pickle

import pytest
from oracles import close, made_corpus, vectors

import scst


def test_metrics_have_the_recorded_numbers_under_their_names():
    corpus = vectors("coco_clean/coco_val_mixed_200.json")
    references = {item["id"]: item["refs"] for item in corpus["items"]}
    candidates = {item["id"]: item["cand"] for item in corpus["items"]}
    metrics = ["rouge_l", "bleu", "cider", "cider_d", "sacrebleu_none"]
    report = scst.evaluate(references, candidates, metrics, tokenizer="none")
    assert list(report.scores) == [
        "rouge_l",
        "bleu_1",
        "bleu_2",
        "bleu_3",
        "bleu_4",
        "cider",
        "cider_d",
        "sacrebleu_none",
    ]
    recorded = corpus["corpus"]
    for name in ["rouge_l", "cider", "cider_d"]:
        close(report.scores[name], recorded[name])
        close(report.captions[name], [item["scores"][name] for item in corpus["items"]])
    for order in range(4):
        close(report.scores[f"bleu_{order + 1}"], recorded["bleu"][order])
        close(report.captions[f"bleu_{order + 1}"], [item["scores"]["bleu"][order] for item in corpus["items"]])
    close(report.scores["sacrebleu_none"], recorded["sacre_exp"]["score"] / 100)
    close(report.captions["sacrebleu_none"], [item["scores"]["sacre_exp_eff"] / 100 for item in corpus["items"]])
    assert scst.score(references, candidates, metrics, tokenizer="none") == report.scores
    for part in [
        "rouge_l|beta:1.2",
        "cider_d|n:4|sigma:6|scale:10|df:corpus",
        "sacrebleu",
        "images:200",
        "|tokenizer:none+",
    ]:
        assert part in report.signature
    swapped = dict(reversed(candidates.items()))
    assert scst.score(references, swapped, metrics, tokenizer="none") == report.scores


def test_lists_score_as_mappings_do():
    references, candidates = made_corpus(3, 25)
    of_mappings = scst.score(references, candidates, ["cider_d", "chrf"])
    of_lists = scst.score(list(references.values()), [own[0] for own in candidates.values()], ["cider_d", "chrf"])
    assert of_lists == of_mappings
    assert scst.score(["a b c"], ["a b d"], "bleu_1") == scst.score([["a b c"]], [["a b d"]], ["bleu_1"])


def test_raw_text_is_tokenised_for_metrics_of_captions_only():
    references, candidates = [["A man's DOG."]], ["a man 's dog"]
    metrics = ["bleu_2", "exact_match"]
    assert scst.score(references, candidates, metrics)["bleu_2"] > 0.99
    assert scst.score(references, candidates, metrics, tokenizer="none")["bleu_2"] < 0.5
    assert scst.score(references, candidates, metrics)["exact_match"] == 0.0


def test_metrics_of_raw_text_have_hand_made_numbers():
    scores = scst.score(
        [["the cat sat", "a cat"], ["one two"]],
        ["the cat", "one two"],
        ["word_error_rate", "phoneme_error_rate", "character_error_rate", "exact_match", "rouge_score_1"],
    )
    assert scores["word_error_rate"] == scores["phoneme_error_rate"] == 1 / 5
    assert scores["exact_match"] == 0.5
    close(scores["rouge_score_1"], (0.8 + 1.0) / 2)
    assert scores["character_error_rate"] == 4 / 18


@pytest.mark.parametrize("tokenizer", ["ptb", "none"])
def test_frequencies_come_back_when_saved(tmp_path, tokenizer):
    references, candidates = made_corpus(5, 30)
    df = scst.DocumentFrequency.from_references(references, tokenizer=tokenizer)
    df.save(tmp_path / "table.df")
    copies = [
        scst.DocumentFrequency.load(tmp_path / "table.df"),
        scst.DocumentFrequency.load(str(tmp_path / "table.df")),
        scst.DocumentFrequency.from_bytes(df.to_bytes()),
        pickle.loads(pickle.dumps(df)),
    ]
    expected = scst.CiderD(df=df).compute_score(references, candidates)[1].tolist()
    close(expected, scst.CiderD().compute_score(references, candidates)[1])
    for copy in copies:
        assert copy.signature == df.signature and copy.images == 30 and copy.is_of_text
        assert scst.CiderD(df=copy).compute_score(references, candidates)[1].tolist() == expected


def test_frequencies_of_ids_are_for_ids():
    df = scst.DocumentFrequency.from_references([[[1, 2, 0]], [[1, 3, 0], [2, 0]]])
    assert not df.is_of_text
    assert [df.frequency(ngram) for ngram in ([1], [2, 0], [1, 2, 0], [9])] == [2, 2, 1, 0]
    assert repr(df) == "<DocumentFrequency of 2 images, 10 n-grams of token ids>"
    with pytest.raises(ValueError, match="df: found a table over token ids, expected one that holds its words"):
        scst.score([["a"]], ["a"], ["cider_d"], df=df)
    of_words = scst.DocumentFrequency.from_references([["a"]])
    with pytest.raises(ValueError, match="df: found a table that holds its words, expected one over token ids"):
        scst.score([[[1]]], [[1]], ["cider_d"], df=of_words)


def test_frequencies_of_another_program_are_counted_ones():
    counted = scst.DocumentFrequency.from_references([["a b"], ["a c"]], tokenizer="none")
    counts = {("a",): 2.0, ("b",): 1, ("a", "b"): 1, ("c",): 1, ("a", "c"): 1}
    given = scst.DocumentFrequency.from_counts(2, counts)
    gts, res = {1: ["a b"], 2: ["c a b"]}, {1: ["a c"], 2: ["a b"]}
    close(scst.CiderD(df=given).compute_score(gts, res)[1], scst.CiderD(df=counted).compute_score(gts, res)[1])
    assert scst.DocumentFrequency.from_counts(2, {(5, 6): 2, (5,): 2}).frequency([5, 6]) == 2
