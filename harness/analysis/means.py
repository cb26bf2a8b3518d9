"""Means of scorers that count or grade, along alpha, with an interval over prompts.

For every scorer that gives more than 0 and 1, or names what it counts; what others give are rates.
Knows values and units only.
"""

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from harness.analysis.behaviours import OWN_TABLES, is_binary
from harness.analysis.dose import Estimate, mean_per_token
from harness.analysis.rates import FEW_PROMPTS, UNWRITTEN, PromptCounts, count_by_prompt


@dataclass(frozen=True, kw_only=True)
class Mean:
    """The mean of a scorer's values at one alpha."""

    n: int
    """Scored rollouts."""
    n_prompts: int
    n_unscored: int
    estimate: Estimate | None
    """None where nothing was scored; without an interval where all values are equal or of one
    prompt, since nothing then shows how far other prompts may differ."""
    warning: str | None
    by_prompt: PromptCounts = field(repr=False, compare=False, metadata=UNWRITTEN)
    """Sums of values instead of events."""

    def __str__(self) -> str:
        """Show as ``3.21 [2.80, 3.62] (60)``: mean, 95% interval, rollouts; or ``no data``."""
        if self.estimate is None:
            return "no data"
        value, low, high = self.estimate.value, self.estimate.low, self.estimate.high
        interval = "" if low is None or high is None else f" [{low:.2f}, {high:.2f}]"
        return f"{value:.2f}{interval} ({self.n})"


@dataclass(frozen=True, kw_only=True)
class MeanCurve:
    """One scorer's means along alpha."""

    name: str
    unit: str | None
    """What is counted ("steps"); None for grades."""
    means: tuple[Mean, ...]
    """One per alpha of the sweep, in their order."""


@dataclass(frozen=True, kw_only=True)
class ScorerMeans:
    """A scorer over all prompts and by category."""

    overall: MeanCurve
    categories: tuple[MeanCurve, ...]
    """Empty where there is one category only."""


def scorer_means(frame: pd.DataFrame, alphas: tuple[float, ...]) -> tuple[ScorerMeans, ...]:
    """Average every scorer whose values are no events and that has no table of its own."""
    found = []
    for name in sorted(set(frame["scorer"].dropna()) - set(OWN_TABLES)):
        rows = frame[frame["scorer"] == name]
        if is_binary(rows):
            continue
        categories = sorted(set(rows["category"]))
        by_category = [(one, rows[rows["category"] == one]) for one in categories]
        found.append(
            ScorerMeans(
                overall=_curve(name, rows, alphas),
                categories=tuple(_curve(one, part, alphas) for one, part in by_category)
                if len(categories) > 1
                else (),
            )
        )
    return tuple(found)


def mean_of(rows: pd.DataFrame) -> Mean:
    """Average the scored values of rollouts at one alpha.

    The variance is that of the prompts' totals around their share, as of a ratio estimate, with a
    t interval of one degree of freedom less than there are prompts: repeats of a prompt are not
    independent. A count is never below 0, and neither is its interval.
    """
    scored = rows[rows["value"].notna()]
    values = scored["value"].to_numpy(dtype=np.float64)
    prompts = list(scored["sample_id"])
    n_prompts = len(set(prompts))
    estimate = mean_per_token(values, np.ones(len(values)), prompts) if len(values) else None
    if estimate and (values == values[0]).all():
        estimate = replace(estimate, low=None, high=None)
    if estimate and estimate.low is not None and scored["unit"].notna().all():
        estimate = replace(estimate, low=max(0.0, estimate.low))
    few = n_prompts < FEW_PROMPTS
    return Mean(
        n=len(values),
        n_prompts=n_prompts,
        n_unscored=len(rows) - len(values),
        estimate=estimate,
        warning=f"only {n_prompts} prompt{'s' * (n_prompts != 1)}" if few and len(values) else None,
        by_prompt=count_by_prompt(values, prompts),
    )


def mean_difference(later: Mean, earlier: Mean) -> Estimate | None:
    """Subtract two means, paired by prompt as :func:`~harness.analysis.differences.difference` is.

    The mean over prompts of each prompt's own change, with a t interval of g - 1 degrees; without
    an interval where every prompt changes by the same. None where no prompt has values on both
    sides.
    """
    one, other = later.by_prompt, earlier.by_prompt
    names, at_later, at_earlier = np.intersect1d(
        one.prompts, other.prompts, assume_unique=True, return_indices=True
    )
    if not len(names):
        return None
    changes = one.k[at_later] / one.n[at_later] - other.k[at_earlier] / other.n[at_earlier]
    estimate = mean_per_token(changes, np.ones(len(changes)), list(names))
    if estimate and np.allclose(changes, changes[0], rtol=0, atol=1e-12):
        return replace(estimate, low=None, high=None)
    return estimate


def mean_findings(
    means: tuple[ScorerMeans, ...], alphas: tuple[float, ...], against: float | None
) -> tuple[str, ...]:
    """Say how each mean moves from alpha 0 to the alpha it is held against.

    A rise or a fall is claimed only where the interval of the difference leaves out 0.
    """
    if against is None or 0.0 not in alphas:
        return ()
    return tuple(_move(one.overall, alphas, against) for one in means)


def _move(curve: MeanCurve, alphas: tuple[float, ...], against: float) -> str:
    named = dict(zip(alphas, curve.means, strict=True))
    zero, amplified = named[0.0], named[against]
    ends = f"from {zero} at alpha 0 to {amplified} at alpha {against:g}"
    what = f"the mean of {curve.name}"
    change = mean_difference(amplified, zero)
    if change is None or change.low is None or change.high is None:
        return f"The mean of {curve.name} goes {ends}; no interval can be put around the change."
    difference = f"{change.value:+.2f} [{change.low:.2f}, {change.high:.2f}]"
    shared = np.intersect1d(amplified.by_prompt.prompts, zero.by_prompt.prompts)
    if len(shared) < max(amplified.n_prompts, zero.n_prompts):
        difference += f" over the {len(shared)} prompts of both"
    if change.low <= 0 <= change.high:
        return f"For {what} no change can be told: {ends} ({difference})."
    verb = "rises" if change.value > 0 else "falls"
    return f"{what[0].upper()}{what[1:]} {verb} {ends}: {difference}."


def _curve(name: str, rows: pd.DataFrame, alphas: tuple[float, ...]) -> MeanCurve:
    units = sorted(set(rows["unit"].dropna()))
    return MeanCurve(
        name=name,
        unit=units[0] if len(units) == 1 else None,
        means=tuple(mean_of(rows[rows["alpha"] == alpha]) for alpha in alphas),
    )
