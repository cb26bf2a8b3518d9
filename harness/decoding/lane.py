"""Rows that are read together: those that need both sides, or those that need one of them only.

Knows how rows enter, take a step and leave. Why a row ends is the engine's to say.
"""

from collections.abc import Callable, Container
from typing import Any

from harness.decoding.batch import Batch, Row
from harness.decoding.pair_model import PairLogits, PairModel, SideName
from harness.decoding.prefill import read_in_parts
from harness.decoding.rollout import Ended, StopReason
from harness.decoding.settings import RolloutSettings
from harness.errors import DecodingError


def side_alone(settings: RolloutSettings) -> SideName | None:
    """Return the side that decides a rollout by itself, or None where both do.

    A trace tells of both. Without one, at alpha 0 the target decides whatever the constraints:
    they move a step's alpha towards 0, bound what alpha multiplies, or cut by the target. At
    alpha -1 the baseline does where no constraint asks for the target.
    """
    if settings.trace:
        return None
    if settings.alpha == 0:
        return "target"
    return "baseline" if settings.alpha == -1 and not settings.constraints else None


class Lane:
    """One batch, and the model that reads it.

    Args:
        model: a pair, or one side of it.
        fixed_rows: rows of every step, where their number is fixed.
    """

    def __init__(self, model: PairModel[Any], fixed_rows: int | None = None) -> None:
        self._model = model
        self._fixed_rows = fixed_rows
        self._batch: Batch | None = None

    @property
    def rows(self) -> list[Row]:
        """What is being decoded."""
        return self._batch.rows if self._batch else []

    def admit(self, rows: list[Row]) -> None:
        """Read the rows' prompts, each distinct one once, and add them."""
        distinct = {row.request.prompt: None for row in rows}
        index = {prompt: i for i, prompt in enumerate(distinct)}
        state, logits = read_in_parts(self._model, list(distinct))
        fan_out = [index[row.request.prompt] for row in rows]
        state.select(fan_out)
        own = PairLogits(*(side[fan_out] for side in logits))
        newcomers = Batch(rows, state, own, self._fixed_rows)
        if self._batch is None:
            self._batch = newcomers
        else:
            self._batch.join(newcomers)

    def sample(self, ended: Callable[[Row, int], StopReason | DecodingError | None]) -> list[Ended]:
        """Sample one token for every row, let those go that end with it, and return them.

        Args:
            ended: takes a row and its token, and says why the row ends, if it does.
        """
        batch = self._batch
        if batch is None:
            return []
        reasons = {}
        for i, (row, token) in enumerate(zip(batch.rows, batch.sample(), strict=True)):
            reason = ended(row, token)
            if reason is not None:
                reasons[i] = reason
        finished = batch.ended(reasons) if reasons else []
        self._remove(list(reasons))
        return finished

    def read_on(self) -> None:
        """Read every row's latest token."""
        if self._batch is not None:
            self._batch.logits = self._model.read_tokens(self._batch.state, self._batch.last_tokens)

    def drop(self, request_ids: Container[int]) -> None:
        """Drop the rows of these requests, by ``id()``."""
        self._remove([i for i, row in enumerate(self.rows) if id(row.request) in request_ids])

    def clear(self) -> None:
        """Drop every row."""
        self._batch = None

    def _remove(self, places: list[int]) -> None:
        if self._batch is not None and places:
            self._batch.remove(places)
            if not self._batch.rows:
                self._batch = None
