"""Every shipped task on the embedded pair: sampled, scored, and told in a report."""

from pathlib import Path

import pytest

from harness.analysis.frame import read_frame
from harness.analysis.results import analyse
from harness.reporting.render import write_report
from harness.sweep import SweepPlan, run_sweep

pytestmark = pytest.mark.slow


def swept(task: str, folder: Path, limit: int) -> Path:
    log_dir = folder / "logs"
    plan = SweepPlan(
        pair="refuser", alphas=(0.0, 1.0), task=task, limit=limit, max_tokens=12, log_dir=log_dir
    )
    run_sweep(plan)
    return log_dir


@pytest.mark.parametrize(
    ("task", "limit", "scorers"),
    [
        ("over_refusal", 2, {"refusal", "nonsense"}),
        ("sensibility", 2, {"nonsense"}),
        (
            "reasoning",
            3,
            {
                *(f"reasoning_{what}" for what in ("words", "steps", "backtracks", "checks")),
                *("reasoning_hypotheses", "answer_stated", "answer_right", "nonsense"),
            },
        ),
    ],
)
def test_a_sweep_of_a_task_is_scored_and_reported(
    task: str, limit: int, scorers: set[str], tmp_path: Path
):
    frame = read_frame(swept(task, tmp_path, limit))
    assert set(frame["scorer"]) == scorers
    assert frame["error"].isna().all()
    results = analyse(frame)
    assert (results.task, results.alphas, results.data.n_prompts) == (task, (0.0, 1.0), limit)
    text = write_report(results, tmp_path / "report").read_text()
    assert ("## Counts and grades" in text) == (task == "reasoning")
    assert ("withheld" in text.split("## Examples")[1].split("\n\n", 2)[2]) <= (
        task == "over_refusal"
    )
