"""Which waiting requests join the batch, and when. Plain Python: no tensors, no threads."""

import logging
import math
from collections import deque
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from harness.allocator import give_back
from harness.decoding.askers import Askers
from harness.decoding.effort import Effort
from harness.decoding.engine import Engine
from harness.decoding.rollout import Ended, RolloutRequest
from harness.errors import ConfigurationError, DecodingError

# Rows that may be free before newcomers join, as a share of the batch: reading one prompt takes
# about as long as a step of half a batch, so prompts join a few at a time.
_FREE_SHARE = 1 / 16

# Products reach the processor's limit at some hundred rows, and the fewer rows a batch has, the
# shorter is the stretch at a run's end in which most places are empty. A GPU needs more to be busy.
CPU_ROWS = 96
_GPU_ROWS = 512

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class BatchLimits:
    """How much is decoded at once."""

    max_rows: int | None = None
    """Most rollouts in one batch; None means 96 on a CPU and 512 elsewhere."""
    memory_gb: float | None = None
    """Memory for caches and logits, in 10**9 bytes; None means half of what is free at first."""
    strict: bool = False
    """Compute ``max_rows`` rows at every step, whatever number there is, and share no prompt, so
    that rounding can't tell who else is in the batch."""

    def __post_init__(self) -> None:
        rows, memory = self.max_rows, self.memory_gb
        if rows is not None and (not isinstance(rows, int) or isinstance(rows, bool) or rows < 1):
            raise ConfigurationError(f"max_rows must be a whole number above 0, not {rows!r}")
        if memory is not None and not _is_positive(memory):
            raise ConfigurationError(f"memory_gb must be a number above 0, not {memory!r}")
        if not isinstance(self.strict, bool):
            raise ConfigurationError(f"strict must be true or false, not {self.strict!r}")

    def rows_on(self, device_type: str) -> int:
        """Return the most rollouts in one batch on a kind of device, such as ``cpu``."""
        return self.max_rows or (CPU_ROWS if device_type == "cpu" else _GPU_ROWS)


