"""Where along alpha a curve breaks or saturates: sense, behaviours, dose and entropy.

Knows curves as totals per prompt and alpha. Refuses to know how they are shown.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["sensible", "saturation", "fall back", "entropy collapse", "entropy rise"]


@dataclass(frozen=True, kw_only=True)
class Regime:
    """One place along alpha, from 0 upwards, where a curve changes its nature."""

    kind: Kind
    of: str
    """The curve: a scorer's behaviour, ``nonsense``, ``dose`` or ``entropy``."""
    rule: str
    """What is looked for, in words, with its level."""
    alpha: float | None
    """Where it happens in the data; None if not within the sweep, or if it can't be told."""
    low: float | None
    """2.5 % of resamples of the prompts have it earlier; None where ``alpha`` can't be told."""
    high: float | None
    """2.5 % have it later; None where it may lie beyond the sweep."""
    within: float | None
    """Share of resamples that have it within the sweep, 0 to 1."""
    between: tuple[float, float] | None
    """The swept alphas on both sides of ``alpha``; what is between them is interpolated."""
    last: float
    """The largest alpha of the sweep."""
    n_prompts: int
    n_resamples: int
    note: str | None
    """Why it can't be told, if it can't."""
    sentence: str | None
    """What may be said; None where the interval allows nothing."""

    def __str__(self) -> str:
        """Show as ``1.40 [1.10, 1.60]``, ``2.60 [2.10, beyond 3]`` or ``not up to 3``."""
        if self.note is not None:
            return self.note
        if self.alpha is None:
            return f"not up to {self.last:g}"
        high = f"beyond {self.last:g}" if self.high is None else f"{self.high:.2f}"
        return (
            f"{self.alpha:.2f}"
            if self.low is None
            else f"{self.alpha:.2f} [{self.low:.2f}, {high}]"
        )
