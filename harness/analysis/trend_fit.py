"""Odds along a regressor, clustered by prompt: the model behind every trend.

Knows counts per prompt and value of the regressor. Refuses to know what was counted.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, sqrt

import numpy as np
import statsmodels.api as sm
from numpy.typing import NDArray
from scipy import special, stats
from statsmodels.stats.contingency_tables import Table
from statsmodels.tools.sm_exceptions import PerfectSeparationWarning

from harness.analysis.differences import few_differ
from harness.analysis.rates import SIGNIFICANCE, PromptCounts, Rate, t_quantile

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Cells:
    """Events and scored rollouts by prompt and value of the regressor; 0 of 0 where unscored."""

    k: Floats
    """[g, a]."""
    n: Floats
    """[g, a]."""
    x: Floats
    """[a], the regressor."""


@dataclass(frozen=True, kw_only=True)
class OddsRatio:
    """Factor on the odds per unit of the regressor."""

    ratio: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True, kw_only=True)
class TrendTest:
    """A standardised sum of events times the regressor."""

    z: float
    p_value: float


def cells_of(rates: tuple[Rate, ...], x: Floats) -> Cells:
    """Line up the prompts of rates along the regressor.

    Args:
        rates: one per value, each with its counts by prompt.
        x: [a].
    """
    return aligned([rate.by_prompt for rate in rates], x)


def aligned(every: Sequence[PromptCounts], x: Floats) -> Cells:
    """Line up what was summed by prompt, one per value of the regressor.

    Args:
        every: events, or sums of other values.
        x: [a].
    """
    prompts = _union(every)
    k, n = np.zeros((len(prompts), len(x))), np.zeros((len(prompts), len(x)))
    for column, counts in enumerate(every):
        at = np.searchsorted(prompts, counts.prompts)
        k[at, column], n[at, column] = counts.k, counts.n
    return Cells(k=k, n=n, x=x)


def odds_ratio(cells: Cells) -> OddsRatio:
    """Fit ``logit p = a + b x`` and give ``exp(b)`` with an interval over prompts.

    These are the generalised estimating equations of a binomial with independence as the working
    correlation, which need each prompt's sums only: ``U_i = sum_j (1, x_j) (k_ij - n_ij p_j)``
    and ``M_i = sum_j n_ij p_j (1 - p_j) (1, x_j)' (1, x_j)``. With ``A = sum_i M_i`` the
    covariance is ``A^-1 [sum_i V_i V_i'] A^-1``, ``V_i = (I - M_i A^-1)^-1 U_i``; without the
    factor before U_i it would be too small where prompts are few. The interval is a t with g - 2
    degrees on the logarithm.

    Args:
        cells: at least three prompts, and not :func:`separated`.

    Source: Liang and Zeger 1986; Mancl and DeRouen 2001, "A covariance estimator for GEE with
    improved small-sample properties".
    """
    events, rollouts = cells.k.sum(axis=0), cells.n.sum(axis=0)
    asked = rollouts > 0
    # Around the middle, so that a regressor far from 0 costs no digits.
    centre = float(np.average(cells.x, weights=rollouts))
    design = sm.add_constant(cells.x - centre, has_constant="add")
    endog = np.column_stack([events, rollouts - events])[asked]
    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        # A line through two shares fits them exactly, which is no separation; the scale that
        # statsmodels then divides by 0 for is not used.
        warnings.simplefilter("ignore", PerfectSeparationWarning)
        fit = sm.GLM(endog, design[asked], family=sm.families.Binomial()).fit()
    slope = float(fit.params[1])
    error = sqrt(_slope_variance(cells, design, special.expit(design @ fit.params)))
    degrees = len(cells.n) - 2
    half = t_quantile(SIGNIFICANCE, degrees) * error
    return OddsRatio(
        ratio=exp(slope),
        low=_finite_exp(slope - half),
        high=_finite_exp(slope + half),
        p_value=2 * float(stats.t.sf(abs(slope) / error, degrees)),
    )


def separated(cells: Cells) -> bool:
    """Say whether one value of the regressor parts events from the rest: no finite odds ratio.

    So it is too where it has one value only.
    """
    events, rest = cells.k.sum(axis=0), (cells.n - cells.k).sum(axis=0)
    with_events, with_rest = cells.x[events > 0], cells.x[rest > 0]
    if not len(with_events) or not len(with_rest):
        return True
    rises = with_events.min() >= with_rest.max()
    falls = with_events.max() <= with_rest.min()
    return bool(rises or falls)


def cochran_armitage(k: Floats, n: Floats, x: Floats) -> TrendTest:
    """Test for a trend of shares along scores, as if all rollouts were independent.

    Source: Cochran 1954, Armitage 1955; through statsmodels' linear-by-linear association.
    """
    # statsmodels would add a half to every count where one is 0.
    table = Table(np.array([k, n - k]), shift_zeros=False)
    found = table.test_ordinal_association(np.array([1, 0]), x)
    return TrendTest(z=float(found.zscore), p_value=float(found.pvalue))


def clustered_cochran_armitage(cells: Cells) -> TrendTest:
    """Test as Cochran and Armitage do, adjusted by the design effect of their statistic.

    The statistic is a sum over prompts of ``U_i = sum_j (x_j - mean x)(k_ij - p n_ij)``. Its
    binomial variance is ``p (1 - p) sum_j n_j (x_j - mean x)^2``, that between prompts
    ``sum_i U_i^2``; their ratio is the design effect, which is below 1 where each prompt is its
    own control, and z is divided by its root. That makes it the score test of the equations that
    :func:`odds_ratio` solves, which exists where those have no solution. Normal p.

    Source: Boos 1992, "On generalized score tests"; Rao and Scott 1992, "A simple method for the
    analysis of clustered binary data", for the idea of adjusting Cochran-Armitage.
    """
    rollouts = cells.n.sum(axis=0)
    centred = cells.x - np.average(cells.x, weights=rollouts)
    p = float(cells.k.sum() / cells.n.sum())
    u = (cells.k - p * cells.n) @ centred
    between, binomial = float(u @ u), p * (1 - p) * float(rollouts @ centred**2)
    plain = cochran_armitage(cells.k.sum(axis=0), rollouts, cells.x)
    z = plain.z * sqrt(binomial / between) if between else 0.0
    return TrendTest(z=z, p_value=2 * float(stats.norm.sf(abs(z))))


def _slope_variance(cells: Cells, design: Floats, p: Floats) -> float:
    scores = (cells.k - cells.n * p) @ design
    outer = (design[:, :, None] * design[:, None, :]) * (p * (1 - p))[:, None, None]
    each = np.tensordot(cells.n, outer, axes=1)
    bread = np.linalg.inv(each.sum(axis=0))
    leverage = np.eye(2) - each @ bread
    corrected = np.linalg.solve(leverage, scores[:, :, None])[:, :, 0]
    variance = float(((corrected @ bread[1]) ** 2).sum())
    if few_differ(np.round(scores[:, 1], 9)):
        # Prompts that all move alike show no variance: take each prompt's repeats for one rollout.
        repeats = cells.n.sum() / np.count_nonzero(cells.n)
        variance = max(variance, float(bread[1, 1]) * float(repeats))
    return variance


def _finite_exp(x: float) -> float:
    # exp(709) is the last float; an interval that reaches there says "without bound" anyway.
    return exp(min(max(x, -700.0), 700.0))


def _union(every: Sequence[PromptCounts]) -> NDArray[np.str_]:
    first = every[0].prompts
    if all(np.array_equal(counts.prompts, first) for counts in every):
        return first
    return np.unique(np.concatenate([counts.prompts for counts in every]))
