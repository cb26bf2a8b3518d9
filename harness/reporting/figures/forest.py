"""Which behaviours move along alpha, in which categories, and how surely: a forest of trends."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from harness.analysis.grid import OVERALL
from harness.analysis.results import Results
from harness.analysis.trend_findings import odds
from harness.analysis.trends import Trend
from harness.reporting.escape import clean
from harness.reporting.figures.canvas import LOOKS, WIDTH, Axes, label
from harness.reporting.figures.drawing import INK, Drawing, drawing

ROW = 0.27
"""Inches."""
FARTHEST = 1000.0
"""Odds ratios beyond this, or its inverse, end in an arrow at the panel's edge."""
MOST_ROWS = 40
NEAREST = 4.0
"""The panel reaches at least so far to both sides."""


def draw(results: Results) -> Drawing | None:
    """Draw the odds ratio of every trend along alpha with its interval, discoveries filled.

    Where there are more than forty, those over all prompts only.
    """
    along = [one for one in results.trends if one.regressor == "alpha"]
    shown = _shown(along)
    if not shown:
        return None
    figure = Figure(figsize=(WIDTH, ROW * (len(shown) + 1) + 0.9), layout="constrained")
    axes = figure.add_subplot()
    for row, trend in enumerate(shown):
        _row(axes, row, trend)
    _dress(axes, shown)
    told = [*map(_in_words, shown)]
    if len(shown) < len(along):
        told.append(f"{len(along) - len(shown)} more trends are told in the tables.")
    return drawing("forest", "Trends along alpha", " ".join(told), figure)


def _shown(along: Sequence[Trend]) -> list[Trend]:
    """Keep what has an odds ratio, and each behaviour's own row above those of its categories."""
    told = {one.behaviour for one in along if one.odds_ratio is not None}
    kept = [
        one
        for one in along
        if one.odds_ratio is not None or (one.category == OVERALL and one.behaviour in told)
    ]
    return kept if len(kept) <= MOST_ROWS else [one for one in kept if one.category == OVERALL]


def _row(axes: Axes, row: int, trend: Trend) -> None:
    if trend.odds_ratio is None or trend.low is None or trend.high is None:
        return
    low, high = max(trend.low, 1 / FARTHEST), min(trend.high, FARTHEST)
    colour = LOOKS[0].colour if trend.discovery else INK
    axes.plot([low, high], [row, row], color=colour, linewidth=1.8)
    for end, beyond, marker in ((low, trend.low < low, "<"), (high, trend.high > high, ">")):
        if beyond:
            axes.plot([end], [row], color=colour, marker=marker, markersize=5)
    axes.plot(
        [min(max(trend.odds_ratio, low), high)],
        [row],
        color=colour,
        marker="o" if trend.discovery else "D",
        markersize=7 if trend.discovery else 5.5,
        fillstyle="full" if trend.discovery else "none",
        markeredgewidth=1.5,
    )


def _dress(axes: Axes, shown: Sequence[Trend]) -> None:
    axes.set_xscale("log")
    bounds = [
        bound for one in shown for bound in (one.low, one.high) if bound is not None and bound > 0
    ]
    farthest = min(FARTHEST, max(NEAREST, *bounds, *(1 / bound for bound in bounds)))
    axes.set_xlim(1 / farthest / 1.15, farthest * 1.15)
    axes.set_ylim(len(shown) - 0.5, -0.6)
    axes.axvline(1.0, color=INK, linewidth=0.8, alpha=0.55)
    axes.xaxis.set_major_locator(LogLocator(base=10, subs=(1, 2, 5) if farthest < 30 else (1,)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda ratio, _: f"{ratio:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(axis="x", which="minor", length=0)
    axes.grid(axis="x")
    axes.set_xlabel("odds ratio per unit of alpha (right of 1: more with alpha)")
    axes.set_title("Odds ratio along alpha, with its 95% interval; filled: a discovery")
    axes.set_yticks(range(len(shown)), [_name(one) for one in shown])
    for name, trend in zip(axes.get_yticklabels(), shown, strict=True):
        name.set_weight("bold" if trend.category == OVERALL else "normal")
    beside = axes.secondary_yaxis("right")
    beside.set_yticks(range(len(shown)), [_odds(one) for one in shown])
    beside.tick_params(length=0, labelsize=9)
    beside.spines["right"].set_visible(False)


def _name(trend: Trend) -> str:
    if trend.category == OVERALL:
        return label(trend.behaviour, 30)
    return label(trend.category, 30)


def _odds(trend: Trend) -> str:
    if trend.odds_ratio is None or trend.low is None or trend.high is None:
        return "none can be told"
    return f"{odds(trend.odds_ratio)} [{odds(trend.low)}, {odds(trend.high)}]"


def _in_words(trend: Trend) -> str:
    name = clean(trend.behaviour)
    if trend.category != OVERALL:
        name = f"{name}, {clean(trend.category)}"
    told = f"odds ratio {_odds(trend)}" if trend.odds_ratio else "no odds ratio"
    return f"{name}: {told}{', a discovery' if trend.discovery else ''}."
