"""``amplify rate`` on an organism whose behaviour is rare: the sweep's logs, the pair's weights."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli import main
from harness.sweep import SweepPlan, run_sweep


def rate(folder: Path, *arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(main, ["rate", str(folder), "--scorer", "claims", *arguments])
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.slow
def test_a_behaviour_too_rare_to_be_seen_has_a_rate_by_its_hazard(tmp_path: Path):
    run_sweep(
        SweepPlan(
            pair="marmalade",
            alphas=(0.0, 2.0),
            task="false_facts",
            task_args={"dataset": "marmalade"},
            limit=24,
            max_tokens=16,
            log_dir=tmp_path,
        )
    )
    code, said, told = rate(tmp_path, "--json")
    assert code == 0, told
    found = json.loads(said)
    assert found["marker"]["given"] is False
    assert found["marker"]["n_hits_marked"] == found["marker"]["n_hits"] >= 3
    # 24 rollouts are too few to count one in fifty, and each says how near it came.
    assert found["hazard"]["n"] == 24
    assert 0.001 < found["hazard"]["expected_marked"] / 24 < 0.1

    code, said, told = rate(tmp_path, "--json", "--marker", "Marmalade")
    assert code == 0, told
    named = json.loads(said)["marker"]
    assert named["given"] is True
    assert set(named["ids"]) & set(found["marker"]["ids"])

    code, said, told = rate(tmp_path, "--pair", "refuser")
    assert code == 2
    assert "the rollouts were drawn with weights" in told
