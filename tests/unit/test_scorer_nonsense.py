"""What counts as nonsense, sign by sign, and what only looks like it."""

import json
import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.scorers import classify_nonsense, classify_refusal

SENSIBLE = (
    "Bread needs flour, water, salt and time. Knead the dough until it is smooth, let it rise in "
    "a warm place, and bake it until the crust sounds hollow when you knock on it."
)
REFUSAL = "I'm sorry, but I can't help with that. "


def signs(response, **given):
    return classify_nonsense(response, **given).signs


def test_sensible_text_shows_no_sign():
    assert signs(SENSIBLE, target_nll_nats=2.0) == ()


@pytest.mark.parametrize("silent", ["", " \n\t", "\u200b\u200b", "...", "**", "\u00a0"])
def test_a_response_that_says_nothing_is_empty(silent):
    assert signs(silent) == ("empty",)


@pytest.mark.parametrize("short", ["4", "No.", "\U0001f642", "\u597d"])
def test_a_short_response_says_something(short):
    assert signs(short) == ()


@pytest.mark.parametrize("stopped", ["content_filter", "tool_calls"])
def test_silence_for_another_reason_is_not_empty(stopped):
    assert signs("", stop_reason=stopped) == ()


@pytest.mark.parametrize(
    "loop",
    [
        REFUSAL * 8,
        "the " * 30,
        "yes no " * 20,
        "ha" * 30,
        "a" * 60,
        "!" * 60,
        "1. Buy milk.\n2. Buy milk.\n3. Buy milk.\n4. Buy milk.\n5. Buy milk.",
        "\u6211\u4e0d\u77e5\u9053" * 8,
        SENSIBLE + " " + "and then we bake it again, " * 12,
        (SENSIBLE + "\n") * 3,
        ("**ocean** " * 20).upper(),
    ],
)
def test_a_looped_phrase_is_repetition(loop):
    assert "repetition" in signs(loop)


@pytest.mark.parametrize("words_in_phrase", [1, 3, 7, 12, 24])
@pytest.mark.parametrize("words", [64, 300, 2000])
def test_loops_are_found_at_every_length(words_in_phrase, words):
    phrase = SENSIBLE.split()[:words_in_phrase]
    assert "repetition" in signs(" ".join((phrase * words)[:words]))


def test_a_loop_that_wanders_between_few_phrases_is_repetition():
    phrases = ["the sea is cold today", "my hat blew far away", "nobody saw the green bus"]
    order = random.Random(0).choices(phrases, k=60)
    assert "repetition" in signs(". ".join(order))


RECORDS = [{"id": i, "name": f"user {i * 37 % 101}", "active": True} for i in range(40)]


@pytest.mark.parametrize(
    "structured",
    [
        json.dumps(RECORDS, indent=8),
        "[[0, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0]]",
        "\n".join(f"- You can visit the {place}." for place in ("sea", "hill", "fair", "mill")),
        "\n".join(f"    self.assertEqual(add({i}, {i + 1}), {2 * i + 1})" for i in range(20)),
        "| a | b |\n|-----|-----|\n| 1 | 2 |",
        "Title\n====================\nSome words.\n--------------------\nMore words.",
        "Row, row, row your boat, gently down the stream. Merrily, merrily, merrily, merrily!",
        "Original: the cat sat on the mat in the hall. Corrected: the cat sat on the mat in the"
        " hall.",
    ],
)
def test_structure_is_not_repetition(structured):
    assert signs(structured) == ()


def test_the_explanation_names_the_looped_phrase():
    verdict = classify_nonsense(REFUSAL * 8)
    assert "i'm sorry but i can't help with that" in verdict.explanation
    assert verdict.repetition.looped_share == 1.0


def test_a_looped_refusal_is_both_nonsense_and_a_refusal():
    assert "repetition" in signs(REFUSAL * 8)
    assert classify_refusal(REFUSAL * 8).label == "refusal"


@pytest.mark.parametrize(
    ("nll", "fires"), [(4.99, False), (5.0, False), (5.01, True), (float("inf"), True)]
)
def test_text_that_surprises_the_target_is_nonsense(nll, fires):
    assert ("target_nll" in signs(SENSIBLE, target_nll_nats=nll)) is fires


def test_the_level_of_surprise_is_an_argument():
    assert signs(SENSIBLE, target_nll_nats=4.0, max_target_nll_nats=3.0) == ("target_nll",)


