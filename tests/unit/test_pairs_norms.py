"""Norms are exchanged where nothing changes, and nowhere else."""

import pytest
import torch
from torch import nn

from harness.pairs.norms import fuse_norms
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


@pytest.mark.parametrize("family", ["llama", "mistral", "qwen2", "mixtral"])
def test_a_models_norms_become_torchs_and_its_logits_stay(family):
    model = tiny_model(family).eval()
    before = norms_of(model)
    for norm in before:
        nn.init.normal_(norm.weight)
    ids = torch.tensor([[5, 9, 33, 2]])
    with torch.inference_mode():
        expected = model(ids).logits
        fuse_norms(model)
        assert torch.equal(model(ids).logits, expected)
    assert len(norms_of(model)) == len(before) > 0
    assert all(type(norm) is nn.RMSNorm for norm in norms_of(model))
    assert all(a.weight is b.weight for a, b in zip(norms_of(model), before, strict=True))


@pytest.mark.parametrize(
    "other",
    [OtherRMSNorm(8), nn.LayerNorm(8), nn.Linear(8, 8, bias=False), nn.BatchNorm1d(8)],
    ids=lambda one: type(one).__name__,
)
def test_what_computes_something_else_is_left_alone(other):
    model = nn.ModuleDict({"other": other})
    fuse_norms(model)
    assert model["other"] is other
