"""Dose, gain and the spread of the logits, from traces that can be summed by hand."""

import json
import math

import numpy as np
import pytest
from test_analysis_logs import CONFIG, Rollout, trace, write_log, write_sweep

from harness.analysis.dose import Estimate, doses, mean_per_token
from harness.analysis.frame import read_frame
from harness.analysis.magnitudes import magnitudes


def read(tmp_path, rollouts, alphas=(0.0, 1.0)):
    return read_frame(write_sweep(tmp_path, rollouts, alphas))


def test_longer_rollouts_weigh_more():
    estimate = mean_per_token(np.array([1.0, 4.0]), np.array([10.0, 30.0]), ["a", "b"])
    assert estimate.value == (10 + 120) / 40


def test_the_interval_is_the_cluster_robust_t_interval():
    # r = 2, residuals -1 and 1 over 2 tokens: variance 2 * 2 / 4 = 1, t(0.975, 1) = 12.706.
    estimate = mean_per_token(np.array([1.0, 3.0]), np.array([1.0, 1.0]), ["a", "b"])
    assert (estimate.value, estimate.high) == (2, pytest.approx(2 + 12.706, abs=1e-3))


def test_copies_of_a_rollout_do_not_narrow_the_interval():
    means, n_tokens = np.array([1.0, 2.0, 4.0]), np.ones(3)
    once = mean_per_token(means, n_tokens, ["a", "b", "c"])
    thrice = mean_per_token(np.tile(means, 3), np.tile(n_tokens, 3), ["a", "b", "c"] * 3)
    assert thrice.low == pytest.approx(once.low)


def test_what_rounds_to_nothing_has_no_sign():
    assert str(Estimate(value=-1e-5, low=-2e-5, high=1e-5)) == "0.000 [0.000, 0.000]"


def test_one_prompt_has_a_dose_without_an_interval():
    estimate = mean_per_token(np.array([1.0, 3.0]), np.ones(2), ["a", "a"])
    assert estimate == Estimate(value=2.0, low=None, high=None)
    assert str(estimate) == "2.000"


def amplified(alpha, gain_share):
    """Ten prompts with dose alpha / 2 and a gain that is a share of it, with a little noise."""
    for i in range(10):
        noise = 0.02 * math.cos(i) * alpha
        dose = alpha / 2 * (1 + i / 20)
        figures = {"dose_nats": dose, "amplified_nll_nats": 2.0 - gain_share * dose + noise}
        yield Rollout(f"prompt {i}", trace=trace(**figures))


def test_tokens_from_the_amplified_distribution_gain_what_the_dose_predicts(tmp_path):
    zero, one = doses(read(tmp_path, lambda alpha: amplified(alpha, 1.0)))
    assert (zero.verdict, one.verdict) == ("nothing to check", "as predicted")
    assert one.dose_nats.value == pytest.approx(0.5 * 1.225)


def test_amplified_logits_that_never_reached_the_sampler_are_found_out(tmp_path):
    """A hand-written report once concluded that amplification does nothing, from such a bug."""
    _, one = doses(read(tmp_path, lambda alpha: amplified(alpha, -0.5)))
    assert one.gain_nats.value < 0 < one.dose_nats.low
    assert one.verdict == "not as predicted"


def test_a_gain_below_the_dose_is_no_failure_while_the_tokens_favour_the_amplified_side(tmp_path):
    """Rare tokens carry much of the mean: where none was drawn, all rollouts fall short alike."""
    _, one = doses(read(tmp_path, lambda alpha: amplified(alpha, 0.4)))
    assert one.gain_nats.high < one.dose_nats.low
    assert one.verdict == "as predicted"


def test_a_gain_far_above_the_dose_is_a_failure(tmp_path):
    _, one = doses(read(tmp_path, lambda alpha: amplified(alpha, 2.0)))
    assert one.verdict == "not as predicted"


@pytest.mark.parametrize(
    ("lost_nats", "verdict"), [(6.5, "as predicted"), (7.5, "not as predicted")]
)
def test_tokens_a_thousand_times_likelier_under_the_target_are_a_failure(
    tmp_path, lost_nats, verdict
):
    """exp(-6.91) is 1 in 1000; ten rollouts of ten tokens share what is lost."""

    def rollouts(alpha):
        for i in range(10):
            gain = -lost_nats / 100 + 0.001 * math.cos(i)
            yield Rollout(f"p{i}", trace=trace(dose_nats=0.5, amplified_nll_nats=2.0 - gain))

    assert doses(read(tmp_path, rollouts))[1].verdict == verdict


def test_sampling_that_changes_the_distribution_is_not_checked(tmp_path):
    def rollouts(alpha):
        for rollout in amplified(alpha, 2.0):
            rollout.config = {**CONFIG, "temperature": 0.7}
            yield rollout

    assert doses(read(tmp_path, rollouts))[1].verdict == "not checked"


def test_magnitudes_are_extremes_over_all_tokens_and_means_per_token(tmp_path):
    def rollouts(alpha):
        low, high = -20.0 - alpha, 10.0 + 2 * alpha
        std = {"amplified_std": 2.0 + alpha, "amplified_std_closed_form": (2.0 + alpha) * 0.8}
        yield Rollout("a", trace=trace(10, amplified_min=low, amplified_max=5.0, **std))
        std = {"amplified_std": 3.0 + alpha, "amplified_std_closed_form": (3.0 + alpha) * 0.8}
        yield Rollout("b", trace=trace(30, amplified_min=-5.0, amplified_max=high, **std))

    zero, one = magnitudes(read(tmp_path, rollouts))
    assert (zero.lowest, zero.highest, zero.range, zero.range_change) == (-20, 10, 30, 0)
    assert (one.range, one.range_change) == (33, pytest.approx(0.1))
    assert (zero.std, one.std) == (2.75, 3.75)
    assert one.std_ratio == pytest.approx(1.25)
    assert one.std_linear == 5.5
    assert one.std_over_linear == pytest.approx(3.75 / 5.5)


def test_without_alpha_zero_there_is_no_change_from_it(tmp_path):
    (one,) = magnitudes(read(tmp_path, lambda alpha: [Rollout("a")], [1.0]))
    assert (one.range_change, one.std_linear, one.std_over_linear) == (None, None, None)


def test_at_the_baseline_the_naive_guess_is_nothing_and_no_ratio(tmp_path):
    folder = tmp_path / "logs"
    folder.mkdir()
    write_log(folder, [Rollout("a")], 0.0)
    write_log(folder, [Rollout("a", alpha=-1.0)], "amplified/refuser@-1")
    baseline, _ = magnitudes(read_frame(folder))
    assert (baseline.alpha, baseline.std_linear, baseline.std_over_linear) == (-1, 0, None)


@pytest.mark.parametrize("written", [None, {"n_tokens": 3, "dose_nats": 0.1}])
def test_logs_without_a_whole_trace_give_no_magnitudes_and_no_dose(tmp_path, written):
    frame = read(tmp_path, lambda alpha: [Rollout("a", trace=written)])
    assert magnitudes(frame) == ()
    assert doses(frame) == ()


def test_an_errored_rollout_has_no_part_in_the_dose(tmp_path):
    def rollouts(alpha):
        return [Rollout("a"), Rollout("b"), Rollout("c", error="out of memory")]

    assert doses(read(tmp_path, rollouts))[0].n_tokens == 20


def test_the_configuration_is_read_from_each_rollout(tmp_path):
    frame = read(tmp_path, lambda alpha: [Rollout("a")])
    assert json.loads(frame["config"].iloc[0]) == CONFIG
