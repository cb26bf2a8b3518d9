"""Steps of always so many rows, so that a row's rounding can't tell how many others there are.

Each row keeps a prompt of its own, and rows that nobody asked for fill the rest.
"""

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from harness.decoding.pair_model import PairLogits, PairModel, Prompt, SideName

_FILLING = Prompt((0,), (0,))


class FixedState:
    """The rows that were asked for, first apart, later in one state with what fills the step.

    Args:
        apart: one state for each row.
    """

    def __init__(self, apart: list[Any]) -> None:
        self._apart = apart
        self._together: Any = None
        self._n = len(apart)
        self._n_filling = 0

    def __len__(self) -> int:
        return self._n

    @torch.inference_mode()
    def select(self, rows: Sequence[int]) -> None:
        """Keep these rows in this order; one that is repeated is copied, its prompt as well."""
        if self._together is None:
            repeated = [row in rows[:place] for place, row in enumerate(rows)]
            self._apart = [
                copy.deepcopy(self._apart[row]) if again else self._apart[row]
                for row, again in zip(rows, repeated, strict=True)
            ]
        else:
            self._together.select(rows)
            self._n_filling = 0
        self._n = len(rows)

    @torch.inference_mode()
    def join(self, other: "FixedState") -> None:
        """Append the rows of another state."""
        if self._together is None and other._together is None:
            self._apart += other._apart
        else:
            self._one_state().join(other._one_state())
        self._n += other._n

    @torch.inference_mode()
    def filled(self, filling: Any, size: int) -> Any:
        """Return one state of so many rows: those asked for, then rows of ``filling``."""
        missing = size - self._n
        if self._together is None or self._n_filling != missing:
            rows = self._one_state()
            if missing:
                own = copy.deepcopy(filling)
                own.select(range(missing))
                rows.join(own)
            self._n_filling = missing
        return self._together

    def _one_state(self) -> Any:
        """Put the rows together, without what fills the step."""
        if self._together is None:
            states = self._apart
            # By halves: one after the other, the first row would be copied with each.
            while len(states) > 1:
                for one, other in zip(states[::2], states[1::2], strict=False):
                    one.join(other)
                states = states[::2]
            [self._together] = states
            self._apart = []
        elif self._n_filling:
            self._together.select(range(self._n))
            self._n_filling = 0
        return self._together


class FixedShape:
    """A pair that reads prompts one by one, and tokens of always so many rows.

    Args:
        pair: does the reading.
        n_rows: of every step.
    """

    def __init__(self, pair: PairModel[Any], n_rows: int) -> None:
        self._pair = pair
        self._n_rows = n_rows
        self.vocab_size, self.max_context = pair.vocab_size, pair.max_context
        self.device, self.bytes_per_token = pair.device, pair.bytes_per_token
        self._filling: Any = None

    def free_bytes(self) -> int:
        """As the pair's."""
        return self._pair.free_bytes()

    def read_prompts(self, prompts: Sequence[Prompt]) -> tuple[FixedState, PairLogits]:
        """Read each prompt by itself."""
        read = [self._pair.read_prompts([prompt]) for prompt in prompts]
        logits = zip(*(logits for _, logits in read), strict=True)
        return FixedState([state for state, _ in read]), PairLogits(*map(torch.cat, logits))

    def read_tokens(self, state: FixedState, tokens: Tensor) -> PairLogits:
        """Read one token per row, and one for each row that fills the step."""
        if self._filling is None:
            self._filling, _ = self._pair.read_prompts([_FILLING] * self._n_rows)
        filled = state.filled(self._filling, self._n_rows)
        padded = tokens.new_zeros(self._n_rows)
        padded[: len(tokens)] = tokens
        logits = self._pair.read_tokens(filled, padded)
        return PairLogits(*(side[: len(tokens)] for side in logits))

    def alone(self, side: SideName) -> None:
        """Return None: whether a side is read alone depends on the others in the step."""
