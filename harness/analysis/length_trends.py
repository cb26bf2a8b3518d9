"""How the length of replies ranks along alpha, each prompt against itself.

Knows lengths only.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.analysis.differences import few_differ, location
from harness.analysis.frame import finished
from harness.analysis.grid import OVERALL
from harness.analysis.lengths import CUT
from harness.analysis.rates import SIGNIFICANCE
from harness.analysis.trends import FEWEST_PROMPTS

Measure = Literal["tokens", "characters"]
Floats = NDArray[np.float64]

COLUMNS: dict[Measure, str] = {"tokens": "n_tokens", "characters": "n_chars"}
MUCH_CUT = 0.2
"""Where more replies than this are cut at some alpha, ranks are among the lengths of the limit."""


@dataclass(frozen=True, kw_only=True)
class LengthTrend:
    """How one measure of length ranks along alpha, within prompts."""

    measure: Measure
    category: str
    """``all`` is all prompts, benign ones included."""
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


def length_trends(frame: pd.DataFrame, alphas: tuple[float, ...]) -> tuple[LengthTrend, ...]:
    """Correlate length with alpha over all prompts and in each category; p not adjusted yet.

    Spearman's rho of each prompt, then the mean over prompts with a t interval of g - 1 degrees:
    what makes one prompt's replies longer than another's has no part in it, and repeats only
    sharpen a prompt's own rho.

    Args:
        frame: from ``read_frame``, one constraint.
        alphas: those to look at.
    """
    rows = finished(frame)
    rows = rows[rows["alpha"].isin(alphas)]
    categories = sorted(rows["category"].unique())
    parts = {OVERALL: rows}
    if len(categories) > 1:
        parts |= {name: rows[rows["category"] == name] for name in categories}
    return tuple(
        _length_trend(measure, category, part, alphas)
        for measure in COLUMNS
        for category, part in parts.items()
        if part[COLUMNS[measure]].notna().any()
    )


def rank_correlations(values: Floats, along: Floats, prompts: NDArray[np.object_]) -> Floats:
    """Give each prompt's Spearman correlation, ties at their mean rank; [g].

    NaN for a prompt whose values, or whose alphas, are all equal.
    """
    table = pd.DataFrame({"prompt": prompts, "value": values, "along": along})
    groups = table.groupby("prompt", sort=True)
    ranks = groups[["value", "along"]].rank()
    ranks = ranks - ranks.groupby(table["prompt"]).transform("mean")
    ranks["product"] = ranks["value"] * ranks["along"]
    ranks[["value", "along"]] **= 2
    sums = ranks.groupby(table["prompt"], sort=True).sum()
    with np.errstate(invalid="ignore"):
        rho: Floats = (sums["product"] / np.sqrt(sums["value"] * sums["along"])).to_numpy()
    return rho


def _length_trend(
    measure: Measure, category: str, rows: pd.DataFrame, alphas: tuple[float, ...]
) -> LengthTrend:
    rows = rows[rows[COLUMNS[measure]].notna()]
    every = rank_correlations(
        rows[COLUMNS[measure]].to_numpy(dtype=np.float64),
        rows["alpha"].to_numpy(dtype=np.float64),
        rows["sample_id"].to_numpy(dtype=object),
    )
    rho = np.round(every[~np.isnan(every)], 12)
    few = len(rho) < FEWEST_PROMPTS
    where = None if few else location(rho, SIGNIFICANCE, 1.0 if few_differ(rho) else 0.0)
    n_equal = len(every) - len(rho)
    notes = [f"only {len(rho)} prompt{'s' * (len(rho) != 1)} with replies of different length"]
    notes = notes if few else []
    if n_equal:
        notes.append(f"{n_equal} prompt{'s' * (n_equal != 1)} left out, whose replies are alike")
    notes += _cut(rows)
    return LengthTrend(
        measure=measure,
        category=category,
        alphas=alphas,
        n=len(rows),
        n_prompts=len(rho),
        rho=float(rho.mean()) if where else None,
        low=where.low if where else None,
        high=where.high if where else None,
        p_value=where.p_value if where else None,
        p_adjusted=None,
        discovery=False,
        note="; ".join(notes) or None,
    )


def _cut(rows: pd.DataFrame) -> list[str]:
    shares = rows["stop_reason"].isin(CUT).groupby(rows["alpha"]).mean()
    if shares.empty or shares.max() <= MUCH_CUT:
        return []
    return [f"up to {shares.max():.0%} are cut at the token limit"]
