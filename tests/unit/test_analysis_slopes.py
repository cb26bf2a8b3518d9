"""Slopes along alpha and dose, with values that can be checked by hand."""

import numpy as np
import pandas as pd
import pytest

from harness.analysis.means import mean_of
from harness.analysis.rates import rate_of
from harness.analysis.slopes import Along, prompt_slopes, slopes
from harness.analysis.trend_fit import Cells
from harness.analysis.trends import adjusted

BY_ALPHA = {-1.0: -1.0, 0.0: 0.0, 1.0: 1.0, 2.0: 2.0}


def mean(values, prompts=None, unit="checks"):
    """One rollout per value, each of its own prompt unless told."""
    prompts = prompts or [f"p{i}" for i in range(len(values))]
    rows = {"sample_id": prompts, "value": np.array(values, dtype=float), "unit": unit}
    return mean_of(pd.DataFrame(rows))


def rate(values, prompts=None):
    return rate_of([float(one) for one in values], prompts or [f"p{i}" for i in range(len(values))])


def along(alphas, *values):
    return Along(values, alphas)


def slope_of(alphas, *values, scale=None, regressor="alpha"):
    [found] = slopes([along(alphas, *values)], BY_ALPHA if scale is None else scale, regressor)
    return found


def test_the_slope_is_the_mean_of_the_prompts_own_with_a_t_interval():
    found = slope_of((0.0, 1.0), mean([0, 1, 2, 3, 4]), mean([1, 3, 5, 7, 9]))
    # Slopes 1 2 3 4 5: mean 3, deviation 1.581, t at four degrees of freedom 2.776.
    assert found.estimate.value == 3
    assert found.estimate.low == pytest.approx(3 - 2.7764 * 1.5811 / 5**0.5, abs=1e-3)
    assert found.estimate.high == pytest.approx(3 + 2.7764 * 1.5811 / 5**0.5, abs=1e-3)
    assert (found.n, found.n_prompts, found.per, found.note) == (10, 5, 1.0, None)
    assert str(found) == "+3.00 [1.04, 4.96]"
    assert found.discovery


def test_a_prompts_slope_is_that_of_the_least_squares_line_over_its_rollouts():
    x = np.array([-1.0, 0.0, 2.0])
    n, k = (
        np.array([[1.0, 3.0, 2.0], [2.0, 0.0, 1.0]]),
        np.array([[2.0, 1.5, 8.0], [1.0, 0.0, 5.0]]),
    )
    rolled = [
        (np.repeat(x, times.astype(int)), np.repeat(sums / np.maximum(times, 1), times.astype(int)))
        for times, sums in zip(n, k, strict=True)
    ]
    expected = [np.polyfit(at, values, 1)[0] for at, values in rolled]
    assert prompt_slopes(Cells(k=k, n=n, x=x)) == pytest.approx(expected)
    assert expected[1] == pytest.approx((5 - 0.5) / 3)


def test_repeats_that_agree_promise_no_more_than_one():
    names = [f"p{i}" for i in range(6)]
    before, after = [0, 1, 2, 0, 1, 5], [1, 4, 2, 0, 3, 4]
    once = slope_of((0.0, 1.0), mean(before, names), mean(after, names))
    often = slope_of((0.0, 1.0), mean(before * 3, names * 3), mean(after * 3, names * 3))
    assert often.estimate == once.estimate
    assert (once.n, often.n) == (12, 36)


def test_along_dose_it_is_per_tenth_of_a_nat_and_over_the_alphas_with_a_dose():
    values = mean([9, 9, 9, 9, 9]), mean([0, 1, 2, 3, 4]), mean([1, 3, 5, 7, 9])
    found = slope_of((-1.0, 0.0, 1.0), *values, scale={0.0: 0.0, 1.0: 0.5}, regressor="dose")
    assert found.alphas == (0.0, 1.0)
    assert found.per == 0.1
    assert found.estimate.value == pytest.approx(3 / 5)


