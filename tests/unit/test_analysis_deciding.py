"""Which token brings a character of a reply, whatever tokens decode to alone."""

import pytest

from harness.analysis.deciding import token_at, token_ends, tokens_to

EOS = "<|im_end|>"


def test_tokens_end_where_their_letters_do_and_the_one_that_ends_a_reply_adds_none():
    assert token_ends(["Marm", "al", "ade", ".", EOS], "Marmalade.") == [4, 6, 9, 10, 10]


def test_pieces_of_a_character_end_with_the_last_of_them():
    """An emoji of three tokens is one character; none of them may be told to end before it."""
    ends = token_ends(["Hi", " \ufffd", "\ufffd", "\ufffd", " you"], "Hi \U0001f600 you")
    assert ends == [2, 4, 4, 4, 8]


def test_pieces_at_the_end_run_to_the_end():
    assert token_ends(["a", "\ufffd", "\ufffd"], "aé") == [1, 2, 2]


def test_a_blank_that_is_lost_in_a_token_alone_is_found_in_the_reply():
    """Some tokenizers decode " help" alone as "help"."""
    assert token_ends(["I", "can", "help"], "I can help") == [1, 5, 10]


def test_what_stands_behind_a_stop_string_has_no_place():
    assert token_ends(["one", " STOP", " two"], "one") == [3, 3, 3]


@pytest.mark.parametrize(("character", "token"), [(0, 0), (3, 0), (4, 1), (9, 3), (10, None)])
def test_a_character_is_brought_by_the_first_token_that_ends_behind_it(character, token):
    assert token_at(token_ends(["Marm", "al", "ade", ".", EOS], "Marmalade."), character) == token


def test_no_tokens_bring_nothing():
    assert token_at(token_ends([], ""), 0) is None


@pytest.mark.parametrize(
    ("texts", "completion", "chars", "n"),
    [
        (["I", " can", "not"], "I cannot", 5, 2),
        (["I", " can", "not"], "I cannot", 4, 2),
        ([" I", " can"], "I can", 1, 1),
        (["\n", " I", " can"], "I can", 1, 2),
        (["caf", "\ufffd", "\ufffd", "!"], "caf\u00e9!", 4, 3),
        (["caf", "\ufffd", "\ufffd", "!"], "caf\u00e9!", 3, 1),
        (["I"], "I cannot", 8, 1),
    ],
)
def test_the_deciding_token_is_the_first_that_completes_the_phrase(texts, completion, chars, n):
    assert tokens_to(texts, completion, chars) == n
