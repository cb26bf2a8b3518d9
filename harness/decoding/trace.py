"""What every sampled token leaves behind: log-probabilities, divergences and logit magnitudes.

Knows how to measure one step of many rows at once, and how to sum a rollout's steps up. Knows
nothing of how tokens were chosen.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from harness.decoding.amplification import spread_moments

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
)

# Rows measured together on a CPU: 4 rows of 49,152 float32 logits are 0.8 MB, so the dozen passes
# over them stay in the core's cache.
_CPU_ROWS = 4


@dataclass(frozen=True)
class Trace:
    """The per-token figures of one rollout."""

    figures: Tensor
    """[tokens, len(TRACE_FIELDS)], float32, on the CPU."""

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
            ``{side}_mean``, ``{side}_std`` and ``amplified_std_closed_form`` as means.
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
        summary["amplified_std_closed_form"] = means["amplified_std_closed_form"]
        return summary


@dataclass(frozen=True)
class StepLogits:
    """One step's logits of many rows, all [rows, vocab], float32, before any mask."""

    target: Tensor
    baseline: Tensor
    amplified: Tensor
    alpha: Tensor
    """[rows, 1]."""

    def rows(self, chosen: slice) -> "StepLogits":
        """Return a part of the rows."""
        return StepLogits(
            self.target[chosen], self.baseline[chosen], self.amplified[chosen], self.alpha[chosen]
        )


def measure_step(logits: StepLogits, tokens: Tensor, sampling_logp: Tensor) -> Tensor:
    """Measure one decoding step.

    Args:
        logits: of both sides and amplified.
        tokens: the sampled tokens, [rows], int64.
        sampling_logp: their log-probability under the distribution that drew them, [rows].

    Returns:
        Figures in the order of ``TRACE_FIELDS``, [rows, fields], float32.
    """
    n_rows = len(tokens)
    size = _CPU_ROWS if logits.target.device.type == "cpu" else n_rows
    parts = [
        _measure_rows(logits.rows(part), tokens[part], sampling_logp[part])
        for part in (slice(start, start + size) for start in range(0, n_rows, size))
    ]
    return torch.cat(parts)


def _measure_rows(logits: StepLogits, tokens: Tensor, sampling_logp: Tensor) -> Tensor:
    sides = {"target": logits.target, "baseline": logits.baseline, "amplified": logits.amplified}
    logps = {side: values.log_softmax(-1) for side, values in sides.items()}
    at_token = [logp.gather(-1, tokens.unsqueeze(-1)).squeeze(-1) for logp in logps.values()]
    divergences = [
        _kl(logps["target"], logps["baseline"]),
        _kl(logps["amplified"], logps["target"]),
    ]
    magnitudes = [figure for values in sides.values() for figure in _magnitude(values)]
    moments = spread_moments(logits.target, logits.baseline)
    spread = [
        moments.covariance,
        moments.difference_variance,
        moments.amplified_std(logits.alpha.squeeze(-1)),
    ]
    return torch.stack([*at_token, sampling_logp, *divergences, *magnitudes, *spread], dim=-1)


def _kl(logp: Tensor, logq: Tensor) -> Tensor:
    """KL(p, q) per row in nats; rounding can't make it negative."""
    divergence: Tensor = torch.linalg.vecdot(logp.exp(), logp - logq)
    return divergence.clamp(min=0)


def _magnitude(values: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    low, high = values.aminmax(dim=-1)
    std, mean = torch.std_mean(values, dim=-1, correction=0)
    return low, high, mean, std
