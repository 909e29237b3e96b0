"""What is installed: examples in docs, types, threads, the program."""

import ast
import doctest
import importlib.resources
import json
import multiprocessing
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from oracles import close, made_corpus, missing

import scst
from scst import _scst, coco, evaluation, rewards

README = Path(__file__).parents[1] / "README.md"


@pytest.mark.parametrize("module", [scst, coco, evaluation, rewards], ids=lambda module: module.__name__)
def test_examples_of_docs_hold(module):
    assert doctest.testmod(module).attempted > 0
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("documented", [scst.DocumentFrequency, scst.DocumentFrequency.from_counts, scst.tokenize])
def test_examples_of_compiled_docs_hold(documented):
    found = doctest.DocTestFinder().find(documented, documented.__name__, module=False, globs={**vars(scst)})
    results = [doctest.DocTestRunner().run(test) for test in found]
    assert sum(result.attempted for result in results) > 0 and all(result.failed == 0 for result in results)


def test_examples_of_the_readme_hold():
    result = doctest.testfile(str(README), module_relative=False)
    assert result.attempted > 0 and result.failed == 0


def test_stubs_name_what_there_is():
    stubs = ast.parse((importlib.resources.files("scst") / "_scst.pyi").read_text())
    assert (importlib.resources.files("scst") / "py.typed").is_file()
    functions = {node.name for node in stubs.body if isinstance(node, ast.FunctionDef)}
    classes = {node.name: node for node in stubs.body if isinstance(node, ast.ClassDef)}
    assert functions | set(classes) == {name for name in vars(_scst) if not name.startswith("__")} - {"_scst"}
    for name, node in classes.items():
        public = {member for member in vars(getattr(_scst, name)) if not member.startswith("_")}
        assert public == {member.name for member in node.body if isinstance(member, ast.FunctionDef)} - {"__init__"}


def test_every_public_name_has_a_description():
    names = [getattr(scst, name) for name in scst.__all__] + [getattr(rewards, name) for name in rewards.__all__]
    for documented in names:
        assert documented.__doc__, documented
        for name, member in vars(documented).items() if isinstance(documented, type) else []:
            if callable(member) and not name.startswith("_"):
                assert member.__doc__, (documented, name)


def _score_in_child(corpus, queue):
    queue.put(scst.Cider().compute_score(*corpus)[1].tolist())


def test_a_forked_child_has_threads_of_its_own():
    corpus = made_corpus(1, 200)
    expected = scst.Cider().compute_score(*corpus)[1].tolist()
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_score_in_child, args=(corpus, queue))
    child.start()
    try:
        assert queue.get(timeout=60) == expected
    finally:
        child.kill()
        child.join()


def test_other_threads_run_while_scores_are_computed():
    references, candidates = made_corpus(2, 3000)
    metrics = ["cider_d", "chrf", "character_error_rate"]
    ticks, done = [], threading.Event()

    def tick():
        while not done.is_set():
            ticks.append(time.perf_counter())
            time.sleep(0.001)

    ticker = threading.Thread(target=tick)
    ticker.start()
    start = time.perf_counter()
    expected = scst.score(references, candidates, metrics)
    end = time.perf_counter()
    done.set()
    ticker.join()
    # Held throughout, the lock would let the other thread in before and after only.
    inside = [moment for moment in ticks if start + 0.25 * (end - start) < moment < start + 0.75 * (end - start)]
    assert len(inside) >= 2
    found = []
    workers = [
        threading.Thread(target=lambda: found.append(scst.score(references, candidates, metrics))) for _ in range(3)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert found == [expected] * 3


def test_one_thread_gives_the_same_bits():
    script = (
        "import json, sys, scst; gts, res = json.load(sys.stdin);"
        "print(json.dumps(scst.evaluate(gts, res, ['cider_d', 'bleu', 'chrf']).captions))"
    )
    corpus = json.dumps(made_corpus(4, 150))
    outputs = [
        subprocess.run(
            [sys.executable, "-c", script],
            input=corpus,
            env={**os.environ, "RAYON_NUM_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads in ("1", "3")
    ]
    assert outputs[0] == outputs[1] != ""


def test_the_program_is_installed_and_agrees(tmp_path):
    program = Path(sys.executable).with_name("scst")
    if not program.exists():
        missing(f"{program} is not installed")
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    assert re.match(rf"scst {re.escape(scst.__version__)}\b", version)
    references = {"1.jpg": ["A man rides a horse.", "A man on a horse"], "2.jpg": ["Two dogs run."]}
    candidates = {"1.jpg": "A man rides a horse", "2.jpg": "Dogs run!"}
    lines = [{"image": image, "captions": captions} for image, captions in references.items()]
    (tmp_path / "references.jsonl").write_text("\n".join(map(json.dumps, lines)))
    lines = [{"image": image, "caption": caption} for image, caption in candidates.items()]
    (tmp_path / "candidates.jsonl").write_text("\n".join(map(json.dumps, lines)))
    scst.DocumentFrequency.from_references(references).save(tmp_path / "table.df")
    printed = subprocess.run(
        [program, "score", "--json", "--references", tmp_path / "references.jsonl", "--candidates"]
        + [
            tmp_path / "candidates.jsonl",
            "--document-frequency",
            tmp_path / "table.df",
            "--metrics",
            "cider_d,rouge_l",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    df = scst.DocumentFrequency.load(tmp_path / "table.df")
    scores = scst.score(references, candidates, ["cider_d", "rouge_l"], df=df)
    report = json.loads(printed)
    for name, score in scores.items():
        close(report["metrics"][name], score)
    assert report["signature"] == scst.evaluate(references, candidates, ["cider_d", "rouge_l"], df=df).signature
