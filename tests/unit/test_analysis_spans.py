"""A reply is cut up along its tokens, and nothing of it is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.analysis.spans import pieces

HALF = "\ufffd"


def test_tokens_that_spell_the_reply_are_its_pieces():
    assert pieces("I can't.", ["I", " can", "'t", "."]) == (("I", " can", "'t", "."), "")


def test_a_space_that_a_token_loses_by_itself_stays_with_it():
    assert pieces("I can't", ["I", "can", "'t"]).each == ("I", " can", "'t")


def test_the_bytes_of_one_character_stand_at_the_first_of_them():
    assert pieces("a 你 b", ["a", " ", HALF, HALF, HALF, " b"]).each == (
        *("a", " ", "你", "", ""),
        " b",
    )


def test_two_split_characters_in_a_row_stand_together():
    assert pieces("é你!", [HALF, HALF, HALF, HALF, HALF, "!"]).each[0] == "é你"


def test_bytes_that_made_no_character_are_their_own_pieces():
    assert pieces(f"a{HALF}b", ["a", HALF, "b"]).each == ("a", HALF, "b")


def test_a_token_that_ends_the_reply_leaves_no_text():
    assert pieces("No.", ["No", ".", "<|im_end|>"]).each == ("No", ".", "")


def test_what_a_stop_string_cut_is_nobodys():
    assert pieces("Q: 1\n", ["Q", ":", " 1", "\n\n", "Q", ":"]).each == (
        *("Q", ":", " 1", "\n", "", ""),
    )


def test_a_special_token_inside_is_stepped_over():
    assert pieces("a b", ["a", "<think>", " b"]).each == ("a", "", " b")


def test_a_reply_without_tokens_is_all_rest():
    assert pieces("all of it", []) == ((), "all of it")


@pytest.mark.parametrize("odd", ["�x", "zzz", ""])
def test_one_odd_token_does_not_move_those_after_it(odd):
    words = [" one", " two", odd, " three", " four"]
    assert pieces(" one two three four", words).each[-2:] == (" three", " four")


@given(st.text(max_size=40), st.lists(st.text(max_size=6), max_size=12))
def test_the_pieces_make_the_reply_whatever_the_tokens_are(reply, tokens):
    cut = pieces(reply, tokens)
    assert "".join(cut.each) + cut.rest == reply
    assert len(cut.each) == len(tokens)


@given(st.lists(st.text(min_size=1, max_size=6), max_size=12))
def test_tokens_that_spell_the_reply_get_their_own_text(tokens):
    assert pieces("".join(tokens), tokens) == (tuple(tokens), "")
