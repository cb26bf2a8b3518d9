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


def independent_tokens(probabilities, n, length, seed):
    """Draw replies of tokens that don't depend on each other, [replies, tokens]."""
    random = np.random.default_rng(seed)
    return random.choice(len(probabilities), size=(n, length), p=probabilities)


def logps_of(replies, *distributions):
    return np.stack([np.log(np.array(p))[replies].sum(axis=1) for p in distributions], axis=1)


AT_ZERO, AT_ONE = [0.7492, 0.25, 0.0008], [0.35, 0.58, 0.07]
TRUTH = 1 - (1 - 0.0008) ** 18
"""How often alpha 0 says token 2 within 18 tokens: 0.0143."""


def from_alpha_one(seed):
    replies = independent_tokens(AT_ONE, 300, 18, seed)
    logps = logps_of(replies, AT_ZERO, AT_ONE)
    drawn = mixture(np.exp(logps[:, 1:]), np.zeros(300, dtype=int), list(range(300)), alphas=(1.0,))
    return (replies == 2).any(axis=1).astype(float), drawn.log_weights(logps[:, 0])


def test_weights_from_one_amplified_strength_are_withheld_for_their_mean():
    """Eighteen tokens from alpha 1 gave 0.0016 for a true 0.0145.

    What is likely at alpha 0 is hardly ever drawn at alpha 1, so the weights that would make up
    the rate are missing: their mean of 0.22 told.
    """
    hits, log_weights = from_alpha_one(seed=2)
    found = weighted_rate(hits, log_weights, np.arange(300))
    assert float((np.exp(log_weights) * hits).mean()) < TRUTH / 5
    assert found.diagnostics.mean_weight.value < 0.22
    assert found.diagnostics.verdict().startswith("the mean weight is 0.10, not near 1")


def test_whatever_was_drawn_so_far_off_is_never_shown():
    for seed in range(30):
        hits, log_weights = from_alpha_one(seed)
        assert weighted_rate(hits, log_weights, np.arange(300)).diagnostics.verdict()


def test_many_effective_hits_do_not_excuse_a_mean_weight_far_from_one():
    hits = np.arange(400) < 40
    found = weighted_rate(hits.astype(float), np.full(400, np.log(0.22)), np.arange(400))
    assert found.diagnostics.effective_hits == pytest.approx(40)
    assert found.diagnostics.verdict().startswith("the mean weight is 0.22, not near 1")


def test_a_good_mean_weight_on_few_hits_that_carry_all_is_withheld_too():
    """Six tokens from a mixture once had a mean weight of 1.05, and erred all the same."""
    weights = np.array([1.04] * 380 + [0.02] * 17 + [1.9, 1.5, 4.0])
    hits = np.array([0.0] * 380 + [1.0] * 20)
    found = weighted_rate(hits, np.log(weights), np.arange(400))
    assert found.diagnostics.mean_weight.value == pytest.approx(1.05, abs=0.05)
    assert found.diagnostics.effective_hits < 4
    assert found.diagnostics.verdict() == "only 2.7 effective hits, 10 are needed"


def test_a_heavy_tail_is_withheld_by_its_shape():
    random = np.random.default_rng(3)
    weights = random.pareto(1 / 0.95, 2000)
    weights /= weights.mean()
    hits = random.random(2000) < 0.9
    found = weighted_rate(hits.astype(float), np.log(weights), np.arange(2000))
    assert found.diagnostics.pareto_k > 0.7
    assert found.diagnostics.verdict().startswith("a few weights carry too much (Pareto k")


def test_effective_hits_count_equal_weights_one_by_one():
    weights = np.array([2.0, 2.0, 2.0, 1.0, 1.0])
    of = weighted_rate([1.0, 1, 1, 0, 0], np.log(weights), list("abcde")).diagnostics
    assert (of.effective_hits, of.effective_prompts) == (pytest.approx(3), pytest.approx(2))
    assert of.n_effective == pytest.approx(64 / 14)
    assert of.largest_share == pytest.approx(0.25)


def test_an_error_common_to_all_weights_cancels_in_the_rate():
    weights = np.log([1.0, 2.0, 0.5, 0.5])
    one = weighted_rate([1.0, 0, 0, 1], weights, list("abcd"))
    other = weighted_rate([1.0, 0, 0, 1], weights + 0.1, list("abcd"))
    assert one.rate == pytest.approx(other.rate)


def test_few_misses_are_worth_no_more_than_one_rollout_per_prompt():
    """Ten prompts of 50 rollouts each and one miss of small weight: Wilson of 10 is 0.72 to 1."""
    values = [0.0] + [1.0] * 499
    weights = np.log([0.2] + [1.0] * 499)
    found = weighted_rate(values, weights, [str(i // 50) for i in range(500)])
    assert found.low < 0.73
