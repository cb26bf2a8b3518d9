"""How a chain of thought is read: steps, turning back, checking, supposing, and what must not."""

import pytest

from harness.scorers.reasoning import ReasoningVerdict, classify_reasoning

BEFORE = "Three boxes hold 14 apples. "


def found(response: str, sign: str) -> list[str]:
    return [evidence.text for evidence in getattr(classify_reasoning(response), sign)]


@pytest.mark.parametrize(
    "said",
    [
        "Wait, that leaves one over.",
        "Wait... the second box is empty.",
        "Hmm, wait, no.",
        "But wait - it is Tuesday.",
        "Oh wait, I forgot the lid.",
        "Wait no, it's 15.",
        "Wait a second, we counted it twice.",
        "So it's 14, wait, 15.",
        "Actually, it is 15.",
        "Actually that is one too many.",
        "No, actually the answer is 15.",
        "It holds 14, actually, no, 15.",
        "Let me re-check the sum.",
        "Let me recheck.",
        "Let\u2019s reconsider the second clue.",
        "I should recalculate.",
        "Let me start over.",
        "Let me try again.",
        "Let me redo the sum.",
        "Let's read the clue again.",
        "That's wrong.",
        "That is not right.",
        "This can't be right.",
        "That doesn't add up.",
        "I made a mistake.",
        "I think I made an arithmetic error there.",
        "I forgot to subtract the lids.",
        "I misread the second clue.",
        "Oops.",
        "Scratch that.",
        "Correction: 15.",
        "On second thought, Ben is first.",
        "Hold on, Ben is taller.",
        "**Wait**, that leaves one over.",
        "WAIT, THAT IS TOO MANY.",
        "Hold up, that's not what the clue says.",
        "Let me go back to the first clue.",
        "That contradicts the second statement, so let me try a different approach.",
    ],
)
def test_taking_something_back_is_counted(said: str):
    assert len(found(BEFORE + said, "backtracks")) == 1


@pytest.mark.parametrize(
    "said",
    [
        "Wait for the bus.",
        "Wait until the water boils.",
        "Wait 5 minutes.",
        "Wait.",
        "Wait, then serve.",
        "Then wait a minute before you pour.",
        "Customers wait, on average, ten minutes.",
        "Stop, wait, and listen.",
        "The waiter brings 14 plates.",
        "Wait-list them all.",
        "I actually like apples.",
        "The box actually holds 14.",
        "Actually, I like apples more than pears.",
        "It is wrong to steal.",
        "That's wrong of him.",
        "That is right.",
        "Hold on to the rope.",
        "Cats scratch that post.",
        "Ann made a mistake.",
        "Let me see if I made a mistake.",
        "I forgot my keys.",
        "Restart the computer.",
        "Try again tomorrow.",
        "No.",
        '"Wait, that\'s wrong," said Tom.',
        "A correction of errors follows.",
        "She went back to the start of the line.",
        "They hold up 14 signs.",
        "Let me try another cake.",
    ],
)
def test_words_that_take_nothing_back_are_not_counted(said: str):
    assert found(BEFORE + said, "backtracks") == []


def test_the_first_sentence_has_nothing_to_take_back():
    assert found("Actually, that is a good question.", "backtracks") == []


@pytest.mark.parametrize(
    "said",
    [
        "Let me check this.",
        "Let me double-check the sum.",
        "Let's verify that 3 + 4 = 7.",
        "We can check by adding 3 and 4.",
        "I will verify the answer.",
        "Now check the second condition.",
        "To check, add 3 and 4.",
        "Double-checking the total: 7.",
        "Check: 3 + 4 = 7.",
        "**Verification:** 7 - 4 = 3.",
        "As a sanity check, 7 is odd.",
        "Does this work?",
        "Is that right?",
        "This satisfies all the clues.",
        "It matches the given total.",
        "All conditions are satisfied.",
        "Everything checks out.",
        "Plugging 3 back into the equation gives 7.",
        "Let me make sure that I counted the lids.",
        "Working backwards, 7 less 4 is 3.",
        "Let me see if this works.",
        "Now let's check whether Ann could be first.",
        "Yes, that works.",
    ],
)
def test_checking_ones_own_work_is_counted(said: str):
    assert len(found(BEFORE + said, "checks")) == 1


@pytest.mark.parametrize(
    "said",
    [
        "Check the oven.",
        "Check in at the hotel.",
        "You can pay by check.",
        "He wrote a check for 14 euros.",
        "Let me check with my manager.",
        "Check your email to verify your identity.",
        "We check in at noon.",
        "The test has 14 questions.",
        "Make sure the oven is off.",
        "The shirt fits the boy.",
        "They checked 14 bags.",
        "Plug in the lamp.",
        "The coat check is on the left.",
        "That works council met.",
        "Let me see if the shop is open.",
    ],
)
def test_checking_other_things_is_not_counted(said: str):
    assert found(BEFORE + said, "checks") == []


