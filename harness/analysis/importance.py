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
from numpy.typing import NDArray
from scipy import stats
from scipy.special import logsumexp
from statsmodels.stats.proportion import proportion_confint

from harness.analysis.rates import SIGNIFICANCE, t_quantile
from harness.analysis.weight_diagnostics import Diagnostics, diagnose, kish, totals
from harness.errors import AnalysisError

MIN_EFFECTIVE_PROMPTS = 10.0
"""Below it, prompts that were not asked may differ much from those that were: taken by their
variance alone, intervals of rates near 0.995 covered 76 to 85 % over 60 prompts."""

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
    all weights cancels in it. (The unbiased estimate with the mean weight as control variate, as
    Owen and Zhou propose, had standard errors within 4 % of this on real sweeps, and leaves 0 to
    1.) Its linearised variance is
    ``g/(g-1) * sum_i (sum_{x of prompt i} w (f - r))^2 / sum(w)^2`` over the g prompts. The
    interval is Wilson's for as many independent rollouts as have that variance. Where fewer than
    ten effective prompts show the behaviour, or lack it, they show too little of how prompts
    differ: it then is at best that of one rollout per prompt.

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
    residuals = totals(prompt[scored], of_scored * (events - rate))
    variance = g / max(1, g - 1) * float((residuals**2).sum()) / total**2
    diagnostics = diagnose(every, weights, prompt)
    by_prompt = totals(prompt[scored], of_scored)
    n_worth = _n_worth(rate, variance, diagnostics.effective_prompts, by_prompt)
    low, high = _interval(rate, n_worth, g)
    return WeightedRate(
        rate=rate,
        low=low,
        high=high,
        standard_error=sqrt(variance),
        diagnostics=diagnostics,
    )


def _n_worth(rate: float, variance: float, effective_prompts: float, by_prompt: Floats) -> float:
    """How many independent rollouts would have this variance."""
    if variance == 0:  # all agree, which says nothing of how prompts differ
        return kish(by_prompt)
    n_worth = rate * (1 - rate) / variance
    few = effective_prompts < MIN_EFFECTIVE_PROMPTS
    return min(n_worth, kish(by_prompt)) if few else n_worth


def _interval(rate: float, n_worth: float, n_prompts: int) -> tuple[float, float]:
    """Wilson's, with the normal quantile widened to the t quantile that g prompts allow."""
    if n_prompts < 2:
        return 0.0, 1.0  # one prompt shows nothing of the others
    normal = float(stats.norm.ppf(1 - SIGNIFICANCE / 2))
    n = n_worth * (normal / t_quantile(SIGNIFICANCE, n_prompts - 1)) ** 2
    method = "beta" if rate in (0.0, 1.0) else "wilson"
    low, high = proportion_confint(rate * n, n, SIGNIFICANCE, method)
    return max(0.0, float(low)), min(1.0, float(high))
