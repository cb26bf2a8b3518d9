"""One engine per pair in the process, in a thread of its own, loaded at first use.

Inspect builds model instances freely, one per alpha and more, so weights live here. Requests of
all alphas, samples and epochs share the engine's batch.
"""

import asyncio
import atexit
import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio
from anyio import to_thread

from harness.allocator import release_unused
from harness.decoding.effort import Effort
from harness.decoding.engine import Engine
from harness.decoding.fixed_shape import FixedShape
from harness.decoding.rollout import Rollout, RolloutRequest
from harness.decoding.scheduler import BatchLimits, Scheduler
from harness.decoding.stability import is_bit_stable
from harness.errors import PromptTooLong
from harness.pairs.spec import PairSpec

if TYPE_CHECKING:
    from harness.pairs.loading import LoadedPair

_UNSTABLE = (
    "%s: on this machine a rollout's rounding depends on who else is in the batch, so a seed may "
    "give other tokens in another run; rates can be compared all the same. -M strict=true computes "
    "the same number of rows at every step; amplify bench flips counts the tokens that change"
)
_UNSTABLE_STRICT = (
    "%s: rounding depends on the batch even at a fixed number of rows, so a seed may give other "
    "tokens in another run; compare rates, not texts"
)

_log = logging.getLogger(__name__)

# Requests of one burst arrive within a millisecond or two of each other; waiting this long for
# the next one makes one batch of them.
_BURST_S = 0.03

# How long a process that ends waits for the step that is running: one of 96 rows takes half a
# second, reading 8,192 tokens of prompts ten.
_LAST_STEP_S = 20.0

# How often a worker that has nothing to do looks whether the process ends.
_IDLE_S = 0.5


class PairWorker:
    """Owns one pair's weights and engine; any number of tasks may ask it for rollouts."""

    def __init__(self, spec: PairSpec, limits: BatchLimits) -> None:
        self._spec = spec
        self._limits = limits
        self._loading = threading.Lock()
        self._serving: _Serving | None = None
        self._inbox: queue.SimpleQueue[_Waiting] = queue.SimpleQueue()
        self._asked: set[_Waiting] = set()
        self.n_loads = 0
        """How often weights were loaded: once, and again after each ``release``."""
        self.bit_stable: bool | None = None
        """Whether a spot check found the same bits in batches of several sizes; None where nothing
        was checked."""

    async def pair(self) -> "LoadedPair":
        """Return the loaded pair; the first caller loads it, in a thread."""
        serving = self._serving
        return serving.pair if serving else await to_thread.run_sync(self.load)

    def load(self) -> "LoadedPair":
        """Load the pair if it is not loaded yet, and start serving."""
        with self._loading:
            if self._serving is None:
                from harness.pairs.loading import load_pair

                pair = load_pair(self._spec)
                self.n_loads += 1
                max_rows = self._limits.rows_on(pair.model.device.type)
                fixed_rows = max_rows if self._limits.strict else None
                self._check(pair, max_rows)
                engine = Engine(pair.model, pair.chat.eos_ids, fixed_rows)
                scheduler = Scheduler(engine, self._limits)
                self._serving = _Serving(pair, scheduler, self._inbox, self._spec.name)
            return self._serving.pair

    def release(self) -> None:
        """Let go of the weights, unless somebody waits for a rollout; ``load`` loads them anew."""
        with self._loading:
            if self._serving is not None and not self._asked:
                self._serving.stop()
                self._serving = None
                release_unused()

    @property
    def effort(self) -> Effort:
        """What decoding has taken since the pair was loaded."""
        return self._serving.scheduler.effort if self._serving else Effort()

    def _check(self, pair: "LoadedPair", max_rows: int) -> None:
        """See whether rounding depends on the batch, and say so once where it does."""
        if self._spec.target.endpoint is not None:
            return  # a server's batches are its own
        strict = self._limits.strict
        model = FixedShape(pair.model, max_rows) if strict else pair.model
        self.bit_stable = is_bit_stable(model, max_rows)
        if not self.bit_stable:
            _log.warning(_UNSTABLE_STRICT if strict else _UNSTABLE, self._spec.name)

    async def rollout(self, request: RolloutRequest) -> Rollout:
        """Sample one rollout, in a batch with whatever else is asked for.

        Raises:
            PromptTooLong: if the prompt leaves no room for a reply.
            DecodingError: if the pair's logits are not numbers.
        """
        # A copy: the very same request may be asked for twice at a time.
        waiting = _Waiting(replace(request))
        self._asked.add(waiting)
        try:
            self._inbox.put(waiting)
            return await waiting.wait()
        finally:
            self._asked.discard(waiting)


