"""One step of many rows, measured: log-probabilities, divergences, spread, the likeliest tokens.

Knows logits and what was drawn from them. Refuses to know how tokens were chosen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from harness.decoding.amplification import SpreadMoments, extrapolate
from harness.decoding.sampling import Draw
from harness.decoding.trace import N_BEST, NO_TOKEN
from harness.decoding.vocabulary_sums import SummedLogits, log_totals, vocabulary_sums

# A vocabulary is searched in blocks: the highest of each tells which few hold the likeliest tokens.
_BLOCK = 512


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


def measure_step(
    logits: StepLogits, drawn: Draw, mass_kept: Tensor, *, best: bool = False
) -> Tensor:
    """Measure one decoding step.

    Args:
        logits: of both sides and amplified.
        drawn: the sampled tokens, their log-probability, and what drew them.
        mass_kept: the target's probability on tokens that could be drawn, [rows].
        best: whether each side's likeliest tokens are kept as well.

    Returns:
        Figures in the order of ``TRACE_FIELDS``, and the ``BEST_COLUMNS`` after them if asked for,
        [rows, figures], float32.
    """
    alpha = logits.alpha.squeeze(-1)
    sides = [logits.target, logits.baseline, logits.amplified]
    likely = [likeliest(values, N_BEST) for values in sides] if best else []
    sums = vocabulary_sums(
        SummedLogits._make([*sides, logits.difference, logits.full_difference, drawn.logits])
    )
    totals = [sums.target_log_total, sums.baseline_log_total, sums.amplified_log_total]
    of_target, of_baseline, of_amplified = totals
    at_token = drawn.tokens.unsqueeze(-1)
    moments = SpreadMoments(sums.target_variance, sums.covariance, sums.difference_variance)
    figures = torch.stack(
        [
            *(
                values.gather(-1, at_token).squeeze(-1) - total
                for values, total in zip(sides, totals, strict=True)
            ),
            drawn.logp,
            # Rounding can make neither a divergence nor what follows negative.
            (sums.target_gain - of_target + of_baseline).clamp(min=0),
            (alpha * sums.amplified_gain - of_amplified + of_target).clamp(min=0),
            *(sums.target_min, sums.target_max),
            *(sums.target_mean, sums.target_variance.sqrt()),
            *(sums.baseline_min, sums.baseline_max),
            *(sums.baseline_mean, sums.baseline_variance.sqrt()),
            *(sums.amplified_min, sums.amplified_max),
            *(sums.amplified_mean, sums.amplified_variance.sqrt()),
            moments.covariance,
            moments.difference_variance,
            moments.amplified_std(alpha),
            alpha,
            mass_kept,
            sums.entropy.clamp(min=0),
            sums.surprisal_variance.clamp(min=0),
        ],
        dim=-1,
    )
    return torch.cat([figures, _best_columns(likely, totals)], dim=-1) if best else figures


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
    at_token = tokens.unsqueeze(-1)
    strengths = torch.tensor([alphas], dtype=target.dtype, device=target.device)
    logits = extrapolate(target.gather(-1, at_token), difference.gather(-1, at_token), strengths)
    return logits - log_totals(target, difference, alphas)
