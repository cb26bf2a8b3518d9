"""The words for how sure something is, each with its threshold: nothing else may be said.

``docs/reports.md`` explains them to readers. Knows differences and adjusted p values.
"""

from typing import Literal

from harness.analysis.differences import Difference
from harness.analysis.rates import SIGNIFICANCE

SMALL_CHANGE = 0.10
"""A change that lies within this, interval and all, is called small."""

EVIDENCE = ((0.001, "very strong evidence"), (0.01, "strong evidence"), (SIGNIFICANCE, "evidence"))
"""The most that an adjusted p value may be for the words beside it. What is no discovery gets none
of them.

Source: Muff et al. 2022, "Rewriting results sections in the language of evidence"; what they call
weak evidence (up to 0.1) is left out, for it would be read as some.
"""

Movement = Literal["rises", "falls", "hardly moves", "no change can be told"]


def movement(change: Difference) -> Movement:
    """Name what a difference's 95 % interval allows to be said.

    ``rises`` or ``falls`` where it leaves out 0; ``hardly moves`` where it holds 0 and nothing
    beyond 10 points; otherwise the data can't say.
    """
    if change.is_told:
        return "rises" if change.change > 0 else "falls"
    small = -SMALL_CHANGE <= change.low and change.high <= SMALL_CHANGE
    return "hardly moves" if small else "no change can be told"


def evidence(p_adjusted: float | None) -> str | None:
    """Name how strongly a trend is borne out; None where it is no discovery."""
    if p_adjusted is None:
        return None
    return next((words for most, words in EVIDENCE if p_adjusted <= most), None)
