"""How each behaviour moves along alpha and along dose: one line for every cell of the grid.

Knows curves. Refuses to know logs and how a trend is shown.
"""

from dataclasses import dataclass
from typing import Literal

from harness.analysis.differences import Difference

Regressor = Literal["alpha", "dose"]

OVERALL = "all"
"""The category of a trend over a behaviour's main prompts."""


@dataclass(frozen=True, kw_only=True)
class Trend:
    """One behaviour in one category along one regressor."""

    behaviour: str
    """The name of the curve: ``refusal``, ``nonsense``, a scorer's name."""
    category: str
    """``all`` is the behaviour's main prompts, without the benign control where there is one."""
    regressor: Regressor
    """``dose`` is the mean dose of each alpha, in nats per token."""
    alphas: tuple[float, ...]
    """The alphas that it is over, rising: those where the text still makes sense."""
    k: int
    """Events at these alphas."""
    n: int
    """Scored rollouts at these alphas."""
    n_prompts: int
    odds_ratio: float | None
    """Factor on the odds per unit of the regressor; None where there is no finite or no
    trustworthy estimate, and ``note`` says why."""
    low: float | None
    """Of the odds ratio's 95 % interval over prompts."""
    high: float | None
    change: Difference | None
    """From the first of the alphas to the last, paired by prompt: an effect size that stands
    where the odds ratio can't."""
    p_value: float | None
    """That the odds don't move with the regressor; None where that can't be tested."""
    p_adjusted: float | None
    """Benjamini and Hochberg's, over all trends along the same regressor."""
    discovery: bool
    """The adjusted p is at most 0.05."""
    check_z: float | None
    """The Cochran-Armitage statistic with the variance between prompts, as a check."""
    check_p: float | None
    turns: bool
    """The rate goes against its own trend between two neighbouring alphas, beyond chance: one
    odds ratio then hides a rise and a fall."""
    note: str | None
    """What to keep in mind, or why there is no odds ratio."""


@dataclass(frozen=True, kw_only=True)
class LengthTrend:
    """How the length of replies ranks along alpha, within prompts."""

    measure: Literal["tokens", "characters"]
    category: str
    alphas: tuple[float, ...]
    """The alphas that it is over, rising: those where the text still makes sense."""
    n: int
    """Rollouts."""
    n_prompts: int
    """Prompts whose replies differ in length."""
    rho: float | None
    """Mean over prompts of each prompt's own Spearman correlation of length with alpha."""
    low: float | None
    high: float | None
    p_value: float | None
    p_adjusted: float | None
    """In one family with the trends along alpha."""
    discovery: bool
    note: str | None
