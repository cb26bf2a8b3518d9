"""Norms are exchanged where nothing changes, and nowhere else."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from harness.pairs import row_kernels
from harness.pairs.norms import CompiledRMSNorm, fuse_norms
from tests.fakes import tiny_model


def norms_of(model):
    return [m for m in model.modules() if type(m).__name__.endswith("RMSNorm")]


class OtherRMSNorm(nn.Module):
    """Named like one, with a weight that counts from one."""

    def __init__(self, size):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(size))
        self.eps = 1e-6

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps) * (1 + self.weight)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("family", ["llama", "mistral", "qwen2", "mixtral"])
def test_a_models_norms_are_exchanged_and_its_logits_stay(family, dtype):
    model = tiny_model(family).eval().to(dtype)
    before = norms_of(model)
    for norm in before:
        nn.init.normal_(norm.weight)
    ids = torch.tensor([[5, 9, 33, 2]])
    with torch.inference_mode():
        expected = model(ids).logits
        fuse_norms(model)
        found = model(ids).logits
    if dtype == torch.float32:
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    else:
        assert torch.equal(found, expected)
    assert len(norms_of(model)) == len(before) > 0
    assert all(type(norm) is CompiledRMSNorm for norm in norms_of(model))
    assert all(a.weight is b.weight for a, b in zip(norms_of(model), before, strict=True))


def test_a_compiled_norm_is_right_in_every_row():
    generator = torch.Generator().manual_seed(1)
    weight = nn.Parameter(torch.rand(576, generator=generator))
    x = 10 * torch.randn(2, 5, 576, generator=generator)
    exact = x.double() / (x.double().square().mean(-1, keepdim=True) + 1e-5).sqrt() * weight
    with torch.inference_mode():
        found = CompiledRMSNorm(weight, 1e-5)(x)
        alone = CompiledRMSNorm(weight, 1e-5)(x[1:, 3:4])
    torch.testing.assert_close(found.double(), exact.detach(), rtol=2e-6, atol=1e-9)
    assert torch.equal(found[1:, 3:4], alone)


def test_norms_in_half_precision_stay():
    model = tiny_model("llama").half()
    before = norms_of(model)
    fuse_norms(model)
    assert norms_of(model) == before


@pytest.mark.parametrize(
    "other",
    [OtherRMSNorm(8), nn.LayerNorm(8), nn.Linear(8, 8, bias=False), nn.BatchNorm1d(8)],
    ids=lambda one: type(one).__name__,
)
def test_what_computes_something_else_is_left_alone(other):
    model = nn.ModuleDict({"other": other})
    fuse_norms(model)
    assert model["other"] is other


@given(st.floats(width=32))
def test_bfloat16_is_rounded_to_as_torch_does(number):
    expected = torch.tensor(number, dtype=torch.float32).bfloat16()
    found = np.array([row_kernels._upper(np.float32(number))], dtype=np.uint16)
    rounded = torch.from_numpy(found).view(torch.bfloat16)[0]
    assert rounded.isnan() if expected.isnan() else torch.equal(rounded, expected)
