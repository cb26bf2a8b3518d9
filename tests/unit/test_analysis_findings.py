"""Sentences claim no more than the intervals allow."""

import dataclasses

import pytest

from harness.analysis.behaviours import Curve
from harness.analysis.dose import Dose, Estimate
from harness.analysis.fidelity_findings import dose_findings, magnitude_findings
from harness.analysis.findings import limit_findings
from harness.analysis.magnitudes import Magnitude
from harness.analysis.rates import rate_of
from harness.analysis.sense import compared_alpha, sensible_up_to
from harness.analysis.summary import DataSummary

DATA = DataSummary(
    n_rollouts=120,
    n_prompts=40,
    n_epochs=1,
    alphas=(0.0, 1.0, 2.0),
    n_chars=None,
    categories=(),
    scorers=(),
    n_errors=0,
    errors=(),
    warnings=(),
)


def curve(name, *hits, n=40):
    prompts = [f"prompt {i}" for i in range(n)]
    return Curve(
        name=name, rates=tuple(rate_of([1.0] * k + [0.0] * (n - k), prompts) for k in hits)
    )


def test_sense_ends_at_the_first_alpha_with_too_much_nonsense():
    assert sensible_up_to((0.0, 1.0, 2.0), curve("nonsense", 0, 4, 30)) == 1.0


def test_sense_regained_after_nonsense_does_not_count():
    assert sensible_up_to((0.0, 1.0, 2.0), curve("nonsense", 0, 30, 8)) == 0.0


def test_negative_alphas_have_no_part_in_where_sense_ends():
    assert sensible_up_to((-1.0, 0.0, 1.0), curve("nonsense", 30, 0, 0)) == 1.0


def test_nonsense_from_the_start_leaves_no_sensible_alpha():
    assert sensible_up_to((0.0, 1.0), curve("nonsense", 30, 30)) is None
    assert sensible_up_to((0.0, 1.0), None) is None


def test_alpha_zero_is_compared_with_the_last_sensible_alpha_and_not_the_largest_effect():
    assert compared_alpha((0.0, 1.0, 2.0), 1.0) == 1.0
    assert compared_alpha((0.0, 0.5, 2.0), 0.0) == 0.5
    assert compared_alpha((-1.0, 0.0), 0.0) is None


def test_without_alpha_zero_no_change_can_be_told():
    limits = limit_findings(dataclasses.replace(DATA, alphas=(1.0, 2.0)), ())
    assert any("Alpha 0 was not run" in limit for limit in limits)


def test_few_prompts_are_among_the_limits():
    few = limit_findings(DATA, (curve("fact", 1, n=9), curve("other", 1, n=10)))
    assert any("stand behind some rates of: fact." in sentence for sentence in few)


@pytest.mark.parametrize(("ratio", "told"), [(1.004, "is what the formula"), (1.2, "is NOT what")])
def test_the_spread_is_held_against_the_formula(ratio, told):
    row = Magnitude(
        alpha=2.0,
        n_tokens=10,
        lowest=-1.0,
        highest=1.0,
        range=2.0,
        range_change=0.0,
        std=ratio,
        std_closed_form=1.0,
        std_ratio=ratio,
        std_linear=3.0,
        std_over_linear=ratio / 3,
    )
    sentences = magnitude_findings((row,))
    assert told in sentences[0]
    assert "no shortfall" in sentences[1]


def test_tokens_that_do_not_follow_the_dose_make_the_alpha_untrusted():
    nats = Estimate(value=0.5, low=0.4, high=0.6)
    dose = Dose(alpha=1.0, n_tokens=9, dose_nats=nats, gain_nats=nats, verdict="not as predicted")
    assert "do NOT follow" in dose_findings((dose,))[1]
    assert dose_findings((dose,))[0] == (
        "The dose is 0.500 [0.400, 0.600] at alpha 1, in nats per token."
    )
