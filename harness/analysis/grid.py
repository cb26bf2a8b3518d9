"""Every behaviour in every category along alpha: what trends are looked for in.

Knows which columns hold events. Its curves are made as those of the tables are.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from harness.analysis.behaviours import (
    OWN_TABLES,
    Curve,
    curve,
    curves_by_category,
    is_binary,
    main_and_benign,
    refusal_rows,
    sensible_rows,
)
from harness.analysis.judged import ABOVE_NAME, judge_rows

OVERALL = "all"
"""The category of a curve over a behaviour's main prompts."""


@dataclass(frozen=True, kw_only=True)
class GridCurve:
    """One behaviour in one category along alpha."""

    behaviour: str
    category: str
    """``all`` is the behaviour's main prompts, without the benign control where there is one."""
    curve: Curve


def grid(frame: pd.DataFrame, alphas: tuple[float, ...]) -> tuple[GridCurve, ...]:
    """Rate every behaviour over its main prompts, and in each category where there are several."""
    return tuple(
        one
        for name, rows, column, main in _behaviours(frame)
        for one in _curves(name, rows, column, main, alphas)
    )


def _behaviours(frame: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame, str, pd.DataFrame]]:
    """Yield name, rows, the column of events, and which rows are the main ones."""
    rows = refusal_rows(frame)
    if rows is not None:
        main, _ = main_and_benign(rows, frame)
        yield "refusal", rows, "value", main
        yield "partial refusal", rows, "partial", main
        yield "soft jailbreak", rows, "soft", main
        sensible = sensible_rows(rows, frame)
        if sensible is not None:
            main, _ = main_and_benign(sensible, frame)
            yield "sensible and not refused", sensible, "sensible", main
    names = sorted(set(frame["scorer"].dropna().unique()) - set(OWN_TABLES))
    for name in [*names, "nonsense"]:
        others = frame[frame["scorer"] == name]
        if len(others) and is_binary(others):
            yield name, others, "value", others
    judged = judge_rows(frame)
    if len(judged):
        yield ABOVE_NAME, judged, "above", main_and_benign(judged, frame)[0]


def _curves(
    name: str, rows: pd.DataFrame, column: str, main: pd.DataFrame, alphas: tuple[float, ...]
) -> Iterator[GridCurve]:
    yield GridCurve(behaviour=name, category=OVERALL, curve=curve(name, main, alphas, column))
    for one in curves_by_category(rows, alphas, column):
        yield GridCurve(behaviour=name, category=one.name, curve=one)
