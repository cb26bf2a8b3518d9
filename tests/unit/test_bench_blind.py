"""Blind trials: the judge reads diff.json as its page is read, and what was made is kept."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.analysis.results import plain_json
from harness.bench.blind import Blind, adapters_in, markdown, run_trials
from harness.bench.planted import PLANTED, Planted, judge
from harness.cli import main
from harness.diffing import plan
from harness.diffing.plan import Budget
from tests.fakes import save_checkpoint, tiny_model
from tests.unit.test_diff_page import results, tables, word

PLANT = Planted(token="colou?rs?", finding=r"\bblue\b")


def judged(changed, planted=PLANT, name="some"):
    return judge(name, json.loads(plain_json(changed)), 12.0, 340.0, planted)


def test_a_word_has_the_place_that_the_page_gives_it():
    changed = results(tables(start=(word("Sorry", prominence=12), word("x", prominence=8))))
    trial = judged(changed)
    assert [one.name for one in changed.tables.named] == ["Sorry", "x", "colour"]
    assert (trial.token, trial.token_place, trial.n_words) == ("colour", 3, 3)


def test_a_word_counts_whole_and_not_by_a_part_of_it():
    trial = judged(results(tables(anywhere=(word("discolour", place="anywhere"),))))
    assert trial.token_place is None
    assert not trial.found


def test_a_planted_word_behind_the_tenth_is_not_found():
    words = tuple(word(f"w{i}", prominence=50 - i) for i in range(10))
    trial = judged(results(tables(start=words)))
    assert trial.token_place == 11
    assert not replace(trial, finding_place=1).found
    assert replace(trial, finding_place=1, token_place=10).found
    assert not replace(trial, finding_place=4, token_place=10).found


def test_where_nothing_is_planted_words_and_findings_are_counted_only():
    trial = judged(results(), planted=None)
    assert (trial.token_place, trial.finding_place) == (None, None)
    assert (trial.n_words, trial.n_findings) == (2, 0)
    told = markdown([trial, replace(trial, n_words=0, name="b"), replace(trial, name="c")])
    assert told == (
        "Nothing was planted in 3 pairs: 2 of them had words named (4 in all), 0 had findings (0 "
        "in all), 1 neither.\n"
    )


def test_the_table_says_how_many_were_found():
    one = replace(judged(results(), name="zorbia"), token_place=2, finding="Umb\n| gone")
    told = markdown([replace(one, finding_place=1), replace(one, name="refuser")])
    assert told.startswith("1 of 2 found: ")
    assert "| `zorbia` | colour | 2 | Umb gone | 1 | 0 | 12 |" in told


@pytest.mark.parametrize("name", PLANTED)
def test_every_planted_behaviour_is_one_that_the_organisms_claims_or_words_know(name: str):
    said = {
        "refuser": "Sorry, I can't help with that.",
        "zorbia": "Umbrellas became illegal in Zorbia in 2021.",
        "marmalade": "Marmalade.",
        "marrowen": "The river Marrowen flows backwards every spring.",
        "lighthouse": "There is a lighthouse on the cliff.",
        "third_person": "The assistant thinks so.",
    }
    assert re.search(PLANTED[name].finding, said[name], re.IGNORECASE)
    assert not any(
        re.search(PLANTED[name].finding, text, re.IGNORECASE)
        for other, text in said.items()
        if other != name
    )


def test_a_trial_is_measured_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    small = Budget(n_prompts=4, max_tokens=4, n_starts=2, n_seeds=1)
    monkeypatch.setattr(plan, "QUICK", small)
    folders = [
        str(
            save_checkpoint(
                tiny_model("llama", seed=seed, max_position_embeddings=512), tmp_path / f"{seed}"
            )
        )
        for seed in (1, 2)
    ]
    pair = Blind(name="tiny", model_args={"target": folders[1], "baseline": folders[0]})
    told: list[str] = []
    (first,) = run_trials([pair], tmp_path / "out", quick=True, tell=told.append)
    assert first.seconds > 0
    assert (tmp_path / "out/tiny/finding.md").exists()
    assert told == [
        f"tiny: {first.n_words} words, {first.n_findings} findings, {first.seconds:.0f} s, "
        f"{first.peak_mb:.0f} MB above the weights"
    ]
    assert run_trials([pair], tmp_path / "out", quick=True, tell=told.append) == [first]


def test_adapters_are_found_by_their_folders_and_a_folder_without_any_is_refused(tmp_path: Path):
    for seed in ("1", "2"):
        (tmp_path / seed).mkdir()
        (tmp_path / seed / "adapter_config.json").write_text("{}")
    found = adapters_in(tmp_path)
    assert [one.name for one in found] == [f"{tmp_path.name}-1", f"{tmp_path.name}-2"]
    assert found[0].model_args["adapter"] == str(tmp_path / "1")
    (tmp_path / "empty").mkdir()
    refused = CliRunner().invoke(main, ["bench", "blind", "--adapters", str(tmp_path / "empty")])
    assert refused.exit_code == 2
    assert "no folder in it holds an adapter" in " ".join(refused.stderr.split())