class Scheduler:
    """Keeps an engine's batch filled from a queue.

    Identical requests that wait or run at the same time are decoded once.

    Where memory runs out all the same, the batch is halved and its rollouts begin again; their
    seeds make them the same ones.

    Args:
        engine: decodes.
        limits: of the batch; a single request is admitted however long it is.
    """

    def __init__(self, engine: Engine, limits: BatchLimits) -> None:
        self._engine = engine
        self._max_rows = limits.rows_on(engine.device.type)
        self._max_bytes = (
            engine.free_bytes() / 2 if limits.memory_gb is None else limits.memory_gb * 1e9
        )
        # In order of arrival: rollouts of one prompt and its sides join together and share prefill.
        self._waiting: dict[Hashable, deque[RolloutRequest]] = {}
        self._joining: list[RolloutRequest] = []
        self._askers = Askers()
        self._n_kept = 0

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do."""
        return not self._waiting and not self._engine.n_rows

    @property
    def waiting(self) -> list[RolloutRequest]:
        """What is to be decoded and has not joined the batch yet."""
        return [request for queue in self._waiting.values() for request in queue]

    @property
    def n_rows(self) -> int:
        """Rollouts in the batch."""
        return self._engine.n_rows

    @property
    def effort(self) -> Effort:
        """What decoding has taken so far."""
        return self._engine.effort

    @property
    def max_rows(self) -> int:
        """Most rollouts in one batch; less than was asked for once memory has run out."""
        return self._max_rows

    def add(self, request: RolloutRequest) -> None:
        """Queue a request.

        Raises:
            PromptTooLong: if its prompt leaves no room for a reply.
        """
        self._engine.check_fits(request.prompt)
        if self._askers.join(request):
            self._enqueue(request)

    def _enqueue(self, request: RolloutRequest) -> None:
        self._waiting.setdefault(self._engine.place(request), deque()).append(request)

    def drop(self, requests: Iterable[RolloutRequest]) -> None:
        """Forget requests that nobody waits for any more, queued or in the batch."""
        unwanted = {id(request) for request in self._askers.leave(requests)}
        for place, requests_of_place in list(self._waiting.items()):
            kept = deque(r for r in requests_of_place if id(r) not in unwanted)
            self._waiting[place] = kept
            if not kept:
                del self._waiting[place]
        self._engine.drop(unwanted)

    def clear(self) -> None:
        """Forget everything, after an error."""
        self._waiting.clear()
        self._askers.clear()
        self._engine.abandon()

    def work(self) -> list[Ended]:
        """Admit who may join, decode one token for every row, return who got what with it.

        Raises:
            MemoryError: or torch's own, if memory does not even hold one rollout.
        """
        try:
            self._admit()
            ended = self._engine.step()
        except (MemoryError, RuntimeError) as error:
            # Some that were joining may have joined already.
            each = {id(one): one for one in (*self._engine.requests, *self._joining)}
            if not _is_out_of_memory(error) or len(each) < 2:
                raise
            if self._engine.fixed_rows is not None:
                raise _too_many(self._engine.fixed_rows) from error
            ended = self._begin_again(list(each.values()))
        self._give_back(len(ended))
        return [
            told for request, outcome in ended for told in self._askers.answer(request, outcome)
        ]

    def _give_back(self, n_ended: int) -> None:
        """Now and then return the room of ended rollouts; on a GPU torch keeps its own."""
        self._n_kept += n_ended
        if 2 * self._n_kept >= self._max_rows and self._engine.device.type == "cpu":
            give_back()
            self._n_kept = 0

    def _admit(self) -> None:
        free = self._max_rows - self._engine.n_rows
        enough = max(1, math.floor(self._max_rows * _FREE_SHARE))
        if self._waiting and (not self._engine.n_rows or free >= enough):
            self._joining = self._next_group(free)
            self._engine.admit(self._joining)
            self._joining = []

    def _begin_again(self, in_flight: list[RolloutRequest]) -> list[Ended]:
        """Put what is being decoded back at the head of the queue, for smaller batches.

        Returns:
            What had ended before memory ran out.
        """
        self._max_rows = max(1, len(in_flight) // 2)
        _log.warning(
            "memory ran out with %d rollouts in a batch; they begin again, at most %d at a time",
            len(in_flight),
            self._max_rows,
        )
        queue = [*in_flight, *self.waiting]
        self._waiting, self._joining = {}, []
        ended = self._engine.abandon()
        for request in queue:
            self._enqueue(request)
        return ended

    def _next_group(self, free: int) -> list[RolloutRequest]:
        """Take requests, prompt by prompt, while rows and memory last."""
        group: list[RolloutRequest] = []
        extent = self._engine.extent
        while self._waiting and len(group) < free:
            place, requests = next(iter(self._waiting.items()))
            new_prompt = not group or self._engine.place(group[-1]) != place
            extent = extent.with_row(self._engine.extent_of(requests[0]), new_prompt=new_prompt)
            if extent.n_rows > 1 and self._engine.bytes_of(extent) > self._max_bytes:
                break
            group.append(requests.popleft())
            if not requests:
                del self._waiting[place]
        return group


def _too_many(fixed_rows: int) -> DecodingError:
    return DecodingError(
        f"strict decoding computes {fixed_rows} rows at every step, and memory does not hold them; "
        "with fewer, tokens may differ, so say how many: -M max_rows=..."
    )


def _is_out_of_memory(error: Exception) -> bool:
    """Recognise what torch raises on a GPU, on a CPU, and what Python itself raises."""
    name = type(error).__name__
    return name in ("MemoryError", "OutOfMemoryError") or "can't allocate memory" in str(error)


def _is_positive(number: object) -> bool:
    plain = isinstance(number, int | float) and not isinstance(number, bool)
    return plain and math.isfinite(number) and number > 0  # type: ignore[arg-type, operator]
