"""Traces that were never sampled, with the laws that sampled ones obey."""

import numpy as np
import torch
from numpy.typing import NDArray

from harness.decoding.trace import TRACE_FIELDS, Trace

# Per token: 200 tokens at alpha 1 then differ from the target by 2 nats squared of log-ratio.
_DIFFERENCE_STD = 0.1

# Means of logits that nothing here depends on.
_LOGITS = {"min": -30.0, "max": 30.0, "mean": 0.0, "std": 4.0}


def drawn_trace(
    rng: np.random.Generator, alpha: float, grid: tuple[float, ...], n_tokens: int
) -> Trace:
    """Draw a rollout's figures.

    With the difference of a token's log-probabilities normal, mean ``alpha s^2`` and deviation s,
    amplifying is an exponential tilt: ``log p_a - log p_0 = a d - a^2 s^2 / 2``. So the dose is
    ``alpha^2 s^2 / 2`` and weights between alphas have mean 1. The surprisal has mean 3 and
    variance 1, its stated entropy and variance.
    """
    variance = _DIFFERENCE_STD**2
    difference = rng.normal(alpha * variance, _DIFFERENCE_STD, n_tokens)
    surprisal = rng.gamma(9.0, 1 / 3, n_tokens)

    def gain(to: float) -> NDArray[np.float64]:
        return to * difference - to**2 * variance / 2

    target = -surprisal - gain(alpha)
    known: dict[str, NDArray[np.float64] | float] = {
        "target_logp_nats": target,
        "baseline_logp_nats": target + gain(-1.0),
        "amplified_logp_nats": -surprisal,
        "sampling_logp_nats": -surprisal,
        "kl_target_baseline_nats": variance / 2,
        "kl_amplified_target_nats": alpha**2 * variance / 2,
        "amplified_std_closed_form": _LOGITS["std"],
        "alpha_applied": alpha,
        "sampling_entropy_nats": 3.0,
    }
    figures = np.empty((n_tokens, len(TRACE_FIELDS)))
    for i, name in enumerate(TRACE_FIELDS):
        figures[:, i] = known.get(name, _LOGITS.get(name.rpartition("_")[2], 1.0))
    logps = np.stack([target + gain(to) for to in grid], axis=1)
    return Trace(torch.from_numpy(figures).float(), grid, torch.from_numpy(logps).float())
