"""Which alphas a curve is drawn at, beside those of its sweep.

Knows numbers only.
"""

from itertools import pairwise

import numpy as np

POINTS_BETWEEN = 40
"""Steps along the sweep's range, shared out over the gaps between its alphas."""


def fine_grid(alphas: tuple[float, ...], n: int = POINTS_BETWEEN) -> tuple[float, ...]:
    """Divide every gap between alphas alike, so that the grid is finer where they are dense."""
    gaps = len(alphas) - 1
    if gaps < 1:
        return alphas
    parts = max(2, round(n / gaps))
    inner = [
        float(alpha)
        for low, high in pairwise(alphas)
        for alpha in np.linspace(low, high, parts, endpoint=False)
    ]
    return (*inner, alphas[-1])
