"""Two sweeps of real weights compared by the installed command: other seeds, the same model."""

import json
from pathlib import Path

import pytest
from test_inspect_eval import command

pytestmark = pytest.mark.slow

SWEEP = ("amplify", "sweep", "refuser", "--alphas", "0,1", "--limit", "12", "--max-tokens", "8")


def test_a_pair_beside_itself_shows_no_difference_at_any_dose(tmp_path: Path):
    logs = []
    for seed in ("1", "2"):
        folder = tmp_path / seed / "logs"
        done = command(*SWEEP, "--seed", seed, "--log-dir", folder)
        assert done.returncode == 0, done.stderr
        logs.append(folder)
    out = tmp_path / "comparison"
    done = command("amplify", "report", "--compare", *logs, "--report-dir", out)
    assert done.returncode == 0, done.stderr
    found = json.loads((out / "comparison.json").read_text())
    assert [one["name"] for one in found["differing"]] == ["run seed"]
    (condition,) = found["conditions"]
    assert condition["common_doses"][0] == 0
    assert condition["common_doses"][1] > 0
    for behaviour in condition["behaviours"]:
        for point in behaviour["at_dose"]:
            assert point["change"]["low"] <= 0 <= point["change"]["high"]
    assert "no difference can be told" in done.stdout
