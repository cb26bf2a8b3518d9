"""Two checkpoints in memory: what they have in common is kept once."""

import torch
from torch import nn


def share_equal_tensors(first: nn.Module, second: nn.Module) -> int:
    """Let a model hold another's tensors wherever they are equal, bit by bit.

    A fine-tune often leaves embeddings, norms or whole layers as they were. Comparing reads both
    once, which costs as much as a copy.

    Args:
        first: keeps its tensors.
        second: gives up those that ``first`` has under the same name.

    Returns:
        Bytes that ``second`` no longer holds.
    """
    theirs = dict(first.named_parameters())
    saved = 0
    for name, parameter in second.named_parameters():
        other = theirs.get(name)
        if other is not None and _is_plain_and_equal(other, parameter):
            saved += parameter.numel() * parameter.element_size()
            parameter.data = other.data
    return saved


def _is_plain_and_equal(one: nn.Parameter, other: nn.Parameter) -> bool:
    # A quantized parameter is more than its tensor: its scales lie beside it.
    return (
        type(one) is type(other) is nn.Parameter
        and one.dtype == other.dtype
        and one.device == other.device
        and one.shape == other.shape
        and torch.equal(one, other)
    )
