"""Rollouts of a whole sweep, weighed so that they say what another strength would have done.

The sweep is taken as one mixture that every rollout was drawn from (the balance heuristic): a
rollout counts for the strength that is asked about by its probability there over its probability
under the mixture, whichever strength really drew it. Knows log-probabilities, prompts and values.
Refuses to know where they came from: that is in :mod:`harness.analysis.densities`.

Sources: Veach & Guibas 1995, "Optimally Combining Sampling Techniques for Monte Carlo Rendering";
Owen & Zhou 2000, "Safe and Effective Importance Sampling".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import Any

import numpy as np
from arviz_stats.base.array import array_stats
from numpy.typing import NDArray
from scipy import stats
from scipy.special import logsumexp
from statsmodels.stats.proportion import proportion_confint

from harness.analysis.dose import Estimate, mean_per_token
from harness.analysis.rates import SIGNIFICANCE, t_quantile
from harness.errors import AnalysisError

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
class Mixture:
    """Rollouts that are pooled, and how likely each was under every component of the sweep."""

    alphas: tuple[float, ...]
    """The components: strengths that drew rollouts, rising."""
    component: Ints
    """Which of them drew each rollout, [rollouts]."""
    logps_nats: Floats
    """Log-probability of each rollout under each component, [rollouts, components]; the one that
    drew it is the probability that the sampler used."""
    prompts: NDArray[Any]
    """The prompt of each rollout, [rollouts]."""

    def __post_init__(self) -> None:
        n = len(self.component)
        assert self.logps_nats.shape == (n, len(self.alphas))
        assert len(self.prompts) == n
        if not np.isfinite(self.logps_nats).all():
            raise AnalysisError(
                "a rollout's probability under a component of the sweep is not known, so the "
                "sweep can't be taken as one mixture: leave out that component with its rollouts"
            )

    @cached_property
    def log_density_nats(self) -> Floats:
        """Log of ``sum_j (n_j / n) p_j(x)`` for each rollout x, [rollouts].

        n_j of the n rollouts of x's prompt were drawn by component j: a prompt that was not asked
        at a strength has no such component.
        """
        _, prompt = np.unique(self.prompts, return_inverse=True)
        counts = np.zeros((prompt.max(initial=-1) + 1, len(self.alphas)))
        np.add.at(counts, (prompt, self.component), 1.0)
        with np.errstate(divide="ignore"):  # log(0) is a component that the prompt lacks
            log_shares = np.log(counts / counts.sum(axis=1, keepdims=True))
        return np.asarray(logsumexp(self.logps_nats + log_shares[prompt], axis=1))

    def log_weights(self, target_logps_nats: Floats) -> Floats:
        """Log of ``p(x) / sum_j (n_j / n) p_j(x)``: of expectation 1 in every prompt.

        Args:
            target_logps_nats: log-probability of each rollout under the strength that is asked
                about, [rollouts]; it need not be a component.
        """
        return target_logps_nats - self.log_density_nats


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
    effective_misses: float
    """The same over those that don't."""
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


@dataclass(frozen=True, kw_only=True)
class WeightedRate:
    """A rate by weighted rollouts. It may be shown only where ``diagnostics.verdict()`` is None."""

    rate: float
    """0 to 1."""
    low: float
    high: float
    standard_error: float
    """Of the rate, over prompts."""
    diagnostics: Diagnostics


