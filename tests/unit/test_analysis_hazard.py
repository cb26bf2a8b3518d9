"""The hazard on a model of two tokens, whose rate can be summed over all its replies."""

import math
from itertools import product

import numpy as np
import pandas as pd
import pytest

from harness.analysis.hazard import exposures, hazard_rate

MARKER, OTHER = 1, 0
# How likely the marker is in the first, second and third place.
CHANCES = (0.1, 0.02, 0.3)


def every_reply():
    """All replies of three tokens with their probabilities, their tokens and their exposures."""
    replies = list(product((OTHER, MARKER), repeat=len(CHANCES)))
    weights = [
        math.prod(c if token else 1 - c for c, token in zip(CHANCES, reply, strict=True))
        for reply in replies
    ]
    tokens = pd.DataFrame(
        [
            {"sample_uuid": str(i), "mark": token, "chance": chance}
            for i, reply in enumerate(replies)
            for token, chance in zip(reply, CHANCES, strict=True)
        ]
    )
    found = exposures(tokens).loc[[str(i) for i in range(len(replies))]]
    return replies, np.array(weights), found


def test_a_rollout_is_exposed_up_to_its_first_marker_and_in_the_markers_own_place():
    replies, _, found = every_reply()
    by_reply = dict(zip(replies, zip(found["marked"], found["exposure"], strict=True), strict=True))
    assert by_reply[0, 0, 0] == (False, pytest.approx(0.42))
    assert by_reply[0, 1, 0] == (True, pytest.approx(0.12))
    assert by_reply[1, 0, 1] == (True, pytest.approx(0.1))


def test_a_marker_of_two_tokens_is_known_by_its_second():
    """What could have begun in the second token's place still counts; nothing after it does."""
    tokens = pd.DataFrame(
        {"sample_uuid": "a", "mark": [0, 2, 0, 0], "chance": [0.1, 0.2, 0.4, 0.8]}
    )
    found = exposures(tokens)
    assert found["exposure"].tolist() == pytest.approx([0.7])
    assert found["marked"].tolist() == [True]


def test_markers_of_one_and_of_two_tokens_have_the_mean_of_what_is_drawn():
    """All replies of three tokens out of c, "a then b", and d alone; chances by hand."""
    chance = {"a": 0.3, "b": 0.2, "c": 0.4, "d": 0.1}
    rows, weights = [], []
    for i, reply in enumerate(product("abcd", repeat=3)):
        weights.append(math.prod(chance[token] for token in reply))
        for place, token in enumerate(reply):
            pair = token == "a" and place < 2 and reply[place + 1] == "b"
            rows.append(
                {
                    "sample_uuid": f"{i:02}",
                    "mark": 2 if pair else int(token == "d"),
                    "chance": chance["d"] + (chance["a"] * chance["b"] if place < 2 else 0.0),
                }
            )
    found = exposures(pd.DataFrame(rows))
    assert np.array(weights) @ found["exposure"] == pytest.approx(
        np.array(weights) @ found["marked"]
    )


@pytest.mark.parametrize("slope", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("event", ["the marker", "the marker, then another", "no marker"])
def test_whatever_the_marker_and_the_slope_the_mean_over_all_replies_is_the_events_rate(
    slope: float, event: str
):
    """The law behind the estimate: counting minus a martingale that ends at the first marker."""
    replies, weights, found = every_reply()
    happens = {
        "the marker": lambda reply: MARKER in reply,
        "the marker, then another": lambda reply: MARKER in reply and reply[-1] == OTHER,
        "no marker": lambda reply: MARKER not in reply,
    }[event]
    events = np.array([float(happens(reply)) for reply in replies])
    noise = found["marked"].to_numpy(dtype=float) - found["exposure"].to_numpy()
    assert weights @ (events - slope * noise) == pytest.approx(weights @ events)


def rate(values, marked, exposure, prompts=None, slope=1.0):
    names = prompts or [f"p{i}" for i in range(len(values))]
    return hazard_rate(
        np.array(values, dtype=float), np.array(marked), np.array(exposure), names, slope
    )


def test_where_the_marker_is_the_event_the_rate_is_the_mean_probability_whatever_was_drawn():
    none = rate([0, 0], [False, False], [0.02, 0.04])
    one = rate([0, 1], [False, True], [0.02, 0.04])
    assert [none.rate, one.rate] == pytest.approx([0.03, 0.03])
    assert (one.n_marked, one.expected_marked) == (1, pytest.approx(0.06))


def test_the_interval_is_a_t_interval_of_the_logarithm_over_prompts():
    # Mean 0.03, deviation of the mean 0.01, a rollout of nothing 0.03 / 2; t(0.975, 1) = 12.706.
    found = rate([0, 0], [False, False], [0.02, 0.04])
    error = math.hypot(0.01, 0.015)
    assert found.standard_error == pytest.approx(error)
    assert found.low == pytest.approx(0.03 / math.exp(12.706 * error / 0.03), rel=1e-3)
    assert found.high == 1.0


def test_copies_of_a_prompts_rollouts_do_not_narrow_the_interval_between_prompts():
    each = [0.01, 0.02, 0.03] * 100
    found = rate([0] * 300, [False] * 300, each, ["a", "b", "c"] * 100)
    assert found.standard_error == pytest.approx(0.01 / math.sqrt(3), rel=1e-3)


def test_rollouts_that_all_contribute_alike_are_not_taken_for_certain():
    """One rollout of a hundred that ends early was not drawn, and might have been."""
    found = rate([0] * 100, [False] * 100, [0.02] * 100)
    assert found.standard_error == pytest.approx(0.02 / 100)
    assert found.low < 0.02 < found.high


def test_a_marker_that_begins_much_else_tells_less_than_one_event_a_marker():
    found = rate([0, 0, 0, 0], [True, False, True, False], [0.5] * 4, slope=0.1)
    assert found.rate == pytest.approx(0.0)
    assert found.told == pytest.approx(0.0)


def test_a_rate_that_one_rollout_carries_is_withheld():
    """Nineteen rollouts at 0.0001 and one at 0.9 are one effective rollout."""
    found = rate([0] * 20, [False] * 20, [0.0001] * 19 + [0.9])
    assert found.largest_share > 0.99
    assert found.verdict() == (
        "the markers' probability stands on 1.0 effective rollouts, 10 are needed"
    )


def test_equal_probabilities_are_shown():
    found = rate([0] * 12, [False] * 12, [0.01] * 12)
    assert found.n_effective == pytest.approx(12)
    assert found.verdict() is None


def test_one_prompt_and_a_rate_of_nothing_are_withheld():
    assert rate([0, 0], [False] * 2, [0.1] * 2, ["a", "a"]).verdict() == (
        "one prompt says nothing of others"
    )
    assert "rate above 0" in rate([0] * 20, [False] * 20, [0.0] * 20).verdict()


def test_unscored_rollouts_are_no_part_of_it():
    assert rate([0, math.nan], [False, True], [0.5, 0.9], ["a", "b"]).n == 1
    assert rate([math.nan], [False], [0.5]) is None
