"""Dose and gain: did the amplified logits reach the sampler?"""

from collections.abc import Iterable

from harness.analysis.dose import Estimate
from harness.analysis.results import Results
from harness.reporting.figures.canvas import (
    LOOKS,
    alpha_axis,
    band,
    dress,
    end_labels,
    panel,
)
from harness.reporting.figures.curves import series
from harness.reporting.figures.drawing import Drawing, drawing

DOSE, GAIN = LOOKS[0], LOOKS[3]
Known = list[tuple[float, Estimate]]


def draw(results: Results) -> Drawing | None:
    """Draw the dose along alpha, and the gain of the sampled tokens that should equal it."""
    dose = _known((one.alpha, one.dose_nats) for one in results.doses)
    gain = _known((one.alpha, one.gain_nats) for one in results.doses)
    if not dose:
        return None
    figure, axes = panel(3.8)
    band(
        axes,
        [(alpha, one.value, one.low, one.high) for alpha, one in dose],
        DOSE._replace(marker=""),
    )
    ends = [(dose[-1][0], dose[-1][1].value, "dose: expected", DOSE)]
    if gain:
        for alpha, one in gain:
            if one.low is not None:
                axes.plot([alpha, alpha], [one.low, one.high], color=GAIN.colour, linewidth=1.4)
        x, y = [alpha for alpha, _ in gain], [one.value for _, one in gain]
        axes.plot(x, y, color=GAIN.colour, marker=GAIN.marker, linestyle="")
        ends.append((x[-1], y[-1], "gain: of the sampled tokens", GAIN))
    dress(axes, "", "Nats per token, with the 95% interval over prompts")
    alpha_axis(axes, [one.alpha for one in results.doses])
    end_labels(axes, ends)
    told = f"{_in_words('Dose', dose)} {_in_words('Gain', gain)}"
    return drawing("dose", "Dose and gain along alpha", told, figure)


def _known(estimates: Iterable[tuple[float, Estimate | None]]) -> Known:
    return [(alpha, one) for alpha, one in estimates if one is not None]


def _in_words(name: str, known: Known) -> str:
    if not known:
        return f"{name}: not known."
    return series(f"{name}, nats per token", [str(one) for _, one in known], [a for a, _ in known])
