"""Curves along a fine grid of alphas, each point from the rollouts of the whole sweep.

Knows how rates are weighed and where probabilities are interpolated. A point that can't be trusted
is kept, without a rate and with the reason.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.analysis.behaviours import Curve
from harness.analysis.densities import MIN_NODES, Admitted, Densities, admit
from harness.analysis.fine_grid import fine_grid
from harness.analysis.headline import decided_beginnings, headline_rows
from harness.analysis.importance import Mixture, WeightedRate, weighted_rate
from harness.analysis.rates import Rate, percents
from harness.analysis.rollout_sums import WHOLE, read_sums
from harness.analysis.summary import Count
from harness.constraint import NONE
from harness.errors import AnalysisError

UNDER_CONSTRAINT = (
    "under a constraint a rollout's probability at the other strengths is not recorded"
)

INTERPOLATION_MARGIN = 3.0
"""A rate may be off by so many times the difference between two ways to interpolate. With a column
of real traces left out it was off by at most 3.1 times that, at the points that were not withheld
for another reason (``docs/statistics.md``)."""

INTERPOLATION_SHARE = 0.5
"""A rate is withheld where it may be off by more than this share of its standard error: a bias of
half of one takes an interval's coverage from 95 to 92 %."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class PooledPoint:
    """A rate at one alpha by all rollouts of the sweep."""

    alpha: float
    rate: float | None
    """0 to 1; None where it is withheld."""
    low: float | None
    high: float | None
    n_effective: float | None
    """Rollouts of equal weight that the weighted ones are worth (Kish); this and what follows is
    None where nothing could be weighed."""
    effective_hits: float | None
    """The same over those that show the behaviour."""
    mean_weight: float | None
    """1 where the sweep's rollouts cover what is likely at this alpha."""
    pareto_k: float | None
    withheld: str | None
    """Why no rate is shown."""
    direct: Rate | None
    """Of the rollouts drawn at this alpha; None between the sweep's alphas."""

    def __str__(self) -> str:
        """Show as ``75% [62, 85]``, or ``withheld``."""
        if self.rate is None or self.low is None or self.high is None:
            return "withheld"
        return percents(self.rate, self.low, self.high)


@dataclass(frozen=True, kw_only=True)
class PooledCurve:
    """One behaviour along a fine grid of alphas."""

    name: str
    points: tuple[PooledPoint, ...]
    """Alphas rising; empty where nothing could be pooled."""
    n: int
    """Rollouts that were pooled."""
    n_prompts: int
    n_decided_early: int
    """Events weighed up to the phrase that shows them, and not to the reply's end."""
    left_out: tuple[Count, ...]
    """Rollouts that could not be pooled, by reason."""
    note: str | None
    """Why there are no points."""

    @property
    def says(self) -> str | None:
        """How much may be shown, and how its intervals compare; None without points."""
        if not self.points:
            return None
        shown = sum(point.rate is not None for point in self.points)
        narrower = [ratio for point in self.points if (ratio := _narrower(point)) is not None]
        said = (
            f"{self.name[0].upper()}{self.name[1:]}: {self.n} rollouts of {self.n_prompts} prompts "
            f"give {shown} of {len(self.points)} points"
        )
        if not narrower:
            return f"{said}."
        return (
            f"{said}; at the sweep's own alphas the direct interval is {median(narrower):.1f} "
            f"times as wide as the pooled one ({min(narrower):.1f} to {max(narrower):.1f})."
        )


def _narrower(point: PooledPoint) -> float | None:
    """How many times as wide the direct interval is, where there are both."""
    direct = point.direct
    if direct is None or direct.low is None or direct.high is None:
        return None
    if point.low is None or point.high is None or point.high == point.low:
        return None
    return (direct.high - direct.low) / (point.high - point.low)


def pooled(
    frame: pd.DataFrame, alphas: tuple[float, ...], curves: tuple[Curve, ...], log_dir: Path | None
) -> tuple[PooledCurve, ...]:
    """Draw the headline rates along a fine grid of alphas.

    Args:
        frame: the rollouts under one constraint; only those under none can be pooled.
        alphas: of the sweep, rising.
        curves: what was counted at each of them.
        log_dir: where the trace files are; None leaves all out.
    """
    if log_dir is None:
        return ()
    if (frame["constraint"] != NONE).any():
        return tuple(_nothing(one.name, UNDER_CONSTRAINT) for one in curves)
    by_name = {one.name: headline_rows(one.name, frame) for one in curves}
    decided = {name: decided_beginnings(rows) for name, rows in by_name.items()}
    try:
        sums = read_sums(log_dir, {name: found for name, found in decided.items() if found})
    except AnalysisError as error:
        return tuple(_nothing(one.name, str(error)) for one in curves)
    admitted = admit(frame, sums[WHOLE])
    return tuple(
        pooled_curve(one, alphas, by_name[one.name], admitted, sums.get(one.name, sums[WHOLE]))
        for one in curves
    )


