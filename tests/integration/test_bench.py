"""``amplify bench decode`` end to end on the real pair, with very little to decode."""

import json
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.bench.figures import read_line
from harness.bench.seed_sweep import SeedSweep
from harness.cli import main

WORDS = ("bench", "decode", "--rows", "2,6", "--tokens", "4", "--rounds", "1", "--threads", "1")


def test_a_document_without_markers_is_refused_before_anything_is_measured(tmp_path: Path):
    document = tmp_path / "performance.md"
    document.write_text("no markers\n")
    result = CliRunner().invoke(main, [*WORDS, "--docs", str(document)])
    assert result.exit_code == 2
    assert "loaded" not in result.stderr
    assert document.read_text() == "no markers\n"


def test_rows_that_are_no_numbers_are_refused():
    result = CliRunner().invoke(main, ["bench", "decode", "--rows", "six"])
    assert result.exit_code == 2


@pytest.mark.slow
def test_a_tiny_bench_measures_every_method(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    small = partial(SeedSweep, n_prompts=2, n_runs=1, max_tokens=4, n_sampled=2)
    monkeypatch.setattr("harness.bench.decode.SeedSweep", small)
    document, written = tmp_path / "performance.md", tmp_path / "bench.json"
    document.write_text("Above.\n<!-- bench decode -->\n<!-- /bench decode -->\nBelow.\n")
    words = [*WORDS, "--seed-sweep", "--json", str(written), "--docs", str(document)]
    result = CliRunner().invoke(main, words, catch_exceptions=False)
    assert result.exit_code == 0, result.stderr
    figures = read_line(result.stdout.splitlines()[-1])
    for rows in (2, 6):
        for other in ("loop", "cfg", "generate"):
            assert figures[f"engine_over_{other}_fp32_{rows}"] == pytest.approx(
                figures[f"engine_fp32_{rows}"] / figures[f"{other}_fp32_{rows}"], rel=2e-3
            )
        assert figures[f"engine_over_single_fp32_{rows}"] == pytest.approx(
            figures[f"engine_fp32_{rows}"] / figures["single_fp32_1"], rel=2e-3
        )
        assert figures[f"grid_over_engine_fp32_{rows}"] == pytest.approx(
            figures[f"grid_fp32_{rows}"] / figures[f"engine_fp32_{rows}"], rel=2e-3
        )
        untraced = figures[f"engine_untraced_fp32_{rows}"]
        assert figures[f"trace_cost_pct_fp32_{rows}"] == pytest.approx(
            100 * (untraced / figures[f"engine_fp32_{rows}"] - 1), abs=0.2
        )
        assert figures[f"steady_fp32_{rows}"] > figures[f"engine_fp32_{rows}"]
        assert 0 < figures[f"share_fp32_{rows}"] < 1
    assert figures["seed_sweep_rollouts_fp32"] == 12
    assert figures["seed_sweep_engine_over_single_fp32"] == pytest.approx(
        figures["seed_sweep_engine_fp32"] / figures["seed_sweep_single_fp32"], rel=2e-3
    )
    assert 0 < figures["cores_used"] < 1.5  # of the one thread
    stored = json.loads(written.read_text())
    assert stored["figures"].keys() == figures.keys()
    assert stored["threads"] == 1
    assert len(stored["runs"]) == 1 + 2 * 6
    text = document.read_text()
    assert text.startswith("Above.\n<!-- bench decode -->\nMeasured on ")
    assert text.endswith("<!-- /bench decode -->\nBelow.\n")
    assert "| **engine, all traces** |" in text
