"""One step of many rows, measured: log-probabilities, divergences, spread, the likeliest tokens.

Knows logits and what was drawn from them. Refuses to know how tokens were chosen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from harness.decoding.amplification import extrapolate, spread_moments
from harness.decoding.sampling import Draw
from harness.decoding.trace import N_BEST, NO_TOKEN, SIDES

# A vocabulary is searched in blocks: the highest of each tells which few hold the likeliest tokens.
_BLOCK = 512
# Stands for the logit of a token that can't be drawn: minus infinity times 0 is not a number.
_LOWEST_LOGP = -1e4


@dataclass(frozen=True)
class StepLogits:
    """One step's logits of many rows, all [rows, vocab], float32, before any mask."""

    target: Tensor
    baseline: Tensor
    amplified: Tensor
    """``target + alpha * difference``."""
    alpha: Tensor
    """[rows, 1]."""
    difference: Tensor
    """``target - baseline``, unless a constraint clipped it."""
    full_difference: Tensor
    """``target - baseline``, whatever a constraint made of it."""


@dataclass(frozen=True)
class StepProbabilities:
    """The softmax of one step's logits at temperature 1, each [rows, vocab], float32."""

    target: Tensor
    baseline: Tensor
    amplified: Tensor

    @classmethod
    def of(cls, logits: StepLogits, amplified: Tensor) -> "StepProbabilities":
        """Normalise both sides; the amplified one's softmax is known, since tokens came of it."""
        return cls(logits.target.softmax(-1), logits.baseline.softmax(-1), amplified)


def measure_step(
    logits: StepLogits,
    probabilities: StepProbabilities,
    drawn: Draw,
    mass_kept: Tensor,
    *,
    best: bool = False,
) -> Tensor:
    """Measure one decoding step.

    Args:
        logits: of both sides and amplified.
        probabilities: their softmax.
        drawn: the sampled tokens, their log-probability, and what drew them.
        mass_kept: the target's probability on tokens that could be drawn, [rows].
        best: whether each side's likeliest tokens are kept as well.

    Returns:
        Figures in the order of ``TRACE_FIELDS``, and the ``BEST_COLUMNS`` after them if asked for,
        [rows, figures], float32.
    """
    alpha = logits.alpha.squeeze(-1)
    dot = torch.linalg.vecdot
    extremes, totals, at_token = [], [], []
    likely: list[Likeliest] = []
    for side in SIDES:
        values, weights = getattr(logits, side), getattr(probabilities, side)
        if best:
            likely.append(likeliest(values, N_BEST))
        low, high = values.amin(-1), likely[-1].values[:, 0] if best else values.amax(-1)
        # The softmax at the highest logit is exp(0) / sum: the sum again, without another pass.
        total = high - weights.amax(-1).log()
        extremes.append((low, high))
        totals.append(total)
        at_token.append(values.gather(-1, drawn.tokens.unsqueeze(-1)).squeeze(-1) - total)
    of_target, of_baseline, of_amplified = totals
    kl_target = dot(probabilities.target, logits.full_difference)
    kl_amplified = alpha * dot(probabilities.amplified, logits.difference)
    divergences = [
        # Rounding can't make a divergence negative.
        (kl_target - of_target + of_baseline).clamp(min=0),
        (kl_amplified - of_amplified + of_target).clamp(min=0),
    ]
    moments = spread_moments(logits.target, logits.difference)
    spread = [
        (logits.target.mean(-1), moments.target_variance.sqrt()),
        _mean_and_std(logits.baseline),
        _mean_and_std(logits.amplified),
    ]
    magnitudes = [
        figure
        for (low, high), (mean, std) in zip(extremes, spread, strict=True)
        for figure in (low, high, mean, std)
    ]
    closed_form = moments.amplified_std(alpha)
    constrained = [alpha, mass_kept]
    figures = torch.stack(
        [
            *at_token,
            drawn.logp,
            *divergences,
            *magnitudes,
            moments.covariance,
            moments.difference_variance,
            closed_form,
            *constrained,
            *surprisal_moments(drawn),
        ],
        dim=-1,
    )
    if not best:
        return figures
    return torch.cat([figures, _best_columns(likely, totals)], dim=-1)


