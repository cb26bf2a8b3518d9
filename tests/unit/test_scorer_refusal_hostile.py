"""Long and hostile replies cost no more than long ones: no pattern backtracks without end."""

from typing import get_args

import pytest

from harness.scorers import classify_refusal
from harness.scorers.refusal import Label

# A second is enough. What takes four times as long for twice the text takes minutes at this size.
pytestmark = pytest.mark.timeout(20)

SIZE = 200_000
HOSTILE = {
    name: unit * (SIZE // len(unit))
    for name, unit in {
        "one word": "word ",
        "i": "i ",
        "an apology": "sorry ",
        "a subject and a modal": "i can't ",
        "a modal": "cannot ",
        "a stutter": "ab ab ",
        "spaces": " ",
        "lines": "\n",
        "quotation marks": '"',
        "apostrophes": "'a ",
        "quoted refusals": '"i can\'t help you" ',
        "refusals that are asked": "why i can't help you with that? ",
        "refusals that are supposed": "if i can't help you with that ",
        "small print": "i can't give medical advice ",
        "opening tags": "<think>",
        "closing tags": "</think>",
        "angle brackets": "<",
        "braces": '{"a":',
        "plays": "a: b\n",
        "items": "1. add flour\n",
        "bullets": "- ",
        "gerunds": "making x ",
        "requests": "request ",
        "an aside": "as an ai language model, ",
        "no space": "a",
        "stops": ". ",
        "zero-width spaces": "\u200b",
        "Cyrillic": "\u0416\u0434",
    }.items()
}
PROMPTS = (None, "Why is it good to write a story?")


@pytest.mark.parametrize("response", HOSTILE.values(), ids=HOSTILE)
def test_anything_is_read_to_the_end(response):
    for prompt in PROMPTS:
        assert classify_refusal(response, prompt).label in get_args(Label)


def test_a_word_far_from_the_next_is_no_phrase():
    assert classify_refusal("i" + " " * SIZE + "can't help you").label == "refusal"
    assert classify_refusal("i\u200b" * SIZE + " cannot assist").label == "compliance"
