"""Which tokens a change amplifies whatever the prompt: from sums to a ranked table.

Each token's mean over prompts is tested against 0, over the whole vocabulary at once.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from harness.analysis.rates import SIGNIFICANCE
from harness.diffing.found import TokenEffect
from harness.diffing.sums import Moments

Floats = NDArray[np.float64]


def rank(moments: Moments, n: int, *, falling: bool = True) -> tuple[TokenEffect, ...]:
    """Rank tokens by their mean, most amplified first; only those that moved beyond chance.

    Student's t of the mean over prompts, Benjamini-Hochberg over the whole vocabulary.

    Args:
        moments: of one vector a prompt.
        n: at most so many are returned.
        falling: the most amplified first; else the most suppressed.

    Returns:
        None where nothing is beyond chance, or there are fewer than two prompts.

    Source: Benjamini and Hochberg 1995, "Controlling the false discovery rate".
    """
    if moments.n < 2:
        return ()
    mean, deviation = (one.cpu().numpy() for one in (moments.mean, moments.deviation))
    error = deviation / np.sqrt(moments.n)
    adjusted = stats.false_discovery_control(_p_values(mean, error, moments.n - 1))
    half = float(stats.t(moments.n - 1).ppf(1 - SIGNIFICANCE / 2)) * error
    wanted = mean if falling else -mean
    order = np.argsort(-wanted, kind="stable")
    order = order[(adjusted[order] <= SIGNIFICANCE) & (wanted[order] > 0)][:n]
    positive = moments.positive.cpu().numpy()
    return tuple(
        TokenEffect(
            token_id=int(i),
            mean_nats=float(mean[i]),
            low=float(mean[i] - half[i]),
            high=float(mean[i] + half[i]),
            p_adjusted=float(adjusted[i]),
            share_positive=float(positive[i]),
            deviation_nats=float(deviation[i]),
            n_prompts=moments.n,
        )
        for i in order
    )


def _p_values(mean: Floats, error: Floats, degrees: int) -> Floats:
    """Two-sided; 1 where nothing moved at all, as of identical models."""
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(error > 0, np.abs(mean) / error, np.where(mean == 0, 0.0, np.inf))
    p_values: Floats = 2 * stats.t(degrees).sf(t)
    return p_values
