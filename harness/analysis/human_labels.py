"""How far a scorer agrees with people: kappa with an interval that knows about prompts.

Responses to one prompt are alike, whichever model gave them, so the interval draws whole prompts.
Knows labels only; refuses to know text.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from statsmodels.stats.inter_rater import cohens_kappa

from harness.errors import AnalysisError

N_RESAMPLES = 2000
_SEED = 20
# Resamples in which both always say the same have no kappa; an interval needs most of them.
_LEAST_DEFINED = 0.9

Counts = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Kappa:
    """Cohen's kappa, -1 to 1: agreement beyond what two such raters reach by chance."""

    value: float | None
    """None where it is undefined: nothing to compare, or both always say the same."""
    low: float | None
    """Ends of the percentile bootstrap's 95 % interval over prompts; None where undefined."""
    high: float | None
    n: int
    """Responses."""
    n_prompts: int

    def __str__(self) -> str:
        """Show as ``0.91 [0.88, 0.94]``."""
        if self.value is None:
            return "no data"
        ends = "" if self.low is None else f" [{self.low:.2f}, {self.high:.2f}]"
        return f"{self.value:.2f}{ends}"


def label_kappa(
    people: Sequence[str],
    scorer: Sequence[str],
    prompts: Sequence[str],
    labels: Sequence[str],
    n_resamples: int = N_RESAMPLES,
) -> Kappa:
    """Compare two raters of the same responses.

    ``(p_o - p_e) / (1 - p_e)``, with the observed agreement p_o and that of raters who give
    their labels at random, as often as these do. The interval: whole prompts are drawn with
    replacement, and the 2.5th and 97.5th percentile of kappa are taken.

    Args:
        people: one label a response.
        scorer: the other rater's, in the same order.
        prompts: what each response answers.
        labels: all that occur.
        n_resamples: of the bootstrap, seeded.

    Raises:
        AnalysisError: if a label is not among ``labels``, or the lengths differ.

    Source: Cohen 1960, as statsmodels computes it.
    """
    tables = _tables(people, scorer, prompts, labels)
    value = _kappa(tables.sum(axis=0))
    low, high = _interval(tables, n_resamples) if value is not None else (None, None)
    return Kappa(value=value, low=low, high=high, n=len(people), n_prompts=len(tables))


def confusion_of(people: Sequence[str], scorer: Sequence[str], labels: Sequence[str]) -> Counts:
    """Count the pairs of labels, [people, scorer], in the order of ``labels``."""
    counts: Counts = _tables(people, scorer, ["one"] * len(people), labels).sum(axis=0)
    return counts


def f1_of(confusion: Counts, index: int) -> float | None:
    """``2 tp / (2 tp + fp + fn)`` of one label, 0 to 1; None where nobody gave it."""
    given = confusion[index].sum() + confusion[:, index].sum()
    return float(2 * confusion[index, index] / given) if given else None


def chosen_elsewhere(
    rules: Sequence[str | None], right: Sequence[bool], sources: Sequence[str]
) -> list[bool]:
    """Whether the rule that decided a response earns its place on the other source models.

    It does where it decided there more responses rightly than wrongly; no rule decides compliance,
    which is always kept. Labels of the held-out source take no part in what is kept for it.
    """
    net: dict[tuple[str, str], int] = {}
    for rule, is_right, source in zip(rules, right, sources, strict=True):
        if rule is not None:
            net[rule, source] = net.get((rule, source), 0) + (1 if is_right else -1)
    total: dict[str, int] = {}
    for (rule, _), gain in net.items():
        total[rule] = total.get(rule, 0) + gain
    return [
        rule is None or total[rule] - net[rule, source] > 0
        for rule, source in zip(rules, sources, strict=True)
    ]


def _tables(
    people: Sequence[str],
    scorer: Sequence[str],
    prompts: Sequence[str],
    labels: Sequence[str],
) -> Counts:
    """Count the pairs of labels of each prompt, [prompts, people, scorer]."""
    if not len(people) == len(scorer) == len(prompts):
        raise AnalysisError(
            f"{len(people)} labels, {len(scorer)} of the other rater and {len(prompts)} prompts: "
            "one each per response is needed"
        )
    places = {label: place for place, label in enumerate(labels)}
    if unknown := {*people, *scorer} - places.keys():
        raise AnalysisError(f"labels {sorted(map(repr, unknown))} are not among {list(labels)}")
    rows = {prompt: row for row, prompt in enumerate(dict.fromkeys(prompts))}
    tables = np.zeros((len(rows), len(labels), len(labels)), dtype=np.int64)
    for said, scored, prompt in zip(people, scorer, prompts, strict=True):
        tables[rows[prompt], places[said], places[scored]] += 1
    return tables


def _kappa(table: Counts) -> float | None:
    if not table.any():
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # 0/0 where both always say the same
        value = float(cohens_kappa(table, return_results=False))
    return value if np.isfinite(value) else None


def _interval(tables: Counts, n_resamples: int) -> tuple[float | None, float | None]:
    n = len(tables)
    draws = np.random.default_rng(_SEED).multinomial(n, np.full(n, 1 / n), size=n_resamples)
    # Of few prompts many resamples are alike.
    drawn, times = np.unique(np.tensordot(draws, tables, axes=1), axis=0, return_counts=True)
    each = np.array([_kappa(table) for table in drawn], dtype=np.float64)  # None becomes NaN
    kappas = np.repeat(each, times)
    defined = kappas[~np.isnan(kappas)]
    if n < 2 or len(defined) < _LEAST_DEFINED * n_resamples:
        return None, None
    low, high = np.percentile(defined, (2.5, 97.5))
    return float(low), float(high)
