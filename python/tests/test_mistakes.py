"""Mistakes are exceptions with one sentence that names place, found and expected; nothing crashes or grows."""

import itertools
import re

import pytest

import scst
from scst import Bleu, Cider, CiderD, DocumentFrequency, PlainCider, PTBTokenizer, Rouge, rewards

GTS = {"a": ["x y"], "b": ["z"]}


class Endless:
    """Says that it has 3 items, and has no end."""

    def __len__(self):
        return 3

    def __iter__(self):
        return itertools.count()


@pytest.mark.parametrize("scorer", [Cider(), CiderD(), PlainCider(), Bleu(4), Rouge()])
@pytest.mark.parametrize(
    ("gts", "res", "error", "message"),
    [
        (GTS, {"a": ["x"]}, KeyError, "res: found no caption for the key 'b', expected one for every key of gts"),
        ({"a": ["x"]}, {"a": ["x"], "c": ["y"]}, KeyError, "res: found the key 'c', expected keys of gts only"),
        ({}, {}, ValueError, "gts: found no image, expected at least one"),
        ([], [], ValueError, "gts: found no image, expected at least one"),
        ({"a": []}, {"a": ["x"]}, ValueError, "gts['a']: found no reference, expected at least one"),
        (GTS, {"a": ["x", "y"], "b": ["z"]}, ValueError, "res['a']: found 2 captions, expected one"),
        (GTS, {"a": [], "b": ["z"]}, ValueError, "res['a']: found 0 captions, expected one"),
        (GTS, {"a": [None], "b": ["z"]}, TypeError, "res['a'][0]: found NoneType, expected text"),
        (GTS, {"a": None, "b": ["z"]}, TypeError, "res['a']: found NoneType, expected a list with one caption"),
        (GTS, {"a": b"x", "b": ["z"]}, TypeError, "res['a']: found bytes, expected a list with one caption"),
        (GTS, {"a": {"x"}, "b": ["z"]}, TypeError, "res['a']: found set, expected a list with one caption"),
        (GTS, ["x", "z"], TypeError, "res: found list, expected a mapping, as gts is"),
        (GTS, None, TypeError, "res: found NoneType, expected a mapping, as gts is"),
        (None, GTS, TypeError, "gts: found NoneType, expected a mapping from keys of images, or a list"),
        ("text", "text", TypeError, "gts: found str, expected a mapping from keys of images, or a list"),
        (iter([["x"]]), ["x"], TypeError, "gts: found list_iterator, expected a mapping from keys of images, or a list"),
        ([["x"]], {0: "x"}, TypeError, "res: found dict, expected a list, as gts is"),
        ([["x"]], ["x", "y"], ValueError, "res: found 2 captions, expected 1, one for each image of gts"),
        ([["x", 5]], ["x"], TypeError, "gts[0][1]: found int, expected text"),
        ([["x"], 5], ["x", "y"], TypeError, "gts[1]: found int, expected a list of references"),
        ([["x"]], ["\ud800"], ValueError, "res[0]: found half of a surrogate pair, expected text of whole characters"),
        ([["a\udfffb"]], ["x"], ValueError, "gts[0][0]: found half of a surrogate pair, expected text of whole characters"),
        ([[[1, 2]]], [[1, -1]], ValueError, "res[0][1]: found -1, expected a token id from 0 to 4294967295"),
        ([[[1, 2]]], [[1, 2**32]], ValueError, "res[0][1]: found 4294967296, expected a token id from 0 to 4294967295"),
        ([[[1, 2.5]]], [[1]], ValueError, "gts[0][0][1]: found 2.5, expected a token id from 0 to 4294967295"),
        ([[[1]]], ["x"], TypeError, "res[0]: found str, expected a list with one caption"),
        ([[1, 2]], [[1, 2]], TypeError, "gts[0][0]: found int, expected a list of token ids"),
        ({"k" * 200: ["x"]}, {"k" * 200: [3]}, TypeError, f"res['{'k' * 79}...][0]: found int, expected text"),
    ],
)
def test_corpora_are_refused_with_a_sentence(scorer, gts, res, error, message):
    with pytest.raises(error) as raised:
        scorer.compute_score(gts, res)
    assert raised.value.args[0] == message


def test_only_as_many_items_are_read_as_there_are_said_to_be():
    assert Rouge().compute_score([[[0, 1, 2]]], [Endless()])[1].tolist() == [1.0]


