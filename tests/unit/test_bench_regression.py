"""How often the gate errs, over simulated models, and that naive rules err more."""

import numpy as np
import pytest

from harness.bench.regression import (
    World,
    alarms,
    anywhere,
    comparisons,
    draw,
    gate,
    peeking,
    power,
    two_averages,
)


def test_a_total_collapse_is_called_by_every_rule():
    drawn = draw(World(n_prompts=100, epochs=4, drop=0.25), np.random.default_rng(0))
    made = comparisons(drawn, 0.05)
    assert gate(made, 0.05)
    assert two_averages(made, 0.05)


@pytest.mark.slow
def test_at_most_one_unchanged_model_of_twenty_is_called_regressed():
    """1,000 models, 20 to 100 prompts, four checks at once, with a margin and without."""
    rows = alarms([anywhere(20, 100, World(n_prompts=20))], 0.05, 1000, seed=1)
    called = {row.rule: row.rates[0].rate for row in rows}
    assert called["the gate, margin 5 points"] <= 0.05
    assert called["the gate, margin 0"] <= 0.05
    assert called["two averages, margin 5 points"] > 0.3
    assert called["one average, 5 points from the truth"] > 0.3


@pytest.mark.slow
def test_looking_early_costs_no_false_alarms():
    spent, *_ = peeking(World(n_prompts=50), 0.0, 300, seed=2)
    assert spent.rule == "the gate, its level spent over the looks"
    assert spent.rates[0].rate <= 0.05


@pytest.mark.slow
@pytest.mark.parametrize(("margin", "epochs"), [(0.1, 1), (0.1, 4)])
def test_a_drop_of_twice_the_margin_is_caught_in_four_of_five_runs(margin, epochs):
    found = power(margin, epochs, 300, seed=3)
    assert found.caught.rate >= 0.8
