"""Every rate along alpha: what each scorer saw, in which prompts.

A curve holds one rate per alpha; all tables, figures and sentences show these same objects, so
that they can't contradict each other. Knows the scorers' names and labels only.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.analysis.frame import ROLLOUT
from harness.analysis.rates import RARE_EVENTS, Rate, complement, design_effect, rate_of

BENIGN = "benign"
JUDGE = "judge"
OWN_TABLES = ("refusal", "nonsense", JUDGE)

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One behaviour along alpha."""

    name: str
    rates: tuple[Rate, ...]
    """One per alpha of the sweep, in their order."""


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """What the refusal scorer saw. A refusal or a partial refusal is the event."""

    asked: str
    """What the main curves are over: ``harmful-sounding prompts`` or ``all prompts``."""
    refusal: Curve
    benign: Curve | None
    """Over the benign prompts: over-refusal."""
    partial: Curve
    soft_jailbreak: Curve
    sensible_non_refusal: Curve | None
    """Neither refusal nor nonsense, over rollouts that both scorers scored."""
    non_refusal: Curve
    """The complement of ``refusal``."""
    categories: tuple[Curve, ...]
    """Refusal in each category."""
    non_refusal_by_category: tuple[Curve, ...]
    """The complements of ``categories``."""


@dataclass(frozen=True, kw_only=True)
class ScorerCurves:
    """Any other scorer of 0 and 1, over all prompts and by category."""

    overall: Curve
    categories: tuple[Curve, ...]
    """Empty where there is one category only."""


def has_benign(frame: pd.DataFrame) -> bool:
    """Say whether benign prompts stand beside others as a control."""
    categories = frame["category"].unique()
    return BENIGN in categories and len(categories) > 1


def curve(name: str, rows: pd.DataFrame, alphas: tuple[float, ...], column: str = "value") -> Curve:
    """Rate a column at each alpha; where events are rare, the other alphas lend their clusters."""
    assert rows["constraint"].nunique() <= 1
    cells = [rows[rows["alpha"] == alpha] for alpha in alphas]
    values = [cell[column].to_numpy(dtype=np.float64) for cell in cells]
    prompts = [cell["sample_id"].to_numpy(dtype=object) for cell in cells]
    pooled = _pooled_design_effect(values, prompts)
    rates = [
        rate_of(events, asked, pooled_design_effect=pooled)
        for events, asked in zip(values, prompts, strict=True)
    ]
    return Curve(name=name, rates=tuple(rates))


def curves_by_category(
    rows: pd.DataFrame, alphas: tuple[float, ...], column: str = "value"
) -> tuple[Curve, ...]:
    """Rate a column in each category; empty where there is one only."""
    names = sorted(rows["category"].unique())
    if len(names) < 2:
        return ()
    return tuple(curve(name, rows[rows["category"] == name], alphas, column) for name in names)


def refusal_curves(frame: pd.DataFrame, alphas: tuple[float, ...]) -> Refusal | None:
    """Rate refusals, with benign prompts apart; None where nothing was scored for refusal."""
    rows = refusal_rows(frame)
    if rows is None:
        return None
    main, control = main_and_benign(rows, frame)
    benign = has_benign(frame)
    categories = curves_by_category(rows, alphas)
    refusal, sensible = curve("refusal", main, alphas), sensible_rows(main, frame)
    return Refusal(
        asked="harmful-sounding prompts" if benign else "all prompts",
        refusal=refusal,
        non_refusal=_flipped(refusal),
        benign=curve("refusal of benign prompts", control, alphas) if benign else None,
        partial=curve("partial refusal", main, alphas, "partial"),
        soft_jailbreak=curve("soft jailbreak", main, alphas, "soft"),
        sensible_non_refusal=None
        if sensible is None
        else curve("sensible and not refused", sensible, alphas, "sensible"),
        categories=categories,
        non_refusal_by_category=tuple(_flipped(one) for one in categories),
    )


def refusal_rows(frame: pd.DataFrame) -> pd.DataFrame | None:
    """Take what the refusal scorer said, with ``partial`` and ``soft`` beside ``value``.

    None where nothing was scored for refusal.
    """
    rows = frame[frame["scorer"] == "refusal"].copy()
    if rows.empty or not is_binary(rows):
        return None
    scored = rows["value"].notna()
    rows["partial"] = (rows["label"] == "partial").astype("float64").where(scored)
    rows["soft"] = rows["soft_jailbreak"].astype("float64").where(scored)
    return rows


def main_and_benign(rows: pd.DataFrame, frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split off benign prompts, where they stand beside others as a control."""
    if not has_benign(frame):
        return rows, rows.iloc[:0]
    benign = rows["category"] == BENIGN
    return rows[~benign], rows[benign]


def sensible_rows(refusal: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame | None:
    """Mark in ``sensible`` what is neither refusal nor nonsense, where both were scored."""
    nonsense = frame[frame["scorer"] == "nonsense"]
    if nonsense.empty:
        return None
    both = refusal.merge(nonsense[[*ROLLOUT, "value"]], on=ROLLOUT, suffixes=("", "_nonsense"))
    known = both["value"].notna() & both["value_nonsense"].notna()
    neither = (both["value"] == 0) & (both["value_nonsense"] == 0)
    both["sensible"] = neither.astype("float64").where(known)
    return both


def scorer_curves(frame: pd.DataFrame, alphas: tuple[float, ...]) -> tuple[ScorerCurves, ...]:
    """Rate every scorer that has no table of its own and gives nothing but 0 and 1."""
    names = sorted(set(frame["scorer"].dropna()) - set(OWN_TABLES))
    by_name = {name: frame[frame["scorer"] == name] for name in names}
    return tuple(
        ScorerCurves(overall=curve(name, rows, alphas), categories=curves_by_category(rows, alphas))
        for name, rows in by_name.items()
        if is_binary(rows)
    )


def is_binary(rows: pd.DataFrame) -> bool:
    """Say whether a scorer's values can be counted as k of n.

    A scorer that names a unit counts something: its values are no events, even where all of them
    happen to be 0 or 1.
    """
    return bool(rows["unit"].isna().all() and rows["value"].dropna().isin([0.0, 1.0]).all())


def nonsense_curve(frame: pd.DataFrame, alphas: tuple[float, ...]) -> Curve | None:
    """Rate nonsense over all prompts; None where nothing was scored for it."""
    rows = frame[frame["scorer"] == "nonsense"]
    if rows.empty or not is_binary(rows):
        return None
    return curve("nonsense", rows, alphas)


def _flipped(one: Curve) -> Curve:
    return Curve(name=one.name, rates=tuple(complement(rate) for rate in one.rates))


def _pooled_design_effect(values: list[Floats], prompts: list[NDArray[np.object_]]) -> float | None:
    """Average the design effects of the alphas with events and non-events enough, by n."""
    effects, sizes = [], []
    for every, asked in zip(values, prompts, strict=True):
        scored = ~np.isnan(every)
        events = every[scored]
        if min(events.sum(), len(events) - events.sum()) >= RARE_EVENTS:
            effects.append(design_effect(events, asked[scored]) or 1.0)
            sizes.append(len(events))
    return float(np.average(effects, weights=sizes)) if effects else None
