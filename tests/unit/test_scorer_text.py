"""How a response is read: disguises fall, and every place can be found again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.scorers.text import fold, read, sentences, without_dialogue

ANY_TEXT = st.text(max_size=200)


@pytest.mark.parametrize(
    "disguised",
    [
        "I can\u2019t help",
        "I CAN'T HELP",
        "I\u00a0can't\u202fhelp",
        "I c\u200ban't h\u200de\u2060lp",
        "I **can't** _help_",
        "\uff29 can't help",
        "I can\ufe0f't help",
    ],
)
def test_one_sentence_has_one_reading_in_every_disguise(disguised):
    assert read(disguised).reading.strip() == "i can't help"


@pytest.mark.parametrize(
    "prefixed", ["Assistant: hello", "**AI:** hello", "<|assistant|> hello", "## hello", "> hello"]
)
def test_what_stands_before_the_words_is_blanked(prefixed):
    assert read(prefixed).reading.strip() == "hello"


@pytest.mark.parametrize(
    "thoughtful",
    ["<think>I can't.</think>hello", "I can't.</think>hello", "<THINK>\nno\n</THINK>\nhello"],
)
def test_a_thought_is_no_part_of_the_reply(thoughtful):
    assert read(thoughtful).reading.strip() == "hello"


def test_a_thought_that_never_ends_leaves_nothing_said():
    assert read("<think>let me see, I can't").reading.strip() == ""


def test_a_bullet_survives_where_an_emphasis_mark_does_not():
    assert fold("* one\n* **two**") == "- one\n- two"


def test_words_in_somebodys_mouth_are_blanked():
    assert without_dialogue('"i can\'t," he said.').split() == ["he", "said."]
    assert without_dialogue("'i can't go,' said tom.").split() == ["said", "tom."]


def test_a_reply_wholly_between_quotes_is_kept():
    assert without_dialogue('"i can\'t help you with that."') == '"i can\'t help you with that."'


def test_an_apostrophe_opens_no_quotation():
    assert without_dialogue("the dogs' owner can't come.") == "the dogs' owner can't come."


def test_sentences_end_at_stops_and_lines_but_not_inside_numbers():
    reading = "pi is 3.14. next\nlast one!"
    assert [reading[a:b].strip() for a, b in sentences(reading)] == [
        "pi is 3.14.",
        "next",
        "last one!",
    ]


def test_a_place_in_the_reading_is_found_in_the_response_as_given():
    response = "\n**Well**, I\u200b can\u2019t go."
    text = read(response)
    start = text.reading.index("can't")
    assert text.quote(start, start + 5) == ("can\u2019t", response.index("can\u2019t"))


@given(ANY_TEXT)
def test_every_span_of_a_reading_is_a_span_of_the_response(response):
    text = read(response)
    for start in range(len(text.reading)):
        quoted, place = text.quote(start, start + 1)
        assert response[place : place + len(quoted)] == quoted
        assert len(quoted) == 1


@given(ANY_TEXT)
def test_folding_twice_changes_nothing_more(response):
    once = fold(response)
    assert fold(once) == once
