"""``amplify diff --task`` from the command line, on tiny checkpoints."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from harness.diffing import plan
from harness.pairs import loading
from harness.sweep import TASKS
from tests.diff_calls import SMALL, call, two_checkpoints

ASKED = replace(SMALL, task_prompts=6, task_tokens=4)


@pytest.fixture
def checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(plan, "QUICK", ASKED)
    return two_checkpoints(tmp_path, context=2048)


def test_a_task_is_swept_beside_the_diff_on_one_copy_of_the_weights(
    checkpoints, tmp_path, monkeypatch
):
    loads = []
    load = loading.load_pair
    monkeypatch.setattr(loading, "load_pair", lambda spec: loads.append(spec) or load(spec))
    words = ("tiny", "--quick", "--task", "reasoning", "--out", tmp_path / "out", *checkpoints)
    result = call(*words)
    assert result.exit_code == 0, result.output
    assert len(loads) == 1
    logs = tmp_path / "out" / "task-reasoning" / "logs"
    assert f"To look closer: amplify report {logs}" in result.stdout
    assert len(list(logs.glob("*.eval"))) == 5
    text = (tmp_path / "out" / "finding.md").read_text()
    assert "## How it reasons" in text
    task = json.loads((tmp_path / "out" / "diff.json").read_text())["task"]
    assert (task["task"], task["n_prompts"], task["alphas"]) == ("reasoning", 6, [-1, 0, 0.5, 1, 2])
    assert {"reasoning_checks", "answer_right", "nonsense"} <= {
        one["name"] for one in task["behaviours"]
    }
    before = {path.name: path.stat().st_mtime_ns for path in logs.glob("*.eval")}
    assert call(*words).exit_code == 0
    assert {path.name: path.stat().st_mtime_ns for path in logs.glob("*.eval")} == before
    assert (tmp_path / "out" / "finding.md").read_text() == text


def test_of_one_model_no_task_is_swept_and_the_page_says_so(checkpoints, tmp_path):
    same = [checkpoints[0], checkpoints[0].replace("target", "baseline")]
    out = tmp_path / "out"
    result = call("tiny", "--quick", "--task", "reasoning", "--out", out, *same)
    assert result.exit_code == 0, result.output
    assert not (out / "task-reasoning").exists()
    assert "the task reasoning was not swept" in (out / "finding.md").read_text()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("refuser", "--task", "juggling"), "--task juggling is none of the project's own tasks"),
        (("a@b", "--task", "reasoning"), "holds an @"),
    ],
)
def test_what_can_not_be_swept_is_told_before_weights_are_loaded(words, told, tmp_path):
    result = call(*words, "--out", tmp_path)
    assert result.exit_code == 2
    said = result.stderr.replace("\n", " ")
    assert told in said or "a@b" in said
    if "juggling" in words:
        assert all(task in said for task in TASKS)
