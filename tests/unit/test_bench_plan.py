"""What a bench times, in which order, and what it refuses."""

import pytest

from harness.bench.figures import METHODS, Cell
from harness.bench.plan import BenchPlan
from harness.errors import ConfigurationError


def test_a_round_times_every_method_at_every_number_of_rows_in_every_dtype():
    plan = BenchPlan(dtypes=("float32", "bfloat16"), rows=(2, 6), device="cuda:0")
    cells = list(plan.round(0))
    assert len(set(cells)) == len(cells)
    batched = {
        Cell(method, dtype, rows)
        for method in METHODS
        for dtype in plan.dtypes
        for rows in plan.rows
        if method != "single"
    }
    assert set(cells) - batched == {
        Cell("single", "float32", 1),
        Cell("single", "bfloat16", 1),
    }
    assert batched < set(cells)


def test_steps_are_compared_with_unrecorded_ones_where_they_are_recorded():
    on_cpu, on_gpu = (set(BenchPlan(device=device).methods) for device in ("cpu", "cuda"))
    assert on_gpu - on_cpu == {"engine_unrecorded"}


def test_what_is_compared_runs_side_by_side():
    plan = BenchPlan(dtypes=("float32", "bfloat16"), rows=(6,))
    engine = [i for i, cell in enumerate(plan.round(0)) if cell.method == "engine"]
    assert engine[1] == engine[0] + 1


def test_a_quick_bench_leaves_the_guidance_processor_out_and_repeats_the_engine():
    plan = BenchPlan(rows=(6,), rounds=1, quick=True)
    assert plan.all_rounds == 2
    assert [cell.method for cell in plan.round(0)] == [
        "single",
        "loop",
        "generate",
        "engine",
        "engine_untraced",
        "grid",
    ]
    assert [cell.method for cell in plan.round(1)] == ["engine", "engine_untraced"]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"rows": (0,)}, "rows 0; it must be 1 or above"),
        ({"rows": ()}, "give at least one number"),
        ({"rows": (6, 6)}, "each once"),
        ({"n_tokens": 1}, "tokens 1; it must be 2 or above"),
        ({"rounds": 0}, "rounds 0; it must be 1 or above"),
        ({"threads": 0}, "threads 0; it must be 1 or above"),
        ({"dtypes": ("float16",)}, "the bench knows float32, bfloat16"),
        ({"device": "abacus:1"}, "device 'abacus:1'; the bench knows cpu and cuda"),
    ],
)
def test_impossible_plans_are_refused(wrong, told):
    with pytest.raises(ConfigurationError, match=told):
        BenchPlan(**wrong)
