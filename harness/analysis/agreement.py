"""How far two scorers say the same of the same rollouts: confusion, agreement, Cohen's kappa.

Knows labels only. Repeats of a prompt, and its rollouts at other alphas, are not independent, so
intervals are over prompts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from statsmodels.stats.inter_rater import cohens_kappa

from harness.analysis.dose import Estimate
from harness.analysis.rates import SIGNIFICANCE, Rate, rate_of, t_quantile

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class ConfusionRow:
    """One label of the first scorer, and what the second said of the same rollouts."""

    label: str
    counts: tuple[int, ...]
    """In the order of the second's labels."""


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Two scorers on the rollouts that both scored."""

    labels: tuple[str, ...]
    """Of the second scorer: the confusion's columns."""
    confusion: tuple[ConfusionRow, ...]
    agreed: Rate
    """How often both saw the event, or neither did."""
    kappa: Estimate | None
    """``(agreed - by chance) / (1 - by chance)``; None where one label is all that either gave."""


def kappa_of(
    first: Sequence[bool], second: Sequence[bool], prompts: Sequence[str]
) -> Estimate | None:
    """Estimate Cohen's kappa of two binary labels, with a t interval over prompts.

    With observed agreement p and chance agreement e, each rollout moves kappa by
    ``z = dp / (1-e) - (1-p) / (1-e)^2 de``, and the variance is
    ``g/(g-1) * sum_i (sum of z in prompt i)^2 / n^2`` over g prompts, g-1 degrees: the delta
    method, clustered. With one rollout a prompt that is statsmodels' variance times n/(n-1).

    Returns:
        None where both gave one and the same label throughout, so that chance explains all; no
        interval from one prompt, or where they agree on every rollout.
    """
    a, b = (np.asarray(labels, dtype=bool).astype(np.float64) for labels in (first, second))
    table = np.histogram2d(a, b, bins=2, range=[[0, 1], [0, 1]])[0]
    chance = float(table.sum(axis=1) @ table.sum(axis=0)) / len(a) ** 2 if len(a) else 1.0
    if chance == 1.0:
        return None
    value = float(cohens_kappa(table, return_results=False))
    sums = _prompt_sums(_influence(a, b, chance), prompts)
    g, n = len(sums), len(a)
    variance = g / (g - 1) * float((sums**2).sum()) / n**2 if g > 1 else 0.0
    if variance == 0.0:
        return Estimate(value=value, low=None, high=None)
    half = t_quantile(SIGNIFICANCE, g - 1) * sqrt(variance)
    return Estimate(value=value, low=max(-1.0, value - half), high=min(1.0, value + half))


def agreement(
    first: Sequence[str],
    second: Sequence[str],
    events: tuple[set[str], str],
    prompts: Sequence[str],
) -> Agreement:
    """Hold two scorers' labels of the same rollouts against each other.

    Args:
        first: the first scorer's label of each rollout.
        second: the second's.
        events: the first's labels, and the one of the second, that say that it happened.
        prompts: the prompt behind each rollout.
    """
    columns = tuple(sorted(set(second) | {events[1]}))
    pairs = list(zip(first, second, strict=True))
    seen = [label in events[0] for label in first], [label == events[1] for label in second]
    agreed = [float(a == b) for a, b in zip(*seen, strict=True)]
    return Agreement(
        labels=columns,
        confusion=tuple(
            ConfusionRow(label=row, counts=tuple(pairs.count((row, column)) for column in columns))
            for row in sorted(set(first))
        ),
        agreed=rate_of(agreed, prompts),
        kappa=kappa_of(*seen, prompts),
    )


def _influence(a: Floats, b: Floats, chance: float) -> Floats:
    """How far each rollout moves kappa, times n."""
    share_a, share_b = a.mean(), b.mean()
    same = (a == b).astype(np.float64)
    observed = same.mean()
    # The derivative of e = pq + (1-p)(1-q) by p is 2q - 1.
    moved_chance = (a - share_a) * (2 * share_b - 1) + (b - share_b) * (2 * share_a - 1)
    moved: Floats = (same - observed) / (1 - chance) - (
        (1 - observed) / (1 - chance) ** 2 * moved_chance
    )
    return moved


def _prompt_sums(values: Floats, prompts: Sequence[str]) -> Floats:
    _, index = np.unique(np.asarray(prompts, dtype=str), return_inverse=True)
    return np.bincount(index, weights=values).astype(np.float64)
