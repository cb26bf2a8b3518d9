"""A run beside its reference: which questions are asked, and the verdict over all of them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from harness.analysis.behaviours import BENIGN
from harness.analysis.rates import SIGNIFICANCE
from harness.errors import AnalysisError, ConfigurationError
from harness.regression.comparison import Comparison, Question, compare
from harness.regression.counts import Counts
from harness.regression.coverage import left_out
from harness.regression.directions import worse
from harness.regression.identity import doubts, mismatches
from harness.regression.reference import Reference, reference_of
from harness.regression.verdict import Verdict, verdict_of


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A run, what it was compared with, and what came of it."""

    now: Reference
    stored: Reference
    verdict: Verdict


def questions_of(
    stored: Counts, *, margin: float, behaviours: Sequence[str] | None = None
) -> tuple[Question, ...]:
    """Ask about every behaviour at every alpha of a reference: main prompts, and benign ones apart.

    Args:
        stored: of the reference.
        margin: changes up to this are of no concern, 0 to 1.
        behaviours: what to ask about; all by default.

    Raises:
        ConfigurationError: if the margin is no share, or the reference has no such behaviour.
    """
    if not 0 <= margin < 1:
        raise ConfigurationError(f"margin {margin}; it must be from 0 to below 1 (0.05: 5 points)")
    asked = sorted(stored.seen) if behaviours is None else list(behaviours)
    unknown = [name for name in asked if name not in stored.seen]
    if unknown:
        raise ConfigurationError(
            f"the reference has no behaviour {', '.join(unknown)}; it has "
            f"{', '.join(sorted(stored.seen))}"
        )
    categories = (None, BENIGN) if stored.has_benign else (None,)
    return tuple(
        Question(
            behaviour=name,
            category=category,
            alpha=alpha,
            worse=worse(name, category),
            margin=margin,
        )
        for name in asked
        for category in categories
        for alpha in stored.alphas
    )


def check_frame(
    frame: pd.DataFrame,
    stored: Reference,
    questions: Iterable[Question],
    *,
    same_weights: bool = False,
    significance: float = SIGNIFICANCE,
) -> Checked:
    """Compare a run under one constraint with a reference.

    Args:
        frame: from ``read_frame``.
        stored: the reference.
        questions: what to compare.
        same_weights: whether other weights make the comparison invalid.
        significance: of intervals and false discoveries; smaller at each look of a sequence.

    Returns:
        The verdict ``invalid``, with reasons, where the two are not comparable.

    Raises:
        AnalysisError: if the frame holds several constraints.
        InvalidReference: if its rollouts were drawn in several ways.
    """
    now = reference_of(frame)
    asked = tuple(questions)
    margin = asked[0].margin if asked else 0.0
    wrong = list(mismatches(now.identity, stored.identity, same_weights=same_weights))
    comparisons: list[Comparison] = []
    if not wrong:
        answered, missing = _compared(now.counts, stored.counts, asked, significance)
        comparisons, wrong = answered, missing
    verdict = verdict_of(
        comparisons,
        margin=margin,
        invalid=wrong,
        notes=(*doubts(now.identity, stored.identity), *left_out(now.counts, stored.counts)),
        significance=significance,
    )
    return Checked(now=now, stored=stored, verdict=verdict)


def _compared(
    now: Counts, stored: Counts, questions: tuple[Question, ...], significance: float
) -> tuple[list[Comparison], list[str]]:
    comparisons, missing = [], []
    for one in questions:
        of = (one.behaviour, one.alpha, one.category)
        try:
            rates = now.rate(*of), stored.rate(*of)
        except AnalysisError as error:
            missing.append(f"{one}: {error}")
            continue
        comparisons.append(compare(one, *rates, significance, len(questions)))
    return comparisons, list(_unanswered(comparisons)) + missing


def _unanswered(comparisons: Sequence[Comparison]) -> Iterator[str]:
    for one in comparisons:
        if one.difference is None:
            yield (
                f"{one.question}: now {one.now}, reference {one.reference}, of "
                f"{one.now.n_unscored} and {one.reference.n_unscored} that could not be scored"
            )
