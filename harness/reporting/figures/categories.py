"""Which categories move with alpha: a cell for each category and alpha, with its counts."""

from collections.abc import Iterator, Sequence

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from harness.analysis.behaviours import Curve
from harness.analysis.results import Results
from harness.reporting.figures.canvas import LOOKS, WIDTH, Axes, label
from harness.reporting.figures.curves import series
from harness.reporting.figures.drawing import INK, Drawing, drawing

# At most this much colour: text in the reader's own ink stays legible on it, light or dark.
FULL = 0.62
ROW = 0.42
"""Inches."""


def draw(results: Results) -> Drawing | None:
    """Draw a grid for each behaviour that was scored in several categories."""
    grids = list(_grids(results))
    if not grids:
        return None
    heights = [len(curves) + 1.4 for _, curves in grids]
    figure = Figure(figsize=(WIDTH, ROW * sum(heights) + 0.5), layout="constrained")
    all_axes = figure.subplots(len(grids), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axes, (name, curves) in zip(all_axes, grids, strict=True):
        _grid(axes, results.alphas, curves)
        axes.set_title(f"{label(name)}: rate, and events of scored rollouts", pad=8)
    all_axes[-1].set_xlabel("alpha (0: the target)")
    told = (
        series(
            f"{name}, {curve.name}",
            [
                f"{rate.rate:.0%} ({rate.k}/{rate.n})"
                for rate in curve.rates
                if rate.rate is not None
            ],
            [alpha for alpha, rate in zip(results.alphas, curve.rates, strict=True) if rate.n],
        )
        for name, curves in grids
        for curve in curves
    )
    return drawing("categories", "Rates by category and alpha", " ".join(told), figure)


def _grids(results: Results) -> Iterator[tuple[str, Sequence[Curve]]]:
    if results.refusal and results.refusal.categories:
        yield results.refusal.refusal.name, results.refusal.categories
    for other in results.others:
        if other.categories:
            yield other.overall.name, other.categories


def _grid(axes: Axes, alphas: Sequence[float], curves: Sequence[Curve]) -> None:
    for row, curve in enumerate(curves):
        for column, rate in enumerate(curve.rates):
            share = 0.0 if rate.rate is None else rate.rate
            cell = Rectangle(
                (column + 0.03, row + 0.04), 0.94, 0.92, linewidth=0, color=LOOKS[0].colour
            )
            cell.set_alpha(0.04 + (FULL - 0.04) * share)
            axes.add_patch(cell)
            told = "no data" if rate.rate is None else f"{rate.rate:.0%}"
            axes.text(column + 0.5, row + 0.36, told, ha="center", va="center", fontsize=10)
            counts = "" if rate.rate is None else f"{rate.k}/{rate.n}"
            axes.text(
                column + 0.5, row + 0.74, counts, ha="center", va="center", fontsize=7.5, alpha=0.8
            )
    axes.set_xlim(0, len(alphas))
    axes.set_ylim(len(curves), 0)
    axes.set_xticks([i + 0.5 for i in range(len(alphas))], [f"{alpha:g}" for alpha in alphas])
    axes.set_yticks([i + 0.5 for i in range(len(curves))], [label(one.name, 28) for one in curves])
    axes.tick_params(length=0, color=INK)
    axes.spines[:].set_visible(False)
