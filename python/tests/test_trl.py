"""The rewards in TRL's own trainer: `pip install trl` (some gigabytes, with PyTorch) to have this tested."""

import importlib.util
import math
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def example(name: str):
    specification = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    loaded = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(loaded)
    return loaded


def test_trl_trains_on_the_rewards():
    pytest.importorskip("trl", reason="SKIPPED: trl is not installed")
    [entry] = example("grpo_trl").main(gold_steps=25, grpo_steps=2)
    cider, rouge = (entry[f"rewards/{name}/mean"] for name in ("cider_d", "rouge_l"))
    assert 0 < cider < 10 and 0 < rouge < 1
    assert math.isclose(entry["reward"], cider + rouge, rel_tol=1e-3)


def test_the_loss_of_the_example_raises_the_reward():
    pytest.importorskip("torch", reason="SKIPPED: torch is not installed")
    before, after = example("self_critical_loss").main(cross_entropy_steps=60, self_critical_steps=100)
    assert after > before > 1.0
