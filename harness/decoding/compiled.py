"""Loops compiled for the CPU's vector units: how they are compiled, kept and called.

For what a library of tensors does in many small steps with copies between them. numba compiles a
loop at its first call, for each kind of arrays, and brings all that it needs. The loops stand in
the files that end in ``_kernels.py``. They know arrays, whose meaning is known where one is called.
"""

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numba
import torch

from harness.cache_folder import cache_folder

# Sums may be split over vector lanes; infinities and NaN keep their meaning.
_OPTIONS: dict[str, Any] = {
    "fastmath": {"reassoc", "contract", "nsz", "arcp"},
    "error_model": "numpy",
    "nogil": True,
}

# Not every threading layer of numba's lets two threads of Python in at once.
_one_at_a_time = threading.Lock()

inlined: Callable[[Any], Any] = numba.njit(inline="always", **_OPTIONS)
"""Compile as a part of whatever calls it."""


def compiled(*, parallel: bool = False) -> Callable[[Any], Any]:
    """Compile at the first call, and keep what came of it on disk where that can be written.

    Args:
        parallel: whether ``prange`` is shared among threads; such a function is called by
            :func:`on_threads`.
    """

    def wrap(function: Any) -> Any:
        try:
            with _kept_by_content():
                return numba.njit(cache=True, parallel=parallel, **_OPTIONS)(function)
        except RuntimeError:  # no folder to keep it in
            return numba.njit(parallel=parallel, **_OPTIONS)(function)

    return wrap


@contextmanager
def _kept_by_content() -> Iterator[None]:
    """Let numba keep what it compiles in a folder of its own for each state of the loops' files.

    By itself it compiles a function anew when the function's own file has changed, and not when
    another file has whose functions became a part of it.
    """
    config: Any = numba.config
    before = config.CACHE_DIR
    root = Path(before) if before else cache_folder("compiled")
    config.CACHE_DIR = str(root / _digest())
    try:
        yield
    finally:
        config.CACHE_DIR = before


@cache
def _digest() -> str:
    here = Path(__file__)
    files = [*here.parents[1].rglob("*_kernels.py"), here.with_name("inlined.py"), here]
    contents = (hashlib.sha256(file.read_bytes()).digest() for file in sorted(files))
    return hashlib.sha256(b"".join(contents)).hexdigest()[:16]


def on_threads(function: Any, *arguments: Any) -> None:
    """Call a parallel function on as many threads as torch uses."""
    with _one_at_a_time:
        most = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]
        n_threads = torch.get_num_threads()
        numba.set_num_threads(min(n_threads, most))
        function(*arguments)
        # Where both use one OpenMP, numba's first call sets its number of threads for torch too.
        if torch.get_num_threads() != n_threads:
            torch.set_num_threads(n_threads)


def as_array(states: torch.Tensor) -> Any:
    """View a tensor as an array; numpy has no bfloat16, whose bits are a float32's upper half."""
    return (states.view(torch.uint16) if states.dtype == torch.bfloat16 else states).numpy()
