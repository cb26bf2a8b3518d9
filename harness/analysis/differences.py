"""Differences between two rates, paired by prompt.

The same prompts are asked at every alpha and under every constraint, so what a prompt is like
cancels out of its own change. Knows rates only.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from harness.analysis.rates import SIGNIFICANCE, Rate, share_interval, t_quantile

FEW_CHANGES = 10
"""Fewer prompts than this that move otherwise than most are too few to tell a deviation from."""

Floats = NDArray[np.float64]
Method = Literal["paired t", "paired, few changes", "unpaired"]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """The change from one rate to another, with its interval; -1 to 1."""

    change: float
    """Mean over prompts of each prompt's own change; of unpaired rates their difference."""
    low: float
    high: float
    method: Method
    """How the interval was made; ``docs/statistics.md`` has the formulas."""
    n_prompts: int
    """Prompts that were asked on both sides; 0 where it is unpaired."""
    n_rose: int
    """Of these, prompts whose share of events is larger on the later side."""
    n_fell: int
    p_value: float | None
    """Exact and two-sided: the sign test of the prompts that rose against those that fell, which
    is McNemar's where each prompt was asked once. None where it is unpaired."""
    partial: bool
    """Some prompts have scored rollouts on one side only, and have no part in this."""

    def __str__(self) -> str:
        """Show as ``+53 points [35, 66]``, or with ``over the 80 prompts of both``."""
        # Whole points would show a change, or an end of its interval, of 0.4 as 0.
        every = (self.change, self.low, self.high)
        digits = 1 if any(0 < abs(one) < 0.01 for one in every) else 0
        points = [round(100 * one, digits) + 0.0 for one in every]
        change, ends = f"{points[0]:+.{digits}f}", f"{points[1]:.{digits}f}, {points[2]:.{digits}f}"
        over = f" over the {self.n_prompts} prompts of both" if self.partial else ""
        return f"{change} points [{ends}]{over}"

    @property
    def is_told(self) -> bool:
        """Say whether a rise or a fall may be claimed: the interval leaves out 0."""
        return not self.low <= 0 <= self.high


