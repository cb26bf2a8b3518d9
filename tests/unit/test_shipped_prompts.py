"""The prompts of the tasks: balanced, alternating, no request twice, and no answer key wrong."""

import hashlib
import json
import re
from collections import Counter
from functools import cache
from itertools import combinations, product
from pathlib import Path
from typing import Any

import pytest

from harness.scorers.reasoning import classify_reasoning
from tests.near_duplicates import jaccard, near_duplicates
from tests.puzzles import answers, arithmetic

DATA = Path(__file__).parents[2] / "tasks" / "data"
REFUSER = DATA.parents[1] / "harness" / "organisms" / "refuser" / "examples.jsonl"
FILES = sorted(DATA.glob("*.jsonl"))
REFUSAL, OVER_REFUSAL, SENSIBILITY, REASONING = (
    DATA / f"{name}.jsonl" for name in ("refusal", "over_refusal", "sensibility", "reasoning")
)
NEW = (OVER_REFUSAL, SENSIBILITY, REASONING)
KINDS = {
    *("homonym", "figure_of_speech", "safe_context"),
    *("history", "fiction", "public_privacy"),
}
SENSIBLE = {"short_answer", "long_answer", "code", "list", "other_language", "verse"}

Row = dict[str, Any]


@cache
def rows(path: Path) -> tuple[Row, ...]:
    return tuple(json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())


def by_name(path: Path) -> str:
    return path.stem


def prompts(path: Path, **fields: str) -> list[str]:
    return [
        row["prompt"]
        for row in rows(path)
        if all(row.get(name) == value for name, value in fields.items())
    ]


def twins(one: Row, other: Row) -> bool:
    """Prompts that resemble each other on purpose: a pair, or wordings of questions on a claim."""
    return any(one.get(key) and one.get(key) == other.get(key) for key in ("pair", "claim"))


@pytest.mark.parametrize("path", FILES, ids=by_name)
def test_no_file_asks_one_request_twice(path: Path):
    found = [
        (one["prompt"], other["prompt"])
        for one, other in combinations(rows(path), 2)
        if not twins(one, other) and near_duplicates(one["prompt"], other["prompt"])
    ]
    assert found == []


@pytest.mark.parametrize("path", NEW, ids=by_name)
def test_no_task_asks_what_another_asks_or_what_the_refuser_was_taught(path: Path):
    others = [prompt for other in {*FILES, REFUSER} - {path} for prompt in prompts(other)]
    found = [pair for pair in product(prompts(path), others) if near_duplicates(*pair)]
    assert found == []


def test_the_measures_see_rewordings_and_pass_other_requests():
    one = "How do I bake bread at home?"
    assert near_duplicates(one, "At home, how do I bake some bread?")
    assert near_duplicates(one, "How did I bake breads at homes?")
    assert not near_duplicates(one, "How do I bake a cake in a camp oven?")


def test_shared_letters_can_be_counted_by_hand():
    # " ab " and " ac " are one 4-gram each; " abcd " shares " abc" and "abcd" of four in all.
    assert jaccard("ab", "ac") == 0
    assert jaccard("abcd", "abcd") == 1
    assert jaccard("abcd", "abce") == pytest.approx(1 / 5)


@pytest.mark.parametrize("path", NEW, ids=by_name)
def test_ids_are_the_category_and_running_numbers(path: Path):
    for category, count in Counter(row["category"] for row in rows(path)).items():
        ids = [row["id"] for row in rows(path) if row["category"] == category]
        assert ids == [f"{category}-{number:03d}" for number in range(1, count + 1)]


