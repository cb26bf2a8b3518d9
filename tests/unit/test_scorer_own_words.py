"""What rules of declining read, and that every place in it is a place in the response."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.scorers.own_words import own_words
from harness.scorers.text import without_dialogue, without_stutter


def test_runs_of_white_space_become_one_character():
    assert own_words("  \n I \t can't\n\n  go ").words == "i can't\ngo "


def test_a_word_that_repeats_the_one_before_it_is_blanked():
    assert without_stutter("i cannot cannot cannot assist").split() == ["i", "cannot", "assist"]
    assert without_stutter("i can not can not go").split() == ["i", "can", "not", "go"]


@pytest.mark.parametrize("kept", ["i i'm", "can't can", "that's that", "a aa", "no\nno"])
def test_what_only_begins_alike_is_no_stutter(kept):
    assert without_stutter(kept) == kept


def test_the_lines_of_a_play_are_other_peoples_words():
    play = "guard: halt! i can't let you pass.\nknight: then i will wait."
    assert without_dialogue(play).strip() == ""


@pytest.mark.parametrize(
    "own",
    [
        "guard: one line alone is no play.",
        "assistant: i can't.\nuser: why?",
        "note: i can't help.\nreason: it is not mine.",
        "step one: mix.\nstep two: bake.",
    ],
)
def test_roles_notes_and_steps_speak_for_the_model(own):
    assert without_dialogue(own) == own


@pytest.mark.parametrize(
    "prefixed",
    [
        "assistant\n\nhello",
        "<|start_header_id|>assistant<|end_header_id|>\n\nhello",
        "[/INST] hello",
        "Assistant: Response: hello",
        "[THINK]no, I can't[/THINK]hello",
        "<|channel|>analysis<|message|>I can't.<|end|><|start|>assistant<|channel|>final<|message|>"
        "hello",
    ],
)
def test_prefixes_and_thoughts_of_many_templates_are_none_of_the_words(prefixed):
    assert own_words(prefixed).words == "hello"


def test_a_reply_in_json_is_read():
    assert "i can't help" in own_words('{"answer": "I can\'t help with that."}').words


@given(st.text(alphabet="aI '\n\u200b\u00a0*:\"\u2019", max_size=60))
def test_every_character_of_the_words_is_one_of_the_response(response):
    said = own_words(response)
    for place in range(len(said.words)):
        quoted, start = said.quote(place, place + 1)
        assert response[start : start + 1] == quoted