def test_odd_text_is_only_text():
    odd = ["", " ", "\x00", "\x1c\x1d", "a\u00a0b", "\U0001f415" * 3, "x " * 20_000, "a\nb\tc", "\ufeff"]
    for scorer in [Cider(), PlainCider(), Bleu(), Rouge()]:
        scorer.compute_score([odd] * len(odd), odd)
    scores = scst.score([odd] * len(odd), odd, ["cider_d", "bleu", "rouge_l", "word_error_rate", "chrf", "sacrebleu"])
    assert all(0.0 <= score <= 10.0 for score in scores.values())
    assert len(scst.tokenize(odd)) == len(odd)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Bleu(5), ValueError, "n: found 5, expected 1 or 2 or 3 or 4"),
        (lambda: Bleu(10**30), ValueError, "n: found 1000000000000000000000000000000, expected 1 or 2 or 3 or 4"),
        (lambda: Bleu("4"), ValueError, "n: found '4', expected 1 or 2 or 3 or 4"),
        (lambda: Cider(n=3), ValueError, "n: found 3, expected 4"),
        (lambda: CiderD(df="coco-val"), ValueError, "df: found 'coco-val', expected \"corpus\" or a DocumentFrequency"),
        (lambda: Cider(sigma=0.0).compute_score(GTS, GTS), ValueError, "cider_d.sigma: found 0, expected a finite number above 0"),
        (lambda: Cider(sigma=float("nan")).compute_score(GTS, GTS), ValueError, "cider_d.sigma: found NaN, expected a finite number above 0"),
        (lambda: CiderD().compute_score([["x"]], [{"image_id": 0, "caption": ["x"]}]), TypeError, "gts: found list, expected a mapping from image ids, as res is a list of results"),
        (lambda: CiderD().compute_score({1: ["x"]}, [{"image_id": 2, "caption": ["x"]}]), KeyError, "res[0]: found the image 2, expected one of gts"),
        (lambda: CiderD().compute_score({1: ["x"]}, [{"image_id": 1}]), KeyError, "res[0]: found no 'caption', expected 'image_id' and 'caption'"),
        (lambda: PTBTokenizer().tokenize([]), TypeError, "captions_for_image: found list, expected a mapping from keys of images"),
        (lambda: PTBTokenizer().tokenize({1: "x"}), TypeError, "captions_for_image[1]: found str, expected a list of captions"),
        (lambda: PTBTokenizer().tokenize({1: ["x"]}), KeyError, "captions_for_image[1][0]: found no 'caption', expected a mapping such as {'caption': 'A dog.'}"),
        (lambda: scst.tokenize("text"), TypeError, "texts: found str, expected a list of captions"),
        (lambda: scst.tokenize(["x", 1]), TypeError, "texts[1]: found int, expected text"),
        (lambda: scst.score([["x"]], ["x"], []), ValueError, "metrics: found none, expected at least one"),
        (lambda: scst.score([["x"]], ["x"], [3]), TypeError, "metrics: found int, expected names of metrics"),
        (lambda: scst.score([["x"]], ["x"], tokenizer="spacy"), ValueError, 'tokenizer: found "spacy", expected "ptb" or "none"'),
        (lambda: scst.score([[[1]]], [[1]], ["chrf"]), ValueError, "references: found token ids with the metric chrf, expected text"),
        (lambda: scst.score({1: ["x"]}, {}), KeyError, "candidates: found no caption for the key 1, expected one for every key of references"),
        (lambda: DocumentFrequency.from_references({}), ValueError, "references: found no image, expected at least one"),
        (lambda: DocumentFrequency.from_bytes(b"nothing"), ValueError, "found no table of document frequencies, expected one that `scst document-frequency` wrote"),
        (lambda: DocumentFrequency.from_counts(0, {("a",): 1}), ValueError, "found no image, expected at least one"),
        (lambda: DocumentFrequency.from_counts(-1, {}), ValueError, "images: found -1, expected a whole number of 1 or more"),
        (lambda: DocumentFrequency.from_counts(3, {("a",): 0}), ValueError, "counts: found 0, expected whole numbers of 1 or more"),
        (lambda: DocumentFrequency.from_counts(3, {("a",): 10**400}), ValueError, None),
        (lambda: DocumentFrequency.from_counts(3, {("a",): 1, (5,): 1}), ValueError, "counts: found words and token ids, expected one of them"),
        (lambda: DocumentFrequency.from_counts(3, {("a",) * 5: 1}), ValueError, None),
        (lambda: DocumentFrequency.from_counts(3, {(): 1}), ValueError, None),
        (lambda: rewards.CiderD(), ValueError, "df: found none, expected document frequencies, as references come with each call"),
        (lambda: rewards.CiderD(GTS, sigma=float("inf")), ValueError, "sigma: found inf, expected a finite number"),
        (lambda: rewards.CiderD(GTS, sigma=-1), ValueError, "cider_d.sigma: found -1, expected a finite number above 0"),
        (lambda: rewards.CiderD(GTS, sigma="6"), TypeError, "sigma: found str, expected a number"),
        (lambda: rewards.CiderD(GTS, end_token=0), ValueError, "end_token: found 0 with references that are text, expected none, or token ids"),
        (lambda: rewards.CiderD([[[1, 0]]], DocumentFrequency.from_references([[[1]]]), end_token=0), ValueError, None),
        (lambda: rewards.CiderD([[[0, 1]]], end_token=0), ValueError, "image 0: reference 0: found end token 0 at position 0 of 2, expected it last or nowhere"),
        (lambda: rewards.Bleu(GTS, order=5), ValueError, "bleu.order: found 5, expected 1, 2, 3 or 4"),
        (lambda: rewards.Bleu(GTS, order=10**30), ValueError, f"order: found {10**30}, expected a whole number from 0 to 2147483647"),
        (lambda: rewards.Bleu(GTS, smoothing="laplace"), ValueError, "smoothing: found 'laplace', expected 'coco' or 'none' or 'exp' or 'floor' or 'add_k'"),
        (lambda: rewards.Bleu(GTS, smoothing_value=1.0), ValueError, "smoothing_value: found 1.0 with the smoothing 'coco', expected None"),
        (lambda: rewards.Chrf(GTS, char_order=10**6), ValueError, None),
        (lambda: rewards.Chrf([[[1]]]), ValueError, "references: found token ids, expected text"),
        (lambda: rewards.Chrf()(["x"], references=[[[1]]]), ValueError, "references: found token ids, expected text"),
        (lambda: rewards.RougeScore(GTS, kind="3"), ValueError, "kind: found '3', expected '1' or '2' or 'l'"),
        (lambda: rewards.RougeL(GTS)(["x"]), KeyError, "columns: found no column, expected 'image_id' with the key of each completion's references"),
        (lambda: rewards.RougeL()(["x"], prompts=["p"]), KeyError, "columns: found prompts, expected 'references' with the references of each completion"),
        (lambda: rewards.RougeL(GTS)(["x"], image_id=["q"]), KeyError, "image_id: found 'q', expected a key of the references"),
        (lambda: rewards.RougeL(GTS)(["x"], image_id=[["a"]]), KeyError, "image_id: found ['a'], expected a key of the references"),
        (lambda: rewards.RougeL(GTS)(["x", "y"], image_id=["a"]), ValueError, "completions: found 2 captions, expected 1, one for each of the images or references"),
        (lambda: rewards.RougeL()(["x", "y"], references=["a"]), ValueError, "completions: found 2 captions, expected 1, one for each of the images or references"),
        (lambda: rewards.RougeL(GTS)([3], image_id=["a"]), TypeError, "completions[0]: found int, expected text"),
        (lambda: rewards.RougeL(GTS)([[{"content": 3}]], image_id=["a"]), TypeError, "completions[0]: found content of type int, expected text or parts with text"),
        (lambda: rewards.RougeL([[[1]]])(["x"], image_id=[0]), TypeError, "completions[0]: found str, expected a list of token ids"),
        (lambda: rewards.RougeL(GTS).compute_score("d", "x", "q"), KeyError, "ground_truth: found 'q', expected a key of the references"),
        (lambda: rewards.CiderD(df=DocumentFrequency.from_references([["a"]]))([[1]], references=[[[1]]]), ValueError, "references: found token ids, expected what the document frequencies were counted of"),
        (lambda: rewards.Meteor(GTS, jar="/nowhere/meteor-1.5.jar"), ValueError, None),
    ],
)
def test_mistakes_are_told_in_a_sentence(make, error, message):
    with pytest.raises(error) as raised:
        make()
    found = raised.value.args[0]
    if message is not None:
        assert found == message
    assert "\n" not in found and not re.search(r"\b(usize|u32|u64|f64|Vec|Option|serde|&str|PyAny)\b", found), found


def test_names_of_metrics_are_listed_when_one_is_unknown():
    with pytest.raises(ValueError, match='^metrics: found "blue", expected some of cider_d, cider, bleu, .*, rouge_score_l$'):
        scst.score([["x"]], ["x"], ["blue"])


def test_files_are_refused_with_their_name(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing.df"):
        DocumentFrequency.load(tmp_path / "nothing.df")
    with pytest.raises(IsADirectoryError):
        DocumentFrequency.from_references([["a"]]).save(tmp_path)
    table = DocumentFrequency.from_references([["a b c", "b c"], ["c d"]]).to_bytes()
    for end in range(len(table)):
        with pytest.raises(ValueError, match="document frequencies"):
            DocumentFrequency.from_bytes(table[:end])
    for position in range(len(table)):
        damaged = bytearray(table)
        damaged[position] ^= 0x40
        with pytest.raises(ValueError, match="document frequencies"):
            DocumentFrequency.from_bytes(bytes(damaged))
