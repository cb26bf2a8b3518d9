"""Trends of a whole sweep: over which alphas, what is withheld, what may be said."""

import dataclasses
import json
import warnings

import numpy as np
import pandas as pd
import pytest
from inspect_ai.scorer import Score
from test_analysis_logs import Rollout, nonsense, refusal, trace, write_sweep

from harness.analysis.behaviours import Curve, curve, nonsense_curve
from harness.analysis.changes import changes
from harness.analysis.differences import difference
from harness.analysis.dose import Dose, Estimate, doses
from harness.analysis.frame import read_frame
from harness.analysis.grid import GridCurve, grid
from harness.analysis.length_trends import length_trends, rank_correlations
from harness.analysis.rates import rate_of
from harness.analysis.results import analyse, results_json
from harness.analysis.trend_findings import (
    AllTrends,
    all_trends,
    odds,
    section_findings,
    trend_alphas,
    trend_findings,
)
from harness.analysis.trends import adjusted, trends

ALPHAS = (0.0, 0.5, 1.0, 2.0)


def prompts(n):
    return [f"p{i:03}" for i in range(n)]


def made(*hits, n=40, name="fact", category="all"):
    """A curve with this many events of n prompts at each alpha, the same prompts first."""
    rates = tuple(rate_of([1.0] * k + [0.0] * (n - k), prompts(n)) for k in hits)
    return GridCurve(behaviour=name, category=category, curve=Curve(name=name, rates=rates))


def trend_of(*hits, n=40, alphas=ALPHAS, name="fact"):
    [found] = trends([made(*hits, n=n, name=name)], alphas, alphas, ())
    return found


def dose_at(alpha, nats):
    estimate = Estimate(value=nats, low=nats, high=nats)
    return Dose(alpha=alpha, n_tokens=9, dose_nats=estimate, gain_nats=None, verdict="not checked")


def test_a_rise_has_an_odds_ratio_above_one_with_its_change_in_points():
    found = trend_of(4, 9, 18, 34)
    assert found.odds_ratio > found.low > 1
    assert (found.k, found.n, found.n_prompts, found.alphas) == (65, 160, 40, ALPHAS)
    assert found.change.change == pytest.approx(30 / 40)
    assert found.check_z > 4
    assert (found.turns, found.note) == (False, None)


def test_a_fall_is_the_mirror_of_a_rise():
    up, down = trend_of(4, 9, 18, 34), trend_of(36, 31, 22, 6)
    assert down.odds_ratio == pytest.approx(1 / up.odds_ratio)
    assert down.check_z == pytest.approx(-up.check_z)


def test_a_flat_behaviour_is_no_discovery():
    """The control of every sweep: where target and baseline are one, nothing moves."""
    generator = np.random.default_rng(0)
    curves = []
    for name in range(30):
        rates = tuple(
            rate_of(generator.integers(0, 2, 40).astype(float), prompts(40)) for _ in ALPHAS
        )
        curves.append(
            GridCurve(behaviour=str(name), category="all", curve=Curve(name="x", rates=rates))
        )
    found = trends(curves, ALPHAS, ALPHAS, ())
    assert all(0 < one.low < one.high for one in found)
    assert sum(one.low <= 1 <= one.high for one in found) >= 27
    assert [p for p in adjusted([one.p_value for one in found]) if p <= 0.05] == []


@pytest.mark.parametrize(
    ("hits", "n", "note"),
    [
        ((0, 0, 0, 0), 40, "no event at any alpha"),
        ((40, 40, 40, 40), 40, "nothing but events at every alpha"),
        ((0, 1, 1, 2), 40, "only 4 events"),
        ((0, 0, 0, 1), 40, "only 1 event"),
        ((40, 40, 39, 38), 40, "all but 3 are events"),
        ((1, 2, 3, 4), 4, "only 4 prompts"),
        ((0, 1, 1, 1), 1, "only 1 prompt"),
    ],
)
def test_what_rests_on_too_little_has_no_estimate_but_the_reason(hits, n, note):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = trend_of(*hits, n=n)
    assert found.note == note
    assert (found.odds_ratio, found.low, found.high, found.p_value) == (None, None, None, None)
    assert found.change is not None


def test_perfect_separation_has_no_odds_ratio_but_a_p_and_a_change():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = trend_of(0, 0, 40, 40)
    assert found.odds_ratio is None
    assert found.note.startswith("no finite odds ratio")
    assert found.p_value == found.check_p < 1e-6
    assert found.change.low > 0.8


