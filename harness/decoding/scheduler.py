"""Which waiting requests join the batch, and when. Plain Python: no tensors, no threads."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from harness.decoding.engine import Engine
from harness.decoding.pair_model import Prompt
from harness.decoding.rollout import Rollout, RolloutRequest
from harness.errors import ConfigurationError, DecodingError


@dataclass(frozen=True, kw_only=True)
class BatchLimits:
    """How much is decoded at once."""

    max_rows: int = 96
    """Most rollouts in one batch."""
    max_cached_tokens: int = 32_768
    """Most tokens that one side's cache holds, padding included."""

    def __post_init__(self) -> None:
        for name in ("max_rows", "max_cached_tokens"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ConfigurationError(f"{name} must be a whole number above 0, not {value!r}")


class Scheduler:
    """Keeps an engine's batch filled from a queue.

    Joining copies the caches of everybody in the batch, so newcomers join in groups: when the
    batch is empty, or when a quarter of it is free.

    Args:
        engine: decodes.
        limits: of the batch; a single request is admitted however long it is.
    """

    def __init__(self, engine: Engine, limits: BatchLimits) -> None:
        self._engine = engine
        self._limits = limits
        # By prompt, in order of arrival: rollouts of one prompt join together and share prefill.
        self._waiting: dict[Prompt, deque[RolloutRequest]] = {}

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do."""
        return not self._waiting and not self._engine.n_rows

    def add(self, request: RolloutRequest) -> None:
        """Queue a request.

        Raises:
            PromptTooLong: if its prompt leaves no room for a reply.
        """
        self._engine.check_fits(request.prompt)
        self._waiting.setdefault(request.prompt, deque()).append(request)

    def drop(self, requests: Iterable[RolloutRequest]) -> None:
        """Forget requests that nobody waits for any more, queued or in the batch."""
        unwanted = {id(request) for request in requests}
        for prompt, requests_of_prompt in list(self._waiting.items()):
            kept = deque(r for r in requests_of_prompt if id(r) not in unwanted)
            self._waiting[prompt] = kept
            if not kept:
                del self._waiting[prompt]
        self._engine.drop(unwanted)

    def clear(self) -> None:
        """Forget everything, after an error."""
        self._waiting.clear()
        self._engine.abandon()

    def work(self) -> list[tuple[RolloutRequest, Rollout | DecodingError]]:
        """Admit who may join, decode one token for every row, return what ended with it."""
        free = self._limits.max_rows - self._engine.n_rows
        if self._waiting and (not self._engine.n_rows or 4 * free >= self._limits.max_rows):
            self._engine.admit(self._next_group(free))
        return self._engine.step()

    def _next_group(self, free: int) -> list[RolloutRequest]:
        """Take requests, prompt by prompt, while rows and cache room last."""
        group: list[RolloutRequest] = []
        longest = self._engine.longest_row
        while self._waiting and len(group) < free:
            prompt, requests = next(iter(self._waiting.items()))
            request = requests[0]
            longest = max(longest, self._engine.most_tokens(request))
            rows = self._engine.n_rows + len(group) + 1
            if rows > 1 and rows * longest > self._limits.max_cached_tokens:
                break
            group.append(requests.popleft())
            if not requests:
                del self._waiting[prompt]
        return group
