"""Results to figures: deterministic SVG, readable in grey and by colour-blind eyes.

Knows matplotlib's objects. Refuses pyplot, whose state is shared by the whole process.
"""

import io
import itertools
from collections.abc import Sequence
from typing import Any

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from harness.analysis.behaviours import Curve
from harness.analysis.results import Results, headline_curves
from harness.reporting.escape import clean

# Okabe and Ito's colours, told apart by marker and dash as well.
LOOKS = (
    ("#0072B2", "o", "-"),
    ("#009E73", "s", "--"),
    ("#E69F00", "^", "-."),
    ("#CC79A7", "v", ":"),
    ("#56B4E9", "P", "-"),
)
NONSENSE_LOOK = ("#D55E00", "D", ":")
SETTINGS: Any = {
    "svg.hashsalt": "inspect-amplify",  # ids from this, not from the clock
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


Point = tuple[float, float, float | None, float | None]
"""Alpha, value, and the ends of its interval."""


def figures(results: Results) -> dict[str, str]:
    """Draw every figure that the results hold data for.

    Returns:
        SVG text by file name.
    """
    drawn = {}
    if _curves(results):
        drawn["rates.svg"] = rates_figure(results)
    if any(dose.dose_nats for dose in results.doses):
        drawn["dose.svg"] = dose_figure(results)
    if results.constrained and _curves(results):
        drawn["constraints.svg"] = constraints_figure(results)
    return drawn


def constraints_figure(results: Results) -> str:
    """Draw each headline rate along alpha, a panel a rate and a line a constraint."""
    names = [curve.name for curve in _curves(results)]
    with matplotlib.rc_context(SETTINGS):
        figure = Figure(figsize=(7.0, 3.0 * ((len(names) + 1) // 2) + 0.6), layout="constrained")
        for i, name in enumerate(names):
            axes = figure.add_subplot((len(names) + 1) // 2, min(len(names), 2), i + 1)
            _dress(axes, "")
            axes.set_title(_label(results, name), fontsize=10.0)
            for one, look in zip((results, *results.constrained), itertools.cycle(LOOKS)):
                for curve in _curves(one):
                    if curve.name == name:
                        _band(axes, _points(one, curve), clean(one.constraint), look)
            _rate_axis(axes)
        return _svg(figure, figure.axes[0])


def rates_figure(results: Results) -> str:
    """Draw the headline rates along alpha with their intervals as bands."""
    with matplotlib.rc_context(SETTINGS):
        figure, axes = _axes("rate (band: 95% interval over prompts)")
        for curve, look in zip(_curves(results), _looks(results), strict=True):
            _band(axes, _points(results, curve), _label(results, curve.name), look)
        _rate_axis(axes)
        return _svg(figure, axes)


def dose_figure(results: Results) -> str:
    """Draw the dose along alpha, and the gain of the sampled tokens that should equal it."""
    with matplotlib.rc_context(SETTINGS):
        figure, axes = _axes("nats per token (band: 95% interval)")
        named = (("dose: mean KL(amplified, target)", "dose_nats"), ("gain", "gain_nats"))
        for (label, name), look in zip(named, LOOKS, strict=False):
            estimates = [(dose.alpha, getattr(dose, name)) for dose in results.doses]
            known = [
                (alpha, one.value, one.low, one.high) for alpha, one in estimates if one is not None
            ]
            _band(axes, known, label, look)
        return _svg(figure, axes)


def _curves(results: Results) -> Sequence[Curve]:
    return headline_curves(results.refusal, results.nonsense, results.others)


def _points(results: Results, curve: Curve) -> list[Point]:
    return [
        (alpha, rate.rate, rate.low, rate.high)
        for alpha, rate in zip(results.alphas, curve.rates, strict=True)
        if rate.rate is not None
    ]


def _looks(results: Results) -> list[tuple[str, str, str]]:
    curves = _curves(results)
    return [
        NONSENSE_LOOK if curve is results.nonsense else LOOKS[i % len(LOOKS)]
        for i, curve in enumerate(curves)
    ]


def _label(results: Results, name: str) -> str:
    if results.refusal and name == results.refusal.refusal.name:
        name = f"{name}, {results.refusal.asked}"
    # A dollar sign would start a formula.
    return clean(name).replace("$", r"\$")


def _axes(ylabel: str) -> tuple[Figure, Any]:
    figure = Figure(figsize=(7.0, 4.2), layout="constrained")
    axes = figure.add_subplot()
    _dress(axes, ylabel)
    return figure, axes


def _dress(axes: Any, ylabel: str) -> None:
    axes.set_xlabel("alpha (0: target)")
    axes.set_ylabel(ylabel)
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)


def _rate_axis(axes: Any) -> None:
    axes.set_ylim(-0.02, 1.02)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))


def _band(
    axes: Any,
    points: Sequence[Point],
    label: str,
    look: tuple[str, str, str],
) -> None:
    colour, marker, dash = look
    x, y = [point[0] for point in points], [point[1] for point in points]
    axes.plot(x, y, color=colour, marker=marker, linestyle=dash, label=label)
    low = [y if bound is None else bound for _, y, bound, _ in points]
    high = [y if bound is None else bound for _, y, _, bound in points]
    axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)


def _svg(figure: Figure, axes: Any) -> str:
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    written = io.StringIO()
    figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None})
    return written.getvalue()
