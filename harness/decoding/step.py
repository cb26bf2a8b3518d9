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
from harness.decoding.constraints import ConstraintTable
from harness.decoding.measure import (
    StepLogits,
    grid_logps,
    likeliest,
    measure_step,
)
from harness.decoding.pair_model import PairLogits
from harness.decoding.sampling import Draw, SamplingTable, draw
from harness.decoding.settings import RolloutSettings
from harness.decoding.trace import BEST_COLUMNS, TRACE_FIELDS

# 6 rows of 49,152 float32 logits are 1.2 MB. Parts of 2 to 8 rows take about the same time, of 24
# rows half as long again.
_CPU_ROWS = 6

# Stands for minus infinity, which some models give to padded vocabulary entries: the difference
# of two infinities is NaN. exp(-1e4) is 0 in float32.
_LOWEST_LOGIT = -1e4


class Step(NamedTuple):
    """What one step gave every row."""

    tokens: Tensor
    """Sampled ids, [rows], int64."""
    figures: Tensor
    """In the order of ``TRACE_FIELDS``, then ``BEST_COLUMNS`` of the likeliest tokens, then the
    row's grid, [rows, figures]; without columns where no row is traced."""
    finite: Tensor
    """Whether what the token was drawn from, and the row's figures, are numbers, [rows], bool."""
    best_ids: Tensor
    """The likeliest tokens, amplified, of the rows that asked for them, [rows, most asked]."""
    best_logps: Tensor
    """Their log-probabilities at temperature 1, in nats, [rows, most asked]."""


@dataclass(frozen=True)
class _Part:
    """Some rows that are computed together."""

    rows: slice | list[int]
    alpha: Tensor
    traced: Tensor | None
    """Which rows' figures are asked for, [rows], bool; None where no row's are."""
    traces_best: bool
    """Whether any row's likeliest tokens are."""
    baseline: Tensor
    """Positions of the rows that are the baseline's own: alpha -1 and no constraint, [n], int64."""
    sampling: SamplingTable
    grids: tuple[tuple[tuple[float, ...], Tensor], ...]
    """Each grid of strengths, and the positions of the rows that asked for it."""
    constraints: ConstraintTable
    asks_best: Tensor
    """Positions of the rows that asked for the likeliest tokens, [n], int64."""


class StepTable:
    """The settings of all rows of a batch, laid out for its steps.

    Args:
        settings: of the rows, in their order.
        device: where their logits are.
        fixed_rows: rows that are computed at every step, whatever number there is; None computes
            those that there are.
    """

    def __init__(
        self,
        settings: Sequence[RolloutSettings],
        device: torch.device,
        fixed_rows: int | None = None,
    ) -> None:
        size = _CPU_ROWS if device.type == "cpu" else fixed_rows or len(settings)
        self._grid = max(len(row.trace_alphas) for row in settings)
        self._best = max(row.top_logprobs for row in settings)
        self._rows = len(settings)
        self._traced = any(row.trace for row in settings)
        self._parts = [
            _part(settings, rows, device) for rows in _cut(len(settings), size, fixed_rows)
        ]

    @property
    def n_figures(self) -> int:
        """Figures that a step gives each row."""
        return len(TRACE_FIELDS) + BEST_COLUMNS + self._grid if self._traced else 0

    def step(self, logits: PairLogits, uniform: Tensor, place: Tensor) -> Step:
        """Amplify, constrain, draw and measure, the last only where a trace is asked for.

        Args:
            logits: of both sides, [rows, vocab].
            uniform: one number per row, [rows], float64.
            place: tokens that each row has sampled so far, [rows], int64.
        """
        steps = [self._decode(part, logits, uniform, place) for part in self._parts]
        return Step(*(torch.cat(each)[: self._rows] for each in zip(*steps, strict=True)))

    def _decode(self, part: _Part, logits: PairLogits, uniform: Tensor, place: Tensor) -> Step:
        sides, cut = _amplified(part, logits, place)
        amplified = sides.amplified
        probabilities = amplified.softmax(-1)
        if cut is None:
            drawn = draw(amplified, part.sampling, uniform[part.rows], probabilities)
        else:
            allowed = amplified.masked_fill(cut, -torch.inf)
            drawn = draw(allowed, part.sampling, uniform[part.rows])
        finite = amplified.sum(-1).isfinite()
        figures = amplified.new_zeros(len(amplified), self.n_figures)
        if part.traced is not None:
            figures = self._measured(part, sides, drawn, cut)
            finite &= figures.isfinite().all(-1) | ~part.traced
        return Step(drawn.tokens, figures, finite, *self._likeliest(part, amplified))

    def _measured(self, part: _Part, sides: StepLogits, drawn: Draw, cut: Tensor | None) -> Tensor:
        """Return the figures of all rows of a part, [rows, figures]."""
        mass_kept = torch.ones_like(drawn.logp)
        if cut is not None:
            kept = sides.target.softmax(-1).masked_fill(cut, 0).sum(-1)
            # 1 where nothing is cut, and not a sum of float32 that rounds to nearly that.
            mass_kept = torch.where(cut.any(-1), kept, 1.0)
        figures = sides.amplified.new_zeros(len(drawn.tokens), self.n_figures)
        measured = measure_step(sides, drawn, mass_kept, best=part.traces_best)
        figures[:, : measured.shape[-1]] = measured
        if self._grid:
            figures[:, -self._grid :] = self._on_grids(part, sides, drawn.tokens)
        return figures

    def _likeliest(self, part: _Part, amplified: Tensor) -> tuple[Tensor, Tensor]:
        logps = amplified.new_zeros(len(amplified), self._best)
        ids = torch.zeros_like(logps, dtype=torch.int64)
        if len(part.asks_best):
            most = min(self._best, amplified.shape[-1])
            asked = amplified[part.asks_best].log_softmax(-1)
            ids[part.asks_best, :most], logps[part.asks_best, :most] = likeliest(asked, most)
        return ids, logps

    def _on_grids(self, part: _Part, sides: StepLogits, tokens: Tensor) -> Tensor:
        found = sides.target.new_zeros(len(tokens), self._grid)
        for alphas, rows in part.grids:
            found[rows, : len(alphas)] = grid_logps(
                sides.target[rows], sides.full_difference[rows], tokens[rows], alphas
            )
        return found


