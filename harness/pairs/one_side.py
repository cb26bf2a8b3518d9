"""One side of a pair, read by itself: what a rollout needs that the other side has no say in."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from harness.decoding.pair_model import PairLogits, Prompt, SideName
from harness.pairs.memory import free_bytes
from harness.pairs.reader import Reader
from harness.pairs.row_cache import RowCache
from harness.pairs.sides import Sides

if TYPE_CHECKING:
    from harness.pairs.models import ModelPair


class SideRows:
    """What one side has read."""

    def __init__(self, cache: RowCache) -> None:
        self.cache = cache

    @torch.inference_mode()
    def select(self, rows: Sequence[int]) -> None:
        """Keep these rows in this order."""
        self.cache.select(rows)

    @torch.inference_mode()
    def join(self, other: "SideRows") -> None:
        """Append the rows of another state."""
        self.cache.join(other.cache)


class OneSide:
    """A pair of one side: its logits stand on both, so that every alpha gives that side.

    Args:
        reader: of the side; it may read the other one as well.
        sides: told that all rows are this side's.
        side: which.
        pair: that it is a side of.
    """

    def __init__(self, reader: Reader, sides: Sides, side: SideName, pair: "ModelPair") -> None:
        self._reader, self._sides, self._side = reader, sides, side
        self.vocab_size = pair.vocab_size
        # A rollout ends where it would end beside the other side.
        self.max_context = pair.max_context
        self.device = pair.device
        self.bytes_per_token = reader.bytes_per_token.total()

    def free_bytes(self) -> int:
        """Memory that the side's cache can take before a device is full, in bytes."""
        return free_bytes(self._reader.bytes_per_token)

    def read_prompts(self, prompts: Sequence[Prompt]) -> tuple[SideRows, PairLogits]:
        """Read the side's prompts."""
        target = self._side == "target"
        rows = [one.target_ids if target else one.baseline_ids for one in prompts]
        with self._sides.only(self._side):
            cache, logits = self._reader.read_prompts(rows, self._reader.read_opening(rows))
        return SideRows(cache), self._both(logits)

    def read_tokens(self, state: SideRows, tokens: Tensor) -> PairLogits:
        """Read one token per row."""
        with self._sides.only(self._side):
            logits = self._reader.read_tokens(state.cache, tokens.to(self._reader.device))
        return self._both(logits)

    def alone(self, side: SideName) -> "OneSide":
        """Return itself: both sides are one."""
        return self

    def _both(self, logits: Tensor) -> PairLogits:
        own = logits[:, : self.vocab_size].to(self.device)
        return PairLogits(own, own)
