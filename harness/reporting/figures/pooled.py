"""The headline rates on a fine grid of alphas, from every rollout of the sweep."""

from math import nan

from harness.analysis.pooled import PooledCurve
from harness.analysis.results import Results
from harness.reporting.figures.canvas import (
    Axes,
    Look,
    alpha_axis,
    dress,
    end_labels,
    label,
    panel,
    rate_axis,
)
from harness.reporting.figures.curves import full_name, looks, points, series, shown
from harness.reporting.figures.drawing import Drawing, drawing


def draw(results: Results) -> Drawing | None:
    """Draw pooled rates as lines that break where they are withheld, direct rates as markers."""
    fine = {one.name: one for one in results.pooled if any(p.rate is not None for p in one.points)}
    drawn = [
        (curve, look)
        for curve, look in zip(shown(results), looks(results), strict=True)
        if curve.name in fine
    ]
    if not drawn:
        return None
    figure, axes = panel()
    ends = []
    for curve, look in drawn:
        _line(axes, fine[curve.name], look)
        direct = points(results.alphas, curve)
        for alpha, _, low, high in direct:
            axes.plot([alpha, alpha], [low, high], color=look.colour, linewidth=1.0, alpha=0.75)
        x, y = [point[0] for point in direct], [point[1] for point in direct]
        axes.plot(x, y, color=look.colour, marker=look.marker, linestyle="", markersize=5)
        ends.append((x[-1], y[-1], label(full_name(results, curve.name)), look))
    dress(axes, "", "Rate: pooled (line, gaps where withheld) and direct (markers), 95% intervals")
    alpha_axis(axes, results.alphas)
    rate_axis(axes)
    end_labels(axes, ends)
    told = [_in_words(full_name(results, curve.name), fine[curve.name]) for curve, _ in drawn]
    return drawing("pooled", "Pooled rates along alpha", " ".join(told), figure)


def _line(axes: Axes, curve: PooledCurve, look: Look) -> None:
    """A line and its band; what is not a number breaks both."""
    alphas = [point.alpha for point in curve.points]
    rates, lows, highs = (
        [nan if one is None else one for one in bounds]
        for bounds in (
            [point.rate for point in curve.points],
            [point.low for point in curve.points],
            [point.high for point in curve.points],
        )
    )
    axes.fill_between(alphas, lows, highs, color=look.colour, alpha=0.16, linewidth=0)
    axes.plot(alphas, rates, color=look.colour, linestyle="-", linewidth=1.6)


def _in_words(name: str, curve: PooledCurve) -> str:
    """Say the rates at the sweep's own alphas, and how much of the grid is shown."""
    at_sweep = [point for point in curve.points if point.direct is not None]
    known = sum(point.rate is not None for point in curve.points)
    told = series(f"{name}, pooled", [str(one) for one in at_sweep], [p.alpha for p in at_sweep])
    return f"{told} {known} of {len(curve.points)} points of the grid are shown."
