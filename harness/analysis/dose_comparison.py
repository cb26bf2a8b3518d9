"""Two runs' curves at equal doses: rates by interpolation, changes with paired intervals.

Knows frames of shared prompts and the curves made of them; how curves are matched is in
``dose_matching``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from harness.analysis.differences import FEW_CHANGES, Location, location
from harness.analysis.dose_matching import (
    Floats,
    Segment,
    common_doses,
    drawn_weights,
    percentiles,
    ratio,
    reached,
)
from harness.analysis.dose_walk import Run, Walk
from harness.analysis.rates import FEW_PROMPTS, RARE_EVENTS, SIGNIFICANCE, Rate

N_DOSES = 6
"""At how many doses runs are held against each other."""


@dataclass(frozen=True, kw_only=True)
class Share:
    """A rate between two alphas with its 95 % interval, 0 to 1."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """Show as ``75% [62, 85]``."""
        return f"{100 * self.value:.0f}% [{100 * self.low:.0f}, {100 * self.high:.0f}]"


@dataclass(frozen=True, kw_only=True)
class Change:
    """What lies between two such rates, with its 95 % interval, -1 to 1."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """Show as ``+53 points [35, 66]``."""
        # Whole points would show a change of 0.4 as +0.
        digits = 1 if 0 < abs(self.value) < 0.01 else 0
        value, low, high = (
            round(100 * one, digits) + 0.0 for one in (self.value, self.low, self.high)
        )
        return f"{value:+.{digits}f} points [{low:.{digits}f}, {high:.{digits}f}]"

    @property
    def is_told(self) -> bool:
        """Say whether a rise or a fall may be claimed: the interval leaves out 0."""
        return not self.low <= 0 <= self.high


@dataclass(frozen=True, kw_only=True)
class AtDose:
    """One behaviour of both runs at the same dose."""

    dose_nats: float
    """Per token."""
    a: Share
    b: Share
    change: Change
    """From A to B."""
    alphas: tuple[float, float]
    """Where A and B reach the dose, on the straight line between swept alphas."""


class AlongDose(NamedTuple):
    """Every behaviour of both runs along dose."""

    common: tuple[float, float] | None
    """The least and the greatest dose that both reach."""
    behaviours: Mapping[str, tuple[AtDose, ...]]
    note: str | None
    """Why nothing is compared."""


def compare_along_dose(a: Run, b: Run) -> AlongDose:
    """Hold all behaviours that both runs were scored for against each other at equal doses.

    A prompt is drawn with all its rollouts of both runs: what it is like cancels out of the
    change, and the dose's own uncertainty is part of it.
    """
    runs = (a, b)
    for name, run in zip("AB", runs, strict=True):
        if run.source is None:
            return AlongDose(None, {}, f"run {name} has no dose at some alpha")
    prompts = sorted(set(a.frame["sample_id"]) | set(b.frame["sample_id"]))
    if len(prompts) < FEW_PROMPTS:
        return AlongDose(None, {}, f"only {len(prompts)} prompts in both: too few to resample")
    walks = [Walk.of(run, prompts) for run in runs]
    weights = drawn_weights(len(prompts))
    at = common_doses(
        [walk.doses.drawn(weights) for walk in walks], [walk.observed for walk in walks], N_DOSES
    )
    if not len(at):
        told = " and ".join(
            f"{name} from {walk.observed.min():.3f} to {walk.observed.max():.3f}"
            for name, walk in zip("AB", walks, strict=True)
        )
        return AlongDose(None, {}, f"their doses do not overlap: {told} nats per token")
    names = [name for name in a.curves if name in b.curves]
    found = {name: _compared(name, walks, at, weights) for name in names}
    return AlongDose((float(at[0]), float(at[-1])), found, None)


class _Interpolated(NamedTuple):
    """One run's behaviour at the doses."""

    value: Floats
    """[doses]."""
    low: Floats
    high: Floats
    resampled: Floats
    """[resamples, doses]."""
    of_prompts: Floats
    """[prompts, doses]; NaN for prompts without a score."""
    alphas: Floats
    """Where the doses are reached, [doses]."""


def _compared(name: str, walks: Sequence[Walk], at: Floats, weights: Floats) -> tuple[AtDose, ...]:
    a, b = (_interpolated(name, walk, at, weights) for walk in walks)
    change, drawn = b.value - a.value, b.resampled - a.resampled
    found = []
    for i in np.flatnonzero(np.isfinite(change)):
        low, high = (float(end[0]) for end in percentiles(drawn[:, [i]]))
        own = (b.of_prompts - a.of_prompts)[:, i]
        wider = _if_few_move(own[np.isfinite(own)], [walk.rates[name] for walk in walks])
        if wider is not None:
            low, high = min(low, wider.low), max(high, wider.high)
        found.append(
            AtDose(
                dose_nats=float(at[i]),
                a=Share(value=float(a.value[i]), low=float(a.low[i]), high=float(a.high[i])),
                b=Share(value=float(b.value[i]), low=float(b.low[i]), high=float(b.high[i])),
                change=Change(value=float(change[i]), low=low, high=high),
                alphas=(float(a.alphas[i]), float(b.alphas[i])),
            )
        )
    return tuple(found)


def _if_few_move(changes: Floats, rates: Sequence[tuple[Rate, ...]]) -> Location | None:
    """Return the interval for few changes where resampling would promise too much.

    A prompt moves where its share changes by more than half a rollout: what is less comes of
    interpolating, for two runs reach a dose at other places between their alphas.
    """
    known = [rate for of_run in rates for rate in of_run if rate.n and rate.design_effect]
    repeats = max(rate.n / rate.n_prompts for rate in known)
    moving = int((np.abs(changes) > 0.5 / repeats).sum())
    if moving >= min(FEW_CHANGES, len(changes) / 2):
        return None
    effects = [(rate.design_effect or 1.0) * rate.n_prompts / rate.n for rate in known]
    return location(changes, SIGNIFICANCE, min(1.0, max(effects)))


def _interpolated(name: str, walk: Walk, at: Floats, weights: Floats) -> _Interpolated:
    cells, rates = walk.cells(name), walk.rates[name]
    segment = reached(walk.observed[None], at)
    value = segment.of(ratio(cells.sums.sum(axis=0), cells.sizes.sum(axis=0))[None])[0]
    drawn = reached(walk.doses.drawn(weights), at).of(cells.drawn(weights))
    low, high = percentiles(drawn)
    low, high = _not_too_sure(segment, rates, low, high)
    return _Interpolated(
        value=value,
        low=low,
        high=high,
        resampled=drawn,
        of_prompts=segment.of(ratio(cells.sums, cells.sizes)),
        alphas=segment.of(walk.alphas[None])[0],
    )


def _not_too_sure(
    segment: Segment, rates: tuple[Rate, ...], low: Floats, high: Floats
) -> tuple[Floats, Floats]:
    """Widen where events are so few that resampling prompts shows too little of the chance.

    No event resampled is no event. There the intervals of the alphas on both sides, interpolated
    like the rates, say how far it may reach.
    """
    rare = np.array([[float(min(rate.k, rate.n - rate.k) < RARE_EVENTS) for rate in rates]])
    ends = [
        np.array([[np.nan if one is None else one for one in bounds]])
        for bounds in ([rate.low for rate in rates], [rate.high for rate in rates])
    ]
    few = segment.of(rare)[0] > 0
    return (
        np.where(few, np.fmin(low, segment.of(ends[0])[0]), low),
        np.where(few, np.fmax(high, segment.of(ends[1])[0]), high),
    )
