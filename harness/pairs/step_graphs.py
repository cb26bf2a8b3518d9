"""Steps that a GPU has recorded, since those of a small model wait for Python.

A step is a thousand small operations and more, each of which the host needs longer to ask for than
the GPU to do. Recorded as a CUDA graph they are asked for at once, on the same memory each time:
what changes from step to step is copied there before. Sizes are rounded up so that a graph serves
many steps, and what rows beyond the real ones would say is left out.

A recording is used only after it has given, one step later and with other tokens, what the model
gives; where it does not, or can't be made (a mixture of experts asks the host where each token
goes), steps are taken one operation at a time, and a warning says why.
"""

import logging
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

import torch
from torch import Tensor

from harness.pairs.attention import Pass
from harness.pairs.product_pass import ProductPass, RowIndices, StepShape, roomy_rows
from harness.pairs.row_cache import RowCache

# Recordings that are kept: each holds its own results, and the memory in between is shared.
_MOST_GRAPHS = 16

# How far logits may differ between a recorded step and the same one by single operations, relative
# and in logits: the library may choose other products. A wrong token or place moves them by more.
_TOLERANCE = {torch.float32: 1e-3, torch.float16: 2e-2, torch.bfloat16: 1e-1}

_log = logging.getLogger(__name__)

_recording: ContextVar[bool] = ContextVar("amplify_recording", default=True)

Forward = Callable[[Tensor, Tensor, RowCache, Pass], Tensor]
"""Take ids and positions, both [rows, 1], what has been read, and how to attend; return logits,
[rows, 1, vocab]."""


@contextmanager
def one_by_one() -> Iterator[None]:
    """Take steps inside one operation at a time, as where nothing can be recorded."""
    token = _recording.set(False)
    try:
        yield
    finally:
        _recording.reset(token)


class Graph(Protocol):
    """Operations that are recorded once and done again on the same memory."""

    def record(self, run: Callable[[], Tensor]) -> Tensor:
        """Record what ``run`` does; return where its result will be."""

    def replay(self) -> None:
        """Do it again."""


class CudaGraph:
    """A CUDA graph.

    Args:
        device: whose operations are recorded.
        pool: of memory that graphs share, since they take turns.
    """

    def __init__(self, device: torch.device, pool: Any) -> None:
        self._device, self._pool = device, pool
        self._graph = torch.cuda.CUDAGraph()

    def record(self, run: Callable[[], Tensor]) -> Tensor:
        """Record what ``run`` does, without doing it."""
        # Other threads go on using the GPU.
        mode = "thread_local"
        with (
            torch.cuda.device(self._device),
            torch.cuda.graph(self._graph, pool=self._pool, capture_error_mode=mode),
        ):
            return run()

    def replay(self) -> None:
        """Do it again, on the current stream."""
        with torch.cuda.device(self._device):
            self._graph.replay()


def graph_maker(device: torch.device) -> Callable[[], Graph] | None:
    """Return what makes graphs for a device, or None where there are none."""
    if device.type != "cuda":
        return None
    pool = torch.cuda.graph_pool_handle()
    return lambda: CudaGraph(device, pool)


