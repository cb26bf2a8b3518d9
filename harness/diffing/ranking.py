"""Which tokens a change amplifies whatever the prompt: from sums to a ranked table.

Each token's mean over prompts is tested against 0, over the whole vocabulary at once.
"""

from collections.abc import Sequence

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
    adjusted = _adjusted(moments)
    mean = moments.mean.cpu().numpy()
    wanted = mean if falling else -mean
    order = np.argsort(-wanted, kind="stable")
    order = order[(adjusted[order] <= SIGNIFICANCE) & (wanted[order] > 0)][:n]
    return _effects(moments, order.tolist(), adjusted)


def effects(moments: Moments, ids: Sequence[int]) -> tuple[TokenEffect, ...]:
    """Return what a change does to these tokens, beyond chance or not, in their order.

    Args:
        moments: of one vector a prompt, of two prompts at least where there are ids.
        ids: of tokens.
    """
    if not ids:
        return ()
    return _effects(moments, ids, _adjusted(moments))


def _effects(moments: Moments, ids: Sequence[int], adjusted: Floats) -> tuple[TokenEffect, ...]:
    mean, deviation, positive = (
        one.cpu().numpy() for one in (moments.mean, moments.deviation, moments.positive)
    )
    half = float(stats.t(moments.n - 1).ppf(1 - SIGNIFICANCE / 2)) * deviation / np.sqrt(moments.n)
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
        for i in ids
    )


def _adjusted(moments: Moments) -> Floats:
    """Two-sided p values of all tokens after Benjamini and Hochberg, [vocab]."""
    mean, deviation = (one.cpu().numpy() for one in (moments.mean, moments.deviation))
    p_values = _p_values(mean, deviation / np.sqrt(moments.n), moments.n - 1)
    adjusted: Floats = stats.false_discovery_control(p_values)
    return adjusted


def _p_values(mean: Floats, error: Floats, degrees: int) -> Floats:
    """Two-sided; 1 where nothing moved at all, as of identical models."""
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(error > 0, np.abs(mean) / error, np.where(mean == 0, 0.0, np.inf))
    p_values: Floats = 2 * stats.t(degrees).sf(t)
    return p_values