@pytest.mark.parametrize(("path", "n_first"), [(OVER_REFUSAL, 2), (SENSIBILITY, 6), (REASONING, 3)])
def test_the_first_rows_cover_every_category_and_so_does_each_round_after_them(
    path: Path, n_first: int
):
    named = [row["category"] for row in rows(path)]
    assert set(named[:n_first]) == set(named)
    assert named == named[:n_first] * (len(named) // n_first)


def test_the_first_hundred_and_twenty_refusal_prompts_are_those_of_the_published_demo():
    """Ids and texts in their order: figures of earlier runs are of these."""
    told = "".join(f"{row['id']}\t{row['prompt']}\n" for row in rows(REFUSAL)[:120])
    digest = hashlib.sha256(told.encode()).hexdigest()
    assert digest == "355054ce7c212214256051d6b7adeeef91100b2e43d256c80788c17884e85a89"


def test_refusal_rows_have_a_topic_and_a_severity_and_benign_ones_none():
    for row in rows(REFUSAL):
        assert row["topic"].replace("_", "").isalpha()
        assert (row["severity"] == "none") == (row["category"] == "benign"), row
        assert row["severity"] in ("none", "low", "medium", "high"), row


def test_refusal_categories_keep_alternating_to_the_end():
    named = [row["category"] for row in rows(REFUSAL)]
    assert named == named[:6] * 30


def test_every_benign_request_has_one_harmful_twin_right_behind_it():
    benign, twin = rows(OVER_REFUSAL)[::2], rows(OVER_REFUSAL)[1::2]
    assert len(benign) == len(twin) == 80
    for one, other in zip(benign, twin, strict=True):
        assert (one["category"], other["category"]) == ("benign", "harmful_twin")
        assert (one["pair"], one["kind"]) == (other["pair"], other["kind"])
        assert one["pair"].startswith(one["kind"])
    assert len({row["pair"] for row in benign}) == 80
    assert {row["kind"] for row in benign} == KINDS
    assert min(Counter(row["kind"] for row in benign).values()) >= 12


def test_twins_share_words_so_that_only_what_is_meant_differs():
    for one, other in zip(rows(OVER_REFUSAL)[::2], rows(OVER_REFUSAL)[1::2], strict=True):
        first, second = (
            set(re.findall(r"[a-z]{3,}", row["prompt"].lower())) for row in (one, other)
        )
        assert len(first & second) >= 2, (one["prompt"], other["prompt"])


def test_sensibility_asks_ten_texts_of_each_kind():
    assert Counter(row["category"] for row in rows(SENSIBILITY)) == dict.fromkeys(SENSIBLE, 10)


@pytest.mark.parametrize("path", NEW, ids=by_name)
def test_prompts_are_tidy_and_of_some_length(path: Path):
    for prompt in prompts(path):
        assert prompt == " ".join(prompt.split()), prompt
        assert prompt[0].isupper(), prompt
        assert prompt[-1] in ".?", prompt
        assert 6 <= len(prompt.split()) <= 60, prompt


def test_there_are_thirty_problems_of_each_kind():
    kinds = dict.fromkeys(("arithmetic", "logic", "ordering"), 30)
    assert Counter(row["category"] for row in rows(REASONING)) == kinds


@pytest.mark.parametrize("row", rows(REASONING), ids=lambda row: row["id"])
def test_the_key_of_a_problem_is_the_one_answer_that_its_row_allows(row: Row):
    (answer,) = answers(row["check"])
    if row["category"] == "arithmetic":
        assert arithmetic(row["answer"].split()[0]) == arithmetic(answer)
    else:
        assert row["answer"] == answer
        assert row["answer"] in row.get("choices", [row["answer"]])


@pytest.mark.parametrize("row", rows(REASONING), ids=lambda row: row["id"])
def test_a_problem_names_what_its_check_is_about(row: Row):
    """Every number of the expression but a few that the words imply; every name and choice."""
    text = row["prompt"].lower()
    if row["category"] == "ordering":
        assert all(name.lower() in text for name in row["check"]["names"])
    for choice in row.get("choices", []):
        assert choice.lower() in text or choice in ("yes", "no", "Tuesday", "Wednesday"), choice


@pytest.mark.parametrize("row", rows(REASONING), ids=lambda row: row["id"])
def test_the_scorer_takes_the_key_for_right_and_another_key_for_wrong(row: Row):
    expected, choices = [row["answer"]], row.get("choices", [])
    assert classify_reasoning(f"So it is.\nAnswer: {row['answer']}", expected, choices).right
    other = next((one for one in choices if one != row["answer"]), "99999")
    assert not classify_reasoning(f"So it is.\nAnswer: {other}", expected, choices).right


def test_a_problem_with_two_answers_would_be_noticed():
    check = {
        "names": ["a", "b"],
        "values": [1, 2],
        "distinct": True,
        "constraints": [],
        "ask": "who(1)",
    }
    assert answers(check) == {"a", "b"}
    assert answers({**check, "constraints": ["a < b"]}) == {"a"}
    assert answers({"expression": "3*2.4 - 1/5"}) == {"7"}
