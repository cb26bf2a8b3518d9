"""Levels of several looks at growing data."""

import numpy as np
import pytest

from harness.errors import ConfigurationError
from harness.regression.comparison import Question, compare
from harness.regression.sequential import levels
from harness.regression.verdict import verdict_of
from tests.unit.test_regression_comparison import rate


def test_one_look_has_the_whole_level():
    assert levels(1) == pytest.approx([0.05])


def test_the_levels_grow_and_sum_to_the_whole():
    found = levels(5)
    assert sum(found) == pytest.approx(0.05)
    assert list(found) == sorted(found)
    # 2 - 2 Phi(1.96 / sqrt(0.2)), by a table of the normal distribution.
    assert found[0] == pytest.approx(1.17e-5, rel=0.01)


def test_no_looks_are_refused():
    with pytest.raises(ConfigurationError, match="0 looks"):
        levels(0)


def regressed(now, then, significance):
    asked = Question(behaviour="refusal", category=None, alpha=1.0, worse="falls", margin=0.0)
    one = compare(asked, now, then, significance)
    return verdict_of([one], margin=0.0, significance=significance).finding == "regression"


@pytest.mark.slow
def test_peeking_ten_times_raises_false_alarms_unless_the_level_is_spent():
    """100 prompts, a look after every ten; nothing changed, and nothing is of no concern."""
    rng = np.random.default_rng(11)
    naive = spent = 0
    for _ in range(250):
        shares = rng.uniform(0.2, 0.8, 100)
        then, now = rng.binomial(4, shares) / 4, rng.binomial(4, shares) / 4
        looks = [(rate(*now[:n], epochs=4), rate(*then[:n], epochs=4)) for n in range(10, 101, 10)]
        naive += any(regressed(*look, 0.05) for look in looks)
        spent += any(regressed(*look, a) for look, a in zip(looks, levels(10), strict=True))
    # One-sided, so half of 5 % is expected of a single look.
    assert naive / 250 > 0.05
    assert spent / 250 <= 0.035
