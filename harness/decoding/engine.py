"""The decoding loop: requests in, rollouts out, any mixture of settings in one batch.

Knows when a row is admitted, when it ends and what it leaves behind. Knows no text: whether a
stop string was reached is asked of the request.
"""

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from harness.decoding.amplification import amplify
from harness.decoding.pair_model import PairLogits, PairModel, PairState, Prompt
from harness.decoding.sampling import SamplingTable, draw, uniform_stream
from harness.decoding.settings import RolloutSettings
from harness.decoding.trace import TRACE_FIELDS, StepLogits, Trace, measure_step
from harness.errors import DecodingError, PromptTooLong

StopReason = Literal["stop", "max_tokens", "model_length"]

# Tokens per side, padding included, that one forward pass reads of prompts: its activations and
# attention scores take memory that grows with them.
_PREFILL_TOKENS = 8192

# Stands for minus infinity, which some models give to padded vocabulary entries: the difference
# of two infinities is NaN. exp(-1e4) is 0 in float32.
_LOWEST_LOGIT = -1e4


class Alternatives(NamedTuple):
    """The likeliest tokens of one step under the amplified distribution at temperature 1."""

    ids: tuple[int, ...]
    logps_nats: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class RolloutRequest:
    """One rollout to be sampled."""

    prompt: Prompt
    settings: RolloutSettings
    reached_stop: Callable[[Sequence[int]], bool] | None = None
    """Asked after each token, with all ids so far, whether a stop string has been reached."""


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """One sampled reply."""

    ids: tuple[int, ...]
    """Sampled token ids, a closing end-of-sequence token included."""
    stop_reason: StopReason
    """Why it ended: end-of-sequence or stop string, token limit, or the model's context."""
    trace: Trace
    """One row of figures per id."""
    alternatives: tuple[Alternatives, ...] = ()
    """One per id where the settings asked for them."""


@dataclass(eq=False)
class _Row:
    """A request that is being decoded."""

    request: RolloutRequest
    limit: int
    """Most tokens that it may sample, by its settings and by the context."""
    ids: list[int] = field(default_factory=list)
    alternatives: list[Alternatives] = field(default_factory=list)


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
        self._batch: _Batch | None = None

    @property
    def n_rows(self) -> int:
        """Rows that are being decoded."""
        return len(self._batch.rows) if self._batch else 0

    @property
    def longest_row(self) -> int:
        """Tokens that the longest row may come to hold, prompt and reply together."""
        rows = self._batch.rows if self._batch else []
        return max((row.request.prompt.longest + row.limit for row in rows), default=0)

    def most_tokens(self, request: RolloutRequest) -> int:
        """Tokens that a request may come to hold: its prompt and the reply that still fits."""
        return min(request.prompt.longest + request.settings.max_tokens, self._model.max_context)

    def admit(self, requests: Sequence[RolloutRequest]) -> None:
        """Read the requests' prompts, each distinct one once, and add them as rows.

        Raises:
            PromptTooLong: if a prompt leaves no room for one token; nothing is admitted then.
        """
        if not requests:
            return
        rows = [_Row(request, self._limit(request)) for request in requests]
        distinct = {request.prompt: None for request in requests}
        index = {prompt: i for i, prompt in enumerate(distinct)}
        state, logits = self._read(list(distinct))
        fan_out = torch.tensor([index[r.prompt] for r in requests], device=self._model.device)
        state.select(fan_out)
        newcomers = _Batch.of(rows, state, PairLogits(*(side[fan_out] for side in logits)))
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
        tokens = batch.sample()
        finished: list[tuple[RolloutRequest, Rollout | DecodingError]] = []
        going_on = []
        for i, (row, token) in enumerate(zip(batch.rows, tokens, strict=True)):
            ended = self._ended(row, token)
            if ended is None:
                going_on.append(i)
            elif isinstance(ended, DecodingError):
                finished.append((row.request, ended))
            else:
                finished.append((row.request, batch.rollout(i, ended)))
        if finished:
            batch.select(going_on)
        if batch.rows:
            batch.logits = self._model.read_tokens(batch.state, batch.last_tokens())
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
        kept = [i for i, row in enumerate(self._batch.rows) if id(row.request) not in request_ids]
        if len(kept) < self.n_rows:
            self._batch.select(kept, with_logits=True)
            if not kept:
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

    def _ended(self, row: _Row, token: int) -> StopReason | DecodingError | None:
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


