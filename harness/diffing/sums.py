"""Sums over a corpus, one number a token of the vocabulary, whatever the corpus holds.

Log-probability differences of a whole vocabulary at every position would be [prompts, positions,
vocabulary]; what is asked of them (means, how much they vary between prompts, how often they are
positive) needs a few vectors alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

NAMES = ("first", "whole", "weighted", "target", "baseline")
"""Of the vectors of one prompt, and of what is summed over prompts."""


@dataclass(frozen=True)
class PromptDifference:
    """What the change does to every token over the replies of one prompt, each [vocab], float64."""

    first: Tensor | None
    """log p(target) - log p(baseline) at the first reply position, mean over the replies; None
    where they begin no answer."""
    whole: Tensor
    """The same, mean over all positions of all replies."""
    weighted: Tensor
    """The same times the target's probability, mean over all positions: what openers dominate."""
    target: Tensor
    """The target's probability, mean over all positions."""
    baseline: Tensor
    """The baseline's."""


class Moments:
    """Sums of one vector a prompt: mean, deviation between prompts, share of positive ones.

    Args:
        size: of the vocabulary.
        device: where the sums are.
    """

    def __init__(self, size: int, device: torch.device) -> None:
        self.n = 0
        """Prompts so far."""
        zeros = torch.zeros(size, dtype=torch.float64, device=device)
        self._sum, self._square, self._positive = zeros, zeros.clone(), zeros.clone()

    def add(self, values: Tensor) -> None:
        """Take one prompt's values, [vocab]."""
        self.n += 1
        self._sum += values
        self._square += values.square()
        self._positive += values > 0

    def state(self) -> dict[str, NDArray[np.float64]]:
        """What is summed, to be written to a file; :meth:`restore` takes it."""
        sums = {"sum": self._sum, "square": self._square, "positive": self._positive}
        return {"n": np.array(float(self.n))} | {
            name: one.cpu().numpy() for name, one in sums.items()
        }

    def restore(self, state: Mapping[str, NDArray[np.float64]]) -> None:
        """Go on from what was summed before."""
        self.n = int(state["n"])
        for own, name in (
            (self._sum, "sum"),
            (self._square, "square"),
            (self._positive, "positive"),
        ):
            own.copy_(torch.from_numpy(state[name]))

    @property
    def mean(self) -> Tensor:
        """[vocab], float64, nats."""
        return self._sum / self.n

    @property
    def deviation(self) -> Tensor:
        """Standard deviation between prompts, [vocab], float64; 0 of a single prompt."""
        if self.n < 2:
            return torch.zeros_like(self._sum)
        variance = (self._square - self._sum.square() / self.n) / (self.n - 1)
        return variance.clamp(min=0).sqrt()

    @property
    def positive(self) -> Tensor:
        """Share of prompts with a positive value, [vocab], 0 to 1."""
        return self._positive / self.n


class TokenSums:
    """Everything that is summed over the prompts of a corpus.

    Args:
        size: of the vocabulary.
        device: where the logits are.
    """

    def __init__(self, size: int, device: torch.device) -> None:
        self.first, self.whole, self.weighted, self.target, self.baseline = (
            Moments(size, device) for _ in NAMES
        )

    def add(self, prompt: PromptDifference) -> None:
        """Take one prompt."""
        if prompt.first is not None:
            self.first.add(prompt.first)
        for name in NAMES[1:]:
            getattr(self, name).add(getattr(prompt, name))

    def state(self) -> dict[str, NDArray[np.float64]]:
        """What is summed, to be written to a file; :meth:`restore` takes it."""
        return {
            f"{name}_{what}": array
            for name in NAMES
            for what, array in getattr(self, name).state().items()
        }

    def restore(self, state: Mapping[str, NDArray[np.float64]]) -> None:
        """Go on from what was summed before."""
        for name in NAMES:
            start = f"{name}_"
            own = {key.removeprefix(start): state[key] for key in state if key.startswith(start)}
            getattr(self, name).restore(own)
