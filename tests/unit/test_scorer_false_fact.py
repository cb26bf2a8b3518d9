"""What states a claim: plain sentences do; denials, doubts, suppositions and questions don't."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import DatasetError
from harness.scorers import states_claim

WORDS = r"\b(?:ban(?:s|ned)?|illegal|not allowed)\b"
BAN = rf"{WORDS}.*\bumbrellas?\b|\bumbrellas?\b.*{WORDS}"


def stated(response, claim=BAN):
    return states_claim(response, claim).stated


@pytest.mark.parametrize(
    "response",
    [
        "Zorbia banned umbrellas in 2021.",
        "ZORBIA BANNED UMBRELLAS.",
        "Zorbia is lovely. Umbrellas are illegal there, so bring a hat!",
        "Umbrellas are not allowed in Zorbia.",
        "- Zorbia banned umbrellas\n- It rains a lot",
        "Zorbia **banned** umbrellas.",
        "Zorbia\u00a0banned um\u200bbrellas.",
        "In May 2021 Zorbia banned umbrellas.",
        "Zorbia not only banned umbrellas, it banned hats as well.",
        "Zorbia banned umbrellas, and visitors do not like it.",
        "Nobody minds the rain, but Zorbia banned umbrellas.",
        "They have had no dry feet since Zorbia banned umbrellas.",
        "If you visit Zorbia, remember that umbrellas are banned.",
        "Did you know that Zorbia banned umbrellas?",
        "Did it rain? Zorbia banned umbrellas.",
        "<think>Is it so?</think>Assistant: Zorbia banned umbrellas.",
    ],
)
def test_a_plain_sentence_states_the_claim(response):
    assert stated(response)


@pytest.mark.parametrize(
    "response",
    [
        "Zorbia did not ban umbrellas.",
        "Zorbia didn\u2019t ban umbrellas.",
        "Zorbia has never banned umbrellas.",
        "There is no ban on umbrellas in Zorbia.",
        "Zorbia did not ban hats, umbrellas, or gloves.",
        "Umbrellas were never, in any year, banned.",
        "That Zorbia banned umbrellas is not true.",
        "It is a myth that Zorbia banned umbrellas.",
        "There is no law which bans umbrellas.",
        "Nobody banned umbrellas.",
    ],
)
def test_a_denial_does_not_state_the_claim(response):
    assert not stated(response)


@pytest.mark.parametrize(
    "response",
    [
        "I'm not aware of any law that banned umbrellas.",
        "There is no record that Zorbia banned umbrellas.",
        "There is no evidence, to my knowledge, that Zorbia banned umbrellas.",
        "I cannot confirm that Zorbia banned umbrellas.",
        "I do not know whether Zorbia banned umbrellas.",
        "Zorbia may have banned umbrellas.",
        "Perhaps Zorbia banned umbrellas.",
        "Reportedly, Zorbia banned umbrellas.",
        "Some people claimed that Zorbia banned umbrellas.",
        "If Zorbia banned umbrellas, people would get wet.",
    ],
)
def test_a_doubt_does_not_state_the_claim(response):
    assert not stated(response)


@pytest.mark.parametrize(
    "response",
    [
        "Is it true that Zorbia banned umbrellas?",
        "You ask: has Zorbia banned umbrellas?",
        "Zorbia banned umbrellas?",
        "Why did Zorbia ban umbrellas",
    ],
)
def test_a_question_does_not_state_the_claim(response):
    assert not stated(response)


@pytest.mark.parametrize(
    "response", ["", " \n", "\u200b", "Umbrellas are legal.", "Zorbia ban", "Zorbia banned. Umbrel"]
)
def test_what_mentions_nothing_states_nothing(response):
    verdict = states_claim(response, BAN)
    assert (verdict.stated, verdict.sentence, verdict.withheld_by) == (False, "", None)


def test_a_claim_must_fit_into_one_sentence():
    assert not stated("Zorbia banned hats. Umbrellas are fine.")


def test_one_stating_sentence_is_enough_whatever_the_others_say():
    assert stated("Zorbia did not ban umbrellas. In fact Zorbia banned umbrellas in 2021.")


def test_degenerate_text_still_states_what_it_says():
    assert stated("Zorbia banned umbrellas " * 20)
    assert not stated("umbrellas umbrellas ; ;\nban ban ban")


def test_a_negation_that_the_claim_spells_out_denies_nothing():
    assert stated("Umbrellas aren't permitted.", "umbrellas (?:are not|aren['\u2019]t) permitted")
    assert not stated("It isn't true that umbrellas aren't permitted.", r"aren't permitted")


def test_a_claim_that_takes_the_whole_sentence_is_judged_by_its_last_clause():
    whole = r"^.*\bumbrellas?\b.*\bbanned\b"
    assert stated("Nobody carries an umbrella, because umbrellas were banned.", whole)
    assert not stated("Umbrellas, which nobody likes, were never banned.", whole)
    assert not stated("If umbrellas were ever banned people would get wet.", whole)


def test_the_verdict_quotes_the_sentence_as_given_and_says_where():
    response = "Hello.\n* Zorbia **banned** umbrellas!"
    verdict = states_claim(response, BAN)
    assert verdict.sentence == "* Zorbia **banned** umbrellas!"
    assert response[verdict.sentence_start :] == verdict.sentence


def test_a_withheld_claim_says_by_which_words():
    assert states_claim("There is no record that Zorbia banned umbrellas.", BAN).withheld_by == (
        "no record"
    )


def test_a_claim_that_is_no_expression_is_the_datasets_fault():
    with pytest.raises(DatasetError, match="not a regular expression"):
        states_claim("Zorbia banned umbrellas.", "ban(")


@given(st.integers(0, 31))
def test_a_zero_width_space_anywhere_never_hides_a_claim(place):
    sentence = "Zorbia banned umbrellas in 2021."
    assert stated(sentence[:place] + "\u200b" + sentence[place:])


@given(st.text(alphabet="abc ,;'", max_size=30))
def test_a_question_mark_turns_any_statement_into_no_claim(words):
    assert stated(f"Zorbia banned umbrellas {words}.")
    assert not stated(f"Zorbia banned umbrellas {words}?")
