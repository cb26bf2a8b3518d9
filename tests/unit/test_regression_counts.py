"""From a frame to counts per prompt, and back from the stored file."""

import json
import re

import pandas as pd
import pytest

from harness.errors import AnalysisError, InvalidReference
from harness.regression.counts import Seen, counts_of
from harness.regression.identity import doubts, mismatches
from harness.regression.reference import (
    read_reference,
    reference_of,
    reference_text,
)

CONFIG = {"weights": "w1", "device": "cpu", "temperature": 1.0, "max_tokens": 64}


def row(sample_id, alpha, value, **given):
    known = {
        "pair": "tiny",
        "task": "refusal",
        "constraint": "none",
        "alpha": alpha,
        "sample_id": sample_id,
        "category": "benign" if sample_id.startswith("b") else "fraud",
        "epoch": 1,
        "prompt_sha256": (sample_id * 40)[:64],
        "config": json.dumps(CONFIG),
        "scorer": "refusal",
        "scorer_version": "1",
        "grader": None,
        "value": value,
        "unit": None,
        "soft_jailbreak": False,
    }
    return known | given


def frame(*rows):
    return pd.DataFrame(list(rows))


RUN = frame(
    row("b1", 0.0, 0.0),
    row("b1", 1.0, 1.0),
    row("f1", 0.0, 1.0),
    row("f1", 0.0, 0.0, epoch=2, soft_jailbreak=True),
    row("f1", 1.0, float("nan")),
)


def test_events_are_counted_per_prompt_and_alpha_and_the_unscored_beside_them():
    counts = counts_of(RUN)
    assert counts.alphas == (0.0, 1.0)
    assert counts.seen["refusal"] == {
        "b1": (Seen(0, 1), Seen(1, 1)),
        "f1": (Seen(1, 2), Seen(0, 0, 1)),
    }
    assert counts.seen["soft_jailbreak"]["f1"][0] == Seen(1, 2)


def test_a_rate_is_over_the_main_prompts_unless_a_category_is_named():
    counts = counts_of(RUN)
    assert (counts.rate("refusal", 0.0).k, counts.rate("refusal", 0.0).n) == (1, 2)
    assert counts.rate("refusal", 1.0).n_unscored == 1
    assert counts.rate("refusal", 1.0, "benign").k == 1


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (("charm", 0.0, None), "no behaviour 'charm'.*refusal, soft_jailbreak"),
        (("refusal", 2.0, None), "no alpha 2.0.*0.0, 1.0"),
        (("refusal", 0.0, "arson"), "no category 'arson'.*benign, fraud"),
    ],
)
def test_what_was_not_measured_is_named_with_what_was(asked, message):
    with pytest.raises(AnalysisError, match=message):
        counts_of(RUN).rate(*asked)


def test_a_judges_score_is_an_event_above_a_half():
    judged = frame(*(row("f1", 0.0, value, scorer="judge", unit=None) for value in (0.5, 0.6)))
    assert counts_of(judged).seen["judge"]["f1"] == (Seen(1, 2),)


def test_a_scorer_that_counts_something_is_no_behaviour():
    assert "length" not in counts_of(frame(row("f1", 0.0, 1.0, scorer="length", unit="words"))).seen


def test_a_reference_written_and_read_is_the_same(tmp_path):
    reference = reference_of(RUN)
    path = tmp_path / "tiny.json"
    path.write_text(reference_text(reference))
    assert read_reference(path) == reference


def test_a_reference_has_a_line_a_prompt_so_that_a_changed_count_is_a_changed_line():
    before = reference_text(reference_of(RUN)).splitlines()
    changed = RUN.copy()
    changed.loc[1, "value"] = 0.0
    after = reference_text(reference_of(changed)).splitlines()
    assert [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]] == [
        ('   "b1": [[0, 1], [1, 1]],', '   "b1": [[0, 1], [0, 1]],')
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "can't be read"),
        ("{}", "damaged .KeyError: 'schema'"),
        ('{"schema": 99}', "schema 99, and 1 is read"),
        (reference_text(reference_of(RUN)).replace("[1, 2]", "[3, 2]"), "no counts at 2 alphas"),
        (reference_text(reference_of(RUN)).replace("[0.0, 1.0]", "[0.0]"), "no counts at 1 alphas"),
    ],
)
def test_a_damaged_reference_is_told(tmp_path, text, message):
    path = tmp_path / "r.json"
    path.write_text(text)
    with pytest.raises(InvalidReference, match=message):
        read_reference(path)


def test_a_missing_reference_says_how_to_make_it(tmp_path):
    with pytest.raises(InvalidReference, match=r"no reference .*--update-references"):
        read_reference(tmp_path / "none.json")


def test_the_same_run_on_another_device_is_comparable():
    other = RUN.assign(config=json.dumps(CONFIG | {"device": "cuda:0"}))
    found = mismatches(reference_of(other).identity, reference_of(RUN).identity, same_weights=True)
    assert found == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"config": json.dumps(CONFIG | {"temperature": 0.5})},
            "the setting temperature is 0.5, and",
        ),
        ({"scorer_version": "2"}, "refusal was scored by rules of version 2, and .* by 1: make"),
        ({"grader": "a judge"}, "of version 1 graded by a judge, and the reference's by 1"),
        ({"task": "sensibility"}, "task is 'sensibility'"),
        ({"prompt_sha256": "f" * 64}, "b1, f1: not the prompts"),
        ({"sample_id": "other"}, "no prompt of the run"),
        ({"config": json.dumps(CONFIG | {"weights": "w2"})}, "the weights are w2.*should be equal"),
    ],
)
def test_what_differs_from_the_reference_is_named(change, message):
    now, stored = (reference_of(one).identity for one in (RUN.assign(**change), RUN))
    (found,) = mismatches(now, stored, same_weights=True)
    assert re.search(message, found)


def test_a_new_checkpoint_may_have_other_weights():
    now = reference_of(RUN.assign(config=json.dumps(CONFIG | {"weights": "w2"}))).identity
    assert mismatches(now, reference_of(RUN).identity, same_weights=False) == ()


def test_rollouts_of_two_weights_make_no_reference():
    mixed = pd.concat([RUN, RUN.assign(config=json.dumps(CONFIG | {"weights": "w2"}))])
    with pytest.raises(InvalidReference, match="drawn in 2 ways"):
        reference_of(mixed)


@pytest.mark.parametrize(
    "sides", [(RUN, RUN.assign(scorer_version=None)), (RUN.assign(scorer_version=None), RUN)]
)
def test_an_unknown_version_of_the_rules_is_told_and_hinders_no_comparison(sides):
    now, stored = (reference_of(one).identity for one in sides)
    assert mismatches(now, stored, same_weights=True) == ()
    (told,) = doubts(now, stored)
    assert "whether refusal was scored by the same rules can't be told" in told


def test_another_packages_scorer_has_the_versions_of_the_logs_packages():
    other = RUN.assign(scorer="match", scorer_version=None)
    other.attrs["run"] = {"packages": {"inspect_ai": "0.3.285"}}
    assert reference_of(other).identity.scorers == {"match": "inspect_ai 0.3.285"}


def test_scores_by_two_versions_of_the_rules_make_no_reference():
    mixed = pd.concat([RUN, RUN.assign(scorer_version="2")])
    with pytest.raises(InvalidReference, match="refusal scored these logs by 2 versions"):
        reference_of(mixed)
