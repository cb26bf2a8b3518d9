"""What every sampled token leaves behind: log-probabilities, divergences and logit magnitudes.

Knows how to measure one step of many rows at once, and how to sum a rollout's steps up. Knows
nothing of how tokens were chosen.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from harness.decoding.amplification import extrapolate, spread_moments
from harness.decoding.sampling import Draw

SIDES = ("target", "baseline", "amplified")

TRACE_FIELDS = (
    # Log-probability of the sampled token at temperature 1 under each side, in nats.
    *(f"{side}_logp_nats" for side in SIDES),
    # The same under the distribution that drew it: after temperature, top-k and top-p.
    "sampling_logp_nats",
    # Divergences between whole next-token distributions at temperature 1, in nats.
    "kl_target_baseline_nats",
    "kl_amplified_target_nats",
    # Over the vocabulary, in logits; the deviation is the population's.
    *(f"{side}_{figure}" for side in SIDES for figure in ("min", "max", "mean", "std")),
    # With d = target - baseline: cov(target, d) and var(d) over the vocabulary, and the deviation
    # of the amplified logits that follows from them.
    "target_difference_cov",
    "difference_var",
    "amplified_std_closed_form",
    # What constraints did: the strength that was applied, and how much of the target's
    # probability stands on tokens that could be drawn (before temperature, top-k and top-p).
    "alpha_applied",
    "target_mass_kept",
)


@dataclass(frozen=True)
class Trace:
    """The per-token figures of one rollout."""

    figures: Tensor
    """[tokens, len(TRACE_FIELDS)], float32, on the CPU."""
    grid_alphas: tuple[float, ...] = ()
    """Strengths at which the sampled tokens' log-probabilities were asked for."""
    grid_logps_nats: Tensor = field(default_factory=lambda: torch.empty(0, 0))
    """Log-probability of the sampled tokens under the plain amplified distribution at each strength
    of the grid, at temperature 1, [tokens, len(grid_alphas)], float32, on the CPU."""

    def __getitem__(self, field: str) -> Tensor:
        """Return one figure along the rollout, [tokens]."""
        return self.figures[:, TRACE_FIELDS.index(field)]

    def __len__(self) -> int:
        return len(self.figures)

    def summary(self) -> dict[str, float]:
        """Sum the rollout up: means over its tokens, the extremes of the extremes.

        Returns:
            ``n_tokens``; ``{side}_nll_nats`` and ``sampling_nll_nats`` (mean negative
            log-probability of the sampled tokens); ``kl_target_baseline_nats``; ``dose_nats``
            (mean KL(amplified, target)); ``{side}_min`` and ``{side}_max`` over all tokens;
            ``{side}_mean``, ``{side}_std``, ``amplified_std_closed_form``, ``alpha_applied`` and
            ``target_mass_kept`` as means.
        """
        means = dict(zip(TRACE_FIELDS, self.figures.double().mean(0).tolist(), strict=True))
        summary: dict[str, float] = {"n_tokens": len(self)}
        for source in (*SIDES, "sampling"):
            summary[f"{source}_nll_nats"] = -means[f"{source}_logp_nats"]
        summary["kl_target_baseline_nats"] = means["kl_target_baseline_nats"]
        summary["dose_nats"] = means["kl_amplified_target_nats"]
        for side in SIDES:
            summary[f"{side}_min"] = self[f"{side}_min"].min().item()
            summary[f"{side}_max"] = self[f"{side}_max"].max().item()
            summary[f"{side}_mean"] = means[f"{side}_mean"]
            summary[f"{side}_std"] = means[f"{side}_std"]
        for name in ("amplified_std_closed_form", "alpha_applied", "target_mass_kept"):
            summary[name] = means[name]
        return summary


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
    logits: StepLogits, probabilities: StepProbabilities, drawn: Draw, mass_kept: Tensor
) -> Tensor:
    """Measure one decoding step.

    Args:
        logits: of both sides and amplified.
        probabilities: their softmax.
        drawn: the sampled tokens, and their log-probability under what drew them.
        mass_kept: the target's probability on tokens that could be drawn, [rows].

    Returns:
        Figures in the order of ``TRACE_FIELDS``, [rows, fields], float32.
    """
    alpha = logits.alpha.squeeze(-1)
    dot = torch.linalg.vecdot
    extremes, totals, at_token = [], [], []
    for side in SIDES:
        values, weights = getattr(logits, side), getattr(probabilities, side)
        low, high = values.amin(-1), values.amax(-1)
        # The softmax at the highest logit is exp(0) / sum: the sum again, without another pass.
        total = high - weights.amax(-1).log()
        extremes.append((low, high))
        totals.append(total)
        at_token.append(values.gather(-1, drawn.tokens.unsqueeze(-1)).squeeze(-1) - total)
    of_target, of_baseline, of_amplified = totals
    kl_target = dot(probabilities.target, logits.target - logits.baseline)
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
    return torch.stack(
        [
            *at_token,
            drawn.logp,
            *divergences,
            *magnitudes,
            moments.covariance,
            moments.difference_variance,
            closed_form,
            *constrained,
        ],
        dim=-1,
    )


def _mean_and_std(values: Tensor) -> tuple[Tensor, Tensor]:
    """Population figures per row; a tenth of the time of torch.std_mean, which works in order."""
    mean = values.mean(-1, keepdim=True)
    centred = values - mean
    variance = torch.linalg.vecdot(centred, centred) / values.shape[-1]
    return mean.squeeze(-1), variance.sqrt()


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
