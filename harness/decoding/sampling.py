"""From amplified logits to one token per row, by random numbers that belong to the row alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from harness.decoding.settings import RolloutSettings

# Tokens whose probabilities are summed before any single one is looked at: 192 sums of 256 find
# the place in a vocabulary of 49,152 with a tenth of the work of a running sum over all of it.
_BLOCK = 256


class Draw(NamedTuple):
    """One sampled token per row."""

    tokens: Tensor
    """Token ids, [rows], int64."""
    logp: Tensor
    """Log-probability under the distribution that drew them, in nats, [rows], float32."""
    logits: Tensor
    """What they were drawn from, after temperature, top-k and top-p, [rows, vocab], float32; minus
    infinity where nothing may be drawn."""
    probabilities: Tensor
    """The softmax of these, [rows, vocab]; 1 at a greedy row's token."""


@dataclass(frozen=True)
class SamplingTable:
    """Every row's sampling settings as tensors, so that rows of all kinds share a batch."""

    temperature: Tensor
    """[rows, 1], float32; 0 means greedy."""
    top_p: Tensor
    """[rows, 1], float32; 1 keeps everything."""
    top_k: Tensor
    """[rows, 1], int64; 0 keeps everything."""
    reshaped: Tensor
    """Rows that are not drawn from the logits' own softmax, [n], int64: only they pay for more."""
    truncated: Tensor
    """Those of ``reshaped`` that have a top-p or a top-k, as positions in it, [n], int64."""
    greedy: Tensor
    """Those of ``reshaped`` that take the likeliest token, as positions in it, [n], int64."""

    @classmethod
    def of(cls, settings: Sequence[RolloutSettings], device: torch.device) -> "SamplingTable":
        """Collect the settings of the rows of a batch."""
        cut = [row.top_p < 1 or row.top_k > 0 for row in settings]
        reshaped = [i for i, row in enumerate(settings) if cut[i] or row.temperature != 1]
        truncated = [place for place, i in enumerate(reshaped) if cut[i]]
        greedy = [place for place, i in enumerate(reshaped) if settings[i].temperature == 0]
        return cls(
            temperature=_column([row.temperature for row in settings], torch.float32, device),
            top_p=_column([row.top_p for row in settings], torch.float32, device),
            top_k=_column([row.top_k for row in settings], torch.int64, device),
            reshaped=torch.tensor(reshaped, dtype=torch.int64, device=device),
            truncated=torch.tensor(truncated, dtype=torch.int64, device=device),
            greedy=torch.tensor(greedy, dtype=torch.int64, device=device),
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


def draw(
    logits: Tensor, table: SamplingTable, uniform: Tensor, probabilities: Tensor | None = None
) -> Draw:
    """Sample one token per row: temperature, then top-k, then top-p, as transformers does.

    Inverse of the cumulative distribution in vocabulary order: one random number per token, and
    a rounding difference in the logits moves the outcome only next to a step's edge.

    Args:
        logits: amplified, [rows, vocab], float32. Masks and truncation come after amplification:
            subtracting masked logits would give NaN.
        table: the rows' settings.
        uniform: one number per row in [0, 1), [rows], float64.
        probabilities: ``logits.softmax(-1)`` where it is known already.

    Returns:
        The tokens and their log-probabilities; a greedy token has log-probability 0.
    """
    if probabilities is None:
        probabilities = logits.softmax(-1)
    rows = table.reshaped
    if not len(rows):
        tokens = inverse_cdf(probabilities, uniform)
        return Draw(tokens, _at(probabilities, tokens).log(), logits, probabilities)
    temperature = table.temperature[rows]
    scaled = logits[rows] / temperature.masked_fill(temperature == 0, 1.0)
    if len(table.truncated):
        cut = table.truncated
        scaled[cut] = _truncate(scaled[cut], table.top_k[rows[cut]], table.top_p[rows[cut]])
    if len(table.greedy):
        scaled[table.greedy] = _likeliest_only(scaled[table.greedy])
    probabilities = probabilities.index_copy(0, rows, scaled.softmax(-1))
    tokens = inverse_cdf(probabilities, uniform)
    logits = logits.index_copy(0, rows, scaled)
    return Draw(tokens, _at(probabilities, tokens).log(), logits, probabilities)


def inverse_cdf(probabilities: Tensor, uniform: Tensor) -> Tensor:
    """Return the first token of each row at which the cumulative probability exceeds a number.

    Args:
        probabilities: [rows, vocab], float32, not negative; they need not sum to exactly 1.
        uniform: the share of each row's total to exceed, [rows], float64, in [0, 1).

    Returns:
        Token ids, [rows], int64; never one of probability 0.
    """
    short = -probabilities.shape[-1] % _BLOCK
    blocks = F.pad(probabilities, (0, short)) if short else probabilities
    blocks = blocks.view(len(blocks), -1, _BLOCK)
    # float64: over 50,000 tokens a float32 sum is off by up to 1e-3 of a probability.
    passed = blocks.sum(-1, dtype=torch.float32).cumsum(-1, dtype=torch.float64)
    point = uniform.unsqueeze(-1) * passed[:, -1:]
    block = torch.searchsorted(passed, point, right=True).clamp(max=passed.shape[-1] - 1)
    end = passed.gather(-1, block)
    start = F.pad(passed, (1, 0)).gather(-1, block)
    inside = blocks[torch.arange(len(blocks), device=blocks.device), block.squeeze(-1)]
    inner = inside.cumsum(-1, dtype=torch.float64)
    # As a share of the block: its float32 sum and its running sum differ by rounding.
    point = (point - start) / (end - start) * inner[:, -1:]
    token = torch.searchsorted(inner, point, right=True)
    last = (inner < inner[:, -1:]).sum(-1, keepdim=True)
    return (block * _BLOCK + torch.minimum(token, last)).squeeze(-1)


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


def _likeliest_only(logits: Tensor) -> Tensor:
    """Mask all but the likeliest token, the first of those that are as likely."""
    best = logits.argmax(-1, keepdim=True)
    return torch.full_like(logits, -torch.inf).scatter_(-1, best, 0.0)


def _at(values: Tensor, tokens: Tensor) -> Tensor:
    return values.gather(-1, tokens.unsqueeze(-1)).squeeze(-1)


def _column(values: Sequence[float], dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.tensor(values, dtype=dtype, device=device).unsqueeze(-1)
