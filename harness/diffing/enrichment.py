"""What amplified rollouts have more often than plain ones, beyond chance. Knows events alone."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Events = NDArray[np.bool_]


def exact_p(events: Events, amplified: Events, starts: Ints) -> Floats:
    """Test whether amplified rollouts have an event more often, within their starts.

    Where both models are one, the rollouts of a start are drawn alike, and which of them are called
    amplified is chance: with k of N rollouts of a start having the event, the number among its n
    amplified ones is hypergeometric. The sum over starts is held against what was seen: the exact
    form of the Cochran-Mantel-Haenszel test, one-sided. It says that something differs for the
    prompts that were asked; how far that holds for others is for an interval over prompts to say.

    Args:
        events: [candidates, rollouts].
        amplified: which rollouts are, [rollouts]; the others are plain.
        starts: where each began, as numbers from 0, [rollouts].

    Returns:
        [candidates]; 1 where every start's rollouts agree.

    Source: Mantel and Haenszel 1959; Agresti 2013, "Categorical Data Analysis", section 7.3.5.
    """
    n_starts = int(starts.max(initial=-1)) + 1
    of_start = np.zeros((len(starts), n_starts), dtype=np.float32)
    of_start[np.arange(len(starts)), starts] = 1
    every = _whole(events.astype(np.float32) @ of_start)
    seen = _whole(events[:, amplified].astype(np.float32) @ of_start[amplified])
    sizes, drawn = _whole(of_start.sum(0)), _whole(of_start[amplified].sum(0))
    return np.array(
        [_upper_tail(k, int(x.sum()), sizes, drawn) for k, x in zip(every, seen, strict=True)],
        dtype=np.float64,
    )


def _upper_tail(k: Ints, seen: int, sizes: Ints, drawn: Ints) -> float:
    """P(X >= seen) for the sum X over starts of hypergeometric numbers."""
    mixed = (k > 0) & (k < sizes) & (drawn > 0) & (drawn < sizes)
    # Of starts whose rollouts all have the event, or that have one side only, nothing is chance.
    fixed = int(np.where(k == sizes, drawn, np.where(drawn == sizes, k, 0))[~mixed].sum())
    chances = np.ones(1)
    for start in np.flatnonzero(mixed):
        own = _chances(int(sizes[start]), int(k[start]), int(drawn[start]))
        chances = np.convolve(chances, own)
    return float(min(1.0, chances[max(0, seen - fixed) :].sum()))


@lru_cache(maxsize=10_000)
def _chances(size: int, k: int, drawn: int) -> Floats:
    return np.asarray(stats.hypergeom(size, k, drawn).pmf(np.arange(drawn + 1)), dtype=np.float64)


def _whole(values: NDArray[np.float32]) -> Ints:
    return values.round().astype(np.int64)
