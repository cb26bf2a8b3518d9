"""One fresh process that reads a run and analyses it, and says what each stage took.

Run as ``python -m harness.bench.analysis_stages FOLDER``; the last line of its output is JSON.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def measure(folder: Path) -> dict[str, float]:
    """Read and analyse everything under a folder.

    Returns:
        Seconds per stage; ``cpu_s``, what the process computed in all, which is less where the
        core was shared; ``peak_mb``, the largest resident set in 1e6 bytes, imports and all.
    """
    took: dict[str, float] = {}
    with _timed(took, "import_s"):
        from harness.analysis.frame import read_frame, rollouts
        from harness.analysis.results import analyse, results_json
    with _timed(took, "read_logs_s"):
        frame = read_frame(folder)
    with _timed(took, "analyse_s"):
        results = analyse(frame, log_dir=folder)
    with _timed(took, "json_s"):
        results_json(results)
    each = rollouts(frame)
    took["rollouts"] = len(each)
    took["trace_tokens"] = int(each["n_tokens"].sum())
    took["cpu_s"] = time.process_time()
    took["peak_mb"] = _peak_bytes() / 1e6
    return took


@contextmanager
def _timed(took: dict[str, float], stage: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    took[stage] = time.perf_counter() - start


def _peak_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # In kilobytes, but for macOS.
    return peak if sys.platform == "darwin" else 1024 * peak


def _on_one_core() -> None:
    """Keep to one core, where the system can be told; arrow and BLAS then start no more threads."""
    pin: Callable[[int, set[int]], None] | None = getattr(os, "sched_setaffinity", None)
    if pin is not None:
        pin(0, {min(os.sched_getaffinity(0))})


if __name__ == "__main__":
    _on_one_core()
    print(json.dumps(measure(Path(sys.argv[1]))))
