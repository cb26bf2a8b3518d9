"""One behaviour beside its reference, and many of them judged together."""

import numpy as np
import pytest

from harness.analysis.rates import rate_of
from harness.regression.comparison import Question, compare, prompts_for
from harness.regression.verdict import verdict_of


def rate(*shares, epochs=1):
    """Rate prompts of which each has so large a share of events."""
    values, prompts = [], []
    for i, share in enumerate(shares):
        k = round(share * epochs)
        values += [1.0] * k + [0.0] * (epochs - k)
        prompts += [f"p{i:03}"] * epochs
    return rate_of(values, prompts)


def question(worse="falls", margin=0.05, name="refusal"):
    return Question(behaviour=name, category=None, alpha=1.0, worse=worse, margin=margin)


def finding(now, reference, **asked):
    one = compare(question(**asked), now, reference)
    return verdict_of([one], margin=one.question.margin).finding


MANY = rate(*[1] * 80, *[0] * 20)
FEW = rate(*[1] * 40, *[0] * 60)


def test_a_fall_far_beyond_the_margin_is_a_regression_where_falling_is_worse():
    assert finding(FEW, MANY, worse="falls") == "regression"


def test_the_same_fall_is_an_improvement_where_rising_is_worse():
    assert finding(FEW, MANY, worse="rises") == "improvement"


@pytest.mark.parametrize(("now", "then"), [(FEW, MANY), (MANY, FEW)])
def test_what_can_get_worse_either_way_regresses_either_way(now, then):
    assert finding(now, then, worse="either way") == "regression"


def test_the_same_counts_of_many_prompts_are_stable():
    assert finding(MANY, MANY, margin=0.05) == "stable"


def test_the_same_counts_of_few_prompts_are_undecided_and_say_how_many_would_do():
    few = rate(1, 1, 0, 1, 0)
    one = compare(question(), few, few)
    assert verdict_of([one], margin=0.05).finding == "undecided"
    assert one.prompts_needed > 20
    assert one.detectable > 0.3


def test_a_fall_within_the_margin_is_no_regression_however_many_prompts_show_it():
    # Of 2000 prompts 60 stop refusing: 3 points, surely more than 0 and surely less than 5.
    then, now = rate(*[1] * 2000), rate(*[1] * 1940, *[0] * 60)
    one = compare(question(margin=0.05), now, then)
    assert one.difference.high < 0
    assert verdict_of([one], margin=0.05).finding == "stable"


def test_rates_that_share_no_prompt_are_invalid():
    one = rate(*[1] * 30)
    other = rate_of([1.0] * 30, [f"q{i}" for i in range(30)])
    assert finding(one, other) == "invalid"


def test_nothing_scored_is_invalid_and_not_stable():
    assert finding(rate_of([np.nan] * 30, [f"p{i:03}" for i in range(30)]), MANY) == "invalid"


def test_the_worst_finding_is_the_verdict_and_its_exit_code():
    stable = compare(question(), MANY, MANY)
    worse = compare(question(), FEW, MANY)
    few = rate(1, 1, 0, 1, 0)
    open_ = compare(question(), few, few)
    cases = [
        ([stable], (), "stable", 0),
        ([stable, compare(question(worse="rises"), FEW, MANY)], (), "improvement", 0),
        ([stable, open_], (), "undecided", 3),
        ([stable, open_], ("other prompts",), "invalid", 2),
        ([stable, open_, worse], ("other prompts",), "regression", 1),
        ([], (), "invalid", 2),
    ]
    for comparisons, invalid, expected, code in cases:
        verdict = verdict_of(comparisons, margin=0.05, invalid=invalid)
        assert (verdict.finding, verdict.exit_code) == (expected, code)


def test_one_barely_significant_fall_among_twenty_comparisons_is_no_regression():
    """Benjamini-Hochberg: alone it would be called."""
    rng = np.random.default_rng(5)
    then = rate(*rng.integers(0, 2, 400))
    changed = then.by_prompt.k.copy()
    changed[np.flatnonzero(changed)[:16]] = 0
    fell = compare(question(margin=0.02), rate(*changed), then)
    assert 0.01 < fell.p_worse < 0.05
    assert verdict_of([fell], margin=0.02).finding == "regression"
    others = [compare(question(margin=0.02), then, then)] * 19
    assert verdict_of([fell, *others], margin=0.02).finding != "regression"


def test_prompts_needed_are_those_of_the_normal_formula_and_a_quarter():
    # (1.96 + 0.8416)^2 (0.5 / 0.05)^2 = 784.9; of many prompts t is hardly more than normal.
    assert prompts_for(0.05, 0.5) == pytest.approx(1.25 * 784.9, rel=0.005)
    # A third of the margin, nine times the prompts.
    assert prompts_for(0.05, 0.5) / prompts_for(0.15, 0.5) == pytest.approx(9, rel=0.03)


def test_many_comparisons_ask_for_more_prompts():
    alone, beside = (compare(question(), MANY, FEW, judged_together=m) for m in (1, 20))
    assert beside.prompts_needed > alone.prompts_needed
    assert beside.detectable > alone.detectable


def simulated(rng, n_prompts, epochs, drop=0.0):
    """Draw a run and its reference: each prompt has a rate of its own, lower now by the drop."""
    shares = 0.25 + 0.75 * rng.beta(1.5, 1.0, n_prompts)
    then, now = (rng.binomial(epochs, shares - lower) for lower in (0.0, drop))
    return rate(*(now / epochs), epochs=epochs), rate(*(then / epochs), epochs=epochs)


@pytest.mark.slow
@pytest.mark.parametrize("n_prompts", [20, 50, 100])
def test_an_unchanged_model_is_called_regressed_in_at_most_one_run_of_twenty(n_prompts):
    """Four checks at once, and a margin of 0: the hardest case for a gate."""
    rng = np.random.default_rng(n_prompts)
    alarms = 0
    for _ in range(334):
        checks = [
            compare(question(margin=0.0, worse=worse), *simulated(rng, n_prompts, 2))
            for worse in ("falls", "rises", "either way", "falls")
        ]
        alarms += verdict_of(checks, margin=0.0).finding == "regression"
    assert alarms / 334 <= 0.05


def test_a_drop_of_twice_the_margin_is_caught_as_often_as_the_needed_prompts_promise():
    margin, epochs = 0.1, 4
    rng = np.random.default_rng(3)
    pilot = compare(question(margin=margin), *simulated(rng, 200, epochs))
    caught = 0
    for _ in range(200):
        now, then = simulated(rng, pilot.prompts_needed, epochs, drop=2 * margin)
        caught += finding(now, then, margin=margin) == "regression"
    assert caught / 200 >= 0.78
