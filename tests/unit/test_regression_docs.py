"""The page on the gate says what the code does; the workflow to copy is one that can run."""

import json
import re
from pathlib import Path

import pytest
import yaml
from test_regression_comparison import FEW, MANY, question

from harness.regression.comparison import compare
from harness.regression.summary import verdict_json
from harness.regression.verdict import Verdict, verdict_of

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/regression.md").read_text()


def named(value):
    """Yield every key of a JSON value."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from named(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from named(inner)


def test_every_field_of_verdict_json_is_on_the_page():
    verdict = verdict_of([compare(question(), FEW, MANY)], margin=0.05)
    fields = {
        name.removesuffix("_adjusted") for name in named(json.loads(verdict_json(verdict, "a")))
    }
    table = PAGE[PAGE.index("| field |") : PAGE.index("### Sampling until")]
    assert {name for name in fields if f"`{name}`" not in table} == set()


@pytest.mark.parametrize(
    ("code", "findings"),
    [(0, ("stable", "improvement")), (1, ("regression",)), (2, ("invalid",)), (3, ("undecided",))],
)
def test_the_exit_codes_are_those_of_the_page(code, findings):
    for finding in findings:
        verdict = Verdict(finding=finding, judgements=(), invalid=(), margin=0.05)
        assert verdict.exit_code == code
        assert re.search(rf"^\| {code} \| .*{finding[:7]}", PAGE, re.MULTILINE)


def test_the_workflow_runs_the_evals_keeps_the_sweeps_and_uploads_junit():
    workflow = yaml.safe_load((ROOT / "examples/github-actions.yml").read_text())
    steps = workflow["jobs"]["behaviour"]["steps"]
    commands = " ".join(step.get("run", "") for step in steps)
    assert "pytest evals --junitxml=behaviour.xml" in commands
    cached = [step["with"]["path"] for step in steps if "cache" in step.get("uses", "")]
    assert any(".amplify" in path for path in cached)
    (uploaded,) = [step["with"]["path"] for step in steps if "upload" in step.get("uses", "")]
    assert "behaviour.xml" in uploaded
    assert all(
        re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"]) for step in steps if "uses" in step
    )
