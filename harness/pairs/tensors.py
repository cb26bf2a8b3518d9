"""Two checkpoints in memory: what they have in common is kept once."""

from collections.abc import Collection

import torch
from torch import nn

from harness.pairs.joint_linear import joint_products, set_product
from harness.pairs.packing import PackedLinear


def share_equal_tensors(first: nn.Module, second: nn.Module) -> frozenset[str]:
    """Let a model hold another's tensors wherever they are equal, bit by bit.

    A fine-tune often leaves embeddings, norms or whole layers as they were. Comparing reads both
    once, which costs as much as a copy.

    Args:
        first: keeps its tensors.
        second: gives up those that ``first`` has under the same name.

    Returns:
        The names of the parameters that are shared now.
    """
    theirs = dict(first.named_parameters(remove_duplicate=False))
    shared = set()
    for name, parameter in second.named_parameters(remove_duplicate=False):
        other = theirs.get(name)
        if other is not None and _is_plain_and_equal(other, parameter):
            parameter.data = other.data
            shared.add(name)
    return frozenset(shared)


def adopt_packed(first: nn.Module, second: nn.Module, shared: Collection[str]) -> None:
    """Let a model use another's packed products where all of their parameters are shared.

    Args:
        first: packed already.
        second: not packed yet, so that what it shares is not copied into a layout of its own.
        shared: names of parameters, as ``share_equal_tensors`` returns them.
    """
    packed = {
        name: module for name, module in first.named_modules() if isinstance(module, PackedLinear)
    }
    plain = {
        name
        for name, module in second.named_modules()
        if type(module) is nn.Linear
        and all(f"{name}.{part}" in shared for part, _ in module.named_parameters())
    }
    for name in plain & packed.keys():
        parent, _, leaf = name.rpartition(".")
        setattr(second.get_submodule(parent), leaf, packed[name])
    for names, product in joint_products(first).items():
        if plain.issuperset(names) and not product.adapted:
            set_product(second, names, product)


def _is_plain_and_equal(one: nn.Parameter, other: nn.Parameter) -> bool:
    # A quantized parameter is more than its tensor: its scales lie beside it.
    return (
        type(one) is type(other) is nn.Parameter
        and one.dtype == other.dtype
        and one.device == other.device
        and one.shape == other.shape
        and torch.equal(one, other)
    )
