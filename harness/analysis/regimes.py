"""Where along alpha a curve breaks or saturates: sense, behaviours, dose and entropy.

Every place has an interval from a bootstrap over prompts, and a sentence only where that allows
one. Knows curves as totals per prompt and alpha. Refuses to know how they are shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from harness.analysis.breaks import (
    COLLAPSED,
    FALLEN,
    NONSENSE_LEVEL,
    REACHED,
    RISEN,
    SLOWER,
    Find,
    collapse,
    direction_of,
    fall_back,
    grown,
    rise,
    saturation,
    sense,
)
from harness.analysis.rates import FEW_PROMPTS, SIGNIFICANCE
from harness.analysis.resampling import Curves, Floats, Totals, percentile

Kind = Literal["sensible", "saturation", "fall back", "entropy collapse", "entropy rise"]

RULES: Mapping[Kind, str] = {
    "sensible": f"the monotone fit of the nonsense rate passes {NONSENSE_LEVEL:.0%}",
    "saturation": f"{REACHED:.0%} of the largest change from alpha 0 is reached, and what follows "
    f"changes it per unit of alpha at most {SLOWER:.0%} as fast",
    "fall back": "the change from alpha 0 is largest, and at most "
    f"{FALLEN:.0%} of it is left at the last alpha",
    "entropy collapse": f"the mean entropy falls below {COLLAPSED:.0%} of alpha 0's",
    "entropy rise": f"the mean entropy rises above {RISEN:.0%} of alpha 0's",
}
"""What is looked for; straight lines lead from one swept alpha to the next."""

TAIL = SIGNIFICANCE / 2


@dataclass(frozen=True, kw_only=True)
class Regime:
    """One place along alpha, from 0 upwards, where a curve changes its nature."""

    kind: Kind
    of: str
    """The curve: a scorer's behaviour, ``nonsense``, ``dose`` or ``entropy``."""
    rule: str
    """What is looked for, in words, with its level."""
    alpha: float | None
    """Where it happens in the data; None if not within the sweep, or if it can't be told."""
    low: float | None
    """2.5 % of resamples of the prompts have it earlier; None without an interval."""
    high: float | None
    """2.5 % have it later; None where it may lie beyond the sweep, or without an interval."""
    within: float | None
    """Share of resamples that have it within the sweep, 0 to 1; None without an interval."""
    between: tuple[float, float] | None
    """The swept alphas on both sides of ``alpha``: what is between them is interpolated."""
    first: float | None
    """The smallest alpha that counts: 0, where it was swept. None if it can't be told."""
    last: float | None
    """The largest. None if it can't be told."""
    n_prompts: int
    n_resamples: int
    direction: Literal["up", "down"]
    """Where the curve goes from alpha 0."""
    change_told: bool
    """Whether its largest change from alpha 0 is beyond chance."""
    absence_told: bool
    """Whether it may be said that it does not happen within the sweep: at most 2.5 % of resamples
    have it, and of nonsense the last rate's own interval stays within the level, since resampling
    no events gives no events."""
    note: str | None
    """Why it can't be told, or has no interval; what to keep in mind."""

    def __str__(self) -> str:
        """Show as ``1.40 [1.10, 1.60]``, ``2.60 [2.10, beyond 3]`` or ``not up to 3``."""
        if self.last is None:
            return self.note or "can't be told"
        if self.alpha is None:
            return f"not up to {self.last:g}"
        if self.low is None:
            return f"{self.alpha:.2f}"
        high = f"beyond {self.last:g}" if self.high is None else f"{self.high:.2f}"
        return f"{self.alpha:.2f} [{self.low:.2f}, {high}]"


def sense_regime(nonsense: Totals, last_high: float | None) -> Regime:
    """Find where the nonsense rate passes ``NONSENSE_LEVEL``.

    Args:
        nonsense: events over scored rollouts.
        last_high: the upper end of the interval of the rate at the last alpha.
    """
    found = _regime("sensible", "nonsense", nonsense, sense, least=2)
    bounded = last_high is not None and last_high <= NONSENSE_LEVEL
    return replace(found, absence_told=found.absence_told and bounded)


