"""One side of every kind of pair, read alone, gives what it gives beside the other side."""

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.decoding.engine import Engine
from harness.decoding.pair_model import Prompt, SideName
from harness.pairs.loading import load_pair
from harness.pairs.side import Side, Steering
from harness.pairs.spec import PairSpec
from tests.fakes import request, save_checkpoint, save_random_adapter, tiny_model

PROMPTS = [Prompt((5, 17, 200), (9,)), Prompt((80, 81), (80, 81, 82, 83)), Prompt((7,), (7,))]
KINDS = [
    "adapter on and off",
    "adapter on the baseline",
    "adapter against adapter",
    "adapter read in two passes",
    "two checkpoints",
    "steered",
    "early exit",
    "one model",
]


@pytest.fixture(params=KINDS)
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    base = tiny_model("llama")
    checkpoint = str(save_checkpoint(base, tmp_path / "base"))

    def adapter(name: str, seed: int = 1, **config: Any) -> str:
        return str(save_random_adapter(base, tmp_path / name, seed, **config))

    def other() -> str:
        return str(save_checkpoint(tiny_model("llama", seed=5), tmp_path / "other"))

    vector = Steering(layer=0, positive=("a",), negative=("b",))
    target, baseline = {
        "adapter on and off": lambda: ({"adapter": adapter("a")}, {}),
        "adapter on the baseline": lambda: ({}, {"adapter": adapter("a")}),
        "adapter against adapter": lambda: (
            {"adapter": adapter("a")},
            {"adapter": adapter("b", 2)},
        ),
        "adapter read in two passes": lambda: ({"adapter": adapter("a", use_dora=True)}, {}),
        "two checkpoints": lambda: ({"checkpoint": other()}, {}),
        "steered": lambda: ({"steering": vector}, {}),
        "early exit": lambda: ({}, {"exit_layer": 0}),
        "one model": lambda: ({}, {}),
    }[request.param]()
    sides = [Side(**{"checkpoint": checkpoint, **one}) for one in (target, baseline)]
    spec = PairSpec(name="tiny", target=sides[0], baseline=sides[1], device="cpu")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return load_pair(spec).model


@pytest.mark.parametrize("side", ["target", "baseline"])
def test_a_side_alone_has_the_logits_that_it_has_in_the_pair(pair: Any, side: SideName):
    alone = pair.alone(side)
    state, logits = pair.read_prompts(PROMPTS)
    own, found = alone.read_prompts(PROMPTS)
    for token in range(3):
        for given in found:
            torch.testing.assert_close(given, getattr(logits, side), atol=1e-5, rtol=1e-5)
        tokens = torch.tensor([token, 30, 200])
        logits, found = pair.read_tokens(state, tokens), alone.read_tokens(own, tokens)


def test_a_side_alone_decodes_as_in_the_pair(pair: Any):
    """Rows leave and join on the way; both sides keep their own prompts."""
    for alpha in (0.0, -1.0):
        asked = [
            request(
                PROMPTS[i % 3].target_ids,
                baseline_prompt=PROMPTS[i % 3].baseline_ids,
                alpha=alpha,
                seed=i,
                max_tokens=3 + i,
            )
            for i in range(6)
        ]
        untraced = [replace(one, settings=replace(one.settings, trace=False)) for one in asked]
        engine, done = Engine(pair, frozenset()), {}
        engine.admit(untraced[:3])
        for _ in range(3):
            done |= {id(one): rollout for one, rollout in engine.step()}
        engine.admit(untraced[3:])
        while engine.n_rows:
            done |= {id(one): rollout for one, rollout in engine.step()}
        expected = Engine(pair, frozenset()).run(asked)
        assert [done[id(one)].ids for one in untraced] == [one.ids for one in expected]


def test_a_side_alone_takes_its_own_memory_only(pair: Any):
    parts = [pair.alone(side).bytes_per_token for side in ("target", "baseline")]
    assert sum(parts) == pair.bytes_per_token
