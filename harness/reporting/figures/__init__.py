"""Results to figures: deterministic SVG for light and dark pages, one figure a file.

A figure module has one function, ``draw``, that gives None where the results hold no data for it.
"""

from collections.abc import Callable, Mapping

import matplotlib

from harness.analysis.results import Results
from harness.reporting.figures import (
    categories,
    constraints,
    dose,
    forest,
    lengths,
    pooled,
    rates,
    rates_by_dose,
    spread,
    tradeoff,
)
from harness.reporting.figures.canvas import SETTINGS
from harness.reporting.figures.drawing import Drawing

DRAWERS: Mapping[str, Callable[[Results], Drawing | None]] = {
    "rates.svg": rates.draw,
    "rates_by_dose.svg": rates_by_dose.draw,
    "categories.svg": categories.draw,
    "tradeoff.svg": tradeoff.draw,
    "constraints.svg": constraints.draw,
    "forest.svg": forest.draw,
    "pooled.svg": pooled.draw,
    "lengths.svg": lengths.draw,
    "dose.svg": dose.draw,
    "spread.svg": spread.draw,
}
"""By the name of the file that a figure is written to."""


def figures(results: Results) -> dict[str, Drawing]:
    """Draw every figure that the results hold data for, by file name."""
    with matplotlib.rc_context(SETTINGS):
        drawn = {name: draw(results) for name, draw in DRAWERS.items()}
    return {name: one for name, one in drawn.items() if one is not None}
