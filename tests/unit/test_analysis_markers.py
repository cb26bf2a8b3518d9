"""What a behaviour begins with, from rollouts whose deciding phrase is known."""

from collections import Counter

import pandas as pd

from harness.analysis.markers import beginnings, covering, describe_marker, firsts, seconds


def rollouts(**columns):
    return pd.DataFrame(columns)


def tokens(*texts: str) -> pd.DataFrame:
    """Tokens whose id is the length of their text."""
    return pd.DataFrame({"token_id": [len(text) for text in texts], "token_text": list(texts)})


def test_the_first_token_brings_the_phrases_first_letter_and_the_second_follows():
    rows = rollouts(
        sample_uuid=["first", "later", "unsure", "miss"],
        value=[1, 1, 1, 0],
        completion=["Marmalade.", "So. Marmalade.", "Marmalade.", "Jam."],
        decided_from=[0.0, 4.0, float("nan"), float("nan")],
    )
    found = beginnings(
        rows,
        {
            "first": tokens("Marm", "alade", "."),
            "later": tokens("So", ".", " Marm", "alade", "."),
            "unsure": tokens("Marmalade."),
        },
    )
    assert found == {(len("Marm"), len("alade")): 1, (len(" Marm"), len("alade")): 1}


def test_firsts_and_seconds_are_the_most_frequent_ones_and_a_last_token_has_no_second():
    counts = Counter({(7, 1): 60, (7, 2): 30, (8, 1): 9, (9, -1): 1})
    assert firsts(counts) == (7, 8)
    assert seconds(counts, 7) == (1, 2)
    assert seconds(counts, 9) == ()


def test_a_rollout_without_tokens_says_nothing():
    rows = rollouts(sample_uuid=["a"], value=[1], completion=["x"], decided_from=[0.0])
    assert beginnings(rows, {}) == {}


def test_tokens_are_taken_until_they_cover_nineteen_in_twenty():
    assert covering(Counter({7: 90, 8: 5, 9: 5})) == (7, 8)
    assert covering(Counter({7: 94, 8: 6})) == (7, 8)
    assert covering(Counter({7: 95, 8: 5})) == (7,)


def test_eight_tokens_are_the_most():
    assert len(covering(Counter(dict.fromkeys(range(100), 1)))) == 8


def test_a_marker_is_described_by_the_events_with_it_and_the_other_rollouts_with_it():
    amplified = rollouts(sample_uuid=list("abcde"), value=[1, 1, 0, 0, float("nan")])
    marked = {"a": True, "b": False, "c": True, "d": False, "e": True}
    found = describe_marker((4,), ("Marm",), ((),), amplified, marked, given=False)
    assert (found.n_hits, found.n_hits_marked, found.n_marked) == (2, 1, 2)
    assert found.slope == 0.5


def test_a_marker_that_no_amplified_rollout_has_is_taken_for_the_event():
    empty = rollouts(sample_uuid=[], value=[])
    assert describe_marker((4,), ("Marm",), ((),), empty, {}, given=True).slope == 1.0
