"""How much memory a piece of work takes, seen from outside."""

import threading
from types import TracebackType
from typing import Self

import psutil

# One reading takes 20 us, so sampling costs the work a thousandth of its time.
_INTERVAL_S = 0.02


class PeakMemory:
    """Samples the process's resident set while a block runs.

    The growth over what was resident when the block began: weights that were loaded before count
    as nothing. Call :func:`harness.allocator.release_unused` beforehand.
    """

    def __init__(self) -> None:
        self.peak_mb = 0.0
        """Largest growth so far, in 1e6 bytes."""
        self._process = psutil.Process()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._before = 0

    def __enter__(self) -> Self:
        self._before = self._resident()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._note()

    def _watch(self) -> None:
        while not self._ended.wait(_INTERVAL_S):
            self._note()

    def _note(self) -> None:
        self.peak_mb = max(self.peak_mb, (self._resident() - self._before) / 1e6)

    def _resident(self) -> int:
        return int(self._process.memory_info().rss)
