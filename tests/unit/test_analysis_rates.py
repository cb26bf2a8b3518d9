"""Intervals against published values, against simulation, and where there is little to go on."""

import math

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from harness.analysis.rates import complement, design_effect, rate_of, rule_of_three
from harness.errors import AnalysisError


def once_each(k, n):
    """k events in n rollouts, each of a prompt of its own."""
    return rate_of([1.0] * k + [0.0] * (n - k), [f"prompt {i}" for i in range(n)])


def test_wilson_interval_of_81_in_263_is_the_published_one():
    rate = once_each(81, 263)
    assert (round(rate.low, 4), round(rate.high, 4)) == (0.2553, 0.3662)
    assert (rate.n_effective, rate.design_effect) == (pytest.approx(263), pytest.approx(1))


def test_exact_bounds_of_81_in_263_are_the_published_ones():
    """No report shows them between 0 and 1; at 0 the same library is trusted."""
    low, high = proportion_confint(81, 263, method="beta")
    assert (round(low, 4), round(high, 4)) == (0.2527, 0.3676)


def test_wilson_bounds_of_0_in_20_are_the_published_ones():
    low, high = proportion_confint(0, 20, method="wilson")
    assert (round(low, 4), round(high, 4)) == (0.0, 0.1611)


def test_no_events_have_the_exact_upper_bound_and_zero_below():
    rate = once_each(0, 20)
    assert (rate.low, round(rate.high, 4)) == (0.0, 0.1684)


def test_nothing_but_events_mirrors_no_events():
    assert round(once_each(20, 20).low, 4) == round(1 - 0.1684, 4)
    assert once_each(20, 20).high == 1.0


def test_prompts_that_always_answer_alike_count_once_each():
    """Four copies of ten prompts hold no more than the ten prompts."""
    events = [1.0] * 20 + [0.0] * 20
    prompts = [f"prompt {i // 4}" for i in range(40)]
    rate = rate_of(events, prompts)
    assert rate.n_effective < 10
    assert rate.high - rate.low > once_each(5, 10).high - once_each(5, 10).low


def test_the_design_effect_of_full_agreement_can_be_checked_by_hand():
    # k_i = 2, 0; p = 1/2: 2/1 * (1 + 1)/16 = 1/4 over 1/4 / 3 = 1/12.
    assert design_effect(np.array([1.0, 1.0, 0.0, 0.0]), ["a", "a", "b", "b"]) == pytest.approx(3)


def test_repeats_that_differ_no_more_than_chance_cost_nothing():
    assert design_effect(np.array([1.0, 0.0, 1.0, 0.0]), ["a", "a", "b", "b"]) == 1.0


def test_zero_events_in_repeats_of_few_prompts_promise_less_than_in_many_prompts():
    """0 of 40 rollouts of four prompts says little of a fifth prompt."""
    repeated = rate_of([0.0] * 40, [f"prompt {i % 4}" for i in range(40)])
    assert repeated.high > once_each(0, 40).high * 3


def test_rare_events_borrow_the_clusters_of_the_rest_of_the_sweep():
    prompts = [f"prompt {i % 20}" for i in range(80)]
    alone = rate_of([0.0] * 80, prompts)
    helped = rate_of([0.0] * 80, prompts, pooled_design_effect=1.0)
    assert helped.high < alone.high
    assert helped.high >= once_each(0, 80).high


def test_one_more_event_never_lowers_the_upper_bound_of_a_rare_rate():
    prompts = [f"prompt {i % 15}" for i in range(60)]
    highs = [rate_of([1.0] * k + [0.0] * (60 - k), prompts).high for k in range(5)]
    assert highs == sorted(highs)


def test_one_prompt_says_next_to_nothing_of_others():
    rate = rate_of([1.0, 0.0] * 50, ["only"] * 100)
    assert rate.n_effective == 1
    assert rate.high - rate.low > 0.85


def test_unscored_rollouts_are_counted_apart_and_never_as_zero():
    rate = rate_of([1.0, math.nan, 1.0, 0.0], ["a", "b", "c", "d"])
    assert (rate.k, rate.n, rate.n_unscored, rate.n_prompts) == (2, 3, 1, 3)