def difference(later: Rate, earlier: Rate, significance: float = SIGNIFICANCE) -> Difference | None:
    """Subtract two rates, paired by prompt; None if either has no data.

    With ``d_i = k_i1/n_i1 - k_i0/n_i0`` the change of prompt i of g, the interval is
    ``mean(d) +- t(g-1) * sd(d) / sqrt(g)``, cut to -1 and 1: repeats of a prompt are summed up
    before anything is compared, so they count for no more than they are worth. Rates that share
    no prompt get Newcombe's interval from the ends of theirs.

    Where most prompts change alike (mostly: not at all) and fewer than ten do otherwise, sd(d)
    promises too much, and certainty where it is 0. Then a prompt's worth of rises and one of
    falls is added that nobody saw: ``G = g + 2w, m = sum(d)/G, v = (sum(d^2) + 2w)/G - m^2`` and
    ``m +- t(g-1) * sqrt(v/G)``, never narrower than without. The weight w is 1 where each prompt
    was asked once or always answers alike, and the design effect over the repeats otherwise.

    Args:
        later: the rate to end at.
        earlier: the rate to start from.
        significance: 0.05 for a 95 % interval.

    Source: Bonett and Price 2012, "Adjusted Wald confidence interval for a difference of
    binomial proportions based on paired data" (w = 1, one rollout a prompt); Newcombe 1998,
    "Interval estimation for the difference between independent proportions", method 10.
    """
    if later.rate is None or earlier.rate is None:
        return None
    paired = paired_changes(later, earlier)
    if paired is None:
        return _unpaired(later, earlier, significance)
    changes, n_prompts = paired.changes, len(paired.changes)
    where = location(changes, significance, paired.weight)
    rose, fell = int((changes > 0).sum()), int((changes < 0).sum())
    return Difference(
        change=float(changes.mean()),
        low=where.low,
        high=where.high,
        method="paired, few changes" if paired.weight else "paired t",
        n_prompts=n_prompts,
        n_rose=rose,
        n_fell=fell,
        p_value=exact_mcnemar(rose, fell),
        partial=n_prompts < max(len(later.by_prompt.n), len(earlier.by_prompt.n)),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class PairedChanges:
    """The change of each prompt that was asked on both sides."""

    changes: Floats
    """[g], -1 to 1."""
    weight: float
    """Of the rise and the fall that nobody saw; 0 where enough prompts differ."""


def paired_changes(later: Rate, earlier: Rate) -> PairedChanges | None:
    """Subtract prompt by prompt; None if no prompt has scored rollouts on both sides."""
    one, other = later.by_prompt, earlier.by_prompt
    _, at_later, at_earlier = np.intersect1d(
        one.prompts, other.prompts, assume_unique=True, return_indices=True
    )
    if not len(at_later):
        return None
    changes = one.k[at_later] / one.n[at_later] - other.k[at_earlier] / other.n[at_earlier]
    # Thirds and fifths leave 1e-17 behind, which is no change.
    changes = np.round(changes, 12)
    weight = max(_weight(later), _weight(earlier)) if few_differ(changes) else 0.0
    return PairedChanges(changes=changes, weight=weight)


def exact_mcnemar(rose: int, fell: int) -> float:
    """Test whether as many go up as down: two-sided binomial p of one half; 1 for none.

    Source: McNemar 1947; the exact form is the binomial test of the discordant pairs.
    """
    if rose + fell == 0:
        return 1.0
    return float(stats.binomtest(rose, rose + fell).pvalue)


@dataclass(frozen=True, kw_only=True)
class Location:
    """Where the mean of values from -1 to 1 lies."""

    low: float
    high: float
    p_value: float
    """Of the mean being 0; 1 for a single prompt."""


def location(values: Floats, significance: float, weight: float = 0.0) -> Location:
    """Put a t interval around the mean of values from -1 to 1, one a prompt.

    Args:
        values: [g].
        significance: 0.05 for a 95 % interval.
        weight: of the unseen 1 and -1 that are added; see :func:`difference`.
    """
    g = len(values)
    if g < 2:
        return Location(low=-1.0, high=1.0, p_value=1.0)
    found = middles(values, weight)
    quantile = t_quantile(significance, g - 1)
    p_values = [2 * float(stats.t.sf(abs(m) / e, g - 1)) if e else float(m == 0) for m, e in found]
    return Location(
        low=max(-1.0, min(m - quantile * e for m, e in found)),
        high=min(1.0, max(m + quantile * e for m, e in found)),
        p_value=max(p_values),
    )


def middles(values: Floats, weight: float) -> list[tuple[float, float]]:
    """Return means with their standard errors: as seen, and with what nobody saw if it has weight.

    What is claimed must hold by each of them.

    Args:
        values: [g], at least two.
        weight: of the unseen 1 and -1.
    """
    g = len(values)
    found = [(float(values.mean()), float(values.std(ddof=1)) / sqrt(g))]
    if weight:
        total = g + 2 * weight
        middle = float(values.sum()) / total
        variance = (float((values**2).sum()) + 2 * weight) / total - middle**2
        found.append((middle, sqrt(variance / total)))
    return found


def few_differ(changes: Floats) -> bool:
    """Say whether most prompts move alike and fewer than ten do otherwise."""
    commonest = int(np.unique(changes, return_counts=True)[1].max())
    return len(changes) - commonest < FEW_CHANGES and 2 * commonest > len(changes)


def _weight(rate: Rate) -> float:
    """How much of a prompt one unseen event is: 1 if a prompt's rollouts always agree."""
    assert rate.design_effect is not None
    return min(1.0, rate.design_effect * rate.n_prompts / rate.n)


def _unpaired(later: Rate, earlier: Rate, significance: float) -> Difference:
    assert later.rate is not None
    assert later.n_effective is not None
    assert earlier.rate is not None
    assert earlier.n_effective is not None
    low1, high1 = share_interval(later.rate, later.n_effective, significance)
    low0, high0 = share_interval(earlier.rate, earlier.n_effective, significance)
    change = later.rate - earlier.rate
    down = sqrt((later.rate - low1) ** 2 + (high0 - earlier.rate) ** 2)
    up = sqrt((high1 - later.rate) ** 2 + (earlier.rate - low0) ** 2)
    return Difference(
        change=change,
        low=max(-1.0, change - down),
        high=min(1.0, change + up),
        method="unpaired",
        n_prompts=0,
        n_rose=0,
        n_fell=0,
        p_value=None,
        partial=False,
    )
