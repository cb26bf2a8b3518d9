"""Five lines that claim no more than their statistics allow, in a fixed vocabulary."""

from dataclasses import replace

import pytest
from test_analysis_findings import DATA, curve

from harness.analysis.differences import Difference
from harness.analysis.dose import Dose, Estimate
from harness.analysis.fidelity import Fidelity
from harness.analysis.summary import ScorerCount
from harness.analysis.trends import Trend
from harness.analysis.verdict import LEADS, Behaviour, Grounds, verdict
from harness.analysis.wording import evidence, movement

UNCHECKED = Fidelity(calibration=(), doses=(), magnitudes=(), strengths=())
DATA_OF_THREE = replace(DATA, alphas=(0.0, 1.0, 2.0))


def grounds(*hits, nonsense=(0, 1, 30), **more):
    """Forty prompts asked once at alpha 0, 1 and 2, so many of them showing the fact."""
    plain = {
        "data": DATA_OF_THREE,
        "behaviours": (Behaviour(name="scorer fact", curve=curve("fact", *hits)),),
        "means": (),
        "nonsense": curve("nonsense", *nonsense) if nonsense else None,
        "sense": None,
        "trends": (),
        "fidelity": UNCHECKED,
        "failures": (),
    }
    return Grounds(**{**plain, **more})


def line(lead, *hits, **more):
    return verdict(grounds(*hits, **more))[LEADS.index(lead)]


def changed(change, low, high):
    return Difference(
        change=change,
        low=low,
        high=high,
        method="paired t",
        n_prompts=40,
        n_rose=0,
        n_fell=0,
        p_value=None,
        partial=False,
    )


def trend(**more):
    plain = {
        "behaviour": "fact",
        "category": "all",
        "regressor": "alpha",
        "unit": 1.0,
        "alphas": (0.0, 1.0),
        "k": 30,
        "n": 80,
        "n_prompts": 40,
        "odds_ratio": 3.0,
        "low": 2.0,
        "high": 4.5,
        "change": None,
        "p_value": 0.0001,
        "p_adjusted": 0.0004,
        "discovery": True,
        "check_z": None,
        "check_p": None,
        "turns": False,
        "note": None,
    }
    return Trend(**{**plain, **more})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (changed(0.2, 0.01, 0.4), "rises"),
        (changed(-0.2, -0.4, -0.01), "falls"),
        (changed(0.02, 0.01, 0.03), "rises"),
        (changed(0.0, -0.10, 0.10), "hardly moves"),
        (changed(0.0, -0.11, 0.10), "no change can be told"),
        (changed(0.3, -0.01, 0.6), "no change can be told"),
    ],
)
def test_what_may_be_said_of_a_change_hangs_on_its_interval_alone(change, words):
    assert movement(change) == words


@pytest.mark.parametrize(
    ("p_adjusted", "words"),
    [
        (0.001, "very strong evidence"),
        (0.0011, "strong evidence"),
        (0.011, "evidence"),
        (0.051, None),
        (None, None),
    ],
)
def test_words_of_evidence_have_thresholds_and_what_is_no_discovery_gets_none(p_adjusted, words):
    assert evidence(p_adjusted) == words


def test_a_verdict_is_five_lines_in_one_order():
    lines = verdict(grounds(4, 30, 40))
    assert [one.partition(": ")[0] for one in lines] == list(LEADS)


def test_a_rise_is_claimed_with_both_rates_and_the_difference():
    assert line("Moves", 4, 30, 40) == (
        "Moves: Scorer fact rises from 10% [4, 23] (4/40) at alpha 0 to 75% [60, 86] (30/40) at "
        "alpha 1: +65 points [50, 80]."
    )


def test_a_fall_is_called_a_fall():
    assert "Scorer fact falls from" in line("Moves", 30, 4, 4)


def test_no_change_is_claimed_where_the_interval_holds_zero():
    told = line("Moves", 20, 20, 40, behaviours=(Behaviour(name="x", curve=mixed()),))
    assert "For x no change can be told: from 50%" in told


def mixed():
    """At alpha 0 the first twenty prompts show it, at alpha 1 the last twenty-two."""
    from harness.analysis.behaviours import Curve
    from harness.analysis.rates import rate_of

    prompts = [f"prompt {i}" for i in range(40)]
    first, last = [1.0] * 20 + [0.0] * 20, [0.0] * 18 + [1.0] * 22
    return Curve(name="x", rates=tuple(rate_of(one, prompts) for one in (first, last, last)))


def test_without_alpha_zero_rates_are_told_and_no_change():
    data = replace(DATA, alphas=(1.0, 2.0))
    found = grounds(4, 30, data=data, nonsense=(0, 0))
    lines = verdict(found)
    assert lines[0] == (
        "Moves: Scorer fact: 10% [4, 23] (4/40) at alpha 1, 75% [60, 86] (30/40) at alpha 2."
    )
    assert "Alpha 0 was not run" in lines[4]


def test_a_trend_is_told_with_its_evidence_its_odds_and_how_many_were_tested():
    told = line("Certainty", 4, 30, 40, trends=(trend(), trend(category="a", discovery=False)))
    assert (
        "Very strong evidence that scorer fact rises with alpha, odds times 3.00 [2.00, 4.50]"
        in told
    )
    assert "Discoveries among the 2 trends of behaviours and categories" in told
    assert "120 rollouts of 40 prompts stand behind this" in told


def test_a_trend_that_is_no_discovery_gives_no_evidence_whatever_its_p():
    told = line("Certainty", 4, 30, 40, trends=(trend(discovery=False),))
    assert "No trend of scorer fact can be told over alpha 0 to 1." in told
    assert "evidence" not in told


def test_a_trend_over_no_alpha_at_all_is_none():
    told = line("Certainty", 4, 30, 40, trends=(trend(alphas=(), discovery=False),))
    assert "No trend of scorer fact can be told over no alpha." in told


def test_a_curve_that_turns_is_not_told_as_one_trend():
    told = line("Certainty", 4, 30, 4, trends=(trend(turns=True),))
    assert "goes up and down" in told
    assert "rises" not in told


def test_unscored_nonsense_is_said_to_be_unknown():
    assert "Nonsense was not scored" in line("Sense", 1, 1, 1, nonsense=None)


def test_fidelity_names_what_passed_and_what_was_not_checked():
    nats = Estimate(value=0.5, low=0.4, high=0.6)
    dose = Dose(alpha=1.0, n_tokens=9, dose_nats=nats, gain_nats=nats, verdict="as predicted")
    told = line("Fidelity", 1, 1, 1, fidelity=replace(UNCHECKED, doses=(dose,)))
    assert "Passed: the sampled tokens gain over the target what the dose says (alpha 1)." in told
    assert "Not checked: whether the sampled tokens are as surprising" in told


def test_a_check_that_failed_takes_the_line_of_fidelity():
    told = line("Fidelity", 1, 1, 1, failures=("at alpha 1 the tokens were drawn otherwise",))
    assert told == (
        "Fidelity: FAILED, so trust no rate here: at alpha 1 the tokens were drawn otherwise."
    )


def test_what_no_event_leaves_possible_is_told_and_what_was_not_scored():
    scorer = ScorerCount(name="fact", n_scored=117, n_unscored=3, reasons=())
    told = line("Not told", 0, 30, 40, data=replace(DATA_OF_THREE, scorers=(scorer,)))
    assert "Scorer fact at alpha 0 shows no event in 40 rollouts" in told
    assert "3 scores are missing" in told
