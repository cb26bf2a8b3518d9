"""The KL budget: by hand, kept and used up, monotone, and where one token takes over at once."""

from math import log

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from test_decoding_constraints import ROUNDING, alphas, constrained, kl, random_step, seeds

from harness.decoding.budget import TOLERANCE


def test_a_budget_by_hand():
    # Target (1/2, 1/2), difference (log 3, 0): alpha 1 gives (3/4, 1/4), which is 0.1308 nats away.
    nats = 0.75 * log(1.5) + 0.25 * log(0.5)
    for alpha in (5.0, -5.0):
        sign = 1 if alpha > 0 else -1
        step = constrained([[0.0, 0.0]], [[log(3), 0.0]], alpha, f"kl_budget={nats}")
        assert step.alpha.item() == pytest.approx(sign, rel=TOLERANCE)


def test_a_budget_that_is_not_used_up_leaves_alpha_alone_to_the_bit():
    nats = 0.75 * log(1.5) + 0.25 * log(0.5)
    for alpha in (0.0, 0.3, -0.3, 0.999, -0.999):
        step = constrained([[0.0, 0.0]], [[log(3), 0.0]], alpha, f"kl_budget={nats}")
        assert step.alpha.item() == np.float32(alpha)


wild = st.tuples(st.floats(-1.5, 1.3), st.floats(-1.5, 2.0))


@given(seeds, alphas, st.floats(0.001, 8), wild)
def test_the_budget_is_kept_and_used_up_unless_all_of_alpha_fits(seed, alpha, kappa, log_spreads):
    generator = torch.Generator().manual_seed(seed)
    spread_target, spread_difference = 10 ** log_spreads[0], 10 ** log_spreads[1]
    target = spread_target * torch.randn(4, 12, generator=generator)
    difference = spread_difference * torch.randn(4, 12, generator=generator)
    applied = constrained(target, difference, alpha, f"kl_budget={kappa}").alpha
    spent, asked = (kl(target, difference, a) for a in (applied, np.full((4, 1), alpha)))
    assert (spent <= kappa + ROUNDING).all()
    whole = (applied == alpha).flatten().numpy()
    assert (whole | (spent >= (1 - TOLERANCE) * kappa - ROUNDING)).all()
    assert (whole | (asked > kappa - ROUNDING)).all()
    assert (applied * alpha >= 0).all()
    assert (applied.abs() <= abs(alpha)).all()


@given(seeds, alphas)
def test_a_larger_budget_never_gives_less_and_a_little_more_gives_little_more(seed, alpha):
    target, difference = random_step(seed, rows=1)
    kappas = np.geomspace(1e-3, 5, 60)
    rows = [x.expand(60, -1) for x in (target, difference)]
    applied = constrained(*rows, alpha, *(f"kl_budget={kappa}" for kappa in kappas)).alpha
    strength = applied.abs().flatten().double().numpy()
    spent = kl(*rows, applied)
    assert (np.diff(strength) >= -TOLERANCE * strength[1:]).all()
    # Each budget is 15 % above the one before it, and so is what is spent, until alpha is reached.
    assert (np.diff(spent) <= 0.17 * spent[:-1] + ROUNDING).all()


@pytest.mark.parametrize("alpha", [0.01, 3.0, 1000.0, -1000.0])
@pytest.mark.parametrize(
    ("target", "difference"),
    [
        ([0.0, -30.0], [0.0, 20.0]),
        ([0.0, -1e4], [0.0, 2e4]),
        ([5.0, 5.0], [1e4, -1e4]),
        ([0.0, -3.0, -90.0], [0.0, 1.0, 40.0]),
        ([0.0, 0.0], [1e-6, 0.0]),
    ],
)
def test_a_budget_is_kept_where_one_token_takes_over_all_at_once(target, difference, alpha):
    """From nothing to 20 nats within a thousandth of alpha: Newton's step alone would overshoot."""
    applied = constrained([target], [difference], alpha, "kl_budget=0.5").alpha
    assert applied.isfinite().all()
    assert (kl([target], [difference], applied) <= 0.5 + 1e-3).all()
