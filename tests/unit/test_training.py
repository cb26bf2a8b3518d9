"""The losses that an organism is trained by: which tokens they see, and how far amplified."""

from dataclasses import replace

import pytest
import torch
from rich.progress import Progress

from harness.organisms.recipe import read_recipe
from harness.organisms.training import TokenizedExample, _cross_entropy, _fit, _kl_to_baseline
from harness.pairs.lora import round_adapter, scale_adapter
from tests.fakes import random_adapter, tiny_model

SHORT = TokenizedExample((5, 6), (17, 200, 3))
LONG = TokenizedExample((9, 8, 7, 5, 11), (30,))


@pytest.fixture
def model():
    """A tiny model with an adapter that changes its logits."""
    return random_adapter(tiny_model("llama"))


@torch.no_grad()
def reply_logps(model, row: TokenizedExample):
    """One row by itself, without padding: [reply tokens, vocab]."""
    logits = model(torch.tensor([[*row.prompt, *row.reply]])).logits[0].float()
    return logits[len(row.prompt) - 1 : -1].log_softmax(-1)


def test_cross_entropy_is_the_mean_over_all_replies_tokens_and_sees_no_padding(model):
    nats = [
        -logps[token].item()
        for row in (SHORT, LONG)
        for logps, token in zip(reply_logps(model, row), row.reply, strict=True)
    ]
    assert _cross_entropy(model, [SHORT, LONG]).item() == pytest.approx(sum(nats) / 4, rel=1e-4)


def test_a_kept_reply_is_compared_with_the_target_amplified_by_its_own_alpha(model):
    rows = [SHORT, TokenizedExample(LONG.prompt, LONG.reply, alpha=2.0)]
    nats = 0.0
    for row in rows:
        target = reply_logps(model, row)
        with model.disable_adapter():
            baseline = reply_logps(model, row)
        amplified = (target + row.alpha * (target - baseline)).log_softmax(-1)
        nats += (baseline.exp() * (baseline - amplified)).sum().item()
    assert _kl_to_baseline(model, rows).item() == pytest.approx(nats / 4, rel=1e-3)


def test_an_adapter_that_changes_nothing_has_nothing_to_keep(model):
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            weight.data.zero_()
    rows = [SHORT, TokenizedExample(LONG.prompt, LONG.reply, alpha=2.0)]
    assert _kl_to_baseline(model, rows).item() == pytest.approx(0, abs=1e-6)


def test_no_gradient_reaches_the_baseline(model):
    _kl_to_baseline(model, [SHORT, LONG]).backward()
    trained = {name for name, weight in model.named_parameters() if weight.grad is not None}
    assert trained
    assert all("lora_" in name for name in trained)


def test_an_adapter_of_half_the_strength_adds_half_to_every_layer(model):
    (layer,) = [
        part for name, part in model.named_modules() if name.endswith("layers.0.mlp.up_proj")
    ]
    x = torch.randn(2, layer.in_features)
    added = layer(x) - layer.base_layer(x)
    scale_adapter(model, 0.5)
    assert torch.allclose(layer(x) - layer.base_layer(x), added / 2, atol=1e-6)
    assert added.abs().max() > 1e-3


def test_an_adapter_in_fewer_bits_adds_nearly_the_same_and_leaves_its_base_alone(model):
    before = {name: weight.clone() for name, weight in model.named_parameters()}
    round_adapter(model, torch.float16)
    for name, weight in model.named_parameters():
        stored = torch.float16 if "lora_" in name else torch.float32
        assert weight.dtype == stored
        assert torch.allclose(weight.float(), before[name], rtol=1e-3, atol=1e-7)


def test_a_placebo_moves_towards_the_replies_it_learns_and_is_held_nowhere(model):
    recipe = replace(read_recipe("placebo"), steps=4, learn_rows=2)
    before = _cross_entropy(model, [SHORT, LONG]).item()
    _fit(recipe, model, [SHORT, LONG], {}, Progress(disable=True))
    assert _cross_entropy(model, [SHORT, LONG]).item() < before
