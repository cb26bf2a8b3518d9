"""Means of scorers that count or grade as tables; every figure comes from the results."""

from harness.analysis.means import Mean, MeanCurve
from harness.analysis.results import Results
from harness.reporting.escape import Markdown, md
from harness.reporting.tables import DAGGER, at, table


def along(results: Results) -> Markdown:
    """Scorers that count or grade side by side, alphas downwards, their categories below."""
    curves = [one.overall for one in results.means]
    head = ["alpha", *(_with_unit(curve) for curve in curves), "unscored"]
    rows = [
        [
            at(alpha),
            *(mean_cell(curve.means[i]) for curve in curves),
            max(curve.means[i].n_unscored for curve in curves),
        ]
        for i, alpha in enumerate(results.alphas)
    ]
    return table(head, rows)


def by_category(results: Results) -> Markdown:
    """Each scorer's means in each category, alphas to the right; empty where there is one."""
    head = ["scorer", "category", *(f"alpha {alpha:g}" for alpha in results.alphas)]
    rows = [
        [one.overall.name, curve.name, *map(mean_cell, curve.means)]
        for one in results.means
        for curve in one.categories
    ]
    return table(head, rows) if rows else Markdown("")


def _with_unit(curve: MeanCurve) -> str:
    # The scorer's name may say already what it counts.
    said = curve.unit is None or curve.name.endswith(curve.unit)
    return curve.name if said else f"{curve.name} ({curve.unit})"


def mean_cell(mean: Mean) -> Markdown:
    """Show a mean, with a dagger where its interval rests on little."""
    return Markdown(f"{md(str(mean))}{DAGGER if mean.warning else ''}")
