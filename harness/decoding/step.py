"""One decoding step: both sides' logits in, one token per row and its figures out.

The logits of a step are some ten megabytes, and a dozen passes go over them, so on a CPU few rows
are taken at a time: they stay in the core's cache from the first pass to the last.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from harness.decoding.amplification import difference_of, extrapolate
from harness.decoding.pair_model import PairLogits
from harness.decoding.sampling import SamplingTable, draw
from harness.decoding.settings import RolloutSettings
from harness.decoding.trace import (
    TRACE_FIELDS,
    StepLogits,
    StepProbabilities,
    grid_logps,
    measure_step,
)

# 4 rows of 49,152 float32 logits are 0.8 MB.
_CPU_ROWS = 4

# Stands for minus infinity, which some models give to padded vocabulary entries: the difference
# of two infinities is NaN. exp(-1e4) is 0 in float32.
_LOWEST_LOGIT = -1e4


class Step(NamedTuple):
    """What one step gave every row."""

    tokens: Tensor
    """Sampled ids, [rows], int64."""
    figures: Tensor
    """In the order of ``TRACE_FIELDS``, then the row's grid, [rows, fields + widest grid]."""


@dataclass(frozen=True)
class _Part:
    """Some rows that are computed together."""

    rows: slice
    alpha: Tensor
    sampling: SamplingTable
    grids: tuple[tuple[tuple[float, ...], Tensor], ...]
    """Each grid of strengths, and the positions of the rows that asked for it."""


class StepTable:
    """The settings of all rows of a batch, laid out for its steps.

    Args:
        settings: of the rows, in their order.
        device: where their logits are.
    """

    def __init__(self, settings: Sequence[RolloutSettings], device: torch.device) -> None:
        size = _CPU_ROWS if device.type == "cpu" else len(settings)
        self._grid = max(len(row.trace_alphas) for row in settings)
        self._parts = [
            _part(settings, slice(start, start + size), device)
            for start in range(0, len(settings), size)
        ]

    @property
    def n_figures(self) -> int:
        """Figures that a step gives each row."""
        return len(TRACE_FIELDS) + self._grid

    def step(self, logits: PairLogits, uniform: Tensor) -> Step:
        """Amplify, draw and measure.

        Args:
            logits: of both sides, [rows, vocab], float32.
            uniform: one number per row, [rows], float64.
        """
        steps = [self._decode(part, logits, uniform) for part in self._parts]
        return Step(*(torch.cat(each) for each in zip(*steps, strict=True)))

    def _decode(self, part: _Part, logits: PairLogits, uniform: Tensor) -> Step:
        target, baseline = (side[part.rows].clamp(min=_LOWEST_LOGIT) for side in logits)
        difference = difference_of(target, baseline)
        amplified = extrapolate(target, difference, part.alpha)
        sides = StepLogits(target, baseline, amplified, part.alpha, difference)
        probabilities = StepProbabilities.of(sides)
        drawn = draw(sides.amplified, part.sampling, uniform[part.rows], probabilities.amplified)
        mass_kept = torch.ones_like(drawn.logp)
        figures = measure_step(sides, probabilities, drawn, mass_kept)
        if self._grid:
            figures = torch.cat([figures, self._on_grids(part, sides, drawn.tokens)], dim=-1)
        return Step(drawn.tokens, figures)

    def _on_grids(self, part: _Part, sides: StepLogits, tokens: Tensor) -> Tensor:
        found = sides.target.new_zeros(len(tokens), self._grid)
        for alphas, rows in part.grids:
            found[rows, : len(alphas)] = grid_logps(
                sides.target[rows], sides.target[rows] - sides.baseline[rows], tokens[rows], alphas
            )
        return found


def top_alternatives(
    logits: PairLogits, rows: Sequence[int], alphas: Sequence[float], most: int
) -> tuple[Tensor, Tensor]:
    """Return the likeliest tokens of some rows under the amplified distribution.

    Args:
        logits: of all rows.
        rows: those that are asked for.
        alphas: strength of each of them.
        most: how many tokens.

    Returns:
        Ids and log-probabilities at temperature 1, [len(rows), most] each.
    """
    target, baseline = (side[list(rows)].clamp(min=_LOWEST_LOGIT) for side in logits)
    alpha = torch.tensor(alphas, device=target.device).unsqueeze(-1)
    logps = extrapolate(target, difference_of(target, baseline), alpha).log_softmax(-1)
    best = logps.topk(min(most, logps.shape[-1]), dim=-1)
    return best.indices, best.values


def _part(settings: Sequence[RolloutSettings], rows: slice, device: torch.device) -> _Part:
    own = settings[rows]
    grids: dict[tuple[float, ...], list[int]] = {}
    for place, row in enumerate(own):
        if row.trace_alphas:
            grids.setdefault(row.trace_alphas, []).append(place)
    return _Part(
        rows=rows,
        alpha=torch.tensor([[row.alpha] for row in own], device=device),
        sampling=SamplingTable.of(own, device),
        grids=tuple(
            (alphas, torch.tensor(places, device=device)) for alphas, places in grids.items()
        ),
    )
