"""Whether the steps were amplified by the alpha that was asked for.

An alpha that is lost on its way leaves every other check content: the tokens follow the
distribution that drew them, and its spread is what that alpha makes of it. Only the model's name
knows better. Knows traces and the names' alphas.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from harness.analysis.dose import Verdict
from harness.analysis.frame import finished
from harness.constraint import NONE

TOLERANCE = 1e-3
"""Relative, of strength and spread; float32 leaves 1e-6."""


@dataclass(frozen=True, kw_only=True)
class Strength:
    """The alpha of the model's name beside what the steps bear witness to."""

    alpha: float
    n_rollouts: int
    n_tokens: int
    applied: float | None
    """The rollout's mean recorded strength that is furthest from ``alpha``; None where no trace
    holds any."""
    spread_ratio: float | None
    """Measured spread of the amplified logits over what target and baseline of the same steps
    give at ``alpha``; 1 if that was applied. None without trace files."""
    verdict: Verdict


def strengths(frame: pd.DataFrame, tokens: pd.DataFrame | None) -> tuple[Strength, ...]:
    """Hold recorded strength and spread against the alpha that was asked for.

    A constraint may apply another strength on purpose: its rollouts are not checked.

    Args:
        frame: rollouts under one constraint.
        tokens: from ``token_sums``; None without trace files.
    """
    rows = finished(frame)
    return tuple(_strength(float(str(alpha)), own, tokens) for alpha, own in rows.groupby("alpha"))


def _strength(alpha: float, rows: pd.DataFrame, tokens: pd.DataFrame | None) -> Strength:
    plain = rows["constraint"].iloc[0] == NONE
    applied = _applied(alpha, rows) if plain else None
    ratio = _spread_ratio(rows, tokens) if plain and tokens is not None else None
    known = [value for value in (applied, ratio) if value is not None]
    off = applied is not None and abs(applied - alpha) > TOLERANCE * max(1.0, abs(alpha))
    off |= ratio is not None and abs(ratio - 1) > TOLERANCE
    return Strength(
        alpha=alpha,
        n_rollouts=len(rows),
        n_tokens=int(rows["n_tokens"].sum()),
        applied=applied,
        spread_ratio=ratio,
        verdict="not checked" if not known else "not as predicted" if off else "as predicted",
    )


def _applied(alpha: float, rows: pd.DataFrame) -> float | None:
    if "trace_alpha_applied" not in rows:
        return None
    recorded = rows["trace_alpha_applied"].dropna().to_numpy(dtype=np.float64)
    return float(recorded[np.abs(recorded - alpha).argmax()]) if len(recorded) else None


def _spread_ratio(rows: pd.DataFrame, tokens: pd.DataFrame) -> float | None:
    own = tokens[tokens["sample_uuid"].isin(rows["sample_uuid"])]
    own = own[own["std_asked"].notna() & own["std"].notna()] if len(own) else own
    return float(own["std"].sum() / own["std_asked"].sum()) if len(own) else None
