"""Which rows of a forward pass are the target's and which the baseline's.

Shared between a pair, which lays its rows out, and the layers that differ between the sides.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor

from harness.decoding.pair_model import SideName

__all__ = ["SideName", "Sides"]


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