def test_a_share_of_replies_moves_in_points():
    found = slope_of((0.0, 1.0), rate([0] * 12 + [1] * 12), rate([1] * 11 + [0] * 3 + [1] * 10))
    assert found.of_rate
    assert found.estimate.value == pytest.approx(9 / 24)
    assert str(found).startswith("+38 points [")


def test_prompts_that_all_move_alike_are_held_to_a_rise_and_a_fall_that_nobody_saw():
    five = slope_of((0.0, 1.0), mean([0] * 5), mean([2] * 5))
    # With a rise and a fall added: m = 5/7, v = 1 - m^2, so m/se = 2.70 at four degrees: p 0.054.
    assert five.estimate.value == 2
    assert five.estimate.low == pytest.approx(2 * (5 / 7 - 2.7764 * (24 / 49 / 7) ** 0.5), abs=1e-3)
    assert five.p_adjusted == pytest.approx(0.054, abs=1e-3)
    assert not five.discovery
    assert five.note == "few prompts move otherwise than most"
    assert slope_of((0.0, 1.0), mean([0] * 20), mean([2] * 20)).discovery


def test_false_discoveries_are_kept_in_check_over_all_behaviours():
    rng = np.random.default_rng(1)
    family = [
        along((0.0, 1.0), mean(rng.normal(size=8), unit=None), mean(rng.normal(size=8) + shift))
        for shift in (0, 0.5, 1, 2, 3)
    ]
    alone = [slopes([one], BY_ALPHA, "alpha")[0].p_adjusted for one in family]
    together = [one.p_adjusted for one in slopes(family, BY_ALPHA, "alpha")]
    assert together == pytest.approx(adjusted(alone))
    assert together != alone


@pytest.mark.parametrize(
    ("alphas", "values", "note"),
    [
        ((0.0, 1.0), ([0] * 6, [0] * 6), "every reply scores 0"),
        ((0.0, 1.0), ([3, 4, 5, 6, 7], [3, 4, 5, 6, 7]), "no prompt moves"),
        ((0.0, 1.0), ([1, 2, 3, 4], [3, 3, 4, 9]), "only 4 prompts"),
        ((1.0,), ([1, 2, 3, 4, 5],), "scored at fewer than two alphas of sensible text"),
        ((), (), "scored at fewer than two alphas of sensible text"),
    ],
)
def test_what_has_no_slope_says_why_and_is_never_zero(alphas, values, note):
    found = slope_of(alphas, *map(mean, values))
    assert found.note == note
    assert (found.estimate, found.p_adjusted, found.discovery) == (None, None, False)
    assert str(found) == "no slope"


def test_alphas_of_one_dose_make_no_line():
    values = mean([0, 1, 2, 3, 4]), mean([1, 3, 5, 7, 9])
    found = slope_of((0.0, 1.0), *values, scale={0.0: 0.0, 1.0: 0.0}, regressor="dose")
    assert (found.estimate, found.note) == (None, "only 0 prompts")
    nowhere = slope_of((0.0, 1.0), *values, scale={}, regressor="dose")
    assert nowhere.note == "scored at fewer than two alphas of a known dose, 0 and above"


def test_a_prompt_that_was_scored_at_one_alpha_only_is_counted_and_has_no_part():
    before, after = mean([0, 1, 2, 3, 4, 9]), mean([1, 3, 5, 7, 9])
    found = slope_of((0.0, 1.0), before, after)
    assert (found.n_prompts, found.estimate.value) == (5, 3)
    assert found.note == "1 of 6 prompts scored at one value only"


def test_where_nothing_moves_it_is_found_no_more_often_than_promised():
    rng, alphas, names = (
        np.random.default_rng(0),
        (-1.0, 0.0, 1.0, 2.0),
        [f"p{i}" for i in range(20)],
    )
    for share in (0.05, 0.4):
        found = [
            slope_of(alphas, *(rate(rng.random(20) < share, names) for _ in alphas))
            for _ in range(300)
        ]
        assert sum(one.discovery for one in found) <= 0.075 * 300
