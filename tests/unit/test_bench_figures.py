"""Figures of the bench: medians over repeats, ratios of medians, names that stay."""

import pytest

from harness.bench.figures import Cell, Run, decode_figures, figures_line, number, read_line


def run(method, wall_s, *, dtype="float32", rows=6, n_tokens=60, **rest):
    return Run(
        cell=Cell(method, dtype, rows),
        n_tokens=n_tokens,
        wall_s=wall_s,
        **{"peak_mb": 0, "cpu_s": 1, **rest},
    )


def engine(wall_s, **rest):
    return run("engine", wall_s, **{"prefill_s": 0.5, "step_s": 0.1, **rest})


def test_a_rate_is_the_tokens_over_the_median_time():
    figures = decode_figures([run("loop", wall_s) for wall_s in (2.0, 100.0, 3.0)])
    assert figures["loop_fp32_6"] == 20.0


def test_a_ratio_is_that_of_the_medians_and_not_the_median_of_ratios():
    figures = decode_figures(
        [*(engine(wall_s) for wall_s in (1, 2, 9)), *(run("loop", wall_s) for wall_s in (3, 1, 8))]
    )
    # Round by round it would be the median of 3, 1/2 and 8/9.
    assert figures["engine_over_loop_fp32_6"] == (60 / 2) / (60 / 3) == 1.5


def test_all_names_of_one_number_of_rows():
    others = ("loop", "cfg", "generate", "engine_untraced", "grid")
    runs = [run(method, 1.0) for method in others]
    figures = decode_figures([*runs, engine(1.0), run("single", 1.0, rows=1)])
    assert {name for name in figures if name.endswith("_fp32_6")} == {
        "loop_fp32_6",
        "cfg_fp32_6",
        "generate_fp32_6",
        "engine_fp32_6",
        "engine_untraced_fp32_6",
        "grid_fp32_6",
        "prefill_s_fp32_6",
        "steady_fp32_6",
        "engine_over_loop_fp32_6",
        "engine_over_cfg_fp32_6",
        "engine_over_generate_fp32_6",
        "engine_over_single_fp32_6",
        "trace_cost_pct_fp32_6",
        "grid_cost_pct_fp32_6",
        "grid_over_engine_fp32_6",
        "loop_mb_fp32_6",
        "cfg_mb_fp32_6",
        "generate_mb_fp32_6",
        "engine_mb_fp32_6",
        "engine_untraced_mb_fp32_6",
        "grid_mb_fp32_6",
    }


def test_the_cost_of_traces_is_a_share_of_the_time_without_them():
    figures = decode_figures([engine(2.2), run("engine_untraced", 2.0), run("grid", 2.5)])
    assert figures["trace_cost_pct_fp32_6"] == pytest.approx(10)
    assert figures["grid_cost_pct_fp32_6"] == pytest.approx(25)


def test_rows_are_compared_with_the_same_number_of_rows_and_dtype_only():
    figures = decode_figures(
        [engine(1.0), run("loop", 1.0, rows=18), run("loop", 1.0, dtype="bfloat16")]
    )
    assert not [name for name in figures if "_over_" in name]


def test_the_loop_over_single_rows_stands_for_any_number_of_rows_of_its_dtype():
    figures = decode_figures(
        [
            run("single", 2.0, rows=1, n_tokens=10),
            run("single", 1.0, rows=1, n_tokens=10, dtype="bfloat16"),
            engine(0.6, rows=6),
            engine(0.6, rows=6, dtype="bfloat16"),
        ]
    )
    assert figures["engine_over_single_fp32_6"] == pytest.approx(100 / 5)
    assert figures["engine_over_single_bf16_6"] == pytest.approx(100 / 10)


def test_bfloat16_is_compared_with_our_own_float32():
    figures = decode_figures([engine(3.0), engine(1.5, dtype="bfloat16")])
    assert figures["engine_bf16_over_fp32_6"] == 2.0


def test_the_engines_steady_rate_is_that_of_its_steps_alone():
    figures = decode_figures([engine(10.0, step_s=0.2), engine(10.0, step_s=0.4, prefill_s=1.5)])
    assert figures["steady_fp32_6"] == pytest.approx(6 / 0.3)
    assert figures["prefill_s_fp32_6"] == 1.0


def test_memory_is_the_most_that_any_repeat_took():
    figures = decode_figures([run("loop", 1.0, peak_mb=mb) for mb in (5, 70, 6)])
    assert figures["loop_mb_fp32_6"] == 70


def test_the_cores_that_were_used_tell_a_busy_machine():
    figures = decode_figures([run("loop", 30.0, cpu_s=15.0), engine(10.0, cpu_s=5.0)])
    assert figures["cores_used"] == 0.5


def test_the_line_reads_back_to_four_digits():
    figures = {"engine_fp32_72": 268.91234, "engine_over_loop_fp32_72": 3.49256, "mb": 1234.56}
    line = figures_line(figures)
    assert line == "engine_fp32_72=268.9 engine_over_loop_fp32_72=3.493 mb=1235"
    assert read_line(line) == {
        "engine_fp32_72": 268.9,
        "engine_over_loop_fp32_72": 3.493,
        "mb": 1235,
    }


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0.000"), (0.0123449, "0.01234"), (9.99999, "10.000"), (71234.6, "71235"), (-2, "-2.000")],
)
def test_numbers_have_four_digits_and_no_exponent(value: float, text: str):
    assert number(value) == text
