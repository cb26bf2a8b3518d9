"""How long the replies are along alpha, and how many were cut off by the token limit."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from harness.analysis.frame import finished
from harness.analysis.rates import Rate, rate_of

CUT = ("max_tokens", "model_length")


@dataclass(frozen=True, kw_only=True)
class Spread:
    """What lengths are like over rollouts; the deviation is None for a single one."""

    median: float
    quartiles: tuple[float, float]
    """Of the rollouts, the lower and the upper; they describe, and are no interval."""
    mean: float
    deviation: float | None
    """Sample standard deviation (n - 1)."""
    variation: float | None
    """Deviation over mean."""


@dataclass(frozen=True, kw_only=True)
class Length:
    """The replies at one alpha that ended without an error."""

    alpha: float
    n: int
    tokens: Spread | None
    characters: Spread
    cut: Rate
    """Share that hit the token limit: their length is the limit's, not the model's."""


def lengths(frame: pd.DataFrame) -> tuple[Length, ...]:
    """Measure the replies at each alpha."""
    return tuple(
        _length(float(str(alpha)), rows) for alpha, rows in finished(frame).groupby("alpha")
    )


def _length(alpha: float, rows: pd.DataFrame) -> Length:
    tokens = rows["n_tokens"].dropna()
    cut = [float(reason in CUT) for reason in rows["stop_reason"]]
    return Length(
        alpha=alpha,
        n=len(rows),
        tokens=_spread(tokens) if len(tokens) else None,
        characters=_spread(rows["n_chars"]),
        cut=rate_of(cut, list(rows["sample_id"])),
    )


def _spread(values: "pd.Series[Any]") -> Spread:
    mean = float(values.mean())
    deviation = float(values.std()) if len(values) > 1 else None
    variation = deviation / mean if deviation is not None and mean else None
    lower, median, upper = (float(values.quantile(share)) for share in (0.25, 0.5, 0.75))
    return Spread(
        median=median,
        quartiles=(lower, upper),
        mean=mean,
        deviation=deviation,
        variation=variation,
    )
