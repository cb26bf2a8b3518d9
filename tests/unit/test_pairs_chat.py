"""Between text and ids, on a tokenizer whose tokens are four special ones and the 256 bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers.processors import TemplateProcessing

from harness.errors import UnsupportedRequest
from harness.pairs.chat import ChatText
from tests.fakes import tiny_tokenizer

TOKENIZER = tiny_tokenizer()
CHAT = ChatText(TOKENIZER, "some/checkpoint")
EOS, USER = 0, 1


def ids_of(text):
    return TOKENIZER(text, add_special_tokens=False)["input_ids"]


def message(role, content):
    return {"role": role, "content": content}


def test_a_prompt_ends_where_the_reply_begins():
    prompt = CHAT.prompt_ids([message("system", "be"), message("user", "é?")])
    assert CHAT.tokens(prompt)[:4] == ["<system>", "b", "e", "<eos>"]
    assert prompt == tuple(ids_of("<system>be<eos><user>é?<eos><assistant>"))


def test_a_last_message_of_the_assistant_is_continued():
    prompt = CHAT.prompt_ids([message("user", "hi"), message("assistant", "Sure, ")])
    assert prompt == tuple(ids_of("<user>hi<eos><assistant>Sure, "))


def test_a_replied_message_in_the_middle_is_closed():
    prompt = CHAT.prompt_ids([message("assistant", "a"), message("user", "b")])
    assert prompt == tuple(ids_of("<assistant>a<eos><user>b<eos><assistant>"))


def test_the_templates_own_special_tokens_are_not_doubled():
    """Many tokenizers put a beginning of sequence before what the template already began."""
    tokenizer = tiny_tokenizer()
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="<eos> $A", special_tokens=[("<eos>", EOS)]
    )
    assert tokenizer("a")["input_ids"][0] == EOS
    prompt = ChatText(tokenizer, "x").prompt_ids([message("user", "a")])
    assert prompt == tuple(ids_of("<user>a<eos><assistant>"))


def test_a_tokenizer_without_a_template_is_refused_by_its_checkpoint():
    chat = ChatText(tiny_tokenizer(template=None), "some/base-model")
    with pytest.raises(UnsupportedRequest, match="some/base-model has no chat template"):
        chat.prompt_ids([message("user", "hi")])


def test_the_end_of_sequence_leaves_no_text():
    assert CHAT.text([*ids_of("Hi."), EOS]) == "Hi."


def test_text_keeps_the_spaces_that_were_sampled():
    assert CHAT.text(ids_of(" Do n't , please .")) == " Do n't , please ."


def test_tokens_are_shown_one_by_one_special_ones_included():
    assert CHAT.tokens([*ids_of("a b"), EOS]) == ["a", " ", "b", "<eos>"]


def test_a_reply_ends_with_the_tokenizers_end_of_sequence():
    assert CHAT.eos_ids == {EOS}


def test_an_end_of_text_token_ends_a_reply_as_well():
    tokenizer = tiny_tokenizer()
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|endoftext|>"]})
    assert ChatText(tokenizer, "x").eos_ids == {EOS, 260}


def test_without_any_end_token_nothing_ends_a_reply():
    tokenizer = tiny_tokenizer()
    tokenizer.eos_token = None
    assert ChatText(tokenizer, "x").eos_ids == frozenset()


def test_without_stop_strings_nothing_is_checked():
    assert CHAT.stop_check([]) is None


def first_stop(text, strings):
    """Return the ids read when the check first says stop, or None."""
    reached = CHAT.stop_check(strings)
    ids = ids_of(text)
    return next((i for i in range(1, len(ids) + 1) if reached(ids[:i])), None)


def test_a_stop_string_of_several_tokens_is_reached_with_its_last():
    assert first_stop("abcSTOPdef", ["STOP"]) == 7


def test_a_stop_string_is_seen_at_the_beginning_and_far_into_a_reply():
    assert first_stop("STOP", ["STOP"]) == 4
    assert first_stop("x" * 300 + "STOP", ["STOP"]) == 304


def test_checks_for_the_same_stop_strings_are_equal():
    """Requests that differ in nothing else are decoded once."""
    one, same, other = (CHAT.stop_check(strings) for strings in (["a"], ["a"], ["b"]))
    assert one == same
    assert hash(one) == hash(same)
    assert one != other


def test_half_a_stop_string_is_not_one():
    assert first_stop("STOSTO ST OP", ["STOP"]) is None


def test_the_first_of_several_stop_strings_counts():
    assert first_stop("one two\nthree", ["three", "\n"]) == 8


def test_a_character_of_several_tokens_is_reached_when_it_is_whole():
    assert len(ids_of("日")) == 3
    assert first_stop("x日y", ["日"]) == 4
    assert first_stop("x日本語日本語y", ["日本語日本語"]) == 19


@given(
    st.text(alphabet="ab é日\n", max_size=30),
    st.lists(st.text(alphabet="ab é日\n", min_size=1, max_size=4), min_size=1, max_size=3),
)
def test_a_stop_is_reached_as_soon_as_the_text_holds_it(text, strings):
    ids = ids_of(text)
    whole = [any(one in CHAT.text(ids[:i]) for one in strings) for i in range(1, len(ids) + 1)]
    expected = whole.index(True) + 1 if True in whole else None
    assert first_stop(text, strings) == expected


@pytest.mark.parametrize(
    ("strings", "kept"),
    [
        (["two"], "one "),
        (["three", "two"], "one "),
        (["e"], "on"),
        (["four"], "one two three"),
        ([], "one two three"),
        (["one"], ""),
    ],
)
def test_a_reply_is_cut_before_its_first_stop_string(strings, kept):
    assert CHAT.before_stop("one two three", strings) == kept
