"""How long the replies are along alpha."""

from harness.analysis.lengths import Length, Spread
from harness.analysis.results import Results
from harness.reporting.figures.canvas import (
    LOOKS,
    alpha_axis,
    band,
    dress,
    end_labels,
    panel,
)
from harness.reporting.figures.drawing import Drawing, drawing


def draw(results: Results) -> Drawing | None:
    """Draw the median length, the quartiles as a band and the mean, and what the limit cut."""
    in_tokens = all(row.tokens for row in results.lengths)
    rows = [(row, row.tokens if in_tokens else row.characters) for row in results.lengths]
    known = [(row, spread) for row, spread in rows if spread is not None]
    if not known:
        return None
    figure, axes = panel(3.6)
    median = [(row.alpha, one.median, one.quartiles[0], one.quartiles[1]) for row, one in known]
    band(axes, median, LOOKS[0])
    alphas, means = [row.alpha for row, _ in known], [one.mean for _, one in known]
    axes.plot(alphas, means, color=LOOKS[3].colour, marker="v", linestyle=LOOKS[3].dash)
    unit = "tokens" if in_tokens else "characters"
    dress(axes, "", f"Length of a reply in {unit}: median, quartiles (band) and mean")
    alpha_axis(axes, alphas)
    axes.set_ylim(bottom=0, top=1.18 * max(one.quartiles[1] for _, one in known))
    for row, one in known:
        if row.cut.k:
            axes.annotate(
                f"{row.cut.rate:.0%} cut",
                (row.alpha, one.quartiles[1]),
                xytext=(0, 5),
                textcoords="offset points",
                ha="center",
                fontsize=8,
            )
    end_labels(
        axes,
        [
            (alphas[-1], median[-1][1], "median", LOOKS[0]),
            (alphas[-1], means[-1], "mean", LOOKS[3]),
        ],
    )
    told = "; ".join(_in_words(row, one, unit) for row, one in known)
    return drawing("lengths", "Length of the replies along alpha", f"{told}.", figure)


def _in_words(row: Length, one: Spread, unit: str) -> str:
    return (
        f"At alpha {row.alpha:g} median {one.median:g} {unit}, quartiles {one.quartiles[0]:g} and "
        f"{one.quartiles[1]:g}, mean {one.mean:.1f}, {row.cut} cut at the token limit"
    )
