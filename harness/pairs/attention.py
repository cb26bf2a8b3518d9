"""Attention over shared prompts: what transformers' models call instead of their own.

Registered with transformers' attention interface, so any architecture that uses the interface
decodes this way: each layer hands its queries, keys and values to the pass that is running. Knows
no model; how a pass answers is `passes`' business.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from transformers.masking_utils import AttentionMaskInterface
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from harness.errors import PairError
from harness.pairs.row_cache import LayerStores, RowCache

NAME = "amplify"
"""What a model's attention implementation is set to."""


@dataclass(frozen=True)
class Window:
    """How far back a layer looks: stands where transformers' models pass a mask around."""

    size: int | None
    """Tokens, the present one included; None looks back to the first."""


@dataclass(frozen=True)
class Heads:
    """What a layer asks of its attention beside queries, keys and values."""

    scale: float
    window: int | None
    softcap: float | None

    def scores(self, scaled: Tensor, keys: Tensor) -> Tensor:
        """Capped products of scaled queries with keys in float32, [..., queries, keys]."""
        return self._cap(torch.matmul(scaled, keys.transpose(-1, -2)))

    def scores_of_few(self, scaled: Tensor, keys: Tensor) -> Tensor:
        """Return the same for few queries a row: a third faster as keys times queries."""
        return self._cap(torch.matmul(keys, scaled.transpose(-1, -2)).transpose(-1, -2))

    def _cap(self, scores: Tensor) -> Tensor:
        scores = scores.float()
        return scores if self.softcap is None else self.softcap * (scores / self.softcap).tanh()


class Pass(Protocol):
    """One forward pass: where its keys and values go, and what its queries attend to."""

    def attend(
        self, layer: LayerStores, states: tuple[Tensor, Tensor, Tensor], heads: Heads
    ) -> Tensor:
        """Store keys and values, [rows, kv heads, tokens, size], and answer the queries.

        Args:
            layer: of the cache.
            states: queries [rows, heads, tokens, size], keys and values.
            heads: scale, window and cap.

        Returns:
            [rows, tokens, heads, size].
        """


@dataclass
class _Current:
    cache: RowCache
    attention: Pass
    layers: set[int]


_current: ContextVar[_Current] = ContextVar("amplify_pass")


@contextmanager
def attending(cache: RowCache, attention: Pass) -> Iterator[set[int]]:
    """Let every layer of the model called inside attend by a pass; yield the layers that did."""
    current = _Current(cache, attention, set())
    token = _current.set(current)
    try:
        yield current.layers
    finally:
        _current.reset(token)


def _attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Window | None,
    scaling: float | None = None,
    **options: Any,
) -> tuple[Tensor, None]:
    """Answer one layer's queries by the current pass; transformers' calling convention."""
    if options.get("s_aux") is not None or options.get("position_bias") is not None:
        raise PairError(
            f"{type(module).__name__} attends with sinks or position biases, which amplified "
            "decoding does not know; compare checkpoints of another architecture"
        )
    current = _current.get()
    window = options.get("sliding_window") or (attention_mask.size if attention_mask else None)
    heads = Heads(
        scale=query.shape[-1] ** -0.5 if scaling is None else scaling,
        window=window,
        softcap=options.get("softcap"),
    )
    index: Any = module.layer_idx
    current.layers.add(index)
    out = current.attention.attend(current.cache.layer(index), (query, key, value), heads)
    return out, None


def _window(*_: Any, local_size: int | None = None, **__: Any) -> Any:
    """Say how far back a kind of layer looks, where a model would make its mask."""
    return Window(local_size)


ALL_ATTENTION_FUNCTIONS.register(NAME, _attention)
AttentionMaskInterface.register(NAME, _window)
