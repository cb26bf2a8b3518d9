"""Two runs along dose: the rates of both, and what lies between them."""

import matplotlib

from harness.analysis.run_comparison import (
    BehaviourComparison,
    ConditionComparison,
    RunComparison,
    Side,
)
from harness.reporting.figures.canvas import (
    LOOKS,
    SETTINGS,
    Axes,
    Point,
    band,
    dress,
    label,
    panels,
    rate_axis,
    shared_legend,
)
from harness.reporting.figures.drawing import INK, Drawing, drawing

XLABEL = "dose, nats per token"


def figures_of(found: RunComparison) -> dict[str, Drawing]:
    """Draw both figures of every condition that has common doses, by file name."""
    drawn = {}
    with matplotlib.rc_context(SETTINGS):
        for i, one in enumerate(found.conditions, start=1):
            if one.common_doses is not None:
                for kind, draw in (("rates", _rates), ("changes", _changes)):
                    name = f"compared_{kind}_{i}"
                    drawn[f"{name}.svg"] = draw(one, name)
    return drawn


def _rates(one: ConditionComparison, name: str) -> Drawing:
    figure, all_axes = panels(len(one.behaviours))
    told = []
    for behaviour, axes in zip(one.behaviours, all_axes, strict=True):
        for run, side, look in zip("AB", (one.a, one.b), LOOKS, strict=False):
            along = _points(behaviour, run, side)
            band(axes, along, look, f"{run}: {label(side.pair)}, {label(side.constraint)}")
            told.append(_in_words(behaviour, run, side))
        dress(axes, XLABEL, label(behaviour.name))
        rate_axis(axes)
        _mark(axes, one)
    shared_legend(figure, all_axes[0])
    return drawing(name, "Rates of both runs along dose", " ".join(told), figure)


def _changes(one: ConditionComparison, name: str) -> Drawing:
    figure, all_axes = panels(len(one.behaviours))
    told = []
    for behaviour, axes in zip(one.behaviours, all_axes, strict=True):
        points: list[Point] = [
            (one.dose_nats, 100 * one.change.value, 100 * one.change.low, 100 * one.change.high)
            for one in behaviour.at_dose
        ]
        band(axes, points, LOOKS[2], "from A to B, with its 95% interval")
        axes.axhline(0, color=INK, linewidth=0.8)
        dress(axes, XLABEL, f"{label(behaviour.name)}: change, points")
        changes = ", ".join(
            f"{point.change} at {point.dose_nats:.3f} nats per token" for point in behaviour.at_dose
        )
        told.append(f"{behaviour.name}: {changes}.")
    shared_legend(figure, all_axes[0])
    return drawing(name, "Change from A to B at equal doses", " ".join(told), figure)


def _points(behaviour: BehaviourComparison, run: str, side: Side) -> list[Point]:
    rates = behaviour.a if run == "A" else behaviour.b
    return sorted(
        (dose.value, rate.rate, rate.low, rate.high)
        for alpha, dose, rate in zip(side.alphas, side.doses, rates, strict=True)
        if alpha >= 0 and dose is not None and rate.rate is not None
    )


def _mark(axes: Axes, one: ConditionComparison) -> None:
    """Shade the doses that both runs reach."""
    assert one.common_doses is not None
    axes.axvspan(*one.common_doses, color=INK, alpha=0.05, linewidth=0)


def _in_words(behaviour: BehaviourComparison, run: str, side: Side) -> str:
    rates = behaviour.a if run == "A" else behaviour.b
    told = ", ".join(
        f"{rate} at {dose.value:.3f} nats per token (alpha {alpha:g})"
        for alpha, dose, rate in zip(side.alphas, side.doses, rates, strict=True)
        if alpha >= 0 and dose is not None
    )
    return f"{behaviour.name} in {run}: {told}."