def test_a_rate_that_jumps_and_stays_is_found_without_an_odds_ratio():
    """Odds that grow evenly fit it so badly that the interval spans 1.6 to 6258 per unit."""
    found = trend_of(4, 38, 39, 38)
    assert found.odds_ratio is found.low is None
    assert found.note.startswith("no useful odds ratio")
    assert found.p_value == found.check_p < 1e-6
    assert found.change.is_told


def test_a_rise_and_fall_are_not_hidden_in_one_number():
    """A refusal rate that rises and then breaks has a slope near 0, or of either sign."""
    found = trend_of(4, 20, 36, 6)
    assert found.turns
    assert found.odds_ratio is found.p_value is None
    assert found.note == "no single trend: it rises, but falls by 75 points from alpha 1 to 2"


def test_a_dip_within_chance_is_no_turn():
    assert not trend_of(4, 12, 10, 34).turns


def test_a_rate_that_levels_off_does_not_turn():
    found = trend_of(4, 25, 31, 30)
    assert not found.turns
    assert found.odds_ratio > found.low > 1


def test_a_single_alpha_is_no_trend():
    [found] = trends([made(4, 5)], (0.0, 1.0), (0.0,), ())
    assert found.note == "scored at fewer than two alphas"


def test_along_dose_it_is_per_tenth_of_a_nat_and_without_negative_alphas():
    known = [dose_at(-1.0, 0.4), dose_at(0.0, 0.0), dose_at(1.0, 0.1), dose_at(2.0, 0.3)]
    alphas = (-1.0, 0.0, 1.0, 2.0)
    _, found = trends([made(30, 4, 10, 28)], alphas, alphas, known)
    expected = trend_of(4, 10, 28, alphas=(0.0, 1.0, 3.0))
    assert (found.regressor, found.unit, found.alphas) == ("dose", 0.1, (0.0, 1.0, 2.0))
    assert found.odds_ratio == pytest.approx(expected.odds_ratio)


def test_without_known_doses_there_is_no_trend_along_dose():
    hidden = dataclasses.replace(dose_at(1.0, 0.1), dose_nats=None)
    found = trends([made(4, 20)], (0.0, 1.0), (0.0, 1.0), [dose_at(0.0, 0.0), hidden])
    assert [one.regressor for one in found] == ["alpha"]


def test_trends_end_where_sense_does_and_nonsense_itself_is_followed_on():
    alphas = (0.0, 1.0, 2.0)
    silly = made(0, 2, 30, name="nonsense")
    over = trend_alphas(alphas, silly.curve)
    assert over == (0.0, 1.0)
    fact, rambling = trends([made(4, 30, 0), silly], alphas, over, ())
    assert fact.odds_ratio > 1
    assert (fact.alphas, rambling.alphas) == ((0.0, 1.0), alphas)


def test_without_nonsense_scores_trends_are_over_all_alphas():
    assert trend_alphas((-1.0, 0.0, 2.0), None) == (-1.0, 0.0, 2.0)


def test_nonsense_from_the_start_leaves_the_first_alpha_above_zero_to_compare_with():
    silly = made(30, 30, 30, name="nonsense").curve
    assert trend_alphas((0.0, 1.0, 2.0), silly) == (0.0, 1.0)


BENJAMINI_HOCHBERG = (
    *(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344),
    *(0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0),
)


def test_the_fifteen_p_values_of_benjamini_and_hochberg_give_their_four_discoveries():
    found = adjusted(BENJAMINI_HOCHBERG)
    assert sum(p <= 0.05 for p in found) == 4
    assert sum(p <= 0.05 / 15 for p in BENJAMINI_HOCHBERG) == 3


def test_what_could_not_be_tested_is_in_no_family():
    assert adjusted([0.01, None, 0.04]) == [0.02, None, 0.04]
    assert adjusted([None]) == [None]


# A whole sweep


def swept(alpha):
    """Refusal rises in one category of two; alpha 4 rambles; benign replies get shorter."""
    for i in range(36):
        category = ("benign", "illegal", "security")[i % 3]
        step = {0.0: 2, 1.0: 5, 2.0: 10, 4.0: 1}[alpha]
        refused = category == "illegal" and i // 3 < step
        score = {
            "refusal": refusal("refusal" if refused else "compliance", soft=i == 1),
            "nonsense": nonsense(alpha == 4.0 and i % 2 == 0),
            "told": Score(value=float(i < 3)),
        }
        length = 100 - int(10 * alpha) * (category == "benign") + i
        yield Rollout(
            f"{category}-{i}",
            category=category,
            text="x" * length,
            scores=score,
            trace=trace(length, dose_nats=alpha / 10, amplified_nll_nats=2 - alpha / 10),
        )


