"""What the engine asks of a pair of models: read tokens, return both sides' next-token logits.

A protocol, so that a table of logits written by hand in a test decodes like real weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol, Self, TypeVar

import torch
from torch import Tensor

SideName = Literal["target", "baseline"]


@dataclass(frozen=True)
class Prompt:
    """One prompt as each side reads it; they differ where the sides are conditioned differently."""

    target_ids: tuple[int, ...]
    """Token ids that the target reads, at least one."""
    baseline_ids: tuple[int, ...]
    """Token ids that the baseline reads, at least one."""

    def __post_init__(self) -> None:
        if not self.target_ids or not self.baseline_ids:
            raise ValueError("a prompt needs at least one token on each side")

    @property
    def longest(self) -> int:
        """Tokens of the longer side."""
        return max(len(self.target_ids), len(self.baseline_ids))


class PairLogits(NamedTuple):
    """Next-token logits of both sides, [rows, vocab], contiguous along the vocabulary.

    In whatever dtype the weights compute; what is done with them is done in float32.
    """

    target: Tensor
    baseline: Tensor


class PairState(Protocol):
    """What both sides have read so far, row by row: the key-value caches."""

    def select(self, rows: Sequence[int]) -> None:
        """Keep these rows in this order; a row may be repeated.

        Cheapest where rows keep their place: the engine lets the last rows fill the places of
        those that end.
        """

    def join(self, other: Self) -> None:
        """Append the rows of ``other``, which is used up."""


StateT = TypeVar("StateT", bound=PairState)


class PairModel(Protocol[StateT]):
    """A target and a baseline over one vocabulary, able to continue many rows at once."""

    @property
    def vocab_size(self) -> int:
        """Number of logits per row, equal on both sides."""

    @property
    def max_context(self) -> int:
        """Most tokens that a row may hold, prompt and reply together."""

    @property
    def device(self) -> torch.device:
        """Where the logits live."""

    @property
    def bytes_per_token(self) -> int:
        """Memory that one token of one row takes in the caches of both sides, in bytes."""

    def free_bytes(self) -> int:
        """Memory that is free on the device, in bytes."""

    def read_prompts(self, prompts: Sequence[Prompt]) -> tuple[StateT, PairLogits]:
        """Read whole prompts; the logits are those after each prompt's last token."""

    def read_tokens(self, state: StateT, tokens: Tensor) -> PairLogits:
        """Read one further token per row, [rows] int64, the same on both sides."""

    def alone(self, side: SideName) -> "PairModel[Any] | None":
        """Return one side by itself, at half the work: a pair whose logits are its on both sides.

        They are those that it has beside the other side, to the bit where the products allow it.
        None where this pair's sides can't be told apart.
        """