def _amplified(part: _Part, logits: PairLogits, place: Tensor) -> tuple[StepLogits, Tensor | None]:
    """Return both sides and what they amplify to, and which tokens may not be drawn."""
    # Subtract in float32: near 20 a bfloat16 step is 0.125, and alpha multiplies it.
    target, baseline = (side[part.rows].float().clamp(min=_LOWEST_LOGIT) for side in logits)
    full = difference_of(target, baseline)
    difference, alpha, cut = full, part.alpha, None
    if part.constraints.any:
        difference, alpha, cut = part.constraints.apply(target, difference, alpha, place[part.rows])
    amplified = extrapolate(target, difference, alpha)
    if len(part.baseline):
        # To the bit, which t - (t - b) is not: rows that need no target are read without it.
        amplified[part.baseline] = baseline[part.baseline]
    return StepLogits(target, baseline, amplified, alpha, difference, full), cut


def _cut(n_rows: int, size: int, fixed: int | None) -> list[slice | list[int]]:
    """Cut rows into parts, all of one size where their number is fixed.

    A row that is left over alone is taken twice: torch splits a sum over one row among its
    threads, and the last bits would tell how many rows there are.
    """
    parts: list[slice | list[int]] = [
        slice(start, start + size) for start in range(0, n_rows, size)
    ]
    left = n_rows % size
    if left and fixed is not None:
        parts[-1] = [*range(n_rows - left, n_rows), *[n_rows - 1] * (size - left)]
    elif left == 1:
        parts[-1] = [n_rows - 1, n_rows - 1]
    return parts


def _part(
    settings: Sequence[RolloutSettings], rows: slice | list[int], device: torch.device
) -> _Part:
    own = settings[rows] if isinstance(rows, slice) else [settings[row] for row in rows]
    grids: dict[tuple[float, ...], list[int]] = {}
    for place, row in enumerate(own):
        if row.trace_alphas:
            grids.setdefault(row.trace_alphas, []).append(place)
    return _Part(
        rows=rows,
        alpha=torch.tensor([[row.alpha] for row in own], device=device),
        traced=(
            torch.tensor([row.trace for row in own], device=device)
            if any(row.trace for row in own)
            else None
        ),
        traces_best=any(row.trace_best for row in own),
        baseline=torch.tensor(
            [i for i, row in enumerate(own) if row.alpha == -1 and not row.constraints],
            dtype=torch.int64,
            device=device,
        ),
        sampling=SamplingTable.of(own, device),
        grids=tuple(
            (alphas, torch.tensor(places, device=device)) for alphas, places in grids.items()
        ),
        constraints=ConstraintTable.of(own, device),
        asks_best=torch.tensor(
            [place for place, row in enumerate(own) if row.top_logprobs],
            dtype=torch.int64,
            device=device,
        ),
    )
