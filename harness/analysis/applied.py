"""What a constraint did along alpha: the strength it let through and the mass it left.

Knows the trace summaries only.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from harness.analysis.dose import Estimate, mean_per_token
from harness.analysis.frame import finished


@dataclass(frozen=True, kw_only=True)
class Applied:
    """Means per sampled token at one alpha; None where the logs hold no such trace."""

    alpha: float
    alpha_applied: Estimate | None
    """The strength that steps were really amplified with, unitless."""
    target_mass_kept: Estimate | None
    """The target's probability of the tokens that could be sampled, 0 to 1."""


def applied(frame: pd.DataFrame) -> tuple[Applied, ...]:
    """Estimate both at each alpha."""
    return tuple(
        Applied(
            alpha=float(str(alpha)),
            alpha_applied=_estimate(rows, "trace_alpha_applied"),
            target_mass_kept=_estimate(rows, "trace_target_mass_kept"),
        )
        for alpha, rows in finished(frame).groupby("alpha")
    )


def _estimate(rows: pd.DataFrame, column: str) -> Estimate | None:
    if column not in rows.columns:
        return None
    rows = rows[rows[column].notna()]
    means, n_tokens = (rows[name].to_numpy(dtype=np.float64) for name in (column, "n_tokens"))
    return mean_per_token(means, n_tokens, list(rows["sample_id"]))
