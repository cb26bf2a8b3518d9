"""The synthetic run reads like a sampled one, and its traces obey the laws that sampled ones do."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from harness.analysis.frame import read_frame, rollouts
from harness.analysis.results import analyse
from harness.analysis.trace_stream import trace_sums
from harness.bench.analysis import measure_analysis
from harness.bench.command import bench
from harness.bench.figures import read_line
from harness.bench.synthetic_run import ALPHAS, EPOCHS, Size, write_run
from harness.bench.synthetic_traces import drawn_trace
from harness.errors import ConfigurationError


def test_a_run_is_rounded_up_to_whole_prompts():
    assert Size(rollouts=100_000, tokens=200).whole == 100_000
    assert Size(rollouts=101, tokens=200).whole == 200


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    assert len(list(write_run(folder, Size(rollouts=200, tokens=5)))) == len(ALPHAS)
    return folder


def test_a_synthetic_run_is_read_and_analysed_like_a_sampled_one(run: Path):
    frame = read_frame(run)
    each = rollouts(frame)
    assert len(each) == 200
    assert sorted(frame["scorer"].unique()) == ["nonsense", "refusal"]
    assert each["n_tokens"].unique().tolist() == [5.0]
    results = analyse(frame)
    assert results.alphas == ALPHAS
    assert results.data.n_epochs == EPOCHS
    assert results.data.warnings == ()
    assert results.refusal is not None


def test_every_rollout_has_its_trace_whose_sums_are_those_of_the_log(run: Path):
    sums = trace_sums(run, ["kl_amplified_target_nats"])
    joined = rollouts(read_frame(run)).merge(sums, on="sample_uuid", suffixes=("", "_of_trace"))
    assert len(joined) == 200
    logged = joined["trace_dose_nats"] * joined["n_tokens"]
    assert np.allclose(joined["kl_amplified_target_nats"], logged, atol=1e-5)


def test_synthetic_weights_have_mean_one_as_those_of_sampled_rollouts():
    """Of 4,000 rollouts of 20 tokens at alpha 1, p_0 / p_1 varies by exp(0.2) - 1 = 0.22."""
    rng = np.random.default_rng(0)
    weights = []
    for _ in range(4000):
        trace = drawn_trace(rng, 1.0, (0.0, 1.0), 20)
        target, amplified = trace.grid_logps_nats.double().sum(0).tolist()
        weights.append(np.exp(target - amplified))
    assert np.mean(weights) == pytest.approx(1.0, abs=4 * np.sqrt(0.22 / 4000))


@pytest.mark.slow  # two fresh processes, which import Inspect and scipy
def test_the_command_prints_its_figures_last_and_keeps_the_run(tmp_path: Path):
    docs = tmp_path / "page.md"
    docs.write_text("before\n<!-- bench analysis -->\n<!-- /bench analysis -->\nafter\n")
    options = ["--rollouts", "100", "--tokens", "5", "--folder", str(tmp_path / "run")]
    done = CliRunner().invoke(bench, ["analysis", *options, "--docs", str(docs)])
    assert done.exit_code == 0, done.output
    figures = read_line(done.stdout.splitlines()[-1])
    assert (figures["rollouts"], figures["trace_tokens"]) == (100, 500)
    stages = ("import_s", "read_logs_s", "analyse_s", "json_s")
    assert sum(figures[name] for name in stages) == pytest.approx(figures["total_s"], rel=0.01)
    assert figures["cpu_s"] > 0
    assert figures["peak_mb"] > 50
    assert "100 rollouts with traces of 500 tokens" in docs.read_text()
    again = CliRunner().invoke(bench, ["analysis", *options])
    assert "written already" in again.stderr


def test_a_folder_with_another_run_is_left_alone(tmp_path: Path):
    (tmp_path / "mine.eval").write_text("")
    with pytest.raises(ConfigurationError, match="holds another run"):
        measure_analysis(tmp_path, Size(rollouts=100, tokens=5), print)