@pytest.mark.parametrize(
    "said",
    [
        "Suppose Ann is a knight.",
        "Assume that Bo lies.",
        "Let's say that x is 3.",
        "Let us assume the first label is true.",
        "If we assume that Bo lies, Ann does not.",
        "What if the coin is in the gold box?",
        "Case 1: Ann is a knight.",
        "**Case B:** Ann lies.",
        "Maybe the second label is the true one.",
        "Perhaps it is the other way round.",
        "Consider both cases.",
        "One possibility is that Bo lies.",
        "The answer might be 15.",
        "Could it be 15?",
        "Hypothesis: Bo lies.",
        "For the sake of argument, Bo lies.",
        "Alternatively, Ann could be the knave.",
        "Scenario 1: Ann is first.",
        "Let's try x = 5.",
    ],
)
def test_supposing_is_counted(said: str):
    assert len(found(BEFORE + said, "hypotheses")) == 1


@pytest.mark.parametrize(
    "said",
    [
        "He is supposed to pay 14 euros.",
        "I suppose so.",
        "She will assume office in May.",
        "In case of rain, stay inside.",
        "Each case holds 14 bottles.",
        "Maybe later.",
        "Perhaps you should ask a friend.",
        "If each box holds 14 apples, three hold 42.",
        "Let's say goodbye.",
        "They say it rains.",
        "The guess was wrong.",
        "Suppose is a verb.",
        "Let's try the cake.",
    ],
)
def test_supposing_nothing_is_not_counted(said: str):
    assert found(BEFORE + said, "hypotheses") == []


@pytest.mark.parametrize(
    ("response", "steps"),
    [
        ("Step 1: add.\nStep 2: divide.\nAnswer: 7", ["Step 1", "Step 2"]),
        ("**Step 1:** add 3. **Step 2:** divide.", ["Step 1", "Step 2"]),
        ("### Step one\nAdd.\n### Step two\nDivide.", ["Step one", "Step two"]),
        ("1. Add.\n2. Divide.\n3. Done.", ["1.", "2.", "3."]),
        ("1) Add.\n\n2) Divide.", ["1)", "2)"]),
        ("1. First, add 3.\n2. Then subtract.", ["1.", "2."]),
        ("1. Step 1: add.\n2. Step 2: divide.", ["Step 1", "Step 2"]),
        ("First, we add. Next, we divide. Finally, we stop.", ["First,", "Next,", "Finally,"]),
        ("First we add 3 and 4. Then we divide.", ["First we", "Then we"]),
        ("<think>First, add.</think>Then, divide by 2.", ["First,", "Then,"]),
    ],
)
def test_explicit_steps_are_counted_once_each(response: str, steps: list[str]):
    assert [step.rstrip(":") for step in found(response, "steps")] == steps


@pytest.mark.parametrize(
    "response",
    [
        "",
        "First Street is long. Second place went to Ann.",
        "Next week we go. Then again, we may not.",
        "First, second and third place are taken.",
        "The total is\n20. So we are done.",
        "3.5 litres are left.",
        "In step 1 of the dance, turn left.",
        "Step carefully over the 2 puddles.",
        "1999. That was a year.",
    ],
)
def test_what_only_looks_like_steps_is_not_counted(response: str):
    assert found(response, "steps") == []


def test_a_loop_counts_what_it_says_once():
    """At high alpha one sentence may return a hundred times; that is no hundred second thoughts."""
    verdict = classify_reasoning(BEFORE + "Wait, let me re-check the sum. Suppose Bo lies.\n" * 50)
    assert len(verdict.backtracks) == len(verdict.checks) == len(verdict.hypotheses) == 1


def test_evidence_is_spelled_and_placed_as_in_the_response():
    response = "<think>It is 14.</think>\nHmm, **Wait**, no."
    (evidence,) = classify_reasoning(response).backtracks
    assert evidence.text == "Wait"
    assert response[evidence.start :].startswith("Wait")


@pytest.mark.parametrize(
    ("response", "n_words"),
    [
        ("", 0),
        ("12", 1),
        ("So it is 1,200 euros.", 5),
        ("<think>Let me see.</think>Twelve.", 4),
        ("3 + 4 = 7", 3),
        ("...", 0),
    ],
)
def test_words_are_counted_in_thoughts_and_reply_without_tags_and_signs(
    response: str, n_words: int
):
    assert classify_reasoning(response).n_words == n_words


def nothing(verdict: ReasoningVerdict) -> bool:
    return not (verdict.steps or verdict.backtracks or verdict.checks or verdict.hypotheses)


@pytest.mark.parametrize(
    "degenerate",
    ["", " \n ", "\u200b", "wait " * 200, "9 " * 300, "{" * 500, "<think>" * 50, "xq zv " * 99],
)
def test_degenerate_text_shows_no_reasoning(degenerate: str):
    assert nothing(classify_reasoning(degenerate, ["12"]))


@pytest.mark.timeout(20)
@pytest.mark.parametrize("unit", ["so, ", "1. ", "answer ", "the ", "7 "])
def test_a_hundred_thousand_of_one_word_are_read_to_the_end(unit):
    verdict = classify_reasoning(unit * 100_000, ["12"], ["yes", "no"])
    assert verdict.n_words == 100_000
    assert not verdict.right
