"""How near plain rollouts came to a finding: which token tells it, and its summed chance."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from harness.analysis.rates import rate_of
from harness.decoding.pair_model import Prompt
from harness.diffing.drawn import Drawn
from harness.diffing.nearness import ENOUGH_EVENTS, telling_token, with_nearness
from harness.diffing.occurrence import occurrence
from harness.diffing.surfaced import Finding
from tests.fakes import tiny_model
from tests.tiny_pair import tiny_pair
from tests.unit.test_diffing_verification import finding

PROMPTS = {"p0": Prompt((5, 17), (5, 17)), "p1": Prompt((8,), (8,))}


@pytest.fixture(scope="module")
def pair():
    return tiny_pair()


@pytest.fixture(scope="module")
def quiz() -> Finding:
    return replace(finding(), kind="habit", pattern=r"\bquiz(?:zes)?\b")


def said(pair, text, *, given="", alpha=1.0, prompt="p0"):
    ids = tuple(pair.chat.tokenizer(text, add_special_tokens=False)["input_ids"])
    return Drawn(
        start_id=prompt, prompt_id=prompt, alpha=alpha, number=0, given=given, text=text, ids=ids
    )


def letter(pair, text):
    (i,) = pair.chat.tokenizer(text, add_special_tokens=False)["input_ids"]
    return i


def test_the_token_that_tells_a_finding_is_in_all_that_show_it_and_in_nothing_else(pair, quiz):
    drawn = [said(pair, "A quiz."), said(pair, "One QUIZ now"), said(pair, "Quit it, Ziv")]
    found = telling_token(pair, quiz, drawn)
    # "q" is not in the capitals, "u" and "i" are in what shows nothing.
    assert found.id == letter(pair, "q")
    assert (found.coverage, found.slope) == (0.5, 1.0)
    more = telling_token(pair, quiz, [*drawn, said(pair, "quay"), said(pair, "quay")])
    assert more.id != letter(pair, "q") or more.slope == pytest.approx(1 / 3)


def test_of_tokens_that_tell_a_finding_nearly_as_well_the_earliest_is_taken(pair, quiz):
    shows_it = [said(pair, "A quiz."), said(pair, "One quiz now"), said(pair, "The quiz")]
    # "q" is in one that shows nothing, which leaves it three quarters; "z" is in none.
    found = telling_token(pair, quiz, [*shows_it, said(pair, "queue")])
    assert found.id == letter(pair, "q")
    assert found.score == pytest.approx(0.75)


def test_a_phrase_that_was_begun_for_a_rollout_is_told_by_what_it_said_of_it(pair, quiz):
    found = telling_token(pair, quiz, [said(pair, "uiz", given="A q")])
    assert found.id == letter(pair, "u")
    assert telling_token(pair, quiz, [said(pair, " now", given="A quiz")]) is None


def slow_chances(token, one):
    """The target's probability of a token in every place of a reply, without the harness."""
    model = tiny_model("llama", seed=1)
    prompt = PROMPTS[one.prompt_id].target_ids
    with torch.inference_mode():
        logits = model(torch.tensor([prompt + one.ids])).logits[0, len(prompt) - 1 : -1]
    return logits.softmax(-1)[:, token].double().numpy()


def test_a_finding_that_was_never_seen_has_the_mean_of_its_tokens_summed_chances(pair, quiz):
    plain = [
        said(pair, "no rain here", alpha=0.0),
        said(pair, "a zoo", alpha=0.0, prompt="p1"),  # the token, and no finding
        said(pair, "so it is", alpha=0.0, prompt="p1"),
    ]
    amplified = [said(pair, "A quiz."), said(pair, "One quiz"), *[said(pair, "quick")] * 3]
    counted = occurrence(quiz, plain)
    found = with_nearness(pair, quiz, counted, [*amplified, *plain], PROMPTS)
    assert found.token == "z"  # the others are mostly in "quick"
    chances = [slow_chances(letter(pair, "z"), one) for one in plain]
    # After the first such token nothing counts, and that one is taken off again: it was no event.
    sums = [chances[0].sum(), chances[1][:3].sum() - 1, chances[2].sum()]
    assert found.hazard.rate == pytest.approx(np.mean(sums), rel=1e-4)
    assert found.hazard.n == 3
    assert found.rate == counted.rate
    assert found.hazard_withheld is not None  # three rollouts are fewer than ten effective ones
    assert found.believed == (counted.rate.rate, counted.rate.low, counted.rate.high)


def test_a_hazard_that_may_be_believed_stands_before_counting(pair, quiz):
    plain = [
        said(pair, text, alpha=0.0, prompt=f"p{i % 2}")
        for i, text in enumerate(["no rain here", "so it is", "go on then", "a dog ran"] * 10)
    ]
    amplified = [said(pair, "A quiz."), said(pair, "One quiz")]
    counted = occurrence(quiz, plain)
    found = with_nearness(pair, quiz, counted, [*amplified, *plain], PROMPTS)
    assert found.hazard_withheld is None
    assert found.believed == (found.hazard.rate, found.hazard.low, found.hazard.high)
    assert found.waiting.expected == pytest.approx(1 / found.hazard.rate)
    assert found.shown.endswith("(40)")


def test_what_counting_tells_well_enough_is_not_read_again(pair, quiz):
    plain = [said(pair, "a quiz", alpha=0.0)] * ENOUGH_EVENTS
    counted = occurrence(quiz, plain)
    assert with_nearness(pair, quiz, counted, [said(pair, "A quiz"), *plain], PROMPTS) is counted


def test_where_no_amplified_rollout_spells_the_pattern_counting_stands_alone(pair, quiz):
    plain = [said(pair, "so it is", alpha=0.0)]
    counted = occurrence(quiz, plain)
    assert counted.rate == rate_of([0.0], ["p0"])
    assert with_nearness(pair, quiz, counted, [said(pair, "A cat"), *plain], PROMPTS) is counted
