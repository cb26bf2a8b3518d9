"""What rollouts cost that one model decides: at alpha 0 the target, at alpha -1 the baseline.

Run by hand: python benchmarks/one_side.py [DTYPE], float32 unless given. Rollouts of 24 tokens,
untraced: 48 prompts at one alpha; 10 prompts at three alphas, in one engine and in one each. All
take turns on one thread; what is printed is seconds, the median of three runs.
"""

import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from statistics import median

import torch

from harness.bench.methods import requests
from harness.bench.reference_loops import Asked
from harness.bench.work import Work
from harness.decoding.engine import Engine
from harness.pairs.loading import LoadedPair, load_pair
from harness.pairs.spec import resolve_pair

MANY, FEW, N_TOKENS, RUNS = 48, 10, 24, 3
ALPHAS = (0.0, -1.0, 1.0)

Group = tuple[float, int]
"""Alpha, and how many prompts are answered at it."""

# What is timed: the rollouts of each engine, one engine after the other.
CASES: dict[str, Sequence[Sequence[Group]]] = {
    **{f"{MANY} at alpha {alpha:g}": [[(alpha, MANY)]] for alpha in ALPHAS},
    f"{FEW} at each alpha, in one engine": [[(alpha, FEW) for alpha in ALPHAS]],
    f"{FEW} at each alpha, in one for each": [[(alpha, FEW)] for alpha in ALPHAS],
}


def seconds(pair: LoadedPair, engines: Sequence[Sequence[Group]]) -> float:
    """Decode; count computing time, which other processes don't lengthen."""
    prompts = Work.of(pair.chat).prompts
    asked = []
    for groups in engines:
        work = Asked(
            prompts=[prompts[i] for _, n in groups for i in range(n)],
            alphas=[alpha for alpha, n in groups for _ in range(n)],
            n_tokens=N_TOKENS,
        )
        asked.append(requests(work, 1, "engine_untraced"))
    start = time.process_time()
    for of_engine in asked:
        Engine(pair.model, frozenset()).run(of_engine)
    return time.process_time() - start


def main() -> None:
    """Print a table, a row for each case."""
    dtype = sys.argv[1] if len(sys.argv) > 1 else "float32"
    torch.set_num_threads(1)
    pair = load_pair(resolve_pair("refuser", {"device": "cpu", "dtype": dtype}))
    # Untimed: what is compiled at its first call is compiled now.
    seconds(pair, [[(alpha, 1)] for alpha in ALPHAS])
    took: dict[str, list[float]] = defaultdict(list)
    for number in range(RUNS):
        for name, engines in CASES.items():
            print(f"run {number + 1} of {RUNS}: {name}", file=sys.stderr)
            took[name].append(seconds(pair, engines))
    print(f"Rollouts of {N_TOKENS} tokens, {dtype}, seconds of computing\n")
    print("| rollouts | seconds |\n| --- | --- |")
    for name, runs in took.items():
        print(f"| {name} | {median(runs):.1f} |")


if __name__ == "__main__":
    main()
