"""What a step's figures are sums of over the vocabulary, for many rows.

On a CPU one compiled pass takes all sums of a row while its logits are in the core's cache; torch
takes the same ones by two dozen passes. Knows logits; knows no figure's name.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from harness.decoding.amplification import spread_moments
from harness.decoding.compiled import on_threads
from harness.decoding.sum_kernels import LOWEST_LOGP, sum_grids, sum_rows


class SummedLogits(NamedTuple):
    """What is summed over, each [rows, vocab], float32."""

    target: Tensor
    baseline: Tensor
    amplified: Tensor
    difference: Tensor
    """``target - baseline``, unless a constraint clipped it."""
    full_difference: Tensor
    """``target - baseline``, whatever a constraint made of it."""
    drawn: Tensor
    """What tokens were drawn from: minus infinity where none could be."""


class Sums(NamedTuple):
    """Sums over the vocabulary, each [rows], float32; p is a softmax at temperature 1."""

    target_log_total: Tensor
    """Logarithm of the sum of the exponentials."""
    baseline_log_total: Tensor
    amplified_log_total: Tensor
    target_mean: Tensor
    baseline_mean: Tensor
    amplified_mean: Tensor
    target_variance: Tensor
    """Of the population, as all second moments."""
    baseline_variance: Tensor
    amplified_variance: Tensor
    covariance: Tensor
    """Of the target and the difference."""
    difference_variance: Tensor
    target_gain: Tensor
    """Mean of the full difference under the target's p."""
    amplified_gain: Tensor
    """Mean of the difference under the amplified p."""
    entropy: Tensor
    """Mean of -log p under what was drawn from, in nats."""
    surprisal_variance: Tensor
    """Variance of the same, in nats squared."""
    target_min: Tensor
    baseline_min: Tensor
    amplified_min: Tensor
    target_max: Tensor
    baseline_max: Tensor
    amplified_max: Tensor


def vocabulary_sums(logits: SummedLogits) -> Sums:
    """Take all sums, and what else a pass over the vocabulary finds."""
    return _by_one_pass(logits) if logits.target.device.type == "cpu" else _by_torch(logits)


def log_totals(target: Tensor, difference: Tensor, alphas: Sequence[float]) -> Tensor:
    """Take ``log sum exp(target + alpha * difference)`` over the vocabulary at several strengths.

    Args:
        target: [rows, vocab], float32.
        difference: target minus baseline, [rows, vocab], float32.
        alphas: strengths.

    Returns:
        [rows, len(alphas)], float32.
    """
    if target.device.type != "cpu":
        totals = [torch.add(target, difference, alpha=alpha).logsumexp(-1) for alpha in alphas]
        return torch.stack(totals, dim=-1)
    out = torch.empty(len(target), len(alphas))
    arrays = [values.contiguous().numpy() for values in (target, difference)]
    strengths = np.array(alphas, dtype=np.float32)
    on_threads(sum_grids, *arrays, strengths, out.numpy())
    return out


def _by_torch(logits: SummedLogits) -> Sums:
    dot = torch.linalg.vecdot
    sides = logits[:3]
    lowest = [values.amin(-1) for values in sides]
    highest = [values.amax(-1) for values in sides]
    totals, weights = [], []
    for values, high in zip(sides, highest, strict=True):
        weights.append(values.softmax(-1))
        # The softmax at the highest logit is exp(0) / sum: the sum again, without another pass.
        totals.append(high - weights[-1].amax(-1).log())
    moments = spread_moments(logits.target, logits.difference)
    p_drawn = logits.drawn.softmax(-1)
    total = logits.drawn.amax(-1, keepdim=True) - p_drawn.amax(-1, keepdim=True).log()
    logp = (logits.drawn - total).clamp(min=LOWEST_LOGP)
    mean = dot(p_drawn, logp)
    return Sums._make(
        [
            *totals,
            *(values.mean(-1) for values in sides),
            moments.target_variance,
            *(values.var(-1, correction=0) for values in sides[1:]),
            moments.covariance,
            moments.difference_variance,
            dot(weights[0], logits.full_difference),
            dot(weights[2], logits.difference),
            -mean,
            dot(p_drawn, logp.square()) - mean.square(),
            *lowest,
            *highest,
        ]
    )


def _by_one_pass(logits: SummedLogits) -> Sums:
    out = torch.empty(len(logits.target), len(Sums._fields))
    same = logits.drawn is logits.amplified
    arrays = [values.contiguous().numpy() for values in logits]
    on_threads(sum_rows, *arrays, same, out.numpy())
    return Sums._make(out.unbind(-1))
