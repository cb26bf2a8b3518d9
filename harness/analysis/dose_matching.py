"""Two curves held against each other at the same dose, resampled over the prompts that they share.

A run's curve is a path in the plane of dose and rate, from alpha to alpha; straight lines lead
from one to the next. Nothing is told of doses that a path does not reach. Knows matrices of
prompt x alpha only.

Source: Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapter 13 (percentiles);
Field and Welsh 2007, "Bootstrapping clustered data" (whole clusters are drawn).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.analysis.rates import SIGNIFICANCE

RESAMPLES = 2000
SEED = 20251
TAIL = SIGNIFICANCE / 2

Floats = NDArray[np.float64]


class Cells(NamedTuple):
    """What prompts add up to at each alpha; the figure of an alpha is the ratio of the two."""

    sums: Floats
    """Events, or nats; [prompts, alphas]."""
    sizes: Floats
    """Scored rollouts, or tokens; 0 where a prompt has none, [prompts, alphas]."""

    def drawn(self, weights: Floats) -> Floats:
        """Add up the prompts, each as often as it was drawn.

        Args:
            weights: [draws, prompts].

        Returns:
            Figures, NaN where a draw has nothing, [draws, alphas].
        """
        return ratio(weights @ self.sums, weights @ self.sizes)


@dataclass(frozen=True, kw_only=True, eq=False)
class Segment:
    """Where a path first reaches a dose: so far from one alpha to the next."""

    before: NDArray[np.intp]
    """Index of the alpha before it, [paths, doses]; -1 where the dose is not reached."""
    share: Floats
    """0 at that alpha, 1 at the next, [paths, doses]."""

    def of(self, values: Floats) -> Floats:
        """Interpolate what belongs to the alphas, [paths, alphas] -> [paths, doses].

        The segments of a single path serve any number of rows.
        """
        row = np.arange(len(values))[:, None]
        before = np.maximum(self.before, 0)
        low, high = values[row, before], values[row, before + 1]
        # At an end of a segment the other end has no say, though it may be unknown.
        between = np.where(self.share == 0, low, (1 - self.share) * low + self.share * high)
        between = np.where(self.share == 1, high, between)
        return np.where(self.before < 0, np.nan, between)


def reached(doses: Floats, at: Floats) -> Segment:
    """Find where paths first reach doses, walking from alpha 0 upwards.

    Args:
        doses: of the alphas, [paths, alphas].
        at: [doses].
    """
    before = np.full((len(doses), len(at)), -1, dtype=np.intp)
    share = np.zeros((len(doses), len(at)))
    for i in reversed(range(doses.shape[1] - 1)):  # the first segment has the last word
        low, high = doses[:, i, None], doses[:, i + 1, None]
        inside = (np.minimum(low, high) <= at) & (at <= np.maximum(low, high))
        span = np.where(high == low, 1.0, high - low)
        before = np.where(inside, i, before)
        share = np.where(inside, (at - low) / span, share)
    return Segment(before=before, share=share)


def drawn_weights(n_prompts: int, n: int = RESAMPLES, seed: int = SEED) -> Floats:
    """Draw as many prompts as there are, with replacement: how often each, [n, prompts]."""
    generator = np.random.default_rng(seed)
    share = np.full(n_prompts, 1 / n_prompts)
    return generator.multinomial(n_prompts, share, size=n).astype(np.float64)


def common_doses(paths: Sequence[Floats], observed: Sequence[Floats], n: int) -> Floats:
    """Choose doses that all runs reach, nearly whatever the prompts.

    Args:
        paths: of each run, the doses of its resamples, [resamples, alphas].
        observed: of each run, the doses of the data, [alphas].
        n: how many.

    Returns:
        From the least to the greatest dose that the data and 97.5 % of the resamples of every run
        reach, evenly spread in the square root, since the dose grows with the square of a small
        alpha; empty where there is none.
    """
    least = np.max([np.nanmin(path, axis=1) for path in paths], axis=0)
    most = np.min([np.nanmax(path, axis=1) for path in paths], axis=0)
    start = max(float(np.quantile(least, 1 - TAIL)), *(float(one.min()) for one in observed))
    end = min(float(np.quantile(most, TAIL)), *(float(one.max()) for one in observed))
    return start + (end - start) * np.linspace(0, 1, n) ** 2 if start < end else np.empty(0)


def percentiles(values: Floats) -> tuple[Floats, Floats]:
    """Return the ends of 95 % intervals over resamples, [resamples, doses] -> [doses] twice."""
    low, high = np.nanquantile(values, [TAIL, 1 - TAIL], axis=0)
    return low, high


def ratio(over: Floats, under: Floats) -> Floats:
    """Divide; NaN where there is nothing to divide by."""
    return np.divide(over, under, out=np.full_like(over, np.nan), where=under > 0)
