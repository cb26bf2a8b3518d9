"""How each behaviour moves along alpha and along dose: one line for every cell of the grid.

Knows curves. Refuses to know logs and how a trend is shown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import log
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from statsmodels.stats.multitest import multipletests

from harness.analysis.differences import Difference, difference, few_differ, location
from harness.analysis.dose import Dose
from harness.analysis.grid import GridCurve
from harness.analysis.rates import FEW_PROMPTS, RARE_EVENTS, SIGNIFICANCE, Rate
from harness.analysis.trend_fit import (
    Cells,
    cells_of,
    clustered_cochran_armitage,
    odds_ratio,
    separated,
)

Regressor = Literal["alpha", "dose"]
Floats = NDArray[np.float64]

UNITS: dict[Regressor, float] = {"alpha": 1.0, "dose": 0.1}
"""What odds ratios are per. A nat per token is a long way: whole sweeps stay within half of one."""
FEWEST_PROMPTS = 5
"""With fewer, intervals cover what they promise only by being of no use."""
WIDEST_INTERVAL = 1e6
"""An odds ratio over the whole range whose interval spans more than this factor is not told."""


@dataclass(frozen=True, kw_only=True)
class Trend:
    """One behaviour in one category along one regressor."""

    behaviour: str
    """The name of the curve: ``refusal``, ``nonsense``, a scorer's name."""
    category: str
    """``all`` is the behaviour's main prompts, without the benign control where there is one."""
    regressor: Regressor
    """``dose`` is the mean dose of each alpha, in nats per token."""
    unit: float
    """How much of the regressor the odds ratio is per: 1 alpha, or 0.1 nats per token."""
    alphas: tuple[float, ...]
    """The alphas that it is over, rising: those where the text still makes sense."""
    k: int
    """Events at these alphas."""
    n: int
    """Scored rollouts at these alphas."""
    n_prompts: int
    odds_ratio: float | None
    """Factor on the odds per unit; None where there is no finite or no trustworthy estimate, and
    ``note`` says why."""
    low: float | None
    """Of the odds ratio's 95 % interval over prompts."""
    high: float | None
    change: Difference | None
    """From the first of the alphas to the last, paired by prompt: an effect size that stands
    where the odds ratio can't."""
    p_value: float | None
    """Of the odds not moving with the regressor: the odds ratio's or, where that is withheld, the
    check's. None where neither can be tested."""
    p_adjusted: float | None
    """Benjamini and Hochberg's, over all trends along the same regressor."""
    discovery: bool
    """The adjusted p is at most 0.05."""
    check_z: float | None
    """The Cochran-Armitage statistic with the variance between prompts, as a check."""
    check_p: float | None
    turns: bool
    """The rate goes against its own trend between two alphas, beyond chance: one odds ratio
    would hide a rise and a fall."""
    note: str | None
    """Why there is no odds ratio, or what to keep in mind."""


def trends(
    curves: Sequence[GridCurve],
    alphas: tuple[float, ...],
    sensible: tuple[float, ...],
    doses: Sequence[Dose],
) -> tuple[Trend, ...]:
    """Fit every curve along alpha, then along dose; p values are not adjusted yet.

    The dose is a property of the setting, the mean over all rollouts at an alpha. A rollout's own
    dose is no regressor: it is measured on the very tokens that were scored, so a refusal's usual
    length and wording would explain the refusal. Alphas below 0 have no part in the dose's trends:
    there the dose grows in the other direction.

    Args:
        curves: every behaviour in every category.
        alphas: of the sweep, in the order of the curves' rates.
        sensible: those of them that trends are over; nonsense itself is followed over all.
        doses: what is known of each alpha's dose.
    """
    known = {one.alpha: one.dose_nats.value for one in doses if one.dose_nats}
    scales: dict[Regressor, dict[float, float]] = {
        "alpha": {alpha: alpha for alpha in alphas},
        "dose": {alpha: known[alpha] for alpha in alphas if alpha >= 0 and alpha in known},
    }
    found = []
    for regressor, scale in scales.items():
        if len(scale) < 2:
            continue
        for one in curves:
            over = alphas if one.behaviour == "nonsense" else sensible
            rates = dict(zip(alphas, one.curve.rates, strict=True))
            chosen = {alpha: rates[alpha] for alpha in over if alpha in scale and rates[alpha].n}
            found.append(_trend(one, regressor, scale, chosen))
    return tuple(found)


