"""Pooled curves as tables; every figure comes from the results."""

from harness.analysis.pooled import PooledCurve, PooledPoint
from harness.analysis.results import Results
from harness.reporting.escape import Markdown
from harness.reporting.tables import at, number, table


def at_sweep(results: Results) -> Markdown:
    """The pooled rates at the sweep's own alphas, beside the direct ones."""
    head = ["rate", "alpha", "direct", "pooled", "effective rollouts", "withheld because"]
    rows = [
        [curve.name, at(point.alpha), point.direct, *_weighed(point)]
        for curve in results.pooled
        for point in curve.points
        if point.direct is not None
    ]
    return table(head, rows) if rows else Markdown("")


def left_out(results: Results) -> tuple[str, ...]:
    """Why rollouts are not pooled, and how many; the same for all curves."""
    found = {one.name: one.k for curve in results.pooled for one in curve.left_out}
    return tuple(f"{k} rollout{'s' * (k != 1)} not pooled: {why}." for why, k in found.items())


def without_points(results: Results) -> tuple[PooledCurve, ...]:
    """The curves that have no points, for their notes."""
    return tuple(curve for curve in results.pooled if curve.note is not None)


def _weighed(point: PooledPoint) -> list[object]:
    n_effective = number(point.n_effective, 0)
    shown = None if point.withheld else str(point)
    return [shown, n_effective, point.withheld]
