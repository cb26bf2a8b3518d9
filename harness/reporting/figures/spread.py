"""Measured against predicted spread of the amplified logits."""

from collections.abc import Sequence

from harness.analysis.results import Results
from harness.reporting.figures.canvas import (
    LOOKS,
    NONSENSE_LOOK,
    alpha_axis,
    dress,
    end_labels,
    panel,
)
from harness.reporting.figures.curves import series
from harness.reporting.figures.drawing import Drawing, drawing

MEASURED, CLOSED, NAIVE = LOOKS[0], LOOKS[1], NONSENSE_LOOK


def draw(results: Results) -> Drawing | None:
    """Draw measured spread, the closed form at the same steps, and the naive expectation."""
    rows = results.magnitudes
    if not rows:
        return None
    figure, axes = panel(3.8)
    alphas = [row.alpha for row in rows]
    closed, measured = [row.std_closed_form for row in rows], [row.std for row in rows]
    axes.plot(alphas, closed, color=CLOSED.colour, linestyle="-", linewidth=2.2)
    axes.plot(
        alphas,
        measured,
        color=MEASURED.colour,
        linestyle="",
        marker="o",
        markersize=8,
        fillstyle="none",
        markeredgewidth=1.8,
    )
    ends = [
        (alphas[-1], closed[-1], "closed form", CLOSED),
        (alphas[-1], measured[-1], "measured", MEASURED),
    ]
    naive = [(row.alpha, row.std_linear) for row in rows if row.std_linear is not None]
    if naive:
        axes.plot(*zip(*naive, strict=True), color=NAIVE.colour, linestyle=NAIVE.dash)
        ends.append((*naive[-1], "naive: like 1 + alpha", NAIVE))
    dress(axes, "", "Standard deviation of the amplified logits over the vocabulary")
    alpha_axis(axes, alphas)
    axes.set_ylim(bottom=0)
    end_labels(axes, ends)
    told = [
        series("Measured", _shown(measured), alphas),
        series("Closed form", _shown(closed), alphas),
    ]
    if naive:
        told.append(series("Naive guess", _shown([std for _, std in naive]), [a for a, _ in naive]))
    return drawing("spread", "Spread of the amplified logits", " ".join(told), figure)


def _shown(values: Sequence[float]) -> list[str]:
    return [f"{value:.3f}" for value in values]