class _Serving:
    """A loaded pair, and the thread that decodes from it until it is told to stop."""

    def __init__(
        self,
        pair: "LoadedPair",
        scheduler: Scheduler,
        inbox: "queue.SimpleQueue[_Waiting]",
        name: str,
    ) -> None:
        self.pair, self.scheduler = pair, scheduler
        self._ending = threading.Event()
        arguments = (scheduler, inbox, self._ending)
        self._thread = threading.Thread(
            target=_serve, args=arguments, name=f"amplify {name}", daemon=True
        )
        self._thread.start()
        # A thread that the interpreter's end catches inside torch takes the process down.
        atexit.register(self.stop)

    def stop(self) -> None:
        """Let the running step be the last one."""
        self._ending.set()
        self._thread.join(_LAST_STEP_S)
        atexit.unregister(self.stop)


_workers: dict[tuple[PairSpec, BatchLimits], PairWorker] = {}


def pair_worker(spec: PairSpec, limits: BatchLimits) -> PairWorker:
    """Return the process's worker for a pair; nothing is loaded yet."""
    return _workers.setdefault((spec, limits), PairWorker(spec, limits))


def release_others(worker: PairWorker) -> None:
    """Let go of the weights of every other pair that nobody waits for."""
    for other in list(_workers.values()):
        if other is not worker:
            other.release()


class _Waiting:
    """A request and the task that waits for its rollout, in whatever event loop it runs."""

    def __init__(self, request: RolloutRequest) -> None:
        self.request = request
        self.abandoned = False
        self._future: Future[Rollout] = Future()
        self._done = anyio.Event()
        self._call_soon = _call_soon()

    async def wait(self) -> Rollout:
        try:
            await self._done.wait()
        except BaseException:
            self.abandoned = True  # cancelled: the worker drops the row
            raise
        return self._future.result()

    def finish(self, outcome: Rollout | Exception) -> None:
        if isinstance(outcome, Exception):
            self._future.set_exception(outcome)
        else:
            self._future.set_result(outcome)
        try:
            # Not waited for: an event loop that is busy must not hold up everybody's decoding.
            self._call_soon(self._done.set)
        except RuntimeError:
            self.abandoned = True  # the event loop has ended, so nobody waits any more


def _call_soon() -> Callable[[Callable[[], object]], object]:
    """Return what runs a function in the current event loop, from any thread, without waiting."""
    try:
        return asyncio.get_running_loop().call_soon_threadsafe
    except RuntimeError:  # Inspect's other backend
        import trio

        run: Callable[[Callable[[], object]], object] = (
            trio.lowlevel.current_trio_token().run_sync_soon
        )
        return run


def _serve(
    scheduler: Scheduler, inbox: "queue.SimpleQueue[_Waiting]", ending: threading.Event
) -> None:
    """Decode whatever arrives, until the process ends."""
    waiting: dict[int, _Waiting] = {}
    while not ending.is_set():
        for newcomer in _arrivals(inbox, block=scheduler.idle):
            waiting[id(newcomer.request)] = newcomer
            try:
                scheduler.add(newcomer.request)
            except PromptTooLong as error:
                waiting.pop(id(newcomer.request)).finish(error)
        if scheduler.idle:
            continue
        abandoned = [one for one in waiting.values() if one.abandoned]
        if abandoned:
            scheduler.drop(one.request for one in abandoned)
            for one in abandoned:
                del waiting[id(one.request)]
        try:
            ended = scheduler.work()
        except Exception as error:  # out of memory and the like: everybody in flight is told
            scheduler.clear()
            for one in waiting.values():
                one.finish(error)
            waiting.clear()
            continue
        for request, outcome in ended:
            waiting.pop(id(request)).finish(outcome)


def _arrivals(inbox: "queue.SimpleQueue[_Waiting]", *, block: bool) -> list[_Waiting]:
    """Take what has arrived; with nothing else to do, wait for the first and for its burst."""
    arrived: list[_Waiting] = []
    while True:
        patience = _BURST_S if arrived else _IDLE_S
        try:
            arrived.append(inbox.get(timeout=patience) if block else inbox.get_nowait())
        except queue.Empty:
            return arrived
