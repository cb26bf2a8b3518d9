"""What became of each category's prompts: every kind of answer along alpha, and nonsense."""

from dataclasses import dataclass

import pandas as pd

from harness.analysis.behaviours import Curve, nonsense_curve, refusal_curves


@dataclass(frozen=True, kw_only=True)
class CategoryAnswers:
    """One category of prompts."""

    name: str
    curves: tuple[Curve, ...]
    """Refusal (partial ones included), partial refusal, soft jailbreak, and, where it was scored,
    what is neither refusal nor nonsense, and nonsense."""


def category_answers(frame: pd.DataFrame, alphas: tuple[float, ...]) -> tuple[CategoryAnswers, ...]:
    """Rate all of this in each category; empty where there is one, or nothing to tell refusals."""
    names = sorted(set(frame["category"]))
    parts = {name: frame[frame["category"] == name] for name in names} if len(names) > 1 else {}
    return tuple(
        CategoryAnswers(name=name, curves=curves)
        for name, part in parts.items()
        if (curves := _curves(part, alphas))
    )


def _curves(part: pd.DataFrame, alphas: tuple[float, ...]) -> tuple[Curve, ...]:
    found = refusal_curves(part, alphas)
    if found is None:
        return ()
    every = (
        found.refusal,
        found.partial,
        found.soft_jailbreak,
        found.sensible_non_refusal,
        nonsense_curve(part, alphas),
    )
    return tuple(curve for curve in every if curve)
