"""The headline rates along alpha under each constraint."""

from harness.analysis.results import Results
from harness.reporting.figures.canvas import (
    LOOKS,
    alpha_axis,
    band,
    dress,
    label,
    panels,
    rate_axis,
    shared_legend,
)
from harness.reporting.figures.curves import full_name, in_words, points, shown
from harness.reporting.figures.drawing import Drawing, drawing


def draw(results: Results) -> Drawing | None:
    """Draw a panel for each rate and a line for each constraint."""
    names = [curve.name for curve in shown(results)]
    if not results.constrained or not names:
        return None
    figure, all_axes = panels(len(names))
    told = []
    for name, axes in zip(names, all_axes, strict=True):
        for i, one in enumerate((results, *results.constrained)):
            for curve in shown(one):
                if curve.name == name:
                    look = LOOKS[i % len(LOOKS)]
                    band(axes, points(one.alphas, curve), look, label(one.constraint), 0.09)
                    told.append(in_words(f"{name} under {one.constraint}", one.alphas, curve.rates))
        dress(axes, "", label(full_name(results, name), 44))
        alpha_axis(axes, results.alphas)
        rate_axis(axes)
    shared_legend(figure, all_axes[0])
    return drawing("constraints", "Rates under each constraint", " ".join(told), figure)