SWEPT = (0.0, 1.0, 2.0, 4.0)


@pytest.fixture(scope="module")
def frame(tmp_path_factory):
    return read_frame(write_sweep(tmp_path_factory.mktemp("logs"), swept, SWEPT))


@pytest.fixture(scope="module")
def found(frame):
    return all_trends(frame, SWEPT, nonsense_curve(frame, SWEPT), doses(frame))


def test_a_sweep_that_rambles_from_the_first_alpha_on_is_known_as_such(frame):
    silly = made(0, 30, 30, 30, name="nonsense").curve
    assert not all_trends(frame, SWEPT, silly, ()).sensible
    sane = made(0, 0, 0, 30, name="nonsense").curve
    assert all_trends(frame, SWEPT, sane, ()).sensible
    assert all_trends(frame, SWEPT, None, ()).sensible


def named(found, behaviour, category="all", regressor="alpha"):
    [one] = [
        one
        for one in found.trends
        if (one.behaviour, one.category, one.regressor) == (behaviour, category, regressor)
    ]
    return one


def test_every_behaviour_is_looked_at_in_every_category(frame):
    cells = {(one.behaviour, one.category) for one in grid(frame, SWEPT)}
    names = ("refusal", "partial refusal", "soft jailbreak", "sensible and not refused")
    assert cells == {
        (name, category)
        for name in (*names, "nonsense", "told")
        for category in ("all", "benign", "illegal", "security")
    }


def test_the_main_prompts_of_refusal_are_without_the_benign_control(found):
    assert named(found, "refusal").n_prompts == 24
    assert named(found, "nonsense").n_prompts == 36


def test_the_grids_curves_are_those_of_the_tables(frame):
    whole = next(one for one in grid(frame, SWEPT) if one.behaviour == "nonsense")
    rows = frame[frame["scorer"] == "nonsense"]
    assert whole.curve == curve("nonsense", rows, SWEPT)


def test_a_trend_is_found_where_it_is_and_nowhere_else(found):
    assert named(found, "refusal", "illegal").discovery
    assert named(found, "refusal", "illegal", "dose").discovery
    assert named(found, "refusal", "security").note == "no event at any alpha"
    assert named(found, "told").note is None
    assert not named(found, "told").discovery


def test_lengths_rank_along_alpha_within_prompts_and_share_the_family(found):
    by_category = {(one.measure, one.category): one for one in found.lengths}
    benign, rest = by_category["characters", "benign"], by_category["characters", "illegal"]
    assert benign.rho == pytest.approx(-1)
    assert -1 <= benign.low < benign.high < 0
    assert benign.discovery
    assert rest.rho is None
    assert "12 prompts left out, whose replies are alike" in rest.note
    family = [one for one in found.trends if one.regressor == "alpha"]
    p_values = [one.p_value for one in family] + [one.p_value for one in found.lengths]
    expected = adjusted(p_values)
    shown = [one.p_adjusted for one in family] + [one.p_adjusted for one in found.lengths]
    assert shown == expected


def test_a_discovery_is_told_with_its_odds_ratio(found):
    one = named(found, "refusal")
    [said] = trend_findings(found, ["refusal"])
    assert said.startswith(
        f"Along alpha the odds of refusal rise, times {odds(one.odds_ratio)} "
        f"[{odds(one.low)}, {odds(one.high)}] per unit (0 to 2)."
    )


def test_nothing_is_said_where_nothing_was_found(found):
    assert trend_findings(found, ["told"]) == ()


def test_a_turn_is_told_as_what_it_is():
    one = dataclasses.replace(trend_of(4, 20, 36, 6), p_adjusted=None)
    every = AllTrends(
        alphas=ALPHAS,
        left_out=(),
        nonsense_known=False,
        sensible=True,
        trends=(one,),
        lengths=(),
    )
    assert trend_findings(every, ["fact"]) == (
        "For fact no single trend: it rises, but falls by 75 points from alpha 1 to 2.",
    )


def test_the_section_says_how_many_were_tested_and_that_lengths_are_among_them(found):
    behaviours = [one for one in found.trends if one.regressor == "alpha"]
    n_tested = sum(one.p_value is not None for one in (*found.lengths, *behaviours))
    n_found = sum(one.discovery for one in (*found.lengths, *behaviours))
    assert section_findings(found)[1].startswith(
        f"Discoveries: {n_found} of {n_tested} tested along alpha (lengths included), "
    )


def test_the_section_says_over_which_alphas_trends_are(found):
    said = section_findings(found)
    assert said[0].startswith("Trends are over alpha 0, 1, 2. At 4, where more than 20% is")


