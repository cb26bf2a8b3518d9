"""Weights against what can be worked out by hand, and the two failures that they must catch."""

import numpy as np
import pytest

from harness.analysis.importance import Mixture, weighted_rate
from harness.errors import AnalysisError


def mixture(logps, component, prompts=None, alphas=(0.0, 1.0)):
    return Mixture(
        alphas=alphas,
        component=np.array(component),
        logps_nats=np.log(np.array(logps, dtype=np.float64)),
        prompts=np.array(prompts or ["a"] * len(component), dtype=object),
    )


def equal_weights(values, prompts=None):
    return weighted_rate(
        values, np.zeros(len(values)), prompts or [str(i) for i in range(len(values))]
    )


def test_a_rollout_counts_by_its_probability_over_that_of_the_whole_sweep():
    """Two at alpha 0, two at alpha 1: 0.8 / ((0.8 + 0.2) / 2) = 1.6 and 0.2 / 0.5 = 0.4."""
    of = mixture([[0.8, 0.2], [0.2, 0.8], [0.2, 0.8], [0.8, 0.2]], [0, 0, 1, 1])
    weights = np.exp(of.log_weights(of.logps_nats[:, 0]))
    assert weights.tolist() == pytest.approx([1.6, 0.4, 0.4, 1.6])


def test_a_prompt_that_was_asked_at_one_strength_alone_has_no_other_component():
    of = mixture([[0.8, 0.2], [0.8, 0.2], [0.8, 0.2]], [0, 1, 0], ["both", "both", "zero only"])
    weights = np.exp(of.log_weights(of.logps_nats[:, 0]))
    assert weights.tolist() == pytest.approx([1.6, 1.6, 1.0])


def test_shares_follow_how_often_a_prompt_was_asked_at_each_strength():
    """Three of four at alpha 0: 0.5 / (0.75 * 0.5 + 0.25 * 0.1) = 1.25."""
    of = mixture([[0.5, 0.1]] * 4, [0, 0, 0, 1])
    assert np.exp(of.log_weights(of.logps_nats[:, 0])).tolist() == pytest.approx([1.25] * 4)


def test_weights_average_one_over_everything_that_can_be_said():
    """The exact expectation under the mixture, over a vocabulary of three."""
    p, q = np.array([0.7, 0.2, 0.1]), np.array([0.1, 0.3, 0.6])
    drawn = (p + q) / 2
    of = mixture(np.stack([p, q], 1).repeat(2, axis=0), [0, 1] * 3)
    weights = np.exp(of.log_weights(of.logps_nats[:, 0]))[::2]
    assert float(drawn @ weights) == pytest.approx(1)
    assert float(drawn @ (weights * [1, 0, 0])) == pytest.approx(p[0])


def test_an_unknown_probability_refuses_the_mixture():
    with pytest.raises(AnalysisError, match="leave out that component"):
        mixture([[0.5, np.nan]], [0])


def test_equal_weights_give_the_plain_share_and_nothing_but_its_interval():
    """Wilson of 81/263 is 0.2553 to 0.3662; 262 degrees of freedom widen it a little."""
    found = equal_weights([1.0] * 81 + [0.0] * 182)
    assert found.rate == pytest.approx(81 / 263)
    assert found.low == pytest.approx(0.2553, abs=0.0007)
    assert found.high == pytest.approx(0.3662, abs=0.0007)
    assert found.diagnostics.n_effective == pytest.approx(263)
    assert found.diagnostics.effective_hits == pytest.approx(81)
    assert found.diagnostics.verdict() is None


def test_repeats_of_a_prompt_are_not_independent():
    values = [1.0] * 50 + [0.0] * 50
    apart = equal_weights(values)
    together = equal_weights(values, [str(i // 10) for i in range(100)])
    assert together.high - together.low > 2 * (apart.high - apart.low)


def test_unscored_rollouts_are_in_the_mean_weight_and_not_in_the_rate():
    found = equal_weights([1.0, 0.0, np.nan, np.nan])
    assert (found.rate, found.diagnostics.n, found.diagnostics.n_effective) == (0.5, 4, 2)


def test_nothing_scored_gives_no_rate():
    assert equal_weights([np.nan, np.nan]) is None


def test_grades_are_no_events():
    with pytest.raises(AnalysisError, match="0 and 1"):
        equal_weights([0.5, 1.0])


def test_all_events_leave_room_below_for_the_prompts_there_are():
    found = equal_weights([1.0] * 20, [str(i // 2) for i in range(20)])
    assert found.rate == found.high == 1
    assert found.low < 0.7


def test_one_prompt_says_nothing_of_others():
    found = equal_weights([1.0, 0.0], ["a", "a"])
    assert (found.low, found.high) == (0, 1)
