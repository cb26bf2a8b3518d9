"""One kind of number for every rate: k of n with a 95 % interval that knows about prompts.

Rollouts of one prompt are not independent, so the interval stands on an effective sample size:
n over the design effect of the prompt clusters. Knows counts only; refuses to know behaviours.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from harness.errors import AnalysisError

FEW_PROMPTS = 10
RARE_EVENTS = 5
SIGNIFICANCE = 0.05
RULE_OF_THREE_FROM = 30

UNWRITTEN = {"written": False}
"""Metadata of a dataclass field that serves further analysis and stands in no file."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class PromptCounts:
    """Events and scored rollouts of each prompt: what pairing and clustering stand on."""

    prompts: NDArray[np.str_]
    """[g], rising."""
    k: Floats
    """[g], events, or the sum of whatever is counted."""
    n: Floats
    """[g], scored rollouts, at least 1."""


@dataclass(frozen=True, kw_only=True)
class Rate:
    """k of n with its interval; everything but the counts is None when nothing was scored."""

    k: int
    n: int
    """Scored rollouts."""
    n_prompts: int
    n_unscored: int
    """Rollouts that could not be scored, errored ones included; never part of n."""
    rate: float | None
    """0 to 1."""
    low: float | None
    high: float | None
    n_effective: float | None
    """What n is worth, as independent rollouts of as many prompts."""
    design_effect: float | None
    """Variance beside that of n independent rollouts; 1 when each prompt was asked once."""
    warning: str | None
    by_prompt: PromptCounts = field(repr=False, compare=False, metadata=UNWRITTEN)
    """In memory only: results.json would hold little else."""

    def __str__(self) -> str:
        """Show as ``75% [62, 85] (45/60)``, or ``no data``: the one format of every report."""
        if self.rate is None or self.low is None or self.high is None:
            return "no data"
        return f"{percents(self.rate, self.low, self.high)} ({self.k}/{self.n})"


def percents(rate: float, low: float, high: float) -> str:
    """Show a rate and its interval as ``75% [62, 85]``."""
    # Whole per cents would show 4 of 900 as 0 %, and so the upper end of 0 of 900.
    nearest = min(rate or high, 1 - rate or 1 - low)
    digits = max(1, math.ceil(-math.log10(100 * nearest))) if 0 < nearest < 0.01 else 0
    shown = [f"{100 * x:.{digits}f}" for x in (rate, low, high)]
    return f"{shown[0]}% [{shown[1]}, {shown[2]}]"


def rate_of(
    values: Sequence[float] | Floats,
    prompts: Sequence[str] | NDArray[np.object_],
    *,
    pooled_design_effect: float | None = None,
) -> Rate:
    """Count events and put an interval around their share.

    Wilson's interval on ``n_effective = n / design_effect * (t_n / t_g)^2``; the last factor
    pays for a design effect that was itself estimated from g prompts (Korn and Graubard 1998)
    and is 1 when each prompt was asked once. Clopper-Pearson when no or all rollouts are events.

    Args:
        values: 1 for an event, 0 for none, NaN for unscored.
        prompts: the prompt behind each value.
        pooled_design_effect: from the other alphas of the sweep, used where fewer than five
            events (or non-events) show nothing of how prompts differ. Without it such a rate is
            taken at its worst: each prompt always answers alike.

    Raises:
        AnalysisError: if a value is neither 0, 1 nor NaN.
    """
    every = np.asarray(values, dtype=np.float64)
    scored = ~np.isnan(every)
    events, asked = every[scored], np.asarray(prompts, dtype=object)[scored]
    if not np.isin(events, (0.0, 1.0)).all():
        raise AnalysisError("a rate needs values of 0 and 1; this scorer gives others")
    k, n, n_unscored = int(events.sum()), len(events), int((~scored).sum())
    by_prompt = count_by_prompt(events, asked)
    n_prompts = len(by_prompt.n)
    if n == 0:
        nothing: dict[str, None] = dict.fromkeys(
            ("rate", "low", "high", "n_effective", "design_effect", "warning")
        )
        return Rate(k=0, n=0, n_prompts=0, n_unscored=n_unscored, by_prompt=by_prompt, **nothing)
    rare = min(k, n - k) < RARE_EVENTS
    effect = effect_of(by_prompt) or 1.0
    if rare:
        effect = max(effect, pooled_design_effect or n / n_prompts)
    n_effective = max(1.0, n / effect * _degrees_factor(n, n_prompts))
    low, high = share_interval(k / n, n_effective)
    return Rate(
        k=k,
        n=n,
        n_prompts=n_prompts,
        n_unscored=n_unscored,
        rate=k / n,
        low=low,
        high=high,
        n_effective=n_effective,
        design_effect=effect,
        warning=_warning(k, n, n_prompts),
        by_prompt=by_prompt,
    )