def weighted_rate(
    values: Sequence[float] | Floats,
    log_weights: Floats,
    prompts: Sequence[str] | NDArray[Any],
) -> WeightedRate | None:
    """Estimate a rate from weighted rollouts, with a 95 % interval over prompts.

    The weighted share of events ``r = sum(w f) / sum(w)`` over the scored rollouts. Each sum is
    unbiased; their ratio has a bias of order 1/n, stays between 0 and 1, and an error common to
    all weights cancels in it. (With the components as control variates, as Owen and Zhou propose,
    standard errors were within 4 % of this, and rates left 0 to 1.) Its linearised variance is
    ``g/(g-1) * sum_i (sum_{x of prompt i} w (f - r))^2 / sum(w)^2`` over the g prompts. The
    interval is Wilson's for as many independent rollouts as have that variance; where fewer than
    ten effective rollouts lack the behaviour, they show too little of how prompts differ, and it
    is that of ``n_effective`` rollouts at most.

    Weights may be those of the beginning of a rollout only, up to a token that decides that it is
    an event, and of the whole where none does: such a token is a stopping time, so these weights
    too have expectation 1, with far less noise.

    Args:
        values: 1 for an event, 0 for none, NaN for unscored, [rollouts].
        log_weights: from :meth:`Mixture.log_weights`, [rollouts].
        prompts: the prompt behind each value, [rollouts].

    Returns:
        None where nothing was scored.

    Raises:
        AnalysisError: if a value is neither 0, 1 nor NaN.
    """
    every = np.asarray(values, dtype=np.float64)
    scored = ~np.isnan(every)
    weights = np.exp(log_weights)
    events, of_scored = every[scored], weights[scored]
    if not np.isin(events, (0.0, 1.0)).all():
        raise AnalysisError("a rate needs values of 0 and 1; this scorer gives others")
    total = float(of_scored.sum())
    if total == 0:
        return None
    _, prompt = np.unique(np.asarray(prompts), return_inverse=True)
    g = len(np.unique(prompt[scored]))
    rate = float(of_scored @ events) / total
    residuals = np.bincount(prompt[scored], weights=of_scored * (events - rate))
    variance = g / max(1, g - 1) * float((residuals**2).sum()) / total**2
    diagnostics = _diagnostics(events, of_scored, weights, prompt)
    n_worth = _n_worth(
        rate, variance, diagnostics, np.bincount(prompt[scored], of_scored).astype(np.float64)
    )
    low, high = _interval(rate, n_worth, g)
    return WeightedRate(
        rate=rate,
        low=low,
        high=high,
        standard_error=sqrt(variance),
        diagnostics=diagnostics,
    )


def _n_worth(rate: float, variance: float, of: Diagnostics, by_prompt: Floats) -> float:
    """How many independent rollouts would have this variance."""
    if variance == 0:  # all agree, which says nothing of how prompts differ
        return _kish(by_prompt)
    n_worth = rate * (1 - rate) / variance
    return min(n_worth, of.n_effective) if of.effective_misses < MIN_EFFECTIVE_HITS else n_worth


def _diagnostics(events: Floats, of_scored: Floats, weights: Floats, prompt: Ints) -> Diagnostics:
    sizes = np.bincount(prompt).astype(np.float64)
    means = np.bincount(prompt, weights) / sizes
    mean = mean_per_token(means, sizes, [str(i) for i in range(len(sizes))])
    assert mean is not None
    return Diagnostics(
        n=len(weights),
        n_prompts=len(sizes),
        mean_weight=mean,
        n_effective=_kish(of_scored),
        effective_hits=_kish(of_scored[events == 1]),
        effective_misses=_kish(of_scored[events == 0]),
        largest_share=float(of_scored.max() / of_scored.sum()),
        pareto_k=_pareto_k(of_scored),
    )


def _kish(weights: Floats) -> float:
    squares = float((weights**2).sum())
    return float(weights.sum()) ** 2 / squares if squares > 0 else 0.0


def _pareto_k(weights: Floats) -> float | None:
    positive = weights[weights > 0]
    if len(positive) < MIN_TAIL or np.ptp(positive) <= 1e-9 * positive.max():
        return None
    # It takes log-likelihoods, whose reciprocals are its weights. It carries no annotations.
    k = float(array_stats.psislw(-np.log(positive))[1])  # type: ignore[no-untyped-call]
    return k if np.isfinite(k) else None


def _interval(rate: float, n_worth: float, n_prompts: int) -> tuple[float, float]:
    """Wilson's, with the normal quantile widened to the t quantile that g prompts allow."""
    if n_prompts < 2:
        return 0.0, 1.0  # one prompt shows nothing of the others
    normal = float(stats.norm.ppf(1 - SIGNIFICANCE / 2))
    n = n_worth * (normal / t_quantile(SIGNIFICANCE, n_prompts - 1)) ** 2
    method = "beta" if rate in (0.0, 1.0) else "wilson"
    low, high = proportion_confint(rate * n, n, SIGNIFICANCE, method)
    return max(0.0, float(low)), min(1.0, float(high))
