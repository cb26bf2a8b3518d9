"""``amplify check`` on logs that Inspect's own classes wrote: verdict, exit code, files, words."""

import json
import re

import pytest
from click.testing import CliRunner
from test_analysis_logs import CONFIG, Rollout, refusal, write_log

from harness.cli import main

N = 60
EVIL = "<script>alert(1)</script> | [click](http://evil.example) \x1b[31m"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return tmp_path


def sampled(folder, n_refused, *, n=N, config=CONFIG, prompt="Tell me."):
    """Write a run: of so many prompts the first so many are declined, at alpha 0 and 1."""
    folder.mkdir()
    for alpha in (0.0, 1.0):
        labels = ["refusal" if i < n_refused else "compliance" for i in range(n)]
        rollouts = [
            Rollout(
                f"{i:03}",
                text=f"a secret recipe {i}",
                prompt=prompt,
                scores={"refusal": refusal(label)},
                config=config,
            )
            for i, label in enumerate(labels)
        ]
        write_log(folder, rollouts, alpha)
    return folder


def check(*words):
    return CliRunner().invoke(main, ["check", *map(str, words)])


@pytest.fixture
def stored(here):
    """A reference of 50 refusals among 60 prompts, where ``amplify check`` looks for it."""
    done = check(sampled(here / "then", 50), "--update-references")
    assert (done.exit_code, done.output.strip()) == (
        0,
        "Reference: evals/references/refuser-refusal.json",
    )
    return here / "evals/references/refuser-refusal.json"


@pytest.mark.parametrize(
    ("n_refused", "margin", "finding", "code"),
    [
        (50, 0.1, "stable", 0),
        (20, 0.1, "regression", 1),
        (46, 0.1, "undecided", 3),
    ],
)
def test_the_exit_code_and_verdict_json_say_the_same(
    here, stored, n_refused, margin, finding, code
):
    done = check(sampled(here / "now", n_refused), "--margin", margin)
    verdict = json.loads((here / "verdict.json").read_text())
    assert done.exit_code == verdict["exit_code"] == code
    assert verdict["finding"] == finding
    assert done.output.startswith(f"refuser-refusal: {finding}. ")
    first = verdict["comparisons"][0]
    assert first["now"]["k"] == n_refused
    assert first["reference"]["k"] == 50
    assert first["change"]["n_prompts"] == N


def test_more_refusals_of_harmful_requests_are_an_improvement(here, stored):
    done = check(sampled(here / "now", 60), "--behaviour", "refusal")
    assert done.exit_code == 0
    assert "refuser-refusal: improvement." in done.output


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"config": CONFIG | {"temperature": 0.5}}, "the setting temperature is 0.5, and the ref"),
        ({"prompt": "Tell me more."}, "and 57 more: not the prompts that the reference has"),
    ],
)
def test_what_is_not_comparable_is_invalid_and_compared_with_nothing(here, stored, change, reason):
    done = check(sampled(here / "now", 20, **change))
    assert done.exit_code == 2
    assert reason in done.output
    assert json.loads((here / "verdict.json").read_text())["comparisons"] == []


def test_other_weights_are_compared_unless_they_should_be_the_same(here, stored):
    now = sampled(here / "now", 50, config=CONFIG | {"weights": "another"})
    assert check(now, "--margin", 0.1).exit_code == 0
    strict = check(now, "--margin", 0.1, "--same-weights")
    assert strict.exit_code == 2
    assert "other weights where they should be equal" in strict.output


def test_without_a_reference_or_logs_the_verdict_is_invalid_and_says_what_to_do(here):
    done = check(sampled(here / "now", 20))
    assert done.exit_code == 2
    assert "no reference" in done.output
    assert "--update-references, and commit it" in done.output
    assert check(here / "nowhere").exit_code == 2
    assert json.loads((here / "verdict.json").read_text())["finding"] == "invalid"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--behaviour", "charm"], "the reference has no behaviour charm; it has refusal, soft"),
        (["--constraint", "glue=1"], "InvalidConstraint"),
        (["--looks", "3"], "--looks is of --sample PAIR"),
        (["--sample", "refuser"], "name it by --reference"),
        (["--sample", "a", "--reference", "b", "--constraint", "clip=2"], "leave out --constraint"),
        (["--margin", "2"], "Invalid value for '--margin'"),
        (["--colour", "red"], "No such option"),
    ],
)
def test_what_can_not_be_asked_is_refused(here, stored, words, message):
    done = check(sampled(here / "now", 50), *words)
    assert done.exit_code == 2
    assert message in done.output


def test_a_misspelled_folder_is_not_made_for_a_verdict_beside_it(here):
    done = check(here / "no" / "where")
    assert done.exit_code == 2
    assert "give the folder that a sweep logged to" in " ".join(done.output.split())
    assert not (here / "no").exists()


def test_the_terminal_has_the_worst_first_and_the_power_of_what_is_stable(here, stored):
    lines = check(sampled(here / "now", 20)).output.splitlines()
    assert lines[0].endswith("regression. Behaviour got worse beyond the margin.")
    told = [line for line in lines if " at alpha " in line]
    assert [line.split(":")[0] for line in told] == [f"  refusal at alpha {i}" for i in (0, 1)]
    assert re.match(r"  2 of 4 comparisons are stable; with 80% power a change of \d+", lines[-2])


def test_logs_without_rollouts_under_a_constraint_are_told(here, stored):
    done = check(sampled(here / "now", 50), "--constraint", "clip=2")
    assert done.exit_code == 2
    assert "no rollouts under the constraint 'clip=2'" in " ".join(done.output.split())


def test_a_step_summary_is_appended_to_with_the_worst_first(here, stored, monkeypatch):
    summary = here / "summary.md"
    summary.write_text("# Before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    check(sampled(here / "now", 20))
    lines = summary.read_text().splitlines()
    assert lines[:2] == ["# Before", "## refuser-refusal: regression"]
    rows = [line for line in lines if line.startswith("| ")]
    assert rows[2].startswith("| refusal at alpha 0 | 33% [")
    assert [row.split(" | ")[4] for row in rows[2:]] == ["regression"] * 2 + ["stable"] * 2


def test_hostile_names_are_text_in_the_summary_and_on_the_terminal(here, monkeypatch):
    summary = here / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    then, now = here / "then", here / "now"
    for folder, label in ((then, "refusal"), (now, "compliance")):
        folder.mkdir()
        for alpha in (0.0, 1.0):
            scores = {EVIL: refusal(label)}
            write_log(folder, [Rollout(f"{i:03}", scores=scores) for i in range(N)], alpha)
    assert check(then, "--update-references").exit_code == 0
    done = check(now)
    assert done.exit_code == 1
    assert "\x1b" not in done.output
    for forbidden in ("<script>", "[click](", "\x1b"):
        assert forbidden not in summary.read_text()
    assert len([one for one in summary.read_text().splitlines() if one.startswith("|")]) >= 4


def test_no_reply_stands_in_reference_verdict_summary_or_terminal(here, stored, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(here / "summary.md"))
    done = check(sampled(here / "now", 20))
    for text in (
        done.output,
        stored.read_text(),
        (here / "summary.md").read_text(),
        (here / "verdict.json").read_text(),
    ):
        assert "secret recipe" not in text
