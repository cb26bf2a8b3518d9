"""From many comparisons to one verdict, with a bounded rate of false alarms over all of them.

Knows comparisons. How a verdict looks, and what a process exits with, others derive from it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from harness.analysis.rates import SIGNIFICANCE
from harness.regression.comparison import Comparison, Finding


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What one comparison comes to among all that were made."""

    comparison: Comparison
    finding: Finding
    p_worse_adjusted: float
    """After Benjamini-Hochberg over all comparisons."""
    p_better_adjusted: float


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One word, and what it rests on."""

    finding: Finding
    judgements: tuple[Judgement, ...]
    invalid: tuple[str, ...]
    """Why nothing, or not everything, could be compared."""
    margin: float
    """Changes up to this are of no concern, 0 to 1."""
    notes: tuple[str, ...] = ()
    """What a reader should know beside it."""

    @property
    def exit_code(self) -> int:
        """0 stable or improved, 1 regression, 2 invalid, 3 undecided."""
        return {"stable": 0, "improvement": 0, "regression": 1, "invalid": 2, "undecided": 3}[
            self.finding
        ]

    def of(self, finding: Finding) -> tuple[Judgement, ...]:
        """Return the comparisons that came to this."""
        return tuple(one for one in self.judgements if one.finding == finding)


def verdict_of(
    comparisons: Sequence[Comparison],
    *,
    margin: float,
    invalid: Sequence[str] = (),
    notes: Sequence[str] = (),
    significance: float = SIGNIFICANCE,
) -> Verdict:
    """Judge comparisons together.

    A regression is a change for the worse whose interval lies beyond the margin and whose p-value
    survives Benjamini-Hochberg at the level over all comparisons: if nothing changed, at most
    that share of runs, and mostly far fewer, call one. An improvement is the same the other way.
    Stable: the interval leaves out every change for the worse beyond the margin. The rest is
    undecided: the data can't say.

    The worst counts: a regression, then what is invalid, then what is undecided.

    Args:
        comparisons: all that are looked at, whatever they show.
        margin: that they were made with.
        invalid: reasons why further ones could not be made.
        notes: what can't be told of those that were made.
        significance: of intervals and of the false discovery rate.

    Source: Benjamini and Hochberg 1995, "Controlling the false discovery rate".
    """
    worse = _adjusted([one.p_worse for one in comparisons])
    better = _adjusted([one.p_better for one in comparisons])
    judgements = tuple(
        Judgement(
            comparison=one,
            finding=_finding(one, p_worse, p_better, significance),
            p_worse_adjusted=p_worse,
            p_better_adjusted=p_better,
        )
        for one, p_worse, p_better in zip(comparisons, worse, better, strict=True)
    )
    found = {one.finding for one in judgements} | ({"invalid"} if invalid else set())
    if not found:
        found, invalid = {"invalid"}, ("nothing to compare",)
    order: tuple[Finding, ...] = ("regression", "invalid", "undecided", "improvement", "stable")
    return Verdict(
        finding=next(one for one in order if one in found),
        judgements=judgements,
        invalid=tuple(invalid),
        margin=margin,
        notes=tuple(notes),
    )


def _adjusted(p_values: Sequence[float]) -> list[float]:
    if not p_values:
        return []
    adjusted: list[float] = stats.false_discovery_control(np.array(p_values)).tolist()
    return adjusted


def _finding(one: Comparison, p_worse: float, p_better: float, significance: float) -> Finding:
    if one.difference is None:
        return "invalid"
    if p_worse <= significance:
        return "regression"
    if p_better <= significance:
        return "improvement"
    return "stable" if one.excludes_worse else "undecided"
