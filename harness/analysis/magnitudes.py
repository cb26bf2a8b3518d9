"""How far amplification stretches the logits, beside what the formula says it must.

``std(t + alpha d) = sqrt(var(t) + 2 alpha cov(t, d) + alpha^2 var(d))`` with ``d = t - b``: the
spread need not grow like alpha, and may shrink. Knows the trace summaries only.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from harness.analysis.frame import finished

NEEDED = (
    "trace_amplified_min",
    "trace_amplified_max",
    "trace_amplified_std",
    "trace_amplified_std_closed_form",
)


@dataclass(frozen=True, kw_only=True)
class Magnitude:
    """The amplified logits of all sampled tokens at one alpha."""

    alpha: float
    n_tokens: int
    lowest: float
    """The smallest logit of any step; an extreme, so it moves with the number of tokens."""
    highest: float
    range: float
    range_change: float | None
    """Relative to alpha 0: 0.1 is 10 % wider. None without alpha 0."""
    std: float
    """Spread over the vocabulary as measured, mean over tokens."""
    std_closed_form: float
    """The same from the moments of target and baseline at the same steps."""
    std_ratio: float
    """Measured over closed form: 1 if the amplified logits are what the formula says."""
    std_linear: float | None
    """The naive guess ``std at alpha 0 * (1 + alpha)``, right only if d were a copy of t."""
    std_over_linear: float | None


def magnitudes(frame: pd.DataFrame) -> tuple[Magnitude, ...]:
    """Sum up the logits at each alpha; empty where the logs hold no such trace."""
    rows = finished(frame)
    if not set(NEEDED) <= set(rows.columns):
        return ()
    rows = rows[rows[list(NEEDED)].notna().all(axis=1) & (rows["n_tokens"] > 0)]
    groups = {float(str(alpha)): group for alpha, group in rows.groupby("alpha")}
    zero = groups.get(0.0)
    return tuple(_magnitude(alpha, group, zero) for alpha, group in groups.items())


def _magnitude(alpha: float, rows: pd.DataFrame, zero: pd.DataFrame | None) -> Magnitude:
    std, closed = (
        _per_token(rows, "trace_amplified_std"),
        _per_token(rows, "trace_amplified_std_closed_form"),
    )
    linear = None if zero is None else _per_token(zero, "trace_amplified_std") * (1 + alpha)
    return Magnitude(
        alpha=alpha,
        n_tokens=int(rows["n_tokens"].sum()),
        lowest=float(rows["trace_amplified_min"].min()),
        highest=float(rows["trace_amplified_max"].max()),
        range=_range(rows),
        range_change=None if zero is None else _range(rows) / _range(zero) - 1,
        std=std,
        std_closed_form=closed,
        std_ratio=std / closed,
        std_linear=linear,
        std_over_linear=std / linear if linear else None,
    )


def _range(rows: pd.DataFrame) -> float:
    return float(rows["trace_amplified_max"].max() - rows["trace_amplified_min"].min())


def _per_token(rows: pd.DataFrame, column: str) -> float:
    return float(np.average(rows[column].to_numpy(), weights=rows["n_tokens"].to_numpy()))
