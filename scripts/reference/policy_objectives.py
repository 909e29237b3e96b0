#!/usr/bin/env python3
"""Writes gradients of policy objectives and the bias of advantages: the fixtures of `loss/tests/policy_objectives.rs`.

    pip install numpy
    python3 scripts/reference/policy_objectives.py ORACLES crates/loss/tests/fixtures

ORACLES holds `policy_gradients.py`, `policy_gradients_2.py` and `bias_of_baselines.py`, which define every loss as its
paper does, over random logits. Their checks of closed forms are replaced: what is written are central differences of these
losses, with the logits they are taken at, and the images, captions and rewards of the third.
"""

import argparse
import ast
import json
import os


def run(path, **replaced):
    """Runs a program with other functions in the place of its own; its variables."""
    with open(path) as file:
        tree = ast.parse(file.read())
    tree.body = [node for node in tree.body if not (isinstance(node, ast.FunctionDef) and node.name in replaced)]
    names = dict(replaced)
    names["print"] = lambda *_, **__: None
    exec(compile(tree, path, "exec"), names)
    return names


def gradients(path, *inputs):
    """The central differences of every loss that a program checks, by its name there."""
    found = {}

    def record(name, loss, *_):
        program = loss.__globals__
        # The step is the last argument of the program's own differences.
        at = [program["S"]] if program["fd"].__code__.co_argcount == 3 else []
        found[name] = program["fd"](loss, *at).tolist()

    names = run(path, check=record, fullchk=record, chk=record)
    return {**{key: names[key].tolist() for key in inputs}, "gradients": found}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("oracles")
    parser.add_argument("fixtures")
    arguments = parser.parse_args()
    program = lambda name: os.path.join(arguments.oracles, name)
    toy = run(program("bias_of_baselines.py"), stats=lambda *_: (0, 0, 0, 0))
    images = [
        {"probabilities": p.tolist(), "gradients": g.tolist(), "rewards": r.tolist(), "lengths": toy["Ln"].tolist()}
        for p, g, _, r in toy["ims"]
    ]
    document = {
        "words": gradients(program("policy_gradients.py"), "S", "Sold", "Sref", "Q", "w"),
        "captions": gradients(program("policy_gradients_2.py"), "S", "w", "R", "Lref"),
        "images": images,
    }
    with open(os.path.join(arguments.fixtures, "policy_objectives.json"), "w") as file:
        lines = (f"{json.dumps(key)}: {json.dumps(value, separators=(',', ':'))}" for key, value in document.items())
        file.write("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