def behaviour_regimes(name: str, totals: Totals) -> tuple[Regime, ...]:
    """Find where a behaviour's rate stops changing, and where it turns back."""
    return (
        _regime("saturation", name, totals, saturation, least=3),
        _regime("fall back", name, totals, fall_back, least=3),
    )


def dose_regime(totals: Totals) -> Regime:
    """Find where the dose stops growing with alpha."""
    return _regime("saturation", "dose", totals, saturation, least=3)


def entropy_regimes(totals: Totals, note: str | None = None) -> tuple[Regime, ...]:
    """Find where the entropy of the sampling distribution collapses, and where it rises.

    Args:
        totals: nats over tokens.
        note: what to keep in mind of them.
    """
    return (
        _regime("entropy collapse", "entropy", totals, collapse, least=2, note=note),
        _regime("entropy rise", "entropy", totals, rise, least=2, note=note),
    )


def _regime(
    kind: Kind, of: str, every: Totals, find: Find, *, least: int, note: str | None = None
) -> Regime:
    totals = every.from_zero()
    problem = _problem(kind, totals, least)
    if problem is not None:
        return _untold(kind, of, totals, problem)
    data = totals.curve
    place = float(find(totals.alphas, data, data)[0])
    few = totals.n_prompts < FEW_PROMPTS
    drawn = totals.resampled() if not few else Curves(data.values[:0], data.sizes[:0])
    found = find(totals.alphas, drawn, data)
    interval = (None, None) if few else (percentile(found, TAIL), percentile(found, 1 - TAIL))
    low, high = (_finite(end) for end in interval)
    within = None if few else float(np.isfinite(found).mean())
    if few:
        note = f"only {totals.n_prompts} prompts: too few for an interval"
    return Regime(
        kind=kind,
        of=of,
        rule=RULES[kind],
        alpha=_finite(place),
        low=low,
        high=high,
        within=within,
        between=_between(totals.alphas, place),
        first=float(totals.alphas[0]),
        last=float(totals.alphas[-1]),
        n_prompts=totals.n_prompts,
        n_resamples=len(found),
        direction="up" if direction_of(data) > 0 else "down",
        change_told=not few and _change_told(data, drawn),
        absence_told=within is not None and within <= TAIL,
        note=note,
    )


def _problem(kind: Kind, totals: Totals, least: int) -> str | None:
    if len(totals.alphas) < least:
        return f"needs data at {least} alphas from 0 upwards, and has {len(totals.alphas)}"
    if kind != "sensible" and totals.alphas[0] != 0:
        return "alpha 0, which it is held against, has no data"
    if kind.startswith("entropy") and not totals.curve.values[0, 0] > 0:
        return "sampling was greedy: there is no entropy"
    return None


def _untold(kind: Kind, of: str, totals: Totals, note: str) -> Regime:
    nothing: dict[str, None] = dict.fromkeys(
        ("alpha", "low", "high", "within", "between", "first", "last")
    )
    return Regime(
        kind=kind,
        of=of,
        rule=RULES[kind],
        n_prompts=totals.n_prompts,
        n_resamples=0,
        direction="up",
        change_told=False,
        absence_told=False,
        note=note,
        **nothing,
    )


def _change_told(data: Curves, drawn: Curves) -> bool:
    """Say whether the largest change is beyond chance, which had all alphas to make it."""
    peak = int(grown(data, data)[0].argmax())
    changes = grown(drawn, data)[:, peak]
    return percentile(changes, TAIL / (data.values.shape[1] - 1)) > 0


def _between(alphas: Floats, place: float) -> tuple[float, float] | None:
    if not np.isfinite(place):
        return None
    after = int(np.searchsorted(alphas, place))
    before = after if alphas[after] == place else after - 1
    return float(alphas[before]), float(alphas[after])


def _finite(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else value
