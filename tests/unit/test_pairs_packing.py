"""Packed linear layers compute what plain ones do, and nothing else is touched."""

import pytest
import torch
from torch import nn

from harness.pairs import packing
from harness.pairs.packing import PackedLinear, pack_linears

TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 2e-2}


def linear(dtype, bias=True, n_in=48, n_out=96):
    layer = nn.Linear(n_in, n_out, bias=bias)
    generator = torch.Generator().manual_seed(0)
    for parameter in layer.parameters():
        parameter.data.normal_(0, 0.2, generator=generator)
    return layer.to(dtype)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(1, 1), (3, 1), (2, 5), (70, 1)])
def test_a_packed_layer_equals_the_plain_one(dtype, bias, shape):
    layer = linear(dtype, bias)
    x = torch.randn(*shape, 48, generator=torch.Generator().manual_seed(1)).to(dtype)
    with torch.inference_mode():
        packed = PackedLinear(layer)(x)
        plain = layer(x)
    assert packed.dtype == dtype
    torch.testing.assert_close(packed, plain, atol=TOLERANCE[dtype], rtol=TOLERANCE[dtype])


def test_packing_replaces_plain_linear_layers_at_every_depth():
    model = nn.Sequential(nn.Linear(8, 8), nn.Sequential(nn.ReLU(), nn.Linear(8, 4)))
    x = torch.randn(3, 8, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        before = model(x)
        pack_linears(model)
        after = model(x)
    assert [type(model[0]), type(model[1][1])] == [PackedLinear, PackedLinear]
    torch.testing.assert_close(after, before)


class OwnLinear(nn.Linear):
    """Like a quantized layer: a linear layer by type, with its own product."""


@pytest.mark.parametrize(
    "module",
    [
        OwnLinear(4, 4),
        nn.Embedding(4, 4),
        nn.LayerNorm(4),
        nn.Conv1d(4, 4, 1),
        nn.Linear(4, 4).half(),
        nn.Linear(4, 4).double(),
        nn.Linear(4, 4, device="meta"),
    ],
    ids=["a subclass", "embedding", "norm", "convolution", "float16", "float64", "another device"],
)
def test_packing_leaves_everything_else_alone(module):
    model = nn.Sequential(module)
    pack_linears(model)
    assert model[0] is module


def test_without_the_private_operators_plain_layers_stay(monkeypatch):
    """torch offers them under private names, which may go with any version."""

    def gone(weight):
        raise AttributeError("'_OpNamespace' 'mkldnn' object has no attribute")

    model = nn.Sequential(nn.Linear(4, 4))
    packing._works.cache_clear()
    monkeypatch.setattr(packing, "pack", gone)
    try:
        pack_linears(model)
    finally:
        packing._works.cache_clear()
    assert type(model[0]) is nn.Linear


def test_operators_that_compute_something_else_are_not_used(monkeypatch):
    model = nn.Sequential(nn.Linear(4, 4))
    packing._works.cache_clear()
    monkeypatch.setattr(packing, "_multiply", lambda x, packed, bias: x.new_zeros(3, 32))
    try:
        pack_linears(model)
    finally:
        packing._works.cache_clear()
    assert type(model[0]) is nn.Linear
