"""A rare event's rate from how near each plain rollout came to it, not from how often it happened.

Where the event begins with a marker token, every position of a rollout says how likely the marker
was there, though it was hardly ever drawn. Knows probabilities, tokens and values. Refuses to know
where they came from.
"""

from dataclasses import dataclass
from math import exp, hypot

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.analysis.dose import mean_per_token
from harness.analysis.rates import SIGNIFICANCE, t_quantile
from harness.analysis.weight_diagnostics import MIN_EFFECTIVE_HITS

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class HazardRate:
    """A rate from markers' probabilities. It may be shown only where ``verdict()`` is None."""

    rate: float
    """0 to 1 where it may be shown; noise can put it below 0."""
    low: float
    high: float
    standard_error: float | None
    """Of the rate, over prompts; None from one prompt."""
    n: int
    """Plain rollouts."""
    n_prompts: int
    n_marked: int
    """Of them with a marker; so many were expected: ``expected_marked``."""
    expected_marked: float
    """Sum of the markers' probabilities: ``n_marked`` should lie about it."""
    n_effective: float
    """``(sum y)^2 / sum y^2`` over the rollouts' contributions (Kish): rollouts of equal
    contribution that would be worth as much."""
    largest_share: float
    """The largest contribution's share of the sum of all, by size, 0 to 1."""

    @property
    def told(self) -> float:
        """Events per expected marker: about 1 where they are one, less where it begins others."""
        return self.rate * self.n / self.expected_marked if self.expected_marked else 0.0

    def verdict(self) -> str | None:
        """Say why the number must be withheld, or None where it may be shown."""
        if self.standard_error is None:
            return "one prompt says nothing of others"
        if self.rate <= 0:
            return "the markers' probabilities do not add up to a rate above 0"
        if self.n_effective < MIN_EFFECTIVE_HITS:
            return (
                f"the markers' probability stands on {self.n_effective:.1f} effective rollouts, "
                f"{MIN_EFFECTIVE_HITS:.0f} are needed"
            )
        return None


def exposures(tokens: pd.DataFrame) -> pd.DataFrame:
    """Sum up how likely a marker was along each rollout, up to the first that was drawn.

    A place's chance counts where no marker was known before the place was drawn: one of two tokens
    is known by its second.

    Args:
        tokens: rows of rollouts in their order: ``sample_uuid``; ``chance``, the target's
            probability that a marker begins there; and ``mark``, the number of tokens of the
            marker that does begin there, 0 where none does.

    Returns:
        By ``sample_uuid``: ``marked``, whether a marker was drawn, and ``exposure``, the sum of
        the chances.
    """
    rollout = tokens["sample_uuid"]
    mark = tokens["mark"].astype(int)
    known = (mark == 1).astype(int) + (mark.groupby(rollout).shift(1, fill_value=0) == 2)
    at_risk = (known.groupby(rollout).cumsum() - known == 0).to_numpy()
    return pd.DataFrame(
        {
            "marked": pd.Series((mark > 0) & at_risk, index=tokens.index).groupby(rollout).any(),
            "exposure": tokens["chance"].where(at_risk, 0.0).groupby(rollout).sum(),
        }
    )


def hazard_rate(
    values: Floats,
    marked: NDArray[np.bool_],
    exposure: Floats,
    prompts: list[str],
    slope: float = 1.0,
) -> HazardRate | None:
    """Estimate the rate of an event from plain rollouts, with a 95 % interval over prompts.

    With h_t the probability of a marker in place t and T the first marker's place or the end,
    ``marked - sum_{t <= T} h_t`` has expectation 0 (Doob's decomposition of what is counted), so
    ``y = event - slope * (marked - sum_{t <= T} h_t)`` has the event's rate as its mean, whatever
    the marker. Where marker and event are one, y is the summed probability alone: counting's
    noise is gone, and what is left is how the probability differs between rollouts. The variance
    is that over the g prompts, and as if one more rollout had come to nothing, ``(rate / n)^2``:
    where all contribute alike, what would differ is the rollout that was not drawn. The interval
    is a t interval of log(rate), g-1 degrees.

    Args:
        values: 1 for an event, 0 for none, NaN for unscored, [rollouts].
        marked: whether a marker was drawn, [rollouts].
        exposure: summed probability of the markers up to the first, [rollouts].
        prompts: the prompt behind each rollout.
        slope: how much of an event a marker is, 0 to 1; from other rollouts than these, or the
            estimate would be biased.

    Returns:
        None where nothing was scored.
    """
    scored = ~np.isnan(values)
    if not scored.any():
        return None
    asked = [prompt for prompt, kept in zip(prompts, scored, strict=True) if kept]
    contributions = values - slope * (marked.astype(np.float64) - exposure)
    contributions = contributions[scored]
    mean = mean_per_token(contributions, np.ones(len(contributions)), asked)
    assert mean is not None
    g, squares = len(set(asked)), float((contributions**2).sum())
    error = None
    low, high = 0.0, 1.0
    if mean.high is not None:
        quantile = t_quantile(SIGNIFICANCE, g - 1)
        error = hypot((mean.high - mean.value) / quantile, mean.value / len(contributions))
        if mean.value > 0:
            factor = exp(min(quantile * error / mean.value, 700.0))
            low, high = mean.value / factor, min(1.0, mean.value * factor)
    sizes = np.abs(contributions)
    return HazardRate(
        rate=mean.value,
        low=low,
        high=high,
        standard_error=error,
        n=len(contributions),
        n_prompts=g,
        n_marked=int(marked[scored].sum()),
        expected_marked=float(exposure[scored].sum()),
        n_effective=float(contributions.sum()) ** 2 / squares if squares else 0.0,
        largest_share=float(sizes.max() / sizes.sum()) if squares else 0.0,
    )
