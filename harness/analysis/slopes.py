"""How far a behaviour moves along alpha or along dose: a straight line within each prompt.

For rates and for means of counts alike. Knows values by prompt; refuses to know what they count,
and logs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from harness.analysis.differences import few_differ, middles
from harness.analysis.dose import Estimate
from harness.analysis.means import Mean
from harness.analysis.rates import SIGNIFICANCE, Rate, t_quantile
from harness.analysis.trend_fit import Cells, aligned
from harness.analysis.trends import FEWEST_PROMPTS, UNITS, Regressor, adjusted, is_discovery

Floats = NDArray[np.float64]
Value = Rate | Mean
"""What a behaviour is at one alpha; both know the sums of each prompt."""


@dataclass(frozen=True, kw_only=True)
class Slope:
    """One behaviour's slope along one regressor."""

    regressor: Regressor
    """``dose`` is the mean dose of each alpha, in nats per token."""
    per: float
    """How much of the regressor the slope is per: 1 alpha, or 0.1 nats per token."""
    of_rate: bool
    """Whether it is of a share of replies; else of a mean per reply."""
    alphas: tuple[float, ...]
    """The alphas that it is over, rising."""
    n: int
    """Scored rollouts at these alphas."""
    n_prompts: int
    """Prompts that have a slope of their own: scored at two values of the regressor at least."""
    estimate: Estimate | None
    """The mean over prompts of each prompt's slope, with its interval; None where there is no
    trustworthy one, and ``note`` says why."""
    p_adjusted: float | None
    """Of the mean being 0, by Benjamini and Hochberg over all behaviours along the regressor."""
    discovery: bool
    """The adjusted p is at most 0.05."""
    note: str | None
    """Why there is no slope, or what to keep in mind."""

    def __str__(self) -> str:
        """Show as ``+0.62 [0.30, 0.90]`` or ``+12 points [3, 20]``; ``no slope`` without one."""
        found = self.estimate
        if found is None or found.low is None or found.high is None:
            return "no slope"
        every = [100 * one if self.of_rate else one for one in (found.value, found.low, found.high)]
        small = max(map(abs, every)) < (10 if self.of_rate else 0.1)
        digits = (0 if self.of_rate else 2) + int(small)
        # Adding 0 makes 0 of what rounds to -0.
        value, low, high = (round(one, digits) + 0.0 for one in every)
        unit = " points" if self.of_rate else ""
        return f"{value:+.{digits}f}{unit} [{low:.{digits}f}, {high:.{digits}f}]"


class Along(NamedTuple):
    """One behaviour at some alphas."""

    values: tuple[Value, ...]
    alphas: tuple[float, ...]
    """Of these values, rising."""


def slopes(
    behaviours: Sequence[Along], scale: Mapping[float, float], regressor: Regressor
) -> tuple[Slope, ...]:
    """Fit every behaviour along one regressor, their false discoveries kept in check.

    A prompt's slope is that of the least-squares line over its rollouts; the slope is the mean over
    prompts, ``mean(b) +- t(g-1) * sd(b) / sqrt(g)``, and p is that of the same t: repeats of a
    prompt are summed up before anything is compared. Where most prompts move alike (mostly: not at
    all) and fewer than ten do otherwise, a rise and a fall as steep as the steepest that was seen
    are added, as :func:`~harness.analysis.differences.difference` does, and what is claimed holds
    with and without them.

    Args:
        behaviours: one family.
        scale: the regressor by alpha; what it lacks has no part.
        regressor: what it is.
    """
    fitted = [_fitted(one, scale, regressor) for one in behaviours]
    p_adjusted = adjusted([p for _, p in fitted])
    return tuple(
        replace(one, p_adjusted=p, discovery=is_discovery(p))
        for (one, _), p in zip(fitted, p_adjusted, strict=True)
    )


def prompt_slopes(cells: Cells) -> Floats:
    """Fit each prompt's least-squares line over its rollouts; NaN where all are at one x.

    With ``k_ia`` the sum of prompt i's values at ``x_a`` and ``n_ia`` its rollouts there,
    ``m_i = sum_a n_ia x_a / sum_a n_ia`` and
    ``b_i = sum_a k_ia (x_a - m_i) / sum_a n_ia (x_a - m_i)^2``.

    Returns:
        [g], per unit of x.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        middle = (cells.n @ cells.x) / cells.n.sum(axis=1)
        away = cells.x - middle[:, None]
        spread = (cells.n * away**2).sum(axis=1)
        found: Floats = (cells.k * away).sum(axis=1) / np.where(spread > 1e-12, spread, np.nan)
    # Sums of thirds leave 1e-17 behind, which is no move.
    return np.round(found, 12)


def _fitted(
    one: Along, scale: Mapping[float, float], regressor: Regressor
) -> tuple[Slope, float | None]:
    """Fit one behaviour; its p is not adjusted yet."""
    chosen = {
        alpha: value
        for alpha, value in zip(one.alphas, one.values, strict=True)
        if alpha in scale and value.n
    }
    x = np.array([scale[alpha] / UNITS[regressor] for alpha in chosen])
    cells = aligned([value.by_prompt for value in chosen.values()], x) if chosen else None
    every = prompt_slopes(cells) if cells else np.zeros(0)
    found = every[~np.isnan(every)]
    empty = Slope(
        regressor=regressor,
        per=UNITS[regressor],
        of_rate=all(isinstance(value, Rate) for value in one.values),
        alphas=tuple(chosen),
        n=sum(value.n for value in chosen.values()),
        n_prompts=len(found),
        estimate=None,
        p_adjusted=None,
        discovery=False,
        note=None,
    )
    reason = _no_slope(empty, cells, found)
    if reason:
        return replace(empty, note=reason), None
    estimate, p_value = _mean_slope(found)
    notes = []
    if len(found) < len(every):
        notes.append(f"{len(every) - len(found)} of {len(every)} prompts scored at one value only")
    if few_differ(found):
        notes.append("few prompts move otherwise than most")
    return replace(empty, estimate=estimate, note="; ".join(notes) or None), p_value


def _no_slope(one: Slope, cells: Cells | None, found: Floats) -> str | None:
    if cells is None or len(one.alphas) < 2:
        known = "a known dose, 0 and above" if one.regressor == "dose" else "sensible text"
        return f"scored at fewer than two alphas of {known}"
    if len(found) < FEWEST_PROMPTS:
        return f"only {len(found)} prompt{'s' * (len(found) != 1)}"
    asked = cells.n > 0
    shares = cells.k[asked] / cells.n[asked]
    if (shares == shares[0]).all():
        return f"every reply scores {shares[0]:g}"
    return None if found.any() else "no prompt moves"


def _mean_slope(found: Floats) -> tuple[Estimate, float]:
    """Average prompts' slopes, not all 0; at least two."""
    steepest, degrees = float(np.abs(found).max()), len(found) - 1
    quantile = t_quantile(SIGNIFICANCE, degrees)
    places = middles(found / steepest, 1.0 if few_differ(found) else 0.0)
    p_values = [2 * float(stats.t.sf(abs(m) / e, degrees)) if e else 0.0 for m, e in places]
    estimate = Estimate(
        value=float(found.mean()),
        low=steepest * min(m - quantile * e for m, e in places),
        high=steepest * max(m + quantile * e for m, e in places),
    )
    return estimate, max(p_values)
