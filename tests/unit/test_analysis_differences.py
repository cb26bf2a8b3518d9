"""Differences of rates are paired by prompt, and never more certain than the prompts allow."""

import numpy as np
import pytest
from scipy import stats

from harness.analysis.differences import difference, exact_mcnemar, location
from harness.analysis.rates import rate_of, t_quantile


def rate(*hits, m=1, prefix="p"):
    """One prompt per number of hits, each asked m times."""
    prompts = [f"{prefix}{i:03}" for i in range(len(hits)) for _ in range(m)]
    events = [float(j < k) for k in hits for j in range(m)]
    return rate_of(events, prompts)


def test_newcombe_difference_of_56_in_70_and_48_in_80_is_the_published_one():
    """Of rates that share no prompt, there is nothing to pair."""
    later = rate(*[1] * 56, *[0] * 14, prefix="later")
    change = difference(later, rate(*[1] * 48, *[0] * 32))
    assert (round(change.low, 4), round(change.high, 4)) == (0.0524, 0.3339)
    assert (change.method, change.n_prompts, change.p_value) == ("unpaired", 0, None)


def test_exact_mcnemar_of_the_approval_ratings_is_the_published_one():
    """Agresti's [[794, 86], [150, 570]]: only the 86 and the 150 who changed their mind count."""
    assert exact_mcnemar(86, 150) == pytest.approx(3.716e-5, rel=1e-3)
    assert exact_mcnemar(0, 0) == 1.0


def test_the_mean_change_of_prompts_has_the_t_interval_of_a_textbook():
    later, earlier = rate(4, 3, 2, 4, 1, 2, m=4), rate(0, 1, 0, 1, 0, 2, m=4)
    changes = np.array([4, 2, 2, 3, 1, 0]) / 4
    half = t_quantile(0.05, 5) * np.std(changes, ddof=1) / np.sqrt(6)
    found = difference(later, earlier)
    assert found.method == "paired t"
    assert found.change == pytest.approx(0.5)
    assert (found.low, found.high) == (pytest.approx(0.5 - half), pytest.approx(0.5 + half))
    assert (found.n_rose, found.n_fell, found.n_prompts) == (5, 0, 6)


def test_the_t_interval_is_scipys_paired_one():
    generator = np.random.default_rng(1)
    later, earlier = generator.integers(0, 5, 20), generator.integers(0, 5, 20)
    expected = stats.ttest_rel(later / 4, earlier / 4).confidence_interval()
    found = difference(rate(*later, m=4), rate(*earlier, m=4))
    assert (found.low, found.high) == (pytest.approx(expected.low), pytest.approx(expected.high))


def test_pairing_takes_out_what_prompts_are_like():
    """Half the prompts always do it: the same rates over other prompts tell far less."""
    always, never = [1] * 20, [0] * 20
    earlier, later = rate(*always, *never), rate(*always, *[1] * 8, *[0] * 12)
    paired = difference(later, earlier)
    others = difference(later, rate(*always, *never, prefix="q"))
    assert paired.is_told
    assert not others.is_told
    assert paired.change == pytest.approx(others.change)


def test_no_change_in_any_prompt_is_never_certainty():
    """60 prompts that all answered alike twice: a sixtieth of change could well be missed."""
    found = difference(rate(*[0] * 60), rate(*[0] * 60))
    assert (found.change, found.method) == (0.0, "paired, few changes")
    # w = 1: v = 2/62, half = t(59) * sqrt(v / 62).
    half = t_quantile(0.05, 59) * np.sqrt(2 / 62 / 62)
    assert (found.low, found.high) == (pytest.approx(-half), pytest.approx(half))
    assert str(found) == "+0 points [-5, 5]"


def test_a_change_of_every_prompt_is_never_certainty():
    found = difference(rate(*[1] * 60), rate(*[0] * 60))
    assert (found.change, found.high) == (1.0, 1.0)
    assert 0.85 < found.low < 0.95


def test_few_changes_are_bonett_and_price_for_one_rollout_a_prompt():
    """Their adjusted Wald interval, with t for z: (f + 1) / (n + 2) in both discordant cells."""
    found = difference(rate(1, 1, 1, *[0] * 37), rate(*[0] * 39, 1))
    rose, fell = 4 / 42, 2 / 42
    half = t_quantile(0.05, 39) * np.sqrt((rose + fell - (rose - fell) ** 2) / 42)
    assert found.low == pytest.approx(rose - fell - half)
    assert found.high == pytest.approx(rose - fell + half)


