"""The decoding loop: requests in, rollouts out, any mixture of settings in one batch.

Knows when a row is admitted, when it ends and what it leaves behind. Knows no text: whether a
stop string was reached is asked of the request.
"""

from collections.abc import Container, Iterator, Sequence
from typing import Any, NamedTuple

import torch

from harness.decoding.batch import Batch, Row
from harness.decoding.effort import Effort
from harness.decoding.pair_model import PairLogits, PairModel, Prompt
from harness.decoding.rollout import Rollout, RolloutRequest, StopReason
from harness.errors import DecodingError, PromptTooLong

# Tokens per side, padding included, that one forward pass reads of prompts: its activations and
# attention scores take memory that grows with them.
_PREFILL_TOKENS = 8192


# Of one row and vocabulary entry, at the peak of a step: both sides' logits as the model gives
# them, in float32, and once more while rows are added.
_BYTES_PER_LOGIT = 24


class Extent(NamedTuple):
    """The size of a batch, each number of tokens the largest of its rows': all are padded to it."""

    n_prompts: int
    longest_prompt: int
    n_rows: int
    longest_reply: int

    def with_row(self, row: "Extent", *, new_prompt: bool) -> "Extent":
        """Add one row, and its prompt where no row has it yet."""
        return Extent(
            self.n_prompts + new_prompt,
            max(self.longest_prompt, row.longest_prompt),
            self.n_rows + 1,
            max(self.longest_reply, row.longest_reply),
        )


class Engine:
    """Continues all admitted rows by one token a step; a finished row leaves the batch.

    Rows are independent: each has its own alpha, sampling settings, seed and limits, and its
    random numbers come from (seed, step) alone.

    Args:
        model: the pair.
        eos_ids: tokens that end a reply.
    """

    def __init__(self, model: PairModel[Any], eos_ids: frozenset[int]) -> None:
        self._model = model
        self._eos_ids = eos_ids
        self._batch: Batch | None = None
        self.effort = Effort()
        """What decoding has taken so far."""

    @property
    def n_rows(self) -> int:
        """Rows that are being decoded."""
        return len(self._batch.rows) if self._batch else 0

    @property
    def device(self) -> torch.device:
        """Where the pair is."""
        return self._model.device

    @property
    def requests(self) -> list[RolloutRequest]:
        """What is being decoded."""
        return [row.request for row in self._batch.rows] if self._batch else []

    @property
    def extent(self) -> Extent:
        """What the rows may come to hold."""
        rows = self._batch.rows if self._batch else []
        return Extent(
            n_prompts=len({row.request.prompt for row in rows}),
            longest_prompt=max((row.request.prompt.longest for row in rows), default=0),
            n_rows=len(rows),
            longest_reply=max((row.limit for row in rows), default=0),
        )

    def extent_of(self, request: RolloutRequest) -> Extent:
        """What one request may come to hold: its prompt and the reply that still fits."""
        return Extent(1, request.prompt.longest, 1, self._limit(request))

    def bytes_of(self, extent: Extent) -> int:
        """Memory that rows of an extent take: keys, values and logits, of both sides."""
        tokens = extent.n_prompts * extent.longest_prompt + extent.n_rows * extent.longest_reply
        logits = extent.n_rows * self._model.vocab_size * _BYTES_PER_LOGIT
        return tokens * self._model.bytes_per_token + logits

    def free_bytes(self) -> int:
        """Memory that is free where the pair is."""
        return self._model.free_bytes()

    def admit(self, requests: Sequence[RolloutRequest]) -> None:
        """Read the requests' prompts, each distinct one once, and add them as rows.

        Raises:
            PromptTooLong: if a prompt leaves no room for one token; nothing is admitted then.
        """
        if not requests:
            return
        rows = [Row(request, self._limit(request)) for request in requests]
        distinct = {request.prompt: None for request in requests}
        index = {prompt: i for i, prompt in enumerate(distinct)}
        state, logits = self._read(list(distinct))
        fan_out = [index[one.prompt] for one in requests]
        state.select(fan_out)
        newcomers = Batch(rows, state, PairLogits(*(side[fan_out] for side in logits)))
        if self._batch is None:
            self._batch = newcomers
        else:
            self._batch.join(newcomers)

    def _read(self, prompts: list[Prompt]) -> tuple[Any, PairLogits]:
        """Read prompts in parts of bounded size, each part padded to its own longest."""
        state: Any = None
        logits: list[PairLogits] = []
        for part in _parts(prompts, _PREFILL_TOKENS):
            part_state, part_logits = self._model.read_prompts(part)
            logits.append(part_logits)
            if state is None:
                state = part_state
            else:
                state.join(part_state)
        return state, PairLogits(*(torch.cat(side) for side in zip(*logits, strict=True)))

    def step(self) -> list[tuple[RolloutRequest, Rollout | DecodingError]]:
        """Sample one token for every row and return what ended with it.

        A row whose logits are not numbers ends with an error; the others go on.
        """
        batch = self._batch
        if batch is None:
            return []
        self.effort = self.effort.plus(Effort(steps=1, row_steps=len(batch.rows)))
        tokens = batch.sample()
        finished: list[tuple[RolloutRequest, Rollout | DecodingError]] = []
        ended_rows = []
        for i, (row, token) in enumerate(zip(batch.rows, tokens, strict=True)):
            ended = self._ended(row, token)
            if ended is None:
                continue
            ended_rows.append(i)
            if isinstance(ended, DecodingError):
                finished.append((row.request, ended))
                continue
            finished.append((row.request, batch.rollout(i, ended)))
            self.effort = self.effort.plus(Effort(useful_tokens=len(row.ids)))
        if ended_rows:
            batch.remove(ended_rows)
        if batch.rows:
            batch.logits = self._model.read_tokens(batch.state, batch.last_tokens)
        else:
            self._batch = None
        return finished

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

    def abandon(self) -> None:
        """Drop every row, after an error."""
        self._batch = None

    def drop(self, request_ids: Container[int]) -> None:
        """Drop the rows of these requests, by ``id()``: nobody waits for them any more."""
        if self._batch is None:
            return
        unwanted = [i for i, row in enumerate(self._batch.rows) if id(row.request) in request_ids]
        if unwanted:
            self._batch.remove(unwanted)
        if not self._batch.rows:
            self._batch = None

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

    def _ended(self, row: Row, token: int) -> StopReason | DecodingError | None:
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


def _parts(prompts: Sequence[Prompt], budget: int) -> Iterator[list[Prompt]]:
    """Split prompts so that a part's rows times its longest prompt stay within the budget."""
    part: list[Prompt] = []
    for prompt in prompts:
        longest = max(one.longest for one in (*part, prompt))
        if part and (len(part) + 1) * longest > budget:
            yield part
            part = []
        part.append(prompt)
    if part:
        yield part
