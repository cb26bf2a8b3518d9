"""Whether weights can be trusted with a rate, and why not.

Knows weights, prompts and which rollouts show the behaviour. Refuses to know what they are of.
"""

from dataclasses import dataclass

import numpy as np
from arviz_stats.base.array import array_stats
from numpy.typing import NDArray

from harness.analysis.dose import Estimate, mean_per_token

MEAN_WEIGHT_TOLERANCE = 0.2
"""How far the mean weight may be from 1. Weights from alpha 1 to alpha 0 over 18 tokens once had
a mean of 0.22, and gave a ninth of the true rate with a tight interval."""

MIN_EFFECTIVE_HITS = 10.0
"""Below it the interval is as unsure as the rate: six tokens' weights once had a mean of 1.05 and
still erred, on a few hits that carried all."""

MAX_PARETO_K = 0.7
"""Above it, a mean of weights converges too slowly to be of use (Vehtari et al. 2024)."""

MIN_TAIL = 25
"""Weights from which a tail's shape can be fitted at all."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Diagnostics:
    """Whether weights can be trusted with a rate."""

    n: int
    """Rollouts weighed."""
    n_prompts: int
    mean_weight: Estimate
    """Over all rollouts, scored or not, with its interval over prompts: 1 if the mixture covers
    what is asked about."""
    n_effective: float
    """``(sum w)^2 / sum w^2`` over the scored rollouts (Kish): rollouts of equal weight that
    would be worth as much."""
    effective_hits: float
    """The same over the scored rollouts that show the behaviour; 0 if none does."""
    effective_prompts: float
    """The same over prompts by their weight of hits, or by that of misses where it is less."""
    largest_share: float
    """The largest weight's share of all scored weight, 0 to 1."""
    pareto_k: float | None
    """Shape of the weights' upper tail (Vehtari et al. 2024): above 0.7 their mean is hard to
    estimate. None where the weights are too few, or equal, for a tail."""

    def verdict(self) -> str | None:
        """Say why the number must be withheld, or None where it may be shown."""
        mean = self.mean_weight.value
        if abs(mean - 1) > MEAN_WEIGHT_TOLERANCE:
            return (
                f"the mean weight is {mean:.2f}, not near 1: the sweep's rollouts miss much of "
                "what is likely here"
            )
        if self.effective_hits < MIN_EFFECTIVE_HITS:
            return (
                f"only {self.effective_hits:.1f} effective hits, {MIN_EFFECTIVE_HITS:.0f} are "
                "needed"
            )
        if self.pareto_k is not None and self.pareto_k > MAX_PARETO_K:
            return f"a few weights carry too much (Pareto k {self.pareto_k:.2f})"
        return None


def diagnose(values: Floats, weights: Floats, prompt: Ints) -> Diagnostics:
    """Diagnose the weights of rollouts.

    Args:
        values: 1 for an event, 0 for none, NaN for unscored, [rollouts].
        weights: of expectation 1, [rollouts].
        prompt: a number for each prompt, from 0, [rollouts].
    """
    sizes = totals(prompt, np.ones(len(prompt)))
    means = totals(prompt, weights) / sizes
    mean = mean_per_token(means, sizes, [str(i) for i in range(len(sizes))])
    assert mean is not None
    of_scored, hit, miss = (weights[one] for one in (~np.isnan(values), values == 1, values == 0))
    return Diagnostics(
        n=len(weights),
        n_prompts=len(sizes),
        mean_weight=mean,
        n_effective=kish(of_scored),
        effective_hits=kish(hit),
        effective_prompts=min(
            kish(totals(prompt[values == 1], hit)), kish(totals(prompt[values == 0], miss))
        ),
        largest_share=float(of_scored.max() / of_scored.sum()),
        pareto_k=_pareto_k(of_scored),
    )


def totals(prompt: Ints, weights: Floats) -> Floats:
    """Add up weights by prompt, [prompts]."""
    return np.bincount(prompt, weights=weights).astype(np.float64)


def kish(weights: Floats) -> float:
    """How many equal weights would be worth as much: ``(sum w)^2 / sum w^2``; 0 of none."""
    squares = float((weights**2).sum())
    return float(weights.sum()) ** 2 / squares if squares > 0 else 0.0


def _pareto_k(weights: Floats) -> float | None:
    positive = weights[weights > 0]
    if len(positive) < MIN_TAIL or np.ptp(positive) <= 1e-9 * positive.max():
        return None
    # It takes log-likelihoods, whose reciprocals are its weights. Where many of the tail are equal,
    # as weights at their bound n / n_j are, it divides by 0, and it refuses a tail of equal ones.
    # It carries no annotations.
    with np.errstate(divide="ignore", invalid="ignore"):
        try:
            k = float(array_stats.psislw(-np.log(positive))[1])  # type: ignore[no-untyped-call]
        except ValueError:
            return None
    return k if np.isfinite(k) else None
