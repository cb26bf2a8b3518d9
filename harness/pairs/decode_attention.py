"""Attention from one further token of each row, compiled for the CPU.

Such a step reads all keys and values once and computes little with them. As batched products of a
matrix library it is thousands of tiny ones, with masks, gathers and copies between them; here each
row goes through its prompt's and its own keys once, and asks for the next ones from memory while it
computes. A row is answered from its own tokens alone, so its bits are the same in every batch and
with every number of threads. Knows arrays; knows no model.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from harness.decoding.compiled import as_array, on_threads
from harness.pairs.attention_kernels import attend, known_size
from harness.pairs.row_cache import LayerStores

_ALL = np.iinfo(np.int64).max


class RowLengths(NamedTuple):
    """What each row has read, before the token; each [rows], int64."""

    prompt_of: np.ndarray
    """The slot of the prompt that it continues."""
    prompt: np.ndarray
    """Tokens of it that the row continues."""
    reply: np.ndarray
    """Tokens of its reply."""


def can_attend(device: torch.device, dtype: torch.dtype) -> bool:
    """Say whether keys and values of this kind can be attended to here."""
    return device.type == "cpu" and dtype in (torch.float32, torch.bfloat16)


def attend_rows(
    layer: LayerStores,
    states: tuple[Tensor, Tensor, Tensor],
    rows: RowLengths,
    *,
    scale: float,
    window: int | None,
    softcap: float | None,
) -> Tensor:
    """Store each row's key and value behind its reply, and answer its query.

    Products are summed and the softmax is taken in float32, whatever the keys are kept in.

    Args:
        layer: of the cache; its stores have room for the token.
        states: queries [rows, heads, 1, size], keys and values [rows, kv heads, 1, size], all in
            the stores' dtype.
        rows: what they have read.
        scale: of the products of queries and keys.
        window: how many tokens are seen, the present one included; None sees all.
        softcap: ``cap * tanh(product / cap)`` stands for each product; None leaves them.

    Returns:
        [rows, 1, heads, value size], in the queries' dtype.
    """
    queries, keys, values = (state.squeeze(2).contiguous() for state in states)
    out = torch.empty(*queries.shape[:2], values.shape[-1])
    stores = (*layer.prompts, *layer.replies)
    arrays = [as_array(kept) for kept in (keys, values, *(store.data for store in stores))]
    on_threads(
        attend,
        queries.float().numpy(),
        *arrays,
        *rows,
        known_size(keys.shape[-1]),
        known_size(values.shape[-1]),
        np.float32(scale),
        window or _ALL,
        np.float32(softcap or 0),
        out.numpy(),
    )
    return out.to(queries.dtype).unsqueeze(1)
