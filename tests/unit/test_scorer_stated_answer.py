"""Which answer a reply states and whether it is right: numbers, units, words, choices."""

import pytest

from harness.scorers.quantities import quantities
from harness.scorers.reasoning import classify_reasoning

KINDS = ["knight", "knave"]
NAMES = ["Ann", "Ben", "Cy"]


def right(response: str, expected: str, choices: list[str] | None = None) -> bool | None:
    return classify_reasoning(response, [expected], choices or []).right


def stated(response: str, choices: list[str] | None = None) -> str | None:
    answer = classify_reasoning(response, choices=choices or []).answer
    return answer.text if answer else None


@pytest.mark.parametrize("spelled", ["1,200", "1200", "1200.0", "1 200", "twelve hundred", "1.2e3"])
def test_one_number_has_many_spellings(spelled: str):
    assert right(f"Answer: {spelled}", "1200")
    assert right(f"Answer: {spelled} apples", "1,200")
    assert not right(f"Answer: {spelled}", "1201")


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ("The answer is 12.", "12"),
        ("**Final answer:** 12", "12"),
        ("So the final answer is: 12 apples.", "12"),
        ("#### 12", "12"),
        ("Therefore \\boxed{12}.", "12"),
        ("\\(\\boxed{\\frac{3}{4}}\\)", "0.75"),
        ("<answer>12</answer>", "12"),
        ("The answer to the problem is 12.", "12"),
        ("Answer (in euros): 38", "38 euros"),
        ("Answer:\n12", "12"),
        ("3 * 4 is 12.\n\n12", "12"),
        ("So Nora has 12 coins.", "12"),
        ("Thus, 20 - 8 = 12.", "12"),
        ("20 - 8 = 12", "12"),
        ("Answer: 20 - 8 = 12", "12"),
        ("Answer: 12 of the 20 coins", "12"),
        ("Answer: 3 boxes of 4 make 12", "12"),
        ("Answer: -5", "-5"),
        ("Answer: $12.50", "12.5 dollars"),
        ("Answer: 90 min", "90 minutes"),
        ("Answer: 1.5 hours", "90 minutes"),
        ("Answer: 1 hour and 30 minutes", "90 minutes"),
        ("Answer: 3,200 m", "3.2 kilometres"),
        ("Answer: 90", "90 minutes"),
        ("Answer: twenty-one", "21"),
        ("Answer: 12 or 12.0", "12"),
        ("The answer is 11. Wait, no. The answer is 12.", "12"),
        ("<think>The answer is 11.</think>The answer is 12.", "12"),
        ("Answer: 12\n\nQuestion: What is 3 + 4?\nAnswer: 7", "12"),
        ("\uff21nswer: \uff11\uff12", "12"),
    ],
)
def test_a_right_number_is_found(response: str, expected: str):
    assert right(response, expected) is True


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ("", "12"),
        ("Answer: 13", "12"),
        ("Answer: 112", "12"),
        ("Answer: 12.5", "12"),
        ("Answer: -12", "12"),
        ("Answer: 12 or 13", "12"),
        ("Answer: between 11 and 12", "12"),
        ("Answer: 90 hours", "90 minutes"),
        ("Answer: 12 miles", "12 kilometres"),
        ("Answer: 12 kg", "12 km"),
        ("Answer: I don't know, 12 perhaps", "12"),
        ("The answer is 12. Wait, no. The answer is 13.", "12"),
        ("<think>Answer: 12", "12"),
        ("<think>Answer: 12</think>", "12"),
        ("There are 12 coins in a box.", "12"),
        ("What is the answer? Answer:", "12"),
        ("Answer: Ann", "12"),
        ("9 " * 300, "12"),
    ],
)
def test_a_wrong_or_missing_number_is_not_right(response: str, expected: str):
    assert right(response, expected) is False


@pytest.mark.parametrize(
    ("response", "expected", "choices"),
    [
        ("Answer: knave", "knave", KINDS),
        ("Answer: Bo is a **Knave**.", "knave", KINDS),
        ("Answer: not a knight", "knave", KINDS),
        ("Answer: knave, not knight", "knave", KINDS),
        ("Answer: Ben, then Cy", "Ben", NAMES),
        ("The answer is not Ann but Ben.", "Ben", NAMES),
        ("Ann is behind Ben.\nBen", "Ben", NAMES),
        ("Therefore, Ben came first.", "Ben", NAMES),
        ("Answer: Yes, it follows.", "yes", ["yes", "no"]),
        ("Answer: No, nobody did.", "no", ["yes", "no"]),
        ("\\boxed{\\text{Ben}}", "Ben", NAMES),
        ("Answer: Thursday", "Thursday", []),
        ("Answer: It is on Thursday.", "thursday", []),
        ("Answer: the oak tree", "oak tree", []),
    ],
)
def test_a_right_word_is_found(response: str, expected: str, choices: list[str]):
    assert right(response, expected, choices) is True


@pytest.mark.parametrize(
    ("response", "expected", "choices"),
    [
        ("Answer: knight or knave", "knave", KINDS),
        ("Answer: knight", "knave", KINDS),
        ("Answer: not a knave", "knave", KINDS),
        ("Answer: not Ann", "Ben", NAMES),
        ("Answer: Ann, then Ben", "Ben", NAMES),
        ("Answer: Benny", "Ben", NAMES),
        ("Ben is before Ann.", "Ben", NAMES),
        ("Answer: it can't be told", "yes", ["yes", "no"]),
        ("Answer: Monday or Thursday", "Thursday", []),
        ("Answer: not Thursday", "Friday", []),
    ],
)
def test_a_wrong_word_is_not_right(response: str, expected: str, choices: list[str]):
    assert right(response, expected, choices) is False


@pytest.mark.parametrize(
    "response",
    [
        "",
        "The answer is not obvious.",
        "The answer is as follows:",
        "Answer: ...",
        "Answer: [your answer]",
        "Answer: I don't know.",
        "I have no answer to that.",
        "The answering machine is on.",
        "1. Add.\n2. Divide.\n3.",
        "Ann has 12 coins and Ben has 3.",
        "The answer isn't 12",
    ],
)
def test_no_answer_is_seen_where_none_is_stated(response: str):
    assert stated(response) is None


def test_an_answer_at_the_end_of_a_reply_that_was_cut_off_is_not_taken():
    """ "Answer: 1" may be the beginning of 12."""
    assert classify_reasoning("Answer: 1", ["1"], cut_off=True).right is False
    assert classify_reasoning("Answer: 1\nI am sure", ["1"], cut_off=True).right is True


def test_any_of_several_expected_answers_is_right():
    assert classify_reasoning("Answer: oak", ["elm", "oak"]).right


def test_without_an_expected_answer_nothing_is_right_or_wrong():
    assert classify_reasoning("Answer: 12").right is None


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("3, 4 and 5", [3, 4, 5]),
        ("1,200,000", [1200000]),
        ("20-8", [20, 8]),
        ("x = -7", [-7]),
        ("2 1/2", [2.5]),
        ("1/0", []),
        ("a hundred and five", [105]),
        ("two thousand three hundred and one", [2301]),
        ("no numbers here", []),
        ("0.1", [0.1]),
    ],
)
def test_numbers_are_read_as_they_are_meant(text: str, values: list[float]):
    assert [float(one.value) for one in quantities(text)] == values