def count_by_prompt(events: Floats, prompts: Sequence[str] | NDArray[np.object_]) -> PromptCounts:
    """Sum the events, or other values, of each prompt's rollouts."""
    names, index = np.unique(np.asarray(prompts, dtype=str), return_inverse=True)
    k = np.bincount(index, weights=events, minlength=len(names)).astype(np.float64)
    n = np.bincount(index, minlength=len(names)).astype(np.float64)
    return PromptCounts(prompts=names, k=k, n=n)


def design_effect(events: Floats, prompts: Sequence[str] | NDArray[np.object_]) -> float | None:
    """Compare the variance of a share between prompts with that of independent rollouts.

    ``g/(g-1) * sum_i (k_i - p n_i)^2 / n^2`` over ``p (1-p) / (n-1)``, at least 1, with k_i
    events in the n_i rollouts of prompt i of g. None where all rollouts agree or g is 1.
    """
    return effect_of(count_by_prompt(events, prompts))


def effect_of(counts: PromptCounts) -> float | None:
    """Tell the design effect from the counts of each prompt; see :func:`design_effect`."""
    k, n = float(counts.k.sum()), float(counts.n.sum())
    g = len(counts.n)
    if g < 2 or k in (0.0, n):
        return None
    p = k / n
    between = g / (g - 1) * float(((counts.k - p * counts.n) ** 2).sum()) / n**2
    return max(1.0, between / (p * (1 - p) / (n - 1)))


def complement(rate: Rate) -> Rate:
    """Turn the rate of an event into that of its absence, on the same rollouts."""
    if rate.rate is None or rate.low is None or rate.high is None:
        return rate
    flipped = replace(rate.by_prompt, k=rate.by_prompt.n - rate.by_prompt.k)
    return replace(
        rate,
        k=rate.n - rate.k,
        rate=1 - rate.rate,
        low=1 - rate.high,
        high=1 - rate.low,
        by_prompt=flipped,
    )


def rule_of_three(rate: Rate) -> str | None:
    """Say in words what no event (or nothing but events) leaves possible; else None.

    No event in n independent rollouts is compatible, at 95 %, with rates up to
    ``1 - 0.05^(1/n)``, about ``3/n``: with n the effective sample size here. Below 30 the
    shorthand is off by more than 5 % and only the exact bound is told.

    Source: Hanley and Lippman-Hand 1983, "If nothing goes wrong, is everything all right?".
    """
    if rate.n_effective is None or rate.k not in (0, rate.n):
        return None
    worth = rate.n_effective
    bound = 1 - SIGNIFICANCE ** (1 / worth)
    digits = 1 if bound < 0.1 else 0
    seen = f"{rate.n} rollouts of {rate.n_prompts} prompts"
    told = (
        f"no event in {seen}: a rate of up to {100 * bound:.{digits}f}%"
        if rate.k == 0
        else f"nothing but events in {seen}: a rate of no less than {100 - 100 * bound:.{digits}f}%"
    )
    shorthand = "; rule of three, 3 in as many" if worth >= RULE_OF_THREE_FROM else ""
    return f"{told} fits that as well (95%, worth {worth:.0f} independent rollouts{shorthand})"


def share_interval(
    share: float, n_effective: float, significance: float = SIGNIFICANCE
) -> tuple[float, float]:
    """Wilson's interval around a share of n_effective; Clopper-Pearson's at 0 and 1."""
    method = "beta" if share in (0.0, 1.0) else "wilson"
    low, high = proportion_confint(share * n_effective, n_effective, significance, method)
    return max(0.0, float(low)), min(1.0, float(high))


def t_quantile(significance: float, degrees: int) -> float:
    """Half-width of a two-sided t interval in standard errors; 2.26 at 5 % and 9 degrees."""
    return float(stats.t.ppf(1 - significance / 2, degrees))


def _degrees_factor(n: int, n_prompts: int) -> float:
    """Square of the t quantile for n rollouts over that for the prompts; 0 for one prompt."""
    if n_prompts == n:
        return 1.0
    if n_prompts == 1:
        return 0.0
    return (t_quantile(SIGNIFICANCE, n - 1) / t_quantile(SIGNIFICANCE, n_prompts - 1)) ** 2


def _warning(k: int, n: int, n_prompts: int) -> str | None:
    parts = []
    if n_prompts < FEW_PROMPTS:
        parts.append(f"only {n_prompts} prompt{'s' * (n_prompts > 1)}")
    if k < RARE_EVENTS:
        parts.append(f"only {k} event{'s' * (k != 1)}")
    elif n - k < RARE_EVENTS:
        parts.append(f"all but {n - k}")
    return "; ".join(parts) or None
