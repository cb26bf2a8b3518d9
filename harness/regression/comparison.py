"""One behaviour beside its reference: worse beyond a margin, better, stable, or undecided.

Paired by prompt, for the same prompts were asked then. Knows two rates and which way is worse.
"""

from dataclasses import dataclass
from math import ceil, sqrt
from typing import Literal

from scipy import stats

from harness.analysis.differences import (
    Difference,
    PairedChanges,
    difference,
    middles,
    paired_changes,
)
from harness.analysis.rates import SIGNIFICANCE, Rate, t_quantile
from harness.regression.directions import Direction

POWER = 0.8
"""How surely a change is to be caught where prompts are counted for it."""

Finding = Literal["regression", "improvement", "stable", "undecided", "invalid"]


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is compared, and what would be worse."""

    behaviour: str
    category: str | None
    """None: all prompts but the benign control."""
    alpha: float
    worse: Direction
    margin: float
    """Changes up to this are of no concern, 0 to 1."""

    def __str__(self) -> str:
        """Name what is asked about: ``refusal of benign prompts at alpha 0.5``."""
        of = "" if self.category is None else f" of {self.category} prompts"
        return f"{self.behaviour}{of} at alpha {self.alpha:g}"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What changed in one behaviour at one alpha, and what can be said of it alone.

    Whether it is called a regression depends on how many comparisons are made beside it; see
    :func:`~harness.regression.verdict.verdict_of`.
    """

    question: Question
    now: Rate
    reference: Rate
    difference: Difference | None
    """Now minus reference; None where one of them has no data."""
    p_worse: float = 1.0
    """Of the mean change being within the margin, though it looks worse; two-sided, so that it is
    below 0.05 where the 95 % interval lies beyond the margin."""
    p_better: float = 1.0
    """The same towards the better."""
    excludes_worse: bool = False
    """Whether the interval leaves out every change for the worse beyond the margin."""
    detectable: float | None = None
    """The smallest true change for the worse that would be caught with 80 % power, 0 to 1, even if
    nothing else changed; None where nothing can be told."""
    prompts_needed: int | None = None
    """Prompts with which a true change of twice the margin would be caught as surely."""


def compare(
    question: Question,
    now: Rate,
    reference: Rate,
    significance: float = SIGNIFICANCE,
    judged_together: int = 1,
) -> Comparison:
    """Compare a rate with its reference, prompt by prompt.

    The mean change of the prompts is tested against the margin: ``t = (m - margin) / e`` with the
    mean m and its error e as :func:`~harness.analysis.differences.difference` has them, g-1
    degrees. Of a behaviour that can get worse either way both ways are tested at half the level.

    Args:
        question: what is compared.
        now: measured.
        reference: stored; prompts that only one of them has take no part.
        significance: of intervals, 0.05 for 95 %; smaller at each look of a sequence.
        judged_together: how many comparisons the verdict is made of. Where one of them alone
            changed, Benjamini-Hochberg asks that share of the level of it, so power counts on it.
    """
    found = difference(now, reference, significance)
    changes = paired_changes(now, reference) if found else None
    if found is None or changes is None:
        return Comparison(question=question, now=now, reference=reference, difference=None)
    margin, worse = question.margin, question.worse
    falls, rises = (_p_beyond(changes, margin, sign) for sign in (-1, 1))
    p_worse, p_better = {
        "falls": (falls, rises),
        "rises": (rises, falls),
        "either way": (min(1.0, 2 * min(falls, rises)), 1.0),
    }[worse]
    detectable, needed = _power(changes, margin, significance / judged_together)
    return Comparison(
        question=question,
        now=now,
        reference=reference,
        difference=found,
        p_worse=p_worse,
        p_better=p_better,
        excludes_worse=(worse == "falls" or found.high < margin)
        and (worse == "rises" or found.low > -margin),
        detectable=detectable,
        prompts_needed=needed,
    )


def _p_beyond(changes: PairedChanges, margin: float, sign: int) -> float:
    """Test that the mean change goes no further than the margin, one way; two-sided p."""
    n_prompts = len(changes.changes)
    if n_prompts < 2:
        return 1.0
    ps = []
    for mean, error in middles(changes.changes, changes.weight):
        excess = sign * mean - margin
        ps.append(_two_sided(excess / error, n_prompts - 1) if error else float(excess <= 0))
    return min(1.0, max(ps))


def _two_sided(t: float, degrees: int) -> float:
    return 2 * float(stats.t.sf(t, degrees))


def prompts_for(margin: float, sd: float, significance: float = SIGNIFICANCE) -> int:
    """Tell how many prompts catch a true change of twice the margin with 80 % power.

    ``n = 1.25 ((t(1 - a/2) + t(0.8)) sd / margin)^2`` with n-1 degrees. The quarter is for
    what a change does to sd, for rates nearer to a half vary more, and for sd being estimated.

    Args:
        margin: above 0, up to 1.
        sd: standard deviation of a prompt's change, 0 to 1: ``sqrt(2 p (1 - p) / epochs)`` of
            prompts that all have rate p.
        significance: a; divided by the number of comparisons that are judged together.
    """
    n = 1_000_000
    for _ in range(4):  # three times suffice from ten prompts on
        reach = _reach(significance, max(1, n - 1))
        n = max(2, ceil(_PRUDENCE * (reach * sd / margin) ** 2))
    return n


_PRUDENCE = 1.25


def _reach(significance: float, degrees: int) -> float:
    """How many standard errors beyond the margin a change must be to be caught with 80 % power."""
    return t_quantile(significance, degrees) + t_quantile(2 * (1 - POWER), degrees)


def _power(
    changes: PairedChanges, margin: float, significance: float
) -> tuple[float | None, int | None]:
    """Tell what would be caught: the smallest change, and the prompts for twice the margin.

    With the error e of the mean, a true change D beyond the margin is caught with power 1 - b if
    ``D - margin >= (t(1 - a/2) + t(1 - b)) e``.
    """
    n_prompts = len(changes.changes)
    if n_prompts < 2:
        return None, None
    error = max(error for _, error in middles(changes.changes, changes.weight))
    if not error:
        return None, None
    needed = prompts_for(margin, error * sqrt(n_prompts), significance) if margin else None
    return min(1.0, margin + _reach(significance, n_prompts - 1) * error), needed
