"""The exact test within starts, against numbers made by hand and by other libraries."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import StratifiedTable

from harness.diffing.enrichment import exact_p


def p_of(events, amplified, starts):
    return exact_p(
        np.array([events], dtype=bool), np.array(amplified, dtype=bool), np.array(starts)
    )[0]


def test_one_start_by_hand():
    """2 of 2 amplified and 0 of 2 plain: one way of 4 over 2, that is 6."""
    assert p_of([1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0]) == pytest.approx(1 / 6)


def test_two_starts_multiply():
    assert p_of([1, 1, 0, 0] * 2, [1, 1, 0, 0] * 2, [0] * 4 + [1] * 4) == pytest.approx(1 / 36)


def test_one_start_is_fishers_exact_test():
    events = [1] * 7 + [0] * 3 + [1] * 2 + [0] * 8
    expected = stats.fisher_exact([[7, 3], [2, 8]], alternative="greater").pvalue
    assert p_of(events, [1] * 10 + [0] * 10, [0] * 20) == pytest.approx(expected)


def test_starts_that_say_nothing_change_nothing():
    events, amplified = [1, 1, 0, 0], [1, 1, 0, 0]
    alone = p_of(events, amplified, [0] * 4)
    # One whose rollouts all have the event, one where none has, one that is amplified only.
    more = p_of(
        events + [1] * 4 + [0] * 4 + [1, 0],
        amplified + [1, 1, 0, 0] * 2 + [1, 1],
        [0] * 4 + [1] * 4 + [2] * 4 + [3] * 2,
    )
    assert more == pytest.approx(alone)


def test_it_comes_near_the_cochran_mantel_haenszel_test_of_many_starts():
    rng = np.random.default_rng(4)
    tables, events, amplified, starts = [], [], [], []
    for start in range(60):
        n1, n0 = 8, 8
        one, other = rng.random(n1) < 0.45, rng.random(n0) < 0.35
        events += [*one, *other]
        amplified += [1] * n1 + [0] * n0
        starts += [start] * (n1 + n0)
        tables.append([[one.sum(), n1 - one.sum()], [other.sum(), n0 - other.sum()]])
    tested = StratifiedTable([np.array(table, dtype=float) for table in tables])
    two_sided = tested.test_null_odds(correction=True).pvalue
    assert p_of(events, amplified, starts) == pytest.approx(two_sided / 2, rel=0.05)


def test_chance_is_below_five_percent_no_more_often_than_that():
    rng = np.random.default_rng(5)
    amplified, starts = [1, 1, 1, 0, 0, 0] * 20, np.repeat(np.arange(20), 6)
    found = exact_p(rng.random((2000, 120)) < 0.2, np.array(amplified, dtype=bool), starts)
    assert 0.01 < (found <= 0.05).mean() <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 2000)
