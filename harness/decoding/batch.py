"""The rows in flight and their tensors; rows come and go, and the others keep their places."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from harness.decoding.pair_model import PairLogits, PairState
from harness.decoding.rollout import Alternatives, Ended, Rollout, RolloutRequest, StopReason
from harness.decoding.sampling import uniform_stream
from harness.decoding.settings import RolloutSettings
from harness.decoding.step import Step, StepTable
from harness.decoding.trace import BEST_COLUMNS, TRACE_FIELDS, Trace
from harness.errors import DecodingError


@dataclass(eq=False)
class Row:
    """A request that is being decoded."""

    request: RolloutRequest
    limit: int
    """Most tokens that it may sample, by its settings and by the context."""
    ids: list[int] = field(default_factory=list)
    alternatives: list[Alternatives] = field(default_factory=list)

    @property
    def settings(self) -> RolloutSettings:
        """Of the request."""
        return self.request.settings


class Batch:
    """Rows with their state, logits, random numbers and figures, all in the same order.

    Args:
        rows: that are new, without a token yet.
        state: what they have read.
        logits: those after their prompts.
        fixed_rows: as :class:`StepTable` takes them.
    """

    def __init__(
        self,
        rows: list[Row],
        state: PairState,
        logits: PairLogits,
        fixed_rows: int | None = None,
    ) -> None:
        self.rows = rows
        self._fixed_rows = fixed_rows
        self.state = state
        self.logits = logits
        self._device = logits.target.device
        steps = max(row.limit for row in rows)
        streams = [uniform_stream(row.settings.seed, steps) for row in rows]
        self._uniform = torch.stack(streams).to(self._device)
        self._tabulate()
        self._figures = torch.zeros(len(rows), steps, self._table.n_figures, device=self._device)
        self._last = torch.zeros(len(rows), dtype=torch.int64, device=self._device)

    @property
    def last_tokens(self) -> Tensor:
        """Each row's latest token, [rows], int64."""
        return self._last

    def sample(self) -> list[int]:
        """Draw and record one token per row; -1 stands for logits that are not finite."""
        at = torch.arange(len(self.rows), device=self._device)
        place = torch.tensor([len(row.ids) for row in self.rows], device=self._device)
        step = self._table.step(self.logits, self._uniform[at, place], place)
        self._figures[at, place, : step.figures.shape[-1]] = step.figures
        self._last = step.tokens
        self._record_alternatives(step)
        # The one transfer to the host in a step.
        drawn: list[int] = torch.where(step.finite, step.tokens, -1).tolist()
        return drawn

    def _record_alternatives(self, step: Step) -> None:
        if not step.best_ids.shape[-1]:
            return
        size = self.logits.target.shape[-1]
        for row, ids, logps in zip(
            self.rows, step.best_ids.tolist(), step.best_logps.tolist(), strict=True
        ):
            count = min(row.settings.top_logprobs, size)
            if count:
                row.alternatives.append(Alternatives(tuple(ids[:count]), tuple(logps[:count])))

    def ended(self, reasons: Mapping[int, StopReason | DecodingError]) -> list[Ended]:
        """Return what rows have become, by their places and why they end."""
        longest = max((len(self.rows[i].ids) for i in reasons), default=0)
        # One transfer from the device, however many rows end.
        figures = self._figures[list(reasons), :longest].cpu()
        return [
            (self.rows[i].request, _outcome(self.rows[i], reason, own))
            for (i, reason), own in zip(reasons.items(), figures, strict=True)
        ]

    def remove(self, ended: Sequence[int]) -> None:
        """Let rows go; the last rows take their places."""
        order = _filling(len(self.rows), set(ended))
        self.rows = [self.rows[i] for i in order]
        if not order:
            return
        kept = torch.tensor(order, device=self._device)
        self.state.select(order)
        self.logits = PairLogits(*(side[kept] for side in self.logits))
        self._uniform, self._figures = self._uniform[kept], self._figures[kept]
        self._last = self._last[kept]
        self._tabulate()

    def join(self, other: "Batch") -> None:
        """Take over another batch's rows."""
        self.rows = self.rows + other.rows
        self.state.join(other.state)
        self.logits = PairLogits(
            *(torch.cat(sides) for sides in zip(self.logits, other.logits, strict=True))
        )
        self._uniform = _stack(self._uniform, other._uniform)
        self._figures = _stack(self._figures, other._figures)
        self._last = torch.cat([self._last, other._last])
        self._tabulate()

    def _tabulate(self) -> None:
        self._table = StepTable([row.settings for row in self.rows], self._device, self._fixed_rows)


def _outcome(
    row: Row, reason: StopReason | DecodingError, figures: Tensor
) -> Rollout | DecodingError:
    """Say what a row has become; its figures are [tokens, figures], with what pads them."""
    if isinstance(reason, DecodingError):
        return reason
    trace = _trace(row, figures[: len(row.ids)]) if row.settings.trace else None
    return Rollout(
        ids=tuple(row.ids),
        stop_reason=reason,
        trace=trace,
        alternatives=tuple(row.alternatives),
    )


def _trace(row: Row, figures: Tensor) -> Trace:
    grid = row.settings.trace_alphas
    fields, best = len(TRACE_FIELDS), len(TRACE_FIELDS) + BEST_COLUMNS
    return Trace(
        # Copies: a view would keep the figures of all rows that ended.
        figures=figures[:, :fields].clone(),
        grid_alphas=grid,
        grid_logps_nats=figures[:, best : best + len(grid)].clone(),
        best=figures[:, fields:best].clone() if row.settings.trace_best else None,
    )


def _filling(n: int, ended: set[int]) -> list[int]:
    """Return the order in which the last rows that go on stand where rows have ended."""
    n_kept = n - len(ended)
    spare = [i for i in range(n_kept, n) if i not in ended]
    return [i if i not in ended else spare.pop() for i in range(n_kept)]


def _stack(first: Tensor, second: Tensor) -> Tensor:
    """Stack [rows, ...] whose other sizes may differ, padding the smaller with zeros."""
    sizes = [max(pair) for pair in zip(first.shape[1:], second.shape[1:], strict=True)]
    stacked = first.new_zeros(len(first) + len(second), *sizes)
    for part, rows in ((first, slice(0, len(first))), (second, slice(len(first), None))):
        stacked[(rows, *(slice(0, size) for size in part.shape[1:]))] = part
    return stacked
