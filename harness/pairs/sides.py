"""Which rows of a forward pass are the target's and which the baseline's.

Shared between a pair, which lays its rows out, and the layers that differ between the sides.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from torch import Tensor

from harness.decoding.pair_model import SideName

__all__ = ["Places", "SideName", "Sides"]


class Places(NamedTuple):
    """A side's rows, tokens counted apart."""

    first: int
    run: int
    """So many stand together."""
    step: int
    """From the first of these to the first of the next."""


class Sides:
    """Rows in pairs: the target's first, the baseline's beside it, then the next pair's."""

    def __init__(self) -> None:
        self.n_pairs = 0
        """Pairs in the pass that is running; 0 where all its rows are one side's."""
        self.alone: SideName | None = None
        """Whose rows a pass without pairs holds; None where nobody said."""

    @contextmanager
    def paired(self, n_pairs: int) -> Iterator[None]:
        """Say that every pass inside holds so many pairs of rows."""
        self.n_pairs = n_pairs
        try:
            yield
        finally:
            self.n_pairs = 0

    @contextmanager
    def only(self, side: SideName) -> Iterator[None]:
        """Say that every pass inside holds rows of one side."""
        self.alone = side
        try:
            yield
        finally:
            self.alone = None

    def places(self, side: SideName, n_rows: int) -> Places | None:
        """Say which of the rows of the pass that is running are a side's, or None if it has none.

        Args:
            side: whose.
            n_rows: of the pass, tokens counted apart.
        """
        if self.n_pairs:
            n_tokens = n_rows // (2 * self.n_pairs)
            return Places(0 if side == "target" else n_tokens, n_tokens, 2 * n_tokens)
        return Places(0, n_rows, n_rows) if self.alone == side else None

    def rows(self, side: SideName, states: Tensor) -> Tensor | None:
        """Return a view of one side's rows of the pass that is running, or None if it has none.

        Args:
            side: whose.
            states: contiguous, [rows, tokens, size], or with rows and tokens flattened together.

        Returns:
            [pairs, tokens, size]; where all rows are the side's, [rows times tokens, 1, size].
        """
        if self.n_pairs:
            apart = states.view(self.n_pairs, 2, -1, states.shape[-1])
            return apart[:, 0 if side == "target" else 1]
        return states.view(-1, 1, states.shape[-1]) if self.alone == side else None
