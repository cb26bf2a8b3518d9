"""The size of the experiment by hand that this project began with, decoded to its ends.

Replies end with end-of-sequence tokens here, so their lengths differ: the engine's scheduler keeps
the batch filled, and the loop over single rows is timed on a sample.
"""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch

from harness.bench.methods import requests
from harness.bench.reference_loops import Asked, Sides, single_loop
from harness.bench.work import ALPHAS, Work
from harness.decoding.engine import Engine
from harness.decoding.pair_model import PairModel
from harness.decoding.rollout import Rollout
from harness.decoding.scheduler import BatchLimits, Scheduler


@dataclass(frozen=True, kw_only=True)
class SeedSweep:
    """How much is decoded."""

    n_prompts: int = 24
    """Distinct prompts, each at all six strengths."""
    n_runs: int = 3
    """Rollouts per prompt and strength."""
    max_tokens: int = 128
    """Most tokens of a reply."""
    n_sampled: int = 12
    """Rollouts that the loop over single rows decodes, drawn at random."""

    def rows(self, work: Work, eos_ids: frozenset[int]) -> Asked:
        """Return one row per rollout: for each prompt and strength its runs."""
        once = work.rows(self.n_prompts * len(ALPHAS), self.max_tokens)
        return replace(
            once,
            prompts=[ids for ids in once.prompts for _ in range(self.n_runs)],
            alphas=[alpha for alpha in once.alphas for _ in range(self.n_runs)],
            eos_ids=eos_ids,
        )

    def sample(self, asked: Asked) -> Asked:
        """Return the rows that the loop decodes, the same at every call."""
        return _rows(asked, random.Random(0).sample(range(len(asked.prompts)), self.n_sampled))


class Timed(NamedTuple):
    """Some rollouts, decoded one after the other or together."""

    n_tokens: int
    wall_s: float


def sweep_figures(
    sweep: SeedSweep, asked: Asked, model: PairModel[Any], sides: Sides
) -> dict[str, float]:
    """Time the engine on all rollouts, and the loop over single rows before and after it.

    Returns:
        ``engine`` and ``single``, tokens per second; ``engine_over_single``; ``rollouts``,
        ``tokens`` and ``s`` of the engine; ``rows``, how many rows a step decoded on average.
    """
    sampled = sweep.sample(asked)
    torch.manual_seed(0)
    before = _time_loop(_rows(sampled, range(0, sweep.n_sampled, 2)), sides)
    engine, n_steps = _time_engine(asked, model)
    after = _time_loop(_rows(sampled, range(1, sweep.n_sampled, 2)), sides)
    single = (before.n_tokens + after.n_tokens) / (before.wall_s + after.wall_s)
    rate = engine.n_tokens / engine.wall_s
    return {
        "engine": rate,
        "single": single,
        "engine_over_single": rate / single,
        "rollouts": len(asked.prompts),
        "tokens": engine.n_tokens,
        "s": engine.wall_s,
        "rows": engine.n_tokens / n_steps,
    }


def _time_loop(asked: Asked, sides: Sides) -> Timed:
    start = time.perf_counter()
    replies = single_loop(sides, asked)
    return Timed(sum(len(reply) for reply in replies), time.perf_counter() - start)


def _time_engine(asked: Asked, model: PairModel[Any]) -> tuple[Timed, int]:
    """Decode all rows as the provider does; return the number of steps as well."""
    start = time.perf_counter()
    scheduler = Scheduler(Engine(model, asked.eos_ids), BatchLimits())
    for request in requests(asked, seed=0):
        scheduler.add(request)
    n_tokens = n_steps = 0
    while not scheduler.idle:
        n_steps += 1
        for _, ended in scheduler.work():
            if not isinstance(ended, Rollout):
                raise ended
            n_tokens += len(ended.ids)
    return Timed(n_tokens, time.perf_counter() - start), n_steps


def _rows(asked: Asked, places: Sequence[int]) -> Asked:
    return replace(
        asked,
        prompts=[asked.prompts[place] for place in places],
        alphas=[asked.alphas[place] for place in places],
    )