def test_the_section_warns_where_even_the_first_alpha_rambles(found):
    doubtful = dataclasses.replace(found, alphas=(0.0, 1.0), sensible=False)
    assert "is nonsense there already" in section_findings(doubtful)[0]
    unknown = dataclasses.replace(found, nonsense_known=False)
    assert section_findings(unknown)[0].endswith("nonsense was not scored.")


def test_odds_ratios_out_of_all_bounds_are_shown_as_such():
    assert [odds(x) for x in (14.4449, 0.06161, 12.0, 999.9, 5000.0, 1e-9)] == [
        *("14.4", "0.0616", "12.0", "1000", ">1000", "<0.001")
    ]


def test_changes_are_the_paired_differences_from_alpha_zero():
    one = made(4, 9, 30, 20).curve
    [found] = changes([one], (-1.0, 0.0, 1.0, 2.0))
    assert found.changes[1] is None
    assert found.changes[2] == difference(one.rates[2], one.rates[1])
    assert changes([one], (1.0, 2.0, 3.0, 4.0)) == ()


def test_results_hold_trends_and_changes_and_write_them_without_counts_by_prompt(frame, found):
    results = analyse(frame)
    assert results.trends == found.trends
    assert results.length_trends == found.lengths
    written = json.loads(results_json(results), parse_constant=pytest.fail)
    assert len(written["trends"]) == len(found.trends)
    assert "by_prompt" not in results_json(results)


@pytest.mark.timeout(120)  # seconds are enough; a loop over prompts takes many minutes
@pytest.mark.parametrize(("n_prompts", "n_epochs"), [(1_000, 16), (16_000, 1)])
def test_trends_of_a_hundred_thousand_rollouts_are_found(n_prompts, n_epochs):
    generator = np.random.default_rng(0)
    alphas = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0)
    shape = (len(alphas), n_prompts, n_epochs)
    step, prompt, epoch = (axis.ravel() for axis in np.indices(shape))
    alpha, n = np.array(alphas)[step], len(step)
    common = {
        **{"constraint": "none", "alpha": alpha, "epoch": epoch, "error": None, "unit": None},
        "sample_id": np.char.add("prompt-", prompt.astype(str)).astype(object),
        "category": np.array(["benign", *"abcdefg"], dtype=object)[prompt % 8],
        "n_tokens": generator.poisson(100, n).astype(float),
        "n_chars": generator.poisson(400, n).astype(float),
        **{"stop_reason": "stop", "label": "refusal", "soft_jailbreak": generator.random(n) < 0.1},
    }
    chance = {"refusal": 0.2 + alpha / 5, "nonsense": alpha / 40, "told": 0.3 + 0 * alpha}
    events = {name: (generator.random(n) < p).astype(float) for name, p in chance.items()}
    frame = pd.concat(
        [pd.DataFrame({**common, "scorer": name, "value": v}) for name, v in events.items()],
        ignore_index=True,
    )
    found = all_trends(frame, alphas, nonsense_curve(frame, alphas), ())
    assert named(found, "refusal", "a").discovery


def test_spearmans_correlation_of_each_prompt_is_scipys():
    generator = np.random.default_rng(0)
    values = generator.integers(0, 6, 60).astype(float)
    along, asked = np.tile([0.0, 0.5, 1.0, 1.0, 2.0], 12), np.repeat(prompts(12), 5).astype(object)
    table = pd.DataFrame({"value": values, "along": along, "prompt": asked})
    expected = [
        part["value"].corr(part["along"], method="spearman") for _, part in table.groupby("prompt")
    ]
    assert rank_correlations(values, along, asked) == pytest.approx(expected)


def test_replies_that_the_limit_cut_are_told_of(tmp_path):
    def rollouts(alpha):
        for i in range(10):
            cut = "max_tokens" if i < 4 else "stop"
            yield Rollout(f"p{i}", text="x" * int(5 + i + alpha), stop_reason=cut)

    frame = read_frame(write_sweep(tmp_path, rollouts))
    notes = [one.note for one in length_trends(frame, (0.0, 1.0)) if one.measure == "characters"]
    assert notes == ["up to 40% are cut at the token limit"]


def test_an_errored_rollout_has_no_length(tmp_path):
    def rollouts(alpha):
        yield Rollout("a", text="x" * int(5 + alpha))
        yield Rollout("b", error="out of memory")

    found = length_trends(read_frame(write_sweep(tmp_path, rollouts)), (0.0, 1.0))
    assert {one.n for one in found} == {2}
    assert all("only " in one.note for one in found)
