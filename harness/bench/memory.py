"""How much memory a piece of work takes."""

import re
import threading
from pathlib import Path
from typing import ClassVar, Self

import psutil
import torch

# Where the system keeps no high-water mark that can be reset.
_INTERVAL_S = 0.02

_RESET = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")


class PeakMemory:
    """The most that the process's resident set grows while a block runs.

    The growth over what was resident when the block began: weights that were loaded before count
    as nothing. Linux keeps the peak by itself; elsewhere a thread looks every 20 ms. Call
    :func:`harness.allocator.release_unused` beforehand. Blocks may stand within each other.
    """

    _open: ClassVar[list["PeakMemory"]] = []

    def __init__(self) -> None:
        self.peak_mb = 0.0
        """Largest growth so far, in 1e6 bytes; of a block that has ended, the largest."""
        self._process = psutil.Process()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._marked = False
        self._before = 0

    def __enter__(self) -> Self:
        for outer in self._open:
            outer._note()
        self._marked = _reset_mark()
        self._before = self._process.memory_info().rss
        self._open.append(self)
        if not self._marked:
            self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        if not self._marked:
            self._thread.join()
        self._note()
        self._open.remove(self)

    def _watch(self) -> None:
        while not self._ended.wait(_INTERVAL_S):
            self._note()

    def _note(self) -> None:
        most = _high_water_mark() if self._marked else self._process.memory_info().rss
        self.peak_mb = max(self.peak_mb, (most - self._before) / 1e6)


class PeakGpuMemory:
    """The most that torch's tensors on a GPU grow while a block runs.

    Args:
        device: the GPU.
    """

    def __init__(self, device: torch.device) -> None:
        self.peak_mb = 0.0
        """Of a block that has ended, in 1e6 bytes."""
        self._device = device
        self._before = 0

    def __enter__(self) -> Self:
        torch.cuda.reset_peak_memory_stats(self._device)
        self._before = torch.cuda.memory_allocated(self._device)
        return self

    def __exit__(self, *error: object) -> None:
        self.peak_mb = (torch.cuda.max_memory_allocated(self._device) - self._before) / 1e6


def peak_memory(device: torch.device) -> PeakMemory | PeakGpuMemory:
    """Return what measures memory where a pair is."""
    return PeakGpuMemory(device) if device.type == "cuda" else PeakMemory()


def _reset_mark() -> bool:
    """Let the mark begin at what is resident now; False where there is none."""
    try:
        _RESET.write_text("5")  # see proc(5)
        _high_water_mark()
    except (OSError, AttributeError):
        return False
    return True


def _high_water_mark() -> int:
    """Return the most that was resident since the last reset, in bytes."""
    found = re.search(r"^VmHWM:\s+(\d+) kB", _STATUS.read_text(), re.MULTILINE)
    if found is None:
        raise AttributeError("VmHWM")
    return 1024 * int(found[1])
