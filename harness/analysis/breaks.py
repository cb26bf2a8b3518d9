"""The rules by which a curve breaks: each finds one place along alpha in many curves at once.

Knows curves as matrices. Each rule takes the alphas (from 0 up), curves to look at and the curve
of the data, which says whether the behaviour rises or falls; it gives one alpha per curve, infinity
where there is none up to the last alpha.
"""

from collections.abc import Callable

import numpy as np
from scipy.optimize import isotonic_regression

from harness.analysis.resampling import Curves, Floats, first_above

NONSENSE_LEVEL = 0.20
"""Up to this share of nonsense, text is called sensible."""
REACHED = 0.90
"""A curve has done its changing where it has reached this share of its largest change."""
SLOWER = 0.25
"""It saturates if what follows changes it, per unit of alpha, at most this share as fast."""
FALLEN = 0.75
"""It falls back if at most this share of its largest change is left at the last alpha."""
COLLAPSED = 0.50
"""Entropy has collapsed under this share of alpha 0's."""
RISEN = 1.50
"""It has risen above this share of alpha 0's: word salad is near."""

Find = Callable[[Floats, Curves, Curves], Floats]


def sense(alphas: Floats, curves: Curves, data: Curves) -> Floats:
    """Find where the monotone fit of a nonsense rate passes ``NONSENSE_LEVEL``.

    The fit is the non-decreasing curve with the least squares, weighted by rollouts (pool adjacent
    violators): sense regained after nonsense is noise, or nothing to rely on.

    Source: Barlow, Bartholomew, Bremner and Brunk 1972, "Statistical Inference under Order
    Restrictions".
    """
    rows = zip(curves.values, curves.sizes, strict=True)
    fits = [isotonic_regression(values, weights=sizes).x for values, sizes in rows]
    return first_above(alphas, np.array(fits).reshape(curves.values.shape), NONSENSE_LEVEL)


def saturation(alphas: Floats, curves: Curves, data: Curves) -> Floats:
    """Find where 90 % of the largest change is reached, if little follows.

    With the change c(a) from alpha 0, its largest value C, and s the first place where
    ``c(s) >= 0.9 C``: a saturation if ``(c(end) - c(s)) / (end - s) <= 0.25 c(s) / s``. A straight
    line has none; ``1 - exp(-a)`` has one from an end of about 2.6 on.
    """
    change = grown(curves, data)
    reached = REACHED * change.max(axis=1)
    place = first_above(alphas, change, reached)
    place[reached <= 0] = np.inf
    with np.errstate(invalid="ignore"):
        earlier = reached / (place - alphas[0])
        later = (change[:, -1] - reached) / (alphas[-1] - place)
    return np.where(later <= SLOWER * earlier, place, np.inf)


def fall_back(alphas: Floats, curves: Curves, data: Curves) -> Floats:
    """Find the alpha of the largest change, if at most 75 % of that is left at the last alpha."""
    change = grown(curves, data)
    largest = change.max(axis=1)
    falls = (largest > 0) & (change[:, -1] <= FALLEN * largest)
    return np.where(falls, alphas[change.argmax(axis=1)], np.inf)


def collapse(alphas: Floats, curves: Curves, data: Curves) -> Floats:
    """Find where entropy first falls below half of alpha 0's."""
    return first_above(alphas, -curves.values, -COLLAPSED * curves.values[:, 0])


def rise(alphas: Floats, curves: Curves, data: Curves) -> Floats:
    """Find where entropy first rises above one and a half times alpha 0's."""
    return first_above(alphas, curves.values, RISEN * curves.values[:, 0])


def direction_of(data: Curves) -> int:
    """Say whether the largest change from the first alpha is upwards (1) or downwards (-1)."""
    change = data.values[0] - data.values[0, 0]
    return -1 if change[np.abs(change).argmax()] < 0 else 1


def grown(curves: Curves, data: Curves) -> Floats:
    """Take the change from the first alpha, positive in the direction of the data's largest."""
    return direction_of(data) * (curves.values - curves.values[:, :1])
