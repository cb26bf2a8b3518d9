"""Layers that read the same input give the same outputs from one product, adapters included."""

import copy

import pytest
import torch
from torch import nn

from harness.pairs.joint_linear import JointProduct, join_linears, joint_products
from harness.pairs.packing import packable_linears
from harness.pairs.sides import Sides
from harness.pairs.split_linear import split_rows
from tests.fakes import random_adapter, tiny_model

pytestmark = pytest.mark.skipif(
    not packable_linears(nn.Sequential(nn.Linear(4, 4))),
    reason="this build of torch has no packed products",
)

TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 3e-2}


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def read_one(model):
    with torch.inference_mode():
        model(torch.zeros(1, 1, dtype=torch.int64), use_cache=False)


def adapted_attention(dtype=torch.float32, rank=4, sides=("target",)):
    """The query, key and value layers of a tiny llama; the value layer has no adapter."""
    model = random_adapter(tiny_model("llama"), r=rank, target_modules=["q_proj", "k_proj"])
    base, told = split_rows(model.to(dtype), dict.fromkeys(sides, ("default",)))
    attention = base.model.layers[0].self_attn
    return [attention.q_proj, attention.k_proj, attention.v_proj], told


def read_all(product, n_layers, x):
    return [product.part(index, x) for index in range(n_layers)]


def test_a_block_of_a_llama_has_two_joint_products():
    model = tiny_model("llama")
    join_linears(model, lambda: read_one(model))
    attention, mlp = "model.layers.0.self_attn.", "model.layers.0.mlp."
    found = {names for names in joint_products(model) if names[0].startswith("model.layers.0.")}
    assert found == {
        (f"{attention}q_proj", f"{attention}k_proj", f"{attention}v_proj"),
        (f"{mlp}gate_proj", f"{mlp}up_proj"),
    }
    # The output and down projections read what nobody else does, and stay as they are.
    assert type(model.model.layers[0].mlp.down_proj) is nn.Linear


def test_joining_changes_no_logit():
    model = tiny_model("llama")
    ids = torch.tensor([[5, 17, 200], [1, 2, 3]])
    with torch.inference_mode():
        before = model(ids).logits
        join_linears(model, lambda: read_one(model))
        after = model(ids).logits
    torch.testing.assert_close(after, before, atol=1e-5, rtol=1e-5)


def test_layers_that_are_called_twice_stay_as_they_are():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.other = nn.Linear(4, 4), nn.Linear(4, 4)

        def forward(self, x):
            return self.one(self.one(x)) + self.other(x)

    model = Twice()
    join_linears(model, lambda: model(torch.ones(1, 4)))
    assert joint_products(model) == {}


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("shape", [(2, 1), (8, 1), (80, 1), (2, 5), (8, 16)])
@pytest.mark.parametrize("sides", [("target",), ("baseline",), ("target", "baseline")])
@pytest.mark.parametrize("rank", [4, 6, 200])
def test_a_product_equals_its_layers(dtype, shape, sides, rank):
    layers, told = adapted_attention(dtype, rank, sides)
    product = JointProduct(layers)
    x = normal(*shape, layers[2].in_features).to(dtype)
    with torch.inference_mode(), told.paired(shape[0] // 2):
        separate = [layer(x) for layer in layers]
        joint = read_all(product, 3, x)
    for one, other in zip(joint, separate, strict=True):
        torch.testing.assert_close(one, other, atol=TOLERANCE[dtype], rtol=TOLERANCE[dtype])


def test_biases_are_each_layers_own():
    layers = [nn.Linear(3, 2), nn.Linear(3, 4, bias=False), nn.Linear(3, 1)]
    x = torch.zeros(5, 3)
    with torch.inference_mode():
        first, second, third = read_all(JointProduct(layers), 3, x)
    assert torch.equal(first, layers[0].bias.expand(5, -1))
    assert second.eq(0).all()
    assert torch.equal(third, layers[2].bias.expand(5, -1))


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("rank", [4, 6, 200])
def test_a_rows_bits_do_not_tell_how_many_rows_there_are(dtype, rank):
    layers, told = adapted_attention(dtype, rank)
    product = JointProduct(layers)
    x = normal(160, 1, layers[2].in_features).to(dtype)
    with torch.inference_mode():
        with told.paired(80):
            whole = torch.cat(read_all(product, 3, x), -1)
        for n_pairs in (1, 2, 3, 5, 7, 8, 9, 16, 31):
            with told.paired(n_pairs):
                few = torch.cat(read_all(product, 3, x[: 2 * n_pairs].clone()), -1)
            assert torch.equal(few, whole[: 2 * n_pairs]), n_pairs


def test_a_layer_asked_alone_answers_for_what_it_is_given():
    layers = [nn.Linear(2, 2), nn.Linear(2, 2)]
    product = JointProduct(layers)
    one, other = normal(4, 2), normal(4, 2, seed=1)
    with torch.inference_mode():
        for layer, x in ((0, one), (0, other), (1, other), (1, one), (1, one), (0, one)):
            torch.testing.assert_close(product.part(layer, x), layers[layer](x))


def test_outside_of_a_pass_in_pairs_no_delta_acts():
    layers, _ = adapted_attention()
    x = normal(4, 1, layers[2].in_features)
    with torch.inference_mode():
        found = read_all(JointProduct(layers), 3, x)
        for part, layer in zip(found, layers, strict=True):
            base = getattr(layer, "base", layer)
            torch.testing.assert_close(part, base(x), atol=1e-5, rtol=1e-5)


def test_what_peft_has_wrapped_is_left_to_peft():
    model = random_adapter(tiny_model("llama"), use_dora=True)
    before = copy.deepcopy(model)
    base = model.get_base_model()
    join_linears(base, lambda: read_one(base))
    assert joint_products(base) == {}
    with torch.inference_mode():
        ids = torch.tensor([[5, 17, 200]])
        assert torch.equal(model(ids).logits, before(ids).logits)


def test_sides_of_a_product_are_those_of_its_layers():
    layers, told = adapted_attention(sides=("baseline",))
    assert isinstance(told, Sides)
    product = JointProduct(layers)
    x = normal(1, 1, layers[2].in_features).expand(2, -1, -1).contiguous()
    with torch.inference_mode(), told.paired(1):
        queries = product.part(0, x)
        plain = layers[0].base(x)
    torch.testing.assert_close(queries[0], plain[0], atol=1e-5, rtol=1e-5)
    assert not torch.allclose(queries[1], plain[1], atol=1e-2)
