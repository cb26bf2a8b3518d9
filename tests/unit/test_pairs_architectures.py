"""Every family of architectures, as small random models: the engine equals the naive loop.

The loop reads each side's whole row again for every token, one row at a time, with two separate
models: no cache, no padding, no batch, no shared weights.
"""

import copy

import pytest
import torch

from harness.decoding.engine import Engine
from harness.pairs.loading import load_pair
from harness.pairs.side import Side
from harness.pairs.spec import PairSpec
from tests.fakes import (
    VOCAB_SIZE,
    random_adapter,
    request,
    save_checkpoint,
    save_random_adapter,
    tiny_model,
)
from tests.pretended_device import pretended_gpu

# Three layers, so that models whose layers alternate between kinds of attention have both; windows
# shorter than most rows; a vocabulary larger than the tokenizer's, as most models' are.
FAMILIES = [
    pytest.param("llama", {}, id="llama"),
    pytest.param("mistral", {"sliding_window": 4}, id="mistral, sliding window"),
    pytest.param("qwen2", {}, id="qwen2, biases"),
    pytest.param(
        "gemma2",
        {"sliding_window": 4, "final_logit_softcapping": 3.0, "attn_logit_softcapping": 2.0},
        id="gemma2, softcapping and alternating windows",
    ),
    pytest.param(
        "gemma3",
        {"sliding_window": 4, "vocab_size": 1000, "sliding_window_pattern": 2},
        id="gemma3, a larger vocabulary",
    ),
    pytest.param("gpt2", {}, id="gpt2, absolute positions"),
    pytest.param("opt", {}, id="opt, offset positions"),
    pytest.param("phi", {"partial_rotary_factor": 0.5}, id="phi, parallel layers"),
    pytest.param("phi3", {"sliding_window": 4}, id="phi3, fused projections"),
    pytest.param("mixtral", {"sliding_window": 4}, id="mixtral, mixture of experts"),
]
LAYERS = {"gpt2": {"n_layer": 3}}

# Of different lengths, the second longer than every window; the sides differ in some.
PROMPTS = [
    ((5, 17, 200), (5, 17, 200)),
    ((80, 81, 82, 83, 84, 85, 86, 87, 88), (80, 81, 82)),
    ((9,), (9,)),
    ((30, 31), (40, 41, 42, 43, 44, 45, 46)),
]
ALPHAS = (-1.0, 0.0, 0.7, 2.0)
N_TOKENS = 8


def next_logits(model, ids):
    with torch.inference_mode():
        return model(torch.tensor([ids]), use_cache=False).logits[0, -1].double()


def naive_loop(target, baseline, prompt, alpha):
    """Take the likeliest amplified token, and how clear each choice was."""
    ids, gaps = [], []
    while len(ids) < N_TOKENS:
        t, b = (next_logits(m, (*p, *ids)) for m, p in zip((target, baseline), prompt, strict=True))
        best = (t + alpha * (t - b)).topk(2)
        ids.append(int(best.indices[0]))
        gaps.append(float(best.values[0] - best.values[1]))
    return ids, gaps


def assert_equals_the_naive_loop(pair, target, baseline):
    """Compare all prompts at all alphas, decoded in one batch."""
    cases = [(prompt, alpha) for prompt in PROMPTS for alpha in ALPHAS]
    requests = [
        request(p[0], baseline_prompt=p[1], alpha=alpha, temperature=0, max_tokens=N_TOKENS)
        for p, alpha in cases
    ]
    rollouts = Engine(pair.model, frozenset()).run(requests)
    for (prompt, alpha), rollout in zip(cases, rollouts, strict=True):
        ids, gaps = naive_loop(target, baseline, prompt, alpha)
        # No choice is so close that rounding could make another; a seed with one is a bad seed.
        assert min(gaps) > 2e-5, (prompt, alpha)
        assert list(rollout.ids) == ids, (prompt, alpha)


def loaded(target, baseline, device="cpu"):
    return load_pair(PairSpec(name="tiny", target=target, baseline=baseline, device=device))


def built(family, config, seed=0):
    layers = LAYERS.get(family, {"num_hidden_layers": 3})
    return tiny_model(family, seed, **{**layers, **config})


@pytest.mark.parametrize(("family", "config"), FAMILIES)
def test_two_checkpoints_decode_as_the_naive_loop(tmp_path, family, config):
    models = [built(family, config, seed) for seed in (0, 1)]
    target, baseline = (
        Side(checkpoint=str(save_checkpoint(model, tmp_path / str(seed))))
        for seed, model in enumerate(models)
    )
    assert_equals_the_naive_loop(loaded(target, baseline), *models)


@pytest.mark.parametrize(("family", "config"), FAMILIES)
def test_an_adapter_on_and_off_decodes_as_the_naive_loop(tmp_path, family, config):
    base = built(family, config)
    # A smaller strength than usual: with two experts of four, a wild adapter makes close choices.
    folder = save_random_adapter(base, tmp_path / "adapter", lora_alpha=2)
    target = random_adapter(base, lora_alpha=2)
    checkpoint = str(save_checkpoint(base, tmp_path / "base"))
    pair = loaded(Side(checkpoint=checkpoint, adapter=str(folder)), Side(checkpoint=checkpoint))
    assert_equals_the_naive_loop(pair, target, base)


@pytest.mark.parametrize(("family", "config"), FAMILIES)
def test_what_a_gpu_runs_decodes_as_the_naive_loop(caplog, tmp_path, family, config):
    models = [built(family, config, seed) for seed in (0, 1)]
    sides = [
        Side(checkpoint=str(save_checkpoint(model, tmp_path / str(seed))))
        for seed, model in enumerate(models)
    ]
    with pretended_gpu() as gpu:
        assert_equals_the_naive_loop(loaded(*sides, device="pretended"), *models)
    # Steps of either side were recorded, and did the same when they were replayed.
    assert gpu.n_recorded == len(sides)
    assert not caplog.records


@pytest.mark.parametrize(("family", "config"), FAMILIES)
def test_two_prompts_of_one_model_decode_as_the_naive_loop(tmp_path, family, config):
    model = built(family, config)
    side = Side(checkpoint=str(save_checkpoint(model, tmp_path)))
    assert_equals_the_naive_loop(loaded(side, side), model, copy.deepcopy(model))


@pytest.mark.parametrize(("family", "config"), FAMILIES)
def test_a_context_filled_to_its_end_decodes_as_the_naive_loop(tmp_path, family, config):
    """Positions, windows and caches have their edges there."""
    length = "n_positions" if family == "gpt2" else "max_position_embeddings"
    models = [built(family, {**config, length: 14}, seed) for seed in (2, 3)]
    sides = [
        Side(checkpoint=str(save_checkpoint(model, tmp_path / str(seed))))
        for seed, model in enumerate(models)
    ]
    [rollout] = Engine(loaded(*sides).model, frozenset()).run(
        [request((7, 8, 9, 10, 11, 12), alpha=1.0, temperature=0, max_tokens=50)]
    )
    ids, gaps = naive_loop(*models, ((7, 8, 9, 10, 11, 12),) * 2, 1.0)
    assert min(gaps) > 2e-5
    assert (list(rollout.ids), rollout.stop_reason) == (ids, "model_length")


@pytest.mark.parametrize(("family", "config"), FAMILIES)
def test_a_pair_states_the_logits_of_its_output_layer(tmp_path, family, config):
    side = Side(checkpoint=str(save_checkpoint(built(family, config), tmp_path)))
    assert loaded(side, side).model.vocab_size == config.get("vocab_size", VOCAB_SIZE)
