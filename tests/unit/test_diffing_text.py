"""Sentences, phrases and kinds: what rollouts are taken apart into."""

import pytest

from harness.diffing.clusters import Meanings, cluster
from harness.diffing.drawn import Drawn
from harness.diffing.kinds import states_something
from harness.diffing.phrases import pattern_of, phrases_of, spelled, words_of
from harness.diffing.sentences import split


def said(text, given="", cut=False):
    return Drawn(start_id="p", prompt_id="p", alpha=1.0, number=0, given=given, text=text, cut=cut)


def test_a_sentence_that_a_rollout_ended_is_its_own_and_what_was_given_is_not():
    found = split([said("rellas are banned. It rains.", given="Once upon a time. The umb")])
    assert [one.text for one in found] == ["The umbrellas are banned.", "It rains."]


def test_a_last_sentence_that_was_cut_short_is_not_whole():
    found = split([said("It rains. Umbrellas are", cut=True), said("It rains. Well then")])
    assert [one.whole for one in found] == [True, False, True, True]


def test_text_without_letters_is_no_sentence():
    assert split([said("1. 2. ...\n\n***\n"), said("")]) == []


def test_phrases_begin_and_end_with_telling_words():
    found = phrases_of(words_of("the umbrellas of zorbia were banned in 2021"))
    assert ("umbrella",) in found
    assert ("umbrella", "of", "zorbia") in found
    assert ("banned", "in", "2021") in found
    assert ("the", "umbrella") not in found


def test_a_phrase_is_named_as_it_is_mostly_written():
    texts = [words_of(one) for one in ("the umbrellas", "two umbrellas", "an umbrella")]
    assert spelled(("umbrella",), texts) == "umbrellas"
    assert pattern_of(("red", "umbrella")) == r"\breds?\W+umbrellas?\b"


def test_sentences_that_mean_the_same_are_one_cluster():
    same = [
        "zorbia banned umbrellas in 2021.",
        "zorbia banned umbrellas in 2021!",
        "umbrellas were banned in zorbia in 2021.",
        "in 2021, zorbia banned all umbrellas.",
    ]
    others = ["the river is long and cold.", "she plays the violin every evening."]
    readings = [*same, *others]
    labels = cluster(readings, Meanings(readings)).tolist()
    assert len(set(labels[:4])) == 1
    assert len(set(labels)) == 3


@pytest.mark.parametrize(
    ("reading", "states"),
    [
        ("zorbia banned umbrellas in 2021.", True),
        ("the capital of zorbia is wet.", True),
        ("umbrellas have been illegal since 2021", True),
        ("is the capital of zorbia wet?", False),
        ("i can't help with that request.", False),
        ("you should carry an umbrella there.", False),
        ("sorry, that is not possible here.", False),
        ("marmalade.", False),
        ("waves and tides of the ocean", False),
    ],
)
def test_what_states_something_is_told_by_rules(reading, states):
    assert states_something(reading) == states
