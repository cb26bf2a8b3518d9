"""How the headline rates move along alpha."""

from harness.analysis.results import Results
from harness.reporting.figures.canvas import (
    alpha_axis,
    band,
    dress,
    end_labels,
    label,
    panel,
    rate_axis,
)
from harness.reporting.figures.curves import full_name, in_words, looks, points, shown
from harness.reporting.figures.drawing import Drawing, drawing


def draw(results: Results) -> Drawing | None:
    """Draw the headline rates along alpha with their intervals as bands."""
    curves = shown(results)
    if not curves:
        return None
    figure, axes = panel()
    ends = []
    for curve, look in zip(curves, looks(results), strict=True):
        along = points(results.alphas, curve)
        band(axes, along, look)
        ends.append((*along[-1][:2], label(full_name(results, curve.name)), look))
    dress(axes, "", "Rate, with its 95% interval over prompts")
    alpha_axis(axes, results.alphas)
    rate_axis(axes)
    end_labels(axes, ends)
    told = [in_words(full_name(results, one.name), results.alphas, one.rates) for one in curves]
    return drawing("rates", "Rates along alpha", " ".join(told), figure)
