"""What every sampled token leaves behind: log-probabilities, divergences and logit magnitudes.

Knows what a rollout's figures mean and how to sum them up. How they are measured is known by
``measure``.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor

SIDES = ("target", "baseline", "amplified")

N_BEST = 5
"""Likeliest tokens of each side that a step may keep."""

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
    # Of what drew the token, after constraints, temperature, top-k and top-p: the mean of -log p,
    # in nats, and its variance, in nats squared. They tell what ``sampling_logp_nats`` should be.
    "sampling_entropy_nats",
    "sampling_surprisal_var",
)

BEST_COLUMNS = len(SIDES) * 2 * N_BEST
"""Of a step's figures: each side's likeliest ids, falling, then their log-probabilities."""

NO_TOKEN = -1
"""Stands where a vocabulary has fewer tokens than a step keeps."""


_MEANS = (
    "amplified_std_closed_form",
    "alpha_applied",
    "target_mass_kept",
    "sampling_entropy_nats",
    "sampling_surprisal_var",
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
    best: Tensor | None = None
    """Each side's likeliest tokens at each step, before any constraint and at temperature 1, as
    ``BEST_COLUMNS`` lays them out, [tokens, BEST_COLUMNS], float32, on the CPU: ids are whole
    numbers below 2**24. None where they were not asked for."""

    def __getitem__(self, field: str) -> Tensor:
        """Return one figure along the rollout, [tokens]."""
        return self.figures[:, TRACE_FIELDS.index(field)]

    def __len__(self) -> int:
        return len(self.figures)

    def best_tokens(self, side: str) -> tuple[Tensor, Tensor]:
        """Return a side's likeliest tokens, falling.

        Returns:
            Their ids, [tokens, n], int32, and log-probabilities in nats, [tokens, n], float32; n is
            ``N_BEST`` or the vocabulary, if that is smaller.
        """
        assert self.best is not None
        start = SIDES.index(side) * 2 * N_BEST
        ids, logps = self.best[:, start : start + 2 * N_BEST].split(N_BEST, dim=-1)
        kept = int((ids[:1] != NO_TOKEN).sum())
        return ids[:, :kept].int(), logps[:, :kept]

    def summary(self) -> dict[str, float]:
        """Sum the rollout up: means over its tokens, the extremes of the extremes.

        Returns:
            ``n_tokens``; ``{side}_nll_nats`` and ``sampling_nll_nats`` (mean negative
            log-probability of the sampled tokens); ``kl_target_baseline_nats``; ``dose_nats``
            (mean KL(amplified, target)); ``{side}_min`` and ``{side}_max`` over all tokens;
            ``{side}_mean``, ``{side}_std``, ``amplified_std_closed_form``, ``alpha_applied``,
            ``target_mass_kept``, ``sampling_entropy_nats`` and ``sampling_surprisal_var`` as means.
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
        for name in _MEANS:
            summary[name] = means[name]
        return summary