def surprisal_moments(drawn: Draw) -> tuple[Tensor, Tensor]:
    """Return the mean and the variance of -log p under what drew the tokens.

    Returns:
        Entropy in nats and variance in nats squared, each [rows], float32; 0 at greedy rows.
    """
    logits, probabilities = drawn.logits, drawn.probabilities
    total = logits.amax(-1, keepdim=True) - probabilities.amax(-1, keepdim=True).log()
    logp = (logits - total).clamp(min=_LOWEST_LOGP)
    weighted = probabilities * logp
    mean = weighted.sum(-1)
    square = torch.linalg.vecdot(weighted, logp)
    # Rounding can make neither negative.
    return (-mean).clamp(min=0), (square - mean.square()).clamp(min=0)


class Likeliest(NamedTuple):
    """The highest values of each row, falling."""

    ids: Tensor
    """Where they are, [rows, n], int64."""
    values: Tensor
    """[rows, n]."""


def likeliest(values: Tensor, n: int) -> Likeliest:
    """Find the highest values of each row.

    The n highest are in the n blocks with the highest maxima, so one pass for those and a search
    of n blocks find them; ``topk`` over 49,152 columns takes four times as long.

    Args:
        values: [rows, columns], float32.
        n: how many; at most ``columns`` are returned.
    """
    rows, columns = values.shape
    short = -columns % _BLOCK
    padded = F.pad(values, (0, short), value=-torch.inf) if short else values
    blocks = padded.view(rows, -1, _BLOCK)
    chosen = blocks.amax(-1).topk(min(n, blocks.shape[1]), dim=-1).indices
    inside = blocks[torch.arange(rows, device=values.device).unsqueeze(-1), chosen].flatten(1)
    best = inside.topk(min(n, columns), dim=-1)
    block = chosen.gather(-1, best.indices // _BLOCK)
    return Likeliest(block * _BLOCK + best.indices % _BLOCK, best.values)


def _best_columns(likely: Sequence[Likeliest], totals: Sequence[Tensor]) -> Tensor:
    """Lay the likeliest tokens of all sides out, [rows, BEST_COLUMNS]."""
    columns = []
    for (ids, values), total in zip(likely, totals, strict=True):
        short = N_BEST - ids.shape[-1]
        columns.append(F.pad(ids.to(values.dtype), (0, short), value=NO_TOKEN))
        columns.append(F.pad(values - total.unsqueeze(-1), (0, short)))
    return torch.cat(columns, dim=-1)


def _mean_and_std(values: Tensor) -> tuple[Tensor, Tensor]:
    """Population figures per row; a tenth of the time of torch.std_mean, which works in order."""
    mean = values.mean(-1, keepdim=True)
    # Half the time of a product with itself.
    norm = torch.linalg.vector_norm(values - mean, dim=-1)
    return mean.squeeze(-1), norm / values.shape[-1] ** 0.5


def grid_logps(
    target: Tensor, difference: Tensor, tokens: Tensor, alphas: Sequence[float]
) -> Tensor:
    """Log-probability of the tokens under the plain amplified distribution at other strengths.

    Args:
        target: [rows, vocab], float32.
        difference: target minus baseline, [rows, vocab], float32.
        tokens: [rows], int64.
        alphas: strengths.

    Returns:
        [rows, len(alphas)], float32, in nats.
    """
    columns = []
    for alpha in alphas:
        logits = extrapolate(target, difference, torch.full_like(target[:, :1], alpha))
        total = logits.amax(-1) - logits.softmax(-1).amax(-1).log()
        columns.append(logits.gather(-1, tokens.unsqueeze(-1)).squeeze(-1) - total)
    return torch.stack(columns, dim=-1)
