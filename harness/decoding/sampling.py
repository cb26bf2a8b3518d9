"""From amplified logits to one token per row, by random numbers that belong to the row alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from harness.decoding.settings import RolloutSettings


class Draw(NamedTuple):
    """One sampled token per row."""

    tokens: Tensor
    """Token ids, [rows], int64."""
    logp: Tensor
    """Log-probability under the distribution that drew them, in nats, [rows], float32."""


@dataclass(frozen=True)
class SamplingTable:
    """Every row's sampling settings as tensors, so that rows of all kinds share a batch."""

    temperature: Tensor
    """[rows, 1], float32; 0 means greedy."""
    top_p: Tensor
    """[rows, 1], float32; 1 keeps everything."""
    top_k: Tensor
    """[rows, 1], int64; 0 keeps everything."""
    truncated: Tensor
    """Indices of the rows that have a top-p or a top-k, [n], int64: only they pay for sorting."""

    @classmethod
    def of(cls, settings: Sequence[RolloutSettings], device: torch.device) -> "SamplingTable":
        """Collect the settings of the rows of a batch."""
        truncated = [i for i, row in enumerate(settings) if row.top_p < 1 or row.top_k > 0]
        return cls(
            temperature=_column([row.temperature for row in settings], torch.float32, device),
            top_p=_column([row.top_p for row in settings], torch.float32, device),
            top_k=_column([row.top_k for row in settings], torch.int64, device),
            truncated=torch.tensor(truncated, dtype=torch.int64, device=device),
        )


def uniform_stream(seed: int, length: int) -> Tensor:
    """Return the random numbers of one rollout, one per step, from its seed alone.

    Philox is counter-based: number ``i`` depends on (seed, i) only, so a longer stream starts
    with the shorter one, and neither batch, device nor process changes it.

    Args:
        seed: of the rollout, 0 to 2**64 - 1.
        length: steps.

    Returns:
        Uniform numbers in [0, 1), [length], float64, on the CPU.
    """
    return torch.from_numpy(np.random.Generator(np.random.Philox(key=seed)).random(length))


def draw(logits: Tensor, table: SamplingTable, uniform: Tensor) -> Draw:
    """Sample one token per row: temperature, then top-k, then top-p, as transformers does.

    Inverse of the cumulative distribution in vocabulary order: one random number per token, and
    a rounding difference in the logits moves the outcome only next to a step's edge.

    Args:
        logits: amplified, [rows, vocab], float32. Masks and truncation come after amplification:
            subtracting masked logits would give NaN.
        table: the rows' settings.
        uniform: one number per row in [0, 1), [rows], float64.

    Returns:
        The tokens and their log-probabilities; a greedy token has log-probability 0.
    """
    greedy = table.temperature == 0
    scaled = logits / table.temperature.masked_fill(greedy, 1.0)
    if len(table.truncated):
        rows = table.truncated
        scaled[rows] = _truncate(scaled[rows], table.top_k[rows], table.top_p[rows])
    logps = scaled.log_softmax(-1)
    # float64: over 50,000 tokens a float32 sum is off by up to 1e-3 of a probability.
    cumulative = logps.exp().cumsum(-1, dtype=torch.float64)
    point = uniform.unsqueeze(-1) * cumulative[:, -1:]
    drawn = torch.searchsorted(cumulative, point, right=True).clamp(max=logits.shape[-1] - 1)
    tokens = torch.where(greedy, logits.argmax(-1, keepdim=True), drawn)
    logp = logps.gather(-1, tokens).masked_fill(greedy, 0.0)
    return Draw(tokens.squeeze(-1), logp.squeeze(-1))


def _truncate(logits: Tensor, top_k: Tensor, top_p: Tensor) -> Tensor:
    """Mask what top-k and top-p leave out; the likeliest token always stays."""
    ordered, order = logits.sort(dim=-1, descending=True, stable=True)
    rank = torch.arange(logits.shape[-1], device=logits.device)
    beyond_k = (top_k > 0) & (rank >= top_k)
    ordered = ordered.masked_fill(beyond_k, -torch.inf)
    probabilities = ordered.softmax(-1)
    before = probabilities.cumsum(-1) - probabilities
    # A token stays while the mass before it is below top_p, so the one that crosses it stays too.
    ordered = ordered.masked_fill((before >= top_p) & (rank > 0), -torch.inf)
    return torch.empty_like(logits).scatter_(-1, order, ordered)


def _column(values: Sequence[float], dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.tensor(values, dtype=dtype, device=device).unsqueeze(-1)
