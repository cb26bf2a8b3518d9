"""How the headline rates move along alpha."""

from harness.analysis.breaks import NONSENSE_LEVEL
from harness.analysis.results import Results
from harness.reporting.figures.canvas import (
    Axes,
    alpha_axis,
    band,
    dress,
    end_labels,
    label,
    panel,
    rate_axis,
)
from harness.reporting.figures.curves import full_name, in_words, looks, points, shown
from harness.reporting.figures.drawing import INK, Drawing, drawing


def _mark_sense(axes: Axes, results: Results) -> None:
    """Mark where nonsense passes its level, with the interval as a band."""
    found = next((one for one in results.regimes if one.kind == "sensible"), None)
    if found is None or found.alpha is None:
        return
    if found.low is not None:
        end = max(results.alphas) if found.high is None else found.high
        axes.axvspan(found.low, end, color=INK, alpha=0.07, linewidth=0)
    axes.axvline(found.alpha, color=INK, linewidth=1.0, alpha=0.6, linestyle=(0, (2, 2)))
    axes.annotate(
        f"nonsense passes {NONSENSE_LEVEL:.0%}",
        (found.alpha, 0.02),
        xytext=(4, 0),
        textcoords="offset points",
        fontsize=8,
        va="bottom",
    )


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
    _mark_sense(axes, results)
    end_labels(axes, ends)
    told = [in_words(full_name(results, one.name), results.alphas, one.rates) for one in curves]
    return drawing("rates", "Rates along alpha", " ".join(told), figure)