def test_nothing_scored_is_no_data_rather_than_a_rate():
    rate = rate_of([math.nan], ["a"])
    assert (rate.rate, rate.low, rate.high, rate.n_unscored) == (None, None, None, 1)
    assert str(rate) == "no data"
    assert complement(rate) == rate


def test_a_rate_is_shown_with_interval_and_counts():
    assert str(once_each(45, 60)) == "75% [63, 84] (45/60)"


def test_a_rate_near_nothing_or_all_is_shown_with_a_decimal():
    assert str(once_each(4, 900)) == "0.4% [0.2, 1.1] (4/900)"
    assert str(once_each(0, 900)) == "0.0% [0.0, 0.4] (0/900)"
    assert str(once_each(900, 900)) == "100.0% [99.6, 100.0] (900/900)"
    assert str(once_each(3, 9000)) == "0.03% [0.01, 0.10] (3/9000)"
    assert str(once_each(899, 900)) == "99.9% [99.4, 100.0] (899/900)"


def test_the_complement_mirrors_counts_and_interval():
    rate, rest = once_each(45, 60), complement(once_each(45, 60))
    assert (rest.k, rest.n, rest.rate) == (15, 60, 0.25)
    assert (rest.low, rest.high) == (1 - rate.high, 1 - rate.low)
    assert complement(rest).k == rate.k


def test_few_prompts_and_rare_events_are_warned_of():
    assert once_each(20, 40).warning is None
    assert once_each(3, 40).warning == "only 3 events"
    assert once_each(0, 40).warning == "only 0 events"
    assert once_each(39, 40).warning == "all but 1"
    assert once_each(1, 9).warning == "only 9 prompts; only 1 event"


def test_a_value_that_is_no_event_is_refused():
    with pytest.raises(AnalysisError, match="values of 0 and 1"):
        rate_of([0.5], ["a"])


def test_no_event_is_told_with_the_rate_that_it_leaves_open():
    # 1 - 0.05^(1/60) = 4.87 %; the shorthand is 3/60 = 5 %.
    assert rule_of_three(once_each(0, 60)) == (
        "no event in 60 rollouts of 60 prompts: a rate of up to 4.9% fits that as well "
        "(95%, worth 60 independent rollouts; rule of three, 3 in as many)"
    )


def test_the_shorthand_is_not_told_where_it_is_far_off():
    """3 in 10 is 30 %, and the exact bound 26 %."""
    assert rule_of_three(once_each(0, 10)) == (
        "no event in 10 rollouts of 10 prompts: a rate of up to 26% fits that as well "
        "(95%, worth 10 independent rollouts)"
    )


def test_nothing_but_events_is_told_from_the_other_side():
    assert "a rate of no less than 95.1% fits" in rule_of_three(once_each(60, 60))


def test_the_rule_of_three_counts_prompts_and_not_their_repeats():
    repeated = rate_of([0.0] * 240, [f"prompt {i % 60}" for i in range(240)])
    assert "worth 58 independent rollouts" in rule_of_three(repeated)


def test_a_rate_between_has_no_rule_of_three():
    assert rule_of_three(once_each(1, 60)) is None
    assert rule_of_three(rate_of([math.nan], ["a"])) is None


@pytest.mark.parametrize(
    ("n_prompts", "repeats", "mean", "correlation"),
    [(15, 4, 0.3, 0.3), (8, 8, 0.5, 0.5), (15, 4, 0.03, 0.3), (40, 2, 0.7, 0.6)],
)
def test_intervals_cover_the_true_rate_when_prompts_differ(n_prompts, repeats, mean, correlation):
    """Each prompt has a rate of its own; pooled repeats as if independent cover 0.62 to 0.91."""
    generator = np.random.default_rng(0)
    spread = (1 - correlation) / correlation
    prompts = [f"prompt {i}" for i in range(n_prompts) for _ in range(repeats)]
    covered = pooled = 0
    for _ in range(400):
        own = generator.beta(mean * spread, (1 - mean) * spread, size=(n_prompts, 1))
        events = (generator.random((n_prompts, repeats)) < own).astype(float).ravel()
        rate = rate_of(events, prompts)
        covered += rate.low <= mean <= rate.high
        low, high = proportion_confint(rate.k, rate.n, method="wilson")
        pooled += low <= mean <= high
    assert covered / 400 >= 0.925
    assert pooled / 400 < min(0.92, covered / 400 - 0.02)
