"""Where curves break: positions by hand, intervals that cover, sentences that hold back."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from harness.analysis.behaviours import Curve
from harness.analysis.breaks import collapse, fall_back, rise, saturation, sense
from harness.analysis.rates import rate_of
from harness.analysis.regime_curves import curve_totals, token_totals
from harness.analysis.regime_findings import regime_findings, regime_sentence
from harness.analysis.regimes import behaviour_regimes, entropy_regimes, sense_regime
from harness.analysis.resampling import Cell, Curves, Totals, first_above, percentile
from harness.analysis.sense import sense_finding, sensible_up_to

ALPHAS = np.array([0.0, 1.0, 2.0, 3.0])


def curves(*values):
    rows = np.array([values], dtype=float)
    return Curves(rows, np.ones_like(rows))


def found(rule, *values, alphas=ALPHAS):
    one = curves(*values)
    return float(rule(np.asarray(alphas), one, one)[0])


def totals(*shares, n=40, alphas=ALPHAS):
    """The same n prompts at each alpha, of which the first ones show it."""
    prompts = [f"p{i:03}" for i in range(n)]
    return Totals.of(
        {
            float(alpha): Cell(prompts, (np.arange(n) < round(share * n)).astype(float), np.ones(n))
            for alpha, share in zip(alphas, shares, strict=True)
        }
    )


def drawn(rng, shares, n=60, alphas=ALPHAS):
    prompts = [f"p{i:03}" for i in range(n)]
    cells = {
        float(alpha): Cell(prompts, (rng.random(n) < share).astype(float), np.ones(n))
        for alpha, share in zip(alphas, shares, strict=True)
    }
    return Totals.of(cells)


def test_a_level_is_reached_on_a_straight_line_between_alphas():
    values = np.array([[0, 0.1, 0.3, 0.1], [0.3, 0, 0, 0], [0, 0.1, 0.2, 0.2]])
    assert first_above(ALPHAS, values, 0.2).tolist() == [1.5, 0.0, np.inf]
    assert first_above(ALPHAS, values, np.array([0.3, 0.0, 0.15])).tolist() == [np.inf, 0.0, 1.5]


def test_percentiles_reach_to_infinity_and_no_further():
    positions = np.array([1.0] * 90 + [np.inf] * 10)
    assert (percentile(positions, 0.025), percentile(positions, 0.975)) == (1.0, np.inf)
    assert percentile(np.arange(101.0), 0.975) == 98.0


def test_sense_ends_where_the_monotone_fit_passes_the_level():
    assert found(sense, 0, 0.1, 0.3, 0.5) == pytest.approx(1.5)
    # 0.3 and 0.1 are pooled to 0.2, which does not pass it; from there it is a third to 0.5.
    assert found(sense, 0, 0.3, 0.1, 0.5) == pytest.approx(2.0)
    assert found(sense, 0.3, 0.3, 0.3, 0.3) == 0.0
    assert found(sense, 0, 0, 0, 0.2) == np.inf


def test_a_straight_line_has_no_saturation_and_a_bent_one_has():
    assert found(saturation, 0, 0.3, 0.6, 0.9) == np.inf
    # 90 % of 0.6 is reached a tenth before alpha 2 of the rise from 0.3 on.
    assert found(saturation, 0, 0.3, 0.6, 0.6) == pytest.approx(1.8)
    assert found(saturation, 0.9, 0.5, 0.1, 0.1) == pytest.approx(1.8)
    assert found(saturation, 0.5, 0.5, 0.5, 0.5) == np.inf


def test_an_exponential_approach_saturates_once_the_sweep_is_long_enough():
    for end, saturates in ((2.4, False), (2.7, True)):
        alphas = np.linspace(0, end, 500)
        assert np.isfinite(found(saturation, *(1 - np.exp(-alphas)), alphas=alphas)) == saturates


def test_a_curve_falls_back_from_its_extreme_if_a_quarter_of_the_change_is_lost():
    assert found(fall_back, 0.2, 0.6, 1.0, 0.8) == 2.0
    assert found(fall_back, 0.2, 0.6, 1.0, 0.9) == np.inf
    assert found(fall_back, 0.8, 0.2, 0.6, 0.6) == 1.0


def test_entropy_collapses_or_rises_against_that_of_alpha_zero():
    assert found(collapse, 2.0, 1.5, 0.5, 0.5) == pytest.approx(1.5)
    assert found(rise, 2.0, 1.0, 2.0, 4.0) == pytest.approx(2.5)
    assert found(collapse, 2.0, 2.0, 2.0, 1.0) == np.inf


def test_a_resample_draws_whole_prompts():
    """Prompts that always answer alike leave no alpha of a resample apart from another."""
    resampled = totals(0.5, 0.5, 0.5, 0.5).resampled(200)
    assert (resampled.values == resampled.values[:, :1]).all()
    assert resampled.values.std() == pytest.approx(np.sqrt(0.25 / 40), rel=0.2)


def test_resamples_are_the_same_every_time():
    one, other = (totals(0, 0.1, 0.4, 0.9).resampled(50) for _ in range(2))
    assert (one.values == other.values).all()


def test_the_place_has_an_interval_and_the_swept_alphas_around_it():
    one = sense_regime(totals(0, 0.05, 0.30, 0.9), 1.0)
    assert one.alpha == pytest.approx(1.6)
    assert one.low < 1.6 < one.high < 2.2
    assert (one.between, one.within, one.n_resamples) == ((1.0, 2.0), 1.0, 2000)
    assert regime_sentence(one) == f"Text is sensible up to alpha {one}, where nonsense passes 20%."


def test_the_interval_covers_the_true_place_as_often_as_it_says():
    """Rates are straight between the swept alphas here, so the true place is 1.6."""
    rng = np.random.default_rng(8)
    intervals = [sense_regime(drawn(rng, (0, 0.05, 0.30, 0.9)), 1.0) for _ in range(100)]
    covered = [one.low <= 1.6 <= (one.high or np.inf) for one in intervals]
    assert 0.88 <= np.mean(covered) <= 0.99


def test_a_place_that_may_lie_beyond_the_sweep_has_no_upper_end():
    one = sense_regime(totals(0, 0.0, 0.1, 0.25), 0.4)
    assert one.high is None
    assert 0.5 < one.within < 0.975
    assert str(one) == f"2.67 [{one.low:.2f}, beyond 3]"
    assert regime_sentence(one).startswith(f"Text is sensible up to alpha {one.low:.2f} at least")


def test_what_does_not_happen_is_only_said_where_the_interval_allows_it():
    sure, unsure = (sense_regime(totals(0, 0, 0, 0), high) for high in (0.09, 0.3))
    assert (str(sure), sure.within) == ("not up to 3", 0.0)
    assert regime_sentence(sure) == (
        "Text is sensible in the whole sweep: nonsense stays within 20% up to alpha 3."
    )
    assert regime_sentence(unsure) is None


def test_nonsense_from_the_start_is_said_so():
    one = sense_regime(totals(0.9, 0.9, 0.9, 1.0), 1.0)
    assert regime_sentence(one) == "More than 20% is nonsense from alpha 0 on."


def test_few_prompts_have_a_place_without_an_interval_or_a_sentence():
    one = sense_regime(totals(0, 0, 0.5, 1.0, n=8), 1.0)
    assert (str(one), one.low, one.within) == ("1.40", None, None)
    assert one.note == "only 8 prompts: too few for an interval"
    assert regime_findings([one]) == ()


def rates(*hits, n=40):
    """A nonsense curve of n prompts asked once at alpha 0, 1 and 2."""
    prompts = [f"p{i}" for i in range(n)]
    return Curve(
        name="nonsense",
        rates=tuple(rate_of([1.0] * k + [0.0] * (n - k), prompts) for k in hits),
    )


def said(nonsense, against=1.0):
    alphas = (0.0, 1.0, 2.0)
    regime = sense_regime(curve_totals(alphas, nonsense), nonsense.rates[-1].high)
    return sense_finding(alphas, nonsense, regime, against)


def test_where_sense_ends_is_told_with_its_interval_and_the_rates_on_both_sides():
    """Nonsense of 10 % at alpha 1 and 75 % at alpha 2 passes 20 % at 1 + 0.10 / 0.65."""
    assert said(rates(0, 4, 30)) == (
        "Text is sensible up to alpha 1.15 [1.00, 1.28], where nonsense passes 20%. Nonsense is "
        "10% [4, 23] (4/40) at alpha 1 and 75% [60, 86] (30/40) at alpha 2. Alpha 0 is compared "
        "with alpha 1."
    )


def test_sense_that_a_few_prompts_can_t_vouch_for_is_not_claimed():
    assert said(rates(0, 1, 7, n=9)).startswith(
        "In the data nonsense passes 20% at alpha 1.13, too uncertain to call the text sensible up "
        "to there (only 9 prompts: too few for an interval)."
    )


def test_a_sweep_without_nonsense_is_only_called_sensible_where_its_interval_is():
    assert said(rates(0, 0, 0)).startswith("Text is sensible in the whole sweep")
    assert said(rates(0, 0, 0, n=12)).startswith(
        "In the data nonsense stays within 20% up to alpha 2, which is too little to be sure of."
    )


def test_the_last_sensible_alpha_is_the_last_swept_one_before_the_place():
    alphas = (0.0, 1.0, 2.0)
    assert sensible_up_to(alphas, rates(0, 4, 30)) == 1.0
    assert sensible_up_to(alphas, rates(0, 0, 0)) == 2.0
    assert sensible_up_to(alphas, rates(30, 30, 30)) is None


def test_a_saturation_is_told_with_its_place():
    saturated, back = behaviour_regimes("refusal", totals(0.1, 0.5, 0.9, 0.9, n=60))
    assert regime_findings([saturated, back]) == (
        f"Refusal hardly rises beyond alpha {saturated}, where 90% of its largest change from "
        "alpha 0 is reached.",
    )
    assert saturated.direction == "up"


def test_a_fall_back_is_told_with_its_place():
    _, back = behaviour_regimes("refusal", totals(0.1, 0.5, 0.9, 0.3, n=60))
    assert regime_sentence(back) == (
        "Refusal is highest at alpha 2.00 [2.00, 2.00] and turns back: at alpha 3 at most 75% of "
        "its change from alpha 0 is left."
    )


def test_a_flat_curve_is_hardly_ever_told_to_saturate_or_turn_back():
    rng = np.random.default_rng(3)
    told = [
        bool(regime_findings(behaviour_regimes("fact", drawn(rng, (0.3,) * 4)))) for _ in range(100)
    ]
    assert np.mean(told) <= 0.05


def test_a_straight_curve_is_hardly_ever_told_to_saturate_or_turn_back():
    rng = np.random.default_rng(3)
    shares = (0.1, 0.3, 0.5, 0.7)
    told = [
        bool(regime_findings(behaviour_regimes("fact", drawn(rng, shares)))) for _ in range(100)
    ]
    assert np.mean(told) <= 0.05


def test_negative_alphas_have_no_part_in_a_regime():
    alphas = (-1.0, 0.0, 1.0, 2.0)
    one = sense_regime(totals(0.9, 0, 0.1, 0.3, alphas=alphas), 1.0)
    assert (one.first, one.alpha) == (0.0, 1.5)


def test_without_alpha_zero_or_with_too_few_alphas_it_can_t_be_told():
    alone = behaviour_regimes("fact", totals(0.1, 0.9, alphas=(0.0, 1.0)))[0]
    assert str(alone) == "needs data at 3 alphas from 0 upwards, and has 2"
    later = behaviour_regimes("fact", totals(0.1, 0.5, 0.9, alphas=(1.0, 2.0, 3.0)))[0]
    assert later.note == "alpha 0, which it is held against, has no data"
    assert regime_findings([alone, later]) == ()


def test_a_figure_over_tokens_weighs_long_replies_more():
    rows = pd.DataFrame(
        {
            "alpha": [0.0, 0.0],
            "sample_id": ["a", "b"],
            "n_tokens": [10.0, 30.0],
            "nats": [1.0, 3.0],
        }
    )
    assert token_totals(rows, "nats").curve.values.tolist() == [[2.5]]


def test_entropy_is_told_where_it_collapses_and_where_it_does_not_rise():
    low, high = entropy_regimes(totals(1.0, 1.0, 0.2, 0.2, n=40))
    assert regime_findings([low, high]) == (
        f"The entropy per token falls below 50% of alpha 0's at alpha {low}, which makes for "
        "replies that grow alike.",
        "The entropy per token does not rise above 150% of alpha 0's up to 3.",
    )


def test_greedy_sampling_has_no_entropy_to_lose():
    assert {one.note for one in entropy_regimes(totals(0, 0, 0, 0))} == {
        "sampling was greedy: there is no entropy"
    }


def test_a_regime_is_frozen():
    one = sense_regime(totals(0, 0, 0.5, 1.0), 1.0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.alpha = 3.0
