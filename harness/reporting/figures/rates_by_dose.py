"""How the headline rates move along what alpha really did."""

from collections.abc import Mapping

from harness.analysis.results import Results
from harness.reporting.figures.canvas import (
    Axes,
    band,
    dress,
    end_labels,
    label,
    panel,
    rate_axis,
    spaced,
)
from harness.reporting.figures.curves import full_name, in_words, looks, points, series, shown
from harness.reporting.figures.drawing import Drawing, drawing

LEAST_NATS = 1e-6
"""Doses that differ by less are one."""


def draw(results: Results) -> Drawing | None:
    """Draw the headline rates over the dose; None where alphas don't differ in it.

    Pairs differ in what one unit of alpha does; on this scale they can be laid beside each other.
    """
    doses = {
        one.alpha: one.dose_nats.value for one in results.doses if one.dose_nats and one.alpha >= 0
    }
    curves = shown(results)
    # Of a model against itself rounding leaves some 1e-8.
    if not curves or not doses or max(doses.values()) - min(doses.values()) < LEAST_NATS:
        return None
    figure, axes = panel()
    ends = []
    told = [series("dose in nats per token", [f"{dose:.3f}" for dose in doses.values()], [*doses])]
    for curve, look in zip(curves, looks(results), strict=True):
        along = sorted(points([doses.get(alpha) for alpha in results.alphas], curve))
        if along:
            name = full_name(results, curve.name)
            band(axes, along, look)
            ends.append((*along[-1][:2], label(name), look))
            told.append(in_words(name, results.alphas, curve.rates))
    dress(axes, "dose: mean KL(amplified, target), nats per token", "Rate, with its 95% interval")
    rate_axis(axes)
    _alphas_above(axes, doses)
    end_labels(axes, ends)
    return drawing("rates_by_dose", "Rates along the dose", " ".join(told), figure)


def _alphas_above(axes: Axes, doses: Mapping[float, float]) -> None:
    """Say above the panel which alpha each dose belongs to, as far as there is room."""
    kept = spaced({dose: alpha for alpha, dose in sorted(doses.items(), reverse=True)}, 14)
    above = axes.secondary_xaxis("top")
    above.set_xticks(
        list(kept), [f"\N{GREEK SMALL LETTER ALPHA} {alpha:g}" for alpha in kept.values()]
    )
    above.tick_params(length=0, pad=1)
    above.spines["top"].set_visible(False)
