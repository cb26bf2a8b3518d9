"""Which rows of a forward pass are the target's and which the baseline's.

Shared between a pair, which lays its rows out, and the layers that differ between the sides.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor


class Sides:
    """Rows in pairs: the target's first, the baseline's beside it, then the next pair's."""

    def __init__(self) -> None:
        self.n_pairs = 0
        """Pairs in the pass that is running; 0 where all its rows are one side's."""

    @contextmanager
    def paired(self, n_pairs: int) -> Iterator[None]:
        """Say that every pass inside holds so many pairs of rows."""
        self.n_pairs = n_pairs
        try:
            yield
        finally:
            self.n_pairs = 0

    def target(self, states: Tensor) -> Tensor:
        """Return a view of the target's rows, [pairs, tokens, size].

        Args:
            states: contiguous, [rows, tokens, size], or with rows and tokens flattened together.
        """
        return states.view(self.n_pairs, 2, -1, states.shape[-1])[:, 0]

    def baseline(self, states: Tensor) -> Tensor:
        """Return a view of the baseline's rows, likewise."""
        return states.view(self.n_pairs, 2, -1, states.shape[-1])[:, 1]