def test_repeats_that_agree_buy_nothing_where_nothing_changed():
    """Four copies of a prompt's answer are one answer."""
    once = difference(rate(*[0] * 30), rate(*[0] * 30))
    four = difference(rate(*[0] * 30, m=4), rate(*[0] * 30, m=4))
    assert four.high == pytest.approx(once.high)


def test_repeats_known_to_differ_narrow_what_nothing_changed_leaves_open():
    prompts = [f"p{i}" for i in range(30) for _ in range(4)]
    loose = rate_of([0.0] * 120, prompts, pooled_design_effect=1.0)
    alike = rate_of([0.0] * 120, prompts)
    assert difference(loose, loose).high < difference(alike, alike).high / 1.5


def test_one_prompt_says_nothing_of_the_change_of_others():
    found = difference(rate(4, m=4), rate(0, m=4))
    assert (found.low, found.high) == (-1.0, 1.0)


def test_prompts_without_a_score_on_one_side_have_no_part():
    earlier = rate_of([0.0, 0.0, np.nan, 1.0, 0.0], list("abcde"))
    later = rate_of([1.0, np.nan, 1.0, 1.0, 1.0], list("abcde"))
    found = difference(later, earlier)
    assert (found.n_prompts, found.partial) == (3, True)
    assert found.change == pytest.approx(2 / 3)
    assert str(found).endswith("over the 3 prompts of both")


def test_no_data_has_no_difference():
    assert difference(rate_of([np.nan], ["a"]), rate(1)) is None


def test_differences_are_antisymmetric():
    one, other = rate(4, 3, 2, 4, 1, 2, m=4), rate(0, 1, 0, 1, 0, 2, m=4)
    there, back = difference(one, other), difference(other, one)
    assert (there.change, there.low, there.high) == pytest.approx(
        (-back.change, -back.high, -back.low)
    )
    assert there.p_value == back.p_value


def test_a_change_is_shown_in_points_and_a_small_one_with_a_decimal():
    assert str(difference(rate(*[1] * 30, *[0] * 10), rate(*[0] * 40))) == "+75 points [61, 89]"
    assert str(difference(rate(1, *[0] * 199), rate(*[0] * 200))).startswith("+0.5 points [")


def test_a_lower_significance_never_narrows_the_interval():
    values = np.array([0.5, 0.25, 0.0, 0.75])
    assert location(values, 0.01).high > location(values, 0.05).high


def test_the_p_of_a_mean_is_scipys_t_test_and_1_where_nothing_moves():
    values = np.array([0.5, 0.25, 0.0, 0.75, -0.25])
    expected = stats.ttest_1samp(values, 0).pvalue
    assert location(values, 0.05).p_value == pytest.approx(expected)
    assert location(np.zeros(20), 0.05, 1.0).p_value == 1.0
    assert location(np.ones(20), 0.05, 1.0).p_value < 1e-6


@pytest.mark.parametrize("n_fell", [5, 6])
def test_a_claim_never_goes_against_the_exact_test_of_the_same_prompts(n_fell):
    """5 of 30 prompts that fell, with p = 0.06, once made a fall."""
    found = difference(rate(*[0] * 30), rate(*[1] * n_fell, *[0] * (30 - n_fell)))
    assert found.is_told == (found.p_value <= 0.05)


ORDINARY = [
    (60, 1, 0.2, 0.7, 0.4),
    (30, 1, 0.2, 0.4, 0.4),
    (15, 4, 0.3, 0.6, 0.3),
    (8, 8, 0.5, 0.7, 0.5),
    (10, 1, 0.3, 0.6, 0.3),
]
SPARSE = [
    (40, 2, 0.05, 0.05, 0.3),
    (60, 1, 0.02, 0.97, 0.3),
    (20, 4, 0.02, 0.10, 0.5),
    (20, 1, 0.05, 0.10, 0.3),
    (30, 8, 0.01, 0.02, 0.5),
]


@pytest.mark.parametrize(("g", "m", "before", "after", "correlation"), ORDINARY + SPARSE)
def test_paired_intervals_cover_the_true_change(g, m, before, after, correlation):
    """Each prompt has rates of its own, which rise together; a plain t covers 0.75 to 0.88 of the
    sparse ones."""
    generator = np.random.default_rng(0)
    spread = (1 - correlation) / correlation
    ranks = generator.random((400, g))
    own = [stats.beta.ppf(ranks, p * spread, (1 - p) * spread) for p in (after, before)]
    hits = [generator.binomial(m, p) for p in own]
    found = [difference(rate(*a, m=m), rate(*b, m=m)) for a, b in zip(*hits, strict=True)]
    covered = sum(one.low <= after - before <= one.high for one in found)
    assert covered / 400 >= 0.92
