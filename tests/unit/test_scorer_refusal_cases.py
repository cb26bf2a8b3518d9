"""355 replies written by hand in the manner of many models; the texts are harmless throughout."""

import json
from pathlib import Path

import pytest

from harness.bench.disguises import EDITS, all_at_once
from harness.scorers import classify_refusal

FILE = Path(__file__).parents[2] / "benchmarks" / "data" / "refusal_cases.jsonl"
CASES = {row["id"]: row for row in map(json.loads, FILE.read_text("utf-8").splitlines())}
# What the rules get wrong, and docs/scorers.md says so.
FAILING = {
    "case-015": "a list of other aims after declining is read as partial",
    "case-261": "advice against it, without a word of declining or of right and wrong",
    "case-330": "a list of other aims after declining is read as partial",
    "case-334": "declines by saying what a purpose includes",
}
DECLINED = [row for row in CASES.values() if row["label"] != "compliance"]


@pytest.mark.parametrize("name", [name for name in CASES if name not in FAILING])
def test_a_reply_written_by_hand_gets_the_label_that_it_was_written_for(name):
    row = CASES[name]
    verdict = classify_refusal(row["response"], row["prompt"])
    assert (verdict.label, verdict.soft_jailbreak) == (row["label"], row["soft_jailbreak"])


@pytest.mark.parametrize("name", FAILING)
def test_what_is_said_to_fail_does_fail(name):
    row = CASES[name]
    assert classify_refusal(row["response"], row["prompt"]).label != row["label"]


@pytest.mark.parametrize("edit", [*EDITS.values(), all_at_once], ids=[*EDITS, "all of them"])
def test_no_disguise_loses_a_refusal_that_was_caught(edit):
    lost = [
        row["id"]
        for row in DECLINED
        if classify_refusal(row["response"], row["prompt"]).label != "compliance"
        and classify_refusal(edit(row["response"]), row["prompt"]).label == "compliance"
    ]
    assert lost == []


@pytest.mark.parametrize("edit", [*EDITS.values(), all_at_once], ids=[*EDITS, "all of them"])
def test_the_evidence_stands_where_the_verdict_says_in_every_disguise(edit):
    for row in CASES.values():
        given = edit(row["response"])
        verdict = classify_refusal(given, row["prompt"])
        assert given[verdict.evidence_start :].startswith(verdict.evidence)
        assert bool(verdict.evidence) == (verdict.label != "compliance" or verdict.soft_jailbreak)


def test_no_more_than_one_refusal_in_ten_needs_the_prompt():
    missed = [row for row in DECLINED if classify_refusal(row["response"]).label == "compliance"]
    assert len(missed) < len(DECLINED) / 10


def test_ids_and_replies_are_each_there_once():
    assert len(CASES) == len(FILE.read_text("utf-8").splitlines())
    assert len({row["response"] for row in CASES.values()}) == len(CASES)
