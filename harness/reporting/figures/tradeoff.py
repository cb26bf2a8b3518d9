"""What effect is bought for how much nonsense, by alpha and constraint."""

import itertools
import math

from matplotlib.ticker import MaxNLocator, PercentFormatter

from harness.analysis.results import Results
from harness.reporting.figures.canvas import (
    LOOKS,
    Axes,
    Look,
    label,
    panels,
    rate_axis,
    shared_legend,
)
from harness.reporting.figures.curves import full_name, series, shown
from harness.reporting.figures.drawing import Drawing, drawing

AROUND = [
    (0.05 * math.cos(turn), 0.055 * math.sin(turn)) for turn in map(math.radians, range(0, 360, 30))
]
"""Where a label may stand about its point, as shares of the panel."""

Step = tuple[float, float, float]
"""Alpha, nonsense rate, rate of the behaviour."""


def draw(results: Results) -> Drawing | None:
    """Draw each behaviour over nonsense, a line per constraint through its alphas from 0 upwards.

    None where nonsense was not scored, or nothing beside it.
    """
    conditions = (results, *results.constrained)
    names = [one.name for one in shown(results) if one is not results.nonsense]
    paths = {
        name: [(one.constraint, steps) for one in conditions if (steps := _steps(one, name))]
        for name in names
    }
    if not any(paths.values()):
        return None
    figure, all_axes = panels(len(names), 3.4)
    for name, axes in zip(names, all_axes, strict=True):
        for i, (constraint, steps) in enumerate(paths[name]):
            _path(axes, steps, LOOKS[i % len(LOOKS)], label(constraint))
        axes.set_title(label(full_name(results, name)))
        axes.set_xlabel("nonsense (at each point: its alpha)")
        rate_axis(axes)
        _nonsense_axis(axes, max(step[1] for _, steps in paths[name] for step in steps))
        axes.grid(axis="both")
        _name_alphas(axes, [steps for _, steps in paths[name]])
    if results.constrained:
        shared_legend(figure, all_axes[0])
    told = " ".join(
        _in_words(_told_apart(full_name(results, name), constraint, results), steps)
        for name in names
        for constraint, steps in paths[name]
    )
    return drawing("tradeoff", "Effect against nonsense", told, figure)


def _steps(results: Results, name: str) -> list[Step]:
    curve = next((one for one in shown(results) if one.name == name), None)
    if curve is None or results.nonsense is None:
        return []
    along = zip(results.alphas, results.nonsense.rates, curve.rates, strict=True)
    return [
        (alpha, nonsense.rate, rate.rate)
        for alpha, nonsense, rate in along
        if alpha >= 0 and nonsense.rate is not None and rate.rate is not None
    ]


def _path(axes: Axes, steps: list[Step], look: Look, name: str) -> None:
    x, y = [step[1] for step in steps], [step[2] for step in steps]
    axes.plot(x, y, color=look.colour, marker=look.marker, linestyle=look.dash, label=name)


def _nonsense_axis(axes: Axes, most: float) -> None:
    """Scale from 0 to the most nonsense, and not to less than a quarter."""
    end = max(0.25, most)
    axes.set_xlim(-0.04 * end, 1.05 * end)
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))


def _name_alphas(axes: Axes, paths: list[list[Step]]) -> None:
    """Write its alpha beside each point, on the side where there is most room."""
    left, right = axes.get_xlim()
    across, up = right - left, axes.get_ylim()[1]
    taken = [
        (between(one[1], two[1], t), between(one[2], two[2], t))
        for steps in paths
        for one, two in itertools.pairwise([*steps, steps[-1]])
        for t in range(10)
    ]
    taken = [((x - left) / across, y) for x, y in taken]
    named: set[Step] = set()
    for step in (step for steps in paths for step in steps):
        if step in named:
            continue
        named.add(step)
        alpha, nonsense, rate = step
        spots = [((nonsense - left) / across + dx, rate + dy) for dx, dy in AROUND]
        inside = [(x, y) for x, y in spots if 0.03 < x < 0.98 and 0 < y < up]
        x, y = max(inside, key=lambda spot: min(math.dist(spot, one) for one in taken))
        taken.append((x, y))
        axes.text(left + x * across, y, f"{alpha:g}", ha="center", va="center", fontsize=8)


def between(one: float, two: float, tenths: int) -> float:
    """Go so many tenths of the way from one number to another."""
    return one + (two - one) * tenths / 10


def _told_apart(name: str, constraint: str, results: Results) -> str:
    return f"{name} under {constraint}" if results.constrained else name


def _in_words(name: str, steps: list[Step]) -> str:
    values = [f"{rate:.0%} for {nonsense:.0%} nonsense" for _, nonsense, rate in steps]
    return series(name, values, [alpha for alpha, _, _ in steps])
