"""The loops that the engine is compared with are right, so that the comparison is fair."""

from dataclasses import replace

import pytest
import torch
from transformers import PreTrainedModel

from harness.bench.methods import load_sides
from harness.bench.reference_loops import (
    Asked,
    Sides,
    batched_loop,
    cfg_generate,
    plain_generate,
    single_loop,
)
from harness.decoding.engine import Engine
from harness.pairs.models import ModelPair
from harness.pairs.reader import Reader
from harness.pairs.spec import PairSpec, Side
from tests.fakes import random_adapter, request, tiny_model

PROMPTS = ((5, 9, 200), (17,), (40, 41, 42, 43, 44, 45, 46))
ALPHAS = (-1.0, 0.0, 0.5, 1.5, 3.0)
ASKED = Asked(
    prompts=[prompt for prompt in PROMPTS for _ in ALPHAS],
    alphas=[alpha for _ in PROMPTS for alpha in ALPHAS],
    n_tokens=12,
    greedy=True,
)


@pytest.fixture(params=["llama", "gpt2"])
def base(request) -> PreTrainedModel:
    return tiny_model(request.param)


@pytest.fixture
def sides(base) -> Sides:
    return Sides(random_adapter(base), base)


def engine_replies(sides: Sides, asked: Asked) -> list[tuple[int, ...]]:
    pair = ModelPair(Reader(sides.target.get_base_model()), Reader(sides.baseline))
    rollouts = Engine(pair, asked.eos_ids).run(
        [
            request(prompt, alpha=alpha, temperature=0, max_tokens=asked.n_tokens)
            for prompt, alpha in zip(asked.prompts, asked.alphas, strict=True)
        ]
    )
    return [rollout.ids for rollout in rollouts]


@pytest.mark.parametrize("method", [batched_loop, cfg_generate, engine_replies])
def test_greedy_replies_are_those_of_the_loop_over_single_rows(method, sides):
    expected = single_loop(sides, ASKED)
    assert {len(reply) for reply in expected} == {12}
    assert len(set(expected)) > len(PROMPTS)  # alpha matters, so agreement says something
    assert method(sides, ASKED) == expected


def test_plain_generate_is_the_loop_at_alpha_0(sides):
    at_zero = replace(ASKED, alphas=[0.0] * len(ASKED.prompts))
    assert plain_generate(sides, ASKED) == single_loop(sides, at_zero)


@pytest.mark.parametrize("method", [batched_loop, cfg_generate, engine_replies])
def test_replies_end_with_the_first_end_of_sequence_token(method, sides):
    eos = frozenset({single_loop(sides, ASKED)[0][4], single_loop(sides, ASKED)[-1][7]})
    asked = replace(ASKED, eos_ids=eos)
    expected = single_loop(sides, asked)
    assert min(len(reply) for reply in expected) < 12
    assert method(sides, asked) == expected


@pytest.mark.parametrize("method", [single_loop, batched_loop, cfg_generate, plain_generate])
def test_sampled_replies_are_as_long_as_asked_and_go_beyond_the_50_likeliest(method, sides):
    asked = Asked(prompts=[(5,)] * 400, alphas=[-0.98] * 400, n_tokens=1)
    torch.manual_seed(0)
    replies = method(sides, asked)
    assert {len(reply) for reply in replies} == {1}
    assert len(set(replies)) > 50


def test_a_merged_adapter_is_a_part_of_the_weights_and_decodes_alike(llama_folder, lora_folder):
    spec = PairSpec(
        name="tiny",
        target=Side(checkpoint=str(llama_folder), adapter=str(lora_folder)),
        baseline=Side(checkpoint=str(llama_folder)),
        device="cpu",
    )
    apart, merged = load_sides(spec), load_sides(spec, merged=True)
    assert any("lora" in name for name, _ in apart.target.named_parameters())
    assert not any("lora" in name for name, _ in merged.target.named_parameters())
    ids = torch.tensor([PROMPTS[2]])
    with torch.inference_mode():
        logits = [sides.target(ids).logits for sides in (apart, merged)]
        baseline = merged.baseline(ids).logits
    torch.testing.assert_close(*logits, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(logits[1], baseline, rtol=1e-3, atol=1e-3)
