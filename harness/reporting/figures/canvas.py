"""What all figures share: colours, axes, bands, labels at the lines' ends.

Knows matplotlib's objects. Refuses pyplot, whose state is shared by the whole process.
"""

import itertools
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FixedLocator, FuncFormatter, PercentFormatter

from harness.reporting.escape import clean
from harness.reporting.figures.drawing import INK

T = TypeVar("T")

Axes = Any
"""matplotlib's, whose types know few of its methods."""


class Look(NamedTuple):
    """How a line is told apart: never by its colour alone."""

    colour: str
    marker: str
    dash: Any


# Okabe and Ito's colours, in the order of their contrast with both white and black.
LOOKS = (
    Look("#0072B2", "o", "-"),
    Look("#009E73", "s", (0, (5, 1.5))),
    Look("#CC79A7", "^", (0, (6, 1.5, 1.5, 1.5))),
    Look("#E69F00", "v", (0, (3, 1, 1, 1, 1, 1))),
    Look("#56B4E9", "P", (0, (8, 2))),
)
NONSENSE_LOOK = Look("#D55E00", "D", (0, (1.5, 1.5)))
SETTINGS: Any = {
    "svg.hashsalt": "inspect-amplify",  # ids from this, not from the clock
    "svg.fonttype": "none",
    "font.family": ["DejaVu Sans"],  # comes with matplotlib, so that the layout is always the same
    "font.size": 10.0,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.titlepad": 10.0,
    "axes.labelpad": 6.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.linewidth": 0.8,
    "axes.axisbelow": True,
    "xtick.major.size": 4.0,
    "ytick.major.size": 0.0,
    "grid.linewidth": 0.8,
    "grid.alpha": 0.13,
    "lines.linewidth": 1.8,
    "lines.markersize": 6.0,
    "legend.frameon": False,
    "legend.handlelength": 3.4,
    **dict.fromkeys(
        ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), INK
    ),
    "grid.color": INK,
}
WIDTH = 7.4
"""Inches, of every figure."""
MAX_LABEL = 44
END_LABEL = 21
"""Characters of a line of a label at a line's end."""
LINE_HEIGHT = 0.055
"""Of a label, as a share of the axes' height."""

Point = tuple[float, float, float | None, float | None]
"""Where on the abscissa, value, and the ends of its interval."""


def panel(height: float = 4.0) -> tuple[Figure, Axes]:
    """Make a figure of one panel."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.add_subplot()


def panels(count: int, height: float = 3.0) -> tuple[Figure, list[Axes]]:
    """Make a figure of panels, two a row."""
    rows = (count + 1) // 2
    layout = ConstrainedLayoutEngine(wspace=0.06, hspace=0.06)
    figure = Figure(figsize=(WIDTH, height * rows + 0.5), layout=layout)
    return figure, [figure.add_subplot(rows, min(count, 2), i + 1) for i in range(count)]


def dress(axes: Axes, xlabel: str, title: str) -> None:
    """Label a panel: what goes upwards stands above it, where it reads without turning the head."""
    axes.set_xlabel(xlabel)
    axes.set_title(title)
    axes.grid(axis="y")


def alpha_axis(axes: Axes, alphas: Sequence[float]) -> None:
    """Mark the alphas that were sampled, and none between them."""
    axes.set_xlabel("alpha (0: the target)")
    kept = spaced({alpha: None for alpha in sorted(alphas, key=lambda alpha: alpha != 0)}, 24)
    axes.xaxis.set_major_locator(FixedLocator(sorted(kept)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda alpha, _: f"{alpha:g}"))


def spaced(at: Mapping[float, T], room: int) -> dict[float, T]:
    """Keep the first of what would stand closer than the span's share of one in ``room``."""
    least = (max(at) - min(at)) / room
    kept: dict[float, T] = {}
    for place, what in at.items():
        if all(abs(place - other) >= least for other in kept):
            kept[place] = what
    return kept


def rate_axis(axes: Axes) -> None:
    """Scale upwards from 0 to 100 %, whatever the rates."""
    axes.set_ylim(-0.02, 1.02)
    axes.yaxis.set_major_locator(FixedLocator([0, 0.25, 0.5, 0.75, 1]))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))


def band(
    axes: Axes, points: Sequence[Point], look: Look, label: str = "", opacity: float = 0.16
) -> None:
    """Draw a line with markers, and its interval as a band."""
    x, y = [point[0] for point in points], [point[1] for point in points]
    low = [y if bound is None else bound for _, y, bound, _ in points]
    high = [y if bound is None else bound for _, y, _, bound in points]
    axes.fill_between(x, low, high, color=look.colour, alpha=opacity, linewidth=0)
    axes.plot(x, y, color=look.colour, marker=look.marker, linestyle=look.dash, label=label)


def end_labels(axes: Axes, ends: Sequence[tuple[float, float, str, Look]]) -> None:
    """Write each line's name at its right end, pushed apart where they would touch.

    Args:
        axes: whose limits are set.
        ends: x and y of the last point, the name, the line's look.
    """
    bottom, top = axes.get_ylim()
    names = [textwrap.fill(name, END_LABEL) for _, _, name, _ in ends]
    room = [LINE_HEIGHT * (name.count("\n") + 1.25) for name in names]
    placed = _apart([(y - bottom) / (top - bottom) for _, y, _, _ in ends], room)
    for (x, y, _, look), name, height in zip(ends, names, placed, strict=True):
        axes.annotate(
            name,
            xy=(x, y),
            xytext=(1.04, height),
            textcoords="axes fraction",
            va="center",
            linespacing=1.05,
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": look.colour,
                "linewidth": 1.0,
                "shrinkA": 1.0,
                "shrinkB": 5.0,
            },
        )


def _apart(heights: Sequence[float], room: Sequence[float]) -> list[float]:
    """Push what stands on top of each other apart, keeping the order; down from 1 where it must."""
    order = sorted(range(len(heights)), key=lambda i: heights[i])
    placed = list(heights)
    for below, i in itertools.pairwise(order):
        placed[i] = max(placed[i], placed[below] + (room[below] + room[i]) / 2)
    ceiling = 1.02
    for i in reversed(order):
        placed[i] = min(placed[i], ceiling - room[i] / 2)
        ceiling = placed[i] - room[i] / 2
    return placed


def shared_legend(figure: Figure, axes: Axes, columns: int = 2) -> None:
    """Put one legend below all panels."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower left", ncols=columns)


def label(name: str, width: int = MAX_LABEL) -> str:
    """Make a name fit to be drawn: short, and no formula, which a dollar sign would start."""
    name = clean(name)
    short = name if len(name) <= width else f"{name[: width - 1].rstrip()}…"
    return short.replace("$", r"\$")
