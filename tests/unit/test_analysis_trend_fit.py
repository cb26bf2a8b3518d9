"""The model behind every trend, held against statsmodels and against published figures."""

import warnings

import numpy as np
import pytest
import statsmodels.api as sm
from statsmodels.genmod.generalized_estimating_equations import GEE

from harness.analysis.rates import rate_of
from harness.analysis.trend_fit import (
    Cells,
    cells_of,
    clustered_cochran_armitage,
    cochran_armitage,
    odds_ratio,
    separated,
)

X = np.array([0.0, 0.5, 1.0, 2.0])


def drawn(g, m, intercept, slope, spread, seed=0):
    """Each prompt has odds of its own; on the logarithm they move alike."""
    generator = np.random.default_rng(seed)
    own = generator.normal(0, spread, (g, 1))
    p = 1 / (1 + np.exp(-(intercept + slope * X + own)))
    return Cells(k=generator.binomial(m, p).astype(float), n=np.full((g, len(X)), float(m)), x=X)


def as_rollouts(cells):
    """Undo the summing: events, regressor and prompt of every rollout."""
    rows = [
        (float(r < cells.k[i, j]), x, i)
        for i in range(len(cells.n))
        for j, x in enumerate(cells.x)
        for r in range(int(cells.n[i, j]))
    ]
    return (np.array(column) for column in zip(*rows, strict=True))


@pytest.mark.parametrize("x", [X, X + 50, X / 100])
def test_odds_ratio_and_interval_are_those_of_statsmodels_gee(x):
    """Sums per prompt hold all that the equations need, and give its bias-reduced covariance."""
    cells = drawn(12, 3, -1.0, 0.8, 1.0)
    cells = Cells(k=cells.k, n=cells.n, x=x)
    events, regressor, prompts = as_rollouts(cells)
    design = sm.add_constant(regressor - x.mean())
    model = GEE(events, design, groups=prompts, family=sm.families.Binomial())
    expected = model.fit(cov_type="bias_reduced")
    found = odds_ratio(cells)
    half = 2.228139 * expected.bse[1]  # t(0.975, 10)
    assert np.log(found.ratio) == pytest.approx(expected.params[1], rel=1e-5)
    assert np.log(found.low) == pytest.approx(expected.params[1] - half, rel=1e-4)
    assert np.log(found.high) == pytest.approx(expected.params[1] + half, rel=1e-4)


def test_prompts_that_were_not_asked_everywhere_count_where_they_were():
    cells = drawn(12, 3, -1.0, 0.8, 1.0)
    cells.n[:3, 1] = cells.k[:3, 1] = 0
    events, regressor, prompts = as_rollouts(cells)
    model = GEE(events, sm.add_constant(regressor), groups=prompts, family=sm.families.Binomial())
    expected = model.fit(cov_type="bias_reduced")
    assert np.log(odds_ratio(cells).ratio) == pytest.approx(expected.params[1], rel=1e-5)


def test_copies_of_every_rollout_change_nothing():
    cells = drawn(20, 2, -1.0, 0.8, 1.0)
    doubled = odds_ratio(Cells(k=2 * cells.k, n=2 * cells.n, x=cells.x))
    once = odds_ratio(cells)
    assert (doubled.ratio, doubled.low) == (pytest.approx(once.ratio), pytest.approx(once.low))


def test_the_ratio_of_two_alphas_is_that_of_their_odds():
    # 2 of 8 and 6 of 8: odds 1/3 and 3.
    cells = Cells(
        k=np.array([[0.0, 1.0]] * 4 + [[1.0, 1.0]] * 2 + [[0.0, 0.0]] * 2),
        n=np.ones((8, 2)),
        x=np.array([0.0, 1.0]),
    )
    assert odds_ratio(cells).ratio == pytest.approx(9)


def test_prompts_that_all_move_alike_are_no_proof():
    """Each of ten prompts does it once in two at alpha 0 and at 1 as well: no spread to see."""
    cells = Cells(k=np.full((10, 2), 1.0), n=np.full((10, 2), 2.0), x=np.array([0.0, 1.0]))
    found = odds_ratio(cells)
    assert found.ratio == pytest.approx(1)
    assert found.low < 0.3
    assert found.p_value == pytest.approx(1)


@pytest.mark.parametrize(
    ("k", "is_separated"),
    [
        ([0, 0, 5], True),  # quasi: all events at the last alpha
        ([0, 0, 6], True),
        ([6, 6, 1], True),
        ([0, 6, 6], True),
        ([1, 0, 6], False),
        ([0, 3, 6], True),
        ([1, 3, 6], False),
        ([0, 0, 0], True),
        ([6, 6, 6], True),
        ([3, 0, 3], False),
    ],
)
def test_separation_is_seen_before_a_fit_runs_off_to_infinity(k, is_separated):
    k = np.array([[float(prompt < events) for events in k] for prompt in range(6)])
    cells = Cells(k=k, n=np.ones_like(k), x=np.array([0.0, 1.0, 2.0]))
    assert separated(cells) is is_separated
    if not is_separated:
        assert np.isfinite(odds_ratio(cells).high)


