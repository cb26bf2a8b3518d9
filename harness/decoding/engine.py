"""The decoding loop: requests in, rollouts out, any mixture of settings in one step.

Knows when a row is admitted, when it ends and what it leaves behind. Knows no text: whether a
stop string was reached is asked of the request.
"""

from collections import Counter
from collections.abc import Container, Hashable, Sequence
from typing import Any

import torch

from harness.decoding.batch import Row
from harness.decoding.effort import Effort
from harness.decoding.extent import Extent
from harness.decoding.fixed_shape import FixedShape
from harness.decoding.lane import Lane, side_alone
from harness.decoding.pair_model import PairModel, Prompt, SideName
from harness.decoding.rollout import Ended, Rollout, RolloutRequest, StopReason
from harness.errors import DecodingError, PromptTooLong


class Engine:
    """Continues all admitted rows by one token a step; a finished row leaves at once.

    Rows are independent: each has its own alpha, sampling settings, seed and limits, and its
    random numbers come from (seed, step) alone. Where most rows are decided by one side, that side
    alone reads them, if the pair allows it.

    Args:
        model: the pair.
        eos_ids: tokens that end a reply.
        fixed_rows: rows of every step, at least as many as are ever admitted, so that rounding
            can't tell how many there are; None takes the rows that there are.
    """

    def __init__(
        self, model: PairModel[Any], eos_ids: frozenset[int], fixed_rows: int | None = None
    ) -> None:
        self._model = model if fixed_rows is None else FixedShape(model, fixed_rows)
        self._eos_ids = eos_ids
        self._fixed_rows = fixed_rows
        self._lane_of: dict[SideName | None, Lane] = {None: Lane(self._model, fixed_rows)}
        self._ended: list[Ended] = []
        self.effort = Effort()
        """What decoding has taken so far."""

    @property
    def _lanes(self) -> list[Lane]:
        return list(dict.fromkeys(self._lane_of.values()))

    @property
    def n_rows(self) -> int:
        """Rows that are being decoded."""
        return sum(len(lane.rows) for lane in self._lanes)

    @property
    def device(self) -> torch.device:
        """Where the pair is."""
        return self._model.device

    @property
    def fixed_rows(self) -> int | None:
        """Rows of every step, where their number is fixed."""
        return self._fixed_rows

    @property
    def requests(self) -> list[RolloutRequest]:
        """What is being decoded."""
        return [row.request for lane in self._lanes for row in lane.rows]

    @property
    def extent(self) -> Extent:
        """What the rows may come to hold."""
        rows = [row for lane in self._lanes for row in lane.rows]
        return Extent(
            n_prompts=len({self.place(row.request) for row in rows}),
            longest_prompt=max((row.request.prompt.longest for row in rows), default=0),
            n_rows=len(rows),
            longest_reply=max((row.limit for row in rows), default=0),
        )

    def extent_of(self, request: RolloutRequest) -> Extent:
        """What one request may come to hold: its prompt and the reply that still fits."""
        return Extent(1, request.prompt.longest, 1, self._limit(request))

    def bytes_of(self, extent: Extent) -> int:
        """Memory that rows of an extent take."""
        if self._fixed_rows is not None:
            # Every row, asked for or not, has a prompt of its own.
            extent = extent._replace(n_prompts=self._fixed_rows, n_rows=self._fixed_rows)
        return extent.bytes_of(self._model.bytes_per_token, self._model.vocab_size)

    def free_bytes(self) -> int:
        """Memory that is free where the pair is."""
        return self._model.free_bytes()

    def place(self, request: RolloutRequest) -> Hashable:
        """Return what requests that share a prompt in memory have in common."""
        return side_alone(request.settings), request.prompt

    def admit(self, requests: Sequence[RolloutRequest]) -> None:
        """Read the requests' prompts, each distinct one once, and add them as rows.

        Raises:
            PromptTooLong: if a prompt leaves no room for one token; nothing is admitted then.
        """
        rows = [Row(request, self._limit(request)) for request in requests]
        by_side: dict[SideName | None, list[Row]] = {}
        for row, side in zip(rows, self._sides(requests), strict=True):
            by_side.setdefault(side, []).append(row)
        for side, own in by_side.items():
            self._lane(side).admit(own)

    def _sides(self, requests: Sequence[RolloutRequest]) -> list[SideName | None]:
        """Return the side that each request is to be read by alone, or None for both.

        A pass of its own reads the weights once more, which takes as long as some 15 rows, and
        prompts that both sides need as well are read twice: 10 rows of one side beside 10 of both
        took half as long again as all 20 together. So a side is read alone only where more rows
        need it than need both.
        """
        need = Counter(side_alone(one.settings) for one in (*self.requests, *requests))
        alone = [side_alone(one.settings) for one in requests]
        return [side if need[side] > need[None] else None for side in alone]

    def _lane(self, side: SideName | None) -> Lane:
        """Return the lane of a side; that of both where the pair can't be read so."""
        if side is not None and side not in self._lane_of:
            alone = self._model.alone(side)
            self._lane_of[side] = self._lane_of[None] if alone is None else Lane(alone)
        return self._lane_of[side]

    def step(self) -> list[Ended]:
        """Sample one token for every row and return what ended with it.

        A row whose logits are not numbers ends with an error; the others go on.
        """
        if not self.n_rows:
            return []
        row_steps = self._fixed_rows or self.n_rows
        self.effort = self.effort.plus(Effort(steps=1, row_steps=row_steps))
        for lane in self._lanes:
            self._ended += lane.sample(self._reason)
        for lane in self._lanes:
            lane.read_on()
        return self._told()

    def _told(self) -> list[Ended]:
        """Hand out what has ended; it waits here while tokens are read, which may fail."""
        ended, self._ended = self._ended, []
        tokens = sum(len(one.ids) for _, one in ended if isinstance(one, Rollout))
        self.effort = self.effort.plus(Effort(useful_tokens=tokens))
        return ended

    def run(self, requests: Sequence[RolloutRequest]) -> list[Rollout]:
        """Decode the requests to their ends and return the rollouts in the same order.

        Raises:
            PromptTooLong: if a prompt leaves no room for one token.
            DecodingError: if a model gave logits that are not numbers.
        """
        self.admit(requests)
        done: dict[int, Rollout] = {}
        while self.n_rows:
            for request, ended in self.step():
                if isinstance(ended, DecodingError):
                    self.abandon()
                    raise ended
                done[id(request)] = ended
        return [done[id(request)] for request in requests]

    def abandon(self) -> list[Ended]:
        """Drop every row, after an error; return what had ended before it and was not told."""
        for lane in self._lanes:
            lane.clear()
        return self._told()

    def drop(self, request_ids: Container[int]) -> None:
        """Drop the rows of these requests, by ``id()``: nobody waits for them any more."""
        for lane in self._lanes:
            lane.drop(request_ids)

    def check_fits(self, prompt: Prompt) -> None:
        """Raise PromptTooLong if the prompt leaves no room for one token."""
        room = self._model.max_context - prompt.longest
        if room < 1:
            raise PromptTooLong(
                f"the prompt has {prompt.longest} tokens and the model's context holds "
                f"{self._model.max_context}, so there is no room for a reply; shorten the prompt"
            )

    def _limit(self, request: RolloutRequest) -> int:
        self.check_fits(request.prompt)
        room = self._model.max_context - request.prompt.longest
        return min(request.settings.max_tokens, room)

    def _reason(self, row: Row, token: int) -> StopReason | DecodingError | None:
        """Record the token and say why the row ends with it, if it does."""
        if token < 0:
            return DecodingError(
                f"the pair's logits are not finite at token {len(row.ids)} of a rollout at alpha "
                f"{row.request.settings.alpha}; try a smaller alpha, or float32 weights"
            )
        row.ids.append(token)
        if token in self._eos_ids:
            return "stop"
        if row.request.reached_stop is not None and row.request.reached_stop(row.ids):
            return "stop"
        if len(row.ids) < row.limit:
            return None
        return "max_tokens" if row.limit == row.request.settings.max_tokens else "model_length"
