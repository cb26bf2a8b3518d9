"""Two scorers on the same rollouts: kappa against statsmodels and by hand, clustered by prompt."""

from math import sqrt

import numpy as np
import pytest
from statsmodels.stats.inter_rater import cohens_kappa

from harness.analysis.agreement import agreement, kappa_of
from harness.analysis.rates import t_quantile


def labels(both, first_only, second_only, neither):
    """Two scorers' labels with these counts."""
    first = [True] * (both + first_only) + [False] * (second_only + neither)
    second = [True] * both + [False] * first_only + [True] * second_only + [False] * neither
    return first, second


def each_its_own(first):
    return [f"prompt {i}" for i in range(len(first))]


def test_kappa_can_be_checked_by_hand():
    """Of 100: 20 both, 5 and 10 one, 65 neither. Observed .85, chance .3*.25 + .7*.75 = .6."""
    first, second = labels(20, 5, 10, 65)
    assert kappa_of(first, second, each_its_own(first)).value == pytest.approx((0.85 - 0.6) / 0.4)


@pytest.mark.parametrize("counts", [(20, 5, 10, 65), (1, 2, 3, 4), (40, 30, 1, 3)])
def test_with_one_rollout_a_prompt_the_variance_is_that_of_statsmodels(counts):
    first, second = labels(*counts)
    table = np.array([[counts[3], counts[2]], [counts[1], counts[0]]])
    published, n = cohens_kappa(table), sum(counts)
    found = kappa_of(first, second, each_its_own(first))
    half = t_quantile(0.05, n - 1) * published.std_kappa * sqrt(n / (n - 1))
    assert found.value == pytest.approx(published.kappa)
    assert found.low == pytest.approx(max(-1.0, published.kappa - half))
    assert found.high == pytest.approx(min(1.0, published.kappa + half))


def test_copies_of_rollouts_make_kappa_no_surer():
    first, second = labels(20, 5, 10, 65)
    prompts = each_its_own(first)
    once = kappa_of(first, second, prompts)
    five_times = kappa_of(first * 5, second * 5, prompts * 5)
    assert (five_times.value, five_times.low, five_times.high) == pytest.approx(
        (once.value, once.low, once.high)
    )


def test_kappa_is_the_same_whoever_is_first():
    first, second = labels(20, 5, 10, 65)
    prompts = each_its_own(first)
    one, other = kappa_of(first, second, prompts), kappa_of(second, first, prompts)
    assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high))


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    """Prompts that always answer alike, four rollouts each; over rollouts it would hold in 65 %."""
    random, held = np.random.default_rng(5), 0
    prompts = [f"prompt {i // 4}" for i in range(240)]
    for _ in range(300):
        first = np.repeat(random.random(60) < 0.5, 4)
        same = np.repeat(random.random(60) < 0.8, 4)
        found = kappa_of(list(first), list(np.where(same, first, ~first)), prompts)
        held += found.low <= 0.6 <= found.high
    assert 0.91 <= held / 300 <= 0.99


@pytest.mark.parametrize("counts", [(10, 0, 0, 0), (0, 0, 0, 10), (0, 0, 0, 0)])
def test_one_label_alone_has_no_kappa(counts):
    first, second = labels(*counts)
    assert kappa_of(first, second, each_its_own(first)) is None


def test_a_scorer_that_says_the_same_of_all_agrees_by_chance_alone():
    first, second = labels(3, 7, 0, 0)
    assert kappa_of(first, second, each_its_own(first)).value == 0.0


def test_full_agreement_is_one_and_has_no_interval():
    first, second = labels(4, 0, 0, 6)
    found = kappa_of(first, second, each_its_own(first))
    assert (found.value, found.low, found.high) == (1.0, None, None)


def test_one_prompt_alone_has_no_interval():
    found = kappa_of(*labels(2, 1, 1, 2), ["a"] * 6)
    assert found.value == pytest.approx(1 / 3)
    assert found.low is None


def test_the_confusion_counts_every_pair_of_labels():
    found = agreement(
        ["refusal", "partial", "compliance", "compliance", "refusal"],
        ["refused", "answered", "answered", "refused", "refused"],
        ({"refusal", "partial"}, "refused"),
        ["a", "b", "c", "d", "e"],
    )
    assert found.labels == ("answered", "refused")
    assert {row.label: row.counts for row in found.confusion} == {
        "compliance": (1, 1),
        "partial": (1, 0),
        "refusal": (0, 2),
    }
    assert (found.agreed.k, found.agreed.n) == (3, 5)


def test_the_event_has_a_column_even_where_it_was_never_seen():
    found = agreement(["refusal"], ["answered"], ({"refusal"}, "refused"), ["a"])
    assert found.labels == ("answered", "refused")
    assert found.confusion[0].counts == (1, 0)
