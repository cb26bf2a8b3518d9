"""Results to figures: deterministic SVG, readable in grey and by colour-blind eyes.

Knows matplotlib's objects. Refuses pyplot, whose state is shared by the whole process.
"""

import io
from collections.abc import Sequence
from typing import Any

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

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
    return drawn


def rates_figure(results: Results) -> str:
    """Draw the headline rates along alpha with their intervals as bands."""
    with matplotlib.rc_context(SETTINGS):
        figure, axes = _axes("rate (band: 95% interval over prompts)")
        for curve, look in zip(_curves(results), _looks(results), strict=True):
            known = [
                (alpha, rate.rate, rate.low, rate.high)
                for alpha, rate in zip(results.alphas, curve.rates, strict=True)
                if rate.rate is not None
            ]
            _band(axes, known, _label(results, curve.name), look)
        axes.set_ylim(-0.02, 1.02)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
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


def _curves(results: Results) -> Sequence[Any]:
    return headline_curves(results.refusal, results.nonsense, results.others)


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
    axes.set_xlabel("alpha (0: target)")
    axes.set_ylabel(ylabel)
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    return figure, axes


def _band(
    axes: Any,
    points: Sequence[tuple[float, float, float | None, float | None]],
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
