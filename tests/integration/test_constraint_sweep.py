"""Constraints on real weights: swept, resumed, logged and reported by the installed command."""

import json
from pathlib import Path

import pytest
from test_inspect_eval import command, logs_in, samples, texts

from harness.analysis.frame import read_frame

pytestmark = pytest.mark.slow

SWEEP = ("amplify", "sweep", "refuser", "--alphas", "0,4", "--limit", "3", "--max-tokens", "8")
CONSTRAINED = ("--constraint", "plausibility=1", "--constraint", "first=1:kl_budget=0.05")
NAMES = ("", ":first=1:kl_budget=0.05", ":plausibility=1")


@pytest.fixture(scope="module")
def log_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An unconstrained sweep, and constraints added to it by a second call."""
    folder = tmp_path_factory.mktemp("sweep") / "logs"
    for more in ((), CONSTRAINED):
        done = command(*SWEEP, "--log-dir", folder, *more)
        assert done.returncode == 0, done.stderr
    return folder


def test_a_second_call_adds_the_constraints_and_repeats_nothing(log_dir: Path):
    logs = logs_in(log_dir)
    assert set(logs) == {f"amplified/refuser@{a}{name}" for a in (0, 4) for name in NAMES}
    assert len(list(log_dir.glob("*.eval"))) == len(logs)


def test_one_plausible_token_is_the_targets_greedy_text_at_every_alpha(log_dir: Path):
    logs = logs_in(log_dir)
    amplified, target = (texts(logs[f"amplified/refuser@{a}:plausibility=1"]) for a in (4, 0))
    assert amplified == target
    assert amplified != texts(logs["amplified/refuser@4"])


def test_the_log_says_what_constraints_did(log_dir: Path):
    logs = logs_in(log_dir)
    for sample in samples(logs["amplified/refuser@4:first=1:kl_budget=0.05"]).values():
        written = sample.output.metadata or {}
        assert written["config"]["constraint"] == ["first=1", "kl_budget=0.05"]
        assert 0 < written["trace"]["alpha_applied"] <= 4 / 8
        assert written["trace"]["target_mass_kept"] == pytest.approx(1, abs=1e-4)
        # One step of at most 0.05 nats, over eight tokens.
        assert written["trace"]["dose_nats"] <= 0.05 / 8 + 1e-5


def test_the_report_holds_every_constraint_and_the_command_that_draws_it(log_dir: Path):
    report = log_dir.parent / "report"
    text = (report / "report.md").read_text()
    assert "| 4 | first=1:kl_budget=0.05 |" in text
    assert "--constraint first=1:kl_budget=0.05 --constraint plausibility=1" in text
    read = json.loads((report / "results.json").read_text())
    assert [one["constraint"] for one in read["constrained"]] == [name[1:] for name in NAMES[1:]]
    assert read["magnitudes"][1]["std_ratio"] == pytest.approx(1, abs=1e-3)
    for one in read["constrained"]:
        assert one["magnitudes"][1]["std_ratio"] == pytest.approx(1, abs=1e-3)
    assert len(read_frame(log_dir)["constraint"].unique()) == 3
