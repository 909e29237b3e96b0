#!/usr/bin/env python3
"""Writes what sacrebleu, rouge-score and jiwer make of raw text: the fixture `raw_text.json` of `reward/tests/golden`.

    pip install sacrebleu==2.6.0 rouge-score==0.1.2 jiwer==4.0.0 regex
    python3 scripts/reference/raw_text.py crates/reward/tests/fixtures/raw_text.json

Texts are made here: edge cases by hand, the others at random, from words, scripts and marks of many kinds.
"""

import json
import random
import sys

import jiwer
from rouge_score import rouge_scorer
from sacrebleu.metrics import BLEU, CHRF

EDGES = [
    ("", [""]),
    ("", ["a"]),
    ("a", [""]),
    (" ", ["a b", ""]),
    ("a", ["a"]),
    ("a b", ["b a", "a b"]),
    ("a b c d", ["a b c d e f", "a b", "a b c"]),
    ("The cat sat on the mat.", ["The cat sat on the mat."]),
    ("the the the the the the the", ["The cat is on the mat.", "There is a cat on the mat."]),
    ("It's 1,000.5 km (3-4 days), \"so\"...", ["It's 1000.5 km: 3 - 4 days; so!", "1,000 km"]),
    ("Hello,world.It is 5.5-6,7,8 o'clock.", ["Hello , world . It is 5.5-6,7,8 o'clock ."]),
    ("a..b,,c--d 1--2 3,.4 .5 ,6 7. 8,", ["a. .b , ,c - -d 1- -2 3 , . 4 .5 ,6 7 . 8 ,"]),
    ("AT&amp;T &lt;b&gt; &quot;x&quot; &amp;lt; <skipped>y", ["AT&T <b> \"x\" &lt; y"]),
    ("line one-\ncontinued\nline two \n", ["line onecontinued line two", "line one- continued"]),
    ("tab\tand\u00a0no-break\u3000wide\u2009thin", ["tab and no-break wide thin"]),
    ("unit\u001fseparator\u001cfile\u0085next", ["unit separator file next"]),
    ("«Où est-elle?» — «Là-bas…»", ["Où est-elle ? Là-bas...", "« Où est-elle ? » – « Là-bas … »"]),
    ("¿Dónde está? ¡Aquí! 5€ £6 $7", ["¿ Dónde está ? ¡ Aquí ! 5 € £ 6 $ 7"]),
    ("Привет, мир! 3,14", ["привет мир 3.14", "Привет, мир!"]),
    ("ΟΔΟΣ Σοφός ΌΣΟΣ", ["οδος σοφός όσος", "ΟΔΌΣ"]),
    ("İstanbul ISPARTA ıspanak", ["istanbul isparta ispanak"]),
    ("STRASSE Straße ẞ \u212aelvin ﬁn", ["strasse straße ß kelvin fin"]),
    ("我喜欢猫。你呢？", ["我喜欢狗。你呢？", "我喜欢猫,你呢"]),
    ("東京に、行きます（明日）", ["東京へ行きます。明日"]),
    ("안녕하세요 세계", ["안녕 세계"]),
    ("مرحبا، بالعالم؟ ١٢٣", ["مرحبا بالعالم ١٢٣", "مرحبا، بالعالم؟"]),
    ("नमस्ते दुनिया। १,२३४", ["नमस्ते, दुनिया १२३४"]),
    ("e\u0301te\u0301 naïve cafe\u0301", ["été naïve café"]),
    ("🐕🐈 good 👍🏽 dog 👩‍👩‍👧", ["🐕 🐈 good dog 👍 👩‍👩‍👧", "🐈🐕"]),
    ("H₂O x² ½ Ⅷ ① 10%", ["H2O x2 1/2 VIII 1 10 %"]),
    ("a+b=c <d> ^e^ `f` ~g~ |h| {i} [j] \\k_l #m @n *o*", ["a + b = c d e f g h i j k_l m n o"]),
    ("(hi) (hi hi) !! ! 'x' x's -y y- «z»", ["( hi ) hi ! x x 's - y y z", "(hi) !! 'x'"]),
    ("running runs ran runner", ["run runs running", "ran"]),
    ("HH AH0 L OW1", ["HH EH0 L OW1", "HH AH0 L OW1", "HH AH0 L"]),
    ("HH AH0 L OW1 D", ["HH EH0 L OW1", "HH AH0 L AO1"]),
    ("ab cd", ["abcd", "a b c d"]),
    ("x" * 300, ["x" * 280 + "y" * 10]),
    (" ".join(f"w{k % 17}" for k in range(200)), [" ".join(f"w{k % 13}" for k in range(180))]),
]

WORDS = (
    "the a dog cat runs sat on mat. (big) Big, small! don't well-known 3.5 1,000 2-3 U.S. e.g. x/y & < 50% $5 “quoted” "
    "naïve señor? ¿qué Straße été: мир, собака 猫 犬が 好き。 안녕 שלום नमस्ते 😀 👍🏽 — … 'tis it's \"so\" [1] {2} a_b #tag @me ½ ²"
).split()
PLAIN = "a the dog cat runs sits on in mat with ball red blue small".split()
PHONES = "AA AE AH B CH D EH ER F HH IY K L M N OW P R S T".split()


