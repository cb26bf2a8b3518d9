"""What a behaviour begins with, from rollouts whose deciding phrase is known."""

from collections import Counter

import pandas as pd

from harness.analysis.markers import covering, describe_marker, first_tokens


def rollouts(**columns):
    return pd.DataFrame(columns)


def tokens(*texts: str) -> pd.DataFrame:
    """Tokens whose id is the length of their text."""
    return pd.DataFrame({"token_id": [len(text) for text in texts], "token_text": list(texts)})


def test_the_first_token_is_that_which_brings_the_phrases_first_letter():
    rows = rollouts(
        sample_uuid=["first", "later", "unsure", "miss"],
        value=[1, 1, 1, 0],
        completion=["Marmalade.", "So. Marmalade.", "Marmalade.", "Jam."],
        decided_from=[0.0, 4.0, float("nan"), float("nan")],
    )
    found = first_tokens(
        rows,
        {
            "first": tokens("Marm", "alade", "."),
            "later": tokens("So", ".", " Marm", "alade", "."),
            "unsure": tokens("Marmalade."),
        },
    )
    assert found == {len("Marm"): 1, len(" Marm"): 1}


def test_a_rollout_without_tokens_says_nothing():
    rows = rollouts(sample_uuid=["a"], value=[1], completion=["x"], decided_from=[0.0])
    assert first_tokens(rows, {}) == {}


def test_tokens_are_taken_until_they_cover_nineteen_in_twenty():
    assert covering(Counter({7: 90, 8: 5, 9: 5})) == (7, 8)
    assert covering(Counter({7: 94, 8: 6})) == (7, 8)
    assert covering(Counter({7: 95, 8: 5})) == (7,)


def test_eight_tokens_are_the_most():
    assert len(covering(Counter(dict.fromkeys(range(100), 1)))) == 8


def test_a_marker_is_described_by_the_events_with_it_and_the_other_rollouts_with_it():
    amplified = rollouts(sample_uuid=list("abcde"), value=[1, 1, 0, 0, float("nan")])
    marked = {"a": True, "b": False, "c": True, "d": False, "e": True}
    found = describe_marker((4,), ("Marm",), amplified, marked, given=False)
    assert (found.n_hits, found.n_hits_marked, found.n_marked) == (2, 1, 2)
    assert found.slope == 0.5


def test_a_marker_that_no_amplified_rollout_has_is_taken_for_the_event():
    empty = rollouts(sample_uuid=[], value=[])
    assert describe_marker((4,), ("Marm",), empty, {}, given=True).slope == 1.0
