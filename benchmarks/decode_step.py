"""Where the time of a decoding step goes, with compiled loops and with torch's operations instead.

Run by hand: python benchmarks/decode_step.py [ROWS] [DTYPE], 72 and float32 unless given. Both ways
take turns on one thread, decoding the same 64 tokens a row with all traces; what is printed is the
mean of a step in milliseconds, the median of three runs.
"""

import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any
from unittest.mock import patch

import torch

from harness.bench.methods import requests
from harness.bench.work import Work
from harness.decoding import measure, vocabulary_sums
from harness.decoding.engine import Engine
from harness.decoding.step import StepTable
from harness.pairs import packing, passes
from harness.pairs.joint_linear import JointProduct
from harness.pairs.loading import LoadedPair, load_pair
from harness.pairs.norms import CompiledRMSNorm
from harness.pairs.product_pass import ProductPass
from harness.pairs.spec import resolve_pair

N_TOKENS = 64
RUNS = 3

PARTS = ("products", "adapters", "norms", "attention", "sampling and traces")
WAYS = {
    "compiled": (passes.CompiledTokenPass, vocabulary_sums._by_one_pass),
    "torch": (ProductPass, vocabulary_sums._by_torch),
}


@contextmanager
def timed(spent: dict[str, float], name: str, owner: Any, function: str) -> Iterator[None]:
    """Add up the seconds that a function takes."""
    inner = getattr(owner, function)

    def outer(*given: Any, **more: Any) -> Any:
        start = time.perf_counter()
        try:
            return inner(*given, **more)
        finally:
            spent[name] += time.perf_counter() - start

    with patch.object(owner, function, outer):
        yield


def run(pair: LoadedPair, way: str, rows: int) -> dict[str, float]:
    """Decode once; return milliseconds a step by part."""
    attention, sums = WAYS[way]
    asked = requests(Work.of(pair.chat).rows(rows, N_TOKENS), seed=1)
    spent: dict[str, float] = defaultdict(float)
    with (
        patch.object(passes, "can_attend", lambda *_: attention is passes.CompiledTokenPass),
        patch.object(measure, "vocabulary_sums", sums),
        timed(spent, "products", packing, "_multiply"),
        timed(spent, "adapters", JointProduct, "_add_by_loops"),
        timed(spent, "adapters", JointProduct, "_add_by_products"),
        timed(spent, "norms", CompiledRMSNorm, "forward"),
        timed(spent, "attention", attention, "attend"),
        timed(spent, "sampling and traces", StepTable, "step"),
    ):
        engine = Engine(pair.model, frozenset())
        engine.admit(asked)
        engine.step()
        spent.clear()
        start, steps = time.perf_counter(), 0
        while engine.n_rows:
            engine.step()
            steps += 1
        whole = time.perf_counter() - start
    found = {name: 1e3 * spent[name] / steps for name in PARTS}
    return {
        **found,
        "all else": 1e3 * whole / steps - sum(found.values()),
        "whole": 1e3 * whole / steps,
    }


def main() -> None:
    """Print a table, a row for each part."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 72
    dtype = sys.argv[2] if len(sys.argv) > 2 else "float32"
    torch.set_num_threads(1)
    pair = load_pair(resolve_pair("refuser", {"device": "cpu", "dtype": dtype}))
    runs: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for i in range(RUNS * len(WAYS)):
        way = list(WAYS)[i % len(WAYS)]
        print(f"run {i + 1} of {RUNS * len(WAYS)}: {way}", file=sys.stderr)
        runs[way].append(run(pair, way, rows))
    print(f"{rows} rows, {dtype}, milliseconds a step\n")
    print("| | " + " | ".join(WAYS) + " |")
    print("| --- " * (1 + len(WAYS)) + "|")
    for part in runs["torch"][0]:
        figures = [f"{median(one[part] for one in runs[way]):.1f}" for way in WAYS]
        print(f"| {part} | " + " | ".join(figures) + " |")


if __name__ == "__main__":
    main()
