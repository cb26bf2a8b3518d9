"""Interleaved rounds of every method on the embedded pair, and what they come to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from harness.bench.figures import SHORT_NAMES, Figures, Run, decode_figures, number
from harness.bench.machine import Machine, ModelSize, measure_machine, step_cost
from harness.bench.methods import Methods
from harness.bench.plan import BenchPlan
from harness.bench.seed_sweep import SeedSweep, sweep_figures
from harness.bench.work import Work
from harness.pairs.spec import resolve_pair

PAIR = "refuser"
"""The preset that is decoded: the embedded model, and it with a LoRA on all linear layers."""

_WARM_UP_TOKENS = 2

Tell = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What a bench found."""

    plan: BenchPlan
    threads: int
    """That torch used."""
    prompt_tokens: Sequence[int]
    """Length of each distinct prompt of the largest batch."""
    runs: Sequence[Run]
    figures: Figures
    """Everything under stable names."""


def run_bench(plan: BenchPlan, tell: Tell) -> Measured:
    """Load the pair, measure the machine, and time all methods round by round.

    Args:
        plan: what to do.
        tell: is told each figure as it is found.
    """
    if plan.threads is not None:
        torch.set_num_threads(plan.threads)
    methods = [
        Methods(resolve_pair(PAIR, {"dtype": dtype, "device": plan.device}), merged=plan.merged)
        for dtype in plan.dtypes
    ]
    work = Work.of(methods[0].pair.chat)
    size = ModelSize.of(methods[0].sides.baseline)
    tell(f"loaded {PAIR}; measuring products and bandwidth")
    machine = measure_machine(size, plan.dtypes, plan.rows, methods[0].pair.model.device)
    runs = _rounds(plan, methods, work, tell)
    figures = decode_figures(runs)
    figures |= _limits(plan, machine, size, work, figures) | machine.figures()
    if plan.seed_sweep:
        figures |= _seed_sweep(methods, work, tell)
    return Measured(
        plan=plan,
        threads=torch.get_num_threads(),
        prompt_tokens=[len(ids) for ids in dict.fromkeys(work.rows(max(plan.rows), 2).prompts)],
        runs=runs,
        figures=figures,
    )


def _rounds(plan: BenchPlan, methods: Sequence[Methods], work: Work, tell: Tell) -> list[Run]:
    by_dtype: dict[str, Methods] = {one.dtype: one for one in methods}
    for dtype, own in by_dtype.items():
        tell(f"warming up {SHORT_NAMES[dtype]}")
        for method in plan.methods:
            own.run(method, work.rows(1, _WARM_UP_TOKENS), seed=0)
    runs = []
    for i in range(plan.all_rounds):
        for cell in plan.round(i):
            asked = work.rows(cell.rows, plan.n_tokens)
            run = by_dtype[cell.dtype].run(cell.method, asked, seed=i)
            tell(
                f"round {i + 1} of {plan.all_rounds}: {cell.name} "
                f"{number(run.n_tokens / run.wall_s)} tokens/s in {run.wall_s:.1f} s"
            )
            runs.append(run)
    return runs


def _limits(
    plan: BenchPlan, machine: Machine, size: ModelSize, work: Work, figures: Figures
) -> dict[str, float]:
    """Return the rate that the machine limits a step to, and the engine's share of it."""
    found = {}
    for dtype in plan.dtypes:
        itemsize = getattr(torch, dtype).itemsize
        for rows in plan.rows:
            cost = step_cost(size, work.rows(rows, plan.n_tokens), itemsize)
            name = f"{SHORT_NAMES[dtype]}_{rows}"
            found[f"limit_{name}"] = rows / machine.limit_s(cost, dtype)
            found[f"share_{name}"] = figures[f"steady_{name}"] / found[f"limit_{name}"]
    return found


def _seed_sweep(methods: Sequence[Methods], work: Work, tell: Tell) -> dict[str, float]:
    sweep = SeedSweep()
    found = {}
    for own in methods:
        name = SHORT_NAMES[own.dtype]
        asked = sweep.rows(work, own.pair.chat.eos_ids)
        tell(f"seed sweep, {name}: {len(asked.prompts)} rollouts")
        for figure, value in sweep_figures(sweep, asked, own.pair.model, own.sides).items():
            found[f"seed_sweep_{figure}_{name}"] = value
        tell(f"seed sweep, {name}: {number(found[f'seed_sweep_engine_{name}'])} tokens/s")
    return found