@dataclass(frozen=True)
class _Pool:
    """The pooled rollouts of one behaviour."""

    values: Floats
    prompts: NDArray[np.intp]
    densities: Densities
    mixture: Mixture

    def at(self, alpha: float, *, rough: bool = False) -> WeightedRate | None:
        logps = self.densities.rough_logps(alpha) if rough else self.densities.logps(alpha)
        return weighted_rate(self.values, self.mixture.log_weights(logps), self.prompts)


def pooled_curve(
    counted: Curve,
    alphas: tuple[float, ...],
    rows: pd.DataFrame,
    admitted: Admitted,
    sums: pd.DataFrame,
) -> PooledCurve:
    """Draw one behaviour along a fine grid.

    Args:
        counted: its rates by the rollouts of each alpha alone.
        alphas: of those, rising.
        rows: the scorer's rows of the frame, over the prompts that the curve is of.
        admitted: which rollouts may be pooled.
        sums: over all tokens, or up to those that decided events.
    """
    chosen = rows[rows["sample_uuid"].isin(admitted.rollouts["sample_uuid"])]
    if not chosen["value"].notna().any():
        nothing = _nothing(counted.name, "no scored rollout can be pooled")
        return replace(nothing, left_out=admitted.left_out)
    _, prompts = np.unique(chosen["sample_id"].to_numpy(dtype=object), return_inverse=True)
    densities = Densities.of(chosen.assign(sample_id=prompts), sums)
    values = chosen["value"].to_numpy(dtype=np.float64)
    pool = _Pool(values, prompts, densities, densities.mixture())
    direct = dict(zip(alphas, counted.rates, strict=True))
    return PooledCurve(
        name=counted.name,
        points=tuple(_point(alpha, pool, direct.get(alpha)) for alpha in fine_grid(alphas)),
        n=len(chosen),
        n_prompts=int(prompts.max()) + 1,
        n_decided_early=int(chosen["decided_chars"].notna().sum()),
        left_out=admitted.left_out,
        note=None,
    )


def _nothing(name: str, why: str) -> PooledCurve:
    return PooledCurve(
        name=name, points=(), n=0, n_prompts=0, n_decided_early=0, left_out=(), note=why
    )


def _point(alpha: float, pool: _Pool, direct: Rate | None) -> PooledPoint:
    unknown = _unknown(alpha, pool.densities)
    found = None if unknown else pool.at(alpha)
    if found is None:
        why = unknown or "no rollout of the sweep is possible here"
        nothing: dict[str, None] = dict.fromkeys(
            ("rate", "low", "high", "n_effective", "effective_hits", "mean_weight", "pareto_k")
        )
        return PooledPoint(alpha=alpha, withheld=why, direct=direct, **nothing)
    of = found.diagnostics
    withheld = of.verdict() or _inexact(alpha, pool, found)
    return PooledPoint(
        alpha=alpha,
        rate=None if withheld else found.rate,
        low=None if withheld else found.low,
        high=None if withheld else found.high,
        n_effective=of.n_effective,
        effective_hits=of.effective_hits,
        mean_weight=of.mean_weight.value,
        pareto_k=of.pareto_k,
        withheld=withheld,
        direct=direct,
    )


def _unknown(alpha: float, of: Densities) -> str | None:
    """Why probabilities at an alpha can't be had at all."""
    if alpha in of.nodes:
        return None
    if not of.nodes[0] < alpha < of.nodes[-1]:
        return "the traces of the other alphas hold no probabilities here"
    if len(of.nodes) < MIN_NODES:
        return f"the traces hold probabilities at {len(of.nodes)} alphas, too few to go between"
    return None


def _inexact(alpha: float, pool: _Pool, found: WeightedRate) -> str | None:
    """Why a rate between alphas is not known closely enough."""
    if alpha in pool.densities.nodes:
        return None
    rough = pool.at(alpha, rough=True)
    shift = 1.0 if rough is None else INTERPOLATION_MARGIN * abs(rough.rate - found.rate)
    # A quarter of a 95 % interval is about one standard error; that of a rate of 1 itself is 0.
    if shift <= INTERPOLATION_SHARE * (found.high - found.low) / 4:
        return None
    return (
        "between the sweep's alphas probabilities are interpolated, and here that may move the "
        f"rate by {shift:.2f}"
    )