class StepGraphs:
    """Reads one further token of every row, by a recording where there is one.

    Args:
        forward: one pass of the model.
        device: of the model, all of it.
        new_graph: makes a graph without anything in it.
    """

    def __init__(
        self, forward: Forward, device: torch.device, new_graph: Callable[[], Graph]
    ) -> None:
        self._forward, self._device, self._new_graph = forward, device, new_graph
        self._recorded: dict[tuple[int, StepShape], _Recording] = {}
        self._seen: tuple[StepShape, _Stores] | None = None
        self._in_use = True

    @property
    def _records(self) -> bool:
        return self._in_use and _recording.get()

    def rows_of_step(self, rows: int) -> int:
        """Return the rows that are computed for so many."""
        return roomy_rows(rows) if self._records else rows

    @torch.inference_mode()
    def read(self, cache: RowCache, tokens: Tensor) -> Tensor:
        """Read one further token per row, [rows]; return the logits, [rows, vocab]."""
        shape = StepShape.of(cache)
        if not self._records:
            return self._run(cache, *self._inputs(cache, shape, tokens))
        shape = shape.roomy()
        recording = self._recording_of(cache, shape)
        if recording is None:
            return self._first_steps(cache, shape, tokens)[: len(cache)]
        recording.fill(cache, tokens)
        logits = recording.replay()
        if not recording.trusted:
            logits = self._checked(recording, cache, logits)
        return logits[: len(cache)]

    def _first_steps(self, cache: RowCache, shape: StepShape, tokens: Tensor) -> Tensor:
        """Take a step by single operations, and record it if the last one was of its kind."""
        before = self._seen
        inputs = self._inputs(cache, shape, tokens)
        logits = self._run(cache, *inputs)
        stores = _Stores(cache)
        if before is not None and before[0] == shape and before[1].are_those_of(cache):
            self._record(cache, _Recording(self._new_graph(), stores, *inputs))
        self._seen = shape, stores
        return logits

    def _inputs(
        self, cache: RowCache, shape: StepShape, tokens: Tensor
    ) -> tuple[RowIndices, Tensor]:
        padded = tokens.new_zeros(shape.rows)
        padded[: len(tokens)] = tokens
        return RowIndices.of(cache, shape).to(self._device), padded

    def _run(self, cache: RowCache, indices: RowIndices, tokens: Tensor) -> Tensor:
        positions = (indices.prompts + indices.replies).unsqueeze(-1)
        return self._forward(tokens.unsqueeze(-1), positions, cache, ProductPass(indices))[:, -1]

    def _record(self, cache: RowCache, recording: "_Recording") -> None:
        try:
            recording.record(lambda: self._run(cache, recording.indices, recording.tokens))
        except RuntimeError as error:
            self._give_up(f"can't be recorded ({str(error).strip().splitlines()[0]})")
            return
        key = (id(cache), recording.indices.shape)
        self._recorded[key] = recording
        # With the cache goes what was recorded on its memory.
        weakref.finalize(cache, self._recorded.pop, key, None)
        while len(self._recorded) > _MOST_GRAPHS:
            del self._recorded[next(iter(self._recorded))]

    def _recording_of(self, cache: RowCache, shape: StepShape) -> "_Recording | None":
        key = (id(cache), shape)
        recording = self._recorded.pop(key, None)
        if recording is None or not recording.stores.are_those_of(cache):
            return None
        self._recorded[key] = recording  # as the one that was used last
        return recording

    def _checked(self, recording: "_Recording", cache: RowCache, replayed: Tensor) -> Tensor:
        """Take the step once more by single operations, and compare."""
        logits = self._run(cache, recording.indices, recording.tokens)
        n, tolerance = len(cache), _TOLERANCE[logits.dtype]
        if torch.allclose(
            replayed[:n].float(), logits[:n].float(), rtol=tolerance, atol=tolerance, equal_nan=True
        ):
            recording.trusted = True
        else:
            off = float((replayed[:n].float() - logits[:n].float()).abs().max())
            self._give_up(f"gave logits that are {off:.3g} off when it was replayed")
        return logits

    def _give_up(self, why: str) -> None:
        self._in_use = False
        self._recorded.clear()
        _log.warning("a step of this model %s; it takes one operation at a time, slower", why)


class _Stores:
    """The memory that a cache's keys and values lie in, without keeping it."""

    def __init__(self, cache: RowCache) -> None:
        self._all = [weakref.ref(store.data) for store in cache.stores]

    def are_those_of(self, cache: RowCache) -> bool:
        stores = cache.stores
        return len(stores) == len(self._all) and all(
            kept() is store.data for kept, store in zip(self._all, stores, strict=True)
        )


class _Recording:
    """One recorded step: where its inputs are put and its result is found."""

    def __init__(self, graph: Graph, stores: _Stores, indices: RowIndices, tokens: Tensor) -> None:
        self.stores, self.indices, self.tokens = stores, indices, tokens
        self.trusted = False
        self._graph = graph
        self._output: Tensor | None = None
        self._version: int | None = None

    def record(self, run: Callable[[], Tensor]) -> None:
        self._output = self._graph.record(run)

    def fill(self, cache: RowCache, tokens: Tensor) -> None:
        """Put in what this step reads."""
        shape = self.indices.shape
        if self._version != cache.version:
            self.indices.kept.copy_(RowIndices.kept_of(cache, shape))
            self._version = cache.version
        replies = torch.tensor(cache.reply_lengths, dtype=torch.int64)
        self.indices.replies[: len(replies)].copy_(replies, non_blocking=True)
        self.tokens[: len(tokens)].copy_(tokens)

    def replay(self) -> Tensor:
        """Return the logits, [rows, vocab], in memory of their own."""
        self._graph.replay()
        assert self._output is not None
        return self._output.clone()
