"""Rounded weights against full ones: what bitsandbytes is asked for, and that it did it."""

import importlib.util

import pytest
import torch

from harness.decoding.engine import Engine
from harness.errors import ConfigurationError
from harness.pairs.loading import load_pair
from harness.pairs.side import Side
from harness.pairs.spec import PairSpec
from tests.fakes import random_adapter, request, save_checkpoint, save_random_adapter, tiny_model
from tests.unit.test_pairs_loading import first_logits, full_logits

needs_bitsandbytes = pytest.mark.skipif(
    importlib.util.find_spec("bitsandbytes") is None, reason="bitsandbytes is an extra"
)


def calm():
    """Build a model that fills bitsandbytes' blocks of 64 and does not amplify errors."""
    model = tiny_model("llama", hidden_size=64, intermediate_size=128)
    for layer in model.model.layers.modules():
        if isinstance(layer, torch.nn.Linear):
            layer.weight.data *= 0.3
    return model


@pytest.fixture(scope="module")
def wide():
    """A model whose layers fill bitsandbytes' blocks of 64 values."""
    return calm()


@pytest.fixture(scope="module")
def folder(wide, tmp_path_factory):
    return save_checkpoint(wide, tmp_path_factory.mktemp("wide"))


def pair(folder, kind, **more):
    return load_pair(
        PairSpec(
            name="rounded",
            target=Side(checkpoint=str(folder), quantization=kind, **more),
            baseline=Side(checkpoint=str(folder)),
            device="cpu",
        )
    )


@needs_bitsandbytes
@pytest.mark.parametrize(("kind", "at_most"), [("nf4", 0.25), ("int8", 0.03)])
def test_the_target_is_rounded_and_the_baseline_is_not(folder, wide, kind, at_most):
    """nf4 keeps 4 bits of a weight, so its error is larger than int8's: 18 % and 2 % here."""
    logits = first_logits(pair(folder, kind))
    full = full_logits(wide)
    torch.testing.assert_close(logits.baseline, full, atol=1e-4, rtol=1e-4)
    error = (logits.target - full).norm() / full.norm()
    assert at_most / 3 < error < at_most


def dequantized(wide):
    """Round each linear layer but the output to nf4 and back, by bitsandbytes' own functions."""
    from bitsandbytes.functional import dequantize_4bit, quantize_4bit

    for name, layer in wide.named_modules():
        if isinstance(layer, torch.nn.Linear) and name != "lm_head":
            layer.weight.data = dequantize_4bit(*quantize_4bit(layer.weight, quant_type="nf4"))
    return wide


@needs_bitsandbytes
def test_an_nf4_model_gives_the_logits_of_its_dequantized_weights(folder):
    rounded = dequantized(calm())
    logits = first_logits(pair(folder, "nf4"))
    expected = full_logits(rounded)
    # bitsandbytes' kernel for the CPU sums in another order and precision: 0.4 % here, against the
    # 18 % that rounding makes.
    assert (logits.target - expected).norm() / expected.norm() < 0.01


@needs_bitsandbytes
def test_an_adapter_goes_on_rounded_weights(folder, wide, tmp_path):
    """QLoRA: the adapter was trained on a base in 4 bits."""
    adapter = save_random_adapter(wide, tmp_path)
    logits = first_logits(pair(folder, "nf4", adapter=str(adapter)))
    full = full_logits(random_adapter(wide))
    plain = full_logits(wide)
    assert (logits.target - full).norm() / full.norm() < 0.4
    assert (logits.target - plain).norm() / plain.norm() > 1


@needs_bitsandbytes
def test_rows_of_a_rounded_pair_decode_together(folder):
    requests = [request((5, 17), alpha=alpha, seed=2, max_tokens=4) for alpha in (0.0, 1.0)]
    rollouts = Engine(pair(folder, "int8").model, frozenset()).run(requests)
    assert [len(rollout.ids) for rollout in rollouts] == [4, 4]


def test_without_bitsandbytes_the_extra_is_named(folder, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *_: None)
    with pytest.raises(ConfigurationError, match=r"pip install 'inspect-amplify\[quantization\]'"):
        pair(folder, "nf4")