def made(generator):
    """A candidate and its references, each a changed copy of one text."""
    words = generator.choice([WORDS, PLAIN, PLAIN, PHONES])
    text = [generator.choice(words) for _ in range(generator.choice([1, 2, 3, 4, 5, 8, 12, 20]))]

    def changed():
        output = []
        for word in text:
            draw = generator.random()
            if draw < 0.12:
                continue
            output.append(generator.choice(words) if draw < 0.25 else word)
            if draw > 0.93:
                output.append(generator.choice(words))
        if generator.random() < 0.2:
            generator.shuffle(output)
        return " ".join(output)

    return changed(), [changed() for _ in range(generator.choice([1, 1, 2, 3, 5]))]


BLEUS = {
    "13a": dict(),
    "intl": dict(tokenize="intl"),
    "char": dict(tokenize="char"),
    "none": dict(tokenize="none"),
    "lc": dict(lowercase=True),
    "floor": dict(smooth_method="floor"),
    "add_k": dict(smooth_method="add-k", smooth_value=0.5, tokenize="intl"),
    "unsmoothed": dict(smooth_method="none"),
    "order_2": dict(max_ngram_order=2),
}
CHRFS = {
    "chrf": dict(),
    "chrf++": dict(word_order=2),
    "lc": dict(word_order=1, lowercase=True),
    "whitespace": dict(whitespace=True, beta=1),
    "eps": dict(eps_smoothing=True, word_order=2),
    "orders": dict(char_order=9, word_order=3, beta=3),
}
ROUGES = ["rouge1", "rouge2", "rougeL"]


def lowest(process, candidate, references):
    """Edits and length of the reference with the lowest rate, of equal ones that with the fewest edits."""
    best = None
    for reference in references:
        output = process(reference, candidate)
        edits = output.substitutions + output.deletions + output.insertions
        length = output.hits + output.substitutions + output.deletions
        rate = output.wer if hasattr(output, "wer") else output.cer
        if best is None or (rate, edits) < best[0]:
            best = ((rate, edits), length, reference)
    return best


def errors(items):
    """Rates of all items and of the corpus, by jiwer, from the references that count."""
    document = {}
    for name, process, rate in [
        ("word", jiwer.process_words, jiwer.wer),
        ("character", jiwer.process_characters, jiwer.cer),
    ]:
        best = [lowest(process, candidate, references) for candidate, references in items]
        document[name] = {
            "items": [list(rate_and_edits) for rate_and_edits, _, _ in best],
            "corpus": rate([reference for _, _, reference in best], [candidate for candidate, _ in items]),
        }
    return document


def columns(items):
    """References as sacrebleu wants them: None where an item has fewer."""
    most = max(len(references) for _, references in items)
    return [[refs[k] if k < len(refs) else None for _, refs in items] for k in range(most)]


def sacrebleu(metric_class, options, items, sentence):
    metric = metric_class(**options)
    corpus = metric.corpus_score([candidate for candidate, _ in items], columns(items))
    signature = str(metric.get_signature())
    of_one = metric_class(**options, **sentence)
    return {
        "items": [of_one.sentence_score(candidate, references).score / 100 for candidate, references in items],
        "corpus": corpus.score / 100,
        "signature": signature,
    }


def rouge(items):
    scorer = rouge_scorer.RougeScorer(ROUGES, use_stemmer=False)
    scores = [scorer.score_multi(references, candidate) for candidate, references in items]
    document = {}
    for name in ROUGES:
        values = [float(score[name].fmeasure) for score in scores]
        document[name] = {"items": values, "corpus": sum(values) / len(values)}
    return document


def tokens(items):
    """What the tokenizers make of all texts."""
    texts = sorted({text for candidate, references in items for text in [candidate, *references]})
    document = {}
    for name in ["13a", "intl", "char"]:
        metric = BLEU(tokenize=name)
        document[name] = [" ".join(metric._preprocess_segment(text).split()) for text in texts]
    return texts, document


def main():
    generator = random.Random(4)
    items = EDGES + [made(generator) for _ in range(260)]
    texts, tokenized = tokens(EDGES)
    document = {
        "items": [{"cand": candidate, "refs": references} for candidate, references in items],
        # jiwer parts words at spaces only.
        "errors": errors([(" ".join(c.split()), [" ".join(r.split()) for r in refs]) for c, refs in items]),
        "bleu": {
            name: sacrebleu(BLEU, options, items, {"effective_order": True}) for name, options in BLEUS.items()
        },
        "chrf": {name: sacrebleu(CHRF, options, items, {}) for name, options in CHRFS.items()},
        "rouge": rouge(items),
        "texts": texts,
        "tokens": tokenized,
    }

    def rounded(value):
        """16 digits are enough for a comparison at 1e-12, and shorter."""
        if isinstance(value, dict):
            return {key: rounded(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [rounded(inner) for inner in value]
        return float(f"{value:.13g}") if isinstance(value, float) else value

    with open(sys.argv[1], "w", encoding="utf-8") as file:
        entries = [
            f"{json.dumps(key)}: {json.dumps(rounded(value), ensure_ascii=False, separators=(',', ':'))}"
            for key, value in document.items()
        ]
        file.write("{\n" + ",\n".join(entries) + "\n}\n")


if __name__ == "__main__":
    main()