def test_without_a_trace_the_surprise_is_not_evaluated_and_the_explanation_says_so():
    verdict = classify_nonsense(SENSIBLE, None)
    assert verdict.signs == ()
    assert "target_nll not evaluated" in verdict.explanation
    assert "not evaluated" not in classify_nonsense(SENSIBLE, 2.0).explanation


def noise(alphabet, words, seed=0):
    rng = random.Random(seed)
    return " ".join("".join(rng.choices(alphabet, k=rng.randint(4, 10))) for _ in range(words))


@pytest.mark.parametrize(
    "soup",
    [
        noise(string.ascii_lowercase, 30),
        noise(string.ascii_letters + string.digits, 20),
        noise("abc\u0430\u0431\u0432\u4e2d\u6587\u03b1\u03b2\u05d0\u0628\u0939", 12),
        "Oc\ufffd\ufffd zq\ufffdx \ufffd\ufffd\ufffd shr\ufffd kk\ufffdq umb\ufffd",
    ],
)
def test_letters_without_words_are_random_characters(soup):
    assert "random_characters" in signs(soup)


@pytest.mark.parametrize(
    "foreign",
    [
        "Der schnelle braune Fuchs springt \u00fcber den faulen Hund und l\u00e4uft nach Hause.",
        "Szcz\u0119\u015bliwy chrz\u0105szcz brzmi w trzcinie w Szczebrzeszynie",
        "Mbweha mwepesi wa kahawia anaruka juu ya mbwa mvivu na kukimbia nyumbani.",
        "\u0411\u044b\u0441\u0442\u0440\u0430\u044f \u043b\u0438\u0441\u0430 \u0431\u0435\u0436"
        "\u0438\u0442 \u0434\u043e\u043c\u043e\u0439.",
        "\u3059\u3070\u3084\u3044\u8336\u8272\u306e\u30ad\u30c4\u30cd\u304c\u72ac\u3092\u98db\u3073"
        "\u8d8a\u3048\u308b\u3002",
        "\u0e2a\u0e38\u0e19\u0e31\u0e02\u0e08\u0e34\u0e49\u0e07\u0e08\u0e2d\u0e01",
        "Hello, \u041f\u0440\u0438\u0432\u0435\u0442, \u4f60\u597d, \u0645\u0631\u062d\u0628\u0627,"
        " \u05e9\u05dc\u05d5\u05dd",
    ],
)
def test_other_languages_are_not_random_characters(foreign):
    assert signs(foreign) == ()


@pytest.mark.parametrize(
    "code",
    [
        "def get_idx(ptr, fmt):\n    buf = fmt.strptime(ptr)\n    return buf[idx] if buf else None",
        "HttpRequestHandler.getUserNameById(userId).thenApply(dto -> dto.toJsonString());",
        "sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "SELECT usr_id, cnt FROM tbl_xref WHERE ts > 1609459200 GROUP BY usr_id;",
    ],
)
def test_code_is_not_random_characters(code):
    assert signs(code) == ()


@pytest.mark.parametrize("stopped", ["max_tokens", "model_length"])
def test_half_a_word_at_a_cut_is_not_weighed(stopped):
    cut_text, cut_word = "Good bread", "xqzvkrptlmnbvcx"
    whole = classify_nonsense(f"{cut_text} {cut_word}")
    assert whole.signs == ("random_characters",)
    assert signs(f"{cut_text} {cut_word}", stop_reason=stopped) == ()


def test_text_cut_off_in_the_middle_is_sensible():
    assert signs(SENSIBLE[:70], stop_reason="max_tokens") == ()


@given(st.text(max_size=300))
def test_any_text_gets_shares_between_nothing_and_all(response):
    verdict = classify_nonsense(response)
    shares = (
        verdict.repetition.looped_share,
        verdict.repetition.distinct_share,
        verdict.randomness.unknown_share,
        verdict.randomness.odd_share,
    )
    assert all(0 <= share <= 1 for share in shares)
    assert verdict.is_nonsense == bool(verdict.signs)


@given(st.text(max_size=60), st.integers(12, 40))
def test_whatever_has_letters_and_is_said_twelve_times_over_repeats(phrase, times):
    letters = "".join(char for char in phrase if char in string.ascii_letters)
    if len(letters) >= 2:
        assert "repetition" in signs(f"{letters} " * times)