@dataclass(eq=False)
class _Batch:
    """The rows in flight and their tensors, all with one entry per row."""

    rows: list[_Row]
    state: PairState
    logits: PairLogits
    alpha: Tensor
    sampling: SamplingTable
    uniform: Tensor
    """Each row's random numbers, [rows, steps], float64."""
    tokens: Tensor
    """Sampled ids, [rows, steps], int64."""
    figures: Tensor
    """[rows, steps, fields], float32."""

    @classmethod
    def of(cls, rows: list[_Row], state: PairState, logits: PairLogits) -> "_Batch":
        device = logits.target.device
        steps = max(row.limit for row in rows)
        settings = [row.request.settings for row in rows]
        streams = [uniform_stream(one.seed, steps) for one in settings]
        return cls(
            rows=rows,
            state=state,
            logits=logits,
            alpha=torch.tensor([[one.alpha] for one in settings], device=device),
            sampling=SamplingTable.of(settings, device),
            uniform=torch.stack(streams).to(device),
            tokens=torch.zeros(len(rows), steps, dtype=torch.int64, device=device),
            figures=torch.zeros(len(rows), steps, len(TRACE_FIELDS), device=device),
        )

    def sample(self) -> list[int]:
        """Draw and record one token per row; -1 stands for logits that are not finite."""
        target, baseline = (side.float().clamp(min=_LOWEST_LOGIT) for side in self.logits)
        amplified = amplify(target, baseline, self.alpha)
        at = torch.arange(len(self.rows), device=target.device)
        step = torch.tensor([len(row.ids) for row in self.rows], device=target.device)
        drawn = draw(amplified, self.sampling, self.uniform[at, step])
        logits = StepLogits(target, baseline, amplified, self.alpha)
        figures = measure_step(logits, drawn.tokens, drawn.logp)
        self.tokens[at, step] = drawn.tokens
        self.figures[at, step] = figures
        self._record_alternatives(amplified)
        finite = figures.isfinite().all(-1)
        # The one transfer to the host in a step.
        return torch.where(finite, drawn.tokens, -1).tolist()

    def _record_alternatives(self, amplified: Tensor) -> None:
        asked = [i for i, row in enumerate(self.rows) if row.request.settings.top_logprobs]
        if not asked:
            return
        most = max(self.rows[i].request.settings.top_logprobs for i in asked)
        best = amplified[asked].log_softmax(-1).topk(min(most, amplified.shape[-1]), dim=-1)
        for i, ids, logps in zip(asked, best.indices.tolist(), best.values.tolist(), strict=True):
            count = self.rows[i].request.settings.top_logprobs
            self.rows[i].alternatives.append(Alternatives(tuple(ids[:count]), tuple(logps[:count])))

    def last_tokens(self) -> Tensor:
        """Return each row's latest token, [rows], int64."""
        at = torch.arange(len(self.rows), device=self.tokens.device)
        last = torch.tensor([len(row.ids) - 1 for row in self.rows], device=self.tokens.device)
        return self.tokens[at, last]

    def rollout(self, i: int, reason: StopReason) -> Rollout:
        row = self.rows[i]
        return Rollout(
            ids=tuple(row.ids),
            stop_reason=reason,
            trace=Trace(self.figures[i, : len(row.ids)].cpu()),
            alternatives=tuple(row.alternatives),
        )

    def select(self, kept: list[int], *, with_logits: bool = False) -> None:
        """Keep these rows; the logits only where they will be sampled from, not replaced."""
        self.rows = [self.rows[i] for i in kept]
        if not kept:
            return
        rows = torch.tensor(kept, device=self.alpha.device)
        self.state.select(rows)
        if with_logits:
            self.logits = PairLogits(*(side[rows] for side in self.logits))
        self.alpha, self.uniform = self.alpha[rows], self.uniform[rows]
        self.tokens, self.figures = self.tokens[rows], self.figures[rows]
        self._tabulate()

    def join(self, other: "_Batch") -> None:
        """Take over another batch's rows."""
        self.rows += other.rows
        self.state.join(other.state)
        self.logits = PairLogits(
            *(torch.cat(sides) for sides in zip(self.logits, other.logits, strict=True))
        )
        self.alpha = torch.cat([self.alpha, other.alpha])
        self.uniform = _stack_steps(self.uniform, other.uniform)
        self.tokens = _stack_steps(self.tokens, other.tokens)
        self.figures = _stack_steps(self.figures, other.figures)
        self._tabulate()

    def _tabulate(self) -> None:
        settings = [row.request.settings for row in self.rows]
        self.sampling = SamplingTable.of(settings, self.alpha.device)


def _stack_steps(first: Tensor, second: Tensor) -> Tensor:
    """Stack rows of [rows, steps, ...] whose steps may differ, padding the shorter with zeros."""
    steps = max(first.shape[1], second.shape[1])
    padded = []
    for part in (first, second):
        room = part.new_zeros(len(part), steps, *part.shape[2:])
        room[:, : part.shape[1]] = part
        padded.append(room)
    return torch.cat(padded)
