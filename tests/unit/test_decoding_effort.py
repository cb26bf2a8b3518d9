"""What decoding took is counted, and a sweep tells it."""

from pathlib import Path

import pytest

from harness.decoding.effort import Effort
from harness.decoding.engine import Engine
from harness.decoding.scheduler import BatchLimits, Scheduler
from harness.sweep import SweepPlan, run_sweep
from tests.fakes import FakePair, request, save_checkpoint, tiny_model


def test_rows_that_end_take_no_further_steps():
    """Replies of 2, 4 and 6 tokens: padded to the longest they would take 18 row-steps."""
    engine = Engine(FakePair.by_history(), frozenset())
    engine.run([request((n,), max_tokens=n) for n in (2, 4, 6)])
    assert engine.effort == Effort(steps=6, row_steps=12, useful_tokens=12)


def test_what_nobody_gets_is_not_useful():
    engine = Engine(FakePair.by_history(), frozenset())
    asked = [request((n,), max_tokens=4) for n in (1, 2)]
    engine.admit(asked)
    engine.step()
    engine.drop({id(asked[0])})
    while engine.n_rows:
        engine.step()
    assert engine.effort == Effort(steps=4, row_steps=5, useful_tokens=4)


def test_rollouts_that_begin_again_have_cost_what_they_had():
    pair = FakePair.by_history()
    scheduler = Scheduler(Engine(pair, frozenset()), BatchLimits(max_rows=4))
    for i in range(4):
        scheduler.add(request((i,), max_tokens=3))

    def fail_once(number: int) -> None:
        if number == 2:
            raise MemoryError

    pair.before_pass = fail_once
    while not scheduler.idle:
        scheduler.work()
    assert scheduler.effort.useful_tokens == 12
    assert scheduler.effort.row_steps == 12 + 8


def test_two_counts_add_up_and_come_apart():
    one, other = Effort(2, 10, 9), Effort(1, 5, 5)
    assert one.plus(other) == Effort(3, 15, 14)
    assert one.plus(other).since(one) == other
    assert one.plus(other).sentence() == (
        "Decoded 14 tokens in 15 row-steps (0.933 useful), 3 steps of 5.0 rows on average"
    )


@pytest.fixture
def plan(llama_folder: Path, tmp_path: Path) -> SweepPlan:
    target = save_checkpoint(tiny_model("llama", seed=1), tmp_path / "target")
    return SweepPlan(
        pair="tiny",
        alphas=(1.0,),
        limit=2,
        max_tokens=3,
        log_dir=tmp_path / "logs",
        model_args={"target": str(target), "baseline": str(llama_folder)},
    )


def test_a_sweep_tells_what_it_took_and_nothing_where_all_was_there(plan: SweepPlan):
    effort = run_sweep(plan)
    assert 0 < effort.useful_tokens == effort.row_steps <= 2 * 2 * 3
    assert run_sweep(plan) == Effort()