def test_a_line_through_two_shares_warns_of_nothing():
    """An exact fit is perfect prediction to statsmodels, and its scale a division by 0."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cells = drawn(20, 1, 0.0, 0.5, 1.0)
        odds_ratio(Cells(k=cells.k[:, :2], n=cells.n[:, :2], x=X[:2]))


def test_cochran_armitage_of_agrestis_infants_is_the_published_one():
    """Malformed infants by the mother's drinks a day."""
    k = np.array([48.0, 38, 5, 1, 1])
    n = np.array([17114.0, 14502, 793, 127, 38])
    found = cochran_armitage(k, n, np.array([0.0, 0.5, 1.5, 4, 7]))
    assert found.z == pytest.approx(2.563, abs=5e-4)
    assert found.p_value == pytest.approx(0.0104, abs=5e-5)


def test_the_clustered_check_is_cochran_armitage_where_every_rollout_has_its_own_prompt():
    generator = np.random.default_rng(3)
    x = np.repeat(X, 400)
    k = (generator.random(1600) < 0.3 + 0.02 * x).astype(float)
    alone = Cells(
        k=np.where(x[:, None] == X, k[:, None], 0.0),
        n=(x[:, None] == X).astype(float),
        x=X,
    )
    plain = cochran_armitage(alone.k.sum(axis=0), alone.n.sum(axis=0), X)
    assert clustered_cochran_armitage(alone).z == pytest.approx(plain.z, rel=0.02)


def test_repeats_make_the_plain_check_too_sure_and_not_the_clustered_one():
    cells = drawn(15, 1, -0.5, 0.5, 0.5)
    copied = Cells(k=8 * cells.k, n=8 * cells.n, x=cells.x)
    plain = cochran_armitage(copied.k.sum(axis=0), copied.n.sum(axis=0), X)
    once = clustered_cochran_armitage(cells)
    assert clustered_cochran_armitage(copied).z == pytest.approx(once.z, rel=0.01)
    assert plain.z > 2 * once.z


def test_the_clustered_check_is_the_score_test_of_the_prompts():
    cells = drawn(15, 2, -0.5, 0.5, 0.5)
    centred = X - X.mean()
    u = ((cells.k - cells.k.sum() / cells.n.sum() * cells.n) * centred).sum(axis=1)
    expected = u.sum() / np.sqrt((u**2).sum())
    assert clustered_cochran_armitage(cells).z == pytest.approx(expected, rel=0.01)


def test_no_slope_at_all_has_no_z():
    cells = Cells(k=np.ones((6, 2)), n=np.full((6, 2), 2.0), x=np.array([0.0, 1.0]))
    found = clustered_cochran_armitage(cells)
    assert (found.z, found.p_value) == (0.0, 1.0)


def test_rates_are_lined_up_by_prompt():
    one = rate_of([1.0, 0.0, 1.0], ["a", "b", "b"])
    other = rate_of([1.0, np.nan, 1.0], ["c", "a", "b"])
    cells = cells_of((one, other), np.array([0.0, 1.0]))
    assert cells.k.tolist() == [[1, 0], [1, 1], [0, 1]]
    assert cells.n.tolist() == [[1, 0], [2, 1], [0, 1]]


@pytest.mark.parametrize(
    ("g", "m", "intercept", "slope"),
    [(8, 4, -1.0, 0.0), (15, 1, -1.0, 1.0), (30, 2, -1.5, 0.7), (60, 1, -1.0, 0.0)],
)
def test_intervals_cover_the_slope_of_the_average_prompt(g, m, intercept, slope):
    """With few prompts too, which uncorrected robust intervals don't."""
    truth = 1.0
    if slope:
        shifts = np.random.default_rng(9).normal(0, 1.5, (100_000, 1))
        p = (1 / (1 + np.exp(-(intercept + slope * X + shifts)))).mean(axis=0)
        shares = np.column_stack([p, 1 - p])
        truth = np.exp(sm.GLM(shares, sm.add_constant(X), sm.families.Binomial()).fit().params[1])
    every = [drawn(g, m, intercept, slope, 1.5, seed=seed) for seed in range(250)]
    fits = [odds_ratio(cells) for cells in every if not separated(cells)]
    assert len(fits) > 240
    assert sum(fit.low <= truth <= fit.high for fit in fits) / len(fits) >= 0.92