def adjusted(p_values: Sequence[float | None]) -> list[float | None]:
    """Adjust one family's p values for how many they are; what has none is not in the family.

    Source: Benjamini and Hochberg 1995, "Controlling the false discovery rate".
    """
    present = [p for p in p_values if p is not None]
    if not present:
        return [None] * len(p_values)
    found = iter(multipletests(present, method="fdr_bh")[1])
    return [None if p is None else float(next(found)) for p in p_values]


def is_discovery(p_adjusted: float | None) -> bool:
    """Say whether an adjusted p makes a discovery; one in twenty of all discoveries is false."""
    return p_adjusted is not None and p_adjusted <= SIGNIFICANCE


def _trend(
    one: GridCurve, regressor: Regressor, scale: Mapping[float, float], rates: Mapping[float, Rate]
) -> Trend:
    every = tuple(rates.values())
    unit = UNITS[regressor]
    cells = cells_of(every, np.array([scale[alpha] / unit for alpha in rates])) if every else None
    empty = Trend(
        behaviour=one.behaviour,
        category=one.category,
        regressor=regressor,
        unit=unit,
        alphas=tuple(rates),
        k=sum(rate.k for rate in every),
        n=sum(rate.n for rate in every),
        n_prompts=len(cells.n) if cells else 0,
        odds_ratio=None,
        low=None,
        high=None,
        change=difference(every[-1], every[0]) if len(every) > 1 else None,
        p_value=None,
        p_adjusted=None,
        discovery=False,
        check_z=None,
        check_p=None,
        turns=False,
        note=None,
    )
    reason = _untestable(empty)
    if reason or cells is None:
        return replace(empty, note=reason)
    check = clustered_cochran_armitage(cells)
    tested = replace(empty, check_z=check.z, check_p=check.p_value)
    turn = _turn(cells, empty.alphas, check.z)
    if turn:
        return replace(tested, turns=True, note=turn)
    if separated(cells):
        note = "no finite odds ratio: one alpha parts events from the rest; p is the check's"
        return replace(tested, p_value=check.p_value, note=note)
    found = odds_ratio(cells)
    if (log(found.high) - log(found.low)) * float(np.ptp(cells.x)) > log(WIDEST_INTERVAL):
        # As of a rate that jumps and then stays: odds that grow evenly are far from that.
        note = "no useful odds ratio: its interval spans a millionfold; p is the check's"
        return replace(tested, p_value=check.p_value, note=note)
    return replace(
        tested,
        odds_ratio=found.ratio,
        low=found.low,
        high=found.high,
        p_value=found.p_value,
        note=f"only {empty.n_prompts} prompts" if empty.n_prompts < FEW_PROMPTS else None,
    )


def _untestable(trend: Trend) -> str | None:
    if len(trend.alphas) < 2:
        return "scored at fewer than two alphas"
    if trend.n_prompts < FEWEST_PROMPTS:
        return f"only {trend.n_prompts} prompt{'s' * (trend.n_prompts != 1)}"
    if trend.k == 0:
        return "no event at any alpha"
    if trend.k == trend.n:
        return "nothing but events at every alpha"
    if trend.k < RARE_EVENTS:
        return f"only {trend.k} event{'s' * (trend.k != 1)}"
    if trend.n - trend.k < RARE_EVENTS:
        return f"all but {trend.n - trend.k} are events"
    return None


def _turn(cells: Cells, alphas: tuple[float, ...], z: float) -> str | None:
    """Find where the rate goes most against its own trend, if anywhere beyond chance.

    By the paired difference of every two alphas, its significance shared out among all pairs.
    """
    pairs = list(combinations(range(len(alphas)), 2))
    against = []
    with np.errstate(invalid="ignore"):
        shares = cells.k / cells.n
    for i, j in pairs:
        changes = np.round(shares[:, j] - shares[:, i], 12)
        changes = -np.sign(z) * changes[~np.isnan(changes)]
        if len(changes) > 1 and changes.mean() > 0:
            weight = 1.0 if few_differ(changes) else 0.0
            low = location(changes, SIGNIFICANCE / len(pairs), weight).low
            if low > 0:
                against.append((float(changes.mean()), alphas[i], alphas[j]))
    if not against:
        return None
    size, start, end = max(against)
    verb, instead = ("falls", "rises") if z > 0 else ("rises", "falls")
    return (
        f"no single trend: it {instead}, but {verb} by {100 * size:.0f} points from alpha "
        f"{start:g} to {end:g}"
    )
