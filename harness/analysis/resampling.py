"""Curves along alpha with their bootstrap over prompts: totals in, resampled curves out.

A prompt is drawn with all its rollouts at all alphas, so that what prompts have in common along a
curve stays together. Knows matrices of prompt x alpha only.

Source: Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapter 13 (percentiles);
Field and Welsh 2007, "Bootstrapping clustered data" (whole clusters are drawn).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
SEED = 20250
# Weights of so many prompts and resamples are 80 MB; more are drawn part by part.
_PART = 10_000_000

Floats = NDArray[np.float64]


class Cell(NamedTuple):
    """What the prompts add up to at one alpha."""

    prompts: Sequence[str] | NDArray[np.str_]
    """Each once, or once per rollout."""
    sums: Floats
    """Events, or the sum of a figure over tokens."""
    sizes: Floats
    """What the sums are over: rollouts or tokens."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Totals:
    """One curve as sums and sizes per prompt; its value at an alpha is their ratio."""

    alphas: Floats
    """Rising, [alphas]."""
    sums: Floats
    """[prompts, alphas]; 0 where a prompt has no rollout."""
    sizes: Floats
    """[prompts, alphas]."""

    @classmethod
    def of(cls, cells: dict[float, Cell]) -> "Totals":
        """Add up the cells; alphas at which nothing is known are left out."""
        known = {alpha: cell for alpha, cell in sorted(cells.items()) if cell.sizes.sum() > 0}
        names = sorted({str(prompt) for cell in known.values() for prompt in cell.prompts})
        sums, sizes = np.zeros((2, len(names), len(known)))
        for column, cell in enumerate(known.values()):
            rows = np.searchsorted(
                np.asarray(names, dtype=str), np.asarray(cell.prompts, dtype=str)
            )
            np.add.at(sums[:, column], rows, cell.sums)
            np.add.at(sizes[:, column], rows, cell.sizes)
        return cls(alphas=np.array(list(known), dtype=np.float64), sums=sums, sizes=sizes)

    def from_zero(self) -> "Totals":
        """Keep the alphas that are not negative."""
        kept = self.alphas >= 0
        return Totals(alphas=self.alphas[kept], sums=self.sums[:, kept], sizes=self.sizes[:, kept])

    @property
    def n_prompts(self) -> int:
        """Prompts with anything at any alpha."""
        return len(self.sums)

    @property
    def curve(self) -> "Curves":
        """The curve of the data, as the only row."""
        ones = np.ones((1, self.n_prompts))
        return self._weighted(ones)

    def resampled(self, n: int = RESAMPLES, seed: int = SEED) -> "Curves":
        """Draw as many prompts as there are, with replacement, n times.

        The same seed draws the same prompts for every curve over as many.

        Returns:
            Curves of the resamples; one with no data at an alpha is left out.
        """
        generator = np.random.default_rng(seed)
        at_once = max(1, _PART // max(1, self.n_prompts))
        share = np.full(self.n_prompts, 1 / self.n_prompts)
        parts = []
        for start in range(0, n, at_once):
            drawn = generator.multinomial(self.n_prompts, share, size=min(at_once, n - start))
            parts.append(self._weighted(drawn.astype(np.float64)))
        values, sizes = (np.concatenate(each) for each in zip(*parts, strict=True))
        whole = (sizes > 0).all(axis=1)
        return Curves(values[whole], sizes[whole])

    def _weighted(self, weights: Floats) -> "Curves":
        sums, sizes = weights @ self.sums, weights @ self.sizes
        return Curves(np.divide(sums, sizes, out=np.zeros_like(sums), where=sizes > 0), sizes)


class Curves(NamedTuple):
    """Many curves over the same alphas."""

    values: Floats
    """[curves, alphas]."""
    sizes: Floats
    """What each value is over, [curves, alphas]."""


def first_above(alphas: Floats, values: Floats, level: Floats | float) -> Floats:
    """Find where curves first rise above a level, on straight lines between alphas.

    Args:
        alphas: rising, [alphas].
        values: [curves, alphas].
        level: one, or one per curve, [curves].

    Returns:
        One alpha per curve, [curves]: the first where a curve starts above the level, infinity
        where it never is.
    """
    limit = np.broadcast_to(np.asarray(level, dtype=np.float64), len(values))
    above = values > limit[:, None]
    found = np.full(len(values), np.inf)
    rows = np.flatnonzero(above.any(axis=1))
    after = above[rows].argmax(axis=1)
    before = np.maximum(after - 1, 0)
    low, high = values[rows, before], values[rows, after]
    rise = np.where(after > 0, high - low, 1.0)
    share = np.where(after > 0, (limit[rows] - low) / rise, 0.0)
    found[rows] = alphas[before] + share * (alphas[after] - alphas[before])
    return found


def percentile(positions: Floats, share: float) -> float:
    """Take a percentile of positions, some of which may be infinite.

    The observed position just outside of it: nothing lies between a number and infinity.
    """
    place = share * (len(positions) - 1)
    return float(np.sort(positions)[floor(place) if share < 0.5 else ceil(place)])
